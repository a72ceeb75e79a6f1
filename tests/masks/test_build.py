"""Masks from rasters and polygons, and regular grids: documented examples, and the laws of each part."""

import itertools
import logging
from types import SimpleNamespace

import numpy as np
import pytest
import shapely
from shapely import GeometryCollection, MultiPolygon, Point, Polygon, box
from shapely.geometry import mapping

import gpumask
from gpumask import CoarseMask, GridRasterizeAlg, Polygons, ShapelyPredicate, Window, build_mask, validity_mask

RASTERIO, SHAPELY = GridRasterizeAlg
RULES = ("rasterio", "covers", "contains", "intersects")
SHAPE = (6, 8)

pytestmark = pytest.mark.usefixtures("on_every_backend")


def drawn(*rows):
    """Return a mask from rows of digits."""
    return np.array([list(row.replace(" ", "")) for row in rows]).astype(np.uint8)


FULL = drawn("00000000", "01111100", "01111100", "01111100", "00000000", "00000000")
COARSE = [[0, 1, 0], [1, 1, 0], [1, 1, 0]]
VALID = Polygon([(3.5, 2.5), (6.5, 2.5), (6.5, 4.5), (3.5, 4.5)])
INVALID = [
    Polygon([(1.5, 1.5), (4.5, 1.5), (4.5, 2.5), (1.5, 2.5)]),
    Polygon([(5.5, 3.5), (6.5, 3.5), (6.5, 4.5), (5.5, 4.5)]),
]
WHOLE = Window.of_shape(SHAPE)

RASTER_OPTIONS = {"mask_in": FULL, "mask_in_resolution": (1, 1), "oversampling_dtype": np.float64}
COARSE_OPTIONS = {
    "mask_in": np.array(COARSE),
    "mask_in_resolution": (4, 4),
    "oversampling_dtype": np.float64,
    "mask_in_binary_threshold": 0.99,
}
GEOMETRY_OPTIONS = {
    "geometry_origin": (0.5, 0.5),
    "geometry_pair": (VALID, INVALID),
    "rasterize_kwargs": {"alg": RASTERIO},
}
COARSE_PART, GEOMETRY_PART = CoarseMask(COARSE, (4, 4), 0.99), Polygons(VALID, INVALID, (0.5, 0.5))

# Further arguments of build_mask; the window and the parts that say the same to validity_mask; and what comes out.
EXAMPLES = {
    "full resolution": (RASTER_OPTIONS | {"mask_in_binary_threshold": 0.999}, WHOLE, [CoarseMask(FULL)], FULL),
    "coarse": (COARSE_OPTIONS, WHOLE, [COARSE_PART], drawn(*["00001000"] * 4, *["11111000"] * 2)),
    "window": (
        COARSE_OPTIONS | {"mask_in_target_win": ((2, 7), (1, 8))},
        Window(2, 1, 6, 8),
        [COARSE_PART],
        drawn(*["00010000"] * 2, *["11110000"] * 4),
    ),
    "geometries": (
        GEOMETRY_OPTIONS,
        WHOLE,
        [GEOMETRY_PART],
        drawn("00000000", "00000000", "00000110", "00011000", "00011000", "00000000"),
    ),
    "all": (
        COARSE_OPTIONS | GEOMETRY_OPTIONS,
        WHOLE,
        [COARSE_PART, GEOMETRY_PART],
        drawn("00000000", "00000000", "00000000", "00001000", "00011000", "00000000"),
    ),
}


@pytest.mark.parametrize(("options", "window", "parts", "expected"), EXAMPLES.values(), ids=EXAMPLES)
def test_the_documented_examples_come_out_exactly(options, window, parts, expected):
    for found in (build_mask(SHAPE, (1, 1), None, **options), validity_mask(window, *parts)):
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, expected)


