"""Sources that go around the globe, and their expected results. These come from padded sources, where nothing wraps."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from affine import Affine
from kernel_cases import assert_same_bits

from gpumask import Grid, Place, resample
from gpumask.pixels.interpolators import interpolator

FULL = {"EPSG:4326": 360.0, "EPSG:4807": 400.0}  # degrees, and gradians of the NTF
PIXELS = ("nearest", "linear", "cubic", "lanczos3")  # interpolators that need no filter
PAD = 16  # columns, more than the taps of any of these reach


@dataclass(frozen=True)
class Around:
    """A field of `period` columns and `overlap` more, which repeat the first ones. It has masked pixels and NaN.

    `start` is the longitude of the edge of its first column, in pixels. `down` says whether its rows go around instead
    of its columns. `backwards` says whether longitudes decrease from column to column.
    """

    image: np.ndarray
    valid: np.ndarray | None
    period: int
    start: float
    crs: str = "EPSG:4326"
    backwards: bool = False
    down: bool = False

    @property
    def step(self) -> float:
        return FULL[self.crs] / self.period

    @property
    def place(self) -> Place:
        """Return where the field lies. A row is as high as a column is wide, or one degree high."""
        step, height = self.step, 1.0
        x = Affine(-step if self.backwards else step, 0, self.start * step, 0, -height, self.top)
        shape = self.image.shape[-2:]
        if self.down:
            return Place(self.crs, x @ Affine(0, 1, 0, 1, 0, 0), shape[::-1])
        return Place(self.crs, x, shape)

    @property
    def top(self) -> float:
        return float(self.image.shape[-2] // 2)

    def given(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the image and the validity as a test passes them on."""
        if not self.down:
            return self.image, self.valid
        return self.image.swapaxes(-1, -2), None if self.valid is None else self.valid.T

    def rolled(self, by: int) -> "Around":
        """Return the same field without overlap, beginning `by` pixels later."""
        image, valid = (None if a is None else np.roll(a, -by, -1) for a in (self.image, self.valid))
        start = self.start - by if self.backwards else self.start + by
        return Around(image, valid, self.period, start, self.crs, self.backwards, self.down)

    def target(self, first: float, row: float, size: float, shape: tuple[int, int]) -> Place:
        """Return a place that begins so many columns of the field east of longitude 0, and so many rows below its top.

        `size` is that of the target's pixels, in pixels of the field.
        """
        step = self.step
        return Place(self.crs, Affine(size * step, 0, first * step, 0, -size, self.top - row), shape)

    def expected(
        self, target: Place, interp: Any, around: int = PAD, mode: str | None = None, **options: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the expected image and validity, computed here. The field is padded by its own columns.

        `mode` is the padding of its rows. None means that they are not padded.
        """
        image, valid = (None if a is None else a[..., : self.period] for a in (self.image, self.valid))
        pad = [(0, 0)] * (image.ndim - 1) + [(around, around)]
        padded = np.pad(image, pad, mode="wrap")
        mask = None if valid is None else np.pad(valid, pad[-2:], mode="wrap")
        above = 0
        if mode is not None:  # by no more than what may be valid
            above = interpolator(interp).margin
            padded = np.pad(padded, [*pad[:-2], (above, above), (0, 0)], mode=mode)
            mask = None if mask is None else np.pad(mask, [(above, above), (0, 0)], mode=mode)
        t, (rows, cols) = target.transform, target.shape
        x = (t.c + t.a * (np.arange(cols) + 0.5)) / self.step
        y = t.f + t.e * (np.arange(rows) + 0.5)
        col = (self.start - x if self.backwards else x - self.start) - 0.5
        col = np.round((col + 0.5) % self.period - 0.5, 6)
        row = np.round(self.top - y - 0.5, 6)
        grid = Grid(np.broadcast_to(row[:, None] + above, (rows, cols)), np.broadcast_to(col + around, (rows, cols)))
        if self.down:  # sums are made along columns first
            padded, mask = padded.swapaxes(-1, -2), None if mask is None else mask.T
            grid = Grid(grid.col, grid.row)
        return resample(padded, grid, interp, source_valid=mask, **options)


def some_field(
    rng: np.random.Generator,
    rows: int = 17,
    period: int = 40,
    overlap: int = 0,
    holes: float = 0.02,
    dtype: Any = "float64",
    **words: Any,
) -> Around:
    """Return a field with random values, a NaN at the seam, and holes in its mask. Two of the holes are at the seam."""
    values = rng.uniform(0, 250, (int(rng.integers(1, 3)), rows, period)).astype(dtype)
    if values.dtype.kind == "f":
        values[-1, rng.integers(rows), rng.choice([0, period - 1])] = np.nan
    image, valid = np.concatenate([values, values[..., :overlap]], axis=-1), None
    if holes:
        valid = rng.random((rows, period)) > holes
        valid[rng.integers(rows), [0, -1]] = False
        valid = np.concatenate([valid, valid[:, :overlap]], axis=1)
    return Around(image, valid, period, **{"start": 0.0} | words)


POLICIES = ("strict", "renormalize")


def between(source: Place, target: Place, shape=True) -> Grid:
    return Grid.between(
        source.crs, source.transform, target.crs, target.transform, target.shape,
        source_shape=source.shape if shape else None,
    )  # fmt: skip


def same(found, expected):
    assert_same_bits(np.asarray(found[1]), np.asarray(expected[1]))
    assert_same_bits(np.asarray(found[0]), np.asarray(expected[0]))


# The whole Earth, from pole to pole, as many fields have it: the first column is Greenwich's.
LATITUDES, LONGITUDES = 90.0 - np.arange(181), np.arange(360.0)


EARTH = np.stack(np.broadcast_arrays(LATITUDES[:, None], np.cos(np.deg2rad(LONGITUDES))))


EARTH_AT = Place("EPSG:4326", Affine(1, 0, -0.5, 0, -1, 90.5), (181, 360))
