"""NumPy twin of the kernel for antialiased interpolators: the taps of output pixels, and what they come to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpumask.backends.arguments import Areas, Grid, Source, Target, Valid
from gpumask.backends.twin_values import converted, nodes_that_count, uncarried
from gpumask.backends.twin_weights import profile
from gpumask.pixels.coordinates import coordinates_at, corners_at, near_to

_BLOCK = 1 << 18  # columns under the output pixels that are handled at a time
_NEARLY, _LARGEST_SCALE, _FAR, _FARTHEST = 1e-9, 65536.0, 1e9, 2.0**40
_BELOW_ONE, _LEAST_WEIGHT = 0.99999994, 1e-5
_VALUES, _MISSING, _SIZES, _WEIGHTS = range(4)


@dataclass(frozen=True)
class Spread:
    """Where output pixels lie on one axis of a window of a source, and their taps. See kernels/spreads.cuh.

    The arrays have an item for each output pixel. `size` is the window's pixels, and `period` those of a turn, or 0.
    """

    scale: np.ndarray
    fraction: np.ndarray
    anchor: np.ndarray
    first: np.ndarray
    last: np.ndarray
    lowest: np.ndarray
    count: np.ndarray
    is_inside: np.ndarray
    is_cut: np.ndarray
    taps: int
    size: int
    period: int

    def of(self, some: Any) -> Spread:
        """Return those of some of the pixels."""
        return Spread(**{
            name: value[some] if isinstance(value, np.ndarray) else value for name, value in vars(self).items()
        })  # fmt: skip

    def weights(self, offset: np.ndarray, what: int) -> np.ndarray:
        """Return what taps weigh, by their offsets from the anchors: (pixel, tap)."""
        found = profile((offset - self.fraction[:, None]) / self.scale[:, None], self.taps)
        return np.asarray((found != 0).astype(float) if what == _MISSING else abs(found) if what == _SIZES else found)

    def pixels(self, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which pixel of the window stands at each place, clipped to it, and whether one does."""
        here = place % self.period if self.period else place
        return np.clip(here, 0, self.size - 1), (here >= 0) & (here < self.size)

    def all_weights(self, what: int) -> np.ndarray:
        """Return the sums of all weights, or of their sizes."""
        offset = self.lowest[:, None] + _to_fours(self.count)
        return in_fours(np.where(offset < (self.lowest + self.count)[:, None], self.weights(offset, what), 0.0))


def antialias(
    rows, cols, source: Source, valid: Valid, grid: Grid, target: Target, how: Areas, over,
    *, SRC_T, OUT_T, TAPS,
):  # fmt: skip
    """Twin of kernels/antialias.cu."""
    empty, in_shares = uncarried(how.nodata, OUT_T), how.shares is not None
    for at, down, across in _spreads(rows, cols, source, grid, TAPS, over):
        some = Taps(down, across, valid.valid)
        share, weight, has_value = some.worths(how.least_share, in_shares)
        inside = down.is_inside & across.is_inside
        target.validity[at] = np.where(inside, has_value, how.outside)
        if in_shares:
            how.shares[at] = np.where(inside, share, 0.0)
        for band, image in zip(source.pixels.source, target.image, strict=True):
            value = some.total(_VALUES, band) / weight
            good = has_value & ~np.isnan(value)
            image[at] = np.where(good, converted(np.where(good, value, 0), OUT_T), empty)


