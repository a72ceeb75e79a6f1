"""The valid share by its definition, pixel by pixel in Python."""

import math

import numpy as np

from gpumask.pixels.boundary import MODES, pixels_at


def keys(d: float) -> float:
    """Return the weight of Keys 1981, a = -0.5, at a distance."""
    d = abs(d)
    if d < 1:
        return (1.5 * d - 2.5) * d * d + 1
    return ((-0.5 * d + 2.5) * d - 4) * d + 2 if d < 2 else 0.0


def lanczos(d: float) -> float:
    """Return the weight of the Lanczos window with three lobes, but for its sum over the taps."""
    d = abs(d)
    return 0.0 if d >= 3 or d in (1, 2) else float(np.sinc(d) * np.sinc(d / 3))


WEIGHTS = {"linear": lambda d: max(1 - abs(d), 0.0), "cubic": keys, "lanczos3": lanczos}


def taps_of(interp: str, place: float) -> list[tuple[int, float]]:
    """Return the pixels that have a weight on an axis, and the sizes of the weights."""
    if interp == "nearest":
        return [(math.floor(place + 0.5), 1.0)]
    if place == math.floor(place):
        return [(int(place), 1.0)]
    around = range(math.floor(place) - 2, math.floor(place) + 4)
    return [(k, abs(weight)) for k in around if (weight := WEIGHTS[interp](place - k))]


def share_by_definition(
    valid: np.ndarray, row: float, col: float, interp: str, modes: tuple[str | None, str | None] = (None, None)
) -> float:
    """Return the share of the weights that valid pixels have. `modes` say what lies beyond the edges."""
    if not (math.isfinite(row) and math.isfinite(col)):
        return 0.0
    axes, places = [taps_of(interp, row), taps_of(interp, col)], (row, col)
    for axis, (n, mode) in enumerate(zip(valid.shape, modes, strict=True)):
        margin = 0 if mode is None else {"nearest": 1, "linear": 1, "cubic": 2, "lanczos3": 3}[interp]
        first = math.floor(places[axis] + (0.5 if interp == "nearest" else 0))
        last = first if interp == "nearest" else math.ceil(places[axis])
        if first < -margin or last > n - 1 + margin:
            return 0.0
        axes[axis] = [(_standing(k, n, mode, margin), weight) for k, weight in axes[axis]]
    there = math.fsum(v * w for r, v in axes[0] for c, w in axes[1] if _is_valid(valid, r, c))
    return there / math.fsum(v * w for _, v in axes[0] for _, w in axes[1])


def _standing(k: int, n: int, mode: str | None, margin: int) -> int | None:
    """Return the pixel that stands at a place, -1 for a zero, or None."""
    if 0 <= k < n:
        return k
    if mode is None or not -margin <= k < n + margin:
        return None
    return int(pixels_at(k, 1, n, MODES[mode])[0])


def _is_valid(valid: np.ndarray, r: int | None, c: int | None) -> bool:
    return r is not None and c is not None and (r < 0 or c < 0 or bool(valid[r, c]))


def shares_by_definition(valid, row, col, interp, modes=(None, None)) -> np.ndarray:
    """Return the shares of all places."""
    found = [share_by_definition(valid, *place, interp, modes) for place in zip(row.flat, col.flat, strict=True)]
    return np.reshape(found, row.shape)
