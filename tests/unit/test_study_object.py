"""What a notebook gets from the folder of a study: the numbers of its files, its runs, and clear words where one is missing."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.compare.comparison import Comparison
from analysis.compare.table import COLUMNS, summary_table
from analysis.data.parameters import Parameters
from analysis.data.runs import load_runs
from analysis.data.universe import TOPOLOGY
from analysis.dataset import dataset
from analysis.errors import AnalysisError
from analysis.friction.drag import drag_summary, load_drag_runs
from analysis.friction.response import responses
from analysis.friction.result import FrictionResult
from analysis.friction.summary import friction_summary
from analysis.heat.information import information_summary
from analysis.heat.rates import point_summary
from analysis.study import THEORY_COLUMNS, StudyResults
from simulation.experiments.drag import Drag
from simulation.experiments.machine import friction_runs, point_runs, points
from simulation.study.files import check_study
from tests.unit.any_study import simulate
from tests.unit.synthetic import Truth, synthetic_runs, write_atoms
from tests.workflow.checkout import ROOT

FIELDS: dict[str, Any] = {
    "engine": "langevin",
    "seed": 7,
    "demon": {"kappa_ratios": ["12.0", "0.17", "4.80"], "coupling_axes": "xz"},
    "baths": {"fluid_atoms": 25280},
    "integration": {"timestep_fs": 100},
    "schedule": {
        "friction_ns": 0.3,
        "friction_replicas": 2,
        "sweep_ns": 0.1,
        "sweep_replicas": 2,
        "sample_every_ps": 0.4,
        "trajectory_every_ps": 2,
        "segment_ps": 20,
        "equilibration_ps": 20,
        "relaxation_ps": 20,
    },
    "drag": {"forces_nN": ["0.3"], "duration_ns": 0.04, "equilibration_ps": 20, "replicas": 1},
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a whole study of the exact model, as the workflow leaves it."""
    results = tmp_path_factory.mktemp("checkout") / "results"
    study = check_study("exact", FIELDS)
    at_rest = load_runs([simulate(run, results) for run in friction_runs(study)])
    drags = load_drag_runs([simulate(run, results) for run in Drag.all_of(study)])
    folder = results / "exact"
    _write(folder / "friction.json", friction_summary(at_rest, drag_summary(drags)).to_json())
    responses(at_rest).save(folder / "response.npz")
    for point in points(study):
        runs = load_runs([simulate(run, results) for run in point_runs(study, point)])
        _write(folder / "sweep" / point / "heat.json", point_summary(runs).to_json())
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to take something away from."""
    return Path(shutil.copytree(whole, tmp_path / "results/exact"))


@pytest.fixture
def study(whole: Path) -> StudyResults:
    """All that it left."""
    return analysis.load(whole)


def test_points_are_in_the_order_of_their_ratio(study: StudyResults) -> None:
    """By number, not by spelling nor as the study file lists them."""
    assert study.name == "exact"
    assert study.points == ("kH_0.17", "kH_4.80", "kH_12.0")
    assert study.drags == ("drag/cold/F_0.3", "drag/hot/F_0.3")
    assert study.replicas("kH_4.80") == study.replicas("friction") == (1, 2)


def test_what_was_put_aside_is_no_point(folder: Path) -> None:
    """A point or a replica that was renamed, and a run that is not finished, are not listed."""
    shutil.copytree(folder / "sweep/kH_4.80", folder / "sweep/kH_4.80_old")
    shutil.copytree(folder / "friction/replica_2", folder / "friction/replica_old")
    (folder / "sweep/kH_0.5/replica_1/segments").mkdir(parents=True)
    study = analysis.load(folder)
    assert study.points == ("kH_0.17", "kH_4.80", "kH_12.0")
    assert study.replicas("friction") == (1, 2)


def test_runs_are_those_of_the_folders(study: StudyResults, whole: Path) -> None:
    """A run is the checked one of its folder, by point and replica; those of drags have their own columns."""
    run = study.run("kH_4.80", replica=2)
    assert run.folder == whole / "sweep/kH_4.80/replica_2"
    assert run.kappa_ratio == "4.80"
    assert [each.metadata["replica"] for each in study.runs("kH_4.80")] == [1, 2]
    pd.testing.assert_frame_equal(study.runs("kH_4.80")[1].series, run.series)
    assert study.run("friction").parameters.coupling == (0.0, 0.0)
    assert study.drag_run("drag/hot/F_0.3").side == "hot"


def test_tables_are_those_of_the_workflow(study: StudyResults, whole: Path) -> None:
    """The summary, friction and response of the files; a table that was changed does not change the next one."""
    heats = [whole / "sweep" / point / "heat.json" for point in reversed(study.points)]
    comparison = Comparison.read(heats, whole / "friction.json", whole / "response.npz")
    friction = json.loads((whole / "friction.json").read_text(encoding="utf-8"))
    table = study.summary
    table.loc[:, "heat_cold_eV_per_ns"] = 0.0
    pd.testing.assert_frame_equal(study.summary, summary_table(comparison))
    assert list(study.summary.columns) == COLUMNS
    pd.testing.assert_frame_equal(study.friction_by_axis, FrictionResult.from_json(friction).by_axis())
    assert study.friction.pooled.white[1].value == friction["axes"]["xyz"]["friction_hot_eV_ps_per_A2"]
    assert list(study.responses.along) == list(study.friction.along)


def test_information_is_that_of_its_files(folder: Path) -> None:
    """Points that have an information.json have its numbers in the summary, and those columns of others are empty."""
    for point in ("kH_0.17", "kH_12.0"):
        runs = load_runs(sorted((folder / "sweep" / point).glob("replica_*")))
        content = information_summary(runs).to_json() | {"information_cold_kB_per_ns": -0.5 if "12" in point else 0.25}
        _write(folder / "sweep" / point / "information.json", content)
    table = analysis.load(folder).summary.set_index("kappa_ratio")
    assert table["information_cold_kB_per_ns"].tolist() == pytest.approx([0.25, math.nan, -0.5], nan_ok=True)
    assert list(table.reset_index().columns) == COLUMNS
    (folder / "sweep/kH_0.17/information.json").write_text("{", encoding="utf-8")
    with pytest.raises(AnalysisError, match=r"kH_0.17/information.json: damaged; delete it, and `snakemake .* sweep "):
        _ = analysis.load(folder).summary


def test_nothing_is_measured_again(folder: Path) -> None:
    """Tables and theory come from the files alone: they are there without any run, and say what the files say."""
    for group in ("sweep/kH_4.80/replica_1", "sweep/kH_4.80/replica_2", "sweep/kH_0.17/replica_1", "friction", "drag"):
        shutil.rmtree(folder / group)
    file = folder / "sweep/kH_4.80/heat.json"
    _write(file, json.loads(file.read_text(encoding="utf-8")) | {"heat_cold_eV_per_ns": -123.0})
    study = analysis.load(folder)
    assert study.points == ("kH_0.17", "kH_4.80", "kH_12.0")
    assert study.summary.set_index("kappa_ratio").heat_cold_eV_per_ns["4.80"] == -123.0
    assert len(study.theory("4.80")) >= 4


def test_a_sweep_half_done_has_the_rows_that_are_there(folder: Path) -> None:
    """Points that are not measured yet are no row of the summary, and have their runs and their theory all the same."""
    (folder / "sweep/kH_0.17/heat.json").unlink()
    study = analysis.load(folder)
    assert list(study.summary.kappa_ratio) == ["4.80", "12.0"]
    assert len(study.runs("kH_0.17")) == 2
    whole = study.theory()
    assert list(dict.fromkeys(whole.kappa_ratio)) == ["0.17", "4.80", "12.0"]


def test_theory_is_that_of_the_summary(study: StudyResults) -> None:
    """At measured points, whatever they are called, every theory and side has the rate and the error of the summary."""
    row = study.summary.set_index("kappa_ratio").loc["4.80"]
    for asked in ("4.80", "kH_4.80", 4.8):
        table = study.theory(asked)
        assert list(table.columns) == THEORY_COLUMNS
        assert set(table.kappa_ratio) == {"4.80"}
        assert list(table.theory)[:4] == ["response", "response", "theory", "theory"]
        for each in table.itertuples():
            assert each.heat_eV_per_ns == row[f"{each.theory}_{each.side}_eV_per_ns"]
            if each.theory != "theory":
                assert each.se == pytest.approx(row[f"{each.theory}_{each.side}_se"], nan_ok=True)


def test_theory_knows_ratios_that_were_not_measured(study: StudyResults) -> None:
    """No heat flows at κ_H/κ_C = T_H/T_C, the cold bath is cooled above it and warmed below, and Q_H = -(κ_H/κ_C) Q_C."""
    for ratio, sign in ((1.0, 1.0), (1.2, 0.0), (3.3, -1.0)):
        for _, rates in study.theory(ratio).groupby("theory"):
            cold, hot = rates.heat_eV_per_ns
            assert math.copysign(1, cold) == sign if sign else abs(cold) < 1e-9
            assert hot == pytest.approx(-ratio * cold, abs=1e-9)


def test_theory_needs_friction_runs_alone(folder: Path) -> None:
    """Before the sweep has run, the settings of the friction runs say how the controller would act."""
    expected = analysis.load(folder).theory(4.8)
    shutil.rmtree(folder / "sweep")
    study = analysis.load(folder)
    assert study.points == ()
    assert study.theory().empty
    found = study.theory("4.80")
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)
    record = folder / "friction/replica_1/run.json"
    content = json.loads(record.read_text(encoding="utf-8"))
    del content["settings"]["demon"]["coupling_axes"]
    _write(record, content)
    with pytest.raises(AnalysisError, match=rf"^{record}: key 'coupling_axes' of its settings is missing$"):
        analysis.load(folder).theory("4.80")


@pytest.mark.parametrize(
    "fields",
    [
        {"demon": {"feedback": {"delay_ps": 0.2, "delayed": "partner", "filter_ps": 0.3}}},
        {"demon": {"feedback": {"update_every_ps": 0.2, "position_noise_A": 0.1}}},
        {"demon": {"feedback": {"force_limit_eV_per_A": 0.05}}},
        {"demon": {"damping_cold_kg_per_s": 3e-12}},
        {"trap": {"motion_cold": [{"amplitude_A": 1.0, "period_ps": 10, "phase_deg": 30}]}},
        {"langevin": {"active_hot": [{"force_eV_per_A": 0.02, "time_ps": 1}]}},
    ],
)
def test_settings_give_the_machine_of_the_sweep(fields: dict[str, Any], tmp_path: Path) -> None:
    """Theory before the sweep is that of the machine which will run, with its loop, damping, traps and baths."""
    short = {"friction_ns": 0.02, "friction_replicas": 1, "sweep_ns": 0.02, "sweep_replicas": 1}
    own = {
        **FIELDS,
        **fields,
        "demon": FIELDS["demon"] | fields.get("demon", {}),
        "schedule": FIELDS["schedule"] | short,
    }
    study = check_study("exact", {key: value for key, value in own.items() if key != "drag"})
    (at_rest,) = load_runs([simulate(run, tmp_path) for run in friction_runs(study)])
    (moved,) = load_runs([simulate(run, tmp_path) for run in point_runs(study, "kH_4.80")])
    found = Parameters.of_sweep(at_rest.metadata)
    assert replace(found, coupling=moved.parameters.coupling) == moved.parameters
    assert found.coupling[0] == moved.parameters.coupling[0]
    shutil.rmtree(tmp_path / "exact/sweep")
    assert analysis.load(tmp_path / "exact")._parameters("kH_4.80") == moved.parameters


def test_theory_says_nothing_of_other_controllers(folder: Path) -> None:
    """Where a law of one's own acted there is no row, at measured points and at others."""
    for file in folder.glob("sweep/*/heat.json"):
        content = json.loads(file.read_text(encoding="utf-8"))
        content["parameters"]["controller"] = "mine:Mine"
        _write(file, content)
    study = analysis.load(folder)
    assert study.theory().empty
    assert study.theory(3.3).empty
    assert list(study.summary.controller) == ["mine:Mine"] * 3


