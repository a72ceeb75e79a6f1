"""Where DataArrays lie, and where results say that they lie."""

import numpy as np
import pytest
from affine import Affine
from array_cases import image_at, small
from warp_cases import PAIRS, placed, words_of

xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
pytest.importorskip("gpumask.xarray")
# Most arrays here declare no nodata value, so that every pixel of theirs counts.
pytestmark = pytest.mark.filterwarnings("ignore:nodata_out:UserWarning")


@pytest.mark.parametrize("name", [*PAIRS])
def test_rioxarray_and_odc_geo_read_where_it_lies(name):
    pytest.importorskip("odc.geo.xr")
    pair = small(PAIRS[name])
    found = image_at(pair.source).gpumask.reproject(**words_of(pair.target))
    assert found.rio.crs.to_epsg() == int(pair.target.crs.partition(":")[2])
    assert found.rio.transform().almost_equals(pair.target.transform, 1e-9)
    assert found.rio.transform(recalc=True).almost_equals(pair.target.transform, 1e-6)
    geobox = found.odc.geobox
    assert geobox.crs == pair.target.crs and geobox.shape == found.shape
    assert geobox.affine.almost_equals(pair.target.transform, 1e-6)


@pytest.mark.parametrize("flipped", ["y", "x"])
def test_coordinates_may_go_either_way(flipped):
    array = image_at(placed("EPSG:32633", 5e5, 5e6, 10, (30, 40)))
    other = array.isel({flipped: slice(None, None, -1)})
    words = {"crs": "EPSG:32634", "resolution": 10, "bounds": (40_000, 5_010_000, 40_300, 5_010_400)}
    xarray.testing.assert_identical(other.gpumask.reproject(**words), array.gpumask.reproject(**words))
    found = array.gpumask.reproject(like=other)
    np.testing.assert_array_equal(found, other)
    np.testing.assert_allclose(found[flipped], other[flipped])


def test_turned_pixels_lie_where_their_transform_says():
    place = placed("EPSG:32633", 5e5, 5e6, 10, (30, 40))
    turned = place.transform @ Affine.rotation(30)
    array = image_at(place).drop_vars(["y", "x"]).rio.write_transform(turned)
    found = array.gpumask.reproject(like=array)
    np.testing.assert_array_equal(found, array)
    assert found.rio.transform() == turned and "x" not in found.coords


def test_one_row_lies_where_its_transform_says():
    place = placed("EPSG:32633", 5e5, 5e6, 10, (30, 40))
    array = image_at(place).rio.write_transform(place.transform)
    found = array.gpumask.reproject(like=array.isel(y=[7]))
    np.testing.assert_array_equal(found[0], array[7])
