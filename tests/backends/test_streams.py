"""On which stream work runs, and how arrays of other libraries are waited for."""

import gpu
import numpy as np
import pytest

from gpumask import Grid, Resampler, resample
from gpumask.backends import get
from gpumask.grids.oversample import Axis

pytestmark = pytest.mark.usefixtures("at_hand")
IMAGE = np.random.default_rng(0).random((5, 7))
ROW, COL = np.mgrid[0:5, 0:7] * 1.0


@pytest.fixture
def streams():
    """Two streams that wait for nothing by themselves, whatever the other one does."""
    import cupy

    return [cupy.cuda.Stream(non_blocking=True) for _ in range(2)]


class ByDLPack:
    """Another library's array, filled on a stream of that library, and handed over by DLPack."""

    def __init__(self, array, stream):
        self.array, self.stream, self.asked = array, stream, []

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()

    def __dlpack__(self, *, stream=None, **kwargs):
        self.asked.append(stream)
        with self.stream:  # as PyTorch does: the consumer's stream is made to wait for this one
            return self.array.__dlpack__(stream=stream, **kwargs)


class ByInterface:
    """Another library's array, which says where it lies and on which stream it is filled."""

    def __init__(self, array):
        self.array = array

    @property
    def __cuda_array_interface__(self):
        return self.described

    def described_on(self, stream):
        """Say so as the library does that fills it on a stream."""
        with stream:
            self.described = self.array.__cuda_array_interface__
        return self


def on_device():
    import cupy

    return [cupy.asarray(array) for array in (IMAGE, ROW, COL)]


def test_work_runs_on_the_callers_current_stream(streams):
    with streams[0]:
        image, row, col = on_device()
        streams[0].synchronize()
        others = [operations(stream) for stream in (streams[1], None)]
        found = resample(image, Grid(row, col), "bspline3", source_valid=image > -1, boundary="reflect")
        assert [operations(stream) for stream in (streams[1], None)] == others
        np.testing.assert_allclose(found.image.get(), IMAGE, atol=1e-5)


def operations(stream):
    """Return how many operations the stand-in has seen on a stream, None being the null stream; 0 on a GPU."""
    import cupy

    return 0 if gpu.own else (stream or cupy.cuda.Stream.null)._state.number


def test_what_another_stream_fills_is_waited_for_by_dlpack(streams):
    with streams[0]:
        arrays = [ByDLPack(array, streams[0]) for array in on_device()]
    with streams[1]:
        found = resample(arrays[0], Grid(*arrays[1:]))
        np.testing.assert_array_equal(found.image.get(), IMAGE)
    assert {stream for array in arrays for stream in array.asked} == {streams[1].ptr}


def test_what_another_stream_fills_is_waited_for_by_the_array_interface(streams):
    with streams[0]:
        arrays = [ByInterface(array).described_on(streams[0]) for array in on_device()]
    with streams[1]:
        found = resample(arrays[0], Grid(*arrays[1:]))
        np.testing.assert_array_equal(found.image.get(), IMAGE)
    streams[1].synchronize()


def test_a_resampler_made_of_host_arrays_serves_every_stream(streams):
    import cupy

    places = np.frombuffer(cupy.cuda.PinnedMemoryPointer(cupy.cuda.PinnedMemory(ROW.nbytes), 0), np.float64, ROW.size)
    places[...] = ROW.ravel()
    with streams[0]:
        resampler = Resampler(Grid(places.reshape(ROW.shape), COL), backend="cuda")
    places[...] = 0
    for stream in (*streams, cupy.cuda.Stream.null):
        with stream:
            np.testing.assert_array_equal(resampler(IMAGE).image, IMAGE)


def test_tables_are_kept_for_the_last_few_streams():
    import cupy

    axis = Axis.of_cells(3, 5, 4)
    for _ in range(30):
        with cupy.cuda.Stream(non_blocking=True) as stream:
            assert get("cuda").table(axis.tables[1]).get().tolist() == axis.weight.tolist()
            stream.synchronize()
    assert len(axis.tables[1].there) <= 8


def test_results_are_handed_over_by_dlpack_too(streams):
    import cupy

    with streams[0]:
        image, row, col = on_device()
        found = resample(image, Grid(row, col)).image
    with streams[1]:
        streams[1].wait_event(streams[0].record())
        assert cupy.from_dlpack(found).get(stream=streams[1]).tobytes() == IMAGE.tobytes()
    with streams[0]:
        del image, row, col
