"""Masks and quality bands that are finer than the image, with a loop over its pixels as the oracle."""

import numpy as np
import pytest
import rasterio
from commands import fails, read, run, write
from rasterio.transform import Affine

from gpumask import GpumaskError, MaskRule, mask_cleanup, mask_file, resample, resample_file, warp_file
from gpumask.grids.grid import Grid

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")

SHAPE = (21, 17)
CRS, TRANSFORM = "EPSG:32633", Affine(60, 0, 500_000, 0, -60, 6_000_000) @ Affine.rotation(7)
PLACE = {"crs": CRS, "transform": TRANSFORM}
RULES = [
    MaskRule.from_config({"band": "scl", "values": [3, 8, 9], "invert": True}),
    MaskRule.from_config({"band": "scl", "values": [0], "invert": True}),
]
CLASSES = np.array([0, 3, 4, 5, 8, 9], np.uint8)


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    """A folder with an image, and a grid that turns it."""
    monkeypatch.chdir(tmp_path)
    write("like.tif", np.random.default_rng(1).integers(1, 4000, SHAPE, np.uint16), **PLACE)
    y, x = np.mgrid[0:20:4, 0:16:4]
    write("grid.tif", np.stack([y + 0.1 * x, x - 0.1 * y + 1.5]))
    return tmp_path


def scl(factors, bad=0.1, seed=2):
    """Return a quality band that is finer than the image."""
    rng = np.random.default_rng(seed)
    shape = np.multiply(SHAPE, factors)
    # Clouds of whole pixels of the image, with single finer pixels in between.
    found = np.where(rng.random(SHAPE) < 0.2, 8, 4).astype(np.uint8)
    found = np.repeat(np.repeat(found, factors[0], axis=0), factors[1], axis=1)
    return np.where(rng.random(shape) < bad, rng.choice(CLASSES, shape), found).astype(np.uint8)


def clear(classes):
    return ~np.isin(classes, [0, 3, 8, 9])


def shared(valid, factors, threshold):
    """Say pixel by pixel whether enough of the finer ones are valid."""
    found = np.zeros(SHAPE, np.uint8)
    for row, col in np.ndindex(SHAPE):
        part = valid[row * factors[0] : (row + 1) * factors[0], col * factors[1] : (col + 1) * factors[1]]
        found[row, col] = part.sum() / part.size >= threshold
    return found


def made(**how):
    """Return what `mask_file` writes."""
    done = mask_file("found.tif", like="like.tif", overwrite=True, **how)
    found = read("found.tif")[0]
    assert done.valid == found.sum()
    return found


def placed(factors):
    """Return where a finer raster lies."""
    return {"crs": CRS, "transform": TRANSFORM @ Affine.scale(1 / factors[1], 1 / factors[0])}


@pytest.mark.parametrize("factors", [(2, 3), (3, 3), (6, 6), (1, 4), (5, 1)])
@pytest.mark.parametrize("threshold", [0.999, 1, 0.5, 1 / 3])
@pytest.mark.parametrize("place", [True, False])
def test_a_pixel_is_valid_if_enough_of_its_finer_pixels_are(backend, factors, threshold, place):
    fine = scl(factors)
    about = placed(factors) if place else {}
    write("scl.tif", fine, **about)
    write("mask.tif", np.stack([np.zeros_like(fine), clear(fine) * np.uint8(200)]), **about)
    expected = shared(clear(fine), factors, threshold)
    assert 0 < expected.mean() < 1
    for how in (
        {"keep": RULES, "quality": {"scl": "scl.tif"}},
        {"mask": ("mask.tif", 2)},
        {"mask": ("mask.tif", 2, 200)},
    ):
        for tile in ((1024, 1024), (4, 5)):
            found = made(**how, threshold=threshold, tile_shape=tile, backend=backend)
            np.testing.assert_array_equal(found, expected)


