"""A working folder beside the checkout, and small studies for it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.workflow.checkout import planned, snakemake

# Exact runs of a second.
FAST = """
engine: langevin
seed: 3
baths: {fluid_atoms: 25280}
demon: {kappa_ratios: [4.80], coupling_axes: xyz}
integration: {timestep_fs: 50}
schedule: {friction_ns: 0.1, sweep_ns: 0.1, sample_every_ps: 0.1, trajectory_every_ps: 10, segment_ps: 10}
drag: {forces_nN: []}
"""
# Some 1 000 atoms for an instant.
ATOMS = """
baths: {edge_nm: 3, fluid_atoms: 60}
materials: {cutoff_A: 6}
trap: {stiffness_eV_per_A2: 1.0}
demon: {kappa_ratios: [1.2, 4.80], coupling_axes: xyz}
integration: {timestep_fs: 4}
schedule:
  equilibration_ps: 2.4
  relaxation_ps: 0.2
  sweep_ns: 0.0004
  friction_ns: 0.0004
  sample_every_ps: 0.02
  trajectory_every_ps: 0.2
  segment_ps: 0.2
drag: {forces_nN: [3.0], equilibration_ps: 0.4, duration_ns: 0.0004}
limits: {closure_drift_eV_per_ns: 50, liquid: false}
"""
RUNS = ("results/fast/friction/replica_1/run.json", "results/fast/sweep/kH_4.80/replica_1/run.json")
CONTROLLER = """
import numpy as np

class Mine:
    def __init__(self, coupling_cold_eV_per_A2, coupling_hot_eV_per_A2):
        self.couplings = np.array([[coupling_cold_eV_per_A2], [-coupling_hot_eV_per_A2]])

    def forces(self, seen):
        return self.couplings * (seen.displacement_A[1] - seen.displacement_A[0])
"""
MTIME = ("--rerun-triggers", "mtime")


class Work:
    """A folder of a user's own, in which Snakemake runs the workflow of a checkout elsewhere."""

    def __init__(self, project: Path, folder: Path) -> None:
        self.project = project
        self.folder = folder
        self.snakefile = project / "Snakefile"
        if not folder.exists():
            self.write("config/fast.yaml", FAST)

    def write(self, name: str, text: str) -> None:
        """Write a text file of this folder."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8")

    def snakemake(
        self, *arguments: str, config: str = "study=fast", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run Snakemake here."""
        chosen = ("--config", *config.split()) if config else ()
        return snakemake("-s", str(self.snakefile), *arguments, *chosen, folder=self.folder, environment=environment)

    def plan(self, *arguments: str, config: str = "study=fast") -> dict[str, int]:
        """How many jobs of each rule Snakemake would run here."""
        return planned(self.snakemake("-n", *arguments, config=config))

    def refused(self, *arguments: str, config: str = "study=fast") -> str:
        """What Snakemake says when it ends with a message of ours, and no traceback."""
        result = self.snakemake(*arguments, config=config)
        said = result.stdout + result.stderr
        assert result.returncode != 0, said
        assert "Traceback" not in said
        return said

    def record(self, name: str) -> dict[str, object]:
        """A JSON file of this folder."""
        content: dict[str, object] = json.loads((self.folder / name).read_text(encoding="utf-8"))
        return content

    def probe(self, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python inside the workflow, when all of it has been read."""
        included = str(self.project / "Snakefile")
        self.write("Probe", f"include: {included!r}\n\n\n{code}\n")
        return snakemake("-n", "friction", "-s", "Probe", *arguments, "--config", "study=fast", folder=self.folder)


def colder(work: Work) -> None:
    """Ask for another temperature under the same name."""
    work.write("config/fast.yaml", FAST.replace("25280}", "25280, temperature_cold_K: 80}"))
