"""Mask rules, as they are measured, and who does it: the AND of six flags of a quality band."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import gpumask

Call = Callable[[], Any]

DEFINITION = "landsat_c2_qa_pixel"
FLAGS = dict.fromkeys(("fill", "dilated_cloud", "cirrus", "cloud", "cloud_shadow", "snow"), False)


@dataclass(frozen=True)
class Masking:
    """A quality band of uint16, and a rule that asks for six flags."""

    size: int

    @property
    def pixels(self) -> int:
        """Pixels of the band."""
        return self.size * self.size

    @property
    def bytes_per_pixel(self) -> float:
        """What must cross the memory's bus for a pixel: the band and the mask."""
        return 3

    def band(self) -> np.ndarray:
        """Values of all flags."""
        return np.random.default_rng(0).integers(0, 2**16, (self.size, self.size), np.uint16)

    def ours(self, backend: str, to_device: Callable[[Any], Any] = np.asarray) -> Call:
        """Return gpumask on a backend, from an array in that backend's memory to a new one."""
        rule = gpumask.MaskRule.from_config({"band": "qa", "flags": FLAGS}, DEFINITION)
        bands = {"qa": to_device(self.band())}
        return lambda: gpumask.mask_from_rules([rule], bands, backend=backend)

    def peers(self) -> dict[str, Callable[[], Call]]:
        """Return libraries with one thread."""
        return {"datacube, 1 thread": lambda: datacube(self)}

    def threaded_peers(self, threads: int) -> dict[str, Callable[[], Call]]:
        """Return libraries with so many threads."""
        return {}


def datacube(case: Masking) -> Call:
    """Return datacube's make_mask."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from datacube.utils.masking import make_mask  # noqa: PLC0415
        from xarray import DataArray  # noqa: PLC0415

    definition = gpumask.flags_definition(DEFINITION)
    band = DataArray(case.band(), dims=("y", "x"), attrs={"flags_definition": definition})
    return lambda: make_mask(band, **FLAGS)
