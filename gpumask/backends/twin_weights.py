"""What taps weigh, and their sums, in the order of every operation in kernels/weights.cuh."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Values = Sequence[np.ndarray]


def weights(fraction: np.ndarray, taps: int, spline: int = 0, dtype: Any = np.float64, in_fixed: Any = False) -> Values:
    """Return what each tap weighs, for float64 fractions beyond the anchor, which float32 holds too if in_fixed."""
    f = fraction.astype(dtype)
    if spline:
        return _spline(f, taps)
    if taps == 1:
        return [np.ones_like(f)]
    if taps == 2:
        return [1 - f, f]
    return [each.astype(dtype) for each in _lanczos(f if in_fixed else fraction)] if taps == 6 else _cubic(f)


def weighted_sum(w: Values, v: Values, spline: int = 0) -> np.ndarray:
    """Sum over all taps."""
    if len(w) == 1:
        return v[0]
    if len(w) == 4 and not spline:
        return np.asarray((w[0] * v[0] + w[1] * v[1]) + (w[2] * v[2] + w[3] * v[3]))
    return _sum_in_turn(w, v)


def sum_at_whole(which: range, w: Values, v: Values) -> np.ndarray:
    """Sum over those taps that have a weight at a whole number: one alone is taken as it is."""
    return v[which[0]] if len(which) == 1 else _sum_in_turn(w[which.start : which.stop], v[which.start : which.stop])


def _sum_in_turn(w: Values, v: Values) -> np.ndarray:
    total = w[0] * v[0]
    for weight, value in zip(w[1:], v[1:], strict=True):
        total = total + weight * value
    return np.asarray(total)


def _spline(f: np.ndarray, taps: int) -> Values:
    """De Boor's recursion for a B-spline of order taps - 1, times the factorial of that."""
    t = f.dtype.type
    w = [np.ones_like(f)]
    for d in range(1, taps):
        inner = [(t(j + 1) - f) * w[j] + (t(d - j) + f) * w[j - 1] for j in range(1, d)]
        w = [(t(1) - f) * w[0], *inner, f * w[d - 1]]
    return w


def _cubic(f: np.ndarray) -> Values:
    """Keys 1981, a = -0.5."""
    t = f.dtype.type
    f2 = f * f
    f3 = f2 * f
    return [
        t(-0.5) * f3 + f2 - t(0.5) * f,
        t(1.5) * f3 - t(2.5) * f2 + t(1),
        t(-1.5) * f3 + t(2) * f2 + t(0.5) * f,
        t(0.5) * f3 - t(0.5) * f2,
    ]


def _lanczos(f: np.ndarray) -> Values:
    """Lanczos with three lobes, normalised. Constants are rounded to the type of the fractions."""
    v = [*_lanczos_side(f)[::-1], *_lanczos_side(1.0 - f)]
    share = 1.0 / (((v[0] + v[1]) + (v[2] + v[3])) + (v[4] + v[5]))
    return [each * share for each in v]


def _lanczos_side(f: np.ndarray) -> Values:
    """Return three taps at distances f, f + 1 and f + 2."""
    a = f * 1.0471975511965976
    b = a * a
    s = a * _series(b, (6, 20, 42, 72, 110, 156, 210, 272, 342))
    c = _series(b, (2, 12, 30, 56, 90, 132, 182, 240, 306))
    wave, h = 3.0 * s - 4.0 * s * s * s, 0.8660254037844386 * c
    return [
        wave * s / (f * f),
        -wave * (0.5 * s + h) / ((f + 1.0) * (f + 1.0)),
        wave * (h - 0.5 * s) / ((f + 2.0) * (f + 2.0)),
    ]


def _series(b: np.ndarray, divisors: Sequence[int]) -> np.ndarray:
    """1 - b / d1 * (1 - b / d2 * (…))."""
    total: Any = 1.0
    for divisor in reversed(divisors):
        total = 1.0 - b * (1 / divisor) * total
    return np.asarray(total)


def profile(distance: np.ndarray, taps: int) -> np.ndarray:
    """Return what taps weigh so many scales away from a coordinate, but for a factor. See kernels/profile.cuh."""
    t = abs(distance)
    value = 1.0 - t if taps == 2 else _cubic_profile(t) if taps == 4 else _lanczos_profile(t)
    return np.where(t < taps // 2, value, 0.0)


def _cubic_profile(t: np.ndarray) -> np.ndarray:
    """Keys 1981, a = -0.5."""
    beyond = 2.0 - t
    return np.where(t < 1.0, (1.5 * t - 2.5) * (t * t) + 1.0, 0.5 * (1.0 - t) * (beyond * beyond))


def _lanczos_profile(t: np.ndarray) -> np.ndarray:
    """Lanczos with three lobes."""
    whole = np.rint(t)
    a = (t - whole) * 1.0471975511965976
    b = a * a
    s, c = a * _series(b, (6, 20, 42, 72, 110, 156, 210)), _series(b, (2, 12, 30, 56, 90, 132, 182))
    wave = s * (3.0 - 4.0 * (s * s))
    sine = np.where((whole == 0) | (whole == 3), 0.0, 0.8660254037844386)
    cosine = np.where(whole == 0, 1.0, np.where(whole == 3, -1.0, np.where(whole == 1, 0.5, -0.5)))
    value = wave * (sine * c + cosine * s) / (3.289868133696453 * (t * t))
    return np.where(t == 0, 1.0, np.where((whole == 1) | (whole == 3), -value, value))