@pytest.mark.parametrize("ratio", ["much", "kH_", "nan", math.inf])
def test_a_ratio_that_is_no_number_is_refused(study: StudyResults, ratio: float | str) -> None:
    """Theory is asked for a finite number."""
    with pytest.raises(AnalysisError, match=r"must be a number, such as 4\.80"):
        study.theory(ratio)


@pytest.mark.parametrize(
    ("file", "part", "command"),
    [
        ("friction.json", "friction", "snakemake --cores 2 friction --config study=exact"),
        ("friction.json", "friction_by_axis", "snakemake --cores 2 friction --config study=exact"),
        ("friction.json", "summary", "snakemake --cores 2 friction --config study=exact"),
        ("response.npz", "responses", "snakemake --cores 2 results/exact/response.npz --config study=exact"),
        ("response.npz", "summary", "snakemake --cores 2 results/exact/response.npz --config study=exact"),
        ("sweep/kH_0.17/heat.json", "summary", "snakemake --cores 2 sweep --config study=exact"),
    ],
)
def test_missing_files_name_what_makes_them(folder: Path, file: str, part: str, command: str) -> None:
    """Whatever needs a file that is missing names it and the command; one that is damaged is named as well."""
    for each in folder.glob("sweep/*/heat.json") if "heat" in file else [folder / file]:
        each.unlink()
    with pytest.raises(AnalysisError) as missing:
        getattr(analysis.load(folder), part)
    assert str(missing.value) == f"{folder / file}: missing; `{command}` makes it"
    (folder / file).write_text("{", encoding="utf-8")
    with pytest.raises(AnalysisError, match=rf"{Path(file).name}: damaged; delete it, and `{command}` makes it again"):
        getattr(analysis.load(folder), part)


