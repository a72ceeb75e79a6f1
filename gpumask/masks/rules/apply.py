"""Rules applied to quality bands. Each band is read once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gpumask.backends import adopt, select
from gpumask.backends.backend import Backend
from gpumask.errors import MaskRuleError
from gpumask.masks.finer import finer_by, reaches
from gpumask.masks.morphology import check_filters, cleaned
from gpumask.masks.rules.evaluate import CompiledRules
from gpumask.masks.rules.rule import MaskRule


def mask_from_rules(
    rules: Iterable[Any],
    bands: Mapping[str, Any],
    flags_definitions: Any = None,
    grow: Any = None,
    backend: str | None = None,
) -> Any:
    """Compute which pixels to keep: those that match every rule.

    Parameters
    ----------
    rules
        MaskRules, or mappings as `MaskRule.from_config` takes them. Each rule names its band. Without rules, all pixels
        are kept.
    bands
        Quality bands by their names. They are arrays of one shape, of bool, integers or floats. Signed integers are
        tested by their bits. A nodata value is a value like any other. NaN matches no rule, not even an inverted one.
        The flags of floats are those of whole numbers.
    flags_definitions
        The definition of the flags for rules that are mappings. It is one definition for all bands, or {band:
        definition}.
    grow
        How to grow what is not kept: a radius in pixels, or filters as `mask_cleanup` takes them.
    backend
        "cuda", "native" or "numpy". None means the default. See `use_backend`.

    Returns
    -------
    array
        A bool array of the bands' shape and array family. True means keep.

    Raises
    ------
    MaskRuleError
        If a rule is wrong, a band is missing, or a band lacks a flag's bits. Also if a rule asks for flags of a float
        band that holds a number which is not whole.

    Examples
    --------
    >>> rules = [{"band": "qa", "flags": {"cloud": False}}, {"band": "qa", "values": [1], "invert": True}]
    >>> mask_from_rules(rules, {"qa": np.array([0, 1, 2], np.uint8)}, "hls_fmask")
    array([ True, False, False])
    """
    asked = by_band(as_rules("rules", rules, flags_definitions))
    arrays = of_one_shape(bands, asked)
    like = next(iter(arrays.values()))
    filters = [] if grow is None else check_filters("grow", grow)
    if filters and like.ndim < 2:
        raise MaskRuleError(
            f"grow: expected bands of two axes or more, to grow along rows and columns; got shape {like.shape}"
        )
    compiled = {name: CompiledRules.of(of_band, arrays[name].dtype) for name, of_band in asked.items()}
    chosen = select(backend, *arrays.values())
    keep = None
    for name, of_band in compiled.items():
        keep = of_band.evaluate(chosen, arrays[name], keep)
    if keep is None:
        keep = chosen.full(like.shape, 1, np.uint8)
    if filters:
        keep = cleaned(chosen, keep ^ 1, filters) ^ 1
    return chosen.to_family_of(like, keep).view(bool)


COARSER_OR_FINER = "either coarser or finer"  # for errors


class Quality(NamedTuple):
    """A quality band, and the rules about it that say which pixels of an image to keep.

    `factors` says how many rows and columns of the image each pixel of the band stands for. If the band is `finer`, it
    says how many rows and columns of the band lie in each pixel of the image. All of these must match the rules.
    """

    rules: CompiledRules
    band: Any
    factors: tuple[int, int]
    finer: bool = False

    @classmethod
    def of(cls, name: str, rules: CompiledRules, band: Any, shape: tuple[int, int]) -> Quality:
        """Return a band for an image of a (row, col) shape. Raise MaskRuleError if it does not fit."""
        finer = finer_by(band.shape, shape)
        return cls(rules, band, finer or factors_of(name, band.shape, shape, COARSER_OR_FINER), finer is not None)

    def validity(self, backend: Backend, shape: tuple[int, int]) -> Any:
        """Return uint8 of the image's (row, col) shape in the backend's memory, 1 where the band matches the rules."""
        rows, cols = shape
        matched = self.rules.evaluate(backend, self.band)
        return reaches(matched, self.factors, 1) if self.finer else blocks_of(matched, self.factors)[:rows, :cols]


def factors_of(name: str, coarse: tuple[int, ...], shape: tuple[int, int], others: str = "coarser") -> tuple[int, int]:
    """Return how many rows and columns a pixel of a quality band stands for. The last pixels may stand for fewer.

    Raise MaskRuleError if no whole factor gives such a shape, or if several do and none divides the shape. `others`
    says what else could have been given than the source's shape.
    """
    expected = f"quality: expected {name!r} of shape {shape}, the source's shape, or {others} by whole factors"
    if len(coarse) != 2 or 0 in coarse:
        raise MaskRuleError(f"{expected}; got {coarse}")
    factors = []
    for size, part in zip(shape, coarse, strict=True):
        fitting = range(-(-size // part), size + 1 if part == 1 else -(-size // (part - 1)))
        if not fitting:
            raise MaskRuleError(f"{expected}; got {coarse}")
        if size % part and len(fitting) > 1:
            raise MaskRuleError(
                f"{expected} that follow from its shape; got {coarse}, where {size} pixels may come from blocks of "
                f"{fitting[0]} to {fitting[-1]} (repeat its pixels, as numpy.repeat does)"
            )
        factors.append(fitting[0])
    return factors[0], factors[1]


def blocks_of(coarse: Any, factors: Sequence[int]) -> Any:
    """Return an array with a block of pixels for each pixel, in the same memory. `factors` has one for each axis."""
    for axis, factor in enumerate(factors):
        coarse = coarse if factor == 1 else np.repeat(coarse, factor, axis=axis)
    return coarse


def check_quality(rules: Any, quality: Any, shape: tuple[int, int]) -> list[Quality]:
    """Return quality bands with the rules about them. Raise MaskRuleError if a band is missing or does not fit.

    `shape` is the rows and columns of the image.
    """
    if rules is None or quality is None:
        if rules is not quality:
            missing, given = ("keep", "quality") if rules is None else ("quality", "keep")
            raise MaskRuleError(f"{missing}: expected along with {given}; got None")
        return []
    checked = as_rules("keep", rules, None)
    if not isinstance(quality, Mapping):
        raise MaskRuleError(f"quality: expected a mapping of names to arrays; got {type(quality).__name__}")
    asked = by_band(checked)
    check_named("quality", asked, quality)
    arrays = {name: adopt(f"quality[{name!r}]", quality[name]) for name in asked}
    return [
        Quality.of(name, CompiledRules.of(of_band, arrays[name].dtype), arrays[name], shape)
        for name, of_band in asked.items()
    ]


def by_band(rules: Iterable[MaskRule]) -> dict[str, list[MaskRule]]:
    """Return the rules of each band, by the band's name."""
    found: dict[str, list[MaskRule]] = {}
    for rule in rules:
        found.setdefault(str(rule.band), []).append(rule)
    return found


