"""Seeded calls of `array_grid_resampling`, and GridR's answers to them.

GridR 0.7 answers some questions wrongly or not at all, but it answers the same questions in other words. See
`on_a_wider_grid` and `on_a_padded_source`.
"""

import copy
import math
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from gridr_scenes import quiet

from gpumask.pixels.interpolators import POLES

gridr = pytest.importorskip("gridr.core.grid.grid_resampling")
prefiltering = pytest.importorskip("gridr.core.interp.bspline_prefiltering")
get_interpolator = pytest.importorskip("gridr.core.interp.interpolator").get_interpolator
nodes_of_window = pytest.importorskip("gridr.core.grid.grid_commons").grid_resolution_window_safe

SPLINES = {f"bspline{order}": order for order in POLES}
INTERPS = ("nearest", "linear", "cubic", *SPLINES)
BOUNDARIES = (None, "constant", "edge", "reflect", "symmetric", "wrap")


@dataclass
class Case:
    """A call of array_grid_resampling. `options` are its further arguments. `extent` is the range of the pixels."""

    interp: str
    source: np.ndarray
    row: np.ndarray
    col: np.ndarray
    resolution: tuple[int, int]
    options: dict = field(default_factory=dict)
    extent: float = 1000.0

    @property
    def full_shape(self):
        (m, n), (rows, cols) = self.row.shape, self.resolution
        return (m - 1) * rows + 1, (n - 1) * cols + 1

    @property
    def window(self):
        return self.options.get("win", np.array([[0, size - 1] for size in self.full_shape]))

    @property
    def shape(self):
        return tuple((self.window[:, 1] - self.window[:, 0] + 1).tolist())

    @property
    def standalone(self):
        return self.options.get("standalone", True)

    @property
    def trusted(self):
        """True if pixels beyond the edges may be valid."""
        return self.options.get("boundary_condition") is not None and bool(self.options.get("trust_padding", True))

    @property
    def counts(self):
        """Which nodes count."""
        if "grid_mask" in self.options:
            return self.options["grid_mask"] == self.options["grid_mask_valid_value"]
        return self.row != self.options.get("grid_nodata", np.nan)

    @property
    def margin(self):
        """Return how many pixels around a coordinate GridR asks for."""
        return margin(self.interp, self.options.get("interp_kwargs"))

    def run(self, function):
        """Call a function on copies. Return its image and its mask, which is None if nobody asks for it."""
        options = copy.deepcopy(self.options)
        grid = self.row.copy(), self.col.copy()
        image, mask = function(self.interp, self.source.copy(), *grid, self.resolution, **{"array_out": None} | options)
        given = options.get("array_out_mask")
        return (
            options["array_out"] if image is None else image,
            given if mask is None and isinstance(given, np.ndarray) else mask,
        )


def margin(interp, interp_kwargs=None):
    """Return how many pixels around a coordinate GridR asks for."""
    found = get_interpolator(interp, **(interp_kwargs or {}))
    found.initialize()
    return found.total_margins()[0]


def influence(interp, interp_kwargs):
    """Return how far from an invalid pixel the coefficients of a B-spline are invalid. It is 0 without B-splines."""
    if interp not in SPLINES or interp_kwargs["mask_influence_threshold"] >= 1:
        return 0
    return math.floor(math.log(interp_kwargs["mask_influence_threshold"]) / math.log(-POLES[SPLINES[interp]][0]))


