"""Value maps and rules about several dates: what they say, and beside datacube-ows."""

import builtins
import sys
import warnings
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
from exhaustive import draws, on_one_backend
from kernel_cases import assert_same_bits, to_host
from random_rules import DTYPES, pick, random_definition, random_rule

from gpumask import MaskRule, MaskRuleError
from gpumask.backends import get, select
from gpumask.masks.rules.value_map import MultiDateMaskRule, apply_value_map

pytestmark = pytest.mark.usefixtures("on_every_backend")

PIXELS = np.arange(256, dtype=np.uint8)
DEFINITION = {
    "low": {"bits": 0, "values": {"0": False, "1": True}},
    "pair": {"bits": [1, 2], "values": {0: "none", 1: "one", 2: "two", 3: "three"}},
    "sign": {"bits": 7, "values": {"0": False, "1": True}},
}
RED, GREEN, BLUE, NOTHING = (255, 0, 0, 255), (0, 128, 0, 255), (0, 0, 255, 255), (0, 0, 0, 0)


def painted(rules, band=PIXELS, definition=DEFINITION):
    """Apply the rules of one band."""
    return apply_value_map({"qa": rules}, {"qa": band}, definition)


def rule(color="red", values=(1,), **more):
    return {"title": None, "values": values, "color": color, **more}


def colour_of(color, **more):
    """Return what a rule makes of a pixel that it matches."""
    return tuple(painted([rule(color, **more)], np.array([0, 1]))[1].tolist())


def choose(conditions, colours):
    """Return the colour of the first condition that holds, or none."""
    shape = (*np.shape(conditions[0]), 4)
    return np.select(
        [np.broadcast_to(np.asarray(each)[..., None], shape) for each in conditions],
        [np.broadcast_to(np.array(colour, np.uint8), shape) for colour in colours],
        np.uint8(0),
    )


# Which rule decides.


def test_the_first_rule_that_matches_decides_and_none_leaves_a_pixel_0():
    rules = [rule("red", [1, 2]), rule("green", [2, 3]), rule("blue", range(10, 21))]
    found = painted(rules)
    wanted = choose([np.isin(PIXELS, [1, 2]), PIXELS == 3, (PIXELS >= 10) & (PIXELS <= 20)], [RED, GREEN, BLUE])
    assert_same_bits(found, wanted)
    assert tuple(painted(rules[::-1])[2]) == GREEN


def test_rules_ask_for_flags_as_others_do():
    rules = [
        {"title": "a", "color": "red", "flags": {"low": True, "pair": "two"}},
        {"title": "b", "color": "green", "flags": {"or": {"sign": True, "pair": "three"}}},
        {"title": "c", "color": "blue", "flags": {"and": {"low": False, "sign": False}}, "invert": True},
    ]
    low, pair, sign = PIXELS & 1 != 0, PIXELS >> 1 & 3, PIXELS >= 128
    wanted = choose([low & (pair == 2), sign | (pair == 3), low | sign], [RED, GREEN, BLUE])
    assert_same_bits(painted(rules), wanted)


@pytest.mark.parametrize("first", [dict(alpha=0), dict(mask=True), dict(color="#ff000000")])
def test_a_rule_that_can_not_be_seen_decides_as_others_do(first):
    found = painted([{**rule("red"), **first}, rule("blue", [1, 2])])
    assert found[:4].tolist() == [[0] * 4, [255, 0, 0, 0], list(BLUE), [0] * 4]


def test_a_later_band_paints_over_an_earlier_one():
    bands = {"a": np.array([0, 1, 0, 1]), "b": np.array([0, 0, 1, 1])}
    one, other = [rule("red")], [rule("blue", alpha=0.5)]
    half = (0, 0, 255, 128)
    found = apply_value_map({"a": one, "b": other}, bands)
    assert_same_bits(found, np.array([NOTHING, RED, half, half], np.uint8))
    found = apply_value_map({"b": other, "a": one}, bands)
    assert_same_bits(found, np.array([NOTHING, RED, half, RED], np.uint8))


def test_what_no_rule_of_a_later_band_matches_is_left_as_it_is():
    bands = {"a": PIXELS, "b": PIXELS.astype(np.int64) - 300}
    found = apply_value_map({"a": [rule("red", PIXELS)], "b": [rule("blue", [1])]}, bands)
    assert_same_bits(found, choose([PIXELS >= 0], [RED]))


def test_no_rules_paint_nothing():
    for value_map in ({}, {"qa": []}):
        assert_same_bits(apply_value_map(value_map, {"qa": PIXELS}), np.zeros((256, 4), np.uint8))


def test_bands_differ_in_type_and_definition_and_some_are_not_asked_for():
    bands = {"a": PIXELS, "b": (PIXELS * 2.0).astype(np.float32), "c": PIXELS.astype(bool), "d": PIXELS}
    high = {"high": {"bits": 8, "values": {"0": False, "1": True}}}
    value_map = {
        "a": [{"flags": {"low": True}, "color": "red"}],
        "b": [{"flags": {"high": True}, "color": "blue"}],
        "c": [rule("lime", [0])],
    }
    found = apply_value_map(value_map, bands, {"a": DEFINITION, "b": high})
    wanted = choose([PIXELS == 0, PIXELS >= 128, PIXELS & 1 != 0], [(0, 255, 0, 255), BLUE, RED])
    assert_same_bits(found, wanted)


