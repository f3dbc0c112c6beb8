"""Orderly stops: a signal or a time limit ends a run between two samples, and the same command continues it later."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from types import FrameType

import numpy as np
from numpy.typing import NDArray

SIGNALS = (signal.SIGTERM, signal.SIGINT)


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
        A function to call now and then, at the same steps on all ranks; raises StopRequested once a signal has come.
    """
    received = np.zeros(1)

    def note(number: int, frame: FrameType | None) -> None:
        received[0] = number

    def check() -> None:
        number = received.copy()
        if sum_ranks is not None:
            sum_ranks(number)
        if number[0]:
            name = signal.Signals(int(received[0] or signal.SIGTERM)).name
            print(f"{label}: stopped by {name}; the same command continues from the last segment", flush=True)
            raise StopRequested(128 + int(received[0] or signal.SIGTERM))

    before = [signal.signal(number, note) for number in SIGNALS]
    try:
        yield check
    finally:
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, handler)


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
