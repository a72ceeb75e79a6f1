"""The card and what is installed, and how fast the card copies."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
from typing import Any

import numpy as np

from gpu_day.common import Options
from gpu_day.timing import event_seconds

ITEMS = ("card", "copy bandwidth")
_ASKED = "driver_version,clocks.sm,clocks.max.sm,clocks.mem,power.limit,memory.total,memory.used"
_PACKAGES = ("numpy", "torch", "scipy", "rasterio", "shapely", "pyproj", "gridr", "pytest", "hypothesis")


def items(options: Options) -> list[str]:
    """Return what there is to ask."""
    return list(ITEMS)


def run(item: str, options: Options) -> dict[str, Any]:
    """Ask for one of them."""
    return card() if item == "card" else copies(options)


def card() -> dict[str, Any]:
    """Return names, versions and clocks."""
    import cupy
    from cupy.cuda import nvrtc, runtime

    has = runtime.getDeviceProperties(0)
    return {
        "card": has["name"].decode(),
        "sm": f"sm_{has['major']}{has['minor']}",
        "multiprocessors": has["multiProcessorCount"],
        "l2": has.get("l2CacheSize"),
        "memory": has["totalGlobalMem"],
        "cupy": cupy.__version__,
        "nvrtc": ".".join(map(str, nvrtc.getVersion())),
        "runtime": runtime.runtimeGetVersion(),
        "driver": runtime.driverGetVersion(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "versions": {name: version(name) for name in _PACKAGES},
    }


def asked_of_driver() -> dict[str, str]:
    """Return what nvidia-smi says, nothing where it is not there."""
    if shutil.which("nvidia-smi") is None:
        return {}
    command = ["nvidia-smi", f"--query-gpu={_ASKED}", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=15, check=False, stdin=subprocess.DEVNULL)
    values = done.stdout.partition("\n")[0].split(",")
    return dict(zip(_ASKED.split(","), map(str.strip, values), strict=False))


def version(name: str) -> str | None:
    """Return a package's version, None where it is not there."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def copies(options: Options) -> dict[str, Any]:
    """Return bytes a second, read plus written, of copies from device to device: the median of several."""
    import cupy

    count = options.scaled(1 << 29)
    a, b = cupy.ones(count, np.float32), cupy.empty(count, np.float32)
    seconds = event_seconds(lambda: cupy.copyto(b, a), turns=15)
    rate = 2 * a.nbytes / seconds
    clocks = asked_of_driver()  # just after work: idle clocks are lower
    return {"array_bytes": a.nbytes, "seconds": seconds, "bytes_per_second": rate, "nvidia-smi": clocks}
