"""Places: what says where a raster lies."""

import pytest
from affine import Affine

from gpumask import Place
from gpumask.files.warp import target_place


@pytest.mark.parametrize("affine", [Affine.identity(), Affine(1, 0, 0, 0, -1, 0)])
def test_a_raster_at_the_origin_lies_somewhere(affine):
    found = target_place(Place("EPSG:32633", affine, (100, 120)), "EPSG:32632", None, None, None)
    assert found.shape == (100, 120) and found.transform.a == pytest.approx(1, abs=0.01)
