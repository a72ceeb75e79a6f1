"""The command `gpumask mask`."""

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

# The names in errors of the layers below, and the words of the command line for them.
_NAMES = {
    "like": "--like",
    "mask": "--mask",
    "mask value": "--mask-valid",
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
    """Parse FILE or FILE:LAYER."""
    found = None if os.path.exists(text) else re.fullmatch(r"(.+):([^:/\\]+)", text)
    return (found[1], found[2]) if found else (text, None)


# fmt: off
_OPTIONS = (
    click.option("--like", metavar="RASTER", required=True,
        help="A raster that gives OUTPUT its rows and columns, its CRS and its place."),
    click.option("--valid", type=_file_layer, metavar="FILE[:LAYER]", multiple=True,
        help="Polygons that hold all valid pixels, in any vector format that GDAL reads. Pixels outside are not "
        "valid. The option may be repeated."),
    click.option("--invalid", type=_file_layer, metavar="FILE[:LAYER]", multiple=True,
        help="Polygons whose pixels are not valid. The option may be repeated."),
    click.option("--mask", type=file_band, metavar="FILE[:BAND]",
        help="A raster that is valid where it is not 0. It may be coarser: its first pixel has the centre of "
        "OUTPUT's first pixel, and the next ones follow --resolution pixels apart. It may be finer by whole factors: "
        "then both begin at the same corner, and --threshold says how much of a pixel must be valid."),
    click.option("--mask-valid", type=number, metavar="VALUE", help="The value of --mask where it is valid."),
    click.option("--resolution", type=click.IntRange(1), nargs=2, metavar="R C", default=(1, 1), show_default=True,
        help="The pixels of OUTPUT from one pixel of a coarser --mask to the next, along a column and along a row."),
    click.option("--threshold", type=float, metavar="SHARE", default=0.999, show_default=True,
        help="The share of valid from which on a pixel is valid. Between pixels of a coarser --mask the share is "
        "bilinear. With a finer --mask or --quality-band it is the part of the pixel that is valid."),
    click.option("--tile", type=click.IntRange(1), nargs=2, metavar="ROWS COLS", default=(1024, 1024),
        show_default=True, help="The size of the tiles, in pixels. It changes no pixel."),
    click.option("--co", type=creation_option, metavar="KEY=VALUE", multiple=True,
        help="A creation option of GDAL for OUTPUT, such as COMPRESS=DEFLATE. The option may be repeated."),
)
# fmt: on


@click.command()
@click.argument("output", type=path_type)
@with_options(*_OPTIONS, *RULES_OPTIONS, overwrite_option, backend_option, quiet_option, debug_option)
def mask(quiet: bool, **options: Any) -> None:
    """Write OUTPUT, a mask of uint8 in the pixels of another raster. 1 is valid, 0 is not.

    A pixel is valid if all that is given calls it valid. --mask must call it valid. Its centre must lie in one of the
    --valid polygons and in none of the --invalid ones. It must match --rules.

    A layer in another CRS than the raster's is reprojected. `gpumask resample --mask` takes OUTPUT as it is. The name
    of OUTPUT decides its format. OUTPUT appears under that name only when it is whole. If no pixel is valid, the exit
    code is 3.
    """
    check_rules_options(options)
    if not any(options[name] for name in ("valid", "invalid", "mask", "rules")):
        raise click.UsageError("Expected at least one of --valid, --invalid, --mask and --rules.")
    for name, users in (("mask_valid", "--mask"), ("resolution", "--mask"), ("threshold", "--mask or --quality-band")):
        asked = click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE
        used = options["mask"] or (name == "threshold" and options["quality_band"])
        if asked and not used:
            raise click.UsageError(f"--{name.replace('_', '-')}: expected along with {users}.")
    before = len(compiled)
    with renamed(_NAMES), progress_bar(quiet, "pixel") as progress:
        done = mask_file(**_arguments_of(options), progress=progress)
    if not quiet:
        click.echo(summary(options["output"], done, compiled[before:]))
    if not done.valid:
        click.get_current_context().exit(3)


def _arguments_of(words: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `mask_file` from the words of a command line."""
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
