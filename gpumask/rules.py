"""Mask rules: tests of a quality band's pixels, written as a mapping, checked, and compiled to a small table.

The dialect is that of datacube-ows' masks. There are no arrays here: `gpumask.quality` applies rules to bands.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gpumask.errors import MaskRuleError
from gpumask.flag import Flag
from gpumask.flags import flags_of

_KEYS = {"band", "flags", "values", "enum", "invert"}


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
            return f"value {_one_of(self.values)}"
        numbers = [
            (value if self.flag.bits is None else value % (1 << width)) >> self.flag.lowest for value in self.values
        ]
        words = f"{self.flag.of_width(width).place(width)} {_one_of(numbers, self.negated)}"
        return f"{words} ({', '.join(map(str, self.labels))})"

    def passed(self, pixel: int) -> bool:
        """Say whether a pixel passes."""
        return ((self.flag.holds(pixel) if self.flag else pixel) in self.values) != self.negated


@dataclass(frozen=True)
class MaskRule:
    """A test of the pixels of one band; see `from_config`.

    band: its name, None where the rule names none. any: whether one of the tests is enough, or all must pass.
    inverted: whether the rule matches where they say no. width: bits of the smallest band that has all flags defined.
    """

    band: str | None
    tests: tuple[BitTest, ...]
    any: bool = False
    inverted: bool = False
    width: int = 8

    @classmethod
    def from_config(cls, config: Mapping[str, Any], flags_definition: Any = None) -> MaskRule:
        """Return the rule that a mapping describes.

        config: {"flags": {flag: label, …}} matches where all flags have these labels, as does {"flags": {"and": {…}}};
            {"flags": {"or": {…}}} where any has. A list of labels stands for any of them. {"values": [number, …]}
            matches these numbers. "invert": True turns a rule round; "band" says which band it is about.
        flags_definition: in the Open Data Cube form (see `gpumask.flags`), or the name of a ready one (see
            `flags_definition`); for flags. What is wrong in it is an error only where the rule asks for it.

        Raises MaskRuleError, naming the key, for everything that can't be right, unknown keys, flags and labels too.

        >>> MaskRule.from_config({"flags": {"cloud_confidence": "high"}}, "landsat_c2_qa_pixel").explain()
        'bits 8-9 of uint16 == 3 (high)'
        """
        return parse(config, flags_definition, frozenset())

    def explain(self) -> str:
        """Say in words which pixels match."""
        words = (" or " if self.any else " and ").join(test.explain(self.width) for test in self.tests)
        words = f"not ({words})" if self.inverted else words
        if not self.excepted:
            return words
        several = self.any and len(self.tests) > 1 and not self.inverted
        return f"{f'({words})' if several else words} and value {_one_of(self.excepted, negated=True)}"

    @property
    def excepted(self) -> tuple[int, ...]:
        """Pixels of which flags say nothing, that do not match, but would by their bits.

        There a test of such a flag is neither passed nor failed. A pixel matches where this makes no difference.
        """
        of_flags = [pixel for test in self.tests if test.flag for pixel in test.flag.silent]
        return tuple(pixel for pixel in dict.fromkeys(of_flags) if self._says(pixel, False) and not self._says(pixel))

    def _says(self, pixel: int, knows_silent: bool = True) -> bool:
        """Say whether a pixel matches, for sure where it is known of which pixels flags say nothing."""
        passed = [
            self.inverted if knows_silent and test.flag and pixel in test.flag.silent else test.passed(pixel)
            for test in self.tests
        ]
        return (any(passed) if self.any else all(passed)) != self.inverted

    def evaluate(self, band: Any, backend: str | None = None) -> Any:
        """Return which pixels match: bool, of the band's shape and array family; see `mask_from_rules`."""
        from gpumask.quality import matched

        return matched([self], band, backend)


