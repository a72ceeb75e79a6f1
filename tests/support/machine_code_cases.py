"""What the kernels' machine code is run on. Each kernel has random cases of a few variants, the same in every run."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import fixed_cases
import numpy as np
import rule_cases
import shapely
from area_cases import FEW, Areal
from kernel_cases import APPLIED, COVERING, NODATA, SHARING, TYPES, WIDE, Variant, image, to_host, valid
from oversample_cases import THRESHOLDS, nodes_of, places_among, uneven
from oversample_cases import TYPES as NODE_TYPES
from polygon_cases import polygon
from spline_cases import RENORMALIZED

from gpumask import Grid, Window
from gpumask.backends.arguments import Pixels, Valid
from gpumask.backends.backend import Backend
from gpumask.backends.launch import launch
from gpumask.grids.grid import full_shape
from gpumask.grids.oversample import Axis, _run, axes_of
from gpumask.masks.footprint import BANDS_A_WORD, footprints_by_band
from gpumask.masks.polygons import Outlines
from gpumask.pixels.boundary import MODES, Boundary
from gpumask.pixels.interpolators import POLES, Interpolator, bspline
from gpumask.resampling.image import Source, Target
from gpumask.resampling.method import Method
from gpumask.resampling.prefilter import coefficients, domain_of, stretch_of, whole_stretches
from gpumask.resampling.run import resample_into

COUNT = 200  # of each kernel
Make = Callable[[np.random.Generator, Any], Callable[[Backend], list[np.ndarray]]]


class Case(NamedTuple):
    """Something that a backend can run. It returns arrays."""

    name: str
    run: Callable[[Backend], list[np.ndarray]]


def cases(kernel: str, numbers: Iterable[int] = range(COUNT)) -> Iterator[Case]:
    """Yield the cases of a kernel that have these numbers."""
    variants, make = KERNELS[kernel]
    for number in numbers:
        rng, variant = np.random.default_rng([*kernel.encode(), number]), variants[number % len(variants)]
        yield Case(f"{kernel} {number}, {variant}", make(rng, variant))


def of_one_variant(kernel: str, most: int) -> range:
    """Return the numbers of the first cases that share one variant, so that only that one is compiled."""
    step = len(KERNELS[kernel][0])
    return range(0, min(most * step, COUNT), step)


def _chance(rng: np.random.Generator, share: float) -> bool:
    return bool(rng.random() < share)


def _shape(rng: np.random.Generator, rows: int, cols: int) -> tuple[int, int]:
    """Return a shape up to the given one. One side in six is tiny."""
    most = np.where(rng.random(2) < 1 / 6, 4, (rows, cols))
    return int(rng.integers(1, most[0] + 1)), int(rng.integers(1, most[1] + 1))


def _part(
    rng: np.random.Generator, make: Callable[[tuple[int, ...]], np.ndarray], shape: tuple[int, ...]
) -> np.ndarray:
    """Return an array of a shape. Mostly it is a part of a larger one, or has another order."""
    *outer, rows, cols = shape
    kind = rng.integers(4)
    if kind == 0:
        return make(shape)
    if kind == 1:
        return make((*outer, rows + 3, cols + 5))[..., 1:-2, 2:-3]
    if kind == 2:
        return make((*outer, rows, cols + 1))[..., ::-1, 1:]
    return make((*outer, 2 * rows, cols))[..., ::2, :]


def _mask(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return a validity, with a few, a third or all pixels invalid."""
    share = rng.choice([0, 0.03, 0.3, 1], p=[0.2, 0.4, 0.35, 0.05])
    return _part(rng, lambda shape: np.where(rng.random(shape) < share, 0, valid(rng, shape)).astype(np.uint8), shape)


def _framed(backend: Backend, shape: tuple[int, ...], dtype: Any) -> tuple[Any, Any]:
    """Return an array of the backend that is full of sevens, and a part of it for the result."""
    *outer, rows, cols = shape
    around = backend.asarray(np.full((*outer, rows + 2, cols + 5), 7, dtype))
    return around, around[..., 1:-1, 2:-3]


# resample and renormalize


