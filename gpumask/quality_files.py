"""Rules and quality bands from files: what they keep of an image, window by window."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpumask.backends import Backend
from gpumask.chain import check_bands, check_open, ranges
from gpumask.cleanup import check_filters, filtered
from gpumask.errors import MaskRuleError
from gpumask.mask import all_of
from gpumask.outputs import open_raster
from gpumask.quality import as_rules, blocks_of, check_named, evaluate, factors_of
from gpumask.rules import MaskRule, compile_table
from gpumask.window import Window

if TYPE_CHECKING:
    from rasterio.io import DatasetReader


@dataclass(frozen=True, eq=False)
class QualityBands:
    """Quality bands that say by rules which pixels of an image to keep.

    bands: (dataset, band number) by their names, of the image's rows and columns or coarser by whole factors.
    shape: the image's rows and columns. grow: filters of what is not kept, in its pixels; see `mask_cleanup`.
    """

    rules: Sequence[MaskRule]
    bands: Mapping[str, tuple[DatasetReader, int]]
    shape: tuple[int, int]
    grow: Sequence[tuple[str, int]] = ()

    def __post_init__(self) -> None:
        """Check that the bands are there and fit the rules and the image."""
        check_named("quality", self.rules, self.bands)
        for name, (dataset, number) in self.bands.items():
            check_open("quality", dataset)
            check_bands("quality", dataset, (number,))
            factors_of(name, dataset.shape, self.shape)
            compile_table([rule for rule in self.rules if rule.band == name], np.dtype(dataset.dtypes[number - 1]))

    def validity(self, window: Window, backend: Backend) -> Any:
        """Return the validity of a window of the image's pixels; see `gpumask.mask.Part`."""
        margin = sum(radius for _, radius in self.grow)
        wider = window.pad(margin).intersect(Window.of_shape(self.shape))
        named = dict.fromkeys(str(rule.band) for rule in self.rules)
        kept = all_of(self._kept(name, wider, backend) for name in named)
        if kept is None:
            kept = backend.asarray(np.ones(wider.shape, np.uint8))
        if self.grow:
            kept = filtered(backend, kept ^ 1, self.grow) ^ 1
        return kept[window.shift(-wider.row, -wider.col).slices]

    def _kept(self, name: str, window: Window, backend: Backend) -> Any:
        """Return what the rules about one band keep of a window."""
        dataset, number = self.bands[name]
        down, across = factors_of(name, dataset.shape, self.shape)
        first = window.row // down, window.col // across
        coarse = Window(*first, -(-window.row_stop // down) - first[0], -(-window.col_stop // across) - first[1])
        band = dataset.read(number, window=ranges(coarse))
        found = evaluate(backend, [rule for rule in self.rules if rule.band == name], band)
        found = blocks_of(found, (down, across))
        return found[window.shift(-coarse.row * down, -coarse.col * across).slices]


# The command line's words for what rules name in their errors.
RULE_NAMES = dict.fromkeys(("rules", "flags", "values", "enum", "invert", "band", "grow"), "--rules") | {
    "quality": "--quality-band",
    "flags_definition": "--definition",
}


def open_quality(
    inputs: contextlib.ExitStack,
    rules: str | None,
    bands: Sequence[tuple[str, str, int]],
    definition: str | None,
    shape: tuple[int, int],
) -> tuple[QualityBands, ...]:
    """Return what a command line's rules and quality bands, (name, file, band), keep of an image; () without rules."""
    if rules is None:
        return ()
    names = [name for name, _, _ in bands]
    if len(set(names)) < len(names):
        raise MaskRuleError(f"quality: expected a name of its own for each, NAME=FILE; got {', '.join(names)}")
    found, grow = read_rules(rules, definition, names)
    opened = {name: (open_raster(inputs, "--quality-band", path), number) for name, path, number in bands}
    return (QualityBands(found, opened, shape, grow),)


def quality_inputs(rules: str | None, bands: Sequence[tuple[str, str, int]]) -> dict[str, list[str]]:
    """Return the files that rules and quality bands are read from."""
    return {"--rules": [rules] if rules else [], "--quality-band": [path for _, path, _ in bands]}


def read_rules(path: str, definition: str | None, bands: Sequence[str]) -> tuple[list[MaskRule], list[tuple[str, int]]]:
    """Return the rules in a YAML or JSON file, and how to grow what they don't keep.

    The file holds a list of rules, or a mapping with `rules` (or `pq_masks`, as in a datacube-ows style), and perhaps
    `flags_definition`, `flags_definitions` and `grow`. definition: the name of a ready one or a file, instead of these.
    bands: the names of the quality bands; where there is one alone, rules need not name it.
    """
    content = _read(path)
    style = content if isinstance(content, Mapping) else {"rules": content}
    unknown = set(style) - {"rules", "pq_masks", "flags_definition", "flags_definitions", "grow"}
    rules = style.get("rules", style.get("pq_masks"))
    if unknown or not isinstance(rules, list) or not all(isinstance(rule, Mapping) for rule in rules):
        came = f"{', '.join(map(str, unknown))}" if unknown else type(rules).__name__
        raise MaskRuleError(f"rules: expected a list of rules in {path}, or a mapping with one; got {came}")
    definitions = style.get("flags_definitions", style.get("flags_definition"))
    if definition is not None:
        definitions = read_definition(definition)
    if len(bands) == 1:
        rules = [{"band": bands[0], **rule} for rule in rules]
    return as_rules(rules, definitions), check_filters("grow", style["grow"]) if style.get("grow") else []


def read_definition(given: str) -> Any:
    """Return a flag definition from a YAML or JSON file, or the name of a ready one as it is."""
    return _read(given) if Path(given).is_file() else given


def _read(path: str) -> Any:
    """Read a JSON file, or one of YAML where PyYAML is there."""
    try:
        text = Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise MaskRuleError(f"rules: {error}") from error
    try:
        return json.loads(text)
    except json.JSONDecodeError as not_json:
        try:
            import yaml
        except ImportError as error:
            raise MaskRuleError(f"rules: {path}: {not_json} (for YAML: pip install 'gpumask[cli]')") from error
        try:
            return yaml.load(text, _loader(yaml))
        except yaml.YAMLError as error:
            raise MaskRuleError(f"rules: {path}: {error}") from error


def _loader(yaml: Any) -> Any:
    """Return a safe loader by whose rules just true and false are so: a label `yes` is a text, as in YAML 1.2."""

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        yaml_implicit_resolvers = {
            first: [found for found in resolvers if found[0] != "tag:yaml.org,2002:bool"]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|True|TRUE|false|False|FALSE)$"), "tTfF")
    return Loader
