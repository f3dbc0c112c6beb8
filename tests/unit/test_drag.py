"""Drag runs: their decks read back against the study, their balance, and the exact model of a pulled particle."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.units import FRICTION_SI
from simulation.engines.langevin import propagate_pulled
from simulation.engines.ranks import Ranks
from simulation.experiments import experiment_at
from simulation.experiments.drag import Drag
from simulation.experiments.machine import closure_limit
from simulation.folder import closure
from simulation.folder.run_folder import judge
from simulation.perform import perform
from simulation.study.fields import THERMOSTATS, Study, StudyError
from simulation.study.files import check_study
from tests.unit.deck_reader import Deck, some_world
from tests.unit.test_deck import pairs

DATA: dict[str, Any] = {
    "materials": {"fluid": {"mass_u": 41.0, "epsilon_eV": 0.011, "sigma_A": 3.3}},
    "baths": {
        "edge_nm": 5.3,
        "accessible_density_per_nm3": 19.0,
        "temperature_cold_K": 95.0,
        "temperature_hot_K": 125.0,
        "thermostat_damping_ps": 1.7,
    },
    "drag": {"forces_nN": ["0.3", "3.0"], "replicas": 2, "equilibration_ps": 48, "duration_ns": 0.06},
    "integration": {"timestep_fs": 4},
    "schedule": {
        "friction_ns": 0.06,
        "sweep_ns": 0.06,
        "sample_every_ps": 0.2,
        "trajectory_every_ps": 5,
        "segment_ps": 20,
    },
}
EDGE = 53.0
SIDES = ("cold", "hot")
FLUID = {"cold": frozenset({1}), "hot": frozenset({2})}
PARTICLE = {"cold": frozenset({3}), "hot": frozenset({4})}
TEMPERATURE = {"cold": 95.0, "hot": 125.0}
PATHS = 1500


def study(**sections: dict[str, Any]) -> Study:
    """A study with some fields replaced."""
    return check_study("example", DATA | {key: DATA.get(key, {}) | values for key, values in sections.items()})


def run_of(side: str, force: str = "3.0", chosen: Study | None = None) -> Drag:
    """The first replica of a force in a bath."""
    return Drag(chosen or study(), 1, side, force)


def decks(side: str, chosen: Study | None = None) -> dict[str, Deck]:
    """The build, the first and the last segment of both stages, and the deck for LAMMPS alone."""
    run = run_of(side, chosen=chosen)
    found: dict[str, Deck] = {"standalone": Deck(run.standalone())}
    for piece in run.pieces():
        name = piece.stage.name if piece.is_first else f"{piece.stage.name} on"
        found[name] = Deck(run.deck(piece, "" if piece.stage.name == "building" else "r"))
    return found


RUNNING = ["equilibrating", "equilibrating on", "pulling", "pulling on", "standalone"]


def test_runs_are_every_force_in_every_bath() -> None:
    """Forces keep their spelling in the folders, and a run that the study does not have is refused with what it has."""
    folders = [run.folder for run in Drag.all_of(study())]
    assert folders == [
        f"example/drag/{side}/F_{force}/replica_{replica}"
        for force in ("0.3", "3.0")
        for side in SIDES
        for replica in (1, 2)
    ]
    for side, force, replica, message in (
        ("cold", "3", 1, r"force 3 is not one of 0\.3, 3\.0: add it to drag\.forces_nN"),
        ("warm", "3.0", 1, r"side warm is not one of cold, hot"),
        ("cold", "3.0", 3, r"replica 3 is not one of 1, 2: raise drag\.replicas"),
        ("cold", "3.0", 0, r"replica 0 is not one of 1, 2"),
    ):
        with pytest.raises(StudyError, match=message):
            Drag(study(), replica, side, force)


def test_wrong_forces_are_named() -> None:
    """Forces that are no number, not positive or twice the same do not get as far as a run."""
    for forces, message in (
        (["0"], "not a positive force"),
        (["-1"], "drag.forces_nN"),
        (["2e6"], "not a positive force of at most 1e6 nN: write a number in this range"),
        (["fast"], "write a plain number"),
        (["3", "3.0"], "drag.forces_nN contains the same value twice"),
    ):
        with pytest.raises(StudyError, match=re.escape(message)):
            study(drag={"forces_nN": forces})
    with pytest.raises(StudyError, match=r"drag\.duration_ns \(1000 ps\) must be a whole multiple"):
        study(drag={"duration_ns": "1"}, schedule={"segment_ps": "300"})
    assert study(drag={"forces_nN": ["1e6", "1e-1"]}).drag.forces_nN == ("1e6", "1e-1")


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", RUNNING)
def test_forces_cancel_and_act_after_the_equilibration(name: str, side: str) -> None:
    """The particle feels the study's force along +x, the fluid its opposite, all together none; none acts before the pull."""
    run, deck = run_of(side), decks(side)[name]
    fixes = deck.fixes("addforce")
    assert {fix: types for fix, (types, _) in fixes.items()} == {"pull": PARTICLE[side], "sink": FLUID[side]}
    atoms = {"pull": 186, "sink": run.fluid_atoms}
    total = {fix: atoms[fix] * float(arguments[0]) for fix, (_, arguments) in fixes.items()}
    force = 0.0 if name.startswith("equilibrating") else 3.0 * 0.6241509  # 1 nN = 0.6241509 eV/Å
    assert total == pytest.approx({"pull": force, "sink": -force}, rel=1e-6)
    assert all([*map(float, arguments[1:])] == [0, 0] for _, arguments in fixes.values())
    assert run.force_eV_per_A == pytest.approx(3.0 * 0.6241509, rel=1e-6)
    assert run_of(side, "0.3").force_eV_per_A == pytest.approx(0.3 * 0.6241509, rel=1e-6)


