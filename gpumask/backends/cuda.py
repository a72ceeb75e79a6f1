"""The kernels' text compiled by NVRTC for the GPU at hand, launched through CuPy."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from gpumask.backends.cache import cached
from gpumask.backends.host import rows_contiguous
from gpumask.backends.source import define_options, kernel_source, variant_key
from gpumask.backends.table import Table
from gpumask.errors import BackendError

BLOCK = (128, 2)  # threads: four warps side by side read longer lines than four below each other
_ROWS = 4  # pixels of a column that a thread makes. See FOR_SEGMENTS in kernels/target.cuh
_ROWS_OF = {"prefilter": 1}  # where a kernel has ROWS of its own
_GRID_LIMIT = (2**31 - 1, 65535)
_MOST_COPIES = 8  # of a table, on as many streams

_log = logging.getLogger("gpumask")


def nvrtc_options(arch: str, defines: dict[str, Any]) -> list[str]:
    """Return NVRTC's options for one variant of a kernel: no FMA and no flushing, so that bits are those of a CPU."""
    return [f"--gpu-architecture={arch}", "--std=c++17", "--fmad=false", *define_options(defines)]


def blocks_for(kernel: str, shape: tuple[int, int], block: tuple[int, int] = BLOCK) -> tuple[int, int]:
    """Return how many blocks (across, down) cover a shape (rows, cols)."""
    return -(-shape[1] // block[0]), -(-shape[0] // (block[1] * _ROWS_OF.get(kernel, _ROWS)))


class CudaBackend:
    """Runs kernels on the current CUDA device and stream of CuPy. Only a copy to the host waits for them."""

    name = "cuda"
    takes_structures = False

    def __init__(self) -> None:
        """Find CuPy and a device. Raise BackendError if either is missing."""
        try:
            import cupy
            from cupy.cuda import nvrtc
        except ImportError as error:
            raise BackendError(f"cuda backend: expected CuPy (pip install 'gpumask[cuda13]'); got {error}") from error
        try:
            count = cupy.cuda.runtime.getDeviceCount()
        except cupy.cuda.runtime.CUDARuntimeError as error:
            raise BackendError(f"cuda backend: expected a CUDA device and its driver; got {error}") from error
        if not count:
            raise BackendError("cuda backend: expected a CUDA device; found none")
        self._cupy, self._nvrtc = cupy, nvrtc
        self.out_of_memory: tuple[type[Exception], ...] = (cupy.cuda.memory.OutOfMemoryError,)
        self._functions: dict[tuple[Any, ...], Any] = {}
        self._lock = threading.Lock()
        try:
            self._function("footprint", {"TAPS": 4, "INDEX": np.dtype(np.int32)})  # which most work needs anyway
        except BackendError:
            raise
        except Exception as error:  # libraries that CuPy finds as they are needed, or the disk
            raise BackendError(f"cuda backend: expected to compile a kernel; got {error}") from error

    def run(self, kernel: str, shape: tuple[int, int], *args: Any, **defines: Any) -> None:
        """Launch a kernel, a thread for a pixel. See `Backend.run`."""
        rows, cols = shape
        if not rows or not cols:
            return
        wanted = blocks_for(kernel, shape)
        blocks = min(wanted[0], _GRID_LIMIT[0]), min(wanted[1], _GRID_LIMIT[1])
        if blocks != wanted:
            defines = {**defines, "INDEX": np.dtype(np.int64)}  # then they stride
        devices = {value.device.id for value in args if isinstance(value, self._cupy.ndarray)}
        if devices != {self._cupy.cuda.Device().id}:
            raise BackendError(f"cuda backend: expected all arrays on the current device; got {sorted(devices)}")
        function = self._function(kernel, defines)
        function(blocks, BLOCK, tuple(map(_argument, (rows, cols, *args))))

    def asarray(self, array: Any) -> Any:
        """Bring an array to the current device. See `Backend.asarray`."""
        if isinstance(array, np.ndarray):
            # From pinned memory at once, from other memory by way of some that CuPy keeps: neither waits.
            return self._cupy.asarray(array, array.dtype.newbyteorder("="), order="C")
        return array if rows_contiguous(array) else self._cupy.ascontiguousarray(array)

    def table(self, table: Table) -> Any:
        """Return a table on the current device, brought there by the current stream when it was first asked for."""
        stream = self._cupy.cuda.get_current_stream().ptr
        # Each thread has a per-thread stream of its own, and all have one name.
        thread = threading.get_ident() if stream == self._cupy.cuda.runtime.streamPerThread else 0
        place = self._cupy.cuda.Device().id, stream, thread
        found = table.there.get(place)
        if found is None:
            found = table.there[place] = self._cupy.asarray(table.host)
            while len(table.there) > _MOST_COPIES:
                table.there.pop(next(iter(table.there)), None)
        return found

    def at_once(self, ask: Callable[[], Any]) -> bool:
        """Say no: every answer would have to come from the device."""
        return False

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Make an array on the current device, not filled."""
        return self._cupy.empty(shape, dtype)

    def full(self, shape: tuple[int, ...], value: int, dtype: Any) -> Any:
        """Make an array of one value on the current device."""
        return self._cupy.full(shape, int(value), dtype)  # CuPy takes no enum's member

    def to_family_of(self, like: Any, array: Any) -> Any:
        """Return the array where `like` lives: copied to the host for NumPy arrays, or to the device."""
        return self._cupy.asnumpy(array) if isinstance(like, np.ndarray) else self._cupy.asarray(array)

    def settle(self) -> None:
        """Wait for the current stream."""
        self._cupy.cuda.get_current_stream().synchronize()

    def lanes(self, devices: Sequence[int] | None) -> list[Callable[[], AbstractContextManager[object]]]:
        """Return two streams on each device, so that one copies while the other computes. See `Backend.lanes`."""
        count = self._cupy.cuda.runtime.getDeviceCount()
        numbers = [self._cupy.cuda.Device().id] if devices is None else list(devices)
        if not numbers or len(set(numbers)) < len(numbers) or not set(numbers) <= set(range(count)):
            raise BackendError(f"devices: expected different numbers from 0 to {count - 1}; got {devices!r}")
        return [self._lane(number, stream) for number in numbers for stream in range(2)]

    @functools.cache  # noqa: B019  CuPy keeps memory for each stream that there was
    def _lane(self, number: int, _: int) -> Callable[[], AbstractContextManager[object]]:
        """Return a context of one device and a stream of its own."""
        device = self._cupy.cuda.Device(number)
        with device:
            stream = self._cupy.cuda.Stream(non_blocking=True)

        @contextlib.contextmanager
        def lane() -> Iterator[None]:
            with device, stream:
                yield

        return lane

    def host_buffer(self, size: int) -> np.ndarray:
        """Make bytes of pinned host memory, or of usual memory if the system has no more to pin."""
        # Not from CuPy's pool, which rounds up to powers of two and keeps what it had.
        try:
            memory = self._cupy.cuda.PinnedMemoryPointer(self._cupy.cuda.PinnedMemory(max(size, 1)), 0)
        except self._cupy.cuda.runtime.CUDARuntimeError as error:
            _log.info("copies to and from the GPU go by way of memory that is not pinned: %s", error)
            return np.empty(size, np.uint8)
        return np.frombuffer(memory, np.uint8, size)

    def mirror(self, array: np.ndarray) -> Any:
        """Make an array on the current device, not filled."""
        return self._cupy.empty(array.shape, array.dtype)

    def fetch(self, *mirrors: tuple[Any, np.ndarray]) -> None:
        """Copy to the host, after all that the current stream does before, and wait once for all."""
        straight = [(mirror, array) for mirror, array in mirrors if array.flags.c_contiguous]
        for mirror, array in straight:
            mirror.get(out=array, blocking=False)
        for mirror, array in mirrors:
            if not array.flags.c_contiguous:
                array[...] = mirror.get()
        if straight:
            self._cupy.cuda.get_current_stream().synchronize()

    def _function(self, kernel: str, defines: dict[str, Any]) -> Any:
        """Return the compiled kernel for the current device."""
        device = self._cupy.cuda.Device()
        key = (kernel, device.id, *define_options(defines))
        with self._lock:
            if key not in self._functions:
                cubin = self._cubin(kernel, f"sm_{device.compute_capability}", defines)
                self._functions[key] = self._cupy.RawModule(path=str(cubin)).get_function(kernel)
        return self._functions[key]

    def _cubin(self, kernel: str, arch: str, defines: dict[str, Any]) -> Path:
        """Return the cubin of one variant. CuPy's own cache would miss a changed header, hence ours."""
        text, options = kernel_source(kernel), nvrtc_options(arch, defines)
        version = ".".join(map(str, self._nvrtc.getVersion()))

        def build(path: Path) -> None:
            program = self._nvrtc.createProgram(text, f"{kernel}.cu", (), ())
            try:
                self._nvrtc.compileProgram(program, options)
                # CuPy strips the last byte, a zero, as if it ended a string. Without it the file is no ELF.
                path.write_bytes(self._nvrtc.getCUBIN(program) + b"\0")
            except self._nvrtc.NVRTCError as error:
                log = self._nvrtc.getProgramLog(program)
                raise BackendError(f"cuda backend: NVRTC failed on {kernel}.cu ({error}):\n{log}") from error
            finally:
                self._nvrtc.destroyProgram(program)

        return cached(f"{kernel}-{variant_key(text, *options, version, 'whole')}", ".cubin", build)


def describe() -> dict[str, str]:
    """Say what is there of CuPy, the driver, NVRTC and devices, whether or not the backend works."""
    found = {"driver": _driver()}
    try:
        import cupy
        from cupy.cuda import nvrtc, runtime
    except ImportError as error:
        return {"CuPy": f"not there: {error}", "NVRTC": "not there: CuPy brings it", **found}

    def device(number: int) -> str:
        has = runtime.getDeviceProperties(number)
        return f"{has['name'].decode()}, sm_{has['major']}{has['minor']}, {has['totalGlobalMem'] / 2**30:.0f} GiB"

    asked: dict[str, Callable[[], str]] = {
        "CuPy": lambda: cupy.__version__,
        "NVRTC": lambda: ".".join(map(str, nvrtc.getVersion())),
        "devices": lambda: "; ".join(map(device, range(runtime.getDeviceCount()))),
    }
    for name, ask in asked.items():
        try:
            found[name] = ask()
        except Exception as error:  # CuPy's own errors, and those of libraries that it finds as they are needed
            found[name] = f"not there: {error}"
    return found


def _driver() -> str:
    """Say which CUDA version the driver is for."""
    version = ctypes.c_int()
    try:
        code = ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(version))
    except (OSError, AttributeError) as error:
        return f"not there: {error}"
    return f"not there: error {code}" if code else f"for CUDA {version.value // 1000}.{version.value % 1000 // 10}"


def _argument(value: Any) -> Any:
    """Return a kernel's argument for CuPy: 8 bytes each, a null pointer for None."""
    if value is None:
        return np.uint64(0)
    if isinstance(value, float):
        return np.float64(value)
    return np.int64(value) if isinstance(value, int | np.integer) else value
