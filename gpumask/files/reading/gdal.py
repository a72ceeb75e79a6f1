"""GDAL's settings, and checks of open datasets."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.pixels.window import Window

if TYPE_CHECKING:
    from rasterio.io import DatasetReader, DatasetWriter


@contextlib.contextmanager
def names_file(name: str, dataset: Any, window: Window) -> Iterator[None]:
    """Raise GpumaskError, naming the file and the window, if something can't be read or written."""
    try:
        yield
    except GpumaskError:
        raise
    except Exception as error:  # rasterio's errors, and those of objects that stand in for a dataset
        told = error.__cause__ or error
        rows, cols = f"{window.row} to {window.row_stop - 1}", f"{window.col} to {window.col_stop - 1}"
        raise GpumaskError(f"{name}: {dataset.name}, rows {rows}, columns {cols}: {told}") from error


def gdal_environment() -> Callable[[], AbstractContextManager[object]]:
    """Return a context manager that gives another thread the GDAL options of this thread."""
    import rasterio
    from rasterio.env import getenv, hasenv, setenv

    # The cache belongs to the whole process. See `gdal_cache`. Credentials come with a session from the environment.
    options = {key: value for key, value in (getenv() if hasenv() else {}).items() if key.upper() != "GDAL_CACHEMAX"}

    @contextlib.contextmanager
    def environment() -> Iterator[None]:
        with rasterio.Env():
            setenv(**options)
            yield

    return environment


@contextlib.contextmanager
def gdal_cache(size: int) -> Iterator[None]:
    """Limit GDAL's cache of blocks to so many bytes within the block. The whole process has one such cache."""
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
    """Raise GpumaskError unless this is an open dataset."""
    if not hasattr(dataset, "dtypes"):
        raise ArgumentTypeError(f"{name}: expected an open dataset; got {type(dataset).__name__}")
    if getattr(dataset, "closed", False):
        raise GpumaskError(f"{name}: expected an open dataset; got {dataset!r}")


def check_bands(name: str, dataset: DatasetReader, bands: tuple[int, ...]) -> None:
    """Raise GpumaskError unless all bands exist and are real, and there is at least one."""
    if not bands:
        raise GpumaskError(f"{name}: expected at least one; got none")
    for band in bands:
        if not 1 <= band <= dataset.count:
            raise GpumaskError(f"{name}: expected 1 to {dataset.count}, the bands of {dataset.name}; got {band}")
        if "complex" in dataset.dtypes[band - 1]:
            raise GpumaskError(f"{name}: expected a real dtype in {dataset.name}; got {dataset.dtypes[band - 1]}")


def same_shape(name: str, shape: tuple[int, int], expected: tuple[int, int]) -> None:
    """Raise GpumaskError if the shapes of two datasets differ."""
    if shape != expected:
        raise GpumaskError(f"{name}: expected {expected[0]} x {expected[1]} pixels; got {shape[0]} x {shape[1]}")


def check_can_hold(name: str, dataset: DatasetWriter, shape: tuple[int, int]) -> None:
    """Raise GpumaskError unless a dataset is open for writing and has at least so many rows and columns."""
    check_open(name, dataset)
    if getattr(dataset, "mode", "r") == "r":
        raise ArgumentTypeError(f"{name}: expected a dataset that is open to be written; got {dataset!r}")
    if not Window.of_shape(dataset.shape).contains(Window.of_shape(shape)):
        raise GpumaskError(
            f"{name}: expected {shape[0]} x {shape[1]} pixels or more; got {dataset.height} x {dataset.width}"
        )
