"""Sources with invalid pixels and grids with nodes that do not count, and layouts of arrays."""

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from gpumask import Grid, resample

INTERPS = ("nearest", "linear", "cubic")

TAPS = {"nearest": range(1), "linear": range(2), "cubic": range(-1, 3)}

few = settings(
    deadline=None, derandomize=True, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Scene:
    """A source of 2 bands with invalid pixels, and a coarse grid with nodes that do not count, partly outside."""

    def __init__(self, seed, nan=False, dtype=np.float64):
        self.rng = rng = np.random.default_rng(seed)
        self.source = rng.uniform(-100, 100, (2, 19, 23)).astype(dtype)
        self.valid = rng.random((19, 23)) > rng.choice([0.02, 0.1])
        if nan:
            self.source[rng.random(self.source.shape) < 0.02] = np.nan
        self.resolution = tuple(rng.integers(1, 7, 2).tolist())
        m, n = rng.integers(3, 7, 2)
        y, x = np.mgrid[-1 : 1 : m * 1j, -1 : 1 : n * 1j] * 10
        angle, snap = rng.uniform(0, 2 * np.pi), rng.choice([1, 2, 1000])
        self.row = np.round((9 + np.cos(angle) * y + np.sin(angle) * x) * snap) / snap
        self.col = np.round((11 - np.sin(angle) * y + np.cos(angle) * x) * snap) / snap
        self.counts = rng.random((m, n)) > 0.05

    @property
    def grid(self):
        return Grid(self.row, self.col, self.resolution, self.counts)

    def resample(self, interp, source=None, grid=None, valid=None, **options):
        """Resample this source through this grid, unless others are given."""
        source, grid = (self.source if source is None else source), (self.grid if grid is None else grid)
        valid = self.valid if valid is None else valid
        return resample(source, grid, interp, source_valid=valid, **{"nodata_out": -7} | options)


scenes = st.builds(Scene, st.integers(0, 1000))

interps = st.sampled_from(INTERPS)


def every_other(array):
    """Return a view of every other element of a larger array."""
    return np.repeat(np.repeat(array, 2, axis=-1), 2, axis=-2)[..., ::2, ::2]


def part_of_larger(array):
    """Return a view of a part of a larger array, whose rows are contiguous."""
    return np.pad(array, [(0, 0)] * (array.ndim - 2) + [(3, 4), (5, 6)], mode="wrap")[..., 3:-4, 5:-6]


def unaligned(array):
    """Return an array that begins in the middle of a word."""
    buffer = np.zeros(array.nbytes + 1, np.uint8)
    view = buffer[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


def read_only(array):
    array = array.copy()
    array.setflags(write=False)
    return array


LAYOUTS = [
    every_other,
    part_of_larger,
    unaligned,
    read_only,
    np.asfortranarray,
    lambda array: array[..., ::-1, :].copy()[..., ::-1, :],
    lambda array: array[..., ::-1].copy()[..., ::-1],
    lambda array: array.astype(array.dtype.newbyteorder(">")),
    lambda array: array.swapaxes(-1, -2).copy().swapaxes(-1, -2),
    lambda array: array.tolist(),
]
