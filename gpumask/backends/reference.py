"""A NumPy twin of every kernel: same name, same arguments, same order of every sum. The fallback, and the oracle."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpumask.backends.host import HostMemory
from gpumask.coordinates import coordinates_at
from gpumask.interp import Interpolator

# Pixels in a block of rows: what bounds the twins' temporaries.
_BLOCK = 1 << 16


class NumpyBackend(HostMemory):
    """Runs the twins."""

    name = "numpy"

    def run(self, kernel: str, shape: tuple[int, int], *args: Any, **defines: Any) -> None:
        """Run a twin; see `Backend.run`."""
        with np.errstate(all="ignore"):
            TWINS[kernel](*shape, *args, **defines)


def footprint(rows, cols, valid, pitch, out, *, TAPS):
    """Twin of kernels/footprint.cu."""
    interp = Interpolator("", TAPS)
    before, after = -interp.first_tap, interp.last_tap
    framed = np.zeros((rows + before + after, cols + before + after), bool)
    framed[before : before + rows, before : before + cols] = valid != 0
    along_row = _all_taps(framed, TAPS, axis=1)[before : before + rows]
    along_col = _all_taps(framed, TAPS, axis=0)[:, before : before + cols]
    whole = _all_taps(_all_taps(framed, TAPS, axis=0), TAPS, axis=1)
    out[:] = (valid != 0) | along_row << np.uint8(1) | along_col << np.uint8(2) | whole << np.uint8(3)


def _all_taps(valid: np.ndarray, taps: int, axis: int) -> np.ndarray:
    """AND of `taps` neighbours along an axis, which gets shorter by taps - 1."""
    neighbours: np.ndarray = np.lib.stride_tricks.sliding_window_view(valid, taps, axis=axis)
    return np.asarray(neighbours.all(axis=-1))


def resample(
    rows, cols, source, bands, source_rows, source_cols, pitch, plane, origin_row, origin_col, footprint,
    grid_row, grid_col, grid_mask, grid_nodata, grid_rows, grid_cols, grid_pitch, mask_pitch, row_step, col_step,
    first_row, first_col, image, image_pitch, image_plane, nodata, validity, validity_pitch, outside,
    *, SRC_T, OUT_T, ACC_T, TAPS,
):  # fmt: skip
    """Twin of kernels/resample.cu, in blocks of rows."""
    source = np.ascontiguousarray(source)
    counts = ~((abs(grid_row - grid_nodata) < 1e-5) | (abs(grid_col - grid_nodata) < 1e-5))
    if grid_mask is not None:
        counts &= grid_mask != 0
    nodes = [np.where(counts, coordinate, np.nan) for coordinate in (grid_row, grid_col)]
    xs = np.arange(cols) + first_col
    block = max(_BLOCK // cols, 1)
    for y in range(0, rows, block):
        part = slice(y, min(y + block, rows))
        ys = np.arange(part.start, part.stop) + first_row
        row, col = (coordinates_at(coordinate, (row_step, col_step), ys, xs) for coordinate in nodes)
        *at, inside = _anchor(row, col, source_rows, source_cols, origin_row, origin_col, footprint, TAPS)
        valid, values = _weigh(source, at, ACC_T, TAPS)
        image[:, part] = np.where(valid, _convert(np.where(valid, values, 0), OUT_T), np.dtype(OUT_T).type(nodata))
        if validity is not None:
            validity[part] = np.where(valid, 1, np.where(inside, 0, outside))


def _anchor(row, col, source_rows, source_cols, origin_row, origin_col, footprint, taps):
    """Return anchor pixels in the source window, fractions beyond them, what is valid but for NaN, what is inside."""
    shift = 0.5 if taps == 1 else 0.0
    r, c = np.floor(row + shift), np.floor(col + shift)
    fr, fc = (np.zeros_like(row), np.zeros_like(col)) if taps == 1 else (row - r, col - c)
    r, c = r - origin_row, c - origin_col
    inside = (r >= 0) & (r < source_rows) & (c >= 0) & (c < source_cols)
    fr, fc = np.where(inside, fr, 0), np.where(inside, fc, 0)
    r, c = np.where(inside, r, 0).astype(np.intp), np.where(inside, c, 0).astype(np.intp)
    valid = inside.copy()
    inside &= (r + (fr > 0) < source_rows) & (c + (fc > 0) < source_cols)
    if footprint is not None:
        valid &= (footprint[r, c] >> ((fr != 0) * 2 + (fc != 0)) & 1).astype(bool)
    else:
        interp = Interpolator("", taps)
        for i, f, n in ((r, fr, source_rows), (c, fc, source_cols)):
            valid &= (f == 0) | ((i + interp.first_tap >= 0) & (i + interp.last_tap < n))
    return r, c, fr, fc, valid, inside


def _weigh(source, at, acc, taps):
    """Return what is valid, now with NaN in any band, and each band's weighted sums: columns first, then the row."""
    r, c, fr, fc, valid = at
    first = Interpolator("", taps).first_tap
    row_weights, col_weights = _weights(fr.astype(acc), taps), _weights(fc.astype(acc), taps)
    _, height, width = source.shape
    rows = [np.clip(r + first + k, 0, height - 1) * width for k in range(taps)]
    cols = [np.clip(c + first + k, 0, width - 1) for k in range(taps)]
    values = np.empty((source.shape[0], *r.shape), acc)
    for band, out in zip(source.reshape(len(source), -1), values, strict=True):
        columns = []
        for j in range(taps):
            v = [band[rows[k] + cols[j]].astype(acc, copy=False) for k in range(taps)]
            columns.append(np.where(fr == 0, v[-first], _weighted_sum(row_weights, v)))
        out[:] = np.where(fc == 0, columns[-first], _weighted_sum(col_weights, columns))
    return valid & ~np.isnan(values).any(axis=0), values


