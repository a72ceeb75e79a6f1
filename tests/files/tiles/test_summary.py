"""What a run says that it did."""

import numpy as np
import pytest
from commands import write
from file_runs import holes, nodes, run

from gpumask import Window
from gpumask.files.writing import creation

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")


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
