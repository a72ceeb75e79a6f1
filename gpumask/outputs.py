"""Rasters opened, and outputs that are whole or not there."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpumask.errors import GpumaskError
from gpumask.window import Window

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_LOSSY = ("JPEG", "WEBP", "JP2OpenJPEG", "JPEG2000")
_BLOCK = 512  # pixels a side of a GeoTIFF's tiles


def open_raster(inputs: contextlib.ExitStack, name: str, path: str) -> DatasetReader:
    """Open a raster to be read."""
    import rasterio

    try:
        return inputs.enter_context(rasterio.open(path))
    except rasterio.errors.RasterioError as error:
        raise GpumaskError(f"{name}: {error}") from error


def output_paths(asked: dict[str, Path | None], inputs: dict[str, list[str]], overwrite: bool) -> list[Path]:
    """Return the files to write, by their names for a user; raise GpumaskError where one can't be, or is an input.

    overwrite: whether they may be there already.
    """
    targets: list[Path] = []
    for name, wanted in asked.items():
        if wanted is None:
            continue
        path = Path(os.path.realpath(wanted))
        if not path.parent.is_dir():
            raise GpumaskError(f"{name}: expected a file in a folder that is there; got {wanted}")
        if path.exists() and not path.is_file():
            raise GpumaskError(f"{name}: expected a file; got {wanted}, which is none")
        for other, files in inputs.items():
            if any(os.path.exists(file) and path.exists() and path.samefile(file) for file in files):
                raise GpumaskError(f"{name}: expected a file that is no input; got {wanted}, which {other} reads")
        if path.exists() and not overwrite:
            raise GpumaskError(f"{name}: expected a file that is not there yet, or --overwrite; got {wanted}")
        if path in targets:
            raise GpumaskError(f"{name}: expected another file than OUTPUT; got {wanted}")
        targets.append(path)
    return targets


def layout(name: str, path: Path, window: Window, creation: dict[str, str], lossless: bool = False) -> dict[str, Any]:
    """Return the format that a name stands for, and its creation options; refuse lossy ones where that matters."""
    from rasterio.drivers import driver_from_extension

    try:
        driver = driver_from_extension(path)
    except ValueError as error:
        raise GpumaskError(
            f"{name}: expected a name with an extension that GDAL can write, as image.tif; got {path.name}"
        ) from error
    if lossless and driver in _LOSSY:
        raise GpumaskError(f"{name}: expected a lossless format, as image.tif; got {path.name}")
    if driver != "GTiff":
        return {"driver": driver, **creation}
    tiled = min(window.shape) >= _BLOCK and creation.get("tiled", "yes").lower() not in ("no", "off", "false", "0")
    tiles = {"tiled": "yes", "blockxsize": _BLOCK, "blockysize": _BLOCK} if tiled else {}
    return {"driver": driver, "bigtiff": "if_safer", **tiles, **creation}


@contextlib.contextmanager
def options_are_known() -> Iterator[None]:
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
