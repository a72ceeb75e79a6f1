"""Tiles: what they cover, how many there are, what they cost, and the memory that they lend again."""

import itertools
import math

import numpy as np

from gpumask import Window
from gpumask.files.tiles.pipeline import Slot
from gpumask.files.tiles.plan import Costs, Tile, fitting, tile_shape


def random_sizes(count):
    """Yield the shape of an output, of its blocks, the most pixels of a tile, and the least number of tiles."""
    rng = np.random.default_rng(count)
    for _ in range(count):
        shape = tuple((10 ** rng.uniform(0, 4.5, 2)).astype(int).tolist())
        block = [(512, 512), (256, 256), (1, shape[1]), (7, shape[1]), tuple(rng.integers(1, 700, 2).tolist())]
        yield shape, block[rng.integers(5)], 10 ** rng.uniform(-1, 7), int(rng.integers(1, 40))


def count_of(shape, tile):
    return math.prod(-(-n // size) for n, size in zip(shape, tile, strict=True))


def clipped(shape, block):
    return tuple(min(n, size) for n, size in zip(shape, block, strict=True))


def test_tiles_have_pixels_and_no_more_of_them_than_asked():
    for shape, block, most, least in random_sizes(2000):
        rows, cols = tile_shape(shape, block, most, least)
        assert 1 <= rows <= shape[0] and 1 <= cols <= shape[1]
        assert rows * cols <= max(most, 1)


def test_tiles_cover_the_output_once():
    for large, block, most, least in itertools.islice(random_sizes(2000), 300):
        shape = tuple(min(n, 200) for n in large)
        seen = np.zeros(shape, np.uint8)
        for tile in Window.of_shape(shape).tiles(*tile_shape(shape, block, max(most, 50), least)):
            seen[tile.slices] += 1
        assert (seen == 1).all()


def test_tiles_are_whole_blocks_where_a_block_may_be_a_tile():
    checked = 0
    for shape, block, most, least in random_sizes(2000):
        size = clipped(shape, block)
        if math.prod(size) <= min(most, 1 << 20):
            tile = tile_shape(shape, block, most, least)
            assert all(t % b == 0 or t == n for t, b, n in zip(tile, size, shape, strict=True))
            checked += 1
    assert checked > 500


def test_there_are_as_many_tiles_as_asked_where_there_are_as_many_blocks():
    checked = 0
    for shape, block, most, least in random_sizes(2000):
        if count_of(shape, clipped(shape, block)) >= least:
            assert count_of(shape, tile_shape(shape, block, most, least)) >= least
            checked += 1
    assert checked > 500


def test_tiles_could_not_be_twice_as_large():
    for shape, block, most, least in random_sizes(2000):
        rows, cols = tile_shape(shape, block, most, least)
        for larger in ((min(2 * rows, shape[0]), cols), (rows, min(2 * cols, shape[1]))):
            too_large = math.prod(larger) > min(most, 1 << 20) or count_of(shape, larger) < least
            assert larger == (rows, cols) or too_large


def test_an_output_of_one_pixel_is_one_tile():
    assert tile_shape((1, 1), (512, 512), 0.5, 8) == (1, 1)


def leaning(tile):
    """Plan as for a source that is turned and twice as fine: more of it than of the output, on a grid of 8 pixels."""
    rows, cols = 2 * (tile.rows + tile.cols) + 6, 2 * (tile.rows + tile.cols) + 6
    return Tile(tile, Window(tile.row, tile.col, rows, cols), (tile.rows // 8 + 2, tile.cols // 8 + 2))


def test_what_fits_is_one_tile():
    tile = Window(5, 6, 40, 30)
    assert list(fitting(tile, (8, 8), leaning, Costs(1, 1, 1), 1e9)) == [leaning(tile)]


def test_what_does_not_fit_is_cut_into_parts_that_do_or_are_single_pixels():
    rng, cut, single = np.random.default_rng(3), 0, 0
    for _ in range(300):
        tile = Window(*rng.integers(0, 50, 2).tolist(), *rng.integers(1, 40, 2).tolist())
        costs, most = Costs(*rng.uniform(0, 9, 3)), 10 ** rng.uniform(0, 5)
        parts = list(fitting(tile, (8, 8), leaning, costs, most))
        seen = np.zeros((100, 100), np.uint8)
        for part in parts:
            seen[part.output.slices] += 1
            assert part == leaning(part.output)
            assert costs.of(part) <= most or part.output.shape == (1, 1)
        assert (seen[tile.slices] == 1).all() and seen.sum() == tile.rows * tile.cols
        cut += len(parts) > 1
        single += any(costs.of(part) > most for part in parts)
    assert cut > 100 and single > 10


def test_costs_count_output_source_and_nodes():
    assert Costs(2, 0.5, 10).of(Tile(Window(9, 9, 3, 4), Window(0, 0, 5, 6), (2, 7))) == 3 * 4 * 2 + 15 + 140


def test_masks_that_grow_cost_what_lies_around_the_source_too():
    costs = Costs(0, 0, 0, masks=4, margin=10)
    assert costs.of(Tile(Window(9, 9, 3, 4), Window(0, 0, 5, 6), (2, 7))) == 4 * 25 * 26
    assert costs.of(Tile(Window(9, 9, 3, 4), Window(0, 0, 0, 6), (2, 7))) == 0


def test_a_slot_lends_memory_of_its_own_again():
    made = []

    def make(size):
        made.append(size)
        return np.zeros(size, np.uint8)

    slot = Slot(make)
    first = slot.array("image", (2, 3, 4), np.float64)
    assert (first.shape, first.dtype, made) == ((2, 3, 4), np.float64, [192])
    smaller = slot.array("image", (5, 3), np.uint16)
    assert np.shares_memory(first, smaller) and smaller.flags.c_contiguous and made == [192]
    assert not np.shares_memory(first, slot.array("validity", (3, 4), np.uint8))
    slot.array("image", (5, 5), np.float64)
    assert made == [192, 12, 200]
    assert slot.array("image", (3, 0, 7), np.int32).shape == (3, 0, 7)
