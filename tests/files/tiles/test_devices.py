"""From file to file on several devices, and on ones with little memory: the same bits, and nothing left behind."""

import gc
import itertools

import gpu
import numpy as np
import pytest
import rasterio
from calls import chain
from shapely import box

from gpumask import GpumaskError, Polygons, Window, build_grid_mask_chain, use_backend
from gpumask.backends import get
from gpumask.backends.cuda import CudaBackend
from gpumask.backends.memory import by_halves
from gpumask.files.tiles import run as chain_module

KINDS = {
    "cubic": {"interp": "cubic"},
    "bspline3": {"interp": "bspline3", "boundary": "reflect"},
    "renormalised": {"interp": "linear", "mask_policy": "renormalize"},
    "rules": {"keep": [{"band": "qa", "values": [1], "invert": True}], "grow": 1},
}


@pytest.fixture(autouse=True)
def nothing_is_left(at_hand):
    """In the end nothing is left on the devices, but for tables such as a filter's poles."""
    gc.collect()
    pool = pools()
    before = [pool(device) for device in range(devices())]
    yield
    gc.collect()
    tables = 1 << 16 if gpu.own else 1 << 12  # a GPU's pool rounds up
    assert all(pool(device) <= before[device] + tables for device in range(devices()))


def devices():
    import cupy

    return cupy.cuda.runtime.getDeviceCount()


def pools():
    import cupy

    def used(device):
        if not gpu.own:  # what was asked for, before a pool rounds it up
            return sum(block.size for block in [*cupy._order.Block.by_address.values()] if block.device == device)
        with cupy.cuda.Device(device):
            return cupy.get_default_memory_pool().used_bytes()

    return used


@pytest.fixture
def limit():
    """Limit the current device's memory to so many bytes more than it has in use."""
    import cupy

    made = []

    def limited(more):
        # A pool of its own: one keeps what was freed, and parts of it are there to be taken whatever the limit.
        made.append(cupy.cuda.MemoryPool())
        cupy.cuda.set_allocator(made[-1].malloc)
        made[-1].set_limit(size=made[-1].used_bytes() + more)

    yield limited
    for pool in made:
        pool.set_limit(size=0)
    cupy.cuda.set_allocator(cupy.get_default_memory_pool().malloc)


def written(folder):
    with rasterio.open(folder / "out.tif") as file:
        return file.read(), file.read_masks(1)


