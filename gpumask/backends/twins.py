"""A NumPy twin of every kernel: same name, same arguments, same order of every sum. The fallback, and the oracle.

What a kernel has as single parameters a twin takes as structures of `backends.arguments`.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from gpumask.backends.arguments import (
    Axes,
    Coarse,
    Filter,
    Footprint,
    Frame,
    Grid,
    Invalid,
    Lines,
    Nodes,
    Out,
    Part,
    Pixels,
    Shares,
    Source,
    Target,
    Valid,
)
from gpumask.backends.host import HostMemory
from gpumask.backends.launch import without_facts
from gpumask.backends.twin_antialias import antialias
from gpumask.backends.twin_areas import area, area_values
from gpumask.backends.twin_masks import BLOCK, column_distance, dilate, inside_polygons, rules
from gpumask.backends.twin_values import converted, nodes_that_count, uncarried
from gpumask.backends.twin_weights import sum_at_whole, weighted_sum, weights
from gpumask.pixels.boundary import pixels_at
from gpumask.pixels.coordinates import SHIFT, coordinates_at, fixed, fixed_coordinates_at
from gpumask.pixels.interpolators import Interpolator

# As in kernels/renormalize.cu.
_LEAST_SUM = 1e-5


class NumpyBackend(HostMemory):
    """Runs the twins."""

    name = "numpy"
    takes_structures = True

    def run(self, kernel: str, shape: tuple[int, int], *args: Any, **defines: Any) -> None:
        """Run a twin. See `Backend.run`."""
        with np.errstate(all="ignore"):
            TWINS[kernel](*shape, *args, **without_facts(defines))


def footprint(rows, cols, valid, pitch, plane, bands, out, *, TAPS, SPLINE=0, BY_BAND=0):
    """Twin of kernels/footprint.cu."""
    before = -Interpolator("", TAPS).first_tap
    whole = _at_whole(TAPS, SPLINE)
    out[:] = 0
    for band, pixels in enumerate(valid if valid.ndim == 3 else valid[None]):
        around = np.zeros((rows + TAPS - 1, cols + TAPS - 1), bool)
        around[before : before + rows, before : before + cols] = pixels != 0
        for bit, (down, across) in enumerate(itertools.product((whole, range(TAPS)), repeat=2)):
            found = _all_taps(_all_taps(around, TAPS, down, axis=0), TAPS, across, axis=1)
            out |= found.astype(out.dtype) << out.dtype.type(4 * band + bit)


def _at_whole(taps, spline):
    """Return which taps have a weight at a whole number."""
    return range(taps - 1) if spline else range(-Interpolator("", taps).first_tap, 1 - Interpolator("", taps).first_tap)


def _all_taps(valid: np.ndarray, taps: int, which: range, axis: int) -> np.ndarray:
    """AND of some of `taps` neighbours along an axis, which gets shorter by taps - 1."""
    neighbours: np.ndarray = np.lib.stride_tricks.sliding_window_view(valid, taps, axis=axis)
    return np.asarray(neighbours[..., which.start : which.stop].all(axis=-1))


def resample(  # noqa: PLR0917
    rows, cols, source: Source, frame: Frame, footprint: Footprint, grid: Grid, target: Target, invalid: Invalid,
    shares: Shares, *, SRC_T, OUT_T, ACC_T, TAPS, SPLINE=0, BY_BAND=0, FIXED=0, SHARE=0,
):  # fmt: skip
    """Twin of kernels/resample.cu, in blocks of rows."""
    image, validity, fill = target.image, target.validity, uncarried(invalid.nodata, OUT_T)
    pixels = _with_frame(source, frame)
    places = (
        (source.origin_row - frame.row_frame, source.row_period),
        (source.origin_col - frame.col_frame, source.col_period),
    )
    here = _of_bands(footprint.footprint, len(pixels)) if BY_BAND else footprint.footprint
    for part, row, col in _coordinates((rows, cols), grid, FIXED):
        *at, inside = _anchor(row, col, pixels.shape[1:], places, here, TAPS, SPLINE)
        valid, values = _weigh(pixels, at, ACC_T, TAPS, SPLINE, FIXED)
        valid = valid if BY_BAND else valid.all(axis=0)
        image[:, part] = np.where(valid, converted(np.where(valid, values, 0), OUT_T), fill)
        if validity is not None:
            validity[..., part, :] = np.where(valid, 1, np.where(inside, 0, invalid.outside))
        if SHARE:
            found = _shares(shares.valid, pixels.shape[1:], at, ACC_T, TAPS, FIXED)
            shares.shares[..., part, :] = np.where(valid, 1, np.where(inside, found, 0))


def _shares(valid, shape, at, acc, taps, in_fixed):
    """Return the shares of the weights of valid pixels, where something is missing. See kernels/shares.cuh."""
    if taps == 1:
        return np.float32(0)
    (r, c, fr, fc, _), first = at, Interpolator("", taps).first_tap
    valid = np.ones(shape, bool) if valid is None else valid != 0
    known = np.pad(valid, [*[(0, 0)] * (valid.ndim - 2), (taps, taps), (taps, taps)])
    there = [[known[..., r + taps + first + k, c + taps + first + j] for j in range(taps)] for k in range(taps)]
    return _share_of(there, *(_sizes(fraction, taps, acc, in_fixed) for fraction in (fr, fc)))


def _sizes(fraction, taps, acc, in_fixed):
    """Return the sizes of weights. At a whole number just the anchor has one."""
    first, found = Interpolator("", taps).first_tap, weights(fraction, taps, 0, acc, in_fixed)
    return [np.where(fraction != 0, abs(w), float(k == -first)).astype(acc) for k, w in enumerate(found)]


def _with_frame(source: Source, frame: Frame) -> np.ndarray:
    """Return a source's pixels as an image of which the frame is a part."""
    pixels = source.pixels.source
    if frame.row_frame or frame.col_frame:
        axes = (
            (source.source_rows, frame.row_frame, frame.row_mode),
            (source.source_cols, frame.col_frame, frame.col_mode),
        )
        around = [pixels_at(-more, n + 2 * more, n, mode) for n, more, mode in axes]
        pixels = np.where(np.minimum.outer(*around) < 0, pixels.dtype.type(0), pixels[:, around[0]][:, :, around[1]])
    return np.ascontiguousarray(pixels)


