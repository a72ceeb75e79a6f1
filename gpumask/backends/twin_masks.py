"""NumPy twins of the kernels that make masks. See `backends.twins`."""

from __future__ import annotations

import numpy as np

from gpumask.backends.arguments import Out

# Pixels in a block of rows: what bounds the twins' temporaries.
BLOCK = 1 << 16


def inside_polygons(rows, cols, starts, places, windings, out):
    """Twin of kernels/inside_polygons.cu, in blocks of rows."""
    turns = np.diff(windings, prepend=0)
    begun = starts[:-1][np.diff(starts) > 0]
    turns[begun] = windings[begun]
    row = np.repeat(np.arange(rows), np.diff(starts))
    block = max(BLOCK // cols, 1)
    for y in range(0, rows, block):
        stop = min(y + block, rows)
        here = slice(starts[y], starts[stop])
        change = np.zeros((stop - y, cols), np.int32)
        np.add.at(change, (row[here] - y, places[here]), turns[here])
        out[y:stop] = np.cumsum(change, axis=1) != 0


def rules(rows, cols, band, pitch, table, count, also, out: Out, *, SRC_T, BITS_T, TABLE_T):
    """Twin of kernels/rules.cu, in blocks of rows."""
    block = max(BLOCK // cols, 1)
    for y in range(0, rows, block):
        part = slice(y, y + block)
        pixels = band[part] if np.dtype(SRC_T).kind == "f" else band[part].view(BITS_T)
        keep, at = np.ones(pixels.shape, bool), 0
        for _ in range(count):
            any_of, inverted, tests = map(int, table[at : at + 3])
            matched, at = np.full(pixels.shape, not any_of), at + 3
            for _ in range(tests):
                given = int(table[at + 1])
                values = table[at + 2 : at + 2 + (~given if given < 0 else given)]
                passed = _is_one_of(pixels, table[at], values) != (given < 0)
                matched = matched | passed if any_of else matched & passed
                at += 2 + len(values)
            keep &= matched != bool(inverted)
        out.out[part] = keep & (out.out[part] != 0) if also else keep


def _is_one_of(pixels, bits, values):
    """Say where pixels equal one of some values. Integers are compared by their bits."""
    if pixels.dtype.kind != "f":
        values = values.astype(np.uint64).astype(pixels.dtype)
        pixels = pixels & bits.astype(np.uint64).astype(pixels.dtype)
    passed = np.zeros(pixels.shape, bool)
    for value in values:
        passed |= pixels == value
    return passed


def column_distance(rows, cols, on, pitch, radius, out):
    """Twin of kernels/column_distance.cu."""
    out[:] = radius + 1
    for k in range(min(radius, rows - 1), -1, -1):
        out[k:][on[: rows - k] != 0] = k
        out[: rows - k][on[k:] != 0] = k


def dilate(rows, cols, distance, heights, radius, out):
    """Twin of kernels/dilate.cu."""
    out[:] = 0
    for k in range(-min(radius, cols - 1), min(radius, cols - 1) + 1):
        to, near = slice(max(-k, 0), cols - max(k, 0)), slice(max(k, 0), cols - max(-k, 0))
        out[:, to] |= distance[:, near] <= heights[k + radius]
