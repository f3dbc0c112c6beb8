# What all rules share: the project's modules, this environment's programs, and the study that a wildcard names.
import atexit
import os
import socket
import sys
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, workflow.basedir)

from simulation import deck, drag, lock, plan, stop
from simulation.study import STUDY_NAME, StudyError
from simulation.studyfile import load_study

# Jobs must find this project's modules and this environment's python and mpiexec, wherever they run. Snakemake fills in
# the names, hence the doubled braces. A prefix replaces Snakemake's own, without which a pipe would hide a failure.
ROOT = workflow.basedir
PROGRAMS = Path(sys.executable).parent
shell.prefix(
    'set -euo pipefail; export PATH={PROGRAMS:q}:"$PATH" PYTHONPATH={ROOT:q}"${{PYTHONPATH:+:$PYTHONPATH}}"; '
    # SIGTERM and SIGINT reach all processes of a job. The simulation stops in good order, and these two outlive it.
    "trap : TERM INT; show() (trap '' TERM INT; exec tee \"$1\"); "
)

# A simulation stops in good order when the Snakemake that started it is gone (simulation/stop.py).
os.environ[stop.WORKFLOW] = f"{socket.gethostname()} {os.getpid()}"

# Every analysis rule carries this, so that results of an older analysis are made again. MD rules do not.
ANALYSIS_CODE = deck.digest(
    {str(file.relative_to(ROOT)): file.read_text() for file in sorted(Path(ROOT, "analysis").rglob("*.py"))}
)


@cache
def study(name):
    """The study of that name, checked; every problem of its file ends the workflow before anything runs."""
    try:
        return load_study(name)
    except StudyError as problems:
        raise WorkflowError(str(problems))


def run_of(wildcards):
    """The run whose folder the wildcards name."""
    try:
        return plan.Run(study(wildcards.study), wildcards.group.removeprefix("sweep/"), int(wildcards.replica))
    except StudyError as problem:
        raise WorkflowError(str(problem))


def drag_run_of(wildcards):
    """The drag run whose folder the wildcards name."""
    try:
        return drag.DragRun(study(wildcards.study), wildcards.side, wildcards.force, int(wildcards.replica))
    except StudyError as problem:
        raise WorkflowError(str(problem))


def start_of(wildcards):
    """The equilibrated baths that LAMMPS runs start from; the Langevin engine needs none."""
    names = ("equilibrated.restart", "equilibrated.json", "topology.data")
    needed = names if study(wildcards.study).engine == "lammps" else ()
    return [f"results/{wildcards.study}/equilibrated/{name}" for name in needed]


def fingerprint_of(wildcards):
    """Identity of a run's trajectory: what must change for it to be simulated again."""
    identity = deck.run_fingerprint if study(wildcards.study).engine == "lammps" else deck.langevin_fingerprint
    return identity(run_of(wildcards))


def run_files(runs):
    """The files of run folders that the analysis reads."""
    return [f"results/{run.folder}/{name}" for run in runs for name in ("run.json", "series.parquet")]


def sweep_files(kind):
    """What is measured at each point of a study: its `heat`, `power` or `performance`."""
    return collect(
        f"results/{{{{study}}}}/sweep/{{point}}/{kind}.json",
        point=lambda wildcards: plan.points(study(wildcards.study)),
    )


def shown_points(chosen):
    """The points of a study nearest to the two that the paper shows over time, κ_H/κ_C = 0.17 and 4.80."""

    def distance(point, ratio):
        return abs(float(point.removeprefix(plan.POINT_PREFIX)) - ratio)

    nearest = [min(plan.points(chosen), key=lambda point: distance(point, ratio)) for ratio in (0.17, 4.80)]
    return list(dict.fromkeys(nearest))


EQUILIBRIUM_FIGURES = ["friction", "equilibrium"]
SWEEP_FIGURES = ["heat_rates", "fluxes", "power", "power_moments", "cop", "cop_fluctuations", "uncertainty"]


def figures(chosen):
    """All figures of a study; those that show atoms need a study that has some."""
    names = [*EQUILIBRIUM_FIGURES, *SWEEP_FIGURES, "cumulative"]
    names += ["drag"] if chosen.drag.forces_nN else []
    names += ["structure", "setup"] if chosen.engine == "lammps" else []
    return [f"results/{chosen.name}/figures/{name}.png" for name in names]


def with_variants(wildcards):
    """Names of a study and of its variants."""
    names = plan.with_variants(study(wildcards.study))
    if len(names) == 1:
        raise WorkflowError(f"study {wildcards.study!r} has no variants: add section 'variants' (config/README.md)")
    return names


def cores_at_once(chosen):
    """Cores that this call lets simulations use; on a cluster those of as many jobs as it submits at once."""
    settings = workflow.resource_settings
    return settings.cores or (settings.nodes or 1) * chosen.ranks


# Two Snakemakes that make the same files would delete each other's. Snakemake's own lock is off (profiles/default): one that is
# killed leaves it behind, and every Snakemake that ends, were it only `status`, takes away those of all others.
HELD = ExitStack()
atexit.register(HELD.close)  # else the interpreter takes files and modules down in any order, and complains


def hold_studies():
    """Hold the results of every study that this call will write, until its process ends."""
    for name in sorted({job.wildcards.study for job in workflow.dag.needrun_jobs() if hasattr(job.wildcards, "study")}):
        try:
            HELD.enter_context(lock.held(Path("results", name, ".lock")))
        except lock.LockedError as problem:
            raise WorkflowError(str(problem))


# The calibration (calibration.smk): lengths of its runs, how many of each point, and how many in one job.
CALIBRATION = ("short", "medium", "paper")
CALIBRATION_RUNS = int(config.get("runs", 1000))
RUNS_PER_JOB = 250

# Only what computes numbers: a touched figure must not repeat an hour of runs.
CALIBRATED_CODE = deck.digest(
    {
        str(file.relative_to(ROOT)): file.read_text()
        for file in sorted([*Path(ROOT, "analysis").glob("*.py"), *Path(ROOT, "analysis", "model").glob("*.py")])
        if file.stem not in ("report", "summary", "structure", "variations", "calibration_page")
    }
)


def calibration_jobs(wildcards):
    """One file for some hundred runs of each point of each length."""
    firsts = range(1, CALIBRATION_RUNS + 1, RUNS_PER_JOB)
    return [
        f"results/calibration/{length}/{point}/runs_{first}-{min(first + RUNS_PER_JOB - 1, CALIBRATION_RUNS)}.parquet"
        for length in CALIBRATION
        for point in [plan.FRICTION, *plan.points(study(f"calibration-{length}"))]
        for first in firsts
    ]


def calibration_run(wildcards):
    """The first of the runs that the wildcards name."""
    return plan.Run(study(f"calibration-{wildcards.length}"), wildcards.point, int(wildcards.first))
