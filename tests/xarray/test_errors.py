"""What a DataArray can't be brought to another geometry with, and what is said of it."""

import numpy as np
import pytest
from array_cases import image_at
from warp_cases import placed

from gpumask import GpumaskError
from gpumask.errors import ArgumentTypeError

xarray = pytest.importorskip("xarray")
pytest.importorskip("gpumask.xarray")


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda array: array.gpumask.reproject(), GpumaskError, "crs: expected a CRS, or a raster as like; got None"),
        (lambda array: array.gpumask.reproject("EPSG:1"), GpumaskError, "crs: expected a CRS.*got 'EPSG:1'"),
        (lambda array: array.gpumask.reproject(like=3), ArgumentTypeError, "like: expected a DataArray.*got int"),
        (lambda array: array.gpumask.reproject("EPSG:4326", like=array), GpumaskError, "like: expected instead of crs"),
        (
            lambda array: array.drop_vars("spatial_ref").gpumask.reproject("EPSG:4326"),
            GpumaskError,
            "array: expected a CRS",
        ),
        (
            lambda array: array.rename(y="up").gpumask.reproject("EPSG:4326"),
            GpumaskError,
            "array: expected dimensions y",
        ),
        (lambda array: array.gpumask.reproject("EPSG:4326", interp="best"), GpumaskError, "interp: unknown"),
        (lambda array: array.gpumask.reproject("EPSG:4326", nodata_out=-1), GpumaskError, "nodata_out: .*got -1"),
        (lambda array: array.gpumask.resample(array), ArgumentTypeError, "grid: expected a Grid.*got DataArray"),
        (
            lambda array: array.gpumask.reproject("EPSG:4326", chunks=(0, 3)),
            GpumaskError,
            "chunks: expected .* from 1 on",
        ),
        (lambda array: array.chunk().gpumask.reproject("EPSG:4326", chunks=3), ArgumentTypeError, "chunks: expected"),
        (lambda array: array.gpumask.keep({"values": [1]}, array[:5]), GpumaskError, "quality: expected 'red' to have"),
        (
            lambda array: array.gpumask.keep({"values": [1]}, array.assign_coords(x=array.x + 10)),
            GpumaskError,
            "own coordinates along x",
        ),
        (lambda array: array.gpumask.keep({"values": [1]}, array.values), ArgumentTypeError, "quality: expected DataA"),
        (lambda array: array.gpumask.keep({"flags": {"a": 1}}, array), GpumaskError, "flags"),
        (lambda array: array.gpumask.keep({"values": [1]}, {}), GpumaskError, "quality: expected at least one band"),
        (lambda array: array.gpumask.keep(None, array), ArgumentTypeError, "rules: expected a rule, or a list"),
        (
            lambda array: (
                array.expand_dims(time=2)
                .drop_vars("time", errors="ignore")
                .gpumask.keep({"values": [1]}, array.expand_dims(time=3))
            ),
            GpumaskError,
            "quality: expected 'red' to have .*'time': 3",
        ),
        (lambda array: array.gpumask.reproject("EPSG:4326", band_dim="y"), GpumaskError, "band_dim: .*got 'y'"),
        (
            lambda array: array.assign_attrs(_FillValue=-1).gpumask.reproject("EPSG:4326"),
            GpumaskError,
            "nodata value tha",
        ),
        (lambda array: array.gpumask.reproject("EPSG:4326", model=3), ArgumentTypeError, "model: expected a Place"),
        (
            lambda array: array.isel(x=[0, 1, 5, 8]).gpumask.reproject("EPSG:4326"),
            GpumaskError,
            "array: expected x even",
        ),
        (lambda array: array.gpumask.reproject(like=array.isel(y=[0, 1, 5])), GpumaskError, "like: expected y evenly"),
        (
            lambda array: array.assign_coords(y=array.y * np.nan).gpumask.reproject("EPSG:4326"),
            GpumaskError,
            "array: expected y evenly spaced",
        ),
        (
            lambda array: array.isel(y=[3]).gpumask.reproject("EPSG:4326"),
            GpumaskError,
            "of one pixel along with a tran",
        ),
        (
            lambda array: array.drop_vars(["y", "x"]).gpumask.reproject("EPSG:4326"),
            GpumaskError,
            "or a transform; got n",
        ),
        (lambda array: array.gpumask.reproject(like=array.drop_vars("y")), GpumaskError, "like: expected "),
        (lambda array: array.gpumask.reproject(like=array.rename(y="up")), GpumaskError, "like: expected dimensions y"),
        (lambda array: array.assign_coords(validity="good").gpumask.where_valid(), GpumaskError, "validity: .*got <U4"),
        (
            lambda array: array.assign_coords(validity=np.datetime64("2024-01-01", "ns")).gpumask.reproject(
                "EPSG:4326"
            ),
            GpumaskError,
            "validity: .*got datetime64",
        ),
        (lambda array: array[:0].gpumask.reproject("EPSG:4326"), GpumaskError, "array: expected rows and columns with"),
        (
            lambda array: array.gpumask.reproject(like=array[:, :0]),
            GpumaskError,
            "like: expected rows and columns with",
        ),
        (lambda array: array.gpumask.keep({"values": [1]}, array[:0]), GpumaskError, "quality: .* columns with pixels"),
        (
            lambda array: array[:0].to_dataset(name="red").gpumask.reproject("EPSG:4326"),
            GpumaskError,
            "array: expected rows and columns with pixels.*'red'",
        ),
    ],
)
def test_what_can_not_be_right_is_refused(call, error, says):
    with pytest.raises(error, match=says):
        call(image_at(placed("EPSG:32633", 5e5, 5e6, 10, (8, 9))))