def random_case(block, index):
    """Make one of the seeded cases. The index chooses the interpolator."""
    rng = np.random.default_rng([block, index])
    interp = INTERPS[index % len(INTERPS)]
    options = {"interp_kwargs": random_kwargs(rng, interp)} if interp in SPLINES else {}
    # GridR's safe window wraps around in smaller sources: see gridr/test_where_gridr_fails.py.
    smallest = 6 if interp in ("linear", "cubic") else 1
    largest = 40 + 4 * influence(interp, options.get("interp_kwargs"))
    sizes = rng.integers(smallest, largest, 2) if rng.random() < 0.3 else rng.integers(largest // 2, largest, 2)
    source = rng.uniform(-500, 500, (rng.integers(1, 4), *sizes))
    resolution = tuple(rng.integers(1, 10, 2).tolist())
    row, col = random_nodes(rng, source.shape[1:], resolution)
    case = Case(interp, source if len(source) > 1 else source[0], row, col, resolution, options)
    for add in (add_grid_validity, add_source_mask, add_window, add_boundary, add_mode, add_safe_window, add_outputs):
        add(rng, case)
    return case


def random_kwargs(rng, interp):
    """Return the arguments of B-splines. GridR's filter must look as far around as an invalid pixel has influence."""
    epsilon = 10.0 ** -rng.choice([2, 3, 6, 8, rng.uniform(2, 8)])
    frame = margin(interp, {"epsilon": epsilon, "mask_influence_threshold": 1.0}) - SPLINES[interp] // 2
    lowest = math.log(-POLES[SPLINES[interp]][0]) * (min(frame, 24) + 0.9)
    thresholds = [math.exp(lowest * rng.random() ** 2), max(1e-3, math.exp(lowest)), 1.0, 7.5]
    return {"epsilon": epsilon, "mask_influence_threshold": float(rng.choice(thresholds, p=[0.5, 0.3, 0.1, 0.1]))}


def random_nodes(rng, source_shape, resolution):
    """Rotate, scale, move and bend a grid, partly beyond the source, or snap it to whole, half or quarter pixels.

    Snapped coordinates may be off by what rounding to 1e-12 repairs. Few grids lie wholly beyond the source.
    """
    m, n = (1 if step == 1 and rng.random() < 0.3 else rng.integers(2, 7) for step in resolution)
    y, x = (
        np.mgrid[-1 : 1 : m * 1j, -1 : 1 : n * 1j] * rng.uniform(0.3, 1) * np.array([m, n])[:, None, None] / max(m, n)
    )
    angle, bend = rng.uniform(0, 2 * np.pi), rng.choice([0, 0.5])
    steps, off = rng.choice([0, 1, 2, 4]), rng.choice([0, 3e-13])
    away = rng.choice([0, 0, 0, 1], 2) * rng.choice([-1, 0, 0, 0, 0, 0, 1], 2)
    nodes = []
    for size, along, edge in zip(
        source_shape, ((np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))), away, strict=True
    ):
        half = min(source_shape) / 2
        centre = (size - 1) * (rng.uniform(0.3, 0.7) if not edge else (edge + 1) / 2) + edge * rng.uniform(0, half + 3)
        axis = centre + half * (along[0] * y + along[1] * x) + bend * rng.normal(size=(m, n))
        nodes.append(np.round(axis * steps) / steps + off * rng.uniform(-1, 1, (m, n)) if steps else axis)
    return nodes


def add_grid_validity(rng, case):
    """Add a grid mask, or nodata in the rows alone, as GridR does not look at the columns."""
    bad = rng.random(case.row.shape) < rng.choice([0.05, 0.3])
    kind = rng.choice(["none", "mask", "nodata"])
    if kind == "mask":
        valid_value = rng.choice([0, 1, 200]).item()
        others = rng.choice([value for value in (0, 1, 7, 200) if value != valid_value], case.row.shape)
        case.options |= {
            "grid_mask": np.where(bad, others, valid_value).astype(np.uint8),
            "grid_mask_valid_value": valid_value,
        }
    elif kind == "nodata":
        case.row[bad] = -99999.0
        case.options |= {"grid_nodata": -99999.0}


def add_source_mask(rng, case):
    """Mask no source pixel, some, or all. With B-splines each masked pixel costs many."""
    share = rng.choice([-1, 0, 0.03, 0.1, 0.3, 1], p=[0.25, 0.1, 0.25, 0.2, 0.15, 0.05])
    if share >= 0:
        if case.interp in SPLINES and share < 1:
            share /= (influence(case.interp, case.options["interp_kwargs"]) + SPLINES[case.interp]) ** 2
        valid = rng.random(case.source.shape[-2:]) >= share
        case.options |= {"array_in_mask": valid.astype(np.uint8)}


