"""Compiled kernels, loaded from files and run."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np

from cupy import _order
from cupy._array import ndarray
from cupy.cuda import driver, nvrtc


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
            raise driver.CUDADriverError("CUDA_ERROR_INVALID_IMAGE: device kernel image is invalid")
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
            raise driver.CUDADriverError("CUDA_ERROR_INVALID_VALUE: invalid argument")
        if len(args) != len(self._parameters):
            raise TypeError(f"{self.name}: {len(args)} arguments for {len(self._parameters)} parameters")
        blocks: dict[str, list[Any]] = {"r": [], "w": []}
        bits = [self._bits(n, arg, blocks) for n, arg in enumerate(args)]
        _order.touch(blocks["r"], blocks["w"])
        _order.note(f"launch {self.name}")
        self._launch((ctypes.c_uint * 4)(across, down, wide, high), (ctypes.c_ulonglong * len(bits))(*bits))

    def _bits(self, number: int, arg: Any, blocks: dict[str, list[Any]]) -> int:
        """Return an argument's eight bytes."""
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
