"""Models of sensors: from a place on the ground to a pixel, by ground control points or by rational polynomials.

Both are GDAL's, by way of rasterio, and so are their conventions: lines and samples count from the corner of the first
pixel (those of RPC files, which count from its centre, are shifted by GDAL).
"""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gpumask.errors import ArgumentTypeError, GpumaskError

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_own = threading.local()
_KEPT = 4  # transformers of a thread
_quiet = threading.Lock()
_asking: list[None] = []  # one for each thread that is with GDAL
_before = contextlib.ExitStack()  # to what warnings were before the first of them came


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

    rpc: rasterio's RPC. height: metres above the ellipsoid, everywhere. dem: the path of a raster of heights, instead.
    """

    rpc: Any
    height: float = 0.0
    dem: str | None = None

    def __post_init__(self) -> None:
        """Check the type."""
        if not hasattr(self.rpc, "line_num_coeff"):
            raise ArgumentTypeError(f"source_transform: expected a rasterio.rpc.RPC; got {type(self.rpc).__name__}")
        if isinstance(self.height, bool) or not isinstance(self.height, int | float | np.number):
            raise ArgumentTypeError(f"height: expected a number of metres; got {self.height!r}")
        if not np.isfinite(self.height):
            raise GpumaskError(f"height: expected a number of metres; got {self.height!r}")

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

        heights = {"RPC_HEIGHT": self.height} if self.dem is None else {"RPC_DEM": self.dem}
        return RPCTransformer(self.rpc, **heights)


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


def _rowcol(model: Any, x: np.ndarray, y: np.ndarray, z: Any = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Ask rasterio's transformer of a model, which each thread has its own of, for rows and columns."""
    transformer = kept_here((model, version(model)), lambda: _transformer_of(model))
    shape = np.broadcast_shapes(x.shape, y.shape, np.shape(z))
    flat = [np.array(np.broadcast_to(values, shape), np.float64).ravel() for values in (x, y, z)]
    lost = ~np.logical_and.reduce([np.isfinite(values) for values in flat])
    for values in flat:
        values[lost] = 0.0
    with _without_warnings():
        rows, cols = transformer.rowcol(*flat, op=np.positive)
    found = [np.where(lost, np.nan, np.asarray(values) - 0.5).reshape(shape) for values in (rows, cols)]
    return found[0], found[1]


def kept_here(key: Any, make: Callable[[], Any]) -> Any:
    """Return what this thread has made before for a key, or make it: datasets and transformers serve one thread."""
    kept = _own.__dict__.setdefault("kept", [])
    for known, made in kept:
        if known == key:
            return made
    kept.append((key, make()))
    del kept[:-_KEPT]
    return kept[-1][1]


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Let rasterio not warn of places that have no coordinates: they are NaN. Warnings are the same for all threads."""
    from rasterio.errors import TransformWarning

    with _quiet:
        if not _asking:
            _before.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", category=TransformWarning)
        _asking.append(None)
    try:
        yield
    finally:
        with _quiet:
            _asking.pop()
            if not _asking:
                _before.close()
