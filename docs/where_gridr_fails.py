"""Make docs/where-gridr-fails.md of the tests that it is about: of their names and docstrings.

`python docs/where_gridr_fails.py > docs/where-gridr-fails.md`
"""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests" / "gridr"
FILES = ("", "_in_bsplines", "_in_chains", "_in_masks")

HEAD = """# Where GridR fails

This page shows where GridR 0.7.0 fails, and what gpumask does instead. Each line is a test of this project. Each test
runs gpumask, and all but a few run GridR too, so that the page stays true. The right column is the test's name. This
page is made by `python docs/where_gridr_fails.py`.

[Coming from GridR](coming-from-gridr.md) says how to go from one to the other.
"""

# What a name can't spell.
SPELT = {
    " b spline": " B-spline",
    " callers ": " caller's ",
    " users ": " user's ",
    " nan ": " NaN ",
    " none ": " None ",
    " value error ": " ValueError ",
    " rasterize kwargs ": " `rasterize_kwargs` ",
    " mask influence threshold ": " `mask_influence_threshold` ",
    " check boundaries ": " `check_boundaries` ",
}


def page() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *(section(TESTS / f"test_where_gridr_fails{name}.py") for name in FILES)])


def section(path: Path) -> str:
    """Return a table of what one file tests."""
    module = ast.parse(path.read_text())
    title = (ast.get_docstring(module) or "").splitlines()[0].rstrip(".")
    rows = "".join(f"| {fails} | {holds} |\n" for fails, holds in lines(module))
    link = f"[tests/gridr/{path.name}](../tests/gridr/{path.name})"
    return f"## {title}\n\n{link}\n\n| GridR | gpumask |\n|---|---|\n{rows}"


def lines(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield what GridR does and what holds here, test by test."""
    for test in module.body:
        if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
            fails = ast.get_docstring(test)
            if not fails or "\n" in fails:
                raise SystemExit(f"{test.name}: expected a docstring of one line, what GridR does")
            yield fails, sentence(test.name)


def sentence(name: str) -> str:
    """Return a test's name as a sentence."""
    words = f" {name.removeprefix('test_').replace('_', ' ')} "
    for plain, right in SPELT.items():
        words = words.replace(plain, right)
    words = words.strip()
    return f"{words[0].upper()}{words[1:]}."


if __name__ == "__main__":
    print(page(), end="")
