"""What a raster itself says of where its bands are valid: by nodata values, masks, a .msk file and alpha bands.

All of these count. GDAL alone shows only one of them: a mask band hides a nodata value, and a nodata value hides alpha.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np

from gpumask.errors import GpumaskError
from gpumask.masks.validity import all_of
from gpumask.pixels.values import MOST_DECLARED, as_held
from gpumask.pixels.window import Window, ranges

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_COMMON = 2  # GDAL's GMF_PER_DATASET


@dataclass(frozen=True, eq=False)
class Declared:
    """What a dataset says of where some of its bands are valid.

    Attributes
    ----------
    dataset
        The dataset, open.
    bands
        The numbers of the bands.
    beside
        The .msk file, open. GDAL forgets it if the dataset has another mask. None means that there is none.
    """

    dataset: DatasetReader
    bands: tuple[int, ...]
    beside: DatasetReader | None = None

    @functools.cached_property
    def nodata(self) -> tuple[float | None, ...]:
        """The nodata value of each band, as its dtype holds it. It is None for alpha, and for bands without one."""
        found = _nodata_of(self.dataset, {*self.bands} - {*self.alpha})
        return tuple(found.get(band) for band in self.bands)

    @functools.cached_property
    def _is_one_colour(self) -> bool:
        """Whether the nodata values are the parts of one colour, as in a PNG. All bands must have theirs then."""
        found = None if self._together is None else _nodata_of(self.dataset, {*self.dataset.indexes})
        return found is not None and list(found.values()) == self._together

    @functools.cached_property
    def alpha(self) -> tuple[int, ...]:
        """The numbers of the dataset's alpha bands."""
        return tuple(band for band, kind in enumerate(self.dataset.colorinterp, 1) if kind.name == "alpha")

    @property
    def count(self) -> int:
        """The most validities of a window that are in memory at once."""
        return 3 + len(self.alpha) + 2 * len(self.bands)

    def of_all(self, window: Window, but: int | None = None) -> Iterator[np.ndarray]:
        """Yield uint8 validities of a window that concern all bands.

        They come from masks of the dataset, from alpha, and from a value for each of all bands. `but` is the number of
        an alpha band that does not count.
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
        """Return the uint8 validity of a window that concerns one of the bands. It is None if nothing concerns it.

        `pixels` holds the pixels of the band. It is None if the nodata value must not count.
        """
        band, nodata, found = self.bands[place], self.nodata[place], []
        if nodata is not None and pixels is not None and not self._is_one_colour:
            found.append((pixels != pixels.dtype.type(nodata)).view(np.uint8))
        if not self._flags(band):
            found.append(not_zero(self.dataset.read_masks(band, window=ranges(window))))
        if self.beside is not None and (number := self._beside(band)):
            found.append(not_zero(self.beside.read(number, window=ranges(window))))
        valid: np.ndarray | None = all_of(found)
        return valid

    def _flags(self, band: int) -> set[str]:
        """Return GDAL's words about the mask of a band. There are none if the band has a mask of its own."""
        return self._all_flags[band - 1]

    @functools.cached_property
    def _all_flags(self) -> list[set[str]]:
        """GDAL's words about the masks of all bands."""
        return [{flag.name for flag in flags} for flags in self.dataset.mask_flag_enums]

    def _beside(self, band: int) -> int | None:
        """Return the band of the .msk file that a band has for itself.

        It is 0 if all bands share one, and None if the file has nothing for this band.
        """
        flags = self._tags_beside.get(f"INTERNAL_MASK_FLAGS_{band}")
        return None if flags is None else 0 if int(flags) & _COMMON else band

    @functools.cached_property
    def _tags_beside(self) -> dict[str, str]:
        """What the .msk file says of itself."""
        return {} if self.beside is None else dict(self.beside.tags())

    @functools.cached_property
    def _together(self) -> list[float] | None:
        """The values of an invalid colour, one for each band of the dataset. An invalid pixel has all of them."""
        words = self.dataset.tags().get("NODATA_VALUES", "").split()
        with contextlib.suppress(ValueError):
            values = [
                as_held(_number(word), np.dtype(dtype)) for word, dtype in zip(words, self.dataset.dtypes, strict=True)
            ]
            if None not in values:
                return [value for value in values if value is not None]
        return None


def _nodata_of(dataset: DatasetReader, bands: set[int]) -> dict[int, float | None]:
    """Return the nodata values of bands, as their dtypes hold them.

    A value is None if the band has none, or if no pixel can have it.
    """
    dtypes, found = [np.dtype(dtype) for dtype in dataset.dtypes], dict(enumerate(dataset.nodatavals, 1))
    wide = {band for band in bands if dtypes[band - 1].kind in "iu" and dtypes[band - 1].itemsize == 8}
    wide = {band for band in wide if found[band] is None or abs(found[band]) >= MOST_DECLARED}
    if wide:
        found |= _exact_nodata(dataset, wide)
    return {band: None if found[band] is None else as_held(found[band], dtypes[band - 1]) for band in sorted(bands)}


def _exact_nodata(dataset: DatasetReader, bands: set[int]) -> dict[int, int | None]:
    """Return nodata values of 64 bits. rasterio rounds or hides them, but a VRT of the dataset has all their digits."""
    try:
        described = _in_xml(dataset).findall("VRTRasterBand")
        hidden = {band for band in bands if described[band - 1].findtext("HideNoDataValue", "0") not in ("0", "")}
        texts = {band: described[band - 1].findtext("NoDataValue") for band in bands - hidden}
        return dict.fromkeys(bands) | {band: int(text) for band, text in texts.items() if text is not None}
    except Exception as error:
        flags = dataset.mask_flag_enums
        if any(dataset.nodatavals[band - 1] is not None or "nodata" in str(flags[band - 1]) for band in bands):
            raise GpumaskError(f"source: can't tell the nodata values of {dataset.name}: {error}") from error
        return dict.fromkeys(bands)


def _in_xml(dataset: DatasetReader) -> ElementTree.Element:
    """Return what GDAL knows of a dataset, as the XML of a VRT."""
    import rasterio.shutil
    from rasterio.io import MemoryFile

    with MemoryFile(ext=".vrt") as memory:
        rasterio.shutil.copy(dataset, memory.name, driver="VRT")
        text = memory.read().decode(errors="surrogateescape")
    return ElementTree.fromstring(re.sub("[\udc80-\udcff]", lambda found: chr(ord(found[0]) - 0xDC00), text))  # Latin-1


def described(dataset: DatasetReader) -> ElementTree.Element:
    """Return what GDAL knows of a dataset, as XML. The element is empty if GDAL can't say it.

    rasterio tells only a part of it.
    """
    try:
        found = _in_xml(dataset)
    except Exception:  # rasterio and GDAL raise many kinds if they can't copy, and the text may be no XML
        return ElementTree.Element("VRTDataset")
    return found if len(found.findall("VRTRasterBand")) == dataset.count else ElementTree.Element("VRTDataset")


def described_band(root: ElementTree.Element, band: int) -> ElementTree.Element | None:
    """Return the part of that XML that is about a band. It is None if there is no such part."""
    return next(itertools.islice(root.iterfind("VRTRasterBand"), band - 1, None), None)


def _number(word: str) -> float:
    """Return the number that a word stands for. A whole number is an int."""
    try:
        return int(word)
    except ValueError:
        return float(word)


def not_zero(values: np.ndarray) -> np.ndarray:
    """Say as uint8 which values are neither 0 nor NaN."""
    valid = values != 0
    if values.dtype.kind == "f":
        valid &= values == values  # noqa: PLR0124
    return valid.view(np.uint8)
