"""Host memory: which arrays kernels take as they are, and which are copied."""

import numpy as np
import pytest

from gpumask import GpumaskError
from gpumask.backends import get
from gpumask.backends.host import rows_contiguous

WHOLE = np.arange(2 * 6 * 8, dtype=np.uint16).reshape(2, 6, 8)


def unaligned(array):
    """Return an array that begins at an odd byte."""
    raw = np.zeros(array.nbytes + 1, np.uint8)
    raw[1:] = np.frombuffer(array.tobytes(), np.uint8)
    return raw[1:].view(array.dtype).reshape(array.shape)


@pytest.fixture
def host():
    return get("numpy")


@pytest.mark.parametrize("array", [WHOLE, WHOLE[:, 1:5, 2:7], WHOLE[:, ::2], WHOLE[1], WHOLE[:, :0], WHOLE[::-1]])
def test_rows_that_are_whole_are_taken_as_they_are(host, array):
    assert host.asarray(array) is array or np.shares_memory(host.asarray(array), array) or not array.size


@pytest.mark.parametrize(
    "array", [WHOLE[..., ::2], np.asfortranarray(WHOLE), WHOLE.astype(">u2"), unaligned(WHOLE), WHOLE[..., ::-1]]
)
def test_other_arrays_are_copied_with_the_same_values(host, array):
    found = host.asarray(array)
    assert not np.shares_memory(found, array) and rows_contiguous(found)
    assert found.dtype == np.uint16 and found.dtype.isnative and found.flags.aligned
    np.testing.assert_array_equal(found, array)


def test_rows_between_which_half_a_pixel_lies_are_not_contiguous():
    raw = np.zeros(100, np.uint8)
    odd = np.lib.stride_tricks.as_strided(raw.view(np.uint16), (3, 4), (9, 2))
    assert not rows_contiguous(odd) and rows_contiguous(np.lib.stride_tricks.as_strided(raw, (3, 4), (9, 1)))


def test_arrays_of_other_memory_are_refused(host):
    with pytest.raises(GpumaskError, match="^backend: expected cuda for arrays on the device; got 'numpy'"):
        host.asarray([[1, 2]])


def test_the_host_has_no_devices(host):
    with pytest.raises(GpumaskError, match=r"^devices: expected None for the numpy backend; got \[0\]"):
        host.lanes([0])


def test_what_is_made_has_the_shape_and_type_asked_for(host):
    assert (host.full((2, 3, 4), 7, np.int16) == np.full((2, 3, 4), 7)).all()
    made = host.empty((0, 5), np.float32)
    assert (made.shape, made.dtype) == ((0, 5), np.float32)
