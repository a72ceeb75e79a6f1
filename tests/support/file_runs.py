"""Files to resample, runs from file to file, and the same in memory."""

import numpy as np
from commands import read, write
from rasterio.transform import Affine

import gpumask
from gpumask import Grid, MaskRule, resample_file

RESOLUTION = (7, 6)


def nodes():
    """Return rows and columns that are turned, and in part outside."""
    y, x = np.mgrid[-34:34:8j, -30:30:8j]
    return np.stack([30 + 0.9 * y + 0.4 * x, 26 - 0.4 * y + 0.9 * x])


def holes(share=0.02, value=255, seed=5):
    """Return a mask of the source that is 0 in places and has a value elsewhere."""
    return np.where(np.random.default_rng(seed).random((61, 53)) < share, 0, value).astype(np.uint8)


def run(source="source.tif", grid="grid.tif", output="out.tif", **how):
    """Resample, over what is there; return the image, and the validity if it has a file."""
    how = {"resolution": RESOLUTION, "backend": "numpy", "validity": "valid.tif", "overwrite": True, **how}
    done = resample_file(source, grid, output, **how)
    return read(output), read("valid.tif")[0] if how["validity"] == "valid.tif" else None, done


PLACE = {"crs": "EPSG:32631", "transform": Affine(60, 0, 5000, 0, -70, 9000)}


def source_of(dtype="uint16", bands=3):
    """Return a source of 61 x 53 pixels."""
    return np.random.default_rng(bands).uniform(0, 250, (bands, 61, 53)).astype(dtype)


def oracle(source=None, valid=None, interp="cubic", *, grid=None, **how):
    """Resample the arrays."""
    row, col = nodes()
    grid = Grid(**{"row": row, "col": col, "resolution": RESOLUTION, **(grid or {})})
    source = source_of() if source is None else source
    return gpumask.resample(source, grid, interp, source_valid=valid, **{"backend": "numpy", **how})


def assert_same(found, expected):
    np.testing.assert_array_equal(found[1], expected.validity)
    np.testing.assert_array_equal(found[0], expected.image)
    assert 0.1 < expected.validity.mean() < 0.9
    assert found[2].valid == expected.validity.sum() and found[2].pixels == expected.validity.size


def nodata_source(**profile):
    source, hole = source_of(), holes() == 0
    source[1][hole] = 9
    write("source.tif", source, **profile)
    return source, (source != 9).all(axis=0)


SHAPE = (50, 43)  # of the output: 8 x 8 nodes


def rule(band, value, **how):
    return MaskRule.from_config({"band": band, "values": [value], **how})


def snapshot(folder):
    return {path.name: path.is_dir() or path.read_bytes() for path in folder.iterdir()}


TILED = {"tiled": True, "blockxsize": 16, "blockysize": 16}


DEFLATE, ZSTD = {"compress": "deflate"}, {"compress": "zstd"}