def add_window(rng, case):
    """Ask for a part of the output."""
    if rng.random() < 0.5:
        case.options |= {"win": np.array([np.sort(rng.integers(0, size, 2)) for size in case.full_shape])}


def add_boundary(rng, case):
    """Let the source continue beyond its edges."""
    boundary = BOUNDARIES[rng.integers(len(BOUNDARIES))]
    case.options |= {"boundary_condition": boundary, "trust_padding": [True, True, False, None][rng.integers(4)]}


def add_mode(rng, case):
    """Let GridR pad the source or not, with an origin or without one. B-splines without padding get coefficients."""
    if rng.random() < 0.35:
        origins = [(0.0, 0.0), (2.0, -3.0), tuple(rng.uniform(-3, 3, 2).tolist())]
        case.options |= {"standalone": False, "array_in_origin": origins[rng.integers(3)]}
        if case.interp in SPLINES:
            make_coefficients(rng, case)


def make_coefficients(rng, case):
    """Let GridR filter a larger source, and take the coefficients that are complete."""
    interp = get_interpolator(case.interp, **case.options["interp_kwargs"])
    interp.initialize()
    around, inner = case.margin, (..., *[slice(case.margin, -case.margin)] * 2)
    source = rng.uniform(-500, 500, (*case.source.shape[:-2], *(size + 2 * around for size in case.source.shape[-2:])))
    source[inner] = case.source
    mask = case.options.get("array_in_mask")
    mask = None if mask is None else np.pad(mask, around, constant_values=1)
    prefiltering.array_bspline_prefiltering(source, mask, interp)
    case.source = source[inner].copy()
    if mask is not None:
        case.options["array_in_mask"] = mask[inner].copy()


def add_safe_window(rng, case):
    """Declare that a window of the mask has no zero. It is not a small one, as GridR takes that for one without end."""
    mask, taps = case.options.get("array_in_mask"), SPLINES.get(case.interp, 3) + 3
    smallest = max(taps, influence(case.interp, case.options.get("interp_kwargs")) + 1)
    if mask is None or min(mask.shape) <= smallest or rng.random() < 0.6:
        return
    window = np.array([(rng.integers(0, size), rng.integers(smallest, size)) for size in mask.shape])
    window.sort(axis=1)
    inside = mask[window[0, 0] : window[0, 1] + 1, window[1, 0] : window[1, 1] + 1]
    if case.standalone:
        inside[...] = 1
    if inside.all():
        case.options |= {"array_in_mask_safe_win": window}


def add_outputs(rng, case):
    """Pass arrays for the results, filled wholly or in a window, or ask for new ones."""
    rows, cols = case.shape
    case.options |= {"nodata_out": [0, -7, 0.25, np.inf, None][rng.integers(5)]}
    kind = rng.choice(["new", "given", "window"])
    if kind != "new":
        row, col, below, right = rng.integers(0, 4, 4).tolist() if kind == "window" else (0, 0, 0, 0)
        shape = row + rows + below, col + cols + right
        case.options |= {"array_out": rng.random((*case.source.shape[:-2], *shape))}
        if kind == "window":
            case.options |= {"array_out_win": np.array([[row, row + rows - 1], [col, col + cols - 1]])}
    else:
        shape = rows, cols
    filled = rng.integers(0, 256, shape).astype(np.uint8)
    case.options |= {"array_out_mask": [True, True, filled, filled, None, False][rng.integers(6)]}


def spans(case, window=None):
    """Return the lowest and the highest coordinate, on each axis, of the nodes that GridR looks at.

    None means that it looks at none. `window` is a part of the output. None means all that the call asks for.
    """
    window = case.window if window is None else window
    rows, cols = nodes_of_window(case.resolution, window, case.row.shape)[0]
    here = slice(rows[0], rows[1] + 1), slice(cols[0], cols[1] + 1)
    if not case.counts[here].any():
        return None
    return [(found.min(), found.max()) for found in (axis[here][case.counts[here]] for axis in (case.row, case.col))]


def wholly_beyond(case, window=None):
    """Say whether all nodes lie beyond one edge. GridR then ignores the pixels beyond it, and pads no B-spline."""
    found, sizes = spans(case, window), case.source.shape[-2:]
    return found is not None and any(high < 0 or low > n - 1 for (low, high), n in zip(found, sizes, strict=True))


