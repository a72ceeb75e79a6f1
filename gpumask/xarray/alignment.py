"""Quality bands brought to the pixels of the arrays that they are about."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray

from gpumask.errors import GpumaskError, MaskRuleError
from gpumask.grids.places.affine import MOST_OFF, blocks_at, corners
from gpumask.grids.places.crs import transformed, wkt_of
from gpumask.grids.places.place import Place
from gpumask.masks.rules.apply import blocks_of, factors_of
from gpumask.resampling.lazy import CHUNK, is_lazy
from gpumask.xarray.place import affine_of, spatial

Dims = tuple[Hashable, Hashable]

_BAND = "band"  # a dimension of this name and length 1, which opened files have, is left out


def aligned(array: xarray.DataArray, bands: Mapping[str, xarray.DataArray]) -> dict[str, xarray.DataArray]:
    """Return quality bands with the array's rows and columns as their last dimensions, and all the same dimensions.

    A dimension of length 1 that the array lacks is left out, and so is a `band` of length 1. Bands of larger pixels are
    repeated.
    """
    y, x = spatial("array", array)
    together = xarray.broadcast(*(_fitted(array, name, band, (y, x)) for name, band in bands.items()))
    others = [dim for dim in array.dims if dim in together[0].dims and dim not in (y, x)]
    return {name: band.transpose(*others, y, x) for name, band in zip(bands, together, strict=True)}


def _fitted(array: xarray.DataArray, name: str, band: xarray.DataArray, dims: Dims) -> xarray.DataArray:
    """Return a quality band with the array's own rows and columns."""
    single = [
        dim for dim in band.dims
        if dim not in dims and band.sizes[dim] == 1 and (dim == _BAND or dim not in array.dims)
    ]  # fmt: skip
    band = band.squeeze(single, drop=True)
    _check_dims(array, name, band, dims)
    block = dict(zip(dims, _block(array, name, band, dims), strict=True))
    data = _repeated(band.data, [block.get(dim, 1) for dim in band.dims])
    data = data[tuple(slice(array.sizes[dim]) for dim in band.dims)]
    coords = {
        dim: (array if dim in dims else band).coords[dim].variable
        for dim in band.dims
        if dim in (array if dim in dims else band).coords
    }
    return xarray.DataArray(xarray.Variable(band.dims, data, band.attrs), coords=coords, name=band.name)


