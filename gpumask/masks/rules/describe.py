"""Flags described: how many pixels have each value, and which flags no rule can ask for."""

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
    """How many pixels have a value of a flag.

    Attributes
    ----------
    flag
        The name of the flag.
    value
        The value. None stands for all values that have no label of their own.
    label
        The label of the value. None means that the definition has no label for it.
    pixels
        The number of pixels.
    """

    flag: str
    value: int | None
    label: Any
    pixels: int


def describe_flags(band: Any, flags_definition: Any) -> list[FlagCount]:
    """Count the pixels of each value of each flag: the defined values, and others that occur.

    Parameters
    ----------
    band
        An array of any shape. It holds bool, integers, or floats that are whole numbers or NaN.
    flags_definition
        A flag definition. See `MaskRule.from_config`.

    Returns
    -------
    list of FlagCount
        A count for each value. A value is that of the flag's bits, counted from its lowest bit, or that of whole
        pixels. A pixel is not counted where a flag says nothing of it, nor is NaN. A flag that can't be asked for is
        left out, and `flag_problems` says why.

    Raises
    ------
    MaskRuleError
        If no flag can be asked for, or a float is not a whole number.

    Examples
    --------
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
    """Say which flags and labels of a definition no rule can ask for, and why.

    Parameters
    ----------
    flags_definition
        A flag definition. See `MaskRule.from_config`.
    dtype
        The dtype of a band, which may lack bits of a flag. None stands for a band that has all bits.

    Returns
    -------
    dict
        A list of reasons for each name of a flag that has problems.

    Raises
    ------
    MaskRuleError
        If there is no such definition, or nothing in it can be asked for.

    Examples
    --------
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
    """Say why a flag can't be asked for in a band of a dtype. Return an empty text if it can be."""
    lacks = flag.lacks(1 if dtype.kind == "b" else 8 * dtype.itemsize)
    return flag.problem or (f"expected {lacks}; got {dtype}" if lacks else "")


def _counted(flag: Flag, values: np.ndarray, counts: np.ndarray) -> list[FlagCount]:
    """Return how many pixels have each value of a flag, from whole pixels and how many have each."""
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
    """Return the values of a band of integers, in native byte order, and how many pixels have each.

    The pixels are counted where the band is. The counts come to host memory.
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
