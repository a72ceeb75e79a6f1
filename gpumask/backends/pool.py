"""Host memory that is lent again: the pages of a large new array cost more than most kernels take to fill them."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np

# Smaller arrays are left to malloc, which keeps what it had.
_SMALLEST = 4 << 20
_ALIGNMENT = 64


class Pool:
    """Lends blocks of memory to arrays, and keeps up to `most` bytes of those that came back."""

    def __init__(self, most: int = 256 << 20) -> None:
        """Begin with nothing."""
        self._most = most
        self._free: list[np.ndarray] = []
        self._lock = threading.RLock()  # an array that is collected while the lock is held comes back through the same

    def empty(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """Return an array, not filled. Its memory comes back when it and all its views are gone."""
        dtype = np.dtype(dtype)
        count = math.prod(shape)
        if count * dtype.itemsize < _SMALLEST:
            return np.empty(shape, dtype)
        block = np.asarray(_Loan(self, self._block(count * dtype.itemsize)))
        first = -block.ctypes.data % _ALIGNMENT
        return block[first : first + count * dtype.itemsize].view(dtype).reshape(shape)

    def clear(self) -> None:
        """Let go of all that is not lent."""
        with self._lock:
            self._free.clear()

    def give_back(self, block: np.ndarray) -> None:
        """Take a block back, and let go of those that have waited longest."""
        with self._lock:
            self._free.append(block)
            while sum(kept.nbytes for kept in self._free) > self._most:
                self._free.pop(0)

    def _block(self, size: int) -> np.ndarray:
        """Return at least so many bytes, in steps of an eighth of a power of two, so that blocks fit other arrays."""
        step = 1 << size.bit_length() - 4
        size = -(-(size + _ALIGNMENT) // step) * step
        with self._lock:
            for number in reversed(range(len(self._free))):
                if self._free[number].nbytes == size:
                    return self._free.pop(number)
        return np.empty(size, np.uint8)


class _Loan:
    """Owns a block for as long as an array refers to it."""

    def __init__(self, pool: Pool, block: np.ndarray) -> None:
        self._pool, self._block = pool, block
        self.__array_interface__ = block.__array_interface__

    def __del__(self) -> None:
        self._pool.give_back(self._block)