def _source(rng: np.random.Generator, dtype: str, by_band: bool) -> Source:
    """Return pixels over the whole range of their type, with a validity or without. Some are part of a larger image."""
    shape = _shape(rng, 20, 40)
    pixels = _part(rng, lambda shape: image(rng, dtype, shape), (int(rng.integers(1, 4)), *shape))
    if pixels.dtype.kind == "f" and _chance(rng, 0.4):  # about the least normal number
        pixels *= np.finfo(dtype).tiny / pixels.dtype.type(1000)
    origins = [(0, 0), (-7, 12), (70_000, 90_000), (3_000_000_000, -3_000_000_000)]
    origin = origins[rng.choice(4, p=[0.5, 0.3, 0.1, 0.1])]
    masked = pixels.shape if by_band and _chance(rng, 0.7) else shape
    return Source(pixels, _mask(rng, masked) if _chance(rng, 0.7) else None, origin)


def _grid(rng: np.random.Generator, source: Source) -> Grid:
    """Return nodes in and around a source, coarse or of full resolution. Some of them don't count."""
    resolution = (1, 1) if _chance(rng, 0.4) else (int(rng.integers(1, 13)), int(rng.integers(1, 13)))
    nodes = _shape(rng, 18, 90) if resolution == (1, 1) else _shape(rng, 5, 8)
    row, col = _anywhere(rng, nodes, source) if _chance(rng, 0.5) else _turned(rng, nodes, resolution, source)
    nodata = float(rng.choice([np.nan, -9999.0, 2.5]))
    if _chance(rng, 0.5):
        odd = [np.nan, np.inf, -np.inf, 1e300, -1e300, nodata]
        row, col = (np.where(rng.random(nodes) < 0.04, rng.choice(odd, nodes), each) for each in (row, col))
    mask = _mask(rng, nodes) if _chance(rng, 0.4) else None
    whole = full_shape(nodes, resolution)
    window = _window(rng, Window.of_shape(whole)) if _chance(rng, 0.4) else None
    return Grid(row, col, resolution, mask, None if np.isnan(nodata) else nodata, window)


def _anywhere(rng: np.random.Generator, nodes: tuple[int, int], source: Source) -> list[np.ndarray]:
    """Return coordinates in and around a source: whole numbers, halves and others. Mostly they are parts of others."""
    found = []
    for start, size in zip(source.origin, source.image.shape[1:], strict=True):
        place, steps = rng.uniform(start - 3, start + size + 2, nodes), rng.choice([1.0, 2.0, 1e6], nodes)
        place = np.round(place * steps) / steps
        found.append(_part(rng, lambda shape, place=place: np.resize(place, shape), nodes))
    return found


def _turned(
    rng: np.random.Generator, nodes: tuple[int, int], resolution: tuple[int, int], source: Source
) -> list[np.ndarray]:
    """Return coordinates turned by any angle. Their middle lies in the source."""
    angle, scale = rng.choice([0, rng.uniform(-np.pi, np.pi)]), rng.choice([0.25, 0.8, 1.0, 1.7])
    y, x = np.mgrid[0 : nodes[0], 0 : nodes[1]] * np.reshape(resolution, (2, 1, 1)) * scale
    y, x = y - y.mean(), x - x.mean()
    row, col = np.cos(angle) * y + np.sin(angle) * x, np.cos(angle) * x - np.sin(angle) * y
    middle = [start + rng.uniform(0, size) for start, size in zip(source.origin, source.image.shape[1:], strict=True)]
    return [row + np.round(middle[0] * 4) / 4, col + middle[1]]


def _window(rng: np.random.Generator, whole: Window) -> Window:
    """Return a part of a window."""
    rows, cols = int(rng.integers(1, whole.rows + 1)), int(rng.integers(1, whole.cols + 1))
    down, across = int(rng.integers(0, whole.rows - rows + 1)), int(rng.integers(0, whole.cols - cols + 1))
    return Window(whole.row + down, whole.col + across, rows, cols)


def _boundary(rng: np.random.Generator, shape: tuple[int, ...], trusted: float) -> Boundary:
    """Return how a source of that shape continues: in one way, in one way for each axis, or around."""
    modes = [[None, *MODES][number] for number in rng.integers(len(MODES) + 1, size=2)]
    period, axis = [int(rng.integers(1, n + 1)) for n in shape], rng.integers(2)
    around = ((period[0], 0) if axis else (0, period[1])) if _chance(rng, 0.25) else (0, 0)
    return Boundary(modes[0] if _chance(rng, 0.6) else (modes[0], modes[1]), _chance(rng, trusted), around)


