"""Which pixels of DataArrays the rules keep."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray

from gpumask.errors import ArgumentTypeError
from gpumask.masks.morphology import check_filters
from gpumask.masks.rules.apply import as_rules, mask_from_rules
from gpumask.masks.rules.attributes import flags_definition_from
from gpumask.masks.rules.rule import MaskRule
from gpumask.pixels.window import Window
from gpumask.resampling.blocks import Blocks, numbers_over, starts_of
from gpumask.resampling.lazy import array_of, as_lazy, is_lazy


def rules_of(rules: Any, bands: Mapping[str, xarray.DataArray], named: bool) -> list[Any]:
    """Return MaskRules whose flags the bands' attributes define. Rules need not name a single band."""
    listed = listed_rules(rules)
    if not named:
        only = next(iter(bands))
        listed = [{"band": only, **rule} if isinstance(rule, Mapping) else rule for rule in listed]
    definitions = {}
    for name, band in bands.items():
        if any(isinstance(rule, Mapping) and "flags" in rule and rule.get("band") == name for rule in listed):
            definitions[name] = flags_definition_from(band.attrs)
    return as_rules("rules", listed, definitions or None)


def name_of(quality: Any) -> str:
    """Return the name of a quality band, as rules may use it. A number, for example, is no such name."""
    name = getattr(quality, "name", None)
    return name if name and isinstance(name, str) else "quality"


def listed_rules(rules: Any) -> list[Any]:
    """Return one rule or several as a list."""
    if isinstance(rules, Mapping | MaskRule):
        return [rules]
    if isinstance(rules, str) or not isinstance(rules, Iterable):
        raise ArgumentTypeError(f"rules: expected a rule, or a list of rules; got {rules!r}")
    return list(rules)


def kept(rules: list[Any], bands: dict[str, Any], grow: Any, backend: str | None) -> Any:
    """Return bool arrays, True where all rules match. They are lazy if a band is."""
    depth = 0 if grow is None else sum(radius for _, radius in check_filters("grow", grow))
    job = functools.partial(_kept_now, rules, tuple(bands), grow, backend)
    if not is_lazy(*bands.values()):
        return job(*bands.values())
    # Rules are checked on one pixel of lazy bands, before any work.
    one = {name: np.zeros((1,) * band.ndim, band.dtype) for name, band in bands.items()}
    _kept_now(rules, tuple(one), grow, "numpy", *one.values())
    return grown_lazily(job, [as_lazy(band) for band in bands.values()], depth)


def _kept_now(rules: list[Any], names: tuple[str, ...], grow: Any, backend: str | None, *bands: Any) -> Any:
    """Return a bool array, True where all rules match."""
    return mask_from_rules(rules, dict(zip(names, bands, strict=True)), grow=grow, backend=backend)


def grown_lazily(job: Any, arrays: list[Any], depth: int) -> Any:
    """Return a dask array of what a job makes of (…, row, col) arrays. Pixels up to `depth` away matter.

    Its chunks are those of the first array. Chunks smaller than the depth are joined.
    """
    from dask.base import tokenize
    from dask.highlevelgraph import HighLevelGraph

    lead, shape = arrays[0].chunks[:-2], arrays[0].shape[-2:]
    arrays = [array.rechunk(dict(enumerate(lead))) for array in arrays]
    starts = [starts_of(array) for array in arrays]
    ends = [_at_least(sizes, max(depth, 1)) for sizes in arrays[0].chunks[-2:]]
    name = f"gpumask-kept-{tokenize(job, arrays, depth)}"
    tasks: dict[Any, Any] = {}
    for i, j in np.ndindex(*map(len, ends)):
        own = Window(sum(ends[0][:i]), sum(ends[1][:j]), ends[0][i], ends[1][j])
        wide = own.pad(depth).intersect(Window.of_shape(shape))
        blocks = [Blocks.numbered(numbers_over(wide, at), at) for at in starts]
        work = functools.partial(_grown, job, own, wide, blocks)
        for number in np.ndindex(*map(len, lead)):
            tasks[name, *number, i, j] = (
                work,
                [[(array.name, *number, *at) for at in of.numbers] for array, of in zip(arrays, blocks, strict=True)],
            )
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=arrays)
    return array_of(
        graph, name, (*lead, *map(tuple, ends)), np.empty((0,) * arrays[0].ndim, bool, like=arrays[0]._meta)
    )


def _at_least(sizes: tuple[int, ...], least: int) -> list[int]:
    """Return the sizes of chunks, with neighbours joined until they reach that size."""
    found = [0]
    for size in sizes:
        if found[-1] >= least:
            found.append(size)
        else:
            found[-1] += size
    if len(found) > 1 and found[-1] < least:
        last = found.pop()
        found[-1] += last
    return found


def _grown(job: Any, own: Window, wide: Window, blocks: list[Blocks], arrays: list[list[Any]]) -> Any:
    """Return a window of what a job makes of a larger one."""
    made = job(*(of.read(some, wide) for of, some in zip(blocks, arrays, strict=True)))
    return made[..., *own.shift(-wide.row, -wide.col).slices]
