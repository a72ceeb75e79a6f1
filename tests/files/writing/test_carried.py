"""What a raster says of itself is said of what is made from it: tags, domains, categories; but nothing untrue."""

import base64
import json
import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from commands import read, write
from rasterio.io import MemoryFile

from gpumask import GpumaskError, warp_file
from gpumask.files.writing.output import OutputFile

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")

PLACE = {"crs": "EPSG:32631", "transform": Affine(10, 0, 500_000, 0, -10, 4_000_000)}
TARGET = {"crs": "EPSG:32632", "backend": "numpy"}
TABLE = {0: (0, 0, 0, 255), 1: (255, 0, 0, 255), 2: (0, 255, 0, 255), 3: (9, 9, 255, 255)}
NAMES = ["none", "water & <ice>", "", "Wälder"]
XMP = (
    "<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>"
    "<x:a x:b='c=d'>text</x:a></x:xmpmeta><?xpacket end='w'?>"
)
JSON = '{"mission": "a satellite", "n": [1, 2], "k=v": {"a": null}}'
TIFF_TAGS = {
    "TIFFTAG_COPYRIGHT": "© somebody",
    "TIFFTAG_ARTIST": "an agency",
    "TIFFTAG_DATETIME": "2020:01:02 03:04:05",
    "TIFFTAG_IMAGEDESCRIPTION": "a scene",
    "TIFFTAG_SOFTWARE": "a program",
    "TIFFTAG_DOCUMENTNAME": "a document",
    "TIFFTAG_HOSTCOMPUTER": "a computer",
}
IMAGERY = {"ACQUISITIONDATETIME": "2020-01-02 03:04:05", "CLOUDCOVER": "12", "SATELLITEID": "S"}
OWN = {"A": "b=c", "long": "x" * 3000, "spaces": "a  b"}
# By domain, what an output in another place, or of other pixels, must not say.
UNTRUE = {
    "": {
        "STATISTICS_MEAN": "1", "TIFFTAG_XRESOLUTION": "300", "TIFFTAG_YRESOLUTION": "300", "NODATA_VALUES": "5 6",
        "TIFFTAG_RESOLUTIONUNIT": "2 (pixels/inch)", "TIFFTAG_MINSAMPLEVALUE": "1", "TIFFTAG_MAXSAMPLEVALUE": "9",
        "EXIF_PixelXDimension": "48", "EXIF_Orientation": "6", "NC_GLOBAL#geospatial_lat_max": "3", "lat#units": "m",
        "crs#spatial_ref": "x", "crs#GeoTransform": "1 2", "crs#inverse_flattening": "298", "v#actual_range": "1,2",
        "_FillValue": "3", "NC_GLOBAL#GDAL_AREA_OR_POINT": "Point",
    },
    "RPC": {"LINE_OFF": "1", "LAT_OFF": "2"},
    "GEOLOCATION": {"X_DATASET": "a.tif"},
    "TILING_SCHEME": {"NAME": "GoogleMapsCompatible"},
    "IMD": {"BAND_R.ULLON": "3", "numRows": "48", "ULLat": "4"},
}  # fmt: skip
UNTRUE_OF_BANDS = {
    "STATISTICS_MAXIMUM": "3",
    "STATISTICS_VALID_PERCENT": "100",
    "grid_mapping": "crs",
    "actual_range": "1",
}


def classes_of(bands=1, side=48):
    return np.random.default_rng(3).integers(0, 4, (bands, side, side)).astype(np.uint8)


def attributes(*counted):
    """Return a table of attributes as XML, with columns that count pixels at some places."""
    columns = [("Value", 0, 5, "1"), ("Class", 2, 2, "water"), ("Red", 0, 6, "9")]
    for place in counted:
        columns.insert(place, ("Count", 0, 1, "77"))
    defined = "".join(
        f'<FieldDefn index="{number}"><Name>{name}</Name><Type>{kind}</Type><Usage>{usage}</Usage></FieldDefn>'
        for number, (name, kind, usage, _) in enumerate(columns)
    )
    row = "".join(f"<F>{value}</F>" for *_, value in columns)
    kind = 'tableType="thematic"'
    return f'<GDALRasterAttributeTable {kind}>{defined}<Row index="0">{row}</Row></GDALRasterAttributeTable>'


