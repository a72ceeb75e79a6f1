"""Sources that go all around the globe: no seam, no pole that wraps, the same bits for every tile and chunk."""

import itertools

import numpy as np
import pytest
import rasterio
from affine import Affine
from around_cases import EARTH, EARTH_AT, PIXELS, POLICIES, Around, between, same, some_field
from commands import run
from exhaustive import few_of
from kernel_cases import assert_same_bits

from gpumask import Grid, Place, ProjectedGrid, bspline, resample, resample_file, warp_file
from gpumask.pixels.interpolators import INTERPOLATORS
from gpumask.pixels.window import Window
from gpumask.resampling.method import Method

pytestmark = pytest.mark.usefixtures("on_every_backend")
every_interpolator = pytest.mark.parametrize("interp", [each for each in INTERPOLATORS if INTERPOLATORS[each].taps])
SPLINE = bspline(3, mask_influence_threshold=0.3)


def warped(field: Around, target: Place, interp, shape=True, **options):
    image, valid = field.given()
    return resample(image, between(field.place, target, shape), interp, source_valid=valid, **options)


EUROPE = Place("EPSG:4326", Affine(0.25, 0, -12, 0, -0.25, 65), (40, 96))


@pytest.mark.parametrize("shape", [True, False])
@pytest.mark.parametrize("interp", [name for name in INTERPOLATORS if name != "sum"])
def test_no_column_is_empty_at_greenwich(interp, shape):
    found = resample(EARTH, between(EARTH_AT, EUROPE, shape), interp, nodata_out=np.nan)
    assert found.validity.all()
    longitudes = -12 + 0.25 * (np.arange(96) + 0.5)
    off = abs(found.image[1] - np.cos(np.deg2rad(longitudes))).max()
    by_pixel = 2e-3 if INTERPOLATORS[interp].is_area else 1e-5  # the output's pixels lie within those of the source
    assert off < {"nearest": 2e-3, "linear": 4e-5, "lanczos3": 0.01}.get(interp, by_pixel)


@pytest.mark.parametrize("interp", PIXELS)
def test_pixels_at_a_pole_hold_no_other_latitude(interp):
    target = Place("EPSG:4326", Affine(1, 0, -180, 0, -0.25, 90), (40, 360))
    found = resample(EARTH, between(EARTH_AT, target), interp, boundary="wrap", nodata_out=np.nan)
    latitudes = np.broadcast_to(90 - 0.25 * (np.arange(40)[:, None] + 0.5), (40, 360))
    off = abs(found.image[0] - latitudes)[found.validity == 1]
    assert off.max() <= {"nearest": 0.5, "lanczos3": 0.9}.get(interp, 1e-6) and found.validity[20:].all()
    same(found, resample(EARTH, between(EARTH_AT, target), interp, nodata_out=np.nan))


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("interp", PIXELS)
@pytest.mark.parametrize("overlap", [0, 1, 5])
def test_a_field_is_as_one_that_is_padded_by_its_own_columns(interp, policy, overlap):
    field = some_field(np.random.default_rng(5), overlap=overlap, start=-3)
    target = field.target(-21.125, 0.5, 0.5, (34, 90))
    options = {"mask_policy": policy, "nodata_out": -9}
    same(warped(field, target, interp, **options), field.expected(target, interp, **options))


