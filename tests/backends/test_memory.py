"""How much memory a job may take, and what is done where a device has none left."""

import math

import numpy as np
import pytest

from gpumask import GpumaskError, Window
from gpumask.backends.memory import by_halves, memory_limit


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (64 << 20, 67108864),
        (np.int64(2_000_000_000), 2_000_000_000),
        (1 << 45, 1 << 45),
        ("67108864", 67108864),
        ("512MiB", 512 << 20),
        ("512mib", 512 << 20),
        (" 512 MiB ", 512 << 20),
        ("512Mi", 512 << 20),
        ("512M", 512_000_000),
        ("512MB", 512_000_000),
        ("2 GB", 2_000_000_000),
        ("2g", 2_000_000_000),
        ("2GiB", 2 << 30),
        ("1.5GiB", 3 << 29),
        ("100000kB", 100_000_000),
        ("70000KiB", 70_000 << 10),
        ("70000000B", 70_000_000),
    ],
)
def test_memory_is_asked_for_in_bytes_or_in_words(asked, expected, monkeypatch):
    monkeypatch.setenv("GPUMASK_MAX_MEMORY", "77MiB")
    found = memory_limit(asked)
    assert found == expected and type(found) is int
    if isinstance(asked, str):
        monkeypatch.setenv("GPUMASK_MAX_MEMORY", asked)
        assert memory_limit() == expected


def test_memory_is_a_gibibyte_where_nobody_asks(monkeypatch):
    monkeypatch.delenv("GPUMASK_MAX_MEMORY", raising=False)
    assert memory_limit() == 1 << 30
    monkeypatch.setenv("GPUMASK_MAX_MEMORY", "")
    assert memory_limit() == 1 << 30


WRONG = ["", "much", "2 TB", "2GBs", "-2GB", "1e9", "1.2.3GB", ".", "GB", "2 G B", "63MiB", "67108863", "9" * 400, "0"]


@pytest.mark.parametrize("asked", [*WRONG, 0, -1, 67108863, 2e9, math.nan, math.inf, True, b"2GB", [1 << 30], (1, 2)])
def test_memory_that_cannot_be_right_is_refused_by_name(asked, monkeypatch):
    with pytest.raises(GpumaskError, match="^max_memory: expected bytes"):
        memory_limit(asked)
    if isinstance(asked, str) and asked:
        monkeypatch.setenv("GPUMASK_MAX_MEMORY", asked)
        with pytest.raises(GpumaskError, match="^GPUMASK_MAX_MEMORY: expected bytes"):
            memory_limit()


class Device:
    """A device that has memory for so many pixels."""

    out_of_memory = (MemoryError,)

    def __init__(self, most):
        self.most, self.windows = most, []

    def to_family_of(self, like, array):
        return array

    def make(self, window):
        """Return the numbers of pixels in an image of 100 columns."""
        if window.rows * window.cols > self.most:
            raise MemoryError("full")
        self.windows.append(window)
        return np.add.outer(np.arange(window.row, window.row_stop) * 100, np.arange(window.col, window.col_stop))


@pytest.mark.parametrize("most", [1, 2, 7, 30, 1000])
@pytest.mark.parametrize("window", [Window(3, 5, 9, 13), Window(0, 0, 1, 50), Window(2, 2, 50, 1), Window(1, 1, 1, 1)])
def test_halves_make_up_the_whole_and_no_half_is_larger_than_fits(window, most):
    device = Device(most)
    found = by_halves(device, window, device.make)
    np.testing.assert_array_equal(found, Device(10_000).make(window))
    assert sum(each.rows * each.cols for each in device.windows) == window.rows * window.cols


def test_a_device_without_memory_for_a_pixel_is_an_error_that_says_so():
    device = Device(0)
    with pytest.raises(GpumaskError, match="^max_memory: the device has no memory for a single pixel: full"):
        by_halves(device, Window(0, 0, 3, 3), device.make)
