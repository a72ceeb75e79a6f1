"""Rules in the pipeline: straight into the resampler, from files, and on the command line."""

import json

import numpy as np
import pytest
from commands import fails, read, run, write
from quality_files import CONFIG, DEFINITION, SHAPE, grid, quality, write_files

from gpumask import (
    GpumaskError,
    MaskRule,
    MaskRuleError,
    Window,
    describe_flags,
    mask_cleanup,
    mask_from_rules,
    resample,
)
from gpumask.backends import get
from gpumask.files.reading.quality import QualityBands
from gpumask.masks.rules.apply import factors_of

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")

RULES = [MaskRule.from_config(rule, DEFINITION) for rule in CONFIG]


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
@pytest.mark.parametrize("factors", [(2, 2), (3, 1), (1, 5), (4, 3)])
def test_a_coarser_band_stands_for_blocks_of_pixels(source, factors):
    coarse = quality(tuple(-(-size // factor) for size, factor in zip(SHAPE, factors, strict=True)))
    fine = np.repeat(np.repeat(coarse, factors[0], axis=0), factors[1], axis=1)[: SHAPE[0], : SHAPE[1]]
    expected = resample(source, grid(), "nearest", keep=RULES, quality={"qa": fine})
    found = resample(source, grid(), "nearest", keep=RULES, quality={"qa": coarse})
    np.testing.assert_array_equal(found.image, expected.image)
    np.testing.assert_array_equal(found.validity, expected.validity)


@pytest.mark.parametrize("size", [*range(1, 130), 10980])
def test_blocks_that_a_shape_tells_are_those_that_made_it(size):
    for factor in range(1, 60):
        coarse = -(-size // factor)
        try:
            found = factors_of("qa", (coarse, 1), (size, 1))[0]
        except MaskRuleError as error:
            assert size % coarse and "blocks of" in str(error)
            assert -(-size // (factor - 1)) == coarse or -(-size // (factor + 1)) == coarse
        else:
            assert found == (factor if size % coarse else size // coarse)


@pytest.mark.parametrize(
    ("how", "name"),
    [
        ({"keep": RULES}, "quality"),
        ({"quality": {"qa": quality()}}, "keep"),
        ({"keep": "cloud", "quality": {"qa": quality()}}, "keep"),
        ({"keep": [5], "quality": {"qa": quality()}}, r"keep\[0\]"),
        ({"keep": [{"values": 1}], "quality": {"qa": quality()}}, r"keep\[0\]"),
        ({"keep": RULES, "quality": {"qa": quality((6, 53))}}, "quality"),  # of blocks of 7 rows, or of 8
        ({"keep": RULES, "quality": {"other": quality()}}, "quality"),
        ({"keep": RULES, "quality": quality()}, "quality"),
        ({"keep": RULES, "quality": {"qa": quality((41, 50))}}, "quality"),
        ({"keep": RULES, "quality": {"qa": quality((5,))}}, "quality"),
        ({"keep": CONFIG, "quality": {"qa": quality()}}, "flags_definition"),
        ({"keep": RULES, "quality": {"qa": quality() + 0.5}}, "flags"),
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
    write(tmp_path / "image.tif", np.zeros(SHAPE, np.uint8))
    with rasterio.open(tmp_path / "qa.tif") as dataset, rasterio.open(tmp_path / "image.tif") as image:
        part = QualityBands(RULES, {"qa": (dataset, 1)}, image, [("erosion", 1), ("dilation", 4)])
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
    write_files(tmp_path, source)
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ("--rules", "rules.json", "--quality-band", "qa=qa.tif:2", "--definition", "definition.json"),
        ("--rules", "rules.yaml", "--quality-band", "qa=qa.tif:2", "--definition", "definition.json"),
        ("--rules", "unnamed.json", "--quality-band", "qa.tif:2", "--definition", "definition.json"),
        ("--rules", "style.json", "--quality-band", "qa=qa.tif:2"),
        ("--rules", "style.json", "--quality-band", "qa.tif:2"),
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
        (("--rules", "unnamed.json", "--quality-band", "qa.tif:2"), "--rules: unnamed.json: flags_definition"),
        (("--rules", "unnamed.json", "--quality-band", "qa.tif:2", "--definition", "landsat99"), "--definition"),
        (("--rules", "style.json", "--quality-band", "scl=qa.tif:2"), "--quality-band"),
        (
            ("--rules", "style.json", "--quality-band", "qa=qa.tif:2", "--quality-band", "qa=coarse.tif"),
            "--quality-band",
        ),
        (("--rules", "both.json", "--quality-band", "qa.tif:2"), "--rules: both.json: rules, pq_masks"),
        (("--rules", "typo.json", "--quality-band", "qa.tif:2"), "--rules: typo.json: bands"),
        (("--rules", "mask.json", "--quality-band", "qa.tif:2"), "--rules: mask.json: mask"),
        (("--rules", "none.json", "--quality-band", "qa.tif:2"), "--rules: none.json: rules: expected a list"),
        (("--rules", "grow.json", "--quality-band", "qa.tif:2"), "--rules: grow.json: grow"),
        (("--rules", "twice.yaml", "--quality-band", "qa.tif:2"), "--rules: twice.yaml: cloud comes twice"),
        (("--rules", "twice.json", "--quality-band", "qa.tif:2"), "--rules: twice.json: band comes twice"),
        (("--rules", "date.yaml", "--quality-band", "qa.tif:2"), "--rules: date.yaml: month"),
        (("--rules", "qa.tif", "--quality-band", "qa.tif:2"), "--rules: qa.tif"),
        (
            ("--rules", "rules.json", "--quality-band", "qa=qa.tif", "--definition", "bad.json"),
            "--definition: bad.json",
        ),
        (
            ("--rules", "rules.json", "--quality-band", "qa=qa.tif", "--definition", "broken.yaml"),
            "--definition: broken",
        ),
        (("--rules", "style.json", "--quality-band", "qa=complex.tif"), "--quality-band"),
        (("--rules", "style.json", "--quality-band", "qa=nothing.tif"), "--quality-band"),
        (("--rules", "style.json", "--quality-band", "qa=qa.tif:3"), "--quality-band"),
        (("--rules", "style.json", "--quality-band", "qa=grid.tif"), "--quality-band"),
        (("--rules", "style.json", "--quality-band", "qa=floats.tif"), "--quality-band"),
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


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int64", "uint64"])
def test_counts_are_of_what_rules_match(dtype):
    band = np.random.default_rng(1).integers(0, 256, (3, 50, 40)).astype(dtype)
    band[0, 0] = np.iinfo(dtype).min
    high = 8 * band.dtype.itemsize - 1
    definition = {**DEFINITION, "high": {"bits": [high - 1, high], "values": {"0": "a", "1": "b", "2": "c", "3": "d"}}}
    for row in describe_flags(band, definition):
        rule = MaskRule.from_config({"flags": {row.flag: row.label}}, definition)
        assert row.pixels == rule.evaluate(band, backend="numpy").sum(), row


def test_values_that_no_label_has_are_counted_too():
    rows = describe_flags(np.array([[0, 3], [3, 1]], np.int16), {"class": {"bits": [0, 1], "values": {0: "land"}}})
    assert [tuple(row) for row in rows] == [("class", 0, "land", 1), ("class", 1, None, 1), ("class", 3, None, 2)]


CRS, PLACE = "EPSG:32633", (10, 0, 500_000, 0, -10, 6_000_000)


@pytest.fixture
def placed(files):
    """The same files where they lie on the ground, with a quality band five times coarser."""
    affine = pytest.importorskip("affine")
    rasterio = pytest.importorskip("rasterio")
    for name in ("source.tif", "qa.tif"):
        with rasterio.open(name, "r+") as dataset:
            dataset.crs, dataset.transform = CRS, affine.Affine(*PLACE)

    def write_coarse(name, crs=CRS, place=(50, 0, 500_000, 0, -50, 6_000_000), shape=(9, 11)):
        write(name, quality(shape), crs=crs, transform=affine.Affine(*place))

    return write_coarse


def test_a_coarse_file_that_says_where_it_lies_stands_for_its_blocks(placed, files):
    # By its shape alone it could be made of blocks of 9 or of 10 pixels.
    placed("coarse.tif", place=(100, 0, 500_000, 0, -100, 6_000_000), shape=(5, 6))
    run("mask", "--like", "source.tif", "mask.tif", "--rules", "style.json", "--quality-band", "qa=coarse.tif")
    fine = np.repeat(np.repeat(quality((5, 6)), 10, axis=0), 10, axis=1)[: SHAPE[0], : SHAPE[1]]
    np.testing.assert_array_equal(read("mask.tif")[0], mask_from_rules(RULES, {"qa": fine}))


@pytest.mark.parametrize(
    "how",
    [
        {"crs": "EPSG:32634"},
        {"place": (50, 0, 500_030, 0, -50, 6_000_000)},
        {"place": (10, 0, 500_000, 0, -10, 6_000_000)},
        {"place": (47, 0, 500_000, 0, -47, 6_000_000)},
        {"place": (50, 0, 500_000, 0, 50, 6_000_000)},
        {"shape": (9, 12)},
    ],
    ids=str,
)
def test_a_quality_file_that_says_that_it_lies_elsewhere_is_refused(placed, files, how):
    placed("far.tif", **how)
    for command in (("mask", "--like", "source.tif"), ("resample", "source.tif", "grid.tif")):
        line = fails(*command, "out.tif", "--rules", "style.json", "--quality-band", "qa=far.tif")
        assert line.startswith("gpumask: --quality-band: expected 'qa' to lie, by its CRS and transform, on")


def test_what_a_virtual_quality_band_reads_is_not_overwritten(placed, files):
    from rasterio.shutil import copy  # noqa: PLC0415

    copy("qa.tif", "qa.vrt", driver="VRT")
    before = (files / "qa.tif").read_bytes()
    words = ("--rules", "style.json", "--quality-band", "qa=qa.vrt:2", "--overwrite")
    for command in (("mask", "--like", "source.tif"), ("resample", "source.tif", "grid.tif")):
        assert fails(*command, "qa.tif", *words).startswith("gpumask: OUTPUT: expected a file that is no input")
    assert (files / "qa.tif").read_bytes() == before


@pytest.mark.parametrize("text", ["rules.tif", "flags.tif"])
def test_the_rules_and_their_definition_are_not_overwritten(files, text):
    (files / "rules.tif").write_text(json.dumps(CONFIG))
    (files / "flags.tif").write_text(json.dumps(DEFINITION))
    before = (files / text).read_bytes()
    words = ("--rules", "rules.tif", "--definition", "flags.tif", "--quality-band", "qa=qa.tif:2", "--overwrite")
    name = "--rules" if text == "rules.tif" else "--definition"
    resampling = ("resample", "source.tif", "grid.tif")
    for argument, command in (
        ("OUTPUT", ("mask", "--like", "source.tif", text)),
        ("OUTPUT", (*resampling, text)),
        ("--validity", (*resampling, "out.tif", "--validity", text)),
    ):
        line = fails(*command, *words)
        assert line.startswith(f"gpumask: {argument}: expected a file that is no input; got ")
        assert line.endswith(f"{text}, which {name} reads\n")
    assert (files / text).read_bytes() == before


def test_a_file_that_is_there_stays_unless_told_otherwise(files):
    (files / "out.tif").write_text("precious")
    for command in (("mask", "--like", "source.tif"), ("resample", "source.tif", "grid.tif")):
        words = (*command, "out.tif", "--rules", "style.json", "--quality-band", "qa=qa.tif:2")
        assert fails(*words).startswith("gpumask: OUTPUT: expected a file that does not exist, or overwrite (--overwr")
        assert (files / "out.tif").read_text() == "precious"
    run(*words)
    assert read("out.tif").any()
