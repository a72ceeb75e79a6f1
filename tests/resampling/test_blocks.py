"""Windows put together from the chunks of an array."""

import numpy as np
import pytest

from gpumask import Window
from gpumask.resampling.blocks import Blocks, numbers_over, starts_of

SIZES = [((7,), (9,)), ((3, 4), (4, 4, 1)), ((1,) * 7, (2, 5, 2)), ((2, 1, 4), (1,) * 9)]
WHOLE = np.arange(2 * 7 * 9).reshape(2, 7, 9)
chunked = pytest.mark.parametrize("sizes", SIZES, ids=str)


def starts(sizes):
    return [np.cumsum([0, *each]).tolist() for each in sizes]


def all_windows():
    """Return all windows with pixels inside the array."""
    ends = [(a, n) for a in range(7) for n in range(1, 8 - a)], [(b, n) for b in range(9) for n in range(1, 10 - b)]
    return [Window.of_axes(rows, cols) for rows in ends[0] for cols in ends[1]]


@chunked
def test_chunks_over_a_window_are_all_that_share_a_pixel_with_it(sizes):
    every = Blocks.numbered([(i, j) for i in range(len(sizes[0])) for j in range(len(sizes[1]))], starts(sizes))
    for window in all_windows():
        meeting = zip(every.numbers, every.windows, strict=True)
        expected = [number for number, has in meeting if not has.intersect(window).is_empty]
        assert numbers_over(window, starts(sizes)) == expected
    assert numbers_over(Window(2, 2, 0, 3), starts(sizes)) == []


@chunked
def test_a_window_is_that_of_the_whole_whatever_the_chunks(sizes):
    for window in all_windows()[::7]:
        blocks = Blocks.numbered(numbers_over(window, starts(sizes)), starts(sizes))
        arrays = [WHOLE[..., *has.slices] for has in blocks.windows]
        found = blocks.read(arrays, window)
        np.testing.assert_array_equal(found, WHOLE[..., *window.slices])
        assert np.shares_memory(found, WHOLE) == (len(arrays) == 1)


@chunked
def test_chunks_begin_where_dask_has_them(sizes):
    dask_array = pytest.importorskip("dask.array")
    lazy = dask_array.from_array(WHOLE, chunks=((1, 1), *sizes))
    assert starts_of(lazy) == starts(sizes)
