"""Archived run folders: a fraction of the size, the same numbers, and never one run in the place of another."""

from __future__ import annotations

import io
import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import MDAnalysis
import numpy as np
import pandas as pd
import pytest

from analysis.data.runs import load_run, load_runs
from analysis.heat.rates import point_summary
from simulation.engines.ranks import Ranks
from simulation.experiments import experiment_at, experiments
from simulation.experiments.base import Experiment
from simulation.folder import run_folder
from simulation.folder.archive import archive, differences, rounded, unpack, without_velocities
from simulation.perform import perform
from simulation.storage.files import checksum
from simulation.study.fields import Study
from simulation.study.files import check_study, load_study
from tests.unit.synthetic import Truth, write_runs

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "reference/reference/sweep/kH_4.80/replica_1"


SHORT: dict[str, Any] = {
    "engine": "langevin",
    "baths": {"fluid_atoms": "25280"},
    "demon": {"kappa_ratios": ["4.80"]},
    "integration": {"timestep_fs": "20"},
    "schedule": {"sweep_ns": "0.1", "segment_ps": "10", "trajectory_every_ps": "10"},
}


def short(**sections: Any) -> Experiment:
    """A run of the exact model."""
    changed = {key: SHORT.get(key, {}) | value for key, value in sections.items()}
    return experiment_at(check_study("short", SHORT | changed), "kH_4.80", 1)


def made(sweep_ns: str = "0.4", **sections: Any) -> Study:
    """A study of two runs of one point, and of two without controller."""
    lengths = {"sweep_ns": sweep_ns, "friction_ns": "0.05", "sweep_replicas": 2, "friction_replicas": 2}
    return short(schedule=lengths, **sections).study


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Results with the two finished runs of the point."""
    for folder in write_runs(tmp_path / "results/short", Truth(sample_interval=0.5), 400.0, 2, seed=1):
        mark(folder, experiment_at(made(), "kH_4.80", int(folder.name[-1])).fingerprint)
    return tmp_path / "results"


def read(folder: Path) -> dict[str, Any]:
    """A run folder's record."""
    content: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return content


def change(folder: Path, **entries: Any) -> None:
    """Change entries of a run folder's record."""
    (folder / "run.json").write_text(json.dumps(read(folder) | entries), encoding="utf-8")


def mark(folder: Path, fingerprint: str) -> None:
    """Give a run folder a fingerprint."""
    change(folder, fingerprint=fingerprint)


# --- into the archive -------------------------------------------------------------------------------------------------


def test_archive_keeps_what_is_measured(results: Path, tmp_path: Path) -> None:
    """Heats from the archive are those of the runs, to a hundredth of their errors; copies made once are not made again."""
    copies = list(archive(made(), results, tmp_path / "archive"))
    sources = [results / "short" / copy.relative_to(tmp_path / "archive") for copy in copies]
    assert len(copies) == 2
    ours, theirs = point_summary(load_runs(sources)), point_summary(load_runs(copies))
    for their, own in zip(theirs.heat, ours.heat, strict=True):
        assert their.value == pytest.approx(own.value, abs=0.01 * own.se)
        assert their.se == pytest.approx(own.se, rel=0.01)
    size = [sum((folder / "series.parquet").stat().st_size for folder in folders) for folders in (sources, copies)]
    assert size[1] < 0.6 * size[0]
    assert not list(archive(made(), results, tmp_path / "archive"))


def test_archived_series_is_the_run_s_to_a_thousandth_of_its_changes(results: Path, tmp_path: Path) -> None:
    """Every column and every row; steps and times exactly; the record tells what was done and the new checksum."""
    copy = next(archive(made(), results, tmp_path / "archive"))
    source = results / "short" / copy.relative_to(tmp_path / "archive")
    ours, theirs = (pd.read_parquet(folder / "series.parquet") for folder in (source, copy))
    assert list(theirs.columns) == list(ours.columns)
    for name in ours.columns:
        exact = name in ("step", "time_ps")
        error = np.abs(theirs[name] - ours[name]).max()
        single = 2.0**-24 * np.abs(ours[name]).max()
        assert error <= (0 if exact else ours[name].diff().std() / 1024 + single)
        assert theirs[name].dtype == (ours[name].dtype if exact else np.float32)
    record = read(copy)
    assert record == read(source) | {
        "archived": "series in single precision, rounded by at most a thousandth of its changes",
        "series_sha256": checksum(copy / "series.parquet"),
    }


