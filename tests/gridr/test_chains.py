"""`basic_grid_resampling_chain` against GridR's own, and against itself with other tiles.

Masks to the bit, values as near as `gridr_cases.tolerance` says.

`PYTHONPATH=.:tests/support python tests/gridr/test_chains.py 500` prints the figures for that many cases.
"""

import sys
from collections import Counter

import numpy as np
import pytest
from exhaustive import draws
from gridr_cases import (
    BOUNDARIES,
    INTERPS,
    SPLINES,
    Case,
    tolerance,
)
from gridr_chain_cases import ONE_TILE, ChainCase, random_chain_case

import gpumask
from gpumask import GridRIOMode

gridr = pytest.importorskip("gridr.chain.grid_resampling_chain")

BLOCKS, CASES_IN_BLOCK, CASES_IN_BLOCK_ON_NUMPY = 10, 16, 4


def compare(chain_case):
    """Run gpumask and GridR on a case; say what differs ("", "mask", "image"), how GridR was asked, and by how much."""
    case = chain_case.case
    image, mask = chain_case.run(gpumask.basic_grid_resampling_chain)
    peer_image, peer_mask, failed, words = chain_case.ask_gridr()
    most = tolerance(case) * case.extent + (1 if np.dtype(chain_case.dtype).kind in "iu" else 0)
    if chain_case.dtype == "float32":
        most += np.spacing(np.float32(2 * case.extent))
    apart = np.isnan(image) != np.isnan(peer_image)
    largest = float(np.nan_to_num(abs(image - peer_image.astype(float))).max())
    differs = "mask" if not np.array_equal(mask, peer_mask) else "image" if apart.any() or largest > most else ""
    relative = largest / case.extent if chain_case.dtype == "float64" else 0.0
    return differs, f"{words} on a wider grid" if failed else words, relative


pytestmark = pytest.mark.usefixtures("on_every_backend")


@pytest.mark.parametrize("block", draws(BLOCKS))
def test_random_files_give_what_gridr_gives(backend, block):
    count = CASES_IN_BLOCK_ON_NUMPY if backend == "numpy" else CASES_IN_BLOCK
    # Interpolators take turns; where these are more than the cases of a block, the next block goes on with them.
    wanted = [(block, index + block * count) for index in range(count)]
    compared = {which: compare(random_chain_case(*which))[0] for which in wanted}
    assert {which: differs for which, differs in compared.items() if differs} == {}


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("interp", INTERPS)
def test_tiles_give_the_bits_that_arrays_give(backend, interp, boundary):
    number = INTERPS.index(interp) + BOUNDARIES.index(boundary)
    if backend == "numpy" and number % 4:
        pytest.skip("a part of these takes the numpy backend long enough")
    rng = np.random.default_rng(number)
    # More pixels than a B-spline's coefficients are made of at a time.
    source = rng.uniform(0, 250, (1, 420, 150))
    y, x = np.mgrid[-1:1:9j, -1:1:6j]
    row, col = 210 + 215 * y + 9 * x, 75 + 77 * x - 9 * y
    mask = (rng.random(source.shape[1:]) > 0.0005).astype(np.uint8)
    options = {"boundary_condition": boundary, "trust_padding": bool(number % 3), "nodata_out": -7.0}
    options |= {"array_in_mask": mask, "array_out_mask": True}
    if interp in SPLINES:
        options["interp_kwargs"] = {"epsilon": 1e-2, "mask_influence_threshold": 0.03}
    case = Case(interp, source, row, col, (11, 13), options)
    image, valid = case.run(gpumask.array_grid_resampling)
    assert 0.1 < valid.mean() < 1
    for tiling in (ONE_TILE, ((40, 33), 0, GridRIOMode.INPUT), ((0, 17), 2, GridRIOMode.INPUT)):
        in_tiles = ChainCase(case, tiling, "float64", (1, 0), "uint8", "uint8", None, [1], False)
        found, found_valid = in_tiles.run(gpumask.basic_grid_resampling_chain)
        np.testing.assert_array_equal(found_valid, valid)
        np.testing.assert_array_equal(found[0], image)


def figures(count):
    """Print how many of `count` cases of the chain differ, and how GridR was asked; differences are in float64."""
    print(f"{'chain':9} cases  masks that differ  images that differ  largest difference  GridR was asked")
    compared = {interp: [] for interp in INTERPS}
    for number in range(count):
        chain_case = random_chain_case(*divmod(number, CASES_IN_BLOCK))
        compared[chain_case.case.interp].append(compare(chain_case))
    for interp, found in compared.items():
        if not found:
            continue
        differ, words, by = zip(*found, strict=True)
        asked = ", ".join(f"{which}: {times}" for which, times in sorted(Counter(words).items()))
        masks, images = differ.count("mask"), differ.count("image")
        print(f"{interp:9} {len(found):5}  {masks:17}  {images:18}  {max(by):18.2e}  {asked}")


if __name__ == "__main__":
    figures(int(sys.argv[1]) if len(sys.argv) > 1 else BLOCKS * CASES_IN_BLOCK)
