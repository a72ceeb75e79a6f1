"""What the kernels are run on: the variants of `resample`, and sources and grids with all that is awkward in them."""

import dataclasses
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from gpumask import Grid, Window
from gpumask.backends.backend import Backend
from gpumask.backends.source import C_TYPES
from gpumask.masks.footprint import footprints
from gpumask.pixels.boundary import MODES, Boundary
from gpumask.pixels.interpolators import INTERPOLATORS
from gpumask.resampling.image import Source, Target
from gpumask.resampling.method import Method
from gpumask.resampling.run import resample_into

TYPES = tuple(C_TYPES)
INTEGERS = tuple(name for name in TYPES if "int" in name)
# Those with taps. The first read pixels as they are. B-splines read coefficients, which are random here.
APPLIED = {
    name: dataclasses.replace(interp, filtered=interp.order > 0)
    for name, interp in INTERPOLATORS.items()
    if interp.taps
}
NODATA = 77.0  # in the range of every type


class Variant(NamedTuple):
    """One specialisation of `resample`, by the names of its types.

    Nearest sums nothing, but `compute` says how exact its coordinates are. With float32 they are in fixed point, unless
    the source lies too far away. `validity` is "band" if each band is valid by itself, and "" if all are valid
    together.
    """

    source: str
    output: str
    compute: str
    interp: str
    validity: str = ""

    @property
    def taps(self) -> int:
        return APPLIED[self.interp].taps

    @property
    def defines(self) -> dict[str, Any]:
        compute = self.source if self.taps == 1 else self.compute
        types = {"SRC_T": self.source, "OUT_T": self.output, "ACC_T": compute}
        more = {"FIXED": 1} if self.compute == "float32" else {}
        more |= {"BY_BAND": 1} if self.validity else {}
        return {**{name: np.dtype(type_) for name, type_ in types.items()}, **APPLIED[self.interp].defines, **more}

    def __str__(self) -> str:
        return "-".join(filter(None, self))


def _nearest(source: str, output: str) -> Variant:
    return Variant(source, output, "float64", "nearest")


# Interpolators with more taps, or with coefficients. Their sums are converted as those of the others.
WIDE = [
    Variant("float64", "uint16", "float64", "bspline3"),
    Variant("float64", "float32", "float32", "bspline5"),
    Variant("float64", "float64", "float64", "bspline9"),
    Variant("float64", "float64", "float64", "bspline11"),
    Variant("uint16", "uint16", "float64", "lanczos3"),
    Variant("float32", "float32", "float32", "lanczos3"),
    Variant("float64", "int16", "float64", "bspline3", "band"),
]
BY_BAND = [
    Variant("uint16", "uint16", "float64", "cubic", "band"),
    Variant("uint8", "uint8", "float64", "nearest", "band"),
    Variant("float32", "float32", "float32", "linear", "band"),
]
# Every source type goes to the same type by nearest, linear and cubic. Some go to float32 and float64 by one of these
# each. All compute in float64, some in float32 too. How a sum is stored depends neither on the interpolator nor on the
# source.
_USUAL = ("nearest", "linear", "cubic")
MATRIX = [
    *(Variant(source, source, "float64", interp) for source in TYPES for interp in _USUAL),
    *(
        Variant(source, output, "float64", _USUAL[(i + j) % 3])
        for i, source in enumerate(("uint8", "int16", "int32", "float32", "float64"))
        for j, output in enumerate(("float32", "float64"))
        if output != source
    ),
    *(Variant(source, source, "float32", interp) for source in ("uint16", "int64", "float32") for interp in _USUAL[1:]),
    Variant("uint16", "uint16", "float32", "nearest"),
    *BY_BAND,
]
# Integers to narrower, wider and differently signed ones, and floats to all of them.
CONVERSIONS = [
    *(_nearest("float64", output) for output in INTEGERS),
    *(_nearest("int64", output) for output in INTEGERS if output != "int64"),
    *(_nearest(source, output) for source, output in [("uint64", "int64"), ("uint64", "int8"), ("int8", "uint64")]),
    Variant("float32", "uint16", "float32", "cubic"),
    Variant("float64", "int64", "float64", "linear"),
]
# What the sanitizers watch: each interpolator, each size of a pixel, and sums that are clipped.
WATCHED_VARIANTS = [
    Variant("int8", "int8", "float64", "cubic"),
    Variant("uint8", "uint8", "float64", "linear"),
    Variant("int16", "int16", "float64", "nearest"),
    Variant("int64", "uint8", "float64", "nearest"),
    Variant("uint16", "uint16", "float32", "nearest"),
    Variant("float32", "uint16", "float32", "cubic"),
    Variant("float64", "int64", "float64", "linear"),
    Variant("float64", "float32", "float32", "bspline5"),
    Variant("uint16", "uint16", "float64", "lanczos3"),
    *BY_BAND,
]
# Each source type, each output type, and each of the usual interpolators in each compute type, at least once.
COVERING = [
    *WATCHED_VARIANTS,
    Variant("uint16", "uint16", "float32", "linear"),
    Variant("int32", "int32", "float64", "cubic"),
    Variant("uint32", "uint32", "float64", "linear"),
    Variant("int64", "int64", "float64", "linear"),
    Variant("uint64", "uint64", "float64", "cubic"),
    Variant("float32", "float32", "float32", "cubic"),
    Variant("float64", "float64", "float64", "cubic"),
    Variant("float64", "float64", "float64", "nearest"),
]
# Variants that give shares too.
SHARING = [
    Variant("uint16", "uint16", "float64", "cubic"),
    Variant("float32", "float32", "float32", "linear"),
    Variant("uint8", "uint8", "float64", "nearest"),
    Variant("float64", "uint16", "float64", "lanczos3"),
    Variant("uint16", "float32", "float32", "lanczos3", "band"),
    Variant("float32", "float32", "float64", "cubic", "band"),
]
# Variants that tests compile for each of the nine sets of facts. See gpumask/backends/launch.py.
FACTUAL = [
    Variant("int8", "int8", "float64", "cubic"),
    Variant("int16", "int16", "float64", "nearest"),
    Variant("float32", "float32", "float32", "linear", "band"),
    Variant("float64", "float32", "float32", "bspline5"),
]