@pytest.mark.parametrize(
    "values", [[3.7, 3.7, 3.7], [np.nan] * 3, [1.0, np.nan, 2.0], [5.3], [0.1, 1e3 + 0.1, 2e3 + 0.1]]
)
def test_only_noise_is_rounded(values: list[float]) -> None:
    """What is constant, missing, alone, or changes evenly is kept to single precision."""
    series = pd.DataFrame({"step": range(len(values)), "pressure_cold_bar": values})
    assert np.allclose(rounded(series)["pressure_cold_bar"], values, rtol=1e-7, atol=0, equal_nan=True)


def test_rounding_shortens_the_series_of_a_run() -> None:
    """A quarter of a noise's digits are dropped: what is archived is less than three quarters of single precision."""
    noise = np.random.default_rng(1).standard_normal((5000, 3))
    series = pd.DataFrame(noise, columns=list("abc"))
    sizes = []
    for content in (series.astype(np.float32), rounded(series)):
        stream = io.BytesIO()
        content.to_parquet(stream, compression="zstd", use_dictionary=False, use_byte_stream_split=True)
        sizes.append(stream.tell())
    assert sizes[1] < 0.75 * sizes[0]


def test_atoms_are_kept_of_the_first_friction_run_alone(results: Path, tmp_path: Path) -> None:
    """They are large, and one set shows the system; checkpoints, decks, logs and baths are not published."""
    for folder in write_runs(results / "short", Truth(kappa_ratio=None, sample_interval=0.5), 50.0, 2, seed=2):
        mark(folder, experiment_at(made(), "friction", int(folder.name[-1])).fingerprint)
    shutil.copytree(results / "short/friction/replica_1", results / "short/equilibrated/replica_1")
    change(results / "short/equilibrated/replica_1", purpose="equilibration")
    for folder in results.glob("short/*/**/replica_*"):
        for name in ("topology.data", "trajectory.dcd", "end.restart", "deck.lmp", "log.lammps"):
            (folder / name).write_text(name, encoding="utf-8")
        change(folder, sha256={"series.parquet": "0", "end.restart": "1"}, digest="of all this")
    copies = {str(copy.relative_to(tmp_path / "a")): copy for copy in archive(made(), results, tmp_path / "a")}
    assert set(copies) == {f"{point}/replica_{n}" for point in ("friction", "sweep/kH_4.80") for n in (1, 2)}
    for name, copy in copies.items():
        kept = {"run.json", "series.parquet"}
        kept |= {"topology.data", "trajectory.dcd"} if name == "friction/replica_1" else set()
        assert {file.name for file in copy.iterdir()} == kept
        assert read(copy).keys().isdisjoint({"sha256", "digest"}), "of files that are not there"


