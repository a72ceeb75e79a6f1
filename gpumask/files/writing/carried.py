"""What an output takes over from what its source says of itself: tags, domains, names, colours and categories.

Four kinds of facts are not taken over: where pixels lie, statistics, how a file is stored, and which pixels are valid.
"""

from __future__ import annotations

import contextlib
import json
import re
import warnings
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from gpumask.files.reading.declared import described, described_band
from gpumask.files.writing.aux_xml import Domains, add_beside, is_text
from gpumask.files.writing.storage import with_alpha

if TYPE_CHECKING:
    from rasterio.io import DatasetReader, DatasetWriter


# Tags that are not taken over, in whatever domain.
_NO_TAG = re.compile(
    "STATISTICS_|actual_(range|min|max)$|OVR_|LAYOUT$"  # about pixels, and how they are stored
    "|TIFFTAG_((M(IN|AX)SAMPLEVALUE|[XY]RESOLUTION|RESOLUTIONUNIT)$)"
    "|(AREA_OR_POINT|grid_mapping|coordinates)$|geospatial_|(x|y|lon|lat|longitude|latitude)#"  # about places
    "|EXIF_(Pixel[XY]Dimension|[XY]Resolution|ResolutionUnit|Orientation)$|NITF_(IGEOLO|ICORDS|BLOCKA_|CORNER)"
    "|(?i:(.+[.])?([UL][LR](LON|LAT|HAE|X|Y|H)|num(Rows|Columns))$)"
    "|(NODATA_VALUES|_FillValue|missing_value)$"  # about validity
)
_GRID_MAPPING = re.compile("(.+)#(grid_mapping_name|spatial_ref|crs_wkt|GeoTransform)$")
_NO_DOMAIN = re.compile(
    "IMAGE_STRUCTURE|TIFF|ENVI|OVERVIEWS|(DERIVED_)?SUBDATASETS|(new_)?vrt_sources|xml:VRT|__.*"
    "|RPC|GEOLOCATION|GEOREFERENCING|TILING_SCHEME|LocationInfo|(xml:)?TRE|xml:(gml|ESRI).*|json:ISIS3|xml:PDS4",
    re.IGNORECASE,
)
_PROFILE = "COLOR_PROFILE"  # holds for all colours together
_ARGUMENTS = {"ns", "bidx"}  # rasterio's `update_tags` would take tags with these names for its arguments
_BLACK = (0, 0, 0, 255)  # what GDAL gives values without a colour in a TIFF
_PIXEL_COUNT = "1"  # GDAL's GFU_PixelCount, which marks a column of counts in a raster attribute table


@dataclass(frozen=True, eq=False)
class Carried:
    """What an output says of itself because its source says it.

    Attributes
    ----------
    dataset
        The dataset of the source.
    numbers
        The numbers of the source's bands, in the output's order.
    tags
        The tags by band of the output and by domain. Band 0 stands for the whole output, and "" is GDAL's default
        domain. The text of a domain without keys is found under the domain's name.
    classes
        The names of the values of each band, as elements of GDAL's XML.
    same_values
        Whether the output has no values but those of the source.
    """

    dataset: DatasetReader
    numbers: tuple[int, ...]
    tags: dict[int, Domains]
    classes: dict[int, list[Element]]
    same_values: bool

    @classmethod
    def of(cls, dataset: DatasetReader, bands: Sequence[int], *, same_values: bool) -> Carried:
        """Collect what the bands of a source say, in the output's order.

        `same_values` says whether the output has no values but those of the source.
        """
        root = described(dataset)
        parts = {0: root} | {place: described_band(root, band) for place, band in enumerate(bands, 1)}
        tags = {place: _domains(dataset, (0, *bands)[place], part) for place, part in parts.items()}
        if tuple(bands) != dataset.indexes:
            tags[0].pop(_PROFILE, None)
        classes = {place: _classes(part) for place, part in parts.items() if place and part is not None and same_values}
        return cls(dataset, tuple(bands), tags, classes, same_values)

    def tell(self, image: DatasetWriter, alpha: tuple[int, ...], *, table: bool) -> None:
        """Write into an image all that it can hold, before its pixels are written.

        `alpha` says which of its bands are alpha. An alpha band that the source does not have is the last one. `table`
        says whether the image has the colour table of the first band.
        """
        for band, domains in self.tags.items():
            for name, found in domains.items():
                if name == "IMD" or (name and image.driver != "GTiff"):
                    continue  # other formats make a file of another name, or an error, of some. See `lay_beside`.
                if not is_text(name):
                    tags = {key: text for key, text in found.items() if key not in _ARGUMENTS}
                    image.update_tags(band, ns=name or None, **tags)
                elif "=" in found[name]:  # rasterio joins a key and a value by it
                    key, _, value = found[name].partition("=")
                    image.update_tags(band, ns=name, **{key: value})
        descriptions = self.dataset.descriptions
        for place, band in enumerate(self.numbers, 1):
            image.set_band_description(place, descriptions[band - 1] or "")
        self._tell_colours(image, alpha, table)
        for name, default in (("scales", 1.0), ("offsets", 0.0), ("units", None)):
            said = getattr(self.dataset, name)
            values = [said[band - 1] for band in self.numbers]
            if any(value != default for value in values):
                values += [default] * (image.count - len(values))
                setattr(image, name, tuple(value or "" for value in values) if name == "units" else tuple(values))

    @property
    def tables(self) -> list[int]:
        """The bands of the output whose colour tables still hold."""
        colours = self.dataset.colorinterp
        kinds = [colours[band - 1].name for band in self.numbers]
        return [place for place, kind in enumerate(kinds, 1) if kind == "palette" and self.same_values]

    def _tell_colours(self, image: DatasetWriter, alpha: tuple[int, ...], table: bool) -> None:
        """Write which colours the bands are, and the colours of their values."""
        from rasterio.enums import ColorInterp

        colours = self.dataset.colorinterp
        kinds = [colours[band - 1] for band in self.numbers]
        if table:
            # Some formats cut or refuse values beyond the end of a table, such as a nodata value.
            image.write_colormap(1, dict.fromkeys(range(256), _BLACK) | self.dataset.colormap(self.numbers[0]))
        if alpha or {ColorInterp.red, ColorInterp.green, ColorInterp.blue} & {*kinds}:
            plain = ColorInterp.palette if table else ColorInterp.undefined
            kinds = [plain if kind == ColorInterp.palette else kind for kind in kinds]
            image.colorinterp = with_alpha([*kinds, *image.colorinterp[len(kinds) :]], alpha)
        elif ColorInterp.alpha in image.colorinterp:  # GDAL takes the last of four bytes for alpha
            image.colorinterp = with_alpha(image.colorinterp, ())

    @property
    def cog_options(self) -> dict[str, str]:
        """Options that make a COG keep all domains. If bands have tags there are none, as GDAL would lose those."""
        named = any(name for domains in self.tags.values() for name in domains)
        of_bands = any(domains.get("") for band, domains in self.tags.items() if band)
        return {"copy_src_mdd": "yes"} if named and not of_bands else {}

    def lay_beside(self, path: Path) -> None:
        """Write what a whole file does not hold into the .aux.xml beside it, which GDAL reads too."""
        import rasterio
        from rasterio.env import get_gdal_config
        from rasterio.errors import NotGeoreferencedWarning

        if str(get_gdal_config("GDAL_PAM_ENABLED")).lower() in ("no", "off", "false", "0"):
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path) as made:
                tags = {band: self._lacking(made, band) for band in self.tags}
                root = described(made) if any(self.classes.values()) else Element("VRTDataset")
        there = {band: described_band(root, band) for band in self.classes}
        classes = {
            band: [each for each in found if (part := there[band]) is None or part.find(each.tag) is None]
            for band, found in self.classes.items()
        }
        if any(tags.values()) or any(classes.values()):
            add_beside(path, tags, classes)

    def _lacking(self, made: DatasetReader, band: int) -> Domains:
        """Return the tags of a band that a file does not hold. Band 0 stands for the file itself."""
        wanted = {name: tags for name, tags in self.tags[band].items() if name != _PROFILE}
        found = {name: _tags(made, band, name) for name in wanted}
        lacking = {
            name: {key: text for key, text in tags.items() if text and key not in found[name]}
            for name, tags in wanted.items()
        }
        return {name: tags for name, tags in lacking.items() if tags}


