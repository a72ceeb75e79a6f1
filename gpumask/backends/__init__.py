"""Where kernels run. `backend.run(kernel, shape, *args)` is the only seam between gpumask and a machine.

`cuda` runs kernels on the GPU through CuPy. `native` runs the same text, compiled by the machine's C++ compiler.
`numpy` runs a twin of each. The argument `backend`, `use_backend`, the environment variable
GPUMASK_BACKEND, or the place of the arrays chooses. Begin with `backend.py`, which says what a backend does.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import logging
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from gpumask.backends.backend import Backend
from gpumask.errors import BackendError, GpumaskError

NAMES = ("cuda", "native", "numpy")

_log = logging.getLogger("gpumask")
_chosen: contextvars.ContextVar[str | None] = contextvars.ContextVar("gpumask_backend", default=None)
_there: dict[str, Backend] = {}  # those that work here, by name


@contextlib.contextmanager
def use_backend(name: str) -> Iterator[None]:
    """Use a backend within a `with` block, for calls that name none.

    Parameters
    ----------
    name
        "cuda", "native", "numpy" or "auto". With "auto", CuPy arrays go to cuda. NumPy arrays go to native, or to numpy
        where there is no C++ compiler. Files go to cuda if it works, else where NumPy arrays go.

    Raises
    ------
    GpumaskError
        For another name.

    Examples
    --------
    >>> with use_backend("numpy"):
    ...     select(None, np.zeros(3)).name
    'numpy'
    """
    token = _chosen.set(_check_name("use_backend", name))
    try:
        yield
    finally:
        _chosen.reset(token)


def select(backend: str | None, *arrays: Any) -> Backend:
    """Return the backend for a call with these arrays (adopted ones; None is skipped). See the module's docstring.

    Raises BackendError where the backend named is not there, and GpumaskError where host and device arrays are mixed.
    Only auto falls back: from native to numpy, and says why in the log, once.
    """
    device, name = one_memory(*arrays), _asked(backend)
    if name == "auto":
        return get("cuda") if device else _host()
    if device and name != "cuda":
        raise GpumaskError(f"backend: expected cuda (or auto) for arrays on the device; got {name!r}")
    return get(name)


def select_for_files(backend: str | None) -> Backend:
    """Return the backend for work from file to file: under auto cuda if it works, else as for NumPy arrays."""
    if _asked(backend) == "auto":
        return _best()
    return select(backend)


def get(name: str) -> Backend:
    """Return a backend by name. Raise BackendError, saying what is missing, if it can't work here."""
    if name not in _there:
        _there[name] = _made(name)
    return _there[name]


def _made(name: str) -> Backend:
    """Make a backend."""
    if name == "cuda":
        from gpumask.backends.cuda import CudaBackend

        return CudaBackend()
    if name == "native":
        from gpumask.backends.native import NativeBackend

        return NativeBackend()
    from gpumask.backends.twins import NumpyBackend

    return NumpyBackend()


@functools.cache
def _host() -> Backend:
    """Return native, or numpy where that fails."""
    try:
        return get("native")
    except BackendError as error:
        _log.warning("native backend not used, numpy instead: %s", error)
        return get("numpy")


@functools.cache
def _best() -> Backend:
    """Return cuda, or what `_host` does where that fails."""
    try:
        return get("cuda")
    except BackendError as error:
        host = _host()
        _log.info("cuda backend not used, %s instead: %s", host.name, error)
        return host


def _asked(backend: Any) -> str:
    """Return the backend's name that was asked for, "auto" where none was."""
    if backend is None:
        backend = _chosen.get() or os.environ.get("GPUMASK_BACKEND") or "auto"
    return _check_name("backend", backend)


def _check_name(argument: str, name: Any) -> str:
    """Return a backend's name, or raise GpumaskError."""
    if not isinstance(name, str) or name not in (*NAMES, "auto"):
        raise GpumaskError(f"{argument}: expected one of {', '.join(NAMES)} or auto; got {name!r}")
    return str(name)


def is_device_array(array: Any) -> bool:
    """Say whether an adopted array lives on a GPU."""
    return not isinstance(array, np.ndarray)


def one_memory(*arrays: Any) -> bool:
    """Say whether adopted arrays (None is skipped) live on a GPU. Raise GpumaskError if only some do."""
    on_device = {is_device_array(array) for array in arrays if array is not None}
    if len(on_device) > 1:
        raise GpumaskError("arrays: expected all in host memory or all on the device; got both")
    devices = {int(array.device.id) for array in arrays if array is not None and is_device_array(array)}
    if len(devices) > 1:
        raise GpumaskError(f"arrays: expected all on one device; got some on each of {sorted(devices)}")
    return on_device == {True}


def beside(like: Any, array: Any) -> Any:
    """Return an adopted array where another one is, in host memory or on the device."""
    return array if is_device_array(like) == is_device_array(array) else get("cuda").to_family_of(like, array)


def is_array(array: Any) -> bool:
    """Say whether this is an array of NumPy or CuPy itself, which can be written to where it is."""
    return isinstance(array, np.ndarray) or type(array).__module__.partition(".")[0] == "cupy"


def on_host(name: str, array: Any) -> np.ndarray:
    """Return an array of any kind, adopted, in host memory."""
    adopted = adopt(name, array)
    return adopted.get() if is_device_array(adopted) else adopted


def adopt(name: str, array: Any) -> Any:
    """Return `array` as a NumPy or CuPy array of a real dtype, without a copy where it has a protocol for that.

    NumPy arrays and lists stay on the host. CuPy arrays, and what has `__cuda_array_interface__` or `__dlpack__` on a
    CUDA device, stay there. Raises GpumaskError for masked arrays and lists of them, whose mask would be lost, and for
    what is not real.
    """
    if holds_masked(array):
        raise GpumaskError(f"{name}: expected a plain array; got a masked one, whose mask would be lost")
    adopted = _adopt(name, array)
    if adopted.dtype.kind in "OSU" and not isinstance(array, np.ndarray):
        raise GpumaskError(f"{name}: expected an array of real numbers; got {type(array).__name__}")
    if adopted.dtype.kind not in "biuf":
        raise GpumaskError(f"{name}: expected a real dtype; got {adopted.dtype}")
    return adopted


def holds_masked(array: Any) -> bool:
    """Say whether this is a masked array, or a list, however deep, with one in it."""
    if isinstance(array, list | tuple):
        return any(map(holds_masked, array))
    return isinstance(array, np.ma.MaskedArray)


def _adopt(name: str, array: Any) -> Any:
    """Find the protocol that an object has. See `adopt`. DLPack first: it waits for the stream that fills the array."""
    if is_array(array):
        return array
    try:
        device = _dlpack_device(array)
        if device == 1:  # kDLCPU
            return np.from_dlpack(array)
        if device == 2 or hasattr(array, "__cuda_array_interface__"):  # kDLCUDA
            get("cuda")
            import cupy

            return cupy.from_dlpack(array) if device == 2 else cupy.asarray(array)
        return np.asarray(array)
    except BackendError:
        raise
    except Exception as error:
        raise GpumaskError(f"{name}: expected an array; got {type(array).__name__} ({error})") from error


def _dlpack_device(array: Any) -> int | None:
    """Return the DLPack device type of an array, None where it has none."""
    return int(array.__dlpack_device__()[0]) if hasattr(array, "__dlpack_device__") else None
