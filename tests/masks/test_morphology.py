"""Masks cleaned up by discs: against SciPy, by their laws, and the kernels against their twins."""

from functools import cache

import numpy as np
import pytest
from kernel_cases import assert_same_bits, to_host

from gpumask.backends import get
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.masks.morphology import OPERATIONS, mask_cleanup

# The numpy backend is the twins.
compiled_backends = pytest.mark.parametrize("backend", ["cuda", "native"], indirect=True)
every_operation = pytest.mark.parametrize("operation", OPERATIONS)
# One pixel, one row or column, about one segment (64 columns) and two.
SHAPES = [
    (1, 1),
    (1, 63),
    (1, 65),
    (1, 150),
    (2, 64),
    (40, 1),
    (90, 2),
    (3, 63),
    (25, 65),
    (9, 127),
    (7, 129),
    (30, 30),
]
RADII = [*range(10), 40]
LARGEST = 2**15


def disc(radius):
    """Return the pixels whose centre is within the radius of that in the middle."""
    across = np.arange(-radius, radius + 1)
    return np.hypot(across[:, None], across) <= radius


def random_mask(rng, shape, radius, share=0.7):
    """Return a mask that discs neither fill nor leave as it is: about so many pixels that are on for each disc."""
    return rng.random(shape) < min(share / disc(radius).sum(), 0.5)


@cache
def masks(shape, radius):
    """Return few pixels that are on, few that are off, blobs, and all or nothing; the same ones in every run."""
    rng = np.random.default_rng([*shape, radius])
    few, blobs = random_mask(rng, shape, radius), np.kron(rng.random(shape) < 0.5, np.ones((radius + 1,) * 2, bool))
    return [few, ~random_mask(rng, shape, radius), blobs[: shape[0], : shape[1]], np.zeros(shape, bool)]


@cache
def expected(operation, shape, radius):
    """Return what SciPy makes of each of the masks."""
    return [by_scipy(operation, mask, radius) for mask in masks(shape, radius)]


def by_scipy(operation, mask, radius):
    """Apply one operation; beyond the edge is nothing to grow from, nor to shrink from."""
    ndimage = pytest.importorskip("scipy.ndimage")
    footprint = disc(radius)
    for step in {"opening": ("erosion", "dilation"), "closing": ("dilation", "erosion")}.get(operation, (operation,)):
        if step == "dilation":
            mask = ndimage.binary_dilation(mask, footprint)
        else:
            mask = ndimage.binary_erosion(mask, footprint, border_value=1)
    return mask


@pytest.mark.parametrize("radius", RADII)
@every_operation
def test_scipy_makes_the_same_of_every_mask(backend, operation, radius):
    for shape in SHAPES:
        for mask, wanted in zip(masks(shape, radius), expected(operation, shape, radius), strict=True):
            found = mask_cleanup(mask, [(operation, radius)], backend=backend)
            assert_same_bits(found, wanted, f"{shape}, {mask.mean():.3f} on")


