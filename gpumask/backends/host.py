"""Host memory, which the native and the numpy backend share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from gpumask.backends.pool import Pool
from gpumask.backends.table import Table
from gpumask.errors import GpumaskError

_pool = Pool()


class HostMemory:
    """Arrays as NumPy has them."""

    name: str
    takes_structures = False
    out_of_memory: tuple[type[Exception], ...] = ()

    def asarray(self, array: Any) -> Any:
        """Return the array in native byte order with contiguous rows: itself if it is so. See `Backend.asarray`."""
        if not isinstance(array, np.ndarray):
            raise GpumaskError(f"backend: expected cuda for arrays on the device; got {self.name!r}")
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        return array if array.flags.aligned and rows_contiguous(array) else np.array(array, order="C")

    def table(self, table: Table) -> Any:
        """Return the table's own array."""
        return table.host

    def at_once(self, ask: Callable[[], Any]) -> bool:
        """Ask: there is nothing to wait for."""
        return bool(ask())

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Make an array, not filled."""
        return _pool.empty(shape, dtype)

    def full(self, shape: tuple[int, ...], value: int, dtype: Any) -> Any:
        """Make an array of one value."""
        made = self.empty(shape, dtype)
        made.fill(value)
        return made

    def to_family_of(self, like: Any, array: Any) -> Any:
        """Return the array as it is: it is in host memory already."""
        return array

    def settle(self) -> None:
        """Do nothing: there is nothing to wait for."""

    def lanes(self, devices: Sequence[int] | None) -> list[Callable[[], AbstractContextManager[object]]]:
        """Return one context. NumPy has threads of its own where it can use them. See `Backend.lanes`."""
        if devices is not None:
            raise GpumaskError(f"devices: expected None for the {self.name} backend; got {devices!r}")
        return [contextlib.nullcontext]

    def host_buffer(self, size: int) -> np.ndarray:
        """Make bytes of host memory."""
        return np.empty(size, np.uint8)

    def mirror(self, array: np.ndarray) -> Any:
        """Return the array itself."""
        return array

    def fetch(self, *mirrors: tuple[Any, np.ndarray]) -> None:
        """Do nothing: they are there already."""


def rows_contiguous(array: Any) -> bool:
    """Say whether a row's pixels follow each other, and rows and bands begin at whole pixels."""
    *outer, inner = array.strides
    return inner == array.itemsize and all(stride % array.itemsize == 0 for stride in outer)
