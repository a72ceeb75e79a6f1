"""`array_grid_resampling` against GridR's own: masks to the bit, values to 1e-12 of the source's range.

`python tests/test_against_gridr.py 3000` prints the figures for that many cases.
"""

import copy
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from gridr_scenes import quiet

import gpumask

gridr = pytest.importorskip("gridr.core.grid.grid_resampling")

LANDSAT8 = Path(__file__).parents[2] / "shared" / "data" / "landsat8"
INTERPS = ("nearest", "linear", "cubic")
BLOCKS, CASES_IN_BLOCK, CASES_IN_BLOCK_ON_NUMPY = 20, 60, 12

# Where GridR pads the source or adds array_in_origin, it does so before it rounds coordinates to 1e-12, so that its own
# can be one step of 1e-12 off. This is the most that such a step in row and col makes of a source with a range of 1:
# linear is as steep as 1 along each axis, cubic 1.5 times the sum of absolute weights (1.25) along the other.
STEEPEST = {"nearest": 0.0, "linear": 2.0, "cubic": 3.75}


@dataclass
class Case:
    """A call of array_grid_resampling; `options` are its further arguments."""

    interp: str
    source: np.ndarray
    row: np.ndarray
    col: np.ndarray
    resolution: tuple[int, int]
    options: dict = field(default_factory=dict)

    @property
    def full_shape(self):
        (m, n), (rows, cols) = self.row.shape, self.resolution
        return (m - 1) * rows + 1, (n - 1) * cols + 1

    @property
    def shape(self):
        win = self.options.get("win")
        return self.full_shape if win is None else tuple((win[:, 1] - win[:, 0] + 1).tolist())

    @property
    def moves_coordinates(self):
        """True where GridR may add something to the coordinates before it rounds them."""
        return self.options.get("standalone", True) or any(self.options.get("array_in_origin", ()))

    def run(self, function):
        """Call a function on copies; return image and mask, wherever they went (the mask is None if not asked for)."""
        options = copy.deepcopy(self.options)
        grid = self.row.copy(), self.col.copy()
        image, mask = function(self.interp, self.source.copy(), *grid, self.resolution, **{"array_out": None} | options)
        given = options.get("array_out_mask")
        return (
            options["array_out"] if image is None else image,
            given if mask is None and isinstance(given, np.ndarray) else mask,
        )


@dataclass
class Comparison:
    """What came of a case: `difference` is relative to the source's range."""

    interp: str
    same_mask: bool
    same_shape: bool
    difference: float
    tolerance: float
    gridr_failed: bool

    @property
    def agrees(self):
        return self.same_mask and self.same_shape and self.difference <= self.tolerance


def random_case(block, index):
    """Make one of the seeded cases; its interpolator is the index's."""
    rng = np.random.default_rng([block, index])
    interp = INTERPS[index % 3]
    # GridR's safe window wraps around in smaller sources: see the test of that below.
    smallest = 1 if interp == "nearest" else 6
    source = rng.uniform(-500, 500, (rng.integers(1, 4), *rng.integers(smallest, 40, 2)))
    resolution = tuple(rng.integers(1, 10, 2).tolist())
    row, col = random_nodes(rng, source.shape[1:], resolution)
    case = Case(interp, source if len(source) > 1 else source[0], row, col, resolution)
    for add in (add_grid_validity, add_source_mask, add_window, add_mode, add_outputs):
        add(rng, case)
    return case


def random_nodes(rng, source_shape, resolution):
    """Rotate, scale, move and bend a grid, part of it beyond the source; or snap it to whole, half or quarter pixels.

    Snapped coordinates may be off by what rounding to 1e-12 makes up for.
    """
    m, n = (1 if step == 1 and rng.random() < 0.3 else rng.integers(2, 7) for step in resolution)
    y, x = (
        np.mgrid[-1 : 1 : m * 1j, -1 : 1 : n * 1j] * rng.uniform(0.3, 1) * np.array([m, n])[:, None, None] / max(m, n)
    )
    angle, bend = rng.uniform(0, 2 * np.pi), rng.choice([0, 0.5])
    steps, off = rng.choice([0, 1, 2, 4]), rng.choice([0, 3e-13])
    nodes = []
    for size, along in zip(
        source_shape, ((np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))), strict=True
    ):
        centre = (size - 1) * rng.uniform(0.3, 0.7)
        axis = centre + min(source_shape) / 2 * (along[0] * y + along[1] * x) + bend * rng.normal(size=(m, n))
        nodes.append(np.round(axis * steps) / steps + off * rng.uniform(-1, 1, (m, n)) if steps else axis)
    return nodes


def add_grid_validity(rng, case):
    """Add a grid mask, or nodata in the rows alone: GridR does not look at the columns."""
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
    """Mask no source pixel, some, or all."""
    share = rng.choice([-1, 0, 0.03, 0.1, 0.3, 1], p=[0.25, 0.05, 0.25, 0.25, 0.15, 0.05])
    if share >= 0:
        valid = rng.random(case.source.shape[-2:]) >= share
        case.options |= {"array_in_mask": valid.astype(np.uint8)}


def add_window(rng, case):
    """Ask for a part of the output."""
    if rng.random() < 0.5:
        case.options |= {"win": np.array([np.sort(rng.integers(0, size, 2)) for size in case.full_shape])}


