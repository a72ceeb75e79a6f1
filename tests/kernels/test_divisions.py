"""Divisions that kernels make on a GPU as multiplications: `divided`, `quotient` and their kind in kernels/target.cuh.

Why `divided` gives the quotient a / b, rounded once, where high and low are 1 / b in two parts (Brisebarre, Muller and
Raina 2004 have the method). Let b be a whole number and B its odd part.
high + low lies within 2^-107 of 1 / b, relatively. a * low is 2^-53 of a / b at most, and rounded within 2^-53 of that.
So what fma rounds lies within 1.5 * 2^-106, or 2^-105.4, of a / b.
Scaled by a power of two, a / b is a whole number over B, and a middle between two neighbouring f64 is an odd number
between 2^53 and 2^54: they are never the same, and so at least 1 / B apart, which is more than 2^-54 / B of a / b.
That is the more of the two for every B up to 2^52 / 1.5, so there is no middle between the sum and a / b, and both are
rounded alike; 10^12 has a B of 28 bits, and an area below 2^51 has one of 51 at most.
It holds where a, a / b and a * low are no subnormal numbers.
"""

import ctypes
import random
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from kernel_builds import CUDA_ON_HOST, CudaText
from kernel_cases import Case, Variant, assert_same_bits, assert_same_results, resampled
from numpy.ctypeslib import ndpointer

from gpumask import Grid
from gpumask.backends import get, native
from gpumask.backends.launch import division_by_steps
from gpumask.backends.source import kernels_folder, with_includes
from gpumask.errors import BackendError
from gpumask.resampling.image import Source

STEPS = [*range(1, 5000), *range(65_530, 65_545), 2**20 + 7, 3**18, 2**29 - 1, 2**29, 2**30 + 3, 2**31 - 1]
FUNCTIONS = """
extern "C" void divide(long n, const f64* a, const f64* b, const f64* high, const f64* low, f64* out)
{
    for (long i = 0; i < n; ++i) out[i] = divided(a[i], b[i], high[i], low[i]);
}
extern "C" void coordinate(long n, const f64* a, const f64* b, const f64* high, const f64* low, f64* out)
{
    for (long i = 0; i < n; ++i) out[i] = coordinate_of(divided(a[i], b[i], high[i], low[i]));
}
extern "C" void round_coordinates(long n, const f64* v, f64* out)
{
    for (long i = 0; i < n; ++i) out[i] = coordinate_of(v[i]);
}
extern "C" void quotients(long n, const i32* numbers, i32 d, i64 magic, i64 shift, i32* out)
{
    for (long i = 0; i < n; ++i) out[i] = quotient(numbers[i], d, magic, shift);
}
extern "C" void floor_all(long n, const f64* v, i64 origin, f64* floors, i64* numbers)
{
    for (long i = 0; i < n; ++i) floors[i] = floored(v[i], origin, numbers + i);
}
"""
REALS, NUMBERS, LONGS = (ndpointer(dtype, flags="C") for dtype in (np.float64, np.int32, np.int64))


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """The text as NVRTC reads it, compiled for this CPU."""
    try:
        command, _ = native.compiler()
    except BackendError as error:
        pytest.skip(str(error))
    path = tmp_path_factory.mktemp("divisions") / "divisions.so"
    options = [*native.FLAGS, "-DINDEX=i32", "-shared", "-fPIC", "-x", "c++", "-", "-o", str(path)]
    native._compile([*command, *options], CUDA_ON_HOST + with_includes("coords.cuh") + FUNCTIONS)
    library = ctypes.CDLL(str(path))
    n, i64 = ctypes.c_long, ctypes.c_longlong
    library.divide.argtypes = library.coordinate.argtypes = [n, *[REALS] * 5]
    library.round_coordinates.argtypes = [n, REALS, REALS]
    library.quotients.argtypes = [n, NUMBERS, ctypes.c_int, i64, i64, NUMBERS]
    library.floor_all.argtypes = [n, REALS, i64, REALS, LONGS]
    return library


def parts_of(area):
    """Return 1 / area in two parts, as kernels are given them."""
    return division_by_steps((1, area))[5:7]


def in_parts(b):
    """Return 1 / b in two parts, each rounded once."""
    high = float(Fraction(1, b))
    return high, float(Fraction(1, b) - Fraction(high))


def odd_part(b):
    return b // (b & -b)


def fma(a, b, c):
    """Return a * b + c, rounded once: a division of whole numbers is."""
    return float(Fraction(a) * Fraction(b) + Fraction(c))


