"""Where the variables of a Dataset lie, and the one place to which all of them are brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from affine import Affine

from gpumask.errors import GpumaskError
from gpumask.grids.grid import Grid
from gpumask.grids.places.affine import is_affine
from gpumask.grids.places.crs import full_turn, wkt_of
from gpumask.grids.places.place import Place
from gpumask.grids.projected import ProjectedGrid
from gpumask.xarray.members import Member, about, by_name
from gpumask.xarray.place import place_of

Shape = tuple[int, int]


def places_of(members: Sequence[Member], model: Any) -> dict[Any, Place]:
    """Return where variables lie. `model` is one for all, or a mapping of names of variables to models."""
    models = by_name("model", model, [member.name for member in members])
    shapes = {shape_of(member) for member in members}
    if model is not None and not isinstance(model, Mapping) and len(shapes) > 1:
        raise GpumaskError(
            "model: expected a mapping of names of variables to models, as their rows and columns differ; got "
            f"one model for {sorted(shapes)}"
        )
    places = {}
    for member in members:
        with about(member.name):
            places[member.name] = member.array.gpumask._place(models[member.name])
            if models[member.name] is None:
                _check_own_transform(member, members)
    return places


def _check_own_transform(member: Member, members: Sequence[Member]) -> None:
    """Raise GpumaskError if a variable is placed by a transform that belongs to other rows and columns."""
    array, affine = member.array, member.array.rio.transform()
    if {"y", "x"} <= set(array.coords) and not (affine.b or affine.d):
        return
    mapping = array.rio.grid_mapping
    shapes = {shape_of(each) for each in members if each.array.rio.grid_mapping == mapping}
    if len(shapes) > 1:
        y, x = member.dims
        raise GpumaskError(
            f"dataset: expected coordinates along {y} and {x}, or a grid mapping of its own; got {mapping!r}, whose "
            f"transform may be of any of {sorted(shapes)}"
        )


def shape_of(member: Member) -> Shape:
    """Return the rows and columns of a variable."""
    return member.array.sizes["y"], member.array.sizes["x"]


def one_target(targets: Sequence[Place], whole: bool) -> Place:
    """Return one place from those that variables would get: the place of the finest pixels.

    With `whole` it is enlarged by whole pixels to where the others end, if they reach further by more than one of their
    pixels.
    """
    finest = min(targets, key=lambda place: abs(place.transform.determinant))
    if not whole:
        return finest
    affine, (rows, cols) = finest.transform, _shape(finest)
    top, left, bottom, right = 0, 0, rows, cols
    for place in targets:
        down, across = place.transform.e / affine.e, place.transform.a / affine.a
        row, col = (place.transform.f - affine.f) / affine.e, (place.transform.c - affine.c) / affine.a
        row_end, col_end = row + down * _shape(place)[0], col + across * _shape(place)[1]
        turn = full_turn(wkt_of("crs", finest.crs))
        if turn is not None:  # places may lie on either side of the antimeridian
            moved = round((col + col_end - cols) / 2 / (turn / affine.a)) * turn / affine.a
            col, col_end = col - moved, col_end - moved
        top, left = min(top, _beyond(row, down)), min(left, _beyond(col, across))
        bottom, right = (
            rows - min(rows - bottom, _beyond(rows - row_end, down)),
            cols - min(cols - right, _beyond(cols - col_end, across)),
        )
    moved_to = affine @ Affine.translation(left, top) if top or left else affine
    return Place(finest.crs, moved_to, (bottom - top, right - left))


def _beyond(first: float, pixel: float) -> int:
    """Return the whole number at which something begins, or 0.

    It is 0 unless it begins before 0 by more than one of its pixels.
    """
    return round(first) if first < -pixel else 0


def _shape(place: Place) -> Shape:
    """Return the rows and columns of a place that has a shape."""
    assert place.shape is not None
    return place.shape


def grids_of(grid: Grid | ProjectedGrid, members: Sequence[Member]) -> dict[Any, Grid | ProjectedGrid]:
    """Return for each variable the grid that brings it to the pixels of a grid."""
    places = {member.name: _known_place(member) for member in members}
    shapes = {member.name: shape_of(member) for member in members}
    if isinstance(grid, Grid):
        first = members[0].name
        for name, place in places.items():
            if shapes[name] != shapes[first] or not _one(place, places[first]):
                raise GpumaskError(
                    f"grid: expected a ProjectedGrid, or variables of one place; got a Grid, {first!r} with "
                    f"{shapes[first]} and {name!r} with {shapes[name]} pixels, which lie in different places"
                )
        return dict.fromkeys(places, grid)
    fitting = [name for name, shape in shapes.items() if shape == grid.source.shape]
    alike = all(_one(places[name], places[fitting[0]]) for name in fitting)
    found: dict[Any, Grid | ProjectedGrid] = {}
    for member in members:
        name, place = member.name, places[member.name]
        if name in fitting and (alike or place is None or _one(place, grid.source)):
            found[name] = grid
            continue
        with about(name):
            place = place_of("array", member.array)
            _check_own_transform(member, members)
        found[name] = _grid_from(place, found, grid.from_source)
    return found


def _grid_from(place: Place, found: Mapping[Any, Any], make: Any) -> ProjectedGrid:
    """Return a grid from a place. A grid from that place that exists already is used again."""
    known = (each for each in found.values() if isinstance(each, ProjectedGrid) and _one(each.source, place))
    made: ProjectedGrid = next(known, None) or make(place)
    return made


def grids_between(places: Mapping[Any, Place], target: Place, max_error: float) -> dict[Any, Grid | ProjectedGrid]:
    """Return for each variable the grid from its place to a target."""
    found: dict[Any, Grid | ProjectedGrid] = {}
    for name, place in places.items():
        with about(name):
            found[name] = _grid_from(place, found, lambda source: ProjectedGrid(source, target, max_error))
    return found


def _known_place(member: Member) -> Place | None:
    """Return where a variable lies. Return None if nothing says so."""
    try:
        return place_of("array", member.array)
    except GpumaskError:
        return None


def _one(place: Place | None, other: Place | None) -> bool:
    """Say whether two places are the same. Unknown places are."""
    if place is None or other is None:
        return place is other
    one, two = place.transform, other.transform
    same = one is two or (is_affine(one) and is_affine(two) and one.almost_equals(two, 1e-6 * abs(one.a + one.b)))
    return (
        same
        and place.shape == other.shape
        and (place.crs == other.crs or wkt_of("crs", place.crs) == wkt_of("crs", other.crs))
    )
