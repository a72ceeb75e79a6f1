"""NumPy twins of the kernels for area statistics: what output pixels cover of a source, and what that adds up to."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpumask.backends.arguments import Areas, Grid, Source, Target, Valid
from gpumask.backends.twin_values import converted, nodes_that_count, uncarried
from gpumask.pixels.coordinates import corners_at, near_to

_BLOCK = 1 << 18  # source pixels under the output pixels that are handled at a time
_LEAST_AREA, _LEAST_SHARE, _FAR = 1e-9, 1e-10, 1e9
_BELOW_ONE = 0.99999994


@dataclass(frozen=True)
class Covers:
    """What some output pixels cover of a window of a source. See struct Covers in kernels/overlap.cuh.

    All are arrays with an item for each output pixel. `row` and `col` have the four corners along their first axis.
    """

    row: np.ndarray
    col: np.ndarray
    top: np.ndarray
    bottom: np.ndarray
    left: np.ndarray
    right: np.ndarray
    area: np.ndarray
    scale: np.ndarray
    is_box: np.ndarray
    is_cut: np.ndarray
    rows: np.ndarray  # (2, …): the first row of the window, and the last, which is left out
    cols: np.ndarray

    @property
    def is_any(self) -> np.ndarray:
        """Whether any pixel of the window is covered."""
        return np.asarray((self.rows[0] < self.rows[1]) & (self.cols[0] < self.cols[1]))

    def of(self, some: Any) -> Covers:
        """Return those of some of the pixels."""
        return Covers(**{name: array[..., some] for name, array in vars(self).items()})


def area(
    rows, cols, source: Source, valid: Valid, grid: Grid, target: Target, how: Areas,
    *, SRC_T, OUT_T, STATISTIC,
):  # fmt: skip
    """Twin of kernels/area.cu."""
    statistic, empty = _STATISTICS[STATISTIC], uncarried(how.nodata, OUT_T)
    for at, covers in _covers(rows, cols, source, grid):
        footprint = Footprint(covers, source, valid.valid)
        has_value, covered = _say_shares(footprint, target.validity, at, how), footprint.shares[0]
        for band, image in zip(source.pixels.source, target.image, strict=True):
            value = statistic.finish(footprint.total(band, statistic), covered, covers.scale)
            good = has_value & (~np.isnan(value))
            image[at] = np.where(good, converted(np.where(good, value, 0), OUT_T), empty)


def area_values(
    rows, cols, source: Source, valid: Valid, grid: Grid, target: Target, how: Areas,
    *, SRC_T, OUT_T, QUARTERS,
):  # fmt: skip
    """Twin of kernels/area_values.cu, by sorting."""
    empty = uncarried(how.nodata, OUT_T)
    for at, covers in _covers(rows, cols, source, grid):
        footprint = Footprint(covers, source, valid.valid)
        has_value = _say_shares(footprint, target.validity, at, how)
        for band, image in zip(source.pixels.source, target.image, strict=True):
            values, counts = footprint.values(band)
            order = np.argsort(values, axis=1, kind="stable")
            values, counts = (np.take_along_axis(each, order, axis=1) for each in (values, counts))
            place = _most_frequent(values, counts) if QUARTERS == 0 else _at_rank(counts, QUARTERS)
            found = values[np.arange(len(values)), place] if values.shape[1] else np.zeros(len(values), values.dtype)
            image[at] = np.where(has_value, converted(found, OUT_T), empty)


def _most_frequent(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return where the first of the values lies that most of those that count have."""
    if not values.shape[1]:
        return np.zeros(len(values), np.intp)
    total = np.cumsum(counts, axis=1)
    last = np.ones(values.shape, bool)
    last[:, :-1] = values[:, 1:] != values[:, :-1]
    before = np.zeros_like(total)
    np.maximum.accumulate(np.where(last, total, 0)[:, :-1], axis=1, out=before[:, 1:])
    return np.asarray(np.argmax(np.where(last, total - before, 0), axis=1))


def _at_rank(counts: np.ndarray, quarters: int) -> np.ndarray:
    """Return where the first value lies that so many quarters of those that count don't exceed."""
    total = np.cumsum(counts, axis=1)
    if not total.shape[1]:
        return np.zeros(len(total), np.intp)
    return np.asarray(np.argmax(4 * total >= np.maximum(quarters * total[:, -1:], 1), axis=1))


