"""The grid between two places on the ground, made window by window."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.grids.grid import Grid, node_window
from gpumask.grids.mesh import Mesh, mesh
from gpumask.grids.places.affine import Exact, rows_and_cols
from gpumask.grids.places.crs import from_seam, transformed
from gpumask.grids.places.geolocation import Geolocated
from gpumask.grids.places.knots import Knots, SplineKnots, SwathKnots
from gpumask.grids.places.place import Place, around_of
from gpumask.grids.places.projection import Projection, projection, seam_of
from gpumask.grids.places.sensor import ControlPoints, RationalPolynomials
from gpumask.grids.places.terrain import Terrain
from gpumask.pixels.checks import check_shape, is_number
from gpumask.pixels.window import Window


class ProjectedGrid:
    """Where a target's pixels lie in a source, within `max_error` source pixels. `resample_file` takes it as a grid.

    It has as few nodes as that allows. It has a node for each pixel where no coarse grid is good enough: at poles,
    where longitudes begin anew, where a projection ends, and where the heights below a sensor's image are uneven.

    Parameters
    ----------
    source
        Where the source lies, with its shape.
    target
        Where the output lies, with its shape.
    max_error
        How far off the coordinate of any pixel may be, in source pixels. 0 asks for a node at each pixel. See
        `grid_between`.

    Raises
    ------
    GpumaskError
        If a place or the error is wrong.

    Examples
    --------
    >>> from affine import Affine
    >>> source = Place("EPSG:32633", Affine(10, 0, 5e5, 0, -10, 5e6), (1000, 1000))
    >>> ProjectedGrid(source, Place("EPSG:32633", Affine(20, 0, 5e5, 0, -20, 5e6), (500, 500))).full_shape
    (500, 500)
    """

    def __init__(self, source: Place, target: Place, max_error: float = 0.01) -> None:
        """Check the places and the error. See the class."""
        for name, place in {"source": source, "target": target}.items():
            if not isinstance(place, Place):
                raise ArgumentTypeError(f"{name}: expected a Place; got {type(place).__name__}")
            if place.shape is None:
                raise GpumaskError(f"{name}: expected a place with a shape; got None")
        self._asked = source, target, check_max_error(max_error)
        self._mesh, self._around = _mesh(source, target, max_error, uniform=False)

    def __repr__(self) -> str:
        """Show the places and the error."""
        return "ProjectedGrid({}, {}, {})".format(*self._asked)

    @property
    def source(self) -> Place:
        """Where the source lies."""
        return self._asked[0]

    def from_source(self, source: Place) -> ProjectedGrid:
        """Return the grid from another source to the same target.

        Parameters
        ----------
        source
            Where the other source lies, with its shape.

        Returns
        -------
        ProjectedGrid
            The grid, with the same error allowed.

        Raises
        ------
        GpumaskError
            If the source is wrong.
        """
        return ProjectedGrid(source, *self._asked[1:])

    @property
    def identity(self) -> str:
        """A text that tells this grid from others."""
        source, target, max_error = self._asked
        return repr((source.identity, target.identity, max_error))

    @property
    def full_shape(self) -> tuple[int, int]:
        """The rows and columns of the target."""
        return self._mesh.shape

    @property
    def node_count(self) -> float:
        """How many nodes there are. It is infinity if no single grid has all of them."""
        steps = (self._mesh.step,) * 2
        nodes = node_window(Window.of_shape(self.full_shape), steps)
        return nodes.rows * nodes.cols if self._mesh.is_uniform else math.inf

    @property
    def around(self) -> tuple[int, int]:
        """The (rows, cols) after which the source begins anew. 0 stands for an axis that ends. See `Grid`."""
        return self._around

    def check_source(self, name: str, shape: tuple[int, int]) -> None:
        """Raise GpumaskError unless a source has the shape that the grid was made for.

        Parameters
        ----------
        name
            The name of the source, for the error.
        shape
            The rows and columns of the source.

        Raises
        ------
        GpumaskError
            If the shape differs.
        """
        expected = check_shape("source", self._asked[0].shape)
        if tuple(shape) != expected:
            raise GpumaskError(
                f"{name}: expected {expected[0]} x {expected[1]} pixels, as the grid's source has; "
                f"got {shape[0]} x {shape[1]}"
            )

    def parts(self, window: Window) -> Iterator[tuple[Window, tuple[int, int]]]:
        """Cut a window of the output into windows that have one grid each.

        Parameters
        ----------
        window
            The window, in pixels of the target.

        Yields
        ------
        Window and (int, int)
            A part, and the resolution of its grid.

        Examples
        --------
        >>> from affine import Affine
        >>> place = Place("EPSG:32633", Affine(10, 0, 5e5, 0, -10, 5e6), (500, 500))
        >>> list(ProjectedGrid(place, place).parts(Window(0, 0, 100, 100)))
        [(Window(row=0, col=0, rows=100, cols=100), (64, 64))]
        """
        for part in self._mesh.parts(window):
            yield part, (self._mesh.step_at(part),) * 2

    def read(self, part: Window, margin: int = 0) -> Grid:
        """Return the grid of a part.

        Parameters
        ----------
        part
            A window that `parts` gave.
        margin
            See `Grid.crop`.

        Returns
        -------
        Grid
            The grid, whose output is the part.

        Examples
        --------
        >>> from affine import Affine
        >>> place = Place("EPSG:32633", Affine(10, 0, 5e5, 0, -10, 5e6), (500, 500))
        >>> ProjectedGrid(place, place).read(Window(0, 0, 100, 100)).shape
        (100, 100)
        """
        return replace(self._mesh.read(part, margin), around=self._around)

    def georeference(self, window: Window) -> dict[str, Any]:
        """Return where a window of the target lies on the ground.

        Parameters
        ----------
        window
            The window, in pixels of the target.

        Returns
        -------
        dict
            `crs` and `transform`, as rasterio has them.

        Examples
        --------
        >>> from affine import Affine
        >>> place = Place("EPSG:32633", Affine(10, 0, 5e5, 0, -10, 5e6), (500, 500))
        >>> ProjectedGrid(place, place).georeference(Window(2, 3, 4, 5))["transform"].xoff
        500030.0
        """
        import rasterio

        target = self._asked[1]
        a, b, c, d, e, f = target.transform[:6]
        x, y = a * window.col + b * window.row + c, d * window.col + e * window.row + f
        moved = type(target.transform)(a, b, x, d, e, y)
        return {"crs": rasterio.crs.CRS.from_user_input(target.crs), "transform": moved}


def grid_between(source: Place, target: Place, max_error: float = 0.01) -> Grid:
    """Return the coarsest grid that says, well enough, where a target's pixels lie in a source.

    Parameters
    ----------
    source
        Where the source lies. Its transform is an affine map or a sensor's model. See `Place`. Its shape may be None.
        Then all coordinates hold. With a shape, coordinates that don't reach the source may be off. Give the shape in
        two cases. One is a source in longitudes, if the target reaches beyond it. The other is a source on Web
        Mercator, or another cylinder, that crosses the place where x begins anew.
    target
        Where the output lies: an affine map and a shape.
    max_error
        How far off the coordinate of any pixel may be, in source pixels. If no coarse grid is that good, the grid has a
        node for each pixel. With 0 it always has. Use 0 for a function of your own that is not smooth: what it does
        between the centres and edges of cells is not seen. The unevenness of heights, swaths and splines is always
        seen.

    Returns
    -------
    Grid
        The grid. Nodes are rounded to 1e-6 pixels, so pixels of two rasters that lie on each other do so exactly.
        Longitudes are continued over the antimeridian, in sources, models and targets. A source may go all around the
        globe. Then its first and last columns continue each other (`Grid.around`). This holds for sources with an
        affine map for which a turn is a whole number of pixels, within 0.1 pixels.

    Raises
    ------
    GpumaskError
        If a place or the error is wrong.

    Examples
    --------
    >>> from affine import Affine
    >>> utm = Place("EPSG:32633", Affine(10, 0, 5e5, 0, -10, 5e6))
    >>> lonlat = Place("EPSG:4326", Affine(1e-4, 0, 15, 0, -1e-4, 45.1), (1000, 1000))
    >>> grid_between(utm, lonlat).resolution
    (255, 255)
    """
    for name, place in {"source": source, "target": target}.items():
        if not isinstance(place, Place):
            raise ArgumentTypeError(f"{name}: expected a Place; got {type(place).__name__}")
    found, around = _mesh(source, target, check_max_error(max_error), uniform=True)
    return replace(found.read(Window.of_shape(found.shape)), around=around)


def between(
    source_crs: Any,
    source_transform: Any,
    target_crs: Any,
    target_transform: Any,
    target_shape: tuple[int, int],
    max_error: float = 0.01,
    source_shape: tuple[int, int] | None = None,
) -> Grid:
    """Return the grid between two places. See `grid_between`.

    Parameters
    ----------
    source_crs, source_transform, source_shape
        The parts of the source's `Place`.
    target_crs, target_transform, target_shape
        The parts of the target's `Place`.
    max_error
        How far off the coordinate of any pixel may be, in source pixels.

    Returns
    -------
    Grid
        The grid.

    Examples
    --------
    >>> from affine import Affine
    >>> utm, lonlat = Affine(10, 0, 5e5, 0, -10, 5e6), Affine(1e-4, 0, 15, 0, -1e-4, 45.1)
    >>> Grid.between("EPSG:32633", utm, "EPSG:4326", lonlat, (1000, 1000)).resolution
    (255, 255)
    """
    source = Place(source_crs, source_transform, source_shape)
    return grid_between(source, Place(target_crs, target_transform, target_shape), max_error)


def check_max_error(max_error: Any) -> float:
    """Return a number of pixels that is at least 0."""
    if not is_number(max_error):
        raise ArgumentTypeError(f"max_error: expected a number of pixels; got {max_error!r}")
    if not 0 <= max_error < math.inf:
        raise GpumaskError(f"max_error: expected a number of pixels from 0 on; got {max_error!r}")
    return float(max_error)


def _mesh(source: Place, target: Place, max_error: float, uniform: bool) -> tuple[Mesh, tuple[int, int]]:
    """Return the mesh between two places, and the (rows, cols) after which the source begins anew."""
    shape = check_shape("target_shape", target.shape)
    reached = None if source.shape is None else check_shape("source_shape", source.shape)
    exact, around = projection(source, target), around_of(source)
    ends = None if reached is None else (None if around[0] else reached[0], None if around[1] else reached[1])
    return mesh(exact, shape, ends, max_error, uniform, unevenness(exact, shape, reached)), around


def unevenness(exact: Exact, shape: tuple[int, int], source_shape: tuple[int, int] | None) -> Terrain | Knots | None:
    """Return what is known of the places where a projection to a target is not smooth. See `mesh`."""
    if isinstance(exact, Geolocated):
        return SwathKnots(exact, shape, source_shape)
    if isinstance(exact, Projection) and isinstance(exact.source, RationalPolynomials) and exact.source.dem is not None:
        return Terrain(exact, shape)
    if isinstance(exact, Projection) and isinstance(exact.source, ControlPoints) and exact.source.thin_plate:
        x, y = np.array(exact.source.points)[:, 2:4].T
        if exact.source_crs != exact.target_crs:
            x, y = transformed(exact.source_crs, exact.target_crs, x, y)
        x = from_seam(exact.target_crs, seam_of(exact.target_crs, exact.target, shape), x)
        return SplineKnots(exact, shape, *rows_and_cols(exact.target, x, y))
    return None
