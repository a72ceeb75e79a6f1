"""Where an output lies if the user has not placed it: as GDAL suggests, and whole where x begins anew.

GDAL is asked where it knows the answer. Otherwise its rules are applied to an x that continues over the antimeridian.
This is done for sources that cross the place where x begins anew. It is also done for swaths, whose samples GDAL takes
for corners, and for splines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

from gpumask.errors import GpumaskError
from gpumask.grids.places.affine import Points, corners, is_affine, moved
from gpumask.grids.places.crs import crs_of, first_x, from_seam, full_turn, transformed
from gpumask.grids.places.geolocation import Geolocation
from gpumask.grids.places.longitudes import seam_opposite, unwrapped
from gpumask.grids.places.place import Place, model_of
from gpumask.grids.places.projection import projection
from gpumask.grids.places.sensor import ControlPoints, RationalPolynomials, ground

MOST_PIXELS = 2**31 - 8  # most pixels along an axis
_COARSE = 20  # steps along each axis at which the whole source is sampled
_FINE = 200  # steps along each edge at which the outline of a source is sampled
_NEAR = 0.01  # share of its width. A source this near to where x begins anew may cross it between samples.
_TOUCH = 1e-9  # share of a turn that counts as 0
_EMPTY = 1.5  # most pixels that a source which goes all around may leave empty
_POLAR = 2 / 3  # share of the way to a pole. A source that holds the pole reaches beyond it.
_INSIDE = 1e-3  # pixels. A source holds a pole that lies so far within its edges.
_MOST_NORTH = 85.0511287798066 / 360  # the latitude at which the world is a square on web maps, as a share of a turn
_SAMPLES = 10  # samples along each axis at which the size of pixels is measured


@dataclass(frozen=True)
class Extent:
    """The extent of an output.

    Attributes
    ----------
    left, bottom, right, top
        The edges.
    exact
        True if all four edges must be kept, False if only the upper left corner must be.
    size
        The size of a pixel. None means as fine as the source's pixels.
    """

    left: float
    bottom: float
    right: float
    top: float
    exact: bool = True
    size: float | None = None

    @property
    def sides(self) -> tuple[float, float]:
        """The width and the height."""
        return self.right - self.left, self.top - self.bottom


def suggested(source: Place, crs: str) -> Place:
    """Return where the whole of a source comes to lie in a CRS, given as WKT."""
    model, source_crs = model_of(source)
    if not is_affine(model) and not isinstance(model, ControlPoints | RationalPolynomials | Geolocation):
        raise GpumaskError("bounds: expected bounds for a model that is a function; got none")
    source = replace(source, crs=source_crs, transform=model)
    own = _own_sizes(source, crs)
    if own is not None:
        x, y = corners(model, _shape(source))
        return Place(crs, _upright(x.min(), y.max(), *own), source.shape)
    with np.errstate(all="ignore"):
        extent = _extent(source, crs)
    if extent is None:
        return _by_gdal(source, crs)
    if extent.exact:
        return fitted(source, crs, extent)
    size = extent.size or _finest(source, crs, extent)
    return Place(crs, _upright(extent.left, extent.top, size, size), whole_pixels(extent, (size, size)))


def fitted(source: Place, crs: str, extent: Extent) -> Place:
    """Return a place with all four edges of an extent and pixels about as fine as the source's, as gdalwarp does."""
    model, source_crs = model_of(source)
    source = replace(source, crs=source_crs, transform=model)
    size = _own_sizes(source, crs) or (_finest(source, crs, extent),) * 2
    rows, cols = whole_pixels(extent, size)
    affine = _upright(extent.left, extent.top, extent.sides[0] / cols, extent.sides[1] / rows)
    return Place(crs, affine, (rows, cols))


