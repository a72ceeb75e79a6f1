"""Valid shares from file to file: to the bit what arrays have, counted rightly, refused where nothing holds them."""

import numpy as np
import pytest
import rasterio
from band_scenes import GRID, SHAPE, STEP, band_scene, read, written
from commands import fails, run

from gpumask import GpumaskError, Method, resample, resample_file, warp_file
from gpumask.files.tiles import plan
from gpumask.files.tiles import run as tiles_run

POLICIES = {"strict": {}, "renormalize": {"mask_policy": "renormalize", "min_weight": 0.4}}


@pytest.fixture(params=["float32", "int16"])
def scene(request, tmp_path, monkeypatch):
    """Return bands that are invalid at other places each, and where they are valid."""
    monkeypatch.chdir(tmp_path)
    return band_scene(request.param)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("by", ["pixel", "band"])
@pytest.mark.parametrize("interp", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("tile", [None, (16, 16), (7, 33)])
def test_files_have_what_arrays_have(scene, policy, by, interp, tile):
    image, valid = scene
    words = {"interp": interp, "nodata_out": -5, "backend": "native", **POLICIES[policy]}
    done = resample_file("source.tif", "grid.tif", "out.tif", resolution=STEP, validity="share.tif", validity_by=by,
                         validity_kind="share", tile_shape=tile, **words)  # fmt: skip
    known = valid if by == "band" else valid.all(axis=0)
    expected = resample(image, GRID, source_valid=known, validity="band share" if by == "band" else "share", **words)
    plain = resample(image, GRID, source_valid=known, validity=by, **words)
    shares = expected.validity if by == "band" else expected.validity[None]
    np.testing.assert_array_equal(read("out.tif"), expected.image)
    np.testing.assert_array_equal(read("share.tif"), shares)
    with rasterio.open("share.tif") as raster:
        assert set(raster.dtypes) == {"float32"} and raster.nodata is None
    anywhere = plain.validity if by == "pixel" else plain.validity.any(axis=0)
    without = resample_file("source.tif", "grid.tif", "out.tif", resolution=STEP, validity_by=by, overwrite=True,
                            tile_shape=tile, **words)  # fmt: skip
    assert (done.valid, done.outside, done.pixels) == (anywhere.sum(), without.outside, without.pixels)
    assert done.outside > 0


def test_a_run_without_a_validity_file_computes_no_shares(scene, monkeypatch):
    seen = []
    into = tiles_run.resample_into
    monkeypatch.setattr(tiles_run, "resample_into", lambda *args: (seen.append(args[-1].share), into(*args)))
    words = {"resolution": STEP, "backend": "numpy", "overwrite": True}
    resample_file("source.tif", "grid.tif", "out.tif", method=Method("linear", validity="share"), **words)
    assert seen and not any(seen)
    expected = read("out.tif")
    resample_file("source.tif", "grid.tif", "out.tif", method=Method("linear", validity="share"), validity="share.tif",
                  **words)  # fmt: skip
    assert seen[-1]
    np.testing.assert_array_equal(read("out.tif"), expected)
    assert read("share.tif").dtype == np.float32


def test_a_share_takes_five_bytes_of_the_plan_for_each_pixel(scene, monkeypatch):
    seen = []
    monkeypatch.setattr(tiles_run, "Costs", lambda **words: (seen.append(words["output"]), plan.Costs(**words))[1])
    for more in ({}, {"validity_kind": "share"}, {"validity_kind": "share", "validity_by": "band"}):
        resample_file("source.tif", "grid.tif", "out.tif", resolution=STEP, backend="numpy", overwrite=True,
                      validity="share.tif", **more)  # fmt: skip
    size = 3 * read("out.tif").itemsize
    assert seen == [size + 1, size + 5, size + 15]


def test_the_command_line_asks_for_shares(scene):
    image, valid = scene
    run("resample", "source.tif", "grid.tif", "out.tif", "--resolution", *STEP, "--interp", "linear", "--validity",
        "share.tif", "--validity-kind", "share", "--backend", "native")  # fmt: skip
    expected = resample(image, GRID, "linear", source_valid=valid.all(axis=0), validity="share", backend="native")
    np.testing.assert_array_equal(read("share.tif")[0], expected.validity)
    warp_file("source.tif", "warped.tif", crs="EPSG:3035", validity="warped-share.tif", validity_kind="share")
    assert 0 < ((found := read("warped-share.tif")) > 0).mean() < 1 and ((found > 0) & (found < 1)).any()


@pytest.mark.parametrize("within", ["mask", "alpha"])
def test_a_mask_or_alpha_holds_no_shares(tmp_path, monkeypatch, within):
    monkeypatch.chdir(tmp_path)
    written("source.tif", np.ones((3, *SHAPE), np.uint8))
    written("grid.tif", np.stack([GRID.row, GRID.col]))
    words = {"resolution": STEP, "validity": within, "validity_kind": "share"}
    with pytest.raises(GpumaskError, match="^validity_kind: expected valid along with a mask or alpha, which hold no"):
        resample_file("source.tif", "grid.tif", "out.tif", **words)
    said = fails("resample", "source.tif", "grid.tif", "out.tif", "--validity", within, "--validity-kind", "share")
    assert "--validity-kind: expected valid" in said


def test_alpha_among_the_bands_and_shares_exclude_each_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written("source.tif", np.full((4, *SHAPE), 200, np.uint8), photometric="RGB", alpha="YES")
    written("grid.tif", np.stack([GRID.row, GRID.col]))
    words = {"resolution": STEP, "validity": "share.tif", "validity_kind": "share", "backend": "numpy"}
    with pytest.raises(GpumaskError, match=r"^validity_kind: .* which hold no shares.*--bands\) 1,2,3"):
        resample_file("source.tif", "grid.tif", "out.tif", **words)
    resample_file("source.tif", "grid.tif", "out.tif", bands=(1, 2, 3), **words)
    assert read("share.tif").shape[0] == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"validity_kind": "part"}, "^validity_kind: expected valid or share; got 'part'"),
        ({"validity_kind": None}, "^validity_kind: expected valid or share; got None"),
        ({"validity_kind": "share", "interp": "bspline3"}, "^validity: expected pixel or band for bspline3"),
        ({"validity_kind": "share", "method": Method("linear")}, "^method: expected it without validity_kind"),
        ({"validity_kind": "share", "validity": "share.png"}, "^validity: .*float32.* PNG"),
    ],
)
def test_what_cannot_be_right_is_refused_by_name(tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    written("source.tif", np.ones(SHAPE, np.uint8))
    written("grid.tif", np.stack([GRID.row, GRID.col]))
    with pytest.raises(GpumaskError, match=said):
        resample_file("source.tif", "grid.tif", "out.tif", **{"resolution": STEP, "validity": "share.tif", **words})
    assert not (tmp_path / "out.tif").exists()
