"""resample(): the one place that resamples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from gpumask.backends import Backend, adopt, select
from gpumask.backends.launch import launch
from gpumask.backends.source import C_TYPES
from gpumask.boundary import Boundary
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.footprint import as_bytes, footprints, footprints_by_band
from gpumask.grid import Grid
from gpumask.image import Source, Target
from gpumask.method import Method, method_of
from gpumask.missing import check_declares_nothing
from gpumask.nodes import FixedGrid, fixed_grid, in_fixed_point, may_be_fixed, node_arguments, node_defines
from gpumask.prefilter import coefficient_validity, coefficients, domain_of, extended, extended_image
from gpumask.quality import check_quality, validity_of
from gpumask.values import held
from gpumask.window import Window


class Resampled(NamedTuple):
    """What `resample` returns: the image, and a uint8 validity, 1 where the image is valid.

    The validity is (row, col), or, by band, shaped as the image.
    """

    image: Any
    validity: Any


def resample(
    source: Any,
    grid: Grid,
    interp: Any = "cubic",
    *,
    source_valid: Any = None,
    nodata_out: float = 0,
    dtype: Any = None,
    compute_dtype: Any = "float64",
    keep: Any = None,
    quality: Any = None,
    boundary: str | tuple[str | None, str | None] | None = None,
    trust_padding: bool = True,
    mask_policy: str = "strict",
    min_weight: float = 1e-5,
    validity: str = "pixel",
    backend: str | None = None,
) -> Resampled:
    """Bring an image into the geometry of a grid, without letting an invalid pixel into a valid one.

    source: (row, col) or (band, row, col), any real dtype; a masked array brings its mask. NaN is an invalid pixel.
    grid: for every output pixel, where it lies in the source.
    interp: "nearest", "linear", "cubic" (Keys, a = -0.5), "lanczos3", or "bspline3", 5, 7, 9 or 11; see `bspline`.
    source_valid: (row, col) or (band, row, col), bool or integer, non-zero is valid; None: every pixel that is not NaN.
    nodata_out: what invalid output pixels become, rounded to the output's dtype, which must hold it. None is NaN.
    dtype: of the output, an integer or float of 8 to 64 bits; None: the source's (uint8 for bool, float32 for float16).
        Integers are rounded half to even and clipped to their range.
    compute_dtype: "float64", or "float32" for weights and sums: about 1e-6 of the values' range off, and faster on GPUs
        with slow float64. Then coordinates are whole numbers of 2**-24 pixels: at most 6e-8 pixels off, with the same
        bits on every backend. Whole numbers stay whole. Those of 2**27 or more are outside; where a cell of the grid
        has more than 1024 output pixels, those of 2**37 / its pixels. Coordinates are float64 where the source does not
        lie within that limit, or where a cell has more than 2**16 pixels.
    keep, quality: rules about quality bands, and these bands by their names, (row, col), of the source's rows and
        columns or coarser by whole factors: a pixel is invalid unless all rules match it. Rules with flags must be
        MaskRules. For growth around what is masked give the result of `mask_from_rules` as source_valid instead.
    boundary: what the source goes on with beyond its edges: "constant" (0), "edge", "reflect", "symmetric" or "wrap",
        as in numpy.pad; None: nothing; or two of these, of its rows and its columns, such as (None, "wrap"). A source
        that goes around (see `Grid.between`) does so whatever the boundary is, and its other axis never wraps.
    trust_padding: whether that may make pixels valid: inside the source, and beyond it as long as no tap lies further
        out than half of them, or 1 for nearest (none for B-splines). Without trust just the filters of B-splines see
        it; they see 0 where the boundary is None.
    mask_policy: "strict": every source pixel with a weight must be valid. "renormalize": the weights of those that are
        are renormalised, where the nearest is and their share is min_weight at least, as GDAL does; not for B-splines.
    validity: "pixel": bands are valid together, a pixel where all of them are. "band": each band is valid by itself,
        and comes out as it would alone.
    backend: "cuda", "native" or "numpy"; None: see `use_backend`.

    Returns the image, shaped as the source but for its rows and columns, and the validity, in the array family of the
    source. A pixel is valid where its coordinate is finite and inside the source, the grid's nodes with a weight count,
    and every source pixel with a weight is there and valid: in every band, so a NaN in one band makes all invalid,
    unless validity is "band". Then the validity is shaped as the image.
    Infinite pixels are valid, but where they cancel each other out (and neither to B-splines nor to "renormalize"); and
    a valid pixel may happen to equal nodata_out. To B-splines, pixels near an invalid one are invalid: see `bspline`.

    >>> grid = Grid([[0.5, 0.5]], [[0.5, 1.5]])
    >>> resample([[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]], grid, "linear", backend="numpy").image
    array([[1.5, 2.5]])
    """
    method = method_of(interp, boundary, trust_padding, mask_policy, min_weight)
    by_band = check_validity(validity)
    grid, asked = check_grid(grid), _Asked.of(source, source_valid, keep, quality, by_band)
    kind, compute = output_type(asked.source.image.dtype, dtype, nodata_out), compute_type(compute_dtype)
    chosen = select(backend, *asked.arrays, grid.row, grid.col, grid.mask)
    return asked.resampled(chosen, grid, method, *kind, compute)


class Resampler:
    """A grid that stays where the work is done, for many images: bands, dates.

    grid, interp and the rest: see `resample`. The grid's arrays choose the backend. With backend="cuda" a NumPy grid is
    brought to the GPU once, for all streams, and images are taken from host and device memory.

    >>> halfway = Resampler(Grid([[0, 0]], [[0.5, 1.5]]), "linear", backend="numpy")
    >>> [halfway(date).image.tolist() for date in ([[0.0, 1.0, 2.0]], [[2.0, 4.0, 8.0]])]
    [[[0.5, 1.5]], [[3.0, 6.0]]]
    """

    def __init__(
        self,
        grid: Grid,
        interp: Any = "cubic",
        *,
        nodata_out: float = 0,
        dtype: Any = None,
        compute_dtype: Any = "float64",
        boundary: str | None = None,
        trust_padding: bool = True,
        mask_policy: str = "strict",
        min_weight: float = 1e-5,
        validity: str = "pixel",
        backend: str | None = None,
    ) -> None:
        self._by_band = check_validity(validity)
        self._method = method_of(interp, boundary, trust_padding, mask_policy, min_weight)
        self._dtype, self._nodata, self._compute = dtype, nodata_out, compute_type(compute_dtype)
        grid = check_grid(grid)
        self.backend = select(backend, grid.row, grid.col, grid.mask)
        row, col = self.backend.asarray(grid.row), self.backend.asarray(grid.col)
        mask = None if grid.mask is None else self.backend.asarray(as_bytes("grid.mask", grid.mask))
        #: The grid, in the backend's memory.
        self.grid = replace(grid, row=row, col=col, mask=mask)
        self._fixed = fixed_grid(self.backend, self.grid) if may_be_fixed(self._compute, grid.resolution) else None
        if isinstance(grid.row, np.ndarray):
            self.backend.settle()  # so that any stream may use it

    def __call__(self, source: Any, source_valid: Any = None, *, keep: Any = None, quality: Any = None) -> Resampled:
        """Bring an image into the geometry of the grid; see `resample`."""
        asked = _Asked.of(source, source_valid, keep, quality, self._by_band)
        kind = output_type(asked.source.image.dtype, self._dtype, self._nodata)
        chosen = select(self.backend.name, *asked.arrays)
        return asked.resampled(chosen, self.grid, self._method, *kind, self._compute, self._fixed)


def check_grid(grid: Any) -> Grid:
    """Return a grid; raise ArgumentTypeError for what is none."""
    if not isinstance(grid, Grid):
        raise ArgumentTypeError(f"grid: expected a Grid; got {type(grid).__name__}")
    return grid


class _Asked(NamedTuple):
    """An image with all that says where it is valid, checked; how many axes it had, and whether bands may differ."""

    source: Source
    rules: Any
    bands: dict[str, Any]
    axes: int
    by_band: bool

    @classmethod
    def of(cls, source: Any, valid: Any, keep: Any, quality: Any, by_band: bool) -> _Asked:
        """Check what a user gives."""
        check_declares_nothing("source", source)
        if not isinstance(source, np.ma.MaskedArray):
            source = adopt("source", source)
        checked = Source.of(source, valid, by_band)
        return cls(checked, *check_quality(keep, quality, checked.image.shape[-2:]), source.ndim, by_band)

    @property
    def arrays(self) -> tuple[Any, ...]:
        """All arrays, None where there is none."""
        return self.source.image, self.source.valid, *self.bands.values()

    def resampled(
        self,
        backend: Backend,
        grid: Grid,
        method: Method,
        dtype: np.dtype[Any],
        nodata: float,
        compute: Any,
        fixed: Grid | None = None,
    ) -> Resampled:
        """Resample, into the array family of the source. fixed: the grid in fixed point, if it was made already."""
        source = self.source
        if self.bands:
            kept = validity_of(backend, self.rules, self.bands, source.image.shape[-2:])
            source = Source(source.image, kept if source.valid is None else kept & (backend.asarray(source.valid) != 0))
        image = backend.empty((source.image.shape[0], *grid.shape), dtype)
        planes = image.shape if self.by_band else grid.shape
        target = Target(image, backend.empty(planes, np.uint8), nodata)
        method = method.on(grid.around, source.image.shape[1:])
        if fixed is not None and in_fixed_point(compute, grid.resolution, source.whole_window, method):
            grid = fixed
        resample_into(backend, source, grid, method, target, compute)
        found = (array[0] if array.ndim > self.axes else array for array in (image, target.validity))
        return Resampled(*(backend.to_family_of(source.image, array) for array in found))


def resample_into(backend: Backend, source: Source, grid: Grid, method: Method, target: Target, compute: Any) -> None:
    """Resample into arrays that the backend can write to: `target` must be in its memory, rows contiguous.

    Where the target has a validity for each band, each is as if it were alone.
    """
    interp, renormalized = method.interp, method.min_weight is not None and method.interp.taps > 1
    in_fixed = isinstance(grid, FixedGrid) or in_fixed_point(compute, grid.resolution, source.whole_window, method)
    grid = fixed_grid(backend, grid) if in_fixed else grid
    boundary, frames = method.boundary, (0, 0) if source.whole else method.frames
    if target.validity is None:
        target = replace(target, validity=backend.empty(grid.shape, np.uint8))
    if any(boundary.around) and not source.whole:
        source = source.crop(Window(*source.origin, *boundary.once(source.image.shape[1:])))
    source = replace(source, image=backend.asarray(source.image))
    if source.image.dtype.kind == "f" and (interp.needs_filter or renormalized):
        source = _finite(backend, source, compute, target.by_band)
    if interp.needs_filter:
        source = _filtered(backend, source, method)
    if renormalized and any(frames):
        source, frames = _framed(backend, source, boundary, frames), (0, 0)
    valid = None
    if source.valid is not None:
        framed = source.valid
        if any(frames):
            framed = extended(backend, source.valid, source.window, boundary, source.window.pad(*frames))
        valid = (footprints_by_band if target.by_band else footprints)(backend, framed, interp)
    nodes, image, out = node_arguments(backend, grid), source.image, target.image
    types = {"SRC_T": image.dtype, "OUT_T": out.dtype, "ACC_T": image.dtype if interp.taps == 1 else compute}
    types |= node_defines(grid, in_fixed)
    launch(
        backend, "resample", grid.shape,
        image, *image.shape, *_steps(image), *source.origin, *frames, *boundary.numbers, *boundary.around,
        valid, _plane(valid), *nodes, out, *_steps(out), _carried(target.nodata, out.dtype),
        target.validity, _pitch(target.validity), _plane(target.validity), target.outside,
        **types, **interp.defines, **({"BY_BAND": 1} if target.by_band else {}),
        HAS_FOOTPRINT=int(valid is not None), PLAIN_EDGES=int(not any((*frames, *boundary.around))),
    )  # fmt: skip
    if renormalized:
        for band in range(len(image)) if target.by_band else [None]:
            some, into = (source, target) if band is None else (source.band(band), target.band(band))
            _renormalize(backend, some, nodes, into, method, types)


def _renormalize(
    backend: Backend, source: Source, nodes: tuple[Any, ...], target: Target, method: Method, types: dict[str, Any]
) -> None:
    """Fill in what of bands that are valid together has taps that are."""
    image, out = source.image, target.image
    valid = None if source.valid is None else backend.asarray(source.valid)
    launch(
        backend, "renormalize", target.validity.shape,
        image, *image.shape, *_steps(image), *source.origin, *method.boundary.around, valid, _pitch(valid),
        *nodes, out, *_steps(out), target.validity, _pitch(target.validity),
        _least(method.min_weight or 0.0, types["ACC_T"]),
        **types, **method.interp.defines,
    )  # fmt: skip


def _finite(backend: Backend, source: Source, compute: Any, by_band: bool) -> Source:
    """Return a source whose pixels are not valid where NaN, or infinite in the type that computes.

    by_band: whether that is so of each band by itself; otherwise it is where any band is so.
    """
    image, types = source.image, (source.image.dtype, compute)
    most = min(float(np.finfo(dtype).max) for dtype in types)
    if most == float(np.finfo(image.dtype).max) and backend.at_once(lambda: _has_finite_sum(image)):  # the usual case
        return source
    finite = backend.empty(image.shape if by_band else image.shape[1:], np.uint8)
    parts = [(source.band(k), finite[k]) for k in range(len(image))] if by_band else [(source, finite)]
    for part, out in parts:
        valid = None if part.valid is None else backend.asarray(part.valid)
        launch(
            backend, "all_finite", out.shape, part.image, len(part.image), *_steps(part.image), most,
            valid, _pitch(valid), out, SRC_T=image.dtype,
        )  # fmt: skip
    if source.valid is None and backend.at_once(finite.all):
        return source
    return replace(source, valid=finite)


def _has_finite_sum(image: np.ndarray) -> bool:
    """Say whether the sum of all pixels is finite, as then all of them are."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(image.sum()))


