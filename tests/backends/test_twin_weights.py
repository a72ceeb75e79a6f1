"""Weights of taps, as the twins compute them: by their laws. Kernels are compared with them in kernels/."""

import math

import numpy as np
import pytest

from gpumask.backends.twin_weights import sum_at_whole, weighted_sum, weights
from gpumask.pixels.interpolators import INTERPOLATORS

FRACTIONS = np.linspace(0, 1, 65)[1:-1]
WEIGHTED = [interp for interp in INTERPOLATORS.values() if interp.taps > 1]
named = pytest.mark.parametrize("interp", WEIGHTED, ids=lambda interp: interp.name)


def weights_of(interp, fractions=FRACTIONS, **how):
    """Return normalised weights, (tap, fraction)."""
    return np.array(weights(fractions, interp.taps, interp.order, **how)) / math.factorial(interp.order)


@named
def test_weights_add_up_to_1(interp):
    np.testing.assert_allclose(weights_of(interp).sum(axis=0), 1, rtol=0, atol=1e-14)


@named
def test_weights_of_a_place_as_far_from_the_next_pixel_are_the_same_the_other_way_round(interp):
    np.testing.assert_allclose(weights_of(interp), weights_of(interp, 1 - FRACTIONS)[::-1], rtol=0, atol=1e-14)


@named
def test_the_place_is_the_mean_of_its_taps(interp):
    """Exactly but for Lanczos, whose weights are those of a wave."""
    taps = np.arange(interp.first_tap, interp.last_tap + 1)
    found = (weights_of(interp) * taps[:, None]).sum(axis=0)
    np.testing.assert_allclose(found, FRACTIONS, rtol=0, atol=0.02 if interp.name == "lanczos3" else 1e-14)


@pytest.mark.parametrize("name", ["linear", "cubic"])
def test_at_a_whole_number_its_pixel_alone_has_a_weight(name):
    interp = INTERPOLATORS[name]
    found = weights_of(interp, np.zeros(1))[:, 0]
    assert found.tolist() == [float(tap == 0) for tap in range(interp.first_tap, interp.last_tap + 1)]


@named
def test_weights_in_float32_are_near_those_in_float64(interp):
    found = weights(FRACTIONS, interp.taps, interp.order, dtype=np.float32, in_fixed=True)
    assert {each.dtype for each in found} == {np.dtype(np.float32)}
    np.testing.assert_allclose(np.array(found, float) / math.factorial(interp.order), weights_of(interp), atol=1e-6)


@named
def test_a_sum_is_that_of_all_taps_whatever_its_order(interp):
    w = weights(FRACTIONS, interp.taps, interp.order)
    v = np.random.default_rng(0).uniform(-1, 1, (interp.taps, len(FRACTIONS)))
    most = 1e-15 * math.factorial(interp.order) * interp.taps
    np.testing.assert_allclose(weighted_sum(w, v, interp.order), (np.array(w) * v).sum(axis=0), rtol=0, atol=most)


def test_one_tap_alone_is_taken_as_it_is():
    v = [np.array([np.nan]), np.array([2.5]), np.array([np.inf])]
    assert sum_at_whole(range(1, 2), [np.array([0.0])] * 3, v).tolist() == [2.5]
    assert weighted_sum([np.array([0.0])], v[1:2]).tolist() == [2.5]
