"""An array in "device" memory: refuses what CuPy refuses, and notes what is read and written."""

from __future__ import annotations

import functools
import math
import operator
import sys
from typing import Any

import numpy as np

from cupy import _order
from cupy._names import has
from cupy._order import Block, current_device, fly, is_pinned, note, touch


class Flags:
    """As CuPy's."""

    def __init__(self, array: ndarray) -> None:
        flags = array._a.flags
        self.c_contiguous, self.f_contiguous = flags.c_contiguous, flags.f_contiguous
        self.owndata = array.base is None


class ndarray:
    """As CuPy's."""

    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self, shape: Any, dtype: Any = float, memptr: Any = None, strides: Any = None, order: str | None = "C"
    ) -> None:
        if memptr is not None or strides is not None:
            raise NotImplementedError("the stand-in makes arrays of its own memory")
        shape = (shape,) if isinstance(shape, int | np.integer) else tuple(map(int, shape))
        kind = usual(dtype)
        self._block = Block(math.prod(shape) * kind.itemsize)
        self._a = self._block.bytes.view(kind).reshape(shape, order="F" if order == "F" else "C")
        self.base: ndarray | None = None

    @classmethod
    def _view_of(cls, other: ndarray, array: Any) -> ndarray:
        """Return another view of the same memory."""
        made: ndarray = object.__new__(cls)
        made._block, made._a, made.base = other._block, np.asarray(array), other
        return made

    # ------------------------------------------------------------------------------------------- what it is like
    shape = property(lambda self: self._a.shape)
    dtype = property(lambda self: self._a.dtype)
    strides = property(lambda self: self._a.strides)
    ndim = property(lambda self: self._a.ndim)
    size = property(lambda self: self._a.size)
    itemsize = property(lambda self: self._a.itemsize)
    nbytes = property(lambda self: self._a.nbytes)
    flags = property(Flags)
    T = property(lambda self: ndarray._view_of(self, self._a.T))
    real = property(lambda self: self)
    imag = property(lambda self: result(np.zeros_like(self._a), [self]))

    @property
    def device(self) -> Any:
        """The device that it is on."""
        return sys.modules["cupy.cuda"].Device(self._block.device)

    @property
    def data(self) -> MemoryPointer:
        """Its memory."""
        return MemoryPointer(self)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "descr": self.dtype.descr,
            "strides": None if self._a.flags.c_contiguous else self.strides,
            "data": (self._a.ctypes.data, False),
            "stream": _order.current_stream().ptr or 1,
            "version": 3,
        }

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, self._block.device

    def __dlpack__(
        self, *, stream: int | None = None, max_version: Any = None, dl_device: Any = None, copy: Any = None
    ) -> Any:
        """Hand it over to a stream, which waits for what the current one does."""
        if stream != -1:
            here, there = _order.current_stream(), _order.Stream._of(stream or 0)
            if here != there:
                there.wait_event(here.record())
        return Capsule(self)

    def __getattr__(self, name: str) -> Any:
        if has("ndarray", name):
            raise NotImplementedError(f"the stand-in has no ndarray.{name}, as CuPy has")
        raise AttributeError(f"'cupy.ndarray' object has no attribute {name!r}")

    # ------------------------------------------------------------------------------------- between host and device
    def __array__(self, dtype: Any = None) -> Any:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array "
            "explicitly."
        )

    def get(self, stream: Any = None, order: str = "C", out: Any = None, blocking: bool = True) -> Any:
        """Bring it to the host."""
        if out is not None:
            if not isinstance(out, np.ndarray):
                raise TypeError("Only numpy.ndarray can be obtained from cupy.ndarray")
            if self.dtype != out.dtype:
                raise TypeError(f"{out.dtype} array cannot be obtained from {self.dtype} array")
            if self.shape != out.shape:
                raise ValueError(f"Shape mismatch. Expected shape: {self.shape}, actual shape: {out.shape}")
            if not (out.flags.c_contiguous or out.flags.f_contiguous):
                raise RuntimeError("`out` cannot be specified when copying to non-contiguous ndarray")
        else:
            out = np.empty(self.shape, self.dtype, order="F" if order == "F" else "C")
        if not self.size:
            return out
        stream = stream or _order.current_stream()
        touch([self._block], [], stream)
        if is_pinned(out) and out.flags.c_contiguous:
            note("download pinned", self.nbytes)
            fly(out, stream, self._a)
        else:
            note("download", self.nbytes)
            out[...] = self._a
        if blocking:
            note("wait for a copy")
            stream._state.wait()
        return out

    def set(self, arr: Any, stream: Any = None) -> None:
        """Fill it from the host."""
        if not isinstance(arr, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if self.dtype != arr.dtype:
            raise TypeError(f"{arr.dtype} array cannot be set to {self.dtype} array")
        if self.shape != arr.shape:
            raise ValueError(f"Shape mismatch. Old shape: {self.shape}, new shape: {arr.shape}")
        if not (self._a.flags.c_contiguous or self._a.flags.f_contiguous):
            raise RuntimeError("Cannot set to non-contiguous array")
        touch([], [self._block], stream)
        if is_pinned(arr) and arr.flags.c_contiguous:
            fly(arr, stream)
            note("upload pinned", self.nbytes)
        else:
            note("upload pageable", self.nbytes)
        self._a[...] = arr

    def item(self) -> Any:
        """Return the one value that it has."""
        return self.get().item()

    def tolist(self) -> Any:
        """Return all of them."""
        return self.get().tolist()

    def tobytes(self, order: str = "C") -> bytes:
        """Return their bytes."""
        return bytes(self.get().tobytes())

    def __bool__(self) -> bool:
        return bool(self.get())

    def __int__(self) -> int:
        return int(self.get())

    def __index__(self) -> int:
        return operator.index(self.get().item() if self.ndim == 0 else self.get())

    def __float__(self) -> float:
        return float(self.get())

    def __repr__(self) -> str:
        return repr(self.get())

    def __str__(self) -> str:
        return str(self.get())

    def __reduce__(self) -> Any:
        return sys.modules["cupy"].array, (self.get(),)

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return int(self.shape[0])

    def __iter__(self) -> Any:
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(self.shape[0]))

    # ------------------------------------------------------------------------------------------------------- views
    def view(self, dtype: Any = None) -> ndarray:
        """Return another view."""
        if dtype is None:
            return ndarray._view_of(self, self._a.view())
        dtype = usual(dtype)
        if dtype.itemsize != self.itemsize and not (self.ndim and self._a.strides[-1] == self.itemsize):
            raise ValueError("To change to a dtype of a different size, the last axis must be contiguous")
        return ndarray._view_of(self, self._a.view(dtype))

    def reshape(self, *shape: Any, order: str = "C") -> ndarray:
        """Return it in another shape: a view where that can be, else a copy."""
        shape = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
        made = self._a.reshape(shape, order=order)
        return ndarray._view_of(self, made) if np.may_share_memory(made, self._a) else result(made, [self])

    def ravel(self, order: str = "C") -> ndarray:
        """Return it along one axis."""
        return self.reshape(-1, order=order)

    def squeeze(self, axis: Any = None) -> ndarray:
        """Return it without axes of length 1."""
        return ndarray._view_of(self, self._a.squeeze(axis))

    def transpose(self, *axes: Any) -> ndarray:
        """Return it with axes in another order."""
        return ndarray._view_of(self, self._a.transpose(*axes))

    def swapaxes(self, axis1: int, axis2: int) -> ndarray:
        """Return it with two axes in each other's place."""
        return ndarray._view_of(self, self._a.swapaxes(axis1, axis2))

    # ---------------------------------------------------------------------------------------------------- indexing
    def _index(self, key: Any) -> tuple[Any, bool]:
        """Return a NumPy index, and whether it needs a copy. CuPy brings NumPy's arrays to the device for it."""
        parts, found, masks, advanced = key if isinstance(key, tuple) else (key,), [], 0, False
        for part in parts:
            if not isinstance(part, ndarray | np.ndarray | list):
                found.append(part)
                continue
            advanced = True
            if isinstance(part, ndarray):
                touch([part._block], [])
                array = part._a
            else:
                array = np.asarray(part)
                note("upload", array.nbytes)
            if array.dtype.kind not in "biu":
                raise IndexError("arrays used as indices must be of integer or boolean type")
            masks += array.dtype.kind == "b"
            found.append(array)
        if masks > 1:
            raise ValueError("CuPy currently does not support indexing with more than one boolean array")
        if masks:
            note("wait for a boolean index")
            _order.current_stream()._state.wait()
        return (tuple(found) if isinstance(key, tuple) else found[0]), advanced

    def __getitem__(self, key: Any) -> ndarray:
        index, advanced = self._index(key)
        if advanced:
            return result(self._a[index], [self])
        index = index if isinstance(index, tuple) else (index,)
        return ndarray._view_of(self, self._a[(*index, ...)] if Ellipsis not in index else self._a[index])

    def __setitem__(self, key: Any, value: Any) -> None:
        index, advanced = self._index(key)
        if isinstance(value, ndarray):
            touch([value._block], [self._block])
            note("elementwise")
            with np.errstate(all="ignore"):
                self._a[index] = value._a.astype(self.dtype)
            return
        if advanced:  # CuPy brings it to the device
            array = np.asarray(value)
            if array.ndim:
                note("upload", array.nbytes)
        else:
            value = self._filling(value)
        touch([], [self._block])
        note("elementwise")
        self._a[index] = value

    # -------------------------------------------------------------------------------------------------- arithmetic
    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or not has("cupy", ufunc.__name__):
            return NotImplemented
        if "out" in kwargs:
            (kwargs["out"],) = kwargs["out"]
        return apply(ufunc, *inputs, **kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        try:
            module = functools.reduce(getattr, func.__module__.split(".")[1:], sys.modules["cupy"])
            found = getattr(module, func.__name__)
        except AttributeError:
            return NotImplemented
        if not all(issubclass(kind, ndarray | np.ndarray) for kind in types):
            return NotImplemented
        return found(*args, **kwargs)

    def astype(
        self, dtype: Any, order: str = "K", casting: Any = None, subok: Any = None, copy: bool = True
    ) -> ndarray:
        """Return it in another type."""
        if casting is not None or subok is not None:
            raise TypeError("CuPy's astype takes neither casting nor subok")
        dtype = usual(dtype)
        if not copy and dtype == self.dtype:
            return self
        with np.errstate(all="ignore"):
            of = self._a if dtype == self.dtype else flushed(self._a)
            return result(of.astype(dtype, order=order), [self])

    def copy(self, order: str = "C") -> ndarray:
        """Return a copy."""
        return result(self._a.copy(order), [self])

    def fill(self, value: Any) -> None:
        """Fill it with a number."""
        value = self._filling(value)
        touch([], [self._block])
        note("elementwise")
        self._a[...] = value

    def _filling(self, value: Any) -> np.ndarray:
        """Return what it can be filled with."""
        if isinstance(value, ndarray):
            touch([value._block], [])
            value = value._a
        value = np.asarray(value, self.dtype)
        if value.ndim:
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        return value


class MemoryPointer:
    """A place in device memory."""

    def __init__(self, array: ndarray) -> None:
        self._array = array
        self.ptr, self.device_id = array._a.ctypes.data, array._block.device

    def copy_from_host_async(self, mem: int, size: int, stream: Any = None) -> None:
        """Copy from an address in host memory."""
        import ctypes

        host = np.frombuffer((ctypes.c_char * size).from_address(int(mem)), np.uint8)
        touch([], [self._array._block], stream)
        pinned = is_pinned(host)
        if pinned:
            fly(host, stream)
        note("upload pinned" if pinned else "upload pageable", size)
        np.frombuffer((ctypes.c_char * size).from_address(self.ptr), np.uint8)[...] = host

    def copy_to_host_async(self, mem: int, size: int, stream: Any = None) -> None:
        """Copy to an address in host memory."""
        import ctypes

        host = np.frombuffer((ctypes.c_char * size).from_address(int(mem)), np.uint8)
        touch([self._array._block], [], stream)
        there = np.frombuffer((ctypes.c_char * size).from_address(self.ptr), np.uint8)
        if is_pinned(host):
            note("download pinned", size)
            fly(host, stream, there)
        else:
            note("download", size)
            host[...] = there


class Capsule:
    """What DLPack hands over."""

    def __init__(self, array: ndarray) -> None:
        self.array = array


def usual(dtype: Any) -> np.dtype[Any]:
    """Return a dtype; raise ValueError where CuPy has none such."""
    found = np.dtype(dtype)
    if found.kind not in "biufc" or found.itemsize > 8 + 8 * (found.kind == "c"):
        raise ValueError(f"Unsupported dtype {found}")
    if not found.isnative:
        raise ValueError(f"Unsupported dtype {found} with big-endian byte-order")
    return found


def plain(value: Any) -> Any:
    """Return an operand as NumPy takes it; raise TypeError for what CuPy does not take."""
    if isinstance(value, ndarray):
        if value._block.device != current_device():
            _order.hazard(f"memory of device {value._block.device} is used on device {current_device()}")
        return value._a
    if type(value) in (bool, int, float, complex) or isinstance(value, np.generic):
        return value
    raise TypeError(f"Unsupported type {type(value)}")


def flushed(value: Any) -> Any:
    """Return what CuPy's kernels, built with -ftz=true, take a value for: 0 instead of subnormals of float32."""
    if getattr(value, "dtype", None) != np.float32:
        return value
    return np.where(abs(value) < np.finfo(np.float32).smallest_normal, np.copysign(np.float32(0), value), value)


def result(array: Any, operands: Any, out: ndarray | None = None) -> ndarray:
    """Bring what was computed of operands into memory of its own, or into `out`."""
    array = np.asarray(array)
    if out is None:
        by_column = array.flags.f_contiguous and not array.flags.c_contiguous
        out = ndarray(array.shape, array.dtype, order="F" if by_column else "C")
    touch([operand._block for operand in operands if isinstance(operand, ndarray)], [out._block])
    note("elementwise")
    out._a[...] = array
    return out


def apply(ufunc: Any, *inputs: Any, out: Any = None, dtype: Any = None, casting: str = "same_kind") -> ndarray:
    """Apply a ufunc; its result goes to an array on the device, whatever its shape."""
    more = {} if dtype is None else {"dtype": dtype}
    with np.errstate(all="ignore"):
        made = flushed(ufunc(*(flushed(plain(value)) for value in inputs), **more))
    if out is not None:
        if not isinstance(out, ndarray):
            raise TypeError("Output arguments type must be cupy.ndarray")
        if not np.can_cast(made.dtype, out.dtype, casting):
            raise TypeError(f"output (typecode {made.dtype.char!r}) could not be coerced to provided output parameter")
        if np.shape(made) != out.shape:
            raise ValueError("non-broadcastable output operand")
    return result(made, inputs, out)


def _give_operators() -> None:
    """Give arrays the operators and reductions that CuPy's have."""
    binary = {
        "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "and": np.bitwise_and,
        "or": np.bitwise_or, "xor": np.bitwise_xor, "floordiv": np.floor_divide, "mod": np.remainder,
        "lshift": np.left_shift, "rshift": np.right_shift, "pow": np.power, "lt": np.less, "le": np.less_equal,
        "gt": np.greater, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
    }  # fmt: skip
    for name, ufunc in binary.items():
        setattr(ndarray, f"__{name}__", lambda self, other, u=ufunc: apply(u, self, other))
        if name not in ("lt", "le", "gt", "ge", "eq", "ne"):
            setattr(ndarray, f"__r{name}__", lambda self, other, u=ufunc: apply(u, other, self))
            setattr(ndarray, f"__i{name}__", lambda self, other, u=ufunc: apply(u, self, other, out=self))
    for name, ufunc in {"neg": np.negative, "invert": np.invert, "abs": np.absolute}.items():
        setattr(ndarray, f"__{name}__", lambda self, u=ufunc: apply(u, self))

    def reduction(name: str) -> Any:
        def reduce(self: ndarray, axis: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
            with np.errstate(all="ignore"):
                made = getattr(np, name)(flushed(self._a), axis=axis, keepdims=keepdims)
            return result(made, [self], out)

        return reduce

    for name in ("all", "any", "sum", "min", "max", "prod", "mean"):
        setattr(ndarray, name, reduction(name))


_give_operators()
