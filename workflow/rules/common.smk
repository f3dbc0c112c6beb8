# Shared by all rules: modules of the project, environment of jobs, and the study named by a wildcard.
import os
import shlex
import socket
import sys
from functools import cache
from pathlib import Path

import snakemake
from snakemake.exceptions import WorkflowError


def inner(name):
    """A non-public attribute of Snakemake's `workflow`, by its dotted name. All such accesses go through this function.

    Nothing public tells what it does; envs/requirements.in therefore keeps Snakemake below its next great version.
    """
    found = workflow
    for part in name.split("."):
        if not hasattr(found, part):
            raise WorkflowError(
                f"Snakemake {snakemake.__version__} has no workflow.{name}, which nanofridge needs: "
                "install envs/requirements.lock, as 'make env' does"
            )
        found = getattr(found, part)
    return found


# The folder of this file, independent of the including Snakefile or module and of the working directory.
ROOT = Path(inner("current_basedir").get_path_or_uri(secret_free=True)).parents[1]
if not (ROOT / "simulation").is_dir():
    raise WorkflowError(f"{ROOT} is not a checkout of nanofridge: clone it, and use the Snakefile of the clone")


def without_braces(folder):
    """The folder under a name that can be used in an input, where Snakemake always reads braces as wildcards."""
    if "{" not in str(folder):
        return folder
    if "{" not in (relative := os.path.relpath(folder)):
        return Path(relative)
    link = Path(".snakemake", "nanofridge").absolute()
    if not (link.is_symlink() and link.readlink() == folder):
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(folder)
    # A `module` puts its prefix before relative names.
    return link if "{" not in str(link) else Path(os.path.relpath(link))


HERE = without_braces(ROOT)
# Environment files for --sdm conda. Snakemake formats these names, so braces are doubled.
ENVIRONMENT = str(ROOT / "envs" / "environment.yaml").replace("{", "{{").replace("}", "}}")
sys.path.insert(0, str(ROOT))

from simulation.engines.site import USUAL
from simulation.experiments import baths, drag, experiment_at, experiments, machine
from simulation.experiments.base import Experiment
from simulation.segments import stop
from simulation.storage.files import digest
from simulation.study.fields import NUMBER_TEXT, STUDY_NAME, Study, StudyError
from simulation.study.files import is_machine, load_study, machine_names, plain_study


def environment():
    """Prefix of every shell command: jobs must find the modules of this project and the python and mpiexec of this environment.

    An environment that Snakemake makes with conda has its own. A job that runs LAMMPS on one rank must not take itself for a part
    of the MPI step in which Snakemake was started. What replaces Snakemake's own prefix must say `pipefail`, without which a
    pipe would hide a failure.
    """
    has_own = "CONDA" in [method.name for method in inner("deployment_settings.deployment_method")]
    programs = "" if has_own else f'PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH" '
    return (
        "set -euo pipefail; "
        f'export {programs}PYTHONPATH={shlex.quote(str(ROOT))}"${{PYTHONPATH:+:$PYTHONPATH}}" PYTHONUTF8=1; '
        'unset "${!PMI_@}" "${!PMIX_@}"; '
        # SIGTERM and SIGINT reach all processes of a job. The simulation stops cleanly, and these two end after it.
        "trap : TERM INT; show() (trap '' TERM INT; exec tee \"$1\"); "
    )


shell.prefix(environment().replace("{", "{{").replace("}", "}}"))  # Snakemake fills in names

# A simulation stops cleanly if the Snakemake that started it has ended (simulation/segments/stop.py).
os.environ[stop.WORKFLOW] = f"{socket.gethostname()} {os.getpid()}"


def code_of(files):
    """A digest of source files."""
    return digest({str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in sorted(files)})


# A parameter of every analysis rule, so that results of an older analysis are recomputed. MD rules do not have it.
ANALYSIS_CODE = code_of((ROOT / "analysis").rglob("*.py"))


@cache
def study(name):
    """The study of that name, checked; problems in its file end the workflow before anything runs."""
    try:
        return load_study(name)
    except StudyError as problems:
        raise WorkflowError(str(problems))


@cache
def machine_study(name):
    """The study of an exactly solved machine of that name, also checked."""
    from simulation.study.machines.files import load_machine_study

    try:
        return load_machine_study(name)
    except StudyError as problems:
        raise WorkflowError(str(problems))