def parse(config: Any, definition: Any, context: frozenset[str]) -> MaskRule:
    """Return the rule that a mapping describes, which may have some keys of its context; see `MaskRule.from_config`."""
    if not isinstance(config, Mapping):
        raise MaskRuleError(f"rule: expected a mapping; got {config!r}")
    unknown = [key for key in config if key not in _KEYS | context]
    if unknown:
        raise MaskRuleError(f"{unknown[0]}: expected one of {', '.join(sorted(_KEYS | context))}; got {config!r}")
    band, invert = config.get("band"), config.get("invert", False)
    if band is not None and not isinstance(band, str):
        raise MaskRuleError(f"band: expected a name; got {band!r}")
    if not isinstance(invert, bool | np.bool_):
        raise MaskRuleError(f"invert: expected True or False; got {invert!r}")
    flags, values = config.get("flags"), _values(config)
    if flags is not None and not isinstance(flags, Mapping):
        raise MaskRuleError(f"flags: expected a mapping; got {flags!r}")
    if bool(flags) == bool(values):
        raise MaskRuleError(f"flags, values: expected exactly one of the two, not empty; got {config!r}")
    if not flags:
        return MaskRule(band, (BitTest(None, values),), inverted=bool(invert))
    if definition is None:
        raise MaskRuleError(f"flags_definition: expected one for a rule with flags; got None for {config!r}")
    known = flags_of(definition)
    terms, any_of = _terms(flags)
    tests = tuple(_flag_test(known, name, label) for name, label in terms.items())
    highest = max(flag.needs for flag in known.values())
    return MaskRule(band, tests, any_of, bool(invert), next(width for width in (8, 16, 32, 64) if width >= highest))


