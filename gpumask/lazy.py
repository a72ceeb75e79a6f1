"""Lazy arrays: a graph in which each chunk of a result depends on just the source chunks that it needs."""

from __future__ import annotations

import itertools
import operator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gpumask.backends import Backend, adopt, on_host, select
from gpumask.edges import read_beyond, source_pixels
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.grid import Grid
from gpumask.image import Source, Target
from gpumask.method import Method
from gpumask.missing import mask_of
from gpumask.projected import ProjectedGrid
from gpumask.resample import Resampled, resample_into
from gpumask.window import Window

MOST_CHUNK = 2048  # rows and columns of a result's chunk, where the source's are larger


class Piece(NamedTuple):
    """A part of a chunk of the output: where in the chunk, its grid, and the source pixels that it needs."""

    at: Window
    grid: Grid
    source: Window


@dataclass(frozen=True)
class Recipe:
    """How arrays are resampled, whether there are all of them or some chunks.

    by_band: whether each band is valid by itself. Then a result's validity is (…, band, row, col).
    """

    method: Method
    dtype: np.dtype[Any]
    nodata: float
    compute: np.dtype[Any]
    backend: str | None = None
    by_band: bool = False

    def on(self, grid: Grid | ProjectedGrid, shape: tuple[int, int]) -> Recipe:
        """Return the recipe for sources of that shape, which may go around."""
        return replace(self, method=self.method.on(grid.around, shape))

    def whole(self, image: Any, valid: Any, grid: Grid | ProjectedGrid, joint: bool) -> Resampled:
        """Resample (…, [band,] row, col) arrays.

        joint: whether there are bands, which are resampled together. valid: (…, row, col), or shaped as the image.
        """
        image = adopt("array", image)
        here, there = Window.of_shape(_shape_of(grid)), Window.of_shape(image.shape[-2:])
        recipe = self.on(grid, there.shape)
        chunk = Chunk(here.shape, _pieces(grid, here, recipe.method, there.shape), [(0, 0)], [there], there.shape)
        return Resampled(*recipe.chunk(chunk, joint, [image], [] if valid is None else [valid]))

    def chunk(self, chunk: Chunk, joint: bool, blocks: list[Any], masks: list[Any]) -> tuple[Any, Any]:
        """Resample a chunk of the output from those of the source that it needs: one image, of bands where joint."""
        backend = select(self.backend, *blocks, *masks)
        lead = blocks[0].shape[: -3 if joint else -2]
        result, validity = self._empty(backend, blocks[0], chunk.shape, joint)
        for index in np.ndindex(lead):
            image = result[index] if joint else result[index][None]
            for at, grid, window in chunk.pieces:
                out, valid = image[:, *at.slices], validity[index][..., *at.slices]
                if window.is_empty:
                    out[...], valid[...] = self.nodata, 0
                    continue
                images, valids = [block[index] for block in blocks], [mask[index] for mask in masks]
                source = chunk.source(self.method, window, images, valids, self.by_band)
                resample_into(backend, source, grid, self.method, Target(out, valid, self.nodata), self.compute)
        image, validity = (backend.to_family_of(blocks[0], array) for array in (result, validity))
        return image, validity

    def _empty(self, backend: Backend, image: Any, shape: tuple[int, int], joint: bool) -> tuple[Any, Any]:
        """Return arrays for a result."""
        lead = image.shape[: -3 if joint else -2]
        bands = image.shape[-3:-2] if joint else ()
        planes = bands if self.by_band else ()
        return backend.empty((*lead, *bands, *shape), self.dtype), backend.empty((*lead, *planes, *shape), np.uint8)


