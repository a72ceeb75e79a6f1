"""How outputs are made: GeoTIFFs that become COGs, and their overviews."""

import warnings

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from commands import read, write
from file_runs import PLACE, assert_same, oracle, run, source_of
from rasterio.env import get_gdal_config

from gpumask.files.writing import creation

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")


def test_a_cog_may_lack_blocks_where_that_is_asked_for(folder):
    write("zeros.tif", np.zeros((61, 53), np.uint8))
    run(driver="COG", creation={"sparse_ok": True}, mask="zeros.tif", validity=None)
    assert not read("out.tif").any()


def test_gdals_cache_is_limited_while_a_cog_is_made(folder, monkeypatch):
    found, to_cog = [], creation.to_cog
    monkeypatch.setenv("GPUMASK_MAX_MEMORY", "100MB")
    monkeypatch.setattr(
        creation, "to_cog", lambda *args: (found.append(get_gdal_config("GDAL_CACHEMAX")), to_cog(*args))
    )
    run(driver="COG")
    run(driver="COG", max_memory="80MB")
    assert found == [25_000_000, 20_000_000]


def test_a_cog_has_the_same_pixels(folder):
    expected = oracle()
    for how in ({}, {"creation": {"compress": "zstd", "blocksize": 128}}):
        assert_same(run(driver="COG", **how), expected)
        with rasterio.open("out.tif") as made:
            assert made.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    run(driver="COG", validity="mask")
    with rasterio.open("out.tif") as made:
        np.testing.assert_array_equal(made.dataset_mask(), expected.validity * 255)
    assert {path.name for path in folder.iterdir()} == {"source.tif", "grid.tif", "out.tif", "valid.tif"}


def test_overviews_of_a_cog_mix_nothing_invalid_in_unless_that_is_asked_for(folder):
    write("source.tif", np.full((1, 61, 53), 200, np.uint8))

    def overview(**how):
        run(driver="COG", interp="nearest", resolution=(99, 97), validity=None, **how)
        with rasterio.open("out.tif", overview_level=0) as made:
            return set(np.unique(made.read()))

    assert overview() == overview(nodata_out=0) == {0, 200}
    for option in ("overview_resampling", "RESAMPLING"):
        assert len(overview(creation={option: "average"})) > 2


def test_no_word_of_a_mask_or_an_overview_that_does_not_say_where_it_lies(folder):
    write("source.tif", source_of(), **PLACE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for driver in ("GTiff", "COG"):
            run(driver=driver, validity="mask", resolution=(99, 97))
