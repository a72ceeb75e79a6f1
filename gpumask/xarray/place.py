"""Where DataArrays lie, as rioxarray reads and writes it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import xarray

from gpumask.errors import GpumaskError
from gpumask.grids.places.affine import MOST_OFF
from gpumask.grids.places.place import Place
from gpumask.grids.projected import ProjectedGrid
from gpumask.pixels.window import Window


def spatial(name: str, given: Any) -> tuple[Hashable, Hashable]:
    """Return the dimensions of rows and columns: those that rioxarray finds, or lat and lon. They must have pixels."""
    from rioxarray.exceptions import RioXarrayError

    try:
        dims = given.rio.y_dim, given.rio.x_dim
    except RioXarrayError as error:
        if not {"lat", "lon"} <= set(given.dims):
            raise GpumaskError(
                f"{name}: expected dimensions y and x, or those named by rio.set_spatial_dims; got {tuple(given.dims)}"
            ) from error
        dims = "lat", "lon"
        given.rio.set_spatial_dims(y_dim="lat", x_dim="lon", inplace=True)  # it changes the accessor and no label
    if not all(given.sizes[dim] for dim in dims if dim in given.sizes):
        raise GpumaskError(f"{name}: expected rows and columns with pixels; got {dict(given.sizes)}")
    return dims


def knowing_dims(given: Any, made: Any) -> Any:
    """Return a result whose rows and columns rioxarray still knows from the DataArray or Dataset it came from."""
    from rioxarray.exceptions import RioXarrayError

    try:
        y, x = given.rio.y_dim, given.rio.x_dim
    except RioXarrayError:
        return made
    return made.rio.set_spatial_dims(y_dim=y, x_dim=x, inplace=True)


def place_of(name: str, given: Any) -> Place:
    """Return where a DataArray or a Dataset lies: by its coordinates, or by its transform if there are none."""
    from rioxarray.exceptions import RioXarrayError

    dims = spatial(name, given)
    try:
        crs = given.rio.crs
    except RioXarrayError as error:
        raise GpumaskError(f"{name}: expected one CRS; got several ({error})") from error
    if crs is None:
        of_array = ", or a model" if name == "array" else ""
        raise GpumaskError(f"{name}: expected a CRS, as rio.write_crs writes it{of_array}; got none")
    return Place(crs, affine_of(name, given, dims), (given.sizes[dims[0]], given.sizes[dims[1]]))


def affine_of(name: str, given: Any, dims: tuple[Hashable, Hashable]) -> Any:
    """Return the affine map of a DataArray or a Dataset: that of its coordinates, or else its transform."""
    along = {dim: given.coords[dim] for dim in dims if dim in given.coords}
    flat = {dim: coord.dims for dim, coord in along.items() if coord.dims != (dim,)}
    if flat:
        raise GpumaskError(f"{name}: expected coordinates of one dimension each, or a Geolocation; got {flat}")
    affine = given.rio.transform()
    if not (abs(affine.b) > 0 or abs(affine.d) > 0):  # turned pixels have no coordinates of one dimension
        affine = given.rio.transform(recalc=True)
        _check_even(name, along, {dims[0]: (affine.e, affine.f), dims[1]: (affine.a, affine.c)})
        if affine.is_identity and len(along) < len(dims):
            raise GpumaskError(f"{name}: expected coordinates along {dims[0]} and {dims[1]}, or a transform; got none")
    return affine


def _check_even(name: str, along: Mapping[Hashable, Any], steps: Mapping[Hashable, tuple[float, float]]) -> None:
    """Raise GpumaskError unless coordinates are those of pixels.

    `steps` has, for each axis, the size of a pixel and the edge.
    """
    for dim, coord in along.items():
        size, first = steps[dim]
        values = np.asarray(coord, np.float64)
        off = abs(values - first - size * (np.arange(len(values)) + 0.5)).max()
        if not off <= MOST_OFF * abs(size):
            raise GpumaskError(
                f"{name}: expected {dim} evenly spaced, or of one pixel along with a transform; got values up to "
                f"{off:g} off pixels of {abs(size):g}"
            )


def placed(array: xarray.DataArray, grid: ProjectedGrid) -> xarray.DataArray:
    """Set where the pixels of a grid's target lie. The array may be changed."""
    where = grid.georeference(Window.of_shape(grid.full_shape))
    a, b, c, d, e, f = where["transform"][:6]
    rows, cols = grid.full_shape
    if not b and not d:
        array = array.assign_coords(y=f + e * (np.arange(rows) + 0.5), x=c + a * (np.arange(cols) + 0.5))
    array.rio.write_crs(where["crs"], inplace=True)  # without inplace, rioxarray copies all pixels
    array.rio.write_transform(where["transform"], inplace=True)
    if not b and not d:
        array.rio.write_coordinate_system(inplace=True)
    return array
