"""Flag definitions: which bits of a quality band say what. In the Open Data Cube form, and read from others.

{"cloud": {"bits": 6, "values": {"0": False, "1": True}, "description": "…"},
 "confidence": {"bits": [8, 9], "values": {"0": "none", "1": "low", "2": "medium", "3": "high"}}}
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gpumask.errors import MaskRuleError

_FOLDER = Path(__file__).parent / "definitions"
_MOST_BITS = 12  # of a field whose every value gets a label


@dataclass(frozen=True)
class Flag:
    """Some bits of a band, and what their values mean.

    bits: a mask of them. values: (value, label) pairs, a value being what the band holds under the mask.
    """

    name: str
    bits: int
    values: tuple[tuple[int, Any], ...]
    description: str = ""

    @classmethod
    def of(cls, name: str, entry: Any) -> Flag:
        """Return a flag from its entry in a definition; raise MaskRuleError, naming it, where that can't be right."""
        where = f"flags_definition[{name!r}]"
        if not isinstance(name, str):
            raise MaskRuleError(f"{where}: expected the name of a flag to be a text; got {name!r}")
        if not isinstance(entry, Mapping) or "bits" not in entry or not isinstance(entry.get("values"), Mapping):
            raise MaskRuleError(f"{where}: expected a mapping with bits and values; got {shortened(entry)}")
        bits = entry["bits"]
        numbers = [bits] if _is_whole(bits) else bits
        if isinstance(numbers, str) or not isinstance(numbers, Iterable):
            raise MaskRuleError(f"{where}: expected bits to be a number or a list of them; got {bits!r}")
        numbers = list(numbers)
        if not numbers or not all(_is_whole(bit) and 0 <= bit < 64 for bit in numbers):
            raise MaskRuleError(f"{where}: expected bits from 0 to 63; got {bits!r}")
        mask = functools.reduce(lambda found, bit: found | 1 << int(bit), numbers, 0)
        values = tuple((_value(where, key, mask, _is_whole(bits)), label) for key, label in entry["values"].items())
        return cls(name, mask, values, str(entry.get("description") or ""))

    @property
    def lowest(self) -> int:
        """The number of the lowest bit."""
        return (self.bits & -self.bits).bit_length() - 1

    def place(self, width: int) -> str:
        """Say where the bits are in a band of `width` bits.

        >>> Flag("confidence", 0b11 << 8, ()).place(16)
        'bits 8-9 of uint16'
        """
        numbers = [bit for bit in range(64) if self.bits >> bit & 1]
        together = numbers[-1] - numbers[0] + 1 == len(numbers)
        words = f"{numbers[0]}-{numbers[-1]}" if together else ", ".join(map(str, numbers))
        return f"bit {numbers[0]} of uint{width}" if len(numbers) == 1 else f"bits {words} of uint{width}"

    def labelled(self, label: Any) -> tuple[int, ...]:
        """Return the values that have a label; raise MaskRuleError where none has."""
        found = tuple(value for value, known in self.values if known == label)
        if not found:
            known = ", ".join(repr(label) for _, label in self.values)
            raise MaskRuleError(f"flags: expected a label of {self.name}, one of {known}; got {label!r}")
        return found


def shortened(value: Any) -> str:
    """Return how a value is written, and no more than a line of it."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]} …"


def _is_whole(value: Any) -> bool:
    """Say whether this is a whole number, and no bool."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _value(where: str, key: Any, mask: int, single: bool) -> int:
    """Return what a band holds under a mask for a key of an entry's values."""
    if not _is_whole(key) and not (isinstance(key, str) and re.fullmatch("[+-]?[0-9]+", key)):
        raise MaskRuleError(f"{where}: expected the keys of values to be whole numbers from 0 on; got {key!r}")
    number = int(key)
    if single:
        return mask if number else 0
    value = number << ((mask & -mask).bit_length() - 1) if number >= 0 else -1
    if value & ~mask:
        raise MaskRuleError(f"{where}: expected the keys of values to fit its bits; got {key!r}")
    return value


