"""Where rasters lie on the ground: affine maps, projections, models of sensors, and the ways between them."""
