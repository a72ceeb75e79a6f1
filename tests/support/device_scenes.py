"""DataArrays whose arrays are on the device."""

import numpy as np
import pytest

xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
RNG = np.random.default_rng(0)

Y, X = 5_500_000 - 10 * (np.arange(70) + 0.5), 800_000 + 10 * (np.arange(90) + 0.5)

IMAGE = (RNG.random((3, 70, 90)) * 1000).astype(np.float32)
IMAGE[:, 10, 10], IMAGE[1, 20:22, 30] = np.nan, -9999

QUALITY = RNG.integers(0, 4, (70, 90)).astype(np.uint8)


def scenes(bring, pixels=IMAGE):
    """Return an image and its quality band, their arrays brought somewhere."""
    places = {"y": Y, "x": X}
    image = xarray.DataArray(bring(pixels), dims=("band", "y", "x"), coords=places).rio.write_crs("EPSG:32633")
    return image, xarray.DataArray(bring(QUALITY), dims=("y", "x"), coords=places, name="qa")


def on_device(array):
    import cupy

    return cupy.asarray(array)


def lazily(array):
    import cupy
    import dask.array

    return dask.array.from_array(cupy.asarray(array), chunks=(*(-1,) * (array.ndim - 2), 32, 40), asarray=False)