def test_files_of_a_folder_elsewhere_are_made_in_results(folder: Path, tmp_path: Path) -> None:
    """Snakemake writes below ``results`` only, so of another folder the message tells where the file will be."""
    elsewhere = tmp_path / "archive/exact"
    shutil.copytree(folder, elsewhere)
    (elsewhere / "friction.json").unlink()
    with pytest.raises(AnalysisError, match=r"study=exact` makes it in results/exact$"):
        _ = analysis.load(elsewhere).friction


def test_missing_runs_are_told_beside_those_that_are_there(study: StudyResults) -> None:
    """A point is named as its folder is; a replica too many, and a drag asked for as a point, are told as what they are."""
    with pytest.raises(
        AnalysisError, match=r"has no kH_4.8, but kH_0.17, kH_4.80, kH_12.0, friction, drag/cold/F_0.3, "
    ):
        study.run("kH_4.8")
    with pytest.raises(AnalysisError, match=r"finished replicas of kH_4.80: 1, 2; .*sweep/kH_4.80/replica_3/run.json "):
        study.run("kH_4.80", 3)
    with pytest.raises(AnalysisError, match=r"drag_run\('drag/cold/F_0.3'\)"):
        study.run("drag/cold/F_0.3")
    with pytest.raises(AnalysisError, match=r"has no kH_4.8, but"):
        study.runs("kH_4.8")


