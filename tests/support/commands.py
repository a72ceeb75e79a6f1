"""The command line, run in this process, and the rasters that it reads and writes."""

import rasterio
from click.testing import CliRunner

from gpumask.cli import main


def write(path, array, **profile):
    array = array if array.ndim == 3 else array[None]
    shape = dict(zip(("count", "height", "width"), array.shape, strict=True))
    with rasterio.open(path, "w", "GTiff", dtype=array.dtype.name, **shape, **profile) as dataset:
        dataset.write(array)
    return path


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read()


def run(*words, code=0):
    """Run a command in this process. It replaces earlier files, and must succeed (3: with no valid pixel)."""
    again = ["--overwrite"] if words[0] in ("resample", "mask") else []
    done = CliRunner().invoke(main, [*map(str, words), *again])
    assert done.exit_code == code, (done.output, done.exception)
    return done


def fails(*words, code=1):
    """Run a command that must fail with one line. Return that line."""
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == code, (done.output, done.exception)
    if code == 1:
        assert done.stdout == ""
        assert done.stderr.startswith("gpumask: ") and done.stderr.count("\n") == 1
    return done.stderr
