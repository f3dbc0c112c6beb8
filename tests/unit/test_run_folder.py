"""Run folders: series joined from segments without a seam, whole files or a message, and what counts as this very run."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import MDAnalysis
import numpy as np
import pandas as pd
import pytest

from simulation.control.controller import LinearController
from simulation.engines.output import in_molecular_layout, read_filling, read_log, read_series
from simulation.engines.ranks import EngineError, Ranks
from simulation.experiments import experiment_at
from simulation.experiments.base import Column, Experiment, Kind, RejectedError
from simulation.experiments.baths import Baths
from simulation.folder import run_folder
from simulation.folder.closure import ClosureError
from simulation.perform import perform
from simulation.segments.checkpoint import Segment
from simulation.storage.files import checksum, digest, json_text, read_json, replace
from simulation.study.files import check_study
from tests.unit.synthetic import write_atoms

DATA: dict[str, Any] = {
    "baths": {"edge_nm": 6.5, "accessible_density_per_nm3": 19.56},
    "demon": {"kappa_ratios": ["4.80"], "coupling_axes": "xy"},
    "integration": {"timestep_fs": 4},
    "schedule": {
        "friction_ns": 0.04,
        "sweep_ns": 0.04,
        "relaxation_ps": 20,
        "equilibration_ps": 20,
        "segment_ps": 20,
        "trajectory_every_ps": 5,
    },
    "drag": {"forces_nN": ["0.3"], "duration_ns": 0.04},
}


def run_of(point: str, **sections: Any) -> Experiment:
    """A run of a study, some of whose fields are replaced."""
    changed = {key: DATA.get(key, {}) | v if isinstance(v, dict) else v for key, v in sections.items()}
    return experiment_at(check_study("example", DATA | changed), point, 1)


def experiment_columns(point: str) -> dict[str, Kind]:
    """The kind of each sampled column of a run."""
    return {column.series_name: column.kind for column in run_of(point).columns()}


# --- joined from segments ---------------------------------------------------------------------------------------------


def segments_of(columns: list[Column], counts: bool = True) -> list[pd.DataFrame]:
    """Three segments of five rows that share their ends; counters start with each, or go on as Nosé-Hoover's does."""
    generator = np.random.default_rng(1)
    steps = np.arange(0, 325, 25)
    sampled = {column.series_name: 100 + np.cumsum(generator.normal(size=steps.size)) for column in columns}
    whole = pd.DataFrame({"step": steps, "time_ps": steps * 0.004} | sampled)
    parts = [whole.iloc[start : start + 5].reset_index(drop=True) for start in (0, 4, 8)]
    counters = [column.series_name for column in columns if column.kind is Kind.COUNTER]
    for part in parts:
        if counts:
            part[counters] -= part[counters].iloc[0]
    return parts


@pytest.mark.parametrize("counts", [True, False], ids=["counted from each segment", "counted on"])
@pytest.mark.parametrize("point", ["kH_4.80", "friction", "drag/cold/F_0.3", "equilibrated"])
def test_joined_series_is_that_of_one_run(point: str, counts: bool) -> None:
    """Shared rows once; heat, work and way are counted from the first row on, all else is as it was sampled."""
    columns = list(run_of(point).columns())
    whole = segments_of(columns, counts=False)
    expected = pd.concat([part.iloc[int(n > 0) :] for n, part in enumerate(whole)], ignore_index=True)
    for column in columns:
        if column.kind in (Kind.COUNTER, Kind.WAY):
            expected[column.series_name] -= expected[column.series_name].iloc[0]
    joined = run_folder.join_series(segments_of(columns, counts), columns)
    assert len(joined) == 13
    pd.testing.assert_frame_equal(joined, expected, rtol=0, atol=1e-9)


