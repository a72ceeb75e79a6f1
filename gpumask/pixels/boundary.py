"""What lies beyond the edges of a source: nothing, or its own pixels again.

The modes are those of `numpy.pad`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.pixels.window import Window

# The numbers are those of kernels/boundary.cuh.
MODES = {"constant": 0, "edge": 1, "reflect": 2, "symmetric": 3, "wrap": 4}
Mode = str | None
Pair = tuple[int, int]


@dataclass(frozen=True)
class Boundary:
    """How a source continues beyond its edges.

    Attributes
    ----------
    mode
        A mode of `numpy.pad`. "constant" gives 0. None gives nothing: the source ends. A pair holds the modes of rows
        and of columns.
    trusted
        True if a pixel beyond an edge is as valid as the pixel that it comes from. False if such pixels serve only the
        filters of B-splines.
    around
        (rows, cols) after which the source begins anew. 0 stands for an axis that ends. Along an axis that goes around,
        no place is beyond an edge, whatever the mode is. The other axis of such a source, the Earth's for example, does
        not wrap.
    """

    mode: Mode | tuple[Mode, Mode] = None
    trusted: bool = True
    around: Pair = (0, 0)

    @property
    def modes(self) -> tuple[Mode, Mode]:
        """The mode of rows and the mode of columns."""
        rows, cols = self.mode if isinstance(self.mode, tuple) else (self.mode, self.mode)
        if not any(self.around):
            return rows, cols
        rows, cols = (None if mode == "wrap" else mode for mode in (rows, cols))
        return "wrap" if self.around[0] else rows, "wrap" if self.around[1] else cols

    @property
    def numbers(self) -> Pair:
        """The numbers of the modes in the kernels."""
        rows, cols = (MODES[mode or "constant"] for mode in self.modes)
        return rows, cols

    @property
    def counts(self) -> tuple[bool, bool]:
        """Whether pixels beyond the edges of rows, and of columns, may be valid."""
        (rows, cols), (tall, wide) = self.modes, self.around
        return rows is not None and (self.trusted or tall > 0), cols is not None and (self.trusted or wide > 0)

    def on(self, around: Pair, shape: Pair) -> Boundary:
        """Return the boundary for a source that begins anew after `around` (rows, cols).

        An axis with fewer pixels than that ends.
        """
        rows, cols = (period if period <= n else 0 for period, n in zip(around, shape, strict=True))
        return replace(self, around=(rows, cols))

    def once(self, shape: Pair) -> Pair:
        """Return the rows and columns of a source of this shape before it begins anew."""
        return self.around[0] or shape[0], self.around[1] or shape[1]

    def opened(self, inside: Window, wanted: Window) -> Window:
        """Return window `inside`, but take each axis that goes around from window `wanted`."""
        axes = zip(self.around, inside.axes, wanted.axes, strict=True)
        return Window.of_axes(*(theirs if period else its for period, its, theirs in axes))

    def in_first_turn(self, window: Window, more: int) -> Window:
        """Return a window of the same pixels that begins in the first turn.

        It is cut to one turn and `more` pixels.
        """
        axes = zip(self.around, window.axes, strict=True)
        return Window.of_axes(
            *((first % n, min(count, n + more)) if n else (first, count) for n, (first, count) in axes)
        )

    def turned(self, window: Window, here: Window) -> Window:
        """Return a window of the same pixels that lies in window `here`.

        Along an axis where that is impossible, the result is all of `here`.
        """
        found = []
        for n, (first, count), (begin, size) in zip(self.around, window.axes, here.axes, strict=True):
            place = (first - begin) % n if n else first - begin
            found.append((begin, size) if n and place + count > size else (begin + place, count))
        return Window.of_axes(*found)


def check_boundary(name: str, mode: Any, trusted: Any = True) -> Boundary:
    """Return the boundary of a mode. Raise GpumaskError for an unknown mode, with `name` in the message."""
    _check_mode(name, mode)
    return Boundary(mode, bool(trusted))


def check_boundaries(name: str, mode: Any, trusted: Any = True) -> Boundary:
    """Return the boundary of a mode or of a pair of modes.

    Raise GpumaskError for an unknown mode, with `name` in the message.
    """
    if not isinstance(mode, list | tuple):
        return check_boundary(name, mode, trusted)
    if len(mode) != 2:
        raise GpumaskError(f"{name}: expected one mode, or a pair (mode of rows, mode of columns); got {mode!r}")
    for each in mode:
        _check_mode(name, each)
    return Boundary((mode[0], mode[1]), bool(trusted))


def _check_mode(name: str, mode: Any) -> None:
    """Raise GpumaskError for an unknown mode, with `name` in the message."""
    if mode is not None and not isinstance(mode, str):
        raise ArgumentTypeError(f"{name}: expected one of {', '.join(MODES)}, or None; got {mode!r}")
    if mode is not None and mode not in MODES:
        raise GpumaskError(f"{name}: expected one of {', '.join(MODES)}, or None; got {mode!r}")


def pixels_at(first: int, count: int, n: int, mode: int) -> np.ndarray:
    """Return which of n pixels stands at each of `count` places from `first` on.

    The number is -1 where there is no pixel. `mode` is a number of MODES. kernels/boundary.cuh does the same.

    >>> pixels_at(-3, 9, 4, MODES["reflect"])
    array([3, 2, 1, 0, 1, 2, 3, 2, 1])
    """
    places = np.arange(first, first + count)
    if mode == MODES["constant"]:
        return np.where((places >= 0) & (places < n), places, -1)
    if mode == MODES["edge"] or n == 1:
        return np.clip(places, 0, n - 1)
    period = {MODES["reflect"]: 2 * n - 2, MODES["symmetric"]: 2 * n, MODES["wrap"]: n}[mode]
    place = places % period
    return np.where(place < n, place, (period - 1 if mode == MODES["symmetric"] else period) - place)


Read = Callable[[Window, np.ndarray], np.ndarray | None]


def read_beyond(
    read: Read, shape: tuple[int, int], window: Window, boundary: Boundary, out: np.ndarray
) -> np.ndarray | None:
    """Fill `out` with a window of an image, pixels beyond its edges included, and return the validity.

    The validity is uint8. It is (row, col), or (band, row, col) if `read` returns that shape. None means that all
    pixels are valid.

    `read` fills an array with a window inside the image, and returns its validity or None. It is asked for that part of
    the window that lies in the image. Where the image wraps around, it is asked for one block at each corner of the
    window.

    A pixel beyond an edge has the validity of the pixel that it comes from. Where it must not count, no
    coefficient is made that it could spoil.
    """
    rows, cols = source_pixels(shape, window, boundary)
    out[...] = 0
    validity: np.ndarray | None = None
    for down in _runs(rows):
        for across in _runs(cols):
            block = Window(
                rows[down].min(), cols[across].min(), int(np.ptp(rows[down])) + 1, int(np.ptp(cols[across])) + 1
            )
            image = np.empty((len(out), *block.shape), out.dtype)
            valid = read(block, image)
            to, at = np.ix_(down, across), np.ix_(rows[down] - block.row, cols[across] - block.col)
            for band, made in zip(image, out, strict=True):
                made[to] = band[at]
            if valid is not None:
                validity = np.ones((*valid.shape[:-2], *window.shape), np.uint8) if validity is None else validity
                validity[..., to[0], to[1]] = valid[..., at[0], at[1]]
    return validity


def source_pixels(shape: tuple[int, int], window: Window, boundary: Boundary) -> tuple[np.ndarray, np.ndarray]:
    """Return which row and column of an image stands at each row and column of a window, -1 for none."""
    (rows, cols), (down, across) = boundary.once(shape), boundary.numbers
    return pixels_at(window.row, window.rows, rows, down), pixels_at(window.col, window.cols, cols, across)


def _runs(pixels: np.ndarray) -> Iterator[np.ndarray]:
    """Yield runs of places whose pixels are near each other in the image."""
    places = np.flatnonzero(pixels >= 0)
    places = places[np.argsort(pixels[places], kind="stable")]
    gaps = np.flatnonzero(np.diff(pixels[places]) > 1) + 1
    yield from (run for run in np.split(places, gaps) if len(run))
