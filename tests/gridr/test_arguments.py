"""What the GridR-shaped functions refuse: with GpumaskError, a ValueError, that names the argument, before any work.

Where GridR raises TypeError, so do we: ArgumentTypeError is both.
"""

import contextlib

import numpy as np
import pytest
from gridr_scenes import names, write

import gpumask
from gpumask import ArgumentTypeError, GpumaskError

ROW, COL = np.mgrid[0:8.0, 0:9.0]
SOURCE = np.arange(72.0).reshape(8, 9)
ONES = np.ones((8, 9), np.uint8)
GEOMETRY = [object()]


def read_only(array):
    array.setflags(write=False)
    return array


# The argument that is named, and the arguments that differ from a call that is right.
REFUSED_VALUES = [
    ("interp", {"interp": "spline"}),
    ("interp", {"interp": "Cubic"}),
    ("interp", {"interp": None}),
    ("interp", {"interp": 3}),
    ("interp", {"interp": "bspline4", "interp_kwargs": {"epsilon": 1e-6, "mask_influence_threshold": 1e-3}}),
    ("interp", {"interp": gpumask.gridr.LinearInterpolator}),
    ("interp_kwargs", {"interp": "bspline3", "interp_kwargs": {"epsilon": 1, "mask_influence_threshold": 1e-3}}),
    ("interp_kwargs", {"interp": "bspline3", "interp_kwargs": {"epsilon": 1e-6, "mask_influence_threshold": 0}}),
    ("array_in", {"array_in": SOURCE[0]}),
    ("array_in", {"array_in": SOURCE[None, None]}),
    ("array_in", {"array_in": np.zeros((0, 5))}),
    ("array_in", {"array_in": SOURCE.astype(complex)}),
    ("array_in", {"array_in": SOURCE.astype("datetime64[s]")}),
    ("array_in", {"array_in": [[1, 2], [3]]}),
    ("array_in", {"array_in": None}),
    ("array_in_mask", {"array_in_mask": ONES[:, :8]}),
    ("array_in_mask", {"array_in_mask": ONES.T}),
    ("array_in_mask", {"array_in_mask": ONES[None]}),
    ("array_in_mask", {"array_in_mask": ONES * 0.5}),
    ("array_in_mask", {"array_in_mask": ONES * 2.0}),
    ("array_in_mask", {"array_in_mask": ONES.astype(complex)}),
    ("array_in_mask", {"array_in_mask": 1}),
    ("grid_row", {"grid_row": ROW[0]}),
    ("grid_row", {"grid_row": ROW[:0], "grid_col": COL[:0]}),
    ("grid_row", {"grid_row": ROW.astype(complex)}),
    ("grid_row", {"grid_row": None}),
    ("grid_col", {"grid_col": COL.T}),
    ("grid_col", {"grid_col": None}),
    ("grid_resolution", {"grid_resolution": (0, 1)}),
    ("grid_resolution", {"grid_resolution": (1, -2)}),
    ("grid_mask", {"grid_mask": ONES.T}),
    ("grid_mask", {"grid_mask": 1}),
    ("grid_mask_valid_value", {"grid_mask": ONES, "grid_mask_valid_value": None}),
    ("grid_mask_valid_value", {"grid_mask": ONES, "grid_mask_valid_value": 300}),
    ("grid_mask_valid_value", {"grid_mask": ONES, "grid_mask_valid_value": -1}),
    ("grid_mask, grid_nodata", {"grid_mask": ONES, "grid_nodata": -9}),
    ("win", {"win": np.array([[0, 8], [0, 8]])}),
    ("win", {"win": np.array([[0, 1], [7, 9]])}),
    ("win", {"win": np.array([[-1, 1], [0, 1]])}),
    ("win", {"win": np.array([[3, 2], [0, 1]])}),
    ("win", {"win": np.array([0, 1])}),
    ("array_out", {"array_out": np.zeros((7, 9))}),
    ("array_out", {"array_out": np.zeros((2, 8, 9))}),
    ("array_out", {"array_out": np.zeros(72)}),
    ("array_out", {"array_out": np.zeros((1, 1, 8, 9))}),
    ("array_out", {"array_out": np.zeros((8, 9), complex)}),
    ("array_out", {"array_out": np.zeros((8, 9), np.float16)}),
    ("array_out", {"array_out": [[0.0] * 9] * 8}),
    ("array_out", {"array_out": read_only(np.zeros((8, 9)))}),
    ("array_out_win", {"array_out": np.zeros((9, 9)), "array_out_win": np.array([[2, 9], [0, 8]])}),
    ("array_out_win", {"array_out": np.zeros((9, 9)), "array_out_win": np.array([[0, 7], [0, 7]])}),
    ("array_out_win", {"array_out": np.zeros((9, 9)), "array_out_win": np.array([[-1, 6], [0, 8]])}),
    ("array_out_mask", {"array_out_mask": np.zeros((8, 9), bool)}),
    ("array_out_mask", {"array_out_mask": np.zeros((8, 8), np.uint8)}),
    ("array_out_mask", {"array_out_mask": np.zeros((1, 8, 9), np.uint8)}),
    ("array_out_mask", {"array_out_mask": np.zeros(8, np.uint8)}),
    ("array_out_mask", {"array_out_mask": read_only(np.zeros((8, 9), np.uint8))}),
    ("array_in_origin", {"array_in_origin": (1, 0)}),
    ("array_in_origin", {"array_in_origin": (1, 2, 3), "standalone": False}),
    ("array_in_origin", {"array_in_origin": (np.nan, 0), "standalone": False}),
    ("boundary_condition", {"boundary_condition": "nearest"}),
    ("nodata_out", {"nodata_out": "x"}),
    ("nodata_out", {"nodata_out": -9999, "array_out": np.zeros((8, 9), np.uint8)}),
    ("nodata_out", {"nodata_out": None, "array_out": np.zeros((8, 9), np.uint8)}),
    ("nodata_out", {"nodata_out": 0.5, "array_out": np.zeros((8, 9), np.int16)}),
    ("nodata_out", {"nodata_out": np.inf, "array_out": np.zeros((8, 9), np.int32)}),
    ("nodata_out", {"nodata_out": 2**64, "array_out": np.zeros((8, 9), np.uint64)}),
    ("nodata_out", {"nodata_out": 1e39, "array_out": np.zeros((8, 9), np.float32)}),
]

