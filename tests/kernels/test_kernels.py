"""Every kernel, in every type and on every backend."""

import math
from fractions import Fraction
from functools import cache, partial

import gpu
import numpy as np
import pytest
from exhaustive import few_of
from kernel_builds import compile_all
from kernel_cases import (
    APPLIED,
    CONVERSIONS,
    COVERING,
    FACTUAL,
    INTEGERS,
    MATRIX,
    NODATA,
    WIDE,
    Case,
    Variant,
    assert_same_bits,
    assert_same_results,
    cases,
    footprint_of,
    masks,
    resampled,
    to_host,
)

from gpumask import Grid, Window, footprint_validity, resample
from gpumask.backends import get, native
from gpumask.resampling.image import Target
from gpumask.resampling.method import Method
from gpumask.resampling.run import resample_into

# The numpy backend is the twins.
compiled_backends = pytest.mark.parametrize("backend", ["cuda", "native"], indirect=True)
VARIANTS = MATRIX + CONVERSIONS + WIDE
every_interpolator = pytest.mark.parametrize("interp", APPLIED.values(), ids=APPLIED)

# Narrower than 32 bits, 32 bits and wider are stored in three ways, which differ by the sign.
few_integers = pytest.mark.parametrize("dtype", few_of(INTEGERS, ["int8", "uint16", "int32", "uint64"]))


@pytest.fixture(scope="session")
def compiled(request):
    """Compile what the selected tests need, two variants at a time."""
    asked = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    wanted = {of["variant"] for of in asked if "variant" in of and of.get("backend") == "native"}
    compile_all(partial(native.library, "resample", variant.defines) for variant in sorted(wanted))


@cache
def cases_and_twins(variant: Variant) -> list[tuple[Case, tuple[np.ndarray, np.ndarray]]]:
    twin = get("numpy")
    return [(case, resampled(twin, variant, case)) for case in cases(variant.source)]


@compiled_backends
@pytest.mark.parametrize("interp", APPLIED)
def test_footprint_is_that_of_its_twin(backend, interp):
    for valid in masks():
        found, expected = (footprint_of(get(name), valid, interp) for name in (backend, "numpy"))
        assert_same_bits(found, expected, f"shape {valid.shape}")


@pytest.mark.parametrize("interp", APPLIED)
def test_footprint_is_that_of_its_definition(backend, interp):
    found = footprint_of(get(backend), _mask_of(33, 65), interp)
    np.testing.assert_array_equal(found, _footprint_by_definition(interp))


def _mask_of(*shape):
    return next(mask for mask in masks() if mask.shape == shape)


@cache
def _footprint_by_definition(name):
    valid, interp = _mask_of(33, 65), APPLIED[name]

    def all_valid(row_offsets, col_offsets):
        found = np.ones(valid.shape, bool)
        for r, c in np.ndindex(valid.shape):
            for y in row_offsets:
                for x in col_offsets:
                    inside = 0 <= r + y < valid.shape[0] and 0 <= c + x < valid.shape[1]
                    found[r, c] &= inside and valid[r + y, c + x] != 0
        return found

    between = range(interp.first_tap, interp.last_tap + 1)
    whole = between[:-1] if interp.order else [0]
    return (
        all_valid(whole, whole)
        + 2 * all_valid(whole, between)
        + 4 * all_valid(between, whole)
        + 8 * all_valid(between, between)
    )


@every_interpolator
def test_footprint_of_a_part_of_a_mask_is_that_of_its_copy(backend, interp):
    part = _mask_of(33, 130)[1:-2, 3:-5]
    assert_same_bits(footprint_validity(part, interp, backend), footprint_validity(part.copy(), interp, backend))


@pytest.mark.parametrize("interp", APPLIED)
def test_footprint_reads_rows_at_its_pitch(backend, interp):
    chosen, mask = get(backend), _mask_of(33, 130)
    whole, out = chosen.asarray(mask), chosen.empty((30, 70), np.uint8)
    chosen.run("footprint", out.shape, whole[2:32, 50:120], 130, 0, 1, out, **APPLIED[interp].defines)
    assert_same_bits(to_host(chosen, out), footprint_of(chosen, mask[2:32, 50:120].copy(), interp))


