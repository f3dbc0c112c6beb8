"""Locks: one owner at a time, none that outlives it, and looking disturbs nobody."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from simulation import lock

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys, time
from pathlib import Path
from simulation import lock
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
