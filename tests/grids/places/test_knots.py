"""Points at which a model may bend: what a few of them say is seen."""

import numpy as np
import pytest
from mesh_cases import between as between_places
from mesh_cases import coordinates, exactly
from rasterio.control import GroundControlPoint
from sound_cases import SHAPE, around, of_parts, off
from warp_cases import Pair, placed

from gpumask import ControlPoints, Geolocation, Place, ProjectedGrid


@pytest.mark.parametrize("kind", ["bump", "hole"])
def test_what_a_few_samples_of_a_swath_say_is_seen(kind):
    row, col = np.mgrid[:160, :180].astype(float)
    x, y = 5e5 + 62 * col + 14 * row, 5_540_000 - 58 * row + 9 * col
    if kind == "bump":
        x[71:73, 83] += 25
    else:
        x[71:74, 83:86] = np.nan
    target = placed("EPSG:32633", 504_900, 5_537_900, 31, (130, 140))
    pair = Pair(Place("EPSG:32633", Geolocation(x, y), (160, 180)), target)
    exact = exactly(pair)
    for found in (of_parts(ProjectedGrid(*pair)), coordinates(between_places(pair))):
        bad, inside = off(found, exact, (160, 180), 0.01)
        assert bad == 0 and inside > 18_000


def test_a_point_that_bends_a_spline_is_seen():
    places = [(row, col) for row in np.linspace(0, 200, 5) for col in np.linspace(0, 240, 6)]
    places += [(row, col) for row in range(90, 104, 2) for col in range(121, 135, 2)]
    points = [
        GroundControlPoint(
            row + ((row, col) == (96, 127)),
            col,
            15.02 + 0.0009 * col + 0.0002 * row,
            49.98 - 0.0007 * row + 0.00015 * col,
        )
        for row, col in places
    ]
    target = around("EPSG:32633", 30.0, (600, 640), 0.0, (15.13, 49.93))
    pair = Pair(Place("EPSG:4326", ControlPoints(points, thin_plate=True), SHAPE), target)
    exact = exactly(pair)
    for max_error in (0.02, 0.1, 0.5):
        bad, inside = off(of_parts(ProjectedGrid(*pair, max_error)), exact, SHAPE, max_error)
        assert bad == 0 and inside > 200_000
