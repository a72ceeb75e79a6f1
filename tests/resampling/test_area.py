"""Area statistics: by exact arithmetic, by NumPy on whole boxes, and the laws that they keep."""

from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from area_cases import FEW, Areal, Case, covered, curved, turned
from area_cases import cases as area_cases
from exact_areas import grid_of, quad
from exhaustive import draws, few_of, on_one_backend
from kernel_cases import assert_same_bits

from gpumask import GpumaskError, Grid, Method, Resampler, Window, resample
from gpumask.backends import get
from gpumask.pixels.boundary import Boundary
from gpumask.pixels.interpolators import STATISTICS
from gpumask.resampling.image import Source, Target
from gpumask.resampling.run import resample_into

pytestmark = pytest.mark.usefixtures("on_every_backend")
SUMS = ("average", "sum", "rms")
QUARTERS = {"q1": 1, "med": 2, "q3": 3}
every_statistic = pytest.mark.parametrize("statistic", STATISTICS)
# Of all backends by default, as kernels in other types than float64 take long to compile. Their twins are exact too.
by_numpy = pytest.mark.parametrize("backend", few_of(["cuda", "native", "numpy"], ["numpy"]), indirect=True)


def scene(seed=5, shape=(23, 31), missing=0.2):
    """Return an image and its validity."""
    rng = np.random.default_rng(seed)
    return rng.uniform(1, 9, shape), rng.random(shape) >= missing


def image_of(*args, **options):
    return np.asarray(resample(*args, **options).image)


def same(found, expected):
    assert_same_bits(np.asarray(found.image), np.asarray(expected.image))
    assert_same_bits(np.asarray(found.validity), np.asarray(expected.validity))


GRIDS = {
    "turned": turned((4, 5), (5, 7), 17, 1.3, (11, 15)),
    "curved": curved((9, 40), (23, 31)),
    "smaller": Grid(*np.mgrid[0.5:23:2.5, 0.75:31:3.0]),
    "larger": Grid(*np.mgrid[0:5:0.25, 3:20:0.3]),
}
every_grid = pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)


@cache
def _quads(draw):
    """Return quadrilaterals with the exact area of each pixel under them."""
    rng = np.random.default_rng([1, draw])
    return [(made, made.overlaps()) for made in (quad(rng, 10.0, convex=k % 2 == 0) for k in range(25))]


@pytest.mark.parametrize("draw", draws(20))
def test_areas_and_their_sums_are_exact_but_for_rounding(draw):
    """Values are 9 at the most. Thin quadrilaterals are rounded as the rectangles around them."""
    source, valid = scene(1, (20, 20), 0.3)
    for made, overlaps in _quads(draw):
        area = sum(overlaps.values())
        assert area == made.area
        total = sum(Fraction(source[at]) * part for at, part in overlaps.items())
        found = [Fraction(image_of(source, made.grid, name).item()) for name in ("average", "sum")]
        off = max(abs(found[0] - total / area), abs(found[1] - total) / area)
        there = sum((part for at, part in overlaps.items() if valid[at]), Fraction(0))
        ones = image_of(valid.astype(float), made.grid, "sum").item()
        assert max(off, abs(Fraction(ones) - there) / area) < 1e-13 * made.box / area
        share = resample(source, made.grid, "average", source_valid=valid, validity="share").validity
        np.testing.assert_allclose(np.asarray(share).item(), float(there / area), rtol=0, atol=6e-8)


@every_statistic
def test_the_identity_gives_the_source_to_the_bit(statistic):
    source, _ = scene()
    rows, cols = source.shape
    full = Grid(*np.mgrid[0:rows, 0:cols])
    coarse = Grid([[0, 0], [rows - 1] * 2], [[0, cols - 1]] * 2, (rows - 1, cols - 1))
    for grid in (full, coarse):
        found = resample(source, grid, statistic)
        assert_same_bits(np.asarray(found.image), source)
        assert np.asarray(found.validity).all()


