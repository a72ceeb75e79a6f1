"""One resampling from file to file."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gpumask.errors import ArgumentTypeError, GpumaskError, renamed
from gpumask.files.reading import categories
from gpumask.files.reading.declared import Declared
from gpumask.files.reading.gdal import check_bands, same_shape
from gpumask.files.reading.grid import GridFile, GridSource
from gpumask.files.reading.image import SourceFile
from gpumask.files.reading.inputs import Inputs
from gpumask.files.reading.quality import QualityBands, open_quality
from gpumask.files.tiles.run import Job, resample_datasets
from gpumask.files.tiles.summary import Summary
from gpumask.files.writing.creation import Creation
from gpumask.files.writing.whole import check_free, output_paths
from gpumask.grids.projected import ProjectedGrid
from gpumask.pixels.checks import positive_pair, whole_numbers
from gpumask.pixels.values import MOST_DECLARED, as_held, same
from gpumask.pixels.window import Window, check_inside
from gpumask.resampling.coarser import grid_in_the_middle, warn_if_coarser
from gpumask.resampling.method import Method, accepts_method, output_type

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_WITHIN = ("mask", "alpha")
_log = logging.getLogger("gpumask")

# Names that the layers below use in their errors, and the arguments that stand for them here.
_NAMES = {
    "image": "output",
    "source mask": "mask",
    "source mask band": "mask",
    "source mask valid value": "mask",
    "grid mask": "grid_mask",
    "grid mask band": "grid_mask",
    "grid mask valid value": "grid_mask",
    "grid row band": "grid_bands",
    "grid col band": "grid_bands",
    "grid.resolution": "resolution",
    "grid.nodata": "grid_nodata",
}


@renamed(_NAMES)
@accepts_method(validity=("validity_by", "validity_kind"))
def resample_file(  # noqa: PLR0913
    source: Any,
    grid: Any,
    output: Any,
    *,
    interp: Any = None,
    bands: Sequence[int] | None = None,
    resolution: tuple[int, int] = (1, 1),
    grid_bands: tuple[int, int] = (1, 2),
    grid_kind: str = "location",
    pixel_convention: str = "center",
    grid_nodata: float | None = None,
    grid_mask: Any = None,
    mask: Any = "auto",
    source_nodata: float | None = None,
    keep: Any = None,
    quality: Mapping[str, Any] | None = None,
    grow: Any = None,
    boundary: str | tuple[str | None, str | None] | None = None,
    trust_padding: bool = True,
    mask_policy: str = "strict",
    min_weight: float | None = None,
    nodata_out: float | None = None,
    dtype: Any = None,
    compute_dtype: str = "float64",
    antialias: bool = False,
    method: Method | None = None,
    window: Window | tuple[int, int, int, int] | None = None,
    like: Any = None,
    driver: str | None = None,
    creation: Mapping[str, Any] | None = None,
    validity: Any = None,
    validity_by: str = "pixel",
    validity_kind: str = "valid",
    overwrite: bool = False,
    resume: bool = False,
    tile_shape: tuple[int, int] | None = None,
    max_memory: Any = None,
    devices: Iterable[int] | None = None,
    backend: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Bring an image file into the geometry of a grid file, as `gpumask resample` does.

    Inputs are paths, or open rasterio datasets. Nothing else may use these datasets meanwhile.

    Parameters
    ----------
    source
        The image.
    grid
        A raster of nodes, or a `ProjectedGrid`. The arguments about grids are for a raster only.
    output
        The path to write to. Its extension says the format. The file appears when it is whole.
    interp
        See `Method`. None means cubic. If the source declares classes in any of the bands, None means nearest, and the
        log says so. A colour table, names of categories, or tags with flags such as `flag_values` declare classes. For
        classes, an interpolator that mixes values gives a warning.
    bands
        The bands of the source, in the output's order. None means all. An alpha band among others is alpha in the
        output too. The output is uint8 or uint16 then, and its alpha is the greatest value where valid and 0 elsewhere.
    resolution
        (R, C), the output pixels from node to node.
    grid_bands
        The bands of the grid that hold the rows and the columns of nodes in the source.
    grid_kind
        "location", or "displacement" if nodes say how far the source pixel is from their own output row and column, as
        in OTB's deformation grids.
    pixel_convention
        How the grid counts pixels. With "center" the centre of the source's first pixel is 0. With "corner" it is 0.5,
        as in rasterio and OTB.
    grid_nodata
        A node with this row or column does not count. None means the value that each of the bands declares. A node that
        the grid's own mask hides does not count either.
    grid_mask
        Which nodes count: a raster, (raster, band) or (raster, band, value). With a value a node counts if the mask has
        it. Without one it counts if the mask is neither 0 nor the raster's nodata value. What the raster itself masks
        otherwise does not count.
    mask
        Which source pixels are valid. "auto" is what the source itself says, by the nodata value of any band, by masks,
        a .msk file and alpha. A raster is taken as for grid_mask. A list is the AND of several. None means that all
        pixels are valid. Without "auto", what the source itself says is ignored. NaN is never valid.
    source_nodata
        A source pixel with this value in any band is invalid. It is rounded to the source's dtype.
    keep, quality, grow
        The rules, the quality bands as {name: raster or (raster, band)}, and the filters by which masked pixels grow.
        See `mask_from_rules`. The bands lie where the source lies. Their pixels have its size, or are larger or smaller
        by whole factors. All smaller ones in a source pixel must match. MaskRule.from_config makes rules with flags.
    boundary, trust_padding, mask_policy, min_weight
        See `Method`.
    nodata_out
        The value of invalid pixels. None means the source's nodata value if the dtype holds it, and 0 otherwise. The
        output declares it, unless nobody chose it, or a mask or alpha in the output says which pixels are valid. If
        bands declare different values, or only some declare one, nodata_out must be given.
    dtype
        The output's dtype. None means the source's.
    compute_dtype, antialias
        See `Method`.
    method
        How to resample. Give it instead of interp, boundary, trust_padding, mask_policy, min_weight, nodata_out, dtype,
        compute_dtype, antialias, validity_by and validity_kind.
    window
        The part of the output to make: (row, col, rows, cols). None means all of it.
    like
        A raster with the output's rows and columns, whose CRS and transform the output has. None means those of the
        grid.
    driver
        GDAL's name of the format, or "COG". None means that the output's extension says it.
    creation
        GDAL's options, such as {"compress": "deflate"}. A predictor is chosen if none is named.
    validity
        Where the output says which pixels are valid. A path names another raster. "mask" is the output's own mask.
        "alpha" is another band of the output, if alpha is not among its bands. None means nowhere.
    validity_by
        With "pixel" bands are valid together. With "band" each band is valid by itself. A validity file then has a band
        for each. A mask or alpha can't say it, as all bands share them.
    validity_kind
        What a validity file holds. "valid" is uint8, 1 where a pixel is valid. "share" is float32, the valid share of
        each pixel. See `Method`. A mask or alpha can't hold it. Without a validity file it is not computed.
    overwrite
        Whether to replace files that exist.
    resume
        Whether to keep finished tiles if a run is interrupted, in a hidden folder beside the output. The next run of
        the same job goes on from them.
    tile_shape
        The rows and columns that are made at a time. No pixel depends on it. None means that the memory and the
        output's blocks decide.
    max_memory
        The bytes that the run may take, or a text such as "2GB". None means GPUMASK_MAX_MEMORY, or 1 GiB.
    devices
        The numbers of the GPUs that share the work. None means the current one.
    backend
        See `use_backend`.
    progress
        Called as progress(done, total), in output pixels.

    Returns
    -------
    Summary
        How many pixels are valid, and how long the work took.

    Raises
    ------
    GpumaskError
        If an argument is wrong. The message names it, and nothing is written. Later, if a file can't be read or
        written. The message names the file and the window.

    Examples
    --------
    >>> resample_file("scene.tif", "grid.tif", "out.tif", resolution=(16, 16), validity="mask")  # doctest: +SKIP
    """
    import rasterio

    start = time.perf_counter()
    if progress is not None and not callable(progress):
        raise ArgumentTypeError(f"progress: expected a function; got {progress!r}")
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True, **_gdal_threads()), contextlib.ExitStack() as stack:
        inputs = Inputs(stack)
        how = method or Method(
            interp, nodata_out=nodata_out, dtype=dtype, compute_dtype=compute_dtype, boundary=boundary,
            trust_padding=trust_padding, mask_policy=mask_policy, min_weight=min_weight, antialias=antialias,
            validity=_validity_of(validity_by, validity_kind),
        )  # fmt: skip
        image, numbers = _source(inputs, source, bands, mask, source_nodata, (keep, quality, grow), how.by_band)
        words = GridWords(grid_bands, resolution, grid_kind, pixel_convention, grid_mask, grid_nodata)
        nodes = _grid(inputs, grid, words, image.dataset.shape)
        wanted = _window(window, nodes.full_shape)
        within, told = _within(validity, image, numbers, how.share)
        kind = how.output_dtype(image.dtype)
        nodata, declared = _nodata(how.nodata_out, image, kind, told)
        classes = categories.in_file(image.dataset, image.bands)
        if validity is None and how.share:
            how = dataclasses.replace(how, validity="band" if how.by_band else "pixel")
        how = dataclasses.replace(how, interp=categories.chosen(how.interp, classes), dtype=kind, nodata_out=nodata)
        warn_if_coarser(grid_in_the_middle(nodes, wanted), how)
        job = Job(
            how, wanted, None if tile_shape is None else positive_pair("tile_shape", tile_shape), backend, max_memory,
            None if devices is None else whole_numbers("devices", devices),
        )  # fmt: skip
        place = nodes.georeference(wanted) if like is None else _place_of(inputs.open("like", like), wanted)
        paths = output_paths({"output": output, "validity": None if within else validity}, inputs.files, overwrite)
        profile = {"height": wanted.rows, "width": wanted.cols, "dtype": kind.name, "nodata": declared, **place}
        made = Creation(
            paths, image, profile, bands=numbers, within=within, driver=driver, options=creation or {},
            nearest=how.interpolator.keeps_values, share=how.share, overwrite=overwrite,
        )  # fmt: skip
        if how.interpolator.keeps_values:  # otherwise there is a warning already
            categories.check_overviews(creation or {}, classes)
        check_free("output", made.files, inputs.files, overwrite)
        with made.outputs(_identity(inputs, image, nodes, job) if resume else None, max_memory) as written:
            done = resample_datasets(image, nodes, written, job, progress)
    done.seconds["all"] = time.perf_counter() - start
    _warn(done, how.by_band, told=told or declared is not None or validity is not None)
    return done


