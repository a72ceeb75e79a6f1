"""What the functions for masks and regular grids refuse: with GpumaskError, that names the argument, before any work.

What is of a wrong type is an ArgumentTypeError: a GpumaskError and a TypeError.
"""

import warnings

import numpy as np
import pytest
from shapely import LineString, Point, Polygon, box

import gpumask
from gpumask import ArgumentTypeError, CoarseMask, GpumaskError, GridRasterizeAlg, Polygons, Window

BOX = box(1, 1, 4, 4)
NODES, GRID = np.ones((3, 4), np.uint8), np.ones((2, 3, 4))
COORDS = {"shape": None, "origin": None, "resolution": None}
SHAPELY = GridRasterizeAlg.SHAPELY
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # shapely's own, of the NaN
    NAN, INF = (Polygon([(0, 0), (4, 0), (4, bad), (0, 4)]) for bad in (np.nan, np.inf))


def read_only(array):
    array.setflags(write=False)
    return array


def mesh(x, y):
    """Return arguments of grid_rasterize for a grid of these places."""
    coords = np.array(x, float), np.array(y, float)
    return {"grid_coords": coords, **COORDS, "output": None, "dtype": np.uint8}


def right(name):
    """Return arguments that are right for a function, with arrays to be filled where it fills any."""
    return {
        "build_mask": {
            "shape": (5, 6),
            "resolution": (1, 1),
            "out": np.full((5, 6), 7, np.uint8),
            "geometry_origin": (0, 0),
            "geometry_pair": (BOX, None),
            "mask_in": NODES.copy(),
            "mask_in_target_win": np.array([[0, 4], [0, 5]]),
            "mask_in_resolution": (4, 3),
            "oversampling_dtype": np.float64,
        },
        "grid_rasterize": {
            "grid_coords": None,
            "shape": (5, 6),
            "origin": (0, 0),
            "resolution": (1, 1),
            "win": None,
            "inner_value": 1,
            "outer_value": 0,
            "default_value": 0,
            "geometry": BOX,
            "output": np.full((5, 6), 7, np.uint8),
        },
        "oversample_regular_grid": {
            "grid": GRID.copy(),
            "grid_oversampling_row": 2,
            "grid_oversampling_col": 3,
            "grid_mask": NODES.copy(),
        },
        "interpolate_grid": {
            "grid": GRID.copy(),
            "grid_mask": NODES.copy(),
            "x": np.arange(4.0),
            "y": np.arange(3.0),
            "x_new": np.arange(2.0),
            "y_new": np.arange(2.0),
        },
        "build_grid": {
            "resolution": (1, 1),
            "grid": GRID.copy(),
            "grid_target_win": np.array([[0, 1], [0, 1]]),
            "grid_resolution": (2, 3),
            "out": np.full((2, 2, 2), 7.0),
        },
        "array_shift_grid_coordinates": {
            "grid_row": np.ones((3, 4)),
            "grid_col": np.ones((3, 4)),
            "grid_shift": (1, 2),
        },
        "grid_full_resolution_shape": {"shape": (3, 4), "resolution": (2, 3)},
        "validity_mask": {
            "window": Window(0, 0, 3, 3),
            "part": CoarseMask(NODES, (2, 3)),
            "out": np.full((3, 3), 7, np.uint8),
            "backend": None,
        },
        "CoarseMask": {"values": NODES.copy(), "resolution": (2, 3), "threshold": 0.9},
        "Polygons": {"valid": BOX, "invalid": None, "origin": (0, 0)},
        "oversample": {"nodes": NODES.copy(), "resolution": (2, 3), "window": None},
    }[name]


FUNCTIONS = (
    "build_mask", "grid_rasterize", "oversample_regular_grid", "interpolate_grid", "build_grid", "validity_mask",
    "array_shift_grid_coordinates", "grid_full_resolution_shape", "CoarseMask", "Polygons", "oversample",
)  # fmt: skip


def call(name, arguments):
    """Call a function, with its part, where it has one, by place."""
    arguments = dict(arguments)
    if name == "validity_mask":
        return gpumask.validity_mask(arguments.pop("window"), arguments.pop("part"), **arguments)
    return getattr(gpumask, name)(**arguments)


