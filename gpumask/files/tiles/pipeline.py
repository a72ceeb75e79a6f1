"""Reading, computing and writing at the same time, each piece of work after the one before it."""

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
    """Memory for one piece of work, used again for another when that is written."""

    def __init__(self, make: Callable[[int], np.ndarray]) -> None:
        """make: returns so many bytes."""
        self._make, self._buffers = make, dict[str, np.ndarray]()

    def array(self, name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """Return an array, not filled; one of the same name that was lent before is overwritten."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if name not in self._buffers or self._buffers[name].nbytes < size:
            self._buffers.pop(name, None)
            self._buffers[name] = self._make(size)
        return self._buffers[name][:size].view(dtype).reshape(shape)


class Turns:
    """Lets threads work at the same time, and one of them alone where there is not memory for several."""

    def __init__(self) -> None:
        self._door, self._working, self._changed = threading.Lock(), 0, threading.Condition()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Work while others do."""
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
        """Work when the others have ended what they do; none begins meanwhile."""
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
    """Yield what is returned for each piece of work, in order, while others are read, computed and written.

    reads: each step reads a piece; in one thread. compute: in a thread for each lane, within that lane's context.
    write: in one thread, in order. ahead: how many pieces are in work at the most, counted from reading to written.
    The first error of a stage is raised when what is in work has ended; what comes after it is not written. However
    this ends, by an interrupt at any moment too, no stage works on afterwards.
    """
    stages = _Stages(compute, write, lanes)
    with contextlib.ExitStack() as threads:

        def pool(count: int, name: str) -> ThreadPoolExecutor:
            executor = ThreadPoolExecutor(count, f"gpumask-{name}")
            threads.callback(executor.shutdown, wait=True, cancel_futures=True)
            return executor

        # Closed in reverse: whoever waits for another's result is told first that there will be none.
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

    It knows itself who is at work: an executor that is interrupted while it starts a thread does not wait for it later.
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
        """Compute a piece when it is read, in this thread's own lane."""
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
        """Let no step begin any more, and wait for those that have begun, however often that is interrupted."""
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
        """Compute a piece in this thread's own lane."""
        if not hasattr(self._own, "lane"):
            self._own.lane = self._free.get()
        with self._own.lane():
            return self._compute(piece)

    def _unless_stopped(self, step: Callable[..., Any], *arguments: Any) -> Any:
        """Do a step of the work, and be counted meanwhile."""
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
