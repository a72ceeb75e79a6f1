"""What rules keep of DataArrays' pixels."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray

from gpumask.cleanup import check_filters
from gpumask.errors import ArgumentTypeError
from gpumask.flags import flags_definition_from
from gpumask.lazy import is_lazy
from gpumask.quality import as_rules, by_band, mask_from_rules


def rules_of(rules: Any, bands: Mapping[str, xarray.DataArray], named: bool) -> list[Any]:
    """Return MaskRules, whose flags the bands' attributes define; one band alone need not be named."""
    if not isinstance(rules, Iterable):
        raise ArgumentTypeError(f"rules: expected a rule, or a list of rules; got {rules!r}")
    listed = [rules] if isinstance(rules, Mapping) else list(rules)
    if not named:
        only = next(iter(bands))
        listed = [{"band": only, **rule} if isinstance(rule, Mapping) else rule for rule in listed]
    definitions = {}
    for name, band in bands.items():
        if any(isinstance(rule, Mapping) and "flags" in rule and rule.get("band") == name for rule in listed):
            definitions[name] = flags_definition_from(band.attrs)
    return as_rules("rules", listed, definitions or None)


def kept(rules: list[Any], bands: dict[str, Any], grow: Any, backend: str | None) -> Any:
    """Return bool arrays, True where all rules match, lazy where a band is."""
    depth = 0 if grow is None else sum(radius for _, radius in check_filters("grow", grow))
    names, arrays = list(by_band(rules)), list(bands.values())
    job = functools.partial(_kept_now, rules, tuple(bands), grow, backend)
    if not names or not is_lazy(*arrays):
        return job(*arrays)
    import dask.array

    lazy = dask.array.broadcast_arrays(*(dask.array.asarray(array) for array in arrays))
    axes = lazy[0].ndim
    around = {axis: depth if axis >= axes - 2 else 0 for axis in range(axes)}
    meta = np.empty((0,) * axes, bool, like=lazy[0]._meta)
    return dask.array.map_overlap(job, *lazy, depth=around, boundary="none", dtype=bool, align_arrays=True, meta=meta)


def _kept_now(rules: list[Any], names: tuple[str, ...], grow: Any, backend: str | None, *bands: Any) -> Any:
    """Return a bool array, True where all rules match."""
    return mask_from_rules(rules, dict(zip(names, bands, strict=True)), grow=grow, backend=backend)
