"""Every kernel once, through public calls: from host memory and from the device's, bits against native."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpu_day.calls import CALLS, launches
from gpu_day.common import Options, Wrong, difference


def items(options: Options) -> list[str]:
    """Return the calls."""
    return list(CALLS)


def run(item: str, options: Options) -> dict[str, Any]:
    """Make a call on both backends."""
    import cupy

    call = CALLS[item]
    with launches() as kernels:
        ways = {"from host memory": call(np.asarray, "cuda")}
        found: dict[str, Any] = {"kernels": sorted(kernels)}
        try:
            ways["from the device"] = call(cupy.asarray, None)
        except Exception as error:  # the other way has a result all the same
            raise Wrong(f"from the device: {type(error).__name__}: {error}"[:500], **found) from error
    expected = call(np.asarray, "native")
    problems = [
        f"{way}, result {number}: {problem}"
        for way, results in ways.items()
        for number, arrays in enumerate(zip(results, expected, strict=True))
        if (problem := difference(*arrays))
    ]
    if problems:
        raise Wrong("; ".join(problems)[:800], **found)
    return {**found, "arrays": len(expected)}
