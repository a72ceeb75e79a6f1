"""What the chains for masks and grids refuse: by the name of the argument, before anything is written."""

import contextlib

import numpy as np
import pytest
from gridr_scenes import names, write
from rasterio.io import MemoryFile
from shapely import Polygon, box

import gpumask
from gpumask import ArgumentTypeError, GpumaskError

ROW, COL = np.mgrid[0:3.0, 0:4.0]
MASK = np.ones((1, 3, 4), np.uint8)
MASK[0, 1, 1] = 0
BOX = box(1, 1, 9, 4)
HOLE = box(7, 1, 8, 2)
with np.errstate(invalid="ignore"):
    NAN = Polygon([(0, 0), (np.nan, 1), (1, 1)])
INFINITE = Polygon([(0, 0), (np.inf, 1), (1, 1)])

# At resolution (2, 3), 3 x 4 nodes are 5 x 10 pixels.
DATASETS = {
    "grid": np.array([ROW, COL]),
    "grid of integers": np.array([ROW, COL]).astype(np.int16),
    "grid complex": np.array([ROW, COL]).astype(np.complex64),
    "grid turned": np.array([ROW.T, COL.T]),
    "row": ROW[None],
    "mask": MASK,
    "mask turned": MASK.transpose(0, 2, 1),
    "mask complex": MASK.astype(np.complex64),
    "shares beyond 1": np.array([[[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 2.5]]]),
    "out": np.full((2, 5, 10), 9.0),
    "out of floats": np.full((2, 5, 10), 9, np.float32),
    "out of integers": np.full((2, 5, 10), 9, np.int16),
    "out complex": np.full((2, 5, 10), 9, np.complex64),
    "out of one band": np.full((1, 5, 10), 9.0),
    "out too narrow": np.full((2, 5, 9), 9.0),
    "out too low": np.full((2, 4, 10), 9.0),
    "mask out": np.full((1, 5, 10), 9, np.uint8),
    "mask out signed": np.full((1, 5, 10), 9, np.int8),
    "mask out complex": np.full((1, 5, 10), 9, np.complex64),
    "mask out too narrow": np.full((1, 5, 9), 9, np.uint8),
}

