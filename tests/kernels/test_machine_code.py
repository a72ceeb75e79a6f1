"""The kernels as NVIDIA's compiler translates them give the bits of the native backend, instruction by instruction.

python -m pytest tests/kernels/test_machine_code.py --exhaustive --machine-code-cases 200
"""

import pytest
from exhaustive import few_of
from machine_code import ARCHITECTURES, MachineCode, differing, tool
from machine_code_cases import COUNT, KERNELS, cases, of_one_variant

from gpumask.backends import get
from gpumask.backends.source import kernels_folder
from gpumask.errors import BackendError

every_kernel = pytest.mark.parametrize("kernel", KERNELS)


@pytest.fixture(scope="session")
def machine():
    """What makes a backend of an architecture; skips where the machine code can't be made."""
    try:
        tool()
    except BackendError as error:
        pytest.skip(str(error))
    return MachineCode


def assert_same_as_native(backend, kernel, numbers):
    """Compare cases; say of all that differ in how many values they do."""
    wrong = {}
    for case in cases(kernel, numbers):
        pairs = zip(case.run(backend), case.run(get("native")), strict=True)
        if count := sum(differing(found, expected) for found, expected in pairs):
            wrong[case.name] = count
    assert not wrong, f"{len(wrong)} of {len(numbers)} cases differ on {backend.arch}, in so many values: {wrong}"


@pytest.fixture(scope="session")
def most(pytestconfig):
    """How many cases of a kernel run where all are of one variant."""
    return 12 if pytestconfig.getoption("machine_code_cases") else 3


@every_kernel
def test_the_machine_code_gives_the_bits_of_the_native_backend(machine, kernel, most):
    assert_same_as_native(machine("sm_90"), kernel, of_one_variant(kernel, most))


@pytest.mark.parametrize("kernel", few_of(KERNELS, KERNELS.keys() - {"prefilter", "renormalize"}))
def test_fewer_threads_than_pixels_give_the_same_bits(machine, kernel, most):
    assert_same_as_native(machine("sm_90", (1, 1)), kernel, of_one_variant(kernel, most))


@pytest.mark.exhaustive
@pytest.mark.parametrize("arch", ARCHITECTURES)
@every_kernel
def test_every_architecture_gives_the_bits_of_the_native_backend(machine, kernel, arch, pytestconfig):
    count = pytestconfig.getoption("machine_code_cases")
    if not count and (kernel, arch) == ("prefilter", "sm_120"):
        pytest.skip("asked for by --machine-code-cases: its code is so long that it takes a minute and a half")
    assert_same_as_native(machine(arch), kernel, range(min(count, COUNT)) if count else of_one_variant(kernel, 1))


@pytest.mark.exhaustive
@pytest.mark.parametrize("arch", ARCHITECTURES)
@every_kernel
def test_what_nvrtc_makes_gives_the_bits_of_the_native_backend(machine, kernel, arch, pytestconfig):
    pytest.importorskip("cuda.bindings.nvrtc", exc_type=ImportError)
    from nvrtc_builds import compiled

    def by_nvrtc(kernel, arch, defines):
        return compiled([arch], kernel, arch, defines)[0]

    most = 12 if pytestconfig.getoption("machine_code_cases") else 1
    if most == 1 and arch != "sm_90":
        pytest.skip("asked for by --machine-code-cases")
    assert_same_as_native(machine(arch, None, by_nvrtc), kernel, of_one_variant(kernel, most))


def test_every_kernel_has_cases():
    assert set(KERNELS) == {path.stem for path in kernels_folder().glob("*.cu")}