def test_one_segment_is_a_series() -> None:
    """Its counters from its own first row."""
    columns = list(run_of("kH_4.80").columns())
    joined = run_folder.join_series(segments_of(columns, counts=False)[:1], columns)
    assert len(joined) == 5
    assert joined["work_cold_x_eV"].iloc[0] == 0
    assert joined["position_cold_x_A"].iloc[0] == pytest.approx(100, abs=5)


COMPARED = [
    (point, column.series_name)
    for point in ("kH_4.80", "drag/hot/F_0.3", "equilibrated")
    for column in run_of(point).columns()
    if column.kind in (Kind.STATE, Kind.WAY)
]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("point", "name"), [*COMPARED, ("kH_4.80", "step")])
def test_a_seam_is_found_in_every_state(point: str, name: str, sign: int) -> None:
    """A segment that does not begin where the one before it ended, in any of its states, is refused with the cure."""
    columns = list(run_of(point).columns())
    for seam in (1, 2):
        parts = segments_of(columns)
        parts[seam][name] = parts[seam][name].astype(float) + sign * (1.0 if name == "step" else 1e-6)
        begins = 100 * seam + sign * (name == "step")
        with pytest.raises(
            ValueError, match=rf"segments do not join at step {begins}: delete the run's segments/ folder"
        ):
            run_folder.join_series(parts, columns)
    parts = segments_of(columns)
    if name != "step":  # LAMMPS sums in another order after a restart: the last digits may differ
        parts[1][name] += sign * 1e-9
    run_folder.join_series(parts, columns)


def test_states_are_compared_and_readings_are_not() -> None:
    """Positions, velocities and energies of each particle and side; temperatures and pressures are of an instant."""
    names = {name for point, name in COMPARED if point == "kH_4.80"}
    assert names == {
        *(f"position_{side}_{axis}_A" for side in ("cold", "hot") for axis in "xyz"),
        *(f"velocity_{side}_{axis}_A_per_ps" for side in ("cold", "hot") for axis in "xyz"),
        *(f"{energy}_{side}_eV" for side in ("cold", "hot") for energy in ("energy", "trap")),
    }
    baths = experiment_columns("equilibrated")
    assert [name for name, kind in baths.items() if kind is Kind.STATE] == ["energy_cold_eV", "energy_hot_eV"]
    assert [name for name, kind in baths.items() if kind is Kind.COUNTER] == ["thermostat_cold_eV", "thermostat_hot_eV"]
    drag = {name for point, name in COMPARED if point.startswith("drag")}
    assert drag == {
        "energy_eV",
        *(f"displacement_{axis}_A" for axis in "xyz"),
        *(f"{which}velocity_{axis}_A_per_ps" for which in ("", "particle_", "fluid_") for axis in "xyz"),
    }
    columns = list(run_of("kH_4.80").columns())
    parts = segments_of(columns)
    parts[1].loc[0, ["temperature_cold_K", "pressure_hot_bar"]] += 50.0
    assert len(run_folder.join_series(parts, columns)) == 13


# --- what LAMMPS writes -----------------------------------------------------------------------------------------------

SERIES = "# Time-averaged data for fix series\n# TimeStep v_a v_b\n0 1.5 2\n25 1.25 -3e-7\n50 1 4\n"


def test_series_is_read_under_its_names(tmp_path: Path) -> None:
    """At full precision, with the time of each step."""
    (tmp_path / "series.dat").write_text(SERIES, encoding="utf-8")
    found = read_series(tmp_path / "series.dat", ["a_A", "b_eV"], 0.004, 3)
    assert list(found.columns) == ["step", "time_ps", "a_A", "b_eV"]
    assert found["step"].tolist() == [0, 25, 50]
    assert found["time_ps"].tolist() == pytest.approx([0, 0.1, 0.2])
    assert found["a_A"].tolist() == [1.5, 1.25, 1.0]
    assert found["b_eV"].tolist() == [2.0, -3e-7, 4.0]


