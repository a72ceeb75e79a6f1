"""GridR's rasterisation of polygons."""

from __future__ import annotations

import enum
import math
from typing import Any

import numpy as np

from gpumask.backends import select
from gpumask.errors import ArgumentTypeError, GpumaskError, renamed
from gpumask.gridr.arguments import check_writable, half_open, on_host, real_dtype, shape_of
from gpumask.masks.polygons import WIDENING, Outlines, check_pair, covered, polygons_of, widened
from gpumask.pixels.values import held
from gpumask.pixels.window import Window, check_inside

# The (row, col) of pixel (0, 0)'s centre, and the distances to the next centres.
_Places = tuple[tuple[float, float], tuple[float, float]]


class GridRasterizeAlg(enum.IntEnum):
    """The rule that says which pixels lie inside a polygon: rasterio's or shapely's.

    Rasterio's rule is GDAL's, for the centre of the pixel.
    """

    RASTERIO_RASTERIZE = 1
    SHAPELY = 2


class ShapelyPredicate(enum.IntEnum):
    """The predicate by which shapely tests a pixel's centre. COVERS and INTERSECTS include the outline."""

    COVERS = 1
    CONTAINS = 2
    INTERSECTS = 3


@renamed({"valid": "geometry", "window": "win"})
def grid_rasterize(
    grid_coords: Any,
    shape: tuple[int, int] | None,
    origin: tuple[float, float] | None,
    resolution: tuple[float, float] | None,
    win: Any,
    inner_value: int,
    outer_value: int,
    default_value: int,
    geometry: Any,
    geometry_buffer_dst: float | None = WIDENING,
    alg: GridRasterizeAlg = GridRasterizeAlg.RASTERIO_RASTERIZE,
    output: Any = None,
    dtype: Any = None,
    reduce: bool = False,
    **kwargs_alg: Any,
) -> Any:
    """Rasterise polygons on a regular grid, as `gridr.core.grid.grid_rasterize.grid_rasterize` does.

    Parameters
    ----------
    grid_coords
        (x, y), two arrays of one axis or two, evenly spaced. None means that shape, origin and resolution are given.
    shape, origin, resolution
        The centre of pixel (r, c) is at x = origin[1] + c * resolution[1] and y = origin[0] + r * resolution[0].
    win
        The part wanted, an inclusive window.
    inner_value, outer_value, default_value
        The values inside any polygon, elsewhere, and everywhere if there are no polygons.
    geometry
        Polygons. See `Polygons`.
    geometry_buffer_dst
        The distance by which each polygon is first widened, so that what lies on its outline is inside. With None or 0
        it is not widened.
    alg
        The rule. See `GridRasterizeAlg`.
    output
        An array to fill.
    dtype
        The dtype of a new array. Exactly one of `output` and `dtype` must be given.
    reduce
        If this is True and all pixels have one value, inner_value or outer_value, only that value is returned.
    kwargs_alg
        shapely_predicate, for GridRasterizeAlg.SHAPELY.

    Returns
    -------
    array
        The raster. None if `output` is given and `alg` is SHAPELY.

    Raises
    ------
    GpumaskError
        If an argument is wrong. It is a ValueError.

    Examples
    --------
    >>> from shapely import box
    >>> grid_rasterize(None, (2, 3), (0, 0), (1, 1), None, 1, 0, 0, box(0.5, -1, 3, 0.5), dtype=np.uint8)
    array([[0, 1, 1],
           [0, 0, 0]], dtype=uint8)
    """
    size, places = _pixels(grid_coords, shape, origin, resolution)
    window = Window.of_shape(size) if win is None else check_inside("win", half_open("win", win), size)
    dtype = _raster_dtype(output, dtype, window.shape, reduce)
    rule, distance = rule_of(alg, kwargs_alg), _distance(geometry_buffer_dst)
    for name, value in {"inner_value": inner_value, "outer_value": outer_value, "default_value": default_value}.items():
        held(name, value, dtype)
    found = polygons_of("geometry", geometry)
    if not found and reduce:
        return default_value
    raster = np.full(window.shape, default_value, dtype)
    if found:
        inside = _inside(widened(found, distance), places, window, rule)
        if reduce and inside.all() or reduce and not inside.any():
            return inner_value if inside.all() else outer_value
        raster = np.where(inside, np.asarray(inner_value, dtype), np.asarray(outer_value, dtype))
    if output is None:
        return raster
    output[...] = select(None, output).to_family_of(output, raster)
    return output if rule == "rasterio" else None


def _inside(polygons: list[Any], places: _Places, window: Window, rule: str) -> np.ndarray:
    """Return bool (row, col): which pixels of a window lie in any polygon."""
    origin, step = places
    if rule != "rasterio":
        rows, cols = np.arange(window.row, window.row_stop), np.arange(window.col, window.col_stop)
        return covered(polygons, origin[1] + cols * step[1], origin[0] + rows * step[0], rule)
    backend = select(None)
    inside = Outlines.of(polygons, origin, step).inside(window, backend)
    return np.asarray(backend.to_family_of(np.empty(0), inside), dtype=bool)


