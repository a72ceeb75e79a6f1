"""What CuPy has: its names and their parameters, as `read_names.py` has read them off CuPy itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

#: Of "cupy", "ndarray", "cuda" and so on: each name's parameters; None where they can't be told.
NAMES: dict[str, dict[str, Any]] = json.loads(Path(__file__).parents[1].joinpath("cupy_names.json").read_text())


def has(of: str, name: str) -> bool:
    """Say whether CuPy has a name."""
    return name in NAMES[of]
