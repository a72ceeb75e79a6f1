"""Antialiased interpolators: as wide as output pixels lie apart in the source, where that is more than a pixel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gpumask.backends import arguments
from gpumask.backends.arguments import pitch_of
from gpumask.backends.backend import Backend
from gpumask.backends.launch import launch
from gpumask.grids.grid import Grid
from gpumask.grids.nodes import node_arguments, node_defines
from gpumask.grids.spacing import shrinks
from gpumask.pixels.window import Window
from gpumask.resampling.image import Source, Target
from gpumask.resampling.method import STRICT, Method
from gpumask.resampling.prepare import as_argument, carried, finite_source, marked

_Interpolate = Callable[[Backend, Source, Grid, Method, Target], None]


def antialiased_into(
    backend: Backend, source: Source, grid: Grid, method: Method, target: Target, interpolate: _Interpolate
) -> None:
    """Resample into arrays that the backend can write to. See `resample_into`.

    `interpolate` makes all pixels, by the interpolator as it is. Those that lie more than a source pixel apart are made
    anew. It is left out if all of them do.
    """
    over = not shrinks(grid)
    if over:
        interpolate(backend, source, grid, method, target)
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
            backend, "antialias", grid.shape,
            as_argument(some, method.boundary), arguments.Valid.of(some.valid), nodes,
            arguments.Target.of(into.image, into.validity), how, int(over),
            SRC_T=some.image.dtype, OUT_T=into.image.dtype,
            TAPS=method.interpolator.taps, **facts,
        )  # fmt: skip
