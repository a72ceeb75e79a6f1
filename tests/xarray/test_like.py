"""A result with `like` has the labels of like, so that sums of the two have all pixels."""

import numpy as np
import pytest
from affine import Affine
from array_cases import image_at, small
from warp_cases import PAIRS, placed

from gpumask import GpumaskError, Place, ProjectedGrid, Window, resample

xarray = pytest.importorskip("xarray")
rioxarray = pytest.importorskip("rioxarray")
odc = pytest.importorskip("odc.geo.xr")
pytest.importorskip("dask.array")
pytest.importorskip("gpumask.xarray")
from odc.geo.geobox import GeoBox  # noqa: E402

PAIR = small(PAIRS["to longitudes and latitudes"], 12)
ZONES = small(PAIRS["to the next zone"], 12)


def scene(pair=PAIR, **options):
    """Return an array that declares a nodata value."""
    return image_at(pair.source, **options).rio.write_nodata(65535)


def along(dims, place, dtype="float64", rows=1):
    """Return coordinates of a place along dimensions; the last bits are not those of a sum of steps."""
    t, (height, width) = place.transform, place.shape
    y = np.linspace(t.f + t.e / 2, t.f + t.e * (height - 0.5), height)[::rows]
    x = np.linspace(t.c + t.a / 2, t.c + t.a * (width - 0.5), width)
    return {dims[0]: y.astype(dtype), dims[1]: x.astype(dtype)}


def like_at(place, dims=("y", "x"), mapping="spatial_ref", dtype="float64", rows=1, cf=True):
    """Return a DataArray that another tool may have made at a place."""
    like = xarray.DataArray(np.zeros(place.shape, np.float32), dims=dims, coords=along(dims, place, dtype, rows))
    for axis, dim in zip("YX", dims, strict=True):
        like[dim].attrs = {"axis": axis, "comment": f"made elsewhere, {dim}"} if cf else {}
    like.rio.set_spatial_dims(y_dim=dims[0], x_dim=dims[1], inplace=True)
    return like.rio.write_crs(place.crs, grid_mapping_name=mapping)


def check_like(found, like, dims=("y", "x"), mapping="spatial_ref"):
    """Check that a result has the labels of like."""
    assert found.dims[-2:] == dims and found.shape[-2:] == tuple(like.sizes[dim] for dim in dims)
    for name in (*dims, mapping):
        assert found[name].variable.identical(like[name].variable), name
        assert found[name].dtype == like[name].dtype
    xarray.align(found, like, join="exact")
    assert (found - like).shape[-2:] == found.shape[-2:]
    assert found.rio.grid_mapping == mapping and found.rio.crs == like.rio.crs


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("rows", [1, -1])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("dims", "mapping"), [(("y", "x"), "spatial_ref"), (("latitude", "longitude"), "crs"), (("lat", "lon"), "wgs84")]
)
def test_coordinates_dtype_dimensions_and_crs_are_those_of_like(dims, mapping, dtype, rows, lazy):
    like = like_at(PAIR.target, dims, mapping, dtype, rows)
    array = scene(bands=[("time", 2)])
    found = (array.chunk(y=17, x=19) if lazy else array).gpumask.reproject(like=like)
    check_like(found, like, dims, mapping)
    assert found.dtype == np.uint16 and found.validity.dims[-2:] == dims
    t = like.rio.transform(recalc=True)
    grid = ProjectedGrid(Place(PAIR.source.crs, array.rio.transform(recalc=True), array.shape[1:]),
                         Place(PAIR.target.crs, t, PAIR.target.shape))  # fmt: skip
    ((part, _),) = grid.parts(Window.of_shape(found.shape[1:]))
    expected = resample(array.values, grid.read(part), nodata_out=65535, source_valid=array.values[0] < 65535)
    np.testing.assert_array_equal(found.values, expected.image)
    assert 0.3 < found.validity.mean() < 1


@pytest.mark.parametrize("cf", [True, False])
def test_lat_and_lon_are_known_by_their_names(cf):
    like = like_at(PAIR.target, ("lat", "lon"), cf=cf)
    plain = like.copy()  # which lacks what set_spatial_dims said
    check_like(scene().gpumask.reproject(like=plain), plain, ("lat", "lon"))


def test_a_dataset_is_like_its_variables():
    like = like_at(ZONES.target, mapping="utm").to_dataset(name="a").assign(b=3.0)
    found = scene(ZONES).gpumask.reproject(like=like)
    check_like(found, like.a, mapping="utm")


def test_two_files_subtract_and_are_written_again(tmp_path):
    """As rioxarray opens them: the second one as it reprojects it."""
    for name, place in {"a.tif": ZONES.source, "b.tif": ZONES.target}.items():
        image_at(place).rio.write_nodata(65535).rio.to_raster(tmp_path / name)
    a, b = (rioxarray.open_rasterio(tmp_path / name) for name in ("a.tif", "b.tif"))
    for like in (b, b.isel(y=slice(3, 40), x=slice(1, 50)), b.rio.reproject("EPSG:4326")):
        found = a.gpumask.reproject(like=like)
        check_like(found, like)
        assert (found.astype(float) - like).size == like.size
    (found.astype(float) - like).rio.to_raster(tmp_path / "out.tif")
    again = rioxarray.open_rasterio(tmp_path / "out.tif")
    np.testing.assert_array_equal(again, found.astype(float) - like)
    assert again.rio.transform().almost_equals(like.rio.transform(recalc=True))