def test_a_ready_definition_is_known_by_its_name():
    wanted = choose([(PIXELS & 2 != 0) & (PIXELS != 255)], [RED])
    found = painted([{"flags": {"cloud": True}, "color": "red"}], definition="hls_fmask")
    assert_same_bits(found, wanted)
    found = apply_value_map(
        {"qa": [{"flags": {"cloud": True}, "color": "red"}]}, {"qa": PIXELS}, {"qa": "hls_fmask"}
    )  # fmt: skip
    assert_same_bits(found, wanted)


def test_the_old_name_of_values_still_works():
    with pytest.warns(DeprecationWarning, match="enum"):
        found = painted([{"enum": [3, 64], "color": "red"}])
    assert_same_bits(found, choose([np.isin(PIXELS, (3, 64))], [RED]))


# Colours.

HEX = {
    "#ff8000": (255, 128, 0, 255),
    "#FF8000": (255, 128, 0, 255),
    "#fF80007f": (255, 128, 0, 127),
    "#01020300": (1, 2, 3, 0),
    "#f80": (255, 136, 0, 255),
    "#F807": (255, 136, 0, 119),
    "Red": RED,
    "REBECCAPURPLE": (102, 51, 153, 255),
    "lightGoldenrodYellow": (250, 250, 210, 255),
    "darkslategrey": (47, 79, 79, 255),
    "DarkSlateGray": (47, 79, 79, 255),
}


@pytest.mark.parametrize("color", HEX)
def test_colours_are_hex_digits_or_names_in_any_case(color):
    assert colour_of(color) == HEX[color]


