"""Fixtures for every test file."""

import contextlib
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(1, str(Path(__file__).parent / "cuda"))
import gpu
from device_arrays import device_arrays

from gpumask.backends import get, native, use_backend
from gpumask.errors import BackendError

# What is in there is no test: a stand-in for CuPy.
collect_ignore = ["cuda"]

# Read by OpenMP when a kernel is first loaded. Threads that spin between kernels make thousands of small ones take ten
# times as long where other processes want the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def pytest_addoption(parser):
    parser.addoption("--exhaustive", action="store_true", help="Also run the tests marked exhaustive.")


def pytest_configure(config):
    config.addinivalue_line("markers", "exhaustive: takes many minutes, and is skipped without --exhaustive")


def pytest_runtest_setup(item):
    if item.get_closest_marker("exhaustive") and not item.config.getoption("exhaustive"):
        pytest.skip("asked for by --exhaustive alone")


def pytest_collection_modifyitems(items):
    """Begin with the files that take longest, lest one of them is left to a single worker in the end."""
    longest = "test_sanitizers.py", "test_kernels.py"
    items.sort(key=lambda item: item.path.name not in longest)


@pytest.fixture(params=["cuda", "cuda, arrays there", "native", "numpy"])
def backend(request) -> str:
    """Each backend's name in turn; skips what this machine lacks. A kernel that fails to compile is no skip.

    "cuda, arrays there": public functions get device arrays wherever a test gives NumPy's.
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
