"""Source coordinates between the nodes of a grid."""

from __future__ import annotations

from typing import Any

import numpy as np


def coordinates_at(nodes: Any, step: tuple[int, int], ys: np.ndarray, xs: np.ndarray) -> np.ndarray:
    """Interpolate a coordinate at output rows ys and columns xs, which follow each other where the step is 1.

    nodes: (m, n), NaN where one does not count; so is what has a weight for it. step: output pixels from node to node.
    The order of sums is that of kernels/coords.cuh.
    """
    (r, a), (c, b) = np.divmod(ys, step[0]), np.divmod(xs, step[1])
    r1, c1 = np.minimum(r + 1, nodes.shape[0] - 1), np.minimum(c + 1, nodes.shape[1] - 1)
    down, up = a[:, None].astype(float), (step[0] - a)[:, None].astype(float)
    right, left = b.astype(float), (step[1] - b).astype(float)
    if step == (1, 1):
        v = nodes[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]
    else:
        corners = ((r, c, up * left), (r, c1, up * right), (r1, c1, down * right), (r1, c, down * left))
        n1, n2, n3, n4 = (np.where(weight != 0, nodes[np.ix_(i, j)], 0.0) * weight for i, j, weight in corners)
        v = (n1 + n2 + n3 + n4) / float(step[0] * step[1])
    return np.asarray(np.floor(1e12 * v + 0.5) / 1e12)
