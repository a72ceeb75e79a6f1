"""Polygons, coarse masks and the pixels that they leave."""

import numpy as np
from shapely import Polygon

from gpumask import CoarseMask, GridRasterizeAlg, Polygons, Window

RASTERIO, SHAPELY = GridRasterizeAlg

SHAPE = (6, 8)


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