def numerators(b, remainders=(1, 3, 5), count=4):
    """Yield 53-bit whole numbers a, of which a / b lies nearest to the middle between two f64: r / B away from it."""
    odd, middles = odd_part(b), 1 << 53
    for shift in (odd.bit_length(), odd.bit_length() + 1):
        first, end = max(1 << 52, -(-middles * odd >> shift)), min(1 << 53, 2 * middles * odd >> shift)
        for r in (*remainders, *(-r for r in remainders)):
            least = first + (r * pow(2, -shift, odd) - first) % odd if odd > 1 else first
            turns = (end - 1 - least) // odd  # how many more there are
            for turn in (
                {0, turns, *(random.Random(odd + r).randrange(turns + 1) for _ in range(count - 2))}
                if turns >= 0
                else ()
            ):
                yield least + turn * odd


def hard(divisors):
    """Return those numerators of each divisor with their neighbours, and divisors, as arrays."""
    found = [(a + more, b) for b in divisors for a in numerators(b) for more in (-1, 0, 1)]
    return np.array([a for a, _ in found], np.float64), np.array([b for _, b in found], np.float64)


def by_parts(function, a, b):
    """Call a function of the text with what kernels have for a division by b."""
    divisors, places = np.unique(b, return_inverse=True)
    high, low = np.array([parts_of(int(each)) for each in divisors]).T[:, places].copy()
    out = np.empty_like(a)
    function(len(a), a, b, high, low, out)
    return out


AREAS = {
    "of steps": sorted({rows * cols for rows in range(1, 151) for cols in range(1, 151)}),
    "of usual steps": sorted({a * b for a in range(1, 1025, 31) for b in (1, 8, 16, 100, 255, 256, 500, 999, 1000)}),
    "powers of two": [1 << k for k in range(50)],
    "random": [random.Random(k).randrange(1, 1 << 2 + k % 49) for k in range(5000)],
    "largest": [2**50 - k for k in range(1, 1000)],
}
areas = pytest.mark.parametrize("divisors", AREAS.values(), ids=AREAS)


@pytest.mark.parametrize("divisors", [[10**12], *AREAS.values()], ids=["10^12", *AREAS])
def test_no_middle_lies_between_a_quotient_and_what_is_rounded_for_it(divisors):
    for b in divisors:
        high, low = map(Fraction, in_parts(b))
        error = abs(1 - b * (high + low)) + b * abs(low) / 2**53
        assert error <= Fraction(3, 2**107)
        assert error < Fraction(1, odd_part(b) << 54)


def test_kernels_are_given_the_parts_of_a_quotient():
    for b in AREAS["random"]:
        assert parts_of(b) == in_parts(b)
    assert in_parts(10**12) == (1e-12, 2.0113352370744385e-29)  # as in kernels/coords.cuh
    assert "1e12, 1e-12, 2.0113352370744385e-29)" in (kernels_folder() / "coords.cuh").read_text()


@pytest.mark.parametrize("b", [10**12, 99, 2**50 - 1, 2**50 - 27, 7 * 11 * 13 << 9, 255 * 255])
def test_the_chosen_numerators_are_nearest_to_a_middle(b):
    chosen = set(numerators(b, (1,)))
    assert chosen
    for a in chosen:
        quotient = Fraction(a, b)
        below = np.nextafter(float(quotient), 0) if Fraction(float(quotient)) > quotient else float(quotient)
        middle = (Fraction(below) + Fraction(np.nextafter(below, np.inf))) / 2
        assert Fraction(1, odd_part(b) << 54) < abs(quotient - middle) / quotient <= Fraction(1, odd_part(b) << 53)


@pytest.mark.parametrize("b", [10**12, 3, 99, 255 * 255, 2**50 - 1, 2**50 - 27, *AREAS["random"][-40:]])
def test_by_exact_arithmetic_a_quotient_is_the_sum_of_two_products(b):
    high, low = in_parts(b)
    rng = random.Random(b)
    for a in {*numerators(b, range(1, 30, 2), 8), *(rng.randrange(1 << 52, 1 << 53) for _ in range(200))}:
        for near in (a - 1, a, a + 1):
            assert fma(near, high, near * low) == near / b


@areas
def test_the_text_divides_by_areas_as_a_division_does(text, divisors):
    a, b = hard(divisors)
    rng = np.random.default_rng(0)
    for numbers in (a, -a, a * 2.0 ** rng.integers(-900, 900, len(a)), rng.standard_normal(len(a)) * 1e5):
        assert_same_bits(by_parts(text.divide, numbers, b), numbers / b)


