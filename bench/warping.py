"""From one coordinate reference system to another, as it is measured, and who does it; coordinates included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from affine import Affine

import gpumask

Call = Callable[[], Any]

SOURCE, TARGET = "EPSG:32633", "EPSG:4326"
PLACE = Affine(10, 0, 600_000, 0, -10, 5_400_000)


@dataclass(frozen=True)
class Warping:
    """A scene of UTM brought to longitudes and latitudes, at about its own resolution."""

    interp: str = "cubic"
    dtype: str = "uint16"
    size: int = 4000

    @property
    def pixels(self) -> int:
        """Output pixels."""
        return self.size * self.size

    @property
    def bytes_per_pixel(self) -> float:
        """What must cross the memory's bus for an output pixel: source and image, footprints and validities."""
        return 2 * np.dtype(self.dtype).itemsize + 4

    @property
    def there(self) -> Affine:
        """Where the output lies: within the source, for the greatest part."""
        return Affine(0.000133, 0, 16.38, 0, -0.0000885, 48.72)

    def source(self) -> np.ndarray:
        """Values of a 12-bit sensor."""
        return (np.random.default_rng(0).random((self.size, self.size)) * 4095).astype(self.dtype)

    def ours(self, backend: str, to_device: Callable[[Any], Any] = np.asarray) -> Call:
        """Return gpumask on a backend: the grid is made anew each time."""
        source, shape = to_device(self.source()), (self.size, self.size)

        def call() -> None:
            grid = gpumask.Grid.between(SOURCE, PLACE, TARGET, self.there, shape, source_shape=shape)
            gpumask.Resampler(grid, self.interp, backend=backend)(source)

        return call

    def peers(self) -> dict[str, Callable[[], Call]]:
        """Return libraries with one thread."""
        return {}

    def threaded_peers(self, threads: int) -> dict[str, Callable[[], Call]]:
        """Return libraries with so many threads."""
        return {"GDAL warp": lambda: reproject(self, threads), "GDAL warp, exact": lambda: exactly(self, threads)}


def reproject(case: Warping, threads: int) -> Call:
    """Return rasterio.warp.reproject; its coordinates are up to 0.125 pixels off."""
    from rasterio.warp import Resampling, reproject  # noqa: PLC0415

    source = case.source()
    image = np.empty_like(source)
    there = {"src_transform": PLACE, "src_crs": SOURCE, "dst_transform": case.there, "dst_crs": TARGET}
    return lambda: reproject(source, image, resampling=Resampling[case.interp], num_threads=threads, **there)


def exactly(case: Warping, threads: int) -> Call:
    """Return GDAL's warp with each coordinate as good as exact."""
    from rasterio.io import MemoryFile  # noqa: PLC0415
    from rasterio.vrt import WarpedVRT  # noqa: PLC0415
    from rasterio.warp import Resampling  # noqa: PLC0415

    shape = {"height": case.size, "width": case.size}
    memory = MemoryFile()
    with memory.open(driver="GTiff", count=1, dtype=case.dtype, crs=SOURCE, transform=PLACE, **shape) as file:
        file.write(case.source(), 1)
    options = {"resampling": Resampling[case.interp], "tolerance": 1e-9, "num_threads": threads}

    def call() -> None:
        with memory.open() as file, WarpedVRT(file, crs=TARGET, transform=case.there, **shape, **options) as warped:
            warped.read(1)

    return call