def test_what_a_finer_mask_masks_itself_is_not_valid():
    fine = scl((2, 3))
    write("mask.tif", fine, nodata=4)
    np.testing.assert_array_equal(made(mask="mask.tif", threshold=0.5), shared(~np.isin(fine, (0, 4)), (2, 3), 0.5))
    write("scl.tif", fine, nodata=4)  # a value like any other
    found = made(keep=RULES, quality={"scl": "scl.tif"}, threshold=0.5)
    np.testing.assert_array_equal(found, shared(clear(fine), (2, 3), 0.5))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_finer_mask_of_floats_holds_shares(backend, dtype):
    shares = np.round(np.random.default_rng(5).random(np.multiply(SHAPE, (2, 2))) * 8).astype(dtype) / 8
    shares[:5, 3] = np.nan  # not valid
    write("shares.tif", shares)
    expected = shared(np.nan_to_num(shares), (2, 2), 0.5)
    assert (np.nan_to_num(shares).reshape(21, 2, 17, 2).mean(axis=(1, 3)) == 0.5).any()
    np.testing.assert_array_equal(made(mask="shares.tif", threshold=0.5, backend=backend), expected)
    write("shares.tif", shares * 255)
    with pytest.raises(GpumaskError, match="^mask: expected shares of valid from 0 to 1 in a finer mask"):
        made(mask="shares.tif")
    np.testing.assert_array_equal(made(mask=("shares.tif", 1, 255), threshold=0.1), shared(shares == 1, (2, 2), 0.1))


def test_each_band_may_be_finer_or_coarser_by_itself():
    first, second, coarse = scl((2, 3)), scl((3, 1), seed=8), scl((1, 1), seed=9)[:11, :6]
    write("first.tif", first)
    write("second.tif", second)
    write("coarse.tif", coarse)
    write("mask.tif", clear(scl((4, 4))) * np.uint8(1))
    rules = [MaskRule.from_config({"band": band, "values": [0, 3, 8, 9], "invert": True}) for band in "abc"]
    files = {"a": "first.tif", "b": "second.tif", "c": "coarse.tif"}
    expected = shared(clear(first), (2, 3), 0.8) & shared(clear(second), (3, 1), 0.8)
    expected &= np.repeat(np.repeat(clear(coarse), 2, axis=0), 3, axis=1)[:21, :17]
    expected &= shared(clear(scl((4, 4))), (4, 4), 0.8)
    assert 0 < expected.mean() < 1
    found = made(keep=rules, quality=files, mask="mask.tif", threshold=0.8, tile_shape=(5, 4))
    np.testing.assert_array_equal(found, expected)


def test_growth_is_in_pixels_of_the_image():
    fine = scl((6, 6), bad=0)
    write("scl.tif", fine)
    expected = mask_cleanup(shared(clear(fine), (6, 6), 1) == 0, [("dilation", 1)])
    found = made(keep=RULES, quality={"scl": "scl.tif"}, grow=1, tile_shape=(4, 4))
    np.testing.assert_array_equal(found, ~expected)
    assert 0 < found.sum() < clear(fine).sum() / 36


@pytest.mark.parametrize("tile", [None, (7, 16)])
def test_resampling_keeps_a_pixel_if_all_its_finer_pixels_match(backend, tile):
    fine = scl((3, 3), bad=0.01)
    write("scl.tif", fine, **placed((3, 3)))
    valid = shared(clear(fine), (3, 3), 1)
    write("valid.tif", valid)
    words = {"interp": "linear", "overwrite": True, "backend": backend, "tile_shape": tile}
    rules = {"keep": RULES, "quality": {"scl": "scl.tif"}}
    for made_of in (resample_file, warp_file):
        found = []
        for how in (rules, {"mask": ["auto", "valid.tif"]}):
            if made_of is resample_file:
                made_of("like.tif", "grid.tif", "out.tif", resolution=(4, 4), **how, **words)
            else:
                made_of("like.tif", "out.tif", crs="EPSG:3035", **how, **words)
            found.append(read("out.tif"))
        np.testing.assert_array_equal(*found)
        assert 0 < (found[0] != 0).mean() < 1
    image, grid = read("like.tif"), Grid(*read("grid.tif"), (4, 4))
    expected = resample(image, grid, "linear", source_valid=valid, backend=backend)
    arrays = resample(image, grid, "linear", keep=RULES, quality={"scl": fine}, backend=backend)
    np.testing.assert_array_equal(arrays.image, expected.image)
    np.testing.assert_array_equal(arrays.validity, expected.validity)


def asked(name):
    """Return arguments with a raster as the mask, or as the quality band."""
    return {"mask": "fine.tif"} if name == "mask" else {"keep": RULES, "quality": {"scl": "fine.tif"}}


