"""B-splines.

See test_where_gridr_fails.py.
"""

import numpy as np
import pytest
from gridr_scenes import NOISE, RAMP, SPLINE, gridr, nodes, sample, sample_by_gridr, sample_with

import gpumask
from gpumask import Grid, resample

ORDERS = (3, 5, 7, 9, 11)
ONES = np.ones((60, 60), np.uint8)

pytestmark = pytest.mark.usefixtures("on_every_backend")


def spline(order=3, **changes):
    """Return what names a B-spline to array_grid_resampling."""
    return {"interp": f"bspline{order}", "interp_kwargs": SPLINE | changes}


def prefiltered(module, source=NOISE, mask=None, **options):
    """Return coefficients and their validity by one of the two libraries; both are made in place."""
    library = gpumask.array_bspline_prefiltering
    if module == "gridr":
        library = gridr("core.interp.bspline_prefiltering", "array_bspline_prefiltering")
    source, mask = source.copy(), None if mask is None else mask.copy()
    library(source, mask, **options)
    return source, mask


@pytest.mark.parametrize("order", ORDERS)
def test_the_callers_data_and_mask_stay_as_they_are(order):
    """Filters the caller's image and spreads the caller's mask in place, so that a second call differs."""
    noise = np.random.default_rng(1).random((300, 300))
    ones = np.ones((300, 300), np.uint8)
    ones[150, 150] = 0
    for function in (gpumask.array_grid_resampling, gridr("core.grid.grid_resampling", "array_grid_resampling")):
        source, mask = noise.copy(), ones.copy()
        first, second = (
            sample_with(function, row=nodes(130.3), col=nodes(120.2), source=source, resolution=(1, 1),
                        array_in_mask=mask, **spline(order))[0]
            for _ in range(2)
        )  # fmt: skip
        unchanged = function is gpumask.array_grid_resampling
        assert np.array_equal(source, noise) == unchanged
        assert np.array_equal(mask, ones) == unchanged
        assert (first == second) == unchanged


@pytest.mark.parametrize("masked", [False, True])
def test_nan_spoils_its_neighbourhood_alone(masked):
    """Makes NaN of the whole image, flagged valid, though NaN lies under an invalid pixel."""
    source, valid = NOISE.copy(), ONES.copy()
    source[30, 30] = np.nan
    valid[30, 30] = 0
    row, col = np.mgrid[15:45.0, 15:45.0]
    mask = valid if masked else None
    image, found = sample(row=row, col=col, source=source, array_in_mask=mask, nodata_out=-1, **spline())
    expected = sample(row=row, col=col, array_in_mask=valid, source=NOISE, nodata_out=-1, **spline())[1]
    np.testing.assert_array_equal(found, expected)
    assert found[abs(row - 30) + abs(col - 30) > 7].all()
    assert not found[abs(row - 30) + abs(col - 30) <= 5].any()
    assert not np.isnan(image).any()
    np.testing.assert_allclose(image[found == 1], NOISE[15:45, 15:45][found == 1], atol=1e-3)
    image, found = sample_by_gridr(row=row, col=col, source=source, array_in_mask=mask, **spline())
    assert found.any()
    assert np.isnan(image[found == 1]).all()


@pytest.mark.parametrize("masked", [False, True])
def test_nan_stays_invalid_from_the_filter_to_the_resampling(masked):
    """Filters NaN into the whole image, and leaves it valid."""
    source = NOISE.copy()
    source[30, 30] = np.nan
    row, col = np.mgrid[20:40.0, 20:40.0]
    options = {"standalone": False, "nodata_out": -1}
    found = []
    for module, run in (("gpumask", sample), ("gridr", sample_by_gridr)):
        made, mask = prefiltered(module, source, ONES if masked else None, n=3)
        found.append(run(row=row, col=col, source=made, array_in_mask=mask, **options, **spline()))
    whole = sample(row=row, col=col, source=source, nodata_out=-1, **spline())
    np.testing.assert_array_equal(found[0][1], whole[1])
    np.testing.assert_allclose(found[0][0], whole[0], atol=1e-6)
    assert np.isnan(found[1][0]).all()
    assert found[1][1].all()


def test_a_node_that_is_not_finite_spoils_no_other_pixel():
    """A NaN node hides how far the grid reaches, so that pixels at the edges are invalid. The last one raises."""
    source, row, col = NOISE[:40, :40], nodes(39, np.nan, 20), nodes(20, 20, 20)
    options = {"source": source, "boundary_condition": "reflect", **spline()}
    np.testing.assert_array_equal(sample(row=row, col=col, **options)[1], [[1, 0, 1]])
    np.testing.assert_array_equal(sample_by_gridr(row=row, col=col, **options)[1], [[0, 0, 1]])
    last = row[:, [0, 2, 1]]
    np.testing.assert_array_equal(sample(row=last, col=col, **options)[1], [[1, 1, 0]])
    with pytest.raises(ValueError, match="NaN to integer"):
        sample_by_gridr(row=last, col=col, **options)


@pytest.mark.parametrize("order", ORDERS)
def test_a_grid_wholly_outside_a_small_image_gives_nodata(order):
    """Panics: it pads nothing there, and its filter wants more pixels than there are."""
    options = {"row": nodes(-30, -20), "col": nodes(2, 3), **spline(order)}
    image, mask = sample(nodata_out=-1, **options)
    np.testing.assert_array_equal(image, [-1, -1])
    assert not mask.any()
    with pytest.raises(BaseException, match=r"Test ncol=10 > 2\*l0"):
        sample_by_gridr(**options)


