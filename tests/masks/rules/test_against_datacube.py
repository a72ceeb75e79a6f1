"""Mask rules against those of datacube-ows: every pixel, and what its rules get wrong beside what these say.

`PYTHONPATH=.:tests/support python tests/masks/rules/test_against_datacube.py 100000` says how many of
so many random rules differ.
"""

import sys
import warnings
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from exhaustive import draws, on_one_backend
from random_rules import DTYPES, pick, random_definition, random_rule

from gpumask import MaskRule, MaskRuleError, mask_from_rules

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    xarray = pytest.importorskip("xarray", exc_type=ImportError)
    peer = pytest.importorskip("datacube_ows.config_utils", exc_type=ImportError)

BLOCKS, CASES_IN_BLOCK = 10, 220

pytestmark = pytest.mark.usefixtures("on_every_backend")


class Case(NamedTuple):
    """A band, what its bits mean, and a few rules for it."""

    band: np.ndarray
    definition: dict[str, Any]
    rules: list[dict[str, Any]]


@cache
def random_case(block: int, index: int) -> Case:
    """Make one of the seeded cases."""
    rng = np.random.default_rng([block, index])
    dtype = np.dtype(pick(rng, DTYPES))
    definition = random_definition(rng, 8 * dtype.itemsize - (dtype.kind == "i"))
    info = np.iinfo(dtype)
    pool = rng.integers(info.min, info.max, 12, dtype, endpoint=True)
    pool[:4] = rng.integers(0, 100, 4, dtype)
    rules = [random_rule(rng, definition, pool) for _ in range(rng.integers(1, 4))]
    shape = tuple(rng.integers(1, 9, rng.integers(0, 2)).tolist()) + (rng.integers(1, 7), rng.integers(1, 140))
    band = rng.choice(pool, shape)
    if rng.random() < 0.2:
        band = band.astype(dtype.newbyteorder())
    if rng.random() < 0.3:
        band = band[..., ::-1, ::2]
    return Case(band, definition, rules)


def by_peer(rule: dict[str, Any], band: np.ndarray, definition: Any = None) -> np.ndarray:
    """Return where datacube-ows says that a band matches a rule."""
    data = xarray.DataArray(band, attrs={"flags_definition": definition})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return peer.AbstractMaskRule("qa", rule).create_mask(data).values


@cache
def expected(block: int, index: int) -> list[np.ndarray]:
    """Return what datacube-ows gives for each rule of a case."""
    case = random_case(block, index)
    return [by_peer(rule, case.band, case.definition) for rule in case.rules]


def difference(block: int, index: int) -> str:
    """Return what is wrong with a case's results, each rule's and that of all."""
    case, wanted = random_case(block, index), expected(block, index)
    before = case.band.copy()
    found = [MaskRule.from_config(rule, case.definition).evaluate(case.band) for rule in case.rules]
    found.append(mask_from_rules(case.rules, {"qa": case.band}, case.definition))
    wrong = []
    for rule, mine, theirs in zip([*case.rules, "all"], found, [*wanted, np.logical_and.reduce(wanted)], strict=True):
        if (mine.dtype, mine.shape) != (theirs.dtype, theirs.shape):
            wrong.append(f"{rule}: {mine.dtype}, {mine.shape} instead of {theirs.dtype}, {theirs.shape}")
        elif (mine != theirs).any():
            wrong.append(f"{rule}: {(mine != theirs).sum()} of {mine.size} pixels of {case.band.dtype} differ")
    if (case.band != before).any():
        wrong.append("the band was written to")
    return "; ".join(wrong)


@pytest.mark.parametrize("block", draws(BLOCKS))
def test_random_rules_match_the_pixels_that_datacube_matches(block):
    wrong = {index: difference(block, index) for index in range(CASES_IN_BLOCK)}
    assert {index: what for index, what in wrong.items() if what} == {}