REFUSED_TYPES = [
    ("interp_kwargs", {"interp_kwargs": {"epsilon": 1e-6}}),
    ("interp_kwargs", {"interp_kwargs": 3}),
    ("interp_kwargs", {"interp": "bspline3"}),
    ("interp_kwargs", {"interp": "bspline3", "interp_kwargs": {"epsilon": "x", "mask_influence_threshold": 1e-3}}),
    ("boundary_condition", {"boundary_condition": 3}),
    ("grid_resolution", {"grid_resolution": (1.5, 1)}),
    ("grid_resolution", {"grid_resolution": (np.inf, 1)}),
    ("grid_resolution", {"grid_resolution": 3}),
    ("grid_resolution", {"grid_resolution": None}),
    ("grid_mask_valid_value", {"grid_mask": ONES, "grid_mask_valid_value": "x"}),
    ("grid_mask_valid_value", {"grid_mask": ONES, "grid_mask_valid_value": 1.5}),
    ("grid_nodata", {"grid_nodata": "x"}),
    ("grid_nodata", {"grid_nodata": 1j}),
    ("win", {"win": "all"}),
    ("win", {"win": [[0, 1], [0]]}),
    ("win", {"win": np.array([[0.0, 1.0], [0.0, 1.0]])}),
    ("array_out_win", {"array_out": np.zeros((8, 9)), "array_out_win": 3}),
    ("array_in_origin", {"array_in_origin": 5, "standalone": False}),
    ("array_in_origin", {"array_in_origin": ("a", "b"), "standalone": False}),
    ("nodata_out", {"nodata_out": 1j}),
]


def resample_array(changes):
    """Call array_grid_resampling rightly but for some arguments; return the arrays that it was to fill."""
    right = {"interp": "linear", "array_in": SOURCE, "grid_row": ROW, "grid_col": COL, "grid_resolution": (1, 1)}
    return gpumask.array_grid_resampling(**right | {"array_out": None} | changes)


def test_the_call_without_changes_is_right():
    np.testing.assert_array_equal(resample_array({})[0], SOURCE)


@pytest.mark.parametrize(("named", "changes"), REFUSED_VALUES, ids=names(REFUSED_VALUES))
def test_an_array_call_that_cannot_be_right_is_refused_by_name(named, changes):
    with pytest.raises(GpumaskError, match=f"^{named}: .*(expected|not supported)"):
        resample_array(changes)


@pytest.mark.parametrize(("named", "changes"), REFUSED_TYPES, ids=names(REFUSED_TYPES))
def test_an_argument_of_a_wrong_type_is_a_type_error_too(named, changes):
    with pytest.raises(ArgumentTypeError, match=f"^{named}: .*expected") as caught:
        resample_array(changes)
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("named", "changes"),
    [
        ("win", {"win": np.array([[0, 8], [0, 8]])}),
        ("array_out_win", {"array_out_win": np.array([[0, 7], [0, 7]])}),
        ("array_out_mask", {"array_out_mask": np.zeros((8, 9), bool)}),
        ("array_in_mask", {"array_in_mask": ONES * 0.5}),
        ("array_in_mask", {"array_in_mask": ONES.T}),
        ("grid_col", {"grid_col": COL.T}),
        ("nodata_out", {"nodata_out": "x"}),
    ],
)
def test_a_refused_array_call_leaves_the_outputs_as_they_were(named, changes):
    outputs = {"array_out": np.full((10, 10), 5.0), "array_out_mask": np.full((10, 10), 9, np.uint8)}
    with pytest.raises(GpumaskError, match=f"^{named}:"):
        resample_array(outputs | changes)
    assert (outputs["array_out"] == 5).all()
    assert (outputs["array_out_mask"] == 9).all()


