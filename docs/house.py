"""The map of the house: which modules are where, what they import, and on how many floors they lie.

`python docs/house.py` prints it for this checkout, and `python docs/house.py CHECKOUT` for another. With --write the
map in CONTRIBUTING.md is made anew. A test checks that it is true, that no imports go round in circles, and that
none goes up. Another checks that each module has a test file of its name.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
MARKS = "<!-- house -->", "<!-- /house -->"

# Folders from the ground up. What lies in one imports from the same folder, and from those before it.
FOLDERS = (
    "", "pixels", "backends", "grids/places", "grids", "masks", "masks/rules", "resampling", "files/reading",
    "files/tiles", "files/writing", "files", "gridr", "xarray", "cli",
)  # fmt: skip


class House:
    """The modules of a package: `path` is its folder; `modules` are their files by dotted names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.modules = {self._name(file): file for file in sorted(path.rglob("*.py"))}
        self.arrows = {name: sorted(self._imported(name)) for name in self.modules}

    def _name(self, file: Path) -> str:
        """Return a file's dotted name."""
        parts = file.relative_to(self.path.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def _imported(self, name: str) -> Iterator[str]:
        """Yield the modules that one imports, wherever in it: not those packages that are loaded on the way."""
        for node in ast.walk(ast.parse(self.modules[name].read_text())):
            if isinstance(node, ast.Import):
                found = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                found = [f"{node.module}.{alias.name}" for alias in node.names]
                found = [each if each in self.modules else node.module for each in found]
            else:
                continue
            yield from {each for each in found if each in self.modules and each != name}

    def folder(self, name: str) -> str:
        """Return the folder that a module lies in, "" for that of the package."""
        return "/".join(self.modules[name].relative_to(self.path).parent.parts)

    def folders(self) -> dict[str, list[str]]:
        """Return the names of modules by their folders, packages' own files left out."""
        found: dict[str, list[str]] = {folder: [] for folder in FOLDERS}
        for name, file in self.modules.items():
            if file.stem != "__init__":
                found.setdefault(self.folder(name), []).append(file.stem)
        return {folder: stems for folder, stems in found.items() if stems}

    def chain(self) -> list[str]:
        """Return the longest chain of imports; modules that go round in circles count one by one."""
        return longest_chain(self.arrows, self.circles())

    def top_folders(self) -> dict[str, list[str]]:
        """Return which folders of the package import from which, whatever folders are in them."""
        found: dict[str, set[str]] = {}
        for name, below in self.arrows.items():
            if name != self.path.name:
                tops = {self.folder(each).partition("/")[0] for each in below if each != self.path.name}
                found.setdefault(self.folder(name).partition("/")[0], set()).update(tops)
        return {top: sorted(below - {top}) for top, below in found.items()}

    @cache  # noqa: B019  # of a script
    def circles(self) -> list[list[str]]:
        """Return groups of modules that import each other, straight or by way of others."""
        reached = {name: self._reached(name) for name in self.modules}
        found: list[list[str]] = []
        for name in self.modules:
            group = sorted(each for each in reached[name] if name in reached[each])
            if group and group not in found:
                found.append(group)
        return found

    def _reached(self, name: str) -> set[str]:
        """Return all that a module imports, straight or by way of others."""
        found: set[str] = set()
        waiting = list(self.arrows[name])
        while waiting:
            each = waiting.pop()
            if each not in found:
                found.add(each)
                waiting += self.arrows[each]
        return found

    def upwards(self) -> list[tuple[str, str]]:
        """Return imports that go up: from a folder to one that lies above it."""
        floor = {folder: number for number, folder in enumerate(FOLDERS)}
        return [
            (name, each)
            for name, below in self.arrows.items()
            for each in below
            if self.path.name not in (name, each)
            if floor.get(self.folder(name), -1) < floor.get(self.folder(each), -1)
        ]

    def untested(self, tests: Path) -> list[str]:
        """Return modules without a test file of their name, in the folder of tests that mirrors their own."""
        wanted = {name: tests / self.folder(name) / f"test_{file.stem}.py" for name, file in self.modules.items()}
        return [name for name, path in wanted.items() if path.stem != "test___init__" and not path.is_file()]

    def table(self) -> str:
        """Return the map as a table of Markdown, from the top down."""
        lines = ["| folder | what it is for | modules |", "|---|---|---|"]
        for folder, stems in sorted(self.folders().items(), key=lambda pair: -FOLDERS.index(pair[0])):
            said = ast.get_docstring(ast.parse((self.path / folder / "__init__.py").read_text())) or ""
            what = " ".join(said.split("\n\n")[0].split()) if folder else "What all others may use."
            lines.append(f"| `{self.path.name}/{folder}{'/' if folder else ''}` | {what} | {', '.join(stems)} |")
        return "\n".join(lines)


def main(*words: str) -> None:
    """Print the map, or write it."""
    if "--write" in words:
        page = ROOT / "CONTRIBUTING.md"
        page.write_text(with_map(page.read_text()))
        return
    house = House(Path(words[0] if words else ROOT) / "gpumask")
    for folder, stems in house.folders().items():
        print(f"{len(stems):4} {house.path.name}/{folder}: {', '.join(stems)}")
    print(f"modules: {len(house.modules)}")
    untested = house.untested(house.path.parent / "tests")
    print(f"without a test file of their name: {', '.join(untested) or 'none'}")
    tops = house.top_folders()
    print(f"folders: {len(house.folders())}; {sum(map(len, tops.values()))} arrows between those at the top")
    print(f"circles: {len(house.circles())}")
    for group in house.circles():
        print(f"    {', '.join(group)}")
    if not house.upwards():
        floors = longest_chain(tops, ())
        print(f"floors of folders: {len(floors)}")
        print(f"    {' > '.join(folder or house.path.name for folder in floors)}")
    print(f"floors of modules, which is the longest chain of imports: {len(house.chain())}")
    print(f"    {' > '.join(house.chain())}")


def longest_chain(arrows: Mapping[str, Sequence[str]], circles: Sequence[Sequence[str]]) -> list[str]:
    """Return the longest chain along arrows, of which those in a circle count one by one."""
    group_of = {name: tuple(group) for group in circles for name in group}
    longest: dict[tuple[str, ...], tuple[str, ...]] = {}

    def down(group: tuple[str, ...]) -> tuple[str, ...]:
        if group not in longest:
            below = {group_of.get(each, (each,)) for name in group for each in arrows[name]} - {group}
            longest[group] = group + max((down(each) for each in sorted(below)), key=len, default=())
        return longest[group]

    return list(max((down(group_of.get(name, (name,))) for name in arrows), key=len))


def with_map(page: str) -> str:
    """Return a page with the map between its marks."""
    before, _, rest = page.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    return f"{before}{MARKS[0]}\n\n{House(ROOT / 'gpumask').table()}\n\n{MARKS[1]}{after}"


if __name__ == "__main__":
    main(*sys.argv[1:])
