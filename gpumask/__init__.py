"""Resampling of satellite images through a grid, with masks that do not bleed; on a GPU, and the same bits on a CPU.

Conventions, everywhere:

* Arrays are (row, col) or (band, row, col). Geometries are (x, y) = (col, row).
* A whole coordinate is a pixel's centre.
* Validity: 1 (or True) is valid, 0 is not.
* Windows are half-open; only GridR-shaped functions take inclusive ones.
* A coarse grid of (m, n) nodes with resolution (R, C) covers (m - 1) * R + 1 by (n - 1) * C + 1 output pixels.
"""

import logging

from gpumask.backends import use_backend
from gpumask.errors import ArgumentTypeError, BackendError, GpumaskError, MaskRuleError
from gpumask.files.resample import resample_file
from gpumask.files.tiles.summary import Summary
from gpumask.files.warp import warp_file
from gpumask.gridr import (
    GridRasterizeAlg,
    GridRIOMode,
    PyInterpolatorType,
    ShapelyPredicate,
    array_bspline_prefiltering,
    array_grid_resampling,
    array_shift_grid_coordinates,
    basic_grid_resampling_chain,
    build_grid,
    build_grid_mask_chain,
    build_mask,
    build_mask_chain,
    get_interpolator,
    grid_full_resolution_shape,
    grid_rasterize,
    interpolate_grid,
    is_bspline,
    oversample_regular_grid,
)
from gpumask.grids.grid import Grid
from gpumask.grids.oversample import oversample
from gpumask.grids.places.geolocation import Geolocation
from gpumask.grids.places.place import Place
from gpumask.grids.places.sensor import ControlPoints, RationalPolynomials
from gpumask.grids.projected import ProjectedGrid, grid_between
from gpumask.masks.build import validity_mask
from gpumask.masks.coarse import CoarseMask
from gpumask.masks.footprint import footprint_validity
from gpumask.masks.morphology import mask_cleanup
from gpumask.masks.polygons import Polygons
from gpumask.masks.rules.apply import mask_from_rules
from gpumask.masks.rules.attributes import flags_definition_from
from gpumask.masks.rules.describe import describe_flags, flag_problems
from gpumask.masks.rules.flags import flags_definition, ready_definitions
from gpumask.masks.rules.rule import MaskRule
from gpumask.masks.rules.value_map import MultiDateMaskRule, apply_value_map
from gpumask.masks.validity import Validity
from gpumask.pixels.interpolators import bspline
from gpumask.pixels.window import Window
from gpumask.resampling.method import Method
from gpumask.resampling.resample import Resampled, Resampler, resample
from gpumask.version import __version__

__all__ = [
    "ArgumentTypeError",
    "BackendError",
    "CoarseMask",
    "ControlPoints",
    "Geolocation",
    "GpumaskError",
    "Grid",
    "GridRIOMode",
    "GridRasterizeAlg",
    "MaskRule",
    "MaskRuleError",
    "Method",
    "Place",
    "Polygons",
    "ProjectedGrid",
    "PyInterpolatorType",
    "RationalPolynomials",
    "Resampled",
    "Resampler",
    "ShapelyPredicate",
    "Summary",
    "Validity",
    "Window",
    "__version__",
    "array_bspline_prefiltering",
    "array_grid_resampling",
    "array_shift_grid_coordinates",
    "basic_grid_resampling_chain",
    "bspline",
    "build_grid",
    "build_grid_mask_chain",
    "build_mask",
    "build_mask_chain",
    "flags_definition",
    "flags_definition_from",
    "footprint_validity",
    "get_interpolator",
    "grid_between",
    "grid_full_resolution_shape",
    "grid_rasterize",
    "interpolate_grid",
    "is_bspline",
    "mask_from_rules",
    "mask_cleanup",
    "describe_flags",
    "flag_problems",
    "MultiDateMaskRule",
    "apply_value_map",
    "oversample",
    "oversample_regular_grid",
    "ready_definitions",
    "resample",
    "resample_file",
    "use_backend",
    "validity_mask",
    "warp_file",
]

logging.getLogger("gpumask").addHandler(logging.NullHandler())
