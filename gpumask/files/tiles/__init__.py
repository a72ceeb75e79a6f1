"""Work tile by tile: what a tile needs, what it costs, and how reading, computing and writing overlap."""
