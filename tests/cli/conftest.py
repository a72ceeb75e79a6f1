"""What several commands are run on."""

import numpy as np
import pytest
from commands import write
from rasterio.transform import Affine


@pytest.fixture
def files(tmp_path):
    """A folder with a source of three bands, its mask, a grid, and the grid's mask."""
    rng = np.random.default_rng(1)
    write(tmp_path / "source.tif", rng.integers(0, 60_000, (3, 40, 50), np.uint16))
    write(tmp_path / "mask.tif", rng.choice(np.array([0, 1, 7], np.uint8), (2, 40, 50), p=[0.01, 0.02, 0.97]))
    row, col = np.meshgrid(np.linspace(-1, 38, 6), np.linspace(1, 50, 6), indexing="ij")
    nodes = np.stack([row + 0.02 * col, col - 0.05 * row])
    write(tmp_path / "grid.tif", nodes, crs="EPSG:32631", transform=Affine(40, 0, 1000, 0, -50, 2000))
    counts = np.full((6, 6), 3, np.uint8)
    counts[1, 2] = 0
    counts[4, 4] = 9
    write(tmp_path / "nodes.tif", counts)
    return tmp_path
