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
from file_runs import (
    DEFLATE,
    RESOLUTION,
    SHAPE,
    TILED,
    ZSTD,
    assert_same,
    holes,
    nodes,
    oracle,
    rule,
    run,
    snapshot,
    source_of,
)
from rasterio.enums import ColorInterp
from rasterio.transform import Affine

import gpumask
from gpumask import GpumaskError, Window, resample_file
from gpumask.files.tiles import run as chain

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")


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


# What is valid.


def test_a_quality_band_of_another_size_is_refused_with_both(folder):
    place = {"crs": "EPSG:32631", "transform": Affine(10, 0, 0, 0, -10, 0)}
    write("source.tif", source_of(), **place)
    write("quality.tif", np.ones((60, 50), np.uint8), **place)
    with pytest.raises(GpumaskError, match=r"^quality: .* 61 x 53 pixels of .*; got 60 x 50 pixels"):
        run(keep=[rule("qa", 1)], quality={"qa": "quality.tif"})


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


# What is refused.


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
