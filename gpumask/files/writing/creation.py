"""The files of one resampling. They are made as they are to be stored, and appear when they are whole."""

from __future__ import annotations

import contextlib
import functools
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gpumask.backends.memory import FOR_GDAL, memory_limit
from gpumask.errors import GpumaskError, renamed
from gpumask.files.reading.gdal import gdal_cache
from gpumask.files.reading.image import SourceFile
from gpumask.files.tiles.run import Output
from gpumask.files.writing.carried import Carried
from gpumask.files.writing.gdal_says import all_is_written, options_are_known
from gpumask.files.writing.output import OutputFile
from gpumask.files.writing.resume import Journal, ResumableOutput
from gpumask.files.writing.storage import Sample, is_on, layout, takes_table, to_cog, try_out
from gpumask.files.writing.whole import kept_folder, remove_kept, whole_files
from gpumask.version import __version__

_log = logging.getLogger("gpumask")

# Compressions that keep values as they are. They need no option that is lost when a file is opened again.
_RESUMABLE = ("none", "deflate", "lzw", "zstd", "packbits", "lzma")


class Creation:
    """An image to be written, and its validity."""

    def __init__(
        self,
        paths: Sequence[Path],
        source: SourceFile,
        profile: Mapping[str, Any],
        *,
        bands: Sequence[int],
        within: str | None,
        driver: str | None,
        options: Mapping[str, Any],
        nearest: bool,
        share: bool = False,
        overwrite: bool = True,
    ) -> None:
        """Choose how all files are stored.

        Parameters
        ----------
        paths
            The path of the image, and that of the validity if it has a file of its own.
        source
            The source. Its bands are those without alpha.
        profile
            A profile for rasterio, without count, driver and creation options.
        bands
            The bands of the source's dataset, in the output's order. Those that are not among the source's bands are
            alpha.
        within
            "mask" or "alpha" if the image holds its validity, otherwise None.
        driver
            GDAL's name of the format. None means that the extension says it.
        options
            The user's creation options.
        nearest
            Whether no value is made between others.
        share
            Whether the validity's file holds shares.
        overwrite
            Whether to replace files that appear under the names before the new ones are whole.
        """
        self._paths = paths
        shape, dtype = (profile["height"], profile["width"]), np.dtype(profile["dtype"])
        self._mask, self._alpha = within == "mask", _alpha_among(bands, source.bands, within, dtype)
        count = len(source.bands) + len(self._alpha)
        image = layout("output", paths[0], shape, dtype, options, driver=driver)
        told = "mask" if self._mask else None if profile["nodata"] is None else "nodata"
        same_values = nearest and np.can_cast(source.dtype, dtype)
        self._carried = Carried.of(source.dataset, bands, same_values=same_values)
        image = image._replace(cog=_of_cog(image.cog, nearest, mixes=told is None and not self._alpha))
        self._cog, self._overwrite = image.cog, overwrite
        self._sparse = is_on({**image.profile, **(image.cog or {})}.get("sparse_ok"))
        self._profiles = [{**profile, "count": count, **image.profile}]
        told = told if len(paths) == 1 or self._mask else None
        by_band = source.by_band
        sample = Sample.of(count, dtype, told, profile["nodata"], self._alpha, by_band=by_band)
        names = try_out(image, sample, paths[0].name)
        tables = self._carried.tables
        self._table = tables == [1] and takes_table(image, sample, paths[0].name)
        if tables and not self._table:
            _log.warning(
                "output: the colours of classes are lost, as %s has no colour table for such %s bands",
                image.name,
                dtype,
            )
        #: All files that will be made.
        self.files = [paths[0].with_name(name) for name in names]
        if len(paths) > 1:
            kind = np.dtype(np.float32 if share else np.uint8)
            stored = layout("validity", paths[1], shape, kind, {})
            planes = count if by_band else 1
            self._profiles.append({**profile, "count": planes, "dtype": kind.name, "nodata": None, **stored.profile})
            with renamed({"creation": "validity", "dtype": "validity"}):
                names = try_out(stored, Sample.of(planes, kind, "pixels", by_band=by_band), paths[1].name)
            of_both = [path for path in map(paths[1].with_name, names) if path in self.files]
            if of_both:
                raise GpumaskError(f"validity: expected files other than the output's; got {of_both[0]} for both")
            self.files += [paths[1].with_name(name) for name in names]

    @contextlib.contextmanager
    def outputs(self, job: Any, max_memory: Any = None) -> Iterator[Output]:
        """Yield the output, to be written to. Its files appear under their names when the block ends.

        `job` tells this job from others, in a form that JSON has, if finished tiles are to be kept. None means that
        they are not. For `max_memory` see `memory_limit`.
        """
        kept = job is not None
        if kept:
            self._check_resumable()
        self._check_space(kept)
        with (
            gdal_cache(int(memory_limit(max_memory) * FOR_GDAL)),  # also for the work after all tiles are written
            whole_files(*self._paths, sparse=self._sparse, kept=kept, overwrite=self._overwrite) as drafts,
        ):
            plain = drafts[0].with_name(f".{drafts[0].name}.plain")
            written = drafts if self._cog is None else [plain, *drafts[1:]]
            with all_is_written(self._paths[0]):
                with self._kept(written, job) if kept else self._new(written) as output:
                    yield output
                if self._cog is not None:
                    to_cog(plain, drafts[0], self._carried.cog_options | self._cog)
                self._carried.lay_beside(drafts[0])

    @contextlib.contextmanager
    def _new(self, drafts: Sequence[Path], **options: Any) -> Iterator[Output]:
        """Make the files."""
        import rasterio

        with contextlib.ExitStack() as stack:
            with options_are_known():
                image, *validity = (
                    stack.enter_context(rasterio.open(draft, "w", **{**profile, **options}))
                    for draft, profile in zip(drafts, self._profiles, strict=True)
                )
            self._carried.tell(image, self._alpha, table=self._table)
            yield OutputFile(image, validity[0] if validity else None, self._mask, self._alpha)

    @contextlib.contextmanager
    def _kept(self, drafts: Sequence[Path], job: Any) -> Iterator[Output]:
        """Open the files of an earlier run of the job, or make them. If the block fails, keep the finished tiles."""
        same = [__version__, job, repr(self._profiles), self._mask, self._alpha]
        finished = drafts[0].with_name(".finished.json")
        journal = Journal(finished, same, {draft.parent for draft in drafts})
        for draft in drafts:
            for part in set(draft.parent.iterdir()) - {*drafts, finished}:  # left by a run that was killed
                part.unlink()
        try:
            output = self._begun(drafts, journal)
            try:
                yield output
            except BaseException:
                with contextlib.suppress(Exception):  # the first error is the one that the user sees
                    output.close()
                raise
            output.finish()
        except BaseException:
            if not finished.exists():  # no tile is finished
                for draft in drafts:
                    shutil.rmtree(draft.parent, ignore_errors=True)
            raise

    def _begun(self, drafts: Sequence[Path], journal: Journal) -> ResumableOutput:
        """Open the files of an earlier run of the job, or make them."""
        reopen = functools.partial(_reopened, drafts, self._mask, self._alpha)
        try:
            if not journal.tiles:
                raise FileNotFoundError
            output = ResumableOutput(reopen, journal)
            _log.info("resume: goes on from %d tiles", len(journal.tiles))
            return output
        except Exception:  # there is no earlier run, or GDAL can't read its files
            if journal.lost:
                _log.warning("resume: begins anew, as the %d tiles kept there belong to another job", journal.lost)
            journal.clear()
            for folder in journal.others:
                remove_kept(folder)
            with self._new(drafts, sparse_ok=True):
                pass
            return ResumableOutput(reopen, journal)

    def _check_resumable(self) -> None:
        """Raise GpumaskError if the files can't be closed, opened and written again."""
        for profile in self._profiles:
            if profile["driver"] != "GTiff" or str(profile.get("compress", "none")).lower() not in _RESUMABLE:
                raise GpumaskError(
                    "resume: expected GeoTIFFs (or a COG) with no compression or one of "
                    f"{', '.join(_RESUMABLE[1:])}; got {profile['driver']} {profile.get('compress', '')}"
                )
            if "discard_lsb" in profile:
                raise GpumaskError("resume: expected no discard_lsb, as GDAL forgets it when it opens a file again")

    def _check_space(self, kept: bool) -> None:
        """Raise GpumaskError if the disk has no room for files without compression. Kept drafts have their room."""
        for path, profile in zip(self._paths, self._profiles, strict=True):
            plain = profile["driver"] == "GTiff" and str(profile.get("compress", "none")).lower() == "none"
            needed = profile["height"] * profile["width"] * profile["count"] * np.dtype(profile["dtype"]).itemsize
            room = shutil.disk_usage(path.parent).free + (_occupied(kept_folder(path)) if kept else 0)
            if plain and not self._sparse and needed > room:
                raise GpumaskError(f"{path}: expected room for {needed} bytes; got a disk that has {room}")