@on_one_backend
def test_the_random_rules_are_worth_comparing():
    numbers = [(block, index) for block in range(BLOCKS) for index in range(CASES_IN_BLOCK)]
    cases, shares = [random_case(*number) for number in numbers], []
    for number in numbers:
        shares += [matched.mean() for matched in expected(*number)]
    assert np.mean((np.array(shares) > 0) & (np.array(shares) < 1)) > 0.5
    assert {case.band.dtype.newbyteorder("=").name for case in cases} == set(DTYPES)
    assert {case.band.ndim for case in cases} == {2, 3}
    rules = [rule for case in cases for rule in case.rules]
    for operator in ("and", "or"):
        assert np.mean([len(rule.get("flags", {}).get(operator, ())) > 1 for rule in rules]) > 0.05
    assert np.mean([rule.get("invert", False) for rule in rules]) > 0.2


# What the peer gets wrong, or can't do. Pixels are all numbers of 8 bits.
PIXELS = np.arange(256, dtype=np.uint8)
DEFINITION = {
    "low": {"bits": 0, "values": {"0": False, "1": True}},
    "variable": {"bits": 1, "values": {"0": False, "1": True}},
    "pair": {"bits": [0, 1], "values": {0: "none", 1: "one", 2: "two", 3: "three"}},
    "twice": {"bits": [4, 5], "values": {0: "clear", 1: "hazy", 2: "hazy", 3: "thick"}},
    "sign": {"bits": 7, "values": {"0": False, "1": True}},
    "top": {"bits": [6, 7], "values": {"0": "a", "1": "b", "2": "c", "3": "d"}},
    "beyond": {"bits": 9, "values": {"0": False, "1": True}},
}


def ours(rule, band=PIXELS):
    return MaskRule.from_config(rule, DEFINITION).evaluate(band)


def assert_peer_crashes(rule, error, band=PIXELS):
    with pytest.raises(error):
        by_peer(rule, band, DEFINITION)


@pytest.mark.parametrize("form", [lambda flags: flags, lambda flags: {"and": flags}], ids=["plain", "and"])
def test_flags_that_share_bits_are_tested_each_on_its_own_not_merged(form):
    contradiction = {"flags": form({"low": False, "pair": "one"})}
    assert by_peer(contradiction, PIXELS, DEFINITION).any()
    assert not ours(contradiction).any()
    assert ours({**contradiction, "invert": True}).all()


def test_a_flag_may_be_named_as_the_peers_own_argument():
    assert_peer_crashes({"flags": {"variable": True}}, TypeError)
    np.testing.assert_array_equal(ours({"flags": {"variable": True}}), PIXELS & 2 != 0)


def test_a_label_of_two_values_matches_either():
    assert_peer_crashes({"flags": {"twice": "hazy"}}, ValueError)
    np.testing.assert_array_equal(ours({"flags": {"twice": "hazy"}}), np.isin(PIXELS >> 4 & 3, (1, 2)))


@pytest.mark.parametrize(("dtype", "shift"), [("int8", 0), ("int16", 8), ("int32", 24), ("int64", 56)])
def test_the_sign_bit_is_a_bit_as_any_other(dtype, shift):
    band = (PIXELS.astype(np.uint64) << np.uint64(shift)).astype(dtype)
    definition = {"sign": {"bits": shift + 7, "values": {"0": False, "1": True}}}
    definition["top"] = {"bits": [shift + 6, shift + 7], "values": {"0": "a", "1": "b", "2": "c", "3": "d"}}
    for flags, matches in (({"sign": True}, PIXELS >= 128), ({"top": "c"}, PIXELS >> 6 == 2)):
        with pytest.raises(OverflowError):
            by_peer({"flags": flags}, band, definition)
        np.testing.assert_array_equal(MaskRule.from_config({"flags": flags}, definition).evaluate(band), matches)


def test_a_bit_that_the_band_lacks_is_an_error_that_names_the_flag():
    assert_peer_crashes({"flags": {"beyond": False}}, OverflowError)
    with pytest.raises(MaskRuleError, match="beyond"):
        ours({"flags": {"beyond": False}})


def test_a_key_that_does_not_fit_its_bits_is_an_error_not_a_rule_that_never_matches():
    definition = {"odd": {"bits": [1], "values": {"0": False, "3": True}}}
    assert not by_peer({"flags": {"odd": True}}, PIXELS, definition).any()
    with pytest.raises(MaskRuleError, match="odd"):
        MaskRule.from_config({"flags": {"odd": True}}, definition)


