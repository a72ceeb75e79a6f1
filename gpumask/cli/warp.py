"""The command `gpumask warp`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gpumask.cli.common import COMMON_OPTIONS, RULES_OPTIONS, path_type, with_options
from gpumask.cli.resample import IMAGE_OPTIONS, arguments_of, run
from gpumask.files.warp import MODELS, warp_file


def _sizes(text: str) -> tuple[float, ...]:
    """Parse a number, or two with a comma between them."""
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
        help="A raster that gives OUTPUT its CRS, its place, its rows and its columns, instead of --crs."),
    click.option("--resolution", type=_sizes, metavar="SIZE|X,Y",
        help="The size of an output pixel, in units of --crs.  [default: the size that GDAL suggests, or with "
        "--bounds a size as fine as SOURCE's]"),
    click.option("--bounds", type=float, nargs=4, metavar="LEFT BOTTOM RIGHT TOP",
        help="The area of OUTPUT, in --crs. If LEFT is greater than RIGHT, it crosses the antimeridian. With "
        "--resolution, RIGHT and BOTTOM move to a whole pixel.  [default: the area of SOURCE]"),
    click.option("--max-error", type=float, default=0.01, show_default=True, metavar="PIXELS",
        help="How far off coordinates may be, in pixels of SOURCE. With 0, each coordinate is computed exactly."),
    click.option("--model", type=click.Choice(MODELS), default="auto", show_default=True,
        help="What says where SOURCE lies: its transform, its ground control points or its RPCs. auto takes the "
        "first of these that it has."),
    click.option("--height", type=float, metavar="METRES",
        help="The height of the ground above the ellipsoid, for RPCs.  [default: 0]"),
    click.option("--dem", metavar="RASTER", help="A raster with the heights of the ground, for RPCs. It replaces "
        "--height."),
)
# fmt: on


@click.command()
@click.argument("source")
@click.argument("output", type=path_type)
@with_options(*_TARGET_OPTIONS, *IMAGE_OPTIONS, *RULES_OPTIONS, *COMMON_OPTIONS)
def warp(output: Path, quiet: bool, **options: Any) -> None:
    """Bring SOURCE into another coordinate reference system, and write OUTPUT.

    The command does what gdalwarp does, but it is strict about masks. A pixel of OUTPUT is valid if every pixel of
    SOURCE that has a weight for it is valid. This holds for all bands together, or, with --validity-by band, for each
    band by itself. See `gpumask resample`.

    An interpolator reads the same number of pixels of SOURCE everywhere. If OUTPUT is coarser than SOURCE, some pixels
    of SOURCE are not used. With --antialias interpolators grow wider then, as those of gdalwarp do. Average, sum, mode
    and the like take all pixels of SOURCE that a pixel of OUTPUT covers.
    """
    same = "crs", "like", "resolution", "bounds", "max_error", "model", "height", "dem"
    target = {name: options[name] for name in same}
    run(warp_file, arguments_of(options | {"output": output}) | target, quiet)
