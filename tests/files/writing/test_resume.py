"""Runs from file to file that are interrupted or fail: what is left, and what the next run makes of it.

`PYTHONPATH=.:tests/support python tests/files/writing/test_resume.py 50` interrupts 50 runs at random moments.
"""

import contextlib
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
import weakref
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from commands import fails, read, run, write
from exhaustive import few_of

from gpumask import GpumaskError, backends, resample_file
from gpumask.files.tiles import run as chain
from gpumask.files.writing import creation
from gpumask.files.writing import whole as outputs
from gpumask.files.writing.output import OutputFile

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")

HOW = {"resolution": (20, 20), "tile_shape": (16, 16), "backend": "numpy"}
TILES = 49  # 101 x 101 pixels in tiles of 16 x 16
KINDS = {
    "image": {},
    "file": {"validity": "valid.tif"},
    "shares": {"validity": "valid.tif", "validity_kind": "share"},
    "mask": {"validity": "mask"},
    "alpha": {"validity": "alpha"},
    "deflate": {"validity": "mask", "creation": {"compress": "deflate"}},
    "deflated-file": {"validity": "valid.tif", "creation": {"compress": "deflate"}},
    "blocks": {"validity": "alpha", "creation": {"tiled": "yes", "blockxsize": 16, "blockysize": 16}},
    "cog": {"validity": "mask", "driver": "COG"},
}
of_every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
JOURNAL = ".gpumask-out.tif/.finished.json"


class Stop(Exception):
    """What tests raise in the middle of a run."""


def make_inputs(folder):
    rng = np.random.default_rng(1)
    write(folder / "source.tif", rng.integers(1, 60_000, (3, 40, 50), np.uint16))
    write(folder / "mask.tif", rng.choice(np.array([0, 1, 7], np.uint8), (2, 40, 50), p=[0.02, 0.1, 0.88]))
    row, col = np.meshgrid(np.linspace(-1, 38, 6), np.linspace(1, 50, 6), indexing="ij")
    write(folder / "grid.tif", np.stack([row + 0.02 * col, col - 0.05 * row]))


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder, the current one, with a source of three bands, two masks in a file, and a grid."""
    monkeypatch.chdir(tmp_path)
    make_inputs(tmp_path)
    return tmp_path


def go(progress=None, **options):
    given = {"source": "source.tif", "grid": "grid.tif", "output": "out.tif", "mask": "mask.tif"}
    return resample_file(**{**given, **HOW, **options}, progress=progress)


def contents():
    """What is under the outputs' names; the outputs go."""
    found = [read("out.tif"), read("valid.tif") if os.path.exists("valid.tif") else None]
    with rasterio.open("out.tif") as image:
        found += [image.dataset_mask(), image.profile["dtype"], image.nodata, image.compression]
        found += [image.crs, image.transform]
    for name in ("out.tif", "valid.tif"):
        Path(name).unlink(missing_ok=True)
    return found


def uninterrupted(**options):
    go(**options)
    return contents()


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def after(calls, error=Stop):
    """A progress callback that raises at its last call."""
    count = itertools.count(1)

    def progress(done, total):
        if next(count) == calls:
            raise error

    return progress


def interrupt(calls=20, error=Stop, **options):
    """Have a run with resume=True fail in the middle; return how many tiles it has finished."""
    with pytest.raises(error):
        go(after(calls, error), **{**options, "resume": True})
    return len(json.loads(Path(JOURNAL).read_text())["tiles"])


def resumed(**options):
    """Do the rest with resume=True; return how many tiles that took."""
    calls = []
    done = go(lambda *call: calls.append(call), **options, resume=True)
    assert calls == sorted(set(calls))
    assert calls[-1][0] == calls[-1][1] == done.pixels
    assert not list(Path().glob(".gpumask-*"))
    return len(calls)


@of_every_kind
@pytest.mark.parametrize("error", [Stop, KeyboardInterrupt])
def test_the_next_run_does_the_tiles_that_are_missing(files, kind, error):
    expected, before = uninterrupted(**kind), sorted(files.iterdir())
    finished = interrupt(20, error, **kind)
    left = {f".gpumask-{name}" for name in ("out.tif", kind.get("validity")) if name not in (None, "mask", "alpha")}
    assert sorted(files.iterdir()) == sorted([*before, *(files / name for name in left)])
    assert 20 <= finished < 30
    assert resumed(**kind) == TILES - finished
    assert_same(contents(), expected)
    assert sorted(files.iterdir()) == before


