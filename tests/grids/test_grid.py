"""Grids: what they refuse, and which nodes count."""

import numpy as np
import pytest

from gpumask import GpumaskError, Grid, Window, resample

pytestmark = pytest.mark.usefixtures("on_every_backend")

IDENTITY = np.mgrid[0:5.0, 0:6.0]

IMAGE = np.arange(30.0).reshape(5, 6)

ROW, COL = IDENTITY


@pytest.mark.parametrize(
    ("named", "arguments"),
    [
        ("grid.row", {"row": ROW[0]}),
        ("grid.row", {"row": ROW[None]}),
        ("grid.row", {"row": ROW[:0], "col": COL[:0]}),
        ("grid.row", {"row": None}),
        ("grid.row", {"row": ROW.astype(complex)}),
        ("grid.col", {"col": COL.T}),
        ("grid.col", {"col": None}),
        ("grid.mask", {"mask": np.ones((6, 5))}),
        ("grid.mask", {"mask": np.ones((5, 6), "datetime64[s]")}),
        ("grid.resolution", {"resolution": (0, 1)}),
        ("grid.resolution", {"resolution": (1, 1.5)}),
        ("grid.resolution", {"resolution": (1, np.inf)}),
        ("grid.resolution", {"resolution": (1, 2, 3)}),
        ("grid.resolution", {"resolution": 4}),
        ("grid.resolution", {"resolution": None}),
        ("grid.nodata", {"nodata": "none"}),
        ("grid.window", {"window": Window(0, 0, 6, 6)}),
        ("grid.window", {"window": Window(-1, 0, 2, 2)}),
        ("grid.window", {"window": Window(1, 1, 0, 2)}),
    ],
)
def test_an_argument_of_grid_that_cannot_be_right_is_refused_by_name(named, arguments):
    with pytest.raises(GpumaskError, match=f"^{named}: expected"):
        Grid(**{"row": ROW, "col": COL} | arguments)


def test_a_grid_mask_of_other_floats_than_0_and_1_is_refused_by_name():
    with pytest.raises(GpumaskError, match=r"^grid.mask: expected"):
        resample(IMAGE, Grid(ROW, COL, mask=np.full((5, 6), 0.5)))


def test_a_crop_beyond_the_output_is_refused_by_name():
    with pytest.raises(GpumaskError, match=r"^window: expected"):
        Grid(ROW, COL).crop(Window(0, 0, 5, 7))


def test_nodata_counts_as_float32_nodes_hold_it(backend):
    row = np.array([[1, -9999.1, 2]], np.float32)
    grid = Grid(row, np.ones((1, 3), np.float32), nodata=-9999.1)
    assert grid.counts().tolist() == [[True, False, True]]
    assert resample(np.ones((4, 4)), grid, "nearest", backend=backend).validity.tolist() == [[1, 0, 1]]


def test_integer_nodes_may_have_a_nodata_that_they_cannot_hold():
    grid = Grid(np.ones((2, 2), np.uint16), np.ones((2, 2), np.uint16), nodata=-9999)
    assert grid.counts().all()
    assert grid.source_window(1) == Window(0, 0, 3, 3)
