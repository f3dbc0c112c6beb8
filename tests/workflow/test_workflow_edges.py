"""The workflow at its edges: odd folders, modules, locks, settings, and the environment that jobs find.

Most of it is planned only, or runs the exact model, whose runs take a second.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from snakemake.cli import parse_config
from snakemake.exceptions import WorkflowError

from simulation.experiments import experiment_at
from simulation.storage import lock
from simulation.study.fields import StudyError
from simulation.study.files import check_study, load_study, read_plain
from tests.workflow.checkout import ROOT, Checkout, planned, run, snakemake
from tests.workflow.work import ATOMS, CONTROLLER, FAST, MTIME, RUNS, Work, colder


def in_workflow(rules: str, **names: Any) -> dict[str, Any]:
    """The names that a file of rules/ without rules defines, given those that it finds there."""
    file = ROOT / "workflow/rules" / rules
    found = {"WorkflowError": WorkflowError, "Path": Path, "os": os, **names}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), found)
    return found


# --- results of other parameters --------------------------------------------------------------------------------------------


def test_studies_of_the_working_folder_come_first(work: Work) -> None:
    """A study of one's own replaces the shipped one of its name, there alone; the shipped ones are there too."""
    assert "equilibrate" in work.plan("friction", config="study=tiny")
    work.write("config/tiny.yaml", FAST)
    assert "equilibrate" not in work.plan("friction", config="study=tiny")


def test_settings_file_chooses_the_study_and_is_none(work: Work) -> None:
    """`config/config.yaml` names the study where the command line does not, as in `.test`, and is itself no study."""
    shutil.copytree(ROOT / ".test/config", work.folder / "config", dirs_exist_ok=True)
    assert "results/mini/summary.csv" in work.snakemake("-n", "--summary", config="").stdout
    assert "results/fast/summary.csv" in work.snakemake("-n", "--summary").stdout
    assert "holds the settings of the workflow" in work.refused("-n", config="study=config")


@pytest.mark.parametrize("prefix", ["", "of_nano"])
def test_used_as_a_module(prefix: str, work: Work) -> None:
    """Another workflow uses all rules under names of its own, from a folder of its own, also with results elsewhere."""
    within = f"{prefix}/" if prefix else ""
    heat = f"{within}results/fast/sweep/kH_4.80/heat.json"
    work.write(
        "Snakefile",
        f"""
module nano:
    snakefile: {str(work.snakefile)!r}
    config: {{"study": "fast"}}
    {f"prefix: {prefix!r}" if prefix else ""}

use rule * from nano as nano_*

rule mine:
    default_target: True
    input: {heat!r}
""",
    )
    result = snakemake(folder=work.folder)
    assert result.returncode == 0, result.stdout + result.stderr
    assert work.record(heat)["kappa_ratio"] == "4.80"
    report = planned(snakemake("-n", f"{within}results/fast/report.html", folder=work.folder))
    assert report == {
        "nano_simulate": 1,  # the friction run: the other is done
        "nano_fit_friction": 1,
        "nano_plot_equilibrium": 1,
        "nano_plot_response": 1,
        "nano_plot_sweep": 1,
        "nano_plot_cumulative": 1,
        "nano_axes": 1,
        "nano_write_report": 1,
    }
    colder(work)
    again = planned(snakemake("-n", *MTIME, folder=work.folder))
    assert again == {"nano_simulate": 1, "nano_measure": 1, "mine": 1}


def test_text_of_the_workflow_is_ascii() -> None:
    """Snakemake reads its files in the encoding of the locale: they hold nothing that any locale lacks."""
    for file in [ROOT / "Snakefile", *(ROOT / "workflow/rules").glob("*.smk")]:
        assert file.read_bytes().isascii(), file.name


def test_runs_in_a_locale_without_utf8(work: Work) -> None:
    """In the poorest locale the workflow is read, runs, and names what it should, and another locale has nothing to do."""
    poor = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    heat = "results/fast/sweep/kH_4.80/heat.json"
    work.snakefile = Checkout(work.folder / "plain").folder / "Snakefile"  # the other's name cannot be said here
    result = work.snakemake(heat, **poor)
    assert result.returncode == 0, result.stdout + result.stderr
    assert planned(work.snakemake("-n", heat)) == {}


