"""What the pages in docs/ say is so."""

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gridr_scenes import quiet
from test_readme import blocks

DOCS = Path(__file__).parents[1] / "docs"
FROM_GRIDR = DOCS / "coming-from-gridr.md"

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="not in a checkout")


def test_the_page_of_where_gridr_fails_is_what_its_tests_say():
    made = subprocess.run([sys.executable, DOCS / "where_gridr_fails.py"], capture_output=True, text=True, check=True)
    again = "python docs/where_gridr_fails.py > docs/where-gridr-fails.md"
    assert made.stdout == (DOCS / "where-gridr-fails.md").read_text(), again


def test_every_file_about_where_gridr_fails_is_on_the_page():
    page = (DOCS / "where-gridr-fails.md").read_text()
    for path in Path(__file__).parent.glob("test_where_gridr_fails*.py"):
        assert f"](../tests/{path.name})" in page


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_the_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", (DOCS / page).read_text()):
        assert (DOCS / target).is_file(), target


def named(path):
    """Return what a dotted name stands for."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def test_each_of_gridrs_functions_has_its_name_arguments_and_defaults_here():
    pytest.importorskip("gridr.chain.grid_resampling_chain")
    pairs = re.findall(r"^\| `([\w.]+)`.* \| `([\w.]+)` \|$", FROM_GRIDR.read_text(), re.MULTILINE)
    for theirs, ours in pairs:
        assert theirs.rpartition(".")[2] == ours.rpartition(".")[2]
        peer, here = named(theirs), named(ours)
        if inspect.isfunction(peer):
            defaults = [{n: p.default for n, p in inspect.signature(f).parameters.items()} for f in (peer, here)]
            assert defaults[0] == defaults[1], ours
            assert list(defaults[0]) == list(defaults[1]), ours
    assert len(pairs) > 15


@pytest.mark.usefixtures("on_every_backend")
def test_the_example_gives_what_its_comments_say():
    pytest.importorskip("gridr.core.grid.grid_resampling")
    names = {}
    for block in blocks("python", FROM_GRIDR):
        with quiet():
            exec(block, names)
        for said in re.findall(r"^(.+)  # True$", block, re.MULTILINE):
            assert eval(said, names), said
    assert 0.1 < names["valid_after"].mean() < 0.95
    np.testing.assert_array_equal(names["result"].validity, names["valid_after"])


def test_the_page_of_crs_and_xarray_gives_what_it_says(tmp_path, monkeypatch):
    for needed in ("rioxarray", "dask.array", "distributed"):
        pytest.importorskip(needed)
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "example"}
    for block in blocks("python", DOCS / "warp-and-xarray.md"):
        exec(block, names)
    assert names["warped"].validity.dims == ("time", "y", "x") and 0.2 < names["warped"].validity.mean() < 0.9
    seen = (names["dates_seen"] > 0).values
    assert seen.any() and not seen.all()
    for made in ("median", "first"):
        np.testing.assert_array_equal(np.isfinite(names[made].values), seen)