@compiled_backends
@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("variant", few_of(VARIANTS, {*COVERING, *WIDE[2:5]} & {*VARIANTS}), ids=str)
def test_resample_is_that_of_its_twin_to_the_bit(backend, variant):
    with gpu.facts(variant in FACTUAL):
        for case, expected in cases_and_twins(variant):
            assert_same_results(resampled(get(backend), variant, case), expected, case)


@every_interpolator
def test_resample_is_that_of_its_definition(backend, interp):
    rng = np.random.default_rng(3)
    source, valid = rng.standard_normal((9, 11)), rng.random((9, 11)) < 0.95
    source /= math.factorial(interp.order) ** 2  # what all weights sum up to
    row, col = np.round(rng.uniform(-2, 12, (2, 12, 70)) * 2) / 2
    row[::3] += rng.uniform(0, 0.5, (4, 70))
    found = resample(source, Grid(row, col), interp, source_valid=valid, nodata_out=NODATA, backend=backend)
    expected = np.full(row.shape, NODATA)
    for place in np.ndindex(row.shape):
        value = _pixel_by_definition(source, valid, row[place], col[place], interp)
        assert found.validity[place] == (value is not None)
        expected[place] = NODATA if value is None else value
    np.testing.assert_allclose(found.image, expected, rtol=1e-11, atol=1e-11)


def _pixel_by_definition(source, valid, row, col, interp):
    """Sum pixels weighted by distance; None where the place is outside, or a pixel with a weight is not there."""
    weights = {"nearest": _nearest_weight, "linear": _linear_weight, "cubic": _keys_weight, "lanczos3": _lanczos_weight}
    weight = weights.get(interp.name, partial(_spline_weight, interp.order))
    anchors = [np.floor(x + 0.5) if interp.taps == 1 else np.floor(x) for x in (row, col)]
    if any(not 0 <= anchor < size for anchor, size in zip(anchors, source.shape, strict=True)):
        return None
    total = gain = 0.0
    for r in range(int(anchors[0]) - 6, int(anchors[0]) + 7):
        for c in range(int(anchors[1]) - 6, int(anchors[1]) + 7):
            w = weight(row - r) * weight(col - c)
            if not w:
                continue
            if not (0 <= r < source.shape[0] and 0 <= c < source.shape[1] and valid[r, c]):
                return None
            total += w * source[r, c]
            gain += w
    return total / gain if interp.name == "lanczos3" else total


def _nearest_weight(distance):
    return float(-0.5 <= distance < 0.5)


def _linear_weight(distance):
    return max(1.0 - abs(distance), 0.0)


def _keys_weight(distance):
    d = abs(distance)
    if d <= 1:
        return (1.5 * d - 2.5) * d * d + 1 if d < 1 else 0.0
    return ((-0.5 * d + 2.5) * d - 4) * d + 2 if d < 2 else 0.0


def _lanczos_weight(distance):
    d = abs(distance)
    return float(d == 0) if d in (0, 1, 2) else float(np.sinc(d) * np.sinc(d / 3)) if d < 3 else 0.0


@cache
def _spline_weight(order, distance):
    """Sum the truncated powers that the B-spline is made of, exactly: they cancel each other out."""
    half = Fraction(order + 1, 2)
    d = Fraction(abs(distance))
    powers = ((-1) ** j * math.comb(order + 1, j) * max(half - d - j, 0) ** order for j in range(order + 2))
    return float(sum(powers)) if d < half else 0.0