class Sharing(NamedTuple):
    """A specialisation of `resample` that gives shares too."""

    variant: Variant

    def __str__(self) -> str:
        return f"{self.variant}-share"


def _resample(rng: np.random.Generator, variant: Variant | Sharing) -> Callable[[Backend], list[np.ndarray]]:
    share, of = isinstance(variant, Sharing), variant.variant if isinstance(variant, Sharing) else variant
    return _resampling(rng, of, Method(APPLIED[of.interp]), share)


def _renormalize(rng: np.random.Generator, variant: Variant) -> Callable[[Backend], list[np.ndarray]]:
    least = float(rng.choice([1e-5, 0.2, 0.5, 0.7, 1.0, rng.uniform(1e-3, 1)]))
    return _resampling(rng, variant, Method(APPLIED[variant.interp], mask_policy="renormalize", min_weight=least))


def _resampling(
    rng: np.random.Generator, variant: Variant, method: Method, share: bool = False
) -> Callable[[Backend], list[np.ndarray]]:
    """Return a function that resamples a random source through a random grid. It gives all memory around the result."""
    source = _source(rng, variant.source, bool(variant.validity))
    boundary = _boundary(rng, source.image.shape[1:], 0.8)
    method = dataclasses.replace(method, boundary=boundary, compute_dtype=variant.compute)
    grid, outside = _grid(rng, source), int(rng.integers(3))
    nodata = math.nan if variant.output.startswith("float") and _chance(rng, 0.3) else float(rng.choice([0, NODATA]))
    has_validity = method.least_weight is not None or _chance(rng, 0.8)

    def run(backend: Backend) -> list[np.ndarray]:
        image_around, image_out = _framed(backend, (source.image.shape[0], *grid.shape), variant.output)
        planes = image_out.shape if variant.validity else grid.shape
        around, out = _framed(backend, planes, np.uint8)
        target = Target(image_out, out if has_validity or variant.validity else None, nodata, outside)
        found = [image_around, around]
        if share:
            shares_around, shares = _framed(backend, planes, np.float32)
            target, found = Target(image_out, shares, nodata, outside, out), [*found, shares_around]
        resample_into(backend, source, grid, method, target)
        return [to_host(backend, array) for array in found]

    return run


# antialias


class Antialiasing(NamedTuple):
    """One specialisation of `antialias`, by the names of its types."""

    source: str
    output: str
    interp: str


def _antialias(rng: np.random.Generator, variant: Antialiasing) -> Callable[[Backend], list[np.ndarray]]:
    """Return a function that resamples a random source through a random grid, in which it may shrink a lot."""
    source = _source(rng, variant.source, False)
    boundary = _boundary(rng, source.image.shape[1:], 0.8)
    policy = {"mask_policy": "renormalize", "min_weight": float(rng.uniform(0.01, 1))} if _chance(rng, 0.6) else {}
    method = Method(variant.interp, antialias=True, **policy).on(boundary.around, source.image.shape[1:])
    grid, share = _grid(rng, source), float(rng.choice([1.0, 1.5, 4.0]))
    middle = [first + size / 2 for first, size in zip(source.origin, source.image.shape[1:], strict=True)]
    row, col = (at + (nodes - at) * share for at, nodes in zip(middle, (grid.row, grid.col), strict=True))
    grid, outside = dataclasses.replace(grid, row=row, col=col), int(rng.integers(3))

    def run(backend: Backend) -> list[np.ndarray]:
        image_around, image_out = _framed(backend, (source.image.shape[0], *grid.shape), variant.output)
        around, out = _framed(backend, grid.shape, np.uint8)
        resample_into(backend, source, grid, method, Target(image_out, out, NODATA, outside))
        return [to_host(backend, image_around), to_host(backend, around)]

    return run


# area and area_values


