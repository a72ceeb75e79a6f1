"""Arrays whose bytes are in the other order, as files and memory maps have them, give what native ones give."""

import numpy as np
import pytest
from shapely import box

import gpumask
from gpumask import CoarseMask, Grid, MaskRule, Resampler

RNG = np.random.default_rng(0)
QA = RNG.integers(0, 2**16, (40, 50)).astype(np.uint16)
CLASSES = RNG.integers(-5, 5, (40, 50)).astype(np.int16)
SINGLE, DOUBLE = RNG.random((40, 50)).astype(np.float32), RNG.random((40, 50))
ON = QA & 1
ROW, COL = np.mgrid[0.3:38:1.1, 0.2:48:1.3]
POLYGON = box(3, 3, 9, 9)
FLAGS = {
    "c": {"bits": [8, 9], "values": {"0": "no", "1": "lo", "2": "mid", "3": "hi"}},
    "k": {"bits": "all", "values": {"-3": "a", "2": "b"}},
}
MAP = {"q": [{"flags": {"c": "lo"}, "color": "#ff0000"}, {"values": [3, 4], "color": "#00ff00"}]}
RULE = {"band": "q", "flags": {"c": ["lo", "hi"]}}


def filled(function, *given):
    """Return arrays that a function has written to."""
    function(*given)
    return given


