"""Checks of arguments: numbers, whole numbers, pairs and shapes."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from gpumask.errors import ArgumentTypeError, GpumaskError


def is_number(given: Any) -> bool:
    """Say whether this is a number of Python or NumPy. A truth value is no number."""
    return isinstance(given, int | float | np.number) and not isinstance(given, bool)


def whole_numbers(name: str, given: Any) -> tuple[int, ...]:
    """Return at least one whole number, all as ints. Errors call the argument `name`."""
    try:
        found = tuple(operator.index(number) for number in given)
    except TypeError as error:
        raise ArgumentTypeError(f"{name}: expected a list of whole numbers; got {given!r}") from error
    if not found:
        raise GpumaskError(f"{name}: expected at least one whole number; got none")
    return found


def positive_pair(name: str, given: Any) -> tuple[int, int]:
    """Return two whole numbers from 1 on as ints. Errors call the argument `name`."""
    found = whole_numbers(name, given)
    if len(found) != 2 or min(found) < 1:
        raise GpumaskError(f"{name}: expected two whole numbers from 1 on; got {given!r}")
    return found[0], found[1]


def whole_pair(given: Any) -> tuple[int, int] | None:
    """Return two whole numbers, of any type, as ints. Return None for anything else."""
    try:
        rows, cols = given
        return (int(rows), int(cols)) if int(rows) == rows and int(cols) == cols else None
    except (TypeError, ValueError, OverflowError):
        return None


def check_shape(name: str, shape: Any) -> tuple[int, int]:
    """Return (rows, cols) as ints of at least 1."""
    found = whole_pair(shape)
    if found is None or min(found) < 1:
        raise GpumaskError(f"{name}: expected (rows, cols), whole numbers from 1 on; got {shape!r}")
    return found