class Case(NamedTuple):
    """A source, a grid, and what lies beyond the source's edges."""

    name: str
    source: Source
    grid: Grid
    boundary: Boundary = Boundary()


def resampled(backend: Backend, variant: Variant, case: Case, nodata: float = NODATA) -> tuple[np.ndarray, np.ndarray]:
    """Run `resample` on a backend. Return the image and the validity as NumPy arrays."""
    source = of_bands(case.source) if variant.validity else case.source
    image = backend.empty((source.image.shape[0], *case.grid.shape), variant.output)
    validity = backend.empty(image.shape if variant.validity else case.grid.shape, np.uint8)
    target = Target(image, validity, nodata, outside=2)
    method = Method(APPLIED[variant.interp], boundary=case.boundary, compute_dtype=variant.compute)
    resample_into(backend, source, case.grid, method, target)
    return to_host(backend, image), to_host(backend, validity)


def shared(backend: Backend, variant: Variant, case: Case) -> list[np.ndarray]:
    """Run `resample` for shares on a backend. Return the image, the shares, and what is valid."""
    source = of_bands(case.source) if variant.validity else case.source
    image = backend.empty((source.image.shape[0], *case.grid.shape), variant.output)
    shares, valid = (
        backend.empty(image.shape if variant.validity else case.grid.shape, dtype) for dtype in (np.float32, np.uint8)
    )
    method = Method(APPLIED[variant.interp], boundary=case.boundary, compute_dtype=variant.compute)
    resample_into(backend, source, case.grid, method, Target(image, shares, NODATA, outside=2, valid=valid))
    return [to_host(backend, array) for array in (image, shares, valid)]


def of_bands(source: Source) -> Source:
    """Return a source with a different validity for each band, if it has a validity and more than one band."""
    bands = len(source.image)
    if source.valid is None or bands == 1:
        return source
    return dataclasses.replace(source, valid=np.stack([np.roll(source.valid, band, axis=1) for band in range(bands)]))


def footprint_of(backend: Backend, valid: np.ndarray, interp: str) -> np.ndarray:
    """Run `footprint` on a backend. Return a NumPy array."""
    return to_host(backend, footprints(backend, valid, APPLIED[interp]))


def to_host(backend: Backend, array: Any) -> np.ndarray:
    """Return a backend's array as a NumPy array."""
    return np.asarray(backend.to_family_of(np.empty(0), array))


def assert_same_bits(found: np.ndarray, expected: np.ndarray, what: str = "") -> None:
    """Compare to the bit, with the sign of a zero."""
    assert found.dtype == expected.dtype
    as_bits = f"u{found.dtype.itemsize}"
    np.testing.assert_array_equal(
        np.ascontiguousarray(found).view(as_bits), np.ascontiguousarray(expected).view(as_bits), what
    )


def assert_same_results(
    found: tuple[np.ndarray, np.ndarray], expected: tuple[np.ndarray, np.ndarray], case: Case
) -> None:
    """Compare validities, then images, to the bit."""
    assert_same_bits(found[1], expected[1], f"validity of {case.name}")
    assert_same_bits(found[0], expected[0], f"image of {case.name}")


