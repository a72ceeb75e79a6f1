"""Places around the antimeridian and the poles, with the true places of their pixels, for test_longitudes.py.

Nothing under test is called here. Longitudes, and x on Web Mercator, are brought to the turn nearest to a place's
middle.
"""

import functools
import itertools
import math
from typing import NamedTuple

import numpy as np
from affine import Affine
from mesh_cases import coordinates
from pyproj import CRS, Transformer
from rasterio.control import GroundControlPoint
from rasterio.rpc import RPC

from gpumask import ControlPoints, Geolocation, Place, RationalPolynomials, Window
from gpumask.files.warp import target_place

SHAPE = (30, 40)
GRADS = CRS.from_wkt(
    'GEOGCS["WGS 84 in grads",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],'
    'UNIT["grad",0.015707963267948967]]'
).to_wkt()
TURNS = {"EPSG:4326": 360.0, GRADS: 400.0, "EPSG:3857": 2 * math.pi * 6378137.0}
KINDS = {
    "EPSG:4326": ("affine", "gcps", "spline", "rpcs", "swath"),
    GRADS: ("affine", "gcps", "swath"),
    "EPSG:3857": ("affine", "gcps", "spline", "swath"),
    "EPSG:32601": ("affine", "gcps", "swath"),
    "EPSG:32660": ("affine", "swath"),
    "EPSG:3413": ("affine", "swath", "degrees"),
    "EPSG:3031": ("affine", "swath", "degrees"),
}
COMBINATIONS = [(crs, kind) for crs, kinds in KINDS.items() for kind in kinds]


@functools.cache
def transform(source, target):
    """Return a function from (x, y) of one CRS to another."""
    if source == target:
        return lambda x, y: (np.asarray(x, float), np.asarray(y, float))
    return Transformer.from_crs(source, target, always_xy=True).transform


def nearest_turn(crs, x, middle):
    """Return x moved by whole turns, as near to a middle as possible."""
    turn = TURNS.get(crs)
    return x if turn is None else x - turn * np.round((x - middle) / turn)


class Case(NamedTuple):
    """A place, and the affine map from the corners of its pixels to a CRS. There x goes on beyond the antimeridian."""

    place: Place
    crs: str
    truth: Affine
    kind: str

    @property
    def middle(self):
        """Return (x, y) of the middle."""
        return self.truth @ (SHAPE[1] / 2, SHAPE[0] / 2)

    def pixels(self, crs, x, y):
        """Return rows and columns of (x, y) in another CRS, on any turn. The centre of the first pixel is (0, 0)."""
        x = nearest_turn(crs, np.asarray(x, float), 0.0)
        x, y = transform(crs, self.crs)(x, y)
        col, row = ~self.truth @ (nearest_turn(self.crs, x, self.middle[0]), y)
        return np.array([row - 0.5, col - 0.5])

    def ground(self, crs, row, col):
        """Return (x, y) in another CRS of pixels. They count from the corner of the first one."""
        return transform(self.crs, crs)(*(self.truth @ (np.asarray(col, float), np.asarray(row, float))))


def wrapped(rng, crs, x):
    """Return x as files have it: on one turn, which begins at -180 or at 0 degrees."""
    if crs not in TURNS:
        return x
    turn, first = TURNS[crs], TURNS[crs] / 2 if rng.random() < 0.6 else 0.0
    return (x + first) % turn - first


def a_case(rng, crs, kind):
    """Return a place of some kind, within two degrees of the antimeridian or of a pole."""
    size = {"EPSG:4326": 0.01, GRADS: 0.01, "EPSG:3857": 1500.0}.get(crs, 1000.0) * rng.uniform(0.5, 1.5)
    latitude, off = rng.uniform(-65, 65), rng.uniform(-0.25, 0.25)
    if crs in ("EPSG:3413", "EPSG:3031"):
        x, y = rng.uniform(-150e3, 150e3, 2) * rng.choice([0, 0.1, 1])
    elif crs in TURNS:
        x, y = transform("EPSG:4326", crs)(179.999999, latitude)
        x = TURNS[crs] / 2 + off * size * SHAPE[1] * 2
    else:
        x, y = transform("EPSG:4326", crs)(180 + off, abs(latitude))
    angle = rng.choice([0.0, rng.uniform(-30, 30)])
    truth = Affine.translation(x, y) @ Affine.rotation(angle) @ Affine.scale(size, -size * rng.uniform(0.7, 1.4))
    truth = truth @ Affine.translation(-SHAPE[1] / 2, -SHAPE[0] / 2)
    if kind == "affine":
        turns = rng.integers(-1, 2) * TURNS.get(crs, 0.0)
        return Case(Place(crs, Affine.translation(turns, 0) @ truth, SHAPE), crs, truth, kind)
    return Case(_modelled(rng, crs, kind, truth), crs, truth, kind)


def _modelled(rng, crs, kind, truth):
    """Return a place that a model describes."""
    if kind in ("gcps", "spline"):
        at = itertools.product(np.linspace(0, SHAPE[0], 4), np.linspace(0, SHAPE[1], 4))
        if kind == "gcps" and rng.random() < 0.5:
            at = itertools.product((0, SHAPE[0]), (0, SHAPE[1]))
        row, col = np.array(list(at)).T
        x, y = truth @ (col, row)
        points = [GroundControlPoint(*map(float, each)) for each in zip(row, col, wrapped(rng, crs, x), y, strict=True)]
        return Place(crs, ControlPoints(points, thin_plate=kind == "spline"), SHAPE)
    if kind == "rpcs":
        return Place(None, _rational(rng, truth), SHAPE)
    step = rng.integers(1, 3) if kind == "swath" and crs not in ("EPSG:3413", "EPSG:3031") else 1
    row, col = np.mgrid[: SHAPE[0] : step, : SHAPE[1] : step]
    x, y = truth @ (col + 0.5, row + 0.5)
    if kind == "degrees":
        x, y = transform(crs, "EPSG:4326")(x, y)
        crs = "EPSG:4326"
    return Place(crs, Geolocation(wrapped(rng, crs, x), y, step=(step, step)), SHAPE)


