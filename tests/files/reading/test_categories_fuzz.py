"""Random sources with and without classes: pixels are those worked out by hand, and what is said is what holds."""

import warnings

import numpy as np
import pytest
import rasterio
import xarray
from affine import Affine
from exhaustive import draws

import gpumask.xarray  # noqa: F401
from gpumask import Grid, resample_file

CASES, GROUPS = 320, 8
PLACE = {"crs": "EPSG:32631", "transform": Affine(10, 0, 500_000, 0, -10, 4_000_000)}
FLAGS = {
    "flag_values": "0, 1",
    "flag_masks": "1, 2",
    "flag_meanings": "a b",
    "flags_definition": '{"a": {"bits": 0, "values": {"0": false, "1": true}}}',
    "classification:classes": '[{"value": 1, "name": "a"}]',
}
HOLD = {
    "": ["TIFFTAG_COPYRIGHT", "TIFFTAG_ARTIST", "TIFFTAG_SOFTWARE", "MISSION", "units#of", "flagged", "valid_range"],
    "IMAGERY": ["CLOUDCOVER", "SATELLITEID"],
    "OWN": ["a", "B c", "é"],
    "EXIF": ["EXIF_Model", "EXIF_GPSLatitude"],
}
HOLD_NOT = {
    "": ["STATISTICS_MEAN", "TIFFTAG_XRESOLUTION", "TIFFTAG_MAXSAMPLEVALUE", "NODATA_VALUES", "_FillValue", "x#units"],
    "RPC": ["LINE_OFF"],
    "GEOLOCATION": ["X_BAND"],
    "EXIF": ["EXIF_PixelXDimension", "EXIF_Orientation"],
    "OWN": ["STATISTICS_MINIMUM", "actual_range"],
}


def keys(fraction):
    """Return how far four taps of Keys' cubic are weighed, at a = -0.5, for distances beyond the second of them."""
    distance = np.abs(fraction[..., None] - np.arange(-1, 3))
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0))


def by_hand(image, row, col, interp):
    """Return an image at (row, col) of separate axes, and where it is valid."""
    parts, valid = [], []
    for places, size in zip((row, col), image.shape[1:], strict=True):
        if interp == "nearest":
            index = np.floor(places + 0.5).astype(int)[:, None]
            weights = np.ones(index.shape)
        else:
            index = np.floor(places).astype(int)[:, None] + np.arange(-1, 3)
            weights = keys(places - np.floor(places))
        inside = (index >= 0) & (index < size)
        valid.append((inside | (weights == 0)).all(1))
        parts.append((np.clip(index, 0, size - 1), weights))
    (rows, of_rows), (cols, of_cols) = parts
    taps = image.astype(float)[:, rows[:, None, :, None], cols[None, :, None, :]]
    found = np.einsum("brcij,ri,cj->brc", taps, of_rows, of_cols)
    return found, valid[0][:, None] & valid[1][None]


