"""resample_file: what comes out of files is, to the bit, what `resample` makes of their arrays."""

import contextlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from commands import read, write
from exhaustive import few_of
from rasterio.enums import ColorInterp
from rasterio.env import get_gdal_config, getenv
from rasterio.transform import Affine

import gpumask
from gpumask import GpumaskError, Grid, MaskRule, Window, resample_file
from gpumask.files.tiles import run as chain
from gpumask.files.writing import creation
from gpumask.files.writing import whole as outputs

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")

RESOLUTION = (7, 6)
SHAPE = (50, 43)  # of the output: 8 x 8 nodes
PLACE = {"crs": "EPSG:32631", "transform": Affine(60, 0, 5000, 0, -70, 9000)}


def source_of(dtype="uint16", bands=3):
    """Return a source of 61 x 53 pixels."""
    return np.random.default_rng(bands).uniform(0, 250, (bands, 61, 53)).astype(dtype)


def nodes():
    """Return rows and columns that are turned, and in part outside."""
    y, x = np.mgrid[-34:34:8j, -30:30:8j]
    return np.stack([30 + 0.9 * y + 0.4 * x, 26 - 0.4 * y + 0.9 * x])


def holes(share=0.02, value=255, seed=5):
    """Return a mask of the source that is 0 in places and has a value elsewhere."""
    return np.where(np.random.default_rng(seed).random((61, 53)) < share, 0, value).astype(np.uint8)


