"""Drawn sources that go around, in arrays, files and lazy arrays, against sources padded by their own columns."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import rasterio
from around_cases import FULL, PIXELS, Around, some_field
from exhaustive import draws

from gpumask import Place, ProjectedGrid, bspline, resample
from gpumask.files.reading.image import SourceFile
from gpumask.files.tiles.run import Job, resample_datasets
from gpumask.files.writing.output import OutputFile
from gpumask.grids.grid import Grid
from gpumask.resampling.lazy import Recipe, resampled_lazily
from gpumask.resampling.method import Method

GROUPS, CASES = 24, 20


@dataclass(frozen=True)
class Drawn:
    field: Around
    target: Place
    interp: Any
    mode: str | None  # of its rows
    method: dict[str, Any]
    compute: str
    known: bool  # whether the source's shape is, when its grid is made
    tile: tuple[int, int]

    @property
    def expected(self) -> tuple[np.ndarray, np.ndarray]:
        policy = {name: self.method[name] for name in ("mask_policy", "min_weight")}
        mode = None if self.mode == "wrap" else self.mode
        turns = {} if isinstance(self.interp, str) else {"around": -(-120 // self.field.period) * self.field.period}
        return self.field.expected(
            self.target, self.interp, mode=mode, nodata_out=77, compute_dtype=self.compute, **policy, **turns
        )

    def in_arrays(self, backend: str) -> tuple[Any, Any]:
        image, valid = self.field.given()
        place, there = self.field.place, self.target
        grid = Grid.between(
            place.crs, place.transform, there.crs, there.transform, there.shape,
            source_shape=place.shape if self.known else None,
        )  # fmt: skip
        return resample(
            image, grid, self.interp, source_valid=valid, nodata_out=77, compute_dtype=self.compute, backend=backend,
            **self.method,
        )  # fmt: skip

    def how(self) -> Method:
        return Method(self.interp, nodata_out=77, compute_dtype=self.compute, **self.method)

    def in_lazy_arrays(self, backend: str) -> tuple[Any, Any]:
        import dask.array

        image, valid = self.field.given()
        lazy = dask.array.from_array(image, chunks=(len(image), *self.tile))
        mask = None if valid is None else dask.array.from_array(valid, chunks=self.tile)
        recipe = Recipe(self.how().for_source(image.dtype), backend)
        grid = ProjectedGrid(self.field.place, self.target)
        found = resampled_lazily(lazy, mask, grid, recipe, True, self.tile[::-1])
        return tuple(dask.array.compute(*found, scheduler="synchronous"))

    def in_files(self, backend: str) -> tuple[Any, Any]:
        image, valid = self.field.given()
        image = np.ascontiguousarray(image)
        rows, cols = self.target.shape
        with rasterio.MemoryFile() as a, rasterio.MemoryFile() as b, rasterio.MemoryFile() as c:
            about = {"driver": "GTiff", "count": len(image), "dtype": image.dtype}
            height, width = image.shape[1:]
            with a.open(**about, height=height, width=width, **placed(self.field.place)) as source:
                source.write(image)
                if valid is not None:
                    source.write_mask(valid.astype(np.uint8) * 255)
            about |= {"height": rows, "width": cols, **placed(self.target)}
            with (
                a.open() as source,
                b.open(**about) as out,
                c.open(**about | {"count": 1, "dtype": "uint8"}) as validity,
            ):
                job = Job(self.how(), None, self.tile, backend)
                resample_datasets(
                    SourceFile(source, source.indexes, (), True), ProjectedGrid(self.field.place, self.target),
                    OutputFile(out, validity), job,
                )  # fmt: skip
            with b.open() as out, c.open() as validity:
                return out.read(), validity.read(1)


def placed(place: Place) -> dict[str, Any]:
    """Return what rasterio is told of a place."""
    return {"crs": place.crs, "transform": place.transform}


def drawn(rng: np.random.Generator) -> Drawn:
    spline = rng.random() < 0.15
    period = int(rng.integers(1, 7) if rng.random() < 0.3 else rng.integers(7, 61))
    field = some_field(
        rng, int(rng.integers(20, 24) if spline else rng.integers(3, 12)), period, int(rng.choice([0, 0, 1, 4])),
        float(rng.choice([0, 0.003 if spline else 0.05])), str(rng.choice(["uint8", "float64"])),
        start=rng.integers(-8 * period, 8 * period) / 8, crs=str(rng.choice(list(FULL))),
        backwards=bool(rng.random() < 0.3), down=bool(rng.random() < 0.25),
    )  # fmt: skip
    target = field.target(
        rng.integers(-12 * period, 12 * period) / 8, rng.integers(-8, 24) / 8, float(rng.choice([0.25, 0.5, 1, 1.5])),
        (int(rng.integers(1, 20)), int(rng.integers(1, 40))),
    )  # fmt: skip
    interp = bspline(int(rng.choice([3, 5])), 1e-12, 0.4) if spline else str(rng.choice(PIXELS))
    mode = None if spline else [None, "wrap", "edge", "reflect"][rng.integers(4)]
    of_columns = [mode, None, "wrap", "edge"][rng.integers(4)]
    pair = (of_columns, mode) if field.down else (mode, of_columns)
    policy = "renormalize" if not spline and rng.random() < 0.4 else "strict"
    method = {"boundary": mode if rng.random() < 0.5 else pair, "mask_policy": policy}
    method["min_weight"] = float(rng.choice([1e-5, 0.6]))
    compute = "float32" if interp == "linear" and rng.random() < 0.5 else "float64"
    tile = int(rng.integers(1, 25)), int(rng.integers(1, 25))
    known = period < 7 or bool(
        rng.random() < 0.6
    )  # without its shape there is a seam, which such wide pixels jump over
    return Drawn(field, target, interp, mode, method, compute, known, tile)


def differs(found: tuple[Any, Any], expected: tuple[Any, Any], exact: bool) -> bool:
    """Say whether an image or a validity is another; of coefficients, by more than their filter's error."""
    images = [np.asarray(image) for image in (found[0], expected[0])]
    valid = np.array_equal(np.asarray(found[1]), np.asarray(expected[1]))
    if exact:
        return not valid or images[0].dtype != images[1].dtype or images[0].tobytes() != images[1].tobytes()
    step = 1e-7 if images[0].dtype == "float64" else 1e-3 if images[0].dtype.kind == "f" else 1
    return not valid or bool(np.max(abs(images[0].astype(float) - images[1].astype(float)), initial=0) > step)


@pytest.mark.parametrize("group", draws(GROUPS))
def test_every_drawn_source_is_as_one_that_is_padded(backend, group):
    pytest.importorskip("dask.array")
    rng, wrong, some = np.random.default_rng(group), [], 0
    cases = CASES if backend == "native" else CASES // 4
    for number in range(cases):
        case = drawn(rng)
        expected = case.expected
        arrays = tuple(np.asarray(each) for each in case.in_arrays(backend))
        pixels = isinstance(case.interp, str)
        some += int(expected[1].any())
        if differs(arrays, expected, pixels):
            wrong.append((number, "arrays"))
        if differs(case.in_lazy_arrays(backend), arrays, True):
            wrong.append((number, "lazy"))
        if number % 4 == 0 and differs(case.in_files(backend), arrays, True):
            wrong.append((number, "files"))
    assert not wrong, f"{len(wrong)} of {cases} in group {group}: {wrong}"
    assert some > cases / 2
