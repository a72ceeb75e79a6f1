"""Flag definitions read from the attributes of a band. Open Data Cube, CF and STAC attributes are known."""

from __future__ import annotations

import collections
import contextlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gpumask.errors import MaskRuleError
from gpumask.masks.rules.flags import flags_of, is_whole, shortened

_MOST_BITS = 12  # most bits of a field in which every value gets a label

# The keys where STAC keeps the bands of an asset, and the assets of an item or a collection.
_WITHIN = ("bands", "raster:bands", "item_assets", "assets")


def flags_definition_from(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flag definition that a band's attributes hold, in the Open Data Cube form.

    Parameters
    ----------
    attrs
        The attributes of a band, or a STAC asset, item or collection. Three kinds of attributes are known.
        `flags_definition` is a definition in the Open Data Cube form. `flag_meanings` comes with `flag_masks`,
        `flag_values` or both, as numbers or text (CF conventions 1.11, section 3.5). `classification:bitfields` and
        `classification:classes` are those of the STAC extension "classification", version 2. In a STAC asset, item or
        collection they are looked for in its `bands`, `raster:bands`, `assets` and `item_assets`.

    Returns
    -------
    dict
        The definition. Classes of whole pixels become one flag, `class`, whose `bits` are "all". A class is then a
        whole value, whatever the type of the band. A class without a name has its description as its name, or else its
        number.

    Raises
    ------
    MaskRuleError
        If there are no such attributes, or nothing in them is usable.

    Notes
    -----
    An entry that can't be right, such as a name that two flags have, is marked as `unusable`. A rule that asks for it
    raises an error that says why.

    Examples
    --------
    >>> attrs = {"flag_values": np.array([-1, 0, 2], np.int16), "flag_meanings": "no_data clear cloud"}
    >>> flags_definition_from(attrs)
    {'class': {'bits': 'all', 'values': {'-1': 'no_data', '0': 'clear', '2': 'cloud'}}}
    """
    found: list[dict[str, Any]] = []
    places = list(_places(rejoined(attrs))) if isinstance(attrs, Mapping) else []
    for _, place in places:
        definition = _definition_in(place)
        found += [] if definition in found else [definition]
    if len(found) > 1:
        raise MaskRuleError(
            f"attrs: expected one band that has flags; got some in {', '.join(name for name, _ in places)}"
        )
    if not found:
        came = ", ".join(map(str, attrs)) or "none" if isinstance(attrs, Mapping) else type(attrs).__name__
        raise MaskRuleError(f"attrs: expected a mapping with {', '.join(ATTRIBUTES)}; got {came}")
    return found[0]


def holds_attributes(attrs: Any) -> bool:
    """Say whether a mapping holds attributes that define flags, as `flags_definition_from` reads them."""
    return isinstance(attrs, Mapping) and next(_places(rejoined(attrs)), None) is not None


def rejoined(attrs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return attributes under their own names again. rasterio cuts the name of a tag at its colon."""
    for name in ATTRIBUTES:
        head, colon, rest = name.partition(":")
        split = attrs.get(head) if colon else None
        if isinstance(split, str) and split.startswith(f"{rest}="):
            attrs = {name: split.removeprefix(f"{rest}="), **attrs}
    return attrs


def _places(attrs: Mapping[str, Any], name: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the attributes that define flags, and where they are. They may be these attributes or some within them."""
    given = [attrs[key] for key in ATTRIBUTES if attrs.get(key) is not None]
    if given and not (name and all(isinstance(each, list | tuple | Mapping) and not each for each in given)):
        yield name, attrs
        return
    for key in _WITHIN:
        within = _from_json(attrs.get(key))
        if isinstance(within, Mapping | list | tuple):
            for number, each in within.items() if isinstance(within, Mapping) else enumerate(within):
                if isinstance(each, Mapping):
                    yield from _places(each, f"{name}{'.' if name else ''}{key}[{number!r}]")


def _from_json(given: Any) -> Any:
    """Return what a JSON text says, and anything else as it is. Files that hold no lists keep them as JSON."""
    with contextlib.suppress(ValueError):
        given = _texts(given)
        return json.loads(given) if isinstance(given, str) else given
    return given


def _definition_in(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition in attributes that have one."""
    key = next(key for key in ATTRIBUTES if attrs.get(key) is not None)
    if isinstance(attrs[key], list | tuple | Mapping) and not attrs[key]:
        raise MaskRuleError(f"{key}: expected at least one flag or class; got none")
    try:
        definition = ATTRIBUTES[key](attrs)
    except (TypeError, ValueError, AttributeError) as error:
        if isinstance(error, MaskRuleError):
            raise
        raise MaskRuleError(
            f"{key}: expected the form that its standard describes; got {shortened(attrs[key])}"
        ) from error
    flags_of(definition)
    return definition


def unusable(reason: str) -> dict[str, Any]:
    """Return the entry of a flag that no rule can ask for."""
    return {"bits": "all", "values": {}, "unusable": reason}


def _from_odc(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition from a mapping or from JSON."""
    found = attrs["flags_definition"]
    try:
        found = _texts(found)
        return dict(json.loads(found, object_pairs_hook=distinct) if isinstance(found, str) else found)
    except (TypeError, ValueError) as error:
        raise MaskRuleError(
            f"flags_definition: expected a mapping, or JSON of a mapping; got {shortened(found)}"
        ) from error


def distinct(pairs: Sequence[tuple[Any, Any]]) -> dict[Any, Any]:
    """Return a mapping. A key that comes twice in it can't be asked for."""
    counts = collections.Counter(key for key, _ in pairs)
    return {key: each if counts[key] == 1 else unusable(_several(key, counts[key])) for key, each in pairs}


def _several(name: Any, count: int, where: str = "") -> str:
    """Say that a name comes several times."""
    return f"expected different names{where and ' in '}{where}; got {name!r} {count} times"


def _from_cf(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition in CF attributes. With masks, each meaning becomes a flag of True and False."""
    given = _texts(attrs["flag_meanings"])
    meanings = given.split() if isinstance(given, str) else [str(meaning) for meaning in given]
    masks = _numbers(attrs, "flag_masks", len(meanings))
    values = _numbers(attrs, "flag_values", len(meanings))
    if masks is None and values is None:
        raise MaskRuleError("attrs: expected flag_masks or flag_values along with flag_meanings; got neither")
    if not meanings:
        raise MaskRuleError("attrs: expected flags or classes in flag_meanings; got none")
    if masks is None:
        pairs = zip(values or (), meanings, strict=True)
        return {"class": {"bits": "all", **_labels(pairs, "flag_values", "flag_meanings")}}
    found, counts = {}, collections.Counter(meanings)
    for meaning, mask, value in zip(meanings, masks, values or [0] * len(meanings), strict=True):
        several = counts[meaning] > 1 and _several(meaning, counts[meaning], "flag_meanings")
        found[meaning] = unusable(several) if several else _mask_entry(meaning, mask, value, values is not None)
    return found


def _numbers(attrs: Mapping[str, Any], name: str, count: int) -> list[int | None] | None:
    """Return the numbers of a CF attribute, None for each that is not whole. Return None without the attribute."""
    given = _texts(attrs.get(name))
    if given is None:
        return None
    if isinstance(given, str):
        given = [text for text in re.split(r"[\s,;]+", given.strip("[](){} \t\r\n")) if text]
    found = [_cf_number(number) for number in (given if isinstance(given, Iterable) else [given])]
    if len(found) != count:
        raise MaskRuleError(f"attrs: expected {count} {name}, as many as flag_meanings; got {len(found)}")
    return found


def _texts(given: Any) -> Any:
    """Return text, or a list of texts or numbers, from the arrays and bytes that a file may hold."""
    given = given.tolist() if isinstance(given, np.ndarray | np.generic) else given
    if isinstance(given, bytes):
        return given.decode()
    return [_texts(each) for each in given] if isinstance(given, list | tuple) else given


def _cf_number(number: Any) -> int | None:
    """Return a number of a CF attribute, or None if it is not whole. A text may end with a letter for its type."""
    if not isinstance(number, int | float | str):
        return None
    text = str(int(number) if isinstance(number, bool) else number).strip()
    try:
        if text.lower().startswith("0x"):
            return int(text, 0)
        text = re.sub("(?<=[0-9.])[uU]?[bBsSlL]{0,2}$", "", text)
        return int(text) if re.fullmatch("[+-]?[0-9]+", text) else _whole(float(text.rstrip("fFdD")))
    except ValueError:
        return None


def _whole(number: Any) -> int | None:
    """Return a whole number as an int, and None for anything else."""
    if is_whole(number):
        return int(number)
    return int(number) if isinstance(number, float) and number.is_integer() else None


def _mask_entry(meaning: str, mask: int | None, value: int | None, has_value: bool) -> dict[str, Any]:
    """Return a flag that is True where the bits under a mask equal a value. Without a value: where one of them is 1."""
    numbers = range(-(1 << 63), 1 << 64)
    if not mask or value is None or mask not in numbers or value not in numbers or value & ~mask:
        got = f"flag_masks {mask}" + (f" and flag_values {value}" if has_value else "")
        return unusable(f"expected a mask of 1 to 64 bits, and a value within the mask, for {meaning}; got {got}")
    bits = [bit for bit in range(64) if mask >> bit & 1]
    entry: dict[str, Any] = {"bits": bits, "values": {}, "description": meaning.replace("_", " ")}
    entry |= {"signed": True} if mask < 0 else {}
    if bits[-1] - bits[0] >= _MOST_BITS:
        return {**entry, "values": {str(value >> bits[0]): has_value}, "otherwise": not has_value}
    for key in range(1 << (bits[-1] - bits[0] + 1)):
        if not key << bits[0] & ~mask:
            entry["values"][str(key)] = (key << bits[0] == value) == has_value
    return entry


def _labels(pairs: Iterable[tuple[int | None, Any]], numbers: str, names: str) -> dict[str, Any]:
    """Return the values of an entry from (value, label) pairs, and the labels that can't be asked for.

    `numbers` and `names` say for errors what holds the values and the labels.
    """
    values: dict[str, Any] = {}
    refused: dict[Any, str] = {}
    for value, label in pairs:
        if value is None:
            refused[label] = f"expected a whole number in {numbers} for {label!r}"
        elif str(value) in values:
            for each in (values[str(value)], label):
                refused[each] = f"expected different {numbers}; got {value} for {values[str(value)]!r} and {label!r}"
        else:
            values[str(value)] = label
    counts = collections.Counter(values.values())
    refused |= {label: _several(label, count, names) for label, count in counts.items() if count > 1}
    return {"values": values, **({"unusable": refused} if refused else {})}


def _from_bitfields(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition in STAC bitfields."""
    key, pairs = "classification:bitfields", []
    for number, field in enumerate(_listed(attrs, "classification:bitfields")):
        named = field if isinstance(field, Mapping) else {}
        name = _name(named, f"bitfield {number}")
        offset, length = (_whole(named.get(each)) for each in ("offset", "length"))
        fits = offset is not None and length is not None and 0 <= offset < offset + length <= 64
        if offset is None or length is None or not fits or not isinstance(named.get("classes"), list | tuple):
            pairs.append((name, unusable(f"{key}: expected name, offset, length and classes; got {shortened(field)}")))
            continue
        classes = _labels(_stac_classes(named["classes"]), f"{key}: classes", f"{key}: classes")
        bits = list(range(offset, offset + length))
        pairs.append((name, {"bits": bits, **classes, "description": str(named.get("description") or "")}))
    counts = collections.Counter(name for name, _ in pairs)
    return {name: entry if counts[name] == 1 else unusable(_several(name, counts[name], key)) for name, entry in pairs}


def _from_classes(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition in STAC classes."""
    key = "classification:classes"
    return {"class": {"bits": "all", **_labels(_stac_classes(_listed(attrs, key)), key, key)}}


def _listed(attrs: Mapping[str, Any], key: str) -> list[Any]:
    """Return a list from a list or from JSON."""
    found = _from_json(attrs[key])
    if not isinstance(found, list | tuple) or not found:
        raise MaskRuleError(f"{key}: expected a list with at least one entry; got {shortened(attrs[key])}")
    return list(found)


def _stac_classes(classes: Any) -> Iterator[tuple[int | None, Any]]:
    """Yield the value and the name of each STAC class."""
    for number, each in enumerate(classes):
        named = each if isinstance(each, Mapping) else {}
        value = _whole(named.get("value"))
        yield value, _name(named, f"class {number}" if value is None else str(value))


def _name(named: Mapping[str, Any], number: str) -> str:
    """Return the name of a STAC class or bitfield, or else its description, or else its number."""
    return next((str(named[key]) for key in ("name", "description") if named.get(key) not in (None, "")), number)


# The attributes that a band may have, and the functions that read them. The first one found counts.
ATTRIBUTES: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "flags_definition": _from_odc,
    "flag_meanings": _from_cf,
    "classification:bitfields": _from_bitfields,
    "classification:classes": _from_classes,
}
