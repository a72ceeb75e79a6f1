"""What holds whatever the image, the grid and the masks are; on every backend."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from law_scenes import INTERPS, LAYOUTS, TAPS, Scene, few, interps, scenes

import gpumask
from gpumask import Grid, Window, footprint_validity, resample

INTEGERS = [f"{sign}int{bits}" for bits in (8, 16, 32, 64) for sign in ("", "u")]
DTYPES = ["bool", *INTEGERS, "float16", "float32", "float64"]
POISONS = (np.nan, np.inf, -np.inf, 3e38, -1e300, 1e-320)


pytestmark = pytest.mark.usefixtures("on_every_backend")


scenes_with_nan = st.builds(Scene, st.integers(0, 1000), st.just(True))


def assert_same(found, expected):
    """Compare image, dtype and validity to the bit."""
    assert found.image.dtype == expected.image.dtype
    np.testing.assert_array_equal(found.validity, expected.validity)
    np.testing.assert_array_equal(found.image, expected.image)


def test_the_scenes_are_valid_in_part():
    shares = [Scene(seed).resample("cubic").validity.mean() for seed in range(50)]
    assert 0.1 < np.mean(shares) < 0.6


@few
@given(scenes_with_nan, interps, st.data())
def test_a_window_gives_a_slice_of_the_whole(scene, interp, data):
    whole = scene.resample(interp)
    rows, cols = scene.grid.shape
    top, left = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, cols - 1))
    window = Window(top, left, data.draw(st.integers(1, rows - top)), data.draw(st.integers(1, cols - left)))
    expected = gpumask.Resampled(whole.image[:, *window.slices], whole.validity[window.slices])
    assert_same(scene.resample(interp, grid=scene.grid.crop(window)), expected)
    row, col, counts = scene.row, scene.col, scene.counts
    assert_same(scene.resample(interp, grid=Grid(row, col, scene.resolution, counts, window=window)), expected)


@pytest.mark.parametrize("tile", [(1, 1), (1, 100), (100, 1), (3, 5), (7, 4), (16, 16)])
@pytest.mark.parametrize("interp", INTERPS)
def test_tiles_of_every_size_make_up_the_whole(interp, tile):
    scene = Scene(1, nan=True)
    whole = scene.resample(interp)
    image, validity = np.zeros_like(whole.image), np.zeros_like(whole.validity)
    for window in Window.of_shape(scene.grid.shape).tiles(*tile):
        part = scene.resample(interp, grid=scene.grid.crop(window))
        image[:, *window.slices], validity[window.slices] = part
    assert_same(gpumask.Resampled(image, validity), whole)


@pytest.mark.parametrize("interp", INTERPS)
def test_the_number_of_threads_changes_nothing(monkeypatch, interp):
    row, col = np.mgrid[-2:200:51j, -3:220:41j]
    source = np.random.default_rng(0).random((3, 200, 210))
    results = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("GPUMASK_NUM_THREADS", threads)
        results.append(resample(source, Grid(row + 0.1 * col, col - 0.1 * row, (7, 6)), interp))
    assert_same(results[1], results[0])
    assert_same(results[2], results[0])


@few
@given(scenes, interps, st.sampled_from(POISONS), st.sampled_from(["float64", "float32"]))
def test_what_lies_under_an_invalid_pixel_changes_nothing(scene, interp, poison, dtype):
    if dtype == "float32" and np.isfinite(poison):
        poison = np.copysign(3e38, poison)
    results = []
    for value in (0, poison):
        source = np.where(scene.valid, scene.source, value).astype(dtype)
        results.append(scene.resample(interp, source))
        results.append(scene.resample(interp, source, dtype="int16"))
        results.append(scene.resample(interp, source, compute_dtype="float32"))
    for poisoned, expected in zip(results[3:], results[:3], strict=True):
        assert_same(poisoned, expected)
        assert np.isfinite(poisoned.image).all()


@few
@given(scenes, interps, st.sampled_from(POISONS))
def test_what_lies_under_a_node_that_does_not_count_changes_nothing(scene, interp, poison):
    expected = scene.resample(interp)
    row, col = (np.where(scene.counts, nodes, poison) for nodes in (scene.row, scene.col))
    assert_same(scene.resample(interp, grid=Grid(row, col, scene.resolution, scene.counts)), expected)


@few
@given(scenes_with_nan, interps)
def test_nan_is_an_invalid_pixel(scene, interp):
    everywhere = np.ones_like(scene.valid)
    numbers = ~np.isnan(scene.source).any(axis=0)
    expected = scene.resample(interp, np.where(np.isnan(scene.source), 5, scene.source), valid=numbers)
    assert_same(scene.resample(interp, valid=everywhere), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("interp", INTERPS)
def test_the_identity_returns_every_dtype(interp, dtype):
    kind = np.dtype(dtype)
    # float64 sums hold whole numbers to 2^53; nearest makes no sum.
    limit = 2**63 if interp == "nearest" else 2**53
    lowest, highest = (0, 1) if kind.kind == "b" else (-60000, 60000)
    if kind.kind in "iu":
        lowest, highest = max(np.iinfo(kind).min, -limit), min(np.iinfo(kind).max, limit)
    values = [lowest + (highest - lowest) * i // 71 for i in range(72)]
    source = np.array(values, kind).reshape(8, 9)
    image, validity = resample(source, Grid(*np.mgrid[0:8, 0:9]), interp)
    assert image.dtype == {"bool": "uint8", "float16": "float32"}.get(dtype, dtype)
    assert validity.all()
    np.testing.assert_array_equal(image, source)


@few
@given(scenes_with_nan, interps, st.sampled_from([bool, np.uint8, np.int64, np.float32]))
def test_a_mask_of_ones_is_no_mask(scene, interp, dtype):
    expected = resample(scene.source, scene.grid, interp, nodata_out=-7)
    assert_same(scene.resample(interp, valid=np.ones(scene.valid.shape, dtype)), expected)
    grids = [Grid(scene.row, scene.col, scene.resolution, mask) for mask in (None, np.ones(scene.row.shape, dtype))]
    assert_same(*(scene.resample(interp, grid=grid) for grid in grids))


@pytest.mark.parametrize("interp", INTERPS)
@pytest.mark.parametrize("bad", ["mask", "nodata", np.nan, np.inf, 1e308])
def test_a_node_of_weight_0_has_no_say(interp, bad):
    scene = Scene(3)
    m, n = scene.row.shape
    rows, cols = scene.resolution = (4, 5)
    # A row and a column of output pixels that lie on nodes: all other nodes have no weight for them.
    for on_nodes, window in (
        (np.s_[1, :], Window(rows, 0, 1, (n - 1) * cols + 1)),
        (np.s_[:, 2], Window(0, 2 * cols, (m - 1) * rows + 1, 1)),
        (np.s_[1, 2], Window(rows, 2 * cols, 1, 1)),
    ):
        others = np.ones((m, n), bool)
        others[on_nodes] = False
        value = {"mask": 5, "nodata": -99}.get(bad, bad)
        row, col = (np.where(others, value, nodes) for nodes in (scene.row, scene.col))
        mask = ~others if bad == "mask" else None
        spoilt = Grid(row, col, (rows, cols), mask, -99 if bad == "nodata" else None, window)
        expected = scene.resample(interp, grid=Grid(scene.row, scene.col, (rows, cols), window=window))
        assert_same(scene.resample(interp, grid=spoilt), expected)


@pytest.mark.parametrize("interp", ["linear", "cubic"])
@pytest.mark.parametrize("resolution", [(1, 1), (3, 7)])
def test_a_coordinate_within_half_of_1e_12_of_a_whole_number_is_that_number(interp, resolution):
    source = np.arange(100.0).reshape(10, 10)
    alone = np.zeros((10, 10), bool)
    alone[4, 5] = True
    for off, valid in ((4.9e-13, 1), (-4.9e-13, 1), (5.1e-13, 0), (-5.1e-13, 0)):
        for row, col in ((4 + off, 5), (4, 5 + off), (4 - off, 5 + off)):
            grid = Grid(np.full((2, 2), row), np.full((2, 2), col), resolution)
            image, validity = resample(source, grid, interp, source_valid=alone)
            assert (validity == valid).all()
            assert (image == 45 * valid).all()


def by_hand(nodes, resolution):
    """Interpolate nodes to full resolution, the plain way."""
    for step in resolution:  # along the first axis, then along what was the second
        places = np.arange((len(nodes) - 1) * step + 1) / step
        nodes = np.stack([np.interp(places, np.arange(len(nodes)), line) for line in nodes.T])
    return nodes


@few
@given(scenes, interps)
def test_a_coarse_grid_is_the_full_grid_built_by_hand(scene, interp):
    # Not snapped, so that no rounding decides what is a whole number.
    row, col = scene.row + 0.0123 * np.sqrt(2), scene.col + 0.0321 * np.sqrt(3)
    coarse = scene.resample(interp, grid=Grid(row, col, scene.resolution))
    full = scene.resample(interp, grid=Grid(by_hand(row, scene.resolution), by_hand(col, scene.resolution)))
    np.testing.assert_array_equal(coarse.validity, full.validity)
    np.testing.assert_allclose(coarse.image, full.image, rtol=0, atol=1e-9)


@few
@given(scenes_with_nan, interps, st.sampled_from([("float64", np.nan), ("float32", -np.inf), ("int16", -9999)]))
def test_nodata_is_exactly_where_validity_is_0(scene, interp, output):
    dtype, nodata = output
    image, validity = scene.resample(interp, dtype=dtype, nodata_out=nodata)
    is_nodata = np.isnan(image) if np.isnan(nodata) else image == nodata
    for band in is_nodata:
        np.testing.assert_array_equal(band, validity == 0)
    assert set(np.unique(validity)) <= {0, 1}
    assert validity.dtype == np.uint8


@few
@given(scenes, interps)
def test_band_by_band_gives_what_all_bands_give(scene, interp):
    image, validity = scene.resample(interp)
    for band, expected in zip(scene.source, image, strict=True):
        assert_same(scene.resample(interp, band), gpumask.Resampled(expected, validity))
        assert_same(scene.resample(interp, band[None]), gpumask.Resampled(expected[None], validity))


@pytest.mark.parametrize("interp", INTERPS)
def test_nan_in_one_band_makes_all_bands_invalid(interp):
    scene = Scene(6, nan=True)
    image, validity = scene.resample(interp)
    alone = [scene.resample(interp, band) for band in scene.source]
    np.testing.assert_array_equal(validity, alone[0].validity & alone[1].validity)
    for band, single in zip(image, alone, strict=True):
        np.testing.assert_array_equal(band, np.where(validity, single.image, -7))


@pytest.mark.parametrize("interp", INTERPS)
def test_the_mask_of_a_masked_array_is_honoured(interp):
    scene = Scene(7)
    expected = scene.resample(interp)
    one_mask = np.broadcast_to(~scene.valid, scene.source.shape)
    each_its_own = np.stack([~scene.valid, np.zeros_like(scene.valid)])
    everywhere = np.ones_like(scene.valid)
    for mask in (one_mask, each_its_own):
        assert_same(scene.resample(interp, np.ma.array(scene.source, mask=mask), valid=everywhere), expected)
    left = np.arange(23) < 12
    half_masked = np.ma.array(scene.source, mask=one_mask & left)
    assert_same(scene.resample(interp, half_masked, valid=scene.valid | left), expected)
    assert_same(scene.resample(interp, np.ma.array(scene.source)), expected)
    assert_same(
        resample(np.ma.array(scene.source[0], mask=~scene.valid), scene.grid, interp, nodata_out=-7),
        gpumask.Resampled(expected.image[0], expected.validity),
    )


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("interp", INTERPS)
def test_the_layout_of_every_input_changes_nothing(interp, layout):
    scene = Scene(8)
    expected = scene.resample(interp)
    assert_same(scene.resample(interp, layout(scene.source)), expected)
    assert_same(scene.resample(interp, valid=layout(scene.valid)), expected)
    assert_same(scene.resample(interp, valid=layout(scene.valid.astype(np.int16))), expected)
    row, col, counts, resolution = scene.row, scene.col, scene.counts, scene.resolution
    for grid in (
        Grid(layout(row), layout(col), resolution, layout(counts)),
        Grid(layout(row), col, resolution, counts),
        Grid(row, layout(col), resolution, layout(counts.astype(np.uint8))),
    ):
        assert_same(scene.resample(interp, grid=grid), expected)


@pytest.mark.parametrize("interp", INTERPS)
def test_rows_that_share_their_memory_are_read_as_they_are(interp):
    line = np.random.default_rng(1).random(23)
    source, row = np.broadcast_to(line, (19, 23)), np.broadcast_to(np.arange(1.25, 16)[:, None], (15, 9))
    col = np.broadcast_to(np.linspace(2, 18, 9), (15, 9))
    copies = resample(source.copy(), Grid(row.copy(), col.copy()), interp)
    assert_same(resample(source, Grid(row, col), interp), copies)


@few
@given(scenes_with_nan, interps)
def test_no_input_is_changed(scene, interp):
    arrays = scene.source, scene.valid, scene.row, scene.col, scene.counts
    copies = [array.copy() for array in arrays]
    scene.resample(interp)
    footprint_validity(scene.valid, interp)
    scene.resample(interp, np.ma.masked_invalid(scene.source))
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def expected_validity(scene, interp):
    """Say by the rules, one pixel after the other, what is valid."""
    rows, cols = scene.resolution
    validity = np.zeros(scene.grid.shape, np.uint8)
    for y, x in np.ndindex(validity.shape):
        (r, a), (c, b) = divmod(y, rows), divmod(x, cols)
        weights = {(0, 0): (rows - a) * (cols - b), (0, 1): (rows - a) * b, (1, 1): a * b, (1, 0): a * (cols - b)}
        nodes = {(r + i, c + j): weight for (i, j), weight in weights.items() if weight}
        if not all(scene.counts[node] for node in nodes):
            continue
        row, col = (
            np.floor(1e12 * sum(values[node] * weight for node, weight in nodes.items()) / (rows * cols) + 0.5) / 1e12
            for values in (scene.row, scene.col)
        )
        taps = [(i, j) for i in taps_of(row, interp) for j in taps_of(col, interp)]
        validity[y, x] = all(0 <= i < 19 and 0 <= j < 23 and scene.valid[i, j] for i, j in taps)
    return validity


def taps_of(coordinate, interp):
    """Return the pixels along an axis that have a weight."""
    if interp == "nearest":
        return [int(np.floor(coordinate + 0.5))]
    anchor = int(np.floor(coordinate))
    return [anchor] if coordinate == anchor else [anchor + k for k in TAPS[interp]]


@few
@given(scenes, interps)
def test_validity_is_what_a_look_at_every_footprint_says(scene, interp):
    np.testing.assert_array_equal(scene.resample(interp).validity, expected_validity(scene, interp))


@few
@given(scenes, st.lists(st.floats(-2, 2), min_size=6, max_size=6))
def test_cubic_is_exact_for_polynomials_of_degree_2_and_linear_for_degree_1(scene, factors):
    row, col = (by_hand(nodes, scene.resolution) for nodes in (scene.row, scene.col))
    everywhere = np.ones_like(scene.valid)

    def polynomial(r, c, degree):
        terms = (1, r, c, r * c, r * r, c * c)[: {1: 4, 2: 6}[degree]]
        return sum(factor * term for factor, term in zip(factors, terms, strict=False)) + 0 * r

    for interp, degree in (("linear", 1), ("cubic", 2)):
        source = polynomial(*np.mgrid[0:19.0, 0:23.0], degree)
        image, validity = scene.resample(interp, source, valid=everywhere)
        expected = np.where(validity, polynomial(row, col, degree), -7)
        np.testing.assert_allclose(image, expected, rtol=0, atol=1e-8)


@few
@given(scenes, interps, st.integers(0, 40), st.integers(0, 40))
def test_moving_source_and_grid_by_whole_pixels_changes_nothing(scene, interp, down, right):
    # In quarters of a pixel, so that every coordinate is exact here and there.
    row, col = np.round(scene.row * 4) / 4, np.round(scene.col * 4) / 4
    expected = scene.resample(interp, grid=Grid(row, col, (4, 2), scene.counts))
    source = np.pad(scene.source, [(0, 0), (down, 3), (right, 2)])
    valid = np.pad(scene.valid, [(down, 3), (right, 2)])
    moved = scene.resample(interp, source, Grid(row + down, col + right, (4, 2), scene.counts), valid)
    assert_same(moved, expected)


@few
@given(scenes, interps)
def test_float32_sums_are_as_good_as_stated(scene, interp):
    exact, rough = (scene.resample(interp, compute_dtype=dtype) for dtype in ("float64", "float32"))
    np.testing.assert_array_equal(rough.validity, exact.validity)
    assert abs(rough.image - exact.image).max() <= 1e-6 * 200


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32"])
def test_integers_are_rounded_half_to_even_and_clipped(dtype):
    info = np.iinfo(dtype)
    source = np.array([[0.5, 1.5, 2.5, 3.49, info.max + 0.4, info.max * 4.0, info.min - 0.4, info.min - 9e9, -0.5]])
    image, validity = resample(source, Grid([[0, 0]], [[0, 8]], (1, 8)), "linear", dtype=dtype)
    expected = np.clip(np.rint(source), info.min, info.max).astype(dtype)
    assert validity.all()
    np.testing.assert_array_equal(image, expected)
