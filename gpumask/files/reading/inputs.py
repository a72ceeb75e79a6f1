"""The rasters that one call reads, given by paths or open.

The files behind them are remembered, so that no output replaces an input.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.files.reading.gdal import check_open, same_shape
from gpumask.files.reading.image import MaskBand

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_MOST_FILES = 1000  # the most files that are opened to see which others they refer to


def open_raster(inputs: contextlib.ExitStack, name: str, path: str | os.PathLike[str]) -> DatasetReader:
    """Open a raster for reading."""
    import rasterio

    try:
        return inputs.enter_context(rasterio.open(path))
    except rasterio.errors.RasterioError as error:
        raise GpumaskError(f"{name}: {error}") from error


def files_of(dataset: DatasetReader) -> list[str]:
    """Return the files that a raster is read from.

    These include the sources of a VRT, the sources of those, and the files beside each.
    """
    import rasterio

    found = list(dict.fromkeys(dataset.files))
    known = {*found}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about missing georeferencing: whoever opens the first file is warned
        for path in itertools.islice(found, _MOST_FILES):  # the list grows meanwhile
            if path == dataset.name or not os.path.isfile(path):
                continue
            with contextlib.suppress(Exception), rasterio.open(path) as part:  # some files are texts, not rasters
                found += [name for name in part.files if name not in known]
                known.update(part.files)
    return found


class Inputs:
    """The rasters of one call.

    Attributes
    ----------
    files
        The files that each argument reads, by the argument's name.
    uses
        What is used of them: bands, and values that mean valid.
    """

    def __init__(self, stack: contextlib.ExitStack) -> None:
        """Begin without rasters. `stack` closes what is opened here. Datasets that come open stay open."""
        self._stack = stack
        self.files: dict[str, list[str]] = {}
        self.uses: list[list[Any]] = []

    def open(self, name: str, given: Any) -> DatasetReader:
        """Return an open raster: the one at a path, or the dataset itself."""
        if isinstance(given, str | os.PathLike):
            dataset = open_raster(self._stack, name, given)
        else:
            if not hasattr(given, "dtypes"):
                raise ArgumentTypeError(f"{name}: expected a path or an open dataset; got {type(given).__name__}")
            check_open(name, given)
            dataset = given
        self.files.setdefault(name, []).extend(files_of(dataset))
        return dataset

    def beside(self, name: str, dataset: DatasetReader) -> DatasetReader | None:
        """Return the .msk file of a raster, open. It is None if the raster has no such file."""
        import rasterio

        wanted = f"{dataset.name}.msk"
        found = next((path for path in dataset.files if path.lower() == wanted.lower()), wanted)
        if found == wanted and found not in dataset.files and not os.path.isfile(found):
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            mask = open_raster(self._stack, name, found)
        same_shape(name, mask.shape, dataset.shape)
        return mask

    def band(self, name: str, given: Any, key: str = "") -> tuple[DatasetReader, int]:
        """Return a raster and the number of one of its bands, from a raster or from (raster, band).

        A raster alone stands for its first band. `key` says which of the argument's rasters it is.
        """
        mask = self.mask(name, given, key)
        if mask.valid_value is not None:
            raise ArgumentTypeError(f"{name}: expected a raster or (raster, band); got {given!r}")
        return mask.dataset, mask.band

    def mask(self, name: str, given: Any, key: str = "") -> MaskBand:
        """Return a mask from a raster, (raster, band) or (raster, band, value of valid)."""
        parts = given if isinstance(given, tuple) else (given,)
        parts = tuple(part.item() if isinstance(part, np.generic) else part for part in parts)
        if not 1 <= len(parts) <= 3 or not all(isinstance(band, int) for band in parts[1:2]):
            raise ArgumentTypeError(
                f"{name}: expected a raster, (raster, band) or (raster, band, value); got {given!r}"
            )
        dataset = self.open(name, parts[0])
        mask = dataclasses.replace(MaskBand(dataset, *parts[1:]), beside=self.beside(name, dataset))
        self.uses.append([name, key, mask.dataset.name, mask.band, mask.valid_value])
        return mask

    def identity(self) -> list[Any]:
        """Return what tells these inputs from others: the files, their sizes and times, and what is used of them.

        Raises GpumaskError if an input is no file.
        """
        found: list[Any] = [self.uses]
        for name, paths in sorted(self.files.items()):
            if not paths:
                raise GpumaskError(f"resume: expected files; got a {name} that is no file")
            for path in paths:
                try:
                    status = os.stat(path)
                except OSError as error:
                    raise GpumaskError(f"resume: expected files; got {path} as {name}, which is no file") from error
                found.append([name, os.path.abspath(path), status.st_size, status.st_mtime_ns])
        return found
