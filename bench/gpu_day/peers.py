"""Who else resamples on a GPU. None of them takes a mask, and all want full coordinates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from resampling import Resampling

Call = Callable[[], Any]

# Of torch: its cubic is Keys' with a = -0.75. Of CuPy: for cubic a B-spline whose coefficients are taken as they are.
MODES = {"nearest": "nearest", "linear": "bilinear", "cubic": "bicubic"}
ORDERS = {"nearest": 0, "linear": 1, "cubic": 3, "bspline3": 3, "bspline5": 5}


def peers(case: Resampling) -> dict[str, Callable[[str], Call]]:
    """Return {name: make}; make(torch's device) returns the call, arrays on the device before and after."""
    found: dict[str, Callable[[str], Call]] = {}
    if case.interp in MODES:
        kind = torch_type(case)
        found[f"torch grid_sample, {kind}, unmasked"] = lambda device: grid_sample(case, device)
    if case.interp in ORDERS:
        found["CuPy map_coordinates, unmasked"] = lambda _: map_coordinates(case)
    return found


def torch_type(case: Resampling) -> str:
    """Return the type that torch samples: it takes no integers."""
    return case.dtype if case.dtype.startswith("float") else "float32"


def grid_sample(case: Resampling, device: str) -> Call:
    """Return torch.nn.functional.grid_sample, its coordinates from -1 to 1 made before."""
    import torch

    kind = torch_type(case)
    image = torch.as_tensor(case.source().astype(kind), device=device)[None]
    places = np.stack(case.nodes(1)[::-1], axis=-1) * (2 / (case.size - 1)) - 1  # x before y
    where = torch.as_tensor(places.astype(kind), device=device)[None]
    mode = MODES[case.interp]
    return lambda: torch.nn.functional.grid_sample(image, where, mode=mode, align_corners=True)


def map_coordinates(case: Resampling) -> Call:
    """Return cupyx.scipy.ndimage.map_coordinates, band by band."""
    import cupy
    from cupyx.scipy import ndimage

    order, filters = ORDERS[case.interp], case.interp.startswith("bspline")
    kind = np.float32 if case.dtype == "float32" else np.float64
    bands = [cupy.asarray(band) for band in case.source()]
    places = cupy.asarray(np.stack(case.nodes(1)).astype(kind))
    return lambda: [ndimage.map_coordinates(band, places, order=order, prefilter=filters) for band in bands]
