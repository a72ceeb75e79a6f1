"""Targets that a source gets by default."""

import itertools

import numpy as np
import pytest
from affine import Affine
from exhaustive import few_of
from longitude_cases import (
    AT_POLES,
    CASES,
    COMBINATIONS,
    SHAPE,
    TURNS,
    WEB,
    a_case,
    bent,
    from_pole,
    nearest_turn,
    suggested,
    targets,
    transform,
    true_extent,
)
from warp_cases import placed

from gpumask import GpumaskError, Place
from gpumask.files.warp import target_place


@pytest.mark.parametrize("numbers", few_of(CASES, CASES[:1]))
@pytest.mark.parametrize(("crs", "kind"), COMBINATIONS)
def test_default_targets_hold_the_source_and_no_more(crs, kind, numbers):
    """But for the half pixel that rounds to whole ones; and each on the turn of its middle."""
    for number in numbers:
        rng = np.random.default_rng([number, *map(ord, crs[:12] + kind)])
        case = a_case(rng, crs, kind)
        for to in map(str, rng.choice(targets(case), 2, replace=False)):
            expected = true_extent(case, to)
            if (
                case.crs in AT_POLES
                and abs(from_pole(case, *np.clip(case.pixels(crs, 0, 0), 0, np.array(SHAPE) - 1))) < 3
                and bent(case)
            ):
                continue  # where corners of pixels lie beyond samples next to a pole is anyone's guess
            if expected[1] >= expected[3]:
                with pytest.raises(GpumaskError, match="crs: expected a CRS that holds the same pole as the source"):
                    suggested(case.place, to)
                continue
            place, found = suggested(case.place, to)
            size = np.array([place.transform.a, -place.transform.e] * 2)
            middle = (found[0] + found[2]) / 2
            if to in TURNS:
                expected += np.array([nearest_turn(to, 0, (expected[0] + expected[2]) / 2 - middle), 0] * 2) * -1
            off = abs(found - expected) / size
            assert off[[0, 3]].max() < 0.3 and off[[1, 2]].max() < (0.6 if min(place.shape) > 1 else 1), (
                number,
                to,
                off,
            )
            own = case.place.crs == to and kind == "affine"
            assert own or to not in TURNS or abs(middle) <= TURNS[to] / 2 + size[0], (number, to)


def test_a_third_of_a_degree_at_180_degrees_is_not_all_of_the_web():
    place = placed("EPSG:4326", 179.84, 0.32, 0.01, (32, 32))
    target, bounds = suggested(place, "EPSG:3857")
    assert target.shape == (32, 32)
    np.testing.assert_allclose(bounds[[0, 2]], np.radians([179.84, 180.16]) * 6378137, atol=1)


@pytest.mark.parametrize("west", [-180.0, -180.125, 0.0, -0.125])
def test_a_source_that_goes_all_around_does_so_in_its_default_target(west):
    place = Place("EPSG:4326", Affine(0.25, 0, west, 0, -0.25, 90.125), (721, 1440))
    target, found = suggested(place, "EPSG:4269")
    assert target.shape == place.shape
    np.testing.assert_allclose(found, [west, -90.125, west + 360, 90.125], atol=1e-9)
    _, found = suggested(place, "EPSG:3857")
    np.testing.assert_allclose(found[::2], [-WEB / 2, WEB / 2], atol=WEB / 1440)
    target, _ = suggested(place, "EPSG:3413")
    assert target.transform.a < 300_000


@pytest.mark.parametrize(
    ("crs", "to"), list(itertools.product(["EPSG:32660", "EPSG:32601"], ["EPSG:4326", "EPSG:3857", "EPSG:4087"]))
)
def test_the_zones_beside_180_degrees_have_narrow_default_targets(crs, to):
    x, _ = transform("EPSG:4326", crs)(180.0, 9.5)
    place = placed(crs, x - 5e4, 1_100_000, 1000, (100, 100))
    target, (left, _, right, _) = suggested(place, to)
    seam = 180.0 if to == "EPSG:4326" else WEB / 2
    assert left < seam < right or left < -seam < right
    assert 95 < target.shape[0] < 110 and 95 < target.shape[1] < 110


