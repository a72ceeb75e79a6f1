"""Tests of a pixel's bits, and the protocol of a rule: tests of which all must pass, or any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gpumask.masks.rules.flags import Flag


@dataclass(frozen=True)
class BitTest:
    """A test of one pixel.

    With a flag, a pixel passes if its bits under the flag's mask equal one of the values. Without a flag, the whole
    pixel must equal one of the values. A negated test is passed by all other pixels.
    """

    flag: Flag | None
    values: tuple[Any, ...]
    labels: tuple[Any, ...] = ()
    negated: bool = False

    def explain(self, width: int) -> str:
        """Say in words what the test asks of a pixel, in a band of `width` bits."""
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
    """The tests of a rule, as the evaluation needs them."""

    @property
    def band(self) -> str | None:
        """The name of the tested band."""

    @property
    def tests(self) -> tuple[BitTest, ...]:
        """The tests."""

    @property
    def any(self) -> bool:
        """True if one passed test is enough, False if all tests must pass."""

    @property
    def inverted(self) -> bool:
        """True if a pixel matches when the tests fail."""

    @property
    def excepted(self) -> tuple[int, ...]:
        """Pixels that do not match, although the tests say so."""


def one_of(numbers: Sequence[Any], negated: bool = False) -> str:
    """Return "== 3" or "in (2, 3)". Return "!= 3" or "not in (2, 3)" if negated."""
    if len(numbers) == 1:
        return f"{'!=' if negated else '=='} {numbers[0]}"
    return f"{'not ' if negated else ''}in ({', '.join(map(str, numbers))})"
