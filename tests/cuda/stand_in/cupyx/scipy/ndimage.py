"""SciPy's own functions, for arrays of the stand-in."""

from __future__ import annotations

from typing import Any

from cupy._array import ndarray, plain, result


def map_coordinates(
    input: ndarray,
    coordinates: ndarray,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: float = 0.0,
    prefilter: bool = True,
) -> ndarray:
    """Interpolate at places, as SciPy does."""
    from scipy import ndimage

    made = ndimage.map_coordinates(plain(input), plain(coordinates), output, order, mode, cval, prefilter)
    return result(made, [input, coordinates])
