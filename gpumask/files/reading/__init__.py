"""What is read: images with their masks, grids, quality bands and vectors."""
