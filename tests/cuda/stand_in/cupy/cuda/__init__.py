"""Devices, streams, pinned memory, modules."""

from __future__ import annotations

import ctypes
from typing import Any

from cupy import _order
from cupy._order import Event, Stream, get_elapsed_time  # noqa: F401
from cupy.cuda import driver, memory, nvrtc, runtime  # noqa: F401
from cupy.cuda.memory import MemoryPool  # noqa: F401


class Device:
    """As CuPy's."""

    compute_capability = "90"

    def __init__(self, device: Any = None) -> None:
        self.id = _order.current_device() if device is None else int(device)
        self._before: list[int] = []

    def __enter__(self) -> Device:
        self._before.append(_order.current_device())
        _order.set_device(self.id)
        return self

    def __exit__(self, *args: Any) -> None:
        _order.set_device(self._before.pop())

    def use(self) -> Device:
        """Make it the current one."""
        _order.set_device(self.id)
        return self

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Device) and self.id == other.id

    def __hash__(self) -> int:
        return hash(("device", self.id))

    def __repr__(self) -> str:
        return f"<CUDA Device {self.id}>"

    def __int__(self) -> int:
        return self.id

    def synchronize(self) -> None:
        """Let the host wait for all of its streams."""
        _order.note("wait device")
        for stream in list(Stream._all):
            if stream.device_id in (self.id, -1):
                stream._state.wait()


def get_current_stream(device_id: int = -1) -> Stream:
    """Return this thread's stream on its device."""
    return _order.current_stream()


def set_allocator(allocator: Any = None) -> None:
    """Do nothing: each array has memory of its own here."""


class PinnedMemory:
    """Host memory that a device copies by itself."""

    def __init__(self, size: int, flags: int = 0) -> None:
        limit = _order.pinned_limit[0]
        if limit is not None and sum(_order.pinned.values()) + size > limit:
            raise runtime.CUDARuntimeError("cudaErrorMemoryAllocation: out of memory")
        self.size = size
        self.buffer = ctypes.create_string_buffer(b"\xa5" * size, size)
        self.ptr = ctypes.addressof(self.buffer)
        _order.pinned[self.ptr] = size

    def __del__(self) -> None:
        if hasattr(self, "ptr"):
            _order.pinned.pop(self.ptr, None)


class PinnedMemoryPointer:
    """A place in it; has the buffer protocol in CuPy, and here by way of `__array_interface__` and `np.frombuffer`."""

    def __new__(cls, mem: PinnedMemory, offset: int) -> Any:
        # A ctypes array is a buffer, and keeps what it is a part of.
        array = (ctypes.c_char * (mem.size - offset)).from_buffer(mem.buffer, offset)
        array.mem, array.ptr = mem, mem.ptr + offset
        return array


def alloc_pinned_memory(size: int) -> Any:
    """Return pinned memory; CuPy's comes from a pool."""
    return PinnedMemoryPointer(PinnedMemory(size), 0)
