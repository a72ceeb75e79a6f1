"""The version: one number, wherever it is said."""

import re

import pytest
from checkout import ROOT
from commands import run

import gpumask
from gpumask.version import __version__


def test_the_package_and_the_command_say_the_same():
    assert gpumask.__version__ == __version__
    assert __version__ in run("--version").output


@pytest.mark.skipif(not (ROOT / "CHANGELOG.md").is_file(), reason="not in a checkout")
def test_the_newest_changes_are_those_of_this_version():
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest[1] == __version__


def test_versions_agree():
    assert gpumask.__version__.count(".") == 2
