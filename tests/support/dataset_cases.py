"""Datasets of variables with different places, and what is the same of two of them."""

import numpy as np
import pytest
from array_cases import image_at
from warp_cases import placed

xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
pytest.importorskip("dask.array")
pytest.importorskip("gpumask.xarray")

FINE, COARSE = placed("EPSG:32633", 5e5, 5e6, 10, (60, 80)), placed("EPSG:32633", 5e5, 5e6, 20, (30, 40))

CLASSES = {"flag_values": np.array([0, 1, 2], np.uint8), "flag_meanings": "clear cloud snow"}

CLOUD = {"values": [1], "invert": True}


def classes_at(place, seed=0, **options):
    array = image_at(place, **options)
    values = np.random.default_rng(seed).choice(np.arange(3, dtype=np.uint8), array.shape, p=[0.8, 0.15, 0.05])
    return array.copy(data=values).assign_attrs(CLASSES)


def scene(**others):
    """Return variables of several dtypes and nodata values, categories, and what has no rows and columns."""
    red = image_at(FINE, seed=1).rio.write_nodata(0)
    red[5:8, 6:9] = 0
    nir = image_at(FINE, bands=[("time", 2)], dtype="float32", seed=2)
    nir[0, 30:33, 20] = np.nan
    return xarray.Dataset(
        {
            "red": red,
            "nir": nir,
            "qa": classes_at(FINE),
            "swir": image_at(COARSE, seed=3, dtype="int16").rename(y="y20", x="x20").assign_attrs(_FillValue=-1),
            "note": "hello",
            "gain": ("sensor", [0.5, 2.0]),
            "seen": ("time", np.array(["2024-01-01", "2024-02-01"], "datetime64[ns]")),
            **others,
        },
        attrs={"title": "scene"},
    )


def alone(dataset, name):
    """Return a variable by itself, as people took it out of Datasets before these could do it."""
    array = dataset[name].drop_vars([each for each in dataset.coords if str(each).endswith("_validity")])
    return array.rename(y20="y", x20="x") if "y20" in array.dims else array


def the_same(found, name, expected):
    """Compare a variable of a result with a DataArray that has a validity."""
    np.testing.assert_array_equal(found[name].values, expected.values)
    assert found[name].dtype == expected.dtype and found[name].dims == expected.dims
    own = found[f"{name}_validity"]
    np.testing.assert_array_equal(own.values, expected.validity.values)
    assert own.dims == expected.validity.dims and own.attrs["flag_meanings"] == "invalid valid"


INTERPS = {"red": "cubic", "nir": "cubic", "swir": "cubic", "qa": "nearest"}
