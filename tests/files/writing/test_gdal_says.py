"""GDAL's messages while it writes: those that say that something is lost become errors."""

import logging
import threading
from pathlib import Path

import pytest

from gpumask import GpumaskError
from gpumask.files.writing.gdal_says import all_is_written, gdal_heard, options_are_known

GDAL = logging.getLogger("rasterio._env")
UNKNOWN = "CPLE_NotSupported in driver GTiff does not support creation option COMPRES"
FULL = "CPLE_AppDefined in TIFFAppendToStrip:Write error at scanline 7"


def elsewhere(text):
    """Say something in another thread."""
    thread = threading.Thread(target=GDAL.warning, args=(text,))
    thread.start()
    thread.join()


def test_an_option_that_gdal_does_not_know_is_an_error_in_this_thread_alone():
    says = "^creation: driver GTiff does not support creation option COMPRES$"
    with pytest.raises(GpumaskError, match=says), options_are_known():
        GDAL.warning(UNKNOWN)
    with options_are_known():
        elsewhere(UNKNOWN)
        GDAL.warning("something else")


@pytest.mark.parametrize("say", [GDAL.info, GDAL.error, elsewhere])
def test_what_could_not_be_written_is_an_error_whoever_says_so(say):
    says = "^out.tif: not written to its end; is the disk full?.* at scanline 7"
    with pytest.raises(GpumaskError, match=says), all_is_written(Path("out.tif")):
        say(FULL)
    with all_is_written(Path("out.tif")):
        GDAL.info("opened")


def test_an_error_within_is_raised_as_it_is():
    with pytest.raises(ZeroDivisionError), all_is_written(Path("out.tif")):
        GDAL.warning(FULL)
        raise ZeroDivisionError


def test_within_each_other_all_hear_and_the_level_is_afterwards_what_it_was():
    before, filters = GDAL.level, [*GDAL.filters]
    with gdal_heard() as outer:
        GDAL.info("one")
        with gdal_heard() as inner:
            GDAL.info("two")
        GDAL.info("three")
    GDAL.info("four")
    assert [text for _, text in outer] == ["one", "two", "three"] and [text for _, text in inner] == ["two"]
    assert (GDAL.level, GDAL.filters) == (before, filters)


def test_what_would_not_be_logged_without_it_is_not_logged(caplog):
    with caplog.at_level(logging.WARNING, "rasterio._env"), gdal_heard() as said:
        GDAL.info("quiet")
        GDAL.warning("loud")
    assert caplog.messages == ["loud"] and len(said) == 2