@of_every_kind
def test_a_run_interrupted_many_times_ends_right(files, monkeypatch, kind):
    monkeypatch.setattr("gpumask.files.writing.resume._EVERY", 0)
    expected, finished = uninterrupted(**kind), [0]
    while finished[-1] + 5 + 4 < TILES:
        finished.append(interrupt(5, **kind))
    assert finished == sorted(set(finished))
    assert resumed(**kind) == TILES - finished[-1]
    assert_same(contents(), expected)


def test_backends_go_on_from_each_other(files, backend):
    expected, finished = uninterrupted(), interrupt()
    assert resumed(backend=backend) == TILES - finished
    assert_same(contents(), expected)


def test_the_command_line_goes_on(files):
    expected = uninterrupted(validity="valid.tif")
    words = ("resample", "source.tif", "grid.tif", "out.tif", "--mask", "mask.tif", "--resolution", 20, 20, "--tile",
             16, 16, "--backend", "numpy", "--validity", "valid.tif", "--resume")  # fmt: skip
    stop = contextlib.nullcontext(after(9, KeyboardInterrupt))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gpumask.cli.resample.progress_bar", lambda *_: stop)
        line = fails(*words)
        assert line == "gpumask: interrupted: finished tiles are kept, and the same command continues from them\n"
    assert not Path("out.tif").exists() and Path(".gpumask-out.tif").exists()
    assert " 49 tiles, " in run(*words).output
    assert_same(contents(), expected)
    assert not list(files.glob(".gpumask-*"))


@pytest.mark.parametrize("threads", ["1", "16"])
def test_tiles_of_another_shape_are_not_counted_twice(files, monkeypatch, threads):
    monkeypatch.setenv("GPUMASK_NUM_THREADS", "4")  # which is what the tiles' shape depends on
    options = {"resolution": (120, 120), "tile_shape": None, "creation": {"tiled": "no"}, "backend": "native"}
    options["backend"] = "native" if shutil.which("g++") else pytest.skip("no C++ compiler")
    expected = uninterrupted(**options)
    interrupt(2, **options)
    monkeypatch.setenv("GPUMASK_NUM_THREADS", threads)
    calls = []
    done = go(lambda *call: calls.append(call), **options, resume=True)
    assert done.pixels == 601 * 601
    assert all(pixels <= total for pixels, total in calls)
    assert_same(contents(), expected)


# What the first run is asked for, and what the second.
OTHER_JOBS = {
    "interp": ({"interp": "nearest"}, {}),
    "dtype": ({}, {"dtype": "float32"}),
    "bands": ({}, {"bands": (2,)}),
    "order of bands": ({}, {"bands": (3, 2, 1)}),
    "window": ({}, {"window": (0, 0, 50, 60)}),
    "window moved": ({"window": (0, 0, 50, 60)}, {"window": (3, 4, 50, 60)}),
    "nodata": ({}, {"nodata_out": 7}),
    "compression": ({}, {"creation": {"compress": "deflate"}}),
    "driver": ({"driver": "COG"}, {}),
    "like": ({}, {"like": "place.tif"}),
    "validity": ({"validity": "valid.tif"}, {"validity": "mask"}),
    "validity no more": ({"validity": "valid.tif"}, {}),
    "alpha": ({"validity": "alpha"}, {}),
    "resolution": ({"resolution": (10, 10)}, {}),
    "corner": ({"pixel_convention": "corner"}, {}),
    "columns first": ({"grid_bands": (2, 1)}, {}),
    "mask's value": ({"mask": ("mask.tif", 1, 7)}, {"mask": ("mask.tif", 1, 1)}),
    "mask's band": ({"mask": ("mask.tif", 1)}, {"mask": ("mask.tif", 2)}),
    "own mask": ({"mask": ["auto", "own.tif"]}, {"mask": ["own.tif"]}),
    "grid mask's value": ({"grid_mask": ("nodes.tif", 1, 1)}, {"grid_mask": ("nodes.tif", 1, 2)}),
    "quality's band": ({"keep": [{"band": "q", "values": [7]}], "quality": {"q": ("mask.tif", 1)}},
                       {"keep": [{"band": "q", "values": [7]}], "quality": {"q": ("mask.tif", 2)}}),
    "quality's name": ({"keep": [{"band": "q", "values": [7]}], "quality": {"q": "mask.tif", "p": ("mask.tif", 2)}},
                       {"keep": [{"band": "q", "values": [7]}], "quality": {"p": "mask.tif", "q": ("mask.tif", 2)}}),
}  # fmt: skip