@dataclass(frozen=True)
class Taps:
    """The taps of some output pixels, down and across, and which pixels of the window are valid."""

    down: Spread
    across: Spread
    valid: np.ndarray | None

    def total(self, what: int, band: np.ndarray | None = None) -> np.ndarray:
        """Return what the taps come to, down the columns first."""
        down, across = self.down, self.across
        cols = across.first[:, None] + _to_fours(across.last - across.first)
        x, there = across.pixels(cols)
        sums = np.zeros(cols.shape)
        for k in range(int((down.last - down.first).max(initial=0))):
            row = (down.first + k)[:, None]
            y, here = down.pixels(row)
            counts = there & here if self.valid is None else there & here & (self.valid[y, x] != 0)
            weight = np.broadcast_to(down.weights(row - down.anchor[:, None], what), cols.shape)
            term = weight if band is None else weight * band[y, x].astype(np.float64)
            sums += np.where((row < down.last[:, None]) & (counts != (what == _MISSING)), term, 0.0)
        weights = across.weights(cols - across.anchor[:, None], what)
        return in_fours(np.where(cols < across.last[:, None], weights * sums, 0.0))

    def worths(self, least_share: float, in_shares: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the shares of valid taps, the sums of their weights, and whether there is a value."""
        down, across = self.down, self.across
        inside, is_cut = down.is_inside & across.is_inside, down.is_cut | across.is_cut
        is_all = inside & ~is_cut & (self.total(_MISSING) == 0)
        everything = down.all_weights(_WEIGHTS) * across.all_weights(_WEIGHTS)
        if is_all.all() or not (in_shares or least_share <= 1):
            return is_all.astype(float), everything, is_all
        weight, sizes = self.total(_WEIGHTS), down.all_weights(_SIZES) * across.all_weights(_SIZES)
        share = np.where(is_all, 1.0, np.minimum(self.total(_SIZES) / sizes, _BELOW_ONE))
        enough = (weight / everything >= _LEAST_WEIGHT) & (share >= least_share) & self._nearest_is_valid()
        return share, np.where(is_all, everything, weight), inside & (is_all | enough)

    def _nearest_is_valid(self) -> np.ndarray:
        y, here = self.down.pixels(self.down.anchor + (self.down.fraction >= 0.5))
        x, there = self.across.pixels(self.across.anchor + (self.across.fraction >= 0.5))
        return np.asarray(here & there if self.valid is None else here & there & (self.valid[y, x] != 0))


def _to_fours(counts: np.ndarray) -> np.ndarray:
    """Return the numbers from 0 on that hold the longest of some counts, as many as fill fours."""
    return np.arange(-(-int(counts.max(initial=0)) // 4) * 4)


def in_fours(terms: np.ndarray) -> np.ndarray:
    """Return the sums of (pixel, tap) terms in four parts, as kernels/tap_sums.cuh adds them."""
    sums = np.zeros((len(terms), 4))
    for part in np.split(terms, terms.shape[1] // 4, axis=1) if terms.shape[1] else []:
        sums += part
    return np.asarray((sums[:, 0] + sums[:, 1]) + (sums[:, 2] + sums[:, 3]))


def _spreads(rows: int, cols: int, source: Source, grid: Grid, taps: int, over: int) -> Iterator[Any]:
    """Yield the indices of some output pixels in the image, and where their taps lie on both axes."""
    block = max(_BLOCK // cols, 1)
    for y in range(0, rows, block):
        down, across = _spreads_of_rows(y, min(y + block, rows), cols, source, grid, taps)
        wanted = np.flatnonzero(~((down.scale == 1) & (across.scale == 1))) if over else np.arange(len(down.scale))
        widths, begin = _widths(across)[wanted], 0
        while begin < len(wanted):
            most = np.maximum.accumulate(widths[begin : begin + _BLOCK])
            fits = int(np.count_nonzero(most * np.arange(1, len(most) + 1) <= _BLOCK))
            some = wanted[begin : begin + max(fits, 1)]
            yield np.unravel_index(some + y * cols, (rows, cols)), down.of(some), across.of(some)
            begin += len(some)


def _widths(across: Spread) -> np.ndarray:
    """Return how many columns the sums of each pixel take."""
    return np.maximum(np.maximum(across.last - across.first, across.count), 1)


def _spreads_of_rows(y: int, stop: int, cols: int, source: Source, grid: Grid, taps: int) -> tuple[Spread, Spread]:
    """Return where the pixels of some rows of the output lie on both axes."""
    steps, counts = (grid.row_step, grid.col_step), nodes_that_count(grid.nodes)
    ys, xs = np.arange(y, stop + 1) + grid.first_row, np.arange(cols + 1) + grid.first_col
    axes = (
        (grid.nodes.grid_row, source.origin_row, source.row_period, source.source_rows),
        (grid.nodes.grid_col, source.origin_col, source.col_period, source.source_cols),
    )
    found = []
    for nodes, origin, period, size in axes:
        known = np.where(counts, nodes, np.nan)
        place, turn = coordinates_at(known, steps, ys[:-1], xs[:-1]), period if steps == (1, 1) else 0
        corners = corners_at(known, steps, ys, xs, turn)
        found.append(spread_of(place.ravel(), scale_amid(corners, place, turn).ravel(), origin, period, size, taps))
    return found[0], found[1]


def scale_amid(corners: np.ndarray, middle: np.ndarray, turn: float) -> np.ndarray:
    """Return the scale along an axis of the source of (row, col) output pixels amid their corners."""
    around = corners[:-1, :-1], corners[:-1, 1:], corners[1:, 1:], corners[1:, :-1]
    here = [near_to(middle, each, turn) for each in around]
    a, b, c, d = (
        np.where(np.isfinite(one), one, np.where(np.isfinite(other), middle + (middle - other), middle))
        for one, other in zip(here, here[2:] + here[:2], strict=True)
    )
    down, across = 0.5 * ((d - a) + (c - b)), 0.5 * ((b - a) + (c - d))
    scale = np.sqrt(down * down + across * across)
    return np.where(scale > 1.0 + _NEARLY, scale, 1.0)


def spread_of(coordinate: np.ndarray, scale: np.ndarray, origin: int, period: int, size: int, taps: int) -> Spread:
    """Return where pixels with some coordinates and scales lie. See find_taps in kernels/spreads.cuh."""
    whole = np.floor(coordinate)
    fraction, place = coordinate - whole, whole - origin
    begin, end = (-_FAR, _FAR) if period else (0.0, float(size))
    if period:
        place = place - period * np.floor(place / period)
    is_near = abs(whole) < _FARTHEST if period else (place >= 0) & (place + (fraction > 0) < end)
    inside = is_near & (scale <= (min(period, _LARGEST_SCALE) if period else _LARGEST_SCALE))
    fraction, anchor = np.where(inside, fraction, 0.0), np.where(inside, place, 0.0)
    half = np.where(inside, (taps // 2) * scale, 1.0) - _NEARLY
    lowest, beyond = np.floor(fraction - half) + 1.0, np.ceil(fraction + half)
    first, last = np.maximum(anchor + lowest, begin), np.minimum(anchor + beyond, end)
    is_cut = (first > anchor + lowest) | (last < anchor + beyond)
    taken = [v.astype(np.intp) for v in (anchor, first, last, lowest, beyond - lowest)]
    return Spread(scale, fraction, taken[0], taken[1], taken[2], taken[3], taken[4], inside, is_cut, taps, size, period)
