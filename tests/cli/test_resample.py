"""The command resample, with `gpumask.resample` in memory as the oracle."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from command_runs import COMMAND, RESOLUTION, resampled
from commands import fails, read, run, write
from rasterio.transform import Affine

import gpumask

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")

SHAPE = (21, 26)  # of the output: 6 x 6 nodes


def oracle(files, *, bands=(0, 1, 2), valid=None, grid=None, **how):
    row, col = read(files / "grid.tif")
    grid = {"row": row, "col": col, "resolution": RESOLUTION, **(grid or {})}
    source = read(files / "source.tif")[list(bands)]
    return gpumask.resample(source, gpumask.Grid(**grid), source_valid=valid, backend="numpy", **how)


def same(found, expected):
    np.testing.assert_array_equal(found[0], expected.image)
    np.testing.assert_array_equal(found[1], expected.validity)
    assert 0 < expected.validity.mean() < 1


def test_files_hold_what_resample_returns(files, backend):
    expected = oracle(files)
    image, validity = resampled(files, backend=backend)
    np.testing.assert_array_equal(validity, expected.validity)
    np.testing.assert_allclose(image, expected.image, atol=1)
    assert image.shape == (3, *SHAPE) and image.dtype == np.uint16


@pytest.mark.parametrize("interp", ["nearest", "linear", "cubic"])
def test_interp(files, interp):
    same(resampled(files, "--interp", interp), oracle(files, interp=interp))


@pytest.mark.parametrize("options", [("--bands", "3,1"), ("-b", "3", "-b", "1")])
def test_bands(files, options):
    same(resampled(files, *options), oracle(files, bands=(2, 0)))


def test_without_a_resolution_every_output_pixel_is_a_node(files):
    same(resampled(files, resolution=()), oracle(files, grid={"resolution": (1, 1)}))


def test_mask_is_valid_where_it_is_not_zero_or_where_it_has_a_value(files):
    mask = read(files / "mask.tif")
    same(resampled(files, "--mask", files / "mask.tif"), oracle(files, valid=mask[0]))
    same(resampled(files, "--mask", f"{files}/mask.tif:2", "--mask-valid", 7), oracle(files, valid=mask[1] == 7))


def test_grid_mask_counts_where_it_is_not_zero_or_where_it_has_a_value(files):
    counts = read(files / "nodes.tif")[0]
    same(resampled(files, "--grid-mask", files / "nodes.tif"), oracle(files, grid={"mask": counts}))
    options = ("--grid-mask", f"{files}/nodes.tif:1", "--grid-mask-valid", 3)
    same(resampled(files, *options), oracle(files, grid={"mask": counts == 3}))


def test_nodes_with_the_grids_nodata_do_not_count(files):
    nodes = read(files / "grid.tif")
    nodes[:, 2, 3] = -5
    expected = oracle(files, grid={"row": nodes[0], "col": nodes[1], "nodata": -5})
    write(files / "grid.tif", nodes, nodata=-5)
    same(resampled(files), expected)
    write(files / "grid.tif", nodes)
    same(resampled(files, "--grid-nodata", -5), expected)
    assert (resampled(files)[1] != expected.validity).any()


def test_grid_bands(files):
    row, col = read(files / "grid.tif")
    expected = oracle(files)
    write(files / "grid.tif", np.stack([col, col, row]))
    same(resampled(files, "--grid-bands", 3, 1), expected)


def test_the_pixel_convention_corner_takes_half_a_pixel_off(files):
    row, col = read(files / "grid.tif")
    same(resampled(files, "--pixel-convention", "corner"), oracle(files, grid={"row": row - 0.5, "col": col - 0.5}))


def test_dtype_nodata_and_compute_dtype(files):
    found = resampled(files, "--dtype", "float32", "--nodata", "nan", "--compute-dtype", "float32")
    same(found, oracle(files, dtype="float32", nodata_out=None, compute_dtype="float32"))
    assert found[0].dtype == np.float32
    with rasterio.open(files / "out.tif") as image:
        assert np.isnan(image.nodata)


def test_window_is_a_part_of_the_whole(files):
    image, validity = resampled(files)
    part, part_validity = resampled(files, "--window", 3, 5, 10, 12)
    np.testing.assert_array_equal(part, image[:, 3:13, 5:17])
    np.testing.assert_array_equal(part_validity, validity[3:13, 5:17])


def test_result_does_not_depend_on_tile_size(files):
    whole, tiled = resampled(files), resampled(files, "--tile", 7, 9)
    assert all((a == b).all() for a, b in zip(whole, tiled, strict=True))


def test_output_lies_where_the_grid_does(files):
    resampled(files)
    with rasterio.open(files / "out.tif") as image, rasterio.open(files / "grid.tif") as grid:
        assert image.crs == grid.crs
        for node in ((0, 0), (3, 2), (5, 5)):
            np.testing.assert_allclose(image.xy(node[0] * RESOLUTION[0], node[1] * RESOLUTION[1]), grid.xy(*node))
        whole = image.transform
    resampled(files, "--window", 3, 5, 10, 12)
    for name in ("out.tif", "valid.tif"):
        with rasterio.open(files / name) as part:
            np.testing.assert_allclose(part.transform, whole @ Affine.translation(5, 3), atol=1e-9)


def test_no_place_is_made_up(files):
    write(files / "grid.tif", read(files / "grid.tif"))
    resampled(files)
    with rasterio.open(files / "out.tif") as image:
        assert image.crs is None and image.transform == Affine.identity()


def test_source_nodata_is_invalid_unless_ignored(files):
    source = read(files / "source.tif")
    source[1, 10:14, 20:23] = 9
    valid = (source != 9).all(axis=0)
    write(files / "source.tif", source, nodata=9)
    same(resampled(files), oracle(files, valid=valid, nodata_out=9))
    same(resampled(files, "--ignore-nodata"), oracle(files, nodata_out=9))
    mask = read(files / "mask.tif")[0]
    same(resampled(files, "--mask", files / "mask.tif"), oracle(files, valid=valid & (mask != 0), nodata_out=9))
    same(resampled(files, "-b", 1), oracle(files, bands=[0], valid=source[0] != 9, nodata_out=9))


def test_source_mask_and_alpha_are_invalid_unless_ignored(files):
    source, hole = read(files / "source.tif"), np.ones((40, 50), bool)
    hole[15:18, 22:25] = False
    with rasterio.open(files / "source.tif", "r+") as dataset:
        dataset.write_mask(hole)
    same(resampled(files), oracle(files, valid=hole))
    same(resampled(files, "--ignore-nodata"), oracle(files))
    (files / "source.tif.msk").unlink(missing_ok=True)
    alpha = (hole * 65535).astype(np.uint16)
    write(files / "source.tif", np.concatenate([source, alpha[None]]), photometric="rgb", alpha="yes")
    same(resampled(files, "-b", "1,2,3"), oracle(files, valid=hole))


def test_nan_is_invalid_even_if_nodata_is_ignored(files):
    source = read(files / "source.tif").astype(np.float32)
    source[2, 12, 20] = np.nan
    write(files / "source.tif", source)
    same(resampled(files, "--ignore-nodata"), oracle(files))
    assert np.isfinite(read(files / "out.tif")).all()


def test_output_declares_nodata_only_where_someone_chose_it(files):
    def declared(*options):
        resampled(files, *options)
        with rasterio.open(files / "out.tif") as image:
            return image.nodata

    assert declared() is None
    assert declared("--nodata", 3) == 3
    write(files / "source.tif", read(files / "source.tif"), nodata=700)
    assert declared() == 700
    assert declared("--dtype", "uint8") is None


def test_creation_options_and_descriptions(files):
    with rasterio.open(files / "source.tif", "r+") as source:
        source.descriptions = ("red", None, "blue")
    resampled(files, "--co", "COMPRESS=DEFLATE", "--co", "predictor=2")
    with rasterio.open(files / "out.tif") as image:
        assert image.compression.name == "deflate"
        assert image.descriptions == ("red", None, "blue")


def test_large_outputs_are_tiled(files):
    resampled(files, resolution=(128, 128))
    with rasterio.open(files / "out.tif") as image:
        assert image.block_shapes[0] == (512, 512)
    resampled(files, "--co", "TILED=NO", resolution=(128, 128))
    with rasterio.open(files / "out.tif") as image:
        assert image.block_shapes[0][1] == image.width


def test_the_name_chooses_the_format(files):
    expected = oracle(files, dtype="uint8")
    options = ("--resolution", *RESOLUTION, "--dtype", "uint8", "--backend", "numpy", "--quiet")
    run("resample", files / "source.tif", files / "grid.tif", files / "out.png", *options)
    with rasterio.open(files / "out.png") as image:
        assert image.driver == "PNG"
        np.testing.assert_array_equal(image.read(), expected.image)
    assert (files / "out.png.aux.xml").exists()  # what GDAL writes beside it came along


def test_summary_is_one_line_and_quiet_is_none(files):
    paths = (files / "source.tif", files / "grid.tif", files / "out.tif")
    words = ("resample", *paths, "--nodata", "0", "--backend", "numpy")
    line = run(*words).output
    assert line.count("\n") == 1
    assert "out.tif: 36 pixels, " in line and " % valid, " in line and line.endswith("numpy\n")
    assert run(*words, "--quiet").output == run(*words, "-q").output == ""


def test_the_summary_tells_how_long_compiling_took_where_anything_was_compiled(files, tmp_path):
    if not any(gpumask.backends.native.shutil.which(name) for name in ("g++", "clang++", "c++")):
        pytest.skip("no C++ compiler")
    environment = {**os.environ, "GPUMASK_CACHE_DIR": str(tmp_path / "cache")}
    words = [*COMMAND, "resample", "source.tif", "grid.tif", "out.tif", "--nodata", "0", "--backend", "native"]
    first, second = (
        subprocess.run([*words, *more], cwd=files, env=environment, capture_output=True, text=True, check=True).stdout
        for more in ([], ["--overwrite"])
    )
    assert re.search(r", compiling took \d+\.\d\d s, native\n$", first)
    assert "compiling" not in second and second.endswith(" native\n")


def test_an_output_that_hides_its_invalid_pixels_is_warned_of(files):
    words = ("resample", files / "source.tif", files / "grid.tif", files / "out.tif", "--backend", "numpy")
    told = run(*words).stderr
    assert "which pixels are invalid" in told and "--nodata" in told and "--validity" in told
    assert run(*words, "--validity", files / "valid.tif").stderr == ""


def test_an_output_with_no_valid_pixel_is_warned_of(files):
    words = ("resample", files / "source.tif", files / "grid.tif", files / "out.tif", "--backend", "numpy")
    assert "no pixel is valid" in run(*words, "--mask", files / "mask.tif", "--mask-valid", "77", code=3).stderr


def test_nodata_of_the_grid_is_looked_for_before_the_corner_convention_shifts_it(files):
    y, x = np.mgrid[0:8, 0:8] + 0.5
    with rasterio.open(files / "corner.tif", "w", driver="GTiff", height=8, width=8, count=2, dtype="float64") as grid:
        grid.write(np.stack([y, x]))
    options = ("--pixel-convention", "corner", "--interp", "nearest", "--grid-nodata", "0", "--backend", "numpy")
    done = run("resample", files / "source.tif", files / "corner.tif", files / "out.tif", *options)
    assert " 100 % valid" in done.output


def test_one_band_for_rows_and_columns_is_refused(files, monkeypatch):
    monkeypatch.chdir(files)
    line = fails("resample", "source.tif", "grid.tif", "out.tif", "--grid-bands", "1", "1")
    assert line.startswith("gpumask: --grid-bands: expected another band")


def test_scales_offsets_and_units_come_along(files):
    with rasterio.open(files / "source.tif", "r+") as source:
        source.scales, source.offsets, source.units = (2e-5, 1, 3), (-0.1, 0, 0), ("m", "", "K")
    resampled(files, "--bands", "3,1")
    with rasterio.open(files / "out.tif") as image:
        assert (image.scales, image.offsets) == ((3, 2e-5), (0, -0.1))
        assert [unit or "" for unit in image.units] == ["K", "m"]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (["--bands", "4"], "--bands"),
        (["--grid-bands", "1", "3"], "--grid-bands"),
        (["--mask", "grid.tif"], "--mask"),
        (["--mask", "mask.tif:5"], "--mask"),
        (["--mask", "mask.tif", "--mask-valid", "300"], "--mask"),
        (["--mask", "mask.tif", "--mask-valid", "nan"], "--mask"),
        (["--mask", "nothing.tif"], "--mask"),
        (["--grid-mask", "mask.tif"], "--grid-mask"),
        (["--nodata", "70000"], "--nodata"),
        (["--nodata", "0.5"], "--nodata"),
        (["--window", "0", "0", "7", "6"], "--window"),
        (["--window", "-1", "0", "2", "2"], "--window"),
        (["--co", "COMPRES=DEFLATE"], "--co"),
        (["--co", "COMPRESS=NOTHING"], "--co"),
        (["--validity", "out.tif"], "--validity"),
        (["--validity", "mask.tif", "--mask", "mask.tif"], "--validity"),
        (["--validity", "nowhere/valid.tif"], "--validity"),
    ],
)
def test_failure_is_one_line_that_names_the_argument(files, monkeypatch, options, name):
    monkeypatch.chdir(files)
    before = sorted(files.iterdir())
    line = fails("resample", "source.tif", "grid.tif", "out.tif", "--backend", "numpy", *options)
    assert line.startswith(f"gpumask: {name}: ")
    assert sorted(files.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["nothing.tif", "grid.tif", "out.tif"], "SOURCE"),
        (["source.tif", "nothing.tif", "out.tif"], "GRID"),
        (["source.tif", "grid.tif", "nowhere/out.tif"], "OUTPUT"),
        (["source.tif", "grid.tif", "."], "OUTPUT"),
        (["source.tif", "grid.tif", "source.tif"], "OUTPUT"),
        (["source.tif", "grid.tif", "link.tif"], "OUTPUT"),
        (["source.tif", "grid.tif", "out.what"], "OUTPUT"),
    ],
)
def test_paths_that_cannot_be_right_are_refused_before_any_work(files, monkeypatch, words, name):
    monkeypatch.chdir(files)
    Path("link.tif").symlink_to("grid.tif")
    before = {path: path.read_bytes() for path in files.iterdir()}
    assert fails("resample", *words, "--backend", "numpy").startswith(f"gpumask: {name}: ")
    assert {path: path.read_bytes() for path in files.iterdir()} == before


def test_an_unavailable_backend_says_what_is_missing(files):
    try:
        gpumask.backends.get("cuda")
        pytest.skip("cuda works here")
    except gpumask.BackendError:
        pass
    words = (files / "source.tif", files / "grid.tif", files / "out.tif", "--backend", "cuda")
    assert "cuda backend: expected" in fails("resample", *words)
    assert not (files / "out.tif").exists()


def test_an_output_that_is_there_is_refused_in_the_words_of_the_command_line(files):
    resampled(files)
    line = fails("resample", files / "source.tif", files / "grid.tif", files / "out.tif", "--backend", "numpy")
    assert line.startswith("gpumask: OUTPUT: ") and "--overwrite" in line


def test_a_failure_leaves_the_file_that_was_there(files, monkeypatch):
    resampled(files)
    before = {path: path.read_bytes() for path in files.iterdir()}

    def stop(done, total):
        raise OSError("enough")

    monkeypatch.setattr("gpumask.cli.resample.progress_bar", lambda *_: __import__("contextlib").nullcontext(stop))
    words = (files / "source.tif", files / "grid.tif", files / "out.tif", "--validity", files / "valid.tif")
    assert fails("resample", *words, "--backend", "numpy", "--overwrite") == "gpumask: enough\n"
    assert {path: path.read_bytes() for path in files.iterdir()} == before


def test_what_lay_beside_an_old_output_goes_with_it(files):
    (files / "out.tif.ovr").touch()
    resampled(files)
    assert not (files / "out.tif.ovr").exists()


@pytest.fixture
def long_run(files):
    """A run of `gpumask resample` in another process, caught in the middle of its work; its folder had no out.tif."""
    words = ["resample", "source.tif", "grid.tif", "out.tif", "--resolution", "600", "600", "--tile", "16", "16"]
    before = sorted(files.iterdir())
    process = subprocess.Popen([*COMMAND, *words, "--backend", "numpy"], cwd=files, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(files.glob(".gpumask-*/out.tif")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    yield process, before
    process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(files, long_run, number):
    process, before = long_run
    process.send_signal(number)
    assert process.communicate(timeout=60)[1].splitlines() == ["gpumask: interrupted"]
    assert process.returncode == 1
    assert sorted(files.iterdir()) == before


def test_a_killed_run_leaves_nothing_under_the_name(files, long_run):
    process, _ = long_run
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert not (files / "out.tif").exists()


@pytest.mark.parametrize("creation", [[], ["--co", "COMPRESS=DEFLATE"], ["--co", "TILED=NO"]])
def test_a_full_disk_is_an_error_and_leaves_nothing(files, creation):
    before = sorted(files.iterdir())
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY)); "
    words = [
        "resample",
        "source.tif",
        "grid.tif",
        "out.tif",
        "--resolution",
        "128",
        "128",
        "--backend",
        "numpy",
        *creation,
    ]
    command = [*COMMAND[:2], limited + COMMAND[2], *words]
    done = subprocess.run(command, cwd=files, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("gpumask: ")
    assert sorted(files.iterdir()) == before


def test_sparse_files_are_whole(files):
    write(files / "grid.tif", np.full((2, 6, 6), -100.0))
    words = ("--resolution", 128, 128, "--co", "SPARSE_OK=TRUE", "--backend", "numpy")
    run("resample", files / "source.tif", files / "grid.tif", files / "out.tif", *words, code=3)
    assert not read(files / "out.tif").any()
