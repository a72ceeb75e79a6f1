"""Area statistics in xarray: chunks give what whole arrays have."""

import numpy as np
import pytest
from array_cases import image_at, same, small
from exhaustive import few_of
from warp_cases import PAIRS

from gpumask import Place, ProjectedGrid, Window, resample
from gpumask.pixels.interpolators import STATISTICS

xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
pytest.importorskip("dask.array")
pytest.importorskip("gpumask.xarray")

PAIR = small(PAIRS["to the next zone"], 8)
# Pixels of the output are four times as large as those of the source.
TARGET = Place(PAIR.target.crs, PAIR.target.transform @ type(PAIR.target.transform).scale(4), (29, 31))
GRID = ProjectedGrid(PAIR.source, TARGET)
every_statistic = pytest.mark.parametrize("statistic", STATISTICS)


def bands(dtype="float64"):
    """Return bands of which each has NaN at other places."""
    array = image_at(PAIR.source, bands=[("band", 2)], dtype=dtype)
    if array.dtype.kind == "f":
        array.data[np.random.default_rng(3).random(array.shape) < 0.03] = np.nan
    return array


@every_statistic
@pytest.mark.parametrize("validity", ["pixel", "band share"])
@pytest.mark.parametrize("chunks", [{"y": 25, "x": 30}, {"y": 7, "x": 9}])
def test_chunks_give_what_whole_arrays_have(statistic, validity, chunks):
    words = {"interp": statistic, "validity": validity, "mask_policy": "renormalize", "backend": "numpy"}
    words["min_weight"] = 0.4
    array = bands()
    found = array.chunk(chunks).gpumask.resample(GRID, chunks=(10, 11), **words)
    expected = array.gpumask.resample(GRID, **words)
    assert found.chunks is not None
    xarray.testing.assert_identical(found.compute(), expected)
    whole = GRID.read(Window.of_shape(GRID.full_shape), 1)
    of_arrays = resample(array.values, whole, nodata_out=None, **words)
    np.testing.assert_array_equal(expected.values, of_arrays.image)
    name = "valid_share" if validity == "band share" else "validity"
    np.testing.assert_array_equal(expected.coords[name].values, of_arrays.validity)
    assert 0 < np.mean(of_arrays.validity == 1) < 1


@pytest.mark.parametrize("statistic", few_of(STATISTICS, ["sum", "mode"]))
@pytest.mark.parametrize("dtype", ["uint8", "int16"])
def test_chunks_of_integers_have_the_same_type(statistic, dtype):
    array = bands(dtype)
    words = {"interp": statistic, "backend": "numpy", "nodata_out": 0}
    lazy = array.chunk(y=30, x=40).gpumask.resample(GRID, chunks=(10, 11), **words)
    eager = array.gpumask.resample(GRID, **words)
    assert lazy.dtype == eager.dtype == ("float64" if statistic == "sum" else dtype)
    same(lazy, eager)


@pytest.mark.parametrize("statistic", ["average", "max"])
def test_arrays_reprojected_in_chunks_are_those_of_whole_arrays(statistic):
    words = {"crs": PAIR.target.crs, "interp": statistic, "mask_policy": "renormalize", "backend": "numpy"}
    array = bands()
    same(array.chunk(y=20, x=23).gpumask.reproject(**words, chunks=(13, 17)), array.gpumask.reproject(**words))
