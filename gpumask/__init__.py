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
from gpumask.errors import ArgumentTypeError, BackendError, GpumaskError
from gpumask.footprint import footprint_validity
from gpumask.grid import Grid
from gpumask.gridr import GridRIOMode, array_grid_resampling, basic_grid_resampling_chain
from gpumask.resample import Resampled, resample
from gpumask.window import Window

__version__ = "0.1.0"

__all__ = [
    "ArgumentTypeError",
    "BackendError",
    "GpumaskError",
    "Grid",
    "GridRIOMode",
    "Resampled",
    "Window",
    "array_grid_resampling",
    "basic_grid_resampling_chain",
    "footprint_validity",
    "resample",
    "use_backend",
]

logging.getLogger("gpumask").addHandler(logging.NullHandler())
