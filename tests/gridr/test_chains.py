"""`basic_grid_resampling_chain` against GridR's own, and against itself with other tiles.

Masks to the bit, values as near as `test_against_gridr.tolerance` says.
"""

import contextlib
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest
from exhaustive import draws
from gridr_cases import (
    BOUNDARIES,
    INTERPS,
    SPLINES,
    Case,
    add_boundary,
    add_grid_validity,
    add_source_mask,
    add_window,
    answer,
    needs_padding,
    on_a_padded_source,
    on_a_wider_grid,
    random_kwargs,
    random_nodes,
    spans,
    wholly_beyond,
)
from test_against_gridr import tolerance
from test_chain import TILINGS, Files

import gpumask
from gpumask import GridRIOMode

gridr = pytest.importorskip("gridr.chain.grid_resampling_chain")

BLOCKS, CASES_IN_BLOCK, CASES_IN_BLOCK_ON_NUMPY = 10, 16, 4
ONE_TILE = TILINGS[0]
OUTPUTS = {"float64": -7, "float32": None, "int16": -32768, "uint8": 5}  # and nodata


@dataclass
class ChainCase:
    """A case from files to files: what the files are like, and the tiles."""

    case: Case
    tiling: tuple
    dtype: str
    pair: tuple[int, int]
    mask_dtype: str
    grid_mask_dtype: str
    shift: tuple[float, float] | None
    bands: list[int]
    columns_apart: bool

    def run(self, function, case=None, tiling=None):
        """Write files, run a chain, and read its image and mask; case, tiling: others than its own."""
        case = case or self.case
        options = dict(zip(("tile_shape", "io_strip_size", "io_strip_size_target"), tiling or self.tiling, strict=True))
        options |= {name: case.options.get(name) for name in ("interp_kwargs", "boundary_condition", "win")}
        with contextlib.ExitStack() as stack:
            files = Files(stack)
            mask, grid_mask = case.options.get("array_in_mask"), case.options.get("grid_mask")
            if mask is not None:
                values = np.where(mask == 1, *self.pair).astype(np.uint8).view(self.mask_dtype)
                options |= {"array_src_mask_ds": files.put(values), "array_src_mask_band": 1}
                options |= {"array_src_mask_validity_pair": self.pair}
            if grid_mask is not None:
                options |= {"grid_mask_in_ds": files.put(grid_mask.view(self.grid_mask_dtype)), "grid_mask_in_band": 1}
                options |= {"grid_mask_in_unmasked_value": case.options["grid_mask_valid_value"]}
            row, col = (axis - move for axis, move in zip((case.row, case.col), self.shift or (0, 0), strict=True))
            grid = files.put(row if self.columns_apart else np.array([row, col]))
            image, valid = files.new((len(self.bands), *case.shape), self.dtype), files.new(case.shape)
            function(
                grid, 1, 1 if self.columns_apart else 2, case.resolution, files.put(case.source), self.bands,
                image, case.interp, OUTPUTS[self.dtype], mask_out_ds=valid, grid_shift=self.shift,
                trust_padding=bool(case.options["trust_padding"]),
                grid_col_ds=files.put(col) if self.columns_apart else None, **options,
            )  # fmt: skip
            return image.read(), valid.read(1)

    def tiles(self):
        """Return the windows of the output that GridR takes at a time."""
        tile, strip, target = self.tiling
        (top, left), (rows, cols) = self.case.window[:, 0], self.case.shape
        strip *= self.case.resolution[0] if target == GridRIOMode.INPUT else 1
        strip = strip if strip > 0 else rows
        tile_rows, tile_cols = (size or full for size, full in zip(tile or (0, 0), (strip, cols), strict=True))
        return [
            np.array([[top + r, top + min(r + tile_rows, first + strip, rows) - 1],
                      [left + c, left + min(c + tile_cols, cols) - 1]])
            for first in range(0, rows, strip)
            for r in range(first, min(first + strip, rows), tile_rows)
            for c in range(0, cols, tile_cols)
        ]  # fmt: skip

    def ask_gridr(self):
        """Return GridR's image and mask, whether it failed at first, and which words it was asked in.

        A tile that lies wholly beyond an edge is nodata to GridR's chain, even where its pixels are not in an array:
        these are asked for in one tile. What GridR wraps around is what a tile reads: it is asked for in one tile where
        that reads the whole source. Otherwise what lies beyond the edges is in the file.
        """
        case, beyond, words = self.case, wholly_beyond(self.case), "as it is"
        wraps = case.options["boundary_condition"] == "wrap"
        counts_beyond = case.interp == "nearest" or (case.trusted and case.interp not in SPLINES)
        if needs_padding(case) or (counts_beyond and beyond) or (wraps and not reads_all(case)):
            case, tiling, words = on_a_padded_source(case), self.tiling, "padded"
        elif wraps or (counts_beyond and any(wholly_beyond(case, tile) for tile in self.tiles())):
            tiling, words = ONE_TILE, "one tile"
        else:
            tiling = self.tiling
        # An int8 grid mask is not shifted.
        asked = replace(self, grid_mask_dtype="uint8") if self.shift else self
        peer, wider = gridr.basic_grid_resampling_chain, on_a_wider_grid(case, 1)
        (image, mask), failed = answer(lambda: asked.run(peer, case, tiling), lambda: asked.run(peer, wider, ONE_TILE))
        rows, cols = case.shape
        return image[:, :rows, :cols], mask[:rows, :cols], failed, words


