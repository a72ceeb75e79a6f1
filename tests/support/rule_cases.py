"""What `rules` is run on: bands of every type, and tables of rules for them."""

from typing import Any, NamedTuple

import numpy as np
from kernel_cases import INTEGERS, TYPES, image, to_host

from gpumask.backends.arguments import Out
from gpumask.backends.backend import Backend
from gpumask.backends.launch import launch

# About one pixel, one segment (64 columns), two, and enough rows and columns for threads to share.
SHAPES = [(1, 1), (1, 63), (1, 64), (1, 65), (3, 1), (3, 2), (2, 127), (5, 128), (33, 129), (200, 190), (1, 20_000)]
# Types that differ in their lanes, for builds of other kinds, and radii of discs for these.
RULE_TYPES = ("uint8", "int16", "uint64", "float32", "float64")
DISCS = (1, 5, 70)


class Case(NamedTuple):
    """A band, a table of rules for it, and the pixels that are kept already, if any."""

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
    """Run `rules` on a backend. Return all memory around the result, also what it must not write to."""
    dtype, (rows, cols) = case.band.dtype.name, case.band.shape
    band = backend.asarray(case.band)
    around = np.full((rows, cols + 5), 7, np.uint8)
    if case.also is not None:
        around[:, 2:-3] = case.also
    around = backend.asarray(around.copy())
    out = around[:, 2:-3]
    also = int(case.also is not None)
    pitch, table = band.strides[0] // band.itemsize, backend.asarray(case.table)
    launch(
        backend, "rules", (rows, cols), band, pitch, table, case.count, also, Out.of(out), **defines(dtype)
    )  # fmt: skip
    return to_host(backend, around)


def random_table(rng: np.random.Generator, band: np.ndarray, count: int) -> np.ndarray:
    """Return so many rules of 1 to 3 tests with 0 to 4 values each. Half of the values occur in the band."""
    table: list[Any] = []
    for _ in range(count):
        tests = int(rng.integers(1, 4))
        table += [*rng.integers(0, 2, 2).tolist(), tests]
        for _ in range(tests):
            bits, values = random_test(rng, band)
            table += [bits, len(values) if rng.random() < 0.8 else -1 - len(values), *values]
    return np.array(table, np.float64 if band.dtype.kind == "f" else np.int64)


def random_test(rng: np.random.Generator, band: np.ndarray) -> tuple[int, list[Any]]:
    """Return the bits of a test, all or a few, and its values."""
    pixels, values = rng.choice(band.ravel(), rng.integers(0, 5)), image(rng, band.dtype.name, (4,))
    values[: len(pixels)] = np.where(rng.random(len(pixels)) < 0.7, pixels, values[: len(pixels)])
    values = values[: len(pixels)]
    if band.dtype.kind == "f":
        near = [float(np.nextafter(value, 0)) for value in values.tolist()]  # no float32
        return -1, [pair[int(rng.random() < 0.2)] for pair in zip(values.tolist(), near, strict=True)]
    bits = -1 if rng.random() < 0.4 else sum(1 << int(bit) for bit in rng.integers(0, 8 * band.itemsize, 2).tolist())
    return signed(bits), [signed(int(value) & bits) for value in values]


def signed(value: int) -> int:
    """Return the signed 64-bit integer with the same bits."""
    return int(np.uint64(value & 2**64 - 1).astype(np.int64))


def pixels_of(rng: np.random.Generator, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return random pixels, half of them out of a few values. Some floats are NaN, infinite, huge or tiny."""
    few = np.concatenate([image(rng, dtype, (5,)), np.arange(3, dtype=dtype)])
    if dtype not in INTEGERS:
        few = np.append(few, [np.nan, np.inf, -0.0]).astype(dtype)
    return np.where(rng.random(shape) < 0.5, rng.choice(few, shape), image(rng, dtype, shape))


def cases(dtype: str) -> list[Case]:
    """Return cases for a type, the same ones in every run."""
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
