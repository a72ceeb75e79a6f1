"""What the README shows works."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from commands import read, write

README = Path(__file__).parents[1] / "README.md"

pytestmark = pytest.mark.skipif(not README.is_file(), reason="not in a checkout")


def blocks(language, page=README):
    """Return a page's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def test_the_first_shell_block_has_the_two_commands():
    assert blocks("sh")[0].splitlines() == [
        "python -m pip install . && gpumask demo",
        "python -m pip install '.[test]' && python -m pytest",
    ]


def test_the_examples_give_what_their_comments_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    names = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Dataset has no geotransform")
        write("SOURCE.tif", rng.integers(0, 4096, (3, 500, 500), np.uint16))
        write("CLOUDS.tif", (rng.random((500, 500)) < 0.01).astype(np.uint8))
        for block in blocks("python"):
            exec(block, names)
        assert read("OUTPUT.tif").shape == (3, 385, 385)
    assert (tmp_path / "GRID.tif").is_file()
    image, validity = names["result"]
    assert (image.shape, image.dtype) == ((3, 385, 385), "uint16")
    assert (validity.shape, validity.dtype) == ((385, 385), "uint8")
    assert 0 < validity.mean() < 1
    assert (image[:, validity == 0] == 0).all()
    assert 0 < names["done"].valid < validity.size


def test_the_pictures_and_links_are_there():
    for target in re.findall(r"\]\(([^)#:]+)\)", README.read_text()):
        assert (README.parent / target).is_file(), target
