"""What gpumask raises, and warns of. Every message names the argument, what was expected and what came."""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Iterator, Mapping


class GpumaskError(ValueError):
    """An argument that can't be right, or a job that can't be done as asked."""


class BackendError(GpumaskError):
    """A backend that this machine lacks, or that failed; says what is missing."""


class ArgumentTypeError(GpumaskError, TypeError):
    """An argument of a type that can't be right, where GridR raises TypeError."""


class MaskRuleError(GpumaskError):
    """A mask rule or a flag definition that can't be right, or that does not fit its band."""


@contextlib.contextmanager
def renamed(names: Mapping[str, str]) -> Iterator[None]:
    """Name the caller's argument in an error of the layers below, which know it by another name."""
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
