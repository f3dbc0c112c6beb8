"""Progress of a run, one line every few seconds and one at its end: fraction done, speed, remaining time."""

from __future__ import annotations

import sys
import time


class Progress:
    """Print the progress of one run to standard error.

    Args:
        label: name of the run, in each line.
        total_steps: MD steps of the whole run.
        timestep_ps: MD time step.
        every_s: minimum time between two lines.
    """

    def __init__(self, label: str, total_steps: int, timestep_ps: float, every_s: float = 10.0) -> None:
        self.label = label
        self.total_steps = total_steps
        self.timestep_ps = timestep_ps
        self.every_s = every_s
        self._start: tuple[float, int] | None = None
        self._last = time.monotonic()

    def report(self, step: int, stage: str) -> None:
        """Report that `step` steps of the whole run are done; prints only when a line is due, or all are done."""
        now = time.monotonic()
        if self._start is None:
            self._start = (now, step)
        seconds, steps = now - self._start[0], step - self._start[1]
        is_due = now - self._last >= self.every_s or step == self.total_steps
        if not is_due or not steps or not seconds:
            return
        self._last = now
        rate = steps / seconds
        print(
            f"{self.label}: {100 * step / self.total_steps:3.0f} % ({stage}), "
            f"{rate * self.timestep_ps * 86.4:.0f} ns/day, {duration_text((self.total_steps - step) / rate)} left",
            file=sys.stderr,
            flush=True,
        )


def duration_text(seconds: float) -> str:
    """A time in convenient units."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"
