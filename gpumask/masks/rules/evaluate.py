"""Mask rules evaluated on one band, by the kernel."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpumask.backends import adopt, select
from gpumask.backends.arguments import Out, pitch_of
from gpumask.backends.backend import Backend
from gpumask.backends.launch import launch
from gpumask.backends.table import Table
from gpumask.errors import MaskRuleError
from gpumask.masks.rules.bit_test import RuleTests
from gpumask.masks.rules.table import compile_table, pixel_type

# An array without rows is cut into rows of so many columns, so that threads share it. Rows shorter than _SHORT cost
# more than their pixels.
_COLUMNS, _SHORT = 1 << 14, 1 << 8


@dataclass(frozen=True, eq=False)
class CompiledRules:
    """Rules about one band, compiled for its dtype.

    `dtype` is that of the pixels as they are tested. `count` and `table` are what kernels/rules.cu reads.
    """

    rules: tuple[RuleTests, ...]
    dtype: np.dtype[Any]
    count: int
    table: Table

    @classmethod
    def of(cls, rules: Sequence[RuleTests], dtype: np.dtype[Any]) -> CompiledRules:
        """Compile rules for a band of a dtype. Raise MaskRuleError, naming the flag, if the band lacks its bits."""
        tested = pixel_type(rules, _native_type(dtype))
        count, numbers = compile_table(rules, tested)
        return cls(tuple(rules), tested, count, _table(tuple(numbers), "float64" if tested.kind == "f" else "int64"))

    def evaluate(self, backend: Backend, band: Any, keep: Any = None) -> Any:
        """Return uint8 in the backend's memory, 1 where a band matches every rule.

        With `keep`, a pixel must also be 1 there. The result is then written into it.
        """
        band, known = as_tested(backend, self.rules, native_order(band))
        pixels = backend.asarray(_two_axes(band))
        if band.dtype.kind == "b":
            pixels = pixels.view(np.uint8)
        out = backend.empty(pixels.shape, np.uint8) if keep is None else keep.reshape(pixels.shape)
        if out.size:
            launch(
                backend, "rules", out.shape,
                pixels, pitch_of(pixels), backend.table(self.table), self.count, int(keep is not None), Out.of(out),
                SRC_T=pixels.dtype, BITS_T=np.dtype(f"u{pixels.itemsize}"), TABLE_T=self.table.host.dtype,
            )  # fmt: skip
        if known is not None:
            out &= known.reshape(out.shape).view(np.uint8)
        return out.reshape(band.shape)


def matched(rules: Sequence[RuleTests], band: Any, backend: str | None = None) -> Any:
    """Return where a band matches every rule, as bool of the band's shape and array family.

    The names of bands in the rules don't matter.
    """
    band = adopt("band", band)
    chosen = select(backend, band)
    return chosen.to_family_of(band, evaluate(chosen, rules, band)).view(bool)


def evaluate(backend: Backend, rules: Sequence[RuleTests], band: Any, keep: Any = None) -> Any:
    """Return uint8 in the backend's memory, 1 where a band matches every rule. See `CompiledRules.evaluate`."""
    return CompiledRules.of(rules, band.dtype).evaluate(backend, band, keep)


def native_order(band: Any) -> Any:
    """Return an array in native byte order, with floats of a type that the kernels take."""
    return band.astype(_native_type(band.dtype), copy=False)


def _native_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return a dtype in native byte order. A float dtype becomes one that the kernels take."""
    dtype = dtype.newbyteorder("=")
    if dtype == np.float16 or dtype.itemsize > 8:
        return np.dtype(np.float32 if dtype == np.float16 else np.float64)
    return dtype


def as_tested(backend: Backend, rules: Sequence[RuleTests], band: Any) -> tuple[Any, Any]:
    """Return a band as the rules test it, and where it may match. It does not match where it is NaN.

    None in place of the second means that it may match anywhere. Floats become whole numbers if a rule asks for their
    flags. Raise MaskRuleError if they are not whole.
    """
    if band.dtype.kind != "f" or not rules:
        return band, None
    dtype = pixel_type(rules, band.dtype)
    if dtype == band.dtype and not any(rule.inverted for rule in rules):
        return band, None
    band = backend.asarray(_two_axes(band)).reshape(band.shape)
    known = band == band  # noqa: PLR0124  # NaN does not equal itself
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
    """Say which floats are not whole numbers of 64 bits. What it says of NaN does not count."""
    wrong = (np.trunc(band) != band) | (band < -(2.0**63)) | (band >= 2.0**63)
    if band.dtype == np.float32:
        # A GPU may take the smallest numbers for 0. Their bits tell them from 0.
        size = band.view(np.uint32) & np.uint32(0x7FFFFFFF)
        wrong |= (size > 0) & (size < np.uint32(0x00800000))
    return wrong


@functools.lru_cache(maxsize=64)
def _table(numbers: tuple[Any, ...], dtype: str) -> Table:
    """Return rules as the kernel reads them."""
    return Table(np.array(numbers, dtype))


def _two_axes(band: Any) -> Any:
    """Return an array of any shape with two axes, and without short rows if possible."""
    if band.ndim == 2:
        return band
    if band.ndim > 2 and band.size and band.shape[-1] >= _SHORT:
        return band.reshape(-1, band.shape[-1])
    columns = math.gcd(band.size, _COLUMNS)
    return band.reshape(-1, columns) if columns >= _SHORT else band.reshape(1, -1)
