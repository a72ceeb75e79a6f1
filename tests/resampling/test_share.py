"""The valid share: by its definition, beside the strict rule, and the same however it is computed."""

import numpy as np
import pytest
from exhaustive import few_of, on_one_backend
from kernel_cases import SHARING, assert_same_bits, cases, shared
from share_cases import shares_by_definition

from gpumask import GpumaskError, Grid, Method, Resampler, Window, resample
from gpumask.backends import get
from gpumask.resampling.image import Source, Target
from gpumask.resampling.run import resample_into

pytestmark = pytest.mark.usefixtures("on_every_backend")
INTERPS = ("nearest", "linear", "cubic", "lanczos3")
every_interpolator = pytest.mark.parametrize("interp", INTERPS)
JUST_BELOW = np.float32(1) - np.float32(2**-24)


def scene(seed=5, shape=(17, 19), missing=0.2, places=(9, 67)):
    """Return an image, its validity, and places in and around it, of which many are whole numbers and halves."""
    rng = np.random.default_rng(seed)
    row, col = (rng.uniform(-3, n + 2, places) for n in shape)
    steps = rng.choice([1.0, 4.0, 4096.0], places)
    return rng.uniform(1, 9, shape), rng.random(shape) >= missing, np.round(row * steps) / steps, np.round(col * 4) / 4


def share(*args, **options):
    found = resample(*args, validity="share", **options).validity
    assert found.dtype == np.float32
    return np.asarray(found)


@every_interpolator
@pytest.mark.parametrize(("compute", "tolerance"), [("float64", 1e-6), ("float32", 4e-6)])
def test_it_is_that_of_its_definition(interp, compute, tolerance):
    source, valid, row, col = scene()
    row[3, 5], col[4, 6], row[5, 7] = np.nan, np.inf, 1e300
    found = share(source, Grid(row, col), interp, source_valid=valid, compute_dtype=compute)
    np.testing.assert_allclose(found, shares_by_definition(valid, row, col, interp), rtol=0, atol=tolerance)
    assert ((found > 0) & (found < 1)).any() or interp == "nearest"


@every_interpolator
@pytest.mark.parametrize("boundary", [None, "constant", "reflect", (None, "wrap"), ("edge", None)])
@pytest.mark.parametrize("masked", [True, False])
def test_what_lies_beyond_the_edges_counts_as_the_boundary_says(interp, boundary, masked):
    source, valid, row, col = scene(6)
    valid = valid if masked else np.ones_like(valid)
    found = share(source, Grid(row, col), interp, source_valid=valid if masked else None, boundary=boundary)
    modes = boundary if isinstance(boundary, tuple) else (boundary, boundary)
    np.testing.assert_allclose(found, shares_by_definition(valid, row, col, interp, modes), rtol=0, atol=1e-6)


@every_interpolator
@pytest.mark.parametrize("step", [(4, 8), (3, 5)])
def test_coarse_grids_give_what_their_coordinates_give(interp, step):
    source, valid, *_ = scene()
    y, x = np.mgrid[0 : 4 * step[0] + 1, 0 : 9 * step[1] + 1] / 8.0
    row, col = y * 4 + x / 8 - 1, x * 3 - y / 4 - 1
    grid = Grid(row[:: step[0], :: step[1]], col[:: step[0], :: step[1]], step)
    found = share(source, grid, interp, source_valid=valid)
    np.testing.assert_allclose(found, shares_by_definition(valid, row, col, interp), rtol=0, atol=1e-6)


@every_interpolator
@pytest.mark.parametrize("policy", ["strict", "renormalize"])
@pytest.mark.parametrize("compute", ["float64", "float32"])
def test_it_is_one_exactly_where_the_strict_rule_says_valid(interp, policy, compute):
    source, valid, row, col = scene(7, missing=0.05, places=(60, 130))
    row[::2] += 1e-11 if compute == "float64" else 2.0**-24  # weights that a sum does not notice
    options = {"source_valid": valid, "compute_dtype": compute}
    found = share(source, Grid(row, col), interp, mask_policy=policy, **options)
    strict = np.asarray(resample(source, Grid(row, col), interp, **options).validity)
    np.testing.assert_array_equal(found == 1, strict == 1)
    assert found[strict == 0].max() <= JUST_BELOW
    assert found.min() >= 0
    assert interp == "nearest" or (found == JUST_BELOW).any()


