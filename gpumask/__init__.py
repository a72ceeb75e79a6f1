"""Resampling of satellite images through a grid, with masks that do not bleed.

It runs on a GPU, and gives the same bits on a CPU. Begin with `resample`, `warp_file` and `mask_from_rules`, or with
`import gpumask.xarray`. GridR's functions are here under their own names.

Conventions, everywhere:

* Arrays are (row, col) or (band, row, col). Geometries are (x, y) = (col, row).
* A whole coordinate is a pixel's centre.
* Validity: 1 (or True) is valid, 0 is not.
* Windows are half-open. Only functions with GridR's names take inclusive ones.
* A coarse grid of (m, n) nodes with resolution (R, C) covers (m - 1) * R + 1 by (n - 1) * C + 1 output pixels.
"""

import importlib
import logging
from typing import TYPE_CHECKING, Any

from gpumask.backends import use_backend
from gpumask.errors import ArgumentTypeError, BackendError, GpumaskError, MaskRuleError
from gpumask.grids.grid import Grid
from gpumask.grids.oversample import oversample
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

if TYPE_CHECKING:
    from gpumask.files.mask import mask_file
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
    from gpumask.grids.places.geolocation import Geolocation
    from gpumask.grids.places.place import Place
    from gpumask.grids.places.sensor import ControlPoints, RationalPolynomials
    from gpumask.grids.projected import ProjectedGrid, grid_between

__all__ = [
    "ArgumentTypeError",
    "BackendError",
    "CoarseMask",
    "ControlPoints",
    "Geolocation",
    "GpumaskError",
    "Grid",
    "MaskRule",
    "MaskRuleError",
    "Method",
    "MultiDateMaskRule",
    "Place",
    "Polygons",
    "ProjectedGrid",
    "RationalPolynomials",
    "Resampled",
    "Resampler",
    "Summary",
    "Validity",
    "Window",
    "__version__",
    "apply_value_map",
    "bspline",
    "describe_flags",
    "flag_problems",
    "flags_definition",
    "flags_definition_from",
    "footprint_validity",
    "grid_between",
    "mask_cleanup",
    "mask_file",
    "mask_from_rules",
    "oversample",
    "ready_definitions",
    "resample",
    "resample_file",
    "use_backend",
    "validity_mask",
    "warp_file",
]
__all__ += [  # GridR's
    "GridRIOMode",
    "GridRasterizeAlg",
    "PyInterpolatorType",
    "ShapelyPredicate",
    "array_bspline_prefiltering",
    "array_grid_resampling",
    "array_shift_grid_coordinates",
    "basic_grid_resampling_chain",
    "build_grid",
    "build_grid_mask_chain",
    "build_mask",
    "build_mask_chain",
    "get_interpolator",
    "grid_full_resolution_shape",
    "grid_rasterize",
    "interpolate_grid",
    "is_bspline",
    "oversample_regular_grid",
]

# Where names are that are loaded when they are first used. Those of GridR are all in gpumask.gridr.
_LATER = {
    "ControlPoints": "gpumask.grids.places.sensor",
    "Geolocation": "gpumask.grids.places.geolocation",
    "Place": "gpumask.grids.places.place",
    "ProjectedGrid": "gpumask.grids.projected",
    "RationalPolynomials": "gpumask.grids.places.sensor",
    "Summary": "gpumask.files.tiles.summary",
    "grid_between": "gpumask.grids.projected",
    "mask_file": "gpumask.files.mask",
    "resample_file": "gpumask.files.resample",
    "warp_file": "gpumask.files.warp",
}

logging.getLogger("gpumask").addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    """Load what is not loaded yet (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(_LATER.get(name, "gpumask.gridr")), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Name what is loaded, and what can be."""
    return sorted({*globals(), *__all__})
