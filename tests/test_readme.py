"""What the README shows works."""

import re
import warnings

import numpy as np
import pytest
from commands import write
from pages import README, blocks, run_examples

from gpumask import quality_files

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


def test_the_rules_keep_what_is_no_cloud_no_shadow_and_no_fill(tmp_path):
    pytest.importorskip("yaml")
    (tmp_path / "RULES.yaml").write_text(blocks("yaml")[0])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Dataset has no geotransform")
        write(tmp_path / "QA.tif", np.zeros((4, 4), np.uint16))
    bands = [("", str(tmp_path / "QA.tif"), 1)]
    keep, *_ = quality_files.read_rules(str(tmp_path / "RULES.yaml"), "landsat_c2_qa_pixel", bands)
    clear, cloudy, shadow, fill = 0b01 << 8, 0b11 << 8, 1 << 4, 1
    pixels = np.array([clear, cloudy, shadow, fill], np.uint16)
    assert np.all([rule.evaluate(pixels) for rule in keep], axis=0).tolist() == [True, False, False, False]


def test_it_is_short():
    lines = README.read_text().splitlines()
    assert len(lines) <= 130
    tables = re.findall(r"(?:^\|.*\n)+", README.read_text(), re.MULTILINE)
    assert len(tables) == 2
    for table in tables:
        header, _, *rows = table.splitlines()
        assert header.count("|") - 1 <= 6 and len(rows) <= 8