def _rational(rng, truth):
    """Return coefficients of an affine map."""
    x, y = truth @ (SHAPE[1] / 2, SHAPE[0] / 2)
    scales, back = (0.3, 0.4), ~truth
    line = [back.d * x + back.e * y + back.f - 0.5, back.d * scales[0], back.e * scales[1]]
    sample = [back.a * x + back.b * y + back.c - 0.5, back.a * scales[0], back.b * scales[1]]
    rest = [0.0] * 17
    return RationalPolynomials(RPC(
        height_off=0.0, height_scale=500.0, lat_off=y, lat_scale=scales[1],
        long_off=float(wrapped(rng, "EPSG:4326", x)), long_scale=scales[0],
        line_off=0.0, line_scale=100.0, samp_off=0.0, samp_scale=100.0,
        line_num_coeff=[each / 100 for each in line] + rest, line_den_coeff=[1.0, 0.0, 0.0, *rest],
        samp_num_coeff=[each / 100 for each in sample] + rest, samp_den_coeff=[1.0, 0.0, 0.0, *rest],
    ))  # fmt: skip


def targets(case):
    """Return the CRSs that a place is brought to."""
    _, latitude = case.ground("EPSG:4326", SHAPE[0] / 2, SHAPE[1] / 2)
    polar = "EPSG:3413" if latitude > 0 else "EPSG:3031"
    near = () if case.crs in ("EPSG:3413", "EPSG:3031") else ("EPSG:32601", "EPSG:32660")
    return ("EPSG:4326", "EPSG:3857", GRADS, polar, *near)


def a_target(rng, case, crs):
    """Return a place in a CRS over a part of the case's place, on any turn. Its pixels have about the same size."""
    at = rng.uniform(0.2, 0.8, 2) * SHAPE
    (x, y), beside, below = (case.ground(crs, *(at + step)) for step in ((0, 0), (0, 0.1), (0.1, 0)))
    off = [(nearest_turn(crs, side[0], x) - x, side[1] - y) for side in (beside, below)]
    width, height = (max(abs(each) for each in axis) * 10 for axis in zip(*off, strict=True))
    x += rng.integers(-1, 2) * TURNS.get(crs, 0.0)
    rows, cols = rng.integers(20, 60, 2)
    return Place(crs, Affine(width, 0, x - cols / 2 * width, 0, -height, y + rows / 2 * height), (rows, cols))


def true_extent(case, crs):
    """Return (left, bottom, right, top) of the place in a CRS, from many points of its edges. x goes on."""
    steps = np.linspace(0, 1, 2001)
    row = np.concatenate([0 * steps, steps, 0 * steps + 1, steps[::-1]]) * SHAPE[0]
    col = np.concatenate([steps, 0 * steps + 1, steps[::-1], 0 * steps]) * SHAPE[1]
    x, y = case.ground(crs, row, col)
    left, right, bottom, top = None, None, y.min(), y.max()
    if crs in TURNS:
        x = np.unwrap(x, period=TURNS[crs])
        if abs(x[-1] - x[0]) > TURNS[crs] / 2:  # once around a pole
            left, right = -TURNS[crs] / 2, TURNS[crs] / 2
            pole = right if crs == "EPSG:3857" else TURNS[crs] / 4
            bottom, top = (-pole, top) if case.crs == "EPSG:3031" else (bottom, pole)
    square = TURNS["EPSG:3857"] / 2
    if crs == "EPSG:3857" and (bottom < square and top > -square or left is not None):  # as far as web maps go
        bottom, top = max(bottom, -TURNS[crs] / 2), min(top, TURNS[crs] / 2)
    return (x.min() if left is None else left), bottom, (x.max() if right is None else right), top


def suggested(place, crs, **words):
    """Return a default target, and its (left, bottom, right, top)."""
    found = target_place(place, crs, None, words.get("resolution"), words.get("bounds"))
    t, (rows, cols) = found.transform, found.shape
    return found, np.array([t.c, t.f + rows * t.e, t.c + cols * t.a, t.f])


def through(grid, shape):
    """Return rows and columns in the source for each output pixel, of all parts of a grid."""
    found = np.full((2, *shape), np.nan)
    for part, _ in grid.parts(Window.of_shape(shape)):
        found[:, *part.slices] = coordinates(grid.read(part))
    return found


def centres(target):
    """Return (x, y) of the centres of a target's pixels."""
    rows, cols = np.mgrid[: target.shape[0], : target.shape[1]] + 0.5
    x, y = target.transform @ (cols.ravel(), rows.ravel())
    return x.reshape(target.shape), y.reshape(target.shape)


def wrap(x, turn=360.0):
    """Return a longitude from -180 degrees on."""
    return (x + turn / 2) % turn - turn / 2


WEB = TURNS["EPSG:3857"]


CASES = range(5), range(5, 14)  # of each of the 23 combinations: 322


AT_POLES = "EPSG:3413", "EPSG:3031"


def from_pole(case, row, col):
    """Return how many pixels places are from the pole. It is infinity if a case has no pole."""
    if case.crs not in AT_POLES:
        return np.inf
    at = case.pixels(case.crs, 0.0, 0.0)
    return np.hypot(row - at[0], col - at[1])


def bent(case):
    """Say whether what lies between the samples of a swath depends on the CRS: around a pole degrees are bent."""
    return case.crs in AT_POLES and case.kind != "affine"
