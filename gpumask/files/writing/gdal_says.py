"""GDAL's messages while it writes. Those that say that something is lost become errors."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections.abc import Iterator
from pathlib import Path

from gpumask.errors import GpumaskError

_UNKNOWN_OPTION = "creation option|value not recogni"
_NOT_WRITTEN = "No space left|File too large|[Ww]rite error|WriteProc|WriteEncoded|[Ff]ailed to write|write scanline"


@contextlib.contextmanager
def options_are_known() -> Iterator[None]:
    """Raise GpumaskError if GDAL warns, in this thread and within the block, of an option that it does not know."""
    with gdal_heard() as said:
        yield
    here = threading.get_ident()
    refused = [text for thread, text in said if thread == here and re.search(_UNKNOWN_OPTION, text)]
    if refused:
        raise GpumaskError(f"creation: {re.sub('^CPLE_[A-Za-z]* in ', '', refused[0])}")


@contextlib.contextmanager
def all_is_written(path: Path) -> Iterator[None]:
    """Raise GpumaskError if GDAL says, within the block and in any thread, that something could not be written.

    GDAL keeps blocks back and writes them later. rasterio raises nothing if such a block fails when a file is closed.
    """
    with gdal_heard() as said:
        yield
    failed = [text for _, text in said if re.search(_NOT_WRITTEN, text)]
    if failed:
        raise GpumaskError(f"{path}: not written to its end; is the disk full? {failed[0]}")


class _Ear(logging.Filter):
    """Hears all of GDAL's messages that rasterio passes on, and tells all who listen.

    It lets those through that would be logged without it. There is one ear for all who listen: a logger asks no further
    filter once one holds a message back.
    """

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__()
        self.before, self.level = logger.level, logger.getEffectiveLevel()
        self.listening: list[list[tuple[int | None, str]]] = []

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell of a record."""
        for heard in [*self.listening]:
            heard.append((record.thread, record.getMessage()))
        return record.levelno >= self.level


_hearing = threading.RLock()
_ears: list[_Ear] = []  # none, or the one while somebody listens


@contextlib.contextmanager
def gdal_heard() -> Iterator[list[tuple[int | None, str]]]:
    """Yield a list that collects (thread, text) of GDAL's messages within the block."""
    logger = logging.getLogger("rasterio._env")
    heard: list[tuple[int | None, str]] = []
    with _hearing:
        if not _ears:
            _ears.append(_Ear(logger))
            logger.addFilter(_ears[0])
            logger.setLevel(logging.INFO)
        ear = _ears[0]
        ear.listening.append(heard)
    try:
        yield heard
    finally:
        with _hearing:
            ear.listening = [each for each in ear.listening if each is not heard]
            if not ear.listening:
                _ears.clear()
                logger.removeFilter(ear)
                logger.setLevel(ear.before)