def oversample(
    rows, cols, nodes, node_rows, node_cols, pitch,
    row_node, row_weight, row_total, col_node, col_weight, col_total, reach, out, out_pitch, *, NODE_T, OUT_T,
):  # fmt: skip
    """Twin of kernels/oversample.cu, in blocks of rows."""
    values = (nodes != 0).astype(float) if np.dtype(NODE_T).kind == "u" else nodes
    left, right = col_node, np.minimum(col_node + 1, node_cols - 1)
    before, after = col_total - col_weight, col_weight
    block = max(_BLOCK // cols, 1)
    for y in range(0, rows, block):
        part = slice(y, y + block)
        above, below = row_node[part], np.minimum(row_node[part] + 1, node_rows - 1)
        down = row_weight[part, None]
        up = row_total - down
        corners = ((above, left, up, before), (above, right, up, after), (below, left, down, before))
        n1, n2, n3, n4 = (
            np.where((w == 0) | (v == 0), 0.0, _share(values[np.ix_(i, j)], w, v))
            for i, j, w, v in (*corners, (below, right, down, after))
        )
        value = n1 + n2 + n3 + n4
        out[part] = value if np.dtype(OUT_T).kind == "f" else abs(value) >= reach


def winding(rows, cols, starts, places, windings, out):
    """Twin of kernels/winding.cu, in blocks of rows."""
    turns = np.diff(windings, prepend=0)
    begun = starts[:-1][np.diff(starts) > 0]
    turns[begun] = windings[begun]
    row = np.repeat(np.arange(rows), np.diff(starts))
    block = max(_BLOCK // cols, 1)
    for y in range(0, rows, block):
        stop = min(y + block, rows)
        here = slice(starts[y], starts[stop])
        change = np.zeros((stop - y, cols), np.int32)
        np.add.at(change, (row[here] - y, places[here]), turns[here])
        out[y:stop] = np.cumsum(change, axis=1) != 0


def rules(rows, cols, band, pitch, table, count, also, out, out_pitch, *, SRC_T, BITS_T, TABLE_T):
    """Twin of kernels/rules.cu, in blocks of rows."""
    block = max(_BLOCK // cols, 1)
    for y in range(0, rows, block):
        part = slice(y, y + block)
        pixels = band[part] if np.dtype(SRC_T).kind == "f" else band[part].view(BITS_T)
        keep, at = np.ones(pixels.shape, bool), 0
        for _ in range(count):
            any_of, inverted, tests = map(int, table[at : at + 3])
            matched, at = np.full(pixels.shape, not any_of), at + 3
            for _ in range(tests):
                values = table[at + 2 : at + 2 + int(table[at + 1])]
                passed = _is_one_of(pixels, table[at], values)
                matched = matched | passed if any_of else matched & passed
                at += 2 + len(values)
            keep &= matched != bool(inverted)
        out[part] = keep & (out[part] != 0) if also else keep


def disc_columns(rows, cols, on, pitch, radius, out):
    """Twin of kernels/disc_columns.cu."""
    out[:] = radius + 1
    for k in range(min(radius, rows - 1), -1, -1):
        out[k:][on[: rows - k] != 0] = k
        out[: rows - k][on[k:] != 0] = k


def disc_rows(rows, cols, distance, heights, radius, out):
    """Twin of kernels/disc_rows.cu."""
    out[:] = 0
    for k in range(-min(radius, cols - 1), min(radius, cols - 1) + 1):
        to, near = slice(max(-k, 0), cols - max(k, 0)), slice(max(k, 0), cols - max(-k, 0))
        out[:, to] |= distance[:, near] <= heights[k + radius]


def _is_one_of(pixels, bits, values):
    """Say where pixels equal one of some values; of integers, where their bits do."""
    if pixels.dtype.kind != "f":
        values = values.astype(np.uint64).astype(pixels.dtype)
        pixels = pixels & bits.astype(np.uint64).astype(pixels.dtype)
    passed = np.zeros(pixels.shape, bool)
    for value in values:
        passed |= pixels == value
    return passed


def _share(node, down, across):
    """Return what nodes add to the sum; the order of the products differs by type, as in the kernel."""
    return node * (down * across) if node.dtype == np.float32 else node * down * across


def _weights(f: np.ndarray, taps: int) -> list[np.ndarray]:
    """Return what each tap weighs; see kernels/weights.cuh."""
    if taps == 1:
        return [np.ones_like(f)]
    if taps == 2:
        return [1 - f, f]
    t = f.dtype.type
    f2 = f * f
    f3 = f2 * f
    return [
        t(-0.5) * f3 + f2 - t(0.5) * f,
        t(1.5) * f3 - t(2.5) * f2 + t(1),
        t(-1.5) * f3 + t(2) * f2 + t(0.5) * f,
        t(0.5) * f3 - t(0.5) * f2,
    ]


def _weighted_sum(w: list[np.ndarray], v: list[np.ndarray]) -> np.ndarray:
    """Sum in the kernels' order."""
    if len(w) == 1:
        return v[0]
    if len(w) == 2:
        return w[0] * v[0] + w[1] * v[1]
    return (w[0] * v[0] + w[1] * v[1]) + (w[2] * v[2] + w[3] * v[3])


def _convert(values: np.ndarray, dtype: Any) -> np.ndarray:
    """Return values in a type; integers rounded half to even and clipped to their range."""
    dtype = np.dtype(dtype)
    if values.dtype == dtype or dtype.kind == "f":
        return values.astype(dtype, copy=False)
    info = np.iinfo(dtype)
    if values.dtype.kind != "f":
        given = np.iinfo(values.dtype)
        return np.clip(values, max(info.min, given.min), min(info.max, given.max)).astype(dtype)
    whole = np.rint(values.astype(np.float64))
    inside = np.where((whole > float(info.min)) & (whole < float(info.max)), whole, 0).astype(dtype)
    low, high = dtype.type(info.min), dtype.type(info.max)
    return np.where(whole >= float(info.max), high, np.where(whole <= float(info.min), low, inside))


TWINS: dict[str, Any] = {
    "disc_columns": disc_columns,
    "disc_rows": disc_rows,
    "footprint": footprint,
    "resample": resample,
    "oversample": oversample,
    "winding": winding,
    "rules": rules,
}