@pytest.mark.parametrize("kind", KINDS)
def test_two_devices_write_what_the_host_writes(tmp_path, kind):
    if devices() < 2:
        pytest.skip("one device")
    options = {"validity": "mask", "tile_shape": (16, 16), **KINDS[kind]}
    chain(tmp_path, **options, backend="native")()
    expected = written(tmp_path)
    for numbers in ([0, 1], [1], [1, 0], None):
        done = chain(tmp_path, **options, devices=numbers)()
        assert done.backend == "cuda" and done.tiles > 20
        for found, wanted in zip(written(tmp_path), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_both_devices_compute(tmp_path):
    if gpu.own:
        pytest.skip("a GPU does not say what it did")
    from cupy import _order

    _order.most_used[:] = _order.used
    chain(tmp_path, devices=[0, 1], tile_shape=(8, 8))()
    assert all(most > now for most, now in zip(_order.most_used, _order.used, strict=True))


@pytest.mark.parametrize("numbers", [[], [0, 0], [7], [-1]])
def test_devices_that_are_not_there_are_refused(tmp_path, numbers):
    with pytest.raises(GpumaskError, match="devices: expected (different numbers|at least one)"):
        chain(tmp_path, devices=numbers)()


def most_used(call):
    """Return how much memory a call takes of the stand-in's first device."""
    from cupy import _order

    _order.most_used[0] = before = _order.used[0]
    call()
    return _order.most_used[0] - before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("room", [45_000, 20_000, 6_000])
def test_tiles_are_halved_until_a_device_has_memory_for_them(tmp_path, limit, kind, room):
    options = {"validity": "mask", "tile_shape": (128, 128), **KINDS[kind]}
    chain(tmp_path, **options, backend="native")()
    expected = written(tmp_path)
    assert gpu.own or most_used(chain(tmp_path, **options)) > room
    limit(room)
    try:
        chain(tmp_path, **options)()
    except GpumaskError as error:
        # The taps and the filter of a B-spline take a minimum for the smallest of tiles.
        assert kind == "bspline3" and "no memory for a single pixel" in str(error)  # noqa: PT017
        return
    for found, wanted in zip(written(tmp_path), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("room", [8_000, 16_000, 25_000])
def test_lanes_that_lack_memory_because_of_each_other_wait(tmp_path, limit, room):
    options = {"tile_shape": (33, 41), "keep": KINDS["rules"]["keep"]}
    chain(tmp_path, **options, backend="native")()
    expected = written(tmp_path)
    call = chain(tmp_path, **options)
    limit(room)
    for _ in range(10):
        call()
        for found, wanted in zip(written(tmp_path), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_a_grid_at_full_resolution_brings_the_nodes_of_its_halves_alone(tmp_path, limit):
    nodes = np.mgrid[0:60, 0:60] * 4.0
    profile = {"driver": "GTiff", "count": 2, "dtype": "float64", "transform": rasterio.Affine.scale(10, -10)}
    with rasterio.open(tmp_path / "nodes.tif", "w", height=60, width=60, **profile) as file:
        file.write(nodes)
    words = (None, 1, 2, None, np.uint8, None, None, None, np.float64, None, None)
    found = []
    for backend in ("native", "cuda"):
        with (
            rasterio.open(tmp_path / "nodes.tif") as given,
            rasterio.open(tmp_path / f"{backend}.tif", "w+", height=237, width=237, **profile) as out,
            use_backend(backend),
        ):
            limit(20_000)  # all nodes of an axis are 28 800 bytes
            build_grid_mask_chain((4, 4), given, None, 1, 2, out, *words)
            found.append(out.read())
    np.testing.assert_array_equal(*found)


def test_a_device_without_memory_for_a_pixel_is_an_error_that_says_so(tmp_path, limit):
    call = chain(tmp_path)
    limit(8)
    with pytest.raises(GpumaskError, match="max_memory: the device has no memory for a single pixel"):
        call()
    assert not (tmp_path / "out.tif").exists()


def test_a_mask_is_made_by_halves_where_the_device_has_no_memory_for_it(limit):
    polygons, window = Polygons(box(3, 4, 80, 60), box(9, 9, 20, 20)), Window(2, 3, 61, 77)
    expected = by_halves(get("native"), window, lambda part: polygons.validity(part, get("native")))
    limit(9_000)
    found = by_halves(get("cuda"), window, lambda part: polygons.validity(part, get("cuda")))
    np.testing.assert_array_equal(found, expected)
    polygons = Polygons(box(3, 4, 80, 60))
    limit(1)
    with pytest.raises(GpumaskError, match="single pixel"):
        by_halves(get("cuda"), window, lambda part: polygons.validity(part, get("cuda")))


@pytest.mark.parametrize("numbers", [None, [0, 1]])
def test_an_error_on_one_lane_ends_the_others_and_frees_everything(tmp_path, monkeypatch, numbers):
    if numbers and devices() < 2:
        pytest.skip("one device")
    calls, resample_into = itertools.count(), chain_module.resample_into

    def failing(*args):
        if next(calls) == 5:
            raise RuntimeError("a bad kernel")
        resample_into(*args)

    monkeypatch.setattr(chain_module, "resample_into", failing)
    with pytest.raises(RuntimeError, match="a bad kernel"):
        chain(tmp_path, tile_shape=(8, 8), devices=numbers)()
    assert next(calls) < 20  # of 99 tiles
    assert not (tmp_path / "out.tif").exists()


def test_a_system_without_memory_to_pin_is_slower_and_no_error(tmp_path, monkeypatch):
    if gpu.own:
        pytest.skip("a GPU's system has memory to pin")
    from cupy import _order

    chain(tmp_path, backend="native")()
    expected = written(tmp_path)
    monkeypatch.setattr(_order, "pinned_limit", [10_000])
    chain(tmp_path)()
    for found, wanted in zip(written(tmp_path), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_pinned_memory_that_is_used_again_before_its_copy_is_done_would_be_seen(tmp_path, monkeypatch):
    if gpu.own:
        pytest.skip("a GPU does not say what it copies when")
    from cupy import _order

    def hurried(self, *mirrors):
        for mirror, array in mirrors:
            mirror.get(out=array, blocking=False)

    monkeypatch.setattr(CudaBackend, "fetch", hurried)
    with pytest.raises((_order.HazardError, GpumaskError)):
        chain(tmp_path, tile_shape=(8, 8))()
    for stream in list(_order.Stream._all):
        stream._state.copies.clear()
    gpu.hazards()
