"""Grids: where each output pixel lies in the source.

Begin with `grid.py`: a `Grid` holds source coordinates at nodes. `projected.py` makes a grid between two places on the
ground, and `mesh.py` decides how many nodes it needs. `oversample.py` computes values between nodes, and `nodes.py`
brings a grid to the kernels. `places/` says where rasters lie.
"""

from collections.abc import Callable
from typing import Any

from gpumask.grids.grid import Grid


class _Between:
    """`Grid.between`: what makes grids between places knows of grids, so grids are not to know of it."""

    def __get__(self, _: Any, owner: Any = None) -> Callable[..., Grid]:
        """Load it when it is first used."""
        from gpumask.grids.projected import between

        return between


Grid.between = _Between()  # type: ignore[assignment]
