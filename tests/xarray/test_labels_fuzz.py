"""Drawn likes, quality bands and packings: labels, pixels and files against what NumPy, pyproj and rasterio say."""

import numpy as np
import pytest
from affine import Affine
from exhaustive import draws

from gpumask import Place

xarray = pytest.importorskip("xarray")
rioxarray = pytest.importorskip("rioxarray")
pyproj = pytest.importorskip("pyproj")
odc = pytest.importorskip("odc.geo.xr")
pytest.importorskip("dask.array")
pytest.importorskip("gpumask.xarray")
from odc.geo.geobox import GeoBox  # noqa: E402

CASES = 12  # of each group, in each of which 10 are drawn
SOURCE = Place("EPSG:32633", Affine(30, 0, 4e5, 0, -30, 5.2e6), (25, 31))


def centres(place, dtype="float64"):
    """Return y and x of the pixels of a place."""
    t, (rows, cols) = place.transform, place.shape
    return [(c + s * (np.arange(n) + 0.5)).astype(dtype) for c, s, n in ((t.f, t.e, rows), (t.c, t.a, cols))]


def array_at(place, values, dims=("y", "x"), mapping="spatial_ref", dtype="float64"):
    """Return a DataArray at a place, its rows and columns along dimensions."""
    lead = [f"d{k}" for k in range(values.ndim - 2)]
    array = xarray.DataArray(values, dims=(*lead, *dims), coords=dict(zip(dims, centres(place, dtype), strict=True)))
    for axis, dim in zip("YX", dims, strict=True):
        array[dim].attrs = {"axis": axis}
    return array.rio.write_crs(place.crs, grid_mapping_name=mapping)


def drawn_place(rng):
    """Return a place that reaches beyond the source, in one of three CRS."""
    crs, size = [("EPSG:32633", 30.0), ("EPSG:4326", 0.0004), ("EPSG:3035", 33.0)][rng.integers(3)]
    to = pyproj.Transformer.from_crs("EPSG:32633", crs, always_xy=True)
    x, y = to.transform(4e5 + 400 + rng.uniform(-200, 200), 5.2e6 - 350 + rng.uniform(-200, 200))
    shape = tuple(rng.integers(8, 40, 2).tolist())
    steps = Affine.scale(size * rng.uniform(0.5, 2), -size * rng.uniform(0.5, 2) * rng.choice([1, -1]))
    return Place(crs, Affine.translation(x, y) @ steps @ Affine.translation(-shape[1] / 2, -shape[0] / 2), shape)


def drawn_like(rng, place):
    """Return a like, and how its rows and columns and its CRS are called."""
    kind = rng.choice(["array", "dataset", "geobox", "zeros"])
    if kind in ("geobox", "zeros"):
        box = GeoBox(place.shape, place.transform, place.crs)
        zeros = odc.xr_zeros(box, "uint8")
        return (box if kind == "geobox" else zeros), zeros, "spatial_ref"
    dims = [("y", "x"), ("latitude", "longitude"), ("lat", "lon"), ("north", "east")][rng.integers(4)]
    mapping = str(rng.choice(["spatial_ref", "crs", "utm"]))
    dtype = "float32" if place.crs != "EPSG:4326" and rng.random() < 0.4 else "float64"
    like = array_at(place, np.ones(place.shape, np.float32), dims, mapping, dtype)
    return (like.to_dataset(name="a") if kind == "dataset" else like), like, mapping


