"""Prints what each call waits for, brings to the device and back, by file and line: `python tests/cuda/report.py`.

It counts by the stand-in for CuPy, the second time that a call is made: tables have gone up once, kernels are compiled.
"""

from __future__ import annotations

import collections
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "stand_in"))

from calls import CALLS, Scene, chain
from cupy import _order

COLUMNS = {
    "kernels": "launch",
    "CuPy's own": "elementwise",
    "waits": "wait",
    "uploads": "upload",
    "downloads": "download",
}


def counted(call: Callable[[], Any]) -> dict[str, collections.Counter[str]]:
    """Return times and bytes by kind, and times by place, of a call that was made once before."""
    call()
    _order.forget()
    call()
    found: dict[str, collections.Counter[str]] = {name: collections.Counter() for name in ("times", "bytes", "places")}
    for (kind, place), times in _order.times.items():
        word = kind.partition(" ")[0]
        found["times"][word] += times
        found["bytes"][word] += _order.sizes[kind, place]
        if word not in ("launch", "elementwise"):
            found["places"][f"{kind}, {place}"] += times
    return found


def cell(found: dict[str, collections.Counter[str]], kind: str) -> str:
    """Return how often something was done, and with how many bytes in all."""
    size = found["bytes"][kind]
    return f"{found['times'][kind]}" + (f" ({size} bytes)" if size else "")


def main() -> None:
    """Print a table of all calls, then their places."""
    print(f"| call | {' | '.join(COLUMNS)} |\n|---|{'---:|' * len(COLUMNS)}")
    places = {}
    with tempfile.TemporaryDirectory() as folder:
        here, of_files = Scene(), chain(Path(folder))
        for name, call in {**CALLS, "resample_file, 4 tiles": lambda _: of_files()}.items():
            try:
                found = counted(lambda call=call: call(here))
            except Exception as error:  # what does not work is a row of its own
                print(f"| {name} | {type(error).__name__}: {error} |")
                continue
            places[name] = found["places"]
            print(f"| {name} | {' | '.join(cell(found, kind) for kind in COLUMNS.values())} |")
    for name, of_call in places.items():
        for place, times in of_call.items():
            print(f"{name}: {times} x {place}")


if __name__ == "__main__":
    main()
