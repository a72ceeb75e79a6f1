"""Morphological filters of masks: a disc grows, shrinks, opens or closes them."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import numpy as np

from gpumask.backends import adopt, select
from gpumask.backends.backend import Backend
from gpumask.backends.launch import launch
from gpumask.backends.table import Table
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.pixels.values import not_zero

OPERATIONS = ("dilation", "erosion", "opening", "closing")
_LARGEST = 2**15


def mask_cleanup(mask: Any, filters: Iterable[tuple[str, int]] | int, backend: str | None = None) -> Any:
    """Apply morphological filters by a disc, one after the other, as odc.algo.mask_cleanup does.

    Parameters
    ----------
    mask
        A (…, row, col) array. True or non-zero is masked.
    filters
        (operation, radius) pairs, such as [("opening", 2), ("dilation", 5)]. A number alone is the radius of a
        dilation. The operations are "dilation", "erosion", "opening" (an erosion, then a dilation) and "closing" (a
        dilation, then an erosion). A disc has all pixels whose centre lies within the radius, in pixels.
    backend
        "cuda", "native" or "numpy". None means the default. See `use_backend`.

    Returns
    -------
    array
        A bool array of the mask's shape and array family.

    Raises
    ------
    GpumaskError
        If an operation is unknown, or a radius is not a whole number from 0 to 32768.

    Notes
    -----
    Pixels beyond the edge don't exist: a mask neither grows from there nor shrinks from there. The cost grows with the
    radius, not with its square.

    Examples
    --------
    >>> mask_cleanup([[0, 0, 0, 0, 1]], [("dilation", 2)]).astype(int)
    array([[0, 0, 1, 1, 1]])
    """
    mask = adopt("mask", mask)
    if mask.ndim < 2 or 0 in mask.shape:
        raise GpumaskError(f"mask: expected a (…, row, col) array with pixels; got shape {mask.shape}")
    steps = check_filters("filters", filters)
    chosen = select(backend, mask)
    out = cleaned(chosen, chosen.asarray(not_zero(mask).view(np.uint8)), steps)
    return chosen.to_family_of(mask, out).view(bool)


def cleaned(backend: Backend, mask: Any, steps: Iterable[tuple[str, int]]) -> Any:
    """Apply dilations and erosions to each plane of a (…, row, col) mask of 0 and 1, in the backend's memory."""
    if mask.ndim == 2:
        return filtered(backend, mask, steps)
    if mask.ndim < 2:
        raise GpumaskError(f"mask: expected a (…, row, col) array; got shape {mask.shape}")
    out = backend.empty(mask.shape, np.uint8)
    for plane, target in zip(mask, out, strict=True):
        target[...] = cleaned(backend, plane, steps)
    return out


def check_filters(name: str, filters: Any) -> list[tuple[str, int]]:
    """Return filters as dilations and erosions. Raise GpumaskError if they are wrong."""
    steps: list[tuple[str, int]] = []
    if isinstance(filters, int | np.integer):
        filters = [("dilation", filters)]
    if isinstance(filters, str) or not isinstance(filters, Iterable):
        raise ArgumentTypeError(f"{name}: expected (operation, radius) pairs, or a radius; got {filters!r}")
    for each in filters:
        try:
            operation, radius = each
        except (TypeError, ValueError) as error:
            raise ArgumentTypeError(f"{name}: expected (operation, radius) pairs; got {each!r}") from error
        if operation not in OPERATIONS:
            raise GpumaskError(f"{name}: expected one of {', '.join(OPERATIONS)}; got {operation!r}")
        if not isinstance(radius, int | np.integer) or isinstance(radius, bool) or not 0 <= radius <= _LARGEST:
            raise GpumaskError(f"{name}: expected a radius from 0 to {_LARGEST} pixels; got {radius!r}")
        steps += {
            "opening": [("erosion", int(radius)), ("dilation", int(radius))],
            "closing": [("dilation", int(radius)), ("erosion", int(radius))],
        }.get(operation, [(operation, int(radius))])
    return steps


def filtered(backend: Backend, mask: Any, steps: Iterable[tuple[str, int]]) -> Any:
    """Apply dilations and erosions to a (row, col) uint8 mask of 0 and 1, in the backend's memory."""
    for operation, radius in steps:
        if radius:
            # To erode the mask is to dilate the rest.
            figure = disc(radius)
            mask = dilated(backend, mask, figure) if operation == "dilation" else dilated(backend, mask ^ 1, figure) ^ 1
    return mask


@functools.lru_cache(maxsize=16)
def disc(radius: int) -> Table:
    """Return a disc as a figure for `dilated`."""
    return Table(np.floor(np.sqrt(radius**2 - np.arange(-radius, radius + 1) ** 2)).astype(np.int32))


@functools.lru_cache(maxsize=16)
def diamond(radius: int) -> Table:
    """Return a diamond as a figure for `dilated`: its pixels are counted along rows plus columns."""
    return Table((radius - abs(np.arange(-radius, radius + 1))).astype(np.int32))


def dilated(backend: Backend, mask: Any, figure: Table) -> Any:
    """Grow a mask by a figure: first along columns, then along rows.

    `figure` says, for each column from -radius to radius, how far it reaches up and down. It reaches no further than
    the radius.
    """
    radius = len(figure.host) // 2
    distance, out = backend.empty(mask.shape, np.uint16), backend.empty(mask.shape, np.uint8)
    launch(backend, "column_distance", mask.shape, mask, mask.strides[0], radius, distance)
    launch(backend, "dilate", mask.shape, distance, backend.table(figure), radius, out)
    return out