# The argument that is named, and the arguments that differ from a call that is right: of both chains.
REFUSED_BY_BOTH = [
    ("resolution", {"resolution": 0}),
    ("resolution", {"resolution": None}),
    ("resolution", {"resolution": (0, 1)}),
    ("resolution", {"resolution": (2, -3)}),
    ("resolution", {"resolution": (2.5, 3)}),
    ("resolution", {"resolution": (2, 3, 4)}),
    ("mask_out_ds", {"mask_out_ds": "no dataset"}),
    ("mask_out_ds", {"mask_out_ds": 3}),
    ("mask_out_ds", {"mask_out_ds": "read only"}),
    ("mask_out_ds", {"mask_out_ds": "mask out closed"}),
    ("mask_out_ds", {"mask_out_ds": "mask out too narrow"}),
    ("mask_out_ds", {"mask_out_ds": "mask out complex"}),
    ("mask_out_ds", {"resolution": (3, 3), "grid_out_ds": "out"}),
    ("mask_out_dtype", {"mask_out_dtype": None}),
    ("mask_out_dtype", {"mask_out_dtype": "no dtype"}),
    ("mask_out_dtype", {"mask_out_dtype": 3}),
    ("mask_out_dtype", {"mask_out_dtype": complex}),
    ("mask_out_dtype", {"mask_out_dtype": object}),
    ("mask_out_dtype", {"mask_out_dtype": "datetime64[s]"}),
    ("mask_in_ds", {"mask_in_ds": "no dataset"}),
    ("mask_in_ds", {"mask_in_ds": np.ones((3, 4))}),
    ("mask_in_ds", {"mask_in_ds": "mask closed"}),
    ("mask_in_ds", {"mask_in_ds": "mask turned"}),
    ("mask_in_ds", {"mask_in_ds": "shares beyond 1", "cpu_tile_shape": (1, 1)}),
    ("mask_in_band", {"mask_in_band": None}),
    ("mask_in_band", {"mask_in_band": 0}),
    ("mask_in_band", {"mask_in_band": 2}),
    ("mask_in_band", {"mask_in_band": "1"}),
    ("mask_in_band", {"mask_in_ds": "mask complex"}),
    ("mask_in_unmasked_value", {"mask_in_unmasked_value": None}),
    ("mask_in_unmasked_value", {"mask_in_unmasked_value": 256}),
    ("mask_in_unmasked_value", {"mask_in_unmasked_value": -1}),
    ("mask_in_unmasked_value", {"mask_in_unmasked_value": 1.0}),
    ("mask_in_unmasked_value", {"mask_in_unmasked_value": "1"}),
    ("computation_dtype", {"computation_dtype": int}),
    ("computation_dtype", {"computation_dtype": None}),
    ("computation_dtype", {"computation_dtype": complex}),
    ("computation_dtype", {"computation_dtype": "no dtype"}),
    ("computation_dtype", {"computation_dtype": 3}),
    ("geometry_origin", {"geometry_origin": None, "geometry_pair": (BOX, None)}),
    ("geometry_origin", {"geometry_origin": None, "geometry_pair": (None, [BOX])}),
    ("geometry_origin", {"geometry_origin": 3, "geometry_pair": (BOX, None)}),
    ("geometry_origin", {"geometry_origin": (1, 2, 3), "geometry_pair": (BOX, None)}),
    ("geometry_origin", {"geometry_origin": (np.nan, 0), "geometry_pair": (BOX, None)}),
    ("geometry_pair", {"geometry_pair": (BOX, None, None)}),
    ("geometry_pair", {"geometry_pair": (BOX,)}),
    ("geometry_pair", {"geometry_pair": BOX}),
    ("geometry_pair", {"geometry_pair": 3}),
    ("geometry_pair[0]", {"geometry_pair": (3, None)}),
    ("geometry_pair[0]", {"geometry_pair": (BOX.exterior, None)}),
    ("geometry_pair[0]", {"geometry_pair": (Polygon(), None)}),
    ("geometry_pair[0]", {"geometry_pair": (NAN, None)}),
    ("geometry_pair[0]", {"geometry_pair": ([BOX, INFINITE], None)}),
    ("geometry_pair[0]", {"geometry_pair": "ab"}),
    ("geometry_pair[1]", {"geometry_pair": (None, 3)}),
    ("geometry_pair[1]", {"geometry_pair": (BOX, [BOX, NAN])}),
    ("geometry_pair[1]", {"geometry_pair": (None, INFINITE)}),
    ("rasterize_kwargs", {"geometry_pair": (BOX, None), "rasterize_kwargs": 3}),
    ("rasterize_kwargs", {"geometry_pair": (BOX, None), "rasterize_kwargs": "alg"}),
    ("rasterize_kwargs", {"geometry_pair": (BOX, None), "rasterize_kwargs": {"alg": 9}}),
    ("rasterize_kwargs", {"geometry_pair": (BOX, None), "rasterize_kwargs": {"alg": 1, "kwargs_alg": 3}}),
    ("mask_out_values", {"mask_out_values": 3}),
    ("mask_out_values", {"mask_out_values": (1,)}),
    ("mask_out_values", {"mask_out_values": (1, 0, 0)}),
    ("mask_out_values", {"mask_out_values": (256, 0)}),
    ("mask_out_values", {"mask_out_values": (1, -1)}),
    ("mask_out_values", {"mask_out_values": (0.5, 0)}),
    ("mask_out_values", {"mask_out_values": (np.nan, 0)}),
    ("mask_out_values", {"mask_out_values": (None, 0)}),
    ("mask_out_values", {"mask_out_values": "10"}),
    ("mask_out_values", {"mask_out_values": (1, 1)}),
    ("mask_out_dtype", {"mask_out_values": (255, 0), "mask_out_dtype": bool}),
    ("mask_out_values", {"mask_out_values": (255, 0), "mask_out_dtype": np.int8}),
    ("mask_out_values", {"mask_out_values": (255, 0), "mask_out_ds": "mask out signed"}),
    ("io_strip_size", {"io_strip_size": None}),
    ("io_strip_size", {"io_strip_size": 10.0}),
    ("io_strip_size", {"io_strip_size": "10"}),
    ("io_strip_size_target", {"io_strip_size_target": 3}),
    ("io_strip_size_target", {"io_strip_size_target": None}),
    ("io_strip_size_target", {"io_strip_size_target": "INPUT"}),
    ("io_strip_size_target", {"io_strip_size_target": np.array([1, 2])}),
    ("cpu_tile_shape", {"cpu_tile_shape": 3}),
    ("cpu_tile_shape", {"cpu_tile_shape": (3, 4, 5)}),
    ("cpu_tile_shape", {"cpu_tile_shape": (3.5, 4)}),
    ("cpu_tile_shape", {"cpu_tile_shape": (None, 4)}),
]