class Case:
    """A source, what it says, and where its output lies."""

    def __init__(self, seed):
        self.rng = rng = np.random.default_rng(seed)
        self.count = int(rng.integers(1, 4))
        self.dtype = str(rng.choice(["uint8", "uint16", "int16", "float32"]))
        self.image = rng.choice([0, 3, 50, 120], (self.count, *rng.integers(12, 30, 2))).astype(self.dtype)
        self.bands = [int(band) for band in rng.integers(1, self.count + 1, rng.integers(1, 4))]
        ways = ["none", "names", *FLAGS, *(["table"] if self.count == 1 and self.dtype in ("uint8", "uint16") else [])]
        self.way, self.marked = str(rng.choice(ways)), int(rng.integers(1, self.count + 1))
        rows, cols = (int(size) for size in rng.integers(5, 20, 2))
        height, width = self.image.shape[1:]
        # In eighths of a pixel, but never half way between two.
        self.row = (np.sort(rng.integers(-8, 8 * height, rows)) // 2 * 2 + 1) / 8
        self.col = (np.sort(rng.integers(-8, 8 * width, cols)) // 2 * 2 + 1) / 8
        self.interp = str(rng.choice(["default", "default", "default", "nearest", "cubic"]))
        self.driver = str(rng.choice(["GTiff", "COG"]))
        self.nodata = int(rng.choice([0, 77]))
        self.tags = [self._tags() for _ in range(2)]

    def _tags(self):
        """Return tags by domain that hold, and that do not."""
        found = []
        for known in (HOLD, HOLD_NOT):
            domains = {name: [key for key in listed if self.rng.random() < 0.4] for name, listed in known.items()}
            # No value of the image's, lest NODATA_VALUES says that it is invalid.
            found.append({name: {key: str(self.rng.integers(200, 999)) for key in domains[name]} for name in known})
        return found

    @property
    def declares(self):
        return self.way != "none" and self.marked in self.bands

    @property
    def expected(self):
        """The interpolator that is to be taken."""
        named = self.interp != "default"
        return self.interp if named else "nearest" if self.declares else "cubic"

    def write(self, folder):
        path = folder / "source.tif"
        count, height, width = self.image.shape
        shape = {"count": count, "height": height, "width": width, "dtype": self.dtype}
        (folder / "source.tif.aux.xml").unlink(missing_ok=True)
        with rasterio.open(path, "w", "GTiff", **shape, **PLACE) as made:
            made.write(self.image)
            for band, tags in enumerate(self.tags):
                for part in tags:
                    for name, found in part.items():
                        if found:
                            made.update_tags(band, ns=name or None, **found)
            if self.way == "table":
                made.write_colormap(1, {3: (1, 2, 3, 255), 50: (4, 5, 6, 255)})
            if self.way in FLAGS:
                made.update_tags(self.marked, **{self.way: FLAGS[self.way]})
        if self.way == "names":
            names = "<CategoryNames><Category>a</Category><Category>b</Category></CategoryNames>"
            band = f'<PAMRasterBand band="{self.marked}">{names}</PAMRasterBand>'
            (folder / "source.tif.aux.xml").write_text(f"<PAMDataset>{band}</PAMDataset>")
        with rasterio.open(folder / "grid.tif", "w", "GTiff", **{**shape, "count": 2, "dtype": "float64"}
                           | {"height": len(self.row), "width": len(self.col)}, **PLACE) as grid:  # fmt: skip
            grid.write(np.stack(np.meshgrid(self.row, self.col, indexing="ij")))
        return path

    def warns(self, caught):
        """Check that a call has warned where it mixes classes, once, and nowhere else."""
        mixes = self.declares and self.interp == "cubic"
        told = [str(each.message) for each in caught if "between classes" in str(each.message)]
        assert len(told) == mixes, told

    def same(self, image, expected):
        """Check pixels; those that are interpolated within what rounding may do."""
        if self.expected == "nearest":
            np.testing.assert_array_equal(image, expected)
        elif self.dtype == "float32":
            np.testing.assert_allclose(image, expected, rtol=1e-6, atol=1e-5)
        else:
            limits = np.iinfo(self.dtype)
            assert np.abs(image - np.clip(expected, limits.min, limits.max)).max(initial=0) <= 0.5 + 1e-9


@pytest.fixture
def cases(request):
    return range(request.param, CASES, GROUPS)


GROUPED = pytest.mark.parametrize("cases", draws(GROUPS), indirect=True)


@GROUPED
def test_files_of_classes_are_as_worked_out_by_hand_and_say_what_holds(tmp_path, cases):
    output = tmp_path / "out.tif"
    for seed in cases:
        case = Case(seed)
        source = case.write(tmp_path)
        how = {"driver": case.driver, "nodata_out": case.nodata, "overwrite": True, "backend": "numpy"}
        how |= {} if case.interp == "default" else {"interp": case.interp}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            resample_file(source, tmp_path / "grid.tif", output, bands=case.bands, **how)
        case.warns(caught)
        found, valid = by_hand(case.image[[band - 1 for band in case.bands]], case.row, case.col, case.expected)
        with rasterio.open(output) as made:
            case.same(made.read(), np.where(valid, found, case.nodata))
            for number in range(made.count + 1):
                check_tags(made, number, case.tags, case.bands)
            assert (made.colorinterp[0].name == "palette") == (
                case.way == "table" and case.expected == "nearest" and len(case.bands) == 1
            )


def check_tags(made, number, tags, bands):
    """Check that a band says what holds of the one that it comes from; 0: the dataset."""
    source_band = bands[number - 1] if number else 0
    holds, holds_not = tags[source_band] if source_band < len(tags) else ({}, {})
    for name in HOLD.keys() | HOLD_NOT.keys():
        said = made.tags(number, ns=name or None)
        assert holds.get(name, {}).items() <= said.items(), (number, name)
        assert not holds_not.get(name, {}).keys() & said.keys(), (number, name)


@GROUPED
def test_arrays_with_flags_are_as_worked_out_by_hand(cases):
    for seed in cases:
        case = Case(10_000 + seed)
        flags = {case.way: FLAGS[case.way]} if case.way in FLAGS else {}
        case.way, case.bands = case.way if flags else "none", [1, 2, 3]
        array = xarray.DataArray(case.image, dims=("band", "y", "x"), attrs={"units": "1", **flags})
        array = array.chunk(y=9, x=11) if seed % 2 else array
        grid = Grid(*np.meshgrid(case.row, case.col, indexing="ij"))
        how = {} if case.interp == "default" else {"interp": case.interp}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            made = array.gpumask.resample(grid, nodata_out=case.nodata, backend="numpy", **how)
        case.warns(caught)
        found, valid = by_hand(case.image, case.row, case.col, case.expected)
        np.testing.assert_array_equal(made.validity, valid)
        case.same(made.values, np.where(valid, found, case.nodata))
