"""The command flags: how many pixels have which label."""

import json

import numpy as np
import pytest
from commands import fails, run
from quality_files import DEFINITION, SHAPE, quality, write_files

from gpumask import MaskRuleError, describe_flags

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")


@pytest.fixture
def source():
    return np.random.default_rng(5).integers(1, 4000, (3, *SHAPE), np.uint16)


@pytest.fixture
def files(tmp_path, monkeypatch, source):
    """A folder with a source, its quality band, a grid, and rules in several forms."""
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path, source)
    return tmp_path


def test_flags_prints_how_many_pixels_have_which_label(files):
    said = run("flags", "qa.tif:2", "--definition", "definition.json").stdout.splitlines()
    rows = describe_flags(quality(), DEFINITION)
    assert len(said) == len(rows) == 6
    for line, row in zip(said, rows, strict=True):
        assert line.split()[:4] == [row.flag, str(row.value), str(row.label), str(row.pixels)]
    assert sum(row.pixels for row in rows) == 2 * quality().size
    assert fails("flags", "qa.tif", "--definition", "landsat99").startswith("gpumask: --definition: expected")


def test_bits_that_a_band_lacks_are_not_counted(files):
    definition = {"conf": {"bits": [8, 9], "values": {"0": "none", "3": "high"}}}
    with pytest.raises(MaskRuleError, match=r"^band: expected a band with bits 8-9 of uint16 for conf; got int8"):
        describe_flags(np.array([-1], np.int8), definition)
    (files / "wide.json").write_text(json.dumps(definition))
    assert fails("flags", "qa.tif", "--definition", "wide.json").startswith("gpumask: FILE: expected a band with bits")


def test_flags_are_defined_by_the_attributes_of_a_file_too(files):
    attributes = {"flag_masks": [4, 8], "flag_meanings": "a b"}
    (files / "cf.json").write_text(json.dumps(attributes))
    said = run("flags", "qa.tif:2", "--definition", "cf.json").stdout
    assert [line.split()[0] for line in said.splitlines()] == ["a", "a", "b", "b"]
