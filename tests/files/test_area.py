"""Area statistics from file to file, and chunk by chunk: to the bit what arrays have, however they are tiled."""

from functools import cache

import numpy as np
import pytest
import rasterio
from band_scenes import GRID, STEP, band_scene, read, written
from exhaustive import few_of

from gpumask import resample, resample_file, warp_file
from gpumask.pixels.interpolators import STATISTICS
from gpumask.pixels.window import Window

TILES = [None, (16, 16), (7, 31), (1, 1)]
every_statistic = pytest.mark.parametrize("statistic", STATISTICS)
POLICY = {"mask_policy": "renormalize", "min_weight": 0.4, "nodata_out": -5}
BACKENDS = few_of(["numpy", "native"], ["numpy"])
SMALL = Window(9, 12, 17, 22)  # of the output


@pytest.fixture
def scene(tmp_path, monkeypatch):
    """Return bands that are invalid at other places each, and where they are valid."""
    monkeypatch.chdir(tmp_path)
    return band_scene("float64")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("by", ["pixel", "band"])
@every_statistic
@pytest.mark.parametrize("tile", TILES[:3])
def test_files_have_what_arrays_have(scene, backend, by, statistic, tile):
    image, valid = scene
    words = {"interp": statistic, "backend": backend, **POLICY}
    done = resample_file("source.tif", "grid.tif", "out.tif", resolution=STEP, validity="share.tif", validity_by=by,
                         validity_kind="share", tile_shape=tile, **words)  # fmt: skip
    known = valid if by == "band" else valid.all(axis=0)
    expected = resample(image, GRID, source_valid=known, validity="band share" if by == "band" else "share", **words)
    np.testing.assert_array_equal(read("out.tif"), expected.image)
    np.testing.assert_array_equal(read("share.tif"), expected.validity if by == "band" else expected.validity[None])
    plain = resample(image, GRID, source_valid=known, validity=by, **words).validity
    assert done.valid == (plain if by == "pixel" else plain.any(axis=0)).sum() and done.outside > 0
    with rasterio.open("out.tif") as raster:
        assert set(raster.dtypes) == {"float64"}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("statistic", few_of(STATISTICS, ["average"]))
def test_tiles_of_one_pixel_change_nothing(scene, backend, statistic):
    image, valid = scene
    written("grid.tif", np.stack([GRID.row[2:5, 2:5], GRID.col[2:5, 2:5]]))
    words = {"interp": statistic, "backend": backend, "resolution": STEP, "overwrite": True, **POLICY}
    found = []
    for tile in TILES:
        resample_file("source.tif", "grid.tif", "out.tif", validity="share.tif", validity_kind="share", tile_shape=tile,
                      **words)  # fmt: skip
        found.append((read("out.tif"), read("share.tif")))
    for image, share in found[1:]:
        np.testing.assert_array_equal(image, found[0][0])
        np.testing.assert_array_equal(share, found[0][1])
    assert 0 < (found[0][1] == 1).mean() <= 1


@cache
def _ground():
    rng = np.random.default_rng(5)
    image = rng.integers(1, 9, (60, 70)).astype(np.float64)
    image[rng.random(image.shape) < 0.02] = 0
    return image


@pytest.mark.parametrize("backend", BACKENDS)
@every_statistic
@pytest.mark.parametrize("tile", TILES)
def test_warped_files_are_the_same_whatever_the_tiles_are(tmp_path, monkeypatch, backend, statistic, tile):
    monkeypatch.chdir(tmp_path)
    written("source.tif", _ground(), nodata=0)
    words = {"crs": "EPSG:32632", "resolution": 53.0, "interp": statistic, "backend": backend, "overwrite": True}
    words |= {"mask_policy": "renormalize", "min_weight": 0.4, "nodata_out": 0}
    found = []
    for shape in (None, tile):
        warp_file("source.tif", "out.tif", tile_shape=shape, validity="share.tif", validity_kind="share", **words)
        found.append((read("out.tif"), read("share.tif")))
    np.testing.assert_array_equal(found[1][0], found[0][0])
    np.testing.assert_array_equal(found[1][1], found[0][1])
    assert 0 < (found[0][1] == 1).mean() < 1


@pytest.mark.parametrize("statistic", few_of(STATISTICS, ["average", "mode"]))
def test_native_and_numpy_make_the_same_files(scene, statistic):
    found = []
    for backend in ("numpy", "native"):
        resample_file("source.tif", "grid.tif", "out.tif", resolution=STEP, interp=statistic, backend=backend,
                      overwrite=True, tile_shape=(16, 16), **POLICY)  # fmt: skip
        found.append(read("out.tif"))
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("tile", TILES[:3])
def test_a_sum_of_a_file_is_kept(tmp_path, monkeypatch, tile):
    """Of counts in a file of bytes the sums are float64, and together they are those of the source."""
    monkeypatch.chdir(tmp_path)
    counts = np.random.default_rng(6).integers(0, 255, (40, 50)).astype(np.uint8)
    written("source.tif", counts)
    y, x = np.mgrid[-8:48:8j, -9:60:9j]
    written("grid.tif", np.stack([y + 0.1 * x, x - 0.1 * y]))
    words = {"resolution": (3, 4), "backend": "numpy", "tile_shape": tile, "nodata_out": 0}
    resample_file(
        "source.tif", "grid.tif", "out.tif", interp="sum", mask_policy="renormalize", min_weight=1e-15, **words
    )
    found = read("out.tif")
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.sum(), counts.sum(), rtol=1e-12)


@pytest.mark.parametrize("statistic", ["average", "mode"])
def test_a_run_goes_on_where_it_was_broken_off(scene, monkeypatch, statistic):
    from gpumask.files.tiles import run as tiles_run

    words = {"resolution": STEP, "interp": statistic, "backend": "numpy", "tile_shape": (16, 16), **POLICY}
    resample_file("source.tif", "grid.tif", "whole.tif", **words)
    into, left = tiles_run.resample_into, [5]

    def breaks(*args):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        into(*args)

    with monkeypatch.context() as patch:
        patch.setattr(tiles_run, "resample_into", breaks)
        with pytest.raises(KeyboardInterrupt):
            resample_file("source.tif", "grid.tif", "out.tif", resume=True, **words)
    done = []
    monkeypatch.setattr(tiles_run, "resample_into", lambda *args: (done.append(1), into(*args)))
    resample_file("source.tif", "grid.tif", "out.tif", resume=True, **words)
    assert 0 < len(done) < len(list(Window(0, 0, *GRID.shape).tiles(16, 16)))
    np.testing.assert_array_equal(read("out.tif"), read("whole.tif"))
