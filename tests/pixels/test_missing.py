"""What arrays themselves say is missing, at every door: it counts, or the array is refused by name."""

import numpy as np
import pytest
import xarray
from affine import Affine

import gpumask
from gpumask import CoarseMask, Geolocation, GpumaskError, Grid, MaskRule, Resampler, Window, resample, validity_mask
from gpumask.gridr import array_shift_grid_coordinates, build_mask, grid_rasterize

IMAGE = np.arange(20 * 30, dtype=np.float64).reshape(20, 30)
HOLES = np.random.default_rng(0).random(IMAGE.shape) < 0.1
ROWS, COLS = np.meshgrid(np.arange(20) + 0.25, np.arange(30) + 0.5, indexing="ij")
HALF = Grid(ROWS, COLS)


def masked(array, holes=HOLES, under=-999):
    """Return a masked array that holds something else where it is masked."""
    return np.ma.masked_array(np.where(holes, under, array), holes)


def same(found, expected):
    np.testing.assert_array_equal(found.image, expected.image)
    np.testing.assert_array_equal(found.validity, expected.validity)
    assert 0 < expected.validity.mean() < 1


def test_what_is_masked_in_a_source_is_invalid(backend):
    same(resample(masked(IMAGE), HALF, "linear"), resample(IMAGE, HALF, "linear", source_valid=~HOLES))


@pytest.mark.parametrize("dtype", [bool, "uint8", "int64", "float32"])
def test_what_is_masked_in_a_validity_is_invalid(backend, dtype):
    valid = masked(np.ones(IMAGE.shape, dtype), under=1)
    expected = resample(IMAGE, HALF, "linear", source_valid=~HOLES)
    same(resample(IMAGE, HALF, "linear", source_valid=valid), expected)
    same(Resampler(HALF, "linear")(IMAGE, valid), expected)


@pytest.mark.parametrize("name", ["row", "col", "mask"])
@pytest.mark.parametrize("dtype", ["int32", "float32", "float64"])
def test_a_node_that_is_masked_does_not_count(backend, name, dtype):
    nodes = {"row": ROWS.round().astype(dtype), "col": COLS.round().astype(dtype), "mask": np.ones(ROWS.shape, bool)}
    expected = resample(IMAGE, Grid(**nodes | {"mask": ~HOLES}), "linear")
    nodes[name] = masked(nodes[name], under=1)
    same(resample(IMAGE, Grid(**nodes), "linear"), expected)


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
@pytest.mark.parametrize("which", ["x", "y", "both"])
def test_a_sample_of_a_swath_that_is_masked_is_unknown(dtype, which):
    x, y = (at.astype(dtype) for at in np.meshgrid(np.arange(30) * 2.0, 40 - np.arange(20) * 2.0))
    holes = np.zeros(x.shape, bool)
    holes[5:8, 10:14] = True
    known = {"x": x.astype(float), "y": y.astype(float)}
    given = {"x": x, "y": y}
    for name in ["x", "y"] if which == "both" else [which]:
        given[name] = masked(given[name], holes)
        known[name] = np.where(holes, np.nan, known[name])
    target = Affine(1, 0, 0, 0, -1, 40), (40, 60)
    found, expected = (
        Grid.between("EPSG:4326", Geolocation(**swath), "EPSG:4326", *target) for swath in (given, known)
    )
    np.testing.assert_array_equal(found.row, expected.row)
    np.testing.assert_array_equal(found.col, expected.col)
    assert 0 < np.isnan(expected.row).mean() < 0.5


def test_a_masked_array_without_a_masked_pixel_is_as_any_other(backend):
    expected = resample(IMAGE, HALF, "linear")
    found = resample(np.ma.masked_array(IMAGE), Grid(np.ma.masked_array(ROWS), np.ma.masked_array(COLS)), "linear")
    np.testing.assert_array_equal(found.image, expected.image)


RULE = MaskRule.from_config({"band": "qa", "values": [0]})
BAND = masked(np.zeros(IMAGE.shape, np.uint8), under=0)
LINE = np.ma.masked_array([0.0, 1.0, 2.0], [False, True, False])


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("source", lambda: resample([masked(IMAGE), masked(IMAGE)], HALF)),
        ("source_valid", lambda: resample(IMAGE, HALF, source_valid=list(BAND))),
        ("grid.row", lambda: Grid(list(masked(ROWS)), COLS)),
        ("geolocation.x", lambda: Geolocation(list(masked(COLS)), ROWS)),
        ("quality['qa']", lambda: resample(IMAGE, HALF, keep=[RULE], quality={"qa": BAND})),
        ("bands['qa']", lambda: gpumask.mask_from_rules([RULE], {"qa": BAND})),
        ("band", lambda: RULE.evaluate(BAND)),
        ("band", lambda: gpumask.describe_flags(BAND, "hls_fmask")),
        ("mask", lambda: gpumask.mask_cleanup(BAND, 2)),
        ("valid", lambda: gpumask.footprint_validity(BAND)),
        ("values", lambda: CoarseMask(BAND)),
        ("nodes", lambda: gpumask.oversample(masked(IMAGE), (2, 2))),
        ("out", lambda: validity_mask(Window(0, 0, 20, 30), out=BAND.copy())),
        ("out", lambda: build_mask(None, (1, 1), BAND.copy())),
        ("mask_in", lambda: build_mask((20, 30), (1, 1), None, mask_in=BAND, mask_in_resolution=(1, 1),
                                       oversampling_dtype=np.float64)),
        ("grid_row", lambda: array_shift_grid_coordinates(masked(ROWS), COLS.copy(), (1, 1))),
        ("grid_coords", lambda: grid_rasterize((LINE, LINE), None, None, None, None, 1, 0, 0, [], dtype=np.uint8)),
    ],
)  # fmt: skip
def test_where_a_mask_would_be_lost_a_masked_array_is_refused_by_name(name, call):
    with pytest.raises(GpumaskError, match="masked|expected two arrays|regular") as error:
        call()
    assert str(error.value).startswith(f"{name}: ")


@pytest.mark.parametrize("key", ["_FillValue", "missing_value", "nodata"])
@pytest.mark.parametrize("value", [-999, np.float32(-999), np.array([-999, -998])])
def test_a_dataarray_that_declares_a_value_for_what_is_missing_is_refused_where_that_is_lost(key, value):
    array = xarray.DataArray(masked(IMAGE).data, dims=("y", "x"), attrs={key: value})
    for name, call in {
        "source": lambda: resample(array, HALF),
        "grid.row": lambda: Grid(array, COLS),
        "geolocation.y": lambda: Geolocation(COLS, array),
    }.items():
        with pytest.raises(GpumaskError, match=f"^{name}: .*got one with {key}"):
            call()
    kept = Grid(array, COLS, nodata=-999)
    assert kept.counts().mean() < 1


def test_a_dataarray_with_validity_is_refused_where_that_is_lost():
    array = xarray.DataArray(IMAGE, dims=("y", "x"))
    valid = array.assign_coords(validity=(("y", "x"), (~HOLES).astype(np.uint8)))
    with pytest.raises(GpumaskError, match="^source: .*got one with validity"):
        resample(valid, HALF)
    for declared in ({}, {"_FillValue": np.nan}):
        np.testing.assert_array_equal(resample(array.assign_attrs(declared), HALF).image, resample(IMAGE, HALF).image)
