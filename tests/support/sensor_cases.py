"""Control points, rational polynomials and swaths."""

import numpy as np
from rasterio.control import GroundControlPoint
from rasterio.rpc import RPC
from warp_cases import placed

from gpumask import Grid

SHAPE = (200, 240)


def control_points():
    """Return points of an image that is turned, and a little bent."""
    points = []
    for row in np.linspace(0, SHAPE[0], 5):
        for col in np.linspace(0, SHAPE[1], 6):
            x = 15.02 + 0.0009 * col + 0.0002 * row + 2e-7 * col * row / 3
            y = 49.98 - 0.0007 * row + 0.00015 * col + 1e-7 * row**2 / 3
            points.append(GroundControlPoint(row, col, x, y))
    return points


def rational_polynomials(height_slope=0.01):
    """Return coefficients of an image that is turned, a little bent, and leans with height."""

    def terms(one, lon, lat, height, bent):
        return [one, lon, lat, height, bent, *[0.0] * 15]

    return RPC(
        height_off=100.0, height_scale=500.0, lat_off=49.9, lat_scale=0.1, long_off=15.12, long_scale=0.12,
        line_off=SHAPE[0] / 2, line_scale=SHAPE[0] / 2, samp_off=SHAPE[1] / 2, samp_scale=SHAPE[1] / 2,
        line_num_coeff=terms(0.0, 0.1, -1.0, height_slope, 0.01), line_den_coeff=terms(1.0, 0.001, 0.002, 0.0, 0.0),
        samp_num_coeff=terms(0.0, 0.95, 0.12, -0.02, 0.02), samp_den_coeff=terms(1.0, 0.0, 0.003, 0.0, 0.0),
    )  # fmt: skip


def swath(rows=SHAPE[0], cols=SHAPE[1], step=1):
    """Return where the samples of a bent and turned swath lie, in EPSG:32633."""
    row, col = np.mgrid[:rows, :cols] * float(step)
    x = 5e5 + 2000 + 62 * col + 14 * row + 0.02 * col**2 + 0.004 * row * col
    y = 5_540_000 - 1500 - 58 * row + 9 * col - 0.015 * row**2
    return x, y


TARGET = placed("EPSG:32633", 5e5, 5_540_000, 60, (330, 360))


def between(source_crs, model, **options):
    """Return the grid from the target to a sensor's image."""
    words = TARGET.crs, TARGET.transform, TARGET.shape
    return Grid.between(source_crs, model, *words, **{"source_shape": SHAPE, **options})
