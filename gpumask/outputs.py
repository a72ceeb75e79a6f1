"""Files to be written: whole, or not there."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpumask.errors import ArgumentTypeError, GpumaskError

if TYPE_CHECKING:
    from rasterio.io import DatasetReader


def output_paths(asked: Mapping[str, Any], inputs: Mapping[str, list[str]], overwrite: bool) -> list[Path]:
    """Return the files to write, by their names for a user; raise GpumaskError where one can't be, or is an input.

    asked: paths; all but the first may be None. overwrite: whether they may be there already.
    """
    targets: list[Path] = []
    for name, wanted in asked.items():
        if wanted is None and name != next(iter(asked)):
            continue
        if not isinstance(wanted, str | os.PathLike):
            raise ArgumentTypeError(f"{name}: expected a path; got {wanted!r}")
        path = Path(os.path.realpath(wanted))
        if not path.parent.is_dir():
            raise GpumaskError(f"{name}: expected a file in a folder that is there; got {wanted}")
        if path.exists() and not path.is_file():
            raise GpumaskError(f"{name}: expected a file; got {wanted}, which is none")
        check_free(name, [path, *_beside(path)], inputs, overwrite)
        if path in targets:
            raise GpumaskError(f"{name}: expected another file than {next(iter(asked))}; got {wanted}")
        targets.append(path)
    return targets


def check_free(name: str, paths: Sequence[Path], inputs: Mapping[str, list[str]], overwrite: bool) -> None:
    """Raise GpumaskError where a file that would be written is an input, or is there and must not be replaced."""
    taken = [path for path in paths if path.exists()]
    for other, files in inputs.items():
        for path in taken:
            if any(os.path.exists(file) and path.samefile(file) for file in files):
                raise GpumaskError(f"{name}: expected a file that is no input; got {path}, which {other} reads")
    if taken and not overwrite:
        raise GpumaskError(f"{name}: expected a file that is not there yet, or overwrite (--overwrite); got {taken[0]}")


def _beside(path: Path) -> list[Path]:
    """Return where GDAL looks for more about a raster: what is left there of another would be taken for its own."""
    return [path.with_name(path.name + suffix) for suffix in (".aux.xml", ".msk", ".ovr")]


@contextlib.contextmanager
def whole_files(*paths: Path, sparse: bool = False, kept: bool = False) -> Iterator[list[Path]]:
    """Yield a path to write to for each of these; they appear under their names when the block ends.

    Each is written under its own name in a hidden folder beside it, so that what GDAL puts beside a file comes along;
    what has a name that begins with a dot does not. sparse: whether a GeoTIFF may lack blocks. kept: whether the
    folders have a name of their own, and stay where the block fails.
    """
    with contextlib.ExitStack() as stack:
        drafts = []
        for path in paths:
            if kept:
                folder = path.parent / f".gpumask-{path.name}"
                stack.enter_context(_alone_in(folder))
            else:
                made = tempfile.TemporaryDirectory(prefix=".gpumask-", dir=path.parent)
                folder = Path(stack.enter_context(made))
            drafts.append(folder / path.name)
        yield drafts
        for draft in drafts:
            _check_written(draft, sparse)
        for draft, path in zip(drafts, paths, strict=True):
            for stale in _beside(path):
                stale.unlink(missing_ok=True)
            parts = [part for part in draft.parent.iterdir() if not part.name.startswith(".")]
            for part in sorted(parts, key=lambda part: part == draft):
                os.replace(part, path.with_name(part.name))
        if kept:
            for draft in drafts:
                shutil.rmtree(draft.parent, ignore_errors=True)


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Make a folder if need be; raise GpumaskError where another process is in such a block with the same one."""
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
            except (FileExistsError, FileNotFoundError):  # another run ended in between, and took it away
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
                    break  # else what is locked is a folder that is gone
            stack.pop_all().close()
        yield


def _check_written(path: Path, sparse: bool) -> None:
    """Raise OSError where a GeoTIFF, its mask or its overviews lack blocks, or it is shorter than these are."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    failed, total, number = f"{path.name}: not written to its end; is the disk full?", 0, 0
    try:
        # GDAL would pass off an only strip of more than 2000 rows as one of each row, most of which have no bytes.
        with rasterio.Env(GDAL_ENABLE_TIFF_SPLIT=False):
            with rasterio.open(path) as dataset:
                if dataset.driver != "GTiff":
                    return
            for number in itertools.count(1):
                with warnings.catch_warnings():
                    # Masks and overviews lie where the image does.
                    warnings.simplefilter("ignore", NotGeoreferencedWarning)
                    directory = rasterio.open(f"GTIFF_DIR:{number}:{path}")
                with directory:
                    total += _block_bytes(directory, path.stat().st_size, sparse)
    except rasterio.errors.RasterioError as error:
        if number < 2:  # else that was the last
            raise OSError(f"{failed} {error}") from error
    except EOFError as error:
        raise OSError(failed) from error
    if total > path.stat().st_size:
        raise OSError(failed)


def _block_bytes(directory: DatasetReader, length: int, sparse: bool) -> int:
    """Return the bytes of all blocks of one directory of a TIFF; raise EOFError where one is missing, or not whole."""
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
