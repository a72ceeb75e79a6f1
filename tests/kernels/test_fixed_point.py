"""Coordinates where sums are float32: whole numbers of 2**-24 pixels, the same ones everywhere."""

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest
from exhaustive import few_of
from fixed_cases import GRIDS, coordinate_exactly, fixed_exactly, fixed_nodes_exactly, fixed_nodes_of, grid
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kernel_cases import APPLIED, assert_same_bits, to_host

from gpumask import Grid, Resampler, Window, resample
from gpumask.backends import get
from gpumask.backends.twin_weights import weights
from gpumask.grids.nodes import fixed_grid
from gpumask.pixels.boundary import Boundary
from gpumask.pixels.coordinates import coordinates_at, fixed, fixed_coordinates_at, fixed_limit
from gpumask.pixels.interpolators import INTERPOLATORS
from gpumask.resampling.image import Source, Target
from gpumask.resampling.method import Method
from gpumask.resampling.run import resample_into

PART = 2.0**-24
FLOAT32 = np.dtype(np.float32)
every_interpolator = pytest.mark.parametrize("interp", ["nearest", "linear", "cubic", "lanczos3", "bspline5"])
steps = st.tuples(st.integers(1, 256), st.integers(1, 256)).filter(lambda step: step != (1, 1))
few = settings(deadline=None, derandomize=True, max_examples=60)


def many(number=1000):
    return settings(deadline=None, derandomize=True, max_examples=number)


@many()
@given(st.floats(), st.sampled_from([2**27, 2**21, 2**23 + 1]))
@example(math.nextafter(0.5 * PART, 0), 2**27)  # plus 1/2 and rounded, these would be 1
@example(-math.nextafter(0.5 * PART, 1), 2**27)
@example(math.nextafter(2.0**27, 0), 2**27)
@example(2.0**27, 2**27)
@example(-5e-324, 2**27)
def test_fixed_is_exact(v, limit):
    expected = fixed_exactly(v, limit)
    assert_same_bits(fixed(np.array(v), limit) + 0.0, np.array(math.nan if expected is None else float(expected)))


@many()
@given(st.integers(-(2**52), 2**52), st.integers(-1, 1))
def test_fixed_is_exact_about_halves(odd, beside):
    v = (odd + 0.5) * PART / 4
    v = math.nextafter(v, math.inf * beside) if beside else v
    assert fixed(np.array(v), 2**27) == fixed_exactly(v, 2**27)


@pytest.mark.parametrize("of", GRIDS, ids=repr)
def test_nodes_are_those_of_whole_numbers(backend, of):
    for found, expected in zip(fixed_nodes_of(get(backend), of), fixed_nodes_exactly(of), strict=True):
        assert_same_bits(found, expected)


@few
@given(st.integers(0, 10**6), steps)
def test_coordinates_between_nodes_are_those_of_whole_numbers(seed, step):
    of = grid(np.random.default_rng(seed), (2, 3), step)
    made, counts = fixed_grid(get("numpy"), of), of.counts()
    ys, xs = (np.unique(np.linspace(0, n - 1, 9).astype(int)) for n in of.full_shape)
    for nodes, exact in ((made.row, of.row), (made.col, of.col)):
        ends = fixed_nodes_exactly(of)[0] >= 0
        given_nodes = np.where(counts & ends, exact, np.nan)  # a node is none on both axes at once
        for y in ys:
            found = fixed_coordinates_at(nodes, step, np.array([y]), xs)[0]
            expected = [coordinate_exactly(of, given_nodes, int(y), int(x)) for x in xs]
            expected = [math.nan if each is None else each * PART for each in expected]
            np.testing.assert_array_equal(found, expected)


