"""GridR's interpolators: the objects, their enumeration, and the function that makes an object of a name."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any, ClassVar

import numpy as np

from gpumask.backends.twin_weights import weights
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.pixels.interpolators import INTERPOLATORS, POLES, Interpolator, bspline, interpolator


class PyInterpolatorType(enum.Enum):
    """GridR's names of its interpolators. `get_interpolator` takes them."""

    Nearest = "nearest"
    Linear = "linear"
    OptimizedBicubic = "cubic"
    BSpline3 = "bspline3"
    BSpline5 = "bspline5"
    BSpline7 = "bspline7"
    BSpline9 = "bspline9"
    BSpline11 = "bspline11"


class _Named:
    """An interpolator as GridR has it. `interpolator` is gpumask's own."""

    name: ClassVar[str]
    interpolator: Interpolator

    def __init__(self) -> None:
        self.interpolator = INTERPOLATORS[self.name]

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def shortname(self) -> str:
        """Return the name of the interpolator.

        Returns
        -------
        str
            The name, which is "optimized_bicubic" for the cubic one.
        """
        return "optimized_bicubic" if self.name == "cubic" else self.name

    def initialize(self) -> None:
        """Do nothing, as all is ready from the beginning."""

    def total_margins(self) -> list[int]:
        """Return how many pixels around a place are read.

        Returns
        -------
        list of int
            The pixels at the top, the bottom, the left and the right.
        """
        return [self.interpolator.reach + (self.interpolator.order // 2 or self.interpolator.margin)] * 4


class NearestInterpolator(_Named):
    """The interpolator that takes the nearest pixel."""

    name = "nearest"


class LinearInterpolator(_Named):
    """The bilinear interpolator."""

    name = "linear"


class OptimizedBicubicInterpolator(_Named):
    """The cubic interpolator of Keys, with a = -0.5."""

    name = "cubic"


class BSplineInterpolator(_Named):
    """A B-spline interpolator.

    Parameters
    ----------
    epsilon, mask_influence_threshold
        See `gpumask.bspline`.
    """

    def __init__(self, epsilon: float, mask_influence_threshold: float) -> None:
        self.interpolator = bspline(INTERPOLATORS[self.name].order, epsilon, mask_influence_threshold)

    def __repr__(self) -> str:
        found = self.interpolator
        return f"{type(self).__name__}({found.epsilon!r}, {found.mask_influence_threshold!r})"

    @property
    def order(self) -> int:
        """The order of the polynomials."""
        return self.interpolator.order

    @property
    def npoles(self) -> int:
        """How many poles the filter has."""
        return len(POLES[self.order])

    def bspline(self, x: float) -> float:
        """Return the B-spline at x, times the factorial of its order.

        The filter leaves that factor out.

        Parameters
        ----------
        x
            The distance from the centre of the B-spline.

        Returns
        -------
        float
            The value.

        Examples
        --------
        >>> BSpline3Interpolator(1e-6, 1e-3).bspline(0)
        4.0
        """
        whole, fraction = divmod(float(x), 1.0)
        tap = -int(whole) - self.interpolator.first_tap
        inside = 0 <= tap < self.interpolator.taps
        return float(weights(np.array(fraction), self.interpolator.taps, 1)[tap]) if inside else 0.0


class BSpline3Interpolator(BSplineInterpolator):
    """The B-spline interpolator of order 3.

    Parameters
    ----------
    epsilon, mask_influence_threshold
        See `gpumask.bspline`.
    """

    name = "bspline3"


class BSpline5Interpolator(BSplineInterpolator):
    """The B-spline interpolator of order 5.

    Parameters
    ----------
    epsilon, mask_influence_threshold
        See `gpumask.bspline`.
    """

    name = "bspline5"


class BSpline7Interpolator(BSplineInterpolator):
    """The B-spline interpolator of order 7.

    Parameters
    ----------
    epsilon, mask_influence_threshold
        See `gpumask.bspline`.
    """

    name = "bspline7"


class BSpline9Interpolator(BSplineInterpolator):
    """The B-spline interpolator of order 9.

    Parameters
    ----------
    epsilon, mask_influence_threshold
        See `gpumask.bspline`.
    """

    name = "bspline9"


class BSpline11Interpolator(BSplineInterpolator):
    """The B-spline interpolator of order 11.

    Parameters
    ----------
    epsilon, mask_influence_threshold
        See `gpumask.bspline`.
    """

    name = "bspline11"


_CLASSES: dict[str, type[_Named]] = {
    found.name: found
    for found in (NearestInterpolator, LinearInterpolator, OptimizedBicubicInterpolator,
                  BSpline3Interpolator, BSpline5Interpolator, BSpline7Interpolator, BSpline9Interpolator,
                  BSpline11Interpolator)
}  # fmt: skip


def get_interpolator(interp: Any, **kwargs: Any) -> Any:
    """Return the interpolator of a name.

    Parameters
    ----------
    interp
        A name or a PyInterpolatorType. An object is returned as it is, and may be GridR's own. "lanczos3" has no such
        object.
    kwargs
        For a B-spline, epsilon and mask_influence_threshold, which must both be given. Other interpolators take
        nothing.

    Returns
    -------
    object
        An interpolator with GridR's methods.

    Raises
    ------
    GpumaskError
        If the name is unknown, or the arguments are not those of the interpolator.

    Examples
    --------
    >>> get_interpolator("bspline3", epsilon=1e-6, mask_influence_threshold=1e-3).total_margins()
    [14, 14, 14, 14]
    """
    if is_object(interp):
        return interp
    name = _name_of(interp)
    if name not in _CLASSES:
        raise GpumaskError(f"interp: unknown interpolator; expected one of {', '.join(_CLASSES)}; got {interp!r}")
    expected = {"epsilon", "mask_influence_threshold"} if name.startswith("bspline") else set()
    if set(kwargs) != expected:
        wanted, came = (", ".join(sorted(names)) or "none" for names in (expected, kwargs))
        raise ArgumentTypeError(f"interp_kwargs: expected {wanted} for {name}; got {came}")
    return _CLASSES[name](**kwargs)


def is_object(interp: Any) -> bool:
    """Say whether this is an interpolator object, gpumask's or GridR's. A name or a class is none."""
    return not isinstance(interp, type) and callable(getattr(interp, "shortname", None))


def is_bspline(interp: Any) -> bool:
    """Say whether this is a B-spline.

    Parameters
    ----------
    interp
        A name, an object or a class of an interpolator.

    Returns
    -------
    bool
        True for B-splines.

    Examples
    --------
    >>> is_bspline("bspline3"), is_bspline("bspline4"), is_bspline(bspline(5)), is_bspline("linear")
    (True, False, True, False)
    """
    if isinstance(interp, Interpolator):
        return interp.order > 0
    found = interp if isinstance(interp, type) else _CLASSES.get(_name_of(interp), type(interp))
    return any(found.__name__ == known.__name__ for known in BSplineInterpolator.__subclasses__())


def _name_of(interp: Any) -> str:
    """Return the name of an interpolator, which may be one of GridR's enumeration. Return "" for anything else."""
    if isinstance(interp, str):
        return interp
    member = str(interp).rpartition("PyInterpolatorType.")[2]
    return PyInterpolatorType[member].value if member in PyInterpolatorType.__members__ else ""


def interpolator_of(interp: Any, interp_kwargs: dict[str, Any] | None, filtered: bool = False) -> Interpolator:
    """Return gpumask's interpolator for GridR's arguments.

    `filtered` says that the interpolator is applied to coefficients.
    """
    if interp_kwargs is not None and not isinstance(interp_kwargs, dict):
        raise ArgumentTypeError(f"interp_kwargs: expected a dict or None; got {interp_kwargs!r}")
    if _name_of(interp) not in ("", "lanczos3"):
        found = get_interpolator(interp, **(interp_kwargs or {})).interpolator
    else:  # an object takes no arguments, GridR's own objects included
        found = interpolator(interp)
    return dataclasses.replace(found, filtered=True) if filtered and found.order else found
