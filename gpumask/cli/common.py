"""What the commands share: their options, and how they report errors."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import re
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from gpumask.backends import NAMES
from gpumask.backends.cache import Compiled
from gpumask.errors import GpumaskError
from gpumask.files.tiles.summary import Summary
from gpumask.files.writing.storage import check_creation
from gpumask.files.writing.whole import check_free
from gpumask.masks.rules.flags import ready_definitions
from gpumask.masks.rules.read import read_rules, texts_read

Progress = Callable[[int, int], None]

# Warnings that are meant for programmers: of rasters without a place, of places that models don't reach, and of masks
# that a nodata value hides.
_OF_RASTERIO = (
    "Dataset has no geotransform", "Could not get geotransform", "Could not transform points",
    "One or more points could not be transformed", "The dataset's nodata attribute is shadowing",
)  # fmt: skip
_OF_CLASSES = "(interp|creation): .* between classes"
_DEBUG = "gpumask.debug"
_log = logging.getLogger("gpumask")


class Failure(click.ClickException):
    """An error that ends a command with one line and exit code 1."""

    def show(self, file: Any = None) -> None:
        """Print the line."""
        click.echo(f"gpumask: {self.message}", file=file, err=True)


class LogLines(logging.Handler):
    """The handler that prints the library's log on standard error: its warnings, or all of it with --debug."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record."""
        click.echo(f"gpumask: {record.getMessage()}", err=True)


class Commands(click.Group):
    """A group of commands that report each failure in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        handler, level = LogLines(), _log.level
        _log.addHandler(handler)
        if sys.stderr.isatty():  # tells people at a terminal that they wait for a compiler
            _log.setLevel(logging.INFO)
        if ctx.meta.get(_DEBUG):
            _log.setLevel(logging.DEBUG)
        try:
            with _terminated_is_interrupted(), warnings.catch_warnings():
                for said in _OF_RASTERIO:
                    warnings.filterwarnings("ignore", said)
                warnings.filterwarnings("always", _OF_CLASSES)
                warnings.showwarning = _show
                return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Failure("interrupted") from None
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if _DEBUG in ctx.meta:
                raise
            raise Failure(one_line(error)) from error
        finally:
            _log.removeHandler(handler)
            _log.setLevel(level)


def _show(message: Warning | str, *_: Any, **__: Any) -> None:
    """Print a warning as a line."""
    click.echo(f"gpumask: {message}", err=True)


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


def one_line(error: Exception) -> str:
    """Return the text of an error in one line. Bugs and errors of memory get their type in front."""
    told = error.__cause__ if error.__cause__ and "See previous exception" in str(error) else error
    text = " ".join(str(told).split())
    text = text if len(text) <= 1000 else f"{text[:1000]} … (the rest: --debug)"
    speaks_for_itself = isinstance(error, OSError) or type(error).__module__ != "builtins"
    return text if text and speaks_for_itself else f"{type(error).__name__}: {text}"


def numbers(text: str) -> tuple[int, ...]:
    """Parse whole numbers from 1 on, with commas between them."""
    words = text.split(",")
    if not all(word.isdecimal() and int(word) for word in words):
        raise click.BadParameter(f"expected whole numbers from 1 on; got {text!r}")
    return tuple(map(int, words))


def number(text: str) -> float:
    """Parse a number. A whole number keeps all its digits."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    raise click.BadParameter(f"expected a number; got {text!r}")


def file_band(text: str) -> tuple[str, int]:
    """Parse FILE or FILE:BAND."""
    found = None if os.path.exists(text) else re.fullmatch(r"(.+):(\d+)", text)
    return (found[1], int(found[2])) if found else (text, 1)


def quality_band(text: str) -> tuple[str, str, int]:
    """Parse [NAME=]FILE[:BAND]. The name is "" if there is none."""
    whole = file_band(text)
    name, equals, rest = text.partition("=")
    if not equals or os.path.exists(whole[0]):
        return ("", *whole)
    if not name or not rest:
        raise click.BadParameter(f"expected [NAME=]FILE[:BAND]; got {text!r}")
    return (name, *file_band(rest))


def creation_option(text: str) -> tuple[str, str]:
    """Parse KEY=VALUE. Keys that users may not set are refused."""
    key, equals, value = text.partition("=")
    try:
        check_creation({key: value})
    except GpumaskError:
        equals = ""
    if not key or not equals:
        raise click.BadParameter(f"expected KEY=VALUE, a creation option of GDAL; got {text!r}")
    return key.lower(), value