# Datasets by name; what stands here instead of a dataset is one of these.
DATASETS = {
    "grid": np.array([ROW, COL]),
    "one band": ROW[None],
    "small": np.ones((1, 7, 9), np.uint8),
    "small float": np.ones((1, 7, 9)),
    "source": np.array([SOURCE, SOURCE + 1]).astype(np.uint8),
    "complex": SOURCE[None].astype(np.complex64),
    "mask": ONES[None],
    "mask16": ONES[None].astype(np.uint16),
    "out": np.full((1, 8, 9), 5, np.uint8),
    "out float": np.full((1, 8, 9), 5.0),
    "out2": np.full((2, 8, 9), 5, np.uint8),
    "out complex": np.full((1, 8, 9), 5, np.complex64),
    "mask out": np.full((1, 8, 9), 5, np.uint8),
    "mask out16": np.full((1, 8, 9), 5, np.uint16),
}

MASKED = {"array_src_mask_ds": "mask", "array_src_mask_band": 1, "array_src_mask_validity_pair": (1, 0)}
GRID_MASKED = {"grid_mask_in_ds": "mask", "grid_mask_in_band": 1, "grid_mask_in_unmasked_value": 1}

REFUSED_VALUES_OF_THE_CHAIN = [
    ("interp", {"interp": "spline"}),
    ("boundary_condition", {"boundary_condition": "mirror"}),
    ("trust_padding", {"boundary_condition": "edge", "trust_padding": None}),
    ("grid_row_coords_band", {"grid_row_coords_band": 3}),
    ("grid_row_coords_band", {"grid_row_coords_band": 0}),
    ("grid_row_coords_band", {"grid_ds": "complex", "grid_row_coords_band": 1, "grid_col_ds": "one band"}),
    ("grid_row_coords_band, grid_col_coords_band", {"grid_col_coords_band": 1}),
    ("grid_col_coords_band", {"grid_col_coords_band": -1}),
    ("grid_col_coords_band", {"grid_col_ds": "one band"}),
    ("grid_col_ds", {"grid_col_ds": "small float", "grid_col_coords_band": 1}),
    ("grid_resolution", {"grid_resolution": (0, 1)}),
    ("array_src_bands", {"array_src_bands": 3}),
    ("array_src_bands", {"array_src_bands": 0}),
    ("array_src_bands", {"array_src_bands": []}),
    ("array_src_bands", {"array_src_ds": "complex"}),
    ("array_out_ds", {"array_out_ds": "small"}),
    ("array_out_ds", {"array_out_ds": "out2"}),
    ("array_out_ds", {"array_src_bands": [1, 2]}),
    ("array_out_ds", {"array_out_ds": "out complex"}),
    ("nodata_out", {"nodata_out": -1}),
    ("nodata_out", {"nodata_out": None}),
    ("nodata_out", {"nodata_out": 0.5}),
    ("nodata_out", {"nodata_out": "x"}),
    ("win", {"win": np.array([[0, 8], [0, 8]])}),
    ("win", {"win": np.array([[-1, 3], [0, 8]])}),
    ("win", {"win": np.array([[3, 2], [0, 8]])}),
    ("grid_shift", {"grid_shift": (1, 2, 3)}),
    ("grid_shift", {"grid_shift": (0, np.inf)}),
    ("array_src_mask_ds", {**MASKED, "array_src_mask_ds": "small"}),
    ("array_src_mask_validity_pair", {**MASKED, "array_src_mask_validity_pair": (1,)}),
    ("array_src_mask_validity_pair", {**MASKED, "array_src_mask_validity_pair": (300, 0)}),
    ("mask_out_ds", {"mask_out_ds": "mask out16"}),
    ("mask_out_ds", {"mask_out_ds": "small"}),
    ("grid_mask_in_ds", {**GRID_MASKED, "grid_mask_in_ds": "small"}),
    ("grid_mask_in_unmasked_value", {**GRID_MASKED, "grid_mask_in_unmasked_value": None}),
    ("grid_mask_in_unmasked_value", {**GRID_MASKED, "grid_mask_in_unmasked_value": -1}),
    ("grid_mask_in_unmasked_value", {**GRID_MASKED, "grid_mask_in_unmasked_value": 256}),
    ("io_strip_size_target", {"io_strip_size_target": 3}),
    ("tile_shape", {"tile_shape": (3, 4, 5)}),
]

