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
from gpumask.geolocation import Geolocated, Geolocation, corners_of, widest_cell
from gpumask.knots import Knots, SplineKnots, SwathKnots
from gpumask.longitudes import seam_opposite
from gpumask.mesh import Exact
from gpumask.place import MOST_OFF, moved
from gpumask.sensor import ControlPoints, RationalPolynomials, version
from gpumask.terrain import Terrain

if TYPE_CHECKING:
    from pyproj import CRS, Transformer

Points = tuple[np.ndarray, np.ndarray]

_own = threading.local()

_LARGE = 2  # times as large as others are cells of a swath that may be torn
_RING, _EVEN = 360, 1e-9  # longitudes at which it is looked whether x is even, and of a turn what it may be off
_LATITUDES = np.array([-1 / 6, 0, 1 / 9])  # of a turn


@dataclass(frozen=True)
class Projection:
    """From (rows, cols) of a target to those in a source; not finite where there are none. It may be pickled.

    source_crs, target_crs: as WKT. source: an affine map or a model: a function from (x, y) to (row, col).
    seam: where the source's x begins, where its CRS has a full turn.
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
            return _pixels(self.source, x, y)
        return _found_by(self.source, x, y)

    def places(self, rows: np.ndarray, cols: np.ndarray) -> Points:
        """Return x and y in the source's CRS."""
        rows, cols = np.broadcast_arrays(np.asarray(rows, float) + 0.5, np.asarray(cols, float) + 0.5)
        a, b, c, d, e, f = self.target[:6]
        x, y = a * cols + b * rows + c, d * cols + e * rows + f
        if self.source_crs != self.target_crs:
            x, y = transformed(self.target_crs, self.source_crs, x, y)
        return from_seam(self.source_crs, self.seam, x), y


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
    if not is_affine(target.transform):
        raise ArgumentTypeError(f"target_transform: expected an affine.Affine; got {type(target.transform).__name__}")
    for name, place in {"source_transform": source, "target_transform": target}.items():
        given = place.transform
        if is_affine(given) and not (all(map(math.isfinite, given[:6])) and given.determinant):
            raise GpumaskError(f"{name}: expected one that can be inverted; got {tuple(given[:6])}")
    model, source_crs = model_of(source)
    target_crs = wkt_of("target_crs", target.crs)
    if isinstance(model, Geolocation):
        return _geolocated(model, source_crs, target_crs, target)
    goes_around = source.shape is not None and any(around_of(source))
    seam = _opposite(source_crs, target_crs, target) if goes_around else _seam(source_crs, model, source.shape)
    return Projection(source_crs, model, target_crs, target.transform, seam)


def unevenness(exact: Exact, shape: tuple[int, int], source_shape: tuple[int, int] | None) -> Terrain | Knots | None:
    """Return what is known of where a projection to a target of a shape is not smooth; see `mesh`."""
    if isinstance(exact, Geolocated):
        return SwathKnots(exact, shape, source_shape)
    if isinstance(exact, Projection) and isinstance(exact.source, RationalPolynomials) and exact.source.dem is not None:
        return Terrain(exact, shape)
    if isinstance(exact, Projection) and isinstance(exact.source, ControlPoints) and exact.source.thin_plate:
        x, y = np.array(exact.source.points)[:, 2:4].T
        if exact.source_crs != exact.target_crs:
            x, y = transformed(exact.source_crs, exact.target_crs, x, y)
        x = from_seam(exact.target_crs, _seam(exact.target_crs, exact.target, shape), x)
        return SplineKnots(exact, shape, *_pixels(exact.target, x, y))
    return None


def _geolocated(swath: Geolocation, source_crs: str, target_crs: str, target: Place) -> Geolocated:
    """Bring the samples of a swath to the pixels of a target."""
    x, y = swath.x, swath.y
    if source_crs != target_crs:
        x, y = transformed(source_crs, target_crs, x, y)
    x, seam = np.array(x, float), _seam(target_crs, target.transform, target.shape)
    turn, affine = full_turn(target_crs), target.transform
    with np.errstate(invalid="ignore"):
        rows, cols = _pixels(affine, from_seam(target_crs, seam, x), np.asarray(y))
        if turn is None:
            torn = None if source_crs == target_crs else _torn(swath, source_crs, target_crs, affine, (rows, cols))
            return Geolocated(swath, rows, cols, (widest_cell(rows), widest_cell(cols)), torn=torn)
    around = abs(turn / affine.a) if not affine.b and not affine.d else None
    return Geolocated(swath, rows, cols, (math.inf, turn / 2 / math.hypot(affine.a, affine.d)), around)


