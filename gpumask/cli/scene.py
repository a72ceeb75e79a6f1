"""The scene of `gpumask demo`: a cloudy image as a satellite takes it, its quality band, and a coarse distorted grid.

All of it is drawn from seeded noise. It needs no download and is the same everywhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gpumask.cli.picture import Picture

# The pixels a side of the source, the nodes a side of the grid, and the output pixels from node to node.
SIZE = 2048
NODES = 101
RESOLUTION = 20

# The values of the quality band.
CLEAR, SHADOW, CLOUD = 1, 2, 3
_BANDS = ("red", "green", "blue")
_METRES = 10.0
_CORNER = (600_000.0, 4_900_000.0)

# The reflectances of red, green and blue.
_CROPS = np.array(
    [
        [0.19, 0.20, 0.08],
        [0.09, 0.16, 0.06],
        [0.30, 0.25, 0.14],
        [0.24, 0.18, 0.11],
        [0.13, 0.20, 0.07],
        [0.34, 0.31, 0.17],
        [0.17, 0.14, 0.09],
        [0.11, 0.15, 0.07],
    ],
    np.float32,
)
_HEDGE = (0.07, 0.10, 0.05)
_LANE = (0.26, 0.24, 0.20)
_HEATH = (0.16, 0.15, 0.085)
_FOREST = (0.030, 0.058, 0.030)
_BANK = (0.25, 0.235, 0.17)
_WATER = (0.022, 0.05, 0.07)
_ROAD = (0.34, 0.33, 0.31)
_CLOUD = (1.0, 1.0, 1.01)
_HAZE = (0.004, 0.008, 0.016)


class Scene(NamedTuple):
    """An image, (band, row, col) uint16 in 1/10000 of reflectance, and its quality, (row, col) uint8."""

    image: np.ndarray
    quality: np.ndarray


def draw_scene(size: int = SIZE, seed: int = 7) -> Scene:
    """Draw fields, hills, forest, a river and a road under cumulus clouds with shadows.

    >>> draw_scene(64).image.shape
    (3, 64, 64)
    """
    rng = np.random.default_rng(seed)
    image = _land(rng, size)
    depth = 0.8 * _noise(rng, size, 1.75, coarsest=3) + 0.6 * _noise(rng, size, 1.3, finest=120) - 1.05
    opaque = _ramp(depth, 0.0, 0.45)
    shade = np.roll(_ramp(depth, -0.1, 0.5), (size // 26, -size // 34), (0, 1))
    image *= 1 - 0.62 * shade
    image += np.array(_HAZE, np.float32)[:, None, None]
    _paint(image, _CLOUD, 0.56 + 0.26 * _ramp(depth, 0.0, 1.4) + 0.16 * _sunlit(depth, 0.006 * size), opaque)
    image += rng.standard_normal(image.shape, np.float32) * np.float32(0.0012)
    quality = np.full((size, size), CLEAR, np.uint8)
    quality[shade > 0.12] = SHADOW
    quality[opaque > 0.03] = CLOUD
    return Scene(np.clip(image * 10_000, 1, 65_535).astype(np.uint16), quality)


def draw_grid(size: int = SIZE, nodes: int = NODES, resolution: int = RESOLUTION) -> np.ndarray:
    """Return the rows and columns, (2, nodes, nodes), of a grid that is turned, scaled and bent, and leaves the source.

    A patch of its nodes is missing, which means NaN.

    >>> draw_grid().shape
    (2, 101, 101)
    """
    v, u = np.meshgrid(*2 * [np.linspace(-1, 1, nodes)], indexing="ij")
    half, turn = 0.45 * (nodes - 1) * resolution, np.deg2rad(11)
    bend = 0.05 * half
    row = half * (v * np.cos(turn) - u * np.sin(turn)) + bend * np.sin(2.6 * u + 0.4) * np.cos(1.3 * v)
    col = half * (v * np.sin(turn) + u * np.cos(turn)) + bend * (np.sin(3.1 * v - 0.8) + 0.6 * u * v)
    missing = np.hypot(u - 0.55, v + 0.42) < 0.09
    return np.where(missing, np.nan, np.stack([row, col]) + 0.5 * (size - 1))


def write_scene(source: Path, grid: Path, quality: Path) -> None:
    """Write the scene, the grid where its output lies, and the quality band as GeoTIFFs."""
    from affine import Affine

    scene, step = draw_scene(SIZE), _METRES * RESOLUTION
    place = Affine(_METRES, 0, _CORNER[0], 0, -_METRES, _CORNER[1])
    _write(source, scene.image, place, _BANDS)
    _write(quality, scene.quality[None], place, ("1 clear, 2 shadow, 3 cloud",))
    _write(
        grid,
        draw_grid(SIZE, NODES, RESOLUTION),
        Affine(step, 0, _CORNER[0], 0, -step, _CORNER[1]),
        ("source row", "source column"),
    )


def write_preview(picture: Path, scene: list[Path], result: list[Path], width: int = 1600) -> None:
    """Write a picture of a scene's files (source, grid, quality) and of a result's (image, validity)."""
    import rasterio

    arrays = []
    for path in (*scene, *result):
        with rasterio.open(path) as dataset:
            arrays.append(dataset.read())
    source, nodes, (quality,), image, (validity,) = arrays
    Picture(source, quality == SHADOW, quality == CLOUD, nodes, image, validity == 1).write(picture, width)


def _write(path: Path, image: np.ndarray, place: Any, names: tuple[str, ...]) -> None:
    """Write a tiled GeoTIFF."""
    import rasterio

    shape = dict(zip(("count", "height", "width"), image.shape, strict=True))
    tiles = {"tiled": True, "blockxsize": 512, "blockysize": 512} if image.shape[1] >= 512 else {}
    with rasterio.open(
        path, "w", "GTiff", dtype=image.dtype, crs="EPSG:32631", transform=place, **shape, **tiles
    ) as out:
        out.write(image)
        out.descriptions = names


def _land(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draw the land without its clouds: (3, row, col) reflectances."""
    y, x = np.meshgrid(*2 * [np.arange(size, dtype=np.float32) / size], indexing="ij")
    relief = _noise(rng, size, 2.3)
    moist = _noise(rng, size, 2.0, finest=8)
    fine = _noise(rng, size, 0.95)
    bent = 0.02 * _noise(rng, size, 2.6, finest=40)
    land = _fields(rng, x + bent, y + np.roll(bent, size // 3, 0), 1 + 0.10 * fine)
    _paint(land, _HEATH, 1 + 0.18 * fine, _ramp(relief + 0.15 * fine, 0.65, 1.1))
    _paint(land, _FOREST, 1 + 0.30 * fine, _ramp(0.8 * moist + 0.65 * relief + 0.10 * fine, 0.75, 0.83))
    land *= 1 + 0.6 * _sunlit(relief * _ramp(relief, -0.2, 0.8), 0.022 * size)

    winding = 0.05 * _noise(rng, size, 2.2, finest=24, coarsest=2) + 0.09 * np.sin(6 * y + 1)
    from_river = _distance(x - 0.60 + winding) - (9 + 6 * y) * (size / SIZE)
    _paint(land, _BANK, 1 + 0.2 * fine, 0.55 * (1 - _ramp(from_river, 1, 7)))
    _paint(land, _WATER, 1 + 0.05 * fine, 1 - _ramp(from_river, -1, 1.5))
    _paint(land, _ROAD, 1, 1 - _ramp(_distance(y - 0.30 - 0.25 * x + 0.03 * np.sin(6 * x)), 2, 3.5))
    return land


def _fields(rng: np.random.Generator, x: np.ndarray, y: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Draw blocks between lanes. Each is cut into a number of fields, and each field has a crop and furrows."""
    cos, sin = np.cos(np.float32(0.35)), np.sin(np.float32(0.35))
    u, v = 9 * (x * cos + y * sin), 7 * (y * cos - x * sin)
    block, (in_u, in_v) = _cells(u, v)
    lane = np.minimum(_to_edge(in_u), _to_edge(in_v)) / 8
    parts_u, parts_v = (rng.integers(1, most, 4096).astype(np.float32)[block] for most in (5, 7))
    field, (in_u, in_v) = _cells(in_u * parts_u, in_v * parts_v)
    hedge = np.minimum(_to_edge(in_u) / (9 * parts_u), _to_edge(in_v) / (7 * parts_v))
    field = (5 * block + field) & 4095
    furrows = np.where((rng.random(4096) < 0.5)[field], np.sin(180 * u), np.sin(230 * v))
    light = light * rng.uniform(0.8, 1.2, 4096).astype(np.float32)[field] * (1 + 0.06 * furrows)
    land: np.ndarray = _CROPS.T[:, rng.integers(0, len(_CROPS), 4096)[field]] * light
    _paint(land, _HEDGE, 1, 0.7 * (1 - _ramp(hedge, 0.0004, 0.0011)))
    _paint(land, _LANE, 1, 0.8 * (1 - _ramp(lane, 0.0003, 0.0009)))
    return land


def _cells(u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return the number of the unit square that each pixel is in, and its place in that square."""
    i, j = np.floor(u), np.floor(v)
    return (64 * i + j).astype(np.int32) & 4095, (u - i, v - j)


def _to_edge(inside: np.ndarray) -> np.ndarray:
    """Return the distance to the nearer end of a unit interval."""
    return np.minimum(inside, 1 - inside)


def _noise(rng: np.random.Generator, size: int, slope: float, finest: float = 2, coarsest: float = 1) -> np.ndarray:
    """Return noise of mean 0 and deviation 1 whose spectrum falls with `slope`.

    Its shortest wave has `finest` pixels, its longest goes `coarsest` times into the image.
    """
    n = size // 4 if finest >= 8 else size
    waves = np.hypot(np.fft.fftfreq(n, 1 / n)[:, None], np.fft.rfftfreq(n, 1 / n)).astype(np.float32)
    power = np.where((waves >= coarsest) & (waves <= size / finest), np.maximum(waves, 1) ** np.float32(-slope), 0)
    phases = rng.standard_normal(waves.shape, np.float32) + 1j * rng.standard_normal(waves.shape, np.float32)
    noise = np.fft.irfft2(phases * power, s=(n, n))
    noise = noise / max(float(noise.std()), 1e-9)
    return noise if n == size else _enlarge(_enlarge(noise, size), size)


def _enlarge(image: np.ndarray, size: int) -> np.ndarray:
    """Stretch the columns to `size`, bilinear and periodic, and transpose."""
    n = image.shape[1]
    at = np.arange(size, dtype=np.float32) * (n / size)
    left = at.astype(np.int32)
    return (image[:, left] * (1 - (at - left)) + image[:, (left + 1) % n] * (at - left)).T


def _ramp(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    t = np.clip((values - low) * (1 / (high - low)), 0, 1)
    return t * t * (3 - 2 * t)


def _sunlit(heights: np.ndarray, steepness: float) -> np.ndarray:
    """Return how much a slope faces the sun in the upper left, -1 to 1."""
    down, right = np.gradient(heights)
    return np.clip((down + right) * steepness, -1, 1)


def _distance(course: np.ndarray) -> np.ndarray:
    """Return the distance in pixels to the line where `course` is 0."""
    down, right = np.gradient(course)
    return abs(course) / (np.hypot(down, right) + np.float32(1e-9))


def _paint(image: np.ndarray, color: tuple[float, ...], light: Any, cover: np.ndarray) -> None:
    """Lay a colour over an image, in place, as thick as `cover` says."""
    for band, value in enumerate(color):
        image[band] += (value * light - image[band]) * cover