def flags_of(definition: Any) -> dict[str, Flag]:
    """Return the flags of a definition: a mapping in the Open Data Cube form, or the name of a ready one."""
    if isinstance(definition, str):
        definition = flags_definition(definition)
    if not isinstance(definition, Mapping) or not definition:
        raise MaskRuleError(
            f"flags_definition: expected a mapping with flags, or one of {', '.join(ready_definitions())}; "
            f"got {definition!r}"
        )
    return {name: Flag.of(name, entry) for name, entry in definition.items()}


def ready_definitions() -> list[str]:
    """Return the names of the definitions that come with gpumask.

    >>> ready_definitions()
    ['hls_fmask', 'landsat8_bqa', 'landsat_c2_qa_pixel', 'sentinel2_scl']
    """
    return sorted(path.stem for path in _FOLDER.glob("*.json"))


@functools.cache
def _read_definition(name: str) -> str:
    return (_FOLDER / f"{name}.json").read_text()


def flags_definition(name: str) -> dict[str, Any]:
    """Return a definition that comes with gpumask, in the Open Data Cube form; raise MaskRuleError for another name.

    >>> flags_definition("hls_fmask")["cloud"]["bits"]
    1
    """
    if name not in ready_definitions():
        raise MaskRuleError(f"flags_definition: expected one of {', '.join(ready_definitions())}; got {name!r}")
    found: dict[str, Any] = json.loads(_read_definition(name))["flags"]
    return found


