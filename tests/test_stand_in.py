"""The stand-in for CuPy: it has nothing that CuPy lacks, and sees what goes wrong on a device."""

import gc
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor, wait

import gpu
import numpy as np
import pytest

from gpumask.backends import get
from gpumask.masks.validity import Validity

pytestmark = pytest.mark.skipif(gpu.own, reason="there is a GPU")


@pytest.fixture(autouse=True)
def cupy():
    """The stand-in, within a test."""
    with gpu.at_hand():
        import cupy

        yield cupy
        gc.collect()
    gpu.hazards()


@pytest.fixture
def order(cupy):
    """What it knows of order."""
    from cupy import _order

    return _order


def places(cupy):
    """Return what has names: {name in cupy_names.json: object}."""
    import cupyx

    cuda = cupy.cuda
    return {
        "cupy": cupy,
        "ndarray": cupy.ndarray,
        "cuda": cuda,
        "Device": cuda.Device,
        "Stream": cuda.Stream,
        "Event": cuda.Event,
        "MemoryPool": cuda.MemoryPool,
        "RawModule": cupy.RawModule,
        "runtime": cuda.runtime,
        "nvrtc": cuda.nvrtc,
        "memory": cuda.memory,
        "cupyx": cupyx,
    }


def test_it_has_no_name_and_no_parameter_that_cupy_lacks(cupy):
    from cupy._names import NAMES

    ours = {
        "Any",
        "annotations",
        "Path",
        "END",
        "Iterator",
        "DEVICES",
        "Stream",
        "Event",
        "current_device",
        "set_device",
    }
    checked = 0
    for of, place in places(cupy).items():
        for name, found in vars(place).items():
            imported = inspect.ismodule(found) and f"{place.__name__}.{name}" != found.__name__
            if name.startswith("_") or name in ours or imported:
                continue
            assert name in NAMES[of], f"{of}.{name}"
            wanted = NAMES[of][name]
            if wanted is None or not inspect.isfunction(found):
                continue
            names = [p for p in inspect.signature(found).parameters if p != "self"]
            assert set(names) <= {part.lstrip("*") for part in wanted} or "*args" in wanted, f"{of}.{name}{names}"
            checked += 1
    assert checked > 60


def test_what_cupy_lacks_is_an_attribute_error_and_what_the_stand_in_lacks_says_so(cupy):
    with pytest.raises(AttributeError):
        cupy.ix  # noqa: B018
    with pytest.raises(NotImplementedError, match="as CuPy has"):
        cupy.linspace(0, 1)
    with pytest.raises(AttributeError):
        cupy.zeros(3).newbyteorder()


def test_bytes_in_the_other_order_are_swapped_as_they_come_and_there_is_no_such_dtype(cupy):
    here = np.arange(6.0).astype(">f8")
    assert cupy.asarray(here).dtype.isnative
    np.testing.assert_array_equal(cupy.asnumpy(cupy.asarray(here)), here)
    for asked in (lambda: cupy.empty(3, ">f8"), lambda: cupy.zeros(3).astype(">f4"), lambda: cupy.zeros(3).view(">u8")):
        with pytest.raises(ValueError, match="big-endian"):
            asked()


@pytest.mark.parametrize(
    "mixed",
    [
        lambda device, host: device + host,
        lambda device, host: host * device,
        lambda device, host: np.asarray(device),
        lambda device, host: np.minimum(host, device),
        lambda device, host: np.where(host > 0, device, 0),
        lambda device, host: host.__setitem__(..., device),
        lambda device, host: device.__setitem__(..., host),
        lambda device, host: np.concatenate([device, host]),
    ],
)
def test_host_and_device_do_not_mix(cupy, mixed):
    with pytest.raises((TypeError, ValueError)):
        mixed(cupy.zeros(3), np.ones(3))


def test_fresh_memory_holds_no_zeros(cupy):
    assert cupy.empty(100, np.uint8).get().min() > 0


def test_a_stream_that_uses_what_another_has_not_finished_is_an_error(cupy, order):
    first, second = (cupy.cuda.Stream(non_blocking=True) for _ in range(2))
    with first:
        made = cupy.zeros(3)
    with second, pytest.raises(order.HazardError):
        made + 1
    event = first.record()
    second.wait_event(event)
    with second:
        added = made + 1
    with first, pytest.raises(order.HazardError):
        made.fill(2)  # while the second reads it
    second.synchronize()
    with first:
        made.fill(2)
    assert added.get(stream=second).tolist() == [1, 1, 1]


def test_the_null_stream_waits_for_blocking_streams_alone(cupy, order):
    with cupy.cuda.Stream():
        made = cupy.zeros(3)
    made + 1
    with cupy.cuda.Stream(non_blocking=True):
        other = cupy.zeros(3)
    with pytest.raises(order.HazardError):
        other + 1


