"""Where GridR 0.7.0 crashes or answers wrongly, each name says what holds here instead.

Windows on the last nodes, nodes and pixels that are not finite, safe windows, mask values, bounds, nodata, types;
coarse masks, polygons.
"""

import warnings

import numpy as np
import pytest
from shapely import Polygon, box

import gpumask

INTERPS = ("nearest", "linear", "cubic")

pytestmark = pytest.mark.usefixtures("on_every_backend")
RAMP = np.arange(100.0).reshape(10, 10)


def nodes(*values):
    """Return a grid's coordinates in one row."""
    return np.array([values], float)


def sample(interp, row, col, source=RAMP, resolution=(1, 1), **options):
    """Return GridR-shaped results of gpumask: image and mask."""
    return gpumask.array_grid_resampling(interp, source, row, col, resolution, None, array_out_mask=True, **options)


@pytest.mark.parametrize("interp", INTERPS)
def test_a_window_on_the_last_columns_is_a_slice_of_the_whole(interp):
    row, col = np.mgrid[1:8:5j, 2:9:4j]
    image, mask = sample(interp, row, col + 0.1 * row, resolution=(3, 4))
    assert image.shape == (13, 13)
    for first in range(13):
        win = np.array([[first, 12], [12, 12]])
        part, part_mask = sample(interp, row, col + 0.1 * row, resolution=(3, 4), win=win)
        np.testing.assert_array_equal(part, image[first:, 12].squeeze())
        np.testing.assert_array_equal(part_mask, mask[first:, 12:])


def test_a_grid_of_one_column_is_resampled():
    image, mask = sample("linear", nodes(1, 2, 3).T, nodes(1, 2, 3).T, resolution=(2, 1))
    np.testing.assert_array_equal(image, [11, 16.5, 22, 27.5, 33])
    assert mask.all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("standalone", [True, False])
def test_a_node_that_is_not_finite_makes_only_its_own_pixels_invalid(bad, standalone):
    for row, col in ((nodes(4, bad, 5), nodes(4, 4, 5)), (nodes(4, 4, 5), nodes(4, bad, 5))):
        for interp in INTERPS:
            image, mask = sample(interp, row, col, nodata_out=-1, standalone=standalone)
            np.testing.assert_array_equal(mask, [[1, 0, 1]])
            np.testing.assert_array_equal(image, [44, -1, 55])


def test_a_nan_node_of_a_coarse_grid_spoils_the_cells_around_it_alone():
    row, col = np.mgrid[1:9:3j, 1:9:3j]
    row[1, 1] = np.nan
    mask = sample("linear", row, col, resolution=(4, 4))[1]
    expected = np.ones((9, 9))
    expected[1:8, 1:8] = 0
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("interp", INTERPS)
def test_nan_beside_a_whole_coordinate_changes_nothing(interp):
    source = RAMP.copy()
    source[4, 4] = np.nan
    valid = np.isfinite(source).astype(np.uint8)
    for mask in (valid, None):
        image, found = sample(interp, nodes(4, 3), nodes(3, 4), source, array_in_mask=mask)
        np.testing.assert_array_equal(image, [43, 34])
        assert found.all()


def test_nan_in_the_source_is_an_invalid_pixel():
    source = RAMP.copy()
    source[4, 4] = np.nan
    row, col = np.mgrid[0.5:9.5, 0.5:9.5]
    for interp, reach in (("linear", slice(3, 5)), ("cubic", slice(2, 6))):
        image, mask = sample(interp, row, col, source, nodata_out=-1)
        expected = sample(interp, row, col)[1]
        expected[reach, reach] = 0
        np.testing.assert_array_equal(mask, expected)
        assert not np.isnan(image).any()


def test_a_safe_window_makes_no_invalid_pixel_valid():
    mask = np.zeros((10, 10), np.uint8)
    mask[0, 0] = 1
    safe = np.array([[1, 2], [1, 2]])
    found = sample("linear", nodes(4.75), nodes(4.75), array_in_mask=mask, array_in_mask_safe_win=safe)[1]
    np.testing.assert_array_equal(found, [[0]])