def random_parts(seed):
    """Return a coarse mask of 61 x 81 pixels, and polygons about it."""
    rng = np.random.default_rng(seed)
    polygons = [random_polygon(rng, 80) for _ in range(5)]
    return CoarseMask(rng.random((11, 11)) < 0.95, (6, 8)), Polygons(polygons[:3], polygons[3:], (0.3, -2.1))


def random_polygon(rng, size):
    """Return a star of some vertices, with a hole where there is room for one."""
    centre, angles = rng.uniform(0, size, 2), np.sort(rng.uniform(0, 2 * np.pi, rng.integers(4, 12)))
    along = np.array([np.cos(angles), np.sin(angles)]) * rng.uniform(size / 4, size / 2, len(angles))
    star = shapely.make_valid(Polygon(centre + along.T)).difference(Point(centre).buffer(size / 20))
    return star if isinstance(star, Polygon) else random_polygon(rng, size)


@pytest.mark.parametrize("seed", range(4))
def test_a_window_gives_the_crop_of_the_whole(seed):
    raster, polygons = random_parts(seed)
    whole = validity_mask(raster.full_shape, raster, polygons)
    assert 0.1 < whole.mean() < 0.9
    rng = np.random.default_rng(seed)
    for _ in range(20):
        (top, bottom), (left, right) = win = np.array([np.sort(rng.integers(0, size, 2)) for size in whole.shape])
        window = Window(top, left, bottom - top + 1, right - left + 1)
        np.testing.assert_array_equal(validity_mask(window, raster, polygons), whole[window.slices])
        found = build_mask(
            window.shape, (1, 1), None, mask_in=raster.values, mask_in_target_win=win,
            mask_in_resolution=raster.resolution, oversampling_dtype=np.float32,
        )  # fmt: skip
        np.testing.assert_array_equal(found, validity_mask(window, raster))


@pytest.mark.parametrize("seed", range(4))
def test_all_parts_together_are_the_and_of_each_alone(seed):
    parts = [*random_parts(seed), *random_parts(seed + 4)]
    alone = [validity_mask((61, 81), part) for part in parts]
    assert all(0.1 < valid.mean() < 1 for valid in alone)
    np.testing.assert_array_equal(validity_mask((61, 81), *parts), np.logical_and.reduce(alone))
    assert validity_mask((61, 81)).all()


@pytest.mark.parametrize("dtype", ["uint8", "bool", "int16", "float32"])
def test_an_array_is_filled_whatever_its_type_and_none_is_returned(dtype):
    for options, _, _, expected in EXAMPLES.values():
        for init_out in (False, True):
            out = np.full(SHAPE, 7).astype(dtype)
            assert build_mask(SHAPE, (1, 1), out, init_out=init_out, **options) is None
            np.testing.assert_array_equal(out, expected)


def test_without_a_part_an_array_is_left_as_it_is_unless_it_is_to_become_one():
    for pair in (None, (None, None), ([], None)):
        out = np.full(SHAPE, 7, np.uint8)
        assert build_mask(SHAPE, (1, 1), out, geometry_pair=pair) is None
        assert (out == 7).all()
        assert build_mask(SHAPE, (1, 1), out, geometry_pair=pair, init_out=True) is None
        assert (out == 1).all()
        assert build_mask(SHAPE, (1, 1), None, geometry_pair=pair).all()


def test_validity_mask_fills_and_returns_the_array_given_views_too():
    array = np.full((10, 12), 7, np.uint8)
    view = array[2:8, 3:11]
    assert validity_mask(WHOLE, COARSE_PART, out=view) is view
    np.testing.assert_array_equal(view, EXAMPLES["coarse"][3])
    assert (array == 7).sum() == 120 - 48


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_nan_node_has_a_say_only_where_it_has_a_weight(dtype):
    nodes = np.ones((4, 4), dtype)
    nodes[1, 2] = np.nan
    expected = np.ones((13, 10), np.uint8)
    expected[1:8, 4:9] = 0  # less than a cell of 4 x 3 pixels away
    np.testing.assert_array_equal(validity_mask((13, 10), CoarseMask(nodes, (4, 3), 0.01)), expected)
    np.testing.assert_array_equal(np.isnan(gpumask.oversample(nodes, (4, 3))), expected == 0)
    np.testing.assert_array_equal(validity_mask((4, 4), CoarseMask(nodes)), ~np.isnan(nodes))