def _values(config: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return a rule's numbers, none where it has none."""
    given = config.get("values")
    if "enum" in config:
        if config.get("values") is not None or config.get("flags"):
            raise MaskRuleError(f"enum: expected alone, it is an old name of values; got {config!r}")
        warnings.warn("enum: this old name of values will go", DeprecationWarning, stacklevel=4)
        given = config["enum"]
    if given is None:
        return ()
    if isinstance(given, int | float | np.number | np.bool_) or getattr(given, "ndim", None) == 0:
        given = [given]
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise MaskRuleError(f"values: expected numbers; got {given!r}")
    return tuple(map(_number, given))


def _number(value: Any) -> int | float:
    """Return a number of a rule, a whole one as an int."""
    value = value.item() if isinstance(value, np.generic | np.ndarray) and not value.ndim else value
    if not isinstance(value, int | float) or (isinstance(value, float) and math.isnan(value)):
        raise MaskRuleError(f"values: expected numbers; got {value!r}")
    return int(value) if isinstance(value, int) or value.is_integer() else value


def _terms(flags: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Return the flags that are asked for, and whether any of them will do."""
    operators = [key for key in ("and", "or") if key in flags]
    if not operators:
        return flags, False
    operator = operators[0]
    if len(flags) > 1:
        others = ", ".join(str(key) for key in flags if key != operator)
        raise MaskRuleError(f"flags: expected nothing beside {operator!r}; got {others}")
    terms = flags[operator]
    if not isinstance(terms, Mapping) or not terms:
        raise MaskRuleError(
            f"flags: expected a mapping of flags under {operator!r}, and no flag can be asked for that has this name; "
            f"got {terms!r}"
        )
    for inner in ("and", "or"):
        if inner in terms:
            raise MaskRuleError(f"flags: expected no {inner!r} within {operator!r}; got {terms!r}")
    return terms, operator == "or"


def _flag_test(known: Mapping[str, Flag], name: Any, label: Any) -> BitTest:
    """Return the test of one flag for a label, or for any of a list of labels."""
    if name not in known:
        raise MaskRuleError(
            f"flags: expected a flag of the definition, one of {', '.join(map(str, known))}; got {name!r}"
        )
    label = label.tolist() if isinstance(label, np.ndarray) else label
    labels = tuple(label) if isinstance(label, list | tuple | set | frozenset) else (label,)
    if isinstance(label, set | frozenset):  # which have no order of their own
        labels = tuple(sorted(labels, key=known[name].labelled))
    if not labels:
        raise MaskRuleError(f"flags: expected a label of {name}, or several; got none")
    flag = known[name]
    values = dict.fromkeys(value for wanted in labels for value in flag.labelled(wanted))
    if not any(wanted in flag.others for wanted in labels):
        return BitTest(flag, tuple(values), labels)
    without = dict.fromkeys(value for value, _ in flag.values if value not in values)
    return BitTest(flag, tuple(without), labels, negated=True)


def _one_of(numbers: Sequence[Any], negated: bool = False) -> str:
    """Return "== 3" or "in (2, 3)", or "!= 3" or "not in (2, 3)"."""
    if len(numbers) == 1:
        return f"{'!=' if negated else '=='} {numbers[0]}"
    return f"{'not ' if negated else ''}in ({', '.join(map(str, numbers))})"


def pixel_type(rules: Iterable[MaskRule], dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype that a band of a dtype is tested in: floats are whole numbers where flags are asked for."""
    asked = any(test.flag for rule in rules for test in rule.tests)
    return np.dtype(np.int64) if asked and dtype.kind == "f" else dtype


def compile_table(rules: Sequence[MaskRule], dtype: np.dtype[Any]) -> tuple[int, list[Any]]:
    """Return how many rules there are, and these as kernels/rules.cu reads them, for a band of a dtype.

    dtype: bool, integer or float; see `pixel_type`. Raises MaskRuleError, naming the flag, where the band lacks its
    bits.
    """
    dtype = pixel_type(rules, dtype)
    table: list[Any] = []
    for rule in rules:
        tests = [_test(test, dtype) for test in rule.tests]
        if not rule.any:
            tests = _merged(tests)
        # A test alone, turned round, is a rule turned round: that takes one look at each pixel.
        alone = len(tests) == 1 and tests[0].negated
        table += [int(rule.any), int(rule.inverted != alone), len(tests)]
        for bits, values, negated in tests:
            count = len(values)
            table += [bits, ~count if negated and not alone else count, *values]
    excepted = _held(list(dict.fromkeys(pixel for rule in rules for pixel in rule.excepted)), dtype)
    if excepted:
        table += [0, 1, 1, -1, len(excepted), *excepted]
    return len(rules) + bool(excepted), table


class _Test(NamedTuple):
    """A test as the kernel does it."""

    bits: int
    values: list[Any]
    negated: bool


def _merged(tests: Sequence[_Test]) -> list[_Test]:
    """Return tests that all must pass, those of one value as one; of no value where they contradict each other."""
    single = [test for test in tests if len(test.values) == 1 and not test.negated]
    if len(single) < 2:
        return list(tests)
    bits = value = 0
    for more, (wanted,), _ in single:
        if (value ^ wanted) & bits & more:
            return [_Test(0, [], False)]
        bits, value = bits | more, value | wanted
    return [_Test(bits, [value], False), *(test for test in tests if test not in single)]


def _test(test: BitTest, dtype: np.dtype[Any]) -> _Test:
    """Return a test of a band of a dtype: its bits and values as signed 64-bit integers, or values of a float."""
    flag = test.flag
    if flag is None or flag.bits is None:
        return _Test(-1, _held(test.values, dtype), test.negated)
    width = 1 if dtype.kind == "b" else 8 * dtype.itemsize
    lacks = flag.lacks(width)
    if lacks:
        raise MaskRuleError(f"flags: expected {lacks}; got {dtype}")
    every = (1 << width) - 1
    return _Test(_signed(flag.bits & every), [_signed(value & every) for value in test.values], test.negated)


def _held(values: Sequence[Any], dtype: np.dtype[Any]) -> list[Any]:
    """Return those of the numbers that a band may hold; of integers the bits, as signed 64-bit integers."""
    if dtype.kind == "f":
        return [float(value) for value in values if isinstance(value, float) or _is_float(value)]
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return [_signed(int(value)) for value in values if isinstance(value, int) and low <= value <= high]


def _is_float(value: int) -> bool:
    """Say whether a whole number is one that a float64 holds."""
    try:
        return int(float(value)) == value
    except OverflowError:
        return False


def _signed(value: int) -> int:
    """Return a signed 64-bit integer of the same bits."""
    return (value + 2**63) % 2**64 - 2**63
