"""Rasters as the chain reads them: a source with its masks, a grid with its own; and what is checked of datasets."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gpumask.backends import Backend
from gpumask.boundary import Boundary
from gpumask.declared import Declared, not_zero
from gpumask.edges import read_beyond
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.image import Source
from gpumask.mask import Part, all_of
from gpumask.memory import by_halves
from gpumask.values import held
from gpumask.window import Window, ranges

if TYPE_CHECKING:
    from rasterio.io import DatasetReader, DatasetWriter


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
    in any of the bands is invalid. parts: what else says which of its pixels are valid.
    by_band: whether nodata values, and masks that a band has for itself, concern just their band.
    """

    dataset: DatasetReader
    bands: tuple[int, ...]
    masks: tuple[MaskBand, ...] = ()
    own_mask: bool = False
    nodata: float | None = None
    parts: tuple[Part, ...] = ()
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
        """About how many bytes for a pixel the masks take while they are read, but for the parts."""
        own = self.declared.count if self.own_mask else 0
        return 3 + own + len(self.bands) * (self.by_band + (self.nodata is not None)) + len(self.masks)

    @property
    def part_bytes(self) -> int:
        """About how many bytes for a pixel the parts take while they are made."""
        return 4 * len(self.parts)

    @property
    def part_margin(self) -> int:
        """How many pixels around a window the parts read."""
        return max((part.margin for part in self.parts), default=0)

    def read(self, window: Window, backend: Backend, out: np.ndarray, boundary: Boundary) -> Source:
        """Read a window of all bands into `out`, and of the masks, in host memory; parts are made by the backend.

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
        for part in self.parts:
            yield by_halves(backend, window, functools.partial(part.validity, backend=backend))

    def _of_band(self, place: int, window: Window, pixels: np.ndarray) -> Iterator[np.ndarray]:
        """Yield what each mask of one band says of a window, whose pixels are given."""
        if self.nodata is not None:
            yield (pixels != self.dtype.type(self.nodata)).view(np.uint8)
        if self.own_mask:
            with names_file("source", self.dataset, window):
                own = self.declared.of_band(place, window, pixels)
            if own is not None:
                yield own


class Output(Protocol):
    """Where the chain writes."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the image."""

    @property
    def block_shape(self) -> tuple[int, int]:
        """Rows and columns of the blocks that the image is stored in."""

    def check(self, bands: int, shape: tuple[int, int], by_band: bool) -> None:
        """Raise GpumaskError where so many bands of so many rows and columns have no place.

        by_band: whether there is a validity of each.
        """

    def finished(self) -> dict[Window, Any]:
        """Return the tiles that are there already, as what the chain said of them, by their windows of the output."""

    def write(self, window: Window, image: np.ndarray, validity: np.ndarray, done: Any) -> None:
        """Write a tile at a window; done: what the chain says of it."""


@dataclass(frozen=True, eq=False)
class OutputFile:
    """Where a result is written: an image; and its validity in a file, in the image's mask, in alpha bands, or nowhere.

    image: the bands of the result, of one dtype, and at the places that `alpha` names (1 is the first) those that
    become the dtype's greatest value where valid, 0 elsewhere. validity: its first band becomes 1 where valid, 0
    elsewhere; where each band is valid by itself, as many bands do. mask: whether the image's own mask is written.
    """

    image: DatasetWriter
    validity: DatasetWriter | None = None
    mask: bool = False
    alpha: tuple[int, ...] = ()

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the image."""
        return np.dtype(self.image.dtypes[0])

    @property
    def block_shape(self) -> tuple[int, int]:
        """Rows and columns of the blocks that the image is stored in."""
        rows, cols = self.image.block_shapes[0]
        return rows, cols

    def check(self, bands: int, shape: tuple[int, int], by_band: bool = False) -> None:
        """Raise GpumaskError where the datasets can't hold so many bands of so many rows and columns.

        by_band: whether there is a validity of each.
        """
        for name, dataset in {"image": self.image, "validity": self.validity}.items():
            if dataset is not None:
                check_can_hold(name, dataset, shape)
        wanted = bands + len(self.alpha)
        if self.image.count != wanted or len(set(self.image.dtypes)) > 1:
            raise GpumaskError(
                f"image: expected {wanted} bands of one dtype, as the source's; got {', '.join(self.image.dtypes)}"
            )
        if by_band and (self.mask or self.alpha):
            raise GpumaskError(
                "validity: expected a file, or a nodata value, for a validity of each band; got a mask or alpha, which "
                "is of all bands"
            )
        if by_band and self.validity is not None and self.validity.count < bands:
            raise GpumaskError(f"validity: expected {bands} bands, one of each band; got {self.validity.count}")

    def finished(self) -> dict[Window, Any]:
        """Return the tiles that are there already, by their windows of the output."""
        return {}

    def stored(self, image: np.ndarray, validity: np.ndarray) -> list[np.ndarray]:
        """Return what `read` should return where these are written."""
        return [image] + [validity] * (len(self.alpha) + self.mask + (self.validity is not None))

    def read(self, window: Window) -> list[np.ndarray]:
        """Read the image back, and the validity from each place that has it."""
        where = ranges(window)
        with names_file("image", self.image, window):
            found = [self.image.read(self._colours, window=where)]
            found += [(self.image.read(band, window=where) != 0).view(np.uint8) for band in self.alpha]
            if self.mask:
                found.append((self.image.read_masks(1, window=where) != 0).view(np.uint8))
        if self.validity is not None:
            with names_file("validity", self.validity, window):
                found.append(self.validity.read(window=where))
        return found

    @property
    def _colours(self) -> list[int]:
        """The numbers of all bands but alpha."""
        return [band for band in self.image.indexes if band not in self.alpha]

    def close(self) -> None:
        """Close the files."""
        for dataset in (self.image, self.validity):
            if dataset is not None:
                dataset.close()

    def write(self, window: Window, image: np.ndarray, validity: np.ndarray, done: Any) -> None:
        """Write a tile."""
        where = ranges(window)
        with names_file("image", self.image, window):
            self.image.write(image, self._colours, window=where)
            for band in self.alpha:
                opaque = np.iinfo(self.dtype).max
                self.image.write(validity.astype(self.dtype) * self.dtype.type(opaque), band, window=where)
            if self.mask:
                self.image.write_mask(validity * np.uint8(255), window=where)
        if self.validity is not None:
            with names_file("validity", self.validity, window):
                self.validity.write(validity, 1 if validity.ndim == 2 else range(1, len(validity) + 1), window=where)


@contextlib.contextmanager
def names_file(name: str, dataset: Any, window: Window) -> Iterator[None]:
    """Raise GpumaskError, naming the file and the window, where it can't be read or written."""
    try:
        yield
    except GpumaskError:
        raise
    except Exception as error:  # rasterio's, and those of what holds a dataset in its stead
        told = error.__cause__ or error
        rows, cols = f"{window.row} to {window.row_stop - 1}", f"{window.col} to {window.col_stop - 1}"
        raise GpumaskError(f"{name}: {dataset.name}, rows {rows}, columns {cols}: {told}") from error


