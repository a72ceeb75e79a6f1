"""Which pixels are valid: coarse masks, polygons, grown masks, footprints, and in `rules` quality bands."""