NO_MASK_IN = {"mask_in_ds": None, "mask_in_band": None, "mask_in_unmasked_value": None}

REFUSED_BY_THE_MASKS_CHAIN = [
    ("shape", {"shape": None}),
    ("shape", {"shape": 3}),
    ("shape", {"shape": (3,)}),
    ("shape", {"shape": (3, 4, 5)}),
    ("shape", {"shape": (3.0, 4.0)}),
    ("shape", {"shape": "34"}),
    ("shape", {**NO_MASK_IN, "shape": (0, 4), "resolution": (1, 1)}),
    ("shape", {**NO_MASK_IN, "shape": (-3, 4)}),
    ("mask_in_ds", {"shape": (4, 3), "mask_out_ds": None}),
    ("mask_out_ds", {**NO_MASK_IN, "shape": (4, 4)}),
]

REFUSED_BY_THE_GRIDS_CHAIN = [
    ("grid_in_ds", {"grid_in_ds": None}),
    ("grid_in_ds", {"grid_in_ds": "no dataset"}),
    ("grid_in_ds", {"grid_in_ds": "grid closed"}),
    ("grid_in_row_coords_band", {"grid_in_ds": "grid complex"}),
    ("mask_in_ds", {"grid_in_ds": "grid turned", "grid_out_ds": "out", "resolution": (1, 1)}),
    ("grid_in_row_coords_band", {"grid_in_row_coords_band": None}),
    ("grid_in_row_coords_band", {"grid_in_row_coords_band": 0}),
    ("grid_in_row_coords_band", {"grid_in_row_coords_band": 3}),
    ("grid_in_row_coords_band", {"grid_in_row_coords_band": 1.0}),
    ("grid_in_col_coords_band", {"grid_in_col_coords_band": 1}),
    ("grid_in_col_coords_band", {"grid_in_col_coords_band": 3}),
    ("grid_in_col_coords_band", {"grid_in_col_coords_band": "2"}),
    ("grid_in_col_coords_band", {"grid_in_ds": "row"}),
    ("grid_in_col_coords_band", {"grid_in_col_ds": "row"}),
    ("grid_in_col_ds", {"grid_in_col_ds": "no dataset"}),
    ("grid_in_col_ds", {"grid_in_col_ds": "grid closed"}),
    ("grid_in_col_ds", {"grid_in_col_ds": "grid turned"}),
    ("grid_out_ds", {"grid_out_ds": None}),
    ("grid_out_ds", {"grid_out_ds": "read only"}),
    ("grid_out_ds", {"grid_out_ds": "out closed"}),
    ("grid_out_ds", {"grid_out_ds": "out too narrow"}),
    ("grid_out_ds", {"grid_out_ds": "out too low"}),
    ("grid_out_row_coords_band", {"grid_out_ds": "out complex"}),
    ("grid_out_row_coords_band", {"grid_out_row_coords_band": None}),
    ("grid_out_row_coords_band", {"grid_out_row_coords_band": 3}),
    ("grid_out_col_coords_band", {"grid_out_col_coords_band": 1}),
    ("grid_out_col_coords_band", {"grid_out_col_coords_band": 0}),
    ("grid_out_col_coords_band", {"grid_out_col_coords_band": 2.0}),
    ("grid_out_col_coords_band", {"grid_out_ds": "out of one band"}),
    ("grid_out_col_coords_band", {"grid_out_col_ds": "out of one band"}),
    ("grid_out_col_ds", {"grid_out_col_ds": "no dataset"}),
    ("grid_out_col_ds", {"grid_out_col_ds": "read only"}),
    ("grid_out_col_ds", {"grid_out_col_ds": "out closed"}),
    ("grid_out_col_ds", {"grid_out_col_ds": "out too low"}),
    ("mask_out_ds", {"grid_out_ds": "out of integers", "mask_out_ds": "out of integers"}),
    ("merge_mask_grid", {"merge_mask_grid": "x"}),
    ("merge_mask_grid", {"merge_mask_grid": 1j}),
    ("merge_mask_grid", {"merge_mask_grid": [1]}),
    ("merge_mask_grid", {"merge_mask_grid": 1e300, "grid_out_ds": "out of floats"}),
    ("merge_mask_grid", {"merge_mask_grid": np.nan, "grid_out_ds": "out of integers"}),
    ("merge_mask_grid", {"merge_mask_grid": 0.5, "grid_out_ds": "out of integers"}),
    ("merge_mask_grid", {"merge_mask_grid": 40000, "grid_out_col_ds": "out of integers"}),
    ("computation_dtype", {**NO_MASK_IN, "computation_dtype": int}),
]