def _repeated(data: Any, factors: Sequence[int]) -> Any:
    """Return a block of pixels for each pixel. Lazy blocks come in chunks that are not much larger than others."""
    if not is_lazy(data) or max(factors) == 1:
        return blocks_of(data, factors)
    most = {axis: max(CHUNK // factor, 1) for axis, factor in enumerate(factors) if factor > 1}
    data = data.rechunk({axis: size for axis, size in most.items() if max(data.chunks[axis]) > size})
    chunks = tuple(tuple(size * by for size in sizes) for sizes, by in zip(data.chunks, factors, strict=True))
    job = functools.partial(blocks_of, factors=factors)
    return data.map_blocks(job, chunks=chunks, dtype=data.dtype, meta=data._meta)


def _check_dims(array: xarray.DataArray, name: str, band: xarray.DataArray, dims: Dims) -> None:
    """Raise GpumaskError unless a band has rows and columns, and other dimensions only as the array has them."""
    has, came = f"quality: expected {name!r} to have", f"got {dict(band.sizes)}"
    if not set(dims) <= set(band.dims):
        with contextlib.suppress(GpumaskError):
            own = spatial("quality", band)
            came = f"{came} ({name}.rename({dict(zip(own, dims, strict=True))}) names them so)"
        raise GpumaskError(f"{has} the array's dimensions {dims[0]} and {dims[1]}; {came}")
    if not all(band.sizes[dim] for dim in dims):
        raise GpumaskError(f"{has} rows and columns with pixels; {came}")
    for dim in set(band.dims) - set(dims):
        own_labels = f"{name}.sel({dim}=array[{dim!r}]) has the labels of the array"
        if dim not in array.dims:
            raise GpumaskError(f"{has} dimensions out of {array.dims}; {came} ({name}.isel({dim}=0) is one of {dim})")
        if band.sizes[dim] != array.sizes[dim]:
            raise GpumaskError(
                f"{has} the array's length {array.sizes[dim]} along {dim}, or no {dim}; {came} ({own_labels})"
            )
        if dim in band.indexes and dim in array.indexes and not band.indexes[dim].equals(array.indexes[dim]):
            raise GpumaskError(f"{has} the array's own labels along {dim}; got others ({own_labels})")


def _block(array: xarray.DataArray, name: str, band: xarray.DataArray, dims: Dims) -> tuple[int, int]:
    """Return how many of the array's rows and columns a pixel of a quality band stands for."""
    shape, coarse = ((each.sizes[dims[0]], each.sizes[dims[1]]) for each in (array, band))
    mend = f'{name}.gpumask.reproject(like=array, interp="nearest") brings it there'
    _check_crs(array, name, band, dims, mend)
    if shape == coarse:
        _check_near(array, name, band, dict.fromkeys(dims, 1), mend)
        straight = not any(_known(each, dims).rio.transform()[k] for each in (array, band) for k in (1, 3))
        if straight and all(dim in each.indexes for dim in dims for each in (array, band)):
            return 1, 1
    places = [_lies(label, each, dims) for label, each in (("array", array), ("quality", band))]
    found = None if None in places else blocks_at(*places)
    if found is None:
        try:
            factors = factors_of(name, coarse, shape)
        except MaskRuleError as error:
            raise MaskRuleError(f"{error} ({mend}, if both say where they lie)") from error
        _check_near(array, name, band, dict(zip(dims, factors, strict=True)), mend)
        return factors
    factors, covers, far = found
    if not covers or far > MOST_OFF:
        raise GpumaskError(
            f"quality: expected {name!r} to have the {shape[0]} x {shape[1]} pixels of the array, or whole blocks of "
            f"them from the same corner on; got {coarse[0]} x {coarse[1]} pixels, up to {far:.3g} pixels off ({mend})"
        )
    return factors


def _check_near(
    array: xarray.DataArray, name: str, band: xarray.DataArray, blocks: Mapping[Hashable, int], mend: str
) -> None:
    """Raise GpumaskError if coordinates that both have differ by more than a small part of a pixel."""
    for dim, block in blocks.items():
        if dim not in array.indexes or dim not in band.indexes or array.indexes[dim].equals(band.indexes[dim]):
            continue
        own, its = (np.asarray(each.indexes[dim], np.float64) for each in (array, band))
        steps = np.diff(own)
        middles = own[::block] + (steps.mean() * (block - 1) / 2 if block > 1 else 0)
        if not (abs(its - middles) <= (MOST_OFF * abs(steps).min() if len(steps) else 0)).all():
            raise GpumaskError(
                f"quality: expected {name!r} to have the array's own coordinates along {dim}; got others ({mend})"
            )


def _check_crs(array: xarray.DataArray, name: str, band: xarray.DataArray, dims: Dims, mend: str) -> None:
    """Raise GpumaskError if a band has another CRS. Another text of the same CRS is no error."""
    own, its = (_known(each, dims).rio.crs for each in (array, band))
    if own is None or its is None or own == its:
        return
    place = _lies("quality", band, dims)
    if place is not None:
        a, b, _, d, e, _ = place.transform[:6]
        xy = corners(place.transform, (band.sizes[dims[0]], band.sizes[dims[1]]))
        off = np.subtract(transformed(wkt_of("quality", its), wkt_of("array", own), *xy), xy)
        if (abs(off) <= MOST_OFF * min(math.hypot(a, d), math.hypot(b, e))).all():
            return
    raise GpumaskError(f"quality: expected {name!r} in the array's CRS, {own}; got {its} ({mend})")


def _lies(name: str, given: xarray.DataArray, dims: Dims) -> Place | None:
    """Return where an array lies, whatever its CRS. Return None if it does not say so."""
    given = _known(given, dims)
    if given.rio.transform().is_identity:
        return None
    return Place(None, affine_of(name, given, dims), (given.sizes[dims[0]], given.sizes[dims[1]]))


def _known(given: xarray.DataArray, dims: Dims) -> xarray.DataArray:
    """Return an array whose rows and columns rioxarray knows, whatever their names."""
    given = given.copy(deep=False)
    given.rio.set_spatial_dims(y_dim=dims[0], x_dim=dims[1], inplace=True)
    return given
