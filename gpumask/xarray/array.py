"""The methods that DataArrays have as `.gpumask`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import rioxarray  # noqa: F401  # gives DataArrays a .rio
import xarray

from gpumask.errors import ArgumentTypeError, GpumaskError, warn_caller
from gpumask.files.reading import categories
from gpumask.files.warp import target_place
from gpumask.grids.grid import Grid
from gpumask.grids.places.geolocation import Geolocation
from gpumask.grids.places.place import Place
from gpumask.grids.projected import ProjectedGrid
from gpumask.pixels.values import held
from gpumask.pixels.window import Window
from gpumask.resampling.coarser import grid_in_the_middle, warn_if_coarser
from gpumask.resampling.image import taken_as
from gpumask.resampling.lazy import Recipe, check_chunks, is_lazy, resampled_lazily, says_valid
from gpumask.resampling.method import Method, accepts_method
from gpumask.xarray.alignment import aligned
from gpumask.xarray.kept import kept, name_of, rules_of
from gpumask.xarray.labels import VALIDITY, described, labelled, restated, told_by, untold, warn_untold, without_nan
from gpumask.xarray.like import like_of
from gpumask.xarray.members import alone, of_others
from gpumask.xarray.place import knowing_dims, place_of, spatial
from gpumask.xarray.sides import alike, brought, on_device, type_with, where


@xarray.register_dataarray_accessor("gpumask")
class Accessor:
    """Resampling of a DataArray that keeps invalid pixels out of valid ones.

    The rows and columns are the dimensions that rioxarray finds. Along `band`, pixels are valid together: all bands of
    a pixel, or none. Along all other dimensions, such as time, each image stands alone. A pixel is invalid if the
    coordinate `validity` is 0, or if it is NaN or the array's nodata value.
    """

    def __init__(self, array: xarray.DataArray, warns: bool = True) -> None:
        self._warns = warns  # False if several arrays are resampled at once, which then share one warning
        self._array = without_nan(alone(array))

    def reproject(
        self,
        crs: Any = None,
        *,
        like: Any = None,
        resolution: float | tuple[float, float] | None = None,
        bounds: tuple[float, float, float, float] | None = None,
        max_error: float = 0.01,
        model: Any = None,
        **options: Any,
    ) -> xarray.DataArray:
        """Bring the array into another coordinate reference system.

        Parameters
        ----------
        crs
            The CRS of the result. See `gpumask.warp_file`.
        like
            A DataArray, a Dataset, or a GeoBox of odc-geo. The result gets its CRS and its pixels.
        resolution
            The size of a pixel. See `gpumask.warp_file`.
        bounds
            What the result covers. See `gpumask.warp_file`.
        max_error
            How far off coordinates may be, in source pixels. See `gpumask.warp_file`.
        model
            Where the array lies: a Place, or a Geolocation of WGS 84. None means its own CRS and coordinates.
        options
            Options of `resample`.

        Returns
        -------
        DataArray
            As `resample` returns it. With `like`, the result has exactly the dimensions, coordinates and CRS of `like`,
            so that `result - like` has all pixels.

        Raises
        ------
        GpumaskError
            If an argument is wrong, or the array does not say where it lies.

        Examples
        --------
        >>> array = xarray.DataArray(np.ones((4, 4)), {"y": [70, 50, 30, 10], "x": [10, 30, 50, 70]}, ("y", "x"))
        >>> array.rio.write_crs("EPSG:32633").gpumask.reproject("EPSG:32633", resolution=40).shape
        (2, 2)
        """
        source, lies_like = self._place(model), None if like is None else like_of(like)
        target = target_place(source, crs, None if lies_like is None else lies_like.place, resolution, bounds)
        if lies_like is not None:
            lies_like.check_free(set(self._array.dims) - {*self._spatial})
        found = self.resample(ProjectedGrid(source, target, max_error), **options)
        return found if lies_like is None else lies_like.label(found)

    @accepts_method()
    def resample(
        self,
        grid: Grid | ProjectedGrid,
        interp: Any = None,
        *,
        nodata_out: float | None = None,
        dtype: Any = None,
        compute_dtype: Any = "float64",
        boundary: str | tuple[str | None, str | None] | None = None,
        trust_padding: bool = True,
        mask_policy: str = "strict",
        min_weight: float | None = None,
        validity: str = "pixel",
        antialias: bool = False,
        method: Method | None = None,
        band_dim: str = "band",
        chunks: tuple[int, int] | None = None,
        backend: str | None = None,
    ) -> xarray.DataArray:
        """Bring the array into the geometry of a grid. `gpumask.resample` describes the options in full.

        Parameters
        ----------
        grid
            A Grid or a ProjectedGrid. The result of a Grid has no place on the ground.
        interp
            The interpolator. None means cubic. It means nearest if attributes declare flags or classes, or if rioxarray
            has read the array from a file that declares them, by a colour table for example. The log says so.
        nodata_out
            The value of invalid pixels. None means the array's own nodata value. Without one, it means NaN, or 0 if the
            dtype has no NaN. With 0 there is a warning if pixels are invalid, or if that is not known yet.
        dtype, compute_dtype
            The dtype of the result, and that of weights and sums.
        boundary, trust_padding
            How the array continues beyond its edges, and whether pixels there may be valid.
        mask_policy, min_weight
            What is done about invalid pixels.
        validity
            "pixel" if all bands of a pixel are valid together. "band" if each band is valid by itself. "share" or "band
            share" for the valid share of all bands together, or of each. See `gpumask.Method`.
        antialias
            Whether the interpolator is as wide as output pixels lie apart in the array.
        method
            A `gpumask.Method`, instead of the options from `interp` to `antialias`.
        band_dim
            The name of the dimension of bands.
        chunks
            The rows and columns of a lazy result's chunks. None means 2048, or as many as the source's chunks if these
            are larger. It means fewer in two cases. One is a chunk with more bytes than dask's `array.chunk-size`. The
            other is a chunk that would need more than four times as many bytes of the source.
        backend
            "cuda", "native" or "numpy". None means the default. See `use_backend`.

        Returns
        -------
        DataArray
            The result, lazy if the source is. It has the dimensions y and x instead of the source's rows and columns.
            Its name, its attributes, its encoding and its other coordinates are the source's, except for what said
            where the source's pixels lay, or counted them. Its coordinate `validity`, uint8, is 1 where a pixel is
            valid. With validity="band" the coordinate has a dimension of bands as well. With "share" and "band share"
            the coordinate is `valid_share`, float32, instead. Later steps do not read it. They tell invalid pixels by
            NaN or by the nodata value.

        Raises
        ------
        GpumaskError
            If an argument is wrong.

        Warns
        -----
        UserWarning
            If invalid pixels become 0 and only the coordinate `validity` tells them.

        Examples
        --------
        >>> array = xarray.DataArray([[0.0, 1.0, 2.0]], dims=("y", "x"))
        >>> array.gpumask.resample(Grid([[0, 0]], [[0.5, 1.5]]), "linear").values
        array([[0.5, 1.5]])
        """
        if not isinstance(grid, Grid | ProjectedGrid):
            raise ArgumentTypeError(f"grid: expected a Grid or a ProjectedGrid; got {type(grid).__name__}")
        array = self._array
        y, x = self._spatial
        if isinstance(grid, ProjectedGrid):
            grid.check_source("array", (array.sizes[y], array.sizes[x]))
        chunks = None if chunks is None else check_chunks(chunks)
        if band_dim in (y, x):
            raise GpumaskError(f"band_dim: expected another dimension than {y} and {x}; got {band_dim!r}")
        band = [band_dim] if band_dim in array.dims else []
        others = [dim for dim in array.dims if dim not in (*band, y, x)]
        if {"y", "x"} & {*others, *band}:
            raise GpumaskError(
                f"array: expected no dimensions y and x beside its rows and columns {y} and {x}; got some"
            )
        how = method or Method(
            interp, nodata_out=nodata_out, dtype=dtype, compute_dtype=compute_dtype, boundary=boundary,
            trust_padding=trust_padding, mask_policy=mask_policy, min_weight=min_weight, validity=validity,
            antialias=antialias,
        )  # fmt: skip
        asked = how.nodata_out
        classes = categories.in_array(array.attrs, array.encoding, array.coords.get(band_dim))
        how = self._concrete(dataclasses.replace(how, interp=categories.chosen(how.interp, classes)))
        whole = Window.of_shape(grid.full_shape)
        warn_if_coarser(grid if isinstance(grid, Grid) else grid_in_the_middle(grid, whole), how)
        recipe = Recipe(how, backend, self._missing)
        image = array.transpose(*others, *band, y, x).data
        valid = self._valid(others, band)
        if is_lazy(image, valid):
            found = resampled_lazily(image, valid, grid, recipe, bool(band), chunks)
        else:
            found = recipe.at_once(image, valid, grid, bool(band))
        planes = [*others, *(band if how.by_band else []), "y", "x"]
        has_nodata = self._nodata is not None or asked is not None or how.dtype.kind == "f"
        declared = how.nodata_out if has_nodata else None
        made = labelled(array, found, [*others, *band, "y", "x"], planes, grid, declared)
        if how.interpolator.keeps_values:
            made.encoding |= categories.remembered(made.attrs, classes)
        if self._warns and untold(made):
            warn_untold("the array declares", told_by(made))
        return made

    def keep(self, rules: Any, quality: Any, *, grow: Any = None, backend: str | None = None) -> xarray.DataArray:
        """Return the array with a `validity` that is 1 only where quality bands match every rule.

        Parameters
        ----------
        rules
            A rule or a list of rules. See `gpumask.mask_from_rules`. The attributes of the bands define the flags, in
            the ODC, CF or STAC form.
        quality
            A quality band, or a mapping of names to quality bands. A band has the array's rows and columns, or larger
            pixels that stand for whole blocks of the array's pixels. It has the array's other dimensions, or fewer of
            them. A dimension `band` of length 1 counts for all bands. Where a band's own `validity` is 0, nothing is
            kept.
        grow
            How to grow what the rules do not keep: a radius in pixels, or filters as `gpumask.mask_cleanup` takes them.
        backend
            "cuda", "native" or "numpy". None means the default. See `use_backend`.

        Returns
        -------
        DataArray
            The array with its new coordinate.

        Raises
        ------
        GpumaskError
            If a rule is wrong, or a band does not fit the array.

        Examples
        --------
        >>> array = xarray.DataArray([[5.0, 6.0]], dims=("y", "x"))
        >>> array.gpumask.keep({"values": [1]}, xarray.DataArray([[1, 2]], dims=("y", "x"))).validity.values
        array([[1, 0]], dtype=uint8)
        """
        named = isinstance(quality, Mapping)
        bands = dict(quality) if named else {name_of(quality): quality}
        if not bands:
            raise GpumaskError("quality: expected at least one band; got none")
        for name, band in bands.items():
            if not isinstance(band, xarray.DataArray):
                raise ArgumentTypeError(f"quality: expected DataArrays; got {type(band).__name__} as {name!r}")
        checked = rules_of(rules, bands, named)
        known = {name: valid for name, band in bands.items() if (valid := band.gpumask._validity) is not None}
        bands = aligned(self._array, bands)
        first = next(iter(bands.values()))
        found = kept(checked, {name: band.data for name, band in bands.items()}, grow, backend)
        valid = brought(self._array, xarray.DataArray(found, dims=first.dims))
        own = [] if self._validity is None else [self._validity]
        for each in (*own, *(aligned(self._array, known).values() if known else ())):
            # Coordinates of bands are dropped. They say no more than the array's, and xarray would compare them.
            valid, other = alike(valid, brought(self._array, each.reset_coords(drop=True)))
            valid = valid & other
        valid = valid.transpose(*(dim for dim in self._array.dims if dim in valid.dims)).astype(np.uint8)
        return knowing_dims(self._array, self._array.assign_coords({VALIDITY: described(valid).variable}))

    def where_valid(self, other: Any = np.nan) -> xarray.DataArray:
        """Return the array with `other` where it is not valid, and without the coordinate `validity`.

        Parameters
        ----------
        other
            A number, or an array of numbers. NaN makes integers float64 or float32. A single number becomes the
            result's nodata value, so that it replaces the coordinate. With an array, all pixels count as valid.

        Returns
        -------
        DataArray
            The filled array.

        Examples
        --------
        >>> array = xarray.DataArray([[5.0, 6.0]], {"validity": (("y", "x"), [[1, 0]])}, ("y", "x"))
        >>> array.gpumask.where_valid().values
        array([[ 5., nan]])
        """
        array, valid, nodata = self._array, self._validity, self._nodata
        if np.ndim(other) == 0:
            nodata = held("other", other, type_with(array.dtype, other))
        if valid is None:
            return array
        found = where(array.drop_vars(VALIDITY), valid.drop_vars(VALIDITY, errors="ignore"), other)
        found.encoding = dict(array.encoding)
        restated(found, array, nodata)
        classes = categories.in_array(array.attrs, array.encoding, array.coords.get("band"))
        found.encoding |= categories.remembered(found.attrs, classes)
        return knowing_dims(array, found)

    @property
    def _validity(self) -> Any:
        """The coordinate `validity` as bool, in the memory of the array, or None."""
        valid = self._said
        if valid is None:
            return None
        return says_valid(brought(self._array, valid))

    @property
    def _said(self) -> Any:
        """The coordinate `validity`, or None."""
        valid = self._array.coords.get(VALIDITY)
        others = of_others(self._array) if valid is None and self._array.name is None else []
        # A sum of variables has several validities. Variables such as quality bands may have none.
        if others and self._warns:
            self._warns = False
            warn_caller(
                f"array: expected one validity; got those of the variables that it was made of, {', '.join(others)}, "
                "none of which is used: where_valid() comes before a sum of several variables"
            )
        if valid is not None and valid.dtype.kind not in "biuf":  # a time of validity, for example
            raise GpumaskError(
                f'validity: expected 1 or 0; got {valid.dtype} (array.rename(validity="other") frees the name)'
            )
        if valid is not None and on_device(valid) and not on_device(self._array):
            raise GpumaskError("validity: expected an array in host memory, as the data is; got one on the device")
        return valid

    @property
    def _nodata(self) -> Any:
        """The array's nodata value, the first if it has several, or None."""
        array, several = self._array, np.ravel(self._array.attrs.get("missing_value", ()))
        if len(several) > 1:
            array = array.assign_attrs(missing_value=several[0])
        try:
            return array.rio.nodata
        except (OverflowError, ValueError, TypeError) as error:
            raise GpumaskError(f"array: expected a nodata value that {self._array.dtype} holds; got {error}") from error

    @property
    def _spatial(self) -> tuple[Hashable, Hashable]:
        """The dimensions of rows and columns."""
        return spatial("array", self._array)

    def _place(self, model: Any) -> Place:
        """Return where the array lies."""
        y, x = self._spatial
        shape = self._array.sizes[y], self._array.sizes[x]
        if isinstance(model, Place):
            return dataclasses.replace(model, shape=shape)
        if isinstance(model, Geolocation):
            return Place("OGC:CRS84", model, shape)
        if model is not None:
            raise ArgumentTypeError(f"model: expected a Place or a Geolocation; got {type(model).__name__}")
        return place_of("array", self._array)

    def _concrete(self, method: Method) -> Method:
        """Return a method that has the dtype of a result and the value of invalid pixels."""
        own, nodata = taken_as(self._array.dtype), self._nodata
        if nodata is None:
            nodata = np.nan if method.output_dtype(own).kind == "f" else 0
        return method.for_source(own, nodata)

    def _valid(self, others: Sequence[Hashable], band: Sequence[Hashable]) -> Any:
        """Return the values of the coordinate, or None without it.

        They are (…, row, col), or (…, band, row, col) if bands differ. An axis of length 1 serves for all. A lazy
        coordinate stays lazy.
        """
        array, (y, x), valid = self._array, self._spatial, self._said
        if valid is None:
            return None
        extra = set(valid.dims) - {*others, *band, y, x}
        if extra:
            raise GpumaskError(f"validity: expected dimensions out of {tuple(array.dims)}; got {valid.dims}")
        dims = [*others, *(dim for dim in band if dim in valid.dims), y, x]
        lacking = [dim for dim in dims if dim not in valid.dims]
        return valid.reset_coords(drop=True).expand_dims(lacking).transpose(*dims).data

    @property
    def _missing(self) -> tuple[float, ...]:
        """All values except NaN that the array declares as missing, as its dtype holds them."""
        declared = [self._nodata, *(self._array.attrs.get(key) for key in ("_FillValue", "missing_value", "nodata"))]
        values = [value for each in declared if each is not None for value in np.ravel(each).tolist()]
        kind = taken_as(self._array.dtype)
        found = {held("array", float(value) if isinstance(value, str) else value, kind) for value in values}
        return tuple(sorted(value for value in found if not math.isnan(value)))
