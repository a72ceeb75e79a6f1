"""gpumask resample."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import click

from gpumask.backends.cache import compiled
from gpumask.backends.text import C_TYPES
from gpumask.cli.common import (
    COMMON_OPTIONS,
    RULES_OPTIONS,
    Failure,
    check_rules_options,
    creation_option,
    file_band,
    number,
    numbers,
    path_type,
    progress_bar,
    rules_of,
    summary,
    with_options,
)
from gpumask.errors import renamed
from gpumask.files.resample import resample_file
from gpumask.files.tiles.summary import Summary
from gpumask.pixels.boundary import MODES
from gpumask.pixels.interpolators import INTERPOLATORS
from gpumask.resampling.method import POLICIES

# The command line's words for what the layers below name in their errors.
NAMES = {
    "source": "SOURCE",
    "grid": "GRID",
    "output": "OUTPUT",
    "nodata_out": "--nodata",
    "quality": "--quality-band",
    "tile_shape": "--tile",
    "creation": "--co",
    "devices": "--device",
    **{
        name: f"--{name.replace('_', '-')}"
        for name in (
            "interp", "bands", "dtype", "mask", "grid_mask", "grid_bands", "grid_kind", "grid_nodata",
            "pixel_convention", "source_nodata", "resolution", "window", "like", "driver", "validity", "validity_by",
            "resume", "max_memory", "rules", "definition", "boundary", "mask_policy", "min_weight", "crs", "bounds",
            "max_error", "model", "height", "dem",
        )
    },
}  # fmt: skip


def _boundary(text: str) -> str | tuple[str | None, str | None] | None:
    """Take a mode, or two with a comma between; none is one."""
    known, words = (*MODES, "none"), text.split(",")
    if len(words) > 2 or not set(known).issuperset(words):
        raise click.BadParameter(f"expected one of {', '.join(known)}, or two as ROWS,COLS; got {text!r}")
    modes = [None if word == "none" else word for word in words]
    return modes[0] if len(modes) == 1 else (modes[0], modes[1])


# fmt: off
_GRID_OPTIONS = (
    click.option("--resolution", type=click.IntRange(1), nargs=2, metavar="R C", default=(1, 1), show_default=True,
        help="Output pixels from node to node, along a column and along a row."),
    click.option("--grid-bands", type=int, nargs=2, metavar="ROW COL", default=(1, 2), show_default=True,
        help="The bands of GRID that hold the rows and the columns."),
    click.option("--grid-kind", type=click.Choice(["location", "displacement"]), default="location", show_default=True,
        help="What GRID holds: rows and columns of SOURCE, or how far off these are from OUTPUT's own."),
    click.option("--pixel-convention", type=click.Choice(["center", "corner"]), default="center", show_default=True,
        help="The centre of SOURCE's first pixel is 0 in GRID, or 0.5 as in rasterio, GDAL and OTB."),
    click.option("--grid-nodata", type=number, metavar="VALUE",
        help="A node with this row or column does not count.  [default: each band's own nodata value]"),
    click.option("--grid-mask", type=file_band, metavar="FILE[:BAND]",
        help="Which nodes count: those where it is not 0, and not what it masks itself."),
    click.option("--grid-mask-valid", type=number, metavar="VALUE", help="Those where --grid-mask is VALUE."),
    click.option("--like", metavar="RASTER",
        help="OUTPUT has its CRS and its place; it must have as many rows and columns as OUTPUT, after --window.  "
        "[default: those of GRID]"),
)
IMAGE_OPTIONS = (
    click.option("-b", "--bands", type=numbers, metavar="1,3,2", multiple=True,
        help="Bands of SOURCE, in the order that OUTPUT has them. Alpha becomes alpha, opaque where OUTPUT is valid.  "
        "[default: all]"),
    click.option("--interp", type=click.Choice(list(INTERPOLATORS)),
        help="The interpolator.  [default: cubic; nearest where SOURCE declares classes, by a colour table, names of "
        "categories or flags]"),
    click.option("--boundary", type=_boundary, metavar="MODE|ROWS,COLS",
        help="What SOURCE goes on with beyond its edges, valid as the pixels it comes from: constant (0), edge, "
        "reflect, symmetric, wrap or none; or two, such as none,wrap, of its rows and its columns.  [default: none]"),
    click.option("--mask-policy", type=click.Choice(POLICIES), default="strict", show_default=True,
        help="What is done about invalid pixels with a weight: an invalid pixel of OUTPUT, or weights without them."),
    click.option("--min-weight", type=float, default=1e-5, show_default=True, metavar="SHARE",
        help="The least share of the weights that valid pixels must have, with --mask-policy renormalize."),
    click.option("--mask", type=file_band, metavar="FILE[:BAND]",
        help="Which pixels of SOURCE are valid: those where it is not 0, and not what it masks itself."),
    click.option("--mask-valid", type=number, metavar="VALUE", help="Those where --mask is VALUE."),
    click.option("--source-nodata", type=number, metavar="VALUE",
        help="Take pixels of SOURCE as invalid that have this value in any band."),
    click.option("--ignore-nodata", is_flag=True,
        help="Take pixels as valid that SOURCE itself masks, by nodata values, masks or alpha."),
    click.option("--nodata", type=number, metavar="VALUE",
        help="What invalid pixels become, declared in OUTPUT unless a mask or alpha says it; where neither this nor "
        "SOURCE's is there, 0, undeclared.  [default: the nodata value of SOURCE's bands where --dtype holds it]"),
    click.option("--dtype", type=click.Choice(list(C_TYPES)),
        help="Of OUTPUT; integers are rounded and clipped.  [default: that of SOURCE]"),
    click.option("--compute-dtype", type=click.Choice(["float64", "float32"]), default="float64", show_default=True,
        help="Of weights and sums. With float32 coordinates are rounded to 2^-24 pixels."),
    click.option("--window", type=int, nargs=4, metavar="ROW COL ROWS COLS",
        help="The part of the output to make: its first row and column, its rows and columns.  [default: all]"),
    click.option("--driver", metavar="NAME", help="GDAL's name of the format, such as COG.  [default: by the name]"),
    click.option("--co", type=creation_option, metavar="KEY=VALUE", multiple=True,
        help="A creation option of GDAL's for OUTPUT, such as COMPRESS=DEFLATE; may be repeated."),
    click.option("--validity", metavar="FILE|mask|alpha",
        help="Say where OUTPUT is valid: in another raster (uint8, 1 is valid), in its own mask, or in an alpha band, "
        "one more unless SOURCE's is among --bands."),
    click.option("--validity-by", type=click.Choice(["pixel", "band"]), default="pixel", show_default=True,
        help="Whether a pixel is valid in all bands or in none, or each band by itself. Then a --validity FILE has a "
        "band for each."),
    click.option("--resume", is_flag=True,
        help="Keep finished tiles where a run is interrupted, and go on from those of an earlier run of the same job."),
    click.option("--tile", type=click.IntRange(1), nargs=2, metavar="ROWS COLS",
        help="Output pixels at a time. It changes no pixel.  [default: as --max-memory and OUTPUT's blocks ask]"),
    click.option("--max-memory", metavar="SIZE",
        help="Memory that the run may take, at least 64MiB, such as 2GB.  [default: GPUMASK_MAX_MEMORY, or 1 GiB]"),
    click.option("--device", "devices", type=int, multiple=True, metavar="NUMBER",
        help="A GPU to compute on; repeated, they share the tiles.  [default: the first]"),
)
# fmt: on


@click.command("resample")
@click.argument("source")
@click.argument("grid")
@click.argument("output", type=path_type)
@with_options(*_GRID_OPTIONS, *IMAGE_OPTIONS, *RULES_OPTIONS, *COMMON_OPTIONS)
def resample_command(quiet: bool, **options: Any) -> None:
    """Bring SOURCE into the geometry of GRID, and write OUTPUT.

    GRID is a raster of nodes, --resolution output pixels apart: a band with their rows in SOURCE and a band with their
    columns, 0 being the first pixel's centre. Between nodes both are bilinear. OUTPUT lies on the ground where GRID
    does: in GRID's transform the centre of node (0, 0) is that of OUTPUT's first pixel. Its format follows from its
    name, and it appears under that name only when it is whole.

    A pixel of OUTPUT is valid where every pixel of SOURCE that has a weight is, in all bands (or, with --validity-by
    band, in its own). Not valid is what is NaN, what SOURCE itself masks, by any of its nodata values, masks or alpha,
    what --mask does not take as valid, and what does not match --rules. Where no pixel at all is valid the exit code is
    3.
    """
    run(resample_file, arguments_of(options) | grid_arguments_of(options), quiet)


def run(job: Callable[..., Summary], arguments: dict[str, Any], quiet: bool) -> None:
    """Do a job with a bar, and say what it did."""
    before = len(compiled)
    try:
        with renamed(NAMES), progress_bar(quiet, "pixel") as progress:
            done = job(**arguments, progress=progress)
    except KeyboardInterrupt:
        if not arguments["resume"]:
            raise
        raise Failure("interrupted; finished tiles are kept, and the same command goes on from them") from None
    if not quiet:
        click.echo(summary(arguments["output"], done, compiled[before:]))
    if not done.valid:
        click.get_current_context().exit(3)


def grid_arguments_of(words: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `resample_file` about its grid."""
    _check_valid_of(words, "grid_mask")
    same = "grid", "resolution", "grid_bands", "grid_kind", "pixel_convention", "grid_nodata", "like"
    mask = (*words["grid_mask"], words["grid_mask_valid"]) if words["grid_mask"] else None
    return {name: words[name] for name in same} | {"grid_mask": mask}


def _check_valid_of(words: dict[str, Any], mask: str) -> None:
    """Raise click.UsageError where a mask's value comes without the mask."""
    if words[mask] is None and words[f"{mask}_valid"] is not None:
        name = mask.replace("_", "-")
        raise click.UsageError(f"--{name}-valid: expected along with --{name}.")


@renamed(NAMES)
def arguments_of(words: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `resample_file` that a command line's words ask for, but for those about its grid."""
    _check_valid_of(words, "mask")
    check_rules_options(words)
    same = (
        "source", "output", "interp", "boundary", "mask_policy", "min_weight", "driver", "source_nodata", "dtype",
        "compute_dtype", "window", "validity", "validity_by", "overwrite", "resume", "max_memory", "backend",
    )  # fmt: skip
    masks = [(*words["mask"], words["mask_valid"])] if words["mask"] else []
    return (
        {name: words[name] for name in same}
        | rules_of(words, "output", "validity")
        | {
            "bands": tuple(itertools.chain(*words["bands"])) or None,
            "mask": masks if words["ignore_nodata"] else ["auto", *masks],
            "nodata_out": words["nodata"],
            "creation": dict(words["co"]),
            "tile_shape": words["tile"] or None,
            "devices": words["devices"] or None,
        }
    )
