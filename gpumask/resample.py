"""resample(): the one place that resamples."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from gpumask.backends import Backend, adopt, one_memory, select
from gpumask.backends.source import C_TYPES
from gpumask.boundary import Boundary
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.footprint import as_bytes, footprints
from gpumask.grid import Grid
from gpumask.method import Method, method_of
from gpumask.prefilter import coefficient_validity, coefficients, domain_of, extended, extended_image
from gpumask.quality import check_quality, validity_of
from gpumask.window import Window


class Resampled(NamedTuple):
    """What `resample` returns: the image, and a uint8 (row, col) validity, 1 where the image is valid."""

    image: Any
    validity: Any


@dataclass(frozen=True, eq=False)
class Source:
    """A source image as the kernels take it, or a window of one.

    image: (band, row, col), an integer or float of 8 to 64 bits.
    valid: (row, col) uint8, non-zero is valid; None: all is.
    origin: (row, col) of the whole image where the window begins.
    whole: rows and columns of the whole image, if this is a window of one, which holds all that is needed, even beyond
    the edges: see `Method.reach`.
    """

    image: Any
    valid: Any = None
    origin: tuple[int, int] = (0, 0)
    whole: tuple[int, int] | None = None

    @property
    def window(self) -> Window:
        """The pixels of the whole image that are here."""
        return Window(*self.origin, *self.image.shape[1:])

    def crop(self, window: Window) -> Source:
        """Return a part; window: of the whole image, and inside of what is here."""
        rows, cols = window.shift(-self.origin[0], -self.origin[1]).slices
        valid = None if self.valid is None else self.valid[rows, cols]
        return Source(self.image[:, rows, cols], valid, (window.row, window.col), self.whole)

    @classmethod
    def of(cls, source: Any, valid: Any = None) -> Source:
        """Check an image and its validity as a user gives them; a masked array brings a validity of its own."""
        masked = np.ma.getmaskarray(source) if isinstance(source, np.ma.MaskedArray) else None
        if masked is not None and valid is not None:
            one_memory(np.ma.getdata(source), valid := adopt("source_valid", valid))
        image = adopt("source", np.ma.getdata(source) if masked is not None else source)
        if image.ndim not in (2, 3) or 0 in image.shape:
            raise GpumaskError(f"source: expected (row, col) or (band, row, col) with pixels; got shape {image.shape}")
        if image.dtype.itemsize == 16 or max(image.shape[-2:]) >= 2**31 - 8:
            raise GpumaskError(
                f"source: expected up to 64 bits a value and 2^31 pixels a side; got {image.dtype}, {image.shape}"
            )
        image = image.astype(taken_as(image.dtype), copy=False)
        image = image if image.ndim == 3 else image[None]
        if valid is not None:
            valid = adopt("source_valid", valid)
            if valid.shape != image.shape[1:]:
                raise GpumaskError(
                    f"source_valid: expected shape {image.shape[1:]}, the source's rows and columns; got {valid.shape}"
                )
            valid = as_bytes("source_valid", valid)
        if masked is not None:
            unmasked = ~masked.reshape(image.shape).any(axis=0)
            valid = (unmasked if valid is None else unmasked & (valid != 0)).view(np.uint8)
        return cls(image, valid)


def taken_as(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type that holds all of a type's values, where no kernel has that itself."""
    return np.dtype({"bool": "uint8", "float16": "float32"}.get(dtype.name, dtype))


