"""Seconds by the device's own clock, for calls and for each kernel in them."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Call = Callable[[], Any]


def event_seconds(call: Call, turns: int = 7, most: float = 1.0) -> float:
    """Return the median seconds of a call between events of its stream.

    Several calls follow each other between two events, so that the host is ahead of the device, as long as that takes
    less than `most` seconds in all.
    """
    import cupy

    def between(calls: int) -> float:
        begin, end = cupy.cuda.Event(), cupy.cuda.Event()
        begin.record()
        for _ in range(calls):
            call()
        end.record()
        end.synchronize()
        return cupy.cuda.get_elapsed_time(begin, end) / 1e3 / calls

    between(1)
    once = between(1)
    turns = max(min(turns, int(most / max(once, 1e-9))), 1)
    calls = max(min(int(most / max(once, 1e-9) / turns), 10), 1)
    return statistics.median(between(calls) for _ in range(turns))


def keep_busy(nbytes: int) -> None:
    """Give the device work for some milliseconds, so that the host is ahead when it launches what is measured.

    Otherwise what the host takes to launch a kernel is between the kernel's events.
    """
    import cupy

    a, b = cupy.zeros(nbytes, np.uint8), cupy.empty(nbytes, np.uint8)
    for _ in range(10):
        cupy.copyto(b, a)


def wall_seconds(call: Call, turns: int = 5, most: float = 3.0) -> float:
    """Return the median seconds of a call by the host's clock, waiting for the device."""
    import cupy

    def once() -> float:
        start = time.perf_counter()
        call()
        cupy.cuda.runtime.deviceSynchronize()
        return time.perf_counter() - start

    once()
    times = [once()]
    while len(times) < turns and sum(times) < most:
        times.append(once())
    return statistics.median(times)


@dataclass
class Watch:
    """What a backend did: launches (kernel, bytes, begin, end), and bytes that it brought to the device and back."""

    launches: list[tuple[str, int, Any, Any]] = field(default_factory=list)
    up: int = 0
    down: int = 0

    def kernels(self) -> dict[str, dict[str, float]]:
        """Return launches, seconds and bytes of each kernel. The device must have finished."""
        from cupy.cuda import get_elapsed_time

        found: dict[str, dict[str, float]] = {}
        for kernel, nbytes, begin, end in self.launches:
            sums = found.setdefault(kernel, {"launches": 0, "seconds": 0.0, "bytes": 0})
            sums["launches"] += 1
            sums["seconds"] += get_elapsed_time(begin, end) / 1e3
            sums["bytes"] += nbytes
        return found


@contextlib.contextmanager
def watched(backend: Any) -> Iterator[Watch]:
    """Watch the cuda backend. A launch's bytes are those of every array that it is given, once."""
    import cupy

    watch = Watch()
    run, asarray, to_family_of, fetch = backend.run, backend.asarray, backend.to_family_of, backend.fetch

    def watched_run(kernel: str, shape: tuple[int, int], *args: Any, **defines: Any) -> None:
        begin, end = cupy.cuda.Event(), cupy.cuda.Event()
        begin.record()
        run(kernel, shape, *args, **defines)
        end.record()
        arrays = {(arg.data.ptr, arg.nbytes) for arg in args if isinstance(arg, cupy.ndarray)}
        watch.launches.append((kernel, sum(nbytes for _, nbytes in arrays), begin, end))

    def watched_asarray(array: Any) -> Any:
        watch.up += array.nbytes * isinstance(array, np.ndarray)
        return asarray(array)

    def watched_to_family_of(like: Any, array: Any) -> Any:
        watch.down += array.nbytes * isinstance(like, np.ndarray)
        return to_family_of(like, array)

    def watched_fetch(*mirrors: tuple[Any, np.ndarray]) -> None:
        watch.down += sum(array.nbytes for _, array in mirrors)
        fetch(*mirrors)

    spies = {
        "run": watched_run,
        "asarray": watched_asarray,
        "to_family_of": watched_to_family_of,
        "fetch": watched_fetch,
    }
    vars(backend).update(spies)  # before the methods of its class
    try:
        yield watch
    finally:
        for name in spies:
            del vars(backend)[name]
