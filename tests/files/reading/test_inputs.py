"""What a call reads: no output may replace it."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from commands import write
from file_runs import SHAPE, holes, rule, run, snapshot

from gpumask import GpumaskError

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")


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