@pytest.mark.parametrize("resolution", [(1, 1), (3, 2)])
@pytest.mark.parametrize("dtype", ["?", *np.typecodes["AllInteger"], ">i2", ">u8"])
def test_every_integer_but_zero_is_valid_in_every_type_and_layout(dtype, resolution):
    ones = (np.random.default_rng(0).random((9, 13)) < 0.8).astype(np.uint8)
    expected = validity_mask((9, 13), CoarseMask(ones, resolution))
    values = [1] if dtype == "?" else [1, 3, np.iinfo(dtype).max, np.iinfo(dtype).min or 2]
    wide, tall = np.zeros((18, 39), dtype), np.zeros((13, 9), dtype)
    for value in values:
        mask = np.zeros(ones.shape, dtype)
        mask[ones != 0] = value
        wide[::2, ::3], tall[:] = mask, mask.T
        for layout in (mask, np.asfortranarray(mask), wide[::2, ::3], tall.T, mask[::-1, ::-1].copy()[::-1, ::-1]):
            found = build_mask(
                (9, 13), (1, 1), None, mask_in=layout, mask_in_target_win=((0, 8), (0, 12)),
                mask_in_resolution=resolution, oversampling_dtype=np.float64,
            )  # fmt: skip
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("threshold", [1, 1.0, 0.999])
def test_a_mask_of_ones_is_valid_everywhere_at_every_resolution_and_threshold(threshold):
    for resolution in itertools.product(range(1, 30), (1, 3, 7, 11, 49)):
        part = CoarseMask(np.ones((3, 3)), resolution, threshold)
        assert validity_mask(part.full_shape, part).all()


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_a_threshold_may_be_a_number_of_numpys(kind):
    part = CoarseMask([[0, 1]], (1, 4), kind(0.5))
    np.testing.assert_array_equal(validity_mask((1, 5), part), [[0, 0, 1, 1, 1]])
    options = {"grid_mask_binarize_precision": kind(0.5), "dtype": np.float64}
    found = gpumask.oversample_regular_grid(None, 1, 4, np.array([[0, 1]]), **options)[1]
    np.testing.assert_array_equal(found, [[0, 0, 1, 1, 1]])


@pytest.mark.parametrize("corner", [(1024, 1024), (2048, 0), (0, -1024)])
def test_polygons_do_not_depend_on_how_an_image_is_cut_into_windows(corner):
    rng = np.random.default_rng(1)
    shapes = [random_polygon(rng, 90) for _ in range(4)]
    part = Polygons([shapely.transform(shape, lambda at: at - 45 + corner[::-1]) for shape in shapes])
    around = Window(corner[0] - 70, corner[1] - 60, 130, 140)
    whole = validity_mask(around, part)
    assert 0.1 < whole.mean() < 0.9
    for rows, cols in ((130, 7), (11, 140), (33, 33)):
        for tile in around.tiles(rows, cols):
            place = tile.shift(-around.row, -around.col).slices
            np.testing.assert_array_equal(validity_mask(tile, part), whole[place])