@pytest.mark.parametrize("operator", ["and", "or"])
def test_flags_beside_an_operator_are_an_error_not_dropped(operator):
    rule = {"flags": {operator: {"low": True}, "sign": True}}
    np.testing.assert_array_equal(by_peer(rule, PIXELS, DEFINITION), PIXELS & 1 != 0)
    with pytest.raises(MaskRuleError, match="sign"):
        ours(rule)


@pytest.mark.parametrize("inner", ["and", "or"])
@pytest.mark.parametrize("outer", ["and", "or"])
def test_nested_operators_are_an_error_that_says_so(outer, inner):
    rule = {"flags": {outer: {"low": True, inner: {"sign": True}}}}
    assert_peer_crashes(rule, ValueError)
    with pytest.raises(MaskRuleError, match=inner):
        ours(rule)


@pytest.mark.parametrize("values", [{"64": 1}, "64", [None], [[64]], [float("nan")]])
def test_values_that_are_no_numbers_are_an_error_not_a_rule_that_never_matches(values):
    assert not by_peer({"values": values}, PIXELS).any() or values == [[64]]
    with pytest.raises(MaskRuleError, match="values"):
        ours({"values": values})


@pytest.mark.parametrize("values", [np.array([3, 64]), np.int64(64), 64.0, np.uint8(3)])
def test_numpy_values_and_whole_floats_are_taken(values):
    with pytest.raises((TypeError, ValueError)):
        by_peer({"values": values}, PIXELS)
    np.testing.assert_array_equal(ours({"values": values}), np.isin(PIXELS, values))


def test_invert_is_a_bool_not_what_python_takes_for_true():
    rule = {"values": [64], "invert": "False"}
    assert by_peer(rule, PIXELS).sum() == 255
    with pytest.raises(MaskRuleError, match="invert"):
        ours(rule)


def test_an_unknown_key_is_an_error_not_ignored():
    assert by_peer({"values": [64], "inverted": True}, PIXELS).sum() == 1
    with pytest.raises(MaskRuleError, match="inverted"):
        ours({"values": [64], "inverted": True})


def test_the_old_name_of_values_still_works():
    assert_peer_crashes({"enum": [3, 64]}, peer.ConfigException)
    with pytest.warns(DeprecationWarning, match="enum"):
        np.testing.assert_array_equal(ours({"enum": [3, 64]}), np.isin(PIXELS, (3, 64)))


def test_whole_floats_are_compared_exactly_with_integers_of_64_bits():
    band = np.array([2**53, 2**53 + 1])
    assert by_peer({"values": [2.0**53]}, band).tolist() == [True, True]
    assert ours({"values": [2.0**53]}, band).tolist() == [True, False]


def test_floats_are_compared_exactly_not_as_rounded_to_the_band():
    band = np.array([0.1, 0.5], np.float32)
    assert by_peer({"values": [0.1]}, band).tolist() == [True, False]
    assert ours({"values": [0.1]}, band).tolist() == [False, False]
    assert ours({"values": [float(np.float32(0.1))]}, band).tolist() == [True, False]


def test_flags_of_a_float_band_are_those_of_its_whole_numbers():
    assert_peer_crashes({"flags": {"low": True}}, TypeError, PIXELS.astype(np.float32))
    np.testing.assert_array_equal(ours({"flags": {"low": True}}, PIXELS.astype(np.float32)), PIXELS & 1 != 0)


def test_nan_matches_no_rule_not_even_an_inverted_one():
    band, rule = np.array([64, 3, np.nan]), {"values": [64], "invert": True}
    assert by_peer(rule, band).tolist() == [False, True, True]
    assert ours(rule, band).tolist() == [False, True, False]


def figures(count: int) -> None:
    """Print how many of `count` cases differ."""
    wrong = [what for number in range(count) if (what := difference(*divmod(number, CASES_IN_BLOCK)))]
    print(f"{count} bands with 1 to 3 rules each; {len(wrong)} differ", *wrong[:10], sep="\n")


if __name__ == "__main__":
    figures(int(sys.argv[1]) if len(sys.argv) > 1 else BLOCKS * CASES_IN_BLOCK)
