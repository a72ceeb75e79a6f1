"""GridR's masks: from coarse rasters and from polygons."""

from __future__ import annotations

import enum
from typing import Any

import numpy as np

from gpumask.backends import select
from gpumask.errors import ArgumentTypeError, GpumaskError, renamed
from gpumask.geometry import BUFFER, Outlines, Polygons, check_pair, covered, polygons_of, widened
from gpumask.gridr.arguments import check_floating, check_writable, half_open, shape_of, two_numbers
from gpumask.mask import CoarseMask, Validity, all_of
from gpumask.resample import held
from gpumask.window import Window, check_inside


class GridRasterizeAlg(enum.IntEnum):
    """Whose rule says which pixels lie inside a polygon: rasterio's (the pixel's centre, by GDAL), or shapely's."""

    RASTERIO_RASTERIZE = 1
    SHAPELY = 2


class ShapelyPredicate(enum.IntEnum):
    """How shapely tests a pixel's centre; COVERS and INTERSECTS count the outline."""

    COVERS = 1
    CONTAINS = 2
    INTERSECTS = 3


# GridR's names for what the layers below name in their errors.
_NAMES = {
    "mask": "mask_in",
    "threshold": "mask_in_binary_threshold",
    "grid.resolution": "mask_in_resolution",
    "window": "mask_in_target_win",
    "origin": "geometry_origin",
    "valid": "geometry_pair[0]",
    "invalid": "geometry_pair[1]",
}


@renamed(_NAMES)
def build_mask(
    shape: tuple[int, int] | None,
    resolution: tuple[int, int],
    out: Any,
    geometry_origin: tuple[float, float] | None = None,
    geometry_pair: tuple[Any, Any] | None = None,
    mask_in: Any = None,
    mask_in_target_win: Any = None,
    mask_in_resolution: tuple[int, int] | None = None,
    oversampling_dtype: Any = None,
    mask_in_binary_threshold: float = 0.999,
    rasterize_kwargs: dict[str, Any] | None = None,
    init_out: bool = False,
) -> Any:
    """Build a mask from a raster and polygons, as `gridr.core.grid.grid_mask.build_mask` does: 1 is valid.

    shape: (rows, cols) of the mask; None: that of mask_in_target_win, or of out. resolution: (1, 1), nothing else.
    out: an array of that shape to be filled; where there is no mask_in and no geometry it is left as it is, unless
    init_out is True: then it becomes 1. None: a new uint8 array is returned.
    geometry_pair: (valid, invalid), each None or polygons (see `Polygons`); valid is what lies inside one of the first,
    if any, and in none of the second. geometry_origin: (row, col) of pixel (0, 0)'s centre in their coordinates.
    mask_in: (m, n), its pixels mask_in_resolution apart; between them it is bilinear, and valid where its size is at
    least mask_in_binary_threshold, in (0, 1]. mask_in_target_win: the part of it at full resolution that is wanted.
    oversampling_dtype: any floating type; sums are float64 whatever it is.
    rasterize_kwargs: {"alg": GridRasterizeAlg, "kwargs_alg": {"shapely_predicate": ShapelyPredicate}}; rasterio's rule
    where nothing is said.

    Returns the mask, where mask_in lives; None where out is given. Raises GpumaskError, a ValueError, for bad input.
    Unlike GridR: every integer but 0 is valid; an all-valid mask passes a threshold of 1; polygons that cross
    themselves are repaired; a valid polygon without area is an error, while an empty list of them is no condition.
    """
    _check_full_resolution(resolution)
    size = _size(shape, mask_in_target_win, out)
    raster = _coarse(mask_in, mask_in_resolution, oversampling_dtype, mask_in_binary_threshold)
    geometry = polygons_of_pair(geometry_pair, geometry_origin, rasterize_kwargs)
    places: list[tuple[Any, Window]] = []
    if raster:
        window = Window.of_shape(size)
        if mask_in_target_win is not None:
            window = half_open("mask_in_target_win", mask_in_target_win)
        if window.shape != size:
            raise GpumaskError(f"mask_in_target_win: expected {size[0]} x {size[1]} pixels, as shape; got {window}")
        places.append((raster, check_inside("mask_in_target_win", window, raster.full_shape)))
    if geometry:
        places.append((geometry, Window.of_shape(size)))
    backend = select(None, raster.values if raster else None, out)
    valid = all_of(part.validity(window, backend) for part, window in places)
    if out is None:
        like = raster.values if raster else np.empty(0)
        return np.full(size, Validity.VALID, np.uint8) if valid is None else backend.to_family_of(like, valid)
    if valid is not None:
        out[...] = backend.to_family_of(out, valid)
    elif init_out:
        out[...] = Validity.VALID
    return None


