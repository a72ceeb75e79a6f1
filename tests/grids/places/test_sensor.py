"""Models of sensors: control points and rational polynomials as GDAL has them."""

import os
import pickle
import subprocess
import sys
import warnings
from functools import partial

import numpy as np
import pytest
import rasterio
from affine import Affine
from commands import fails
from mesh_cases import coordinates
from rasterio.control import GroundControlPoint
from rasterio.transform import GCPTransformer, RPCTransformer
from rasterio.warp import Resampling, reproject, transform
from sensor_cases import SHAPE, TARGET, between, control_points, rational_polynomials, swath
from warp_cases import placed, ramps, read, words_of, written

from gpumask import (
    ControlPoints,
    Geolocation,
    GpumaskError,
    RationalPolynomials,
    resample,
    warp_file,
)
from gpumask.errors import ArgumentTypeError


def by_gdal(**model):
    """Resample an image of its own coordinates by GDAL; NaN where there is nothing."""
    image, out = ramps(SHAPE), np.full((2, *TARGET.shape), np.nan)
    reproject(
        image, out, dst_crs=TARGET.crs, dst_transform=TARGET.transform, resampling=Resampling.cubic, tolerance=0,
        XSCALE=1, YSCALE=1, src_nodata=np.nan, dst_nodata=np.nan, **model,
    )  # fmt: skip
    return out


def check(grid, model, expected):
    """Compare the coordinates of a grid with those of its model, and GDAL's, which are up to 0.125 pixels off."""
    found, valid = resample(ramps(SHAPE), grid, nodata_out=np.nan)
    assert valid.mean() > 0.3 and not np.isnan(expected[:, valid != 0]).any()
    assert abs(found - expected)[:, valid != 0].max() < 0.13
    rows, cols = np.mgrid[: TARGET.shape[0], : TARGET.shape[1]] + 0.5
    x, y = TARGET.transform @ (cols.ravel(), rows.ravel())
    exact = np.reshape(model(*transform(TARGET.crs, "EPSG:4326", x, y)), (2, *TARGET.shape)) - 0.5
    assert abs(found - exact)[:, valid != 0].max() < 0.01
    assert grid.resolution[0] > 4


def test_control_points_lie_where_gdal_has_them():
    points = control_points()
    expected, model = by_gdal(gcps=points, src_crs="EPSG:4326"), partial(GCPTransformer(points).rowcol, op=np.positive)
    check(between("EPSG:4326", points), model, expected)
    check(between("EPSG:4326", ControlPoints(points)), model, expected)


def test_a_thin_plate_spline_meets_its_points():
    rng = np.random.default_rng(0)
    points = [GroundControlPoint(p.row + rng.normal(0, 2), p.col, p.x, p.y) for p in control_points()]
    row, col = ControlPoints(points, thin_plate=True)(*np.array([(p.x, p.y) for p in points]).T)
    np.testing.assert_allclose([row + 0.5, col + 0.5], np.array([(p.row, p.col) for p in points]).T, atol=1e-5)


def test_rational_polynomials_lie_where_gdal_has_them():
    rpc = rational_polynomials()
    model = partial(RPCTransformer(rpc, RPC_HEIGHT=0).rowcol, op=np.positive)
    check(between(None, rpc), model, by_gdal(rpcs=rpc, src_crs="EPSG:4326"))
    high = between("EPSG:4326", RationalPolynomials(rpc, height=400.0))
    model = partial(RPCTransformer(rpc, RPC_HEIGHT=400).rowcol, op=np.positive)
    check(high, model, by_gdal(rpcs=rpc, src_crs="EPSG:4326", RPC_HEIGHT=400))
    off = coordinates(high) - coordinates(between(None, rpc))
    assert np.nanmax(abs(off[0])) > 0.5


def test_heights_may_come_from_a_raster(tmp_path):
    rpc = rational_polynomials(height_slope=0.1)
    ground = placed("EPSG:4326", 14.9, 50.2, 0.01, (60, 60))
    dem = written(tmp_path / "dem.tif", np.full((1, 60, 60), 350, np.float32), ground)
    found, level = (between(None, RationalPolynomials(rpc, **of)) for of in ({"dem": str(dem)}, {"height": 350.0}))
    np.testing.assert_allclose(coordinates(found), coordinates(level), atol=0.02)