def rule(band, value, **how):
    return MaskRule.from_config({"band": band, "values": [value], **how})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a source and a grid, which is the current one."""
    monkeypatch.chdir(tmp_path)
    write("source.tif", source_of())
    write("grid.tif", nodes(), **PLACE)
    return tmp_path


def run(source="source.tif", grid="grid.tif", output="out.tif", **how):
    """Resample, over what is there; return the image, and the validity if it has a file."""
    how = {"resolution": RESOLUTION, "backend": "numpy", "validity": "valid.tif", "overwrite": True, **how}
    done = resample_file(source, grid, output, **how)
    return read(output), read("valid.tif")[0] if how["validity"] == "valid.tif" else None, done


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


TILED = {"tiled": True, "blockxsize": 16, "blockysize": 16}
DEFLATE, ZSTD = {"compress": "deflate"}, {"compress": "zstd"}


@dataclass(frozen=True)
class Way:
    """A way to do one job: how its files are stored, and how it is cut. share: of the memory, for tiles."""

    stored: dict[str, Any]
    made: dict[str, Any]
    tile_shape: tuple[int, int] | None = None
    max_memory: Any = None
    share: float = 5 / 8
    nodes: float = 1 / 16
    threads: int = 1
    window: tuple[int, int, int, int] | None = None
    opened: bool = False


PART = (5, 3, 31, 28)
WAYS = [
    Way({}, {}),
    Way(TILED, TILED, threads=3),
    Way(DEFLATE, DEFLATE, (16, 16), threads=2),
    Way({**TILED, **DEFLATE}, {**TILED, **DEFLATE}, (7, 5), opened=True),
    Way({**TILED, **ZSTD}, {}, (1, 64), "64MiB", threads=4),
    Way({}, {**TILED, **ZSTD}, (64, 1), 100_000_000),
    Way({}, {}, window=PART, threads=2),
    Way(TILED, DEFLATE, window=PART, opened=True),
    Way({}, {}, (9, 9), window=(49, 42, 1, 1), threads=2),
    Way({}, {**TILED}, (3, 8), window=(0, 11, 50, 1)),
    Way(DEFLATE, {}, share=3e-5, threads=2),
    Way({}, TILED, share=1e-5, nodes=0),
    Way(TILED, {}, share=1e-5, threads=2, opened=True),
    Way({**TILED, **DEFLATE}, {**TILED, **DEFLATE}, share=3e-5, nodes=0, threads=5),
    Way({}, {}, max_memory="70MB", share=2e-4, window=PART),
    Way({}, ZSTD, (50, 43), "64MiB", 4e-4),
    Way(TILED, {}, (20, 20), "64MiB", 2e-4, threads=3, opened=True),
    Way({}, DEFLATE, (16, 16), "0.1GiB", 2e-4, 0, 2, PART, True),
    Way({}, {}, (1, 1), window=(20, 20, 6, 5), threads=2),
    Way({"blockysize": 1}, {"blockysize": 1}, nodes=0, threads=2, opened=True),
]


@pytest.mark.parametrize("interp", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("number", range(len(WAYS)))
def test_files_give_the_bits_that_arrays_give_whatever_the_way(folder, monkeypatch, backend, number, interp):
    way, mask = WAYS[number], holes()
    counts = np.ones((8, 8), np.uint8)
    counts[3, 4] = 0
    write("source.tif", source_of(), **way.stored)
    write("mask.tif", mask, **way.stored)
    write("counts.tif", counts)
    monkeypatch.setattr(chain, "_FOR_TILES", way.share)
    monkeypatch.setattr(chain, "_FOR_NODES", way.nodes)
    monkeypatch.setenv("GPUMASK_NUM_THREADS", str(way.threads))
    with contextlib.ExitStack() as stack:
        source, grid, valid = (
            stack.enter_context(rasterio.open(path)) if way.opened else path
            for path in ("source.tif", Path("grid.tif"), "mask.tif")
        )
        found = run(
            source, grid, mask=valid, grid_mask="counts.tif", interp=interp, backend=backend, creation=way.made,
            tile_shape=way.tile_shape, max_memory=way.max_memory, window=way.window,
        )  # fmt: skip
    expected = oracle(valid=mask, interp=interp, grid={"mask": counts}, backend=backend)
    part = (slice(None), slice(None)) if way.window is None else Window(*way.window).slices
    np.testing.assert_array_equal(found[1], expected.validity[part])
    np.testing.assert_array_equal(found[0], expected.image[:, *part])
    assert 0.1 < expected.validity.mean() < 0.9
    assert found[2].backend == backend
    if way.share < 5 / 8:
        assert found[2].tiles > 4


@pytest.mark.parametrize(
    "dtype",
    few_of(["uint8", "int8", "int16", "uint32", "int64", "float32", "float64"], ["uint8", "int16", "float64"]),
)
def test_dtypes_of_the_source_and_of_the_output(folder, backend, dtype):
    write("source.tif", source_of("float32" if dtype == "uint8" else "int16"))
    source = read("source.tif")
    found = run(dtype=dtype, compute_dtype="float32", nodata_out=1, backend=backend)
    assert_same(found, oracle(source, dtype=dtype, compute_dtype="float32", nodata_out=1, backend=backend))
    assert found[0].dtype == dtype


@pytest.mark.parametrize("kind", [list, tuple, np.array])
def test_bands_come_in_the_order_asked_for(folder, kind):
    assert_same(run(bands=kind([3, 1, 3])), oracle(source_of()[[2, 0, 2]]))


def test_an_open_dataset_stays_open_and_usable(folder):
    write("mask.tif", holes())
    with rasterio.open("source.tif") as source, rasterio.open("grid.tif") as grid, rasterio.open("mask.tif") as mask:
        for _ in range(2):
            assert_same(run(source, grid, mask=(mask, 1)), oracle(valid=holes()))
        with pytest.raises(GpumaskError):
            run(source, grid, mask=mask, tile_shape=(0, 0))
        assert not source.closed and not grid.closed and not mask.closed
        np.testing.assert_array_equal(source.read(), source_of())
        np.testing.assert_array_equal(grid.read(), nodes())


def test_gdals_options_are_after_a_run_what_they_were(folder):
    with rasterio.Env(GDAL_NUM_THREADS="1", GDAL_CACHEMAX=77_000_000):
        before = getenv()
        run()
        assert getenv() == before
        assert get_gdal_config("GDAL_CACHEMAX") == 77_000_000


def test_threads_of_gdal_that_somebody_chose_are_kept(folder):
    seen = []
    with rasterio.Env(GDAL_NUM_THREADS="1"):
        run(progress=lambda *_: seen.append(getenv()["GDAL_NUM_THREADS"]))
    assert set(seen) == {"1"}


# What is valid.


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("bands", [1, 3])
def test_validity_may_be_a_file_the_mask_or_an_alpha_band(folder, bands, dtype):
    write("source.tif", source_of(dtype, bands))
    expected = oracle(source_of(dtype, bands))
    assert_same(run(), expected)
    image, _, _ = run(validity="mask")
    np.testing.assert_array_equal(image, expected.image)
    assert {path.name for path in folder.iterdir()} == {"source.tif", "grid.tif", "out.tif", "valid.tif"}
    with rasterio.open("out.tif") as made:
        np.testing.assert_array_equal(made.dataset_mask(), expected.validity * 255)
    image, _, _ = run(validity="alpha", tile_shape=(11, 9))
    np.testing.assert_array_equal(image[:-1], expected.image)
    np.testing.assert_array_equal(image[-1], expected.validity * float(np.iinfo(dtype).max))
    with rasterio.open("out.tif") as made:
        assert made.colorinterp[-1] == ColorInterp.alpha
        np.testing.assert_array_equal(made.dataset_mask(), expected.validity * 255)


def test_validity_in_a_mask_goes_with_every_dtype(folder):
    run(validity="mask", dtype="float32", creation={**TILED, **DEFLATE}, tile_shape=(20, 13))
    with rasterio.open("out.tif") as made:
        np.testing.assert_array_equal(made.read_masks(2), oracle().validity * 255)


@pytest.mark.parametrize(("bands", "how"), [(2, {}), (1, {"dtype": "int16"}), (3, {"dtype": "float32"}), (4, {})])
def test_alpha_is_refused_where_it_means_nothing(folder, bands, how):
    write("source.tif", source_of(bands=bands))
    before = snapshot(folder)
    with pytest.raises(GpumaskError, match="^validity: expected a file or mask"):
        run(validity="alpha", **how)
    assert snapshot(folder) == before


def nodata_source(**profile):
    source, hole = source_of(), holes() == 0
    source[1][hole] = 9
    write("source.tif", source, **profile)
    return source, (source != 9).all(axis=0)


def with_nodata():
    source, valid = nodata_source(nodata=9)
    return source, valid, {"nodata_out": 9}


def with_internal_mask():
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open("source.tif", "r+") as dataset:
        dataset.write_mask(holes())
    assert not Path("source.tif.msk").exists()
    return source_of(), holes(), {}


def with_side_file():
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open("source.tif", "r+") as dataset:
        dataset.write_mask(holes())
    assert Path("source.tif.msk").exists()
    return source_of(), holes(), {}


def with_alpha(bands, **profile):
    def make():
        source = np.concatenate([source_of("uint8", bands), holes(value=7)[None]])
        write("source.tif", source, alpha="yes", **profile)
        with rasterio.open("source.tif", "r+") as dataset:  # GDAL itself takes the first band without a colour
            colours = [ColorInterp.undefined if kind == ColorInterp.alpha else kind for kind in dataset.colorinterp]
            dataset.colorinterp = [*colours[:-1], ColorInterp.alpha]
        return source, holes(), {}

    return make


def with_nan():
    source = source_of("float32")
    source[2][holes() == 0] = np.nan
    write("source.tif", source)
    return source, None, {}


def with_nan_as_nodata():
    source = source_of("float32")
    source[2][holes() == 0] = np.nan
    write("source.tif", source, nodata=np.nan)
    return source, None, {"nodata_out": np.nan}


MASKED = {
    "nodata": with_nodata,
    "internal mask": with_internal_mask,
    "side file": with_side_file,
    "alpha beside 1": with_alpha(1, photometric="minisblack"),
    "alpha beside 3": with_alpha(3, photometric="rgb"),
    "alpha beside 4": with_alpha(4, photometric="minisblack"),
    "NaN": with_nan,
    "NaN as nodata": with_nan_as_nodata,
}


@pytest.mark.parametrize("kind", MASKED)
def test_what_the_source_masks_itself_is_invalid_unless_that_is_ignored(folder, kind, backend):
    source, valid, how = MASKED[kind]()

    def expected(source, valid=None, **more):
        """Alpha is no colour: it says where the output is valid."""
        found = oracle(source, valid, **how, **more)
        if kind.startswith("alpha"):
            found.image[-1] = found.validity * 255
        return found

    assert_same(run(tile_shape=(17, 19), backend=backend), expected(source, valid, backend=backend))
    some = source[[0, -1]]
    own = valid if kind != "nodata" else (some != 9).all(axis=0)
    assert_same(run(bands=[1, len(source)]), expected(some, own))
    ignoring = expected(source)
    for mask in (None, []):
        assert_same(run(mask=mask), ignoring)
    if valid is not None:
        assert (expected(source, valid).validity != ignoring.validity).any()


def test_nodata_in_one_band_is_of_no_matter_where_that_is_not_asked_for(folder):
    source, _ = nodata_source(nodata=9)
    assert_same(run(bands=[1]), oracle(source[:1], source[0] != 9, nodata_out=9))


def test_a_quality_band_of_another_size_is_refused_with_both(folder):
    place = {"crs": "EPSG:32631", "transform": Affine(10, 0, 0, 0, -10, 0)}
    write("source.tif", source_of(), **place)
    write("quality.tif", np.ones((60, 50), np.uint8), **place)
    with pytest.raises(GpumaskError, match=r"^quality: .* 61 x 53 pixels of .*; got 60 x 50 pixels"):
        run(keep=[rule("qa", 1)], quality={"qa": "quality.tif"})


def test_source_nodata_is_one_more_mask(folder):
    source, valid = nodata_source()
    assert_same(run(source_nodata=9), oracle(source, valid))
    write("mask.tif", holes(seed=8))
    both = valid & (holes(seed=8) != 0)
    assert_same(run(source_nodata=9, mask="mask.tif"), oracle(source, both))


def test_masks_are_rasters_bands_values_or_several(folder):
    one, two = holes(0.02, 7, 1), holes(0.02, 3, 2)
    two[30, 30] = 1
    write("masks.tif", np.stack([one, two]))
    source, own = nodata_source(nodata=9)
    how = {"source": source, "nodata_out": 9}
    with rasterio.open("masks.tif") as opened:
        for mask, valid in [
            ("masks.tif", one),
            (Path("masks.tif"), one),
            (opened, one),
            (("masks.tif", 2), two),
            ((opened, 2), two),
            (("masks.tif", 2, 3), two == 3),
            (["masks.tif"], one),
            (["masks.tif", ("masks.tif", 2)], (one != 0) & (two != 0)),
            (["auto", ("masks.tif", 2, 3)], own & (two == 3)),
            ([("masks.tif", 1), "auto"], own & (one != 0)),
            (["auto"], own),
        ]:
            assert_same(run(mask=mask), oracle(valid=valid, **how))


def test_rules_keep_and_what_they_mask_grows(folder, backend):
    quality = holes(0.01, 4)
    write("quality.tif", np.stack([np.zeros_like(quality), quality]))
    coarse = np.ones((31, 27), np.uint8)
    coarse[14:16, 9] = 2
    write("coarse.tif", coarse)
    rules = [rule("qa", 0, invert=True), rule("clear", 1)]
    for grow in (None, [("dilation", 1)]):
        valid = (quality != 0) & (np.kron(coarse, np.ones((2, 2), np.uint8))[:61, :53] == 1)
        if grow:
            valid = gpumask.mask_cleanup(~valid, grow, backend="numpy") == 0
        found = run(
            keep=rules, quality={"qa": ("quality.tif", 2), "clear": "coarse.tif"}, grow=grow, backend=backend,
            tile_shape=(13, 11),
        )  # fmt: skip
        assert_same(found, oracle(valid=valid, backend=backend))


# The grid.


def test_grid_masks_nodata_bands_and_corners(folder, backend):
    row, col = nodes()
    counts = np.full((2, 8, 8), 3, np.uint8)
    counts[0, 2, 2], counts[1, 4, 5], counts[1, 4, 3] = 0, 1, 0
    write("counts.tif", counts)
    bad = nodes()
    bad[:, 3, 3] = -5
    write("bad.tif", bad, **PLACE)
    write("declared.tif", bad, nodata=-5)
    write("swapped.tif", np.stack([row, col])[[1, 0, 0]])
    corner = {"row": row - 0.5, "col": col - 0.5}
    bad_nodes = {"row": bad[0], "col": bad[1], "nodata": -5}
    for how, grid in [
        ({"grid_mask": "counts.tif"}, {"mask": counts[0]}),
        ({"grid_mask": ("counts.tif", 2)}, {"mask": counts[1]}),
        ({"grid_mask": ("counts.tif", 2, 3)}, {"mask": counts[1] == 3}),
        ({"grid": "bad.tif", "grid_nodata": -5}, bad_nodes),
        ({"grid": "declared.tif"}, bad_nodes),
        ({"grid": "declared.tif", "grid_nodata": -7}, {"row": bad[0], "col": bad[1]}),
        ({"grid": "swapped.tif", "grid_bands": (2, 1)}, {}),
        ({"pixel_convention": "corner"}, corner),
        ({"pixel_convention": "corner", "grid_mask": "counts.tif"}, {**corner, "mask": counts[0]}),
        (
            {"pixel_convention": "corner", "grid": "declared.tif"},
            {**corner, "mask": (bad[0] != -5)},
        ),
    ]:
        found = run(**how, backend=backend, tile_shape=(12, 20))
        assert_same(found, oracle(grid=grid, backend=backend))


def test_two_nodata_values_of_a_grid_are_each_of_their_band_unless_one_is_named(folder):
    row, col = nodes()

    class Two:
        """A dataset that declares a nodata value of its own for each band."""

        nodatavals = (row[3, 3], col[5, 2])

        def __init__(self, dataset):
            self.dataset = dataset

        def __getattr__(self, name):
            return getattr(self.dataset, name)

    counts = np.ones((8, 8), bool)
    counts[3, 3] = counts[5, 2] = False
    with rasterio.open("grid.tif") as grid:
        assert_same(run(grid=Two(grid)), oracle(grid={"mask": counts}))
        assert_same(run(grid=Two(grid), grid_nodata=-5), oracle())


def test_a_valid_pixel_may_be_nodata_where_a_mask_or_alpha_says_so(folder):
    write("source.tif", source_of("uint8"))
    expected = oracle(source_of("uint8"), nodata_out=100)
    assert ((expected.image == 100) & (expected.validity == 1)).any()
    for within in ("mask", "alpha"):
        run(validity=within, nodata_out=100)
        with rasterio.open("out.tif") as made:
            np.testing.assert_array_equal(made.read([1, 2, 3]), expected.image)
            kept = made.read(4) if within == "alpha" else made.dataset_mask()
            np.testing.assert_array_equal(kept, expected.validity * 255)


def test_the_output_lies_where_the_grid_does_or_like_another(folder):
    run()
    with rasterio.open("out.tif") as made, rasterio.open("grid.tif") as grid:
        assert made.crs == grid.crs
        np.testing.assert_allclose(made.xy(14, 18), grid.xy(2, 3))
    like = {"crs": "EPSG:32720", "transform": Affine(10, 1, 3, -1, -10, 8)}
    write("like.tif", np.zeros(SHAPE, np.uint8), **like)
    write("part.tif", np.zeros((9, 8), np.uint8), **like)
    run(like="like.tif")
    assert_lies_like("out.tif", "like.tif")
    assert_lies_like("valid.tif", "like.tif")
    with rasterio.open("part.tif") as part:
        run(like=part, window=(3, 4, 9, 8))
    assert_lies_like("out.tif", "part.tif")
    write("bare.tif", np.zeros(SHAPE, np.uint8))
    run(like="bare.tif")
    assert_lies_like("out.tif", "bare.tif")


def assert_lies_like(path, like):
    with rasterio.open(path) as made, rasterio.open(like) as wanted:
        assert (made.crs, made.transform) == (wanted.crs, wanted.transform)


# How the output is stored.


def test_a_cog_may_lack_blocks_where_that_is_asked_for(folder):
    write("zeros.tif", np.zeros((61, 53), np.uint8))
    run(driver="COG", creation={"sparse_ok": True}, mask="zeros.tif", validity=None)
    assert not read("out.tif").any()


def test_gdals_cache_is_limited_while_a_cog_is_made(folder, monkeypatch):
    found, to_cog = [], creation.to_cog
    monkeypatch.setenv("GPUMASK_MAX_MEMORY", "100MB")
    monkeypatch.setattr(
        creation, "to_cog", lambda *args: (found.append(get_gdal_config("GDAL_CACHEMAX")), to_cog(*args))
    )
    run(driver="COG")
    run(driver="COG", max_memory="80MB")
    assert found == [25_000_000, 20_000_000]


def test_a_cog_has_the_same_pixels(folder):
    expected = oracle()
    for how in ({}, {"creation": {"compress": "zstd", "blocksize": 128}}):
        assert_same(run(driver="COG", **how), expected)
        with rasterio.open("out.tif") as made:
            assert made.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    run(driver="COG", validity="mask")
    with rasterio.open("out.tif") as made:
        np.testing.assert_array_equal(made.dataset_mask(), expected.validity * 255)
    assert {path.name for path in folder.iterdir()} == {"source.tif", "grid.tif", "out.tif", "valid.tif"}


@pytest.mark.parametrize("compress", ["deflate", "LZW", "zstd"])
@pytest.mark.parametrize(("dtype", "expected"), [("uint8", "2"), ("int16", "2"), ("float32", "3"), ("float64", "3")])
def test_a_predictor_is_chosen_where_none_is_named(folder, compress, dtype, expected):
    def predictor(**creation):
        found = run(creation={"compress": compress, **creation}, dtype=dtype)
        assert_same(found, oracle(dtype=dtype))
        with rasterio.open("out.tif") as made:
            return made.tags(ns="IMAGE_STRUCTURE").get("PREDICTOR")

    assert predictor() == expected
    assert predictor(PREDICTOR=1) is None


@pytest.mark.parametrize("driver", ["GTiff", "gtiff", "COG", "cog"])
@pytest.mark.parametrize(("dtype", "expected"), [("uint16", "2"), ("float32", "3")])
def test_a_predictor_is_chosen_for_every_way_to_name_the_driver(folder, driver, dtype, expected):
    run(creation={"compress": "deflate"}, dtype=dtype, driver=driver)
    with rasterio.open("out.tif") as made:
        assert made.tags(ns="IMAGE_STRUCTURE").get("PREDICTOR") == expected


LOSSLESS_JP2 = {"REVERSIBLE": "YES", "QUALITY": 100}
LOSSY = [
    {"output": "out.jp2", "nodata_out": 0},
    {"output": "out.jp2", "nodata_out": 0, "creation": {**LOSSLESS_JP2, "QUALITY": 99}},
    {"output": "out.jp2", "validity": "alpha"},
    {"output": "out.jpg", "nodata_out": 0},
    {"driver": "COG", "creation": {"compress": "JPEG"}, "nodata_out": 0},
    {"driver": "COG", "creation": {"compress": "WEBP"}, "nodata_out": 0},
    {"driver": "COG", "creation": {"compress": "LERC", "max_z_error": 3}, "nodata_out": 0},
    {"creation": {"compress": "JPEG"}, "nodata_out": 0},
    {"creation": {"compress": "JPEG"}, "validity": "alpha"},
    {"creation": {"compress": "WEBP"}, "nodata_out": 0},
    {"creation": {"compress": "LERC", "max_z_error": 3}, "nodata_out": 255},
    {"creation": {"nbits": 4}, "nodata_out": 255},
]
EXACT = [
    {"output": "out.jp2", "nodata_out": 0, "creation": LOSSLESS_JP2},
    {"output": "out.jp2", "validity": "alpha", "creation": LOSSLESS_JP2},
    {"output": "out.jp2", "nodata_out": 0, "validity": "mask"},
    {"output": "out.jpg", "validity": "alpha"},
    {"output": "out.png", "nodata_out": 0},
    {"driver": "COG", "creation": {"compress": "JPEG"}, "validity": "alpha"},
    {"driver": "COG", "creation": {"compress": "WEBP"}, "validity": "alpha"},
    {"driver": "COG", "creation": {"compress": "JPEG"}, "validity": "mask", "nodata_out": 0},
    {"creation": {"compress": "WEBP"}, "validity": "alpha"},
    {"creation": {"compress": "WEBP", "webp_lossless": "yes"}, "nodata_out": 0},
    {"creation": {"compress": "LERC"}, "nodata_out": 0},
    {"creation": {"discard_lsb": 3}, "nodata_out": 0},
    {"creation": {"compress": "deflate"}, "nodata_out": -1, "dtype": "int64"},
    {"creation": {"compress": "deflate"}, "nodata_out": np.nan, "dtype": "float32"},
]


@pytest.fixture
def bright(folder):
    """A source of uint8 that has no 0."""
    source = np.maximum(source_of("uint8"), 1)
    write("source.tif", source)
    return source


def skip_unless_gdal_has(how):
    """Skip where GDAL is built without what stores this."""
    compress = how.get("creation", {}).get("compress", "").upper()
    with rasterio.Env() as env, rasterio.MemoryFile() as memory:
        if how.get("output") == "out.jp2" and "JP2OpenJPEG" not in env.drivers():
            pytest.skip("no JPEG 2000")
        try:
            memory.open(
                driver="GTiff", count=3, height=16, width=16, dtype="uint8", compress=compress or "none"
            ).close()
        except rasterio.errors.RasterioError:
            pytest.skip(f"no {compress}")


@pytest.mark.parametrize("how", LOSSY, ids=map(str, range(len(LOSSY))))
def test_storage_that_loses_which_pixels_are_invalid_is_refused(bright, folder, how):
    skip_unless_gdal_has(how)
    before = snapshot(folder)
    with pytest.raises(GpumaskError, match="^creation: expected storage that keeps invalid pixels invalid") as caught:
        run(**{"validity": None, **how})
    assert ("reversible=yes and quality=100" in str(caught.value)) == (how.get("output") == "out.jp2")
    assert snapshot(folder) == before
    if how.get("validity") is None:
        run(**how, validity="valid.tif")
        np.testing.assert_array_equal(read("valid.tif")[0], oracle(bright).validity)


@pytest.mark.parametrize("how", EXACT, ids=map(str, range(len(EXACT))))
def test_storage_that_keeps_which_pixels_are_invalid_is_taken_lossy_or_not(bright, how):
    skip_unless_gdal_has(how)
    run(**{"validity": None, "interp": "nearest", **how})
    with rasterio.open(how.get("output", "out.tif")) as made:
        np.testing.assert_array_equal(made.read_masks(1), oracle(bright, interp="nearest").validity * 255)


def test_overviews_of_a_cog_mix_nothing_invalid_in_unless_that_is_asked_for(folder):
    write("source.tif", np.full((1, 61, 53), 200, np.uint8))

    def overview(**how):
        run(driver="COG", interp="nearest", resolution=(99, 97), validity=None, **how)
        with rasterio.open("out.tif", overview_level=0) as made:
            return set(np.unique(made.read()))

    assert overview() == overview(nodata_out=0) == {0, 200}
    for option in ("overview_resampling", "RESAMPLING"):
        assert len(overview(creation={option: "average"})) > 2


def test_no_word_of_a_mask_or_an_overview_that_does_not_say_where_it_lies(folder):
    write("source.tif", source_of(), **PLACE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for driver in ("GTiff", "COG"):
            run(driver=driver, validity="mask", resolution=(99, 97))


def test_what_the_source_says_of_its_bands_comes_along(folder):
    with rasterio.open("source.tif", "r+") as source:
        source.descriptions, source.units = ("red", "green", None), ("m", None, "K")
        source.scales, source.offsets = (2, 1, 0.5), (0, -3, 7)
        source.update_tags(MISSION="a satellite", AREA_OR_POINT="Point")
        source.update_tags(1, STATISTICS_MEAN="120", WAVELENGTH="0.66")
        source.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
    for how in ({}, {"driver": "COG"}, {"validity": "mask"}):
        run(bands=[3, 1], **how)
        with rasterio.open("out.tif") as made:
            assert made.descriptions == (None, "red")
            assert [unit or "" for unit in made.units] == ["K", "m"]
            assert (made.scales, made.offsets) == ((0.5, 2), (7, 0))
            assert made.tags()["MISSION"] == "a satellite"
            assert made.tags(2)["WAVELENGTH"] == "0.66"
            assert "STATISTICS_MEAN" not in made.tags(2)
            assert made.colorinterp == (ColorInterp.blue, ColorInterp.red)
    run(bands=[3, 2, 1], validity="alpha")
    with rasterio.open("out.tif") as made:
        assert [kind.name for kind in made.colorinterp] == ["blue", "green", "red", "alpha"]
        assert (made.scales, made.offsets) == ((0.5, 1, 2, 1), (7, -3, 0, 0))


@pytest.fixture
def palette(folder):
    """A source of classes with a table of colours."""
    classes = (source_of("uint8", 1) // 60).astype(np.uint8)
    table = {0: (0, 0, 0, 255), 1: (255, 0, 0, 255), 2: (0, 9, 0, 255), 3: (1, 2, 3, 255), 4: (7, 7, 7, 255)}
    write("source.tif", classes, photometric="palette")
    with rasterio.open("source.tif", "r+") as source:
        source.write_colormap(1, table)
    return classes, table


def test_a_table_of_colours_comes_along_where_values_are_as_they_were(palette):
    classes, table = palette
    for how in ({}, {"driver": "COG"}, {"validity": "mask"}):
        run(interp="nearest", **how)
        with rasterio.open("out.tif") as made:
            assert made.colorinterp == (ColorInterp.palette,)
            assert table.items() <= made.colormap(1).items()
    for how in ({"interp": "linear"}, {"interp": "nearest", "dtype": "int16"}):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "interp: linear makes values between classes")
            run(**how)
        with rasterio.open("out.tif") as made:
            assert made.colorinterp != (ColorInterp.palette,)
    assert_same(run(interp="nearest"), oracle(classes, interp="nearest"))


@pytest.mark.parametrize("how", [{"dtype": "float32"}, {"bands": [1, 1]}])
def test_a_table_of_colours_is_left_where_the_output_has_no_place_for_it(palette, how):
    classes, _ = palette
    image, _, _ = run(interp="nearest", **how)
    np.testing.assert_array_equal(image[0], oracle(classes, interp="nearest").image[0])


# What is told.


@pytest.mark.parametrize("creation", [{}, {"compress": "deflate"}, {"sparse_ok": True}], ids=str)
@pytest.mark.parametrize("resume", [False, True])
def test_a_strip_of_more_than_two_thousand_rows_is_whole(tmp_path, creation, resume):
    write(tmp_path / "source.tif", np.ones((1, 4, 4), np.uint8))
    write(tmp_path / "column.tif", np.array([[[0.0], [3.0]], [[0.0], [3.0]]]))
    done = resample_file(
        tmp_path / "source.tif", tmp_path / "column.tif", tmp_path / "out.tif",
        interp="linear", resolution=(3000, 1), creation=creation, resume=resume,
    )  # fmt: skip
    assert done.valid == 3001
    assert (read(tmp_path / "out.tif") == 1).all()


def test_the_summary_counts_what_is_valid_and_what_has_no_place_in_the_source(folder, backend):
    # Steps of 1.5 and 2.25 pixels; no coordinate lies less than a pixel beyond the source's first and last ones.
    row, col = np.meshgrid(-13.5 + 1.5 * 6 * np.arange(11), -11 + 2.25 * 4 * np.arange(9), indexing="ij")
    row[7, 3] = np.nan
    write("grid.tif", np.stack([row, col]))
    write("mask.tif", holes())
    y, x = np.mgrid[0:61, 0:33]
    rows, cols = -13.5 + 1.5 * y, -11 + 2.25 * x
    outside = (rows < 0) | (rows > 60) | (cols < 0) | (cols > 52)
    outside |= (abs(y - 7 * 6) < 6) & (abs(x - 3 * 4) < 4)  # no place at all
    for coordinate, last in ((rows, 60), (cols, 52)):
        assert not (((coordinate > -1) & (coordinate < 0)) | ((coordinate > last) & (coordinate < last + 1))).any()
    for how in ({}, {"tile_shape": (10, 7)}, {"window": (2, 3, 50, 29), "tile_shape": (9, 50)}):
        _, validity, done = run(mask="mask.tif", resolution=(6, 4), backend=backend, **how)
        part = Window(*how["window"]).slices if "window" in how else (slice(None), slice(None))
        assert done.pixels == validity.size
        assert done.valid == validity.sum() > 0
        assert done.outside == outside[part].sum()
        assert not validity[outside[part]].any()
        assert done.valid + done.outside < done.pixels  # the mask has its share
        assert done.backend == backend
        assert set(done.seconds) == {"read", "compute", "write", "all"}
        assert all(seconds >= 0 for seconds in done.seconds.values())


def test_the_seconds_are_those_of_the_whole_call(folder, monkeypatch):
    clock, to_cog = [0.0], creation.to_cog

    def slow(*how):
        clock[0] += 100
        to_cog(*how)

    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    monkeypatch.setattr(creation, "to_cog", slow)
    assert run(driver="COG")[2].seconds["all"] == 100


def test_an_output_all_outside_is_told_apart_from_one_that_masks_leave_nothing_of(folder, caplog):
    write("none.tif", np.zeros((61, 53), np.uint8))
    write("outside.tif", nodes() + 1000)
    run(mask="none.tif")
    run(grid="outside.tif")
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == [
        "no pixel is valid, as masks leave none",
        "no pixel is valid, as no coordinate of a node that counts lies in the source",
    ]


def test_what_has_no_place_does_not_depend_on_the_tiles(folder, monkeypatch):
    for interp in ("nearest", "cubic"):
        expected = run(interp=interp, tile_shape=(50, 43))[2]
        assert expected.tiles == 1 and expected.outside > 0
        for tile in ((1, 43), (9, 4), (3, 3)):
            found = run(interp=interp, tile_shape=tile)[2]
            assert (found.outside, found.valid) == (expected.outside, expected.valid)
            assert found.tiles == -(-50 // tile[0]) * -(-43 // tile[1])


@pytest.mark.parametrize("how", [{}, {"tile_shape": (7, 9)}, {"window": (1, 2, 30, 20), "tile_shape": (30, 3)}])
def test_progress_grows_to_the_total(folder, how):
    calls = []
    done = run(progress=lambda *call: calls.append(call), **how)[2]
    at, totals = zip(*calls, strict=True)
    assert set(totals) == {done.pixels} and at[-1] == done.pixels
    assert list(at) == sorted(set(at)) and len(at) == done.tiles


# What is refused.


def snapshot(folder):
    return {path.name: path.is_dir() or path.read_bytes() for path in folder.iterdir()}


def test_an_output_that_is_there_is_replaced_only_where_that_is_asked_for(folder):
    Path("out.tif").write_text("precious")
    Path("valid.tif").write_text("precious too")
    before = snapshot(folder)
    for how in ({}, {"output": "new.tif"}):
        name = "output" if not how else "validity"
        with pytest.raises(GpumaskError, match=f"^{name}: expected a file that does not exist, or overwrite"):
            run(overwrite=False, **how)
        assert snapshot(folder) == before
    assert_same(run(overwrite=True), oracle())


def test_an_output_that_is_an_input_is_refused(folder):
    for name in ("mask", "counts", "quality", "like"):
        shape = {"counts": (8, 8), "like": SHAPE}.get(name, (61, 53))
        write(f"{name}.tif", np.ones(shape, np.uint8))
    Path("link.tif").symlink_to("source.tif")
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open("source.tif", "r+") as source:
        source.write_mask(holes())
    before = snapshot(folder)
    inputs = {
        "mask": ["auto", "mask.tif"], "grid_mask": "counts.tif", "like": "like.tif",
        "quality": {"qa": "quality.tif"}, "keep": [rule("qa", 1)],
    }  # fmt: skip
    names = ("source", "grid", "mask", "counts", "quality", "like", "link")
    for path in [*(f"{name}.tif" for name in names), "source.tif.msk"]:
        for role in ({"output": path}, {"validity": path}):
            with pytest.raises(GpumaskError, match=f"^{next(iter(role))}: expected a file that is no input"):
                run(**inputs, **role)
            assert snapshot(folder) == before
    with rasterio.open("source.tif") as opened, pytest.raises(GpumaskError, match="^output: .* source reads"):
        run(opened, output="link.tif")
    rasterio.shutil.copy("source.tif", "source.vrt", driver="VRT")
    before = snapshot(folder)
    with pytest.raises(GpumaskError, match="^output: .* source reads"):
        run("source.vrt", output="source.tif")
    assert snapshot(folder) == before


def test_what_a_vrt_of_a_vrt_reads_is_an_input(folder):
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open("source.tif", "r+") as source:
        source.write_mask(holes())
    rasterio.shutil.copy("source.tif", "inner.vrt", driver="VRT")
    Path("outer.vrt").write_text(Path("inner.vrt").read_text().replace("source.tif", "inner.vrt"))
    before = snapshot(folder)
    for path in ("outer.vrt", "inner.vrt", "source.tif", "source.tif.msk"):
        with pytest.raises(GpumaskError, match="^output: expected a file that is no input; .* source reads"):
            run("outer.vrt", output=path)
        assert snapshot(folder) == before


def test_files_that_image_and_validity_would_share_are_refused(folder):
    before = snapshot(folder)
    with pytest.raises(GpumaskError, match="^validity: expected files other than .*out.hdr"):
        run(output="out.dat", driver="ENVI", validity="out.bil")
    assert snapshot(folder) == before


@pytest.mark.parametrize("name", ["out.tfw", "out.tifw", "out.wld", "out.TFW"])
def test_a_world_file_of_another_image_does_not_place_the_output(folder, name):
    write("grid.tif", nodes())
    Path(name).write_text("3\n0\n0\n-3\n100\n200\n")
    with pytest.raises(GpumaskError, match=f"^output: expected a file that does not exist, .*{name}"):
        run(overwrite=False)
    run()
    with rasterio.open("out.tif") as image:
        assert image.transform.is_identity
    assert not Path(name).exists()


def test_an_output_that_appears_during_a_run_is_kept(folder):
    with pytest.raises(GpumaskError, match="out.tif: expected no file to appear meanwhile, or overwrite"):
        run(overwrite=False, progress=lambda *_: Path("out.tif").write_text("precious"))
    assert Path("out.tif").read_text() == "precious" and not Path("valid.tif").exists()


@pytest.mark.parametrize("name", ["out.tif", "out.tif.aux.xml", "out.wld"])
def test_a_file_that_appears_meanwhile_is_replaced_only_where_that_is_asked_for(tmp_path, name):
    for overwrite in (False, True):
        stop = contextlib.nullcontext() if overwrite else pytest.raises(GpumaskError, match=f"meanwhile, .*{name}$")
        with stop, outputs.whole_files(tmp_path / "out.tif", overwrite=overwrite) as (draft,):
            write(draft, np.ones((1, 2, 2), np.uint8))
            (tmp_path / name).write_text("precious")
        assert [path.name for path in tmp_path.iterdir()] == ["out.tif" if overwrite else name]
        assert overwrite or (tmp_path / name).read_text() == "precious"
    assert read(tmp_path / "out.tif").all()


def test_an_input_beside_the_output_is_not_taken_for_a_part_of_it(folder):
    """A .msk file with the output's name is no leftover where it is an input."""
    write("out.tif.msk", holes())
    before = snapshot(folder)
    with contextlib.suppress(GpumaskError):
        run(mask="out.tif.msk")
    assert snapshot(folder)["out.tif.msk"] == before["out.tif.msk"]


