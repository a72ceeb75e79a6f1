"""Area statistics beside GDAL's, on boxes of source pixels that are whole, or cut in halves."""

import numpy as np
import pytest
import rasterio.warp
from affine import Affine
from exhaustive import few_of

from gpumask import Grid, resample

# Kernels are compared to their twins elsewhere.
by_numpy = pytest.mark.parametrize("backend", few_of(["cuda", "native", "numpy"], ["numpy"]), indirect=True)
pytestmark = pytest.mark.usefixtures("on_every_backend")
DTYPES = ("uint8", "int16", "float32")
FACTORS = (5, 6, 2.5)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
every_factor = pytest.mark.parametrize("factor", FACTORS)


def scene(dtype, missing, values=250):
    """Return an image in which invalid pixels are 0, and where it is valid."""
    rng = np.random.default_rng(11)
    image, valid = rng.integers(1, values, (60, 90)).astype(dtype), rng.random((60, 90)) >= missing
    image[~valid] = 0
    return image, valid


def gdal(image, factor, statistic):
    """Return what GDAL makes of an image whose nodata is 0, as many times smaller."""
    out = np.zeros([int(n / factor) for n in image.shape], image.dtype)
    rasterio.warp.reproject(
        image, out, src_transform=Affine.identity(), dst_transform=Affine.scale(factor), src_nodata=0, dst_nodata=0,
        src_crs="EPSG:3857", dst_crs="EPSG:3857", resampling=rasterio.warp.Resampling[statistic], tolerance=0,
    )  # fmt: skip
    return out


def ours(image, factor, statistic, valid, **options):
    """Return what gpumask makes of it. Whatever is valid has a say, as in GDAL."""
    nodes = (np.mgrid[: int(60 / factor), : int(90 / factor)] + 0.5) * factor - 0.5
    how = {"source_valid": valid, "mask_policy": "renormalize", "min_weight": 1e-9, **options}
    return resample(image, Grid(*nodes), statistic, **how)


@by_numpy
@pytest.mark.parametrize("statistic", ["min", "max", "med", "q1", "q3"])
@every_dtype
@every_factor
@pytest.mark.parametrize("missing", [0, 0.3, 0.97])
def test_values_of_pixels_are_those_of_gdal(statistic, dtype, factor, missing):
    """GDAL has a value wherever any valid pixel is covered. It has no least share."""
    image, valid = scene(dtype, missing)
    found, expected = ours(image, factor, statistic, valid), gdal(image, factor, statistic)
    np.testing.assert_array_equal(found.image, expected)
    np.testing.assert_array_equal(found.validity, expected != 0)
    assert found.validity.any()


@by_numpy
@pytest.mark.parametrize("statistic", ["average", "sum", "rms"])
@every_dtype
@every_factor
@pytest.mark.parametrize("missing", [0, 0.3, 0.97])
def test_sums_are_those_of_gdal_but_for_the_rounding_of_halves(statistic, dtype, factor, missing):
    """GDAL rounds halves up, or down where its weights are a little off, and gpumask to even numbers. Both clip."""
    image, valid = scene(dtype, missing)
    found, expected = ours(image, factor, statistic, valid, dtype=dtype), gdal(image, factor, statistic)
    np.testing.assert_array_equal(found.validity, expected != 0)
    if dtype == "float32":
        np.testing.assert_allclose(found.image, expected, rtol=2e-7)
        return
    exact, rounded = np.asarray(ours(image, factor, statistic, valid, dtype="float64").image), np.asarray(found.image)
    differs = rounded != expected
    np.testing.assert_allclose(abs(exact[differs] - np.floor(exact[differs])), 0.5, rtol=0, atol=1e-9)
    assert (abs(rounded[differs].astype(int) - expected[differs]) == 1).all()


def _counts(image, factor):
    """Return for each value from 1 to 4 how many of its pixels each output pixel touches."""

    def touched(n):
        first, places = np.arange(int(n / factor))[:, None] * factor, np.arange(n)
        return (np.minimum(places + 1, first + factor) > np.maximum(places, first)).astype(int)

    down, across = map(touched, image.shape)
    return np.stack([down @ (image == value) @ across.T for value in range(1, 5)])


@by_numpy
@every_dtype
@every_factor
@pytest.mark.parametrize("missing", [0, 0.3])
def test_the_mode_is_that_of_gdal_where_there_is_no_tie(dtype, factor, missing):
    """Of several values that are equally frequent GDAL takes the one that it meets first, and gpumask the least."""
    image, valid = scene(dtype, missing, 5)
    found, theirs = np.asarray(ours(image, factor, "mode", valid).image), gdal(image, factor, "mode")
    counts = _counts(image, factor)
    np.testing.assert_array_equal(found, counts.argmax(axis=0) + 1)  # of equal ones the first, which is the least
    alone = (counts == counts.max(axis=0)).sum(axis=0) == 1
    np.testing.assert_array_equal(found[alone], theirs[alone])
    assert alone.mean() > 0.5