def _of_cog(options: Mapping[str, Any] | None, nearest: bool, *, mixes: bool) -> dict[str, Any] | None:
    """Return the options of a COG, with overviews of nearest pixels if they are needed.

    They are needed if the output has nearest pixels. They are also needed if other overviews would mix in invalid
    pixels.
    """
    if options is None or "resampling" in options or not (nearest or mixes):
        return None if options is None else {**options}
    return {"overview_resampling": "nearest", **({"warp_resampling": "nearest"} if nearest else {}), **options}


def _occupied(folder: Path) -> int:
    """Return how many bytes the files of a folder take on the disk."""
    found = [part.stat() for part in folder.iterdir()] if folder.is_dir() else []
    return sum(each.st_blocks * 512 if hasattr(each, "st_blocks") else each.st_size for each in found)


def _alpha_among(
    bands: Sequence[int], colours: Sequence[int], within: str | None, dtype: np.dtype[Any]
) -> tuple[int, ...]:
    """Return which bands of the output are alpha: those of the source, or one more that the user asks for."""
    alpha = tuple(place for place, band in enumerate(bands, 1) if band not in colours)
    if alpha and dtype.name not in ("uint8", "uint16"):
        raise GpumaskError(
            f"dtype: expected uint8 or uint16, as the source's alpha, band {bands[alpha[0] - 1]}, is among the bands; "
            f"got {dtype} (for an output without alpha give bands (--bands) {','.join(map(str, colours))})"
        )
    if alpha or within != "alpha":
        return alpha
    if dtype.name not in ("uint8", "uint16") or len(colours) not in (1, 3):
        raise GpumaskError(
            "validity: expected a file or mask, as alpha goes with 1 or 3 bands of uint8 or uint16; "
            f"got alpha for {len(colours)} of {dtype}"
        )
    return (len(bands) + 1,)


def _reopened(drafts: Sequence[Path], mask: bool, alpha: tuple[int, ...]) -> OutputFile:
    """Open files for updates."""
    import rasterio

    with rasterio.Env(GDAL_ENABLE_TIFF_SPLIT=False):  # the split loses rows of a single strip of more than 2000 rows
        image, *validity = (rasterio.open(draft, "r+") for draft in drafts)
    return OutputFile(image, validity[0] if validity else None, mask, alpha)
