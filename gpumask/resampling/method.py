"""How to resample: by which interpolator, with what beyond the edges, and with which rule for invalid pixels."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import Any, TypeVar

import numpy as np

from gpumask.backends.source import C_TYPES
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.grids.grid import Grid
from gpumask.grids.nodes import in_fixed_point
from gpumask.grids.spacing import window_of_taps
from gpumask.pixels.boundary import Boundary, Pair, check_boundaries
from gpumask.pixels.checks import is_number
from gpumask.pixels.interpolators import ANTIALIASED, INTERPOLATORS, Interpolator, interpolator
from gpumask.pixels.values import held
from gpumask.pixels.window import Window
from gpumask.resampling.prefilter import domain_of, whole_stretches

POLICIES = ("strict", "renormalize")
VALIDITIES = ("pixel", "band", "share", "band share")
STRICT = 2.0  # for kernels that take a least share: one that no pixel has

_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Method:
    """How to resample, said once for arrays, files and DataArrays alike.

    `resample`, `Resampler`, `resample_file`, `warp_file` and the methods of `.gpumask` take one as `method`. Their
    keywords of the same names are a shorthand for it.

    Parameters
    ----------
    interp
        "nearest", "linear", "cubic" (Keys, a = -0.5), "lanczos3", or "bspline3", 5, 7, 9 or 11. See `bspline`. Or an
        area statistic, of all source pixels that an output pixel covers: "average", "sum", "rms", "min", "max", "mode",
        "med", "q1" or "q3". None means cubic. For a file or a DataArray that declares that its values are classes, None
        means nearest.
    nodata_out
        The value of invalid output pixels. It is rounded to the output's dtype, which must hold it. None means 0 for
        arrays. For files and DataArrays it means the value that the source declares.
    dtype
        The output's dtype, an integer or float of 8 to 64 bits. None means the source's dtype, with uint8 for bool and
        float32 for float16. Integers are rounded half to even and clipped to their range.
    compute_dtype
        The type of weights and sums, "float64" or "float32". With "float32" GPUs with slow float64 are faster. See the
        notes.
    boundary
        How the source continues beyond its edges: "constant" (0), "edge", "reflect", "symmetric" or "wrap", as in
        numpy.pad. None means that it ends. A pair, such as (None, "wrap"), is for rows and for columns. A source that
        goes around the globe (see `grid_between`) does so whatever the boundary is. Its other axis never wraps.
    trust_padding
        Whether pixels beyond the edges may make output pixels valid. This concerns coordinates inside the source, and
        those beyond it of which no tap lies further out than half of the taps (1 pixel for nearest, none for
        B-splines). Without trust only the filters of B-splines use pixels beyond the edges. They read 0 there if the
        boundary is None.
    mask_policy
        What an invalid pixel with a weight does. With "strict" it makes the output pixel invalid. With "renormalize" it
        is left out and the other weights grow, as in GDAL. The nearest pixel must be valid, and the valid share must be
        at least min_weight. B-splines are always strict.
    min_weight
        The least valid share with "renormalize". It is above 0 and at most 1. With 1 the result is that of "strict".
        None means 1e-5, and for "sum" any share at all, so that nothing is lost.
    validity
        With "pixel" a pixel is valid if it is valid in all bands. With "band" each band is valid by itself. With
        "share" and "band share" the validity is the valid share, as float32, of all bands together or of each band.
        B-splines have no valid share.
    antialias
        Whether "linear", "cubic" and "lanczos3" grow as wide as output pixels lie apart in the source, where that is
        more than a source pixel. Then every source pixel has a say in an output that is coarser. See the notes.

    Raises
    ------
    GpumaskError
        If an argument is wrong. The message names it.

    Notes
    -----
    The valid share of an output pixel is the part of its weights that belongs to valid source pixels. Weights count by
    their absolute values. So the share lies between 0 and 1, also where weights are negative. It is exactly 1 where the
    pixel is valid with mask_policy="strict", and nowhere else. It is 0 where the coordinate lies outside the source, or
    where there is none. It does not depend on mask_policy, except that "renormalize" takes infinite pixels for invalid.

    With "renormalize" an output pixel up to half a pixel beyond the outermost centres of the source may be valid. For
    min_weight it has a share, too. The share that is returned is 0 there, as everywhere outside.

    With compute_dtype="float32" results are off by about 1e-6 of the range of values. Coordinates are whole numbers of
    2**-24 pixels, which is at most 6e-8 pixels off, with the same bits on every backend. Whole coordinates stay whole.
    Coordinates of 2**27 or more are outside. If a cell of the grid has more than 1024 output pixels, coordinates from
    2**37 divided by that number on are outside too. Coordinates stay float64 if the source does not lie within that
    limit, or if a cell has more than 2**16 pixels.

    With antialias, an output pixel has a scale for each axis of the source: the length of the gradient of the row, or
    of the column, in source pixels from one output pixel to the next. It comes from the coordinates at the pixel's four
    corners, and is at least 1. A source pixel weighs K(distance / scale) along each axis, where K is the interpolator.
    Weights are divided by their sum. All of this is float64, whatever compute_dtype is. Where both scales are 1, a
    pixel is as it is without antialias. Elsewhere infinite pixels are invalid, as NaN is. With "renormalize", the share
    of min_weight is one of the sizes of weights. The source must end at its edges, or go around.

    Examples
    --------
    >>> careful = Method("linear", validity="band", nodata_out=-1)
    >>> grid = Grid([[0.5, 0.5]], [[0.5, 1.5]])
    >>> from gpumask import resample
    >>> resample([[0.0, 1.0, 2.0], [2.0, 3.0, float("nan")]], grid, method=careful, backend="numpy").image
    array([[ 1.5, -1. ]])
    """

    interp: Any = None
    _: KW_ONLY
    nodata_out: float | None = None
    dtype: Any = None
    compute_dtype: Any = "float64"
    boundary: Any = None
    trust_padding: bool = True
    mask_policy: str = "strict"
    min_weight: float | None = None
    validity: str = "pixel"
    antialias: bool = False
    # Whether the filter of a B-spline reads invalid pixels as they are, as GridR does. Otherwise valid pixels beside
    # them stand in, so that the values of invalid pixels change nothing.
    takes_invalid: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        """Check all fields, and keep each in one form."""
        if self.interp is not None:
            self._set("interp", interpolator(self.interp))
        if not isinstance(self.boundary, Boundary):
            self._set("boundary", check_boundaries("boundary", self.boundary, self.trust_padding))
        self._set("compute_dtype", _compute_type(self.compute_dtype))
        if self.dtype is not None:
            self._set("dtype", output_type(np.float64, self.dtype, 0)[0])
        if not isinstance(self.mask_policy, str) or self.mask_policy not in POLICIES:
            raise GpumaskError(f"mask_policy: expected one of {', '.join(POLICIES)}; got {self.mask_policy!r}")
        if self.min_weight is not None and not is_number(self.min_weight):
            raise ArgumentTypeError(f"min_weight: expected a number; got {self.min_weight!r}")
        if self.min_weight is not None and not 0 < self.min_weight <= 1:
            raise GpumaskError(f"min_weight: expected a share above 0 and at most 1; got {self.min_weight!r}")
        if self.mask_policy == "renormalize" and self.interpolator.order:
            name = self.interpolator.name
            raise GpumaskError(
                f"mask_policy: expected strict for {name}, whose taps are not pixels; got {self.mask_policy}"
            )
        self._check_antialias()
        if self.has_corners and any(mode is not None for mode in self.boundary.modes):
            name = (
                "antialias" if self.antialias else f"{self.interpolator.name}, which needs no pixels beyond the edges"
            )
            raise GpumaskError(f"boundary: expected None for {name}; got {self.boundary.mode!r}")
        check_validity(self.validity)
        if self.share and self.interpolator.order:
            raise GpumaskError(
                f"validity: expected pixel or band for {self.interpolator.name}, whose taps are not pixels and have no "
                f"valid share; got {self.validity}"
            )

    def _check_antialias(self) -> None:
        """Raise GpumaskError unless the interpolator can be antialiased, if it is to be."""
        if not isinstance(self.antialias, bool | np.bool_):
            raise ArgumentTypeError(f"antialias: expected True or False; got {self.antialias!r}")
        self._set("antialias", bool(self.antialias))
        if self.antialias and self.interpolator.name not in ANTIALIASED:
            raise GpumaskError(
                f"antialias: expected along with one of {', '.join(ANTIALIASED)}; got it with {self.interpolator.name}"
            )

    def _set(self, name: str, value: Any) -> None:
        """Set a field of this frozen class while it is made."""
        object.__setattr__(self, name, value)

    def _changed(self, **values: Any) -> Method:
        """Return a method with other values, which are checked already: this is done for every image."""
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__, **values)
        return made

    @property
    def interpolator(self) -> Interpolator:
        """The interpolator. It is cubic if none is named."""
        return INTERPOLATORS["cubic"] if self.interp is None else self.interp

    @property
    def least_weight(self) -> float | None:
        """The least valid share of valid pixels. None means that all source pixels with a weight must be valid."""
        if self.mask_policy != "renormalize":
            return None
        if self.min_weight is None:
            return 0.0 if self.interpolator.name == "sum" else 1e-5
        return float(self.min_weight)

    @property
    def nodata(self) -> float:
        """The value of invalid pixels. It is 0 if `nodata_out` is None. See also `for_source`."""
        return 0 if self.nodata_out is None else self.nodata_out

    @property
    def node_margin(self) -> int:
        """Around how many output pixels of a tile nodes are needed too. Corners of pixels need 1. See `Grid.crop`."""
        return 1 if self.has_corners else 0

    @property
    def has_corners(self) -> bool:
        """Whether an output pixel depends on where its corners lie."""
        return self.interpolator.is_area or self.antialias

    @property
    def by_band(self) -> bool:
        """Whether each band is valid by itself."""
        return self.validity in ("band", "band share")

    @property
    def share(self) -> bool:
        """Whether the validity of a result is the valid share."""
        return self.validity in ("share", "band share")

    @property
    def validity_dtype(self) -> np.dtype[Any]:
        """The dtype of the validity of a result: float32 if it is the valid share, otherwise uint8."""
        return np.dtype(np.float32 if self.share else np.uint8)

    def output_dtype(self, source: Any) -> np.dtype[Any]:
        """Return the output's dtype for a source with some dtype.

        Parameters
        ----------
        source
            The source's dtype.

        Returns
        -------
        dtype
            The method's dtype. If that is None, the source's dtype.

        Raises
        ------
        GpumaskError
            If it is not an integer or float of 8 to 64 bits.
        """
        return output_type(source, self._asked_dtype, 0)[0]

    @property
    def _asked_dtype(self) -> Any:
        """Return the dtype asked for. None means the source's. A sum is float64 unless asked for otherwise."""
        return np.float64 if self.dtype is None and self.interpolator.name == "sum" else self.dtype

    def for_source(self, dtype: Any, nodata: float | None = 0) -> Method:
        """Return the method for a source with some dtype. It has the output's dtype, and a nodata value that fits it.

        Parameters
        ----------
        dtype
            The source's dtype.
        nodata
            The value of invalid pixels if the method does not say it. None means NaN.

        Returns
        -------
        Method
            The method, with a dtype and a nodata value.

        Raises
        ------
        GpumaskError
            If the output's dtype is wrong, or does not hold the nodata value.
        """
        kind, value = output_type(dtype, self._asked_dtype, nodata if self.nodata_out is None else self.nodata_out)
        return self._changed(dtype=kind, nodata_out=value)

    @property
    def frames(self) -> Pair:
        """How many rows above and below a source, and how many columns beside it, may be valid and be taps.

        For B-splines there are none, as their coefficients are made beyond the edges. An axis that goes around has
        some.
        """
        rows, cols = (
            self.interpolator.margin if period or (counts and not self.interpolator.order) else 0
            for counts, period in zip(self.boundary.counts, self.boundary.around, strict=True)
        )
        return rows, cols

    @property
    def support(self) -> int:
        """How many pixels around coefficients affect them."""
        return max(self.interpolator.reach, self.interpolator.influence)

    def on(self, around: Pair, shape: Pair) -> Method:
        """Return the method for a source of that shape, which may begin anew after so many (rows, cols).

        Parameters
        ----------
        around
            The (rows, cols) after which the source begins anew. 0 stands for an axis that ends.
        shape
            The source's rows and columns.

        Returns
        -------
        Method
            The method, with a boundary that goes around if the source does.
        """
        return self._changed(boundary=self.boundary.on(around, shape)) if any(around) else self

    def in_fixed_point(self, step: Pair, pixels: Window) -> bool:
        """Say whether coordinates are in fixed point. See `gpumask.grids.nodes`.

        Parameters
        ----------
        step
            The output pixels from node to node.
        pixels
            The pixels of the source.

        Returns
        -------
        bool
            True if they are.
        """
        margin, around = self.interpolator.margin, self.boundary.around
        return not self.has_corners and in_fixed_point(self.compute_dtype, step, pixels, margin, around)

    def reach(self, grid: Grid, shape: tuple[int, int]) -> Window:
        """Return the window of a source that a grid needs.

        Parameters
        ----------
        grid
            The grid.
        shape
            The source's rows and columns.

        Returns
        -------
        Window
            The window. It lies beyond the edges if pixels there matter. It is empty if no pixel can be valid.
        """
        margin, around = self.interpolator.margin, self.boundary.around
        if self.interpolator.is_area:
            covered = self.boundary.in_first_turn(grid.covered_window(around), 0)
            return covered.intersect(self.boundary.opened(Window.of_shape(self.boundary.once(shape)), covered))
        wide = window_of_taps(grid, margin, around) if self.antialias else grid.source_window(margin, around)
        taps = self.boundary.in_first_turn(wide, 2 * margin)
        if not self.interpolator.needs_filter:
            inside = Window.of_shape(self.boundary.once(shape)).pad(*self.frames)
            return taps.intersect(self.boundary.opened(inside, taps))
        domain = domain_of(self.interpolator, self.boundary, shape)
        if domain.is_empty:
            return Window(0, 0, 0, 0)
        wanted = taps.intersect(self.boundary.opened(domain, taps))
        if wanted.is_empty:
            return wanted
        return whole_stretches(self.interpolator, wanted, domain, around).pad(self.support)


