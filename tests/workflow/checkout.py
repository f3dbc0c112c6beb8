"""A copy of the project in which Snakemake runs, for tests of the whole workflow."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "profiles", "envs", "workflow", "config", "lammps_templates", "simulation", "analysis")


class Checkout:
    """A copy of the project in which Snakemake runs and files may be edited."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / part)

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake on study tiny with two cores."""
        command = [sys.executable, "-m", "snakemake", *arguments, "--cores", "2", "--config", "study=tiny"]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)

    def would_run(self, *targets: str) -> set[str]:
        """Names of the rules that a dry run lists."""
        result = self.snakemake(*targets, "--dry-run")
        assert result.returncode == 0, result.stdout + result.stderr
        return set(re.findall(r"^(?:local)?rule (\w+):", result.stdout + result.stderr, re.MULTILINE))

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace text in a file of the copy."""
        text = (self.folder / file).read_text()
        assert old in text
        (self.folder / file).write_text(text.replace(old, new))
