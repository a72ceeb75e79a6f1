"""Validity by band from file to file: to the bit what arrays have, and refused where an output can't hold it."""

import numpy as np
import pytest
import rasterio
from band_scenes import COL, GRID, RNG, ROW, SHAPE, STEP, band_scene, read, written
from commands import fails, run

from gpumask import GpumaskError, MaskRule, resample, resample_file, warp_file


@pytest.fixture(params=["float32", "int16"])
def scene(request, tmp_path, monkeypatch):
    """Return bands that are invalid at other places each, and where they are valid."""
    monkeypatch.chdir(tmp_path)
    return band_scene(request.param)


@pytest.mark.parametrize(
    ("interp", "words"),
    [
        *((interp, {}) for interp in ("nearest", "linear", "cubic", "bspline3")),
        *((interp, {"boundary": "wrap"}) for interp in ("linear", "bspline3")),
        *((interp, {"mask_policy": "renormalize"}) for interp in ("linear", "cubic")),
    ],
)
@pytest.mark.parametrize("tile", [None, (16, 16), (7, 33)])
def test_each_band_is_as_arrays_have_it(scene, interp, words, tile):
    image, valid = scene
    words = {"interp": interp, **words}
    done = resample_file("source.tif", "grid.tif", "out.tif", resolution=STEP, validity="valid.tif", validity_by="band",
                         nodata_out=-5, tile_shape=tile, backend="native", **words)  # fmt: skip
    expected = resample(image, GRID, source_valid=valid, validity="band", nodata_out=-5, backend="native", **words)
    np.testing.assert_array_equal(read("out.tif"), expected.image)
    np.testing.assert_array_equal(read("valid.tif"), expected.validity)
    assert done.valid == expected.validity.any(axis=0).sum()
    assert len(np.unique(expected.validity.reshape(3, -1), axis=0)) == 3


def test_a_nodata_value_tells_it_without_a_file(scene):
    image, valid = scene
    run("resample", "source.tif", "grid.tif", "out.tif", "--resolution", *STEP, "--interp", "linear", "--validity-by",
        "band", "--backend", "native")  # fmt: skip
    expected = resample(image, GRID, "linear", source_valid=valid, validity="band", backend="native")
    np.testing.assert_array_equal(read("out.tif"), expected.image)
    with rasterio.open("out.tif") as raster:
        assert raster.nodatavals == (0, 0, 0)
        if image.dtype.kind == "i":
            np.testing.assert_array_equal(raster.read_masks() != 0, expected.validity)


def test_masks_of_all_bands_and_rules_concern_each(scene):
    image, valid = scene
    also, qa = RNG.random(SHAPE) > 0.03, RNG.integers(0, 20, SHAPE, dtype=np.uint8)
    written("mask.tif", also.view(np.uint8))
    written("qa.tif", qa)
    rule = MaskRule.from_config({"band": "qa", "values": [0], "invert": True})
    resample_file("source.tif", "grid.tif", "out.tif", interp="linear", resolution=STEP, validity="valid.tif",
                  validity_by="band", mask=["auto", "mask.tif"], keep=[rule], quality={"qa": "qa.tif"},
                  backend="native")  # fmt: skip
    every = valid & also & (qa != 0)
    expected = resample(image, GRID, "linear", source_valid=every, validity="band", backend="native")
    np.testing.assert_array_equal(read("valid.tif"), expected.validity)
    np.testing.assert_array_equal(read("out.tif"), expected.image)


def test_by_pixel_is_what_it_was(scene):
    image, valid = scene
    resample_file("source.tif", "grid.tif", "out.tif", resolution=STEP, validity="valid.tif", backend="native")
    expected = resample(image, GRID, source_valid=valid.all(axis=0), backend="native")
    np.testing.assert_array_equal(read("out.tif"), expected.image)
    np.testing.assert_array_equal(read("valid.tif")[0], expected.validity)