@pytest.mark.parametrize("side", SIDES)
def test_standalone_deck_pulls_after_it_has_equilibrated(side: str) -> None:
    """Melting twice, then equilibration, the clock to 0, the force and the measurement."""
    deck = decks(side)["standalone"]
    places = [n for n, words in enumerate(deck.statements) if words[0] == "run"]
    assert [int(deck.statements[n][1]) for n in places] == [500, 500, 12_000, 15_000]
    resets = [n for n, words in enumerate(deck.statements) if words == ["reset_timestep", "0"]]
    assert places[2] < resets[-1] < deck.place("fix", "pull") < places[3]
    assert places[2] < deck.place("fix", "series") < places[3]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", ["building", "standalone"])
def test_bath_is_a_periodic_cube_of_its_own_side(name: str, side: str) -> None:
    """The box is the cube of that bath without walls, about the same particle; nothing of the other side is built."""
    deck = decks(side)[name]
    low = 0.0 if side == "cold" else EDGE
    words = deck.one("region", "box", "block")
    assert [*map(float, words[:6])] == [low, low + EDGE, 0, EDGE, 0, EDGE]
    types = [words[0] for words in deck.all("create_atoms")]
    assert types == (["3", "1"] if side == "cold" else ["4", "2"])
    centre = [low + EDGE / 2, EDGE / 2, EDGE / 2]
    assert [*map(float, deck.one("region", f"particle_{side}", "sphere")[:3])] == centre
    subset = deck.one("create_atoms", types[1])
    assert int(subset[3]) == run_of(side).fluid_atoms
    assert not deck.all("fix", "hold")
    drawn = [words for words in deck.all("velocity") if words[1] == "create"][-2:]
    assert {deck.groups[words[0]]: float(words[2]) for words in drawn} == {
        FLUID[side]: TEMPERATURE[side],
        PARTICLE[side]: 2 * TEMPERATURE[side],
    }
    assert deck.one("velocity", "all") == ["zero", "linear"], "the momentum is zero at all times"
    assert deck.place("velocity", "all") > deck.statements.index(["velocity", *drawn[-1]])


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", ["building", *RUNNING])
def test_there_are_no_walls_and_no_trap(name: str, side: str) -> None:
    """Nothing but the pull acts from outside, and all directions are periodic."""
    deck = decks(side)[name]
    assert deck.one("boundary") == ["p", "p", "p"]
    assert not deck.fixes("spring", "external")
    assert not [words for words in deck.all("region") if "wall" in words[0]]
    assert float(deck.all("timestep")[-1][0]) == 0.004
    found = pairs(deck)
    fluid, particle = (1, 3) if side == "cold" else (2, 4)
    assert found[fluid, fluid] == (0.011, 3.3, 8.5125)
    assert found[fluid, particle] == pytest.approx((math.sqrt(0.011 * 0.4093), (3.3 + 2.338) / 2, 8.5125))
    assert found[particle, particle] == (0.4093, 2.338, 8.5125)


