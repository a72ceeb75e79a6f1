"""The command `gpumask demo`."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

import click

from gpumask.backends import select_for_files
from gpumask.backends.cache import Compiled, compiled
from gpumask.cli.common import backend_option, compiling, debug_option, share, with_options
from gpumask.cli.machine import warm
from gpumask.cli.resample import arguments_of, grid_arguments_of, resample_command
from gpumask.files.resample import resample_file
from gpumask.files.writing.whole import whole_files


@click.command()
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), default="gpumask-demo", show_default=True,
    metavar="DIR", help="The folder for the files.")  # fmt: skip
@with_options(backend_option, debug_option)
def demo(output: Path, backend: str | None) -> None:
    """Make a cloudy scene and a distorted grid, and resample the scene.

    The command writes the scene (source.tif, quality.tif and grid.tif), the result (image.tif and validity.tif), and a
    picture of both (preview.png).
    """
    from gpumask.cli.scene import CLEAR, NODES, RESOLUTION, write_preview, write_scene

    before = len(compiled)
    chosen = select_for_files(backend)
    output.mkdir(parents=True, exist_ok=True)
    names = ("source.tif", "grid.tif", "quality.tif", "image.tif", "validity.tif", "preview.png")

    def arguments(source: Path, grid: Path, quality: Path, image: Path, validity: Path, *_: Path) -> list[str]:
        words = [source, grid, image, "--resolution", RESOLUTION, RESOLUTION, "--mask", quality, "--mask-valid", CLEAR]
        return [str(word) for word in (*words, "--validity", validity)]

    click.echo("drawing a scene, and compiling kernels if there are none yet")
    with whole_files(*(output / name for name in names)) as drafts:
        scene, result, picture = drafts[:3], drafts[3:5], drafts[5]
        write_scene(*scene)
        options = resample_command.make_context("resample", [*arguments(*drafts), "--backend", chosen.name]).params
        warm(chosen.name, ["uint16"], ["cubic"])
        made = compiled[before:]
        start = time.perf_counter()
        done = resample_file(**arguments_of(options), **grid_arguments_of(options))
        seconds = time.perf_counter() - start
        write_preview(picture, scene, result)
    by_hand = [*arguments(*(output / name for name in names)), "--overwrite"]
    speed = f"{done.pixels / seconds:,.0f}"
    click.echo(
        f"{done.pixels:,} pixels of 3 bands of uint16, cubic, through a grid of {NODES} x {NODES} nodes\n"
        f"seconds          {seconds:.3f}   to read, mask, resample and write\n"
        f"pixels a second  {speed}\n"
        f"compiled before  {_told(made)}\n"
        f"backend          {done.backend}\n"
        f"valid            {share(done)}\n"
        f"files            {', '.join(str(output / name) for name in names[3:])}\n"
        f"by hand          gpumask resample {shlex.join(by_hand)}"
    )


def _told(made: list[Compiled]) -> str:
    """Say which kernels were compiled, and how long that took."""
    if not made:
        return "no kernel: none was missing"
    kernels = ", ".join(dict.fromkeys(kernel for kernel, _ in made))
    return f"{kernels}, in {compiling(made):.1f} s, once on this machine"
