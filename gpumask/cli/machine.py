"""The commands `gpumask info` and `gpumask warmup`: what this machine has, and how to compile kernels beforehand."""

from __future__ import annotations

import itertools
import platform
import time
from collections.abc import Iterable

import click
import numpy as np

from gpumask.backends import get, select, select_for_files
from gpumask.backends.source import C_TYPES
from gpumask.cli.common import (
    Progress,
    backend_option,
    debug_option,
    one_line,
    progress_bar,
    quiet_option,
    with_options,
)
from gpumask.errors import BackendError, GpumaskError
from gpumask.grids.grid import Grid
from gpumask.pixels.interpolators import INTERPOLATORS
from gpumask.pixels.window import Window
from gpumask.resampling.resample import resample
from gpumask.version import __version__

_USUAL = ("nearest", "linear", "cubic")


@click.command()
@debug_option
def info() -> None:
    """Print what each backend has on this machine, or why it can't be used."""
    import rasterio

    from gpumask.backends import cache, cuda, native

    click.echo(f"gpumask {__version__}, Python {platform.python_version()}, NumPy {np.__version__}")
    click.echo(f"rasterio {rasterio.__version__}, GDAL {rasterio.__gdal_version__}")
    for name, facts in {"cuda": cuda.describe(), "native": native.describe(), "numpy": {}}.items():
        try:
            get(name)
            problem = None
        except BackendError as error:
            problem = one_line(error).removeprefix(f"{name} backend: ")
        click.echo(f"{name:<8}" + (f"not used: {problem}" if problem else "works"))
        for fact, value in facts.items():
            click.echo(f"  {fact:<9} {' '.join(value.split())}")
    folder = cache.cache_folder()
    sizes = [file.stat().st_size for file in folder.glob("*.*") if not file.name.startswith(".")]
    click.echo(f"cache   {folder}: {len(sizes)} compiled kernels, {sum(sizes) / 1e6:.1f} MB")
    try:
        click.echo(
            f"chosen  {select_for_files(None).name} for files, {select(None, np.zeros(1)).name} for NumPy arrays"
        )
    except GpumaskError as error:
        click.echo(f"chosen  none: {one_line(error)}")


@click.command()
@click.option(
    "--dtype",
    "dtypes",
    type=click.Choice(list(C_TYPES)),
    multiple=True,
    help="A data type of sources. The option may be repeated.  [default: all]",
)
@click.option(
    "--interp",
    "interps",
    type=click.Choice(list(INTERPOLATORS)),
    multiple=True,
    help=f"An interpolator. The option may be repeated.  [default: {', '.join(_USUAL)}]",
)
@with_options(backend_option, quiet_option, debug_option)
def warmup(dtypes: tuple[str, ...], interps: tuple[str, ...], backend: str | None, quiet: bool) -> None:
    """Compile the usual kernels into the cache, so that no later run waits for a compiler.

    The usual kernels give OUTPUT the data type of SOURCE, and compute in float64. On cuda they are compiled for the
    current device. There they serve grids of full resolution, grids of steps that are powers of two, and other grids,
    each with and without masks.
    """
    from gpumask.backends.cache import cache_folder

    chosen = select_for_files(backend)
    start = time.perf_counter()
    with progress_bar(quiet, "kernel") as progress:
        count = warm(chosen.name, dtypes or C_TYPES, interps or _USUAL, progress)
    if not quiet:
        where = "nothing to compile" if chosen.name == "numpy" else f"in {cache_folder()}"
        click.echo(f"{count} kernels, {time.perf_counter() - start:.1f} s, {chosen.name}: {where}")


def warm(backend: str, dtypes: Iterable[str], interps: Iterable[str], progress: Progress | None = None) -> int:
    """Resample a few pixels with every pair of these, so that kernels are compiled. Return the number of pairs.

    Each pair runs with and without a mask, through grids that a GPU's compiler treats differently.
    """
    pairs = list(itertools.product(dtypes, interps))
    nodes = np.full((2, 2), 1.5)
    kinds = itertools.product([(1, 1), (16, 16), (5, 5)], [None, -9999.0])
    grids = [Grid(nodes, nodes, step, nodata=nodata).crop(Window(0, 0, 1, 1), 1) for step, nodata in kinds]
    masks = None, np.ones((4, 4), np.uint8)
    for i, (dtype, interp) in enumerate(pairs, 1):
        for grid, valid in itertools.product(grids, masks):
            resample(np.zeros((4, 4), dtype), grid, interp, source_valid=valid, backend=backend)
        if progress:
            progress(i, len(pairs))
    return len(pairs)
