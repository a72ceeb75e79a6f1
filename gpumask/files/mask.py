"""One mask from files: polygons, a coarse raster and rules, written in the pixels of another raster."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gpumask.errors import ArgumentTypeError, GpumaskError, renamed
from gpumask.files.reading.image import MaskBand
from gpumask.files.reading.inputs import Inputs
from gpumask.files.reading.quality import open_quality
from gpumask.files.reading.vector import read_polygons
from gpumask.files.tiles.full_resolution import CoarseMaskBand, FineMaskBand, MaskOutput, write_full_resolution
from gpumask.files.tiles.summary import Summary
from gpumask.files.writing.gdal_says import all_is_written, options_are_known
from gpumask.files.writing.storage import Sample, is_on, layout, try_out
from gpumask.files.writing.whole import check_free, output_paths, whole_files
from gpumask.grids.grid import check_resolution
from gpumask.grids.places.affine import MOST_OFF, pixels_off
from gpumask.masks.finer import finer_by
from gpumask.masks.polygons import Polygons
from gpumask.masks.validity import Mask
from gpumask.pixels.checks import positive_pair
from gpumask.pixels.window import Window

if TYPE_CHECKING:
    from rasterio.io import DatasetReader


_log = logging.getLogger("gpumask")

# Names that the layers below use in their errors, and the arguments that stand for them here.
_NAMES = {"mask band": "mask", "mask valid value": "mask value", "values": "mask", "mask output": "output"}


@renamed(_NAMES)
def mask_file(
    output: Any,
    *,
    like: Any,
    valid: Any = None,
    invalid: Any = None,
    mask: Any = None,
    resolution: tuple[int, int] = (1, 1),
    threshold: float = 0.999,
    keep: Any = None,
    quality: Mapping[str, Any] | None = None,
    grow: Any = None,
    creation: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    tile_shape: tuple[int, int] = (1024, 1024),
    backend: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Write a mask in the pixels of another raster, as `gpumask mask` does.

    A pixel is valid if all that is given calls it valid. The output is uint8: 1 is valid, 0 is not.

    Parameters
    ----------
    output
        The path to write to. Its extension says the format. The file appears when it is whole.
    like
        The raster whose rows and columns, CRS and transform the output has: a path, or an open rasterio dataset.
    valid, invalid
        Polygons. A pixel is valid if its centre lies in one of the valid polygons, if there are any, and in none of the
        invalid ones. Each is the path of a vector file, (path, layer), or a list of these. A layer in another CRS than
        the raster's is reprojected.
    mask
        A raster, (raster, band) or (raster, band, value). A pixel of it is valid if it has the value. Without a value
        it is valid if it is not 0. The centre of its first pixel is the centre of the first output pixel. It may be
        finer than the raster by whole factors. Then its first corner is the raster's. Floats are shares of valid there.
    resolution
        (R, C), the output pixels from pixel to pixel of the mask. A finer mask has none.
    threshold
        A share of valid, in (0, 1]. The mask's share is bilinear between its pixels. Where the mask or a quality band
        is finer, it is the part of the output pixel that is valid. From the threshold on a pixel is valid.
    keep, quality, grow
        The rules, the quality bands as {name: raster or (raster, band)}, and the filters by which masked pixels grow.
        See `mask_from_rules`. Quality bands lie where the raster lies. Their pixels have its size, or are either
        larger or smaller by whole factors. Of a finer band a share of `threshold` must match the rules.
    creation
        GDAL's options for the output, such as {"compress": "deflate"}.
    overwrite
        Whether to replace files that exist.
    tile_shape
        The rows and columns that are made at a time. No pixel depends on it.
    backend
        See `use_backend`.
    progress
        Called as progress(done, total), in pixels.

    Returns
    -------
    Summary
        How many pixels are valid, and how long the work took.

    Raises
    ------
    GpumaskError
        If an argument is wrong. The message names it, and nothing is written. Later, if a file can't be read or
        written. The message names the file and the window, and no output is left.

    Examples
    --------
    >>> mask_file("valid.tif", like="scene.tif", valid="fields.gpkg", invalid=["ponds.geojson"])  # doctest: +SKIP
    """
    import rasterio

    if valid is None and invalid is None and mask is None and keep is None:
        raise GpumaskError("valid, invalid, mask, keep: expected at least one of them; got none")
    tile = positive_pair("tile_shape", tile_shape)
    options = dict(creation or {})
    with rasterio.Env(), contextlib.ExitStack() as stack:
        inputs = Inputs(stack)
        image = inputs.open("like", like)
        files = {"valid": _vectors("valid", valid), "invalid": _vectors("invalid", invalid)}
        inputs.files |= {name: [path for path, _ in asked] for name, asked in files.items()}
        masks: list[Mask] = []
        if any(files.values()):
            masks.append(_polygons(files, image))
        if mask is not None:
            band = inputs.mask("mask", mask)
            masks.append(_mask_band(band, resolution, threshold, image))
        masks += open_quality(inputs, image, keep, quality, grow, threshold)
        window = Window.of_shape(image.shape)
        targets = output_paths({"output": output}, inputs.files, overwrite)
        stored = layout("output", targets[0], window.shape, np.dtype(np.uint8), options)
        profile = {
            **{"count": 1, "dtype": "uint8", "height": window.rows, "width": window.cols},
            "crs": image.crs,
            "transform": None if image.transform.is_identity else image.transform,
            **stored.profile,
        }
        with renamed({} if options else {"creation": "output"}):
            names = try_out(stored, Sample.of(1, "uint8", "pixels"), targets[0].name)
        made = [targets[0].with_name(name) for name in names]
        check_free("output", made, inputs.files, overwrite)
        sparse = is_on(stored.profile.get("sparse_ok"))
        with whole_files(*targets, sparse=sparse, overwrite=overwrite) as drafts, all_is_written(targets[0]):
            with options_are_known():
                dataset = rasterio.open(drafts[0], "w", **profile)
            with dataset:
                done = write_full_resolution(
                    image.shape, tuple(masks), MaskOutput(dataset), tile_shape=tile, progress=progress, backend=backend
                )
    if not done.valid:
        _log.warning("output: no pixel is valid")
    return done


