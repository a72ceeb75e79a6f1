"""Antialiased interpolators of DataArrays and Datasets: eager and lazy to the bit what arrays have."""

import numpy as np
import pytest
from array_cases import image_at, small
from warp_cases import PAIRS

from gpumask import Method, ProjectedGrid, Window, resample
from gpumask.grids.places.place import Place

xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
pytest.importorskip("dask.array")
pytest.importorskip("gpumask.xarray")

PAIR = small(PAIRS["to the next zone"], 4)
ROWS, COLS = (max(n // 5, 2) for n in PAIR.target.shape)
COARSE = Place(PAIR.target.crs, PAIR.target.transform @ PAIR.target.transform.scale(5), (ROWS, COLS))
GRID = ProjectedGrid(PAIR.source, COARSE)
METHODS = [
    Method("linear", antialias=True),
    Method("cubic", antialias=True, mask_policy="renormalize", min_weight=0.3),
    Method("lanczos3", antialias=True, validity="band", mask_policy="renormalize"),
]


def expected_of(array, method):
    """Return what arrays have, part by part."""
    parts = list(GRID.parts(Window.of_shape(COARSE.shape)))
    image = np.zeros((len(array), ROWS, COLS), array.dtype)
    validity = np.zeros(image.shape if method.by_band else image.shape[1:], np.uint8)
    for part, _ in parts:
        made = resample(array.values, GRID.read(part, method.node_margin), method=method)
        image[:, *part.slices], validity[..., *part.slices] = made.image, made.validity
    return image, validity


@pytest.mark.parametrize("chunks", [None, {"y": 25, "x": 30}, {"band": 1, "y": 40, "x": -1}])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.interpolator.name)
def test_a_data_array_is_as_arrays_are(method, chunks):
    array = image_at(PAIR.source, bands=[("band", 2)], dtype="float32")
    array.data[np.random.default_rng(3).random(array.shape) < 0.001] = np.nan
    method = Method(**{**vars(method), "nodata_out": -1.0, "boundary": None})
    lazy = array if chunks is None else array.chunk(chunks)
    found = lazy.gpumask.resample(GRID, method=method, chunks=None if chunks is None else (7, 9))
    image, validity = expected_of(array, method)
    np.testing.assert_array_equal(found.validity.values, validity)
    np.testing.assert_array_equal(found.values, image)
    assert validity.any()


def test_it_is_a_keyword_of_every_method():
    array = image_at(PAIR.source, bands=[("band", 2)], dtype="float32")
    expected = array.gpumask.resample(GRID, method=Method("linear", antialias=True))
    plain = array.gpumask.resample(GRID, "linear")
    assert not np.array_equal(plain.values, expected.values, equal_nan=True)
    found = array.gpumask.resample(GRID, "linear", antialias=True)
    xarray.testing.assert_identical(found, expected)
    words = {"like": found, "interp": "linear", "antialias": True}
    np.testing.assert_array_equal(array.gpumask.reproject(**words).values, expected.values)
    dataset = array.to_dataset(name="red")
    np.testing.assert_array_equal(dataset.gpumask.reproject(**words).red.values, expected.values)
    by_name = dataset.gpumask.reproject(like=found, interp="linear", antialias={"red": True})
    np.testing.assert_array_equal(by_name.red.values, expected.values)
