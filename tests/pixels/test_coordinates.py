"""Source coordinates between the nodes of a grid; those in fixed point are in kernels/test_fixed_point.py."""

from fractions import Fraction

import numpy as np
import pytest

from gpumask.pixels.coordinates import PARTS, coordinates_at, fixed, fixed_coordinates_at, fixed_limit

STEPS = [(1, 1), (1, 4), (3, 5), (16, 16), (7, 1)]


def planes(step, shape=(4, 5)):
    """Return the nodes of a plane of whole numbers, and its value at every pixel between them."""
    i, j = np.mgrid[: shape[0], : shape[1]]
    full = [(n - 1) * by + 1 for n, by in zip(shape, step, strict=True)]
    ys, xs = np.arange(full[0]), np.arange(full[1])
    exact = [[Fraction(2 * int(y), step[0]) - Fraction(3 * int(x), step[1]) for x in xs] for y in ys]
    return (2.0 * i - 3.0 * j), ys, xs, np.array(exact, float)


@pytest.mark.parametrize("step", STEPS)
def test_a_plane_is_itself_between_its_nodes(step):
    nodes, ys, xs, exact = planes(step)
    np.testing.assert_allclose(coordinates_at(nodes, step, ys, xs), exact, rtol=0, atol=1e-12)


@pytest.mark.parametrize("step", STEPS)
def test_a_part_has_the_bits_of_the_whole(step):
    rng = np.random.default_rng(0)
    nodes, ys, xs, _ = planes(step)
    nodes = nodes + rng.random(nodes.shape)
    whole, part = coordinates_at(nodes, step, ys, xs), coordinates_at(nodes, step, ys[1:-1], xs[2:])
    np.testing.assert_array_equal(part, whole[1:-1, 2:])


@pytest.mark.parametrize("step", STEPS)
def test_a_node_that_does_not_count_spoils_just_the_pixels_that_it_has_a_weight_for(step):
    nodes, ys, xs, exact = planes(step)
    nodes[1, 2] = np.nan
    near = np.outer(abs(ys - step[0]) < step[0], abs(xs - 2 * step[1]) < step[1])
    np.testing.assert_array_equal(np.isnan(coordinates_at(nodes, step, ys, xs)), near)
    assert near.any() and not near.all() and np.isfinite(exact).all()


@pytest.mark.parametrize("step", STEPS)
def test_cells_that_are_too_large_have_no_limit_and_larger_ones_have_lower_ones(step):
    assert fixed_limit((1 << 9, 1 << 9)) is None
    assert 0 < fixed_limit((1 << 8, 1 << 8)) <= fixed_limit(step) <= fixed_limit((1, 1))


def test_in_fixed_point_a_full_grid_is_rounded_to_parts_of_a_pixel():
    rng = np.random.default_rng(1)
    nodes = rng.uniform(-1000, 1000, (6, 7))
    found = fixed_coordinates_at(nodes, (1, 1), np.arange(6), np.arange(7))
    assert (found * PARTS == np.round(found * PARTS)).all() and 0 < abs(found - nodes).max() <= 0.5 / PARTS
    np.testing.assert_array_equal(fixed(nodes, 500.0), np.where(abs(nodes) < 500, found * PARTS, np.nan))
