"""GridR's functions, under GridR's names and with its arguments and defaults.

They translate the arguments to gpumask's own and do nothing else. Begin with `resampling.py` for arrays and `chains.py`
for files. `grids.py`, `masks.py` and `rasterize.py` make grids and masks, and `interpolators.py` and `prefiltering.py`
have the interpolators. `arguments.py` converts arguments that several functions share.

Windows here are inclusive, ((first_row, last_row), (first_col, last_col)), as in GridR.
"""

from gpumask.gridr.chains import (
    GridRIOMode,
    basic_grid_resampling_chain,
    build_grid_mask_chain,
    build_mask_chain,
)
from gpumask.gridr.grids import (
    array_shift_grid_coordinates,
    build_grid,
    grid_full_resolution_shape,
    interpolate_grid,
    oversample_regular_grid,
)
from gpumask.gridr.interpolators import (
    BSpline3Interpolator,
    BSpline5Interpolator,
    BSpline7Interpolator,
    BSpline9Interpolator,
    BSpline11Interpolator,
    LinearInterpolator,
    NearestInterpolator,
    OptimizedBicubicInterpolator,
    PyInterpolatorType,
    get_interpolator,
    is_bspline,
)
from gpumask.gridr.masks import build_mask
from gpumask.gridr.prefiltering import array_bspline_prefiltering
from gpumask.gridr.rasterize import GridRasterizeAlg, ShapelyPredicate, grid_rasterize
from gpumask.gridr.resampling import array_grid_resampling

__all__ = [
    "BSpline3Interpolator",
    "BSpline5Interpolator",
    "BSpline7Interpolator",
    "BSpline9Interpolator",
    "BSpline11Interpolator",
    "LinearInterpolator",
    "NearestInterpolator",
    "OptimizedBicubicInterpolator",
    "PyInterpolatorType",
    "array_bspline_prefiltering",
    "get_interpolator",
    "is_bspline",
    "GridRIOMode",
    "GridRasterizeAlg",
    "ShapelyPredicate",
    "array_grid_resampling",
    "array_shift_grid_coordinates",
    "basic_grid_resampling_chain",
    "build_grid",
    "build_grid_mask_chain",
    "build_mask",
    "build_mask_chain",
    "grid_full_resolution_shape",
    "grid_rasterize",
    "interpolate_grid",
    "oversample_regular_grid",
]