def test_a_safe_window_makes_no_coefficient_valid():
    """A safe window too small for the filter wraps around, and validates what is masked."""
    mask = np.zeros((60, 60), np.uint8)
    mask[:5] = 1
    options = {"row": nodes(20, 30), "col": nodes(20, 30), "source": NOISE, "array_in_mask": mask, **spline()}
    options["array_in_mask_safe_win"] = np.array([[0, 4], [0, 59]])
    assert not sample(**options)[1].any()
    assert sample_by_gridr(**options)[1].all()


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("epsilon", [0, -1.0, np.nan, 1e6])
def test_an_epsilon_out_of_range_is_refused(order, epsilon):
    """Takes any epsilon for a number, and looks ahead too little."""
    where = {"row": nodes(30.3), "col": nodes(30.2), "source": NOISE}
    with pytest.raises(gpumask.GpumaskError, match="^interp_kwargs: expected epsilon of 1e-100 or more, below 1"):
        sample(**where, **spline(order, epsilon=epsilon))
    with pytest.raises(gpumask.GpumaskError, match="^epsilon: expected epsilon of 1e-100 or more, below 1"):
        gpumask.get_interpolator(f"bspline{order}", **SPLINE | {"epsilon": epsilon})
    peer = gridr("core.interp.interpolator", "get_interpolator")(f"bspline{order}", **SPLINE | {"epsilon": epsilon})
    peer.initialize()
    assert peer.total_margins()[0] < gpumask.get_interpolator(f"bspline{order}", **SPLINE).total_margins()[0]


@pytest.mark.parametrize("threshold", [0, -1.0, np.nan])
def test_a_mask_influence_threshold_out_of_range_is_refused(threshold):
    """Panics at 0. If it is negative or NaN, invalid pixels spoil nothing but themselves."""
    where = {"row": nodes(30), "col": nodes(28), "source": NOISE, "array_in_mask": ONES.copy()}
    where["array_in_mask"][30, 30] = 0
    options = spline(mask_influence_threshold=threshold)
    with pytest.raises(gpumask.GpumaskError, match="^interp_kwargs: expected mask_influence_threshold of 1"):
        sample(**where, **options)
    if threshold == 0:
        with pytest.raises(BaseException, match="capacity overflow"):
            sample_by_gridr(**where, **options)
    else:
        assert sample_by_gridr(**where, **options)[1] == 1
    assert sample(**where, **spline())[1] == sample_by_gridr(**where, **spline())[1] == 0


def test_an_interpolator_is_ready_from_the_beginning():
    """Needs initialize() first. Without it total_margins() raises, and the filter leaves no pixel as it was."""
    ours = gpumask.get_interpolator("bspline3", **SPLINE)
    assert ours.total_margins() == [14] * 4
    inner = np.s_[13:-13, 13:-13]
    made = prefiltered("gpumask", interp=ours)[0]
    assert (made[inner] != NOISE[inner]).all()
    assert (made != NOISE).sum() == made[inner].size
    peer = gridr("core.interp.interpolator", "get_interpolator")("bspline3", **SPLINE)
    with pytest.raises(ValueError, match="has not been initialized"):
        peer.total_margins()
    assert (prefiltered("gridr", interp=peer)[0] != NOISE).all()
    peer.initialize()
    assert peer.total_margins() == [14] * 4


@pytest.mark.parametrize("name", ["nearest", "linear", "cubic"])
def test_an_interpolator_may_be_an_object_of_either_library(name):
    """Takes its own objects alone."""
    where, peer = {"row": nodes(4.25), "col": nodes(4.5)}, gridr("core.interp.interpolator", "get_interpolator")(name)
    expected = sample(name, **where)[0]
    assert sample(gpumask.get_interpolator(name), **where)[0] == expected
    assert sample(peer, **where)[0] == expected
    assert resample(RAMP, Grid(**where), peer).image == expected
    with pytest.raises(Exception, match="Bad type for the interp parameter"):
        sample_by_gridr(gpumask.get_interpolator(name), **where)


@pytest.mark.parametrize(
    ("named", "source", "options", "error"),
    [
        ("order", NOISE, {"n": 4}, "Only odd order"),
        ("array_in", NOISE[:20], {"n": 3}, "Test nrow=20"),
        ("interp", NOISE, {"interp": "bspline3"}, "has no attribute"),
    ],
)
def test_the_filter_refuses_what_cannot_be_right_by_name(named, source, options, error):
    """Panics at even orders and small images. Raises AttributeError at a name."""
    with pytest.raises(gpumask.GpumaskError, match=f"^{named}: expected"):
        prefiltered("gpumask", source, **options)
    with pytest.raises(BaseException, match=error):
        prefiltered("gridr", source, **options)


@pytest.mark.parametrize("dtype", ["float32", "int16", "uint8"])
def test_images_of_every_type_are_filtered_in_float64(dtype):
    """Raises TypeError, 'ndarray' object is not an instance of 'ndarray', unless the image is float64."""
    source, where = (NOISE * 100).astype(dtype), {"row": nodes(30.3), "col": nodes(30.2)}
    found, expected = (sample(source=array, **where, **spline())[0] for array in (source, source.astype(float)))
    assert found == expected
    with pytest.raises(TypeError, match="'ndarray' object is not an instance of 'ndarray'"):
        sample_by_gridr(source=source, **where, **spline())
