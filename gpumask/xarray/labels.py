"""How results are labelled: coordinates, names and attributes."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray

from gpumask.projected import ProjectedGrid
from gpumask.resample import Resampled
from gpumask.xarray.place import placed, spatial

VALIDITY = "validity"


def labelled(
    array: xarray.DataArray, found: Resampled, dims: list[Hashable], valid_dims: list[Hashable], grid: Any, nodata: Any
) -> xarray.DataArray:
    """Return a result as a DataArray, with all of its source's labels that still hold.

    array: the source. dims, valid_dims: of the result's image and validity. nodata: the value to declare, or None.
    """
    y, x = spatial("array", array)
    kept = {
        name: coord for name, coord in array.coords.items()
        if name not in (VALIDITY, array.rio.grid_mapping, y, x) and not {y, x} & set(coord.dims)
    }  # fmt: skip
    made = xarray.DataArray(found.image, dims=dims, coords=kept, name=array.name, attrs=dict(array.attrs))
    made = made.assign_coords({VALIDITY: described(xarray.DataArray(found.validity, dims=valid_dims))})
    made.attrs.pop("grid_mapping", None)
    if nodata is not None:
        for key in ("_FillValue", "missing_value", "nodata"):
            made.attrs.pop(key, None)
        made = made.rio.write_nodata(nodata)
    if isinstance(grid, ProjectedGrid):
        made = placed(made, grid)
    back = {y: "y", x: "x"}
    return made.transpose(*(back.get(dim, dim) for dim in array.dims))


def described(valid: xarray.DataArray) -> xarray.DataArray:
    """Say of a validity what its values mean, as CF has it."""
    valid = valid.rename(VALIDITY)
    valid.attrs = {"flag_values": np.array([0, 1], np.uint8), "flag_meanings": "invalid valid"}
    return valid
