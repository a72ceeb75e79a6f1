"""Outputs that survive an interrupted run. Finished tiles are kept, and the next run of the job goes on from them."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gpumask.errors import GpumaskError
from gpumask.files.tiles.summary import Written
from gpumask.files.writing.output import OutputFile
from gpumask.pixels.window import Window

_EVERY = 5  # seconds from checkpoint to checkpoint
_SIDE = 512  # pixels a side that are read back at once


class _Tile(NamedTuple):
    """What the journal holds of a tile: its place in the files, counts of its pixels, and the checksum of its bytes."""

    row: int
    col: int
    valid: int
    outside: int
    checksum: int


class Journal:
    """Which tiles of a job are finished, in a JSON file.

    Attributes
    ----------
    tiles
        The tiles of an earlier run of the same job.
    others
        Folders that a run of another job has left.
    lost
        How many tiles that run had.
    """

    def __init__(self, path: Path, job: Any, folders: Iterable[Path]) -> None:
        """Read what an earlier run has left. `job` tells the job from others, in a form that JSON has.

        `folders` are the folders of the job's files.
        """
        self._path, self._job = path, json.loads(json.dumps(job))
        self._folders = sorted(map(str, folders))
        self.tiles: dict[Window, _Tile] = {}
        self.others: set[Path] = set()
        self.lost = 0
        try:
            found = json.loads(path.read_text())
            if found["job"] == self._job:
                self.tiles = {Window(*numbers[:4]): _Tile(*map(int, numbers[4:])) for numbers in found["tiles"]}
            else:
                self.lost = len(found["tiles"])
                others = {Path(folder) for folder in found["folders"]} - set(folders)
                self.others = {folder for folder in others if folder.name.startswith(".gpumask-")}
        except (OSError, ValueError, TypeError, KeyError, IndexError):
            return  # there is no journal, or the file is something else

    def write(self, tiles: Mapping[Window, _Tile]) -> None:
        """Replace the file by one with these tiles."""
        listed = [[*dataclasses.astuple(window), *tile] for window, tile in tiles.items()]
        draft = self._path.with_name(f"{self._path.name}.draft")
        draft.write_text(json.dumps({"job": self._job, "folders": self._folders, "tiles": listed}))
        os.replace(draft, self._path)

    def clear(self) -> None:
        """Forget all tiles."""
        self.tiles = {}
        self._path.unlink(missing_ok=True)


class ResumableOutput:
    """An output that is closed and opened again now and then. A journal then says which tiles it holds.

    A tile counts as finished if its bytes have the checksum in the journal when they are read back. So a run may be
    killed at any moment: tiles that are not whole are made again. All else is as in `OutputFile`.
    """

    def __init__(self, reopen: Callable[[], OutputFile], journal: Journal) -> None:
        """Open the files by `reopen`, which opens them for updates. Check the tiles of an earlier run."""
        self._reopen, self._journal = reopen, journal
        self._output = reopen()
        self._earlier = dict(journal.tiles)
        self._tiles = dict(self._earlier)
        self._last = time.monotonic()
        if self._earlier:
            try:
                self._check()
            except GpumaskError:
                self._output.close()
                raise

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the image."""
        return self._output.dtype

    @property
    def block_shape(self) -> tuple[int, int]:
        """The rows and columns of the blocks that the image is stored in."""
        return self._output.block_shape

    def check(self, bands: int, shape: tuple[int, int], by_band: bool) -> None:
        """Raise GpumaskError if the result doesn't fit into the files."""
        self._output.check(bands, shape, by_band)

    def finished(self) -> dict[Window, Written]:
        """Return the tiles that an earlier run has finished."""
        return {window: Written(window, tile.valid, tile.outside, {}) for window, tile in self._earlier.items()}

    def write(self, window: Window, image: np.ndarray, validity: np.ndarray, done: Written) -> None:
        """Write a tile. Now and then, write down which tiles are finished."""
        self._output.write(window, image, validity, done)
        checksum = _checksum(self._output.stored(image, validity))
        self._tiles[done.tile] = _Tile(window.row, window.col, done.valid, done.outside, checksum)
        if time.monotonic() - self._last > _EVERY:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Bring all to the disk, and then the journal, unless no tile is finished yet."""
        self._output.close()
        if self._tiles:
            self._journal.write(self._tiles)
        self._output = self._reopen()
        self._last = time.monotonic()

    def finish(self) -> None:
        """Close all when every tile is written. Check first that the tiles of an earlier run are still there."""
        self.checkpoint()
        try:
            self._check()
        except GpumaskError:
            self._journal.clear()
            raise
        finally:
            self._output.close()

    def close(self) -> None:
        """Keep the finished tiles, and close all."""
        self.checkpoint()
        self._output.close()

    def _check(self) -> None:
        """Raise GpumaskError unless the files hold the tiles of an earlier run, and all else in them can be read."""
        for window, tile in self._earlier.items():
            stored = self._output.read(Window(tile.row, tile.col, *window.shape))
            if _checksum(stored) != tile.checksum:
                raise GpumaskError("resume: tiles that an earlier run had finished are damaged; begin anew")
        rows, cols = self.block_shape
        blocks = max(1, _SIDE // max(rows, cols))  # so many at once along each axis, as single small ones take long
        for part in Window.of_shape(self._output.image.shape).tiles(rows * blocks, cols * blocks):
            self._output.read(part)


def _checksum(stored: Sequence[np.ndarray]) -> int:
    """Return a checksum of the bytes of a tile."""
    return functools.reduce(lambda found, array: zlib.crc32(np.ascontiguousarray(array).data, found), stored, 0)
