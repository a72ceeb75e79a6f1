"""All pixels of 8 bits, flags within them, and rules about these."""

import numpy as np
import pytest

from gpumask import MaskRule, MaskRuleError

pixels = np.arange(256, dtype=np.uint8)

BIT = {"0": False, "1": True}

DEFINITION = {
    "cloud": {"bits": 6, "values": BIT, "description": "any cloud"},
    "shadow": {"bits": 3, "values": BIT},
    "water": {"bits": 0, "values": BIT},
    "conf": {"bits": [4, 5], "values": {"0": "none", "1": "low", "2": "medium", "3": "high"}},
}

CLOUD, SHADOW, WATER = (pixels >> bit & 1 == 1 for bit in (6, 3, 0))

CONF = pixels >> 4 & 3


def matches(config, band=pixels, definition=DEFINITION):
    return MaskRule.from_config(config, definition).evaluate(band)


def one_flag(entry, label, band=pixels):
    """Return where a band has a label of the only flag of a definition."""
    return matches({"flags": {"flag": label}}, band, {"flag": entry})


def assert_refused(config, *words, definition=DEFINITION):
    with pytest.raises(MaskRuleError) as caught:
        MaskRule.from_config(config, definition)
    for word in words:
        assert word in str(caught.value)


SHARING = {
    "low": {"bits": 0, "values": BIT},
    "pair": {"bits": [0, 1], "values": {0: "none", 1: "one", 2: "two", 3: "three"}},
    "again": {"bits": 0, "values": {0: "off", 1: "on"}},
}
