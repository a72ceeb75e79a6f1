"""The results of one card on one page, out of what is on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from gpu_day.calls import all_kernels

Found = dict[str, Any]

SAID = {"begun": "cut off", "skipped": "not run"}  # of states


def page(found: Found) -> str:
    """Return the page as Markdown.

    found: as `Record` keeps it.
    """
    parts = found["parts"]
    about = f"text {found['text']}" + (f", commit {found['commit']}" if found.get("commit") else "")
    sections: dict[str, Callable[[], list[str]]] = {
        f"# {found['card']}": lambda: ["", about, *identity(items(parts, "identity"))],
        "## Parts": lambda: ["", *states(parts)],
        "## Speed, arrays on the device": lambda: speed(items(parts, "speed"), copy_rate(parts)),
        "## From host memory and from files": lambda: host(items(parts, "host")),
        "## Nsight Compute": lambda: counters(items(parts, "counters")),
        "## What is not as it should be": lambda: problems(parts),
    }
    written = {title: tried(make) for title, make in sections.items()}
    return "\n\n".join("\n".join([title, *lines]).strip() for title, lines in written.items() if lines) + "\n"


def tried(make: Callable[[], list[str]]) -> list[str]:
    """Return a section's lines, or why there are none: results that are odd stop neither the page nor a run."""
    try:
        return make()
    except Exception as error:
        return ["", f"not shown: {type(error).__name__}: {error}"]


def items(parts: Found, name: str) -> Found:
    """Return a part's items that are done or have results all the same."""
    known: Found = parts.get(name, {}).get("items", {})
    return known


def copy_rate(parts: Found) -> float | None:
    """Return the measured bytes a second of a copy on the device."""
    rate: float | None = items(parts, "identity").get("copy bandwidth", {}).get("bytes_per_second")
    return rate


def identity(known: Found) -> list[str]:
    """Return what was measured on."""
    card, copies = known.get("card", {}), known.get("copy bandwidth", {})
    lines = []
    if "sm" in card:
        smi = copies.get("nvidia-smi", {})
        clocks = f", SM {smi['clocks.sm']} of {smi['clocks.max.sm']}, memory {smi['clocks.mem']}" if smi else ""
        size = f"{card['multiprocessors']} multiprocessors, {card['memory'] / 2**30:.0f} GiB"
        lines.append(f"{card['sm']}, {size}{clocks}")
        versions = {"CuPy": card["cupy"], "NVRTC": card["nvrtc"], "Python": card["python"], **card["versions"]}
        driver = smi.get("driver_version", card["driver"])
        lines.append(f"driver {driver}, " + ", ".join(f"{name} {v}" for name, v in versions.items() if v))
    if "bytes_per_second" in copies:
        lines.append(f"copy on the device: {copies['bytes_per_second'] / 1e9:.0f} GB/s, read plus written")
    return lines


def states(parts: Found) -> list[str]:
    """Return a line for each part: how many of its items are in which state."""
    lines = []
    for name, part in parts.items():
        known = [item["state"] for item in part["items"].values()]
        counts = {state: known.count(state) for state in ("done", "failed", "skipped", "begun")}
        counts["not begun"] = max(part.get("asked", 0) - len(known), 0)
        text = ", ".join(f"{count} {SAID.get(state, state)}" for state, count in counts.items() if count)
        seconds = f" ({part['seconds']:.0f} s)" if "seconds" in part else ""
        lines.append(f"* {name}: {text or 'nothing'}{seconds}{extra(name, part['items'])}")
    return lines


def extra(name: str, known: Found) -> str:
    """Return what there is to say of a part besides."""
    if name == "smoke":
        missing = sorted(all_kernels() - {kernel for item in known.values() for kernel in item.get("kernels", ())})
        return f"; kernels that did not run: {', '.join(missing)}" if missing else "; every kernel ran"
    if name == "suite":
        sums = [sum(item.get(key, 0) for item in known.values()) for key in ("passed", "skipped", "left")]
        failed = sum(len(item.get("failed", ())) for item in known.values())
        return f"; tests: {sums[0]} passed, {failed} failed, {sums[1]} skipped, {sums[2]} left"
    if name == "random":
        cases = sum(item.get("cases", 0) for item in known.values())
        return f"; {cases} cases, {sum(len(item.get('differ', ())) for item in known.values())} differ"
    return ""