def masks() -> list[np.ndarray]:
    """Return validities of all shapes about one pixel, one segment (64 columns) and one tile (32 rows)."""
    rng = np.random.default_rng(1)
    shapes = [*product((1, 2, 3, 33), (1, 2, 3, 4, 63, 64, 65, 130)), (130, 1)]
    return [valid(rng, shape) for shape in shapes] + [np.ones(shape, np.uint8) for shape in shapes]


def cases(dtype: str) -> list[Case]:
    """Return cases for a source type, the same ones in every run."""
    rng = np.random.default_rng(TYPES.index(dtype))
    return [
        _coarse(rng, dtype),
        _scattered(rng, dtype),
        _smooth(rng, dtype),
        *_windows(rng, dtype),
        *_views(rng, dtype),
        *_origins(rng, dtype),
        *_tiny_sources(rng, dtype),
        *_tiny_outputs(rng, dtype),
        *_beyond_the_edges(rng, dtype),
        *_each_axis_its_way(rng, dtype),
    ]


def _coarse(rng: np.random.Generator, dtype: str) -> Case:
    """Turn the image by 7 degrees, partly off its edges. Some nodes are masked, nodata, NaN, infinite or far away."""
    grid = _spoilt(rng, _rotated((13, 16), (9, 11)), [-9999.0, np.nan, np.inf, 1e300])
    grid = Grid(grid.row, grid.col, (9, 11), rng.random((13, 16)) < 0.96, nodata=-9999.0)
    return Case("coarse grid", Source(image(rng, dtype, (2, 80, 120)), valid(rng, (80, 120))), grid)


def _scattered(rng: np.random.Generator, dtype: str) -> Case:
    """Take each output pixel from anywhere."""
    grid = _spoilt(rng, _anywhere(rng, (45, 131), (30, 40)), [np.nan, -np.inf, -1e300, 1e300])
    grid = Grid(grid.row, grid.col, mask=rng.random((45, 131)) < 0.96)
    return Case("scattered", Source(image(rng, dtype, (1, 30, 40)), valid(rng, (30, 40))), grid)


def _smooth(rng: np.random.Generator, dtype: str) -> Case:
    """Stay inside the source, with no masks, over whole segments."""
    row, col = np.mgrid[0:33, 0:128] * 0.25 + 1.125
    return Case("smooth, no masks", Source(image(rng, dtype, (3, 12, 40))), Grid(row, col))


def _windows(rng: np.random.Generator, dtype: str) -> list[Case]:
    """Take windows of coarse grids that begin inside a cell. The grids are coarse on either axis or on both."""
    source = Source(image(rng, dtype, (1, 60, 90)), valid(rng, (60, 90)))
    windows = [((9, 120), (8, 1), Window(3, 7, 40, 77)), ((70, 9), (1, 13), Window(33, 1, 30, 100))]
    windows.append(((4, 4), (40, 300), Window(41, 299, 34, 140)))
    found = []
    for nodes, resolution, window in windows:
        grid = _rotated(nodes, resolution)
        found.append(Case(f"window {resolution}", source, Grid(grid.row, grid.col, resolution, window=window)))
    return found


def _views(rng: np.random.Generator, dtype: str) -> list[Case]:
    """Read sources and grids that are parts of larger arrays or have other strides."""
    large, grid, mask = image(rng, dtype, (4, 70, 90)), _anywhere(rng, (40, 80), (20, 40)), valid(rng, (35, 75))
    cropped = Grid(grid.row[2:-3, 1:-4], grid.col[2:-3, 1:-4], mask=mask)
    strided = Grid(grid.row[::-2, :-2:3], grid.col.copy()[1::2, 2::3], mask=mask[::-1, ::2][:20, :26])
    by_column = Grid(np.asfortranarray(grid.row), grid.col.astype(np.float32))
    parts = {"cropped": large[1:3, 5:-7, 3:-4], "strided": large[::3, ::-3, ::2], "other order": large.swapaxes(1, 2)}
    parts["byte-swapped"] = large.astype(large.dtype.newbyteorder())
    parts["one row for all"] = np.broadcast_to(large[:2, :1], (2, 30, 90))
    return [
        Case(f"{name} source", Source(part, valid(rng, part.shape[1:])), grid)
        for (name, part), grid in zip(parts.items(), [cropped, strided, by_column, cropped, strided], strict=True)
    ]


def _origins(rng: np.random.Generator, dtype: str) -> list[Case]:
    """Take windows of larger images, some with too many rows for a 32-bit integer."""
    found = []
    for origin in [(-7, 12), (70_000, 90_000), (3_000_000_000, -3_000_000_000)]:
        grid = _anywhere(rng, (20, 70), (25, 30), origin)
        source = Source(image(rng, dtype, (2, 25, 30)), valid(rng, (25, 30)), origin)
        found += [Case(f"origin {origin}", source, grid), Case("no mask", Source(source.image, None, origin), grid)]
    return found


