"""Rational polynomials over a raster of heights: coordinates of many pixels, and where heights are uneven.

The coordinates are those of GDAL's transformer, within 1e-6 pixels. GDAL and PROJ are asked only at a few places of a
block of pixels, and the rest is interpolated. Two things are interpolated, because they are smooth: where the pixels
lie in the raster of heights, and the coordinates at some heights. The height of each pixel is bilinear, as in GDAL.

Each block is compared with GDAL's own coordinates. GDAL computes every pixel of a block that differs, and every pixel
with unusual heights (beyond the raster, or nodata).
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gpumask.grids.places.sensor import RationalPolynomials
from gpumask.pixels.window import Window

if TYPE_CHECKING:
    from gpumask.grids.places.affine import Points
    from gpumask.grids.places.projection import Projection

BLOCK = 256  # pixels of a block along each axis
BEYOND = 8  # pixels around a source whose coordinates matter. No interpolator's taps reach further.
_NODES, _HEIGHTS = 7, 5  # places along each axis of a block (below 8, so that sums are in order), and heights
_BETWEEN = np.array([0.03, 0.2, 0.55, 0.84, 0.98])  # places in a block where the interpolation is compared
_SCALED = np.array([-1.0, -0.5, 0.1, 1.0])  # scaled heights at which it is compared
_RANGE = 2.0  # heights are interpolated within so many of the polynomials' height scales around their offset
_OFF, _OFF_IN_HEIGHTS = 2e-7, 2e-9  # most error of interpolation, in pixels of the source and of the heights
_UNLIKE = 1e-6  # most pixels that coordinates may differ from GDAL's
_KEPT = 1024  # blocks that a thread keeps
_SAMPLES = 1 << 22  # samples of heights that are read at a time
_BULGE = 0.125  # share of the extent of a block's corners and centres that its bent edges may reach beyond
_own = threading.local()


@dataclass(frozen=True)
class _Smooth:
    """Smooth functions of (row, col) in a block, as coefficients of Chebyshev's polynomials.

    Each function has as many coefficients as it needs.
    """

    block: Window
    functions: list[np.ndarray]

    @classmethod
    def through(cls, block: Window, values: np.ndarray, negligible: list[float]) -> _Smooth:
        """Interpolate (functions, rows, cols) values at the nodes of a block."""
        down, across = (np.linalg.inv(_chebyshev(n, _nodes(n))) for n in block.shape)
        return cls(block, [_trimmed(down @ of @ across.T, off) for of, off in zip(values, negligible, strict=True)])

    def at(self, rows: np.ndarray, cols: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the functions at rows and columns of the target.

        No sum depends on which other pixels are asked for.
        """
        down, across = (
            _chebyshev(n, places - first)
            for n, places, first in zip(self.block.shape, (rows, cols), (self.block.row, self.block.col), strict=True)
        )
        for of in self.functions:
            along = np.add.reduce(of[:, :, None] * across.T[: of.shape[1]], axis=1)
            found = np.empty((len(rows), len(cols)))
            found[:] = along[0]
            for k, of_row in enumerate(along[1:], start=1):
                found += down[:, k, None] * of_row
            yield found