# --- what may be asked for ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("Study=fast", "configuration Study: not known (known: study, studies, runs): write study"),
        ("study=fast runz=3", "configuration runz: not known (known: study, studies, runs): remove it"),
        (
            "study=fast sweep_ns=1",
            "configuration sweep_ns: not known (known: study, studies, runs): fields of a study belong in",
        ),
        ("study=fast runs=0", "--config runs=0: a whole number above zero is needed"),
        ("study=", "a study name consists of letters, digits, _ and -"),
        ("study=1e3", "(Snakemake read the name of the study as 1000.0;"),
        ("study=4711", "there is no file 4711.yaml in "),
        ("study=1_000", "Snakemake reads 1_000 as 1000, even in quotes: rename "),
        ("study=007", "so that the name is not a number, such as study_007"),
    ],
)
def test_unreadable_settings_are_refused(
    config: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A setting that nothing would read, or a study whose name Snakemake has changed, is refused with the cure."""
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    for name in ("1_000", "007", "7"):
        Path(f"config/{name}.yaml").write_text(FAST, encoding="utf-8")
    with pytest.raises((WorkflowError, StudyError), match=re.escape(told)) as refusal:
        load_study(
            in_workflow(
                "settings.smk", config=parse_config(config.split()), load_study=load_study, StudyError=StudyError
            )["chosen_study"]()
        )
    if config in ("study=1_000", "study=007"):
        assert f"{config.partition('=')[2]}.yaml so that" in str(refusal.value)


def test_a_study_file_is_no_configuration(work: Work) -> None:
    """A study given as Snakemake's configuration file is refused, and not left unread, with the way to choose it."""
    said = work.refused("-n", "--configfile", str(ROOT / "config/tiny.yaml"), config="")
    assert "configuration seed, baths, demon, integration, schedule, drag, limits: not known" in said
    assert "select it by --config study=NAME alone" in said


def test_a_study_may_be_called_a_number(work: Work) -> None:
    """A name that Snakemake takes for a number names its study."""
    work.write("config/2024.yaml", FAST)
    result = work.snakemake("-n", "friction", config="study=2024")
    assert planned(result)["simulate"] == 1
    assert "results/2024/friction.json" in result.stdout


def test_decks_of_another_law_are_refused_by_name(work: Work) -> None:
    """A plain LAMMPS knows the linear demon alone: the deck of a study with its own controller says so, and writes nothing."""
    work.write("config/mine.py", CONTROLLER)
    work.write("config/own.yaml", ATOMS.replace("coupling_axes: xyz", "coupling_axes: xyz, controller: 'mine:Mine'"))
    said = work.refused("decks", config="study=own")
    assert (
        "own kH_4.80 replica 1 has no separate deck: LAMMPS alone supports only the linear demon without a feedback loop, "
        "not 'mine:Mine' of this study" in said
    )
    assert [file.name for file in work.folder.glob("results/own/decks/*")] == ["friction.lmp"]


def test_figures_over_time_show_the_points_that_the_study_names(work: Work) -> None:
    """`demon.shown_ratios` chooses the points of the figures over time, and the one that thermostats are compared at."""
    work.write("config/fast.yaml", FAST.replace("[4.80]", "[0.5, 1.2, 4.80], shown_ratios: [0.4, 1.3]"))
    said = work.snakemake("-n", "thermostats", "results/fast/figures/cumulative.png").stdout
    (cumulative,) = re.findall(r"^rule plot_cumulative:\n    input: (.*)", said, re.MULTILINE)
    assert set(re.findall(r"sweep/(kH_[\d.]+)/heat.json", cumulative)) == {"kH_0.5", "kH_1.2"}
    assert set(re.findall(r"fast@csvr/sweep/(kH_[\d.]+)/", said)) == {"kH_1.2"}


def test_independent_starts_are_made_one_for_each_replica(work: Work) -> None:
    """Each replica starts from baths of its own where the study says so, else all start from one."""
    text = ATOMS.replace("schedule:", "schedule:\n  sweep_replicas: 2")
    work.write("config/a.yaml", text)
    work.write("config/b.yaml", text.replace("schedule:", "schedule:\n  independent_starts: true"))
    runs = [f"results/{name}/sweep/kH_4.80/replica_{replica}/run.json" for name in "ab" for replica in (1, 2)]
    result = work.snakemake("-n", "-p", *runs)
    assert planned(result) == {"equilibrate": 3, "simulate": 4}
    found = re.findall(
        r"run (\w) sweep/kH_4.80 (\d) +\S+ --start results/(\w)/equilibrated/replica_(\d)", result.stdout
    )
    assert set(found) == {("a", "1", "a", "1"), ("a", "2", "a", "1"), ("b", "1", "b", "1"), ("b", "2", "b", "2")}


def test_longest_chain_of_runs_starts_first(work: Work) -> None:
    """A start comes before every run, a longer run before a shorter one, and what is measured of finished runs never waits."""
    text = ATOMS.replace("sweep_ns: 0.0004", "sweep_ns: 0.0008").replace("friction_ns: 0.0004", "friction_ns: 0.0020")
    work.write("config/a.yaml", text)
    said = work.snakemake("-n", "sweep", "friction", config="study=a").stdout
    rest = r".*\n(?: .*\n)*? +priority: ([\d.]+)"
    runs = set(re.findall(rf"^ +output: results/a/(\w+)\S*/run\.json{rest}", said, re.MULTILINE))
    # In ps: equilibration and the longest run after it; relaxation and measurement of the others.
    assert runs == {("equilibrated", "4.6"), ("friction", "2.2"), ("sweep", "1.0"), ("drag", "0.8")}
    measured = re.findall(rf"^ +output: results/a/(?:sweep/\S*/heat|friction)\.json{rest}", said, re.MULTILINE)
    assert len(measured) == 3
    assert min(map(float, measured)) > 1e6


def test_memory_grows_with_atoms_ranks_and_samples() -> None:
    """What a cluster is asked for covers a rank's libraries, and more for a larger system, more ranks, or a longer series."""
    memory = in_workflow("cluster.smk", experiment_of=lambda wildcards: wildcards, USUAL="")["memory_MB"]

    def of(text: str, point: str) -> int:
        study = check_study("any", read_plain(text)[0])
        found: int = memory(experiment_at(study, point, 1), 1)
        assert memory(experiment_at(study, point, 1), 3) == 3 * found, "each attempt may have as much again"
        return found

    small = of(ATOMS, "equilibrated")
    assert 600 < small < 620, "Snakemake of the job, and the libraries of one rank"
    assert of("baths: {fluid_atoms: 25280}", "equilibrated") - small == pytest.approx(58336 * 3e-3, rel=0.1)
    assert of(ATOMS + "ranks: 4", "equilibrated") - small == 3 * 300
    short, long = (of(FAST.replace("sweep_ns: 0.1", f"sweep_ns: {length}"), "kH_4.80") for length in ("0.1", "100"))
    assert long - short == pytest.approx(4 * 8e-6 * 1e6 * 32, rel=0.2), (
        "four copies of a million samples of some 32 columns"
    )


# --- beside others ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "target"),
    [
        ("results/mechanisms", "mechanisms"),
        ("docs", "calibration"),
    ],
)
def test_two_snakemakes_never_write_one_folder(held: str, target: str, work: Work) -> None:
    """Every folder that a call would write to is its own: one that another holds ends the call, which names the other."""
    with lock.held(work.folder / held / ".lock"):
        said = work.refused(target)
    assert f"{held} is in use by process {os.getpid()} of" in said
    assert " steps (" not in said


