"""The variables of a Dataset as DataArrays: which have rows and columns, and what says where each is valid."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import xarray
from rioxarray.rioxarray import DEFAULT_GRID_MAP

from gpumask.errors import GpumaskError
from gpumask.resampling.lazy import says_valid
from gpumask.xarray.labels import MEANINGS, VALID_SHARE, VALIDITY
from gpumask.xarray.sides import alike

Pair = tuple[Hashable, Hashable]

_OWN = "_" + VALIDITY  # ends the name of a variable's validity
_ROWS_AND_COLUMNS = {"y": "x", "lat": "lon", "latitude": "longitude", "northing": "easting"}


@dataclass(frozen=True, eq=False)
class Member:
    """A variable that has rows and columns.

    Attributes
    ----------
    name
        The name of the variable.
    dims
        The dimensions of its rows and columns.
    array
        The variable as a DataArray. Its rows and columns are the dimensions y and x, and its validity is the coordinate
        `validity`.
    """

    name: Hashable
    dims: Pair
    array: xarray.DataArray


def pair_of(dataset: xarray.Dataset, name: Hashable) -> Pair | None:
    """Return the dimensions of a variable's rows and columns. Return None if nothing says so.

    They are those that rioxarray finds for the variable or for the Dataset. Otherwise they are a pair of names such as
    y_20m and x_20m.
    """
    from rioxarray.exceptions import RioXarrayError

    variable = dataset[name]
    for given in (variable, dataset):
        try:
            found = given.rio.y_dim, given.rio.x_dim
        except RioXarrayError:
            continue
        if set(found) <= set(variable.dims):
            return found
    for dim in variable.dims:
        for row, col in _ROWS_AND_COLUMNS.items():
            named = re.fullmatch(f"{row}([^a-z].*)?", str(dim))
            other = f"{col}{named[1] or ''}" if named else None
            if other in variable.dims:
                return dim, other
    return None


def pairs_of(dataset: xarray.Dataset) -> dict[Hashable, Pair]:
    """Return the rows and columns of all variables that have them. Validities of other variables are left out.

    Raise GpumaskError if a variable lies along the rows of one variable and the columns of another.
    """
    owned = set(owned_by(dataset).values())
    found = {name: pair_of(dataset, name) for name in dataset.data_vars if name not in owned}
    pairs = {name: pair for name, pair in found.items() if pair is not None}
    spatial = {dim for pair in pairs.values() for dim in pair}
    for name, pair in found.items():
        own = [dim for dim in dataset[name].dims if dim in spatial]
        if len(own) > (0 if pair is None else 2) and len(own) > 1:
            raise GpumaskError(
                f"dataset: expected {name!r} to have the rows and columns of one place; got {dataset[name].dims} "
                "(rename its dimensions, or drop it)"
            )
    return pairs


def members_of(dataset: xarray.Dataset) -> list[Member]:
    """Return all variables that have rows and columns. Raise GpumaskError if there are none."""
    pairs, owned = pairs_of(dataset), owned_by(dataset)
    if not pairs:
        came = {name: variable.dims for name, variable in dataset.data_vars.items()}
        raise GpumaskError(
            "dataset: expected a variable with dimensions y and x, or those named by rio.set_spatial_dims; got "
            f"{came or 'none'}"
        )
    mappings = grid_mappings(dataset)  # rioxarray looks for them among coordinates
    given = dataset.set_coords([name for name in mappings if name in dataset.data_vars])
    return [Member(name, pair, _alone(given, name, pair, owned, mappings)) for name, pair in pairs.items()]


def owned_by(dataset: xarray.Dataset) -> dict[Hashable, Hashable]:
    """Return the names of what says where one variable alone is valid, by the names of these variables."""
    found = {name: own_validity(dataset[name], dataset.variables) for name in dataset.data_vars}
    return {name: own for name, own in found.items() if own is not None}


def saying_validity(dataset: xarray.Dataset) -> set[Hashable]:
    """Return the names of everything that says where variables are valid."""
    return {*owned_by(dataset).values(), *({VALIDITY} & set(dataset.coords))}


def own_validity(array: xarray.DataArray, among: Mapping[Any, Any]) -> Hashable | None:
    """Return the variable that says where this one alone is valid. An attribute or its own name says so."""
    for name in (*ancillary(array), f"{array.name}{_OWN}"):
        if str(name).endswith(_OWN) and name in among and among[name].attrs.get("flag_meanings") == MEANINGS:
            return name
    return None


def ancillary(array: xarray.DataArray) -> list[str]:
    """Return the names of the variables that say something about this one, as in CF."""
    return str(array.attrs.get("ancillary_variables", "")).split()


def alone(array: xarray.DataArray) -> xarray.DataArray:
    """Return an array of a Dataset with its own validity as the coordinate `validity`. Return others as they are."""
    own = own_validity(array, array.coords)
    return array if own is None else _with_validity(array, array.coords[own])


def of_others(array: xarray.DataArray) -> list[str]:
    """Return the names of an array's coordinates that say where variables of a Dataset are valid."""
    return [str(name) for name in array.coords if str(name).endswith(_OWN) and says_validity(array.coords[name])]