OF_A_WRONG_TYPE = [
    ("resolution", {"resolution": 3}),
    ("mask_in_band", {"mask_in_band": None}),
    ("mask_in_unmasked_value", {"mask_in_unmasked_value": None}),
    ("geometry_pair", {"geometry_pair": (BOX, None, None)}),
    ("geometry_pair[0]", {"geometry_pair": (3, None)}),
    ("geometry_origin", {"geometry_origin": ("a", "b"), "geometry_pair": (BOX, None)}),
    ("mask_out_values", {"mask_out_values": 3}),
    ("mask_out_values", {"mask_out_values": ("1", "0")}),
    ("mask_out_ds", {"mask_out_ds": 3}),
    ("io_strip_size", {"io_strip_size": None}),
    ("cpu_tile_shape", {"cpu_tile_shape": (3.5, 4)}),
]


@pytest.fixture
def datasets():
    with contextlib.ExitStack() as stack:
        found = {name: write(stack, array) for name, array in DATASETS.items()}
        for name in ("grid", "mask", "out", "mask out"):
            found[f"{name} closed"] = write(stack, DATASETS[name])
            found[f"{name} closed"].close()
        memory = stack.enter_context(MemoryFile())
        with memory.open(**found["out"].profile) as writer:
            writer.write(DATASETS["out"])
        yield found | {"read only": stack.enter_context(memory.open())}


def build(function, datasets, changes):
    """Call a chain rightly but for some arguments; a dataset goes by its name."""
    right = {"resolution": (2, 3), "mask_out_ds": "mask out", "mask_out_dtype": np.uint8, "mask_in_ds": "mask"}
    right |= {"mask_in_unmasked_value": 1, "mask_in_band": 1, "computation_dtype": np.float64}
    right |= {"geometry_origin": (0, 0), "geometry_pair": None}
    if function is gpumask.build_mask_chain:
        right |= {"shape": (3, 4)}
        changes = {name: value for name, value in changes.items() if not name.startswith("grid")}
    else:
        right |= {"grid_in_ds": "grid", "grid_in_col_ds": None, "grid_out_ds": "out", "grid_out_col_ds": None}
        right |= {f"grid_{way}_{axis}_coords_band": band for way in ("in", "out") for axis, band in AXES.items()}
    arguments = {
        name: datasets.get(value, value) if isinstance(value, str) else value
        for name, value in (right | changes).items()
    }
    return function(**arguments)


AXES = {"row": 1, "col": 2}


def assert_unwritten(datasets):
    for name, array in DATASETS.items():
        np.testing.assert_array_equal(datasets[name].read(), array)


def assert_refused(function, datasets, named, changes):
    with pytest.raises(GpumaskError) as caught:
        build(function, datasets, changes)
    assert str(caught.value).startswith(f"{named}: ")
    assert "expected" in str(caught.value)
    assert_unwritten(datasets)
    return caught.value


BOTH = pytest.mark.parametrize("function", [gpumask.build_mask_chain, gpumask.build_grid_mask_chain])
EXPECTED = gpumask.oversample(MASK[0].astype(float), (2, 3), backend="numpy") == 1


@BOTH
def test_the_call_without_changes_is_right(datasets, function):
    assert build(function, datasets, {}) == 1
    np.testing.assert_array_equal(datasets["mask out"].read(1), EXPECTED)
    if function is gpumask.build_grid_mask_chain:
        np.testing.assert_allclose(datasets["out"].read(), np.mgrid[0:2:5j, 0:3:10j])


