"""The kernels' text compiled by the machine's C++ compiler, with OpenMP.

A kernel is a function of a shared library.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import logging
import operator
import os
import platform
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from gpumask.backends.cache import cached
from gpumask.backends.host import HostMemory
from gpumask.backends.launch import without_facts
from gpumask.backends.source import define_options, kernel_source, variant_key
from gpumask.errors import BackendError, GpumaskError

# Same bits as on the GPU and for every instruction set: no contraction to FMA. Without the next two, floor and
# comparisons do not vectorise. The last one keeps the rest of a vectorised loop a loop, which takes a quarter less to
# compile and is as fast.
FLAGS = ["-std=c++17", "-O3", "-march=native", "-fopenmp", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
FLAGS.append("--param=max-completely-peel-times=6")
if platform.machine() in ("x86_64", "AMD64"):
    FLAGS.append("-mprefer-vector-width=512")

# Below this, waking a thread and waiting for it costs more than it gains.
_PIXELS_A_THREAD = 1 << 14

_log = logging.getLogger("gpumask")

# OpenMP's threads do not survive a fork, and a child that asks for them waits forever: there, one thread.
_threaded, _forked = threading.Event(), threading.Event()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _forked.set() if _threaded.is_set() else None)


class NativeBackend(HostMemory):
    """Runs kernels on the CPU, on `GPUMASK_NUM_THREADS` threads (default: OpenMP's own choice)."""

    name = "native"

    def __init__(self) -> None:
        """Find the compiler and build one small kernel. Raise BackendError if either fails."""
        self._functions: dict[tuple[Any, ...], Any] = {}
        self._failures: dict[tuple[Any, ...], BackendError] = {}
        self._lock = threading.Lock()
        self.function("footprint", {"TAPS": 4})  # which most work needs anyway

    def run(self, kernel: str, shape: tuple[int, int], *args: Any, **defines: Any) -> None:
        """Run a kernel. See `Backend.run`."""
        rows, cols = shape
        # What the prefilter has for a pixel is a line of SAMPLES.
        function, count = self.function(kernel, defines), threads((rows * defines.get("SAMPLES", 1), cols))
        if count > 1:
            _threaded.set()
        function(count, *map(_argument, (*shape, *args)))

    def lanes(self, devices: Sequence[int] | None) -> list[Callable[[], AbstractContextManager[object]]]:
        """Return a context of one thread for each thread that kernels may use. See `Backend.lanes`."""
        return super().lanes(devices) and [_alone] * threads()

    def function(self, kernel: str, defines: dict[str, Any]) -> Any:
        """Return the compiled kernel. A variant that failed to compile fails again without another try."""
        defines = without_facts(defines)
        key = (kernel, *define_options(defines))
        function = self._functions.get(key)
        if function:
            return function
        with self._lock:
            if key in self._failures:
                raise self._failures[key]
            try:
                function = getattr(ctypes.CDLL(str(library(kernel, defines))), kernel)
            except OSError as error:  # a full disk, or a folder that nothing may be run from
                self._failures[key] = BackendError(f"native backend: {error}")
                raise self._failures[key] from error
            except BackendError as error:
                self._failures[key] = error
                raise
            function.restype = None
            self._functions[key] = function
        return function


def library(kernel: str, defines: dict[str, Any]) -> Path:
    """Return the shared library of one variant of a kernel, compiled if it is not in the cache."""
    command, identity = compiler()
    options = [*FLAGS, *define_options(defines)]
    text = kernel_source(kernel)

    def build(path: Path) -> None:
        _compile([*command, *options, "-shared", "-fPIC", "-x", "c++", "-", "-o", str(path)], text)

    return cached(f"{kernel}-{variant_key(text, *options, identity)}", ".so", build)


@functools.cache
def compiler() -> tuple[list[str], str]:
    """Return the C++ compiler's command, from CXX or PATH, and what it says of itself and of this CPU.

    What it says are its predefined macros: its version, and every instruction set that -march=native stands for.
    """
    asked = os.environ.get("CXX")
    for command in [asked] if asked else ["g++", "clang++", "c++"]:
        words = shlex.split(command)
        if words and shutil.which(words[0]):
            return words, _compile([*words, *FLAGS, "-E", "-dM", "-x", "c++", "-"], "")
    raise BackendError(f"native backend: expected a C++ compiler, {asked or 'g++, clang++ or c++ on PATH'}; found none")


def describe() -> dict[str, str]:
    """Say what is there of a compiler, its flags, the CPU's vectors and threads, whether or not the backend works."""

    def named() -> str:
        command, macros = compiler()
        version = re.search(r'__VERSION__ "(.*)"', macros)
        return f"{shutil.which(command[0])} {version[1] if version else ''}".strip()

    def vectors() -> str:
        sets = {"AVX-512": "__AVX512F__", "AVX2": "__AVX2__", "SVE": "__ARM_FEATURE_SVE", "NEON": "__ARM_NEON"}
        return next((name for name, macro in sets.items() if f"#define {macro} " in compiler()[1]), "none known")

    asked: dict[str, Callable[[], str]] = {
        "compiler": named,
        "flags": lambda: shlex.join(FLAGS),
        "vectors": vectors,
        "threads": lambda: str(threads()),
    }
    found = {}
    for name, ask in asked.items():
        try:
            found[name] = ask()
        except (GpumaskError, OSError) as error:
            found[name] = f"not there: {error}"
    return found


def threads(shape: tuple[int, int] | None = None) -> int:
    """Return how many threads a kernel may use, for a small shape fewer: GPUMASK_NUM_THREADS, or OpenMP's choice."""
    asked = os.environ.get("GPUMASK_NUM_THREADS")
    if asked and not (asked.isdecimal() and int(asked) > 0):
        raise GpumaskError(f"GPUMASK_NUM_THREADS: expected a whole number from 1 on; got {asked!r}")
    if _forked.is_set():
        return 1
    if getattr(_lane, "alone", False):
        return 1
    most = int(asked) if asked else int(_openmp().omp_get_max_threads())
    return most if shape is None else min(most, 1 + shape[0] * shape[1] // _PIXELS_A_THREAD)


_lane = threading.local()


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Let kernels of this thread have no others."""
    _lane.alone = True
    try:
        yield
    finally:
        _lane.alone = False


@functools.cache
def _openmp() -> ctypes.CDLL:
    """Return a library that OpenMP is linked to."""
    return ctypes.CDLL(str(library("footprint", {"TAPS": 4})))


def _compile(command: list[str], text: str) -> str:
    """Run the compiler on a text and return what it prints. Raise BackendError with its output if it fails."""
    _log.debug("compile: %s", shlex.join(command))
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    except OSError as error:
        raise BackendError(f"native backend: the C++ compiler {command[0]} can't be run: {error}") from error
    if done.returncode:
        raise BackendError(f"native backend: {shlex.join(command)} failed:\n{done.stderr.strip()}")
    return done.stdout


def _argument(value: Any) -> Any:
    """Return a kernel's argument for ctypes."""
    if type(value) is int:  # as most are
        return ctypes.c_longlong(value)
    if isinstance(value, np.ndarray):
        return ctypes.c_void_p(value.ctypes.data)
    if value is None:
        return ctypes.c_void_p(None)
    return ctypes.c_double(value) if isinstance(value, float) else ctypes.c_longlong(operator.index(value))