def _framed(backend: Backend, source: Source, boundary: Boundary, frames: tuple[int, int]) -> Source:
    """Return a source of which the pixels beyond its edges that may be valid are a part."""
    here, wanted = source.window, source.window.pad(*frames)
    valid = None if source.valid is None else extended(backend, source.valid, here, boundary, wanted)
    return Source(extended_image(backend, source.image, here, boundary, wanted), valid, (wanted.row, wanted.col))


def _filtered(backend: Backend, source: Source, method: Method) -> Source:
    """Return the coefficients of a B-spline, and where they are valid, as a source."""
    here, interp = source.window, method.interp
    domain = domain_of(interp, method.boundary, source.whole or here.shape)
    if domain.is_empty:  # the source is so small that its edges have a say in all of it
        return Source(backend.full((len(source.image), 1, 1), 0, np.float64), backend.full((1, 1), 0, np.uint8))
    wanted = here.pad(-method.support) if source.whole else domain
    planes = [source] if source.valid is None or source.valid.ndim == 2 else map(source.band, range(len(source.image)))
    made, valid = [], []
    for part in planes:
        counts = None if method.takes_invalid else part.valid
        made.append(coefficients(backend, part.image, here, interp, method.boundary, wanted, domain, counts))
        if part.valid is not None:
            valid.append(coefficient_validity(backend, part.valid, here, interp, method.boundary, wanted))
    origin = wanted.row, wanted.col
    if len(made) == 1:
        return Source(made[0], valid[0] if valid else None, origin, source.whole)
    return Source(np.concatenate(made), np.stack(valid), origin, source.whole)


