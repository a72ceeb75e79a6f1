"""The one place that resamples: an image, a grid and a method become an image and its validity."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from gpumask.backends import arguments
from gpumask.backends.backend import Backend
from gpumask.backends.launch import launch
from gpumask.grids.grid import Grid
from gpumask.grids.nodes import FixedGrid, fixed_grid, node_arguments, node_defines
from gpumask.masks.footprint import footprints, footprints_by_band
from gpumask.pixels.boundary import Boundary
from gpumask.pixels.window import Window
from gpumask.resampling.antialias import antialiased_into
from gpumask.resampling.area import area_into
from gpumask.resampling.image import Source, Target
from gpumask.resampling.method import Method
from gpumask.resampling.prefilter import coefficient_validity, coefficients, domain_of, extended, extended_image
from gpumask.resampling.prepare import as_argument, carried, finite_source, marked


def resample_into(backend: Backend, source: Source, grid: Grid, method: Method, target: Target) -> None:
    """Resample into arrays that the backend can write to: `target` must be in its memory, rows contiguous.

    Where the target has a validity for each band, each is as if it were alone. A validity of float32 takes shares.
    """
    if method.interpolator.is_area:
        area_into(backend, source, grid, method, target)
    elif method.antialias:
        antialiased_into(backend, source, grid, method, target, _interpolate_into)
    else:
        _interpolate_into(backend, source, grid, method, target)


def _interpolate_into(backend: Backend, source: Source, grid: Grid, method: Method, target: Target) -> None:
    """Resample by an interpolator that has taps."""
    renormalized = method.least_weight is not None and method.interpolator.taps > 1
    in_fixed = isinstance(grid, FixedGrid) or method.in_fixed_point(grid.resolution, source.whole_window)
    grid = fixed_grid(backend, grid) if in_fixed else grid
    shares, target = target.validity if target.share else None, marked(backend, grid, target)
    source, frames = _prepared(backend, source, method, renormalized, target.by_band)
    acc = source.image.dtype if method.interpolator.taps == 1 else method.compute_dtype
    nodes, sums = node_arguments(backend, grid), {"ACC_T": acc, **node_defines(grid, in_fixed)}
    _fill_where_all_is_valid(backend, source, frames, nodes, method, sums, target, shares)
    if renormalized:
        for band in range(len(source.image)) if target.by_band else [None]:
            some, into = (source, target) if band is None else (source.band(band), target.band(band))
            _renormalize(backend, some, nodes, method, sums, into)


def _prepared(
    backend: Backend, source: Source, method: Method, renormalized: bool, by_band: bool
) -> tuple[Source, tuple[int, int]]:
    """Return a source as kernels read it, and how many rows and columns beyond its edges they read too."""
    interp, boundary = method.interpolator, method.boundary
    frames = (0, 0) if source.whole else method.frames
    if any(boundary.around) and not source.whole:
        source = source.crop(Window(*source.origin, *boundary.once(source.image.shape[1:])))
    source = replace(source, image=backend.asarray(source.image))
    if source.image.dtype.kind == "f" and (interp.needs_filter or renormalized):
        most = min(float(np.finfo(dtype).max) for dtype in (source.image.dtype, method.compute_dtype))
        source = finite_source(backend, source, most, by_band)
    if interp.needs_filter:
        source = _filtered(backend, source, method)
    if renormalized and any(frames):
        source, frames = _framed(backend, source, boundary, frames), (0, 0)
    return source, frames


def _fill_where_all_is_valid(
    backend: Backend,
    source: Source,
    frames: tuple[int, int],
    nodes: arguments.Grid,
    method: Method,
    sums: dict[str, Any],
    target: Target,
    shares: Any,
) -> None:
    """Fill in pixels of which all source pixels with a weight are valid, and mark the others. Fill in any shares."""
    interp, boundary, here = method.interpolator, method.boundary, source.window

    def with_frame(valid: Any) -> Any:
        known = valid is not None and any(frames)
        return extended(backend, valid, here, boundary, here.pad(*frames)) if known else valid

    framed = with_frame(source.valid)
    valid = None
    if framed is not None:
        valid = (footprints_by_band if target.by_band else footprints)(backend, framed, interp)
    share, image, out = arguments.Shares(), source.image, target.image
    if shares is not None:
        summed = image.dtype.kind == "f" and interp.taps > 1 and method.least_weight is None
        numbers = finite_source(backend, source, math.inf, target.by_band) if summed else source  # NaN is not valid
        taps = framed if numbers is source else with_frame(numbers.valid)
        share = arguments.Shares.of(None if taps is None else backend.asarray(taps), shares)
    launch(
        backend, "resample", out.shape[1:],
        as_argument(source, boundary), arguments.Frame(*frames, *boundary.numbers),
        arguments.Footprint.of(valid), nodes, arguments.Target.of(out, target.validity),
        arguments.Invalid(carried(target.nodata, out.dtype), target.outside), share,
        SRC_T=image.dtype, OUT_T=out.dtype, **sums, **interp.defines,
        **({"BY_BAND": 1} if target.by_band else {}), **({} if shares is None else {"SHARE": 1}),
        HAS_FOOTPRINT=int(valid is not None), PLAIN_EDGES=int(not any((*frames, *boundary.around))),
    )  # fmt: skip


def _renormalize(
    backend: Backend, source: Source, nodes: arguments.Grid, method: Method, sums: dict[str, Any], target: Target
) -> None:
    """Fill in what of bands that are valid together has taps that are."""
    valid, out = None if source.valid is None else backend.asarray(source.valid), target.image
    launch(
        backend, "renormalize", target.validity.shape,
        as_argument(source, method.boundary), arguments.Valid.of(valid), nodes,
        arguments.Target.of(out, target.validity), _least(method.least_weight or 0.0),
        SRC_T=source.image.dtype, OUT_T=out.dtype, **sums, **method.interpolator.defines,
    )  # fmt: skip


def _framed(backend: Backend, source: Source, boundary: Boundary, frames: tuple[int, int]) -> Source:
    """Return a source of which the pixels beyond its edges that may be valid are a part."""
    here, wanted = source.window, source.window.pad(*frames)
    valid = None if source.valid is None else extended(backend, source.valid, here, boundary, wanted)
    return Source(extended_image(backend, source.image, here, boundary, wanted), valid, (wanted.row, wanted.col))


def _filtered(backend: Backend, source: Source, method: Method) -> Source:
    """Return the coefficients of a B-spline, and where they are valid, as a source."""
    here, interp = source.window, method.interpolator
    domain = domain_of(interp, method.boundary, source.whole or here.shape)
    if domain.is_empty:  # the source is so small that its edges have a say in all of it
        return Source(backend.full((len(source.image), 1, 1), 0, np.float64), backend.full((1, 1), 0, np.uint8))
    wanted = here.pad(-method.support) if source.whole else domain
    planes = [source] if source.valid is None or source.valid.ndim == 2 else map(source.band, range(len(source.image)))
    made, valid = [], []
    for part in planes:
        counts = None if method.takes_invalid else part.valid
        made.append(coefficients(backend, part.image, here, interp, method.boundary, wanted, domain, counts))
        if part.valid is not None:
            valid.append(coefficient_validity(backend, part.valid, here, interp, method.boundary, wanted))
    origin = wanted.row, wanted.col
    if len(made) == 1:
        return Source(made[0], valid[0] if valid else None, origin, source.whole)
    return Source(np.concatenate(made), np.stack(valid), origin, source.whole)


def _least(share: float) -> float | np.int64:
    """Return the least float32 that is not below a share, as kernels take it."""
    held = np.float32(share)
    least = held if float(held) >= share else np.nextafter(held, np.float32(1))
    return carried(float(least), held.dtype)