def any_study(name):
    """The study of that name, of either kind."""
    try:
        found = is_machine(plain_study(name)[0])
    except StudyError as problems:
        raise WorkflowError(str(problems))
    return machine_study(name) if found else study(name)


def is_machine_study(chosen):
    """Whether a study is of an exactly solved machine."""
    return not isinstance(chosen, Study)


@cache
def experiment(name, group, replica):
    """The experiment of a study with its replicas in that folder."""
    try:
        return experiment_at(study(name), group, replica)
    except StudyError as problem:
        raise WorkflowError(str(problem))


def experiment_of(wildcards):
    """The experiment with the run folder named by the wildcards; not needed by the rule for baths."""
    return experiment(wildcards.study, getattr(wildcards, "group", baths.POINT), int(wildcards.replica))


# What is measured of finished runs takes seconds and is shown while others run: it never waits for a simulation to end.
MEASURED_FIRST = 10**9


def whole_time_ps(run):
    """Time of all stages of a simulation, in ps."""
    return sum(stage.time_ps for stage in run.stages())


@cache
def longest_after(name):
    """Time, in ps, of the longest run after each start of a study, by the folder of the start."""
    longest = {}
    for run in experiments(study(name)):
        if run.start is not None:
            longest[run.start.folder] = max(longest.get(run.start.folder, 0), whole_time_ps(run))
    return longest


def longest_first(wildcards):
    """Priority of a simulation: the time, in ps, of the longest chain of runs that it begins.

    A long run that starts last keeps one core busy while the others have nothing left to do.
    """
    wanted = experiment_of(wildcards)
    return round(whole_time_ps(wanted) + longest_after(wanted.study.name).get(wanted.folder, 0), 6)


# Folders of the replicas of all kinds of experiments except the equilibrated baths.
GROUPS = "|".join(kind.purpose_pattern for kind in Experiment.known if kind is not baths.Baths)


def run_files(runs):
    """Files of run folders read by the analysis."""
    return [f"results/{run.folder}/{name}" for run in runs for name in ("run.json", "series.parquet")]


def sweep_files(kind):
    """Results at each point of a study: `heat`, `power`, `performance`, `reversal` or `information`."""
    return collect(
        f"results/{{{{study}}}}/sweep/{{point}}/{kind}.json",
        point=lambda wildcards: machine.points(study(wildcards.study)),
    )


def shown_files(kind):
    """The same at the points shown in figures over time."""
    return collect(
        f"results/{{{{study}}}}/sweep/{{point}}/{kind}.json",
        point=lambda wildcards: machine.shown_points(study(wildcards.study)),
    )


def compared_studies(names):
    """The studies, checked: they simulate, and there are several."""
    found = [any_study(name) for name in dict.fromkeys(names)]
    if machines := [chosen.name for chosen in found if is_machine_study(chosen)]:
        raise WorkflowError(f"--config studies: {', '.join(machines)} is solved exactly: compare studies that simulate")
    if len(found) < 2:
        raise WorkflowError("target compare needs two studies or more: --config studies=reference,reference-paper")
    return found


def comparison_page(wildcards):
    """The page that compares the studies chosen by `--config studies=a,b`."""
    names = "+".join(chosen.name for chosen in compared_studies(chosen_studies()))
    return f"results/comparisons/{names}/compare.html"


EQUILIBRIUM_FIGURES = ["friction", "equilibrium"]
SWEEP_FIGURES = [
    "heat_rates",
    "fluxes",
    "detailed_balance",
    "information",
    "power",
    "power_moments",
    "cop",
    "cop_fluctuations",
    "uncertainty",
]


def has_atoms(chosen):
    """Whether the runs of a study have atoms: not those of the exact model, nor shipped runs without them, to save space."""
    shipped = ROOT / "reference" / machine.friction_runs(chosen)[0].folder
    return chosen.engine == "lammps" and ((shipped / "topology.data").exists() or not (shipped / "run.json").exists())


def figures(chosen):
    """All figures of a study; those of atoms only if its runs have atoms."""
    names = [*EQUILIBRIUM_FIGURES, *SWEEP_FIGURES, "response", "cumulative"]
    names += ["drag"] if chosen.drag.forces_nN else []
    names += ["structure", "setup"] if has_atoms(chosen) else []
    return [f"results/{chosen.name}/figures/{name}.png" for name in names]


