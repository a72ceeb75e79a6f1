"""Grids in files: which nodes count."""

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from commands import write
from file_runs import PLACE, assert_same, nodes, oracle, run

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")


def test_grid_masks_nodata_bands_and_corners(folder, backend):
    row, col = nodes()
    counts = np.full((2, 8, 8), 3, np.uint8)
    counts[0, 2, 2], counts[1, 4, 5], counts[1, 4, 3] = 0, 1, 0
    write("counts.tif", counts)
    bad = nodes()
    bad[:, 3, 3] = -5
    write("bad.tif", bad, **PLACE)
    write("declared.tif", bad, nodata=-5)
    write("swapped.tif", np.stack([row, col])[[1, 0, 0]])
    corner = {"row": row - 0.5, "col": col - 0.5}
    bad_nodes = {"row": bad[0], "col": bad[1], "nodata": -5}
    for how, grid in [
        ({"grid_mask": "counts.tif"}, {"mask": counts[0]}),
        ({"grid_mask": ("counts.tif", 2)}, {"mask": counts[1]}),
        ({"grid_mask": ("counts.tif", 2, 3)}, {"mask": counts[1] == 3}),
        ({"grid": "bad.tif", "grid_nodata": -5}, bad_nodes),
        ({"grid": "declared.tif"}, bad_nodes),
        ({"grid": "declared.tif", "grid_nodata": -7}, {"row": bad[0], "col": bad[1]}),
        ({"grid": "swapped.tif", "grid_bands": (2, 1)}, {}),
        ({"pixel_convention": "corner"}, corner),
        ({"pixel_convention": "corner", "grid_mask": "counts.tif"}, {**corner, "mask": counts[0]}),
        (
            {"pixel_convention": "corner", "grid": "declared.tif"},
            {**corner, "mask": (bad[0] != -5)},
        ),
    ]:
        found = run(**how, backend=backend, tile_shape=(12, 20))
        assert_same(found, oracle(grid=grid, backend=backend))


def test_two_nodata_values_of_a_grid_are_each_of_their_band_unless_one_is_named(folder):
    row, col = nodes()

    class Two:
        """A dataset that declares a nodata value of its own for each band."""

        nodatavals = (row[3, 3], col[5, 2])

        def __init__(self, dataset):
            self.dataset = dataset

        def __getattr__(self, name):
            return getattr(self.dataset, name)

    counts = np.ones((8, 8), bool)
    counts[3, 3] = counts[5, 2] = False
    with rasterio.open("grid.tif") as grid:
        assert_same(run(grid=Two(grid)), oracle(grid={"mask": counts}))
        assert_same(run(grid=Two(grid), grid_nodata=-5), oracle())