def test_terminal_has_one_line_for_a_finished_job(finished: Work) -> None:
    """Details of jobs are in Snakemake's log, where `status` looks for failures, and with --verbose on the terminal too."""
    shown = finished.snakemake("results/fast/sweep/kH_4.80/heat.json", "--forcerun", "measure")
    assert shown.returncode == 0, shown.stderr
    assert "1 of 1 steps (100%) done" in shown.stderr
    for detail in ("rule measure:", "Select jobs", "Execute 1 jobs", "Finished jobid"):
        assert detail not in shown.stderr
    (log,) = re.findall(r"Complete log\(s\): (.+)", shown.stderr)
    assert "rule measure:" in Path(log).read_text(encoding="utf-8")
    again = finished.snakemake("results/fast/sweep/kH_4.80/heat.json", "--forcerun", "measure", "--verbose")
    assert "rule measure:" in again.stderr


def test_failed_job_is_told_on_the_terminal(finished: Work) -> None:
    """The rule, its log and what is in the log."""
    (finished.folder / "results/fast/sweep/kH_4.80/replica_1/series.parquet").write_bytes(b"no table")
    said = finished.refused("results/fast/sweep/kH_4.80/heat.json", "--forcerun", "measure")
    assert "Error in rule measure:" in said
    assert "series.parquet" in said.partition("Logfile")[2]


