"""The values of a validity, the protocol of what gives one, and the AND of several."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any, Protocol

from gpumask.backends.backend import Backend
from gpumask.pixels.window import Window


class Validity(enum.IntEnum):
    """The values of a validity array.

    Attributes
    ----------
    INVALID
        0, an invalid pixel.
    VALID
        1, a valid pixel.
    """

    INVALID = 0
    VALID = 1


class Mask(Protocol):
    """A mask: it says which pixels of a window are valid."""

    @property
    def margin(self) -> int:
        """How many pixels around a window affect it."""

    def validity(self, window: Window, backend: Backend) -> Any:
        """Return a uint8 (row, col) validity of a window of pixels, in the backend's memory."""


def all_of(validities: Iterable[Any]) -> Any:
    """Return the AND of validities of one shape and memory, written into the first. Return None for no validities."""
    valid = None
    for found in validities:
        if valid is None:
            valid = found
        else:
            valid &= found
    return valid