DOORS = {
    "counts of bits": lambda of: gpumask.describe_flags(of(QA), {"c": FLAGS["c"]}),
    "counts of wide bits": lambda of: gpumask.describe_flags(of(QA.astype(np.uint32) << 7), {"c": FLAGS["c"]}),
    "counts of classes": lambda of: gpumask.describe_flags(of(CLASSES), {"k": FLAGS["k"]}),
    "counts of floats": lambda of: gpumask.describe_flags(of(QA.astype(np.float32)), {"c": FLAGS["c"]}),
    "flags": lambda of: gpumask.mask_from_rules([RULE], {"q": of(QA)}, FLAGS),
    "flags of floats": lambda of: gpumask.mask_from_rules([RULE], {"q": of(QA.astype(np.float64))}, FLAGS),
    "flags of halves": lambda of: gpumask.mask_from_rules([RULE], {"q": of((QA % 999).astype(np.float16))}, FLAGS),
    "values": lambda of: gpumask.mask_from_rules([{"band": "q", "values": [1, -3]}], {"q": of(CLASSES)}),
    "a value map": lambda of: gpumask.apply_value_map(MAP, {"q": of(QA)}, FLAGS),
    "clean-up": lambda of: gpumask.mask_cleanup(of((SINGLE > 0.95).astype(np.float32)), 2),
    "clean-up of integers": lambda of: gpumask.mask_cleanup(of((SINGLE > 0.95) * 256), 2),
    "oversampling": lambda of: gpumask.oversample(of(SINGLE), (3, 2)),
    "oversampling of integers": lambda of: gpumask.oversample(of(CLASSES), (3, 2)),
    "footprints": lambda of: gpumask.footprint_validity(of(ON), "cubic"),
    "a coarse mask": lambda of: gpumask.validity_mask((79, 99), CoarseMask(of((SINGLE > 0.3) * 1.0), (2, 2))),
    "image, validity and nodes": lambda of: gpumask.resample(of(CLASSES), Grid(of(ROW), of(COL)), source_valid=of(ON)),
    "a grid's mask": lambda of: gpumask.resample(
        of(SINGLE), Grid(*(of(axis.astype(np.float32)) for axis in (ROW, COL)), mask=of((ROW > 3).astype(np.uint16)))
    ),
    "a quality band": lambda of: gpumask.resample(
        of(SINGLE), Grid(ROW, COL), keep=[MaskRule.from_config(RULE, FLAGS)], quality={"q": of(QA)}
    ),
    "a filter": lambda of: gpumask.resample(of(DOUBLE), Grid(ROW, COL), "bspline3"),
    "a resampler": lambda of: Resampler(Grid(of(ROW), of(COL)))(of(DOUBLE), of(ON)),
    "GridR's mask": lambda of: gpumask.build_mask(
        (79, 99), (1, 1), None, mask_in=of(ON), mask_in_resolution=(2, 2), oversampling_dtype=np.float64
    ),
    "GridR's oversampling": lambda of: gpumask.oversample_regular_grid(of(DOUBLE[None]), 2, 3, of(ON), np.float64),
    "GridR's interpolation": lambda of: gpumask.interpolate_grid(
        of(DOUBLE[None]), of(ON), of(np.arange(50.0)), of(np.arange(40.0)), of(np.arange(0, 49, 0.7)),
        of(np.arange(0, 39, 0.3)), np.float64,
    ),
    "GridR's grid": lambda of: gpumask.build_grid((1, 1), of(DOUBLE[None]), None, (2, 2), None),
    "GridR's grid of floats": lambda of: gpumask.build_grid((1, 1), of(SINGLE[None]), None, (3, 2), None),
    "GridR's grid as computed": lambda of: gpumask.build_grid(
        (1, 1), of(DOUBLE[None]), None, (2, 3), None, of(SINGLE).dtype
    ),
    "GridR's grid to be filled": lambda of: filled(
        lambda out: gpumask.build_grid((1, 1), DOUBLE[None], None, (2, 2), out), of(np.zeros((1, 79, 99), np.float32))
    ),
    "GridR's grid and mask as other dtypes": lambda of: gpumask.oversample_regular_grid(
        of(SINGLE[None]), 3, 2, of(ON), of(SINGLE).dtype, 1e-6, of(QA).dtype
    ),
    "GridR's interpolation of floats": lambda of: gpumask.interpolate_grid(
        of(SINGLE[None]), of(SINGLE), np.arange(50.0), np.arange(40.0), np.arange(0, 49, 0.7), np.arange(0, 39, 0.3),
        mask_dtype=of(CLASSES).dtype,
    ),
    "GridR's raster of a dtype": lambda of: gpumask.grid_rasterize(
        None, (40, 50), (0, 0), (1, 1), None, 1, 0, 0, [POLYGON], dtype=of(CLASSES).dtype
    ),
    "a dtype": lambda of: gpumask.resample(CLASSES, Grid(ROW, COL), dtype=of(SINGLE).dtype),
    "a resampler's dtype": lambda of: Resampler(Grid(ROW, COL), dtype=of(QA).dtype)(QA),
    "GridR's resampling": lambda of: gpumask.array_grid_resampling(
        "cubic", of(DOUBLE), of(ROW), of(COL), (1, 1), None, array_in_mask=of(ON), array_out_mask=True
    ),
    "GridR's output": lambda of: filled(
        lambda out: gpumask.array_grid_resampling("cubic", DOUBLE, ROW, COL, (1, 1), out), of(np.zeros((1, *ROW.shape)))
    ),
    "GridR's shift": lambda of: filled(
        lambda row, col: gpumask.array_shift_grid_coordinates(row, col, (1, 2), grid_nodata=ROW[0, 0]),
        of(ROW.copy()), of(COL.copy()),
    ),
    "GridR's shift of integers": lambda of: filled(
        lambda row, col: gpumask.array_shift_grid_coordinates(row, col, (1, -2), grid_mask=of(ON)),
        of(QA.astype(np.int32)), of(CLASSES.copy()),
    ),
    "GridR's filter": lambda of: filled(
        lambda image, mask: gpumask.array_bspline_prefiltering(image, mask, n=3, precision=2),
        of(DOUBLE.copy()), (QA > 200).astype(np.uint8),
    ),
    "GridR's raster": lambda of: filled(
        lambda out: gpumask.grid_rasterize(None, (40, 50), (0, 0), (1, 1), None, 1, 0, 0, [POLYGON], output=out),
        of(np.zeros((40, 50), np.int32)),
    ),
}  # fmt: skip


def swapped(array):
    """Return an array of the same numbers with their bytes in the other order."""
    return array.astype(array.dtype.newbyteorder())


def parts(found):
    """Return what is to be compared of a result."""
    return list(found) if isinstance(found, tuple | list) else [found]


@pytest.mark.parametrize("door", DOORS)
def test_the_order_of_bytes_changes_nothing(backend, door):
    with gpumask.use_backend(backend):
        expected, found = (parts(DOORS[door](of)) for of in (np.asarray, swapped))
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        if isinstance(other, np.ndarray):
            np.testing.assert_array_equal(one, other)
        else:
            assert one == other
