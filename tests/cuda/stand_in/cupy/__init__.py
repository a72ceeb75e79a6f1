"""A stand-in for CuPy 14 where there is no GPU: the host's memory, but of a type that nothing else may touch.

What CuPy refuses is refused: NumPy's arrays as operands, implicit conversion, functions and arguments that CuPy lacks.
Kernels are run from their CUDA text. Streams are kept apart, and waits and copies counted: see `_order`. It has what
gpumask and its tests use of CuPy; more is a NotImplementedError that says so.
"""

from __future__ import annotations

import builtins as _builtins
from typing import Any

import numpy as _np
from numpy import bool_, float32, float64, int16, int32, int64, nan, newaxis, uint8, uint16, uint32, uint64  # noqa: F401

from cupy import _order
from cupy._array import Capsule as _Capsule
from cupy._array import apply as _apply
from cupy._array import ndarray
from cupy._array import plain as _plain
from cupy._array import result as _result
from cupy._array import usual as _usual
from cupy._names import has as _has

__version__ = "14.2.0"
ndarray.__module__ = "cupy"


def array(
    obj: Any,
    dtype: Any = None,
    copy: bool | None = True,
    order: str | None = "K",
    subok: bool = False,
    ndmin: int = 0,
    *,
    blocking: bool = False,
) -> ndarray:
    """Bring something to the current device."""
    if isinstance(obj, ndarray):
        if copy:
            return obj.astype(obj.dtype if dtype is None else dtype)
        return obj if dtype is None or obj.dtype == dtype else obj.astype(dtype)
    if hasattr(obj, "__cuda_array_interface__"):
        return _from_interface(obj.__cuda_array_interface__)
    if isinstance(obj, list | tuple) and obj and _builtins.all(isinstance(part, ndarray) for part in obj):
        return stack(obj)
    host = _np.asarray(obj, dtype)
    by_column = order in ("K", "A", "F", None) and host.flags.fnc
    made = ndarray(host.shape, host.dtype.newbyteorder("="), order="F" if by_column else "C")
    if not host.ndim:
        made.fill(host)
        return made
    _order.touch([], [made._block])
    straight = (host.flags.f_contiguous if by_column else host.flags.c_contiguous) and host.dtype == made.dtype
    if straight and host.size and _order.is_pinned(host):
        _order.fly(host)
        _order.note("upload pinned", host.nbytes)
    else:
        _order.note("upload", host.nbytes)  # by way of pinned memory that CuPy keeps: the host need not wait
    made._a[...] = host
    if blocking:
        _order.current_stream().synchronize()
    return made


def asarray(
    a: Any, dtype: Any = None, order: str | None = None, *, copy: bool | None = None, blocking: bool = False
) -> ndarray:
    """Bring something to the current device, if it is not there."""
    return array(a, dtype, bool(copy), order, blocking=blocking)


def _from_interface(described: dict[str, Any]) -> ndarray:
    """Return a view of memory that another library describes; the host waits for the stream that it names."""
    if described.get("stream") is not None:
        _order.Stream._of(described["stream"]).synchronize()
    address, _ = described["data"]
    block = next(b for at, b in _order.Block.by_address.items() if at <= address < at + max(b.size, 1))
    made = object.__new__(ndarray)
    first = block.bytes[address - block.bytes.ctypes.data :]
    made._block, made.base = block, None
    made._a = _np.ndarray(described["shape"], described["typestr"], first.data, 0, described.get("strides"))
    return made


def from_dlpack(array: Any, *, device: Any = None, copy: Any = None) -> ndarray:
    """Return a view of another library's array, which its producer makes safe for the current stream."""
    capsule = array.__dlpack__(stream=_order.current_stream().ptr or 1)
    if not isinstance(capsule, _Capsule):
        raise NotImplementedError("the stand-in takes its own arrays by DLPack")
    return ndarray._view_of(capsule.array, capsule.array._a)


