"""Compiled kernels on disk: private, whole, and safe against processes that race."""

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from processes import IDENTITY, needs_compiler, python

from gpumask import BackendError
from gpumask.backends import cache


@needs_compiler
@pytest.mark.parametrize("damage", [b"", b"\x7fELF not really", None])
def test_a_damaged_binary_is_built_anew(tmp_path, damage, caplog):
    code = IDENTITY + "run_footprint()"
    assert python(code, GPUMASK_CACHE_DIR=str(tmp_path)).returncode == 0
    binaries = sorted(tmp_path.glob("*.so"))
    whole = {path.name: path.read_bytes() for path in binaries}
    for path in binaries:
        path.write_bytes(path.read_bytes()[:-100] if damage is None else damage)
    done = python(code, GPUMASK_CACHE_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "damaged" in done.stderr
    assert sorted(path.name for path in tmp_path.glob("*.so")) == sorted(whole)
    assert not list(tmp_path.glob(".building*"))


@needs_compiler
def test_processes_may_race_for_the_cache(tmp_path):
    code = IDENTITY + "run_footprint()"
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(python, code, GPUMASK_CACHE_DIR=str(tmp_path)) for _ in range(4)]
    assert [run.result().returncode for run in runs] == [0] * 4
    assert not list(tmp_path.glob(".building*"))


def test_a_cache_folder_that_others_may_write_to_is_not_used(tmp_path, monkeypatch, caplog):
    tmp_path.chmod(0o777)
    monkeypatch.setenv("GPUMASK_CACHE_DIR", str(tmp_path))
    with caplog.at_level(logging.WARNING, "gpumask"):
        folder = cache.cache_folder.__wrapped__()
    assert folder != tmp_path
    assert folder.stat().st_mode & 0o077 == 0
    assert f"others may write to {tmp_path}" in caplog.text
    folder.rmdir()


def test_a_new_cache_folder_is_private(tmp_path, monkeypatch):
    monkeypatch.setenv("GPUMASK_CACHE_DIR", str(tmp_path / "a" / "b"))
    assert cache.cache_folder.__wrapped__().stat().st_mode & 0o777 == 0o700


def test_a_build_that_fails_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path)

    def build(path):
        path.write_bytes(b"half")
        raise BackendError("no")

    with pytest.raises(BackendError):
        cache.cached("kernel", ".so", build)
    assert not list(tmp_path.iterdir())
