"""Models of sensors: from a place on the ground to a pixel, by ground control points or by rational polynomials.

Both are GDAL's, by way of rasterio, and so are their conventions: lines and samples count from the corner of the first
pixel (those of RPC files, which count from its centre, are shifted by GDAL).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpumask.errors import ArgumentTypeError, GpumaskError

_own = threading.local()


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

    def _transformer(self) -> Any:
        """Return rasterio's own."""
        from rasterio.transform import RPCTransformer

        heights = {"RPC_HEIGHT": self.height} if self.dem is None else {"RPC_DEM": self.dem}
        return RPCTransformer(self.rpc, **heights)


def _transformer_of(model: Any) -> Any:
    """Return rasterio's transformer of a model, or raise GpumaskError where GDAL can't make one."""
    import rasterio

    try:
        with rasterio.Env():  # which knows the formats that heights come in
            return model._transformer()
    except Exception as error:  # GDAL's, which have no class of their own
        raise GpumaskError(f"source_transform: expected a model that GDAL can use; got one where {error}") from error


def _rowcol(model: Any, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ask rasterio's transformer of a model, which each thread has its own of, for rows and columns."""
    if getattr(_own, "model", None) != model:
        _own.transformer, _own.model = _transformer_of(model), model
    shape = np.broadcast_shapes(x.shape, y.shape)
    flat = [np.array(np.broadcast_to(values, shape), np.float64).ravel() for values in (x, y)]
    lost = ~(np.isfinite(flat[0]) & np.isfinite(flat[1]))
    for values in flat:
        values[lost] = 0.0
    rows, cols = _own.transformer.rowcol(*flat, op=np.positive)
    found = [np.where(lost, np.nan, np.asarray(values) - 0.5).reshape(shape) for values in (rows, cols)]
    return found[0], found[1]
