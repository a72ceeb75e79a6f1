"""What the README shows works."""

import re

import numpy as np
import pytest
from commands import read, run, write
from pages import README, blocks, run_examples

pytestmark = pytest.mark.skipif(not README.is_file(), reason="not in a checkout")


def test_the_first_shell_block_has_the_two_commands():
    assert blocks("sh")[0].splitlines() == [
        "python -m pip install . && gpumask demo",
        "python -m pip install '.[test]' && python -m pytest",
    ]


def test_the_examples_give_what_their_comments_say():
    pytest.importorskip("rioxarray")
    names = {}
    run_examples(README, names)
    image, validity = (array.get() for array in names["result"])
    assert (image.shape, image.dtype) == ((3, 385, 385), "uint16")
    assert 0 < validity.mean() < 1
    assert (image[:, validity == 0] == 0).all()
    scene, warped = names["scene"], names["warped"]
    assert scene.rio.crs != warped.rio.crs
    assert warped.validity.dims == ("y", "x") and 0 < warped.validity.mean() < 1


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
def test_the_rules_keep_what_is_no_cloud_no_shadow_and_no_fill(tmp_path, monkeypatch):
    pytest.importorskip("yaml")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "RULES.yaml").write_text(blocks("yaml")[0])
    clear, cloudy, shadow, fill = 0b01 << 8, 0b11 << 8, 1 << 4, 1
    write("QA.tif", np.array([[clear, cloudy, shadow, fill]], np.uint16))
    words = "--like", "QA.tif", "--rules", "RULES.yaml", "--quality-band", "QA.tif"
    run("mask", *words, "--definition", "landsat_c2_qa_pixel", "CLEAR.tif")
    assert read("CLEAR.tif").tolist() == [[[1, 0, 0, 0]]]


def test_it_is_short():
    lines = README.read_text().splitlines()
    assert len(lines) <= 130
    tables = re.findall(r"(?:^\|.*\n)+", README.read_text(), re.MULTILINE)
    assert len(tables) == 2
    for table in tables:
        header, _, *rows = table.splitlines()
        assert header.count("|") - 1 <= 6 and len(rows) <= 8
