"""The headers of the kernels, and the defines that each says it needs."""

import re

from gpumask.backends.source import kernels_folder

HEADERS = sorted(path.name for path in kernels_folder().glob("*.cuh"))

VALUES = {"TAPS": "4", "SRC_T": "u16", "ACC_T": "f32", "STATISTIC": "2"}


def options_of(header):
    """Return the compiler's options for the defines that a header says it needs."""
    said = re.findall(r"Needs -D (\w+(?:, \w+)*)", (kernels_folder() / header).read_text())
    return [f"-D{name}={VALUES[name]}" for names in said for name in names.split(", ")]
