"""What the kernels of B-splines and of renormalised weights are run on."""

from typing import Any, NamedTuple

import numpy as np
from kernel_cases import APPLIED, NODATA, cases, image, to_host

from gpumask.backends.arguments import Pixels, Valid
from gpumask.backends.backend import Backend
from gpumask.backends.launch import launch
from gpumask.pixels.boundary import Boundary
from gpumask.pixels.interpolators import Interpolator, bspline
from gpumask.pixels.window import Window
from gpumask.resampling.image import Target
from gpumask.resampling.method import Method
from gpumask.resampling.prefilter import coefficients, domain_of, stretch_of
from gpumask.resampling.run import resample_into

FINITE = [
    (dtype, shape, masked)
    for dtype in ("float32", "float64")
    for shape in ((1, 1), (33, 130))
    for masked in (False, True)
]
RENORMALIZED = ("linear", "cubic", "lanczos3")


class Filtering(NamedTuple):
    """A B-spline, and an image whose coefficients are made."""

    dtype: str
    interp: Interpolator
    shape: tuple[int, int]
    boundary: Boundary
    masked: float = 0

    @property
    def defines(self) -> list[dict[str, Any]]:
        """Return what specialises the kernel for columns, and for rows."""
        samples = stretch_of(self.interp)[1]
        types = (np.dtype(self.dtype), np.dtype(np.float64))
        return [{"SRC_T": dtype, "AXIS": axis, "SAMPLES": samples} for axis, dtype in enumerate(types)]


FILTERINGS = [
    Filtering("float64", bspline(3), (300, 70), Boundary("reflect")),
    Filtering("float64", bspline(3), (300, 70), Boundary("reflect"), masked=0.1),
    Filtering("uint16", bspline(5, 1e-2), (70, 300), Boundary("constant"), masked=0.9),
    Filtering("float32", bspline(3), (40, 65), Boundary(), masked=0.5),
    Filtering("float64", bspline(11), (40, 300), Boundary("wrap")),
    Filtering("float64", bspline(7, 1e-2), (500, 9), Boundary("symmetric")),
    Filtering("float64", bspline(3, 1e-8), (1, 1), Boundary("edge")),
    Filtering("float64", bspline(5), (2, 131), Boundary("reflect")),
    Filtering("float32", bspline(5, 1e-3), (65, 64), Boundary("constant")),
    Filtering("uint16", bspline(9), (90, 80), Boundary("edge", trusted=False)),
    Filtering("int8", bspline(3), (33, 40), Boundary()),
    Filtering("uint64", bspline(3, 1e-2), (20, 30), Boundary("symmetric")),
]


# B-splines for which the compiler makes different code.
WATCHED = [FILTERINGS[1], FILTERINGS[2], FILTERINGS[4]]


def filtered(backend: Backend, case: Filtering) -> np.ndarray:
    """Make the coefficients of three bands of random pixels, not all of them finite."""
    pixels = image(np.random.default_rng(5), case.dtype, (3, *case.shape))
    domain, here = domain_of(case.interp, case.boundary, case.shape), Window.of_shape(case.shape)
    valid = np.random.default_rng(6).random(case.shape) >= case.masked
    counts = backend.asarray(valid.view(np.uint8)) if case.masked else None
    image_here = backend.asarray(pixels)
    made = coefficients(backend, image_here, here, case.interp, case.boundary, domain, domain, counts)
    return to_host(backend, made)


def finite_of(backend: Backend, dtype: str, shape: tuple[int, int], masked: bool) -> np.ndarray:
    """Say which pixels of a part of three bands are finite in float32, or in float64."""
    rng = np.random.default_rng(7)
    pixels = image(rng, dtype, (3, shape[0] + 3, shape[1] + 5))
    pixels[:, 1:-2, 2:-3][rng.random((3, *shape)) < 0.02] = 3e38
    part, out = backend.asarray(pixels)[:, 1:-2, 2:-3], backend.empty(shape, np.uint8)
    valid = backend.asarray(rng.integers(0, 3, shape).astype(np.uint8)) if masked else None
    most = 1e38 if dtype == "float64" else float(np.finfo(dtype).max)
    launch(backend, "all_finite", shape, Pixels.of(part), most, Valid.of(valid), out, SRC_T=np.dtype(dtype))
    return to_host(backend, out)


def renormalized(backend: Backend, interp: str, dtype: str) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Resample with renormalised weights. Return names, images and validities."""
    found = []
    for case in cases(dtype):
        method = Method(APPLIED[interp], boundary=case.boundary, mask_policy="renormalize", min_weight=0.2)
        out = backend.empty((case.source.image.shape[0], *case.grid.shape), dtype)
        target = Target(out, backend.empty(case.grid.shape, np.uint8), NODATA, outside=2)
        resample_into(backend, case.source, case.grid, method, target)
        found.append((case.name, to_host(backend, target.image), to_host(backend, target.validity)))
    return found
