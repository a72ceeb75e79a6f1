"""A Method: what is said once about resampling holds for arrays, Resamplers, files and DataArrays alike."""

import dataclasses
import inspect

import numpy as np
import pytest

import gpumask
from gpumask import ArgumentTypeError, GpumaskError, Grid, Method, Resampler, resample, resample_file

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
rasterio = pytest.importorskip("rasterio")
xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
import gpumask.xarray  # noqa: E402

PARTS = [part.name for part in dataclasses.fields(Method) if part.repr]
HOW = {"interp": "linear", "nodata_out": -7, "dtype": "float32", "boundary": "reflect", "mask_policy": "renormalize"}
HOW |= {"min_weight": 0.25, "validity": "band", "compute_dtype": "float32", "trust_padding": True}
GRID = Grid(*np.mgrid[-0.25:5:0.75, 0.25:8:0.75], resolution=(1, 1))


@pytest.fixture
def image():
    made = np.random.default_rng(5).random((2, 6, 8))
    made[0, 2, 3] = made[1, 4, 4] = np.nan
    return made


def equal(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_a_method_is_its_keywords_for_arrays(image, backend):
    equal(resample(image, GRID, method=Method(**HOW)), resample(image, GRID, **HOW))
    equal(Resampler(GRID, method=Method(**HOW))(image), Resampler(GRID, **HOW)(image))
    equal(Resampler(GRID, method=Method(**HOW))(image), resample(image, GRID, **HOW))


def test_a_method_is_its_keywords_for_dataarrays(image):
    array = xarray.DataArray(image, dims=("band", "y", "x"))
    found, wanted = array.gpumask.resample(GRID, method=Method(**HOW)), array.gpumask.resample(GRID, **HOW)
    xarray.testing.assert_identical(found, wanted)
    both = xarray.Dataset({"red": array, "blue": array * 2})
    xarray.testing.assert_identical(
        both.gpumask.resample(GRID, method=Method(**HOW)), both.gpumask.resample(GRID, **HOW)
    )
    mixed = both.gpumask.resample(GRID, method={"red": Method(**HOW)})
    np.testing.assert_array_equal(mixed.red, found)
    default = array.gpumask.resample(GRID)
    np.testing.assert_array_equal(mixed.blue, 2 * default)  # which the mapping does not name


def test_a_method_is_its_keywords_for_files(image, tmp_path):
    with rasterio.open(tmp_path / "in.tif", "w", driver="GTiff", height=6, width=8, count=2, dtype="float64") as file:
        file.write(image)
    nodes = np.stack([GRID.row, GRID.col])
    shape = {"height": nodes.shape[1], "width": nodes.shape[2], "count": 2, "dtype": "float64"}
    with rasterio.open(tmp_path / "grid.tif", "w", driver="GTiff", **shape) as file:
        file.write(nodes)
    words = {("validity_by" if name == "validity" else name): value for name, value in HOW.items()}
    for name, how in {"one.tif": {"method": Method(**HOW)}, "other.tif": words}.items():
        resample_file(tmp_path / "in.tif", tmp_path / "grid.tif", tmp_path / name, **how)
    with rasterio.open(tmp_path / "one.tif") as one, rasterio.open(tmp_path / "other.tif") as other:
        assert one.profile == other.profile
        np.testing.assert_array_equal(one.read(), other.read())
        np.testing.assert_array_equal(one.read(), resample(image, GRID, **HOW).image)


@pytest.mark.parametrize("name", PARTS)
def test_a_method_and_a_part_of_it_are_an_error_even_where_they_agree(image, name):
    method = Method()
    keyword = {name: getattr(method, name)}
    of_file = {"validity_by": "pixel"} if name == "validity" else keyword
    for call in (
        lambda: resample(image, GRID, method=method, **keyword),
        lambda: Resampler(GRID, method=method, **keyword),
        lambda: xarray.DataArray(image, dims=("band", "y", "x")).gpumask.resample(GRID, method=method, **keyword),
        lambda: resample_file("a", "b", "c", method=method, **of_file),
    ):
        with pytest.raises(GpumaskError, match="method: expected it without"):
            call()


def test_a_validity_file_is_no_part_of_a_method(image):
    with pytest.raises(GpumaskError, match="source: "):  # so it comes as far as that
        resample_file("no.tif", "no.tif", "out.tif", method=Method(), validity="valid.tif")


def test_what_is_no_method_is_named(image):
    with pytest.raises(ArgumentTypeError, match="method: expected a Method; got str"):
        resample(image, GRID, method="linear")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"interp": "quadratic"}, "interp: unknown"),
        ({"dtype": "complex64"}, "dtype: expected"),
        ({"compute_dtype": "float16"}, "compute_dtype: expected"),
        ({"boundary": "mirror"}, "boundary: expected"),
        ({"mask_policy": "lenient"}, "mask_policy: expected"),
        ({"mask_policy": "renormalize", "interp": "bspline3"}, "mask_policy: expected strict for bspline3"),
        ({"min_weight": 0}, "min_weight: expected"),
        ({"min_weight": "1"}, "min_weight: expected"),
        ({"validity": "bands"}, "validity: expected"),
    ],
)
def test_a_method_that_cannot_be_right_says_so_when_it_is_made(how, message):
    with pytest.raises(GpumaskError, match=message):
        Method(**how)


@pytest.mark.parametrize(
    "function", [resample, Resampler.__init__, resample_file, gpumask.xarray.array.Accessor.resample]
)
def test_keywords_are_those_of_a_method(function):
    """A part that is added to a method is a keyword everywhere."""
    names = set(inspect.signature(function).parameters)
    assert {"validity_by" if function is resample_file and part == "validity" else part for part in PARTS} <= names
    assert "method" in names


def test_a_changed_method_is_made_of_the_rest():
    method = Method("cubic", boundary=("edge", None), trust_padding=False, dtype="uint8")
    changed = dataclasses.replace(method, interp="linear")
    assert (changed.boundary, changed.dtype) == (method.boundary, np.dtype("uint8"))
    assert changed == Method("linear", boundary=("edge", None), trust_padding=False, dtype="uint8")
    assert not changed.boundary.trusted
