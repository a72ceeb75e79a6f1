"""Value maps, which turn quality bands into colours by rules, and rules about several dates at once."""

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

    Parameters
    ----------
    value_map
        {band: [rule, …]}. Each rule is a mapping as `MaskRule.from_config` takes it, with a `color` as well. It may
        have `alpha` (0 to 1, instead of the colour's own), `mask` (True makes alpha 0), `title` and `abstract`. A
        colour is "#RRGGBB", "#RRGGBBAA" or a CSS name. Where matplotlib is installed, it may be whatever matplotlib
        takes.
    bands
        Arrays of one shape by their names. Floats are truncated to whole numbers. NaN and infinity match no rule.
    flags_definitions
        One definition for all bands, or {band: definition}.
    backend
        "cuda", "native" or "numpy". None means the default. See `use_backend`.

    Returns
    -------
    array
        A uint8 array of the bands' shape with one more axis, (red, green, blue, alpha), in their array family. The
        first rule of a band that matches decides. A later band paints over an earlier one. A pixel that matches no rule
        is 0.

    Raises
    ------
    MaskRuleError
        If a rule, a colour or a band is wrong.

    Examples
    --------
    >>> value_map = {"scl": [{"values": [6], "color": "#0000FF"}]}
    >>> apply_value_map(value_map, {"scl": np.array([4, 6], np.uint8)})
    array([[  0,   0,   0,   0],
           [  0,   0, 255, 255]], dtype=uint8)
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
    painted = chosen.full(like.shape or (1,), 0, np.uint32)  # the four bytes of a colour as one number
    for band, found in rules.items():
        pixels, counts = _whole_numbers(chosen.asarray(np.atleast_1d(arrays[band])))
        for rule, colour in reversed(found):
            matched = evaluate(chosen, [rule], pixels).view(bool) & counts
            np.copyto(painted, int(np.array(colour, np.uint8).view(np.uint32)[0]), where=matched)
    return chosen.to_family_of(like, painted.view(np.uint8).reshape(*like.shape, 4))


@dataclass(frozen=True)
class MultiDateMaskRule:
    """A rule for each of several dates. A pixel matches if all of them match. `from_config` makes it.

    Attributes
    ----------
    rules
        The rule of each date. None matches every pixel.
    nothing
        True if no pixel matches, because an empty entry was inverted.
    """

    rules: tuple[MaskRule | None, ...]
    nothing: bool = False

    @classmethod
    def from_config(cls, config: Mapping[str, Any], dates: int, flags_definition: Any = None) -> MultiDateMaskRule:
        """Return the rule that a mapping describes.

        Parameters
        ----------
        config
            A mapping as for `MaskRule.from_config`. Its `flags`, `values` and `invert` are lists with an entry for each
            date. An empty entry matches every pixel. An inverted empty entry matches none.
        dates
            The number of dates.
        flags_definition
            The definition of the flags, as for `MaskRule.from_config`.

        Returns
        -------
        MultiDateMaskRule
            The rule.

        Raises
        ------
        MaskRuleError
            If a list has another length, or anything else is wrong. The message names the key.

        Examples
        --------
        >>> rule = MultiDateMaskRule.from_config({"values": [[1], [2]]}, 2)
        >>> rule.evaluate(np.array([[1, 1], [2, 3]], np.uint8))
        array([ True, False])
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
            # The rule of an empty entry is parsed with a number in it, so that its other keys are checked.
            asked = {"values": 0} if empty else {key: entry}
            rule = parse({**rest, **asked, "invert": bool(invert)}, flags_definition, _KEYS)
            rules.append(None if empty else rule)
        return cls(tuple(rules), nothing)

    def evaluate(self, stack: Any, backend: str | None = None) -> Any:
        """Compute which pixels match on all dates.

        Parameters
        ----------
        stack
            A (date, …) array with as many dates as the rule.
        backend
            "cuda", "native" or "numpy". None means the default. See `use_backend`.

        Returns
        -------
        array
            A bool array of the shape of one date.

        Raises
        ------
        MaskRuleError
            If the number of dates differs, or the band lacks a flag's bits.
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
    """Return an entry for each date. Return None if the mapping has none."""
    if given is None:
        return None
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise MaskRuleError(f"{key}: expected a list with an entry for each date; got {given!r}")
    found = list(given)
    if len(found) != dates:
        raise MaskRuleError(f"{key}: expected {dates} entries, one for each date; got {len(found)}")
    return found


def _is_empty(entry: Any, key: str) -> bool:
    """Say whether an entry asks for nothing: None, an empty list, or an empty mapping of flags."""
    if isinstance(entry, str):
        return False
    if isinstance(entry, Mapping):
        return key == "flags" and not entry
    if isinstance(entry, np.ndarray):
        return entry.size == 0
    return entry is None or (isinstance(entry, Sized) and len(entry) == 0)


def _whole_numbers(band: Any) -> tuple[Any, Any]:
    """Return a band of floats truncated to whole numbers, and where it is finite. Return other bands as they are."""
    if band.dtype.kind != "f":
        return band, True
    band = band.astype(np.float64)
    counts = (band >= -(2.0**63)) & (band < 2.0**63)
    return np.where(counts, band, 0).astype(np.int64), counts


def _colour_rule(config: Any, definition: Any) -> tuple[MaskRule, tuple[int, int, int, int]]:
    """Return a rule of a value map and its colour, 0 to 255."""
    rule = parse(config, definition, _KEYS)
    if "color" not in config:
        raise MaskRuleError(f"color: expected a colour in each rule of a value map; got {config!r}")
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
    """Return the CSS colours by their names."""
    found: dict[str, str] = json.loads(Path(__file__).with_name("css_colours.json").read_text())
    return found


def _colour(given: Any) -> Sequence[float]:
    """Return (red, green, blue, alpha), each from 0 to 1."""
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
        raise MaskRuleError(f"color: expected #RRGGBB, #RRGGBBAA or a CSS name; got {given!r}") from error