def whole_pixels(extent: Extent, sizes: tuple[float, float]) -> tuple[int, int]:
    """Return how many rows and columns an extent has. Half a pixel counts as one, as in gdalwarp."""
    cols, rows = (side / size + 0.5 for side, size in zip(extent.sides, sizes, strict=True))
    if not max(rows, cols) <= MOST_PIXELS:
        raise GpumaskError(f"resolution: expected up to {MOST_PIXELS} rows and columns; got {rows:.0f} x {cols:.0f}")
    return max(int(rows), 1), max(int(cols), 1)


def _shape(place: Place) -> tuple[int, int]:
    """Return the shape of a place that has one."""
    assert place.shape is not None
    return place.shape


def _upright(left: float, top: float, width: float, height: float) -> Any:
    """Return an affine map that is north up."""
    from affine import Affine

    return Affine(width, 0, left, 0, -height, top)


def _own_sizes(source: Place, crs: str) -> tuple[float, float] | None:
    """Return the sizes of a source's own pixels, or None if they don't fit a CRS.

    They fit if the CRS is the source's own, and the source is neither turned nor sheared.
    """
    model = source.transform
    same = is_affine(model) and not model.b and not model.d and crs_of(source.crs).equals(crs_of(crs), True)
    return (abs(model.a), abs(model.e)) if same else None


def _by_gdal(source: Place, crs: str) -> Place:
    """Return the place that GDAL suggests."""
    from rasterio.control import GroundControlPoint
    from rasterio.crs import CRS
    from rasterio.warp import calculate_default_transform

    model, (rows, cols) = source.transform, _shape(source)
    try:
        if is_affine(model):
            return _by_warped_vrt(source, crs)
        if isinstance(model, ControlPoints):
            about: dict[str, Any] = {"gcps": [GroundControlPoint(*point) for point in model.points]}
        else:
            about = {"rpcs": model.rpc, **model.options}
        known = CRS.from_wkt
        affine, cols, rows = calculate_default_transform(known(source.crs), known(crs), cols, rows, **about)
    except Exception as error:  # errors of rasterio and of GDAL share no class
        raise GpumaskError(
            f"crs: expected a CRS in which GDAL can place the source; got {error} (give bounds)"
        ) from error
    return Place(crs, affine, (max(rows, 1), max(cols, 1)))


def _by_warped_vrt(source: Place, crs: str) -> Place:
    """Return the place that GDAL suggests for a raster with an affine map, turned or sheared ones included."""
    import rasterio
    from rasterio.vrt import WarpedVRT

    (rows, cols), affine = _shape(source), source.transform
    x, first, turn = corners(affine, (rows, cols))[0], first_x(source.crs), full_turn(source.crs)
    goes_on = turn is not None and abs(x - first - turn / 2).max() > turn / 2
    if goes_on and _goes_around(source):  # it holds the same places wherever it begins
        affine, goes_on = type(affine).translation(first - x.min(), 0) @ affine, False
    numbers = ", ".join(map(repr, map(float, affine.to_gdal())))
    raster = (
        f'<VRTDataset rasterXSize="{cols}" rasterYSize="{rows}"><SRS>{escape(source.crs)}</SRS>'
        f'<GeoTransform>{numbers}</GeoTransform><VRTRasterBand dataType="Byte" band="1"/></VRTDataset>'
    )
    # Points that don't come back are not covered. For sources beyond the antimeridian this test fails: 181 degrees come
    # back as -179.
    with (
        rasterio.Env(CHECK_WITH_INVERT_PROJ="NO" if goes_on else "YES"),
        rasterio.open(raster) as dataset,
        WarpedVRT(dataset, crs=rasterio.crs.CRS.from_wkt(crs)) as there,
    ):
        return Place(crs, there.transform, (max(there.height, 1), max(there.width, 1)))


