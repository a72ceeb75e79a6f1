"""From file to file.

See test_where_gridr_fails.py.
"""

import contextlib
from dataclasses import replace

import numpy as np
import pytest
from chain_cases import Files, random_scene
from gridr_scenes import NOISE, RAMP, SPLINE, gridr, nodes, sample_by_gridr
from mask_chain_cases import gridrs_chains, make_scene

import gpumask

pytestmark = pytest.mark.usefixtures("on_every_backend")


@pytest.fixture
def files():
    with contextlib.ExitStack() as stack:
        yield Files(stack)


def from_file_to_file(files, row, col, source=RAMP, resolution=(1, 1), *, by_gridr=False, dtype="float64", **options):
    """Resample through files; return image and mask. The tiles are whole strips, unless options say otherwise."""
    chain = gpumask.basic_grid_resampling_chain
    if by_gridr:
        chain = gridr("chain.grid_resampling_chain", "basic_grid_resampling_chain")
    shape = gpumask.grid_full_resolution_shape(row.shape, resolution)
    image, mask = files.new(shape, dtype), files.new(shape)
    options = {"interp": "linear", "nodata_out": 0, "io_strip_size": 0, "tile_shape": None} | options
    chain(
        files.put(np.array([row, col])), 1, 2, resolution, files.put(source), 1, image, mask_out_ds=mask, **options
    )  # fmt: skip
    return image.read(1), mask.read(1)


def test_a_tile_may_begin_on_the_last_column(files):
    """Panics where the width is one more than a multiple of the tile's."""
    row, col = np.mgrid[2:50:5j, 2:45:5j]
    expected = from_file_to_file(files, row, col, NOISE, (3, 3))
    found = from_file_to_file(files, row, col, NOISE, (3, 3), tile_shape=(0, 4))
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(BaseException, match="index out of bounds"):
        from_file_to_file(files, row, col, NOISE, (3, 3), tile_shape=(0, 4), by_gridr=True)


def test_wrapped_edges_go_on_with_the_other_side_of_the_image_whatever_the_tiles(files):
    """Wraps the part of the image that a tile reads, so that values depend on the tiles."""
    row, col = np.mgrid[-5:64:30j, -5:64:30j]
    options = {"boundary_condition": "wrap", "trust_padding": True}
    for by_gridr in (False, True):
        whole, tiles = (
            from_file_to_file(files, row, col, NOISE, by_gridr=by_gridr, tile_shape=shape, **options)
            for shape in (None, (7, 9))
        )
        assert np.array_equal(tiles, whole) == (not by_gridr)
        both = (tiles[1] == 1) & (whole[1] == 1)
        assert (abs(tiles[0] - whole[0])[both].max() > 0.1) == by_gridr


@pytest.mark.parametrize("boundary", [None, "reflect", "wrap"])
def test_tiles_change_no_bit_of_a_b_spline(files, boundary):
    """Filters each tile by itself: values depend on the tiles, by less than epsilon, or by more if wrapped."""
    row, col = np.mgrid[0:59:25j, 0:59:25j]
    options = {"interp": "bspline3", "interp_kwargs": SPLINE, "boundary_condition": boundary, "trust_padding": False}
    for by_gridr in (False, True):
        whole, tiles = (
            from_file_to_file(files, row, col, NOISE, by_gridr=by_gridr, tile_shape=shape, **options)[0]
            for shape in (None, (4, 5))
        )
        assert (tiles != whole).any() == by_gridr


def test_a_trusted_constant_is_valid_in_every_tile(files):
    """Zeros beyond the edges are valid in tiles that reach no masked pixel, and invalid in the others."""
    mask = np.ones((10, 10), np.uint8)
    mask[9, 9] = 0
    options = {"boundary_condition": "constant", "trust_padding": True, "array_src_mask_band": 1}
    options |= {"array_src_mask_ds": files.put(mask), "array_src_mask_validity_pair": (1, 0)}
    for by_gridr in (False, True):
        whole, tiles = (
            from_file_to_file(files, nodes(-0.5, 5, 8.5), nodes(4, 4, 8.5), by_gridr=by_gridr, tile_shape=t, **options)
            for t in (None, (1, 2))
        )
        np.testing.assert_array_equal(tiles[1], [[1, 1, 0]])
        np.testing.assert_array_equal(whole[1], [[not by_gridr, 1, 0]])


def test_a_pixel_just_beyond_the_edge_is_what_it_is_in_memory(files):
    """Nearest at -0.25 is pixel 0 in memory, but invalid where a whole tile lies beyond the edge."""
    row, col = nodes(-0.5, -0.25), nodes(4, 4)
    image, mask = from_file_to_file(files, row, col, interp="nearest")
    np.testing.assert_array_equal(image, [[4, 4]])
    assert mask.all()
    np.testing.assert_array_equal(sample_by_gridr("nearest", row, col)[0], [4, 4])
    assert not from_file_to_file(files, row, col, interp="nearest", by_gridr=True)[1].any()


@pytest.mark.parametrize(("dtype", "nodata"), [("uint8", -9999), ("int16", np.nan), ("int16", None), ("uint8", 0.5)])
def test_nodata_that_the_output_cannot_hold_is_refused(files, dtype, nodata):
    """Writes another number instead: 0 for -9999 in uint8, and for NaN."""
    row, col = nodes(4, 30), nodes(4, 30)
    with pytest.raises(gpumask.GpumaskError, match=f"^nodata_out: expected a value that {dtype} holds"):
        from_file_to_file(files, row, col, dtype=dtype, nodata_out=nodata)
    image = from_file_to_file(files, row, col, dtype=dtype, nodata_out=nodata, by_gridr=True)[0]
    np.testing.assert_array_equal(image, [[44, 0]])


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_integers_of_64_bits_are_written(files, dtype):
    """Raises plain Exception."""
    image = from_file_to_file(files, nodes(4, 30), nodes(4, 30), dtype=dtype, nodata_out=2**53)[0]
    np.testing.assert_array_equal(image, [[44, 2**53]])
    with pytest.raises(Exception, match="not safe"):
        from_file_to_file(files, nodes(4, 30), nodes(4, 30), dtype=dtype, by_gridr=True)


