"""One resampling from file to file: rasters opened and checked, and outputs that are whole or not there."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import logging
import math
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpumask.chain import GridFile, Job, MaskBand, SourceFile, Summary, resample_datasets
from gpumask.errors import GpumaskError, renamed
from gpumask.interp import interpolator
from gpumask.resample import output_type
from gpumask.window import Window, check_inside

if TYPE_CHECKING:
    from rasterio.io import DatasetReader, DatasetWriter

_BLOCK = 512  # pixels a side of a GeoTIFF's tiles


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
    ignore_nodata: bool = False
    nodata: float | None = None
    dtype: str | None = None
    compute_dtype: str = "float64"
    window: tuple[int, int, int, int] | None = None
    tile: tuple[int, int] = (1024, 1024)
    co: tuple[tuple[str, str], ...] = ()
    validity: Path | None = None
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
                **_layout("OUTPUT", targets[0], window, creation),
            },
            {"count": 1, "dtype": "uint8", **_layout("--validity", targets[-1], window, {})},
        )
        job = Job(interpolator(options.interp), nodata, window, options.tile, options.compute_dtype, options.backend)
        with (
            whole_files(*targets, sparse="sparse_ok" in creation) as drafts,
            _options_are_known(),
            contextlib.ExitStack() as outputs,
        ):
            with _options_are_known():
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


def _open(inputs: contextlib.ExitStack, name: str, path: str) -> DatasetReader:
    """Open a raster to be read."""
    import rasterio

    try:
        return inputs.enter_context(rasterio.open(path))
    except rasterio.errors.RasterioError as error:
        raise GpumaskError(f"{name}: {error}") from error


def _open_mask(inputs: contextlib.ExitStack, options: Options, name: str) -> MaskBand | None:
    """Open the mask of an option, None where it is not given."""
    found, valid = getattr(options, name), getattr(options, f"{name}_valid")
    return MaskBand(_open(inputs, f"--{name.replace('_', '-')}", found[0]), found[1], valid) if found else None


def _open_source(inputs: contextlib.ExitStack, options: Options) -> SourceFile:
    """Open SOURCE and its mask."""
    dataset = _open(inputs, "SOURCE", options.source)
    bands = options.bands or dataset.indexes
    return SourceFile(dataset, bands, _open_mask(inputs, options, "mask"), own_mask=not options.ignore_nodata)


def _open_grid(inputs: contextlib.ExitStack, options: Options) -> GridFile:
    """Open GRID and its mask."""
    dataset = _open(inputs, "GRID", options.grid)
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
    targets: list[Path] = []
    for name, asked in {"OUTPUT": options.output, "--validity": options.validity}.items():
        if asked is None:
            continue
        path = Path(os.path.realpath(asked))
        if not path.parent.is_dir():
            raise GpumaskError(f"{name}: expected a file in a folder that is there; got {asked}")
        if path.exists() and not path.is_file():
            raise GpumaskError(f"{name}: expected a file; got {asked}, which is none")
        for other, dataset in inputs.items():
            if any(os.path.exists(file) and path.exists() and path.samefile(file) for file in dataset.files):
                raise GpumaskError(f"{name}: expected a file that is no input; got {asked}, which {other} reads")
        if path in targets:
            raise GpumaskError(f"{name}: expected another file than OUTPUT; got {asked}")
        targets.append(path)
    return targets


def _layout(name: str, path: Path, window: Window, creation: dict[str, str]) -> dict[str, Any]:
    """Return the format that a name stands for, and its creation options."""
    from rasterio.drivers import driver_from_extension

    try:
        driver = driver_from_extension(path)
    except ValueError as error:
        raise GpumaskError(
            f"{name}: expected a name with an extension that GDAL can write, as image.tif; got {path.name}"
        ) from error
    if driver != "GTiff":
        return {"driver": driver, **creation}
    tiled = min(window.shape) >= _BLOCK and creation.get("tiled", "yes").lower() not in ("no", "off", "false", "0")
    tiles = {"tiled": "yes", "blockxsize": _BLOCK, "blockysize": _BLOCK} if tiled else {}
    return {"driver": driver, "bigtiff": "if_safer", **tiles, **creation}


@contextlib.contextmanager
def _options_are_known() -> Iterator[None]:
    """Raise GpumaskError where GDAL warns, within the block, of a creation option that it does not take."""
    refused: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if re.search("creation option|value not recogni", record.getMessage()):
                refused.append(re.sub("^CPLE_[A-Za-z]* in ", "", record.getMessage()))

    listener, gdal = Listener(logging.WARNING), logging.getLogger("rasterio._env")
    gdal.addHandler(listener)
    try:
        yield
    finally:
        gdal.removeHandler(listener)
    if refused:
        raise GpumaskError(f"--co: {refused[0]}")


@contextlib.contextmanager
def whole_files(*paths: Path, sparse: bool = False) -> Iterator[list[Path]]:
    """Yield a path to write to for each of these; they appear under their names when the block ends.

    Each is written under its own name in a hidden folder beside it, so that what GDAL puts beside a file comes along.
    sparse: whether a GeoTIFF may lack blocks.
    """
    with contextlib.ExitStack() as stack:
        drafts = []
        for path in paths:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix=".gpumask-", dir=path.parent))
            drafts.append(Path(folder) / path.name)
        yield drafts
        for draft in drafts:
            _check_written(draft, sparse)
        for draft, path in zip(drafts, paths, strict=True):
            for stale in (".aux.xml", ".msk", ".ovr"):
                path.with_name(path.name + stale).unlink(missing_ok=True)
            for part in sorted(draft.parent.iterdir(), key=lambda part: part == draft):
                os.replace(part, path.with_name(part.name))


def _check_written(path: Path, sparse: bool) -> None:
    """Raise OSError where a GeoTIFF lacks blocks: GDAL says nothing of a disk that is full when it closes the file."""
    import rasterio

    with rasterio.open(path) as dataset:
        if dataset.driver != "GTiff":
            return
        length = path.stat().st_size
        rows, cols = (range(-(-n // size)) for n, size in zip(dataset.shape, dataset.block_shapes[0], strict=True))
        bands = dataset.indexes if dataset.interleaving is rasterio.enums.Interleaving.band else (1,)
        for band, row, col in itertools.product(bands, rows, cols):
            offset, size = (
                dataset.get_tag_item(f"BLOCK_{what}_{col}_{row}", "TIFF", bidx=band) for what in ("OFFSET", "SIZE")
            )
            if not (sparse if offset is None else int(offset) + int(size) <= length):
                raise OSError(f"{path.name}: not written to its end; is the disk full?")
