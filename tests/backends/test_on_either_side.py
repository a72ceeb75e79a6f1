"""Arrays of the host and of the device in one call are refused by name; device arrays of every layout are taken."""

import numpy as np
import pytest
from affine import Affine
from shapely import box

import gpumask
from gpumask import (
    CoarseMask,
    Geolocation,
    GpumaskError,
    Grid,
    MaskRule,
    MultiDateMaskRule,
    Polygons,
    Resampler,
    Window,
)

pytestmark = pytest.mark.usefixtures("at_hand")
RNG = np.random.default_rng(3)
IMAGE, VALID = RNG.random((2, 30, 40)) * 100, (RNG.random((30, 40)) > 0.1).astype(np.uint8)
QUALITY, NODES = RNG.integers(0, 4, (30, 40)).astype(np.uint8), (RNG.random((4, 5)) > 0.2).astype(np.uint8)
ROW, COL = (0.9 * n + 2.25 for n in np.mgrid[0:4, 0:5] * 8.0)
COUNTS = RNG.random((4, 5)) > 0.1
RULE = MaskRule.from_config({"band": "qa", "values": [1, 2]})
MAPPED = {"qa": [{"values": [1], "color": "#ff0000"}], "qb": [{"values": [2], "color": "#00ff00"}]}


def resample(image, valid, row, col, counts, quality, **options):
    grid = Grid(row, col, (8, 8), counts)
    return gpumask.resample(image, grid, source_valid=valid, keep=[RULE], quality={"qa": quality}, **options)


def gridr(image, valid, row, col, counts, out, mask):
    gpumask.array_grid_resampling(
        "cubic", image, row, col, (8, 8), out, array_in_mask=valid, grid_mask=counts, array_out_mask=mask
    )
    return out, mask


def validity(nodes, whole, out):
    polygons = Polygons(box(2, 2, 30, 25))
    return gpumask.validity_mask((30, 40), CoarseMask(nodes, (10, 10)), CoarseMask(whole), polygons, out=out)


def build_mask(nodes, out):
    gpumask.build_mask((28, 37), (1, 1), out, (0, 0), (box(2, 2, 30, 25), None), nodes, None, (9, 9), np.float64)
    return out


def shifted(row, col, counts):
    gpumask.array_shift_grid_coordinates(row, col, (0.5, -0.25), grid_mask=counts)
    return row, col


def rasterized(out):
    gpumask.grid_rasterize(None, (30, 40), (0, 0), (1, 1), None, 1, 0, 0, box(2, 2, 30, 25), output=out)
    return out


def prefiltered(image, valid):
    gpumask.array_bspline_prefiltering(image, valid, n=3)
    return image, valid


def built(grid, out):
    gpumask.build_grid((1, 1), grid, None, (8, 8), out)
    return out


#: Functions, and arrays for them. What they fill they return.
WORK = {
    "resample": (resample, [IMAGE, VALID, ROW, COL, COUNTS, QUALITY]),
    "array_grid_resampling": (
        gridr, [IMAGE, VALID, ROW, COL, COUNTS.astype(np.uint8), np.zeros((2, 25, 33)), np.zeros((25, 33), np.uint8)]
    ),
    "validity_mask": (validity, [NODES, VALID, np.zeros((30, 40), np.uint8)]),
    "build_mask": (build_mask, [NODES, np.zeros((28, 37), np.uint8)]),
    "array_shift_grid_coordinates": (shifted, [ROW, COL, COUNTS.astype(np.uint8)]),
    "array_bspline_prefiltering": (prefiltered, [np.resize(IMAGE, (80, 90)), np.resize(VALID, (80, 90))]),
    "build_grid": (built, [np.stack([ROW, COL]), np.zeros((2, 25, 33))]),
    "mask_from_rules": (
        lambda qa, qb: gpumask.mask_from_rules([RULE, {"band": "qb", "values": [3]}], {"qa": qa, "qb": qb}),
        [QUALITY, QUALITY.copy()],
    ),
    "apply_value_map": (
        lambda qa, qb: gpumask.apply_value_map(MAPPED, {"qa": qa, "qb": qb}), [QUALITY, QUALITY.copy()]
    ),
    "oversample_regular_grid": (
        lambda grid, mask: gpumask.oversample_regular_grid(grid, 3, 4, mask), [np.stack([ROW, COL]), NODES]
    ),
    "interpolate_grid": (
        lambda grid, mask: gpumask.interpolate_grid(grid, mask, np.arange(5), np.arange(4), [0.5, 3], [1, 2.5]),
        [np.stack([ROW, COL]), NODES],
    ),
    "Grid.shifted": (lambda row, col, counts: _parts(Grid(row, col, mask=counts).shifted(1, 2)), [ROW, COL, COUNTS]),
    "Resampler": (lambda row, col, image: Resampler(Grid(row, col, (8, 8)))(image), [ROW, COL, IMAGE]),
}  # fmt: skip
ALONE = {
    "grid_rasterize": (rasterized, [np.zeros((30, 40), np.uint8)]),
    "oversample": (lambda nodes: gpumask.oversample(nodes, (3, 4)), [NODES]),
    "mask_cleanup": (lambda mask: gpumask.mask_cleanup(mask, 2), [VALID]),
    "footprint_validity": (gpumask.footprint_validity, [VALID]),
    "MaskRule.evaluate": (RULE.evaluate, [QUALITY]),
    "MultiDateMaskRule": (
        MultiDateMaskRule.from_config({"values": [[1], [2, 3]]}, 2).evaluate, [QUALITY.reshape(2, 15, 40)]
    ),
    "describe_flags": (lambda band: [tuple(flag) for flag in gpumask.describe_flags(band, "sentinel2_scl")], [QUALITY]),
    "Grid.source_window": (lambda row: Grid(row, row, (8, 8), window=Window(1, 2, 9, 9)).source_window(2), [ROW]),
    "Grid.displaced": (lambda row: _parts(Grid(row, row, (8, 8)).displaced((1, 2))), [ROW]),
}  # fmt: skip


