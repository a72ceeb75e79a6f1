"""How much memory a job may take, and what is done where a device has none left."""

import math

import numpy as np
import pytest

from gpumask import GpumaskError
from gpumask.backends.memory import memory_limit


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
