"""Outputs that outlive an interrupted run: finished tiles are kept, and the next run of the job goes on from them."""

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
_SIDE = 512  # pixels, of what is read back at once


class _Tile(NamedTuple):
    """What the journal has of a tile: where it lies in the files, its pixels, and what it should be read back as."""

    row: int
    col: int
    valid: int
    outside: int
    checksum: int


class Journal:
    """Which tiles of a job are finished, in a JSON file.

    `tiles`: those that an earlier run of the same job had. `others`: folders that one of another job has left; `lost`:
    how many tiles it had.
    """

    def __init__(self, path: Path, job: Any, folders: Iterable[Path]) -> None:
        """job: what tells it from others, as JSON has it. folders: where its files are."""
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
            return  # there is none, or it is something else

    def write(self, tiles: Mapping[Window, _Tile]) -> None:
        """Replace what is there."""
        listed = [[*dataclasses.astuple(window), *tile] for window, tile in tiles.items()]
        draft = self._path.with_name(f"{self._path.name}.draft")
        draft.write_text(json.dumps({"job": self._job, "folders": self._folders, "tiles": listed}))
        os.replace(draft, self._path)

    def clear(self) -> None:
        """Forget all tiles."""
        self.tiles = {}
        self._path.unlink(missing_ok=True)


class ResumableOutput:
    """An output that is closed and opened again now and then, when a journal says which tiles it holds.

    A tile counts as finished when it is read back with the checksum that the journal has: whatever moment a run was
    killed at, what is not whole is made again. Otherwise it is as `OutputFile`.
    """

    def __init__(self, reopen: Callable[[], OutputFile], journal: Journal) -> None:
        """reopen: opens the files to be updated."""
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
        """Rows and columns of the blocks that the image is stored in."""
        return self._output.block_shape

    def check(self, bands: int, shape: tuple[int, int], by_band: bool) -> None:
        """Raise GpumaskError where the files can't hold the result."""
        self._output.check(bands, shape, by_band)

    def finished(self) -> dict[Window, Written]:
        """Return the tiles that an earlier run has finished."""
        return {window: Written(window, tile.valid, tile.outside, {}) for window, tile in self._earlier.items()}

    def write(self, window: Window, image: np.ndarray, validity: np.ndarray, done: Written) -> None:
        """Write a tile, and now and then what is finished."""
        self._output.write(window, image, validity, done)
        checksum = _checksum(self._output.stored(image, validity))
        self._tiles[done.tile] = _Tile(window.row, window.col, done.valid, done.outside, checksum)
        if time.monotonic() - self._last > _EVERY:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Bring all to the disk, and then the journal, unless there is nothing yet to be kept."""
        self._output.close()
        if self._tiles:
            self._journal.write(self._tiles)
        self._output = self._reopen()
        self._last = time.monotonic()

    def finish(self) -> None:
        """Close all when every tile is written; what an earlier run had finished must still be there."""
        self.checkpoint()
        try:
            self._check()
        except GpumaskError:
            self._journal.clear()
            raise
        finally:
            self._output.close()

    def close(self) -> None:
        """Keep what is finished, and close all."""
        self.checkpoint()
        self._output.close()

    def _check(self) -> None:
        """Raise GpumaskError unless an earlier run's tiles are in the files, and all else in them can be read."""
        for window, tile in self._earlier.items():
            stored = self._output.read(Window(tile.row, tile.col, *window.shape))
            if _checksum(stored) != tile.checksum:
                raise GpumaskError("resume: what an earlier run had finished did not last; begin anew")
        rows, cols = self.block_shape
        blocks = max(1, _SIDE // max(rows, cols))  # of each row and column of them, at once: small ones take long
        for part in Window.of_shape(self._output.image.shape).tiles(rows * blocks, cols * blocks):
            self._output.read(part)


def _checksum(stored: Sequence[np.ndarray]) -> int:
    """Return a checksum of a tile's bytes."""
    return functools.reduce(lambda found, array: zlib.crc32(np.ascontiguousarray(array).data, found), stored, 0)
