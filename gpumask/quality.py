"""Quality bands to masks: rules applied to arrays, each band read once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gpumask.backends import Backend, adopt, select
from gpumask.cleanup import check_filters, cleaned
from gpumask.errors import MaskRuleError
from gpumask.flags import flags_of
from gpumask.mask import all_of
from gpumask.rules import MaskRule, compile_table

# Columns of what an array without rows is taken as, so that threads share it.
_COLUMNS = 1 << 14


def mask_from_rules(
    rules: Iterable[Any],
    bands: Mapping[str, Any],
    flags_definitions: Any = None,
    grow: Any = None,
    backend: str | None = None,
) -> Any:
    """Say which pixels to keep: those that match every rule.

    rules: MaskRules, or mappings as `MaskRule.from_config` takes them; each names its band. None at all keeps all.
    bands: quality bands by their names, arrays of one shape, of bool, integers or floats. Signed integers are taken by
        their bits, and nothing is special about nodata.
    flags_definitions: for rules that are mappings, a definition for all of them, or {band: definition}.
    grow: how to grow what is not kept: a radius in pixels, or filters as `mask_cleanup` takes them.

    Returns bool, True is keep, of the bands' shape and in their array family.
    Raises MaskRuleError for a rule that can't be right, and for a band that is missing or lacks a flag's bits.

    >>> rules = [{"band": "qa", "flags": {"cloud": False}}, {"band": "qa", "values": [1], "invert": True}]
    >>> mask_from_rules(rules, {"qa": np.array([0, 1, 2], np.uint8)}, "hls_fmask")
    array([ True, False, False])
    """
    checked = as_rules(rules, flags_definitions)
    arrays = check_bands(bands, checked)
    chosen = select(backend, *arrays.values())
    like = next(iter(arrays.values()))
    keep = None
    for name, band in arrays.items():
        asked = [rule for rule in checked if rule.band == name]
        if asked:
            keep = evaluate(chosen, asked, band, keep)
    if keep is None:
        keep = chosen.asarray(np.ones(like.size, np.uint8)).reshape(like.shape)
    if grow is not None:
        keep = cleaned(chosen, keep ^ 1, check_filters("grow", grow)) ^ 1
    return chosen.to_family_of(like, keep).view(bool)


def validity_of(backend: Backend, rules: Sequence[MaskRule], quality: Mapping[str, Any], shape: tuple[int, int]) -> Any:
    """Return uint8 of a (row, col) shape, 1 where quality bands match every rule, in the backend's memory.

    quality: (row, col) bands by their names: of this shape, or coarser by whole factors, when each of their pixels
        stands for a block of it.
    """
    named = dict.fromkeys(str(rule.band) for rule in rules)
    valid = all_of(
        blocks_of(
            evaluate(backend, [rule for rule in rules if rule.band == name], quality[name]),
            factors_of(name, quality[name].shape, shape),
        )[: shape[0], : shape[1]]
        for name in named
    )
    return backend.asarray(np.ones(shape, np.uint8)) if valid is None else valid


def factors_of(name: str, coarse: tuple[int, ...], shape: tuple[int, int]) -> tuple[int, int]:
    """Return how many rows and columns a pixel of a quality band stands for."""
    factors = tuple(-(-size // max(part, 1)) for size, part in zip(shape, coarse, strict=False))
    covered = tuple(-(-size // factor) for size, factor in zip(shape, factors, strict=False))
    if len(coarse) != 2 or covered != coarse:
        raise MaskRuleError(
            f"quality: expected {name!r} of shape {shape}, as the source's, or coarser by whole factors; got {coarse}"
        )
    return factors[0], factors[1]


def blocks_of(coarse: Any, factors: tuple[int, int]) -> Any:
    """Return an array with a block of pixels for each of its own, in the same memory."""
    for axis, factor in enumerate(factors):
        coarse = coarse if factor == 1 else np.repeat(coarse, factor, axis=axis)
    return coarse


def check_quality(rules: Any, quality: Any) -> tuple[list[MaskRule], dict[str, Any]]:
    """Return rules, and quality bands as arrays; raise MaskRuleError unless the bands are there that rules name."""
    if rules is None or quality is None:
        if rules is not quality:
            raise MaskRuleError("keep, quality: expected both or neither; got one")
        return [], {}
    checked = as_rules(rules, None)
    if not isinstance(quality, Mapping):
        raise MaskRuleError(f"quality: expected a mapping of names to arrays; got {type(quality).__name__}")
    check_named("quality", checked, quality)
    return checked, {name: adopt("quality", band) for name, band in quality.items()}


def check_named(name: str, rules: Iterable[MaskRule], bands: Mapping[str, Any]) -> None:
    """Raise MaskRuleError unless the bands are there that rules name."""
    for rule in rules:
        if rule.band not in bands:
            raise MaskRuleError(
                f"{name}: expected {rule.band!r}, which a rule names; got {', '.join(map(repr, bands))}"
            )


def matched(rules: Sequence[MaskRule], band: Any, backend: str | None = None) -> Any:
    """Return where a band matches every rule, whatever band they name: bool, of its shape and array family."""
    band = adopt("band", band)
    chosen = select(backend, band)
    return chosen.to_family_of(band, evaluate(chosen, rules, band)).view(bool)


class FlagCount(NamedTuple):
    """How many pixels have a value of a flag; label None: the definition has none for it."""

    flag: str
    value: int
    label: Any
    pixels: int


def describe_flags(band: Any, flags_definition: Any) -> list[FlagCount]:
    """Count the pixels of each value of each flag: those that are defined, and others that occur.

    band: integers, of any shape. flags_definition: see `MaskRule.from_config`. The values are those of a flag's bits,
    counted from its lowest.

    >>> describe_flags(np.array([0, 2, 2], np.uint8), {"cloud": {"bits": 1, "values": {0: "no", 1: "yes"}}})
    [FlagCount(flag='cloud', value=0, label='no', pixels=1), FlagCount(flag='cloud', value=1, label='yes', pixels=2)]
    """
    band, flags = adopt("band", band), flags_of(flags_definition)
    if band.dtype.kind == "f":
        raise MaskRuleError(f"band: expected integers; got {band.dtype}")
    values, counts = (array.tolist() for array in np.unique(band, return_counts=True))
    found = []
    for flag in flags.values():
        pixels = dict.fromkeys((value for value, _ in flag.values), 0)
        for value, count in zip(values, counts, strict=True):
            bits = value & flag.bits
            pixels[bits] = pixels.get(bits, 0) + count
        labels = dict(reversed(flag.values))
        found += [FlagCount(flag.name, bits >> flag.lowest, labels.get(bits), pixels[bits]) for bits in sorted(pixels)]
    return found


def as_rules(rules: Iterable[Any], flags_definitions: Any) -> list[MaskRule]:
    """Return rules of both kinds as MaskRules that name a band."""
    found = []
    for number, rule in enumerate([rules] if isinstance(rules, Mapping | MaskRule) else rules):
        if isinstance(rule, MaskRule):
            found.append(rule)
        else:
            band = rule.get("band") if isinstance(rule, Mapping) else None
            found.append(MaskRule.from_config(rule, definition_for(band, flags_definitions)))
        if found[-1].band is None:
            raise MaskRuleError(f"rules[{number}]: expected the name of its band; got none")
    return found


def definition_for(band: Any, definitions: Any) -> Any:
    """Return the definition of a band's flags, out of one for all or of one for each band."""
    if isinstance(definitions, Mapping) and isinstance(band, str) and band in definitions:
        entry = definitions[band]
        is_flag = isinstance(entry, Mapping) and "bits" in entry and not isinstance(entry["bits"], Mapping)
        if not is_flag:
            return entry
    return definitions


