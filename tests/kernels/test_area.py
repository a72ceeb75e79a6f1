"""The kernels of area statistics, in every type and on every backend."""

from functools import cache, partial

import gpu
import numpy as np
import pytest
from area_cases import EVERY, FEW, Areal, cases, covered
from exhaustive import few_of
from kernel_builds import compile_all
from kernel_cases import NODATA, Case, assert_same_bits, to_host

from gpumask.backends import get, native
from gpumask.resampling.image import Source, Target
from gpumask.resampling.run import resample_into

# The numpy backend is the twins.
compiled_backends = pytest.mark.parametrize("backend", ["cuda", "native"], indirect=True)
every_variant = pytest.mark.parametrize("variant", few_of(EVERY, FEW), ids=str)


@pytest.fixture(scope="session")
def compiled(request):
    """Compile what the selected tests need, two variants at a time."""
    asked = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    wanted = {of["variant"] for of in asked if isinstance(of.get("variant"), Areal) and of.get("backend") == "native"}
    compile_all(partial(native.library, variant.kernel, variant.defines) for variant in sorted(wanted))


@cache
def cases_and_twins(variant: Areal) -> list[tuple[Case, list[np.ndarray]]]:
    return [(case, covered(get("numpy"), variant, case, share=True)) for case in cases(variant.source)]


@compiled_backends
@pytest.mark.usefixtures("compiled")
@every_variant
def test_a_statistic_is_that_of_its_twin_to_the_bit(backend, variant):
    with gpu.facts(variant == FEW[0]):
        for case, expected in cases_and_twins(variant):
            results = covered(get(backend), variant, case, share=True)
            for found, of_twin, what in zip(results, expected, ("image", "shares", "validity"), strict=True):
                assert_same_bits(found, of_twin, f"{what} of {case.name}")


@pytest.mark.parametrize("variant", FEW, ids=str)
def test_cases_have_valid_pixels_and_others(variant):
    marks = np.concatenate([found[2].ravel() for _, found in cases_and_twins(variant)])
    shares = [float(np.mean(marks == mark)) for mark in (0, 1, 2)]
    assert min(shares) > 0.01 and max(shares) < 0.9, shares
    values = np.concatenate([found[0].ravel() for _, found in cases_and_twins(variant)])
    assert np.mean(values == NODATA) < 0.7 and not (values == 3).all()


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("variant", [FEW[0], FEW[5]], ids=str)
def test_without_shares_the_image_and_its_validity_are_the_same(backend, variant):
    for case, (image, _, validity) in cases_and_twins(variant)[::3]:
        found = covered(get(backend), variant, case)
        assert_same_bits(found[0], image, case.name)
        assert_same_bits(found[1], validity, case.name)


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("variant", [FEW[0], FEW[5]], ids=str)
def test_nothing_but_the_window_asked_for_is_written(backend, variant):
    chosen, case = get(backend), next(case for case in cases(variant.source) if case.name == "curved")
    image, shares, marks = next(found for each, found in cases_and_twins(variant) if each.name == "curved")
    rows, cols = case.grid.shape
    inner = slice(2, 2 + rows), slice(3, 3 + cols)
    framed = [np.full((len(image) + 2, rows + 5, cols + 9), 9, variant.output)]
    framed += [np.full((rows + 5, cols + 9), 9, dtype) for dtype in (np.float32, np.uint8)]
    written = [chosen.asarray(array.copy()) for array in framed]
    target = Target(written[0][1:-1, *inner], written[1][inner], NODATA, 2, written[2][inner])
    resample_into(chosen, case.source, case.grid, variant.method, target)
    framed[0][1:-1, *inner], framed[1][inner], framed[2][inner] = image, shares, marks
    for array, expected in zip(written, framed, strict=True):
        assert_same_bits(to_host(chosen, array), expected)


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("variant", [FEW[0], FEW[5], FEW[7]], ids=str)
def test_a_wide_pixel_of_which_most_is_missing_has_the_rest(backend, variant):
    case = next(case for case in cases(variant.source) if case.name == "1 boxes of (17, 1100)")
    source = Source(case.source.image, np.zeros(case.source.image.shape[1:], np.uint8))
    found = covered(get(backend), variant, case._replace(source=source))
    assert (found[0] == NODATA).all() and not (found[1] == 1).any()


@pytest.fixture
def threads_for_small_arrays(monkeypatch):
    """Let native use all its threads for arrays of any size."""
    monkeypatch.setattr(native, "_PIXELS_A_THREAD", 1)


@pytest.mark.usefixtures("compiled", "threads_for_small_arrays")
@pytest.mark.parametrize("backend", ["native"], indirect=True)
@pytest.mark.parametrize("threads", ["1", "2", "3"])
@pytest.mark.parametrize("variant", [FEW[0], FEW[5]], ids=str)
def test_values_do_not_depend_on_the_number_of_threads(backend, monkeypatch, variant, threads):
    monkeypatch.setenv("GPUMASK_NUM_THREADS", threads)
    for case, expected in cases_and_twins(variant):
        for found, of_twin in zip(covered(get(backend), variant, case, share=True), expected, strict=True):
            assert_same_bits(found, of_twin, case.name)
