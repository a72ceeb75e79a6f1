"""`gpumask mask`, with `gpumask.validity_mask` and rasterio's geometry_mask as the oracles."""

import json

import numpy as np
import pytest
import rasterio
import shapely
from commands import fails, read, run, write
from mask_scene import CLOUDS, CRS, FIELD, SHAPE, TRANSFORM, masked, on_the_ground, write_layer, write_scene
from rasterio.features import geometry_mask
from rasterio.transform import Affine

from gpumask import CoarseMask, Polygons, validity_mask

pyogrio = pytest.importorskip("pyogrio")

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_scene()
    return tmp_path


def test_polygons_are_where_rasterio_has_them(files):
    field = geometry_mask([on_the_ground(FIELD)], SHAPE, TRANSFORM, invert=True)
    clouds = geometry_mask(map(on_the_ground, CLOUDS), SHAPE, TRANSFORM, invert=True)
    assert 0 < (field & ~clouds).mean() < field.mean() < 1
    np.testing.assert_array_equal(masked("--valid", "field.gpkg"), field)
    np.testing.assert_array_equal(masked("--invalid", "clouds.geojson"), ~clouds)
    np.testing.assert_array_equal(masked("--valid", "field.gpkg", "--invalid", "clouds.geojson"), field & ~clouds)
    np.testing.assert_array_equal(masked("--invalid", "field.gpkg", "--invalid", "clouds.geojson"), ~field & ~clouds)


def test_a_coarse_mask_is_that_of_validity_mask(files, backend):
    nodes = read("coarse.tif")
    how = ("--resolution", 5, 10, "--backend", backend)
    expected = validity_mask(SHAPE, CoarseMask(nodes[0], (5, 10)))
    assert 0 < expected.mean() < 1
    np.testing.assert_array_equal(masked("--mask", "coarse.tif", *how), expected)
    expected = validity_mask(SHAPE, CoarseMask(nodes[1] == 7, (5, 10), threshold=0.5))
    found = masked("--mask", "coarse.tif:2", "--mask-valid", 7, "--threshold", 0.5, *how)
    np.testing.assert_array_equal(found, expected)


def test_all_parts_are_anded_whatever_the_tile(files):
    parts = CoarseMask(read("coarse.tif")[0], (5, 10)), Polygons(FIELD, CLOUDS, origin=(0.5, 0.5))
    expected = validity_mask(SHAPE, *parts)
    options = ("--valid", "field.gpkg", "--invalid", "clouds.geojson", "--mask", "coarse.tif", "--resolution", 5, 10)
    assert 0 < expected.mean() < 1
    for tile in ((1024, 1024), (7, 9), (1, 81), (61, 1)):
        np.testing.assert_array_equal(masked(*options, "--tile", *tile), expected)


def test_the_output_lies_where_the_raster_does(files):
    masked("--valid", "field.gpkg", "--co", "COMPRESS=DEFLATE")
    with rasterio.open("out.tif") as out, rasterio.open("like.tif") as like:
        assert (out.crs, out.transform, out.shape) == (like.crs, like.transform, like.shape)
        assert (out.dtypes, out.count, out.nodata, out.compression.name) == (("uint8",), 1, None, "deflate")


def test_the_summary_says_how_much_is_valid(files):
    valid = masked("--valid", "field.gpkg")
    said = run("mask", "--like", "like.tif", "--valid", "field.gpkg", "out.tif").stdout
    assert said.startswith(f"out.tif: {valid.size} pixels, {100 * valid.mean():.2f} % valid, ")
    assert run("mask", "--like", "like.tif", "--valid", "field.gpkg", "out.tif", "--quiet").output == ""


def test_the_mask_is_what_resample_takes(files):
    write("source.tif", np.random.default_rng(0).integers(1, 9, SHAPE, np.uint8))
    write("grid.tif", np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float))
    valid = masked("--valid", "field.gpkg", "--invalid", "clouds.geojson")
    run("resample", "source.tif", "grid.tif", "image.tif", "--mask", "out.tif", "--backend", "numpy")
    np.testing.assert_array_equal(read("image.tif")[0] != 0, valid)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:2154", "EPSG:32630"])
def test_a_layer_in_another_crs_lies_in_the_same_place(files, crs):
    """But for pixels whose centre is within a hundredth of a pixel of an outline."""
    write_layer("field.fgb", [on_the_ground(shapely.segmentize(FIELD, 1))], crs)
    y, x = np.indices(SHAPE)
    near = shapely.distance(FIELD.boundary, shapely.points(x + 0.5, y + 0.5)) < 0.02
    assert near.mean() < 0.01
    expected = validity_mask(SHAPE, Polygons(FIELD, origin=(0.5, 0.5)))
    np.testing.assert_array_equal(masked("--valid", "field.fgb")[~near], expected[~near])


