"""B-splines: their filter by its laws and beside SciPy, what invalid pixels spoil, the kernel beside its twin."""

import numpy as np
import pytest
from kernel_cases import assert_same_bits, to_host
from scipy.ndimage import map_coordinates
from spline_cases import FILTERINGS, filtered

import gpumask
from gpumask import GpumaskError, Grid, bspline, resample
from gpumask.backends import get
from gpumask.pixels.boundary import MODES, Boundary
from gpumask.pixels.interpolators import POLES
from gpumask.pixels.window import Window
from gpumask.resampling.prefilter import coefficients, domain_of, whole_stretches

pytestmark = pytest.mark.usefixtures("on_every_backend")
every_order = pytest.mark.parametrize("order", POLES)
every_mode = pytest.mark.parametrize("mode", MODES)


def identity(shape):
    return Grid(*np.mgrid[0 : shape[0], 0 : shape[1]])


def somewhere(rng, shape, count=(20, 30)):
    return Grid(*(rng.uniform(0, size - 1, count) for size in shape))


@pytest.mark.parametrize("case", FILTERINGS, ids=str)
def test_coefficients_are_those_of_the_twin_to_the_bit(backend, case):
    assert_same_bits(filtered(get(backend), case), filtered(get("numpy"), case))


@every_order
@every_mode
def test_at_whole_coordinates_the_pixels_come_back(order, mode):
    source = np.random.default_rng(order).uniform(-1, 1, (33, 70))
    for epsilon in (1e-3, 1e-9):
        found = resample(source, identity(source.shape), bspline(order, epsilon), boundary=mode)
        assert found.validity.all()
        np.testing.assert_allclose(found.image, source, rtol=0, atol=2 * epsilon)


@pytest.mark.parametrize("order", [3, 5])
@pytest.mark.parametrize(("mode", "theirs"), [("reflect", "mirror"), ("symmetric", "reflect"), ("wrap", "grid-wrap")])
def test_values_are_scipys(order, mode, theirs):
    rng = np.random.default_rng(order)
    source = rng.uniform(-1, 1, (40, 300))
    grid = somewhere(rng, source.shape)
    found = resample(source, grid, bspline(order, 1e-12), boundary=mode)
    expected = map_coordinates(source, [grid.row, grid.col], order=order, mode=theirs)
    np.testing.assert_allclose(found.image, expected, rtol=0, atol=1e-11)


@every_order
def test_polynomials_of_its_order_are_reproduced(order):
    y, x = np.mgrid[-1:1:301j, -1:1:301j]
    source = y**order - 2 * x**order + x * y
    rng = np.random.default_rng(0)
    row, col = rng.uniform(145, 155, (2, 8, 9))
    found = resample(source, Grid(row, col), bspline(order, 1e-12)).image
    y, x = row / 150 - 1, col / 150 - 1
    np.testing.assert_allclose(found, y**order - 2 * x**order + x * y, rtol=0, atol=1e-9)


@every_order
def test_the_error_is_below_epsilon(order):
    rng = np.random.default_rng(order)
    source = rng.uniform(-0.5, 0.5, (80, 90))
    grid = somewhere(rng, source.shape)
    exact = resample(source, grid, bspline(order, 1e-14), boundary="reflect").image
    for epsilon in (1e-2, 1e-4, 1e-6):
        found = resample(source, grid, bspline(order, epsilon), boundary="reflect").image
        assert abs(found - exact).max() <= epsilon


@every_mode
@pytest.mark.parametrize("trusted", [True, False])
def test_windows_of_an_image_have_the_same_coefficients(backend, mode, trusted):
    chosen, interp, boundary = get(backend), bspline(7, 1e-2), Boundary(mode, trusted)
    source = np.random.default_rng(1).uniform(-1, 1, (1, 700, 610))
    whole, domain = Window.of_shape(source.shape[1:]), domain_of(interp, boundary, source.shape[1:])
    expected = to_host(chosen, coefficients(chosen, chosen.asarray(source), whole, interp, boundary, domain, domain))
    wider = chosen.asarray(np.pad(source[0], 40, mode=mode)[None])
    for first in [(-1, 3), (250, 200), (600, 500), (690, 0)]:
        wanted = whole_stretches(interp, Window(*first, 9, 100).intersect(domain), domain)
        here = wanted.pad(interp.reach)
        part = wider[:, *here.shift(40, 40).slices]
        made = to_host(chosen, coefficients(chosen, part, here, interp, boundary, wanted, domain))
        assert_same_bits(made, expected[:, *wanted.shift(-domain.row, -domain.col).slices])


@every_order
def test_an_invalid_pixel_spoils_coefficients_up_to_its_influence(order):
    interp, shape = bspline(order, mask_influence_threshold=1e-2), (60, 60)
    valid = np.ones(shape, np.uint8)
    valid[29, 31] = 0
    y, x = np.mgrid[0:60, 0:60]
    spoilt = abs(y - 29) + abs(x - 31) <= interp.influence
    taps = np.arange(order) - order // 2  # of whole coordinates
    expected = ~np.any([np.roll(spoilt, (dy, dx), (0, 1)) for dy in taps for dx in taps], axis=0)
    source = np.random.default_rng(0).uniform(-1, 1, shape)
    found = resample(source, identity(shape), interp, source_valid=valid, boundary="edge")
    np.testing.assert_array_equal(found.validity, expected)
    pole = -POLES[order][0]
    assert pole**interp.influence >= 1e-2 > pole ** (interp.influence + 1)


