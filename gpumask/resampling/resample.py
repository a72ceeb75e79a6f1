"""resample(): the one place that resamples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from gpumask.backends import adopt, select
from gpumask.backends.backend import Backend
from gpumask.errors import ArgumentTypeError
from gpumask.grids.grid import Grid
from gpumask.grids.nodes import fixed_grid, may_be_fixed
from gpumask.masks.rules.apply import check_quality, validity_of
from gpumask.pixels.missing import check_declares_nothing
from gpumask.pixels.values import as_bytes
from gpumask.resampling.image import Source, Target
from gpumask.resampling.method import Method, accepts_method
from gpumask.resampling.run import resample_into


class Resampled(NamedTuple):
    """What `resample` returns: the image, and a uint8 validity, 1 where the image is valid.

    The validity is (row, col), or, by band, shaped as the image.
    """

    image: Any
    validity: Any


@accepts_method()
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
    method: Method | None = None,
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
    how = method or Method(
        interp, nodata_out=_or_nan(nodata_out), dtype=dtype, compute_dtype=compute_dtype, boundary=boundary,
        trust_padding=trust_padding, mask_policy=mask_policy, min_weight=min_weight, validity=validity,
    )  # fmt: skip
    grid, asked = check_grid(grid), _Asked.of(source, source_valid, keep, quality, how.by_band)
    how = how.for_source(asked.source.image.dtype)
    chosen = select(backend, *asked.arrays, grid.row, grid.col, grid.mask)
    return asked.resampled(chosen, grid, how)


class Resampler:
    """A grid that stays where the work is done, for many images: bands, dates.

    grid, interp and the rest: see `resample`. The grid's arrays choose the backend. With backend="cuda" a NumPy grid is
    brought to the GPU once, for all streams, and images are taken from host and device memory.

    >>> halfway = Resampler(Grid([[0, 0]], [[0.5, 1.5]]), "linear", backend="numpy")
    >>> [halfway(date).image.tolist() for date in ([[0.0, 1.0, 2.0]], [[2.0, 4.0, 8.0]])]
    [[[0.5, 1.5]], [[3.0, 6.0]]]
    """

    @accepts_method()
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
        method: Method | None = None,
        backend: str | None = None,
    ) -> None:
        #: How images are resampled.
        self.method = method or Method(
            interp, nodata_out=_or_nan(nodata_out), dtype=dtype, compute_dtype=compute_dtype, boundary=boundary,
            trust_padding=trust_padding, mask_policy=mask_policy, min_weight=min_weight, validity=validity,
        )  # fmt: skip
        grid = check_grid(grid)
        self.backend = select(backend, grid.row, grid.col, grid.mask)
        row, col = self.backend.asarray(grid.row), self.backend.asarray(grid.col)
        mask = None if grid.mask is None else self.backend.asarray(as_bytes("grid.mask", grid.mask))
        #: The grid, in the backend's memory.
        self.grid = replace(grid, row=row, col=col, mask=mask)
        may_be = may_be_fixed(self.method.compute_dtype, grid.resolution)
        self._fixed = fixed_grid(self.backend, self.grid) if may_be else None
        if isinstance(grid.row, np.ndarray):
            self.backend.settle()  # so that any stream may use it

    def __call__(self, source: Any, source_valid: Any = None, *, keep: Any = None, quality: Any = None) -> Resampled:
        """Bring an image into the geometry of the grid; see `resample`."""
        asked = _Asked.of(source, source_valid, keep, quality, self.method.by_band)
        how = self.method.for_source(asked.source.image.dtype)
        chosen = select(self.backend.name, *asked.arrays)
        return asked.resampled(chosen, self.grid, how, self._fixed)


def _or_nan(nodata: float | None) -> float:
    """Return a nodata value; NaN for None."""
    return float("nan") if nodata is None else nodata


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

    def resampled(self, backend: Backend, grid: Grid, method: Method, fixed: Grid | None = None) -> Resampled:
        """Resample, into the array family of the source. fixed: the grid in fixed point, if it was made already."""
        source = self.source
        if self.bands:
            kept = validity_of(backend, self.rules, self.bands, source.image.shape[-2:])
            source = Source(source.image, kept if source.valid is None else kept & (backend.asarray(source.valid) != 0))
        image = backend.empty((source.image.shape[0], *grid.shape), method.dtype)
        planes = image.shape if self.by_band else grid.shape
        target = Target(image, backend.empty(planes, np.uint8), method.nodata)
        method = method.on(grid.around, source.image.shape[1:])
        if fixed is not None and method.in_fixed_point(grid.resolution, source.whole_window):
            grid = fixed
        resample_into(backend, source, grid, method, target)
        found = (array[0] if array.ndim > self.axes else array for array in (image, target.validity))
        return Resampled(*(backend.to_family_of(source.image, array) for array in found))
