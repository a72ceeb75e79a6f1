"""GDAL's settings are those of the caller again after a run."""

import pytest
import rasterio
import rasterio.shutil
from file_runs import run
from rasterio.env import get_gdal_config, getenv

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")


def test_gdals_options_are_after_a_run_what_they_were(folder):
    with rasterio.Env(GDAL_NUM_THREADS="1", GDAL_CACHEMAX=77_000_000):
        before = getenv()
        run()
        assert getenv() == before
        assert get_gdal_config("GDAL_CACHEMAX") == 77_000_000


def test_threads_of_gdal_that_somebody_chose_are_kept(folder):
    seen = []
    with rasterio.Env(GDAL_NUM_THREADS="1"):
        run(progress=lambda *_: seen.append(getenv()["GDAL_NUM_THREADS"]))
    assert set(seen) == {"1"}
