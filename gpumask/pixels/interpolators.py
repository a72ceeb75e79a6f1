"""The interpolators: how many taps each takes along an axis, and how many pixels around a place it reads.

Area statistics are interpolators without taps. They read all that an output pixel covers.

A B-spline has a filter that reads more than its taps. How far it looks follows Briand and Monasse, "Theory and Practice
of Image B-Spline Interpolation", IPOL 2018, https://doi.org/10.5201/ipol.2018.221. GridR 0.7 does the same.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.pixels.checks import is_number

# The poles of each order. The B-spline's values at whole numbers are the coefficients of a polynomial. The poles are
# its roots in (-1, 0).
POLES = {
    3: (-0.2679491924311227,),
    5: (-0.4305753470999738, -0.04309628820326465),
    7: (-0.5352804307964382, -0.1225546151923267, -0.009148694809608277),
    9: (-0.6079973891686259, -0.2017505201931532, -0.04322260854048175, -0.002121306903180818),
    11: (-0.6612660689007345, -0.2721803492947859, -0.08975959979371331, -0.01666962736623466, -0.0005105575344465021),
}
_LOGARITHMS = (-300.0, 50.0)  # exponents of 10. Every epsilon that makes a difference lies between them.
_LEAST = 1e-100  # least epsilon and threshold. With less, the filter would need too much memory.


@dataclass(frozen=True)
class Interpolator:
    """An interpolator: which source pixels around a coordinate it reads.

    Along each axis it reads `taps` pixels, from `first_tap` on, counted from the anchor. The anchor of a coordinate x
    is floor(x), or floor(x + 0.5) for one tap. The weights are in kernels/weights.cuh.

    Attributes
    ----------
    name
        The name of the interpolator.
    taps
        The number of source pixels along each axis.
    order
        The order of a B-spline. Its taps are coefficients that a filter makes of the pixels. 0 stands for all other
        interpolators.
    epsilon
        How far off the coefficients may be, relative to the range of the pixels.
    mask_influence_threshold
        The share from which on an invalid pixel makes a coefficient invalid. See `influence`.
    filtered
        True if the pixels are already the coefficients of a B-spline.
    is_area
        Whether this is a statistic of all source pixels that an output pixel covers. It has no taps.
    """

    name: str
    taps: int
    order: int = 0
    epsilon: float = 1e-6
    mask_influence_threshold: float = 1e-3
    filtered: bool = False
    is_area: bool = False

    @property
    def keeps_values(self) -> bool:
        """Whether each output value is that of one source pixel, chosen without comparing values."""
        return self.name in ("nearest", "mode")

    @property
    def first_tap(self) -> int:
        """The offset of the first tap from the anchor pixel."""
        return 1 - self.taps // 2 if self.taps > 1 else 0

    @property
    def last_tap(self) -> int:
        """The offset of the last tap from the anchor pixel."""
        return self.first_tap + self.taps - 1

    @property
    def margin(self) -> int:
        """How many pixels a tap may lie beyond the floor or the ceiling of a coordinate."""
        return max(self.taps // 2, 1)

    @property
    def needs_filter(self) -> bool:
        """Whether a filter must make coefficients of the pixels first."""
        return self.order > 0 and not self.filtered

    @property
    def steps(self) -> tuple[int, ...]:
        """How many pixels beyond its own the filter of each pole reads."""
        return _steps(self.order, self.epsilon) if self.needs_filter else ()

    @property
    def reach(self) -> int:
        """How many pixels around its own a coefficient depends on, along each axis."""
        return sum(self.steps)

    @property
    def frame(self) -> int:
        """The same as `reach`."""
        return self.reach

    @property
    def influence(self) -> int:
        """The distance up to which an invalid pixel makes coefficients invalid.

        It is counted in pixels along rows plus columns. Beyond it, the pixel's share in a coefficient is small: less
        than `mask_influence_threshold` times its share in its own coefficient.
        """
        if not self.needs_filter or self.mask_influence_threshold >= 1:
            return 0
        return math.floor(math.log(self.mask_influence_threshold) / math.log(-POLES[self.order][0]))

    @property
    def defines(self) -> dict[str, int]:
        """The macros that specialise the kernels."""
        return {"TAPS": self.taps, "SPLINE": 1} if self.order else {"TAPS": self.taps}


@functools.cache
def _steps(order: int, epsilon: float) -> tuple[int, ...]:
    """Return how many pixels the filter of each pole looks ahead and back.

    Source: Briand and Monasse, theorem 2.
    """
    logs = [math.log(-pole) for pole in POLES[order]]
    shares = []  # shares of the error that the poles up to this one may make
    for k, log in enumerate(logs):
        q = log * sum(1 / other for other in logs[:k])
        shares.append(q / (1 + q))
    rho = math.prod((1 + pole) / (1 - pole) for pole in POLES[order]) ** 2
    steps = []
    for k, (pole, log) in enumerate(zip(POLES[order], logs, strict=True)):
        may_be = 0.5 * rho**2 * epsilon * (1 - pole) * (1 - shares[k]) * math.prod(shares[k + 1 :])
        steps.append(1 + max(0, math.floor(math.log(may_be) / log)))
    return tuple(steps)


# Area statistics, by GDAL's names.
STATISTICS = ("average", "sum", "rms", "min", "max", "mode", "med", "q1", "q3")

INTERPOLATORS = {
    "nearest": Interpolator("nearest", 1),
    "linear": Interpolator("linear", 2),
    "cubic": Interpolator("cubic", 4),
    "lanczos3": Interpolator("lanczos3", 6),
    **{f"bspline{order}": Interpolator(f"bspline{order}", order + 1, order) for order in POLES},
    **{name: Interpolator(name, 0, is_area=True) for name in STATISTICS},
}

# Interpolators that can be as wide as output pixels lie apart.
ANTIALIASED = ("linear", "cubic", "lanczos3")

# GridR's names for interpolators that have another name here.
_ALIASES = {"optimized_bicubic": "cubic"}


def bspline(order: int, epsilon: float = 1e-6, mask_influence_threshold: float = 1e-3) -> Interpolator:
    """Return a B-spline interpolator.

    Parameters
    ----------
    order
        3, 5, 7, 9 or 11.
    epsilon
        How far off the filter may be, relative to the range of the pixels. It lies in (0, 1). A smaller epsilon makes
        the filter read more pixels around a place.
    mask_influence_threshold
        A number above 0. An invalid pixel has a share in the coefficients around it. A coefficient is invalid if this
        share, relative to the pixel's share in its own coefficient, is at least the threshold. From 1 on, only the
        pixel's own coefficient is invalid.

    Returns
    -------
    Interpolator
        An interpolator that every function of gpumask accepts as `interp`.

    Raises
    ------
    GpumaskError
        If an argument is out of its range.

    Examples
    --------
    >>> bspline(3).reach, bspline(3).influence
    (13, 5)
    """
    if isinstance(order, bool) or not isinstance(order, int | np.integer) or int(order) not in POLES:
        raise GpumaskError(f"order: expected one of {', '.join(map(str, POLES))}; got {order!r}")
    found = INTERPOLATORS[f"bspline{int(order)}"]
    for name, value, most in (
        ("epsilon", epsilon, 1.0),
        ("mask_influence_threshold", mask_influence_threshold, math.inf),
    ):
        if not is_number(value):
            raise ArgumentTypeError(f"{name}: expected a number for {name}; got {value!r}")
        if not _LEAST <= value < most:
            limits = f"{_LEAST} or more{', below 1' if most == 1 else ''}"
            raise GpumaskError(f"{name}: expected {name} of {limits}; got {value!r}")
    return Interpolator(found.name, found.taps, found.order, float(epsilon), float(mask_influence_threshold))


def interpolator(interp: Any) -> Interpolator:
    """Return the interpolator of a name, or of an object whose `shortname()` is a name, as GridR's objects have it.

    Raise GpumaskError for an unknown name.

    >>> interpolator("cubic").taps
    4
    """
    if isinstance(interp, Interpolator):
        return interp
    within = getattr(interp, "interpolator", None)
    if isinstance(within, Interpolator):
        return within
    shortname = None if isinstance(interp, type) else getattr(interp, "shortname", None)
    name = str(shortname() if callable(shortname) else interp)
    found = INTERPOLATORS.get(_ALIASES.get(name, name))
    if found is None:
        raise GpumaskError(f"interp: unknown interpolator; expected one of {', '.join(INTERPOLATORS)}; got {interp!r}")
    return _spline_of(interp, found.order) if found.order and callable(shortname) else found


def _spline_of(interp: Any, order: int) -> Interpolator:
    """Return the B-spline that reads the same pixels as a GridR object and makes the same coefficients invalid.

    The object does not tell its arguments, so it is asked what it does. Several epsilons give the same margins and the
    same filter. The strictest of them is taken.

    Raise GpumaskError for an object without GridR's methods, or with a threshold that GridR can't use.
    """
    try:
        interp.initialize()
        frame = int(interp.total_margins()[0]) - order // 2
    except (AttributeError, TypeError, ValueError, IndexError) as error:
        raise GpumaskError(f"interp: expected an interpolator as GridR has them; got {interp!r}: {error}") from error
    found = Interpolator(f"bspline{order}", order + 1, order, _strictest(order, frame))
    if found.reach != frame:
        raise GpumaskError(f"interp: expected a B-spline with an epsilon above 0; got {interp!r}")
    return replace(found, mask_influence_threshold=(-POLES[order][0]) ** (_reach(interp, frame, order) + 0.5))


def _reach(interp: Any, frame: int, order: int) -> int:
    """Return how far an invalid pixel makes coefficients invalid in an object's filter, in pixels along a row."""
    shape, room = 2 * (frame + order // 2) + 1, 32
    while True:
        mask = np.ones((shape, shape + room), np.uint8)
        mask[shape // 2, frame] = 0  # the first pixel inside the frame of the filter
        flat = np.zeros(mask.size), mask.reshape(-1)
        try:
            interp.array1_bspline_prefiltering_ext_f64(flat[0], (1, *mask.shape), flat[1])
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # GridR raises a BaseException that is not an Exception
                raise
            raise GpumaskError(f"interp: expected a mask_influence_threshold above 0; got {interp!r}") from error
        here = mask[shape // 2, frame : mask.shape[1] - frame]
        if here.any():
            return int(here.argmax()) - 1
        room *= 4


@functools.cache
def _strictest(order: int, frame: int) -> float:
    """Return the least epsilon with which a B-spline's filter looks no further than `frame` pixels."""
    least, most = _LOGARITHMS
    while least < (middle := (least + most) / 2) < most:
        found = Interpolator("", order + 1, order, 10.0**middle).reach
        least, most = (least, middle) if found <= frame else (middle, most)
    return float(10.0**most)
