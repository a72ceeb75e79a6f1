"""Which quality bands belong to which variable of a Dataset."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import xarray

from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.masks.rules.attributes import holds_attributes
from gpumask.xarray.kept import listed_rules, name_of
from gpumask.xarray.labels import VALIDITY
from gpumask.xarray.members import Member, ancillary, owned_by, pair_of

Bands = dict[Any, xarray.DataArray]


@dataclass(frozen=True, eq=False)
class Qualities:
    """The quality bands of each variable, by the names that rules use. A variable may have none.

    Attributes
    ----------
    bands
        The bands by their names, for each variable.
    named
        True if rules must name the bands.
    used
        The names of the bands that are in the Dataset.
    """

    bands: dict[Hashable, Bands]
    named: bool
    used: frozenset[Hashable]

    @classmethod
    def of(cls, dataset: xarray.Dataset, names: Iterable[Hashable], rules: Any, quality: Any) -> Qualities:
        """Find the quality bands. See `keep` of Datasets."""
        if isinstance(quality, list | tuple) and len(quality) == 1:
            quality = quality[0]  # rules need not name it
        if quality is None:
            wanted = _named_by(rules)
            if not wanted:
                return cls._own(dataset, names)
            given: dict[Any, Any] = {name: name for name in wanted}
        elif isinstance(quality, Mapping):
            given = dict(quality)
        else:
            listed = quality if isinstance(quality, list | tuple) else [quality]
            given = {_name_of(each): each for each in listed}
        if not given:
            raise GpumaskError("quality: expected at least one band; got none")
        bands = {name: each if _is_array(each) else _variable(dataset, each) for name, each in given.items()}
        used = frozenset(each for each in given.values() if not _is_array(each))
        named = quality is None or isinstance(quality, Mapping | list | tuple)
        return cls(dict.fromkeys(names, bands), named, used)

    @classmethod
    def _own(cls, dataset: xarray.Dataset, names: Iterable[Hashable]) -> Qualities:
        """Return the quality band of each variable, from the names in its attributes."""
        found: dict[Hashable, Bands] = {}
        known: Bands = {}
        for name in names:
            flagged = [
                each for each in ancillary(dataset[name])
                if each in dataset.variables and each not in owned_by(dataset).values()
                and holds_attributes(dataset[each].attrs)
            ]  # fmt: skip
            if len(flagged) > 1:
                raise GpumaskError(
                    f"quality: expected names of quality bands, as {name!r} has several of its own; got {flagged}"
                )
            found[name] = {each: known.setdefault(each, _variable(dataset, each)) for each in flagged}
        if not known:
            raise GpumaskError(
                "quality: expected names of variables, rules that name them, or variables with flag attributes that "
                "other variables' ancillary_variables name; got none"
            )
        return cls(found, False, frozenset(known))


def _is_array(given: Any) -> bool:
    """Say whether this is a band, and not the name of one."""
    return isinstance(given, xarray.DataArray)


def _name_of(given: Any) -> Hashable:
    """Return the name of a band. A name stays as it is."""
    if _is_array(given):
        return name_of(given)
    if not isinstance(given, Hashable):
        raise ArgumentTypeError(f"quality: expected DataArrays, or names of variables; got {type(given).__name__}")
    return given


def _named_by(rules: Any) -> list[Any]:
    """Return the names of the bands that rules are about. Raise GpumaskError if only some rules name one."""
    listed = listed_rules(rules)
    bands = [rule.get("band") if isinstance(rule, Mapping) else getattr(rule, "band", None) for rule in listed]
    if None in bands and any(band is not None for band in bands):
        raise GpumaskError(f"rules: expected all of them to name a band, or none; got {bands}")
    return list(dict.fromkeys(band for band in bands if band is not None))


def _variable(dataset: xarray.Dataset, name: Any) -> xarray.DataArray:
    """Return a quality band of a Dataset, without the validities of other variables."""
    if not isinstance(name, Hashable) or name not in dataset.variables:
        kind = GpumaskError if isinstance(name, str) else ArgumentTypeError
        there = ", ".join(map(repr, dataset.data_vars)) or "none"
        raise kind(f"quality: expected DataArrays, or names of variables, out of {there}; got {name!r}")
    band = dataset[name]
    lost = [each for each in (VALIDITY, *owned_by(dataset).values()) if each in band.coords and each != name]
    return band.drop_vars(lost)


def fitted(bands: Bands, member: Member) -> Bands:
    """Return quality bands whose rows and columns are named y and x, as the variable's are here."""
    found = {}
    for name, band in bands.items():
        pair = member.dims if set(member.dims) <= set(band.dims) else pair_of(band.to_dataset(name="band"), "band")
        to = {dim: new for dim, new in zip(pair or (), ("y", "x"), strict=bool(pair)) if dim != new}
        found[name] = band.drop_vars([new for new in to.values() if new in band.coords]).rename(to)
    return found