@every_interpolator
@pytest.mark.parametrize("compute", ["float64", "float32"])
@pytest.mark.parametrize("dtype", ["float64", "uint16"])
def test_with_a_least_share_of_one_renormalize_is_strict_to_the_bit(interp, compute, dtype):
    source, valid, row, col = scene(8, missing=0.1, places=(40, 130))
    source, words = (source * 1000).astype(dtype), {"source_valid": valid, "compute_dtype": compute, "nodata_out": 7}
    row[::2] += 1e-11 if compute == "float64" else 2.0**-24
    for boundary in (None, "reflect"):
        found, expected = (
            resample(source, Grid(row, col), interp, boundary=boundary, **words, **more)
            for more in ({"mask_policy": "renormalize", "min_weight": 1}, {})
        )
        assert_same_bits(np.asarray(found.image), np.asarray(expected.image))
        assert_same_bits(np.asarray(found.validity), np.asarray(expected.validity))


@every_interpolator
def test_it_does_not_depend_on_the_policy_nor_on_the_least_share(interp):
    source, valid, row, col = scene(9)
    options = {"source_valid": valid, "validity": "share"}
    strict = resample(source, Grid(row, col), interp, **options)
    for least in (1e-5, 0.6, 1):
        found = resample(source, Grid(row, col), interp, mask_policy="renormalize", min_weight=least, **options)
        assert_same_bits(np.asarray(found.validity), np.asarray(strict.validity))


@every_interpolator
@pytest.mark.parametrize("policy", ["strict", "renormalize"])
@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_the_image_is_that_of_a_call_without_shares(interp, policy, dtype):
    source, valid, row, col = scene(10)
    found, expected = (
        resample((source * 99).astype(dtype), Grid(row, col), interp, source_valid=valid, mask_policy=policy,
                 validity=validity, nodata_out=-1)
        for validity in ("share", "pixel")
    )  # fmt: skip
    assert_same_bits(np.asarray(found.image), np.asarray(expected.image))


@pytest.mark.parametrize("interp", ["linear", "cubic", "lanczos3"])
@pytest.mark.parametrize("compute", ["float64", "float32"])
def test_renormalized_pixels_in_the_source_have_the_least_share_at_least(interp, compute):
    source, valid, row, col = scene(11, missing=0.4, places=(40, 130))
    inside = (row >= 0) & (row <= 16) & (col >= 0) & (col <= 18)
    near = np.zeros(row.shape, bool)
    near[inside] = valid[np.floor(row[inside] + 0.5).astype(int), np.floor(col[inside] + 0.5).astype(int)]
    options = {"source_valid": valid, "mask_policy": "renormalize", "compute_dtype": compute}
    shares = share(source, Grid(row, col), interp, **options)
    for least in (0.3, 0.7, float(np.median(shares[near]))):
        found = np.asarray(resample(source, Grid(row, col), interp, min_weight=least, **options).validity)
        assert (shares[inside & (found == 1)].astype(float) >= least).all()
        # Where weights of both signs sum up to nothing there is no value, whatever the share.
        lacking = near & (shares.astype(float) >= least) & (found == 0)
        assert not lacking.any() if interp == "linear" else lacking.mean() < 0.01


@every_interpolator
def test_values_under_the_mask_change_nothing(interp):
    source, valid, row, col = scene(12)
    for policy in ("strict", "renormalize"):
        options = {"source_valid": valid, "mask_policy": policy}
        expected = share(source, Grid(row, col), interp, **options)
        for under in (np.nan, np.inf, 3e38):
            assert_same_bits(share(np.where(valid, source, under), Grid(row, col), interp, **options), expected)


@every_interpolator
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_is_an_invalid_pixel_in_all_bands_or_in_its_own(interp, dtype):
    source, valid, row, col = scene(13)
    bands = np.stack([source, source]).astype(dtype)
    bands[0][~valid] = np.nan
    grid, more = Grid(row, col), np.roll(valid, 3, axis=1)
    both = share(bands, grid, interp, source_valid=more)
    np.testing.assert_allclose(both, shares_by_definition(valid & more, row, col, interp), rtol=0, atol=1e-6)
    found = np.asarray(resample(bands, grid, interp, source_valid=more, validity="band share").validity)
    for own, of_band in zip(found, (valid & more, more), strict=True):
        np.testing.assert_allclose(own, shares_by_definition(of_band, row, col, interp), rtol=0, atol=1e-6)


@pytest.mark.parametrize("interp", ["linear", "cubic", "lanczos3"])
def test_infinities_count_as_valid_unless_they_cancel(interp):
    source = np.ones((9, 9))
    source[4, 4] = np.inf
    grid = Grid([[4.5, 4.5, 0.5]], [[4.5, 7.5, 0.25]])
    found = resample(source, grid, interp, validity="share")
    valid = np.isfinite(np.asarray(found.image)) | (np.asarray(found.image) == np.inf)
    strict = np.asarray(resample(source, grid, interp).validity)
    np.testing.assert_array_equal(np.asarray(found.validity) == 1, strict == 1)
    assert valid.all()
    source[4, 5] = -np.inf
    found = resample(source, Grid([[4.5]], [[4.5]]), interp, validity="share")
    assert (np.asarray(found.validity) == JUST_BELOW).all()


