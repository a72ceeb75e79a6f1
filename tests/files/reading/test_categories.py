"""Classes are protected: where a source declares them, no value is made between two unless that is asked for."""

import contextlib
import logging
import time
import warnings

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import rioxarray
import xarray
from affine import Affine
from click.testing import CliRunner
from commands import read, write
from rasterio.vrt import WarpedVRT

import gpumask
import gpumask.xarray  # noqa: F401
from gpumask import resample_file, warp_file
from gpumask.cli import main

# Bytes without a nodata value, which tests here have no need of.
pytestmark = pytest.mark.filterwarnings("ignore:nodata_out. expected a value for invalid pixels")

PLACE = {"crs": "EPSG:32631", "transform": Affine(10, 0, 500_000, 0, -10, 4_000_000)}
TARGET = {"crs": "EPSG:32632", "backend": "numpy"}
CLASSES = (0, 40, 90, 200)
TABLE = {0: (0, 0, 0, 255), 40: (255, 0, 0, 255), 90: (0, 255, 0, 255), 200: (9, 9, 255, 255)}
CLOUD = '{"cloud": {"bits": 3, "values": {"0": false, "1": true}}}'
STAC = '[{"value": 40, "name": "water"}, {"value": 90, "name": "a=b"}]'
FLAGS = {
    "flag_values": "0, 40, 90, 200",
    "flag_masks": "8, 16",
    "flag_meanings": "none water wood ice",
    "flags_definition": CLOUD,
    "classification:classes": STAC,
    "classification:bitfields": "[]",
}
NAMES = "<CategoryNames><Category>none</Category><Category>water</Category></CategoryNames>"
ATTRIBUTES = (
    '<GDALRasterAttributeTable tableType="{kind}"><FieldDefn index="0"><Name>Value</Name><Type>0</Type><Usage>5</Usage>'
    '</FieldDefn><FieldDefn index="1"><Name>Class</Name><Type>2</Type><Usage>{usage}</Usage></FieldDefn>'
    '<Row index="0"><F>40</F><F>water</F></Row></GDALRasterAttributeTable>'
)


def classes_of(bands=1, side=48, seed=0):
    return np.random.default_rng(seed).choice(CLASSES, (bands, side, side)).astype(np.uint8)


def beside(path, xml, band=1):
    """Say something of a band in the file that GDAL reads along with it."""
    path = path.with_name(path.name + ".aux.xml")
    path.write_text(f'<PAMDataset><PAMRasterBand band="{band}">{xml}</PAMRasterBand></PAMDataset>')


def say(path, how, band=1):
    """Declare, in one of the ways that there are, that a raster's band has classes."""
    if how == "table":
        with rasterio.open(path, "r+") as made:
            made.write_colormap(band, TABLE)
    elif how == "names":
        beside(path, NAMES, band)
    elif how == "attributes":
        beside(path, ATTRIBUTES.format(kind="thematic", usage=2), band)
    elif how.startswith("dataset "):
        with rasterio.open(path, "r+") as made:
            made.update_tags(**{how.removeprefix("dataset "): FLAGS[how.removeprefix("dataset ")]})
    else:
        with rasterio.open(path, "r+") as made:
            made.update_tags(band, **{how: FLAGS[how]})


WAYS = ["table", "names", "attributes", *FLAGS, *(f"dataset {name}" for name in FLAGS)]


@pytest.fixture
def source(tmp_path):
    return write(tmp_path / "source.tif", classes_of(), **PLACE)


@pytest.fixture
def said(caplog):
    """What the library says at INFO of interpolators, line by line."""
    caplog.set_level(logging.INFO, "gpumask")
    return lambda: [record.getMessage() for record in caplog.records if record.getMessage().startswith("interp: ")]


def warp(source, **how):
    output = source.with_name("out.tif")
    warp_file(source, output, **{**TARGET, "overwrite": True, **how})
    return read(output)


def values(array):
    return {*np.unique(array).tolist()}


