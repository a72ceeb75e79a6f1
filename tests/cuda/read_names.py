"""Reads off an installed CuPy what names it has and which parameters they take: `python read_names.py`, with no GPU.

Writes stand_in/cupy_names.json, by which the stand-in for CuPy refuses what CuPy lacks.
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import cupy
import cupyx

STAND_IN = Path(__file__).parent / "stand_in"
PLACES = {
    "cupy": cupy,
    "ndarray": cupy.ndarray,
    "cuda": cupy.cuda,
    "Device": cupy.cuda.Device,
    "Stream": cupy.cuda.Stream,
    "Event": cupy.cuda.Event,
    "MemoryPool": cupy.cuda.MemoryPool,
    "MemoryPointer": cupy.cuda.MemoryPointer,
    "RawModule": cupy.RawModule,
    "runtime": cupy.cuda.runtime,
    "nvrtc": cupy.cuda.nvrtc,
    "cupyx": cupyx,
    "memory": cupy.cuda.memory,
}


def parameters(found: Any) -> list[str] | None:
    """Return the names of a callable's parameters; None where it does not say."""
    if isinstance(found, cupy.ufunc):
        return ["*args", "out", "dtype", "casting"]
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        # Cython writes it into the first line of the docstring.
        line = re.match(r"\w+(?:\.\w+)*\((.*)\)", (getattr(found, "__doc__", None) or "").strip())
        if not line:
            return None
        names = [part.split("=")[0].split(":")[0].strip().split(" ")[-1] for part in line[1].split(",")]
        return [name for name in names if name not in ("", "self", "*", "/")]
    kinds = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return [kinds.get(p.kind, "") + p.name for p in signature.parameters.values() if p.name != "self"]


if __name__ == "__main__":
    if Path(cupy.__file__).is_relative_to(STAND_IN):
        raise SystemExit("this CuPy is the stand-in itself")
    names = {
        of: {name: parameters(getattr(place, name, None)) for name in sorted(dir(place)) if not name.startswith("_")}
        for of, place in PLACES.items()
    }
    text = json.dumps({"version": cupy.__version__, **names}, separators=(",", ":"))
    STAND_IN.joinpath("cupy_names.json").write_text(re.sub(r'("\w+":\{)', r"\n\1", text) + "\n")
