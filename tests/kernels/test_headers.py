"""Each header of the kernels includes what it needs, and says which defines it needs."""

import pytest
from header_cases import HEADERS, options_of
from kernel_builds import CUDA_ON_HOST

from gpumask.backends import native
from gpumask.backends.source import with_includes
from gpumask.errors import BackendError

# For the host's compiler, and as NVRTC reads it, with sizes of 64 and 32 bits.
READINGS = {"host": ("", []), "CUDA": (CUDA_ON_HOST, []), "CUDA, 32 bits": (CUDA_ON_HOST, ["-DINDEX=i32"])}


@pytest.fixture(scope="module")
def compiler():
    try:
        return native.compiler()[0]
    except BackendError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("fixed", [False, True], ids=["f64", "fixed point"])
@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("header", HEADERS)
def test_each_header_compiles_by_itself(compiler, header, reading, fixed):
    before, options = READINGS[reading]
    options = [*options, *options_of(header), *(["-DFIXED=1"] if fixed else [])]
    native._compile(
        [*compiler, "-std=c++17", "-fsyntax-only", *options, "-x", "c++", "-"], before + with_includes(header)
    )
