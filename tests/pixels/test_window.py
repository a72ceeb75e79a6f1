"""Windows: whole numbers of any type, and the arithmetic of rows and columns."""

import itertools

import numpy as np
import pytest

from gpumask import ArgumentTypeError, GpumaskError, Grid, Window, resample
from gpumask.pixels.window import check_inside


@pytest.mark.usefixtures("on_every_backend")
@pytest.mark.parametrize("window", [(0, 0, 2, 2), [0, 0, 2, 2], np.s_[0:2]])
def test_a_window_of_another_kind_is_refused(window):
    with pytest.raises(ArgumentTypeError, match="expected a gpumask.Window"):
        Grid(np.zeros((3, 3)), np.zeros((3, 3)), window=window)


def test_a_window_takes_whole_numbers_of_any_kind_and_no_others(backend):
    grid = Grid(*np.mgrid[0:4, 0:4].astype(float), window=Window(*np.array([1, 1, 2, 3], np.int16)))
    assert resample(np.ones((4, 4)), grid, backend=backend).image.shape == (2, 3)
    with pytest.raises(ArgumentTypeError, match="window.rows: expected a whole number; got 2.0"):
        Window(0, 0, 2.0, 2)


def windows(count=60):
    """Return windows of all sizes, some empty, some before the first row and column."""
    rng = np.random.default_rng(3)
    return [Window(*rng.integers(-6, 7, 2), *rng.integers(0, 8, 2)) for _ in range(count)]


def pixels_of(window):
    """Return the set of a window's pixels."""
    return set(itertools.product(range(window.row, window.row_stop), range(window.col, window.col_stop)))


def test_what_two_windows_share_are_the_pixels_of_both():
    shared = [len(pixels_of(one.intersect(other))) for one, other in itertools.pairwise(windows())]
    assert shared == [len(pixels_of(one) & pixels_of(other)) for one, other in itertools.pairwise(windows())]
    assert min(shared) == 0 < max(shared)


def test_a_window_contains_another_if_all_pixels_of_that_are_its_own():
    pairs = [pair for pair in itertools.product(windows(), repeat=2) if not pair[1].is_empty]
    found = [one.contains(other) for one, other in pairs]
    assert found == [pixels_of(other) <= pixels_of(one) for one, other in pairs]
    assert any(found) and not all(found)


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (2, 3), (7, 1), (50, 50)])
def test_each_pixel_is_in_exactly_one_tile(rows, cols):
    for window in windows():
        tiles = list(window.tiles(rows, cols))
        found = [pixel for tile in tiles for pixel in sorted(pixels_of(tile))]
        assert len(found) == len(set(found)) and set(found) == pixels_of(window)
        assert all(0 < tile.rows <= rows and 0 < tile.cols <= cols for tile in tiles)


def test_padding_and_its_opposite_give_the_window_back():
    for window in windows():
        assert window.pad(2, 3).pad(-2, -3) == window == window.shift(4, -5).shift(-4, 5)
        assert window.pad(2) == window.pad(2, 2) == Window.of_axes(*window.pad(2).axes)


@pytest.mark.parametrize("window", [Window(0, 0, 0, 3), Window(-1, 0, 2, 2), Window(3, 0, 2, 2), Window(0, 2, 1, 4)])
def test_a_window_that_is_not_inside_is_refused_by_the_arguments_name(window):
    assert check_inside("part", Window(1, 2, 3, 3), (4, 5)) == Window(1, 2, 3, 3)
    with pytest.raises(GpumaskError, match="^part: expected a window with pixels inside 4 x 5"):
        check_inside("part", window, (4, 5))


def test_tiles_of_no_pixels_are_refused():
    with pytest.raises(GpumaskError, match="^tiles: expected at least 1 row and 1 column; got 0 x 4"):
        list(Window(0, 0, 4, 4).tiles(0, 4))