def test_long_edges_bend_where_the_crs_asks_for_it(tmp_path, monkeypatch):
    """A parallel of latitude, far from the zone's meridian, is no straight line in UTM."""
    monkeypatch.chdir(tmp_path)
    write("like.tif", np.zeros((100, 400), np.uint8), crs=CRS, transform=Affine(1000, 0, 300_000, 0, -1000, 5_600_000))
    feature = {"type": "Polygon", "coordinates": [[(-1, 50), (7, 50), (7, 52), (-1, 52), (-1, 50)]]}
    (tmp_path / "north.geojson").write_text(json.dumps(feature))
    found = masked("--valid", "north.geojson")
    col, row = np.meshgrid(np.arange(400), np.arange(100))
    x, y = 300_000 + 1000 * (col + 0.5), 5_600_000 - 1000 * (row + 0.5)
    _, latitude = rasterio.warp.transform(CRS, "EPSG:4326", x.ravel(), y.ravel())
    latitude = np.reshape(latitude, found.shape)
    off = np.abs(latitude - 50) < 0.02 * 1000 / 111_000
    np.testing.assert_array_equal(found[~off], (latitude > 50)[~off])
    assert 0 < found.mean() < 1


def test_polygons_all_over_the_world_are_cut_to_the_raster(files):
    world = shapely.box(-180, -90, 180, 90)
    (files / "world.geojson").write_text(json.dumps(shapely.geometry.mapping(world)))
    assert masked("--valid", "world.geojson").all()
    assert not masked("--invalid", "world.geojson", code=3).any()


def test_a_raster_across_the_dateline_has_polygons_on_both_sides(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = {"crs": "EPSG:32601", "transform": Affine(5000, 0, 100_000, 0, -5000, 6_000_000)}
    write("like.tif", np.zeros((40, 40), np.uint8), **place)
    halves = [shapely.box(178, 50, 180, 56), shapely.box(-180, 50, -177, 56)]
    for name, polygons in {"world": [shapely.box(-180, -90, 180, 90)], "east": halves[:1], "both": halves}.items():
        (tmp_path / f"{name}.geojson").write_text(json.dumps(shapely.geometry.mapping(shapely.union_all(polygons))))
    assert masked("--valid", "world.geojson").all()
    both, east = masked("--valid", "both.geojson"), masked("--valid", "east.geojson")
    assert 0 < east.sum() < both.sum() and not (east & ~both).any()


def test_bends_that_leave_the_middle_in_place_are_followed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("like.tif", np.zeros((400, 400), np.uint8), crs="EPSG:3857", transform=Affine(5e4, 0, -1e7, 0, -5e4, 1e7))
    slanted = shapely.Polygon([(-10, -60), (0, -60), (20, 60), (10, 60)])
    for name, polygon in {"coarse": slanted, "fine": shapely.segmentize(slanted, 0.01)}.items():
        (tmp_path / f"{name}.geojson").write_text(json.dumps(shapely.geometry.mapping(polygon)))
    assert (masked("--valid", "coarse.geojson") != masked("--valid", "fine.geojson")).sum() < 5


def test_a_coarse_mask_that_says_that_it_lies_elsewhere_is_refused(files):
    """Its first pixel's centre is the raster's; an overview's would lie half a coarse pixel further on."""
    nodes = read("coarse.tif")[0]
    how = ("--mask", "placed.tif", "--resolution", 5, 10)
    in_place = TRANSFORM @ Affine.translation(0.5, 0.5) @ Affine.scale(10, 5) @ Affine.translation(-0.5, -0.5)
    write("placed.tif", nodes, crs=CRS, transform=in_place)
    np.testing.assert_array_equal(masked(*how), validity_mask(SHAPE, CoarseMask(nodes, (5, 10))))
    for place in (
        {"crs": CRS, "transform": TRANSFORM @ Affine.scale(10, 5)},
        {"crs": "EPSG:32632", "transform": in_place},
    ):
        write("placed.tif", nodes, **place)
        assert fails("mask", "--like", "like.tif", "o.tif", *how).startswith(
            "gpumask: --mask: expected its pixels' centres, by its CRS and transform,"
        )


def test_polygons_elsewhere_leave_nothing_and_a_warning_says_so(files):
    (files / "far.geojson").write_text(json.dumps(shapely.geometry.mapping(shapely.box(100, 10, 101, 11))))
    done = run("mask", "--like", "like.tif", "--valid", "far.geojson", "out.tif", code=3)
    assert "gpumask: output: no pixel is valid" in done.stderr
    assert not read("out.tif").any()
    assert masked("--invalid", "far.geojson").all()


def test_shares_that_are_none_are_errors_of_the_mask(files):
    write("shares.tif", np.full((13, 9), 5, np.float32))
    line = fails("mask", "--like", "like.tif", "out.tif", "--mask", "shares.tif", "--resolution", 5, 10)
    assert line.startswith("gpumask: --mask: expected shares of valid")


def test_an_empty_layer_of_invalid_polygons_removes_nothing(files):
    (files / "empty.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": []}))
    assert masked("--invalid", "empty.geojson").all()


