"""What kernels are given: structures whose fields are parameters of the kernels, in their order and by their names.

Calls build structures. Compiled kernels get what is in them, one value after another, and twins get them whole.
Lists that several kernels share are in kernels/parameters.cuh too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple


class Pixels(NamedTuple):
    """Bands of an image. pitch: pixels from row to row. plane: pixels from band to band."""

    source: Any
    bands: int
    pitch: int
    plane: int

    @classmethod
    def of(cls, image: Any) -> Pixels:
        """Return those of a (band, row, col) image."""
        return cls(image, len(image), pitch_of(image), plane_of(image))


class Source(NamedTuple):
    """A window of an image, and where it lies in the whole.

    origin: of the whole image where the window begins. period: after so many pixels the whole begins anew. 0 is never.
    """

    pixels: Pixels
    source_rows: int
    source_cols: int
    origin_row: int
    origin_col: int
    row_period: int
    col_period: int


class Frame(NamedTuple):
    """Pixels beyond the edges of a source: how many on each side, and which. See `boundary.MODES`."""

    row_frame: int
    col_frame: int
    row_mode: int
    col_mode: int


class Valid(NamedTuple):
    """Which pixels are valid: uint8, or None for all of them. pitch: pixels from row to row."""

    valid: Any
    valid_pitch: int

    @classmethod
    def of(cls, valid: Any) -> Valid:
        """Return that of a (row, col) validity, or of None."""
        return cls(valid, pitch_of(valid))


class Footprint(NamedTuple):
    """What footprints are valid, or None for all. See `footprint_validity`. plane: from word to word, 0 for one."""

    footprint: Any
    footprint_plane: int

    @classmethod
    def of(cls, footprint: Any) -> Footprint:
        """Return that of (row, col) or (word, row, col) footprints, or of None."""
        return cls(footprint, plane_of(footprint))


class Nodes(NamedTuple):
    """A grid's nodes, and which of them count. pitch: nodes from row to row. nodata: NaN for none."""

    grid_row: Any
    grid_col: Any
    grid_pitch: int
    grid_mask: Any
    mask_pitch: int
    grid_nodata: float


class Divisions(NamedTuple):
    """What kernels divide by the steps of a grid with, and by the area of a cell. See `division_by_steps`."""

    row_magic: Any
    row_shift: Any
    col_magic: Any
    col_shift: Any
    area: int
    area_high: float
    area_low: float
    area_magic: Any
    area_shift: Any
    area_less: Any


class Grid(NamedTuple):
    """A grid. step: output pixels from node to node. first: the output pixel that the image begins with."""

    nodes: Nodes
    grid_rows: int
    grid_cols: int
    row_step: int
    col_step: int
    first_row: int
    first_col: int
    divisions: Divisions


class Target(NamedTuple):
    """Where an image and its validity go. validity: of all bands, or by band. None means that it isn't wanted."""

    image: Any
    image_pitch: int
    image_plane: int
    validity: Any
    validity_pitch: int
    validity_plane: int

    @classmethod
    def of(cls, image: Any, validity: Any) -> Target:
        """Return that of a (band, row, col) image and a (row, col) or (band, row, col) validity."""
        return cls(image, pitch_of(image), plane_of(image), validity, pitch_of(validity), plane_of(validity))


class Areas(NamedTuple):
    """What area statistics make of invalid pixels. nodata and outside are as for `Invalid`.

    least_share: from which share on there is a value. shares: where (row, col) shares go, or None.
    """

    nodata: Any
    outside: int
    least_share: float
    shares: Any
    shares_pitch: int


class Invalid(NamedTuple):
    """What invalid pixels become, and the validity of those whose coordinate lies outside the source."""

    nodata: Any
    outside: int


class Shares(NamedTuple):
    """Where shares of valid pixels go, and what says which pixels are valid. Both are of all bands, or by band.

    valid: uint8, of the source's window and of a frame around it, or None for all of them. pitch: from row to row.
    plane: from band to band, 0 for one. Without shares all are None and 0.
    """

    valid: Any = None
    valid_pitch: int = 0
    valid_plane: int = 0
    shares: Any = None
    shares_pitch: int = 0
    shares_plane: int = 0

    @classmethod
    def of(cls, valid: Any, shares: Any) -> Shares:
        """Return those of (row, col) or (band, row, col) arrays. The first may be None."""
        return cls(valid, pitch_of(valid), plane_of(valid), shares, pitch_of(shares), plane_of(shares))


class Lines(NamedTuple):
    """Lines of samples, from an origin on. mode: which sample is beyond their ends. See `boundary.MODES`."""

    source: Any
    pitch: int
    length: int
    origin: int
    mode: int


class Part(NamedTuple):
    """Which coefficients of a line are made: from the first on, none before the lowest, none from the highest on."""

    first: int
    lowest: int
    highest: int


class Filter(NamedTuple):
    """A B-spline's filter. stretch: coefficients that are made at a time. reach: samples to either side of these.

    poles, steps: of each pole its value, and how many samples it looks ahead and back.
    """

    stretch: int
    pole_count: int
    poles: Any
    steps: Any
    reach: int


class Coarse(NamedTuple):
    """A raster of nodes. pitch: nodes from row to row."""

    nodes: Any
    node_rows: int
    node_cols: int
    pitch: int


class Axes(NamedTuple):
    """For each output row and column the node before it, and the weight of the node after that, out of a total."""

    row_node: Any
    row_weight: Any
    row_total: float
    col_node: Any
    col_weight: Any
    col_total: float


class Out(NamedTuple):
    """Where a result goes. pitch: from row to row."""

    out: Any
    out_pitch: int

    @classmethod
    def of(cls, out: Any) -> Out:
        """Return that of a (row, col) array."""
        return cls(out, pitch_of(out))


# Structures in which there are others. The others need no second look, which calls of small images would notice.
_NESTED = (Source, Grid)


def flat(args: Iterable[Any]) -> list[Any]:
    """Return arguments with what is in structures in their place.

    >>> flat([1, Invalid(2, 3), None])
    [1, 2, 3, None]
    """
    found: list[Any] = []
    for value in args:
        if not isinstance(value, tuple):
            found.append(value)
        elif type(value) in _NESTED:
            found += flat(value)
        else:
            found += value
    return found


def pitch_of(array: Any) -> int:
    """Return elements from row to row, 0 where there is no array."""
    return 0 if array is None else array.strides[-2] // array.itemsize


def plane_of(array: Any) -> int:
    """Return elements from plane to plane, 0 where there are none."""
    return 0 if array is None or array.ndim == 2 else array.strides[0] // array.itemsize