@every_order
def test_what_lies_under_an_invalid_pixel_changes_nothing_and_not_finite_ones_are_such(order):
    source = np.random.default_rng(0).uniform(-1, 1, (2, 70, 70)).astype(np.float32)
    valid = np.random.default_rng(1).random((70, 70)) >= 0.001
    valid[:, 69] = False
    grid = somewhere(np.random.default_rng(2), (70, 70))
    expected = resample(source, grid, bspline(order), source_valid=valid, boundary="wrap")
    assert 0 < expected.validity.mean() < 1
    for value in (np.nan, np.inf, -np.inf, 3e38, 0):
        under = np.where(valid, source, np.float32(value))
        for mask in (valid, None) if not np.isfinite(value) else (valid,):
            found = resample(under, grid, bspline(order), source_valid=mask, boundary="wrap")
            assert_same_bits(found.validity, expected.validity)
            assert_same_bits(found.image, expected.image)


def test_in_a_constant_image_invalid_pixels_leave_no_trace():
    valid = np.random.default_rng(1).random((70, 70)) >= 0.002
    valid[20:50, 30:45] = False
    grid = somewhere(np.random.default_rng(2), (70, 70), (40, 50))
    found = resample(np.where(valid, 1000.0, -9999), grid, "bspline3", source_valid=valid, boundary="edge")
    assert found.validity.mean() > 0.3
    np.testing.assert_allclose(found.image[found.validity == 1], 1000, rtol=1e-6)


@every_order
def test_beyond_the_edges_nothing_is_valid_and_near_them_what_is_trusted(order):
    interp, shape = bspline(order, mask_influence_threshold=0.5), (40, 50)
    places = np.round(np.linspace(-2, 51, 425), 3)
    for boundary, trusted, inset in ((None, True, None), ("reflect", False, None), ("reflect", True, 0)):
        margin = interp.influence + order // 2 if inset is None else inset
        grid = Grid(np.full((1, 425), 20.0), places[None])
        found = resample(np.ones(shape), grid, interp, boundary=boundary, trust_padding=trusted).validity[0]
        whole = places == np.round(places)
        low = np.where(whole, places - (order // 2), np.floor(places) - order // 2)
        high = np.where(whole, places + (order // 2), np.floor(places) + order // 2 + 1)
        first, last = (margin - order // 2, 49 - margin + order // 2)
        np.testing.assert_array_equal(found, (low >= first) & (high <= last))


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (2, 3)])
def test_small_sources_are_filtered_where_their_edges_are_trusted(shape):
    source = np.arange(float(np.prod(shape))).reshape(shape)
    found = resample(source, identity(shape), "bspline5", boundary="symmetric")
    assert found.validity.all()
    np.testing.assert_allclose(found.image, source, atol=1e-5)
    assert not resample(source, identity(shape), "bspline5").validity.any()


@pytest.mark.parametrize("threshold", [1, 2.5])
def test_from_a_threshold_of_one_on_an_invalid_pixel_spoils_its_own_coefficient_alone(threshold):
    assert bspline(3, mask_influence_threshold=threshold).influence == 0


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("order", (4,)), ("order", (True,)), ("order", ("3",)), ("epsilon", (3, 0)), ("epsilon", (3, -1e-3)),
        ("epsilon", (3, 1)), ("epsilon", (3, np.nan)), ("epsilon", (3, "small")), ("epsilon", (3, None)),
        ("mask_influence_threshold", (3, 1e-6, 0)), ("mask_influence_threshold", (3, 1e-6, np.nan)),
        ("mask_influence_threshold", (3, 1e-6, np.inf)), ("mask_influence_threshold", (3, 1e-6, [1])),
    ],
)  # fmt: skip
def test_what_makes_no_spline_is_refused_by_name(name, arguments):
    with pytest.raises(GpumaskError, match=f"^{name}: expected"):
        bspline(*arguments)


def test_a_name_alone_stands_for_the_usual_epsilon_and_threshold():
    source = np.random.default_rng(0).uniform(-1, 1, (40, 40))
    grid = somewhere(np.random.default_rng(1), source.shape)
    found, expected = (resample(source, grid, interp) for interp in ("bspline3", bspline(3, 1e-6, 1e-3)))
    assert_same_bits(found.image, expected.image)


def test_the_array_given_is_filtered_in_place_but_for_a_frame():
    source, mask = np.random.default_rng(0).uniform(-1, 1, (2, 60, 70)), np.ones((60, 70), np.uint8)
    made = source.copy()
    assert gpumask.array_bspline_prefiltering(made, mask, n=3, precision=3) is None
    frame = bspline(3, 1e-3).reach
    inner = np.s_[..., frame:-frame, frame:-frame]
    assert mask[inner].all() and mask.sum() == mask[inner].size
    changed = made != source
    assert changed[inner].all() and changed.sum() == changed[inner].size
    grid = Grid(*np.mgrid[20:30, 20:40])
    back, valid = gpumask.array_grid_resampling(
        "bspline3", made, grid.row, grid.col, (1, 1), None, array_in_mask=mask, array_out_mask=True, standalone=False,
        interp_kwargs={"epsilon": 1e-3, "mask_influence_threshold": 1e-3},
    )  # fmt: skip
    assert valid.all()
    np.testing.assert_allclose(back, source[:, 20:30, 20:40], atol=2e-3)
