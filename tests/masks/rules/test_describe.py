"""Rules in words."""

import pytest

from gpumask import MaskRule

pytestmark = pytest.mark.usefixtures("on_every_backend")


@pytest.mark.parametrize(
    ("config", "definition", "words"),
    [
        ({"flags": {"cloud_confidence": "high"}}, "landsat_c2_qa_pixel", "bits 8-9 of uint16 == 3 (high)"),
        ({"flags": {"cloud": True}}, "landsat_c2_qa_pixel", "bit 3 of uint16 == 1 (True)"),
        ({"flags": {"cloud": False}}, "hls_fmask", "bit 1 of uint8 == 0 (False)"),
        ({"flags": {"cloud": True}, "invert": True}, "hls_fmask", "not (bit 1 of uint8 == 1 (True))"),
        (
            {"flags": {"cloud": False, "aerosol": "high"}},
            "hls_fmask",
            "bit 1 of uint8 == 0 (False) and bits 6-7 of uint8 == 3 (high)",
        ),
        (
            {"flags": {"or": {"cloud": True, "water": True}}, "invert": True},
            "hls_fmask",
            "not (bit 1 of uint8 == 1 (True) or bit 5 of uint8 == 1 (True))",
        ),
        (
            {"flags": {"aerosol": ["low", "high"]}},
            "hls_fmask",
            "bits 6-7 of uint8 in (1, 3) (low, high) and value != 255",
        ),
        ({"flags": {"fill": False}}, "hls_fmask", "value != 255 (False)"),
        (
            {"flags": {"or": {"cloud": True, "water": True}}},
            "hls_fmask",
            "(bit 1 of uint8 == 1 (True) or bit 5 of uint8 == 1 (True)) and value != 255",
        ),
        ({"flags": {"gap": "x"}}, {"gap": {"bits": [1, 20], "values": {1: "x"}}}, "bits 1, 20 of uint32 == 1 (x)"),
        ({"flags": {"far": 1}}, {"far": {"bits": 63, "values": {1: 1}}}, "bit 63 of uint64 == 1 (1)"),
        ({"values": [3]}, None, "value == 3"),
        ({"values": [3, 7.0, 0.5]}, None, "value in (3, 7, 0.5)"),
        ({"values": 3, "invert": True}, None, "not (value == 3)"),
    ],
    ids=str,
)
def test_a_rule_in_words(config, definition, words):
    assert MaskRule.from_config(config, definition).explain() == words