@pytest.mark.parametrize(("order", "period"), [(3, 40), (3, 300), (5, 11), (11, 500)])
def test_coefficients_of_a_field_are_those_of_many_turns(order, period):
    field = some_field(np.random.default_rng(1), 41, period, start=-2, holes=1e-3)
    target, interp = field.target(-9.125, 0, 0.5, (82, 40)), bspline(order, 1e-12, 0.3)
    found = warped(field, target, interp, nodata_out=-9)
    turns = -(-200 // period) * period
    image, validity = field.expected(target, interp, turns, nodata_out=-9)
    np.testing.assert_array_equal(found.validity, validity)
    np.testing.assert_allclose(found.image, image, rtol=0, atol=1e-8)
    assert 0 < validity.mean() < 1


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("interp", PIXELS)
def test_it_does_not_matter_where_a_field_begins(interp, policy):
    field = some_field(np.random.default_rng(3), start=-20)
    target = field.target(-19.875, 1, 0.25, (60, 160))
    options = {"mask_policy": policy, "nodata_out": -9}
    expected = warped(field, target, interp, **options)
    assert 0.3 < expected.validity.mean() < 1
    for by in (1, 2, 19, 20, 39):
        same(warped(field.rolled(by), target, interp, **options), expected)


@pytest.mark.parametrize("interp", ["nearest", "cubic", "bspline5"])
def test_in_another_projection_it_does_not_matter_either(interp):
    """Coordinates are rounded where they are greater, so that bits may differ."""
    lat = np.linspace(90, -90, 181)
    image = np.cos(np.deg2rad(np.arange(360)))[None] + lat[:, None]
    source = Place("EPSG:4326", Affine(1, 0, -0.5, 0, -1, 90.5), (181, 360))
    rolled = Place("EPSG:4326", Affine(1, 0, -180.5, 0, -1, 90.5), (181, 360))
    for crs, left, top, size in (("EPSG:3035", 2.5e6, 4.5e6, 40_000), ("EPSG:3413", -2e6, 2e6, 50_000)):
        target = Place(crs, Affine(size, 0, left, 0, -size, top), (80, 80))
        found, expected = (
            resample(array, between(place, target), interp, nodata_out=np.nan)
            for array, place in ((image, source), (np.roll(image, 180, 1), rolled))
        )
        np.testing.assert_array_equal(found.validity, expected.validity)
        np.testing.assert_allclose(found.image, expected.image, rtol=0, atol=1e-5)
        assert found.validity.mean() > 0.7


def test_a_target_over_the_seam_needs_no_more_nodes_than_another():
    source = Place("EPSG:4326", Affine(0.25, 0, 0, 0, -0.25, 90), (720, 1440))
    target = Place("EPSG:32631", Affine(10_000, 0, -2e5, 0, -10_000, 6e6), (300, 200))
    grid = ProjectedGrid(source, target)
    assert grid.around == (0, 1440) and repr(grid.read(Window(0, 0, 9, 9))).endswith("around=(0, 1440))")
    assert all(min(step) > 1 for _, step in grid.parts(Window.of_shape(target.shape)))
    method = Method("cubic").on(grid.around, source.shape)
    assert method.reach(grid.read(Window.of_shape(target.shape)), source.shape).cols < 200


def test_a_window_across_the_seam_is_no_wider_than_its_pixels():
    """Also where coordinates jump by a turn, with a node each."""
    method = Method("linear").on((0, 1000), (9, 1000))
    grid = Grid(np.full((1, 4), 4.0), np.array([[998.5, 999.5, 0.5, 1.5]]), around=(0, 1000))
    assert method.reach(grid, (9, 1000)) == Window(3, 997, 3, 7)
    assert method.reach(Grid(np.full((1, 2), 4.0), [[-1e300, 1e300]]), (9, 1000)).cols <= 1002


@pytest.mark.parametrize("interp", ["nearest", "linear", "cubic", "bspline3"])
def test_a_column_is_that_of_every_turn(interp):
    rng = np.random.default_rng(8)
    image, valid = rng.random((20, 30)), rng.random((20, 30)) > 0.05
    row, col = rng.uniform(6, 13, (9, 16)), rng.integers(0, 30 * 16, (9, 16)) / 16
    options = {"source_valid": valid, "nodata_out": -9}
    expected = resample(image, Grid(row, col, around=(0, 30)), interp, **options)
    for turns in (rng.integers(-5, 5, col.shape), 100):
        same(resample(image, Grid(row, col + 30 * turns, around=(0, 30)), interp, **options), expected)
    for far in (2.0**41, -1e300):
        assert not resample(image, Grid([[9.0]], [[far]], around=(0, 30)), interp).validity.any()


def test_a_source_that_lacks_a_part_of_the_turn_ends():
    part = Place("EPSG:4326", EARTH_AT.transform, (181, 359))
    assert between(part, EUROPE).around == (0, 0)
    for grid in (between(part, EUROPE), between(part, EUROPE, shape=False)):
        found = resample(EARTH[..., :359], grid, "linear")
        assert not found.validity.all() and found.validity.any()


@pytest.mark.parametrize(
    ("step", "cols", "expected"),
    [
        (0.08333333333, 4320, 4320), (0.083333, 4320, 4320), (float(np.float32(1 / 12)), 4320, 4320),
        (1.0, 361, 360), (0.0833, 4320, 0),
        (1.0, 359, 0), (1 / 3, 1080, 1080), (360.0, 1, 1),
    ],
)  # fmt: skip
def test_steps_may_be_rounded_as_in_files(step, cols, expected):
    place = Place("EPSG:4326", Affine(step, 0, -180, 0, -step, 60), (3, cols))
    assert between(place, EUROPE).around == (0, expected)


def test_what_is_in_other_units_or_no_longitudes_or_slanted():
    grads = Place("EPSG:4807", Affine(0, -1, 400, 1, 0, -20), (400, 40))  # rows go west
    target = Place("EPSG:4807", Affine(1, 0, -9, 0, -1, 9), (9, 9))
    assert between(grads, target).around == (400, 0)
    metres = Place("EPSG:32631", Affine(1, 0, 0, 0, -1, 0), (360, 360))
    slanted = Place("EPSG:4326", Affine(1, 1, 0, 1, -1, 0), (360, 360))
    sheared = Place("EPSG:4326", Affine(1, 1, 0, 0, -1, 0), (40, 360))
    assert between(metres, EUROPE).around == between(slanted, EUROPE).around == (0, 0)
    assert between(sheared, EUROPE).around == (0, 360)


@pytest.mark.parametrize("interp", ["nearest", "linear", "cubic"])
def test_a_web_map_of_the_world_goes_around(interp):
    edge = 20037508.342789244
    size, image = 2 * edge / 64, np.random.default_rng(9).random((64, 64))
    world, target = Affine(size, 0, -edge, 0, -size, edge), Affine(size, 0, edge - 4.25 * size, 0, -size, edge)
    grid = Grid.between("EPSG:3857", world, "EPSG:3857", target, (64, 9), source_shape=(64, 64))
    assert grid.around == (0, 64)
    rows, cols = np.meshgrid(np.arange(64.0), 59.75 + np.arange(9) + 8, indexing="ij")
    expected = resample(np.pad(image, ((0, 0), (8, 16)), "wrap"), Grid(rows, cols), interp)
    same(resample(image, grid, interp), expected)
    assert expected.validity.all()


# Files, and lazy arrays.


def write(path, image, place, nodata=None):
    with rasterio.open(
        path, "w", driver="GTiff", count=len(image), dtype=image.dtype, height=image.shape[1], width=image.shape[2],
        crs=place.crs, transform=place.transform, nodata=nodata, tiled=True, blockxsize=16, blockysize=16,
    ) as file:  # fmt: skip
        file.write(image)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(path):
    with rasterio.open(path) as file:
        return file.read()


TILES = [(16, 16), (64, 7), (1, 160), (60, 160)]


@pytest.mark.parametrize("overlap", [0, 1, 4])
@pytest.mark.parametrize(
    ("interp", "policy"),
    few_of(
        [*itertools.product(PIXELS, POLICIES), (SPLINE, "strict"), (bspline(7, 1e-3, 0.3), "strict")],
        [*((interp, "strict") for interp in PIXELS), ("linear", "renormalize"), (SPLINE, "strict")],
    ),
)
def test_files_have_the_bits_of_arrays_for_every_tile(files, interp, policy, overlap):
    pixels = interp in PIXELS
    words = {"dtype": "float32", "holes": 0.02 if pixels else 1e-3}
    field = some_field(np.random.default_rng(6), 48, 40 if pixels else 300, overlap, start=-7, **words)
    image = np.where(field.valid, field.image, -1)
    target = field.target(-20.125, 1, 0.5, (60, 120))
    options = {"interp": interp, "mask_policy": policy, "nodata_out": -9}
    expected = warped(field, target, **options)
    assert 0.1 < expected.validity.mean() < 1
    write("source.tif", image, field.place, -1)
    write("like.tif", np.zeros((1, *target.shape), np.uint8), target)
    for tile in TILES:
        warp_file(
            "source.tif", "out.tif", like="like.tif", overwrite=True, tile_shape=tile, validity="valid.tif", **options
        )
        same((read("out.tif"), read("valid.tif")[0]), expected)


def test_a_grid_of_the_users_own_takes_a_boundary_of_each_axis(files):
    rng = np.random.default_rng(2)
    image = rng.integers(1, 4000, (1, 30, 40), dtype="uint16")
    row, col = np.mgrid[0.25:28:1.25, -0.5:39.5:0.75]
    write("source.tif", image, Place("EPSG:4326", Affine(9, 0, 0, 0, -5, 75), (30, 40)))
    write("grid.tif", np.stack([row, col]), Place("EPSG:4326", Affine(1, 0, 3, 0, -1, 4), row.shape))
    expected = resample(image, Grid(row, col), "cubic", boundary=(None, "wrap"))
    assert expected.validity[5, :3].all() and not expected.validity[0, :3].all()
    resample_file("source.tif", "grid.tif", "python.tif", boundary=(None, "wrap"), tile_shape=(7, 9), nodata_out=0)
    run("resample", "source.tif", "grid.tif", "out.tif", "--boundary", "none,wrap", "--nodata", "0", "--tile", 9, 16)
    for path in ("python.tif", "out.tif"):
        assert_same_bits(read(path), expected.image)


@pytest.mark.parametrize("words", ["mirror", "wrap,", "none,wrap,wrap", ","])
def test_the_command_line_refuses_what_is_no_boundary(files, words):
    done = run("resample", "source.tif", "grid.tif", "out.tif", "--boundary", words, code=2)
    assert "--boundary" in done.output and "none" in done.output


@pytest.mark.parametrize("overlap", [0, 4])
@pytest.mark.parametrize(
    ("interp", "policy"), [("nearest", "strict"), ("cubic", "renormalize"), ("bspline3", "strict")]
)
def test_dask_and_xarray_have_the_bits_of_arrays(interp, policy, overlap):
    xarray, dask = pytest.importorskip("xarray"), pytest.importorskip("dask.array")
    pytest.importorskip("gpumask.xarray")
    field = some_field(np.random.default_rng(6), 48, 40, overlap, 0.005, start=-7)
    target = field.target(-20.125, 1, 0.5, (60, 120))
    grid, options = ProjectedGrid(field.place, target), {"interp": interp, "mask_policy": policy, "nodata_out": -9}
    expected = warped(field, target, **options)
    array = xarray.DataArray(field.image, dims=("band", "y", "x")).assign_coords(validity=(("y", "x"), field.valid))
    same(bits_of(array.gpumask.resample(grid, **options)), expected)
    for chunks, out in itertools.product([(48, 44), (16, 11), (5, 40)], [(60, 120), (17, 23)]):
        lazy = array.chunk(dict(zip("yx", chunks, strict=True)))
        found = lazy.gpumask.resample(grid, chunks=out, **options)
        assert isinstance(found.data, dask.Array)
        same(bits_of(found), expected)


def bits_of(array):
    return array.data, array.validity.data


def test_a_lazy_chunk_across_the_seam_needs_just_the_chunks_on_its_two_sides():
    dask, xarray = pytest.importorskip("dask.array"), pytest.importorskip("xarray")
    pytest.importorskip("gpumask.xarray")
    seen = []

    def block(block_info=None):
        rows, cols = block_info[None]["array-location"]
        seen.append(cols[0] // 36)
        return np.ones((rows[1] - rows[0], cols[1] - cols[0]))

    lazy = dask.map_blocks(block, chunks=((90,), (36,) * 10), dtype=float, meta=np.empty((0, 0)))
    source = Place("EPSG:4326", Affine(1, 0, 0, 0, -1, 45), (90, 360))
    target = Place("EPSG:32631", Affine(20_000, 0, 0, 0, -20_000, 4_000_000), (50, 50))
    found = xarray.DataArray(lazy, dims=("y", "x")).gpumask.resample(ProjectedGrid(source, target))
    assert found.validity.compute(scheduler="synchronous").all()
    assert set(seen) == {0, 9}


def test_memory_that_is_short_changes_nothing(files):
    """Tiles are cut until they fit, and those across the seam with them."""
    rng = np.random.default_rng(2)
    image = rng.random((1, 600, 1200)).astype("float32")
    place = Place("EPSG:4326", Affine(0.3, 0, 0, 0, -0.3, 90), (600, 1200))
    target = Place("EPSG:3413", Affine(12_000, 0, -3.6e6, 0, -12_000, 3.6e6), (600, 600))
    write("source.tif", image, place)
    write("like.tif", np.zeros((1, 600, 600), np.uint8), target)
    for path, words in {"a.tif": {"tile_shape": (600, 600)}, "b.tif": {"max_memory": "64MiB"}}.items():
        warp_file("source.tif", path, like="like.tif", nodata_out=-9, **words)
    assert_same_bits(read("a.tif"), read("b.tif"))
    assert (read("a.tif") >= 0).mean() > 0.7