def _tiny_sources(rng: np.random.Generator, dtype: str) -> list[Case]:
    """Take sources with fewer pixels than there are taps, with a validity and without."""
    found = []
    for shape in [(1, 1), (1, 9), (9, 1), (2, 2), (3, 3), (4, 4), (2, 65)]:
        grid = _anywhere(rng, (3, 131), shape)
        pixels = image(rng, dtype, (2, *shape))
        found += [Case(f"source {shape}", Source(pixels, mask), grid) for mask in (None, valid(rng, shape))]
    return found


def _tiny_outputs(rng: np.random.Generator, dtype: str) -> list[Case]:
    """Make images of a pixel, a row and a column."""
    source = Source(image(rng, dtype, (3, 9, 11)), valid(rng, (9, 11)))
    shapes = [(1, 1), (1, 64), (1, 65), (1, 200), (67, 1)]
    return [Case(f"output {shape}", source, _anywhere(rng, shape, (9, 11))) for shape in shapes]


def _beyond_the_edges(rng: np.random.Generator, dtype: str) -> list[Case]:
    """Let sources continue beyond their edges, with a validity and without, down to a source of one pixel."""
    found = []
    for mode, shape in product(MODES, [(1, 1), (2, 3), (9, 14)]):
        grid = _anywhere(rng, (3, 131), shape)
        pixels = image(rng, dtype, (2, *shape))
        for mask in (None, valid(rng, shape)):
            found.append(Case(f"source {shape}, {mode}", Source(pixels, mask), grid, Boundary(mode)))
    return found


def _each_axis_its_way(rng: np.random.Generator, dtype: str) -> list[Case]:
    """Let rows and columns continue in two ways, and let sources begin anew: whole ones, and windows in some turn."""
    found, shape = [], (9, 14)
    for modes in ((None, "wrap"), ("reflect", None), ("constant", "edge")):
        source = Source(image(rng, dtype, (2, *shape)), valid(rng, shape))
        found.append(Case(f"{modes}", source, _anywhere(rng, (3, 131), shape), Boundary(modes)))
    for around, mode in (((0, 14), None), ((0, 12), "edge"), ((9, 0), "reflect")):
        grid = _anywhere(rng, (3, 131), shape)
        far = Grid(grid.row + around[0] * 7, grid.col - around[1] * 5)
        pixels = image(rng, dtype, (2, *shape))
        for mask in (None, valid(rng, shape)):
            found.append(Case(f"around {around}, {mode}", Source(pixels, mask), far, Boundary(mode, around=around)))
            window = Source(pixels, mask, (0, 33), (20, 25))
            found.append(Case(f"a window around {around}", window, grid, Boundary(around=(0, 25))))
    return found


def image(rng: np.random.Generator, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return random pixels. Integers have their whole range. One float in a hundred is NaN, infinite, huge or tiny."""
    if dtype in INTEGERS:
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype, endpoint=True)
    pixels = (rng.standard_normal(shape) * 1000).astype(dtype)
    largest = float(np.finfo(dtype).max)
    odd = np.array([np.nan, np.inf, -np.inf, largest, -largest / 1e8, 0.0, -0.0], dtype)
    return np.where(rng.random(shape) < 0.01, rng.choice(odd, shape), pixels)


def valid(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return a validity with a few invalid pixels. Valid pixels have all sorts of numbers."""
    return np.where(rng.random(shape) < 0.03, 0, rng.integers(1, 256, shape)).astype(np.uint8)


def _rotated(nodes: tuple[int, int], resolution: tuple[int, int]) -> Grid:
    """Return nodes turned by 7 degrees about a place near their beginning."""
    y, x = np.mgrid[0 : nodes[0], 0 : nodes[1]] * np.reshape(resolution, (2, 1, 1)) * 0.8
    cos, sin = np.cos(np.radians(7)), np.sin(np.radians(7))
    return Grid(cos * y + sin * x - 5.3, cos * x - sin * y - 2.6, resolution)


def _anywhere(
    rng: np.random.Generator, nodes: tuple[int, int], source: tuple[int, int], origin: tuple[int, int] = (0, 0)
) -> Grid:
    """Return coordinates in and around a source. A third are whole, a third are halves, and a third lie between."""
    steps = rng.choice([1.0, 2.0, 1e6], (2, *nodes))
    places = [rng.uniform(start - 3, start + size + 2, nodes) for start, size in zip(origin, source, strict=True)]
    row, col = np.round(np.stack(places) * steps) / steps
    return Grid(row, col)


def _spoilt(rng: np.random.Generator, grid: Grid, values: list[float]) -> Grid:
    """Return a grid in which one node in fifty has an unusual value, in its row, its column or both."""
    row, col = (np.where(rng.random(n.shape) < 0.02, rng.choice(values, n.shape), n) for n in (grid.row, grid.col))
    return Grid(row, col, grid.resolution)