def test_a_resumed_run_has_the_same_validity(scene):
    words = {"resolution": STEP, "validity_by": "band", "tile_shape": (16, 16), "backend": "native"}
    resample_file("source.tif", "grid.tif", "whole.tif", validity="whole-valid.tif", **words)

    class Stopped(Exception):
        pass

    def stop(done, total):
        if done > total / 2:
            raise Stopped

    with pytest.raises(Stopped):
        resample_file("source.tif", "grid.tif", "out.tif", validity="valid.tif", resume=True, progress=stop, **words)
    resample_file("source.tif", "grid.tif", "out.tif", validity="valid.tif", resume=True, **words)
    np.testing.assert_array_equal(read("out.tif"), read("whole.tif"))
    np.testing.assert_array_equal(read("valid.tif"), read("whole-valid.tif"))


def test_a_warp_has_it_too(scene):
    words = {"crs": "EPSG:32634", "nodata_out": -5, "interp": "linear"}
    warp_file("source.tif", "out.tif", validity="valid.tif", validity_by="band", **words)
    for band in (1, 2, 3):
        warp_file("source.tif", f"{band}.tif", bands=(band,), validity=f"{band}-valid.tif", **words)
    for name, part in {"out.tif": "{}.tif", "valid.tif": "{}-valid.tif"}.items():
        np.testing.assert_array_equal(read(name), np.concatenate([read(part.format(band)) for band in (1, 2, 3)]))


@pytest.mark.parametrize("driver", ["COG", "GTiff"])
def test_a_cog_holds_it(scene, driver):
    image, valid = scene
    resample_file("source.tif", "grid.tif", "out.tif", resolution=STEP, validity_by="band", driver=driver,
                  nodata_out=0, backend="native")  # fmt: skip
    expected = resample(image, GRID, source_valid=valid, validity="band", backend="native")
    np.testing.assert_array_equal(read("out.tif"), expected.image)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"validity": "mask"}, "validity_by: expected pixel along with a mask or alpha, which all bands share"),
        ({"validity": "alpha"}, "validity_by: expected pixel along with a mask or alpha, which all bands share"),
        ({"validity_by": "bands"}, "validity_by: expected pixel or band; got 'bands'"),
        ({"validity_by": None}, "validity_by: expected pixel or band; got None"),
        ({"validity": "valid.jpg"}, "validity: expected storage that keeps invalid pixels"),
    ],
)
def test_what_an_output_cannot_hold_is_refused_with_the_reason(scene, words, says):
    with pytest.raises(GpumaskError) as error:
        resample_file("source.tif", "grid.tif", "out.tif", **{"resolution": STEP, "validity_by": "band"} | words)
    assert says in str(error.value)


def test_a_format_with_one_transparent_colour_cannot_hold_a_nodata_value_of_each_band(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image = RNG.integers(1, 255, (3, *SHAPE), dtype=np.uint8)
    written("source.tif", image, nodata=0, photometric="rgb")
    written("grid.tif", np.stack([ROW, COL]))
    words = {"resolution": STEP, "backend": "numpy"}
    resample_file("source.tif", "grid.tif", "together.png", **words)
    with pytest.raises(GpumaskError, match="^creation: expected storage that keeps invalid pixels invalid"):
        resample_file("source.tif", "grid.tif", "out.png", validity_by="band", **words)
    resample_file("source.tif", "grid.tif", "out.tif", validity_by="band", **words)


def test_an_alpha_band_is_of_all_bands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image = RNG.integers(1, 255, (4, *SHAPE), dtype=np.uint8)
    image[3] = np.where(RNG.random(SHAPE) < 0.1, 0, 255)
    written("source.tif", image, photometric="rgb", alpha="yes")
    written("grid.tif", np.stack([ROW, COL]))
    line = fails("resample", "source.tif", "grid.tif", "out.tif", "--resolution", *STEP, "--validity-by", "band",
                 "--backend", "numpy")  # fmt: skip
    assert "--validity-by: expected pixel along with a mask or alpha" in line and "--bands) 1,2,3" in line
    resample_file("source.tif", "grid.tif", "out.tif", resolution=STEP, bands=(1, 2, 3), validity_by="band",
                  validity="valid.tif", backend="numpy")  # fmt: skip
    opaque = np.repeat(image[3:] != 0, 3, axis=0)
    expected = resample(image[:3], GRID, source_valid=opaque, validity="band", backend="numpy")
    np.testing.assert_array_equal(read("valid.tif"), expected.validity)