def test_a_point_without_runs_is_told_by_its_first_one(tmp_path: Path) -> None:
    """Of a point of which only the results were kept the first run is missed."""
    (tmp_path / "sweep/kH_9").mkdir(parents=True)
    (tmp_path / "sweep/kH_9/heat.json").write_text("{}", encoding="utf-8")
    study = StudyResults(tmp_path)
    assert study.points == ("kH_9",)
    assert study.replicas("kH_9") == ()
    with pytest.raises(AnalysisError, match=r"sweep/kH_9/replica_1"):
        study.runs("kH_9")


def test_what_is_no_study_is_refused(folder: Path, tmp_path: Path) -> None:
    """Nothing there, the folder of all studies, that of one run, and any other, each with what to do."""
    with pytest.raises(
        AnalysisError, match=r"no such folder; `snakemake --cores 2 --config study=demo` makes results/demo"
    ):
        analysis.load(tmp_path / "demo")
    with pytest.raises(AnalysisError, match=r"not the folder of one study, .*; it holds those of exact$"):
        analysis.load(tmp_path / "results")
    with pytest.raises(AnalysisError, match=r"the folder of one run"):
        analysis.load(folder / "sweep/kH_4.80/replica_1")
    with pytest.raises(AnalysisError, match=r"it holds no friction.json and no finished run"):
        analysis.load(folder / "sweep")


