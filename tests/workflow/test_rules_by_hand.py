"""What rules ask for, worked out by their own functions without Snakemake: resources, options of commands, lists of files."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from itertools import groupby, islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import pandas as pd
import pytest
from snakemake.exceptions import WorkflowError

from tests.workflow.checkout import ROOT, snakemake
from tests.workflow.test_workflow_edges import in_workflow
from tests.workflow.work import Work

STUDY = """
ranks: 2
baths: {edge_nm: 6.5, accessible_density_per_nm3: 19.56}
demon: {kappa_ratios: [1.2, 3, 4.80], shown_ratios: [3, 4.80]}
drag: {forces_nN: DRAGS}
engine: ENGINE
variants:
  fewer: {demon: {kappa_ratios: [1.2, 3]}}
  warm: {baths: {temperature_hot_K: 125}}
"""


class Resources(SimpleNamespace):
    """Resources of a job."""

    def get(self, name: str, default: Any = None) -> Any:
        """As of a mapping."""
        return getattr(self, name, default)


# --- what all rules share --------------------------------------------------------------------------------------------------


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What common.smk defines, in a folder with studies."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NANOFRIDGE_WORKFLOW", "")
    (tmp_path / "config").mkdir()
    for name, engine, drags in (("mine", "lammps", "[0.3]"), ("exact", "langevin", "[]")):
        text = STUDY.replace("ENGINE", engine).replace("DRAGS", drags)
        (tmp_path / "config" / f"{name}.yaml").write_text(text, encoding="utf-8")
    place = SimpleNamespace(get_path_or_uri=lambda secret_free: str(ROOT / "workflow/rules"))
    return in_workflow(
        "common.smk",
        workflow=SimpleNamespace(current_basedir=place, deployment_settings=SimpleNamespace(deployment_method=[])),
        shell=SimpleNamespace(prefix=lambda _: None),
        report=lambda file, **_: file,
        collect=lambda file, **names: (file, names),
        config={},
        CALIBRATION_RUNS=400,
        chosen_studies=lambda: ["mine", "exact", "mine"],
    )


def test_figures_are_those_that_a_study_can_have(shared: dict[str, Any]) -> None:
    """Of the drag with forces alone, of atoms with atoms alone; of a machine's course where the study has one."""
    figures, study = shared["figures"], shared["study"]
    mine, exact = ({Path(file).stem for file in figures(study(name))} for name in ("mine", "exact"))
    always = {
        *("friction", "equilibrium", "heat_rates", "fluxes", "detailed_balance", "information", "power"),
        *("power_moments", "cop", "cop_fluctuations", "uncertainty", "response", "cumulative"),
    }
    assert (mine, exact) == (always | {"drag", "structure", "setup"}, always)
    assert figures(study("exact"))[0].startswith("results/exact/figures/")
    of_machine = shared["machine_figures"]
    assert of_machine("n-demon") == [f"results/n-demon/figures/{name}.png" for name in ("currents", "performance")]
    assert of_machine("fermi-cooling")[-1] == "results/fermi-cooling/figures/course.png"


def test_files_of_variants_are_those_of_the_points_and_frictions_that_they_have(shared: dict[str, Any]) -> None:
    """One that differs in the demon alone shares the friction of its study, and is not shown at a point that it lacks."""
    wildcards = SimpleNamespace(study="mine")
    heats = [
        *(f"results/mine/sweep/kH_{ratio}/heat.json" for ratio in ("1.2", "3", "4.80")),
        *(f"results/mine@fewer/sweep/kH_{ratio}/heat.json" for ratio in ("1.2", "3")),
        *(f"results/mine@warm/sweep/kH_{ratio}/heat.json" for ratio in ("1.2", "3", "4.80")),
    ]
    assert shared["variant_heats"](wildcards) == heats
    assert shared["shown_variant_heats"](wildcards) == [heats[2], heats[7]]
    assert shared["variant_frictions"](wildcards, "friction.json") == [
        f"results/{name}/friction.json" for name in ("mine", "mine", "mine@warm")
    ]
    with pytest.raises(WorkflowError, match="study 'tiny' has no variants: add section 'variants'"):
        shared["with_variants"](SimpleNamespace(study="tiny"))


def test_a_design_takes_the_friction_that_was_measured(shared: dict[str, Any]) -> None:
    """If there is any; the exact model has its own."""
    assert [shared["measured_friction"](SimpleNamespace(study=name)) for name in ("mine", "exact")] == [[], []]
    for name in ("mine", "exact"):
        file = Path(f"results/{name}/friction.json")
        file.parent.mkdir(parents=True)
        file.write_text("{}", encoding="utf-8")
    assert shared["measured_friction"](SimpleNamespace(study="mine")) == ["results/mine/friction.json"]
    assert shared["measured_friction"](SimpleNamespace(study="exact")) == []


def test_studies_are_compared_once_each(shared: dict[str, Any]) -> None:
    """Two or more, which simulate; the page is named after them."""
    assert shared["comparison_page"](None) == "results/comparisons/mine+exact/compare.html"
    with pytest.raises(WorkflowError, match="needs two studies or more"):
        shared["compared_studies"](["mine", "mine"])
    with pytest.raises(WorkflowError, match="n-demon is solved exactly"):
        shared["compared_studies"](["mine", "n-demon"])


@pytest.mark.parametrize(
    ("runs", "ends", "studies"), [(400, [100, 200, 300, 400], 200), (1, [1], 1), (201, [100, 200, 201], 100)]
)
def test_calibration_has_every_run_in_one_file(
    runs: int, ends: list[int], studies: int, shared: dict[str, Any]
) -> None:
    """A hundred runs of each point to a file, and fifty studies: none is left out at the end, and none is there twice."""
    shared["CALIBRATION_RUNS"] = runs
    files = [Path(file).parts[2:] for file in shared["calibration_jobs"](None)]
    begins = [1, *(end + 1 for end in ends[:-1])]
    names = {f"runs_{first}-{last}.parquet" for first, last in zip(begins, ends, strict=True)}
    points = {"friction", *shared["machine"].points(shared["study"]("calibration-paper"))}
    for length in ("short", "medium", "paper"):
        assert {file[1] for file in files if file[0] == length} == points
        for point in points:
            assert {file[2] for file in files if file[:2] == (length, point)} == names
    for kind in ("shell", "bodies", "maxwell"):
        own = [file for file in files if file[0] == kind]
        numbers = [map(int, file[2].removeprefix("runs_").removesuffix(".parquet").split("-")) for file in own]
        counted = sorted(number for first, last in numbers for number in range(first, last + 1))
        assert counted == [*range(1, studies + 1)]
        assert {file[1] for file in own} == {"friction"}
    assert len(files) == len(set(files))