@dataclass(frozen=True, eq=False)
class Chunk:
    """A chunk of the output.

    shape: its rows and columns. pieces: what it is made of. blocks: the numbers (row, col) of the source's chunks that
    it needs, in order; windows: their pixels. whole: rows and columns of the source.
    """

    shape: tuple[int, int]
    pieces: list[Piece]
    blocks: list[tuple[int, int]]
    windows: list[Window]
    whole: tuple[int, int]

    def source(self, method: Method, window: Window, images: list[Any], masks: list[Any], by_band: bool) -> Source:
        """Return a window of the source, put together from chunks: ([band,] row, col) images and masks."""
        images = [image if image.ndim == 3 else image[None] for image in images]
        if any(mask_of(array) is not None for array in (*images, *masks)):
            images, masks = _unmasked(images, masks)
        inside = Window.of_shape(method.boundary.once(self.whole)).contains(window)
        if not inside:
            if self.windows == [Window.of_shape(self.whole)]:  # kernels know what is beyond the edges of a whole image
                return Source.of(images[0], masks[0] if masks else None, by_band)
            images, masks = ([on_host("array", array) for array in arrays] for arrays in (images, masks))
        empty = partial(np.empty, like=images[0])

        def read(wanted: Window, out: Any) -> Any:
            valid: Any = empty((*masks[0].shape[:-2], *wanted.shape), np.uint8) if masks else None
            for number, has in enumerate(self.windows):
                part = has.intersect(wanted)
                if not part.is_empty:
                    to, at = part.shift(-wanted.row, -wanted.col).slices, part.shift(-has.row, -has.col).slices
                    out[:, *to] = images[number][:, *at]
                    if masks:
                        valid[..., *to] = masks[number][..., *at] != 0
            return valid

        number, has = next(((n, has) for n, has in enumerate(self.windows) if has.contains(window)), (None, window))
        if number is not None:  # no copy
            at = window.shift(-has.row, -has.col).slices
            image, valid = images[number][:, *at], masks[number][..., *at] if masks else None
        else:
            image = empty((len(images[0]), *window.shape), images[0].dtype)
            valid = read(window, image) if inside else read_beyond(read, self.whole, window, method.boundary, image)
        found = Source.of(image, valid, by_band)
        return Source(found.image, found.valid, (window.row, window.col), self.whole)