# Values of arguments that are refused wherever there is such an argument: what is named is the argument.
BAD_THRESHOLDS = [0, -1, 1.5, np.nan, np.inf, 2]
BAD_WINDOWS = [
    np.array([[0, 0], [0, 99]]),
    np.array([[99, 99], [0, 0]]),
    np.array([[-1, 0], [0, 0]]),
    np.array([[1, 0], [0, 0]]),
    np.array([[0, 2**62], [0, 1]]),
]
WINDOWS_OF_WRONG_TYPE = [
    "all",
    3,
    [0, 1],
    [[0, 1], [0]],
    [["0", "1"], ["0", "1"]],
    np.zeros((2, 2)),
    np.zeros((2, 2), bool),
]
BAD_RESOLUTIONS = [(0, 1), (1, -2), (2**31, 1)]
RESOLUTIONS_OF_WRONG_TYPE = [(1.5, 1), (np.nan, 1), (np.inf, 1), (1, 1, 1), (2,), 3, "ab", ("2", "2"), None, (2, None)]
BAD_GEOMETRIES = [NAN, INF, [BOX, NAN]]
GEOMETRIES_OF_WRONG_TYPE = [
    Point(1, 1), LineString([(0, 0), (1, 1)]), [BOX, Point(1, 1)], [None], 3, "POLYGON", object(), np.array(3), {},
    {"type": "Point", "coordinates": [1, 1]}, {"type": "Polygon"}, {"type": "Polygon", "coordinates": [[[0, 0]]]},
    {"type": "Feature"}, {"type": "Feature", "geometry": 3}, {"type": "FeatureCollection"},
    {"type": "FeatureCollection", "features": None}, {"type": "FeatureCollection", "features": 3},
]  # fmt: skip
BAD_DTYPES = ["complex64", object, "S3", "M8[s]"]
DTYPES_OF_WRONG_TYPE = ["x", 3, [1, 2]]