@pytest.mark.parametrize(("first", "second"), OTHER_JOBS.values(), ids=OTHER_JOBS)
def test_another_job_begins_anew(files, first, second):
    with rasterio.open("source.tif") as source:
        image = source.read()
    write(files / "source.tif", image, nodata=int(image[0, 20, 20]))
    write(files / "own.tif", np.ones((40, 50), np.uint8))
    write(files / "nodes.tif", np.repeat(np.arange(6, dtype=np.uint8)[None], 6, axis=0) // 3 + 1)
    rows, cols = (50, 60) if "window" in second else (101, 101)
    write(files / "place.tif", np.ones((rows, cols), np.uint8), crs="EPSG:32631")
    both = {"interp": "nearest", "mask": ["auto", "mask.tif"]}
    first, second = {**both, **({"interp": "linear"} if "interp" in first else {}), **first}, {**both, **second}
    first["interp"] = "linear" if first == second else first["interp"]
    expected = uninterrupted(**second)
    interrupt(12, **first)
    go(**second, resume=True)
    assert_same(contents(), expected)
    assert not list(files.glob(".gpumask-*"))


def test_tiles_of_another_job_are_not_dropped_without_a_word(files, caplog):
    caplog.set_level("WARNING", "gpumask")
    finished = interrupt()
    go(interp="nearest", resume=True, nodata_out=0)
    assert [record.getMessage() for record in caplog.records] == [
        f"resume: begins anew, as the {finished} tiles kept there belong to another job"
    ]


def test_it_is_said_how_many_tiles_are_there_already(files, caplog):
    finished = interrupt()
    caplog.set_level("INFO", "gpumask")
    resumed()
    assert f"resume: goes on from {finished} tiles" in caplog.messages


@pytest.mark.parametrize("changed", ["source.tif", "grid.tif", "mask.tif"])
def test_an_input_that_has_changed_is_another_job(files, changed):
    interrupt()
    values = read(changed)
    write(files / changed, values[:, ::-1] if changed != "grid.tif" else values + 1)
    expected = uninterrupted()
    assert resumed() == TILES
    assert_same(contents(), expected)


def test_an_input_that_was_touched_is_another_job(files):
    expected, _ = uninterrupted(), interrupt()
    os.utime("source.tif", (1, 1))
    assert resumed() == TILES
    assert_same(contents(), expected)


def test_a_file_behind_two_vrts_that_has_changed_is_another_job(files):
    rasterio.shutil.copy("source.tif", "inner.vrt", driver="VRT")
    Path("outer.vrt").write_text(Path("inner.vrt").read_text().replace("source.tif", "inner.vrt"))
    interrupt(source="outer.vrt")
    write(files / "source.tif", read("source.tif")[:, ::-1])
    expected = uninterrupted()
    assert resumed(source="outer.vrt") == TILES
    assert_same(contents(), expected)


def test_numpy_numbers_are_those_of_python(files):
    expected, finished = uninterrupted(mask=("mask.tif", 2, 7)), interrupt(mask=("mask.tif", 2, 7))
    assert resumed(mask=("mask.tif", np.int64(2), np.uint8(7))) == TILES - finished
    assert_same(contents(), expected)


JOURNALS = {
    "empty": b"",
    "no text": b"\xff\xfe\x00",
    "no JSON": b"{{{",
    "a list": b"[]",
    "nothing": b"null",
    "a number": b"3",
    "an empty mapping": b"{}",
    "another job": b'{"job": 1, "tiles": [[0, 0, 16, 16, 0, 0, 256, 0, 1]]}',
}


@pytest.mark.parametrize("text", JOURNALS.values(), ids=JOURNALS)
def test_a_journal_of_something_else_is_no_journal(files, text):
    expected, _ = uninterrupted(), interrupt()
    Path(JOURNAL).write_bytes(text)
    assert resumed() == TILES
    assert_same(contents(), expected)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_journal_that_ends_too_early_is_no_journal(files, share):
    expected, _ = uninterrupted(), interrupt()
    text = Path(JOURNAL).read_text()
    Path(JOURNAL).write_text(text[: int(share * len(text))])
    assert resumed() == TILES
    assert_same(contents(), expected)


TILE_LISTS = {
    "none": lambda _: None,
    "too few numbers": lambda _: [[1, 2]],
    "words": lambda _: [["a", "b", 16, 16, 0, 0, 256, 0, 1]],
    "beyond the image": lambda _: [[1000, 1000, 16, 16, 1000, 1000, 256, 0, 1]],
    "wrong checksums": lambda tiles: [[*tile[:8], tile[8] ^ 1] for tile in tiles],
    "other places": lambda tiles: [[*tile[:4], tile[4] + 1, *tile[5:]] for tile in tiles],
    "fewer": lambda tiles: tiles[::2],
    "twice": lambda tiles: [*tiles, *tiles],
}


@pytest.mark.parametrize("change", TILE_LISTS.values(), ids=TILE_LISTS)
def test_a_journal_that_is_wrong_of_tiles_changes_no_pixel(files, change):
    expected, _ = uninterrupted(), interrupt()
    journal = json.loads(Path(JOURNAL).read_text())
    Path(JOURNAL).write_text(json.dumps({**journal, "tiles": change(journal["tiles"])}))
    resumed()
    assert_same(contents(), expected)


def truncated(share):
    return lambda data: data[: int(share * len(data))]


def overwritten(first, last):
    return lambda data: data[: int(first * len(data))] + b"\x55" * 1000 + data[int(last * len(data)) :]


DAMAGE = {
    **{f"cut at {share}": truncated(share) for share in (0.02, 0.3, 0.7, 0.99)},
    "empty": truncated(0),
    "other bytes": lambda data: b"garbage" * 1000,
    "blocks overwritten": overwritten(0.4, 0.5),
    "blocks zero": lambda data: data[: len(data) // 2] + bytes(len(data) - len(data) // 2),
}


@pytest.mark.parametrize("kind", ["image", "file", "deflate", "deflated-file", "blocks"])
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_draft_is_mended_or_made_anew(files, damage, kind):
    kind = KINDS[kind]
    expected, _ = uninterrupted(**kind), interrupt(**kind)
    name = kind.get("validity", "out.tif").replace("mask", "out.tif").replace("alpha", "out.tif")
    draft = Path(f".gpumask-{name}", name)
    draft.write_bytes(damage(draft.read_bytes()))
    resumed(**kind)
    assert_same(contents(), expected)


@pytest.mark.parametrize("name", ["out.tif", "valid.tif"])
def test_a_draft_that_is_gone_is_made_anew(files, name):
    kind = KINDS["file"]
    expected, _ = uninterrupted(**kind), interrupt(**kind)
    Path(f".gpumask-{name}", name).unlink()
    assert resumed(**kind) == TILES
    assert_same(contents(), expected)


@pytest.mark.parametrize("left", [".finished.json.draft", "out.tif.ovr.tmp"])
def test_what_a_killed_run_has_left_beside_a_draft_does_not_come_along(files, left):
    before = sorted([*files.iterdir(), files / "out.tif"])
    interrupt()
    Path(".gpumask-out.tif", left).write_text("half of")
    resumed()
    assert sorted(files.iterdir()) == before


def test_two_runs_at_once_for_one_output(files):
    expected = uninterrupted()
    code = f"{RUN}\ngo(lambda *_: (print(flush=True), sys.stdin.readline()), resume=True)"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT
    ) as first:
        first.stdout.readline()
        first.stdout.readline()
        for _ in range(2):
            with pytest.raises(GpumaskError, match="resume: another run is at work in .*gpumask-out.tif"):
                go(resume=True)
        first.communicate(b"\n" * TILES, timeout=60)
    assert first.returncode == 0
    assert_same(contents(), expected)
    assert not list(files.glob(".gpumask-*"))


def test_another_job_leaves_the_drafts_of_a_run_at_work(files):
    interrupt(validity="valid.tif")
    with pytest.raises(Stop), outputs.whole_files(files / "valid.tif", kept=True) as (draft,):
        go(resume=True)
        assert draft.exists() and read("out.tif").any()
        raise Stop


def test_another_job_removes_the_drafts_that_nobody_is_at_work_in(files):
    interrupt(validity="valid.tif")
    go(resume=True)
    assert not list(files.glob(".gpumask-*"))


def test_a_run_without_a_finished_tile_leaves_nothing(files):
    before = sorted(files.iterdir())
    with pytest.raises(GpumaskError, match="backend"):
        go(backend="tpu", validity="valid.tif", resume=True)
    assert sorted(files.iterdir()) == before


def test_the_room_that_drafts_have_is_not_asked_for_again(files, monkeypatch):
    expected, finished = uninterrupted(), interrupt(40)
    needed = 3 * 2 * 101 * 101
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, needed // 2))
    with pytest.raises(GpumaskError, match=rf"out.tif: expected room for {needed} bytes; got .* {needed // 2}$"):
        go()
    assert resumed() == TILES - finished
    assert_same(contents(), expected)


def test_what_is_read_back_is_no_more_than_a_block_or_a_tile(files, monkeypatch):
    shapes, read_back = set(), OutputFile.read
    monkeypatch.setattr(OutputFile, "read", lambda self, window: shapes.add(window.shape) or read_back(self, window))
    monkeypatch.setattr("gpumask.files.writing.resume._SIDE", 32)
    go(resume=True, creation={"tiled": "yes", "blockxsize": 16, "blockysize": 16})
    assert shapes == {(32, 32), (32, 5), (5, 32), (5, 5)}


def test_a_folder_that_another_run_takes_away_is_not_the_one_that_is_locked(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    lock, folder = fcntl.flock, tmp_path / ".gpumask-out.tif"
    monkeypatch.setattr(fcntl, "flock", lambda *args: (monkeypatch.undo(), folder.rmdir(), lock(*args)))
    with outputs.whole_files(tmp_path / "out.tif", kept=True) as (draft,):
        with (
            pytest.raises(GpumaskError, match="another run is at work"),
            outputs.whole_files(tmp_path / "out.tif", kept=True),
        ):
            pass
        write(draft, np.ones((1, 2, 2), np.uint8))
    assert [path.name for path in tmp_path.iterdir()] == ["out.tif"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"output": "out.png", "dtype": "uint8"}, "PNG"),
        ({"output": "out.jpg", "dtype": "uint8"}, "JPEG"),
        ({"creation": {"compress": "jpeg"}, "dtype": "uint8"}, "jpeg"),
        ({"creation": {"COMPRESS": "WEBP"}, "dtype": "uint8"}, "WEBP"),
        ({"validity": "valid.png"}, "PNG"),
    ],
)
def test_what_cannot_be_written_in_more_than_one_go_is_refused(files, options, said):
    before = sorted(files.iterdir())
    with pytest.raises(GpumaskError, match=f"^resume: expected .*; got .*{said}"):
        go(**options, resume=True)
    assert sorted(files.iterdir()) == before