@every_statistic
def test_mirrored_and_transposed_grids_are_an_indexing(statistic):
    source, _ = scene()
    row, col = np.mgrid[22:-1:-1, 0:31]
    assert_same_bits(image_of(source, Grid(row, col), statistic), source[::-1].copy())
    assert_same_bits(image_of(source, Grid(row.T, col.T), statistic), source[::-1].T.copy())
    assert_same_bits(image_of(source, Grid(row[:, ::-1], col[:, ::-1]), statistic), source[::-1, ::-1].copy())


@pytest.mark.parametrize("statistic", [name for name in STATISTICS if name != "sum"])
def test_within_a_pixel_is_its_value(statistic):
    source, _ = scene()
    y, x = (np.mgrid[0 : 23 * 4, 0 : 31 * 4] + 0.5) / 4 - 0.5
    found = image_of(source, Grid(y, x), statistic)
    assert_same_bits(found, np.repeat(np.repeat(source, 4, axis=0), 4, axis=1))
    tiny = turned((20, 30), (1, 1), 31, 0.05, (11.0, 15.0))  # within half a pixel and more of its middle
    assert_same_bits(image_of(source, tiny, statistic)[8:12, 13:17], np.full((4, 4), source[11, 15]))


def _modes(boxes):
    """Return the values that are most frequent, the least of several."""
    return np.apply_along_axis(lambda box: np.unique(box)[np.argmax(np.unique(box, return_counts=True)[1])], -1, boxes)


BY_NUMPY = {
    "average": lambda boxes: boxes.mean(axis=-1),
    "sum": lambda boxes: boxes.sum(axis=-1),
    "rms": lambda boxes: np.sqrt((boxes.astype(float) ** 2).mean(axis=-1)),
    "min": lambda boxes: boxes.min(axis=-1),
    "max": lambda boxes: boxes.max(axis=-1),
    "mode": _modes,
    **{
        name: lambda boxes, k=k: np.sort(boxes, axis=-1)[..., -(-k * boxes.shape[-1] // 4) - 1]
        for name, k in QUARTERS.items()
    },
}


def _boxes(source, size):
    rows, cols = (n // k for n, k in zip(source.shape, size, strict=True))
    part = source[: rows * size[0], : cols * size[1]].reshape(rows, size[0], cols, size[1])
    nodes = (np.mgrid[0:rows, 0:cols] + 0.5) * np.reshape(size, (2, 1, 1)) - 0.5
    return part.swapaxes(1, 2).reshape(rows, cols, -1), Grid(*nodes)


@every_statistic
@pytest.mark.parametrize("size", [(5, 6), (2, 3), (11, 10)])
@pytest.mark.parametrize("values", [4, 1000])
def test_whole_boxes_are_those_of_numpy(statistic, size, values):
    source = np.random.default_rng(2).integers(-values, values, (23, 31)).astype(float)
    boxes, grid = _boxes(source, size)
    np.testing.assert_array_equal(image_of(source, grid, statistic), BY_NUMPY[statistic](boxes))


@pytest.mark.parametrize(
    ("dtype", "statistic"), [("uint8", "mode"), ("float64", "mode"), ("int16", "med"), ("uint16", "sum")]
)
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (8, 8), (13, 5), (24, 40), (33, 40), (2, 700)])
@pytest.mark.parametrize("values", [2, 7, 50, 2000])
def test_boxes_of_any_size_and_of_few_or_many_values_are_those_of_numpy(dtype, statistic, size, values):
    rng = np.random.default_rng([*size, values])
    limits = np.iinfo(dtype) if dtype != "float64" else np.iinfo("int64")
    source = np.maximum(limits.max - rng.integers(0, values, (size[0] * 3, size[1] * 2)), limits.min).astype(dtype)
    boxes, grid = _boxes(source, size)
    assert_same_bits(image_of(source, grid, statistic), BY_NUMPY[statistic](boxes.astype(float)).astype(
        "float64" if statistic == "sum" else dtype
    ))  # fmt: skip


@by_numpy
@every_statistic
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "int64", "float32"])
def test_boxes_of_any_type_are_those_of_numpy(statistic, dtype):
    source = np.random.default_rng(2).integers(0, 20, (23, 31)).astype(dtype)
    boxes, grid = _boxes(source, (5, 6))
    found, expected = image_of(source, grid, statistic), BY_NUMPY[statistic](boxes)
    assert found.dtype == (np.float64 if statistic == "sum" else dtype)
    if found.dtype.kind != "f":
        expected = np.rint(expected)
    np.testing.assert_array_equal(found, expected.astype(found.dtype))


