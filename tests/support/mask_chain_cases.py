"""Calls of the chains for masks and grids, and GridR's chains beside them."""

from dataclasses import dataclass

import numpy as np
import pytest
from shapely import MultiPolygon, Point, Polygon, box

import gpumask


@dataclass(frozen=True)
class Scene:
    """A coarse grid with its mask, and polygons. The mask may be None. `unmasked` is its valid value."""

    row: np.ndarray
    col: np.ndarray
    resolution: tuple[int, int]
    mask: np.ndarray | None = None
    unmasked: int | None = 1
    origin: tuple[float, float] | None = (0, 0)
    geometry: tuple | list | None = None

    @property
    def full_shape(self):
        return gpumask.grid_full_resolution_shape(self.row.shape, self.resolution)

    def _conditions(self, files, function):
        """Return what both chains take for the mask. GridR must be told whose rule it is."""
        ours = function.__module__.startswith("gpumask")
        return {
            "mask_out_dtype": np.uint8,
            "mask_in_ds": files.put(self.mask),
            "mask_in_unmasked_value": None if self.mask is None else self.unmasked,
            "mask_in_band": None if self.mask is None else 1,
            "computation_dtype": np.float64,
            "geometry_origin": self.origin,
            "geometry_pair": self.geometry,
            "rasterize_kwargs": None if ours else gridrs_rule(),
        }

    def mask_to_file(self, files, function=gpumask.build_mask_chain, **options):
        """Run a chain for the mask, and return it."""
        out = files.put(np.full(self.full_shape, 9, options.get("mask_out_dtype", np.uint8)))
        arguments = {"mask_out_ds": out, **self._conditions(files, function), **options}
        assert function(self.row.shape, self.resolution, **arguments) == 1
        return out.read(1)

    def grid_to_files(
        self, files, function=gpumask.build_grid_mask_chain, dtype="float64", datasets=1, with_mask=True, **options
    ):
        """Run a chain for grid and mask, with the grid in one dataset or in two. Return both.

        The mask is None if nobody asks for it.
        """
        nodes, nine = np.array([self.row, self.col]), np.full((2, *self.full_shape), 9, dtype)
        outs = [files.put(nine)] if datasets == 1 else [files.put(nine[0]), files.put(nine[1])]
        ins = [files.put(nodes)] if datasets == 1 else [files.put(nodes[0]), files.put(nodes[1])]
        bands = (1, 2) if datasets == 1 else (1, 1)
        mask = files.put(np.full(self.full_shape, 9, np.uint8)) if with_mask else None
        status = function(
            self.resolution, ins[0], ins[1] if datasets == 2 else None, *bands,
            outs[0], outs[1] if datasets == 2 else None, *bands, mask,
            **self._conditions(files, function) | options,
        )  # fmt: skip
        assert status == 1
        return np.concatenate([out.read() for out in outs]), mask.read(1) if with_mask else None

    def mask_in_memory(self, **options):
        """Build the mask from arrays."""
        if self.mask is not None:
            options |= {"mask_in": (self.mask == self.unmasked).astype(np.uint8), "oversampling_dtype": np.float64}
            options |= {"mask_in_resolution": self.resolution}
            options |= {"mask_in_target_win": np.array([[0, size - 1] for size in self.full_shape])}
        return gpumask.build_mask(
            self.full_shape, (1, 1), None, geometry_origin=self.origin, geometry_pair=self.geometry, **options
        )

    def grid_in_memory(self):
        """Build the grid from arrays."""
        window = np.array([[0, size - 1] for size in self.full_shape])
        return gpumask.build_grid((1, 1), np.array([self.row, self.col]), window, self.resolution, None)


def gridrs_rule():
    return {"alg": pytest.importorskip("gridr.core.grid.grid_rasterize").GridRasterizeAlg.RASTERIO_RASTERIZE}


def gridrs_chains():
    return pytest.importorskip("gridr.chain.grid_mask_chain")


def geometries(rows, cols, origin=(0, 0)):
    """Return valid and invalid polygons over an image of so many pixels: of many parts, with holes, with corners."""
    y, x = origin
    ring = Point(x + cols * 0.35, y + rows * 0.5).buffer(rows * 0.45).difference(box(x + cols * 0.3, y, x + 9e3, y + 7))
    holed = Polygon(
        [(x + cols * 0.5, y - 2), (x + cols * 0.97, y + 1.3), (x + cols * 0.9, y + rows * 0.93)],
        [[(x + cols * 0.7, y + rows * 0.2), (x + cols * 0.8, y + rows * 0.25), (x + cols * 0.78, y + rows * 0.4)]],
    )
    valid = MultiPolygon([*getattr(ring, "geoms", [ring]), holed])
    corners = box(x + round(cols * 0.2), y + round(rows * 0.3), x + round(cols * 0.55), y + round(rows * 0.5))
    needle = Polygon([(x, y + rows * 0.8), (x + cols, y + rows * 0.7), (x, y + rows * 0.83)])
    return valid, [corners, needle]


def make_scene(resolution, unmasked=1, kind="both", origin=(0, 0), nodes=None):
    """Return a random grid with 5 % of its nodes masked, and polygons. With unmasked=None there is no mask."""
    rng = np.random.default_rng([*resolution, *map(ord, kind)])
    m, n = nodes or {(1, 1): (30, 40), (4, 3): (9, 12)}.get(resolution, (3, 4))
    row, col = rng.uniform(-50, 500, (2, m, n))
    mask = None
    if unmasked is not None:
        others = [0] if unmasked == 1 else [value for value in (0, 1, 7, 255) if value != unmasked]
        mask = np.where(rng.random((m, n)) < 0.05, rng.choice(others, (m, n)), unmasked).astype(np.uint8)
        mask[m // 2, n // 2] = others[0]
    valid, invalid = geometries((m - 1) * resolution[0] + 1, (n - 1) * resolution[1] + 1, origin)
    pairs = {
        "none": None,
        "valid": (valid, None),
        "invalid": (None, invalid),
        "both": (valid, invalid),
        "lists": ([valid, box(*valid.bounds).buffer(-5)], list(invalid)),
        "a list of two": [valid, MultiPolygon(invalid)],
    }
    return Scene(row, col, resolution, mask, unmasked, origin, pairs[kind])
