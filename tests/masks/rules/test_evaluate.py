"""Rules evaluated on one band, whatever its layout."""

import warnings

import numpy as np
import pytest
from flag_rules import matches

from gpumask import GpumaskError, mask_from_rules

pytestmark = pytest.mark.usefixtures("on_every_backend")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_compare_exactly_and_nan_matches_nothing(dtype):
    band = np.array([0.1, 0.5, 3, -0.0, np.nan, np.inf, -np.inf], dtype)
    for values, expected in {(0.5, 3): [1, 2], (0,): [3], (np.inf,): [5], (-np.inf,): [6], (7, 300, -1): []}.items():
        assert np.flatnonzero(matches({"values": list(values)}, band)).tolist() == expected
        assert np.flatnonzero(~matches({"values": list(values), "invert": True}, band)).tolist() == sorted(
            [*expected, 4]
        )
    assert np.flatnonzero(matches({"values": [0.1]}, band)).tolist() == ([0] if dtype == "float64" else [])
    assert np.flatnonzero(matches({"values": [float(band[0])]}, band)).tolist() == [0]


def test_nodata_plays_no_part():
    band = np.array([0, 255, 0, 64], np.uint8)
    np.testing.assert_array_equal(matches({"flags": {"cloud": True}}, band), [False, True, False, True])
    np.testing.assert_array_equal(matches({"values": [0, 255], "invert": True}, band), [False, False, False, True])


def views():
    """Return arrays of every kind of layout, by name."""
    large = np.random.default_rng(1).integers(0, 128, (6, 40, 150)).astype(np.int16)
    packed = np.zeros((9, 1), [("other", np.uint8), ("qa", np.uint16)])
    packed["qa"] = large[0, :9, :1]
    read_only = large[1].copy()
    read_only.flags.writeable = False
    return {
        "no axes": np.array(65, np.uint8),
        "one pixel": np.full((1, 1), 65, np.uint8),
        "one axis": large[0, 0],
        "one axis, strided": large[0, ::-3, 5],
        "a long axis": np.resize(large, 1 << 15),
        "a long axis and one more": np.resize(large, (1 << 15) + 1),
        "two axes": large[0],
        "three axes": large,
        "four axes": large.reshape(2, 3, 40, 150),
        "cropped": large[2, 3:-4, 5:-6],
        "strided": large[::2, ::-1, ::3],
        "upside down": large[0, ::-1],
        "other order": np.asfortranarray(large[0]),
        "axes swapped": large.transpose(2, 0, 1),
        "one row for all": np.broadcast_to(large[0, 0], (7, 150)),
        "one pixel for all": np.broadcast_to(np.uint8(65), (3, 4)),
        "one column": large[0, :, 7:8],
        "read-only": read_only,
        "big-endian": large[0].astype(">i2"),
        "little-endian": large[0].astype("<u4"),
        "big-endian, strided": large.astype(">u8")[:, ::2, ::-2],
        "packed": packed["qa"],
        "unaligned": np.frombuffer(b"\0" + large[0].tobytes(), np.int16, offset=1).reshape(40, 150),
        "one column of bands": large.reshape(6, 40, 150)[:, :, :1],
        "many short rows": np.resize(large, (4, 2048, 4)),
        "no pixels": np.zeros(0, np.uint8),
        "no rows": np.zeros((0, 5), np.uint16),
        "no columns": np.zeros((5, 0), np.float32),
        "no bands": np.zeros((0, 3, 4), np.uint8),
        "no rows of bands": np.zeros((2, 0, 4), np.uint8),
        "no columns of bands": np.zeros((2, 3, 0), np.uint8),
    }


@pytest.mark.parametrize("name", views())
def test_arrays_of_every_layout_work_and_are_left_alone(name):
    band = views()[name]
    before, layout = band.copy(), (band.shape, band.strides, band.dtype, band.flags.writeable)
    expected = np.isin(band, (65, 3, 17))
    rules = [{"band": "qa", "values": [65, 3, 17]}, {"band": "more", "values": [17], "invert": True}]
    for found, wanted in (
        (matches({"values": [65, 3, 17]}, band), expected),
        (mask_from_rules(rules[:1], {"qa": band}), expected),
        (mask_from_rules(rules, {"qa": band, "more": band}), expected & (band != 17)),
    ):
        assert isinstance(found, np.ndarray)
        assert (found.dtype, found.shape) == (bool, band.shape)
        assert found.flags.writeable
        assert not np.shares_memory(found, band)
        np.testing.assert_array_equal(found, wanted)
    if band.dtype.kind != "f":
        np.testing.assert_array_equal(matches({"flags": {"cloud": True}}, band), band & 64 != 0)
    np.testing.assert_array_equal(band, before)
    assert (band.shape, band.strides, band.dtype, band.flags.writeable) == layout


def test_results_are_zeros_and_ones_in_memory():
    found = matches({"flags": {"cloud": True}, "invert": True})
    assert set(found.view(np.uint8).tolist()) == {0, 1}


def test_lists_are_bands():
    assert matches({"values": [3]}, [[1, 3], [3, 5]]).tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize(
    "band", [np.zeros(3, complex), np.array(["a"]), np.ma.zeros(3), np.zeros(3, object), "qa", None], ids=repr
)
def test_what_is_no_band_is_refused(band):
    with pytest.raises(GpumaskError, match="band"):
        matches({"values": [3]}, band)
    with pytest.raises(GpumaskError, match="qa"):
        mask_from_rules([{"band": "qa", "values": [3]}], {"qa": band})


def test_evaluating_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        matches({"values": [0.5, np.inf, 2**70]}, np.array([np.nan, np.inf, 1]))
        matches({"values": [0.5, np.inf, 2**70]}, np.array([1, 2]))
