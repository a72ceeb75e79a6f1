"""Masks, polygons and regular grids.

See test_where_gridr_fails.py.
"""

import numpy as np
import pytest
from gridr_scenes import nodes
from shapely import LineString, MultiPoint, Point, Polygon, box

import gpumask

pytestmark = pytest.mark.usefixtures("on_every_backend")


def peer(module):
    """Return one of GridR's modules; skips where there is no GridR."""
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
    """Returns the whole raster where the window ends with the grid, by rasterio's rule."""
    win, polygon = np.array([[2, 7], [3, 7]]), box(0, 0, 4, 5)
    found = on_grid_of_8_by_8(gpumask, win, [polygon], dtype=np.uint8)
    whole = on_grid_of_8_by_8(gpumask, None, [polygon], dtype=np.uint8)
    np.testing.assert_array_equal(found, whole[2:8, 3:8])
    np.testing.assert_array_equal(on_grid_of_8_by_8(gpumask, win, [polygon], output=np.zeros((6, 5))), found)
    assert on_grid_of_8_by_8(peer("grid_rasterize"), win, [polygon], dtype=np.uint8).shape == (8, 8)
    with pytest.raises(ValueError, match="shape does not match"):
        on_grid_of_8_by_8(peer("grid_rasterize"), win, [polygon], output=np.zeros((6, 5)))


def test_without_a_polygon_an_array_is_filled_with_the_default():
    """Raises ValueError where an array is to be filled."""
    np.testing.assert_array_equal(on_grid_of_8_by_8(gpumask, output=np.zeros((8, 8))), np.full((8, 8), 5))
    with pytest.raises(ValueError, match="truth value"):
        on_grid_of_8_by_8(peer("grid_rasterize"), output=np.zeros((8, 8)))


@pytest.mark.parametrize("geometry", [LineString([(0, 0), (4, 4)]), Point(1, 1), MultiPoint([(0, 0)])])
def test_a_geometry_that_is_no_polygon_is_refused(geometry):
    """Drops it without a word: the raster is the default."""
    with pytest.raises(gpumask.ArgumentTypeError, match="^geometry: expected polygons; got"):
        on_grid_of_8_by_8(gpumask, geometry=[geometry], dtype=np.uint8)
    assert (on_grid_of_8_by_8(peer("grid_rasterize"), geometry=[geometry], dtype=np.uint8) == 5).all()


def test_a_pair_of_three_is_refused():
    """Ignores the polygons: all is valid."""
    options = {"geometry_origin": (0, 0), "geometry_pair": (box(1, 1, 2, 2), None, None)}
    with pytest.raises(gpumask.ArgumentTypeError, match="^geometry_pair: expected "):
        gpumask.build_mask((4, 4), (1, 1), None, **options)
    alg = {"alg": peer("grid_rasterize").GridRasterizeAlg.RASTERIO_RASTERIZE}
    assert peer("grid_mask").build_mask((4, 4), (1, 1), None, **options, rasterize_kwargs=alg).all()


def test_an_empty_list_of_valid_polygons_is_no_condition():
    """Raises ValueError about the truth value of an array."""
    options = {"geometry_origin": (0, 0), "geometry_pair": ([], None)}
    assert gpumask.build_mask((3, 4), (1, 1), None, **options).all()
    alg = {"alg": peer("grid_rasterize").GridRasterizeAlg.RASTERIO_RASTERIZE}
    with pytest.raises(ValueError, match="truth value"):
        peer("grid_mask").build_mask((3, 4), (1, 1), None, **options, rasterize_kwargs=alg)


def test_polygons_need_no_rasterize_kwargs():
    """Raises ValueError unless an algorithm is named."""
    options = {"geometry_origin": (0, 0), "geometry_pair": (box(1, 1, 2, 2), None)}
    found = gpumask.build_mask((4, 4), (1, 1), None, **options)
    np.testing.assert_array_equal(found, np.pad(np.ones((2, 2)), 1))
    with pytest.raises(ValueError, match="Unknown 'alg'"):
        peer("grid_mask").build_mask((4, 4), (1, 1), None, **options)


def test_an_unknown_predicate_is_refused():
    """Ignores the predicate, whatever it is."""
    shapely_rule = {"alg": gpumask.GridRasterizeAlg.SHAPELY, "kwargs_alg": {"shapely_predicate": 99}}
    options = {"geometry_origin": (0, 0), "geometry_pair": (box(1, 1, 2, 2), None), "rasterize_kwargs": shapely_rule}
    with pytest.raises(gpumask.GpumaskError, match="expected a ShapelyPredicate"):
        gpumask.build_mask((4, 4), (1, 1), None, **options)
    assert peer("grid_mask").build_mask((4, 4), (1, 1), None, **options).sum() == 4


