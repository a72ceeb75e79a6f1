"""A backend that runs on this CPU the instructions that NVIDIA's compiler makes from the kernels.

nvcc or NVRTC makes a cubin, nvdisasm lists its instructions, and a tool beside the repository turns them into C++. This
module adds the kernels' instructions that the tool does not know. Threads run one after another. Each is a warp of its
own.
"""

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from checkout import SHARED

from gpumask.backends import native
from gpumask.backends.arguments import flat
from gpumask.backends.cache import cache_folder, cached
from gpumask.backends.cuda import BLOCK, blocks_for
from gpumask.backends.host import HostMemory
from gpumask.backends.source import define_options, kernel_source, variant_key
from gpumask.errors import BackendError

ARCHITECTURES = ("sm_86", "sm_90", "sm_120")
TOOL = SHARED / "tools" / "machine_code"

# C++ for the instructions below.
HELPERS = r"""
#include <cfenv>
#include <cmath>
#include <cstdint>
// Volatile, so that what is rounded stays between the two changes of mode.
static inline float fma_rounded(float a, float b, float c, int mode)
{
    volatile float x = a, y = b, z = c, sum;
    fesetround(mode);
    sum = fmaf(x, y, z);
    fesetround(FE_TONEAREST);
    return sum;
}
static inline double fma_rounded(double a, double b, double c, int mode)
{
    volatile double x = a, y = b, z = c, sum;
    fesetround(mode);
    sum = fma(x, y, z);
    fesetround(FE_TONEAREST);
    return sum;
}
static inline double product_up(double a, double b)
{
    volatile double x = a, y = b, product;
    fesetround(FE_UPWARD);
    product = x * y;
    fesetround(FE_TONEAREST);
    return product;
}
// An f32 whose exponent is the least becomes 0.
static inline float flushed(float a) { return std::fpclassify(a) == FP_SUBNORMAL ? std::copysign(0.0f, a) : a; }
// Whether an f32 is none, huge, or so small that a short division by it or of it might round wrongly.
static inline bool is_extreme(uint32_t bits) { const int e = bits >> 23 & 255; return e < 127 - 60 || e > 127 + 60; }
"""
# What registers and predicates hold before anything is written to them: on a GPU, anything.
POISON = """
for (u32& v : r) if (&v != r + 1) v = 0xa5a5a5a5u;
for (u32& v : u) v = 0xa5a5a5a5u;
for (bool& v : p) v = true;
for (bool& v : q) v = true;
"""


class Additions:
    """What the tool's Translator lacks. A method op_X returns C++ for the instruction X with modifiers and operands."""

    def source(self) -> str:
        """Return the C++ of a kernel, with the helpers before it and nothing in its registers."""
        before, entry, after = super().source().partition("goto L0;")
        return HELPERS + before + POISON + entry + after

    def op_FCHK(self, _: list[str], o: list[str]) -> str:
        """FCHK P, a, b: set P if a / b must take the long division. That is right for all a and b."""
        return self.top(o[0], f"is_extreme({self.fb(o[1])}) || is_extreme({self.fb(o[2])})")

    def op_VOTEU(self, p: list[str], o: list[str]) -> str:
        """VOTEU.ALL UP, P: whether P is set in every active thread of the warp."""
        if "ALL" not in p:
            raise NotImplementedError(p)
        return self.top(o[0], self.p(o[1]))

    def op_IADD(self, p: list[str], o: list[str]) -> str:
        """IADD.X: a + b + the carry in a predicate."""
        return super().op_IADD3(p, [*o[:3], "RZ", o[3], "!PT"]) if "X" in p else super().op_IADD(p, o)

    def op_IMNMX(self, p: list[str], o: list[str]) -> str:
        """UIMNMX.S64 UPT, UPT, …: as IMNMX.S64 PT, PT, …, in registers of the warp."""
        return super().op_IMNMX(p, ["PT" if each == "UPT" else each for each in o])

    def op_FADD(self, p: list[str], o: list[str]) -> str:
        """FADD.FTZ: a + b. Subnormal numbers become 0, in the operands and in the result. The long division uses it."""
        if "FTZ" not in p:
            return super().op_FADD(p, o)
        return self.to(o[0], f"FB(flushed(flushed({self.f(o[1])}) + flushed({self.f(o[2])})))")

    def op_MUFU(self, p: list[str], o: list[str]) -> str:
        """MUFU.RSQ of NaN: a NaN, which the long division gives for 0 / 0. For numbers it is an approximation.

        MUFU.RSQ64H: the upper half of the nearest 1 / sqrt of an f64 with this upper half. A square root corrects it.
        """
        if "RSQ64H" in p:
            return self.to(o[0], f"(u32)(B(1.0 / std::sqrt(D((u64){self.reg(o[1])} << 32))) >> 32)")
        if "RSQ" not in p:
            return super().op_MUFU(p, o)
        if not o[1].endswith("QNAN"):
            raise NotImplementedError(p)
        return self.to(o[0], "FB(NAN)")

    def op_F2I(self, p: list[str], o: list[str]) -> str:
        """F2I.F64 to 32 bits: NaN becomes 0x80000000, not 0 (PTX ISA, cvt). Other values are as the tool has them."""
        text = super().op_F2I(p, o)
        if "F64" not in p or "NTZ" in p or "S64" in p or "U64" in p:
            return text
        return f"if (std::isnan({self.d(o[1])})) {{ {self.to(o[0], '0x80000000u')} }} else {{ {text} }}"

    def op_LDL(self, p: list[str], o: list[str]) -> str:
        """LDL: a load from the stack. Addresses there have 32 bits, so UR5 has no part in [R2+UR4]."""
        return self._load(p, o, f"(local + (u32)({self._address(o[1])}))")

    def op_STL(self, p: list[str], o: list[str]) -> str:
        """STL: a store to the stack, as LDL is a load."""
        return self._store(p, o[1], f"(local + (u32)({self._address(o[0])}))")

    def op_DMUL(self, p: list[str], o: list[str]) -> str:
        """DMUL.RP: a * b, rounded up, subnormal products too. The long division takes it if a product lies halfway."""
        if "RP" not in p:
            return super().op_DMUL(p, o)
        return self.to2(o[0], f"B(product_up({self.d(o[1])}, {self.d(o[2])}))")

    def op_DFMA(self, p: list[str], o: list[str]) -> str:
        """DFMA.RM, RP, RZ: a * b + c, rounded down, up, or to zero. The long square root brackets its result so."""
        mode = _rounding(p)
        if mode is None:
            return super().op_DFMA(p, o)
        return self.to2(o[0], f"B(fma_rounded({self.d(o[1])}, {self.d(o[2])}, {self.d(o[3])}, {mode}))")

    def op_FFMA(self, p: list[str], o: list[str]) -> str:
        """FFMA.RM, RP, RZ: as DFMA. The long division brackets its quotient so."""
        mode = _rounding(p)
        if mode is None:
            return super().op_FFMA(p, o)
        return self.to(o[0], f"FB(fma_rounded({self.f(o[1])}, {self.f(o[2])}, {self.f(o[3])}, {mode}))")


