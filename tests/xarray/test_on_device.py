"""DataArrays whose arrays are on the device: results are there too, and those of the host to the bit."""

import numpy as np
import pytest
from device_scenes import QUALITY, lazily, on_device, scenes

from gpumask import Grid

xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
import gpumask.xarray  # noqa: E402, F401

pytestmark = pytest.mark.usefixtures("at_hand")
NODES = np.mgrid[0:8, 0:10] * 8.0


def kept(image, quality, options):
    clear = image.gpumask.keep({"values": [1], "invert": True}, quality, grow=1)
    return clear.gpumask.reproject("EPSG:32634", resolution=10, **options)


@pytest.mark.parametrize("options", [{}, {"interp": "bspline3", "boundary": "reflect"}, {"interp": "nearest"}], ids=str)
@pytest.mark.parametrize("bring", [on_device, lazily])
def test_what_is_on_the_device_stays_there_and_is_that_of_the_host(bring, options):
    import cupy

    expected = kept(*scenes(np.asarray), {**options, "backend": "numpy"})
    found = kept(*scenes(bring), options).compute()
    for there, here in ((found, expected), (found.validity, expected.validity)):
        assert isinstance(there.data, cupy.ndarray)
        np.testing.assert_array_equal(there.data.get(), here.data)
    where = found.gpumask.where_valid()
    assert isinstance(where.data, cupy.ndarray)
    np.testing.assert_array_equal(where.data.get(), expected.gpumask.where_valid().data)


@pytest.mark.parametrize("bring", [on_device, lazily])
def test_a_coarser_quality_band_is_repeated_there(bring):
    import cupy

    (host, _), (device, _) = (scenes(each) for each in (np.asarray, bring))
    coarse = QUALITY[None, :18, :30]
    places = {"y": 5_500_000 - 40 * (np.arange(18) + 0.5), "x": 800_000 + 30 * (np.arange(30) + 0.5)}
    found = [
        image.gpumask.keep(
            {"values": [1]}, xarray.DataArray(to(coarse), dims=("band", "y", "x"), coords=places), grow=1
        )
        for image, to in ((host, np.asarray), (device, bring))
    ]
    validity = found[1].validity.compute().data
    assert isinstance(validity, cupy.ndarray) and found[1].validity.dims == ("y", "x")
    np.testing.assert_array_equal(validity.get(), found[0].validity)


def test_integers_without_nodata_warn_on_the_device_too():
    image = scenes(on_device)[0].astype("uint16")
    with pytest.warns(UserWarning, match="^nodata_out: "):
        found = image.gpumask.resample(Grid(*NODES, (8, 8)))
    assert "_FillValue" not in found.attrs and "validity" not in found.gpumask.where_valid(9).coords


@pytest.mark.parametrize("bring", [np.asarray, on_device])
def test_a_grid_may_be_on_either_side(bring):
    host, _ = scenes(np.asarray)
    device, _ = scenes(on_device)
    expected = host.gpumask.resample(Grid(*NODES, (8, 8)), backend="numpy")
    found = device.gpumask.resample(Grid(*map(bring, NODES), (8, 8)))
    np.testing.assert_array_equal(found.data.get(), expected.data)
    np.testing.assert_array_equal(found.validity.data.get(), expected.validity.data)


@pytest.mark.parametrize("quality", [np.asarray, None])
@pytest.mark.parametrize("bring", [on_device, lazily])
def test_variables_of_a_dataset_stay_on_the_device(bring, quality):
    import cupy

    def dataset(bring, of_quality):
        image = scenes(bring)[0]
        return xarray.Dataset({"image": image, "red": image.isel(band=0, drop=True), "qa": scenes(of_quality)[1]})

    def work(given):
        clear = given.gpumask.keep({"values": [1], "invert": True}, "qa", grow=1)
        there = clear.gpumask.reproject("EPSG:32634", resolution=10, nodata_out={"qa": 255})
        return there, there.gpumask.where_valid({"red": -1})

    for found, expected in zip(
        work(dataset(bring, quality or bring)), work(dataset(np.asarray, np.asarray)), strict=True
    ):
        computed = found.compute()
        assert set(computed.coords) == set(expected.coords)
        for name in {"image", "red", "image_validity", "red_validity"} & {*expected.variables}:
            assert isinstance(computed[name].data, cupy.ndarray)
            np.testing.assert_array_equal(computed[name].data.get(), expected[name].data)
