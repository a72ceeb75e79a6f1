"""Images in files, with all masks that they have or are given."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from commands import write
from file_runs import assert_same, holes, nodata_source, oracle, run, source_of
from rasterio.enums import ColorInterp

from gpumask import GpumaskError

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")


def with_nodata():
    source, valid = nodata_source(nodata=9)
    return source, valid, {"nodata_out": 9}


def with_internal_mask():
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open("source.tif", "r+") as dataset:
        dataset.write_mask(holes())
    assert not Path("source.tif.msk").exists()
    return source_of(), holes(), {}


def with_side_file():
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open("source.tif", "r+") as dataset:
        dataset.write_mask(holes())
    assert Path("source.tif.msk").exists()
    return source_of(), holes(), {}


def with_alpha(bands, **profile):
    def make():
        source = np.concatenate([source_of("uint8", bands), holes(value=7)[None]])
        write("source.tif", source, alpha="yes", **profile)
        with rasterio.open("source.tif", "r+") as dataset:  # GDAL itself takes the first band without a colour
            colours = [ColorInterp.undefined if kind == ColorInterp.alpha else kind for kind in dataset.colorinterp]
            dataset.colorinterp = [*colours[:-1], ColorInterp.alpha]
        return source, holes(), {}

    return make


def with_nan():
    source = source_of("float32")
    source[2][holes() == 0] = np.nan
    write("source.tif", source)
    return source, None, {}


def with_nan_as_nodata():
    source = source_of("float32")
    source[2][holes() == 0] = np.nan
    write("source.tif", source, nodata=np.nan)
    return source, None, {"nodata_out": np.nan}


MASKED = {
    "nodata": with_nodata,
    "internal mask": with_internal_mask,
    "side file": with_side_file,
    "alpha beside 1": with_alpha(1, photometric="minisblack"),
    "alpha beside 3": with_alpha(3, photometric="rgb"),
    "alpha beside 4": with_alpha(4, photometric="minisblack"),
    "NaN": with_nan,
    "NaN as nodata": with_nan_as_nodata,
}


@pytest.mark.parametrize("kind", MASKED)
def test_what_the_source_masks_itself_is_invalid_unless_that_is_ignored(folder, kind, backend):
    source, valid, how = MASKED[kind]()

    def expected(source, valid=None, **more):
        """Alpha is no colour: it says where the output is valid."""
        found = oracle(source, valid, **how, **more)
        if kind.startswith("alpha"):
            found.image[-1] = found.validity * 255
        return found

    assert_same(run(tile_shape=(17, 19), backend=backend), expected(source, valid, backend=backend))
    some = source[[0, -1]]
    own = valid if kind != "nodata" else (some != 9).all(axis=0)
    assert_same(run(bands=[1, len(source)]), expected(some, own))
    ignoring = expected(source)
    for mask in (None, []):
        assert_same(run(mask=mask), ignoring)
    if valid is not None:
        assert (expected(source, valid).validity != ignoring.validity).any()


def test_nodata_in_one_band_is_of_no_matter_where_that_is_not_asked_for(folder):
    source, _ = nodata_source(nodata=9)
    assert_same(run(bands=[1]), oracle(source[:1], source[0] != 9, nodata_out=9))


def test_source_nodata_is_one_more_mask(folder):
    source, valid = nodata_source()
    assert_same(run(source_nodata=9), oracle(source, valid))
    write("mask.tif", holes(seed=8))
    both = valid & (holes(seed=8) != 0)
    assert_same(run(source_nodata=9, mask="mask.tif"), oracle(source, both))


def test_masks_are_rasters_bands_values_or_several(folder):
    one, two = holes(0.02, 7, 1), holes(0.02, 3, 2)
    two[30, 30] = 1
    write("masks.tif", np.stack([one, two]))
    source, own = nodata_source(nodata=9)
    how = {"source": source, "nodata_out": 9}
    with rasterio.open("masks.tif") as opened:
        for mask, valid in [
            ("masks.tif", one),
            (Path("masks.tif"), one),
            (opened, one),
            (("masks.tif", 2), two),
            ((opened, 2), two),
            (("masks.tif", 2, 3), two == 3),
            (["masks.tif"], one),
            (["masks.tif", ("masks.tif", 2)], (one != 0) & (two != 0)),
            (["auto", ("masks.tif", 2, 3)], own & (two == 3)),
            ([("masks.tif", 1), "auto"], own & (one != 0)),
            (["auto"], own),
        ]:
            assert_same(run(mask=mask), oracle(valid=valid, **how))


def test_a_complex_source_is_refused(folder):
    write("source.tif", source_of().astype("complex64"))
    with pytest.raises(GpumaskError, match="^bands: expected a real dtype"):
        run()
