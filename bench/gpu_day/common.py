"""What the parts share: options, what is missing or wrong, and arrays that must have the same bits."""

from __future__ import annotations

import glob
import shutil
from dataclasses import dataclass
from typing import Any

import numpy as np

# Where the CUDA toolkit keeps its tools, if they are not on the PATH.
_TOOLS = ("/usr/local/cuda*/bin", "/usr/local/cuda*/compute-sanitizer", "/opt/nvidia/nsight-compute/*")


@dataclass(frozen=True)
class Options:
    """How to measure.

    scale: what sizes, and the number of random cases, are multiplied by. torch: torch's name of the device. jobs: how
    many processes may work at the same time. folder: for logs. patience: what limits are multiplied by.
    """

    scale: float = 1.0
    torch: str = "cuda"
    jobs: int = 1
    folder: str = "."
    patience: float = 1.0

    def scaled(self, size: int, least: int = 32) -> int:
        """Return a size as it was asked for."""
        return max(int(size * self.scale), least)


class NotHere(Exception):
    """Something is missing that this item needs: it is left out, and tried again next time."""


class Wrong(Exception):
    """The result is there, and is not what it must be. found: what is known of it."""

    def __init__(self, why: str, **found: Any) -> None:
        super().__init__(why)
        self.found = found


def tool(name: str) -> str:
    """Return where a tool of the CUDA toolkit is; raise NotHere."""
    found = [shutil.which(name), *(path for folder in _TOOLS for path in sorted(glob.glob(f"{folder}/{name}")))]
    path = next(filter(None, found), None)
    if path is None:
        raise NotHere(f"no {name}")
    return path


def on_host(array: Any) -> np.ndarray:
    """Return an array as NumPy's, from wherever it is."""
    return array if isinstance(array, np.ndarray) else array.get()


def difference(found: Any, expected: Any) -> str | None:
    """Say how two arrays differ, None where they have the same bits.

    >>> difference(np.array([1.0, -0.0]), np.array([1.0, 0.0]))
    '1 of 2 values differ, first at [1]: -0.0, not 0.0'
    """
    found, expected = on_host(found), on_host(expected)
    if (found.shape, found.dtype) != (expected.shape, expected.dtype):
        return f"{found.dtype} of {found.shape}, not {expected.dtype} of {expected.shape}"
    if not found.size or found.tobytes() == expected.tobytes():
        return None
    bits = f"u{found.dtype.itemsize}"
    differs = np.ascontiguousarray(found).view(bits) != np.ascontiguousarray(expected).view(bits)
    first = tuple(int(i) for i in np.argwhere(differs)[0])
    text = f"{int(differs.sum())} of {found.size} values differ, first at {list(first)}"
    only_nan = found.dtype.kind == "f" and bool((np.isnan(found) & np.isnan(expected))[differs].all())
    return text + (": only the bits of NaN" if only_nan else f": {found[first]}, not {expected[first]}")