# The function, the argument that is named, and its values; every other argument is right.
BAD_VALUES = [
    ("build_mask", "shape", [(0, 5), (5, -6)]),
    ("build_mask", "resolution", [(2, 2), (1, 1, 1), None, "ab", [[1, 2], [3]]]),
    ("build_mask", "out", [np.zeros((6, 5), np.uint8), np.zeros((1, 5, 6), np.uint8), np.zeros(30), [[1] * 6] * 5]),
    ("build_mask", "out", [read_only(np.full((5, 6), 7, np.uint8))]),
    ("build_mask", "geometry_origin", [None, (np.nan, 0), (0, np.inf)]),
    ("build_mask", "mask_in", [NODES[0], NODES[None], NODES[:0], NODES.astype(complex), "x", 3, np.ma.ones((3, 4))]),
    ("build_mask", "mask_in", [NODES * 255.0, NODES * np.inf, NODES * -0.5]),
    ("build_mask", "mask_in_target_win", [*BAD_WINDOWS, np.array([[0, 3], [0, 5]])]),
    ("build_mask", "mask_in_resolution", BAD_RESOLUTIONS),
    ("build_mask", "oversampling_dtype", [None, np.uint8, bool, *BAD_DTYPES]),
    ("build_mask", "mask_in_binary_threshold", BAD_THRESHOLDS),
    ("grid_rasterize", "shape", [(0, 5), (5, -6)]),
    ("grid_rasterize", "origin", [(np.nan, 0), (0, np.inf)]),
    ("grid_rasterize", "resolution", [(0, 1), (1, 0.0), (np.nan, 1), (1, np.inf)]),
    ("grid_rasterize", "win", BAD_WINDOWS),
    ("grid_rasterize", "inner_value", [300, -1, 0.5, np.nan]),
    ("grid_rasterize", "outer_value", [300, -1, 0.5, np.nan]),
    ("grid_rasterize", "default_value", [300, -1, 0.5, np.nan]),
    ("grid_rasterize", "geometry", BAD_GEOMETRIES),
    ("grid_rasterize", "geometry_buffer_dst", [np.nan, np.inf, -np.inf]),
    ("grid_rasterize", "alg", [0, 3, "rasterio"]),
    ("grid_rasterize", "output", [np.zeros((6, 5)), np.zeros((1, 5, 6)), [[1] * 6] * 5]),
    ("grid_rasterize", "output", [read_only(np.full((5, 6), 7, np.uint8)), np.zeros((5, 6), complex)]),
    ("grid_rasterize", "reduce", [True]),
    ("oversample_regular_grid", "grid", [GRID[0], GRID[None], GRID[:, :0], GRID.astype(complex), "x"]),
    ("oversample_regular_grid", "grid_oversampling_row", [0, -1, 2**31]),
    ("oversample_regular_grid", "grid_oversampling_col", [0, -1, 2**31]),
    ("oversample_regular_grid", "grid_mask", [NODES.T, NODES[None], NODES[0], NODES.astype(complex)]),
    ("oversample_regular_grid", "dtype", BAD_DTYPES),
    ("oversample_regular_grid", "grid_mask_binarize_precision", [np.nan, np.inf, -np.inf]),
    ("oversample_regular_grid", "grid_mask_dtype", BAD_DTYPES),
    ("oversample_regular_grid", "win", BAD_WINDOWS),
    ("interpolate_grid", "grid", [GRID[0], GRID[None], GRID[:, :0], GRID.astype(complex), "x"]),
    ("interpolate_grid", "grid_mask", [NODES.T, NODES[None], NODES[0], NODES.astype(complex)]),
    ("interpolate_grid", "x", [np.arange(3.0), np.zeros(4), [0, 2, 1, 3], [0, 1, 2, np.nan], [0, 1, 2, np.inf], NODES]),
    ("interpolate_grid", "y", [np.arange(4.0), np.zeros(3), [0, 2, 1], [0, 1, np.nan], [], NODES]),
    ("interpolate_grid", "x_new", [[], NODES, 3.0]),
    ("interpolate_grid", "y_new", [[], NODES, 3.0]),
    ("interpolate_grid", "dtype", BAD_DTYPES),
    ("interpolate_grid", "mask_binarize_precision", [np.nan, np.inf, -np.inf]),
    ("interpolate_grid", "mask_dtype", BAD_DTYPES),
    ("build_grid", "resolution", [(2, 2), (1, 1, 1), None, "ab", [[1, 2], [3]]]),
    ("build_grid", "grid", [None, GRID[0], GRID[None], GRID[:, :0], GRID.astype(complex), "x"]),
    ("build_grid", "grid_target_win", BAD_WINDOWS),
    ("build_grid", "grid_resolution", BAD_RESOLUTIONS),
    ("build_grid", "out", [np.zeros((2, 2, 3)), np.zeros((2, 2)), [[1, 2]], read_only(np.full((2, 2, 2), 7.0))]),
    ("build_grid", "out", [np.zeros((2, 2, 2), complex)]),
    ("build_grid", "computation_dtype", BAD_DTYPES),
    ("array_shift_grid_coordinates", "grid_row", [[[1.0]], np.ones(4), np.ones((1, 3, 4)), np.ones((3, 4), bool)]),
    ("array_shift_grid_coordinates", "grid_row", [read_only(np.ones((3, 4))), None]),
    ("array_shift_grid_coordinates", "grid_col", [np.ones((4, 3)), np.ones(4), read_only(np.ones((3, 4))), None]),
    ("array_shift_grid_coordinates", "grid_shift", [(np.nan, 0), (0, np.inf)]),
    ("array_shift_grid_coordinates", "win", BAD_WINDOWS),
    ("array_shift_grid_coordinates", "grid_mask", [NODES.T, NODES[0], NODES.astype(complex), "x"]),
    ("grid_full_resolution_shape", "shape", [(0, 5), (5, -6)]),
    ("grid_full_resolution_shape", "resolution", BAD_RESOLUTIONS),
    ("validity_mask", "window", [Window(0, 0, 0, 3), Window(0, 0, 6, 3), Window(-1, 0, 2, 2), (0, 3), (99, 3)]),
    ("validity_mask", "out", [np.zeros((3, 4), np.uint8), np.zeros((3, 3)), np.zeros((3, 3), bool), [[1] * 3] * 3, 3]),
    ("validity_mask", "out", [read_only(np.full((3, 3), 7, np.uint8))]),
    ("validity_mask", "backend", ["gpu", "", 3]),
    ("CoarseMask", "values", [None, NODES[0], NODES[None], NODES[:0], NODES.astype(complex), "x", np.ma.ones((3, 4))]),
    ("CoarseMask", "values", [NODES * 255.0, NODES * np.inf, NODES * -0.5]),
    ("CoarseMask", "resolution", BAD_RESOLUTIONS),
    ("CoarseMask", "threshold", BAD_THRESHOLDS),
    ("Polygons", "valid", [*BAD_GEOMETRIES, [], Polygon(), [Polygon()], Polygon([(0, 0), (1, 1), (2, 2)])]),
    ("Polygons", "invalid", BAD_GEOMETRIES),
    ("Polygons", "origin", [(np.nan, 0), (0, np.inf)]),
    ("oversample", "nodes", [None, NODES[0], NODES[None, None], NODES[:0], NODES.astype(complex), "x"]),
    ("oversample", "resolution", BAD_RESOLUTIONS),
    ("oversample", "window", [Window(0, 0, 0, 3), Window(0, 0, 6, 3), Window(-1, 0, 2, 2)]),
]

