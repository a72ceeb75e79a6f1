"""What gpumask asks of CUDA's runtime."""

from __future__ import annotations

import os
from typing import Any

from cupy._order import DEVICES, CUDARuntimeError, Stream, current_device, set_device  # noqa: F401

streamLegacy, streamPerThread = 1, 2


def getDeviceCount() -> int:
    """Return how many devices there are."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        raise CUDARuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")
    return DEVICES


def getDevice() -> int:
    """Return the current one."""
    return current_device()


def setDevice(device: int) -> None:
    """Change the current one."""
    set_device(device)


def getDeviceProperties(device: int) -> dict[str, Any]:
    """Describe a device."""
    return {
        "name": b"stand-in",
        "major": 9,
        "minor": 0,
        "totalGlobalMem": 1 << 34,
        "multiProcessorCount": 1,
        "l2CacheSize": 1 << 20,
    }


def runtimeGetVersion() -> int:
    """Return the version of the runtime."""
    return 13000


def driverGetVersion() -> int:
    """Return the version of the driver."""
    return 13000


def deviceSynchronize() -> None:
    """Let the host wait for all streams of the current device."""
    from cupy.cuda import Device

    Device().synchronize()


def streamSynchronize(stream: int) -> None:
    """Let the host wait for a stream."""
    Stream._of(stream).synchronize()


def memGetInfo() -> tuple[int, int]:
    """Return free and total memory."""
    return 1 << 33, 1 << 34
