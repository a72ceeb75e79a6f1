"""Antialiased interpolators: their laws, and what they are by their definition."""

import numpy as np
import pytest
from antialias_cases import ANTIALIASED, SHAPE, affine, axis_by_definition, pixel_by_definition
from hypothesis import given
from kernel_cases import assert_same_bits
from law_scenes import few, scenes

from gpumask import GpumaskError, Grid, Method, Resampler, Window, resample
from gpumask.backends.twin_antialias import scale_amid
from gpumask.pixels.coordinates import coordinates_at, corners_at
from gpumask.pixels.interpolators import INTERPOLATORS

pytestmark = pytest.mark.usefixtures("on_every_backend")
every_interpolator = pytest.mark.parametrize("interp", ANTIALIASED)
AWAY = {"nodata_out": -9.0}


def some_source(share=0.0, seed=7, shape=SHAPE):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, shape), rng.random(shape) >= share


def assert_same(found, expected):
    assert_same_bits(found.validity, expected.validity)
    assert_same_bits(found.image, expected.image)


def places_and_scales(grid):
    """Return coordinates and scales, (2, row, col) each, of all output pixels."""
    rows, cols = grid.full_shape
    found = []
    for nodes in (grid.row, grid.col):
        corners = corners_at(nodes, grid.resolution, np.arange(rows + 1), np.arange(cols + 1))
        middle = coordinates_at(nodes, grid.resolution, np.arange(rows), np.arange(cols))
        found.append((middle, scale_amid(corners, middle, 0)))
    return tuple(np.stack(each) for each in zip(*found, strict=True))


