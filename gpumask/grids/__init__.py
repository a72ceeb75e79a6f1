"""Where each output pixel lies in the source: grids, and in `places` what they are made from."""

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
