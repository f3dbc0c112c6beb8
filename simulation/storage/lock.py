"""Locks that end with their owner: a file locked by one process with flock, with the name of that process.

The system releases such a lock however its owner ends, so no lock remains after a crash.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import getpass
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE_S = 1.0  # `owner` holds a lock for an instant; a check must not make another process fail


class LockedError(Exception):
    """Another process holds the lock, or this file system has no locks; the message says which."""


@contextlib.contextmanager
def held(file: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Hold the lock `file`, created if missing, for this process; wait `patience_s` for another owner to release it.

    Raises:
        LockedError: another process, named in the message, holds it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    me = f"process {os.getpid()} of {_user()} on {socket.gethostname()}\n".encode()
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        deadline = time.monotonic() + patience_s
        while not _try(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise LockedError(f"{file.parent} is in use by {_name(file)}: wait for it, or stop it")
            time.sleep(PATIENCE_S / 20)
        # Written in place, so that a concurrent reader never finds an empty file.
        os.pwrite(descriptor, me, 0)
        os.ftruncate(descriptor, len(me))
        yield
    finally:
        os.close(descriptor)


def owner(file: Path) -> str | None:
    """The current owner of the lock, in words; None if it is free."""
    try:
        with file.open("rb") as stream:
            return None if _try(stream.fileno(), fcntl.LOCK_SH) else _name(file)
    except FileNotFoundError:
        return None
    except LockedError:
        return None  # without support for locks, none is held


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a user without a name, as in a container
        return f"user {os.getuid()}"


def _name(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip() or "another process"


def _try(descriptor: int, kind: int) -> bool:
    """Take a lock if it is free, without waiting."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as failure:
        if failure.errno in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
            raise LockedError(
                f"the file system of the results has no locks ({failure.strerror}): use one that has, "
                "such as a local disk, with snakemake --directory FOLDER"
            ) from None
        raise
    return True