def beside(path, **bands):
    """Write the file that GDAL reads along with a raster: names by band, as b1=…"""
    root = ElementTree.Element("PAMDataset")
    text = ElementTree.SubElement(root, "Metadata", {"domain": "json:MISSION", "format": "json"})
    text.text = JSON
    for band, (names, table) in bands.items():
        part = ElementTree.SubElement(root, "PAMRasterBand", {"band": band[1:]})
        listed = ElementTree.SubElement(part, "CategoryNames")
        for name in names:
            ElementTree.SubElement(listed, "Category").text = name
        if table:
            part.append(ElementTree.fromstring(table))
    path.with_name(path.name + ".aux.xml").write_bytes(ElementTree.tostring(root, encoding="utf-8"))


@pytest.fixture
def source(tmp_path):
    """Classes with all that can be said of them."""
    path, shape = tmp_path / "source.tif", {"count": 1, "height": 48, "width": 48, "dtype": "uint8"}
    with rasterio.open(path, "w", "GTiff", **shape, **PLACE) as made:
        made.write(classes_of())
        made.write_colormap(1, TABLE)
        made.update_tags(**TIFF_TAGS, MISSION="a satellite", **UNTRUE[""])
        for name in UNTRUE.keys() - {""}:
            made.update_tags(ns=name, **UNTRUE[name])
        made.update_tags(ns="IMAGERY", **IMAGERY)
        made.update_tags(ns="OWN", **OWN)
        made.update_tags(ns="IMD", satId="S")
        key, _, value = XMP.partition("=")
        made.update_tags(ns="xml:XMP", **{key: value})
        made.update_tags(1, WAVELENGTH="0.66", **UNTRUE_OF_BANDS)
        made.update_tags(1, ns="CALIBRATION", GAIN="2")
        made.set_band_description(1, "classes")
    beside(path, b1=(NAMES, attributes(1)))
    assert path.with_suffix(".IMD").exists()  # made by GDAL, of that domain
    return path


def warp(source, name="out.tif", **how):
    output = source.with_name(name)
    warp_file(source, output, **{**TARGET, "overwrite": True, **how})
    return output


def bands_of(path):
    """Return what GDAL says of each band, in XML."""
    with rasterio.open(path) as made, MemoryFile(ext=".vrt") as memory:
        rasterio.shutil.copy(made, memory.name, driver="VRT")
        return ElementTree.fromstring(memory.read()).findall("VRTRasterBand")


def names_of(path, band=1):
    return [each.text or "" for each in bands_of(path)[band - 1].iterfind("CategoryNames/Category")]


def table_of(path, band=1):
    """Return the names of a table's columns, and its rows."""
    table = bands_of(path)[band - 1].find("GDALRasterAttributeTable")
    if table is None:
        return None
    rows = [[cell.text for cell in row.iterfind("F")] for row in table.iterfind("Row")]
    return [column.findtext("Name") for column in table.iterfind("FieldDefn")], rows


def said(path):
    """Return a raster's tags by domain, and those of its first band."""
    with rasterio.open(path) as made:
        own = {name: made.tags(ns=name or None) for name in ("", *made.tag_namespaces())}
        return own, {name: made.tags(1, ns=name or None) for name in ("", *made.tag_namespaces(1))}


def canonical(text):
    """Return XML without what says nothing."""
    root = ElementTree.fromstring(text)
    return [(part.tag, sorted(part.attrib.items()), (part.text or "").strip()) for part in root.iter()]


