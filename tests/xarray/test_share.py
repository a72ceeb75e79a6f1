"""Valid shares in xarray: the coordinate `valid_share`, to the bit what arrays have, eager and lazy."""

import numpy as np
import pytest
from array_cases import image_at, small
from warp_cases import PAIRS

from gpumask import GpumaskError, ProjectedGrid, Window, resample

xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
pytest.importorskip("dask.array")
pytest.importorskip("gpumask.xarray")

PAIR = small(PAIRS["to the next zone"], 10)
GRID = ProjectedGrid(*PAIR)
WHOLE = GRID.read(Window.of_shape(GRID.full_shape))


def bands(dtype="float32"):
    """Return bands of which each has NaN at other places."""
    array = image_at(PAIR.source, bands=[("band", 3)], dtype=dtype)
    if array.dtype.kind == "f":
        array.data[np.random.default_rng(3).random(array.shape) < 0.03] = np.nan
    return array


@pytest.mark.parametrize("chunks", [None, {"y": 25, "x": 30}])
@pytest.mark.parametrize("validity", ["share", "band share"])
@pytest.mark.parametrize("interp", ["nearest", "cubic"])
@pytest.mark.parametrize("policy", ["strict", "renormalize"])
def test_the_coordinate_has_what_arrays_have(chunks, validity, interp, policy):
    array = bands()
    given = array if chunks is None else array.chunk(chunks)
    found = given.gpumask.resample(GRID, interp, validity=validity, mask_policy=policy, chunks=chunks and (40, 30))
    expected = resample(array.values, WHOLE, interp, nodata_out=None, validity=validity, mask_policy=policy)
    assert "validity" not in found.coords
    share = found.coords["valid_share"]
    assert share.dtype == np.float32 and share.dims == (("band",) if validity == "band share" else ()) + ("y", "x")
    assert share.attrs["units"] == "1" and (chunks is None or share.chunks is not None)
    np.testing.assert_array_equal(share.values, expected.validity)
    np.testing.assert_array_equal(found.values, expected.image)


def test_chunks_that_no_source_pixel_reaches_have_shares_of_zero():
    far = ProjectedGrid(PAIR.source, PAIR.target)
    lazy = bands().chunk(y=10, x=10).gpumask.resample(far, validity="share", chunks=(7, 9))
    eager = bands().gpumask.resample(far, validity="share")
    np.testing.assert_array_equal(lazy.valid_share.values, eager.valid_share.values)
    assert (eager.valid_share.values == 0).any() and lazy.valid_share.data.dtype == np.float32


def test_each_variable_of_a_dataset_has_its_own():
    first = image_at(PAIR.source, dtype="float32").rename("red")
    second = first.where(first > first.mean()).rename("blue")
    dataset = xarray.merge([first, second])
    found = dataset.gpumask.resample(GRID, validity={"red": "share"})
    assert {"red_valid_share", "blue_validity"} <= set(found.coords)
    assert found.red.attrs["ancillary_variables"] == "red_valid_share"
    assert found.blue.attrs["ancillary_variables"] == "blue_validity"
    assert "standard_name" not in found.red_valid_share.attrs
    np.testing.assert_array_equal(found.red_valid_share, first.gpumask.resample(GRID, validity="share").valid_share)
    again = found.gpumask.reproject(PAIR.source.crs, interp="linear")
    assert "red_valid_share" not in again.coords and again.red.attrs["ancillary_variables"] == "red_validity"
    alone = first.to_dataset().gpumask.resample(GRID, validity="share")
    assert "valid_share" in alone.coords and "validity" not in alone.coords


def test_a_next_step_tells_invalid_pixels_by_nan_and_by_the_nodata_value():
    array = bands()
    shared, plain = (array.gpumask.resample(GRID, "linear", validity=how) for how in ("share", "pixel"))
    found, expected = (each.gpumask.reproject(PAIR.source.crs, interp="linear") for each in (shared, plain))
    np.testing.assert_array_equal(found.values, expected.values)
    assert "valid_share" not in found.coords
    np.testing.assert_array_equal(found.validity.values, expected.validity.values)


def test_a_warning_says_that_the_share_alone_tells_invalid_pixels():
    array = image_at(PAIR.source, dtype="uint8")
    with pytest.warns(UserWarning, match="just the coordinate valid_share tells them"):
        array.gpumask.resample(GRID, validity="share")


def test_b_splines_have_no_share():
    with pytest.raises(GpumaskError, match="^validity: expected pixel or band for bspline3"):
        bands().gpumask.resample(GRID, "bspline3", validity="share")
