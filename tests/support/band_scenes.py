"""Files whose bands are invalid at other places each."""

import numpy as np
import rasterio
from affine import Affine

from gpumask import Grid

RNG = np.random.default_rng(5)
SHAPE, NODES, STEP = (60, 70), (9, 11), (8, 7)
ROW = np.linspace(-3, 62, NODES[0])[:, None] + np.linspace(0, 5, NODES[1])
COL = np.linspace(-2, 71, NODES[1]) - np.linspace(0, 4, NODES[0])[:, None]
GRID = Grid(ROW, COL, STEP)
PLACE = {"crs": "EPSG:32633", "transform": Affine(10, 0, 5e5, 0, -10, 5e6)}


def written(path, array, **profile):
    """Write bands, or one, as a raster."""
    bands = array if array.ndim == 3 else array[None]
    shape = {"count": len(bands), "height": bands.shape[1], "width": bands.shape[2], "dtype": bands.dtype}
    with rasterio.open(path, "w", **{"driver": "GTiff", **PLACE, **shape, **profile}) as raster:
        raster.write(bands)
    return path


def read(path):
    with rasterio.open(path) as raster:
        return raster.read()


def band_scene(dtype):
    """Write source.tif and grid.tif. Return the bands, and where they are valid."""
    image = (RNG.random((3, *SHAPE)) * 200 + 1).astype(dtype)
    valid = RNG.random(image.shape) > 0.003
    image[~valid] = 0
    if image.dtype.kind == "f":
        also = RNG.random(image.shape) < 0.002
        image[also], valid = np.nan, valid & ~also
    written("source.tif", image, nodata=0)
    written("grid.tif", np.stack([ROW, COL]))
    return image, valid