def test_the_text_divides_by_10_to_the_12_as_a_division_does(text):
    whole = np.array([*{*numerators(10**12, range(1, 4001, 2), 8)}], np.float64)
    rng = np.random.default_rng(1)
    for a in (whole, whole - 1, whole + 1, -whole, rng.integers(-(2**53), 2**53, 10**6).astype(np.float64)):
        high, low = (np.full(len(a), part) for part in in_parts(10**12))
        b, out = np.full(len(a), 1e12), np.empty_like(a)
        text.divide(len(a), a, b, high, low, out)
        assert_same_bits(out, a / 1e12)


def test_places_are_rounded_as_by_a_division(text):
    rng = np.random.default_rng(2)
    bits = rng.integers(0, 2**64, 10**6, np.uint64)  # of all sizes, and what is no number
    usual = [rng.uniform(-10, 60_000, 10**6), np.arange(-1000, 1000) / 8, (np.arange(-1000, 1000) + 0.5) / 1e12]
    v = np.concatenate([bits.view(np.float64), *usual, [0.0, -0.0, 5e-324, -5e-324, np.inf, -np.inf, np.nan, 1e308]])
    out = np.empty_like(v)
    text.round_coordinates(len(v), v, out)
    assert_same_places(out, _rounded(v))


@areas
def test_a_place_is_the_same_whatever_numbers_are_divided(text, divisors):
    rng = np.random.default_rng(3)
    b = np.repeat(np.array(divisors, np.float64), 20)
    tiny = rng.choice([5e-324, 1e-310, 2.0**-1022, 2.0**-1000, 1e-290, 0.0], len(b))
    huge = rng.choice([1e300, np.finfo(float).max, np.inf, np.nan], len(b))
    for a in (rng.integers(0, 2**64, len(b), np.uint64).view(np.float64), tiny, -tiny, huge, -huge):
        with np.errstate(invalid="ignore"):
            quotients = a / b
        assert_same_places(by_parts(text.coordinate, a, b), _rounded(quotients))


def test_of_tiny_numbers_a_last_bit_may_be_wrong_which_no_place_shows(text):
    a, b = np.array([k * 2.0**-1022 for k in range(1, 2000)]), np.full(1999, 99.0)
    found = by_parts(text.divide, a, b)
    assert (found != a / b).any()
    np.testing.assert_allclose(found, a / b, rtol=2.0**-52, atol=5e-324)
    assert not by_parts(text.coordinate, a, b).any()


def _rounded(v):
    with np.errstate(over="ignore", invalid="ignore"):
        return np.floor(1e12 * v + 0.5) / 1e12


def assert_same_places(found, expected):
    """Compare to the bit what is a number; what is none, NaN or infinite, makes an invalid pixel."""
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))
    assert_same_bits(found[np.isfinite(found)], expected[np.isfinite(found)])


@pytest.mark.parametrize("b", [10**12, 99, 255 * 255, 2**50 - 1])
def test_less_exact_ways_fail(b):
    high, low = in_parts(b)
    chosen = [near for a in numerators(b, range(1, 60, 2)) for near in (a - 1, a, a + 1)]
    ways = {
        "one product": lambda a: a * high,
        "two products, each rounded": lambda a: a * high + a * low,
        "a low part of 24 bits": lambda a: fma(a, high, a * float(np.float32(low))),
    }
    for name, way in ways.items():
        if name[0] != "a" or odd_part(b) > 2**26:  # of a smaller one 24 bits are enough
            assert any(way(a) != a / b for a in chosen), name
    assert all(fma(a, high, a * low) == a / b for a in chosen)


def test_of_random_numerators_none_shows_what_the_chosen_ones_do():
    high, low = in_parts(10**12)
    rng = random.Random(4)
    for a in (rng.randrange(1 << 52, 1 << 53) for _ in range(20_000)):
        assert fma(a, high, a * float(np.float32(low))) == a / 10**12


@pytest.mark.parametrize("steps", [(1, 3), (4, 8), (5, 5), (7, 11)])
@pytest.mark.parametrize("spoilt", [np.nan, np.inf, -np.inf, 1e300, -1e300])
def test_nodes_that_are_no_numbers_make_the_pixels_invalid_that_they_do_by_a_division(steps, spoilt):
    row, col = np.mgrid[0:4, 0:5] * 2.25
    row[1, 2] = col[2, 4] = spoilt
    case = Case(f"{spoilt}", Source(np.arange(120.0).reshape(1, 10, 12), None), Grid(row, col, steps))
    for interp in ("nearest", "linear"):
        variant = Variant("float64", "float64", "float64", interp)
        found, expected = (resampled(each, variant, case) for each in (CudaText(native.FLAGS), get("numpy")))
        assert_same_results(found, expected, case)
        assert 0 < np.count_nonzero(expected[1] == 1) < expected[1].size


