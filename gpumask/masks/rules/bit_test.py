"""Tests of a pixel's bits, and what a rule is to those who evaluate it: some tests, all of which must pass or any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gpumask.masks.rules.flags import Flag


@dataclass(frozen=True)
class BitTest:
    """Passed by a pixel whose bits, under a flag's, are one of some values; without a flag, by one that equals one.

    negated: whether it is passed by all others instead.
    """

    flag: Flag | None
    values: tuple[Any, ...]
    labels: tuple[Any, ...] = ()
    negated: bool = False

    def explain(self, width: int) -> str:
        """Say what it asks of a pixel, in a band of so many bits."""
        if self.flag is None:
            return f"value {one_of(self.values)}"
        numbers = [
            (value if self.flag.bits is None else value % (1 << width)) >> self.flag.lowest for value in self.values
        ]
        words = f"{self.flag.of_width(width).place(width)} {one_of(numbers, self.negated)}"
        return f"{words} ({', '.join(map(str, self.labels))})"

    def passed(self, pixel: int) -> bool:
        """Say whether a pixel passes."""
        return ((self.flag.holds(pixel) if self.flag else pixel) in self.values) != self.negated


class RuleTests(Protocol):
    """What a rule asks of a pixel."""

    @property
    def band(self) -> str | None:
        """The name of the band that is tested."""

    @property
    def tests(self) -> tuple[BitTest, ...]:
        """The tests."""

    @property
    def any(self) -> bool:
        """Whether one of the tests is enough, or all must pass."""

    @property
    def inverted(self) -> bool:
        """Whether a pixel matches where the tests say no."""

    @property
    def excepted(self) -> tuple[int, ...]:
        """Pixels that do not match, although the tests say so."""


def one_of(numbers: Sequence[Any], negated: bool = False) -> str:
    """Return "== 3" or "in (2, 3)", or "!= 3" or "not in (2, 3)"."""
    if len(numbers) == 1:
        return f"{'!=' if negated else '=='} {numbers[0]}"
    return f"{'not ' if negated else ''}in ({', '.join(map(str, numbers))})"