@pytest.mark.parametrize("radius", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("operation", ["opening", "closing"])
def test_scipys_own_opening_and_closing_agree_far_from_the_edge(backend, operation, radius):
    ndimage = pytest.importorskip("scipy.ndimage")
    inner = masks((60, 70), radius)[2]
    mask = np.pad(inner, 2 * radius + 1)
    wanted = getattr(ndimage, f"binary_{operation}")(mask, disc(radius))
    assert_same_bits(mask_cleanup(mask, [(operation, radius)], backend=backend), wanted)
    assert (wanted != mask).any()


def test_the_masks_are_worth_comparing():
    shares = [mask.mean() for radius in RADII[1:] for mask in expected("dilation", (25, 65), radius)]
    assert np.mean((np.array(shares) > 0) & (np.array(shares) < 1)) > 0.25
    for operation in OPERATIONS:
        changed = [
            (mask != wanted).any()
            for radius in range(1, 6)
            for mask, wanted in zip(masks((30, 30), radius), expected(operation, (30, 30), radius), strict=True)
        ]
        assert np.mean(changed) > 0.25, operation


@pytest.mark.parametrize("radius", [*RADII, 100])
def test_a_pixel_grows_to_a_disc(backend, radius):
    mask = np.zeros((2 * radius + 3,) * 2)
    mask[radius + 1, radius + 1] = 1
    assert_same_bits(mask_cleanup(mask, [("dilation", radius)], backend=backend), np.pad(disc(radius), 1))


@pytest.mark.parametrize("shape", [(3, 5), (1, 66), (70, 1)])
@every_operation
def test_a_disc_may_be_far_larger_than_the_mask(backend, operation, shape):
    mask = np.random.default_rng(1).random(shape) < 0.5
    for radius in (1000, LARGEST):
        found = mask_cleanup(mask, [(operation, radius)], backend=backend)
        assert found.all() if operation in ("dilation", "closing") else not found.any()
        assert mask_cleanup(np.ones(shape), [(operation, radius)], backend=backend).all()
        assert not mask_cleanup(np.zeros(shape), [(operation, radius)], backend=backend).any()


# What filters do one after the other, and the ways to write them.


def test_filters_are_applied_one_after_the_other(backend):
    mask = masks((25, 65), 2)[2]
    filters = [("opening", 2), ("dilation", 5), ("erosion", 1), ("closing", 3)]
    wanted = mask
    for operation, radius in filters:
        wanted = by_scipy(operation, wanted, radius)
    assert 0 < wanted.sum() < wanted.size
    for given in (filters, tuple(filters), iter(filters), [list(each) for each in filters]):
        assert_same_bits(mask_cleanup(mask, given, backend=backend), wanted)


@pytest.mark.parametrize("radius", [0, 3, np.int64(3), np.uint8(3)])
def test_a_number_alone_is_the_radius_of_a_dilation(backend, radius):
    mask = masks((25, 65), 3)[0]
    wanted = mask_cleanup(mask, [("dilation", int(radius))], backend=backend)
    assert_same_bits(mask_cleanup(mask, radius, backend=backend), wanted)
    assert_same_bits(mask_cleanup(mask, [("dilation", radius)], backend=backend), wanted)


def test_no_filter_and_no_radius_keep_the_mask(backend):
    mask = masks((25, 65), 1)[2]
    for filters in ([], 0, *([(operation, 0)] for operation in OPERATIONS)):
        found = mask_cleanup(mask, filters, backend=backend)
        assert_same_bits(found, mask)
        assert not np.shares_memory(found, mask)


# The masks it takes.


@pytest.mark.parametrize("shape", [(3, 9, 65), (1, 7, 7), (2, 3, 5, 20), (4, 1, 9)])
@every_operation
def test_each_mask_of_a_stack_is_cleaned_by_itself(backend, operation, shape):
    stack = np.random.default_rng(2).random(shape) < 0.4
    found = mask_cleanup(stack, [(operation, 2)], backend=backend)
    assert found.shape == shape
    for index in np.ndindex(*shape[:-2]):
        assert_same_bits(found[index], by_scipy(operation, stack[index], 2), str(index))


VALUES = {
    "bool": [True], "uint8": [1, 2, 128, 255], "int8": [-1, 1, -128], "uint16": [1, 256, 2**15], "int64": [-1, 2**32],
    "float32": [1, 0.25, -3, np.nan, np.inf, 1e-40], "float64": [1, 1e-300, np.nan],
}  # fmt: skip


@pytest.mark.parametrize("dtype", VALUES)
def test_all_but_0_is_masked(backend, dtype):
    rng, on = np.random.default_rng(3), masks((25, 65), 1)[2]
    mask = np.where(on, rng.choice(np.array(VALUES[dtype], dtype), on.shape), np.zeros((), dtype))
    for given in (mask, mask.astype(mask.dtype.newbyteorder())):
        assert_same_bits(mask_cleanup(given, [("closing", 2)], backend=backend), by_scipy("closing", on, 2))


def test_masks_may_be_views_and_lists(backend):
    large = np.random.default_rng(4).random((4, 40, 150)) < 0.1
    for mask in (large[0, 3:-4, 7:-9], large[0, ::-1, ::2], large[0].T, large[1:, ::3, ::-2], large.transpose(1, 2, 0)):
        wanted = mask_cleanup(np.ascontiguousarray(mask), [("dilation", 2)], backend=backend)
        assert_same_bits(mask_cleanup(mask, [("dilation", 2)], backend=backend), wanted)
    one_for_all = np.broadcast_to(large[0, 0], (5, 150))
    wanted = by_scipy("dilation", one_for_all, 2)
    assert_same_bits(mask_cleanup(one_for_all, 2, backend=backend), wanted)
    assert_same_bits(mask_cleanup(large[0].tolist(), 2, backend=backend), by_scipy("dilation", large[0], 2))


@every_operation
def test_the_mask_is_left_as_it_is(backend, operation):
    mask = np.random.default_rng(5).choice([0, 1, 7], (2, 20, 70)).astype(np.uint8)
    before = mask.copy()
    mask.flags.writeable = False
    for radius in (0, 3):
        found = mask_cleanup(mask, [(operation, radius)], backend=backend)
        assert (found.dtype, found.shape) == (np.dtype(bool), mask.shape)
        assert found.flags.writeable
        assert_same_bits(mask, before)


def test_arrays_come_back_to_where_they_were(backend):
    chosen, mask = get(backend), masks((25, 65), 2)[2]
    given = chosen.asarray(mask.astype(np.uint8))
    before = to_host(chosen, given).copy()
    found = mask_cleanup(given, [("opening", 2)])
    assert type(found) is type(given)
    assert_same_bits(to_host(chosen, found), by_scipy("opening", mask, 2))
    assert_same_bits(to_host(chosen, given), before)


# Laws.


@pytest.mark.parametrize("radius", [1, 2, 5, 9])
def test_a_dilation_reaches_from_one_pixel_to_another_as_it_does_back(backend, radius):
    shape, rng = (20, 70), np.random.default_rng(6)
    places = rng.integers(0, shape, (15, 2)).tolist()
    near = [(row + 3, col + 4) for row, col in places if row + 3 < shape[0] and col + 4 < shape[1]]  # just within 5
    singles = np.zeros((len(places + near), *shape), bool)
    for single, (row, col) in zip(singles, places + near, strict=True):
        single[row, col] = True
    grown = mask_cleanup(singles, radius, backend=backend)
    reached = np.array([[bool(each[row, col]) for row, col in places + near] for each in grown])
    np.testing.assert_array_equal(reached, reached.T)
    assert near
    assert reached.sum() > len(reached) or radius < 5


@pytest.mark.parametrize("radius", [1, 3, 7])
@every_operation
def test_turned_and_mirrored_masks_give_turned_and_mirrored_results(backend, operation, radius):
    mask = masks((25, 65), radius)[2]
    wanted = mask_cleanup(mask, [(operation, radius)], backend=backend)
    for turn in (np.flipud, np.fliplr, np.transpose, np.rot90):
        found = mask_cleanup(turn(mask), [(operation, radius)], backend=backend)
        np.testing.assert_array_equal(found, turn(wanted))


@pytest.mark.parametrize(("one", "other"), [("dilation", "erosion"), ("opening", "closing")])
@pytest.mark.parametrize("radius", [1, 4, 9])
def test_what_grows_is_what_shrinks_of_the_rest(backend, one, other, radius):
    for shape in SHAPES:
        for mask in masks(shape, radius):
            rest = mask_cleanup(~mask, [(other, radius)], backend=backend)
            assert_same_bits(mask_cleanup(mask, [(one, radius)], backend=backend), ~rest, str(shape))


@pytest.mark.parametrize("operation", ["opening", "closing"])
@pytest.mark.parametrize("radius", [1, 2, 4, 9])
def test_opened_and_closed_twice_is_opened_and_closed_once(backend, operation, radius):
    for shape in SHAPES:
        for mask in masks(shape, radius):
            once = mask_cleanup(mask, [(operation, radius)], backend=backend)
            assert_same_bits(mask_cleanup(once, [(operation, radius)], backend=backend), once, str(shape))
            assert_same_bits(mask_cleanup(mask, [(operation, radius)] * 2, backend=backend), once, str(shape))


@pytest.mark.parametrize("radius", [1, 2, 4, 9])
def test_what_shrinks_lies_in_the_mask_and_the_mask_in_what_grows(backend, radius):
    for shape in SHAPES:
        for mask in masks(shape, radius):
            order = [mask_cleanup(mask, [(operation, radius)], backend=backend) for operation in ("erosion", "opening")]
            order += [
                mask,
                *(mask_cleanup(mask, [(each, radius)], backend=backend) for each in ("closing", "dilation")),
            ]
            order += [mask_cleanup(mask, radius + 1, backend=backend)]
            for smaller, larger in zip(order, order[1:], strict=False):
                assert not (smaller & ~larger).any(), shape


def test_a_union_grows_as_its_parts_do(backend):
    rng = np.random.default_rng(7)
    one, other = (random_mask(rng, (25, 65), 4) for _ in range(2))
    grown = [mask_cleanup(mask, 4, backend=backend) for mask in (one, other, one | other)]
    assert_same_bits(grown[2], grown[0] | grown[1])


# Errors.

FILTERS = [
    [("dilate", 2)],
    [("Dilation", 2)],
    [("opening", 2), ("", 1)],
    [(None, 2)],
    [("dilation", -1)],
    [("dilation", LARGEST + 1)],
    [("dilation", 1.5)],
    [("dilation", 2.0)],
    [("dilation", "2")],
    [("dilation", None)],
    [("dilation", True)],
    [("dilation", float("nan"))],
    -1,
    LARGEST + 1,
    True,
]
NO_PAIRS = ["opening", ("opening", 2), [("opening",)], [("opening", 2, 3)], [2], [None], {"opening": 2}]
NOT_ITERABLE = [None, 2.5, 2.0]


@pytest.mark.parametrize("filters", FILTERS + NO_PAIRS + NOT_ITERABLE, ids=repr)
def test_filters_that_cannot_be_right_are_named(filters):
    with pytest.raises(GpumaskError, match="^filters: expected .*; got "):
        mask_cleanup(np.zeros((3, 3)), filters)


@pytest.mark.parametrize("filters", NO_PAIRS, ids=repr)
def test_filters_that_are_no_pairs_are_of_a_wrong_type(filters):
    with pytest.raises(ArgumentTypeError, match="^filters: "):
        mask_cleanup(np.zeros((3, 3)), filters)


@pytest.mark.parametrize("shape", [(), (1,), (9,), (0, 3), (3, 0), (0, 3, 3), (2, 3, 0)])
def test_a_mask_without_rows_columns_or_pixels_is_named(backend, shape):
    with pytest.raises(GpumaskError, match="^mask: expected "):
        mask_cleanup(np.zeros(shape), 1, backend=backend)


@pytest.mark.parametrize("mask", [None, "mask", [["a", "b"]], [[None, 1]], [[1, 2], [3]]], ids=repr)
def test_a_mask_of_no_numbers_is_named(mask):
    with pytest.raises(GpumaskError, match="^mask: "):
        mask_cleanup(mask, 1)


# The kernels.

KERNEL_SHAPES = [*SHAPES, (1, 64), (5, 128), (33, 129), (200, 190)]
KERNEL_RADII = [0, 1, 2, 7, 40, 300]


def run_columns(backend, on, radius):
    """Run `column_distance` on a backend; return all memory about the result, what it must not write to included."""
    (rows, cols), on = on.shape, backend.asarray(on)
    around = backend.asarray(np.full(rows * cols + 16, 0xABCD, np.uint16))
    backend.run("column_distance", (rows, cols), on, on.strides[0], radius, around[8:-8].reshape(rows, cols))
    return to_host(backend, around)


def run_rows(backend, distance, heights, radius):
    """Run `dilate` on a backend; return all memory about the result, what it must not write to included."""
    rows, cols = distance.shape
    around = backend.asarray(np.full(rows * cols + 16, 7, np.uint8))
    out = around[8:-8].reshape(rows, cols)
    backend.run("dilate", (rows, cols), backend.asarray(distance), backend.asarray(heights), radius, out)
    return to_host(backend, around)


@cache
def column_masks(shape):
    """Return masks with values other than 1, whole and as part of larger arrays."""
    rng = np.random.default_rng(8)
    shape_around = (shape[0] + 4, shape[1] + 9)
    large = np.where(rng.random(shape_around) < 0.03, rng.integers(1, 256, shape_around), 0).astype(np.uint8)
    return [large[2:-2, 3:-6].copy(), large[2:-2, 3:-6], np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8)]


