"""Quality bands to masks: rules applied to arrays, each band read once."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gpumask.backends import Backend, adopt, select
from gpumask.backends.launch import launch
from gpumask.backends.table import Table
from gpumask.cleanup import check_filters, cleaned
from gpumask.errors import MaskRuleError, renamed
from gpumask.flag import Flag
from gpumask.flags import flags_of
from gpumask.mask import all_of
from gpumask.rules import BitTest, MaskRule, compile_table, pixel_type

# Columns of what an array without rows is taken as, so that threads share it; shorter rows cost more than pixels.
_COLUMNS, _SHORT = 1 << 14, 1 << 8


def mask_from_rules(
    rules: Iterable[Any],
    bands: Mapping[str, Any],
    flags_definitions: Any = None,
    grow: Any = None,
    backend: str | None = None,
) -> Any:
    """Say which pixels to keep: those that match every rule.

    rules: MaskRules, or mappings as `MaskRule.from_config` takes them; each names its band. None at all keeps all.
    bands: quality bands by their names, arrays of one shape, of bool, integers or floats. Signed integers are taken by
        their bits, and nothing is special about nodata. NaN matches no rule, not even an inverted one. The flags of
        floats are those of whole numbers.
    flags_definitions: for rules that are mappings, a definition for all of them, or {band: definition}.
    grow: how to grow what is not kept: a radius in pixels, or filters as `mask_cleanup` takes them.

    Returns bool, True is keep, of the bands' shape and in their array family.
    Raises MaskRuleError for a rule that can't be right, for a band that is missing or lacks a flag's bits, and for one
    of floats whose flags are asked for, but that has a value that is no whole number.

    >>> rules = [{"band": "qa", "flags": {"cloud": False}}, {"band": "qa", "values": [1], "invert": True}]
    >>> mask_from_rules(rules, {"qa": np.array([0, 1, 2], np.uint8)}, "hls_fmask")
    array([ True, False, False])
    """
    asked = by_band(as_rules("rules", rules, flags_definitions))
    arrays = of_one_shape(bands, asked)
    like = next(iter(arrays.values()))
    filters = [] if grow is None else check_filters("grow", grow)
    if filters and like.ndim < 2:
        raise MaskRuleError(f"grow: expected bands with rows and columns; got shape {like.shape}")
    for name, of_band in asked.items():
        compile_table(of_band, arrays[name].dtype)
    chosen = select(backend, *arrays.values())
    keep = None
    for name, of_band in asked.items():
        keep = evaluate(chosen, of_band, arrays[name], keep)
    if keep is None:
        keep = chosen.full(like.shape, 1, np.uint8)
    if filters:
        keep = cleaned(chosen, keep ^ 1, filters) ^ 1
    return chosen.to_family_of(like, keep).view(bool)


def validity_of(backend: Backend, rules: Sequence[MaskRule], quality: Mapping[str, Any], shape: tuple[int, int]) -> Any:
    """Return uint8 of a (row, col) shape, 1 where quality bands match every rule, in the backend's memory.

    quality: (row, col) bands by their names: of this shape, or coarser by whole factors, when each of their pixels
        stands for a block of it.
    """
    valid = all_of(
        blocks_of(evaluate(backend, asked, quality[name]), factors_of(name, quality[name].shape, shape))[
            : shape[0], : shape[1]
        ]
        for name, asked in by_band(rules).items()
    )
    return backend.full(shape, 1, np.uint8) if valid is None else valid


def factors_of(name: str, coarse: tuple[int, ...], shape: tuple[int, int]) -> tuple[int, int]:
    """Return how many rows and columns a pixel of a quality band stands for; the last one's may be fewer.

    Raises MaskRuleError where no whole factors make such a shape, or several do and none of them divides it.
    """
    expected = f"quality: expected {name!r} of shape {shape}, as the source's, or coarser by whole factors"
    if len(coarse) != 2 or 0 in coarse:
        raise MaskRuleError(f"{expected}; got {coarse}")
    factors = []
    for size, part in zip(shape, coarse, strict=True):
        fitting = range(-(-size // part), size + 1 if part == 1 else -(-size // (part - 1)))
        if not fitting:
            raise MaskRuleError(f"{expected}; got {coarse}")
        if size % part and len(fitting) > 1:
            raise MaskRuleError(
                f"{expected} that its shape tells; got {coarse}, where {size} pixels may come from blocks of "
                f"{fitting[0]} to {fitting[-1]} (repeat its pixels, as numpy.repeat does)"
            )
        factors.append(fitting[0])
    return factors[0], factors[1]


def blocks_of(coarse: Any, factors: Sequence[int]) -> Any:
    """Return an array with a block of pixels for each of its own, in the same memory. factors: of each axis."""
    for axis, factor in enumerate(factors):
        coarse = coarse if factor == 1 else np.repeat(coarse, factor, axis=axis)
    return coarse


def check_quality(rules: Any, quality: Any, shape: tuple[int, int]) -> tuple[list[MaskRule], dict[str, Any]]:
    """Return rules, and quality bands as arrays; raise MaskRuleError unless these are there and fit."""
    if rules is None or quality is None:
        if rules is not quality:
            missing, given = ("keep", "quality") if rules is None else ("quality", "keep")
            raise MaskRuleError(f"{missing}: expected along with {given}; got None")
        return [], {}
    checked = as_rules("keep", rules, None)
    if not isinstance(quality, Mapping):
        raise MaskRuleError(f"quality: expected a mapping of names to arrays; got {type(quality).__name__}")
    asked = by_band(checked)
    check_named("quality", asked, quality)
    arrays = {name: adopt(f"quality[{name!r}]", quality[name]) for name in asked}
    for name, of_band in asked.items():
        factors_of(name, arrays[name].shape, shape)
        compile_table(of_band, arrays[name].dtype)
    return checked, arrays


def by_band(rules: Iterable[MaskRule]) -> dict[str, list[MaskRule]]:
    """Return rules by the names of their bands."""
    found: dict[str, list[MaskRule]] = {}
    for rule in rules:
        found.setdefault(str(rule.band), []).append(rule)
    return found


def check_named(name: str, wanted: Iterable[str], bands: Mapping[str, Any]) -> None:
    """Raise MaskRuleError unless the bands are there that rules name."""
    for band in wanted:
        if band not in bands:
            came = ", ".join(map(repr, bands)) or "none"
            raise MaskRuleError(f"{name}: expected {band!r}, which a rule names; got {came}")


def matched(rules: Sequence[MaskRule], band: Any, backend: str | None = None) -> Any:
    """Return where a band matches every rule, whatever band they name: bool, of its shape and array family."""
    band = adopt("band", band)
    chosen = select(backend, band)
    return chosen.to_family_of(band, evaluate(chosen, rules, band)).view(bool)


class FlagCount(NamedTuple):
    """How many pixels have a value of a flag; label None: the definition has none for it.

    value None: all values that have no label of their own.
    """

    flag: str
    value: int | None
    label: Any
    pixels: int


def describe_flags(band: Any, flags_definition: Any) -> list[FlagCount]:
    """Count the pixels of each value of each flag: those that are defined, and others that occur.

    band: bool, integers, or floats that are whole numbers or NaN, of any shape. flags_definition: see
    `MaskRule.from_config`. The values are those of a flag's bits, counted from its lowest, or of whole pixels.

    A pixel of which a flag says nothing is not counted there, nor is NaN. A flag that can't be asked for is left out:
    `flag_problems` says why. Raises MaskRuleError where that leaves none, and for numbers that are not whole.

    >>> describe_flags(np.array([0, 2, 2], np.uint8), {"cloud": {"bits": 1, "values": {0: "no", 1: "yes"}}})
    [FlagCount(flag='cloud', value=0, label='no', pixels=1), FlagCount(flag='cloud', value=1, label='yes', pixels=2)]
    """
    band, flags = adopt("band", band), flags_of(flags_definition)
    tested = [MaskRule(None, (BitTest(flag, ()),)) for flag in flags.values()]
    dtype = pixel_type(tested, band.dtype)
    problems = [_problem(flag, dtype) for flag in flags.values()]
    if all(problems):
        raise MaskRuleError(f"band: {problems[0]}")
    with renamed({"flags": "band"}):
        pixels, known = _as_tested(select(None, band), tested, _native(band))
    values, counts = _histogram(pixels if known is None else pixels[known])
    return [
        row
        for flag, problem in zip(flags.values(), problems, strict=True)
        if not problem
        for row in _counted(flag, values, counts)
    ]


def flag_problems(flags_definition: Any, dtype: Any = None) -> dict[str, list[str]]:
    """Say what of a definition no rule can ask for, and why: reasons by the names of flags.

    dtype: of a band, which may lack bits of a flag; None: a band that has all.

    >>> flag_problems({"haze": {"bits": 9, "values": {"0": False, "1": True}}}, "uint8")
    {'haze': ['expected a band with bit 9 of uint16 for haze; got uint8']}
    """
    kind = None if dtype is None else np.dtype(dtype)
    found: dict[str, list[str]] = {}
    for name, flag in flags_of(flags_definition).items():
        problem = _problem(flag, np.dtype(np.int64) if kind is None or kind.kind == "f" else kind)
        reasons = [problem] if problem else list(dict.fromkeys(reason for _, reason in flag.refused))
        found |= {str(name): reasons} if reasons else {}
    return found


def _problem(flag: Flag, dtype: np.dtype[Any]) -> str:
    """Say why a flag can't be asked for of a band of a dtype; nothing where it can be."""
    lacks = flag.lacks(1 if dtype.kind == "b" else 8 * dtype.itemsize)
    return flag.problem or (f"expected {lacks}; got {dtype}" if lacks else "")


