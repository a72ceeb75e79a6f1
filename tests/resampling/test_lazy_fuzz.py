"""Lazy arrays of every chunking against NumPy by hand: moved pixels, and clouds grown by discs."""

import numpy as np
import pytest
from exhaustive import draws
from lazy_cases import chunking, grown, moved

from gpumask import Grid, use_backend

xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
dask_array = pytest.importorskip("dask.array")
pytest.importorskip("gpumask.xarray")

GROUPS, CASES = 10, 40


def lazily(rng, array):
    """Return an array as dask's in random chunks, or now and then as it is."""
    return array if rng.random() < 0.1 else dask_array.from_array(array, chunks=chunking(rng, array.shape))


def scene(rng):
    """Return an image of dates and bands with all that may be missing, its validity, and what is valid by hand."""
    lead = [("time", int(rng.integers(1, 4)))] * int(rng.integers(2)) + [("band", int(rng.integers(1, 4)))] * int(
        rng.integers(2)
    )
    dims, shape = [dim for dim, _ in lead], [n for _, n in lead]
    dims, shape = [*dims, "y", "x"], [*shape, *(int(n) for n in rng.integers(1, 14, 2))]
    kind = np.dtype(rng.choice(["uint8", "int16", "float32", "float64", ">u2"]))
    values = rng.integers(0, 12, shape).astype(kind)
    if kind.kind == "f":
        values[rng.random(shape) < 0.1] = np.nan
    attrs = {name: n for n, name in enumerate(("_FillValue", "missing_value", "nodata"), 1) if rng.random() < 0.4}
    known = np.isin(values, list(attrs.values()), invert=True) & ~np.isnan(values)
    says = None
    if rng.random() < 0.7:
        own = [dim for dim in dims if rng.random() < 0.7]
        sizes = [n for dim, n in zip(dims, shape, strict=True) if dim in own]
        says = (rng.random(sizes) < 0.8).astype(rng.choice(["uint8", "bool", "float32"]))
        if says.dtype.kind == "f":
            says = np.where(rng.random(sizes) < 0.1, np.float32(np.nan), says)
        known = known & np.reshape(says == 1, [n if dim in own else 1 for dim, n in zip(dims, shape, strict=True)])
        says = (tuple(own), lazily(rng, says))
    return xarray.DataArray(lazily(rng, values), dims=dims, attrs=attrs), says, values, known


@pytest.mark.parametrize("group", draws(GROUPS))
def test_moved_pixels_are_those_of_slices_whatever_the_chunks(group):
    rng, different = np.random.default_rng(group), 0
    for _ in range(CASES):
        array, says, values, known = scene(rng)
        array = array if says is None else array.assign_coords(validity=says)
        rows, cols = values.shape[-2:]
        by = [int(rng.integers(-n + 1, n)) if n > 1 else 0 for n in (rows, cols)]
        row, col = np.mgrid[0:rows, 0:cols] + np.array(by, float)[:, None, None]
        by_band = bool(rng.integers(2))
        if "band" in array.dims and not by_band:
            known = known.all(axis=-3)
        chunks = None if rng.random() < 0.5 else tuple(int(n) for n in rng.integers(1, 16, 2))
        words = {"validity": "band" if by_band else "pixel", "chunks": chunks, "nodata_out": 99}
        with use_backend(str(rng.choice(["numpy", "auto"]))):
            found = array.gpumask.resample(Grid(row, col), "nearest", **words).compute(scheduler="sync")
        valid = known[..., None, :, :] if "band" in array.dims and not by_band else known
        image, valid = moved(values.astype(values.dtype.newbyteorder("=")), np.asarray(valid, np.uint8), by, 99)
        valid = valid[..., 0, :, :] if "band" in array.dims and not by_band else valid
        different += not (np.array_equal(found, image) and np.array_equal(found.validity, valid))
    assert different == 0


@pytest.mark.parametrize("group", draws(GROUPS))
def test_clouds_grow_as_distances_say_whatever_the_chunks(group):
    rng, different = np.random.default_rng(100 + group), 0
    for _ in range(CASES):
        lead = [] if rng.random() < 0.5 else [int(rng.integers(0, 4))]
        shape = [*lead, *(int(n) for n in rng.integers(1, 16, 2))]
        dims = ["time", "y", "x"][-len(shape) :]
        bands = {name: (rng.random(shape) < 0.08).astype(np.uint8) for name in ("qa", "haze")[: rng.integers(1, 3)]}
        lazy = {name: xarray.DataArray(lazily(rng, band), dims=dims, name=name) for name, band in bands.items()}
        clear = np.logical_and.reduce([band == 0 for band in bands.values()])
        radius, again = int(rng.choice([0, 1, 2, 3, 5, 9, 16, 40])), int(rng.integers(0, 3))
        grow = radius if not again else [("dilation", radius), ("dilation", again)]
        expected = grown(grown(clear, radius), again) if again else grown(clear, radius)
        array = xarray.DataArray(lazily(rng, np.zeros(shape, np.uint8)), dims=dims)
        rules = [{"band": name, "values": [1], "invert": True} for name in lazy]
        found = array.gpumask.keep(rules, lazy, grow=grow, backend="numpy").validity
        different += not np.array_equal(found.compute(scheduler="sync"), expected)
    assert different == 0


@pytest.mark.parametrize("filters", [[("opening", 2)], [("closing", 3)], [("erosion", 1), ("dilation", 4)]])
def test_filters_of_every_kind_are_lazy_as_eager(filters):
    rng = np.random.default_rng(7)
    for _ in range(12):
        shape = (2, *(int(n) for n in rng.integers(1, 20, 2)))
        qa = xarray.DataArray((rng.random(shape) < 0.4).astype(np.uint8), dims=("time", "y", "x"), name="qa")
        lazy = qa.copy(data=dask_array.from_array(qa.values, chunks=chunking(rng, shape)))
        rule = {"values": [0]}
        eager = qa.gpumask.keep(rule, qa, grow=filters, backend="numpy").validity
        found = qa.gpumask.keep(rule, lazy, grow=filters, backend="numpy").validity
        np.testing.assert_array_equal(found, eager)
