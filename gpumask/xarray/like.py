"""What results take over from the raster given as `like`: its dimensions, its coordinates and its CRS."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import xarray

from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.grids.places.place import Place
from gpumask.xarray.place import place_of, spatial

_ON_GROUND = "latitude", "longitude", "projection_x_coordinate", "projection_y_coordinate"  # standard names of CF
_NAMES = "lat", "lon", "latitude", "longitude", "xc", "yc"


@dataclass(frozen=True)
class Like:
    """A raster's place, and how the raster says it.

    Attributes
    ----------
    place
        Where it lies.
    dims
        The dimensions of its rows and columns.
    coords
        The coordinates along these, and that of its CRS.
    mapping
        The name of the coordinate of its CRS, or None.
    """

    place: Place
    dims: tuple[Hashable, Hashable]
    coords: xarray.Coordinates
    mapping: Hashable | None

    def check_free(self, others: set[Hashable]) -> None:
        """Raise GpumaskError if another dimension of the array has the name of its rows or columns."""
        for dim in others & {*self.dims}:
            raise GpumaskError(
                f"like: expected rows and columns along dimensions that mean nothing else in the array; got {dim!r} "
                f'(array.rename({{{dim!r}: "other"}}) frees the name)'
            )

    def label(self, made: xarray.DataArray) -> xarray.DataArray:
        """Return a result along y and x with these dimensions and coordinates instead."""
        old = set(self.coords) | set(self.dims) | ({made.rio.grid_mapping} if self.mapping is not None else set())
        made = made.drop_vars([name for name in made.coords if name in old - {"y", "x"}])
        encoding = dict(made.encoding)
        made = made.rename({own: new for own, new in zip(("y", "x"), self.dims, strict=True) if own != new})
        made = made.assign_coords(self.coords)
        made.encoding = encoding if self.mapping is None else {**encoding, "grid_mapping": self.mapping}
        made.rio.set_spatial_dims(y_dim=self.dims[0], x_dim=self.dims[1], inplace=True)
        affine = self.place.transform
        alone = affine.b or affine.d or not {*self.dims} <= set(made.coords)  # otherwise coordinates say where it lies
        if alone and "GeoTransform" not in made.coords[made.rio.grid_mapping].attrs:
            made.rio.write_transform(affine, inplace=True)
        return made


def like_of(given: Any) -> Like:
    """Return where a DataArray, a Dataset or a GeoBox lies, and how it says so."""
    # These are tested first, as other libraries give them the attributes of a GeoBox.
    if isinstance(given, xarray.DataArray | xarray.Dataset):
        place, dims = place_of("like", given), spatial("like", given)
        mapping = given.rio.grid_mapping if given.rio.grid_mapping in given.coords else None
        wanted = {name for name, coord in given.coords.items() if _says_where(name, coord, dims)}
        others = set(given.coords) - wanted - {mapping}
        return Like(place, dims, given.coords.to_dataset().drop_vars(others).copy(deep=True).coords, mapping)
    if not all(hasattr(given, name) for name in ("affine", "shape", "crs", "dimensions")):
        raise ArgumentTypeError(f"like: expected a DataArray, a Dataset or a GeoBox; got {type(given).__name__}")
    if given.crs is None:
        raise GpumaskError("like: expected a GeoBox with a CRS; got a GeoBox without a CRS")
    place = Place(str(given.crs.to_wkt()), given.affine, tuple(given.shape))
    from odc.geo.xr import xr_coords

    coords = xarray.Coordinates(xr_coords(given))
    return Like(place, tuple(given.dimensions), coords, "spatial_ref")


def _says_where(name: Hashable, coord: xarray.DataArray, dims: tuple[Hashable, Hashable]) -> bool:
    """Say whether a coordinate says where pixels lie: along rows or columns, or by longitude or latitude."""
    along = bool(coord.dims) and set(coord.dims) <= set(dims)
    return name in dims or (along and (coord.attrs.get("standard_name") in _ON_GROUND or name in _NAMES))
