"""Calls of public functions with arrays on the device, as the tests and the report of waits make them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from shapely import box

import gpumask
from gpumask import CoarseMask, Grid, MaskRule, MultiDateMaskRule, Polygons, Resampler

SHAPE = (70, 90)
_WINDOW = ((0, 69), (0, 89))
_FIELD, _POND = box(5, 5, 60, 50), box(9, 9, 20, 20)


class Scene:
    """Images of two bands, their validity, a quality band, a coarse mask and a turned grid, on the current device."""

    def __init__(self) -> None:
        import cupy

        rng = np.random.default_rng(0)
        pixels = rng.random((2, *SHAPE)) * 1000
        self.float64, self.uint16 = cupy.asarray(pixels), cupy.asarray(pixels.astype(np.uint16))
        self.valid = cupy.asarray((rng.random(SHAPE) > 0.05).astype(np.uint8))
        self.quality = {"qa": cupy.asarray(rng.integers(0, 4, SHAPE).astype(np.uint8))}
        self.nodes = cupy.asarray((rng.random((8, 10)) > 0.2).astype(np.uint8))
        self.grid = Grid(*map(cupy.asarray, _coordinates()), (8, 8))
        self.coarse, self.polygons = CoarseMask(self.nodes, (10, 10)), Polygons(_FIELD, _POND)
        self.keep = [MaskRule.from_config({"band": "qa", "values": [1], "invert": True})]
        self.resampler = Resampler(self.grid)
        self.dates = MultiDateMaskRule.from_config({"values": [[1, 2, 3], [4]], "invert": [False, True]}, 2)

    def resample(self, interp: str, image: Any = None, **options: Any) -> Any:
        """Resample an image of this scene, the one of float64 if none is given."""
        image = self.float64 if image is None else image
        return gpumask.resample(image, self.grid, interp, source_valid=self.valid, **options)

    def build_mask(self, polygons: Any = None) -> Any:
        """Make a mask by GridR's words."""
        return gpumask.build_mask(
            SHAPE, (1, 1), None, (0, 0), polygons, self.nodes, _WINDOW, (10, 10), np.float64
        )  # fmt: skip


def _coordinates() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[0:9, 0:11] * 8.0
    return 0.99 * y + 0.1 * x, 0.99 * x - 0.1 * y + 8


CALLS: dict[str, Callable[[Scene], Any]] = {
    "resample, cubic, uint16": lambda here: here.resample("cubic", here.uint16),
    "resample, linear, no mask": lambda here: gpumask.resample(here.float64, here.grid, "linear"),
    "resample, lanczos3, renormalised": lambda here: here.resample("lanczos3", mask_policy="renormalize"),
    "resample, bspline3": lambda here: here.resample("bspline3"),
    "resample, bspline5, reflected": lambda here: here.resample("bspline5", boundary="reflect"),
    "resample, cubic, rules": lambda here: here.resample("cubic", keep=here.keep, quality=here.quality),
    "Resampler": lambda here: here.resampler(here.float64, here.valid),
    "array_grid_resampling": lambda here: gpumask.array_grid_resampling(
        "cubic", here.float64, here.grid.row, here.grid.col, (8, 8), None, array_in_mask=here.valid, array_out_mask=True
    ),
    "footprint_validity": lambda here: gpumask.footprint_validity(here.valid),
    "validity_mask, coarse": lambda here: gpumask.validity_mask(SHAPE, here.coarse),
    "validity_mask, coarse, polygons": lambda here: gpumask.validity_mask(SHAPE, here.coarse, here.polygons),
    "build_mask, coarse": lambda here: here.build_mask(),
    "build_mask, coarse, polygons": lambda here: here.build_mask((_FIELD, _POND)),
    "mask_from_rules": lambda here: gpumask.mask_from_rules(here.keep, here.quality),
    "mask_from_rules, grown": lambda here: gpumask.mask_from_rules(here.keep, here.quality, grow=3),
    "mask_cleanup": lambda here: gpumask.mask_cleanup(here.valid, [("opening", 2)]),
    "apply_value_map": lambda here: gpumask.apply_value_map(
        {"qa": [{"values": [1], "color": "#ff0000"}]}, here.quality
    ),
    "oversample": lambda here: gpumask.oversample(here.nodes, (9, 9)),
    "oversample_regular_grid": lambda here: gpumask.oversample_regular_grid(here.float64, 3, 3, here.valid),
    "build_grid": lambda here: gpumask.build_grid((1, 1), here.float64, None, (3, 3), None),
    "interpolate_grid": lambda here: gpumask.interpolate_grid(
        here.float64, here.valid, np.arange(90), np.arange(70), np.linspace(3, 60, 40), np.linspace(2, 50, 31)
    ),
    "array_shift_grid_coordinates": lambda here: gpumask.array_shift_grid_coordinates(
        here.grid.row, here.grid.col, (0.0, 0.0)
    ),
    "Grid.displaced": lambda here: here.grid.displaced(),
    "array_bspline_prefiltering": lambda here: gpumask.array_bspline_prefiltering(here.float64.copy(), n=3),
    "MultiDateMaskRule": lambda here: here.dates.evaluate(here.uint16),
    "describe_flags": lambda here: gpumask.describe_flags(here.quality["qa"], "sentinel2_scl"),
}


def chain(folder: Path, **options: Any) -> Callable[[], gpumask.Summary]:
    """Return a call from file to file, in several tiles. Rules, as `keep`, may ask for the band "qa"."""
    import rasterio

    rng = np.random.default_rng(0)
    source, quality = (
        (rng.random((2, *SHAPE)) * 1000).astype(np.uint16),
        rng.integers(0, 4, (1, *SHAPE)).astype(np.uint8),
    )
    for name, array in {"source": source, "grid": np.stack(_coordinates()), "quality": quality}.items():
        profile = {"count": len(array), "height": array.shape[1], "width": array.shape[2], "dtype": array.dtype}
        profile["transform"] = rasterio.Affine.scale(10, -10)
        with rasterio.open(folder / f"{name}.tif", "w", driver="GTiff", **profile) as file:
            file.write(array)
    options = {"backend": "cuda", "tile_shape": (33, 41), "overwrite": True, **options}
    if "keep" in options:
        options["quality"] = {"qa": folder / "quality.tif"}
    return lambda: gpumask.resample_file(
        folder / "source.tif", folder / "grid.tif", folder / "out.tif", resolution=(8, 8), **options
    )
