"""B-splines: the coefficients that a recursive filter makes of pixels, and which of them invalid pixels spoil."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gpumask.backends.arguments import Filter, Lines, Out, Part, Valid, pitch_of
from gpumask.backends.backend import Backend
from gpumask.backends.launch import launch
from gpumask.backends.table import Table
from gpumask.masks.morphology import diamond, dilated
from gpumask.pixels.boundary import MODES, Boundary, Pair, pixels_at
from gpumask.pixels.interpolators import POLES, Interpolator
from gpumask.pixels.window import Window

_NOTHING = MODES["constant"]


def stretch_of(interp: Interpolator) -> tuple[int, int]:
    """Return how many coefficients are made at a time along an axis, and how many samples that takes at the most."""
    samples = 256
    while samples < 4 * interp.reach:
        samples *= 2
    return samples - 2 * interp.reach, samples


def domain_of(interp: Interpolator, boundary: Boundary, shape: tuple[int, int]) -> Window:
    """Return where a source of that shape has valid coefficients.

    If pixels beyond the edges count, a few coefficients there are valid too, so that every coordinate inside has all
    its taps. If they do not count, no coefficient is valid that they could spoil. `Interpolator.influence` says how
    near to an edge these are. Along an axis that goes around, the domain is one turn.
    """
    rows, cols = (
        0 if period else interp.order // 2 if counts else -interp.influence
        for counts, period in zip(boundary.counts, boundary.around, strict=True)
    )
    return Window.of_shape(boundary.once(shape)).pad(rows, cols)


def whole_stretches(interp: Interpolator, window: Window, domain: Window, around: Pair = (0, 0)) -> Window:
    """Return the stretches that a window of coefficients is in: these are made, so that windows get the same bits.

    Along an axis that goes around they are those of the domain in every turn. around: see `Boundary`.
    """
    stretch, _ = stretch_of(interp)
    (row, row_stop), (col, col_stop) = (
        _whole_of_axis(stretch, *axis)
        for axis in (
            (window.row, window.row_stop, domain.row, domain.row_stop, around[0]),
            (window.col, window.col_stop, domain.col, domain.col_stop, around[1]),
        )
    )
    return Window(row, col, row_stop - row, col_stop - col)


def _whole_of_axis(stretch: int, first: int, stop: int, lowest: int, highest: int, period: int) -> tuple[int, int]:
    """Return where the stretches begin and stop that hold some coefficients of an axis."""
    before, last = ((at // period * period if period else 0) for at in (first, stop - 1))
    begin = max((first - before) // stretch * stretch, lowest)
    return before + begin, last + min(-(-(stop - last) // stretch) * stretch, highest)


def _turns(first: int, stop: int, period: int) -> Iterator[tuple[int, int, int]]:
    """Cut a part of an axis where it begins anew: yield where each part begins and stops, and where its turn begins."""
    if not period:
        yield first, stop, 0
    for turn in range(first // period * period, stop, period) if period else ():
        yield max(first, turn), min(stop, turn + period), turn


def coefficients(
    backend: Backend,
    image: Any,
    here: Window,
    interp: Interpolator,
    boundary: Boundary,
    wanted: Window,
    domain: Window,
    valid: Any = None,
) -> Any:
    """Return the coefficients of a (band, row, col) image as float64, without the filter's gain.

    here: which pixels of a larger image these are. The boundary says what is beyond them.
    wanted: the coefficients to make, whole stretches of their domain.
    valid: uint8, 0 for pixels whose value must change nothing. Each pass of the filter replaces them, and those that
    are not finite, by a neighbour in their stretch.
    """
    stretch, samples = stretch_of(interp)
    poles, steps = map(backend.table, _poles(interp))
    by = Filter(stretch, len(interp.steps), poles, steps, interp.reach)
    by_columns = backend.empty((wanted.rows, here.cols), np.float64)
    counts: list[Any] = [None, None]  # which samples do, for each pass
    if valid is not None:
        rows = Window(wanted.row, here.col, wanted.rows, here.cols)
        counts = [backend.asarray(valid), extended(backend, valid, here, boundary, rows)]
    out = backend.empty((image.shape[0], *wanted.shape), np.float64)
    for band, made in zip(image, out, strict=True):
        for axis, source, target, lines in ((0, band, by_columns, here.cols), (1, by_columns, made, wanted.rows)):
            origin, length = (here.row, here.rows) if axis == 0 else (here.col, here.cols)
            first, stop = (wanted.row, wanted.row_stop) if axis == 0 else (wanted.col, wanted.col_stop)
            ends = (domain.row, domain.row_stop) if axis == 0 else (domain.col, domain.col_stop)
            for begin, end, turn in _turns(first, stop, boundary.around[axis]):
                part = slice(begin - first, end - first)
                to = target[part] if axis == 0 else target[:, part]
                launch(
                    backend, "prefilter", (-((turn - end) // stretch) - (begin - turn) // stretch, lines),
                    Lines(source, pitch_of(source), length, origin - turn, boundary.numbers[axis]),
                    Valid.of(counts[axis]), Out.of(to), Part(begin - turn, *ends), by,
                    SRC_T=source.dtype, AXIS=axis, SAMPLES=samples,
                )  # fmt: skip
    return out


def coefficient_validity(
    backend: Backend, valid: Any, here: Window, interp: Interpolator, boundary: Boundary, wanted: Window
) -> Any:
    """Return the uint8 validity of coefficients from that of pixels: none is valid near an invalid pixel."""
    around = wanted.pad(interp.influence)
    framed = extended(backend, valid, here, boundary, around) ^ 1
    spoilt = dilated(backend, framed, diamond(interp.influence)) if interp.influence else framed
    return spoilt[wanted.shift(-around.row, -around.col).slices] ^ 1


def extended(backend: Backend, valid: Any, here: Window, boundary: Boundary, wanted: Window) -> Any:
    """Return the uint8 validity, 0 or 1, of a window that may lie beyond the pixels that are `here`.

    valid: (row, col), or (band, row, col) of several.
    """
    valid = (backend.asarray(valid) != 0).view(np.uint8)
    if here.contains(wanted):
        return backend.asarray(valid[..., *wanted.shift(-here.row, -here.col).slices])
    modes = [number if counts else _NOTHING for number, counts in zip(boundary.numbers, boundary.counts, strict=True)]
    (down, above), (across, left) = _tables(backend, here, wanted, modes)
    out = backend.asarray(valid[..., down[:, None], across])
    beyond = (above[:, None], left)
    for nothing, counts in zip(beyond, boundary.counts, strict=True):
        if counts:  # zeros, which are trusted, are valid whatever the mask says
            out |= nothing
    for nothing, counts in zip(beyond, boundary.counts, strict=True):
        if not counts:
            out &= nothing ^ 1
    return out


def extended_image(backend: Backend, image: Any, here: Window, boundary: Boundary, wanted: Window) -> Any:
    """Return a window of a (band, row, col) image that may lie beyond the pixels that are `here`."""
    (down, above), (across, left) = _tables(backend, here, wanted, boundary.numbers)
    out = backend.asarray(image)[:, down[:, None], across]
    if _NOTHING in boundary.numbers:
        out = np.where((above[:, None] | left) != 0, image.dtype.type(0), out)
    return backend.asarray(out)


def _tables(backend: Backend, here: Window, wanted: Window, modes: Sequence[int]) -> list[list[Any]]:
    """Return for rows and columns which pixel stands at each place of a window, and, as 0 or 1, where none does."""
    axes = (wanted.row - here.row, wanted.rows, here.rows), (wanted.col - here.col, wanted.cols, here.cols)
    return [[backend.table(each) for each in _places(*axis, mode)] for axis, mode in zip(axes, modes, strict=True)]


@functools.lru_cache(maxsize=16)
def _poles(interp: Interpolator) -> tuple[Table, Table]:
    """Return a filter's poles, and how far each looks, as kernels read them."""
    return Table(np.array(POLES[interp.order])), Table(np.array(interp.steps, np.int64))


@functools.lru_cache(maxsize=16)
def _places(first: int, count: int, n: int, mode: int) -> tuple[Table, Table]:
    """Return which of n pixels stands at each of `count` places, and, as 0 or 1, where none does."""
    places = pixels_at(first, count, n, mode)
    return Table(np.maximum(places, 0)), Table((places < 0).astype(np.uint8))
