"""Masks from rasters and polygons: documented examples, and the laws of each part."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest
import shapely
from mask_parts import COARSE_PART, EXAMPLES, INVALID, RASTERIO, SHAPE, SHAPELY, WHOLE, drawn
from shapely import GeometryCollection, MultiPolygon, Point, Polygon, box
from shapely.geometry import mapping

import gpumask
from gpumask import CoarseMask, Polygons, ShapelyPredicate, Window, build_mask, validity_mask

RULES = ("rasterio", "covers", "contains", "intersects")

pytestmark = pytest.mark.usefixtures("on_every_backend")


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
