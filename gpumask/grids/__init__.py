"""Where each output pixel lies in the source: grids, and in `places` what they are made from."""

from gpumask.grids.grid import Grid
from gpumask.grids.projected import ProjectedGrid, grid_between

__all__ = ["Grid", "ProjectedGrid", "grid_between"]
