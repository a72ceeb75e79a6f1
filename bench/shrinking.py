"""Images made smaller, as it is measured, and who does it: GDAL, whose interpolators widen there too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import gpumask

Call = Callable[[], Any]


@dataclass(frozen=True)
class Shrinking:
    """A source, and an output whose pixels are so many times as large, turned about the centre."""

    interp: str
    dtype: str = "uint16"
    times: int = 6
    degrees: float = 0.0
    antialias: bool = False
    size: int = 3000  # of the source
    step: int = 16

    one_thread = True

    @property
    def side(self) -> int:
        """Rows and columns of the output."""
        return self.size // self.times

    @property
    def pixels(self) -> int:
        """Output pixels."""
        return self.side * self.side

    @property
    def bytes_per_pixel(self) -> float:
        """What must cross the memory's bus for an output pixel: source, image, nodes and validity."""
        return (self.times**2 + 1) * np.dtype(self.dtype).itemsize + 16 / self.step**2 + 1

    def source(self) -> np.ndarray:
        """Values of a sensor, or six classes for mode."""
        rng, shape = np.random.default_rng(0), (self.size, self.size)
        if np.dtype(self.dtype).kind == "f":
            return rng.random(shape, self.dtype) * 4095
        most = 6 if self.interp == "mode" else 200 if self.dtype == "uint8" else 4096
        return rng.integers(0, most, shape, self.dtype)

    def nodes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return source rows and columns at every `step`-th output pixel."""
        count = -(-(self.side - 1) // self.step) + 1
        y, x = (np.mgrid[0:count, 0:count] * self.step + (1 - self.side) / 2) * self.times
        angle, middle = np.deg2rad(self.degrees), (self.size - 1) / 2
        row, col = np.cos(angle) * y + np.sin(angle) * x, np.cos(angle) * x - np.sin(angle) * y
        return row + middle, col + middle

    def ours(self, backend: str, to_device: Callable[[Any], Any] = np.asarray) -> Call:
        """Return gpumask on a backend, from arrays in that backend's memory to new ones."""
        source, (row, col) = to_device(self.source()), map(to_device, self.nodes())
        grid = gpumask.Grid(row, col, (self.step, self.step), window=gpumask.Window(0, 0, self.side, self.side))
        # As GDAL does where the output, or an interpolator, reaches beyond the source.
        policy = "renormalize" if self.degrees or self.antialias else "strict"
        method = gpumask.Method(self.interp, antialias=self.antialias, mask_policy=policy)
        return lambda: gpumask.resample(source, grid, method=method, backend=backend)

    def peers(self) -> dict[str, Callable[[], Call]]:
        """Return libraries with one thread."""
        return {}

    def threaded_peers(self, threads: int) -> dict[str, Callable[[], Call]]:
        """Return libraries with so many threads."""
        return {"GDAL warp": lambda: gdal(self, threads)}


def gdal(case: Shrinking, threads: int) -> Call:
    """Return rasterio.warp.reproject by an affine transform; its average takes upright boxes where that turns."""
    from affine import Affine  # noqa: PLC0415
    from rasterio.warp import Resampling, reproject  # noqa: PLC0415

    source, image = case.source(), np.empty((case.side, case.side), case.dtype)
    middle, out = case.size / 2, case.side / 2
    turned = Affine.translation(middle, middle) @ Affine.rotation(case.degrees)
    there = turned @ Affine.scale(case.times) @ Affine.translation(-out, -out)
    places = {
        "src_transform": Affine.identity(),
        "dst_transform": there,
        "src_crs": "EPSG:3857",
        "dst_crs": "EPSG:3857",
    }
    how = Resampling[case.interp]
    return lambda: reproject(source, image, resampling=how, num_threads=threads, warp_mem_limit=1024, **places)
