"""Masks and grids from files to files at full resolution: what GridR's chains write, and what arrays give."""

import contextlib
import tracemalloc
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest
from chain_cases import Counted, Files, random_scene
from mask_chain_cases import Scene, gridrs_chains, make_scene

import gpumask
from gpumask import GridRIOMode, Window
from gpumask.files.reading.grid import GridFile
from gpumask.files.reading.image import MaskBand
from gpumask.files.tiles.full_resolution import CoarseMaskBand, GridOutput, MaskOutput, write_full_resolution

RESOLUTIONS = ((1, 1), (4, 3), (16, 16))
ORIGINS = ((0, 0), (0.5, 0.5), (-3.25, 7.5))

# io_strip_size, io_strip_size_target, cpu_tile_shape: None or 0 is no cut.
TILINGS = [
    (0, GridRIOMode.INPUT, None),
    (1000, GridRIOMode.INPUT, (1000, 1000)),
    (1, GridRIOMode.INPUT, None),
    (1, GridRIOMode.OUTPUT, None),
    (2, GridRIOMode.INPUT, (0, 7)),
    (1, GridRIOMode.INPUT, (2, 16)),
    (3, GridRIOMode.OUTPUT, (5, 0)),
    (-1, GridRIOMode.INPUT, (16, 16)),
    (7, GridRIOMode.OUTPUT, (16, 16)),
    (0, GridRIOMode.OUTPUT, (1, 64)),
    (13, GridRIOMode.OUTPUT, (64, 1)),
    (100, GridRIOMode.INPUT, (11, 9)),
    (5, GridRIOMode.OUTPUT, (3, 8)),
]
# For images of more than a thousand pixels a side.
LARGE_TILINGS = [
    (0, GridRIOMode.INPUT, None),
    (1000, GridRIOMode.INPUT, (1000, 1000)),
    (10, GridRIOMode.INPUT, None),
    (500, GridRIOMode.OUTPUT, (0, 333)),
    (0, GridRIOMode.INPUT, (1024, 1024)),
    (0, GridRIOMode.INPUT, (1023, 1025)),
    (0, GridRIOMode.INPUT, (1025, 1023)),
    (0, GridRIOMode.INPUT, (512, 512)),
    (0, GridRIOMode.INPUT, (200, 0)),
    (0, GridRIOMode.INPUT, (0, 150)),
    (1030, GridRIOMode.OUTPUT, (0, 1030)),
    (-1, GridRIOMode.INPUT, (700, 1100)),
]

pytestmark = pytest.mark.usefixtures("on_every_backend")


@pytest.fixture
def files():
    with contextlib.ExitStack() as stack:
        yield Files(stack)


def tiling(strip, target, tile):
    return {"io_strip_size": strip, "io_strip_size_target": target, "cpu_tile_shape": tile}


def test_the_scenes_are_valid_in_part():
    for resolution, unmasked, kind in product(RESOLUTIONS, (0, None), ("valid", "invalid", "both", "lists")):
        assert 0.1 < make_scene(resolution, unmasked, kind).mask_in_memory().mean() < 0.95
    assert 0.1 < make_scene((16, 16), 7, "none").mask_in_memory().mean() < 0.9


@pytest.mark.parametrize("unmasked", [None, 0, 1, 7])
@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("kind", ["none", "valid", "invalid", "both", "lists", "a list of two"])
def test_files_hold_the_bits_of_gridrs_chains(files, kind, resolution, unmasked):
    peer = gridrs_chains()
    rng = np.random.default_rng([*resolution, 9 if unmasked is None else unmasked, *map(ord, kind)])
    scene = make_scene(resolution, unmasked, kind, ORIGINS[rng.integers(3)])
    cut = {"io_strip_size": int(rng.integers(0, 9)), "io_strip_size_target": GridRIOMode(rng.integers(1, 3))}
    options = {
        "computation_dtype": np.dtype(rng.choice(["float32", "float64"])),
        "mask_out_values": [(1, 0), (0, 1), (255, 0), None][rng.integers(4)],
        **cut,
    }
    tile = {"cpu_tile_shape": tuple(rng.integers(3, 40, 2).tolist())}
    expected = scene.mask_to_file(files, peer.build_mask_chain, **options)
    np.testing.assert_array_equal(scene.mask_to_file(files, **options, **tile), expected)
    options |= {
        "merge_mask_grid": [None, np.nan, -9999.5, 0][rng.integers(4)],
        "dtype": ["float32", "float64"][rng.integers(2)],
        "datasets": rng.integers(1, 3),
        # GridR says that nothing is valid where there is no condition; see below.
        "with_mask": (unmasked is not None or kind != "none") and rng.random() < 0.7,
    }
    grid, mask = scene.grid_to_files(files, **options, **tile)
    expected_grid, expected_mask = scene.grid_to_files(files, peer.build_grid_mask_chain, **options)
    np.testing.assert_array_equal(grid, expected_grid)
    np.testing.assert_array_equal(mask, expected_mask)


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_a_signed_mask_with_values_of_its_own_has_gridrs_bits(files, dtype):
    scene = make_scene((4, 3), 7, "both")
    options = {"mask_out_dtype": dtype, "mask_out_values": (1, -1) if dtype == "int8" else (200, 100)}
    signed = replace(scene, mask=scene.mask.astype(np.int8))
    mask = signed.mask_to_file(files, **options)
    assert set(np.unique(mask)) == set(options["mask_out_values"])
    np.testing.assert_array_equal(mask, signed.mask_to_file(files, gridrs_chains().build_mask_chain, **options))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_computed_in_does_not_depend_on_the_order_of_its_bytes(files, dtype):
    scene, there = make_scene((4, 3), 7, "both"), np.dtype(dtype).newbyteorder()
    grid, mask = scene.grid_to_files(files, computation_dtype=there)
    expected_grid, expected_mask = scene.grid_to_files(files, computation_dtype=dtype)
    np.testing.assert_array_equal(grid, expected_grid)
    np.testing.assert_array_equal(mask, expected_mask)