def _with_validity(array: xarray.DataArray, own: xarray.DataArray) -> xarray.DataArray:
    """Return an array whose validity combines its own one with the one that it shares with others."""
    shared = says_valid(array.coords[VALIDITY]) if VALIDITY in array.coords else None
    valid = own.reset_coords(drop=True)
    if shared is not None:
        one, other = alike(says_valid(valid), shared.reset_coords(drop=True))
        valid = (one & other).astype("uint8")
    array = array.drop_vars(of_others(array)).assign_coords({VALIDITY: valid.assign_attrs(own.attrs)})
    array.attrs = _with_ancillary(array, [name for name in ancillary(array) if name != own.name])
    return array


def _with_ancillary(array: xarray.DataArray, names: list[str]) -> dict[Any, Any]:
    """Return an array's attributes, with the names of the variables that say something about it."""
    attrs = {key: value for key, value in array.attrs.items() if key != "ancillary_variables"}
    return attrs | ({"ancillary_variables": " ".join(names)} if names else {})


def says_validity(array: xarray.DataArray) -> bool:
    """Say whether an array is a validity."""
    return array.attrs.get("flag_meanings") == MEANINGS


def _alone(
    dataset: xarray.Dataset, name: Hashable, pair: Pair, owned: Mapping[Hashable, Hashable], mappings: set[Hashable]
) -> xarray.DataArray:
    """Return a variable as a DataArray of y and x, with its own validity, and the CRS of the Dataset if it has one."""
    array = dataset[name]
    if name in owned:
        array = _with_validity(array, dataset[owned[name]])
    others = {*owned.values(), *(mappings - {array.rio.grid_mapping})}
    lost = [each for each in array.coords if each in others]
    to = {dim: new for dim, new in zip(pair, ("y", "x"), strict=True) if dim != new}
    array = array.drop_vars([*lost, *(new for new in to.values() if new in array.coords)]).rename(to)
    crs = _crs_of(dataset) if array.rio.crs is None else None
    return array if crs is None else array.rio.write_crs(crs)


def _crs_of(dataset: xarray.Dataset) -> Any:
    """Return the one CRS of a Dataset. Return None if it has none or several."""
    from rioxarray.exceptions import RioXarrayError

    try:
        return dataset.rio.crs
    except RioXarrayError:
        return None


def grid_mappings(dataset: xarray.Dataset) -> set[Hashable]:
    """Return the names of the variables that say which CRS others have."""
    named = {
        str(found)
        for variable in dataset.data_vars.values()
        for found in (variable.attrs.get("grid_mapping"), variable.encoding.get("grid_mapping"))
        if found is not None
    }
    return {name for name in (*named, DEFAULT_GRID_MAP) if name in dataset.variables}


def with_validities(
    dataset: xarray.Dataset, valid: Mapping[Hashable, xarray.DataArray], several: bool
) -> xarray.Dataset:
    """Return a Dataset whose variables have validities, or shares, which are named `validity` or `valid_share`.

    With `several`, each of them is a coordinate with a name of its own. Otherwise the only variable with rows and
    columns has a coordinate of that name.
    """
    if not several:
        ((name, only),) = valid.items()
        _check_unused(dataset, name, str(only.name), only.name in dataset.data_vars)
        return dataset.assign_coords({only.name: only.reset_coords(drop=True)})
    for name, given in valid.items():
        own = f"{name}_{given.name}"
        is_flag = given.name == VALIDITY
        _check_unused(dataset, name, own, own in dataset.variables and not (is_flag and says_validity(dataset[own])))
        each = given.rename(own).assign_attrs(given.attrs | ({"standard_name": "status_flag"} if is_flag else {}))
        old = {f"{name}{_OWN}", f"{name}_{VALID_SHARE}"}
        named = dataset.variables[name].copy(deep=False)
        named.attrs = _with_ancillary(dataset[name], [*(x for x in ancillary(dataset[name]) if x not in old), own])
        dataset = dataset.assign_coords({own: each.reset_coords(drop=True)}).assign({name: named})
    return dataset


def _check_unused(dataset: xarray.Dataset, name: Hashable, own: str, used: bool) -> None:
    """Raise GpumaskError if a variable has the name that another variable's validity needs."""
    if used:
        raise GpumaskError(
            f"dataset: expected no variable {own!r}, the name for the validity of {name!r}; got {dataset[own].dims} "
            f'(dataset.rename({own}="other") frees the name)'
        )


def by_name(argument: str, given: Any, names: Iterable[Hashable], default: Any = None) -> dict[Hashable, Any]:
    """Return the value of each variable, from one value for all or a mapping of names of variables to values."""
    names = list(names)
    if not isinstance(given, Mapping):
        return dict.fromkeys(names, given)
    unknown = [name for name in given if name not in names]
    if unknown:
        raise GpumaskError(
            f"{argument}: expected names of variables with rows and columns, {', '.join(map(repr, names))}; got "
            f"{unknown[0]!r}"
        )
    return {name: given.get(name, default) for name in names}


@contextmanager
def about(name: Hashable) -> Iterator[None]:
    """Add the name of the variable to an error."""
    try:
        yield
    except GpumaskError as error:
        raise type(error)(f"{error} (variable {name!r})") from error
