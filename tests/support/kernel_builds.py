"""The kernels' text, compiled for this CPU in other ways than by the native backend."""

import ctypes
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from checkout import STAND_IN
from kernel_cases import FACTUAL, Variant, cases, resampled

from gpumask.backends import native
from gpumask.backends.arguments import flat
from gpumask.backends.cache import cached
from gpumask.backends.cuda import blocks_for
from gpumask.backends.host import HostMemory
from gpumask.backends.launch import FACTS, without_facts
from gpumask.backends.source import define_options, kernel_source, variant_key

SANITIZERS = ["-O0", "-g1", "-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all"]
# What the CUDA part of target.cuh needs from its compiler, for a thread that `be_thread` chooses.
CUDA_ON_HOST = """
#define __CUDACC__
#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
static struct { unsigned x, y; } blockIdx, threadIdx, blockDim, gridDim;
extern "C" void be_thread(unsigned block_x, unsigned block_y, unsigned x, unsigned y, const unsigned* dims)
{
    blockIdx = {block_x, block_y};
    threadIdx = {x, y};
    blockDim = {dims[0], dims[1]};
    gridDim = {dims[2], dims[3]};
}
""" + (STAND_IN / "intrinsics.h").read_text()


Keep = Callable[[dict[str, Any]], dict[str, Any]]


def few_facts(defines: dict[str, Any]) -> dict[str, Any]:
    """Return a few sets of facts to compile a kernel with, if all sets take too long: one fact, INDEX, or none."""
    return without_facts(defines) if len(FACTS & defines.keys()) > 1 else defines


class Build(HostMemory):
    """The native backend, with compiler flags and a text before the kernels' replaced. It loads what it runs.

    `keep` returns the defines of a kernel with which it is compiled.
    """

    name = "native"

    def __init__(self, flags: list[str], preamble: str = "", keep: Keep = without_facts) -> None:
        self.flags, self.preamble, self.keep = flags, preamble, keep
        self._loaded: dict[tuple[str, ...], ctypes.CDLL] = {}

    def run(self, kernel: str, shape: tuple[int, int], *args: Any, **defines: Any) -> None:
        """Run a kernel. See `Backend.run`."""
        library = self.loaded(kernel, defines)
        library[kernel](native.threads(), *map(native._argument, flat((*shape, *args))))

    def loaded(self, kernel: str, defines: dict[str, Any]) -> ctypes.CDLL:
        """Return the library of the compiled kernel. It is looked for on disk only once."""
        defines = self.keep(defines)
        key = (kernel, *define_options(defines))
        if key not in self._loaded:
            self._loaded[key] = ctypes.CDLL(self.library(kernel, defines))
        return self._loaded[key]

    def library(self, kernel: str, defines: dict[str, Any]) -> str:
        """Return the path of the compiled kernel, as native.library does."""
        command, identity = native.compiler()
        options, text = [*self.flags, *define_options(self.keep(defines))], self.preamble + kernel_source(kernel)

        def build(path: Path) -> None:
            native._compile([*command, *options, "-shared", "-fPIC", "-x", "c++", "-", "-o", str(path)], text)

        return str(cached(f"{kernel}-{variant_key(text, *options, identity)}", ".so", build))


class CudaText(Build):
    """The text as NVRTC reads it, compiled for this CPU. Threads run one after another."""

    block = (4, 2)

    def __init__(self, flags: list[str], keep: Keep = dict) -> None:
        super().__init__(flags, CUDA_ON_HOST, keep)

    def run(self, kernel: str, shape: tuple[int, int], *args: Any, **defines: Any) -> None:
        """Launch a kernel over blocks of 4 x 2 threads. They cover the shape, or 3 x 2 blocks stride over it."""
        library = self.loaded(kernel, defines)
        strides = self.keep(defines).get("INDEX") != np.int32
        blocks = (3, 2) if strides else blocks_for(kernel, shape, self.block)
        dims = (ctypes.c_uint * 4)(*self.block, *blocks)
        arguments = [native._argument(value) for value in flat((*shape, *args))]
        for thread in product(*map(range, (*blocks, *self.block))):
            library.be_thread(*thread, dims)
            library[kernel](*arguments)


class Asked(HostMemory):
    """Runs nothing, and notes what it is asked for."""

    name = "numpy"

    def __init__(self) -> None:
        self.runs: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def run(self, kernel: str, shape: tuple[int, int], *args: Any, **defines: Any) -> None:
        """Note a kernel's name, its arguments and its defines."""
        self.runs.append((kernel, (*shape, *args), defines))


def all_defines(variant: Variant) -> list[dict[str, Any]]:
    """Return the different defines, with facts, for all that `resample` is run on."""
    asked = Asked()
    for case in cases(variant.source):
        resampled(asked, variant, case)
    every = [defines for kernel, _, defines in asked.runs if kernel == "resample"]
    return [defines for place, defines in enumerate(every) if defines not in every[:place]]


def with_march(march: str) -> list[str]:
    """Return the native backend's flags, for another instruction set."""
    return [f"-march={march}" if flag.startswith("-march=") else flag for flag in native.FLAGS]


# Cubic and nearest only, as the sanitizers' builds take long.
_FACTUAL_TYPES = [variant.defines for variant in FACTUAL[:2]]


def facts_of_some(defines: dict[str, Any]) -> dict[str, Any]:
    """Return all facts for a few variants, and few for the others."""
    return defines if without_facts(defines) in _FACTUAL_TYPES else few_facts(defines)


def sanitized(name: str) -> Build:
    """Return the build "wide" or "cuda text", under the sanitizers."""
    checked = [flag for flag in native.FLAGS if flag != "-O3"] + SANITIZERS
    if name == "cuda text":
        return CudaText(checked, facts_of_some)
    return Build(checked)


def compile_all(libraries: Iterable[Any]) -> None:
    """Call functions that compile something, two at a time. What fails here fails again when it is used."""
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        for library in libraries:
            pool.submit(library)
