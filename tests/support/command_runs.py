"""Runs of the command resample, and the same in memory."""

import sys

from commands import read, run

COMMAND = [sys.executable, "-c", "from gpumask.cli import main; main(prog_name='gpumask')"]


RESOLUTION = (4, 5)


def resampled(files, *options, resolution=(*RESOLUTION,), backend="numpy"):
    """Run `gpumask resample` on the files. Return the image and the validity."""
    given = ("--resolution", *resolution) if resolution else ()
    inputs = (files / "source.tif", files / "grid.tif", files / "out.tif", "--validity", files / "valid.tif")
    run("resample", *inputs, *given, "--backend", backend, *options)
    return read(files / "out.tif"), read(files / "valid.tif")[0]
