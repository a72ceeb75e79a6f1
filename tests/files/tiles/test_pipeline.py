"""Reading, computing and writing overlap: results keep their order, and nothing goes on after an error."""

import contextlib
import itertools
import threading
import time

import numpy as np
import pytest

from gpumask.files.tiles.pipeline import overlapped


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
