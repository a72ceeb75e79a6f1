"""What gpumask's tests use of cupyx."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from cupy import _order


@contextlib.contextmanager
def allow_synchronize(allow: bool) -> Iterator[None]:
    """Let nothing in this thread wait for the device, or let it again."""
    before = _order.may_wait(allow)
    try:
        yield
    finally:
        _order.may_wait(before)
