"""Outputs are there when they are whole, and nothing else is touched."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from commands import read, write
from file_runs import assert_same, holes, nodes, oracle, run, snapshot

from gpumask import GpumaskError
from gpumask.files.writing import whole as outputs

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")


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