def test_atoms_are_those_of_the_run(folder: Path) -> None:
    """The universe of a run with atoms has them by side and part; the exact model has none, and says so."""
    with pytest.raises(AnalysisError, match=f"{TOPOLOGY}: missing"):
        analysis.load(folder).universe("friction", 2)
    place = folder / "friction/replica_2"
    atoms = {str(kind): np.full((kind, 3), 2.0 * kind) for kind in range(1, 7)}
    write_atoms(place, atoms, (0.0, 30.0, 20.0), frames=3)
    content = json.loads((place / "run.json").read_text(encoding="utf-8"))
    found = analysis.load(folder).universe("friction", 2)
    assert len(found.trajectory) == 3
    assert len(found.select_atoms("segid hot and resname particle")) == 4
    assert set(found.select_atoms("resname bath").names) == {content["settings"]["materials"]["fluid"]["symbol"]}


def test_it_cannot_be_changed(study: StudyResults) -> None:
    """It is what a folder holds, and no place to put things."""
    with pytest.raises(AttributeError):
        study.folder = Path("elsewhere")  # type: ignore[misc]


def test_without_xarray_there_is_one_clear_message(study: StudyResults, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no part of the environment, and all else works without it."""
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(AnalysisError, match=r"xarray is not installed, .*: pip install xarray$"):
        study.to_xarray("kH_4.80")


def test_xarray_has_the_series_and_their_units(study: StudyResults) -> None:
    """Every number of the series stands under its replica, time, side and axis; every variable has its unit."""
    pytest.importorskip("xarray")
    data = study.to_xarray("kH_4.80")
    assert dict(data.sizes) == {"replica": 2, "time_ps": 251, "side": 2, "axis": 3}
    assert all(variable.attrs["units"] and variable.attrs["long_name"] for variable in data.variables.values())
    series = study.run("kH_4.80", 2).series
    second = data.sel(replica=2)
    np.testing.assert_array_equal(second.time_ps, series.time_ps)
    for name, at in (("position", "A"), ("velocity", "A_per_ps"), ("work", "eV")):
        column = second[f"{name}_{at}"].sel(side="hot", axis="z")
        np.testing.assert_array_equal(column, series[f"{name}_hot_z_{at}"])
    for name in ("thermostat_eV", "energy_eV", "trap_eV", "temperature_K", "pressure_bar"):
        stem, unit = name.split("_")
        np.testing.assert_array_equal(second[name].sel(side="cold"), series[f"{stem}_cold_{unit}"])
    assert np.isnan(data.work_eV.sel(axis="y")).all()
    assert data.attrs["coupling_hot_eV_per_A2"] == pytest.approx(4.8 * data.attrs["coupling_cold_eV_per_A2"])
    assert (data.attrs["point"], data.attrs["coupling_axes"], data.attrs["controller"]) == ("kH_4.80", "xz", "linear")


def test_xarray_of_runs_that_differ(study: StudyResults) -> None:
    """Without controller there is no work; a shorter replica ends in what is no number."""
    pytest.importorskip("xarray")
    at_rest = study.to_xarray("friction")
    assert "work_eV" not in at_rest
    assert None not in at_rest.attrs.values()
    truth = Truth()
    (long,), (short,) = (synthetic_runs(truth, duration, 1, 1) for duration in (20, 10))
    data = dataset([short, long])
    assert data.sizes["time_ps"] == 21
    assert data.position_A.isel(replica=0).isnull().sum() == 10 * 6
    assert not data.position_A.isel(replica=1).isnull().any()


def test_what_xarray_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without xarray, by a stand-in: each number under its replica, time, side and axis, with units; false and 0 are told."""

    class Dataset:
        """What is given to it."""

        def __init__(self, variables: dict[str, Any], coordinates: dict[str, Any], whole: dict[str, Any]) -> None:
            self.variables, self.coordinates, self.whole = variables, coordinates, whole

    monkeypatch.setitem(sys.modules, "xarray", SimpleNamespace(Dataset=Dataset))
    (long,), (short,) = (synthetic_runs(Truth(kappa_ratio="0"), duration, 1, 1, axes="xz") for duration in (20, 10))
    long.metadata["replica"] = 2
    found: Any = dataset([short, long])
    for name, unit in (
        ("position_A", "angstrom"),
        ("velocity_A_per_ps", "angstrom/ps"),
        ("work_eV", "eV"),
    ):
        dimensions, values, attributes = found.variables[name]
        assert dimensions == ("replica", "time_ps", "side", "axis")
        assert attributes["units"] == unit
        stem, _, ending = name.partition("_")
        for replica, run in enumerate((short, long)):
            for j, side in enumerate(("cold", "hot")):
                for k, axis in enumerate("xyz"):
                    told = values[replica, : len(run.series), j, k]
                    if name == "work_eV" and axis == "y":
                        assert np.isnan(told).all()
                    else:
                        np.testing.assert_array_equal(told, run.series[f"{stem}_{side}_{axis}_{ending}"])
        assert np.isnan(values[0, 11:]).all()
    for name, unit in (
        ("thermostat_eV", "eV"),
        ("energy_eV", "eV"),
        ("trap_eV", "eV"),
        ("temperature_K", "K"),
        ("pressure_bar", "bar"),
    ):
        dimensions, values, attributes = found.variables[name]
        assert (dimensions, attributes["units"]) == (("replica", "time_ps", "side"), unit)
        stem, _, ending = name.partition("_")
        for j, side in enumerate(("cold", "hot")):
            np.testing.assert_array_equal(values[1, :, j], long.series[f"{stem}_{side}_{ending}"])
    assert "trap_work_eV" not in found.variables
    assert "internal_temperature_K" not in found.variables
    assert {name: list(each[1]) for name, each in found.coordinates.items()} == {
        "replica": [1, 2],
        "time_ps": [float(time) for time in range(21)],
        "side": ["cold", "hot"],
        "axis": ["x", "y", "z"],
    }
    assert (found.whole["coupling_hot_eV_per_A2"], found.whole["coupling_axes"], found.whole["point"]) == (
        0.0,
        "xz",
        "kH_0",
    )
    assert None not in found.whole.values()
    assert not [value for value in found.whole.values() if isinstance(value, list | dict)]


def test_importing_is_cheap() -> None:
    """Whoever imports the package, its exact theory or the simulations does not wait for SciPy, MDAnalysis and the like."""
    code = "import sys, {}; print(*(name for name in sys.modules if name.partition('.')[0] in {!r}))"
    slow = ("scipy", "MDAnalysis", "matplotlib", "xarray")
    for module, more, allowed in (
        ("analysis", ("analysis", "simulation", "pandas"), {"analysis"}),
        (
            "analysis.model",
            ("analysis", "simulation", "pandas"),
            {"analysis", "analysis.currents", "analysis.model", "analysis.units"},
        ),
        ("simulation.__main__", (), set()),  # what each job of molecular dynamics runs, and the workflow's plans load
    ):
        names = (*slow, *more)
        done = subprocess.run(
            [sys.executable, "-c", code.format(module, names)],
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        assert {".".join(name.split(".")[:2]) for name in done.stdout.split()} == allowed


def _write(file: Path, content: object) -> None:
    file.write_text(json.dumps(content, allow_nan=False), encoding="utf-8")