def _validity_of(by: Any, kind: Any) -> str:
    """Return the validity of a `Method` that two words say."""
    _one_of("validity_by", by, ("pixel", "band"))
    _one_of("validity_kind", kind, ("valid", "share"))
    return {"pixel": "share", "band": "band share"}[by] if kind == "share" else str(by)


def _within(validity: Any, image: SourceFile, numbers: tuple[int, ...], share: bool) -> tuple[str | None, bool]:
    """Return "mask" or "alpha" if that holds the validity, and whether a mask or the source's alpha says it.

    `numbers` are the source's bands, with alpha. Raises GpumaskError if these can't hold it: by band, or with shares.
    """
    within = validity if isinstance(validity, str) and validity in _WITHIN else None
    told = within is not None or numbers != image.bands
    fault = None
    if told and image.by_band:
        fault = "validity_by: expected pixel along with a mask or alpha, which all bands share; got band"
    elif told and share and validity is not None:
        fault = "validity_kind: expected valid along with a mask or alpha, which hold no shares; got share"
    if fault:
        bands = ",".join(map(str, image.bands))
        raise GpumaskError(f"{fault} (for an output without alpha give bands (--bands) {bands})")
    return within, told


def _warn(done: Summary, by_band: bool, *, told: bool) -> None:
    """Warn of an output without a valid pixel, and of one that does not say which of its pixels are invalid."""
    if done.outside == done.pixels:
        _log.warning("output: no pixel is valid, as no coordinate of a node that counts lies in the source")
    elif not done.valid:
        _log.warning("output: no pixel is valid, as masks leave none")
    elif (done.valid < done.pixels or by_band) and not told:
        _log.warning(
            "output: nothing in it says which pixels are invalid; for that give nodata_out (--nodata) or validity "
            "(--validity)"
        )


