"""A raster, polygons in vector files and a coarse mask, for tests of masks from files."""

import numpy as np
import pyogrio
import pytest
import shapely
from commands import read, run, write
from rasterio.transform import Affine
from rasterio.warp import transform_geom

CRS = "EPSG:32631"
SHAPE = (61, 81)
TRANSFORM = Affine(30, 0, 420_000, 0, -30, 5_500_000) @ Affine.rotation(5)
# A field with a hole and two clouds, in the raster's pixels. Whole numbers are corners.
FIELD = shapely.box(4.2, 6.3, 70.4, 50.7).difference(shapely.box(30.1, 20.2, 38.3, 26.4))
CLOUDS = [shapely.Point(20, 40).buffer(7.3), shapely.Polygon([(50, 5), (72, 12), (55.5, 30)])]


def on_the_ground(polygon):
    """Return a polygon in the raster's CRS from one in pixels."""
    a, b, c, d, e, f = TRANSFORM[:6]
    return shapely.transform(polygon, lambda xy: xy @ np.array([[a, d], [b, e]]) + (c, f))


def write_layer(path, polygons, crs=CRS, layer=None, **how):
    """Write polygons in the raster's CRS to a vector file in another CRS."""
    places = [shapely.geometry.shape(transform_geom(CRS, crs or CRS, shapely.geometry.mapping(p))) for p in polygons]
    wkb = np.array([shapely.to_wkb(place) for place in places], object)
    how = {"geometry_type": "Polygon", "crs": crs, "field_data": [], "fields": [], **how}
    with pytest.warns(UserWarning, match="'crs' was not provided") if crs is None else pytest.MonkeyPatch().context():
        pyogrio.raw.write(path, geometry=wkb, layer=layer, **how)
    return path


def write_scene():
    """Write a raster, a field in its CRS, clouds in longitude and latitude, and a coarse mask."""
    rng = np.random.default_rng(2)
    write("like.tif", np.zeros(SHAPE, np.float32), crs=CRS, transform=TRANSFORM)
    write_layer("field.gpkg", [on_the_ground(FIELD)])
    write_layer("clouds.geojson", map(on_the_ground, CLOUDS), "EPSG:4326")
    write("coarse.tif", rng.choice(np.array([0, 1, 7], np.uint8), (2, 13, 9), p=[0.1, 0.1, 0.8]))


def masked(*options, output="out.tif", like="like.tif", code=0):
    """Run `gpumask mask`. Return what it wrote."""
    run("mask", "--like", like, output, "--backend", "numpy", *options, code=code)
    return read(output)[0]
