"""What is declared, counts: nodata values by band and in the band's dtype, mask bands, .msk files and alpha."""

import numpy as np
import pytest
import rasterio
from commands import fails, read
from commands import run as run_command
from declared_scenes import VrtBand, exactly, store, store_internal, store_msk, store_vrt
from rasterio.enums import ColorInterp

import gpumask
from gpumask import GpumaskError, Grid, Window, resample, resample_file
from gpumask.backends import get
from gpumask.files.reading.declared import Declared
from gpumask.files.reading.image import MaskBand, SourceFile
from gpumask.pixels.boundary import Boundary

LEAST = float(np.finfo(np.float32).min)
SHAPE = (8, 8)
VRT_SUFFIX = {"GTiff": "tif", "COG": "tif", "VRT": "vrt", "ENVI": "img"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, which is the current one, with grids of 8 x 8 pixels: `same.tif`, and `half.tif`, half off."""
    monkeypatch.chdir(tmp_path)
    nodes = np.mgrid[0.0:8, 0.0:8]
    store("same.tif", nodes)
    store("half.tif", nodes + 0.5)
    return tmp_path


def run(source, grid="same.tif", output="out.tif", **how):
    """Resample a file; return the image and the validity."""
    how = {"interp": "nearest", "validity": "valid.tif", "overwrite": True, "backend": "numpy", "nodata_out": 0, **how}
    resample_file(source, grid, output, **how)
    return read(output), read("valid.tif")[0] if how["validity"] == "valid.tif" else None


def validity(source, **how):
    return run(source, **how)[1]


def but(*holes):
    """Return what is 1 but for some pixels."""
    valid = np.ones(SHAPE, np.uint8)
    for hole in holes:
        valid[hole] = 0
    return valid


def plain(value=100, dtype="int16", bands=1, **pixels):
    image = np.full((bands, *SHAPE), value, dtype)
    for place, pixel in pixels.get("at", {}).items():
        image[place] = pixel
    return image


# All that is declared, together.


@pytest.mark.parametrize("driver", ["GTiff", "COG", "VRT", "ENVI"])
def test_a_mask_band_does_not_hide_a_nodata_value(folder, driver):
    image = plain(at={(0, 2, 3): -9999})
    name = f"source.{VRT_SUFFIX[driver]}"
    if driver == "VRT":
        mask = store("mask.tif", but((5, 5)) * 255)
        store_vrt(name, SHAPE, [VrtBand(store("plain.tif", image), 1, "int16", -9999)], mask)
    else:
        store(name, image, driver="ENVI" if driver == "ENVI" else "GTiff", nodata=-9999)
        if driver == "GTiff":
            store_internal(name, but((5, 5)))
        else:
            store_msk(name, but((5, 5)), 1)
    with rasterio.open(name) as source:
        assert source.nodata == -9999 and "per_dataset" in str(source.mask_flag_enums)
    np.testing.assert_array_equal(validity(name), but((2, 3), (5, 5)))
    linear, valid = run(name, "half.tif", interp="linear")
    expected = np.zeros(SHAPE, np.uint8)
    expected[:7, :7] = 1
    for row, col in ((2, 3), (5, 5)):
        expected[row - 1 : row + 1, col - 1 : col + 1] = 0
    np.testing.assert_array_equal(valid, expected)
    np.testing.assert_array_equal(linear[0], expected * 100)


def test_a_mask_inside_does_not_hide_one_beside(folder):
    store("source.tif", plain(bands=2))
    store_internal("source.tif", but((1, 1)))
    store_msk("source.tif", but((2, 2)), 2)
    np.testing.assert_array_equal(validity("source.tif"), but((1, 1), (2, 2)))
    with rasterio.open("source.tif") as opened:
        np.testing.assert_array_equal(validity(opened), but((1, 1), (2, 2)))


def test_a_msk_file_may_have_a_mask_for_each_band(folder):
    store("source.tif", plain(bands=2))
    store_msk("source.tif", np.stack([but((1, 1)), but((2, 2))]), 2)
    np.testing.assert_array_equal(validity("source.tif"), but((1, 1), (2, 2)))
    np.testing.assert_array_equal(validity("source.tif", bands=[2]), but((2, 2)))
    store_internal("source.tif", but((3, 3)))
    np.testing.assert_array_equal(validity("source.tif", bands=[1]), but((1, 1), (3, 3)))


def test_a_msk_file_of_another_size_is_refused(folder):
    store("source.tif", plain())
    store_msk("source.tif", np.ones((4, 8)), 1)
    store("fine.tif", plain())
    store("grid.tif", np.mgrid[0.0:8, 0.0:8])
    store_msk("grid.tif", np.ones((4, 8)), 2)
    for name, how in (("source", {}), ("mask", {"mask": "source.tif"}), ("grid", {"grid": "grid.tif"})):
        source = "source.tif" if name == "source" else "fine.tif"
        with pytest.raises(GpumaskError, match=f"^{name}: .*8 x 8 pixels.*4 x 8"):
            run(source, **how)


def test_a_nodata_value_does_not_hide_alpha(folder):
    image = plain(dtype="uint8", bands=4, at={(0, 1, 1): 9, (3, 2, 2): 0})
    store("source.tif", image, alpha=(4,), nodata=9, photometric="rgb")
    np.testing.assert_array_equal(validity("source.tif"), but((1, 1), (2, 2)))
    np.testing.assert_array_equal(validity("source.tif", bands=[2]), but((2, 2)))
    np.testing.assert_array_equal(validity("source.tif", bands=[2], mask=None), but())


def test_alpha_of_several_bands_counts_wherever_they_are(folder):
    image = plain(dtype="uint8", bands=5, at={(1, 1, 1): 0, (4, 2, 2): 0, (0, 3, 3): 0})
    store("source.tif", image, alpha=(2, 5))
    np.testing.assert_array_equal(validity("source.tif", bands=[1, 3]), but((1, 1), (2, 2)))


def test_values_that_mask_only_where_all_bands_have_theirs(folder):
    image = plain(bands=2, at={(0, 1, 1): 5, (1, 1, 1): 6, (0, 2, 2): 5, (1, 3, 3): 6})
    for valid in (but(), but((4, 4))):
        store("source.tif", image)
        if not valid.all():
            store_internal("source.tif", valid)
        with rasterio.open("source.tif", "r+") as source:
            source.update_tags(NODATA_VALUES="5 6")
        for bands in ([1, 2], [2]):
            np.testing.assert_array_equal(validity("source.tif", bands=bands), but((1, 1)) & valid)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_the_transparent_colour_of_a_png_is_in_all_bands_at_once(folder):
    image = plain(50, "uint8", 3, at={(0, 1, 1): 7, (1, 1, 1): 7, (2, 1, 1): 7, (0, 2, 2): 7, (2, 3, 3): 7})
    with rasterio.open("source.png", "w", driver="PNG", count=3, height=8, width=8, dtype="uint8", nodata=7) as source:
        source.write(image)
    for words in ({}, {"bands": (1,)}, {"bands": (3, 1)}):
        np.testing.assert_array_equal(validity("source.png", **words), but((1, 1)))


@pytest.fixture
def by_band(folder):
    """A VRT of two bands, each with a nodata value, and with a mask of its own; all have a .msk file."""
    image = plain(bands=2, at={(0, 1, 1): 5, (1, 1, 1): 6, (0, 2, 2): 6, (1, 3, 3): 5})
    masks = [store(f"mask{k}.tif", but((4, k)) * 255) for k in (1, 2)]
    bands = [VrtBand(store("plain.tif", image), k, "int16", 4 + k, False, masks[k - 1]) for k in (1, 2)]
    store_vrt("source.vrt", SHAPE, bands)
    store_msk("source.vrt", but((6, 6)), 2)
    return image, [but((1, 1), (4, 1), (6, 6)), but((1, 1), (4, 2), (6, 6))]


def test_bands_with_nodata_values_and_masks_of_their_own(by_band):
    _, valid = by_band
    np.testing.assert_array_equal(validity("source.vrt"), valid[0] & valid[1])
    for band in (1, 2):
        np.testing.assert_array_equal(validity("source.vrt", bands=[band]), valid[band - 1])


@pytest.mark.parametrize("window", [Window(0, 0, 8, 8), Window(1, 0, 5, 3), Window(-3, -2, 12, 13)])
def test_a_source_may_be_read_with_a_validity_for_each_band(by_band, window):
    image, valid = by_band
    numpy, reflect = get("numpy"), Boundary("reflect")
    padded = [
        np.pad(band, 8, mode="reflect") if False else np.pad(band, 7, mode="reflect") for band in [*image, *valid]
    ]
    part = tuple(slice(7 + k.start, 7 + k.stop) for k in window.slices)
    with rasterio.open("source.vrt") as dataset, rasterio.open("source.vrt.msk") as beside:
        for masks, seven in (((), None), ((MaskBand(beside),), 6)):
            out = np.empty((2, *window.shape), np.int16)
            source = SourceFile(dataset, (1, 2), masks, True, seven, (), beside, by_band=True)
            found = source.read(window, numpy, out, reflect)
            np.testing.assert_array_equal(out, [padded[0][part], padded[1][part]])
            expected = np.stack([padded[2][part], padded[3][part]])
            if seven is not None:
                expected &= out != seven
            np.testing.assert_array_equal(found.valid, expected)
            together = SourceFile(dataset, (1, 2), masks, True, seven, (), beside).read(window, numpy, out, reflect)
            np.testing.assert_array_equal(together.valid, expected.all(axis=0))


def test_a_validity_is_of_all_bands_where_nothing_is_of_one(folder):
    store("source.tif", plain(bands=2, at={(0, 1, 1): 5}))
    store_internal("source.tif", but((2, 2)))
    out = np.empty((2, *SHAPE), np.int16)
    with rasterio.open("source.tif") as dataset:
        for own, expected in ((True, but((2, 2))), (False, None)):
            source = SourceFile(dataset, (1, 2), own_mask=own, by_band=True)
            found = source.read(Window.of_shape(SHAPE), get("numpy"), out, Boundary()).valid
            if expected is None:
                assert found is None
            else:
                np.testing.assert_array_equal(found, expected)


# Masks and grids have nodata values and masks of their own.


def test_a_mask_raster_is_not_valid_where_it_says_nothing(folder):
    store("source.tif", plain())
    values = np.ones(SHAPE, np.uint8)
    values[1, 1], values[2, 2] = 0, 255
    store("mask.tif", values, nodata=255)
    np.testing.assert_array_equal(validity("source.tif", mask="mask.tif"), but((1, 1), (2, 2)))
    store_internal("mask.tif", but((3, 3)))
    store_msk("mask.tif", but((4, 4)), 1)
    np.testing.assert_array_equal(validity("source.tif", mask="mask.tif"), but((1, 1), (2, 2), (3, 3), (4, 4)))
    # A value that is named is valid, be it the nodata value.
    np.testing.assert_array_equal(validity("source.tif", mask=("mask.tif", 1, 1)), but((1, 1), (2, 2), (3, 3), (4, 4)))
    only = np.zeros(SHAPE, np.uint8)
    only[2, 2] = 1
    np.testing.assert_array_equal(validity("source.tif", mask=("mask.tif", 1, 255)), only)


def test_a_mask_raster_of_floats_is_not_valid_where_it_is_nan(folder):
    store("source.tif", plain())
    values = np.ones(SHAPE, np.float32)
    values[1, 1], values[2, 2] = np.nan, -9999
    store("mask.tif", values, nodata=-9999)
    np.testing.assert_array_equal(validity("source.tif", mask="mask.tif"), but((1, 1), (2, 2)))


def test_a_value_of_valid_is_meant_in_the_dtype_of_its_mask(folder):
    store("source.tif", plain())
    for dtype, value, asked in (
        ("float32", np.float32(0.1), 0.1),
        ("float32", LEAST, -3.4028235e38),
        ("uint8", 7, 7.0),
    ):
        store("mask.tif", np.where(but((1, 1)), value, 1).astype(dtype))
        np.testing.assert_array_equal(validity("source.tif", mask=("mask.tif", 1, asked)), but((1, 1)))
    for asked in (256, 0.5):
        with pytest.raises(GpumaskError, match="^mask: expected a value that uint8 holds"):
            run("source.tif", mask=("mask.tif", 1, asked))


def test_the_alpha_band_may_be_the_mask_raster(folder):
    store("source.tif", plain())
    store("rgba.tif", plain(dtype="uint8", bands=4, at={(3, 1, 1): 0, (0, 2, 2): 100}), alpha=(4,), photometric="rgb")
    np.testing.assert_array_equal(validity("source.tif", mask=("rgba.tif", 4)), but((1, 1)))
    np.testing.assert_array_equal(validity("source.tif", mask=("rgba.tif", 4, 100)), but((1, 1)))
    np.testing.assert_array_equal(validity("source.tif", mask=("rgba.tif", 1)), but((1, 1)))


@pytest.mark.parametrize("resolution", [1, 2])
def test_a_coarse_share_is_none_where_its_raster_declares_nodata(folder, resolution):
    shares = np.ones((4, 4), np.float32)
    shares[1, 1] = -9999
    size = 3 * resolution + 1
    store("like.tif", np.zeros((1, size, size), np.uint8))
    transform = rasterio.Affine(10 * resolution, 0, 5005 - 5 * resolution, 0, -10 * resolution, 8995 + 5 * resolution)
    store("shares.tif", shares, nodata=-9999, transform=transform)
    words = ("mask", "out.tif", "--like", "like.tif", "--mask", "shares.tif", "--resolution", resolution, resolution)
    run_command(*words, "--backend", "numpy")
    expected = np.ones((size, size), np.uint8)
    expected[1 : 2 * resolution, 1 : 2 * resolution] = 0
    np.testing.assert_array_equal(read("out.tif")[0], expected)


def test_nodes_that_the_grid_itself_masks_do_not_count(folder):
    store("source.tif", plain())
    nodes = np.mgrid[0.0:8, 0.0:8]
    nodes[0, 1, 1], nodes[1, 2, 2] = -5, -5
    grid = store("grid.tif", nodes, nodata=-5)
    store_internal("grid.tif", but((3, 3)))
    store_msk("grid.tif", but((4, 4)), 2)
    expected = but((1, 1), (2, 2), (3, 3), (4, 4))
    np.testing.assert_array_equal(validity("source.tif", grid=grid), expected)
    store("counts.tif", but((6, 6)))
    np.testing.assert_array_equal(validity("source.tif", grid=grid, grid_mask="counts.tif"), expected & but((6, 6)))
    # Another value is instead of the declared one: what has it lies outside the source here, all but for the masks.
    np.testing.assert_array_equal(validity("source.tif", grid=grid, grid_nodata=7)[:7, :7], expected[:7, :7])


def test_a_grids_nodata_value_is_of_its_band_alone(folder):
    store("source.tif", plain())
    nodes = store("nodes.tif", np.mgrid[0.0:8, 0.0:8])
    for declared, expected in (((0, None), np.s_[0]), ((None, 3), np.s_[:, 3]), ((2, 2), np.s_[[2]])):
        bands = [VrtBand(nodes, k, "float64", declared[k - 1]) for k in (1, 2)]
        store_vrt("grid.vrt", SHAPE, bands)
        valid = but(expected)
        if declared == (2, 2):
            valid[:, 2] = 0
        np.testing.assert_array_equal(validity("source.tif", grid="grid.vrt"), valid)


@pytest.mark.parametrize(("dtype", "nodata"), [("float32", -3.4028235e38), ("float32", "1e-3"), ("int32", -9)])
def test_a_grids_nodata_value_is_as_its_band_holds_it(folder, dtype, nodata):
    store("source.tif", plain())
    nodes = np.mgrid[0.0:8, 0.0:8].astype(dtype)
    nodes[0, 1, 1] = nodata
    store("nodes.tif", nodes)
    store_vrt("grid.vrt", SHAPE, [VrtBand("nodes.tif", k, dtype, nodata) for k in (1, 2)])
    valid = but((1, 1))
    np.testing.assert_array_equal(validity("source.tif", grid="grid.vrt"), valid)
    np.testing.assert_array_equal(validity("source.tif", grid="nodes.tif", grid_nodata=float(nodata)), valid)


def test_a_grid_of_arrays_takes_its_nodata_value_as_each_of_them_holds_it():
    row, col = np.full((1, 3), LEAST, np.float32), np.array([[0.0, 1.0, -3.4028235e38]])
    row[0, :2] = 0, 1
    grid = Grid(row, col, nodata=-3.4028235e38)
    np.testing.assert_array_equal(grid.counts(), [[True, True, False]])
    np.testing.assert_array_equal(Grid(row[:, :2], col[:, 1:], nodata=-3.4028235e38).counts(), [[True, False]])
    np.testing.assert_array_equal(
        Grid(row, col.astype(np.float32), nodata=-3.4028235e38).counts(), [[True, True, False]]
    )
    half = np.array([[0.0, -9999]], np.float16)
    np.testing.assert_array_equal(Grid(half, half, nodata=-9999).counts(), [[True, False]])
    with pytest.raises(GpumaskError, match="^grid.nodata: expected a value that float32 holds"):
        Grid(row, col, nodata=1e300)


# A nodata value is meant in its band's dtype.


@pytest.mark.parametrize("asked", [-3.4028235e38, LEAST, np.float32(LEAST), np.float64(-3.4028235e38)])
def test_the_least_float_is_itself_however_it_is_written(folder, asked):
    image = plain(3.5, "float32", at={(0, 1, 1): LEAST})
    store("source.tif", image)
    np.testing.assert_array_equal(validity("source.tif", source_nodata=asked), but((1, 1)))
    out, _ = run("source.tif", nodata_out=asked, source_nodata=asked)
    np.testing.assert_array_equal(out, image)
    with rasterio.open("out.tif") as made:
        assert made.nodata == LEAST
    found = resample(image[0], Grid([[1, 9]], [[0, 0]]), "nearest", nodata_out=asked, backend="numpy")
    assert found.image.tolist() == [[3.5, LEAST]]


def test_the_least_float_that_a_vrt_declares_is_not_averaged(folder):
    store("plain.tif", plain(3.5, "float32", at={(0, 1, 1): LEAST}))
    store_vrt("source.vrt", SHAPE, [VrtBand("plain.tif", 1, "float32", "-3.4028235e+38")])
    image, valid = run("source.vrt", "half.tif", interp="linear", nodata_out=None)
    expected = np.zeros(SHAPE, np.uint8)
    expected[:7, :7] = 1
    expected[:2, :2] = 0
    np.testing.assert_array_equal(valid, expected)
    np.testing.assert_array_equal(image[0], np.where(expected, 3.5, LEAST))
    run_command(
        "resample", "source.vrt", "half.tif", "out.tif", "--source-nodata", "-3.4028235e+38", "--backend", "numpy"
    )


@pytest.mark.parametrize(
    ("dtype", "asked"),
    [
        ("float32", 3.5e38), ("float32", -1e300), ("float64", 10**400), ("uint8", 256), ("uint8", -1), ("int16", 0.5),
        ("int16", np.nan), ("int32", np.inf), ("int64", 2**63), ("int64", float(2**63)), ("uint64", 2**64),
        ("uint64", 1.8446744073709552e19),
    ],
)  # fmt: skip
def test_a_nodata_value_that_does_not_round_into_the_dtype_is_refused(folder, dtype, asked):
    store("source.tif", plain(3, dtype))
    for name in ("source_nodata", "nodata_out"):
        with pytest.raises(GpumaskError, match=f"^{name}: expected a value that {dtype} holds"):
            run("source.tif", **{name: asked})


WIDE = [("uint64", 2**64 - 1), ("uint64", 2**53 + 1), ("int64", 2**63 - 1), ("int64", -(2**63)), ("int64", 2**53 + 1)]


@pytest.mark.parametrize(("dtype", "value"), WIDE)
def test_integers_of_64_bits_are_held_to_the_last_digit(folder, dtype, value, backend):
    near = value - 1 if value > 0 else value + 1
    image = plain(near, dtype, at={(0, 1, 1): value})
    grid = Grid([[0, 1, 9]], [[0, 1, 9]])
    for asked in (value, np.dtype(dtype).type(value)):
        found = resample(image[0], grid, "nearest", nodata_out=asked, backend=backend)
        assert found.image.tolist() == [[near, value, value]] and found.validity.tolist() == [[1, 1, 0]]
    store("source.tif", image)
    found, valid = run("source.tif", source_nodata=value, backend=backend, dtype=dtype)
    np.testing.assert_array_equal(valid, but((1, 1)))
    np.testing.assert_array_equal(validity("source.tif", mask=("source.tif", 1, value)), 1 - but((1, 1)))
    found, _ = run("source.tif", source_nodata=value, nodata_out=value, validity="mask", backend=backend)
    np.testing.assert_array_equal(found, image)
    words = ("--source-nodata", value, "--validity", "valid.tif", "--backend", "numpy", "--interp", "nearest")
    run_command("resample", "source.tif", "same.tif", "out.tif", *words)
    np.testing.assert_array_equal(read("valid.tif")[0], but((1, 1)))


@pytest.mark.parametrize(("dtype", "value"), [*WIDE, ("uint64", 2**64 - 2**11), ("int64", 7)])
@pytest.mark.parametrize("kind", ["tif", "vrt", "hidden"])
def test_declared_integers_of_64_bits_are_read_to_the_last_digit(folder, dtype, value, kind):
    image = plain(value - 1 if value > 0 else value + 1, dtype, at={(0, 1, 1): value})
    exactly("source.tif", image, value)
    if kind == "hidden":
        store_internal("source.tif", but((2, 2)))
    if kind == "vrt":
        store_vrt("source.vrt", SHAPE, [VrtBand("source.tif", 1, dtype, value)])
    expected = but((1, 1), (2, 2)) if kind == "hidden" else but((1, 1))
    source = "source.vrt" if kind == "vrt" else "source.tif"
    np.testing.assert_array_equal(validity(source), expected)
    with rasterio.open(source) as dataset:
        assert Declared(dataset, (1,)).nodata == (value,)
    if value != 7:
        with pytest.raises(GpumaskError, match="^nodata_out: expected a value up to 2\\^53, as rasterio"):
            run(source, nodata_out=None)
        found, _ = run(source, nodata_out=None, validity="mask")
        assert found[0, 1, 1] == value


def test_bands_of_other_dtypes_do_not_matter_to_integers_of_64_bits(folder):
    wide, narrow = store("wide.tif", plain(3, "int64")), store("narrow.tif", plain(3, "float32"))
    bands = [VrtBand(wide, 1, "int64", 2**53 + 1), VrtBand(narrow, 1, "float32", -0.5), VrtBand(wide, 1, "int64")]
    with rasterio.open(store_vrt("source.vrt", SHAPE, bands)) as dataset:
        assert Declared(dataset, (3, 2, 1)).nodata == (None, -0.5, 2**53 + 1)


def test_a_hidden_nodata_value_of_a_vrt_is_none(folder):
    store("plain.tif", plain(3, "int64"))
    path = store_vrt("source.vrt", SHAPE, [VrtBand("plain.tif", 1, "int64", 3)])
    path.write_text(path.read_text().replace("</NoDataValue>", "</NoDataValue><HideNoDataValue>1</HideNoDataValue>"))
    np.testing.assert_array_equal(validity("source.vrt"), but())


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")  # rasterio's own
@pytest.mark.parametrize(
    ("dtype", "text"), [("uint8", "-9999"), ("uint8", "0.5"), ("int16", "nan"), ("float32", "1e300")]
)
def test_a_declared_value_that_no_pixel_can_have_masks_nothing(folder, dtype, text):
    store("plain.tif", plain(3, dtype))
    store_vrt("source.vrt", SHAPE, [VrtBand("plain.tif", 1, dtype, text)])
    np.testing.assert_array_equal(validity("source.vrt", nodata_out=None), but())
    with rasterio.open("out.tif") as made:
        assert made.nodata is None


def test_float16_arrays_and_a_zero_with_a_sign(backend):
    image = np.array([[1, -9999]], np.float16)
    found = resample(image, Grid([[0, 5]], [[0, 0]]), "nearest", nodata_out=-9999, backend=backend)
    assert found.image.tolist() == [[1, -9999]] and found.image.dtype == np.float32
    zero = resample(image, Grid([[5]], [[0]]), "nearest", nodata_out=-0.0, backend=backend).image
    assert zero == 0 and np.signbit(zero)
    assert resample(image.astype(np.int8), Grid([[5]], [[0]]), "nearest", nodata_out=-0.0, backend=backend).image == 0


def test_zero_with_a_sign_is_the_other_zero(folder):
    store("source.tif", plain(1, "float32", at={(0, 1, 1): 0.0, (0, 2, 2): -0.0}))
    for zero in (0.0, -0.0):
        np.testing.assert_array_equal(validity("source.tif", source_nodata=zero), but((1, 1), (2, 2)))


def test_gridrs_nodata_values_are_held_as_the_arrays_hold_them():
    grid = np.zeros((2, 3, 3), np.float32)
    grid[0, 1, 1] = LEAST
    gpumask.array_shift_grid_coordinates(grid[0], grid[1], (1, 1), grid_nodata=-3.4028235e38)
    assert grid[0, 1, 1] == LEAST and grid[1, 1, 1] == 0 and grid[0, 0, 0] == 1
    source = np.full((3, 3), 7, np.uint64)
    out = np.zeros((1, 2), np.uint64)
    rows, cols = np.array([[0.0, 9.0]]), np.zeros((1, 2))
    gpumask.array_grid_resampling("nearest", source, rows, cols, (1, 1), out, nodata_out=2**64 - 1)
    assert out.tolist() == [[7, 2**64 - 1]]


# Bands that declare different values.


def declaring(*nodata, dtype="int16", value=100):
    """Write a VRT whose bands declare different nodata values; each has one such pixel, and a zero."""
    image = plain(value, dtype, bands=len(nodata))
    for band, each in zip(image, nodata, strict=True):
        band[1, 1] = 0
        if each is not None:
            band[2, 2] = each
    store("plain.tif", image)
    return store_vrt("source.vrt", SHAPE, [VrtBand("plain.tif", k, dtype, each) for k, each in enumerate(nodata, 1)])


@pytest.mark.parametrize(
    ("nodata", "how", "told"),
    [
        ((0, -1), {}, "band 1: 0, band 2: -1"),
        ((0, None), {}, "band 1: 0, band 2: none"),
        ((None, 7), {}, "band 1: none, band 2: 7"),
        ((0, -1), {"dtype": "uint8"}, "band 1: 0, band 2: -1"),
        ((5, 5, 7), {"bands": [3, 1]}, "band 3: 7, band 1: 5"),
        ((0, -1), {"mask": None}, "band 1: 0, band 2: -1"),
    ],
)
def test_bands_that_declare_different_values_ask_for_a_nodata_value(folder, nodata, how, told):
    source = declaring(*nodata)
    for where in ("valid.tif", None):
        with pytest.raises(GpumaskError, match=f"^nodata_out: expected a value, as .*{told}"):
            run(source, nodata_out=None, validity=where, **how)
    assert not (folder / "out.tif").exists()
    run(source, nodata_out=200, **how)
    with rasterio.open("out.tif") as made:
        assert made.nodata == 200


def test_bands_that_declare_different_values_name_the_option(folder):
    declaring(0, -1)
    told = fails("resample", "source.vrt", "same.tif", "out.tif")
    assert told.startswith("gpumask: --nodata: expected a value")
    run_command("resample", "source.vrt", "same.tif", "out.tif", "--nodata", "-7", "--backend", "numpy")
    run_command("resample", "source.vrt", "same.tif", "out.tif", "-b", 2, "--backend", "numpy")
    with rasterio.open("out.tif") as made:
        assert made.nodata == -1


def test_just_the_bands_that_are_used_declare(folder):
    source = declaring(5, 5, 7)
    image, valid = run(source, nodata_out=None, bands=[1, 2])
    np.testing.assert_array_equal(valid, but((2, 2)))
    with rasterio.open("out.tif") as made:
        assert made.nodata == 5 and (image[:, 2, 2] == 5).all()


def test_nan_holds_for_all_bands_of_floats(folder):
    for nodata in ((-9999, "nan"), ("nan", None)):
        source = declaring(*nodata, dtype="float32")
        image, valid = run(source, nodata_out=None)
        np.testing.assert_array_equal(valid, but((2, 2)))
        with rasterio.open("out.tif") as made:
            assert np.isnan(made.nodata) and np.isnan(image[:, 2, 2]).all()
            assert (made.read_masks() == valid * 255).all()


@pytest.mark.parametrize("within", ["mask", "alpha"])
def test_a_mask_or_alpha_in_the_output_says_it_for_bands_that_declare_different_values(folder, within):
    source = declaring(0, 7, 9, dtype="uint8")
    image, _ = run(source, nodata_out=None, validity=within)
    with rasterio.open("out.tif") as made:
        assert made.nodata is None
        np.testing.assert_array_equal(made.read_masks(2), but((1, 1), (2, 2)) * 255)
    assert image[1, 3, 3] == 100


@pytest.mark.parametrize("within", ["mask", "alpha"])
def test_what_a_mask_or_alpha_says_is_valid_is_so_when_it_is_read_again(folder, within):
    store("source.tif", plain(100, "uint8", at={(0, 1, 1): 9, (0, 2, 2): 0}), nodata=9)
    run("source.tif", nodata_out=0, validity=within)
    (folder / "out.tif").rename("again.tif")
    with rasterio.open("again.tif") as made:
        assert made.nodata is None and made.read(1)[1, 1] == 0
        np.testing.assert_array_equal(made.read_masks(1), but((1, 1)) * 255)
    np.testing.assert_array_equal(validity("again.tif", bands=[1]), but((1, 1)))


# Alpha goes along as alpha.


def rgba(dtype="uint8", colours=3, **profile):
    """Write a source with alpha as its last band: opaque, half, and in places none at all."""
    rng, most = np.random.default_rng(colours), np.iinfo(dtype).max
    image = np.concatenate([rng.integers(1, most, (colours, *SHAPE)), np.full((1, *SHAPE), most)]).astype(dtype)
    image[-1, 2, 2], image[-1, 5, :2], image[-1, 6, 6] = 0, 0, most // 2
    photometric = {"photometric": "rgb"} if colours == 3 else {"photometric": "minisblack"}
    store("source.tif", image, alpha=(colours + 1,), **photometric, **profile)
    return image, image[-1] != 0


def kinds(path="out.tif"):
    with rasterio.open(path) as made:
        return [kind.name for kind in made.colorinterp]


def averaged(colours, valid):
    """Return the mean of each pixel with those below and beside it, and where all four are valid."""
    parts = [np.s_[..., i : 7 + i, j : 7 + j] for i in (0, 1) for j in (0, 1)]
    mean = np.rint(sum(colours[part].astype(float) for part in parts) / 4)
    valid = np.logical_and.reduce([valid[part] for part in parts])
    return np.where(valid, mean, 0).astype(colours.dtype), valid


@pytest.mark.parametrize("colours", [1, 2, 3, 5])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_alpha_is_no_colour_it_says_where_the_output_is_valid(folder, colours, dtype, backend):
    image, valid = rgba(dtype, colours)
    most = np.iinfo(dtype).max
    found, told = run("source.tif", backend=backend)
    np.testing.assert_array_equal(found, np.concatenate([image[:-1] * valid, (valid * most).astype(dtype)[None]]))
    np.testing.assert_array_equal(told, valid)
    assert kinds()[-1] == "alpha" and kinds().count("alpha") == 1
    found, _ = run("source.tif", "half.tif", interp="linear", validity=None, backend=backend)
    expected, valid = averaged(image[:-1], valid)
    np.testing.assert_array_equal(found[:-1, :7, :7], expected)
    np.testing.assert_array_equal(found[-1, :7, :7], valid.astype(dtype) * most)
    assert set(np.unique(found[-1])) == {0, most} and not found[-1, 7].any()
    with rasterio.open("out.tif") as made:
        assert made.nodata is None
        if colours in (1, 3):
            assert (made.read_masks(1) == np.where(found[-1], 255, 0)).all()


@pytest.mark.parametrize("order", [[4, 1, 2, 3], [1, 4, 2], [3, 4], [4, 1, 1], [1, 2, 4, 4]])
def test_alpha_stays_where_it_is_among_the_bands(folder, order):
    image, valid = rgba()
    found, _ = run("source.tif", bands=order)
    for made, band in zip(found, order, strict=True):
        np.testing.assert_array_equal(made, valid * 255 if band == 4 else image[band - 1] * valid)
    assert [kind == "alpha" for kind in kinds()] == [band == 4 for band in order]
    (folder / "out.tif").rename("again.tif")
    np.testing.assert_array_equal(validity("again.tif"), valid)


def test_alpha_is_left_out_where_just_colours_are_asked_for_and_plain_where_it_is_alone(folder):
    image, valid = rgba()
    found, told = run("source.tif", bands=[1, 2, 3])
    np.testing.assert_array_equal(found, image[:3] * valid)
    np.testing.assert_array_equal(told, valid)
    assert "alpha" not in kinds()
    found, told = run("source.tif", bands=[4])
    np.testing.assert_array_equal(found[0], image[3])
    np.testing.assert_array_equal(told, valid)
    assert kinds() == ["gray"]


@pytest.mark.parametrize("where", ["mask", "alpha", "valid.tif", None])
def test_alpha_goes_along_whatever_else_has_the_validity(folder, where):
    image, valid = rgba()
    found, told = run("source.tif", validity=where)
    np.testing.assert_array_equal(found, np.concatenate([image[:3] * valid, valid[None] * np.uint8(255)]))
    with rasterio.open("out.tif") as made:
        assert made.nodata is None and (made.read_masks(1) == valid * 255).all()
    found, _ = run("source.tif", bands=[1, 2, 3], validity="alpha")
    np.testing.assert_array_equal(found, np.concatenate([image[:3] * valid, valid[None] * np.uint8(255)]))


def test_alpha_says_where_the_output_is_valid_whatever_the_masks_are(folder):
    image, valid = rgba()
    store("mask.tif", but((0, 0)))
    for mask, expected in ((None, but()), ("mask.tif", but((0, 0))), (["auto", "mask.tif"], but((0, 0)) & valid)):
        found, told = run("source.tif", mask=mask)
        np.testing.assert_array_equal(told, expected)
        np.testing.assert_array_equal(found, np.concatenate([image[:3] * expected, expected[None] * np.uint8(255)]))


def test_alpha_of_another_dtype_is_as_opaque_as_that_allows(folder):
    image, valid = rgba()
    found, _ = run("source.tif", dtype="uint16")
    np.testing.assert_array_equal(found[3], valid.astype(np.uint16) * 65535)
    np.testing.assert_array_equal(found[:3], image[:3] * valid)
    colours = store("colours.tif", plain(700, "uint16"))
    alpha = store("alpha.tif", valid * np.uint8(255))
    store_vrt("mixed.vrt", SHAPE, [VrtBand(colours, 1, "uint16"), VrtBand(alpha, 1, "uint8", None, True)])
    found, _ = run("mixed.vrt")
    np.testing.assert_array_equal(found, [valid.astype(np.uint16) * 700, valid.astype(np.uint16) * 65535])


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "uint32", "int64"])
def test_a_dtype_that_holds_no_alpha_is_refused_with_the_way_out(folder, dtype):
    rgba()
    with pytest.raises(GpumaskError, match=rf"^dtype: expected uint8 or uint16, as .*alpha.* got {dtype} .* 1,2,3"):
        run("source.tif", dtype=dtype)
    assert not (folder / "out.tif").exists()
    run("source.tif", dtype=dtype, bands=[1, 2, 3])
    told = fails("resample", "source.tif", "same.tif", "other.tif", "--dtype", dtype)
    assert told.startswith("gpumask: --dtype: expected") and "--bands" in told


@pytest.mark.parametrize(
    ("output", "how", "colours", "dtype"),
    [
        ("out.tif", {"driver": "COG"}, 3, "uint8"), ("out.tif", {"driver": "COG"}, 1, "uint16"),
        ("out.tif", {"driver": "COG"}, 5, "uint8"), ("out.png", {}, 3, "uint8"), ("out.png", {}, 1, "uint16"),
        ("out.webp", {"creation": {"lossless": "yes"}}, 3, "uint8"),
        ("out.tif", {"creation": {"compress": "webp"}}, 3, "uint8"),
        ("out.jp2", {"creation": {"reversible": "yes", "quality": 100}}, 3, "uint8"),
    ],
)  # fmt: skip
def test_formats_that_hold_alpha(folder, output, how, colours, dtype):
    driver = {"out.png": "PNG", "out.webp": "WEBP", "out.jp2": "JP2OpenJPEG"}.get(output, "GTiff")
    with rasterio.Env() as env:
        if driver not in env.drivers():
            pytest.skip(f"no {driver}")
    image, valid = rgba(dtype, colours)
    found, _ = run("source.tif", output=output, validity=None, **how)
    np.testing.assert_array_equal(found[-1], valid.astype(dtype) * np.iinfo(dtype).max)
    if how.get("creation", {}).get("compress") != "webp":
        np.testing.assert_array_equal(np.where(valid, found[:-1], 0), np.where(valid, image[:-1], 0))
    assert kinds(output)[-1] == "alpha"


def test_a_jpeg_has_alpha_as_its_mask(folder):
    _, valid = rgba()
    run("source.tif", output="out.jpg", validity=None)
    with rasterio.open("out.jpg") as made:
        np.testing.assert_array_equal(made.read_masks(1), valid * 255)


@pytest.mark.parametrize(
    ("output", "how"),
    [
        ("out.img", {"driver": "ENVI"}), ("out.tif", {"creation": {"compress": "jpeg"}}),
        ("out.png", {"bands": [4, 1, 2, 3]}),
    ],
)  # fmt: skip
def test_storage_that_loses_alpha_is_refused(folder, output, how):
    rgba()
    with pytest.raises(GpumaskError, match="^creation: expected storage that keeps invalid pixels invalid"):
        run("source.tif", output=output, **how)
    assert not (folder / output).exists()


def test_four_bands_without_alpha_are_not_declared_to_have_it(folder):
    image = np.random.default_rng(1).integers(0, 255, (4, *SHAPE), np.uint8)
    store("source.tif", image, photometric="minisblack")
    for driver in ("GTiff", "COG"):
        found, told = run("source.tif", driver=driver)
        np.testing.assert_array_equal(found, image)
        assert "alpha" not in kinds() and told.all()
    with pytest.raises(GpumaskError, match="^creation: expected a format that keeps the meaning of 4 bands; got PNG"):
        run("source.tif", output="out.png")


@pytest.mark.parametrize("where", [None, "mask", "valid.tif"])
@pytest.mark.parametrize("order", [None, [1, 4, 2]])
def test_an_interrupted_run_goes_on_with_alpha_as_it_was(folder, where, order, monkeypatch):
    image, valid = rgba()
    how = {"bands": order, "validity": where, "resume": True, "tile_shape": (1, 1)}

    def stop(done, total):
        if done >= 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("source.tif", progress=stop, **how)
    seen = []
    found, _ = run("source.tif", progress=lambda done, total: seen.append(done), **how)
    numbers = order or [1, 2, 3, 4]
    expected = [valid * np.uint8(255) if band == 4 else image[band - 1] * valid for band in numbers]
    np.testing.assert_array_equal(found, expected)
    assert seen and seen[0] > 9


@pytest.mark.parametrize("where", [None, "mask", "valid.tif"])
def test_alpha_that_did_not_last_is_made_again(folder, where):
    image, valid = rgba()
    how = {"validity": where, "resume": True, "tile_shape": (1, 1)}

    def stop(done, total):
        if done >= 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("source.tif", progress=stop, **how)
    (draft,) = folder.glob(".gpumask-*/out.tif")
    with rasterio.open(draft, "r+") as spoilt:
        assert spoilt.read(4)[0, 0] == 255
        spoilt.write(np.zeros((1, 1), np.uint8), 4, window=((0, 1), (0, 1)))
    seen = []
    found, _ = run("source.tif", progress=lambda done, total: seen.append(done), **how)
    np.testing.assert_array_equal(found, np.concatenate([image[:3] * valid, valid[None] * np.uint8(255)]))
    assert seen == [*range(1, 65)]


def test_what_the_source_says_of_its_bands_goes_along_with_alpha(folder):
    rgba()
    with rasterio.open("source.tif", "r+") as source:
        source.descriptions, source.scales = ("one", "two", "three", "opacity"), (2, 3, 4, 1)
    run("source.tif", bands=[3, 4])
    with rasterio.open("out.tif") as made:
        assert made.descriptions == ("three", "opacity") and made.scales == (4, 1)
        assert made.colorinterp == (ColorInterp.blue, ColorInterp.alpha)


def test_warp_brings_alpha_along(folder):
    image, valid = rgba()
    words = ("warp", "source.tif", "out.tif", "--crs", "EPSG:32631", "--interp", "nearest", "--backend", "numpy")
    run_command(*words)
    np.testing.assert_array_equal(read("out.tif"), np.concatenate([image[:3] * valid, valid[None] * np.uint8(255)]))
    assert kinds() == ["red", "green", "blue", "alpha"]