def _gdal_threads() -> dict[str, str]:
    """Return GDAL's option to compress on all cores, unless the user has chosen."""
    from rasterio.env import getenv, hasenv

    chosen = "GDAL_NUM_THREADS" in os.environ or (hasenv() and "GDAL_NUM_THREADS" in getenv())
    return {} if chosen else {"GDAL_NUM_THREADS": "ALL_CPUS"}


def _source(
    inputs: Inputs,
    source: Any,
    bands: Sequence[int] | None,
    mask: Any,
    nodata: float | None,
    rules: tuple[Any, Any, Any],
    by_band: bool,
) -> tuple[SourceFile, tuple[int, ...]]:
    """Open the source, its masks and its quality bands. Return it with the numbers of its bands, alpha among them."""
    dataset = inputs.open("source", source)
    wanted = [] if mask is None else mask if isinstance(mask, list) else [mask]
    masks = tuple(inputs.mask("mask", each) for each in wanted if not isinstance(each, str) or each != "auto")
    own, parts = len(masks) < len(wanted), tuple(open_quality(inputs, dataset, *rules))
    numbers = dataset.indexes if bands is None else whole_numbers("bands", bands)
    check_bands("bands", dataset, numbers)
    kinds = dataset.colorinterp
    colours = tuple(number for number in numbers if kinds[number - 1].name != "alpha") or numbers
    return SourceFile(dataset, colours, masks, own, nodata, parts, inputs.beside("source", dataset), by_band), numbers


