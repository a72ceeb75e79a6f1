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


def _weights(image, factor, once):
    """Return for each value from 1 to 4 how much of it each output pixel covers, or how many pixels of it."""

    def covered(n):
        first, places = np.arange(int(n / factor))[:, None] * factor, np.arange(n)
        part = np.minimum(places + 1, first + factor) - np.maximum(places, first)
        return (part > 0).astype(float) if once else np.maximum(part, 0)

    down, across = map(covered, image.shape)
    return np.stack([down @ (image == value) @ across.T for value in range(1, 5)])


@by_numpy
@every_dtype
@every_factor
@pytest.mark.parametrize("missing", [0, 0.3])
def test_the_mode_is_that_of_gdal_where_there_is_no_tie(dtype, factor, missing):
    """A pixel counts once in GDAL, as in a quantile, and by its area here. That differs where pixels are cut.

    Of several values that count the same GDAL takes the one that it meets first, and gpumask the least.
    """
    image, valid = scene(dtype, missing, 5)
    found, theirs = np.asarray(ours(image, factor, "mode", valid).image), gdal(image, factor, "mode")
    by_area, by_count = _weights(image, factor, False), _weights(image, factor, True)
    np.testing.assert_array_equal(found, by_area.argmax(axis=0) + 1)  # of equal ones the first, which is the least
    alone = (by_count == by_count.max(axis=0)).sum(axis=0) == 1
    np.testing.assert_array_equal(theirs[alone], by_count.argmax(axis=0)[alone] + 1)
    same = alone & (by_area.argmax(axis=0) == by_count.argmax(axis=0))
    np.testing.assert_array_equal(found[same], theirs[same])
    assert same.mean() > 0.5 and (factor == 2.5 or (same == alone).all())