def test_polygons_of_more_than_a_thousand_pixels_have_gridrs_bits(files):
    scene = make_scene((16, 16), 1, "both", (0.5, 0.5), (70, 75))
    assert min(scene.full_shape) > 1024
    mask = scene.mask_to_file(files)
    np.testing.assert_array_equal(mask, scene.mask_to_file(files, gridrs_chains().build_mask_chain, io_strip_size=0))


@pytest.mark.parametrize("cut", TILINGS)
@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_files_hold_what_arrays_give_whatever_the_tiles(files, resolution, cut):
    scene = make_scene(resolution, 7, "both", (0.5, 0.5))
    mask, grid = scene.mask_in_memory(), scene.grid_in_memory()
    np.testing.assert_array_equal(scene.mask_to_file(files, **tiling(*cut)), mask)
    found = scene.grid_to_files(files, merge_mask_grid=np.nan, **tiling(*cut))
    np.testing.assert_array_equal(found[0], np.where(mask == 1, grid, np.nan))
    np.testing.assert_array_equal(found[1], mask)


def test_files_hold_what_arrays_give_in_tiles_of_one_pixel(files):
    scene = make_scene((4, 3), 7, "invalid", nodes=(3, 4))
    options = {"cpu_tile_shape": (1, 1), "io_strip_size": 0}
    np.testing.assert_array_equal(scene.mask_to_file(files, **options), scene.mask_in_memory())
    np.testing.assert_array_equal(scene.grid_to_files(files, **options)[0], scene.grid_in_memory())


@cache
def large_scene():
    """A scene whose polygons cross many tiles, and its mask in memory by rule."""
    scene = make_scene((16, 16), None, "both", (0.5, 0.5), (70, 75))
    rules = {predicate: shapelys(predicate) for predicate in (None, gpumask.ShapelyPredicate.CONTAINS)}
    return scene, {predicate: scene.mask_in_memory(rasterize_kwargs=rule) for predicate, rule in rules.items()}


def shapelys(predicate):
    """Return rasterize_kwargs for a predicate of shapely's, or for rasterio's rule."""
    if predicate is None:
        return None
    return {"alg": gpumask.GridRasterizeAlg.SHAPELY, "kwargs_alg": {"shapely_predicate": predicate}}


@pytest.mark.parametrize("cut", LARGE_TILINGS)
def test_polygons_of_more_than_a_thousand_pixels_do_not_depend_on_the_tiles(files, cut):
    scene, expected = large_scene()
    assert 0.2 < expected[None].mean() < 0.8
    np.testing.assert_array_equal(scene.mask_to_file(files, **tiling(*cut)), expected[None])


@pytest.mark.parametrize("cut", LARGE_TILINGS[1:5:3])
def test_a_predicate_of_shapelys_does_not_depend_on_the_tiles(files, cut):
    scene, expected = large_scene()
    predicate = gpumask.ShapelyPredicate.CONTAINS
    found = scene.mask_to_file(files, rasterize_kwargs=shapelys(predicate), **tiling(*cut))
    np.testing.assert_array_equal(found, expected[predicate])


def test_coordinates_in_a_narrower_type_are_those_of_arrays_rounded(files):
    scene = make_scene((4, 3), None, "none")
    found = scene.grid_to_files(files, dtype="float32", cpu_tile_shape=(7, 5))[0]
    np.testing.assert_array_equal(found, scene.grid_in_memory().astype(np.float32))


