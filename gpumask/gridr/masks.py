"""GridR's masks, from coarse rasters and polygons."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpumask.backends import select
from gpumask.errors import ArgumentTypeError, GpumaskError, renamed
from gpumask.gridr.arguments import (
    check_full_resolution,
    check_writable,
    half_open,
    real_dtype,
    shape_of,
    two_numbers,
)
from gpumask.gridr.rasterize import rule_of
from gpumask.masks.coarse import CoarseMask, check_threshold
from gpumask.masks.polygons import Polygons, polygons_of
from gpumask.masks.validity import Validity, all_of
from gpumask.pixels.window import Window, check_inside

# GridR's names for what the layers below name in their errors.
_NAMES = {
    "window": "mask_in_target_win",
    "threshold": "mask_in_binary_threshold",
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
    mask_in_binary_threshold: float | None = 0.999,
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
    least mask_in_binary_threshold, in (0, 1]; without mask_in it may be None.
    mask_in_target_win: the part of it at full resolution that is wanted.
    oversampling_dtype: any floating type; sums are float64 whatever it is.
    rasterize_kwargs: {"alg": GridRasterizeAlg, "kwargs_alg": {"shapely_predicate": ShapelyPredicate}}, or None. All of
    them give the same mask, for polygons are widened by 1e-6 first, so that no centre lies on an outline.

    Returns the mask, where mask_in lives; None where out is given. Raises GpumaskError, a ValueError, for bad input.
    Unlike GridR: every integer but 0 is valid; an all-valid mask passes a threshold of 1; polygons that cross
    themselves are repaired; a valid polygon without area is an error, while an empty list of them is no condition.
    """
    check_full_resolution(resolution)
    size = _size(shape, mask_in_target_win, out)
    if mask_in is not None or mask_in_binary_threshold is not None:
        check_threshold("mask_in_binary_threshold", mask_in_binary_threshold)
    raster = _coarse(mask_in, mask_in_resolution, oversampling_dtype, mask_in_binary_threshold)
    geometry = polygons_of_pair(geometry_pair, geometry_origin, rasterize_kwargs)
    places: list[tuple[Any, Window]] = []
    window = Window.of_shape(size)
    if mask_in_target_win is not None:
        window = half_open("mask_in_target_win", mask_in_target_win)
    if window.shape != size:
        raise GpumaskError(f"mask_in_target_win: expected {size[0]} x {size[1]} pixels, as shape; got {window}")
    if raster:
        places.append((raster, check_inside("mask_in_target_win", window, raster.full_shape)))
    if geometry:
        places.append((geometry, Window.of_shape(size)))
    backend = select(None, raster.values if raster else None, out)
    valid = all_of(part.validity(place, backend) for part, place in places)
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
    _check_rasterize_kwargs(rasterize_kwargs)
    if pair is None:
        return None
    try:
        valid, invalid = pair
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"geometry_pair: expected (valid, invalid); got {pair!r}") from error
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
        rule_of(alg, kwargs_alg)


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
    real_dtype("oversampling_dtype", oversampling_dtype, "f")
    with renamed({"values": "mask_in", "resolution": "mask_in_resolution"}):
        return CoarseMask(mask_in, resolution, threshold)
