"""Grids: where each output pixel lies in the source.

Begin with `grid.py`: a `Grid` holds source coordinates at nodes. `projected.py` makes a grid between two places on the
ground, and `mesh.py` decides how many nodes it needs. `oversample.py` computes values between nodes, and `nodes.py`
brings a grid to the kernels. `places/` says where rasters lie.
"""

from collections.abc import Callable
from typing import Any

from gpumask.grids.grid import Grid


class _Between:
    """`Grid.between`, loaded at first use, as grids must not import the module that makes them."""

    def __get__(self, _: Any, owner: Any = None) -> Callable[..., Grid]:
        """Import the function and return it."""
        from gpumask.grids.projected import between

        return between


Grid.between = _Between()  # type: ignore[assignment]
