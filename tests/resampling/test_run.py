"""The one place that resamples, with the pixels that a grid needs and no others."""

import numpy as np
import pytest
from law_scenes import Scene

from gpumask import Window, bspline
from gpumask.backends import get
from gpumask.grids.grid import Grid
from gpumask.pixels.boundary import Boundary
from gpumask.resampling.image import Source, Target
from gpumask.resampling.method import Method
from gpumask.resampling.run import resample_into

METHODS = [
    Method("nearest"),
    Method("cubic"),
    Method("cubic", compute_dtype="float32"),
    Method("lanczos3", mask_policy="renormalize"),
    Method(bspline(3, 0.1, 1), boundary=Boundary("reflect")),
]


def name_of(method):
    return f"{method.interpolator.name}-{method.compute_dtype}"


methods = pytest.mark.parametrize("method", METHODS, ids=name_of)


def run(backend, source, grid, method, by_band=False):
    """Resample into arrays that are full of something else; return them in host memory."""
    place = get(backend)
    image = place.full((len(source.image), *grid.shape), -3, np.float64)
    validity = place.full(image.shape if by_band else grid.shape, 9, np.uint8)
    resample_into(place, source, grid, method, Target(image, validity, -7.0, outside=2))
    return [np.asarray(place.to_family_of(np.empty(0), each)) for each in (image, validity)]


def scene_of(seed):
    scene = Scene(seed)
    return Source(scene.source, scene.valid.astype(np.uint8)), scene.grid


@pytest.mark.parametrize("method", METHODS[:-1], ids=name_of)  # a B-spline reaches further than these sources
@pytest.mark.parametrize("seed", [0, 3])
def test_the_window_that_a_method_reaches_is_all_that_a_part_needs(backend, method, seed):
    source, grid = scene_of(seed)
    image, validity = run(backend, source, grid, method)
    shape = source.image.shape[1:]
    inside = 0
    for part in Window.of_shape(grid.shape).tiles(5, 4):
        crop = grid.crop(part)
        reach = method.reach(crop, shape)
        if reach.is_empty or not Window.of_shape(shape).contains(reach):
            continue
        inside += 1
        found = run(backend, Source(source.image, source.valid, whole=shape).crop(reach), crop, method)
        np.testing.assert_array_equal(found[0], image[:, *part.slices])
        np.testing.assert_array_equal(found[1], validity[part.slices])
    assert inside


@methods
def test_every_pixel_is_written_and_what_lies_outside_is_told_apart(backend, method):
    source, grid = scene_of(1)
    image, validity = run(backend, source, grid, method)
    assert set(np.unique(validity)) <= {0, 1, 2} and not (image == -3).any()
    np.testing.assert_array_equal(image == -7, np.broadcast_to(validity != 1, image.shape))


@methods
def test_each_band_is_as_if_it_were_alone_where_the_target_says_so(backend, method):
    source, grid = scene_of(2)
    valid = np.stack([source.valid, np.roll(source.valid, 3, axis=1)])
    image, validity = run(backend, Source(source.image, valid), grid, method, by_band=True)
    for number in range(len(image)):
        alone = run(backend, Source(source.image[number : number + 1], valid[number]), grid, method)
        np.testing.assert_array_equal(image[number], alone[0][0])
        np.testing.assert_array_equal(validity[number], alone[1])


def test_a_grid_far_from_the_source_gives_nodata_alone(backend):
    source, _ = scene_of(0)
    nodes = np.mgrid[0:3.0, 0:4.0] + 1e6
    image, validity = run(backend, source, Grid(*nodes), Method("cubic"))
    assert (image == -7).all() and (validity == 2).all()
