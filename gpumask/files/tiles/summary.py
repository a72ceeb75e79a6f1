"""What a run did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from gpumask.pixels.window import Window


@dataclass
class Summary:
    """What a run did.

    Attributes
    ----------
    backend
        The name of the backend.
    pixels
        Pixels of the output.
    valid
        How many of them are valid, in any band.
    outside
        How many have no place in the source. To B-splines, those that lie too near its edges count, too.
    tiles
        How many tiles there were.
    seconds
        What "read", "compute" and "write" took, each by itself although they overlap, and "all" together.
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
