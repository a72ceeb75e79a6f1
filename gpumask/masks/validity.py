"""Validity: what it holds, what says it, and the AND of several."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any, Protocol

from gpumask.backends.backend import Backend
from gpumask.pixels.window import Window


class Validity(enum.IntEnum):
    """What a validity holds."""

    INVALID = 0
    VALID = 1


class Mask(Protocol):
    """Something that says what is valid."""

    @property
    def margin(self) -> int:
        """How many pixels around a window have a say in it."""

    def validity(self, window: Window, backend: Backend) -> Any:
        """Return a uint8 (row, col) validity of a window of pixels, in the backend's memory."""


def all_of(validities: Iterable[Any]) -> Any:
    """Return the AND of validities of one shape and memory, in the first of them; None where there are none."""
    valid = None
    for found in validities:
        if valid is None:
            valid = found
        else:
            valid &= found
    return valid
