"""The kernel `oversample`, in every type and on every backend, and what places pixels among its nodes."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from kernel_cases import INTEGERS, assert_same_bits, to_host
from oversample_cases import (
    CELLS,
    TYPES,
    Case,
    assert_same_values,
    cases,
    nodes_of,
    places_among,
    run_oversample,
    uneven,
)

from gpumask import Window
from gpumask.backends import get
from gpumask.backends.arguments import Axes, Coarse, Out
from gpumask.backends.launch import launch
from gpumask.grids.grid import full_shape, node_window
from gpumask.grids.oversample import Axis, axes_of, full_resolution, oversampled, reaching

# The numpy backend is the twins.
compiled_backends = pytest.mark.parametrize("backend", ["cuda", "native"], indirect=True)
every_type = pytest.mark.parametrize("types", TYPES, ids=str)
every_float = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_poison = pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf, 3e38, -0.0])


def values_of(backend, nodes, rows, cols, dtype=np.float64):
    """Interpolate (row, col) nodes at the pixels of two axes, as the library does."""
    chosen = get(backend)
    return to_host(chosen, oversampled(chosen, nodes[None], rows, cols, np.dtype(dtype))[0])


def values_in(backend, nodes, resolution, window, dtype=np.float64):
    """Interpolate (row, col) nodes in a window, as the library does: with weights out of 1."""
    return values_of(backend, nodes, *(axis.fractions for axis in axes_of(window, resolution)), dtype)


def mask_in(backend, nodes, resolution, window, threshold=0.999):
    """Say in a window what reaches a threshold, as the library does: with whole weights."""
    chosen = get(backend)
    return to_host(chosen, reaching(chosen, nodes, *axes_of(window, resolution), threshold))


@compiled_backends
@every_type
def test_oversample_is_that_of_its_twin_to_the_bit(backend, types):
    for case in cases(types.nodes):
        found, expected = (run_oversample(get(name), types, case) for name in (backend, "numpy"))
        assert_same_values(found, expected, case.name)


# Nodes, resolution, window, and a threshold that some share of valid nodes just reaches.
SHARES = [
    ((3, 4), (1, 1), None, 1.0),
    ((1, 4), (1, 10), None, 0.1),
    ((1, 4), (1, 10), None, 0.3),
    ((4, 1), (10, 1), None, 0.7),
    ((3, 4), (10, 10), None, 0.49),
    ((3, 4), (10, 10), None, 0.21),
    ((3, 4), (8, 3), None, 0.5),
    ((2, 3), (64, 64), Window(50, 0, 15, 70), 1.0),
    ((3, 3), (100, 100), Window(95, 83, 20, 25), 0.9801),
    ((2, 3), (1000, 1000), Window(0, 1990, 4, 11), 0.999),
    ((2, 2), (1, 100_000), Window(0, 0, 2, 120), 0.999),
]
every_share = pytest.mark.parametrize("shape, resolution, window, threshold", SHARES)


@every_share
def test_a_mask_is_1_where_the_share_of_valid_nodes_reaches_the_threshold_exactly(
    backend, shape, resolution, window, threshold
):
    window = window or Window.of_shape(full_shape(shape, resolution))
    mask = np.resize(np.array([0, 0, 1, 0, 255, 0, 0], np.uint8), shape)
    shares = _shares_by_definition(mask != 0, resolution, window)
    expected = np.array(shares) >= Fraction(str(threshold))
    assert any(Fraction(str(threshold)) in row for row in shares)
    assert not expected.all()
    np.testing.assert_array_equal(mask_in(backend, mask, resolution, window, threshold), expected)


@every_share
@every_float
def test_shares_between_0_and_1_are_weighted_as_they_are(backend, dtype, shape, resolution, window, threshold):
    window = window or Window.of_shape(full_shape(shape, resolution))
    mask = np.resize(np.array([1, 1, 0.5, -1, 0, -0.25], dtype), shape)
    shares = _shares_by_definition(mask, resolution, window)
    expected = abs(np.array(shares)) >= Fraction(str(threshold))
    np.testing.assert_array_equal(mask_in(backend, mask, resolution, window, threshold), expected)


@pytest.mark.parametrize("step", [3, 7, 10, 49, 100, 1000])
def test_a_share_for_a_threshold_is_reached_by_that_share_and_more(backend, step):
    mask, window = np.array([[0, 1]], np.uint8), Window(0, 0, 1, step + 1)
    for pixel in range(1, step + 1, -(-step // 100)):
        found = mask_in(backend, mask, (1, step), window, pixel / step)
        assert found.tolist() == [[0] * pixel + [1] * (step + 1 - pixel)]


@pytest.mark.parametrize("threshold", [0.5, np.float32(0.5), np.float64(0.5)], ids=repr)
def test_a_threshold_is_the_number_that_it_is_in_every_type(backend, threshold):
    shares = [499_999_999, 500_000_000]  # out of 10**9; as float32 both are a half
    found = mask_in(backend, np.array([[0, 1]], np.uint8), (1, 10**9), Window(0, shares[0], 1, 2), threshold)
    assert found.tolist() == [[0, 1]]


def _shares_by_definition(nodes, resolution, window):
    """Sum, for each pixel of a window, nodes by their weights; with no rounding."""
    pixels = range(window.row, window.row_stop), range(window.col, window.col_stop)
    rows, cols = (
        [_weights_by_definition(pixel, step, count) for pixel in along]
        for along, step, count in zip(pixels, resolution, nodes.shape, strict=True)
    )
    return [
        [sum(Fraction(float(nodes[r, c])) * down * across for r, down in row for c, across in col) for col in cols]
        for row in rows
    ]


def _weights_by_definition(pixel, step, count):
    """Return the nodes of an axis with a weight for a pixel: 1 at the node, less and less up to the next one."""
    weights = [(node, 1 - abs(Fraction(pixel, step) - node)) for node in range(count)]
    return [(node, weight) for node, weight in weights if weight > 0]


@pytest.mark.parametrize("output", ["float32", "float64"])
@every_float
@pytest.mark.parametrize(
    "shape, resolution", [((1, 1), (3, 2)), ((5, 24), (2, 3)), ((9, 2), (1, 64)), ((3, 7), (7, 1))]
)
def test_values_are_those_of_their_definition(backend, shape, resolution, dtype, output):
    rng = np.random.default_rng(2)
    odd = rng.choice([np.nan, np.inf, -np.inf, 3e38, -0.0], shape)
    nodes = np.where(rng.random(shape) < 0.1, odd, rng.uniform(1, 2, shape)).astype(dtype)
    window = Window.of_shape(full_shape(shape, resolution))
    expected = np.zeros(window.shape)
    for y, x in np.ndindex(*window.shape):
        rows = _weights_by_definition(y, resolution[0], shape[0])
        cols = _weights_by_definition(x, resolution[1], shape[1])
        expected[y, x] = sum(float(nodes[r, c]) * float(down * across) for r, down in rows for c, across in cols)
    found = values_in(backend, nodes, resolution, window, output)
    assert found.dtype == output
    np.testing.assert_allclose(found, expected, rtol=4 * np.finfo(output).eps)


@every_float
def test_places_among_uneven_nodes_are_linear_between_them_and_nan_outside(backend, dtype):
    y, x = np.array([-3.0, -1.0, 5.0]), np.array([0.5, 1.0, 3.0, 3.25])
    rows, cols = np.array([-3.25, -3, -2, -1, 0.5, 5, 5.5, np.nan]), np.array([3.25, 3.5, 2, 1, 0.75, 0.5, 0.25, 3])
    plane = 2 + 3 * y[:, None] - 4 * x  # sums of a few powers of two: not rounded
    found = values_of(backend, plane.astype(dtype), Axis.between(y, rows), Axis.between(x, cols))
    inside = ((rows >= -3) & (rows <= 5))[:, None] & (cols >= 0.5) & (cols <= 3.25)
    np.testing.assert_array_equal(found, np.where(inside, 2 + 3 * rows[:, None] - 4 * cols, np.nan))


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_no_place_outside_the_nodes_reaches_a_threshold(backend, dtype):
    chosen, at = get(backend), np.array([1.0, 2.0])
    axis = Axis.between(at, np.array([0.75, 1, 1.5, 2, 2.25, np.nan]))
    for mask in (np.ones((2, 2), dtype), np.zeros((2, 2), dtype)):
        found = to_host(chosen, reaching(chosen, mask, axis, axis, 1e-6))
        inside = np.array([0, 1, 1, 1, 0, 0])
        np.testing.assert_array_equal(found, np.outer(inside, inside) * mask[0, 0])


# Pixels in line with nodes (of 3 x 5, resolution (4, 3)), and the nodes that have a weight for them.
ON_NODES = [
    (Window(4, 0, 1, 13), np.s_[1:2, :]),
    (Window(0, 6, 9, 1), np.s_[:, 2:3]),
    (Window(8, 12, 1, 1), np.s_[2:3, 4:5]),
    (Window(4, 3, 1, 1), np.s_[1:2, 1:2]),
    (Window(0, 4, 1, 2), np.s_[0:1, 1:3]),
]


@every_poison
@every_float
@pytest.mark.parametrize("window, weighted", ON_NODES)
def test_a_node_of_weight_0_changes_nothing_whatever_it_holds(backend, dtype, window, weighted, poison):
    nodes = np.random.default_rng(4).standard_normal((3, 5)).astype(dtype)
    poisoned = np.full_like(nodes, poison)
    poisoned[weighted] = nodes[weighted]
    for output in ("float32", "float64"):
        found, expected = (values_in(backend, of, (4, 3), window, output) for of in (poisoned, nodes))
        assert_same_bits(found, expected)
    found, expected = (mask_in(backend, of, (4, 3), window, 0.5) for of in (poisoned, nodes))
    assert_same_bits(found, expected)


@every_float
@pytest.mark.parametrize("resolution", [(1, 1), (1, 3), (4, 1), (3, 64)])
def test_a_nan_spoils_just_the_pixels_that_it_has_a_weight_for(backend, dtype, resolution):
    nodes = np.ones((4, 5), dtype)
    nodes[1, 2] = np.nan
    window = Window.of_shape(full_shape(nodes.shape, resolution))
    y, x = np.ogrid[: window.rows, : window.cols]
    near = (abs(y - resolution[0]) < resolution[0]) & (abs(x - 2 * resolution[1]) < resolution[1])
    found = values_in(backend, nodes, resolution, window)
    np.testing.assert_array_equal(np.isnan(found), near)
    np.testing.assert_allclose(found[~near], 1, rtol=1e-15)
    np.testing.assert_array_equal(mask_in(backend, nodes, resolution, window), ~near)


@every_type
def test_a_window_gives_the_same_bits_as_the_whole_and_needs_no_nodes_but_its_own(backend, types):
    of = mask_in if types.output == "uint8" else values_in
    options = {"threshold": 0.5} if types.output == "uint8" else {"dtype": types.output}
    for shape, resolution, window in CELLS:
        if window is None:
            continue
        nodes = nodes_of(np.random.default_rng(6), types.nodes, shape)
        whole = of(backend, nodes, resolution, Window.of_shape(full_shape(shape, resolution)), **options)
        part = of(backend, nodes, resolution, window, **options)
        assert_same_values(part, whole[window.slices])
        needed = node_window(window, resolution)
        moved = window.shift(-needed.row * resolution[0], -needed.col * resolution[1])
        assert_same_values(of(backend, nodes[needed.slices], resolution, moved, **options), part)


@every_float
@pytest.mark.parametrize(
    "shape, resolution", [((2, 2), (1, 1)), ((5, 24), (7, 3)), ((3, 4), (100, 64)), ((9, 30), (2, 1))]
)
def test_scipy_gives_the_same_bits_between_nodes_at_even_distances(backend, dtype, shape, resolution):
    nodes = np.random.default_rng(7).standard_normal(shape).astype(dtype)
    window = Window.of_shape(full_shape(shape, resolution))
    y, x = (np.arange(count) * float(step) for count, step in zip(shape, resolution, strict=True))
    expected = _by_scipy(nodes, (y, x), *(np.arange(float(count)) for count in window.shape))
    assert_same_bits(values_in(backend, nodes, resolution, window), expected)
    assert_same_bits(values_in(backend, nodes, resolution, window, np.float32), expected.astype(np.float32))


@every_float
@pytest.mark.parametrize("shape", [(2, 2), (5, 40), (3, 65)])
def test_scipy_gives_the_same_bits_at_places_among_uneven_nodes(backend, dtype, shape):
    rng = np.random.default_rng(8)
    nodes, (y, x) = rng.standard_normal(shape).astype(dtype), (uneven(rng, count) for count in shape)
    rows, cols = places_among(rng, y), places_among(rng, x)
    found = values_of(backend, nodes, Axis.between(y, rows), Axis.between(x, cols))
    assert_same_values(found, _by_scipy(nodes, (y, x), rows, cols))


def _by_scipy(nodes, at, rows, cols):
    interpolate = pytest.importorskip("scipy.interpolate")
    of = interpolate.RegularGridInterpolator(at, nodes, bounds_error=False, fill_value=np.nan)
    with np.errstate(invalid="ignore"):  # places at infinity
        return of(tuple(np.meshgrid(rows, cols, indexing="ij")))


@every_type
def test_rows_are_read_and_written_at_their_pitch_and_nothing_beside_them(backend, types):
    chosen, window = get(backend), Window(1, 2, 12, 66)
    whole = nodes_of(np.random.default_rng(9), types.nodes, (9, 60))
    rows, cols = (axis.fractions for axis in axes_of(window, (3, 4)))
    nodes, framed = chosen.asarray(whole)[2:8, 7:40], chosen.asarray(np.full((15, 70), 9, types.output))
    out = framed[2:14, 3:69]
    tables = [(chosen.asarray(axis.node), chosen.asarray(axis.weight), axis.total) for axis in (rows, cols)]
    coarse, axes = Coarse(nodes, 6, 33, 60), Axes(*tables[0], *tables[1])
    launch(chosen, "oversample", window.shape, coarse, axes, 0.5, Out(out, 70), **types.defines)
    expected = np.full((15, 70), 9, types.output)
    expected[2:14, 3:69] = run_oversample(chosen, types, Case("a copy", whole[2:8, 7:40].copy(), rows, cols, 0.5))
    assert_same_values(to_host(chosen, framed), expected)


@pytest.mark.parametrize("dtype", ["bool", *INTEGERS])
def test_every_integer_but_0_counts_as_1_in_a_mask(backend, dtype):
    info = None if dtype == "bool" else np.iinfo(dtype)
    values = [0, 1] if info is None else [0, 1, info.max, info.min or 2, info.max // 2 + 1]  # the last ends in zeros
    mask = np.array(list(product(values, repeat=3)), dtype)
    window = Window.of_shape(full_shape(mask.shape, (2, 3)))
    expected = mask_in(backend, (mask != 0).astype(np.float64), (2, 3), window, 0.5)
    assert 0 < expected.sum() < expected.size
    for nodes in (mask, mask.astype(mask.dtype.newbyteorder())):
        assert_same_bits(mask_in(backend, nodes, (2, 3), window, 0.5), expected)


@pytest.mark.parametrize("output", ["float32", "float64"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int16", "int64"])
def test_the_byte_order_of_nodes_changes_nothing(backend, dtype, output):
    nodes = (np.random.default_rng(10).standard_normal((4, 9)) * 1000).astype(dtype)
    window = Window.of_shape(full_shape(nodes.shape, (3, 7)))
    swapped = nodes.astype(nodes.dtype.newbyteorder())
    found, expected = (values_in(backend, of, (3, 7), window, output) for of in (swapped, nodes))
    assert_same_bits(found, expected)


@every_float
def test_each_band_is_interpolated_by_itself(backend, dtype):
    chosen, rng, window = get(backend), np.random.default_rng(11), Window(1, 2, 6, 66)
    axes = [axis.fractions for axis in axes_of(window, (3, 7))]
    bands = np.stack([nodes_of(rng, dtype, (4, 12)) for _ in range(3)])
    for part in (bands, bands[::-2], bands[:, ::-1, 1:], bands[:1]):
        found = to_host(chosen, oversampled(chosen, part, *axes, np.dtype(dtype)))
        for band, nodes in zip(found, part, strict=True):
            assert_same_values(band, values_of(backend, nodes.copy(), *axes, dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8"])
def test_nodes_of_full_resolution_are_taken_as_they_are(backend, dtype):
    chosen, window = get(backend), Window(1, 2, 3, 5)
    high = [2**53 + 1] if dtype == "int64" else [-0.0, np.nan] if dtype.startswith("f") else [255]
    planes = np.resize(np.array([*high, 0, 1], dtype), (2, 5, 9))
    found = to_host(chosen, full_resolution(chosen, planes, (1, 1), window, np.dtype(np.float64)))
    assert_same_bits(found, planes[:, *window.slices])


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
def test_coarser_nodes_are_interpolated_in_the_dtype_asked_for(backend, dtype):
    chosen, window, nodes = get(backend), Window(0, 1, 1, 8), np.array([[[-1.0, 3.0, 7.0]]])
    found = to_host(chosen, full_resolution(chosen, nodes, (3, 5), window, np.dtype(dtype)))
    expected = np.arange(1, 9) * 0.8 - 1
    expected = np.trunc(expected) if dtype == "int32" else expected  # as NumPy casts
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected[None, None], rtol=1e-6, atol=1e-7)
