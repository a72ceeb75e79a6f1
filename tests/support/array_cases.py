"""DataArrays with a place, and what is the same of two of them."""

import numpy as np
import pytest
from affine import Affine
from warp_cases import Pair

from gpumask import Place

xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
pytest.importorskip("gpumask.xarray")


def image_at(place, *, bands=(), dtype="uint16", seed=0):
    """Return a DataArray of noise at a place."""
    rng = np.random.default_rng(seed)
    dims = [*(dim for dim, _ in bands), "y", "x"]
    shape = (*(n for _, n in bands), *place.shape)
    values = (rng.random(shape) * 4000).astype(dtype)
    t = place.transform
    coords = {
        "x": t.c + t.a * (np.arange(place.shape[1]) + 0.5),
        "y": t.f + t.e * (np.arange(place.shape[0]) + 0.5),
        **{dim: np.arange(n) for dim, n in bands},
    }
    array = xarray.DataArray(values, dims=dims, coords=coords, name="red", attrs={"units": "1", "long_name": "Red"})
    return array.rio.write_crs(place.crs)


def small(pair, factor=4):
    """Return a pair of places of fewer and larger pixels."""

    def coarser(place):
        shape = tuple(n // factor for n in place.shape)
        return Place(place.crs, place.transform @ Affine.scale(factor), shape)

    return Pair(*map(coarser, pair))


def same(found, expected):
    """Compare two DataArrays and their validities to the bit, with all that is said about them."""
    xarray.testing.assert_identical(found.compute(), expected)
    np.testing.assert_array_equal(found.validity, expected.validity)
