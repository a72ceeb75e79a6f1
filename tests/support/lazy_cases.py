"""Chunks drawn at random, and by hand what becomes of moved pixels and grown clouds."""

import numpy as np
import pytest

dask_array = pytest.importorskip("dask.array")


def chunking(rng, shape):
    """Return chunks of random sizes along each axis, of which some may be empty at the end."""
    found = []
    for n in shape:
        cuts = np.sort(rng.integers(0, n + 1, rng.integers(0, 4)))
        found.append(tuple(int(size) for size in np.diff([0, *cuts, n])))
    return tuple(found)


def moved(image, valid, by, fill):
    """Return an image moved by whole pixels, and where it is valid, by slices alone."""
    rows, cols = image.shape[-2:]
    out, known = np.full_like(image, fill), np.zeros(valid.shape, np.uint8)
    down, right = by
    to = slice(max(-down, 0), rows - max(down, 0)), slice(max(-right, 0), cols - max(right, 0))
    at = slice(max(down, 0), rows - max(-down, 0)), slice(max(right, 0), cols - max(-right, 0))
    known[..., *to] = valid[..., *at]
    out[..., *to] = image[..., *at]
    return np.where(np.broadcast_to(known, out.shape) == 1, out, fill), known


def grown(clear, radius):
    """Return where nothing that is not clear lies within a radius, from all distances of all pixels."""
    if clear.ndim > 2:
        return np.array([grown(plane, radius) for plane in clear], bool).reshape(clear.shape)
    bad = np.argwhere(~clear)
    at = np.stack(np.meshgrid(*map(np.arange, clear.shape), indexing="ij"), axis=-1)
    if not len(bad):
        return np.ones(clear.shape, bool)
    return (((at[..., None, :] - bad) ** 2).sum(axis=-1) > radius**2).all(axis=-1)


def refuses():
    raise AssertionError("computed")


def never(shape, dtype=np.uint8):
    """Return a lazy array that must not be computed."""
    from dask.delayed import delayed

    return dask_array.from_delayed(delayed(refuses)(), shape, dtype).rechunk(dict.fromkeys((-2, -1), 10))