def _area(rng: np.random.Generator, variant: Areal) -> Callable[[Backend], list[np.ndarray]]:
    """Return a function that makes a statistic of a random source. It gives all memory around the result."""
    source = _source(rng, variant.source, bool(variant.validity))
    if _chance(rng, 0.5):  # few values, as of classes
        some = rng.choice(source.image.ravel(), 3)
        source = dataclasses.replace(source, image=some[rng.integers(0, 3, source.image.shape)])
    shape = source.image.shape[1:]
    around = [(0, 0), (shape[0], 0), (0, shape[1])][rng.choice(3, p=[0.8, 0.1, 0.1])]
    least = [0.0, 1e-5, 0.5, 1.0, float(rng.uniform(1e-3, 1))][rng.integers(5)]
    method = variant._replace(least=least).method._changed(boundary=Boundary(around=around))
    grid = _areal_grid(rng, source)
    nodata = math.nan if variant.output.startswith("float") and _chance(rng, 0.3) else float(rng.choice([0, NODATA]))
    outside, share = int(rng.integers(3)), _chance(rng, 0.6)

    def run(backend: Backend) -> list[np.ndarray]:
        image_around, image_out = _framed(backend, (source.image.shape[0], *grid.shape), variant.output)
        planes = image_out.shape if variant.validity else grid.shape
        (around, out), (shares_around, shares) = (_framed(backend, planes, dtype) for dtype in (np.uint8, np.float32))
        places = (shares, nodata, outside, out) if share else (out, nodata, outside)
        resample_into(backend, source, grid, method, Target(image_out, *places))
        return [to_host(backend, array) for array in (image_around, around, shares_around)]

    return run


def _areal_grid(rng: np.random.Generator, source: Source) -> Grid:
    """Return a grid as others have, of 2 x 2 nodes at least. In half of them pixels are boxes, in some large ones."""
    if _chance(rng, 0.5):
        grid = _grid(rng, source)
        while min(grid.row.shape) < 2:
            grid = _grid(rng, source)
        return grid
    nodes, steps = (
        tuple(int(rng.integers(2, n)) for n in (9, 40)),
        rng.choice([0.25, 0.5, 1.0, 1.3, 2.0, 7.7], (2, 1, 1)),
    )
    y, x = np.mgrid[0 : nodes[0], 0 : nodes[1]] * steps + rng.integers(-8, 9, (2, 1, 1)) / 4
    return Grid(y + source.origin[0], x[:, :: rng.choice([-1, 1])] + source.origin[1])


# fixed_nodes, footprint, all_finite and prefilter


def _fixed_nodes(rng: np.random.Generator, _: str) -> Callable[[Backend], list[np.ndarray]]:
    grid = fixed_cases.grid(rng, _shape(rng, 30, 100))
    return lambda backend: fixed_cases.fixed_nodes_of(backend, grid)


def _footprint(rng: np.random.Generator, interp: Interpolator) -> Callable[[Backend], list[np.ndarray]]:
    mask = _mask(rng, _shape(rng, 30, 140))

    def run(backend: Backend) -> list[np.ndarray]:
        given, out = backend.asarray(mask), backend.asarray(np.full(mask.shape, 77, np.uint8))
        backend.run("footprint", mask.shape, given, given.strides[0], 0, 1, out, **interp.defines)
        return [to_host(backend, out)]

    masks = _mask(rng, (int(rng.integers(1, BANDS_A_WORD + 1)), *_shape(rng, 20, 90)))

    def run_by_band(backend: Backend) -> list[np.ndarray]:
        return [to_host(backend, footprints_by_band(backend, masks, interp))]

    return run if _chance(rng, 0.7) else run_by_band


def _all_finite(rng: np.random.Generator, dtype: str) -> Callable[[Backend], list[np.ndarray]]:
    shape, most = _shape(rng, 30, 140), float(rng.choice([1e3, 1e38, np.finfo(dtype).max]))
    pixels = _part(rng, lambda shape: image(rng, dtype, shape), (int(rng.integers(1, 4)), *shape))
    mask = _mask(rng, shape) if _chance(rng, 0.6) else None

    def run(backend: Backend) -> list[np.ndarray]:
        given, out = backend.asarray(pixels), backend.asarray(np.full(shape, 77, np.uint8))
        counts = Valid.of(None if mask is None else backend.asarray(mask))
        launch(backend, "all_finite", shape, Pixels.of(given), most, counts, out, SRC_T=given.dtype)
        return [to_host(backend, out)]

    return run


class Filtering(NamedTuple):
    """One specialisation of `prefilter`, for all B-splines whose filters have the same buffer."""

    dtype: str
    samples: int

    @property
    def splines(self) -> list[Interpolator]:
        every = [bspline(order, epsilon) for order in POLES for epsilon in (1e-2, 1e-3, 1e-6, 1e-8, 1e-12)]
        return [interp for interp in every if stretch_of(interp)[1] == self.samples]