@dataclass(frozen=True, eq=False)
class Terrain:
    """Where the pixels of a target lie in a source of rational polynomials with a raster of heights.

    `shape` is the (rows, cols) of the target.
    """

    exact: Projection
    shape: tuple[int, int]

    def __call__(self, window: Window) -> Points:
        """Return the rows and columns in the source of a window of pixels, within 1e-6 of GDAL's."""
        found = np.empty((2, *window.shape))
        for block in _blocks(window, self.shape):
            part = block.intersect(window)
            rows, cols = (np.arange(at.start, at.stop, dtype=float) for at in part.slices)
            smooth = self._smooth(block)
            at = part.shift(-window.row, -window.col).slices
            found[:, *at] = self.exact(rows[:, None], cols) if smooth is None else self._found(smooth, rows, cols)
        return found[0], found[1]

    def uneven(self, source_shape: tuple[int | None, int | None] | None, most: float) -> np.ndarray:
        """Say of each block whether its heights differ so much that coordinates may be more than `most` pixels off.

        A block where heights end is uneven. A block of which nothing reaches the source is not.
        """
        counts = [-(-n // BLOCK) for n in self.shape]
        firsts = [BLOCK * np.arange(count) for count in counts]
        lasts = [np.minimum(first + BLOCK, n - 1) for first, n in zip(firsts, self.shape, strict=True)]
        rows, cols = (np.stack([a, (a + b) / 2, b], 1).ravel() for a, b in zip(firsts, lasts, strict=True))
        with np.errstate(all="ignore"):
            x, y = self.exact.places(rows[:, None], cols)
            places = _by_block(np.stack(self._in_heights(x, y)))
            bent = _bent(places)
            least, greatest, whole = (np.empty(counts, dtype) for dtype in (float, float, bool))
            for i, j in np.ndindex(*counts):
                least[i, j], greatest[i, j], whole[i, j] = self._range(places[:, i, j])
            low, high = (np.repeat(np.repeat(h, 3, 0), 3, 1) for h in (least - 10, greatest + 10))
            ends = [_by_block(np.stack(self._model.at_heights(x, y, h))) for h in (low, high)]
            metre = np.hypot(*(ends[1] - ends[0])).max(axis=-1) / (greatest - least + 20) * (1 + _BULGE)
            # The error of a bilinear grid is how far heights are from their middle, at a pixel and at its nodes. The
            # measured error may be as much off.
            even = whole & (2 * metre * (greatest - least) <= most)
            reaches = _reaches(np.concatenate(ends, axis=-1), source_shape) | _bent(ends[0]) | _bent(ends[1])
        return bent | (~even & ~np.isnan(least) & reaches)

    @property
    def _model(self) -> RationalPolynomials:
        model: RationalPolynomials = self.exact.source
        return model

    def _found(self, smooth: _Smooth, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Return (row, col) in the source. Ask GDAL where heights are unusual."""
        found, odd = self._interpolated(smooth, rows, cols)
        if odd.any():
            i, j = np.nonzero(odd)
            with np.errstate(all="ignore"):
                found[:, i, j] = self.exact(rows[i], cols[j])
        return found

    def _interpolated(self, smooth: _Smooth, rows: np.ndarray, cols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (row, col) in the source, and where this way does not give them."""
        functions = smooth.at(rows, cols)
        height, odd = self._heights(next(functions), next(functions))
        scaled = (height - self._model.rpc.height_off) / (_RANGE * self._model.rpc.height_scale)
        with np.errstate(invalid="ignore"):
            odd |= ~(abs(scaled) <= 1)
        return np.stack(_of_heights(functions, scaled)), odd

    def _smooth(self, block: Window) -> _Smooth | None:
        """Return the smooth functions of a block. Return None if they are not smooth or differ from GDAL's."""
        if getattr(_own, "terrain", None) is not self:
            _own.terrain, _own.known = self, {}
        if block not in _own.known:
            if len(_own.known) >= _KEPT:
                _own.known.clear()
            with np.errstate(all="ignore"):
                _own.known[block] = self._compared(block)
        smooth: _Smooth | None = _own.known[block]
        return smooth

    def _compared(self, block: Window) -> _Smooth | None:
        """Interpolate and compare: the smooth functions between the nodes, and the whole result at some pixels."""
        scaled = np.cos(np.pi * (np.arange(_HEIGHTS) + 0.5) / _HEIGHTS)
        nodes = [_nodes(n) + first for n, first in zip(block.shape, (block.row, block.col), strict=True)]
        in_heights, in_source = self._exactly(nodes[0], nodes[1], scaled)
        powers = np.tensordot(in_source, np.linalg.inv(np.vander(scaled, increasing=True)), (1, 1))
        values = np.concatenate([in_heights, np.moveaxis(powers, -1, 1).reshape(-1, *in_heights.shape[1:])])
        if not np.isfinite(values).all():
            return None
        smooth = _Smooth.through(block, values, [_OFF_IN_HEIGHTS / 100] * 2 + [_OFF / 100] * 2 * _HEIGHTS)
        between = [_BETWEEN * (n - 1) + first for n, first in zip(block.shape, (block.row, block.col), strict=True)]
        in_heights, in_source = self._exactly(between[0], between[1], _SCALED)
        functions = list(smooth.at(*between))
        off = abs(np.stack(functions[:2]) - in_heights).max()
        off_in_source = [
            abs(np.stack(_of_heights(iter(functions[2:]), scaled)) - in_source[:, k]).max()
            for k, scaled in enumerate(_SCALED)
        ]
        if not (off <= _OFF_IN_HEIGHTS and max(off_in_source) <= _OFF):
            return None
        rows, cols = (np.unique(np.round(places)) for places in between)
        at_pixels, odd = self._interpolated(smooth, rows, cols)
        alike = abs(at_pixels - np.stack(self.exact(rows[:, None], cols))).max(axis=0) <= _UNLIKE
        return smooth if not odd.all() and alike[~odd].all() else None

    def _exactly(self, rows: np.ndarray, cols: np.ndarray, scaled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (2, rows, cols) places in the raster of heights, and (2, heights, rows, cols) in the source."""
        x, y = self.exact.places(rows[:, None], cols)
        heights = self._model.rpc.height_off + _RANGE * self._model.rpc.height_scale * scaled
        in_source = self._model.at_heights(x, y, heights[:, None, None])
        return np.stack(self._in_heights(x, y)), np.stack(in_source)

    def _in_heights(self, x: np.ndarray, y: np.ndarray) -> Points:
        """Return (row, col) in the raster of heights, from the centre of its first pixel."""
        from rasterio.warp import transform

        dataset = self._model.heights()
        if dataset.crs is not None:
            x, y = (np.reshape(of, x.shape) for of in transform("OGC:CRS84", dataset.crs, x.ravel(), y.ravel()))
        a, b, c, d, e, f = (~dataset.transform)[:6]
        return d * x + e * y + f - 0.5, a * x + b * y + c - 0.5

    def _heights(self, row: np.ndarray, col: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return heights at places in their raster, and where these are unusual."""
        n_rows, n_cols = self._model.heights().shape
        with np.errstate(invalid="ignore"):
            odd = ~((row >= 0) & (row <= n_rows - 1) & (col >= 0) & (col <= n_cols - 1))
        if odd.all() or min(n_rows, n_cols) < 2:
            return np.full(row.shape, np.nan), np.ones(row.shape, bool)
        i, j = (
            np.minimum(np.where(odd, at[~odd][0], at), n - 2).astype(np.intp)
            for at, n in ((row, n_rows), (col, n_cols))
        )
        window = Window(int(i.min()), int(j.min()), int(np.ptp(i)) + 2, int(np.ptp(j)) + 2).pad(1)
        window = window.intersect(Window.of_shape((n_rows, n_cols)))
        if window.rows * window.cols > _SAMPLES and row.size > 1:
            axis = int(row.shape[1] > row.shape[0])
            half = row.shape[axis] // 2
            halves = [self._heights(*of) for of in zip(*(np.split(at, [half], axis) for at in (row, col)), strict=True)]
            return np.concatenate([of[0] for of in halves], axis), np.concatenate([of[1] for of in halves], axis)
        samples, bad = self._read(window)
        first = (i - window.row) * window.cols + (j - window.col)
        corners = [first + step for step in (0, 1, window.cols, window.cols + 1)]
        if bad.any():  # rounding decides which neighbours a place at a sample needs
            bad = _of_neighbours(bad)
            odd = np.logical_or.reduce([odd, *(bad.take(corner) for corner in corners)])
        v00, v01, v10, v11 = (samples.take(corner).astype(float) for corner in corners)
        down, across = row - i, col - j
        with np.errstate(all="ignore"):
            top, bottom = v00 + across * (v01 - v00), v10 + across * (v11 - v10)
            return top + down * (bottom - top), odd

    def _range(self, places: np.ndarray) -> tuple[float, float, bool]:
        """Return the least and the greatest height around places, NaN for none, and whether all heights are known."""
        first, last = places.min(axis=1), places.max(axis=1)
        if not np.isfinite([first, last]).all():
            return 0.0, 0.0, False
        margin, shape = 1 + _BULGE * (last - first), np.array(self._model.heights().shape)
        begin, end = np.floor(first - margin), np.ceil(last + margin) + 1
        (top, left), (bottom, right) = (np.clip(at, 0, shape).astype(int).tolist() for at in (begin, end))
        if top >= bottom or left >= right:
            return np.nan, np.nan, False
        whole, ranges = bool((begin >= 0).all() and (end <= shape).all()), []
        for part in Window(top, left, bottom - top, right - left).tiles(
            max(_SAMPLES // (right - left), 1), right - left
        ):
            samples, bad = self._read(part)
            whole &= not bad.any()
            if not bad.all():
                known = samples[~bad] if bad.any() else samples
                ranges.append((float(known.min()), float(known.max())))
        if not ranges:
            return np.nan, np.nan, False
        return min(low for low, _ in ranges), max(high for _, high in ranges), whole

    def _read(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Return a window of heights, and which of them are missing."""
        (rows, cols), dataset = window.slices, self._model.heights()
        samples = dataset.read(1, window=((rows.start, rows.stop), (cols.start, cols.stop)))
        bad = ~np.isfinite(samples)
        if dataset.nodata is not None and np.isfinite(dataset.nodata):
            bad |= abs(samples.astype(float) - dataset.nodata) <= 1e-5 * max(abs(dataset.nodata), 1)
        return samples, bad


def _blocks(window: Window, shape: tuple[int, int]) -> list[Window]:
    """Return the blocks of a target that a window meets."""
    starts = [range(at.start // BLOCK * BLOCK, at.stop, BLOCK) for at in window.slices]
    whole = Window.of_shape(shape)
    return [Window(row, col, BLOCK, BLOCK).intersect(whole) for row in starts[0] for col in starts[1]]


def _nodes(n: int) -> np.ndarray:
    """Return places along an axis of n pixels: all pixels, or Chebyshev's places from the first to the last pixel."""
    if n <= _NODES:
        return np.arange(n, dtype=float)
    return (n - 1) * (1 - np.cos(np.pi * np.arange(_NODES) / (_NODES - 1))) / 2


def _chebyshev(n: int, at: np.ndarray) -> np.ndarray:
    """Return (places, polynomials) values along an axis of n pixels, as many as it has nodes."""
    return np.polynomial.chebyshev.chebvander(2 * at / max(n - 1, 1) - 1, min(n, _NODES) - 1)


def _trimmed(coefficients: np.ndarray, negligible: float) -> np.ndarray:
    """Leave out the last rows and columns of coefficients if all are negligible, but keep the first ones."""
    rows, cols = (np.flatnonzero((abs(coefficients) > negligible).any(axis=axis)) for axis in (1, 0))
    return coefficients[: rows.max(initial=0) + 1, : cols.max(initial=0) + 1]


def _of_heights(functions: Iterator[np.ndarray], scaled: np.ndarray) -> list[np.ndarray]:
    """Return sums of powers of scaled heights, for rows and for columns."""
    found = []
    for _ in range(2):
        coefficients = list(itertools.islice(functions, _HEIGHTS))
        total = coefficients.pop()
        while coefficients:
            total = total * scaled + coefficients.pop()
        found.append(total)
    return found


def _of_neighbours(bad: np.ndarray) -> np.ndarray:
    """Say which samples are bad or next to bad ones."""
    around = np.pad(bad, 1)
    around = around[:-2] | around[1:-1] | around[2:]
    return np.asarray(around[:, :-2] | around[:, 1:-1] | around[:, 2:])


def _by_block(places: np.ndarray) -> np.ndarray:
    """Bring (2, 3 * rows, 3 * cols) to (2, rows, cols, 9)."""
    _, rows, cols = places.shape
    return places.reshape(2, rows // 3, 3, cols // 3, 3).transpose(0, 1, 3, 2, 4).reshape(2, rows // 3, cols // 3, 9)


def _bent(places: np.ndarray) -> np.ndarray:
    """Say which blocks of (2, rows, cols, 9) places are so uneven that the nine don't tell how far others reach."""
    of_block = places.reshape(*places.shape[:3], 3, 3)
    bends = [abs(at[1] - (at[0] + at[2]) / 2) for at in (np.moveaxis(of_block, axis, 0) for axis in (3, 4))]
    bend, extent = np.concatenate(bends, axis=-1).max(axis=-1), np.ptp(places, axis=-1)
    return np.asarray(~(bend <= _BULGE * extent).all(axis=0))


def _reaches(places: np.ndarray, source_shape: tuple[int | None, int | None] | None) -> np.ndarray:
    """Say which blocks of (2, rows, cols, n) places in a source may reach it."""
    reaches = np.ones(places.shape[1:3], bool)
    if source_shape is None:
        return reaches
    for at, n in zip(places, source_shape, strict=True):
        if n is None:
            continue
        least, greatest = at.min(axis=-1), at.max(axis=-1)
        beyond = BEYOND + _BULGE * (greatest - least)
        reaches &= ~(greatest < -beyond) & ~(least > n - 1 + beyond)
    return reaches
