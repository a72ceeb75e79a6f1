"""What the kernels of area statistics are run on: sources, and grids whose pixels cover all that is awkward of them."""

from itertools import product
from typing import Any, NamedTuple

import numpy as np
from kernel_cases import NODATA, TYPES, Case, image, of_bands, to_host, valid

from gpumask import Grid, Window
from gpumask.backends.backend import Backend
from gpumask.pixels.boundary import Boundary
from gpumask.pixels.interpolators import STATISTICS
from gpumask.resampling.area import KERNELS
from gpumask.resampling.image import Source, Target
from gpumask.resampling.method import Method
from gpumask.resampling.run import resample_into

FEW_VALUES = 4  # of classes


class Areal(NamedTuple):
    """One specialisation of `area` or `area_values`, and how it is called.

    `validity` is "band" if each band is valid by itself, and "" if all are valid together. `least` is the least valid
    share, 0 if all must be valid.
    """

    source: str
    output: str
    statistic: str
    validity: str = ""
    least: float = 0.3

    @property
    def kernel(self) -> str:
        return KERNELS[self.statistic][0]

    @property
    def defines(self) -> dict[str, Any]:
        types = {"SRC_T": np.dtype(self.source), "OUT_T": np.dtype(self.output)}
        return {**types, **KERNELS[self.statistic][1]}

    @property
    def method(self) -> Method:
        policy = {"mask_policy": "renormalize", "min_weight": self.least} if self.least else {}
        return Method(self.statistic, **policy)

    def __str__(self) -> str:
        return "-".join(filter(None, [*self[:4], f"{self.least}"]))


# Each statistic, each size of a pixel, sums that are clipped, and bands that are valid by themselves.
FEW = [
    Areal("float64", "float64", "average"),
    Areal("uint16", "float64", "sum", "band"),
    Areal("float64", "float64", "rms", least=0.0),
    Areal("int64", "int64", "min", least=1e-5),
    Areal("float32", "float32", "max", "band"),
    Areal("uint8", "uint8", "mode"),
    Areal("float64", "float64", "mode", "band", 0.9),
    Areal("int16", "int16", "med"),
    Areal("uint64", "uint64", "q1", least=0.0),
    Areal("float32", "float32", "q3"),
]
# Each type, and each statistic, with a few others. A result is stored in another type as those of other kernels are.
EVERY = [
    *FEW,
    *(
        made
        for (i, source), (j, statistic) in product(enumerate(TYPES), enumerate(STATISTICS))
        if (i + 3 * j) % 5 == 0
        and (made := Areal(source, "float64" if statistic == "sum" else source, statistic))[:3]
        not in [each[:3] for each in FEW]
    ),
    Areal("float64", "int8", "sum"),
    Areal("uint16", "float32", "average"),
    Areal("float32", "uint16", "average"),
    Areal("int64", "uint8", "mode"),
    Areal("uint64", "int64", "max"),
    Areal("float64", "uint64", "med"),
]


def covered(backend: Backend, variant: Areal, case: Case, share: bool = False) -> list[np.ndarray]:
    """Run a statistic on a backend. Return the image, and its validity. With shares, these stand before it."""
    source = of_bands(case.source) if variant.validity else case.source
    out = backend.full((len(source.image), *case.grid.shape), 3, variant.output)
    planes = out.shape if variant.validity else case.grid.shape
    valid_here, shares = backend.full(planes, 9, np.uint8), backend.full(planes, 9, np.float32)
    target = Target(out, shares, NODATA, 2, valid_here) if share else Target(out, valid_here, NODATA, 2)
    method = variant.method._changed(boundary=case.boundary)
    resample_into(backend, source, case.grid, method, target)
    return [to_host(backend, each) for each in ((out, shares, valid_here) if share else (out, valid_here))]


def cases(dtype: str) -> list[Case]:
    """Return cases for a source type, the same ones in every run."""
    rng = np.random.default_rng([7, TYPES.index(dtype)])
    return [
        *_coarse(rng, dtype),
        *_full(rng, dtype),
        *_boxes(rng, dtype),
        *_many_pixels(rng, dtype),
        *_without_area(rng, dtype),
        *_windows(rng, dtype),
        *_views(rng, dtype),
        *_origins(rng, dtype),
        *_tiny(rng, dtype),
        *_around(rng, dtype),
        *_far(rng, dtype),
    ]