def assert_all_is_said(path):
    own, of_band = said(path)
    assert (TIFF_TAGS | {"MISSION": "a satellite"}).items() <= own[""].items()
    assert (own["IMAGERY"], own["OWN"], own["IMD"]) == (IMAGERY, OWN, {"satId": "S"})
    assert canonical(own["xml:XMP"]["xml:XMP"]) == canonical(XMP)
    ((key, value),) = own["json:MISSION"].items()  # rasterio takes it apart at its first colon
    assert json.loads(f"{key}:{value}") == json.loads(JSON)
    assert of_band[""]["WAVELENGTH"] == "0.66" and of_band["CALIBRATION"] == {"GAIN": "2"}
    for name, tags in UNTRUE.items():
        assert not tags.keys() & own.get(name, {}).keys()
    assert not UNTRUE_OF_BANDS.keys() & of_band[""].keys()
    assert names_of(path) == NAMES


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("out.tif", {}),
        ("out.tif", {"driver": "COG"}),
        ("out.tif", {"resume": True}),
        ("out.tif", {"driver": "COG", "resume": True}),
        ("out.tif", {"validity": "mask", "creation": {"compress": "deflate"}}),
        ("out.tif", {"validity": "alpha"}),
        ("out.tif", {"driver": "COG", "validity": "alpha"}),
        ("out.tif", {"creation": {"profile": "BASELINE"}}),
        ("out.tif", {"dtype": "uint16"}),
        ("out.png", {}),
        ("out.img", {}),
        ("out.jp2", {"creation": {"reversible": "yes", "quality": "100"}}),
    ],
    ids=str,
)
def test_tags_domains_categories_and_colours_come_along(source, name, how):
    output = warp(source, name, **how)
    assert_all_is_said(output)
    with rasterio.open(output) as made:
        if made.driver != "HFA":  # which has no table of attributes beside that of colours
            assert table_of(output) == (["Value", "Class", "Red"], [["1", "water", "9"]])
        assert made.colorinterp[0].name == "palette"
        assert TABLE.items() <= made.colormap(1).items()
        assert made.driver == "HFA" or made.descriptions[0] in ("classes", None)


def test_a_source_that_is_made_of_an_output_says_the_same_again(source):
    again = warp(warp(source), "again.tif", crs="EPSG:32633")
    assert_all_is_said(again)
    assert table_of(again) == (["Value", "Class", "Red"], [["1", "water", "9"]])


@pytest.mark.parametrize("counted", [(), (0,), (1, 1), (0, 4), (3,)], ids=str)
def test_a_table_of_attributes_comes_along_without_counts_of_pixels(source, counted):
    beside(source, b1=([], attributes(*counted)))
    output = warp(source)
    assert table_of(output) == (["Value", "Class", "Red"], [["1", "water", "9"]])
    assert names_of(output) == []


@pytest.mark.parametrize("how", [{"interp": "linear"}, {"interp": "nearest", "dtype": "int8"}], ids=str)
def test_where_values_are_made_or_cut_tags_are_kept_and_names_and_colours_of_values_are_not(source, how):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "interp: linear makes values between classes")
        output = warp(source, **how)
    own, of_band = said(output)
    assert own["IMAGERY"] == IMAGERY and TIFF_TAGS.items() <= own[""].items() and of_band[""]["WAVELENGTH"] == "0.66"
    assert names_of(output) == [] and table_of(output) is None
    with rasterio.open(output) as made:
        assert made.colorinterp[0].name != "palette"


def test_names_go_with_their_bands(tmp_path):
    source = write(tmp_path / "source.tif", classes_of(3), **PLACE)
    beside(source, b1=(["a", "b"], None), b3=(["c"], attributes()))
    with rasterio.open(source, "r+") as made:
        for band in made.indexes:
            made.update_tags(band, ns="OWN", NUMBER=str(band))
    output = warp(source, bands=[3, 2, 1, 3])
    assert [names_of(output, band) for band in (1, 2, 3, 4)] == [["c"], [], ["a", "b"], ["c"]]
    assert [table_of(output, band) is None for band in (1, 2, 3, 4)] == [False, True, True, False]
    with rasterio.open(output) as made:
        assert [made.tags(band, ns="OWN")["NUMBER"] for band in made.indexes] == ["3", "2", "1", "3"]