def test_archived_atoms_are_those_of_the_run(tmp_path: Path) -> None:
    """Types and positions are kept, and what follows the velocities; MDAnalysis opens the file."""
    text = (ROOT / "reference/reference-periodic/friction/replica_1/topology.data").read_text(encoding="utf-8")
    velocities = "\nVelocities\n\n1 0.123456789 -2.5e-05 0\n"
    short = without_velocities(text.rstrip("\n") + "\n" + velocities + "\nBonds\n\n1 1 1 2\n")
    assert "Velocities" not in short
    assert short.endswith("\nBonds\n\n1 1 1 2\n")
    for name, content in (("long.data", text), ("short.data", short.partition("\nBonds")[0])):
        (tmp_path / name).write_text(content, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about names that the file does not have
        long, kept = (MDAnalysis.Universe(str(tmp_path / name)).atoms for name in ("long.data", "short.data"))
    assert (kept.types == long.types).all()
    assert np.abs(kept.positions - long.positions).max() < 6e-5
    assert without_velocities("Atoms # molecular\n\n7 1 1 -0.0012345678901 2.5 1.23456e-06 0 0 -1\n") == (
        "Atoms # molecular\n\n7 1 1 -0.0012 2.5 0.0000 0 0 -1\n"
    )


def test_archive_holds_one_run_in_each_place(results: Path, tmp_path: Path) -> None:
    """A run of other parameters is refused; a longer one of the same takes the place of a shorter one, and not the reverse."""
    list(archive(made(), results, tmp_path / "archive"))
    run = results / "short/sweep/kH_4.80/replica_2"
    change(run, duration_ps=800.0)
    assert [copy.name for copy in archive(made("0.8"), results, tmp_path / "archive")] == ["replica_2"]
    change(run, duration_ps=790.0)
    assert not list(archive(made("0.79"), results, tmp_path / "archive"))
    copy = tmp_path / "archive/sweep/kH_4.80/replica_2"
    mark(copy, "second")
    with pytest.raises(ValueError, match="run of other parameters") as refusal:
        list(archive(made("0.79"), results, tmp_path / "archive"))
    assert str(refusal.value) == f"{copy} holds a run of other parameters than {run}: move one of them away"


def test_archive_holds_runs_of_the_study_alone(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was made with other parameters, for another time, or for a point that is gone, is left out and named."""
    sweep = results / "short/sweep"
    shutil.copytree(sweep / "kH_4.80/replica_1", sweep / "kH_1.2/replica_1")
    hot = made(baths={"temperature_hot_K": "121"})
    for run, settings in (("kH_4.80/replica_1", hot), ("kH_4.80/replica_2", made())):
        change(sweep / run, settings=settings.model_dump(mode="json"))
    mark(sweep / "kH_4.80/replica_1", experiment_at(hot, "kH_4.80", 1).fingerprint)
    assert [copy.name for copy in archive(made(), results, tmp_path / "archive")] == ["replica_2"]
    assert sorted(file.parent.name for file in (tmp_path / "archive").rglob("run.json")) == ["replica_2"]
    assert capsys.readouterr().err.splitlines() == [
        f"{sweep}/kH_1.2/replica_1 is left out: the study has no such run: add it there, or delete this folder",
        f"{sweep}/kH_4.80/replica_1 is left out: it was made with baths.temperature_hot_K = 121.0 (the study says 120.0): "
        "run the study again",
    ]
    with pytest.raises(ValueError, match="short has no finished run: run the study first"):
        list(archive(made("0.8"), results, tmp_path / "longer"))
    assert "schedule.sweep_ns = 0.4 (the study says 0.8): run the study again" in capsys.readouterr().err


def test_a_damaged_run_is_not_archived(results: Path, tmp_path: Path) -> None:
    """It is named with what to do."""
    file = results / "short/sweep/kH_4.80/replica_1/run.json"
    file.write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="is damaged") as refusal:
        list(archive(made(), results, tmp_path / "archive"))
    assert str(refusal.value) == f"{file} is damaged: delete it and run the study again"


def test_nothing_to_archive_is_said(tmp_path: Path) -> None:
    """A study without finished runs is an error with its cure."""
    with pytest.raises(ValueError, match="no finished run: run the study first"):
        list(archive(made(), tmp_path, tmp_path / "archive"))


# --- out of it --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("study", sorted(folder.name for folder in (ROOT / "reference").iterdir() if folder.is_dir()))
def test_every_shipped_run_replaces_that_of_its_study(study: str, tmp_path: Path) -> None:
    """As it is unpacked by the workflow: a change of a deck or of a study that no shipped run fits is noticed here."""
    shipped = {run.folder: run for run in experiments(load_study(study))}
    found = sorted((ROOT / "reference" / study).rglob("run.json"))
    assert found
    for file in found:
        name = str(file.parent.relative_to(ROOT / "reference"))
        unpack(shipped[name], file.parent, tmp_path / name)
        assert run_folder.missing(shipped[name], tmp_path / name) == set()


def reference(**sections: Any) -> Experiment:
    """Run kH_4.80 of the study that the shipped one was made with, some of its fields replaced."""
    settings = read(SHIPPED)["settings"]
    data = {key: value for key, value in settings.items() if key != "name"}
    data |= {"demon": data["demon"] | {"kappa_ratios": ["4.80"]}, "drag": {"forces_nN": []}}
    changed = {key: data.get(key, {}) | value if isinstance(value, dict) else value for key, value in sections.items()}
    return experiment_at(check_study(settings["name"], data | changed), "kH_4.80", 1)


DECIDING: dict[str, dict[str, Any]] = {
    "seed = 2023 (the study says 1)": {"seed": 1},
    "trap.stiffness_eV_per_A2 = 0.01 (the study says 0.02)": {"trap": {"stiffness_eV_per_A2": 0.02}},
    "baths.temperature_hot_K = 120.0 (the study says 120.5)": {"baths": {"temperature_hot_K": 120.5}},
    "baths.thermostat = nose-hoover (the study says csvr)": {"baths": {"thermostat": "csvr"}},
    "demon.coupling_axes = xyz (the study says xy)": {"demon": {"coupling_axes": "xy", "kappa_ratios": ["4.80"]}},
    "materials.cutoff_A = 8.5125 (the study says 9.0)": {"materials": {"cutoff_A": 9.0}},
    "materials.fluid_metal = None (the study says {'epsilon_eV': 0.03, 'sigma_A': 2.8715})": {
        "materials": {"fluid_metal": {"epsilon_eV": 0.03, "sigma_A": 2.8715}}
    },
    "materials.fluid.mass_u = 39.948 (the study says 40.0)": {
        "materials": {"fluid": {"mass_u": 40.0, "epsilon_eV": 0.0104, "sigma_A": 3.405}}
    },
    "schedule.relaxation_ps = 40.0 (the study says 150.0)": {"schedule": {"relaxation_ps": 150.0}},
    "schedule.equilibration_ps = 200.0 (the study says 150.0)": {"schedule": {"equilibration_ps": 150.0}},
    "schedule.sweep_ns = 1.0 (the study says 2.0)": {"schedule": {"sweep_ns": 2.0}},
    "schedule.sample_every_ps = 0.1 (the study says 0.2)": {"schedule": {"sample_every_ps": 0.2}},
    "integration.neighbour_skin_A = 0.8 (the study says 1.0)": {"integration": {"neighbour_skin_A": 1.0}},
}


@pytest.mark.parametrize("named", DECIDING)
def test_one_differing_field_is_refused_by_name(named: str, tmp_path: Path) -> None:
    """A study that was changed since takes nothing from the archive: the field is told with both values, nothing is copied."""
    other = reference(**DECIDING[named])
    with pytest.raises(ValueError, match="was made with") as failure:
        unpack(other, SHIPPED, tmp_path / "other")
    assert str(failure.value) == (
        f"{SHIPPED} was made with {named}: give the changed study a different name, or move {SHIPPED} away"
    )
    assert not (tmp_path / "other").exists()


def test_every_differing_field_is_named(tmp_path: Path) -> None:
    """Those that decide the run, all of them in one message, and no other."""
    other = reference(
        baths={"edge_nm": 6.6}, schedule={"sweep_ns": 2.0, "friction_ns": 9.0, "friction_replicas": 9}, ranks=2
    )
    with pytest.raises(ValueError, match="was made with") as failure:
        unpack(other, SHIPPED, tmp_path / "other")
    assert named_in(str(failure.value)) == ["baths.edge_nm", "schedule.sweep_ns"]
    renamed = experiment_at(reference().study.model_copy(update={"name": "mine"}), "kH_4.80", 1)
    assert differences(renamed, read(SHIPPED)["settings"]) == ["name = reference (the study says mine)"]


def named_in(message: str) -> list[str]:
    """Fields that a message names."""
    return [part.split(" = ")[0] for part in message.partition("was made with ")[2].split(", ") if " = " in part]


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"ranks": 4},
        {"schedule": {"friction_ns": 3.0, "segment_ps": 10.0, "trajectory_every_ps": 10.0, "friction_replicas": 1}},
        {"drag": {"forces_nN": ["1.0"], "replicas": 3}},
        {"limits": {"closure_drift_eV_per_ns": 1.0}},
        {"demon": {"kappa_ratios": ["9", "4.80"], "shown_ratios": ["9"]}},
        {"materials": {"fluid_metal": {"epsilon_eV": (0.0104 * 0.4093) ** 0.5, "sigma_A": 2.8715}}},
    ],
    ids=["nothing", "ranks", "lengths of others", "drags", "limits", "other points", "the same, stated"],
)
def test_what_does_not_touch_a_run_does_not_keep_it_from_serving(sections: dict[str, Any], tmp_path: Path) -> None:
    """A run of the same physics is copied as it is."""
    wanted = reference(**sections)
    unpack(wanted, SHIPPED, tmp_path / "same")
    assert (tmp_path / "same/series.parquet").read_bytes() == (SHIPPED / "series.parquet").read_bytes()
    assert read(tmp_path / "same") == read(SHIPPED)
    assert not run_folder.missing(wanted, tmp_path / "same")


def test_a_run_of_this_version_must_be_the_same_run(tmp_path: Path) -> None:
    """Of its fingerprint and its length: parameters are named; where none differs, its protocol or controller does."""
    perform(short(), tmp_path / "run", Ranks(1))
    (tmp_path / "run/segments").mkdir()
    unpack(short(), tmp_path / "run", tmp_path / "same")
    assert {file.name for file in (tmp_path / "same").iterdir()} == {"run.json", "series.parquet"}
    assert read(tmp_path / "same") == read(tmp_path / "run")
    for other, named in (
        (short(schedule={"sweep_ns": "0.2"}), r"schedule\.sweep_ns = 0\.1 \(the study says 0\.2\)"),
        (short(schedule={"sweep_ns": "0.05"}), r"schedule\.sweep_ns = 0\.1 \(the study says 0\.05\)"),
        (
            short(langevin={"friction_hot_kg_per_s": "7e-12"}),
            r"langevin\.friction_hot_kg_per_s = 3\.5e-12 \(the study says 7e-12\)",
        ),
    ):
        with pytest.raises(ValueError, match=f"was made with {named}: give the changed study"):
            unpack(other, tmp_path / "run", tmp_path / "other")
    mark(tmp_path / "run", "of another version")
    with pytest.raises(ValueError, match="was made with another protocol or controller: give the changed study"):
        unpack(short(), tmp_path / "run", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_another_run_of_the_study_is_refused_by_name(tmp_path: Path) -> None:
    """All runs of a study have the same settings; a folder without a run is refused, too."""
    perform(short(), tmp_path / "run", Ranks(1))
    for source, wanted, holds in (
        (
            tmp_path / "run",
            experiment_at(short(schedule={"sweep_replicas": 2}).study, "kH_4.80", 2),
            "kH_4.80 replica 1",
        ),
        (tmp_path / "run", experiment_at(short().study, "friction", 1), "kH_4.80 replica 1"),
        (SHIPPED, experiment_at(reference().study, "kH_4.80", 2), "kH_4.80 replica 1"),
        (SHIPPED, experiment_at(reference().study, "friction", 1), "kH_4.80 replica 1"),
    ):
        with pytest.raises(
            ValueError, match=rf"holds {holds}, and {wanted.point} replica {wanted.replica} is asked for"
        ):
            unpack(wanted, source, tmp_path / "other")
    (tmp_path / "run/run.json").write_text("{", encoding="utf-8")
    for source in (tmp_path / "run", tmp_path / "none"):
        with pytest.raises(
            ValueError, match=r"run\.json is missing or damaged: give the folder of one run, such as ARCHIVE/sw"
        ):
            unpack(short(), source, tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("damage", ["shorter", "gone"])
def test_a_damaged_archive_is_not_unpacked(damage: str, tmp_path: Path) -> None:
    """A series that is not the one of its record is named, and nothing is copied."""
    shutil.copytree(SHIPPED, tmp_path / "archive")
    series = tmp_path / "archive/series.parquet"
    content = series.read_bytes()
    series.unlink()
    if damage == "shorter":
        series.write_bytes(content[:-1000])
    with pytest.raises(ValueError, match="series") as refusal:
        unpack(reference(), tmp_path / "archive", tmp_path / "out")
    assert str(refusal.value) == (
        f"{series} is missing or damaged, its checksum does not match run.json: restore it in the archive, or run "
        "reference kH_4.80 replica 1 anew"
    )
    assert not (tmp_path / "out").exists()


def test_options_of_a_controller_are_compared_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that only the run or only the study has is a difference, too."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("class Mine: ...\n", encoding="utf-8")

    def own(**options: str) -> Experiment:
        data = short().study.model_dump(mode="json")
        data["demon"] |= {"controller": "mine:Mine", "controller_options": options}
        return experiment_at(Study.model_validate(data), "kH_4.80", 1)

    for made, wanted in (({"gain": "2"}, {}), ({}, {"gain": "2"}), ({"gain": "2"}, {"gain": "3"})):
        found = differences(own(**wanted), own(**made).study.model_dump(mode="json"))
        assert found == [f"demon.controller_options = {made} (the study says {wanted})"]
    assert differences(own(gain="2"), own(gain="2").study.model_dump(mode="json")) == []


def test_the_shipped_runs_are_all_that_their_study_needs(tmp_path: Path) -> None:
    """`snakemake reference` simulates nothing: every run of its study is there, whole, and of the study's parameters."""
    study = load_study("reference")
    runs = [run for run in experiments(study) if run.kind != "baths"]
    assert len(runs) == 3 + 9 * 3
    for run in runs:
        unpack(run, ROOT / "reference" / run.folder, tmp_path / run.folder)
        # Reading checks the series against its checksum and length.
        assert load_run(tmp_path / run.folder / "run.json").duration == run.duration_ps
        assert not run_folder.missing(run, tmp_path / run.folder)
