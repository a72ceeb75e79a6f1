"""What a backend is: a place where kernels run, and the memory that they work on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from gpumask.backends.table import Table


class Backend(Protocol):
    """A place where kernels run, and the memory that they work on."""

    name: str
    takes_structures: bool  # whether `run` gets the structures of `backends.arguments`, or all that is in them

    def run(self, kernel: str, shape: tuple[int, int], *args: Any, **defines: Any) -> None:
        """Run a kernel over shape (rows, cols).

        args: arrays of this backend's memory (None is a null pointer), ints (as 64-bit) and floats (as double), in the
        order of the kernel's text. defines: what specialises the kernel. A NumPy dtype names a C type. Call `launch`
        rather than this.
        """

    def asarray(self, array: Any) -> Any:
        """Bring an array into this backend's memory, in native byte order and with contiguous rows.

        An array that is there already is not copied.
        """

    def table(self, table: Table) -> Any:
        """Return a table in this backend's memory. It is brought there only once."""

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Make an array, not filled, in this backend's memory."""

    def full(self, shape: tuple[int, ...], value: int, dtype: Any) -> Any:
        """Make an array of one value in this backend's memory."""

    def at_once(self, ask: Callable[[], Any]) -> bool:
        """Return what `ask` says of arrays of this backend, but False if one would have to wait for the answer."""

    def to_family_of(self, like: Any, array: Any) -> Any:
        """Bring a result, or an array of the host, to where `like` lives: NumPy in, NumPy out."""

    def settle(self) -> None:
        """Wait until what was brought to this backend's memory is there, for all that may use it."""

    # For work from file to file, of which threads do several pieces at the same time:

    out_of_memory: tuple[type[Exception], ...]  # what this backend raises where the memory of its device is full

    def lanes(self, devices: Sequence[int] | None) -> list[Callable[[], AbstractContextManager[object]]]:
        """Return contexts for threads to compute in at the same time, each in its own.

        devices: the numbers of the GPUs to use. None means the current one.
        """

    def host_buffer(self, size: int) -> np.ndarray:
        """Make bytes of host memory that this backend copies from and to fast."""

    def mirror(self, array: np.ndarray) -> Any:
        """Return an array of this shape and dtype, not filled, that kernels can write to."""

    def fetch(self, *mirrors: tuple[Any, np.ndarray]) -> None:
        """Bring what kernels wrote to mirrors to their arrays, in host memory: (mirror, array) pairs."""
