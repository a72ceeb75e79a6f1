"""Grids of sensors over terrain, compared with the models at every pixel."""

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from mesh_cases import coordinates, in_source
from rasterio.transform import RPCTransformer
from rasterio.warp import transform
from sensor_cases import rational_polynomials
from warp_cases import placed

from gpumask import Place, Window

SHAPE = (200, 240)

ROUNDED = 2e-6  # pixels: nodes are rounded to 1e-6, and what is smooth in the ground is interpolated to 1e-6

RPC = rational_polynomials(0.25)  # 0.05 rows, and 0.0048 columns, for a metre


def by_gdal(target, rpc, **heights):
    """Return rows and columns in the source for each pixel of a target, by GDAL. They are NaN if there are none."""
    cols, rows = np.meshgrid(np.arange(target.shape[1]) + 0.5, np.arange(target.shape[0]) + 0.5)
    to_lon_lat = pyproj.Transformer.from_crs(target.crs, "OGC:CRS84", always_xy=True).transform
    lon_lat = to_lon_lat(*(target.transform @ (cols.ravel(), rows.ravel())))
    with rasterio.Env(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # of places without heights
        found = RPCTransformer(rpc, **heights).rowcol(*lon_lat, op=np.positive)
    found = np.reshape(found, (2, *target.shape)) - 0.5
    return np.where(np.isfinite(found).all(axis=0), found, np.nan)


def of_parts(grid):
    """Return the coordinates of all pixels of a ProjectedGrid."""
    found = np.full((2, *grid.full_shape), np.inf)
    for part, _ in grid.parts(Window.of_shape(grid.full_shape)):
        found[:, *part.slices] = coordinates(grid.read(part))
    return found


def off(found, exact, source_shape, max_error):
    """Count pixels in the source, by either, whose coordinates are further off than that."""
    nowhere = np.isnan(exact).any(axis=0)
    lost = np.isnan(found).any(axis=0)
    inside = in_source(exact, source_shape) | (in_source(found, source_shape) & ~lost)
    with np.errstate(invalid="ignore"):
        bad = np.where(nowhere | lost, nowhere != lost, np.hypot(*(found - exact)) > max_error + ROUNDED)
    return int((bad & inside).sum()), int(inside.sum())


GROUND = placed("EPSG:4326", 14.99, 50.02, 0.0005, (500, 540))  # about 50 m

TARGET = placed("EPSG:32633", 501_000, 5_536_000, 20, (700, 800))


def plain_with(feature):
    """Return heights of a plain with one thing on it."""
    z = np.zeros(GROUND.shape, np.float32)
    rows, cols = {
        "hill": (slice(240, 260), slice(230, 250)), "wall": (slice(None), 241), "pit": (243, 231), "post": (250, 250),
        "island": (slice(240, 250), slice(230, 250)), "hole": (slice(240, 250), slice(230, 250)),
    }[feature]  # fmt: skip
    z[rows, cols] = {"pit": -60, "island": 30, "hole": -9999}.get(feature, 100)
    if feature == "island":
        z[z == 0] = -9999
    return z


def around(crs, size, shape, turned=0.0, middle=(15.12, 49.9)):
    """Return a place around a point on the ground. `size` is that of a pixel, in metres."""
    (x,), (y,) = transform("OGC:CRS84", crs, [middle[0]], [middle[1]])
    size = size / 90_000 if rasterio.crs.CRS.from_user_input(crs).is_geographic else size
    turn = Affine.rotation(turned) @ Affine.scale(size, -size)
    return Place(crs, Affine.translation(x, y) @ turn @ Affine.translation(-shape[1] / 2, -shape[0] / 2), shape)
