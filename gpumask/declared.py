"""What a raster says itself of where its bands are valid: nodata values, masks, a .msk file, alpha bands, all of them.

GDAL's own masks are but one of these: a mask band hides a nodata value, and a nodata value hides alpha.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np

from gpumask.errors import GpumaskError
from gpumask.mask import all_of
from gpumask.values import MOST_DECLARED, as_held
from gpumask.window import Window, ranges

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_COMMON = 2  # GDAL's GMF_PER_DATASET


@dataclass(frozen=True, eq=False)
class Declared:
    """What a dataset says of where some of its bands are valid.

    beside: its .msk file, which GDAL forgets where the dataset has another mask.
    """

    dataset: DatasetReader
    bands: tuple[int, ...]
    beside: DatasetReader | None = None

    @functools.cached_property
    def nodata(self) -> tuple[float | None, ...]:
        """Each band's nodata value, as its dtype holds it; None where there is none, and for alpha bands."""
        return tuple(None if band in self.alpha else _nodata_of(self.dataset, band) for band in self.bands)

    @functools.cached_property
    def alpha(self) -> tuple[int, ...]:
        """The numbers of the dataset's alpha bands."""
        return tuple(band for band, kind in enumerate(self.dataset.colorinterp, 1) if kind.name == "alpha")

    @property
    def count(self) -> int:
        """How many validities of a window there are at once, at most."""
        return 3 + len(self.alpha) + 2 * len(self.bands)

    def of_all(self, window: Window, but: int | None = None) -> Iterator[np.ndarray]:
        """Yield what concerns all bands of a window, as uint8: masks of the dataset, alpha, values of all bands.

        but: an alpha band that has no say.
        """
        where = ranges(window)
        for band in self.alpha:
            if band != but:
                yield not_zero(self.dataset.read(band, window=where))
        whole = next((band for band in self.bands if self._flags(band) == {"per_dataset"}), None)
        if whole is not None:
            yield not_zero(self.dataset.read_masks(whole, window=where))
        if self.beside is not None and any(self._beside(band) == 0 for band in self.bands):
            yield not_zero(self.beside.read(1, window=where))
        if self._together is not None:
            pixels = (self.dataset.read(band, window=where) for band in self.dataset.indexes)
            differ = (band != band.dtype.type(value) for band, value in zip(pixels, self._together, strict=True))
            yield functools.reduce(np.logical_or, differ).view(np.uint8)

    def of_band(self, place: int, window: Window, pixels: np.ndarray | None) -> np.ndarray | None:
        """Return what concerns one of the bands, as uint8; None: nothing. pixels: the band's, if nodata is to count."""
        band, nodata, found = self.bands[place], self.nodata[place], []
        if nodata is not None and pixels is not None:
            found.append((pixels != pixels.dtype.type(nodata)).view(np.uint8))
        if not self._flags(band):
            found.append(not_zero(self.dataset.read_masks(band, window=ranges(window))))
        if self.beside is not None and (number := self._beside(band)):
            found.append(not_zero(self.beside.read(number, window=ranges(window))))
        valid: np.ndarray | None = all_of(found)
        return valid

    def _flags(self, band: int) -> set[str]:
        """Return GDAL's words about a band's mask; none of them for a mask of its own."""
        return {flag.name for flag in self.dataset.mask_flag_enums[band - 1]}

    def _beside(self, band: int) -> int | None:
        """Return which band of the .msk file a band has for itself; 0: one that all have; None: none."""
        flags = None if self.beside is None else self.beside.tags().get(f"INTERNAL_MASK_FLAGS_{band}")
        return None if flags is None else 0 if int(flags) & _COMMON else band

    @functools.cached_property
    def _together(self) -> list[float] | None:
        """The values, one for each band of the dataset, that make a pixel invalid where all bands have theirs."""
        words = self.dataset.tags().get("NODATA_VALUES", "").split()
        with contextlib.suppress(ValueError):
            values = [
                as_held(_number(word), np.dtype(dtype)) for word, dtype in zip(words, self.dataset.dtypes, strict=True)
            ]
            if None not in values:
                return [value for value in values if value is not None]
        return None


def _nodata_of(dataset: DatasetReader, band: int) -> float | None:
    """Return a band's nodata value as its dtype holds it; None where there is none, or no pixel can have it."""
    dtype, value = np.dtype(dataset.dtypes[band - 1]), dataset.nodatavals[band - 1]
    if dtype.kind == "c":
        return None
    if dtype.kind in "iu" and dtype.itemsize == 8 and (value is None or abs(value) >= MOST_DECLARED):
        value = _exact_nodata(dataset, band)
    return None if value is None else as_held(value, dtype)


def _exact_nodata(dataset: DatasetReader, band: int) -> int | None:
    """Return a nodata value of 64 bits, which rasterio rounds or does not tell: a VRT of the dataset has its digits."""
    import rasterio.shutil
    from rasterio.io import MemoryFile

    try:
        with MemoryFile(ext=".vrt") as memory:
            rasterio.shutil.copy(dataset, memory.name, driver="VRT")
            bands = ElementTree.fromstring(memory.read()).findall("VRTRasterBand")
        has = bands[band - 1]
        text = None if has.findtext("HideNoDataValue", "0") not in ("0", "") else has.findtext("NoDataValue")
        return None if text is None else int(text)
    except Exception as error:
        if dataset.nodatavals[band - 1] is None and "nodata" not in str(dataset.mask_flag_enums[band - 1]):
            return None
        raise GpumaskError(f"source: can't tell the nodata value of band {band} of {dataset.name}: {error}") from error


def _number(word: str) -> float:
    """Return a number, and a whole one as an int."""
    try:
        return int(word)
    except ValueError:
        return float(word)


def not_zero(values: np.ndarray) -> np.ndarray:
    """Say as uint8 where values are neither 0 nor NaN."""
    valid = values != 0
    if values.dtype.kind == "f":
        valid &= values == values  # noqa: PLR0124
    return valid.view(np.uint8)
