"""A copy of the project in which Snakemake runs, for tests of the whole workflow."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.workflow import ready

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "profiles", "envs", "workflow", "config", "lammps_templates", "simulation", "analysis")
MD_RULES = {"equilibrate", "simulate"}


def run(
    command: list[str], folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, without the modules that the tests find by PYTHONPATH."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        command,
        cwd=folder,
        env={**inherited, **(environment or {})},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def snakemake(
    *arguments: str, folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in a folder with two cores; in an environment of its own, by a command of its own."""
    if not environment:
        return ready.call(["--cores", "2", *arguments], folder)
    return run([sys.executable, "-m", "snakemake", "--cores", "2", *arguments], folder, environment)


def planned(result: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """How many jobs of each rule a dry run lists, but for rules that only gather files."""
    said = result.stdout + result.stderr
    assert result.returncode == 0, said
    # Snakemake says this table on both streams.
    table = re.search(r"^job +count\n-.*\n((?:.+\n)*?)total ", said, re.MULTILINE)
    if table is None:
        assert "Nothing to be done" in said, said
        return {}
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table[1], re.MULTILINE)}


class Checkout:
    """A copy of the project in which Snakemake runs and files may be edited."""

    def __init__(self, folder: Path, study: str = "tiny") -> None:
        self.folder = folder
        self.study = study
        folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                # Compiled modules, too, which are valid for the copies as these keep their times; those half written are not.
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("*.pyc.*"))
            else:
                shutil.copy(source, folder / part)

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake on the study of this checkout with two cores."""
        return snakemake(*arguments, "--config", f"study={self.study}", folder=self.folder)

    def would_run(self, *targets: str) -> set[str]:
        """Names of the rules that a dry run lists."""
        return set(planned(self.snakemake(*targets, "--dry-run")))

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace text in a file of the copy."""
        text = (self.folder / file).read_text(encoding="utf-8")
        assert old in text
        (self.folder / file).write_text(text.replace(old, new), encoding="utf-8")