@every_interpolator
@pytest.mark.parametrize("policy", ["strict", "renormalize"])
@pytest.mark.parametrize("bands", few_of([1, 3, 10], [3, 10]))
def test_each_band_is_as_it_would_be_alone(interp, policy, bands):
    rng = np.random.default_rng(14)
    source, _, row, col = scene(14)
    images, valid = rng.uniform(1, 9, (bands, *source.shape)), rng.random((bands, *source.shape)) > 0.1
    options = {"mask_policy": policy, "boundary": "reflect"}
    found = resample(images, Grid(row, col), interp, source_valid=valid, validity="band share", **options)
    for band in range(bands):
        alone = resample(images[band], Grid(row, col), interp, source_valid=valid[band], validity="share", **options)
        assert_same_bits(np.asarray(found.validity[band]), np.asarray(alone.validity))
        assert_same_bits(np.asarray(found.image[band]), np.asarray(alone.image))


@every_interpolator
@pytest.mark.parametrize("compute", ["float64", "float32"])
def test_windows_of_the_output_and_of_the_source_change_nothing(backend, interp, compute):
    source, valid, *_ = scene(15)
    y, x = np.mgrid[0:9, 0:13].astype(float)
    grid = Grid(1.7 * y + 0.3 * x - 1, 1.4 * x - 0.2 * y - 1, (5, 7))
    method, chosen = Method(interp, compute_dtype=compute, validity="share"), get(backend)
    whole = share(source, grid, interp, source_valid=valid, compute_dtype=compute)
    for window in (Window(0, 0, 9, 70), Window(7, 3, 20, 66), Window(30, 80, 11, 5)):
        part = grid.crop(window)
        assert_same_bits(share(source, part, interp, source_valid=valid, compute_dtype=compute), whole[window.slices])
        reach = method.reach(part, source.shape)
        if chosen.name == "cuda" or reach.is_empty:
            continue
        some = Source(
            source[None][:, *reach.slices], valid.view(np.uint8)[reach.slices], (reach.row, reach.col), source.shape
        )
        target = Target(np.empty((1, *part.shape)), np.empty(part.shape, np.float32), 0)
        resample_into(chosen, some, part, method, target)
        assert_same_bits(target.validity, whole[window.slices])


def test_a_resampler_gives_what_resample_gives():
    source, valid, row, col = scene(16)
    found = Resampler(Grid(row, col), "cubic", validity="share")(source, valid)
    assert_same_bits(np.asarray(found.validity), share(source, Grid(row, col), "cubic", source_valid=valid))


def test_what_says_valid_beside_the_shares_is_what_says_it_without_them(backend):
    source, valid, row, col = scene(17)
    chosen, grid = get(backend), Grid(row, col)
    for policy in ("strict", "renormalize"):
        method = Method("cubic", mask_policy=policy)
        given = Source(chosen.asarray(source[None]), chosen.asarray(valid.view(np.uint8)))
        image, marks, told = (
            chosen.empty(shape, dtype)
            for shape, dtype in (((1, *row.shape), float), (row.shape, np.uint8), (row.shape, np.uint8))
        )
        resample_into(chosen, given, grid, method, Target(image, marks, 0, outside=2))
        shares = chosen.empty(row.shape, np.float32)
        resample_into(chosen, given, grid, method, Target(image, shares, 0, outside=2, valid=told))
        host = [np.asarray(chosen.to_family_of(np.empty(0), array)) for array in (marks, told, shares)]
        assert_same_bits(host[1], host[0])
        assert (host[2][host[0] == 2] == 0).all()


@pytest.mark.parametrize("backend", ["cuda", "native"], indirect=True)
@pytest.mark.parametrize("variant", SHARING, ids=str)
def test_shares_are_those_of_the_twin_to_the_bit(backend, variant):
    for case in cases(variant.source):
        results = [shared(get(name), variant, case) for name in (backend, "numpy")]
        for found, expected in zip(*results, strict=True):
            assert_same_bits(found, expected, case.name)


@on_one_backend
@pytest.mark.parametrize("validity", ["share", "band share"])
def test_b_splines_have_no_share(validity):
    with pytest.raises(GpumaskError, match="^validity: expected pixel or band for bspline3, whose taps are not pixels"):
        Method("bspline3", validity=validity)


@on_one_backend
def test_a_method_says_what_its_validity_is():
    found = {validity: Method(validity=validity) for validity in ("pixel", "band", "share", "band share")}
    assert [each.by_band for each in found.values()] == [False, True, False, True]
    assert [each.share for each in found.values()] == [False, False, True, True]
    assert [each.validity_dtype.name for each in found.values()] == ["uint8", "uint8", "float32", "float32"]
