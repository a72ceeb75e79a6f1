"""Arrays on either side: what is given is brought to where the image is."""

import numpy as np
import pytest
from device_scenes import IMAGE, lazily, on_device, scenes

import gpumask.xarray

pytest.importorskip("rioxarray")
pytestmark = pytest.mark.usefixtures("at_hand")


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