def by_matplotlib(color, alpha=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        colors = pytest.importorskip("matplotlib.colors", exc_type=ImportError)
    return tuple(int(channel * 255 + 0.5) for channel in colors.to_rgba(color, alpha))


@on_one_backend
def test_colours_are_those_of_matplotlib():
    by_matplotlib("red")
    from matplotlib.colors import CSS4_COLORS

    rng = np.random.default_rng(1)
    names = [case(name) for name in CSS4_COLORS for case in (str.lower, str.upper, str.title)]
    digits = ["#" + "".join(rng.choice(list("0123456789abcdefABCDEF"), n)) for n in (3, 4, 6, 8) for _ in range(40)]
    for color in names + digits:
        assert colour_of(color) == by_matplotlib(color), color
        assert colour_of(color, alpha=0.3) == by_matplotlib(color, 0.3), color


@pytest.mark.parametrize(
    "color", ["r", "k", "0.5", "C1", "tab:orange", "xkcd:sky blue", "none", (0.1, 0.5, 0.9), [1, 0, 0, 0.5]], ids=repr
)
def test_what_else_matplotlib_takes_is_taken_where_it_is_there(color):
    assert colour_of(color) == by_matplotlib(color)
    if color != "none":
        assert colour_of(color, alpha="0.25") == by_matplotlib(color, 0.25)


def test_no_colour_has_no_alpha_whatever_is_given():
    assert by_matplotlib("none", 0.25) == NOTHING
    assert colour_of("none", alpha=0.25) == NOTHING


def test_hex_digits_and_css_names_need_no_matplotlib(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    found_by_python = builtins.__import__

    def without_matplotlib(name, *args, **kwargs):
        if name.split(".")[0] == "matplotlib":
            raise ImportError("no matplotlib")
        return found_by_python(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_matplotlib)
    for color, wanted in HEX.items():
        assert colour_of(color) == wanted
    for color in ("tab:orange", "r", (1, 0, 0)):
        with pytest.raises(MaskRuleError, match="^color: "):
            colour_of(color)


@pytest.mark.parametrize(
    "alpha", [0, 1, 0.5, 0.25, 1 / 255, 0.1, 0.499, 127.5 / 255, 0.0019, 0.00197, 0.999, 1e-300, -0.0]
)
def test_channels_are_rounded_half_up(alpha):
    assert colour_of("red", alpha=alpha) == (255, 0, 0, int(alpha * 255 + 0.5))


@pytest.mark.parametrize(
    "alpha", ["0", "1", "0.5", "5e-1", ".25", "1.0", np.float32(0.5), np.float64(0.25), np.int64(1)], ids=repr
)
def test_alpha_is_a_number_or_one_as_text(alpha):
    assert colour_of("red", alpha=alpha) == (255, 0, 0, int(float(alpha) * 255 + 0.5))


def test_alpha_is_the_colours_own_unless_it_is_given():
    assert colour_of("#ff0000") == RED
    assert colour_of("#ff000040") == (255, 0, 0, 0x40)
    assert colour_of("#ff000040", alpha=1) == RED
    assert colour_of("#ff000040", alpha=0) == (255, 0, 0, 0)


@pytest.mark.parametrize("masked", [True, np.True_])
def test_a_mask_has_alpha_0_whatever_alpha_says_and_keeps_its_colour(masked):
    for more in ({}, {"alpha": 1}, {"alpha": "0.5"}):
        assert colour_of("#102030", mask=masked, **more) == (16, 32, 48, 0)
    assert colour_of("#10203040", mask=masked) == (16, 32, 48, 0)


@pytest.mark.parametrize("masked", [False, np.False_])
def test_what_is_no_mask_is_seen(masked):
    assert colour_of("#102030", mask=masked) == (16, 32, 48, 255)
    assert colour_of("#10203040", mask=masked, alpha=0.5) == (16, 32, 48, 128)


# Bands, of floats and of any shape.

EVERY_FLOAT = ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8"]


@pytest.mark.parametrize("dtype", EVERY_FLOAT)
def test_floats_are_cut_off_toward_zero(dtype):
    band = np.array([0.9, -0.9, 1, 1.5, 1.99, 2, -1, -1.99, -2, 300.5, -0.0], dtype)
    rules = [rule("red", [1]), rule("green", [-1]), rule("blue", [0]), rule("white", [300])]
    cut = np.trunc(band.astype(float))
    wanted = choose([cut == value for value in (1, -1, 0, 300)], [RED, GREEN, BLUE, (255,) * 4])
    assert_same_bits(painted(rules, band), wanted)


@pytest.mark.parametrize("dtype", EVERY_FLOAT)
def test_nan_and_infinity_match_no_rule_not_even_an_inverted_one(dtype):
    band = np.array([np.nan, np.inf, -np.inf, 0, 1, 5.5], dtype)
    rules = [
        rule("red", [1]),
        {"color": "green", "flags": {"low": True}},
        {"color": "lime", "flags": {"low": False, "pair": "none"}, "invert": True},
        rule("blue", [7], invert=True),
    ]
    assert painted(rules, band).tolist() == [list(each) for each in [NOTHING] * 3 + [BLUE, RED, GREEN]]
    assert painted([rule("blue", [-(2**63)])], band).max() == 0
    assert painted([{"color": "red", "flags": {"low": False}}], band[:3]).max() == 0


def test_the_flags_of_a_float_band_are_those_of_its_whole_numbers():
    rules = [{"color": "red", "flags": {"pair": "two"}}, {"color": "blue", "flags": {"sign": True, "low": False}}]
    assert_same_bits(painted(rules, PIXELS + np.float32(0.75)), painted(rules, PIXELS))
    assert_same_bits(painted(rules, PIXELS - 256.0), painted(rules, PIXELS))  # the bits of negative numbers


def test_a_fraction_among_the_values_matches_no_float_that_was_cut_off():
    band = np.array([2.5, 2.0, 3.0])
    assert painted([rule("red", [2.5])], band).max() == 0
    assert painted([rule("red", [2.5], invert=True)], band).tolist() == [list(RED)] * 3


def test_whole_floats_of_63_bits_are_whole_numbers():
    band = np.array([2.0**53, 2.0**62, -(2.0**62), -(2.0**63), np.nextafter(2.0**63, 0)])
    for value in band.tolist():
        assert_same_bits(painted([rule("red", [int(value)])], band), choose([band == value], [RED]))


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_integers_are_compared_as_they_are(dtype):
    info = np.iinfo(dtype)
    band = np.array([info.min, info.max, 0, 1, info.max - 1], dtype)
    for given in (band, band.astype(band.dtype.newbyteorder())):
        for value in (info.min, info.max, info.max - 1, 2**64, -(2**63) - 1):
            found = painted([rule("red", [value])], given)
            assert_same_bits(found, choose([np.array([int(pixel) == value for pixel in band])], [RED]))


SHAPES = [
    (),
    (1,),
    (7,),
    (1, 1),
    (3, 65),
    (2, 3, 5),
    (2, 1, 3, 4),
    (0,),
    (0, 5),
    (5, 0),
    (0, 2, 3),
    (2, 3, 0),
    (2, 0, 3),
]


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "bool"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_an_image_has_the_bands_shape_and_one_more_axis(shape, dtype):
    band = np.random.default_rng(2).integers(0, 3, shape).astype(dtype)
    before = band.copy()
    found = painted([rule("red", [1]), rule("blue", [0], alpha=0.5)], band)
    assert (found.dtype, found.shape) == (np.dtype(np.uint8), (*shape, 4))
    assert found.flags.writeable
    assert_same_bits(found, choose([band == 1, band == 0], [RED, (0, 0, 255, 128)]))
    np.testing.assert_array_equal(band, before)


@pytest.mark.parametrize("dtype", ["uint16", "float64"])
def test_bands_may_be_views_that_can_not_be_written_to(dtype):
    large = np.random.default_rng(3).integers(0, 4, (5, 40, 90)).astype(dtype)
    large.flags.writeable = False
    rules = [rule("red", [1]), rule("blue", [0, 2], alpha=0.5)]
    for band in (
        large[:, 3:-4, 7:-9],
        large[0, ::-1, ::2],
        large[0].T,
        large[:, 1],
        np.broadcast_to(large[0, 0], (3, 90)),
    ):
        wanted = choose([band == 1, band % 2 == 0], [RED, (0, 0, 255, 128)])
        assert_same_bits(painted(rules, band), wanted)


def test_bands_may_be_lists_and_numbers():
    assert_same_bits(painted([rule("red")], [[0, 1]]), np.array([[NOTHING, RED]], np.uint8))
    assert_same_bits(painted([rule("red")], 1), np.array(RED, np.uint8))
    assert_same_bits(painted([rule("red")], 1.5), np.array(RED, np.uint8))
    assert_same_bits(painted([rule("red", invert=True)], np.nan), np.array(NOTHING, np.uint8))


def test_what_is_given_is_left_as_it_is():
    rules = [rule("red", [1], alpha="0.5", mask=False), {"flags": {"and": {"low": True}}, "color": "blue"}]
    before = repr((rules, DEFINITION))
    bands = {"qa": PIXELS.copy(), "b": PIXELS / 2}
    apply_value_map({"qa": rules, "b": rules}, bands, DEFINITION)
    assert repr((rules, DEFINITION)) == before
    assert_same_bits(bands["qa"], PIXELS)
    assert_same_bits(bands["b"], PIXELS / 2)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "bool"])