def nearest(values, like, valid):
    """Return the pixels nearest to those of like, their validity, and where rounding does not decide which they are."""
    dims = like.dims[-2:]
    y, x = np.meshgrid(*(like[dim].values.astype(float) for dim in dims), indexing="ij")
    to = pyproj.Transformer.from_crs(like.rio.crs.to_wkt(), "EPSG:32633", always_xy=True)
    x, y = to.transform(x, y)
    row, col = (5.2e6 - y) / 30, (x - 4e5) / 30  # counted from the corner of the first pixel
    inside = (row >= 0) & (row <= 25) & (col >= 0) & (col <= 31)
    sure = (abs(row - np.round(row)) > 0.01) & (abs(col - np.round(col)) > 0.01)
    row, col = (np.clip(np.floor(at).astype(int), 0, n - 1) for at, n in ((row, 25), (col, 31)))
    return values[..., row, col], inside & valid[row, col], sure


@pytest.mark.parametrize("group", draws(CASES))
def test_a_result_has_the_labels_of_like_and_the_nearest_pixels(group):
    rng = np.random.default_rng([1, group])
    decided = 0
    for _ in range(10):
        values = rng.integers(1, 4000, (*rng.integers(1, 3, rng.integers(3)), *SOURCE.shape)).astype("uint16")
        holes = rng.random(SOURCE.shape) < 0.1
        array = array_at(SOURCE, np.where(holes, 0, values).astype("uint16")).rio.write_nodata(0)
        array = array.rename([None, "red"][rng.integers(2)])
        given, like, mapping = drawn_like(rng, drawn_place(rng))
        lazy = array.chunk({"y": 9, "x": 11}) if rng.random() < 0.4 else array
        found = lazy.gpumask.reproject(like=given, interp="nearest", max_error=0)
        dims = like.dims[-2:]
        assert found.dims == (*array.dims[:-2], *dims) and found.name == array.name
        for name in (*dims, mapping):
            assert found[name].variable.identical(like[name].variable) and found[name].dtype == like[name].dtype
        xarray.align(found, like, join="exact")
        assert (found - like).sizes == found.sizes and found.rio.nodata == 0
        pixels, inside, sure = nearest(values, like, ~holes)
        validity = np.broadcast_to(found.validity.values == 1, found.shape)
        np.testing.assert_array_equal(validity[..., sure], np.broadcast_to(inside, found.shape)[..., sure])
        np.testing.assert_array_equal(found.values[..., sure], np.where(inside, pixels, 0)[..., sure])
        decided += sure.mean()
    assert decided > 7


def grown(masked, radius):
    """Return a mask grown by a disc, by hand."""
    out = masked.copy()
    rows, cols = np.nonzero(masked)
    for i in range(-radius, radius + 1):
        for j in range(-radius, radius + 1):
            if i * i + j * j <= radius * radius:
                r, c = rows + i, cols + j
                there = (r >= 0) & (r < masked.shape[0]) & (c >= 0) & (c < masked.shape[1])
                out[r[there], c[there]] = True
    return out


