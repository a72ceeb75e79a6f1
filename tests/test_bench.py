"""What bench/run.py measures beside each other is the same work."""

import dataclasses

import numpy as np
import pytest
from checkout import BENCH

pytestmark = pytest.mark.skipif(not BENCH.is_dir(), reason="not in a checkout")


@pytest.mark.parametrize(
    "name",
    [
        "average, uint16, 6 times smaller",
        "average, uint8, 6 times smaller",
        "average, uint16, 2 times smaller",
        "average, uint16, 20 times smaller",
        "med, uint16, 6 times smaller",
        "cubic with antialias, uint16, 6 times smaller",
    ],
)
def test_gdal_makes_images_smaller_by_the_same_values(name, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    from cases import SMALLER

    case = dataclasses.replace(SMALLER[name], size=240)
    image, validity = case.ours("numpy")()
    theirs, _ = case.threaded_peers(1)["GDAL warp"]()()
    assert validity.all()
    np.testing.assert_allclose(image.astype(float), theirs, atol=1)


def test_a_turned_output_lies_where_that_of_gdal_does(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    import shrinking

    plane = np.add.outer(3 * np.arange(240), np.arange(240)).astype(np.uint16)
    monkeypatch.setattr(shrinking.Shrinking, "source", lambda _: plane)
    case = shrinking.Shrinking("average", degrees=10, size=240)
    image, validity = case.ours("numpy")()
    theirs, _ = case.threaded_peers(1)["GDAL warp"]()()
    inner = np.s_[8:-8, 8:-8]
    assert validity[inner].all()
    np.testing.assert_allclose(image[inner].astype(float), theirs[inner], atol=1)