@pytest.mark.parametrize(("interp", "size", "beyond"), [("linear", 3, 2.25), ("cubic", 5, 3.25), ("cubic", 5, 4.25)])
def test_in_a_source_smaller_than_a_stencil_pixels_beyond_it_are_invalid(interp, size, beyond):
    source = np.ones((size, size))
    where = nodes(beyond, size - 1)
    image, mask = sample(interp, where, where, source)
    np.testing.assert_array_equal(mask, [[0, 1]])
    np.testing.assert_array_equal(image, [0, 1])
    # GridR's safe window wraps around, and a zero that it padded with counts: why the random sources are larger.
    gridr = pytest.importorskip("gridr.core.grid.grid_resampling")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer_image, peer_mask = gridr.array_grid_resampling(
            interp, source, where, where, (1, 1), None, array_out_mask=True
        )
    assert peer_mask[0, 0] == 1
    assert peer_image[0] != 1


@pytest.mark.parametrize("interp", INTERPS)
def test_every_mask_value_but_zero_is_valid(interp):
    row, col = np.mgrid[0:9:0.5, 0:9:0.5]
    mask = (np.arange(100).reshape(10, 10) % 7 > 0).astype(np.uint8)
    expected = sample(interp, row, col, array_in_mask=mask)
    for factor in (2, 9, 255):
        found = sample(interp, row, col, array_in_mask=mask * np.uint8(factor))
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])


def test_one_large_mask_value_does_not_outweigh_zeros():
    mask = np.zeros((10, 10), np.uint8)
    mask[4, 4] = 9
    assert not sample("linear", nodes(4.25), nodes(4.25), array_in_mask=mask)[1].any()


@pytest.mark.parametrize("interp", INTERPS)
@pytest.mark.parametrize("standalone", [True, False])
def test_bounds_are_checked_whatever_check_boundaries_says(interp, standalone):
    row, col = nodes(12, 1e9, -3, 1e300, 5), nodes(3, 3, -1e12, 3, 3)
    image, mask = sample(interp, row, col, check_boundaries=False, standalone=standalone, nodata_out=-1)
    np.testing.assert_array_equal(mask, [[0, 0, 0, 0, 1]])
    np.testing.assert_array_equal(image, [-1, -1, -1, -1, 53])


def test_a_plain_call_warns_of_nothing():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gpumask.array_grid_resampling("linear", RAMP, nodes(4.5), nodes(4.5), (1, 1), None)
    assert caught == []


def test_nodata_in_either_coordinate_makes_a_node_not_count():
    # 3 is inside the source, so that nothing else makes these pixels invalid.
    row, col = nodes(4, 3, 6, 3.000001, 8, 8), nodes(4, 5, 3, 7, 2.999999, 8)
    image, mask = sample("linear", row, col, grid_nodata=3, nodata_out=-1)
    np.testing.assert_array_equal(mask, [[1, 0, 0, 0, 0, 1]])
    np.testing.assert_array_equal(image, [44, -1, -1, -1, -1, 88])


def test_the_grid_nodata_may_be_nan():
    mask = sample("linear", nodes(4, np.nan, 6), nodes(4, 5, np.nan), grid_nodata=np.nan)[1]
    np.testing.assert_array_equal(mask, [[1, 0, 0]])


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_integers_of_64_bits_are_filled(dtype):
    out = np.zeros((1, 2), dtype)
    gpumask.array_grid_resampling("linear", RAMP, nodes(4.25, 30), nodes(4, 4), (1, 1), out, nodata_out=2**53)
    np.testing.assert_array_equal(out, [[46, 2**53]])  # 46.5 to even


def test_infinity_stays_infinity_in_float32():
    source = np.full((3, 3), np.inf)
    out = np.zeros((1, 2), np.float32)
    gpumask.array_grid_resampling("linear", source, nodes(0.5, 9), nodes(0.5, 9), (1, 1), out, nodata_out=-np.inf)
    np.testing.assert_array_equal(out, [[np.inf, -np.inf]])


@pytest.mark.parametrize("flag", [True, np.True_])
def test_a_mask_may_be_asked_for_with_any_true(flag):
    where = nodes(4.0)
    mask = gpumask.array_grid_resampling("linear", RAMP, where, where, (1, 1), None, array_out_mask=flag)[1]
    np.testing.assert_array_equal(mask, [[1]])


def test_an_image_may_be_resampled_in_place():
    image = np.random.default_rng(0).random((200, 200))
    row, col = np.mgrid[0:200, 0:200].astype(float)
    expected = gpumask.array_grid_resampling("cubic", image, row[::-1] - 0.3, col, (1, 1), None)[0]
    gpumask.array_grid_resampling("cubic", image, row[::-1] - 0.3, col, (1, 1), image)
    np.testing.assert_array_equal(image, expected)


