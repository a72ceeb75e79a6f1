"""Flags of float bands that hold whole numbers and NaN, as xarray makes of a band with a fill value."""

import numpy as np
import pytest
from commands import fails, read, run, write

from gpumask import (
    Grid,
    MaskRule,
    MaskRuleError,
    MultiDateMaskRule,
    apply_value_map,
    describe_flags,
    mask_from_rules,
    resample,
)

pytestmark = [
    pytest.mark.usefixtures("on_every_backend"),
    pytest.mark.filterwarnings("ignore:Dataset has no geotransform"),
]

FLOATS = ["float16", "float32", "float64", ">f2", ">f4", ">f8"]
DEFINITION = {
    "cloud": {"bits": 1, "values": {"0": False, "1": True}},
    "conf": {"bits": [2, 3], "values": {"0": "none", "1": "low", "3": "high"}},
    "class": {"bits": "all", "values": {"-3": "ice", "6": "water"}, "otherwise": "land"},
}
PIXELS = np.array([[-3, 0, 2, 6, 14, 0], [5, 2, 12, 6, 0, -4]])
MISSING = np.array([[0, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 1]], bool)
RULES = {
    "bits": ({"flags": {"cloud": True}}, PIXELS & 2 != 0),
    "a field": ({"flags": {"conf": ["low", "high"]}}, np.isin(PIXELS >> 2 & 3, (1, 3))),
    "classes": ({"flags": {"class": ["ice", "water"]}}, np.isin(PIXELS, (-3, 6))),
    "other classes": ({"flags": {"class": "land"}}, ~np.isin(PIXELS, (-3, 6))),
    "any": ({"flags": {"or": {"cloud": False, "class": "water"}}}, (PIXELS & 2 == 0) | (PIXELS == 6)),
    "values": ({"values": [6, -3, 2.5]}, np.isin(PIXELS, (6, -3))),
}


def floats(dtype="float32"):
    return np.where(MISSING, np.nan, PIXELS).astype(dtype)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", RULES)
def test_whole_numbers_are_tested_and_nan_matches_nothing_inverted_or_not(name, dtype):
    config, wanted = RULES[name]
    for part in (np.s_[:], np.s_[::-1], np.s_[:, 1::2], np.s_[1, 3]):
        band, valid, expected = floats(dtype)[part], ~MISSING[part], wanted[part]
        rule, turned = (MaskRule.from_config({**config, "invert": invert}, DEFINITION) for invert in (False, True))
        np.testing.assert_array_equal(rule.evaluate(band), expected & valid)
        np.testing.assert_array_equal(turned.evaluate(band), ~expected & valid)


def test_rules_of_both_kinds_are_anded_and_nan_is_kept_by_none():
    config = [
        {"band": "qa", "flags": {"cloud": False}},
        {"band": "qa", "values": [5], "invert": True},
        {"band": "whole", "flags": {"cloud": True}, "invert": True},
    ]
    found = mask_from_rules(config, {"qa": floats(), "whole": PIXELS}, DEFINITION)
    np.testing.assert_array_equal(found, (PIXELS & 2 == 0) & (PIXELS != 5) & ~MISSING)
    assert mask_from_rules([], {"qa": floats()}).all()


@pytest.mark.parametrize("dtype", ["float32", "float64", ">f4"])
@pytest.mark.parametrize("wrong", [0.5, -1e-3, 1e-42, np.inf, -np.inf, 2.0**63, 2.0**100, 16777215.5])
def test_what_is_no_whole_number_is_an_error_that_names_it(dtype, wrong):
    band = floats(dtype)
    band[1, 2] = wrong
    if band[1, 2] == np.trunc(band[1, 2]) and abs(wrong) < 2.0**62:
        pytest.skip("a whole number in this type")
    said = f"flags: expected whole numbers.*conf.*got {float(band[1, 2])!r}".replace("+", r"\+")
    with pytest.raises(MaskRuleError, match=said):
        MaskRule.from_config({"flags": {"conf": "low"}}, DEFINITION).evaluate(band)
    with pytest.raises(MaskRuleError, match="'qa'"):
        mask_from_rules([{"band": "qa", "flags": {"class": "ice"}}], {"qa": band}, DEFINITION)
    with pytest.raises(MaskRuleError, match="band: expected whole numbers"):
        describe_flags(band, DEFINITION)
    # Of values alone, no number is wrong.
    assert MaskRule.from_config({"values": [float(band[1, 2])]}).evaluate(band).sum() == 1


def test_large_whole_numbers_are_exact():
    band = np.array([2.0**53, -(2.0**63), 2.0**62, 2.0**24 + 1, np.nan])
    definition = {"class": {"bits": "all", "values": {str(2**53): "a", str(-(2**63)): "b", str(2**53 + 1): "c"}}}
    definition["top"] = {"bits": 62, "values": {"1": True}}
    for flags, wanted in (({"class": "a"}, [0]), ({"class": "b"}, [1]), ({"class": "c"}, []), ({"top": True}, [2])):
        found = MaskRule.from_config({"flags": flags}, definition).evaluate(band)
        assert np.flatnonzero(found).tolist() == wanted


