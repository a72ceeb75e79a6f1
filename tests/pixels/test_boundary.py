"""Boundaries: how each axis of a source goes on beyond its edges."""

import numpy as np
import pytest
from affine import Affine
from around_cases import EARTH, EARTH_AT, PIXELS, POLICIES, between, same

from gpumask import GpumaskError, Grid, Place, Resampler, Window, bspline, resample
from gpumask.pixels.boundary import MODES, Boundary, pixels_at, read_beyond

on_every_backend = pytest.mark.usefixtures("on_every_backend")


@on_every_backend
def test_rows_of_a_source_that_goes_around_go_on_as_the_boundary_says():
    target = Place("EPSG:4326", Affine(1, 0, -180, 0, -0.25, 90), (9, 360))
    found = resample(EARTH, between(EARTH_AT, target), "cubic", boundary="reflect")
    assert found.validity.all()
    padded = np.pad(EARTH, [(0, 0), (4, 4), (0, 0)], mode="reflect")
    higher = Place("EPSG:4326", Affine(1, 0, -0.5, 0, -1, 94.5), padded.shape[1:])
    same(found, resample(padded, between(higher, target), "cubic"))
    untrusted = resample(EARTH, between(EARTH_AT, target), "cubic", boundary="reflect", trust_padding=False)
    same(untrusted, resample(EARTH, between(EARTH_AT, target), "cubic"))


PAIRS_OF_MODES = [
    (None, "wrap"), ("reflect", "wrap"), ("edge", None), ("constant", "symmetric"), ("wrap", "reflect"), (None, None),
]  # fmt: skip


def by_axis(array, modes, width, fill=0):
    """Pad rows and columns, each in its way."""
    for axis, mode in zip((-2, -1), modes, strict=True):
        if mode is not None:
            pads = [(0, 0)] * array.ndim
            pads[axis] = (width, width)
            more = {"constant_values": fill} if mode == "constant" else {}
            array = np.pad(array, pads, mode=mode, **more)
    return array


@on_every_backend
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("modes", PAIRS_OF_MODES, ids=str)
@pytest.mark.parametrize("interp", PIXELS)
def test_each_axis_goes_on_in_its_way(interp, modes, policy):
    rng = np.random.default_rng(4)
    image, valid = rng.random((2, 12, 15)), rng.random((12, 15)) > 0.1
    row, col = rng.integers(0, 11 * 8, (20, 30)) / 8, rng.integers(0, 14 * 8, (20, 30)) / 8
    shift = [0 if mode is None else 6 for mode in modes]
    options = {"nodata_out": -9, "mask_policy": policy}
    found = resample(image, Grid(row, col), interp, source_valid=valid, boundary=modes, **options)
    padded, mask = by_axis(image, modes, 6), by_axis(valid, modes, 6, fill=1)
    same(found, resample(padded, Grid(row + shift[0], col + shift[1]), interp, source_valid=mask, **options))


@on_every_backend
@pytest.mark.parametrize("modes", PAIRS_OF_MODES, ids=str)
def test_filters_of_splines_see_each_axis_go_on_in_its_way(modes):
    rng = np.random.default_rng(4)
    image, interp = rng.random((40, 36)), bspline(3, 1e-12, 0.1)
    row, col = rng.uniform(4, 35, (20, 30)), rng.uniform(4, 31, (20, 30))
    valid = rng.random(image.shape) > 0.01
    shift = [0 if mode is None else 34 for mode in modes]
    found = resample(image, Grid(row, col), interp, source_valid=valid, boundary=modes)
    padded, mask = by_axis(image, modes, 34), by_axis(valid, modes, 34, fill=1)
    expected = resample(padded, Grid(row + shift[0], col + shift[1]), interp, source_valid=mask)
    np.testing.assert_array_equal(found.validity, expected.validity)
    np.testing.assert_allclose(found.image, expected.image, rtol=0, atol=1e-9)


@on_every_backend
def test_a_pair_of_one_mode_is_that_mode_and_what_is_none_is_refused():
    image, grid = np.random.default_rng(0).random((9, 9)), Grid([[-0.5, 8.5]], [[8.25, 0.25]])
    for mode in (None, "edge", "wrap"):
        same(resample(image, grid, boundary=(mode, mode)), resample(image, grid, boundary=mode))
        same(Resampler(grid, boundary=[mode, mode])(image), resample(image, grid, boundary=mode))
    for wrong in (("wrap",), ("wrap", "wrap", "wrap"), ("wrap", "mirror"), (None, 3), 3, "none,wrap"):
        with pytest.raises(GpumaskError, match=r"^boundary: expected"):
            resample(image, grid, boundary=wrong)
    for wrong in ((3, 4), (-1, 0), 9, "wrap", (0, 2**31), (0.5, 0), None):
        with pytest.raises(GpumaskError, match=r"^grid.around: expected"):
            Grid([[0.0]], [[0.0]], around=wrong)
    assert Boundary(("reflect", "wrap"), around=(0, 9)).modes == ("reflect", "wrap")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_pixels_stand_where_numpys_padding_has_them(mode, n):
    width = 3 * n + 2
    found = pixels_at(-width, n + 2 * width, n, MODES[mode])
    kept = {"constant_values": -1} if mode == "constant" else {}
    np.testing.assert_array_equal(found, np.pad(np.arange(n), width, mode=mode, **kept))


@pytest.mark.parametrize("rows", [None, *MODES])
@pytest.mark.parametrize("cols", [None, *MODES])
def test_a_window_that_is_read_beyond_the_edges_is_that_of_the_padded_image(rows, cols):
    rng = np.random.default_rng(2)
    image, valid = rng.random((2, 5, 6)), rng.random((5, 6)) > 0.3
    asked = []

    def read(window, out):
        asked.append(window)
        out[:] = image[..., *window.slices]
        return valid[window.slices].astype(np.uint8)

    def padded(array, fill):
        for axis, mode in ((-2, rows), (-1, cols)):
            around = [(0, 0)] * array.ndim
            around[axis] = (9, 9)
            constant = mode in (None, "constant")
            array = np.pad(array, around, **({"constant_values": fill} if constant else {"mode": mode}))
        return array

    wanted = Window(-4, -7, 13, 19)
    out = np.full((2, *wanted.shape), np.nan)
    found = read_beyond(read, (5, 6), wanted, Boundary((rows, cols)), out)
    at = wanted.shift(9, 9).slices
    np.testing.assert_array_equal(out, padded(image, 0)[..., *at])
    np.testing.assert_array_equal(found, padded(valid, True)[at])
    assert all(Window.of_shape((5, 6)).contains(window) for window in asked)


def test_a_window_in_its_first_turn_has_the_same_pixels():
    boundary = Boundary().on((0, 10), (6, 10))
    for first in (-23, -10, -1, 0, 9, 10, 35):
        moved = boundary.in_first_turn(Window(1, first, 2, 14), 3)
        assert 0 <= moved.col < 10 and (moved.col - first) % 10 == 0
        assert moved == Window(1, first % 10, 2, 13)


def test_an_axis_with_fewer_pixels_than_a_turn_ends():
    assert Boundary().on((0, 10), (6, 9)).around == (0, 0)
    assert Boundary("wrap").on((0, 10), (6, 12)).modes == (None, "wrap")