REFUSED_TYPES_OF_THE_CHAIN = [
    ("interp_kwargs", {"interp": "bspline5"}),
    ("interp_kwargs", {"interp_kwargs": {"epsilon": 1e-6}}),
    ("grid_row_coords_band", {"grid_row_coords_band": "row"}),
    ("grid_resolution", {"grid_resolution": 4}),
    ("array_src_bands", {"array_src_bands": None}),
    ("array_src_bands", {"array_src_bands": [1.5]}),
    ("array_src_bands", {"array_src_bands": "1"}),
    ("win", {"win": 3}),
    ("grid_shift", {"grid_shift": 3}),
    ("grid_shift", {"grid_shift": ("a", "b")}),
    ("array_src_mask_ds", {**MASKED, "array_src_mask_ds": "mask16"}),
    ("array_src_mask_band, ", {**MASKED, "array_src_mask_band": None}),
    ("array_src_mask_band, ", {**MASKED, "array_src_mask_validity_pair": None}),
    ("array_src_mask_validity_pair", {**MASKED, "array_src_mask_validity_pair": 1}),
    ("array_src_geometry_pair", {"array_src_geometry_pair": (GEOMETRY, None)}),
    ("array_src_geometry_pair", {"array_src_geometry_pair": (None, GEOMETRY)}),
    ("array_src_geometry_pair", {"array_src_geometry_pair": GEOMETRY}),
    ("grid_mask_in_ds", {**GRID_MASKED, "grid_mask_in_ds": "mask16"}),
    ("grid_mask_in_unmasked_value", {**GRID_MASKED, "grid_mask_in_unmasked_value": "x"}),
    ("io_strip_size", {"io_strip_size": None}),
    ("io_strip_size", {"io_strip_size": 10.0}),
    ("tile_shape", {"tile_shape": 1000}),
    ("tile_shape", {"tile_shape": (10.5, 10)}),
]


@pytest.fixture
def datasets():
    with contextlib.ExitStack() as stack:
        yield {name: write(stack, array) for name, array in DATASETS.items()}


def resample_files(datasets, changes):
    """Call basic_grid_resampling_chain rightly but for some arguments."""
    right = {"grid_ds": "grid", "grid_row_coords_band": 1, "grid_col_coords_band": 2, "grid_resolution": (1, 1)}
    right |= {"array_src_ds": "source", "array_src_bands": 1, "array_out_ds": "out", "mask_out_ds": "mask out"}
    right |= {"interp": "linear", "nodata_out": 0}
    arguments = {
        name: datasets[value] if name.endswith("_ds") and value is not None else value
        for name, value in (right | changes).items()
    }
    return gpumask.basic_grid_resampling_chain(**arguments)


def assert_unwritten(datasets):
    for name, dataset in datasets.items():
        np.testing.assert_array_equal(dataset.read(), DATASETS[name])


@pytest.mark.parametrize("changes", [{}, MASKED, GRID_MASKED, {"array_src_geometry_pair": (None, None)}])
def test_the_chain_without_such_changes_is_right(datasets, changes):
    assert resample_files(datasets, changes) == 1
    np.testing.assert_array_equal(datasets["out"].read(1), SOURCE)
    np.testing.assert_array_equal(datasets["mask out"].read(1), ONES)


@pytest.mark.parametrize(("named", "changes"), REFUSED_VALUES_OF_THE_CHAIN, ids=names(REFUSED_VALUES_OF_THE_CHAIN))
def test_a_chain_call_that_cannot_be_right_is_refused_by_name_and_writes_nothing(datasets, named, changes):
    with pytest.raises(GpumaskError, match=f"^{named}: .*(expected|not supported)"):
        resample_files(datasets, changes)
    assert_unwritten(datasets)


@pytest.mark.parametrize(("named", "changes"), REFUSED_TYPES_OF_THE_CHAIN, ids=names(REFUSED_TYPES_OF_THE_CHAIN))
def test_a_chain_argument_of_a_wrong_type_is_a_type_error_too_and_writes_nothing(datasets, named, changes):
    with pytest.raises(ArgumentTypeError, match=f"^{named}.*: .*expected"):
        resample_files(datasets, changes)
    assert_unwritten(datasets)


def test_the_number_of_processes_changes_nothing(datasets):
    assert resample_files(datasets, {"ncpu": 5, "trust_padding": True, "logger": None}) == 1
    np.testing.assert_array_equal(datasets["out"].read(1), SOURCE)