@pytest.mark.parametrize(
    ("name", "how"),
    [("out.tif", {"bands": [1, 1]}), ("out.jpg", {}), ("out.tif", {"driver": "COG", "creation": {"compress": "jpeg"}})],
    ids=["two bands", "JPEG", "JPEG in a COG"],
)
def test_colours_that_have_no_place_are_told_of_and_all_else_is_kept(source, name, how, caplog):
    output = warp(source, name, **how)
    assert_all_is_said(output)
    assert sum("the colours of classes are lost" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize("how", [{}, {"validity": "mask"}, {"driver": "COG"}], ids=str)
def test_colours_of_classes_beside_another_band_are_kept_but_in_a_cog_which_takes_it_for_alpha(tmp_path, how):
    source = write(tmp_path / "source.tif", classes_of(2), **PLACE)
    with rasterio.open(source, "r+") as made:
        made.write_colormap(1, TABLE)
    with rasterio.open(warp(source, **how)) as made:
        cog = how.get("driver") == "COG"
        assert [kind.name for kind in made.colorinterp] == ["gray" if cog else "palette", "undefined"]
        assert cog or TABLE.items() <= made.colormap(1).items()


@pytest.mark.parametrize("name", ["out.png", "out.gif", "out.bmp", "out.img", "out.tif"])
def test_values_beyond_a_table_of_colours_last(tmp_path, name):
    source = tmp_path / "source.png"
    with rasterio.open(source, "w", "PNG", count=1, height=48, width=48, dtype="uint8", **PLACE) as made:
        made.write_colormap(1, TABLE)  # and no more colours
        made.write(classes_of())
    with rasterio.open(warp(source, name, nodata_out=200)) as made:
        assert {*np.unique(made.read())} == {0, 1, 2, 3, 200}
        assert TABLE.items() <= made.colormap(1).items()


@pytest.mark.parametrize("driver", ["GTiff", "COG"])
def test_a_source_that_says_nothing_leaves_nothing_beside_its_output(tmp_path, driver):
    source = write(tmp_path / "source.tif", classes_of(), **PLACE)
    with rasterio.open(source, "r+") as made:
        made.update_tags(EMPTY="", MISSION="a satellite")
        made.update_tags(1, WAVELENGTH="0.66")
    output = warp(source, driver=driver)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.tif", "source.tif"]
    assert said(output)[0][""]["MISSION"] == "a satellite" and said(output)[1][""]["WAVELENGTH"] == "0.66"


def test_a_cog_holds_its_domains_itself_where_its_bands_have_no_tags(tmp_path):
    source = write(tmp_path / "source.tif", classes_of(), **PLACE)
    with rasterio.open(source, "r+") as made:
        made.update_tags(ns="IMAGERY", **IMAGERY)
    output = warp(source, driver="COG")
    assert said(output)[0]["IMAGERY"] == IMAGERY
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.tif", "source.tif"]


@pytest.mark.parametrize("resume", [False, True])
def test_what_lies_beside_comes_and_goes_with_its_output(source, monkeypatch, resume):
    output, there = source.with_name("out.tif"), {"source.tif", "source.tif.aux.xml", "source.IMD"}
    whole = OutputFile.write
    left = [1]

    def stops(self, *arguments):
        if not left:
            raise KeyboardInterrupt
        left.pop()
        whole(self, *arguments)

    monkeypatch.setattr(OutputFile, "write", stops)
    with pytest.raises(KeyboardInterrupt):
        warp(source, resume=resume, tile_shape=(16, 16))
    visible = {path.name for path in source.parent.iterdir() if not path.name.startswith(".")}
    assert visible == there
    monkeypatch.setattr(OutputFile, "write", whole)
    warp(source, resume=resume, tile_shape=(16, 16))
    assert {path.name for path in source.parent.iterdir()} == there | {"out.tif", "out.tif.aux.xml"}
    assert_all_is_said(output)
    with pytest.raises(GpumaskError, match="overwrite"):
        warp(source, overwrite=False)
    plain = write(source.with_name("plain.tif"), classes_of(), **PLACE)
    warp(plain)
    assert {path.name for path in source.parent.iterdir()} == there | {"out.tif", "plain.tif"}
    assert names_of(output) == []


def test_a_file_beside_that_alone_is_left_is_not_overwritten_unasked(source):
    source.with_name("out.tif.aux.xml").write_text("mine")
    with pytest.raises(GpumaskError, match=r"out\.tif\.aux\.xml"):
        warp(source, overwrite=False)
    assert source.with_name("out.tif.aux.xml").read_text() == "mine"


def test_gdals_switch_for_files_beside_holds(source):
    with rasterio.Env(GDAL_PAM_ENABLED="NO"):
        warp(source, interp="nearest")
    assert not source.with_name("out.tif.aux.xml").exists()
    assert said(source.with_name("out.tif"))[0]["IMAGERY"] == IMAGERY


def test_any_name_may_be_that_of_a_tag(tmp_path):
    source = write(tmp_path / "source.tif", classes_of(), **PLACE)
    metadata = '<Metadata><MDI key="ns">1</MDI><MDI key="bidx">2</MDI><MDI key="self">3</MDI></Metadata>'
    source.with_name("source.tif.aux.xml").write_text(f"<PAMDataset>{metadata}</PAMDataset>")
    assert {"ns": "1", "bidx": "2", "self": "3"}.items() <= said(warp(source))[0][""].items()


@pytest.mark.parametrize("how", [{}, {"driver": "COG"}, {"validity": "alpha"}, {"name": "out.png"}], ids=str)
def test_a_profile_of_colours_comes_along_where_all_of_them_do_and_the_format_is_tiff(tmp_path, how):
    source, profile = tmp_path / "source.tif", base64.b64encode(bytes(range(200))).decode()
    shape = {"count": 3, "height": 48, "width": 48, "dtype": "uint8", "photometric": "rgb"}
    with rasterio.open(source, "w", "GTiff", **shape, **PLACE) as made:
        made.write(classes_of(3))
        made.update_tags(ns="COLOR_PROFILE", SOURCE_ICC_PROFILE=profile)
    own, _ = said(warp(source, **how))
    kept = {} if "name" in how else {"SOURCE_ICC_PROFILE": profile}
    assert own.get("COLOR_PROFILE", {}) == kept
    if "driver" not in how:
        assert "COLOR_PROFILE" not in said(warp(source, **{**how, "bands": [1]}))[0]


@pytest.mark.parametrize("driver", ["GTiff", "COG"])
def test_tags_in_latin_1_come_along(tmp_path, driver):
    source = write(tmp_path / "source.tif", classes_of(), **PLACE)
    with rasterio.open(source, "r+") as made:
        made.update_tags(TIFFTAG_COPYRIGHT="xx Zuerich", TIFFTAG_ARTIST="Zürich")
    source.write_bytes(source.read_bytes().replace(b"xx Zuerich", b"\xa9\xa0Z\xfcrich  "))
    own = said(warp(source, driver=driver))[0][""]
    assert (own["TIFFTAG_COPYRIGHT"].strip(), own["TIFFTAG_ARTIST"]) == ("©\xa0Zürich", "Zürich")


def test_what_a_netcdf_file_says_comes_along_but_not_of_its_axes(tmp_path):
    scene = write(tmp_path / "scene.tif", classes_of(), **PLACE)
    with rasterio.open(scene, "r+") as made:
        made.update_tags(title="a title")
        made.update_tags(1, flag_values="0,1,2,3", flag_meanings="a b c d")
    try:
        rasterio.shutil.copy(scene, scene.with_name("scene.nc"), driver="netCDF")
    except rasterio.errors.RasterioError:
        pytest.skip("this GDAL writes no NetCDF")
    output = warp(scene.with_name("scene.nc"))
    own, of_band = said(output)
    assert {*np.unique(read(output)).tolist()} <= {0, 1, 2, 3}  # flags ask for the nearest
    assert own[""]["NC_GLOBAL#GDAL_title"] == "a title" and of_band[""]["flag_meanings"] == "a b c d"
    keys = {*own[""], *of_band[""]}
    assert not [key for key in keys if key.startswith(("x#", "y#", "transverse_mercator#")) or "grid_mapping" in key]
