"""On the device, calls launch their kernels and wait for nothing; what is brought there, is brought there once."""

import collections

import gpu
import numpy as np
import pytest
from calls import CALLS, SHAPE, Scene, chain
from shapely import box

from gpumask import Grid, Polygons, Resampler, resample, validity_mask

pytestmark = pytest.mark.usefixtures("at_hand")
# Who gives an answer to the host, or gets coordinates or polygons from there each time.
WAITS = {"describe_flags"}
BRINGS = {"build_mask, coarse, polygons", "interpolate_grid"}


def brought_back_and_forth(call):
    """Return (times, bytes) of what a call brings to the device and back, as the stand-in counts it."""
    if gpu.own:
        pytest.skip("a GPU does not count what is brought to it")
    from cupy import _order

    _order.forget()
    call()
    found = collections.Counter()
    for (kind, _), times in _order.times.items():
        found[kind.partition(" ")[0]] += times
    return found


@pytest.mark.parametrize("name", [name for name in CALLS if name not in WAITS])
def test_device_arrays_wait_for_nothing(name):
    import cupyx

    here = Scene()
    CALLS[name](here)
    with cupyx.allow_synchronize(False):
        CALLS[name](here)


@pytest.mark.parametrize("name", [name for name in CALLS if name not in WAITS])
def test_tables_are_brought_to_the_device_once(name):
    here = Scene()
    CALLS[name](here)
    found = brought_back_and_forth(lambda: CALLS[name](here))
    assert not found["download"] and not found["wait"]
    assert bool(found["upload"]) == (name in BRINGS)


def test_each_stream_has_tables_of_its_own_so_that_none_waits_for_another():
    import cupy

    streams = [cupy.cuda.Stream(non_blocking=True) for _ in range(2)]
    outline, found = Polygons(invalid=box(9, 9, 20, 20)), []
    for stream in streams:
        with stream:
            here = Scene()
            valid = validity_mask(SHAPE, here.coarse, outline)
            found.append(resample(here.float64, here.grid, "bspline3", source_valid=valid).image.get())
    np.testing.assert_array_equal(*found)


def test_a_grid_is_brought_to_the_device_once():
    y, x = np.mgrid[0:9, 0:11] * 8.0
    image = np.random.default_rng(0).random((70, 90))
    resampler = Resampler(Grid(y, x, (8, 8)), backend="cuda")
    resampler(image)
    found = brought_back_and_forth(lambda: resampler(image))
    assert found["upload"] == 1 and found["download"] == 2


def test_a_tile_from_file_to_file_waits_once(tmp_path):
    call = chain(tmp_path)
    done = call()
    found = brought_back_and_forth(call)
    assert found["wait"] == done.tiles > 3
    assert found["download"] == 2 * done.tiles
