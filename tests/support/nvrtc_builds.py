"""What NVRTC makes of kernels, kept in the cache folder."""

import zipfile

import pytest
from cuda.bindings import nvrtc

from gpumask.backends.cache import cached
from gpumask.backends.cuda import nvrtc_options
from gpumask.backends.source import kernel_source, variant_key

PARTS = ("cubin", "log", "ptx")  # of what is kept


def compiled(architectures, kernel, arch, defines):
    """Return a kernel's cubin, the compiler's log and its PTX, made once for a text and kept in the cache folder."""
    if arch not in architectures:
        pytest.skip(f"this NVRTC has no {arch}")
    text, options = kernel_source(kernel), [*nvrtc_options(arch, defines), "--ptxas-options=-v"]
    version = ".".join(map(str, call(nvrtc.nvrtcVersion)))

    def build(path):
        made = compiled_now(kernel, text, [option.encode() for option in options])
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as kept:
            for name, part in zip(PARTS, made, strict=True):
                kept.writestr(name, part)

    with zipfile.ZipFile(cached(f"{kernel}-{variant_key(text, *options, version)}", ".nvrtc.zip", build)) as kept:
        cubin, log, ptx = map(kept.read, PARTS)
    assert cubin.startswith(b"\x7fELF")
    assert cubin.endswith(b"\0")  # which CuPy takes away, and the backend adds again
    assert b".text." + kernel.encode() + b"\0" in cubin
    return cubin, log.decode(), ptx.decode()


def compiled_now(kernel, text, options):
    """Return the cubin, the log and the PTX that NVRTC makes of a text."""
    program = call(nvrtc.nvrtcCreateProgram, text.encode(), kernel.encode(), 0, [], [])
    try:
        (status,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
        log = text_of(program, nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog)
        assert status == nvrtc.nvrtcResult.NVRTC_SUCCESS, log.decode()
        cubin = text_of(program, nvrtc.nvrtcGetCUBINSize, nvrtc.nvrtcGetCUBIN)
        return cubin, log, text_of(program, nvrtc.nvrtcGetPTXSize, nvrtc.nvrtcGetPTX)
    finally:
        call(nvrtc.nvrtcDestroyProgram, program)


def text_of(program, size, get):
    """Return what one of NVRTC's pairs of functions gives."""
    text = bytes(call(size, program))
    call(get, program, text)
    return text


def call(function, *args):
    """Call NVRTC; return its one result, or all of several."""
    status, *results = function(*args)
    assert status == nvrtc.nvrtcResult.NVRTC_SUCCESS, function.__name__
    return results[0] if len(results) == 1 else results
