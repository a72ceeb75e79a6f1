"""The file beside a raster, for what its own format can't hold."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio

from gpumask.files.writing.aux_xml import add_beside, is_text

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
TAGS = {0: {"": {"SCENE": 'a<b & "c"'}, "OWN": {"KEY": "1"}}, 2: {"": {"NAME": "red"}}}


@pytest.fixture
def raster(tmp_path):
    path = tmp_path / "image.png"
    with rasterio.open(path, "w", "PNG", width=5, height=4, count=2, dtype="uint8") as file:
        file.write(np.zeros((2, 4, 5), np.uint8))
    return path


def tags_of(raster, band=0, domain=None):
    with rasterio.open(raster) as file:
        return file.tags(band, ns=domain)


def test_tags_are_read_from_there_by_band_and_domain(raster):
    add_beside(raster, TAGS, {})
    assert tags_of(raster)["SCENE"] == TAGS[0][""]["SCENE"]
    assert tags_of(raster, 0, "OWN") == {"KEY": "1"} and tags_of(raster, 2)["NAME"] == "red"
    assert "NAME" not in tags_of(raster, 1)


def test_what_is_there_already_is_kept(raster):
    add_beside(raster, TAGS, {})
    add_beside(raster, {0: {"": {"MORE": "2"}}, 2: {"": {"UNIT": "m"}}}, {})
    assert {"SCENE", "MORE"} <= tags_of(raster).keys() and {"NAME", "UNIT"} <= tags_of(raster, 2).keys()
    assert sorted(path.name for path in raster.parent.iterdir()) == ["image.png", "image.png.aux.xml"]


def test_elements_of_gdals_are_put_into_their_band(raster):
    element = ElementTree.Element("Description")
    element.text = "near infrared"
    add_beside(raster, {}, {2: [element]})
    with rasterio.open(raster) as file:
        assert file.descriptions == (None, "near infrared")


def test_a_domain_of_one_text_is_kept_as_it_is_and_broken_xml_is_left_out(raster):
    text, numbers = "<a><b>1</b></a>", json.dumps({"a": [1, 2]})
    add_beside(raster, {0: {"xml:ONE": {"xml:ONE": text}, "json:TWO": {"json:TWO": numbers}}}, {})
    add_beside(raster, {0: {"xml:BAD": {"xml:BAD": "<a>"}}}, {})
    with rasterio.open(raster) as file:
        assert {"xml:ONE", "json:TWO"} <= set(file.tag_namespaces()) and "xml:BAD" not in file.tag_namespaces()
    beside = (raster.parent / "image.png.aux.xml").read_text()
    assert text in beside and "[1, 2]" in beside


def test_characters_that_xml_lacks_are_left_out(raster):
    add_beside(raster, {0: {"": {"A\x01B": "c\x00d\ne"}}}, {})
    assert tags_of(raster)["AB"] == "cd\ne"


def test_domains_of_one_text_are_known_by_their_names():
    assert all(map(is_text, ("xml:XMP", "json:ISIS3")))
    assert not any(map(is_text, ("", "RPC", "xmlish")))
