"""The whole workflow on the tiny study, as a user would run it: real MD, then what reruns and what does not."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulation import lock

pytestmark = pytest.mark.md

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "profiles", "envs", "workflow", "config", "lammps_templates", "simulation", "analysis")
EDITED = ("config/tiny.yaml", "lammps_templates/parts/traps.lmp.j2", "analysis/units.py")
COLUMNS = [
    "kappa_ratio",
    "replicas",
    "time_ns",
    *(f"heat_{name}" for name in ("cold_eV_per_ns", "cold_se", "hot_eV_per_ns", "hot_se")),
    *(f"thermostat_{name}" for name in ("cold_eV_per_ns", "cold_se", "hot_eV_per_ns", "hot_se")),
    *(f"work_{name}" for name in ("cold_eV_per_ns", "cold_se", "hot_eV_per_ns", "hot_se")),
    "theory_cold_eV_per_ns",
    "theory_hot_eV_per_ns",
    "mode",
]


class Checkout:
    """A copy of the project in which Snakemake runs and files may be edited."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
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


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout in which `snakemake` has run to its end."""
    checkout = Checkout(tmp_path_factory.mktemp("checkout"))
    result = checkout.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    assert "measuring" in result.stderr + result.stdout, "no progress was shown while LAMMPS ran"
    return checkout


@pytest.fixture
def checkout(done: Checkout) -> Iterator[Checkout]:
    """The finished checkout; what a test edits is put back."""
    kept = {part: (done.folder / part).read_bytes() for part in EDITED}
    yield done
    for part, content in kept.items():
        (done.folder / part).write_bytes(content)


def test_study_ends_in_summary_friction_and_figure(done: Checkout) -> None:
    """The default target leaves the promised table, friction, and figure, one row per point, spelled as in the study."""
    results = done.folder / "results/tiny"
    with (results / "summary.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == COLUMNS
    assert [row["kappa_ratio"] for row in rows] == ["1.2", "4.80"]
    assert {row["mode"] for row in rows} <= {"refrigerator", "heater", "undecided"}
    assert (results / "friction.json").stat().st_size > 100
    assert (results / "figures/heat_rates.png").read_bytes().startswith(b"\x89PNG")


def test_second_call_does_nothing_and_says_so(done: Checkout) -> None:
    """Nothing is run twice."""
    assert "Nothing to be done" in done.snakemake().stderr


def test_one_point_can_be_rerun(done: Checkout) -> None:
    """Naming one point's file reruns that point alone: its analysis when that file is gone, its MD when forced."""
    heat = "results/tiny/sweep/kH_4.80/heat.json"
    kept = (done.folder / heat).read_bytes()
    (done.folder / heat).unlink()
    assert done.would_run(heat) == {"heat"}
    (done.folder / heat).write_bytes(kept)
    assert done.would_run(heat, "--forcerun", "simulate") == {"simulate", "heat"}


def test_comments_and_lengths_of_other_runs_rerun_no_md(checkout: Checkout) -> None:
    """A comment in a deck or a study reruns nothing."""
    checkout.edit("lammps_templates/parts/traps.lmp.j2", "# --- traps", "# reworded\n# --- traps")
    checkout.edit("config/tiny.yaml", "# Tiny:", "# Very tiny:")
    assert not checkout.would_run() & {"equilibrate", "simulate", "pull"}


def test_edited_analysis_reruns_the_analysis_and_no_md(checkout: Checkout) -> None:
    """Results of an older analysis are made again, from the simulations that are there."""
    checkout.edit("analysis/units.py", "Conversions", "Conversion factors")
    assert {"heat", "fit_friction", "summary", "plot_heat_rates"} <= checkout.would_run()
    assert not checkout.would_run() & {"equilibrate", "simulate", "pull"}


def test_changed_coupling_reruns_the_sweep_only(checkout: Checkout) -> None:
    """κ_C is felt by the sweep, not by the baths or the friction run."""
    checkout.edit("config/tiny.yaml", "  coupling_axes: xyz", "  coupling_axes: xyz\n  coupling_cold_eV_per_A2: 0.09")
    assert "simulate" in checkout.would_run("sweep")
    assert "simulate" not in checkout.would_run("friction")
    assert "equilibrate" not in checkout.would_run()


def test_broken_study_stops_before_anything_runs(checkout: Checkout) -> None:
    """All problems of a study are told at once, with a non-zero exit, and no job starts."""
    checkout.edit("config/tiny.yaml", "timestep_fs: 4", "timestep_fs: -4")
    checkout.edit("config/tiny.yaml", "coupling_axes: xyz", "coupling_axes: zebra")
    result = checkout.snakemake()
    assert result.returncode != 0
    assert "integration.timestep_fs = '-4'" in result.stderr
    assert "demon.coupling_axes = 'zebra'" in result.stderr
    assert "Traceback" not in result.stderr


def test_two_snakemakes_never_write_one_study(done: Checkout) -> None:
    """While one Snakemake works on a study, another that would write it stops and names it, and removes nothing."""
    heat = done.folder / "results/tiny/sweep/kH_4.80/heat.json"
    kept = heat.read_bytes()
    with lock.held(done.folder / "results/tiny/.lock"):
        result = done.snakemake("sweep", "--forcerun", "heat")
    assert result.returncode != 0
    assert f"results/tiny is in use by process {os.getpid()} of" in result.stderr
    assert heat.read_bytes() == kept


def test_unknown_point_is_refused_by_name(done: Checkout) -> None:
    """Asking for a κ_H/κ_C that the study does not have names those that it has."""
    result = done.snakemake("results/tiny/sweep/kH_9/heat.json")
    assert result.returncode != 0
    assert "kH_9 is not one of its points (friction, kH_1.2, kH_4.80)" in result.stderr
