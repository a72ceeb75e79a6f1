"""What the stand-in knows of order: streams, events, and what each operation reads and writes.

Work is done at once, but noted with its stream. Where one stream uses what another has written, or frees what another
uses, and nothing has waited in between, that is an error, as is host memory that changes while it is copied.
"""

from __future__ import annotations

import collections
import itertools
import sys
import threading
import weakref
import zlib
from typing import Any

import numpy as np

lock = threading.RLock()
#: What went wrong where no exception could be raised: in a destructor, say. Tests look here.
hazards: list[str] = []
#: (kind, "file:line function") -> times, and bytes; kinds: see `note`.
times: collections.Counter[tuple[str, str]] = collections.Counter()
sizes: collections.Counter[tuple[str, str]] = collections.Counter()
_local = threading.local()
_PASSED_OVER = ("gpumask/backends/cuda.py", "gpumask/backends/tables.py")


class HazardError(RuntimeError):
    """Two streams, or a stream and the host, that use the same memory without an order between them."""


class NoSynchronizationError(RuntimeError):
    """A wait where `cupyx.allow_synchronize(False)` forbids it."""


def note(kind: str, size: int = 0) -> None:
    """Count an operation: "launch …", "wait …", "upload …", "download …"."""
    if kind.startswith("wait") and not getattr(_local, "may_wait", True):
        raise NoSynchronizationError(f"a wait ({kind}) in {where()}")
    with lock:
        times[kind, where()] += 1
        sizes[kind, where()] += size


def forget() -> None:
    """Begin to count anew."""
    with lock:
        times.clear()
        sizes.clear()


def may_wait(allowed: bool) -> bool:
    """Let this thread wait for a device, or not; return what was so before."""
    before = getattr(_local, "may_wait", True)
    _local.may_wait = allowed
    return before


def where() -> str:
    """Return the place in gpumask that is at work, but for what is the same for all: `backends/cuda.py`."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename.replace("\\", "/")
        if "/gpumask/" in name and not name.endswith(_PASSED_OVER):
            return f"{name.rpartition('/gpumask/')[2]}:{frame.f_lineno} {frame.f_code.co_name}"
        frame = frame.f_back
    return "elsewhere"


def hazard(text: str) -> None:
    """Raise a HazardError, and remember it."""
    hazards.append(text)
    raise HazardError(text)


class CUDARuntimeError(RuntimeError):
    """As CuPy's."""


class OutOfMemoryError(MemoryError):
    """As CuPy's."""


# ------------------------------------------------------------------------------------------------------------- devices
DEVICES = 2
used, most_used = [0] * DEVICES, [0] * DEVICES
limits: list[int | None] = [None] * DEVICES


def current_device() -> int:
    """Return the number of this thread's device."""
    return getattr(_local, "device", 0)


def set_device(number: int) -> None:
    """Change this thread's device."""
    if not 0 <= number < DEVICES:
        raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
    _local.device = number


# ------------------------------------------------------------------------------------------------- streams and events
class Stream:
    """As CuPy's. number: of its last operation; finished: up to which the host has waited; seen: what it waits for."""

    null: Stream
    _all: weakref.WeakSet[Stream] = weakref.WeakSet()
    _pointers = itertools.count(0x1000, 0x10)

    def __init__(
        self, null: bool = False, non_blocking: bool = False, ptds: bool = False, priority: int | None = None
    ) -> None:
        self.ptr = 0 if null else next(self._pointers)
        self.device_id = -1 if null else current_device()
        self.is_non_blocking = non_blocking
        self._state = _null_state if null else _State(non_blocking)
        Stream._all.add(self)

    @classmethod
    def _of(cls, pointer: int) -> Stream:
        """Return the stream with a pointer; 0 and 1 are the null stream's."""
        if pointer in (0, 1):
            return cls.null
        return next(stream for stream in cls._all if stream.ptr == pointer)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Stream) and self.ptr == other.ptr

    def __hash__(self) -> int:
        return self.ptr

    def __repr__(self) -> str:
        return f"<Stream {self.ptr} (device {self.device_id})>"

    def __enter__(self) -> Stream:
        if self.device_id not in (-1, current_device()):
            raise RuntimeError("The stream provided was created on another device than the current one")
        _stack().append(self)
        return self

    def __exit__(self, *args: Any) -> None:
        _stack().pop()

    def use(self) -> Stream:
        """Make this the thread's current stream."""
        stack = _stack()
        stack[-1:] = [self]
        return self

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self._state.number <= self._state.finished

    def synchronize(self) -> None:
        """Let the host wait for it."""
        note("wait stream")
        self._state.wait()

    def record(self, event: Event | None = None) -> Event:
        """Note where it is."""
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """Let what comes after here wait for an event."""
        with lock:
            _merge(self._state.seen, event.seen)


