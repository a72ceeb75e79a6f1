"""Where no mask matters, what NumPy, scipy, OpenCV and GDAL (rasterio) give."""

import numpy as np
import pytest

from gpumask import Grid, resample

SOURCE = np.random.default_rng(5).uniform(-100, 100, (41, 53))
INTERPS = ("nearest", "linear", "cubic")


pytestmark = pytest.mark.usefixtures("on_every_backend")


def rotated(shape, degrees=17.0, scale=0.6):
    """Return row and col coordinates inside a source of this shape, in no place whole numbers."""
    y, x = np.mgrid[-1:1:35j, -1:1:47j] * scale * min(shape) / 2
    angle = np.radians(degrees)
    row = (shape[0] - 1) / 2 + 0.123 + np.cos(angle) * y + np.sin(angle) * x
    col = (shape[1] - 1) / 2 + 0.456 - np.sin(angle) * y + np.cos(angle) * x
    return row, col


@pytest.mark.parametrize("interp", INTERPS)
@pytest.mark.parametrize("source", [SOURCE, np.stack([SOURCE, 2 * SOURCE]), SOURCE.astype(np.int16)])
def test_the_identity_gives_the_source(interp, source):
    grid = Grid(*np.mgrid[0 : source.shape[-2], 0 : source.shape[-1]])
    image, validity = resample(source, grid, interp)
    assert image.dtype == source.dtype
    np.testing.assert_array_equal(image, source)
    assert validity.all()


@pytest.mark.parametrize("interp", INTERPS)
@pytest.mark.parametrize(("down", "right"), [(0, 5), (7, 0), (3, 11), (-4, 2), (-6, -9), (41, 0)])
def test_a_shift_by_whole_pixels_is_a_slice(interp, down, right):
    rows, cols = SOURCE.shape
    grid = Grid([[down, down], [down + 40, down + 40]], [[right, right + 52], [right, right + 52]], (40, 52))
    image, validity = resample(SOURCE, grid, interp, nodata_out=np.nan)
    framed = np.pad(SOURCE, 60, constant_values=np.nan)
    expected = framed[60 + down : 60 + down + rows, 60 + right : 60 + right + cols]
    np.testing.assert_array_equal(image, expected)
    np.testing.assert_array_equal(validity, ~np.isnan(expected))


def test_a_mirrored_and_turned_grid_is_an_indexing():
    row, col = np.mgrid[40:-1:-1, 0:53]
    np.testing.assert_array_equal(resample(SOURCE, Grid(row, col), "cubic").image, SOURCE[::-1])
    np.testing.assert_array_equal(resample(SOURCE, Grid(row.T, col.T), "cubic").image, SOURCE[::-1].T)


@pytest.mark.parametrize(("interp", "order"), [("nearest", 0), ("linear", 1)])
def test_nearest_and_linear_are_those_of_scipy(interp, order):
    ndimage = pytest.importorskip("scipy.ndimage")
    row, col = rotated(SOURCE.shape)
    image, validity = resample(SOURCE, Grid(row, col), interp)
    assert validity.all()
    np.testing.assert_allclose(image, ndimage.map_coordinates(SOURCE, (row, col), order=order), rtol=0, atol=1e-9)


def test_linear_is_invalid_where_scipy_has_to_make_something_up():
    ndimage = pytest.importorskip("scipy.ndimage")
    row, col = rotated(SOURCE.shape, scale=1.6)
    image, validity = resample(SOURCE, Grid(row, col), "linear", nodata_out=np.nan)
    expected = ndimage.map_coordinates(SOURCE, (row, col), order=1, cval=np.nan)
    assert 0.2 < validity.mean() < 0.8
    np.testing.assert_array_equal(validity, ~np.isnan(expected))
    np.testing.assert_allclose(image, expected, rtol=0, atol=1e-9)


def test_linear_is_that_of_opencv():
    cv2 = pytest.importorskip("cv2")
    # OpenCV takes fractions of 1/32 of a pixel: coordinates of that kind are exact there.
    row, col = (np.round(coordinates * 32) / 32 for coordinates in rotated(SOURCE.shape))
    source = SOURCE.astype(np.float32)
    expected = cv2.remap(source, col.astype(np.float32), row.astype(np.float32), cv2.INTER_LINEAR)
    image, validity = resample(source, Grid(row, col), "linear")
    assert validity.all()
    np.testing.assert_allclose(image, expected, rtol=0, atol=1e-4)


