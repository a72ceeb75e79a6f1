"""What a run did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from gpumask.pixels.window import Window


@dataclass
class Summary:
    """What a run did.

    pixels: of the output; valid: how many of them are, in any band; outside: how many have no place in the source, or,
    to B-splines, one too near its edges. tiles: how many.
    seconds: what "read", "compute" and "write" took, each for itself, though they overlap, and "all" did.
    """

    backend: str
    pixels: int = 0
    valid: int = 0
    outside: int = 0
    tiles: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, written: Written) -> None:
        """Count a tile."""
        self.pixels += written.tile.rows * written.tile.cols
        self.valid += written.valid
        self.outside += written.outside
        self.tiles += 1
        for stage, seconds in written.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


class Written(NamedTuple):
    """A tile that is written: how many of its pixels are valid, how many have no place in the source, what it took."""

    tile: Window
    valid: int
    outside: int
    seconds: dict[str, float]
