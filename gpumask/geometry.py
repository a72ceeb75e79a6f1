"""Polygons to rasters: where they are valid, by the rule of rasterio's rasterize or by a predicate of shapely's.

Geometries are (x, y) = (col, row). Every polygon is widened by 1e-6 first, so that a pixel whose centre lies on an
outline is inside, whatever the rule.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gpumask.backends import Backend
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.window import Window

BUFFER = 1e-6
RULES = ("rasterio", "covers", "contains", "intersects")
# Polygons are rasterised in squares of so many pixels that begin at multiples of it, whatever part of them is wanted:
# so no pixel depends on how an image is cut into tiles.
_SQUARE = 1024

_log = logging.getLogger("gpumask")


@dataclass(frozen=True, eq=False)
class Polygons:
    """Valid is what lies inside one of the `valid` polygons and in none of the `invalid` ones.

    valid, invalid: a shapely Polygon or MultiPolygon, anything with `__geo_interface__` or such a mapping, or an
        iterable of these; None: no such condition. A polygon that crosses itself is repaired, and one without an area
        covers nothing.
    origin: (row, col) in the polygons' coordinates of pixel (0, 0)'s centre: (0.5, 0.5) where whole numbers are
        corners, as in rasterio.
    rule: "rasterio", a pixel is inside where its centre is, by GDAL; or a predicate that shapely tests the centre with:
        "covers", "intersects" (both count the outline) or "contains".

    Raises GpumaskError for vertices that are not finite, geometries that are no polygons, and where there is something
    for `valid` but nothing with an area in it.

    >>> from shapely import box
    >>> Polygons(valid=box(0.5, 0.5, 2.5, 1.5), origin=(0.5, 0.5)).validity(Window(0, 0, 2, 4))
    array([[1, 1, 1, 0],
           [1, 1, 1, 0]], dtype=uint8)
    """

    valid: Any = None
    invalid: Any = None
    origin: tuple[float, float] = (0.0, 0.0)
    rule: str = "rasterio"
    _trees: dict[str, Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Take geometries of every kind, repair and widen them, and index them by place."""
        import shapely

        if self.rule not in RULES:
            raise GpumaskError(f"rule: expected one of {', '.join(RULES)}; got {self.rule!r}")
        object.__setattr__(self, "origin", check_origin("origin", self.origin))
        trees = {}
        for name in ("valid", "invalid"):
            if getattr(self, name) is not None:
                polygons = widened(polygons_of(name, getattr(self, name)), BUFFER)
                if name == "valid" and not polygons:
                    raise GpumaskError(f"{name}: expected a polygon with an area, or None for no condition; got none")
                trees[name] = shapely.STRtree(polygons)
        object.__setattr__(self, "_trees", trees)

    def validity(self, window: Window, backend: Backend | None = None) -> Any:
        """Return a uint8 (row, col) validity of a window of pixels, in the backend's memory."""
        valid = np.ones(window.shape, np.uint8)
        for name, tree in self._trees.items():
            inside = self._inside(tree, window)
            valid &= inside if name == "valid" else ~inside
        return valid if backend is None else backend.asarray(valid)

    def _inside(self, tree: Any, window: Window) -> np.ndarray:
        """Return bool (row, col): True where a pixel of the window lies in any polygon."""
        import shapely

        inside = np.zeros(window.shape, bool)
        for square in _squares(window):
            part = square.intersect(window)
            # From the square's first pixel on, but no further than wanted.
            shape = part.row_stop - square.row, part.col_stop - square.col
            row, col = self.origin[0] + square.row, self.origin[1] + square.col
            touched = tree.query(shapely.box(col - 1, row - 1, col + shape[1], row + shape[0]))
            if len(touched):
                raster = rasterized(tree.geometries[np.sort(touched)], shape, (row, col), (1.0, 1.0), self.rule)
                inside[part.shift(-window.row, -window.col).slices] = raster[
                    part.shift(-square.row, -square.col).slices
                ]
        return inside