def _domains(dataset: DatasetReader, band: int, part: Element | None) -> Domains:
    """Return the tags of a band that are taken over, by domain. Band 0 stands for the dataset.

    `part` is GDAL's XML about the band.
    """
    found = {}
    for name in ("", *dataset.tag_namespaces(band)):
        if not _NO_DOMAIN.fullmatch(name):
            tags = _tags(dataset, band, name)
            if not name and part is not None:
                tags |= _no_utf8(part, tags)
            mappings = tuple(f"{match[1]}#" for match in map(_GRID_MAPPING.match, tags) if match)
            found[name] = {key: text for key, text in tags.items() if not (_holds_not(key) or key.startswith(mappings))}
    return {name: tags for name, tags in found.items() if tags}


def _no_utf8(part: Element, tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags of the default domain that rasterio leaves out, because they are not UTF-8."""
    listed = (each for metadata in part.findall("Metadata") if "domain" not in metadata.attrib for each in metadata)
    found = {each.get("key", ""): each.text or "" for each in listed}
    # For rasterio a key ends at a colon.
    return {key: text for key, text in found.items() if re.split("[:=]", key)[0].strip() not in tags}


def _holds_not(key: str) -> bool:
    """Say whether a tag does not hold for an output. NetCDF puts the name of a variable before its tags."""
    return any(map(_NO_TAG.match, (key, key.rpartition("#")[2].removeprefix("GDAL_"))))


def _tags(dataset: DatasetReader, band: int, domain: str) -> dict[str, str]:
    """Return the tags of a domain. The text of a domain without keys is found under the domain's name."""
    found: dict[str, str] = dataset.tags(band, ns=domain or None)
    if domain.startswith("json:") and found:  # rasterio splits it at the first colon or equals sign
        (key, value), *_ = found.items()
        for text in (f"{key}:{value}", f"{key}={value}"):
            with contextlib.suppress(ValueError):
                json.loads(text)
                return {domain: text}
        return {}
    return found


def _classes(band: Element) -> list[Element]:
    """Return the names of a band's values: its categories, and its attribute table without counts of pixels."""
    names, table = (band.find(tag) for tag in ("CategoryNames", "GDALRasterAttributeTable"))
    found = [] if names is None or not len(names) else [deepcopy(names)]
    if table is None or table.get("tableType", "thematic") != "thematic":
        return found
    table = deepcopy(table)
    columns = table.findall("FieldDefn")
    counts = [number for number, column in enumerate(columns) if column.findtext("Usage") == _PIXEL_COUNT]
    for number in reversed(counts):
        table.remove(columns[number])
        for row in table.iterfind("Row"):
            row.remove(row[number])
    for number, column in enumerate(table.iterfind("FieldDefn")):
        column.set("index", str(number))
    return [*found, table] if table.find("FieldDefn") is not None else found
