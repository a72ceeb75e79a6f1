"""Tables: numbers that nobody changes, with copies on devices that stay in their process."""

import pickle

import numpy as np
import pytest

from gpumask.backends import get
from gpumask.backends.table import Table


def test_a_table_can_not_be_changed():
    table = Table(np.arange(5))
    with pytest.raises(ValueError, match="read-only"):
        table.host[0] = 1


def test_a_table_has_its_numbers_on_every_backend_and_goes_to_each_place_once(backend):
    table, place = Table(np.arange(7.0)), get(backend)
    found = place.table(table)
    np.testing.assert_array_equal(place.to_family_of(np.empty(0), found), np.arange(7.0))
    assert place.table(table) is found


def test_a_copy_in_another_process_begins_without_any_on_a_device(at_hand):
    table = Table(np.arange(7.0))
    get("cuda").table(table)
    copy = pickle.loads(pickle.dumps(table))
    np.testing.assert_array_equal(copy.host, table.host)
    assert len(table.there) == 1 and not copy.there and not copy.host.flags.writeable
