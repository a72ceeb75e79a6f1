"""The errors and warnings of gpumask.

Every message names the argument, what was expected and what came.
"""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Iterator, Mapping


class GpumaskError(ValueError):
    """An argument is wrong, or a job can't be done as asked."""


class BackendError(GpumaskError):
    """A backend is missing on this machine, or it failed. The message says what is missing."""


class ArgumentTypeError(GpumaskError, TypeError):
    """An argument has the wrong type. GridR raises TypeError in these cases."""


class MaskRuleError(GpumaskError):
    """A mask rule or a flag definition is wrong, or does not fit its band."""


@contextlib.contextmanager
def renamed(names: Mapping[str, str]) -> Iterator[None]:
    """Give the caller's name of an argument to errors from the layers below, which use another name."""
    try:
        yield
    except GpumaskError as error:
        name, colon, rest = str(error).partition(":")
        if name not in names:
            raise
        raise type(error)(names[name] + colon + rest) from error


def warn_caller(text: str) -> None:
    """Warn at the line that called the library."""
    frame, level = inspect.currentframe(), 1
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in ("gpumask", "contextlib"):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, UserWarning, stacklevel=level)
