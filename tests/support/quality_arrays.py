"""DataArrays, and quality bands about them."""

import numpy as np
import pytest
from affine import Affine
from array_cases import image_at
from warp_cases import placed

from gpumask import Place

pytest.importorskip("gpumask.xarray")

PLACE = placed("EPSG:32633", 5e5, 5e6, 10, (60, 72))

CLOUDS = {"values": [3, 4]}

RULE = CLOUDS | {"invert": True}


def quality(block=(1, 1), bands=(), name="qa", seed=5):
    """Return a quality band whose pixels stand for blocks of the array's; the last block may reach beyond."""
    shape = tuple(-(-n // by) for n, by in zip(PLACE.shape, block, strict=True))
    place = Place(PLACE.crs, PLACE.transform @ Affine.scale(block[1], block[0]), shape)
    array = image_at(place, bands=bands).rename(name)
    return array.copy(data=np.random.default_rng(seed).integers(0, 12, array.shape).astype(np.uint8))


def scene(bands=()):
    """Return an array."""
    return image_at(PLACE, bands=bands).rio.write_nodata(65535)


def expected(qa, block=(1, 1)):
    """Return what the rule keeps, by hand."""
    kept = ~np.isin(np.asarray(qa.values), CLOUDS["values"])
    for axis, by in zip((-2, -1), block, strict=True):
        kept = np.repeat(kept, by, axis=axis)
    return kept[..., : PLACE.shape[0], : PLACE.shape[1]]