def add_mode(rng, case):
    """Let GridR pad the source, or leave it, with an origin or without one."""
    if rng.random() < 0.4:
        origins = [(0.0, 0.0), (2.0, -3.0), tuple(rng.uniform(-3, 3, 2).tolist())]
        case.options |= {"standalone": False, "array_in_origin": origins[rng.integers(3)]}


def add_outputs(rng, case):
    """Give arrays to be filled, wholly or in a window, or ask for new ones."""
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


def on_a_wider_grid(case):
    """Return a case that asks for the same pixels of the same grid, whose last nodes are repeated.

    The nodes added have no weight, so nothing changes; but no window begins on the last column, where GridR panics.
    """
    options = dict(case.options)
    options.setdefault("win", np.array([[0, size - 1] for size in case.full_shape]))
    if "grid_mask" in options:
        options["grid_mask"] = np.pad(options["grid_mask"], (0, 1), mode="edge")
    row, col = (np.pad(nodes, (0, 1), mode="edge") for nodes in (case.row, case.col))
    return replace(case, row=row, col=col, options=options)


def run_gridr(case):
    """Return GridR's image and mask, and whether it failed on the grid as it is."""
    with quiet():
        try:
            return *case.run(gridr.array_grid_resampling), False
        except BaseException as error:
            if type(error).__name__ not in ("PanicException", "ValueError"):
                raise
            return *on_a_wider_grid(case).run(gridr.array_grid_resampling), True


def compare(case):
    """Run gpumask and GridR on a case."""
    image, mask = case.run(gpumask.array_grid_resampling)
    peer_image, peer_mask, failed = run_gridr(case)
    extent = float(np.ptp(case.source)) or 1.0
    same_shape = image.shape == peer_image.shape
    same = same_shape and (image == peer_image) | (np.isnan(image) & np.isnan(peer_image))
    difference = np.where(same, 0, abs(np.where(same, 0, image) - np.where(same, 0, peer_image))) if same_shape else 0
    return Comparison(
        case.interp,
        same_mask=(mask is None) == (peer_mask is None) and (mask is None or np.array_equal(mask, peer_mask)),
        same_shape=same_shape,
        difference=float(np.max(difference)) / extent,
        tolerance=1e-12 * (1 + case.moves_coordinates * STEEPEST[case.interp]),
        gridr_failed=failed,
    )


pytestmark = [
    pytest.mark.usefixtures("on_every_backend"),
    pytest.mark.filterwarnings("ignore:grid_row, grid_col. no node counts"),  # nor in some of these cases
]


@pytest.mark.parametrize("block", range(BLOCKS))
def test_random_calls_give_what_gridr_gives(backend, block):
    count = CASES_IN_BLOCK_ON_NUMPY if backend == "numpy" else CASES_IN_BLOCK
    compared = {(block, index): compare(random_case(block, index)) for index in range(count)}
    assert {which: result for which, result in compared.items() if not result.agrees} == {}


def test_the_random_calls_are_worth_comparing():
    cases = [random_case(block, index) for block in range(5) for index in range(CASES_IN_BLOCK)]
    for case in cases:
        case.options["array_out_mask"] = True
        case.options.pop("array_out", None)
    shares = np.array([case.run(gpumask.array_grid_resampling)[1].mean() for case in cases])
    assert np.mean((shares > 0) & (shares < 1)) > 0.5
    assert np.mean([run_gridr(case)[2] for case in cases]) < 0.1


@pytest.mark.skipif(not LANDSAT8.exists(), reason="no shared/data/landsat8")
@pytest.mark.parametrize("interp", INTERPS)
def test_cloudy_landsat_bands_through_a_rotated_grid_are_as_gridr_has_them(interp):
    import rasterio

    bands = []
    for name in ("B2", "B3", "B4", "B5", "BQA"):
        with rasterio.open(LANDSAT8 / f"{name}.tif") as dataset:
            bands.append(dataset.read(1))
    cloud_confidence = bands.pop() >> 14 & 3
    y, x = np.mgrid[-350:351:10, -350:351:10]
    row = 301 + np.cos(np.radians(7)) * y + np.sin(np.radians(7)) * x
    col = 313 - np.sin(np.radians(7)) * y + np.cos(np.radians(7)) * x
    clear = (cloud_confidence < 3).astype(np.uint8)
    options = {"array_in_mask": clear, "array_out_mask": True, "nodata_out": -1}
    case = Case(interp, np.array(bands, np.float64), row, col, (10, 10), options)
    compared = compare(case)
    assert 0.1 < case.run(gpumask.array_grid_resampling)[1].mean() < 0.9
    assert compared.agrees, compared
    assert not compared.gridr_failed


def figures(count):
    """Print how many of `count` cases differ, for each interpolator."""
    cases = (random_case(*divmod(number, CASES_IN_BLOCK)) for number in range(count))
    compared = [compare(case) for case in cases]
    print(f"{'':8}  cases  masks that differ  shapes that differ  GridR failures  largest difference / range")
    for interp in INTERPS:
        found = [result for result in compared if result.interp == interp]
        masks = sum(not result.same_mask for result in found)
        shapes = sum(not result.same_shape for result in found)
        failures = sum(result.gridr_failed for result in found)
        largest = max((result.difference for result in found), default=0.0)
        print(f"{interp:8}  {len(found):5}  {masks:17}  {shapes:18}  {failures:14}  {largest:26.2e}")
    print(f"{sum(not result.agrees for result in compared)} cases do not agree")


if __name__ == "__main__":
    figures(int(sys.argv[1]) if len(sys.argv) > 1 else BLOCKS * CASES_IN_BLOCK)