@pytest.mark.parametrize("group", draws(CASES))
def test_quality_bands_of_all_kinds_keep_what_they_say(group):
    rng = np.random.default_rng([2, group])
    for _ in range(10):
        array = array_at(SOURCE, rng.integers(1, 99, (3, *SOURCE.shape)).astype("uint8")).rename(d0="band")
        array = array.assign_coords(band=[1, 2, 3])
        bands, by_hand = {}, np.ones(SOURCE.shape, bool)
        for k in range(rng.integers(1, 3)):
            block = rng.integers(1, 6, 2).tolist() if rng.random() < 0.7 else [1, 1]
            shape = tuple(-(-n // by) for n, by in zip(SOURCE.shape, block, strict=True))
            place = Place(SOURCE.crs, SOURCE.transform @ Affine.scale(block[1], block[0]), shape)
            values = rng.integers(0, 20, shape).astype(["uint8", "int16", "uint32"][rng.integers(3)])
            repeated = np.repeat(np.repeat(values, block[0], 0), block[1], 1)[:25, :31]
            by_hand &= repeated != 7
            qa = array_at(place, values)
            noise = 30 * rng.choice([0, 1e-13, 1e-10, 0.02])
            qa = qa.assign_coords(y=qa.y + rng.uniform(-noise, noise, shape[0]), x=qa.x - noise)
            if rng.random() < 0.5:
                qa = qa.expand_dims("band").assign_coords(band=[int(rng.integers(1, 3))])
            if rng.random() < 0.3:
                qa = qa.transpose(*reversed(qa.dims))
            bands[f"q{k}"] = qa.chunk(dict.fromkeys(qa.dims, 4)) if rng.random() < 0.4 else qa
        radius = int(rng.integers(0, 4))
        rules = [{"band": name, "values": [7], "invert": True} for name in bands]
        found = array.gpumask.keep(rules, bands, grow=radius)
        assert found.validity.dims == ("y", "x")
        np.testing.assert_array_equal(found.validity, ~grown(~by_hand, radius))
        xarray.testing.assert_identical(found.drop_vars("validity"), array)


@pytest.mark.parametrize("group", draws(CASES))
def test_what_is_written_comes_back(group, tmp_path):
    """The target is the source, moved by whole pixels."""
    import rasterio

    rng = np.random.default_rng([3, group])
    for case in range(10):
        dtype = str(rng.choice(["uint8", "int16", "uint16", "int32", "float32"]))
        nodata = {"uint8": 255, "int16": -9999, "uint16": 0, "int32": -1, "float32": -1.0}[dtype]
        scale, offset = [(1.0, 0.0), (0.5, 0.0), (0.25, -8.0)][rng.integers(3)]
        values = rng.integers(1, 200, (2, *SOURCE.shape)).astype(dtype)
        values[:, rng.random(SOURCE.shape) < 0.1] = nodata
        profile = {"driver": "GTiff", "count": 2, "height": 25, "width": 31, "dtype": dtype, "nodata": nodata}
        with rasterio.open(tmp_path / "in.tif", "w", crs=SOURCE.crs, transform=SOURCE.transform, **profile) as file:
            file.write(values)
            file.scales, file.offsets = (scale,) * 2, (offset,) * 2
            file.update_tags(1, STATISTICS_MEAN="7")
            file.update_tags(STATISTICS_MEAN="7", made="by hand")
        way = ["plain", "masked", "scaled"][rng.integers(3)]
        words = {"plain": {}, "masked": {"masked": True}, "scaled": {"mask_and_scale": True}}[way]
        opened = rioxarray.open_rasterio(tmp_path / "in.tif", **words)
        opened = opened.chunk(y=10) if rng.random() < 0.4 else opened
        down, right = rng.integers(-9, 9, 2).tolist()
        there = Place(SOURCE.crs, SOURCE.transform @ Affine.translation(right, down), (20, 22))
        other = 7777 if way != "plain" and rng.random() < 0.3 else None
        found = opened.gpumask.reproject(like=array_at(there, np.zeros((20, 22))), interp="nearest", nodata_out=other)
        fill = [[], [], [np.nan], [nodata if way == "plain" else 7777]][rng.integers(4)]
        made = found.gpumask.where_valid(*fill) if rng.random() < 0.5 else found
        path = tmp_path / f"{case}.tif"
        made.rio.to_raster(path)
        padded = np.pad(values, ((0, 0), (40, 40), (40, 40)), constant_values=nodata)
        numbers = padded[:, 40 + down : 60 + down, 40 + right : 62 + right]
        valid = numbers != nodata
        with rasterio.open(path) as file:
            back = file.read(masked=True) * np.float64(file.scales[0]) + file.offsets[0]
            np.testing.assert_array_equal(~np.ma.getmaskarray(back), valid)
            np.testing.assert_allclose(back.data[valid], numbers[valid] * scale + offset, rtol=1e-6)
            assert file.transform.almost_equals(there.transform) and file.crs.to_epsg() == 32633
            assert file.tags()["made"] == "by hand" and "STATISTICS_MEAN" not in file.tags()
            if made is found and other is None:
                assert file.dtypes[0] == dtype and file.nodata == nodata