@pytest.mark.parametrize(
    "grid",
    [
        affine((5, 4), (3, 8), 0, (2.5, 2.5)), affine((3, 30), (2, 1), 0, (6, 2)), affine((4, 5), (4, 6), 30, (3, 2)),
        affine((9, 15), (1, 1), 77, (1.0, 4.0)), affine((3, 3), (1, 1), 3, (40.0, 2.0)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("least", [None, 0.2])
@every_interpolator
def test_a_pixel_is_that_of_its_definition(interp, grid, least):
    source, valid = some_source(0.01)
    how = {} if least is None else {"mask_policy": "renormalize", "min_weight": least}
    found = resample(source, grid, interp, source_valid=valid, antialias=True, **how, **AWAY)
    places, scales = places_and_scales(grid)
    values = []
    for at in np.ndindex(grid.full_shape):
        pixel = pixel_by_definition(source, valid, interp, places[:, *at], scales[:, *at], least)
        assert found.validity[at] == (pixel is not None and pixel.is_valid), at
        values.append(pixel.value if found.validity[at] else -9.0)
    np.testing.assert_allclose(found.image.ravel(), values, rtol=0, atol=1e-12)
    assert least is None or found.validity.mean() > 0.3


@pytest.mark.parametrize("degrees", [0, 13, 90, 45, 180])
@pytest.mark.parametrize("scale", [1.0, 0.6, (1.0, 0.3)])
@pytest.mark.parametrize("step", [(1, 1), (5, 9)])
@every_interpolator
def test_where_nothing_shrinks_all_is_as_without_antialias(interp, degrees, scale, step):
    rows, cols = scale if isinstance(scale, tuple) else (scale, scale)
    grid = affine((30, 50) if step == (1, 1) else (6, 7), step, degrees, (rows, cols))
    source, valid = some_source(0.05)
    for options in ({}, {"mask_policy": "renormalize"}):
        found, expected = (
            resample(source, grid, interp, source_valid=valid, antialias=on, **options) for on in (True, False)
        )
        assert_same(found, expected)
        assert found.validity.any()


@few
@given(scenes)
@every_interpolator
def test_a_pixel_whose_scales_are_1_is_as_without_antialias(interp, scene):
    grid = scene.grid
    known = [np.where(scene.counts, nodes, np.nan) for nodes in (grid.row, grid.col)]
    fine = (places_and_scales(Grid(*known, grid.resolution))[1] == 1).all(axis=0)
    source = np.where(scene.rng.random(scene.source.shape) < 0.02, np.nan, scene.source)
    found, expected = (scene.resample(interp, source, antialias=on) for on in (True, False))
    assert_same_bits(found.validity[fine], expected.validity[fine])
    assert_same_bits(found.image[:, fine], expected.image[:, fine])


@pytest.mark.parametrize("compute_dtype", ["float64", "float32"])
@every_interpolator
def test_sums_are_float64_whatever_computes(interp, compute_dtype):
    source, _ = some_source()
    grid = affine((5, 4), (4, 8), 7, (3, 3))
    found, expected = (
        resample(source, grid, interp, antialias=True, compute_dtype=dtype) for dtype in (compute_dtype, "float64")
    )
    assert_same(found, expected)
    assert_same(Resampler(grid, interp, antialias=True, compute_dtype=compute_dtype)(source), expected)


@pytest.mark.parametrize("grid", [affine((5, 4), (4, 8), 0, (2.7, 2.7)), affine((20, 30), (1, 1), 20, (1.7, 1.3))])
@every_interpolator
def test_a_constant_image_stays_constant(interp, grid):
    for options in ({}, {"mask_policy": "renormalize"}):
        _, valid = some_source(0.001)
        found = resample(np.full(SHAPE, 7.3), grid, interp, source_valid=valid, antialias=True, **options)
        good = found.validity == 1
        assert good.any()
        np.testing.assert_allclose(found.image[good], 7.3, rtol=1e-12 if not options else 1e-9)


@pytest.mark.parametrize("policy", ["strict", "renormalize"])
@pytest.mark.parametrize("poison", [np.nan, np.inf, 3e38])
@every_interpolator
def test_what_lies_under_an_invalid_pixel_changes_nothing(interp, poison, policy):
    source, valid = some_source(0.02)
    for grid in (affine((5, 4), (4, 8), 0, (2, 2)), affine((16, 20), (1, 1), 25, (2.0, 1.5))):
        results = [
            resample(
                np.where(valid, source, under), grid, interp, source_valid=valid, antialias=True, mask_policy=policy
            )
            for under in (0.0, poison)
        ]
        assert_same(*results)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@every_interpolator
def test_pixels_that_are_not_finite_are_invalid_where_the_grid_shrinks(interp, value):
    source, valid = some_source(0.02)
    grid = affine((16, 20), (1, 1), 25, (2.0, 1.5))
    for options in ({}, {"mask_policy": "renormalize"}, {"validity": "band"}):
        found = resample(np.where(valid, source, value), grid, interp, antialias=True, **options)
        assert_same(found, resample(source, grid, interp, source_valid=valid, antialias=True, **options))


@every_interpolator
def test_each_band_is_as_if_it_were_alone(interp):
    source, valid = some_source(0.02, shape=(3, *SHAPE))
    grid = affine((5, 4), (4, 8), 9, (2, 2))
    options = {"antialias": True, "mask_policy": "renormalize"}
    found = resample(source, grid, interp, source_valid=valid, validity="band", **options)
    for band in range(3):
        alone = resample(source[band], grid, interp, source_valid=valid[band], **options)
        assert_same_bits(found.image[band], alone.image)
        assert_same_bits(found.validity[band], alone.validity)


@every_interpolator
def test_strict_is_to_renormalize_with_a_share_of_1(interp):
    source, valid = some_source(0.01)
    grid = affine((6, 5), (4, 8), 9, (2, 1.8))
    options = {"source_valid": valid, "antialias": True}
    found = resample(source, grid, interp, mask_policy="renormalize", min_weight=1, **options)
    assert_same(found, resample(source, grid, interp, **options))
    assert 0 < found.validity.mean() < 1


@pytest.mark.parametrize("window", [Window(0, 0, 1, 1), Window(3, 5, 7, 30), Window(10, 60, 7, 5)])
@pytest.mark.parametrize("step", [(1, 1), (4, 16)])
@every_interpolator
def test_a_window_gives_the_same_bits_as_the_whole(interp, step, window):
    grid = affine((17, 65) if step == (1, 1) else (5, 5), step, 12, (2.0, 0.9))
    source, valid = some_source(0.01)
    how = Method(interp, antialias=True)
    whole = resample(source, grid, source_valid=valid, method=how)
    part = resample(source, grid.crop(window, how.node_margin), source_valid=valid, method=how)
    assert_same_bits(part.validity, whole.validity[window.slices])
    assert_same_bits(part.image, whole.image[window.slices])


@every_interpolator
def test_a_source_that_goes_around_has_no_edge(interp):
    source, valid = some_source(0.01)
    grid = affine((10, 24), (1, 1), 0, (2, 2.5))
    here, far = (Grid(grid.row, grid.col + shift, around=(0, SHAPE[1])) for shift in (3, 3 - 2 * SHAPE[1]))
    tripled = Grid(grid.row, grid.col + 3 + SHAPE[1])
    options = {"antialias": True, "mask_policy": "renormalize"}
    expected = resample(np.tile(source, 3), tripled, interp, source_valid=np.tile(valid, 3), **options)
    for each in (here, far):
        found = resample(source, each, interp, source_valid=valid, **options)
        assert_same_bits(found.validity, expected.validity)
        np.testing.assert_allclose(found.image, expected.image, rtol=0, atol=1e-12)


def test_nodes_that_do_not_count_leave_the_scale_of_a_pixel_beside_them():
    """A corner that is not known is taken opposite to the one across, so a straight edge changes nothing."""
    source, _ = some_source()
    row, col = np.mgrid[0:9, 0:13] * 3.0 + 7
    expected = resample(source, Grid(row, col), "linear", antialias=True)
    for edge in (np.s_[:4], np.s_[5:], np.s_[:, :3], np.s_[:, 9:]):
        mask = np.ones(row.shape, np.uint8)
        mask[edge] = 0
        found = resample(source, Grid(row, col, mask=mask), "linear", antialias=True)
        np.testing.assert_array_equal(found.validity, expected.validity * mask)
        np.testing.assert_allclose(found.image[found.validity == 1], expected.image[found.validity == 1], atol=1e-12)


def test_one_row_of_nodes_shrinks_along_it_alone():
    source = np.arange(40.0).reshape(4, 10) ** 2
    found = resample(source, Grid([[2.0] * 3], [[2.0, 5.0, 7.0]]), "linear", antialias=True)
    weights = axis_by_definition("linear", 5.0, 2.5)
    assert found.image[0, 1] == pytest.approx(sum(weight * source[2, k] for k, weight in weights))


def test_a_pixel_as_large_as_the_source_has_no_value_unless_its_taps_are_renormalised():
    source, _ = some_source()
    grid = Grid([[0.0, 0.0], [1e5, 1e5]], [[0.0, 1e5], [0.0, 1e5]])
    assert not resample(source, grid, antialias=True).validity.any()
    small = Grid(grid.row * 1e-3 + 10, grid.col * 1e-3 + 10)
    found = resample(source, small, antialias=True, mask_policy="renormalize", min_weight=0.01)
    assert found.validity.tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize("interp", sorted(INTERPOLATORS.keys() - {*ANTIALIASED}))
def test_other_interpolators_are_refused(interp):
    with pytest.raises(GpumaskError, match=f"antialias: expected .* linear, cubic, lanczos3; got it with {interp}"):
        Method(interp, antialias=True)


def test_what_cannot_be_right_is_refused_by_name():
    with pytest.raises(GpumaskError, match="antialias: expected True or False; got 'yes'"):
        resample(np.ones((9, 9)), Grid([[4.5]], [[4.5]]), antialias="yes")
    with pytest.raises(GpumaskError, match="boundary: expected None for antialias; got 'edge'"):
        Method("cubic", antialias=True, boundary="edge")
    with pytest.raises(GpumaskError, match="method: expected it without antialias"):
        resample(np.ones((9, 9)), Grid([[4.5]], [[4.5]]), method=Method("cubic"), antialias=True)
    assert Method("cubic", antialias=np.True_).antialias is True
