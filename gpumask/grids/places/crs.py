"""Coordinate reference systems: how points get from one to another, and where x begins anew after a turn."""

from __future__ import annotations

import functools
import math
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from gpumask.errors import GpumaskError
from gpumask.grids.places.affine import Points

if TYPE_CHECKING:
    from pyproj import CRS, Transformer

_own = threading.local()
_RING, _EVEN = 360, 1e-9  # longitudes at which x is compared, and the share of a turn that it may be off
_LATITUDES = np.array([-1 / 6, 0, 1 / 9])  # latitudes, as shares of a turn


def from_seam(crs: str, seam: float | None, x: np.ndarray) -> np.ndarray:
    """Return the x of a CRS moved by whole turns, so that it begins at the seam."""
    turn = full_turn(crs)
    return x if seam is None or turn is None else x - turn * np.floor((x - seam) / turn)


def wkt_of(name: str, crs: Any) -> str:
    """Return a CRS as WKT. pyproj and rasterio say what is a CRS."""
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
    """Return the transformer of (x, y) from one CRS to another, both as WKT. PROJ asks for one in each thread."""
    from pyproj import Transformer

    known = _own.__dict__.setdefault("transformers", {})
    if (source, target) not in known:
        known[source, target] = Transformer.from_crs(crs_of(source), crs_of(target), always_xy=True)
    found: Transformer = known[source, target]
    return found


def transformed(source: str, target: str, x: np.ndarray, y: np.ndarray) -> Points:
    """Return (x, y) of one CRS in another. x may be many turns away, which PROJ alone does not allow."""
    with np.errstate(invalid="ignore"):
        near = from_seam(source, first_x(source), x)
    found: Points = transformer(source, target).transform(near, y)
    return found


def full_turn(wkt: str) -> float | None:
    """Return the width of x after which a CRS comes back to the same place. Return None if it never does.

    It is 360 for degrees and 40 075 016.69 for the metres of Web Mercator. Every cylinder projection has one.
    """
    return _turn(wkt)[0]


def first_x(wkt: str) -> float:
    """Return the least x of a CRS that has a full turn, such as -180 degrees. Return 0 for others."""
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
    except ProjError:  # PROJ lacks the method
        return None, 0.0
    around = full_turn(geodetic.to_wkt()) or 360.0
    # On a cylinder x grows evenly with the longitude, in the same way at all latitudes. Only where the cylinder is cut
    # does it jump.
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
    """Return the x in the middle of a cylinder: its false easting, or else the middle that was measured."""
    parameters: list[Any] = list(crs.coordinate_operation.params) if crs.coordinate_operation else []
    said = [float(p.value) * p.unit_conversion_factor for p in parameters if p.name == "False easting"]
    easting = sum(said) / float(crs.axis_info[0].unit_conversion_factor)
    return easting if abs(easting - about) <= step else about
