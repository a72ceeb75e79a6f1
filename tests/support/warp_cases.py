"""Pairs of places, to go from one coordinate reference system to another."""

from typing import NamedTuple

import numpy as np
import rasterio
from affine import Affine
from commands import write

from gpumask import Place


class Pair(NamedTuple):
    """A source and a target that covers it, with pixels of about the same size."""

    source: Place
    target: Place


def placed(crs: str, x: float, y: float, size: float, shape: tuple[int, int]) -> Place:
    """Return a place by its upper left corner and the size of a pixel."""
    return Place(crs, Affine(size, 0, x, 0, -size, y), shape)


PAIRS = {
    "to longitudes and latitudes": Pair(
        placed("EPSG:32616", 5e5, 37e5, 30, (600, 620)), placed("EPSG:4326", -87.0, 33.44, 0.00026, (640, 760))
    ),
    "to the next zone": Pair(
        placed("EPSG:32616", 7e5, 37e5, 30, (600, 620)), placed("EPSG:32617", 138_000, 3_706_000, 30, (700, 700))
    ),
    "to the web": Pair(
        placed("EPSG:4326", 10.0, 50.0, 0.001, (500, 700)), placed("EPSG:3857", 1_113_000, 6_447_000, 111, (900, 720))
    ),
    "polar": Pair(
        placed("EPSG:32621", 4e5, 8_700_000, 300, (600, 620)),
        placed("EPSG:3413", -390_000, -1_220_000, 290, (720, 720)),
    ),
    "over the antimeridian": Pair(
        placed("EPSG:32660", 8e5, 1_200_000, 100, (600, 620)), placed("EPSG:4326", 179.73, 10.85, 0.00085, (650, 680))
    ),
}
POLE = Pair(placed("EPSG:4326", -180.0, 90.0, 0.1, (300, 3600)), placed("EPSG:3413", -2.4e6, 2.4e6, 4000, (1200, 1200)))


def words_of(target: Place) -> dict[str, object]:
    """Return the arguments of `warp_file` and `reproject` for a target."""
    t, (rows, cols) = target.transform, target.shape
    return {"crs": target.crs, "resolution": (t.a, -t.e), "bounds": (t.c, t.f + rows * t.e, t.c + cols * t.a, t.f)}


def ramps(shape: tuple[int, int]) -> np.ndarray:
    """Return an image whose values are its rows and its columns."""
    return np.mgrid[: shape[0], : shape[1]].astype(float)


def by_gdal(image: np.ndarray, pair: Pair) -> np.ndarray:
    """Resample by GDAL, cubic, with nearly exact coordinates. The result is NaN outside the source.

    (rasterio.warp.reproject takes a tolerance, but its coordinates are up to 0.125 pixels off in any case.)
    """
    from rasterio.enums import Resampling
    from rasterio.io import MemoryFile
    from rasterio.vrt import WarpedVRT

    source, target = pair
    place = {"crs": source.crs, "transform": source.transform, "height": source.shape[0], "width": source.shape[1]}
    there = {"crs": target.crs, "transform": target.transform, "height": target.shape[0], "width": target.shape[1]}
    with MemoryFile() as memory:
        with memory.open(driver="GTiff", count=len(image), dtype="float64", **place) as file:
            file.write(image.astype(float))
        options = {"resampling": Resampling.cubic, "tolerance": 1e-9, "nodata": np.nan, "src_nodata": np.nan}
        with memory.open() as file, WarpedVRT(file, **there, **options) as warped:
            return warped.read()


def written(path, image, place, **options):
    """Write a (band, row, col) image at a place."""
    return write(path, image, crs=place.crs, transform=place.transform, **options)


def read(path):
    """Return image and profile."""
    with rasterio.open(path) as file:
        return file.read(), file.profile