@pytest.mark.parametrize("way", WAYS)
def test_where_classes_are_declared_no_interpolator_means_nearest_and_a_line_says_so(source, said, way):
    cubic = warp(source)
    assert values(cubic) - {*CLASSES} and said() == []
    say(source, way)
    found = warp(source)
    assert values(found) <= {*CLASSES}
    assert len(said()) == 1 and "nearest" in said()[0]
    np.testing.assert_array_equal(found, warp(source, interp="nearest"))
    assert len(said()) == 1


def test_a_source_of_no_classes_is_cubic_and_nothing_is_said(source, said):
    with rasterio.open(source, "r+") as made:
        made.update_tags(1, units="1", flag="x", classification="by hand", WAVELENGTH="0.6")
    beside(source, ATTRIBUTES.format(kind="athematic", usage=2) + "<CategoryNames/>")
    np.testing.assert_array_equal(warp(source), warp(source, interp="cubic"))
    beside(source, ATTRIBUTES.format(kind="thematic", usage=0))  # a column that is no name
    np.testing.assert_array_equal(warp(source), warp(source, interp="cubic"))
    assert said() == []


@pytest.mark.parametrize("way", ["names", "flag_values", "classification:classes"])
def test_one_band_of_classes_makes_all_bands_nearest_and_bands_that_are_left_out_have_no_say(tmp_path, said, way):
    source = write(tmp_path / "source.tif", classes_of(3), **PLACE)
    say(source, way, 2)
    found = warp(source)
    assert values(found) <= {*CLASSES} and len(said()) == 1 and "band 2 " in said()[0]
    others = warp(source, bands=[1, 3])
    assert values(others) - {*CLASSES} and len(said()) == 1


def test_many_bands_are_looked_at_each_once(tmp_path):
    source = write(tmp_path / "source.tif", np.zeros((1500, 2, 2), np.uint8), **PLACE)
    with rasterio.open(source) as dataset:
        started = time.perf_counter()
        assert gpumask.files.reading.categories.in_file(dataset, dataset.indexes) is None
        assert time.perf_counter() - started < 5  # by their square it would be four times that


@pytest.mark.parametrize("way", ["table", "names", "flag_values"])
@pytest.mark.parametrize("interp", ["linear", "cubic", "lanczos3", gpumask.bspline(3)])
def test_what_is_named_is_done_and_mixing_classes_gets_one_warning_at_the_callers_line(source, said, way, interp):
    expected = warp(source, interp=interp)
    say(source, way)
    with pytest.warns(UserWarning, match=r"interp: .* between classes") as caught:
        found = warp(source, interp=interp)
    assert len(caught) == 1 and caught[0].filename == __file__ and said() == []
    np.testing.assert_array_equal(found, expected)


def test_a_grid_file_does_as_a_projection_does(source, said):
    y, x = np.mgrid[3:40:9j, 2:41:9j]
    grid = write(source.with_name("grid.tif"), np.stack([y + 0.1 * x, x]), **PLACE)
    output = source.with_name("out.tif")
    say(source, "table")
    resample_file(source, grid, output, resolution=(4, 4), backend="numpy")
    row, col = read(grid)
    expected = gpumask.resample(read(source), gpumask.Grid(row, col, resolution=(4, 4)), "nearest", backend="numpy")
    np.testing.assert_array_equal(read(output), expected.image)
    assert len(said()) == 1


def test_arrays_are_cubic_where_nothing_is_named():
    y, x = np.mgrid[3:40:9j, 2:41:9j]
    grid, image = gpumask.Grid(y, x, resolution=(4, 4)), classes_of()
    cubic = gpumask.resample(image, grid, "cubic", backend="numpy").image
    np.testing.assert_array_equal(gpumask.resample(image, grid, backend="numpy").image, cubic)


# The command line.


