"""Models of sensors: from a place on the ground to a pixel, by ground control points or rational polynomials.

Both models are GDAL's, by way of rasterio, and so are their conventions. Lines and samples count from the corner of the
first pixel. In RPC files they count from its centre, and GDAL shifts them.
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

_KEPT = 4  # datasets and transformers that a thread keeps
_own = threading.local()
_quiet = threading.Lock()
_asking: list[None] = []  # one entry for each thread that asks GDAL
_before = contextlib.ExitStack()  # restores the warnings as they were before the first of these threads


class _Kept:
    """What a thread has made for a key."""

    def __init__(self, key: Any, made: Any) -> None:
        self.key, self.made = key, made


_all: weakref.WeakSet[_Kept] = weakref.WeakSet()


@atexit.register
def _forget() -> None:
    """Release all that is kept at exit, while what it needs for that still exists."""
    for kept in list(_all):
        kept.made = None


@dataclass(frozen=True, init=False)
class ControlPoints:
    """A polynomial or a thin plate spline through ground control points.

    Parameters
    ----------
    points
        Three or more GroundControlPoints of rasterio. They are kept as (row, col, x, y, z).
    thin_plate
        True for a spline that meets each point, False for a polynomial.

    Raises
    ------
    GpumaskError
        If there are fewer than three points.

    Examples
    --------
    >>> from rasterio.control import GroundControlPoint
    >>> corners = [(0, 0, 10, 50), (0, 99, 11, 50), (99, 0, 10, 49)]
    >>> ControlPoints([GroundControlPoint(*corner) for corner in corners]).longitudes
    (10, 11)
    """

    points: tuple[tuple[float, float, float, float, float], ...]
    thin_plate: bool = False

    def __init__(self, points: Sequence[Any], thin_plate: bool = False) -> None:
        """Check the points."""
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
        """Return the model with longitudes that continue over the antimeridian, if the points mean that.

        Parameters
        ----------
        turn
            A full turn of x in the CRS of the points, such as 360.

        Returns
        -------
        ControlPoints
            The model.
        """
        from rasterio.control import GroundControlPoint

        x = unwrapped_points(np.array(self.points)[:, :4], turn)
        points = [GroundControlPoint(*p[:2], to, *p[3:]) for p, to in zip(self.points, x.tolist(), strict=True)]
        return ControlPoints(points, self.thin_plate)

    def __call__(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows and columns that lie at x and y.

        Parameters
        ----------
        x, y
            Arrays of coordinates in the CRS of the points.

        Returns
        -------
        (array, array)
            The rows and columns. A whole number is a pixel's centre.
        """
        return _rowcol(self, x, y)

    def _transformer(self) -> Any:
        """Return rasterio's transformer."""
        from rasterio.control import GroundControlPoint
        from rasterio.transform import GCPTransformer

        return GCPTransformer([GroundControlPoint(*point) for point in self.points], tps=self.thin_plate)


