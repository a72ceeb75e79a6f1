"""An image brought into the geometry of a grid: at once, again and again, or lazily."""
