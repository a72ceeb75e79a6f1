"""Interpolators: which pixels they read, and how far the filters of B-splines look."""

import math

import numpy as np
import pytest

from gpumask import ArgumentTypeError, GpumaskError
from gpumask.pixels.interpolators import INTERPOLATORS, POLES, STATISTICS, Interpolator, bspline, interpolator

SPLINES = [name for name, interp in INTERPOLATORS.items() if interp.order]


TAPPED = {name: interp for name, interp in INTERPOLATORS.items() if interp.taps}


@pytest.mark.parametrize("interp", TAPPED.values(), ids=TAPPED)
def test_taps_lie_evenly_about_a_place(interp):
    """Beyond the anchor as many as before it and on it; one tap alone is the anchor."""
    taps = range(interp.first_tap, interp.last_tap + 1)
    assert len(taps) == interp.taps and 0 in taps
    assert interp.taps == 1 or [1 - tap for tap in taps] == list(reversed(taps))
    assert interp.margin >= max(-interp.first_tap, interp.last_tap - 1)


def test_area_statistics_have_no_taps_and_gdals_names():
    areal = [name for name, interp in INTERPOLATORS.items() if interp.is_area]
    assert areal == list(STATISTICS) and set(areal) | set(TAPPED) == set(INTERPOLATORS)
    assert not any(INTERPOLATORS[name].needs_filter or INTERPOLATORS[name].taps for name in areal)
    assert [name for name, interp in INTERPOLATORS.items() if interp.keeps_values] == ["nearest", "mode"]


@pytest.mark.parametrize("order", POLES)
def test_poles_are_roots_of_the_splines_own_values(order):
    """The values at whole numbers, times a factorial, are Eulerian numbers."""
    values = [1]
    for n in range(2, order + 1):
        values = [
            (k + 1) * at + (n - k) * before
            for k, (at, before) in enumerate(zip([*values, 0], [0, *values], strict=True))
        ]
    assert sum(values) == math.factorial(order)
    for pole in POLES[order]:
        assert abs(np.polyval(values, pole)) < 1e-9 * math.factorial(order)


@pytest.mark.parametrize("order", POLES)
def test_a_smaller_epsilon_looks_further_and_a_smaller_threshold_reaches_further(order):
    frames = [bspline(order, epsilon).frame for epsilon in (1e-1, 1e-3, 1e-6, 1e-12)]
    reaches = [bspline(order, mask_influence_threshold=share).influence for share in (2, 1, 1e-1, 1e-3, 1e-6)]
    assert frames == sorted(set(frames)) and reaches == sorted(reaches) and reaches[:2] == [0, 0] < reaches[-1:]


@pytest.mark.parametrize("name", SPLINES)
def test_coefficients_need_no_filter(name):
    made = INTERPOLATORS[name]
    filtered = Interpolator(made.name, made.taps, made.order, filtered=True)
    assert made.needs_filter and made.frame > 0 < made.influence
    assert not filtered.needs_filter and (filtered.frame, filtered.influence) == (0, 0)
    assert made.defines == filtered.defines == {"TAPS": made.order + 1, "SPLINE": 1}


@pytest.mark.parametrize("name", INTERPOLATORS)
def test_a_name_and_what_has_that_short_name_and_the_interpolator_itself_are_one(name):
    found = interpolator(name)
    assert interpolator(found) is found is INTERPOLATORS[name] and found.name == name
    assert interpolator("optimized_bicubic") is INTERPOLATORS["cubic"]


@pytest.mark.parametrize("given", ["Cubic", "", None, 3, "bspline4", Interpolator])
def test_an_unknown_name_is_refused_with_those_that_are_known(given):
    with pytest.raises(GpumaskError, match="^interp: unknown interpolator; expected one of nearest, linear, cubic"):
        interpolator(given)


@pytest.mark.parametrize("order", [0, 1, 2, 4, 13, 3.0, "3", True, None])
def test_orders_are_odd_from_3_to_11(order):
    with pytest.raises(GpumaskError, match="^order: expected one of 3, 5, 7, 9, 11"):
        bspline(order)


@pytest.mark.parametrize("name", ["epsilon", "mask_influence_threshold"])
def test_what_is_out_of_range_is_refused_by_name(name):
    for value in (0, -1, math.nan, 1e-101, *([1.0, math.inf] if name == "epsilon" else [])):
        with pytest.raises(GpumaskError, match=f"^{name}: expected {name} of 1e-100 or more"):
            bspline(3, **{name: value})
    for value in ("1", None, True):
        with pytest.raises(ArgumentTypeError, match=f"^{name}: expected a number"):
            bspline(3, **{name: value})