def share(part: float, whole: float | None) -> str:
    """Return a share in percent, empty where the whole is not known.

    >>> share(1.5, 2), share(1, None)
    ('75 %', '')
    """
    return f"{part / whole:.0%}".replace("%", " %") if whole else ""


def speed(known: Found, copy: float | None, kernels: bool = True) -> list[str]:
    """Return a table of picoseconds a pixel, shares of the copy's rate, and peers; with or without each kernel."""
    ours = {name: item for name, item in known.items() if item["state"] == "done" and "wall" in item}
    if not ours:
        return []
    titles = ["ps per pixel and band", "size", "gpumask cuda", "of a copy's rate", *PEERS, *["each kernel"] * kernels]
    rule = ["---"] + ["---:"] * (len(titles) - 1 - kernels) + ["---"] * kernels
    lines = ["", row_of(titles), row_of(rule)]
    for name, item in ours.items():
        seconds, theirs = item["seconds"], known.get(f"{name}; peers", {})
        cells = [name, str(item["size"]), picoseconds(seconds, item), share(item["bytes"] / seconds, copy)]
        cells += peer_cells(theirs)
        if kernels:
            cells.append(each_kernel(item, copy))
        lines.append(row_of(cells))
    smaller = any(name.endswith("times smaller") for name in ours)
    return [*lines, "", *_ABOUT_SPEED, *_ABOUT_SMALLER * smaller, *[_ABOUT_KERNELS] * kernels]


def row_of(cells: Iterable[str]) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(cells)} |"


PEERS = ("torch grid_sample", "CuPy map_coordinates")

# The README's rows.
SHORT = (
    "cubic, float64, full grid",
    "cubic, 4 bands of uint16, grid of step 16",
    "nearest, uint8, full grid",
    "bspline3, float64",
)
_ABOUT_SPEED = (
    "Arrays are on the device. Images are turned by 7 degrees, one pixel in 10 000 masked. Peers take no mask, have",
    "full coordinates, and float32 where torch takes no integers. A copy's rate counts bytes read and written. That of",
    "gpumask counts each array that a call must read or write once, and footprints twice.",
)
_ABOUT_SMALLER = (
    "Images that become smaller are neither turned nor masked. Their size is the source's, and their pixels are those",
    "of the output.",
)
_ABOUT_KERNELS = "Of a kernel, the bytes are those of every array that it is given, once."


def picoseconds(seconds: float, item: Found) -> str:
    """Return picoseconds a pixel."""
    return f"{seconds / item['pixels'] * 1e12:.1f}"


def each_kernel(item: Found, copy: float | None) -> str:
    """Return picoseconds a pixel and the share of the copy's rate for each kernel of a case."""
    return ", ".join(
        f"{kernel} {picoseconds(sums['seconds'], item)} ({share(sums['bytes'] / sums['seconds'], copy)})"
        for kernel, sums in item["kernels"].items()
    )


def speed_table(found: Found) -> str:
    """Return the table of speed for docs/speed.md, with what it was measured on."""
    parts, known = found["parts"], items(found["parts"], "identity")
    card, rate = known.get("card", {}), copy_rate(parts)
    lines = speed(items(parts, "speed"), rate, kernels=False)
    smi = known.get("copy bandwidth", {}).get("nvidia-smi", {})
    about = f"{found['card']}, driver {smi.get('driver_version') or card.get('driver')}"
    copies = f", copy {rate / 1e9:.0f} GB/s" if rate else ""
    return "\n".join([*lines[1:], f"Measured with CUDA events on {about}, CuPy {card.get('cupy')}{copies}."]) + "\n"


def readme_table(found: Found) -> str:
    """Return the short table of speed for the README."""
    known = items(found["parts"], "speed")
    titles = ["ps per pixel and band", "gpumask cuda", *PEERS]
    lines = [row_of(titles), row_of(["---"] + ["---:"] * (len(titles) - 1))]
    for name in SHORT:
        item, theirs = known.get(name, {}), known.get(f"{name}; peers", {})
        if item.get("state") == "done" and "wall" in item:
            lines.append(row_of([name, picoseconds(item["seconds"], item), *peer_cells(theirs)]))
    legend = f"On {found['card']}, with arrays on the device, full coordinates and no masks for the peers."
    return "\n".join([*lines, "", legend]) + "\n"


