"""Files to be written. They appear under their names when they are whole."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpumask.errors import ArgumentTypeError, GpumaskError

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

# Where a file is until it is whole. The GeoTIFF that becomes a COG has a name of its own there.
_DRAFT = re.compile(r"\.gpumask-[^/\\]*[/\\](?:\.([^/\\]+)\.plain\b)?")


def output_paths(asked: Mapping[str, Any], inputs: Mapping[str, list[str]], overwrite: bool) -> list[Path]:
    """Return the paths to write to.

    `asked` has the paths by the names of their arguments. All but the first may be None. `overwrite` says whether the
    files may exist. Raises GpumaskError if a path can't be written to, or is an input.
    """
    targets: list[Path] = []
    for name, wanted in asked.items():
        if wanted is None and name != next(iter(asked)):
            continue
        if not isinstance(wanted, str | os.PathLike):
            raise ArgumentTypeError(f"{name}: expected a path; got {wanted!r}")
        path = Path(os.path.realpath(wanted))
        if not path.parent.is_dir():
            raise GpumaskError(f"{name}: expected a file in a folder that exists; got {wanted}")
        if path.exists() and not path.is_file():
            raise GpumaskError(f"{name}: expected a file; got {wanted}, which is no file")
        check_free(name, [path, *_beside(path)], inputs, overwrite)
        if path in targets:
            raise GpumaskError(f"{name}: expected another file than {next(iter(asked))}; got {wanted}")
        targets.append(path)
    return targets


def check_free(name: str, paths: Sequence[Path], inputs: Mapping[str, list[str]], overwrite: bool) -> None:
    """Raise GpumaskError if a file to be written is an input, or exists and must not be replaced."""
    taken = [path for path in paths if path.exists()]
    for other, files in inputs.items():
        for path in taken:
            if any(os.path.exists(file) and path.samefile(file) for file in files):
                raise GpumaskError(f"{name}: expected a file that is no input; got {path}, which {other} reads")
    if taken and not overwrite:
        raise GpumaskError(f"{name}: expected a file that does not exist, or overwrite (--overwrite); got {taken[0]}")


def _beside(path: Path) -> list[Path]:
    """Return the paths where GDAL looks for more about a raster. Older files there would be taken for its own."""
    kind = path.suffix[1:].lower()
    world = ["wld", *([f"{kind[0]}{kind[-1]}w", f"{kind}w"] if kind else [])]  # extensions of texts with a transform
    return [
        *(path.with_name(path.name + suffix) for suffix in (".aux.xml", ".msk", ".ovr")),
        *(path.with_suffix(f".{name}") for lower in world for name in (lower, lower.upper())),
    ]


def kept_folder(path: Path) -> Path:
    """Return the folder where an unfinished file is kept."""
    return path.parent / f".gpumask-{path.name}"


@contextlib.contextmanager
def whole_files(*paths: Path, sparse: bool = False, kept: bool = False, overwrite: bool = True) -> Iterator[list[Path]]:
    """Yield a path to write to for each of these. The files appear under their names when the block ends.

    Each file is written under its own name in a hidden folder beside its place. So the files that GDAL puts beside it
    come along. Files whose names begin with a dot do not.

    Parameters
    ----------
    *paths
        The paths where the files are to appear.
    sparse
        Whether a GeoTIFF may lack blocks.
    kept
        Whether the folders have fixed names, and stay if the block fails.
    overwrite
        Whether to replace files that have appeared under the names meanwhile.

    Raises
    ------
    GpumaskError
        If a disk is full or GDAL fails. The message names one of the paths.
    """
    with _names_output(paths[0]), contextlib.ExitStack() as stack:
        drafts = []
        for path in paths:
            if kept:
                folder = kept_folder(path)
                stack.enter_context(_alone_in(folder))
            else:
                made = tempfile.TemporaryDirectory(prefix=".gpumask-", dir=path.parent)
                folder = Path(stack.enter_context(made))
            drafts.append(folder / path.name)
        yield drafts
        for draft in drafts:
            _check_written(draft, sparse)
        _put_in_place(drafts, paths, overwrite)
        if kept:
            for draft in drafts:
                shutil.rmtree(draft.parent, ignore_errors=True)


def _put_in_place(drafts: Sequence[Path], paths: Sequence[Path], overwrite: bool) -> None:
    """Give drafts, and the files that GDAL has put beside them, their final names."""
    places = {
        part: path.with_name(part.name)
        for draft, path in zip(drafts, paths, strict=True)
        for part in sorted(draft.parent.iterdir(), key=lambda part: part == draft)
        if not part.name.startswith(".")
    }
    stale = {there for path in paths for there in _beside(path) if there.exists()}
    taken = sorted(stale | {there for there in places.values() if there.exists()})
    if taken and not overwrite:
        raise GpumaskError(f"{paths[0]}: expected no file to appear meanwhile, or overwrite; got {taken[0]}")
    for there in stale - {*paths}:
        there.unlink(missing_ok=True)
    for part, there in places.items():
        os.replace(part, there)


@contextlib.contextmanager
def _names_output(path: Path) -> Iterator[None]:
    """Raise GpumaskError if a disk is full or GDAL fails. The texts of errors name outputs instead of drafts."""
    try:
        yield
    except Exception as error:
        told = error.__cause__ if "previous exception" in str(error) and error.__cause__ else error
        text = _DRAFT.sub(r"\1", str(told))
        if isinstance(error, GpumaskError):
            if text == str(error):
                raise
            raise type(error)(text) from error
        full = isinstance(error, OSError) and error.errno in _FULL
        if not full and text == str(told) and not type(error).__module__.startswith("rasterio."):
            raise
        raise GpumaskError(f"{path}: not written to its end; is the disk full? {text}") from error


def remove_kept(folder: Path) -> None:
    """Remove a folder of `whole_files`, unless another process works in it."""
    with contextlib.suppress(GpumaskError, OSError):
        if folder.is_dir():
            with _alone_in(folder):
                shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Make a folder if it does not exist. Raise GpumaskError if another process is in such a block with it."""
    try:
        import fcntl
    except ImportError:  # no such locks on Windows
        folder.mkdir(exist_ok=True)
        yield
        return
    with contextlib.ExitStack() as stack:
        while True:
            try:
                folder.mkdir(exist_ok=True)
                handle = os.open(folder, os.O_RDONLY)
            except (FileExistsError, FileNotFoundError):  # another run ended meanwhile and removed it
                if folder.exists() and not folder.is_dir():
                    raise
                continue
            stack.callback(os.close, handle)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise GpumaskError(f"resume: another run is at work in {folder}") from error
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), os.stat(folder)):
                    break  # otherwise the locked folder has been removed
            stack.pop_all().close()
        yield


