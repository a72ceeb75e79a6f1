"""Resampling, as it is measured, and who does it: an image brought into a geometry rotated by 7 degrees.

What a library can't do is left out of its job and said below the table (no mask: OpenCV, SciPy, GDAL).
"""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import gpumask

Call = Callable[[], Any]


@dataclass(frozen=True)
class Resampling:
    """A source, its validity, and a grid that rotates it about its centre."""

    interp: str
    size: int = 2000
    dtype: str = "float64"
    bands: int = 1
    step: int = 1
    degrees: float = 7.0
    validity: str = "pixel"

    @property
    def one_thread(self) -> bool:
        """Whether nothing is measured with more threads."""
        return self.validity == "share"

    @property
    def pixels(self) -> int:
        """Output pixels, in all bands."""
        return self.size * self.size * self.bands

    def source(self) -> np.ndarray:
        """Values of a 12-bit sensor."""
        rng = np.random.default_rng(0)
        return (rng.random((self.bands, self.size, self.size)) * 4095).astype(self.dtype)

    def valid(self) -> np.ndarray:
        """One pixel in 10 000 is bad."""
        rng = np.random.default_rng(1)
        valid = np.ones((self.size, self.size), np.uint8)
        valid.flat[rng.integers(0, valid.size, valid.size // 10_000)] = 0
        return valid

    def nodes(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return source rows and columns at every `step`-th output pixel."""
        return turned(self.size, step, self.degrees)

    def window(self) -> gpumask.Window:
        """Return the output window: the size of the source."""
        return gpumask.Window(0, 0, self.size, self.size)

    @property
    def bytes_per_pixel(self) -> float:
        """What must cross the memory's bus for an output pixel of one band: each array once.

        Source and image; coordinates where the grid is full; validity of the source; footprints written and read;
        validity.
        """
        itemsize, validity = np.dtype(self.dtype).itemsize, 4 if self.validity == "share" else 1
        return 2 * itemsize + (16 / self.step**2 + 1 + 2 + validity) / self.bands

    def ours(self, backend: str, to_device: Callable[[Any], Any] = np.asarray) -> Call:
        """Return gpumask on a backend, from arrays in that backend's memory to new ones."""
        source, valid = to_device(self.source()), to_device(self.valid())
        row, col = map(to_device, self.nodes(self.step))
        grid = gpumask.Grid(row, col, (self.step, self.step), window=self.window())
        more = {"source_valid": valid, "validity": self.validity, "backend": backend}
        return lambda: gpumask.resample(source, grid, self.interp, **more)

    def peers(self) -> dict[str, Callable[[], Call]]:
        """Return libraries with one thread."""
        if self.interp == "lanczos3" or self.validity == "share":
            return {}
        order = {"nearest": 0, "linear": 1, "cubic": 3, "bspline3": 3, "bspline5": 5}.get(self.interp)
        theirs = {} if order is None else {"SciPy": lambda: scipy(self, order)}
        return {"GridR, 1 thread": lambda: gridr(self), **theirs}

    def threaded_peers(self, threads: int) -> dict[str, Callable[[], Call]]:
        """Return libraries with so many threads."""
        if self.validity == "share":
            return {"plain validity": lambda: plain(self, threads)}
        how = {"nearest": 0, "linear": 1, "cubic": 2, "lanczos3": 4}.get(self.interp)
        warp = {} if how is None else {"GDAL warp": lambda: gdal(self, how, threads)}
        return warp | ({"OpenCV remap": lambda: opencv(self, threads)} if how in (0, 1, 2) else {})


@functools.lru_cache(maxsize=2)
def turned(size: int, step: int, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns of places turned about the centre, kept for the next case: they are large."""
    centre = (size - 1) / 2
    last = -(-(size - 1) // step) * step
    y, x = np.mgrid[0 : last + 1 : step, 0 : last + 1 : step] - centre
    angle = np.deg2rad(degrees)
    row, col = np.cos(angle) * y + np.sin(angle) * x, -np.sin(angle) * y + np.cos(angle) * x
    return row + centre, col + centre


def plain(case: Resampling, threads: int) -> Call:
    """Return gpumask itself, with a validity of 0 and 1."""
    ours = replace(case, validity="pixel").ours("native")

    def call() -> None:
        os.environ["GPUMASK_NUM_THREADS"] = str(threads)  # as for all that bench/run.py measures
        ours()

    return call


def gridr(case: Resampling) -> Call:
    """Return GridR, into arrays that are there. It takes float64 only."""
    from gridr.core.grid.grid_resampling import array_grid_resampling  # noqa: PLC0415

    source, valid = case.source().astype(np.float64), case.valid()
    row, col = case.nodes(case.step)
    image, mask = np.empty_like(source), np.empty(source.shape[1:], np.uint8)
    last = case.size - 1
    masks = {"array_in_mask": valid, "array_out_mask": mask, "win": np.array([[0, last], [0, last]])}
    filter_ = {"epsilon": 1e-6, "mask_influence_threshold": 1e-3} if case.interp.startswith("bspline") else None

    def call() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GridR warns of its own defaults on every call
            step = case.step, case.step
            array_grid_resampling(case.interp, source, row, col, step, image, interp_kwargs=filter_, **masks)

    return call


def opencv(case: Resampling, threads: int) -> Call:
    """Return cv2.remap, with a full float32 map: 5 bits of a pixel's fraction, a = -0.75, no mask."""
    import cv2  # noqa: PLC0415

    flags = {"nearest": cv2.INTER_NEAREST, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}[case.interp]
    source = np.ascontiguousarray(case.source().transpose(1, 2, 0))
    row, col = (nodes.astype(np.float32) for nodes in case.nodes(1))

    def call() -> None:
        cv2.setNumThreads(threads)
        cv2.remap(source, col, row, flags)

    return call


def scipy(case: Resampling, order: int) -> Call:
    """Return scipy.ndimage.map_coordinates, with full coordinates; for cubic a B-spline with no prefilter."""
    from scipy.ndimage import map_coordinates  # noqa: PLC0415

    source, coordinates, filters = case.source(), np.stack(case.nodes(1)), case.interp.startswith("bspline")
    return lambda: [map_coordinates(band, coordinates, order=order, prefilter=filters) for band in source]


def gdal(case: Resampling, how: int, threads: int) -> Call:
    """Return rasterio.warp.reproject by an affine transform, no mask."""
    import rasterio.warp  # noqa: PLC0415
    from affine import Affine  # noqa: PLC0415

    source = case.source()
    image = np.empty_like(source)
    centre = case.size / 2
    turned = Affine.translation(centre, centre) @ Affine.rotation(case.degrees) @ Affine.translation(-centre, -centre)
    return lambda: rasterio.warp.reproject(
        source,
        image,
        src_transform=Affine.identity(),
        dst_transform=turned,
        src_crs="EPSG:3857",
        dst_crs="EPSG:3857",
        resampling=how,
        num_threads=threads,
        tolerance=0,
    )