def _counted(flag: Flag, values: np.ndarray, counts: np.ndarray) -> list[FlagCount]:
    """Return how many pixels have which value of a flag; values: of whole pixels, and how many have each."""
    for pixel in flag.silent:
        counts = counts[values != pixel]
        values = values[values != pixel]
    flag = flag.of_width(8 * values.itemsize)
    if flag.bits is not None:
        values = values.view(f"u{values.itemsize}") & np.array(flag.bits, f"u{values.itemsize}")
    under, place = np.unique(values, return_inverse=True)
    totals = np.zeros(under.size, np.int64)
    np.add.at(totals, place.ravel(), counts)
    pixels, others = dict.fromkeys((value for value, _ in flag.values), 0), []
    pixels |= dict(zip(under.tolist(), totals.tolist(), strict=True))
    labels = dict(reversed(flag.values))
    if flag.others:
        rest = sum(pixels.pop(value) for value in list(pixels) if value not in labels)
        others = [FlagCount(flag.name, None, flag.others[0], rest)]
    found = [FlagCount(flag.name, value >> flag.lowest, labels.get(value), pixels[value]) for value in sorted(pixels)]
    return found + others


def _histogram(band: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the values that a band of integers has, in native bytes, and how many pixels have each.

    They are counted where the band is, and come to host memory.
    """
    band = band.view(np.uint8) if band.dtype.kind == "b" else band
    bits = band.view(f"u{band.dtype.itemsize}").ravel()
    backend, host = select(None, band), np.empty(0)
    if bits.dtype.itemsize > 2:
        values, counts = np.unique(bits, return_counts=True)
        return backend.to_family_of(host, values).view(band.dtype), backend.to_family_of(host, counts)
    counts = backend.to_family_of(host, np.bincount(bits))
    values = np.flatnonzero(counts)
    return values.astype(bits.dtype).view(band.dtype), counts[values]


def as_rules(name: str, rules: Any, flags_definitions: Any, band: str | None = None) -> list[MaskRule]:
    """Return rules of both kinds as MaskRules that name a band.

    name: of the argument, for errors. band: the name of those that have none.
    """
    if isinstance(rules, str | bytes) or not isinstance(rules, Iterable | MaskRule):
        raise MaskRuleError(f"{name}: expected MaskRules, or mappings that describe them; got {rules!r}")
    found = []
    for number, given in enumerate([rules] if isinstance(rules, Mapping | MaskRule) else rules):
        if isinstance(given, Mapping):
            rule = MaskRule.from_config(given, definition_for(given.get("band", band), flags_definitions))
        elif isinstance(given, MaskRule):
            rule = given
        else:
            raise MaskRuleError(
                f"{name}[{number}]: expected a MaskRule, or a mapping that describes one; got {given!r}"
            )
        if rule.band is None and band is None:
            raise MaskRuleError(f"{name}[{number}]: expected the name of its band; got none")
        found.append(dataclasses.replace(rule, band=rule.band or band))
    return found


def definition_for(band: Any, definitions: Any) -> Any:
    """Return the definition of a band's flags, out of one for all or of one for each band."""
    if isinstance(definitions, Mapping) and isinstance(band, str) and band in definitions:
        entry = definitions[band]
        is_flag = isinstance(entry, Mapping) and "bits" in entry and not isinstance(entry["bits"], Mapping)
        if not is_flag:
            return entry
    return definitions


def of_one_shape(bands: Any, wanted: Iterable[str]) -> dict[str, Any]:
    """Return the bands as arrays; raise MaskRuleError unless all are there that are wanted, of one shape."""
    if not isinstance(bands, Mapping) or not bands:
        raise MaskRuleError(f"bands: expected a mapping of names to arrays, not empty; got {bands!r}")
    arrays = {name: adopt(f"bands[{name!r}]", band) for name, band in bands.items()}
    check_named("bands", wanted, arrays)
    shapes = {name: band.shape for name, band in arrays.items()}
    if len(set(shapes.values())) > 1:
        raise MaskRuleError(f"bands: expected one shape; got {shapes}")
    return arrays


def evaluate(backend: Backend, rules: Sequence[MaskRule], band: Any, keep: Any = None) -> Any:
    """Return uint8 in the backend's memory, 1 where a band matches every rule, and where `keep` is 1 if it is given."""
    band, known = _as_tested(backend, rules, _native(band))
    count, found = compile_table(rules, band.dtype)
    table = _table(tuple(found), "float64" if band.dtype.kind == "f" else "int64")
    pixels = backend.asarray(_two_axes(band))
    if band.dtype.kind == "b":
        pixels = pixels.view(np.uint8)
    out = backend.empty(pixels.shape, np.uint8) if keep is None else keep.reshape(pixels.shape)
    if out.size:
        launch(
            backend, "rules", out.shape,
            pixels, pixels.strides[0] // pixels.itemsize, backend.table(table), count, int(keep is not None),
            out, out.strides[0],
            SRC_T=pixels.dtype, BITS_T=np.dtype(f"u{pixels.itemsize}"), TABLE_T=table.host.dtype,
        )  # fmt: skip
    if known is not None:
        out &= known.reshape(out.shape).view(np.uint8)
    return out.reshape(band.shape)


def _native(band: Any) -> Any:
    """Return an array in native byte order, floats of a type that kernels take."""
    dtype = band.dtype.newbyteorder("=")
    if dtype == np.float16 or dtype.itemsize > 8:
        dtype = np.dtype(np.float32 if dtype == np.float16 else np.float64)
    return band.astype(dtype, copy=False)


def _as_tested(backend: Backend, rules: Sequence[MaskRule], band: Any) -> tuple[Any, Any]:
    """Return a band as rules test it, and where it may match: not where it is NaN; None: anywhere.

    Floats whose flags are asked for become the whole numbers that they are. Raises MaskRuleError where they are none.
    """
    if band.dtype.kind != "f" or not rules:
        return band, None
    dtype = pixel_type(rules, band.dtype)
    if dtype == band.dtype and not any(rule.inverted for rule in rules):
        return band, None
    band = backend.asarray(_two_axes(band)).reshape(band.shape)
    known = band == band  # noqa: PLR0124  # NaN does not
    if dtype == band.dtype:
        return band, known
    wrong = known & _is_not_whole(band)
    if wrong.any():
        names = dict.fromkeys(test.flag.name for rule in rules for test in rule.tests if test.flag)
        of_band = f" of the band {rules[0].band!r}" if rules[0].band is not None else ""
        raise MaskRuleError(
            f"flags: expected whole numbers of 64 bits, or NaN{of_band}, for {', '.join(names)}; "
            f"got {float(band[wrong].ravel()[0])}"
        )
    return np.where(known, band, 0).astype(dtype), known


def _is_not_whole(band: Any) -> Any:
    """Say which floats are no whole numbers that 64 bits hold; what it says of NaN does not count."""
    wrong = (np.trunc(band) != band) | (band < -(2.0**63)) | (band >= 2.0**63)
    if band.dtype == np.float32:
        # A GPU may take the smallest numbers for 0: they are told by their bits.
        size = band.view(np.uint32) & np.uint32(0x7FFFFFFF)
        wrong |= (size > 0) & (size < np.uint32(0x00800000))
    return wrong


@functools.lru_cache(maxsize=64)
def _table(numbers: tuple[Any, ...], dtype: str) -> Table:
    """Return rules as kernels read them."""
    return Table(np.array(numbers, dtype))


def _two_axes(band: Any) -> Any:
    """Return an array of any number of axes with two, and rows that are not short where that can be had."""
    if band.ndim == 2:
        return band
    if band.ndim > 2 and band.size and band.shape[-1] >= _SHORT:
        return band.reshape(-1, band.shape[-1])
    columns = math.gcd(band.size, _COLUMNS)
    return band.reshape(-1, columns) if columns >= _SHORT else band.reshape(1, -1)
