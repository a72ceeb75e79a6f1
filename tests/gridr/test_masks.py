"""Masks and regular grids against GridR's own: every value to the bit.

`PYTHONPATH=.:tests/support python tests/gridr/test_masks.py 5000` prints how many of so many cases of
each function differ.
"""

import copy
import sys
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
import shapely
from exhaustive import draws, on_one_backend
from shapely import MultiPolygon, Point, Polygon, box

import gpumask

grid_mask = pytest.importorskip("gridr.core.grid.grid_mask")
grid_rasterize = pytest.importorskip("gridr.core.grid.grid_rasterize")
grid_utils = pytest.importorskip("gridr.core.grid.grid_utils")

BLOCKS, CASES_IN_BLOCK = 10, 30
THRESHOLDS = (0.999, 0.99, 0.5, 0.25, 1.0)


@dataclass
class Case:
    """A call of a function that both have.

    ties: bool, where the share of valid is the threshold to the last bit: there GridR's rounding decides by luck, while
    here the sums are exact, and such a pixel is valid.
    """

    arguments: dict
    ties: np.ndarray | bool = False

    def run(self, function):
        """Call it on copies; return all that came of it: what is returned, and the arrays that were to be filled."""
        arguments = copy.deepcopy(self.arguments)
        returned = function(**arguments)
        filled = [arguments.get(name) for name in ("out", "output", "grid_row", "grid_col")]
        return [*(returned if isinstance(returned, tuple) else (returned,)), *filled]


def random_case(name, block, index):
    """Make one of the seeded cases of a function."""
    return CASES[name](np.random.default_rng([list(CASES).index(name), block, index]))


def build_mask_case(rng):
    """Coarse masks, windows and polygons, into a new array or a given one."""
    nodes, resolution = random_nodes(rng)
    win = random_window(rng, full_shape(nodes, resolution))
    shape = shape_of(win)
    arguments = {"shape": shape, "resolution": (1, 1), "out": None, "init_out": bool(rng.random() < 0.3)}
    ties = False
    if rng.random() < 0.8:
        mask, threshold = random_mask(rng, nodes), random_threshold(rng)
        arguments |= {"mask_in": mask, "mask_in_target_win": win, "mask_in_resolution": resolution}
        arguments |= {"oversampling_dtype": pick(rng, [np.float32, np.float64]), "mask_in_binary_threshold": threshold}
        ties = ties_of(mask, resolution, win, threshold)
    if rng.random() < 0.7:
        valid, invalid = pick(rng, [(True, False), (False, True), (True, True)])
        arguments["geometry_pair"] = random_geometry(rng) if valid else None, random_geometry(rng) if invalid else None
        arguments["geometry_origin"] = tuple(rng.choice([0, 0.5, rng.uniform(-5, 5)], 2).tolist())
        arguments["rasterize_kwargs"] = {"alg": pick(rng, list(grid_rasterize.GridRasterizeAlg))}
    if rng.random() < 0.3:
        arguments["out"] = rng.integers(0, 2, shape).astype(np.uint8)
    return Case(arguments, ties)


def oversample_case(rng):
    """Grids and masks of every floating type, by any threshold."""
    nodes, resolution = random_nodes(rng)
    win = random_window(rng, full_shape(nodes, resolution))
    mask, threshold = random_mask(rng, nodes), pick(rng, [1e-6, random_threshold(rng)])
    arguments = {
        "grid": random_grid(rng, nodes),
        "grid_oversampling_row": resolution[0],
        "grid_oversampling_col": resolution[1],
        "grid_mask": pick(rng, [None, mask, mask]),
        "dtype": pick(rng, [np.float32, np.float64]),
        "grid_mask_binarize_precision": threshold,
        "grid_mask_dtype": pick(rng, [np.uint8, np.int16, bool]),
        "win": win,
    }
    if arguments["grid_mask"] is not None and rng.random() < 0.2:
        arguments["grid"] = None
    if rng.random() < 0.2:
        win = np.array([[0, size - 1] for size in full_shape(nodes, resolution)])
        arguments["win"] = None
    return Case(arguments, ties_of(mask, resolution, win, threshold))


