"""Rules in the pipeline: straight into the resampler, from files, and on the command line."""

import json

import numpy as np
import pytest
from commands import fails, read, run, write

from gpumask import (
    GpumaskError,
    Grid,
    MaskRule,
    MaskRuleError,
    Window,
    describe_flags,
    mask_cleanup,
    mask_from_rules,
    resample,
)
from gpumask.backends import get
from gpumask.quality_files import QualityBands

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")

SHAPE = (41, 53)
DEFINITION = {
    "cloud": {"bits": [2, 3], "values": {"0": "none", "1": "maybe", "2": "reserved", "3": "yes"}},
    "shadow": {"bits": 5, "values": {"0": False, "1": True}},
}
CONFIG = [
    {"band": "qa", "flags": {"cloud": ["maybe", "yes"]}, "invert": True},
    {"band": "qa", "flags": {"shadow": False}},
]
RULES = [MaskRule.from_config(rule, DEFINITION) for rule in CONFIG]


def quality(shape=SHAPE):
    """Return a quality band where seven pixels in ten are kept."""
    rng = np.random.default_rng(4)
    return rng.choice(np.array([0, 1, 4, 12, 8, 32], np.uint8), shape, p=[0.4, 0.2, 0.15, 0.05, 0.1, 0.1])


def grid():
    y, x = np.mgrid[0:40:4, 0:52:4]
    return Grid(0.98 * y + 0.17 * x, 0.98 * x - 0.17 * y + 3, (4, 4))


@pytest.fixture
def source():
    return np.random.default_rng(5).integers(1, 4000, (3, *SHAPE), np.uint16)


@pytest.mark.usefixtures("on_every_backend")
def test_rules_in_one_call_give_the_bits_of_mask_first_and_resample_after(source):
    kept = mask_from_rules(RULES, {"qa": quality()})
    expected = resample(source, grid(), "linear", source_valid=kept)
    found = resample(source, grid(), "linear", keep=RULES, quality={"qa": quality()})
    np.testing.assert_array_equal(found.image, expected.image)
    np.testing.assert_array_equal(found.validity, expected.validity)
    assert 0.05 < found.validity.mean() < 0.95


def test_rules_may_come_from_an_iterator(source):
    expected = resample(source, grid(), "linear", keep=RULES, quality={"qa": quality()}, backend="numpy")
    found = resample(source, grid(), "linear", keep=iter(RULES), quality={"qa": quality()}, backend="numpy")
    np.testing.assert_array_equal(found.validity, expected.validity)


@pytest.mark.usefixtures("on_every_backend")
def test_rules_and_a_validity_are_anded(source):
    valid = np.random.default_rng(6).random(SHAPE) < 0.9
    both = mask_from_rules(RULES, {"qa": quality()}) & valid
    expected = resample(source, grid(), "linear", source_valid=both)
    found = resample(source, grid(), "linear", source_valid=valid, keep=RULES, quality={"qa": quality()})
    np.testing.assert_array_equal(found.validity, expected.validity)