def _finest(source: Place, crs: str, extent: Extent) -> float:
    """Return the size of the source's finest pixels within an extent.

    Source: gdalwarp of GDAL 3.10, with bounds and no resolution. Sizes below a tenth of the median don't count.
    """
    (width, height), n, (rows, cols) = extent.sides, _SAMPLES, _shape(source)
    step = min(width, height) / 1000
    x, y = np.meshgrid(*(np.linspace(0, side, n) for side in (width, height)))
    beside = np.where(x < width, x + step, x - step), np.where(y < height, y + step, y - step)
    there = Place(crs, _upright(extent.left, extent.top, width / n, height / n), (n, n))
    with np.errstate(all="ignore"):
        exact = projection(source, there)
        at, right, below = (
            np.array(exact(down / height * n - 0.5, across / width * n - 0.5))
            for across, down in ((x, y), (beside[0], y), (x, beside[1]))
        )
        sizes = step / np.stack([np.hypot(*(right - at)), np.hypot(*(below - at))])
        known = np.isfinite(sizes).all(axis=0)
        inside = known & (at >= -0.5).all(axis=0) & (at[0] <= rows - 0.5) & (at[1] <= cols - 0.5)
    if not known.any():
        raise GpumaskError("bounds: expected bounds where the source has pixels; got others (give resolution as well)")
    sizes = sizes[:, inside if inside.any() else known]
    for axis in (0, 1):
        sizes = sizes[:, sizes[axis] > np.median(sizes[axis]) / 10]
    mean = sizes.mean(axis=0)
    return float(mean[mean > np.median(mean) / 10].min())


def _extent(source: Place, crs: str) -> Extent | None:
    """Return the extent of a source. Return None if GDAL can be asked."""
    turn, unknown = full_turn(crs), _is_unknown(source.transform)
    if turn is None and not unknown:
        return None
    seam, around, poles = _around(source, crs, turn)
    x, y, ends = _outline(source, crs, seam)
    known = np.isfinite(x) & np.isfinite(y)
    if not known.any():
        if unknown:
            raise GpumaskError("crs: expected a CRS that reaches the place of the source; got one that does not")
        return None
    (left, right), (bottom, top) = ((float(of[known].min()), float(of[known].max())) for of in (x, y))
    size = float(np.hypot(*np.diff(ends).ravel())) / _diagonal(source)
    found = Extent(left, min([bottom, *poles]), right, max([top, *poles]), False, size if 0 < size < math.inf else None)
    if turn is None:
        return found
    clipped = _clipped(found, crs)
    if around or poles:
        own = unknown or poles or clipped.exact or abs(left - first_x(crs)) > _TOUCH * turn
        # Longitudes begin where those of the source begin, if it has such a place.
        start = left if crs_of(crs).is_geographic and _goes_around(source) else first_x(crs)
        return replace(clipped, left=start, right=start + turn, exact=True) if own else None
    return clipped if unknown or clipped.exact or _crosses(found, first_x(crs), turn) else None


def _crosses(extent: Extent, first: float, turn: float) -> bool:
    """Say whether an extent crosses the place where x begins anew, or may cross it between samples.

    An extent that ends exactly there does not cross it.
    """
    within = extent.left - first, first + turn - extent.right
    return any(end < _NEAR * extent.sides[0] and not abs(end) < _TOUCH * turn for end in within)


def _clipped(extent: Extent, crs: str) -> Extent:
    """Return an extent without what lies beyond the square world of a cylinder that never ends."""
    lowest, highest = _limits(crs)
    if math.isfinite(extent.sides[1]) and (extent.bottom >= highest or extent.top <= lowest):
        return extent
    clipped = replace(extent, bottom=max(extent.bottom, lowest), top=min(extent.top, highest), exact=True)
    if clipped.bottom >= clipped.top:
        raise GpumaskError(
            "crs: expected a CRS that holds the same pole as the source; got one without it (give bounds)"
        )
    cut = max(clipped.bottom - extent.bottom, extent.top - clipped.top)
    return clipped if cut > _TOUCH * (highest - lowest) else extent


def _diagonal(source: Place) -> float:
    """Return the distance in pixels from the first to the last corner of a source, or sample of a swath."""
    swath = source.transform
    if not isinstance(swath, Geolocation):
        return math.hypot(*_shape(source))
    return math.hypot(*(step * (n - 1) for step, n in zip(swath.step, swath.x.shape, strict=True)))


