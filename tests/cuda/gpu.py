"""A GPU for the tests: the machine's own, or the stand-in for CuPy where there is none.

`own` says which. Where it is the stand-in, only tests that ask for cuda see it, within `at_hand`: the others run as
on a machine without a GPU. With stand_in/ on PYTHONPATH everything sees it, as on a machine with one.
"""

from __future__ import annotations

import contextlib
import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kernel_builds import few_facts

from gpumask import backends
from gpumask.backends.cuda import CudaBackend

_STAND_IN = str(Path(__file__).parent / "stand_in")


def _own() -> bool:
    """Say whether there is a CuPy that finds a GPU."""
    try:
        import cupy

        return bool(cupy.cuda.runtime.getDeviceCount())
    except Exception:  # CuPy's own errors, and those of libraries that it finds as they are needed
        return False


def _stand_in() -> dict[str, Any]:
    """Import the stand-in, and hide it again; return its modules by their names."""
    hidden = {name: sys.modules.pop(name) for name in [*sys.modules] if _is_cupy(name)}
    sys.path.insert(0, _STAND_IN)
    try:
        importlib.import_module("cupy")
        importlib.import_module("cupyx")
    finally:
        sys.path.remove(_STAND_IN)
    found = {name: sys.modules.pop(name) for name in [*sys.modules] if _is_cupy(name)}
    sys.modules.update(hidden)
    return found


def _is_cupy(name: str) -> bool:
    return name.partition(".")[0] in ("cupy", "cupyx")


class _FewerBuilds(CudaBackend):
    """Leaves out facts that kernels find out by themselves, unless a test says `facts`: one build instead of nine."""

    all_facts = False

    def run(self, kernel: str, shape: tuple[int, int], *args: Any, **defines: Any) -> None:
        """Launch a kernel."""
        super().run(kernel, shape, *args, **(defines if self.all_facts else few_facts(defines)))


own = _own()
_modules: dict[str, Any] = {} if own else _stand_in()
_backend: list[_FewerBuilds] = []


@contextlib.contextmanager
def at_hand() -> Iterator[None]:
    """Let gpumask find a GPU; skip a test where there is none, and no compiler for the stand-in."""
    if own:
        yield
        return
    if not (shutil.which("g++") or shutil.which("c++")):
        pytest.skip("no GPU, and no C++ compiler for what stands in for one")
    with pytest.MonkeyPatch.context() as patch:
        for name, module in _modules.items():
            patch.setitem(sys.modules, name, module)
        if not _backend:
            _backend.append(_FewerBuilds())
        patch.setitem(backends._there, "cuda", _backend[0])
        # xarray looks but once whether there is a CuPy.
        known = getattr(sys.modules.get("xarray.namedarray.pycompat"), "_cached_duck_array_modules", {})
        known.pop("cupy", None)
        yield
        known.pop("cupy", None)


@contextlib.contextmanager
def facts(wanted: bool = True) -> Iterator[None]:
    """Let the stand-in compile kernels with all that is known of their arguments, as the cuda backend does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_FewerBuilds, "all_facts", wanted)
        yield


def hazards() -> list[str]:
    """Return, and forget, what the stand-in saw go wrong where it could raise no exception."""
    order = sys.modules.get("cupy._order") or _modules.get("cupy._order")
    found = [*order.hazards] if order else []
    if order:
        order.hazards.clear()
    return found