def peer_cells(theirs: Found) -> list[str]:
    """Return what each of the peers takes, empty for one that takes no part."""
    cells = []
    for peer in PEERS:
        took = [seconds for each, seconds in theirs.get("seconds", {}).items() if each.startswith(peer)]
        cells.append(picoseconds(took[0], theirs) if took else "")
    return cells


def host(known: Found) -> list[str]:
    """Return what the bus does, and how near to it calls from host memory come."""
    rates = known.get("bus", {}).get("bytes_per_second", {})
    lines = ["", "bus: " + ", ".join(f"{way} {rate / 1e9:.1f} GB/s" for way, rate in rates.items())] if rates else []
    for name, item in known.items():
        if item["state"] == "done" and "wall" in item:
            lines.append(f"* {name}: {item['wall'] / item['pixels'] * 1e9:.2f} ns a pixel{said_of(item, rates)}")
    return lines


def said_of(item: Found, rates: dict[str, float]) -> str:
    """Return which share of a call's time the copies alone would take, and how much happens at the same time."""
    stages = {name: seconds for name, seconds in item.get("stages", {}).items() if name != "all"}
    if "up" in item and rates:
        copies = {"copies up": item["up"] / rates["up"], "copies down": item["down"] / rates["down"]}
        on_device = copies | {"kernels": item["kernels"]}
        if not stages:
            shares = ", ".join(f"{name} {share(seconds, item['wall'])}" for name, seconds in on_device.items())
            return f"; at the pinned rate of the bus {shares} of the time"
        stages = {name: seconds for name, seconds in stages.items() if name != "compute"} | on_device
    if not stages:
        return ""
    text = ", ".join(f"{name} {seconds:.3f} s" for name, seconds in stages.items())
    overlap = share(hidden(stages.values(), item["wall"]), 1)
    return f"; {text}: together {item['wall']:.3f} s, {overlap} of the shorter ones hidden"


def hidden(stages: Iterable[float], together: float) -> float:
    """Return how much of the shorter stages' time hides behind the longest: 1 if all of it, 0 if none.

    >>> hidden([3, 2, 1], 3), hidden([3, 2, 1], 6), hidden([3, 2, 1], 4.5)
    (1.0, 0.0, 0.5)
    """
    seconds = list(stages)
    rest = sum(seconds) - max(seconds)
    return min(max(1 - (together - max(seconds)) / rest, 0.0), 1.0) if rest else 1.0


def counters(known: Found) -> list[str]:
    """Return what was counted, and instructions a pixel."""
    lines = []
    for name, item in known.items():
        metrics = item.get("metrics", {})
        if metrics:
            text = ", ".join(f"{metric} {value}" for metric, value in sorted(metrics.items()))
            lines.append(f"* {name}, {item['size']} x {item['size']}: {text}{instructions(metrics, item['pixels'])}")
    return ["", *lines] if lines else []


def instructions(metrics: dict[str, str], pixels: int) -> str:
    """Return instructions a pixel: those of warps, times their 32 threads.

    >>> instructions({"Executed Instructions": "2,000 inst"}, 640)
    '; 100 instructions a pixel'
    """
    executed = metrics.get("Executed Instructions", "").split(" ")[0].replace(",", "")
    return f"; {float(executed) * 32 / pixels:.0f} instructions a pixel" if executed else ""


def problems(parts: Found, most: int = 30) -> list[str]:
    """Return what failed, was cut off or did not run, and why; and failing tests by name."""
    lines: list[str] = []
    for name, part in parts.items():
        if part.get("why"):
            lines.append(f"* {name}: {part['why']}")
        alike: dict[tuple[str, str], list[str]] = {}
        for item, known in part["items"].items():
            if known["state"] != "done":
                alike.setdefault((SAID.get(known["state"], known["state"]), known.get("why", "")), []).append(item)
            for peer, why in known.get("why_peers", {}).items():
                alike.setdefault(("not run", f"{peer}: {why}"), []).append(item)
        lines += [f"* {name}, {some(whose)}: {said}: {why}".rstrip(": ")[:400] for (said, why), whose in alike.items()]
        failed = [test for known in part["items"].values() for test in known.get("failed", ())[:5]]
        lines += [f"  * {' '.join(test.split())}" for test in failed]
    more = [f"* and {len(lines) - most} more"] if len(lines) > most else []
    return ["", *lines[:most], *more] if lines else []


def some(names: list[str], most: int = 6) -> str:
    """Return names, but not all of many.

    >>> some(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
