"""An image file brought to another coordinate reference system, by projections or by the sensor's model in the file."""

from __future__ import annotations

import contextlib
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.files.reading.gdal import check_bands
from gpumask.files.reading.inputs import Inputs
from gpumask.files.resample import resample_file
from gpumask.files.tiles.summary import Summary
from gpumask.files.writing.whole import check_free
from gpumask.grids.places.affine import corners
from gpumask.grids.places.crs import full_turn, wkt_of
from gpumask.grids.places.geolocation import Geolocation
from gpumask.grids.places.place import Place
from gpumask.grids.places.sensor import ControlPoints, RationalPolynomials
from gpumask.grids.places.target import Extent, fitted, suggested, whole_pixels
from gpumask.grids.projected import ProjectedGrid, check_max_error
from gpumask.pixels.checks import check_shape

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

MODELS = ("auto", "transform", "gcps", "rpcs")


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
    height: float | None = None,
    dem: Any = None,
    **options: Any,
) -> Summary:
    """Bring an image file into another coordinate reference system, as `gpumask warp` does.

    Parameters
    ----------
    source
        A path, or an open rasterio dataset.
    output
        The path to write to.
    crs
        The CRS of the output, as pyproj or rasterio take it.
    like
        A raster whose CRS, transform, rows and columns the output has. Give it instead of crs, resolution and bounds.
    resolution
        The size of a pixel in units of crs: (x, y), or one number for both. None means the size that GDAL suggests.
    bounds
        (left, bottom, right, top) in crs. Bounds with left greater than right cross the antimeridian. None means the
        bounds that GDAL suggests for the whole source. If the source crosses the antimeridian, the output goes on
        beyond 180 degrees. With bounds and a resolution the upper left corner is kept, and the size is rounded to whole
        pixels, half a pixel to one. With bounds alone all edges are kept.
    max_error
        How far off coordinates may be, in source pixels. With 0 the coordinate of each pixel is computed.
    model
        What in the source says where it lies: "transform", "gcps" or "rpcs". "auto" means the first of these that the
        source has. A `Place`, or a `Geolocation` whose arrays are in WGS 84, says it instead of the source.
    height, dem
        Heights for "rpcs": one height in metres above the ellipsoid, or the path of a raster of such heights. None
        means a height of 0.
    **options
        The options of `resample_file`, except those about grids and `like`. A window is a part of the output.

    Returns
    -------
    Summary
        How many pixels are valid, and how long the work took.

    Raises
    ------
    GpumaskError
        If an argument is wrong, or a file can't be read or written. See `resample_file`.

    Notes
    -----
    An interpolator reads the same number of source pixels everywhere. If the output is coarser than the source, some
    source pixels are not used, and there is a warning. Area statistics such as "average" use all of them. With
    antialias the interpolator grows as wide as output pixels lie apart, as in GDAL.

    Examples
    --------
    >>> warp_file("scene.tif", "out.tif", crs="EPSG:3035", resolution=20)  # doctest: +SKIP
    """
    check_max_error(max_error)
    with contextlib.ExitStack() as stack:
        inputs = Inputs(stack)
        dataset = inputs.open("source", source)
        dem = None if dem is None else _heights(inputs.open("dem", dem))
        place = _source_place(dataset, model, height, dem)
        found = None if like is None else place_of_like(inputs.open("like", like))
        for name, path in {"output": output, "validity": options.get("validity")}.items():
            if isinstance(path, str | os.PathLike):  # `resample_file` checks all else
                check_free(name, [Path(os.path.realpath(path))], inputs.files, overwrite=True)
        target = target_place(place, crs, found, resolution, bounds)
        grid = ProjectedGrid(place, target, max_error)
        return resample_file(dataset, grid, output, **options)


def _source_place(dataset: DatasetReader, model: Any, height: float | None, dem: Any) -> Place:
    """Return where a source lies."""
    if isinstance(model, Place | Geolocation) and not (height is None and dem is None):
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
        raise GpumaskError(f"source: expected {wanted} in {dataset.name}, to say where it lies; got none")
    if chosen != "rpcs" and not (height is None and dem is None):
        raise GpumaskError(f"height, dem: expected along with RPCs; got them with {chosen}")
    if chosen == "transform":
        return Place(dataset.crs, dataset.transform, dataset.shape)
    if chosen == "gcps":
        return Place(crs_of_points, ControlPoints(points), dataset.shape)
    return Place("OGC:CRS84", RationalPolynomials(dataset.rpcs, height, dem), dataset.shape)


def _heights(dem: DatasetReader) -> str:
    """Return the name of a raster of heights. Raise GpumaskError if it can't be one."""
    check_bands("dem", dem, (1,))
    if dem.transform.is_identity:
        raise GpumaskError(f"dem: expected a raster with a transform; got {dem.name}, which has none")
    return str(dem.name)


def place_of_like(like: DatasetReader) -> Place:
    """Return where a raster lies that the output is to lie like."""
    if like.crs is None or like.transform.is_identity:
        raise GpumaskError(f"like: expected a raster with a CRS and a transform; got {like.name}, which lacks one")
    return Place(like.crs, like.transform, like.shape)


def target_place(source: Place, crs: Any, like: Place | None, resolution: Any, bounds: Any) -> Place:
    """Return where an output lies.

    It lies like `like`, if that is given. Otherwise the resolution and the bounds say where. What they leave open is as
    `suggested`.
    """
    from affine import Affine

    if like is not None:
        if any(other is not None for other in (crs, resolution, bounds)):
            raise GpumaskError("like: expected instead of crs, resolution and bounds; got both")
        return like
    if crs is None:
        raise GpumaskError("crs: expected a CRS, or a raster as like; got None")
    wkt, sizes = wkt_of("crs", crs), _sizes(resolution)
    check_shape("source", source.shape)
    extent = None if bounds is None else Extent(*_bounds(bounds, wkt))
    if sizes is None:
        return suggested(source, wkt) if extent is None else fitted(source, wkt, extent)
    if extent is None:
        found = suggested(source, wkt)
        x, y = corners(found.transform, check_shape("target", found.shape))
        extent = Extent(x.min(), y.min(), x.max(), y.max())
    affine = Affine(sizes[0], 0, extent.left, 0, -sizes[1], extent.top)
    return Place(wkt, affine, whole_pixels(extent, sizes))


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
