"""What the pages in docs/ say is so."""

import importlib
import inspect
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
from checkout import DOCS, ROOT, TESTS
from commands import read, run, write
from gridr_scenes import quiet
from pages import PAGES, anchors, blocks, commands, links, run_examples

from gpumask.cli import main

FROM_GRIDR = DOCS / "coming-from-gridr.md"

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="not in a checkout")


def test_the_page_of_where_gridr_fails_is_what_its_tests_say():
    made = subprocess.run([sys.executable, DOCS / "where_gridr_fails.py"], capture_output=True, text=True, check=True)
    again = "python docs/where_gridr_fails.py > docs/where-gridr-fails.md"
    assert made.stdout == (DOCS / "where-gridr-fails.md").read_text(), again


def test_every_file_about_where_gridr_fails_is_on_the_page():
    page = (DOCS / "where-gridr-fails.md").read_text()
    for path in sorted((TESTS / "gridr").glob("test_where_gridr_fails*.py")):
        assert f"](../tests/gridr/{path.name})" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_links_lead_somewhere(page):
    for target, anchor in links(page):
        assert target.is_file(), target
        assert not anchor or anchor in anchors(target), (target, anchor)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_files_that_are_named_are_there(page):
    text = re.sub(r"## Where things are\n.*?(?=^## )", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for path in re.findall(r"(?<![\w./])(?:gpumask|kernels|tests|bench|docs)/[\w/.-]*\w", text):
        if not re.search("/(NAME|CARD)\\b", path):
            assert (ROOT / path).exists(), path


def test_every_page_is_in_the_contents():
    contents = {path.name for path, _ in links(DOCS / "README.md")}
    assert {page.name for page in DOCS.glob("*.md")} <= contents


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_have_the_options_that_are_shown(page):
    for program, command, *words in commands(page):
        context = main.commands[command].make_context(f"{program} {command}", words)
        assert context.command.name == command


def test_the_commands_are_found_on_the_pages():
    found = {words[1] for page in PAGES for words in commands(page)}
    assert found == set(main.commands)


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


@pytest.mark.parametrize("page", ["arrays.md", "grids.md", "on-a-gpu.md"])
def test_the_examples_in_memory_give_what_their_comments_say(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Dataset has no geotransform")
        run_examples(DOCS / page, names)
    assert "resample" in names


def test_the_examples_of_files_give_what_they_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    names = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Dataset has no geotransform")
        write("SOURCE.tif", rng.integers(0, 4096, (3, 500, 500), np.uint16))
        write("CLOUDS.tif", (rng.random((500, 500)) < 0.01).astype(np.uint8))
        run_examples(DOCS / "files.md", names)
        assert read("OUTPUT.tif").shape == (3, 385, 385)
    assert 0 < names["done"].valid < 385 * 385
    assert {"read", "compute", "write", "all"} <= set(names["done"].seconds)


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
def test_the_rules_of_the_page_of_files_mask_clouds_and_what_is_around(tmp_path, monkeypatch):
    pytest.importorskip("yaml")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "RULES.yaml").write_text(blocks("yaml", DOCS / "files.md")[0])
    qa, scl = np.full((1, 40), 0b01 << 8, np.uint16), np.full((1, 40), 4, np.uint8)
    qa[0, 0], scl[0, -1] = 0b11 << 8, 9
    write("QA.tif", qa)
    write("SCL.tif", scl)
    bands = "--quality-band", "qa=QA.tif", "--quality-band", "scl=SCL.tif"
    run("mask", "--like", "QA.tif", "--rules", "RULES.yaml", *bands, "CLEAR.tif")
    assert read("CLEAR.tif").tolist() == [[[0] * 6 + [1] * 28 + [0] * 6]]


def test_the_page_of_xarray_gives_what_it_says(tmp_path, monkeypatch):
    for needed in ("rioxarray", "dask.array", "distributed"):
        pytest.importorskip(needed)
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "example"}
    run_examples(DOCS / "xarray.md", names)
    assert names["warped"].validity.dims == ("time", "y", "x") and 0.2 < names["warped"].validity.mean() < 0.9
    seen = (names["dates_seen"] > 0).values
    assert seen.any() and not seen.all()
    for made in ("median", "first"):
        np.testing.assert_array_equal(np.isfinite(names[made].values), seen)