# --- resources of simulations -------------------------------------------------------------------------------------------------


def of_ranks(ranks: int, **names: Any) -> dict[str, Any]:
    """What cluster.smk defines where each study has so many ranks."""
    return in_workflow(
        "cluster.smk",
        study=lambda name: SimpleNamespace(ranks=ranks if name == "mine" else 1),
        STUDY=SimpleNamespace(name="mine"),
        USUAL="-sf opt",
        **names,
    )


@pytest.mark.parametrize("ranks", [1, 4])
def test_ranks_of_a_study_are_tasks_of_its_jobs(ranks: int) -> None:
    """Started by mpiexec where there are several; of the chosen study where a rule has none of its own."""
    rules, own = of_ranks(ranks), {"study": "mine"}
    assert rules["ranks_of"](own) == rules["ranks_of"]({}) == ranks
    assert rules["ranks_of"]({"study": "another"}) == 1
    assert rules["mpi_of"](own) == (None if ranks == 1 else "mpiexec -launcher fork")
    started = rules["launcher"](own, Resources(mpi="srun", tasks=3))
    assert (started, rules["launcher"](own, Resources(mpi=None, tasks=3))) == ("srun -n 3", "")


@pytest.mark.parametrize(("threads", "each"), [(1, 1), (4, 1), (8, 2), (11, 2), (2, 1)])
def test_cores_of_a_job_are_shared_out_to_its_ranks(threads: int, each: int) -> None:
    """Whole ones, and one at least; LAMMPS gets as many threads."""
    rules = of_ranks(4)
    assert rules["threads_per_rank"]({"study": "mine"}, threads) == each
    options = rules["site"]({"study": "mine"}, threads, Resources(lammps="-sf omp -pk omp 2", mpi="srun -n", gpus=2))
    assert options == f"--lammps='-sf omp -pk omp 2' --threads={each} --gpus=2 --launcher='srun -n'"
    assert rules["site"]({"study": "mine"}, 4, Resources(lammps="")).startswith("--lammps='' --threads=1 --gpus=0")


@pytest.mark.parametrize(("runtime", "limit"), [(120, "118"), (10, "8"), (2, "0.5"), (1, "0.25")])
def test_runs_stop_before_the_wall_time_of_their_job(runtime: int, limit: str) -> None:
    """By two minutes, or by three quarters of a short one; where there is no wall time there is no limit."""
    rules = of_ranks(1)
    assert rules["time_limit"](None, Resources(runtime=runtime)) == f"--time-limit-min {limit}"
    assert rules["time_limit"](None, Resources()) == ""


@pytest.mark.parametrize(("cores", "nodes", "found"), [(6, None, 6), (None, 5, 15), (None, None, 3), (6, 5, 6)])
def test_a_plan_counts_the_cores_that_run_at_once(cores: int | None, nodes: int | None, found: int) -> None:
    """Of this machine, or of all jobs that a cluster is given at once, of three ranks each."""
    rules = of_ranks(3, inner=lambda name: SimpleNamespace(cores=cores, nodes=nodes))
    assert rules["cores_at_once"](SimpleNamespace(ranks=3)) == found


def job(rule: str, is_local: bool = False, **resources: Any) -> SimpleNamespace:
    """A job that Snakemake would run."""
    return SimpleNamespace(rule=SimpleNamespace(name=rule), is_local=is_local, resources=resources)


def test_slurm_is_asked_about_one_job_of_each_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """With all that the job will ask for, and without submitting it; what Slurm says of each kind ends the call."""
    jobs = [
        job(
            "simulate",
            slurm_partition="long",
            mem_mb=900,
            tasks=4,
            nodes=1,
            runtime=60,
            slurm_extra="--gres=gpu:1 -x 'a b'",
        ),
        job("simulate", slurm_partition="other"),
        job("measure", mem_mb="<TBD>", slurm_account="me", qos="low", constraint="fast"),
        job("plan", is_local=True),
    ]
    plugin = SimpleNamespace(array_jobs=None, qos="high", reservation="mine")
    inside = {
        "executor_plugin.name": "slurm",
        "executor_settings": plugin,
        "dag.needrun_jobs": lambda: jobs,
    }
    rules = of_ranks(1, inner=inside.__getitem__)
    asked: list[list[str]] = []

    def sbatch(command: list[str], **_: Any) -> SimpleNamespace:
        asked.append(command)
        refuses = "--partition=other" in command or answers["refuses"]
        return SimpleNamespace(returncode=int(refuses), stderr="error: no such thing\nallocation failure\n")

    answers = {"refuses": False}
    monkeypatch.setattr(subprocess, "run", sbatch)
    monkeypatch.setattr(rules["shutil"], "which", lambda name: f"/bin/{name}")
    jobs.pop(1)
    rules["check_slurm"]()
    assert asked[0] == [
        *(
            "sbatch",
            "--test-only",
            "--partition=long",
            "--qos=high",
            "--time=60",
            "--mem=900",
            "--nodes=1",
            "--ntasks=4",
        ),
        *("--reservation=mine", "--gres=gpu:1", "-x", "a b", "--wrap=true"),
    ]
    assert asked[1][2:-1] == ["--account=me", "--qos=high", "--constraint=fast", "--reservation=mine"]
    assert len(asked) == 2
    answers["refuses"] = True
    with pytest.raises(WorkflowError) as refused:
        rules["check_slurm"]()
    said = str(refused.value)
    assert "Nothing was submitted.\n  error: no such thing; allocation failure\n    simulate (--partition=long" in said
    assert said.count("no such thing") == 1
    assert "; measure (--account=me" in said
    monkeypatch.setattr(rules["shutil"], "which", lambda name: None)
    with pytest.raises(WorkflowError, match="the command sbatch is missing"):
        rules["check_slurm"]()
    plugin.array_jobs = "all"
    with pytest.raises(WorkflowError, match="slurm-array-jobs = 'all' would lose results"):
        rules["check_slurm"]()
    inside["executor_plugin.name"] = "local"
    rules["check_slurm"]()


# --- what each script is given ------------------------------------------------------------------------------------------------

