"""Resampling from file to file, as it is measured, and who does it; and what reading and writing alone take."""

from __future__ import annotations

import contextlib
import functools
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from resampling import Resampling

import gpumask

Call = Callable[[], Any]

BLOCKS = {"driver": "GTiff", "tiled": True, "blockxsize": 512, "blockysize": 512}
CRS, PLACE = "EPSG:32631", rasterio.Affine(10, 0, 500_000, 0, -10, 5_000_000)


@dataclass(frozen=True)
class Chaining:
    """4 bands of uint16 with a mask, through a coarse grid with a mask, tiled GeoTIFF to tiled GeoTIFF."""

    compress: str | None = None
    size: int = 4000
    bands: int = 4
    step: int = 16

    @property
    def pixels(self) -> int:
        """Output pixels, in all bands."""
        return self.size * self.size * self.bands

    @property
    def bytes_per_pixel(self) -> float:
        """What is read and written for a pixel of a band, before compression."""
        return 4 + 2 / self.bands

    @property
    def scene(self) -> Resampling:
        """The geometry."""
        return Resampling("cubic", size=self.size, step=self.step)

    @functools.cached_property
    def folder(self) -> Path:
        """Where the files are, for as long as this process lives."""
        kept = tempfile.TemporaryDirectory(prefix="gpumask-bench-")
        object.__setattr__(self, "_kept", kept)
        folder = Path(kept.name)
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        rng = np.random.default_rng(0)
        y, x = np.mgrid[0 : self.size, 0 : self.size].astype(np.float32)
        relief = 2000 + 800 * np.sin(x / 90) + 700 * np.cos(y / 70)
        source = np.stack([relief * (1 + band / 10) + rng.normal(0, 20, relief.shape) for band in range(self.bands)])
        nodes = np.stack(self.scene.nodes(self.step))
        counts = np.ones((1, *nodes.shape[1:]), np.uint8)
        counts[0, 100:103, 50:60] = 0
        place = {"crs": CRS, "transform": PLACE}
        for name, array, profile in (
            ("source", source.astype(np.uint16), {**self.stored, **place}),
            ("mask", self.scene.valid()[None], {**self.stored, **place}),
            ("grid", nodes, {"driver": "GTiff"}),
            ("counts", counts, {"driver": "GTiff"}),
        ):
            count, height, width = array.shape
            shape = {"count": count, "height": height, "width": width}
            with rasterio.open(folder / f"{name}.tif", "w", dtype=array.dtype, **shape, **profile) as file:
                file.write(array)
        return folder

    @property
    def stored(self) -> dict[str, Any]:
        """How rasters are stored: GDAL compresses on all cores."""
        return BLOCKS | (
            {"compress": self.compress, "predictor": 2, "num_threads": "all_cpus"} if self.compress else {}
        )

    def profile(self, count: int, dtype: str) -> dict[str, Any]:
        """Return the profile of an output, which lies turned on the ground."""
        shape = {"height": self.size, "width": self.size, "count": count, "dtype": dtype}
        return {**self.stored, **shape, "crs": CRS, "transform": self.turned}

    @property
    def turned(self) -> rasterio.Affine:
        """The transform of the output."""
        centre = (self.size - 1) / 2 + 0.5
        turn = rasterio.Affine.translation(centre, centre) @ rasterio.Affine.rotation(-self.scene.degrees)
        return PLACE @ turn @ rasterio.Affine.translation(-centre, -centre)

    def ours(self, backend: str, to_device: Callable[[Any], Any] = np.asarray) -> Call:
        """Return gpumask on a backend, with the validity in a file of its own."""
        folder = self.folder
        return lambda: gpumask.resample_file(
            folder / "source.tif", folder / "grid.tif", folder / f"{backend}.tif",
            resolution=(self.step, self.step), window=self.scene.window(),
            mask=folder / "mask.tif", grid_mask=folder / "counts.tif",
            creation={} if self.compress is None else {"compress": self.compress},
            validity=folder / f"{backend}-validity.tif", overwrite=True, backend=backend,
        )  # fmt: skip

    def peers(self) -> dict[str, Callable[[], Call]]:
        """Return libraries with one thread."""
        return {"GridR, 1 thread": lambda: gridr(self), "reading and writing alone": lambda: alone(self)}

    def threaded_peers(self, threads: int) -> dict[str, Callable[[], Call]]:
        """Return libraries with so many threads."""
        return {"GDAL warp": lambda: gdal(self, threads)}


@contextlib.contextmanager
def opened(case: Chaining, name: str) -> Any:
    """Open the inputs, and an image and a validity to be written."""
    folder = case.folder
    threads = {"num_threads": "all_cpus"} if case.compress else {}
    with contextlib.ExitStack() as stack:
        inputs = {
            key: stack.enter_context(rasterio.open(folder / f"{key}.tif", **threads))
            for key in ("source", "mask", "grid", "counts")
        }
        outputs = [
            stack.enter_context(rasterio.open(folder / f"{name}{end}.tif", "w", **case.profile(count, dtype)))
            for end, count, dtype in (("", case.bands, "uint16"), ("-validity", 1, "uint8"))
        ]
        yield inputs, *outputs


def gridr(case: Chaining) -> Call:
    """Return GridR's chain."""
    from gridr.chain.grid_resampling_chain import basic_grid_resampling_chain  # noqa: PLC0415

    last = case.size - 1

    def call() -> None:
        with warnings.catch_warnings(), opened(case, "gridr") as (inputs, image, validity):
            warnings.simplefilter("ignore")
            basic_grid_resampling_chain(
                inputs["grid"], 1, 2, (case.step, case.step), inputs["source"], list(range(1, case.bands + 1)), image,
                "cubic", 0, win=np.array([[0, last], [0, last]]), array_src_mask_ds=inputs["mask"],
                array_src_mask_band=1, array_src_mask_validity_pair=(1, 0), mask_out_ds=validity,
                grid_mask_in_ds=inputs["counts"], grid_mask_in_unmasked_value=1, grid_mask_in_band=1,
            )  # fmt: skip

    return call


def alone(case: Chaining) -> Call:
    """Return what reads all that is read, and writes as much as is written."""

    def call() -> None:
        with opened(case, "alone") as (inputs, image, validity):
            pixels, mask = inputs["source"].read(), inputs["mask"].read(1)
            image.write(pixels)
            validity.write(mask, 1)

    return call


def gdal(case: Chaining, threads: int) -> Call:
    """Return rasterio's reproject into a turned transform, without masks; GDAL widens its kernel a little there."""
    from rasterio.warp import Resampling as Kernel  # noqa: PLC0415
    from rasterio.warp import reproject  # noqa: PLC0415

    def call() -> None:
        with opened(case, "gdal") as (inputs, image, _):
            source = inputs["source"]
            bands = list(range(1, case.bands + 1))
            reproject(
                rasterio.band(source, bands), rasterio.band(image, bands), resampling=Kernel.cubic, tolerance=0,
                num_threads=threads, warp_mem_limit=512,
            )  # fmt: skip

    return call
