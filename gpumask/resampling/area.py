"""Area statistics: an output pixel from all source pixels that it covers, weighed by how much of each that is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gpumask.backends import arguments
from gpumask.backends.arguments import pitch_of
from gpumask.backends.backend import Backend
from gpumask.backends.launch import launch
from gpumask.errors import GpumaskError
from gpumask.grids.grid import Grid
from gpumask.grids.nodes import node_arguments, node_defines
from gpumask.pixels.window import Window
from gpumask.resampling.image import Source, Target
from gpumask.resampling.method import STRICT, Method
from gpumask.resampling.prepare import as_argument, carried, finite_source, marked

# The kernel that computes each statistic, and what specialises it.
KERNELS = {
    "average": ("area", {"STATISTIC": 0}),
    "sum": ("area", {"STATISTIC": 1}),
    "rms": ("area", {"STATISTIC": 2}),
    "min": ("area", {"STATISTIC": 3}),
    "max": ("area", {"STATISTIC": 4}),
    "mode": ("area_values", {"QUARTERS": 0}),
    "q1": ("area_values", {"QUARTERS": 1}),
    "med": ("area_values", {"QUARTERS": 2}),
    "q3": ("area_values", {"QUARTERS": 3}),
}


def check_corners(grid: Grid, method: Method) -> None:
    """Raise GpumaskError unless output pixels have corners, if they need some."""
    if method.node_margin and min(grid.row.shape) < 2:
        rows, cols = grid.row.shape
        raise GpumaskError(
            f"grid: expected at least 2 x 2 nodes for {method.interpolator.name}, whose pixels have corners between "
            f"nodes; got {rows} x {cols}"
        )


def area_into(backend: Backend, source: Source, grid: Grid, method: Method, target: Target) -> None:
    """Compute an area statistic into arrays that the backend can write to. See `resample_into`."""
    check_corners(grid, method)
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
    kernel, statistic = KERNELS[method.interpolator.name]
    for band in range(len(source.image)) if target.by_band else [None]:
        some, into = (source, target) if band is None else (source.band(band), target.band(band))
        share = shares if shares is None or band is None else shares[band]
        how = arguments.Areas(carried(into.nodata, into.image.dtype), into.outside, least, share, pitch_of(share))
        launch(
            backend, kernel, grid.shape,
            as_argument(some, method.boundary), arguments.Valid.of(some.valid), nodes,
            arguments.Target.of(into.image, into.validity), how,
            SRC_T=some.image.dtype, OUT_T=into.image.dtype,
            **statistic, **facts,
        )  # fmt: skip