@pytest.mark.parametrize(("pair", "dims"), [(PAIR, ("latitude", "longitude")), (ZONES, ("y", "x"))])
def test_a_geobox_gives_what_odc_geo_makes_of_it(pair, dims):
    box = GeoBox(pair.target.shape, pair.target.transform, pair.target.crs)
    found = scene(pair).gpumask.reproject(like=box)
    check_like(found, odc.xr_zeros(box, "uint16"), dims)
    assert found.odc.geobox == box and found.rio.transform(recalc=True).almost_equals(box.affine, 1e-9)


def test_turned_pixels_have_the_coordinates_that_like_has():
    turned = ZONES.target.transform @ Affine.rotation(20)
    box = GeoBox(ZONES.target.shape, turned, ZONES.target.crs)
    for like in (odc.xr_zeros(box, "uint16"), box):
        found = scene(ZONES).gpumask.reproject(like=like)
        check_like(found, odc.xr_zeros(box, "uint16"))
        assert found.odc.geobox == box and found.rio.transform() == turned


def test_a_like_without_coordinates_has_those_of_its_transform():
    like = like_at(ZONES.target).drop_vars(["y", "x"]).rio.write_transform(ZONES.target.transform)
    found = scene(ZONES).gpumask.reproject(like=like)
    np.testing.assert_allclose(found.x, along(("y", "x"), ZONES.target)["x"], rtol=0, atol=1e-6)
    assert (found - like).shape == like.shape and found.spatial_ref.identical(like.spatial_ref)


def test_a_transform_may_be_said_by_an_attribute_alone():
    """As xarray.open_rasterio had it; it is found again in the result."""
    turned = ZONES.target.transform @ Affine.rotation(20)
    like = like_at(ZONES.target).drop_vars(["y", "x"]).assign_attrs(transform=tuple(turned)[:6])
    found = scene(ZONES).gpumask.reproject(like=like)
    assert found.rio.transform() == turned and "GeoTransform" not in like.spatial_ref.attrs


def test_what_is_said_later_of_a_result_is_not_said_of_like():
    like = like_at(ZONES.target)
    before = like.copy(deep=True)
    found = scene(ZONES).gpumask.reproject(like=like)
    for name in ("y", "x", "spatial_ref"):
        found[name].attrs["later"] = 1
    found.rio.write_crs("EPSG:4326", inplace=True)
    xarray.testing.assert_identical(like, before)


def test_longitudes_of_pixels_come_along_and_what_is_known_of_pixels_stays():
    like = like_at(ZONES.target)
    flat = np.zeros(ZONES.target.shape)
    like = like.assign_coords(
        lon=(("y", "x"), flat + 1), height=(("y", "x"), flat), where=("x", flat[0], {"standard_name": "longitude"}),
        time=3, validity=(("y", "x"), flat),
    )  # fmt: skip
    found = scene(ZONES).gpumask.reproject(like=like)
    assert found.lon.variable.identical(like.lon.variable) and found["where"].variable.identical(like["where"].variable)
    assert not {"height", "time"} & set(found.coords) and found.validity.any()


def test_other_coordinates_of_the_array_are_kept_unless_like_has_their_names():
    array = scene(bands=[("time", 2)]).assign_coords(lat=7.0, season=("time", ["dry", "wet"]))
    like = like_at(PAIR.target, ("lat", "lon"))
    found = array.gpumask.reproject(like=like)
    assert list(found.season.values) == ["dry", "wet"]
    check_like(found, like, ("lat", "lon"))
    turned = found.assign_coords(x=3, y=("time", [1, 2])).rename(lat="latitude", lon="longitude")
    for again in (turned.gpumask.reproject(like=like_at(PAIR.target)), turned.gpumask.reproject("EPSG:32616")):
        assert again.y.dims == ("y",) and again.x.dims == ("x",)


def test_a_lazy_like_is_not_computed():
    def fail(block):
        raise AssertionError("computed")

    like = like_at(ZONES.target).chunk().copy()
    like = like.copy(data=like.data.map_blocks(fail, dtype=np.float32, meta=np.empty((0, 0), np.float32)))
    check_like(scene(ZONES).gpumask.reproject(like=like), like)


def test_a_name_that_the_array_has_for_another_dimension_is_refused():
    array = scene(bands=[("lat", 2)])
    with pytest.raises(GpumaskError, match=r"^like: expected .* got 'lat' \(array.rename\(.*\) frees the name\)"):
        array.gpumask.reproject(like=like_at(PAIR.target, ("lat", "lon")))
    other = scene().rename(y="up", x="across").expand_dims(x=2)
    other.rio.set_spatial_dims(y_dim="up", x_dim="across", inplace=True)
    with pytest.raises(
        GpumaskError, match="^array: expected no dimensions y and x beside its rows and columns up and acr"
    ):
        other.gpumask.reproject("EPSG:4326")


def test_a_dataset_of_two_crs_is_refused():
    like = xarray.Dataset({"a": like_at(ZONES.target, mapping="one"), "b": like_at(ZONES.target, mapping="two")})
    with pytest.raises(GpumaskError, match="^like: expected one CRS; got several"):
        scene(ZONES).gpumask.reproject(like=like)


def test_the_place_is_that_of_the_array_itself():
    """A place where source and target are one gives the pixels back, whatever the dimensions are called."""
    place = placed("EPSG:4326", 10, 50, 0.001, (30, 40))
    array = image_at(place).rio.write_nodata(65535)
    found = array.gpumask.reproject(like=array.rename(y="latitude", x="longitude"))
    np.testing.assert_array_equal(found, array)
    assert found.dims == ("latitude", "longitude")