class _State:
    """What a stream has done."""

    def __init__(self, non_blocking: bool, null: bool = False) -> None:
        self.non_blocking, self.null = non_blocking, null
        self.number = self.finished = 0
        self.seen: dict[_State, int] = {}
        self.copies: list[_Copy] = []  # that may be on their way

    def wait(self) -> None:
        """Wait for all that it has done."""
        self.reached(self.number)
        for state, number in [*self.seen.items()]:
            state.reached(number)

    def reached(self, number: int) -> None:
        """Note that the host has waited for an operation."""
        with lock:  # until all has landed: another thread may wait for the same
            self.finished = max(self.finished, number)
            done = [copy for copy in self.copies if copy.number <= self.finished]
            self.copies = [copy for copy in self.copies if copy.number > self.finished]
            for copy in done:
                copy.land()

    def after(self, other: _State, number: int) -> bool:
        """Say whether what comes here next is ordered after an operation there."""
        if other is self or number <= other.finished or self.seen.get(other, 0) >= number:
            return True
        # The null stream and all others wait for each other, but those that are non-blocking.
        return (self.null and not other.non_blocking) or (other.null and not self.non_blocking)


class _Copy:
    """A copy between pinned memory and a device, which takes its time: until its stream is waited for."""

    def __init__(self, number: int, host: np.ndarray, arriving: np.ndarray | None = None) -> None:
        """Note a copy from the host, or to it of what is arriving there; until it has, the host sees no such values."""
        self.number, self.arriving, self.who = number, arriving, where()
        self.host = host.reshape(-1).view(np.uint8) if host.size else np.empty(0, np.uint8)
        if arriving is not None:
            self.host[...] = _FRESH
        self.before = zlib.crc32(self.host)

    def check(self) -> None:
        """Raise HazardError where the host memory has changed since."""
        if zlib.crc32(self.host) != self.before:
            hazard(f"host memory was changed while it was copied ({self.who})")

    def land(self) -> None:
        """End."""
        self.check()
        if self.arriving is not None:
            self.host[...] = self.arriving


class Event:
    """As CuPy's: a place in a stream."""

    def __init__(self, block: bool = False, disable_timing: bool = False, interprocess: bool = False) -> None:
        self.seen: dict[_State, int] = {}
        self._time = 0.0

    def record(self, stream: Stream | None = None) -> None:
        """Note where a stream is."""
        import time

        self._time = time.perf_counter()
        state = (stream or current_stream())._state
        with lock:
            self.seen = {**state.seen, state: state.number}

    @property
    def done(self) -> bool:
        """Whether the host has waited so far. (A GPU may be done earlier; a test should not count on it.)"""
        return all(number <= state.finished for state, number in self.seen.items())

    def synchronize(self) -> None:
        """Let the host wait for it."""
        note("wait event")
        for state, number in self.seen.items():
            state.reached(number)


def get_elapsed_time(start_event: Event, end_event: Event) -> float:
    """Return milliseconds."""
    return max((end_event._time - start_event._time) * 1e3, 1e-6)


def _merge(seen: dict[_State, int], more: dict[_State, int]) -> None:
    for state, number in more.items():
        seen[state] = max(seen.get(state, 0), number)


