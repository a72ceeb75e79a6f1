"""The command warp."""

import numpy as np
import pytest
from click.testing import CliRunner
from warp_cases import PAIRS, read, words_of, written

import gpumask
from gpumask import GpumaskError, warp_file
from gpumask.cli import main


@pytest.fixture
def scene(tmp_path):
    """An image at a place, with nodata in it."""
    pair = PAIRS["over the antimeridian"]
    image = np.random.default_rng(0).integers(1, 4000, (2, *pair.source.shape), dtype=np.uint16)
    image[:, 100:103, 200:260] = 0
    return pair, image, written(tmp_path / "source.tif", image, pair.source, nodata=0, tiled=True)


def test_the_command_line_does_it(scene, tmp_path):
    pair, _, path = scene
    words = words_of(pair.target)
    bounds = [repr(edge) for edge in words["bounds"]]
    command = ["warp", path, tmp_path / "cli.tif", "--crs", words["crs"], "--bounds", *bounds, "--resolution",
               ",".join(map(repr, words["resolution"])), "--interp", "linear", "--co", "COMPRESS=DEFLATE"]  # fmt: skip
    done = CliRunner().invoke(main, [str(word) for word in command])
    assert done.exit_code == 0 and "valid" in done.output, done.output
    warp_file(path, tmp_path / "api.tif", **words, interp="linear")
    (found, profile), (expected, _) = read(tmp_path / "cli.tif"), read(tmp_path / "api.tif")
    np.testing.assert_array_equal(found, expected)
    assert profile["compress"] == "deflate"
    failed = CliRunner().invoke(main, ["warp", str(path), str(tmp_path / "no.tif")])
    assert failed.exit_code == 1 and "--crs: expected a CRS" in failed.output


@pytest.mark.parametrize("words", [{"grid_kind": "offsets"}, {"pixel_convention": "centre"}])
def test_words_about_a_grid_are_known_ones(words, scene, tmp_path):
    (name,) = words
    with pytest.raises(GpumaskError, match=f"{name}: expected .* or .*; got"):
        gpumask.resample_file(scene[2], scene[2], tmp_path / "out.tif", **words)
