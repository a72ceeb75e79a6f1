"""NVRTC's part, played by g++ on the text as NVRTC reads it, with a loop over threads where a GPU has thousands.

A "cubin" here is a shared library. As CuPy's, `getCUBIN` gives all of it but its last byte.
"""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

END = b"END\0"
_FLAGS = ["-std=c++17", "-O1", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC", "-w"]
_OPTIONS = ("--gpu-architecture=sm_", "--std=c++17", "--fmad=false", "-D", "--ptxas-options=-v", "-lineinfo")
_BEFORE = """
#define __CUDACC__
#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
struct be_dim3 { unsigned x, y, z; };
static thread_local be_dim3 blockIdx, threadIdx, blockDim, gridDim;
""" + (Path(__file__).parents[2] / "intrinsics.h").read_text()
_AFTER = """
#line 1 "nvrtc.py"
template <class T> struct be_code { static constexpr char of = sizeof(T) == 8 ? 'q' : 0; };  // Size, a struct
#define BE_CODE(T, C) template <> struct be_code<T> { static constexpr char of = C; };
BE_CODE(signed char, 'b') BE_CODE(unsigned char, 'B') BE_CODE(short, 'h') BE_CODE(unsigned short, 'H')
BE_CODE(int, 'i') BE_CODE(unsigned, 'I') BE_CODE(long long, 'q') BE_CODE(unsigned long long, 'Q')
BE_CODE(float, 'f') BE_CODE(double, 'd')
template <class T> struct be_parameter { static constexpr char kind = 'v', code = be_code<T>::of; };
template <class T> struct be_parameter<T*> { static constexpr char kind = 'w', code = be_code<T>::of; };
template <class T> struct be_parameter<const T*> { static constexpr char kind = 'r', code = be_code<T>::of; };
template <class... P> const char* be_signature(void (*)(P...))
{
    static const char text[] = {be_parameter<P>::kind..., ':', be_parameter<P>::code..., 0};
    return text;
}
template <class T> T be_value(const unsigned long long& bits)
{
    T value;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}
template <int... K> struct be_numbers {};
template <int N, int... K> struct be_numbers_below : be_numbers_below<N - 1, N - 1, K...> {};
template <int... K> struct be_numbers_below<0, K...> { typedef be_numbers<K...> type; };
template <class... P, int... K>
void be_launch(void (*kernel)(P...), const unsigned* dims, const unsigned long long* args, be_numbers<K...>)
{
    gridDim = {dims[0], dims[1], 1};
    blockDim = {dims[2], dims[3], 1};
    for (unsigned by = 0; by < dims[1]; ++by)
        for (unsigned bx = 0; bx < dims[0]; ++bx)
            for (unsigned ty = 0; ty < dims[3]; ++ty)
                for (unsigned tx = 0; tx < dims[2]; ++tx) {
                    blockIdx = {bx, by, 0};
                    threadIdx = {tx, ty, 0};
                    kernel(be_value<P>(args[K])...);
                }
}
template <class... P> void be_launch(void (*kernel)(P...), const unsigned* dims, const unsigned long long* args)
{
    be_launch(kernel, dims, args, typename be_numbers_below<sizeof...(P)>::type());
}
"""
_ENTRY = """
extern "C" const char* be_signature_{0}() {{ return be_signature({0}); }}
extern "C" void be_launch_{0}(const unsigned* dims, const unsigned long long* args) {{ be_launch({0}, dims, args); }}
"""
_numbers = itertools.count(1)
_programs: dict[int, dict[str, Any]] = {}


class NVRTCError(RuntimeError):
    """As CuPy's."""


def getVersion() -> tuple[int, int]:
    """Return a version that NVRTC never had, so that a cache takes nothing of this for a GPU's."""
    return 99, 0


def createProgram(src: str, name: str, headers: Any, include_names: Any) -> int:
    """Take a text."""
    if not (isinstance(src, str) and isinstance(name, str)) or len(headers) or len(include_names):
        raise TypeError("expected a text, a name and no headers")
    number = next(_numbers)
    _programs[number] = {"text": src, "log": ""}
    return number


def compileProgram(prog: int, options: Any) -> None:
    """Compile it."""
    for option in options:
        if not option.startswith(_OPTIONS):
            _programs[prog]["log"] = f"nvrtc: error: unrecognized option {option} found"
            raise NVRTCError("NVRTC_ERROR_INVALID_OPTION (5)")
    program = _programs[prog]
    kernels = re.findall(r"^KERNEL\((\w+)", program["text"], re.MULTILINE)
    text = _BEFORE + program["text"] + _AFTER + "".join(map(_ENTRY.format, kernels))
    defines = [option for option in options if option.startswith("-D")]
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        raise ImportError("the stand-in for NVRTC needs a C++ compiler")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "kernel.so"
        command = [compiler, *_FLAGS, *defines, "-x", "c++", "-", "-o", str(library)]
        done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
        program["log"] = done.stderr
        if done.returncode:
            raise NVRTCError("NVRTC_ERROR_COMPILATION (6)")
        program["cubin"] = library.read_bytes() + END


def getCUBIN(prog: int) -> bytes:
    """Return the binary but for its last byte, which CuPy takes for the end of a string."""
    return bytes(_programs[prog]["cubin"][:-1])


def getProgramLog(prog: int) -> str:
    """Return what the compiler said."""
    return str(_programs[prog]["log"])


def destroyProgram(prog: int) -> None:
    """Let go of it."""
    del _programs[prog]
