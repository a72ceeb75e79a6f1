"""What is tested by default: no value of a parameter is left out but by its mark."""

from collections import Counter
from itertools import product
from types import SimpleNamespace

import pytest
from exhaustive import ON_DEVICE, draws, few_of, left_out


class Item:
    """As much of a test as the choice looks at."""

    def __init__(self, name, params, together=(), marked=False):
        self.nodeid = f"{name}[{'-'.join(map(str, params.values()))}]"
        self.callspec = SimpleNamespace(params=params)
        names = [*together, *(name for name in params if name not in ",".join(together) and name != "backend")]
        self.marks = [pytest.mark.parametrize(name, None).mark for name in names]
        self.marked = marked

    def get_closest_marker(self, name):
        return self.marked if name == "exhaustive" else None

    def iter_markers(self, _):
        return self.marks


def kept_of(items):
    dropped = left_out(items)
    return [item for item in items if item not in dropped]


def items_of(name="test", together=(), **values):
    return [Item(name, dict(zip(values, each, strict=True)), together) for each in product(*values.values())]


def test_every_value_and_every_backend_is_met_in_as_few_tests_as_the_most_values():
    values = {"backend": ["cuda", "native", "numpy"], "interp": ["nearest", "linear", "cubic"], "bands": [*range(9)]}
    kept = [item.callspec.params for item in kept_of(items_of(**values))]
    assert {name: {params[name] for params in kept} for name in values} == {n: {*v} for n, v in values.items()}
    assert Counter(params["backend"] for params in kept) == {"cuda": 3, "native": 3, "numpy": 3}


def test_device_arrays_are_given_to_each_test_once():
    items = [*items_of("one", backend=[ON_DEVICE], bands=[1, 2, 3]), *items_of("other", backend=[ON_DEVICE])]
    assert [item.nodeid for item in kept_of(items)] == [f"one[{ON_DEVICE}-1]", f"other[{ON_DEVICE}]"]


def test_values_that_are_given_together_are_one():
    pairs = [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    items = [Item("test", {"x": x, "y": y}, ["x, y"]) for x, y in pairs]
    assert len(kept_of(items)) == 4
    assert len(kept_of([Item("test", {"x": x, "y": y}) for x, y in pairs])) == 2


def test_a_test_of_no_parameter_is_kept_and_what_is_marked_is_left_out():
    plain = Item("plain", {})
    del plain.callspec
    assert kept_of([plain, Item("marked", {"x": 1}, marked=True), *items_of(x=[1, 2])])[0] is plain
    assert len(kept_of([Item("test", {"x": x}, marked=x == 2) for x in (1, 2)])) == 1


def test_values_beyond_the_few_are_marked():
    found = few_of([("a", 1), ("b", 2)], [("a", 1)])
    assert found[0] == ("a", 1)
    assert found[1].values == ("b", 2) and [mark.name for mark in found[1].marks] == ["exhaustive"]
    assert [getattr(each, "values", each) for each in draws(3)] == [0, (1,), (2,)]
    with pytest.raises(AssertionError, match="expected some of"):
        few_of(["a"], ["b"])