def _squares(window: Window) -> Iterator[Window]:
    """Yield the squares that a window touches."""
    for row in range(window.row // _SQUARE * _SQUARE, window.row_stop, _SQUARE):
        for col in range(window.col // _SQUARE * _SQUARE, window.col_stop, _SQUARE):
            yield Window(row, col, _SQUARE, _SQUARE)


def polygons_of(name: str, geometry: Any) -> list[Any]:
    """Return the shapely Polygons in a geometry of any kind; see `Polygons`. Empty ones stay, and have their say."""
    import shapely

    found, repaired = [], []
    for polygon in _flattened(name, geometry):
        if not np.isfinite(shapely.get_coordinates(polygon)).all():
            raise GpumaskError(f"{name}: expected polygons with finite vertices; got {polygon.wkt[:200]}")
        if polygon.is_empty or polygon.is_valid:
            found.append(polygon)
            continue
        repaired.append(shapely.is_valid_reason(polygon))
        parts = shapely.get_parts(shapely.make_valid(polygon))
        areas = [area for part in parts for area in getattr(part, "geoms", [part]) if area.geom_type == "Polygon"]
        found += areas or [shapely.Polygon()]
    if repaired:
        _log.warning("%s: polygons that are not valid are repaired: %d (%s)", name, len(repaired), repaired[0])
    return found


def _flattened(name: str, geometry: Any) -> Iterator[Any]:
    """Yield the Polygons that a geometry of any kind is made of, as they come."""
    import shapely

    if isinstance(geometry, shapely.Polygon):
        yield geometry
    elif isinstance(geometry, shapely.MultiPolygon | shapely.GeometryCollection):
        yield from (polygon for part in geometry.geoms for polygon in _flattened(name, part))
    elif isinstance(geometry, Mapping):
        yield from _from_mapping(name, geometry)
    elif hasattr(geometry, "__geo_interface__") and not isinstance(geometry, shapely.Geometry):
        yield from _from_mapping(name, geometry.__geo_interface__)
    elif isinstance(geometry, Iterable) and not isinstance(geometry, str | bytes):
        yield from (polygon for part in geometry for polygon in _flattened(name, part))
    else:
        came = getattr(geometry, "geom_type", repr(geometry))
        raise ArgumentTypeError(f"{name}: expected polygons, or something with __geo_interface__; got {came}")


def _from_mapping(name: str, mapping: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the Polygons of a mapping in the form of GeoJSON."""
    import shapely.geometry

    kind = mapping.get("type")
    if kind == "FeatureCollection":
        yield from (polygon for feature in mapping["features"] for polygon in _flattened(name, feature))
    elif kind == "Feature":
        if mapping["geometry"] is not None:
            yield from _flattened(name, mapping["geometry"])
    else:
        try:
            shape = shapely.geometry.shape(mapping)
        except Exception as error:
            raise ArgumentTypeError(f"{name}: expected a geometry as GeoJSON has it; got {mapping!r}"[:300]) from error
        yield from _flattened(name, shape)


def widened(polygons: list[Any], distance: float | None) -> list[Any]:
    """Return the polygons that have an area, each widened by a distance."""
    import shapely

    whole = [polygon for polygon in polygons if polygon.area > 0]
    return list(shapely.buffer(whole, distance, quad_segs=1)) if distance and whole else whole


def rasterized(
    polygons: Any, shape: tuple[int, int], origin: tuple[float, float], step: tuple[float, float], rule: str
) -> np.ndarray:
    """Return bool (row, col): True where a pixel lies in any polygon, as these are; for the rules see `Polygons`.

    Pixel (r, c) has its centre at x = origin[1] + c * step[1], y = origin[0] + r * step[0].
    """
    if rule != "rasterio":
        x, y = (origin[axis] + np.arange(shape[axis]) * step[axis] for axis in (1, 0))
        inside = np.zeros(shape, bool)
        for polygon in polygons:
            left, bottom, right, top = polygon.bounds
            rows, cols = np.flatnonzero((bottom <= y) & (y <= top)), np.flatnonzero((left <= x) & (x <= right))
            places = np.meshgrid(x[cols], y[rows])
            inside[np.ix_(rows, cols)] |= inside_points([polygon], places[0], places[1], rule)
        return inside
    if not len(polygons):
        return np.zeros(shape, bool)
    from affine import Affine
    from rasterio.features import rasterize

    corner = Affine(step[1], 0, origin[1] - 0.5 * step[1], 0, step[0], origin[0] - 0.5 * step[0])
    return np.asarray(rasterize(polygons, shape, transform=corner, dtype=np.uint8)).view(bool)


def inside_points(polygons: Any, x: np.ndarray, y: np.ndarray, rule: str) -> np.ndarray:
    """Return bool, shaped as x and y: True where the point lies in any polygon, by a predicate of shapely's."""
    import shapely

    # A point is covered by what it intersects.
    test = shapely.contains_xy if rule == "contains" else shapely.intersects_xy
    inside = np.zeros(x.shape, bool)
    for polygon in polygons:
        shapely.prepare(polygon)
        inside |= test(polygon, x, y)
    return inside


def check_origin(name: str, origin: Any) -> tuple[float, float]:
    """Return (row, col) as two finite floats."""
    try:
        row, col = map(float, origin)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"{name}: expected two numbers, (row, col); got {origin!r}") from error
    if not (math.isfinite(row) and math.isfinite(col)):
        raise GpumaskError(f"{name}: expected finite numbers; got {origin!r}")
    return row, col
