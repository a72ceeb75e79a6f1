"""One resampling from file to file."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpumask.chain import GridFile, Job, MaskBand, SourceFile, Summary, resample_datasets
from gpumask.errors import GpumaskError, renamed
from gpumask.interp import interpolator
from gpumask.outputs import layout, open_raster, options_are_known, output_paths, whole_files
from gpumask.quality_files import open_quality, quality_inputs
from gpumask.resample import output_type
from gpumask.window import Window, check_inside

if TYPE_CHECKING:
    from rasterio.io import DatasetWriter


# The command line's words for what the layers below name in their errors.
_NAMES = {
    "nodata_out": "--nodata",
    "dtype": "--dtype",
    "bands": "--bands",
    "source mask": "--mask",
    "source mask band": "--mask",
    "source mask valid value": "--mask-valid",
    "grid mask": "--grid-mask",
    "grid mask band": "--grid-mask",
    "grid mask valid value": "--grid-mask-valid",
    "grid row band": "--grid-bands",
    "grid col band": "--grid-bands",
    "grid.resolution": "--resolution",
    "window": "--window",
    "image": "OUTPUT",
    "validity": "--validity",
}

_log = logging.getLogger("gpumask")


@dataclass(frozen=True)
class Options:
    """What `gpumask resample` is asked for; each is explained by its --help. A mask is (file, band)."""

    source: str
    grid: str
    output: Path
    resolution: tuple[int, int] = (1, 1)
    bands: tuple[int, ...] = ()
    interp: str = "cubic"
    grid_bands: tuple[int, int] = (1, 2)
    pixel_corner: bool = False
    grid_nodata: float | None = None
    grid_mask: tuple[str, int] | None = None
    grid_mask_valid: float | None = None
    mask: tuple[str, int] | None = None
    mask_valid: float | None = None
    rules: str | None = None
    quality_band: tuple[tuple[str, str, int], ...] = ()
    definition: str | None = None
    ignore_nodata: bool = False
    nodata: float | None = None
    dtype: str | None = None
    compute_dtype: str = "float64"
    window: tuple[int, int, int, int] | None = None
    tile: tuple[int, int] = (1024, 1024)
    co: tuple[tuple[str, str], ...] = ()
    validity: Path | None = None
    overwrite: bool = False
    backend: str | None = None


@renamed(_NAMES)
def resample_files(options: Options, progress: Callable[[int, int], None] | None = None) -> Summary:
    """Do what the options ask for; the outputs appear under their names when all is done."""
    import rasterio

    with rasterio.Env(), contextlib.ExitStack() as inputs:
        source, grid = _open_source(inputs, options), _open_grid(inputs, options)
        whole = Window.of_shape(grid.full_shape)
        window = check_inside("window", Window(*options.window) if options.window else whole, whole.shape)
        dtype = np.dtype(options.dtype or source.dtype)
        nodata, declared = _nodata(options.nodata, source, dtype)
        place = {"height": window.rows, "width": window.cols, **grid.georeference(window)}
        targets = _targets(options, source, grid)
        creation = dict(options.co)
        profiles = (
            {
                "count": len(source.bands),
                "dtype": dtype.name,
                "nodata": declared,
                **layout("OUTPUT", targets[0], window, creation),
            },
            {"count": 1, "dtype": "uint8", **layout("--validity", targets[-1], window, {}, lossless=True)},
        )
        job = Job(interpolator(options.interp), nodata, window, options.tile, options.compute_dtype, options.backend)
        with (
            whole_files(*targets, sparse="sparse_ok" in creation) as drafts,
            options_are_known(),
            contextlib.ExitStack() as outputs,
        ):
            with options_are_known():
                image, *validity = (
                    outputs.enter_context(rasterio.open(draft, "w", **place, **profile))
                    for draft, profile in zip(drafts, profiles, strict=False)
                )
            _carry_over(source, image)
            done = resample_datasets(source, grid, image, job, validity[0] if validity else None, progress)
    if not done.valid:
        _log.warning("OUTPUT: no pixel is valid: no coordinate of GRID lies in SOURCE, or masks leave nothing")
    elif done.valid < done.pixels and declared is None and options.validity is None:
        _log.warning("OUTPUT: nothing in it says which pixels are invalid; for that give --nodata or --validity")
    return done


def _carry_over(source: SourceFile, image: DatasetWriter) -> None:
    """Give the output's bands what the source says of its own: description, scale, offset, unit."""
    dataset, numbers = source.dataset, [band - 1 for band in source.bands]
    for band, number in enumerate(numbers, 1):
        image.set_band_description(band, dataset.descriptions[number] or "")
    for name, default in (("scales", 1.0), ("offsets", 0.0), ("units", None)):
        values = [getattr(dataset, name)[number] for number in numbers]
        if any(value != default for value in values):
            setattr(image, name, tuple(value or "" for value in values) if name == "units" else tuple(values))