def test_the_command_line_chooses_and_warns_in_a_line(source):
    output = source.with_name("out.tif")
    say(source, "table")
    words = ["warp", str(source), str(output), "--crs", "EPSG:32632", "--backend", "numpy", "--overwrite", "-q"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0 and "between" not in done.stderr and values(read(output)) <= {*CLASSES}
    done = CliRunner().invoke(main, [*words, "--debug"])
    assert sum("interp: nearest" in line for line in done.stderr.splitlines()) == 1
    done = CliRunner().invoke(main, [*words, "--interp", "cubic"])
    lines = [line for line in done.stderr.splitlines() if "between classes" in line]
    assert done.exit_code == 0 and len(lines) == 1 and lines[0].startswith("gpumask: interp: cubic ")
    assert values(read(output)) - {*CLASSES}
    for command in ("warp", "resample"):
        told = " ".join(CliRunner().invoke(main, [command, "--help"]).output.split())
        assert "[default: cubic, or nearest if SOURCE declares classes" in told


# DataArrays.


def array_of(image=None, **attrs):
    y, x = 4_000_000 - 10 * (np.arange(48) + 0.5), 500_000 + 10 * (np.arange(48) + 0.5)
    image = classes_of()[0] if image is None else image
    return xarray.DataArray(image, dims=("y", "x"), coords={"y": y, "x": x}, attrs=attrs).rio.write_crs("EPSG:32631")


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("name", FLAGS)
def test_flags_in_the_attributes_of_an_array_mean_nearest(said, name, lazy):
    array = array_of(**{name: FLAGS[name]})
    array = array.chunk(y=20, x=20) if lazy else array
    found = array.gpumask.reproject("EPSG:32632", backend="numpy")
    assert values(found) <= {*CLASSES} and len(said()) == 1 and name in said()[0]
    xarray.testing.assert_identical(found, array.gpumask.reproject("EPSG:32632", interp="nearest", backend="numpy"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", "interp: linear .* between classes")
        mixed = array.gpumask.reproject("EPSG:32632", interp="linear", backend="numpy")
    assert [each.filename for each in caught] == [__file__]
    assert values(mixed) - {*CLASSES}


def test_the_flags_of_the_validity_are_not_the_arrays_but_its_own(said):
    array = array_of()
    array = array.assign_coords(validity=gpumask.xarray.labels.described(xarray.ones_like(array)))
    again = array.gpumask.reproject("EPSG:32632", backend="numpy").gpumask.reproject("EPSG:32633", backend="numpy")
    assert values(again) - {*CLASSES} and said() == []
    holes = array_of(np.where(classes_of()[0] > 50, 1, 0).astype(np.uint8), **array.validity.attrs)
    assert values(holes.gpumask.reproject("EPSG:32632", backend="numpy")) <= {0, 1} and len(said()) == 1


def test_an_array_that_rioxarray_reads_has_the_classes_of_its_file(source, said):
    def reprojected(**how):
        with rioxarray.open_rasterio(source, **how) as array:
            return array.gpumask.reproject("EPSG:32632", backend="numpy")

    assert values(reprojected()) - {*CLASSES} and said() == []
    for way in ("table", "names", "attributes"):
        write(source, classes_of(), **PLACE)
        say(source, way)
        assert values(reprojected()) <= {*CLASSES}
        assert values(reprojected(chunks=20)) <= {*CLASSES}
    assert len(said()) == 6


@pytest.mark.filterwarnings("ignore:interp. linear makes values between classes")
@pytest.mark.parametrize("masked", [False, True])
def test_what_is_made_of_an_array_with_classes_of_its_file_has_them_too(source, tmp_path, masked):
    say(source, "names")
    with rioxarray.open_rasterio(source, masked=masked) as array:
        kept = array.gpumask.keep({"values": [1000], "invert": True}, array)
        near = array.gpumask.reproject("EPSG:32632", backend="numpy", nodata_out=255)
        far = array.gpumask.reproject("EPSG:32632", backend="numpy", nodata_out=255, interp="linear")
        for part in (kept, kept.gpumask.where_valid(), near, near.isel(x=slice(0, 30)), near.gpumask.where_valid(255)):
            again = part.gpumask.reproject("EPSG:32633", backend="numpy", nodata_out=255)
            assert values(again) <= {*CLASSES, 255}
        mixed = far.gpumask.reproject("EPSG:32633", backend="numpy", nodata_out=255)
        assert values(mixed) - values(far)  # cubic, as classes are there no more
        near.rio.to_raster(tmp_path / "near.tif")
    assert values(read(tmp_path / "near.tif")) <= {*CLASSES, 255}


def test_a_warped_vrt_that_rioxarray_reads_has_the_classes_of_its_file(source):
    say(source, "names")
    with rasterio.open(source) as file, WarpedVRT(file, crs="EPSG:32633") as warped:
        array = rioxarray.open_rasterio(warped).load()
        assert values(array.gpumask.reproject("EPSG:32632", backend="numpy", nodata_out=255)) <= {*CLASSES, 255}


@pytest.mark.parametrize("gone", ["gone.tif", "https://127.0.0.1:1/gone.tif", None, 7])
def test_an_array_whose_file_is_gone_is_as_one_that_has_none(gone):
    array = array_of()
    array.encoding = {"source": gone, "rasterio_dtype": "uint8"}
    assert values(array.gpumask.reproject("EPSG:32632", backend="numpy")) - {*CLASSES}


def test_just_the_bands_that_an_array_has_of_a_file_have_a_say(tmp_path, said):
    source = write(tmp_path / "source.tif", classes_of(2), **PLACE)
    say(source, "names", 2)
    with rioxarray.open_rasterio(source) as array:
        assert values(array.sel(band=1).gpumask.reproject("EPSG:32632", backend="numpy")) - {*CLASSES}
        assert said() == []
        for part in (array.sel(band=2), array, array.assign_coords(band=["red", "classes"])):
            assert values(part.gpumask.reproject("EPSG:32632", backend="numpy")) <= {*CLASSES}
    assert len(said()) == 3


# Overviews of COGs.


def overviews(path):
    """Return the values of all overviews of all bands."""
    with rasterio.open(path) as made:
        levels = range(len(made.overviews(1)))
    assert levels
    found = set()
    for level in levels:
        with rasterio.open(path, overview_level=level) as made:
            found |= values(made.read(masked=True).compressed())
    return found


COG = {"driver": "COG", "creation": {"blocksize": "128"}}


@pytest.fixture
def wide(tmp_path):
    """Classes in blocks of some pixels, so that overviews have edges to mix at."""
    return write(tmp_path / "source.tif", classes_of(1, 600), **PLACE)


@pytest.mark.parametrize("how", [{}, {"nodata_out": 255}, {"validity": "mask"}, {"validity": "alpha"}], ids=str)
@pytest.mark.parametrize("way", ["table", "names", None])
def test_overviews_are_nearest_where_the_interpolator_is(wide, way, how):
    if way:
        say(wide, way)
    found = warp(wide, **COG, **how, **({} if way else {"interp": "nearest"}))
    assert values(found) <= {*CLASSES, 255}
    assert overviews(wide.with_name("out.tif")) <= {*CLASSES, 255}


def test_overviews_in_a_web_maps_tiles_are_nearest_too(wide):
    say(wide, "names")
    tiles = {**COG["creation"], "tiling_scheme": "GoogleMapsCompatible", "add_alpha": "no"}
    found = warp(wide, driver="COG", creation=tiles, crs="EPSG:3857")
    assert values(found) <= {*CLASSES} and overviews(wide.with_name("out.tif")) <= {*CLASSES}


def test_overviews_that_are_asked_for_are_made_and_warned_of_where_they_mix_classes(wide):
    creation = {**COG["creation"], "OVERVIEW_RESAMPLING": "average"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warp(wide, driver="COG", creation=creation, interp="nearest")
    assert overviews(wide.with_name("out.tif")) - {*CLASSES}
    say(wide, "names")
    with pytest.warns(UserWarning, match="creation: overviews by average .* between classes") as caught:
        warp(wide, driver="COG", creation=creation)
    assert len(caught) == 1 and caught[0].filename == __file__
    for mixing_none in ("nearest", "mode"):
        warp(wide, driver="COG", creation={**creation, "OVERVIEW_RESAMPLING": mixing_none})
        assert overviews(wide.with_name("out.tif")) <= {*CLASSES}


def test_the_overviews_of_what_is_interpolated_are_gdals_choice(wide):
    warp(wide, driver="COG", creation=COG["creation"], interp="linear", nodata_out=255)
    made = wide.with_name("out.tif")
    again = made.with_name("again.tif")
    with contextlib.suppress(FileNotFoundError):
        again.unlink()
    rasterio.shutil.copy(made, again, driver="COG", blocksize="128")
    assert overviews(made) == overviews(again)
