"""What runs from file to file are run on."""

import pytest
from commands import write
from file_runs import PLACE, nodes, source_of


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a source and a grid, which is the current one."""
    monkeypatch.chdir(tmp_path)
    write("source.tif", source_of())
    write("grid.tif", nodes(), **PLACE)
    return tmp_path