@pytest.mark.parametrize("name", ["source", "grid", "mask"])
def test_datasets_in_memory_are_refused(files, name):
    before = sorted(files.iterdir())
    with rasterio.MemoryFile(Path(f"{name}.tif").read_bytes()) as memory, memory.open() as dataset:
        with pytest.raises(GpumaskError, match=f"^resume: expected files; got .*{name}"):
            go(**{name: dataset}, resume=True)
        go(**{name: dataset})
    assert sorted(files.iterdir()) == sorted([*before, files / "out.tif"])


# Interruptions at random moments.

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
RUN = """
import gpumask.files.writing.resume
from test_resume import *
warnings.simplefilter("ignore")
gpumask.files.writing.resume._EVERY = 0
print("begun", flush=True)
"""
MANY = {"resolution": (40, 40)}  # 169 tiles


def interrupted_run(number, delay, options):
    """Start a run in another process and send it a signal; return whether it was done, its code and its outputs."""
    code = f"{RUN}\ngo(lambda *_: print('tile', flush=True), **{options!r})\nprint('done', flush=True)"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT, text=True
    )
    process.stdout.readline()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(delay)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return "done" in out, process.returncode, out, err


def interrupt_until_done(rng, numbers, resume, kind, expected):
    """Interrupt runs of a job until one is done; return their signals, resume, whether tiles were written."""
    found, longest, outputs = [], 0.3, ["out.tif"] + ["valid.tif"] * (kind.get("validity") == "valid.tif")
    inputs = {path.name for path in Path().iterdir()}
    while True:
        number, before = next(numbers), set(Path().iterdir())
        done, code, out, err = interrupted_run(number, rng.uniform(0, longest), {**kind, **MANY, "resume": resume})
        if done:
            break
        found.append((number.name, resume, "tile" in out))
        assert code == -number, err
        if number == signal.SIGINT:
            assert err.rstrip().endswith("KeyboardInterrupt"), err
            assert resume or {path for path in Path().iterdir() if path.name.startswith(".")} <= before
        there = [place for place, name in enumerate(outputs) if os.path.exists(name)]
        for place in there:  # interrupted while they were put there, or after that: they are whole
            np.testing.assert_array_equal(read(outputs[place]), expected[place])
        if there:
            return found
        longest *= 1.1
    left = {path.name for path in Path().iterdir()} - inputs - set(outputs)
    assert not left if resume else all(name.startswith(".gpumask-") for name in left), left
    assert_same(contents(), expected)
    return found


