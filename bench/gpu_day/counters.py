"""What Nsight Compute counts in three kernels. python -m gpu_day.counters KERNEL SIZE is what is watched."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

from resampling import Resampling

from gpu_day.common import Options, tool

# What is run: the kernel that is counted, and the case that it is part of.
KERNELS = {
    "resample": Resampling("cubic", size=4096),
    "footprint": Resampling("cubic", dtype="uint16", size=4096, step=16),
    "prefilter": Resampling("bspline3", size=2048),
}
_SECTIONS = ("SpeedOfLight", "Occupancy", "LaunchStats", "InstructionStats")
WANTED = {
    "Duration", "Compute (SM) Throughput", "Memory Throughput", "DRAM Throughput", "L2 Cache Throughput",
    "Theoretical Occupancy", "Achieved Occupancy", "Registers Per Thread", "Executed Instructions", "SM Frequency",
}  # fmt: skip


def items(options: Options) -> list[str]:
    """Return the kernels."""
    return list(KERNELS)


def run(item: str, options: Options) -> dict[str, Any]:
    """Count one launch of a kernel."""
    size = options.scaled(KERNELS[item].size)
    sections = [part for section in _SECTIONS for part in ("--section", section)]
    command = [
        tool("ncu"), "--clock-control", "none", *sections, "-k", f"regex:^{item}$", "-c", "1", "--csv",
        sys.executable, "-m", "gpu_day.counters", item, str(size),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    with Path(options.folder, "ncu.txt").open("a") as log:
        log.write(f"{' '.join(command)}\n{done.stdout}{done.stderr}\n")
    metrics = metrics_of(done.stdout)
    if not metrics:
        raise RuntimeError(f"ncu: exit code {done.returncode}: {(done.stdout + done.stderr).strip()[-400:]}")
    return {"size": size, "pixels": size * size, "metrics": metrics}


def metrics_of(text: str) -> dict[str, str]:
    """Return the metrics that are wanted, with their units, out of ncu's CSV and whatever else was printed."""
    lines = text.splitlines()
    first = next((number for number, line in enumerate(lines) if line.startswith('"ID"')), len(lines))
    rows = csv.DictReader(lines[first:])
    found = {}
    for row in rows:
        if row.get("Metric Name") in WANTED:
            found.setdefault(row["Metric Name"], f"{row['Metric Value']} {row['Metric Unit'] or ''}".strip())
    return found


def main() -> None:
    """Resample once."""
    import dataclasses

    case = dataclasses.replace(KERNELS[sys.argv[1]], size=int(sys.argv[2]))
    case.ours("cuda")()


if __name__ == "__main__":
    main()
