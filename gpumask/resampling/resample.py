"""Images resampled through a grid: `resample`, and `Resampler` for many images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from gpumask.backends import adopt, select
from gpumask.backends.backend import Backend
from gpumask.errors import ArgumentTypeError
from gpumask.grids.grid import Grid
from gpumask.grids.nodes import fixed_grid, may_be_fixed
from gpumask.masks.rules.apply import Quality, check_quality
from gpumask.masks.validity import all_of
from gpumask.pixels.interpolators import interpolator
from gpumask.pixels.missing import check_declares_nothing
from gpumask.pixels.values import as_bytes
from gpumask.resampling.coarser import warn_if_coarser
from gpumask.resampling.image import Source, Target
from gpumask.resampling.method import Method, accepts_method
from gpumask.resampling.run import resample_into


class Resampled(NamedTuple):
    """What `resample` returns.

    Attributes
    ----------
    image
        (row, col) or (band, row, col), as the source.
    validity
        uint8, 1 where the image is valid, or float32, the valid share. It is (row, col). By band it has the shape of
        the image.
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
    min_weight: float | None = None,
    validity: str = "pixel",
    antialias: bool = False,
    method: Method | None = None,
    backend: str | None = None,
) -> Resampled:
    """Bring an image into the geometry of a grid, without letting an invalid pixel into a valid one.

    Parameters
    ----------
    source
        The image: (row, col) or (band, row, col), of any real dtype. A masked array brings its mask. NaN is an invalid
        pixel.
    grid
        For every output pixel, where it lies in the source.
    interp
        "nearest", "linear", "cubic", "lanczos3" or a B-spline; see `Method`.
    source_valid
        Which source pixels are valid: (row, col) or (band, row, col), bool or integer. Non-zero is valid. None: every
        pixel that is not NaN.
    nodata_out
        What invalid output pixels become. The output's dtype must hold it. None is NaN.
    dtype
        Of the output. None: the source's. See `Method`.
    compute_dtype
        Of weights and sums: "float64" or "float32"; see `Method`.
    keep, quality
        Rules about quality bands, and these bands by their names. A pixel is invalid unless all rules match it. Bands
        are (row, col). They have the source's rows and columns, or are either coarser or finer by whole factors. All
        finer pixels in a source pixel must match. Rules with flags must be MaskRules. To grow what is masked, give the
        result of `mask_from_rules` as source_valid instead.
    boundary, trust_padding
        What the source goes on with beyond its edges, and whether that may make pixels valid; see `Method`.
    mask_policy, min_weight
        Whether all pixels with a weight must be valid, or enough of them; see `Method`.
    validity
        "pixel": bands are valid together. "band": each band is valid by itself. "share" and "band share": the valid
        share, of all bands together or of each; see `Method`.
    antialias
        Whether the interpolator is as wide as output pixels lie apart in the source; see `Method`.
    method
        All of these in one, instead of interp, nodata_out, dtype, compute_dtype, boundary, trust_padding, mask_policy,
        min_weight, validity and antialias.
    backend
        "cuda", "native" or "numpy". None: see `use_backend`.

    Returns
    -------
    Resampled
        The image, with the grid's rows and columns, and its validity. Both are in the array family of the source.

    Raises
    ------
    GpumaskError
        Where an argument can't be right. The message names it.

    Notes
    -----
    An output pixel is valid where its coordinate is finite and inside the source, where the nodes of the grid that have
    a weight count, and where every source pixel that has a weight is there and valid. This holds for all bands: a NaN
    in one band makes the pixel invalid in all. With validity="band" each band comes out as it would alone.

    Infinite pixels are valid, unless they cancel each other out. B-splines and "renormalize" take them for invalid. A
    valid pixel may happen to equal nodata_out. To B-splines, pixels near an invalid one are invalid: see `bspline`.

    Examples
    --------
    >>> grid = Grid([[0.5, 0.5]], [[0.5, 1.5]])
    >>> resample([[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]], grid, "linear", backend="numpy").image
    array([[1.5, 2.5]])

    A quarter of the weights belongs to an invalid pixel:

    >>> source = [[0.0, 1.0, 2.0], [2.0, 3.0, float("nan")]]
    >>> resample(source, grid, "linear", validity="share", backend="numpy").validity
    array([[1.  , 0.75]], dtype=float32)
    """
    how = method or Method(
        interpolator(interp), nodata_out=_or_nan(nodata_out), dtype=dtype, compute_dtype=compute_dtype,
        boundary=boundary, trust_padding=trust_padding, mask_policy=mask_policy, min_weight=min_weight,
        validity=validity, antialias=antialias,
    )  # fmt: skip
    grid, asked = check_grid(grid), _Asked.of(source, source_valid, keep, quality, how.by_band)
    warn_if_coarser(grid, how)
    how = how.for_source(asked.source.image.dtype)
    chosen = select(backend, *asked.arrays, grid.row, grid.col, grid.mask)
    return asked.resampled(chosen, grid, how)