def output_type(source: Any, dtype: Any, nodata_out: Any) -> tuple[np.dtype[Any], float]:
    """Return an output's dtype, and its nodata value as the dtype holds it. Check both.

    A dtype of None means the source's dtype.
    """
    try:
        found = np.dtype(source if dtype is None else dtype).newbyteorder("=")
    except (TypeError, ValueError, SyntaxError) as error:
        raise GpumaskError(f"dtype: expected an integer or float of 8 to 64 bits; got {dtype!r}") from error
    if found.name not in C_TYPES:
        raise GpumaskError(f"dtype: expected an integer or float of 8 to 64 bits; got {found}")
    return found, held("nodata_out", float("nan") if nodata_out is None else nodata_out, found)


def check_validity(given: Any) -> None:
    """Raise GpumaskError unless this says what the validity of a result is."""
    if not isinstance(given, str) or given not in VALIDITIES:
        raise GpumaskError(f"validity: expected one of {', '.join(VALIDITIES)}; got {given!r}")


def _compute_type(given: Any) -> np.dtype[Any]:
    """Return the type of weights and sums."""
    if not isinstance(given, str | type | np.dtype) or given not in ("float64", "float32"):
        raise GpumaskError(f"compute_dtype: expected float64 or float32; got {given!r}")
    return np.dtype(given)


def accepts_method(**names: str | tuple[str, ...]) -> Callable[[_Function], _Function]:
    """Let a function take a `method`, or its parts as keywords, but not both.

    `names` has the function's own names for parts of a method, by the method's names. Several may stand for one part.
    """
    parts = set[str]()
    for part in fields(Method):
        own = names.get(part.name, part.name)
        parts |= {own} if isinstance(own, str) else {*own}

    def decorate(function: _Function) -> _Function:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:
            method = kwargs.get("method")
            if method is not None:
                if not isinstance(method, Method):
                    raise ArgumentTypeError(f"method: expected a Method; got {type(method).__name__}")
                given = signature.bind(*args, **kwargs).arguments
                beside = [name for name in given if name in parts]
                if beside:
                    raise GpumaskError(f"method: expected it without {beside[0]}, which it says itself; got both")
            return function(*args, **kwargs)

        return checked  # type: ignore[return-value]

    return decorate
