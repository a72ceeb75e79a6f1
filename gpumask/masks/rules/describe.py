"""Flags described: how many pixels have which, and what of a definition no rule can ask for."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gpumask.backends import adopt, select
from gpumask.errors import MaskRuleError, renamed
from gpumask.masks.rules.bit_test import BitTest
from gpumask.masks.rules.evaluate import as_tested, native_order
from gpumask.masks.rules.flags import Flag, flags_of
from gpumask.masks.rules.rule import MaskRule
from gpumask.masks.rules.table import pixel_type


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
        pixels, known = as_tested(select(None, band), tested, native_order(band))
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
