"""The kernels' text: finds kernels/, pastes the includes into one text, and names a variant of it."""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np

from gpumask.errors import BackendError

C_TYPES = {
    "int8": "i8",
    "uint8": "u8",
    "int16": "i16",
    "uint16": "u16",
    "int32": "i32",
    "uint32": "u32",
    "int64": "i64",
    "uint64": "u64",
    "float32": "f32",
    "float64": "f64",
}
_INCLUDE = re.compile(r'^#include "(.+)"$', re.MULTILINE)


def kernels_folder() -> Path:
    """Return the folder of kernel files: inside an installed package, beside it in a checkout."""
    package = Path(__file__).parent.parent
    for folder in (package / "kernels", package.parent / "kernels"):
        if (folder / "target.cuh").is_file():
            return folder
    raise BackendError(f"kernels: expected a folder with target.cuh in {package} or beside it; found none")


@functools.cache
def kernel_source(kernel: str) -> str:
    """Return the text of kernels/<kernel>.cu. See `with_includes`."""
    return with_includes(f"{kernel}.cu")


def with_includes(file: str) -> str:
    """Return the text of a file in kernels/ with its includes pasted in, and #line so that errors point home."""
    seen: set[str] = set()

    def paste(name: str) -> str:
        if name in seen:
            return ""
        seen.add(name)
        text = (kernels_folder() / name).read_text()

        def included(match: re.Match[str]) -> str:
            line = text.count("\n", 0, match.start()) + 2
            return f'{paste(match[1])}\n#line {line} "{name}"'

        return f'#line 1 "{name}"\n' + _INCLUDE.sub(included, text)

    return paste(file)


def define_options(defines: dict[str, Any]) -> list[str]:
    """Return compiler options for what specialises a kernel, in one order.

    >>> define_options({"TAPS": 4, "ACC_T": np.float64})
    ['-DACC_T=f64', '-DTAPS=4']
    """
    return [f"-D{name}={_c_value(value)}" for name, value in sorted(defines.items())]


def variant_key(*parts: str) -> str:
    """Return a name for a binary that depends on all that went into it: text, options, compiler, target."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _c_value(value: Any) -> str:
    """Return an int as it is, and a dtype as its C type."""
    return str(value) if isinstance(value, int) else C_TYPES[np.dtype(value).name]
