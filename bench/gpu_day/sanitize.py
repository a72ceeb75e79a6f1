"""compute-sanitizer's memcheck and racecheck over the calls of smoke, each array in an allocation of its own.

python -m gpu_day.sanitize CALL... is what is watched.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gpu_day.calls import CALLS
from gpu_day.common import NotHere, Options, tool

TOOLS = ("memcheck", "racecheck")
_SUMMARY = re.compile(r"(?:ERROR|RACECHECK) SUMMARY: (\d+)")


def items(options: Options) -> list[str]:
    """Return every tool with every call."""
    return [f"{tool}: {call}" for tool in TOOLS for call in CALLS]


def batches(left: list[str]) -> list[list[str]]:
    """Return what one process does: all that is left for a tool."""
    found = [[item for item in left if item.startswith(f"{tool}: ")] for tool in TOOLS]
    return [batch for batch in found if batch]


def run_all(asked: dict[str, Any], options: Options, tell: Callable[..., None]) -> None:
    """Run a tool over its calls, and say of each whether it ended, and whether anything was found."""
    watcher, calls = asked["items"][0].partition(": ")[0], [item.partition(": ")[2] for item in asked["items"]]
    command = [
        tool("compute-sanitizer"), "--tool", watcher, "--print-limit", "20",
        *(["--report-api-errors", "no"] if watcher == "memcheck" else []),
        sys.executable, "-u", "-m", "gpu_day.sanitize", *calls,
    ]  # fmt: skip
    for item in asked["items"]:
        tell(item, "begun")
    path = Path(options.folder, f"{watcher}.txt")
    with path.open("w") as out:  # no pipe: what is watched may hold it open when the tool is gone
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                timeout=max(asked["seconds"] - 3, 1), check=False,
            )  # fmt: skip
            ended = f"exit code {done.returncode}"
        except subprocess.TimeoutExpired:
            ended = "cut off"
    text = path.read_text(errors="replace")
    for item, state, found in verdicts(watcher, calls, text, ended):
        tell(item, state, **found)


def verdicts(watcher: str, calls: list[str], text: str, ended: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Read what the tool printed, between what was watched: (item, state, what was found) for each call."""
    summary, found = _SUMMARY.search(text), []
    for call in calls:
        before, done, _ = text.partition(f"done: {call}\n")
        own = before.rpartition("done: ")[2] if done else text.rpartition("done: ")[2]
        # A problem is a block that begins without an indent; the tool's own first and last lines are none.
        lines = [line.removeprefix("========= ") for line in own.splitlines() if re.match(r"========= \S", line)]
        problems = [line for line in lines if "SUMMARY" not in line and not line.startswith("COMPUTE-SANITIZER")]
        if "skipped: " + call in own:
            verdict = "skipped", {"why": "something that it needs is not there"}
        elif done and not problems:
            verdict = "done", {}
        elif done or (problems and ended != "cut off"):
            verdict = "failed", {"why": "; ".join(problems[:3])[:500], "problems": len(problems)}
        else:
            why = ended if ended == "cut off" else f"{ended}: {text.strip()[-300:]}"
            verdict = "begun" if ended == "cut off" else "failed", {"why": why}
        found.append((f"{watcher}: {call}", *verdict))
    if summary and int(summary[1]) and all(state != "failed" for _, state, _ in found):
        return [(item, "failed", {"why": summary[0]}) for item, _, _ in found]
    return found


def main() -> None:
    """Make calls on the device; where an array ends, its allocation does."""
    import cupy

    cupy.cuda.set_allocator(None)
    for name in sys.argv[1:]:
        try:
            CALLS[name](np.asarray, "cuda")
        except NotHere:
            print(f"skipped: {name}", flush=True)
        cupy.cuda.runtime.deviceSynchronize()
        print(f"done: {name}", flush=True)


if __name__ == "__main__":
    main()