def test_a_float32_grid_is_shifted_in_float64():
    row = np.full((1, 1), 10000.25, np.float32)
    options = {"standalone": False, "array_in_origin": (-9998.1234567, 0.0)}
    image = gpumask.array_grid_resampling("linear", RAMP, row, nodes(0), (1, 1), None, **options)[0]
    assert abs(image - (10000.25 - 9998.1234567) * 10) < 1e-8


def gridr(module):
    """Return one of GridR's modules."""
    return pytest.importorskip(f"gridr.core.grid.{module}")


def on_grid_of_8_by_8(library, win=None, geometry=(), **options):
    """Rasterise polygons with rasterio's rule."""
    alg = library.GridRasterizeAlg.RASTERIO_RASTERIZE
    return library.grid_rasterize(None, (8, 8), (0, 0), (1, 1), win, 1, 0, 5, list(geometry), alg=alg, **options)


def coarse(library, mask, resolution, **options):
    """Build the whole of a mask from a coarse one."""
    shape = gpumask.grid_full_resolution_shape(mask.shape, resolution)
    return library.build_mask(
        shape, (1, 1), None, mask_in=mask, mask_in_target_win=np.array([[0, shape[0] - 1], [0, shape[1] - 1]]),
        mask_in_resolution=resolution, oversampling_dtype=np.float64, **options,
    )  # fmt: skip


def test_a_window_that_ends_where_the_grid_does_crops_a_raster():
    win, polygon = np.array([[2, 7], [3, 7]]), box(0, 0, 4, 5)
    found = on_grid_of_8_by_8(gpumask, win, [polygon], dtype=np.uint8)
    whole = on_grid_of_8_by_8(gpumask, None, [polygon], dtype=np.uint8)
    np.testing.assert_array_equal(found, whole[2:8, 3:8])
    np.testing.assert_array_equal(on_grid_of_8_by_8(gpumask, win, [polygon], output=np.zeros((6, 5))), found)
    assert on_grid_of_8_by_8(gridr("grid_rasterize"), win, [polygon], dtype=np.uint8).shape == (8, 8)
    with pytest.raises(ValueError, match="shape does not match"):
        on_grid_of_8_by_8(gridr("grid_rasterize"), win, [polygon], output=np.zeros((6, 5)))


def test_without_a_polygon_an_array_is_filled_with_the_default():
    np.testing.assert_array_equal(on_grid_of_8_by_8(gpumask, output=np.zeros((8, 8))), np.full((8, 8), 5))
    with pytest.raises(ValueError, match="truth value"):
        on_grid_of_8_by_8(gridr("grid_rasterize"), output=np.zeros((8, 8)))


def test_an_empty_list_of_valid_polygons_is_no_condition():
    options = {"geometry_origin": (0, 0), "geometry_pair": ([], None)}
    assert gpumask.build_mask((3, 4), (1, 1), None, **options).all()
    alg = {"alg": gridr("grid_rasterize").GridRasterizeAlg.RASTERIO_RASTERIZE}
    with pytest.raises(ValueError, match="truth value"):
        gridr("grid_mask").build_mask((3, 4), (1, 1), None, **options, rasterize_kwargs=alg)


def test_polygons_need_no_rasterize_kwargs():
    options = {"geometry_origin": (0, 0), "geometry_pair": (box(1, 1, 2, 2), None)}
    found = gpumask.build_mask((4, 4), (1, 1), None, **options)
    np.testing.assert_array_equal(found, np.pad(np.ones((2, 2)), 1))
    with pytest.raises(ValueError, match="Unknown 'alg'"):
        gridr("grid_mask").build_mask((4, 4), (1, 1), None, **options)


def test_an_unknown_predicate_is_refused():
    shapely_rule = {"alg": gpumask.GridRasterizeAlg.SHAPELY, "kwargs_alg": {"shapely_predicate": 99}}
    options = {"geometry_origin": (0, 0), "geometry_pair": (box(1, 1, 2, 2), None), "rasterize_kwargs": shapely_rule}
    with pytest.raises(gpumask.GpumaskError, match="expected a ShapelyPredicate"):
        gpumask.build_mask((4, 4), (1, 1), None, **options)
    assert gridr("grid_mask").build_mask((4, 4), (1, 1), None, **options).sum() == 4


def test_all_nodes_but_those_of_nodata_are_shifted():
    row, col = nodes(1, -9, 3, 4), nodes(5, 6, -9, 8)
    gpumask.array_shift_grid_coordinates(row, col, (1, 2), grid_nodata=-9)
    np.testing.assert_array_equal((row, col), (nodes(2, -9, 3, 5), nodes(7, 6, -9, 10)))
    with pytest.raises(KeyError):
        gridr("grid_utils").array_shift_grid_coordinates(row, col, (1, 2), grid_nodata=-9)


