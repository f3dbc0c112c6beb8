"""Clean stops between two steps, by a signal, a time limit or the end of the workflow; the same command continues the run."""

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
"""A process that has not stopped this long after a signal is ended."""


class StopRequested(SystemExit):
    """A run stops early on request; the exit code is that of the signal."""


@contextlib.contextmanager
def orderly_stop(label: str, ranks: Ranks) -> Iterator[Callable[[], None]]:
    """Convert SIGTERM and SIGINT into a stop at a safe point.

    Python would raise from a signal anywhere, even inside the callback of LAMMPS, where ctypes swallows exceptions. The handler
    therefore only sets a flag, and the function yielded by this context raises when it is called.

    Args:
        label: name of the run in the message.
        ranks: MPI ranks, which must stop at the same step.

    Yields:
        A function to call regularly, at the same steps on all ranks. It raises StopRequested after a signal, or if the workflow
        that started this process no longer exists: a killed workflow cannot stop its jobs, and their results would be unused.
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
            with contextlib.suppress(BrokenPipeError):  # the reader of the pipe may have ended too
                print(f"{label}: stopped {cause}; the same command continues from the last segment", flush=True)
            raise StopRequested(128 + mine)

    with _watchdog(), _handled_by(note):
        yield check


@contextlib.contextmanager
def prompt_stop(label: str) -> Iterator[None]:
    """Convert SIGTERM and SIGINT into a stop at once, of a run in Python that has no segments and keeps nothing.

    Args:
        label: name of the run in the message.

    Raises:
        StopRequested: after a signal, wherever it arrives.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(BrokenPipeError):
            print(f"{label}: stopped by {signal.Signals(number).name}; the same command runs it anew", flush=True)
        raise StopRequested(128 + number)

    with _handled_by(stop):
        yield


@contextlib.contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = [signal.signal(number, handler) for number in SIGNALS]
    try:
        yield
    finally:
        for number, earlier in zip(SIGNALS, before, strict=True):
            signal.signal(number, earlier)


@contextlib.contextmanager
def _watchdog() -> Iterator[None]:
    """End this process `GRACE_S` after a signal if the main thread does not: it may wait in MPI for a lost rank.

    Python runs signal handlers only in the main thread, between its instructions; the number of a signal reaches this thread
    through a pipe even if the main thread is blocked.
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
    """The Snakemake process that started this run, if it is visible from here."""
    host, _, process = os.environ.get(WORKFLOW, "").partition(" ")
    return int(process) if host == socket.gethostname() and process.isdigit() and _is_alive(int(process)) else None


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # alive, of another user
    return True


class TimeLimit:
    """End a run before its time limit, when the next segment would not fit.

    Args:
        minutes: wall time of the run, counted from now; None for no limit.
        margin: allowed ratio of the time of the next steps to the slowest so far.
    """

    def __init__(self, minutes: float | None, margin: float = 1.2) -> None:
        self._end = None if minutes is None else time.monotonic() + 60 * minutes
        self._margin = margin
        self._s_per_step = 0.0
        self._least_s = 0.0  # time of a segment without steps
        self._last = time.monotonic()

    def segment_done(self, steps: int) -> None:
        """Record the time of a segment."""
        now = time.monotonic()
        took, self._last = now - self._last, now
        if steps:
            self._s_per_step = max(self._s_per_step, took / steps)
        else:
            self._least_s = max(self._least_s, took)

    def allows(self, steps: int) -> bool:
        """Whether a segment of this many steps still fits."""
        if self._end is None:
            return True
        return time.monotonic() + self._margin * max(self._s_per_step * steps, self._least_s) < self._end
