"""Polygons to pixels, and the kernel `inside_polygons` that fills them."""

import numpy as np
import pytest
import shapely
from affine import Affine
from kernel_cases import assert_same_bits, to_host
from polygon_cases import cases, inside_of, polygon
from rasterio.features import rasterize

from gpumask import Polygons, Window, validity_mask
from gpumask.backends import get
from gpumask.masks.polygons import Outlines

compiled_backends = pytest.mark.parametrize("backend", ["cuda", "native"], indirect=True)
every_case = pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)


@compiled_backends
@every_case
def test_inside_polygons_is_that_of_its_twin(backend, case):
    assert_same_bits(inside_of(get(backend), case), inside_of(get("numpy"), case))


@every_case
def test_inside_is_what_shapely_covers_but_for_outlines(backend, case):
    row, col = np.indices(case.window.shape)
    points = shapely.points(col + float(case.window.col), row + float(case.window.row))
    union = shapely.union_all(case.polygons)
    on_outline = shapely.dwithin(union.boundary, points, 1e-9)
    expected = shapely.covers(union, points)
    np.testing.assert_array_equal(inside_of(get(backend), case)[~on_outline], expected[~on_outline])


@pytest.mark.parametrize("step", [(1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0), (0.5, 2.0), (-2.0, 0.5)])
def test_outlines_through_centres_follow_gdal(step):
    """Whole and half numbers everywhere, so that centres lie on edges and on vertices."""
    rng = np.random.default_rng(7)
    shape, origin = (45, 210), tuple(0.0 if along > 0 else 40.0 for along in step)
    corner = Affine(step[1], 0, origin[1] - step[1] / 2, 0, step[0], origin[0] - step[0] / 2)
    numpy = get("numpy")
    for _ in range(200):
        shapes = [polygon(rng) for _ in range(rng.integers(1, 3))]
        found = Outlines.of(shapes, origin, step).inside(Window.of_shape(shape), numpy)
        np.testing.assert_array_equal(found, rasterize(shapes, shape, transform=corner, dtype=np.uint8))


@pytest.mark.parametrize("step", [(1.0, 1.0), (-1.0, 1.0)])
def test_holes_through_centres_follow_gdal(step):
    rng = np.random.default_rng(9)
    shape, origin = (25, 25), tuple(0.0 if along > 0 else 24.0 for along in step)
    corner = Affine(step[1], 0, origin[1] - step[1] / 2, 0, step[0], origin[0] - step[0] / 2)
    for _ in range(300):
        (left, top), (width, height) = rng.integers(1, 8, 2), rng.integers(2, 9, 2)
        hole = shapely.box(left, top, left + width, top + height, ccw=bool(rng.integers(2)))
        shapes = [shapely.box(0, 0, 20, 19.5, ccw=bool(rng.integers(2))).difference(hole)]
        found = Outlines.of(shapes, origin, step).inside(Window.of_shape(shape), get("numpy"))
        np.testing.assert_array_equal(found, rasterize(shapes, shape, transform=corner, dtype=np.uint8))


def test_the_sharpest_corner_on_a_centre_is_inside(backend):
    spike = shapely.Polygon([(0, 2), (4, 3), (0, 4)])
    found = validity_mask((6, 6), Polygons(spike), backend=backend)
    np.testing.assert_array_equal(found[3], [1, 1, 1, 1, 1, 0])


def test_outlines_with_more_crossings_than_are_sorted_at_a_time(backend, monkeypatch):
    case = next(case for case in cases() if case.name == "overlapping polygons")
    expected = inside_of(get("numpy"), case)
    monkeypatch.setattr("gpumask.masks.polygons._MOST_CROSSINGS", 50)
    np.testing.assert_array_equal(inside_of(get(backend), case), expected)


def test_windows_are_parts_of_the_whole(backend):
    rng = np.random.default_rng(8)
    outlines = Outlines.of([polygon(rng) for _ in range(60)], (0.3, 0.7))
    whole = to_host(get(backend), outlines.inside(Window(0, 0, 40, 200), get(backend)))
    for _ in range(60):
        (top, left), (rows, cols) = rng.integers(0, (40, 200)), rng.integers(1, (20, 150))
        window = Window(top, left, min(rows, 40 - top), min(cols, 200 - left))
        found = to_host(get(backend), outlines.inside(window, get(backend)))
        assert_same_bits(found, np.ascontiguousarray(whole[window.slices]), str(window))


@pytest.mark.usefixtures("on_every_backend")
def test_centres_on_an_outline_are_inside():
    """The square's sides, its corners, and the whole numbers on a slanted edge."""
    square = validity_mask((7, 7), Polygons(shapely.box(1, 2, 4, 5)))
    np.testing.assert_array_equal(np.argwhere(square), [(r, c) for r in range(2, 6) for c in range(1, 5)])
    triangle = validity_mask((7, 7), Polygons(shapely.Polygon([(0, 0), (6, 6), (0, 6)])))
    np.testing.assert_array_equal(triangle, np.tri(7, dtype=np.uint8))
