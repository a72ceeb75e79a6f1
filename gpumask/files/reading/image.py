"""Images in files: bands of a dataset, with the masks that say where they are valid."""

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
    """A band that says which pixels are valid.

    A pixel is valid if it equals `valid_value`. Without a `valid_value` it is valid if it is neither 0 nor NaN. Pixels
    that the dataset itself masks are invalid too: by a mask, by alpha and, without a `valid_value`, by the nodata value
    of the band. For `beside` see `Declared`.
    """

    dataset: DatasetReader
    band: int = 1
    valid_value: float | None = None
    beside: DatasetReader | None = None

    @property
    def holds_shares(self) -> bool:
        """Whether the values are shares of valid."""
        return self.valid_value is None and np.dtype(self.dataset.dtypes[self.band - 1]).kind == "f"

    def read(self, window: Window, name: str = "mask") -> np.ndarray:
        """Read a window as uint8, 1 where valid. Errors call the mask by `name`."""
        values, told = self._read(window, name)
        if self.valid_value is None:
            valid = not_zero(values)
        else:
            valid = (values == values.dtype.type(held(name, self.valid_value, values.dtype))).view(np.uint8)
        return valid if told is None else valid & told

    def shares(self, window: Window) -> np.ndarray:
        """Read a window of shares of valid. They are 0 where the dataset masks them."""
        values, told = self._read(window, "mask")
        return values if told is None else np.where(told != 0, values, 0)

    def _read(self, window: Window, name: str) -> tuple[np.ndarray, np.ndarray | None]:
        """Read a window, and what the dataset itself says of it."""
        with names_file(name, self.dataset, window):
            values = self.dataset.read(self.band, window=ranges(window))
            own = self._declared.of_band(0, window, values if self.valid_value is None else None)
            told = all_of([*self._declared.of_all(window, but=self.band), *([] if own is None else [own])])
        return values, told

    @functools.cached_property
    def _declared(self) -> Declared:
        """What the dataset itself says of this band."""
        return Declared(self.dataset, (self.band,), self.beside)


@dataclass(frozen=True, eq=False)
class SourceFile:
    """Bands of a dataset, and where they are valid.

    Attributes
    ----------
    dataset
        The dataset, open.
    bands
        The numbers of the bands.
    masks
        Masks with the rows and columns of the dataset.
    own_mask
        Whether all that the dataset itself declares counts. A pixel that is masked in any of the bands is invalid then.
    nodata
        A pixel with this value in any of the bands is invalid.
    computed
        Masks that a backend computes from rules or polygons.
    beside
        See `Declared`.
    by_band
        Whether nodata values and the masks of one band concern that band alone.
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
        """Check that the bands exist and have one real dtype, and that the masks fit."""
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
        """What the dataset itself says of where its bands are valid."""
        return Declared(self.dataset, self.bands, self.beside)

    @property
    def mask_bytes(self) -> int:
        """About how many bytes a pixel the masks take while they are read. Computed masks are not counted."""
        own = self.declared.count if self.own_mask else 0
        return 3 + own + len(self.bands) * (self.by_band + (self.nodata is not None)) + len(self.masks)

    @property
    def computed_bytes(self) -> int:
        """About how many bytes a pixel the computed masks take."""
        return 4 * len(self.computed)

    @property
    def computed_margin(self) -> int:
        """How many pixels around a window the computed masks read."""
        return max((mask.margin for mask in self.computed), default=0)

    def read(self, window: Window, backend: Backend, out: np.ndarray, boundary: Boundary) -> Source:
        """Read a window of all bands into `out`, and the masks, in host memory. The backend computes the other masks.

        Where the window lies beyond the edges, the boundary says what is there.
        """
        valid = None
        if not window.is_empty:
            read = functools.partial(self._read, backend)
            inside = Window.of_shape(boundary.once(self.dataset.shape)).contains(window)
            valid = read(window, out) if inside else read_beyond(read, self.dataset.shape, window, boundary, out)
        return Source(out, valid, (window.row, window.col), self.dataset.shape)

    def _read(self, backend: Backend, window: Window, out: np.ndarray) -> np.ndarray | None:
        """Read a window of the image into `out`. Return where it is valid: (row, col), or by band.

        The result is None if all pixels are valid.
        """
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
        """Yield what each mask for all bands says of a window."""
        for mask in self.masks:
            yield mask.read(window, "source mask")
        if self.own_mask:
            with names_file("source", self.dataset, window):
                yield from self.declared.of_all(window)
        for computed in self.computed:
            yield by_halves(backend, window, functools.partial(computed.validity, backend=backend))

    def _of_band(self, place: int, window: Window, pixels: np.ndarray) -> Iterator[np.ndarray]:
        """Yield what each mask for one band says of a window. `pixels` holds the pixels of that window."""
        if self.nodata is not None:
            yield (pixels != self.dtype.type(self.nodata)).view(np.uint8)
        if self.own_mask:
            with names_file("source", self.dataset, window):
                own = self.declared.of_band(place, window, pixels)
            if own is not None:
                yield own


def check_mask(name: str, mask: MaskBand | None, shape: tuple[int, int]) -> None:
    """Raise GpumaskError unless the mask exists and fits."""
    if mask is not None:
        check_open(name, mask.dataset)
        check_bands(f"{name} band", mask.dataset, (mask.band,))
        same_shape(name, mask.dataset.shape, shape)
        if mask.valid_value is not None:
            held(f"{name} valid value", mask.valid_value, np.dtype(mask.dataset.dtypes[mask.band - 1]))
