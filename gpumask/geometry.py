"""Polygons to rasters: which pixels lie inside.

Geometries are (x, y) = (col, row). A pixel is inside where its centre is. Where the outline passes through the centre,
GDAL's rule decides: left edges are outside and right ones inside, upper ones inside and lower ones outside. Masks don't
depend on it, for their polygons are widened first.

For each row of pixels the outlines' crossings with its middle are found, in the coordinates of the whole image, so that
no pixel depends on how an image is cut into tiles. A kernel fills the pixels between them.
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

_log = logging.getLogger("gpumask")


@dataclass(frozen=True, eq=False)
class Polygons:
    """Valid is what lies inside one of the `valid` polygons and in none of the `invalid` ones.

    valid, invalid: a shapely Polygon or MultiPolygon, anything with `__geo_interface__` or such a mapping, or an
        iterable of these; None: no such condition. A polygon that crosses itself is repaired, and one without an area
        covers nothing.
    origin: (row, col) in the polygons' coordinates of pixel (0, 0)'s centre: (0.5, 0.5) where whole numbers are
        corners, as in rasterio.

    A pixel is inside where its centre is, or is on the outline: every polygon is widened by 1e-6 first.
    Raises GpumaskError for vertices that are not finite, geometries that are no polygons, and where there is something
    for `valid` but nothing with an area in it.

    >>> from shapely import box
    >>> Polygons(valid=box(0.5, 0.5, 2.5, 1.5), origin=(0.5, 0.5)).validity(Window(0, 0, 2, 4), get("numpy"))
    array([[1, 1, 1, 0],
           [1, 1, 1, 0]], dtype=uint8)
    """

    valid: Any = None
    invalid: Any = None
    origin: tuple[float, float] = (0.0, 0.0)
    _outlines: dict[str, Outlines] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Take geometries of every kind, repair and widen them."""
        object.__setattr__(self, "origin", check_pair("origin", self.origin))
        outlines = {}
        for name in ("valid", "invalid"):
            if getattr(self, name) is not None:
                polygons = widened(polygons_of(name, getattr(self, name)), BUFFER)
                if name == "valid" and not polygons:
                    raise GpumaskError(f"{name}: expected a polygon with an area, or None for no condition; got none")
                outlines[name] = Outlines.of(polygons, self.origin)
        object.__setattr__(self, "_outlines", outlines)

    def validity(self, window: Window, backend: Backend) -> Any:
        """Return a uint8 (row, col) validity of a window of pixels, in the backend's memory."""
        found = [outlines.inside(window, backend) ^ (name == "invalid") for name, outlines in self._outlines.items()]
        return found[0] & found[-1] if found else backend.asarray(np.ones(window.shape, np.uint8))


@dataclass(frozen=True, eq=False)
class Outlines:
    """The edges of polygons, in pixels, a whole number being a pixel's centre.

    top, bottom: (2, edges), (col, row) of each edge's upper and lower end. turn: (edges,), how much oftener polygons
    wind around what lies right of an edge than around what lies left. level: (3, edges), row, left and right end of
    the lower level edges of a mirrored grid, which GDAL counts as inside.
    """

    top: np.ndarray
    bottom: np.ndarray
    turn: np.ndarray
    level: np.ndarray

    @classmethod
    def of(cls, polygons: list[Any], origin: tuple[float, float], step: tuple[float, float] = (1.0, 1.0)) -> Outlines:
        """Return the edges of valid polygons: pixel (r, c) is at x = origin[1] + c * step[1], y likewise."""
        import shapely

        rings, polygon = shapely.get_rings(polygons, return_index=True)
        is_outer = np.diff(polygon, prepend=-1) != 0
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        pixel = (xy - origin[::-1]) / step[::-1]
        start = np.flatnonzero(ring[:-1] == ring[1:])
        (x1, y1), (x2, y2) = pixel[start].T, pixel[start + 1].T
        mirrored = step[0] * step[1] < 0
        is_ccw = (shapely.is_ccw(rings) != mirrored)[ring[start]]
        is_outer = is_outer[ring[start]]
        turn = np.where(((y1 < y2) != is_ccw) == is_outer, 1, -1).astype(np.int32)
        ends = np.where(y1 < y2, [x1, y1, x2, y2], [x2, y2, x1, y1])[:, y1 != y2]
        level = (y1 == y2) & (((x1 < x2) != is_ccw) == is_outer) & mirrored
        return cls(ends[:2], ends[2:], turn[y1 != y2], np.stack([y1, np.minimum(x1, x2), np.maximum(x1, x2)])[:, level])

    def inside(self, window: Window, backend: Backend) -> Any:
        """Return uint8 (row, col), 1 where a pixel of the window is inside, in the backend's memory."""
        rows, places, turns = (
            np.concatenate(pair) for pair in zip(self._slanted(window), self._level(window), strict=True)
        )
        places = np.clip(np.floor(places) + 1 - window.col, 0, window.cols).astype(np.int32)
        order = np.lexsort((places, rows))
        order = order[places[order] < window.cols]
        starts = np.searchsorted(rows[order], np.arange(window.rows + 1))
        sums = np.concatenate([[0], np.cumsum(turns[order])])
        windings = sums[1:] - np.repeat(sums[starts[:-1]], np.diff(starts))
        out = backend.empty(window.shape, np.uint8)
        tables = starts.astype(np.int64), places[order], windings.astype(np.int32)
        backend.run("winding", window.shape, *map(backend.asarray, tables), out)
        return out

    def _slanted(self, window: Window) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return rows of the window, columns and turns where edges cross the middle of a row."""
        ends = (np.clip(np.ceil(end[1]) - window.row, 0, window.rows) for end in (self.top, self.bottom))
        first, stop = (end.astype(np.int64) for end in ends)
        edge = np.repeat(np.arange(len(first)), stop - first)
        row = np.arange(len(edge)) - np.repeat(np.cumsum(stop - first) - stop, stop - first)
        (x1, y1), (x2, y2) = self.top[:, edge], self.bottom[:, edge]
        return row, (row + window.row - y1) * (x2 - x1) / (y2 - y1) + x1, self.turn[edge]

    def _level(self, window: Window) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the same for both ends of level edges that lie in the middle of a row."""
        row, left, right = self.level
        here = (row == np.floor(row)) & (row >= window.row) & (row < window.row_stop)
        rows = (row[here] - window.row).astype(np.int64)
        turns = np.ones(len(rows), np.int32)
        return np.tile(rows, 2), np.concatenate([left[here], right[here]]), np.concatenate([turns, -turns])


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
    return list(shapely.get_parts(shapely.buffer(whole, distance, quad_segs=1))) if distance and whole else whole


def covered(polygons: list[Any], x: np.ndarray, y: np.ndarray, predicate: str) -> np.ndarray:
    """Return bool, shaped as x and y: whether a point is covered by, contained in or intersects any polygon.

    predicate: "covers", "contains" or "intersects", as shapely has them: the first and last count the outline.
    """
    import shapely

    test = shapely.contains_xy if predicate == "contains" else shapely.intersects_xy
    inside = np.zeros(x.shape, bool)
    for polygon in polygons:
        shapely.prepare(polygon)
        inside |= test(polygon, x, y)
    return inside


def check_pair(name: str, origin: Any) -> tuple[float, float]:
    """Return (row, col) as two finite floats."""
    try:
        row, col = map(float, origin)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"{name}: expected two numbers, (row, col); got {origin!r}") from error
    if not (math.isfinite(row) and math.isfinite(col)):
        raise GpumaskError(f"{name}: expected finite numbers; got {origin!r}")
    return row, col