RING = Polygon(box(1, 1, 8, 7).exterior, [box(3, 3, 5, 5).exterior])
AWAY = box(10, 2, 12, 9)
FEATURES = [{"type": "Feature", "geometry": mapping(each), "properties": {}} for each in (RING, AWAY)]
KINDS = {
    "multipolygon": MultiPolygon([RING, AWAY]),
    "list": [RING, AWAY],
    "array": np.array([RING, AWAY]),
    "nested list": [[RING], [[AWAY], []]],
    "list of multipolygons": [MultiPolygon([RING]), MultiPolygon([AWAY])],
    "collection": GeometryCollection([RING, GeometryCollection([AWAY])]),
    "GeoJSON": mapping(MultiPolygon([RING, AWAY])),
    "GeoJSON collection": mapping(GeometryCollection([RING, AWAY])),
    "features": FEATURES,
    "collection of features": {
        "type": "FeatureCollection",
        "features": [*FEATURES, {"type": "Feature", "geometry": None}],
    },
    "one feature": FEATURES[0] | {"geometry": mapping(MultiPolygon([RING, AWAY]))},
    "interface": SimpleNamespace(__geo_interface__=mapping(MultiPolygon([RING, AWAY]))),
    "list of all": [FEATURES[0], SimpleNamespace(__geo_interface__=FEATURES[1])],
}


def alike(geometry, rule="rasterio", shape=(10, 14), origin=(0, 0)):
    """Return what lies in a geometry by every function, as valid polygons and as invalid ones."""
    alg = {"alg": RASTERIO if rule == "rasterio" else SHAPELY}
    predicate = {} if rule == "rasterio" else {"shapely_predicate": ShapelyPredicate[rule.upper()]}
    options = {"geometry_origin": origin, "rasterize_kwargs": alg | {"kwargs_alg": predicate}}
    grid = (None, shape, origin, (1, 1))
    inside = [
        validity_mask(shape, Polygons(geometry, origin=origin)),
        build_mask(shape, (1, 1), None, geometry_pair=(geometry, None), **options),
        gpumask.grid_rasterize(*grid, None, 1, 0, 0, geometry, dtype=np.uint8, **alg, **predicate),
    ]
    outside = [
        validity_mask(shape, Polygons(None, geometry, origin)),
        build_mask(shape, (1, 1), None, geometry_pair=[None, geometry], **options),
    ]
    return [*inside, *(1 - valid for valid in outside)]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", KINDS)
def test_geometries_of_every_kind_agree(kind, rule):
    expected = np.zeros((10, 14))
    expected[1:8, 1:9] = 1
    expected[4, 4] = 0  # a hole's outline belongs to what is around it
    expected[2:10, 10:13] = 1
    for found in alike(KINDS[kind], rule):
        np.testing.assert_array_equal(found, expected)


def test_geometries_may_come_from_an_iterator():
    shape, kinds = (10, 14), [RING, AWAY]
    expected = validity_mask(shape, Polygons(kinds))
    np.testing.assert_array_equal(validity_mask(shape, Polygons(iter(kinds))), expected)
    np.testing.assert_array_equal(
        build_mask(shape, (1, 1), None, geometry_origin=(0, 0), geometry_pair=(iter(kinds), None)), expected
    )


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("seed", range(8))
def test_on_random_polygons_all_rules_agree_with_the_definition(seed, rule):
    rng = np.random.default_rng(seed)
    polygons = [random_polygon(rng, 40) for _ in range(3)]
    x, y = np.meshgrid(np.arange(45) + 0.25, np.arange(40) - 1.5)
    inside = shapely.intersects_xy(shapely.union_all(polygons), x, y)
    assert 0.1 < inside.mean() < 0.95
    for found in alike(polygons, rule, inside.shape, (-1.5, 0.25)):
        np.testing.assert_array_equal(found, inside)


@pytest.mark.parametrize("empty", [Polygon(), MultiPolygon(), [], [Polygon()], Polygon([(0, 0), (2, 2), (4, 4)])])
def test_an_invalid_polygon_without_area_removes_nothing(empty):
    assert validity_mask(SHAPE, Polygons(None, empty)).all()
    assert build_mask(SHAPE, (1, 1), None, geometry_origin=(0, 0), geometry_pair=(None, empty)).all()


@pytest.mark.parametrize("half", [1e3, 1e6, 1e9, 1e12])
@pytest.mark.parametrize("rule", ["rasterio", "covers"])
def test_a_polygon_far_larger_than_the_image_holds_all_of_it(rule, half):
    for found in alike(box(-half, -half, half, half), rule):
        assert found.all()