@dataclass(frozen=True)
class RationalPolynomials:
    """Rational polynomial coefficients (RPCs), with the heights of the ground.

    Parameters
    ----------
    rpc
        An RPC of rasterio.
    height
        The height of the ground above the ellipsoid, in metres. None means 0, or the heights of `dem`.
    dem
        The path of a raster of heights, instead of `height`.

    Raises
    ------
    GpumaskError
        If both `height` and `dem` are given, or one of the arguments is wrong.
    """

    rpc: Any
    height: float | None = None
    dem: str | None = None

    def __post_init__(self) -> None:
        """Check the arguments."""
        if not hasattr(self.rpc, "line_num_coeff"):
            raise ArgumentTypeError(f"source_transform: expected a rasterio.rpc.RPC; got {type(self.rpc).__name__}")
        if self.height is None:
            return
        if self.dem is not None:
            raise GpumaskError(f"height: expected either height or dem; got both, {self.height!r} and {self.dem}")
        if isinstance(self.height, bool) or not isinstance(self.height, int | float | np.number):
            raise ArgumentTypeError(f"height: expected a number of metres; got {self.height!r}")
        if not np.isfinite(self.height):
            raise GpumaskError(f"height: expected a number of metres; got {self.height!r}")

    @property
    def longitudes(self) -> tuple[float, float]:
        """The known longitudes, least and greatest: both are the one that the polynomials count from."""
        return float(self.rpc.long_off), float(self.rpc.long_off)

    def unwrapped(self, turn: float) -> RationalPolynomials:
        """Return the model with longitudes counted on the same turn as those of the raster of heights.

        Parameters
        ----------
        turn
            A full turn of x, such as 360.

        Returns
        -------
        RationalPolynomials
            The model.
        """
        middle = None if self.dem is None else _middle_longitude(self.dem)
        turns = 0 if middle is None else round((middle - self.rpc.long_off) / turn)
        if not turns:
            return self
        rpc = copy.copy(self.rpc)
        rpc.long_off += turns * turn
        return replace(self, rpc=rpc)

    @property
    def options(self) -> dict[str, Any]:
        """What GDAL is told about heights."""
        return {"RPC_HEIGHT": self.height or 0.0} if self.dem is None else {"RPC_DEM": self.dem}

    def __call__(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows and columns that lie at longitudes and latitudes.

        Parameters
        ----------
        x, y
            Arrays of longitudes and latitudes of WGS 84, in degrees.

        Returns
        -------
        (array, array)
            The rows and columns. A whole number is a pixel's centre.
        """
        return _rowcol(self, x, y)

    def at_heights(self, x: np.ndarray, y: np.ndarray, heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows and columns that lie at longitudes, latitudes and given heights.

        Parameters
        ----------
        x, y
            Arrays of longitudes and latitudes of WGS 84, in degrees.
        z
            An array of heights, in metres.

        Returns
        -------
        (array, array)
            The rows and columns. A whole number is a pixel's centre.
        """
        return _rowcol(RationalPolynomials(self.rpc), x, y, heights)

    def heights(self) -> DatasetReader:
        """Return this thread's dataset of heights.

        Returns
        -------
        rasterio dataset
            The opened raster of heights.

        Raises
        ------
        GpumaskError
            If it can't be opened.
        """
        found: DatasetReader = kept_here((self.dem, version(self)), lambda: _opened(self.dem))
        return found

    def _transformer(self) -> Any:
        """Return rasterio's transformer."""
        from rasterio.transform import RPCTransformer

        return RPCTransformer(self.rpc, **self.options)


def _middle_longitude(raster: str) -> float | None:
    """Return the longitude in the middle of a raster. Return None if it has none or can't be read.

    Another check will report a raster that can't be read.
    """
    import rasterio
    from rasterio.errors import RasterioIOError

    with _without_warnings(), contextlib.suppress(RasterioIOError), rasterio.open(raster) as heights:
        if heights.crs is not None and heights.crs.is_geographic:
            return float(moved(heights.transform, np.array([heights.width / 2, heights.height / 2]))[0])
    return None


def version(model: Any) -> tuple[int, int] | None:
    """Return what tells the file of a model's heights from another file of the same name. Return None for no file."""
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
    except Exception as error:  # errors of rasterio and of GDAL share no class
        raise GpumaskError(f"source_transform: expected a raster of heights; got one where {error}") from error


def _transformer_of(model: Any) -> Any:
    """Return rasterio's transformer of a model. Raise GpumaskError if GDAL can't make one."""
    import rasterio

    try:
        with rasterio.Env():  # it registers the formats of rasters of heights
            return model._transformer()
    except Exception as error:  # errors of GDAL have no class of their own
        raise GpumaskError(f"source_transform: expected a model that GDAL can use; got one where {error}") from error


def _asked(ask: Any, *places: Any, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """Ask rasterio for places. Both arrays have one shape, and are NaN where the input is not finite."""
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
    """Return rasterio's transformer of a model. Each thread has its own."""
    return kept_here((model, version(model)), lambda: _transformer_of(model))


def kept_here(key: Any, make: Callable[[], Any]) -> Any:
    """Return what this thread has made before for a key, or make it. Datasets and transformers serve one thread."""
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
    """Keep rasterio from warning of places that have no coordinates. They are NaN. All threads share their warnings."""
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
