"""Locks that end with their owner: a file that one process holds with flock, and that says who does.

The system lets go of such a lock however its owner ends, so none is ever left behind by a crash.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE_S = 1.0  # `owner` holds a lock for an instant; nobody may be refused because someone looked


class LockedError(Exception):
    """Another process holds the lock; the message names it."""


@contextlib.contextmanager
def held(file: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Hold the lock `file`, made where it is missing, for this process; wait `patience_s` for another owner to go.

    Raises:
        LockedError: another process holds it; names that process.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+", encoding="utf-8") as stream:
        deadline = time.monotonic() + patience_s
        while not _try(stream.fileno(), fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                stream.seek(0)
                raise LockedError(
                    f"{file.parent} is in use by {stream.read().strip() or 'another process'}: wait for it, or end it"
                )
            time.sleep(PATIENCE_S / 20)
        stream.truncate(0)
        stream.write(f"process {os.getpid()} of {getpass.getuser()} on {socket.gethostname()}\n")
        stream.flush()
        yield


def owner(file: Path) -> str | None:
    """Who holds the lock now, in words; None if nobody does."""
    try:
        with file.open(encoding="utf-8") as stream:
            return None if _try(stream.fileno(), fcntl.LOCK_SH) else stream.read().strip() or "another process"
    except FileNotFoundError:
        return None


def _try(descriptor: int, kind: int) -> bool:
    """Take a lock if it is free, without waiting."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