WRONG_TYPES = [
    ("build_mask", "shape", ["ab", 3, (5,), (5, 6, 1), (5.0, 6.0), (None, 6)]),
    ("build_mask", "geometry_origin", [5, (1, 2, 3), ("a", "b"), (None, 0)]),
    ("build_mask", "geometry_pair", [BOX, (BOX,), (BOX, None, None), 3]),
    ("build_mask", "mask_in_target_win", WINDOWS_OF_WRONG_TYPE),
    ("build_mask", "mask_in_resolution", RESOLUTIONS_OF_WRONG_TYPE[:-2]),
    ("build_mask", "oversampling_dtype", DTYPES_OF_WRONG_TYPE),
    ("build_mask", "mask_in_binary_threshold", ["x", None, 1j, True, [0.5]]),
    ("build_mask", "rasterize_kwargs", [3, "alg", [1]]),
    ("grid_rasterize", "shape", ["ab", 3, (5,), (5, 6, 1), (5.0, 6.0), (None, 6)]),
    ("grid_rasterize", "origin", [5, (1, 2, 3), ("a", "b"), (None, 0)]),
    ("grid_rasterize", "resolution", [5, (1, 2, 3), ("a", "b"), (None, 0)]),
    ("grid_rasterize", "win", WINDOWS_OF_WRONG_TYPE),
    ("grid_rasterize", "inner_value", ["1", None, 1j, [1, 2]]),
    ("grid_rasterize", "outer_value", ["1", None, 1j, [1, 2]]),
    ("grid_rasterize", "default_value", ["1", None, 1j, [1, 2]]),
    ("grid_rasterize", "geometry", [*GEOMETRIES_OF_WRONG_TYPE, None]),
    ("grid_rasterize", "geometry_buffer_dst", ["x", 1j, [1, 2], object()]),
    ("oversample_regular_grid", "grid_oversampling_row", [1.5, None, "x", (2, 2)]),
    ("oversample_regular_grid", "grid_oversampling_col", [1.5, None, "x", (2, 2)]),
    ("oversample_regular_grid", "dtype", DTYPES_OF_WRONG_TYPE),
    ("oversample_regular_grid", "grid_mask_binarize_precision", ["x", None, 1j, True, [0.5]]),
    ("oversample_regular_grid", "grid_mask_dtype", DTYPES_OF_WRONG_TYPE),
    ("oversample_regular_grid", "win", WINDOWS_OF_WRONG_TYPE),
    ("interpolate_grid", "x", ["x", ["a", "b", "c", "d"], [[1], [2, 3]], object(), np.arange(4) * 1j]),
    ("interpolate_grid", "y_new", ["x", ["a"], [[1], [2, 3]], object(), [1j], [None]]),
    ("interpolate_grid", "dtype", DTYPES_OF_WRONG_TYPE),
    ("interpolate_grid", "mask_binarize_precision", ["x", None, 1j, True, [0.5]]),
    ("interpolate_grid", "mask_dtype", DTYPES_OF_WRONG_TYPE),
    ("build_grid", "grid_target_win", WINDOWS_OF_WRONG_TYPE),
    ("build_grid", "grid_resolution", RESOLUTIONS_OF_WRONG_TYPE),
    ("build_grid", "computation_dtype", DTYPES_OF_WRONG_TYPE),
    ("array_shift_grid_coordinates", "grid_shift", [5, (1, 2, 3), ("a", "b"), (None, 0)]),
    ("array_shift_grid_coordinates", "win", WINDOWS_OF_WRONG_TYPE),
    ("array_shift_grid_coordinates", "grid_nodata", ["x", 1j, [1, 2], object(), np.zeros((3, 3))]),
    ("grid_full_resolution_shape", "shape", ["ab", 3, (5,), (5, 6, 1), (5.0, 6.0), None]),
    ("grid_full_resolution_shape", "resolution", RESOLUTIONS_OF_WRONG_TYPE),
    ("validity_mask", "window", [None, 3, "ab", (3,), (1, 2, 3), (1.5, 2), (None, 3)]),
    ("CoarseMask", "resolution", RESOLUTIONS_OF_WRONG_TYPE),
    ("CoarseMask", "threshold", ["x", None, 1j, True, [0.5]]),
    ("Polygons", "valid", GEOMETRIES_OF_WRONG_TYPE),
    ("Polygons", "invalid", GEOMETRIES_OF_WRONG_TYPE),
    ("Polygons", "origin", [5, (1, 2, 3), ("a", "b"), None, (None, 0)]),
    ("oversample", "resolution", RESOLUTIONS_OF_WRONG_TYPE),
    ("oversample", "window", [(3, 3), 3, "ab", 0, (), np.zeros((2, 2))]),
]

