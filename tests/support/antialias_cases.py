"""What antialiased interpolators are run on, and what they are by their definition."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from kernel_cases import NODATA, image, to_host

from gpumask import Grid, Window
from gpumask.backends.backend import Backend
from gpumask.resampling.image import Source, Target
from gpumask.resampling.method import Method
from gpumask.resampling.run import resample_into

ANTIALIASED = ("linear", "cubic", "lanczos3")
SHAPE = 40, 61


class Case(NamedTuple):
    """A source, a grid, and how to resample."""

    name: str
    source: Source
    grid: Grid
    options: dict[str, Any]
    around: tuple[int, int] = (0, 0)


def affine(
    nodes: tuple[int, int], step: tuple[int, int], degrees: float, scale: tuple[float, float], **more: Any
) -> Grid:
    """Return a grid turned about the middle of the source. Output pixels lie `scale` (rows, cols) apart."""
    y, x = np.mgrid[0 : nodes[0], 0 : nodes[1]] * np.reshape(step, (2, 1, 1)).astype(float)
    y, x = (y - y.mean()) * scale[0], (x - x.mean()) * scale[1]
    sine, cosine = {0: (0.0, 1.0), 90: (1.0, 0.0), 180: (0.0, -1.0)}.get(
        degrees, (np.sin(np.radians(degrees)), np.cos(np.radians(degrees)))
    )
    middle = (SHAPE[0] - 1) / 2, (SHAPE[1] - 1) / 2
    return Grid(middle[0] + cosine * y + sine * x, middle[1] - sine * y + cosine * x, step, **more)


def grids() -> Iterator[tuple[str, Grid]]:
    """Yield grids that shrink in all sorts of ways. Some reach beyond the source, some have nodes that don't count."""
    yield "one row of nodes", Grid([[20.0, 20.0]], [[2.5, 57.5]], (1, 20))
    yield "one node", Grid([[20.25]], [[30.0]])
    yield "shrunk", affine((5, 4), (4, 8), 0, (2.5, 2.5))
    yield "shrunk, full", affine((14, 70), (1, 1), 0, (3, 0.75))
    yield "mirrored, a whole number", affine((5, 9), (2, 2), 180, (6, 3))
    yield "turned by 90 degrees", affine((9, 9), (1, 1), 90, (4.0, 6.0))
    yield "turned", affine((4, 3), (5, 40), 11, (1.5, 1.2))
    yield "turned, full", affine((20, 70), (1, 1), 30, (2.0, 1.0))
    yield "not shrunk", affine((4, 4), (9, 9), 40, (1.0, 1.0))
    yield "few large pixels", affine((3, 3), (1, 1), 5, (30.0, 90.0))
    y, x = np.mgrid[0:16, 0:70] / 15
    yield "uneven", Grid(20 + 18 * y**3 + x, 2 + 10 * x**1.5 + y)
    full = affine((16, 70), (1, 1), 0, (2.0, 2.0))
    mask = np.random.default_rng(3).random((16, 70)) > 0.2
    yield "masked nodes", Grid(full.row, full.col, mask=mask.astype(np.uint8))
    odd = np.where(mask, full.col, np.random.default_rng(4).choice([np.nan, np.inf, 1e300, -9999.0], mask.shape))
    yield "odd nodes", Grid(full.row, odd, nodata=-9999.0)
    wide = affine((5, 5), (4, 16), 0, (2.5, 2.5))
    yield "a window", wide.crop(Window(3, 5, 9, 30), 1)