WRONG = [
    ("source", {"source": "nothing.tif"}),
    ("source", {"source": 5}),
    ("source", {"source": source_of()}),
    ("source", {"source": "text.tif"}),
    ("grid", {"grid": "nothing.tif"}),
    ("grid", {"grid": nodes()}),
    ("grid_bands", {"grid_bands": (1, 3)}),
    ("grid_bands", {"grid_bands": (0, 1)}),
    ("grid_bands", {"grid_bands": (1, 1)}),
    ("grid_bands", {"grid_bands": (1,)}),
    ("grid_bands", {"grid_bands": 1}),
    ("grid_bands", {"grid_bands": ("1", "2")}),
    ("output", {"output": "nowhere/out.tif"}),
    ("output", {"output": "."}),
    ("output", {"output": "out.what"}),
    ("output", {"output": None}),
    ("output", {"output": 5}),
    ("interp", {"interp": "lanczos"}),
    ("bands", {"bands": [4]}),
    ("bands", {"bands": [0]}),
    ("bands", {"bands": []}),
    ("bands", {"bands": 1}),
    ("bands", {"bands": ["1"]}),
    ("bands", {"bands": [1.5]}),
    ("resolution", {"resolution": (0, 1)}),
    ("resolution", {"resolution": 7}),
    ("resolution", {"resolution": (2.5, 3)}),
    ("grid_nodata", {"grid_nodata": "x"}),
    ("grid_mask", {"grid_mask": "source.tif"}),
    ("grid_mask", {"grid_mask": ("counts.tif", 2)}),
    ("grid_mask", {"grid_mask": ("counts.tif", 1, 300)}),
    ("grid_mask", {"grid_mask": ("counts.tif", "1")}),
    ("grid_mask", {"grid_mask": "nothing.tif"}),
    ("grid_mask", {"grid_mask": ["counts.tif"]}),
    ("mask", {"mask": "grid.tif"}),
    ("mask", {"mask": ("mask.tif", 2)}),
    ("mask", {"mask": ("mask.tif", 1, 256)}),
    ("mask", {"mask": ("mask.tif", 1, "x")}),
    ("mask", {"mask": ("mask.tif", 1, 1, 1)}),
    ("mask", {"mask": ["auto", "nothing.tif"]}),
    ("mask", {"mask": 5}),
    ("mask", {"mask": holes()}),
    ("source_nodata", {"source_nodata": 70_000}),
    ("source_nodata", {"source_nodata": "x"}),
    ("source_nodata", {"source_nodata": np.nan}),
    ("keep", {"keep": [rule("qa", 1)]}),
    ("quality", {"quality": {"qa": "mask.tif"}}),
    ("grow", {"grow": [("dilation", 1)]}),
    ("keep", {"keep": 5, "quality": {"qa": "mask.tif"}}),
    ("quality", {"keep": [rule("qa", 1)], "quality": {"other": "mask.tif"}}),
    ("quality", {"keep": [rule("qa", 1)], "quality": "mask.tif"}),
    ("quality", {"keep": [rule("qa", 1)], "quality": {"qa": "odd.tif"}}),
    ("quality", {"keep": [rule("qa", 1)], "quality": {"qa": ("mask.tif", 2)}}),
    ("grow", {"keep": [rule("qa", 1)], "quality": {"qa": "mask.tif"}, "grow": [("melting", 1)]}),
    ("nodata_out", {"nodata_out": -1}),
    ("nodata_out", {"nodata_out": 0.5}),
    ("nodata_out", {"nodata_out": "x"}),
    ("dtype", {"dtype": "complex64"}),
    ("dtype", {"dtype": "bool"}),
    ("dtype", {"dtype": "float16"}),
    ("dtype", {"dtype": "colour"}),
    ("dtype", {"dtype": 5}),
    ("dtype", {"output": "out.jpg"}),
    ("dtype", {"driver": "JPEG", "dtype": "int8"}),
    ("compute_dtype", {"compute_dtype": "float16"}),
    ("window", {"window": (0, 0, 51, 3)}),
    ("window", {"window": (-1, 0, 3, 3)}),
    ("window", {"window": (0, 0, 0, 3)}),
    ("window", {"window": (0, 0, 3)}),
    ("window", {"window": 5}),
    ("window", {"window": (0, 0, 2.5, 3)}),
    ("like", {"like": "source.tif"}),
    ("like", {"like": "nothing.tif"}),
    ("driver", {"driver": "NoSuchFormat"}),
    ("driver", {"driver": 5}),
    ("creation", {"creation": {"compres": "deflate"}}),
    ("creation", {"creation": {"compress": "nothing"}}),
    ("creation", {"creation": {"compres": "deflate"}, "driver": "COG"}),
    ("creation", {"creation": {"compress": "nothing"}, "driver": "COG"}),
    ("creation", {"creation": {"blocksize": 7}, "driver": "COG"}),
    ("creation", {"creation": {"blocksize": "abc"}, "driver": "COG"}),
    ("creation", {"creation": {"tiled": True, "blockxsize": 40, "blockysize": 40}}),
    ("creation", {"creation": {"tiled": True, "blockxsize": "abc"}}),
    ("creation", {"creation": {"blockysize": -16}}),
    ("creation", {"creation": {"compress": "jpeg"}, "dtype": "float32"}),
    ("creation", {"creation": {"compress": "jpeg"}, "dtype": "float32", "driver": "COG"}),
    ("creation", {"creation": {"compress": "webp"}, "bands": [1]}),
    ("creation", {"creation": {"count": 5}}),
    ("creation", {"creation": {"width": 300}}),
    ("creation", {"creation": {"nodata": 3}}),
    ("creation", {"creation": {"dtype": "float64"}}),
    ("creation", {"creation": {"driver": "PNG"}}),
    ("creation", {"creation": "compress=deflate"}),
    ("validity", {"validity": "nowhere/valid.tif"}),
    ("validity", {"validity": "out.tif"}),
    ("validity", {"validity": "valid.jpg"}),
    ("validity", {"validity": 5}),
    ("tile_shape", {"tile_shape": (0, 8)}),
    ("tile_shape", {"tile_shape": (8,)}),
    ("tile_shape", {"tile_shape": 8}),
    ("tile_shape", {"tile_shape": (2.5, 8)}),
    ("max_memory", {"max_memory": "1MB"}),
    ("max_memory", {"max_memory": "much"}),
    (
        "max_memory",
        {
            "keep": [rule("qa", 1)],
            "quality": {"qa": "mask.tif"},
            "max_memory": "64MiB",
            "grow": [("dilation", 2000), ("erosion", 2000)],
        },
    ),
    ("devices", {"devices": [0]}),
    ("devices", {"devices": 0}),
    ("backend", {"backend": "tpu"}),
    ("progress", {"progress": 1}),
]


