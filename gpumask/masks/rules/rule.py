"""Mask rules: tests of a quality band's pixels, parsed from a mapping and checked.

The dialect is that of datacube-ows' masks. `gpumask.masks.rules.apply` applies several rules to several bands.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpumask.errors import MaskRuleError
from gpumask.masks.rules.bit_test import BitTest, one_of
from gpumask.masks.rules.evaluate import matched
from gpumask.masks.rules.flags import Flag, flags_of

_KEYS = {"band", "flags", "values", "enum", "invert"}


@dataclass(frozen=True)
class MaskRule:
    """A rule: tests of the pixels of one band. `from_config` makes it.

    Attributes
    ----------
    band
        The name of the band. None means that the rule names no band.
    tests
        The tests of a pixel.
    any
        True if one passed test is enough, False if all tests must pass.
    inverted
        True if the rule matches where the tests fail.
    width
        The number of bits of the smallest band that has all defined flags.
    """

    band: str | None
    tests: tuple[BitTest, ...]
    any: bool = False
    inverted: bool = False
    width: int = 8

    @classmethod
    def from_config(cls, config: Mapping[str, Any], flags_definition: Any = None) -> MaskRule:
        """Return the rule that a mapping describes.

        Parameters
        ----------
        config
            The rule. {"flags": {flag: label, …}} matches if all flags have these labels, as does {"flags": {"and":
            {flag: label, …}}}. {"flags": {"or": {flag: label, …}}} matches if any flag has its label. A list of labels
            stands for any of them. {"values": [number, …]} matches pixels that equal one of the numbers. "invert": True
            inverts the rule. "band" names its band.
        flags_definition
            The definition of the flags: a mapping in the Open Data Cube form (see `gpumask.masks.rules.flags`), or the
            name of a ready definition (see `flags_definition`). A mistake in it is an error only if the rule asks for
            that flag.

        Returns
        -------
        MaskRule
            The rule.

        Raises
        ------
        MaskRuleError
            If something is wrong, an unknown key, flag or label included. The message names the key.

        Examples
        --------
        >>> MaskRule.from_config({"flags": {"cloud_confidence": "high"}}, "landsat_c2_qa_pixel").explain()
        'bits 8-9 of uint16 == 3 (high)'
        """
        return parse(config, flags_definition, frozenset())

    def explain(self) -> str:
        """Say in words which pixels match.

        Returns
        -------
        str
            The words.

        Examples
        --------
        >>> MaskRule.from_config({"values": [0, 2], "invert": True}).explain()
        'not (value in (0, 2))'
        """
        words = (" or " if self.any else " and ").join(test.explain(self.width) for test in self.tests)
        words = f"not ({words})" if self.inverted else words
        if not self.excepted:
            return words
        several = self.any and len(self.tests) > 1 and not self.inverted
        return f"{f'({words})' if several else words} and value {one_of(self.excepted, negated=True)}"

    @property
    def excepted(self) -> tuple[int, ...]:
        """Pixels that do not match because a flag says nothing of them, although their bits would match.

        A test of such a flag is neither passed nor failed there. The pixel matches if that makes no difference.
        """
        of_flags = [pixel for test in self.tests if test.flag for pixel in test.flag.silent]
        return tuple(pixel for pixel in dict.fromkeys(of_flags) if self._says(pixel, False) and not self._says(pixel))

    def _says(self, pixel: int, knows_silent: bool = True) -> bool:
        """Say whether a pixel matches. With `knows_silent`, it must match whatever the silent flags would say."""
        passed = [
            self.inverted if knows_silent and test.flag and pixel in test.flag.silent else test.passed(pixel)
            for test in self.tests
        ]
        return (any(passed) if self.any else all(passed)) != self.inverted

    def evaluate(self, band: Any, backend: str | None = None) -> Any:
        """Compute which pixels of a band match.

        Parameters
        ----------
        band
            An array of bool, integers or floats, of any shape. See `mask_from_rules`.
        backend
            "cuda", "native" or "numpy". None means the default. See `use_backend`.

        Returns
        -------
        array
            A bool array of the band's shape and array family.

        Raises
        ------
        MaskRuleError
            If the band lacks a flag's bits, or holds floats that are not whole where flags are asked for.

        Examples
        --------
        >>> MaskRule.from_config({"values": [0, 2]}).evaluate(np.array([0, 1, 2]))
        array([ True, False,  True])
        """
        return matched([self], band, backend)


def parse(config: Any, definition: Any, context: frozenset[str]) -> MaskRule:
    """Return the rule that a mapping describes. See `MaskRule.from_config`.

    The mapping may also have the keys of its context.
    """
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
        raise MaskRuleError(f"flags, values: expected exactly one of the two, and not empty; got {config!r}")
    if not flags:
        return MaskRule(band, (BitTest(None, values),), inverted=bool(invert))
    if definition is None:
        raise MaskRuleError(f"flags_definition: expected a definition for a rule with flags; got None for {config!r}")
    known = flags_of(definition)
    terms, any_of = _terms(flags)
    tests = tuple(_flag_test(known, name, label) for name, label in terms.items())
    highest = max(flag.needs for flag in known.values())
    return MaskRule(band, tests, any_of, bool(invert), next(width for width in (8, 16, 32, 64) if width >= highest))


def _values(config: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the numbers of a rule. Return no numbers if it has none."""
    given = config.get("values")
    if "enum" in config:
        if config.get("values") is not None or config.get("flags"):
            raise MaskRuleError(f"enum: expected without values, as it is the old name of values; got {config!r}")
        warnings.warn("enum: this is the old name of values and will be removed", DeprecationWarning, stacklevel=4)
        given = config["enum"]
    if given is None:
        return ()
    if isinstance(given, int | float | np.number | np.bool_) or getattr(given, "ndim", None) == 0:
        given = [given]
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise MaskRuleError(f"values: expected numbers; got {given!r}")
    return tuple(map(_number, given))


def _number(value: Any) -> int | float:
    """Return a number of a rule, as an int if it is whole."""
    value = value.item() if isinstance(value, np.generic | np.ndarray) and not value.ndim else value
    if not isinstance(value, int | float) or (isinstance(value, float) and math.isnan(value)):
        raise MaskRuleError(f"values: expected numbers; got {value!r}")
    return int(value) if isinstance(value, int) or value.is_integer() else value


def _terms(flags: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Return the flags that a rule asks for, and whether any of them is enough."""
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
            f"flags: expected a mapping of flags under {operator!r}, which can't be the name of a flag; got {terms!r}"
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
    if isinstance(label, set | frozenset):  # sets have no order
        labels = tuple(sorted(labels, key=known[name].labelled))
    if not labels:
        raise MaskRuleError(f"flags: expected a label of {name}, or several; got none")
    flag = known[name]
    values = dict.fromkeys(value for wanted in labels for value in flag.labelled(wanted))
    if not any(wanted in flag.others for wanted in labels):
        return BitTest(flag, tuple(values), labels)
    without = dict.fromkeys(value for value, _ in flag.values if value not in values)
    return BitTest(flag, tuple(without), labels, negated=True)
