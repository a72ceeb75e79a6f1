"""What is tested by default, and what --exhaustive adds.

By default a test of several parameters meets every value of each of them, and every backend, but not every combination.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import pytest

ON_DEVICE = "cuda, arrays there"

# For a test that runs nothing on a backend, in a file whose tests run on each.
on_one_backend = pytest.mark.parametrize("backend", ["numpy"], indirect=True)


def few_of(every: Iterable[Any], few: Collection[Any]) -> list[Any]:
    """Return all values of a parameter. Those that are not among the few are marked exhaustive.

    A tuple holds values of several parameters.
    """
    every = list(every)
    assert all(value in every for value in few), f"expected some of {every}; got {few}"

    def marked(value: Any) -> Any:
        return pytest.param(*(value if type(value) is tuple else [value]), marks=pytest.mark.exhaustive)

    return [value if value in few else marked(value) for value in every]


def draws(count: int) -> list[Any]:
    """Return the numbers of groups of random cases, as a parameter. By default one group is drawn."""
    return few_of(range(count), [0])


def left_out(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """Return the tests that --exhaustive adds: those with the mark, and combinations whose values others cover."""
    found, families = set(), defaultdict(list)
    for item in items:
        if item.get_closest_marker("exhaustive"):
            found.add(item)
        elif hasattr(item, "callspec"):
            families[item.nodeid.partition("[")[0]].append(item)
    for family in families.values():
        found |= set(family) - covering(family)
    return found


def covering(family: list[pytest.Item]) -> set[pytest.Item]:
    """Return tests of one function that together have every value of every parameter, and every backend.

    Those with the most new values come first.
    """
    values = {item: set(values_of(item)) for item in spread(family)}
    kept, seen = set(), set()
    for new in range(max(map(len, values.values())), 0, -1):
        for item, its_values in values.items():
            if len(its_values - seen) >= new:
                kept.add(item)
                seen |= its_values
    return kept


def spread(family: list[pytest.Item]) -> Iterator[pytest.Item]:
    """Yield the tests of one function so that those next to each other have different backends.

    Once they are on the device, arrays of the host take the same way as device arrays. One test shows that.
    """
    by_backend = defaultdict(list)
    for item in family:
        by_backend[item.callspec.params.get("backend")].append(item)
    yield from by_backend.pop(ON_DEVICE, [])[:1]
    backends = list(by_backend.values())
    for turn in range(len(backends)):
        for place in range(max(map(len, backends), default=0)):
            yield from backends[(place + turn) % len(backends)][place : place + 1]


def values_of(item: pytest.Item) -> Iterator[tuple[Any, ...]]:
    """Yield the values of a test with the names of their parameters. The values of one `parametrize` count as one."""
    params = dict(item.callspec.params)
    for mark in item.iter_markers("parametrize"):
        names = mark.args[0].split(",") if isinstance(mark.args[0], str) else mark.args[0]
        names = [name.strip() for name in names]
        yield (*names, *(id(params.pop(name)) for name in names))
    yield from ((name, id(value)) for name, value in params.items())
