"""An image file to another coordinate reference system, by the projections or the sensor's model that it comes with."""

from __future__ import annotations

import contextlib
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpumask.chain import Summary
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.files import resample_file
from gpumask.geolocation import Geolocation
from gpumask.inputs import Inputs
from gpumask.outputs import check_free
from gpumask.projected import ProjectedGrid, check_max_error, check_shape
from gpumask.projection import Place, corners, full_turn, wkt_of
from gpumask.sensor import ControlPoints, RationalPolynomials

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

MODELS = ("auto", "transform", "gcps", "rpcs")

_MOST_PIXELS = 2**31 - 8  # along an axis


def warp_file(
    source: Any,
    output: Any,
    *,
    crs: Any = None,
    like: Any = None,
    resolution: float | tuple[float, float] | None = None,
    bounds: tuple[float, float, float, float] | None = None,
    max_error: float = 0.01,
    model: Any = "auto",
    height: float = 0.0,
    dem: Any = None,
    **options: Any,
) -> Summary:
    """Bring an image file into another coordinate reference system; what `gpumask warp` does.

    source: a path, or an open rasterio dataset. output: the path to write to.
    crs: of the output, as pyproj or rasterio take it. like: a raster whose CRS, transform, rows and columns the output
        has, instead. One of the two is needed.
    resolution: (x, y) sizes of a pixel, or one for both, in units of crs. bounds: (left, bottom, right, top) in crs; a
        left that is greater than right crosses the antimeridian. None: as GDAL suggests for all of the source.
    max_error: how far off coordinates may be, in source pixels; 0: each pixel's own is computed.
    model: what of the source says where it lies: "transform", "gcps" or "rpcs"; "auto": the first of these that it has;
        or a `Geolocation` whose arrays are of WGS 84, or a `Place`.
    height, dem: with rpcs, metres above the ellipsoid everywhere, or the path of a raster of them.
    options: those of `resample_file` but for grids and `like`. A window is of the output.

    No kernel is widened where the output is coarser than the source, as GDAL does: pixels in between are not seen.
    Returns and raises as `resample_file`.
    """
    check_max_error(max_error)
    with contextlib.ExitStack() as stack:
        inputs = Inputs(stack)
        dataset = inputs.open("source", source)
        dem = None if dem is None else inputs.open("dem", dem).name
        place = _source_place(dataset, model, height, dem)
        found = None if like is None else place_of_like(inputs.open("like", like))
        for name, path in {"output": output, "validity": options.get("validity")}.items():
            if isinstance(path, str | os.PathLike):  # the rest is `resample_file`'s to check
                check_free(name, [Path(os.path.realpath(path))], inputs.files, overwrite=True)
        target = target_place(place, crs, found, resolution, bounds)
        grid = ProjectedGrid(place, target, max_error)
    return resample_file(source, grid, output, **options)


def _source_place(dataset: DatasetReader, model: Any, height: float, dem: Any) -> Place:
    """Return where a source lies."""
    if isinstance(model, Place | Geolocation) and (height or dem is not None):
        raise GpumaskError("height, dem: expected along with RPCs; got them with a Place or a Geolocation")
    if isinstance(model, Place):
        return Place(model.crs, model.transform, dataset.shape)
    if isinstance(model, Geolocation):
        return Place("OGC:CRS84", model, dataset.shape)
    if not isinstance(model, str) or model not in MODELS:
        raise GpumaskError(f"model: expected {', '.join(MODELS)}, a Geolocation or a Place; got {model!r}")
    points, crs_of_points = dataset.gcps
    has = {
        "transform": dataset.crs is not None and not dataset.transform.is_identity,
        "gcps": bool(points) and crs_of_points is not None,
        "rpcs": dataset.rpcs is not None,
    }
    chosen = next((name for name in has if has[name]), None) if model == "auto" else model
    if chosen is None or not has[chosen]:
        wanted = "a CRS and a transform, ground control points or RPCs" if model == "auto" else str(model)
        raise GpumaskError(f"source: expected {wanted} in {dataset.name}, which say where it lies; got none")
    if chosen != "rpcs" and (height or dem is not None):
        raise GpumaskError(f"height, dem: expected along with RPCs; got them with {chosen}")
    if chosen == "transform":
        return Place(dataset.crs, dataset.transform, dataset.shape)
    if chosen == "gcps":
        return Place(crs_of_points, ControlPoints(points), dataset.shape)
    heights = {"height": height} if dem is None else {"dem": dem}
    return Place("OGC:CRS84", RationalPolynomials(dataset.rpcs, **heights), dataset.shape)