def _rounding(p: list[str]) -> str | None:
    """Return the mode of <cfenv> by which an instruction rounds. None stands for the nearest number."""
    modes = {"RM": "FE_DOWNWARD", "RP": "FE_UPWARD", "RZ": "FE_TOWARDZERO"}
    return next((modes[name] for name in p if name in modes), None)


@functools.cache
def tool() -> Any:
    """Return the tool's module of backends. Raise BackendError, saying what is missing, if it can't work here."""
    if not TOOL.is_dir():
        raise BackendError("machine code: expected shared/tools/machine_code beside the repository; found none")
    if not shutil.which("nvcc"):
        raise BackendError("machine code: expected nvcc on PATH; found none")
    native.compiler()
    version = subprocess.run(["nvcc", "--version"], capture_output=True, text=True, check=True).stdout
    os.environ.setdefault("MACHINE_CODE_CACHE", str(cache_folder() / f"machine-code-{variant_key(version)[:8]}"))
    sys.path.append(str(TOOL))
    try:
        import sass2c
        import sassbackend
    except (RuntimeError, OSError) as error:
        raise BackendError(f"machine code: {error}") from error
    sass2c.Translator = type("Translator", (Additions, sass2c.Translator), {})
    return sassbackend


# Makes the cubin of a kernel for an architecture, with defines.
Compile = Callable[[str, str, dict[str, Any]], bytes]


class MachineCode(HostMemory):
    """Runs the machine code for an architecture. Each pixel has a thread, unless `most_blocks` allows fewer."""

    name = "native"

    def __init__(self, arch: str, most_blocks: tuple[int, int] | None = None, compile_: Compile | None = None) -> None:
        """Choose an architecture.

        `most_blocks` is the most blocks of a launch, (across, down). None means as many as cover the shape. `compile_`
        makes a cubin. None means that nvcc does it.
        """
        self.arch, self.most_blocks, self.compile = arch, most_blocks, compile_

    def run(self, kernel: str, shape: tuple[int, int], *args: Any, **defines: Any) -> None:
        """Launch a kernel as the cuda backend does. See `Backend.run`."""
        blocks = wanted = blocks_for(kernel, shape)
        if self.most_blocks:
            blocks = min(wanted[0], self.most_blocks[0]), min(wanted[1], self.most_blocks[1])
        if blocks != wanted:
            defines = {**defines, "INDEX": np.dtype(np.int64)}  # then they stride
        machine = _machine(kernel, self.arch, self.compile, tuple(defines.items()))
        machine.launch(blocks, BLOCK, [*map(_parameter, flat((*shape, *args)))])


@functools.cache
def _machine(kernel: str, arch: str, compile_: Compile | None, defines: tuple[tuple[str, Any], ...]) -> Any:
    """Return a translated kernel. It is looked for on disk only once."""
    options = define_options(dict(defines))
    if compile_ is None:
        return tool().Machine(str(tool().cubin(kernel, arch, options)), kernel, arch)

    def build(path: Path) -> None:
        path.write_bytes(compile_(kernel, arch, dict(defines)))

    key = variant_key(kernel_source(kernel), arch, compile_.__name__, *options)
    return tool().Machine(str(cached(f"{kernel}-{key}", ".machine.cubin", build)), kernel, arch)


def _parameter(value: Any) -> int | float:
    """Return a kernel's argument as a number of 8 bytes: an array's address, an integer, a double."""
    if value is None:
        return 0
    if isinstance(value, np.ndarray):
        return value.ctypes.data
    return float(value) if isinstance(value, float) else int(value)


def differing(found: np.ndarray, expected: np.ndarray) -> int:
    """Return how many values differ in a bit, with the sign of a zero. All NaNs are the same."""
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    if found.dtype.kind == "f":
        both, zero = np.isnan(found) & np.isnan(expected), found.dtype.type(0)
        found, expected = (np.where(both, zero, values) for values in (found, expected))
    as_bits = f"u{found.dtype.itemsize}"
    found, expected = (np.ascontiguousarray(values).view(as_bits) for values in (found, expected))
    return int((found != expected).sum())
