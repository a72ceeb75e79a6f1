"""Flag definitions that come with gpumask, and the page about flags."""

import inspect

import numpy as np
import pytest
from checkout import ROOT
from flag_cases import where
from pages import blocks

import gpumask
from gpumask import (
    describe_flags,
    flags_definition,
    mask_from_rules,
    ready_definitions,
)

pytestmark = pytest.mark.usefixtures("on_every_backend")


def test_nothing_else_is_true_where_fmask_is_fill():
    band, definition = np.arange(256, dtype=np.uint8), flags_definition("hls_fmask")
    fill = band == 255
    np.testing.assert_array_equal(where("hls_fmask", {"fill": True}, band), fill)
    np.testing.assert_array_equal(where("hls_fmask", {"fill": False}, band), ~fill)
    for name, entry in definition.items():
        for key, label in entry["values"].items():
            if name != "fill":
                expected = band >> np.min(entry["bits"]) & (1 << np.size(entry["bits"])) - 1 == int(key)
                np.testing.assert_array_equal(where("hls_fmask", {name: label}, band), expected & ~fill)
                inverted = where("hls_fmask", {name: label}, band, invert=True)
                np.testing.assert_array_equal(inverted, ~expected & ~fill)
    both = where("hls_fmask", {"or": {"fill": True, "cloud": True}}, band, invert=True)
    np.testing.assert_array_equal(both, band & 2 == 0)
    np.testing.assert_array_equal(where("hls_fmask", {"or": {"fill": True, "cloud": True}}, band), band & 2 != 0)
    nand = where("hls_fmask", {"fill": False, "cloud": False}, band, invert=True)
    np.testing.assert_array_equal(nand, fill | (band & 2 != 0))
    rows = {(row.flag, row.label): row.pixels for row in describe_flags(band, "hls_fmask")}
    assert rows["fill", True] == 1 and rows["fill", False] == 255
    assert rows["cloud", True] == 127 and rows["cloud", False] == 128


@pytest.mark.parametrize("dtype", ["int16", "uint16", "float32", "int64"])
def test_fmask_is_fill_in_every_type(dtype):
    band = np.array([255, 2, 0, 253], dtype)
    assert where("hls_fmask", {"cloud": True}, band).tolist() == [False, True, False, False]
    assert where("hls_fmask", {"fill": False}, band).tolist() == [False, True, True, True]
    rules = [{"band": "qa", "flags": {"cloud": True}, "invert": True}, {"band": "qa", "flags": {"adjacent": False}}]
    assert mask_from_rules(rules, {"qa": band}, "hls_fmask").tolist() == [False, False, True, False]


def test_the_quality_band_of_landsat_collection_1():
    # Values of the USGS' table of Landsat 8 Collection 1 BQA pixels, and what it says of them.
    said = {
        1: {"fill": True},
        2: {"fill": False, "terrain_occlusion_or_dropped_pixel": True},
        2720: {"cloud": False, "cloud_confidence": "low", "cloud_shadow_confidence": "low",
               "snow_ice_confidence": "low", "cirrus_confidence": "low", "radiometric_saturation": "none"},
        2724: {"radiometric_saturation": "1_to_2_bands"},
        2728: {"radiometric_saturation": "3_to_4_bands"},
        2732: {"radiometric_saturation": "5_or_more_bands"},
        2800: {"cloud": True, "cloud_confidence": "high", "cloud_shadow_confidence": "low"},
        2752: {"cloud": False, "cloud_confidence": "medium"},
        2976: {"cloud_shadow_confidence": "high", "cloud_confidence": "low"},
        3744: {"snow_ice_confidence": "high"},
        6816: {"cirrus_confidence": "high"},
    }  # fmt: skip
    for pixel, labels in said.items():
        for flag, label in labels.items():
            assert where("landsat_c1_bqa", {flag: label}, np.array([pixel], np.uint16)).all(), (pixel, flag)
    assert "before Collection 1" in flags_definition("landsat8_bqa")["cloud"]["description"]
    assert "landsat_c1_bqa" in ready_definitions()


@pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="not in a checkout")
def test_the_page_of_flags_is_so():
    page = ROOT / "docs" / "flags.md"
    for text in (page.read_text(), (ROOT / "README.md").read_text()):
        assert all(f"`{name}`" in text for name in ready_definitions())
    names: dict = {}
    for block in blocks("python", page):
        for line in block.splitlines():
            code, _, comment = line.partition("  # ")
            if comment.startswith("["):
                assert str(np.asarray(eval(code, names)).tolist()) == comment, line
            else:
                exec(code, names)
    text = inspect.getdoc(gpumask.masks.rules.flags)
    assert all(f'`"{key}": ' in text for key in ("bits", "otherwise", "except", "signed", "unusable"))
