"""What the work from file to file is planned with: tiles, stages that overlap, and how much memory there may be."""

import contextlib
import itertools
import math
import threading
import time

import numpy as np
import pytest

from gpumask import GpumaskError, Window
from gpumask.backends.memory import memory_limit
from gpumask.files.tiles.pipeline import Slot, overlapped
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


class Work:
    """Three stages that take their time, and say of every step which thread did it and when."""

    def __init__(self, count, lanes=2, ahead=4, pauses=(0, 0, 0), seed=0, fails=None):
        """pauses: the longest that each stage takes. fails: (stage, number) of a step that raises `error`."""
        self.count, self.ahead, self.pauses, self.fails = count, ahead, pauses, fails
        self.rng, self.lock = np.random.default_rng(seed), threading.Lock()
        self.error = OSError("enough")
        self.threads = {"read": set(), "compute": set(), "write": set()}
        self.steps = {"read": [], "compute": [], "write": []}
        self.in_work = self.most_in_work = self.within = 0
        self.users = [set() for _ in range(lanes)]
        self.busy = [0] * lanes
        self.lanes = [lambda lane=lane: self.lane(lane) for lane in range(lanes)]
        self.done = overlapped(self.reads(), self.compute, self.write, self.lanes, ahead)

    def step(self, stage, number):
        with self.lock:
            self.threads[stage].add(threading.get_ident())
            self.steps[stage].append(number)
            pause = self.rng.uniform(0, self.pauses[list(self.steps).index(stage)])
            self.within += 1
        if pause:
            time.sleep(pause)
        with self.lock:
            self.within -= 1
        if self.fails == (stage, number):
            raise self.error
        return number

    def reads(self):
        for number in range(self.count):
            with self.lock:
                self.in_work += 1
                self.most_in_work = max(self.most_in_work, self.in_work)
            yield self.step("read", number)

    @contextlib.contextmanager
    def lane(self, lane):
        self.users[lane].add(threading.get_ident())
        self.busy[lane] += 1
        assert self.busy[lane] == 1
        yield
        self.busy[lane] -= 1

    def compute(self, number):
        return self.step("compute", number)

    def write(self, number):
        self.step("write", number)
        with self.lock:
            self.in_work -= 1
        return number


@pytest.fixture(autouse=True)
def no_thread_stays_behind():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


PAUSES = [(0, 0, 0), (0.004, 0, 0), (0, 0.008, 0), (0, 0, 0.004), (0.002, 0.006, 0.002)]


@pytest.mark.parametrize(("lanes", "ahead"), [(1, 1), (1, 3), (2, 4), (5, 7), (3, 2), (2, 40)])
@pytest.mark.parametrize("pauses", PAUSES)
def test_results_come_in_order_whatever_each_stage_takes(pauses, lanes, ahead):
    work = Work(25, lanes, ahead, pauses)
    assert list(work.done) == work.steps["write"] == work.steps["read"] == list(range(25))
    assert sorted(work.steps["compute"]) == list(range(25))
    assert 1 <= work.most_in_work <= ahead


@pytest.mark.parametrize("lanes", [1, 2, 5])
def test_reading_and_writing_have_a_thread_each_and_a_lane_one_of_its_own(lanes):
    work = Work(40, lanes, lanes + 2, (0.001, 0.004, 0.001))
    assert list(work.done) == list(range(40))
    read, compute, write = work.threads.values()
    assert (len(read), len(write)) == (1, 1)
    assert not read & write and not compute & (read | write)
    assert threading.get_ident() not in read | compute | write
    assert all(len(users) <= 1 for users in work.users)
    assert set().union(*work.users) == compute and 1 <= len(compute) <= lanes
    assert work.busy == [0] * lanes


def test_a_piece_is_read_while_one_is_computed_and_another_is_written():
    together = threading.Barrier(3, timeout=20)

    def meets_at(wanted, number):
        if number == wanted:
            together.wait()
        return number

    done = overlapped(
        (meets_at(4, number) for number in range(5)),
        lambda number: meets_at(3, number),
        lambda number: meets_at(2, number),
        [contextlib.nullcontext],
        3,
    )
    assert list(done) == list(range(5))


def test_as_many_pieces_are_computed_at_a_time_as_there_are_lanes():
    together = threading.Barrier(4, timeout=20)

    def compute(number):
        together.wait()
        return number

    done = overlapped(iter(range(8)), compute, lambda number: number, [contextlib.nullcontext] * 4, 6)
    assert list(done) == list(range(8))


@pytest.mark.parametrize("pauses", PAUSES)
@pytest.mark.parametrize("number", [0, 1, 7, 19])
@pytest.mark.parametrize("stage", ["read", "compute", "write"])
def test_an_error_is_raised_once_as_itself_after_what_came_before(stage, number, pauses):
    work = Work(20, 3, 5, pauses, fails=(stage, number))
    found = []
    with pytest.raises(OSError, match="enough") as caught:
        found.extend(work.done)
    assert caught.value is work.error
    assert list(work.done) == []
    assert work.steps["write"][:number] == list(range(number))
    assert len(work.steps["read"]) <= number + work.ahead


@pytest.mark.parametrize("pauses", PAUSES)
@pytest.mark.parametrize("number", [0, 1, 7])
@pytest.mark.parametrize("stage", ["read", "compute", "write"])
def test_nothing_is_written_after_an_error(stage, number, pauses):
    work = Work(20, 3, 5, pauses, fails=(stage, number))
    with pytest.raises(OSError, match="enough"):
        list(work.done)
    assert work.steps["write"] == list(range(number + (stage == "write")))


