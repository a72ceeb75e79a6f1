"""The command line: gpumask demo, resample, warp, mask, flags, info and warmup.

Each command has a module of its own, and `machine.py` has both info and warmup. Begin with `resample.py`. `common.py`
has the options that several commands share, and how they report errors. `scene.py` and `picture.py` draw the scene of
the demo.

The exit code is 0 for success. It is 1 for a failure, which one line explains, and 2 for a command line that can't be
right. It is 3 if the job is done but no pixel is valid.
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
    """Resample satellite images through a grid, with masks that do not bleed.

    A GPU and a CPU give the same bits.
    """


for command in (demo, resample_command, warp, mask, flags, info, warmup):
    main.add_command(command)
