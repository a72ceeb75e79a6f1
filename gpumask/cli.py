"""The command line: gpumask demo, resample, info and warmup.

Exit codes: 0 done, 1 failed (one line says why), 2 a command line that can't be right.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import os
import platform
import re
import shlex
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np

import gpumask
from gpumask.backends import NAMES, get, select, select_for_files
from gpumask.backends.source import C_TYPES
from gpumask.chain import Summary
from gpumask.errors import BackendError, GpumaskError
from gpumask.files import Options, resample_files, whole_files
from gpumask.grid import Grid
from gpumask.interp import INTERPOLATORS
from gpumask.resample import resample

Progress = Callable[[int, int], None]

_DEBUG = "gpumask.debug"
# What rasterio takes beside creation options.
_NO_CREATION_OPTIONS = {"mode", "driver", "width", "height", "count", "dtype", "crs", "transform", "nodata", "sharing"}
_log = logging.getLogger("gpumask")


class _Failure(click.ClickException):
    """What ends a command with one line and exit code 1."""

    def show(self, file: Any = None) -> None:
        """Print the line."""
        click.echo(f"gpumask: {self.message}", file=file, err=True)


class _LogLines(logging.Handler):
    """The library's warnings, and all it says under --debug, as lines on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record."""
        click.echo(f"gpumask: {record.getMessage()}", err=True)


class _Commands(click.Group):
    """Commands whose failures are one line each."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        handler, level = _LogLines(), _log.level
        _log.addHandler(handler)
        if sys.stderr.isatty():  # who waits for a compiler is told so
            _log.setLevel(logging.INFO)
        try:
            with _terminated_is_interrupted(), warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Dataset has no geotransform")
                return super().invoke(ctx)
        except KeyboardInterrupt:
            raise _Failure("interrupted") from None
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if _DEBUG in ctx.meta:
                raise
            raise _Failure(_one_line(error)) from error
        finally:
            _log.removeHandler(handler)
            _log.setLevel(level)


@contextlib.contextmanager
def _terminated_is_interrupted() -> Iterator[None]:
    """Let SIGTERM unwind the stack as Ctrl-C does, so that nothing is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _one_line(error: Exception) -> str:
    """Return what an error says in one line, with its type where that is a bug's or the memory's."""
    told = error.__cause__ if error.__cause__ and "See previous exception" in str(error) else error
    text = " ".join(str(told).split())
    text = text if len(text) <= 1000 else f"{text[:1000]} … (the rest: --debug)"
    speaks_for_itself = isinstance(error, OSError) or type(error).__module__ != "builtins"
    return text if text and speaks_for_itself else f"{type(error).__name__}: {text}"


def _numbers(text: str) -> tuple[int, ...]:
    """Take whole numbers from 1 on with commas between."""
    words = text.split(",")
    if not all(word.isdecimal() and int(word) for word in words):
        raise click.BadParameter(f"expected whole numbers from 1 on; got {text!r}")
    return tuple(map(int, words))


def _file_band(text: str) -> tuple[str, int]:
    """Take FILE or FILE:BAND."""
    found = None if os.path.exists(text) else re.fullmatch(r"(.+):(\d+)", text)
    return (found[1], int(found[2])) if found else (text, 1)


def _creation_option(text: str) -> tuple[str, str]:
    """Take KEY=VALUE, but for what is not the user's to set."""
    key, equals, value = text.partition("=")
    if not key or not equals or key.lower() in _NO_CREATION_OPTIONS:
        raise click.BadParameter(f"expected KEY=VALUE, a creation option of GDAL's; got {text!r}")
    return key.lower(), value


def _set_debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    """Remember --debug for the whole run."""
    if value:
        ctx.meta[_DEBUG] = True
        _log.setLevel(logging.DEBUG)


# fmt: off
_path = click.Path(path_type=Path)
_debug_option = click.option("--debug", is_flag=True, expose_value=False, callback=_set_debug,
    help="Show tracebacks, and what is compiled.")
_backend_option = click.option("--backend", type=click.Choice([*NAMES, "auto"]),
    help="Where to compute.  [default: the best that works here]")
_quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress bar, no summary.")
_RESAMPLE_OPTIONS = (
    click.option("--resolution", type=click.IntRange(1), nargs=2, metavar="R C", default=(1, 1), show_default=True,
        help="Output pixels from node to node, along a column and along a row."),
    click.option("-b", "--bands", type=_numbers, metavar="1,3,2", multiple=True,
        help="Bands of SOURCE, in the order that OUTPUT has them.  [default: all]"),
    click.option("--interp", type=click.Choice(list(INTERPOLATORS)), default="cubic", show_default=True,
        help="The interpolator."),
    click.option("--grid-bands", type=int, nargs=2, metavar="ROW COL", default=(1, 2), show_default=True,
        help="The bands of GRID that hold the rows and the columns."),
    click.option("--pixel-corner", is_flag=True,
        help="In GRID 0.5 is the first pixel's centre, as in rasterio and GDAL; without this it is 0."),
    click.option("--grid-nodata", type=float, metavar="VALUE",
        help="A node with this row or column does not count.  [default: the nodata value of GRID]"),
    click.option("--grid-mask", type=_file_band, metavar="FILE[:BAND]",
        help="Which nodes count: those where it is not 0."),
    click.option("--grid-mask-valid", type=float, metavar="VALUE", help="Those where --grid-mask is VALUE."),
    click.option("--mask", type=_file_band, metavar="FILE[:BAND]",
        help="Which pixels of SOURCE are valid: those where it is not 0."),
    click.option("--mask-valid", type=float, metavar="VALUE", help="Those where --mask is VALUE."),
    click.option("--ignore-nodata", is_flag=True,
        help="Take pixels as valid that SOURCE itself masks, by a nodata value, a mask or alpha."),
    click.option("--nodata", type=float, metavar="VALUE",
        help="What invalid pixels become.  [default: the nodata value of SOURCE where --dtype holds it, else 0]"),
    click.option("--dtype", type=click.Choice(list(C_TYPES)),
        help="Of OUTPUT; integers are rounded and clipped.  [default: that of SOURCE]"),
    click.option("--compute-dtype", type=click.Choice(["float64", "float32"]), default="float64", show_default=True,
        help="Of weights and sums."),
    click.option("--window", type=int, nargs=4, metavar="ROW COL ROWS COLS",
        help="The part of the output to make: its first row and column, its rows and columns.  [default: all]"),
    click.option("--tile", type=click.IntRange(1), nargs=2, metavar="ROWS COLS", default=(1024, 1024),
        show_default=True, help="Output pixels at a time. It changes no pixel."),
    click.option("--co", type=_creation_option, metavar="KEY=VALUE", multiple=True,
        help="A creation option of GDAL's for OUTPUT, such as COMPRESS=DEFLATE; may be repeated."),
    click.option("--validity", type=_path, metavar="FILE",
        help="Write this raster too: uint8, 1 where OUTPUT is valid, 0 elsewhere."),
)
# fmt: on


def _with_options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a decorator that adds options in the order given."""
    return lambda command: functools.reduce(lambda made, option: option(made), reversed(options), command)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(gpumask.__version__, prog_name="gpumask", message="%(prog)s %(version)s")
@_debug_option
def main() -> None:
    """Resample satellite images through a grid, with masks that do not bleed; on a GPU, and the same bits on a CPU."""


@main.command("resample")
@click.argument("source")
@click.argument("grid")
@click.argument("output", type=_path)
@_with_options(*_RESAMPLE_OPTIONS, _backend_option, _quiet_option, _debug_option)
def resample_command(**options: Any) -> None:
    """Bring SOURCE into the geometry of GRID, and write OUTPUT.

    GRID is a raster of nodes, --resolution output pixels apart: a band with their rows in SOURCE and a band with their
    columns, 0 being the first pixel's centre. Between nodes both are bilinear. OUTPUT lies on the ground where GRID
    does, its format follows from its name, and it appears under that name only when it is whole.

    A pixel of OUTPUT is valid where every pixel of SOURCE that has a weight is, in all bands. Not valid is what is NaN,
    what SOURCE itself masks, by a nodata value, a mask or alpha, and what --mask does not take as valid.
    """
    for needed in ("mask", "grid_mask"):
        if options[needed] is None and options[f"{needed}_valid"] is not None:
            name = needed.replace("_", "-")
            raise click.UsageError(f"--{name}-valid: expected along with --{name}.")
    start = time.perf_counter()
    with _progress_bar(options["quiet"], "pixel") as progress:
        done = resample_files(_options(options), progress)
    if not options["quiet"]:
        seconds = time.perf_counter() - start
        click.echo(f"{options['output']}: {done.pixels} pixels, {_share(done)} valid, {seconds:.2f} s, {done.backend}")


def _options(words: dict[str, Any]) -> Options:
    """Return the job that a command line's words ask for."""
    bands = tuple(itertools.chain(*words["bands"]))
    return Options(**{name: value for name, value in words.items() if name != "quiet"} | {"bands": bands})


@main.command()
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), default="gpumask-demo", show_default=True,
    metavar="DIR", help="Where the files go.")  # fmt: skip
