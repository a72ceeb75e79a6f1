"""How results are stored: predictors, and storage that loses which pixels are invalid."""

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from commands import read, write
from file_runs import assert_same, oracle, run, snapshot, source_of

from gpumask import GpumaskError, resample_file

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")


@pytest.mark.parametrize("compress", ["deflate", "LZW", "zstd"])
@pytest.mark.parametrize(("dtype", "expected"), [("uint8", "2"), ("int16", "2"), ("float32", "3"), ("float64", "3")])
def test_a_predictor_is_chosen_where_none_is_named(folder, compress, dtype, expected):
    def predictor(**creation):
        found = run(creation={"compress": compress, **creation}, dtype=dtype)
        assert_same(found, oracle(dtype=dtype))
        with rasterio.open("out.tif") as made:
            return made.tags(ns="IMAGE_STRUCTURE").get("PREDICTOR")

    assert predictor() == expected
    assert predictor(PREDICTOR=1) is None


@pytest.mark.parametrize("driver", ["GTiff", "gtiff", "COG", "cog"])
@pytest.mark.parametrize(("dtype", "expected"), [("uint16", "2"), ("float32", "3")])
def test_a_predictor_is_chosen_for_every_way_to_name_the_driver(folder, driver, dtype, expected):
    run(creation={"compress": "deflate"}, dtype=dtype, driver=driver)
    with rasterio.open("out.tif") as made:
        assert made.tags(ns="IMAGE_STRUCTURE").get("PREDICTOR") == expected


LOSSLESS_JP2 = {"REVERSIBLE": "YES", "QUALITY": 100}

LOSSY = [
    {"output": "out.jp2", "nodata_out": 0},
    {"output": "out.jp2", "nodata_out": 0, "creation": {**LOSSLESS_JP2, "QUALITY": 99}},
    {"output": "out.jp2", "validity": "alpha"},
    {"output": "out.jpg", "nodata_out": 0},
    {"driver": "COG", "creation": {"compress": "JPEG"}, "nodata_out": 0},
    {"driver": "COG", "creation": {"compress": "WEBP"}, "nodata_out": 0},
    {"driver": "COG", "creation": {"compress": "LERC", "max_z_error": 3}, "nodata_out": 0},
    {"creation": {"compress": "JPEG"}, "nodata_out": 0},
    {"creation": {"compress": "JPEG"}, "validity": "alpha"},
    {"creation": {"compress": "WEBP"}, "nodata_out": 0},
    {"creation": {"compress": "LERC", "max_z_error": 3}, "nodata_out": 255},
    {"creation": {"nbits": 4}, "nodata_out": 255},
]

EXACT = [
    {"output": "out.jp2", "nodata_out": 0, "creation": LOSSLESS_JP2},
    {"output": "out.jp2", "validity": "alpha", "creation": LOSSLESS_JP2},
    {"output": "out.jp2", "nodata_out": 0, "validity": "mask"},
    {"output": "out.jpg", "validity": "alpha"},
    {"output": "out.png", "nodata_out": 0},
    {"driver": "COG", "creation": {"compress": "JPEG"}, "validity": "alpha"},
    {"driver": "COG", "creation": {"compress": "WEBP"}, "validity": "alpha"},
    {"driver": "COG", "creation": {"compress": "JPEG"}, "validity": "mask", "nodata_out": 0},
    {"creation": {"compress": "WEBP"}, "validity": "alpha"},
    {"creation": {"compress": "WEBP", "webp_lossless": "yes"}, "nodata_out": 0},
    {"creation": {"compress": "LERC"}, "nodata_out": 0},
    {"creation": {"discard_lsb": 3}, "nodata_out": 0},
    {"creation": {"compress": "deflate"}, "nodata_out": -1, "dtype": "int64"},
    {"creation": {"compress": "deflate"}, "nodata_out": np.nan, "dtype": "float32"},
]


@pytest.fixture
def bright(folder):
    """A source of uint8 that has no 0."""
    source = np.maximum(source_of("uint8"), 1)
    write("source.tif", source)
    return source


def skip_unless_gdal_has(how):
    """Skip where GDAL is built without what stores this."""
    compress = how.get("creation", {}).get("compress", "").upper()
    with rasterio.Env() as env, rasterio.MemoryFile() as memory:
        if how.get("output") == "out.jp2" and "JP2OpenJPEG" not in env.drivers():
            pytest.skip("no JPEG 2000")
        try:
            memory.open(
                driver="GTiff", count=3, height=16, width=16, dtype="uint8", compress=compress or "none"
            ).close()
        except rasterio.errors.RasterioError:
            pytest.skip(f"no {compress}")


@pytest.mark.parametrize("how", LOSSY, ids=map(str, range(len(LOSSY))))
def test_storage_that_loses_which_pixels_are_invalid_is_refused(bright, folder, how):
    skip_unless_gdal_has(how)
    before = snapshot(folder)
    with pytest.raises(GpumaskError, match="^creation: expected storage that keeps invalid pixels invalid") as caught:
        run(**{"validity": None, **how})
    assert ("reversible=yes and quality=100" in str(caught.value)) == (how.get("output") == "out.jp2")
    assert snapshot(folder) == before
    if how.get("validity") is None:
        run(**how, validity="valid.tif")
        np.testing.assert_array_equal(read("valid.tif")[0], oracle(bright).validity)


@pytest.mark.parametrize("how", EXACT, ids=map(str, range(len(EXACT))))
def test_storage_that_keeps_which_pixels_are_invalid_is_taken_lossy_or_not(bright, how):
    skip_unless_gdal_has(how)
    run(**{"validity": None, "interp": "nearest", **how})
    with rasterio.open(how.get("output", "out.tif")) as made:
        np.testing.assert_array_equal(made.read_masks(1), oracle(bright, interp="nearest").validity * 255)


@pytest.mark.parametrize("creation", [{}, {"compress": "deflate"}, {"sparse_ok": True}], ids=str)
@pytest.mark.parametrize("resume", [False, True])
def test_a_strip_of_more_than_two_thousand_rows_is_whole(tmp_path, creation, resume):
    write(tmp_path / "source.tif", np.ones((1, 4, 4), np.uint8))
    write(tmp_path / "column.tif", np.array([[[0.0], [3.0]], [[0.0], [3.0]]]))
    done = resample_file(
        tmp_path / "source.tif", tmp_path / "column.tif", tmp_path / "out.tif",
        interp="linear", resolution=(3000, 1), creation=creation, resume=resume,
    )  # fmt: skip
    assert done.valid == 3001
    assert (read(tmp_path / "out.tif") == 1).all()