@pytest.mark.parametrize("shape", [(50, 1), (1, 1), (1, 50), (50, 2)])
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
def test_a_source_of_one_column_has_a_default_target_of_its_size(shape, crs):
    place = Place("EPSG:32633", Affine(60, 0, 5e5, 0, -60, 5.5e6), shape)
    target = target_place(place, crs, None, None, None)
    assert max(target.shape) <= 3 * max(shape)


def laid_out(**words):
    """Return a default target of a place that lies straight, and its edges."""
    place = placed("EPSG:32633", 5e5, 5e6, 10, (100, 120))
    found = target_place(place, words.pop("crs", "EPSG:32633"), None, words.get("resolution"), words.get("bounds"))
    t, (rows, cols) = found.transform, found.shape
    return found, (t.c, t.f + rows * t.e, t.c + cols * t.a, t.f)


def test_a_source_that_is_turned_keeps_the_size_of_its_pixels():
    affine = Affine.translation(5e5, 5e6) @ Affine.rotation(30) @ Affine.scale(7.5, -7.0)
    found = target_place(Place("EPSG:32633", affine, (300, 400)), "EPSG:32632", None, None, None)
    assert 7 < found.transform.a == -found.transform.e < 7.5


@pytest.mark.parametrize(("metres", "pixels"), [(100, 10), (104.9, 10), (105, 11), (115, 12), (3, 1), (125, 13)])
def test_half_a_pixel_of_the_bounds_is_one(metres, pixels):
    """The upper left corner is kept, as gdalwarp does; the lower right one moves."""
    bounds = (5e5, 5e6 - metres, 5e5 + metres, 5e6)
    found, edges = laid_out(resolution=10, bounds=bounds)
    assert found.shape == (pixels, pixels) and edges == (5e5, 5e6 - 10 * pixels, 5e5 + 10 * pixels, 5e6)


def test_bounds_alone_are_kept_to_all_sides():
    """With pixels that are about as large as the source's, as gdalwarp does."""
    found, edges = laid_out(bounds=(500_000, 4_999_453, 500_555, 5_000_000))
    assert found.shape == (55, 56) and edges == pytest.approx((500_000, 4_999_453, 500_555, 5_000_000), abs=1e-6)
    found, edges = laid_out(crs="EPSG:3857", bounds=(1_670_000, 5_621_000, 1_671_000, 5_622_003))
    assert edges == pytest.approx((1_670_000, 5_621_000, 1_671_000, 5_622_003), abs=1e-6)
    assert 10 < found.transform.a < 10 / np.cos(np.radians(45.2)) < 15


def test_a_resolution_alone_covers_what_gdal_suggests():
    found, edges = laid_out(resolution=7)
    assert found.shape == (143, 171) and edges == (5e5, 5e6 - 7 * 143, 5e5 + 7 * 171, 5e6)


def test_the_world_ends_where_web_maps_do():
    square = np.pi * 6378137
    for south, north in ((-90, 90), (-90, 80), (-86, 90)):
        rows = round((north - south) * 4)
        place = Place("EPSG:4326", Affine(0.25, 0, -180, 0, -0.25, north), (rows, 1440))
        found = target_place(place, "EPSG:3857", None, None, None)
        t, (rows, cols) = found.transform, found.shape
        top = square if north == 90 else np.arcsinh(np.tan(np.radians(80))) * 6378137
        edges = t.c, t.f + rows * t.e, t.c + cols * t.a, t.f
        assert edges == pytest.approx((-square, -square, square, top), abs=1e-3)
        assert cols == pytest.approx(1440, rel=0.05)
