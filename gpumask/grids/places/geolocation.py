"""Geolocation arrays: a swath whose samples say where on the ground they lie, and the way back."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpumask.backends import on_host
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.pixels.missing import check_declares_nothing, nan_where_missing

_SEEDS = 48  # samples along each axis among which the nearest begins the search
_STEPS = 40  # of Newton's method at most
_ENOUGH = 1e-9  # samples that the last step may still go
_MISSED = 1e-6  # target pixels that what was found may be off
_QUERIES = 1 << 14  # at a time
_TORN = 100  # times as wide as half the cells are


@dataclass(frozen=True, eq=False, repr=False)
class Geolocation:
    """Where the samples of a source lie: longitudes and latitudes of a swath, for instance.

    x, y: (row, col) of a CRS; NaN, or masked, where unknown; they come to host memory.
    step: (rows, cols) of source pixels from sample to sample. first: (row, col) of the source pixel that the first
    sample is the centre of. Between samples a target's rows and columns are bilinear; a cell that its projection tears,
    such as one on the edge of a map, holds nothing.
    """

    x: Any
    y: Any
    step: tuple[float, float] = (1, 1)
    first: tuple[float, float] = (0, 0)

    def __post_init__(self) -> None:
        """Check the shapes."""
        for name in ("x", "y"):
            given, title = getattr(self, name), f"geolocation.{name}"
            check_declares_nothing(title, given)
            object.__setattr__(self, name, on_host(title, nan_where_missing(given)).astype(np.float64))
        if self.x.shape != self.y.shape or self.x.ndim != 2 or min(self.x.shape) < 2:
            raise GpumaskError(
                f"geolocation: expected x and y of one shape, 2 x 2 or more; got {self.x.shape}, {self.y.shape}"
            )
        if not (np.isfinite(self.x) & np.isfinite(self.y)).any():
            raise GpumaskError("geolocation: expected x and y that are finite somewhere; got none")
        for name in ("step", "first"):
            object.__setattr__(self, name, _pair(name, getattr(self, name)))
        if min(self.step) <= 0:
            raise GpumaskError(f"geolocation: expected a step above 0; got {self.step}")

    def __repr__(self) -> str:
        """Say what it is made from; a checksum stands for the samples."""
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
        raise GpumaskError(f"geolocation: expected a {name} that is finite; got {given!r}")
    return rows, cols


def corners_of(samples: np.ndarray) -> np.ndarray:
    """Return (4, …, rows - 1, cols - 1) samples at the corners of each cell."""
    return np.stack([samples[..., i : i - 1 or None, j : j - 1 or None] for i in (0, 1) for j in (0, 1)])


def widest_cell(samples: np.ndarray) -> float:
    """Return how much samples may differ in a cell that no edge of a projection tears: far more than is usual."""
    sizes = np.ptp(corners_of(samples), axis=0)
    sizes = sizes[np.isfinite(sizes)]
    return _TORN * float(np.median(sizes)) if len(sizes) else np.inf


@dataclass(frozen=True, eq=False)
class Geolocated:
    """From (rows, cols) of a target to those in a source; NaN where there are none.

    rows, cols: of the target, at the samples. widest: how many rows and columns of it a cell may take that is not torn.
    turn: after how many columns the target comes back to the same place; None: never.
    torn: (rows - 1, cols - 1) bool, cells that hold another place in the target than on the ground; None: not known.
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
        """Return (2, n) places among the samples that lie at (2, n) places of the target: Newton's method.

        In a cell the samples are bilinear; a place beyond the outer ones goes on from the cell at the edge.
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
            # No further than to the next cell but one, lest a fold throws the search out of the swath.
            step /= np.maximum(abs(step).max(axis=0) / 2, 1) ** 0.5
            at[:, active] = here + step
            active = active[abs(step).max(axis=0) > _ENOUGH]
            if not len(active):
                break
        at[:, ~(abs(off).max(axis=0) < _MISSED)] = np.nan
        return at

    def _missing(self, wanted: np.ndarray, cell: np.ndarray, within: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what is missing to places of the target, and how these change with a place in a cell."""
        (i, j), (p, q) = cell, within
        missing, jacobian = np.empty(wanted.shape), np.empty((2, *wanted.shape))
        whole = np.ones(i.shape, bool) if self.torn is None else ~self.torn[i, j]
        for axis, samples in enumerate((self.rows, self.cols)):
            v00, v01, v10, v11 = samples[i, j], samples[i, j + 1], samples[i + 1, j], samples[i + 1, j + 1]
            if axis == 1:
                v01, v10, v11 = (self._nearby(v, v00) for v in (v01, v10, v11))
                turns = self._nearby(v00, wanted[1]) - v00
                v00, v01, v10, v11 = (v + turns for v in (v00, v01, v10, v11))
            # A cell across a seam holds nothing that lies between its sides.
            v00 = np.where(whole & ~(np.ptp([v00, v01, v10, v11], axis=0) > self.widest[axis]), v00, np.nan)
            missing[axis] = wanted[axis] - ((1 - p) * ((1 - q) * v00 + q * v01) + p * ((1 - q) * v10 + q * v11))
            jacobian[axis, 0] = (1 - q) * (v10 - v00) + q * (v11 - v01)
            jacobian[axis, 1] = (1 - p) * (v01 - v00) + p * (v11 - v10)
        return missing, jacobian

    def _nearby(self, cols: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Return columns of the target by whole turns, so that they are as near as can be to others."""
        return cols if self.turn is None else cols - self.turn * np.round((cols - wanted) / self.turn)

    def _nearest(self, wanted: np.ndarray) -> np.ndarray:
        """Return the nearest of some samples to each place."""
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