def _vectors(name: str, given: Any) -> list[tuple[str, str | None]]:
    """Return vector files as (path, layer). The layer is None if the file has only one."""
    found: list[tuple[str, str | None]] = []
    for each in [] if given is None else given if isinstance(given, list) else [given]:
        path, layer = each if isinstance(each, tuple) and len(each) == 2 else (each, None)
        if not isinstance(path, str | os.PathLike) or not (layer is None or isinstance(layer, str)):
            raise ArgumentTypeError(f"{name}: expected a path, (path, layer), or a list of these; got {given!r}")
        found.append((os.fspath(path), layer))
    if given is not None and not found:
        raise GpumaskError(f"{name}: expected at least one file; got none")
    return found


def _polygons(files: Mapping[str, list[tuple[str, str | None]]], like: DatasetReader) -> Polygons:
    """Read all vector files. `files` has them under "valid" and "invalid"."""
    pair: dict[str, list[Any] | None] = {
        name: [polygon for file in asked for polygon in read_polygons(name, *file, like)] if asked else None
        for name, asked in files.items()
    }
    if pair["valid"] is not None and not any(polygon.area for polygon in pair["valid"]):
        raise GpumaskError(f"valid: expected a polygon with an area; got none in {files['valid'][0][0]}")
    return Polygons(pair["valid"], pair["invalid"], origin=(0.5, 0.5))


def _mask_band(mask: MaskBand, resolution: tuple[int, int], threshold: float, like: DatasetReader) -> Mask:
    """Return a mask for a raster's pixels from a band of the raster's shape, a coarser or a finer one."""
    factors = finer_by(mask.dataset.shape, like.shape)
    if factors is None:
        coarse = CoarseMaskBand(mask, resolution, threshold)
        _check_covers(mask.dataset, coarse.resolution, like)
        return coarse
    if check_resolution(resolution, "resolution") != (1, 1):
        raise GpumaskError(
            f"resolution: expected none, as the mask is finer than like; got {resolution[0]} {resolution[1]}"
        )
    off = pixels_off(mask.dataset, like, factors)
    if off > MOST_OFF:
        raise GpumaskError(
            f"mask: expected {factors[0]} x {factors[1]} of its pixels, by its CRS and transform, in each pixel of "
            f"like, from the same corner on; got up to {off:.3g} of its pixels off"
        )
    return FineMaskBand(mask, factors, threshold)


def _check_covers(mask: DatasetReader, resolution: tuple[int, int], like: DatasetReader) -> None:
    """Raise GpumaskError unless a coarse mask has exactly the nodes that cover a raster, in the right place."""
    rows, cols = (-(-(size - 1) // step) + 1 for size, step in zip(like.shape, resolution, strict=True))
    if mask.shape != (rows, cols):
        raise GpumaskError(
            f"mask: expected {rows} x {cols} pixels, to cover {like.shape[0]} x {like.shape[1]} at a resolution of "
            f"{resolution[0]} {resolution[1]}, or whole multiples of {like.shape[0]} x {like.shape[1]}; got "
            f"{mask.shape[0]} x {mask.shape[1]}"
        )
    off = pixels_off(like, mask, resolution, first=0.5)
    if off > MOST_OFF:
        raise GpumaskError(
            f"mask: expected its pixels' centres, by its CRS and transform, on the centres of every {resolution[0]}th "
            f"row and every {resolution[1]}th column of like, from the first on; got up to {off:.3g} pixels off"
        )
