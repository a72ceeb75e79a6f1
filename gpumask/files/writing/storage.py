"""How rasters are stored: their format and its options, tried out before any work."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.files.writing.gdal_says import gdal_heard, options_are_known
from gpumask.files.writing.whole import lacks

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_BLOCK = 512  # pixels a side of a GeoTIFF's tiles
_SAMPLE = 64  # pixels a side of the raster that a storage is tried out with
_WITH_PREDICTOR = ("deflate", "lzw", "zstd")

# Keys of a profile that are no creation options.
_NO_OPTIONS = {"mode", "driver", "width", "height", "count", "dtype", "crs", "transform", "nodata", "sharing"}


class Layout(NamedTuple):
    """How a raster is stored: a profile for rasterio.

    A COG is made from a GeoTIFF. `cog` has its creation options, and the profile is the GeoTIFF's.
    """

    profile: dict[str, Any]
    cog: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """GDAL's name of the format."""
        return self.profile["driver"] if self.cog is None else "COG"


def layout(
    name: str,
    path: Path,
    shape: tuple[int, int],
    dtype: np.dtype[Any],
    creation: Mapping[str, Any],
    *,
    driver: str | None = None,
) -> Layout:
    """Choose how a raster is stored, by its extension or by the driver that is asked for."""
    options = check_creation(creation)
    driver = _driver_of(name, path) if driver is None else _driver_named(driver)
    if driver == "JPEG" and dtype != np.uint8:  # GDAL would cut the values to 12 bits
        raise GpumaskError(f"dtype: expected uint8, as {path.name} is a JPEG; got {dtype}")
    predicts = str(options.get("compress", "")).lower() in _WITH_PREDICTOR
    if driver == "COG":
        _check_blocks(options, True)
        plain = {"driver": "GTiff", "bigtiff": "if_safer", "tiled": "yes", "blockxsize": _BLOCK, "blockysize": _BLOCK}
        return Layout(plain, {"bigtiff": "if_safer", **({"predictor": "yes"} if predicts else {}), **options})
    if driver != "GTiff":
        return Layout({"driver": driver, **options})
    in_strips = str(options.get("tiled", "yes")).lower() in ("no", "off", "false", "0")
    tiled = min(shape) >= _BLOCK and not in_strips
    _check_blocks(options, tiled or ("tiled" in options and not in_strips))
    tiles = {"tiled": "yes", "blockxsize": _BLOCK, "blockysize": _BLOCK} if tiled else {}
    predictor = {"predictor": 3 if dtype.kind == "f" else 2} if predicts else {}
    return Layout({"driver": driver, "bigtiff": "if_safer", **tiles, **predictor, **options})


def is_on(option: Any) -> bool:
    """Say whether a creation option is switched on."""
    return str(option).lower() in ("yes", "true", "on", "1")


def check_creation(options: Any) -> dict[str, Any]:
    """Return creation options by their names in lower case. Raise GpumaskError for those that the job itself sets."""
    if not isinstance(options, Mapping) or not all(isinstance(key, str) for key in options):
        raise ArgumentTypeError(f"creation: expected a mapping of GDAL's names to values; got {options!r}")
    found = {key.lower(): value for key, value in options.items()}
    refused = sorted(_NO_OPTIONS & set(found))
    if refused:
        raise GpumaskError(f"creation: expected GDAL's creation options; got {refused[0]}")
    return found


def _check_blocks(options: Mapping[str, Any], tiled: bool) -> None:
    """Raise GpumaskError for sizes of blocks with which GDAL or rasterio can't make a GeoTIFF."""
    for name in ("blockxsize", "blockysize", "blocksize"):
        size = str(options.get(name, 16))
        if not size.isdecimal() or not int(size) or (tiled and int(size) % 16):
            kind = "a multiple of 16" if tiled else "a whole number from 1 on"
            raise GpumaskError(f"creation: expected {name} to be {kind}; got {options[name]!r}")


def _driver_of(name: str, path: Path) -> str:
    """Return the format that an extension stands for."""
    from rasterio.drivers import driver_from_extension

    try:
        return str(driver_from_extension(path))
    except ValueError as error:
        raise GpumaskError(
            f"{name}: expected a name with an extension that GDAL can write, such as image.tif; got {path.name}"
        ) from error


