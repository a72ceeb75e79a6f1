"""The same pixels from a cluster of processes.

`PYTHONPATH=.:tests/support python tests/xarray/test_distributed.py 40000` prints what memory
an image of so many pixels square takes.
"""

import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest
from array_cases import image_at, same, small
from warp_cases import PAIRS, placed, words_of

distributed = pytest.importorskip("distributed")
dask_array = pytest.importorskip("dask.array")

pytestmark = pytest.mark.filterwarnings("ignore")  # of distributed's own


@contextmanager
def cluster(workers=2, **options):
    """A cluster of processes on this machine, and a client of it."""
    quiet = {"dashboard_address": None, "silence_logs": 50, "host": "127.0.0.1"}
    with (
        distributed.LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, **quiet, **options) as made,
        distributed.Client(made) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def client():
    with cluster() as found:
        yield found


@pytest.mark.parametrize("name", PAIRS)
def test_two_processes_make_the_pixels_of_one(name, client):
    pair = small(PAIRS[name], 3)
    array = image_at(pair.source, bands=[("time", 2), ("band", 2)])
    found = array.chunk(time=1, y=64, x=64).gpumask.reproject(**words_of(pair.target), chunks=(70, 80))
    same(found, array.gpumask.reproject(**words_of(pair.target)))
    assert len(client.has_what()) == 2


def test_processes_write_to_one_store(client, tmp_path):
    pytest.importorskip("zarr")
    import xarray

    pair = small(PAIRS["to the web"], 3)
    array = image_at(pair.source)
    lazy = array.chunk(y=64, x=64).gpumask.reproject(**words_of(pair.target), chunks=(64, 64))
    lazy.to_dataset().to_zarr(tmp_path / "out.zarr")
    expected = array.gpumask.reproject(**words_of(pair.target))
    found = xarray.open_zarr(tmp_path / "out.zarr", decode_coords="all")
    np.testing.assert_array_equal(found.red, expected)
    np.testing.assert_array_equal(found.validity, expected.validity)


def _noise(block_info=None):
    """Make a chunk of an image from where it lies."""
    place = block_info[None]
    (first, stop), (left, right) = place["array-location"]
    rows, cols = np.ogrid[first:stop, left:right]
    return ((rows * 7 + cols * 13) % 4001).astype(np.uint16)


def _large(size: int) -> None:
    """Reproject a lazy image of that many pixels square on two processes of 2 GiB, and print what it took."""
    sizes = tuple(min(2048, size - first) for first in range(0, size, 2048))
    lazy = dask_array.map_blocks(_noise, chunks=(sizes, sizes), dtype=np.uint16, meta=np.empty((0, 0), np.uint16))
    array = image_at(placed("EPSG:32633", 2e5, 5.4e6, 10, (2, 2))).rio.write_nodata(4001)
    import xarray

    t = placed("EPSG:32633", 2e5, 5.4e6, 10, (size, size)).transform
    coords = {"y": t.f + t.e * (np.arange(size) + 0.5), "x": t.c + t.a * (np.arange(size) + 0.5)}
    array = xarray.DataArray(lazy, dims=("y", "x"), coords=coords).rio.write_crs("EPSG:32633")
    start = time.perf_counter()
    found = array.gpumask.reproject("EPSG:32632", resolution=10, nodata_out=0)
    planned = time.perf_counter() - start
    with cluster(memory_limit="2GiB") as client:
        start = time.perf_counter()
        total, valid = dask_array.compute(found.data.sum(dtype=np.int64), found.validity.data.sum(dtype=np.int64))
        took = time.perf_counter() - start
        peaks = client.run(_peak)
    print(
        f"{size} x {size} to {found.shape}: {found.data.npartitions} chunks planned in {planned:.1f} s, done in "
        f"{took:.0f} s; {valid / found.size:.1%} valid, sum {total}; VmHWM of the workers {sorted(peaks.values())} MiB"
    )


def _peak() -> int:
    """Return the peak of this process's resident memory in MiB."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) // 1024


if __name__ == "__main__":
    _large(int(sys.argv[1]))
