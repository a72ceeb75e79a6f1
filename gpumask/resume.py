"""Outputs that outlive an interrupted run: finished tiles are kept, and the next run of the job goes on from them."""

from __future__ import annotations

import dataclasses
import json
import os
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gpumask.chain import Written
from gpumask.datasets import OutputFile
from gpumask.errors import GpumaskError
from gpumask.window import Window

_EVERY = 5  # seconds from checkpoint to checkpoint


class ResumableOutput:
    """An output that is closed and opened again now and then, when a journal says which tiles it holds.

    A tile counts as finished when it is read back with the checksum that the journal has: whatever moment a run was
    killed at, what is not whole is made again. Otherwise it is as `OutputFile`.
    """

    def __init__(self, reopen: Callable[[], OutputFile], journal: Path, job: Any) -> None:
        """reopen: opens the files to be updated. job: what tells this job from others, as JSON has it."""
        self._reopen, self._journal, self._job = reopen, journal, job
        self._output = reopen()
        self._earlier = self._verified(self._read_journal())
        self._tiles = dict(self._earlier)
        self._last = time.monotonic()

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the image."""
        return self._output.dtype

    @property
    def block_shape(self) -> tuple[int, int]:
        """Rows and columns of the blocks that the image is stored in."""
        return self._output.block_shape

    def check(self, bands: int, shape: tuple[int, int]) -> None:
        """Raise GpumaskError where the files can't hold the result."""
        self._output.check(bands, shape)

    def finished(self) -> dict[Window, Written]:
        """Return the tiles that an earlier run has finished."""
        return {window: Written(window, tile.valid, tile.outside, {}) for window, tile in self._earlier.items()}

    def write(self, window: Window, image: np.ndarray, validity: np.ndarray, done: Written) -> None:
        """Write a tile, and now and then what is finished."""
        self._output.write(window, image, validity, done)
        stored = validity if self._output.holds_validity else None
        self._tiles[done.tile] = _Tile(window.row, window.col, done.valid, done.outside, _checksum(image, stored))
        if time.monotonic() - self._last > _EVERY:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Bring all to the disk, and then the journal."""
        self._output.close()
        tiles = [[*dataclasses.astuple(window), *tile] for window, tile in self._tiles.items()]
        text = json.dumps({"job": self._job, "tiles": tiles})
        draft = self._journal.with_suffix(".draft")
        draft.write_text(text)
        os.replace(draft, self._journal)
        self._output = self._reopen()
        self._last = time.monotonic()

    def finish(self) -> None:
        """Close all when every tile is written; what an earlier run had finished must still be there."""
        self._output.close()
        self._output = self._reopen()
        lost = set(self._earlier) - set(self._verified(self._earlier))
        self._output.close()
        self._journal.unlink(missing_ok=True)
        if lost:
            raise GpumaskError(f"resume: {len(lost)} tiles of an earlier run did not last; begin anew")

    def close(self) -> None:
        """Keep what is finished, and close all."""
        self.checkpoint()
        self._output.close()

    def _read_journal(self) -> dict[Window, _Tile]:
        """Return the tiles of an earlier run of the same job."""
        try:
            found = json.loads(self._journal.read_text())
        except (OSError, ValueError):
            return {}
        if found["job"] != json.loads(json.dumps(self._job)):
            return {}
        return {Window(*numbers[:4]): _Tile(*numbers[4:]) for numbers in found["tiles"]}

    def _verified(self, tiles: Mapping[Window, _Tile]) -> dict[Window, _Tile]:
        """Return those of the tiles that the files hold."""
        found = {}
        for window, tile in tiles.items():
            try:
                stored = self._output.read(Window(tile.row, tile.col, *window.shape))
            except GpumaskError:
                continue
            if _checksum(*stored) == tile.checksum:
                found[window] = tile
        return found


class _Tile(NamedTuple):
    """What the journal has of a tile: where it lies in the files, its pixels, and what it should be read back as."""

    row: int
    col: int
    valid: int
    outside: int
    checksum: int


def _checksum(image: np.ndarray, validity: np.ndarray | None) -> int:
    """Return a checksum of a tile's bytes."""
    found = zlib.crc32(np.ascontiguousarray(image).data)
    return found if validity is None else zlib.crc32(np.ascontiguousarray(validity).data, found)
