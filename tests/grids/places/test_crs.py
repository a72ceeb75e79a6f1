"""Coordinate reference systems: where x begins anew after a turn."""

import numpy as np
from longitude_cases import SHAPE, centres, suggested, through, transform, wrap
from warp_cases import placed

from gpumask import ProjectedGrid


def test_x_goes_on_wherever_the_world_is_laid_on_a_cylinder():
    """PDC Mercator has its middle at 150 degrees east, so that it is cut at 30 degrees west."""
    for crs, cut in {
        "EPSG:3832": -30.0,
        "EPSG:4087": 180.0,
        "EPSG:6933": 180.0,
        "+proj=mill +lon_0=20": -160.0,
    }.items():
        place = placed("EPSG:4326", cut - 0.2, 10, 0.01, SHAPE)
        target, (left, bottom, right, top) = suggested(place, crs)
        inner = transform("EPSG:4326", crs)([cut - 1, cut - 2], [10, 10])[0]
        scale = (inner[0] - inner[1]) / 0.01 * 0.01
        np.testing.assert_allclose(right - left, scale * 0.4, rtol=0.03)
        row, col = through(ProjectedGrid(place, target), target.shape)
        lon, lat = transform(crs, "EPSG:4326")(*centres(target))
        np.testing.assert_allclose(col, (wrap(lon - cut) + 0.2) / 0.01 - 0.5, atol=0.0101)
