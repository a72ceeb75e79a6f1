"""The kernel `rules`, in every type and on every backend."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from kernel_cases import INTEGERS, TYPES, assert_same_bits, image, to_host

from gpumask.backends import Backend, get

# The numpy backend is the twins.
compiled_backends = pytest.mark.parametrize("backend", ["cuda", "native"], indirect=True)
every_type = pytest.mark.parametrize("dtype", TYPES)

# About one pixel, one segment (64 columns), two, and enough rows and columns for threads to share.
SHAPES = [(1, 1), (1, 63), (1, 64), (1, 65), (3, 1), (3, 2), (2, 127), (5, 128), (33, 129), (200, 190), (1, 20_000)]


class Case(NamedTuple):
    """A band, a table of rules for it, and what is kept already, if anything."""

    name: str
    band: np.ndarray
    table: np.ndarray
    count: int
    also: np.ndarray | None = None


def defines(dtype: str) -> dict[str, np.dtype]:
    """Return what specialises the kernel for bands of a type."""
    found = np.dtype(dtype)
    bits, table = f"u{found.itemsize}", "float64" if found.kind == "f" else "int64"
    return {"SRC_T": found, "BITS_T": np.dtype(bits), "TABLE_T": np.dtype(table)}


def run_rules(backend: Backend, case: Case) -> np.ndarray:
    """Run `rules` on a backend; return all memory about the result, what it must not write to included."""
    dtype, (rows, cols) = case.band.dtype.name, case.band.shape
    band = backend.asarray(case.band)
    around = np.full((rows, cols + 5), 7, np.uint8)
    if case.also is not None:
        around[:, 2:-3] = case.also
    around = backend.asarray(around.copy())
    out = around[:, 2:-3]
    also = int(case.also is not None)
    pitch, table = band.strides[0] // band.itemsize, backend.asarray(case.table)
    backend.run(
        "rules", (rows, cols), band, pitch, table, case.count, also, out, out.strides[0], **defines(dtype)
    )  # fmt: skip
    return to_host(backend, around)


def random_table(rng: np.random.Generator, band: np.ndarray, count: int) -> np.ndarray:
    """Return so many rules of 1 to 3 tests, each of 0 to 4 values; half of the values are such as the band has."""
    table: list[Any] = []
    for _ in range(count):
        tests = int(rng.integers(1, 4))
        table += [*rng.integers(0, 2, 2).tolist(), tests]
        for _ in range(tests):
            bits, values = random_test(rng, band)
            table += [bits, len(values), *values]
    return np.array(table, np.float64 if band.dtype.kind == "f" else np.int64)


def random_test(rng: np.random.Generator, band: np.ndarray) -> tuple[int, list[Any]]:
    """Return the bits of a test, all or a few of them, and its values."""
    pixels, values = rng.choice(band.ravel(), rng.integers(0, 5)), image(rng, band.dtype.name, (4,))
    values[: len(pixels)] = np.where(rng.random(len(pixels)) < 0.7, pixels, values[: len(pixels)])
    values = values[: len(pixels)]
    if band.dtype.kind == "f":
        near = [float(np.nextafter(value, 0)) for value in values.tolist()]  # no float32
        return -1, [pair[int(rng.random() < 0.2)] for pair in zip(values.tolist(), near, strict=True)]
    bits = -1 if rng.random() < 0.4 else sum(1 << int(bit) for bit in rng.integers(0, 8 * band.itemsize, 2).tolist())
    return signed(bits), [signed(int(value) & bits) for value in values]


def signed(value: int) -> int:
    """Return a signed 64-bit integer of the same bits."""
    return int(np.uint64(value & 2**64 - 1).astype(np.int64))


def pixels_of(rng: np.random.Generator, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return random pixels, half of them out of a few; of floats, some are no usual number."""
    few = np.concatenate([image(rng, dtype, (5,)), np.arange(3, dtype=dtype)])
    if dtype not in INTEGERS:
        few = np.append(few, [np.nan, np.inf, -0.0]).astype(dtype)
    return np.where(rng.random(shape) < 0.5, rng.choice(few, shape), image(rng, dtype, shape))


def cases(dtype: str) -> list[Case]:
    """Return cases for a type; the same ones in every run."""
    rng = np.random.default_rng(TYPES.index(dtype))
    found = []
    for shape in SHAPES:
        for count in range(5):
            band = pixels_of(rng, dtype, shape)
            also = rng.integers(0, 2, shape).astype(np.uint8) if rng.random() < 0.5 else None
            found.append(Case(f"{shape}, {count} rules", band, random_table(rng, band, count), count, also))
    large = pixels_of(rng, dtype, (40, 300))
    views = {"cropped": large[3:-4, 7:-9], "upside down": large[::-1, 1:66], "every other row": large[1::2, :64]}
    views["one row for all"] = np.broadcast_to(large[5, :70], (9, 70))
    for name, band in views.items():
        for also in (None, rng.integers(0, 2, band.shape).astype(np.uint8)):
            found.append(Case(name, band, random_table(rng, band, 2), 2, also))
    return found


