"""Polygons from vector files, in the pixels of a raster."""

import logging

import numpy as np
import pytest
import rasterio
import shapely

from gpumask import GpumaskError
from gpumask.files.reading.vector import read_polygons

pytest.importorskip("pyogrio")
from mask_scene import CLOUDS, FIELD, on_the_ground, write_layer, write_scene  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")


@pytest.fixture
def raster(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_scene()
    with rasterio.open("like.tif") as file:
        yield file


@pytest.mark.parametrize(("crs", "most"), [("EPSG:32631", 1e-9), ("EPSG:4326", 0.02), ("EPSG:3857", 0.02)])
def test_polygons_lie_in_the_pixels_of_the_raster_whatever_their_crs(raster, crs, most):
    write_layer("some.gpkg", map(on_the_ground, [FIELD, *CLOUDS]), crs)
    found = read_polygons("valid", "some.gpkg", None, raster)
    for expected in (FIELD, *CLOUDS):
        assert any(shapely.hausdorff_distance(one, expected, densify=0.1) <= most for one in found)


def test_of_several_layers_one_is_named(raster):
    for layer, polygons in (("fields", [FIELD]), ("clouds", CLOUDS)):
        write_layer("all.gpkg", map(on_the_ground, polygons), layer=layer, append=layer == "clouds")
    assert len(read_polygons("valid", "all.gpkg", "clouds", raster)) == len(CLOUDS)
    for layer in (None, "woods"):
        with pytest.raises(GpumaskError, match="^valid: expected FILE:LAYER, one of fields, clouds; got"):
            read_polygons("valid", "all.gpkg", layer, raster)


def test_polygons_far_away_still_say_that_no_pixel_is_inside(raster):
    far = shapely.transform(on_the_ground(FIELD), lambda xy: xy + np.array([0, 900_000]))
    write_layer("far.gpkg", [far], "EPSG:4326")
    found = read_polygons("valid", "far.gpkg", None, raster)
    rows, cols = raster.shape
    assert found and not any(shapely.intersects(one, shapely.box(0, 0, cols, rows)) for one in found)


def test_a_layer_without_a_crs_is_refused_and_a_raster_without_one_is_told_of(raster, caplog, tmp_path):
    write_layer("nowhere.gpkg", [on_the_ground(FIELD)], crs=None)
    with pytest.raises(GpumaskError, match="^valid: expected a layer with a CRS, as like.tif has; got none"):
        read_polygons("valid", "nowhere.gpkg", None, raster)
    about = {"driver": "GTiff", "width": 5, "height": 4, "count": 1, "dtype": "uint8"}
    with caplog.at_level(logging.WARNING, "gpumask"), rasterio.open("bare.tif", "w", **about) as bare:
        (found,) = read_polygons("valid", "field.gpkg", None, bare)
    assert "bare.tif has no CRS, so coordinates are taken as they are" in caplog.text
    assert shapely.equals_exact(found.normalize(), on_the_ground(FIELD).normalize(), 1e-6)


def test_a_file_that_can_not_be_read_is_named(raster, tmp_path):
    (tmp_path / "broken.gpkg").write_text("no polygons")
    for path in ("broken.gpkg", "missing.gpkg"):
        with pytest.raises(GpumaskError, match=f"^valid: .*{path}"):
            read_polygons("valid", path, None, raster)