def _driver_named(given: Any) -> str:
    """Return GDAL's spelling of a format."""
    import rasterio

    with rasterio.Env() as env:
        known = {driver.lower(): driver for driver in env.drivers()}
    if not isinstance(given, str) or given.lower() not in known:
        raise GpumaskError(f"driver: expected a format of GDAL's, such as GTiff or COG; got {given!r}")
    return str(known[given.lower()])


class Sample(NamedTuple):
    """A tiny raster to try a storage out with.

    Attributes
    ----------
    image
        (band, row, col) pixels.
    valid
        Which pixels are valid: (row, col), or (band, row, col) if bands differ.
    within
        What says where pixels are valid. "pixels" stands for the pixels of a mask, "nodata" for the nodata value,
        "mask" for the raster's mask. None means that only alpha bands say it.
    nodata
        The nodata value.
    alpha
        The numbers of the alpha bands.
    """

    image: np.ndarray
    valid: np.ndarray
    within: str | None
    nodata: float | None = None
    alpha: tuple[int, ...] = ()

    @classmethod
    def of(
        cls,
        count: int,
        dtype: Any,
        within: str | None,
        nodata: float | None = None,
        alpha: tuple[int, ...] = (),
        *,
        by_band: bool = False,
    ) -> Sample:
        """Return noise with holes, as no lossy storage keeps noise. Some of it is close to the nodata value."""
        rng, shape, kind = np.random.default_rng(0), (count, _SAMPLE, _SAMPLE), np.dtype(dtype)
        valid = rng.random(shape if by_band else shape[1:]) < 0.8
        if within == "pixels":
            return cls(np.broadcast_to(valid, shape).astype(kind), valid, within)
        hole, widest = kind.type(nodata or 0), 256 ** min(kind.itemsize, 4)
        noise = np.where(rng.random(shape) < 0.1, rng.integers(0, 16, shape), rng.integers(0, widest, shape))
        if kind.kind == "f":
            image = noise.astype(kind) + np.nan_to_num(hole)
        else:  # GDAL compares integers of 64 bits as float64
            image = noise.astype(kind) << (32 * (kind.itemsize // 8)) ^ hole
        if within == "nodata":
            valid &= (image if by_band else image[0]) != hole
            np.copyto(image, hole, where=~valid)
        for band in alpha:
            image[band - 1] = valid * kind.type(np.iinfo(kind).max)
        return cls(image, valid, within, nodata, alpha)

    def write(self, path: Path, profile: Mapping[str, Any]) -> None:
        """Write the raster to a file."""
        import rasterio

        place = {"crs": "EPSG:3857", "transform": rasterio.Affine(2, 0, 0, 0, -2, 0), "nodata": self.nodata}
        shape = {"count": len(self.image), "height": _SAMPLE, "width": _SAMPLE, "dtype": self.image.dtype}
        with rasterio.open(path, "w", **{**profile, **shape, **place}) as raster:
            kinds = with_alpha(raster.colorinterp, self.alpha)
            if kinds != [*raster.colorinterp]:  # GDAL takes the last of four bytes for alpha
                raster.colorinterp = kinds
            raster.write(self.image)
            if self.within == "mask":
                raster.write_mask(self.valid)

    def lasts(self, path: Path) -> bool:
        """Say whether the file still tells which pixels are valid."""
        import rasterio

        with rasterio.open(path) as raster:
            if self.alpha and not self.has_alpha(raster):  # some formats make a mask from alpha
                return bool((raster.read_masks(1) // 255 == self.valid).all())
            found = [raster.read(band) // np.iinfo(raster.dtypes[0]).max for band in self.alpha]
            if self.within is not None:
                which = None if self.valid.ndim == 3 else 1
                found.append(raster.read(which) if self.within == "pixels" else raster.read_masks(which) // 255)
        return all(bool((each == self.valid).all()) for each in found)

    def has_alpha(self, raster: DatasetReader) -> bool:
        """Say whether a raster has the alpha bands of this sample, and no others."""
        return self.alpha == tuple(band for band, kind in enumerate(raster.colorinterp, 1) if kind.name == "alpha")


def try_out(layout: Layout, sample: Sample, name: str) -> list[str]:
    """Store a tiny raster under a name. Return the names of all files that are made.

    Raises GpumaskError if a format can't hold such bands, does not take its options, or loses which pixels are valid.
    """
    import rasterio

    profile = {key: value for key, value in layout.profile.items() if key not in ("blockxsize", "blockysize")}
    with tempfile.TemporaryDirectory(prefix="gpumask-") as folder:
        path = Path(folder) / name
        plain = path if layout.cog is None else path.with_name(f"plain-{name}")
        try:
            with rasterio.Env(GDAL_NUM_THREADS="1"), gdal_heard() as said, options_are_known():
                sample.write(plain, profile)
                if layout.cog is not None:
                    to_cog(plain, path, layout.cog)
                if fault := lacks(path, sparse=False):  # GDAL, or one of its threads, failed to compress blocks
                    raise OSError(said[-1][1] if said else fault)
            lasts = sample.lasts(path)
            with rasterio.open(path) as raster:
                takes_for_alpha = not sample.alpha and not sample.has_alpha(raster)
        except GpumaskError:
            raise
        except Exception as error:  # errors of rasterio and GDAL, and those of rasterio about odd options
            told = error.__cause__ or error
            bands = f"{len(sample.image)} bands of {sample.image.dtype}"
            raise GpumaskError(f"creation: {bands} as {layout.name}: {told}") from error
        if takes_for_alpha:
            raise GpumaskError(
                f"creation: expected a format that keeps the meaning of {len(sample.image)} bands; "
                f"got {layout.name}, which takes one of them for alpha"
            )
        if not lasts:
            lossless = " (reversible=yes and quality=100)" if layout.name == "JP2OpenJPEG" else ""
            instead = "" if sample.within == "pixels" else ", or the validity in a file or in a mask"
            compress = (layout.cog or layout.profile).get("compress", "")
            raise GpumaskError(
                f"creation: expected storage that keeps invalid pixels invalid, such as a lossless one{lossless}"
                f"{instead}; "
                f"got {layout.name} {compress}".rstrip()
            )
        return sorted(part.name for part in Path(folder).iterdir())


def takes_table(layout: Layout, sample: Sample, name: str) -> bool:
    """Say whether a storage of such bands holds a colour table of the first band. It is tried out."""
    import rasterio
    from rasterio.enums import ColorInterp

    dtype, count = sample.image.dtype, len(sample.image)
    if dtype.name not in ("uint8", "uint16"):  # GDAL's colour tables are for these alone
        return False
    profile = {key: value for key, value in layout.profile.items() if key not in ("blockxsize", "blockysize")}
    shape = {"count": count, "height": _SAMPLE, "width": _SAMPLE, "dtype": dtype, "crs": "EPSG:3857"}
    with tempfile.TemporaryDirectory(prefix="gpumask-") as folder:
        path = Path(folder) / name
        plain = path if layout.cog is None else path.with_name(f"plain-{name}")
        try:
            with rasterio.open(plain, "w", **profile, **shape, transform=rasterio.Affine(2, 0, 0, 0, -2, 0)) as raster:
                raster.write_colormap(1, {0: (1, 2, 3, 255)})
                if sample.alpha:
                    raster.colorinterp = with_alpha(raster.colorinterp, sample.alpha)
                raster.write(np.zeros_like(sample.image))
            if layout.cog is not None:
                to_cog(plain, path, layout.cog)
            with rasterio.open(path) as raster:  # a second band may have become alpha, as in a COG
                return bool(raster.colorinterp[0] == ColorInterp.palette) and sample.has_alpha(raster)
        except Exception:  # GDAL and rasterio raise many kinds
            return False


def to_cog(plain: Path, path: Path, options: Mapping[str, Any]) -> None:
    """Make a COG from a GeoTIFF, and delete the GeoTIFF."""
    from rasterio.shutil import copy

    copy(plain, path, driver="COG", **options)
    plain.unlink()


def with_alpha(kinds: Sequence[Any], alpha: tuple[int, ...]) -> list[Any]:
    """Return the colours of bands, with alpha at some places and nowhere else."""
    from rasterio.enums import ColorInterp

    plain = [ColorInterp.undefined if kind == ColorInterp.alpha else kind for kind in kinds]
    return [ColorInterp.alpha if place in alpha else kind for place, kind in enumerate(plain, 1)]
