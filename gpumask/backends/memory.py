"""How much memory a job may take, and what is done where a device has none left."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from gpumask.backends.backend import Backend
from gpumask.errors import GpumaskError
from gpumask.pixels.window import Window

# Of the memory that a job may take: for GDAL's cache.
FOR_GDAL = 1 / 4
_DEFAULT = 1 << 30
_LEAST = 64 << 20
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30}


def memory_limit(asked: Any = None) -> int:
    """Return how many bytes a job may take: what is asked for, GPUMASK_MAX_MEMORY, or 1 GiB.

    asked: a number of bytes, or a text as "512MiB" or "2 GB".

    >>> memory_limit("512MiB")
    536870912
    """
    name = "max_memory"
    if asked is None:
        name, asked = "GPUMASK_MAX_MEMORY", os.environ.get("GPUMASK_MAX_MEMORY") or _DEFAULT
    found = re.fullmatch(r"([0-9.]+) *(|[kmg]i?)b?", asked.strip().lower()) if isinstance(asked, str) else None
    try:
        limit = int(float(found[1]) * _UNITS[found[2]]) if found else int(asked)
        whole = found or isinstance(asked, int | np.integer)
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole or isinstance(asked, bool) or limit < _LEAST:
        raise GpumaskError(f"{name}: expected bytes, as 2000000000 or 2GB, {_LEAST >> 20} MiB or more; got {asked!r}")
    return limit


def by_halves(backend: Backend, window: Window, make: Callable[[Window], Any]) -> np.ndarray:
    """Return in host memory what `make(window)` makes. It is made by halves if the device has no memory for all."""
    try:
        return np.asarray(backend.to_family_of(np.empty(0), make(window)))
    except backend.out_of_memory as error:
        if window.shape == (1, 1):
            raise no_room(error) from error
    rows, cols = (-(-window.rows // 2), window.cols) if window.rows > 1 else (1, -(-window.cols // 2))
    halves = [by_halves(backend, half, make) for half in window.tiles(rows, cols)]
    return np.concatenate(halves, axis=0 if window.rows > 1 else 1)


def no_room(error: Exception) -> GpumaskError:
    """Return the error for a device that has no memory for a single pixel."""
    return GpumaskError(f"max_memory: the device has no memory for a single pixel: {error}")
