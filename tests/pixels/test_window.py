"""Windows: whole numbers of any type, and the arithmetic of rows and columns."""

import numpy as np
import pytest

from gpumask import ArgumentTypeError, Grid, Window, resample

pytestmark = pytest.mark.usefixtures("on_every_backend")


@pytest.mark.parametrize("window", [(0, 0, 2, 2), [0, 0, 2, 2], np.s_[0:2]])
def test_a_window_of_another_kind_is_refused(window):
    with pytest.raises(ArgumentTypeError, match="expected a gpumask.Window"):
        Grid(np.zeros((3, 3)), np.zeros((3, 3)), window=window)


def test_a_window_takes_whole_numbers_of_any_kind_and_no_others(backend):
    grid = Grid(*np.mgrid[0:4, 0:4].astype(float), window=Window(*np.array([1, 1, 2, 3], np.int16)))
    assert resample(np.ones((4, 4)), grid, backend=backend).image.shape == (2, 3)
    with pytest.raises(ArgumentTypeError, match="window.rows: expected a whole number; got 2.0"):
        Window(0, 0, 2.0, 2)
