"""Where the pixels of one raster lie in another, by map projections and by the models of sensors.

Transforms are rasterio's: they count pixels from the corner of the first pixel. Coordinates in the source count from
its centre, as everywhere in gpumask.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpumask.backends import on_host
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.grids.places.affine import Exact, Points, corners, is_affine, moved, rows_and_cols
from gpumask.grids.places.crs import crs_of, from_seam, full_turn, transformed, wkt_of
from gpumask.grids.places.geolocation import Geolocated, Geolocation, corners_of, widest_cell
from gpumask.grids.places.longitudes import seam_opposite
from gpumask.grids.places.place import Place, around_of, model_of

_LARGE = 2  # a cell of a swath may be torn if it is so many times as large as others


@dataclass(frozen=True)
class Projection:
    """The way from (rows, cols) of a target to those in a source. They are not finite where there are none.

    It can be pickled.

    Attributes
    ----------
    source_crs, target_crs
        The coordinate reference systems, as WKT.
    source
        The source's affine map, or its model: a function from (x, y) to (row, col).
    target
        The target's affine map.
    seam
        Where the source's x begins, if its CRS has a full turn.
    """

    source_crs: str
    source: Any
    target_crs: str
    target: Any
    seam: float | None = None

    def __call__(self, rows: np.ndarray, cols: np.ndarray) -> Points:
        """Return rows and columns in the source."""
        x, y = self.places(rows, cols)
        if is_affine(self.source):
            return rows_and_cols(self.source, x, y)
        return _found_by(self.source, x, y)

    def places(self, rows: np.ndarray, cols: np.ndarray) -> Points:
        """Return x and y in the source's CRS."""
        rows, cols = np.broadcast_arrays(np.asarray(rows, float) + 0.5, np.asarray(cols, float) + 0.5)
        a, b, c, d, e, f = self.target[:6]
        x, y = a * cols + b * rows + c, d * cols + e * rows + f
        if self.source_crs != self.target_crs:
            x, y = transformed(self.target_crs, self.source_crs, x, y)
        return from_seam(self.source_crs, self.seam, x), y


def projection(source: Place, target: Place) -> Exact:
    """Return where a target's pixels lie in a source. See `grid_between`."""
    if not is_affine(target.transform):
        raise ArgumentTypeError(f"target_transform: expected an affine.Affine; got {type(target.transform).__name__}")
    for name, place in {"source_transform": source, "target_transform": target}.items():
        given = place.transform
        if is_affine(given) and not (all(map(math.isfinite, given[:6])) and given.determinant):
            raise GpumaskError(f"{name}: expected an affine map that can be inverted; got {tuple(given[:6])}")
    model, source_crs = model_of(source)
    target_crs = wkt_of("target_crs", target.crs)
    if isinstance(model, Geolocation):
        return _geolocated(model, source_crs, target_crs, target)
    goes_around = source.shape is not None and any(around_of(source))
    seam = _opposite(source_crs, target_crs, target) if goes_around else seam_of(source_crs, model, source.shape)
    return Projection(source_crs, model, target_crs, target.transform, seam)


def _geolocated(swath: Geolocation, source_crs: str, target_crs: str, target: Place) -> Geolocated:
    """Return the way from a target's pixels to the samples of a swath."""
    x, y = swath.x, swath.y
    if source_crs != target_crs:
        x, y = transformed(source_crs, target_crs, x, y)
    x, seam = np.array(x, float), seam_of(target_crs, target.transform, target.shape)
    turn, affine = full_turn(target_crs), target.transform
    with np.errstate(invalid="ignore"):
        rows, cols = rows_and_cols(affine, from_seam(target_crs, seam, x), np.asarray(y))
        if turn is None:
            torn = None if source_crs == target_crs else _torn(swath, source_crs, target_crs, affine, (rows, cols))
            return Geolocated(swath, rows, cols, (widest_cell(rows), widest_cell(cols)), torn=torn)
    around = abs(turn / affine.a) if not affine.b and not affine.d else None
    return Geolocated(swath, rows, cols, (math.inf, turn / 2 / math.hypot(affine.a, affine.d)), around)