def needs_padding(case):
    """Say whether GridR pads nothing, or takes its own padding for invalid although it is trusted."""
    if not case.standalone:
        return False
    mask, spline = case.options.get("array_in_mask"), case.interp in SPLINES
    constant = case.trusted and case.options["boundary_condition"] == "constant"
    if constant and mask is not None and (spline or not mask.all()):
        return True
    return (spline or case.trusted) and wholly_beyond(case)


def on_a_padded_source(case):
    """Return a case for the same pixels of a source that has the pixels beyond its edges, valid where they count.

    Further pixels are all invalid, as beyond the edges themselves. There are so many that no node lies beyond them.
    """
    options = case.options | {"boundary_condition": None, "trust_padding": False}
    options.pop("array_in_mask_safe_win", None)
    mode, width, reach = case.options.get("boundary_condition") or "constant", case.margin, 0
    if case.trusted and case.interp in SPLINES:
        reach = SPLINES[case.interp] // 2 + influence(case.interp, case.options["interp_kwargs"])
    elif case.trusted:
        reach = width
    mask = options.get("array_in_mask", np.ones(case.source.shape[-2:], np.uint8))
    ones = {"constant_values": 1} if mode == "constant" else {}
    valid = np.pad(np.pad(mask, reach, mode=mode, **ones), width - reach)
    beyond = [max(-low, high - n, 0) for (low, high), n in zip(spans(case) or [], mask.shape, strict=False)]
    far = int(max(beyond, default=0)) + 2
    bands = [np.pad(np.pad(band, width, mode=mode), far) for band in case.source.reshape(-1, *mask.shape)]
    source = np.array(bands).reshape(*case.source.shape[:-2], *bands[0].shape)
    row, col = (np.where(case.counts, axis + width + far, axis) for axis in (case.row, case.col))
    return replace(case, source=source, row=row, col=col, options=options | {"array_in_mask": np.pad(valid, far)})


def on_a_wider_grid(case, more=0):
    """Return a case for the same pixels of the same grid, with its last nodes repeated.

    The added nodes have no weight, so nothing changes. But no window begins on the last column, where GridR panics.
    `more` is how many more rows and columns of the output to ask for.
    """
    options = case.options | {"win": case.window + np.array([0, more])}
    if "grid_mask" in options:
        options["grid_mask"] = np.pad(options["grid_mask"], (0, 1), mode="edge")
    row, col = (np.pad(nodes, (0, 1), mode="edge") for nodes in (case.row, case.col))
    return replace(case, row=row, col=col, options=options)


def answer(ask, ask_again):
    """Return GridR's answer to the first of two calls, or to the second if the first fails. Say whether it failed."""
    with quiet():
        try:
            return ask(), False
        except BaseException as error:
            if type(error).__name__ not in ("PanicException", "ValueError"):
                raise
            return ask_again(), True


# Where GridR pads the source or adds array_in_origin, it does so before it rounds coordinates to 1e-12, so that its own
# can be one step of 1e-12 off. This is the most that such a step in row and col makes of a source with a range of 1:
# linear is as steep as 1 along each axis, cubic 1.5 times the sum of absolute weights (1.25) along the other.
STEEPEST = {"nearest": 0.0, "linear": 2.0, "cubic": 3.75}


# A B-spline's filter may be off by epsilon where it begins: GridR's begins where its pad does. This many times epsilon
# is at least 3 times what that makes in 4000 cases.
FROM_FILTERS = {"bspline3": 0.05, "bspline5": 1e-3, "bspline7": 5e-5, "bspline9": 1e-6, "bspline11": 1e-6}


def tolerance(case):
    """Return how far values may be apart, relative to the range of the source."""
    if case.interp not in SPLINES:
        moved = case.standalone or any(case.options.get("array_in_origin", ()))
        return 1e-12 * (1 + moved * STEEPEST[case.interp])
    return 5e-12 + case.standalone * FROM_FILTERS[case.interp] * case.options["interp_kwargs"]["epsilon"]
