"""The methods that Datasets have as `.gpumask`."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import xarray

from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.files.reading import categories
from gpumask.files.warp import target_place
from gpumask.grids.grid import Grid
from gpumask.grids.projected import ProjectedGrid
from gpumask.resampling.method import Method
from gpumask.xarray.array import Accessor
from gpumask.xarray.labels import VALIDITY, described, renewed, told_by, untold, warn_untold
from gpumask.xarray.like import Like, like_of
from gpumask.xarray.members import (
    Member,
    about,
    by_name,
    grid_mappings,
    members_of,
    saying_validity,
    says_validity,
    with_validities,
)
from gpumask.xarray.place import knowing_dims
from gpumask.xarray.qualities import Qualities, fitted
from gpumask.xarray.sides import alike
from gpumask.xarray.targets import grids_between, grids_of, one_target, places_of

_BY_NAME = (
    "interp", "nodata_out", "dtype", "compute_dtype", "boundary", "mask_policy", "min_weight", "validity", "antialias",
    "method",
)  # fmt: skip

_log = logging.getLogger("gpumask")


@xarray.register_dataset_accessor("gpumask")
class DatasetAccessor:
    """Resampling of all variables of a Dataset that have rows and columns, each as a DataArray is resampled.

    The rows and columns of a variable are those that rioxarray finds, or dimensions such as y_20m and x_20m. Each
    variable lies where its own coordinates, or its own grid mapping, say. Each has its own dtype and nodata value. All
    other variables stay as they are. Variables along rows or columns alone, such as a time of each row, hold for no
    other geometry. `reproject` and `resample` leave them out and log that.

    If several variables have rows and columns, the validity of `red` is the coordinate `red_validity`. The attribute
    `ancillary_variables` of `red` names it. The Dataset's methods read it, and so do those of `dataset.red`. A lone
    variable has the coordinate `validity`, as DataArrays do. Shares are `red_valid_share`, or `valid_share`. No lazy
    array is computed.
    """

    def __init__(self, dataset: xarray.Dataset) -> None:
        said = VALIDITY in dataset.data_vars and says_validity(dataset[VALIDITY])  # a variable after reset_coords
        self._dataset = dataset.set_coords(VALIDITY) if said else dataset

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
    ) -> xarray.Dataset:
        """Bring all variables with rows and columns to one place in another coordinate reference system.

        The pixels are as large as those that the finest variable would get by itself. The place is the one of this
        variable. It is enlarged for variables that reach further by more than one of their pixels, unless `bounds` or
        `like` say how far it reaches.

        Parameters
        ----------
        crs, like, resolution, bounds, max_error
            See `reproject` of DataArrays.
        model
            Where all variables lie, or a mapping of their names to models. See `reproject` of DataArrays.
        options
            Options of `resample`.

        Returns
        -------
        Dataset
            The Dataset in the new place.

        Raises
        ------
        GpumaskError
            If an argument is wrong. The message names the variable.
        """
        members = members_of(self._dataset)
        places = places_of(members, model)
        asked = None if like is None else like_of(like)
        lies_like = None if asked is None else asked.place
        targets = [target_place(place, crs, lies_like, resolution, bounds) for place in places.values()]
        target = one_target(targets, whole=like is None and bounds is None)
        return self._resampled(members, grids_between(places, target, max_error), options, asked)

    def resample(self, grid: Grid | ProjectedGrid, interp: Any = None, **options: Any) -> xarray.Dataset:
        """Bring all variables with rows and columns into the geometry of a grid.

        Parameters
        ----------
        grid
            A ProjectedGrid, or a Grid if all variables lie in one place. Variables that lie elsewhere than the source
            of a ProjectedGrid are brought to its target from their own places.
        interp
            The interpolator. None means the default of DataArrays. A variable with flag attributes is resampled by
            nearest, unless a mapping names another interpolator for it.
        options
            Options of `resample` of DataArrays. interp, nodata_out, dtype, compute_dtype, boundary, mask_policy,
            min_weight, validity, antialias and method hold for all variables, or they are mappings of names of
            variables to values. A variable that a mapping does not name gets the default.

        Returns
        -------
        Dataset
            The Dataset in the geometry of the grid.

        Raises
        ------
        GpumaskError
            If an argument is wrong. The message names the variable.

        Examples
        --------
        >>> dataset = xarray.Dataset({"red": (("y", "x"), [[0.0, 1.0, 2.0]])})
        >>> dataset.gpumask.resample(Grid([[0, 0]], [[0.5, 1.5]]), "linear").red.values
        array([[0.5, 1.5]])
        """
        if not isinstance(grid, Grid | ProjectedGrid):
            raise ArgumentTypeError(f"grid: expected a Grid or a ProjectedGrid; got {type(grid).__name__}")
        members = members_of(self._dataset)
        return self._resampled(members, grids_of(grid, members), {"interp": interp, **options})

    def keep(self, rules: Any, quality: Any = None, *, grow: Any = None, backend: str | None = None) -> xarray.Dataset:
        """Return the Dataset with validities that are 1 only where quality bands match every rule.

        The Dataset's own quality bands are not masked. Nor is a variable without a quality band of its own. Nor is a
        variable that lacks a dimension of its quality bands: heights without a time, for example, beside quality bands
        with dates.

        Parameters
        ----------
        rules, grow
            See `keep` of DataArrays.
        quality
            The name of a variable of the Dataset, or a DataArray. It may be a list of these, or a mapping from the
            names that rules use. None means the variables that the rules name. If rules name none, it means the band
            that belongs to each variable: the one with flag attributes among its `ancillary_variables`.
        backend
            "cuda", "native" or "numpy". None means the default. See `use_backend`.

        Returns
        -------
        Dataset
            The Dataset with its new coordinates.

        Raises
        ------
        GpumaskError
            If a rule is wrong, no quality band is found, or a band does not fit.
        """
        members = members_of(self._dataset)
        qualities = Qualities.of(self._dataset, [member.name for member in members], rules, quality)
        found: dict[Hashable, xarray.DataArray] = {}
        known: dict[Any, xarray.DataArray] = {}
        for member in members:
            asked = qualities.bands[member.name]
            bands = {} if member.name in qualities.used else fitted(asked, member)
            if not bands or any(set(band.dims) - set(member.array.dims) for band in bands.values()):
                continue
            key = (member.dims, member.array.dims, tuple(map(id, asked.values())))
            with about(member.name):
                if key not in known:
                    bare = member.array.drop_vars(VALIDITY, errors="ignore")
                    of_rules = bands if qualities.named else next(iter(bands.values()))
                    known[key] = bare.gpumask.keep(rules, of_rules, grow=grow, backend=backend).coords[VALIDITY]
                found[member.name] = _narrowed(member, known[key])
        if not found:
            raise GpumaskError(
                "quality: expected a quality band for at least one variable with rows and columns; got none"
            )
        return knowing_dims(self._dataset, with_validities(self._dataset, found, len(members) > 1))

    def where_valid(self, other: Any = np.nan) -> xarray.Dataset:
        """Return the Dataset with `other` where variables are not valid, and without their validities.

        Parameters
        ----------
        other
            A value for all variables, or a mapping of their names to values. A variable that it does not name gets NaN.
            See `where_valid` of DataArrays.

        Returns
        -------
        Dataset
            The filled Dataset.

        Examples
        --------
        >>> dataset = xarray.Dataset({"red": (("y", "x"), [[5.0, 6.0]])}, {"validity": (("y", "x"), [[1, 0]])})
        >>> dataset.gpumask.where_valid().red.values
        array([[ 5., nan]])
        """
        members = members_of(self._dataset)
        values = by_name("other", other, [member.name for member in members], np.nan)
        made = self._dataset
        for member in members:
            if VALIDITY in member.array.coords:
                with about(member.name):
                    found = member.array.gpumask.where_valid(values[member.name])
                filled = xarray.Variable(_back(member, found), found.data, found.attrs, found.encoding)
                made = made.assign({member.name: filled})
        said = saying_validity(self._dataset)
        return knowing_dims(self._dataset, made.drop_vars([name for name in made.variables if name in said]))

    def _resampled(
        self,
        members: list[Member],
        grids: Mapping[Hashable, Grid | ProjectedGrid],
        options: Mapping[str, Any],
        like: Like | None = None,
    ) -> xarray.Dataset:
        """Return the Dataset with each variable resampled by its grid, labelled as `like`."""
        own = _options(members, options)
        if like is not None:
            like.check_free({dim for member in members for dim in member.array.dims} - {"y", "x"})
        found: dict[Hashable, xarray.DataArray] = {}
        for member in members:
            with about(member.name):
                array = Accessor(member.array, warns=False).resample(grids[member.name], **own[member.name])
                found[member.name] = array if like is None else like.label(array)
        lost = [name for name, array in found.items() if untold(array)]
        if lost:
            told = " or ".join(sorted({told_by(found[name]) for name in lost}))
            warn_untold(f"{', '.join(map(repr, lost))} declare{'s' if len(lost) == 1 else ''}", told)
        made = self._rest(members, () if like is None else like.dims)
        for name, array in found.items():
            made = made.assign({name: array.drop_vars(told_by(array))})
        order = [name for name in self._dataset.data_vars if name in made]
        made = made.drop_vars(order).assign({name: made[name] for name in order})
        validities = {name: array.coords[told_by(array)] for name, array in found.items()}
        made.attrs = renewed(made.attrs, grids[members[0].name])  # all grids have one target
        return with_validities(made, validities, len(members) > 1)

    def _rest(self, members: list[Member], dims: tuple[Hashable, ...]) -> xarray.Dataset:
        """Return what has no rows and columns and does not say where they lie.

        `dims` are the names of the new rows and columns.
        """
        dataset = self._dataset
        spatial = {"y", "x", *dims, *(dim for member in members for dim in member.dims)}
        gone = {*saying_validity(dataset), *grid_mappings(dataset), *(member.name for member in members)}
        along = [name for name, variable in dataset.variables.items() if spatial & set(variable.dims)]
        lost = [name for name in along if name in dataset.data_vars and name not in gone]
        if lost:
            _log.info("left out, because they lie along rows or columns alone: %s", ", ".join(map(str, lost)))
        return dataset.drop_vars([name for name in dataset.variables if name in gone or name in along])


def _options(members: Iterable[Member], options: Mapping[str, Any]) -> dict[Hashable, dict[str, Any]]:
    """Return the options of each variable, from options for all and options by name."""
    found: dict[Hashable, dict[str, Any]] = {member.name: {} for member in members}
    for key, given in options.items():
        mapped = key in _BY_NAME and isinstance(given, Mapping)
        for name, value in (by_name(key, given, found) if mapped else dict.fromkeys(found, given)).items():
            if not mapped or name in given:
                found[name][key] = value
    asked = options.get("interp")
    for member in members:
        if isinstance(asked, Mapping) and member.name in asked:
            continue
        own = found[member.name]
        if categories.in_attributes(member.array.attrs) is not None:
            if isinstance(own.get("method"), Method):
                own["method"] = own["method"] if isinstance(options["method"], Mapping) else _nearest(own["method"])
            else:
                own["interp"] = "nearest"
        elif found[member.name].get("interp", 0) is None:
            del found[member.name]["interp"]
    return found


def _nearest(method: Method) -> Method:
    """Return a method with the interpolator for classes."""
    return dataclasses.replace(method, interp="nearest")


def _narrowed(member: Member, valid: xarray.DataArray) -> xarray.DataArray:
    """Return a validity combined with the variable's own one, along the variable's own dimensions."""
    before = member.array.gpumask._validity
    valid = valid.reset_coords(drop=True)
    if before is not None:
        one, other = alike(valid != 0, before.reset_coords(drop=True))
        valid = (one & other).transpose(*(dim for dim in member.array.dims if dim in {*one.dims, *other.dims}))
    valid = described(valid.astype(np.uint8))
    return xarray.DataArray(valid.data, dims=_back(member, valid), attrs=valid.attrs, name=VALIDITY)


def _back(member: Member, array: xarray.DataArray) -> list[Hashable]:
    """Return an array's dimensions under the names that the Dataset uses."""
    own: dict[Hashable, Hashable] = dict(zip(("y", "x"), member.dims, strict=True))
    return [own.get(dim, dim) for dim in array.dims]