def test_what_is_missing_inside_snakemake_is_named(work: Work) -> None:
    """Where a version of Snakemake lacks what we use of its inside, one line says so with the cure."""
    result = work.probe("inner('dag_of_tomorrow.needrun_jobs')")
    said = result.stdout + result.stderr
    assert result.returncode != 0
    assert re.search(
        r"Snakemake [\d.]+ has no workflow.dag_of_tomorrow.needrun_jobs, which nanofridge needs: install", said
    )
    assert "Traceback" not in said
    private = re.compile(r"workflow\.(?!source_path)\w+")
    used = {
        file.name: private.findall(
            re.sub(r'#.*|""".*?"""|".*?"', "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
        )
        for file in (ROOT / "workflow/rules").glob("*.smk")
    }
    assert not {name: names for name, names in used.items() if names}


@pytest.fixture
def prefix(request: pytest.FixtureRequest, work: Work) -> str:
    """What every shell command begins with, under the given options of Snakemake."""
    code = "Path('prefix').write_text(shell._process_prefix, encoding='utf-8')"
    work.probe(code, *request.param)
    return (work.folder / "prefix").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("prefix", "has_own"), [((), False), (("--sdm", "conda"), True)], indirect=["prefix"], ids=["here", "conda"]
)
def test_jobs_find_the_project_and_the_programs_that_they_should(
    prefix: str, has_own: bool, project: Path, tmp_path: Path
) -> None:
    """This environment's python comes first, unless Snakemake has made one with conda; the project's modules always do.

    Text is UTF-8, and no job takes itself for a part of an MPI step.
    """
    (tmp_path / "python").write_text("#!/bin/sh\necho the one of conda\n", encoding="utf-8")
    (tmp_path / "python").chmod(0o755)
    inherited = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": "/somewhere",
        "PMI_RANK": "0",
        "PMI_FD": "7",
        "PMIX_RANK": "0",
    }
    result = subprocess.run(
        ["bash", "-c", f"{prefix} command -v python; env"],
        env=inherited,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    python, *variables = result.stdout.splitlines()
    assert Path(python).parent == (tmp_path if has_own else Path(sys.executable).parent)
    assert f"PYTHONPATH={project}:/somewhere" in variables
    assert "PYTHONUTF8=1" in variables
    assert not [line for line in variables if line.startswith("PMI")]


@pytest.fixture
def conda(tmp_path: Path) -> Path:
    """Stands in for conda, whose channels tests do not reach: environments are venvs with the packages of this one.

    Python in such an environment notes each call in `calls` in its folder.
    """
    note = "import sys; print(*sys.orig_argv[1:4], file=open(sys.prefix + '/calls', 'a', encoding='utf-8'))"
    programs = {
        "activate": 'export PATH="$1/bin:$PATH"',
        "conda": f"""#!/usr/bin/env bash
case "$*" in
    --version) echo "conda 24.9.2" ;;
    info*) echo '{{"conda_prefix": "{tmp_path}/conda", "platform": "linux-64"}}' ;;
    config*) echo '{{"get": {{"channel_priority": "strict"}}}}' ;;
    env*create*) while [[ $1 != --prefix ]]; do shift; done
        {sys.executable} -m venv --without-pip "$2"
        packages=$(echo "$2"/lib/python3*/site-packages)
        echo "{sysconfig.get_path("purelib")}" > "$packages/this.pth"
        echo "{note}" >> "$packages/this.pth" ;;
esac
""",
    }
    for name, text in programs.items():
        program = tmp_path / "conda" / "bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)
    return program.parent


@pytest.mark.long
def test_jobs_run_in_the_environment_that_conda_makes(conda: Path, work: Work) -> None:
    """With `--sdm conda` simulations, scripts and decks run the Python of the rule's environment, not that of Snakemake."""
    result = work.snakemake("--sdm=conda", RUNS[0], "results/fast/friction.json", PATH=f"{conda}:{os.environ['PATH']}")
    assert result.returncode == 0, result.stdout + result.stderr
    (calls,) = work.folder.glob(".snakemake/conda/*/calls")
    said = calls.read_text(encoding="utf-8")
    assert "-m simulation run" in said
    assert re.search(r"scripts/\S*friction.py", said)


@pytest.mark.parametrize("module", ["x = 1", "print 'Python 2'", "class lammps:\n    version = lambda self: 2015"])
def test_a_foreign_lammps_module_is_named(module: str, work: Work) -> None:
    """Another's module of that name, first on the path, gives one line that says which and how to get the right one."""
    work.write("foreign/lammps.py", module + "\n")
    work.write("config/atoms.yaml", ATOMS)
    command = [sys.executable, "-m", "simulation", "run", "atoms", "equilibrated", "1", "baths"]
    result = run(command, work.folder, {"PYTHONPATH": f"{work.folder / 'foreign'}:{ROOT}"})
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("nanofridge: the Python module lammps ")
    assert line.endswith(": install envs/requirements.lock, as 'make env' does")
    assert "different" in line
    assert not list(work.folder.glob("baths/segments/*/0000"))


@pytest.mark.md
@pytest.mark.parametrize("ranks", [1, 2])
def test_snakemake_may_be_started_in_an_mpi_step(ranks: int, work: Work) -> None:
    """Under `mpiexec -n 1`, as in one task of a job, simulations of one rank and of several run."""
    work.write("config/atoms.yaml", ATOMS + f"ranks: {ranks}\n")
    file = "results/atoms/drag/cold/F_3.0/replica_1/run.json"
    mpiexec = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert mpiexec is not None
    command = [mpiexec, "-n", "1", sys.executable, "-m", "snakemake", "--cores", "2", "-s", str(work.snakefile)]
    result = run([*command, "--config", "study=atoms", "--", file], work.folder)
    assert result.returncode == 0, result.stdout + result.stderr
    assert work.record(file)["ranks"] == [ranks]


@pytest.mark.md
def test_times_of_a_start_rerun_no_run(work: Work) -> None:
    """Baths that are newer than what started from them, as in a copy, or are gone, rerun nothing; other baths rerun all."""
    work.write("config/atoms.yaml", ATOMS)
    file = "results/atoms/friction/replica_1/run.json"
    result = work.snakemake(file, config="study=atoms")
    assert result.returncode == 0, result.stdout + result.stderr
    baths = work.folder / "results/atoms/equilibrated/replica_1"
    for path in baths.iterdir():
        os.utime(path)
    assert work.plan(file, *MTIME, config="study=atoms") == {}
    work.write("config/atoms.yaml", ATOMS.replace("equilibration_ps: 2.4", "equilibration_ps: 2.6", 1))
    assert work.plan(file, *MTIME, config="study=atoms") == {"equilibrate": 1, "simulate": 1}
    work.write("config/atoms.yaml", ATOMS)
    shutil.rmtree(baths)
    assert work.plan(file, *MTIME, config="study=atoms") == {}


@pytest.mark.parametrize(
    ("length", "point", "quantities"),
    [
        ("short", "kH_4.80", {"heat_cold", "power", "entropy_production"}),
        pytest.param(
            *("shell", "friction", {"spectrum_cold_xyz", "modes_hot_xyz", "response_cold", "dressed_cold"}),
            marks=pytest.mark.long,
        ),
    ],
)
def test_calibration_measures_runs_of_known_truth(work: Work, length: str, point: str, quantities: set[str]) -> None:
    """A job of the calibration makes its runs, or the runs of its studies, and holds each quantity against the truth."""
    file = f"results/calibration/{length}/{point}/runs_3-3.parquet"
    result = work.snakemake(file)
    assert result.returncode == 0, result.stdout + result.stderr
    table = pd.read_parquet(work.folder / file)
    assert set(table["run"]) == {3}
    assert quantities <= set(table["quantity"])
    assert set(table["length"]) == {length}
    assert point in set(table["point"])
    assert table.loc[table["quantity"].isin(quantities), "truth"].abs().min() > 0


def test_calibration_asks_for_runs_and_half_as_many_studies(work: Work) -> None:
    """Each point of each length has its runs, a hundred to a file; of each kind of study there are half as many."""
    assert work.plan("calibration", config="runs=150")["calibrate"] == 3 * 5 * 2 + 3 * 2


def test_checkout_whose_folder_has_braces_can_be_worked_in(tmp_path: Path) -> None:
    """Where the checkout is the working directory, its files have plain relative names, and Snakemake has no complaint."""
    checkout = Checkout(tmp_path / "a {point}", "reference")
    (checkout.folder / "reference").symlink_to(ROOT / "reference")
    result = checkout.snakemake("-n", "results/reference/report.html")
    assert planned(result)["unpack"] > 20
    assert "Relative file path" not in result.stdout + result.stderr
