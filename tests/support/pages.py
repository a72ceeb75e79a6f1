"""The pages that people read: their examples, command lines and links."""

import ast
import contextlib
import re
import shlex

import gpu
import numpy as np
from checkout import DOCS, ROOT

README = ROOT / "README.md"
PAGES = [README, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]


def blocks(language, page=README):
    """Return the code blocks of a page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def run_examples(page, names):
    """Run a page's Python blocks one after the other, and check their comments. From the first CuPy on they need a GPU.

    A comment after an expression gives its value, or an array's shape and dtype.
    """
    with contextlib.ExitStack() as stack:
        for block in blocks("python", page):
            if "import cupy" in block:
                stack.enter_context(gpu.at_hand())
            exec(block, names)
            for code, said in re.findall(r"^(\S.*?)  # (.+)$", block, re.MULTILINE):
                check(code, said, names)
        found = gpu.hazards()
        assert not found, found


def check(code, said, names):
    """Check that an expression has the value that the comment after it says, if it says one."""
    array = re.match(r"(\([\d, ]+\)) (u?int\d+|float\d+)\b", said)
    with contextlib.suppress(SyntaxError):
        compile(code, "", "eval")
        if array:
            found = eval(code, names)
            assert (str(found.shape), found.dtype) == array.groups(), code
        with contextlib.suppress(ValueError):
            value = ast.literal_eval(said)
            np.testing.assert_equal(np.asarray(eval(code, names)).tolist(), np.asarray(value).tolist(), code)


def commands(page):
    """Return the gpumask commands in a page's shell blocks: lists of words."""
    lines = [line for block in blocks("sh", page) for line in block.splitlines()]
    parts = [part.strip() for line in lines for part in line.split("&&")]
    return [shlex.split(part, comments=True) for part in parts if part.startswith("gpumask ")]


def links(page):
    """Return the links of a page within this project: (path from the page, heading or "")."""
    found = re.findall(r"\]\(([^)\s#:]*)(?:#([^)\s]*))?\)", page.read_text())
    return [(page.parent / target if target else page, anchor) for target, anchor in found]


def anchors(page):
    """Return the names by which a page's headings are linked to."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
