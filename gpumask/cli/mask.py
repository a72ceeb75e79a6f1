"""gpumask mask."""

from __future__ import annotations

import os
import re
from typing import Any

import click
from click.core import ParameterSource

from gpumask.backends.cache import compiled
from gpumask.cli.common import (
    RULES_OPTIONS,
    backend_option,
    check_rules_options,
    creation_option,
    debug_option,
    file_band,
    number,
    overwrite_option,
    path_type,
    progress_bar,
    quiet_option,
    rules_of,
    summary,
    with_options,
)
from gpumask.errors import renamed
from gpumask.files.mask import mask_file

# The command line's words for what the layers below name in their errors.
_NAMES = {
    "like": "--like",
    "mask": "--mask",
    "resolution": "--resolution",
    "threshold": "--threshold",
    "valid": "--valid",
    "invalid": "--invalid",
    "output": "OUTPUT",
    "creation": "--co",
    "rules": "--rules",
    "keep": "--rules",
    "definition": "--definition",
    "quality": "--quality-band",
}


def _file_layer(text: str) -> tuple[str, str | None]:
    """Take FILE or FILE:LAYER."""
    found = None if os.path.exists(text) else re.fullmatch(r"(.+):([^:/\\]+)", text)
    return (found[1], found[2]) if found else (text, None)


# fmt: off
_OPTIONS = (
    click.option("--like", metavar="RASTER", required=True,
        help="OUTPUT has its rows and columns, its CRS and its place."),
    click.option("--valid", type=_file_layer, metavar="FILE[:LAYER]", multiple=True,
        help="Polygons outside of which nothing is valid, in any vector format that GDAL reads; may be repeated."),
    click.option("--invalid", type=_file_layer, metavar="FILE[:LAYER]", multiple=True,
        help="Polygons inside of which nothing is valid; may be repeated."),
    click.option("--mask", type=file_band, metavar="FILE[:BAND]",
        help="A raster that is valid where it is not 0; its pixels' centres are those of every --resolution pixels of "
        "OUTPUT, from the first on."),
    click.option("--mask-valid", type=number, metavar="VALUE", help="Valid where --mask is VALUE."),
    click.option("--resolution", type=click.IntRange(1), nargs=2, metavar="R C", default=(1, 1), show_default=True,
        help="Pixels of OUTPUT from pixel to pixel of --mask, along a column and along a row."),
    click.option("--threshold", type=float, metavar="SHARE", default=0.999, show_default=True,
        help="The bilinear share of valid in --mask from which on a pixel is valid."),
    click.option("--tile", type=click.IntRange(1), nargs=2, metavar="ROWS COLS", default=(1024, 1024),
        show_default=True, help="Pixels at a time. It changes no pixel."),
    click.option("--co", type=creation_option, metavar="KEY=VALUE", multiple=True,
        help="A creation option of GDAL's for OUTPUT, such as COMPRESS=DEFLATE; may be repeated."),
)
# fmt: on


@click.command()
@click.argument("output", type=path_type)
@with_options(*_OPTIONS, *RULES_OPTIONS, overwrite_option, backend_option, quiet_option, debug_option)
def mask(quiet: bool, **options: Any) -> None:
    """Write OUTPUT, a mask of uint8 in the pixels of another raster: 1 is valid, 0 is not.

    Valid is what --mask has as valid, what has its centre in one of the --valid polygons, if any, and in none of the
    --invalid ones, and what matches --rules. A layer in another CRS than the raster's is reprojected. OUTPUT is what
    `gpumask resample --mask` takes. Its format follows from its name; it appears under that name only when it is whole.
    Where no pixel at all is valid the exit code is 3.
    """
    check_rules_options(options)
    if not any(options[name] for name in ("valid", "invalid", "mask", "rules")):
        raise click.UsageError("Expected at least one of --valid, --invalid, --mask and --rules.")
    for name in ("mask_valid", "resolution", "threshold"):
        asked = click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE
        if options["mask"] is None and asked:
            raise click.UsageError(f"--{name.replace('_', '-')}: expected along with --mask.")
    before = len(compiled)
    with renamed(_NAMES), progress_bar(quiet, "pixel") as progress:
        done = mask_file(**_arguments_of(options), progress=progress)
    if not quiet:
        click.echo(summary(options["output"], done, compiled[before:]))
    if not done.valid:
        click.get_current_context().exit(3)


def _arguments_of(words: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `mask_file` that a command line's words ask for."""
    same = "output", "like", "resolution", "threshold", "overwrite", "backend"
    return (
        {name: words[name] for name in same}
        | rules_of(words, "output")
        | {
            "valid": list(words["valid"]) or None,
            "invalid": list(words["invalid"]) or None,
            "mask": (*words["mask"], words["mask_valid"]) if words["mask"] else None,
            "creation": dict(words["co"]),
            "tile_shape": words["tile"],
        }
    )
