"""Categories: what declares that values are classes, and which interpolator is used if a user names none.

A value between two classes is none of them, and it may be a third class. So classes need the nearest pixel.
"""

from __future__ import annotations

import contextlib
import logging
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gpumask.errors import warn_caller
from gpumask.files.reading.declared import described, described_band
from gpumask.masks.rules.attributes import ATTRIBUTES, rejoined
from gpumask.pixels.interpolators import interpolator

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from rasterio.io import DatasetReader

_FLAGS = (*ATTRIBUTES, "flag_values", "flag_masks")
_NAME_COLUMN = "2"  # GDAL's GFU_Name, which marks a column of names in a raster attribute table
_REMEMBERED = "declared_classes"  # the key in an array's encoding that says what declares the classes of its file
_MIXES_NOTHING = ("nearest", "mode")
_log = logging.getLogger("gpumask")


def in_attributes(attrs: Mapping[str, Any]) -> str | None:
    """Return the name of the attribute that declares flags or classes. It is None if no attribute does.

    >>> in_attributes({"units": "1", "flag_values": "0, 1"})
    'flag_values'
    """
    named = rejoined(attrs)
    return next((name for name in _FLAGS if named.get(name) is not None), None)


def in_file(dataset: DatasetReader, bands: Sequence[int]) -> str | None:
    """Say which of some bands of a raster holds classes, and what declares it. The result is None if no band does.

    Four things declare classes: a colour table, category names, an attribute table with names of classes, and tags with
    flags.
    """
    found = in_attributes(dataset.tags())
    if found is not None:
        return f"the source has {found}"
    root, colours = described(dataset), dataset.colorinterp
    for band in bands:
        if colours[band - 1].name == "palette":
            return f"band {band} has a colour table"
        found = in_attributes(dataset.tags(band)) or _names_in(described_band(root, band))
        if found is not None:
            return f"band {band} has {found}"
    return None


def _names_in(band: Element | None) -> str | None:
    """Say which names of classes GDAL has for a band. The result is None if it has none."""
    if band is None:
        return None
    if band.find("CategoryNames/Category") is not None:
        return "category names"
    table = band.find("GDALRasterAttributeTable")
    if table is None or table.get("tableType", "thematic") != "thematic":
        return None
    usages = [column.findtext("Usage") for column in table.iterfind("FieldDefn")]
    return "an attribute table with names of classes" if _NAME_COLUMN in usages else None


def in_array(attrs: Mapping[str, Any], encoding: Mapping[str, Any], bands: Any) -> str | None:
    """Say what declares that a DataArray holds classes. The result is None if nothing does.

    Its attributes may declare it, or the file that rioxarray read it from. `bands` holds the numbers of its bands in
    that file, if the array has them.
    """
    found = in_attributes(attrs)
    if found is not None:
        return f"the array has {found}"
    if isinstance(encoding.get(_REMEMBERED), str):
        return str(encoding[_REMEMBERED])
    if "rasterio_dtype" not in encoding or "source" not in encoding:
        return None
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    with contextlib.suppress(RasterioError, TypeError, ValueError), warnings.catch_warnings():  # the file may be gone
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        # rasterio's name for a WarpedVRT contains the name of its file.
        source = re.sub(r"^WarpedVRT\((.+)\)$", r"\1", encoding["source"])
        with rasterio.open(source) as dataset:
            known = {*dataset.indexes} & {*np.ravel(() if bands is None else bands).tolist()}
            return in_file(dataset, sorted(known) or dataset.indexes)
    return None


def remembered(attrs: Mapping[str, Any], why: str | None) -> dict[str, str]:
    """Return an entry for a result's encoding that says that it holds classes, unless its attributes say so."""
    return {} if why is None or in_attributes(attrs) is not None else {_REMEMBERED: why}


def chosen(interp: Any, why: str | None) -> Any:
    """Return the interpolator that a user names. For None, return nearest if there are classes, and cubic otherwise.

    `why` says what declares the classes. It is None if nothing does. If the named interpolator mixes classes, there is
    one warning.
    """
    if interp is None:
        if why is not None:
            _log.info("interp: nearest, for all bands, as %s (--interp names another)", why)
        return "cubic" if why is None else "nearest"
    found = interpolator(interp)
    if why is not None and not found.keeps_values:
        warn_caller(f"interp: {found.name} makes values between classes, as {why}; nearest (--interp nearest) does not")
    return interp


def check_overviews(options: Mapping[str, Any], why: str | None) -> None:
    """Warn if the creation options of a COG ask for overviews that mix classes."""
    lower = {key.lower(): str(value).lower() for key, value in options.items()}
    asked = lower.get("overview_resampling", lower.get("resampling", "nearest"))
    if why is not None and asked not in _MIXES_NOTHING:
        warn_caller(f"creation: overviews by {asked} have values between classes, as {why}; nearest ones do not")
