"""Locks: one owner at a time, none that outlives it, looking disturbs nobody, and what a system lacks is said with its cure."""

from __future__ import annotations

import errno
import fcntl
import getpass
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from simulation.storage import lock

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys, time
from pathlib import Path
from simulation.storage import lock
with lock.held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_owner_is_refused_and_a_dead_one_is_forgotten(tmp_path: Path) -> None:
    """While a process lives, its lock is its own and `owner` names it; killed without warning, it leaves nothing behind."""
    file = tmp_path / "lock"
    assert lock.owner(file) is None
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(file)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert (lock.owner(file) or "").startswith(f"process {holder.pid} of ")
    with pytest.raises(lock.LockedError, match=f"in use by process {holder.pid} of"), lock.held(file):
        pass
    holder.kill()
    holder.wait()
    assert lock.owner(file) is None
    with lock.held(file):
        assert (lock.owner(file) or "").startswith(f"process {os.getpid()} of ")


def test_nothing_is_left_of_the_name_of_an_earlier_owner(tmp_path: Path) -> None:
    """The file of a longer name than this process has names this process alone, in full."""
    file = tmp_path / "lock"
    file.write_text(f"process 4194304 of {'x' * 100} on {'y' * 100}\n", encoding="utf-8")
    with lock.held(file):
        assert lock.owner(file) == f"process {os.getpid()} of {getpass.getuser()} on {socket.gethostname()}"


def test_looking_at_a_lock_keeps_nobody_from_taking_it(tmp_path: Path) -> None:
    """Someone who asks for the owner all the time does not make a run fail that starts meanwhile."""
    file = tmp_path / "lock"
    file.touch()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            lock.owner(file)

    watchers = [threading.Thread(target=look) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    try:
        for _ in range(20):
            with lock.held(file):
                pass
    finally:
        over.set()
        for watcher in watchers:
            watcher.join()


def test_a_lock_is_waited_for_as_long_as_asked(tmp_path: Path) -> None:
    """An owner that goes in time is waited for; one that does not, no longer than asked."""
    file = tmp_path / "new" / "lock"
    taken, over = threading.Event(), threading.Event()

    def hold() -> None:
        with lock.held(file):
            taken.set()
            over.wait(10)

    for patience, is_taken in ((5.0, True), (0.3, False)):
        taken.clear()
        over.clear()
        holder = threading.Thread(target=hold)
        holder.start()
        assert taken.wait(5)
        leaving = threading.Timer(0.3 if is_taken else 5.0, over.set)
        leaving.start()
        started = time.monotonic()
        try:
            if is_taken:
                with lock.held(file, patience):
                    assert time.monotonic() - started > 0.25
            else:
                with pytest.raises(lock.LockedError, match="wait for it, or stop it"), lock.held(file, patience):
                    pass
                assert 0.25 < time.monotonic() - started < 3
        finally:
            over.set()
            leaving.cancel()
            holder.join()


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL])
def test_a_file_system_without_locks_is_named_with_the_cure(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run there is refused at once; whoever only looks sees that nobody holds one."""

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    file = tmp_path / "lock"
    with (
        pytest.raises(lock.LockedError, match=r"has no locks .*use one that has, .*--directory"),
        lock.held(file),
    ):
        pass
    assert file.exists()
    assert lock.owner(file) is None


def test_another_failure_of_the_system_is_no_question_of_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes out as it is."""

    def fail(descriptor: int, operation: int) -> None:
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(OSError, match="input/output error"), lock.held(tmp_path / "lock"):
        pass


def test_a_user_without_a_name_has_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs under a number of its own: no environment variable and no entry in the system's list."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    with lock.held(tmp_path / "lock"):
        assert f" of user {os.getuid()} on " in (lock.owner(tmp_path / "lock") or "")


def test_one_who_may_only_read_sees_the_owner(tmp_path: Path) -> None:
    """A colleague without write rights can ask; a lock that is not there is nobody's, and is not made by asking."""
    file = tmp_path / "lock"
    with lock.held(file):
        file.chmod(0o444)
        assert (lock.owner(file) or "").startswith(f"process {os.getpid()} of ")
    assert lock.owner(tmp_path / "none") is None
    assert not (tmp_path / "none").exists()
