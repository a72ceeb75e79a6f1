"""Quality bands of DataArrays: as files are opened, several at once, and what is refused."""

import numpy as np
import pytest
from quality_arrays import RULE, expected, quality, scene

from gpumask import GpumaskError, mask_from_rules, warp_file

xarray = pytest.importorskip("xarray")
rioxarray = pytest.importorskip("rioxarray")
pytest.importorskip("dask.array")
pytest.importorskip("gpumask.xarray")


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