@every_interpolator
def test_a_coarse_grid_gives_what_its_coordinates_at_full_resolution_give(backend, interp):
    y, x = np.mgrid[0:33, 0:137]
    row, col = 2.25 + y / 4 + x / 32, 3.5 + x / 8 - y / 64  # whole multiples of 1/64, so no coordinate is rounded
    source, valid = _some_source("float64")
    coarse, full = Grid(row[::4, ::8], col[::4, ::8], (4, 8)), Grid(row, col)
    found, expected = (resample(source, grid, interp, source_valid=valid, backend=backend) for grid in (coarse, full))
    assert_same_bits(found.validity, expected.validity)
    assert_same_bits(found.image, expected.image)


@every_interpolator
@pytest.mark.parametrize("dtype", few_of(["float64", "float32"], ["float64"]))
@pytest.mark.parametrize("corner", [(0, 1), (1, 63), (31, 0), (32, 70), (40, 100)])
def test_a_window_gives_the_same_bits_as_the_whole(backend, interp, dtype, corner):
    source, valid = _some_source(dtype)
    y, x = np.mgrid[0:9, 0:16] * np.reshape((7, 11), (2, 1, 1)) / 3
    grid = Grid(y + x / 9 - 1, x - y / 9 - 1, (7, 11))
    window = Window(*corner, 17, 66)
    whole = resample(source, grid, interp, source_valid=valid, nodata_out=NODATA, backend=backend)
    part = resample(source, grid.crop(window), interp, source_valid=valid, nodata_out=NODATA, backend=backend)
    assert_same_bits(part.validity, whole.validity[window.slices])
    assert_same_bits(part.image, whole.image[:, *window.slices])


@every_interpolator
@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf, 3e38])
def test_what_lies_under_an_invalid_pixel_changes_nothing(backend, interp, poison):
    case = next(case for case in cases("float32") if case.name == "coarse grid")
    results = [
        resample(np.where(case.source.valid != 0, 1.0, under), case.grid, interp, source_valid=case.source.valid,
                 backend=backend)
        for under in (0.0, poison)
    ]  # fmt: skip
    assert_same_bits(results[1].validity, results[0].validity)
    assert_same_bits(results[1].image, results[0].image)


@every_interpolator
@pytest.mark.parametrize("dtype", few_of(["float64", "uint16"], ["float64"]))
def test_nothing_but_the_window_asked_for_is_written(backend, interp, dtype):
    chosen, variant = get(backend), Variant(dtype, dtype, "float64", interp.name)
    case = next(case for case in cases(dtype) if case.name == "coarse grid")
    image, validity = resampled(chosen, variant, case)
    rows, cols = validity.shape
    inner = (slice(2, 2 + rows), slice(3, 3 + cols))
    framed = [np.full((*bands, rows + 5, cols + 9), 9, dtype) for bands, dtype in [((4,), dtype), ((), "u1")]]
    images, validities = (chosen.asarray(array.copy()) for array in framed)
    target = Target(images[1:3, *inner], validities[inner], NODATA, outside=2)
    resample_into(chosen, case.source, case.grid, Method(interp), target)
    framed[0][1:3, *inner], framed[1][inner] = image, validity
    assert_same_bits(to_host(chosen, images), framed[0])
    assert_same_bits(to_host(chosen, validities), framed[1])


def test_the_validity_need_not_be_asked_for(backend):
    chosen = get(backend)
    case = next(case for case in cases("uint16") if case.name == "coarse grid")
    image = chosen.empty((2, *case.grid.shape), np.uint16)
    target = Target(image, None, NODATA)
    resample_into(chosen, case.source, case.grid, Method(APPLIED["cubic"]), target)
    expected, _ = resampled(chosen, Variant("uint16", "uint16", "float64", "cubic"), case)
    assert_same_bits(to_host(chosen, image), expected)


@pytest.mark.parametrize("dtype", few_of(INTEGERS, ["uint8", "int16", "int64", "uint64"]))
def test_nearest_keeps_every_integer(backend, dtype):
    info = np.iinfo(dtype)
    values = {info.min, info.min + 1, 0, info.max - 1, info.max, 2**53 + 1, -(2**53) - 1, 2**63 - 1, 2**63 + 1}
    source = np.array([[value for value in sorted(values) if info.min <= value <= info.max]], dtype)
    assert_same_bits(resample(source, _identity(source.shape), "nearest", backend=backend).image, source)