def _random_grid(rng, shape):
    """Return a grid that covers a source wholly: turned, of any scale, coarse or full, straight or in perspective."""
    scale, angle, bend = np.exp(rng.uniform(np.log(0.3), np.log(20))), rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.2)
    step = [(1, 1), (3, 5), (7, 2)][rng.integers(3)]
    half = np.hypot(*shape) / 2 * 1.6 + 2 * scale * max(step)
    count = [int(np.ceil(2 * half / (scale * k))) + 1 for k in step]
    v, u = np.mgrid[-half : half : count[0] * 1j, -half : half : count[1] * 1j]
    away = 1 + bend * (v * rng.uniform(-1, 1) + u * rng.uniform(-1, 1)) / half
    row, col = np.cos(angle) * v + np.sin(angle) * u, np.cos(angle) * u - np.sin(angle) * v
    return Grid(row / away + shape[0] / 2, col / away + shape[1] / 2, step)


def test_sums_are_kept():
    rng = np.random.default_rng(4)
    for _ in range(50):
        source = rng.uniform(0, 9, (11, 13))
        grid = _random_grid(rng, source.shape)
        found = image_of(source, grid, "sum", mask_policy="renormalize")
        np.testing.assert_allclose(found.sum(), source.sum(), rtol=1e-12)


@every_statistic
@every_grid
def test_values_under_the_mask_change_nothing(statistic, grid):
    source, valid = scene()
    options = {"source_valid": valid, "mask_policy": "renormalize", "min_weight": 0.3}
    expected = resample(source, grid, statistic, **options)
    for under in (np.nan, np.inf, -3e38):
        same(resample(np.where(valid, source, under), grid, statistic, **options), expected)
    assert 0 < np.asarray(expected.validity).mean() < 1


@every_statistic
@every_grid
def test_the_least_share_of_one_is_the_strict_rule(statistic, grid):
    source, valid = scene(missing=0.03)
    options = {"source_valid": valid, "nodata_out": -1}
    expected = resample(source, grid, statistic, **options)
    same(resample(source, grid, statistic, mask_policy="renormalize", min_weight=1, **options), expected)
    assert 0 < np.asarray(expected.validity).mean() < 1


@every_statistic
@pytest.mark.parametrize("least", [0.3, 0.8])
def test_what_is_valid_has_the_least_share(statistic, least):
    source, valid = scene(missing=0.4)
    options = {"source_valid": valid, "mask_policy": "renormalize", "nodata_out": -1}
    shares = np.asarray(resample(source, GRIDS["smaller"], statistic, validity="share", **options).validity)
    found = resample(source, GRIDS["smaller"], statistic, min_weight=least, **options)
    assert shares.dtype == np.float32
    np.testing.assert_array_equal(np.asarray(found.validity) == 1, shares >= least)
    np.testing.assert_array_equal(np.asarray(found.image) == -1, shares < least)


@every_grid
@pytest.mark.parametrize("policy", ["strict", "renormalize"])
def test_the_share_is_that_of_a_sum_of_ones(grid, policy):
    source, valid = scene()
    found = resample(source, grid, "average", source_valid=valid, validity="share", mask_policy=policy)
    wide, (rows, cols) = np.zeros((223, 231)), source.shape
    wide[100 : 100 + rows, 100 : 100 + cols] = valid
    far = grid.shifted(100, 100)
    expected = image_of(wide, far, "sum") / image_of(np.ones_like(wide), far, "sum")
    np.testing.assert_allclose(np.asarray(found.validity), expected, rtol=0, atol=1e-7)
    strict = np.asarray(resample(source, grid, "average", source_valid=valid).validity)
    np.testing.assert_array_equal(np.asarray(found.validity) == 1, strict == 1)


@pytest.mark.parametrize("statistic", few_of(STATISTICS, ["average", "max", "mode"]))
@pytest.mark.parametrize("policy", ["strict", "renormalize"])
def test_each_band_is_as_it_would_be_alone(statistic, policy):
    rng = np.random.default_rng(14)
    images, valid = rng.uniform(1, 9, (6, 23, 31)), rng.random((6, 23, 31)) > 0.1
    options = {"mask_policy": policy, "min_weight": 0.5}
    for name in ("turned", "smaller"):
        found = resample(images, GRIDS[name], statistic, source_valid=valid, validity="band share", **options)
        for band in range(len(images)):
            alone = resample(
                images[band], GRIDS[name], statistic, source_valid=valid[band], validity="share", **options
            )
            assert_same_bits(np.asarray(found.image[band]), np.asarray(alone.image))
            assert_same_bits(np.asarray(found.validity[band]), np.asarray(alone.validity))


@pytest.mark.parametrize("statistic", ["average", "mode"])
def test_bands_that_are_valid_together_are_as_each_alone_with_their_validity(statistic):
    rng = np.random.default_rng(14)
    images, valid = rng.uniform(1, 9, (6, 23, 31)), rng.random((6, 23, 31)) > 0.02
    images[2, 3, 4] = np.nan
    together = valid.all(axis=0)
    together[3, 4] = False
    for name in ("turned", "smaller"):
        found = resample(images, GRIDS[name], statistic, source_valid=valid, mask_policy="renormalize")
        for image, band in zip(images, np.asarray(found.image), strict=True):
            clean = np.nan_to_num(image)
            alone = resample(clean, GRIDS[name], statistic, source_valid=together, mask_policy="renormalize")
            assert_same_bits(band, np.asarray(alone.image))


@every_statistic
@pytest.mark.parametrize("name", GRIDS)
def test_windows_of_the_output_and_of_the_source_change_nothing(backend, statistic, name):
    source, valid = scene()
    grid, method = GRIDS[name], Method(statistic, mask_policy="renormalize", validity="share")
    whole = resample(source, grid, source_valid=valid, method=method)
    for part in Window.of_shape(grid.shape).tiles(5, 19):
        crop = grid.crop(part, 1)
        found = resample(source, crop, source_valid=valid, method=method)
        assert_same_bits(np.asarray(found.image), np.asarray(whole.image)[part.slices])
        assert_same_bits(np.asarray(found.validity), np.asarray(whole.validity)[part.slices])
        reach = method.reach(crop, source.shape)
        if get(backend).name == "cuda" or reach.is_empty:
            continue
        image, shares = np.empty((1, *part.shape)), np.empty(part.shape, np.float32)
        window = Source(source[None], valid.view(np.uint8), whole=source.shape).crop(reach)
        resample_into(get(backend), window, crop, method, Target(image, shares, 0))
        assert_same_bits(image[0], np.asarray(whole.image)[part.slices])
        assert_same_bits(shares, np.asarray(whole.validity)[part.slices])


@pytest.mark.parametrize("statistic", ["average", "med"])
def test_a_resampler_gives_what_resample_gives(statistic):
    source, valid = scene()
    found = Resampler(GRIDS["turned"], statistic, validity="share")(source, valid)
    same(found, resample(source, GRIDS["turned"], statistic, source_valid=valid, validity="share"))


