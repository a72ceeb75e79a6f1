"""Validity by band: each band as if it were alone."""

import numpy as np
import pytest
from exhaustive import few_of
from kernel_cases import APPLIED, masks

from gpumask import GpumaskError, Grid, MaskRule, Resampler, resample
from gpumask.backends import get
from gpumask.masks.footprint import footprints, footprints_by_band

RNG = np.random.default_rng(0)
GRID = Grid(
    RNG.uniform(-2, 32, (5, 6)),
    RNG.uniform(-2, 42, (5, 6)),
    resolution=(9, 8),
    mask=RNG.random((5, 6)) > 0.05,
)
SHAPE = (30, 40)
WORDS = [
    *({"interp": name} for name in ("nearest", "linear", "cubic", "bspline3")),
    *({"interp": name, "mask_policy": "renormalize", "min_weight": 0.3} for name in ("nearest", "linear")),
    *({"interp": name, "boundary": mode} for name, mode in (("cubic", "wrap"), ("bspline3", "constant"))),
]


def image_of(bands, dtype):
    """Return bands with values in all of them, and NaN in each at other places where the type has such."""
    image = (RNG.random((bands, *SHAPE)) * 200).astype(dtype)
    if image.dtype.kind == "f":
        image[RNG.random(image.shape) < 0.02] = np.nan
        image[RNG.random(image.shape) < 0.005] = np.inf
    return image


def assert_each_is_as_alone(found, image, valid, **words):
    assert found.validity.shape == found.image.shape and found.validity.dtype == np.uint8
    for band, pixels in enumerate(image):
        own = valid[band] if valid is not None and valid.ndim == 3 else valid
        alone = resample(pixels, GRID, source_valid=own, **words)
        np.testing.assert_array_equal(found.image[band], alone.image)
        np.testing.assert_array_equal(found.validity[band], alone.validity)


@pytest.mark.parametrize("words", WORDS, ids=lambda words: "-".join(map(str, words.values())))
@pytest.mark.parametrize("dtype", ["uint16", "float64"])
@pytest.mark.parametrize("masked", ["not", "all alike", "each"])
def test_each_band_is_as_it_would_be_alone(on_every_backend, words, dtype, masked):
    image = image_of(3, dtype)
    valid = {"not": None, "all alike": RNG.random(SHAPE) > 0.04, "each": RNG.random(image.shape) > 0.04}[masked]
    found = resample(image, GRID, source_valid=valid, validity="band", **words)
    assert_each_is_as_alone(found, image, valid, **words)
    again = Resampler(GRID, validity="band", **words)(image, valid)
    np.testing.assert_array_equal(again.image, found.image)
    np.testing.assert_array_equal(again.validity, found.validity)


@pytest.mark.parametrize("bands", [1, 2, 7, 8, 9, 17])
def test_there_may_be_any_number_of_bands(on_every_backend, bands):
    image, valid = image_of(bands, "uint16"), RNG.random((bands, *SHAPE)) > 0.1
    found = resample(image, GRID, source_valid=valid, validity="band")
    assert_each_is_as_alone(found, image, valid)
    assert len(np.unique(found.validity.reshape(bands, -1), axis=0)) == bands


def test_an_image_of_one_band_has_its_axes(on_every_backend):
    image = image_of(1, "float64")[0]
    found, expected = resample(image, GRID, validity="band"), resample(image, GRID)
    assert found.image.shape == found.validity.shape == GRID.shape
    np.testing.assert_array_equal(found.image, expected.image)
    np.testing.assert_array_equal(found.validity, expected.validity)


def test_by_pixel_a_validity_of_bands_counts_where_all_of_them_do(on_every_backend):
    image, valid = image_of(3, "float64"), RNG.random((3, *SHAPE)) > 0.04
    found = resample(image, GRID, source_valid=valid)
    expected = resample(image, GRID, source_valid=valid.all(axis=0))
    np.testing.assert_array_equal(found.image, expected.image)
    np.testing.assert_array_equal(found.validity, expected.validity)
    assert found.validity.shape == GRID.shape


def test_a_masked_array_masks_each_band_by_itself(on_every_backend):
    image, valid = image_of(3, "uint16"), RNG.random((3, *SHAPE)) > 0.04
    also = RNG.random(SHAPE) > 0.02
    masked = np.ma.masked_array(image, ~valid)
    found = resample(masked, GRID, "linear", source_valid=also, validity="band")
    assert_each_is_as_alone(found, image, valid & also, interp="linear")


def test_rules_mask_all_bands(on_every_backend):
    image, qa = image_of(2, "float64"), RNG.integers(0, 9, SHAPE, dtype=np.uint8)
    rules = {"keep": [MaskRule.from_config({"band": "qa", "values": [0], "invert": True})], "quality": {"qa": qa}}
    valid = RNG.random((2, *SHAPE)) > 0.04
    found = resample(image, GRID, "linear", source_valid=valid, validity="band", **rules)
    assert_each_is_as_alone(found, image, valid & (qa != 0), interp="linear")


def test_what_lies_under_an_invalid_pixel_of_one_band_changes_nothing(on_every_backend):
    image, valid = image_of(2, "float64"), RNG.random((2, *SHAPE)) > 0.04
    found = [
        resample(np.where(valid, image, under), GRID, source_valid=valid, validity="band")
        for under in (0, np.nan, 3e38)
    ]
    for other in found[1:]:
        np.testing.assert_array_equal(other.image, found[0].image)
        np.testing.assert_array_equal(other.validity, found[0].validity)


@pytest.mark.parametrize("name", few_of(APPLIED, ["linear", "cubic", "bspline5"]))
def test_a_word_has_the_footprints_of_eight_bands(backend, name):
    chosen, interp = get(backend), APPLIED[name]
    for mask in masks():
        bands = np.stack([np.roll(mask, band, axis=1) for band in range(11)])
        words = chosen.to_family_of(mask, footprints_by_band(chosen, bands, interp))
        assert words.dtype == np.uint32 and words.shape == (2, *mask.shape)
        for band, alone in enumerate(bands):
            own = chosen.to_family_of(mask, footprints(chosen, alone, interp))
            np.testing.assert_array_equal(words[band // 8] >> 4 * (band % 8) & 15, own)


@pytest.mark.parametrize("validity", ["bands", None, 1, True])
def test_another_word_is_refused(validity):
    for call in (lambda **words: resample(np.zeros((2, 2)), GRID, **words), lambda **words: Resampler(GRID, **words)):
        with pytest.raises(GpumaskError, match="^validity: expected one of pixel, band, share, band share; got"):
            call(validity=validity)


@pytest.mark.parametrize("shape", [(2, *SHAPE), (4, *SHAPE), (1, *SHAPE), SHAPE[::-1], (3, 1, *SHAPE), (3,)])
@pytest.mark.parametrize("validity", ["pixel", "band"])
def test_a_validity_of_another_shape_is_refused(shape, validity):
    with pytest.raises(GpumaskError, match=r"^source_valid: expected shape \(30, 40\)"):
        resample(np.zeros((3, *SHAPE)), GRID, source_valid=np.ones(shape, bool), validity=validity)
