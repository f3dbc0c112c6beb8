"""Orderly stops by a signal, a time limit or the end of the workflow, between two samples; the same command continues a run."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from types import FrameType

import numpy as np
from numpy.typing import NDArray

SIGNALS = (signal.SIGTERM, signal.SIGINT)
WORKFLOW = (
    "NANOFRIDGE_WORKFLOW"  # "host process" of the Snakemake that started this run; set by workflow/rules/common.smk
)


class StopRequested(SystemExit):
    """A run stops before its end because it was asked to; the exit code is that of the signal."""


@contextlib.contextmanager
def orderly_stop(label: str, sum_ranks: Callable[[NDArray[np.float64]], None] | None) -> Iterator[Callable[[], None]]:
    """Turn SIGTERM and SIGINT into a stop at a safe moment.

    Python would raise from a signal anywhere, even inside LAMMPS's callback, where ctypes swallows exceptions; so a handler
    only takes note, and the function that this context gives raises when it is called.

    Args:
        label: names the run in the message.
        sum_ranks: sums an array over MPI ranks in place, so that all ranks stop at the same step; None on one rank.

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
        if sum_ranks is not None:
            sum_ranks(number)
        if number[0]:
            mine = signal.Signals(int(received[0] or signal.SIGTERM))
            cause = f"because its workflow, process {workflow}, is gone" if mine == signal.SIGHUP else f"by {mine.name}"
            with contextlib.suppress(BrokenPipeError):  # whoever read this may be gone too
                print(f"{label}: stopped {cause}; the same command continues from the last segment", flush=True)
            raise StopRequested(128 + mine)

    before = [signal.signal(number, note) for number in SIGNALS]
    try:
        yield check
    finally:
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, handler)


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
    """Ends a run before its time limit, when another segment would not fit any more.

    Args:
        minutes: wall time that the run may take, counted from now; None for no limit.
    """

    def __init__(self, minutes: float | None) -> None:
        self._end = None if minutes is None else time.monotonic() + 60 * minutes
        self._longest = 0.0
        self._last = time.monotonic()

    def segment_done(self) -> None:
        """Take note of how long a segment took."""
        now = time.monotonic()
        self._longest, self._last = max(self._longest, now - self._last), now

    def allows_another(self) -> bool:
        """Whether a segment as long as the longest so far, and a fifth more, still fits."""
        return self._end is None or time.monotonic() + 1.2 * self._longest < self._end