def source_of(
    rng: np.random.Generator,
    dtype: str,
    shape: tuple[int, ...],
    masked: bool = True,
    few: bool | None = None,
    origin: tuple[int, int] = (0, 0),
) -> Source:
    """Return random pixels. Half of the sources have few values, unless it is said."""
    pixels = image(rng, dtype, shape)
    if rng.random() < 0.5 if few is None else few:
        pixels = rng.choice(pixels.ravel(), FEW_VALUES)[rng.integers(0, FEW_VALUES, shape)]
    return Source(pixels, valid(rng, shape[1:]) if masked else None, origin)


def turned(
    nodes: tuple[int, int], resolution: tuple[int, int], degrees: float, scale: float, middle: tuple[float, float]
) -> Grid:
    """Return a grid that is turned by an angle about its middle. A scale below 0 mirrors it."""
    y, x = np.mgrid[0 : nodes[0], 0 : nodes[1]] * np.reshape(resolution, (2, 1, 1)) * abs(scale)
    y, x = y - y.mean(), (x - x.mean()) * np.sign(scale)
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return Grid(cos * y + sin * x + middle[0], cos * x - sin * y + middle[1], resolution)


def curved(shape: tuple[int, int], source: tuple[int, int], bend: float = 0.3) -> Grid:
    """Return a grid with a node for each pixel, over a source and a little more, whose lines are curves."""
    v, u = np.mgrid[0 : 1 : shape[0] * 1j, 0 : 1 : shape[1] * 1j]
    away = 1 + bend * u * v
    row, col = (v + bend * np.sin(3 * u) * 0.3) / away, (u + bend * v * v * 0.4) / away
    return Grid(row * (source[0] + 4) - 2, col * (source[1] + 4) - 2)


def _spoilt(rng: np.random.Generator, grid: Grid, values: list[float], **how: Any) -> Grid:
    """Return a grid in which one node in thirty has an unusual value, in its row, its column or both."""
    row, col = (np.where(rng.random(n.shape) < 0.03, rng.choice(values, n.shape), n) for n in (grid.row, grid.col))
    return Grid(row, col, grid.resolution, **how)


def _coarse(rng: np.random.Generator, dtype: str) -> list[Case]:
    """Turn the image, partly off its edges. Some nodes are masked, nodata, NaN, infinite or far away."""
    source = source_of(rng, dtype, (2, 60, 90))
    spoilt = _spoilt(
        rng, turned((9, 12), (5, 13), 7, 0.9, (30, 45)), [-9999.0, np.nan, np.inf, 1e300],
        mask=rng.random((9, 12)) < 0.96, nodata=-9999.0,
    )  # fmt: skip
    plain = Source(source.image)
    return [
        Case("coarse grid", source, spoilt),
        Case("coarse grid, few pixels over many", source, turned((3, 4), (2, 3), 33, 9.3, (30, 40))),
        Case("coarse grid, no mask", plain, turned((3, 5), (4, 8), -120, 2.6, (30, 45))),
        Case("mirrored", plain, turned((4, 4), (3, 4), 61, -3.7, (31, 47))),
    ]


def _full(rng: np.random.Generator, dtype: str) -> list[Case]:
    """Take a node for each pixel: along curves, and from anywhere, so that most pixels are folded."""
    shape, places = (30, 70), (11, 67)
    row, col = (np.round(rng.uniform(-2, n + 2, places) * 4) / 4 for n in shape)
    bent = curved((7, 70), shape)
    few_nan = _spoilt(rng, bent, [np.nan, 1e300], mask=rng.random(bent.row.shape) < 0.95)
    five = source_of(rng, dtype, (5, *shape))  # more bands than are handled together
    near = rng.normal(0, 0.6, (2, 12, 66)) + np.mgrid[0:12, 0:66]  # small pixels, a third of which are not convex
    return [
        Case("scattered", source_of(rng, dtype, (1, 12, 20)), Grid(row / 3, col / 4)),
        Case("curved", five, bent),
        Case("curved, no mask", Source(five.image[:1]), bent),
        Case("curved, some nodes missing", five, few_nan),
        Case("not convex", source_of(rng, dtype, (1, 12, 66)), Grid(*near)),
    ]


def _boxes(rng: np.random.Generator, dtype: str) -> list[Case]:
    """Cover rectangles along the axes, with whole and other numbers of pixels, in every direction."""
    found, shape = [], (31, 150)
    for step, start in (
        ((3.0, 2.0), 0.5),
        ((2.5, 2.5), 0.25),
        ((0.5, 0.25), -0.125),
        ((7.3, 0.7), 0.1),
        ((1, 1), -0.5),
    ):
        count = [min(max(int((n + 4) / size), 2), 70) for n, size in zip(shape, step, strict=True)]
        y, x = np.mgrid[0 : count[0], 0 : count[1]] * np.reshape(step, (2, 1, 1)) + start
        source = source_of(rng, dtype, (2, *shape), rng.random() < 0.6)
        found.append(Case(f"boxes of {step}", source, Grid(y, x)))
        found.append(Case(f"turned boxes of {step}", source, Grid(x.T[::-1], 3 * y.T)))
    return found