def interruptions(count, seed=0):
    """Interrupt at least so many runs, of all kinds; yield what `interrupt_until_done` returns of each job."""
    rng, found = random.Random(seed), 0
    numbers = itertools.cycle([signal.SIGKILL, signal.SIGINT])
    kinds = itertools.cycle(["file", "cog", "deflate", "alpha", "deflated-file", "mask", "blocks"])
    for resume in itertools.cycle([True, True, False]):
        name = next(kinds)
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            make_inputs(Path(folder))
            expected = uninterrupted(**KINDS[name], **MANY)
            hits = interrupt_until_done(rng, numbers, resume, KINDS[name], expected)
        yield name, hits
        found += len(hits)
        if found >= count:
            return


@pytest.mark.parametrize("count", few_of([2, 8], [2]))
def test_runs_killed_at_random_moments_leave_nothing_half(files, count):
    hits = (in_tiles for _, found in interruptions(20 * count) for _, _, in_tiles in found)
    assert sum(itertools.islice(filter(None, hits), count)) == count


# Failures.


def open_descriptors():
    return sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else []


def no_threads():
    return not [thread.name for thread in threading.enumerate() if thread.name.startswith("gpumask-")]


@contextlib.contextmanager
def nothing_left(folder, resume=False):
    """Check that no file but what can be resumed, no thread and no open file is left of what fails in this block."""
    before, descriptors = sorted(folder.iterdir()), open_descriptors()
    yield
    assert no_threads()
    assert sorted(path for path in folder.iterdir() if not resume or not path.name.startswith(".gpumask-")) == before
    assert open_descriptors() == descriptors


