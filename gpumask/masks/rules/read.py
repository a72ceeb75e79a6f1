"""Rules and flag definitions read from YAML and JSON files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gpumask.errors import GpumaskError, MaskRuleError
from gpumask.masks.morphology import check_filters
from gpumask.masks.rules.apply import as_rules, by_band
from gpumask.masks.rules.attributes import distinct, flags_definition_from, holds_attributes
from gpumask.masks.rules.flags import flags_definition, ready_definitions, shortened
from gpumask.masks.rules.rule import MaskRule

_MERGE = "tag:yaml.org,2002:merge"


def texts_read(rules: str | None, definition: str | None) -> dict[str, list[str]]:
    """Return the files that a command line reads rules and definitions from, by their options.

    None of them may be written to.
    """
    named = {"--rules": rules, "--definition": None if definition in ready_definitions() else definition}
    return {name: [path] for name, path in named.items() if path is not None}


def read_rules(
    path: str, definition: str | None, bands: Sequence[tuple[str, str, int]]
) -> tuple[list[MaskRule], list[tuple[str, int]], dict[str, tuple[str, int]]]:
    """Return the rules in a YAML or JSON file, how to grow what they don't keep, and (file, band) of each quality band.

    The file holds a list of rules, or a mapping. The mapping has `rules`, or `pq_masks` as in a datacube-ows style. It
    may have `flags_definition`, `flags_definitions` and `grow`. `definition` replaces the file's own definitions. It is
    the name of a ready one, or a file. `bands` are the quality bands, (name, file, band). With one quality band, rules
    need not name it. If that band has no name, it gets the name that the rules use.
    """
    names = [name or "quality" for name, _, _ in bands]
    if len(set(names)) < len(names):
        raise MaskRuleError(f"quality: expected a different name for each band, as NAME=FILE; got {', '.join(names)}")
    content = _read("rules", path)
    given = None if definition is None else read_definition(definition)
    try:
        rules, grow = _rules_in(content, given, names[0] if len(names) == 1 else None)
    except GpumaskError as error:
        of_option = definition is not None and str(error).startswith("flags_definition")
        where = f"definition: {definition}" if of_option else f"rules: {path}"
        raise MaskRuleError(f"{where}: {error}") from error
    asked = list(by_band(rules))
    names = asked if len(asked) == len(bands) == 1 and not bands[0][0] else names
    return rules, grow, {name: (path, band) for name, (_, path, band) in zip(names, bands, strict=True)}


def _rules_in(content: Any, definition: Any, band: str | None) -> tuple[list[MaskRule], list[tuple[str, int]]]:
    """Return the rules in the content of a file, and how to grow what they don't keep.

    `band` is the band of rules that name none.
    """
    style = content if isinstance(content, Mapping) else {"rules": content}
    _check_distinct({key: each for key, each in style.items() if not str(key).startswith("flags_definition")})
    unknown = set(style) - {"rules", "pq_masks", "flags_definition", "flags_definitions", "grow"}
    if unknown:
        raise MaskRuleError(f"{', '.join(map(str, unknown))}: expected a list of rules, or a mapping with `rules`")
    for one, other in (("rules", "pq_masks"), ("flags_definition", "flags_definitions")):
        if one in style and other in style:
            raise MaskRuleError(f"{one}, {other}: expected at most one of the two; got both")
    rules = style.get("rules", style.get("pq_masks"))
    if not isinstance(rules, list) or not rules:
        raise MaskRuleError(f"rules: expected a list of at least one rule; got {shortened(rules)}")
    definition = definition or style.get("flags_definitions", style.get("flags_definition"))
    grow = check_filters("grow", style["grow"]) if style.get("grow") is not None else []
    return as_rules("rules", rules, definition, band), grow


def read_definition(given: str) -> Any:
    """Return the flag definition in a YAML or JSON file, or the ready definition of that name.

    The file holds a definition in the Open Data Cube form, or attributes that hold one. See `flags_definition_from`. A
    flag that comes twice can't be asked for.
    """
    if given in ready_definitions():
        return flags_definition(given)
    if not Path(given).is_file():
        raise MaskRuleError(
            f"definition: expected the name of a file, or one of {', '.join(ready_definitions())}; got {given}"
        )
    content = _read("definition", given)
    try:
        return flags_definition_from(content) if holds_attributes(content) else content
    except MaskRuleError as error:
        raise MaskRuleError(f"definition: {given}: {error}") from error


def _read(name: str, path: str) -> Any:
    """Read a JSON file, or a YAML file if PyYAML is there. See `distinct` for a key that comes twice."""
    try:
        text = Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise MaskRuleError(f"{name}: {path}: {error}") from error
    try:
        return json.loads(text, object_pairs_hook=distinct)
    except json.JSONDecodeError as not_json:
        try:
            import yaml
        except ImportError as error:
            raise MaskRuleError(f"{name}: {path}: {not_json} (for YAML: pip install 'gpumask[cli]')") from error
        try:
            return yaml.load(text, _loader(yaml))
        except (yaml.YAMLError, ValueError) as error:
            raise MaskRuleError(f"{name}: {path}: {error}") from error
    except ValueError as error:
        raise MaskRuleError(f"{name}: {path}: {error}") from error


def _check_distinct(content: Any) -> None:
    """Raise MaskRuleError if a key of rules comes twice. A flag that comes twice is an error when it is asked for."""
    for key, each in content.items() if isinstance(content, Mapping) else enumerate(content):
        if isinstance(each, Mapping) and "unusable" in each:
            raise MaskRuleError(f"{key} comes twice")
        if isinstance(each, Mapping | list):
            _check_distinct(each)


def _loader(yaml: Any) -> Any:
    """Return a safe YAML loader that reads only true and false as bool, as in YAML 1.2. A label `yes` is a text."""

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            own = [(self.construct_object(key, deep=True), None) for key, _ in node.value if key.tag != _MERGE]
            marked = {key: each for key, each in distinct(own).items() if each is not None}
            found: dict[Any, Any] = super().construct_mapping(node, deep)
            return found | marked

        yaml_implicit_resolvers = {
            first: [found for found in resolvers if found[0] != "tag:yaml.org,2002:bool"]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|True|TRUE|false|False|FALSE)$"), "tTfF")
    return Loader
