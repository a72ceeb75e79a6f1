"""Area statistics: an output pixel from all source pixels that it covers, weighed by how much of each that is."""

from __future__ import annotations

from gpumask.backends.backend import Backend
from gpumask.errors import GpumaskError
from gpumask.grids.grid import Grid
from gpumask.resampling.image import Source, Target
from gpumask.resampling.method import Method
from gpumask.resampling.prepare import launch_on_finite

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
    """Raise GpumaskError unless output pixels have corners, which area statistics need."""
    if method.interpolator.is_area and min(grid.row.shape) < 2:
        rows, cols = grid.row.shape
        raise GpumaskError(
            f"grid: expected at least 2 x 2 nodes for {method.interpolator.name}, whose pixels have corners between "
            f"nodes; got {rows} x {cols}"
        )


def area_into(backend: Backend, source: Source, grid: Grid, method: Method, target: Target) -> None:
    """Compute an area statistic into arrays that the backend can write to. See `resample_into`."""
    check_corners(grid, method)
    kernel, statistic = KERNELS[method.interpolator.name]
    launch_on_finite(backend, kernel, source, grid, method, target, **statistic)