def _many_pixels(rng: np.random.Generator, dtype: str) -> list[Case]:
    """Cover more pixels than are kept, and wider and taller ones than what is handled at a time."""
    found = []
    for shape, masked in product([(2, 620), (17, 1100)], (False, True)):
        source = source_of(rng, dtype, (1, *shape), masked, few=shape[0] > 2)
        found += [Case(f"{parts} boxes of {shape}", source, _parted(shape, parts)) for parts in (1, 2)]
        middle = (shape[0] / 2, shape[1] / 2)
        found.append(Case(f"turned pixels of {shape}", source, turned((2, 2), (1, 1), 0.5, shape[1] * 0.47, middle)))
    tall = (2100, 1)  # more rows than are summed up in 32 bits
    return [*found, Case(f"boxes of {tall}", source_of(rng, dtype, (1, *tall), few=True), _parted(tall, 1))]


def _parted(shape: tuple[int, int], parts: int) -> Grid:
    """Return a grid whose first pixels are a source in so many parts along each axis."""
    return Grid(
        *(np.mgrid[0:2, 0:2] + 0.5) * np.reshape(shape, (2, 1, 1)) / parts - 0.5, window=Window(0, 0, parts, parts)
    )


def _without_area(rng: np.random.Generator, dtype: str) -> list[Case]:
    """Let output pixels be points, lines, tiny, or about as large as a pixel of the source."""
    source, (y, x) = source_of(rng, dtype, (2, 9, 70)), np.mgrid[0:5.0, 0:66.0]
    sizes = [0.0, 1e-12, 3e-5, 3.3e-5, 1e-3, 1 - 1e-10, 1 + 1e-10]
    found = [Case(f"pixels of {size}", source, Grid(4 + y * size, 33 + x * size)) for size in sizes]
    return [
        *found,
        Case("lines", source, Grid(0.3 * x - 3, 0.9 * x + 0 * y)),
        Case("points on edges", source, Grid(0 * y + 3.5, np.round(x) - 0.5)),
        Case("nearly on edges", source, Grid(y + rng.normal(0, 1e-9, y.shape), x + rng.normal(0, 1e-9, y.shape))),
        Case("all folded", source, Grid(np.where(x % 2, y, 8 - y), x)),
    ]


def _windows(rng: np.random.Generator, dtype: str) -> list[Case]:
    """Take windows of coarse grids that begin inside a cell, and of full grids. They keep nodes around, or all."""
    source, found = source_of(rng, dtype, (1, 60, 90)), []
    windows = [((5, 60), (8, 1), Window(3, 7, 9, 50)), ((40, 9), (1, 13), Window(23, 1, 9, 100))]
    windows += [((4, 4), (40, 300), Window(41, 299, 4, 140)), ((20, 90), (1, 1), Window(3, 5, 9, 70))]
    for nodes, resolution, window in windows:
        grid = turned(nodes, resolution, 7, 0.6, (30, 40))
        found.append(Case(f"window {resolution}", source, grid.crop(window, 1)))
        row, col = np.resize(grid.row, nodes), np.resize(grid.col, nodes)
        found.append(Case(f"all nodes {resolution}", source, Grid(row, col, resolution, window=window)))
    return found


def _views(rng: np.random.Generator, dtype: str) -> list[Case]:
    """Read sources and grids that are parts of larger arrays or have other strides."""
    large, bent, mask = image(rng, dtype, (4, 30, 90)), curved((18, 140), (20, 80)), valid(rng, (9, 70))
    part = Grid(bent.row[4:13, 50:120], bent.col[4:13, 50:120], mask=mask)
    strided = Grid(bent.row[::-2, ::-2], bent.col.copy()[::-2, ::-2], mask=mask[::-1])
    by_column = Grid(np.asfortranarray(bent.row[::2, ::2]), bent.col[::2, ::2].astype(np.float32))
    parts = {"cropped": large[1:3, 5:-7, 3:-4], "strided": large[::3, ::-3, ::2], "other order": large.swapaxes(1, 2)}
    parts["byte-swapped"] = large[:1].astype(large.dtype.newbyteorder())
    parts["one row for all"] = np.broadcast_to(large[:2, :1], (2, 30, 90))
    return [
        Case(f"{name} source", Source(pixels, valid(rng, (*pixels.shape[1:-1], 2 * pixels.shape[-1]))[:, ::2]), grid)
        for (name, pixels), grid in zip(parts.items(), [part, strided, by_column, part, strided], strict=True)
    ]