@pytest.mark.parametrize("empty", [[], (), [[]], MultiPolygon(), {"type": "FeatureCollection", "features": []}])
def test_an_empty_list_of_valid_polygons_is_no_condition_in_build_mask(empty):
    assert build_mask(SHAPE, (1, 1), None, geometry_pair=(empty, None)).all()
    found = build_mask(SHAPE, (1, 1), None, geometry_origin=(0.5, 0.5), geometry_pair=(empty, INVALID))
    np.testing.assert_array_equal(found, validity_mask(SHAPE, Polygons(None, INVALID, (0.5, 0.5))))


@pytest.mark.parametrize("kwargs", [None, {}, {"alg": None}, {"alg": RASTERIO}, {"alg": 1, "kwargs_alg": None}])
def test_without_rasterize_kwargs_the_rule_is_that_of_rasterio(kwargs):
    options = GEOMETRY_OPTIONS | {"rasterize_kwargs": kwargs}
    np.testing.assert_array_equal(build_mask(SHAPE, (1, 1), None, **options), EXAMPLES["geometries"][3])


def test_not_widened_the_predicate_decides_on_centres_that_lie_on_the_outline():
    polygon = box(1, 1, 3, 3)
    around, within = np.zeros((5, 5)), np.zeros((5, 5))
    around[1:4, 1:4] = within[2, 2] = 1
    x, y = np.arange(5), np.arange(5)
    for grid in ((None, (5, 5), (0, 0), (1, 1)), ((x, y), None, None, None), (np.meshgrid(x, y), None, None, None)):
        for predicate, expected in (("COVERS", around), ("INTERSECTS", around), ("CONTAINS", within), (None, around)):
            kwargs = {"shapely_predicate": ShapelyPredicate[predicate]} if predicate else {}
            found = gpumask.grid_rasterize(*grid, None, 1, 0, 0, polygon, None, SHAPELY, dtype=np.uint8, **kwargs)
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("rule", RULES)
def test_a_polygon_that_crosses_itself_is_repaired_and_the_log_says_so(rule, caplog):
    crossing = Polygon([(0, 0), (4, 4), (4, 0), (0, 4)])
    with caplog.at_level(logging.WARNING, "gpumask"):
        for found in alike(crossing, rule):
            np.testing.assert_array_equal(found[:5, :5], drawn("10001", "11011", "11111", "11011", "10001"))
            assert found.sum() == 17
    assert "repaired" in caplog.text


def test_the_shape_may_be_that_of_the_window_or_of_the_array():
    np.testing.assert_array_equal(build_mask(None, (1, 1), None, **EXAMPLES["window"][0]), EXAMPLES["window"][3])
    out = np.zeros(SHAPE, np.uint8)
    build_mask(None, (1, 1), out, **GEOMETRY_OPTIONS)
    np.testing.assert_array_equal(out, EXAMPLES["geometries"][3])


# Not square pixels, whose rows and columns count up, or down.
GRID = {"shape": (7, 9), "origin": (4.0, -2.0), "resolution": (-0.5, 1.5)}
X, Y = GRID["origin"][1] + 1.5 * np.arange(9), GRID["origin"][0] - 0.5 * np.arange(7)
TRIANGLE = Polygon([(-1.2, 0.7), (9.3, 1.1), (4.1, 3.6)])


def rasterized(grid=None, win=None, geometry=TRIANGLE, values=(1, 0, 0), **options):
    """Call grid_rasterize; grid is grid_coords, None stands for GRID."""
    regular = (None, *GRID.values()) if grid is None else (grid, None, None, None)
    options = options if "output" in options else {"dtype": np.uint8} | options
    return gpumask.grid_rasterize(*regular, win, *values, geometry, **options)


