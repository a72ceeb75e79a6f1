"""Flag definitions: what the bits of a quality band mean.

A definition has the Open Data Cube form:

{"cloud": {"bits": 6, "values": {"0": False, "1": True}, "description": "…"},
 "confidence": {"bits": [8, 9], "values": {"0": "none", "1": "low", "2": "medium", "3": "high"}}}

Beyond that form, an entry may have more:

* `"bits": "all"`: the keys of `values` are whole pixels, and may be negative. They are compared in the band's own type.
* `"otherwise": label`: this is the label of every value that has no label of its own.
* `"except": number`, or a list of numbers: the flag says nothing of these whole pixels.
* `"signed": True`: bit 63 also stands for all higher bits of the band, as the bits of a negative mask do.
* `"unusable": reason`, or `{label: reason, …}`: no rule can ask for the flag, or for these labels. The reason says why.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gpumask.errors import MaskRuleError


@dataclass(frozen=True)
class Flag:
    """Some bits of a band, or whole pixels, and what their values mean.

    Attributes
    ----------
    name
        The name of the flag.
    bits
        A mask of the bits. A negative mask continues to the highest bit of any band. None means that the values are
        those of whole pixels.
    values
        (value, label) pairs. A value is what the band holds under the mask.
    description
        A text that describes the flag.
    others
        The label of all other values: none or one.
    silent
        Whole pixels of which the flag says nothing.
    refused
        (label, reason) pairs of labels that no rule can ask for.
    problem
        Why no rule can ask for any label of the flag.
    """

    name: str
    bits: int | None
    values: tuple[tuple[int, Any], ...]
    description: str = ""
    others: tuple[Any, ...] = ()
    silent: tuple[int, ...] = ()
    refused: tuple[tuple[Any, str], ...] = ()
    problem: str = ""

    @classmethod
    def of(cls, name: Any, entry: Any) -> Flag:
        """Return a flag from its entry in a definition. A flag with a wrong entry says so when a rule asks for it."""
        try:
            return _checked(name, entry)
        except MaskRuleError as error:
            return cls(str(name), 0, (), problem=str(error))

    @property
    def lowest(self) -> int:
        """The number of the lowest bit."""
        return (self.bits & -self.bits).bit_length() - 1 if self.bits else 0

    def place(self, width: int) -> str:
        """Say where the bits are in a band of `width` bits.

        >>> Flag("confidence", 0b11 << 8, ()).place(16)
        'bits 8-9 of uint16'
        """
        if self.bits is None:
            return "value"
        numbers = [bit for bit in range(64) if self.bits >> bit & 1]
        together = numbers[-1] - numbers[0] + 1 == len(numbers)
        words = f"{numbers[0]}-{numbers[-1]}" if together else ", ".join(map(str, numbers))
        return f"bit {numbers[0]} of uint{width}" if len(numbers) == 1 else f"bits {words} of uint{width}"

    def lacks(self, width: int) -> str:
        """Say which of the flag's bits a band of `width` bits lacks. Return an empty text if it has all."""
        if not self.bits or self.needs <= width:
            return ""
        needed = next(size for size in (8, 16, 32, 64) if size >= self.needs)
        return f"a band with {self.of_width(needed).place(needed)} for {self.name}"

    @property
    def needs(self) -> int:
        """How many bits a band must have."""
        return (self.bits or 0).bit_length() if (self.bits or 0) >= 0 else (~(self.bits or 0)).bit_length() + 1

    def of_width(self, width: int) -> Flag:
        """Return the flag for a band of `width` bits, with all of the flag's bits that the band has."""
        if self.bits is None or self.bits >= 0:
            return self
        every = (1 << width) - 1
        values = tuple((value & every, label) for value, label in self.values)
        return dataclasses.replace(self, bits=self.bits & every, values=values)

    def labelled(self, label: Any) -> tuple[int, ...]:
        """Return the values that have a label. Return no values for the label of all other values.

        A class may be named by its number. Raise MaskRuleError if no value has the label, or if it can't be asked for.
        """
        if self.problem:
            raise MaskRuleError(self.problem)
        for refused, reason in self.refused:
            if refused == label:
                raise MaskRuleError(reason)
        found = tuple(value for value, known in self.values if known == label)
        if not found and self.bits is None and is_whole(label):
            found = tuple(value for value, _ in self.values if value == label)
        if not found and label not in self.others:
            known = ", ".join(repr(label) for label in (*(label for _, label in self.values), *self.others))
            raise MaskRuleError(f"flags: expected a label of {self.name}, one of {known}; got {label!r}")
        return found

    def holds(self, pixel: int) -> int:
        """Return the value that the flag has in a whole pixel."""
        return pixel if self.bits is None else pixel & self.bits