class Failing:
    """A dataset that fails when it is read or written for the third time."""

    def __init__(self, dataset, method, error):
        self.dataset, self.method, self.error, self.calls = dataset, method, error, itertools.count(1)

    def __getattr__(self, name):
        return self._fail if name == self.method else getattr(self.dataset, name)

    def _fail(self, *args, **kwargs):
        if next(self.calls) > 2:
            raise self.error
        return getattr(self.dataset, self.method)(*args, **kwargs)


class Backend:
    """The numpy backend, but for some of its methods."""

    def __init__(self, **methods):
        self.methods, self.out_of_memory = methods, (DeviceIsFull,)

    def __getattr__(self, name):
        return self.methods.get(name) or getattr(backends.get("numpy"), name)


class DeviceIsFull(Exception):
    """What a backend raises where its device's memory is full."""


def of_backend(monkeypatch, **methods):
    monkeypatch.setattr(chain, "select_for_files", lambda _: Backend(**methods))


def raises(error):
    def function(*args, **kwargs):
        raise error

    return function


def read_fails(stack, monkeypatch):
    return {"source": Failing(stack.enter_context(rasterio.open("source.tif")), "read", OSError("no such sector"))}


def mask_fails(stack, monkeypatch):
    return {"mask": Failing(stack.enter_context(rasterio.open("mask.tif")), "read", ValueError("no such sector"))}


def write_fails(stack, monkeypatch):
    def output(image, *rest):
        return OutputFile(Failing(image, "write", OSError("no such sector")), *rest)

    monkeypatch.setattr(creation, "OutputFile", output)
    return {}


def worker_fails(stack, monkeypatch):
    of_backend(monkeypatch, run=raises(MemoryError("no more")))
    return {}


def progress_fails(stack, monkeypatch):
    return {"progress": after(5)}


def ctrl_c(stack, monkeypatch):
    return {"progress": after(5, KeyboardInterrupt)}


PLACE = r"rows \d+ to \d+, columns \d+ to \d+: no such sector"
FAILURES = [
    (read_fails, GpumaskError, f"^source: .*source.tif, {PLACE}$"),
    (mask_fails, GpumaskError, f"^mask: .*mask.tif, {PLACE}$"),
    (write_fails, GpumaskError, f"^(image|output): .*out.tif, {PLACE}$"),
    (worker_fails, MemoryError, "no more"),
    (progress_fails, Stop, None),
    (ctrl_c, KeyboardInterrupt, None),
]


@pytest.mark.parametrize(("failure", "error", "message"), FAILURES, ids=[each[0].__name__ for each in FAILURES])
@pytest.mark.parametrize("resume", [False, True])
def test_a_failure_is_told_once_and_leaves_no_thread_and_no_open_file(files, failure, error, message, resume):
    kind = KINDS["file"]
    expected = uninterrupted(**kind)
    with nothing_left(files, resume), pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        options = failure(stack, patch)
        with pytest.raises(error, match=message):
            go(**kind, **options, resume=resume)
        assert no_threads()
    go(**kind, resume=resume)
    assert not list(files.glob(".gpumask-*"))
    assert_same(contents(), expected)