# Studies of exactly solved machines.
MACHINE_STUDIES = "|".join(machine_names()) or "(?!)"
SIMULATED_STUDIES = rf"(?!(?:{MACHINE_STUDIES})/){STUDY_NAME}"
# simulation/study/machines converts fields to machines; everything else is in analysis.
MACHINE_CODE = code_of([*(ROOT / "analysis").rglob("*.py"), *(ROOT / "simulation/study/machines").glob("*.py")])
MACHINE_FIGURES = ["currents", "performance"]


def machine_figures(name):
    """All figures of a study of a machine."""
    names = [*MACHINE_FIGURES, "course"] if machine_study(name).has_course else MACHINE_FIGURES
    return [f"results/{name}/figures/{figure}.png" for figure in names]


def figure_files(name, *others):
    """The files of a figure: the PNG for the report of Snakemake, and others, by default an SVG and the data."""
    shown = report(
        f"results/{{study}}/figures/{name}.png", category="{study}", labels={"figure": name.replace("_", " ")}
    )
    return [shown, *(f"results/{{study}}/figures/{name}{suffix}" for suffix in others or (".svg", ".csv"))]


def with_variants(wildcards):
    """Names of a study and its variants."""
    names = machine.with_variants(study(wildcards.study))
    if len(names) == 1:
        raise WorkflowError(f"study {wildcards.study!r} has no variants: add section 'variants' (config/README.md)")
    return names


def variant_heats(wildcards):
    """The heats of a study and its variants at all points."""
    return [
        f"results/{name}/sweep/{point}/heat.json"
        for name in with_variants(wildcards)
        for point in machine.points(study(name))
    ]


def shown_variant_heats(wildcards):
    """The same at the last point shown by the study, where it exists."""
    shown = machine.shown_points(study(wildcards.study))[-1]
    names = [name for name in with_variants(wildcards) if shown in machine.points(study(name))]
    return [f"results/{name}/sweep/{shown}/heat.json" for name in names]


def variant_frictions(wildcards, file):
    """A friction file of a study and its variants; variants that differ only in the demon share that of the study."""
    base = study(wildcards.study)
    return [f"results/{machine.friction_study(base, study(name))}/{file}" for name in with_variants(wildcards)]


def measured_friction(wildcards):
    """The friction of the study, if measured; a design does not start the measurement."""
    file = f"results/{wildcards.study}/friction.json"
    return [file] if study(wildcards.study).engine == "lammps" and Path(file).exists() else []


# The calibration (calibration.smk): lengths of its runs and, of dressed particles, studies of several runs; how many in one job.
CALIBRATION = ("short", "medium", "paper")
CALIBRATION_STUDIES = ("shell", "bodies", "maxwell")
RUNS_PER_JOB = 100
STUDIES_PER_JOB = 50

# Only code that computes numbers: a change of a figure must not repeat an hour of runs.
CALIBRATED_CODE = code_of(
    [
        ROOT / "analysis/currents.py",
        ROOT / "analysis/units.py",
        *(
            file
            for room in ("calibration", "compare", "data", "friction", "heat", "model", "statistics")
            for file in (ROOT / "analysis" / room).glob("*.py")
            if file.stem not in ("page", "table", "variants", "finite_size")
        ),
    ]
)


def calibration_jobs(wildcards):
    """One file per 100 runs of each point and length, and per 50 of the studies of several runs, of which there are half as many."""
    jobs = [
        (length, point, CALIBRATION_RUNS, RUNS_PER_JOB)
        for length in CALIBRATION
        for point in [machine.FRICTION, *machine.points(study(f"calibration-{length}"))]
    ]
    jobs += [(name, machine.FRICTION, max(CALIBRATION_RUNS // 2, 1), STUDIES_PER_JOB) for name in CALIBRATION_STUDIES]
    return [
        f"results/calibration/{length}/{point}/runs_{first}-{min(first + some - 1, count)}.parquet"
        for length, point, count, some in jobs
        for first in range(1, count + 1, some)
    ]


def calibration_run(wildcards):
    """The first of the runs named by the wildcards."""
    return experiment(f"calibration-{wildcards.length}", wildcards.point, int(wildcards.first))