@BOTH
@pytest.mark.parametrize(("named", "changes"), REFUSED_BY_BOTH, ids=names(REFUSED_BY_BOTH))
def test_a_call_that_cannot_be_right_is_refused_by_name_and_writes_nothing(datasets, function, named, changes):
    assert_refused(function, datasets, named, changes)


@pytest.mark.parametrize(("named", "changes"), REFUSED_BY_THE_MASKS_CHAIN, ids=names(REFUSED_BY_THE_MASKS_CHAIN))
def test_a_mask_that_cannot_be_right_is_refused_by_name_and_writes_nothing(datasets, named, changes):
    assert_refused(gpumask.build_mask_chain, datasets, named, changes)


@pytest.mark.parametrize(("named", "changes"), REFUSED_BY_THE_GRIDS_CHAIN, ids=names(REFUSED_BY_THE_GRIDS_CHAIN))
def test_a_grid_that_cannot_be_right_is_refused_by_name_and_writes_nothing(datasets, named, changes):
    assert_refused(gpumask.build_grid_mask_chain, datasets, named, changes)


@BOTH
@pytest.mark.parametrize(("named", "changes"), OF_A_WRONG_TYPE, ids=names(OF_A_WRONG_TYPE))
def test_an_argument_of_a_wrong_type_is_a_type_error_too(datasets, function, named, changes):
    assert isinstance(assert_refused(function, datasets, named, changes), ArgumentTypeError)


@BOTH
def test_without_an_output_for_the_mask_all_is_checked_and_no_mask_is_written(datasets, function):
    assert_refused(function, datasets, "mask_in_band", {"mask_out_ds": None, "mask_in_band": 2})
    assert build(function, datasets, {"mask_out_ds": None}) == 1
    assert (datasets["mask out"].read() == 9).all()


@BOTH
def test_polygons_may_come_from_iterators(datasets, function):
    pairs = [([BOX], [HOLE]), (iter([BOX]), (polygon for polygon in [HOLE]))]
    found = []
    for pair in pairs:
        build(function, datasets, {"geometry_pair": pair})
        found.append(datasets["mask out"].read(1))
    assert 0 < found[0].sum() < EXPECTED.sum()
    np.testing.assert_array_equal(found[1], found[0])


@BOTH
def test_numpys_numbers_and_arrays_are_taken_as_pythons(datasets, function):
    build(function, datasets, {"geometry_pair": (BOX, None), "geometry_origin": (0.5, 0.5)})
    expected = datasets["mask out"].read(1)
    numpys = {"resolution": np.array([2, 3]), "mask_in_band": np.int64(1), "mask_in_unmasked_value": np.uint8(1)}
    numpys |= {"geometry_pair": (BOX, None), "geometry_origin": np.array([0.5, 0.5]), "io_strip_size": np.int32(1)}
    numpys |= {"mask_out_values": np.array([1, 0]), "cpu_tile_shape": np.array([2, 2])}
    datasets["mask out"].write(DATASETS["mask out"])
    build(function, datasets, numpys)
    assert 0 < expected.sum() < EXPECTED.sum()
    np.testing.assert_array_equal(datasets["mask out"].read(1), expected)


def test_a_grid_may_be_rewritten_in_place_with_its_bands_exchanged(datasets):
    changes = {**NO_MASK_IN, "mask_out_ds": None, "resolution": (1, 1), "grid_out_ds": "grid"}
    build(
        gpumask.build_grid_mask_chain,
        datasets,
        changes | {"grid_out_row_coords_band": 2, "grid_out_col_coords_band": 1},
    )
    np.testing.assert_array_equal(datasets["grid"].read(), [COL, ROW])


def test_nan_under_an_invalid_pixel_becomes_what_integers_are_merged_with(datasets):
    nodes = np.array([ROW, COL])
    nodes[:, 1, 1] = np.nan
    datasets["grid"].write(nodes)
    build(gpumask.build_grid_mask_chain, datasets, {"grid_out_ds": "out of integers", "merge_mask_grid": -1})
    expected = np.where(EXPECTED, np.mgrid[0:2:5j, 0:3:10j].astype(np.int16), -1)
    np.testing.assert_array_equal(datasets["out of integers"].read(), expected)