def test_what_failed_in_a_lane_is_raised():
    @contextlib.contextmanager
    def broken():
        raise OSError("no such device")
        yield

    with pytest.raises(OSError, match="no such device"):
        list(overlapped(iter(range(3)), int, int, [broken, broken], 4))


@pytest.mark.parametrize("pauses", PAUSES)
@pytest.mark.parametrize("taken", [0, 1, 6])
def test_closing_early_ends_the_work(taken, pauses):
    work = Work(1000, 2, 4, pauses)
    assert list(itertools.islice(work.done, taken)) == list(range(taken))
    work.done.close()
    steps = {stage: len(found) for stage, found in work.steps.items()}
    assert all(count <= taken + work.ahead for count in steps.values())
    time.sleep(0.02)
    assert {stage: len(found) for stage, found in work.steps.items()} == steps


@pytest.mark.parametrize("pauses", PAUSES)
@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_nothing_works_on_after_an_interrupt_while_a_thread_is_started(monkeypatch, number, pauses):
    started = []

    class Thread(threading.Thread):
        def start(self):
            super().start()
            started.append(self)
            if len(started) == number + 1:
                raise KeyboardInterrupt

    monkeypatch.setattr("threading.Thread", Thread)
    work = Work(1000, 2, 6, pauses)
    with pytest.raises(KeyboardInterrupt):
        list(work.done)
    steps = {stage: len(found) for stage, found in work.steps.items()}
    assert work.within == 0
    for thread in started:
        thread.join(20)
    assert {stage: len(found) for stage, found in work.steps.items()} == steps


def test_nothing_works_on_however_often_it_is_interrupted(monkeypatch):
    work = Work(1000, 2, 6, (0.01, 0.03, 0.03))
    assert next(work.done) == 0
    wait_for, interrupts = threading.Condition.wait_for, iter(range(3))

    def interrupted(self, predicate, timeout=None):
        if threading.current_thread() is threading.main_thread() and next(interrupts, None) is not None:
            raise KeyboardInterrupt
        return wait_for(self, predicate, timeout)

    monkeypatch.setattr("threading.Condition.wait_for", interrupted)
    with pytest.raises(KeyboardInterrupt):
        work.done.close()
    assert work.within == 0 and next(interrupts, None) is None


@pytest.mark.parametrize(("lanes", "ahead"), [(1, 1), (2, 4), (4, 9)])
def test_no_work_has_no_results(lanes, ahead):
    work = Work(0, lanes, ahead)
    assert list(work.done) == []
    assert work.threads == {"read": set(), "compute": set(), "write": set()}


@pytest.mark.parametrize("piece", [None, 0, "", ()])
def test_a_piece_may_be_anything(piece):
    done = overlapped(iter([piece] * 3), lambda piece: piece, lambda piece: piece, [contextlib.nullcontext], 2)
    assert list(done) == [piece] * 3


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (64 << 20, 67108864),
        (np.int64(2_000_000_000), 2_000_000_000),
        (1 << 45, 1 << 45),
        ("67108864", 67108864),
        ("512MiB", 512 << 20),
        ("512mib", 512 << 20),
        (" 512 MiB ", 512 << 20),
        ("512Mi", 512 << 20),
        ("512M", 512_000_000),
        ("512MB", 512_000_000),
        ("2 GB", 2_000_000_000),
        ("2g", 2_000_000_000),
        ("2GiB", 2 << 30),
        ("1.5GiB", 3 << 29),
        ("100000kB", 100_000_000),
        ("70000KiB", 70_000 << 10),
        ("70000000B", 70_000_000),
    ],
)
def test_memory_is_asked_for_in_bytes_or_in_words(asked, expected, monkeypatch):
    monkeypatch.setenv("GPUMASK_MAX_MEMORY", "77MiB")
    found = memory_limit(asked)
    assert found == expected and type(found) is int
    if isinstance(asked, str):
        monkeypatch.setenv("GPUMASK_MAX_MEMORY", asked)
        assert memory_limit() == expected


def test_memory_is_a_gibibyte_where_nobody_asks(monkeypatch):
    monkeypatch.delenv("GPUMASK_MAX_MEMORY", raising=False)
    assert memory_limit() == 1 << 30
    monkeypatch.setenv("GPUMASK_MAX_MEMORY", "")
    assert memory_limit() == 1 << 30


WRONG = ["", "much", "2 TB", "2GBs", "-2GB", "1e9", "1.2.3GB", ".", "GB", "2 G B", "63MiB", "67108863", "9" * 400, "0"]


@pytest.mark.parametrize("asked", [*WRONG, 0, -1, 67108863, 2e9, math.nan, math.inf, True, b"2GB", [1 << 30], (1, 2)])
def test_memory_that_cannot_be_right_is_refused_by_name(asked, monkeypatch):
    with pytest.raises(GpumaskError, match="^max_memory: expected bytes"):
        memory_limit(asked)
    if isinstance(asked, str) and asked:
        monkeypatch.setenv("GPUMASK_MAX_MEMORY", asked)
        with pytest.raises(GpumaskError, match="^GPUMASK_MAX_MEMORY: expected bytes"):
            memory_limit()