@_with_options(_backend_option, _debug_option)
def demo(output: Path, backend: str | None) -> None:
    """Make a cloudy scene and a distorted grid, and run the whole chain on them.

    Writes the scene (source.tif, quality.tif and grid.tif), the result (image.tif and validity.tif), and a picture of
    all that (preview.png).
    """
    from gpumask.demo import CLEAR, NODES, RESOLUTION, write_preview, write_scene

    chosen = select_for_files(backend)
    output.mkdir(parents=True, exist_ok=True)
    names = ("source.tif", "grid.tif", "quality.tif", "image.tif", "validity.tif", "preview.png")

    def arguments(source: Path, grid: Path, quality: Path, image: Path, validity: Path, *_: Path) -> list[str]:
        words = [source, grid, image, "--resolution", RESOLUTION, RESOLUTION, "--mask", quality, "--mask-valid", CLEAR]
        return [str(word) for word in (*words, "--validity", validity)]

    click.echo("drawing a scene, compiling kernels where there are none yet …")
    with whole_files(*(output / name for name in names)) as drafts:
        scene, result, picture = drafts[:3], drafts[3:5], drafts[5]
        write_scene(*scene)
        options = resample_command.make_context("resample", [*arguments(*drafts), "--backend", chosen.name]).params
        _warm(chosen.name, ["uint16"], ["cubic"])
        start = time.perf_counter()
        done = resample_files(_options(options))
        seconds = time.perf_counter() - start
        write_preview(picture, scene, result)
    speed = f"{done.pixels / seconds:,.0f}"
    click.echo(
        f"{done.pixels:,} pixels of 3 bands of uint16, cubic, through a grid of {NODES} x {NODES} nodes\n"
        f"seconds          {seconds:.3f}   to read, mask, resample and write; the kernels were compiled before\n"
        f"pixels a second  {speed}\n"
        f"backend          {done.backend}\n"
        f"valid            {_share(done)}\n"
        f"files            {', '.join(str(output / name) for name in names[3:])}\n"
        f"by hand          gpumask resample {shlex.join(arguments(*(output / name for name in names)))}"
    )


@main.command()
@_debug_option
def info() -> None:
    """Say what is there for each backend, and why one can't be used."""
    import rasterio

    from gpumask.backends import cache, cuda, native

    click.echo(f"gpumask {gpumask.__version__}, Python {platform.python_version()}, NumPy {np.__version__}")
    click.echo(f"rasterio {rasterio.__version__}, GDAL {rasterio.__gdal_version__}")
    for name, facts in {"cuda": cuda.describe(), "native": native.describe(), "numpy": {}}.items():
        try:
            get(name)
            problem = None
        except BackendError as error:
            problem = _one_line(error).removeprefix(f"{name} backend: ")
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
        click.echo(f"chosen  none: {_one_line(error)}")


@main.command()
@click.option("--dtype", "dtypes", type=click.Choice(list(C_TYPES)), multiple=True, help="Of sources.  [default: all]")
@click.option("--interp", "interps", type=click.Choice(list(INTERPOLATORS)), multiple=True, help="[default: all]")
@_with_options(_backend_option, _quiet_option, _debug_option)
def warmup(dtypes: tuple[str, ...], interps: tuple[str, ...], backend: str | None, quiet: bool) -> None:
    """Compile the usual kernels into the cache, so that no later run waits for a compiler.

    The usual ones give OUTPUT the dtype of SOURCE, and compute in float64; on cuda they are for the current device.
    """
    from gpumask.backends.cache import cache_folder

    chosen = select_for_files(backend)
    start = time.perf_counter()
    with _progress_bar(quiet, "kernel") as progress:
        count = _warm(chosen.name, dtypes or C_TYPES, interps or INTERPOLATORS, progress)
    if not quiet:
        where = "nothing to compile" if chosen.name == "numpy" else f"in {cache_folder()}"
        click.echo(f"{count} kernels, {time.perf_counter() - start:.1f} s, {chosen.name}: {where}")


def _warm(backend: str, dtypes: Iterable[str], interps: Iterable[str], progress: Progress | None = None) -> int:
    """Resample a few pixels with every pair of these, with a mask, and so compile what that needs; return how many."""
    pairs = list(itertools.product(dtypes, interps))
    valid = np.ones((4, 4), np.uint8)
    for i, (dtype, interp) in enumerate(pairs, 1):
        resample(np.zeros((4, 4), dtype), Grid([[1.5]], [[1.5]]), interp, source_valid=valid, backend=backend)
        if progress:
            progress(i, len(pairs))
    return len(pairs)


def _share(done: Summary) -> str:
    """Say how many pixels are valid; all or none only where that is so."""
    percent = 100 * done.valid / done.pixels
    return f"{percent:.0f} %" if percent in (0, 100) else f"{min(max(percent, 0.01), 99.99):.2f} %"


@contextlib.contextmanager
def _progress_bar(quiet: bool, unit: str) -> Iterator[Progress | None]:
    """Show a bar on a terminal, if tqdm is there."""
    try:
        from tqdm import tqdm
    except ImportError:
        quiet = True
    if quiet:
        yield None
        return
    with tqdm(unit=unit, unit_scale=True, leave=False, disable=None) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show
