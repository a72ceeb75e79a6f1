"""What GDAL says while it writes, heard, and made errors of where it says that something is lost."""

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
    """Raise GpumaskError where GDAL warns, in this thread and within the block, of an option that it does not take."""
    with gdal_heard() as said:
        yield
    here = threading.get_ident()
    refused = [text for thread, text in said if thread == here and re.search(_UNKNOWN_OPTION, text)]
    if refused:
        raise GpumaskError(f"creation: {re.sub('^CPLE_[A-Za-z]* in ', '', refused[0])}")


@contextlib.contextmanager
def all_is_written(path: Path) -> Iterator[None]:
    """Raise GpumaskError where GDAL says, within the block and in whatever thread, that something could not be written.

    It keeps blocks back to write them later, and rasterio raises nothing for those that fail when a file is closed.
    """
    with gdal_heard() as said:
        yield
    failed = [text for _, text in said if re.search(_NOT_WRITTEN, text)]
    if failed:
        raise GpumaskError(f"{path}: not written to its end; is the disk full? {failed[0]}")


class _Ear(logging.Filter):
    """Hears all that rasterio passes on of what GDAL says, and lets through what would have been logged without it."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self.level, self.heard = level, list[tuple[int | None, str]]()

    def filter(self, record: logging.LogRecord) -> bool:
        """Remember a record."""
        self.heard.append((record.thread, record.getMessage()))
        return record.levelno >= self.level


_hearing = threading.RLock()
_ears: list[_Ear] = []
_unheard: list[int] = []  # the level to go back to when nobody hears any more


@contextlib.contextmanager
def gdal_heard() -> Iterator[list[tuple[int | None, str]]]:
    """Yield a list that comes to have (thread, text) of what GDAL says within the block."""
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