def test_bath_is_as_dense_as_that_between_the_walls() -> None:
    """Where fluid can be, its density is that of the study; without walls it can be in more of the cube."""
    chosen = study()
    run = run_of("hot")
    walled = chosen.fluid_atoms("cold") / chosen.accessible_volume_A3("cold")
    free = run.fluid_atoms / (chosen.edge_A**3 - chosen.excluded_volume_A3("cold"))
    assert free == pytest.approx(walled, rel=2e-4)  # whole atoms
    assert run.fluid_atoms > chosen.fluid_atoms("cold")
    assert run.atoms == run.fluid_atoms + 186
    assert run.describe()["system"]["fluid_atoms"] == run.fluid_atoms
    assert run.describe()["system"]["accessible_density_per_nm3"] == pytest.approx(1000 * free, abs=1e-3)
    assert run.describe()["system"]["boundaries"] == dict.fromkeys("xyz", "periodic")
    assert (run.describe()["system"]["metal_atoms"], run.describe()["system"]["edge_A"]) == (186, EDGE)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("thermostat", THERMOSTATS)
@pytest.mark.parametrize("name", RUNNING)
def test_bath_is_held_at_its_temperature_and_drift_is_no_heat(name: str, thermostat: str, side: str) -> None:
    """The thermostat holds the side's fluid at its temperature: that of the motion about the fluid's mean velocity."""
    deck = decks(side, study(baths={"thermostat": thermostat}))[name]
    style = {"nose-hoover": "nvt", "langevin": "langevin", "csvr": "temp/csvr"}[thermostat]
    types, arguments = deck.fixes(style)[f"thermostat_{side}"]
    assert types == FLUID[side]
    numbers = arguments[1:4] if style == "nvt" else arguments[:3]
    assert [*map(float, numbers)] == [TEMPERATURE[side], TEMPERATURE[side], 1.7]
    (kind, measured, _), _ = deck.quantity(f"c_temperature_{side}")
    assert (kind, measured) == ("temp/com", FLUID[side])
    assert deck.one("fix_modify", f"thermostat_{side}") == ["temp", f"temperature_{side}"]
    assert not deck.all("compute_modify")
    if thermostat == "langevin":
        assert arguments[4:] == ["tally", "yes", "zero", "yes"], "its kicks together are no force on the whole"
    moved = [t for types, _ in deck.fixes("nve", "nvt").values() for t in sorted(types)]
    assert sorted(moved) == sorted([*FLUID[side], 3, 4]), "the group of both particles has one here"


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", RUNNING)
def test_every_column_is_what_its_name_says(name: str, side: str) -> None:
    """Way and velocity are those of the particle less the fluid's; work is what both forces' potentials lose."""
    deck, run = decks(side)[name], run_of(side)
    expected: dict[str, float] = {}
    for index, axis in enumerate("xyz"):
        way = [some_world("com", types, (), index + 1) for types in (PARTICLE[side], FLUID[side])]
        particle, fluid = (some_world("vcm", types, (axis,)) for types in (PARTICLE[side], FLUID[side]))
        expected |= {
            f"displacement_{axis}": way[0] - way[1],
            f"velocity_{axis}": particle - fluid,
            f"particle_velocity_{axis}": particle,
            f"fluid_velocity_{axis}": fluid,
        }

    def fix(name: str) -> float:
        (style, types, arguments), index = deck.quantity(f"f_{name}")
        return some_world(style, types, arguments, index)

    everything = frozenset(range(1, 7))
    expected |= {
        "temperature": some_world("temp/com", FLUID[side]),
        "internal_temperature": some_world("temp/com", PARTICLE[side]),
        "work": -fix("pull") - fix("sink"),
        "thermostat": fix(f"thermostat_{side}"),
        "energy": some_world("ke", everything) + some_world("pe", everything),
    }
    assert {name: deck.variable(name) for name in expected} == pytest.approx(expected, rel=1e-9)
    words = deck.one("fix", "series")
    assert words[:5] == ["all", "ave/time", "50", "1", "50"]
    sampled = [word.removeprefix("v_") for word in words if word.startswith("v_")]
    assert sampled == [column.name for column in run.columns()]
    assert sorted(sampled) == sorted(expected)
    frames = deck.all("dump", "trajectory")
    assert frames == ([] if name.startswith("equilibrating") else [["all", "dcd", "1250", "trajectory.dcd"]])


