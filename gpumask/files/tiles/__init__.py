"""Work tile by tile.

Begin with `run.py`, which resamples, and `full_resolution.py`, which makes masks and grids. `plan.py` says which tiles
there are and what they cost. `pipeline.py` has the threads that read, compute and write at the same time.
"""
