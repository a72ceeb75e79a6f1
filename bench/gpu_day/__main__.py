"""python -m gpu_day: run what is left of the parts, and print a page. See bench/gpu.sh."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gpu_day.common import Options
from gpu_day.page import page
from gpu_day.parts import CORES, PARTS, WHOLE, Part
from gpu_day.record import ROOT, UNFINISHED, UNTRIED, Record, commit, file_name, text_hash
from gpu_day.run import run_part

_CARD = "import cupy; print(cupy.cuda.runtime.getDeviceProperties(0)['name'].decode())"
# What is taken along where there is $OUT: with the results and the page six files.
_LOGS = {"suite.txt": "suite.txt", "sanitize.txt": "*check.txt", "ncu.txt": "ncu.txt", "workers.txt": "*.log"}
_MOST = 1 << 19  # characters of each


def main() -> None:
    """Run the parts in order; when time is left, once more what was cut off."""
    asked = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that what was started is ended
    end = time.monotonic() + asked.seconds
    card = the_card()
    folder = Path(tempfile.mkdtemp(prefix="gpumask-gpu-"))
    options = Options(asked.scale, asked.torch, max(min(CORES - 2, 12), 1), str(folder), asked.patience)
    record = Record(asked.results / f"{file_name(card)}.json", card, text_hash(asked.scale), commit())
    for name in asked.again:
        record.forget(name)
    parts = tuple(part for part in PARTS if not asked.only or part.name in asked.only)
    try:
        in_turn(parts, record, options, UNFINISHED, end)
        # What time is left goes to what was cut off.
        cut_off = tuple(part for part in parts if record.left(part.name, record.items(part.name), UNTRIED))
        in_turn(cut_off, record, dataclasses.replace(options, patience=math.inf), UNTRIED, end)
    finally:
        print(page(record.found))
        print(f"written: {record.path}, and logs in {folder}")
    sys.exit(any(item["state"] == "failed" for part in parts for item in record.items(part.name).values()))


def in_turn(parts: tuple[Part, ...], record: Record, options: Options, states: tuple[str, ...], end: float) -> None:
    """Run parts one after the other, each for as long as it may, and none after `end`."""
    for part in parts:
        run(part, record, options, states, part.seconds(end - time.monotonic(), options.patience))
        keep(record, Path(options.folder))


def run(part: Part, record: Record, options: Options, states: tuple[str, ...], seconds: float) -> None:
    """Run a part, unless nothing of it is left; whatever it does, the next one comes."""
    name = part.name
    try:
        everything = part.code().items(options)
        left = record.left(name, everything, states)
        record.note(name, asked=len(everything), why=None)
        if not left:
            return
        if seconds < 3:
            record.note(name, why="no time was left")
            return
        print(f"{name}: {len(left)} of {len(everything)}, at most {seconds:.0f} s", flush=True)
        asyncio.run(run_part(part, record, options, left, seconds))
    except Exception as error:  # a fault of this program stops no other part
        record.note(name, why=f"{type(error).__name__}: {error}"[:500])


def keep(record: Record, folder: Path) -> None:
    """Put the page beside the results; and both, with the logs, into $OUT: six files."""
    record.path.with_suffix(".md").write_text(page(record.found))
    out = os.environ.get("OUT")
    if not out:
        return
    Path(out).mkdir(parents=True, exist_ok=True)
    for path in (record.path, record.path.with_suffix(".md")):
        shutil.copy(path, out)
    for name, pattern in _LOGS.items():
        texts = [
            f"== {path.name}\n{path.read_text(errors='replace')[-_MOST:]}" for path in sorted(folder.glob(pattern))
        ]
        if texts:
            Path(out, name).write_text("\n".join(texts))


def the_card() -> str:
    """Return the card's name; leave where CuPy finds none."""
    try:
        done = subprocess.run([sys.executable, "-c", _CARD], capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        sys.exit("no GPU that works: CuPy did not answer within a minute")
    if done.returncode:
        sys.exit(f"no GPU that works: {(done.stderr.strip() or 'no reason').splitlines()[-1]}")
    return done.stdout.strip()


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    names = [part.name for part in PARTS]
    parser = argparse.ArgumentParser("bench/gpu.sh", description="Everything that a GPU is wanted for.")
    parser.add_argument("--again", action="append", default=[], choices=names, help="a part to be done again, whole")
    parser.add_argument("--only", action="append", default=[], choices=names, help="a part; others are left")
    parser.add_argument("--seconds", type=float, default=WHOLE, help="for all parts  [default: %(default)s]")
    parser.add_argument("--patience", type=float, default=1.0, help="what limits are multiplied by  [default: 1]")
    parser.add_argument("--scale", type=float, default=1.0, help="what sizes are multiplied by  [default: %(default)s]")
    parser.add_argument("--torch", default="cuda", help="torch's device  [default: %(default)s]")
    parser.add_argument("--results", type=Path, default=ROOT / "bench" / "results", help="where results are kept")
    return parser.parse_args()


if __name__ == "__main__":
    main()
