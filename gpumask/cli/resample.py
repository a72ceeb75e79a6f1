"""The command `gpumask resample`, and the options that it shares with `gpumask warp`."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import click

from gpumask.backends.cache import compiled
from gpumask.backends.source import C_TYPES
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

# The names in errors of the layers below, and the words of the command line for them.
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
            "validity_kind", "resume", "max_memory", "rules", "definition", "boundary", "mask_policy", "min_weight",
            "antialias", "crs", "bounds", "max_error", "model", "height", "dem",
        )
    },
}  # fmt: skip


def _boundary(text: str) -> str | tuple[str | None, str | None] | None:
    """Parse a mode, or two with a comma between them. "none" is a mode, too."""
    known, words = (*MODES, "none"), text.split(",")
    if len(words) > 2 or not set(known).issuperset(words):
        raise click.BadParameter(f"expected one of {', '.join(known)}, or two of them as ROWS,COLS; got {text!r}")
    modes = [None if word == "none" else word for word in words]
    return modes[0] if len(modes) == 1 else (modes[0], modes[1])


# fmt: off
_GRID_OPTIONS = (
    click.option("--resolution", type=click.IntRange(1), nargs=2, metavar="R C", default=(1, 1), show_default=True,
        help="The output pixels from node to node, along a column and along a row."),
    click.option("--grid-bands", type=int, nargs=2, metavar="ROW COL", default=(1, 2), show_default=True,
        help="The bands of GRID that hold the rows and the columns."),
    click.option("--grid-kind", type=click.Choice(["location", "displacement"]), default="location", show_default=True,
        help="The content of GRID. A location is a row and a column of SOURCE. A displacement is how far that place "
        "lies from the output pixel's own row and column."),
    click.option("--pixel-convention", type=click.Choice(["center", "corner"]), default="center", show_default=True,
        help="Where GRID counts from. The centre of SOURCE's first pixel is 0 with center, and 0.5 with corner, as "
        "in rasterio, GDAL and OTB."),
    click.option("--grid-nodata", type=number, metavar="VALUE",
        help="The nodata value of GRID. A node with this row or column does not count.  [default: each band's own "
        "nodata value]"),
    click.option("--grid-mask", type=file_band, metavar="FILE[:BAND]",
        help="A mask of the nodes. A node counts where the mask is not 0. Nodes that the file itself masks don't "
        "count."),
    click.option("--grid-mask-valid", type=number, metavar="VALUE", help="The value of --grid-mask where nodes count."),
    click.option("--like", metavar="RASTER",
        help="A raster that gives OUTPUT its CRS and its place. It must have as many rows and columns as OUTPUT has "
        "after --window.  [default: the CRS and the place of GRID]"),
)
IMAGE_OPTIONS = (
    click.option("-b", "--bands", type=numbers, metavar="1,3,2", multiple=True,
        help="The bands of SOURCE, in the order of OUTPUT's bands. An alpha band becomes an alpha band, opaque where "
        "OUTPUT is valid.  [default: all]"),
    click.option("--interp", type=click.Choice(list(INTERPOLATORS)),
        help="The interpolator.  [default: cubic, or nearest if SOURCE declares classes by a colour table, names of "
        "categories or flags]"),
    click.option("--antialias", is_flag=True,
        help="Let linear, cubic or lanczos3 be as wide as pixels of OUTPUT lie apart in SOURCE, if that is more than a "
        "pixel. Then every pixel of SOURCE has a say in an OUTPUT that is coarser."),
    click.option("--boundary", type=_boundary, metavar="MODE|ROWS,COLS",
        help="How SOURCE continues beyond its edges: constant (0), edge, reflect, symmetric, wrap or none. Pixels "
        "there are as valid as the pixels they come from. Two modes, such as none,wrap, are for its rows and its "
        "columns.  [default: none]"),
    click.option("--mask-policy", type=click.Choice(POLICIES), default="strict", show_default=True,
        help="What an invalid pixel with a weight does. With strict, it makes the pixel of OUTPUT invalid. With "
        "renormalize, it is left out and the other weights grow."),
    click.option("--min-weight", type=float, show_default="1e-5, for sum any", metavar="SHARE",
        help="The least share of the weights that valid pixels must have. Weights count by their absolute values. The "
        "option is used with --mask-policy renormalize."),
    click.option("--mask", type=file_band, metavar="FILE[:BAND]",
        help="A mask of SOURCE. A pixel is valid where the mask is not 0. Pixels that the file itself masks are not "
        "valid."),
    click.option("--mask-valid", type=number, metavar="VALUE", help="The value of --mask where pixels are valid."),
    click.option("--source-nodata", type=number, metavar="VALUE",
        help="A nodata value for SOURCE. A pixel that has it in any band is invalid."),
    click.option("--ignore-nodata", is_flag=True,
        help="Take pixels as valid even if SOURCE masks them by nodata values, masks or alpha."),
    click.option("--nodata", type=number, metavar="VALUE",
        help="The value of invalid pixels. OUTPUT declares it, unless a mask or alpha says where OUTPUT is valid. "
        "Without this and without a nodata value of SOURCE it is 0, and OUTPUT declares nothing.  [default: the "
        "nodata value of SOURCE's bands, if --dtype holds it]"),
    click.option("--dtype", type=click.Choice(list(C_TYPES)),
        help="The data type of OUTPUT. Integers are rounded and clipped.  [default: the type of SOURCE]"),
    click.option("--compute-dtype", type=click.Choice(["float64", "float32"]), default="float64", show_default=True,
        help="The data type of weights and sums. With float32, coordinates are rounded to 2^-24 pixels."),
    click.option("--window", type=int, nargs=4, metavar="ROW COL ROWS COLS",
        help="The part of the output to make: its first row, its first column, and how many rows and columns.  "
        "[default: all]"),
    click.option("--driver", metavar="NAME", help="GDAL's name of the output format, such as COG.  [default: the "
        "format of OUTPUT's name]"),
    click.option("--co", type=creation_option, metavar="KEY=VALUE", multiple=True,
        help="A creation option of GDAL for OUTPUT, such as COMPRESS=DEFLATE. The option may be repeated."),
    click.option("--validity", metavar="FILE|mask|alpha",
        help="Where to write which pixels of OUTPUT are valid: another raster (uint8, 1 is valid), OUTPUT's own "
        "mask, or an alpha band. The alpha band is an additional one, unless --bands has SOURCE's alpha."),
    click.option("--validity-kind", type=click.Choice(["valid", "share"]), default="valid", show_default=True,
        help="What a --validity FILE holds. With share it is float32: the part of a pixel's weights that belongs to "
        "valid pixels of SOURCE, from 0 to 1. It is 1 where all of them are valid."),
    click.option("--validity-by", type=click.Choice(["pixel", "band"]), default="pixel", show_default=True,
        help="How bands are valid. With pixel, a pixel is valid in all bands or in none. With band, each band is "
        "valid by itself, and a --validity FILE has one band for each."),
    click.option("--resume", is_flag=True,
        help="Keep the finished tiles of an interrupted run, and continue an earlier run of the same job."),
    click.option("--tile", type=click.IntRange(1), nargs=2, metavar="ROWS COLS",
        help="The size of the tiles, in output pixels. It changes no pixel.  [default: chosen from --max-memory and "
        "OUTPUT's blocks]"),
    click.option("--max-memory", metavar="SIZE",
        help="The memory that the run may take, such as 2GB. At least 64MiB are needed.  [default: "
        "GPUMASK_MAX_MEMORY, or 1 GiB]"),
    click.option("--device", "devices", type=int, multiple=True, metavar="NUMBER",
        help="The number of a GPU to compute on. If the option is repeated, the GPUs share the tiles.  [default: the "
        "first GPU]"),
)
# fmt: on


@click.command("resample")
@click.argument("source")
@click.argument("grid")
@click.argument("output", type=path_type)
@with_options(*_GRID_OPTIONS, *IMAGE_OPTIONS, *RULES_OPTIONS, *COMMON_OPTIONS)
def resample_command(quiet: bool, **options: Any) -> None:
    """Bring SOURCE into the geometry of GRID, and write OUTPUT.

    GRID is a raster of nodes that are --resolution output pixels apart. One band holds the rows of the nodes in SOURCE,
    another holds their columns. 0 is the centre of the first pixel. Between nodes both are bilinear.

    OUTPUT lies on the ground where GRID does. In GRID's transform, the centre of node (0, 0) is the centre of OUTPUT's
    first pixel. The name of OUTPUT decides its format. OUTPUT appears under that name only when it is whole.

    A pixel of OUTPUT is valid if every pixel of SOURCE that has a weight for it is valid. This holds for all bands
    together, or, with --validity-by band, for each band by itself. A pixel of SOURCE is invalid if it is NaN. It is
    also invalid if SOURCE itself masks it by a nodata value, a mask or alpha, if --mask calls it invalid, or if it does
    not match --rules. If no pixel is valid, the exit code is 3.
    """
    run(resample_file, arguments_of(options) | grid_arguments_of(options), quiet)


def run(job: Callable[..., Summary], arguments: dict[str, Any], quiet: bool) -> None:
    """Run a job with a progress bar, and print what it did."""
    before = len(compiled)
    try:
        with renamed(NAMES), progress_bar(quiet, "pixel") as progress:
            done = job(**arguments, progress=progress)
    except KeyboardInterrupt:
        if not arguments["resume"]:
            raise
        raise Failure("interrupted: finished tiles are kept, and the same command continues from them") from None
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
    """Raise click.UsageError if a mask's value comes without the mask."""
    if words[mask] is None and words[f"{mask}_valid"] is not None:
        name = mask.replace("_", "-")
        raise click.UsageError(f"--{name}-valid: expected along with --{name}.")


@renamed(NAMES)
def arguments_of(words: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `resample_file` from the words of a command line, without those about its grid."""
    _check_valid_of(words, "mask")
    check_rules_options(words)
    same = (
        "source", "output", "interp", "boundary", "mask_policy", "min_weight", "antialias", "driver", "source_nodata",
        "dtype", "compute_dtype", "window", "validity", "validity_by", "validity_kind", "overwrite", "resume",
        "max_memory", "backend",
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
