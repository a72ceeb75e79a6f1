"""Lazy arrays: a graph in which each chunk of a result depends on only those source chunks that it needs."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from gpumask.backends import adopt, beside, on_host, select
from gpumask.backends.backend import Backend
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.grids.grid import Grid
from gpumask.grids.projected import ProjectedGrid
from gpumask.pixels.boundary import read_beyond, source_pixels
from gpumask.pixels.missing import mask_of
from gpumask.pixels.window import Window
from gpumask.resampling.blocks import Blocks, numbers_over, starts_of
from gpumask.resampling.image import Source, Target, taken_as
from gpumask.resampling.method import Method
from gpumask.resampling.resample import Resampled
from gpumask.resampling.run import resample_into

CHUNK = 2048  # rows and columns of a result's chunk, unless the source's chunks are larger or memory is short
_NEEDS = 4  # a chunk may need so many times its own limit of source bytes. Otherwise smaller chunks are made.


class Piece(NamedTuple):
    """A part of a chunk of the output: its place in the chunk, its grid, and the source pixels that it needs."""

    at: Window
    grid: Grid
    source: Window


# The pieces of all chunks that each grid was last read for. A `Grid` is left out, as its arrays may change.
_pieces_of: WeakKeyDictionary[Grid | ProjectedGrid, tuple[Any, list[tuple[Window, list[Piece]]]]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Recipe:
    """How arrays are resampled, all at once or chunk by chunk.

    `method` has the dtype and the nodata value of the result. If each band is valid by itself, the result's validity is
    (…, band, row, col). `missing` has the values of the image that mean missing, as its dtype holds them. NaN always
    does.
    """

    method: Method
    backend: str | None = None
    missing: tuple[float, ...] = ()

    def on(self, grid: Grid | ProjectedGrid, shape: tuple[int, int]) -> Recipe:
        """Return the recipe for sources of that shape. They may go around."""
        return replace(self, method=self.method.on(grid.around, shape))

    def at_once(self, image: Any, valid: Any, grid: Grid | ProjectedGrid, joint: bool) -> Resampled:
        """Resample (…, [band,] row, col) arrays.

        `joint` says whether there are bands, which are resampled together. `valid` is (…, row, col), or has bands as
        the image has. An axis of length one serves for all. NaN and 0 are invalid. None means that all pixels are valid
        that are not missing.
        """
        image = adopt("array", image)
        here, there = Window.of_shape(_shape_of(grid)), Window.of_shape(image.shape[-2:])
        recipe = self.on(grid, there.shape)
        all_of_it = Blocks([(0, 0)], [there])
        chunk = Chunk(here.shape, _pieces(grid, here, recipe.method, there.shape), all_of_it, all_of_it, there.shape)
        return Resampled(*recipe.chunk(chunk, joint, [image], [] if valid is None else [valid]))

    def chunk(self, chunk: Chunk, joint: bool, images: list[Any], masks: list[Any]) -> tuple[Any, Any]:
        """Resample a chunk of the output from the source chunks that it needs. If `joint`, an image has bands."""
        masks = [beside(images[0], mask) for mask in masks]
        backend = select(self.backend, *images, *masks)
        lead = images[0].shape[: -3 if joint else -2]
        result, validity = self._empty(backend, images[0], chunk.shape, joint)
        for index in np.ndindex(lead):
            made = result[index] if joint else result[index][None]
            some, valid = [block[index] for block in images], [_at(mask, index) for mask in masks]
            for at, grid, window in chunk.pieces:
                target = Target(made[:, *at.slices], validity[index][..., *at.slices], self.method.nodata)
                if window.is_empty:
                    target.image[...], target.validity[...] = self.method.nodata, 0
                    continue
                source = chunk.source(self, window, some, valid)
                resample_into(backend, source, grid, self.method, target)
        image, validity = (backend.to_family_of(images[0], array) for array in (result, validity))
        return image, validity

    def _empty(self, backend: Backend, image: Any, shape: tuple[int, int], joint: bool) -> tuple[Any, Any]:
        """Return arrays for a result."""
        lead = image.shape[: -3 if joint else -2]
        bands = image.shape[-3:-2] if joint else ()
        planes = bands if self.method.by_band else ()
        return backend.empty((*lead, *bands, *shape), self.method.dtype), backend.empty(
            (*lead, *planes, *shape), self.method.validity_dtype
        )

    def together(self, known: list[Any]) -> Any:
        """Return the AND of bool masks, (row, col) or (band, row, col). It is None if there are none."""
        flat = [mask[0] if mask.ndim == 3 and len(mask) == 1 else mask for mask in known]
        if not self.method.by_band:
            flat = [mask if mask.ndim == 2 else mask.all(axis=0) for mask in flat]
        return functools.reduce(operator.and_, flat) if flat else None


@dataclass(frozen=True, eq=False)
class Chunk:
    """A chunk of the output.

    `shape` is its rows and columns, and `whole` those of the source. `pieces` are its parts. `images` and `masks` are
    the chunks of the source and of its validity that it needs.
    """

    shape: tuple[int, int]
    pieces: list[Piece]
    images: Blocks
    masks: Blocks
    whole: tuple[int, int]

    def source(self, recipe: Recipe, window: Window, images: list[Any], masks: list[Any]) -> Source:
        """Return a window of the source, put together from ([band,] row, col) chunks of images and of masks."""
        boundary, whole = recipe.method.boundary, Window.of_shape(self.whole)
        images = [image if image.ndim == 3 else image[None] for image in images]
        inside = Window.of_shape(boundary.once(self.whole)).contains(window)
        if not inside and self.images.windows == [whole]:  # kernels make what lies beyond the edges of a whole image
            return self._read(recipe, whole, images, masks)
        if inside:
            found = self._read(recipe, window, images, masks)
        else:
            images, masks = ([_on_host(array) for array in arrays] for arrays in (images, masks))

            def read(wanted: Window, out: Any) -> Any:
                part = self._read(recipe, wanted, images, masks)
                out[...] = part.image
                return part.valid

            out = np.empty((len(images[0]), *window.shape), taken_as(images[0].dtype))
            found = Source(out, read_beyond(read, self.whole, window, boundary, out))
        return Source(found.image, found.valid, (window.row, window.col), self.whole)

    def _read(self, recipe: Recipe, wanted: Window, images: list[Any], masks: list[Any]) -> Source:
        """Return a window inside the source."""
        known = []
        if any(mask_of(each) is not None for each in images):
            known.append(~self.images.read([np.ma.getmaskarray(each) for each in images], wanted))
            images = [np.ma.getdata(each) for each in images]
        image = self.images.read(images, wanted)
        known += [image != value for value in recipe.missing]
        if masks:
            valid = self.masks.read(
                [_over(mask, at) for mask, at in zip(masks, self.masks.windows, strict=True)], wanted
            )
            known.append(says_valid(valid))
        return Source.of(image, recipe.together(known), recipe.method.by_band)


def _at(mask: Any, index: tuple[int, ...]) -> Any:
    """Return a mask for one of the images along the leading axes. An axis of length one serves for all."""
    return mask[tuple(k if n > 1 else 0 for k, n in zip(index, mask.shape, strict=False))]


def _over(mask: Any, window: Window) -> Any:
    """Return a mask for all pixels of a window. An axis of length one serves for all. Masked elements are 0."""
    mask = mask if mask_of(mask) is None else mask.filled(0)
    return mask if mask.shape[-2:] == window.shape else np.broadcast_to(mask, (*mask.shape[:-2], *window.shape))


def _on_host(array: Any) -> Any:
    """Return an array in host memory. It stays masked if it is."""
    return array if isinstance(array, np.ndarray) else on_host("array", array)


def _fill(method: Method, like: Any, image: tuple[int, ...], valid: tuple[int, ...]) -> Any:
    """Return a chunk that depends on no source pixel."""
    made: Any = np.empty(image, method.dtype, like=like)
    made[...] = method.nodata
    return made, np.zeros_like(made, method.validity_dtype, shape=valid)


def says_valid(valid: Any) -> Any:
    """Return as bool which pixels a validity calls valid. NaN, as beyond edges, does not, nor a mean of 0 and 1."""
    return valid > 1 - 1e-6 if valid.dtype.kind == "f" else valid != 0


def is_lazy(*arrays: Any) -> bool:
    """Say whether any of the arrays is a dask array."""
    return any(hasattr(array, "dask") for array in arrays)


def resampled_lazily(
    image: Any,
    valid: Any,
    grid: Grid | ProjectedGrid,
    recipe: Recipe,
    joint: bool,
    chunks: tuple[int, int] | None = None,
) -> Resampled:
    """Resample (…, [band,] row, col) arrays, of which at least one is a dask array. See `Recipe.at_once`.

    `chunks` is the rows and columns of the result's chunks. None means 2048, or as many as the source's chunks if these
    are larger. They are fewer if a chunk with all its bands and images has more bytes than dask's `array.chunk-size`.
    They are also fewer, down to the source's, if a chunk needs more than four times as many bytes of the source.
    """
    from dask.base import tokenize
    from dask.highlevelgraph import HighLevelGraph

    image = as_lazy(image)
    image = image.rechunk({image.ndim - 3: -1}) if joint else image
    lead = image.chunks[: -3 if joint else -2]
    valid = None if valid is None else _beside_image(as_lazy(valid), lead)
    recipe, inputs = recipe.on(grid, image.shape[-2:]), [image] if valid is None else [image, valid]
    plan = planned(image, valid, grid, recipe, chunks)
    name = f"gpumask-{tokenize(*inputs, grid, recipe, joint, plan.sizes)}"
    bands = image.shape[-3:-2] if joint else ()
    planes = bands if recipe.method.by_band else ()
    tasks: dict[Any, Any] = {}
    parts: tuple[dict[Any, Any], ...] = {}, {}
    for number in itertools.product(*(range(len(sizes)) for sizes in lead)):
        sizes = tuple(of_axis[k] for of_axis, k in zip(lead, number, strict=True))
        of_valid = () if valid is None else _key(valid, number)
        for (i, j), chunk in plan.chunks.items():
            whole, band = (name, *number, i, j), (0,) * len(bands)
            if chunk.images.numbers:
                images = [(image.name, *number, *band, *block) for block in chunk.images.numbers]
                masks = [(*of_valid, *block) for block in chunk.masks.numbers] if of_valid else []
                tasks[whole] = (partial(recipe.chunk, chunk, joint), images, masks)
            else:
                shapes = (*sizes, *bands, *chunk.shape), (*sizes, *planes, *chunk.shape)
                tasks[whole] = (partial(_fill, recipe.method, image._meta, *shapes),)
            parts[0][f"{name}-image", *number, *band, i, j] = (operator.getitem, whole, 0)
            parts[1][f"{name}-validity", *number, *(0 for _ in planes), i, j] = (operator.getitem, whole, 1)
    made = HighLevelGraph.from_collections(name, tasks, dependencies=inputs)

    def array(kind: str, part: dict[Any, Any], dtype: Any, of_bands: tuple[int, ...]) -> Any:
        layer, sizes = f"{name}-{kind}", (*lead, *((n,) for n in of_bands), *plan.sizes)
        graph = HighLevelGraph({**made.layers, layer: part}, {**made.dependencies, layer: {name}})
        return array_of(graph, layer, sizes, np.empty((0,) * len(sizes), dtype, like=image._meta))

    return Resampled(
        array("image", parts[0], recipe.method.dtype, bands),
        array("validity", parts[1], recipe.method.validity_dtype, planes),
    )


def as_lazy(array: Any) -> Any:
    """Return an array as a dask array. An array that is not lazy becomes one chunk, in whatever memory it is."""
    import dask.array

    return array if is_lazy(array) else dask.array.from_array(array, chunks=array.shape, asarray=False)


def array_of(graph: Any, name: str, chunks: tuple[Any, ...], meta: Any) -> Any:
    """Return the dask array that a graph makes."""
    import dask.array

    return dask.array.Array(graph, name, chunks, meta=meta)


def _beside_image(valid: Any, lead: tuple[Any, ...]) -> Any:
    """Return a validity in the chunks of images along the leading axes. Bands are in one chunk."""
    own = {axis: -1 for axis, n in enumerate(valid.shape) if n == 1 or len(lead) <= axis < valid.ndim - 2}
    return valid.rechunk(dict(enumerate(lead)) | own)


def _key(valid: Any, number: tuple[int, ...]) -> tuple[Any, ...]:
    """Return the key, without row and col, of the chunks of a validity that belong to a chunk of images."""
    of_lead = (k if n > 1 else 0 for k, n in zip(number, valid.shape, strict=False))
    return (valid.name, *of_lead, *(0 for _ in range(valid.ndim - 2 - len(number))))


def _shape_of(grid: Grid | ProjectedGrid) -> tuple[int, int]:
    """Return the rows and columns of a grid's output."""
    return grid.shape if isinstance(grid, Grid) else grid.full_shape


