"""What is read: images with their masks, grids, quality bands and vectors.

Begin with `image.py`. `inputs.py` opens files and remembers which they are. `declared.py` knows what a raster says
itself of where it is valid, and `categories.py` whether its values are classes.
"""
