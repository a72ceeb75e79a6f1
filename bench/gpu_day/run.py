"""Runs a part's items in worker processes, none of them for longer than it may, and notes what they answer."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import json
import os
import signal
import sys
import time
from pathlib import Path

from gpu_day.common import Options
from gpu_day.parts import Part
from gpu_day.record import Record

_TO_END = 3  # seconds, for a process to clean up


class Worker:
    """A worker process; see `gpu_day.worker`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.seen = dict[str, str]()  # the batch's items that it has spoken of, and their states

    @classmethod
    async def start(cls, part: Part, options: Options) -> Worker:
        """Start one, in a process group of its own. What it prints goes to the part's log."""
        command = [sys.executable, "-m", "gpu_day.worker", part.module, json.dumps(dataclasses.asdict(options))]
        pipe = asyncio.subprocess.PIPE
        # Where processes share the cores, each has one thread.
        threads = {"GPUMASK_NUM_THREADS": "1"} if part.crowded else {}
        with Path(options.folder, f"{part.name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=pipe,
                stdout=pipe,
                stderr=log,
                start_new_session=True,
                limit=1 << 24,
                env={**os.environ, **threads},
            )
        return cls(process)

    async def do(self, part: Part, batch: list[str], seconds: float, record: Record) -> bool:
        """Do a batch, noting each answer; return False where the process ended before it was done."""
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin and stdout  # both are pipes
        known = {item: record.items(part.name).get(item, {}) for item in batch}
        self.seen.clear()
        try:
            stdin.write((json.dumps({"items": batch, "seconds": seconds, "known": known}) + "\n").encode())
            await stdin.drain()
        except ConnectionError:
            return False
        while line := await stdout.readline():
            answer = json.loads(line)
            if not answer:
                return True
            item, state = answer.pop("item"), answer.pop("state")
            self.seen[item] = state
            record.put(part.name, item, state, **answer)
        return False

    async def end(self, asked: signal.Signals | None = None) -> str:
        """Let the process end, or ask for it by a signal; then kill all that it started. Return how it ended."""
        if self.process.stdin:
            self.process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            if asked:
                os.killpg(self.process.pid, asked)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.process.wait(), _TO_END)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):  # a driver that hangs lets no process go
            await asyncio.wait_for(self.process.wait(), _TO_END)
        return f"exit code {self.process.returncode}"


async def run_part(part: Part, record: Record, options: Options, left: list[str], seconds: float) -> None:
    """Do what is left of a part, for so many seconds at the most."""
    start = time.monotonic()
    batches = collections.deque(part.batches(left))
    lanes = min(part.jobs, len(batches))
    await asyncio.gather(*(lane(part, batches, record, options, start + seconds) for _ in range(lanes)))
    took = time.monotonic() - start
    record.note(part.name, seconds=round(record.part(part.name).get("seconds", 0) + took, 1))


async def lane(part: Part, batches: collections.deque[list[str]], record: Record, options: Options, end: float) -> None:
    """Take batches until there are none, or no time; a new process wherever one has ended."""
    worker = None
    try:
        while batches and (left := end - time.monotonic()) > 1:
            batch, seconds = batches.popleft(), min(left, part.item_limit * options.patience)
            worker = worker or await Worker.start(part, options)
            state, why = "failed", ""
            try:
                if await asyncio.wait_for(worker.do(part, batch, seconds, record), seconds):
                    continue
                why = f"its process ended: {await worker.end()}"
            except TimeoutError:
                state, why = "begun", f"cut off after {seconds:.0f} s"
                await worker.end(signal.SIGABRT)  # where it hung is then in the log
            batches.extend(part.batches(blame(part, batch, worker.seen, state, why, record)))
            worker = None
    finally:
        if worker:
            await worker.end()


def blame(part: Part, batch: list[str], seen: dict[str, str], state: str, why: str, record: Record) -> list[str]:
    """Note what a process was doing when it ended; return the items that it had not come to, if it did anything.

    seen: the state of each item that it spoke of.
    """
    known = record.items(part.name)
    for item in batch:
        if seen.get(item, "never") == "begun" or not seen:
            before = {key: value for key, value in known.get(item, {}).items() if key not in ("state", "why")}
            record.put(part.name, item, state, **before, why=why)
    return [item for item in batch if seen and item not in seen]
