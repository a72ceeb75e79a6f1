"""Random public calls, each from a number, to be compared bit by bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import gpumask

Call = Callable[[str], Any]

# Source, output, interpolator, type of sums. Each takes both compilers a second or more, hence no more of them.
VARIANTS = (
    ("uint8", "uint8", "nearest", "float64"),
    ("float64", "float64", "nearest", "float64"),
    ("uint16", "uint16", "linear", "float64"),
    ("float32", "float32", "linear", "float32"),
    ("float32", "float32", "linear", "float64"),
    ("uint8", "int16", "linear", "float64"),
    ("uint16", "uint16", "cubic", "float64"),
    ("uint16", "uint16", "cubic", "float32"),
    ("int16", "float32", "cubic", "float64"),
    ("float32", "float32", "cubic", "float32"),
    ("float64", "float64", "cubic", "float64"),
    ("int64", "int64", "cubic", "float64"),
    ("uint16", "uint16", "lanczos3", "float64"),
    ("float32", "uint8", "lanczos3", "float64"),
    ("float32", "float32", "bspline3", "float64"),
    ("float64", "float64", "bspline5", "float64"),
    ("uint16", "float32", "bspline11", "float64"),
)


def resampling(rng: np.random.Generator, variant: tuple[str, ...]) -> Call:
    """Return a call of `resample`."""
    dtype, out, interp, compute = variant
    shape, output = rng.integers(1, 120, 2), rng.integers(1, 150, 2)
    more: dict[str, Any] = {"dtype": out, "compute_dtype": compute}
    if rng.random() < 0.7:
        more["source_valid"] = rng.random(shape) < rng.choice([0.7, 0.98, 0.998, 1])
    if rng.random() < 0.3 and interp in ("linear", "cubic", "lanczos3"):
        more |= {"mask_policy": "renormalize", "min_weight": rng.choice([1e-5, 0.5])}
    elif rng.random() < 0.5:
        boundary = rng.choice(["constant", "edge", "reflect", "symmetric", "wrap"])
        more |= {"boundary": str(boundary), "trust_padding": bool(rng.random() < 0.7)}
    more["nodata_out"] = [None, -7.5, np.inf][rng.integers(3)] if np.dtype(out).kind == "f" else int(rng.integers(99))
    source, where = pixels(rng, dtype, shape), grid(rng, shape, output)
    return lambda backend: gpumask.resample(source, where, interp, backend=backend, **more)


def pixels(rng: np.random.Generator, dtype: str, shape: Any) -> np.ndarray:
    """Return one to three bands; floats have NaN, infinities and huge values among them."""
    values = rng.random((int(rng.integers(1, 4)), *shape)) * rng.choice([1, 200, 255])
    if np.dtype(dtype).kind == "f" and rng.random() < 0.6:
        odd = rng.random(values.shape) < rng.choice([0.0005, 0.01])
        values[odd] = rng.choice([np.nan, np.inf, -np.inf, 3e38, -0.0, 1e-42], odd.sum())
    with np.errstate(all="ignore"):
        return values.astype(dtype)


def grid(rng: np.random.Generator, shape: Any, output: Any) -> gpumask.Grid:
    """Return places turned, stretched and shifted, some of them whole, some outside, some that don't count."""
    step = rng.integers(1, 21, 2) if rng.random() < 0.7 else np.array([1, 1])
    counts = -(-(output - 1) // step) + 1
    middle = output // 2
    y, x = np.meshgrid(
        *(np.arange(n) * float(s) - c for n, s, c in zip(counts, step, middle, strict=True)), indexing="ij"
    )
    angle = rng.choice([0, rng.uniform(-3, 3)])
    stretch = rng.choice([1, rng.uniform(0.2, 1.2) * min(shape / output)])
    there = rng.uniform(0.3, 0.7, 2) * shape  # where the middle of the output lies
    there = there if rng.random() < 0.6 else np.floor(there)
    row = stretch * (np.cos(angle) * y + np.sin(angle) * x) + there[0]
    col = stretch * (np.cos(angle) * x - np.sin(angle) * y) + there[1]
    if rng.random() < 0.4:
        row, col = (places + rng.normal(0, 0.3, places.shape) for places in (row, col))
    if rng.random() < 0.3:
        row[rng.random(row.shape) < rng.choice([0.003, 0.03])] = rng.choice([np.nan, np.inf, -1e300])
    mask = (rng.random(row.shape) < rng.choice([0.9, 0.995])).astype(np.uint8) if rng.random() < 0.4 else None
    return gpumask.Grid(row, col, tuple(map(int, step)), mask=mask, window=gpumask.Window(0, 0, *map(int, output)))


def footprint(rng: np.random.Generator) -> Call:
    """Return a call of `footprint_validity`."""
    mask = rng.random(rng.integers(1, 120, 2)) < rng.choice([0.5, 0.98])
    interp = str(rng.choice(["nearest", "linear", "cubic", "lanczos3"]))
    return lambda backend: [gpumask.footprint_validity(mask, interp, backend=backend)]


def oversample(rng: np.random.Generator) -> Call:
    """Return a call of `oversample`, or of `validity_mask` with a coarse mask."""
    nodes = rng.random(rng.integers(1, 12, 2)) * 1.2
    step = tuple(map(int, rng.integers(1, 20, 2)))
    if rng.random() < 0.5:
        nodes[rng.random(nodes.shape) < 0.05] = np.nan
        nodes = nodes.astype(rng.choice(["float32", "float64"]))
        return lambda backend: [gpumask.oversample(nodes, step, backend=backend)]
    mask = gpumask.CoarseMask((nodes > 0.3).astype(rng.choice(["bool", "int32"])), step)
    return lambda backend: [gpumask.validity_mask(mask.full_shape, mask, backend=backend)]


def rules(rng: np.random.Generator) -> Call:
    """Return a call of `mask_from_rules`."""
    dtype = str(rng.choice(["uint8", "uint16", "float32"]))
    band = rng.integers(0, 9, rng.integers(1, 150, 2)).astype(dtype)
    values = [int(value) for value in rng.integers(0, 9, 3)]
    config = {"band": "q", "values": values, "invert": bool(rng.random() < 0.5)}
    grow = int(rng.integers(0, 4))
    return lambda backend: [
        gpumask.mask_from_rules([gpumask.MaskRule.from_config(config)], {"q": band}, grow=grow, backend=backend)
    ]


def cleanup(rng: np.random.Generator) -> Call:
    """Return a call of `mask_cleanup`."""
    mask = rng.random(rng.integers(1, 120, 2)) < rng.choice([0.02, 0.5])
    steps = [(str(rng.choice(["dilation", "erosion", "opening", "closing"])), int(rng.integers(0, 12))) for _ in "ab"]
    return lambda backend: [gpumask.mask_cleanup(mask, steps, backend=backend)]


OTHERS = {call.__name__: call for call in (footprint, oversample, rules, cleanup)}
GROUPS = (*(" ".join(variant) for variant in VARIANTS), *OTHERS)


def draw(number: int) -> tuple[str, Call]:
    """Return the group of a number, and its call: call(backend) returns arrays."""
    place = number % len(GROUPS)
    rng = np.random.default_rng(number)
    if place < len(VARIANTS):
        return GROUPS[place], resampling(rng, VARIANTS[place])
    return GROUPS[place], OTHERS[GROUPS[place]](rng)
