"""Where rasters lie on the ground, and the ways from one raster to another.

Begin with `place.py`: a `Place` is a CRS, a shape, and an affine map or a sensor's model. `affine.py` and `crs.py` have
the maths of both. `sensor.py` and `geolocation.py` are the models of sensors. `projection.py` leads from a target's
pixels to a source, and `target.py` chooses where an output lies.
"""
