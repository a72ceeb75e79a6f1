"""Models of sensors: from a place on the ground to a pixel, by ground control points or by rational polynomials.

Both are GDAL's, by way of rasterio, and so are their conventions: lines and samples count from the corner of the first
pixel (those of RPC files, which count from its centre, are shifted by GDAL).
"""

from __future__ import annotations

import atexit
import contextlib
import copy
import os
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.grids.places.affine import moved
from gpumask.grids.places.longitudes import unwrapped_points

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_KEPT = 4  # datasets and transformers of a thread
_own = threading.local()
_quiet = threading.Lock()
_asking: list[None] = []  # one for each thread that is with GDAL
_before = contextlib.ExitStack()  # to what warnings were before the first of them came


class _Kept:
    """What a thread has made for a key."""

    def __init__(self, key: Any, made: Any) -> None:
        self.key, self.made = key, made


_all: weakref.WeakSet[_Kept] = weakref.WeakSet()


@atexit.register
def _forget() -> None:
    """Let all that is kept go while what it needs for that is still there."""
    for kept in list(_all):
        kept.made = None


@dataclass(frozen=True, init=False)
class ControlPoints:
    """A polynomial, or a thin plate spline, through ground control points.

    points: rasterio's GroundControlPoints, three or more, kept as (row, col, x, y, z). thin_plate: whether it is a
        spline that meets each point.
    """

    points: tuple[tuple[float, float, float, float, float], ...]
    thin_plate: bool = False

    def __init__(self, points: Sequence[Any], thin_plate: bool = False) -> None:
        """Check that these are points, and enough of them."""
        if len(points) < 3 or not all(hasattr(point, "row") and hasattr(point, "x") for point in points):
            raise GpumaskError(f"source_transform: expected 3 ground control points or more; got {len(points)}")
        kept = tuple((point.row, point.col, point.x, point.y, point.z or 0.0) for point in points)
        object.__setattr__(self, "points", kept)
        object.__setattr__(self, "thin_plate", bool(thin_plate))

    @property
    def longitudes(self) -> tuple[float, float]:
        """The least and the greatest x of the points."""
        x = [point[2] for point in self.points]
        return min(x), max(x)

    def unwrapped(self, turn: float) -> ControlPoints:
        """Return the points with longitudes that go on beyond 180 degrees, where that is what they mean."""
        from rasterio.control import GroundControlPoint

        x = unwrapped_points(np.array(self.points)[:, :4], turn)
        points = [GroundControlPoint(*p[:2], to, *p[3:]) for p, to in zip(self.points, x.tolist(), strict=True)]
        return ControlPoints(points, self.thin_plate)

    def __call__(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows and columns that lie at x and y, in the CRS of the points."""
        return _rowcol(self, x, y)

    def _transformer(self) -> Any:
        """Return rasterio's own."""
        from rasterio.control import GroundControlPoint
        from rasterio.transform import GCPTransformer

        return GCPTransformer([GroundControlPoint(*point) for point in self.points], tps=self.thin_plate)


@dataclass(frozen=True)
class RationalPolynomials:
    """Rational polynomial coefficients, with the heights of the ground.

    rpc: rasterio's RPC. height: metres above the ellipsoid, everywhere; None: 0. dem: the path of a raster of heights,
        instead.
    """

    rpc: Any
    height: float | None = None
    dem: str | None = None

    def __post_init__(self) -> None:
        """Check the type."""
        if not hasattr(self.rpc, "line_num_coeff"):
            raise ArgumentTypeError(f"source_transform: expected a rasterio.rpc.RPC; got {type(self.rpc).__name__}")
        if self.height is None:
            return
        if self.dem is not None:
            raise GpumaskError(f"height: expected instead of dem; got both, {self.height!r} and {self.dem}")
        if isinstance(self.height, bool) or not isinstance(self.height, int | float | np.number):
            raise ArgumentTypeError(f"height: expected a number of metres; got {self.height!r}")
        if not np.isfinite(self.height):
            raise GpumaskError(f"height: expected a number of metres; got {self.height!r}")

    @property
    def longitudes(self) -> tuple[float, float]:
        """The least and the greatest longitude that are known of: the one that the polynomials count from."""
        return float(self.rpc.long_off), float(self.rpc.long_off)

    def unwrapped(self, turn: float) -> RationalPolynomials:
        """Return polynomials that count longitudes on the turn on which the raster of heights does."""
        middle = None if self.dem is None else _middle_longitude(self.dem)
        turns = 0 if middle is None else round((middle - self.rpc.long_off) / turn)
        if not turns:
            return self
        rpc = copy.copy(self.rpc)
        rpc.long_off += turns * turn
        return replace(self, rpc=rpc)

    @property
    def options(self) -> dict[str, Any]:
        """What GDAL is told of heights."""
        return {"RPC_HEIGHT": self.height or 0.0} if self.dem is None else {"RPC_DEM": self.dem}

    def __call__(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows and columns that lie at longitudes and latitudes of WGS 84, in degrees."""
        return _rowcol(self, x, y)

    def at_heights(self, x: np.ndarray, y: np.ndarray, heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what lies there at heights that are given, in metres."""
        return _rowcol(RationalPolynomials(self.rpc), x, y, heights)

    def heights(self) -> DatasetReader:
        """Return this thread's dataset of heights."""
        found: DatasetReader = kept_here((self.dem, version(self)), lambda: _opened(self.dem))
        return found

    def _transformer(self) -> Any:
        """Return rasterio's own."""
        from rasterio.transform import RPCTransformer

        return RPCTransformer(self.rpc, **self.options)


def _middle_longitude(raster: str) -> float | None:
    """Return the longitude in the middle of a raster; None where it has none, or can't be read, as will be said."""
    import rasterio
    from rasterio.errors import RasterioIOError

    with _without_warnings(), contextlib.suppress(RasterioIOError), rasterio.open(raster) as heights:
        if heights.crs is not None and heights.crs.is_geographic:
            return float(moved(heights.transform, np.array([heights.width / 2, heights.height / 2]))[0])
    return None


def version(model: Any) -> tuple[int, int] | None:
    """Return what tells the file of a model's heights from another of the same name; None where there is none."""
    try:
        found = os.stat(model.dem)
    except (AttributeError, OSError, TypeError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns


def _opened(dem: Any) -> DatasetReader:
    """Open a raster of heights, or raise GpumaskError."""
    import rasterio

    try:
        with rasterio.Env():
            return rasterio.open(dem)
    except Exception as error:  # rasterio's, and GDAL's, which have no class of their own
        raise GpumaskError(f"source_transform: expected a raster of heights; got one where {error}") from error


def _transformer_of(model: Any) -> Any:
    """Return rasterio's transformer of a model, or raise GpumaskError where GDAL can't make one."""
    import rasterio

    try:
        with rasterio.Env():  # which knows the formats that heights come in
            return model._transformer()
    except Exception as error:  # GDAL's, which have no class of their own
        raise GpumaskError(f"source_transform: expected a model that GDAL can use; got one where {error}") from error


def _asked(ask: Any, *places: Any, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """Ask rasterio for places, both arrays of one shape; NaN where what is asked about is not finite."""
    places = tuple(np.array(values, np.float64) for values in np.broadcast_arrays(*places))
    flat = [values.ravel() for values in places]
    lost = ~np.logical_and.reduce([np.isfinite(values) for values in flat])
    for values in flat:
        values[lost] = 0.0
    with _without_warnings():
        found = [np.where(lost, np.nan, values).reshape(places[0].shape) for values in ask(*flat, **options)]
    return found[0], found[1]


def _rowcol(model: Any, x: np.ndarray, y: np.ndarray, z: Any = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and columns that lie at x, y and z, counted from the centre of the first pixel."""
    row, col = _asked(_own_transformer(model).rowcol, x, y, z, op=np.positive)
    return row - 0.5, col - 0.5


def ground(model: Any, row: np.ndarray, col: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the x and y where rows and columns lie, counted from the corner of the first pixel."""
    return _asked(_own_transformer(model).xy, row, col, offset="ul")


def _own_transformer(model: Any) -> Any:
    """Return rasterio's transformer of a model, of which each thread has its own."""
    return kept_here((model, version(model)), lambda: _transformer_of(model))


def kept_here(key: Any, make: Callable[[], Any]) -> Any:
    """Return what this thread has made before for a key, or make it: datasets and transformers serve one thread."""
    kept = _own.__dict__.setdefault("kept", [])
    for known in kept:
        if known.key == key and known.made is not None:
            return known.made
    kept.append(_Kept(key, make()))
    _all.add(kept[-1])
    del kept[:-_KEPT]
    return kept[-1].made


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Let rasterio not warn of places that have no coordinates: they are NaN. Warnings are the same for all threads."""
    from rasterio.errors import NotGeoreferencedWarning, TransformWarning

    with _quiet:
        if not _asking:
            _before.enter_context(warnings.catch_warnings())
            for kind in (NotGeoreferencedWarning, TransformWarning):
                warnings.filterwarnings("ignore", category=kind)
        _asking.append(None)
    try:
        yield
    finally:
        with _quiet:
            _asking.pop()
            if not _asking:
                _before.close()