@pytest.mark.usefixtures("on_every_backend")
@pytest.mark.parametrize("factors", [(2, 2), (3, 1), (1, 5), (7, 4)])
def test_a_coarser_band_stands_for_blocks_of_pixels(source, factors):
    coarse = quality(tuple(-(-size // factor) for size, factor in zip(SHAPE, factors, strict=True)))
    fine = np.repeat(np.repeat(coarse, factors[0], axis=0), factors[1], axis=1)[: SHAPE[0], : SHAPE[1]]
    expected = resample(source, grid(), "nearest", keep=RULES, quality={"qa": fine})
    found = resample(source, grid(), "nearest", keep=RULES, quality={"qa": coarse})
    np.testing.assert_array_equal(found.image, expected.image)
    np.testing.assert_array_equal(found.validity, expected.validity)


@pytest.mark.parametrize(
    ("how", "name"),
    [
        ({"keep": RULES}, "keep, quality"),
        ({"quality": {"qa": quality()}}, "keep, quality"),
        ({"keep": RULES, "quality": {"other": quality()}}, "quality"),
        ({"keep": RULES, "quality": quality()}, "quality"),
        ({"keep": RULES, "quality": {"qa": quality((41, 50))}}, "quality"),
        ({"keep": RULES, "quality": {"qa": quality((5,))}}, "quality"),
        ({"keep": CONFIG, "quality": {"qa": quality()}}, "flags_definition"),
        ({"keep": RULES, "quality": {"qa": quality().astype(float)}}, "flags"),
    ],
)
def test_rules_that_cannot_be_right_are_refused(source, how, name):
    with pytest.raises(MaskRuleError, match=f"^{name}: expected"):
        resample(source, grid(), **how)


@pytest.mark.usefixtures("on_every_backend")
@pytest.mark.parametrize("grow", [3, [("opening", 1), ("dilation", 4)]])
def test_what_is_not_kept_grows(grow):
    plain = mask_from_rules(RULES, {"qa": quality()})
    filters = [("dilation", 3)] if grow == 3 else grow
    np.testing.assert_array_equal(mask_from_rules(RULES, {"qa": quality()}, grow=grow), ~mask_cleanup(~plain, filters))
    with pytest.raises(GpumaskError, match="^grow: expected"):
        mask_from_rules(RULES, {"qa": quality()}, grow=[("melt", 2)])


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("factors", [(1, 1), (2, 3)])
def test_windows_of_quality_files_are_parts_of_the_whole(tmp_path, backend, factors):
    rasterio = pytest.importorskip("rasterio")
    coarse = quality(tuple(-(-size // factor) for size, factor in zip(SHAPE, factors, strict=True)))
    write(tmp_path / "qa.tif", coarse)
    with rasterio.open(tmp_path / "qa.tif") as dataset:
        part = QualityBands(RULES, {"qa": (dataset, 1)}, SHAPE, [("erosion", 1), ("dilation", 4)])
        host = np.empty(0)
        whole = get(backend).to_family_of(host, part.validity(Window.of_shape(SHAPE), get(backend)))
        fine = np.repeat(np.repeat(coarse, factors[0], axis=0), factors[1], axis=1)[: SHAPE[0], : SHAPE[1]]
        grow = [("erosion", 1), ("dilation", 4)]
        np.testing.assert_array_equal(whole, mask_from_rules(RULES, {"qa": fine}, grow=grow))
        for window in Window.of_shape(SHAPE).tiles(9, 11):
            found = get(backend).to_family_of(host, part.validity(window, get(backend)))
            np.testing.assert_array_equal(found, whole[window.slices])


@pytest.fixture
def files(tmp_path, monkeypatch, source):
    """A folder with a source, its quality band, a grid, and rules in several forms."""
    monkeypatch.chdir(tmp_path)
    write("source.tif", source)
    write("qa.tif", np.stack([np.zeros(SHAPE, np.uint8), quality()]))
    write("coarse.tif", quality((21, 27)))
    write("floats.tif", quality().astype(np.float32))
    nodes = grid()
    write("grid.tif", np.stack([nodes.row, nodes.col]))
    unnamed = [{key: value for key, value in rule.items() if key != "band"} for rule in CONFIG]
    forms = {
        "rules": CONFIG,
        "unnamed": unnamed,
        "style": {"pq_masks": CONFIG, "flags_definitions": {"qa": DEFINITION}},
        "grown": {"rules": unnamed, "flags_definition": DEFINITION, "grow": [["opening", 1], ["dilation", 2]]},
        "definition": DEFINITION,
        "odd": {"rules": CONFIG, "colour": "red"},
        "unknown": [{"flags": {"haze": True}}],
    }
    for name, content in forms.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    (tmp_path / "rules.yaml").write_text(
        "- {band: qa, flags: {cloud: [maybe, yes]}, invert: true}  # yes is a label\n"
        "- {band: qa, flags: {shadow: false}}\n"
    )
    (tmp_path / "broken.yaml").write_text("- {flags: ")
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ("--rules", "rules.json", "--quality-band", "qa=qa.tif:2", "--definition", "definition.json"),
        ("--rules", "rules.yaml", "--quality-band", "qa=qa.tif:2", "--definition", "definition.json"),
        ("--rules", "unnamed.json", "--quality-band", "qa.tif:2", "--definition", "definition.json"),
        ("--rules", "style.json", "--quality-band", "qa=qa.tif:2"),
    ],
)
def test_the_command_line_gives_what_one_call_gives(files, source, words):
    pytest.importorskip("yaml")
    expected = resample(source, grid(), "linear", keep=RULES, quality={"qa": quality()}, backend="numpy")
    run("resample", "source.tif", "grid.tif", "out.tif", "--resolution", 4, 4, "--interp", "linear", *words,
        "--validity", "valid.tif", "--backend", "numpy", "--tile", 7, 16)  # fmt: skip
    np.testing.assert_array_equal(read("out.tif"), expected.image)
    np.testing.assert_array_equal(read("valid.tif")[0], expected.validity)
    run("mask", "--like", "source.tif", "mask.tif", *words, "--backend", "numpy")
    np.testing.assert_array_equal(read("mask.tif")[0], mask_from_rules(RULES, {"qa": quality()}))


def test_coarse_bands_and_growth_from_the_command_line(files):
    coarse = np.repeat(np.repeat(quality((21, 27)), 2, axis=0), 2, axis=1)[: SHAPE[0], : SHAPE[1]]
    run(
        "mask",
        "--like",
        "source.tif",
        "mask.tif",
        "--rules",
        "grown.json",
        "--quality-band",
        "coarse.tif",
        "--tile",
        8,
        8,
    )
    expected = mask_from_rules(RULES, {"qa": coarse}, grow=[("opening", 1), ("dilation", 2)])
    np.testing.assert_array_equal(read("mask.tif")[0], expected)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("--rules", "nothing.json", "--quality-band", "qa.tif:2"), "--rules"),
        (("--rules", "broken.yaml", "--quality-band", "qa.tif:2"), "--rules"),
        (("--rules", "odd.json", "--quality-band", "qa=qa.tif:2"), "--rules"),
        (("--rules", "unknown.json", "--quality-band", "qa.tif:2", "--definition", "definition.json"), "--rules"),
        (("--rules", "unnamed.json", "--quality-band", "qa.tif:2"), "--definition"),
        (("--rules", "unnamed.json", "--quality-band", "qa.tif:2", "--definition", "landsat99"), "--definition"),
        (("--rules", "style.json", "--quality-band", "scl=qa.tif:2"), "--quality-band"),
        (
            ("--rules", "style.json", "--quality-band", "qa=qa.tif:2", "--quality-band", "qa=coarse.tif"),
            "--quality-band",
        ),
        (("--rules", "style.json", "--quality-band", "qa=nothing.tif"), "--quality-band"),
        (("--rules", "style.json", "--quality-band", "qa=qa.tif:3"), "--quality-band"),
        (("--rules", "style.json", "--quality-band", "qa=grid.tif"), "--quality-band"),
        (("--rules", "style.json", "--quality-band", "qa=floats.tif"), "--rules"),
    ],
)
def test_failure_is_one_line_that_names_the_argument(files, words, name):
    before = sorted(files.iterdir())
    resampling = ("resample", "source.tif", "grid.tif", "out.tif", "--resolution", 4, 4)
    for command in (resampling, ("mask", "--like", "source.tif", "out.tif")):
        assert fails(*command, *words, "--backend", "numpy").startswith(f"gpumask: {name}")
    assert sorted(files.iterdir()) == before


@pytest.mark.parametrize("words", [("--rules", "rules.json"), ("--quality-band", "qa.tif"), ("--definition", "x")])
def test_rules_and_quality_bands_come_together(files, words):
    assert words[0] in fails("resample", "source.tif", "grid.tif", "out.tif", *words, code=2)


def test_flags_prints_how_many_pixels_have_which_label(files):
    said = run("flags", "qa.tif:2", "--definition", "definition.json").stdout.splitlines()
    rows = describe_flags(quality(), DEFINITION)
    assert len(said) == len(rows) == 6
    for line, row in zip(said, rows, strict=True):
        assert line.split()[:4] == [row.flag, str(row.value), str(row.label), str(row.pixels)]
    assert sum(row.pixels for row in rows) == 2 * quality().size
    assert fails("flags", "qa.tif", "--definition", "landsat99").startswith("gpumask: --definition: expected")


def test_values_that_no_label_has_are_counted_too():
    rows = describe_flags(np.array([[0, 3], [3, 1]], np.int16), {"class": {"bits": [0, 1], "values": {0: "land"}}})
    assert [tuple(row) for row in rows] == [("class", 0, "land", 1), ("class", 1, None, 1), ("class", 3, None, 2)]
