"""Where the pixels of grids lie in their sources, worked out pixel by pixel."""

import numpy as np

from gpumask import Grid
from gpumask.grids.places.projection import projection
from gpumask.pixels.coordinates import coordinates_at


def coordinates(grid):
    """Return rows and columns in the source for each output pixel."""
    ys, xs = (np.arange(at.start, at.stop) for at in grid.output.slices)
    return np.stack([coordinates_at(of_axis, grid.resolution, ys, xs) for of_axis in (grid.row, grid.col)])


def between(pair, **options):
    """Return the grid between two places."""
    (source, target) = pair
    options = {"source_shape": source.shape, **options}
    return Grid.between(source.crs, source.transform, target.crs, target.transform, target.shape, **options)


def exactly(pair):
    """Return rows and columns in the source for each output pixel, by the projection itself."""
    rows, cols = (np.arange(n) for n in pair.target.shape)
    return np.stack(projection(*pair)(rows[:, None], cols))


def in_source(coordinates, shape):
    """Say which coordinates lie in a source."""
    row, col = coordinates
    return (row >= 0) & (row <= shape[0] - 1) & (col >= 0) & (col <= shape[1] - 1)
