"""Polygons from vector files, brought into the pixels of a raster."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from gpumask.errors import GpumaskError
from gpumask.grids.places.affine import moved
from gpumask.masks.polygons import polygons_of

if TYPE_CHECKING:
    from rasterio.io import DatasetReader


# How far off the outlines may be, in pixels, after a change of CRS. Straight edges become curves there.
_TOLERANCE = 0.01
_MOST_HALVINGS = 16
_log = logging.getLogger("gpumask")


def read_polygons(name: str, path: str, layer: str | None, raster: DatasetReader) -> list[Any]:
    """Return a layer's polygons as shapely polygons, in pixels of a raster. (0, 0) is the corner of the first pixel.

    `layer` may be None if the file has only one layer. Features without a geometry are left out. A layer in another CRS
    than the raster's is reprojected. If the raster has no CRS, coordinates are taken as they are.
    Raises GpumaskError, which calls the file by `name`, if it can't be read or holds anything but polygons.
    """
    import shapely

    crs, found = _read(name, path, layer)
    polygons = polygons_of(f"{name}: {path}", [geometry for geometry in found if geometry is not None])
    if raster.crs and not crs:
        raise GpumaskError(
            f"{name}: expected a layer with a CRS, as {raster.name} has; got none in {path} (ogr2ogr -a_srs sets it)"
        )
    if crs and not raster.crs:
        _log.warning("%s: %s has no CRS, so coordinates are taken as they are", name, raster.name)
    elif crs and crs != raster.crs:
        polygons = _reprojected(name, polygons, crs, raster)
    return [shapely.transform(polygon, lambda xy: moved(~raster.transform, xy)) for polygon in polygons]


def _read(name: str, path: str, layer: str | None) -> tuple[Any, list[Any]]:
    """Return a layer's CRS and its geometries. The CRS is None if the layer has none."""
    import shapely
    from rasterio.crs import CRS

    try:
        import pyogrio
    except ImportError as error:
        raise GpumaskError(f"{name}: expected pyogrio (pip install 'gpumask[vector]'); got {error}") from error
    try:
        layers = [str(known) for known, _ in pyogrio.list_layers(path)]
        if layer not in layers and (layer or len(layers) != 1):
            raise GpumaskError(f"{name}: expected FILE:LAYER, one of {', '.join(layers)}; got {layer or path}")
        meta, _, wkb, _ = pyogrio.raw.read(path, layer=layer or layers[0], columns=[], force_2d=True)
        if wkb is None:
            raise GpumaskError(f"{name}: expected a layer with geometries; got none in {path}")
        return CRS.from_user_input(meta["crs"]) if meta["crs"] else None, list(shapely.from_wkb(wkb))
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, shapely.GEOSException) as error:
        raise GpumaskError(f"{name}: {error}") from error


def _reprojected(name: str, polygons: list[Any], crs: Any, raster: DatasetReader) -> list[Any]:
    """Return polygons in the raster's CRS. Edges that would bend get more vertices first.

    Parts far from the raster are left out, as they may have no place in that CRS.
    """
    import shapely
    from rasterio.warp import transform

    near = _neighbourhood(raster, crs)
    parts = [part for part in shapely.get_parts(shapely.intersection(polygons, near)) if part.area > 0]
    # Polygons that are all far away still say that no pixel is inside. One beside the raster says it for them.
    elsewhere = shapely.difference(shapely.envelope(near).buffer(1), shapely.envelope(near))
    polygons = parts or [elsewhere for polygon in polygons if polygon.area > 0][:1]

    def move(xy: np.ndarray) -> np.ndarray:
        return np.stack(transform(crs, raster.crs, xy[:, 0], xy[:, 1])[:2], axis=1)

    a, b, _, d, e, _ = raster.transform[:6]
    tolerance = _TOLERANCE * min(np.hypot(a, d), np.hypot(b, e))
    for _ in range(_MOST_HALVINGS):
        length, off = _longest_edge_and_bend(polygons, move)
        if not np.isfinite(off):
            raise GpumaskError(f"{name}: expected polygons that lie where {raster.crs} is defined; got others")
        if off <= tolerance:
            break
        polygons = list(shapely.segmentize(polygons, length / 2))
    else:
        _log.warning("%s: outlines are up to %.3g of the raster's units off after their change of CRS", name, off)
    return polygons_of(name, [shapely.transform(polygon, move) for polygon in polygons])


def _neighbourhood(raster: DatasetReader, crs: Any) -> Any:
    """Return a box around a raster in another CRS. It is two boxes if the raster crosses the antimeridian."""
    import shapely
    from rasterio.warp import transform_bounds

    rows, cols = raster.shape
    corners = moved(raster.transform, np.array([(0, 0), (cols, 0), (0, rows), (cols, rows)]))
    left, bottom, right, top = transform_bounds(raster.crs, crs, *corners.min(axis=0), *corners.max(axis=0))
    across = left > right
    margin = max((360 if across else 0) + right - left, top - bottom) / 10
    low, high = bottom - margin, top + margin
    if across:
        return shapely.union(shapely.box(left - margin, low, 180, high), shapely.box(-180, low, right + margin, high))
    return shapely.box(left - margin, low, right + margin, high)


def _longest_edge_and_bend(polygons: list[Any], move: Callable[[np.ndarray], np.ndarray]) -> tuple[float, float]:
    """Return the length of the longest edge, and how far the edges bend when they are moved.

    The bend is the distance between moved points of an edge and the straight line between its moved ends.
    """
    import shapely

    xy, ring = shapely.get_coordinates(shapely.get_rings(polygons), return_index=True)
    if not len(xy):
        return 0.0, 0.0
    edge = ring[:-1] == ring[1:]
    ends, off = move(xy), 0.0
    for share in (0.2, 0.5, 0.7):  # not symmetric, so that no symmetric bend is overlooked
        bent, straight = (((1 - share) * at[:-1] + share * at[1:])[edge] for at in (xy, ends))
        off = max(off, float(np.hypot(*(move(bent) - straight).T).max()))
    return float(np.hypot(*np.diff(xy, axis=0)[edge].T).max()), off