def test_infinity_is_written_as_infinity_and_nan_as_nodata(files):
    """Writes 3.4e38 for infinity into float32, and NaN as a valid pixel. In integers both become some number."""
    source = RAMP.copy()
    source[4, 4], source[7, 7] = np.inf, np.nan
    where = nodes(4, 7)
    image, mask = from_file_to_file(files, where, where, source, dtype="float32", nodata_out=-1, interp="nearest")
    np.testing.assert_array_equal(image, np.float32([[np.inf, -1]]))
    np.testing.assert_array_equal(mask, [[1, 0]])
    options = {"interp": "nearest", "by_gridr": True}
    image, mask = from_file_to_file(files, where, where, source, dtype="float32", **options)
    np.testing.assert_array_equal(image, np.float32([[np.finfo(np.float32).max, np.nan]]))
    assert mask.all()
    assert from_file_to_file(files, where, where, source, dtype="int16", **options)[1].all()


def test_a_strip_size_of_none_is_refused_by_name(files):
    """Handles None in one place, and raises TypeError in the next."""
    with pytest.raises(gpumask.GpumaskError, match="^io_strip_size: expected whole numbers; got None"):
        from_file_to_file(files, nodes(4), nodes(4), io_strip_size=None)
    with pytest.raises(TypeError, match="'>' not supported"):
        from_file_to_file(files, nodes(4), nodes(4), io_strip_size=None, by_gridr=True)


def test_an_int8_grid_mask_goes_with_a_shift(files):
    """Asserts, though it takes the same mask without a shift."""
    peer = gridr("chain.grid_resampling_chain", "basic_grid_resampling_chain")
    scene = random_scene(1, "float64")
    assert scene.grid_mask.dtype == np.int8
    shift = (0.5, -1.25)
    with pytest.raises(AssertionError):
        scene.from_files(files, "cubic", (1,), "float64", -1, peer, grid_shift=shift)
    image, mask = scene.from_files(files, "cubic", (1,), "float64", -1, grid_shift=shift)
    expected = scene.in_memory("cubic", (1,), "float64", -1, shift=shift)
    unshifted = scene.in_memory("cubic", (1,), "float64", -1)
    np.testing.assert_array_equal(image, expected.image)
    np.testing.assert_array_equal(mask, expected.validity)
    assert (mask != unshifted.validity).any()


def test_a_mask_without_any_condition_is_valid(files):
    """Writes a mask of 0, and merge_mask_grid replaces every coordinate."""
    scene = make_scene((4, 3), None, "none")
    peer_grid, peer_mask = scene.grid_to_files(files, gridrs_chains().build_grid_mask_chain, merge_mask_grid=-1)
    assert not peer_mask.any()
    assert (peer_grid == -1).all()
    grid, mask = scene.grid_to_files(files, merge_mask_grid=-1)
    assert (mask == 1).all()
    np.testing.assert_array_equal(grid, scene.grid_in_memory())


def test_a_list_of_no_geometries_is_no_condition(files):
    """Writes a mask of 0 for [None, None]."""
    scene = replace(make_scene((4, 3), None, "none"), geometry=[None, None])
    assert not scene.mask_to_file(files, gridrs_chains().build_mask_chain).any()
    assert (scene.mask_to_file(files) == 1).all()
    assert (scene.grid_to_files(files)[1] == 1).all()


@pytest.mark.parametrize("pair", [(None, []), ([], None), ([], [])])
def test_an_empty_list_of_polygons_masks_nothing(files, pair):
    """Raises ValueError about the truth value of an array."""
    scene = replace(make_scene((4, 3), None, "none"), geometry=pair)
    for chain in ("mask_to_file", "grid_to_files"):
        function = getattr(gridrs_chains(), {"mask_to_file": "build_mask_chain"}.get(chain, "build_grid_mask_chain"))
        with pytest.raises(ValueError, match="truth value of an array"):
            getattr(scene, chain)(files, function)
    assert (scene.mask_to_file(files) == 1).all()
    assert (scene.grid_to_files(files)[1] == 1).all()


def test_an_empty_list_of_invalid_polygons_leaves_the_valid_ones_their_say(files):
    """Raises ValueError about the truth value of an array."""
    scene = make_scene((4, 3), 1, "valid")
    expected = scene.mask_in_memory()
    scene = replace(scene, geometry=(scene.geometry[0], []))
    np.testing.assert_array_equal(scene.mask_to_file(files), expected)
    np.testing.assert_array_equal(scene.grid_to_files(files)[1], expected)
    with pytest.raises(ValueError, match="truth value of an array"):
        scene.mask_to_file(files, gridrs_chains().build_mask_chain)


def test_no_origin_is_needed_without_geometry(files):
    """Raises TypeError without geometry_origin, with no geometry either."""
    scene = replace(make_scene((4, 3), 1, "none"), origin=None)
    peer = gridrs_chains()
    with pytest.raises(TypeError):
        scene.mask_to_file(files, peer.build_mask_chain)
    with pytest.raises(TypeError):
        scene.grid_to_files(files, peer.build_grid_mask_chain)
    np.testing.assert_array_equal(scene.mask_to_file(files), scene.mask_in_memory())
    np.testing.assert_array_equal(scene.grid_to_files(files)[1], scene.mask_in_memory())
