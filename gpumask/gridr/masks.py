"""GridR's masks, made from coarse rasters and polygons."""

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

# The names in errors of the layers below, and GridR's names for them.
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
    """Build a mask from a raster and polygons, as `gridr.core.grid.grid_mask.build_mask` does. 1 is valid.

    Parameters
    ----------
    shape
        The (rows, cols) of the mask. None means the shape of mask_in_target_win, or of `out`.
    resolution
        It must be (1, 1).
    out
        An array of that shape to fill. None means that a new uint8 array is returned.
    geometry_origin
        The (row, col) of pixel (0, 0)'s centre in the polygons' coordinates.
    geometry_pair
        (valid, invalid), each None or polygons (see `Polygons`). A pixel is valid if it lies inside one of the valid
        polygons and in none of the invalid ones. None sets no condition.
    mask_in
        An (m, n) raster, bilinear between its pixels. A pixel is valid where the size of that value is at least
        mask_in_binary_threshold.
    mask_in_target_win
        The part of mask_in at full resolution that is wanted, an inclusive window.
    mask_in_resolution
        The (R, C) pixels from one pixel of mask_in to the next.
    oversampling_dtype
        Any floating dtype, which must be given along with mask_in. Sums are always float64.
    mask_in_binary_threshold
        The threshold of mask_in, in (0, 1]. It may be None without mask_in.
    rasterize_kwargs
        {"alg": GridRasterizeAlg, "kwargs_alg": {"shapely_predicate": ShapelyPredicate}}, or None. All of them give the
        same mask. Polygons are first widened by 1e-6, so that no centre lies on an outline.
    init_out
        Without mask_in and geometry, `out` stays as it is if this is False. It becomes 1 if this is True.

    Returns
    -------
    array
        The mask, in the memory of mask_in. None if `out` is given.

    Raises
    ------
    GpumaskError
        If an argument is wrong. It is a ValueError.

    Notes
    -----
    Four things differ from GridR. Every integer except 0 is valid. A mask that is valid everywhere passes a threshold
    of 1. Polygons that cross themselves are repaired. A valid polygon without an area is an error, while an empty list
    of polygons is no condition.

    Examples
    --------
    >>> build_mask((1, 3), (1, 1), None, mask_in=[[1, 0]], mask_in_resolution=(1, 2), oversampling_dtype="float64")
    array([[1, 0, 0]], dtype=uint8)
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
        raise GpumaskError(
            f"mask_in_target_win: expected {size[0]} x {size[1]} pixels, the size of shape; got {window}"
        )
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
    """Return GridR's geometry_pair as Polygons. Return None if it sets no condition."""
    _check_rasterize_kwargs(rasterize_kwargs)
    if pair is None:
        return None
    try:
        valid, invalid = pair
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"geometry_pair: expected (valid, invalid); got {pair!r}") from error
    if valid is not None:  # as in GridR, an empty list sets no condition
        valid = polygons_of("geometry_pair[0]", valid) or None
    if valid is None and invalid is None:
        return None
    if origin is None:
        raise GpumaskError("geometry_origin: expected (row, col) along with geometry_pair; got None")
    return Polygons(valid, invalid, two_numbers("geometry_origin", origin))


def _check_rasterize_kwargs(options: Any) -> None:
    """Raise GpumaskError unless they name a rule. All rules give the same mask, as the polygons are widened."""
    if options is None:
        return
    try:
        unknown = set(options) - {"alg", "kwargs_alg"}
        alg, kwargs_alg = options.get("alg"), dict(options.get("kwargs_alg") or {})
    except (AttributeError, TypeError, ValueError) as error:
        raise ArgumentTypeError(
            f"rasterize_kwargs: expected a dict with alg and kwargs_alg; got {options!r}"
        ) from error
    if unknown:
        raise GpumaskError(f"rasterize_kwargs: expected alg and kwargs_alg; got {', '.join(map(str, unknown))}")
    with renamed(dict.fromkeys(("alg", "kwargs_alg", "shapely_predicate"), "rasterize_kwargs")):
        rule_of(alg, kwargs_alg)


def _size(shape: Any, win: Any, out: Any) -> tuple[int, int]:
    """Return the rows and columns of the mask."""
    if out is not None:
        check_writable("out", out)
    if shape is None and win is not None:
        shape = half_open("mask_in_target_win", win).shape
    elif shape is None and out is not None:
        shape = out.shape
    elif shape is None:
        raise GpumaskError("shape: expected (rows, cols) without mask_in_target_win and out; got None")
    rows, cols = shape_of("shape", shape)
    if out is not None and out.shape != (rows, cols):
        raise GpumaskError(f"out: expected shape {(rows, cols)}; got {out.shape}")
    return rows, cols


def _coarse(mask_in: Any, resolution: Any, oversampling_dtype: Any, threshold: Any) -> CoarseMask | None:
    """Return the coarse mask, or None."""
    if mask_in is None:
        return None
    if resolution is None:
        raise GpumaskError("mask_in_resolution: expected (rows, cols) along with mask_in; got None")
    real_dtype("oversampling_dtype", oversampling_dtype, "f")
    with renamed({"values": "mask_in", "resolution": "mask_in_resolution"}):
        return CoarseMask(mask_in, resolution, threshold)
