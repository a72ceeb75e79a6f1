"""Small public calls that make every kernel run, for smoke and for the sanitizers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import gpumask
from gpu_day.common import NotHere
from gpumask.backends import get
from gpumask.backends.source import kernels_folder

To = Callable[[Any], Any]
SOURCE, OUTPUT = (83, 91), (61, 67)


def image(dtype: str, bands: int = 2) -> np.ndarray:
    """Return values of a 12-bit sensor, on an odd number of rows and columns."""
    return (np.random.default_rng(0).random((bands, *SOURCE)) * 250).astype(dtype)


def valid() -> np.ndarray:
    """Return a validity with a few holes."""
    return (np.random.default_rng(1).random(SOURCE) > 0.02).astype(np.uint8)


def turned(step: int, to: To) -> gpumask.Grid:
    """Return a grid turned by 7 degrees, which leaves the source here and there."""
    counts = (-(-(size - 1) // step) + 1 for size in OUTPUT)
    y, x = np.meshgrid(*(np.arange(count) * float(step) for count in counts), indexing="ij")
    row, col = np.cos(0.12) * y + np.sin(0.12) * x + 3.25, np.cos(0.12) * x - np.sin(0.12) * y - 2.5
    return gpumask.Grid(to(row), to(col), (step, step), window=gpumask.Window(0, 0, *OUTPUT))


def resampled(to: To, backend: str | None, kind: str, interp: str, step: int, **more: Any) -> list[Any]:
    """Return an image and its validity."""
    return list(
        gpumask.resample(to(image(kind)), turned(step, to), interp, source_valid=to(valid()), backend=backend, **more)
    )


def resample(to: To, backend: str | None) -> list[Any]:
    """Every number of taps, full and coarse grids, what lies beyond the edges, both types of sums."""
    found = []
    for kind, interp, step, more in (
        ("uint8", "nearest", 1, {}),
        ("float32", "linear", 9, {"compute_dtype": "float32"}),
        ("uint16", "cubic", 9, {}),
        ("float64", "cubic", 1, {"boundary": "reflect", "nodata_out": None}),
        ("int16", "lanczos3", 9, {"dtype": "float32"}),
        ("uint16", "lanczos3", 1, {"compute_dtype": "float32"}),
    ):
        found += resampled(to, backend, kind, interp, step, **more)
    return found


def footprint(to: To, backend: str | None) -> list[Any]:
    """Return footprints of every width."""
    names = "nearest", "linear", "cubic", "lanczos3", "bspline5"
    return [gpumask.footprint_validity(to(valid()), name, backend=backend) for name in names]


def oversample(to: To, backend: str | None) -> list[Any]:
    """Nodes and a mask of them."""
    nodes = np.random.default_rng(2).random((5, 7))
    shares = gpumask.CoarseMask(to((nodes > 0.2).astype(np.uint8)), (4, 9))
    wanted = gpumask.Window(1, 3, 15, 50)
    return [
        gpumask.oversample(to(nodes), (4, 9), backend=backend),
        gpumask.oversample(to(nodes.astype(np.float32)), (4, 9), wanted, backend=backend),
        gpumask.validity_mask(wanted, shares, backend=backend),
    ]


def prefilter(to: To, backend: str | None) -> list[Any]:
    """B-splines, of pixels among which one is NaN."""
    found = resampled(to, backend, "float64", "bspline3", 1)
    found += resampled(to, backend, "uint16", "bspline5", 9, boundary="symmetric")
    pixels = image("float32")
    pixels[0, 40, 41] = np.nan
    return [*found, *gpumask.resample(to(pixels), turned(9, to), "bspline3", backend=backend)]


def renormalize(to: To, backend: str | None) -> list[Any]:
    """Weights without those of invalid pixels, and their shares."""
    policy = {"mask_policy": "renormalize"}
    found = resampled(to, backend, "float32", "linear", 9, **policy)
    found += resampled(to, backend, "uint16", "cubic", 9, validity="share")
    return found + resampled(to, backend, "uint16", "lanczos3", 1, validity="share", **policy)


def antialias(to: To, backend: str | None) -> list[Any]:
    """Images that shrink, by interpolators as wide as output pixels lie apart."""
    cases = ("uint16", "cubic", 9), ("float32", "lanczos3", 1), ("int16", "linear", 9)
    return [array for case in cases for array in shrunk(to, backend, *case, antialias=True)]


def area(to: To, backend: str | None) -> list[Any]:
    """Return statistics of what output pixels cover, weighed by area."""
    found = shrunk(to, backend, "uint16", "average", 9, validity="share")
    found += shrunk(to, backend, "float32", "sum", 1, dtype="float32")
    return found + shrunk(to, backend, "uint8", "max", 9)


def area_values(to: To, backend: str | None) -> list[Any]:
    """Return statistics of what output pixels cover that are some of its values."""
    found = shrunk(to, backend, "uint8", "mode", 9)
    found += shrunk(to, backend, "uint16", "med", 9, validity="share")
    return found + shrunk(to, backend, "float64", "q3", 1)


def shrunk(to: To, backend: str | None, kind: str, interp: str, step: int, **more: Any) -> list[Any]:
    """Return an image that shrinks and its validity, where invalid pixels are left out."""
    grid = turned(step, to)
    smaller = gpumask.Grid(grid.row * 1.7 - 9, grid.col * 2.3 - 11, grid.resolution, window=grid.window)
    policy = {"mask_policy": "renormalize", "backend": backend}
    return list(gpumask.resample(to(image(kind)), smaller, interp, source_valid=to(valid()), **policy, **more))


def rules(to: To, backend: str | None) -> list[Any]:
    """Rules of integers and of floats."""
    band = np.random.default_rng(3).integers(0, 2**16, SOURCE, np.uint16)
    flags = {"band": "qa", "flags": {"cloud": False, "cloud_confidence": ["low", "medium"]}}
    rule = gpumask.MaskRule.from_config(flags, "landsat_c2_qa_pixel")
    values = gpumask.MaskRule.from_config({"band": "scl", "values": [1, 2]})
    classes = (band % 5).astype(np.float32)
    return [
        gpumask.mask_from_rules([rule], {"qa": to(band)}, backend=backend),
        gpumask.mask_from_rules([values], {"scl": to(classes)}, backend=backend),
    ]


def polygons(to: To, backend: str | None) -> list[Any]:
    """Polygons, one with a hole, together with a mask."""
    try:
        from shapely import box
    except ImportError as error:
        raise NotHere("no shapely") from error
    field, pond = box(5.5, 3, 60.25, 50), box(20, 20.5, 30, 31)
    shares = gpumask.CoarseMask(to(np.ones(OUTPUT, np.uint8)), (1, 1))
    return [gpumask.validity_mask(OUTPUT, shares, gpumask.Polygons(valid=field, invalid=pond), backend=backend)]


def discs(to: To, backend: str | None) -> list[Any]:
    """Masks that grow and shrink."""
    steps = [("opening", 2), ("dilation", 9)]
    return [gpumask.mask_cleanup(to(valid() == 0), steps, backend=backend)]


CALLS: dict[str, Callable[[To, str | None], list[Any]]] = {
    call.__name__: call
    for call in (
        resample, footprint, oversample, prefilter, renormalize, antialias, area, area_values, rules, polygons, discs,
    )
}  # fmt: skip


def all_kernels() -> set[str]:
    """Return the names of all kernels that there are."""
    return {path.stem for path in kernels_folder().glob("*.cu")}


@contextmanager
def launches() -> Iterator[set[str]]:
    """Note the names of the kernels that the cuda backend runs."""
    backend, seen = get("cuda"), set[str]()
    run = backend.run

    def noted(kernel: str, *args: Any, **defines: Any) -> None:
        seen.add(kernel)
        run(kernel, *args, **defines)

    vars(backend)["run"] = noted
    try:
        yield seen
    finally:
        del vars(backend)["run"]