def _stack() -> list[Stream]:
    stacks: dict[int, list[Stream]] = _local.__dict__.setdefault("streams", {})
    return stacks.setdefault(current_device(), [])


def current_stream() -> Stream:
    """Return this thread's stream on its device."""
    stack = _stack()
    return stack[-1] if stack else Stream.null


_null_state = _State(False, null=True)
Stream.null = Stream(null=True)


# ------------------------------------------------------------------------------------------------------------- memory
_UNIT = 512  # a pool's memory is taken by so many bytes
_GUARD = 64
_FRESH, _FENCE = 0xA5, 0x5A


class Block:
    """A piece of device memory, with a fence on each side that nothing may write to; what is fresh is no number."""

    by_address: weakref.WeakValueDictionary[int, Block] = weakref.WeakValueDictionary()

    def __init__(self, size: int) -> None:
        self.device, self.size, self.taken = current_device(), size, 0
        limit, taken = limits[self.device], -(-size // _UNIT) * _UNIT
        with lock:
            if limit is not None and used[self.device] + taken > limit:
                raise OutOfMemoryError(f"Out of memory allocating {taken} bytes (limit set to: {limit} bytes).")
            self.taken = taken
            used[self.device] += taken
            most_used[self.device] = max(most_used[self.device], used[self.device])
        self.whole = np.full(size + 2 * _GUARD, _FRESH, np.uint8)
        self.whole[:_GUARD] = self.whole[size + _GUARD :] = _FENCE
        self.bytes = self.whole[_GUARD : size + _GUARD]
        self.stream, self.made = current_stream()._state, where()
        self.written: tuple[_State, int] | None = None
        self.read: dict[_State, int] = {}
        Block.by_address[self.bytes.ctypes.data] = self

    def __del__(self) -> None:
        with lock:
            used[self.device] -= self.taken
        if not hasattr(self, "whole"):
            return
        if (self.whole[:_GUARD] != _FENCE).any() or (self.whole[self.size + _GUARD :] != _FENCE).any():
            hazards.append(f"something was written beside {self.size} bytes of device memory made in {self.made}")
        for state, number in [*self.read.items(), *([self.written] if self.written else [])]:
            if not self.stream.after(state, number):
                hazards.append(f"memory made in {self.made} was freed while another stream than its own may use it")


def touch(reads: list[Block], writes: list[Block], stream: Stream | None = None) -> None:
    """Note an operation of a stream; raise HazardError where it is not ordered after those that it depends on."""
    state, device = (stream or current_stream())._state, current_device()
    with lock:
        state.number += 1
        for block in {id(block): block for block in (*reads, *writes)}.values():
            if block.device != device:
                hazard(f"memory of device {block.device} is used on device {device} in {where()}")
            earlier = [block.written] if block.written else []
            if any(block is other for other in writes):
                earlier += block.read.items()
            for other, number in earlier:
                if not state.after(other, number):
                    hazard(f"a stream uses what another has not finished: made in {block.made}, used in {where()}")
        for block in reads:
            block.read[state] = state.number
        for block in writes:
            block.written, block.read = (state, state.number), {}
            block.made = where()


# -------------------------------------------------------------------------------------------------------- pinned memory
pinned: dict[int, int] = {}  # address -> bytes
pinned_limit: list[int | None] = [None]


def is_pinned(array: np.ndarray) -> bool:
    """Say whether host memory is pinned."""
    address = array.ctypes.data
    with lock:
        return any(first <= address < first + size for first, size in list(pinned.items()))


def fly(host: np.ndarray, stream: Stream | None = None, arriving: np.ndarray | None = None) -> None:
    """Note that a stream copies from contiguous pinned memory, or to it: it must stay as it is until that is done."""
    state = (stream or current_stream())._state
    copied = None if arriving is None else np.frombuffer(arriving.tobytes(), np.uint8)
    with lock:
        for copy in [copy for every in list(Stream._all) for copy in every._state.copies]:
            if np.may_share_memory(copy.host, host):
                copy.check()
        state.copies.append(_Copy(state.number, host, copied))