def test_counts_are_those_of_the_whole_numbers_without_nan():
    for dtype in FLOATS:
        assert describe_flags(floats(dtype), DEFINITION) == describe_flags(PIXELS[~MISSING], DEFINITION)
    assert sum(row.pixels for row in describe_flags(floats(), DEFINITION)) == 3 * (~MISSING).sum()


def test_a_value_map_colours_them_and_nan_not_at_all():
    rules = [
        {"flags": {"class": "water"}, "color": "#ff0000"},
        {"flags": {"cloud": True}, "invert": True, "color": "#0000ff"},
    ]
    found = apply_value_map({"qa": rules}, {"qa": floats()}, DEFINITION)
    np.testing.assert_array_equal(found[..., 0] == 255, (PIXELS == 6) & ~MISSING)
    np.testing.assert_array_equal(found[..., 2] == 255, (PIXELS & 2 == 0) & (PIXELS != 6) & ~MISSING)


def test_several_dates_match_where_none_is_nan():
    rule = MultiDateMaskRule.from_config({"flags": [{"cloud": False}, {}], "invert": [True, False]}, 2, DEFINITION)
    stack = np.stack([floats(), np.full(PIXELS.shape, np.nan, np.float32)])
    np.testing.assert_array_equal(rule.evaluate(stack), (PIXELS & 2 != 0) & ~MISSING)


def test_bands_of_floats_in_the_resampler():
    y, x = np.mgrid[0:2, 0:6] * 1.0
    image = np.arange(12.0).reshape(2, 6)
    keep = [MaskRule.from_config({"band": "qa", "flags": {"cloud": False}}, DEFINITION)]
    found = resample(image, Grid(y, x), "nearest", keep=keep, quality={"qa": floats()})
    np.testing.assert_array_equal(found.validity != 0, (PIXELS & 2 == 0) & ~MISSING)


def test_bands_of_floats_from_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("image.tif", np.zeros((2, 6), np.uint8))
    write("qa.tif", floats())
    write("odd.tif", floats() + np.float32(0.25))
    (tmp_path / "rules.json").write_text('[{"flags": {"fill": false, "cloud": true}, "invert": true}]')
    words = ("--rules", "rules.json", "--definition", "hls_fmask", "--like", "image.tif", "mask.tif")
    run("mask", *words, "--quality-band", "qa.tif")
    np.testing.assert_array_equal(read("mask.tif")[0] != 0, (PIXELS & 2 == 0) & ~MISSING)
    line = fails("mask", *words, "--overwrite", "--quality-band", "odd.tif")
    assert line.startswith("gpumask: --quality-band: expected whole numbers")
    said = run("flags", "qa.tif", "--definition", "hls_fmask").stdout.splitlines()
    assert [line.split() for line in said if line.startswith("cloud ")] == [
        ["cloud", "0", "False", "5", "41.67", "%"],
        ["cloud", "1", "True", "4", "33.33", "%"],
    ]
    assert fails("flags", "odd.tif", "--definition", "hls_fmask").startswith("gpumask: FILE: expected whole numbers")


def test_what_xarray_decodes():
    xarray = pytest.importorskip("xarray", exc_type=ImportError)
    pytest.importorskip("gpumask.xarray", exc_type=ImportError)
    attrs = {
        "flag_values": np.array([0, 1, -32768, 256], np.int16),
        "flag_meanings": "clear cloud ice shadow",
        "_FillValue": np.int16(-1),
    }
    stored = np.array([[0, 1, -1, -32768], [256, 2, 0, -1]], np.int16)
    dataset = xarray.Dataset({"qa": (("y", "x"), stored, attrs)}, {"y": [1.0, 0.0], "x": [0.0, 1.0, 2.0, 3.0]})
    qa = xarray.decode_cf(dataset)["qa"]
    assert qa.dtype.kind == "f"
    image = qa.fillna(7.0).drop_attrs()
    for rule, wanted in (
        ({"flags": {"class": ["clear", "ice"]}}, np.isin(stored, (0, -32768))),
        ({"flags": {"class": ["cloud", "shadow"]}, "invert": True}, ~np.isin(stored, (1, 256, -1))),
        ({"values": [1, 256], "invert": True}, ~np.isin(stored, (1, 256, -1))),
    ):
        found = image.gpumask.keep(rule, qa).coords["validity"]
        np.testing.assert_array_equal(found.values != 0, wanted)
        lazy = image.gpumask.keep(rule, qa.chunk(x=3)).coords["validity"]
        np.testing.assert_array_equal(lazy.values != 0, wanted)
    with pytest.raises(MaskRuleError, match=r"got 0\.5"):
        image.gpumask.keep({"flags": {"class": "clear"}}, qa.copy(data=qa.values + 0.5))
