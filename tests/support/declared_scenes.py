"""Rasters that declare in several ways at once where they are valid, and their validity worked out by hand."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.enums import ColorInterp
from rasterio.transform import Affine

PLACE = {"crs": "EPSG:32631", "transform": Affine(10, 0, 5000, 0, -10, 9000)}
VRT_TYPES = {
    "int8": "Int8", "uint8": "Byte", "int16": "Int16", "uint16": "UInt16", "int32": "Int32", "uint32": "UInt32",
    "int64": "Int64", "uint64": "UInt64", "float32": "Float32", "float64": "Float64",
}  # fmt: skip


def store(path: Any, array: np.ndarray, *, alpha: tuple[int, ...] = (), **profile: Any) -> Path:
    """Write a GeoTIFF, or a file of the profile's driver. `alpha` has the numbers of the alpha bands."""
    array = array if array.ndim == 3 else array[None]
    shape = dict(zip(("count", "height", "width"), array.shape, strict=True))
    with rasterio.open(
        path, "w", **{"driver": "GTiff", **PLACE, "dtype": array.dtype.name, **shape, **profile}
    ) as made:
        plain = [ColorInterp.undefined if kind == ColorInterp.alpha else kind for kind in made.colorinterp]
        kinds = [ColorInterp.alpha if band in alpha else kind for band, kind in enumerate(plain, 1)]
        if kinds != [*made.colorinterp]:
            made.colorinterp = kinds
        made.write(array)
    return Path(path)


def store_msk(path: Any, masks: np.ndarray, bands: int) -> Path:
    """Write the .msk file of a raster: one (row, col) mask for all of its bands, or one for each."""
    flags = 2 if masks.ndim == 2 else 0
    beside = store(f"{path}.msk", np.where(masks, 255, 0).astype(np.uint8))
    with rasterio.open(beside, "r+") as made:
        made.update_tags(**{f"INTERNAL_MASK_FLAGS_{band}": str(flags) for band in range(1, bands + 1)})
    return beside


def store_internal(path: Any, valid: np.ndarray) -> None:
    """Give a GeoTIFF a mask of its own."""
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as made:
        made.write_mask(valid.astype(np.uint8) * 255)


class VrtBand(NamedTuple):
    """A band of a VRT: its source, its nodata value as a text, whether it is alpha, and the raster of its mask."""

    source: Path
    band: int
    dtype: str
    nodata: Any = None
    alpha: bool = False
    mask: Path | None = None


def store_vrt(path: Any, shape: tuple[int, int], bands: list[VrtBand], mask: Path | None = None) -> Path:
    """Write a VRT. The first band of the raster `mask` is the mask of all bands."""

    def taken(source: Path, band: int) -> str:
        return f"<SimpleSource><SourceFilename>{source}</SourceFilename><SourceBand>{band}</SourceBand></SimpleSource>"

    def masked(source: Path | None) -> str:
        inner = "" if source is None else f'<VRTRasterBand dataType="Byte">{taken(source, 1)}</VRTRasterBand>'
        return f"<MaskBand>{inner}</MaskBand>" if inner else ""

    text = f'<VRTDataset rasterXSize="{shape[1]}" rasterYSize="{shape[0]}"><SRS>EPSG:32631</SRS>'
    text += "<GeoTransform>5000, 10, 0, 9000, 0, -10</GeoTransform>"
    for number, each in enumerate(bands, 1):
        text += f'<VRTRasterBand dataType="{VRT_TYPES[each.dtype]}" band="{number}">'
        text += "" if each.nodata is None else f"<NoDataValue>{each.nodata}</NoDataValue>"
        text += "<ColorInterp>Alpha</ColorInterp>" if each.alpha else ""
        text += f"{taken(each.source, each.band)}{masked(each.mask)}</VRTRasterBand>"
    Path(path).write_text(f"{text}{masked(mask)}</VRTDataset>")
    return Path(path)


def exactly(path: Any, array: np.ndarray, nodata: Any, driver: str = "GTiff", alpha: tuple[int, ...] = ()) -> Path:
    """Write a raster whose nodata value has all digits of a text. rasterio does not write all digits of 64 bits."""
    plain = store(f"{path}.plain.tif", array, alpha=alpha)
    bands = [VrtBand(plain, k, array.dtype.name, nodata, k in alpha) for k in range(1, len(array) + 1)]
    vrt = store_vrt(f"{path}.plain.vrt", array.shape[1:], bands)
    rasterio.shutil.copy(vrt, path, driver=driver)
    return Path(path)
