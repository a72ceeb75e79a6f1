"""Quality bands as files are opened, coarser ones, and those whose coordinates are off by the last bits."""

import numpy as np
import pytest
from affine import Affine
from array_cases import image_at
from warp_cases import placed

from gpumask import GpumaskError, Place, mask_from_rules, warp_file

xarray = pytest.importorskip("xarray")
rioxarray = pytest.importorskip("rioxarray")
dask_array = pytest.importorskip("dask.array")
pytest.importorskip("gpumask.xarray")

PLACE = placed("EPSG:32633", 5e5, 5e6, 10, (60, 72))
CLOUDS = {"values": [3, 4]}
RULE = CLOUDS | {"invert": True}


def quality(block=(1, 1), bands=(), name="qa", seed=5):
    """Return a quality band whose pixels stand for blocks of the array's; the last block may reach beyond."""
    shape = tuple(-(-n // by) for n, by in zip(PLACE.shape, block, strict=True))
    place = Place(PLACE.crs, PLACE.transform @ Affine.scale(block[1], block[0]), shape)
    array = image_at(place, bands=bands).rename(name)
    return array.copy(data=np.random.default_rng(seed).integers(0, 12, array.shape).astype(np.uint8))


def scene(bands=()):
    """Return an array."""
    return image_at(PLACE, bands=bands).rio.write_nodata(65535)


def expected(qa, block=(1, 1)):
    """Return what the rule keeps, by hand."""
    kept = ~np.isin(np.asarray(qa.values), CLOUDS["values"])
    for axis, by in zip((-2, -1), block, strict=True):
        kept = np.repeat(kept, by, axis=axis)
    return kept[..., : PLACE.shape[0], : PLACE.shape[1]]


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("bands", [(), [("band", 1)], [("band", 4)], [("time", 2), ("band", 3)]])
@pytest.mark.parametrize("grow", [None, 2])
def test_a_band_of_one_is_as_none(bands, lazy, grow):
    array, qa = scene(bands), quality(bands=[("band", 1)]).assign_coords(band=[1])
    flat = qa.squeeze("band", drop=True)
    if lazy:
        array, qa, flat = array.chunk(y=20), qa.chunk(y=25), flat.chunk(y=25)
    words = {"rules": RULE, "grow": grow}
    found = array.gpumask.keep(quality=qa, **words)
    for other in (flat, qa.squeeze("band"), qa.transpose("y", "x", "band"), {"qa": qa}):
        rules = [{"band": "qa", **RULE}] if isinstance(other, dict) else RULE
        same = array.gpumask.keep(rules, other, grow=grow)
        xarray.testing.assert_identical(found.compute(), same.compute())
    assert found.validity.dims == ("y", "x") and found.dims == array.dims
    if grow is None:
        np.testing.assert_array_equal(found.validity, expected(flat))


def test_two_files_as_they_are_opened(tmp_path):
    scene([("band", 2)]).rio.to_raster(tmp_path / "image.tif")
    quality().rio.to_raster(tmp_path / "qa.tif")
    for chunks in (None, {"band": 1, "y": 20, "x": 30}):
        image, qa = (rioxarray.open_rasterio(tmp_path / name, chunks=chunks) for name in ("image.tif", "qa.tif"))
        np.testing.assert_array_equal(image.gpumask.keep(RULE, qa).validity, expected(quality()))


def test_a_dimension_of_one_that_the_array_lacks_is_left_out():
    qa = quality(bands=[("time", 1)])
    np.testing.assert_array_equal(scene().gpumask.keep(RULE, qa).validity, expected(qa[0]))


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


@pytest.mark.parametrize("lazy", [False, True])
def test_what_is_not_kept_grows_in_pixels_of_the_array_as_with_files(tmp_path, lazy):
    array, qa = scene(), quality((3, 4))
    found = array.gpumask.keep(RULE, qa.chunk(y=5) if lazy else qa, grow=3)
    by_hand = mask_from_rules([{"band": "qa", **RULE}], {"qa": np.kron(qa.values, np.ones((3, 4), np.uint8))}, grow=3)
    np.testing.assert_array_equal(found.validity, by_hand)
    array.rio.to_raster(tmp_path / "image.tif")
    qa.rio.to_raster(tmp_path / "qa.tif")
    warp_file(
        tmp_path / "image.tif", tmp_path / "out.tif", like=tmp_path / "image.tif", interp="nearest", nodata_out=65535,
        validity=tmp_path / "valid.tif", keep=[{"band": "qa", **RULE}], quality={"qa": tmp_path / "qa.tif"}, grow=3,
    )  # fmt: skip
    with rioxarray.open_rasterio(tmp_path / "valid.tif") as valid:
        np.testing.assert_array_equal(found.validity, valid[0].values != 0)


def test_bands_of_several_sizes_hold_together():
    bands = {name: quality(block, name=name) for name, block in {"a": (1, 1), "b": (2, 3), "c": (4, 4)}.items()}
    rules = [{"band": name, **RULE} for name in bands]
    found = scene().gpumask.keep(rules, bands)
    by_hand = expected(bands["a"]) & expected(bands["b"], (2, 3)) & expected(bands["c"], (4, 4))
    np.testing.assert_array_equal(found.validity, by_hand)


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


@pytest.mark.parametrize("lazy", [False, True])
def test_nothing_is_kept_where_the_quality_band_is_not_valid(lazy):
    """Beyond its edges a quality band that was brought to the array is 0, which the rule keeps."""
    array, qa = scene(), quality()[:, :40]
    given = qa.chunk(y=20) if lazy else qa
    there = given.gpumask.reproject(like=array, interp="nearest", nodata_out=0)
    found = array.gpumask.keep(RULE, there)
    by_hand = np.pad(expected(qa)[:, :40], ((0, 0), (0, 32)))
    np.testing.assert_array_equal(found.validity, by_hand)
    twice = found.gpumask.keep(RULE, quality(seed=6).expand_dims("band"))
    np.testing.assert_array_equal(twice.validity, by_hand & expected(quality(seed=6)))


BRING = r'\(qa.gpumask.reproject\(like=array, interp="nearest"\) brings it there'


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda qa: qa.isel(y=slice(None, None, -1)), rf"the array's own coordinates along y; got others {BRING}"),
        (lambda qa: qa.assign_coords(x=qa.x + 2), rf"the array's own coordinates along x; got others {BRING}"),
        (lambda qa: qa.assign_coords(x=qa.x * np.nan), rf"the array's own coordinates along x; got others {BRING}"),
        (lambda qa: qa[:50], rf"to have the 60 x 72 pixels of the array.* got 50 x 72 pixels.*{BRING}"),
        (lambda qa: qa[::2, 1::2], rf"from the same corner on; got 30 x 36 pixels, up to 0.5 pixels off {BRING}"),
        (lambda qa: qa[:30, 1:37].drop_vars("y"), rf"the array's own coordinates along x; got others {BRING}"),
        (lambda qa: qa[:47, :50].drop_vars(["y", "x"]), rf"of shape \(60, 72\).*got \(47, 50\).*{BRING}"),
        (lambda qa: qa.rio.write_crs("EPSG:32634"), rf"the array's CRS, EPSG:32633; got EPSG:32634 {BRING}"),
        (
            lambda qa: qa.rename(y="latitude", x="longitude"),
            r"the array's dimensions y and x; got .* \(qa.rename\({'latitude': 'y', 'longitude': 'x'}\)",
        ),
        (lambda qa: qa.isel(x=0), "the array's dimensions y and x; got {'y': 60}"),
        (lambda qa: qa.expand_dims(band=3), r"out of \('time', 'y', 'x'\); got .*'band': 3.* \(qa.isel\(band=0\)"),
        (
            lambda qa: qa.expand_dims(time=3),
            r"the array's length 2 along time, or no time; .*\(qa.sel\(time=array\['time'\]",
        ),
        (
            lambda qa: qa.expand_dims(time=[0, 5]),
            r"the array's own labels along time; got others \(qa.sel\(time=array\['time'\]\)",
        ),
    ],
)  # fmt: skip
def test_errors_name_the_call_that_mends_it(change, says):
    with pytest.raises(GpumaskError, match=f"^quality: expected 'qa' .*{says}"):
        scene([("time", 2)]).gpumask.keep(RULE, change(quality()))


def test_the_call_that_an_error_names_mends_it():
    array, qa = scene(), quality()
    for other in (qa.isel(y=slice(None, None, -1)), qa[::2, 1::2], qa.assign_coords(x=qa.x + 2)):
        with pytest.raises(GpumaskError, match=BRING):
            array.gpumask.keep(RULE, other)
        there = other.gpumask.reproject(like=array, interp="nearest", nodata_out=255)
        found = array.gpumask.keep(RULE, there).validity
        assert found.any() and found.dims == ("y", "x")
    dates = scene([("time", 2)])
    more = quality(bands=[("time", 4)])
    np.testing.assert_array_equal(dates.gpumask.keep(RULE, more.sel(time=dates["time"])).validity, expected(more[:2]))


def test_nothing_lazy_is_computed():
    import dask

    def refuse(*_, **__):
        raise AssertionError("computed")

    array, qa = scene().chunk(y=20), quality((2, 2)).expand_dims("band").chunk(y=7)
    with dask.config.set(scheduler=refuse):
        kept = array.gpumask.keep(RULE, qa, grow=2)
        kept = kept.gpumask.keep(RULE, kept.astype(np.uint8).rename("qa"))
    assert kept.validity.shape == array.shape


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