TELLING = """
include: {snakefile!r}

import json
from types import SimpleNamespace

wildcards = SimpleNamespace(study="mine", point="kH_3", studies="mine+exact")


def given(items):
    found = {{}}
    for name, value in items.items():
        try:
            found[name] = value(wildcards) if callable(value) else value
        except TypeError:  # it needs resources or files, too
            pass
    return found


told = {{}}
for each in workflow.rules:
    if not each.name.startswith(("equilibrate", "simulate", "unpack", "calibrate", "solve", "follow", "report_machine")):
        files = [str(file) for file in each.input]
        told[each.name] = {{"params": given(each.params), "input": given(each.input), "files": files}}
        told[each.name]["script"] = each.script
told["status"]["without"] = [
    each.name for each in workflow.rules if (each.script or each.shellcmd) and not (each.conda_env and each.log)
]
told["status"]["logs"] = {{each.name: str(each.log[0]) for each in workflow.rules if each.log}}
told["status"]["local"] = [
    each.name for each in workflow.rules if (each.script or each.shellcmd) and each.name in workflow._localrules
]
Path("told.json").write_text(json.dumps(told, default=str))
"""


@pytest.fixture(scope="module")
def told(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Params and inputs of the rules, by name, for a study with variants and the thermostat csvr."""
    work = Work(project, tmp_path_factory.mktemp("told") / "work")
    text = STUDY.replace("{edge_nm", "{thermostat: csvr, edge_nm").replace(
        "[1.2, 3, 4.80], shown", "[1.2, 4.80, 3], shown"
    )
    for name, engine in (("mine", "lammps"), ("exact", "langevin")):
        work.write(f"config/{name}.yaml", text.replace("ENGINE", engine).replace("DRAGS", "[0.3]"))
    work.write("Snakefile", TELLING.format(snakefile=str(work.snakefile)))
    result = snakemake("-n", "--list-rules", "--config", "study=mine", folder=work.folder)
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads((work.folder / "told.json").read_text(encoding="utf-8"))


RUN = ("run.json", "series.parquet")
SIZES = "reference bath-size@edge-5 bath-size bath-size@edge-8 reference-paper"
SWEEP = [f"results/mine/sweep/kH_{ratio}/replica_1/{name}" for ratio in ("1.2", "4.80", "3") for name in RUN]
FRICTION_RUN = [f"results/mine/friction/replica_1/{name}" for name in RUN]
DRAGS = [f"results/mine/drag/{side}/F_0.3/replica_1/{name}" for side in ("cold", "hot") for name in RUN]
HEATS = {
    name: [f"results/{name}/sweep/kH_{ratio}/heat.json" for ratio in ratios]
    for name, ratios in (
        ("mine", ("1.2", "4.80", "3")),
        ("mine@fewer", ("1.2", "3")),
        ("mine@warm", ("1.2", "4.80", "3")),
    )
}
VARIANT_HEATS = [file for files in HEATS.values() for file in files]


def of(names: str, file: str) -> list[str]:
    """A file of each of these studies."""
    return [f"results/{name}/{file}" for name in names.split()]


def at_points(kind: str, *ratios: str) -> list[str]:
    """A result at each of these points, or at all; Snakemake fills in the study."""
    return [f"results/{{study}}/sweep/kH_{ratio}/{kind}.json" for ratio in ratios or ("1.2", "4.80", "3")]


GIVEN: dict[str, dict[str, Any]] = {
    "fit_friction": {"runs": FRICTION_RUN, "drags": DRAGS},
    "measure": {"runs": SWEEP[4:]},
    "axes": {"runs": SWEEP},
    "summary": {"heats": at_points("heat"), "flows": at_points("information")},
    "plot_response": {"heats": at_points("heat")},
    "structure": {"runs": FRICTION_RUN},
    "plot_equilibrium": {"runs": FRICTION_RUN},
    "plot_sweep": {
        "heats": at_points("heat"),
        "powers": at_points("power"),
        "performances": at_points("performance"),
        "reversals": at_points("reversal"),
        "flows": at_points("information"),
    },
    # Of the points that the study shows, in its order: 3 and 4.80.
    "plot_cumulative": {
        "runs": [*SWEEP[4:], *SWEEP[2:4]],
        "heats": at_points("heat", "3", "4.80"),
        "powers": at_points("power", "3", "4.80"),
    },
    "plot_drag": {"runs": DRAGS},
    "compare_thermostats": {
        "thermostats": ["nose-hoover", "langevin", "csvr"],
        "own": "csvr",
        "heats": of("mine@nose-hoover mine@langevin mine", "sweep/kH_4.80/heat.json"),
        "frictions": of("mine mine@langevin mine", "friction.json"),
        "responses": of("mine mine@langevin mine", "response.npz"),
    },
    "compare_friction": {
        "runs": of("mine mine@fewer mine@warm", "friction/replica_1/run.json"),
        "frictions": of("mine mine@fewer mine@warm", "friction.json"),
        "own": FRICTION_RUN,
    },
    "compare_heats": {
        "counts": [3, 2, 3],
        "runs": of("mine mine@fewer mine@warm", "sweep/kH_1.2/replica_1/run.json"),
        "frictions": of("mine mine mine@warm", "friction.json"),
        "responses": of("mine mine mine@warm", "response.npz"),
        "heats": VARIANT_HEATS,
    },
    "plot_heat_variations": {"study": "{study}"},
    "plot_memory": {
        "names": ["as in the study", "fewer", "warm"],
        "counts": [3, 2, 3],
        "frictions": of("mine mine mine@warm", "friction.json"),
        "responses": of("mine mine mine@warm", "response.npz"),
        "heats": VARIANT_HEATS,
    },
    "plot_loops": {"heats": of("mine mine@warm", "sweep/kH_4.80/heat.json")},
    "plot_finite_size": {
        "runs": [file.replace("/mine/", f"/{name}/") for name in ("mine", "mine@fewer", "mine@warm") for file in DRAGS]
    },
    "write_report": {
        "friction_runs": FRICTION_RUN,
        "sweep_runs": SWEEP,
        "heats": at_points("heat"),
        "performances": at_points("performance"),
        "flows": at_points("information"),
        "structure": ["results/mine/structure.json"],
    },
    "compare_studies": {
        "counts": [3, 3],
        "runs": of("mine exact", "friction/replica_1/run.json"),
        "frictions": of("mine exact", "friction.json"),
        "responses": of("mine exact", "response.npz"),
        "heats": [*HEATS["mine"], *(file.replace("mine", "exact") for file in HEATS["mine"])],
        "performances": [
            f"results/{name}/sweep/kH_{ratio}/performance.json"
            for name in ("mine", "exact")
            for ratio in ("1.2", "4.80", "3")
        ],
    },
    "compare_sizes": {
        "counts": [1, 1, 1, 1, 1],
        "runs": of(SIZES, "friction/replica_1/run.json"),
        "frictions": of(SIZES, "friction.json"),
        "responses": of(SIZES, "response.npz"),
        "heats": of(SIZES, "sweep/kH_4.80/heat.json"),
    },
    "plot_sizes": {"study": "reference"},
    "plot_setup": {"run": "results/{study}/friction/replica_1/run.json", "controller": "linear"},
}


@pytest.mark.parametrize("rule", GIVEN)
def test_scripts_are_given_what_they_read(rule: str, told: Any) -> None:
    """Runs, frictions and results of the study, its points and variants, each kind in the order of the others."""
    found = told[rule]["params"] | told[rule]["input"]
    assert {name: found[name] for name in GIVEN[rule]} == GIVEN[rule]


def test_every_script_is_run_again_when_the_analysis_changes(told: Any) -> None:
    """A result of an older analysis never stands beside those of a newer one; the calibration has a part of the code alone."""
    code = {name: rule["params"].get("code") for name, rule in told.items() if rule["script"]}
    assert len(code) > 20
    of_numbers = code.pop("calibration_table")
    assert {name for name, digest in code.items() if digest != code["measure"]} == set()
    assert of_numbers not in (None, code["measure"])


def test_pages_are_written_again_when_a_part_of_their_design_changes(told: Any) -> None:
    """The template, what it includes, styles, captions, and the program of the explorer; and every figure of the report."""
    report, compare = (told[rule]["input"] for rule in ("write_report", "compare_studies"))
    assert (Path(report["page"]).name, Path(compare["page"]).name) == ("page.html.j2", "studies.html.j2")
    for page in (report, compare):
        names = {Path(file).name for file in page["design"]}
        text = Path(page["page"]).read_text(encoding="utf-8")
        assert names >= {"style.css", "captions.yaml", *re.findall(r'(?:import|include|from) "(\S+)"', text)}
        assert all(Path(file).is_file() for file in page["design"])
    assert "explorer.js" in {Path(file).name for file in report["design"]}
    assert report["figures"] == told["figures"]["files"]


def in_closure(*files: Path) -> set[Path]:
    """These files, and all of package `analysis` that they import at once, directly or not."""
    found, left = set(), [*files]
    while left:
        if (file := left.pop()) in found:
            continue
        found.add(file)
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            names = (
                [node.module or "", *(f"{node.module}.{each.name}" for each in node.names)]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            places = (ROOT / name.replace(".", "/") for name in names if name.startswith("analysis."))
            left += [path for place in places if (path := place.with_suffix(".py")).is_file()]
    return found


def test_code_that_decides_a_result_is_in_its_digest(shared: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it in the calibration's, but no figure, which would repeat an hour of runs; all of the analysis in the others'."""
    digests: list[set[str]] = []

    def digest(content: dict[str, str]) -> str:
        assert all((ROOT / name).read_text(encoding="utf-8") == text for name, text in content.items())
        digests.append(set(content))
        return ""

    monkeypatch.setattr("simulation.storage.files.digest", digest)
    names = ("workflow", "shell", "report", "collect", "config", "CALIBRATION_RUNS", "chosen_studies")
    in_workflow("common.smk", **{name: shared[name] for name in names})
    analysis, machine, calibration = digests
    whole = {str(file.relative_to(ROOT)) for file in (ROOT / "analysis").rglob("*.py")}
    assert analysis == whole
    assert machine == whole | {
        str(file.relative_to(ROOT)) for file in (ROOT / "simulation/study/machines").glob("*.py")
    }
    rooms = ("calibration/coverage.py", "calibration/studies.py")
    needed = {str(file.relative_to(ROOT)) for file in in_closure(*(ROOT / "analysis" / name for name in rooms))}
    assert "analysis/units.py" in needed
    assert needed - {"analysis/errors.py"} <= calibration, "messages of errors are no numbers"
    assert not [name for name in calibration if "/figures/" in name or "/report/" in name]
    assert calibration < whole


def test_targets_are_the_files_that_they_name(told: Any) -> None:
    """Of the chosen study; without a target tables, report and figures, which `status` counts with the heats."""
    files = {name: rule["files"] for name, rule in told.items()}
    whole = (
        of("mine", "summary.csv") + of("mine", "summary.txt") + of("mine", "friction.json") + of("mine", "report.html")
    )
    assert files["all"] == [*whole, *files["figures"]]
    assert told["status"]["params"]["targets"] == [*files["all"], *files["sweep"]]
    assert len(files["figures"]) == 16
    for target, names in {
        "friction": ["friction.json", "friction_by_axis.csv"],
        "report": ["report.html"],
        "response": ["figures/response.png"],
        "thermostats": ["thermostats.csv"],
        "variations": ["friction_by_variant.csv", "figures/variations.png"],
        "heat_variations": ["heat_by_variant.csv", "figures/heat_variations.png"],
        "memory": ["heat_by_variant.csv", "figures/memory.png"],
        "design": ["figures/design.png", "design.txt"],
        "feedback": ["heat_by_variant.csv", "figures/heat_variations.png", "figures/loops.png"],
        "finite_size": ["figures/finite_size.png"],
        "decks": [f"decks/{point}.lmp" for point in ("friction", "kH_1.2", "kH_4.80", "kH_3")],
    }.items():
        assert files[target] == [f"results/mine/{name}" for name in names], target
    assert files["sweep"] == HEATS["mine"]
    assert files["drag"] == DRAGS
    assert [told[rule]["params"]["study"] for rule in ("plan", "status", "doctor")] == ["mine"] * 3


def test_every_job_has_a_log_and_an_environment(told: Any) -> None:
    """Whether it runs a script or a command: `--sdm conda` leaves none in the environment of Snakemake."""
    assert told["status"]["without"] == []
    logs = told["status"]["logs"]
    # A run is simulated or unpacked, and a study has a report of one kind.
    alone = [log for rule, log in logs.items() if rule not in ("unpack", "report_machine")]
    assert len(set(alone)) == len(alone) > 30


def test_what_is_looked_at_is_no_job_of_a_cluster(told: Any) -> None:
    """Overviews, decks and copies of shipped runs are made where Snakemake runs; simulations and their analysis are jobs."""
    assert set(told["status"]["local"]) == {"plan", "doctor", "status", "deck", "unpack"}


def test_every_target_can_be_planned(work: Work) -> None:
    """What a target names is what some rule makes."""
    work.write("config/mine.yaml", STUDY.replace("ENGINE", "lammps").replace("DRAGS", "[0.3]"))
    targets = (
        "friction drag sweep figures report response thermostats variations heat_variations memory design finite_size"
    )
    planned = work.plan(*targets.split(), "decks", "feedback", config="study=mine")
    drawn = "response sweep cumulative equilibrium drag structure setup variations heat_variations memory design loops"
    assert {f"plot_{name}" for name in (*drawn.split(), "finite_size")} <= planned.keys()
    assert planned.keys() >= {"compare_thermostats", "compare_friction", "compare_heats", "write_report", "deck"}


def test_all_that_starts_lammps_has_the_ranks_and_the_settings_of_the_machine(work: Work) -> None:
    """Simulations and overviews alike, each with a core for a rank and the folder and log that are its own.

    A plan counts on the cores of the call, and a run is told the folder of its start.
    """
    work.write("config/mine.yaml", STUDY.replace("ENGINE", "lammps").replace("DRAGS", "[0.3]"))
    folders = ["equilibrated/replica_1", "sweep/kH_3/replica_1"]
    runs = [f"results/mine/{folder}/run.json" for folder in folders]
    said = work.snakemake("-n", "-p", "plan", "doctor", *runs, config="study=mine").stdout
    start = "mpiexec -launcher fork -n 2 python -m simulation"
    site = "--lammps='-sf opt' --threads=1 --gpus=0 --launcher='mpiexec -launcher fork'"
    assert f"{start} plan mine --cores 2 --ranks 2 {site} 2>&1 | tee .snakemake/log/mine/plan.log\n" in said
    assert f"{start} doctor mine --ranks 2 {site} 2>&1 | tee .snakemake/log/mine/doctor.log\n" in said
    for folder, before in zip(folders, ("", "--start results/mine/equilibrated/replica_1 "), strict=True):
        point = folder.removesuffix("/replica_1")
        command = f"{start} run mine {point} 1 results/mine/{folder} {before}{site}  2>&1 | show results/mine/logs/{folder}.log"
        assert f"{command}\n" in said
    assert said.count("threads: 2\n") == 4
    assert (
        len(re.findall(r"resources: .*mpi=mpiexec -launcher fork, tasks=2, cpus_per_task=1, nodes=1, .*mem_mb=", said))
        == 2
    )


# --- what scripts do with it --------------------------------------------------------------------------------------------------


def do(script: str, inputs: Any, outputs: Any, **names: Any) -> None:
    """Execute the work of a script with stand-ins for all that it imports, and for what a rule gives it."""
    given = {name: names.pop(name) for name in ("params", "wildcards") if name in names}
    snakemake = SimpleNamespace(input=inputs, output=outputs, **given)
    text = (ROOT / f"workflow/scripts/{script}.py").read_text(encoding="utf-8").partition("with job(snakemake):\n")[2]
    known = {"Path": Path, "islice": islice, "groupby": groupby, "read_json": lambda file: f"in {file}"}
    as_read = {f"{kind}Point": SimpleNamespace(from_json=lambda content: content) for kind in KINDS}
    exec(compile(f"if True:\n{text}", script, "exec"), {"snakemake": snakemake, **known, **as_read, **names})


KINDS = ("Heat", "Power", "Performance", "Reversal", "Information")
COMPARED = SimpleNamespace(read=lambda heats, friction, responses: ([*heats], friction, responses))
"""A comparison that is nothing but its files."""


class Drawn(list[tuple[str, Any]]):
    """Figures by the names of their files, each what it was drawn from."""

    def save(self, figure: Any, data: None, file: Any) -> None:
        """Note it."""
        assert data is None
        self.append((Path(file).name.removesuffix(".png"), figure))


def drawing(name: str) -> Any:
    """In the place of a function that draws: the figure is its name and what it was given."""
    return lambda *given: ((name, *given), None)


def test_the_set_up_has_the_controller_of_the_study() -> None:
    """Friction runs do not depend on the controller: the settings in them may be those of an earlier one."""
    drawn = Drawn()
    inputs, params = SimpleNamespace(run="one"), SimpleNamespace(controller="mine:Law")
    usual = {"load_run": lambda file: f"run {file}", "draw_setup": lambda *given: given, "save": drawn.save}
    do("plot_setup", inputs, ["setup.png"], params=params, **usual)
    assert drawn == [("setup", ("run one", "mine:Law"))]


def test_figures_of_a_sweep_are_drawn_from_what_they_show_under_their_names() -> None:
    """Each of the nine from its own results, at the points of all files in their order."""
    drawn = Drawn()
    comparison = SimpleNamespace(friction="white")
    files = {kind: [f"{kind}1", f"{kind}2"] for kind in ("heats", "powers", "performances", "reversals", "flows")}
    functions = [*("heat_rates", "fluxes", "power_histograms", "power_moments", "cop", "cop_fluctuations")]
    functions += ["uncertainty", "information", "detailed_balance"]
    asked: list[Any] = []

    def read(*given: Any) -> Any:
        asked.append(given)
        return comparison

    do(
        "plot_sweep",
        SimpleNamespace(**files, friction="friction.json", response="response.npz"),
        ["results/mine/figures/heat_rates.png"],
        Comparison=SimpleNamespace(read=read),
        compared_information=lambda *given: ("compared", *given),
        save=drawn.save,
        **{name: drawing(name) for name in functions},
    )
    assert asked == [(files["heats"], "friction.json", "response.npz")]
    found = {kind: [f"in {file}" for file in names] for kind, names in files.items()}
    assert dict(drawn) == {
        "heat_rates": ("heat_rates", comparison),
        "fluxes": ("fluxes", comparison),
        "power": ("power_histograms", found["powers"], "white"),
        "power_moments": ("power_moments", found["powers"], "white"),
        "cop": ("cop", found["performances"]),
        "cop_fluctuations": ("cop_fluctuations", found["performances"], "white"),
        "uncertainty": ("uncertainty", found["performances"], "white"),
        "information": ("information", comparison, ("compared", comparison, found["flows"])),
        "detailed_balance": ("detailed_balance", comparison, found["reversals"]),
    }
    assert len(drawn) == 9


def test_results_of_several_studies_are_dealt_out_by_their_numbers_of_points() -> None:
    """To tables and figures of variants and to the page of several studies: to each study its own points and friction."""
    inputs = SimpleNamespace(
        heats=["a1", "a2", "b1", "c1", "c2"],
        performances=["pa1", "pa2", "pb1", "pc1", "pc2"],
        frictions=["fa", "fb", "fc"],
        responses=["ra", "rb", "rc"],
        runs=["run a", "run b", "run c"],
        page="report/page",
    )
    dealt = [(["a1", "a2"], "fa", "ra"), (["b1"], "fb", "rb"), (["c1", "c2"], "fc", "rc")]
    told: list[Any] = []

    def table(*given: Any) -> Any:
        told.append(given)
        return SimpleNamespace(to_csv=lambda *_, **__: None)

    counts, runs = [2, 1, 2], [{"study": f"run {name}"} for name in "abc"]
    usual: dict[str, Any] = {"Comparison": COMPARED, "read_metadata": lambda file: {"study": file}}
    params = SimpleNamespace(counts=counts, names=["as in the study", "b", "c"], thermostats=["x", "y", "z"], own="y")
    do("heat_variations", inputs, ["out"], params=params, heat_by_variant=table, **usual)
    assert told.pop() == (runs, dealt)
    drawn = Drawn()
    do("plot_memory", inputs, ["memory.png"], params=params, memory_figure=drawing("memory"), save=drawn.save, **usual)
    assert drawn == [("memory", ("memory", dict(zip(params.names, dealt, strict=True))))]
    one_each = {"heats": ["a1", "b1", "c1"], "frictions": inputs.frictions, "responses": inputs.responses}
    do("thermostats", one_each, ["out"], params=params, thermostat_table=table, **usual)
    assert told.pop() == (params.thermostats, "y", [([f"{name}1"], f"f{name}", f"r{name}") for name in "abc"])
    drawn.clear()

    def page(*given: Any) -> str:
        told.append(given)
        return "the page"

    class Place(type(Path())):  # type: ignore[misc]
        """Writes nothing."""

        def write_text(self, text: str, encoding: str) -> None:
            """Only looked at."""
            assert (text, encoding, self.name) == ("the page", "utf-8", "compare.html")

    do(
        "compare_studies",
        inputs,
        SimpleNamespace(figure=["heats.png"], page="compare.html"),
        params=params,
        heats_of_studies=drawing("heats"),
        studies_page=page,
        save=drawn.save,
        **usual | {"Path": Place},
    )
    assert drawn == [("heats", ("heats", ["run a", "run b", "run c"], dealt))]
    performances = [["in pa1", "in pa2"], ["in pb1"], ["in pc1", "in pc2"]]
    assert told == [(runs, dealt, performances, ["heats.png"], Path("report"))]


def test_replicas_of_a_point_are_read_together() -> None:
    """All of them, and no other point's: for the work along each axis and for the flows over time."""
    points = {ratio: [f"results/mine/sweep/kH_{ratio}/replica_{n}" for n in (1, 2)] for ratio in ("1", "10", "3")}
    files = [f"{folder}/{name}" for folders in points.values() for folder in folders for name in RUN]
    records = [[f"{folder}/run.json" for folder in folders] for folders in points.values()]
    read: list[Any] = []

    def work(runs: Any, *given: Any) -> pd.DataFrame:
        read.append(([*map(str, runs)], *given))
        return pd.DataFrame({"point": [len(read)]})

    written: list[pd.DataFrame] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pd.DataFrame, "to_csv", lambda table, *_, **__: written.append(table))
        do(
            "axes",
            SimpleNamespace(runs=files, friction="friction.json", response="response.npz"),
            ["work_by_axis.csv"],
            pd=pd,
            COLUMNS=["point"],
            FrictionResult=SimpleNamespace(read=lambda file: SimpleNamespace(friction=file)),
            Responses=SimpleNamespace(load=lambda file: file),
            SeriesTooShortError=ZeroDivisionError,
            load_runs=list,
            work_by_axis=work,
        )
    assert read == [(each, "friction.json", "response.npz") for each in records]
    assert [[*table["point"]] for table in written] == [[1, 2, 3]]
    drawn = Drawn()
    folders = [str(Path(folders[0]).parent) for folders in points.values()]
    do(
        "plot_cumulative",
        SimpleNamespace(
            runs=files,
            heats=[f"{each}/heat.json" for each in folders],
            powers=[f"{each}/power.json" for each in folders],
        ),
        ["cumulative.png"],
        load_runs=lambda names: [*map(str, names)],
        cumulative_flows=drawing("flows"),
        save=drawn.save,
    )
    flows = [
        (each, f"in {folder}/heat.json", f"in {folder}/power.json")
        for each, folder in zip(records, folders, strict=True)
    ]
    assert drawn == [("cumulative", ("flows", flows))]