class Resampler:
    """A grid that stays where the work is done, for many images, such as bands and dates.

    The grid's arrays choose the backend. With backend="cuda" a NumPy grid is brought to the GPU once, for all streams,
    and images are taken from host and device memory.

    Parameters
    ----------
    grid
        For every output pixel, where it lies in the source.
    interp, nodata_out, dtype, compute_dtype, boundary, trust_padding, mask_policy, min_weight, validity, antialias
        As for `resample`.
    method, backend
        As for `resample`.

    Attributes
    ----------
    grid
        The grid, in the backend's memory.
    method
        How images are resampled.
    backend
        Where they are.

    Examples
    --------
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
        min_weight: float | None = None,
        validity: str = "pixel",
        antialias: bool = False,
        method: Method | None = None,
        backend: str | None = None,
    ) -> None:
        #: How images are resampled.
        self.method = method or Method(
            interpolator(interp), nodata_out=_or_nan(nodata_out), dtype=dtype, compute_dtype=compute_dtype,
            boundary=boundary, trust_padding=trust_padding, mask_policy=mask_policy, min_weight=min_weight,
            validity=validity, antialias=antialias,
        )  # fmt: skip
        grid = check_grid(grid)
        warn_if_coarser(grid, self.method)
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
        """Bring an image into the geometry of the grid.

        Parameters
        ----------
        source, source_valid, keep, quality
            As for `resample`.

        Returns
        -------
        Resampled
            The image and its validity.
        """
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
    quality: list[Quality]
    axes: int
    by_band: bool

    @classmethod
    def of(cls, source: Any, valid: Any, keep: Any, quality: Any, by_band: bool) -> _Asked:
        """Check what a user gives."""
        check_declares_nothing("source", source)
        if not isinstance(source, np.ma.MaskedArray):
            source = adopt("source", source)
        checked = Source.of(source, valid, by_band)
        return cls(checked, check_quality(keep, quality, checked.image.shape[-2:]), source.ndim, by_band)

    @property
    def arrays(self) -> tuple[Any, ...]:
        """All arrays, None where there is none."""
        return self.source.image, self.source.valid, *(each.band for each in self.quality)

    def resampled(self, backend: Backend, grid: Grid, method: Method, fixed: Grid | None = None) -> Resampled:
        """Resample, into the array family of the source. fixed: the grid in fixed point, if it was made already."""
        source = self.source
        if self.quality:
            kept = all_of(each.validity(backend, source.image.shape[-2:]) for each in self.quality)
            source = Source(source.image, kept if source.valid is None else kept & (backend.asarray(source.valid) != 0))
        image = backend.empty((source.image.shape[0], *grid.shape), method.dtype)
        planes = image.shape if self.by_band else grid.shape
        target = Target(image, backend.empty(planes, method.validity_dtype), method.nodata)
        method = method.on(grid.around, source.image.shape[1:])
        if fixed is not None and method.in_fixed_point(grid.resolution, source.whole_window):
            grid = fixed
        resample_into(backend, source, grid, method, target)
        found = (array[0] if array.ndim > self.axes else array for array in (image, target.validity))
        return Resampled(*(backend.to_family_of(source.image, array) for array in found))