def place_of_like(like: DatasetReader) -> Place:
    """Return where a raster lies, which the output is to lie like."""
    if like.crs is None or like.transform.is_identity:
        raise GpumaskError(f"like: expected a raster with a CRS and a transform; got {like.name}, which lacks one")
    return Place(like.crs, like.transform, like.shape)


def target_place(source: Place, crs: Any, like: Place | None, resolution: Any, bounds: Any) -> Place:
    """Return where an output lies: like another, or as GDAL suggests where neither resolution nor bounds say it."""
    from affine import Affine

    if like is not None:
        if any(other is not None for other in (crs, resolution, bounds)):
            raise GpumaskError("like: expected instead of crs, resolution and bounds; got both")
        return like
    if crs is None:
        raise GpumaskError("crs: expected a CRS, or a raster as like; got None")
    wkt, sizes = wkt_of("crs", crs), _sizes(resolution)
    if bounds is None:
        affine, shape = _suggested(source, wkt, sizes)
        return Place(wkt, affine, shape)
    left, bottom, right, top = _bounds(bounds, wkt)
    if sizes is None:
        affine, _ = _suggested(source, wkt, None)
        sizes = affine.a, -affine.e
    rows, cols = _checked((top - bottom) / sizes[1], (right - left) / sizes[0])
    return Place(wkt, Affine(sizes[0], 0, left, 0, -sizes[1], top), (rows, cols))


def _suggested(source: Place, crs: str, sizes: tuple[float, float] | None) -> tuple[Any, tuple[int, int]]:
    """Return the affine map and the (rows, cols) that GDAL suggests for all of a source."""
    import rasterio
    from rasterio.control import GroundControlPoint
    from rasterio.warp import calculate_default_transform

    model, known = source.transform, rasterio.crs.CRS.from_user_input
    rows, cols = check_shape("source", source.shape)
    if isinstance(model, ControlPoints):
        about: dict[str, Any] = {"gcps": [GroundControlPoint(*point) for point in model.points]}
    elif isinstance(model, RationalPolynomials):
        about = {"rpcs": model.rpc, **({"RPC_HEIGHT": model.height} if model.dem is None else {"RPC_DEM": model.dem})}
    elif isinstance(model, Geolocation):
        about = {"src_geoloc_array": np.stack([model.x, model.y])}
    elif hasattr(model, "determinant"):
        x, y = corners(model, (rows, cols))
        about = {"left": x.min(), "bottom": y.min(), "right": x.max(), "top": y.max()}
    else:
        raise GpumaskError("bounds, resolution: expected for a model that is a function; got none")
    try:
        affine, width, height = calculate_default_transform(
            known(source.crs), known(crs), cols, rows, resolution=sizes, **about
        )
    except Exception as error:  # rasterio's, and GDAL's, which have no class of their own
        raise GpumaskError(f"crs: GDAL can't say where the source lies in it ({error}); give bounds") from error
    return affine, _checked(height, width)


def _checked(rows: float, cols: float) -> tuple[int, int]:
    """Return whole numbers of rows and columns, 1 at least."""
    if not max(rows, cols) <= _MOST_PIXELS:
        raise GpumaskError(f"resolution: expected up to {_MOST_PIXELS} rows and columns; got {rows:.0f} x {cols:.0f}")
    return max(round(rows), 1), max(round(cols), 1)


def _sizes(resolution: Any) -> tuple[float, float] | None:
    """Return the width and the height of a pixel."""
    if resolution is None:
        return None
    try:
        x, y = (resolution, resolution) if isinstance(resolution, int | float | np.number) else map(float, resolution)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"resolution: expected a number, or (x, y); got {resolution!r}") from error
    if not (0 < x < math.inf and 0 < y < math.inf):
        raise GpumaskError(f"resolution: expected numbers above 0; got {resolution!r}")
    return float(x), float(y)


def _bounds(bounds: Any, crs: str) -> tuple[float, float, float, float]:
    """Return left, bottom, right and top."""
    try:
        left, bottom, right, top = map(float, bounds)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"bounds: expected (left, bottom, right, top); got {bounds!r}") from error
    turn = full_turn(crs)
    if turn and left > right:
        right += turn
    if not (left < right and bottom < top) or not all(map(math.isfinite, (left, bottom, right, top))):
        raise GpumaskError(f"bounds: expected left below right and bottom below top; got {bounds!r}")
    return left, bottom, right, top