def _prefilter(rng: np.random.Generator, variant: Filtering) -> Callable[[Backend], list[np.ndarray]]:
    splines = variant.splines
    interp = splines[rng.integers(len(splines))]
    long = 2 * stretch_of(interp)[0]
    shape = _shape(rng, *((long, 9) if _chance(rng, 0.5) else (9, long)))
    boundary = _boundary(rng, shape, 0.7)
    if domain_of(interp, boundary, shape).is_empty:
        boundary = Boundary("reflect")
    domain = domain_of(interp, boundary, shape)
    wanted = whole_stretches(interp, _window(rng, domain), domain) if _chance(rng, 0.5) else domain
    shape = boundary.once(shape)
    here = wanted.pad(interp.reach) if _chance(rng, 0.3) else Window.of_shape(shape)
    pixels = _part(rng, lambda shape: image(rng, variant.dtype, shape), (int(rng.integers(1, 3)), *here.shape))
    mask = _mask(rng, here.shape) if _chance(rng, 0.6) else None

    def run(backend: Backend) -> list[np.ndarray]:
        given = backend.asarray(pixels)
        return [to_host(backend, coefficients(backend, given, here, interp, boundary, wanted, domain, mask))]

    return run


# oversample


def _oversample(rng: np.random.Generator, types: Any) -> Callable[[Backend], list[np.ndarray]]:
    nodes = _part(rng, lambda shape: nodes_of(rng, types.nodes, shape), _shape(rng, 8, 40))
    rows, cols = _axes(rng, nodes.shape)
    reach = float(rng.choice(THRESHOLDS)) * rows.total * cols.total

    def run(backend: Backend) -> list[np.ndarray]:
        around, out = _framed(backend, (len(rows.node), len(cols.node)), types.output)
        _run(backend, backend.asarray(nodes), rows, cols, reach, out)
        return [to_host(backend, around)]

    return run


def _axes(rng: np.random.Generator, nodes: tuple[int, int]) -> tuple[Axis, Axis]:
    """Return pixels among nodes: between uneven places, or in cells with whole or rounded weights."""
    if _chance(rng, 0.3):
        first, second = (Axis.between(at, places_among(rng, at)) for at in (uneven(rng, count) for count in nodes))
        return first, second
    resolution = int(rng.integers(1, 9)), int(rng.choice([1, 2, 3, 7, 64, 100]))
    whole = Window.of_shape(full_shape(nodes, resolution))
    part = _window(rng, whole)
    rows, cols = axes_of(Window(part.row, part.col, min(part.rows, 30), min(part.cols, 140)), resolution)
    return (rows, cols) if _chance(rng, 0.5) else (rows.fractions, cols.fractions)


# masks


def _rules(rng: np.random.Generator, dtype: str) -> Callable[[Backend], list[np.ndarray]]:
    shape, count = _shape(rng, 30, 140), int(rng.choice(5, p=[0.05, 0.4, 0.3, 0.15, 0.1]))
    band = _part(rng, lambda shape: rule_cases.pixels_of(rng, dtype, shape), shape)
    table = rule_cases.random_table(rng, band, count)
    if _chance(rng, 0.3):  # one rule of one test with one value, which goes another way
        bits, values = rule_cases.random_test(rng, band)
        count, table = 1, np.array([*rng.integers(0, 2, 2), 1, bits, 1, (values or [0])[0]], table.dtype)
    also = rng.integers(0, 2, shape).astype(np.uint8) if _chance(rng, 0.5) else None
    case = rule_cases.Case(dtype, band, table, count, also)
    return lambda backend: [rule_cases.run_rules(backend, case)]


def _inside_polygons(rng: np.random.Generator, _: str) -> Callable[[Backend], list[np.ndarray]]:
    polygons = [polygon(rng) for _ in range(rng.integers(20))]
    if _chance(rng, 0.3):
        polygons.append(shapely.box(2, 2, 150, 30).difference(shapely.box(20.5, 5, 130, 25.5)))
    if _chance(rng, 0.3):
        teeth = [(x, y) for i in range(70) for x, y in ((2 * i, 0), (2 * i + 0.7, 33), (2 * i + 1.4, 0.2))]
        polygons.append(shapely.Polygon(teeth))
    far = int(rng.choice([0, 0, 3_000_000_000]))
    polygons = [shapely.transform(each, lambda xy: xy + far) for each in polygons]
    window = Window(far + int(rng.integers(-5, 40)), far + int(rng.integers(-20, 190)), *_shape(rng, 30, 140))
    outlines = Outlines.of(polygons, (0.5, 0.5) if _chance(rng, 0.5) else (0.0, 0.0))
    return lambda backend: [to_host(backend, outlines.inside(window, backend))]