@dataclass(frozen=True, eq=False)
class Target:
    """Where a result goes.

    image: (band, row, col); validity: (row, col) uint8, or None; nodata: what invalid pixels become.
    outside: what the validity is where a coordinate lies outside the source, or there is none; 0 says that it is not 1.
    """

    image: Any
    validity: Any
    nodata: float
    outside: int = 0


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
    backend: str | None = None,
) -> Resampled:
    """Bring an image into the geometry of a grid, without letting an invalid pixel into a valid one.

    source: (row, col) or (band, row, col), any real dtype; a masked array brings its mask. NaN is an invalid pixel.
    grid: for every output pixel, where it lies in the source.
    interp: "nearest", "linear", "cubic" (Keys, a = -0.5), "lanczos3", or "bspline3", 5, 7, 9 or 11; see `bspline`.
    source_valid: (row, col) bool or integer, non-zero is valid; None: every pixel that is not NaN.
    nodata_out: what invalid output pixels become; it must fit the output's dtype. None is NaN.
    dtype: of the output, an integer or float of 8 to 64 bits; None: the source's (uint8 for bool, float32 for float16).
        Integers are rounded half to even and clipped to their range.
    compute_dtype: "float64", or "float32" for weights and sums: about 1e-6 of the values' range off, and faster on GPUs
        with slow float64.
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
    backend: "cuda", "native" or "numpy"; None: see `use_backend`.

    Returns the image, shaped as the source but for its rows and columns, and the validity, in the array family of the
    source. A pixel is valid where its coordinate is finite and inside the source, the grid's nodes with a weight count,
    and every source pixel with a weight is there and valid: in every band, so a NaN in one band makes all invalid.
    Infinite pixels are valid, but where they cancel each other out (and neither to B-splines nor to "renormalize"); and
    a valid pixel may happen to equal nodata_out. To B-splines, pixels near an invalid one are invalid: see `bspline`.

    >>> grid = Grid([[0.5, 0.5]], [[0.5, 1.5]])
    >>> resample([[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]], grid, "linear", backend="numpy").image
    array([[1.5, 2.5]])
    """
    method = method_of(interp, boundary, trust_padding, mask_policy, min_weight)
    grid, asked = check_grid(grid), _Asked.of(source, source_valid, keep, quality)
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
        backend: str | None = None,
    ) -> None:
        self._method = method_of(interp, boundary, trust_padding, mask_policy, min_weight)
        self._dtype, self._nodata, self._compute = dtype, nodata_out, compute_type(compute_dtype)
        grid = check_grid(grid)
        self.backend = select(backend, grid.row, grid.col, grid.mask)
        row, col = self.backend.asarray(grid.row), self.backend.asarray(grid.col)
        mask = None if grid.mask is None else self.backend.asarray(as_bytes("grid.mask", grid.mask))
        #: The grid, in the backend's memory.
        self.grid = replace(grid, row=row, col=col, mask=mask)
        if isinstance(grid.row, np.ndarray):
            self.backend.settle()  # so that any stream may use it

    def __call__(self, source: Any, source_valid: Any = None, *, keep: Any = None, quality: Any = None) -> Resampled:
        """Bring an image into the geometry of the grid; see `resample`."""
        asked = _Asked.of(source, source_valid, keep, quality)
        kind = output_type(asked.source.image.dtype, self._dtype, self._nodata)
        chosen = select(self.backend.name, *asked.arrays)
        return asked.resampled(chosen, self.grid, self._method, *kind, self._compute)


def check_grid(grid: Any) -> Grid:
    """Return a grid; raise ArgumentTypeError for what is none."""
    if not isinstance(grid, Grid):
        raise ArgumentTypeError(f"grid: expected a Grid; got {type(grid).__name__}")
    return grid


class _Asked(NamedTuple):
    """An image with all that says where it is valid, checked; and how many axes it had."""

    source: Source
    rules: Any
    bands: dict[str, Any]
    axes: int

    @classmethod
    def of(cls, source: Any, valid: Any, keep: Any, quality: Any) -> _Asked:
        """Check what a user gives."""
        if not isinstance(source, np.ma.MaskedArray):
            source = adopt("source", source)
        checked = Source.of(source, valid)
        return cls(checked, *check_quality(keep, quality, checked.image.shape[-2:]), source.ndim)

    @property
    def arrays(self) -> tuple[Any, ...]:
        """All arrays, None where there is none."""
        return self.source.image, self.source.valid, *self.bands.values()

    def resampled(
        self, backend: Backend, grid: Grid, method: Method, dtype: np.dtype[Any], nodata: float, compute: Any
    ) -> Resampled:
        """Resample, into the array family of the source."""
        source = self.source
        if self.bands:
            kept = validity_of(backend, self.rules, self.bands, source.image.shape[-2:])
            source = Source(source.image, kept if source.valid is None else kept & (backend.asarray(source.valid) != 0))
        image = backend.empty((source.image.shape[0], *grid.shape), dtype)
        target = Target(image, backend.empty(grid.shape, np.uint8), nodata)
        method = method.on(grid.around, source.image.shape[1:])
        resample_into(backend, source, grid, method, target, compute)
        image = image if self.axes == 3 else image[0]
        return Resampled(*(backend.to_family_of(source.image, array) for array in (image, target.validity)))