@few
@given(steps, st.tuples(*[st.integers(-200, 200)] * 3), st.integers(0, 10**6))
def test_whole_numbers_stay_whole_between_nodes(step, by, seed):
    """Of a coordinate that is (a y + b x + c) / area at pixel (y, x) all nodes are fractions of the cell's area."""
    m, n, area = 3, 4, step[0] * step[1]
    exact = [[Fraction(by[0] * y + by[1] * x + by[2], area) for x in range((n - 1) * step[1] + 1)]
             for y in (*range(0, (m - 1) * step[0] + 1, step[0]), seed % ((m - 1) * step[0] + 1))]  # fmt: skip
    row = np.array([[float(each) for each in line[:: step[1]]] for line in exact[:-1]])
    made = fixed_grid(get("numpy"), Grid(row, row, step))
    y = seed % ((m - 1) * step[0] + 1)
    found = fixed_coordinates_at(made.row, step, np.array([y]), np.arange(len(exact[0])))[0]
    for place, each in zip(found, exact[-1], strict=True):
        assert abs(Fraction(float(place)) - each) <= 2 * Fraction(1, 2**25)
        if each.denominator == 1:
            assert place == each


@pytest.mark.parametrize("step", [(3, 3), (7, 10), (10, 7), (10, 10)])
def test_a_pixel_without_valid_neighbours_is_hit_between_nodes_that_are_no_binary_fractions(backend, step):
    """0.7 y + 0.3 is a whole number at every tenth row: there, and nowhere else, one valid pixel is enough."""
    y, x = np.meshgrid(np.arange(5) * step[0], np.arange(4) * step[1], indexing="ij")
    grid = Grid(0.7 * y + 0.3, 0.9 * x + 0.1, step)
    source = np.arange(40 * 40, dtype=np.float32).reshape(40, 40)
    rows, cols = (np.arange(n) for n in grid.shape)
    whole = np.logical_and.outer((7 * rows + 3) % 10 == 0, (9 * cols + 1) % 10 == 0)
    at = np.where(whole, ((7 * rows + 3) // 10 * 40)[:, None] + (9 * cols + 1) // 10, -1)
    for interp in ("linear", "cubic", "lanczos3"):
        for seen in np.unique(at[whole]):
            valid = (source == seen).astype(np.uint8)
            found = resample(
                source, grid, interp, source_valid=valid, compute_dtype="float32", nodata_out=-1, backend=backend
            )
            np.testing.assert_array_equal(found.validity, at == seen)
            np.testing.assert_array_equal(found.image, np.where(at == seen, source.ravel()[seen], -1))


@pytest.mark.parametrize("interp", ["nearest", "linear", "cubic", "lanczos3"])
@pytest.mark.parametrize("step", [(1, 1), (3, 7), (10, 9), (1, 9)])
def test_identity_returns_the_input(backend, interp, step):
    source = np.random.default_rng(0).random((2, 31, 64)).astype(np.float32)
    row, col = np.mgrid[0 : 31 : step[0], 0 : 64 : step[1]]
    found = resample(source, Grid(row, col, step), interp, compute_dtype="float32", backend=backend)
    assert_same_bits(found.image, source)
    assert found.validity.all()


def scene(number):
    """Return a grid whose coordinates lie within 2**-25 of whole numbers and halves, and a source with its validity."""
    rng = np.random.default_rng(number)
    step = [(1, 1), (1, 2), (2, 2), (4, 3), (7, 5)][number % 5]
    shape = (12, 15) if step == (1, 1) else (4, 5)
    places = [rng.integers(-6, 50, shape) / 2 + rng.choice([0, 1, -1, 0.99, -0.5], shape) * PART / 2 for _ in range(2)]
    if number % 2 and step != (1, 1):  # so that what is between nodes is whole, or nearly
        y, x = np.indices(shape) * np.reshape(step, (2, 1, 1))
        places = [axis + rng.choice([0.5, 1, 2]) * at for axis, at in zip(places, (y, x), strict=True)]
    mask = rng.random(shape) < 0.95 if number % 3 else None
    source = rng.integers(0, 1000, (2, 24, 27)).astype(rng.choice(["uint16", "float32"]))
    return Grid(*places, step, mask), source, rng.random((24, 27)) < rng.choice([0.95, 1.0])


def in_tiles(of, source, valid, method, tile):
    """Resample tile by tile, each from a window of the source that holds what it is planned to need."""
    shape = source.shape[1:]
    image, validity = np.zeros((len(source), *of.shape), source.dtype), np.zeros(of.shape, np.uint8)
    for window in Window.of_shape(of.shape).tiles(*tile):
        part = of.crop(window)
        reach = method.reach(part, shape).intersect(Window.of_shape(shape))
        if reach.is_empty:
            continue
        here = Source(source, valid.view(np.uint8), whole=shape).crop(reach)
        at = window.slices
        some = Target(np.zeros((len(source), *window.shape), source.dtype), np.zeros(window.shape, np.uint8), 0)
        resample_into(get("numpy"), here, part, method, some)
        image[:, *at], validity[at] = some.image, some.validity
    return image, validity


@pytest.mark.parametrize("name", few_of(APPLIED, ["nearest", "cubic", "bspline3"]))
def test_tiles_change_nothing_where_coordinates_are_nearly_whole_or_halves(name):
    method, met = Method(INTERPOLATORS[name] if name == "nearest" else APPLIED[name], compute_dtype="float32"), 0
    for number in range(20):
        of, source, valid = scene(number)
        whole = Target(np.zeros((len(source), *of.shape), source.dtype), np.zeros(of.shape, np.uint8), 0)
        resample_into(get("numpy"), Source(source, valid.view(np.uint8)), of, method, whole)
        for tile in ((2, 2), (5, 3)):
            image, validity = in_tiles(of, source, valid, method, tile)
            assert_same_bits(validity, whole.validity, f"{number}, {tile}")
            assert_same_bits(image, whole.image, f"{number}, {tile}")
        met += whole.validity.sum()
    assert met > 300


@every_interpolator
def test_chunks_and_files_change_nothing_where_coordinates_are_nearly_whole_or_halves(interp, tmp_path):
    xarray, rasterio = pytest.importorskip("xarray"), pytest.importorskip("rasterio")
    dask_array = pytest.importorskip("dask.array")
    pytest.importorskip("gpumask.xarray")
    from gpumask import resample_file

    def write(name, bands):
        kind = {"dtype": bands.dtype, "count": len(bands), "height": bands.shape[1], "width": bands.shape[2]}
        with rasterio.open(
            tmp_path / name, "w", driver="GTiff", **kind, transform=rasterio.Affine(2, 0, 0, 0, -2, 0)
        ) as to:
            to.write(bands)
        return tmp_path / name

    for number in (*range(0, 15, 3), 1, 16):
        of, source, _ = scene(number)
        of = dataclasses.replace(of, mask=None)
        words = {"compute_dtype": "float32", "backend": "numpy"}
        whole = resample(source, of, interp, nodata_out=7, **words)
        lazy = xarray.DataArray(dask_array.from_array(source, chunks=(-1, 9, 8)), dims=("band", "y", "x"))
        found = lazy.gpumask.resample(of, interp, chunks=(5, 6), nodata_out=7, **words).compute(scheduler="sync")
        assert_same_bits(found.to_numpy(), whole.image)
        nodes = write("grid.tif", np.stack([of.row, of.col]))
        out = tmp_path / "out.tif"
        resample_file(
            write("source.tif", source), nodes, out, resolution=of.resolution, interp=interp, nodata_out=7,
            tile_shape=(16, 16), overwrite=True, **words,
        )  # fmt: skip
        with rasterio.open(out) as made:
            assert_same_bits(made.read(), whole.image)


def test_a_kept_grid_gives_what_it_gives_once(backend):
    of, source, valid = scene(4)
    for interp in ("nearest", "cubic"):
        words = {"compute_dtype": "float32", "backend": backend}
        kept, once = Resampler(of, interp, **words), resample(source, of, interp, source_valid=valid, **words)
        for _ in range(2):
            found = kept(source, valid)
            assert_same_bits(found.image, once.image)
            assert_same_bits(found.validity, once.validity)


@pytest.mark.parametrize("backend", ["cuda", "native"], indirect=True)
@every_interpolator
def test_every_backend_has_the_bits_of_numpy(backend, interp):
    for number in range(20):
        of, source, valid = scene(number)
        for mode in (None, "reflect"):
            words = {"source_valid": valid, "compute_dtype": "float32", "boundary": mode}
            found, expected = (resample(source, of, interp, **words, backend=name) for name in (backend, "numpy"))
            assert_same_bits(found.validity, expected.validity)
            assert_same_bits(found.image, expected.image)


def results(backend, of, source, interp="nearest", compute="float32", around=(0, 0)):
    """Resample a source that may lie anywhere; return image and validity."""
    chosen = get(backend)
    target = Target(chosen.empty((1, *of.shape), np.uint16), chosen.empty(of.shape, np.uint8), 0)
    method = Method(APPLIED[interp], compute_dtype=compute).on(around, source.image.shape[1:])
    resample_into(chosen, source, of, method, target)
    return to_host(chosen, target.image), to_host(chosen, target.validity)


@pytest.mark.parametrize("interp", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("step", [(1, 1), (3, 7), (256, 256)])
def test_far_windows_are_as_near_ones(backend, interp, step):
    """Up to the limit a window of a source that lies far away is as one at the beginning, moved by whole pixels."""
    limit, rng = fixed_limit(step), np.random.default_rng(3)
    pixels = rng.integers(0, 1000, (1, 20, 30)).astype(np.uint16)
    shape = (20, 30) if step == (1, 1) else (3, 3)
    row, col = (np.round(rng.uniform(0, n, shape) * 2**20) / 2**20 for n in (20, 30))
    expected = results(backend, Grid(row, col, step), Source(pixels), interp)
    for origin in ((limit - 40, 7 - limit), (100_000, -100_000)):
        here = Source(pixels, origin=origin)
        found = results(backend, Grid(row + origin[0], col + origin[1], step), here, interp)
        assert_same_bits(found[0], expected[0])
        assert_same_bits(found[1], expected[1])


def test_nodes_at_the_limit_and_beyond_do_not_count(backend):
    step = (32, 64)  # 2048 pixels a cell
    limit = 2**37 // 2048
    assert fixed_limit(step) == limit == 2**26
    pixels = np.arange(1, 101, dtype=np.uint16).reshape(1, 10, 10)
    row = np.zeros((1, 4))
    for odd in (float(limit), -float(limit), 1e300, np.inf, np.nan):
        image, validity = results(backend, Grid(row, [[1, 3, odd, 4]], step), Source(pixels))
        assert validity[0, :65].all() and not validity[0, 65:192].any() and validity[0, 192]
        assert image[0, 0, 64] == 4
    # Just below the limit a node counts: the coordinates to it are those of whole numbers.
    below = math.nextafter(limit, 0)
    _, validity = results(backend, Grid(row, [[1, 3, below, 4]], step), Source(pixels))
    assert validity[0, :65].all() and not validity[0, 65:190].any()


def test_masked_nodes_and_nodata_count_on_both_axes(backend):
    pixels = np.arange(1, 101, dtype=np.uint16).reshape(1, 10, 10)
    row, col = np.zeros((1, 3)), np.array([[0.0, 3.0, 6.0]])
    for step in ((1, 3), (1, 1)):
        plain = results(backend, Grid(row, col, step), Source(pixels))[1]
        assert plain.all()
        for words in ({"mask": [[1, 1, 0]]}, {"nodata": 6.0}, {"nodata": 6.000009}):
            found = results(backend, Grid(row, col, step, **words), Source(pixels))[1]
            assert not found[0, -1]
            assert found[0, : 2 if step == (1, 1) else 4].all()
            assert not found[0, 2 if step == (1, 1) else 4 :].any()
        spoilt = np.where(col == 6, np.nan, row)
        assert not results(backend, Grid(spoilt, col, step), Source(pixels))[1][0, -1]


FAR = 2**27
LARGE = Window(0, 0, FAR - 100, 10)


@pytest.mark.parametrize(
    ("compute", "step", "pixels", "around", "expected"),
    [
        ("float32", (1, 1), Window(0, 0, 10, 10), (0, 0), True),
        ("float64", (1, 1), Window(0, 0, 10, 10), (0, 0), False),
        ("float32", (256, 256), Window(0, 0, 10, 10), (0, 0), True),
        ("float32", (257, 256), Window(0, 0, 10, 10), (0, 0), False),
        ("float32", (1, 1), LARGE, (0, 0), True),
        ("float32", (1, 1), LARGE.shift(98, 0), (0, 0), True),
        ("float32", (1, 1), LARGE.shift(99, 0), (0, 0), False),
        ("float32", (1, 1), Window(2 - FAR + 1, 0, 10, 10), (0, 0), True),
        ("float32", (1, 1), Window(2 - FAR, 0, 10, 10), (0, 0), False),
        ("float32", (64, 32), LARGE, (0, 0), False),
        ("float32", (1, 1), Window(0, 0, 10, FAR // 10), (0, FAR // 10), True),
        ("float32", (1, 1), Window(0, 0, 10, FAR // 4), (0, FAR // 4), False),
    ],
)
def test_what_is_computed_in_fixed_point(compute, step, pixels, around, expected):
    method = Method("cubic", compute_dtype=compute, boundary=Boundary(around=around))
    assert method.in_fixed_point(step, pixels) is expected


def test_a_source_beyond_the_limit_has_float64_coordinates(backend):
    """There a fraction of 2**-30 pixels makes a pixel depend on its neighbour; in fixed point it is none."""
    pixels = np.arange(1, 101, dtype=np.uint16).reshape(1, 10, 10)
    valid = np.zeros((10, 10), np.uint8)
    valid[3, 4] = 1
    of = Grid([[3.0, 3.0 + 2.0**-30]], [[4.0, 4.0]])
    assert results(backend, of, Source(pixels, valid), "linear")[1].tolist() == [[1, 1]]
    assert results(backend, of, Source(pixels, valid, whole=(2**27, 10)), "linear")[1].tolist() == [[1, 0]]
    assert results(backend, of, Source(pixels, valid), "linear", "float64")[1].tolist() == [[1, 0]]


def test_sources_that_go_around_have_their_turns(backend):
    pixels = np.random.default_rng(2).integers(0, 1000, (1, 8, 20)).astype(np.uint16)
    row, col = np.round(np.mgrid[0:8:8j, 0:20:24j] * 2**20) / 2**20
    for interp in ("nearest", "linear", "cubic"):
        first = results(backend, Grid(row, col), Source(pixels), interp, around=(0, 20))
        for turn in (-3, 1, 3):
            found = results(backend, Grid(row, col + 20 * turn), Source(pixels), interp, around=(0, 20))
            assert_same_bits(found[0], first[0])
            assert_same_bits(found[1], first[1])


def test_renormalised_weights_see_the_same_coordinates(backend):
    source, valid = np.random.default_rng(1).random((20, 20)).astype(np.float32), np.ones((20, 20), np.uint8)
    valid[5, 5] = 0
    of = Grid(np.array([[5.0, 5.0, 5.0]]), np.array([[4.0, 4.0 + 2.0**-26, 4.4]]))
    words = {"source_valid": valid, "mask_policy": "renormalize", "compute_dtype": "float32", "backend": backend}
    for interp in ("linear", "cubic", "lanczos3"):
        found = resample(source, of, interp, **words)
        assert found.validity.tolist() == [[1, 1, 1]]
        assert found.image[0, 0] == found.image[0, 1] == source[5, 4]


def test_coordinates_are_as_those_of_float64_within_a_part():
    rng = np.random.default_rng(0)
    for step in ((1, 1), (3, 7), (16, 16), (255, 255)):
        nodes = rng.uniform(-100_000, 100_000, (4, 5))
        made = fixed_grid(get("numpy"), Grid(nodes, nodes, step))
        ys, xs = np.arange(3 * step[0] + 1), np.arange(4 * step[1] + 1)
        found, exact = (
            find(of, step, ys, xs) for find, of in ((fixed_coordinates_at, made.row), (coordinates_at, nodes))
        )
        assert abs(found - exact).max() <= PART + 1e-10


def test_lanczos_weights_in_float32_are_near_those_of_float64():
    fractions = np.arange(1, 2**24, 4099) * PART
    for found, exact in zip(weights(fractions, 6, 0, FLOAT32, True), weights(fractions, 6), strict=True):
        assert found.dtype == np.float32
        assert abs(found - exact).max() < 4e-7
