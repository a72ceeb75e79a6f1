"""A file made coarser, as it is measured, and who does it; and what reading it alone takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import rasterio
from chaining import CRS, PLACE, Chaining

import gpumask

Call = Callable[[], Any]


@dataclass(frozen=True)
class Coarsening(Chaining):
    """4 bands of uint16 from 10 m to 60 m, by averages, tiled GeoTIFF to tiled GeoTIFF."""

    size: int = 3996  # of the source: whole pixels of 60 m

    one_thread = True

    @property
    def side(self) -> int:
        """Rows and columns of the output."""
        return self.size // 6

    @property
    def pixels(self) -> int:
        """Output pixels, in all bands."""
        return self.side * self.side * self.bands

    @property
    def bytes_per_pixel(self) -> float:
        """What is read and written for an output pixel of a band."""
        return 2 * 6 * 6 + 2

    def profile(self, count: int, dtype: str) -> dict[str, Any]:
        """Return the profile of an output."""
        shape = {"height": self.side, "width": self.side, "count": count, "dtype": dtype}
        return {**self.stored, **shape, "crs": CRS, "transform": PLACE @ rasterio.Affine.scale(6)}

    def ours(self, backend: str, to_device: Callable[[Any], Any] = np.asarray) -> Call:
        """Return gpumask on a backend."""
        source, output = self.folder / "source.tif", self.folder / f"{backend}.tif"
        bounds = rasterio.transform.array_bounds(self.size, self.size, PLACE)
        there = {"crs": CRS, "resolution": 60, "bounds": bounds}
        return lambda: gpumask.warp_file(source, output, **there, interp="average", overwrite=True, backend=backend)

    def peers(self) -> dict[str, Callable[[], Call]]:
        """Return libraries with one thread."""
        return {"reading alone": lambda: reading(self)}

    def threaded_peers(self, threads: int) -> dict[str, Callable[[], Call]]:
        """Return libraries with so many threads."""
        return {"GDAL warp": lambda: gdal(self, threads)}


def reading(case: Coarsening) -> Call:
    """Return what reads the source once."""
    path = case.folder / "source.tif"

    def call() -> None:
        with rasterio.open(path) as file:
            file.read()

    return call


def gdal(case: Coarsening, threads: int) -> Call:
    """Return rasterio's reproject."""
    from rasterio.warp import Resampling, reproject  # noqa: PLC0415

    folder, bands = case.folder, list(range(1, case.bands + 1))
    how = {"resampling": Resampling.average, "num_threads": threads, "warp_mem_limit": 512}

    def call() -> None:
        profile = case.profile(case.bands, "uint16")
        with rasterio.open(folder / "source.tif") as file, rasterio.open(folder / "gdal.tif", "w", **profile) as image:
            reproject(rasterio.band(file, bands), rasterio.band(image, bands), **how)

    return call