@pytest.mark.parametrize("alg", GridRasterizeAlg)
def test_a_regular_grid_may_be_given_in_every_form(alg):
    expected = shapely.intersects_xy(TRIANGLE, *np.meshgrid(X, Y))
    assert 0.1 < expected.mean() < 0.9
    mesh = np.meshgrid(X, Y)
    for grid in (None, (X, Y), [X, Y], [X.tolist(), Y.tolist()], tuple(mesh), mesh, np.stack(mesh)):
        np.testing.assert_array_equal(rasterized(grid, alg=alg), expected)


@pytest.mark.parametrize("alg", GridRasterizeAlg)
def test_a_grid_of_one_row_or_column_is_that_of_the_whole(alg):
    whole = rasterized(alg=alg)
    for row in range(7):
        for grid in ((X, Y[row : row + 1]), np.meshgrid(X, Y[row : row + 1])):
            np.testing.assert_array_equal(rasterized(grid, alg=alg), whole[row : row + 1])
    for col in range(9):
        for grid in ((X[col : col + 1], Y), np.meshgrid(X[col : col + 1], Y)):
            np.testing.assert_array_equal(rasterized(grid, alg=alg), whole[:, col : col + 1])


@pytest.mark.parametrize("alg", GridRasterizeAlg)
def test_every_window_of_a_raster_is_its_crop(alg):
    whole = rasterized(alg=alg)
    for top, bottom in itertools.combinations_with_replacement(range(0, 7, 2), 2):
        for left, right in itertools.combinations_with_replacement(range(0, 9, 2), 2):
            found = rasterized(win=((top, bottom), (left, right)), alg=alg)
            np.testing.assert_array_equal(found, whole[top : bottom + 1, left : right + 1])


@pytest.mark.parametrize("alg", GridRasterizeAlg)
def test_a_raster_holds_the_values_asked_for_in_a_new_array_or_a_given_one(alg):
    inside = rasterized(alg=alg)
    for dtype, values in (("int16", (-7, 300, 5)), ("float32", (np.nan, 0.5, 5)), ("bool", (False, True, False))):
        found = rasterized(values=values, alg=alg, dtype=dtype)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, np.where(inside, values[0], values[1]))
        output = np.zeros_like(found)
        returned = rasterized(values=values, alg=alg, output=output)
        assert returned is (output if alg == RASTERIO else None)
        np.testing.assert_array_equal(output, found)
        assert (rasterized(geometry=[], values=values, alg=alg, dtype=dtype) == values[2]).all()


@pytest.mark.parametrize("alg", GridRasterizeAlg)
def test_reduced_a_raster_of_one_value_is_that_value(alg):
    options = {"values": (7, 8, 9), "alg": alg, "reduce": True}
    assert rasterized(geometry=box(-50, -50, 50, 50), **options) == 7
    assert rasterized(geometry=box(40, 40, 50, 50), **options) == 8
    assert rasterized(geometry=[], **options) == 9
    np.testing.assert_array_equal(rasterized(**options), np.where(rasterized(alg=alg), 7, 8))


def test_oversampling_by_one_gives_the_grid_and_the_mask():
    rng = np.random.default_rng(0)
    mask = rng.random((5, 7)) < 0.5
    for dtype in ("float32", "float64"):
        grid = rng.standard_normal((2, 5, 7)).astype(dtype)
        found = gpumask.oversample_regular_grid(grid, 1, 1, mask)
        assert (found[0].dtype, found[1].dtype) == (dtype, np.uint8)
        np.testing.assert_array_equal(found[0], grid)
        np.testing.assert_array_equal(found[1], mask)
        np.testing.assert_array_equal(gpumask.oversample(grid, (1, 1)), grid)


