"""Grids: where each output pixel lies in the source.

Begin with `grid.py`: a `Grid` holds source coordinates at nodes. `projected.py` makes a grid between two places on the
ground, and `mesh.py` decides how many nodes it needs. `oversample.py` computes values between nodes, and `nodes.py`
brings a grid to the kernels. `places/` says where rasters lie.
"""

from gpumask.grids.grid import Grid
from gpumask.grids.projected import ProjectedGrid, grid_between

__all__ = ["Grid", "ProjectedGrid", "grid_between"]