def _unmasked(images: list[Any], masks: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return plain images and masks of masked ones; what is masked in either is not valid."""
    shown = [~np.ma.getmaskarray(image) for image in images]
    if masks:
        shown = [own & (np.ma.filled(mask, 0) != 0) for own, mask in zip(shown, masks, strict=True)]
    return [np.ma.getdata(image) for image in images], shown


def _fill(nodata: float, dtype: np.dtype[Any], like: Any, image: tuple[int, ...], valid: tuple[int, ...]) -> Any:
    """Return a chunk that no source pixel has a say in."""
    made: Any = np.empty(image, dtype, like=like)
    made[...] = nodata
    return made, np.zeros_like(made, np.uint8, shape=valid)


def is_lazy(*arrays: Any) -> bool:
    """Say whether any of the arrays is dask's."""
    return any(hasattr(array, "dask") for array in arrays)


def resampled_lazily(
    image: Any,
    valid: Any,
    grid: Grid | ProjectedGrid,
    recipe: Recipe,
    joint: bool,
    chunks: tuple[int, int] | None = None,
) -> Resampled:
    """Resample (…, [band,] row, col) arrays of which one at least is dask's; see `Recipe.whole`.

    chunks: rows and columns of the result's; None: the largest of the source, up to 2048.
    """
    import dask.array
    from dask.base import tokenize
    from dask.highlevelgraph import HighLevelGraph

    image = dask.array.asarray(image)
    image = image.rechunk({image.ndim - 3: -1}) if joint else image
    recipe = recipe.on(grid, image.shape[-2:])
    lead = image.chunks[: -3 if joint else -2]
    inputs = [image]
    mask_band: tuple[int, ...] = ()
    if valid is not None:
        valid = dask.array.asarray(valid)
        mask_band = (0,) if valid.ndim > len(lead) + 2 else ()
        valid = valid.rechunk((*lead, *(-1 for _ in mask_band), *image.chunks[-2:]))
        inputs.append(valid)
    plans, out_chunks = _planned(image, grid, recipe.method, chunks)
    name = f"gpumask-{tokenize(*inputs, grid, recipe, joint, out_chunks)}"
    tasks: dict[Any, Any] = {}
    like, bands = image._meta, image.shape[-3:-2] if joint else ()
    planes = bands if recipe.by_band else ()
    for number in itertools.product(*(range(len(sizes)) for sizes in lead)):
        sizes = tuple(of_axis[k] for of_axis, k in zip(lead, number, strict=True))
        for (i, j), plan in plans.items():
            whole, band = (name, *number, i, j), (0,) * len(bands)
            if plan.blocks:
                images = [(image.name, *number, *band, *block) for block in plan.blocks]
                masks = [] if valid is None else [(valid.name, *number, *mask_band, *block) for block in plan.blocks]
                tasks[whole] = (partial(recipe.chunk, plan, joint), images, masks)
            else:
                shapes = (*sizes, *bands, *plan.shape), (*sizes, *planes, *plan.shape)
                tasks[whole] = (partial(_fill, recipe.nodata, recipe.dtype, like, *shapes),)
            tasks[(f"{name}-image", *number, *band, i, j)] = (operator.getitem, whole, 0)
            tasks[(f"{name}-validity", *number, *(0 for _ in planes), i, j)] = (operator.getitem, whole, 1)

    def array(kind: str, dtype: Any, chunks: tuple[Any, ...]) -> Any:
        graph = HighLevelGraph.from_collections(f"{name}-{kind}", tasks, dependencies=inputs)
        return dask.array.Array(graph, f"{name}-{kind}", chunks, meta=np.empty((0,) * len(chunks), dtype, like=like))

    of_image, of_validity = (tuple((n,) for n in axis) for axis in (bands, planes))
    return Resampled(
        array("image", recipe.dtype, (*lead, *of_image, *out_chunks)),
        array("validity", np.uint8, (*lead, *of_validity, *out_chunks)),
    )


def _shape_of(grid: Grid | ProjectedGrid) -> tuple[int, int]:
    """Return the rows and columns of what a grid makes."""
    return grid.shape if isinstance(grid, Grid) else grid.full_shape


def _pieces(grid: Grid | ProjectedGrid, window: Window, method: Method, shape: tuple[int, int]) -> list[Piece]:
    """Return what a window of the output is made of; shape: of the source."""
    if isinstance(grid, Grid):
        parts = [(window, grid.crop(window))]
    else:
        parts = [(part, grid.read(part)) for part, _ in grid.parts(window)]
    return [Piece(part.shift(-window.row, -window.col), here, method.reach(here, shape)) for part, here in parts]


def _planned(
    image: Any, grid: Grid | ProjectedGrid, method: Method, chunks: Any
) -> tuple[dict[tuple[int, int], Chunk], tuple[tuple[int, ...], tuple[int, ...]]]:
    """Plan each chunk of the output; return the plans, and the sizes of the chunks."""
    shape, whole = _shape_of(grid), image.shape[-2:]
    largest = [min(max(sizes), MOST_CHUNK) for sizes in image.chunks[-2:]]
    rows, cols = check_chunks(chunks) if chunks is not None else largest
    starts = [np.cumsum([0, *sizes]).tolist() for sizes in image.chunks[-2:]]
    found = {}
    for window in Window.of_shape(shape).tiles(rows, cols):
        pieces = _pieces(grid, window, method, whole)
        blocks = sorted(set().union(*(_chunks_of(piece.source, whole, starts, method) for piece in pieces)))
        corners = [(starts[0][i], starts[1][j], starts[0][i + 1], starts[1][j + 1]) for i, j in blocks]
        windows = [Window(top, left, bottom - top, right - left) for top, left, bottom, right in corners]
        found[window.row // rows, window.col // cols] = Chunk(window.shape, pieces, blocks, windows, whole)
    sizes = tuple(
        tuple(min(step, n - first) for first in range(0, n, step)) for n, step in zip(shape, (rows, cols), strict=True)
    )
    return found, (sizes[0], sizes[1])


def _chunks_of(window: Window, shape: tuple[int, int], starts: list[list[int]], method: Method) -> set[Any]:
    """Return the numbers (row, col) of the source's chunks that have a say in a window, even beyond the edges."""
    if window.is_empty:
        return set()
    numbers = []
    for pixels, starting in zip(source_pixels(shape, window, method.boundary), starts, strict=True):
        numbers.append(np.unique(np.searchsorted(starting, pixels[pixels >= 0], side="right") - 1).tolist())
    return set(itertools.product(*numbers))


def check_chunks(chunks: Any) -> tuple[int, int]:
    """Return rows and columns of chunks."""
    try:
        rows, cols = map(operator.index, chunks)
    except TypeError as error:
        raise ArgumentTypeError(f"chunks: expected (rows, cols), whole numbers; got {chunks!r}") from error
    if min(rows, cols) < 1:
        raise GpumaskError(f"chunks: expected (rows, cols) from 1 on; got {chunks!r}")
    return rows, cols
