"""The parts, in the order in which they run, with the time that each has."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from types import ModuleType

CORES = os.cpu_count() or 1


@dataclass(frozen=True)
class Part:
    """A module that has items, and how it is run.

    limit: seconds for the part. item_limit: for one of its items, so that what hangs leaves time to the others.
    jobs: how many processes do items at the same time; 1 where times are measured.
    """

    name: str
    module: str
    limit: float
    item_limit: float
    jobs: int = 1

    @property
    def crowded(self) -> bool:
        """Whether several processes work at the same time."""
        return self.jobs > 1 or self.module == "suite"

    def seconds(self, left: float, patience: float = 1.0) -> float:
        """Return how long the part may take, of so many seconds that are left in all: the first parts come first.

        patience: what the limit is multiplied by.

        >>> Part("a", "a", 20, 5).seconds(100), Part("a", "a", 20, 5).seconds(12), Part("a", "a", 20, 5).seconds(100, 2)
        (20.0, 12, 40)
        """
        return min(self.limit * patience, max(left, 0))

    def code(self) -> ModuleType:
        """Return the module."""
        return importlib.import_module(f"gpu_day.{self.module}")

    def batches(self, left: list[str]) -> list[list[str]]:
        """Return which items one process does at once: each for itself, unless the module says otherwise."""
        made = getattr(self.code(), "batches", None)
        return made(left) if made else [[item] for item in left]


WHOLE = 355.0  # seconds

# On an H100 with 16 cores. They make less than six minutes, so that none takes the time of the next.
PARTS = (
    Part("identity", "identity", 20, 15),
    Part("smoke", "smoke", 45, 40, min(CORES, 8)),
    Part("suite", "suite", 75, WHOLE),
    Part("random", "random_cases", 45, 40, min(CORES, 12)),
    Part("speed", "speed", 80, 20),
    Part("host", "host", 35, 25),
    Part("sanitize", "sanitize", 30, 30, 2),
    Part("counters", "counters", 25, 15),
)
