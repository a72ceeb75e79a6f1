"""A plugin of pytest: keeps the tests for cuda that are not done yet, and writes each outcome as it comes.

GPU_SUITE: JSON with "progress", the file to write to, and "done", finished functions by file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gpu_day.suite import file_of, function_of
from gpu_day.worker import broken

_ASKED = json.loads(os.environ["GPU_SUITE"])


def write(**event: Any) -> None:
    """Write a line, in the process that gathers reports."""
    with Path(_ASKED["progress"]).open("a") as file:
        file.write(json.dumps(event) + "\n")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what is asked for, in the order of files that was asked for."""
    order = {name: number for number, name in enumerate(_ASKED["done"])}
    kept = sorted(filter(wanted, items), key=lambda item: order.get(file_of(item.nodeid), len(order)))
    config.hook.pytest_deselected(items=[item for item in items if not wanted(item)])
    items[:] = kept
    if not hasattr(config, "workerinput") and not config.getoption("numprocesses", None):
        write(ids=[item.nodeid for item in kept])


def wanted(item: pytest.Item) -> bool:
    """Say whether a test is one for cuda, by the backend that it gets or by its fixture, of a function not done."""
    backend = getattr(getattr(item, "callspec", None), "params", {}).get("backend", "")
    for_cuda = str(backend).partition(",")[0] == "cuda" or "at_hand" in getattr(item, "fixturenames", ())
    return for_cuda and function_of(item.nodeid) not in _ASKED["done"].get(file_of(item.nodeid), ())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """Write what there is to do, as each worker has found it."""
    write(ids=ids)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Write which file could not be read."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        why = [line for line in str(report.longrepr).splitlines() if line.startswith("E ")]
        write(test=report.nodeid, outcome="not collected", why=" ".join((why or ["E  no reason"])[-1].split()[1:]))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write an outcome: when the test is torn down, or its process has died."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    seen = _OUTCOMES.setdefault(report.nodeid, "passed")
    if report.outcome == "failed" or seen == "passed":
        _OUTCOMES[report.nodeid] = report.outcome
    if report.when not in ("setup", "call"):
        write(test=report.nodeid, outcome=_OUTCOMES.pop(report.nodeid))


_OUTCOMES: dict[str, str] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """End a worker whose device takes no more work, lest all other tests in it fail: another takes its place."""
    report: Any = yield
    if report.failed and "PYTEST_XDIST_WORKER" in os.environ and broken():
        print(report.longreprtext, file=os.fdopen(os.dup(2), "w"), flush=True)
        os._exit(71)
    return report