@cache
def row_tables(shape, radius):
    """Return distances and heights: of a disc, and at random."""
    rng, across = np.random.default_rng(9), np.arange(-radius, radius + 1)
    heights = np.floor(np.sqrt(radius**2 - across**2)).astype(np.int32)
    distance = np.where(rng.random(shape) < 0.05, rng.integers(0, radius + 1, shape), radius + 1).astype(np.uint16)
    odd = rng.integers(0, radius + 1, 2 * radius + 1).astype(np.int32)
    return [(distance, heights), (distance, odd), (np.zeros_like(distance), heights * 0)]


@compiled_backends
@pytest.mark.parametrize("radius", [*KERNEL_RADII, LARGEST])
def test_column_distance_is_that_of_its_twin_to_the_bit(backend, radius):
    for shape in KERNEL_SHAPES if radius < LARGEST else [(1, 1), (3, 65)]:
        for on in column_masks(shape):
            found, wanted = (run_columns(get(name), on, radius) for name in (backend, "numpy"))
            assert_same_bits(found, wanted, str(shape))


@compiled_backends
@pytest.mark.parametrize("radius", [*KERNEL_RADII, LARGEST])
def test_dilate_is_that_of_its_twin_to_the_bit(backend, radius):
    for shape in KERNEL_SHAPES if radius < LARGEST else [(1, 1), (3, 65)]:
        for distance, heights in row_tables(shape, radius):
            found, wanted = (run_rows(get(name), distance, heights, radius) for name in (backend, "numpy"))
            assert_same_bits(found, wanted, str(shape))