def _torn(swath: Geolocation, source_crs: str, target_crs: str, affine: Any, at: Points) -> np.ndarray:
    """Say which cells of a swath an edge of the target's projection tears: their middles are elsewhere on the ground.

    at: rows and columns of the target at the samples. Cells that are not larger than most are none.
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
    """Return points of a sphere for longitudes and latitudes; x and y of another CRS as they are."""
    turn = full_turn(crs)
    if turn is None or not crs_of(crs).is_geographic:
        return np.stack([x, y])
    lon, lat = (np.asarray(angle) * (2 * np.pi / turn) for angle in (x, y))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def from_seam(crs: str, seam: float | None, x: np.ndarray) -> np.ndarray:
    """Return the x of a CRS, by whole turns, so that it begins at the seam."""
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


def model_of(place: Place) -> tuple[Any, str]:
    """Return what says where a source lies, an affine map or a model, and the CRS that it leads to, as WKT.

    Control points on both sides of 180 degrees are brought to one, and RPCs to that of their heights.
    """
    model, crs = _model(place.transform), place.crs
    if isinstance(model, RationalPolynomials):
        if crs is not None and not crs_of(wkt_of("source_crs", crs)).is_geographic:
            raise GpumaskError(f"source_crs: expected None, or WGS 84's degrees, for RPCs; got {crs}")
        crs = "OGC:CRS84"
    wkt = wkt_of("source_crs", crs)
    turn = full_turn(wkt)
    return model.unwrapped(turn) if turn and isinstance(model, ControlPoints | RationalPolynomials) else model, wkt


def _model(given: Any) -> Any:
    """Return an affine map, or a function of (x, y)."""
    if isinstance(given, list | tuple) and not is_affine(given):
        return ControlPoints(given)
    if hasattr(given, "line_num_coeff"):
        return RationalPolynomials(given)
    if not is_affine(given) and not isinstance(given, Geolocation) and not callable(given):
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
        found = CRS.from_user_input(crs)
    except (CRSError, TypeError) as error:
        raise GpumaskError(f"{name}: expected a CRS, such as EPSG:32633; got {crs!r}") from error
    if found.is_geocentric or not (found.is_geographic or found.is_projected or found.is_engineering):
        raise GpumaskError(f"{name}: expected a CRS of a map, or of longitudes and latitudes; got {found.name}")
    return str(found.to_wkt())


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


def transformed(source: str, target: str, x: np.ndarray, y: np.ndarray) -> Points:
    """Return (x, y) of one CRS in another, wherever x lies: PROJ knows a turn or two of longitude, and no more."""
    with np.errstate(invalid="ignore"):
        near = from_seam(source, first_x(source), x)
    found: Points = transformer(source, target).transform(near, y)
    return found


def full_turn(wkt: str) -> float | None:
    """Return after how much x a CRS comes back to the same place; None for one that never does.

    360 for degrees, 40 075 016.69 for the metres of Web Mercator, and so for every cylinder that the world is laid on.
    """
    return _turn(wkt)[0]


def first_x(wkt: str) -> float:
    """Return the least x of a CRS that has a full turn, -180 degrees for instance; 0 for another."""
    return _turn(wkt)[1]


@functools.cache
def _turn(wkt: str) -> tuple[float | None, float]:
    """Return a full turn of x, and where it begins."""
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    crs = crs_of(wkt)
    if crs.is_geographic:
        turn = round(2 * math.pi / float(crs.axis_info[0].unit_conversion_factor), 9)
        return turn, -turn / 2
    geodetic = crs.geodetic_crs
    if geodetic is None or not geodetic.is_geographic:
        return None, 0.0
    try:
        to_crs = Transformer.from_crs(geodetic, crs, always_xy=True)
    except ProjError:  # which lacks the method
        return None, 0.0
    around = full_turn(geodetic.to_wkt()) or 360.0
    # On a cylinder x goes on evenly with the longitude, at all latitudes alike, but for the one place where it is cut.
    longitudes, latitudes = np.meshgrid(around * (np.arange(_RING) / _RING - 0.5), around * _LATITUDES)
    x, y = to_crs.transform(longitudes, latitudes)
    if not np.isfinite([x, y]).all():
        return None, 0.0
    turn = float(np.ptp(x) * _RING / (_RING - 1))
    steps = np.mod(np.diff(x), turn) * _RING
    if max(abs(steps - turn).max(), np.ptp(x, axis=0).max(), np.ptp(y, axis=1).max()) > _EVEN * turn:
        return None, 0.0
    return turn, _middle(crs, float(x.min() + x.max()) / 2, turn / _RING) - turn / 2


def _middle(crs: CRS, about: float, step: float) -> float:
    """Return the x in the middle of a cylinder: its false easting, or what is known about it."""
    parameters: list[Any] = list(crs.coordinate_operation.params) if crs.coordinate_operation else []
    said = [float(p.value) * p.unit_conversion_factor for p in parameters if p.name == "False easting"]
    easting = sum(said) / float(crs.axis_info[0].unit_conversion_factor)
    return easting if abs(easting - about) <= step else about


def _seam(crs: str, model: Any, shape: tuple[int, int] | None) -> float | None:
    """Return where x begins so that no source is cut: opposite its middle, or at its edge if all is unknown.

    Where just the edge is known, a target that reaches beyond it is cut there. None where x has no turn, or where a
    model sees to that itself. None, too, where just the edge is known and x are no longitudes: few sources are cut.
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


def around_of(place: Place) -> tuple[int, int]:
    """Return the (rows, cols) after which a raster begins anew, as its longitudes do; 0 along an axis that ends.

    Steps in files are rounded: whole pixels are a turn if they miss it by less than rasters may be off from each other.
    """
    turn = full_turn(wkt_of("source_crs", place.crs)) if is_affine(place.transform) else None
    if turn is None:
        return 0, 0
    inverse = ~place.transform
    moved_by = abs(turn * inverse.d), abs(turn * inverse.a)
    if max(moved_by) > 2**31 or any(abs(n - round(n)) > MOST_OFF for n in moved_by):
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
    x, _ = transformed(target_crs, source_crs, *middle)
    return float(x - turn / 2) if math.isfinite(x) else None


def corners(affine: Any, shape: tuple[int, int]) -> np.ndarray:
    """Return (x, y) rows with the four corners of a raster of (rows, cols)."""
    rows, cols = shape
    return moved(affine, np.array([(0, 0), (cols, 0), (0, rows), (cols, rows)], float)).T


def is_affine(given: Any) -> bool:
    """Say whether this is an affine map as rasterio has it."""
    return hasattr(given, "determinant") and hasattr(given, "is_rectilinear")
