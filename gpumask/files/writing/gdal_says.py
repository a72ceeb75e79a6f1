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
    """Hears all of GDAL's messages that rasterio passes on. It lets those through that would be logged without it."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self.level, self.heard = level, list[tuple[int | None, str]]()

    def filter(self, record: logging.LogRecord) -> bool:
        """Remember a record."""
        self.heard.append((record.thread, record.getMessage()))
        return record.levelno >= self.level


_hearing = threading.RLock()
_ears: list[_Ear] = []
_unheard: list[int] = []  # the logger's level before anybody heard, which is set again afterwards


@contextlib.contextmanager
def gdal_heard() -> Iterator[list[tuple[int | None, str]]]:
    """Yield a list that collects (thread, text) of GDAL's messages within the block."""
    logger = logging.getLogger("rasterio._env")
    with _hearing:
        ear = _Ear(_ears[0].level if _ears else logger.getEffectiveLevel())
        if not _ears:
            _unheard.append(logger.level)
        _ears.append(ear)
        logger.addFilter(ear)
        logger.setLevel(logging.INFO)
    try:
        yield ear.heard
    finally:
        with _hearing:
            logger.removeFilter(ear)
            _ears.remove(ear)
            if not _ears:
                logger.setLevel(_unheard.pop())