def test_all_nodes_but_those_of_nodata_are_shifted():
    """Raises KeyError at any grid_nodata."""
    row, col = nodes(1, -9, 3, 4), nodes(5, 6, -9, 8)
    gpumask.array_shift_grid_coordinates(row, col, (1, 2), grid_nodata=-9)
    np.testing.assert_array_equal((row, col), (nodes(2, -9, 3, 5), nodes(7, 6, -9, 10)))
    with pytest.raises(KeyError):
        peer("grid_utils").array_shift_grid_coordinates(row, col, (1, 2), grid_nodata=-9)


def test_without_a_shape_that_of_the_window_or_of_the_array_is_taken():
    """Documents None for the shape, but raises ValueError."""
    coarse_mask = {"mask_in": np.eye(3), "mask_in_resolution": (1, 1), "oversampling_dtype": np.float64}
    options = coarse_mask | {"mask_in_target_win": np.array([[1, 2], [0, 2]])}
    np.testing.assert_array_equal(gpumask.build_mask(None, (1, 1), None, **options), np.eye(3)[1:])
    out = np.zeros((2, 3), np.uint8)
    gpumask.build_mask(None, (1, 1), out, **options)
    np.testing.assert_array_equal(out, np.eye(3)[1:])
    for given in (None, out):
        with pytest.raises(ValueError, match="must provide both"):
            peer("grid_mask").build_mask(None, (1, 1), given, **options)


@pytest.mark.parametrize("resolution", [(1, 4), (7, 11), (11, 11)])
def test_by_a_threshold_of_1_an_oversampled_mask_is_valid_where_a_built_one_is(resolution):
    """Oversampling asks for any valid neighbour, building a mask for all. A threshold of 1 loses pixels to rounding."""
    mask = np.ones((4, 5), np.uint8)
    mask[1, 3] = 0
    oversampled, any_neighbour = (
        gpumask.oversample_regular_grid(None, *resolution, mask, np.float64, threshold)[1] for threshold in (1, 1e-6)
    )
    np.testing.assert_array_equal(oversampled, coarse(gpumask, mask, resolution))
    assert (any_neighbour == 0).sum() == 1
    peers = peer("grid_utils")
    default = peers.oversample_regular_grid(None, *resolution, mask, np.float64)[1]
    np.testing.assert_array_equal(default, any_neighbour)
    assert (default > coarse(peer("grid_mask"), mask, resolution)).any()
    if resolution != (1, 4):
        assert (peers.oversample_regular_grid(None, *resolution, mask, np.float64, 1.0)[1] < oversampled).any()


def test_a_polygon_that_crosses_itself_keeps_both_lobes():
    """Widens polygons first, which loses one of the lobes."""
    crossing = Polygon([(0, 0), (4, 4), (4, 0), (0, 4)])
    options = {"geometry_origin": (0, 0), "geometry_pair": (crossing, None)}
    assert gpumask.build_mask((5, 5), (1, 1), None, **options).sum() == 17
    alg = {"alg": peer("grid_rasterize").GridRasterizeAlg.RASTERIO_RASTERIZE}
    assert peer("grid_mask").build_mask((5, 5), (1, 1), None, **options, rasterize_kwargs=alg).sum() == 9


def test_a_coarse_mask_of_ones_is_valid_everywhere_by_a_threshold_of_1():
    """Makes invalid pixels of ones, by rounding."""
    mask, options = np.ones((3, 3)), {"mask_in_binary_threshold": 1.0}
    assert coarse(gpumask, mask, (11, 11), **options).all()
    assert (coarse(peer("grid_mask"), mask, (11, 11), **options) == 0).sum() == 68


@pytest.mark.parametrize("dtype", ["uint8", "int16"])
def test_a_coarse_mask_of_255_is_one_of_ones(dtype):
    """Counts 255 as 255 times valid: a pixel passes from a share of 1 in 255 on."""
    mask = np.array([[255, 255, 0]], dtype)
    found = coarse(gpumask, mask, (1, 8))
    np.testing.assert_array_equal(found, np.arange(17)[None] <= 8)
    np.testing.assert_array_equal(coarse(peer("grid_mask"), mask, (1, 8)), np.arange(17)[None] < 16)


def test_the_lowest_integer_is_valid_at_full_resolution():
    """Takes -128 of int8 for invalid: its absolute value overflows."""
    mask = np.array([[-128, 0, 1]], np.int8)
    np.testing.assert_array_equal(coarse(gpumask, mask, (1, 1)), [[1, 0, 1]])
    np.testing.assert_array_equal(coarse(peer("grid_mask"), mask, (1, 1)), [[0, 0, 1]])


def test_a_nan_node_beside_a_whole_pixel_changes_nothing():
    """Multiplies NaN by a weight of 0, which spoils the pixel beside it."""
    grid = np.array([[[1.0, 2, np.nan, 4]]])
    options = {"grid_oversampling_row": 1, "grid_oversampling_col": 2, "grid_mask": None}
    found = gpumask.oversample_regular_grid(grid, **options)[0]
    np.testing.assert_array_equal(found, [[[1, 1.5, 2, np.nan, np.nan, np.nan, 4]]])
    assert np.isnan(peer("grid_utils").oversample_regular_grid(grid, **options)[0]).sum() > 3
