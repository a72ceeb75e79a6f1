"""A thousand random cases through public calls, bits against native; a group shares what is compiled."""

from __future__ import annotations

from typing import Any

import gpumask
from gpu_day.common import Options, Wrong, difference
from gpu_day.draws import GROUPS, Call, draw

COUNT = 1000


def items(options: Options) -> list[str]:
    """Return the groups."""
    return list(GROUPS)


def run(item: str, options: Options) -> dict[str, Any]:
    """Do the cases of a group."""
    place = GROUPS.index(item)
    numbers = range(place, options.scaled(COUNT, least=len(GROUPS)), len(GROUPS))
    problems, refused = {}, 0
    for number in numbers:
        call = draw(number)[1]
        found, expected = (outcome(call, backend) for backend in ("cuda", "native"))
        refused += isinstance(expected, str)
        if problem := compared(found, expected):
            problems[number] = problem
    counts = {"cases": len(numbers), "refused": refused, "differ": problems}
    if problems:
        number, problem = next(iter(problems.items()))
        raise Wrong(f"{len(problems)} of {len(numbers)} cases; {number}: {problem}"[:500], **counts)
    return counts


def outcome(call: Call, backend: str) -> Any:
    """Return arrays, or what a call says that can't be right."""
    try:
        return call(backend)
    except gpumask.GpumaskError as error:
        return str(error)


def compared(found: Any, expected: Any) -> str | None:
    """Say how two outcomes differ, None where they don't."""
    if isinstance(found, str) or isinstance(expected, str):
        same = isinstance(found, str) and isinstance(expected, str) and found == expected
        return None if same else f"{text_of(found)}, not {text_of(expected)}"
    differences = (difference(*arrays) for arrays in zip(found, expected, strict=True))
    return next(filter(None, differences), None)


def text_of(outcome: Any) -> str:
    """Say what came."""
    return f"an error ({outcome})" if isinstance(outcome, str) else "arrays"
