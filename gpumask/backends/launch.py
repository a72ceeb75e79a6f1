"""What of a kernel's arguments is known before it is compiled, for compilers that make less code of it."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from gpumask.backends.arguments import Divisions, flat

if TYPE_CHECKING:
    from gpumask.backends.backend import Backend

# Defines that follow from the arguments. Where they are missing a kernel finds out by itself.
FACTS = frozenset({"INDEX", "FULL", "PLAIN_NODES", "POWERS_OF_TWO", "HAS_FOOTPRINT", "PLAIN_EDGES"})

_LEAST_TOO_LARGE = 1 << 29  # of a size or a place: the sum of two still has 32 bits
_LEAST_TOO_MANY = 1 << 31  # elements from an array's first to its last
_NO_SIZES = (float, np.generic)


def launch(backend: Backend, kernel: str, shape: tuple[int, int], *args: Any, **defines: Any) -> None:
    """Run a kernel, with 32-bit sizes and offsets where all of them fit. See `Backend.run`.

    A number of 64 bits that is neither a size nor an offset is given as an `np.int64`.
    """
    fits = _fit(shape) and _fit(args)
    given = args if backend.takes_structures else flat(args)
    backend.run(kernel, shape, *given, **defines, INDEX=np.dtype(np.int32 if fits else np.int64))


def without_facts(defines: dict[str, Any]) -> dict[str, Any]:
    """Return the defines that a kernel can't do without."""
    return {name: value for name, value in defines.items() if name not in FACTS}


def _fit(values: Iterable[Any]) -> bool:
    """Say whether all sizes, and all offsets in arrays, fit in 32 bits, also those in structures."""
    for value in values:
        if isinstance(value, int):
            fits = -_LEAST_TOO_LARGE < value < _LEAST_TOO_LARGE
        elif value is None or isinstance(value, _NO_SIZES):
            continue
        else:
            fits = _fit(value) if isinstance(value, tuple) else _last_offset(value) < _LEAST_TOO_MANY
        if not fits:
            return False
    return True


def _last_offset(array: Any) -> int:
    """Return how many elements an array's last lies from its first, or more."""
    last = 0
    for n, step in zip(array.shape, array.strides, strict=True):
        last += (n - 1) * abs(step)
    return last // array.itemsize


@functools.cache
def division_by_steps(steps: tuple[int, int]) -> Divisions:
    """Return what kernels divide by the steps of a grid with, and by their product, the area of a cell.

    For each step a magic number and a shift: n // step == (2 * n * magic >> 32) >> shift for n < 2**31 (Granlund and
    Montgomery 1994). The area, and 1 / area in two parts: a / area rounded once is fma(a, high, a * low) for areas
    below 2**50. See kernels/target.cuh. For whole n, -2**62 < n < 2**62, and areas from 2 to 2**16: a magic number, a
    shift and a multiple, with n // area == (((n + less * area) * magic >> 64) >> shift) - less. The magic number of a
    power of two is 0, and n // area == n >> shift + 1.
    """
    from fractions import Fraction  # which takes a while to load

    (row_magic, row_shift), (col_magic, col_shift) = map(_magic, steps)
    area = steps[0] * steps[1]
    high = 1.0 / area
    low = float(Fraction(1, area) - Fraction(high))
    shift = max((area - 1).bit_length() - 1, 0)
    magic = 0 if area & area - 1 == 0 else -(-(1 << 64 + shift) // area) - (1 << 64)  # as int64
    less = -(-(1 << 62) // area)
    whole = np.int64(magic), np.int64(shift), np.int64(less)
    return Divisions(row_magic, row_shift, col_magic, col_shift, area, high, low, *whole)


def _magic(step: int) -> tuple[np.int64, np.int64]:
    """Return the magic number and the shift of a step. See `division_by_steps`."""
    shift = (step - 1).bit_length()
    return np.int64(-(-(1 << 31 + shift) // step)), np.int64(shift)
