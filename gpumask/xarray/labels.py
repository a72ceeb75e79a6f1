"""How results are labelled: coordinates, names, attributes and encodings."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray

from gpumask.backends import is_device_array
from gpumask.errors import warn_caller
from gpumask.grids.projected import ProjectedGrid
from gpumask.pixels.window import Window
from gpumask.resampling.lazy import is_lazy
from gpumask.resampling.resample import Resampled
from gpumask.xarray.place import knowing_dims, placed, spatial

VALIDITY, MEANINGS = "validity", "invalid valid"  # the name of the coordinate, and the meanings of 0 and 1
VALID_SHARE = "valid_share"  # the coordinate that takes its place where shares are asked for

# Attributes that say what is missing, and attributes that hold only for the old pixels and their places. GDAL's
# STATISTICS_… hold only for old pixels, too.
_NODATA = "_FillValue", "missing_value", "fill_value", "nodata"
_OLD = "res", "resolution", "transform", "crs", "nodatavals", "is_tiled", "actual_range", "grid_mapping"

# How xarray and rioxarray write values: the type in the file, what is missing there, and the scale.
_TYPE, _MISSING = ("dtype", "rasterio_dtype", "_Unsigned"), ("_FillValue", "missing_value")
_SCALE = "scale_factor", "add_offset", "scales", "offsets"


def labelled(
    array: xarray.DataArray,
    found: Resampled,
    dims: list[Hashable],
    valid_dims: list[Hashable],
    grid: Any,
    nodata: float | None,
) -> xarray.DataArray:
    """Return a result as a DataArray, with all labels of its source that still hold.

    `array` is the source. `dims` and `valid_dims` are the dimensions of the result's image and validity. `nodata` is
    the value to declare, or None.
    """
    y, x = spatial("array", array)
    kept = {
        name: coord for name, coord in array.coords.items()
        if name not in (VALIDITY, VALID_SHARE, array.rio.grid_mapping, y, x, "y", "x") and not {y, x} & set(coord.dims)
    }  # fmt: skip
    # They are variables, as otherwise they would get dask's names.
    made = xarray.DataArray(xarray.Variable(dims, found.image), coords=kept, name=array.name)
    valid = described(xarray.DataArray(xarray.Variable(valid_dims, found.validity)))
    made = made.assign_coords({valid.name: valid})
    if isinstance(grid, ProjectedGrid):
        made = placed(made, grid)
    restated(made, array, nodata)
    made.attrs = renewed(made.attrs, grid, made.attrs.get("_FillValue"))
    back = {y: "y", x: "x"}
    return made.transpose(*(back.get(dim, dim) for dim in array.dims))


def restated(made: xarray.DataArray, array: xarray.DataArray, nodata: float | None) -> None:
    """Give an array made from another one all labels of that array except nodata, and its encoding."""
    made.attrs = {name: said for name, said in array.attrs.items() if name not in _NODATA}
    written = _written(array, made.dtype, nodata)
    made.encoding = {**written, **{key: made.encoding[key] for key in ("grid_mapping",) if key in made.encoding}}
    if nodata is not None and not set(_MISSING) & set(written):
        made.attrs["_FillValue"] = made.dtype.type(nodata)


def _written(array: xarray.DataArray, dtype: np.dtype[Any], nodata: float | None) -> dict[str, Any]:
    """Return the encoding of a result: its source's, if that fits its values and what is missing."""
    own = {key: array.encoding[key] for key in (*_TYPE, *_MISSING, *_SCALE) if key in array.encoding}
    missing = np.ravel(own.get("missing_value", ()))
    if "_FillValue" not in own and len(missing) == 1:
        own["_FillValue"] = missing[0]  # rioxarray writes only this one
    if {*_MISSING, *_SCALE} & set(own):
        if array.dtype.kind != "f" or dtype.kind != "f" or not (nodata is None or math.isnan(nodata)):
            return {}
    elif dtype != array.dtype.newbyteorder("="):
        return {}
    in_file = {np.dtype(own[key]).kind for key in ("dtype", "rasterio_dtype") if key in own}
    if dtype.kind == "f" and in_file - {"f"} and not set(_MISSING) & set(own):  # the type in the file holds no NaN
        return {key: own[key] for key in own if key not in _TYPE}
    return own


def renewed(old: dict[Any, Any], grid: Any, nodata: float | None = None) -> dict[Any, Any]:
    """Return attributes without those that held only for the old pixels, with new values if these are known."""
    known: dict[str, Any] = {}
    if isinstance(grid, ProjectedGrid):
        where = grid.georeference(Window.of_shape(grid.full_shape))
        a, b, _, d, e, _ = affine = tuple(where["transform"])[:6]
        known = {"res": (math.hypot(a, d), math.hypot(b, e)), "transform": affine, "crs": where["crs"].to_string()}
    if nodata is not None and "nodatavals" in old:
        known["nodatavals"] = (nodata,) * np.size(old["nodatavals"])
    stale = {name for name in old if name in _OLD or str(name).startswith("STATISTICS_")}
    kept = {name: value for name, value in old.items() if name not in stale}
    return kept | {name: value for name, value in known.items() if name in old}


def without_nan(array: xarray.DataArray) -> xarray.DataArray:
    """Return an array that does not declare NaN as missing if its dtype holds no NaN. Nothing is missing then."""
    stale = [name for name in _NODATA if name in array.attrs and _is_nan(array.attrs[name])]
    if array.dtype.kind not in "biu" or not stale:
        return array
    made = array.copy(deep=False)
    made.attrs = {name: said for name, said in array.attrs.items() if name not in stale}
    return knowing_dims(array, made)


def _is_nan(value: Any) -> bool:
    """Say whether an attribute is NaN, as a number or as text."""
    try:
        return math.isnan(float(value))
    except (TypeError, ValueError):
        return False


def told_by(made: xarray.DataArray) -> str:
    """Return the name of the coordinate that says where a result is valid."""
    return VALID_SHARE if VALID_SHARE in made.coords else VALIDITY


def described(valid: xarray.DataArray) -> xarray.DataArray:
    """Return a validity, or shares, with a name, and with attributes that say what the values mean, as in CF."""
    if valid.dtype.kind == "f":
        shares = valid.rename(VALID_SHARE)
        shares.attrs = {"long_name": "share of the weights that belongs to valid pixels", "units": "1"}
        return shares
    valid = valid.rename(VALIDITY)
    valid.attrs = {"flag_values": np.array([0, 1], np.uint8), "flag_meanings": MEANINGS}
    return valid


def untold(made: xarray.DataArray) -> bool:
    """Say whether nothing in a result's pixels tells invalid ones.

    The answer is no if all pixels are known to be valid. Lazy results are not computed for that, and results on a
    device are not waited for.
    """
    valid = made.coords[told_by(made)].data
    if made.dtype.kind == "f" or "_FillValue" in made.attrs:
        return False
    return is_lazy(valid) or is_device_array(valid) or not np.all(valid == 1)


def warn_untold(of: str, coordinate: str) -> None:
    """Warn at the caller's line of results that are untold. `of` says what declares no nodata value."""
    warn_caller(
        f"nodata_out: expected a value for invalid pixels, as {of} none; got None, so they are 0, as valid ones "
        f"may be: just the coordinate {coordinate} tells them"
    )
