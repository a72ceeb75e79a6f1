"""Where a result's validity is written."""

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from commands import write
from file_runs import DEFLATE, TILED, assert_same, oracle, run, snapshot, source_of
from rasterio.enums import ColorInterp

from gpumask import GpumaskError

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("bands", [1, 3])
def test_validity_may_be_a_file_the_mask_or_an_alpha_band(folder, bands, dtype):
    write("source.tif", source_of(dtype, bands))
    expected = oracle(source_of(dtype, bands))
    assert_same(run(), expected)
    image, _, _ = run(validity="mask")
    np.testing.assert_array_equal(image, expected.image)
    assert {path.name for path in folder.iterdir()} == {"source.tif", "grid.tif", "out.tif", "valid.tif"}
    with rasterio.open("out.tif") as made:
        np.testing.assert_array_equal(made.dataset_mask(), expected.validity * 255)
    image, _, _ = run(validity="alpha", tile_shape=(11, 9))
    np.testing.assert_array_equal(image[:-1], expected.image)
    np.testing.assert_array_equal(image[-1], expected.validity * float(np.iinfo(dtype).max))
    with rasterio.open("out.tif") as made:
        assert made.colorinterp[-1] == ColorInterp.alpha
        np.testing.assert_array_equal(made.dataset_mask(), expected.validity * 255)


def test_validity_in_a_mask_goes_with_every_dtype(folder):
    run(validity="mask", dtype="float32", creation={**TILED, **DEFLATE}, tile_shape=(20, 13))
    with rasterio.open("out.tif") as made:
        np.testing.assert_array_equal(made.read_masks(2), oracle().validity * 255)


@pytest.mark.parametrize(("bands", "how"), [(2, {}), (1, {"dtype": "int16"}), (3, {"dtype": "float32"}), (4, {})])
def test_alpha_is_refused_where_it_means_nothing(folder, bands, how):
    write("source.tif", source_of(bands=bands))
    before = snapshot(folder)
    with pytest.raises(GpumaskError, match="^validity: expected a file or mask"):
        run(validity="alpha", **how)
    assert snapshot(folder) == before


def test_a_valid_pixel_may_be_nodata_where_a_mask_or_alpha_says_so(folder):
    write("source.tif", source_of("uint8"))
    expected = oracle(source_of("uint8"), nodata_out=100)
    assert ((expected.image == 100) & (expected.validity == 1)).any()
    for within in ("mask", "alpha"):
        run(validity=within, nodata_out=100)
        with rasterio.open("out.tif") as made:
            np.testing.assert_array_equal(made.read([1, 2, 3]), expected.image)
            kept = made.read(4) if within == "alpha" else made.dataset_mask()
            np.testing.assert_array_equal(kept, expected.validity * 255)
