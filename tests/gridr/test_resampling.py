"""`array_grid_resampling` against GridR's own: masks to the bit, values as near as `tolerance` says.

`PYTHONPATH=.:tests/support python tests/gridr/test_resampling.py 3000` prints the figures for that many cases.
"""

import sys
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
from checkout import SHARED
from exhaustive import draws, few_of, on_one_backend
from gridr_cases import (
    INTERPS,
    SPLINES,
    Case,
    answer,
    gridr,
    needs_padding,
    on_a_padded_source,
    on_a_wider_grid,
    random_case,
    tolerance,
)

import gpumask

LANDSAT8 = SHARED / "data" / "landsat8"
BLOCKS, CASES_IN_BLOCK, CASES_IN_BLOCK_ON_NUMPY = 20, 40, 8


@dataclass
class Comparison:
    """What came of a case: `difference` is relative to the source's range."""

    interp: str
    same_mask: bool
    same_shape: bool
    difference: float
    tolerance: float
    gridr_failed: bool
    padded: bool

    @property
    def agrees(self):
        return self.same_mask and self.same_shape and self.difference <= self.tolerance


def largest_difference(image, peer_image):
    """Return the largest difference of two images; where both are NaN, or infinite, there is none."""
    same = (image == peer_image) | (np.isnan(image) & np.isnan(peer_image))
    return float(np.max(np.where(same, 0, abs(np.where(same, 0, image) - np.where(same, 0, peer_image)))))


def compare(case):
    """Run gpumask and GridR on a case."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "grid_row, grid_col: no node counts")
        image, mask = case.run(gpumask.array_grid_resampling)
    padded = needs_padding(case)
    asked = on_a_padded_source(case) if padded else case
    peer = gridr.array_grid_resampling
    (peer_image, peer_mask), failed = answer(lambda: asked.run(peer), lambda: on_a_wider_grid(asked).run(peer))
    same_shape = image.shape == peer_image.shape
    return Comparison(
        case.interp,
        same_mask=(mask is None) == (peer_mask is None) and (mask is None or np.array_equal(mask, peer_mask)),
        same_shape=same_shape,
        difference=largest_difference(image, peer_image) / case.extent if same_shape else np.inf,
        tolerance=tolerance(case),
        gridr_failed=failed,
        padded=padded,
    )


pytestmark = pytest.mark.usefixtures("on_every_backend")


@pytest.mark.parametrize("block", draws(BLOCKS))
def test_random_calls_give_what_gridr_gives(backend, block):
    count = CASES_IN_BLOCK_ON_NUMPY if backend == "numpy" else CASES_IN_BLOCK
    compared = {(block, index): compare(random_case(block, index)) for index in range(count)}
    assert {which: result for which, result in compared.items() if not result.agrees} == {}


@pytest.mark.filterwarnings("ignore:grid_row, grid_col. no node counts")
@on_one_backend
def test_the_random_calls_are_worth_comparing():
    cases = [random_case(block, index) for block in range(5) for index in range(CASES_IN_BLOCK)]
    for case in cases:
        case.options["array_out_mask"] = True
        case.options.pop("array_out", None)
    shares = np.array([case.run(gpumask.array_grid_resampling)[1].mean() for case in cases])
    assert np.mean((shares > 0) & (shares < 1)) > 0.5
    assert np.mean(shares == 0) < 0.35
    assert np.mean([needs_padding(case) for case in cases]) < 0.15


@pytest.mark.skipif(not LANDSAT8.exists(), reason="no shared/data/landsat8")
@pytest.mark.parametrize("interp", few_of(INTERPS, ["nearest", "cubic", "bspline3"]))
def test_cloudy_landsat_bands_through_a_rotated_grid_are_as_gridr_has_them(interp):
    import rasterio

    bands = []
    for name in ("B2", "B3", "B4", "B5", "BQA"):
        with rasterio.open(LANDSAT8 / f"{name}.tif") as dataset:
            bands.append(dataset.read(1))
    cloud_confidence = bands.pop() >> 14 & 3
    y, x = np.mgrid[-350:351:10, -350:351:10]
    row = 301 + np.cos(np.radians(7)) * y + np.sin(np.radians(7)) * x
    col = 313 - np.sin(np.radians(7)) * y + np.cos(np.radians(7)) * x
    clear = (cloud_confidence < 3).astype(np.uint8)
    options = {"array_in_mask": clear, "array_out_mask": True, "nodata_out": -1}
    source = np.array(bands, np.float64)
    if interp in SPLINES:
        source = source[:1]
        options |= {"interp_kwargs": {"epsilon": 1e-6, "mask_influence_threshold": 1e-2}}
    case = Case(interp, source, row, col, (10, 10), options, float(np.ptp(source)))
    compared = compare(case)
    assert 0.01 < case.run(gpumask.array_grid_resampling)[1].mean() < 0.9
    assert compared.agrees, compared
    assert not compared.gridr_failed


def figures(count):
    """Print how many of `count` cases differ, for each interpolator; differences are relative to the range."""
    cases = (random_case(*divmod(number, CASES_IN_BLOCK)) for number in range(count))
    compared = [compare(case) for case in cases]
    print(f"{'':9} cases  masks that differ  shapes that differ  GridR failures  padded for it  largest difference")
    for interp in INTERPS:
        found = [result for result in compared if result.interp == interp]
        masks = sum(not result.same_mask for result in found)
        shapes = sum(not result.same_shape for result in found)
        failures, padded = sum(result.gridr_failed for result in found), sum(result.padded for result in found)
        largest = max((result.difference for result in found), default=0.0)
        print(f"{interp:9} {len(found):5}  {masks:17}  {shapes:18}  {failures:14}  {padded:13}  {largest:18.2e}")
    print(f"{sum(not result.agrees for result in compared)} cases do not agree")


if __name__ == "__main__":
    figures(int(sys.argv[1]) if len(sys.argv) > 1 else BLOCKS * CASES_IN_BLOCK)
