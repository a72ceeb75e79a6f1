"""An image brought into the geometry of a grid.

Begin with `method.py`, which says how to resample, and `resample.py`, which has the public functions. `run.py` launches
the kernels. `image.py` has what they read and write. `prefilter.py` makes the coefficients of B-splines, and `lazy.py`
graphs for arrays of dask.
"""
