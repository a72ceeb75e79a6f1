"""Fixtures for every test file."""

import os

import pytest

from gpumask.backends import NAMES, get, native, use_backend
from gpumask.errors import BackendError

# Read by OpenMP when a kernel is first loaded. Threads that spin between kernels make thousands of small ones take ten
# times as long where other processes want the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def pytest_collection_modifyitems(items):
    """Begin with the files that take longest, lest one of them is left to a single worker in the end."""
    longest = "test_sanitizers.py", "test_kernels.py"
    items.sort(key=lambda item: item.path.name not in longest)


@pytest.fixture(params=NAMES)
def backend(request) -> str:
    """Each backend's name in turn; skips those that this machine lacks. A kernel that fails to compile is no skip."""
    try:
        if request.param == "cuda":
            get("cuda")
        elif request.param == "native":
            native.compiler()
    except BackendError as error:
        pytest.skip(str(error))
    return get(request.param).name


@pytest.fixture
def on_every_backend(backend):
    """Run a test on each backend, for calls that name none."""
    with use_backend(backend):
        yield