@pytest.mark.parametrize(("axis", "index"), [("x", 1), ("y", 2), ("z", 3)])
def test_units_and_axes_of_the_columns(axis: str, index: int) -> None:
    """Å, Å/ps, K and eV, as LAMMPS has them."""
    names = [column.series_name for column in run_of("cold").columns()]
    assert names[index - 1] == f"displacement_{axis}_A"
    assert {f"velocity_{axis}_A_per_ps", f"fluid_velocity_{axis}_A_per_ps"} <= set(names)
    assert {"temperature_K", "internal_temperature_K", "work_eV", "thermostat_eV", "energy_eV"} <= set(names)


def test_unlike_pair_of_the_study_holds_in_the_drag() -> None:
    """A study's own interaction of fluid and metal is that of its drag runs too."""
    wet = study(materials={"fluid_metal": {"epsilon_eV": "0.03", "sigma_A": "2.9"}})
    for side, pair in (("cold", (1, 3)), ("hot", (2, 4))):
        assert all(pairs(deck)[pair] == (0.03, 2.9, 8.5125) for deck in decks(side, wet).values())


# --- energy balance ---------------------------------------------------------------------------------------------------


def series(drift: float, work_rate: float, ps: float = 400.0) -> pd.DataFrame:
    """A series whose thermostat takes the work, but for a drift in eV/ns; its energy swings and comes back."""
    time = np.linspace(0, ps, 401)
    energy = 5 * np.sin(time)
    work = work_rate * time / 1000
    return pd.DataFrame(
        {
            "time_ps": time,
            "work_eV": work,
            "energy_eV": 100 + energy,
            "thermostat_eV": work - energy + drift * time / 1000,
        }
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_drift_may_be_a_share_of_the_work(sign: int) -> None:
    """The limit is the study's own plus that fraction of the work's rate, and holds for drifts up and down."""
    run = run_of("cold", chosen=study(limits={"closure_drift_eV_per_ns": 0.2, "closure_drift_of_work": 0.01}))
    limit = 0.2 + 0.01 * 50
    good = judge(run, series(0.95 * sign * limit, 50.0))
    assert good["drift_eV_per_ns"] == pytest.approx(0.95 * sign * limit)
    assert good["limit_eV_per_ns"] == pytest.approx(limit)
    assert good["work_eV_per_ns"] == pytest.approx(50.0)
    with pytest.raises(closure.ClosureError, match=r"closure_drift_eV_per_ns and closure_drift_of_work = 0\.7 eV/ns"):
        judge(run, series(1.05 * sign * limit, 50.0))
    # A force that does negative work for a while has no smaller limit.
    assert judge(run, series(0.0, -50.0))["limit_eV_per_ns"] == pytest.approx(limit)


def test_limit_of_a_drag_is_that_of_its_study_at_least() -> None:
    """Without work it is the machine's limit."""
    run = run_of("hot")
    assert judge(run, series(0.0, 0.0))["limit_eV_per_ns"] == pytest.approx(closure_limit(run.study)[0])


# --- the exact model --------------------------------------------------------------------------------------------------


def test_pulled_particle_has_the_exact_law() -> None:
    """Mean and variance of velocity and displacement follow Ornstein and Uhlenbeck's, at any sampling interval."""
    mass, friction, temperature, force, thermal = 1.2, 0.3, 100.0, 0.5, 8.617333262e-5 * 100.0 / 1.2
    tau, terminal = mass / friction, force / friction
    for interval, intervals in ((0.5, 8), (4.0, 1)):
        paths = [
            propagate_pulled(mass, friction, temperature, force, interval, intervals, seed) for seed in range(PATHS)
        ]
        way, velocity = np.array([path[0] for path in paths]), np.array([path[1][:, 0] for path in paths])
        assert (way[:, 0] == 0).all()
        left = 1 - np.exp(-4.0 / tau)
        expected = {
            "velocity": (velocity[:, -1], terminal * left, thermal),
            "start": (velocity[:, 0], 0.0, thermal),
            "way": (way[:, -1], terminal * (4.0 - tau * left), 2 * thermal * tau * (4.0 - tau * left)),
        }
        for name, (found, mean, variance) in expected.items():
            assert abs(found.mean() - mean) < 3.5 * np.sqrt(variance / PATHS), name
            assert abs(found.var() / variance - 1) < 3.5 * np.sqrt(2 / PATHS), name


@pytest.mark.parametrize("side", SIDES)
def test_model_run_is_of_its_own_side(side: str) -> None:
    """Terminal velocity is force over that side's friction, fluctuations are of its temperature; y and z feel no force."""
    chosen = study(
        langevin={"friction_cold_kg_per_s": 3e-12, "friction_hot_kg_per_s": 9e-12},
        drag={"duration_ns": 20},
        schedule={"sample_every_ps": 2, "trajectory_every_ps": 20},
        baths={"temperature_hot_K": 250},
        limits={"liquid": False},
    ).model_copy(update={"engine": "langevin"})
    run = Drag(chosen, 1, side, "0.3")
    friction = {"cold": 3e-12, "hot": 9e-12}[side] / FRICTION_SI
    mass = chosen.particle_mass_eV_ps2_per_A2
    found = run.exact()
    steady = found.iloc[200:]
    thermal = 8.617333262e-5 * {"cold": 95.0, "hot": 250.0}[side] / mass
    # Velocities 2 ps apart correlate by c, which widens errors of mean and variance.
    c = np.exp(-2 * friction / mass)
    size = len(steady)
    for axis in "xyz":
        velocity = steady[f"velocity_{axis}_A_per_ps"]
        mean = 0.3 * 0.6241509 / friction if axis == "x" else 0.0
        assert abs(velocity.mean() - mean) < 3.5 * np.sqrt(thermal / size * (1 + c) / (1 - c))
        assert abs(velocity.var() / thermal - 1) < 3.5 * np.sqrt(2 / size * (1 + c**2) / (1 - c**2))
        assert (found[f"fluid_velocity_{axis}_A_per_ps"] == 0).all()
        assert (found[f"particle_velocity_{axis}_A_per_ps"] == found[f"velocity_{axis}_A_per_ps"]).all()
    # Each axis has a noise of its own: by chance some 1300 independent velocities correlate by 0.03.
    together = np.corrcoef([steady[f"velocity_{axis}_A_per_ps"] for axis in "xyz"])
    assert np.abs(together[np.triu_indices(3, 1)]).max() < 4 / np.sqrt(size * (1 - c**2) / (1 + c**2))
    assert (found["temperature_K"] == chosen.temperature_K(side)).all()
    assert found["work_eV"].iloc[-1] == pytest.approx(run.force_eV_per_A * found["displacement_x_A"].iloc[-1])
    kinetic = sum(mass / 2 * found[f"velocity_{axis}_A_per_ps"] ** 2 for axis in "xyz")
    assert np.allclose(found["energy_eV"], kinetic)
    told = run.describe()
    assert told["friction_kg_per_s"] == {"cold": 3e-12, "hot": 9e-12}[side]
    assert told["parameters"] == {
        "mass_eV_ps2_per_A2": mass,
        "force_eV_per_A": run.force_eV_per_A,
        "temperature_K": chosen.temperature_K(side),
        "timestep_ps": 0.004,
        "sample_interval_ps": 2.0,
    }
    assert run.atoms == 0


def test_model_run_keeps_the_contract(tmp_path: Path) -> None:
    """The exact model writes a run folder whose first law closes and whose rerun has the same bytes."""
    chosen = study(drag={"duration_ns": "0.1"}).model_copy(update={"engine": "langevin"})
    run = Drag(chosen, 2, "cold", "0.3")
    for name in ("one", "two"):
        perform(run, tmp_path / name, Ranks(1))
    content = json.loads((tmp_path / "one/run.json").read_text(encoding="utf-8"))
    found = pd.read_parquet(tmp_path / "one/series.parquet")
    assert (content["purpose"], content["side"], content["force_nN"], content["replica"]) == ("drag", "cold", "0.3", 2)
    assert content["duration_ps"] == pytest.approx(100.0)
    assert content["controller"] is None
    assert content["closure"]["rms_eV"] < 1e-12
    assert content["fingerprint"] == run.fingerprint
    assert np.ptp(found["work_eV"]) > 1
    assert (tmp_path / "one/series.parquet").read_bytes() == (tmp_path / "two/series.parquet").read_bytes()
    assert experiment_at(chosen, "drag/cold/F_0.3", 2) == run
