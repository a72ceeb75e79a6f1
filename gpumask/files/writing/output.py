"""Where a result is written: an image, and its validity in one of several places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gpumask.errors import GpumaskError
from gpumask.files.reading.gdal import check_can_hold, names_file
from gpumask.pixels.window import Window, ranges

if TYPE_CHECKING:
    from rasterio.io import DatasetWriter


@dataclass(frozen=True, eq=False)
class OutputFile:
    """Where a result is written: an image, and its validity in a file, in the image's mask, in alpha bands, or nowhere.

    Attributes
    ----------
    image
        The dataset of the image. All bands have one dtype.
    validity
        The dataset of the validity, 1 where valid and 0 elsewhere, or of the valid share. It has one band, or a band
        for each band of the result. None means that no file has the validity.
    mask
        Whether to write the mask of the image.
    alpha
        The numbers of the alpha bands of the image, 1 for the first. They hold the greatest value of the dtype where
        valid, and 0 elsewhere.
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
        """The rows and columns of the blocks that the image is stored in."""
        rows, cols = self.image.block_shapes[0]
        return rows, cols

    def check(self, bands: int, shape: tuple[int, int], by_band: bool = False) -> None:
        """Raise GpumaskError if so many bands of so many rows and columns don't fit into the datasets.

        `by_band` says whether each band has a validity of its own.
        """
        for name, dataset in {"image": self.image, "validity": self.validity}.items():
            if dataset is not None:
                check_can_hold(name, dataset, shape)
        wanted = bands + len(self.alpha)
        if self.image.count != wanted or len(set(self.image.dtypes)) > 1:
            raise GpumaskError(
                f"image: expected {wanted} bands of one dtype, as the source has; got {', '.join(self.image.dtypes)}"
            )
        if by_band and (self.mask or self.alpha):
            raise GpumaskError(
                "validity: expected a file, or a nodata value, for a validity of each band; got a mask or alpha, which "
                "all bands share"
            )
        if by_band and self.validity is not None and self.validity.count < bands:
            raise GpumaskError(f"validity: expected {bands} bands, one for each band; got {self.validity.count}")

    def finished(self) -> dict[Window, Any]:
        """Return the finished tiles of an earlier run. There are none."""
        return {}

    def stored(self, image: np.ndarray, validity: np.ndarray) -> list[np.ndarray]:
        """Return what `read` returns if these are written."""
        return [image] + [validity] * (len(self.alpha) + self.mask + (self.validity is not None))

    def read(self, window: Window) -> list[np.ndarray]:
        """Read back the image, and the validity from each place that has it."""
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
        """The numbers of all bands except alpha."""
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
