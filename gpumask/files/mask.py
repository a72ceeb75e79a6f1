"""One mask from files: polygons and a coarse raster, written in the pixels of another raster."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpumask.errors import GpumaskError, renamed
from gpumask.files.reading.inputs import Inputs
from gpumask.files.reading.quality import open_quality
from gpumask.files.reading.vector import read_polygons
from gpumask.files.tiles.full_resolution import CoarseMaskBand, MaskOutput, write_full_resolution
from gpumask.files.tiles.summary import Summary
from gpumask.files.writing.gdal_says import all_is_written, options_are_known
from gpumask.files.writing.storage import Sample, is_on, layout, try_out
from gpumask.files.writing.whole import check_free, output_paths, whole_files
from gpumask.grids.places.affine import MOST_OFF, pixels_off
from gpumask.masks.polygons import Polygons
from gpumask.masks.validity import Part
from gpumask.pixels.window import Window

if TYPE_CHECKING:
    from rasterio.io import DatasetReader


# The command line's words for what the layers below name in their errors.
_NAMES = {
    "mask": "--mask",
    "mask band": "--mask",
    "mask valid value": "--mask-valid",
    "values": "--mask",
    "resolution": "--resolution",
    "threshold": "--threshold",
    "valid": "--valid",
    "invalid": "--invalid",
    "mask output": "OUTPUT",
    "creation": "--co",
    "quality": "--quality-band",
}
_log = logging.getLogger("gpumask")


@dataclass(frozen=True)
class MaskOptions:
    """What `gpumask mask` is asked for; each is explained by its --help. Vector files are (file, layer)."""

    output: Path
    like: str
    valid: tuple[tuple[str, str | None], ...] = ()
    invalid: tuple[tuple[str, str | None], ...] = ()
    mask: tuple[str, int] | None = None
    mask_valid: float | None = None
    rules: str | None = None
    quality_band: tuple[tuple[str, str, int], ...] = ()
    definition: str | None = None
    resolution: tuple[int, int] = (1, 1)
    threshold: float = 0.999
    tile: tuple[int, int] = (1024, 1024)
    co: tuple[tuple[str, str], ...] = ()
    overwrite: bool = False
    backend: str | None = None


@renamed(_NAMES)
def write_mask(options: MaskOptions, progress: Callable[[int, int], None] | None = None) -> Summary:
    """Do what the options ask for; the output appears under its name when all is done."""
    import rasterio

    with rasterio.Env(), contextlib.ExitStack() as stack:
        inputs = Inputs(stack)
        like = inputs.open("--like", options.like)
        parts: list[Part] = []
        for name, asked in {"--valid": options.valid, "--invalid": options.invalid}.items():
            inputs.files[name] = [path for path, _ in asked]
        if options.valid or options.invalid:
            parts.append(_polygons(options, like))
        if options.mask:
            band = inputs.mask("--mask", (*options.mask, options.mask_valid))
            parts.append(CoarseMaskBand(band, options.resolution, options.threshold))
            _check_covers(band.dataset, options.resolution, like)
        parts += open_quality(inputs, options.rules, options.quality_band, options.definition, like)
        window = Window.of_shape(like.shape)
        targets = output_paths({"OUTPUT": options.output}, inputs.files, options.overwrite)
        stored = layout("OUTPUT", targets[0], window.shape, np.dtype(np.uint8), dict(options.co))
        profile = {
            **{"count": 1, "dtype": "uint8", "height": window.rows, "width": window.cols},
            "crs": like.crs,
            "transform": None if like.transform.is_identity else like.transform,
            **stored.profile,
        }
        with renamed({} if options.co else {"creation": "OUTPUT"}):
            names = try_out(stored, Sample.of(1, "uint8", "pixels"), targets[0].name)
        made = [targets[0].with_name(name) for name in names]
        check_free("OUTPUT", made, inputs.files, options.overwrite)
        sparse = is_on(stored.profile.get("sparse_ok"))
        with whole_files(*targets, sparse=sparse, overwrite=options.overwrite) as drafts, all_is_written(targets[0]):
            with options_are_known():
                image = rasterio.open(drafts[0], "w", **profile)
            with image:
                output = MaskOutput(image)
                done = write_full_resolution(
                    like.shape,
                    tuple(parts),
                    output,
                    tile_shape=options.tile,
                    progress=progress,
                    backend=options.backend,
                )
    if not done.valid:
        _log.warning("OUTPUT: no pixel is valid")
    return done


def _polygons(options: MaskOptions, like: DatasetReader) -> Polygons:
    """Read all vector files."""
    pair: dict[str, list[Any] | None] = {
        name: [polygon for file in asked for polygon in read_polygons(f"--{name}", *file, like)] if asked else None
        for name, asked in {"valid": options.valid, "invalid": options.invalid}.items()
    }
    if pair["valid"] is not None and not any(polygon.area for polygon in pair["valid"]):
        raise GpumaskError(f"--valid: expected a polygon with an area; got none in {options.valid[0][0]}")
    return Polygons(pair["valid"], pair["invalid"], origin=(0.5, 0.5))


def _check_covers(mask: DatasetReader, resolution: tuple[int, int], like: DatasetReader) -> None:
    """Raise GpumaskError unless a coarse mask has the nodes that it takes to cover a raster, no more, and in place."""
    rows, cols = (-(-(size - 1) // step) + 1 for size, step in zip(like.shape, resolution, strict=True))
    if mask.shape != (rows, cols):
        raise GpumaskError(
            f"--mask: expected {rows} x {cols} pixels, to cover {like.shape[0]} x {like.shape[1]} at --resolution "
            f"{resolution[0]} {resolution[1]}; got {mask.shape[0]} x {mask.shape[1]}"
        )
    off = pixels_off(like, mask, resolution, first=0.5)
    if off > MOST_OFF:
        raise GpumaskError(
            f"--mask: expected, as it says where it lies, its pixels' centres on the centre of every {resolution[0]}th "
            f"row and {resolution[1]}th column of --like, from the first on; got up to {off:.3g} pixels off"
        )