def gdal_environment() -> Callable[[], AbstractContextManager[object]]:
    """Return what gives a thread the GDAL options of this one."""
    import rasterio
    from rasterio.env import getenv, hasenv, setenv

    # The cache is the whole process's: `gdal_cache`. Credentials come with a session, as they are in the environment.
    options = {key: value for key, value in (getenv() if hasenv() else {}).items() if key.upper() != "GDAL_CACHEMAX"}

    @contextlib.contextmanager
    def environment() -> Iterator[None]:
        with rasterio.Env():
            setenv(**options)
            yield

    return environment


@contextlib.contextmanager
def gdal_cache(size: int) -> Iterator[None]:
    """Let GDAL's cache of blocks, which is one for the whole process, have no more than so many bytes."""
    import rasterio
    from rasterio.env import get_gdal_config, set_gdal_config

    with rasterio.Env():
        before = get_gdal_config("GDAL_CACHEMAX")
        set_gdal_config("GDAL_CACHEMAX", size)
        try:
            yield
        finally:
            set_gdal_config("GDAL_CACHEMAX", before)


def check_open(name: str, dataset: Any) -> None:
    """Raise GpumaskError unless this is a dataset that is open."""
    if not hasattr(dataset, "dtypes"):
        raise ArgumentTypeError(f"{name}: expected an open dataset; got {type(dataset).__name__}")
    if getattr(dataset, "closed", False):
        raise GpumaskError(f"{name}: expected an open dataset; got {dataset!r}")


def check_bands(name: str, dataset: DatasetReader, bands: tuple[int, ...]) -> None:
    """Raise GpumaskError unless all bands are there and real, and there are any."""
    if not bands:
        raise GpumaskError(f"{name}: expected at least one; got none")
    for band in bands:
        if not 1 <= band <= dataset.count:
            raise GpumaskError(f"{name}: expected 1 to {dataset.count}, the bands of {dataset.name}; got {band}")
        if "complex" in dataset.dtypes[band - 1]:
            raise GpumaskError(f"{name}: expected a real dtype in {dataset.name}; got {dataset.dtypes[band - 1]}")


def check_mask(name: str, mask: MaskBand | None, shape: tuple[int, int]) -> None:
    """Raise GpumaskError unless the mask is there and fits."""
    if mask is not None:
        check_open(name, mask.dataset)
        check_bands(f"{name} band", mask.dataset, (mask.band,))
        same_shape(name, mask.dataset.shape, shape)
        if mask.valid_value is not None:
            held(f"{name} valid value", mask.valid_value, np.dtype(mask.dataset.dtypes[mask.band - 1]))


def same_shape(name: str, shape: tuple[int, int], expected: tuple[int, int]) -> None:
    """Raise GpumaskError where the shapes of two datasets differ."""
    if shape != expected:
        raise GpumaskError(f"{name}: expected {expected[0]} x {expected[1]} pixels; got {shape[0]} x {shape[1]}")


def check_can_hold(name: str, dataset: DatasetWriter, shape: tuple[int, int]) -> None:
    """Raise GpumaskError unless a dataset can be written to and has as many pixels, or more."""
    check_open(name, dataset)
    if getattr(dataset, "mode", "r") == "r":
        raise ArgumentTypeError(f"{name}: expected a dataset that is open to be written; got {dataset!r}")
    if not Window.of_shape(dataset.shape).contains(Window.of_shape(shape)):
        raise GpumaskError(
            f"{name}: expected {shape[0]} x {shape[1]} pixels or more; got {dataset.height} x {dataset.width}"
        )
