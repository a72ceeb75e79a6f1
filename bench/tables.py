"""The tables of speed: a short one for the README, and the full one for docs/speed.md. Both are of the same figures."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

Found = dict[str, Any]  # what `bench/run.py --json` stores
Cases = dict[str, Any]  # see cases.py

REFERENCES = (
    "GridR, 1 thread",
    "datacube, 1 thread",
    "GDAL warp, 2 threads",
    "GDAL warp, 1 thread",
    "plain validity, 1 thread",
)

# Rows of the short table: what each is called there, and the case.
SHORT = {
    "cubic, float64": "cubic, float64, full grid",
    "cubic, 4 bands of uint16, coarse grid": "cubic, 4 bands of uint16, grid of step 16",
    "linear, float32": "linear, float32, full grid",
    "nearest, uint8": "nearest, uint8, full grid",
    "bspline3, float64": "bspline3, float64, 1000 x 1000",
    "coarse mask to full resolution": "mask of step 16 to 2000 x 2000",
    "file to file, 4 bands of uint16": "file to file, 4 bands of uint16",
    "cubic, uint16, UTM to longitudes": "cubic, uint16, UTM to longitudes, 4000 x 4000",
}

_LEGEND = (
    "* In brackets is how many times as fast gpumask is as GridR or datacube, which have one thread. Where neither",
    "  takes part, it is compared with GDAL on two threads.",
    "* GDAL's coordinates are up to 0.125 pixels off from one CRS to another, except in the columns named exact.",
    "* Images have 2000 x 2000 pixels unless a row says otherwise. They are turned by 7 degrees.",
    "* One pixel in 10 000 is masked. GDAL, OpenCV and SciPy do it without a mask.",
    "* Files are tiled GeoTIFFs of 4000 x 4000 pixels. GDAL compresses on all cores, but on one thread for gpumask.",
    "* Kernels were compiled before. Each figure is the median of runs in turn.",
)

_ONE_THREAD = (
    "* The last table is of one thread. Its pixels are those of the output. gpumask is compared with GDAL on one",
    "  thread, and for the valid share with itself, with a validity of 0 and 1.",
    "* Images that become smaller have 3000 x 3000 pixels, in files 3996 x 3996. They have no mask, and are turned",
    "  only where a row says so. GDAL averages an upright box between two corners of a turned pixel.",
)


def plural(threads: int) -> str:
    """Return "1 thread" or "2 threads"."""
    return f"{threads} thread{'s' * (threads > 1)}"


def on_one_thread(case: Any) -> bool:
    """Say whether a case is measured with one thread only. Such cases have a table of their own."""
    return getattr(case, "one_thread", False)


def short(found: Found, cases: Cases) -> str:
    """Return the README's table: eight cases, gpumask on all cores and its peers."""
    where, results = found["machine"], found["seconds"]
    most = plural(where["cores"])
    libraries = [f"gpumask native, {most}", "GridR, 1 thread", f"GDAL warp, {most}", f"OpenCV remap, {most}", "SciPy"]
    rows = {title: (results[name], cases[name].pixels) for title, name in SHORT.items() if name in results}
    about = f"{where['cpu']}, {where['cores']} cores"
    legend = (
        f"On {about}, in brackets how many times as fast as GridR (as GDAL in the last row), where gpumask and GridR "
        "mask one pixel in 10 000 and the others none."
    )
    return "\n".join([*markdown(libraries, rows), "", legend]) + "\n"


def full(found: Found, cases: Cases) -> str:
    """Return the tables of everything: a row for each case, a column for each library."""
    where, results = found["machine"], found["seconds"]
    rows = {name: (seconds, cases[name].pixels) for name, seconds in results.items()}
    alone = {name: row for name, row in rows.items() if on_one_thread(cases[name])}
    lines: list[str] = []
    for some in ({name: row for name, row in rows.items() if name not in alone}, alone):
        if some:
            libraries = dict.fromkeys(library for seconds, _ in some.values() for library in seconds)
            lines += [""] * bool(lines) + markdown(libraries, some)
    about = f"{where['cpu']}, {where['cores']} cores, copy bandwidth {where['copy_bandwidth_host'] / 1e9:.0f} GB/s"
    gpu = f"; {where['gpu']}, {where['copy_bandwidth_gpu'] / 1e9:.0f} GB/s" if "gpu" in where else ""
    lines += ["", *_LEGEND, *_ONE_THREAD * bool(alone), f"* Machine: {about}{gpu}."]
    return "\n".join(lines + shares(results, where, cases)) + "\n"


def markdown(libraries: Iterable[str], rows: dict[str, tuple[dict[str, float], int]]) -> list[str]:
    """Return the lines of a table of seconds by library and pixels by case."""
    libraries = list(libraries)
    lines = [f"| ns per pixel and band | {' | '.join(libraries)} |", "|---|" + "---:|" * len(libraries)]
    for title, (seconds, pixels) in rows.items():
        lines.append(f"| {title} | {' | '.join(cell(seconds, library, pixels) for library in libraries)} |")
    return lines


def cell(seconds: dict[str, float], library: str, pixels: int) -> str:
    """Return a table's cell: nanoseconds for a pixel of a band, and for gpumask the ratio to its peer."""
    if library not in seconds:
        return ""
    text = f"{seconds[library] / pixels * 1e9:.1f}"
    reference = next((name for name in REFERENCES if name in seconds), None)
    compared = reference is not None and library.startswith("gpumask")
    return f"{text} ({seconds[reference] / seconds[library]:.1f})" if compared else text


def shares(results: dict[str, dict[str, float]], where: dict[str, Any], cases: Cases) -> list[str]:
    """Return lines that say which share of the GPU's copy bandwidth cuda reaches."""
    lines = []
    for name, seconds in results.items():
        if "gpumask cuda" in seconds:
            moved = cases[name].bytes_per_pixel * cases[name].pixels / seconds["gpumask cuda"]
            lines.append(f"* {name}: {moved / where['copy_bandwidth_gpu']:.0%} of the GPU's copy bandwidth")
    return ["", *lines] if lines else []


def put(path: Path, text: str, name: str) -> None:
    """Put a table between the comments <!-- name --> and <!-- /name --> of a page."""
    before, start, rest = path.read_text().partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- /{name} -->")
    if not end:
        raise SystemExit(f"{path}: expected <!-- {name} --> and <!-- /{name} -->")
    path.write_text(f"{before}{start}\n{text}\n{end}{after}")