def reads_all(case):
    """Say whether the pixels that all nodes need are the whole source."""
    found, sizes = spans(case), case.source.shape[-2:]
    if found is None:
        return True
    return all(low <= case.margin and high >= n - 1 - case.margin for (low, high), n in zip(found, sizes, strict=True))


def random_chain_case(block, index):
    """Make one of the seeded cases; its interpolator is the index's."""
    rng = np.random.default_rng([7, block, index])
    interp = INTERPS[index % len(INTERPS)]
    options = {"interp_kwargs": random_kwargs(rng, interp)} if interp in SPLINES else {}
    dtype = str(rng.choice(["float64", "float64", "float32", "int16", "uint8"]))
    source = rng.uniform(0, 250, (3, *rng.integers(30, 110, 2))).astype(dtype)
    resolution = tuple(rng.integers(1, 10, 2).tolist())
    row, col = random_nodes(rng, source.shape[1:], resolution)
    case = Case(interp, source, row, col, resolution, options, extent=250.0)
    for add in (add_grid_validity, add_source_mask, add_boundary):
        add(rng, case)
    if "grid_nodata" in options:  # the chain takes none: it gets a mask
        options |= {"grid_mask": case.counts.astype(np.uint8), "grid_mask_valid_value": 1}
        del options["grid_nodata"]
    if rng.random() < 0.3:
        add_window(rng, case)
    return ChainCase(
        case,
        tiling=TILINGS[rng.integers(len(TILINGS))],
        dtype=str(rng.choice(list(OUTPUTS), p=[0.55, 0.15, 0.15, 0.15])),
        pair=[(1, 0), (0, 1), (100, 7)][rng.integers(3)],
        mask_dtype=str(rng.choice(["uint8", "int8"])),
        grid_mask_dtype=str(rng.choice(["uint8", "int8"])),
        shift=[None, (0.5, -1.0), (-2.25, 3.0)][rng.integers(3)],
        bands=[[1], [3, 1], [1, 2, 3]][rng.integers(3)],
        columns_apart=bool(rng.integers(2)),
    )


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
        differ, words, by = zip(*found, strict=True)
        asked = ", ".join(f"{which}: {times}" for which, times in sorted(Counter(words).items()))
        masks, images = differ.count("mask"), differ.count("image")
        print(f"{interp:9} {len(found):5}  {masks:17}  {images:18}  {max(by):18.2e}  {asked}")