# What is named, and arguments that can't be right together, or that stand inside another one.
BAD_TOGETHER = [
    ("build_mask", "shape", {"shape": None, "out": None, "mask_in_target_win": None}),
    ("build_mask", "mask_in_target_win", {"mask_in_target_win": None, "shape": (10, 6), "out": None}),
    ("build_mask", "mask_in_resolution", {"mask_in_resolution": None}),
    ("build_mask", "geometry_origin", {"geometry_origin": None, "geometry_pair": (None, [BOX])}),
    ("build_mask", "geometry_pair[0]", {"geometry_pair": (Polygon(), None)}),
    ("build_mask", "geometry_pair[0]", {"geometry_pair": (NAN, None)}),
    ("build_mask", "geometry_pair[1]", {"geometry_pair": (None, INF)}),
    ("build_mask", "rasterize_kwargs", {"rasterize_kwargs": {"alg": 3}}),
    ("build_mask", "rasterize_kwargs", {"rasterize_kwargs": {"alg": "rasterio"}}),
    ("build_mask", "rasterize_kwargs", {"rasterize_kwargs": {"alg": SHAPELY, "kwargs_alg": {"shapely_predicate": 9}}}),
    ("build_mask", "rasterize_kwargs", {"rasterize_kwargs": {"algorithm": SHAPELY}}),
    ("grid_rasterize", "grid_coords", dict.fromkeys(("grid_coords", *COORDS))),
    ("grid_rasterize", "grid_coords", {"grid_coords": (np.arange(6), np.arange(5))}),
    ("grid_rasterize", "shape, origin, resolution", {"origin": None}),
    ("grid_rasterize", "grid_coords", mesh([0, 1, 3], [0, 1])),
    ("grid_rasterize", "grid_coords", mesh([0, 1, 2], [0, 0])),
    ("grid_rasterize", "grid_coords", mesh([0, 1, np.nan], [0, 1])),
    ("grid_rasterize", "grid_coords", mesh([np.nan], [0, 1])),
    ("grid_rasterize", "grid_coords", mesh([0, 1], [np.inf])),
    ("grid_rasterize", "grid_coords", mesh([0, 1e-9, 9e-9], [0, 1])),
    ("grid_rasterize", "grid_coords", mesh(*np.meshgrid([0, 1, 2], [0, 1], indexing="ij"))),
    ("grid_rasterize", "output, dtype", {"dtype": np.uint8}),
    ("grid_rasterize", "output, dtype", {"output": None}),
    ("grid_rasterize", "output", {"win": np.array([[0, 1], [0, 1]])}),
    ("grid_rasterize", "shapely_predicate", {"alg": SHAPELY, "shapely_predicate": 9}),
    ("grid_rasterize", "shapely_predicate", {"alg": SHAPELY, "shapely_predicate": "covers"}),
    *(("grid_rasterize", "dtype", {"output": None, "dtype": bad}) for bad in BAD_DTYPES),
    ("oversample_regular_grid", "grid, grid_mask", {"grid": None, "grid_mask": None}),
    ("oversample_regular_grid", "dtype", {"grid": GRID.astype(int), "grid_mask": None}),
    ("oversample_regular_grid", "dtype", {"grid": GRID.astype(int)}),
    ("oversample_regular_grid", "dtype", {"grid": None}),
    ("interpolate_grid", "grid, grid_mask", {"grid": None, "grid_mask": None}),
    ("array_shift_grid_coordinates", "grid_mask_valid_value", {"grid_mask": NODES, "grid_mask_valid_value": 300}),
]

