"""Checks of arguments: pairs of whole numbers, and shapes."""

from __future__ import annotations

from typing import Any

from gpumask.errors import GpumaskError


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
