"""Compiled kernels on disk, safe against processes that race, and files that were cut short or put there by others."""

from __future__ import annotations

import atexit
import functools
import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

_log = logging.getLogger("gpumask")


class Compiled(NamedTuple):
    """A kernel that was compiled, and the seconds that this took."""

    kernel: str
    seconds: float


# What this process has compiled, in that order.
compiled: list[Compiled] = []


@functools.cache
def cache_folder() -> Path:
    """Return the private folder for compiled kernels: GPUMASK_CACHE_DIR, or one in the user's cache folder.

    Where that can't be had, or others may write to it, a temporary folder for this process.
    """
    asked = os.environ.get("GPUMASK_CACHE_DIR")
    try:
        folder = Path(asked).expanduser().absolute() if asked else _default_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        problem = _problem(folder)
        if not problem:
            return folder
    except (OSError, RuntimeError) as error:  # RuntimeError: a user without a home
        problem = str(error)
    private = Path(tempfile.mkdtemp(prefix="gpumask-"))
    atexit.register(shutil.rmtree, private, ignore_errors=True)
    _log.warning("cache folder not used, %s instead: %s", private, problem)
    return private


def _default_folder() -> Path:
    """Return gpumask's folder in the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "gpumask"


def _problem(folder: Path) -> str | None:
    """Say why compiled code in this folder can't be trusted or kept, None where it can."""
    found = folder.stat()
    if hasattr(os, "getuid") and found.st_uid != os.getuid():
        return f"{folder} belongs to another user"
    if found.st_mode & 0o022:
        return f"others may write to {folder}"
    return None if os.access(folder, os.W_OK | os.X_OK) else f"{folder} can't be written to"


def cached(name: str, suffix: str, build: Callable[[Path], None]) -> Path:
    """Return the binary `name`, built once: `build(path)` writes it.

    The file's name holds the sha256 of what is in it, so that one which was cut short or changed is built anew. It is
    written under another name and renamed when whole.
    """
    for found in sorted(cache_folder().glob(f"{name}.*{suffix}")):
        if found.name == f"{name}.{_digest(found)}{suffix}":
            return found
        _log.warning("compiled kernel %s is damaged, built anew", found)
        found.unlink(missing_ok=True)
    kernel = name.partition("-")[0]
    _log.info("compiling %s, once", kernel)
    start = time.perf_counter()
    handle, temporary = tempfile.mkstemp(prefix=".building-", suffix=suffix, dir=cache_folder())
    os.close(handle)
    try:
        build(Path(temporary))
        whole = cache_folder() / f"{name}.{_digest(Path(temporary))}{suffix}"
        os.replace(temporary, whole)
        compiled.append(Compiled(kernel, time.perf_counter() - start))
    finally:
        Path(temporary).unlink(missing_ok=True)
    return whole


def _digest(path: Path) -> str:
    """Return a short sha256 of a file. It is empty if the file is gone."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except FileNotFoundError:
        return ""