def _goes_around(source: Place) -> bool:
    """Say whether a raster's own x goes all around."""
    turn, affine = full_turn(source.crs), source.transform
    return turn is not None and is_affine(affine) and abs(affine.a) * (_shape(source)[1] + _EMPTY) >= turn


def _is_unknown(model: Any) -> bool:
    """Say whether GDAL can't be asked: about swaths, splines, and rasters that it takes for rasters without a place."""
    if is_affine(model):
        return tuple(abs(number) for number in model[:6]) == (1, 0, 0, 0, 1, 0)
    return isinstance(model, Geolocation) or (isinstance(model, ControlPoints) and model.thin_plate)


def _around(source: Place, crs: str, turn: float | None) -> tuple[float | None, bool, list[float]]:
    """Return where x begins so that a source is not cut, whether it goes all around, and the y of its poles.

    The middle of the source is where x needs no change of turn.
    """
    if turn is None:
        return None, False, []
    (rows, cols), is_swath = _shape(source), isinstance(source.transform, Geolocation)
    ends = [n - 1 for n in source.transform.x.shape] if is_swath else [rows, cols]
    steps = [np.unique(np.linspace(0, end, 2 * _COARSE + 1).round()) if is_swath else np.linspace(0, end, _COARSE + 1)
             for end in ends]  # fmt: skip
    at = np.stack([places.ravel() for places in np.meshgrid(*steps, indexing="ij")])
    x, y = _places(source, crs, *at)
    known = np.isfinite(x) & np.isfinite(y)
    if not known.any():
        return None, False, []
    places = at.T[known] / np.maximum(ends, 1)
    x, first = unwrapped(x[known], places, turn), first_x(crs)
    middle = (x.min() + x.max()) / 2
    x -= turn * (math.ceil((middle - first) / turn - _TOUCH) - 1)
    empty = turn - float(np.ptp(x))
    seam = seam_opposite((x.min(), x.max()), turn) - _TOUCH * turn
    return seam, empty < _EMPTY * turn / (cols + 1), _poles(source, crs, (x, y[known]))


def _poles(source: Place, crs: str, found: Points) -> list[float]:
    """Return the y of the poles that a source holds, which may be infinite. `found` is some of its (x, y)."""
    from affine import Affine
    from pyproj.crs import ProjectedCRS
    from pyproj.crs.coordinate_operation import PolarStereographicAConversion

    wkt, held, (rows, cols) = _geodetic(crs), [], _shape(source)
    quarter = (full_turn(wkt) or 360.0) / 4
    latitudes = transformed(crs, wkt, *found)[1]
    for pole in (-quarter, quarter):
        if not (np.isfinite(latitudes) & (latitudes / pole > _POLAR)).any():
            continue
        from_pole = ProjectedCRS(PolarStereographicAConversion(math.copysign(90, pole)), geodetic_crs=crs_of(wkt))
        row, col = projection(source, Place(from_pole, Affine(1, 0, -0.5, 0, -1, 0.5), (1, 1)))(
            np.zeros(1), np.zeros(1)
        )
        if -0.5 + _INSIDE < row[0] < rows - 0.5 - _INSIDE and -0.5 + _INSIDE < col[0] < cols - 0.5 - _INSIDE:
            goes_on = math.isfinite(_limits(crs)[1])
            y = (
                math.copysign(math.inf, pole)
                if goes_on
                else float(transformed(wkt, crs, np.zeros(1), np.full(1, pole))[1][0])
            )
            held.append(y)
    return held


def _geodetic(crs: str) -> str:
    """Return the CRS of longitudes and latitudes that a CRS with a full turn is based on."""
    geodetic = crs_of(crs).geodetic_crs
    return crs if geodetic is None or crs_of(crs).is_geographic else str(geodetic.to_wkt())