@compiled_backends
@every_type
def test_rules_is_that_of_its_twin_to_the_bit(backend, dtype):
    for case in cases(dtype):
        found, expected = (run_rules(get(name), case) for name in (backend, "numpy"))
        assert_same_bits(found, expected, case.name)


@every_type
def test_rules_writes_zeros_and_ones_to_its_pixels_and_nothing_about_them(backend, dtype):
    for case in cases(dtype):
        found = run_rules(get(backend), case)
        assert (found[:, :2] == 7).all(), case.name
        assert (found[:, -3:] == 7).all(), case.name
        assert (found[:, 2:-3] <= 1).all(), case.name


@every_type
def test_rules_leaves_the_band_and_the_table_alone(backend, dtype):
    for case in cases(dtype)[::7]:
        band, table = case.band.copy(), case.table.copy()
        run_rules(get(backend), case)
        assert_same_bits(np.ascontiguousarray(case.band), band, case.name)
        assert_same_bits(case.table, table, case.name)


@every_type
def test_the_random_tables_are_worth_comparing(dtype):
    shares = [run_rules(get("numpy"), case)[:, 2:-3].mean() for case in cases(dtype) if case.count]
    assert np.mean((np.array(shares) > 0) & (np.array(shares) < 1)) > 0.3


def naive(case: Case, row: int, col: int) -> int:
    """Say whether one pixel is kept, with Python's numbers."""
    whole = case.band.dtype.kind != "f"
    every = 2 ** (8 * case.band.itemsize) - 1
    pixel = int(case.band[row, col]) & every if whole else float(case.band[row, col])
    table, keep = case.table.tolist(), case.also is None or case.also[row, col] == 1
    for _ in range(case.count):
        any_of, inverted, tests, *table = table
        passed = []
        for _ in range(int(tests)):
            bits, count, *table = table
            values, table = table[: int(count)], table[int(count) :]
            passed.append(any((pixel & bits & every) == value & every if whole else pixel == value for value in values))
        keep &= (any(passed) if any_of else all(passed)) != bool(inverted)
    assert not table or not case.count
    return int(keep)


@every_type
def test_rules_is_what_its_table_says(backend, dtype):
    rng = np.random.default_rng(3)
    for case in cases(dtype):
        found = run_rules(get(backend), case)[:, 2:-3]
        for row, col in rng.integers(0, case.band.shape, (12, 2)).tolist():
            assert found[row, col] == naive(case, row, col), (case.name, row, col)


@pytest.mark.parametrize(("dtype", "low"), [("float32", 2.0**24), ("float64", 2.0**53)])
def test_floats_are_compared_as_they_are(backend, dtype, low):
    band = np.array([[low, np.nextafter(np.dtype(dtype).type(low), np.inf), 0.0, -0.0, np.nan, np.inf, 0.1]], dtype)
    tenth = [6] if dtype == "float64" else []
    for value, matches in [(low, [0]), (0.0, [2, 3]), (np.inf, [5]), (np.nan, []), (0.1, tenth)]:
        case = Case(str(value), band, np.array([0, 0, 1, -1, 1, value], np.float64), 1)
        assert np.flatnonzero(run_rules(get(backend), case)[0, 2:-3]).tolist() == matches, value
        case = case._replace(table=np.array([0, 1, 1, -1, 1, value], np.float64))
        assert np.flatnonzero(run_rules(get(backend), case)[0, 2:-3] == 0).tolist() == matches, value


@every_type
@pytest.mark.parametrize("arch", ["sm_75", "sm_80", "sm_90", "sm_100", "sm_120"])
def test_rules_compiles_for_every_architecture_and_needs_no_stack(arch, dtype):
    pytest.importorskip("cuda.bindings.nvrtc", exc_type=ImportError)
    import test_nvrtc

    assert set(test_nvrtc.ARCHITECTURES) >= {arch}
    try:
        known = {f"sm_{number}" for number in test_nvrtc.call(test_nvrtc.nvrtc.nvrtcGetSupportedArchs)}
    except RuntimeError as error:  # the library that the bindings bind is not there
        pytest.skip(str(error))
    test_nvrtc.assert_compiles_without_stack(known, "rules", arch, defines(dtype))
