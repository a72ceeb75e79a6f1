"""Which pixels are valid, and how masks are made.

Begin with `build.py`: `validity_mask` combines coarse masks (`coarse.py`) and polygons (`polygons.py`). `finer.py` has
shares of finer pixels. `morphology.py` grows and shrinks masks. `footprint.py` finds out where an interpolator reads
valid pixels alone. `rules/` turns quality bands into masks.
"""
