import gc
import threading

import numpy as np
import pytest

import gpumask
from gpumask.backends.pool import Pool

LARGE = (4, 1 << 20)


def address(array):
    return array.__array_interface__["data"][0]


def test_memory_of_an_array_that_is_gone_is_lent_again():
    pool = Pool()
    first = pool.empty(LARGE, np.uint16)
    at = address(first)
    del first
    again = pool.empty((LARGE[0] * LARGE[1],), np.int16)
    assert (address(again), again.shape, again.dtype) == (at, (1 << 22,), np.int16)


@pytest.mark.parametrize("view", [lambda a: a[1:], lambda a: a[1:][::2].T, lambda a: a.view(np.uint8), np.asarray])
def test_memory_is_not_lent_while_a_view_is_there(view):
    pool = Pool()
    seen = view(pool.empty(LARGE, np.float32))
    seen[...] = 7
    gc.collect()
    others = [pool.empty(LARGE, np.float32) for _ in range(3)]
    for other in others:
        other[...] = 1
    assert (seen == 7).all()


def test_arrays_begin_at_a_line_of_the_cache():
    pool = Pool()
    assert all(address(pool.empty((size,), np.uint8)) % 64 == 0 for size in range(1 << 23, (1 << 23) + 50, 7))


def test_pool_keeps_no_more_than_it_may():
    pool = Pool(most=20 << 20)
    arrays = [pool.empty((8 << 20,), np.uint8) for _ in range(5)]
    newest = [address(array) for array in arrays[-2:]]
    while arrays:
        arrays.pop(0)
    found = [pool.empty((8 << 20,), np.uint8) for _ in range(2)]
    assert sorted(map(address, found)) == sorted(newest)
    pool.clear()
    assert pool.empty((4,), np.uint8).flags.owndata


def test_threads_never_share_a_block():
    pool, wrong = Pool(), []

    def work(mark):
        for _ in range(50):
            array = pool.empty((1 << 22,), np.uint8)
            array[::4096] = mark
            if not (array[::4096] == mark).all():
                wrong.append(mark)

    threads = [threading.Thread(target=work, args=(mark,)) for mark in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_result_stays_when_others_are_made_after_it(backend):
    band = np.arange(1 << 23, dtype=np.uint32).reshape(2048, -1)
    rule = gpumask.MaskRule.from_config(
        {"flags": {"odd": True}}, {"odd": {"bits": 0, "values": {"0": False, "1": True}}}
    )
    odd = rule.evaluate(band, backend=backend)
    rule.evaluate(band + 1, backend=backend)
    assert np.array_equal(odd, band % 2 == 1)
