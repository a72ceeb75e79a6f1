"""Measure gpumask beside its peers, in turn, and print a Markdown table.

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
from cases import all_cases
from gpu_day.page import readme_table

import gpumask
from gpumask.backends import get

Call = Callable[[], Any]
Case = Any  # see cases.py

CASES = all_cases()
REFERENCES = ("GridR, 1 thread", "datacube, 1 thread", "GDAL warp, 2 threads")


def libraries(case: Case) -> dict[str, Call]:
    """Return who does this work here: {name: call}."""
    calls: dict[str, Call] = {}

    def add(name: str, make: Callable[[], Call]) -> None:
        try:
            calls[name] = make()
        except (ImportError, gpumask.GpumaskError) as error:
            print(f"left out: {name}: {str(error).splitlines()[0]}")

    counts = sorted({1, os.cpu_count() or 1})
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


def plural(threads: int) -> str:
    """Return "1 thread" or "2 threads"."""
    return f"{threads} thread{'s' * (threads > 1)}"


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


def table(results: dict[str, dict[str, float]], where: dict[str, Any]) -> str:
    """Return the Markdown that the README includes: a row for each case, a column for each library."""
    libraries = list(dict.fromkeys(name for seconds in results.values() for name in seconds))
    lines = [f"| ns per pixel and band | {' | '.join(libraries)} |", "|---|" + "---:|" * len(libraries)]
    for name, seconds in results.items():
        cells = [cell(seconds, library, CASES[name].pixels) for library in libraries]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    bandwidth = f"copy bandwidth {where['copy_bandwidth_host'] / 1e9:.0f} GB/s"
    gpu = f"; {where['gpu']}, {where['copy_bandwidth_gpu'] / 1e9:.0f} GB/s" if "gpu" in where else ""
    lines += [
        "",
        "In brackets: how many times as fast as GridR, or datacube, which have one thread; where these take no part,",
        "as GDAL on two, whose coordinates are up to 0.125 pixels off from one CRS to another, unless they are exact.",
        "Images are 2000 x 2000 pixels, turned by 7 degrees, one pixel in 10 000 masked; GDAL, OpenCV and SciPy do it",
        "without a mask. Files are tiled GeoTIFFs of 4000 x 4000 pixels; GDAL compresses on all cores, but",
        "for gpumask on one thread. Kernels were compiled before;",
        f"medians of runs in turn on {where['cpu']}, {where['cores']} cores, {bandwidth}{gpu}.",
    ]
    return "\n".join(lines + shares(results, where)) + "\n"


def cell(seconds: dict[str, float], library: str, pixels: int) -> str:
    """Return a table's cell: nanoseconds for a pixel of a band, and for gpumask the ratio to its peer."""
    if library not in seconds:
        return ""
    text = f"{seconds[library] / pixels * 1e9:.1f}"
    reference = next((name for name in REFERENCES if name in seconds), None)
    compared = reference is not None and library.startswith("gpumask")
    return f"{text} ({seconds[reference] / seconds[library]:.1f})" if compared else text


def shares(results: dict[str, dict[str, float]], where: dict[str, Any]) -> list[str]:
    """Return lines that say which share of the GPU's copy bandwidth cuda reaches."""
    lines = []
    for name, seconds in results.items():
        if "gpumask cuda" in seconds:
            case = CASES[name]
            moved = case.bytes_per_pixel * case.pixels / seconds["gpumask cuda"]
            lines.append(f"* {name}: {moved / where['copy_bandwidth_gpu']:.0%} of the GPU's copy bandwidth")
    return ["", *lines] if lines else []


def put_table(path: Path, text: str, name: str = "bench") -> None:
    """Put the table between <!-- bench --> and <!-- /bench -->, or comments of another name."""
    before, start, rest = path.read_text().partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- /{name} -->")
    if not end:
        raise SystemExit(f"{path}: expected <!-- {name} --> and <!-- /{name} -->")
    path.write_text(f"{before}{start}\n{text}\n{end}{after}")


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


def main() -> None:
    """Measure, print, store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=9, help="turns")
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--json", type=Path, help="where to store the figures, and the table beside them as .md")
    parser.add_argument("--readme", type=Path, help="the file to put the table in, between its bench comments")
    parser.add_argument("--gpu", type=Path, help="results of bench/gpu.sh: write their table, and measure nothing")
    asked = parser.parse_args()
    if asked.gpu:
        text = readme_table(json.loads(asked.gpu.read_text()))
        print(text)
        if asked.readme:
            put_table(asked.readme, text, "bench gpu")
        return
    where = machine()
    results = {}
    with kept_environment():
        for name, case in CASES.items():
            if asked.only in name:
                print(f"measuring: {name}", flush=True)
                results[name] = measure(libraries(case), asked.repeat)
    print(table(results, where))
    if asked.json:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        stored = {"commit": commit(), "machine": where, "seconds": results}
        asked.json.write_text(json.dumps(stored, indent=2) + "\n")
        asked.json.with_suffix(".md").write_text(table(results, where))
    if asked.readme:
        put_table(asked.readme, table(results, where))


if __name__ == "__main__":
    main()