def _origins(rng: np.random.Generator, dtype: str) -> list[Case]:
    """Take windows of larger images, some with too many rows for a 32-bit integer."""
    found = []
    for origin in [(-7, 12), (70_000, 90_000), (3_000_000_000, -3_000_000_000)]:
        grid = turned((3, 12), (3, 7), 20, 0.4, (origin[0] + 8.25, origin[1] + 10.5))
        source = source_of(rng, dtype, (2, 17, 22), origin=origin)
        found += [Case(f"origin {origin}", source, grid), Case("no mask", Source(source.image, None, origin), grid)]
    return found


def _tiny(rng: np.random.Generator, dtype: str) -> list[Case]:
    """Take sources of few pixels, with a validity and without, and outputs of few pixels."""
    found = []
    for shape in [(1, 1), (1, 9), (9, 1), (2, 2), (3, 65)]:
        middle = ((shape[0] - 1) / 2, (shape[1] - 1) / 2)
        for masked in (False, True):
            source = source_of(rng, dtype, (2, *shape), masked)
            found.append(Case(f"source {shape}", source, turned((5, 9), (1, 1), 30, 0.7, middle)))
            found.append(Case(f"source {shape}, boxes", source, Grid(*np.mgrid[-1:3:9j, -1:8:20j])))
            found.append(Case(f"source {shape}, one pixel", source, turned((2, 2), (3, 4), 9, 20, middle)))
    source = source_of(rng, dtype, (3, 9, 11))
    for shape in [(2, 2), (2, 64), (2, 65), (67, 2)]:
        found.append(Case(f"output {shape}", source, curved(shape, (9, 11))))
    for window in [(0, 0, 1, 1), (0, 3, 1, 64), (5, 66, 1, 1)]:
        found.append(Case(f"output {window}", source, curved((6, 67), (9, 11)).crop(Window(*window), 1)))
    return found


def _around(rng: np.random.Generator, dtype: str) -> list[Case]:
    """Let sources begin anew along rows or columns. Some have fewer pixels than that, and begin in some turn."""
    found, shape = [], (9, 28)
    for axis, period, origin in product((0, 1), (0, 3), ((0, 0), (5, 30))):
        size = shape if axis else shape[::-1]
        around = (0, size[1]) if axis else (size[0], 0)
        boundary = Boundary(around=around)
        middle = [first + n / 2 for first, n in zip(origin, size, strict=True)]
        coarse = turned((3, 9), (4, 8), 4 if axis else 94, 1.2, (middle[0], middle[1]))
        bent = turned((6, 66), (1, 1), 4 if axis else 94, 0.7, (middle[0], middle[1]))
        jumps = [np.round(rng.integers(-2, 3, bent.row.shape)) * each for each in around]
        turns = Grid(bent.row + jumps[0], bent.col + jumps[1])
        for masked in (origin[0] > 0,) if period else (False, True):
            source = source_of(rng, dtype, (1, *size), masked, origin=origin)
            if period:  # a part of the whole
                source = Source(source.image, source.valid, origin, size).crop(
                    Window(origin[0] + (0 if axis else period), origin[1] + (period if axis else 0), *_less(size, axis))
                )
            name = f"around {around}, from {source.origin}"
            found += [Case(f"{name}, {kind}", source, grid, boundary) for kind, grid in
                      (("coarse", coarse), ("full", bent), ("turns", turns))]  # fmt: skip
    return found


def _less(shape: tuple[int, int], axis: int) -> tuple[int, int]:
    return (shape[0], shape[1] - 7) if axis else (shape[0] - 7, shape[1])


def _far(rng: np.random.Generator, dtype: str) -> list[Case]:
    """Let corners lie about where nothing lies further away, beyond all numbers, and nowhere."""
    source, found = source_of(rng, dtype, (1, 9, 11)), []
    for far in (9.9e8, 1e9, 1.1e9, 1e300, 1.7e308, np.inf):
        for low in (0.0, -far):
            row, col = np.array([[low, 2, 4], [far, 5, 6]]), np.array([[0, low, 4.0], [0, 3, far]])
            found.append(Case(f"from {low} to {far}", source, Grid(row, col)))
            found.append(Case(f"cells from {low} to {far}", source, Grid(row, col, (3, 4))))
    return found