def _torn(swath: Geolocation, source_crs: str, target_crs: str, affine: Any, at: Points) -> np.ndarray:
    """Say which cells of a swath an edge of the target's projection tears, so that their middles are elsewhere.

    `at` is the rows and columns of the target at the samples. Only cells that are larger than most can be torn.
    """
    large = np.zeros([n - 1 for n in at[0].shape], bool)
    for size in (np.ptp(corners_of(samples), axis=0) for samples in at):
        known = size[np.isfinite(size)]
        large |= size > _LARGE * (np.quantile(known, 0.25) if len(known) else np.inf)
    torn = np.zeros(large.shape, bool)
    if not large.any():
        return torn
    row, col = (corners_of(samples)[:, large].mean(axis=0) for samples in at)
    x, y = moved(affine, np.stack([col, row], axis=-1) + 0.5).T
    middle = _on_globe(source_crs, *transformed(target_crs, source_crs, x, y))
    ends = corners_of(_on_globe(source_crs, swath.x, swath.y))[..., large]
    wide = np.maximum(*(np.linalg.norm(ends[a] - ends[b], axis=0) for a, b in ((0, 3), (1, 2))))
    torn[large] = ~(np.linalg.norm(middle - ends.mean(axis=0), axis=0) <= wide / 4)
    return torn


def _on_globe(crs: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return longitudes and latitudes as points of a sphere. Return x and y of another CRS as they are."""
    turn = full_turn(crs)
    if turn is None or not crs_of(crs).is_geographic:
        return np.stack([x, y])
    lon, lat = (np.asarray(angle) * (2 * np.pi / turn) for angle in (x, y))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def _found_by(model: Any, x: np.ndarray, y: np.ndarray) -> Points:
    """Return the rows and columns that a model gives, as new arrays."""
    found = model(x, y)
    try:
        row, col = (on_host("source_transform", places).astype(np.float64) for places in found)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(
            f"source_transform: expected a function that returns (row, col) arrays; got a {type(found).__name__}"
        ) from error
    if row.shape != x.shape or col.shape != x.shape:
        raise GpumaskError(
            f"source_transform: expected rows and columns of shape {x.shape}, as x and y; got {row.shape}, {col.shape}"
        )
    return row, col


def seam_of(crs: str, model: Any, shape: tuple[int, int] | None) -> float | None:
    """Return where x begins so that no source is cut: opposite its middle, or at its edge if the rest is unknown.

    If only the edge is known, a target that reaches beyond it is cut there. Return None if x has no turn, or if a model
    handles turns itself. Return None also if only the edge is known and x is no longitude, as few sources are cut then.
    """
    turn = full_turn(crs)
    if turn is None:
        return None
    if hasattr(model, "longitudes"):
        return seam_opposite(model.longitudes, turn)
    if not is_affine(model):
        return None
    if shape is None:
        return float(model.c if model.a >= 0 else model.c - turn) if crs_of(crs).is_geographic else None
    x = corners(model, shape)[0]
    return seam_opposite((x.min(), x.max()), turn)


def _opposite(source_crs: str, target_crs: str, target: Place) -> float | None:
    """Return the longitude opposite the middle of a target, so that longitudes around the middle do not jump.

    Return None if source and target share a CRS, as then nothing jumps. Return None also if the middle has no
    longitude. A source that goes around has a pixel for every longitude.
    """
    turn = full_turn(source_crs)
    if source_crs == target_crs or turn is None:
        return None
    rows, cols = target.shape or (0, 0)
    middle = moved(target.transform, np.array([(cols / 2, rows / 2)]))[0].tolist()
    x, _ = transformed(target_crs, source_crs, *middle)
    return float(x - turn / 2) if math.isfinite(x) else None
