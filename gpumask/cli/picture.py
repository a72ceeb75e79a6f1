"""The picture of `gpumask demo`: the source with its invalid pixels, the output, and its validity, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

Color = tuple[float, float, float]
_CLOUD_TINT: Color = (0.93, 0.25, 0.36)
_SHADOW_TINT: Color = (0.42, 0.32, 0.86)
_GRID_LINE: Color = (1.0, 0.93, 0.55)
_VALID: Color = (0.87, 0.91, 0.90)
_INVALID: Color = (0.09, 0.11, 0.15)


@dataclass(frozen=True, eq=False)
class Picture:
    """The images that the picture shows.

    Attributes
    ----------
    source, image
        (3, row, col), the images before and after.
    shadow, cloud, valid
        (row, col) bool. The last one belongs to the image after.
    nodes
        (2, m, n), the rows and columns of the nodes in the source.
    line
        Every `line`-th row and column of nodes is drawn.
    """

    source: np.ndarray
    shadow: np.ndarray
    cloud: np.ndarray
    nodes: np.ndarray
    image: np.ndarray
    valid: np.ndarray
    line: int = 10

    def write(self, path: Path, width: int = 1600) -> None:
        """Write the picture as a PNG, with transparent gaps between its three panels."""
        import rasterio

        gap = width // 100
        side = (width - 2 * gap) // 3
        out = np.zeros((4, side, 3 * side + 2 * gap), np.uint8)
        for i, panel in enumerate(self.panels(side)):
            left = i * (side + gap)
            out[:3, :, left : left + side] = 4 * np.rint(63 * np.clip(panel, 0, 1))
            out[3, :, left : left + side] = 255
        with rasterio.open(path, "w", "PNG", out.shape[2], side, 4, dtype="uint8", zlevel=9) as dataset:
            dataset.write(out)

    def panels(self, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return three (3, side, side) images from 0 to 1."""
        white = np.percentile(self.source[:, ::8, ::8][:, ~(self.cloud | self.shadow)[::8, ::8]], 98)
        source = _tone(_shrink(self.source, side), white)
        for where, tint in ((self.shadow, _SHADOW_TINT), (self.cloud, _CLOUD_TINT)):
            source = _blend(source, tint, _stripes(side) * _shrink(where, side))
        source = _blend(source, _GRID_LINE, 0.75 * self._grid_lines(side))
        share = _shrink(self.valid, side)
        output = _tone(_shrink(self.image * self.valid, side) / np.maximum(share, 1e-6), white)
        validity = _blend(np.zeros((3, side, side)), _INVALID, 1.0)
        return source, _blend(output, _INVALID, 1 - share), _blend(validity, _VALID, share)

    def _grid_lines(self, side: int) -> np.ndarray:
        """Draw lines through the nodes, as (side, side) from 0 to 1."""
        across = self.nodes[:, :: self.line]
        down = self.nodes[:, :, :: self.line].transpose(0, 2, 1)
        cover = np.zeros((side + 1, side + 1))
        for lines in (across, down):
            row, col = (_subdivide(part, 16) * (side / n) for part, n in zip(lines, self.source.shape[1:], strict=True))
            inside = (row >= 0) & (row < side) & (col >= 0) & (col < side)
            row, col = row[inside], col[inside]
            i, j = row.astype(int), col.astype(int)
            for di, dj in ((0, 0), (0, 1), (1, 0), (1, 1)):
                weight = (1 - abs(row - i - di)) * (1 - abs(col - j - dj))
                np.maximum.at(cover, (i + di, j + dj), weight)
        return cover[:side, :side]


def _stripes(side: int) -> np.ndarray:
    """Return how thick a tint lies: diagonal stripes, so that the image under it is seen."""
    row, col = np.ogrid[:side, :side]
    wave = 0.5 + 0.5 * np.sin((row + col) * (2 * np.pi * 72 / side))
    return 0.40 + 0.40 * np.clip(3 * wave - 1, 0, 1)


def _subdivide(lines: np.ndarray, times: int) -> np.ndarray:
    """Put points between those of (line, point)."""
    t = np.arange(times) / times
    return (lines[:, :-1, None] * (1 - t) + lines[:, 1:, None] * t).reshape(len(lines), -1)


def _shrink(image: np.ndarray, side: int) -> np.ndarray:
    """Average the pixels of (…, row, col) to side x side. Repeat them if there are too few."""
    image = image.astype(np.float32)
    for axis in (-2, -1):
        size = image.shape[axis]
        first = np.arange(side) * size // side
        count = np.maximum(np.diff(first, append=size), 1).astype(np.float32)  # 1 if the image is enlarged
        image = np.add.reduceat(image, first, axis) / (count[:, None] if axis == -2 else count)
    return image


def _tone(image: np.ndarray, white: float) -> np.ndarray:
    """Stretch values to 0 to 1, with a shoulder that keeps the relief of what is brighter than `white`."""
    value = 0.88 * image / white
    value = np.where(value < 0.8, value, 1 - 0.2 * np.exp((0.8 - value) / 0.9))
    return np.clip(value, 0, 1) ** (1 / 1.75)


def _blend(image: np.ndarray, color: Color, cover: np.ndarray | float) -> np.ndarray:
    """Lay a colour over (3, row, col)."""
    return image + (np.array(color)[:, None, None] - image) * cover