def test_a_low_part_has_either_sign_or_is_0():
    signs = [np.sign(parts_of(rows * cols)[1]) for rows, cols in [(1, 3), (4, 8), (5, 5), (7, 11)]]
    assert set(signs) == {-1.0, 0.0, 1.0}  # so infinity in two products is infinity, or NaN


@pytest.mark.parametrize("some", [STEPS[:5000:2], STEPS[1:5000:2], STEPS[5000:]], ids=["odd", "even", "large"])
def test_quotients_by_steps_are_whole_divisions(text, some):
    rng = np.random.default_rng(5)
    last = 2**31 - 1
    for d in some:
        magic, shift, *_ = division_by_steps((d, 1))
        # magic / 2^(31 + shift) is at least 1 / d, and for n < 2^31 too little more to reach the next whole number.
        assert 0 <= int(magic) * d - (1 << 31 + int(shift)) <= 1 << int(shift)
        assert 0 <= magic < 2**32
        turns = np.concatenate([np.arange(20), last // d - np.arange(20), rng.integers(0, last // d + 1, 40)]) * d
        n = np.concatenate([turns - 1, turns, turns + 1, turns + d - 1, rng.integers(0, last, 40), [last - 1, last]])
        n = np.clip(n, 0, last).astype(np.int32)
        found = np.empty_like(n)
        text.quotients(len(n), n, d, magic, shift, found)
        np.testing.assert_array_equal(found, n // d, str(d))


def test_a_quotient_needs_its_magic_number_rounded_up(text):
    magic, shift, *_ = division_by_steps((7, 1))
    n = np.arange(0, 700, 7, np.int32)
    found = np.empty_like(n)
    text.quotients(len(n), n, 7, magic - 1, shift, found)
    assert (found != n // 7).any()


def whole_quotient(n, area, magic, shift, less):
    """Return n // area as kernels may have it, of 64-bit numbers as whole numbers."""
    if magic == 0:
        return n >> shift + 1
    lifted = n + less * area
    assert 0 <= lifted < 1 << 64
    return (lifted * (magic % (1 << 64)) >> 64 >> shift) - less


@pytest.mark.parametrize("first", range(2, 66))
def test_whole_quotients_by_areas_are_whole_divisions(first):
    rng = random.Random(first)
    limit = 1 << 62
    for area in range(first, 2**16 + 1, 64):
        magic, shift, less = map(int, division_by_steps((area, 1))[7:])
        assert -(1 << 63) <= magic < 1 << 63
        turns = [0, 1, -1, limit // area, -(limit // area), *(rng.randrange(-limit, limit) // area for _ in range(4))]
        numbers = [turn * area + more for turn in turns for more in (-1, 0, 1, area - 1)]
        for n in (*numbers, limit - 1, 1 - limit):
            if -limit < n < limit:
                assert whole_quotient(n, area, magic, shift, less) == n // area


def test_whole_quotients_are_proven_for_all_numbers_in_their_range():
    for area in range(2, 2**16 + 1):
        magic, shift, less = map(int, division_by_steps((area, 1))[7:])
        if magic == 0:
            assert area == 2 << shift
            continue
        over, most = (magic % (1 << 64)) * area - (1 << 64 + shift), (1 << 62) - 1 + less * area
        assert less * area >= (1 << 62) - 1
        assert over >= 0
        assert over * most < 1 << 64 + shift


def test_floors_of_places_are_floors(text):
    rng = np.random.default_rng(6)
    v = np.concatenate([rng.uniform(-(2.0**k), 2.0**k, 5000) for k in range(52)] + [np.arange(-999, 999) / 4])
    for origin in (0, -7, 90_000, 3_000_000_000, -3_000_000_000):
        floors, numbers = np.empty_like(v), np.empty(len(v), np.int64)
        text.floor_all(len(v), v, origin, floors, numbers)
        np.testing.assert_array_equal(floors, np.floor(v))
        np.testing.assert_array_equal(numbers, np.floor(v).astype(np.int64) - origin)


@pytest.mark.parametrize("origin", [0, 7, -7, 3_000_000_000, -3_000_000_000, 2**40, -(2**40)])
def test_what_has_no_floor_lies_in_no_source(text, origin):
    v = np.array(
        [sign * size for sign, size in product((1, -1), (2.0**51, 2.0**62, 2.0**63, 1e19, 1e300, np.inf, np.nan))]
    )
    floors, numbers = np.empty_like(v), np.empty(len(v), np.int64)
    text.floor_all(len(v), v, origin, floors, numbers)
    assert (numbers.view(np.uint64) >= 2**31).all()
