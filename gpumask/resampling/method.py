"""How pixels are made: by which interpolator, what there is beyond the edges, and what is done about invalid pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gpumask.backends.text import C_TYPES
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.grids.grid import Grid
from gpumask.grids.nodes import in_fixed_point
from gpumask.pixels.boundary import Boundary, Pair, check_boundaries
from gpumask.pixels.interpolators import Interpolator, interpolator
from gpumask.pixels.values import held
from gpumask.pixels.window import Window
from gpumask.resampling.prefilter import domain_of, whole_segments

POLICIES = ("strict", "renormalize")


@dataclass(frozen=True)
class Method:
    """An interpolator, a boundary, and the least share of the weights that valid pixels must have.

    min_weight: None: all pixels with a weight must be valid; otherwise the others are left out, and the weights of the
    rest are renormalised, where the pixel nearest to the coordinate is valid.
    takes_invalid: whether the filter of a B-spline takes invalid pixels as they are, as GridR does. Otherwise those
    beside them stand in, so that what they hold has no say at all.
    """

    interp: Interpolator
    boundary: Boundary = Boundary()
    min_weight: float | None = None
    takes_invalid: bool = False

    @property
    def frames(self) -> Pair:
        """How many rows above and below a source may be valid, and taps, and how many columns beside it.

        Coefficients of B-splines are made beyond edges, but for those of an axis that goes around.
        """
        rows, cols = (
            self.interp.margin if period or (counts and not self.interp.order) else 0
            for counts, period in zip(self.boundary.counts, self.boundary.around, strict=True)
        )
        return rows, cols

    @property
    def support(self) -> int:
        """How many pixels around coefficients have a say in them."""
        return max(self.interp.frame, self.interp.influence)

    def on(self, around: Pair, shape: Pair) -> Method:
        """Return the method for a source of that shape, which may begin anew after so many (rows, cols)."""
        return replace(self, boundary=self.boundary.on(around, shape)) if any(around) else self

    def in_fixed_point(self, compute: np.dtype[Any], step: Pair, pixels: Window) -> bool:
        """Say whether coordinates are in fixed point; see `gpumask.grids.nodes`."""
        return in_fixed_point(compute, step, pixels, self.interp.margin, self.boundary.around)

    def reach(self, grid: Grid, shape: tuple[int, int]) -> Window:
        """Return the window of a source of that shape which a grid needs.

        It lies beyond the edges where pixels there have a say, and is empty where no pixel can be valid.
        """
        margin, around = self.interp.margin, self.boundary.around
        taps = self.boundary.in_first_turn(grid.source_window(margin, around), 2 * margin)
        if not self.interp.needs_filter:
            inside = Window.of_shape(self.boundary.once(shape)).pad(*self.frames)
            return taps.intersect(self.boundary.opened(inside, taps))
        domain = domain_of(self.interp, self.boundary, shape)
        if domain.is_empty:
            return Window(0, 0, 0, 0)
        wanted = taps.intersect(self.boundary.opened(domain, taps))
        if wanted.is_empty:
            return wanted
        return whole_segments(self.interp, wanted, domain, around).pad(self.support)


def method_of(
    interp: Any, boundary: Any = None, trust_padding: Any = True, mask_policy: Any = "strict", min_weight: Any = 1e-5
) -> Method:
    """Return the method that a user's words name; see `resample`."""
    found = Method(interpolator(interp), check_boundaries("boundary", boundary, trust_padding))
    if not isinstance(mask_policy, str) or mask_policy not in POLICIES:
        raise GpumaskError(f"mask_policy: expected one of {', '.join(POLICIES)}; got {mask_policy!r}")
    if isinstance(min_weight, bool) or not isinstance(min_weight, int | float | np.number):
        raise ArgumentTypeError(f"min_weight: expected a number; got {min_weight!r}")
    if not 0 < min_weight <= 1:
        raise GpumaskError(f"min_weight: expected a share above 0, and 1 at the most; got {min_weight!r}")
    if mask_policy == "strict":
        return found
    if found.interp.order:
        raise GpumaskError(
            f"mask_policy: expected strict for {found.interp.name}, whose taps are no pixels; got {mask_policy}"
        )
    return Method(found.interp, found.boundary, float(min_weight))


def output_type(source: Any, dtype: Any, nodata_out: Any) -> tuple[np.dtype[Any], float]:
    """Check an output's dtype (None: the source's) and nodata value; return them, the value as the dtype holds it."""
    try:
        found = np.dtype(source if dtype is None else dtype).newbyteorder("=")
    except (TypeError, ValueError, SyntaxError) as error:
        raise GpumaskError(f"dtype: expected an integer or float of 8 to 64 bits; got {dtype!r}") from error
    if found.name not in C_TYPES:
        raise GpumaskError(f"dtype: expected an integer or float of 8 to 64 bits; got {found}")
    return found, held("nodata_out", float("nan") if nodata_out is None else nodata_out, found)


def check_validity(given: Any, name: str = "validity") -> bool:
    """Say whether bands are valid by themselves; raise GpumaskError for what is neither "pixel" nor "band"."""
    if not isinstance(given, str) or given not in ("pixel", "band"):
        raise GpumaskError(f"{name}: expected pixel or band; got {given!r}")
    return given == "band"


def compute_type(compute_dtype: Any) -> np.dtype[Any]:
    """Check the type of weights and sums."""
    if not isinstance(compute_dtype, str | type | np.dtype) or compute_dtype not in ("float64", "float32"):
        raise GpumaskError(f"compute_dtype: expected float64 or float32; got {compute_dtype!r}")
    return np.dtype(compute_dtype)
