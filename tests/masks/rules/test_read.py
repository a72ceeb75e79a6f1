"""Rules and flag definitions read from files."""

import json

import numpy as np
import pytest

from gpumask import MaskRule, MaskRuleError, ready_definitions
from gpumask.masks.morphology import check_filters
from gpumask.masks.rules.read import read_definition, read_rules, texts_read

DEFINITION = {"cloud": {"bits": 3, "values": {"0": False, "1": True}}}
RULES = [{"band": "qa", "flags": {"cloud": False}}, {"band": "qa", "values": [7], "invert": True}]
UNNAMED = [{key: each for key, each in rule.items() if key != "band"} for rule in RULES]
EXPECTED = [MaskRule.from_config(rule, DEFINITION) for rule in RULES]


def written(folder, content, name="rules.json"):
    """Write a text, or what JSON says of an object; return the file's name."""
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return str(folder / name)


@pytest.mark.parametrize(
    "content",
    [
        {"rules": RULES, "flags_definition": DEFINITION},
        {"pq_masks": RULES, "flags_definitions": {"qa": DEFINITION}},
        {"rules": UNNAMED, "flags_definition": DEFINITION},
    ],
)
@pytest.mark.parametrize("named", ["qa", ""])
def test_rules_are_the_same_in_every_form(tmp_path, content, named):
    """Rules that name no band are about the one that there is, and that has the name that rules use."""
    rules, grow, bands = read_rules(written(tmp_path, content), None, [(named, "qa.tif", 2)])
    name = "quality" if content["rules" if "rules" in content else "pq_masks"] is UNNAMED and not named else "qa"
    assert [(rule.tests, rule.inverted) for rule in rules] == [(rule.tests, rule.inverted) for rule in EXPECTED]
    assert {rule.band for rule in rules} == {name} and grow == [] and bands == {name: ("qa.tif", 2)}


def test_yaml_says_what_json_says(tmp_path):
    pytest.importorskip("yaml")
    text = """
rules:
- {band: qa, flags: {cloud: false}}
- {band: qa, values: [7], invert: true}
flags_definition: {cloud: {bits: 3, values: {'0': false, '1': true}}}
grow: [[opening, 1], [dilation, 2]]
"""
    content = {"rules": RULES, "flags_definition": DEFINITION, "grow": [["opening", 1], ["dilation", 2]]}
    bands = [("qa", "qa.tif", 1)]
    asked = written(tmp_path, text, "rules.yaml"), written(tmp_path, content)
    found, expected = (read_rules(path, None, bands) for path in asked)
    assert found == expected and found[1] == check_filters("grow", content["grow"]) != []


def test_a_definition_that_is_given_replaces_that_of_the_file(tmp_path):
    other = {"cloud": {"bits": 0, "values": {"0": False, "1": True}}}
    path = written(tmp_path, {"rules": RULES, "flags_definition": DEFINITION})
    rules, *_ = read_rules(path, written(tmp_path, other, "other.json"), [("qa", "qa.tif", 1)])
    assert rules[0].evaluate(np.array([1, 8], np.uint8), backend="numpy").tolist() == [False, True]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[", "rules.json"),
        ({"rules": []}, "expected a list of at least one rule"),
        ({"rules": RULES, "pq_masks": RULES}, "expected at most one of the two; got both"),
        ({"rules": RULES, "colour": "red"}, "colour: expected a list of rules"),
        ({"rules": RULES}, "rules.json: .*cloud"),
        ('[{"band": "qa", "values": 1, "band": "scl"}]', "band.* comes twice"),
        ({"rules": RULES, "flags_definition": DEFINITION, "grow": "big"}, "rules.json: grow"),
    ],
)
def test_what_cannot_be_right_is_refused_with_the_files_name(tmp_path, content, says):
    with pytest.raises(MaskRuleError, match=says) as caught:
        read_rules(written(tmp_path, content), None, [("qa", "qa.tif", 1)])
    assert "rules.json" in str(caught.value)


def test_two_bands_need_different_names(tmp_path):
    with pytest.raises(MaskRuleError, match="^quality: expected a different name for each band"):
        read_rules(written(tmp_path, RULES), None, [("qa", "a.tif", 1), ("qa", "b.tif", 1)])


def test_a_definition_is_a_ready_one_or_a_file_of_either_form(tmp_path):
    attributes = {"flag_masks": [8], "flag_meanings": "cloud"}
    assert read_definition(written(tmp_path, DEFINITION)) == DEFINITION
    for given in (written(tmp_path, attributes, "cf.json"), written(tmp_path, DEFINITION)):
        rule = MaskRule.from_config({"band": "qa", "flags": {"cloud": True}}, read_definition(given))
        assert rule.evaluate(np.array([0, 8], np.uint8), backend="numpy").tolist() == [False, True]
    ready = ready_definitions()[0]
    assert read_definition(ready)
    with pytest.raises(MaskRuleError, match=f"^definition: expected the name of a file, or one of {ready}"):
        read_definition("no-such-definition")


def test_files_that_are_read_are_named_by_their_options():
    assert texts_read("r.json", "d.json") == {"--rules": ["r.json"], "--definition": ["d.json"]}
    assert texts_read("r.json", ready_definitions()[0]) == {"--rules": ["r.json"]}
    assert texts_read(None, None) == {}
