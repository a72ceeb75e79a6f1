"""What is measured: operations by name, each a case that knows who does it."""

from __future__ import annotations

from typing import Any

from masking import Masking
from oversampling import Oversampling
from resampling import Resampling
from shrinking import Shrinking

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
SMALLER: dict[str, Shrinking | Resampling] = {
    "average, uint16, 6 times smaller": Shrinking("average"),
    "average, uint8, 6 times smaller": Shrinking("average", "uint8"),
    "average, uint16, 2 times smaller": Shrinking("average", times=2),
    "average, uint16, 20 times smaller": Shrinking("average", times=20),
    "average, uint16, 6 times smaller, turned by 10 degrees": Shrinking("average", degrees=10),
    "mode, 6 classes of uint8, 6 times smaller": Shrinking("mode", "uint8"),
    "med, uint16, 6 times smaller": Shrinking("med"),
    "cubic with antialias, uint16, 6 times smaller": Shrinking("cubic", antialias=True),
    "cubic with antialias, float32, 6 times smaller": Shrinking("cubic", "float32", antialias=True),
    "cubic with the valid share, uint16": Resampling("cubic", dtype="uint16", step=16, validity="share"),
}


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


def smaller_file_cases() -> dict[str, Any]:
    """Return what makes files smaller, which needs rasterio."""
    from coarsening import Coarsening  # noqa: PLC0415

    return {"average, file to file, 4 bands of uint16, 6 times smaller": Coarsening()}


def all_cases() -> dict[str, Any]:
    """Return all that can be measured here, in the order of the table."""
    found: dict[str, Any] = {}
    for cases in (lambda: ARRAYS, file_cases, lambda: FLAGS, warped_cases, lambda: SMALLER, smaller_file_cases):
        try:
            found |= cases()
        except ImportError as error:
            print(f"left out: {error}")
    return found
