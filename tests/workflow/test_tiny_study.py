"""The whole workflow on the tiny study, as a user would run it: real MD, then what reruns and what does not."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator

import pytest

from simulation.storage import lock
from tests.workflow.checkout import MD_RULES, Checkout

pytestmark = pytest.mark.md

SIDES = ("cold", "hot")
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
    "controller",
    *(
        f"{name}_{side}_{end}"
        for name in ("response", "dressed", "modes")
        for side in SIDES
        for end in ("eV_per_ns", "se")
    ),
    *(f"z_{name}_{side}" for name in ("response", "theory", "dressed", "modes") for side in SIDES),
]


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
    with (results / "summary.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0])[: len(COLUMNS)] == COLUMNS
    assert all(float(row["information_cold_kB_per_ns"]) == -float(row["information_hot_kB_per_ns"]) for row in rows)
    assert "Information, k_B/ns per coupled axis" in (results / "summary.txt").read_text(encoding="utf-8")
    assert [row["kappa_ratio"] for row in rows] == ["1.2", "4.80"]
    assert {row["mode"] for row in rows} <= {"refrigerator", "heater", "undecided"}
    assert (results / "friction.json").stat().st_size > 100
    assert (results / "figures/heat_rates.png").read_bytes().startswith(b"\x89PNG")


def test_snakemakes_own_report_shows_the_figures(done: Checkout) -> None:
    """`snakemake --report` makes its page, with the table of heats and every figure of the sweep."""
    page = done.folder / "own-report.html"
    result = done.snakemake("--report", str(page))
    assert result.returncode == 0, result.stdout + result.stderr
    text = page.read_text(encoding="utf-8")
    assert "heat rates" in text
    assert "table of heats" in text


def test_second_call_does_nothing_and_says_so(done: Checkout) -> None:
    """Nothing is run twice."""
    assert "Nothing to be done" in done.snakemake().stderr


def test_wall_time_reaches_the_simulation_and_reruns_nothing(done: Checkout) -> None:
    """`resources.runtime` becomes the time limit of a simulation, which has none without it; it is no part of its identity."""
    hour = ("--set-resources", "simulate:runtime=60")
    assert not done.would_run("sweep", *hour)
    limits: dict[str, list[str]] = {}
    for rule in ("equilibrate", "simulate"):
        forced = done.snakemake("sweep", "friction", "--dry-run", "--printshellcmds", "--forcerun", rule, *hour)
        commands = re.findall(r"python -m simulation run tiny (\S+) (.*)", forced.stdout + forced.stderr)
        limits |= {name: re.findall(r"--time-limit-min \S+", rest) for name, rest in commands}
    assert limits.pop("equilibrated") == []
    assert set(limits) >= {"friction", "sweep/kH_4.80"}
    assert all(limit == ["--time-limit-min 58"] for limit in limits.values()), "two of 60 minutes are kept back"


def test_one_point_can_be_rerun(done: Checkout) -> None:
    """Naming one point's file reruns that point alone: its analysis when that file is gone, its MD when forced."""
    heat = "results/tiny/sweep/kH_4.80/heat.json"
    kept = (done.folder / heat).read_bytes()
    (done.folder / heat).unlink()
    assert done.would_run(heat) == {"measure"}
    (done.folder / heat).write_bytes(kept)
    assert done.would_run(heat, "--forcerun", "simulate") == {"simulate", "measure"}


def test_comments_rerun_no_md(checkout: Checkout) -> None:
    """A comment in a deck or a study reruns nothing."""
    checkout.edit("lammps_templates/parts/traps.lmp.j2", "# --- traps", "# reworded\n# --- traps")
    checkout.edit("config/tiny.yaml", "# Tiny:", "# Very tiny:")
    assert not checkout.would_run() & MD_RULES


def test_edited_analysis_reruns_the_analysis_and_no_md(checkout: Checkout) -> None:
    """Results of an older analysis are made again, from the simulations that are there."""
    checkout.edit("analysis/units.py", "Conversions", "Conversion factors")
    assert {"measure", "fit_friction", "summary", "plot_sweep"} <= checkout.would_run()
    assert not checkout.would_run() & MD_RULES


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
        result = done.snakemake("sweep", "--forcerun", "measure")
    assert result.returncode != 0
    assert f"results/tiny is in use by process {os.getpid()} of" in result.stderr
    assert heat.read_bytes() == kept


def test_a_study_can_be_looked_at_while_another_snakemake_runs_it(done: Checkout) -> None:
    """`status` and `plan` need no lock: they tell of a study that is held, and take no lock of Snakemake's away."""
    with lock.held(done.folder / "results/tiny/.lock"):
        status, plan = done.snakemake("status"), done.snakemake("plan")
    assert status.returncode == plan.returncode == 0
    assert f"Running Snakemake: process {os.getpid()} of" in status.stdout
    assert re.search(r"^Study tiny, .*: (\d+) done of \1 simulations$", status.stdout, re.MULTILINE)
    assert re.search(r"^Study tiny: 0 of \d+ simulations to do$", plan.stdout, re.MULTILINE)
    assert "waiting" not in status.stdout


def test_unknown_point_is_refused_by_name(done: Checkout) -> None:
    """Asking for a κ_H/κ_C that the study does not have names those that it has."""
    result = done.snakemake("results/tiny/sweep/kH_9/heat.json")
    assert result.returncode != 0
    assert "kH_9 is not one of its points (friction, kH_1.2, kH_4.80)" in result.stderr