def _limits(crs: str) -> tuple[float, float]:
    """Return the least and the greatest y of an output. A cylinder that never ends gets those of a square world."""
    if crs_of(crs).is_geographic:
        return -math.inf, math.inf
    wkt = _geodetic(crs)
    turn = full_turn(wkt) or 360.0
    latitudes = turn * np.array([0, -_MOST_NORTH, _MOST_NORTH, 0.25 * (1 - 1e-6)])
    y = transformed(wkt, crs, np.zeros(4), latitudes)[1]
    if np.isfinite(y[3]) and y[3] - y[0] < 2 * (y[2] - y[0]):
        return -math.inf, math.inf
    return float(y[1]), float(y[2])


def _places(source: Place, crs: str, row: np.ndarray, col: np.ndarray) -> Points:
    """Return where rows and columns lie in a CRS. They count from a corner, or are those of the samples of a swath."""
    model = source.transform
    if is_affine(model):
        x, y = moved(model, np.stack([col, row], axis=-1)).T
    elif isinstance(model, Geolocation):
        at = row.astype(int), col.astype(int)
        x, y = model.x[at], model.y[at]
    else:
        x, y = ground(model, row, col)
    return (x, y) if source.crs == crs else transformed(source.crs, crs, x, y)


def _outline(source: Place, crs: str, seam: float | None) -> tuple[np.ndarray, np.ndarray, Points]:
    """Return (x, y) of points that say how far a source reaches, and of its first and its last corner."""
    rows, cols = _shape(source)
    if isinstance(source.transform, Geolocation):
        last_row, last_col = (n - 1 for n in source.transform.x.shape)
        x, y = _outline_of_swath(source, crs)
        ends = _places(source, crs, np.array([0, last_row]), np.array([0, last_col]))
    else:
        row, col = (places.ravel() for places in np.mgrid[: _FINE + 1, : _FINE + 1] / _FINE)
        on_edge = (row % 1 == 0) | (col % 1 == 0)
        x, y = _places(source, crs, row[on_edge] * rows, col[on_edge] * cols)
        if not np.isfinite([x, y]).all():
            x, y = _places(source, crs, row * rows, col * cols)
        ends = x[[0, -1]], y[[0, -1]]
    return from_seam(crs, seam, x), y, (from_seam(crs, seam, ends[0]), ends[1])


def _outline_of_swath(source: Place, crs: str) -> Points:
    """Return (x, y) of the corners of pixels at the edge of a swath, or of all samples if the edge does not say all.

    Corners are half a pixel beyond samples. Beyond the outer samples they reach as far as the source does.
    """
    swath = source.transform
    known = np.isfinite(swath.x) & np.isfinite(swath.y)
    full = known[:-1, :-1] & known[:-1, 1:] & known[1:, :-1] & known[1:, 1:]
    around = np.pad(full, 1)
    at = np.nonzero(full & ~(around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]))
    cells = np.array([_places(source, crs, at[0] + i, at[1] + j) for i in (0, 1) for j in (0, 1)])
    if not cells.size or not np.isfinite(cells).all():
        return _places(source, crs, *np.nonzero(known))
    turn, shares = full_turn(crs), []
    if turn is not None:  # for cells where x begins anew
        cells[1:, 0] -= turn * np.round((cells[1:, 0] - cells[0, 0]) / turn)
    for of, n, step, first, pixels in zip(at, known.shape, swath.step, swath.first, _shape(source), strict=True):
        low = np.where(of == 0, (first + 0.5) / step, 0.5 / step)
        high = np.where(of == n - 2, (pixels - 0.5 - first) / step - (n - 1), 0.5 / step)
        shares.append((-low, 1 + high))
    a, b, c, d = cells
    found = [(1 - p) * ((1 - q) * a + q * b) + p * ((1 - q) * c + q * d) for p in shares[0] for q in shares[1]]
    x, y = np.concatenate(found, axis=-1)
    return x, y