# Enlarged or moved only: where it shrinks, or turns at scale 1, GDAL widens its kernel against aliasing.
@pytest.mark.parametrize(("degrees", "scale"), [(0, 1), (0, 0.4), (11, 0.5), (-75, 0.3)])
@pytest.mark.parametrize(("interp", "gdals"), [("nearest", "nearest"), ("linear", "bilinear"), ("cubic", "cubic")])
def test_every_interpolator_is_that_of_gdal(interp, gdals, degrees, scale):
    warp = pytest.importorskip("rasterio.warp")
    from rasterio import Affine

    cos, sin = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    warped = np.full((20, 20), np.nan)
    warp.reproject(
        SOURCE, warped, resampling=warp.Resampling[gdals], src_crs="EPSG:32631", dst_crs="EPSG:32631",
        src_transform=Affine(10, 0, 0, 0, -10, 0),
        dst_transform=Affine(10 * cos, -10 * sin, 10 * 18.3, -10 * sin, -10 * cos, -10 * 15.7),
    )  # fmt: skip
    y, x = np.mgrid[0:20, 0:20] + 0.5
    # rasterio counts from a pixel's corner.
    grid = Grid(15.7 + sin * x + cos * y - 0.5, 18.3 + cos * x - sin * y - 0.5)
    image, validity = resample(SOURCE, grid, interp)
    assert validity.all()
    np.testing.assert_allclose(image, warped, rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_a_dtype_is_rounded_and_clipped_as_gdal_does(dtype):
    warp = pytest.importorskip("rasterio.warp")
    from rasterio import Affine

    source = (SOURCE * 1e5 % 256 if dtype == "uint8" else SOURCE * 300).astype(dtype)
    warped = np.zeros((60, 60), dtype)
    warp.reproject(
        source, warped, resampling=warp.Resampling.cubic, src_crs="EPSG:32631", dst_crs="EPSG:32631",
        src_transform=Affine(10, 0, 0, 0, -10, 0), dst_transform=Affine(3, 0, 100, 0, -3, -100),
    )  # fmt: skip
    row, col = np.mgrid[0:60, 0:60] * 0.3 + 10 - 0.35
    image, validity = resample(source, Grid(row, col), "cubic")
    assert validity.all()
    if dtype == "uint8":
        assert {image.min(), image.max()} == {0, 255}
    np.testing.assert_allclose(image, warped, rtol=0, atol=1e-3 if dtype == "float32" else 0)


@pytest.mark.parametrize("shrink", [2, 2.5, 6, 20])
@pytest.mark.parametrize("dtype", ["float32", "uint16", "float64"])
@pytest.mark.parametrize(("interp", "gdals"), [("linear", "bilinear"), ("cubic", "cubic"), ("lanczos3", "lanczos")])
def test_antialiased_interpolators_are_those_of_gdal(interp, gdals, dtype, shrink):
    warp = pytest.importorskip("rasterio.warp")
    from rasterio import Affine

    source = np.random.default_rng(2).uniform(0, 1000, (240, 300)).astype(dtype)
    rows, cols = (int(n / shrink) for n in source.shape)
    warped = np.zeros((rows, cols), dtype)
    warp.reproject(
        source, warped, resampling=warp.Resampling[gdals], src_crs="EPSG:32633", dst_crs="EPSG:32633",
        src_transform=Affine(10, 0, 5e5, 0, -10, 5e6), dst_transform=Affine(10 * shrink, 0, 5e5, 0, -10 * shrink, 5e6),
    )  # fmt: skip
    row, col = np.mgrid[0:rows, 0:cols]
    grid = Grid((row + 0.5) * shrink - 0.5, (col + 0.5) * shrink - 0.5)
    image, validity = resample(source, grid, interp, antialias=True)
    good = validity == 1
    assert good.mean() > 0.25
    # GDAL rounds halves up.
    atol = {"float32": 1e-4, "uint16": 1, "float64": 1e-9}[dtype]
    np.testing.assert_allclose(image[good].astype(float), warped[good].astype(float), rtol=0, atol=atol)
    assert dtype != "uint16" or np.mean(image[good] != warped[good]) < 0.02


@pytest.mark.parametrize("degrees", [20, -70])
@pytest.mark.parametrize(("interp", "gdals"), [("linear", "bilinear"), ("cubic", "cubic"), ("lanczos3", "lanczos")])
def test_antialiased_interpolators_are_those_of_gdal_where_it_is_told_the_scale(interp, gdals, degrees):
    warp = pytest.importorskip("rasterio.warp")
    from rasterio import Affine

    source = np.random.default_rng(2).uniform(0, 1000, (200, 200))
    about = Affine.translation(100, 100) @ Affine.rotation(degrees) @ Affine.scale(2) @ Affine.translation(-25, -25)
    place, warped = Affine(10, 0, 5e5, 0, -10, 5e6), np.zeros((50, 50))
    warp.reproject(
        source, warped, resampling=warp.Resampling[gdals], src_crs="EPSG:32633", dst_crs="EPSG:32633", tolerance=0,
        src_transform=place, dst_transform=place @ about, XSCALE=0.5, YSCALE=0.5,
    )  # fmt: skip
    x, y = about @ (np.mgrid[0:50, 0:50][::-1] + 0.5)
    image, validity = resample(source, Grid(y - 0.5, x - 0.5), interp, antialias=True)
    assert validity.all()
    np.testing.assert_allclose(image, warped, rtol=0, atol=1e-5)
