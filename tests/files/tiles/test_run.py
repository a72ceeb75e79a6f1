"""From file to file: what arrays in memory give, whatever the tiles; and what GridR's chain gives."""

import contextlib
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from chain_cases import TILINGS, Counted, Files, Scene, random_scene
from shapely import MultiPolygon, Point, Polygon, box

import gpumask
from gpumask import Grid, Window, resample
from gpumask.files.reading.grid import GridFile
from gpumask.files.reading.image import MaskBand, SourceFile
from gpumask.files.tiles import run as chain
from gpumask.files.tiles.run import Job, resample_datasets
from gpumask.files.writing.output import OutputFile
from gpumask.pixels.boundary import Boundary
from gpumask.pixels.interpolators import bspline
from gpumask.resampling.method import Method

INTERPS = ("nearest", "linear", "cubic")
DTYPES = ("uint8", "int16", "uint16", "float32", "float64")


pytestmark = pytest.mark.usefixtures("on_every_backend")


@pytest.fixture
def files():
    with contextlib.ExitStack() as stack:
        yield Files(stack)


def assert_same(found, expected):
    """Compare (image, mask) to the bit."""
    np.testing.assert_array_equal(found[1], expected[1])
    np.testing.assert_array_equal(found[0], expected[0])


def test_the_scenes_are_valid_in_part():
    for seed in range(6):
        valid = random_scene(seed, "float64").in_memory("cubic", (1,), "float64", 0).validity
        assert 0.1 < valid.mean() < 0.7