def test_an_oversampled_plane_is_the_plane_at_every_pixel():
    y, x = np.mgrid[0:25.0, 0:19.0]
    planes = np.array([8 + 2 * y - x, 3 * x - y])
    nodes = planes[:, ::8, ::6]
    np.testing.assert_allclose(gpumask.oversample(nodes, (8, 6)), planes, atol=1e-12)
    win, window = ((3, 20), (5, 18)), Window(3, 5, 18, 14)
    crop = gpumask.oversample(nodes, (8, 6))[:, *window.slices]
    np.testing.assert_array_equal(gpumask.oversample(nodes, (8, 6), window), crop)
    np.testing.assert_array_equal(gpumask.oversample_regular_grid(nodes, 8, 6, None, win=win)[0], crop)
    np.testing.assert_array_equal(gpumask.build_grid((1, 1), nodes, win, (8, 6), None), crop)
    out = np.zeros(crop.shape, np.int16)
    assert gpumask.build_grid((1, 1), nodes, win, (8, 6), out) is None
    np.testing.assert_array_equal(out, np.trunc(crop))


@pytest.mark.parametrize(("down", "across"), [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_an_axis_may_fall_and_places_beyond_it_are_nan_and_invalid(down, across):
    y, x = np.array([1.0, 2, 4, 8]), np.array([0.0, 3, 5])
    grid = np.array([np.add.outer(10 * y, x)])
    places = np.array([0.5, 1, 3, 8, 8.5, np.nan]), np.array([-1.0, 0, 4, 5, 5.01])
    found, mask = gpumask.interpolate_grid(
        grid[:, ::down, ::across], np.ones((4, 3), np.uint8), x[::across], y[::down], places[1], places[0]
    )
    expected = np.add.outer(10 * places[0], places[1])
    expected[[0, 4]], expected[:, [0, 4]] = np.nan, np.nan
    np.testing.assert_allclose(found, [expected], atol=1e-12)
    np.testing.assert_array_equal(mask, ~np.isnan(expected))


SHIFTED = np.ones((3, 4), bool)
WINDOWED = np.pad(np.ones((2, 2), bool), ((1, 0), (2, 0)))
COUNTED = np.arange(12).reshape(3, 4) % 3 == 2
NODATA = np.isin(np.arange(12).reshape(3, 4), (1, 6))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("options", "shifted"),
    [
        ({}, SHIFTED),
        ({"win": ((1, 2), (2, 3))}, WINDOWED),
        ({"grid_mask": COUNTED.astype(np.uint8)}, COUNTED),
        ({"grid_mask": np.where(COUNTED, 200, 1).astype(np.uint8), "grid_mask_valid_value": 200}, COUNTED),
        ({"grid_mask": COUNTED, "grid_mask_valid_value": 0, "win": ((1, 2), (2, 3))}, ~COUNTED & WINDOWED),
        ({"grid_nodata": -9}, ~NODATA),
        ({"grid_nodata": -9.000001, "win": ((1, 2), (2, 3))}, ~NODATA & WINDOWED),
        ({"grid_nodata": -9, "grid_mask": COUNTED}, COUNTED),
    ],
)
def test_a_shift_is_added_to_the_nodes_that_count(options, shifted, dtype):
    row, col = np.mgrid[0:3, 0:4].astype(dtype)
    row[0, 1] = col[1, 2] = -9  # either coordinate
    expected = np.where(shifted, row + 0.5, row), np.where(shifted, col - 2, col)
    assert gpumask.array_shift_grid_coordinates(row, col, (0.5, -2), **options) is None
    np.testing.assert_array_equal((row, col), expected)
    assert row.dtype == dtype


@pytest.mark.parametrize(
    ("shape", "resolution", "full"),
    [((3, 5), (4, 2), (9, 9)), ((1, 1), (7, 9), (1, 1)), ((6, 8), (1, 1), (6, 8)), ((2, 3), (1000, 1), (1001, 3))],
)
def test_nodes_cover_the_pixels_from_the_first_to_the_last_of_them(shape, resolution, full):
    assert gpumask.grid_full_resolution_shape(shape, resolution) == full
    assert gpumask.oversample(np.zeros(shape), resolution).shape == full
    assert CoarseMask(np.ones(shape), resolution).full_shape == full