def _distance(given: Any) -> float:
    """Return the distance by which polygons are widened."""
    if given is not None and not isinstance(given, int | float | np.integer | np.floating):
        raise ArgumentTypeError(f"geometry_buffer_dst: expected a number or None; got {given!r}")
    distance = float(given or 0)
    if not math.isfinite(distance):
        raise GpumaskError(f"geometry_buffer_dst: expected a finite number; got {given!r}")
    return distance


def _pixels(grid_coords: Any, shape: Any, origin: Any, resolution: Any) -> tuple[tuple[int, int], _Places]:
    """Return rows and columns, and the places of their centres."""
    regular = (shape, origin, resolution)
    if (grid_coords is None) == all(value is None for value in regular):
        raise GpumaskError(
            "grid_coords: expected either grid_coords, or shape, origin and resolution; got both or neither"
        )
    if grid_coords is not None:
        return _given_pixels(grid_coords)
    if any(value is None for value in regular):
        raise GpumaskError(f"shape, origin, resolution: expected all three; got {shape}, {origin}, {resolution}")
    step = check_pair("resolution", resolution)
    if 0 in step:
        raise GpumaskError(f"resolution: expected two numbers that are not 0; got {resolution!r}")
    return shape_of("shape", shape), (check_pair("origin", origin), step)


def _given_pixels(grid_coords: Any) -> tuple[tuple[int, int], _Places]:
    """Return rows and columns, and the places of their centres, from grid_coords."""
    try:
        x, y = (on_host(places).astype(np.float64) for places in grid_coords)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError("grid_coords: expected two arrays of numbers, (x, y)") from error
    if x.ndim not in (1, 2) or x.ndim != y.ndim or (x.ndim == 2 and x.shape != y.shape) or 0 in (*x.shape, *y.shape):
        raise ArgumentTypeError(
            f"grid_coords: expected two arrays of one axis, or two of two axes and one shape; got {x.shape}, {y.shape}"
        )
    cols, rows = (x, y) if x.ndim == 1 else (x[0], y[:, 0])
    repeated = x.ndim == 2 and not ((x == cols).all() and (y == rows[:, None]).all())
    if repeated or not (_is_even(cols) and _is_even(rows)):
        raise GpumaskError("grid_coords: expected a regular grid with evenly spaced columns and rows; got another")
    return (len(rows), len(cols)), ((float(rows[0]), float(cols[0])), (_step(rows), _step(cols)))


def _is_even(places: np.ndarray) -> bool:
    """Say whether places are finite and evenly spaced, except for rounding."""
    step, size = _step(places), np.abs(places).max()
    if not np.isfinite(size) or not step:
        return False
    return bool(np.allclose(np.diff(places), step, rtol=1e-6, atol=4 * np.finfo(float).eps * size))


def _step(places: np.ndarray) -> float:
    """Return the distance between places. It is 1 for a single place."""
    return float(places[-1] - places[0]) / (len(places) - 1) if len(places) > 1 else 1.0


def _raster_dtype(output: Any, dtype: Any, shape: tuple[int, int], reduce: bool) -> np.dtype[Any]:
    """Check output and dtype, of which one is given, and return the dtype."""
    if (output is None) == (dtype is None):
        raise GpumaskError("output, dtype: expected exactly one of the two; got both or neither")
    if output is None:
        return real_dtype("dtype", dtype)
    if reduce:
        raise GpumaskError("reduce: expected False along with output; got True")
    check_writable("output", output)
    if output.shape != shape:
        raise GpumaskError(f"output: expected shape {shape}; got {output.shape}")
    return real_dtype("output", output.dtype)


def rule_of(alg: Any, kwargs_alg: dict[str, Any]) -> str:
    """Return the name of the rule for GridR's arguments."""
    unknown = set(kwargs_alg) - {"shapely_predicate"}
    if unknown:
        raise ArgumentTypeError(f"kwargs_alg: expected shapely_predicate or nothing; got {', '.join(sorted(unknown))}")
    if alg is None or alg == GridRasterizeAlg.RASTERIO_RASTERIZE:
        return "rasterio"
    if alg != GridRasterizeAlg.SHAPELY:
        raise GpumaskError(f"alg: expected a GridRasterizeAlg; got {alg!r}")
    predicate = kwargs_alg.get("shapely_predicate", ShapelyPredicate.COVERS)
    try:
        return ShapelyPredicate(predicate).name.lower()
    except ValueError as error:
        raise GpumaskError(f"shapely_predicate: expected a ShapelyPredicate; got {predicate!r}") from error
