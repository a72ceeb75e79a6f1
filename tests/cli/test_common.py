"""What the commands share: one line for a failure, exit codes, bars and help."""

import fcntl
import os
import struct
import subprocess
import sys
import termios

import pytest
from click.testing import CliRunner
from command_runs import COMMAND, resampled
from commands import fails, run

import gpumask
from gpumask.cli import main

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")


def test_no_bar_and_no_failure_without_tqdm(files, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    resampled(files)


def test_bar_on_a_terminal_and_nowhere_else(files):
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    words = ["resample", "source.tif", "grid.tif", "out.tif", "--resolution", "60", "60", "--tile", "64", "64"]
    run_words = [*COMMAND, *words, "--nodata", "0", "--backend", "numpy", "--overwrite"]
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        subprocess.run(run_words, cwd=files, stderr=theirs, stdout=subprocess.DEVNULL, check=True)
        shown = terminal.read(100_000)
        os.close(theirs)
    assert b"pixel/s" in shown and b"%" in shown
    assert shown.endswith(b"\r")  # and is gone in the end
    assert subprocess.run(run_words, cwd=files, stderr=subprocess.PIPE, check=True).stderr == b""


@pytest.mark.parametrize(
    "options",
    [
        ["--what"],
        ["--interp", "lanczos"],
        ["--backend", "tpu"],
        ["--dtype", "complex64"],
        ["--bands", "1,x"],
        ["--bands", "0"],
        ["--resolution", "0", "1"],
        ["--resolution", "2,3"],
        ["--tile", "0", "8"],
        ["--co", "COMPRESS"],
        ["--co", "count=5"],
        ["--mask-valid", "1"],
        ["--grid-mask-valid", "1"],
        ["one", "too", "many"],
    ],
)
def test_a_wrong_command_line_exits_with_2(files, options):
    assert options[0] in fails(
        "resample", files / "source.tif", files / "grid.tif", files / "out.tif", *options, code=2
    )


def test_a_bug_is_one_line_unless_debug(files, monkeypatch):
    def bug(*_, **__):
        raise KeyError("what")

    monkeypatch.setattr("gpumask.files.resample.resample_datasets", bug)
    words = ("resample", files / "source.tif", files / "grid.tif", files / "out.tif")
    assert fails(*words) == "gpumask: KeyError: 'what'\n"
    for debug in ((*words, "--debug"), ("--debug", *words)):
        with pytest.raises(KeyError):
            CliRunner().invoke(main, [str(word) for word in debug], catch_exceptions=False)


@pytest.mark.parametrize(
    ("words", "code"),
    [(["--version"], 0), (["resample", "--help"], 0), (["resample"], 2), (["resample", "a", "b", "c"], 1)],
)
def test_exit_codes_of_the_process(words, code):
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False)
    assert done.returncode == code
    if code == 1:
        assert done.stderr.startswith("gpumask: SOURCE: ") and done.stderr.count("\n") == 1


def test_version_and_help():
    assert run("--version").output == f"gpumask {gpumask.__version__}\n"
    assert all(command in run("-h").output for command in ("demo", "resample", "info", "warmup"))


def test_help_does_not_import_rasterio():
    code = "import sys, gpumask.cli; sys.exit('rasterio' in sys.modules or 'tqdm' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
