"""Where the pixels of a raster lie: an affine map or a model, and a coordinate reference system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.grids.places.affine import MOST_OFF, is_affine
from gpumask.grids.places.crs import crs_of, full_turn, wkt_of
from gpumask.grids.places.geolocation import Geolocation
from gpumask.grids.places.sensor import ControlPoints, RationalPolynomials, version


@dataclass(frozen=True)
class Place:
    """Where the pixels of a raster lie: an affine map or a model, and the CRS that it leads to.

    Parameters
    ----------
    crs
        A CRS, in any form that pyproj or rasterio knows. With a sensor's model it is the CRS of the model. It may be
        None for RPCs.
    transform
        An affine map as rasterio has it. It leads from (col, row), counted from the corner of the first pixel, to (x,
        y). A source may have a sensor's model instead: ground control points of rasterio, `ControlPoints`, an RPC of
        rasterio, `RationalPolynomials` with heights, or a `Geolocation`. It may also be any function of arrays x and y
        that returns (row, col), where a whole number is a pixel's centre.
    shape
        The rows and columns of the raster. None means that they are unknown.

    Examples
    --------
    >>> from affine import Affine
    >>> Place("EPSG:32633", Affine(10, 0, 5e5, 0, -10, 5e6), (1000, 1000)).shape
    (1000, 1000)
    """

    crs: Any
    transform: Any
    shape: tuple[int, int] | None = None

    @property
    def identity(self) -> str:
        """A text that tells this place from others, in whatever form its CRS was given."""
        found: list[Any] = [None if self.crs is None else wkt_of("crs", self.crs), self.transform, self.shape]
        heights = version(self.transform)
        return repr(found if heights is None else [*found, *heights])


def model_of(place: Place) -> tuple[Any, str]:
    """Return the affine map or the model of a source, and the CRS that it leads to, as WKT.

    Control points on both sides of the antimeridian are brought to one side. RPCs are brought to the side of their
    heights.
    """
    model, crs = _model(place.transform), place.crs
    if isinstance(model, RationalPolynomials):
        if crs is not None and not crs_of(wkt_of("source_crs", crs)).is_geographic:
            raise GpumaskError(f"source_crs: expected None, or WGS 84 in degrees (EPSG:4326), for RPCs; got {crs}")
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


def around_of(place: Place) -> tuple[int, int]:
    """Return the (rows, cols) after which a raster begins anew, as longitudes do. 0 means that the axis ends.

    Steps in files are rounded. So a whole number of pixels counts as a turn if it is off by less than MOST_OFF.
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