def interpolate_case(rng):
    """Rising and falling axes, places on nodes, between them and beyond."""
    nodes = tuple(rng.integers(2, 7, 2).tolist())
    axes = [np.cumsum(rng.uniform(0.1, 2, count)) * pick(rng, [-1, 1]) for count in nodes]
    places = [np.r_[axis, rng.uniform(axis.min() - 0.5, axis.max() + 0.5, rng.integers(1, 12))] for axis in axes]
    return Case({
        "grid": random_grid(rng, nodes),
        "grid_mask": pick(rng, [None, random_mask(rng, nodes)]),
        "x": axes[1],
        "y": axes[0],
        "x_new": places[1],
        "y_new": places[0],
        "dtype": pick(rng, [None, np.float32, np.float64]),
        "mask_binarize_precision": pick(rng, [1e-6, random_threshold(rng)]),
    })  # fmt: skip


def build_grid_case(rng):
    """Grids computed in one type and written in another, integers among them."""
    nodes, resolution = random_nodes(rng)
    grid = random_grid(rng, nodes)
    win = random_window(rng, full_shape(nodes, resolution))
    out = np.zeros((len(grid), *shape_of(win)), pick(rng, [np.float32, np.float64, np.int16]))
    return Case({
        "resolution": (1, 1),
        "grid": grid,
        "grid_target_win": win,
        "grid_resolution": resolution,
        "out": pick(rng, [None, out, out]),
        "computation_dtype": pick(rng, [np.float32, np.float64, None if out.dtype.kind == "f" else np.float64]),
    })  # fmt: skip


def rasterize_case(rng):
    """Both algorithms, all predicates, with or without widening; regular grids given in every form."""
    alg = pick(rng, list(grid_rasterize.GridRasterizeAlg))
    by_shapely = alg == grid_rasterize.GridRasterizeAlg.SHAPELY
    shape = tuple(rng.integers(9, 16, 2).tolist())
    coordinates, steps = pick(rng, [(False, (1, 0.5, 2, 1.7, -1)), (True, (1, 0.5, 2, -0.5))])
    step = tuple(rng.choice(steps, 2).tolist())
    origin = tuple(pick(rng, [0, 0.5, 1.25]) + (10 if size < 0 else 0) for size in step)
    arguments = {"grid_coords": None, "shape": shape, "origin": origin, "resolution": step}
    if coordinates:
        axes = [origin[axis] + np.arange(shape[axis]) * step[axis] for axis in (1, 0)]
        places = pick(rng, [tuple(axes), tuple(np.meshgrid(*axes)), np.array(np.meshgrid(*axes))])
        arguments = {"grid_coords": places, "shape": None, "origin": None, "resolution": None}
    # By rasterio, GridR ignores windows that end where the grid does.
    within = shape if by_shapely else (shape[0] - 1, shape[1] - 1)
    arguments["win"] = win = pick(rng, [None, random_window(rng, within)])
    inner, outer = pick(rng, [(1, 0), (0, 1)] if by_shapely else [(1, 0), (0, 1), (200, 7)])
    arguments |= {"inner_value": inner, "outer_value": outer, "default_value": 5}
    arguments |= {"geometry": random_geometry(rng) if rng.random() < 0.95 else [], "alg": alg}
    arguments |= {"geometry_buffer_dst": pick(rng, [1e-6, None, 0.25]), "dtype": pick(rng, [np.uint8, np.float32])}
    if by_shapely:
        arguments["shapely_predicate"] = pick(rng, list(grid_rasterize.ShapelyPredicate))
    # Nor does it fill an array where there are no polygons, or by rasterio one of a window's shape.
    if arguments["geometry"] and (by_shapely or win is None) and rng.random() < 0.3:
        arguments |= {"output": np.full(shape if win is None else shape_of(win), 9, np.uint8), "dtype": None}
    else:
        arguments["reduce"] = bool(rng.random() < 0.2)
    return Case(arguments)