READING: dict[str, Any] = {
    "read_metadata": lambda file: {
        "settings": {"name": "".join(Path(file).parts[1:2]), "baths": {"edge_nm": f"edge of {file}"}},
        "file": file,
    },
    "load_runs": list,
    "load_drag_runs": lambda files: {"drags": [*files]},
    "FrictionResult": SimpleNamespace(
        read=lambda file: SimpleNamespace(friction=f"fit in {file}", drags=f"drags in {file}")
    ),
}
"""What reads files of friction: contents are named after their files."""


def test_friction_is_fitted_to_equilibrium_runs_beside_drags(tmp_path: Path) -> None:
    """Friction and response to the same runs, the drags' beside it; over the size of the bath, each with its own edge."""
    written: dict[str, Any] = {}

    def summary(runs: list[str], drags: Any) -> Any:
        table = SimpleNamespace(to_csv=lambda file, **_: written.update({file: ("by axis", runs)}))
        return SimpleNamespace(by_axis=lambda: table, to_json=lambda: (runs, drags))

    do(
        "friction",
        SimpleNamespace(runs=FRICTION_RUN, drags=DRAGS),
        SimpleNamespace(friction="friction.json", by_axis="by_axis.csv", response="response.npz"),
        friction_summary=summary,
        drag_summary=lambda drags: drags,
        responses=lambda runs: SimpleNamespace(save=lambda file: written.update({file: runs})),
        write_json=lambda content, file: written.update({file: content}),
        **READING,
    )
    runs, drags = FRICTION_RUN[::2], {"drags": DRAGS[::2]}
    assert written == {"by_axis.csv": ("by axis", runs), "response.npz": runs, "friction.json": (runs, drags)}
    drawn = Drawn()
    dragged = [*DRAGS, *(file.replace("mine", "mine@warm") for file in DRAGS)]
    do(
        "finite_size",
        SimpleNamespace(runs=dragged),
        ["finite_size.png"],
        drag_summary=lambda groups: groups,
        drags_by_size=lambda *given: given,
        finite_size=lambda given: (given, None),
        save=drawn.save,
        **READING,
    )
    last = [f"edge of {files[2]}" for files in (dragged[:4], dragged[4:])]
    assert drawn == [("finite_size", (last, [{"drags": dragged[:4:2]}, {"drags": dragged[4::2]}]))]