@pytest.mark.parametrize("interp", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("merged", [False, True])
def test_resampling_through_the_files_is_resampling_through_the_coarse_grid(files, interp, merged):
    coarse = random_scene(2, "float64")
    coarse = replace(coarse, grid_mask_valid=1, grid_mask=(coarse.grid_mask.view(np.uint8) == 255).astype(np.uint8))
    scene = Scene(coarse.row, coarse.col, coarse.resolution, coarse.grid_mask)
    grid, mask = scene.grid_to_files(files, merge_mask_grid=np.nan if merged else None, cpu_tile_shape=(9, 8))
    # NaN says by itself where the grid is invalid.
    fine = replace(coarse, row=grid[0], col=grid[1], resolution=(1, 1), grid_mask=None if merged else mask)
    image, valid = fine.from_files(files, interp, (1, 2), "float64", -1)
    expected, expected_valid = coarse.from_files(files, interp, (1, 2), "float64", -1)
    assert 0 < valid.mean() < mask.mean() < 1
    np.testing.assert_array_equal(valid, expected_valid)
    np.testing.assert_allclose(image, expected, rtol=0, atol=1e-9)


def test_floats_in_a_mask_are_shares_of_valid(files):
    shares = np.array([[1, 0.9995, 0.998], [1, 1, np.nan], [0, 1, 1]])
    scene = Scene(shares, shares, (2, 2), shares)
    expected = [[1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [0, 0, 1, 0, 0], [0, 0, 1, 1, 1]]
    np.testing.assert_array_equal(scene.mask_to_file(files, cpu_tile_shape=(2, 3)), expected)


def test_what_lies_beyond_the_result_in_larger_outputs_is_left(files):
    scene = make_scene((4, 3), 0, "valid")
    rows, cols = scene.full_shape
    out = files.put(np.full((rows + 3, cols + 2), 9, np.uint8))
    expected = np.full(out.shape, 9)
    expected[:rows, :cols] = scene.mask_in_memory()
    scene.mask_to_file(files, mask_out_ds=out)
    np.testing.assert_array_equal(out.read(1), expected)


def outputs(files, scene):
    """Return the arguments of write_full_resolution for a scene's mask and grid."""
    nodes, out = files.put(np.array([scene.row, scene.col])), files.new((2, *scene.full_shape), "float64")
    grid = GridOutput(GridFile((nodes, 1), (nodes, 2), scene.resolution), (out, 1), (out, 2))
    part = CoarseMaskBand(MaskBand(files.put(scene.mask), 1, scene.unmasked), scene.resolution)
    return scene.full_shape, (part,), MaskOutput(files.new(scene.full_shape)), grid


def test_progress_counts_every_pixel_once(files):
    scene, calls = make_scene((4, 3), 7, "none"), []
    summary = write_full_resolution(
        *outputs(files, scene), tile_shape=(10, 9), progress=lambda *call: calls.append(call)
    )
    done, totals = zip(*calls, strict=True)
    rows, cols = scene.full_shape
    assert set(totals) == {rows * cols}
    assert len(done) == -(-rows // 10) * -(-cols // 9)
    assert done == tuple(sorted(set(done)))
    assert done[-1] == summary.pixels == rows * cols
    assert summary.valid == scene.mask_in_memory().sum()


def test_a_tile_reads_the_nodes_around_it_and_no_more(files):
    scene = make_scene((4, 3), 7, "none", nodes=(20, 30))
    shape, _, mask, grid = outputs(files, scene)
    source = Counted(files.put(scene.mask))
    part = CoarseMaskBand(MaskBand(source, 1, 7), (4, 3))
    write_full_resolution(shape, (part,), mask, grid, tile_shape=(8, 9))
    assert max(window.rows for window in source.windows) == 3
    assert max(window.cols for window in source.windows) == 4
    assert all(Window(0, 0, 20, 30).contains(window) for window in source.windows)


class Sink:
    """A dataset that forgets what is written to it."""

    mode, count, name = "w", 2, "sink"
    dtypes = ("float32", "float32")

    def __init__(self, shape):
        self.shape = self.height, self.width = shape
        self.written = 0

    def write(self, values, band, window):
        (top, bottom), (left, right) = window
        assert values.shape == (bottom - top, right - left)
        self.written += values.nbytes


def test_memory_grows_with_the_tile_and_not_with_the_image(files):
    scene = make_scene((16, 16), 7, "both", nodes=(95, 95))
    grid_out, mask_out = Sink(scene.full_shape), Sink(scene.full_shape)
    mask_in, nodes = files.put(scene.mask), files.put(np.array([scene.row, scene.col]))
    tracemalloc.start()
    try:
        gpumask.build_grid_mask_chain(
            (16, 16), nodes, None, 1, 2, grid_out, None, 1, 2, mask_out, np.uint8, mask_in, 7, 1,
            np.float32, (0, 0), scene.geometry, io_strip_size=0, cpu_tile_shape=(96, 96),
        )  # fmt: skip
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert grid_out.written == 2 * 4 * 1505**2
    assert mask_out.written == 1505**2
    assert peak < grid_out.written / 16