def polygons_of_pair(pair: Any, origin: Any, rasterize_kwargs: dict[str, Any] | None) -> Polygons | None:
    """Return GridR's geometry_pair as Polygons; None where it has no condition."""
    if pair is None:
        return None
    try:
        valid, invalid = pair
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"geometry_pair: expected (valid, invalid); got {pair!r}") from error
    _check_rasterize_kwargs(rasterize_kwargs)
    if valid is not None:  # as in GridR, none of them is no condition
        valid = polygons_of("geometry_pair[0]", valid) or None
    if valid is None and invalid is None:
        return None
    if origin is None:
        raise GpumaskError("geometry_origin: expected (row, col) along with geometry_pair; got None")
    return Polygons(valid, invalid, two_numbers("geometry_origin", origin))


def _check_rasterize_kwargs(options: Any) -> None:
    """Raise GpumaskError unless they name a rule; which one is all the same, for the polygons are widened."""
    if options is None:
        return
    try:
        unknown = set(options) - {"alg", "kwargs_alg"}
        alg, kwargs_alg = options.get("alg"), dict(options.get("kwargs_alg") or {})
    except (AttributeError, TypeError, ValueError) as error:
        raise ArgumentTypeError(f"rasterize_kwargs: expected a dict of alg and kwargs_alg; got {options!r}") from error
    if unknown:
        raise GpumaskError(f"rasterize_kwargs: expected alg and kwargs_alg; got {', '.join(map(str, unknown))}")
    with renamed(dict.fromkeys(("alg", "kwargs_alg", "shapely_predicate"), "rasterize_kwargs")):
        _rule(alg, kwargs_alg)


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
    geometry_buffer_dst: float | None = BUFFER,
    alg: GridRasterizeAlg = GridRasterizeAlg.RASTERIO_RASTERIZE,
    output: Any = None,
    dtype: Any = None,
    reduce: bool = False,
    **kwargs_alg: Any,
) -> Any:
    """Rasterise polygons on a regular grid, as `gridr.core.grid.grid_rasterize.grid_rasterize` does.

    Either grid_coords, (x, y) as two arrays of one axis or two, or shape, origin and resolution: pixel (r, c) has its
    centre at x = origin[1] + c * resolution[1], y = origin[0] + r * resolution[0]. win: the part of it that is wanted.
    geometry: see `Polygons`. inner_value inside any polygon, outer_value elsewhere, default_value where there are none.
    geometry_buffer_dst: by how much each polygon is widened first, so that what lies on its outline is inside; None or
    0: not at all. kwargs_alg: shapely_predicate, for GridRasterizeAlg.SHAPELY.
    Exactly one of output, an array to be filled, and dtype, of a new one.

    Returns the raster (None where output is given and alg is SHAPELY). With reduce, one value where all pixels have it,
    inner_value or outer_value. Raises GpumaskError, a ValueError, for bad input.
    """
    x, y = _axes(grid_coords, shape, origin, resolution)
    size = (len(y), len(x)) if x.ndim == 1 else x.shape
    window = Window.of_shape(size) if win is None else check_inside("win", half_open("win", win), size)
    dtype = _raster_dtype(output, dtype, window.shape, reduce)
    rule = _rule(alg, kwargs_alg)
    for name, value in {"inner_value": inner_value, "outer_value": outer_value, "default_value": default_value}.items():
        held(name, value, dtype)
    found = polygons_of("geometry", geometry)
    if not found and reduce:
        return default_value
    raster = np.full(window.shape, default_value, dtype)
    if found:
        rows, cols = window.slices
        here = (x[cols], y[rows]) if x.ndim == 1 else (x[rows, cols], y[rows, cols])
        inside = _inside(widened(found, geometry_buffer_dst), *here, rule)
        if reduce and inside.all() or reduce and not inside.any():
            return inner_value if inside.all() else outer_value
        raster = np.where(inside, np.asarray(inner_value, dtype), np.asarray(outer_value, dtype))
    if output is None:
        return raster
    output[...] = select(None, output).asarray(raster)
    return output if rule == "rasterio" else None


def _inside(polygons: list[Any], x: np.ndarray, y: np.ndarray, rule: str) -> np.ndarray:
    """Return bool (row, col): which places lie in any polygon."""
    if rule != "rasterio":
        x, y = np.meshgrid(x, y) if x.ndim == 1 else (x, y)
        return covered(polygons, x, y, rule)
    x, y = (x, y) if x.ndim == 1 else (x[0], y[:, 0])
    outlines = Outlines.of(polygons, (float(y[0]), float(x[0])), (_step(y), _step(x)))
    backend = select(None)
    inside = outlines.inside(Window(0, 0, len(y), len(x)), backend)
    return np.asarray(backend.to_family_of(x, inside), dtype=bool)


