"""Small tables that kernels read again and again."""

from __future__ import annotations

from typing import Any

import numpy as np


class Table:
    """Numbers in host memory, which go to a device once, when a kernel first reads them there.

    A table belongs to what it describes (an axis, rules, outlines) and lives as long. Each stream has a copy of its
    own, so that none waits for another's.
    """

    def __init__(self, numbers: np.ndarray) -> None:
        """Take an array, which may not be written to from now on."""
        numbers.flags.writeable = False
        self.host = numbers
        #: Copies in the memory of devices, by device, stream and thread. The last few streams have one.
        self.there: dict[tuple[int, int, int], Any] = {}

    def __reduce__(self) -> tuple[type[Table], tuple[np.ndarray]]:
        """Let copies in other processes begin without any on a device."""
        return Table, (self.host,)
