"""What of a kernel's arguments is known before it is compiled, for compilers that make less code of it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gpumask.backends.backend import Backend

# Defines that follow from the arguments. Where they are missing a kernel finds out by itself.
FACTS = frozenset({"INDEX", "FULL", "PLAIN_NODES", "POWERS_OF_TWO", "HAS_FOOTPRINT", "PLAIN_EDGES"})

_LEAST_TOO_LARGE = 1 << 29  # of a size or a place: the sum of two still has 32 bits
_LEAST_TOO_MANY = 1 << 31  # elements from an array's first to its last


def launch(backend: Backend, kernel: str, shape: tuple[int, int], *args: Any, **defines: Any) -> None:
    """Run a kernel, with 32-bit sizes and offsets where all of them fit; see `Backend.run`.

    A number of 64 bits that is neither a size nor an offset is given as an `np.int64`.
    """
    fits = all(_fits(value) for value in (*shape, *args))
    backend.run(kernel, shape, *args, **defines, INDEX=np.dtype(np.int32 if fits else np.int64))


def without_facts(defines: dict[str, Any]) -> dict[str, Any]:
    """Return the defines that a kernel can't do without."""
    return {name: value for name, value in defines.items() if name not in FACTS}


def _fits(value: Any) -> bool:
    """Say whether a size, or every offset in an array, fits in 32 bits."""
    if isinstance(value, int):
        return -_LEAST_TOO_LARGE < value < _LEAST_TOO_LARGE
    if value is None or isinstance(value, float | np.generic):
        return True
    return sum((n - 1) * abs(step) for n, step in zip(value.shape, value.strides, strict=True)) < (
        _LEAST_TOO_MANY * value.itemsize
    )


@functools.cache
def division_by_steps(steps: tuple[int, int]) -> tuple[Any, ...]:
    """Return what kernels divide by the steps of a grid with, and by their product, the area of a cell.

    For each step a magic number and a shift: n // step == (2 * n * magic >> 32) >> shift for n < 2**31 (Granlund and
    Montgomery 1994). The area, and 1 / area in two parts: a / area rounded once is fma(a, high, a * low) for areas
    below 2**50; see kernels/target.cuh. For whole n, -2**62 < n < 2**62, and areas from 2 to 2**16: a magic number, a
    shift and a multiple, with n // area == (((n + less * area) * magic >> 64) >> shift) - less. The magic number of a
    power of two is 0, and n // area == n >> shift + 1.
    """
    from fractions import Fraction  # which takes a while to load

    magics: list[np.int64] = []
    for step in steps:
        shift = (step - 1).bit_length()
        magics += [np.int64(-(-(1 << 31 + shift) // step)), np.int64(shift)]
    area = steps[0] * steps[1]
    high = 1.0 / area
    low = float(Fraction(1, area) - Fraction(high))
    shift = max((area - 1).bit_length() - 1, 0)
    magic = 0 if area & area - 1 == 0 else -(-(1 << 64 + shift) // area) - (1 << 64)  # as int64
    less = -(-(1 << 62) // area)
    return *magics, area, high, low, np.int64(magic), np.int64(shift), np.int64(less)
