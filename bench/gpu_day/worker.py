"""A process that does items of one part: python -m gpu_day.worker PART OPTIONS.

It reads a batch of items a line, and answers with a line for each item that it begins or ends, and one for the batch.
What a kernel breaks is broken in this process alone: where the device takes no more work, it ends.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

from gpu_day.common import NotHere, Options, Wrong

Tell = Callable[..., None]


def main() -> None:
    """Do what is asked for until there is no more."""
    # Answers have a pipe of their own: what anything else prints goes to the log.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    module, options = importlib.import_module(f"gpu_day.{sys.argv[1]}"), Options(**json.loads(sys.argv[2]))

    def tell(item: str, state: str, **found: Any) -> None:
        answers.write(json.dumps({"item": item, "state": state, **found}, default=str) + "\n")

    faulthandler.enable()
    for line in sys.stdin:
        asked = json.loads(line)
        # Whoever started this process ends it before; but it may be gone.
        faulthandler.dump_traceback_later(asked["seconds"] + 10, exit=True)
        if hasattr(module, "run_all"):
            guarded(asked["items"], tell, lambda asked=asked: module.run_all(asked, options, tell))
        else:
            for item in asked["items"]:
                one(module, item, options, tell)
        if broken():
            os._exit(71)
        faulthandler.cancel_dump_traceback_later()
        answers.write("{}\n")


def one(module: ModuleType, item: str, options: Options, tell: Tell) -> None:
    """Do an item."""
    tell(item, "begun")

    def run() -> None:
        found = module.run(item, options)
        tell(item, "done", **found)

    guarded([item], tell, run)


def guarded(items: list[str], tell: Tell, run: Callable[[], None]) -> None:
    """Run, and tell what went wrong."""
    try:
        run()
    except NotHere as error:
        for item in items:
            tell(item, "skipped", why=str(error))
    except Wrong as error:
        for item in items:
            tell(item, "failed", why=str(error), **error.found)
    except Exception as error:  # whatever it is, the other items go on
        traceback.print_exc()
        for item in items:
            tell(item, "failed", why=f"{type(error).__name__}: {error}"[:500])


def broken() -> bool:
    """Say whether an error has left the device unusable for this process."""
    cupy = sys.modules.get("cupy")
    if cupy is None:
        return False
    try:
        cupy.cuda.runtime.deviceSynchronize()
    except Exception:  # cudaErrorIllegalAddress and its like stay until the process ends
        return True
    return False


if __name__ == "__main__":
    main()
