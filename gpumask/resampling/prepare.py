"""What kernels are given of a source and of a target, and which pixels they may use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gpumask.backends import arguments
from gpumask.backends.arguments import pitch_of
from gpumask.backends.backend import Backend
from gpumask.backends.launch import launch
from gpumask.grids.grid import Grid
from gpumask.grids.nodes import node_arguments, node_defines
from gpumask.pixels.boundary import Boundary
from gpumask.pixels.window import Window
from gpumask.resampling.image import Source, Target
from gpumask.resampling.method import STRICT, Method

_OUTSIDE = 2  # marks pixels outside the source in what says which pixels are valid beside shares


def as_argument(source: Source, boundary: Boundary) -> arguments.Source:
    """Return a source as kernels take it."""
    _, rows, cols = source.image.shape
    return arguments.Source(arguments.Pixels.of(source.image), rows, cols, *source.origin, *boundary.around)


def finite_source(backend: Backend, source: Source, most: float, by_band: bool) -> Source:
    """Return a source whose pixels are not valid where NaN, or larger than `most`, whatever the sign.

    by_band: whether that is so of each band by itself. Otherwise a pixel is invalid in all bands where it is so in any.
    """
    image = source.image
    if most >= float(np.finfo(image.dtype).max) and backend.at_once(lambda: _has_finite_sum(image)):  # the usual case
        return source
    finite = backend.empty(image.shape if by_band else image.shape[1:], np.uint8)
    parts = [(source.band(k), finite[k]) for k in range(len(image))] if by_band else [(source, finite)]
    for part, out in parts:
        valid = None if part.valid is None else backend.asarray(part.valid)
        pixels, counts = arguments.Pixels.of(part.image), arguments.Valid.of(valid)
        launch(backend, "all_finite", out.shape, pixels, most, counts, out, SRC_T=image.dtype)
    if source.valid is None and backend.at_once(finite.all):
        return source
    return replace(source, valid=finite)


def _has_finite_sum(image: np.ndarray) -> bool:
    """Say whether the sum of all pixels is finite, as then all of them are."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(image.sum()))


def carried(value: float, dtype: np.dtype[Any]) -> float | np.int64:
    """Return a value of a dtype as kernels take it: float64 as it is, the bits of others as int64."""
    if dtype == np.float64:
        return float(value)
    return np.int64(np.float32(value).view(np.int32) if dtype.kind == "f" else (int(value) + 2**63) % 2**64 - 2**63)


def marked(backend: Backend, grid: Grid, target: Target) -> Target:
    """Return a target whose validity is uint8, as kernels write it."""
    if target.share:
        valid = backend.empty(target.validity.shape, np.uint8) if target.valid is None else target.valid
        return replace(target, validity=valid, outside=_OUTSIDE, valid=None)
    return replace(target, validity=backend.empty(grid.shape, np.uint8)) if target.validity is None else target


def launch_on_finite(
    backend: Backend,
    kernel: str,
    source: Source,
    grid: Grid,
    method: Method,
    target: Target,
    *more: Any,
    **defines: Any,
) -> None:
    """Run a kernel that takes finite pixels, nodes as float64 and a least share, and that writes shares if asked.

    It runs for all bands together, or for each band if each is valid by itself. `more` are its last arguments.
    """
    if any(method.boundary.around) and not source.whole:
        source = source.crop(Window(*source.origin, *method.boundary.once(source.image.shape[1:])))
    source = replace(source, image=backend.asarray(source.image))
    if source.image.dtype.kind == "f":
        source = finite_source(backend, source, float(np.finfo(source.image.dtype).max), target.by_band)
    if source.valid is not None:
        source = replace(source, valid=backend.asarray(source.valid))
    nodes, facts = node_arguments(backend, grid), node_defines(grid, in_fixed=False)
    least = STRICT if method.least_weight is None else method.least_weight
    shares, target = target.validity if target.share else None, marked(backend, grid, target)
    for band in range(len(source.image)) if target.by_band else [None]:
        some, into = (source, target) if band is None else (source.band(band), target.band(band))
        share = shares if shares is None or band is None else shares[band]
        how = arguments.Areas(carried(into.nodata, into.image.dtype), into.outside, least, share, pitch_of(share))
        launch(
            backend, kernel, grid.shape,
            as_argument(some, method.boundary), arguments.Valid.of(some.valid), nodes,
            arguments.Target.of(into.image, into.validity), how, *more,
            SRC_T=some.image.dtype, OUT_T=into.image.dtype, **defines, **facts,
        )  # fmt: skip