def test_tables_and_figures_of_friction_are_of_their_own_runs() -> None:
    """That of the variants of the variants' runs, other analyses of the study's own; two figures of the runs at rest."""
    written: dict[str, Any] = {}

    def table(*given: Any) -> SimpleNamespace:
        return SimpleNamespace(to_csv=lambda file, **_: written.update({file: given}))

    do(
        "variations",
        SimpleNamespace(runs=["run a", "run b"], frictions=["a.json", "b.json"], own=FRICTION_RUN),
        SimpleNamespace(by_variant="by_variant.csv", by_analysis="by_analysis.csv"),
        friction_by_variant=lambda runs, frictions: table(
            [run["file"] for run in runs], [f.friction for f in frictions]
        ),
        friction_by_analysis=table,
        **READING,
    )
    assert written == {
        "by_variant.csv": (["run a", "run b"], ["fit in a.json", "fit in b.json"]),
        "by_analysis.csv": (FRICTION_RUN[::2],),
    }
    drawn = Drawn()
    do(
        "plot_equilibrium",
        SimpleNamespace(runs=FRICTION_RUN, friction="friction.json"),
        ["results/mine/figures/friction.png"],
        friction=lambda found: (found.friction, None),
        equilibrium=drawing("equilibrium"),
        save=drawn.save,
        **READING,
    )
    assert drawn == [("friction", "fit in friction.json"), ("equilibrium", ("equilibrium", FRICTION_RUN[::2]))]
    drawn.clear()
    do(
        "plot_loops",
        SimpleNamespace(heats=["a", "b"], friction="friction.json", response="response.npz"),
        ["results/mine/figures/loops.png"],
        loops=drawing("loops"),
        Responses=SimpleNamespace(load=lambda file: file),
        save=drawn.save,
        **READING,
    )
    assert drawn == [("loops", ("loops", ["in a", "in b"], "fit in friction.json", "response.npz"))]