@pytest.mark.parametrize("rows", [2, 4])
def test_missing_rows_are_a_full_disk(rows: int, tmp_path: Path) -> None:
    """LAMMPS does not always notice when it cannot write; so the rows are counted, and too many are as wrong as too few."""
    (tmp_path / "series.dat").write_text(SERIES, encoding="utf-8")
    with pytest.raises(OSError, match=f"3 rows of {rows}") as failure:
        read_series(tmp_path / "series.dat", ["a_A", "b_eV"], 0.004, rows)
    assert failure.value.errno == errno.ENOSPC


LOG = """Loop time of 1.5 on 1 procs for 200 steps with 2694 atoms
Ave neighs/atom = 30.1234
Dangerous builds = 1
Loop time of 2.25e+00 on 1 procs for 300 steps with 2694 atoms
Ave neighs/atom = 31.8567
Dangerous builds = 2
"""


def test_log_tells_cost_and_dangerous_builds(tmp_path: Path) -> None:
    """Of all of LAMMPS's runs in it together; neighbours are those of the last."""
    (tmp_path / "log.lammps").write_text(LOG, encoding="utf-8")
    found = read_log(tmp_path / "log.lammps")
    assert found == {"neighbours_per_atom": 31.857, "dangerous_builds": 3, "loop_time_s": 3.75}


def test_log_of_a_build_tells_the_rounds_of_filling(tmp_path: Path) -> None:
    """What was printed, in sequence for each side, and not the commands that print it."""
    (tmp_path / "log.lammps").write_text(LOG, encoding="utf-8")
    assert read_filling(tmp_path / "log.lammps") == {}
    command = 'print "nanofridge, {0}: bulk_pressure $(f_fill_mean[1]), add ${{add_{0}}}, take ${{take_{0}}}"\n'
    rounds = [("cold", "-71.5"), ("hot", "3.2e+02"), ("cold", "69"), ("hot", "361.25")]
    said = [
        command.format(side) + f"nanofridge, {side}: bulk_pressure {value}, add 0, take 12\n" for side, value in rounds
    ]
    (tmp_path / "log.lammps").write_text("".join(said) + LOG, encoding="utf-8")
    assert read_filling(tmp_path / "log.lammps") == {"cold": [-71.5, 69.0], "hot": [320.0, 361.25]}


@pytest.mark.parametrize("kept", ["", "Loop time of 1.5 on\n", "Ave neighs/atom = 3\n", "Dangerous builds = 0\n"])
def test_a_log_without_its_end_is_a_full_disk(kept: str, tmp_path: Path) -> None:
    """LAMMPS does not notice when it cannot write its log."""
    (tmp_path / "log.lammps").write_text(kept, encoding="utf-8")
    with pytest.raises(OSError, match="its end is missing") as failure:
        read_log(tmp_path / "log.lammps")
    assert failure.value.errno == errno.ENOSPC


def test_topology_is_in_the_layout_that_is_read_unasked() -> None:
    """Number, molecule, type, place and image flags; the type stands for the molecule; velocities stay as they are."""
    data = "made\n\n2 atoms\n\nMasses\n\n1 40\n\nAtoms # atomic\n\n12 3 1.5 2 3 0 -1 0\n7 1 4 5 6 0 0 0\n\n"
    data += "Velocities\n\n12 1 2 3\n7 4 5 6\n"
    expected = data.replace("# atomic", "# molecular").replace("12 3 1.5", "12 3 3 1.5").replace("7 1 4 5", "7 1 1 4 5")
    assert in_molecular_layout(data) == expected
    assert in_molecular_layout(expected) == expected


# --- judged and written -----------------------------------------------------------------------------------------------


def exact(**sections: Any) -> Experiment:
    """A run of the exact model."""
    return run_of("kH_4.80", engine="langevin", **sections)