@pytest.mark.parametrize("shape", [(3, 65), (7,)], ids=str)
def test_images_come_back_to_where_the_bands_were(backend, shape, dtype):
    chosen, band = get(backend), np.random.default_rng(4).integers(0, 2, shape).astype(dtype)
    given = chosen.asarray(band)
    found = painted([rule("red")], given)
    assert type(found) is type(given)
    assert_same_bits(to_host(chosen, found), choose([band == 1], [RED]))


def test_a_backend_may_be_named(backend):
    assert select(None).name == backend
    found = apply_value_map({"qa": [rule("red")]}, {"qa": PIXELS}, backend="numpy")
    assert_same_bits(found, choose([PIXELS == 1], [RED]))
    stack = np.stack([PIXELS, PIXELS])
    found = MultiDateMaskRule.from_config({"values": [[1], [1, 2]]}, dates=2).evaluate(stack, backend="numpy")
    assert_same_bits(found, PIXELS == 1)


# Errors.

GOOD = {"title": "all", "abstract": "that may be there", "values": [1], "color": "red", "alpha": 1, "mask": False}
BAD_RULES = [
    ("color", {"color": None}),
    ("color", {"color": ""}),
    ("color", {"color": "no such colour"}),
    ("color", {"color": "#12345"}),
    ("color", {"color": "#1234567"}),
    ("color", {"color": "#gggggg"}),
    ("color", {"color": "ff0000"}),
    ("color", {"color": "#ff0000\n"}),
    ("color", {"color": 7}),
    ("color", {"color": {}}),
    ("color", {"color": (1, 0)}),
    ("color", {"color": (255, 0, 0)}),
    ("color", {"color": (float("nan"), 0, 0)}),
    ("alpha", {"alpha": -0.001}),
    ("alpha", {"alpha": 1.001}),
    ("alpha", {"alpha": 255}),
    ("alpha", {"alpha": "2"}),
    ("alpha", {"alpha": "-1"}),
    ("alpha", {"alpha": "half"}),
    ("alpha", {"alpha": ""}),
    ("alpha", {"alpha": "nan"}),
    ("alpha", {"alpha": float("nan")}),
    ("alpha", {"alpha": float("inf")}),
    ("alpha", {"alpha": None}),
    ("alpha", {"alpha": [0.5]}),
    ("alpha", {"alpha": 7, "mask": True}),
    ("mask", {"mask": "True"}),
    ("mask", {"mask": 1}),
    ("mask", {"mask": None}),
    ("colour", {"colour": "red"}),
    ("label", {"label": "red"}),
    ("invert", {"invert": "False"}),
    ("invert", {"invert": [True]}),
    ("values", {"values": [[1]]}),
    ("values", {"values": "1"}),
    ("flags, values", {"values": []}),
    ("flags, values", {"flags": {"low": True}}),
    ("flags", {"values": None, "flags": {"lw": True}}),
    ("flags", {"values": None, "flags": {"low": "yes"}}),
    ("flags", {"values": None, "flags": ["low"]}),
    ("enum", {"enum": [1]}),
]


@pytest.mark.parametrize(("key", "change"), BAD_RULES, ids=repr)
def test_a_rule_that_cannot_be_right_is_an_error_that_names_the_key(key, change):
    with pytest.raises(MaskRuleError, match=f"^{key}: expected .*got "):
        painted([GOOD, {**GOOD, **change}])
    painted([GOOD])


def test_a_rule_without_a_colour_is_an_error():
    with pytest.raises(MaskRuleError, match="^color: "):
        painted([{"title": "none", "values": [1]}])


@pytest.mark.parametrize("bad", [None, "red", 7, [("values", [1])], MaskRule.from_config({"values": [1]})], ids=repr)
def test_a_rule_that_is_no_mapping_is_an_error(bad):
    with pytest.raises(MaskRuleError, match="^rule: "):
        painted([bad])


@pytest.mark.parametrize("rules", [None, 7], ids=repr)
def test_rules_that_are_no_list_are_an_error(rules):
    with pytest.raises(MaskRuleError):
        painted(rules)


@pytest.mark.parametrize("value_map", [None, [GOOD], "qa", [("qa", [GOOD])]], ids=repr)
def test_a_value_map_that_is_no_mapping_is_an_error(value_map):
    with pytest.raises(MaskRuleError, match="^value_map: "):
        apply_value_map(value_map, {"qa": PIXELS})


@pytest.mark.parametrize("bands", [{}, None, PIXELS, {"other": PIXELS}, {"qa": PIXELS, "b": PIXELS[1:]}])
def test_bands_that_lack_one_or_differ_in_shape_are_an_error(bands):
    with pytest.raises(MaskRuleError, match="^bands: "):
        apply_value_map({"qa": [GOOD]}, bands)


def test_flags_need_a_definition_and_a_band_that_has_their_bits():
    rules = [{"flags": {"sign": True}, "color": "red"}]
    with pytest.raises(MaskRuleError, match="^flags_definition: "):
        painted(rules, definition=None)
    with pytest.raises(MaskRuleError, match="sign"):
        painted(rules, PIXELS.astype(bool))


# Rules about several dates.

