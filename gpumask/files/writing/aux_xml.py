"""The .aux.xml file beside a raster. GDAL looks there for what the raster's own format can't hold."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from xml.dom import minidom
from xml.etree import ElementTree
from xml.parsers.expat import ExpatError

_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
Domains = dict[str, dict[str, str]]


def is_text(domain: str) -> bool:
    """Say whether a domain of tags is one text of XML or JSON, without keys."""
    return domain.startswith(("xml:", "json:"))


def add_beside(
    raster: Path, tags: Mapping[int, Domains], elements: Mapping[int, Iterable[ElementTree.Element]]
) -> None:
    """Add tags, by band and domain, and elements of GDAL's XML, by band, to the file beside a raster.

    The file may exist already. Band 0 stands for the dataset. The text of a domain without keys is found under the
    domain's name.
    """
    path = raster.with_name(f"{raster.name}.aux.xml")
    file = minidom.parse(str(path)) if path.exists() else minidom.parseString("<PAMDataset/>")
    root: Any = file.documentElement
    for band, domains in tags.items():
        for domain, found in domains.items():
            nodes = _text(file, domain, found[domain]) if is_text(domain) else _keys(file, found)
            above = _child(root, "PAMRasterBand", "band", str(band)) if band and nodes else root
            metadata = _child(above, "Metadata", "domain", domain) if nodes else above
            for node in nodes:
                metadata.appendChild(node)
            if nodes and is_text(domain):
                metadata.setAttribute("format", domain.partition(":")[0])
    for band, found_elements in elements.items():
        for element in found_elements:
            made: Any = minidom.parseString(ElementTree.tostring(element)).documentElement
            _child(root, "PAMRasterBand", "band", str(band)).appendChild(file.importNode(made, True))
    draft = path.with_name(f".{path.name}")
    draft.write_bytes(root.toxml(encoding="utf-8"))
    os.replace(draft, path)


def _child(above: Any, tag: str, attribute: str, value: str) -> Any:
    """Return the child with a tag and an attribute. Make it if there is none."""
    for node in above.childNodes:
        if isinstance(node, minidom.Element) and node.tagName == tag and node.getAttribute(attribute) == value:
            return node
    made = above.ownerDocument.createElement(tag)
    if value:
        made.setAttribute(attribute, value)
    above.appendChild(made)
    return made


def _keys(file: minidom.Document, tags: Mapping[str, str]) -> list[Any]:
    """Return tags as elements of GDAL's XML."""
    nodes = []
    for key, text in tags.items():
        node = file.createElement("MDI")
        node.setAttribute("key", _NO_XML.sub("", key))
        node.appendChild(file.createTextNode(_NO_XML.sub("", text)))
        nodes.append(node)
    return nodes


def _text(file: Any, domain: str, text: str) -> list[Any]:
    """Return a text as nodes. XML becomes elements. Broken XML gives nothing."""
    if domain.startswith("json:"):
        return [file.createTextNode(text)]
    try:
        return [file.importNode(node, True) for node in [*minidom.parseString(text).childNodes]]
    except ExpatError:
        return []
