"""The command `gpumask flags`."""

from __future__ import annotations

import contextlib

import click

from gpumask.cli.common import debug_option, file_band
from gpumask.errors import renamed
from gpumask.files.reading.gdal import check_bands
from gpumask.files.reading.inputs import open_raster
from gpumask.masks.rules.describe import describe_flags, flag_problems
from gpumask.masks.rules.flags import ready_definitions
from gpumask.masks.rules.read import read_definition


@click.command()
@click.argument("file", type=file_band, metavar="FILE[:BAND]")
@click.option("--definition", required=True, metavar="NAME|FILE",
    help=f"The definition of the flags. It is one of {', '.join(ready_definitions())}, or a file. The file is YAML "
        "or JSON, in the Open Data Cube form or with CF or STAC attributes.")  # fmt: skip
@debug_option
def flags(file: tuple[str, int], definition: str) -> None:
    """Print how many pixels of a quality band have each value of each flag.

    Flags that no rule can ask for are printed with the reason.
    """
    names = {"flags_definition": "--definition", "definition": "--definition", "band": "FILE"}
    with contextlib.ExitStack() as inputs, renamed(names):
        known = read_definition(definition)
        dataset = open_raster(inputs, "FILE", file[0])
        check_bands("FILE", dataset, (file[1],))
        band = dataset.read(file[1])
        rows = describe_flags(band, known)
        problems = flag_problems(known, band.dtype)
    width = max(len(name) for name in [*problems, *(row.flag for row in rows)])
    for row in rows:
        value = "other" if row.value is None else row.value
        label = "(not defined)" if row.label is None else str(row.label)
        share = 100 * row.pixels / max(band.size, 1)
        click.echo(f"{row.flag:<{width}}  {value:>5}  {label:<28}  {row.pixels:>12}  {share:6.2f} %")
    for name, reasons in problems.items():
        for reason in reasons:
            click.echo(f"{name:<{width}}      -  {reason}")
