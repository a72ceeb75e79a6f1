"""What was found, on disk as soon as it is known; and what is left to do."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

# States of an item that is not "done". "begun" is what was cut off; "skipped" lacks something that may come.
UNTRIED = ("never", "begun")
UNFINISHED = (*UNTRIED, "skipped", "failed")


def file_name(card: str) -> str:
    """Return a file's name for a card.

    >>> file_name("NVIDIA H100 80GB HBM3")
    'h100-80gb-hbm3'
    """
    return re.sub(r"[^a-z0-9]+", "-", card.lower().removeprefix("nvidia ")).strip("-") or "unknown"


def text_hash(scale: float = 1.0) -> str:
    """Return a hash of the library's and the kernels' text: results belong to that, with or without git.

    scale: of what is measured; results of another one are others.
    """
    digest = hashlib.sha256(b"" if scale == 1 else str(scale).encode())
    for path in sorted([*(ROOT / "gpumask").rglob("*.py"), *(ROOT / "kernels").glob("*.cu*")]):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def commit() -> str | None:
    """Return the commit, None where git or its folder is not there."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def _read(path: Path) -> dict[str, Any]:
    """Return what is in a file of results, nothing where that is damaged."""
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except ValueError:
        return {}
    return found


class Record:
    """The results of one card for one text of library and kernels, by part and item.

    Each item has a "state", "done" or one of UNFINISHED, "why" if it is not done, and what was found.
    """

    def __init__(self, path: Path, card: str, text: str, commit: str | None = None) -> None:
        """Go on with the results that are there; those of another text are kept beside them."""
        self.path = path
        self.found: dict[str, Any] = {"card": card, "text": text, "commit": commit, "parts": {}}
        if path.exists():
            before = _read(path)
            if before.get("text") == text:
                self.found = before | ({"commit": commit} if commit else {})
            else:
                path.replace(path.with_suffix(f".{before.get('text', 'unknown')}.json"))

    def part(self, part: str) -> dict[str, Any]:
        """Return what is known of a part: "items", and "seconds" in all."""
        known: dict[str, Any] = self.found["parts"].setdefault(part, {"items": {}})
        return known

    def items(self, part: str) -> dict[str, Any]:
        """Return what is known of a part's items."""
        known: dict[str, Any] = self.part(part)["items"]
        return known

    def put(self, part: str, item: str, state: str, **found: Any) -> None:
        """Note an item, in place of what was known of it."""
        self.items(part)[item] = {"state": state, **found}
        self.write()

    def note(self, part: str, **found: Any) -> None:
        """Note something about a part; None takes it away."""
        known = self.part(part)
        known.update(found)
        for name in [name for name, value in known.items() if value is None]:
            del known[name]
        self.write()

    def forget(self, part: str) -> None:
        """Do a part again."""
        self.found["parts"].pop(part, None)
        self.write()

    def left(self, part: str, items: Iterable[str], order: Sequence[str] = UNFINISHED) -> list[str]:
        """Return what is left to do: first what was never tried, then what was cut off, or lacked something, or failed.

        What hung once comes late, so that it does not take the others' time again. order: the states that are taken.
        """
        known = self.items(part)
        states = {item: known.get(item, {"state": "never"})["state"] for item in items}
        return sorted((item for item in states if states[item] in order), key=lambda item: order.index(states[item]))

    def write(self) -> None:
        """Replace the file by a whole one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".writing")
        beside.write_text(json.dumps(self.found, indent=1, default=str) + "\n")
        os.replace(beside, self.path)
