"""Seeded calls of `basic_grid_resampling_chain`, and GridR's answers to them."""

import contextlib
from dataclasses import dataclass, replace

import numpy as np
import pytest
from chain_cases import TILINGS, Files
from gridr_cases import (
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

from gpumask import GridRIOMode

gridr = pytest.importorskip("gridr.chain.grid_resampling_chain")

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
        """Write files, run a chain, and read its image and mask. `case` and `tiling` replace its own."""
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
    """Make one of the seeded cases. The index chooses the interpolator."""
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
