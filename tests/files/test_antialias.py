"""Antialiased interpolators from file to file: to the bit what arrays have, in whatever tiles."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from commands import fails, run

from gpumask import GpumaskError, Grid, Method, ProjectedGrid, Window, resample, resample_file, warp_file
from gpumask.grids.places.place import Place

RNG = np.random.default_rng(5)
SHAPE, NODES = (160, 190), (9, 11)
PLACE = {"crs": "EPSG:32633", "transform": Affine(10, 0, 5e5, 0, -10, 5e6)}
ROW = np.linspace(-3, 162, NODES[0])[:, None] + np.linspace(0, 12, NODES[1])
COL = np.linspace(-2, 191, NODES[1]) - np.linspace(0, 9, NODES[0])[:, None]
STEPS = {"coarse": (7, 9), "full": (1, 1)}
TILES = [None, (16, 16), (7, 33), (1, 1), (100, 5)]


def written(path, array, **profile):
    """Write bands as a raster."""
    shape = {"count": len(array), "height": array.shape[1], "width": array.shape[2], "dtype": array.dtype}
    with rasterio.open(path, "w", **{"driver": "GTiff", **PLACE, **shape, **profile}) as raster:
        raster.write(array)
    return path


def read(path):
    with rasterio.open(path) as raster:
        return raster.read()


@pytest.fixture
def scene(tmp_path, monkeypatch):
    """Return bands and where they are valid. They are a file, as is a grid."""
    monkeypatch.chdir(tmp_path)
    image = (RNG.random((2, *SHAPE)) * 200 + 1).astype("float32")
    valid = RNG.random(SHAPE) > 0.001
    image[:, ~valid] = 0
    written("source.tif", image, nodata=0)
    written("grid.tif", np.stack([ROW, COL]))
    return image, valid


@pytest.mark.parametrize("tile", TILES)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("interp", ["linear", "cubic", "lanczos3"])
@pytest.mark.parametrize("policy", ["strict", "renormalize"])
def test_files_are_as_arrays_in_whatever_tiles(scene, interp, step, tile, policy):
    image, valid = scene
    words = {"interp": interp, "mask_policy": policy, "antialias": True}
    made = resample_file(
        "source.tif", "grid.tif", "out.tif", resolution=STEPS[step], validity="valid.tif", tile_shape=tile, **words
    )
    expected = resample(image, Grid(ROW, COL, STEPS[step]), source_valid=valid, **words)
    np.testing.assert_array_equal(read("valid.tif")[0], expected.validity)
    np.testing.assert_array_equal(read("out.tif"), expected.image)
    assert made.valid == expected.validity.sum()


@pytest.mark.parametrize("tile", TILES)
@pytest.mark.parametrize("step", STEPS)
def test_a_window_is_as_the_whole_has_it(scene, step, tile):
    window = Window(2, 3, 6, 7)
    words = {"resolution": STEPS[step], "antialias": True}
    resample_file("source.tif", "grid.tif", "whole.tif", **words)
    resample_file("source.tif", "grid.tif", "part.tif", window=window, tile_shape=tile, **words)
    np.testing.assert_array_equal(read("part.tif"), read("whole.tif")[:, *window.slices])


@pytest.mark.parametrize("tile", TILES)
@pytest.mark.parametrize("max_error", [0.01, 0])
def test_a_warp_does_not_depend_on_its_tiles(scene, tile, max_error):
    image, valid = scene
    words = {"crs": "EPSG:3035", "resolution": 47, "antialias": True, "max_error": max_error}
    warp_file("source.tif", "out.tif", tile_shape=tile, validity="valid.tif", **words)
    with rasterio.open("out.tif") as raster:
        target = Place(raster.crs.to_wkt(), raster.transform, raster.shape)
    grid = ProjectedGrid(Place(PLACE["crs"], PLACE["transform"], SHAPE), target, max_error)
    expected = np.zeros((2, *target.shape), np.float32)
    validity = np.zeros(target.shape, np.uint8)
    for part, _ in grid.parts(Window.of_shape(target.shape)):
        nodes = grid.read(part, Method(antialias=True).node_margin)
        made = resample(image, nodes, source_valid=valid, antialias=True)
        expected[:, *part.slices], validity[part.slices] = made.image, made.validity
    np.testing.assert_array_equal(read("valid.tif")[0], validity)
    np.testing.assert_array_equal(read("out.tif"), expected)
    assert 0.05 < validity.mean() < 0.95


def test_the_command_line_does_it(scene):
    run("resample", "source.tif", "grid.tif", "cli.tif", "--resolution", 7, 9, "--interp", "lanczos3", "--antialias")
    resample_file("source.tif", "grid.tif", "api.tif", resolution=(7, 9), interp="lanczos3", antialias=True)
    np.testing.assert_array_equal(read("cli.tif"), read("api.tif"))
    run("warp", "source.tif", "cli-warp.tif", "--crs", "EPSG:3035", "--resolution", 45, "--antialias")
    warp_file("source.tif", "api-warp.tif", crs="EPSG:3035", resolution=45, antialias=True)
    np.testing.assert_array_equal(read("cli-warp.tif"), read("api-warp.tif"))


def test_what_cannot_be_right_is_refused(scene):
    with pytest.raises(GpumaskError, match="antialias: expected along with one of linear, cubic, lanczos3"):
        resample_file("source.tif", "grid.tif", "out.tif", interp="nearest", antialias=True)
    message = fails("resample", "source.tif", "grid.tif", "out.tif", "--interp", "bspline3", "--antialias")
    assert "--antialias: expected along with one of linear, cubic, lanczos3" in message
    message = fails("resample", "source.tif", "grid.tif", "out.tif", "--boundary", "edge", "--antialias")
    assert "--boundary: expected None for antialias" in message


def test_a_grid_of_one_row_of_nodes_is_as_from_arrays(scene):
    image, valid = scene
    row, col = np.full((1, 30), 70.0), np.linspace(20, 170, 30)[None]
    written("row.tif", np.stack([row, col]))
    resample_file("source.tif", "row.tif", "out.tif", interp="cubic", antialias=True, nodata_out=0, backend="numpy")
    expected = resample(image, Grid(row, col), "cubic", source_valid=valid, antialias=True, backend="numpy")
    assert expected.validity.mean() > 0
    np.testing.assert_array_equal(read("out.tif"), expected.image)
