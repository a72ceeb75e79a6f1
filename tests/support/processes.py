"""Python programs in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

IDENTITY = """
import logging, numpy as np, gpumask
logging.basicConfig(format="%(levelname)s %(message)s")
rows, cols = np.mgrid[0:66, 0:7].astype(float)
def run(**kwargs):
    result = gpumask.resample(rows, gpumask.Grid(rows, cols), **kwargs)
    assert (result.image == rows).all()
def run_footprint():
    assert (gpumask.footprint_validity(rows >= 0, "linear", "native")[1:-2, 1:-2] == 15).all()
"""


def python(code, **environment):
    """Run code in a new interpreter. Variables that are None are removed."""
    env = {**os.environ, **environment}
    env = {name: value for name, value in env.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=300, check=False
    )


needs_compiler = pytest.mark.skipif(
    not any(Path(folder, "g++").exists() for folder in os.environ["PATH"].split(":")), reason="no g++"
)