def _parts(grid):
    return grid.row, grid.col


def to_device(array):
    import cupy

    return cupy.asarray(array)


def to_host(found):
    if isinstance(found, tuple | list):
        return [to_host(part) for part in found]
    return found.get() if hasattr(found, "get") else found


def same(found, expected):
    if isinstance(expected, tuple | list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            same(one, other)
    else:
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name, alone", [(name, number) for name in WORK for number in range(len(WORK[name][1]))])
@pytest.mark.parametrize("on_host", [True, False])
def test_one_array_on_the_other_side_is_refused_by_name(name, alone, on_host):
    function, arrays = WORK[name]
    if name == "Resampler" and alone == 2 and on_host:
        pytest.skip("a grid on the device takes images from the host")
    given = [array.copy() if (n == alone) == on_host else to_device(array) for n, array in enumerate(arrays)]
    before = [to_host(array).copy() for array in given]
    with pytest.raises(GpumaskError, match=r"^[\w.]+: expected .*(in host memory|host|device)"):
        function(*given)
    same([to_host(array) for array in given], before)


def part_of_larger(array):
    whole = np.zeros_like(array, shape=(*array.shape[:-2], array.shape[-2] + 3, array.shape[-1] + 4))
    whole[..., 1:-2, 3:-1] = array
    return whole[..., 1:-2, 3:-1]


@pytest.mark.parametrize("there", [True, False])
def test_offsets_of_a_grid_live_where_its_nodes_do(there):
    row, col = (to_device(ROW), to_device(COL)) if there else (ROW, COL)
    other = np.ones((4, 5)) if there else to_device(np.ones((4, 5)))
    for offsets in ((other, 0.0), (1.0, other)):
        with pytest.raises(GpumaskError, match="expected all in host memory or all on the device"):
            Grid(row, col, (8, 8)).shifted(*offsets)


class Described:
    """What looks like an array, and is none that a kernel could write to."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.ndim = array, array.shape, array.dtype, array.ndim

    def __setitem__(self, key, value):
        self.array[key] = value


@pytest.mark.parametrize("bring", [list, Described])
def test_what_is_filled_is_an_array_of_numpy_or_cupy(bring):
    for fill in (lambda out: validity(NODES, VALID, out), lambda out: build_mask(NODES, out), rasterized):
        with pytest.raises(GpumaskError, match="^(out|output): expected"):
            fill(bring(np.zeros((30, 40), np.uint8)))


def test_a_swath_and_a_model_of_device_arrays_come_to_the_host():
    lat, lon = np.mgrid[50:49:20j, 10:11:25j]
    target = "EPSG:32632", Affine(4000, 0, 5.75e5, 0, -4000, 5.53e6), (12, 9)
    both = [Geolocation(*map(bring, (lon, lat))) for bring in (np.asarray, to_device)]
    same(*[_parts(Grid.between("OGC:CRS84", swath, *target)) for swath in both])
    models = [lambda x, y, bring=bring: (bring(y / 100), bring(x / 100)) for bring in (np.asarray, to_device)]
    same(*[_parts(Grid.between("EPSG:32632", model, *target)) for model in models])


LAYOUTS = {
    "as it is": lambda array: array,
    "of another order": lambda array: array.swapaxes(-1, -2).copy().swapaxes(-1, -2),
    "upside down": lambda array: array[..., ::-1, ::-1].copy()[..., ::-1, ::-1],
    "in strides": lambda array: np.repeat(np.repeat(array, 2, axis=-1), 3, axis=-2)[..., ::3, ::2],
    "a part": part_of_larger,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", WORK | ALONE)
def test_device_arrays_of_every_layout_give_what_the_host_gives(name, layout):
    function, arrays = (WORK | ALONE)[name]
    with gpumask.use_backend("numpy"):
        expected = function(*(array.copy() for array in arrays))
    found = function(*(LAYOUTS[layout](to_device(array)) for array in arrays))
    same(to_host(found), expected)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "int64", "float16", "float32", "float64"])
@pytest.mark.parametrize("name", ["resample", "mask_cleanup", "mask_from_rules", "oversample", "MaskRule.evaluate"])
def test_device_arrays_of_every_type_give_what_the_host_gives(name, dtype):
    function, arrays = (WORK | ALONE)[name]
    first = (arrays[0] > 0 if dtype == "bool" else arrays[0]).astype(dtype)
    with gpumask.use_backend("numpy"):
        expected = function(first, *arrays[1:])
    found = function(*map(to_device, [first, *arrays[1:]]))
    same(to_host(found), expected)
