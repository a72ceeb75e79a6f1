"""The scene of the demo."""

import numpy as np

from gpumask.cli import scene as demo


def test_scene_is_the_same_every_time_and_has_all_classes():
    first, second = demo.draw_scene(256), demo.draw_scene(256)
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.quality, second.quality)
    assert set(np.unique(first.quality)) == {demo.CLEAR, demo.SHADOW, demo.CLOUD}
    assert first.image.dtype == np.uint16
    brightness = [first.image[:, first.quality == kind].mean() for kind in (demo.SHADOW, demo.CLEAR, demo.CLOUD)]
    assert brightness == sorted(brightness)


def test_grid_leaves_the_source_and_misses_nodes():
    row, col = demo.draw_grid()
    outside = (row < 0) | (row > demo.SIZE - 1) | (col < 0) | (col > demo.SIZE - 1)
    assert 0 < outside.mean() < 0.2
    assert 0 < np.isnan(row).sum() < 0.02 * row.size
    np.testing.assert_array_equal(np.isnan(row), np.isnan(col))