def test_heights_are_found_by_a_process_that_has_read_no_raster_yet(tmp_path):
    ground = placed("EPSG:4326", 14.9, 50.2, 0.01, (60, 60))
    dem = written(tmp_path / "dem.tif", np.full((1, 60, 60), 350, np.float32), ground)
    (tmp_path / "model").write_bytes(pickle.dumps(RationalPolynomials(rational_polynomials(), dem=str(dem))))
    code = "import pickle, sys, numpy; print(pickle.load(open(sys.argv[1], 'rb'))(*numpy.array([[15.1], [49.9]])))"
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "model"], check=False, capture_output=True, text=True)
    assert done.returncode == 0 and "nan" not in done.stdout, done.stderr


def test_models_can_be_pickled():
    for model in (ControlPoints(control_points()), RationalPolynomials(rational_polynomials(), 5.0)):
        x, y = np.array([15.1, 15.2]), np.array([49.9, 49.95])
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(model))(x, y), model(x, y))


def test_what_a_function_returns_stays_its_own():
    grid = between("EPSG:32633", lambda x, y: [frozen((5_540_000 - y) // 70), frozen((x - 5e5) / 80)], max_error=0.6)
    assert grid.row.dtype == np.float64 and np.isfinite(grid.row).all()


def frozen(places):
    """Return whole numbers that nobody may change."""
    places = places.astype(int)
    places.flags.writeable = False
    return places


def test_any_function_is_a_model():
    grid = between("EPSG:32633", lambda x, y: ((5_540_000 - y) / 70, (x - 5e5) / 80))
    row, col = coordinates(grid)
    np.testing.assert_allclose(row[:, 0], (np.arange(330) + 0.5) * 60 / 70, atol=1e-6)
    np.testing.assert_allclose(col[0], (np.arange(360) + 0.5) * 60 / 80, atol=1e-6)


@pytest.mark.parametrize("kind", ["gcps", "rpcs"])
def test_a_file_with_a_model_is_warped(kind, tmp_path):
    image = np.random.default_rng(0).integers(1, 4000, (1, *SHAPE), dtype=np.uint16)
    words = {"gcps": control_points(), "crs": "EPSG:4326"} if kind == "gcps" else {"rpcs": rational_polynomials()}
    profile = {"driver": "GTiff", "dtype": "uint16", "count": 1, "height": SHAPE[0], "width": SHAPE[1]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where it lies only when it is there
        with rasterio.open(tmp_path / "source.tif", "w", **profile) as file:
            file.write(image)
            if kind == "gcps":
                file.gcps = (words["gcps"], rasterio.crs.CRS.from_epsg(4326))
            else:
                file.rpcs = words["rpcs"]
    warp_file(tmp_path / "source.tif", tmp_path / "out.tif", **words_of(TARGET), nodata_out=0)
    found, _ = read(tmp_path / "out.tif")
    model = control_points() if kind == "gcps" else rational_polynomials()
    expected = resample(image, between("EPSG:4326", model))
    assert expected.validity.mean() > 0.3
    assert (found[0] != expected.image[0]).mean() < 0.01 and abs(found.astype(int) - expected.image).max() <= 40
    done = warp_file(tmp_path / "source.tif", tmp_path / "all.tif", crs="EPSG:3035", interp="nearest", nodata_out=0)
    assert done.valid / done.pixels > 0.4


@pytest.fixture
def raw(tmp_path):
    """An image with rational polynomials, and heights for a part of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where it lies only when it is there
        with rasterio.open(
            tmp_path / "raw.tif", "w", "GTiff", dtype="uint16", count=1, height=SHAPE[0], width=SHAPE[1]
        ) as file:
            file.write(np.ones((1, *SHAPE), np.uint16))
            file.rpcs = rational_polynomials(0.1)
    ground = placed("EPSG:4326", 14.9, 50.2, 0.01, (60, 22))
    dem = written(tmp_path / "dem.tif", np.full((1, 60, 22), 350, np.float32), ground)
    return tmp_path / "raw.tif", dem


def in_a_process_of_its_own(code, *words):
    """Run a program; it must succeed; return what it has to say on standard error."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "default", "-c", code, *map(str, words)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize("words", [["--height", "0"], ["--height", "20"]])
def test_a_height_along_with_heights_of_the_ground_is_refused(words, raw, tmp_path):
    source, dem = raw
    command = ["warp", source, tmp_path / "out.tif", "--crs", "EPSG:32633", "--dem", dem, *words]
    assert "--height: expected either height or dem" in fails(*command)
    with pytest.raises(GpumaskError, match="height: expected either height or dem; got both"):
        warp_file(source, tmp_path / "out.tif", crs="EPSG:32633", dem=dem, height=float(words[1]))
    assert not (tmp_path / "out.tif").exists()


@pytest.mark.parametrize(
    ("dtype", "transform", "says"),
    [
        ("complex64", Affine(1, 0, 9, 0, -1, 55), "^dem: expected a real dtype in"),
        ("float32", None, "^dem: expected a raster with a transform"),
    ],
)
def test_a_raster_that_can_hold_no_heights_is_refused_by_name(raw, tmp_path, dtype, transform, says):
    about = {"driver": "GTiff", "count": 1, "width": 9, "height": 9, "crs": "EPSG:4326", "dtype": dtype}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(tmp_path / "no.tif", "w", **about, transform=transform):
            pass
        with pytest.raises(GpumaskError, match=says):
            warp_file(raw[0], tmp_path / "out.tif", crs="EPSG:32633", dem=tmp_path / "no.tif")


@pytest.mark.parametrize("threads", ["", "t = threading.Thread(target=ask); t.start(); t.join()"])
def test_who_has_used_a_model_leaves_without_noise(threads):
    """Although what frees it is gone when the interpreter goes."""
    code = f"""
import threading, numpy, rioxarray, gpumask.xarray
from sensor_cases import control_points, rational_polynomials
from gpumask import ControlPoints, RationalPolynomials
def ask():
    for model in (RationalPolynomials(rational_polynomials()), ControlPoints(control_points())):
        assert numpy.isfinite(model(numpy.array([15.1]), numpy.array([49.9]))).all()
ask()
{threads}
"""
    assert in_a_process_of_its_own(code) == ""


def test_no_warning_meant_for_who_writes_code_reaches_the_command_line(raw, tmp_path):
    source, dem = raw
    code = "import sys; from gpumask.cli import main; main(sys.argv[1:])"
    words = "warp", source, tmp_path / "out.tif", "--crs", "EPSG:32633", "-q", "--nodata", "0"
    bounds = "--bounds", "400000", "5000000", "700000", "6000000", "--resolution", "1000"
    for more in ([], ["--dem", dem, *bounds]):
        assert in_a_process_of_its_own(code, *words, "--overwrite", *more) == ""


def test_models_warn_of_nothing(raw):
    """Of places where there are no heights, for instance: these are not finite."""
    model = RationalPolynomials(rational_polynomials(), dem=str(raw[1]))
    row, col = model(np.array([15.0, 20.0]), np.array([49.9, 49.9]))
    assert np.isfinite([row[0], col[0]]).all() and not np.isfinite([row[1], col[1]]).any()


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: ControlPoints(control_points()[:2]), GpumaskError, "expected 3 ground control points or more; got 2"),
        (
            lambda: between("EPSG:32633", rational_polynomials()),
            GpumaskError,
            "source_crs: expected None, or WGS 84 in degrees",
        ),
        (
            lambda: RationalPolynomials(rational_polynomials(), height=0.0, dem="a.tif"),
            GpumaskError,
            "height: expected either height or dem; got both, 0.0 and a.tif",
        ),
        (lambda: RationalPolynomials(3), ArgumentTypeError, "expected a rasterio.rpc.RPC; got int"),
        (lambda: RationalPolynomials(rational_polynomials(), height="a"), ArgumentTypeError, "height: .*got 'a'"),
        (
            lambda: RationalPolynomials(rational_polynomials(), height=np.nan),
            GpumaskError,
            "height: expected .*got nan",
        ),
        (lambda: between(None, RationalPolynomials(rational_polynomials(), dem="no.tif")), GpumaskError, "no.tif: No"),
        (lambda: between("EPSG:4326", control_points()[:1] * 4), GpumaskError, "source_transform: .* not solvable"),
        (
            lambda: between("EPSG:32633", lambda x, y: 5),
            ArgumentTypeError,
            "function that returns .row, col.* got a int",
        ),
        (lambda: between("EPSG:32633", lambda x, y: (x[0], y[0])), GpumaskError, "source_transform: .*as x and y; got"),
        (lambda: Geolocation(*swath(), step=5), ArgumentTypeError, "expected a step of two numbers, .*; got 5"),
        (lambda: Geolocation(*swath(), first=(0, np.nan)), GpumaskError, "expected a finite first"),
        (
            lambda: Geolocation([[1, 2]], [[1, 2]]),
            GpumaskError,
            "geolocation: expected x and y of the same shape, 2 x 2",
        ),
        (
            lambda: Geolocation(np.full((3, 3), np.nan), np.ones((3, 3))),
            GpumaskError,
            "one sample with finite x and y; got none",
        ),
        (lambda: Geolocation(np.ones((3, 3)), np.ones((3, 3)), step=(0, 1)), GpumaskError, "step above 0"),
    ],
)
def test_what_can_not_be_right_is_refused(make, error, says):
    with pytest.raises(error, match=says):
        make()
