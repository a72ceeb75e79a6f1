"""Images as files have them: bands of a dataset, with the masks that say where they are valid."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gpumask.backends.backend import Backend
from gpumask.backends.memory import by_halves
from gpumask.errors import GpumaskError
from gpumask.files.reading.declared import Declared, not_zero
from gpumask.files.reading.gdal import check_bands, check_open, names_file, same_shape
from gpumask.masks.validity import Mask, all_of
from gpumask.pixels.boundary import Boundary, read_beyond
from gpumask.pixels.values import held
from gpumask.pixels.window import Window, ranges
from gpumask.resampling.image import Source

if TYPE_CHECKING:
    from rasterio.io import DatasetReader


@dataclass(frozen=True, eq=False)
class MaskBand:
    """A band that says what is valid: where it equals `valid_value`, or, where that is None, where it is not 0 or NaN.

    What its dataset masks itself is not valid either, by a mask, alpha, or, unless there is a valid_value, by the
    band's nodata value. beside: see `Declared`.
    """

    dataset: DatasetReader
    band: int = 1
    valid_value: float | None = None
    beside: DatasetReader | None = None

    def read(self, window: Window, name: str = "mask") -> np.ndarray:
        """Read a window as uint8, 1 where valid; name: what an error calls it."""
        values, told = self._read(window, name)
        if self.valid_value is None:
            valid = not_zero(values)
        else:
            valid = (values == values.dtype.type(held(name, self.valid_value, values.dtype))).view(np.uint8)
        return valid if told is None else valid & told

    def shares(self, window: Window) -> np.ndarray:
        """Read a window of shares of valid: 0 where the dataset masks them."""
        values, told = self._read(window, "mask")
        return values if told is None else np.where(told != 0, values, 0)

    def _read(self, window: Window, name: str) -> tuple[np.ndarray, np.ndarray | None]:
        """Read a window, and what its dataset says of it."""
        with names_file(name, self.dataset, window):
            values = self.dataset.read(self.band, window=ranges(window))
            own = self._declared.of_band(0, window, values if self.valid_value is None else None)
            told = all_of([*self._declared.of_all(window, but=self.band), *([] if own is None else [own])])
        return values, told

    @functools.cached_property
    def _declared(self) -> Declared:
        """What the dataset says itself."""
        return Declared(self.dataset, (self.band,), self.beside)


@dataclass(frozen=True, eq=False)
class SourceFile:
    """Bands of a dataset, and where they are valid.

    masks: of the dataset's rows and columns. own_mask: whether a pixel is invalid that the dataset itself masks in any
    of the bands, by whatever it declares: see `Declared`, where `beside` is explained. nodata: a pixel with this value
    in any of the bands is invalid. computed: masks that a backend computes, of rules or polygons.
    by_band: whether nodata values, and masks that a band has for itself, concern just their band.
    """

    dataset: DatasetReader
    bands: tuple[int, ...]
    masks: tuple[MaskBand, ...] = ()
    own_mask: bool = False
    nodata: float | None = None
    computed: tuple[Mask, ...] = ()
    beside: DatasetReader | None = None
    by_band: bool = False

    def __post_init__(self) -> None:
        """Check that the bands are there and of one real dtype, and that the mask fits."""
        check_open("source", self.dataset)
        check_bands("bands", self.dataset, self.bands)
        dtypes = {self.dataset.dtypes[band - 1] for band in self.bands}
        if len(dtypes) > 1:
            raise GpumaskError(f"bands: expected one dtype; got {', '.join(sorted(dtypes))}")
        for mask in self.masks:
            check_mask("source mask", mask, self.dataset.shape)
        if self.nodata is not None:
            object.__setattr__(self, "nodata", held("source_nodata", self.nodata, self.dtype))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the bands."""
        return np.dtype(self.dataset.dtypes[self.bands[0] - 1])

    @functools.cached_property
    def declared(self) -> Declared:
        """What the dataset says itself of where its bands are valid."""
        return Declared(self.dataset, self.bands, self.beside)

    @property
    def mask_bytes(self) -> int:
        """About how many bytes for a pixel the masks take while they are read, but for those that are computed."""
        own = self.declared.count if self.own_mask else 0
        return 3 + own + len(self.bands) * (self.by_band + (self.nodata is not None)) + len(self.masks)

    @property
    def computed_bytes(self) -> int:
        """About how many bytes for a pixel the masks take that are computed."""
        return 4 * len(self.computed)

    @property
    def computed_margin(self) -> int:
        """How many pixels around a window the masks read that are computed."""
        return max((mask.margin for mask in self.computed), default=0)

    def read(self, window: Window, backend: Backend, out: np.ndarray, boundary: Boundary) -> Source:
        """Read a window of all bands into `out`, and of the masks, in host memory; the backend computes the rest.

        Where the window lies beyond the edges, the boundary says what is there.
        """
        valid = None
        if not window.is_empty:
            read = functools.partial(self._read, backend)
            inside = Window.of_shape(boundary.once(self.dataset.shape)).contains(window)
            valid = read(window, out) if inside else read_beyond(read, self.dataset.shape, window, boundary, out)
        return Source(out, valid, (window.row, window.col), self.dataset.shape)

    def _read(self, backend: Backend, window: Window, out: np.ndarray) -> np.ndarray | None:
        """Read a window of the image, and return where it is valid: (row, col), or by band; None: everywhere."""
        with names_file("source", self.dataset, window):
            self.dataset.read(list(self.bands), window=ranges(window), out=out)
        common: np.ndarray | None = all_of(self._of_all(window, backend))
        bands = [all_of(self._of_band(place, window, pixels)) for place, pixels in enumerate(out)]
        told = [valid for valid in bands if valid is not None]
        if not self.by_band or not told:
            return common if not told else all_of([*told, *([] if common is None else [common])])
        by_band = np.ones(out.shape, np.uint8) if common is None else np.repeat(common[None], len(out), axis=0)
        for place, valid in enumerate(bands):
            if valid is not None:
                by_band[place] &= valid
        return by_band

    def _of_all(self, window: Window, backend: Backend) -> Iterator[np.ndarray]:
        """Yield what each mask of all bands says of a window."""
        for mask in self.masks:
            yield mask.read(window, "source mask")
        if self.own_mask:
            with names_file("source", self.dataset, window):
                yield from self.declared.of_all(window)
        for computed in self.computed:
            yield by_halves(backend, window, functools.partial(computed.validity, backend=backend))

    def _of_band(self, place: int, window: Window, pixels: np.ndarray) -> Iterator[np.ndarray]:
        """Yield what each mask of one band says of a window, whose pixels are given."""
        if self.nodata is not None:
            yield (pixels != self.dtype.type(self.nodata)).view(np.uint8)
        if self.own_mask:
            with names_file("source", self.dataset, window):
                own = self.declared.of_band(place, window, pixels)
            if own is not None:
                yield own


def check_mask(name: str, mask: MaskBand | None, shape: tuple[int, int]) -> None:
    """Raise GpumaskError unless the mask is there and fits."""
    if mask is not None:
        check_open(name, mask.dataset)
        check_bands(f"{name} band", mask.dataset, (mask.band,))
        same_shape(name, mask.dataset.shape, shape)
        if mask.valid_value is not None:
            held(f"{name} valid value", mask.valid_value, np.dtype(mask.dataset.dtypes[mask.band - 1]))