def test_ratios_in_a_figure_are_spelled_as_in_its_table(tmp_path: Path) -> None:
    """4.80 is no 4.8: the study is asked for its points by their names."""
    (tmp_path / "heats.csv").write_text("kappa_ratio,heat\n4.80,1\n", encoding="utf-8")
    drawn: list[Any] = []
    do(
        "plot_heat_variations",
        [str(tmp_path / "heats.csv")],
        ["heat_variations.png"],
        params=SimpleNamespace(study="mine"),
        pd=pd,
        heat_variations=lambda table, study: (table.to_dict("records"), study),
        save=lambda table, study, file: drawn.append((table, study, file)),
    )
    assert drawn == [([{"kappa_ratio": "4.80", "heat": 1}], "mine", "heat_variations.png")]


def test_page_of_the_calibration_is_its_template_filled_in(tmp_path: Path) -> None:
    """With the table of coverage and the functions that make tables of it; a line that only directs is no line of the page."""
    (tmp_path / "coverage.csv").write_text("coverage\n0.95\n", encoding="utf-8")
    template = "{% for row in tables.rows(coverage) %}\nκ: {{ row }}\n{% endfor %}\nend\n"
    (tmp_path / "page.j2").write_text(template, encoding="utf-8")
    drawn: list[Any] = []
    do(
        "calibration_page",
        SimpleNamespace(table=str(tmp_path / "coverage.csv"), page=str(tmp_path / "page.j2")),
        SimpleNamespace(page=str(tmp_path / "page.md"), figure=["calibration.png", "calibration.svg"]),
        pd=pd,
        jinja2=jinja2,
        calibration=lambda table: (table["coverage"].tolist(), "data"),
        calibration_page=SimpleNamespace(rows=lambda table: table["coverage"]),
        save=lambda *given: drawn.append(given),
    )
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == "κ: 0.95\nend\n"
    assert drawn == [([0.95], "data", "calibration.png")]