def _check_written(path: Path, sparse: bool) -> None:
    """Raise GpumaskError if a file is not whole."""
    if fault := lacks(path, sparse):
        raise GpumaskError(f"{path}: not written to its end; is the disk full? {fault}")


def lacks(path: Path, sparse: bool) -> str:
    """Say what a GeoTIFF lacks: blocks of its own, of its mask or of its overviews, or bytes at its end.

    The text is empty if nothing is missing.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    total, number = 0, 0
    try:
        # GDAL would show a single strip of more than 2000 rows as one strip for each row. Most of them have no bytes.
        with rasterio.Env(GDAL_ENABLE_TIFF_SPLIT=False):
            with rasterio.open(path) as dataset:
                if dataset.driver != "GTiff":
                    return ""
            for number in itertools.count(1):
                with warnings.catch_warnings():
                    # Masks and overviews lie where the image does.
                    warnings.simplefilter("ignore", NotGeoreferencedWarning)
                    directory = rasterio.open(f"GTIFF_DIR:{number}:{path}")
                with directory:
                    total += _block_bytes(directory, path.stat().st_size, sparse)
    except rasterio.errors.RasterioError as error:
        if number < 2:  # otherwise the directory before was the last
            return str(error)
    except EOFError:
        return "blocks are missing"
    return "it is too short" if total > path.stat().st_size else ""


def _block_bytes(directory: DatasetReader, length: int, sparse: bool) -> int:
    """Return the bytes of all blocks in one directory of a TIFF. Raise EOFError if one is missing or not whole."""
    total = 0
    rows, cols = (range(-(-n // size)) for n, size in zip(directory.shape, directory.block_shapes[0], strict=True))
    bands = directory.indexes if directory.interleaving.name == "band" else (1,)
    for band, row, col in itertools.product(bands, rows, cols):
        offset, size = (
            directory.get_tag_item(f"BLOCK_{what}_{col}_{row}", "TIFF", bidx=band) for what in ("OFFSET", "SIZE")
        )
        if not (sparse if offset is None else int(offset) + int(size) <= length):
            raise EOFError
        total += 0 if offset is None else int(size)
    return total