STACK = np.stack([PIXELS, PIXELS[::-1], PIXELS // 2])


def multi(config, stack=STACK, dates=None, definition=DEFINITION):
    return MultiDateMaskRule.from_config(config, len(stack) if dates is None else dates, definition).evaluate(stack)


def test_all_dates_must_match():
    found = multi({"values": [range(100), range(200), [*range(5), 20, 21]]})
    assert_same_bits(found, (PIXELS < 100) & (PIXELS > 55) & np.isin(PIXELS // 2, [*range(5), 20, 21]))
    assert found[[40, 41, 42, 43]].tolist() == [False] * 4
    found = multi({"values": [range(100), range(200), range(30, 40)]})
    assert np.flatnonzero(found).tolist() == list(range(60, 80))


def test_each_date_has_its_own_flags_and_operators():
    found = multi(
        {"flags": [{"low": True, "sign": False}, {"or": {"sign": False, "pair": "one"}}, {"and": {"pair": "two"}}]}
    )
    first, second, third = STACK
    wanted = (first & 1 != 0) & (first < 128) & ((second < 128) | (second >> 1 & 3 == 1)) & (third >> 1 & 3 == 2)
    assert_same_bits(found, wanted)
    found = multi({"flags": [{"low": True}, {"or": {"sign": True, "pair": "one"}}, {"and": {"pair": "two"}}]})
    wanted = (first & 1 != 0) & ((second >= 128) | (second >> 1 & 3 == 1)) & (third >> 1 & 3 == 2)
    assert wanted.any()
    assert_same_bits(found, wanted)


@pytest.mark.parametrize("invert", [[a, b, c] for a in (False, True) for b in (False, True) for c in (False, True)])
def test_each_date_is_inverted_by_itself(invert):
    values = [list(range(100)), list(range(190)), list(range(70))]
    wanted = np.ones(256, bool)
    for date, of_date, turned in zip(STACK, values, invert, strict=True):
        wanted &= np.isin(date, of_date) != turned
    for given in (invert, tuple(invert), np.array(invert)):
        assert_same_bits(multi({"values": values, "invert": given}), wanted)
    flags = {"flags": [{"low": True}, {"or": {"low": True, "sign": True}}, {"pair": "one"}], "invert": invert}
    first, second, third = STACK
    wanted = ((first & 1 != 0) != invert[0]) & ((second & 129 != 0) != invert[1])
    assert_same_bits(multi(flags), wanted & ((third >> 1 & 3 == 1) != invert[2]))


@pytest.mark.parametrize("empty", [None, [], (), set(), range(0), np.array([])], ids=repr)
def test_an_empty_entry_matches_everything_and_nothing_when_inverted(empty):
    values = [[1, 2, 3], empty, empty]
    assert_same_bits(multi({"values": values}), np.isin(PIXELS, [1, 2, 3]))
    assert_same_bits(multi({"values": values, "invert": [True, False, False]}), ~np.isin(PIXELS, [1, 2, 3]))
    for invert in ([False, True, False], [False, False, True], [True, True, True]):
        assert not multi({"values": values, "invert": invert}).any()
    assert multi({"values": [empty] * 3}).all()
    assert not multi({"values": [empty] * 3, "invert": [False, True, False]}).any()


@pytest.mark.parametrize("empty", [None, {}], ids=repr)
def test_empty_flags_match_everything_and_nothing_when_inverted(empty):
    flags = [empty, {"low": True}, empty]
    assert_same_bits(multi({"flags": flags}), PIXELS[::-1] & 1 != 0)
    assert_same_bits(multi({"flags": flags, "invert": [False, True, False]}), PIXELS[::-1] & 1 == 0)
    assert not multi({"flags": flags, "invert": [True, False, False]}).any()
    assert multi({"flags": [empty] * 3}, definition=None).all()


def test_an_empty_entry_matches_nan_too():
    band = np.array([[np.nan, 1, np.inf], [1, 1, 1]])
    assert multi({"values": [[], [1]]}, band).tolist() == [True] * 3
    assert multi({"values": [[], [1]], "invert": [True, False]}, band).tolist() == [False] * 3


@pytest.mark.parametrize(
    "values", [[1, 2, 0], (1, 2, 0), [1.0, [2], {0}], np.array([1, 2, 0]), np.array([[1], [2], [0]])], ids=repr
)
def test_a_number_of_a_date_is_a_list_of_one(values):
    stack = np.array([[1, 1, 0], [2, 0, 2], [0, 0, 0]], np.int16)
    assert multi({"values": values}, stack).tolist() == [True, False, False]


def test_the_keys_of_a_value_map_and_a_band_may_be_there():
    more = {"title": None, "abstract": "", "color": "red", "alpha": 0.5, "mask": True, "band": "qa"}
    assert_same_bits(multi({"values": [[1], [254], [0]], **more}), PIXELS == 1)


def test_the_side_that_is_none_is_ignored():
    assert_same_bits(multi({"values": [[1], [254], [0]], "flags": None, "invert": None}), PIXELS == 1)
    assert_same_bits(multi({"flags": [{"low": True}, {}, {}], "values": None}), PIXELS & 1 != 0)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "bool", ">u2"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_result_has_the_shape_of_one_date(shape, dtype):
    stack = np.random.default_rng(5).integers(0, 2, (3, *shape)).astype(dtype)
    before = stack.copy()
    stack.flags.writeable = False
    found = multi({"values": [[1], [], [0]]}, stack)
    assert (found.dtype, found.shape) == (np.dtype(bool), shape)
    np.testing.assert_array_equal(found, (stack[0] == 1) & (stack[2] == 0))
    np.testing.assert_array_equal(stack, before)
    assert multi({"values": [[], [], []]}, stack).shape == shape


def test_stacks_may_be_views_and_lists():
    large = np.random.default_rng(6).integers(0, 3, (4, 40, 90)).astype(np.int16)
    for stack in (large[::2], large[1::-1, 3:-4, ::2], large[:2].transpose(0, 2, 1), large[:, :2].swapaxes(0, 1)):
        wanted = np.isin(stack[0], [0, 1]) & (stack[1] != 2)
        assert_same_bits(multi({"values": [[0, 1], [2]], "invert": [False, True]}, stack), wanted)
    assert multi({"values": [[0], [1]]}, [[0, 0], [0, 1]]).tolist() == [False, True]


@pytest.mark.parametrize("shape", [(3, 65), (7,), ()], ids=str)
def test_results_come_back_to_where_the_stack_was(backend, shape):
    chosen, stack = get(backend), np.random.default_rng(7).integers(0, 2, (2, *shape)).astype(np.uint8)
    given = chosen.asarray(stack)
    for values in ([[0], [1]], [[0], []], [[], []]):
        found = multi({"values": values}, given)
        assert type(found) is type(given)
        wanted = np.ones(shape, bool)
        for date, of_date in zip(stack, values, strict=True):
            wanted &= np.isin(date, of_date or [0, 1])
        np.testing.assert_array_equal(to_host(chosen, found), wanted)


def test_one_date_is_as_a_rule_about_none():
    for config in (
        {"values": [1, 7]},
        {"flags": {"low": True, "pair": "two"}},
        {"flags": {"or": {"low": True, "sign": True}}},
    ):
        wanted = MaskRule.from_config(config, DEFINITION).evaluate(PIXELS)
        assert_same_bits(multi({key: [entry] for key, entry in config.items()}, PIXELS[None]), wanted)


BAD_MULTI = [
    ("values", {"values": [[1], [2]]}),
    ("values", {"values": [[1], [2], [3], [4]]}),
    ("values", {"values": []}),
    ("flags", {"flags": [{"low": True}]}),
    ("flags", {"flags": [{"low": True}] * 4}),
    ("flags", {"flags": []}),
    ("invert", {"values": [[1], [2], [3]], "invert": [True, False]}),
    ("invert", {"values": [[1], [2], [3]], "invert": [True] * 4}),
    ("invert", {"values": [[1], [2], [3]], "invert": []}),
    ("invert", {"values": [[1], [2], [3]], "invert": True}),
    ("invert", {"values": [[1], [2], [3]], "invert": "TFT"}),
    ("invert", {"values": [[1], [2], [3]], "invert": [True, False, "False"]}),
    ("invert", {"values": [[1], [2], [3]], "invert": [True, False, None]}),
    ("invert", {"values": [[1], [], [3]], "invert": [True, "False", False]}),
    ("values", {"values": 1}),
    ("values", {"values": "123"}),
    ("values", {"values": {1: 2, 3: 4, 5: 6}}),
    ("values", {"values": [[1], [2], "3"]}),
    ("values", {"values": [[1], [2], ""]}),
    ("values", {"values": [[1], [2], {}]}),
    ("values", {"values": [[1], [2], {3: 3}]}),
    ("values", {"values": [[1], [2], [[3]]]}),
    ("values", {"values": [[1], [2], [None]]}),
    ("values", {"values": [[1], [2], float("nan")]}),
    ("flags", {"flags": {"low": True}}),
    ("flags", {"flags": [{"low": True}, {}, "low"]}),
    ("flags", {"flags": [{"low": True}, {}, ""]}),
    ("flags", {"flags": [{"low": True}, {}, {"lw": True}]}),
    ("flags", {"flags": [{"low": True}, {}, {"low": "yes"}]}),
    ("flags", {"flags": [{"low": True}, {}, {"or": {}}]}),
    ("flags", {"flags": [{"low": True}, {}, {"or": {"low": True}, "sign": True}]}),
    ("flags", {"flags": [{"low": True}, {}, {"or": {"low": True}, "and": {"sign": True}}]}),
    ("flags, values", {}),
    ("flags, values", {"values": None, "flags": None}),
    ("flags, values", {"values": [[1], [2], [3]], "flags": [{"low": True}, {}, {}]}),
    ("inverted", {"values": [[1], [2], [3]], "inverted": [True] * 3}),
    ("inverted", {"values": [[], [], []], "inverted": [True] * 3}),
    ("band", {"values": [[1], [2], [3]], "band": 7}),
]


@pytest.mark.parametrize(("key", "config"), BAD_MULTI, ids=repr)
def test_what_cannot_be_right_of_several_dates_is_an_error_that_names_the_key(key, config):
    with pytest.raises(MaskRuleError, match=f"^{key}: expected .*got "):
        MultiDateMaskRule.from_config(config, 3, DEFINITION)


def test_a_number_of_no_axes_is_a_number():
    assert_same_bits(multi({"values": [np.array(1), np.array(254), [0]]}), PIXELS == 1)


@pytest.mark.parametrize("config", [None, [[1]], "values", 7], ids=repr)
def test_a_rule_about_several_dates_that_is_no_mapping_is_an_error(config):
    with pytest.raises(MaskRuleError, match="^rule: "):
        MultiDateMaskRule.from_config(config, 1)


def test_flags_of_several_dates_need_a_definition():
    with pytest.raises(MaskRuleError, match="^flags_definition: "):
        multi({"flags": [{"low": True}, {}, {}]}, definition=None)


@pytest.mark.parametrize(
    "stack", [STACK[:2], STACK[[0, 1, 2, 0]], STACK[:0], np.uint8(3), PIXELS], ids=lambda s: str(s.shape)
)
def test_a_stack_of_other_dates_is_an_error(stack):
    with pytest.raises(MaskRuleError, match="^stack: expected 3 dates; got shape "):
        multi({"values": [[1], [2], [3]]}, stack, dates=3)


@pytest.mark.parametrize("dates", [0, -1, 1.5, "2", None], ids=repr)
def test_the_number_of_dates_is_a_whole_number_from_1(dates):
    with pytest.raises(MaskRuleError):
        MultiDateMaskRule.from_config({"values": [[1]] * 3 if dates else []}, dates)


def test_flags_of_bits_that_a_stack_lacks_are_an_error():
    config = {"flags": [{}, {"sign": True}]}
    with pytest.raises(MaskRuleError, match="sign"):
        multi(config, np.zeros((2, 5), bool))
    with pytest.raises(MaskRuleError, match="sign"):
        multi(config, np.full((2, 5), 0.5, np.float32))


# Beside datacube-ows.

BLOCKS, MAPS_IN_BLOCK, MULTI_IN_BLOCK = 5, 40, 40


@cache
def peer():
    """Return datacube-ows' module, and xarray."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        xarray = pytest.importorskip("xarray", exc_type=ImportError)
        pytest.importorskip("matplotlib.colors", exc_type=ImportError)
        return pytest.importorskip("datacube_ows.styles.colormap", exc_type=ImportError), xarray


STYLE = SimpleNamespace(local_band=lambda band: band, name="style", product=SimpleNamespace(name="layer"))


class Case(NamedTuple):
    """Bands, what their bits mean, and a value map for them."""

    bands: dict[str, np.ndarray]
    definitions: dict[str, Any]
    value_map: dict[str, list[dict[str, Any]]]


def random_band(rng, dtype, shape, pool_size=8):
    """Return a band of a few numbers, and these; what is beyond them of floats is cut off."""
    whole = np.dtype("uint16" if dtype.kind == "f" else dtype)
    info = np.iinfo(whole)
    pool = rng.integers(info.min, info.max, pool_size, whole, endpoint=True)
    pool[: pool_size // 2] = rng.integers(0, 50, pool_size // 2, whole)
    band = rng.choice(pool, shape)
    if dtype.kind == "f":
        return (band + rng.choice([0, 0, 0.5, 0.75], shape)).astype(dtype), pool
    return band, pool


def width_of(dtype):
    """Return the bits that the peer gets right."""
    return 16 if dtype.kind == "f" else 8 * dtype.itemsize - (dtype.kind == "i")


@cache
def random_map(block, index):
    """Make one of the seeded value maps."""
    rng = np.random.default_rng([21, block, index])
    shape = tuple(rng.integers(1, 6, rng.integers(0, 2)).tolist()) + (int(rng.integers(1, 6)), int(rng.integers(1, 90)))
    bands, definitions, value_map = {}, {}, {}
    for name in ["one", "two", "three"][: rng.integers(1, 4)]:
        dtype = np.dtype(pick(rng, [*DTYPES, "float32", "float64"]))
        bands[name], pool = random_band(rng, dtype, shape)
        definitions[name] = random_definition(rng, width_of(dtype))
        value_map[name] = []
        for _ in range(rng.integers(1, 5)):
            made = random_rule(rng, definitions[name], pool)
            value_map[name].append({key: each for key, each in made.items() if key != "band"} | random_colour(rng))
    return Case(bands, definitions, value_map)


def random_colour(rng):
    """Return a title, a colour, and perhaps alpha and mask."""
    names = ["red", "Teal", "REBECCAPURPLE", "lightgoldenrodyellow", "grey"]
    digits = "".join(rng.choice(list("0123456789abcdefABCDEF"), 8))
    color = pick(rng, [*names, f"#{digits}", f"#{digits[:6]}", f"#{digits[:6]}", f"#{digits[:3]}"])
    found = {"title": pick(rng, [None, "a title"]), "color": color}
    if rng.random() < 0.4:
        share = round(float(rng.random()), 3)
        found["alpha"] = pick(rng, [share, str(share), 0, 1, "1"])
    if rng.random() < 0.3:
        found["mask"] = bool(rng.random() < 0.7)
    return found


@cache
def map_by_peer(block, index):
    """Return datacube-ows' image for one of the value maps."""
    case = random_map(block, index)
    return image_by_peer(case)


def image_by_peer(case):
    theirs, xarray = peer()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = {
            name: [theirs.ValueMapRule(STYLE, name, dict(each)) for each in rules]
            for name, rules in case.value_map.items()
        }
        data = {name: data_array(xarray, band, case.definitions[name]) for name, band in case.bands.items()}
        image = theirs.apply_value_map(made, xarray.Dataset(data), lambda band: band)
    return np.stack([image[channel].values for channel in ("red", "green", "blue", "alpha")], -1).astype(np.uint8)


def data_array(xarray, band, definition, first=()):
    """Return a band with coordinates."""
    dims = [*first, *("layer", "y", "x")[-(band.ndim - len(first)) :]]
    coords = {name: np.arange(size) for name, size in zip(dims, band.shape, strict=True)}
    return xarray.DataArray(band, coords, dims, attrs={"flags_definition": definition})


@cache
def random_multi(block, index):
    """Make one of the seeded rules about several dates: stack, definition, rule."""
    rng = np.random.default_rng([22, block, index])
    dates, dtype = int(rng.integers(1, 5)), np.dtype(pick(rng, DTYPES))
    shape = tuple(rng.integers(1, 5, rng.integers(0, 2)).tolist()) + (int(rng.integers(1, 6)), int(rng.integers(1, 90)))
    stack, pool = random_band(rng, dtype, (dates, *shape), 6)
    definition, key = random_definition(rng, width_of(dtype)), pick(rng, ["flags", "values"])
    entries = []
    while len(entries) < dates:
        made = random_rule(rng, definition, pool)
        if rng.random() < 0.15:
            entries.append({} if key == "flags" else [])
        elif key in made and (key == "flags" or not made.get("flags")):
            entry = made[key]
            entries.append([entry] if isinstance(entry, int) else entry if key == "flags" else list(entry))
    config = {key: entries}
    if rng.random() < 0.7:
        config["invert"] = (rng.random(dates) < 0.4).tolist()
    return stack, definition, config


@cache
def multi_by_peer(block, index):
    stack, definition, config = random_multi(block, index)
    return matched_by_peer(config, stack, definition)


def matched_by_peer(config, stack, definition=None):
    """Return where datacube-ows says that a stack matches."""
    theirs, xarray = peer()
    handler = SimpleNamespace(max_count=len(stack), min_count=len(stack), style=STYLE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = theirs.MultiDateValueMapRule(handler, "qa", {"title": None, "color": "red", **config})
        return made.create_mask(data_array(xarray, stack, definition, ["time"])).values


@pytest.mark.parametrize("block", draws(BLOCKS))
def test_random_value_maps_are_coloured_as_datacube_ows_does(block):
    for index in range(MAPS_IN_BLOCK):
        case, wanted = random_map(block, index), map_by_peer(block, index)
        assert_same_bits(apply_value_map(case.value_map, case.bands, case.definitions), wanted, f"case {index}: {case}")


@pytest.mark.parametrize("block", draws(BLOCKS))
def test_random_rules_about_several_dates_match_what_datacube_ows_matches(block):
    for index in range(MULTI_IN_BLOCK):
        (stack, definition, config), wanted = random_multi(block, index), multi_by_peer(block, index)
        found = MultiDateMaskRule.from_config(config, len(stack), definition).evaluate(stack)
        assert_same_bits(found, wanted, f"case {index}: {stack.dtype} {config}")


@on_one_backend
def test_the_random_cases_are_worth_comparing():
    images = [map_by_peer(block, index) for block in range(BLOCKS) for index in range(MAPS_IN_BLOCK)]
    colours = [len(np.unique(image.reshape(-1, 4), axis=0)) for image in images]
    assert np.mean(np.array(colours) > 2) > 0.4
    cases = [random_map(block, index) for block in range(BLOCKS) for index in range(MAPS_IN_BLOCK)]
    assert {band.dtype.kind for case in cases for band in case.bands.values()} == {"u", "i", "f"}
    assert {len(case.bands) for case in cases} == {1, 2, 3}
    numbers = [(block, index) for block in range(BLOCKS) for index in range(MULTI_IN_BLOCK)]
    shares = np.array([multi_by_peer(*number).mean() for number in numbers])
    assert np.mean((shares > 0) & (shares < 1)) > 0.4
    assert {len(random_multi(*number)[0]) for number in numbers} == {1, 2, 3, 4}


# What the peer gets wrong.


def test_values_for_too_few_dates_are_an_error_not_cut_short():
    assert matched_by_peer({"values": [[1]]}, STACK).sum() == 1
    with pytest.raises(MaskRuleError, match="^values: expected 3 entries, one for each date; got 1"):
        multi({"values": [[1]]})


def test_nan_is_no_number_of_many_digits():
    band = np.array([[np.nan, 1.5]])
    rules = [rule("red", [7], invert=True)]
    assert image_by_peer(Case({"qa": band}, {"qa": None}, {"qa": rules}))[0, :, 0].tolist() == [255, 255]
    assert painted(rules, band)[0, :, 0].tolist() == [0, 255]


def test_an_empty_entry_matches_nan_where_the_peer_compares_it_with_itself():
    stack = np.array([[[np.nan, 1]], [[1, 1]]])
    assert matched_by_peer({"values": [[], [1]]}, stack).tolist() == [[False, True]]
    assert multi({"values": [[], [1]]}, stack).tolist() == [[True, True]]


def test_mask_and_invert_are_bools_not_what_python_takes_for_true():
    band = np.array([[0, 1]])
    case = Case({"qa": band}, {"qa": None}, {"qa": [rule("red", mask="False")]})
    assert image_by_peer(case)[0, 1].tolist() == [255, 0, 0, 0]
    with pytest.raises(MaskRuleError, match="^mask: "):
        apply_value_map(case.value_map, case.bands)
    assert matched_by_peer({"values": [[1]], "invert": ["False"]}, band[None]).tolist() == [[True, False]]
    with pytest.raises(MaskRuleError, match="^invert: "):
        multi({"values": [[1]], "invert": ["False"]}, band[None])