def test_a_point_without_errors_has_no_rows_and_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Others have theirs; where there is none the table has its columns all the same."""
    files = [f"results/mine/sweep/kH_{ratio}/replica_1/{name}" for ratio in ("1", "2") for name in RUN]

    def work(runs: Any, *_: Any) -> pd.DataFrame:
        if runs[0].kappa_ratio in short:
            raise ZeroDivisionError("too short")
        return pd.DataFrame({"kappa_ratio": [runs[0].kappa_ratio]})

    for short, left in ((["2"], ["1"]), (["1", "2"], [])):
        do(
            "axes",
            SimpleNamespace(runs=files, friction="friction.json", response="response.npz"),
            [str(tmp_path / "by_axis.csv")],
            pd=pd,
            COLUMNS=["kappa_ratio"],
            Responses=SimpleNamespace(load=lambda file: file),
            SeriesTooShortError=ZeroDivisionError,
            work_by_axis=work,
            **READING
            | {
                "load_runs": lambda names: [
                    SimpleNamespace(kappa_ratio=Path(next(names)).parts[-3].removeprefix("kH_"))
                ]
            },
        )
        assert [*pd.read_csv(tmp_path / "by_axis.csv", dtype=str)["kappa_ratio"]] == left
        assert capsys.readouterr().out == "".join(f"κ_H/κ_C = {ratio}: too short\n" for ratio in short)


def test_report_has_all_runs_and_both_its_texts(tmp_path: Path) -> None:
    """Those at rest and those of the sweep; ratios of the table by axis as they are spelled; a structure where there is one."""
    told: list[Any] = []
    (tmp_path / "by_axis.csv").write_text("kappa_ratio,work\n4.80,1\n", encoding="utf-8")

    def page(*given: Any) -> str:
        told.append(given)
        return "page"

    def screen(*given: Any) -> str:
        told.append(given)
        return "screen"

    for structure in (["structure.json"], []):
        comparison = (["h1", "h2"], "friction.json", "response.npz")
        do(
            "report",
            SimpleNamespace(
                friction_runs=FRICTION_RUN,
                sweep_runs=SWEEP,
                heats=["h1", "h2"],
                performances=["p1"],
                flows=["i1"],
                friction="friction.json",
                response="response.npz",
                by_axis=str(tmp_path / "by_axis.csv"),
                structure=structure,
                figures=["a.png"],
                page="report/page.html.j2",
            ),
            SimpleNamespace(page=str(tmp_path / "page"), screen=str(tmp_path / "screen")),
            pd=pd,
            Comparison=COMPARED,
            Structure=SimpleNamespace(from_json=lambda content: content),
            report_page=page,
            closing_text=screen,
            explorer=lambda comparison, table: (comparison, table.to_dict("records")),
            compared_information=lambda *given: ("flows", *given),
            **READING | {"FrictionResult": SimpleNamespace(read=lambda file: f"all in {file}")},
        )
        runs, *others = told[0]
        assert [run["file"] for run in runs] == [*FRICTION_RUN[::2], *SWEEP[::2]]
        found = "in structure.json" if structure else None
        explored = (comparison, [{"kappa_ratio": "4.80", "work": 1}])
        flows = ("flows", comparison, ["in i1"])
        friction = "all in friction.json"
        assert others == [comparison, ["in p1"], friction, found, ["a.png"], Path("report"), explored, flows]
        assert told[1] == (comparison, ["in p1"], friction, found)
        assert [(tmp_path / name).read_text(encoding="utf-8") for name in ("page", "screen")] == ["page", "screen"]
        told.clear()


@pytest.mark.parametrize("spacing", ["linear", "logarithmic"])
def test_a_machine_is_drawn_over_its_parameters(spacing: str, tmp_path: Path) -> None:
    """Currents and performance, each under its name, on the axis that its sweep is spaced on; table and text beside them."""
    told: dict[str, Any] = {}

    def currents(*given: Any, logarithmic: bool) -> Any:
        return ("currents", *given, logarithmic)

    def performance(*given: Any, logarithmic: bool) -> Any:
        return ("performance", *given, logarithmic)

    study = SimpleNamespace(
        name="mine",
        parameters=("a", "b"),
        sweep=SimpleNamespace(spacing=spacing),
        sweep_points=lambda: ["points"],
    )
    table = pd.DataFrame({"a": [1.25]})
    do(
        "solve_machine",
        [],
        type("Files", (list,), {"table": str(tmp_path / "sweep.csv"), "text": str(tmp_path / "summary.txt")})(
            ["figures/currents.png"]
        ),
        wildcards=SimpleNamespace(study="mine"),
        load_machine_study=lambda name: study if name == "mine" else None,
        sweep_table=lambda points, *names: table if (points, names) == (["points"], ("a", "b")) else None,
        summary_text=lambda name, found, names: f"{name} over {names} in {len(found)}",
        sweep=SimpleNamespace(currents=currents, performance=performance),
        save=lambda figure, data, file: told.update({str(file): (figure, data)}),
    )
    is_logarithmic = spacing == "logarithmic"
    assert told == {
        f"figures/{name}": ((name, table, "a", "b", is_logarithmic), None) for name in ("currents", "performance")
    }
    assert (tmp_path / "summary.txt").read_text(encoding="utf-8") == "mine over ('a', 'b') in 1"
    assert pd.read_csv(tmp_path / "sweep.csv").equals(table)


@pytest.mark.parametrize(
    ("length", "wanted"), [("shell", [[4, 5, 6], [7, 8, 9]]), ("short", [[2], [3]])], ids=["studies", "runs"]
)
def test_calibration_measures_every_run_once(length: str, wanted: list[list[int]], tmp_path: Path) -> None:
    """Numbers 2 and 3: each run by itself, or three runs to a study, the first of which are 1, 2 and 3."""
    measured: list[list[int]] = []

    class Made(SimpleNamespace):
        """An experiment of the exact model."""

        def __init__(self, study: str, point: str, replica: int) -> None:
            super().__init__(folder=f"{study}/{point}", of=(study, point, replica))

        def exact(self) -> int:
            """Its series, which is its number."""
            return int(self.of[2])

        def describe(self) -> dict[str, Any]:
            """By its name."""
            return {"point": self.of[1]}

        def controller_identity(self) -> dict[str, Any]:
            """Its law."""
            return {"law": "linear"}

        def seed(self, purpose: str) -> str:
            """Of its own."""
            return f"{purpose} of {self.of[2]}"

    def run_of(folder: Path, metadata: dict[str, Any], parameters: Any, series: int) -> int:
        assert (str(folder), metadata["closure"]) == (f"calibration-{length}/friction", series)
        return series

    def measure_study(runs: list[int], points: dict[str, Any]) -> pd.DataFrame:
        assert points == {name: {"point": name, "controller": {"law": "linear"}} for name in ("kH_3", "kH_4.80")}
        measured.append([*runs])
        return pd.DataFrame({"value": [float(runs[0])]})

    def measure(run: int, seed: str) -> pd.DataFrame:
        assert seed == f"bath_energy of {run}"
        measured.append([run])
        return pd.DataFrame({"value": [float(run)]})

    do(
        "calibrate",
        [],
        [str(tmp_path / "runs.parquet")],
        wildcards={"length": length, "point": "friction", "first": "2", "last": "3"},
        pd=pd,
        Experiment=Made,
        Run=run_of,
        Parameters=SimpleNamespace(of_run=lambda metadata: metadata),
        STUDIES=("shell", "bodies", "maxwell"),
        REPLICAS=3,
        load_study=lambda name: name,
        experiment_at=Made,
        machine=SimpleNamespace(points=lambda study: ["kH_3", "kH_4.80"]),
        describe=lambda experiment, series: experiment.describe(),
        judge=lambda experiment, series: series,
        measure_study=measure_study,
        measure=measure,
    )
    assert measured == wanted
    found = pd.read_parquet(tmp_path / "runs.parquet")
    assert [*found["run"]] == [2, 3]
    assert [*found["value"]] == [float(runs[0]) for runs in wanted]
    assert set(found["length"]) == {length}
    assert length == "shell" or set(found["point"]) == {"friction"}
