"""The house: folders that lie above each other, and a map of them that is true."""

import pytest
from checkout import ROOT, TESTS

pytestmark = pytest.mark.skipif(not (ROOT / "docs" / "house.py").is_file(), reason="not in a checkout")
house = pytest.importorskip("house")


@pytest.fixture(scope="module")
def gpumask_house():
    return house.House(ROOT / "gpumask")


def test_imports_go_down(gpumask_house):
    assert gpumask_house.upwards() == []
    assert set(gpumask_house.folders()) == set(house.FOLDERS)


def test_imports_do_not_go_round_in_circles(gpumask_house):
    assert gpumask_house.circles() == []


def test_each_module_has_a_test_file_of_its_name(gpumask_house):
    assert gpumask_house.untested(TESTS) == []


def test_the_map_is_that_of_the_tree():
    page = (ROOT / "CONTRIBUTING.md").read_text()
    assert page == house.with_map(page), "python docs/house.py --write"


def write(folder, **texts):
    for name, text in texts.items():
        file = folder / f"{name.replace('__', '/', 1) if not name.startswith('__') else name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        (file.parent / "__init__.py").touch()
    return house.House(folder)


def test_an_import_that_goes_up_is_found(tmp_path):
    """Wherever in a module it is, and for types alone, too."""
    lower = "def late():\n    from p.files import upper\n"
    found = write(tmp_path / "p", files__upper="import numpy\n", pixels__lower=lower)
    assert found.upwards() == [("p.pixels.lower", "p.files.upper")]
    assert found.circles() == []


def test_a_module_without_a_test_file_is_found(tmp_path):
    found = write(tmp_path / "p", a="", files__b="", files__c="")
    for name in ("test_a.py", "files/test_b.py", "test_c.py"):
        path = tmp_path / "tests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert found.untested(tmp_path / "tests") == ["p.files.c"]


def test_a_circle_is_found(tmp_path):
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.c import C\n"
    found = write(tmp_path / "p", a="from p.b import B\n", b=typed, c="import p.a\n", d="from p import a\n")
    assert found.circles() == [["p.a", "p.b", "p.c"]]
    assert found.chain() == ["p.d", "p.a", "p.b", "p.c"]