LARGE = [("int64", -(2**62)), ("int64", 2**62), ("uint64", 2**62), ("uint64", 2**64 - 90)]
_WHOLE = [(dtype, first, name) for dtype, first in LARGE for name in ("min", "max", "mode", "med", "q1", "q3")]


@pytest.mark.parametrize(
    ("dtype", "first", "statistic"),
    few_of(_WHOLE, [case for case in _WHOLE if case[::2] in (("int64", "min"), ("uint64", "q1"))]),
)
def test_integers_of_64_bits_are_exact(dtype, first, statistic):
    source = (np.arange(60).reshape(6, 10) * 7 % 60).astype(dtype) + np.dtype(dtype).type(
        first % 2**64 if first > 0 else first
    )
    boxes, grid = _boxes(source, (3, 5))
    assert_same_bits(image_of(source, grid, statistic), BY_NUMPY[statistic](boxes))
    rows, cols = np.mgrid[0:6, 0:10]
    assert_same_bits(image_of(source, Grid(rows, cols), statistic), source)


@by_numpy
@pytest.mark.parametrize("statistic", ["min", "max", "mode", "med"])
def test_all_integers_of_64_bits_are_exact_in_the_twin(statistic):
    for dtype, first in LARGE:
        test_integers_of_64_bits_are_exact(dtype, first, statistic)


@every_statistic
def test_a_zero_below_zero_is_zero(statistic):
    source = np.array([[-0.0, 0.0, -0.0, -0.0], [0.0, -0.0, -0.0, -0.0]])
    found = image_of(source, Grid([[0.5, 0.5], [2.5, 2.5]], [[0.5, 2.5]] * 2).crop(Window(0, 0, 1, 2), 1), statistic)
    assert (found == 0).all()


@every_statistic
@pytest.mark.parametrize("policy", ["strict", "renormalize"])
def test_nothing_comes_of_nothing(statistic, policy):
    source, _ = scene()
    options = {"mask_policy": policy, "nodata_out": -7, "validity": "share"}
    for grid in GRIDS.values():
        for nothing in (np.full_like(source, np.nan), np.full_like(source, np.inf)):
            found = resample(nothing, grid, statistic, **options)
            assert (np.asarray(found.image) == -7).all() and not np.asarray(found.validity).any()
        found = resample(source, grid, statistic, source_valid=np.zeros(source.shape, bool), **options)
        assert (np.asarray(found.image) == -7).all() and not np.asarray(found.validity).any()


@every_statistic
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("policy", ["strict", "renormalize"])
def test_pixels_that_are_not_finite_are_invalid(statistic, value, policy):
    source, valid = scene()
    options = {"mask_policy": policy, "validity": "share"}
    for name in ("turned", "smaller"):
        found = resample(np.where(valid, source, value), GRIDS[name], statistic, **options)
        same(found, resample(source, GRIDS[name], statistic, source_valid=valid, **options))


def test_the_largest_numbers_have_sums_and_no_others():
    source = np.full((4, 4), 1.5e308)
    grid = Grid([[1.5, 1.5], [5.5, 5.5]], [[1.5, 5.5]] * 2, window=Window(0, 0, 1, 1))
    found = {name: resample(source, grid, name, nodata_out=-1) for name in ("sum", "average", "max", "med")}
    assert image_of(source, grid, "sum").item() == np.inf
    assert [np.asarray(found[name].image).item() for name in ("max", "med")] == [1.5e308] * 2
    assert all(np.asarray(each.validity).all() for each in found.values())