WRONG_TYPES_TOGETHER = [
    *(("build_mask", "geometry_pair[0]", {"geometry_pair": (bad, None)}) for bad in GEOMETRIES_OF_WRONG_TYPE),
    *(("build_mask", "geometry_pair[1]", {"geometry_pair": (BOX, bad)}) for bad in GEOMETRIES_OF_WRONG_TYPE),
    ("build_mask", "rasterize_kwargs", {"rasterize_kwargs": {"kwargs_alg": {"all_touched": True}}}),
    ("build_mask", "rasterize_kwargs", {"rasterize_kwargs": {"kwargs_alg": 3}}),
    ("grid_rasterize", "grid_coords", {"grid_coords": 3, **COORDS}),
    ("grid_rasterize", "grid_coords", {"grid_coords": (np.arange(3),), **COORDS}),
    ("grid_rasterize", "grid_coords", {"grid_coords": ("x", "y"), **COORDS}),
    ("grid_rasterize", "grid_coords", mesh([], [0, 1])),
    ("grid_rasterize", "grid_coords", mesh([0, 1], [[0, 1], [0, 1]])),
    ("grid_rasterize", "kwargs_alg", {"all_touched": True}),
    *(("grid_rasterize", "dtype", {"output": None, "dtype": bad}) for bad in DTYPES_OF_WRONG_TYPE),
    *(
        ("array_shift_grid_coordinates", "grid_mask_valid_value", {"grid_mask": NODES, "grid_mask_valid_value": bad})
        for bad in (None, 1.5, "x")
    ),
    ("validity_mask", "parts", {"part": BOX}),
    ("validity_mask", "parts", {"part": NODES}),
    ("validity_mask", "parts", {"part": None}),
]


def table(alone, together):
    """Return parameters of both kinds, whose ids are the function, the argument and which of its cases."""
    cases = [(function, named, {named: value}) for function, named, values in alone for value in values] + together
    ids = [f"{function}-{named}" for function, named, _ in cases]
    return [pytest.param(*case, id=f"{ids[i]}-{ids[:i].count(ids[i])}") for i, case in enumerate(cases)]


pytestmark = pytest.mark.usefixtures("on_every_backend")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_calls_without_changes_are_right(function):
    call(function, right(function))


def refused(function, named, changes, error):
    """Check that a call is refused by the argument's name, and that every array stays as it was."""
    arguments = right(function) | changes
    before = {name: np.array(value) for name, value in arguments.items() if isinstance(value, np.ndarray)}
    with pytest.raises(error, match=r"(?s)^[^:]+: .*expected") as caught:
        call(function, arguments)
    assert str(caught.value).startswith(f"{named}:")
    for name, array in before.items():
        np.testing.assert_array_equal(arguments[name], array)


@pytest.mark.parametrize(("function", "named", "changes"), table(BAD_VALUES, BAD_TOGETHER))
def test_a_call_that_cannot_be_right_is_refused_by_name_and_changes_nothing(function, named, changes):
    refused(function, named, changes, GpumaskError)


@pytest.mark.parametrize(("function", "named", "changes"), table(WRONG_TYPES, WRONG_TYPES_TOGETHER))
def test_an_argument_of_a_wrong_type_is_a_type_error_too_and_changes_nothing(function, named, changes):
    refused(function, named, changes, ArgumentTypeError)


def test_no_polygons_and_no_masks_are_no_error():
    assert gpumask.validity_mask((2, 3)).all()
    assert gpumask.validity_mask((2, 3), Polygons()).all()
