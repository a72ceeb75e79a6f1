"""Random bands whose attributes define flags, against what each pixel's number says, and against cf_xarray.

`PYTHONPATH=.:tests/support python tests/masks/rules/test_flags_fuzz.py 5000` says how many of so many
random cases differ.
"""

import itertools
import json
import sys
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from exhaustive import draws

from gpumask import MaskRule, MaskRuleError, describe_flags, flags_definition_from, mask_from_rules

BLOCKS, CASES_IN_BLOCK = 6, 80
DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")
NAMES = ("clear", "cloud", "snow", "water", "no_data", "shadow", "ice", "haze")

pytestmark = pytest.mark.usefixtures("on_every_backend")


class Case(NamedTuple):
    """A band, its attributes, and what they say: (value or None, mask or None) by meaning; what nobody can ask for."""

    band: np.ndarray
    attrs: dict[str, Any]
    meanings: dict[str, tuple[int | None, int | None]]
    refused: list[str]
    seed: tuple[int, int]

    @property
    def pixels(self) -> list[int | None]:
        """The band's pixels as Python's numbers, None for NaN."""
        return [None if pixel != pixel else int(pixel) for pixel in self.band.ravel().tolist()]  # noqa: PLR0124


def pick(rng, values):
    return values[rng.integers(len(values))]


@cache
def random_case(block: int, index: int) -> Case:
    """Make one of the seeded cases."""
    rng = np.random.default_rng([15, block, index])
    dtype = np.dtype(pick(rng, DTYPES))
    names = [str(name) for name in rng.permutation(NAMES)[: rng.integers(1, 7)]]
    masks, values = random_numbers(rng, dtype, len(names))
    refused: list[str] = []
    listed = list(names)
    if len(names) > 3 and rng.random() < 0.3:  # two entries of one name
        listed[2] = listed[1]
        refused = [names[1]]
    meanings = {
        name: (None if values is None else values[number], None if masks is None else masks[number])
        for number, name in enumerate(listed)
        if name not in refused
    }
    attrs = random_container(rng, listed, masks, values, dtype)
    return Case(random_band(rng, dtype, masks, values), attrs, meanings, refused, (block, index))