@pytest.mark.parametrize("compress", ["none", "deflate"])
@pytest.mark.parametrize("name", ["source", "grid", "mask"])
def test_an_input_that_ends_too_early_is_named_with_the_window(files, name, compress):
    write(files / f"{name}.tif", read(f"{name}.tif"), compress=compress)
    size = os.path.getsize(f"{name}.tif")
    os.truncate(f"{name}.tif", size * 6 // 10)
    with (
        nothing_left(files),
        pytest.raises(GpumaskError, match=rf"{name}.*{name}.tif, rows \d+ to \d+, columns \d+ to"),
    ):
        go(validity="valid.tif")
    words = ("resample", "source.tif", "grid.tif", "out.tif", "--mask", "mask.tif", "--resolution", 20, 20)
    assert f"{name}.tif, rows " in fails(*words, "--backend", "numpy")


@pytest.mark.parametrize("name", ["source", "grid", "mask", "grid_mask", "like"])
def test_a_dataset_that_is_closed_is_refused_by_name(files, name):
    with rasterio.open("source.tif") as closed:
        pass
    with (
        nothing_left(files),
        pytest.raises(GpumaskError, match=f"^{name.replace('_', '.')}.*: expected an open dataset"),
    ):
        go(**{name: closed})


LIMITED = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
"""
LARGE = {"resolution": (100, 100), "tile_shape": (64, 64), "validity": "valid.tif"}  # 1.5 MB and 250 kB
STORED = {"plain": {}, "deflate": {"compress": "deflate"}, "strips": {"tiled": "no"}}


@pytest.mark.parametrize("creation", STORED.values(), ids=STORED)
@pytest.mark.parametrize("resume", [False, True])
def test_a_file_that_may_not_grow_is_one_error(files, creation, resume):
    before = sorted(files.iterdir())
    asked = {**LARGE, "creation": creation, "resume": resume}
    code = (
        f"{RUN}{LIMITED}\ntry: go(**{asked!r})\nexcept GpumaskError as e: print(e)\n"
        "else: print('none')\nassert no_threads()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT, timeout=60
    )
    begun, *error = done.stdout.splitlines()
    assert begun == "begun" and len(error) == 1 and str(files / "out.tif") in error[0], done.stdout
    assert resume or sorted(files.iterdir()) == before
    expected = uninterrupted(**{**asked, "resume": False})
    go(**asked)
    assert_same(contents(), expected)


@pytest.fixture
def disk(files):
    """A disk of 2 MB."""
    folder = files / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mount is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def leave(disk, size):
    """Fill a disk but for so many bytes."""
    (disk / "filler").write_bytes(bytes(2 * 1024 * 1024 - size))


@pytest.mark.parametrize("creation", STORED.values(), ids=STORED)
@pytest.mark.parametrize("size", [60_000, 500_000, 1_200_000])
def test_a_full_disk_is_an_error_and_leaves_nothing(disk, size, creation):
    leave(disk, size)
    asked = {**LARGE, "creation": creation, "output": "disk/out.tif", "validity": "disk/valid.tif"}
    with nothing_left(disk), pytest.raises(GpumaskError, match=rf"{disk}/(out|valid)\.tif.*(full|room for)"):
        go(**asked)


@pytest.mark.parametrize("name", ["out.png", "out.img"])
def test_a_full_disk_is_told_of_every_format(disk, name):
    leave(disk, 300_000)
    with nothing_left(disk), pytest.raises(GpumaskError, match=rf"^{disk}/{name}: not written to its end"):
        go(**{**LARGE, "output": f"disk/{name}", "validity": None})


@pytest.mark.parametrize("creation", STORED.values(), ids=STORED)
@pytest.mark.parametrize("every", [0, 5])
@pytest.mark.parametrize("size", [60_000, 500_000, 1_200_000])
def test_a_run_goes_on_when_the_disk_has_room_again(disk, monkeypatch, size, every, creation):
    monkeypatch.setattr("gpumask.files.writing.resume._EVERY", every)
    leave(disk, size)
    if not every and "compress" in creation:  # blocks that tiles fill: others are written again and again, further on
        creation = {**creation, "tiled": "yes", "blockxsize": 64, "blockysize": 64}
    asked = {**LARGE, "creation": creation, "output": "disk/out.tif", "validity": "disk/valid.tif"}
    with nothing_left(disk, resume=True), pytest.raises(GpumaskError, match=rf"{disk}/(out|valid)\.tif"):
        go(**asked, resume=True)
    (disk / "filler").unlink()
    go(**asked, resume=True)
    assert sorted(path.name for path in disk.iterdir()) == ["out.tif", "valid.tif"]
    go(**{**asked, "output": "out.tif", "validity": "valid.tif"})
    for name in ("out.tif", "valid.tif"):
        np.testing.assert_array_equal(read(disk / name), read(name))


# A device whose memory is full.

OUT_OF_MEMORY = {"validity": "valid.tif", "tile_shape": (48, 40), "nodata_out": 5}


@pytest.mark.parametrize("interp", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("most", [1, 7, 300])
@pytest.mark.parametrize("where", ["mirror", "run"])
def test_a_tile_that_is_too_large_for_the_device_is_cut_and_changes_nothing(files, monkeypatch, where, most, interp):
    options = {**OUT_OF_MEMORY, "interp": interp, "grid_mask": "nodes.tif"}
    if most < 100:
        options["resolution"] = (4, 4)  # fewer pixels
    write(files / "nodes.tif", np.where(np.arange(36).reshape(6, 6) == 15, 0, 1).astype(np.uint8))
    expected, failed = uninterrupted(**options), []

    def mirror(array):
        if array.shape[-2] * array.shape[-1] > most:
            failed.append(array.shape)
            raise DeviceIsFull
        return array

    def computed(kernel, shape, *args, **defines):
        if kernel == "resample" and shape[0] * shape[1] > most:
            failed.append(shape)
            raise DeviceIsFull
        backends.get("numpy").run(kernel, shape, *args, **defines)

    of_backend(monkeypatch, **({"mirror": mirror} if where == "mirror" else {"run": computed}))
    go(**options)
    assert failed
    assert 0.1 < (expected[1] != 0).mean() < 0.95
    assert_same(contents(), expected)


def test_a_device_without_memory_for_a_pixel_is_an_error(files, monkeypatch):
    with nothing_left(files):
        of_backend(monkeypatch, mirror=raises(DeviceIsFull("0 bytes free")))
        with pytest.raises(GpumaskError, match="^max_memory: .* single pixel: 0 bytes free"):
            go(**OUT_OF_MEMORY)


def test_what_did_not_fit_is_let_go_before_less_is_tried(files, monkeypatch):
    expected, held = uninterrupted(**OUT_OF_MEMORY), []
    whole = 48 * 40 * 7

    def mirror(array):
        if sum(held) + array.nbytes > whole:
            raise DeviceIsFull("no memory is left")
        held.append(array.nbytes)
        made = np.empty_like(array)
        weakref.finalize(made, held.remove, array.nbytes)
        return made

    def computed(kernel, shape, *args, **defines):
        if shape[0] * shape[1] > 1000 and kernel == "resample":
            raise DeviceIsFull
        backends.get("numpy").run(kernel, shape, *args, **defines)

    def fetch(*mirrors):
        for mirror, array in mirrors:
            np.copyto(array, mirror)

    of_backend(monkeypatch, mirror=mirror, run=computed, fetch=fetch)
    go(**OUT_OF_MEMORY)
    assert_same(contents(), expected)


def test_nodes_that_are_too_many_for_the_device_change_nothing(files, monkeypatch):
    row, col = np.meshgrid(np.linspace(-1, 38, 51), np.linspace(1, 50, 51), indexing="ij")
    write(files / "grid.tif", np.stack([row, col]))
    options = {**OUT_OF_MEMORY, "resolution": (2, 2), "tile_shape": (16, 16)}
    expected = uninterrupted(**options)

    def asarray(array):
        if array.size > 1000:
            raise DeviceIsFull("no memory for all nodes")
        return array

    of_backend(monkeypatch, asarray=asarray)
    go(**options)
    assert_same(contents(), expected)


def tell(count, seed=0):
    """Interrupt runs, and print what that did."""
    warnings.simplefilter("ignore")
    start, found = time.monotonic(), []
    for name, hits in interruptions(count, seed):
        found += hits
        print(name, *(f"{number}{'' if in_tiles else ' (no tile yet)'}" for number, _, in_tiles in hits), "whole")
    for way in sorted({each[:2] for each in found}):
        hits = [in_tiles for *which, in_tiles in found if tuple(which) == way]
        print(f"{way[0]}, resume={way[1]}: {len(hits)} runs interrupted, {sum(hits)} while tiles were being written")
    print(f"{len(found)} interrupted, {sum(each[2] for each in found)} of them in the tiles: nothing half was there;")
    print(f"{time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    tell(*map(int, sys.argv[1:]))