def _say_shares(footprint: Footprint, validity: np.ndarray, at: Any, how: Areas) -> np.ndarray:
    """Write the validity of some output pixels, and any shares. Return which of them get a value."""
    covers, (covered, is_all) = footprint.covers, footprint.shares
    some = np.where(covers.is_any, np.minimum(covered / covers.area, _BELOW_ONE), 0.0)
    share = np.where(is_all, 1.0, some)
    has_value = is_all | ((covered > 0) & (share >= how.least_share))
    validity[at] = np.where(covers.is_any, has_value, how.outside)
    if how.shares is not None:
        how.shares[at] = share
    return np.asarray(has_value)


@dataclass(frozen=True)
class _Statistic:
    """How source pixels are joined.

    `of` is what one adds by its weight. `finish` takes a total, an area and a scale.
    """

    start: Any
    of: Any
    join: Any
    widen: Any
    finish: Any


def _sums(of: Any, finish: Any) -> _Statistic:
    return _Statistic(lambda dtype: np.float64(0), of, np.add, np.multiply, finish)


def _extreme(start: Any, join: Any) -> _Statistic:
    return _Statistic(start, lambda weight, v: v, join, lambda width, v: v, lambda total, area, scale: total)


def _ends(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """Return the least and the greatest value of a type, in that type."""
    limits: Any = np.iinfo(dtype) if dtype.kind in "iu" else np.finfo(dtype)
    return dtype.type(limits.min), dtype.type(limits.max)


_STATISTICS = (
    _sums(lambda weight, v: weight * v.astype(np.float64), lambda total, area, scale: total / area),
    _sums(lambda weight, v: weight * v.astype(np.float64), lambda total, area, scale: total * scale),
    _sums(lambda weight, v: weight * v.astype(np.float64) ** 2, lambda total, area, scale: np.sqrt(total / area)),
    _extreme(lambda dtype: _ends(dtype)[1], lambda a, b: np.where(b < a, b, a)),
    _extreme(lambda dtype: _ends(dtype)[0], lambda a, b: np.where(b > a, b, a)),
)


@dataclass(frozen=True)
class Footprint:
    """The source pixels under some output pixels, row by row: arrays of (output pixel, column)."""

    covers: Covers
    source: Source
    valid: np.ndarray | None

    def rows(self) -> Iterator[tuple[np.ndarray, np.ndarray, Any]]:
        """Yield for each row the weights, where they count, and the index of the pixels, clipped to the window."""
        at, source = self.covers, self.source
        cols, x, across = self._places(self._cols, source.source_cols, source.col_period)
        for k in range(int((at.rows[1] - at.rows[0]).max(initial=0))):
            row = at.rows[0] + k
            _, y, down = self._places(row, source.source_rows, source.row_period)
            weights = _weights(at, row, cols)
            counts = (at.is_box[:, None] | (weights > _LEAST_SHARE * np.minimum(at.area, 1.0)[:, None])) & self._has
            counts &= (row < at.rows[1])[:, None]
            yield weights, counts, ((down[:, None] & across), (y[:, None], x))

    @staticmethod
    def _places(i: np.ndarray, n: int, period: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return places, the pixels of the window there, and whether there are any."""
        here = i % period if period else i
        return i, np.clip(here, 0, n - 1), (here >= 0) & (here < n)

    @property
    def _cols(self) -> np.ndarray:
        first, last = self.covers.cols
        return np.asarray(first[:, None] + np.arange(int((last - first).max(initial=0))))

    @property
    def _has(self) -> np.ndarray:
        return np.asarray(self._cols < self.covers.cols[1][:, None])

    def _valid(self, index: Any) -> Any:
        there, (y, x) = index
        return there if self.valid is None else there & (self.valid[y, x] != 0)

    @functools.cached_property
    def shares(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the valid area of each output pixel, and whether all that it covers is valid."""
        sums, missing = np.zeros(self._has.shape), np.zeros(self._has.shape, bool)
        for weights, counts, index in self.rows():
            valid = self._valid(index)
            sums += np.where(counts & valid, weights, 0.0)
            missing |= counts & ~valid
        is_all = ~(missing.any(axis=1) | self.covers.is_cut)
        return np.where(is_all, self.covers.area, self._across(self._widths * sums)), is_all

    def total(self, band: np.ndarray, statistic: _Statistic) -> np.ndarray:
        """Return the totals of a band, down the columns first."""
        start = statistic.start(band.dtype)
        columns = np.full(self._has.shape, start)
        for weights, counts, index in self.rows():
            values = statistic.of(weights, band[index[1]])
            columns = statistic.join(columns, np.where(counts & self._valid(index), values, start))
        columns = np.where(self._has, statistic.widen(self._widths, columns), start)
        if statistic.join is np.add:
            return self._across(columns)
        total = np.full(len(columns), start)
        for each in columns.T:
            total = statistic.join(total, each)
        return np.asarray(total)

    def values(self, band: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return for each output pixel the values of all that it may cover, and which of them count."""
        values = [np.zeros((len(self.covers.area), 0), band.dtype)]
        counts = [np.zeros((len(self.covers.area), 0), bool)]
        cols, col_once = self._cols - self.covers.cols[0][:, None], self.source.col_period or np.inf
        for k, (_, covered, index) in enumerate(self.rows()):
            # A box as wide as a turn may end in the pixel in which it began.
            once = (cols < col_once) & (k < (self.source.row_period or np.inf)) | ~self.covers.is_box[:, None]
            values.append(band[index[1]] + band.dtype.type(0))
            counts.append(covered & once & self._valid(index))
        return np.concatenate(values, axis=1), np.concatenate(counts, axis=1)

    @property
    def _widths(self) -> np.ndarray:
        at = self.covers
        return np.where(at.is_box[:, None], _length_between(at.left, at.right, self._cols), 1.0)

    def _across(self, columns: np.ndarray) -> np.ndarray:
        """Return sums over columns, one after another."""
        if not columns.shape[1]:
            return np.zeros(len(columns))
        return np.asarray(np.cumsum(np.where(self._has, columns, 0.0), axis=1)[:, -1])


def _covers(rows: int, cols: int, source: Source, grid: Grid) -> Iterator[tuple[Any, Covers]]:
    """Yield the indices of some output pixels in the image, and what these cover."""
    block = max(_BLOCK // cols, 1)
    for y in range(0, rows, block):
        found = _covers_of_rows(y, min(y + block, rows), cols, source, grid)
        widths = found.cols[1] - found.cols[0]
        begin = 0
        while begin < len(widths):
            most = np.maximum.accumulate(widths[begin : begin + _BLOCK])
            fits = int(np.count_nonzero(most * np.arange(1, len(most) + 1) <= _BLOCK))
            some = slice(begin, begin + max(fits, 1))
            yield np.unravel_index(np.arange(len(widths))[some] + y * cols, (rows, cols)), found.of(some)
            begin = some.stop


def _covers_of_rows(y: int, stop: int, cols: int, source: Source, grid: Grid) -> Covers:
    """Return what the pixels of some rows of the output cover. See find_covers in kernels/overlap.cuh."""
    steps, counts = (grid.row_step, grid.col_step), nodes_that_count(grid.nodes)
    ys, xs = np.arange(y, stop + 1) + grid.first_row, np.arange(cols + 1) + grid.first_col
    axes = (
        (grid.nodes.grid_row, source.origin_row, source.row_period, source.source_rows),
        (grid.nodes.grid_col, source.origin_col, source.col_period, source.source_cols),
    )
    corners = []
    for nodes, origin, period, _ in axes:
        turn = period if steps == (1, 1) else 0
        place = corners_at(np.where(counts, nodes, np.nan), steps, ys, xs, turn) + 0.5 - origin
        place = np.where(abs(place - np.rint(place)) < 1e-9, np.rint(place), place)
        around = [place[:-1, :-1], place[:-1, 1:], place[1:, 1:], place[1:, :-1]]
        corners.append(np.stack([around[0], *(near_to(around[0], each, turn) for each in around[1:])]).reshape(4, -1))
    r, c = corners
    (top, bottom), (left, right) = ((_of_four(np.minimum, v), _of_four(np.maximum, v)) for v in (r, c))
    is_box = _is_box(r, c)
    area = np.where(is_box, (bottom - top) * (right - left), abs(_signed_area(r, c)))
    flat = area < _LEAST_AREA
    row, col = (
        np.floor(low) + np.where(flat, np.floor(0.25 * _sum_of(v - np.floor(low))), 0)
        for v, low in ((r, top), (c, left))
    )
    single = flat | ((bottom <= row + 1) & (right <= col + 1))
    is_there = (top > -_FAR) & (bottom < _FAR) & (left > -_FAR) & (right < _FAR) & np.isfinite(_sum_of(r) + _sum_of(c))
    is_there &= flat | ~_is_folded(r, c)
    for low, high, period in ((top, bottom, source.row_period), (left, right, source.col_period)):
        is_there &= (period == 0) | (high - low <= period)
    top, bottom = np.where(single, row, top), np.where(single, row + 1, bottom)
    left, right = np.where(single, col, left), np.where(single, col + 1, right)
    ends = [
        (np.floor(low), np.ceil(high), -_FAR if period else 0.0, _FAR if period else float(n))
        for low, high, (_, _, period, n) in ((top, bottom, axes[0]), (left, right, axes[1]))
    ]
    inside = [(np.maximum(low, least), np.minimum(high, most)) for low, high, least, most in ends]
    some = is_there & (inside[0][0] < inside[0][1]) & (inside[1][0] < inside[1][1])
    is_cut = ~some
    for (low, high, _, _), (first, last) in zip(ends, inside, strict=True):
        is_cut |= (first > low) | (last < high)
    area, scale = np.where(single, 1.0, area), np.where(single, area, 1.0)
    return Covers(
        r, c, top, bottom, left, right, area, scale, single | is_box, is_cut,
        *(np.where(some, np.stack(pair), 0).astype(np.intp) for pair in inside),
    )  # fmt: skip


def _of_four(join: Any, v: np.ndarray) -> np.ndarray:
    return np.asarray(join(join(v[0], v[1]), join(v[2], v[3])))


def _sum_of(v: np.ndarray) -> np.ndarray:
    return np.asarray((v[0] + v[1]) + (v[2] + v[3]))


def _is_box(r: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Say which corners are those of rectangles along the axes."""
    upright = (r[0] == r[1]) & (r[2] == r[3]) & (c[0] == c[3]) & (c[1] == c[2])
    return np.asarray(upright | (r[0] == r[3]) & (r[1] == r[2]) & (c[0] == c[1]) & (c[2] == c[3]))


def _signed_area(r: np.ndarray, c: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 * ((c[2] - c[0]) * (r[3] - r[1]) - (c[3] - c[1]) * (r[2] - r[0])))


def _is_folded(r: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Say where two sides cross."""
    turns = np.stack([
        (c[k] - c[k - 1]) * (r[(k + 1) % 4] - r[k]) - (r[k] - r[k - 1]) * (c[(k + 1) % 4] - c[k]) for k in range(4)
    ])  # fmt: skip
    return np.asarray(((turns > 0).sum(axis=0) >= 2) & ((turns < 0).sum(axis=0) >= 2))


def _length_between(low: np.ndarray, high: np.ndarray, begin: np.ndarray) -> np.ndarray:
    """Return the length between two places, for each output pixel, of the pixels that begin at `begin`."""
    return np.asarray(np.minimum(high[:, None], begin + 1.0) - np.maximum(low[:, None], begin))


def _weights(at: Covers, row: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """Return what the pixels of one row weigh for each output pixel: for boxes, their height."""
    height = np.minimum(at.bottom, row + 1.0) - np.maximum(at.top, row)
    found = np.broadcast_to(height[:, None], cols.shape).copy()
    some = np.flatnonzero(~at.is_box)
    if len(some):
        found[some] = _area_inside(at.row[:, some], at.col[:, some], row[some], cols[some])
    return found


def _area_inside(r: np.ndarray, c: np.ndarray, top: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """Return the area inside four corners of the pixels of one row. See area_inside in kernels/overlap.cuh."""
    first_row, first_col = np.floor(_of_four(np.minimum, r)), np.floor(_of_four(np.minimum, c))
    r, c, top, cols = r - first_row, c - first_col, top - first_row, cols - first_col[:, None]
    sign, area = np.where(_signed_area(r, c) < 0, -1.0, 1.0), np.zeros(cols.shape)
    for k in range(4):
        following = (k + 1) % 4
        slope = np.where(r[following] == r[k], 0.0, (c[following] - c[k]) / (r[following] - r[k]))
        down = r[k] < r[following]
        y0, x0 = np.where(down, r[k], r[following]), np.where(down, c[k], c[following])
        y1, x1 = np.where(down, r[following], r[k]), np.where(down, c[following], c[k])
        begin, end = np.maximum(y0, top), np.minimum(y1, top + 1.0)
        span = np.where(end > begin, end - begin, 0.0)
        a = np.where(begin == y0, x0, x0 + (begin - y0) * slope)
        b = np.where(end == y1, x1, x0 + (end - y0) * slope)
        low, high = (np.where(span != 0, pick(a, b), 0.0)[:, None] - cols for pick in (np.minimum, np.maximum))
        from_0_to_1 = [np.clip(each, 0.0, 1.0) for each in (low, high)]
        beyond = np.where(high > 1, high - 1.0, 0.0) - np.where(low > 1, low - 1.0, 0.0)
        mean = ((from_0_to_1[1] - from_0_to_1[0]) * (from_0_to_1[0] + from_0_to_1[1]) * 0.5 + beyond) / (high - low)
        mean = np.where(high > low, mean, from_0_to_1[0])
        wholly = np.where(span != 0, np.floor(np.minimum(a, b)), -np.inf)[:, None]  # the first column that a side cuts
        area += (np.where(down, span, -span) * sign)[:, None] * np.where(cols < wholly, 1.0, mean)
    return area
