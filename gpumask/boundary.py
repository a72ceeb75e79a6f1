"""What lies beyond the edges of a source: nothing, or its own pixels again, by the modes of `numpy.pad`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gpumask.errors import ArgumentTypeError, GpumaskError

# As kernels/boundary.cuh numbers them.
MODES = {"constant": 0, "edge": 1, "reflect": 2, "symmetric": 3, "wrap": 4}


@dataclass(frozen=True)
class Boundary:
    """How a source goes on beyond its edges.

    mode: as in numpy.pad; "constant" is 0; None: with nothing. trusted: whether what is there counts as valid as the
    pixel that it comes from, rather than being there for the filters of B-splines alone.
    """

    mode: str | None = None
    trusted: bool = True

    @property
    def number(self) -> int:
        """The kernels' number of the mode."""
        return MODES[self.mode or "constant"]

    @property
    def counts(self) -> bool:
        """Whether pixels beyond the edges may be valid."""
        return self.mode is not None and self.trusted


def check_boundary(name: str, mode: Any, trusted: Any = True) -> Boundary:
    """Return a boundary; raise GpumaskError, calling it `name`, for an unknown mode."""
    if mode is not None and not isinstance(mode, str):
        raise ArgumentTypeError(f"{name}: expected one of {', '.join(MODES)}, or None; got {mode!r}")
    if mode is not None and mode not in MODES:
        raise GpumaskError(f"{name}: expected one of {', '.join(MODES)}, or None; got {mode!r}")
    return Boundary(mode, bool(trusted))


def pixels_at(first: int, count: int, n: int, mode: int) -> np.ndarray:
    """Return which of n pixels stands at each of `count` places from `first` on; -1 where none does.

    mode: a number of MODES. As kernels/boundary.cuh.

    >>> pixels_at(-3, 9, 4, MODES["reflect"])
    array([3, 2, 1, 0, 1, 2, 3, 2, 1])
    """
    places = np.arange(first, first + count)
    if mode == MODES["constant"]:
        return np.where((places >= 0) & (places < n), places, -1)
    if mode == MODES["edge"] or n == 1:
        return np.clip(places, 0, n - 1)
    period = {MODES["reflect"]: 2 * n - 2, MODES["symmetric"]: 2 * n, MODES["wrap"]: n}[mode]
    place = places % period
    return np.where(place < n, place, (period - 1 if mode == MODES["symmetric"] else period) - place)
