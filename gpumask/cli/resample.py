"""gpumask resample."""

from __future__ import annotations

import itertools
import time
from typing import Any

import click

from gpumask.backends.source import C_TYPES
from gpumask.cli.common import (
    RULES_OPTIONS,
    backend_option,
    check_rules_options,
    creation_option,
    debug_option,
    file_band,
    numbers,
    overwrite_option,
    path_type,
    progress_bar,
    quiet_option,
    share,
    with_options,
)
from gpumask.files import Options, resample_files
from gpumask.interp import INTERPOLATORS

# fmt: off
_RESAMPLE_OPTIONS = (
    click.option("--resolution", type=click.IntRange(1), nargs=2, metavar="R C", default=(1, 1), show_default=True,
        help="Output pixels from node to node, along a column and along a row."),
    click.option("-b", "--bands", type=numbers, metavar="1,3,2", multiple=True,
        help="Bands of SOURCE, in the order that OUTPUT has them.  [default: all]"),
    click.option("--interp", type=click.Choice(list(INTERPOLATORS)), default="cubic", show_default=True,
        help="The interpolator."),
    click.option("--grid-bands", type=int, nargs=2, metavar="ROW COL", default=(1, 2), show_default=True,
        help="The bands of GRID that hold the rows and the columns."),
    click.option("--pixel-corner", is_flag=True,
        help="In GRID 0.5 is the first pixel's centre, as in rasterio and GDAL; without this it is 0."),
    click.option("--grid-nodata", type=float, metavar="VALUE",
        help="A node with this row or column does not count.  [default: the nodata value of GRID]"),
    click.option("--grid-mask", type=file_band, metavar="FILE[:BAND]",
        help="Which nodes count: those where it is not 0."),
    click.option("--grid-mask-valid", type=float, metavar="VALUE", help="Those where --grid-mask is VALUE."),
    click.option("--mask", type=file_band, metavar="FILE[:BAND]",
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
    click.option("--co", type=creation_option, metavar="KEY=VALUE", multiple=True,
        help="A creation option of GDAL's for OUTPUT, such as COMPRESS=DEFLATE; may be repeated."),
    click.option("--validity", type=path_type, metavar="FILE",
        help="Write this raster too: uint8, 1 where OUTPUT is valid, 0 elsewhere."),
)
# fmt: on


@click.command("resample")
@click.argument("source")
@click.argument("grid")
@click.argument("output", type=path_type)
@with_options(*_RESAMPLE_OPTIONS, *RULES_OPTIONS, overwrite_option, backend_option, quiet_option, debug_option)
def resample_command(**options: Any) -> None:
    """Bring SOURCE into the geometry of GRID, and write OUTPUT.

    GRID is a raster of nodes, --resolution output pixels apart: a band with their rows in SOURCE and a band with their
    columns, 0 being the first pixel's centre. Between nodes both are bilinear. OUTPUT lies on the ground where GRID
    does, its format follows from its name, and it appears under that name only when it is whole.

    A pixel of OUTPUT is valid where every pixel of SOURCE that has a weight is, in all bands. Not valid is what is NaN,
    what SOURCE itself masks, by a nodata value, a mask or alpha, what --mask does not take as valid,
    and what does not match --rules.
    """
    for needed in ("mask", "grid_mask"):
        if options[needed] is None and options[f"{needed}_valid"] is not None:
            name = needed.replace("_", "-")
            raise click.UsageError(f"--{name}-valid: expected along with --{name}.")
    check_rules_options(options)
    start = time.perf_counter()
    with progress_bar(options["quiet"], "pixel") as progress:
        done = resample_files(options_of(options), progress)
    if not options["quiet"]:
        seconds = time.perf_counter() - start
        click.echo(f"{options['output']}: {done.pixels} pixels, {share(done)} valid, {seconds:.2f} s, {done.backend}")


def options_of(words: dict[str, Any]) -> Options:
    """Return the job that a command line's words ask for."""
    bands = tuple(itertools.chain(*words["bands"]))
    return Options(**{name: value for name, value in words.items() if name != "quiet"} | {"bands": bands})
