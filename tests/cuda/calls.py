"""Calls of public functions with arrays on the device, as the tests and the report of waits make them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from shapely import box

import gpumask
from gpumask import CoarseMask, Grid, MaskRule, Polygons, Resampler, Window

SHAPE = (70, 90)


def scene(dtype: str = "float64") -> dict[str, Any]:
    """Return an image of two bands, its validity, a quality band and a turned coarse grid, on the device."""
    import cupy

    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:9, 0:11] * 8.0
    image = (rng.random((2, *SHAPE)) * 1000).astype(dtype)
    return {
        "image": cupy.asarray(image),
        "valid": cupy.asarray((rng.random(SHAPE) > 0.05).astype(np.uint8)),
        "quality": cupy.asarray(rng.integers(0, 4, SHAPE).astype(np.uint8)),
        "coarse": cupy.asarray((rng.random((8, 10)) > 0.2).astype(np.uint8)),
        "grid": Grid(*map(cupy.asarray, (0.99 * y + 0.1 * x, 0.99 * x - 0.1 * y + 8)), (8, 8)),
    }


def calls() -> dict[str, Callable[[], Any]]:
    """Return calls by their names; what they need is on the device already."""
    of, rule = {dtype: scene(dtype) for dtype in ("uint16", "float64")}, {"band": "qa", "values": [1], "invert": True}
    whole, keep, outline = of["float64"], [MaskRule.from_config(rule)], Polygons(box(5, 5, 60, 50), box(9, 9, 20, 20))
    resampler, colours = Resampler(whole["grid"]), {"qa": [{"values": [1], "color": "#ff0000"}]}

    def resample(interp: str, dtype: str = "float64", **more: Any) -> Callable[[], Any]:
        here = of[dtype]
        return lambda: gpumask.resample(here["image"], here["grid"], interp, source_valid=here["valid"], **more)

    coarse = CoarseMask(whole["coarse"], (10, 10))
    window = Window(0, 0, *SHAPE)
    return {
        "resample, cubic, uint16": resample("cubic", "uint16"),
        "resample, linear, float64, no mask": lambda: gpumask.resample(whole["image"], whole["grid"], "linear"),
        "resample, lanczos3, renormalised": resample("lanczos3", mask_policy="renormalize"),
        "resample, bspline3": resample("bspline3"),
        "resample, bspline5, reflected": resample("bspline5", boundary="reflect"),
        "resample, cubic, rules": lambda: gpumask.resample(
            whole["image"], whole["grid"], keep=keep, quality={"qa": whole["quality"]}
        ),
        "Resampler": lambda: resampler(whole["image"], whole["valid"]),
        "array_grid_resampling": lambda: gpumask.array_grid_resampling(
            "cubic", whole["image"], whole["grid"].row, whole["grid"].col, (8, 8), None, array_in_mask=whole["valid"],
            array_out_mask=True,
        ),
        "footprint_validity": lambda: gpumask.footprint_validity(whole["valid"]),
        "validity_mask, coarse": lambda: gpumask.validity_mask(window, coarse),
        "validity_mask, coarse and polygons": lambda: gpumask.validity_mask(window, coarse, outline),
        "build_mask, coarse": lambda: gpumask.build_mask(
            SHAPE, (1, 1), None, (0, 0), None, whole["coarse"], ((0, 69), (0, 89)), (10, 10), np.float64
        ),
        "build_mask, coarse and polygons": lambda: gpumask.build_mask(
            SHAPE, (1, 1), None, (0, 0), (box(5, 5, 60, 50), None), whole["coarse"], ((0, 69), (0, 89)), (10, 10),
            np.float64,
        ),
        "mask_from_rules": lambda: gpumask.mask_from_rules(keep, {"qa": whole["quality"]}),
        "mask_from_rules, grown": lambda: gpumask.mask_from_rules(keep, {"qa": whole["quality"]}, grow=3),
        "mask_cleanup": lambda: gpumask.mask_cleanup(whole["valid"], [("opening", 2)]),
        "apply_value_map": lambda: gpumask.apply_value_map(colours, {"qa": whole["quality"]}),
        "oversample": lambda: gpumask.oversample(whole["coarse"], (9, 9)),
        "oversample_regular_grid": lambda: gpumask.oversample_regular_grid(
            whole["image"], 3, 3, whole["valid"], np.float64
        ),
        "build_grid": lambda: gpumask.build_grid((1, 1), whole["image"], None, (3, 3), None),
        "interpolate_grid": lambda: gpumask.interpolate_grid(
            whole["image"], whole["valid"], np.arange(90), np.arange(70), np.linspace(3, 60, 40), np.linspace(2, 50, 31)
        ),
        "array_shift_grid_coordinates": lambda: gpumask.array_shift_grid_coordinates(
            whole["grid"].row, whole["grid"].col, (0.0, 0.0)
        ),
        "describe_flags": lambda: gpumask.describe_flags(whole["quality"], "sentinel2_scl"),
    }  # fmt: skip


def chain(folder: Path) -> Callable[[], Any]:
    """Return a call from file to file, in four tiles."""
    import rasterio

    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:9, 0:11] * 8.0
    source = np.round(rng.random((2, *SHAPE)) * 1000).astype(np.uint16)
    for name, array in {"source": source, "grid": np.stack([0.99 * y + 0.1 * x, 0.99 * x - 0.1 * y + 8])}.items():
        profile = {"count": len(array), "height": array.shape[1], "width": array.shape[2], "dtype": array.dtype}
        with rasterio.open(folder / f"{name}.tif", "w", driver="GTiff", nodata=None, **profile) as file:
            file.write(array)
    return lambda: gpumask.resample_file(
        folder / "source.tif", folder / "grid.tif", folder / "out.tif", resolution=(8, 8), tile_shape=(33, 41),
        backend="cuda", overwrite=True,
    )  # fmt: skip