def shortened(value: Any) -> str:
    """Return the repr of a value, cut to about a line."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]} …"


def is_whole(value: Any) -> bool:
    """Say whether a value is a whole number and not a bool."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _checked(name: Any, entry: Any) -> Flag:
    """Return a flag from its entry. Raise MaskRuleError, with the flag's name, if the whole entry is wrong."""
    where = f"flags_definition[{name!r}]"
    if not isinstance(name, str):
        raise MaskRuleError(f"{where}: expected the name of a flag to be a text; got {name!r}")
    if not isinstance(entry, Mapping) or "bits" not in entry or not isinstance(entry.get("values"), Mapping):
        raise MaskRuleError(f"{where}: expected a mapping with bits and values; got {shortened(entry)}")
    unusable = entry.get("unusable") or {}
    if not isinstance(unusable, Mapping):
        raise MaskRuleError(f"{where}: {unusable}")
    bits = entry["bits"].tolist() if isinstance(entry["bits"], np.ndarray) else entry["bits"]
    mask = _mask(where, bits, entry.get("signed", False))
    values, refused = [], [(label, f"{where}: {reason}") for label, reason in unusable.items()]
    for key, label in entry["values"].items():
        try:
            values.append((_number(where, key) if mask is None else _value(where, key, mask, is_whole(bits)), label))
        except MaskRuleError as error:
            refused.append((label, f"{error} with the label {label!r}"))
    others = (entry["otherwise"],) if "otherwise" in entry else ()
    if refused and not others and all(label in [each for each, _ in refused] for _, label in values):
        raise MaskRuleError(refused[0][1])
    silent = tuple(_number(where, pixel) for pixel in np.ravel(np.array(entry.get("except", ()), object)))
    return Flag(name, mask, tuple(values), str(entry.get("description") or ""), others, silent, tuple(refused))


def _mask(where: str, bits: Any, signed: Any) -> int | None:
    """Return a mask of an entry's bits. Return None if the entry takes all bits of the band.

    With `signed`, bit 63 also stands for all higher bits, and the mask is negative.
    """
    if isinstance(bits, str) and bits == "all":
        return None
    numbers = [bits] if is_whole(bits) else bits
    if isinstance(numbers, str) or not isinstance(numbers, Iterable):
        raise MaskRuleError(f"{where}: expected bits to be a number, a list of them, or 'all'; got {bits!r}")
    numbers = list(numbers)
    if not numbers or not all(is_whole(bit) and 0 <= bit < 64 for bit in numbers):
        raise MaskRuleError(f"{where}: expected bits from 0 to 63; got {bits!r}")
    mask = functools.reduce(lambda found, bit: found | 1 << int(bit), numbers, 0)
    if not isinstance(signed, bool) or (signed and not mask >> 63):
        raise MaskRuleError(
            f"{where}: expected signed to be True or False, and True only with bits up to 63; got {signed!r}"
        )
    return mask - (1 << 64) if signed else mask


def _number(where: str, key: Any) -> int:
    """Return the whole number in a key of an entry."""
    if not is_whole(key) and not (isinstance(key, str) and re.fullmatch("[+-]?[0-9]+", key)):
        raise MaskRuleError(f"{where}: expected the keys of values to be whole numbers; got {key!r}")
    return int(key)


def _value(where: str, key: Any, mask: int, single: bool) -> int:
    """Return what a band holds under a mask, for a key of an entry's values."""
    number = _number(where, key)
    if single:
        return mask if number else 0
    value = number << ((mask & -mask).bit_length() - 1)
    if value & ~mask or (number < 0 <= mask):
        raise MaskRuleError(f"{where}: expected the keys of values to fit its bits; got {key!r}")
    return value


_FOLDER = Path(__file__).parent / "definitions"


def flags_of(definition: Any) -> dict[str, Flag]:
    """Return the flags of a definition: a mapping in the Open Data Cube form, or the name of a ready definition.

    A wrong entry raises an error only when a rule asks for it. Raise MaskRuleError if all entries are wrong.
    """
    if isinstance(definition, str):
        definition = flags_definition(definition)
    if not isinstance(definition, Mapping) or not definition:
        raise MaskRuleError(
            f"flags_definition: expected a mapping with flags, or one of {', '.join(ready_definitions())}; "
            f"got {definition!r}"
        )
    found = {name: Flag.of(name, entry) for name, entry in definition.items()}
    if all(flag.problem for flag in found.values()):
        raise MaskRuleError(next(iter(found.values())).problem)
    return found


def ready_definitions() -> list[str]:
    """Return the names of the definitions that come with gpumask.

    Returns
    -------
    list of str
        The names, sorted.

    Examples
    --------
    >>> ready_definitions()
    ['hls_fmask', 'landsat8_bqa', 'landsat_c1_bqa', 'landsat_c2_qa_pixel', 'sentinel2_scl']
    """
    return sorted(path.stem for path in _FOLDER.glob("*.json"))


@functools.cache
def _read_definition(name: str) -> str:
    return (_FOLDER / f"{name}.json").read_text()


def flags_definition(name: str) -> dict[str, Any]:
    """Return a definition that comes with gpumask, in the Open Data Cube form.

    Parameters
    ----------
    name
        One of `ready_definitions()`.

    Returns
    -------
    dict
        The definition, as `gpumask.masks.rules.flags` describes it.

    Raises
    ------
    MaskRuleError
        If there is no definition of this name.

    Examples
    --------
    >>> flags_definition("hls_fmask")["cloud"]["bits"]
    1
    """
    if name not in ready_definitions():
        raise MaskRuleError(f"flags_definition: expected one of {', '.join(ready_definitions())}; got {name!r}")
    found: dict[str, Any] = json.loads(_read_definition(name))["flags"]
    return found