def test_run_json_comes_last_and_tells_the_sums_of_all_else(tmp_path: Path) -> None:
    """Where it is, the rest is whole; whoever reads while it is written finds no record."""
    run = exact()
    series = run.exact()
    order: list[str] = []

    def writer(text: str) -> Any:
        def write(part: Path) -> None:
            order.append(text)
            assert not (tmp_path / "run" / "run.json").exists()
            part.write_text(text, encoding="utf-8")

        return write

    run_folder.write(
        run, tmp_path / "run", series, {"wall_time_s": 1.0}, {"log.lammps": writer("a"), "deck.lmp": writer("b")}
    )
    assert order == ["a", "b"]
    content = json.loads((tmp_path / "run/run.json").read_text(encoding="utf-8"))
    assert content["sha256"] == {
        name: checksum(tmp_path / "run" / name) for name in ("log.lammps", "deck.lmp", "series.parquet")
    }
    assert content["series_sha256"] == content["sha256"]["series.parquet"]
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "run/series.parquet"), series)
    assert not [file for file in (tmp_path / "run").iterdir() if file.name.endswith(".part")]
    expected = {"format": 2, "engine": "langevin", "study": "example", "purpose": "sweep", "point": "kH_4.80"}
    expected |= {"replica": 1, "kappa_ratio": "4.80", "fingerprint": run.fingerprint, "wall_time_s": 1.0}
    expected |= {"protocol": {"experiment": "machine", "version": run.versions["langevin"]}}
    assert {key: content[key] for key in expected} == expected
    assert content["controller"]["version"] == LinearController.version
    assert content["duration_ps"] == pytest.approx(40.0)
    assert content["settings"] == run.study.model_dump(mode="json")


def test_a_run_that_is_rejected_leaves_no_folder(tmp_path: Path) -> None:
    """Neither for its energy nor for another reason."""
    run = exact(limits={"closure_drift_eV_per_ns": 0.1})
    series = run.exact()
    series["thermostat_hot_eV"] -= 0.2 * series["time_ps"] / 1000
    with pytest.raises(ClosureError, match=r"hot side: energy drifts by -0\.2"):
        run_folder.write(run, tmp_path / "run", series, {}, {})
    baths = run_of("equilibrated")
    assert isinstance(baths, Baths)
    names = [column.series_name for column in baths.columns()]
    solid = pd.DataFrame({"time_ps": np.arange(10.0)} | {name: np.full(10, 100.0) for name in names})
    with pytest.raises(RejectedError, match="has not melted"):
        run_folder.write(baths, tmp_path / "run", solid, {}, {})
    assert not (tmp_path / "run").exists()
    solid[["order_cold_1", "order_hot_1"]] = 0.1
    solid["internal_temperature_hot_K"] = 120.0
    run_folder.write(baths, tmp_path / "run", solid, {"system": {"neighbours_per_atom": 30.0}}, {})
    content = read_json(tmp_path / "run/run.json") or {}
    assert content["checks"]["particle_temperature_hot_K"] == 120.0
    assert content["system"]["neighbours_per_atom"] == 30.0
    assert content["system"]["bath_edge_A"] == 65.0


@pytest.fixture
def finished(tmp_path: Path) -> tuple[Experiment, Path]:
    """A finished run."""
    run = exact()
    perform(run, tmp_path / "run", Ranks(1))
    return run, tmp_path / "run"


def change(folder: Path, **entries: Any) -> None:
    """Change entries of a record, and leave out its own digest; None takes one away."""
    content = (read_json(folder / "run.json") or {}) | {"digest": None} | entries
    content = {key: value for key, value in content.items() if value is not None}
    (folder / "run.json").write_text(json.dumps(content), encoding="utf-8")


