"""gpumask warp."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gpumask.cli.common import COMMON_OPTIONS, RULES_OPTIONS, path_type, with_options
from gpumask.cli.resample import IMAGE_OPTIONS, arguments_of, run
from gpumask.files.warp import MODELS, warp_file


def _sizes(text: str) -> tuple[float, ...]:
    """Take a number, or two with a comma between."""
    try:
        found = tuple(float(word) for word in text.split(","))
    except ValueError:
        found = ()
    if len(found) not in (1, 2):
        raise click.BadParameter(f"expected SIZE or X,Y; got {text!r}")
    return found * 2 if len(found) == 1 else found


# fmt: off
_TARGET_OPTIONS = (
    click.option("--crs", metavar="CRS", help="The output's coordinate reference system, such as EPSG:32633."),
    click.option("--like", metavar="RASTER",
        help="OUTPUT has its CRS, its place, its rows and columns, instead of --crs."),
    click.option("--resolution", type=_sizes, metavar="SIZE|X,Y",
        help="The size of an output pixel in units of --crs.  [default: as GDAL suggests; with --bounds, as fine as "
        "SOURCE's]"),
    click.option("--bounds", type=float, nargs=4, metavar="LEFT BOTTOM RIGHT TOP",
        help="What OUTPUT covers, in --crs; a LEFT greater than RIGHT crosses the antimeridian. With --resolution "
        "RIGHT and BOTTOM move to a whole pixel.  [default: SOURCE]"),
    click.option("--max-error", type=float, default=0.01, show_default=True, metavar="PIXELS",
        help="How far off coordinates may be, in pixels of SOURCE; 0: each is computed."),
    click.option("--model", type=click.Choice(MODELS), default="auto", show_default=True,
        help="What of SOURCE says where it lies: its transform, ground control points or RPCs."),
    click.option("--height", type=float, metavar="METRES",
        help="The ground's height above the ellipsoid, with RPCs.  [default: 0]"),
    click.option("--dem", metavar="RASTER", help="Heights of the ground, with RPCs, instead of --height."),
)
# fmt: on


@click.command()
@click.argument("source")
@click.argument("output", type=path_type)
@with_options(*_TARGET_OPTIONS, *IMAGE_OPTIONS, *RULES_OPTIONS, *COMMON_OPTIONS)
def warp(output: Path, quiet: bool, **options: Any) -> None:
    """Bring SOURCE into another coordinate reference system, and write OUTPUT, as gdalwarp does, strict about masks.

    A pixel of OUTPUT is valid where every pixel of SOURCE that has a weight is, in all bands (or, with --validity-by
    band, in its own); see `gpumask resample`.
    Where OUTPUT is coarser than SOURCE pixels in between are not seen: no kernel is widened, as GDAL's are.
    """
    same = "crs", "like", "resolution", "bounds", "max_error", "model", "height", "dem"
    target = {name: options[name] for name in same}
    run(warp_file, arguments_of(options | {"output": output}) | target, quiet)
