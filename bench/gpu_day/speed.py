"""Speed with arrays on the device, and its peers there: the cases of bench/run.py, as large as a GPU asks for."""

from __future__ import annotations

import dataclasses
import gc
from typing import Any

from cases import ARRAYS, FLAGS, SMALLER, warped_cases
from resampling import Resampling

from gpu_day.common import NotHere, Options
from gpu_day.peers import peers
from gpu_day.timing import event_seconds, keep_busy, wall_seconds, watched
from gpumask.backends import get

PEERS = "; peers"
_SIZE, _SPLINE_SIZE, _SHRUNK_SIZE = 6144, 4096, 12288
_SMALLER = (
    "average, uint16, 6 times smaller",
    "mode, 6 classes of uint8, 6 times smaller",
    "med, uint16, 6 times smaller",
    "cubic with antialias, uint16, 6 times smaller",
)
_WARPED = "cubic, uint16, UTM to longitudes"


def items(options: Options) -> list[str]:
    """Return the cases, and for those that have peers these."""
    found = []
    for name, case in cases(options).items():
        found += [name, name + PEERS] if isinstance(case, Resampling) and peers(case) else [name]
    return [*found, _WARPED]


def cases(options: Options) -> dict[str, Any]:
    """Return the cases of arrays by names without sizes: the largest of each kind."""
    found: dict[str, Any] = {}
    for name, case in (ARRAYS | FLAGS).items():
        size = case.size
        if isinstance(case, Resampling):
            size = _SPLINE_SIZE if case.interp.startswith("bspline") else _SIZE
        short = name.partition(" to ")[0].removesuffix(", 1000 x 1000").removesuffix(", 8000 x 8000")
        found[short] = dataclasses.replace(case, size=options.scaled(size))
    for name in _SMALLER:
        found[name] = dataclasses.replace(SMALLER[name], size=options.scaled(_SHRUNK_SIZE))
    return found


def run(item: str, options: Options) -> dict[str, Any]:
    """Measure a case."""
    import cupy

    gc.collect()
    cupy.get_default_memory_pool().free_all_blocks()
    if item.endswith(PEERS):
        return peers_seconds(cases(options)[item.removesuffix(PEERS)], options)
    if item != _WARPED:
        return ours(cases(options)[item], options)
    try:
        (case,) = warped_cases().values()
    except ImportError as error:
        raise NotHere(str(error)) from error
    return ours(dataclasses.replace(case, size=options.scaled(case.size)), options)


def ours(case: Any, options: Options) -> dict[str, Any]:
    """Measure gpumask: the whole call, by the device's clock and the host's, and each kernel in it."""
    import cupy

    call = case.ours("cuda", cupy.asarray)
    seconds = event_seconds(call)
    with watched(get("cuda")) as watch:
        for _ in range(3):
            keep_busy(options.scaled(1 << 30))
            call()
        cupy.cuda.runtime.deviceSynchronize()
    kernels = {
        name: {key: value / 3 for key, value in sums.items()} | {"bytes": int(sums["bytes"] / 3)}
        for name, sums in watch.kernels().items()
    }
    return {
        "size": case.size,
        "pixels": case.pixels,
        "seconds": seconds,
        "wall": wall_seconds(call),
        "bytes": int(case.bytes_per_pixel * case.pixels),
        "kernels": kernels,
    }


def peers_seconds(case: Resampling, options: Options) -> dict[str, Any]:
    """Measure the peers; one that fails does not stop the other."""
    found: dict[str, Any] = {"size": case.size, "pixels": case.pixels, "seconds": {}, "why_peers": {}}
    for name, make in peers(case).items():
        try:
            found["seconds"][name] = event_seconds(make(options.torch))
        except Exception as error:  # not there, or no memory, or a type that it does not take
            found["why_peers"][name] = f"{type(error).__name__}: {error}"[:300]
        gc.collect()
    if not found["seconds"]:
        raise NotHere("; ".join(f"{name}: {why}" for name, why in found["why_peers"].items()))
    return found
