"""What gpumask knows of single pixels, whatever array library holds them.

Begin with `window.py`: a `Window` is a half-open range of rows and columns. `boundary.py` says what lies beyond the
edges of a source. `interpolators.py` lists the interpolators and how many pixels each reads. `coordinates.py` computes
coordinates between nodes, and `values.py` fits numbers to dtypes. `missing.py` reads what arrays declare as missing,
and `checks.py` checks arguments.
"""
