"""Chunks of a lazy array, and windows put together from them."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpumask.pixels.window import Window

Number = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Blocks:
    """Some chunks of an array.

    Attributes
    ----------
    numbers
        The (row, col) numbers of the chunks, in order.
    windows
        The pixels of each chunk.
    """

    numbers: list[Number]
    windows: list[Window]

    @classmethod
    def numbered(cls, numbers: Sequence[Number], starts: Sequence[list[int]]) -> Blocks:
        """Return the chunks with these numbers. For `starts` see `starts_of`."""
        rows, cols = starts
        windows = [Window(rows[i], cols[j], rows[i + 1] - rows[i], cols[j + 1] - cols[j]) for i, j in numbers]
        return cls(list(numbers), windows)

    def read(self, arrays: Sequence[Any], wanted: Window) -> Any:
        """Return a (…, row, col) window of the array, put together from these chunks.

        It is a view if one chunk holds all of it.
        """
        near = [pair for pair in zip(arrays, self.windows, strict=True) if _meet(pair[1], wanted)]
        if len(near) == 1 and near[0][1].contains(wanted):
            ((array, has),) = near
            return array[..., *wanted.shift(-has.row, -has.col).slices]
        made: Any = np.empty((*arrays[0].shape[:-2], *wanted.shape), arrays[0].dtype, like=arrays[0])
        for array, has in near:
            part = has.intersect(wanted)
            to, at = part.shift(-wanted.row, -wanted.col).slices, part.shift(-has.row, -has.col).slices
            made[..., *to] = array[..., *at]
        return made


def _meet(one: Window, other: Window) -> bool:
    """Say whether two windows share a pixel."""
    rows = one.row < other.row + other.rows and other.row < one.row + one.rows
    return rows and one.col < other.col + other.cols and other.col < one.col + one.cols


def numbers_over(window: Window, starts: Sequence[list[int]]) -> list[Number]:
    """Return the numbers of the chunks that a window covers at least in part, in order."""
    if window.is_empty:
        return []
    (first, last), (left, right) = (
        (bisect.bisect_right(starting, begin) - 1, bisect.bisect_right(starting, begin + count - 1) - 1)
        for (begin, count), starting in zip(window.axes, starts, strict=True)
    )
    return [(i, j) for i in range(first, last + 1) for j in range(left, right + 1)]


def starts_of(array: Any) -> list[list[int]]:
    """Return where the chunks of a dask array begin along rows and along columns, and where the last ones end."""
    return [np.cumsum([0, *sizes]).tolist() for sizes in array.chunks[-2:]]
