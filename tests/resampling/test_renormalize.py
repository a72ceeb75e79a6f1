"""Renormalised weights: by their definition, against GDAL, and the kernel against its twin."""

import gpu
import numpy as np
import pytest
import rasterio.warp
from affine import Affine
from kernel_cases import assert_same_bits
from spline_cases import FINITE, RENORMALIZED, finite_of, renormalized

from gpumask import GpumaskError, Grid, resample
from gpumask.backends import get
from gpumask.backends.twin_weights import weights
from gpumask.pixels.interpolators import INTERPOLATORS

pytestmark = pytest.mark.usefixtures("on_every_backend")
every_interpolator = pytest.mark.parametrize("interp", RENORMALIZED)


@pytest.mark.parametrize("dtype", ["uint16", "float32", "float64"])
@every_interpolator
def test_renormalize_is_that_of_its_twin_to_the_bit(backend, interp, dtype):
    with gpu.facts((interp, dtype) == ("linear", "uint16")):
        results = [renormalized(get(name), interp, dtype) for name in (backend, "numpy")]
    for found, expected in zip(*results, strict=True):
        assert_same_bits(found[2], expected[2], f"validity of {found[0]}")
        assert_same_bits(found[1], expected[1], f"image of {found[0]}")


@pytest.mark.parametrize("case", FINITE, ids=str)
def test_what_is_finite_is_that_of_its_twin(backend, case):
    found, expected = (finite_of(get(name), *case) for name in (backend, "numpy"))
    assert_same_bits(found, expected)
    assert found.size == 1 or 0 < found.mean() < 1


def some_source(rng, shape=(17, 19), share=0.3):
    return rng.uniform(-1, 1, shape), rng.random(shape) >= share


@every_interpolator
@pytest.mark.parametrize("min_weight", [1e-5, 0.3, 1.0])
def test_a_pixel_is_that_of_its_definition(interp, min_weight):
    rng = np.random.default_rng(7)
    source, valid = some_source(rng)
    row, col = np.round(rng.uniform(-2, 20, (2, 9, 40)) * 4) / 4
    options = {"source_valid": valid, "mask_policy": "renormalize", "min_weight": min_weight, "nodata_out": -9}
    found = resample(source, Grid(row, col), interp, **options)
    strict = resample(source, Grid(row, col), interp, source_valid=valid, nodata_out=-9)
    for place in np.ndindex(row.shape):
        value = _by_definition(source, valid, row[place], col[place], interp, min_weight)
        if strict.validity[place]:
            value = strict.image[place]
        assert found.validity[place] == (value is not None), place
        assert found.image[place] == pytest.approx(-9 if value is None else value, abs=1e-12)
    if min_weight == 1:
        assert_same_bits(found.image, strict.image)
        assert_same_bits(found.validity, strict.validity)
    else:
        assert found.validity.sum() > strict.validity.sum()


def _by_definition(source, valid, row, col, interp, min_weight):
    padded = np.pad(valid, 8)
    if not padded[
        tuple(np.clip(int(np.floor(x + 0.5)) + 8, 0, n + 15) for x, n in zip((row, col), source.shape, strict=True))
    ]:
        return None
    taps, first = INTERPOLATORS[interp].taps, INTERPOLATORS[interp].first_tap
    axes = []
    for x in (row, col):
        f = x - np.floor(x)
        w = [float(k == -first) for k in range(taps)] if f == 0 else [float(w) for w in weights(np.array(f), taps)]
        axes.append([(int(np.floor(x)) + first + k, weight) for k, weight in enumerate(w) if weight])
    every = [(r, c, v * w) for r, v in axes[0] for c, w in axes[1]]
    here = [(r, c, w) for r, c, w in every if padded[r + 8, c + 8]]
    total, share = sum(w for *_, w in here), sum(abs(w) for *_, w in here) / sum(abs(w) for *_, w in every)
    return sum(w * source[r, c] for r, c, w in here) / total if share >= min_weight and total >= 1e-5 else None


def test_with_no_invalid_pixel_it_is_the_strict_policy_but_for_the_edges():
    rng = np.random.default_rng(3)
    source, _ = some_source(rng)
    grid = Grid(*rng.uniform(3, 13, (2, 20, 20)))
    for interp in RENORMALIZED:
        found, expected = (resample(source, grid, interp, mask_policy=how) for how in ("renormalize", "strict"))
        assert_same_bits(found.image, expected.image)
        assert found.validity.all()


