"""The test suite's variants for cuda, in the order of their worth, until the time is over.

An item is a file of tests. What is finished in one that was cut off is kept by function, and not done again.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from gpu_day.common import NotHere, Options
from gpu_day.record import ROOT

# Kernels against their twins and the laws first; then what has kernels in it; then files, peers, commands.
FIRST = (
    "kernels/test_kernels.py", "test_laws.py", "masks/test_footprint.py", "resampling/test_run.py",
    "grids/test_oversample.py", "grids/test_nodes.py", "kernels/test_rules_kernel.py", "resampling/test_prefilter.py",
    "resampling/test_renormalize.py", "masks/test_morphology.py", "resampling/test_resampler.py",
    "backends/test_streams.py", "files/tiles/test_devices.py", "backends/test_waits.py", "masks/test_polygons.py",
    "masks/test_build.py", "masks/test_coarse.py", "files/tiles/test_run.py", "files/test_resample.py",
    "masks/rules/test_rule.py", "masks/rules/test_table.py", "masks/rules/test_evaluate.py",
    "masks/rules/test_apply.py", "masks/rules/test_value_map.py", "files/tiles/test_full_resolution.py",
    "files/reading/test_quality.py", "xarray/test_array.py", "gridr/test_resampling.py", "gridr/test_masks.py",
    "gridr/test_grids.py", "gridr/test_rasterize.py",
)  # fmt: skip
_TESTS = ROOT / "tests"
_FIXTURE = re.compile(r"def \w+\([^)]*\bbackend\b|on_every_backend|[(\"]at_hand\b")
_TO_END = 3  # seconds, for what is known to be told


def items(options: Options) -> list[str]:
    """Return the files that ask for a backend."""
    paths = sorted(_TESTS.rglob("test_*.py"))
    names = [path.relative_to(_TESTS).as_posix() for path in paths if _FIXTURE.search(path.read_text())]
    return [name for name in FIRST if name in names] + [name for name in names if name not in FIRST]


def batches(left: list[str]) -> list[list[str]]:
    """Return all that is left at once: one run of pytest, in the order of worth."""
    order = {name: number for number, name in enumerate(FIRST)}
    return [sorted(left, key=lambda name: order.get(name, len(order)))] if left else []


def run_all(asked: dict[str, Any], options: Options, tell: Callable[..., None]) -> None:
    """Run pytest, and tell of each file whenever there is something new."""
    if importlib.util.find_spec("pytest") is None:
        raise NotHere("no pytest")
    end = time.monotonic() + asked["seconds"] - _TO_END
    files = {name: FileResult.of(asked["known"].get(name, {})) for name in asked["items"]}
    progress = Path(options.folder, "suite.jsonl")
    progress.write_text("")
    with Path(options.folder, "suite.txt").open("a") as log:
        process = start(files, progress, options.jobs, log)
        try:
            with progress.open() as lines:
                while process.poll() is None and time.monotonic() < end:
                    time.sleep(0.5)
                    take(lines, files, tell)
                ended = process.poll() is not None
                if not ended:
                    process.kill()  # its workers end with it, or with this process
                    process.wait()
                take(lines, files, tell)
        finally:
            process.kill()
    for name, result in files.items():
        state, why = result.verdict(f"exit code {process.returncode}" if ended else "cut off")
        tell(name, state, **result.found(), **({"why": why} if why else {}))


def start(files: dict[str, FileResult], progress: Path, jobs: int, log: Any) -> subprocess.Popen[bytes]:
    """Start pytest, which writes what it finds to `progress`; see `gpu_day.chosen`."""
    workers = ["-n", str(jobs), "--dist", "load", "--maxschedchunk", "2"]
    if importlib.util.find_spec("xdist") is None:
        workers = []
    command = [
        sys.executable, "-m", "pytest", "-o", "addopts=", "--import-mode=importlib", "-W", "default", "-q",
        "--tb=short", "-p", "no:cacheprovider", "-p", "gpu_day.chosen",
        "--exhaustive", "--continue-on-collection-errors", *workers,
        *(f"tests/{name}" for name in files),
    ]  # fmt: skip
    chosen = {"progress": str(progress), "done": {name: sorted(result.functions) for name, result in files.items()}}
    environment = {**os.environ, "GPU_SUITE": json.dumps(chosen)}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
    )


def take(lines: Iterable[str], files: dict[str, FileResult], tell: Callable[..., None]) -> None:
    """Take what pytest has written since the last time."""
    changed = set()
    for line in lines:
        if not line.endswith("\n"):  # of a line that is being written the rest is lost: it is one test of thousands
            continue
        event = json.loads(line)
        if "ids" in event:
            for test in event["ids"]:
                files[file_of(test)].wanted.add(test)
        elif file_of(event["test"]) in files:
            files[file_of(event["test"])].add(event)
            changed.add(file_of(event["test"]))
    for name in changed:
        tell(name, "begun", **files[name].found())


def file_of(test: str) -> str:
    """Return the path in tests/ of a test's file.

    >>> file_of("tests/grids/test_mesh.py::test_tiles[cuda-3]")
    'grids/test_mesh.py'
    """
    return test.partition("::")[0].removeprefix("tests/")


def function_of(test: str) -> str:
    """Return a test's function, without its parameters.

    >>> function_of("tests/test_laws.py::test_tiles[cuda-a::b]")
    'test_tiles'
    """
    return test.partition("::")[2].partition("[")[0]


class FileResult:
    """What is known of a file's tests: those of functions that were done before, and those of now."""

    def __init__(self) -> None:
        self.functions: set[str] = set()
        self.passed = self.skipped = 0
        self.failed: list[str] = []
        self.wanted: set[str] = set()
        self.outcomes: dict[str, str] = {}
        self.problem = ""

    @classmethod
    def of(cls, known: dict[str, Any]) -> FileResult:
        """Go on from what was found before: only functions of which every test passed or was skipped stay done."""
        result = cls()
        result.functions = set(known.get("functions", ()))
        result.passed, result.skipped = known.get("counts", (0, 0))
        return result

    def add(self, event: dict[str, str]) -> None:
        """Take the outcome of a test, or what kept the file from being read."""
        if event["outcome"] == "not collected":
            self.problem = event["why"]
        else:
            self.outcomes[event["test"]] = event["outcome"]

    def found(self) -> dict[str, Any]:
        """Return what to keep: counts for the page, and functions that are done with counts of their own."""
        left: dict[str, int] = {}
        for test in self.wanted:
            ended = self.outcomes.get(test) in ("passed", "skipped")
            left[function_of(test)] = left.get(function_of(test), 0) + (not ended)
        done = {function for function, count in left.items() if not count}
        ended = [outcome for test, outcome in self.outcomes.items() if function_of(test) in done]
        counts = self.passed + ended.count("passed"), self.skipped + ended.count("skipped")
        outcomes = list(self.outcomes.values())
        return {
            "passed": self.passed + outcomes.count("passed"),
            "skipped": self.skipped + outcomes.count("skipped"),
            "failed": sorted(test for test, outcome in self.outcomes.items() if outcome == "failed"),
            "left": len(self.wanted - self.outcomes.keys()),
            "functions": sorted(self.functions | done),
            "counts": counts,
        }

    def verdict(self, ended: str) -> tuple[str, str]:
        """Return the state of the file, and why it is that."""
        if self.problem:
            return "skipped", self.problem
        failed = [test for test, outcome in self.outcomes.items() if outcome == "failed"]
        if self.wanted - self.outcomes.keys():
            return "begun", ended
        if failed:
            return "failed", f"{len(failed)} tests failed"
        if self.wanted or self.functions:
            return "done", ""
        return ("begun", ended) if ended == "cut off" else ("skipped", "no test for cuda, or a module is missing")
