"""Reading, computing and writing at the same time. Each stage handles the pieces of work in their order."""

from __future__ import annotations

import collections
import contextlib
import math
import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import numpy as np

Read = TypeVar("Read")
Computed = TypeVar("Computed")
Written = TypeVar("Written")
Lane = Callable[[], AbstractContextManager[object]]


class Slot:
    """Memory for one piece of work. When that piece is written, the memory serves another one."""

    def __init__(self, make: Callable[[int], np.ndarray]) -> None:
        """Begin without memory. `make` returns so many bytes of it."""
        self._make, self._buffers = make, dict[str, np.ndarray]()

    def array(self, name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """Return an array that is not filled. It overwrites an earlier array of the same name."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if name not in self._buffers or self._buffers[name].nbytes < size:
            self._buffers.pop(name, None)
            self._buffers[name] = self._make(size)
        return self._buffers[name][:size].view(dtype).reshape(shape)


class Turns:
    """Lets threads work at the same time. If memory is short, it lets one of them work alone."""

    def __init__(self) -> None:
        self._door, self._working, self._changed = threading.Lock(), 0, threading.Condition()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Work while others work."""
        with self._door, self._changed:
            self._working += 1
        try:
            yield
        finally:
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Work alone: wait until the others end what they do, and let none begin meanwhile."""
        with self._door:
            with self._changed:
                self._changed.wait_for(lambda: not self._working)
            yield


def overlapped(
    reads: Iterator[Read],
    compute: Callable[[Read], Computed],
    write: Callable[[Computed], Written],
    lanes: Sequence[Lane],
    ahead: int,
) -> Generator[Written, None, None]:
    """Yield the result of each piece of work, in order, while others are read, computed and written.

    Parameters
    ----------
    reads
        An iterator. Each step reads a piece. One thread takes the steps.
    compute
        The function that computes a piece. Each lane has a thread for it, which works in the context of that lane.
    write
        The function that writes a piece. One thread calls it, in order.
    lanes
        What makes the context of each lane.
    ahead
        The most pieces in work, counted from reading until written.

    Notes
    -----
    If a stage fails, the pieces in work come to their end, and then the first error is raised. No piece after the
    failed one is written. No stage works on when this has ended, even if it was interrupted.
    """
    stages = _Stages(compute, write, lanes)
    with contextlib.ExitStack() as threads:

        def pool(count: int, name: str) -> ThreadPoolExecutor:
            executor = ThreadPoolExecutor(count, f"gpumask-{name}")
            threads.callback(executor.shutdown, wait=True, cancel_futures=True)
            return executor

        # They are closed in reverse order, so whoever waits for another's result is told first that none will come.
        reader, workers, writer = pool(1, "read"), pool(len(lanes), "compute"), pool(1, "write")
        threads.callback(stages.end)
        pending: collections.deque[Future[Any]] = collections.deque()
        while True:
            while len(pending) < ahead:
                read = reader.submit(stages.read, reads)
                pending.append(writer.submit(stages.written, workers.submit(stages.computed, read)))
            result = pending.popleft().result()
            if result is _END:
                return
            yield result


_END = object()


class _Stages:
    """What threads do with each other's results.

    It counts itself which steps are under way. An executor that is interrupted while it starts a thread does not wait
    for that thread later.
    """

    def __init__(self, compute: Callable[[Any], Any], write: Callable[[Any], Any], lanes: Sequence[Lane]) -> None:
        self._compute, self._write = compute, write
        self._free, self._own = queue.SimpleQueue[Lane](), threading.local()
        for lane in lanes:
            self._free.put(lane)
        self._stopped, self._working, self._changed = False, 0, threading.Condition()

    def read(self, reads: Iterator[Any]) -> Any:
        """Read a piece."""
        return self._unless_stopped(next, reads, _END)

    def computed(self, read: Future[Any]) -> Any:
        """Compute a piece when it is read, in the lane of this thread."""
        piece = read.result()
        return _END if piece is _END else self._unless_stopped(self._in_lane, piece)

    def written(self, computed: Future[Any]) -> Any:
        """Write a piece when it is computed."""
        try:
            piece = computed.result()
            return _END if piece is _END else self._unless_stopped(self._write, piece)
        except BaseException:
            self._stopped = True
            raise

    def end(self) -> None:
        """Let no further step begin, and wait for the steps under way. Further interrupts don't end the wait."""
        self._stopped, interrupt = True, None
        while True:
            try:
                with self._changed:
                    self._changed.wait_for(lambda: not self._working)
                break
            except KeyboardInterrupt as error:
                interrupt = error
        if interrupt:
            raise interrupt

    def _in_lane(self, piece: Any) -> Any:
        """Compute a piece in the lane of this thread."""
        if not hasattr(self._own, "lane"):
            self._own.lane = self._free.get()
        with self._own.lane():
            return self._compute(piece)

    def _unless_stopped(self, step: Callable[..., Any], *arguments: Any) -> Any:
        """Do a step of the work, unless all has stopped. Count the step while it is under way."""
        with self._changed:
            if self._stopped:
                return _END
            self._working += 1
        try:
            return step(*arguments)
        finally:
            with self._changed:
                self._working -= 1
                self._changed.notify_all()