class GridWords(NamedTuple):
    """What a caller says about a grid file. See `resample_file`."""

    bands: Any = (1, 2)
    resolution: Any = (1, 1)
    kind: Any = "location"
    convention: Any = "center"
    mask: Any = None
    nodata: float | None = None


def _grid(inputs: Inputs, grid: Any, words: GridWords, source: tuple[int, int]) -> GridSource:
    """Open the grid and its mask. `source` is the rows and columns of the source."""
    if isinstance(grid, ProjectedGrid):
        if words != GridWords():
            raise GpumaskError("grid: expected a file along with arguments about grids; got a ProjectedGrid")
        grid.check_source("source", source)
        return grid
    dataset, (row, col) = inputs.open("grid", grid), positive_pair("grid_bands", words.bands)
    _one_of("grid_kind", words.kind, ("location", "displacement"))
    _one_of("pixel_convention", words.convention, ("center", "corner"))
    displacement = words.kind == "displacement"  # any convention cancels out in a displacement
    shift = (-0.5, -0.5) if words.convention == "corner" and not displacement else (0.0, 0.0)
    mask = None if words.mask is None else inputs.mask("grid_mask", words.mask)
    own = (Declared(dataset, (row, col), inputs.beside("grid", dataset)),)
    return GridFile((dataset, row), (dataset, col), words.resolution, mask, words.nodata, shift, displacement, own)


def _one_of(name: str, given: Any, known: tuple[str, ...]) -> None:
    """Raise GpumaskError unless this is one of some words."""
    if not isinstance(given, str) or given not in known:
        raise GpumaskError(f"{name}: expected {' or '.join(known)}; got {given!r}")


def _window(given: Any, shape: tuple[int, int]) -> Window:
    """Return the part of the output to make."""
    try:
        window = Window.of_shape(shape) if given is None else given if isinstance(given, Window) else Window(*given)
    except TypeError as error:
        raise ArgumentTypeError(f"window: expected (row, col, rows, cols); got {given!r}") from error
    return check_inside("window", window, shape)


def _nodata(asked: float | None, source: SourceFile, dtype: np.dtype[Any], told: bool) -> tuple[float, float | None]:
    """Return the value of invalid pixels, and the value that the output declares, or None if nobody chose one.

    `told` says whether a mask or alpha in the output says which pixels are valid. A nodata value could contradict it.
    """
    value = None if asked is None else output_type(dtype, None, asked)[1]
    own = dict(zip(source.bands, source.declared.nodata, strict=True))
    if dtype.kind != "f":  # NaN never becomes a valid integer
        own = {band: None if each is None or math.isnan(each) else each for band, each in own.items()}
    first = own[source.bands[0]]
    if value is None and any(each is not None and math.isnan(each) for each in own.values()):
        value = math.nan  # no valid pixel is NaN, in any band
    elif value is None and all(same(each, first) for each in own.values()):
        value = None if first is None else as_held(first, dtype)
    elif value is None and not told:
        several = ", ".join(f"band {band}: {'none' if each is None else each}" for band, each in own.items())
        raise GpumaskError(f"nodata_out: expected a value, as the source declares several ({several}); got None")
    if value is None or told:
        return 0 if value is None else value, None
    if dtype.kind in "iu" and abs(value) > MOST_DECLARED:
        raise GpumaskError(
            "nodata_out: expected a value up to 2^53, as rasterio can't declare a greater one, or validity as mask or "
            f"alpha; got {value}"
        )
    return value, value


def _place_of(like: DatasetReader, window: Window) -> dict[str, Any]:
    """Return the CRS and the transform of a raster where the output lies too."""
    same_shape("like", like.shape, window.shape)
    return {"crs": like.crs, **({} if like.transform.is_identity else {"transform": like.transform})}


def _identity(inputs: Inputs, source: SourceFile, grid: GridSource, job: Job) -> list[Any]:
    """Return what tells a job from others. How fast and in which tiles it is done does not count."""
    alike = dataclasses.replace(job, tile_shape=None, max_memory=None, devices=None, backend=None)
    rules = [(mask.rules, mask.grow) for mask in source.computed if isinstance(mask, QualityBands)]
    asked = source.bands, source.own_mask, source.nodata, source.by_band, grid.identity
    return [inputs.identity(), repr(alike), repr(rules), repr(asked)]