def test_a_finished_run_is_left_alone(finished: tuple[Experiment, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """And is as new as if it had just been written, for workflows that compare times."""
    run, folder = finished
    before = (folder / "run.json").stat().st_mtime_ns, (folder / "run.json").read_bytes()
    os.utime(folder / "series.parquet", ns=(before[0] - 10**9,) * 2)
    assert run_folder.missing(run, folder) == set()
    perform(run, folder, Ranks(1))
    assert "complete" in capsys.readouterr().err
    assert (folder / "run.json").read_bytes() == before[1]
    assert min((folder / name).stat().st_mtime_ns for name in ("run.json", "series.parquet")) > before[0]


def test_what_is_damaged_or_gone_is_missing(finished: tuple[Experiment, Path]) -> None:
    """Each file by its checksum; without a record of this very run, everything."""
    run, folder = finished
    series = folder / "series.parquet"
    content = series.read_bytes()
    series.write_bytes(content[:-1] + b"?")
    assert run_folder.missing(run, folder) == {"series.parquet"}
    series.unlink()
    assert run_folder.missing(run, folder) == {"series.parquet"}
    series.write_bytes(content)
    change(folder, sha256={"series.parquet": checksum(series), "deck.lmp": "0"})
    assert run_folder.missing(run, folder) == {"deck.lmp"}
    change(folder, sha256=None)
    assert run_folder.missing(run, folder) == set()
    series.write_bytes(b"")
    assert run_folder.missing(run, folder) == {"series.parquet"}
    (folder / "run.json").write_text("{", encoding="utf-8")
    assert {"run.json", "series.parquet"} <= run_folder.missing(run, folder)


def test_a_record_that_is_not_what_was_written_counts_as_none(finished: tuple[Experiment, Path]) -> None:
    """Whatever in it was changed since."""
    run, folder = finished
    content = read_json(folder / "run.json") or {}
    content["closure"]["cold_rms_eV"] = 0.5
    (folder / "run.json").write_text(json.dumps(content), encoding="utf-8")
    assert {"run.json", "series.parquet"} <= run_folder.missing(run, folder)
    assert run_folder.read_record(folder) is None


@pytest.mark.parametrize(
    "change_", [{"fingerprint": "0"}, {"duration_ps": 39.9}, {"duration_ps": 40.1}, {"fingerprint": None}]
)
def test_another_run_is_not_this_one(change_: dict[str, Any], finished: tuple[Experiment, Path]) -> None:
    """Of other parameters or of another length, longer or shorter: its record counts as none."""
    run, folder = finished
    change(folder, **change_)
    assert {"run.json", "series.parquet"} <= run_folder.missing(run, folder)


@pytest.mark.parametrize("timestep", [1.666667, 3.333333, 6.666667])
def test_a_run_in_steps_of_few_digits_is_done_at_its_end(timestep: float, tmp_path: Path) -> None:
    """Its series ends a part of a step beside the length of the study, and one of a step more or less is another run."""
    run = run_of(
        "friction",
        engine="langevin",
        baths={"edge_nm": 11.5, "accessible_density_per_nm3": None, "fluid_atoms": 25280},
        integration={"timestep_fs": timestep},
        schedule={"friction_ns": 2, "sample_every_ps": 10, "trajectory_every_ps": 20},
    )
    perform(run, tmp_path, Ranks(1))
    record = read_json(tmp_path / "run.json")
    assert record is not None
    assert abs(record["duration_ps"] - run.duration_ps) > 1e-5
    assert not run_folder.missing(run, tmp_path)
    for steps in (-1, 1):
        other = record | {"duration_ps": record["duration_ps"] + steps * run.study.timestep_ps}
        assert not run_folder.matches(run, other)


def test_cost_and_versions_are_those_of_all_segments() -> None:
    """Times add up, ranks are all that there were, the build and the neighbours are the last ones."""
    usual: dict[str, Any] = {
        "first_step": 0,
        "last_step": 1000,
        "wall_time_s": 4.0,
        "loop_time_s": 3.0,
        "neighbours_per_atom": 30.0,
    }
    records = [
        usual | {"ranks": 2, "lammps_version": 20240829},  # of before sites were recorded
        usual
        | {"last_step": 500, "wall_time_s": 6.0, "ranks": 1, "lammps_version": 20250722, "neighbours_per_atom": 32.0}
        | {"site": {"lammps_arguments": "-sf omp"}},
        usual | {"first_step": 500, "ranks": 2, "lammps_version": 20250722, "site": {"lammps_arguments": "-sf opt"}},
        usual | {"first_step": 1000, "ranks": 2, "lammps_version": 20250722, "site": {"lammps_arguments": "-sf omp"}},
    ]
    found = run_folder.lammps_provenance(run_of("friction"), [Segment(Path(), record) for record in records])
    assert found["versions"].pop("lammps") == "20250722"
    assert {"python", "numpy"} <= set(found.pop("versions"))
    assert found == {
        "ranks": [1, 2],
        "site": [{"lammps_arguments": "-sf omp"}, {"lammps_arguments": "-sf opt"}],
        "segments": 4,
        "wall_time_s": 18.0,
        "loop_time_s": 12.0,
        "steps_per_s": round(2000 / 18, 2),
        "system": {"neighbours_per_atom": 30.0},
    }


@pytest.mark.parametrize("git", ["a1b2c3-dirty", "not a repository", None])
def test_versions_are_those_of_packages_and_of_the_checkout(git: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commit where git knows one; without git, or in a copy that is no clone, a run says nothing of it."""
    knows = git == "a1b2c3-dirty"

    def describe(command: list[str], **_: Any) -> SimpleNamespace:
        assert command[:3] == ["git", "-C", str(run_folder.ROOT)]
        return SimpleNamespace(returncode=0 if knows else 128, stdout=f"{git}\n" if knows else "")

    monkeypatch.setattr("shutil.which", lambda name: None if git is None else f"/usr/bin/{name}")
    monkeypatch.setattr("subprocess.run", describe)
    found = run_folder.versions()
    assert found.pop("nanofridge_commit", None) == (git if knows else None)
    assert set(found) == {"python", "numpy", "scipy", "pandas", "MDAnalysis", "snakemake"}
    known = {"numpy": np.__version__, "pandas": pd.__version__, "MDAnalysis": MDAnalysis.__version__}
    assert {name: found[name] for name in known} == known
    assert (run_folder.ROOT / "Snakefile").is_file()


def test_measured_segments_are_those_of_the_last_stage() -> None:
    """What relaxes or equilibrates is not in the series."""
    for point, count in (("kH_4.80", 2), ("drag/cold/F_0.3", 2), ("equilibrated", 1)):
        run = run_of(point)
        segments = [Segment(Path(str(piece.index)), {}) for piece in run.pieces()]
        measured = run_folder.measured(run, segments)
        assert measured == segments[-count:]


def atoms_of(folder: Path, frames: range, steps: int) -> Segment:
    """A segment's log, topology and trajectory, in which frame n lies at x = n, each `steps` steps apart."""
    folder.mkdir()
    place = np.array([[0.0, 1.0, 1.0]])
    write_atoms(folder, {"1": place}, (-1.0, 100.0, 10.0), 1)
    with MDAnalysis.Writer(str(folder / "trajectory.dcd"), 1, dt=steps * 0.004, format="DCD") as writer:
        universe = MDAnalysis.Universe.empty(1, trajectory=True)
        universe.dimensions = [101.0, 10.0, 10.0, 90, 90, 90]
        for frame in frames:
            universe.atoms.positions = place + np.array([float(frame), 0, 0])
            writer.write(universe.atoms)
    (folder / "log.lammps").write_text(f"log of {folder.name}\n", encoding="utf-8")
    (folder / "end.restart").write_text(f"end of {folder.name}", encoding="utf-8")
    return Segment(folder, {"frame_steps": steps})


def test_files_of_the_segments_are_joined(tmp_path: Path) -> None:
    """Logs one after the other, frames once each though segments share their ends, at an interval that all of them have."""
    run = run_of("friction", schedule={"relaxation_ps": 20, "friction_ns": 0.06})
    made = [
        atoms_of(tmp_path / "0", range(1), 500),  # relaxation: no part of the trajectory
        atoms_of(tmp_path / "1", range(5), 1250),
        atoms_of(tmp_path / "2", range(4, 9), 1250),
        atoms_of(tmp_path / "3", range(8, 13, 2), 2500),  # from here on the study asked for fewer
    ]
    files = run_folder.lammps_files(run, made)
    assert set(files) == {"log.lammps", "topology.data", "trajectory.dcd", "deck.lmp"}
    for name, write_to in files.items():
        write_to(tmp_path / name)
    assert (tmp_path / "log.lammps").read_text(encoding="utf-8") == "".join(f"log of {n}\n" for n in range(4))
    assert (tmp_path / "deck.lmp").read_text(encoding="utf-8") == run.standalone()
    universe = MDAnalysis.Universe(str(tmp_path / "topology.data"), str(tmp_path / "trajectory.dcd"))
    assert [float(step.positions[0, 0]) for step in universe.trajectory] == [0, 2, 4, 6, 8, 10, 12]
    assert universe.trajectory.dt == pytest.approx(10.0)
    whole = run_folder.lammps_files(run_of("friction"), made[:3])["trajectory.dcd"]
    whole(tmp_path / "whole.dcd")
    universe.load_new(str(tmp_path / "whole.dcd"))
    assert [float(step.positions[0, 0]) for step in universe.trajectory] == [*range(9)]
    assert universe.trajectory.dt == pytest.approx(5.0)


def test_frames_in_text_are_joined_where_lammps_wrote_them(tmp_path: Path) -> None:
    """As those in binary are: each once, and in the coordinates of LAMMPS, whose box begins at -1, -2 and -3 Å."""
    made = []
    for name, frames in (("0", range(1)), ("1", range(3)), ("2", range(2, 5))):
        made.append(atoms_of(tmp_path / name, frames, 1250))
        (tmp_path / name / "trajectory.dcd").unlink()
        text = "".join(
            f"ITEM: TIMESTEP\n{1250 * frame}\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS ff pp pp\n-1 100\n-2 10\n-3 10\n"
            f"ITEM: ATOMS id type x y z\n1 1 {frame} 1 {0.5 * frame}\n"
            for frame in frames
        )
        (tmp_path / name / "trajectory.lammpstrj").write_text(text, encoding="utf-8")
    files = run_folder.lammps_files(run_of("friction", schedule={"relaxation_ps": 20, "friction_ns": 0.04}), made)
    for name in ("topology.data", "trajectory.dcd"):
        files[name](tmp_path / name)
    universe = MDAnalysis.Universe(str(tmp_path / "topology.data"), str(tmp_path / "trajectory.dcd"))
    found = np.array([step.positions[0] for step in universe.trajectory])
    assert found == pytest.approx(np.array([[n, 1, 0.5 * n] for n in range(5)]), abs=1e-5)
    assert universe.trajectory.dt == pytest.approx(5.0)


def test_what_others_start_from_has_its_end(tmp_path: Path) -> None:
    """The state of the last segment, and no trajectory, which nobody asks for; a topology is the last that was kept."""
    run = run_of("equilibrated", schedule={"equilibration_ps": 40})
    made = [atoms_of(tmp_path / str(n), range(1), 1) for n in range(3)]
    for segment in made:
        (segment.folder / "trajectory.dcd").unlink()
    (made[2].folder / "topology.data").unlink()
    (made[1].folder / "topology.data").write_text("kept", encoding="utf-8")
    files = run_folder.lammps_files(run, made)
    assert set(files) == {"log.lammps", "topology.data", "end.restart"}
    files["end.restart"](tmp_path / "end.restart")
    files["topology.data"](tmp_path / "topology.data")
    assert (tmp_path / "end.restart").read_text(encoding="utf-8") == "end of 2"
    assert (tmp_path / "topology.data").read_text(encoding="utf-8") == "kept"


# --- started from -----------------------------------------------------------------------------------------------------


def test_a_start_must_be_whole_and_of_the_same_parameters(tmp_path: Path) -> None:
    """Each fault is told before LAMMPS is started, with what to do."""
    run = run_of("friction")
    assert run.start is not None
    folder = tmp_path / "equilibrated"
    folder.mkdir()

    def said(start: Path | None) -> str:
        with pytest.raises(EngineError) as failure:
            perform(run, tmp_path / "run", Ranks(1), start)
        return str(failure.value)

    assert "starts from equilibrated baths: give --start FOLDER, made by 'equilibrate'" in said(None)
    assert "run.json: missing: give a complete folder written by 'equilibrate'" in said(folder)
    (folder / "run.json").write_text("{", encoding="utf-8")
    assert "run.json: damaged: delete " in said(folder)
    (folder / "end.restart").write_text("state", encoding="utf-8")
    good = {"fingerprint": run.start.fingerprint, "sha256": {"end.restart": checksum(folder / "end.restart")}}
    (folder / "run.json").write_text(json.dumps(good | {"fingerprint": "of another"}), encoding="utf-8")
    assert "equilibrated with other parameters than those of study 'example': equilibrate again" in said(folder)
    (folder / "run.json").write_text(json.dumps(good), encoding="utf-8")
    (folder / "end.restart").write_text("another", encoding="utf-8")
    assert "end.restart: damaged, its checksum does not match run.json" in said(folder)
    (folder / "end.restart").unlink()
    assert "end.restart: damaged" in said(folder)
    assert not (tmp_path / "run" / "segments").exists()


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """What fails while it is written leaves the old one."""
    file = tmp_path / "a.json"
    replace(file, json_text({"κ": 1}))
    assert file.read_text(encoding="utf-8") == '{\n "κ": 1\n}\n'

    def fail(part: Path) -> None:
        part.write_text("half", encoding="utf-8")
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError, match="full"):
        replace(file, fail)
    assert read_json(file) == {"κ": 1}
    assert read_json(tmp_path / "none.json") is None
    file.write_text("[1]", encoding="utf-8")
    assert read_json(file) is None
    file.write_text('{"a": ', encoding="utf-8")
    assert read_json(file) is None


def test_a_fingerprint_hangs_on_values_and_not_on_their_order() -> None:
    """And on every one of them."""
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    others: list[dict[str, Any]] = [
        {"a": 1, "b": [2, 1]},
        {"a": 2, "b": [1, 2]},
        {"a": 1},
        {"a": 1, "b": [1, 2], "c": None},
    ]
    assert len({digest(other) for other in (*others, {"a": 1, "b": [1, 2]})}) == 5


@pytest.mark.parametrize(
    ("lost", "is_complete"), [("log.lammps", True), ("end.restart", False), ("series.parquet", False)]
)
def test_baths_without_their_end_are_made_again(
    lost: str, is_complete: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log that was thrown away is not missed where no segments hold it; the state that runs start from is."""
    baths = run_of("equilibrated")
    values = {"temperature_cold_K": 100.0, "temperature_hot_K": 120.0}
    values |= {f"internal_{name}": value for name, value in values.items()}
    times = np.arange(41) * 0.5
    series = pd.DataFrame({"step": np.arange(41) * 125, "time_ps": times})
    for column in baths.columns():
        series[column.series_name] = values.get(column.series_name, 0.0)
    chosen = baths.study.baths
    assert (chosen.temperature_cold_K, chosen.temperature_hot_K) == (100, 120)
    files: dict[str, run_folder.Writer] = {
        name: lambda part: part.write_text("whole", encoding="utf-8") for name in ("log.lammps", "end.restart")
    }
    run_folder.write(baths, tmp_path, series, {}, files)
    (tmp_path / lost).unlink()
    made: list[Path] = []
    monkeypatch.setattr("simulation.perform._by_lammps", lambda experiment, folder, *others: made.append(folder))
    perform(baths, tmp_path, Ranks(1))
    assert made == ([] if is_complete else [tmp_path])
