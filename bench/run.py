"""Measure gpumask beside its peers, in turn, and print Markdown tables.

Every library does the same work in one process, one after the other, again and again; a row is the median of its runs.
Absolute times vary from machine to machine and hour to hour: the ratios are what is said.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tables
from cases import all_cases
from gpu_day import page
from tables import on_one_thread, plural

import gpumask
from gpumask.backends import get

Call = Callable[[], Any]
Case = Any  # see cases.py

CASES = all_cases()


def libraries(case: Case) -> dict[str, Call]:
    """Return who does this work here: {name: call}."""
    calls: dict[str, Call] = {}

    def add(name: str, make: Callable[[], Call]) -> None:
        try:
            calls[name] = make()
        except (ImportError, gpumask.GpumaskError) as error:
            print(f"left out: {name}: {str(error).splitlines()[0]}")

    counts = [1] if on_one_thread(case) else sorted({1, os.cpu_count() or 1})
    for threads in counts:
        add(f"gpumask native, {plural(threads)}", lambda t=threads: on_threads(t, case.ours("native")))
    add("gpumask cuda", lambda: on_device(case))
    for name, make in case.peers().items():
        add(name, make)
    for threads in counts:
        for name, make in case.threaded_peers(threads).items():
            add(f"{name}, {plural(threads)}", make)
    add("gpumask numpy", lambda: case.ours("numpy"))
    return calls


def on_threads(threads: int, call: Call) -> Call:
    """Return a call that gives native that many threads."""

    def run() -> None:
        os.environ["GPUMASK_NUM_THREADS"] = os.environ["GDAL_NUM_THREADS"] = str(threads)
        call()
        del os.environ["GDAL_NUM_THREADS"]

    return run


def on_device(case: Case) -> Call:
    """Return gpumask on the GPU, arrays there before and after; waits for the end."""
    get("cuda")
    import cupy  # noqa: PLC0415

    call = case.ours("cuda", cupy.asarray)

    def run() -> None:
        call()
        cupy.cuda.Device().synchronize()

    return run


def measure(calls: dict[str, Call], repeat: int) -> dict[str, float]:
    """Return the median seconds of each call, all taken in turn; slow ones fewer times."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for turn in range(repeat):
        for name, call in calls.items():
            if turn and sum(seconds[name]) > 5:
                continue
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def copy_bandwidth(xp: Any, synchronize: Callable[[], object]) -> float:
    """Return bytes a second, read plus written, of a copy between arrays of 256 MiB."""
    a = xp.ones(1 << 25)
    b = xp.empty_like(a)
    times = []
    for _ in range(7):
        synchronize()
        start = time.perf_counter()
        b[...] = a
        synchronize()
        times.append(time.perf_counter() - start)
    return float(2 * a.nbytes / min(times))


def machine() -> dict[str, Any]:
    """Return what was measured on."""
    found: dict[str, Any] = {
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "copy_bandwidth_host": copy_bandwidth(np, lambda: None),
        "versions": {name: version(name) for name in (*_PACKAGES, *_OPENCV, *_CUPY)},
    }
    try:
        get("cuda")
    except gpumask.GpumaskError:
        return found
    import cupy  # noqa: PLC0415

    found["gpu"] = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    found["copy_bandwidth_gpu"] = copy_bandwidth(cupy, cupy.cuda.Device().synchronize)
    return found


_PACKAGES = ("gpumask", "numpy", "gridr", "datacube", "rasterio", "scipy")
_OPENCV = ("opencv-python-headless",)
_CUPY = ("cupy-cuda12x", "cupy-cuda13x")


def version(name: str) -> str | None:
    """Return a package's version, None where it is not there."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def cpu_name() -> str:
    """Return the CPU's name, and its widest vectors."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    pairs = (line.partition(":") for line in text.splitlines())
    fields = {name.strip(): value.strip() for name, _, value in pairs}
    flags = fields.get("flags", "").split()
    vectors = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "SSE2"
    return f"{fields.get('model name', platform.processor())} ({vectors})"


def commit() -> str:
    """Return the commit that was measured."""
    done = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return done.stdout.strip()


@contextmanager
def kept_environment() -> Any:
    """Leave GPUMASK_NUM_THREADS as it was."""
    before = os.environ.get("GPUMASK_NUM_THREADS")
    try:
        yield
    finally:
        os.environ.pop("GPUMASK_NUM_THREADS", None)
        if before is not None:
            os.environ["GPUMASK_NUM_THREADS"] = before


def measured(only: str, repeat: int) -> dict[str, Any]:
    """Measure the cases whose name holds this; return what is stored."""
    where, results = machine(), {}
    with kept_environment():
        for name, case in CASES.items():
            if only in name:
                print(f"measuring: {name}", flush=True)
                results[name] = measure(libraries(case), repeat)
    return {"commit": commit(), "machine": where, "seconds": results}


def main() -> None:
    """Measure, or read what was measured, print, store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=9, help="turns")
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--json", type=Path, help="where to store the figures, and the table beside them as .md")
    parser.add_argument("--readme", type=Path, help="put the short table there, and the full one into docs/speed.md")
    parser.add_argument("--cpu", type=Path, help="figures that --json stored: write their tables, and measure nothing")
    parser.add_argument("--gpu", type=Path, help="results of bench/gpu.sh: write their tables, and measure nothing")
    asked = parser.parse_args()
    if asked.gpu:
        found = json.loads(asked.gpu.read_text())
        name, short, full = "bench gpu", page.readme_table(found), page.speed_table(found)
    else:
        found = json.loads(asked.cpu.read_text()) if asked.cpu else measured(asked.only, asked.repeat)
        name, short, full = "bench", tables.short(found, CASES), tables.full(found, CASES)
    print(full)
    if asked.json and not asked.gpu:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps(found, indent=2) + "\n")
        asked.json.with_suffix(".md").write_text(full)
    if asked.readme:
        tables.put(asked.readme, short, name)
        tables.put(asked.readme.parent / "docs" / "speed.md", full, name)


if __name__ == "__main__":
    main()
