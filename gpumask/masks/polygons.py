"""Which pixels lie inside polygons.

Geometries are (x, y) = (col, row). A pixel is inside if its centre is. For each row of pixels, the places are found
where outlines cross its middle. A kernel fills the pixels between them. These places are in the coordinates of the
whole image, so no pixel depends on how the image is cut into tiles.

An outline may pass through a centre. Then GDAL's rule decides: left and lower edges are outside, right and upper edges
are inside. Masks don't depend on this rule, because their polygons are widened first.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gpumask.backends.backend import Backend
from gpumask.backends.launch import launch
from gpumask.backends.table import Table
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.pixels.window import Window

WIDENING = 1e-6
_MOST_CROSSINGS = 1 << 22  # crossings of rows and outlines at a time
_MOST_KEPT = 1 << 18  # crossings that are kept from one call to the next
_LARGEST = 1e100  # largest coordinate. Products of two don't overflow.
_log = logging.getLogger("gpumask")


@dataclass(frozen=True, eq=False)
class Polygons:
    """Valid pixels lie inside one of the `valid` polygons and in none of the `invalid` polygons.

    A pixel is inside a polygon if its centre is inside or on the outline. To reach that, every polygon is widened by
    1e-6. A polygon that crosses itself is repaired. A polygon without an area covers nothing.

    Parameters
    ----------
    valid
        A shapely Polygon or MultiPolygon, an object with `__geo_interface__`, such a mapping, or an iterable of these.
        None means that pixels anywhere may be valid.
    invalid
        Geometries of the same kinds. None means that no polygon makes pixels invalid.
    origin
        The (row, col) of pixel (0, 0)'s centre in the polygons' coordinates. It is (0.5, 0.5) where whole numbers are
        the corners of pixels, as in rasterio.

    Raises
    ------
    GpumaskError
        If a vertex is not finite, or a geometry is not a polygon. Also if `valid` holds geometries, but none of them
        has an area.

    Examples
    --------
    >>> from gpumask import validity_mask
    >>> from shapely import box
    >>> validity_mask((2, 4), Polygons(valid=box(0.5, 0.5, 2.5, 1.5), origin=(0.5, 0.5)))
    array([[1, 1, 1, 0],
           [1, 1, 1, 0]], dtype=uint8)
    """

    valid: Any = None
    invalid: Any = None
    origin: tuple[float, float] = (0.0, 0.0)
    _outlines: dict[str, Outlines] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Accept geometries of every kind, repair them and widen them."""
        object.__setattr__(self, "origin", check_pair("origin", self.origin))
        outlines = {}
        for name in ("valid", "invalid"):
            if getattr(self, name) is not None:
                polygons = widened(polygons_of(name, getattr(self, name)), WIDENING)
                if name == "valid" and not polygons:
                    raise GpumaskError(
                        f"{name}: expected a polygon with an area, or None if pixels anywhere may be valid; got none"
                    )
                outlines[name] = Outlines.of(polygons, self.origin)
        object.__setattr__(self, "_outlines", outlines)

    @property
    def margin(self) -> int:
        """How many pixels around a window affect it."""
        return 0

    def validity(self, window: Window, backend: Backend) -> Any:
        """Compute the validity of a window of pixels.

        Parameters
        ----------
        window
            The pixels wanted.
        backend
            The backend that computes.

        Returns
        -------
        array
            A uint8 (row, col) validity in the backend's memory, 1 is valid.
        """
        inside = {name: outlines.inside(window, backend) for name, outlines in self._outlines.items()}
        if not inside:
            return backend.full(window.shape, 1, np.uint8)
        if "invalid" not in inside:
            return inside["valid"]
        outside = inside["invalid"] ^ 1
        return outside & inside["valid"] if "valid" in inside else outside