def _step(places: np.ndarray) -> float:
    """Return how far places are apart; 1 for a single one."""
    return float(places[-1] - places[0]) / (len(places) - 1) if len(places) > 1 else 1.0


def _axes(grid_coords: Any, shape: Any, origin: Any, resolution: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of columns and of rows; two arrays of two axes where they are given so."""
    regular = (shape, origin, resolution)
    if (grid_coords is None) == all(value is None for value in regular):
        raise GpumaskError("grid_coords: expected either it, or shape, origin and resolution; got both or neither")
    if grid_coords is not None:
        return _given_axes(grid_coords)
    if any(value is None for value in regular):
        raise GpumaskError(f"shape, origin, resolution: expected all three; got {shape}, {origin}, {resolution}")
    rows, cols = shape_of("shape", shape)
    (y0, x0), (dy, dx) = check_pair("origin", origin), check_pair("resolution", resolution)
    if not dy or not dx:
        raise GpumaskError(f"resolution: expected two numbers that are not 0; got {resolution!r}")
    return x0 + np.arange(cols) * dx, y0 + np.arange(rows) * dy


def _given_axes(grid_coords: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of grid_coords, checked."""
    try:
        x, y = (np.asarray(places, dtype=np.float64) for places in grid_coords)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError("grid_coords: expected two arrays of numbers, (x, y)") from error
    if x.ndim not in (1, 2) or x.ndim != y.ndim or (x.ndim == 2 and x.shape != y.shape) or 0 in (*x.shape, *y.shape):
        raise ArgumentTypeError(
            f"grid_coords: expected two arrays of one axis, or of two and one shape; got {x.shape} and {y.shape}"
        )
    across, along = (x, y) if x.ndim == 1 else (x[0], y[:, 0])
    even = all(np.allclose(np.diff(places), _step(places)) for places in (across, along))
    if not even or (x.ndim == 2 and not (np.allclose(x, across) and np.allclose(y, along[:, None]))):
        raise GpumaskError("grid_coords: expected a regular grid, its columns and rows evenly spaced; got another")
    return x, y


def _raster_dtype(output: Any, dtype: Any, shape: tuple[int, int], reduce: bool) -> np.dtype[Any]:
    """Check output and dtype, of which there is one; return the dtype."""
    if (output is None) == (dtype is None):
        raise GpumaskError("output, dtype: expected exactly one of the two; got both or neither")
    if output is None:
        return np.dtype(dtype)
    if reduce:
        raise GpumaskError("reduce: expected False along with output; got True")
    check_writable("output", output)
    if output.shape != shape:
        raise GpumaskError(f"output: expected shape {shape}; got {output.shape}")
    return np.dtype(output.dtype)


def _rule(alg: Any, kwargs_alg: dict[str, Any]) -> str:
    """Return the name of the rule that GridR's arguments ask for."""
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


def _check_full_resolution(resolution: Any) -> None:
    """Raise GpumaskError unless a resolution is (1, 1)."""
    if resolution is None or np.shape(resolution) != (2,) or tuple(resolution) != (1, 1):
        raise GpumaskError(f"resolution: expected (1, 1), full resolution; got {resolution!r}")


def _size(shape: Any, win: Any, out: Any) -> tuple[int, int]:
    """Return the mask's rows and columns."""
    if out is not None:
        check_writable("out", out)
    if shape is None and win is not None:
        shape = half_open("mask_in_target_win", win).shape
    elif shape is None and out is not None:
        shape = out.shape
    elif shape is None:
        raise GpumaskError("shape: expected (rows, cols), unless there is mask_in_target_win or out; got None")
    rows, cols = shape_of("shape", shape)
    if out is not None and out.shape != (rows, cols):
        raise GpumaskError(f"out: expected shape {(rows, cols)}; got {out.shape}")
    return rows, cols


def _coarse(mask_in: Any, resolution: Any, oversampling_dtype: Any, threshold: Any) -> CoarseMask | None:
    """Return the raster part, None where there is none."""
    if mask_in is None:
        return None
    if resolution is None:
        raise GpumaskError("mask_in_resolution: expected (rows, cols) along with mask_in; got None")
    check_floating("oversampling_dtype", oversampling_dtype)
    return CoarseMask(mask_in, resolution, threshold)
