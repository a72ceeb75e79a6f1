"""Seeded rasters that declare masks in all combinations, against values and validities worked out with NumPy."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from declared_scenes import VrtBand, exactly, store, store_internal, store_msk, store_vrt
from exhaustive import draws

from gpumask import resample_file

SHAPE, CASES, GROUPS = (6, 7), 320, 8
DTYPES = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")
KINDS = ("GTiff", "VRT", "COG", "ENVI")
FLOATS = {
    "float32": ["-3.4028235e+38", "3.4028235e+38", "0.1", "-9999"],
    "float64": ["-1.7976931348623157e+308", "0.1"],
}


class Scene(NamedTuple):
    """A raster that was written; its colours, and where each of them is valid: (band, row, col)."""

    path: Path
    colours: np.ndarray
    valid: np.ndarray


def nodata_of(rng: np.random.Generator, dtype: str, kind: str) -> Any:
    """Return a nodata value, as a text, that a raster of some kind can declare."""
    if dtype in FLOATS:
        return str(rng.choice(FLOATS[dtype]))
    info = np.iinfo(dtype)
    wide = info.bits == 64
    if wide and kind == "ENVI":  # whose header is read as float64
        return "7"
    odd = [2**53 + 1] if wide else []
    return str([7, int(info.min), int(info.max), *odd][rng.integers(3 + len(odd))])


def held(nodata: str, dtype: str) -> Any:
    """Return a nodata value in its band's dtype."""
    return np.dtype(dtype).type(float(nodata) if dtype in FLOATS else int(nodata))


def scene(rng: np.random.Generator, folder: Path) -> Scene:
    """Write a raster that declares at random, and say by hand where it is valid."""
    kind, dtype, count = str(rng.choice(KINDS)), str(rng.choice(DTYPES)), int(rng.integers(1, 4))
    dtype = "uint8" if dtype == "int8" and kind == "ENVI" else dtype
    has = dict(zip(("nodata", "mask", "msk", "alpha", "nan"), rng.random(5) < 0.5, strict=True))
    colours = rng.integers(0, 101, (count, *SHAPE)).astype(dtype)
    holes = rng.random((4, *SHAPE)) < 0.06
    valid = np.ones((count, *SHAPE), bool)
    texts: list[Any] = [None] * count
    if has["nodata"]:
        each = [nodata_of(rng, dtype, kind) for _ in range(count if kind == "VRT" else 1)]
        texts = each if kind == "VRT" else each * count
        for band, text in zip(colours, texts, strict=True):
            band[rng.random(SHAPE) < 0.06] = held(text, dtype)
        valid &= np.stack([band != held(text, dtype) for band, text in zip(colours, texts, strict=True)])
    if has["nan"] and dtype in FLOATS:
        colours[0][holes[3]] = np.nan
        valid &= ~np.isnan(colours)
    alpha = (count + 1,) if has["alpha"] and kind != "ENVI" else ()
    most = 1 if dtype in FLOATS else np.iinfo(dtype).max
    bands = np.concatenate([colours, np.where(holes[0], 0, most).astype(dtype)[None]]) if alpha else colours
    path = folder / ("source.img" if kind == "ENVI" else "source.vrt" if kind == "VRT" else "source.tif")
    masked = has["mask"] and kind != "ENVI"
    if kind == "VRT":
        plain = store(folder / "plain.tif", bands)
        mask = store(folder / "mask.tif", np.where(holes[1], 0, 255).astype(np.uint8)) if masked else None
        made = [VrtBand(plain, k + 1, dtype, text) for k, text in enumerate(texts)]
        made += [VrtBand(plain, band, dtype, None, True) for band in alpha]
        store_vrt(path, SHAPE, made, mask)
    else:
        exactly(
            folder / "whole.tif" if kind == "COG" else path,
            bands,
            texts[0],
            "ENVI" if kind == "ENVI" else "GTiff",
            alpha,
        )
        if masked:
            store_internal(folder / "whole.tif" if kind == "COG" else path, ~holes[1])
        if kind == "COG":
            rasterio.shutil.copy(folder / "whole.tif", path, driver="COG")
            with rasterio.open(path) as cog:  # GDAL's driver keeps no mask beside a nodata value or alpha
                masked = "per_dataset" in str(cog.mask_flag_enums[0]) and "alpha" not in str(cog.mask_flag_enums[0])
    if has["msk"]:
        store_msk(path, ~holes[2], len(bands))
    for declared, hole in ((bool(alpha), holes[0]), (masked, holes[1]), (has["msk"], holes[2])):
        valid &= ~(hole & declared)
    return Scene(path, colours, valid)


def expected(scene: Scene, interp: str, by: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the colours and the validity where both coordinates are `by` more than the output's own."""
    together, dtype = scene.valid.all(axis=0), scene.colours.dtype
    if interp == "nearest":
        return scene.colours[:, 1:, 1:], together[1:, 1:]
    pixels = np.where(scene.valid, scene.colours, 0).astype(np.float64)
    mean = (pixels[:, :-1, :-1] + pixels[:, 1:, :-1] + pixels[:, :-1, 1:] + pixels[:, 1:, 1:]) / 4
    valid = together[:-1, :-1] & together[1:, :-1] & together[:-1, 1:] & together[1:, 1:]
    return (mean if dtype.kind == "f" else np.rint(mean)).astype(dtype), valid


@pytest.mark.parametrize("group", draws(GROUPS))
def test_all_that_is_declared_counts_in_every_combination(tmp_path, group, monkeypatch):
    monkeypatch.setenv("GDAL_PAM_ENABLED", "YES")
    differ = []
    for seed in range(group, CASES, GROUPS):
        rng, folder = np.random.default_rng(seed), tmp_path / str(seed)
        folder.mkdir()
        made = scene(rng, folder)
        interp, by = (("linear", 0.5), ("nearest", 1.0))[seed // GROUPS % 2]
        rows, cols = SHAPE[0] - 1, SHAPE[1] - 1
        grid = np.mgrid[0:rows, 0:cols] + by
        image, valid = expected(made, interp, by)
        resample_file(
            made.path, store(folder / "grid.tif", grid), folder / "out.tif", interp=interp, nodata_out=99,
            bands=range(1, len(made.colours) + 1), validity=folder / "valid.tif", backend=("numpy", "native")[seed % 2],
        )  # fmt: skip
        with rasterio.open(folder / "out.tif") as out, rasterio.open(folder / "valid.tif") as told:
            same = (out.read() == np.where(valid, image, 99)).all() and (told.read(1) == valid).all()
        if not same:
            differ.append((seed, made.path.name))
    assert not differ, f"{len(differ)} of {CASES // GROUPS} differ: {differ}"