def test_without_a_shape_that_of_the_window_or_of_the_array_is_taken():
    coarse_mask = {"mask_in": np.eye(3), "mask_in_resolution": (1, 1), "oversampling_dtype": np.float64}
    options = coarse_mask | {"mask_in_target_win": np.array([[1, 2], [0, 2]])}
    np.testing.assert_array_equal(gpumask.build_mask(None, (1, 1), None, **options), np.eye(3)[1:])
    out = np.zeros((2, 3), np.uint8)
    gpumask.build_mask(None, (1, 1), out, **options)
    np.testing.assert_array_equal(out, np.eye(3)[1:])
    for given in (None, out):
        with pytest.raises(ValueError, match="must provide both"):
            gridr("grid_mask").build_mask(None, (1, 1), given, **options)


@pytest.mark.parametrize("resolution", [(1, 4), (7, 11), (11, 11)])
def test_by_a_threshold_of_1_an_oversampled_mask_is_valid_where_a_built_one_is(resolution):
    mask = np.ones((4, 5), np.uint8)
    mask[1, 3] = 0
    oversampled, any_neighbour = (
        gpumask.oversample_regular_grid(None, *resolution, mask, np.float64, threshold)[1] for threshold in (1, 1e-6)
    )
    np.testing.assert_array_equal(oversampled, coarse(gpumask, mask, resolution))
    assert (any_neighbour == 0).sum() == 1
    # GridR's default asks for any neighbour, while its build_mask asks for all; and a threshold of 1 is no way out.
    peers = gridr("grid_utils")
    default = peers.oversample_regular_grid(None, *resolution, mask, np.float64)[1]
    np.testing.assert_array_equal(default, any_neighbour)
    assert (default > coarse(gridr("grid_mask"), mask, resolution)).any()
    if resolution != (1, 4):
        assert (peers.oversample_regular_grid(None, *resolution, mask, np.float64, 1.0)[1] < oversampled).any()


def test_a_polygon_that_crosses_itself_keeps_both_lobes():
    crossing = Polygon([(0, 0), (4, 4), (4, 0), (0, 4)])
    options = {"geometry_origin": (0, 0), "geometry_pair": (crossing, None)}
    assert gpumask.build_mask((5, 5), (1, 1), None, **options).sum() == 17
    alg = {"alg": gridr("grid_rasterize").GridRasterizeAlg.RASTERIO_RASTERIZE}
    assert gridr("grid_mask").build_mask((5, 5), (1, 1), None, **options, rasterize_kwargs=alg).sum() == 9


def test_a_coarse_mask_of_ones_is_valid_everywhere_by_a_threshold_of_1():
    mask, options = np.ones((3, 3)), {"mask_in_binary_threshold": 1.0}
    assert coarse(gpumask, mask, (11, 11), **options).all()
    assert (coarse(gridr("grid_mask"), mask, (11, 11), **options) == 0).sum() == 68


@pytest.mark.parametrize("dtype", ["uint8", "int16"])
def test_a_coarse_mask_of_255_is_one_of_ones(dtype):
    mask = np.array([[255, 255, 0]], dtype)
    found = coarse(gpumask, mask, (1, 8))
    np.testing.assert_array_equal(found, np.arange(17)[None] <= 8)
    # A share of 255 passes as soon as its weight is 1 in 255.
    np.testing.assert_array_equal(coarse(gridr("grid_mask"), mask, (1, 8)), np.arange(17)[None] < 16)


def test_the_lowest_integer_is_valid_at_full_resolution():
    mask = np.array([[-128, 0, 1]], np.int8)
    np.testing.assert_array_equal(coarse(gpumask, mask, (1, 1)), [[1, 0, 1]])
    np.testing.assert_array_equal(coarse(gridr("grid_mask"), mask, (1, 1)), [[0, 0, 1]])


def test_a_nan_node_beside_a_whole_pixel_changes_nothing():
    grid = np.array([[[1.0, 2, np.nan, 4]]])
    options = {"grid_oversampling_row": 1, "grid_oversampling_col": 2, "grid_mask": None}
    found = gpumask.oversample_regular_grid(grid, **options)[0]
    np.testing.assert_array_equal(found, [[[1, 1.5, 2, np.nan, np.nan, np.nan, 4]]])
    assert np.isnan(gridr("grid_utils").oversample_regular_grid(grid, **options)[0]).sum() > 3
