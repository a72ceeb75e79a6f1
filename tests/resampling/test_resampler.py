"""A grid that is kept, for many images."""

import numpy as np
import pytest

from gpumask import GpumaskError, Grid, MaskRule, Resampler, resample
from gpumask.backends import is_device_array
from gpumask.errors import ArgumentTypeError

RNG = np.random.default_rng(0)
GRID = Grid(
    RNG.uniform(-1, 20, (4, 5)),
    RNG.uniform(-1, 30, (4, 5)),
    resolution=(7, 6),
    mask=RNG.random((4, 5)) > 0.1,
    nodata=-9,
)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_each_image_is_as_by_itself(backend, dtype):
    kept = Resampler(GRID, "linear", nodata_out=3, backend=backend)
    for bands in ((), (2,)):
        image = (RNG.random((*bands, 20, 30)) * 100).astype(dtype)
        valid = RNG.random((20, 30)) > 0.05
        for words in ({}, {"source_valid": valid}):
            found, expected = (
                kept(image, **words),
                resample(image, GRID, "linear", nodata_out=3, backend=backend, **words),
            )
            assert isinstance(found.image, np.ndarray) and found.image.dtype == expected.image.dtype
            np.testing.assert_array_equal(found.image, expected.image)
            np.testing.assert_array_equal(found.validity, expected.validity)


def test_its_words_are_those_of_resample(backend):
    words = {"dtype": "float32", "compute_dtype": "float32", "boundary": "reflect", "trust_padding": False}
    words |= {"interp": "bspline3", "nodata_out": None, "backend": backend}
    image = RNG.random((20, 30))
    found, expected = Resampler(GRID, **words)(image), resample(image, GRID, **words)
    np.testing.assert_array_equal(found.image, expected.image)
    loose = {"mask_policy": "renormalize", "min_weight": 0.5, "backend": backend}
    valid = RNG.random((20, 30)) > 0.2
    found, expected = Resampler(GRID, **loose)(image, valid), resample(image, GRID, source_valid=valid, **loose)
    np.testing.assert_array_equal(found.image, expected.image)


def test_rules_and_masked_arrays_say_what_is_valid(backend):
    image, band = RNG.random((20, 30)), RNG.integers(0, 3, (20, 30), dtype=np.uint8)
    rules = {"keep": [MaskRule.from_config({"band": "qa", "values": [1, 2]})], "quality": {"qa": band}}
    kept = Resampler(GRID, "nearest", backend=backend)
    by_rules, masked = kept(image, **rules), kept(np.ma.masked_array(image, band == 0))
    expected = resample(image, GRID, "nearest", source_valid=band != 0, backend=backend)
    for found in (by_rules, masked):
        np.testing.assert_array_equal(found.image, expected.image)
        np.testing.assert_array_equal(found.validity, expected.validity)
    assert 0 < expected.validity.mean() < 1


def test_the_grid_is_kept_where_the_work_is_done(backend):
    kept = Resampler(GRID, backend=backend)
    assert is_device_array(kept.grid.row) == is_device_array(kept.grid.mask) == (backend == "cuda")


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: Resampler([[1, 2]]), ArgumentTypeError, "grid: expected a Grid; got list"),
        (lambda: Resampler(GRID, "best"), GpumaskError, "interp: unknown interpolator"),
        (lambda: Resampler(GRID, compute_dtype="int8"), GpumaskError, "compute_dtype: expected"),
        (lambda: Resampler(GRID, nodata_out=-1)(np.ones((20, 30), np.uint8)), GpumaskError, "nodata_out: .*got -1"),
        (lambda: Resampler(GRID)(np.ones((20, 30)), np.ones((3, 3))), GpumaskError, "source_valid: expected shape"),
        (lambda: Resampler(GRID)("image"), GpumaskError, "source: expected an array"),
    ],
)
def test_what_can_not_be_right_is_refused(call, error, says):
    with pytest.raises(error, match=says):
        call()
