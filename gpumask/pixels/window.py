"""Half-open windows of rows and columns."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gpumask.errors import ArgumentTypeError, GpumaskError


@dataclass(frozen=True)
class Window:
    """A half-open window: rows `row` to `row + rows` and columns `col` to `col + cols`, without the ends.

    Parameters
    ----------
    row
        The first row.
    col
        The first column.
    rows
        The number of rows.
    cols
        The number of columns.

    Raises
    ------
    ArgumentTypeError
        If one of them is not a whole number.

    Examples
    --------
    >>> Window(2, 3, 4, 5).slices
    (slice(2, 6, None), slice(3, 8, None))
    """

    row: int
    col: int
    rows: int
    cols: int

    def __post_init__(self) -> None:
        """Accept whole numbers of any type."""
        for name in ("row", "col", "rows", "cols"):
            try:
                object.__setattr__(self, name, operator.index(getattr(self, name)))
            except TypeError as error:
                raise ArgumentTypeError(
                    f"window.{name}: expected a whole number; got {getattr(self, name)!r}"
                ) from error

    @classmethod
    def of_shape(cls, shape: tuple[int, int]) -> Window:
        """Return the window that covers a whole array.

        Parameters
        ----------
        shape
            The (rows, cols) of the array.

        Returns
        -------
        Window
            The window from (0, 0) on.

        Examples
        --------
        >>> Window.of_shape((4, 5))
        Window(row=0, col=0, rows=4, cols=5)
        """
        return cls(0, 0, shape[0], shape[1])

    @classmethod
    def of_axes(cls, rows: tuple[int, int], cols: tuple[int, int]) -> Window:
        """Return the window that has these rows and these columns.

        Parameters
        ----------
        rows
            The first row, and the number of rows.
        cols
            The first column, and the number of columns.

        Returns
        -------
        Window
            The window of both.

        Examples
        --------
        >>> Window.of_axes((2, 4), (3, 5))
        Window(row=2, col=3, rows=4, cols=5)
        """
        return cls(rows[0], cols[0], rows[1], cols[1])

    @property
    def axes(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """(first, count) of the rows, and (first, count) of the columns."""
        return (self.row, self.rows), (self.col, self.cols)

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows, and the number of columns."""
        return self.rows, self.cols

    @property
    def row_stop(self) -> int:
        """The first row after the window."""
        return self.row + self.rows

    @property
    def col_stop(self) -> int:
        """The first column after the window."""
        return self.col + self.cols

    @property
    def slices(self) -> tuple[slice, slice]:
        """The slices that index the last two axes of an array: `array[..., *window.slices]`."""
        return slice(self.row, self.row_stop), slice(self.col, self.col_stop)

    @property
    def is_empty(self) -> bool:
        """True if the window has no pixels."""
        return self.rows <= 0 or self.cols <= 0

    def shift(self, rows: int, cols: int) -> Window:
        """Return the window moved down and right.

        Parameters
        ----------
        rows
            The rows to move down.
        cols
            The columns to move right.

        Returns
        -------
        Window
            A window of the same size.

        Examples
        --------
        >>> Window(2, 3, 4, 5).shift(1, -1)
        Window(row=3, col=2, rows=4, cols=5)
        """
        return Window(self.row + rows, self.col + cols, self.rows, self.cols)

    def pad(self, margin: int, cols: int | None = None) -> Window:
        """Return the window grown on every side.

        Parameters
        ----------
        margin
            The pixels to add above and below, and, without `cols`, to the left and to the right.
        cols
            The pixels to add to the left and to the right. None means `margin`.

        Returns
        -------
        Window
            The larger window. It may begin at negative rows and columns.

        Examples
        --------
        >>> Window(2, 3, 4, 5).pad(1)
        Window(row=1, col=2, rows=6, cols=7)
        """
        rows, cols = margin, margin if cols is None else cols
        return Window(self.row - rows, self.col - cols, self.rows + 2 * rows, self.cols + 2 * cols)

    def intersect(self, other: Window) -> Window:
        """Return the part that two windows share.

        Parameters
        ----------
        other
            The other window.

        Returns
        -------
        Window
            The shared part. It has no rows or no columns if the windows don't meet.

        Examples
        --------
        >>> Window(0, 0, 4, 5).intersect(Window(2, 3, 4, 5))
        Window(row=2, col=3, rows=2, cols=2)
        """
        row, col = max(self.row, other.row), max(self.col, other.col)
        rows = min(self.row_stop, other.row_stop) - row
        cols = min(self.col_stop, other.col_stop) - col
        return Window(row, col, max(rows, 0), max(cols, 0))

    def contains(self, other: Window) -> bool:
        """Say whether another window lies wholly in this one.

        Parameters
        ----------
        other
            The other window.

        Returns
        -------
        bool
            True if it does.

        Examples
        --------
        >>> Window(0, 0, 4, 5).contains(Window(2, 3, 4, 5))
        False
        """
        return self.intersect(other) == other

    def tiles(self, rows: int, cols: int) -> Iterator[Window]:
        """Cut the window into tiles, row by row. Each pixel is in exactly one tile.

        Parameters
        ----------
        rows
            The most rows of a tile.
        cols
            The most columns of a tile.

        Yields
        ------
        Window
            A tile.

        Raises
        ------
        GpumaskError
            If `rows` or `cols` is less than 1.

        Examples
        --------
        >>> [tile.shape for tile in Window(0, 0, 5, 4).tiles(3, 4)]
        [(3, 4), (2, 4)]
        """
        if rows < 1 or cols < 1:
            raise GpumaskError(f"tiles: expected at least 1 row and 1 column; got {rows} x {cols}")
        for row in range(self.row, self.row_stop, rows):
            for col in range(self.col, self.col_stop, cols):
                yield Window(row, col, min(rows, self.row_stop - row), min(cols, self.col_stop - col))


def ranges(window: Window) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return a window as rasterio takes it."""
    return (window.row, window.row_stop), (window.col, window.col_stop)


def check_inside(name: str, window: Any, shape: tuple[int, int]) -> Window:
    """Return `window` if it has pixels and lies in an array of this shape. Raise GpumaskError otherwise."""
    if not isinstance(window, Window):
        raise ArgumentTypeError(f"{name}: expected a gpumask.Window; got {window!r}")
    if window.is_empty or not Window.of_shape(shape).contains(window):
        raise GpumaskError(f"{name}: expected a window with pixels inside {shape[0]} x {shape[1]}; got {window}")
    return window
