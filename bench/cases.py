"""What is measured: operations by name, each a case that knows who does it."""

from __future__ import annotations

from typing import Any

from masking import Masking
from oversampling import Oversampling
from resampling import Resampling

ARRAYS: dict[str, Resampling | Oversampling] = {
    "cubic, float64, full grid": Resampling("cubic"),
    "cubic, float64, grid of step 16": Resampling("cubic", step=16),
    "cubic, 4 bands of uint16, grid of step 16": Resampling("cubic", dtype="uint16", bands=4, step=16),
    "linear, float32, full grid": Resampling("linear", dtype="float32"),
    "nearest, uint8, full grid": Resampling("nearest", dtype="uint8"),
    "lanczos3, uint16, full grid": Resampling("lanczos3", dtype="uint16"),
    **{f"bspline{order}, float64, 1000 x 1000": Resampling(f"bspline{order}", size=1000) for order in (3, 5, 7, 9, 11)},
    **{f"mask of step 16 to {size} x {size}": Oversampling(size) for size in (500, 1000, 2000, 4000, 8000)},
}
FLAGS = {"6 flags of uint16, 8000 x 8000": Masking(8000)}


def file_cases() -> dict[str, Any]:
    """Return what needs rasterio."""
    from chaining import Chaining  # noqa: PLC0415

    return {
        "file to file, 4 bands of uint16": Chaining(),
        "file to file, 4 bands of uint16, deflate": Chaining("deflate"),
    }


def warped_cases() -> dict[str, Any]:
    """Return what needs affine and pyproj."""
    from warping import Warping  # noqa: PLC0415

    return {"cubic, uint16, UTM to longitudes, 4000 x 4000": Warping()}


def all_cases() -> dict[str, Any]:
    """Return all that can be measured here, in the order of the table."""
    found: dict[str, Any] = {}
    for cases in (lambda: ARRAYS, file_cases, lambda: FLAGS, warped_cases):
        try:
            found |= cases()
        except ImportError as error:
            print(f"left out: {error}")
    return found