def random_numbers(rng, dtype, count):
    """Return masks and values of flags, None for one of them: for the band's type, or for a wider one."""
    info, width = np.iinfo(dtype), 8 * dtype.itemsize
    kind = pick(rng, ["classes", "classes", "masks", "both"])
    if kind == "classes":
        near = rng.choice(60, count, replace=False) - (20 if dtype.kind == "i" else 0)
        found = dict.fromkeys([*near[: count // 2].tolist(), info.min, info.max, info.max // 2, *near.tolist()])
        if rng.random() < 0.2:
            found = dict.fromkeys([*list(found)[: count - 1], pick(rng, [-1, 2**width, -(2**width) - 3])])
            found = dict.fromkeys([*found, *range(70, 80)])
        return None, [found for _, found in zip(range(count), found, strict=False)]
    masks, values = [], []
    for _ in range(count):
        bits = rng.choice(width, rng.integers(1, min(width, pick(rng, [2, 3, width])) + 1), replace=False).tolist()
        masks.append(sum(1 << bit for bit in bits))
        values.append(sum(1 << bit for bit in bits if rng.random() < 0.6))
    return masks, values if kind == "both" else None


def random_container(rng, names, masks, values, dtype):
    """Return attributes as one of the containers has them."""
    meanings = " ".join(names)
    if masks is None and rng.random() < 0.4:
        stac: dict[str, Any] = {
            "classification:classes": [{"value": v, "name": n} for v, n in zip(values, names, strict=True)]
        }
        return pick(rng, [stac, {"bands": [{}, stac]}, {"raster:bands": [stac]}, {"assets": {"qa": stac}}])
    written = pick(rng, [list, as_text, np.array, np.array])
    wide, signed = 8 * dtype.itemsize, written is np.array or rng.random() < 0.5
    attrs = {"flag_meanings": meanings}
    for key, numbers in (("flag_masks", masks), ("flag_values", values)):
        if numbers is None:
            continue
        found: Any = numbers
        if masks is not None and dtype.kind == "i" and signed:  # the sign bit of a signed type
            found = [n - (1 << wide) if n >> (wide - 1) else n for n in numbers]
            attrs[key] = np.array(found, pick(rng, [dtype, np.int64])) if written is np.array else written(found)
        elif written is np.array:
            info = np.iinfo(pick(rng, [dtype, np.dtype(np.int64)]))
            fits = info.min <= min(found) and max(found) <= info.max
            attrs[key] = np.array(found, info.dtype) if fits else list(found)
        else:
            attrs[key] = written(found)
    return attrs


def as_text(numbers):
    return ", ".join(f"{number}" for number in numbers)


def random_band(rng, dtype, masks, values):
    """Return pixels, half of them such as flags ask for; some as floats with NaN, some in other bytes."""
    info = np.iinfo(dtype)
    pool = rng.integers(info.min, info.max, 12, dtype, endpoint=True).tolist() + rng.integers(0, 90, 8).tolist()
    pool += [number for number in values or () if info.min <= number <= info.max]
    pool += [number for number in masks or () if info.min <= number <= info.max]
    band = np.array([pick(rng, pool) for _ in range(60)], dtype).reshape(6, 10)
    if rng.random() < 0.4:
        kind = np.float32 if dtype.itemsize < 4 else np.float64
        band = np.where(band.astype(kind) >= 2.0**63, 7, band.astype(kind))
        band = np.where(rng.random(band.shape) < 0.2, np.nan, band).astype(kind)
    return band.astype(band.dtype.newbyteorder()) if rng.random() < 0.3 else band


def passes(pixel: int, value: int | None, mask: int | None) -> bool:
    """Say what the conventions say of a pixel."""
    if mask is None:
        return pixel == value
    return pixel & mask != 0 if value is None else pixel & mask == value


def random_rules(case: Case, rng) -> list[tuple[dict[str, Any], list[bool]]]:
    """Return rules, and which pixels match."""
    found = []
    for _ in range(4):
        asked = [str(name) for name in rng.permutation(list(case.meanings))[: rng.integers(1, 4)]]
        operator, invert = pick(rng, ["and", "or"]), bool(rng.random() < 0.4)
        if all(mask is None for _, mask in case.meanings.values()):
            flags: Any = {"class": asked}
            tests = [lambda pixel, names=asked: any(passes(pixel, *case.meanings[name]) for name in names)]
        else:
            flags = {name: bool(rng.random() < 0.6) for name in asked}
            tests = [lambda p, n=name, b=label: passes(p, *case.meanings[n]) == b for name, label in flags.items()]
        fold = all if operator == "and" else any
        matched = [
            pixel is not None and fold(test(pixel) for test in tests) != invert for pixel in case.pixels
        ]  # fmt: skip
        found.append(({"band": "qa", "flags": {operator: flags}, "invert": invert}, matched))
    return found


def difference(block: int, index: int) -> str:
    """Return what is wrong with a case's results."""
    case, wrong = random_case(block, index), []
    rng = np.random.default_rng([16, block, index])
    definition = json.loads(json.dumps(flags_definition_from(case.attrs)))
    rules = random_rules(case, rng) if case.meanings else []
    for config, wanted in rules:
        found = MaskRule.from_config(config, definition).evaluate(case.band)
        wrong += [f"{config}"] if found.ravel().tolist() != wanted else []
    if rules:
        found = mask_from_rules([config for config, _ in rules], {"qa": case.band}, definition)
        together = np.logical_and.reduce([wanted for _, wanted in rules]).tolist()
        wrong += ["all rules"] if found.ravel().tolist() != together else []
    for name in case.refused:
        flags = {name: True} if name in definition else {"class": name}
        try:
            MaskRule.from_config({"flags": flags}, definition)
        except MaskRuleError as error:
            wrong += [] if name in str(error) else [f"an error that does not name {name}: {error}"]
        else:
            wrong.append(f"{name} may be asked for")
    for row in describe_flags(case.band, definition):
        if row.label is not None and row.label not in case.refused:
            value, mask = case.meanings[row.flag if row.flag in case.meanings else row.label]
            if row.flag == "class":
                count = sum(pixel == value for pixel in case.pixels)
                wrong += [f"counts of {row}"] if count != row.pixels else []
    return "; ".join(wrong)


@pytest.mark.parametrize("block", draws(BLOCKS))
def test_random_flags_match_what_the_numbers_of_pixels_say(block):
    wrong = {index: difference(block, index) for index in range(CASES_IN_BLOCK)}
    assert {index: what for index, what in wrong.items() if what} == {}


def difference_from_cf_xarray(block: int, index: int) -> str | None:
    """Return where ours differ from cf_xarray's; None where it can't read a case, or takes 32 bits for more."""
    xarray = pytest.importorskip("xarray", exc_type=ImportError)
    pytest.importorskip("cf_xarray", exc_type=ImportError)
    case = random_case(block, index)
    attrs = dict(case.attrs)
    with_masks = "flag_masks" in attrs
    if "flag_meanings" not in attrs or any(isinstance(attrs.get(key), str) for key in ("flag_masks", "flag_values")):
        return None
    if case.refused or (with_masks and (case.band.dtype.kind == "f" or case.band.dtype.itemsize > 2)):
        return None
    if case.band.dtype.kind == "f" and any(abs(value or 0) > 2**53 for value, _ in case.meanings.values()):
        return None  # it rounds the numbers of the classes to floats
    array = xarray.DataArray(case.band, attrs=attrs)
    definition, wrong = flags_definition_from(attrs), []
    for name in case.meanings:
        theirs = (array.cf == name).values
        flags = {name: True} if with_masks else {"class": name}
        ours = MaskRule.from_config({"flags": flags}, definition).evaluate(case.band)
        if (ours != theirs).any():
            wrong.append(f"{name}: {(ours != theirs).sum()} pixels of {case.band.dtype}")
    if not with_masks and len(case.meanings) > 1:
        some = list(case.meanings)[:2]
        ours = MaskRule.from_config({"flags": {"class": some}}, definition).evaluate(case.band)
        wrong += ["isin"] if (ours != array.cf.isin(some).values).any() else []
    return "; ".join(wrong)


@pytest.mark.parametrize("block", draws(BLOCKS))
def test_random_flags_match_what_cf_xarray_says(block):
    compared = {index: difference_from_cf_xarray(block, index) for index in range(CASES_IN_BLOCK)}
    assert {index: what for index, what in compared.items() if what} == {}
    assert sum(what is not None for what in compared.values()) > 10


def random_entries(rng, dtype):
    """Return a definition written by hand: bits or whole pixels, some with a label for all others, and exceptions."""
    info, width, definition = np.iinfo(dtype), 8 * dtype.itemsize, {}
    silent = [int(number) for number in rng.integers(info.min, info.max, 2, dtype, endpoint=True)]
    for name in NAMES[: rng.integers(2, 6)]:
        bits = "all" if rng.random() < 0.4 else sorted(rng.choice(width, rng.integers(1, 4), replace=False).tolist())
        if bits == "all":
            keys = [*rng.integers(0, 30, 3).tolist(), *silent[:1]]
        else:
            keys = sorted({sum(1 << bit - bits[0] for bit in bits if rng.random() < 0.5) for _ in range(3)})
        labels = ["a", "b", "a", "c"]
        entry: dict[str, Any] = {"bits": bits, "values": dict(zip(map(str, keys), labels, strict=False))}
        entry |= {"otherwise": "d"} if rng.random() < 0.5 else {}
        entry |= {"except": pick(rng, [silent, silent[0]])} if rng.random() < 0.5 else {}
        definition[name] = entry
    return definition, silent


def says(entry: dict[str, Any], pixel: int, label: str) -> bool | None:
    """Say whether a pixel has a label; None where the entry says nothing."""
    silent = entry.get("except", [])
    if pixel in (silent if isinstance(silent, list) else [silent]):
        return None
    whole = entry["bits"] == "all"
    mask = 0 if whole else sum(1 << bit for bit in entry["bits"])
    held = pixel if whole else (pixel & mask) >> entry["bits"][0]
    return entry["values"].get(str(held), entry.get("otherwise")) == label


def difference_by_hand(block: int, index: int) -> str:
    """Return what is wrong with rules for a definition written by hand, each way of what is not said tried out."""
    rng = np.random.default_rng([17, block, index])
    dtype = np.dtype(pick(rng, DTYPES))
    definition, silent = random_entries(rng, dtype)
    pool = [*silent, *silent, *range(30), *rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, 10, dtype).tolist()]
    band, wrong = np.array([pick(rng, pool) for _ in range(50)], dtype), []
    for _ in range(4):
        flags = {}
        for name in rng.permutation(list(definition))[: rng.integers(1, 4)].tolist():
            known = [*definition[name]["values"].values(), *filter(None, [definition[name].get("otherwise")])]
            flags[name] = str(pick(rng, known))
        operator, invert = pick(rng, ["and", "or"]), bool(rng.random() < 0.5)
        wanted = []
        for pixel in band.tolist():
            sides = [says(definition[name], pixel, label) for name, label in flags.items()]
            ways = itertools.product(*([True, False] if side is None else [side] for side in sides))
            wanted.append(all((all if operator == "and" else any)(way) != invert for way in ways))
        config = {"flags": {operator: flags}, "invert": invert}
        found = MaskRule.from_config(config, definition).evaluate(band)
        wrong += [f"{config} of {definition}"] if found.tolist() != wanted else []
    return "; ".join(wrong)


@pytest.mark.parametrize("block", draws(BLOCKS))
def test_random_definitions_by_hand_match_what_holds_either_way(block):
    wrong = {index: difference_by_hand(block, index) for index in range(CASES_IN_BLOCK)}
    assert {index: what for index, what in wrong.items() if what} == {}


def figures(count: int) -> None:
    """Print how many of `count` cases differ."""
    numbers = [divmod(number, CASES_IN_BLOCK) for number in range(count)]
    wrong = {number: what for number in numbers if (what := difference(*number))}
    by_hand = [what for number in numbers if (what := difference_by_hand(*number))]
    theirs = [what for number in numbers if (what := difference_from_cf_xarray(*number)) is not None]
    print(f"{count} definitions by hand, {len(by_hand)} differ", *by_hand[:5], sep="\n")
    print(f"{count} cases, {len(wrong)} differ; {len(theirs)} beside cf_xarray, {sum(map(bool, theirs))} differ")
    print(*list(wrong.items())[:10], *[what for what in theirs if what][:10], sep="\n")


if __name__ == "__main__":
    figures(int(sys.argv[1]) if len(sys.argv) > 1 else BLOCKS * CASES_IN_BLOCK)
