"""Grids as kernels take them: nodes as float64 or in fixed point, and what a compiler may know of them."""

import numpy as np
import pytest

from gpumask import Grid, Window
from gpumask.backends import get
from gpumask.grids.nodes import fixed_grid, in_fixed_point, may_be_fixed, node_defines
from gpumask.pixels.coordinates import SHIFT, fixed, fixed_limit

F32, F64 = np.dtype("float32"), np.dtype("float64")


def grid(resolution=(3, 5), **how):
    rng = np.random.default_rng(0)
    return Grid(rng.uniform(0, 50, (6, 7)), rng.uniform(0, 60, (6, 7)), resolution, **how)


def test_a_coarse_grids_nodes_become_whole_numbers_and_those_that_do_not_count_are_marked(backend):
    counts = np.random.default_rng(1).random((6, 7)) > 0.2
    asked = grid(mask=counts)
    made = fixed_grid(get(backend), asked)
    for found, nodes in ((made.row, asked.row), (made.col, asked.col)):
        whole = np.asarray(get(backend).to_family_of(np.empty(0), found)).view(np.int64)
        np.testing.assert_array_equal(whole[~counts], -1)
        np.testing.assert_array_equal(whole[counts], (fixed(nodes, fixed_limit((3, 5))) + SHIFT)[counts])


def test_a_full_grid_and_one_that_is_converted_are_taken_as_they_are(backend):
    full = grid((1, 1))
    assert fixed_grid(get(backend), full) is full
    once = fixed_grid(get(backend), grid())
    assert fixed_grid(get(backend), once) is once


def test_a_part_of_a_grid_is_converted_as_the_whole(backend):
    place, part = get(backend), Window(4, 9, 5, 11)
    before, after = fixed_grid(place, grid()).crop(part), fixed_grid(place, grid().crop(part))
    assert before.output == after.output and before.resolution == after.resolution
    for pair in ((before.row, after.row), (before.col, after.col)):
        one, other = (np.asarray(place.to_family_of(np.empty(0), each)).view(np.int64) for each in pair)
        np.testing.assert_array_equal(one, other)


def test_coordinates_are_in_fixed_point_for_float32_and_sources_within_the_limit():
    source = Window(0, 0, 1000, 1000)
    assert may_be_fixed(F32, (3, 5)) and in_fixed_point(F32, (3, 5), source, 2, (0, 0))
    assert not may_be_fixed(F64, (3, 5)) and not in_fixed_point(F64, (3, 5), source, 2, (0, 0))
    assert not may_be_fixed(F32, (1 << 10, 1 << 10))
    limit = fixed_limit((3, 5))
    assert in_fixed_point(F32, (3, 5), Window(limit - 12, 0, 10, 10), 2, (0, 0))
    assert not in_fixed_point(F32, (3, 5), Window(limit - 11, 0, 10, 10), 2, (0, 0))


@pytest.mark.parametrize(
    ("asked", "facts"),
    [
        (grid((1, 1)), (1, 1, 1)),
        (grid((4, 8)), (0, 1, 1)),
        (grid((3, 8)), (0, 1, 0)),
        (grid((2, 2), nodata=-1.0), (0, 0, 1)),
        (grid((2, 2), mask=np.ones((6, 7), bool)), (0, 0, 1)),
    ],
)
def test_facts_of_a_grid_are_what_it_is(asked, facts):
    found = node_defines(asked, False)
    assert tuple(found[name] for name in ("FULL", "PLAIN_NODES", "POWERS_OF_TWO")) == facts
    assert node_defines(asked, True) == {**found, "FIXED": 1}