def cases(dtype: str) -> Iterator[Case]:
    """Yield sources of a type with these grids. Valid pixels are finite or not, many or few."""
    rng = np.random.default_rng(8)
    policies: list[dict[str, Any]] = [{}, {"mask_policy": "renormalize", "min_weight": 0.3}, {"validity": "band"}]
    for number, (name, grid) in enumerate(grids()):
        pixels = image(rng, dtype, (2, *SHAPE))
        options = policies[number % 3]
        if number % 3 == 2 and number % 2:
            options = options | policies[1]
        planes = pixels.shape if "validity" in options else SHAPE
        valid = None if number % 4 == 1 else (rng.random(planes) > 0.02).astype(np.uint8)
        yield Case(name, Source(pixels, valid), grid, options)
    for origin in ((-7, 12), (70_000, 3_000_000_000)):
        pixels, grid = image(rng, dtype, (1, *SHAPE)), affine((5, 4), (4, 16), 3, (2.5, 2.5))
        moved = Grid(grid.row + origin[0], grid.col + origin[1], grid.resolution)
        yield Case(f"origin {origin}", Source(pixels, None, origin), moved, policies[1])
    for around, scale, step in (((0, 61), 3.5, (1, 1)), ((40, 0), 2.0, (3, 3)), ((0, 50), 20.0, (1, 1))):
        grid = affine((6, 9), step, 0 if scale > 5 else 8, (scale, scale))
        far = Grid(grid.row + around[0] * 3, grid.col - around[1] * 2, step, around=around)
        if step == (1, 1):  # in various turns
            far = Grid(far.row, far.col + around[1] * rng.integers(-2, 3, far.col.shape), around=around)
        valid = (rng.random(SHAPE) > 0.02).astype(np.uint8)
        yield Case(f"around {around}", Source(image(rng, dtype, (2, *SHAPE)), valid), far, policies[1], around)


def antialiased(
    backend: Backend, interp: str, case: Case, validity: str = "uint8", output: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Resample a case. Return the image and the validity."""
    source = case.source
    method = Method(interp, antialias=True, **case.options).on(case.around, source.image.shape[1:])
    made = backend.empty((len(source.image), *case.grid.shape), np.dtype(output or source.image.dtype))
    planes = made.shape if method.by_band else case.grid.shape
    target = Target(made, backend.empty(planes, np.dtype(validity)), NODATA, outside=2)
    resample_into(backend, source, case.grid, method, target)
    return to_host(backend, made), to_host(backend, target.validity)


def linear(t: float) -> float:
    """Return the weight at a distance."""
    return max(1 - abs(t), 0.0)


def cubic(t: float) -> float:
    """Return Keys' weight at a distance, a = -0.5."""
    t = abs(t)
    return 1.5 * t**3 - 2.5 * t**2 + 1 if t < 1 else -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t < 2 else 0.0


def lanczos3(t: float) -> float:
    """Return the weight of Lanczos with three lobes."""
    return float(np.sinc(t) * np.sinc(t / 3)) if abs(t) < 3 else 0.0


KERNELS: dict[str, tuple[int, Callable[[float], float]]] = {
    "linear": (1, linear), "cubic": (2, cubic), "lanczos3": (3, lanczos3)
}  # fmt: skip


class Pixel(NamedTuple):
    """An output pixel by its definition: its value, the share of its weights that is valid, and if it has a value."""

    value: float
    share: float
    is_valid: bool


def axis_by_definition(interp: str, x: float, scale: float) -> list[tuple[int, float]]:
    """Return the taps of an axis and their weights, which add up to 1."""
    half, kernel = KERNELS[interp]
    reach = half * scale
    taps = range(int(np.floor(x - reach)), int(np.ceil(x + reach)) + 1)
    found = [(k, kernel((k - x) / scale)) for k in taps if abs(k - x) < reach - 1e-9]
    found = [(k, weight) for k, weight in found if abs(weight) > 1e-15]
    total = sum(weight for _, weight in found)
    return [(k, weight / total) for k, weight in found]


def pixel_by_definition(
    source: np.ndarray, valid: np.ndarray, interp: str, place: tuple[float, float], scales: tuple[float, float],
    least_share: float | None = None,
) -> Pixel | None:  # fmt: skip
    """Sum all pixels by their weights. Return None if the place is outside the source."""
    if not all(0 <= x <= n - 1 for x, n in zip(place, source.shape, strict=True)):
        return None
    down, across = (axis_by_definition(interp, x, scale) for x, scale in zip(place, scales, strict=True))
    total = weight = size = everything = 0.0
    for r, down_weight in down:
        for c, across_weight in across:
            w = down_weight * across_weight
            everything += abs(w)
            if 0 <= r < source.shape[0] and 0 <= c < source.shape[1] and valid[r, c]:
                total, weight, size = total + w * source[r, c], weight + w, size + abs(w)
    share = size / everything
    nearest = valid[tuple(int(np.floor(x + 0.5)) for x in place)] != 0
    is_all = share > 1 - 1e-12
    enough = least_share is not None and share >= least_share and nearest and weight >= 1e-5
    return Pixel(total / weight if weight else 0.0, share, is_all or enough)
