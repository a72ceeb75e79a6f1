"""How far apart output pixels lie: what antialiased interpolators read, and whether all of a grid shrinks."""

import numpy as np
import pytest

from gpumask import Grid
from gpumask.backends.twin_antialias import scale_amid
from gpumask.grids.spacing import shrinks, window_of_taps
from gpumask.pixels.coordinates import coordinates_at, corners_at


@pytest.mark.parametrize("half", [1, 2, 3])
@pytest.mark.parametrize("seed", range(6))
def test_the_window_of_taps_holds_every_tap(seed, half):
    rng = np.random.default_rng(seed)
    step = [(1, 1), (3, 5)][seed % 2]
    y, x = np.mgrid[0:7, 0:9] * np.reshape(step, (2, 1, 1)) * rng.uniform(0.3, 4)
    angle = rng.uniform(0, 6)
    row, col = 50 + np.cos(angle) * y + np.sin(angle) * x, 60 - np.sin(angle) * y + np.cos(angle) * x
    row += rng.normal(size=y.shape)
    mask = rng.random(y.shape) > (0.2 if seed > 3 else 0)
    grid = Grid(row, col, step, mask)
    window = window_of_taps(grid, half)
    rows, cols = grid.full_shape
    for nodes, (first, count) in zip((row, col), window.axes, strict=True):
        known = np.where(mask, nodes, np.nan)
        corners = corners_at(known, step, np.arange(rows + 1), np.arange(cols + 1))
        middle = coordinates_at(known, step, np.arange(rows), np.arange(cols))
        reach = half * scale_amid(corners, middle, 0)
        assert np.nanmin(middle - reach) > first - 1 and np.nanmax(middle + reach) < first + count
    assert not grid.source_window(half).is_empty and window.contains(grid.source_window(half))


def test_the_window_of_taps_of_a_grid_in_turns_is_that_of_one_turn():
    row, col = np.mgrid[0:5, 0:7] * 2.0
    turned = Grid(row + 8, col + 8 + 360 * np.random.default_rng(0).integers(-2, 3, col.shape), around=(0, 360))
    found, expected = window_of_taps(turned, 2, (0, 360)), window_of_taps(Grid(row + 8, col + 8), 2)
    assert found.axes[0] == expected.axes[0] and found.col % 360 == expected.col % 360
    assert expected.cols <= found.cols <= expected.cols + 2


def test_a_grid_shrinks_if_all_of_its_pixels_surely_do():
    row, col = np.mgrid[0:4, 0:5] * 1.0
    assert not shrinks(Grid(row, col)) and not shrinks(Grid(row * 0.9, col * 0.9))
    assert shrinks(Grid(row * 2, col)) and shrinks(Grid(row, -3 * col)) and shrinks(Grid(col * 1.5, row))
    assert shrinks(Grid(row * 9, col * 9, (4, 4))) and not shrinks(Grid(row * 4, col * 4, (4, 4)))
    assert not shrinks(Grid(row**1.2, col))
    assert not shrinks(Grid(row * 2, col, mask=col != 3)) and not shrinks(Grid(row[:1], col[:1] * 2))
    assert not shrinks(Grid(row * 2, col * 2, around=(0, 50)))
