"""The interpolators: name -> how many taps they take on each axis, and which margin of pixels that asks for."""

from __future__ import annotations

from dataclasses import dataclass

from gpumask.errors import GpumaskError


@dataclass(frozen=True)
class Interpolator:
    """An interpolator with `taps` source pixels on each axis, from `first_tap` on, counted from the anchor.

    The anchor is floor(x) of a coordinate x, or floor(x + 0.5) for one tap. The weights are in kernels/weights.cuh:
    1 tap is nearest, 2 linear, 4 cubic (Keys 1981, a = -0.5).
    """

    name: str
    taps: int

    @property
    def first_tap(self) -> int:
        """Offset of the first tap from the anchor pixel."""
        return 1 - self.taps // 2 if self.taps > 1 else 0

    @property
    def last_tap(self) -> int:
        """Offset of the last tap from the anchor pixel."""
        return self.first_tap + self.taps - 1

    @property
    def margin(self) -> int:
        """Pixels that a tap may lie beyond the floor or the ceiling of a coordinate."""
        return max(self.taps // 2, 1)


INTERPOLATORS = {
    "nearest": Interpolator("nearest", 1),
    "linear": Interpolator("linear", 2),
    "cubic": Interpolator("cubic", 4),
}

# GridR's own words for the cubic one, and its enumeration's names.
_ALIASES = {
    "optimized_bicubic": "cubic",
    "PyInterpolatorType.Nearest": "nearest",
    "PyInterpolatorType.Linear": "linear",
    "PyInterpolatorType.OptimizedBicubic": "cubic",
}


def interpolator(interp: object) -> Interpolator:
    """Return the interpolator for a name, or for an object whose `shortname()` is one (GridR's are such).

    Raises GpumaskError for an unknown name, and for the B-splines, which are not there yet.

    >>> interpolator("cubic").taps
    4
    """
    if isinstance(interp, Interpolator):
        return interp
    shortname = getattr(interp, "shortname", None)
    name = str(shortname() if callable(shortname) else interp)
    found = INTERPOLATORS.get(_ALIASES.get(name, name))
    if found:
        return found
    known = ", ".join(INTERPOLATORS)
    if "bspline" in name.lower():
        raise GpumaskError(f"interp: B-splines are not supported yet; expected one of {known}; got {name!r}")
    raise GpumaskError(f"interp: unknown interpolator; expected one of {known}; got {interp!r}")
