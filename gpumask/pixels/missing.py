"""What arrays declare as missing: masked arrays by their mask, DataArrays by their attributes."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpumask.errors import GpumaskError


def mask_of(array: Any) -> np.ndarray | None:
    """Return the mask of a masked array, True where a value is missing. Return None for every other array."""
    return np.ma.getmaskarray(array) if isinstance(array, np.ma.MaskedArray) else None


def nan_where_missing(array: Any) -> Any:
    """Return a masked array as float64 with NaN where it is masked. Return every other array as it is."""
    return np.ma.filled(array.astype(np.float64), np.nan) if isinstance(array, np.ma.MaskedArray) else array


def check_declares_nothing(name: str, array: Any) -> None:
    """Raise GpumaskError for a DataArray that declares missing values, as the declaration would be lost."""
    if not all(hasattr(array, kept) for kept in ("dims", "coords", "attrs")):
        return
    declared = [key for key in ("_FillValue", "missing_value", "nodata") if not _is_nan(array.attrs.get(key, np.nan))]
    declared += ["validity"] * ("validity" in array.coords)
    if declared:
        raise GpumaskError(
            f"{name}: expected an array, or a DataArray that declares no missing values; got one with "
            f"{declared[0]} (set missing pixels to NaN, or use the array's .gpumask)"
        )


def _is_nan(value: Any) -> bool:
    """Say whether a value is NaN. NaN needs no declaration."""
    return isinstance(value, float | np.floating) and bool(np.isnan(value))