@pytest.mark.parametrize(("name", "wrong"), WRONG, ids=[f"{name}-{number}" for number, (name, _) in enumerate(WRONG)])
def test_what_cannot_be_right_is_refused_by_name_and_leaves_everything_as_it_was(folder, monkeypatch, name, wrong):
    write("mask.tif", holes(value=1))
    write("counts.tif", np.ones((8, 8), np.uint8))
    write("odd.tif", np.ones((60, 53), np.uint8))
    Path("text.tif").write_text("no raster")
    before = snapshot(folder)
    written = []
    monkeypatch.setattr("gpumask.files.writing.output.OutputFile.write", lambda *_: written.append(1))
    arguments = {"source": "source.tif", "grid": "grid.tif", "output": "out.tif", "resolution": RESOLUTION}
    with pytest.raises(GpumaskError) as caught:
        resample_file(**{**arguments, "backend": "numpy", **wrong})
    assert name in str(caught.value).partition(":")[0].split(", ")
    assert not written
    assert snapshot(folder) == before


@pytest.mark.parametrize(("name", "wrong"), WRONG[-9:], ids=[str(number) for number in range(9)])
def test_what_is_refused_leaves_nothing_to_resume(folder, name, wrong):
    before = snapshot(folder)
    with pytest.raises(GpumaskError):
        run(resume=True, **{"keep": None, **wrong})
    assert snapshot(folder) == before


@pytest.mark.parametrize("how", [{"output": "out.png", "dtype": "float32"}, {"driver": "VRT"}, {"output": "out.bmp"}])
def test_a_format_that_has_no_place_for_the_result_is_an_error_of_ours(folder, how):
    before = snapshot(folder)
    with pytest.raises(GpumaskError):
        run(**how)
    assert snapshot(folder) == before


def test_a_complex_source_is_refused(folder):
    write("source.tif", source_of().astype("complex64"))
    with pytest.raises(GpumaskError, match="^bands: expected a real dtype"):
        run()


def test_a_failure_in_the_middle_leaves_what_was_there(folder):
    run()
    before = snapshot(folder)

    def stop(done, total):
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tile_shape=(10, 10), progress=stop)
    assert snapshot(folder) == before
    data = bytearray(before["source.tif"])
    Path("source.tif").write_bytes(data[: len(data) // 2])
    damaged = snapshot(folder)
    with pytest.raises(GpumaskError, match=r"^source: source.tif, rows \d+ to \d+, columns \d+ to \d+: "):
        run(tile_shape=(10, 10))
    assert snapshot(folder) == damaged
