"""What `oversample` is run on: its variants, and nodes and axes with all that is awkward in them."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from kernel_cases import assert_same_bits, to_host, valid

from gpumask import Window
from gpumask.backends.backend import Backend
from gpumask.grids.grid import full_shape
from gpumask.grids.oversample import Axis, axes_of, oversampled, reaching


class Types(NamedTuple):
    """One specialisation of `oversample`, by the names of its types. uint8 stands for masks, in nodes and in output."""

    nodes: str
    output: str

    @property
    def defines(self) -> dict[str, Any]:
        return {"NODE_T": np.dtype(self.nodes), "OUT_T": np.dtype(self.output)}

    def __str__(self) -> str:
        return "-".join(self)


# All that the library uses.
TYPES = [Types("uint8", "uint8")]
TYPES += [Types(nodes, output) for nodes in ("float32", "float64") for output in ("uint8", "float32", "float64")]
# Each type of nodes and of output once, for builds of other kinds.
COVERING_TYPES = [Types("uint8", "uint8"), Types("float32", "float64"), Types("float64", "float32")]

# Nodes, resolution, window (None: all): from one pixel to rows about one and two segments (64 columns).
CELLS = [
    ((1, 1), (1, 1), None),
    ((1, 1), (100, 7), None),
    ((1, 9), (3, 8), None),
    ((9, 1), (8, 3), None),
    ((2, 2), (1, 1), None),
    ((2, 2), (3, 64), None),
    ((2, 2), (100, 129), None),
    ((3, 63), (1, 1), None),
    ((3, 64), (2, 1), None),
    ((3, 65), (7, 1), None),
    ((5, 130), (1, 1), None),
    ((4, 10), (3, 7), None),
    ((5, 33), (2, 2), None),
    ((3, 3), (64, 100), None),
    # Windows that begin amidst a cell, and on the last nodes.
    ((9, 120), (7, 1), Window(3, 7, 40, 77)),
    ((70, 9), (1, 13), Window(33, 1, 30, 100)),
    ((4, 4), (64, 100), Window(63, 99, 70, 131)),
    ((6, 9), (100, 3), Window(101, 1, 30, 21)),
    ((3, 90), (7, 2), Window(13, 1, 2, 64)),
    ((3, 90), (7, 2), Window(1, 3, 13, 65)),
    ((3, 3), (7, 2), Window(14, 4, 1, 1)),
]
THRESHOLDS = (0.5, 0.999, 1.0, 1e-6)


class Case(NamedTuple):
    """Nodes, the pixels wanted among them, and the value that a share must reach."""

    name: str
    nodes: np.ndarray
    rows: Axis
    cols: Axis
    threshold: float = 0.5


def run_oversample(backend: Backend, types: Types, case: Case) -> np.ndarray:
    """Run `oversample` on a backend. Return a NumPy array."""
    if types.output == "uint8":
        return to_host(backend, reaching(backend, case.nodes, case.rows, case.cols, case.threshold))
    return to_host(backend, oversampled(backend, case.nodes[None], case.rows, case.cols, np.dtype(types.output))[0])


def assert_same_values(found: np.ndarray, expected: np.ndarray, what: str = "") -> None:
    """Compare to the bit, except for NaN. Which NaN a sum gives depends on the machine."""
    assert_same_bits(*(np.where(np.isnan(values), values.dtype.type(0), values) for values in (found, expected)), what)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected), what)


@cache
def cases(dtype: str) -> list[Case]:
    """Return cases for nodes of a type, the same ones in every run."""
    rng = np.random.default_rng(5)
    return [*_cells(rng, dtype), *_between(rng, dtype), *_views(rng, dtype)]


def nodes_of(rng: np.random.Generator, dtype: str, shape: tuple[int, int]) -> np.ndarray:
    """Return random nodes. Masks have 0, 1, 255 and others. One float in twenty is NaN, infinite, huge or tiny."""
    if dtype == "uint8":
        return np.where(rng.random(shape) < 0.5, valid(rng, shape), rng.choice([0, 1, 1, 255], shape)).astype(np.uint8)
    odd = np.array([np.nan, np.inf, -np.inf, 3e38, -3e38, 0.0, -0.0, np.finfo(dtype).tiny / 4], dtype)
    return np.where(rng.random(shape) < 0.05, rng.choice(odd, shape), rng.standard_normal(shape).astype(dtype))


def _cells(rng: np.random.Generator, dtype: str) -> list[Case]:
    """Take nodes that are whole numbers of pixels apart, with whole weights and with rounded ones."""
    found = []
    for i, (shape, resolution, window) in enumerate(CELLS):
        rows, cols = axes_of(window or Window.of_shape(full_shape(shape, resolution)), resolution)
        nodes, threshold = nodes_of(rng, dtype, shape), THRESHOLDS[i % len(THRESHOLDS)]
        name = f"{shape} nodes, resolution {resolution}, {window}"
        found.append(Case(name, nodes, rows, cols, threshold))
        found.append(Case(f"{name}, rounded", nodes, rows.fractions, cols.fractions, threshold))
    return found


def _between(rng: np.random.Generator, dtype: str) -> list[Case]:
    """Take places among nodes at uneven distances."""
    found = []
    for shape in [(1, 1), (1, 7), (7, 1), (2, 2), (5, 40), (3, 65)]:
        axes = [Axis.between(at, places_among(rng, at)) for at in (uneven(rng, count) for count in shape)]
        found.append(Case(f"{shape} nodes, places", nodes_of(rng, dtype, shape), *axes))
    return found


def uneven(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return rising numbers at uneven distances."""
    return np.cumsum(rng.uniform(0.1, 3, count)) - 2.0


def places_among(rng: np.random.Generator, nodes: np.ndarray) -> np.ndarray:
    """Return places at all nodes, between them, just outside, far outside, and nowhere, in no order."""
    first, last = nodes[[0, -1]]
    outside = [first - 1, np.nextafter(first, -np.inf), np.nextafter(last, np.inf), last + 1, np.nan, np.inf, -np.inf]
    return rng.permutation(np.concatenate([nodes, outside, rng.uniform(first, last, 30)]))


def _views(rng: np.random.Generator, dtype: str) -> list[Case]:
    """Read nodes that are parts of larger arrays or have other strides."""
    large = nodes_of(rng, dtype, (20, 50))
    parts = {"cropped": large[1:9, 5:-7], "upside down": large[::-1], "every other row": large[1::2, 3:]}
    parts |= {
        "strided": large[::3, ::-2],
        "other order": large.T,
        "one row for all": np.broadcast_to(large[3], (5, 50)),
    }
    window = Window(1, 2, 9, 66)
    return [Case(f"{name} nodes", part, *axes_of(window, (2, 4))) for name, part in parts.items()]