def _pieces(grid: Grid | ProjectedGrid, window: Window, method: Method, shape: tuple[int, int]) -> list[Piece]:
    """Return the pieces of a window of the output. `shape` is that of the source."""
    if isinstance(grid, Grid):
        parts = [(window, grid.crop(window, method.node_margin))]
    else:
        parts = [(part, grid.read(part, method.node_margin)) for part, _ in grid.parts(window)]
    return [Piece(part.shift(-window.row, -window.col), here, method.reach(here, shape)) for part, here in parts]


@dataclass(frozen=True, eq=False)
class Plan:
    """Chunks of the output by their numbers (row, col), and their sizes along both axes."""

    chunks: dict[tuple[int, int], Chunk]
    sizes: tuple[tuple[int, ...], tuple[int, ...]]


def planned(image: Any, valid: Any, grid: Grid | ProjectedGrid, recipe: Recipe, chunks: Any) -> Plan:
    """Plan each chunk of the output. See `resampled_lazily`."""
    if chunks is not None:
        return _planned(image, valid, grid, recipe.method, check_chunks(chunks))
    from dask import config
    from dask.utils import parse_bytes

    limit = parse_bytes(config.get("array.chunk-size"))
    deep = math.prod(max(sizes, default=1) for sizes in image.chunks[:-2])
    own = max(image.chunks[-2]), max(image.chunks[-1])
    sides = _sides(own, limit // max(deep * recipe.method.dtype.itemsize, 1))
    while True:
        plan = _planned(image, valid, grid, recipe.method, sides)
        needs = max(sum(math.prod(at.shape) for at in chunk.images.windows) for chunk in plan.chunks.values())
        rows, cols = (max(-(-side // 2), min(side, n)) for n, side in zip(own, sides, strict=True))
        if needs * deep * image.dtype.itemsize <= _NEEDS * limit or (rows, cols) == sides:
            return plan
        sides = rows, cols


def _sides(own: tuple[int, int], most: int) -> tuple[int, int]:
    """Return the rows and columns of a result's chunk, with at most so many pixels. `own` is the source's largest."""
    square = max(math.isqrt(most), 1)
    if math.prod(own) > most:
        return min(own[0], square), min(own[1], square)
    long = int(own[1] >= own[0])  # the axis along which the source's chunks are longer
    of_long = max(own[long], min(CHUNK, square))
    of_short = max(own[1 - long], min(CHUNK, most // of_long))
    return (of_short, of_long) if long else (of_long, of_short)


def _planned(image: Any, valid: Any, grid: Grid | ProjectedGrid, method: Method, chunks: tuple[int, int]) -> Plan:
    """Plan chunks of so many rows and columns."""
    shape, whole = _shape_of(grid), image.shape[-2:]
    starts = starts_of(image)
    of_valid = starts
    if valid is not None:  # an axis of length one serves for all rows, or all columns
        of_valid = [
            at if n > 1 else [0, size] for at, n, size in zip(starts_of(valid), valid.shape[-2:], whole, strict=True)
        ]
    found = {}
    for window, pieces in _all_pieces(grid, chunks, method, whole):
        images = _needed(pieces, whole, starts, method)
        masks = images if of_valid == starts else _needed(pieces, whole, of_valid, method)
        found[window.row // chunks[0], window.col // chunks[1]] = Chunk(window.shape, pieces, images, masks, whole)
    rows, cols = (
        tuple(min(step, n - first) for first in range(0, n, step)) for n, step in zip(shape, chunks, strict=True)
    )
    return Plan(found, (rows, cols))


def _all_pieces(
    grid: Grid | ProjectedGrid, chunks: tuple[int, int], method: Method, whole: tuple[int, int]
) -> list[tuple[Window, list[Piece]]]:
    """Return the pieces of each chunk of the output. They are the same for all variables with one grid."""
    key, read = (chunks, method, whole), grid
    if isinstance(grid, ProjectedGrid) and grid.node_count < math.prod(grid.full_shape):
        if grid in _pieces_of and _pieces_of[grid][0] == key:
            return _pieces_of[grid][1]
        read = grid.read(Window.of_shape(grid.full_shape))
    tiles = Window.of_shape(_shape_of(grid)).tiles(*chunks)
    found = [(window, _pieces(read, window, method, whole)) for window in tiles]
    if read is not grid:
        _pieces_of[grid] = key, found
    return found


def _needed(pieces: list[Piece], shape: tuple[int, int], starts: list[list[int]], method: Method) -> Blocks:
    """Return the chunks of the source that some pieces need, even beyond the edges."""
    numbers: set[tuple[int, int]] = set()
    for piece in pieces:
        if Window.of_shape(method.boundary.once(shape)).contains(piece.source):
            numbers.update(numbers_over(piece.source, starts))
        elif not piece.source.is_empty:
            axes = [
                np.unique(np.searchsorted(starting, pixels[pixels >= 0], side="right") - 1).tolist()
                for pixels, starting in zip(source_pixels(shape, piece.source, method.boundary), starts, strict=True)
            ]
            numbers.update(itertools.product(*axes))
    return Blocks.numbered(sorted(numbers), starts)


def check_chunks(chunks: Any) -> tuple[int, int]:
    """Return the rows and columns of chunks."""
    try:
        rows, cols = map(operator.index, chunks)
    except TypeError as error:
        raise ArgumentTypeError(f"chunks: expected (rows, cols), whole numbers; got {chunks!r}") from error
    if min(rows, cols) < 1:
        raise GpumaskError(f"chunks: expected (rows, cols) from 1 on; got {chunks!r}")
    return rows, cols
