"""Antialiased interpolators: as wide as output pixels lie apart in the source, where that is more than a pixel."""

from __future__ import annotations

from collections.abc import Callable

from gpumask.backends.backend import Backend
from gpumask.grids.grid import Grid
from gpumask.grids.spacing import shrinks
from gpumask.resampling.image import Source, Target
from gpumask.resampling.method import Method
from gpumask.resampling.prepare import launch_on_finite

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
    taps = method.interpolator.taps
    launch_on_finite(backend, "antialias", source, grid, method, target, int(over), TAPS=taps)