@pytest.mark.parametrize("policy", ["strict", "renormalize"])
def test_in_float32_a_place_just_before_a_whole_number_is_valid(policy):
    source = np.arange(400.0).reshape(20, 20)
    grid = Grid([[8.5, 8.99999999]], [[8.99999999, 8.5]])
    found = resample(source, grid, "lanczos3", compute_dtype="float32", mask_policy=policy)
    assert found.validity.all()
    np.testing.assert_allclose(found.image, [[179, 188.5]], rtol=1e-3)


@every_interpolator
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_not_finite_are_left_out(interp, value):
    rng = np.random.default_rng(3)
    source, valid = some_source(rng)
    grid = Grid(*rng.uniform(0, 17, (2, 20, 20)))
    found = resample(np.where(valid, source, value), grid, interp, mask_policy="renormalize")
    expected = resample(source, grid, interp, source_valid=valid, mask_policy="renormalize")
    assert_same_bits(found.image, expected.image)
    assert_same_bits(found.validity, expected.validity)


def gdal(source, valid, degrees, interp):
    """Return GDAL's image and validity of a source, turned about its centre."""
    centre = source.shape[0] / 2
    about = Affine.translation(centre, centre) @ Affine.rotation(degrees) @ Affine.translation(-centre, -centre)
    out = np.full(source.shape, -9.0)
    rasterio.warp.reproject(
        np.where(valid, source, -9.0), out, src_transform=Affine.identity(), dst_transform=about, src_nodata=-9.0,
        dst_nodata=-9.0, src_crs="EPSG:3857", dst_crs="EPSG:3857", resampling=rasterio.warp.Resampling[interp],
        tolerance=0, XSCALE=1, YSCALE=1,
    )  # fmt: skip
    rows, cols = np.mgrid[0 : source.shape[0], 0 : source.shape[1]] + 0.5
    x, y = about @ (cols, rows)
    return out, out != -9, Grid(y - 0.5, x - 0.5)


@pytest.mark.parametrize(("interp", "theirs"), [("linear", "bilinear"), ("lanczos3", "lanczos")])
def test_gdal_has_the_same_validity_and_values(interp, theirs):
    rng = np.random.default_rng(11)
    source, valid = some_source(rng, (200, 200), 0.2)
    image, validity, grid = gdal(source, valid, 7, theirs)
    found = resample(source, grid, interp, source_valid=valid, mask_policy="renormalize", nodata_out=-9)
    assert np.mean(found.validity != validity) < 2e-4  # coordinates a rounding away from the middle between pixels
    both = (found.validity == 1) & validity
    np.testing.assert_allclose(found.image[both], image[both], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mask_policy", {"mask_policy": "lenient"}), ("mask_policy", {"mask_policy": None}),
        ("mask_policy", {"mask_policy": "renormalize", "interp": "bspline3"}),
        ("boundary", {"boundary": ("edge",)}), ("boundary", {"boundary": ("edge", "mirror")}),
        ("min_weight", {"min_weight": 0}), ("min_weight", {"min_weight": 1.5}), ("min_weight", {"min_weight": np.nan}),
        ("min_weight", {"min_weight": "half"}), ("boundary", {"boundary": "mirror"}), ("boundary", {"boundary": 3}),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_refused_by_name(name, options):
    with pytest.raises(GpumaskError, match=f"^{name}: expected"):
        resample(np.ones((9, 9)), Grid([[4.5]], [[4.5]]), **options)


@every_interpolator
def test_what_float32_cannot_hold_is_left_out_where_it_computes(interp):
    source = np.ones((9, 9))
    source[4, 4] = 1e39
    grid = Grid([[4.0, 4.0], [4.6, 4.6]], [[3.4, 4.6], [3.4, 4.6]])
    found = resample(source, grid, interp, mask_policy="renormalize", compute_dtype="float32")
    np.testing.assert_array_equal(found.validity, 1)
    np.testing.assert_allclose(found.image, 1, rtol=1e-6)


def test_the_least_weight_is_compared_in_float64():
    source, valid = np.ones((3, 4), np.float32), np.array([[1, 1, 0, 0]] * 3)  # float32(0.7) is less than 0.7
    options = {"source_valid": valid, "mask_policy": "renormalize", "compute_dtype": "float32"}
    found = resample(source, Grid([[1.0]], [[1.3]]), "linear", min_weight=0.7, **options)
    assert not found.validity.any()