def test_memory_that_goes_while_another_stream_uses_it_is_seen(cupy):
    first, second = (cupy.cuda.Stream(non_blocking=True) for _ in range(2))
    with first:
        made = cupy.zeros(3)
    second.wait_event(first.record())
    with second:
        result = made + 1
    del made
    gc.collect()
    assert any("freed" in text for text in gpu.hazards())
    second.synchronize()
    del result


def test_pinned_memory_that_changes_while_it_is_copied_is_seen(cupy, order):
    pinned = get("cuda").host_buffer(64)
    pinned[:] = 1
    device = cupy.asarray(pinned)
    pinned[:] = 2
    with pytest.raises(order.HazardError, match="host memory"):
        cupy.cuda.get_current_stream().synchronize()
    pageable = np.ones(64, np.uint8)
    device = cupy.asarray(pageable)
    pageable[:] = 2
    assert device.get().max() == 1


def test_whoever_waits_for_a_stream_finds_what_was_copied_even_if_another_thread_waits_for_it_too(
    cupy, order, monkeypatch
):
    landing, may_land, land = threading.Event(), threading.Event(), order._Copy.land

    def land_slowly(copy):
        landing.set()
        may_land.wait(10)
        land(copy)

    monkeypatch.setattr(order._Copy, "land", land_slowly)
    pinned, stream = get("cuda").host_buffer(8), cupy.cuda.Stream(non_blocking=True)
    with stream:
        cupy.zeros(8, np.uint8).get(out=pinned, blocking=False)

    def waited():
        stream.synchronize()
        return pinned.copy()

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(waited)
        landing.wait(10)
        second = threads.submit(waited)
        assert not wait([second], timeout=0.1).done
        may_land.set()
        assert not first.result().any() and not second.result().any()


def test_a_write_beside_an_array_is_seen(cupy):
    out, source = cupy.zeros((3, 5), np.uint8), cupy.zeros((4, 5), np.uint8)
    get("cuda").run("footprint", (4, 5), source, 5, 0, 1, out, TAPS=1)  # a row more than it has
    del out
    gc.collect()
    assert any("beside" in text for text in gpu.hazards())


def test_a_kernel_gets_arrays_of_the_types_that_it_reads(cupy):
    backend = get("cuda")
    out, wrong = cupy.zeros((3, 5), np.uint8), cupy.zeros((3, 5), np.float32)
    with pytest.raises(TypeError, match="float32 array"):
        backend.run("footprint", (3, 5), wrong, 5, 0, 1, out, TAPS=1)
    with pytest.raises(TypeError, match="arguments"):
        backend.run("footprint", (3, 5), out, out, TAPS=1)
    with pytest.raises(TypeError, match="float64"):
        backend.run("footprint", (3, 5), out, 5.0, 0, 1, out, TAPS=1)


def test_a_cubin_without_its_last_byte_is_no_image(cupy, tmp_path):
    nvrtc = cupy.cuda.nvrtc
    program = nvrtc.createProgram("typedef long long i64;\n", "nothing.cu", (), ())
    nvrtc.compileProgram(program, ["--gpu-architecture=sm_90"])
    path = tmp_path / "nothing.cubin"
    path.write_bytes(nvrtc.getCUBIN(program))
    with pytest.raises(cupy.cuda.driver.CUDADriverError):
        cupy.RawModule(path=str(path))
    path.write_bytes(nvrtc.getCUBIN(program) + b"\0")
    cupy.RawModule(path=str(path))


def test_a_full_device_raises_what_cupy_raises(cupy):
    pool = cupy.get_default_memory_pool()
    pool.set_limit(size=pool.used_bytes() + 1024)
    try:
        kept = cupy.zeros(900, np.uint8)
        with pytest.raises(cupy.cuda.memory.OutOfMemoryError):
            cupy.zeros(900, np.uint8)
        assert kept.nbytes == 900
        with cupy.cuda.Device(1):
            cupy.zeros(900, np.uint8)
    finally:
        pool.set_limit(size=0)


def test_what_cupy_makes_of_subnormals_and_of_enums_is_made(cupy):
    tiny = cupy.asarray(np.array([1e-40, -1e-40, 1e-30], np.float32))
    for found in (tiny != 0, tiny.astype(bool), tiny + np.float32(0) != 0, tiny.astype(np.float64) != 0):
        assert found.get().tolist() == [False, False, True]
    assert tiny.copy().get()[0] > 0
    assert (tiny.any(), tiny[:2].any()) == (True, False)
    with pytest.raises(TypeError, match="can_cast"):
        cupy.full(3, Validity.VALID, np.uint8)


def test_another_device_s_memory_is_refused(cupy, order):
    with cupy.cuda.Device(1):
        there = cupy.zeros(3)
    with pytest.raises(order.HazardError, match="device 1"):
        there + 1
    assert not cupy.zeros(3).device.id
