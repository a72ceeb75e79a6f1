"""Fixtures for every test file."""

import contextlib
import gc
import os

import gpu
import pytest
from device_arrays import device_arrays
from exhaustive import ON_DEVICE, left_out

from gpumask.backends import get, native, use_backend
from gpumask.errors import BackendError

# No tests: a stand-in for CuPy, and what several files share.
collect_ignore = ["cuda", "support"]

LONGEST = "test_kernels.py", "test_sanitizers.py", "test_nvrtc.py", "test_machine_code.py"

# OpenMP reads this when a kernel is first loaded. If other processes want the cores, threads that spin between kernels
# make thousands of small kernels ten times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def pytest_addoption(parser):
    group = parser.getgroup("exhaustive")
    group.addoption(
        "--exhaustive",
        action="store_const",
        const="too",
        help="Also run what takes long: every combination of parameters, sanitizers, all architectures.",
    )
    group.addoption(
        "--exhaustive-alone",
        action="store_const",
        const="alone",
        dest="exhaustive",
        help="Run only what --exhaustive adds.",
    )
    group.addoption(
        "--machine-code-cases",
        type=int,
        default=0,
        metavar="N",
        help="With --exhaustive: the cases of each kernel that run as machine code, on each architecture, up to 200. "
        "The default is one. All take hours.",
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "exhaustive: runs with --exhaustive alone")


def pytest_collection_modifyitems(config, items):
    """Leave out what --exhaustive adds, unless it is asked for. With --exhaustive-alone, keep only that.

    The files that take longest come first. Otherwise a single worker might have one of them left in the end.
    """
    asked = config.getoption("exhaustive")
    more = left_out(items)
    dropped = {None: more, "too": set(), "alone": set(items) - more}[asked]
    config.hook.pytest_deselected(items=[item for item in items if item in dropped])
    items[:] = [item for item in items if item not in dropped]
    items.sort(key=lambda item: item.path.name not in LONGEST)


def pytest_collection_finish():
    """Keep the thousands of tests out of what `gc.collect` looks through."""
    gc.collect()
    gc.freeze()


@pytest.fixture(params=["cuda", ON_DEVICE, "native", "numpy"])
def backend(request) -> str:
    """Each backend's name in turn. It skips those that this machine lacks. A kernel that fails to compile is no skip.

    With "cuda, arrays there" public functions get device arrays wherever a test gives NumPy arrays.
    """
    name, _, arrays = request.param.partition(", ")
    with contextlib.ExitStack() as stack:
        if name == "native":
            try:
                native.compiler()
            except BackendError as error:
                pytest.skip(str(error))
        elif name == "cuda":
            stack.enter_context(gpu.at_hand())
        if arrays:
            calls = stack.enter_context(device_arrays())
        yield get(name).name
        if arrays:  # for a report, such as --junitxml writes
            request.node.user_properties.append(("calls with device arrays", sum(calls.values())))
    assert not gpu.hazards()


@pytest.fixture
def at_hand():
    """A GPU, or what stands in for it, for tests of the device alone."""
    with gpu.at_hand():
        yield
    assert not gpu.hazards()


@pytest.fixture
def on_every_backend(backend):
    """Run a test on each backend, for calls that name none."""
    with use_backend(backend):
        yield
