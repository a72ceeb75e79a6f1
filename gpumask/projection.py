"""Where the pixels of one raster lie in another: by map projections, and by the models of sensors.

Transforms are rasterio's: they count pixels from the corner of the first one. Coordinates that come out count from its
centre, as everywhere in gpumask.
"""

from __future__ import annotations

import functools
import math
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gpumask.backends import on_host
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.geolocation import Geolocated, Geolocation, widest_cell
from gpumask.knots import Knots, SplineKnots, SwathKnots
from gpumask.mesh import Exact
from gpumask.place import moved
from gpumask.sensor import ControlPoints, RationalPolynomials, version
from gpumask.terrain import Terrain

if TYPE_CHECKING:
    from pyproj import CRS, Transformer

Points = tuple[np.ndarray, np.ndarray]

_TURN_OFF = 0.01  # pixels

_own = threading.local()


@dataclass(frozen=True)
class Projection:
    """From (rows, cols) of a target to those in a source; not finite where there are none. It may be pickled.

    source_crs, target_crs: as WKT. source: an affine map or a model: a function from (x, y) to (row, col).
    seam: where the source's longitudes begin, where its CRS has such.
    """

    source_crs: str
    source: Any
    target_crs: str
    target: Any
    seam: float | None = None

    def __call__(self, rows: np.ndarray, cols: np.ndarray) -> Points:
        """Return rows and columns in the source."""
        x, y = self.places(rows, cols)
        if _is_affine(self.source):
            return _pixels(self.source, x, y)
        return _found_by(self.source, x, y)

    def places(self, rows: np.ndarray, cols: np.ndarray) -> Points:
        """Return x and y in the source's CRS."""
        rows, cols = np.broadcast_arrays(np.asarray(rows, float) + 0.5, np.asarray(cols, float) + 0.5)
        a, b, c, d, e, f = self.target[:6]
        x, y = a * cols + b * rows + c, d * cols + e * rows + f
        if self.source_crs != self.target_crs:
            x, y = transformer(self.target_crs, self.source_crs).transform(x, y)
        return _from_seam(self.source_crs, self.seam, x), y


@dataclass(frozen=True)
class Place:
    """Where the pixels of a raster lie: an affine map or a model, and the CRS that it leads to.

    crs: what pyproj takes for one. shape: rows and columns; None: not known.
    """

    crs: Any
    transform: Any
    shape: tuple[int, int] | None = None

    @property
    def identity(self) -> str:
        """What tells this place from others, however its CRS was given."""
        found: list[Any] = [None if self.crs is None else wkt_of("crs", self.crs), self.transform, self.shape]
        heights = version(self.transform)
        return repr(found if heights is None else [*found, *heights])


def projection(source: Place, target: Place) -> Exact:
    """Return where a target's pixels lie in a source; see `Grid.between`."""
    if not _is_affine(target.transform):
        raise ArgumentTypeError(f"target_transform: expected an affine.Affine; got {type(target.transform).__name__}")
    for name, place in {"source_transform": source, "target_transform": target}.items():
        given = place.transform
        if _is_affine(given) and not (all(map(math.isfinite, given[:6])) and given.determinant):
            raise GpumaskError(f"{name}: expected one that can be inverted; got {tuple(given[:6])}")
    model, source_crs = _model(source.transform), source.crs
    if isinstance(model, RationalPolynomials):
        if source_crs is not None and not crs_of(wkt_of("source_crs", source_crs)).is_geographic:
            raise GpumaskError(f"source_crs: expected None, or WGS 84's degrees, for RPCs; got {source_crs}")
        source_crs = "OGC:CRS84"
    crs = wkt_of("source_crs", source_crs), wkt_of("target_crs", target.crs)
    if isinstance(model, Geolocation):
        return _geolocated(model, crs[0], crs[1], target)
    goes_around = source.shape is not None and any(around_of(source))
    seam = _opposite(crs[0], crs[1], target) if goes_around else _seam(crs[0], model, source.shape)
    return Projection(crs[0], model, crs[1], target.transform, seam)


def unevenness(exact: Exact, shape: tuple[int, int], source_shape: tuple[int, int] | None) -> Terrain | Knots | None:
    """Return what is known of where a projection to a target of a shape is not smooth; see `mesh`."""
    if isinstance(exact, Geolocated):
        return SwathKnots(exact, shape, source_shape)
    if isinstance(exact, Projection) and isinstance(exact.source, RationalPolynomials) and exact.source.dem is not None:
        return Terrain(exact, shape)
    if isinstance(exact, Projection) and isinstance(exact.source, ControlPoints) and exact.source.thin_plate:
        x, y = np.array(exact.source.points)[:, 2:4].T
        if exact.source_crs != exact.target_crs:
            x, y = transformer(exact.source_crs, exact.target_crs).transform(x, y)
        x = _from_seam(exact.target_crs, _seam(exact.target_crs, exact.target, shape), x)
        return SplineKnots(exact, shape, *_pixels(exact.target, x, y))
    return None


def _geolocated(swath: Geolocation, source_crs: str, target_crs: str, target: Place) -> Geolocated:
    """Bring the samples of a swath to the pixels of a target."""
    x, y = swath.x, swath.y
    if source_crs != target_crs:
        x, y = transformer(source_crs, target_crs).transform(x, y)
    x, seam = np.array(x, float), _seam(target_crs, target.transform, target.shape)
    turn = full_turn(target_crs)
    with np.errstate(invalid="ignore"):
        rows, cols = _pixels(target.transform, _from_seam(target_crs, seam, x), np.asarray(y))
        if turn is None:
            return Geolocated(swath, rows, cols, (widest_cell(rows), widest_cell(cols)))
    return Geolocated(swath, rows, cols, (math.inf, turn / 2 / math.hypot(target.transform.a, target.transform.d)))


