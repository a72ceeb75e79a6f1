"""The twin of antialiased interpolators: scales, taps and the order of sums. Kernels are tested in tests/kernels/."""

import numpy as np
import pytest

from gpumask.backends.twin_antialias import in_fours, scale_amid, spread_of
from gpumask.backends.twin_weights import profile


def corners_of(down, across, shape=(3, 4)):
    """Return corners and middles of pixels that lie so far apart, on one axis of a source."""
    y, x = np.mgrid[0 : shape[0] + 1, 0 : shape[1] + 1]
    corners = 7.0 + down * y + across * x
    return corners, corners[:-1, :-1] + (down + across) / 2


@pytest.mark.parametrize(
    ("down", "across", "scale"), [(3, 0, 3), (0, -2.5, 2.5), (3, 4, 5), (0.6, 0.8, 1), (0.1, 0, 1)]
)
def test_a_scale_is_the_length_of_a_gradient_and_at_least_1(down, across, scale):
    np.testing.assert_allclose(scale_amid(*corners_of(down, across), 0), scale, rtol=1e-14)


def test_a_scale_so_little_above_1_is_1():
    assert (scale_amid(*corners_of(1 + 5e-10, 0), 0) == 1).all()
    assert (scale_amid(*corners_of(1 + 5e-9, 0), 0) > 1).all()


@pytest.mark.parametrize("missing", [np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1], np.s_[0, 0]])
def test_corners_that_are_not_known_are_taken_opposite_to_others(missing):
    corners, middle = corners_of(3, 4)
    corners[missing] = np.nan
    np.testing.assert_allclose(scale_amid(corners, middle, 0), 5)


def test_a_pixel_of_which_no_corner_is_known_has_a_scale_of_1():
    _, middle = corners_of(3, 4)
    assert (scale_amid(np.full((4, 5), np.nan), middle, 0) == 1).all()


def test_corners_in_other_turns_are_moved_to_a_pixel():
    corners, middle = corners_of(3, 4)
    corners[::2] += 360
    corners[:, 1] -= 720
    np.testing.assert_allclose(scale_amid(corners, middle, 360), 5, rtol=1e-12)


@pytest.mark.parametrize("taps", [2, 4, 6])
@pytest.mark.parametrize("scale", [1.0, 1.3, 2.5, 40.0])
def test_taps_are_those_with_a_weight(taps, scale):
    place = np.array([0.0, 0.25, 5.0, 7.999, 50.5])
    found = spread_of(place, np.full(5, scale), 0, 0, 100, taps)
    for i, x in enumerate(place):
        offsets = np.arange(-300, 300)
        near = offsets[abs(offsets - found.fraction[i]) < taps // 2 * scale - 1e-9]
        assert (near[0], len(near)) == (found.lowest[i], found.count[i])
        assert found.first[i] == max(np.floor(x) + near[0], 0) and found.last[i] == min(np.floor(x) + near[-1] + 1, 100)
        assert found.is_cut[i] == (found.last[i] - found.first[i] < len(near))


@pytest.mark.parametrize("place", [-0.001, 99.001, np.nan, 1e300])
def test_a_place_beyond_the_source_is_not_inside(place):
    found = spread_of(np.array([place, 99.0]), np.array([2.0, 2.0]), 0, 0, 100, 4)
    assert found.is_inside.tolist() == [False, True]


def test_a_pixel_wider_than_a_turn_has_no_place_in_it():
    found = spread_of(np.array([5.0, 5.0, 5.0 - 3 * 60]), np.array([60.0, 61.0, 2.0]), 0, 60, 60, 2)
    assert found.is_inside.tolist() == [True, False, True]
    assert found.anchor[2] == 5


@pytest.mark.parametrize("count", [0, 4, 8, 24])
def test_terms_are_summed_in_four_parts(count):
    terms = np.random.default_rng(count).normal(size=(3, count)) * 1e10
    for each, found in zip(terms, in_fours(terms), strict=True):
        parts = [0.0] * 4
        for k, term in enumerate(each):
            parts[k % 4] += term
        assert found == (parts[0] + parts[1]) + (parts[2] + parts[3])


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize(
    ("taps", "kernel"),
    [
        (2, lambda t: 1 - t), (6, lambda t: np.sinc(t) * np.sinc(t / 3)),
        (4, lambda t: np.where(t < 1, 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2)),
    ],
)  # fmt: skip
def test_profiles_are_the_interpolators(taps, kernel):
    half = taps // 2
    t = np.linspace(0, half, 10_001)[:-1]
    np.testing.assert_allclose(profile(t, taps), kernel(t), rtol=0, atol=1e-14)
    np.testing.assert_array_equal(profile(-t, taps), profile(t, taps))
    assert profile(np.arange(half + 3.0), taps).tolist() == [1.0] + [0.0] * (half + 2)
