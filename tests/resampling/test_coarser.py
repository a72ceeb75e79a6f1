"""The warning where an interpolator leaves out pixels of the source."""

import warnings

import numpy as np
import pytest
from affine import Affine

from gpumask import Grid, Method, Place, Resampler, Window, grid_between, resample, resample_file, warp_file
from gpumask.grids.projected import ProjectedGrid
from gpumask.resampling.coarser import grid_in_the_middle, warn_if_coarser

SOURCE = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
WARNED = "leaves out pixels of the source, as those of the output are {} times as large; average, .* antialias"


def shrinking(down, across, turn=0.0, step=(1, 1)):
    """Return a grid of 8 x 8 nodes whose output pixels are so many source pixels tall and wide."""
    y, x = np.mgrid[:8, :8] * np.reshape(step, (2, 1, 1)) * np.reshape([down, across], (2, 1, 1))
    return Grid(np.cos(turn) * y + np.sin(turn) * x, np.cos(turn) * x - np.sin(turn) * y, resolution=step)


def warnings_of(grid, *args, **words):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        warn_if_coarser(grid, Method(*args, **words))
    return [str(each.message) for each in said]


@pytest.mark.parametrize("step", [(1, 1), (4, 3)])
@pytest.mark.parametrize("turn", [0.0, 0.7, 3.0])
@pytest.mark.parametrize(("down", "across"), [(2.1, 1), (1, 2.1), (0.2, 40)])
def test_larger_pixels_in_one_direction_are_enough(down, across, turn, step):
    (said,) = warnings_of(shrinking(down, across, turn, step), "cubic")
    assert said.startswith(
        f"interp: cubic leaves out pixels of the source, as those of the output are {max(down, across)}"
    )
    assert "average" in said and "antialias" in said and "mode" in said


@pytest.mark.parametrize("turn", [0.0, 0.7])
def test_twice_as_large_is_not_too_large(turn):
    assert warnings_of(shrinking(2, 2, turn), "linear") == []


@pytest.mark.parametrize("words", [{"interp": "average"}, {"interp": "med"}, {"interp": "cubic", "antialias": True}])
def test_what_takes_all_pixels_gives_no_warning(words):
    assert warnings_of(shrinking(9, 9), **words) == []


def test_nodes_that_say_nothing_give_no_warning():
    assert warnings_of(Grid([[3.0]], [[3.0]]), "cubic") == []
    assert warnings_of(Grid(np.full((3, 3), np.nan), np.zeros((3, 3))), "cubic") == []


def test_the_middle_of_the_window_counts():
    rows = np.array([0.0, 1, 2, 3, 13, 23, 33, 43])
    grid = Grid(np.tile(rows[:, None], 8), np.tile(np.arange(8.0), (8, 1)))
    assert warnings_of(grid.crop(Window(0, 0, 4, 8)), "cubic") == []
    assert len(warnings_of(grid.crop(Window(4, 0, 4, 8)), "cubic")) == 1


def test_a_projected_grid_is_read_in_its_middle():
    source = Place("EPSG:32633", Affine(10, 0, 5e5, 0, -10, 5e6), (600, 600))
    target = Place("EPSG:32633", Affine(60, 0, 5e5, 0, -60, 5e6), (100, 100))
    grid = grid_in_the_middle(ProjectedGrid(source, target), Window(0, 0, 100, 100))
    assert warnings_of(grid, "cubic") == warnings_of(grid_between(source, target), "cubic") != []


def test_each_call_warns_where_it_is_made():
    with pytest.warns(UserWarning, match=WARNED.format(6)) as said:
        resample(SOURCE, shrinking(6, 6), "cubic", backend="numpy")
    assert len(said) == 1
    with pytest.warns(UserWarning, match=WARNED.format(6)) as said:
        kept = Resampler(shrinking(6, 6), "nearest", backend="numpy")
    assert len(said) == 1
    kept(SOURCE)  # no second time


def test_files_and_data_arrays_warn_too(tmp_path):
    rasterio = pytest.importorskip("rasterio")
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("rioxarray")
    import gpumask.xarray  # noqa: F401

    place = {"crs": "EPSG:32633", "transform": Affine(10, 0, 5e5, 0, -10, 5e6)}
    paths = {name: tmp_path / f"{name}.tif" for name in ("source", "grid", "out")}
    with rasterio.open(paths["source"], "w", height=64, width=64, count=1, dtype="uint16", **place) as dataset:
        dataset.write(SOURCE, 1)
    grid = shrinking(6, 6)
    with rasterio.open(paths["grid"], "w", height=8, width=8, count=2, dtype="float64", **place) as dataset:
        dataset.write(np.stack([grid.row, grid.col]))
    with pytest.warns(UserWarning, match=WARNED.format(6)) as said:
        warp_file(paths["source"], paths["out"], crs="EPSG:32633", resolution=60, backend="numpy")
    assert len(said) == 1
    with pytest.warns(UserWarning, match=WARNED.format(6)) as said:
        resample_file(paths["source"], paths["grid"], paths["out"], overwrite=True, backend="numpy")
    assert len(said) == 1
    array = xarray.DataArray(SOURCE, dims=("y", "x")).rio.write_crs(32633).rio.write_transform(place["transform"])
    with pytest.warns(UserWarning, match=WARNED.format(6)) as said:
        warnings.filterwarnings("ignore", "Use `@` matmul")
        array.gpumask.reproject("EPSG:32633", resolution=60, nodata_out=0, backend="numpy")
    assert len(said) == 1
