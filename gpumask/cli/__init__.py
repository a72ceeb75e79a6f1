"""The command line: gpumask demo, resample, warp, mask, flags, info and warmup.

Exit codes: 0 done, 1 failed (one line says why), 2 a command line that can't be right, 3 done, but no pixel is valid.
"""

from __future__ import annotations

import click

import gpumask
from gpumask.cli.common import Commands, debug_option
from gpumask.cli.demo import demo
from gpumask.cli.flags import flags
from gpumask.cli.machine import info, warmup
from gpumask.cli.mask import mask
from gpumask.cli.resample import resample_command
from gpumask.cli.warp import warp


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(gpumask.__version__, prog_name="gpumask", message="%(prog)s %(version)s")
@debug_option
def main() -> None:
    """Resample satellite images through a grid, with masks that do not bleed; on a GPU, and the same bits on a CPU."""


for command in (demo, resample_command, warp, mask, flags, info, warmup):
    main.add_command(command)
