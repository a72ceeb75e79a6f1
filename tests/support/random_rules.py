"""Random flag definitions, and rules that ask for their flags or for values."""

from typing import Any

import numpy as np

DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")
LABELS = ("none", "low", "medium", "high", "maybe", "not sure", "", 0, 2, 3.5, None, -1)


def random_definition(rng: np.random.Generator, width: int) -> dict[str, Any]:
    """Share out some of a band's bits among flags: one bit, one in a list, a few, neighbours or not, in any order."""
    bits = rng.permutation(width).tolist() if rng.random() < 0.5 else list(range(width))
    definition: dict[str, Any] = {}
    while bits and len(definition) < 8:
        count = int(rng.integers(1, 4)) if rng.random() < 0.5 else 1
        mine, bits = bits[:count], bits[count:]
        if rng.random() < 0.2:
            continue
        if len(mine) == 1 and rng.random() < 0.7:
            keys, labels = [0, pick(rng, [1, 1, 1, 2, 7])], pick(rng, [[False, True], [True, False], ["no", "yes"]])
        else:
            chosen = rng.permutation(1 << len(mine))[: rng.integers(1, 9)].tolist()
            keys = [sum((key >> i & 1) << bit - min(mine) for i, bit in enumerate(mine)) for key in chosen]
            labels = [LABELS[i] for i in rng.permutation(len(LABELS))[: len(keys)]]
        as_text = rng.random() < 0.5
        values = {str(key) if as_text else key: label for key, label in zip(keys, labels, strict=True)}
        scalar = isinstance(labels[0], bool) or labels[0] == "no"
        definition[f"flag{len(definition)}"] = {"bits": mine[0] if scalar else mine, "values": values}
    return definition or {"flag0": {"bits": 0, "values": {"0": False, "1": True}}}


def random_rule(rng: np.random.Generator, definition: dict[str, Any], pool: np.ndarray) -> dict[str, Any]:
    """Ask for flags in one of the ways to write that, or for values: of the band, near them, of no band."""
    rule: dict[str, Any] = {"band": "qa"}
    if rng.random() < 0.4:
        values = [int(value) + int(rng.choice([0, 0, 0, 1])) for value in rng.choice(pool, rng.integers(1, 6))]
        values += pick(rng, [[], [], [-1], [300], [2**16 + 5], [-(2**31)], [2**64]])
        rule["values"] = pick(rng, [values, tuple(values), set(values), values[0], [float(values[0] % 100)]])
    else:
        names = rng.permutation(list(definition))[: rng.choice([1, 1, 2, 2, 3, 4])].tolist()
        flags = {name: pick(rng, list(definition[name]["values"].values())) for name in names}
        rule["flags"] = pick(rng, [flags, {"and": flags}, {"or": flags}, {"or": flags}])
        if rng.random() < 0.1:
            rule["values"] = pick(rng, [[], None])
    if rng.random() < 0.4:
        rule["invert"] = bool(rng.random() < 0.8)
    return rule


def pick(rng: np.random.Generator, values: Any) -> Any:
    """Return one of some values, as it is."""
    return values[rng.integers(len(values))]
