"""DataArrays whose arrays are on the device: results are there too, and those of the host to the bit."""

import numpy as np
import pytest

from gpumask import Grid

xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
import gpumask.xarray  # noqa: E402, F401

pytestmark = pytest.mark.usefixtures("at_hand")
RNG = np.random.default_rng(0)
Y, X = 5_500_000 - 10 * (np.arange(70) + 0.5), 800_000 + 10 * (np.arange(90) + 0.5)
IMAGE = (RNG.random((3, 70, 90)) * 1000).astype(np.float32)
IMAGE[:, 10, 10], IMAGE[1, 20:22, 30] = np.nan, -9999
QUALITY = RNG.integers(0, 4, (70, 90)).astype(np.uint8)
NODES = np.mgrid[0:8, 0:10] * 8.0


def scenes(bring, pixels=IMAGE):
    """Return an image and its quality band, their arrays brought somewhere."""
    places = {"y": Y, "x": X}
    image = xarray.DataArray(bring(pixels), dims=("band", "y", "x"), coords=places).rio.write_crs("EPSG:32633")
    return image, xarray.DataArray(bring(QUALITY), dims=("y", "x"), coords=places, name="qa")


def on_device(array):
    import cupy

    return cupy.asarray(array)


def lazily(array):
    import cupy
    import dask.array

    return dask.array.from_array(cupy.asarray(array), chunks=(*(-1,) * (array.ndim - 2), 32, 40), asarray=False)


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


def test_a_nodata_value_is_left_out_on_the_device():
    import cupy

    (host, _), (device, _) = (scenes(bring) for bring in (np.asarray, on_device))
    expected, found = (
        scene.rio.write_nodata(-9999).gpumask.reproject("EPSG:32634", interp="linear") for scene in (host, device)
    )
    assert isinstance(found.data, cupy.ndarray)
    np.testing.assert_array_equal(found.data.get(), expected.data)


def lazy_on_host(array):
    import dask.array

    return dask.array.from_array(array, chunks=(*(-1,) * (array.ndim - 2), 30, 30))


@pytest.mark.parametrize("valid", [np.asarray, lazy_on_host, on_device, lazily])
@pytest.mark.parametrize("bring", [on_device, lazily])
@pytest.mark.parametrize("kind", ["float32", "int16"])
def test_a_validity_goes_to_where_the_image_is(kind, bring, valid):
    import cupy

    pixels = np.nan_to_num(IMAGE, nan=-9999).astype(kind)
    (host, quality), (device, _) = (scenes(each, pixels) for each in (np.asarray, bring))
    says = (quality > 0).data
    host, device = (array.assign_attrs(_FillValue=-9999, missing_value=7) for array in (host, device))
    host = host.assign_coords(validity=(("y", "x"), says))
    device = device.assign_coords(validity=(("y", "x"), valid(says.astype(np.uint8))))
    rules = {"values": [1], "invert": True}
    work = (
        lambda image: image.gpumask.reproject("EPSG:32634", resolution=10),
        lambda image: image.gpumask.keep(rules, quality, grow=1).gpumask.reproject("EPSG:32634", resolution=10),
        lambda image: image.gpumask.where_valid(),
        lambda image: image.gpumask.where_valid(-1),
        lambda image: image.gpumask.keep(rules, quality).gpumask.where_valid(np.float32(3)),
    )
    for call in work:
        expected, found = call(host), call(device).compute()
        assert isinstance(found.data, cupy.ndarray) and found.dtype == expected.dtype
        np.testing.assert_array_equal(found.data.get(), expected.data)
        assert ("validity" in found.coords) == ("validity" in expected.coords)
        if "validity" in found.coords:
            validity = found.validity.data
            np.testing.assert_array_equal(
                validity if isinstance(validity, np.ndarray) else validity.get(), expected.validity
            )


def test_a_device_validity_of_an_image_of_the_host_is_refused_by_name():
    (image, quality), (_, other) = scenes(np.asarray), scenes(on_device)
    image = image.assign_coords(validity=other > 0)
    work = (
        lambda: image.gpumask.reproject("EPSG:32634", resolution=10),
        lambda: image.gpumask.keep({"values": [1]}, quality),
        image.gpumask.where_valid,
    )
    for call in work:
        with pytest.raises(gpumask.GpumaskError, match="^validity: expected an array in host memory"):
            call()


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
