"""Oversampling, as it is measured, and who does it: a coarse mask brought to full resolution, bilinearly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import gpumask

Call = Callable[[], Any]


@dataclass(frozen=True)
class Oversampling:
    """A coarse mask, one node in a hundred invalid, its nodes `step` pixels apart."""

    size: int
    step: int = 16

    @property
    def pixels(self) -> int:
        """Output pixels."""
        return self.size * self.size

    @property
    def bytes_per_pixel(self) -> float:
        """What must cross the memory's bus for an output pixel: the node's share of it, and the validity."""
        return 1 / self.step**2 + 1

    def nodes(self) -> np.ndarray:
        """Return the coarse mask, which may reach beyond the output."""
        count = -(-(self.size - 1) // self.step) + 1
        return (np.random.default_rng(0).random((count, count)) < 0.99).astype(np.uint8)

    def ours(self, backend: str, to_device: Callable[[Any], Any] = np.asarray) -> Call:
        """Return gpumask on a backend, from an array in that backend's memory to a new one."""
        mask = gpumask.CoarseMask(to_device(self.nodes()), (self.step, self.step))
        return lambda: gpumask.validity_mask((self.size, self.size), mask, backend=backend)

    def peers(self) -> dict[str, Callable[[], Call]]:
        """Return libraries with one thread."""
        return {"GridR, 1 thread": lambda: gridr(self), "SciPy": lambda: scipy(self)}

    def threaded_peers(self, threads: int) -> dict[str, Callable[[], Call]]:
        """Return libraries with so many threads."""
        return {}


def gridr(case: Oversampling) -> Call:
    """Return GridR's build_mask, into an array that is there."""
    from gridr.core.grid.grid_mask import build_mask  # noqa: PLC0415

    nodes, out = case.nodes(), np.empty((case.size, case.size), np.uint8)
    raster = {"mask_in": nodes, "mask_in_resolution": (case.step, case.step), "oversampling_dtype": np.float64}
    return lambda: build_mask(out.shape, (1, 1), out, **raster)


def scipy(case: Oversampling) -> Call:
    """Return scipy.ndimage.zoom of order 1 and a comparison, in float32, over all that the nodes cover."""
    from scipy.ndimage import zoom  # noqa: PLC0415

    nodes = case.nodes().astype(np.float32)
    full = (len(nodes) - 1) * case.step + 1
    return lambda: zoom(nodes, full / len(nodes), order=1) >= 0.999
