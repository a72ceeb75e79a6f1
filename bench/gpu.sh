#!/usr/bin/env bash
# One command for the day that a GPU is at hand: identity, smoke, the tests for cuda, random cases, speed beside peers,
# sanitizers, counters. Six minutes at the most; a second run does what is left. See "On a GPU" in CONTRIBUTING.md.
#
#   bench/gpu.sh [--again PART] [--only PART] [--patience X] [--scale X]
#
# LIMIT: seconds for all of it. PYTHON: the interpreter, one with CuPy. OUT: where results and logs are put too.
# .whl/: wheels of what is not installed (bench/wheels.sh).
set -u
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
work=${GPUMASK_GPU_FOLDER:-${TMPDIR:-/tmp}/gpumask-gpu-$UID}
whole=${LIMIT:-360}
mkdir -p "$work"

rm -rf "$work/site"
if compgen -G '.whl/*.whl' >/dev/null; then
    timeout -k 5 60 "$python" -m pip install -q --disable-pip-version-check --no-index --no-deps --no-compile \
        --no-cache-dir --upgrade --target "$work/site" .whl/*.whl || echo "wheels: not installed, exit code $?"
fi

export PYTHONPATH=$PWD:$PWD/bench:$work/site${PYTHONPATH:+:$PYTHONPATH}
export GPUMASK_CACHE_DIR=${GPUMASK_CACHE_DIR:-$work/kernels} CUPY_CACHE_DIR=${CUPY_CACHE_DIR:-$work/cupy}
export OMP_WAIT_POLICY=passive PYTHONUNBUFFERED=1
timeout -k 5 $((whole + 10 - SECONDS)) "$python" -m gpu_day --seconds $((whole - 5 - SECONDS)) "$@"
