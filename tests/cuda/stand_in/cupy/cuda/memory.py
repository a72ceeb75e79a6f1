"""The pool that device memory comes from; here it just counts."""

from __future__ import annotations

from cupy import _order
from cupy._order import OutOfMemoryError  # noqa: F401


class MemoryPool:
    """As CuPy's: what is used on the current device, and the most that may be."""

    def malloc(self, size: int) -> object:
        """Raise: it is there to be given to `set_allocator`, and each array has memory of its own here."""
        raise NotImplementedError("the stand-in makes no memory apart from arrays")

    def set_limit(self, size: int | None = None, fraction: float | None = None) -> None:
        """Let no more than so many bytes be used on the current device; 0: as many as there are."""
        _order.limits[_order.current_device()] = size or None

    def get_limit(self) -> int:
        """Return the limit, 0 where there is none."""
        return _order.limits[_order.current_device()] or 0

    def used_bytes(self) -> int:
        """Return how many bytes are used on the current device."""
        return _order.used[_order.current_device()]

    def total_bytes(self) -> int:
        """Return the same: nothing is kept."""
        return self.used_bytes()

    def free_all_blocks(self, stream: object = None) -> None:
        """Do nothing: nothing is kept."""
