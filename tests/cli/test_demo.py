"""The command demo: what it prints and writes."""

import os
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner

import gpumask
from gpumask.backends import native
from gpumask.cli import main
from gpumask.cli import scene as demo

# The command, which makes a demo of few pixels.
SMALL = [sys.executable, "-c", "from gpumask.cli import main, scene; scene.SIZE, scene.NODES = 256, 13; main()"]


@pytest.fixture
def small(monkeypatch):
    """A demo of few pixels."""
    monkeypatch.setattr(demo, "SIZE", 256)
    monkeypatch.setattr(demo, "NODES", 13)


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read()


def test_demo_writes_its_files_and_prints_what_it_did(small, tmp_path, backend, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["demo", "--output", "made/here", "--backend", backend])
    assert done.exit_code == 0, done.output
    folder = tmp_path / "made" / "here"
    names = {"source.tif", "grid.tif", "quality.tif", "image.tif", "validity.tif", "preview.png"}
    assert {path.name for path in folder.iterdir()} == names

    image, (validity,) = read(folder / "image.tif"), read(folder / "validity.tif")
    clear = read(folder / "quality.tif")[0] == demo.CLEAR
    grid = gpumask.Grid(*read(folder / "grid.tif"), (demo.RESOLUTION, demo.RESOLUTION))
    expected = gpumask.resample(read(folder / "source.tif"), grid, source_valid=clear, backend=backend)
    np.testing.assert_array_equal(image, expected.image)
    np.testing.assert_array_equal(validity, expected.validity)

    told = dict(re.findall(r"^([a-z][a-z ]*?)  +(.*)$", done.output, re.MULTILINE))
    assert told["backend"] == backend
    assert told["valid"] == f"{100 * validity.mean():.2f} %"
    speed = validity.size / float(told["seconds"].split()[0])
    assert float(told["pixels a second"].replace(",", "")) == pytest.approx(speed, rel=0.1)

    words = shlex.split(told["by hand"])
    assert words[0] == "gpumask"
    again = CliRunner().invoke(main, [*words[1:], "--backend", backend])
    assert again.exit_code == 0, again.output
    np.testing.assert_array_equal(read(folder / "image.tif"), image)


def test_demo_tells_what_it_compiled_apart_from_the_time_of_computing(tmp_path):
    if not any(native.shutil.which(name) for name in ("g++", "clang++", "c++")):
        pytest.skip("no C++ compiler")
    words = [*SMALL, "demo", "--backend", "native", "--output", tmp_path / "made"]
    environment = {**os.environ, "GPUMASK_CACHE_DIR": str(tmp_path / "cache")}
    first, second = (subprocess.run(words, env=environment, capture_output=True, text=True, check=True) for _ in "12")
    told = re.search(r"^compiled before  (.*), in (.*) s, once on this machine$", first.stdout, re.MULTILINE)
    assert set(told[1].split(", ")) == {path.name.partition("-")[0] for path in (tmp_path / "cache").iterdir()}
    assert float(told[2]) > 0
    assert "\ncompiled before  no kernel: none was missing\n" in second.stdout


def test_demo_that_fails_leaves_nothing(small, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("enough")

    monkeypatch.setattr(demo, "write_preview", fail)
    done = CliRunner().invoke(main, ["demo", "--output", str(tmp_path), "--backend", "numpy"])
    assert (done.exit_code, done.stderr) == (1, "gpumask: enough\n")
    assert not list(tmp_path.iterdir())
