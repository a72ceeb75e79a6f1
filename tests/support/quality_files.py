"""A source, its quality band, a grid, and rules in several forms."""

import json

import numpy as np
from commands import write

from gpumask import Grid

SHAPE = (41, 53)

DEFINITION = {
    "cloud": {"bits": [2, 3], "values": {"0": "none", "1": "maybe", "2": "reserved", "3": "yes"}},
    "shadow": {"bits": 5, "values": {"0": False, "1": True}},
}


def quality(shape=SHAPE):
    """Return a quality band where seven pixels in ten are kept."""
    rng = np.random.default_rng(4)
    return rng.choice(np.array([0, 1, 4, 12, 8, 32], np.uint8), shape, p=[0.4, 0.2, 0.15, 0.05, 0.1, 0.1])


CONFIG = [
    {"band": "qa", "flags": {"cloud": ["maybe", "yes"]}, "invert": True},
    {"band": "qa", "flags": {"shadow": False}},
]


def grid():
    y, x = np.mgrid[0:40:4, 0:52:4]
    return Grid(0.98 * y + 0.17 * x, 0.98 * x - 0.17 * y + 3, (4, 4))


def write_files(folder, source):
    """Write a source, its quality band, a grid, and rules in several forms to the current folder."""
    write("source.tif", source)
    write("qa.tif", np.stack([np.zeros(SHAPE, np.uint8), quality()]))
    write("coarse.tif", quality((21, 27)))
    write("floats.tif", quality() + np.float32(0.5))
    write("complex.tif", quality().astype(np.complex64))
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
        "both": {"rules": CONFIG, "pq_masks": CONFIG},
        "typo": [{"bands": "qa", "values": 1}],
        "mask": [{"mask": True, "values": 1}],
        "none": [],
        "grow": {"rules": [{"values": 1}], "grow": "big"},
        "bad": {"cloud": {"bits": 99, "values": {}}},
    }
    for name, content in forms.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    (folder / "rules.yaml").write_text(
        "- {band: qa, flags: {cloud: [maybe, yes]}, invert: true}  # yes is a label\n"
        "- {band: qa, flags: {shadow: false}}\n"
    )
    (folder / "broken.yaml").write_text("- {flags: ")
    (folder / "twice.yaml").write_text("- {flags: {cloud: none, cloud: maybe}}")
    (folder / "twice.json").write_text('[{"band": "qa", "values": 1, "band": "scl"}]')
    (folder / "date.yaml").write_text("- {values: [2020-13-45]}")
