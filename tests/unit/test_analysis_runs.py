"""The run-folder reader: it accepts what the contract promises and names what breaks it."""

import hashlib
import json
import os
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.data.parameters import Parameters
from analysis.data.runs import RunFolderError, load_run, load_runs, read_metadata
from analysis.data.universe import universe
from analysis.friction.drag import load_drag_run
from analysis.model import Feedback, Oscillation, TrapMotion
from tests.unit.synthetic import Truth, write_runs

TRUTH = Truth(kappa_ratio="4.80")
SHIPPED = Path(__file__).resolve().parents[2] / "reference"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One short, valid run folder, coupled along x and z."""
    return write_runs(tmp_path, TRUTH, duration_ps=20, runs=1, seed=1, axes="xz")[0]


def test_arrays_follow_the_columns(folder: Path) -> None:
    """Side and axis of every array are those of the column they came from."""
    run = load_run(folder)
    assert run.position.shape == run.velocity.shape == (21, 2, 3)
    assert run.work.shape == (21, 2, 2)
    np.testing.assert_array_equal(run.position[:, 1, 2], run.series["position_hot_z_A"])
    np.testing.assert_array_equal(run.velocity[:, 0, 1], run.series["velocity_cold_y_A_per_ps"])
    np.testing.assert_array_equal(run.work[:, 0, 1], run.series["work_cold_z_eV"])
    np.testing.assert_array_equal(run.thermostat[:, 1], run.series["thermostat_hot_eV"])
    for side, name in enumerate(("cold", "hot")):
        np.testing.assert_array_equal(run.side_energy[:, side], run.series[f"energy_{name}_eV"])
        np.testing.assert_array_equal(run.trap_energy[:, side], run.series[f"trap_{name}_eV"])
    assert run.kappa_ratio == "4.80"
    assert run.parameters.coupling == pytest.approx((0.1, 0.48))


def test_energies_are_those_of_mass_and_trap(folder: Path) -> None:
    """½mV² over all axes, and ½mV² + ½κ(X - λ)² along each coupled one, with the mass of the side and the trap of the axis."""
    run = load_run(folder)
    motion = TrapMotion(hot=(Oscillation(0.5, 7.0, 20.0),))
    series = run.series.assign(**{f"trap_work_{side}_{axis}_eV": 0.0 for side in ("cold", "hot") for axis in "xz"})
    parameters = replace(run.parameters, mass=(1.0, 2.0), traps=(0.01, 0.02, 0.04), motion=motion)
    unlike = replace(run, parameters=parameters, series=series)
    time = series["time_ps"].to_numpy()
    centres = (np.zeros(len(time)), 0.5 * np.sin(2 * np.pi * time / 7 + np.radians(20)))
    for side, (name, mass) in enumerate((("cold", 1.0), ("hot", 2.0))):
        squares = [series[f"velocity_{name}_{axis}_A_per_ps"] ** 2 for axis in "xyz"]
        np.testing.assert_allclose(unlike.kinetic_energy[:, side], mass / 2 * sum(squares))
        for place, (axis, trap) in enumerate((("x", 0.01), ("z", 0.04))):
            stretched = series[f"position_{name}_{axis}_A"] - centres[side]
            expected = mass / 2 * squares["xyz".index(axis)] + trap / 2 * stretched**2
            np.testing.assert_allclose(unlike.particle_energy[:, side, place], expected)


EVERYTHING = Parameters(
    mass=(1.0, 2.0),
    traps=(0.01, 0.02, 0.04),
    coupling=(0.1, 0.48),
    temperature=(100.0, 120.0),
    coupling_axes="xy",
    sample_interval=0.5,
    feedback=Feedback(update_every=0.4, delay=0.2, delayed="partner", position_noise=0.1, filter=0.3),
    damping=(0.1, 0.0),
    force_limit=0.05,
    motion=TrapMotion((Oscillation(1.0, 2.0, 3.0),), (Oscillation(4.0, 5.0, 6.0), Oscillation(7.0, 8.0))),
    active=(((0.01, 2.0),), ((0.02, 3.0), (0.03, 4.0))),
    timestep=0.004,
)
"""Parameters of which no two are alike."""


def test_parameters_survive_their_file() -> None:
    """Every one is read back as it was, of a machine with all parts and of one with none, also with one trap for all axes."""
    plain = Parameters((1.0, 2.0), (0.01,) * 3, (0.1, 0.48), (100.0, 120.0), "x", 0.5, timestep=0.002)
    for parameters in (EVERYTHING, plain, replace(plain, force_limit=0.1), replace(plain, damping=(0.0, 0.3))):
        read = Parameters.from_json(json.loads(json.dumps(parameters.to_json(), allow_nan=False)))
        assert read == parameters
        assert read.timestep == parameters.timestep
    assert plain.to_json()["trap_stiffness_eV_per_A2"] == 0.01


def test_a_controller_is_told_with_all_its_parts() -> None:
    """Each part of the loop has its number and its unit; a part that is not there is not told."""
    assert EVERYTHING.told_controller == (
        "linear, updates every 0.4 ps, delay 0.2 ps, noise 0.1 Å, filter 0.3 ps, of the partner's position, "
        "cold damping 0.1 and 0 eV ps/Å², force at most 0.05 eV/Å"
    )
    plain = replace(EVERYTHING, feedback=None, damping=(0.0, 0.0), force_limit=None)
    assert plain.told_controller == "linear"
    assert replace(plain, feedback=Feedback(delay=0.2)).told_controller == "linear, delay 0.2 ps"


def test_parameters_along_some_axes() -> None:
    """Traps are averaged over the axes that are asked for, else over the coupled ones; only coupled axes stay coupled."""
    assert EVERYTHING.stiffness("yz") == pytest.approx(0.03)
    assert EVERYTHING.trap == pytest.approx(0.015)
    assert replace(EVERYTHING, coupling_axes="").trap == pytest.approx(0.07 / 3)
    for axes, coupled in (("yz", "y"), ("z", "z"), ("xyz", "xy")):
        assert EVERYTHING.along(axes).coupling_axes == coupled
    assert replace(EVERYTHING, coupling_axes="").along("yz").coupling_axes == "yz"


def test_temperatures_of_both_baths() -> None:
    """1/T of each, unknown where one is active; the colder one by number and not by name, the first of two equal ones."""
    passive = replace(EVERYTHING, active=((), ()))
    np.testing.assert_allclose(passive.per_kelvin, [0.01, 1 / 120])
    for active in (((), ((0.1, 1.0),)), (((0.1, 1.0),), ())):
        assert np.isnan(replace(passive, active=active).per_kelvin).all()
    for temperature, colder in (((100.0, 120.0), 0), ((120.0, 100.0), 1), ((100.0, 100.0), 0)):
        assert replace(passive, temperature=temperature).colder == colder


def test_machines_have_the_numbers_of_each_side() -> None:
    """Pairs made of these parameters have each at its side; a weakly active bath leaves the heat of a shell as it was."""
    plain = replace(EVERYTHING, feedback=None, damping=(0.0, 0.0), motion=TrapMotion(), active=((), ()))
    white = plain.white_pair((0.2, 0.3))
    shell = plain.dressed_pair(np.array([2.0, 3.0]), np.array([0.5, 0.6]), np.array([1.6, 1.7]))
    for pair in (white, shell):
        assert (pair.mass, pair.trap) == ((1.0, 2.0), plain.trap)
        assert (pair.coupling_cold, pair.coupling_hot) == (0.1, 0.48)
        assert (pair.temperature_cold, pair.temperature_hot) == (100.0, 120.0)
        assert plain.in_active_baths(pair) is pair
        weak = replace(plain, active=(((1e-9, 2.0),), ((1e-9, 3.0),))).in_active_baths(pair)
        assert weak.is_active
        np.testing.assert_allclose(weak.heat_rates(), pair.heat_rates(), rtol=1e-6)
    assert (white.friction_cold, white.friction_hot) == (0.2, 0.3)
    assert (shell.core_friction_cold, shell.core_friction_hot) == (2.0, 3.0)
    assert (shell.shell_friction_cold, shell.shell_friction_hot) == (0.5, 0.6)
    assert (shell.shell_mass_cold, shell.shell_mass_hot) == (1.6, 1.7)
    bodies = EVERYTHING.pair_with_bodies(np.array([0.1, 1.0, 2.0]), np.array([0.2, 3.0, 4.0, 5.0, 6.0]))
    assert (bodies.friction_cold, bodies.friction_hot) == (0.1, 0.2)
    assert (bodies.bodies(0), bodies.bodies(1)) == ([(1.0, 2.0)], [(3.0, 5.0), (4.0, 6.0)])
    assert (bodies.active_forces(0), bodies.active_forces(1)) == ([(0.01, 2.0)], [(0.02, 3.0), (0.03, 4.0)])


def test_message_of_another_point_names_both_folders(tmp_path: Path) -> None:
    """The one that differs comes first, then the first of the replicas; each with its parameters."""
    (one,) = write_runs(tmp_path / "one", TRUTH, 10, 1, seed=1)
    (other,) = write_runs(tmp_path / "other", replace(TRUTH, kappa_ratio="1.2"), 10, 1, seed=2)
    parameters = {folder: re.escape(str(load_run(folder).parameters)) for folder in (one, other)}
    with pytest.raises(RunFolderError, match=f"^{other} and {one}: .*: {parameters[other]} and {parameters[one]}$"):
        load_runs([one, other])


def test_internal_temperature_is_read_where_there_is_one(folder: Path) -> None:
    """A folder written before this column came is read all the same; where it is, a damaged value is refused."""
    assert load_run(folder).internal_temperature is None
    table = pd.read_parquet(folder / "series.parquet")
    table["internal_temperature_cold_K"], table["internal_temperature_hot_K"] = 99.0, 121.0
    _spoil(folder, table)
    np.testing.assert_array_equal(load_run(folder).internal_temperature, [[99.0, 121.0]] * len(table))
    table.loc[3, "internal_temperature_hot_K"] = np.nan
    _spoil(folder, table)
    with pytest.raises(RunFolderError, match="internal_temperature_hot_K is not a number in row 3"):
        load_run(folder)


def test_folder_and_run_json_name_the_same_run(folder: Path) -> None:
    """Rules may name a run by its folder or by its run.json."""
    assert load_run(folder).series.equals(load_run(folder / "run.json").series)


@pytest.mark.parametrize("file", ["run.json", "series.parquet"])
def test_missing_file_is_named(folder: Path, file: str) -> None:
    """A folder of an unfinished run is refused with the file that is not there."""
    (folder / file).unlink()
    with pytest.raises(RunFolderError, match=rf"{file}: missing"):
        load_run(folder)


def _spoil(folder: Path, table: pd.DataFrame) -> None:
    table.to_parquet(folder / "series.parquet")


def test_missing_columns_are_named(folder: Path) -> None:
    """All missing columns appear in one message."""
    _spoil(folder, pd.read_parquet(folder / "series.parquet").drop(columns=["trap_cold_eV", "work_hot_z_eV"]))
    with pytest.raises(RunFolderError, match=r"series\.parquet: columns missing: trap_cold_eV, work_hot_z_eV$"):
        load_run(folder)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_located(folder: Path, value: float) -> None:
    """A damaged value is refused with its column and row; it would poison every mean without a word."""
    table = pd.read_parquet(folder / "series.parquet")
    table.loc[7, "energy_hot_eV"] = value
    _spoil(folder, table)
    with pytest.raises(RunFolderError, match=r"series\.parquet: energy_hot_eV is not a number in row 7"):
        load_run(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(index=5), r"rows 4 and 5 are at 4 and 6 ps"),
        (lambda table: pd.concat([table[:6], table[5:]]), r"rows 5 and 6 are at 5 and 5 ps"),
        (lambda table: table[::2], r"rows 0 and 1 are at 0 and 2 ps, but samples are expected every 1 ps"),
    ],
    ids=["lost", "repeated", "thinned"],
)
def test_unequal_spacing_is_refused(folder: Path, change: object, message: str) -> None:
    """A lost or repeated segment, or another sample interval than promised, is located and refused."""
    assert callable(change)
    _spoil(folder, change(pd.read_parquet(folder / "series.parquet")))
    with pytest.raises(RunFolderError, match=message):
        load_run(folder)


@pytest.mark.parametrize("row", [1, 10])
def test_spacing_is_known_to_one_part_in_a_million(folder: Path, row: int) -> None:
    """Rounding of the times passes, and a spacing that is off by two parts in a million is refused, to either side."""
    whole = pd.read_parquet(folder / "series.parquet")
    for off, passes in ((5e-7, True), (-5e-7, True), (2e-6, False), (-2e-6, False)):
        table = whole.copy()
        table.loc[row:, "time_ps"] += off
        _spoil(folder, table)
        if passes:
            assert len(load_run(folder).series) == len(table)
        else:
            with pytest.raises(RunFolderError, match=rf"rows {row - 1} and {row} are at"):
                load_run(folder)


def test_a_run_that_stopped_before_sampling_is_refused(folder: Path) -> None:
    """One row carries no rate; two do."""
    whole = pd.read_parquet(folder / "series.parquet")
    _spoil(folder, whole[:2])
    assert load_run(folder).duration == 1.0
    _spoil(folder, pd.read_parquet(folder / "series.parquet")[:1])
    with pytest.raises(RunFolderError, match="1 rows, at least 2"):
        load_run(folder)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("format", 1, "format = 1, this analysis reads format 2; run the simulation of this point again"),
        ("format", 3, "format = 3, this analysis reads format 2; run the simulation of this point again"),
        ("closure", None, "key 'closure' is missing"),
        ("parameters", {"coupling_axes": "x"}, "key 'mass_cold_eV_ps2_per_A2' is missing"),
    ],
)
def test_run_json_of_another_kind_is_refused(folder: Path, key: str, value: object, message: str) -> None:
    """Format and keys of run.json are checked before any number is read from it."""
    file = folder / "run.json"
    content = json.loads(file.read_text())
    content.pop(key)
    if value is not None:
        content[key] = value
    file.write_text(json.dumps(content))
    with pytest.raises(RunFolderError, match=message):
        load_run(folder)


@pytest.mark.parametrize("file", ["run.json", "series.parquet"])
def test_cut_files_are_named_with_the_cure(folder: Path, file: str) -> None:
    """Half a file is refused by name, and never a traceback of the library that reads it."""
    os.truncate(folder / file, (folder / file).stat().st_size // 2)
    with pytest.raises(RunFolderError, match=rf"{file}: damaged.*delete it and run the same command again"):
        load_run(folder)


def test_flipped_bit_in_the_series_is_found(folder: Path) -> None:
    """Parquet reads a flipped bit as another number; the checksum in run.json tells."""
    series, record = folder / "series.parquet", folder / "run.json"
    content = bytearray(series.read_bytes())
    record.write_text(
        json.dumps(json.loads(record.read_text()) | {"series_sha256": hashlib.sha256(content).hexdigest()})
    )
    load_run(folder)
    content[200] ^= 1
    series.write_bytes(content)
    with pytest.raises(RunFolderError, match=r"series\.parquet: damaged, its checksum"):
        load_run(folder)


def test_replicas_share_their_parameters(tmp_path: Path) -> None:
    """Runs of two different points are never averaged as replicas of one."""
    one = write_runs(tmp_path, TRUTH, 10, 2, seed=1)
    other = write_runs(tmp_path, Truth(kappa_ratio="1.2"), 10, 1, seed=2)
    assert len(load_runs(one)) == 2
    with pytest.raises(RunFolderError, match="physical parameters differ"):
        load_runs(one + other)
    with pytest.raises(RunFolderError, match="no run folder"):
        load_runs([])


def test_replicas_share_their_controller(tmp_path: Path) -> None:
    """Replicas under two laws, or under two sources of one law, are never averaged; the law is read with the parameters."""
    first, second = write_runs(tmp_path, TRUTH, 10, 2, seed=1)

    def tell(folder: Path, law: dict[str, str]) -> None:
        content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        (folder / "run.json").write_text(json.dumps(content | {"controller": law}), encoding="utf-8")

    assert load_run(first).parameters.is_linear
    tell(first, {"law": "mine:Mine", "source": "1"})
    assert load_run(first).parameters.controller == "mine:Mine"
    assert load_run(first).parameters.to_json()["controller"] == "mine:Mine"
    with pytest.raises(RunFolderError, match="physical parameters differ"):
        load_runs([first, second])
    tell(second, {"law": "mine:Mine", "source": "2"})
    with pytest.raises(RunFolderError, match=r"controller mine:Mine was edited between them"):
        load_runs([first, second])
    tell(second, {"law": "mine:Mine", "source": "1"})
    assert len(load_runs([first, second])) == 2


def test_nothing_acts_in_a_friction_run(tmp_path: Path) -> None:
    """A friction run has no coupled axis and no work; one that names an axis is refused, and so is a sweep without any."""
    at_rest = write_runs(tmp_path, Truth(kappa_ratio=None), 10, 1, seed=1)[0]
    run = load_run(at_rest)
    assert run.work.shape == (11, 2, 0)
    assert not [column for column in run.series.columns if column.startswith("work")]
    driven = write_runs(tmp_path, TRUTH, 10, 1, seed=1)[0]
    for folder, axes, message in (
        (at_rest, "x", "coupling_axes = 'x', but a friction run has no controller"),
        (driven, "", "coupling_axes = '', must consist of x, y, z"),
        (driven, "xw", "coupling_axes = 'xw', must consist of x, y, z"),
    ):
        content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        content["parameters"]["coupling_axes"] = axes
        (folder / "run.json").write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(RunFolderError, match=message):
            load_run(folder)


def test_shipped_friction_run_is_one_without_controller() -> None:
    """No axis is coupled and no work is done; its bath lies between walls."""
    run = load_run(SHIPPED / "reference-paper" / "friction" / "replica_1")
    assert run.parameters.coupling_axes == ""
    assert run.work.shape == (15001, 2, 0)
    assert run.internal_temperature is not None
    assert run.metadata["controller"] is None
    assert run.metadata["protocol"] == {"experiment": "machine", "version": 2}
    system = run.metadata["system"]
    assert (system["fluid_atoms_per_bath"], system["metal_atoms_per_particle"]) == (25280, 186)
    assert system["accessible_density_per_nm3"] == pytest.approx(19.56, abs=0.01)
    assert system["boundaries"] == {"x": "walls", "y": "periodic", "z": "periodic"}


def test_shipped_sweep_keeps_its_work() -> None:
    """A driven run has the axes, the work and the controller of its study."""
    run = load_run(SHIPPED / "reference-paper" / "sweep" / "kH_4.80" / "replica_1")
    assert run.parameters.coupling_axes == "xyz"
    assert run.work.shape == (10001, 2, 3)
    assert np.abs(run.work[-1]).min() > 0
    assert run.metadata["controller"]["law"] == "linear"


@pytest.mark.parametrize(
    "file", sorted(SHIPPED.rglob("trajectory.dcd")), ids=lambda file: file.relative_to(SHIPPED).parts[0]
)
def test_atoms_of_a_shipped_trajectory_move(file: Path) -> None:
    """Each frame has its own positions: between two of them the fluid diffuses by more than an ångström."""
    system = universe(file.parent)
    fluid = system.select_atoms("resname bath")
    edges = system.dimensions[:3]
    frames = [fluid.positions.astype(float) for _ in system.trajectory]
    assert len(frames) > 5
    for before, after in pairwise(frames):
        moved = after - before
        moved -= edges * np.round(moved / edges)
        assert np.sqrt((moved**2).sum(axis=1)).mean() > 1


def test_shipped_drag_run_tells_the_velocity_of_the_fluid() -> None:
    """The total momentum is 0 as it should, and no direction has walls."""
    run = load_drag_run(SHIPPED / "bath-size@edge-8" / "drag" / "hot" / "F_0.3" / "replica_1")
    system = read_metadata(run.folder)["system"]
    ratio = system["fluid_atoms"] * 39.948 / (system["metal_atoms"] * 63.546)
    particle, fluid = (run.column(f"{name}_velocity_x_A_per_ps") for name in ("particle", "fluid"))
    assert np.abs(particle + ratio * fluid).max() < 1e-4 * np.abs(particle).max()
    assert system["boundaries"] == {"x": "periodic", "y": "periodic", "z": "periodic"}
    assert read_metadata(run.folder)["protocol"] == {"experiment": "drag", "version": 2}
    assert read_metadata(run.folder)["controller"] is None