def resample_into(backend: Backend, source: Source, grid: Grid, method: Method, target: Target, compute: Any) -> None:
    """Resample into arrays that the backend can write to: `target` must be in its memory, rows contiguous."""
    interp, renormalized = method.interp, method.min_weight is not None and method.interp.taps > 1
    boundary, frames = method.boundary, (0, 0) if source.whole else method.frames
    if any(boundary.around) and not source.whole:
        source = source.crop(Window(*source.origin, *boundary.once(source.image.shape[1:])))
    source = Source(backend.asarray(source.image), source.valid, source.origin, source.whole)
    if source.image.dtype.kind == "f" and (interp.needs_filter or renormalized):
        source = _finite(backend, source, compute)
    if interp.needs_filter:
        source = _filtered(backend, source, method)
    if renormalized and any(frames):
        source, frames = _framed(backend, source, boundary, frames), (0, 0)
    valid = None
    if source.valid is not None:
        framed = source.valid
        if any(frames):
            framed = extended(backend, source.valid, source.window, boundary, source.window.pad(*frames))
        valid = footprints(backend, framed, interp)
    nodes, image, out = _nodes(backend, grid), source.image, target.image
    types = {"SRC_T": image.dtype, "OUT_T": out.dtype, "ACC_T": image.dtype if interp.taps == 1 else compute}
    backend.run(
        "resample", grid.shape,
        image, *image.shape, *_steps(image), *source.origin, *frames, *boundary.numbers, *boundary.around,
        valid, *nodes,
        out, *_steps(out), target.nodata, target.validity, _pitch(target.validity), target.outside,
        **types, **interp.defines,
    )  # fmt: skip
    if renormalized:
        valid = None if source.valid is None else backend.asarray(source.valid)
        backend.run(
            "renormalize", grid.shape,
            image, *image.shape, *_steps(image), *source.origin, *boundary.around, valid, _pitch(valid), *nodes,
            out, *_steps(out), target.validity, _pitch(target.validity), method.min_weight,
            **types, **interp.defines,
        )  # fmt: skip


def _nodes(backend: Backend, grid: Grid) -> tuple[Any, ...]:
    """Return a grid as kernels take it."""
    row, col = backend.asarray(grid.row), backend.asarray(grid.col)
    if row.strides != col.strides:
        row, col = row.copy(), col.copy()
    mask = None if grid.mask is None else backend.asarray(as_bytes("grid.mask", grid.mask))
    nodata = float("nan") if grid.nodata is None else float(grid.nodata)
    places = *row.shape, _pitch(row), _pitch(mask), *grid.resolution, grid.output.row, grid.output.col
    return row, col, mask, nodata, *places


def _finite(backend: Backend, source: Source, compute: Any) -> Source:
    """Return a source whose pixels are not valid where any band is NaN, or infinite in the type that computes."""
    image, types = source.image, (source.image.dtype, compute)
    most = min(float(np.finfo(dtype).max) for dtype in types)
    if most == float(np.finfo(image.dtype).max) and backend.at_once(lambda: _has_finite_sum(image)):  # the usual case
        return source
    valid = None if source.valid is None else backend.asarray(source.valid)
    finite = backend.empty(image.shape[1:], np.uint8)
    backend.run(
        "all_finite", finite.shape, image, len(image), *_steps(image), most, valid, _pitch(valid), finite,
        SRC_T=image.dtype,
    )  # fmt: skip
    if valid is None and backend.at_once(finite.all):
        return source
    return Source(image, finite, source.origin, source.whole)


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
    valid = source.valid
    counts = None if method.takes_invalid else valid
    made = coefficients(backend, source.image, here, interp, method.boundary, wanted, domain, counts)
    if valid is not None:
        valid = coefficient_validity(backend, valid, here, interp, method.boundary, wanted)
    return Source(made, valid, (wanted.row, wanted.col), source.whole)


def output_type(source: Any, dtype: Any, nodata_out: Any) -> tuple[np.dtype[Any], float]:
    """Check an output's dtype (None: the source's) and nodata value; return them as a dtype and a float."""
    try:
        found = np.dtype(source if dtype is None else dtype).newbyteorder("=")
    except (TypeError, ValueError, SyntaxError) as error:
        raise GpumaskError(f"dtype: expected an integer or float of 8 to 64 bits; got {dtype!r}") from error
    if found.name not in C_TYPES:
        raise GpumaskError(f"dtype: expected an integer or float of 8 to 64 bits; got {found}")
    return found, held("nodata_out", float("nan") if nodata_out is None else nodata_out, found)


def held(name: str, given: Any, dtype: np.dtype[Any]) -> float:
    """Return a value as a float, or raise GpumaskError where it is none that the dtype can hold."""
    try:
        if isinstance(given, str | bytes):
            raise TypeError
        value = float(given)
    except (TypeError, ValueError, OverflowError) as error:
        raise ArgumentTypeError(f"{name}: expected a number; got {given!r}") from error
    if dtype.kind == "f":
        fits = not math.isfinite(value) or abs(value) <= float(np.finfo(dtype).max)
    else:
        info = np.iinfo(np.uint8 if dtype.kind == "b" else dtype)
        fits = value.is_integer() and info.min <= int(value) <= info.max and int(value) == given
    if not fits:
        raise GpumaskError(f"{name}: expected a value that {dtype} holds; got {given!r}")
    return value


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
    return 0 if array is None else array.strides[0] // array.itemsize
