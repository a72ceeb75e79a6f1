"""Geolocation arrays: the places of a swath's samples on the ground, and the way back from a place to a sample."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpumask.backends import on_host
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.pixels.missing import check_declares_nothing, nan_where_missing

_SEEDS = 48  # samples along each axis. The search begins at the nearest of these.
_STEPS = 40  # most steps of Newton's method
_ENOUGH = 1e-9  # samples. The search ends after a step that is smaller.
_MISSED = 1e-6  # target pixels that a result may be off
_QUERIES = 1 << 14  # places at a time
_TORN = 100  # a cell so many times as wide as the median is torn


@dataclass(frozen=True, eq=False, repr=False)
class Geolocation:
    """Where the samples of a source lie, such as the longitudes and latitudes of a swath.

    Between samples, the rows and columns of a target are bilinear. A target's projection may tear a cell, at the edge
    of its map for example. Such a cell holds nothing.

    Parameters
    ----------
    x, y
        (row, col) arrays of coordinates in a CRS. They are NaN or masked where they are unknown. They are brought to
        host memory.
    step
        The (rows, cols) of source pixels from sample to sample.
    first
        The (row, col) of the source pixel whose centre is the first sample.

    Raises
    ------
    GpumaskError
        If the shapes differ, there are fewer than 2 x 2 samples, or none is finite.

    Examples
    --------
    >>> Geolocation([[10.0, 11.0], [10.0, 11.0]], [[50.0, 50.0], [49.0, 49.0]], step=(8, 8)).step
    (8.0, 8.0)
    """

    x: Any
    y: Any
    step: tuple[float, float] = (1, 1)
    first: tuple[float, float] = (0, 0)

    def __post_init__(self) -> None:
        """Check the arguments."""
        for name in ("x", "y"):
            given, title = getattr(self, name), f"geolocation.{name}"
            check_declares_nothing(title, given)
            object.__setattr__(self, name, on_host(title, nan_where_missing(given)).astype(np.float64))
        if self.x.shape != self.y.shape or self.x.ndim != 2 or min(self.x.shape) < 2:
            raise GpumaskError(
                f"geolocation: expected x and y of the same shape, 2 x 2 or more; got {self.x.shape}, {self.y.shape}"
            )
        if not (np.isfinite(self.x) & np.isfinite(self.y)).any():
            raise GpumaskError("geolocation: expected at least one sample with finite x and y; got none")
        for name in ("step", "first"):
            object.__setattr__(self, name, _pair(name, getattr(self, name)))
        if min(self.step) <= 0:
            raise GpumaskError(f"geolocation: expected a step above 0; got {self.step}")

    def __repr__(self) -> str:
        """Show the arguments, with a checksum for the samples."""
        checksum = zlib.crc32(self.y.tobytes(), zlib.crc32(self.x.tobytes()))
        return f"Geolocation({self.x.shape}, crc32={checksum:#x}, step={self.step}, first={self.first})"


def _pair(name: str, given: Any) -> tuple[float, float]:
    """Return (rows, cols) as floats."""
    try:
        rows, cols = map(float, given)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(
            f"geolocation: expected a {name} of two numbers, (rows, cols); got {given!r}"
        ) from error
    if not np.isfinite([rows, cols]).all():
        raise GpumaskError(f"geolocation: expected a finite {name}; got {given!r}")
    return rows, cols


def corners_of(samples: np.ndarray) -> np.ndarray:
    """Return (4, …, rows - 1, cols - 1) samples at the corners of each cell."""
    return np.stack([samples[..., i : i - 1 or None, j : j - 1 or None] for i in (0, 1) for j in (0, 1)])


def widest_cell(samples: np.ndarray) -> float:
    """Return how much samples may differ in a cell that is not torn by an edge of a projection."""
    sizes = np.ptp(corners_of(samples), axis=0)
    sizes = sizes[np.isfinite(sizes)]
    return _TORN * float(np.median(sizes)) if len(sizes) else np.inf


@dataclass(frozen=True, eq=False)
class Geolocated:
    """The way from (rows, cols) of a target to those in a swath. They are NaN where there are none.

    Attributes
    ----------
    geolocation
        The swath.
    rows, cols
        The rows and columns of the target at the samples.
    widest
        The most rows and columns of the target in a cell that is not torn.
    turn
        The columns after which the target comes back to the same place. None means never.
    torn
        (rows - 1, cols - 1) bool, True for cells whose middle is another place in the target than on the ground. None
        means that this is not known.
    """

    geolocation: Geolocation
    rows: np.ndarray
    cols: np.ndarray
    widest: tuple[float, float] = (np.inf, np.inf)
    turn: float | None = None
    torn: np.ndarray | None = None

    def __call__(self, rows: np.ndarray, cols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return rows and columns in the source."""
        rows, cols = np.broadcast_arrays(np.asarray(rows, float), np.asarray(cols, float))
        found = np.empty((2, rows.size))
        for first in range(0, rows.size, _QUERIES):
            some = slice(first, first + _QUERIES)
            found[:, some] = self._search(np.stack([rows.ravel()[some], cols.ravel()[some]]))
        steps, firsts = np.array([self.geolocation.step, self.geolocation.first])
        row, col = (found.T * steps + firsts).T.reshape(2, *rows.shape)
        return row, col

    def _search(self, wanted: np.ndarray) -> np.ndarray:
        """Return (2, n) places among the samples that lie at (2, n) places of the target, by Newton's method.

        The samples are bilinear in a cell. The cells at the edge are extended for places beyond the outer samples.
        """
        at = self._nearest(wanted)
        most = np.array([[n - 2] for n in self.rows.shape])
        off = np.full(wanted.shape, np.nan)
        active = np.arange(wanted.shape[1])
        for _ in range(_STEPS):
            here = at[:, active]
            cell = np.clip(np.nan_to_num(np.floor(here)), 0, most).astype(int)
            missing, jacobian = self._missing(wanted[:, active], cell, here - cell)
            off[:, active] = missing
            (a, b), (c, d) = jacobian
            determinant = a * d - b * c
            step = np.stack([d * missing[0] - b * missing[1], a * missing[1] - c * missing[0]]) / determinant
            # A step goes at most to the next cell but one, so that a fold does not throw the search out of the swath.
            step /= np.maximum(abs(step).max(axis=0) / 2, 1) ** 0.5
            at[:, active] = here + step
            active = active[abs(step).max(axis=0) > _ENOUGH]
            if not len(active):
                break
        at[:, ~(abs(off).max(axis=0) < _MISSED)] = np.nan
        return at

    def _missing(self, wanted: np.ndarray, cell: np.ndarray, within: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return how far places in cells are off the wanted places of the target, and the derivatives of that."""
        (i, j), (p, q) = cell, within
        missing, jacobian = np.empty(wanted.shape), np.empty((2, *wanted.shape))
        whole = np.ones(i.shape, bool) if self.torn is None else ~self.torn[i, j]
        for axis, samples in enumerate((self.rows, self.cols)):
            v00, v01, v10, v11 = samples[i, j], samples[i, j + 1], samples[i + 1, j], samples[i + 1, j + 1]
            if axis == 1:
                v01, v10, v11 = (self._nearby(v, v00) for v in (v01, v10, v11))
                turns = self._nearby(v00, wanted[1]) - v00
                v00, v01, v10, v11 = (v + turns for v in (v00, v01, v10, v11))
            # A place between the two sides of a cell across the seam does not lie in the cell.
            v00 = np.where(whole & ~(np.ptp([v00, v01, v10, v11], axis=0) > self.widest[axis]), v00, np.nan)
            missing[axis] = wanted[axis] - ((1 - p) * ((1 - q) * v00 + q * v01) + p * ((1 - q) * v10 + q * v11))
            jacobian[axis, 0] = (1 - q) * (v10 - v00) + q * (v11 - v01)
            jacobian[axis, 1] = (1 - p) * (v01 - v00) + p * (v11 - v10)
        return missing, jacobian

    def _nearby(self, cols: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Return columns of the target moved by whole turns, as near to other columns as possible."""
        return cols if self.turn is None else cols - self.turn * np.round((cols - wanted) / self.turn)

    def _nearest(self, wanted: np.ndarray) -> np.ndarray:
        """Return for each place the nearest of some samples."""
        some = [np.unique(np.linspace(0, n - 1, min(n, _SEEDS)).round().astype(int)) for n in self.rows.shape]
        i, j = (index.ravel() for index in np.meshgrid(*some, indexing="ij"))
        rows, cols = self.rows[i, j], self.cols[i, j]
        known = np.isfinite(rows) & np.isfinite(cols)
        if not known.any():
            return np.full(wanted.shape, np.nan)
        i, j, rows, cols = i[known], j[known], rows[known], cols[known]
        best = np.empty(wanted.shape[1], int)
        for first in range(0, wanted.shape[1], 512):
            row, col = wanted[:, first : first + 512, None]
            best[first : first + 512] = ((rows - row) ** 2 + (self._nearby(cols, col) - col) ** 2).argmin(axis=1)
        return np.stack([i[best], j[best]]).astype(float)