@dataclass(frozen=True, eq=False)
class Outlines:
    """The edges of polygons in pixels. A whole number is a pixel's corner.

    Attributes
    ----------
    top
        (2, edges), the (col, row) of each edge's upper end.
    bottom
        (2, edges), the (col, row) of each edge's lower end.
    turn
        (edges,), how often polygons wind around what lies right of an edge, less how often around what lies left of it.
    level
        (3, edges), the row, the left end and the right end of the level edges that GDAL counts as inside. These are the
        upper edges of each ring, or the lower ones on a mirrored grid.
    """

    top: np.ndarray
    bottom: np.ndarray
    turn: np.ndarray
    level: np.ndarray
    #: The crossings of the last window.
    _last: dict[Window, tuple[Table, Table, Table]] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, polygons: list[Any], origin: tuple[float, float], step: tuple[float, float] = (1.0, 1.0)) -> Outlines:
        """Return the edges of valid polygons, where pixel (r, c) is at x = origin[1] + c * step[1].

        y depends on r, origin[0] and step[0] in the same way.
        """
        import shapely

        rings, polygon = shapely.get_rings(polygons, return_index=True)
        is_outer = np.diff(polygon, prepend=-1) != 0
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        scale = 1 / np.array(step[::-1])
        pixel = xy * scale - (np.array(origin[::-1]) - 0.5 * np.array(step[::-1])) * scale  # rounded as GDAL rounds it
        start = np.flatnonzero(ring[:-1] == ring[1:])
        (x1, y1), (x2, y2) = pixel[start].T, pixel[start + 1].T
        mirrored = step[0] * step[1] < 0
        is_ccw = (shapely.is_ccw(rings) != mirrored)[ring[start]]
        is_outer = is_outer[ring[start]]
        turn = np.where(((y1 < y2) != is_ccw) == is_outer, 1, -1).astype(np.int32)
        ends = np.where(y1 < y2, [x1, y1, x2, y2], [x2, y2, x1, y1])[:, y1 != y2]
        level = (y1 == y2) & (((x1 < x2) != is_ccw) == mirrored)
        left, right = np.minimum(x1, x2), np.maximum(x1, x2)
        return cls(ends[:2], ends[2:], turn[y1 != y2], np.stack([y1, left, right])[:, level])

    def inside(self, window: Window, backend: Backend) -> Any:
        """Return uint8 (row, col) in the backend's memory, 1 where a pixel of the window is inside."""
        first, stop = self._rows_crossed(window)
        if window.rows > 1 and (stop - first).sum() > _MOST_CROSSINGS:
            halves = window.tiles(-(-window.rows // 2), window.cols)
            return np.concatenate([self.inside(half, backend) for half in halves])
        out = backend.empty(window.shape, np.uint8)
        tables = self._last.get(window)
        if tables is None:
            tables = self._crossings(window, first, stop)
            self._last.clear()
            if (stop - first).sum() <= _MOST_KEPT:
                self._last[window] = tables
        launch(backend, "inside_polygons", window.shape, *map(backend.table, tables), out)
        return out

    def _rows_crossed(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of a window whose middle each edge crosses: the first one, and the one after the last."""
        first, stop = (
            np.clip(np.ceil(end[1] - 0.5) - window.row, 0, window.rows).astype(np.int64)
            for end in (self.top, self.bottom)
        )
        return first, stop

    def _crossings(self, window: Window, first: np.ndarray, stop: np.ndarray) -> tuple[Table, Table, Table]:
        """Return where the crossings of each row start, their columns and their windings, as the kernel reads them."""
        found = self._slanted(window, first, stop), self._level(window)
        rows, places, turns = (np.concatenate(parts) for parts in zip(*found, strict=True))
        places = np.clip(np.floor(places + 0.5) - window.col, 0, window.cols).astype(np.int64)
        # The keys are sorted by row, then by place. The last bit is the turn, 1 or -1.
        keys = np.sort(((rows * window.cols + places) << 1 | (turns > 0))[places < window.cols])
        starts = np.searchsorted(keys >> 1, np.arange(window.rows + 1) * window.cols)
        sums = np.concatenate([[0], np.cumsum((keys & 1) * 2 - 1)])
        windings = sums[1:] - np.repeat(sums[starts[:-1]], np.diff(starts))
        places = ((keys >> 1) % window.cols).astype(np.int32)
        return Table(starts.astype(np.int64)), Table(places), Table(windings.astype(np.int32))

    def _slanted(
        self, window: Window, first: np.ndarray, stop: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return rows of the window, columns and turns where edges cross the middle of rows `first` to `stop`."""
        edge = np.repeat(np.arange(len(first)), stop - first)
        row = np.arange(len(edge)) - np.repeat(np.cumsum(stop - first) - stop, stop - first)
        (x1, y1), (x2, y2) = self.top[:, edge], self.bottom[:, edge]
        return row, (row + window.row + 0.5 - y1) * (x2 - x1) / (y2 - y1) + x1, self.turn[edge]

    def _level(self, window: Window) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return rows, columns and turns of both ends of the level edges that lie in the middle of a row."""
        row, left, right = self.level
        row = row - 0.5
        here = (row == np.floor(row)) & (row >= window.row) & (row < window.row_stop)
        rows = (row[here] - window.row).astype(np.int64)
        turns = np.ones(len(rows), np.int32)
        return np.tile(rows, 2), np.concatenate([left[here], right[here]]), np.concatenate([turns, -turns])


def polygons_of(name: str, geometry: Any) -> list[Any]:
    """Return the shapely Polygons in a geometry of any kind. See `Polygons`. Empty polygons stay in the list."""
    import shapely

    found, repaired = [], []
    for polygon in _flattened(name, geometry):
        if not (abs(shapely.get_coordinates(polygon)) < _LARGEST).all():
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
    """Yield the Polygons of a geometry of any kind, unchanged."""
    import shapely

    if isinstance(geometry, shapely.Polygon):
        yield geometry
    elif isinstance(geometry, shapely.MultiPolygon | shapely.GeometryCollection):
        yield from (polygon for part in geometry.geoms for polygon in _flattened(name, part))
    elif isinstance(geometry, Mapping):
        yield from _from_mapping(name, geometry)
    elif hasattr(geometry, "__geo_interface__") and not isinstance(geometry, shapely.Geometry):
        yield from _from_mapping(name, geometry.__geo_interface__)
    elif isinstance(geometry, Iterable) and not isinstance(geometry, str | bytes) and _has_axes(geometry):
        yield from (polygon for part in geometry for polygon in _flattened(name, part))
    else:
        kind = getattr(geometry, "geom_type", None)
        wanted = "polygons" if kind else "polygons, or something with __geo_interface__"
        raise ArgumentTypeError(f"{name}: expected {wanted}; got {kind or repr(geometry)}")


def _has_axes(geometry: Any) -> bool:
    """Say whether an object is an array with axes. An array of one value has none, and no length."""
    return not isinstance(geometry, np.ndarray) or geometry.ndim > 0


def _from_mapping(name: str, mapping: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the Polygons of a GeoJSON mapping."""
    import shapely.geometry

    kind, features, geometry = mapping.get("type"), mapping.get("features"), mapping.get("geometry", 0)
    if kind == "FeatureCollection" and isinstance(features, Iterable):
        for feature in features:
            yield from _flattened(name, feature)
    elif kind == "Feature" and (geometry is None or isinstance(geometry, Mapping)):
        if geometry is not None:
            yield from _from_mapping(name, geometry)
    else:
        try:
            shape = shapely.geometry.shape(mapping)
        except Exception as error:
            raise ArgumentTypeError(f"{name}: expected a GeoJSON geometry; got {mapping!r}"[:300]) from error
        yield from _flattened(name, shape)


def widened(polygons: list[Any], distance: float) -> list[Any]:
    """Return the polygons that have an area, each widened by a distance."""
    import shapely

    whole = [polygon for polygon in polygons if polygon.area > 0]
    if not distance or not whole:
        return whole
    buffered = shapely.buffer(whole, distance, quad_segs=1)
    # GEOS returns an empty polygon if the distance is tiny beside the polygon.
    wider = [old if new.is_empty and distance > 0 else new for old, new in zip(whole, buffered, strict=True)]
    return [polygon for polygon in shapely.get_parts(wider) if not polygon.is_empty]


def covered(polygons: list[Any], x: np.ndarray, y: np.ndarray, predicate: str) -> np.ndarray:
    """Return bool (y, x): whether any polygon covers the point at column x and row y.

    `predicate` is shapely's "covers", "contains" or "intersects". "covers" and "intersects" include the outline.
    """
    import shapely

    test = shapely.contains_xy if predicate == "contains" else shapely.intersects_xy
    inside = np.zeros((len(y), len(x)), bool)
    for polygon in polygons:
        shapely.prepare(polygon)
        inside |= test(polygon, x, y[:, None])
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