@pytest.mark.parametrize("compute", ["float64", "float32"])
@few_integers
def test_cubic_overshoots_are_clipped_to_the_type(backend, dtype, compute):
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    source = np.array([[low] * 4 + [high] * 4 + [low] * 4], dtype)
    places = np.array([[2.5, 4.5, 6.5, 8.5]])  # beside the two steps; there the sum is 1/16 of the step beyond
    found = resample(source, Grid(places * 0, places), "cubic", compute_dtype=compute, backend=backend)
    assert found.image.tolist() == [[low, high, high, low]]


@few_integers
def test_integers_are_rounded_half_to_even(backend, dtype):
    first = 0 if dtype.startswith("u") else -3
    source = np.arange(first, 6, dtype=dtype)[None]
    halves = np.arange(source.size - 1)[None] + 0.5
    found = resample(source, Grid(halves * 0, halves), "linear", backend=backend)
    assert found.image.tolist() == [[round(first + half) for half in halves[0]]]


@few_integers
def test_floats_are_rounded_half_to_even_and_clipped_to_integers(backend, dtype):
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    source = np.array([[0.5, 1.5, 2.5, 2.5 + 1e-9, 3.49, -0.5, -0.25, 1e300, -1e300, np.inf, -np.inf, np.nan]])
    found = resample(source, _identity(source.shape), "nearest", dtype=dtype, nodata_out=NODATA, backend=backend)
    assert found.image.tolist() == [[0, 2, 2, 3, 3, 0, 0, high, low, high, low, NODATA]]
    assert found.validity.tolist() == [[1] * 11 + [0]]


@few_integers
def test_floats_about_the_ends_of_an_integer_type_are_clipped_to_it(backend, dtype):
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    ends = [np.nextafter(float(end), side) for end in (low, high) for side in (-np.inf, np.inf)]
    source = np.array([[float(low), float(high), low - 0.75, high + 0.75, low - 1.0, high + 1.0, *ends]])
    found = resample(source, _identity(source.shape), "nearest", dtype=dtype, backend=backend)
    assert found.image.tolist() == [[min(max(round(value), low), high) for value in source[0].tolist()]]


@pytest.mark.parametrize(
    "source, output",
    few_of(
        [(v.source, v.output) for v in CONVERSIONS if v.source in ("int64", "uint64")],
        [("int64", "uint8"), ("int64", "uint64"), ("uint64", "int64"), ("uint64", "int8")],
    ),
)
def test_integers_are_clipped_to_other_integer_types(backend, source, output):
    given, info = np.iinfo(source), np.iinfo(output)
    values = {given.min, given.max, 0, 1, info.max, info.max + 1, info.max - 1, info.min, info.min - 1, 2**53 + 1}
    pixels = np.array([[value for value in sorted(values) if given.min <= value <= given.max]], source)
    found = resample(pixels, _identity(pixels.shape), "nearest", dtype=output, backend=backend)
    assert found.image.tolist() == [[min(max(value, info.min), info.max) for value in pixels[0].tolist()]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("band", [0, 1, 2])
def test_a_nan_in_one_band_makes_the_pixel_nodata_in_all(backend, dtype, band):
    source = np.ones((3, 1, 70), dtype)
    source[band, 0, 65] = np.nan
    found = resample(source, _identity((1, 70)), "nearest", nodata_out=NODATA, backend=backend)
    assert found.validity.tolist() == [[1] * 65 + [0] + [1] * 4]
    assert found.image.tolist() == [[[1] * 65 + [NODATA] + [1] * 4]] * 3


def _identity(shape):
    row, col = np.mgrid[0 : shape[0], 0 : shape[1]]
    return Grid(row, col)


def _some_source(dtype):
    case = next(case for case in cases(dtype) if case.name == "coarse grid")
    return case.source.image, case.source.valid
