#!/usr/bin/env bash
# Collect in .whl/ the wheels that a GPU's machine without a network lacks: bench/gpu.sh installs them there.
#
# For Python 3.12 on x86-64 Linux, where NumPy, SciPy, xarray, click, PyYAML, pytest, xdist and hypothesis are installed,
# as they are beside CuPy in images for machine learning. About 52 MiB, the greatest part of it rasterio's (GDAL) and
# pyproj's. What takes more than it is worth there is left out: pyogrio (32 MiB, for one test), datacube-ows, zarr.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
platforms=(manylinux_2_28_x86_64 manylinux_2_27_x86_64 manylinux_2_24_x86_64 manylinux_2_17_x86_64 manylinux2014_x86_64)
needed=(rasterio affine cligj click-plugins shapely pyproj) # gpumask's own
needed+=(gridr==0.7.0 rioxarray cf_xarray odc-geo cachetools dask partd locket) # for tests

rm -rf .whl
"$python" -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.12 \
    --implementation cp "${platforms[@]/#/--platform=}" -d .whl "${needed[@]}"
du -csh .whl/*