def _open_mask(inputs: contextlib.ExitStack, options: Options, name: str) -> MaskBand | None:
    """Open the mask of an option, None where it is not given."""
    found, valid = getattr(options, name), getattr(options, f"{name}_valid")
    return MaskBand(open_raster(inputs, f"--{name.replace('_', '-')}", found[0]), found[1], valid) if found else None


def _open_source(inputs: contextlib.ExitStack, options: Options) -> SourceFile:
    """Open SOURCE and its mask."""
    dataset = open_raster(inputs, "SOURCE", options.source)
    bands = options.bands or dataset.indexes
    parts = open_quality(inputs, options.rules, options.quality_band, options.definition, dataset)
    mask = _open_mask(inputs, options, "mask")
    return SourceFile(dataset, bands, mask, own_mask=not options.ignore_nodata, parts=parts)


def _open_grid(inputs: contextlib.ExitStack, options: Options) -> GridFile:
    """Open GRID and its mask."""
    dataset = open_raster(inputs, "GRID", options.grid)
    row, col = options.grid_bands
    shift = (-0.5, -0.5) if options.pixel_corner else (0.0, 0.0)
    mask = _open_mask(inputs, options, "grid_mask")
    grid = GridFile((dataset, row), (dataset, col), options.resolution, mask, options.grid_nodata, shift)
    if options.grid_nodata is not None:
        return grid
    declared = {value for value in (dataset.nodatavals[band - 1] for band in (row, col)) if value is not None}
    declared = {value for value in declared if not math.isnan(value)}  # such a node never counts
    if len(declared) > 1:
        raise GpumaskError(f"--grid-nodata: expected, as the two bands of GRID declare {sorted(declared)}; got none")
    return dataclasses.replace(grid, nodata=next(iter(declared), None))


def _nodata(asked: float | None, source: SourceFile, dtype: np.dtype[Any]) -> tuple[float, float | None]:
    """Return what invalid pixels become, and what the output declares: nothing where nobody chose a value."""
    own = source.dataset.nodatavals[source.bands[0] - 1]
    if asked is None and own is not None:
        with contextlib.suppress(GpumaskError):
            asked = output_type(dtype, None, own)[1]
    return (0, None) if asked is None else (output_type(dtype, None, asked)[1], asked)


def _targets(options: Options, source: SourceFile, grid: GridFile) -> list[Path]:
    """Return the files to write; raise GpumaskError where one can't be, or is an input."""
    masks = {"--mask": source.mask, "--grid-mask": grid.mask}
    inputs = {"SOURCE": source.dataset, "GRID": grid.row[0], **{n: mask.dataset for n, mask in masks.items() if mask}}
    files = {name: dataset.files for name, dataset in inputs.items()}
    files |= quality_inputs(options.rules, source.parts)
    return output_paths({"OUTPUT": options.output, "--validity": options.validity}, files, options.overwrite)