def check_bands(bands: Any, rules: Sequence[MaskRule]) -> dict[str, Any]:
    """Return the bands as arrays; raise MaskRuleError unless all are there that rules name, of one shape."""
    if not isinstance(bands, Mapping) or not bands:
        raise MaskRuleError(f"bands: expected a mapping of names to arrays; got {type(bands).__name__}")
    arrays = {name: adopt(f"bands[{name!r}]", band) for name, band in bands.items()}
    check_named("bands", rules, arrays)
    shapes = {name: band.shape for name, band in arrays.items()}
    if len(set(shapes.values())) > 1:
        raise MaskRuleError(f"bands: expected one shape; got {shapes}")
    return arrays


def evaluate(backend: Backend, rules: Sequence[MaskRule], band: Any, keep: Any = None) -> Any:
    """Return uint8 in the backend's memory, 1 where a band matches every rule, and where `keep` is 1 if it is given."""
    if band.dtype == np.float16 or band.dtype.itemsize > 8:
        band = band.astype(np.float32 if band.dtype == np.float16 else np.float64)
    dtype = band.dtype.newbyteorder("=")
    table = np.array(compile_table(rules, dtype), np.float64 if dtype.kind == "f" else np.int64)
    pixels = backend.asarray(_two_axes(band))
    if dtype.kind == "b":
        pixels = pixels.view(np.uint8)
    out = backend.empty(pixels.shape, np.uint8) if keep is None else keep.reshape(pixels.shape)
    if out.size:
        backend.run(
            "rules", out.shape,
            pixels, pixels.strides[0] // pixels.itemsize, backend.asarray(table), len(rules), int(keep is not None),
            out, out.strides[0],
            SRC_T=pixels.dtype, BITS_T=np.dtype(f"u{pixels.itemsize}"), TABLE_T=table.dtype,
        )  # fmt: skip
    return out.reshape(band.shape)


def _two_axes(band: Any) -> Any:
    """Return an array of any number of axes with two."""
    if band.ndim == 2:
        return band
    if band.ndim > 2 and band.size:
        return band.reshape(-1, band.shape[-1])
    return band.reshape(-1, _COLUMNS) if band.size and band.size % _COLUMNS == 0 else band.reshape(1, -1)
