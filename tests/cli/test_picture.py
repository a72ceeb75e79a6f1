"""The picture of the demo."""

import numpy as np
import pytest
import rasterio

from gpumask.cli.picture import Picture


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read()


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
def test_picture_is_three_panels_with_transparent_gaps(tmp_path):
    rng = np.random.default_rng(0)
    cloud, shadow = np.zeros((2, 60, 60), bool)
    cloud[:20], shadow[20:40] = True, True
    valid = np.zeros((50, 50), bool)
    valid[:, 25:] = True
    nodes = np.stack(np.meshgrid(np.linspace(5, 50, 11), np.linspace(5, 50, 11), indexing="ij"))
    source, image = rng.integers(1, 3000, (3, 60, 60)), rng.integers(1, 3000, (3, 50, 50))
    Picture(source, shadow, cloud, nodes, image, valid).write(tmp_path / "picture.png", 160)
    picture = read(tmp_path / "picture.png")
    side = (160 - 2) // 3
    assert picture.shape == (4, side, 3 * side + 2)
    assert (picture[3] == 0).all(axis=0).sum() == 2
    validity = picture[:3, :, -side:]
    assert (validity[:, :, :20] < 60).all() and (validity[:, :, -20:] > 200).all()