def shift_case(rng):
    """Shifts of all nodes, of a window, and of those that a mask counts."""
    shape = tuple(rng.integers(1, 8, 2).tolist())
    return Case({
        "grid_row": rng.uniform(-50, 50, shape),
        "grid_col": rng.uniform(-50, 50, shape),
        "grid_shift": tuple(rng.uniform(-3, 3, 2).tolist()),
        "win": pick(rng, [None, random_window(rng, shape)]),
        "grid_mask": pick(rng, [None, rng.integers(0, 3, shape).astype(np.uint8)]),
        "grid_mask_valid_value": rng.integers(0, 3).item(),
    })  # fmt: skip


CASES = {
    "build_mask": build_mask_case,
    "oversample_regular_grid": oversample_case,
    "interpolate_grid": interpolate_case,
    "build_grid": build_grid_case,
    "grid_rasterize": rasterize_case,
    "array_shift_grid_coordinates": shift_case,
}
PEERS = {name: grid_utils for name in CASES} | {"build_mask": grid_mask, "grid_rasterize": grid_rasterize}


def pick(rng, values):
    """Return one of some values, as it is."""
    return values[rng.integers(len(values))]


def random_nodes(rng):
    """Return how many nodes there are along rows and columns, and how far they are apart."""
    return tuple(rng.integers(1, 9, 2).tolist()), tuple(rng.integers(1, 13, 2).tolist())