def _of_bands(words, bands):
    """Return the footprints of each band, out of words with eight of them. One word is of all bands."""
    if words is None or words.ndim == 2:
        return words
    return np.stack([words[band // 8] >> np.uint32(4 * (band % 8)) & np.uint32(15) for band in range(bands)])


def _coordinates(shape, grid: Grid, in_fixed):
    """Yield blocks of rows, and the source coordinates of their pixels."""
    steps, nodes = (grid.row_step, grid.col_step), [grid.nodes.grid_row, grid.nodes.grid_col]
    if not in_fixed or steps == (1, 1):
        counts = nodes_that_count(grid.nodes)
        nodes = [np.where(counts, coordinate, np.nan) for coordinate in nodes]
    find = fixed_coordinates_at if in_fixed else coordinates_at
    xs = np.arange(shape[1]) + grid.first_col
    block = max(BLOCK // shape[1], 1)
    for y in range(0, shape[0], block):
        part = slice(y, min(y + block, shape[0]))
        ys = np.arange(part.start, part.stop) + grid.first_row
        yield part, *(find(coordinate, steps, ys, xs) for coordinate in nodes)


def fixed_nodes(rows, cols, nodes: Nodes, limit, out_row, out_col):
    """Twin of kernels/fixed_nodes.cu."""
    found = [fixed(coordinate, limit) for coordinate in (nodes.grid_row, nodes.grid_col)]
    counts = nodes_that_count(nodes) & ~np.isnan(found[0] + found[1])
    for coordinate, out in zip(found, (out_row, out_col), strict=True):
        out[:] = np.where(counts, coordinate + SHIFT, -1)


def renormalize(
    rows, cols, source: Source, valid: Valid, grid: Grid, target: Target, min_share,
    *, SRC_T, OUT_T, ACC_T, TAPS, FIXED=0,
):  # fmt: skip
    """Twin of kernels/renormalize.cu, in blocks of rows."""
    image, validity = target.image, target.validity
    source_rows, source_cols = source.source_rows, source.source_cols
    known = np.zeros((source_rows + 2, source_cols + 2), bool)
    known[1:-1, 1:-1] = True if valid.valid is None else valid.valid != 0
    for part, row, col in _coordinates((rows, cols), grid, FIXED):
        up = np.floor(row) - _in_window(np.floor(row), source.origin_row, source.row_period, TAPS)
        left = np.floor(col) - _in_window(np.floor(col), source.origin_col, source.col_period, TAPS)
        r, c = np.floor(row + 0.5) - up, np.floor(col + 0.5) - left
        wanted = (validity[part] != 1) & (r >= 0) & (r < source_rows) & (c >= 0) & (c < source_cols)
        wanted[wanted] = known[r[wanted].astype(np.intp) + 1, c[wanted].astype(np.intp) + 1]
        down, row_weights = _axis_taps(row[wanted], up[wanted], source_rows, ACC_T, TAPS, FIXED)
        across, col_weights = _axis_taps(col[wanted], left[wanted], source_cols, ACC_T, TAPS, FIXED)
        there = [[known[r + 1, c + 1] for c in across] for r in down]
        share = _share_of(there, *([abs(w) for w in axis] for axis in (row_weights, col_weights)))
        total, sums = np.zeros(wanted.sum(), ACC_T), np.zeros((source.pixels.bands, wanted.sum()), ACC_T)
        for k, j in itertools.product(range(TAPS), repeat=2):
            w = np.where(known[down[k] + 1, across[j] + 1], row_weights[k] * col_weights[j], 0)
            total += w
            at = np.clip(down[k], 0, source_rows - 1), np.clip(across[j], 0, source_cols - 1)
            sums += np.where(w != 0, w * source.pixels.source[:, *at].astype(ACC_T), 0)
        enough = (total >= _LEAST_SUM) & (share >= uncarried(min_share, np.float32))
        wanted[wanted] = enough
        image[:, part][:, wanted] = converted(sums[:, enough] / total[enough], OUT_T)
        validity[part][wanted] = 1


def _share_of(there, row_sizes, col_sizes):
    """Return the share of those taps that are there, from the sizes of all weights."""
    valid, all_down, all_across = (np.zeros_like(row_sizes[0]) for _ in range(3))
    for row, down, across in zip(there, row_sizes, col_sizes, strict=True):
        for has, size in zip(row, col_sizes, strict=True):
            valid = valid + np.where(has, down * size, 0)
        all_down += down
        all_across += across
    return np.minimum((valid / (all_down * all_across)).astype(np.float32), np.float32(0.99999994))


def _axis_taps(place, origin, size, acc, taps, in_fixed):
    """Return the pixel of each tap, clipped to one beyond the source, and its weight."""
    first, fraction = Interpolator("", taps).first_tap, place - np.floor(place)
    at = [np.clip(np.floor(place) - origin + first + k, -1, size).astype(np.intp) for k in range(taps)]
    found = weights(fraction, taps, 0, acc, in_fixed)
    return at, [np.where(fraction != 0, w, float(k == -first)).astype(acc) for k, w in enumerate(found)]


def prefilter(rows, cols, lines: Lines, valid: Valid, out: Out, part: Part, by: Filter, *, SRC_T, AXIS, SAMPLES):
    """Twin of kernels/prefilter.cu, all lines of a stretch at a time."""
    given = lines.source, out.out, valid.valid
    samples, coefficients, counts = (a if AXIS == 0 or a is None else a.T for a in given)
    for number in range(part.first // by.stretch, part.first // by.stretch + rows):
        begin, end = max(number * by.stretch, part.lowest), min((number + 1) * by.stretch, part.highest)
        places = pixels_at(begin - by.reach - lines.origin, end - begin + 2 * by.reach, lines.length, lines.mode)
        s = samples[places].astype(np.float64)
        s[~np.isfinite(s) if counts is None else ~np.isfinite(s) | (counts[places] == 0)] = np.nan
        s[places < 0] = 0
        for i in range(1, len(s)):
            s[i] = np.where(np.isnan(s[i]), s[i - 1], s[i])
        for i in range(len(s) - 2, -1, -1):
            s[i] = np.where(np.isnan(s[i]), s[i + 1], s[i])
        s[np.isnan(s)] = 0
        for z, step in zip(by.poles.tolist(), by.steps.tolist(), strict=True):
            s = _filtered(s, z, step)
        coefficients[begin - part.first : end - part.first] = s


def _filtered(s, z, step):
    """Filter forwards and backwards for one pole. The result has `step` samples less at either end."""
    tail = len(s) - 1 - step
    ahead = s[-1]
    for i in range(len(s) - 2, tail, -1):
        ahead = s[i] + z * ahead
    for i in range(1, tail + 1):
        s[i] = s[i] + z * s[i - 1]
    s[tail] = z / (z * z - 1.0) * (s[tail] + z * ahead)
    for i in range(tail - 1, step - 1, -1):
        s[i] = z * (s[i + 1] - s[i])
    return s[step : tail + 1]


def _in_window(anchor, origin, period, taps):
    """Return where anchors lie in a window that begins at an origin, in whichever turn. See kernels/anchors.cuh."""
    place = anchor - origin
    if period:
        place -= period * np.floor((place + Interpolator("", taps).first_tap) / period)
        place[~(abs(anchor) < 2.0**40)] = np.nan
    return place


def _anchor(row, col, shape, places, footprint, taps, spline):
    """Return anchor pixels in the source window, fractions beyond them, what is valid but for NaN, what is inside."""
    source_rows, source_cols = shape
    shift = 0.5 if taps == 1 else 0.0
    r, c = np.floor(row + shift), np.floor(col + shift)
    fr, fc = (np.zeros_like(row), np.zeros_like(col)) if taps == 1 else (row - r, col - c)
    r, c = (_in_window(at, origin, period, taps) for at, (origin, period) in zip((r, c), places, strict=True))
    inside = (r >= 0) & (r < source_rows) & (c >= 0) & (c < source_cols)
    fr, fc = np.where(inside, fr, 0), np.where(inside, fc, 0)
    r, c = np.where(inside, r, 0).astype(np.intp), np.where(inside, c, 0).astype(np.intp)
    valid = inside.copy()
    inside &= (r + (fr > 0) < source_rows) & (c + (fc > 0) < source_cols)
    if footprint is not None:
        valid = valid & (footprint[..., r, c] >> ((fr != 0) * 2 + (fc != 0)) & 1).astype(bool)
    else:
        first, whole = Interpolator("", taps).first_tap, _at_whole(taps, spline)
        for i, f, n in ((r, fr, source_rows), (c, fc, source_cols)):
            begin, end = (i + first + np.where(f == 0, edge(whole), edge(range(taps))) for edge in (min, max))
            valid &= (begin >= 0) & (end < n)
    return r, c, fr, fc, valid, inside


def _weigh(source, at, acc, taps, spline, in_fixed):
    """Return where each band is valid, NaN being not, and its weighted sums: columns first, then the row."""
    r, c, fr, fc, valid = at
    first, whole = Interpolator("", taps).first_tap, _at_whole(taps, spline)
    row_weights, col_weights = (weights(f, taps, spline, acc, in_fixed) for f in (fr, fc))
    _, height, width = source.shape
    rows = [np.clip(r + first + k, 0, height - 1) * width for k in range(taps)]
    cols = [np.clip(c + first + k, 0, width - 1) for k in range(taps)]
    values = np.empty((source.shape[0], *r.shape), acc)
    for band, out in zip(source.reshape(len(source), -1), values, strict=True):
        columns = []
        for j in range(taps):
            v = [band[rows[k] + cols[j]].astype(acc, copy=False) for k in range(taps)]
            columns.append(np.where(fr == 0, sum_at_whole(whole, row_weights, v), weighted_sum(row_weights, v, spline)))
        out[:] = np.where(
            fc == 0, sum_at_whole(whole, col_weights, columns), weighted_sum(col_weights, columns, spline)
        )
    return valid & ~np.isnan(values), values


def oversample(rows, cols, coarse: Coarse, axes: Axes, least_sum, out: Out, *, NODE_T, OUT_T):
    """Twin of kernels/oversample.cu, in blocks of rows."""
    values = (coarse.nodes != 0).astype(float) if np.dtype(NODE_T).kind == "u" else coarse.nodes
    left, right = axes.col_node, np.minimum(axes.col_node + 1, coarse.node_cols - 1)
    before, after = axes.col_total - axes.col_weight, axes.col_weight
    block = max(BLOCK // cols, 1)
    for y in range(0, rows, block):
        part = slice(y, y + block)
        above, below = axes.row_node[part], np.minimum(axes.row_node[part] + 1, coarse.node_rows - 1)
        down = axes.row_weight[part, None]
        up = axes.row_total - down
        corners = ((above, left, up, before), (above, right, up, after), (below, left, down, before))
        n1, n2, n3, n4 = (
            np.where((w == 0) | (v == 0), 0.0, _share(values[np.ix_(i, j)], w, v))
            for i, j, w, v in (*corners, (below, right, down, after))
        )
        value = n1 + n2 + n3 + n4
        out.out[part] = value if np.dtype(OUT_T).kind == "f" else abs(value) >= least_sum


def all_finite(rows, cols, pixels: Pixels, most, valid: Valid, out, *, SRC_T):
    """Twin of kernels/all_finite.cu."""
    out[:] = 1 if valid.valid is None else valid.valid != 0
    for band in pixels.source:
        out &= abs(band) <= most


def _share(node, down, across):
    """Return what nodes add to the sum. The order of the products differs by type, as in the kernel."""
    return node * (down * across) if node.dtype == np.float32 else node * down * across


TWINS: dict[str, Any] = {
    "all_finite": all_finite,
    "antialias": antialias,
    "area": area,
    "area_values": area_values,
    "column_distance": column_distance,
    "dilate": dilate,
    "fixed_nodes": fixed_nodes,
    "footprint": footprint,
    "inside_polygons": inside_polygons,
    "oversample": oversample,
    "prefilter": prefilter,
    "renormalize": renormalize,
    "resample": resample,
    "rules": rules,
}