@every_statistic
def test_one_output_pixel_may_be_far_larger_than_the_source(statistic):
    source = np.arange(12.0).reshape(3, 4)
    nodes = np.mgrid[0:2, 0:2] * 10_000 + 1.0
    grid = Grid(*nodes, window=Window(0, 0, 1, 1))
    found = resample(source, grid, statistic, nodata_out=-1, validity="share")
    assert (np.asarray(found.image).item(), np.asarray(found.validity).item()) == (-1, np.float32(12e-8))
    renormalized = image_of(source, grid, statistic, mask_policy="renormalize", min_weight=1e-8).item()
    assert renormalized == pytest.approx(BY_NUMPY[statistic](source.ravel()), rel=1e-13)


@pytest.mark.parametrize("statistic", few_of(STATISTICS, ["average", "mode", "med"]))
def test_a_tall_source_becomes_one_pixel(statistic):
    source = np.random.default_rng(3).integers(0, 1000, (10_000, 3)).astype(float)
    grid = Grid([[4999.5] * 2, [14_999.5] * 2], [[1, 4]] * 2, window=Window(0, 0, 1, 1))
    found = resample(source, grid, statistic)
    assert np.asarray(found.validity).item() == 1
    assert np.asarray(found.image).item() == pytest.approx(BY_NUMPY[statistic](source.ravel()), rel=1e-13)


@every_statistic
def test_a_source_of_one_pixel(statistic):
    source = np.full((1, 1), 7.0)
    found = resample(source, Grid(*np.mgrid[-1:2, -1:2]), statistic, nodata_out=-1)
    np.testing.assert_array_equal(np.asarray(found.image), [[-1, -1, -1], [-1, 7, -1], [-1, -1, -1]])
    small = image_of(source, Grid(*np.mgrid[-0.25:0.5:0.5, -0.25:0.5:0.5]), statistic)
    np.testing.assert_array_equal(small, np.full((2, 2), 7 / 4 if statistic == "sum" else 7))


def test_a_point_takes_the_pixel_at_it():
    source, _ = scene()
    points = Grid(np.full((2, 3), 4.2), np.full((2, 3), 6.4))
    for statistic in STATISTICS:
        expected = 0 if statistic == "sum" else source[4, 6]
        assert (image_of(source, points, statistic) == expected).all()


@pytest.mark.parametrize("statistic", ["average", "mode"])
def test_folded_pixels_are_invalid(statistic):
    source, _ = scene()
    corners = [(Fraction(row), Fraction(col)) for row, col in ((4, 3), (5, 9), (11, 10), (12, 4))]
    for order, is_folded in (((0, 1, 2, 3), False), ((0, 2, 1, 3), True), ((3, 2, 1, 0), False), ((1, 0, 2, 3), True)):
        grid = grid_of([corners[k] for k in order])
        found = resample(source, grid, statistic, nodata_out=-1, validity="share")
        assert np.asarray(found.validity).item() == (0 if is_folded else 1)
        assert (np.asarray(found.image).item() == -1) == is_folded


@pytest.mark.parametrize(
    ("dtype", "expected"), [("uint8", [255, 0, 60]), ("int8", [127, -128, 60]), ("int16", [6000, -6000, 60])]
)
@by_numpy
def test_a_sum_asked_for_as_an_integer_is_clipped(dtype, expected):
    source = np.repeat([[1000, -1000, 10]], 2, axis=0).repeat(3, axis=1).astype(np.int16)
    _, grid = _boxes(source, (2, 3))
    assert (
        image_of(source, Grid(np.vstack([grid.row, grid.row + 2]), np.vstack([grid.col] * 2)), "sum", dtype=dtype)[
            0
        ].tolist()
        == expected
    )


@by_numpy
@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64", "bool", "float16"])
def test_a_sum_is_float64_unless_asked_for_otherwise(dtype):
    source, grid = np.ones((2, 2), dtype), Grid(*np.mgrid[0:2, 0:2])
    assert image_of(source, grid, "sum").dtype == np.float64
    assert image_of(source, grid, "sum", dtype="float32").dtype == np.float32
    taken = {"bool": "uint8", "float16": "float32"}.get(dtype, dtype)
    assert image_of(source, grid, "average").dtype == taken
    assert (
        Method("sum").output_dtype(dtype) == np.float64 and Method("sum", dtype="int8").output_dtype(dtype) == np.int8
    )


