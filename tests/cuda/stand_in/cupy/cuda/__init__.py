"""Devices, streams, pinned memory, modules."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np

from cupy import _order
from cupy._order import Event, Stream, get_elapsed_time  # noqa: F401
from cupy.cuda import memory, nvrtc, runtime  # noqa: F401
from cupy.cuda.memory import MemoryPool  # noqa: F401


class CUDADriverError(RuntimeError):
    """As CuPy's."""


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
        for stream in list(Stream.all):
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
        self._buffer = ctypes.create_string_buffer(b"\xa5" * size, size)
        self.ptr = ctypes.addressof(self._buffer)
        _order.pinned[self.ptr] = size

    def __del__(self) -> None:
        if hasattr(self, "ptr"):
            _order.pinned.pop(self.ptr, None)


class PinnedMemoryPointer:
    """A place in it; has the buffer protocol in CuPy, and here by way of `__array_interface__` and `np.frombuffer`."""

    def __new__(cls, mem: PinnedMemory, offset: int) -> Any:
        # A ctypes array is a buffer; it keeps what it is a part of.
        array = (ctypes.c_char * max(mem.size - offset, 1)).from_buffer(mem._buffer, offset) if mem.size else mem._buffer
        array.mem, array.ptr = mem, mem.ptr + offset
        return array


def alloc_pinned_memory(size: int) -> Any:
    """Return pinned memory; CuPy's comes from a pool."""
    return PinnedMemoryPointer(PinnedMemory(size), 0)


def is_managed(array: Any) -> bool:
    """Say no."""
    return False


class RawModule:
    """A compiled kernel, loaded from a file."""

    def __init__(
        self,
        *,
        code: str | None = None,
        path: str | None = None,
        options: tuple[str, ...] = (),
        backend: str = "nvrtc",
        translate_cucomplex: bool = False,
        enable_cooperative_groups: bool = False,
        name_expressions: Any = None,
        jitify: bool = False,
    ) -> None:
        if code is not None or not isinstance(path, str):
            raise NotImplementedError("the stand-in's RawModule takes the path of a cubin")
        if not Path(path).read_bytes().endswith(nvrtc.END):
            raise CUDADriverError("CUDA_ERROR_INVALID_IMAGE: device kernel image is invalid")
        self._library = ctypes.CDLL(path)

    def get_function(self, name: str) -> Kernel:
        """Return a kernel by its name."""
        return Kernel(self._library, name)


class Kernel:
    """A kernel; each argument's kind and type must be its parameter's."""

    def __init__(self, library: ctypes.CDLL, name: str) -> None:
        self.name, self._launch = name, getattr(library, f"be_launch_{name}")
        self._launch.restype = None
        signature = getattr(library, f"be_signature_{name}")
        signature.restype = ctypes.c_char_p
        kinds, codes = signature().decode().split(":")
        self._parameters = list(zip(kinds, codes, strict=True))

    def __call__(
        self, grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...], *, shared_mem: int = 0
    ) -> None:
        """Run it: a thread after another."""
        (across, down, deep), (wide, high, thick) = (grid + (1, 1))[:3], (block + (1, 1))[:3]
        if not (0 < across < 2**31 and 0 < down < 2**16 and 0 < wide * high <= 1024) or (deep, thick) != (1, 1):
            raise CUDADriverError("CUDA_ERROR_INVALID_VALUE: invalid argument")
        if len(args) != len(self._parameters):
            raise TypeError(f"{self.name}: {len(args)} arguments for {len(self._parameters)} parameters")
        blocks: dict[str, list[Any]] = {"r": [], "w": []}
        bits = [self._bits(n, arg, blocks) for n, arg in enumerate(args)]
        _order.touch(blocks["r"], blocks["w"])
        _order.note(f"launch {self.name}")
        self._launch((ctypes.c_uint * 4)(across, down, wide, high), (ctypes.c_ulonglong * len(bits))(*bits))

    def _bits(self, number: int, arg: Any, blocks: dict[str, list[Any]]) -> int:
        """Return an argument's eight bytes."""
        from cupy import ndarray

        kind, code = self._parameters[number]
        wanted = np.dtype(code)
        if isinstance(arg, ndarray):
            same = arg.dtype.itemsize == wanted.itemsize and (arg.dtype.kind in "bu") == (wanted.kind in "bu")
            if kind == "v" or not same or (arg.dtype.kind == "f") != (wanted.kind == "f"):
                raise TypeError(f"{self.name}, argument {number}: {arg.dtype} array for {kind} {wanted}")
            blocks[kind].append(arg._block)
            return int(arg._a.ctypes.data)
        if isinstance(arg, np.ndarray) or not isinstance(arg, np.generic) or arg.dtype.itemsize != 8:
            raise TypeError(f"{self.name}, argument {number}: {type(arg)} for {kind} {wanted}")
        if kind != "v":
            if arg != 0:
                raise TypeError(f"{self.name}, argument {number}: a number for a pointer")
        elif arg.dtype != wanted:
            raise TypeError(f"{self.name}, argument {number}: {arg.dtype} for {wanted}")
        return int(arg.view(np.uint64))


