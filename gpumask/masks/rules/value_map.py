"""Value maps: quality bands to colours, by rules; and rules about several dates at once."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gpumask.backends import adopt, select
from gpumask.errors import MaskRuleError
from gpumask.masks.rules.apply import definition_for, of_one_shape
from gpumask.masks.rules.evaluate import evaluate
from gpumask.masks.rules.rule import MaskRule, parse

_KEYS = frozenset({"title", "abstract", "color", "alpha", "mask"})


def apply_value_map(
    value_map: Mapping[str, Iterable[Any]], bands: Mapping[str, Any], flags_definitions: Any = None,
    backend: str | None = None,
) -> Any:  # fmt: skip
    """Colour pixels by what their quality bands say.

    value_map: {band: [rule, …]}, each rule a mapping as `MaskRule.from_config` takes it, with `color`, and perhaps
        `alpha` (0 to 1; else the colour's own), `mask` (True: alpha is 0), `title` and `abstract`. Colours are
        "#RRGGBB", "#RRGGBBAA", CSS names, and what else matplotlib takes where it is there.
    bands: arrays of one shape by their names. A band of floats is cut off to whole numbers; NaN and infinity match no
        rule.
    flags_definitions: a definition for all bands, or {band: definition}.

    Returns uint8 of the bands' shape and one more axis, (red, green, blue, alpha), in their array family. The first of
    a band's rules that matches decides; a later band paints over an earlier one; without a match a pixel is 0.
    Raises MaskRuleError for all that can't be right.
    """
    if not isinstance(value_map, Mapping):
        raise MaskRuleError(f"value_map: expected a mapping of bands to lists of rules; got {value_map!r}")
    for band, of_band in value_map.items():
        if isinstance(of_band, str | Mapping) or not isinstance(of_band, Iterable):
            raise MaskRuleError(f"value_map: expected a list of rules for {band!r}; got {of_band!r}")
    rules = {
        band: [_colour_rule(rule, definition_for(band, flags_definitions)) for rule in rules]
        for band, rules in value_map.items()
    }
    arrays = of_one_shape(bands, rules)
    chosen = select(backend, *arrays.values())
    like = next(iter(arrays.values()))
    painted = chosen.full(like.shape or (1,), 0, np.uint32)  # a colour's four bytes as one number
    for band, found in rules.items():
        pixels, counts = _whole_numbers(chosen.asarray(np.atleast_1d(arrays[band])))
        for rule, colour in reversed(found):
            matched = evaluate(chosen, [rule], pixels).view(bool) & counts
            np.copyto(painted, int(np.array(colour, np.uint8).view(np.uint32)[0]), where=matched)
    return chosen.to_family_of(like, painted.view(np.uint8).reshape(*like.shape, 4))


@dataclass(frozen=True)
class MultiDateMaskRule:
    """A rule for each of several dates, all of which must match; see `from_config`. None matches everything."""

    rules: tuple[MaskRule | None, ...]
    nothing: bool = False  # an empty entry was inverted

    @classmethod
    def from_config(cls, config: Mapping[str, Any], dates: int, flags_definition: Any = None) -> MultiDateMaskRule:
        """Return the rule that a mapping describes.

        config: as for `MaskRule.from_config`, but `flags`, `values` and `invert` are lists with an entry for each of
            the `dates`. An empty entry matches everything; inverted, nothing.

        Raises MaskRuleError, naming the key, for lists of another length and all that can't be right otherwise.
        """
        if not isinstance(config, Mapping):
            raise MaskRuleError(f"rule: expected a mapping; got {config!r}")
        if not isinstance(dates, int | np.integer) or isinstance(dates, bool) or dates < 1:
            raise MaskRuleError(f"dates: expected a whole number from 1 on; got {dates!r}")
        rest = {key: value for key, value in config.items() if key not in ("flags", "values", "invert")}
        lists = {key: _entries(key, config.get(key), dates) for key in ("flags", "values", "invert")}
        if (lists["flags"] is None) == (lists["values"] is None):
            raise MaskRuleError(f"flags, values: expected exactly one of the two; got {config!r}")
        key = "values" if lists["flags"] is None else "flags"
        inverted = lists["invert"] or [False] * dates
        rules, nothing = [], False
        for entry, invert in zip(lists[key] or [], inverted, strict=True):
            if not isinstance(invert, bool | np.bool_):
                raise MaskRuleError(f"invert: expected True or False for each date; got {invert!r}")
            empty = _is_empty(entry, key)
            nothing |= empty and bool(invert)
            # An empty entry's rule is parsed with a number in it, for the sake of the other keys.
            asked = {"values": 0} if empty else {key: entry}
            rule = parse({**rest, **asked, "invert": bool(invert)}, flags_definition, _KEYS)
            rules.append(None if empty else rule)
        return cls(tuple(rules), nothing)

    def evaluate(self, stack: Any, backend: str | None = None) -> Any:
        """Return which pixels match on all dates: bool, of the shape of one date.

        stack: (date, …), as many dates as the rule has.
        """
        stack = adopt("stack", stack)
        if stack.ndim == 0 or len(stack) != len(self.rules):
            raise MaskRuleError(f"stack: expected {len(self.rules)} dates; got shape {stack.shape}")
        chosen = select(backend, stack)
        matched = chosen.full(np.shape(stack[0]) or (1,), not self.nothing, np.uint8)
        for rule, date in zip(self.rules, stack, strict=True):
            if rule is not None:
                matched = evaluate(chosen, [rule], date, matched)
        return chosen.to_family_of(stack, matched).view(bool).reshape(stack.shape[1:])


def _entries(key: str, given: Any, dates: int) -> list[Any] | None:
    """Return an entry for each date, None where there are none at all."""
    if given is None:
        return None
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise MaskRuleError(f"{key}: expected a list with an entry for each date; got {given!r}")
    found = list(given)
    if len(found) != dates:
        raise MaskRuleError(f"{key}: expected {dates} entries, one for each date; got {len(found)}")
    return found


def _is_empty(entry: Any, key: str) -> bool:
    """Say whether an entry is there for no date: None, an empty list, or for flags an empty mapping."""
    if isinstance(entry, str):
        return False
    if isinstance(entry, Mapping):
        return key == "flags" and not entry
    if isinstance(entry, np.ndarray):
        return entry.size == 0
    return entry is None or (isinstance(entry, Sized) and len(entry) == 0)


def _whole_numbers(band: Any) -> tuple[Any, Any]:
    """Return a band of floats cut off to whole numbers, and where they are finite; another as it is."""
    if band.dtype.kind != "f":
        return band, True
    band = band.astype(np.float64)
    counts = (band >= -(2.0**63)) & (band < 2.0**63)
    return np.where(counts, band, 0).astype(np.int64), counts


def _colour_rule(config: Any, definition: Any) -> tuple[MaskRule, tuple[int, int, int, int]]:
    """Return a rule of a value map and its colour, 0 to 255."""
    rule = parse(config, definition, _KEYS)
    if "color" not in config:
        raise MaskRuleError(f"color: expected one in each rule of a value map; got {config!r}")
    red, green, blue, alpha = _colour(config["color"])
    if "alpha" in config and str(config["color"]).lower() != "none":
        try:
            alpha = float(config["alpha"])
        except (TypeError, ValueError) as error:
            raise MaskRuleError(f"alpha: expected a number from 0 to 1; got {config['alpha']!r}") from error
        if not 0 <= alpha <= 1:
            raise MaskRuleError(f"alpha: expected a number from 0 to 1; got {config['alpha']!r}")
    mask = config.get("mask", False)
    if not isinstance(mask, bool | np.bool_):
        raise MaskRuleError(f"mask: expected True or False; got {mask!r}")
    channels = [int(share * 255 + 0.5) for share in (red, green, blue, 0.0 if mask else alpha)]
    return rule, (channels[0], channels[1], channels[2], channels[3])


@functools.cache
def _css_colours() -> dict[str, str]:
    """Return the colours of CSS by their names."""
    found: dict[str, str] = json.loads(Path(__file__).with_name("css_colours.json").read_text())
    return found


def _colour(given: Any) -> Sequence[float]:
    """Return (red, green, blue, alpha) from 0 to 1."""
    text = _css_colours().get(given.lower(), given) if isinstance(given, str) else ""
    if re.fullmatch("#[0-9a-fA-F]{3,4}", text):
        text = "#" + "".join(digit * 2 for digit in text[1:])
    if re.fullmatch("#([0-9a-fA-F]{2}){3,4}", text):
        return [int((text + "ff")[at : at + 2], 16) / 255 for at in (1, 3, 5, 7)]
    try:
        from matplotlib.colors import to_rgba

        found: Sequence[float] = to_rgba(given)
        if not all(0 <= share <= 1 for share in found):
            raise ValueError
        return found
    except (ImportError, ValueError, TypeError) as error:
        raise MaskRuleError(f"color: expected #RRGGBB, #RRGGBBAA or a name that CSS has; got {given!r}") from error