@pytest.mark.parametrize("interp", INTERPS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_files_give_the_bits_that_arrays_give_whatever_the_tiles(files, dtype, interp):
    scene = random_scene(1, dtype)
    expected = scene.in_memory(interp, (1, 2, 3), dtype, 77)
    for tile_shape, strip, target in TILINGS:
        options = {"tile_shape": tile_shape, "io_strip_size": strip, "io_strip_size_target": target}
        assert_same(scene.from_files(files, interp, (1, 2, 3), dtype, 77, **options), expected)


@pytest.mark.parametrize("tiling", TILINGS)
def test_a_window_shift_and_order_of_bands_give_the_bits_of_arrays(files, tiling):
    scene = random_scene(2, "int16")
    rows, cols = scene.full_shape
    win = np.array([[3, rows - 6], [2, cols - 5]])
    window, shift = Window(3, 2, rows - 8, cols - 6), (1.25, -0.375)
    expected = scene.in_memory("cubic", (3, 1), "float32", None, window, shift)
    options = dict(zip(("tile_shape", "io_strip_size", "io_strip_size_target"), tiling, strict=True))
    found = scene.from_files(files, "cubic", (3, 1), "float32", None, win=win, grid_shift=shift, **options)
    assert 0 < expected.validity.mean() < 1
    assert_same(found, expected)


def test_a_tile_that_reaches_too_far_is_cut_and_changes_nothing(files, monkeypatch):
    scene = replace(random_scene(4, "uint16"), resolution=(40, 40))
    expected = scene.in_memory("cubic", (1,), "uint16", 0)
    monkeypatch.setattr(chain, "_FOR_TILES", 5e-6)
    assert_same(scene.from_files(files, "cubic", (1,), "uint16", 0), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("interp", INTERPS)
@pytest.mark.parametrize("seed", range(3))
def test_files_give_what_gridr_gives(files, seed, interp, dtype):
    peer = pytest.importorskip("gridr.chain.grid_resampling_chain").basic_grid_resampling_chain
    scene, bands = random_scene(seed, dtype), [(1, 2, 3), (3,), (2, 1)][seed]
    out_dtype = {"uint8": "float32", "float64": "uint16"}.get(dtype, dtype) if seed == 2 else dtype
    rows, cols = scene.full_shape
    options = {"tile_shape": (24, 18), "io_strip_size": 3}
    if seed == 1:  # whose grid mask is int8, and GridR can't shift that
        options |= {"win": np.array([[1, rows - 2], [2, cols - 4]])}
    else:
        options |= {"grid_shift": (0.5, -1.0)}
    image, mask = scene.from_files(files, interp, bands, out_dtype, 5, **options)
    expected, expected_mask = scene.from_files(files, interp, bands, out_dtype, 5, peer, **options)
    assert 0 < mask.mean() < 1
    np.testing.assert_array_equal(mask, expected_mask)
    difference = abs(image - expected.astype(float))
    if np.dtype(out_dtype).kind == "f":
        # 1e-12 of the range, and what a step of 1e-12 in GridR's coordinates makes of it (see gridr_cases.py);
        # float32 may then be rounded the other way.
        rounding = np.spacing(abs(expected)) if out_dtype == "float32" else 0
        assert (difference <= 4e-12 * np.ptp(scene.source.astype(float)) + rounding).all()
    else:
        with gpumask.use_backend("numpy"):
            unrounded = scene.from_files(files, interp, bands, "float64", 5, **options)[0]
        ties = abs(unrounded - np.floor(unrounded) - 0.5) < 1e-9
        assert difference.max() <= 1
        assert (difference[~ties] == 0).all()


def test_bands_and_columns_of_the_grid_may_lie_in_any_file_and_order(files):
    scene = random_scene(3, "uint16")
    expected = scene.in_memory("linear", (2,), "uint16", 0)
    image, mask = files.new(scene.full_shape, "uint16"), files.new(scene.full_shape)
    status = gpumask.basic_grid_resampling_chain(
        files.put(np.array([scene.col, scene.row])), 2, 1, scene.resolution, files.put(scene.source), 2, image,
        "linear", 0, mask_out_ds=mask, grid_col_ds=files.put(np.array([scene.col])),
        array_src_mask_ds=files.put(np.array([scene.mask, scene.mask])), array_src_mask_band=2,
        array_src_mask_validity_pair=[scene.mask_valid, 0], grid_mask_in_ds=files.put(scene.grid_mask),
        grid_mask_in_unmasked_value=scene.grid_mask_valid, grid_mask_in_band=1,
    )  # fmt: skip
    assert status == 1
    assert_same((image.read(), mask.read(1)), expected)


def test_numbers_of_bands_may_be_numpys(files):
    scene = random_scene(1, "uint16")
    grid, image = files.put(np.array([scene.row, scene.col])), files.new((1, *scene.full_shape), "uint16")
    one, two = np.arange(1, 3)
    gpumask.basic_grid_resampling_chain(
        grid, one, two, scene.resolution, files.put(scene.source), [two], image, "nearest", 0
    )
    alone = replace(scene, mask=None, grid_mask=None).in_memory("nearest", (2,), "uint16", 0)
    np.testing.assert_array_equal(image.read(), alone[0])


def test_what_lies_beyond_the_window_in_a_larger_output_is_left(files):
    scene = replace(random_scene(0, "int16"), mask=None, grid_mask=None)
    expected = scene.in_memory("linear", (1,), "int16", -1, Window(4, 4, 6, 7))
    image, mask = files.put(np.full((9, 11), 5, np.int16)), files.put(np.full((8, 7), 9, np.uint8))
    source, row, col = (SourceFile(files.put(scene.source), (1,)), files.put(scene.row), files.put(scene.col))
    grid = GridFile((row, 1), (col, 1), scene.resolution)
    job = Job(Method("linear", nodata_out=-1), Window(4, 4, 6, 7), (4, 3))
    summary = resample_datasets(source, grid, OutputFile(image, mask), job)
    assert summary.pixels == 42
    assert summary.valid == expected.validity.sum()
    assert_same((image.read(1)[:6, :7], mask.read(1)[:6]), (expected.image[0], expected.validity))
    assert (image.read(1)[6:] == 5).all()
    assert (image.read(1)[:, 7:] == 5).all()
    assert (mask.read(1)[6:] == 9).all()


def test_progress_counts_every_pixel_once(files):
    scene = random_scene(0, "uint8")
    calls = []
    grid = GridFile((files.put(scene.row), 1), (files.put(scene.col), 1), scene.resolution)
    job = Job(Method("nearest"), tile_shape=(16, 16))
    image = files.new(scene.full_shape)
    summary = resample_datasets(
        SourceFile(files.put(scene.source), (1,)), grid, OutputFile(image), job, lambda *call: calls.append(call)
    )
    done, totals = zip(*calls, strict=True)
    assert set(totals) == {scene.full_shape[0] * scene.full_shape[1]}
    assert done == tuple(sorted(set(done)))
    assert done[-1] == totals[0] == summary.pixels


def read_windows(files, size, tile_shape=(32, 32)):
    """Resample a source of size x size pixels, turned by 30 degrees; return the windows read of source, mask, grid."""
    y, x = np.mgrid[0 : size + 1 : 8, 0 : size + 1 : 8] - size / 2
    row, col = size / 2 + 0.866 * y + 0.5 * x, size / 2 - 0.5 * y + 0.866 * x
    source, mask, grid = (
        Counted(files.put(array))
        for array in (np.ones((size, size), np.uint8), np.ones((size, size), np.uint8), np.array([row, col]))
    )
    image = files.new((size + 1, size + 1))
    resample_datasets(
        SourceFile(source, (1,), (MaskBand(mask),)), GridFile((grid, 1), (grid, 2), (8, 8)), OutputFile(image),
        Job(Method("cubic"), tile_shape=tile_shape),
    )  # fmt: skip
    assert image.read(1).any()
    return source.windows, mask.windows, grid.windows


def test_nodes_that_are_few_are_read_once(files):
    assert read_windows(files, 128)[2] == [Window(0, 0, 17, 17)] * 2  # a band of rows and a band of columns


def test_what_is_read_at_once_grows_with_the_tile_and_not_with_the_image(files, monkeypatch):
    monkeypatch.setattr(chain, "_FOR_NODES", 0)
    small, large = read_windows(files, 128), read_windows(files, 512)
    # A tile of 32 pixels, on nodes 8 apart, spans 40 of them at most: that turned, with 2 pixels for the taps and 1 for
    # rounding up on each side.
    span = 40 * (0.866 + 0.5) + 2 * 3
    for windows in (*small[:2], *large[:2]):
        assert max(window.rows for window in windows) <= span
        assert max(window.cols for window in windows) <= span
    assert {window.shape for window in large[2]} == {window.shape for window in small[2]}
    assert max(large[2], key=lambda window: window.rows * window.cols).shape == (5, 5)


def test_each_tile_reads_its_source_once_and_not_beyond_it(files):
    source, mask, _ = read_windows(files, 128)
    assert source == mask
    assert len(source) == len(set(source)) <= 25
    assert all(Window(0, 0, 128, 128).contains(window) and not window.is_empty for window in source)


def test_a_tile_that_lies_outside_the_source_reads_none_of_it(files):
    row, col = np.mgrid[0:300:31j, 0:300:31j]
    source = Counted(files.put(np.ones((20, 20), np.float32)))
    grid = GridFile((files.put(row), 1), (files.put(col), 1), (10, 10))
    image, mask = files.new((301, 301), "float32"), files.put(np.full((301, 301), 7, np.uint8))
    job = Job(Method("linear", nodata_out=-5), None, (50, 50))
    summary = resample_datasets(SourceFile(source, (1,)), grid, OutputFile(image, mask), job)
    assert (summary.valid, summary.outside) == (400, 301 * 301 - 400)
    assert len(source.windows) == 1
    assert (image.read(1)[:20, :20] == 1).all()
    assert (image.read(1) == 1).sum() == mask.read(1).sum() == 400
    assert (image.read(1) == -5).sum() == 301 * 301 - 400


class Untouched:
    """A dataset that must not be written."""

    def __init__(self, dataset):
        self.dataset = dataset

    def __getattr__(self, name):
        return getattr(self.dataset, name)

    def write(self, *args, **kwargs):
        raise AssertionError("written before the job was checked")


@pytest.mark.parametrize(
    ("job", "shape", "dtype", "mask_shape", "message"),
    [
        ({"window": Window(0, 0, 10, 3)}, (9, 9), "uint8", None, "window: expected"),
        ({"window": Window(2, 2, 0, 3)}, (9, 9), "uint8", None, "window: expected"),
        ({"method": Method("linear", nodata_out=-1)}, (9, 9), "uint8", None, "nodata_out: expected"),
        ({"method": Method("linear", nodata_out=math.nan)}, (9, 9), "int16", None, "nodata_out: expected"),
        ({}, (8, 9), "uint8", None, "image: expected 9 x 9"),
        ({}, (2, 9, 9), "uint8", None, "image: expected 1 bands"),
        ({}, (9, 9), "complex64", None, "dtype: expected"),
        ({}, (9, 9), "uint8", (9, 8), "validity: expected 9 x 9"),
    ],
)
def test_a_job_that_cannot_be_done_writes_nothing(files, job, shape, dtype, mask_shape, message):
    row, col = np.mgrid[0:9.0, 0:9.0]
    grid = GridFile((files.put(row), 1), (files.put(col), 1))
    source = SourceFile(files.put(np.ones((9, 9))), (1,))
    image = Untouched(files.new(shape, dtype))
    mask = None if mask_shape is None else Untouched(files.new(mask_shape))
    with pytest.raises(gpumask.GpumaskError, match=message):
        resample_datasets(source, grid, OutputFile(image, mask), Job(**{"method": Method("linear"), **job}))


@pytest.mark.parametrize("boundary", [Boundary(), Boundary("reflect", False), Boundary("edge")])
def test_masked_splines_give_the_bits_of_arrays(files, boundary):
    source, valid = np.random.default_rng(1).uniform(0, 1, (40, 50)), np.ones((40, 50), np.uint8)
    valid[20, 25] = 0
    row, col = np.mgrid[0:40.0, 0:50.0]
    expected = resample(source, Grid(row, col), bspline(3, mask_influence_threshold=0.5), source_valid=valid,
                        boundary=boundary.mode, trust_padding=boundary.trusted)  # fmt: skip
    image, mask = files.new(source.shape, "float64"), files.new(source.shape)
    job = Job(Method(bspline(3, mask_influence_threshold=0.5), boundary=boundary), tile_shape=(16, 32))
    masked = SourceFile(files.put(source), (1,), (MaskBand(files.put(valid)),))
    resample_datasets(masked, GridFile((files.put(row), 1), (files.put(col), 1)), OutputFile(image, mask), job)
    assert_same((image.read(1), mask.read(1)), expected)


# (x, y) in the source of a random scene, 37 x 41 pixels: an island with a hole, another one, and what is cut from both.
ISLANDS = MultiPolygon([Point(15.5, 20).buffer(14).difference(Point(14, 18.2).buffer(4)), box(31, 25, 60, 40)])
CUT = [box(10.5, 22, 20, 25.5), box(29, 30.25, 34, 33)]


@pytest.mark.parametrize("origin", [None, (0, 0), (0.5, 0.5), (-3.25, 7.5)])
@pytest.mark.parametrize("pair", [(ISLANDS, None), (None, CUT), (ISLANDS, CUT), ([box(3, 3, 30, 30)], CUT[0])])
def test_polygons_are_one_more_mask_of_the_source_as_in_gridr(files, pair, origin):
    for seed, interp in enumerate(INTERPS):  # the masks' valid values are 1, 255 and 7
        scene = random_scene(seed, "float64")
        options = {"array_src_geometry_pair": pair, "array_src_geometry_origin": origin, "tile_shape": (24, 18)}
        found = scene.from_files(files, interp, (2, 1), "float64", 5, **options)
        # Arrays in memory, with one mask for the whole source.
        of_polygons = gpumask.build_mask(scene.mask.shape, (1, 1), None, origin or (0, 0), pair)
        both = np.where(of_polygons == 1, scene.mask, 100).astype(np.uint8)
        expected = replace(scene, mask=both).in_memory(interp, (2, 1), "float64", 5)
        assert 0 < found[1].mean() < scene.in_memory(interp, (1,), "float64", 5).validity.mean()
        assert_same(found, expected)
        peer = pytest.importorskip("gridr.chain.grid_resampling_chain").basic_grid_resampling_chain
        image, mask = scene.from_files(files, interp, (2, 1), "float64", 5, peer, **options)
        np.testing.assert_array_equal(found[1], mask)
        assert (abs(found[0] - image) <= 4e-12 * np.ptp(scene.source)).all()


@pytest.mark.parametrize("tiling", TILINGS)
def test_polygons_in_the_source_do_not_depend_on_the_tiles(files, tiling):
    scene = random_scene(0, "float64")
    options = dict(zip(("tile_shape", "io_strip_size", "io_strip_size_target"), tiling, strict=True))
    options |= {"array_src_geometry_pair": (ISLANDS, CUT), "array_src_geometry_origin": (0.5, 0.5)}
    mask = gpumask.build_mask(scene.mask.shape, (1, 1), None, (0.5, 0.5), (ISLANDS, CUT))
    expected = replace(scene, mask=mask & scene.mask).in_memory("cubic", (1,), "float64", 5)
    assert_same(scene.from_files(files, "cubic", (1,), "float64", 5, **options), expected)


@pytest.mark.parametrize("tile_shape", [None, (40, 31), (7, 0), (1000, 1000)])
def test_polygons_in_a_source_of_many_tiles_are_what_one_mask_makes_of_them(files, tile_shape):
    shape = 1300, 2200
    y, x = np.mgrid[-1:1:16j, -1:1:21j]
    row, col = 650 + 640 * y + 90 * x, 1100 + 1080 * x - 70 * y
    pair = Point(1030, 700).buffer(600), [box(980.3, 1000, 1100, 1030.7), Point(2000, 1024).buffer(300)]
    scene = Scene(np.random.default_rng(0).integers(0, 250, (1, *shape)).astype(np.uint8), row, col, (9, 8))
    expected = replace(scene, mask=gpumask.build_mask(shape, (1, 1), None, (0.5, 0.5), pair))
    found = scene.from_files(
        files, "cubic", (1,), "uint8", 5,
        array_src_geometry_pair=pair, array_src_geometry_origin=(0.5, 0.5), tile_shape=tile_shape,
    )  # fmt: skip
    assert 0.2 < found[1].mean() < 0.6
    assert_same(found, expected.in_memory("cubic", (1,), "uint8", 5))


@pytest.mark.parametrize("pair", [(None, None), [None, None], (None, []), ([], None)])
def test_a_pair_without_polygons_masks_nothing(files, pair):
    scene = random_scene(0, "uint8")
    found = scene.from_files(files, "linear", (1,), "uint8", 5, array_src_geometry_pair=pair)
    assert_same(found, scene.in_memory("linear", (1,), "uint8", 5))


def test_the_origin_of_polygons_may_be_an_array(files):
    scene = random_scene(0, "uint8")
    found = [
        scene.from_files(
            files, "nearest", (1,), "uint8", 5, array_src_geometry_pair=(ISLANDS, CUT), array_src_geometry_origin=origin
        )
        for origin in (np.array([0.5, 2.5]), (0.5, 2.5))
    ]
    assert_same(*found)


@pytest.mark.parametrize(
    ("named", "pair", "origin"),
    [
        ("array_src_geometry_pair", (ISLANDS, None, None), (0, 0)),
        ("array_src_geometry_pair", ISLANDS.geoms[0], (0, 0)),
        ("array_src_geometry_pair[0]", (Point(3, 4), None), (0, 0)),
        ("array_src_geometry_pair[0]", (Polygon(), None), (0, 0)),
        ("array_src_geometry_pair[0]", (Polygon([(0, 0), (np.inf, 1), (1, 1)]), None), (0, 0)),
        ("array_src_geometry_pair[1]", (ISLANDS, [*CUT, 3]), (0, 0)),
        ("array_src_geometry_origin", (ISLANDS, None), 3),
        ("array_src_geometry_origin", (ISLANDS, None), 0),
        ("array_src_geometry_origin", (ISLANDS, None), (np.nan, 0)),
        ("array_src_geometry_origin", (ISLANDS, None), (1, 2, 3)),
        ("array_src_geometry_origin", (ISLANDS, None), ()),
    ],
)
def test_polygons_that_cannot_be_right_are_refused_by_name(files, named, pair, origin):
    options = {"array_src_geometry_pair": pair, "array_src_geometry_origin": origin}
    with pytest.raises(gpumask.GpumaskError, match=f"^{re.escape(named)}: expected"):
        random_scene(0, "uint8").from_files(files, "nearest", (1,), "uint8", 5, **options)
