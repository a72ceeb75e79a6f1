"""Calls of the chain from file to file, and the files that they read and write."""

from dataclasses import dataclass

import numpy as np
from rasterio import Affine
from rasterio.io import MemoryFile

import gpumask
from gpumask import Grid, GridRIOMode, Window, resample

# tile_shape, io_strip_size, io_strip_size_target: None or 0 is no cut.
TILINGS = [
    (None, 0, GridRIOMode.INPUT),
    (None, 2, GridRIOMode.INPUT),
    (None, 1, GridRIOMode.OUTPUT),
    ((1000, 1000), 1000, GridRIOMode.INPUT),
    ((16, 16), 0, GridRIOMode.INPUT),
    ((16, 16), 7, GridRIOMode.OUTPUT),
    ((7, 5), 3, GridRIOMode.INPUT),
    ((0, 9), 4, GridRIOMode.INPUT),
    ((11, 0), 100, GridRIOMode.OUTPUT),
    ((1, 64), 0, GridRIOMode.OUTPUT),
    ((64, 1), 13, GridRIOMode.OUTPUT),
    ((4, 6), -1, GridRIOMode.INPUT),
]


class Files:
    """Makes datasets in memory, which can be read and written, and closes them in the end."""

    def __init__(self, stack):
        self.stack = stack

    def new(self, shape, dtype="uint8"):
        """Make a dataset of (band, row, col) zeros."""
        bands, rows, cols = shape if len(shape) == 3 else (1, *shape)
        memory = self.stack.enter_context(MemoryFile())
        profile = {
            "count": bands,
            "height": rows,
            "width": cols,
            "dtype": dtype,
            "transform": Affine(2, 0, 0, 0, -2, 0),
        }
        return self.stack.enter_context(memory.open(driver="GTiff", **profile))

    def put(self, array):
        """Make a dataset of an array. None stays None."""
        if array is None:
            return None
        dataset = self.new(array.shape, array.dtype)
        dataset.write(array if array.ndim == 3 else array[None])
        return dataset


@dataclass(frozen=True)
class Scene:
    """A source, its mask, a grid and its mask, as arrays, and which values of the masks are valid."""

    source: np.ndarray
    row: np.ndarray
    col: np.ndarray
    resolution: tuple[int, int]
    mask: np.ndarray | None = None
    mask_valid: int = 1
    grid_mask: np.ndarray | None = None
    grid_mask_valid: int = 1

    @property
    def full_shape(self):
        return Grid(self.row, self.col, self.resolution).full_shape

    def in_memory(self, interp, bands, dtype, nodata, window=None, shift=(0.0, 0.0)):
        """Resample the arrays."""
        counts = None if self.grid_mask is None else self.grid_mask.view(np.uint8) == self.grid_mask_valid
        grid = Grid(self.row + shift[0], self.col + shift[1], self.resolution, counts, window=window)
        valid = None if self.mask is None else self.mask == self.mask_valid
        source = self.source[[band - 1 for band in bands]]
        return resample(source, grid, interp, source_valid=valid, nodata_out=nodata, dtype=dtype)

    def from_files(self, files, interp, bands, dtype, nodata, function=gpumask.basic_grid_resampling_chain, **options):
        """Write the arrays to files, run the chain, and read its image and mask."""
        win = options.get("win")
        shape = self.full_shape if win is None else tuple((win[:, 1] - win[:, 0] + 1).tolist())
        image, mask = files.new((len(bands), *shape), dtype), files.new(shape)
        if self.mask is not None:
            options |= {"array_src_mask_ds": files.put(self.mask), "array_src_mask_band": 1}
            options |= {"array_src_mask_validity_pair": (self.mask_valid, 0)}
        if self.grid_mask is not None:
            options |= {"grid_mask_in_ds": files.put(self.grid_mask), "grid_mask_in_band": 1}
            options |= {"grid_mask_in_unmasked_value": self.grid_mask_valid}
        function(
            files.put(np.array([self.row, self.col])), 1, 2, self.resolution, files.put(self.source), list(bands),
            image, interp, nodata, mask_out_ds=mask, **options,
        )  # fmt: skip
        return image.read(), mask.read(1)


def random_scene(seed, dtype):
    """A source of 3 bands, rotated, in part outside, with masks of different kinds."""
    rng = np.random.default_rng(seed)
    source = rng.uniform(0, 250, (3, 41, 37)).astype(dtype)
    m, n = rng.integers(5, 9, 2)
    y, x = np.mgrid[-24 : 24 : m * 1j, -24 : 24 : n * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    row, col = 20 + np.cos(angle) * y + np.sin(angle) * x, 18 - np.sin(angle) * y + np.cos(angle) * x
    if seed % 3 == 0:
        row, col = np.round(row * 2) / 2, np.round(col * 2) / 2
    mask_valid, grid_mask_valid = [(1, 1), (255, 0), (7, 255)][seed % 3]
    mask = np.where(rng.random(source.shape[1:]) < 0.03, 3 if mask_valid > 1 else 0, mask_valid)
    grid_mask = np.where(rng.random(row.shape) < 0.08, 100, grid_mask_valid).astype(np.uint8)
    return Scene(
        source, row, col, tuple(rng.integers(3, 9, 2).tolist()),
        mask.astype(np.uint8), mask_valid,
        grid_mask.view(np.int8) if seed % 2 else grid_mask, grid_mask_valid,
    )  # fmt: skip


class Counted:
    """A dataset that remembers the windows read."""

    def __init__(self, dataset):
        self.dataset, self.windows = dataset, []

    def __getattr__(self, name):
        return getattr(self.dataset, name)

    def read(self, bands, window, out=None):
        (top, bottom), (left, right) = window
        self.windows.append(Window(top, left, bottom - top, right - left))
        return self.dataset.read(bands, window=window, out=out)