def _from_seam(crs: str, seam: float | None, x: np.ndarray) -> np.ndarray:
    """Return longitudes that begin at the seam."""
    turn = full_turn(crs)
    return x if seam is None or turn is None else x - turn * np.floor((x - seam) / turn)


def _pixels(affine: Any, x: np.ndarray, y: np.ndarray) -> Points:
    """Return rows and columns, counted from the first pixel's centre, of what an affine map counts from its corner."""
    a, b, c, d, e, f = (~affine)[:6]
    return d * x + e * y + f - 0.5, a * x + b * y + c - 0.5


def _found_by(model: Any, x: np.ndarray, y: np.ndarray) -> Points:
    """Return the rows and columns that a model finds, as arrays of their own."""
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


def _model(given: Any) -> Any:
    """Return an affine map, or a function of (x, y)."""
    if isinstance(given, list | tuple) and not _is_affine(given):
        return ControlPoints(given)
    if hasattr(given, "line_num_coeff"):
        return RationalPolynomials(given)
    if not _is_affine(given) and not isinstance(given, Geolocation) and not callable(given):
        raise ArgumentTypeError(
            "source_transform: expected an affine.Affine, ground control points, an RPC, a Geolocation, or a function "
            f"of (x, y); got {type(given).__name__}"
        )
    return given


def wkt_of(name: str, crs: Any) -> str:
    """Return a CRS as WKT, from what pyproj takes for one, or rasterio's."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        return str(CRS.from_user_input(crs).to_wkt())
    except (CRSError, TypeError) as error:
        raise GpumaskError(f"{name}: expected a CRS, such as EPSG:32633; got {crs!r}") from error


@functools.cache
def crs_of(wkt: str) -> CRS:
    """Return the CRS that a WKT describes."""
    from pyproj import CRS

    return CRS.from_wkt(wkt)


def transformer(source: str, target: str) -> Transformer:
    """Return what brings (x, y) from one CRS, as WKT, to another: one for each thread, as PROJ asks."""
    from pyproj import Transformer

    known = _own.__dict__.setdefault("transformers", {})
    if (source, target) not in known:
        known[source, target] = Transformer.from_crs(crs_of(source), crs_of(target), always_xy=True)
    found: Transformer = known[source, target]
    return found


@functools.cache
def full_turn(wkt: str) -> float | None:
    """Return a full turn of longitude in the unit of a geographic CRS, such as 360 degrees; None for another CRS."""
    if not crs_of(wkt).is_geographic:
        return None
    return round(2 * math.pi / float(crs_of(wkt).axis_info[0].unit_conversion_factor), 9)


def _seam(crs: str, model: Any, shape: tuple[int, int] | None) -> float | None:
    """Return where longitudes begin so that no source is cut: opposite its middle, or at its edge if all is unknown.

    Where just the edge is known, a target that reaches beyond it is cut there. None where there are no longitudes, or
    where a model sees to them itself.
    """
    turn = full_turn(crs)
    if turn is None:
        return None
    if isinstance(model, ControlPoints):
        ends = model.longitudes
    elif not _is_affine(model):
        return None
    elif shape is None:
        return float(model.c if model.a >= 0 else model.c - turn)
    else:
        x = corners(model, shape)[0]
        ends = x.min(), x.max()
    return float(ends[0] - max(turn - (ends[1] - ends[0]), 0) / 2)


def around_of(place: Place) -> tuple[int, int]:
    """Return the (rows, cols) after which a raster begins anew, as its longitudes do; 0 along an axis that ends.

    Steps in files are rounded: whole pixels are a turn if they miss it by less than coordinates may be off by default.
    """
    turn = full_turn(wkt_of("source_crs", place.crs)) if _is_affine(place.transform) else None
    if turn is None:
        return 0, 0
    inverse = ~place.transform
    moved_by = abs(turn * inverse.d), abs(turn * inverse.a)
    if max(moved_by) > 2**31 or any(abs(n - round(n)) > _TURN_OFF for n in moved_by):
        return 0, 0
    rows, cols = map(round, moved_by)
    fits = place.shape is None or (rows <= place.shape[0] and cols <= place.shape[1])
    return (rows, cols) if fits and min(rows, cols) == 0 < max(rows, cols) else (0, 0)


def _opposite(source_crs: str, target_crs: str, target: Place) -> float | None:
    """Return the longitude opposite the middle of a target, so that those around it go on without a jump.

    None where none jumps, as they are the target's own, or where the middle has none: a source that goes around has a
    pixel for every longitude.
    """
    turn = full_turn(source_crs)
    if source_crs == target_crs or turn is None:
        return None
    rows, cols = target.shape or (0, 0)
    middle = moved(target.transform, np.array([(cols / 2, rows / 2)]))[0].tolist()
    x, _ = transformer(target_crs, source_crs).transform(*middle)
    return float(x - turn / 2) if math.isfinite(x) else None


def corners(affine: Any, shape: tuple[int, int]) -> np.ndarray:
    """Return (x, y) rows with the four corners of a raster of (rows, cols)."""
    rows, cols = shape
    return moved(affine, np.array([(0, 0), (cols, 0), (0, rows), (cols, rows)], float)).T


def _is_affine(given: Any) -> bool:
    """Say whether this is an affine map as rasterio has it."""
    return hasattr(given, "determinant") and hasattr(given, "is_rectilinear")
