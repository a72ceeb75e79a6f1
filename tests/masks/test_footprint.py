"""Footprints: which of them are wholly valid."""

import numpy as np
import pytest
from hypothesis import given
from law_scenes import INTERPS, LAYOUTS, TAPS, Scene, few, interps, scenes

from gpumask import GpumaskError, footprint_validity

pytestmark = pytest.mark.usefixtures("on_every_backend")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_of_a_validity_changes_no_footprint(layout):
    valid = Scene(9).valid
    for interp in INTERPS:
        np.testing.assert_array_equal(footprint_validity(layout(valid), interp), footprint_validity(valid, interp))


@few
@given(scenes, interps)
def test_footprint_bits_are_what_a_look_at_every_tap_says(scene, interp):
    framed = np.zeros((25, 29), bool)
    framed[3:-3, 3:-3] = scene.valid
    for (r, c), bits in np.ndenumerate(footprint_validity(scene.valid, interp)):
        along_row = [(r, c + k) for k in TAPS[interp]]
        along_col = [(r + k, c) for k in TAPS[interp]]
        whole = [(r + i, c + j) for i in TAPS[interp] for j in TAPS[interp]]
        expected = [all(framed[i + 3, j + 3] for i, j in taps) for taps in ([(r, c)], along_row, along_col, whole)]
        assert [bool(bits >> bit & 1) for bit in range(4)] == expected


@pytest.mark.parametrize("valid", [np.ones(5), np.ones((0, 5)), np.full((5, 5), 0.5), np.ones((2, 5, 5))])
def test_a_validity_that_cannot_be_right_has_no_footprints(valid):
    with pytest.raises(GpumaskError, match="^valid: expected"):
        footprint_validity(valid)