def flags_definition_from(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition that a band's attributes hold, in the Open Data Cube form.

    attrs: with `flags_definition` (Open Data Cube); with `flag_meanings` and `flag_masks`, `flag_values` or both (CF
        conventions 1.11, section 3.5); with `classification:bitfields` or `classification:classes` (the STAC extension
        of that name, version 2). Classes of a whole band become one flag, `class`.

        A class is told from others by the low 8 bits of a pixel, or by as many of 16, 32 or 64 as the largest value
        needs, or as the type of a NumPy array of `flag_values` has.

    Raises MaskRuleError where there is none of these, or where they contradict themselves.
    """
    if not isinstance(attrs, Mapping) or not any(attrs.get(key) is not None for key in ATTRIBUTES):
        came = ", ".join(map(str, attrs)) or "none" if isinstance(attrs, Mapping) else type(attrs).__name__
        raise MaskRuleError(f"attrs: expected a mapping with {', '.join(ATTRIBUTES)}; got {came}")
    key = next(key for key in ATTRIBUTES if attrs.get(key) is not None)
    if isinstance(attrs[key], list | tuple | Mapping) and not attrs[key]:
        raise MaskRuleError(f"{key}: expected at least one; got none")
    try:
        definition = ATTRIBUTES[key](attrs)
    except (TypeError, ValueError) as error:
        if isinstance(error, MaskRuleError):
            raise
        raise MaskRuleError(f"{key}: expected what its standard says; got {shortened(attrs[key])}") from error
    flags_of(definition)
    return definition


def _from_cf(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition in CF attributes: what has masks becomes a flag of True and False for each meaning."""
    given = attrs["flag_meanings"]
    meanings = given.split() if isinstance(given, str) else [str(meaning) for meaning in given]
    if len(set(meanings)) < len(meanings):
        raise MaskRuleError(f"flag_meanings: expected different ones; got {given!r}")
    masks, values = (_numbers(attrs, name, len(meanings)) for name in ("flag_masks", "flag_values"))
    if masks is None and values is None:
        raise MaskRuleError("attrs: expected flag_masks or flag_values along with flag_meanings; got neither")
    if masks is None:
        if len(set(values or ())) < len(meanings):
            raise MaskRuleError(f"flag_values: expected different ones; got {values}")
        width = getattr(getattr(attrs["flag_values"], "dtype", None), "itemsize", 1) * 8
        return {"class": _classes(dict(zip(values or (), meanings, strict=True)), width)}
    wanted: list[int | None] = [*values] if values else [None] * len(meanings)
    return {
        meaning: _mask_entry(meaning, mask, value) for meaning, mask, value in zip(meanings, masks, wanted, strict=True)
    }


def _numbers(attrs: Mapping[str, Any], name: str, count: int) -> list[int] | None:
    """Return a CF attribute's whole numbers, None where it is not there."""
    given = attrs.get(name)
    if given is None:
        return None
    array = np.atleast_1d(given)
    # A signed type has bit 7 of a byte, say, as -128.
    width = 8 * array.dtype.itemsize if isinstance(given, np.ndarray | np.integer) and array.dtype.kind == "i" else None
    try:
        found = [number % (1 << width) if width else number for number in map(_cf_number, array.tolist())]
    except ValueError as error:
        raise MaskRuleError(f"attrs: expected whole numbers in {name}; got {given!r}") from error
    if len(found) != count:
        raise MaskRuleError(f"attrs: expected {count} {name}, as many as flag_meanings; got {len(found)}")
    return found


def _cf_number(number: Any) -> int:
    """Return a number of CF attributes, which may be a text with a letter for its type behind."""
    text = str(number).strip()
    return int(text, 0) if text.lower().startswith("0x") else int(text.rstrip("bBsSuUlL"))


def _mask_entry(meaning: str, mask: int, value: int | None) -> dict[str, Any]:
    """Return a flag that is True where the bits under a mask are a value; where it is None, are not all 0."""
    bits = [bit for bit in range(64) if mask >> bit & 1]
    if not bits or bits[-1] - bits[0] >= _MOST_BITS or (value or 0) & ~mask:
        raise MaskRuleError(f"attrs: expected a mask of {_MOST_BITS} bits at most, and a value in it, for {meaning}")
    keys = [key for key in range(1 << (bits[-1] - bits[0] + 1)) if not key << bits[0] & ~mask]
    return {
        "bits": bits,
        "values": {str(key): bool(key) if value is None else key << bits[0] == value for key in keys},
        "description": meaning.replace("_", " "),
    }


def _from_odc(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition that is there as such, or as JSON."""
    found = attrs["flags_definition"]
    try:
        return dict(json.loads(found) if isinstance(found, str) else found)
    except (TypeError, ValueError) as error:
        raise MaskRuleError(f"flags_definition: expected a mapping, or one in JSON; got {found!r}") from error


def _from_bitfields(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition in STAC bitfields."""
    definition: dict[str, Any] = {}
    for field in attrs["classification:bitfields"]:
        try:
            bits = list(range(field["offset"], field["offset"] + field["length"]))
            labels = {str(value): name for value, name in _class_names(field["classes"]).items()}
            if field["name"] in definition:
                raise MaskRuleError(f"classification:bitfields: expected different names; got {field['name']!r} twice")
            definition[field["name"]] = {"bits": bits, "values": labels, "description": field.get("description", "")}
        except (KeyError, TypeError) as error:
            raise MaskRuleError(
                f"classification:bitfields: expected name, offset, length and classes in each; got {field!r}"
            ) from error
    return definition


def _from_classes(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition in STAC classes."""
    return {"class": _classes(_class_names(attrs["classification:classes"]))}


def _class_names(classes: Any) -> dict[int, str]:
    """Return the names of STAC classes by their values."""
    try:
        found = {each["value"]: each["name"] for each in classes}
    except (KeyError, TypeError) as error:
        raise MaskRuleError(f"classification:classes: expected value and name in each; got {classes!r}") from error
    if len(found) < len(classes):
        raise MaskRuleError(f"classification:classes: expected different values; got {classes!r}")
    return found


def _classes(labels: Mapping[int, str], width: int = 8) -> dict[str, Any]:
    """Return the entry of classes that take the whole band, of at least so many bits."""
    if not labels or not all(map(_is_whole, labels)) or min(labels) < 0:
        raise MaskRuleError(f"attrs: expected classes of whole numbers from 0 on; got {list(labels)}")
    width = next(bits for bits in (8, 16, 32, 64) if bits >= width and max(labels) < 1 << bits)
    return {"bits": list(range(width)), "values": {str(value): label for value, label in labels.items()}}


# What a band's attributes may have, and who reads it; the first that is there counts.
ATTRIBUTES: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "flags_definition": _from_odc,
    "flag_meanings": _from_cf,
    "classification:bitfields": _from_bitfields,
    "classification:classes": _from_classes,
}
