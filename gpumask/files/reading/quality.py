"""Rules and quality bands in files: which pixels of an image they keep, window by window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gpumask.backends.backend import Backend
from gpumask.errors import ArgumentTypeError, GpumaskError, MaskRuleError, renamed
from gpumask.files.reading.gdal import check_bands, check_open, names_file
from gpumask.files.reading.inputs import Inputs
from gpumask.grids.places.affine import MOST_OFF, blocks_at, pixels_off
from gpumask.masks.coarse import check_threshold
from gpumask.masks.finer import finer_by, valid_by_share
from gpumask.masks.morphology import check_filters, filtered
from gpumask.masks.rules.apply import COARSER_OR_FINER, as_rules, blocks_of, by_band, check_named, factors_of
from gpumask.masks.rules.evaluate import CompiledRules
from gpumask.masks.rules.rule import MaskRule
from gpumask.masks.validity import all_of
from gpumask.pixels.window import Window, ranges

if TYPE_CHECKING:
    from rasterio.io import DatasetReader


@dataclass(frozen=True, eq=False)
class QualityBands:
    """Quality bands with rules that say which pixels of an image to keep.

    Attributes
    ----------
    rules
        The rules. All must match.
    bands
        (dataset, band number) by the names of the bands. They have the image's rows and columns, or are either
        coarser or finer by whole factors.
    image
        The dataset whose pixels are kept or not.
    grow
        Filters of the pixels that are not kept, in pixels of the image. See `mask_cleanup`.
    threshold
        A pixel is kept if the rules match at least this share of it, in (0, 1], in each finer band.
    """

    rules: Sequence[MaskRule]
    bands: Mapping[str, tuple[DatasetReader, int]]
    image: DatasetReader
    grow: Sequence[tuple[str, int]] = ()
    threshold: float = 1
    _compiled: dict[str, CompiledRules] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check that the bands exist, fit the rules, and lie where the image lies. Compile the rules."""
        asked = by_band(self.rules)
        compiled: dict[str, CompiledRules] = {}
        check_named("quality", asked, self.bands)
        check_threshold("threshold", self.threshold)
        for name, (dataset, number) in self.bands.items():
            check_open("quality", dataset)
            check_bands("quality", dataset, (number,))
            self._factors(name)
            with renamed({"flags": "quality"}):
                rules = CompiledRules.of(asked.get(name, []), np.dtype(dataset.dtypes[number - 1]))
            compiled |= {name: rules} if name in asked else {}
        object.__setattr__(self, "_compiled", compiled)

    @property
    def margin(self) -> int:
        """How many pixels around a window affect it."""
        return sum(radius for _, radius in self.grow)

    def validity(self, window: Window, backend: Backend) -> Any:
        """Return the validity of a window of the image's pixels. See `gpumask.masks.validity.Mask`."""
        wider = window.pad(self.margin).intersect(Window.of_shape(self.image.shape))
        kept = all_of(self._kept(name, rules, wider, backend) for name, rules in self._compiled.items())
        if kept is None:
            kept = backend.full(wider.shape, 1, np.uint8)
        if self.grow:
            kept = filtered(backend, kept ^ 1, self.grow) ^ 1
        return kept[window.shift(-wider.row, -wider.col).slices]

    def _kept(self, name: str, rules: CompiledRules, window: Window, backend: Backend) -> Any:
        """Return which pixels of a window the rules about one band keep."""
        dataset, number = self.bands[name]

        def matched(part: Window) -> Any:
            with names_file("quality", dataset, part):
                band = dataset.read(number, window=ranges(part))
            with renamed({"flags": "quality"}):
                return rules.evaluate(backend, band)

        (down, across), finer = self._factors(name)
        if finer:
            return valid_by_share(backend, window, (down, across), self.threshold, matched)
        first = window.row // down, window.col // across
        coarse = Window(*first, -(-window.row_stop // down) - first[0], -(-window.col_stop // across) - first[1])
        found = blocks_of(matched(coarse), (down, across))
        return found[window.shift(-coarse.row * down, -coarse.col * across).slices]

    def _factors(self, name: str) -> tuple[tuple[int, int], bool]:
        """Return how many rows and columns of the image one pixel of a band covers.

        The second item is True if the band is finer. Then the first says how many rows and columns of it one pixel of
        the image covers.
        """
        dataset, _ = self.bands[name]
        finer = finer_by(dataset.shape, self.image.shape)
        if finer:
            covers, off = True, pixels_off(dataset, self.image, finer)
        else:
            found = blocks_at(self.image, dataset)
            if found is None:
                return factors_of(name, dataset.shape, self.image.shape, COARSER_OR_FINER), False
            factors, covers, off = found
        if not covers or off > MOST_OFF:
            raise MaskRuleError(
                f"quality: expected {name!r} to lie, by its CRS and transform, on the {self.image.height} x "
                f"{self.image.width} pixels of {self.image.name}, from the same corner on, with pixels of "
                "their size, or either larger or smaller by whole factors; got "
                f"{dataset.shape[0]} x {dataset.shape[1]} pixels, up to {off:.3g} pixels off"
            )
        return finer or factors, finer is not None


def open_quality(
    inputs: Inputs, image: DatasetReader, keep: Any, quality: Any, grow: Any, threshold: float = 1
) -> list[QualityBands]:
    """Open quality bands, and return which pixels their rules keep. Without rules the list is empty."""
    if keep is None or quality is None:
        if keep is not quality or grow is not None:
            raise GpumaskError(
                "keep, quality, grow: expected the first two together, and the third only along with them"
            )
        return []
    if not isinstance(quality, Mapping):
        raise ArgumentTypeError(f"quality: expected a mapping of names to rasters; got {type(quality).__name__}")
    bands = {name: inputs.band("quality", given, name) for name, given in quality.items()}
    filters = [] if grow is None else check_filters("grow", grow)
    return [QualityBands(as_rules("keep", keep, None), bands, image, filters, threshold)]