def asnumpy(a: Any, stream: Any = None, order: str = "C", out: Any = None, *, blocking: bool = True) -> Any:
    """Bring something to the host."""
    if isinstance(a, ndarray):
        return a.get(stream=stream, order=order, out=out, blocking=blocking)
    return _np.asarray(a, order=order)  # type: ignore[call-overload]


def ascontiguousarray(a: Any, dtype: Any = None) -> ndarray:
    """Return it with rows one after the other."""
    found = asarray(a, dtype)
    return found if found._a.flags.c_contiguous else found.copy()


def empty(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    """Make an array, not filled."""
    return ndarray(shape, dtype, order=order)


def full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C") -> ndarray:
    """Make an array of one value."""
    if isinstance(fill_value, _np.ndarray) and fill_value.ndim:
        raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
    if type(fill_value) not in (bool, int, float, complex) and not isinstance(
        fill_value, ndarray | _np.ndarray | _np.generic
    ):
        raise TypeError("can_cast() does not support Python ints, floats, and complex")  # a subclass of them, say
    made = ndarray(shape, _np.asarray(fill_value).dtype if dtype is None else dtype, order=order)
    made.fill(fill_value)
    return made


def zeros(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    """Make an array of zeros."""
    return full(shape, 0, dtype, order)


def ones(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    """Make an array of ones."""
    return full(shape, 1, dtype, order)


def _like(a: ndarray, dtype: Any, shape: Any) -> tuple[Any, Any]:
    return (a.shape if shape is None else shape), (a.dtype if dtype is None else dtype)


def empty_like(
    prototype: ndarray, dtype: Any = None, order: str = "K", subok: Any = None, shape: Any = None
) -> ndarray:
    """Make an array like another, not filled."""
    return empty(*_like(prototype, dtype, shape))


def zeros_like(a: ndarray, dtype: Any = None, order: str = "K", subok: Any = None, shape: Any = None) -> ndarray:
    """Make an array like another, of zeros."""
    return zeros(*_like(a, dtype, shape))


def full_like(
    a: ndarray, fill_value: Any, dtype: Any = None, order: str = "K", subok: Any = None, shape: Any = None
) -> ndarray:
    """Make an array like another, of one value."""
    shape, dtype = _like(a, dtype, shape)
    return full(shape, fill_value, dtype)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> ndarray:
    """Count."""
    first, end = (0, start) if stop is None else (start, stop)
    return _result(_np.arange(first, end, step, None if dtype is None else _usual(dtype)), [])


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """Choose between two, value by value."""
    if x is None or y is None:
        raise NotImplementedError("the stand-in has no cupy.where of a condition alone, as CuPy has")
    if not isinstance(condition, ndarray):
        raise TypeError(f"Unsupported type {type(condition)}")
    return _result(_np.where(condition._a.astype(bool), _plain(x), _plain(y)), [condition, x, y])


def concatenate(
    tup: Any, axis: int | None = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> ndarray:
    """Put arrays one after the other."""
    if not _builtins.all(isinstance(part, ndarray) for part in tup):
        raise TypeError("Only cupy arrays can be concatenated")
    return _result(_np.concatenate([part._a for part in tup], axis), list(tup), out)


def stack(tup: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind") -> ndarray:
    """Put arrays upon each other."""
    if not _builtins.all(isinstance(part, ndarray) for part in tup):
        raise TypeError("Only cupy arrays can be stacked")
    return _result(_np.stack([part._a for part in tup], axis), list(tup), out)


def repeat(a: Any, repeats: Any, axis: int | None = None) -> ndarray:
    """Repeat each value."""
    return _result(_np.repeat(_plain(a), repeats, axis), [a])


def take(a: ndarray, indices: Any, axis: int | None = None, out: Any = None) -> ndarray:
    """Take values by their numbers."""
    return a.ravel()[indices] if axis is None else a[(slice(None),) * axis + (indices,)]


def broadcast_to(array: ndarray, shape: Any) -> ndarray:
    """Return a view that repeats it."""
    return ndarray._view_of(array, _np.broadcast_to(_plain(array), shape))


def atleast_1d(*arys: ndarray) -> Any:
    """Return arrays with an axis at least."""
    made = [part if part.ndim else part.reshape(1) for part in arys]
    return made[0] if len(made) == 1 else made


def copyto(dst: ndarray, src: Any, casting: str = "same_kind", where: Any = None) -> None:
    """Copy values into an array."""
    if where is None:
        dst[...] = src
    else:
        made = dst._a.copy()
        _np.copyto(made, _plain(src), casting, _plain(where))  # type: ignore[call-overload]
        _result(made, [src, where], dst)


def shape(a: Any) -> Any:
    """Return a shape."""
    return a.shape


def astype(x: ndarray, dtype: Any, /, *, copy: bool = True) -> ndarray:
    """Return it in another type."""
    return x.astype(dtype, copy=copy)


def result_type(*arrays_and_dtypes: Any) -> Any:
    """Return the type that holds what several types hold."""
    return _np.result_type(*(part.dtype if isinstance(part, ndarray) else part for part in arrays_and_dtypes))


def transpose(a: ndarray, axes: Any = None) -> ndarray:
    """Return it with axes in another order."""
    return a.transpose() if axes is None else a.transpose(axes)


def may_share_memory(a: Any, b: Any, max_work: Any = None) -> bool:
    """Say whether two arrays may have memory in common."""
    return bool(_np.may_share_memory(_plain(a), _plain(b)))


def all(a: ndarray, axis: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
    """Say whether all are true."""
    return a.all(axis, out=out, keepdims=keepdims)


def any(a: ndarray, axis: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
    """Say whether any is true."""
    return a.any(axis, out=out, keepdims=keepdims)


def count_nonzero(a: ndarray, axis: Any = None) -> ndarray:
    """Count what is not zero."""
    return _result(_np.count_nonzero(_plain(a), axis), [a])


def bincount(x: ndarray, weights: Any = None, minlength: int | None = None) -> ndarray:
    """Count whole numbers. CuPy looks at them first, and waits."""
    if weights is not None:
        raise NotImplementedError("the stand-in has no cupy.bincount with weights, as CuPy has")
    if x.size and bool((x < 0).any()):
        raise ValueError("The first argument of bincount must be non-negative")
    if x.size:
        int(x.max())
    return _result(_np.bincount(_plain(x), minlength=minlength or 0), [x])


def unique(
    ar: ndarray, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False,
    axis: int | None = None, *, equal_nan: bool = True,
) -> Any:  # fmt: skip
    """Return the values that there are; the host waits for how many."""
    if return_index or return_inverse or axis is not None:
        raise NotImplementedError("the stand-in's cupy.unique has counts and nothing else, as CuPy has")
    _order.note("wait for a size")
    _order.current_stream()._state.wait()
    values, counts = _np.unique(_plain(ar), return_counts=True)
    made = _result(values, [ar]), _result(counts, [ar])
    return made if return_counts else made[0]


def array_equal(a1: ndarray, a2: ndarray, equal_nan: bool = False) -> ndarray:
    """Say whether all values of two arrays are equal."""
    return _result(_np.array_equal(_plain(a1), _plain(a2), equal_nan), [a1, a2])


def get_default_memory_pool() -> Any:
    """Return the pool of device memory."""
    return cuda.MemoryPool()


def __getattr__(name: str) -> Any:
    if name == "cuda" or not _has("cupy", name):
        raise AttributeError(f"module 'cupy' has no attribute {name!r}")
    ufunc = getattr(_np, name, None)

    def called(*args: Any, **kwargs: Any) -> Any:
        if isinstance(ufunc, _np.ufunc):
            return _apply(ufunc, *args, **kwargs)
        raise NotImplementedError(f"the stand-in has no cupy.{name}, as CuPy has")

    return called


from cupy import cuda  # noqa: E402
from cupy._module import RawModule  # noqa: E402, F401
