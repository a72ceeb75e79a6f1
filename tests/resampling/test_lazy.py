"""Graphs of lazy results: few tasks, chunks as large as memory allows, and nothing computed before it is asked for."""

import numpy as np
import pytest
from array_cases import same
from exhaustive import few_of
from lazy_cases import never

from gpumask import GpumaskError, Grid

xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
dask_array = pytest.importorskip("dask.array")
pytest.importorskip("gpumask.xarray")
dask = pytest.importorskip("dask")

# Integers without a nodata value, which tests here have no need of.
pytestmark = pytest.mark.filterwarnings("ignore:nodata_out. expected a value for invalid pixels")

MOST = 15  # tasks a chunk
CLEAR = {"values": [1], "invert": True}


def scene(count, size, *, lead=(), dtype="uint16", chunks=None):
    """Return a lazy image of count x count chunks at a place; lead: names, sizes and chunks of other dimensions."""
    n = count * size
    sides = chunks or (size, size)
    data = dask_array.zeros(
        (*(k for _, k, _ in lead), n, n), chunks=(*(step for *_, step in lead), *sides), dtype=dtype
    )
    places = {"y": 5_400_000 - 10 * (np.arange(n) + 0.5), "x": 200_000 + 10 * (np.arange(n) + 0.5)}
    return xarray.DataArray(data, dims=[*(dim for dim, *_ in lead), "y", "x"], coords=places).rio.write_crs(32633)


def tasks(*arrays):
    """Return how many tasks there are in a graph as it is made, and as dask makes the most of it."""
    lazy = [array.data for array in arrays]
    made = dask.optimize(*lazy)
    return [len(set().union(*(graph.__dask_graph__().keys() for graph in graphs))) for graphs in (lazy, made)]


def kept(array, grow):
    """Return an array with a validity of its own that rules about a quality band of the same chunks narrow."""
    quality = xarray.zeros_like(array, dtype=np.uint8).isel({dim: 0 for dim in array.dims[:-2]}, drop=True)
    return array.assign_coords(validity=quality + 1).gpumask.keep(CLEAR, quality.rename("qa"), grow=grow)


@pytest.mark.parametrize(
    ("count", "size", "chunks"),
    few_of(
        [
            (1, 100, None),
            (10, 100, None),
            (10, 1024, None),
            (50, 100, None),
            (50, 100, "as the source"),
            (50, 1024, None),
        ],
        [(1, 100, None), (10, 100, None), (10, 1024, None)],
    ),
)
def test_a_chunk_takes_few_tasks(count, size, chunks):
    array = kept(scene(count, size).assign_attrs(_FillValue=1, missing_value=2, nodata=3), 3)
    found = array.gpumask.reproject(32632, resolution=10, chunks=None if chunks is None else (size, size))
    most = max(count**2, found.data.npartitions)
    assert max(tasks(found, found.validity)) <= MOST * most
    where = found.gpumask.where_valid()
    assert max(tasks(where)) <= MOST * most


@pytest.mark.parametrize(
    "lead", [[("band", 4, 1)], [("time", 4, 1)], [("time", 3, 1), ("band", 2, 1)], [("time", 4, 4)]], ids=str
)
@pytest.mark.parametrize("grid", [False, True])
def test_so_it_does_with_bands_and_dates(lead, grid):
    array = kept(scene(10, 100, lead=lead).rio.write_nodata(5), 2)
    if grid:
        found = array.gpumask.resample(Grid(*np.mgrid[0:65, 0:65] * 16.0, resolution=(16, 16)), chunks=(100, 100))
    else:
        found = array.gpumask.reproject(32632, resolution=10, chunks=(100, 100))
    assert max(tasks(found, found.validity)) <= MOST * max(array.data.npartitions, found.data.npartitions)


