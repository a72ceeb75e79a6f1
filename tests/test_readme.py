"""What the README shows works."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"

pytestmark = pytest.mark.skipif(not README.is_file(), reason="not in a checkout")


def blocks(language):
    """Return the README's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)


def test_the_first_shell_block_has_the_two_commands():
    assert blocks("sh")[0].splitlines() == [
        "python -m pip install . && gpumask demo",
        "python -m pip install '.[test]' && python -m pytest",
    ]


def test_the_example_gives_what_its_comments_say():
    names = {}
    exec(blocks("python")[0], names)
    image, validity = names["result"]
    assert (image.shape, image.dtype) == ((3, 385, 385), "uint16")
    assert (validity.shape, validity.dtype) == ((385, 385), "uint8")
    assert 0 < validity.mean() < 1
    assert (image[:, validity == 0] == 0).all()


def test_the_names_of_the_examples_are_public():
    for block in blocks("python"):
        for names in re.findall(r"^from gpumask import (.+)$", block, re.MULTILINE):
            exec(f"from gpumask import {names}", {})


def test_the_pictures_and_links_are_there():
    for target in re.findall(r"\]\(([^)#:]+)\)", README.read_text()):
        assert (README.parent / target).is_file(), target