def check_named(name: str, wanted: Iterable[str], bands: Mapping[str, Any]) -> None:
    """Raise MaskRuleError unless all bands are there that the rules name."""
    for band in wanted:
        if band not in bands:
            came = ", ".join(map(repr, bands)) or "none"
            raise MaskRuleError(f"{name}: expected {band!r}, which a rule names; got {came}")


def as_rules(name: str, rules: Any, flags_definitions: Any, band: str | None = None) -> list[MaskRule]:
    """Return rules of both kinds as MaskRules that name a band.

    `name` is the argument's name, for errors. `band` is the band of the rules that name none.
    """
    if isinstance(rules, str | bytes) or not isinstance(rules, Iterable | MaskRule):
        raise MaskRuleError(f"{name}: expected MaskRules, or mappings that describe them; got {rules!r}")
    found = []
    for number, given in enumerate([rules] if isinstance(rules, Mapping | MaskRule) else rules):
        if isinstance(given, Mapping):
            rule = MaskRule.from_config(given, definition_for(given.get("band", band), flags_definitions))
        elif isinstance(given, MaskRule):
            rule = given
        else:
            raise MaskRuleError(
                f"{name}[{number}]: expected a MaskRule, or a mapping that describes one; got {given!r}"
            )
        if rule.band is None and band is None:
            raise MaskRuleError(f"{name}[{number}]: expected a rule that names its band; got one that names none")
        found.append(dataclasses.replace(rule, band=rule.band or band))
    return found


def definition_for(band: Any, definitions: Any) -> Any:
    """Return the definition of a band's flags, from one definition for all bands or from one for each band."""
    if isinstance(definitions, Mapping) and isinstance(band, str) and band in definitions:
        entry = definitions[band]
        is_flag = isinstance(entry, Mapping) and "bits" in entry and not isinstance(entry["bits"], Mapping)
        if not is_flag:
            return entry
    return definitions


def of_one_shape(bands: Any, wanted: Iterable[str]) -> dict[str, Any]:
    """Return the bands as arrays. Raise MaskRuleError if a wanted band is missing or the shapes differ."""
    if not isinstance(bands, Mapping) or not bands:
        raise MaskRuleError(f"bands: expected a mapping of names to arrays that is not empty; got {bands!r}")
    arrays = {name: adopt(f"bands[{name!r}]", band) for name, band in bands.items()}
    check_named("bands", wanted, arrays)
    shapes = {name: band.shape for name, band in arrays.items()}
    if len(set(shapes.values())) > 1:
        raise MaskRuleError(f"bands: expected one shape; got {shapes}")
    return arrays