def test_a_validity_in_other_chunks_takes_few_tasks_too():
    array = scene(20, 100)
    for valid in (np.ones(array.shape, bool), dask_array.ones(array.shape, chunks=(130, 70), dtype=np.uint8)):
        found = array.assign_coords(validity=(("y", "x"), valid)).gpumask.reproject(32632, chunks=(100, 100))
        assert max(tasks(found, found.validity)) <= MOST * found.data.npartitions


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (scene(50, 100), (2048, 2048)),
        (scene(1, 5000), (5000, 5000)),
        (scene(2, 3000), (3000, 3000)),
        (scene(2, 3000, chunks=(1, 6000)), (2048, 6000)),
        (scene(2, 3000, chunks=(6000, 1)), (6000, 2048)),
        (scene(50, 100, lead=[("band", 8, 1)], dtype="float64"), (1448, 1448)),
        (scene(50, 100, lead=[("time", 100, 100)]), (819, 819)),
        (scene(50, 100, lead=[("time", 100, 1)]), (2048, 2048)),
        (scene(1, 30_000), (8192, 8192)),
    ],
)
def test_chunks_are_as_large_as_dask_says_that_memory_allows(array, expected):
    y, x = array.sizes["y"], array.sizes["x"]
    found = array.gpumask.resample(Grid([[0, 0], [y - 1, y - 1]], [[0, x - 1]] * 2, resolution=(y - 1, x - 1)))
    assert tuple(sizes[0] for sizes in found.chunks[-2:]) == expected
    with dask.config.set({"array.chunk-size": "4MiB"}):
        small = array.gpumask.resample(Grid([[0, 0], [y - 1, y - 1]], [[0, x - 1]] * 2, resolution=(y - 1, x - 1)))
    deep = np.prod([sizes[0] for sizes in small.chunks])
    assert deep * small.dtype.itemsize <= 4 << 20 or max(small.chunks[-1]) <= max(array.chunks[-1])


def test_a_chunk_does_not_need_a_large_source_as_a_whole():
    """Where an image becomes much smaller, a few chunks of the output would need all of it at a time."""
    array = scene(100, 500)
    found = array.gpumask.reproject(32633, resolution=200)
    assert found.shape == (2500, 2500)
    part = dask.optimize(found.isel(y=slice(0, 1), x=slice(0, 1)).data)[0]
    pixels = 500 * 500 * sum("zeros" in str(key) for key in part.__dask_graph__())
    assert 0 < 2 * pixels <= 4 * (128 << 20) and found.data.npartitions <= 25


def test_chunks_that_are_asked_for_are_made():
    array = scene(3, 100)
    found = array.gpumask.reproject(32632, chunks=(70, 3000))
    assert set(found.chunks[0][:-1]) == {70} and found.chunks[1] == (found.shape[1],)


def test_pixels_do_not_depend_on_the_chunks():
    rng = np.random.default_rng(0)
    array = scene(1, 300)
    array = array.copy(data=rng.integers(0, 4000, array.shape, dtype=np.uint16)).rio.write_nodata(7)
    expected = array.gpumask.reproject(32632, resolution=10)
    lazy = array.chunk(y=50, x=60)
    for limit in ("128MiB", "64kiB", "1kiB"):
        with dask.config.set({"array.chunk-size": limit}):
            same(lazy.gpumask.reproject(32632, resolution=10), expected)


@pytest.mark.parametrize("grow", [None, 2, 500])
@pytest.mark.parametrize("rules", [CLEAR, []])
def test_nothing_is_computed_before_it_is_asked_for(rules, grow):
    place = scene(1, 50)
    array = place.copy(data=never(place.shape)).rio.write_nodata(3)
    array = array.assign_coords(validity=(("y", "x"), never(place.shape)))
    quality = place.copy(data=never(place.shape)).assign_coords(validity=(("y", "x"), never(place.shape)))
    found = array.gpumask.keep(rules, quality.rename("qa"), grow=grow)
    found.gpumask.reproject(32632).gpumask.where_valid()
    with pytest.raises(AssertionError, match="computed"):
        found.validity.compute(scheduler="sync")


@pytest.mark.parametrize(
    ("rules", "grow", "says"),
    [
        ([{"band": "other", "values": [1]}], None, "expected 'other', which a rule names"),
        ({"band": "qa", **CLEAR}, -1, "grow: expected a radius"),
        ({"band": "qa", **CLEAR}, [("smoothing", 1)], "grow: expected one of"),
        ([{"band": "qa", "flags": {"cloud": True}}], 2, "lacks|bits|flag"),
    ],
)
def test_what_rules_can_not_say_is_refused_before_anything_is_computed(rules, grow, says):
    place = scene(1, 50)
    quality = place.copy(data=never(place.shape)).assign_attrs(
        flags_definition={"cloud": {"bits": 9, "values": {0: False, 1: True}}}
    )
    with pytest.raises(GpumaskError, match=says):
        place.gpumask.keep(rules, {"qa": quality}, grow=grow)
