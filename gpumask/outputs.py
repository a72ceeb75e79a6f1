"""Rasters to be written: how they are stored, and that they are whole or not there."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gpumask.errors import GpumaskError

if TYPE_CHECKING:
    from rasterio.io import DatasetWriter

    from gpumask.datasets import SourceFile

_LOSSY = ("JPEG", "WEBP", "JP2OpenJPEG", "JPEG2000")
_BLOCK = 512  # pixels a side of a GeoTIFF's tiles
_WITH_PREDICTOR = ("deflate", "lzw", "zstd")
_NOT_CARRIED = re.compile("STATISTICS_|AREA_OR_POINT$|TIFFTAG_|OVR_|LAYOUT$")


def output_paths(asked: Mapping[str, Any], inputs: Mapping[str, list[str]], overwrite: bool) -> list[Path]:
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
            raise GpumaskError(f"{name}: expected a file that is not there yet, or overwrite; got {wanted}")
        if path in targets:
            raise GpumaskError(f"{name}: expected another file than {next(iter(asked))}; got {wanted}")
        targets.append(path)
    return targets


class Layout(NamedTuple):
    """How a raster is stored: a profile for rasterio; for a COG, which is made of a GeoTIFF, its creation options."""

    profile: dict[str, Any]
    cog: dict[str, Any] | None = None


def layout(
    name: str,
    path: Path,
    shape: tuple[int, int],
    dtype: np.dtype[Any],
    creation: Mapping[str, Any],
    *,
    driver: str | None = None,
    lossless: bool = False,
) -> Layout:
    """Choose how a raster is stored, by its name or the driver asked for; refuse lossy formats where that matters."""
    from rasterio.drivers import driver_from_extension

    creation = {key.lower(): value for key, value in creation.items()}
    try:
        driver = driver or driver_from_extension(path)
    except ValueError as error:
        raise GpumaskError(
            f"{name}: expected a name with an extension that GDAL can write, as image.tif; got {path.name}"
        ) from error
    if lossless and driver in _LOSSY:
        raise GpumaskError(f"{name}: expected a lossless format, as image.tif; got {path.name}")
    if driver == "COG":
        plain = {"driver": "GTiff", "bigtiff": "if_safer", "tiled": "yes", "blockxsize": _BLOCK, "blockysize": _BLOCK}
        return Layout(plain, {"bigtiff": "if_safer", **creation})
    if driver != "GTiff":
        return Layout({"driver": driver, **creation})
    tiled = min(shape) >= _BLOCK and str(creation.get("tiled", "yes")).lower() not in ("no", "off", "false", "0")
    tiles = {"tiled": "yes", "blockxsize": _BLOCK, "blockysize": _BLOCK} if tiled else {}
    predictor = {}
    if str(creation.get("compress", "")).lower() in _WITH_PREDICTOR:
        predictor = {"predictor": 3 if dtype.kind == "f" else 2}
    return Layout({"driver": driver, "bigtiff": "if_safer", **tiles, **predictor, **creation})


def to_cog(plain: Path, path: Path, options: Mapping[str, Any]) -> None:
    """Make a COG of a GeoTIFF, which goes."""
    from rasterio.shutil import copy

    copy(plain, path, driver="COG", **options)
    plain.unlink()


def carry_over(source: SourceFile, image: DatasetWriter, *, alpha: bool, colours: bool) -> None:
    """Give the output's bands what the source says of its own: tags, descriptions, scales, units, colours.

    alpha: whether the output has an alpha band, its last. colours: whether values are as they were, so that a table of
    colours still holds.
    """
    from rasterio.enums import ColorInterp

    dataset, numbers = source.dataset, [band - 1 for band in source.bands]
    image.update_tags(**_carried(dataset.tags()))
    for band, number in enumerate(numbers, 1):
        image.set_band_description(band, dataset.descriptions[number] or "")
        image.update_tags(band, **_carried(dataset.tags(number + 1)))
        if colours and dataset.colorinterp[number] == ColorInterp.palette and image.dtypes[0] in ("uint8", "uint16"):
            image.write_colormap(band, dataset.colormap(number + 1))
    kinds = _colours_of(source, alpha)
    if kinds:
        image.colorinterp = kinds
    for name, default in (("scales", 1.0), ("offsets", 0.0), ("units", None)):
        values = [getattr(dataset, name)[number] for number in numbers]
        if any(value != default for value in values):
            values += [default] * alpha
            setattr(image, name, tuple(value or "" for value in values) if name == "units" else tuple(values))


def _carried(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that hold of the output too."""
    return {key: value for key, value in tags.items() if not _NOT_CARRIED.match(key)}


def _colours_of(source: SourceFile, alpha: bool) -> list[Any]:
    """Return what colours the output's bands are; nothing where the source does not say."""
    from rasterio.enums import ColorInterp

    found = [source.dataset.colorinterp[band - 1] for band in source.bands]
    if not alpha and not {ColorInterp.red, ColorInterp.green, ColorInterp.blue} & set(found):
        return []
    plain = [ColorInterp.undefined if each in (ColorInterp.palette, ColorInterp.alpha) else each for each in found]
    return plain + [ColorInterp.alpha] * alpha


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
        raise GpumaskError(f"creation: {refused[0]}")


@contextlib.contextmanager
def whole_files(*paths: Path, sparse: bool = False, kept: bool = False) -> Iterator[list[Path]]:
    """Yield a path to write to for each of these; they appear under their names when the block ends.

    Each is written under its own name in a hidden folder beside it, so that what GDAL puts beside a file comes along.
    sparse: whether a GeoTIFF may lack blocks. kept: whether the folders stay where the block fails.
    """
    with contextlib.ExitStack() as stack:
        drafts = []
        for path in paths:
            if kept:
                folder = path.parent / f".gpumask-{path.name}"
                folder.mkdir(exist_ok=True)
                stack.enter_context(_alone_in(folder))
            else:
                made = tempfile.TemporaryDirectory(prefix=".gpumask-", dir=path.parent)
                folder = Path(stack.enter_context(made))
            drafts.append(folder / path.name)
        yield drafts
        for draft in drafts:
            _check_written(draft, sparse)
        for draft, path in zip(drafts, paths, strict=True):
            for stale in (".aux.xml", ".msk", ".ovr"):
                path.with_name(path.name + stale).unlink(missing_ok=True)
            for part in sorted(draft.parent.iterdir(), key=lambda part: part == draft):
                os.replace(part, path.with_name(part.name))
        if kept:
            for draft in drafts:
                shutil.rmtree(draft.parent, ignore_errors=True)


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Raise GpumaskError where another process is in such a block with the same folder."""
    try:
        import fcntl
    except ImportError:  # no such locks on Windows
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise GpumaskError(f"resume: another run is at work in {folder}") from error
        yield
    finally:
        os.close(handle)


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
