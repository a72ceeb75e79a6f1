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
        The number of output pixels.
    valid
        How many of them are valid in at least one band.
    outside
        How many of them lie outside the source. With B-splines, those that lie too near its edges count too.
    tiles
        The number of tiles.
    seconds
        The time for "read", "compute" and "write", and for "all" together. The first three overlap.
    """

    backend: str
    pixels: int = 0
    valid: int = 0
    outside: int = 0
    tiles: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, written: Written) -> None:
        """Count a tile.

        Parameters
        ----------
        written
            The tile, with its counts and times.
        """
        self.pixels += written.tile.rows * written.tile.cols
        self.valid += written.valid
        self.outside += written.outside
        self.tiles += 1
        for stage, seconds in written.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


class Written(NamedTuple):
    """A tile that is written, with its valid pixels, its pixels outside the source, and the time that it took."""

    tile: Window
    valid: int
    outside: int
    seconds: dict[str, float]