def random_window(rng, shape):
    """Return an inclusive window in a shape, large ones more often."""
    return np.array([np.sort(rng.integers([0, rng.choice([0, size // 2])], size)) for size in shape])


def random_threshold(rng):
    """Return one that a share may reach exactly, or any."""
    return pick(rng, [*THRESHOLDS, rng.uniform(0.01, 1)])


def random_mask(rng, shape):
    """Return zeros and ones of different types; or shares."""
    kind = pick(rng, ["uint8", "bool", "int16", "float64", "float32", "shares"])
    if kind == "shares":
        return (1 - rng.random(shape) ** 3).astype(pick(rng, [np.float32, np.float64]))
    return (rng.random(shape) < rng.choice([0.6, 0.8, 0.9, 1])).astype(kind)


def random_grid(rng, shape):
    """Return coordinates in a few variables."""
    grid = 100 * rng.standard_normal((rng.integers(1, 3), *shape))
    return grid.astype(pick(rng, [np.float32, np.float64]))


def random_geometry(rng):
    """Return one polygon, with a hole or without; some; or such as overlap."""
    kind = pick(rng, ["one", "list", "multipolygon", "both"])
    if kind == "one":
        return random_polygon(rng)
    if kind == "list":
        return [random_polygon(rng) for _ in range(rng.integers(1, 4))]
    apart = MultiPolygon([box(0, 0, 1, 1), box(2, 2, 3.5, 3.5), Point(9, 4).buffer(2)])
    return apart if kind == "multipolygon" else [random_polygon(rng), apart]


def random_polygon(rng):
    """Return a star, a polygon with vertices or a box with its outline on pixels' centres, or a ring."""
    centre, kind = rng.uniform(0, 15, 2), pick(rng, ["star", "vertices", "box", "ring"])
    if kind == "star":
        angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 9)))
        along = np.array([np.cos(angles), np.sin(angles)]) * rng.uniform(1, 8, len(angles))
        star = Polygon(centre + along.T)
        return star if star.is_valid else random_polygon(rng)
    if kind == "vertices":
        found = Polygon(rng.integers(0, 15, (rng.integers(3, 8), 2)))
        return found if found.is_valid else random_polygon(rng)
    if kind == "box":
        x, y, width, height = rng.integers([0, 0, 1, 1], 30) / 2
        return box(x, y, x + width, y + height)
    return Point(centre).buffer(rng.uniform(1, 8)).difference(Point(centre).buffer(rng.uniform(0.2, 0.9)))


def full_shape(nodes, resolution):
    """Return rows and columns at full resolution."""
    return tuple((count - 1) * step + 1 for count, step in zip(nodes, resolution, strict=True))


def shape_of(win):
    """Return the shape of an inclusive window."""
    return tuple((win[:, 1] - win[:, 0] + 1).tolist())


def ties_of(mask, resolution, win, threshold):
    """Say where the share of ones is the threshold, from whole weights; nowhere for masks of other shares."""
    nodes = mask.astype(np.int64)
    if (nodes != mask).any():
        return False
    (down, row), (right, col) = (
        (np.arange(first, last + 1) % step, np.arange(first, last + 1) // step)
        for (first, last), step in zip(win.tolist(), resolution, strict=True)
    )
    below, after = (np.minimum(place + 1, size - 1) for place, size in zip((row, col), nodes.shape, strict=True))
    left = resolution[1] - right
    upper = nodes[np.ix_(row, col)] * left + nodes[np.ix_(row, after)] * right
    lower = nodes[np.ix_(below, col)] * left + nodes[np.ix_(below, after)] * right
    ones = upper * (resolution[0] - down)[:, None] + lower * down[:, None]
    return ones / (resolution[0] * resolution[1]) == threshold


def difference(found, expected, ties):
    """Return what is wrong with a result, and how many pixels differ where they may; see `Case`."""
    if type(found) is not type(expected):
        return f"{type(found).__name__} instead of {type(expected).__name__}", 0
    if not isinstance(found, np.ndarray):
        return "" if found == expected else f"{found} instead of {expected}", 0
    if (found.dtype, found.shape) != (expected.dtype, expected.shape):
        return f"{found.dtype}, {found.shape} instead of {expected.dtype}, {expected.shape}", 0
    differs = (found != expected) & ~(np.isnan(found) & np.isnan(expected))
    if found.ndim == 2:
        allowed = differs & ties & (found == 1)
        return f"{(differs & ~allowed).sum()} values differ" * bool((differs & ~allowed).any()), int(allowed.sum())
    return f"{differs.sum()} values differ" * bool(differs.any()), 0


def compare(name, case):
    """Run gpumask and GridR on a case; return what is wrong, and how many pixels differ where they may."""
    found = case.run(getattr(gpumask, name))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = case.run(getattr(PEERS[name], name))
    wrong, allowed = zip(*(difference(*pair, case.ties) for pair in zip(found, expected, strict=True)), strict=True)
    return "; ".join(filter(None, wrong)), sum(allowed)


pytestmark = pytest.mark.usefixtures("on_every_backend")


@pytest.mark.parametrize("block", draws(BLOCKS))
@pytest.mark.parametrize("name", CASES)
def test_random_calls_give_the_bits_that_gridr_gives(name, block):
    wrong = {index: compare(name, random_case(name, block, index))[0] for index in range(CASES_IN_BLOCK)}
    assert {index: what for index, what in wrong.items() if what} == {}


@on_one_backend
def test_the_random_masks_are_worth_comparing():
    cases = [random_case("build_mask", block, index) for block in range(BLOCKS) for index in range(CASES_IN_BLOCK)]
    for case in cases:
        case.arguments["out"] = None
    shares = np.array([case.run(gpumask.build_mask)[0].mean() for case in cases])
    assert np.mean((shares > 0) & (shares < 1)) > 0.4
    assert np.mean([np.any(case.ties) for case in cases]) > 0.05


@on_one_backend
def test_the_random_polygons_are_worth_comparing():
    cases = [random_case("grid_rasterize", block, index) for block in range(BLOCKS) for index in range(CASES_IN_BLOCK)]
    geometries = [case.arguments["geometry"] for case in cases]
    polygons = shapely.get_parts([part for geometry in geometries for part in np.atleast_1d(geometry)])
    assert np.mean(shapely.get_num_interior_rings(polygons) > 0) > 0.1
    for case in cases:
        case.arguments |= {"output": None, "dtype": np.uint8, "reduce": False}
    assert np.mean([np.ptp(case.run(gpumask.grid_rasterize)[0]) > 0 for case in cases]) > 0.5


def figures(count):
    """Print how many of `count` cases of each function differ."""
    print(f"{'':28}  cases  that differ  pixels that differ where the share is the threshold")
    for name in CASES:
        compared = [compare(name, random_case(name, *divmod(number, CASES_IN_BLOCK))) for number in range(count)]
        wrong = sum(bool(what) for what, _ in compared)
        print(f"{name:28}  {count:5}  {wrong:11}  {sum(allowed for _, allowed in compared):50}")


if __name__ == "__main__":
    figures(int(sys.argv[1]) if len(sys.argv) > 1 else BLOCKS * CASES_IN_BLOCK)
