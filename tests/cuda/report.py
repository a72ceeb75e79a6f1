"""Prints what each call waits for, brings to the device and back, by file and line: `python tests/cuda/report.py`.

It counts by the stand-in for CuPy, the second time that a call is made: tables have gone up once, kernels are compiled.
"""

from __future__ import annotations

import collections
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "stand_in"))

from calls import CALLS, Scene, chain
from cupy import _order

KINDS = ("launch", "wait", "upload", "download")


def counted(call: Any) -> dict[str, collections.Counter[str]]:
    """Return times and bytes by kind, and lines by place, of a call that was made once before."""
    call()
    _order.forget()
    call()
    found: dict[str, collections.Counter[str]] = {name: collections.Counter() for name in ("times", "bytes", "places")}
    for (kind, place), times in _order.times.items():
        word = kind.partition(" ")[0]
        found["times"][word] += times
        found["bytes"][word] += _order.sizes[kind, place]
        if word != "launch":
            found["places"][f"{kind}, {place}"] += times
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(
        "| call | kernels | waits | uploads | bytes up | downloads | bytes down |\n|---|---:|---:|---:|---:|---:|---:|"
    )
    places = {}
    with tempfile.TemporaryDirectory() as folder:
        here, of_files = Scene(), chain(Path(folder))
        for name, call in {**CALLS, "resample_file, 8 tiles": lambda _: of_files()}.items():
            try:
                found = counted(lambda call=call: call(here))
            except Exception as error:
                print(f"| {name} | {type(error).__name__}: {str(error)[:80]} |")
                continue
            times, sizes, places[name] = found["times"], found["bytes"], found["places"]
            row = [
                times["launch"],
                times["wait"],
                times["upload"],
                sizes["upload"],
                times["download"],
                sizes["download"],
            ]
            print(f"| {name} | {' | '.join(map(str, row))} |")
    for name, of_call in places.items():
        for place, times in of_call.items():
            print(f"{name}: {times} x {place}")
