"""Orderly stops by a signal, a time limit or the end of the workflow, between two steps; the same command continues a run."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

import numpy as np

from simulation.engines.ranks import Ranks

SIGNALS = (signal.SIGTERM, signal.SIGINT)
WORKFLOW = "NANOFRIDGE_WORKFLOW"
"""Environment variable: "host process" of the Snakemake that started this run; set by workflow/rules/common.smk."""
GRACE_S = 30.0
"""A process that was told to stop and has not after this time is ended, whatever holds it."""


class StopRequested(SystemExit):
    """A run stops before its end because it was asked to; the exit code is that of the signal."""


@contextlib.contextmanager
def orderly_stop(label: str, ranks: Ranks) -> Iterator[Callable[[], None]]:
    """Turn SIGTERM and SIGINT into a stop at a safe moment.

    Python would raise from a signal anywhere, even inside LAMMPS's callback, where ctypes swallows exceptions; so a handler
    only takes note, and the function that this context gives raises when it is called.

    Args:
        label: names the run in the message.
        ranks: MPI ranks, which must stop at the same step.

    Yields:
        A function to call now and then, at the same steps on all ranks; raises StopRequested once a signal has come, or the
        workflow that started this process is gone: killed outright, it cannot stop what it started, and nobody would wait
        for the result.
    """
    received = np.zeros(1)
    workflow = _workflow_process()

    def note(number: int, frame: FrameType | None) -> None:
        received[0] = number

    def check() -> None:
        if workflow is not None and not _is_alive(workflow):
            received[0] = signal.SIGHUP
        number = received.copy()
        ranks.sum(number)
        if number[0]:
            mine = signal.Signals(int(received[0] or signal.SIGTERM))
            cause = (
                f"because its workflow, process {workflow}, has ended" if mine == signal.SIGHUP else f"by {mine.name}"
            )
            with contextlib.suppress(BrokenPipeError):  # whoever read this may be gone too
                print(f"{label}: stopped {cause}; the same command continues from the last segment", flush=True)
            raise StopRequested(128 + mine)

    with _watchdog():
        before = [signal.signal(number, note) for number in SIGNALS]
        try:
            yield check
        finally:
            for number, handler in zip(SIGNALS, before, strict=True):
                signal.signal(number, handler)


@contextlib.contextmanager
def _watchdog() -> Iterator[None]:
    """End this process `GRACE_S` after a signal, should the main thread not get there: it may wait in MPI for a lost rank.

    Python's handlers run in the main thread alone, between its instructions; the number of a signal reaches this thread by a
    pipe even when the main thread is deaf.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    over = threading.Event()

    def watch() -> None:
        while told := os.read(reader, 1):
            if signal.Signals(told[0]) in SIGNALS and not over.wait(GRACE_S):
                sys.stderr.write(f"nanofridge: not stopped within {GRACE_S:.0f} s of the signal: terminated\n")
                sys.stderr.flush()
                os._exit(128 + told[0])

    earlier = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(earlier)
        over.set()
        os.close(writer)
        thread.join(1.0)
        os.close(reader)


def _workflow_process() -> int | None:
    """The Snakemake process that started this run, if it is one that can be seen from here."""
    host, _, process = os.environ.get(WORKFLOW, "").partition(" ")
    return int(process) if host == socket.gethostname() and process.isdigit() and _is_alive(int(process)) else None


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # alive, and another user's
    return True


class TimeLimit:
    """Ends a run before its time limit, when the next segment would not fit any more.

    Args:
        minutes: wall time that the run may take, counted from now; None for no limit.
        margin: how much longer than the slowest so far the next steps may be.
    """

    def __init__(self, minutes: float | None, margin: float = 1.2) -> None:
        self._end = None if minutes is None else time.monotonic() + 60 * minutes
        self._margin = margin
        self._s_per_step = 0.0
        self._least_s = 0.0  # what even a segment of no steps takes
        self._last = time.monotonic()

    def segment_done(self, steps: int) -> None:
        """Take note of how long a segment took."""
        now = time.monotonic()
        took, self._last = now - self._last, now
        if steps:
            self._s_per_step = max(self._s_per_step, took / steps)
        else:
            self._least_s = max(self._least_s, took)

    def allows(self, steps: int) -> bool:
        """Whether a segment of so many steps still fits."""
        if self._end is None:
            return True
        return time.monotonic() + self._margin * max(self._s_per_step * steps, self._least_s) < self._end
