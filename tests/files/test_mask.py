"""`mask_file`: the mask that the command writes, and its own arguments."""

import numpy as np
import pytest
import rasterio
from commands import read

from gpumask import GpumaskError, MaskRule, mask_file

pytest.importorskip("pyogrio")
from mask_scene import masked, write_scene  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_scene()
    return tmp_path


def written(**how):
    """Return what `mask_file` writes."""
    done = mask_file("found.tif", like="like.tif", backend="numpy", overwrite=True, **how)
    found = read("found.tif")[0]
    assert done.valid == found.sum()
    assert done.pixels == found.size
    return found


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"valid": "field.gpkg"}, ["--valid", "field.gpkg"]),
        (
            {"invalid": ["field.gpkg", ("clouds.geojson", "clouds")]},
            ["--invalid", "field.gpkg", "--invalid", "clouds.geojson"],
        ),
        (
            {"valid": "field.gpkg", "mask": ("coarse.tif", 2, 7), "resolution": (5, 10), "threshold": 0.5},
            [
                *("--valid", "field.gpkg", "--mask", "coarse.tif:2", "--mask-valid", 7),
                *("--resolution", 5, 10, "--threshold", 0.5),
            ],
        ),
    ],
)
def test_the_mask_is_that_of_the_command(files, how, words):
    expected = masked(*words)
    assert 0 < expected.mean() < 1
    np.testing.assert_array_equal(written(**how), expected)
    np.testing.assert_array_equal(written(**how, tile_shape=(7, 13)), expected)


def test_rules_say_what_is_valid(files):
    flags = {"cloud": {"bits": 0, "values": {0: False, 1: True}}}
    quality = np.random.default_rng(1).integers(0, 4, read("like.tif").shape[1:], np.uint8)
    with rasterio.open("like.tif") as like:
        about = like.profile | {"dtype": "uint8", "nodata": None}
    with rasterio.open("qa.tif", "w", **about) as file:
        file.write(quality, 1)
    rule = MaskRule.from_config({"band": "qa", "flags": {"cloud": False}}, flags)
    np.testing.assert_array_equal(written(keep=[rule], quality={"qa": "qa.tif"}), quality & 1 == 0)
    grown = written(keep=[rule], quality={"qa": ("qa.tif", 1)}, grow=1)
    assert 0 < grown.sum() < (quality & 1 == 0).sum()


def test_a_raster_that_is_open_is_taken(files):
    with rasterio.open("like.tif") as like:
        mask_file("open.tif", like=like, valid="field.gpkg", creation={"compress": "deflate"})
        assert not like.closed
    np.testing.assert_array_equal(read("open.tif")[0], masked("--valid", "field.gpkg"))
    with rasterio.open("open.tif") as made:
        assert made.compression.name == "deflate"


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({}, "valid, invalid, mask, keep: expected at least one of them; got none"),
        ({"valid": []}, "valid: expected at least one"),
        ({"valid": 5}, "valid: expected a path"),
        ({"invalid": [("field.gpkg", 3)]}, "invalid: expected a path"),
        ({"valid": "nowhere.gpkg"}, "valid: "),
        ({"mask": 5}, "mask: expected a path"),
        ({"mask": ("coarse.tif", 1, 300), "resolution": (5, 10)}, "mask value: expected a value that uint8 holds"),
        ({"mask": "coarse.tif"}, "mask: expected 61 x 81 pixels"),
        ({"keep": [], "quality": None}, "keep, quality, grow: expected"),
        ({"valid": "field.gpkg", "tile_shape": (0, 5)}, "tile_shape: expected"),
        ({"valid": "field.gpkg", "creation": {"compress": "nothing"}}, "creation: "),
        ({"valid": "field.gpkg", "backend": "gpu"}, "backend: expected"),
    ],
)
def test_what_cannot_be_right_is_named_and_nothing_is_written(files, how, message):
    before = sorted(files.iterdir())
    with pytest.raises(GpumaskError, match=message):
        mask_file("bad.tif", like="like.tif", **how)
    assert sorted(files.iterdir()) == before


def test_an_input_is_not_written_over(files):
    with pytest.raises(GpumaskError, match="output: expected"):
        mask_file("coarse.tif", like="like.tif", mask="coarse.tif", resolution=(5, 10), overwrite=True)