def _column_distance(rng: np.random.Generator, _: str) -> Callable[[Backend], list[np.ndarray]]:
    share, radius = rng.choice([0.003, 0.03, 0.5]), _radius(rng)
    mask = _part(rng, lambda shape: valid(rng, shape) * (rng.random(shape) < share), _shape(rng, 40, 100))

    def run(backend: Backend) -> list[np.ndarray]:
        given, out = backend.asarray(mask), backend.asarray(np.full(mask.shape, 77, np.uint16))
        backend.run("column_distance", mask.shape, given, given.strides[0], radius, out)
        return [to_host(backend, out)]

    return run


def _dilate(rng: np.random.Generator, _: str) -> Callable[[Backend], list[np.ndarray]]:
    shape, radius = _shape(rng, 40, 100), _radius(rng)
    heights = np.floor(np.sqrt(radius**2 - np.arange(-radius, radius + 1) ** 2)).astype(np.int32)
    if _chance(rng, 0.3):
        heights = rng.integers(0, radius + 1, 2 * radius + 1).astype(np.int32)
    distance = np.minimum(rng.geometric(1 / (radius + 1), shape) - 1, radius + 1).astype(np.uint16)

    def run(backend: Backend) -> list[np.ndarray]:
        given, figure, out = map(backend.asarray, (distance, heights, np.full(shape, 77, np.uint8)))
        backend.run("dilate", shape, given, figure, radius, out)
        return [to_host(backend, out)]

    return run


def _radius(rng: np.random.Generator) -> int:
    """Return the radius of a disc. One in forty is as large as allowed."""
    return int(rng.choice([1, 2, 3, 5, 17, 70, 300, 2**15], p=[0.15, 0.15, 0.15, 0.2, 0.15, 0.1, 0.075, 0.025]))


# The variants of each kernel, and the function that makes a case of one. A short run takes the first variant.
_RESAMPLED = [
    Variant("int16", "float64", "float64", "cubic"),
    Variant("int32", "int16", "float64", "linear"),
    Variant("float32", "float64", "float64", "bspline7"),
    *COVERING,
    *WIDE,
    *map(Sharing, SHARING),
]
_RENORMALIZED = [
    Variant("float64", "float32", "float32", "linear"),
    Variant("uint8", "float32", "float64", "lanczos3"),
    Variant("float32", "uint8", "float64", "cubic"),
    *(Variant(dtype, dtype, "float64", RENORMALIZED[i % 3]) for i, dtype in enumerate(TYPES)),
    *(Variant(dtype, dtype, "float32", interp) for dtype in ("uint16", "float32") for interp in RENORMALIZED),
]
_FILTERINGS = [*(Filtering(dtype, 256) for dtype in TYPES), Filtering("uint16", 512), Filtering("float32", 1024)]
_ANTIALIASED = [
    Antialiasing("uint16", "uint16", "cubic"),
    Antialiasing("float32", "float32", "lanczos3"),
    Antialiasing("int64", "float64", "linear"),
    *(Antialiasing(dtype, dtype, ("linear", "cubic", "lanczos3")[i % 3]) for i, dtype in enumerate(TYPES)),
]
KERNELS: dict[str, tuple[list[Any], Make]] = {
    "area": ([variant for variant in FEW if variant.kernel == "area"], _area),
    "area_values": ([variant for variant in FEW if variant.kernel == "area_values"], _area),
    "resample": (_RESAMPLED, _resample),
    "renormalize": (_RENORMALIZED, _renormalize),
    "antialias": (_ANTIALIASED, _antialias),
    "fixed_nodes": (["float64"], _fixed_nodes),
    "footprint": ([APPLIED["cubic"], *(APPLIED[name] for name in APPLIED if name != "cubic")], _footprint),
    "all_finite": (["float32", "float64"], _all_finite),
    "prefilter": (_FILTERINGS, _prefilter),
    "oversample": (NODE_TYPES[::-1], _oversample),
    "rules": (list(TYPES), _rules),
    "inside_polygons": (["int32"], _inside_polygons),
    "column_distance": (["uint16"], _column_distance),
    "dilate": (["uint16"], _dilate),
}