def output_type(source: Any, dtype: Any, nodata_out: Any) -> tuple[np.dtype[Any], float]:
    """Check an output's dtype (None: the source's) and nodata value; return them, the value as the dtype holds it."""
    try:
        found = np.dtype(source if dtype is None else dtype).newbyteorder("=")
    except (TypeError, ValueError, SyntaxError) as error:
        raise GpumaskError(f"dtype: expected an integer or float of 8 to 64 bits; got {dtype!r}") from error
    if found.name not in C_TYPES:
        raise GpumaskError(f"dtype: expected an integer or float of 8 to 64 bits; got {found}")
    return found, held("nodata_out", float("nan") if nodata_out is None else nodata_out, found)


def _carried(value: float, dtype: np.dtype[Any]) -> float | np.int64:
    """Return a value of a dtype as kernels take it: float64 as it is, the bits of others as int64."""
    if dtype == np.float64:
        return float(value)
    return np.int64(np.float32(value).view(np.int32) if dtype.kind == "f" else (int(value) + 2**63) % 2**64 - 2**63)


def _least(weight: float, dtype: np.dtype[Any]) -> float | np.int64:
    """Return the least value of a float dtype that is not below a weight, as kernels take it."""
    held = dtype.type(weight)
    return _carried(held if float(held) >= weight else np.nextafter(held, dtype.type(np.inf)), dtype)


def check_validity(given: Any, name: str = "validity") -> bool:
    """Say whether bands are valid by themselves; raise GpumaskError for what is neither "pixel" nor "band"."""
    if not isinstance(given, str) or given not in ("pixel", "band"):
        raise GpumaskError(f"{name}: expected pixel or band; got {given!r}")
    return given == "band"


def compute_type(compute_dtype: Any) -> np.dtype[Any]:
    """Check the type of weights and sums."""
    if not isinstance(compute_dtype, str | type | np.dtype) or compute_dtype not in ("float64", "float32"):
        raise GpumaskError(f"compute_dtype: expected float64 or float32; got {compute_dtype!r}")
    return np.dtype(compute_dtype)


def _steps(image: Any) -> tuple[int, int]:
    """Return pixels from row to row and from band to band."""
    return image.strides[-2] // image.itemsize, image.strides[0] // image.itemsize


def _pitch(array: Any) -> int:
    """Return pixels from row to row, 0 where there is no array."""
    return 0 if array is None else array.strides[-2] // array.itemsize


def _plane(array: Any) -> int:
    """Return pixels from band to band, 0 where there are none."""
    return 0 if array is None or array.ndim == 2 else array.strides[0] // array.itemsize
