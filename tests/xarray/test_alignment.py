"""Quality bands brought to the pixels of the arrays that they are about."""

import numpy as np
import pytest
from affine import Affine
from quality_arrays import PLACE, RULE, expected, quality, scene
from warp_cases import placed

from gpumask import GpumaskError

xarray = pytest.importorskip("xarray")
dask_array = pytest.importorskip("dask.array")
pytest.importorskip("gpumask.xarray")


@pytest.mark.parametrize("way", ["by coordinates", "by transform", "by shape"])
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("block", [(2, 2), (1, 3), (6, 1), (7, 5), (60, 72)])
def test_a_coarser_pixel_stands_for_its_block(block, lazy, way):
    array, qa = scene([("time", 2)]), quality(block, bands=[("time", 2)])
    if way == "by coordinates" and 1 in qa.shape[1:]:
        way = "by transform"
    if way != "by coordinates":
        qa = qa.rio.write_transform(PLACE.transform @ Affine.scale(block[1], block[0])).drop_vars(["y", "x"])
    if way == "by shape":
        if block == (7, 5):
            pytest.skip("whose shape does not tell the blocks")
        qa = qa.drop_vars("spatial_ref")
    given = (array.chunk(time=1, y=17), qa.chunk(y=4, x=9)) if lazy else (array, qa)
    found = given[0].gpumask.keep(RULE, given[1])
    assert lazy == (found.validity.chunks is not None)
    np.testing.assert_array_equal(found.validity, expected(qa, block))
    assert all(found.indexes[dim].equals(array.indexes[dim]) for dim in "yx")


def test_finer_pixels_are_refused():
    array, fine = quality((2, 3)), quality()
    for nowhere in ([], ["y", "x", "spatial_ref"]):
        with pytest.raises(GpumaskError, match="^quality: expected 'qa' "):
            array.drop_vars(nowhere).gpumask.keep(RULE, fine.drop_vars(nowhere))


@pytest.mark.parametrize("off", [1e-12, 1e-9, 0.05, -0.09])
@pytest.mark.parametrize("block", [(1, 1), (2, 3)])
def test_coordinates_may_be_off_by_a_little_and_the_arrays_own_stay(off, block):
    array, qa = scene(), quality(block)
    moved = qa.assign_coords(y=qa.y + 10 * off, x=qa.x - 10 * off)
    found = array.gpumask.keep(RULE, moved)
    np.testing.assert_array_equal(found.validity, expected(qa, block))
    for dim in "yx":
        assert found[dim].equals(array[dim]) and found.indexes[dim].equals(array.indexes[dim])
    assert found.validity.shape == array.shape


def test_uneven_rows_may_be_off_by_the_last_bits():
    array, qa = scene(), quality()
    rows = np.cumsum(np.linspace(8, 12, 60))
    array, noisy = array.assign_coords(y=rows), qa.assign_coords(y=rows * (1 + 1e-15) + 1e-10)
    np.testing.assert_array_equal(array.gpumask.keep(RULE, noisy).validity, expected(qa))


def test_a_single_row_of_blocks_lies_where_its_coordinates_say():
    array, qa = scene(), quality((60, 4))
    np.testing.assert_array_equal(array.gpumask.keep(RULE, qa).validity, expected(qa, (60, 4)))
    for moved in (qa.assign_coords(y=qa.y + 50), qa.assign_coords(x=qa.x + 5)):
        with pytest.raises(GpumaskError, match="^quality: expected 'qa'"):
            array.gpumask.keep(RULE, moved)


@pytest.mark.parametrize("block", [(1, 1), (2, 3)])
def test_turned_pixels_lie_where_their_transform_says(block):
    odc = pytest.importorskip("odc.geo.xr")
    boxes = pytest.importorskip("odc.geo.geobox")
    turned = PLACE.transform @ Affine.rotation(30)
    array, qa = scene(), quality(block)

    def lying(image, affine):
        return odc.wrap_xr(image.values, boxes.GeoBox(image.shape, affine, PLACE.crs)).rename("qa")

    image, there = lying(array, turned), lying(qa, turned @ Affine.scale(block[1], block[0]))
    np.testing.assert_array_equal(image.gpumask.keep(RULE, there).validity, expected(qa, block))
    elsewhere = lying(qa, turned @ Affine.translation(1, 0) @ Affine.scale(block[1], block[0]))
    with pytest.raises(GpumaskError, match="pixels of the array, or whole blocks .* up to 1 pixels off"):
        image.gpumask.keep(RULE, elsewhere)


def test_rows_may_be_called_otherwise_as_long_as_both_are():
    array, qa = (each.rename(y="up", x="across") for each in (scene(), quality((2, 2))))
    array.rio.set_spatial_dims(y_dim="up", x_dim="across", inplace=True)
    np.testing.assert_array_equal(array.gpumask.keep(RULE, qa).validity, expected(qa, (2, 2)))


@pytest.mark.parametrize("epsg", [4326, 3035])
def test_a_crs_may_be_written_otherwise(epsg):
    """As ESRI has it, or by a name of its own; rasterio takes these for others."""
    pyproj = pytest.importorskip("pyproj")
    y, x = (
        (40 - 0.01 * np.arange(60), 10 + 0.01 * np.arange(72))
        if epsg == 4326
        else (3e6 - np.arange(60), np.arange(72) + 4e6)
    )
    array, qa = (each.assign_coords(y=y, x=x).rio.write_crs(epsg) for each in (scene(), quality()))
    other = qa.rio.write_crs(pyproj.CRS(epsg).to_wkt("WKT1_ESRI"))
    assert other.rio.crs != array.rio.crs
    np.testing.assert_array_equal(array.gpumask.keep(RULE, other).validity, expected(qa))


def test_chunks_of_a_coarse_band_stay_small():
    huge = placed("EPSG:32633", 5e5, 5e6, 10, (20_000, 30_000))
    lazy = dask_array.zeros(huge.shape, np.uint8, chunks=2000)
    coarse = dask_array.zeros((2000, 3000), np.uint8, chunks=-1)
    t = huge.transform
    arrays = [
        xarray.DataArray(
            data, dims=("y", "x"), name="qa",
            coords={"y": t.f - s * (np.arange(data.shape[0]) + 0.5), "x": t.c + s * (np.arange(data.shape[1]) + 0.5)},
        ).rio.write_crs(huge.crs)
        for data, s in ((lazy, 10.0), (coarse, 100.0))
    ]  # fmt: skip
    validity = arrays[0].gpumask.keep(RULE, arrays[1]).validity
    assert max(map(max, validity.chunks)) <= 2048 and validity.data.npartitions < 400