def test_renormalised_sums_are_not_scaled_up():
    source, valid = np.ones((4, 4)), np.ones((4, 4), bool)
    valid[0] = False
    grid = Grid([[1.5, 1.5], [5.5, 5.5]], [[1.5, 5.5]] * 2, window=Window(0, 0, 1, 1))
    options = {"source_valid": valid, "mask_policy": "renormalize"}
    found = [image_of(source, grid, name, **options).item() for name in SUMS]
    assert found == [1, 12, 1]


@pytest.mark.parametrize("variant", [FEW[0], FEW[5]], ids=str)
def test_sources_that_begin_anew_are_as_several_turns_of_them(backend, variant):
    """What goes around is as a source in which its turns lie side by side."""
    for case in area_cases(variant.source):
        if not any(case.boundary.around) or case.source.whole:
            continue
        turns = [7 if period else 1 for period in case.boundary.around]
        first = [at - 3 * period for at, period in zip(case.source.origin, case.boundary.around, strict=True)]
        pixels = np.tile(case.source.image, (1, *turns))
        valid = None if case.source.valid is None else np.tile(case.source.valid, turns)
        wide = case._replace(source=Source(pixels, valid, (first[0], first[1])), boundary=type(case.boundary)())
        if case.name.endswith("turns"):
            continue  # pixels between turns are folded there
        found, expected = (covered(get(backend), variant, each, True) for each in (case, wide))
        assert_same_bits(found[2], expected[2], case.name)
        np.testing.assert_allclose(found[1], expected[1], rtol=0, atol=1e-7, err_msg=case.name)
        if variant.statistic == "mode":
            assert_same_bits(found[0], expected[0], case.name)
        else:  # places are counted from elsewhere, so that they are rounded in another way
            most = abs(expected[0]).max()
            np.testing.assert_allclose(found[0] / most, expected[0] / most, rtol=1e-12, atol=1e-12, err_msg=case.name)


@pytest.mark.parametrize("axis", [0, 1])
def test_boxes_as_wide_as_a_turn_count_each_pixel_once(backend, axis):
    """They begin and end in the middle of the first pixel. If it counted twice, it would be the most frequent."""
    pixels, across = np.array([[7, 3, 9, 11]], np.uint8), Grid([[0, 0], [2, 2]], [[2, 10]] * 2, (2, 2))
    grid = across if axis else Grid(across.col.T, across.row.T, (2, 2))
    boundary = Boundary(around=(0, 4) if axis else (4, 0))
    case = Case("a turn", Source((pixels if axis else pixels.T)[None], None, (0, 0)), grid, boundary)
    image, validity = covered(get(backend), Areal("uint8", "uint8", "mode"), case)
    first = image[0, 0] if axis else image[0, :, 0]
    assert first.tolist() == [3, 3, 3]
    assert (validity[0] if axis else validity[:, 0]).tolist() == [1, 1, 1]


@on_one_backend
@every_statistic
@pytest.mark.parametrize("boundary", ["edge", "constant", (None, "wrap"), ("reflect", None)])
def test_a_boundary_is_refused(statistic, boundary):
    with pytest.raises(GpumaskError, match=f"^boundary: expected None for {statistic}, which needs no pixels beyond"):
        Method(statistic, boundary=boundary)


@on_one_backend
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1)])
def test_grids_of_fewer_than_two_by_two_nodes_are_refused(shape):
    with pytest.raises(
        GpumaskError, match=f"^grid: expected at least 2 x 2 nodes for mode, .* got {shape[0]} x {shape[1]}"
    ):
        resample(np.ones((9, 9)), Grid(np.ones(shape), np.ones(shape)), "mode")