@pytest.mark.parametrize("name", ["mask", "quality"])
@pytest.mark.parametrize("shift", [(0.5, 0), (0, -0.5), (1, 0), (3, 3), (0.2, 0)])
def test_what_lies_beside_its_place_is_refused(name, shift):
    fine = clear(scl((3, 3))) * np.uint8(1)
    near = placed((3, 3))["transform"] @ Affine.translation(0.05, 0.05)
    write("fine.tif", fine, crs=CRS, transform=near)
    made(**asked(name), threshold=0.1)
    for place in (
        {"crs": CRS, "transform": placed((3, 3))["transform"] @ Affine.translation(*shift)},
        {"crs": "EPSG:32634", "transform": placed((3, 3))["transform"]},
        PLACE,  # pixels of the image's size
    ):
        write("fine.tif", fine, **place)
        with pytest.raises(GpumaskError, match=f"^{name}: expected .*by its CRS and transform"):
            made(**asked(name))


@pytest.mark.parametrize("name", ["mask", "quality"])
@pytest.mark.parametrize("shape", [(42, 35), (43, 34), (42, 9), (42, 33), (11, 34)])
def test_what_is_not_finer_by_whole_factors_is_refused(files, name, shape):
    write("fine.tif", np.ones(shape, np.uint8))
    before = sorted(files.iterdir())
    said = "whole multiples of 21 x 17" if name == "mask" else "either coarser or finer by whole factors"
    with pytest.raises(GpumaskError, match=f"^{name}: expected .*{said}; got .*{shape[0]}.*{shape[1]}"):
        made(**asked(name))
    if name == "quality":
        with pytest.raises(GpumaskError, match=f"^quality: expected .*{said}"):
            resample(read("like.tif"), Grid(*read("grid.tif"), (4, 4)), keep=RULES, quality={"scl": np.ones(shape)})
        with rasterio.open("fine.tif", "r+") as raster:
            raster.crs, raster.transform = CRS, TRANSFORM @ Affine.scale(17 / shape[1], 21 / shape[0])
        with pytest.raises(GpumaskError, match="^quality: expected .*by its CRS and transform"):
            made(**asked(name))
    assert sorted(files.iterdir()) == before


def test_a_finer_mask_has_no_resolution(files):
    write("fine.tif", np.ones((42, 34), np.uint8))
    with pytest.raises(GpumaskError, match="^resolution: expected none, as the mask is finer than like; got 2 2$"):
        made(mask="fine.tif", resolution=(2, 2))
    with pytest.raises(GpumaskError, match="^threshold: expected a number in"):
        made(mask="fine.tif", threshold=0)
    with pytest.raises(GpumaskError, match="^threshold: expected a number in"):
        made(**asked("quality"), threshold=1.5)
    assert not (files / "found.tif").exists()


def test_the_command_line_takes_finer_files(files):
    fine = scl((3, 3))
    write("fine.tif", fine, **placed((3, 3)))
    (files / "rules.json").write_text('[{"values": [0, 3, 8, 9], "invert": true}]')
    words = ("mask", "--like", "like.tif", "out.tif")
    rules = ("--rules", "rules.json", "--quality-band", "fine.tif")
    for threshold in (0.999, 0.5):
        run(*words, *rules, "--threshold", threshold, "--tile", 4, 5)
        np.testing.assert_array_equal(read("out.tif")[0], shared(clear(fine), (3, 3), threshold))
    run(*words, *rules)
    np.testing.assert_array_equal(read("out.tif")[0], shared(clear(fine), (3, 3), 1))
    run(*words, "--mask", "fine.tif", "--mask-valid", 4, "--threshold", 0.5)
    np.testing.assert_array_equal(read("out.tif")[0], shared(fine == 4, (3, 3), 0.5))
    run("resample", "like.tif", "grid.tif", "out.tif", "--resolution", 4, 4, *rules)
    line = fails(*words[:-1], "new.tif", "--mask", "fine.tif", "--resolution", 3, 3)
    assert line.startswith("gpumask: --resolution: expected none, as the mask is finer")
    write("fine.tif", fine, crs=CRS, transform=placed((3, 3))["transform"] @ Affine.translation(0.5, 0))
    assert fails(*words[:-1], "new.tif", "--mask", "fine.tif").startswith("gpumask: --mask: expected 3 x 3 of its pix")
    assert fails(*words[:-1], "new.tif", *rules).startswith("gpumask: --quality-band: expected")
    said = fails(*words[:-1], "new.tif", "--valid", "field.gpkg", "--threshold", 0.5, code=2)
    assert "--threshold: expected along with --mask or --quality-band" in said
