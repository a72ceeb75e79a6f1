"""From file to file.

`resample.py`, `warp.py` and `mask.py` have the public functions. `reading` opens what they name, `tiles` does the work
tile by tile, and `writing` stores the result.
"""
