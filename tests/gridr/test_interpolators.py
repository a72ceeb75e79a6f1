"""GridR's interpolators, and those that have its names here."""

import numpy as np
import pytest

import gpumask
from gpumask import GpumaskError
from gpumask.pixels.interpolators import POLES, bspline, interpolator

theirs = pytest.importorskip("gridr.core.interp.interpolator")


@pytest.mark.parametrize("order", POLES)
def test_a_spline_s_object_is_asked_for_its_margins_and_how_far_a_bad_pixel_reaches(order):
    rng = np.random.default_rng(order)
    for _ in range(60):
        epsilon, threshold = 10.0 ** rng.uniform(-12, -0.01), 10.0 ** rng.uniform(-9, 0.5)
        words = {"epsilon": epsilon, "mask_influence_threshold": threshold}
        found, meant = (
            interpolator(theirs.get_interpolator(f"bspline{order}", **words)),
            bspline(order, *words.values()),
        )
        assert (found.name, found.steps, found.influence) == (meant.name, meant.steps, meant.influence)
        assert found.epsilon <= epsilon


def test_a_spline_s_object_is_taken_wherever_an_interpolator_is():
    image = np.random.default_rng(2).random((60, 50))
    row, col = np.mgrid[15:40:0.7, 15:35:0.9]
    words = {"epsilon": 1e-4, "mask_influence_threshold": 1e-2}
    given, meant = theirs.get_interpolator("bspline3", **words), bspline(3, 1e-4, 1e-2)
    valid = np.ones(image.shape, bool)
    valid[30, 20] = False
    found, expected = (
        gpumask.resample(image, gpumask.Grid(row, col), which, source_valid=valid) for which in (given, meant)
    )
    assert np.array_equal(found.image, expected.image) and np.array_equal(found.validity, expected.validity)
    assert gpumask.get_interpolator(given) is given
    assert gpumask.get_interpolator(given, epsilon=1) is given
    assert gpumask.is_bspline(given) and gpumask.is_bspline(type(given))
    assert not gpumask.is_bspline(theirs.get_interpolator("cubic")) and not gpumask.is_bspline(
        theirs.LinearInterpolator
    )
    assert gpumask.is_bspline(theirs.PyInterpolatorType.BSpline5)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ({"epsilon": 0.0, "mask_influence_threshold": 1e-3}, "epsilon"),
        ({"epsilon": 1e-3, "mask_influence_threshold": 0.0}, "mask_influence_threshold"),
    ],
)
def test_a_spline_s_object_that_gridr_itself_cannot_use_is_refused(words, named, capfd):
    made = theirs.get_interpolator("bspline3", **words)
    with pytest.raises(GpumaskError, match=f"interp: expected a.*{named}"):
        interpolator(made)
    capfd.readouterr()  # what its panic says


def test_what_only_looks_like_a_spline_is_refused_by_name():
    class Named:
        def shortname(self):
            return "bspline3"

    with pytest.raises(GpumaskError, match="interp: expected an interpolator as GridR has them"):
        gpumask.resample(np.ones((3, 3)), gpumask.Grid(*np.mgrid[0.0:3, 0:3]), Named())