@pytest.mark.parametrize("radius", [0, 1, 5, 40, LARGEST])
def test_column_distance_gives_the_distance_by_its_definition(backend, radius):
    for shape in [(1, 1), (9, 65), (40, 3)]:
        for on in column_masks(shape):
            found = run_columns(get(backend), on, radius)
            apart = abs(np.arange(shape[0])[:, None] - np.arange(shape[0]))[:, :, None]
            wanted = np.where(on[None] != 0, apart, radius + 1).min(1)
            assert_same_bits(found[8:-8].reshape(shape), np.minimum(wanted, radius + 1).astype(np.uint16), str(shape))
            assert (found[[*range(8), *range(-8, 0)]] == 0xABCD).all()


@pytest.mark.parametrize("radius", [0, 1, 5, 40])
def test_dilate_says_what_is_near_by_its_definition(backend, radius):
    for shape in [(1, 1), (4, 65), (40, 3), (2, 130)]:
        for distance, heights in row_tables(shape, radius):
            found = run_rows(get(backend), distance, heights, radius)
            wanted = np.zeros(shape, np.uint8)
            for row, col in np.ndindex(*shape):
                near = range(max(col - radius, 0), min(col + radius + 1, shape[1]))
                wanted[row, col] = any(distance[row, at] <= heights[at - col + radius] for at in near)
            assert_same_bits(found[8:-8].reshape(shape), wanted, str(shape))
            assert (found[[*range(8), *range(-8, 0)]] == 7).all()
