"""A real Slurm of one node on this machine: munged, slurmctld and slurmd, started for the tests and stopped after them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

# Where it is set, as in .ci/run, a missing Slurm is a failure and no reason to skip.
REQUIRED = "NANOFRIDGE_REQUIRE_SLURM"
DAEMONS = ("munged", "slurmctld", "slurmd")

# One node that claims more cores than there may be: what waits costs none. A requeued job starts after `cred_expire`.
SLURM_CONF = """
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=bf_interval=1,sched_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=64000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@dataclass(frozen=True)
class Slurm:
    """A running cluster: the environment in which its commands find it."""

    environment: dict[str, str]

    def run(self, *command: str, check: bool = True) -> str:
        """What a command of Slurm says; unless `check`, a failure is left to the caller to read."""
        result = subprocess.run(command, env=self.environment, capture_output=True, encoding="utf-8", check=False)
        assert result.returncode == 0 or not check, f"{' '.join(command)}: {result.stdout}{result.stderr}"
        return result.stdout + result.stderr


def wait_until(condition: Callable[[], object], what: str, seconds: float = 120) -> None:
    """Wait for a condition; fails after so many seconds, and says for what it waited."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds:g} s in vain: {what}"
        time.sleep(0.05)


def free_ports(count: int) -> list[int]:
    """TCP ports that nobody listens at."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in sockets:
            listener.bind(("127.0.0.1", 0))
        return [int(listener.getsockname()[1]) for listener in sockets]


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    """Slurm on loopback; skips where it is not installed or may not be started, unless NANOFRIDGE_REQUIRE_SLURM is set."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    programs = {name: shutil.which(name, path=path) for name in (*DAEMONS, "sbatch", "srun")}
    missing = [name for name, program in programs.items() if program is None]
    if missing or os.geteuid() != 0:
        reason = f"Slurm lacks {', '.join(missing)} (Debian: slurm-wlm, munge)" if missing else "slurmd needs root"
        if os.environ.get(REQUIRED):
            pytest.fail(f"{reason}, and {REQUIRED} is set")
        pytest.skip(reason)
    # Not pytest's own folder: munged wants one that everybody may enter, and a short path for its socket.
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    try:
        yield from _run_slurm(folder, {name: str(program) for name, program in programs.items()})
    finally:
        shutil.rmtree(folder)


def _run_slurm(folder: Path, programs: dict[str, str]) -> Iterator[Slurm]:
    for part in (".", "munge", "state", "spool", "bin"):
        (folder / part).mkdir(exist_ok=True)
        (folder / part).chmod(0o755)
    key, configuration = folder / "munge.key", folder / "slurm.conf"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    host = socket.gethostname().split(".")[0]
    configuration.write_text(SLURM_CONF.format(folder=folder, host=host, ports=free_ports(2)), encoding="utf-8")
    # Within a job the plugin takes all SLURM_ variables away, also the one that names this configuration.
    wrapper = folder / "bin/srun"
    wrapper.write_text(f'#!/bin/sh\nSLURM_CONF={configuration} exec {programs["srun"]} "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "PYTHONPATH"))}
    environment |= {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "SLURM_CONF": str(configuration)}
    munge = [f"--{name}={folder / 'munge' / name}" for name in ("socket", "pid-file", "log-file", "seed-file")]
    commands = [
        [programs["munged"], "--foreground", f"--key-file={key}", *munge],
        [programs["slurmctld"], "-D"],
        [programs["slurmd"], "-D"],
    ]
    cluster = Slurm(environment)
    with (folder / "output").open("w", encoding="utf-8") as output, ExitStack() as running:
        for command in commands:
            daemon = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
            running.callback(daemon.wait)
            running.callback(daemon.terminate)
            if daemon.args == commands[0]:
                wait_until((folder / "munge/socket").exists, "munged's socket")
        try:
            wait_until(lambda: "idle" in cluster.run("sinfo", "--noheader", "--format=%T", check=False), "a node")
        except AssertionError as failure:
            logs = [
                file.read_text(encoding="utf-8")
                for file in (folder / "output", *folder.glob("*.log"))
                if file.is_file()
            ]
            raise AssertionError("\n".join([str(failure), *logs])) from None
        yield cluster
        # The steps of a job are no children of slurmd: they would outlive it.
        cluster.run("scancel", "--user=root", check=False)
        wait_until(lambda: not cluster.run("squeue", "--noheader", check=False), "the last job's end", 60)
