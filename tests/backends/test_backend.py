"""What a backend is: every place where kernels run has all of it."""

import inspect

import pytest

from gpumask.backends.backend import Backend
from gpumask.backends.cuda import CudaBackend
from gpumask.backends.native import NativeBackend
from gpumask.backends.twins import NumpyBackend

METHODS = [name for name, each in vars(Backend).items() if inspect.isfunction(each) and not name.startswith("_")]


@pytest.mark.parametrize("backend", [CudaBackend, NativeBackend, NumpyBackend])
@pytest.mark.parametrize("method", METHODS)
def test_each_backend_takes_the_same_arguments(backend, method):
    asked, found = (inspect.signature(getattr(each, method)).parameters for each in (Backend, backend))
    assert [(each.name, each.kind) for each in found.values()] == [(each.name, each.kind) for each in asked.values()]


def test_there_is_more_to_a_backend_than_running():
    assert {"run", "asarray", "empty", "table", "to_family_of", "lanes", "fetch"} <= set(METHODS)
    assert [each.name for each in (CudaBackend, NativeBackend, NumpyBackend)] == ["cuda", "native", "numpy"]