def test_one_of_several_layers_is_named(files):
    write_layer("both.gpkg", [on_the_ground(FIELD)], layer="field")
    write_layer("both.gpkg", map(on_the_ground, CLOUDS), layer="clouds", append=True)
    found = masked("--valid", "both.gpkg:field", "--invalid", "both.gpkg:clouds")
    np.testing.assert_array_equal(found, validity_mask(SHAPE, Polygons(FIELD, CLOUDS, origin=(0.5, 0.5))))
    for given in ("both.gpkg", "both.gpkg:water"):
        assert "FILE:LAYER, one of field, clouds" in fails("mask", "--like", "like.tif", "--valid", given, "out.tif")


def test_a_raster_without_a_crs_takes_coordinates_as_they_are(files):
    write("pixels.tif", np.zeros(SHAPE, np.uint8))
    (files / "field.geojson").write_text(json.dumps(shapely.geometry.mapping(FIELD)))
    done = run("mask", "--like", "pixels.tif", "--valid", "field.geojson", "out.tif")
    assert "pixels.tif has no CRS" in done.stderr
    np.testing.assert_array_equal(read("out.tif")[0], validity_mask(SHAPE, Polygons(FIELD, origin=(0.5, 0.5))))


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (["--valid", "nothing.geojson"], "--valid"),
        (["--valid", "like.tif"], "--valid"),
        (["--valid", "empty.geojson"], "--valid"),
        (["--invalid", "points.geojson"], "--invalid"),
        (["--invalid", "nowhere.shp"], "--invalid"),
        (["--mask", "nothing.tif"], "--mask"),
        (["--mask", "coarse.tif:3", "--resolution", "5", "10"], "--mask"),
        (["--mask", "coarse.tif"], "--mask"),
        (["--mask", "coarse.tif", "--resolution", "5", "9"], "--mask"),
        (["--mask", "coarse.tif", "--resolution", "5", "10", "--mask-valid", "300"], "--mask-valid"),
        (["--mask", "coarse.tif", "--resolution", "5", "10", "--threshold", "0"], "--threshold"),
        (["--mask", "coarse.tif", "--resolution", "5", "10", "--threshold", "1.5"], "--threshold"),
        (["--valid", "field.gpkg", "--co", "COMPRES=DEFLATE"], "--co"),
        (["--valid", "field.gpkg", "--co", "COMPRESS=JPEG"], "--co"),
        (["--valid", "field.gpkg", "--like", "nothing.tif"], "--like"),
    ],
)
def test_failure_is_one_line_that_names_the_argument(files, options, name):
    (files / "empty.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": []}))
    (files / "points.geojson").write_text(json.dumps({"type": "Point", "coordinates": [3, 50]}))
    write_layer("nowhere.shp", [on_the_ground(FIELD)], crs=None)
    before = sorted(files.iterdir())
    line = fails("mask", "--like", "like.tif", "out.tif", "--backend", "numpy", *options)
    assert line.startswith(f"gpumask: {name}: ")
    assert sorted(files.iterdir()) == before


@pytest.mark.parametrize(
    "output", ["like.tif", "field.gpkg", "coarse.tif", "nowhere/out.tif", ".", "out.what", "out.jpg"]
)
def test_an_output_that_cannot_be_right_is_refused_before_any_work(files, output):
    before = {path: path.read_bytes() for path in files.iterdir()}
    words = ("--valid", "field.gpkg", "--mask", "coarse.tif", "--resolution", 5, 10)
    assert fails("mask", "--like", "like.tif", output, *words).startswith("gpumask: OUTPUT: ")
    assert {path: path.read_bytes() for path in files.iterdir()} == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "at least one of --valid, --invalid, --mask and --rules"),
        (["--valid", "field.gpkg", "--mask-valid", "1"], "--mask-valid"),
        (["--valid", "field.gpkg", "--threshold", "0.5"], "--threshold"),
        (["--valid", "field.gpkg", "--resolution", "5", "10"], "--resolution"),
        (["--mask", "coarse.tif", "--resolution", "0", "1"], "--resolution"),
        (["--mask", "coarse.tif", "--tile", "0", "1"], "--tile"),
    ],
)
def test_a_wrong_command_line_exits_with_2(files, options, said):
    assert said in fails("mask", "--like", "like.tif", "out.tif", *options, code=2)


def test_without_pyogrio_it_says_what_is_missing(files, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyogrio", None)
    said = fails("mask", "--like", "like.tif", "--valid", "field.gpkg", "out.tif")
    assert said.startswith("gpumask: --valid: expected pyogrio (pip install 'gpumask[vector]')")
    masked("--mask", "coarse.tif", "--resolution", 5, 10)
