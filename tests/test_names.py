"""The names of the package: all are there, what is loaded later is seen beforehand, and nothing loads it too soon."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import gpumask
import gpumask.gridr

PUBLIC = [name for name in gpumask.__all__ if name != "__version__"]


@pytest.mark.parametrize("name", PUBLIC)
def test_a_name_is_there_and_says_what_it_is(name):
    found = getattr(gpumask, name)
    assert found.__module__.startswith("gpumask.")
    assert inspect.getdoc(found)


def test_names_are_sorted_those_of_gridr_behind_the_others():
    gridr = [name for name in gpumask.__all__ if name in gpumask.gridr.__all__]
    own = [name for name in gpumask.__all__ if name not in gridr]
    assert gpumask.__all__ == sorted(own) + sorted(gridr)


def test_names_are_seen_before_they_are_loaded():
    asked = "import gpumask, sys; print(*(name for name in gpumask.__all__ if name not in dir(gpumask)))"
    assert python(asked).split() == []
    with pytest.raises(AttributeError, match="has no attribute 'resmaple'"):
        _ = gpumask.resmaple


def test_type_checkers_see_what_is_loaded_later():
    tree = ast.parse(Path(gpumask.__file__).read_text())
    (typed,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in typed.body for alias in node.names}
    assert seen == gpumask._LATER | {name: "gpumask.gridr" for name in gpumask.__all__ if name in gpumask.gridr.__all__}


@pytest.mark.parametrize(
    "heavy", ["rasterio", "shapely", "pyproj", "cupy", "xarray", "click", "gpumask.files", "gpumask.gridr"]
)
def test_an_import_does_not_load(heavy):
    assert python(f"import gpumask, sys; print({heavy!r} in sys.modules)").strip() == "False"


def test_grids_between_places_are_made_by_both_names():
    assert python("from gpumask import Grid; print(Grid.between.__module__)").strip() == "gpumask.grids.projected"
    assert "target_shape" in inspect.signature(gpumask.Grid.between).parameters
    assert list(inspect.signature(gpumask.grid_between).parameters) == ["source", "target", "max_error"]


def python(text):
    """Run a text in a Python of its own, where nothing is loaded yet; return what it prints."""
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout
