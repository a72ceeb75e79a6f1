"""From host memory and from files: beside what the bus allows, and how much happens at the same time."""

from __future__ import annotations

import dataclasses
import functools
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from cases import ARRAYS, file_cases

from gpu_day.common import NotHere, Options
from gpu_day.timing import wall_seconds, watched
from gpumask.backends import get

_ARRAYS = ("cubic, float64, full grid", "cubic, 4 bands of uint16, grid of step 16", "nearest, uint8, full grid")
_FILES = "file to file, 4 bands of uint16"
_SIZE, _FILE_SIZE = 6144, 5000
_ROOM = 4 << 30  # bytes, for files that are written twice over


def items(options: Options) -> list[str]:
    """Return the bus, cases from host memory, and the chain of files with both backends."""
    return ["bus", *(f"from host memory: {name}" for name in _ARRAYS), f"{_FILES}, cuda", f"{_FILES}, native"]


def run(item: str, options: Options) -> dict[str, Any]:
    """Measure one of them."""
    if item == "bus":
        return bus(options)
    if item.startswith(_FILES):
        return files(item.removeprefix(f"{_FILES}, "), options)
    case = dataclasses.replace(ARRAYS[item.partition(": ")[2]], size=options.scaled(_SIZE))
    return {"size": case.size, "pixels": case.pixels, **copied_and_computed(case.ours("cuda"))}


def bus(options: Options) -> dict[str, Any]:
    """Return bytes a second of copies from and to host memory, pinned and not, and of both ways at once."""
    import cupy

    size = options.scaled(1 << 29)
    pinned, back = (pinned_bytes(size) for _ in range(2))
    there, other = cupy.empty(size, np.uint8), cupy.empty(size, np.uint8)
    pageable, target = np.ones(size, np.uint8), np.ones(size, np.uint8)
    up, down = (cupy.cuda.Stream(non_blocking=True) for _ in range(2))
    cupy.cuda.runtime.deviceSynchronize()

    def send() -> None:
        there.data.copy_from_host_async(pinned.ctypes.data, size, up)

    def receive() -> None:
        other.data.copy_to_host_async(back.ctypes.data, size, down)

    def both() -> None:
        send()
        receive()

    ways: dict[str, Callable[[], object]] = {
        "up": send,
        "down": receive,
        "both ways": both,
        "up, pageable": lambda: there.set(pageable),
        "down, pageable": lambda: other.get(out=target),
    }
    rates = {name: size * (1 + (name == "both ways")) / wall_seconds(call) for name, call in ways.items()}
    return {"bytes": size, "bytes_per_second": rates}


def pinned_bytes(size: int) -> np.ndarray:
    """Return pinned memory that has been written to."""
    import cupy

    found = np.frombuffer(cupy.cuda.alloc_pinned_memory(size), np.uint8, size)
    found[...] = 1
    return found


def copied_and_computed(call: Callable[[], Any]) -> dict[str, Any]:
    """Return the seconds of a call, what it copies, and what its kernels take."""
    import cupy

    wall = wall_seconds(call)
    with watched(get("cuda")) as watch:
        call()
        cupy.cuda.runtime.deviceSynchronize()
    kernels = sum(sums["seconds"] for sums in watch.kernels().values())
    return {"wall": wall, "up": watch.up, "down": watch.down, "kernels": kernels}


def files(backend: str, options: Options) -> dict[str, Any]:
    """Return what the chain's stages take, in memory that looks like a disk."""
    case = file_case(options.scaled(_FILE_SIZE, least=256))
    call = case.ours(backend)
    call()
    runs = [timed(call) for _ in range(3)]
    wall, summary = sorted(runs, key=lambda pair: pair[0])[1]
    found = {"size": case.size, "pixels": case.pixels, "wall": wall, "stages": dict(summary.seconds)}
    if backend != "cuda":
        return found
    return {**found, **{key: value for key, value in copied_and_computed(call).items() if key != "wall"}}


@functools.cache
def file_case(size: int) -> Any:
    """Return the case of files, which are there until this process ends."""
    try:
        case = file_cases()[_FILES]
    except ImportError as error:
        raise NotHere(str(error)) from error
    if os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > _ROOM:
        tempfile.tempdir = "/dev/shm"
    return dataclasses.replace(case, size=size)


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return seconds and what a call returns."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result
