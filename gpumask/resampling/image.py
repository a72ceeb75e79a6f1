"""Images as kernels take them, with the pixels that are valid, and the places of results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gpumask.backends import adopt, one_memory
from gpumask.errors import GpumaskError
from gpumask.pixels.missing import check_declares_nothing, mask_of
from gpumask.pixels.values import as_bytes
from gpumask.pixels.window import Window


@dataclass(frozen=True, eq=False)
class Source:
    """A source image as kernels take it, or a window of one.

    Attributes
    ----------
    image
        (band, row, col) integers or floats of 8 to 64 bits.
    valid
        uint8, non-zero is valid: (row, col), or (band, row, col) if bands differ. None means that all pixels are valid.
    origin
        The (row, col) of the whole image where this window begins.
    whole
        The rows and columns of the whole image, if this is a window of one. The window then holds all pixels that are
        needed, even beyond the edges. See `Method.reach`.
    """

    image: Any
    valid: Any = None
    origin: tuple[int, int] = (0, 0)
    whole: tuple[int, int] | None = None

    @property
    def window(self) -> Window:
        """The pixels of the whole image that are here."""
        return Window(*self.origin, *self.image.shape[1:])

    @property
    def whole_window(self) -> Window:
        """The pixels of the whole image. Without `whole` these are the pixels that are here."""
        return Window.of_shape(self.whole) if self.whole else self.window

    def crop(self, window: Window) -> Source:
        """Return a part. The window is in pixels of the whole image and lies inside the pixels that are here."""
        rows, cols = window.shift(-self.origin[0], -self.origin[1]).slices
        valid = None if self.valid is None else self.valid[..., rows, cols]
        return Source(self.image[:, rows, cols], valid, (window.row, window.col), self.whole)

    def band(self, number: int) -> Source:
        """Return one of the bands. The first is 0."""
        valid = self.valid if self.valid is None or self.valid.ndim == 2 else self.valid[number]
        return Source(self.image[number : number + 1], valid, self.origin, self.whole)

    @classmethod
    def of(cls, source: Any, valid: Any = None, by_band: bool = False) -> Source:
        """Check an image and its validity as a user gives them. A masked array brings a validity of its own.

        `by_band` says whether the validities of bands may differ. Otherwise a pixel is valid if it is valid in all
        bands.
        """
        check_declares_nothing("source", source)
        masked = mask_of(source)
        if masked is not None and valid is not None:
            one_memory(np.ma.getdata(source), valid := adopted_validity(valid))
        image = adopt("source", np.ma.getdata(source) if masked is not None else source)
        if image.ndim not in (2, 3) or 0 in image.shape:
            raise GpumaskError(f"source: expected (row, col) or (band, row, col) with pixels; got shape {image.shape}")
        if image.dtype.itemsize == 16 or max(image.shape[-2:]) >= 2**31 - 8:
            raise GpumaskError(
                f"source: expected up to 64 bits a value and 2^31 pixels a side; got {image.dtype}, {image.shape}"
            )
        image = image.astype(taken_as(image.dtype), copy=False)
        shape, image = image.shape, image if image.ndim == 3 else image[None]
        if valid is not None:
            valid = adopted_validity(valid)
            if valid.shape not in (shape[-2:], shape):
                also = f", or {shape} with its bands" if len(shape) == 3 else ""
                raise GpumaskError(
                    f"source_valid: expected shape {shape[-2:]}, the source's rows and columns{also}; got {valid.shape}"
                )
            valid = as_bytes("source_valid", valid)
        if masked is not None:
            unmasked: Any = ~masked.reshape(image.shape)
            unmasked = unmasked if by_band else unmasked.all(axis=0)
            valid = (unmasked if valid is None else unmasked & (valid != 0)).view(np.uint8)
        if valid is not None and valid.ndim == 3 and not by_band:
            valid = (valid != 0).all(axis=0).view(np.uint8)
        return cls(image, valid)


@dataclass(frozen=True, eq=False)
class Target:
    """Where a result goes.

    Attributes
    ----------
    image
        (band, row, col).
    validity
        (row, col) if bands are valid together, (band, row, col) if each is valid by itself, or None. uint8 takes 1
        where the image is valid. float32 takes the valid share. See `Method`.
    nodata
        The value of invalid pixels.
    outside
        The validity of a pixel that has no coordinate, or one outside the source. 0 makes it like any other invalid
        pixel. A share is 0 there.
    valid
        Where validity takes shares, this may take what validity of uint8 would take, with its shape.
    """

    image: Any
    validity: Any
    nodata: float
    outside: int = 0
    valid: Any = None

    @property
    def by_band(self) -> bool:
        """Whether each band is valid by itself."""
        return self.validity is not None and self.validity.ndim == 3

    @property
    def share(self) -> bool:
        """Whether the validity takes shares."""
        return self.validity is not None and self.validity.dtype == np.float32

    def crop(self, window: Window) -> Target:
        """Return a part. The window is in pixels of the result."""
        image, validity, valid = (
            None if array is None else array[..., *window.slices] for array in (self.image, self.validity, self.valid)
        )
        return Target(image, validity, self.nodata, self.outside, valid)

    def band(self, number: int) -> Target:
        """Return one of the bands, if each is valid by itself. The first is 0."""
        valid = None if self.valid is None else self.valid[number]
        return Target(self.image[number : number + 1], self.validity[number], self.nodata, self.outside, valid)


def taken_as(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type that kernels take instead of a type that they lack. It holds all values of that type."""
    return np.dtype({"bool": "uint8", "float16": "float32"}.get(dtype.name, dtype))


def adopted_validity(valid: Any) -> Any:
    """Return the validity of a source as an array. What a masked array masks is invalid."""
    if isinstance(valid, np.ma.MaskedArray):
        return (as_bytes("source_valid", adopt("source_valid", valid.filled(0))) != 0).view(np.uint8)
    return adopt("source_valid", valid)