def _set_debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    """Remember --debug for the whole run."""
    if value:
        ctx.meta[_DEBUG] = True
        if ctx.parent:  # set while the command runs. Its group restores the level.
            _log.setLevel(logging.DEBUG)


# fmt: off
path_type = click.Path(path_type=Path)
debug_option = click.option("--debug", is_flag=True, expose_value=False, callback=_set_debug,
    help="Show tracebacks, and say what is compiled.")
backend_option = click.option("--backend", type=click.Choice([*NAMES, "auto"]),
    help="The backend that computes.  [default: the best that works here]")
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Show no progress bar and no summary.")
COMMON_OPTIONS = overwrite_option, backend_option, quiet_option, debug_option
RULES_OPTIONS = (
    click.option("--rules", metavar="FILE",
        help="A YAML or JSON file of rules about --quality-band. Pixels that don't match all rules are not valid. "
        "The file holds a list of rules, or a mapping with `rules`, `flags_definition` and `grow`. `grow` is the "
        "number of pixels by which invalid pixels grow."),
    click.option("--quality-band", type=quality_band, metavar="[NAME=]FILE[:BAND]", multiple=True,
        help="A quality band, as fine as the image, or coarser or finer by whole factors. If it is finer, all of its "
        "pixels in a pixel of the image must match the rules. With `gpumask mask` a share of them, --threshold, must. "
        "Its nodata value is a value like any other. The option may be repeated. Then each band needs the NAME that "
        "the rules use for it."),
    click.option("--definition", metavar="NAME|FILE",
        help=f"The definition of the flags that rules use. It is one of {', '.join(ready_definitions())}, or a file. "
        "The file is YAML or JSON, in the Open Data Cube form or with CF or STAC attributes. It replaces the "
        "definition in --rules."),
)
# fmt: on


def with_options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a decorator that adds options in the given order."""
    return lambda command: functools.reduce(lambda made, option: option(made), reversed(options), command)


def summary(output: Any, done: Summary, compiled: Sequence[Compiled]) -> str:
    """Return a line that says what a run did, and how long it took to compile kernels."""
    seconds = done.seconds
    stages = ", ".join(f"{stage} {seconds[stage]:.2f}" for stage in ("read", "compute", "write") if stage in seconds)
    outside = f", {100 * done.outside / done.pixels:.2f} % outside" if done.outside else ""
    return (
        f"{output}: {done.pixels} pixels, {share(done)} valid{outside}, {done.tiles} tiles, {seconds['all']:.2f} s"
        f"{f' ({stages})' if stages else ''}{f', compiling took {compiling(compiled):.2f} s' if compiled else ''}"
        f", {done.backend}"
    )


def compiling(compiled: Sequence[Compiled]) -> float:
    """Return the seconds that it took to compile these kernels."""
    return sum(each.seconds for each in compiled)


def share(done: Summary) -> str:
    """Return the share of valid pixels as a text. It is 0 % or 100 % only if that is exact."""
    percent = 100 * done.valid / done.pixels
    return f"{percent:.0f} %" if percent in (0, 100) else f"{min(max(percent, 0.01), 99.99):.2f} %"


@contextlib.contextmanager
def progress_bar(quiet: bool, unit: str) -> Iterator[Progress | None]:
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


def rules_of(words: dict[str, Any], *outputs: str) -> dict[str, Any]:
    """Return `keep`, `quality` and `grow` from the options --rules, --quality-band and --definition.

    `outputs` are the names of the outputs. None of them may be a file that the rules are read from.
    """
    if not words["rules"]:
        return {"keep": None, "quality": None, "grow": None}
    keep, grow, quality = read_rules(words["rules"], words["definition"], words["quality_band"])
    for name in outputs:
        within = words[name] is None or words[name] in ("mask", "alpha")
        written = [] if within else [Path(os.path.realpath(words[name]))]
        check_free(name, written, texts_read(words["rules"], words["definition"]), overwrite=True)
    return {"keep": keep, "quality": quality, "grow": grow or None}


def check_rules_options(options: dict[str, Any]) -> None:
    """Raise click.UsageError if rules come without quality bands, or quality bands without rules."""
    if bool(options["rules"]) != bool(options["quality_band"]):
        raise click.UsageError("--rules, --quality-band: expected both or neither.")
    if options["definition"] and not options["rules"]:
        raise click.UsageError("--definition: expected along with --rules.")
