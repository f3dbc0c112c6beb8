"""The exact engine with hidden bodies and friction by axis: paths, energies and drags against the stationary law and γ(ω)."""

from __future__ import annotations

import json
from decimal import Decimal, localcontext
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from analysis.data.runs import load_run
from analysis.model import BOLTZMANN, LangevinPair, LinearLangevin, PairWithBodies, Refrigerator
from analysis.units import FRICTION_SI
from simulation.engines.langevin import chunks, propagate_pair, propagate_pulled, transition
from simulation.engines.ranks import Ranks
from simulation.experiments import experiment_at
from simulation.experiments.drag import Drag
from simulation.experiments.machine import closure_limit
from simulation.overview.forecast import forecast, friction_of
from simulation.perform import perform
from simulation.study.fields import Study
from simulation.study.files import check_study, load_study
from simulation.study.section import SIDES
from tests.unit.test_langevin import pair, states, z_scores

Array = NDArray[np.float64]


def with_bodies(**changes: Any) -> PairWithBodies:
    """Two bodies on the cold side, a slow and heavy one among them, and a fast one on the hot side."""
    parameters: dict[str, Any] = {
        "mass": 1.225,
        "friction_cold": 0.3,
        "friction_hot": 0.2,
        "body_frictions_cold": (1.2, 0.2),
        "body_times_cold": (1.0, 6.0),
        "body_frictions_hot": (0.9,),
        "body_times_hot": (0.1,),
        "trap": 0.02,
        "coupling_cold": 0.1,
        "coupling_hot": 0.48,
        "temperature_cold": 100.0,
        "temperature_hot": 150.0,
    }
    return PairWithBodies(**(parameters | changes))


# --- numbers are what they were ---------------------------------------------------------------------------------------


def path_of_old(model: LangevinPair, timestep: float, steps: int, stride: int, seed: int) -> tuple[Array, Array]:
    """The pair's path by the engine's first way: one exponential for both matrices (C. F. Van Loan), step by step."""
    generator, drift = np.random.default_rng(seed), model.drift()
    block = expm(np.block([[-drift, model.noise()], [np.zeros((4, 4)), drift.T]]) * timestep)
    move = block[4:, 4:].T
    covariance = move @ block[:4, 4:]
    spread = np.linalg.cholesky((covariance + covariance.T) / 2)
    path = [np.linalg.cholesky(model.covariance()) @ generator.standard_normal(4)]
    for kick in generator.standard_normal((steps, 4)) @ spread.T:
        path.append(move @ path[-1] + kick)
    found = np.array(path)
    pull = found[:, 1] - found[:, 0]
    force = np.column_stack([model.coupling_cold * pull, -model.coupling_hot * pull])
    work = np.cumsum((force[1:] + force[:-1]) / 2 * np.diff(found[:, :2], axis=0), axis=0)
    return found[::stride], np.vstack([np.zeros(2), work])[::stride]


@pytest.mark.parametrize(
    ("changes", "timestep", "stride"),
    [({}, 0.02, 50), ({}, 1.0, 2), ({"friction_hot": 3.0}, 0.1, 3), ({"coupling_hot": -0.05}, 0.001, 1)],
)
def test_the_pair_has_the_numbers_that_it_had(changes: dict[str, float], timestep: float, stride: int) -> None:
    """The same seed gives the same states and works, but for rounding."""
    model = pair(**changes)
    for found, known in zip(
        propagate_pair(model, timestep, 600 * stride, stride, np.random.default_rng(3))[:2],
        path_of_old(model, timestep, 600 * stride, stride, 3),
        strict=True,
    ):
        assert found.shape == known.shape
        assert np.abs(found - known).max() < 1e-10 * np.abs(known).max()


def test_the_pair_has_frozen_numbers() -> None:
    """Of a short path, written down when it was first made."""
    found, work, _ = propagate_pair(pair(), 0.02, 500, 250, np.random.default_rng(20230))
    assert found.shape == (3, 4)
    state = [0.7904182794515406, 0.7806186672074189, 0.039197231789216275, 0.04693523011792032]
    assert found[-1] == pytest.approx(state, rel=1e-9)
    assert work[-1] == pytest.approx([0.0047433558208325975, -0.011743988336084399], rel=1e-9)
    way, velocities = propagate_pulled(1.2, 0.3, 100.0, 0.5, 0.5, 20, 20230)
    assert (way[-1], velocities[-1, 0]) == pytest.approx((10.517871193725668, 1.497518708489897), rel=1e-9)


# --- exact at any rates -----------------------------------------------------------------------------------------------


def decimals(matrix: Array) -> NDArray[np.object_]:
    """A matrix of numbers of 60 digits."""
    return np.array([[Decimal(float(value)) for value in row] for row in matrix], dtype=object)


def in_decimals(drift: Array, noise: Array, timestep: float) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """e^{Ah} and ∫₀ʰ e^{As} D e^{Aᵀs} ds by Taylor's series over a short time, doubled, in 60 digits."""
    doublings = int(np.ceil(np.log2(np.abs(drift).sum(axis=1).max() * timestep))) + 3
    step = Decimal(timestep) / 2**doublings
    a, term, power = decimals(drift), decimals(noise) * step, decimals(np.eye(len(drift)))
    covariance, move = term.copy(), power.copy()
    for n in range(1, 45):
        term, power = (a @ term + term @ a.T) * step / (n + 1), a @ power * step / n
        covariance, move = covariance + term, move + power
    for _ in range(doublings):
        covariance, move = covariance + move @ covariance @ move.T, move @ move
    return move, covariance


@pytest.mark.parametrize(
    ("changes", "timestep", "digits"),
    [
        ({}, 0.02, 1e-13),
        # Light and fast, over a step short and long against its time.
        ({"body_frictions_cold": (60.0,), "body_times_cold": (1e-4,)}, 10.0, 1e-10),
        ({"body_frictions_cold": (5.0,), "body_times_cold": (0.01,)}, 1e-3, 1e-11),
        # One noise moves particle and body against each other; both together feel next to none.
        ({"friction_cold": 1e-3, "body_frictions_cold": (30.0,), "body_times_cold": (1e-3,)}, 1e-3, 1e-9),
    ],
)
def test_transitions_have_their_digits(changes: dict[str, Any], timestep: float, digits: float) -> None:
    """e^{Ah} and the covariance of the kicks, in the direction too in which they are weakest, against 60 digits."""
    if "body_frictions_cold" in changes:
        changes = changes | {"body_frictions_hot": (), "body_times_hot": ()}
    model = with_bodies(**changes)
    scale = np.sqrt(np.diagonal(model.covariance()))
    move, spread = transition(model.drift(), model.noise(), scale, timestep)
    with localcontext() as context:
        context.prec = 60
        true_move, covariance = in_decimals(model.drift(), model.noise(), timestep)
        shrink = decimals(np.diag(1 / scale))
        off = decimals(move) - shrink @ true_move @ decimals(np.diag(scale))
        root = shrink @ covariance @ shrink
        for row in range(len(scale)):  # Cholesky's factor, in place
            for column in range(row + 1):
                left = root[row, column] - sum(root[row, k] * root[column, k] for k in range(column))
                root[row, column] = left.sqrt() if row == column else left / root[column, column]
        true_spread = np.tril(root.astype(float))
    assert np.abs(off.astype(float)).max() < digits
    assert np.allclose(np.diagonal(spread), np.diagonal(true_spread), rtol=digits, atol=0)
    assert np.allclose(spread, true_spread, rtol=0, atol=digits * np.abs(true_spread).max())


def estimates(model: Refrigerator, timestep: float, steps: int, stride: int, seed: int) -> tuple[Array, ...]:
    """Of 60 paths each: second moments at once, those two samples apart, and work rates."""
    generator, at_once, apart, rates = np.random.default_rng(seed), [], [], []
    for _ in range(60):
        path, work, _ = propagate_pair(model, timestep, steps, stride, generator)
        at_once.append(np.einsum("ti,tj->ij", path, path) / len(path))
        apart.append(np.einsum("ti,tj->ij", path[2:], path[:-2]) / (len(path) - 2))
        rates.append(work[-1] / (steps * timestep))
    return np.array(at_once), np.array(apart), np.array(rates)


@pytest.mark.parametrize(
    ("changes", "timestep", "steps", "stride"),
    [
        ({}, 0.02, 20_000, 25),
        ({"body_frictions_cold": (), "body_times_cold": (), "friction_cold": 1.0}, 0.02, 20_000, 25),
        # Bodies of a thousandth of the particle's mass, faster than the step.
        ({"body_frictions_hot": (0.9, 0.5), "body_times_hot": (0.002, 1e-4)}, 0.02, 20_000, 25),
    ],
)
def test_paths_have_the_exact_law(changes: dict[str, Any], timestep: float, steps: int, stride: int) -> None:
    """All second moments, hidden velocities included, at once and a ps apart, and the heat of each bath, z-score by z-score."""
    model = with_bodies(**changes)
    at_once, apart, rates = estimates(model, timestep, steps, stride, seed=12)
    z = np.concatenate(
        [
            z_scores(at_once, model.covariance())[np.triu_indices(len(model.covariance()))],
            z_scores(apart, model.correlation(2 * stride * timestep)).ravel(),
        ]
    )
    assert np.abs(z).max() < 4.4  # up to a hundred values
    assert 0.6 < np.sqrt(np.mean(z**2)) < 1.4
    assert np.abs(z_scores(rates, model.heat_rates())).max() < 3.5
    error = rates.std(axis=0, ddof=1) / np.sqrt(len(rates))
    assert np.abs(model.heat_rates()).min() > 5 * error.min()
    # A pair that has the bodies' friction for good, or none of it, would show.
    for white in ((0.3, 0.2), (1.7, 1.1)):
        other = pair(trap=0.02, temperature_hot=150.0, friction_cold=white[0], friction_hot=white[1])
        assert np.abs(z_scores(apart[:, :4, :4], other.correlation(2 * stride * timestep))).max() > 10


def test_work_of_a_path_is_that_of_its_samples() -> None:
    """Steps as long as samples: the sum over them is exact too, as the law of sampled force and displacement has it."""
    model, timestep = with_bodies(), 0.5
    generator = np.random.default_rng(14)
    rates = np.array([propagate_pair(model, timestep, 1000, 1, generator)[1][-1] / 500.0 for _ in range(60)])
    sampled = model.sampled_covariance(timestep)
    expected = np.einsum("ij,ij->i", model.controller_force(), sampled[2:, :2])
    assert np.abs(z_scores(rates, expected)).max() < 3.5


def test_merged_eigenmodes_of_a_particle_and_its_body() -> None:
    """Three modes in one, where no basis of eigenvectors is left: variance and correlation are still exact."""
    model = triple(mass=1.2, trap=0.02, rate=0.7 * (0.02 / 1.2) ** 0.5)
    values = np.linalg.eigvals(model.drift())
    assert np.abs(values - values.mean()).max() < 1e-4 * abs(values.mean())
    generator = np.random.default_rng(15)
    paths = [next(chunks(model, 0.5, 4_000, 2, generator))[::2] for _ in range(60)]
    at_once = np.array([np.einsum("ti,tj->ij", path, path) / len(path) for path in paths])
    apart = np.array([np.einsum("ti,tj->ij", path[4:], path[:-4]) / (len(path) - 4) for path in paths])
    assert np.abs(z_scores(at_once, model.covariance())[np.triu_indices(3)]).max() < 3.5
    assert np.abs(z_scores(apart, model.correlation(4.0))).max() < 3.7


def triple(mass: float, trap: float, rate: float) -> LinearLangevin:
    """A trapped particle and one body, all of whose three rates are one.

    Their polynomial, (m s² + g₀ s + κ)(1 + s τ) + c τ s², is m τ (s + rate)³ for κ = m τ rate³, g₀ + κ τ = 3 m τ rate² and
    m + g₀ τ + c τ = 3 m τ rate.
    """
    tau = trap / (mass * rate**3)
    white = 3 * mass * tau * rate**2 - trap * tau
    body = 3 * mass * rate - mass / tau - white
    assert min(tau, white, body) > 0
    contact = np.array([[white + body, -body], [-body, body]])
    return LinearLangevin(
        masses=[mass, body * tau], stiffness=[[trap], [0.0]], frictions=[contact], temperatures=[100.0]
    )


# --- runs of a study --------------------------------------------------------------------------------------------------

REPLICAS = 40
TIME_PS = 200.0
FRICTION: dict[str, Any] = {
    "friction_cold_kg_per_s": {"x": "30e-12", "yz": "2e-12"},
    "friction_hot_kg_per_s": {"xz": "4e-12", "y": "40e-12"},
    "bodies_cold": [
        {"friction_kg_per_s": {"x": "1e-11", "yz": "2e-11"}, "time_ps": "1.0"},
        {"friction_kg_per_s": {"yz": "4e-12"}, "time_ps": "5"},
    ],
    "bodies_hot": [{"friction_kg_per_s": {"x": "1e-11", "z": "5e-11"}, "time_ps": "0.5"}],
}
NUMBERS = {
    "x": ((30e-12, [(1e-11, 1.0)]), (4e-12, [(1e-11, 0.5)])),
    "y": ((2e-12, [(2e-11, 1.0), (4e-12, 5.0)]), (40e-12, [])),
    "z": ((2e-12, [(2e-11, 1.0), (4e-12, 5.0)]), (4e-12, [(5e-11, 0.5)])),
}
"""What FRICTION means: by axis and side, white friction and bodies."""


def study(axes: str = "xy", **sections: dict[str, Any]) -> Study:
    """A study of the exact model whose axes differ in everything."""
    data: dict[str, Any] = {
        "baths": {"fluid_atoms": 25280, "temperature_cold_K": 100, "temperature_hot_K": 150},
        "trap": {"stiffness_eV_per_A2": 0.02},
        "langevin": FRICTION,
        "demon": {"kappa_ratios": ["4.80"], "coupling_axes": axes, "coupling_cold_eV_per_A2": 0.08},
        "integration": {"timestep_fs": 20},
        "schedule": {
            "sweep_ns": TIME_PS / 1000,
            "friction_ns": TIME_PS / 1000,
            "sweep_replicas": REPLICAS,
            "friction_replicas": REPLICAS,
            "sample_every_ps": 0.2,
        },
    }
    changed = {key: data.get(key, {}) | values for key, values in sections.items()}
    return check_study("dressed", {"engine": "langevin"} | data | changed)


def of_axis(axis: str, coupled: bool) -> PairWithBodies:
    """The model that the study means along an axis, written out; bodies (c, τ) in eV ps/Å² and ps."""
    sides = NUMBERS[axis]
    return PairWithBodies(
        mass=186 * 63.546 * 1.0364269e-4,
        friction_cold=sides[0][0] / FRICTION_SI,
        friction_hot=sides[1][0] / FRICTION_SI,
        body_frictions_cold=tuple(c / FRICTION_SI for c, _ in sides[0][1]),
        body_frictions_hot=tuple(c / FRICTION_SI for c, _ in sides[1][1]),
        body_times_cold=tuple(tau for _, tau in sides[0][1]),
        body_times_hot=tuple(tau for _, tau in sides[1][1]),
        trap=0.02,
        coupling_cold=0.08 if coupled else 0.0,
        coupling_hot=0.08 * 4.80 if coupled else 0.0,
        temperature_cold=100.0,
        temperature_hot=150.0,
    )


@cache
def runs(point: str) -> list[pd.DataFrame]:
    """The series of all replicas."""
    return [experiment_at(study(), point, replica + 1).exact() for replica in range(REPLICAS)]


@pytest.mark.parametrize("axis", "xyz")
@pytest.mark.parametrize("point", ["kH_4.80", "friction"])
def test_each_axis_has_its_own_friction_and_bodies(point: str, axis: str) -> None:
    """Positions and velocities, at once and a picosecond apart; those of another axis would show."""
    coupled = point == "kH_4.80" and axis in "xy"
    paths = [states(series, axis) for series in runs(point)]
    at_once = np.array([np.einsum("ti,tj->ij", path, path) / len(path) for path in paths])
    apart = np.array([np.einsum("ti,tj->ij", path[5:], path[:-5]) / (len(path) - 5) for path in paths])
    model = of_axis(axis, coupled)
    z = np.concatenate(
        [
            z_scores(at_once, model.covariance()[:4, :4])[np.triu_indices(4)],
            z_scores(apart, model.correlation(1.0)[:4, :4]).ravel(),
        ]
    )
    assert np.abs(z).max() < 4.2  # twenty-six values, six times
    for other in set("xyz") - {axis}:
        assert np.abs(z_scores(apart, of_axis(other, coupled).correlation(1.0)[:4, :4])).max() > 7


@pytest.mark.parametrize("side", SIDES)
def test_work_and_heat_are_those_of_each_axis(side: str) -> None:
    """The work of each coupled axis, and the sum of all to the thermostat, are what the axes' own networks foretell."""
    rates = {axis: of_axis(axis, True).heat_rates()[SIDES.index(side)] for axis in "xy"}
    for axis, rate in rates.items():
        work = np.array([series[f"work_{side}_{axis}_eV"].iloc[-1] / TIME_PS for series in runs("kH_4.80")])
        assert abs(z_scores(work, rate)) < 3.5
        assert abs(rate) > 5 * work.std(ddof=1) / np.sqrt(REPLICAS)
    heat = np.array([series[f"thermostat_{side}_eV"].iloc[-1] / TIME_PS for series in runs("kH_4.80")])
    assert abs(z_scores(heat, sum(rates.values()))) < 3.5
    assert not [name for name in runs("friction")[0].columns if name.startswith("work")]


@pytest.mark.parametrize("side", SIDES)
def test_energy_of_a_side_holds_that_of_its_bodies(side: str) -> None:
    """½ k_B T for the particle and each of its bodies along each axis; without demon the thermostat takes what it loses."""
    velocities = sum(1 + len(NUMBERS[axis][SIDES.index(side)][1]) for axis in "xyz")
    temperature = {"cold": 100.0, "hot": 150.0}[side]
    mean = np.array([series[f"energy_{side}_eV"].mean() for series in runs("friction")])
    assert abs(z_scores(mean, velocities * BOLTZMANN * temperature / 2)) < 3.5
    assert mean.std(ddof=1) / np.sqrt(REPLICAS) < 0.2 * BOLTZMANN * temperature / 2
    squares = np.array([series[f"energy_{side}_eV"].var() for series in runs("friction")])
    assert abs(z_scores(squares, velocities / 2 * (BOLTZMANN * temperature) ** 2)) < 4
    for series in runs("friction"):
        stored = series[f"energy_{side}_eV"] + series[f"trap_{side}_eV"]
        assert np.allclose(series[f"thermostat_{side}_eV"], stored.iloc[0] - stored)


def test_run_folder_closes_and_says_what_it_was_made_with(tmp_path: Path) -> None:
    """Energy closes to rounding; `run.json` tells friction and bodies by axis; a rerun has the same bytes."""
    run = experiment_at(study(), "kH_4.80", 1)
    for name in ("one", "two"):
        perform(run, tmp_path / name, Ranks(1))
    assert (tmp_path / "one/series.parquet").read_bytes() == (tmp_path / "two/series.parquet").read_bytes()
    content = json.loads((tmp_path / "one/run.json").read_text(encoding="utf-8"))
    for index, side in enumerate(SIDES):
        assert content["closure"][f"{side}_rms_eV"] < 1e-12
        assert content[f"friction_{side}_kg_per_s"] == {axis: NUMBERS[axis][index][0] for axis in "xyz"}
        assert content[f"bodies_{side}"] == {
            axis: [{"friction_kg_per_s": c, "time_ps": tau} for c, tau in NUMBERS[axis][index][1]] for axis in "xyz"
        }
    loaded = load_run(tmp_path / "one")
    hidden = loaded.side_energy - loaded.kinetic_energy
    assert (hidden > 0).all()
    assert np.allclose(
        loaded.thermostat + loaded.side_energy + loaded.trap_energy - loaded.work.sum(axis=2),
        hidden[0] + loaded.kinetic_energy[0] + loaded.trap_energy[0],
    )
    plain = experiment_at(
        study(
            langevin={
                "bodies_cold": [],
                "bodies_hot": [],
                "friction_cold_kg_per_s": "3e-12",
                "friction_hot_kg_per_s": {"xyz": "4e-12"},
            }
        ),
        "kH_4.80",
        1,
    ).describe()
    assert (plain["friction_cold_kg_per_s"], plain["friction_hot_kg_per_s"]) == (3e-12, 4e-12)
    assert not [key for key in plain if key.startswith("bodies")]


def test_energy_of_a_drag_is_that_of_all_that_moves_and_of_springs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The particle's m v²/2, and c τ u²/2 of each body and Maxwell mode, along all axes; the rest of the work is heat."""
    langevin = {
        "friction_cold_kg_per_s": 3e-12,
        "bodies_cold": [{"friction_kg_per_s": {"x": 2 * FRICTION_SI}, "time_ps": 3}],
        "maxwell_cold": [{"friction_kg_per_s": {"x": 5 * FRICTION_SI, "y": 7 * FRICTION_SI}, "time_ps": 2}],
    }
    chosen = study(langevin=langevin, drag={"forces_nN": ["0.3"], "duration_ns": 0.1})
    mass = chosen.particle_mass_eV_ps2_per_A2
    hidden = iter((2, 1, 0))  # along x, y and z

    def propagate(*arguments: Any) -> tuple[Array, Array]:
        rows = arguments[5] + 1
        velocities = np.arange(rows)[:, None] * np.array([1.0, 10.0, 100.0])
        return 2.0 * np.arange(rows), velocities[:, : 1 + next(hidden)]

    monkeypatch.setattr("simulation.experiments.drag.propagate_pulled", propagate)
    run = Drag(chosen, 1, "cold", "0.3")
    found = run.exact()
    rows = np.arange(len(found))
    assert found["energy_eV"].to_numpy() == pytest.approx(rows**2 * (3 * mass + 100 * (6 + 14) + 10_000 * 10) / 2)
    assert found["work_eV"].to_numpy() == pytest.approx(2 * run.force_eV_per_A * rows)
    assert (found["thermostat_eV"] + found["energy_eV"]).to_numpy() == pytest.approx(found["work_eV"].to_numpy())


def test_everything_in_a_bath_makes_its_runs_other_ones() -> None:
    """With bodies and Maxwell modes together, each number of either changes the drag of its own side, and runs of both."""
    body, mode = {"friction_kg_per_s": "1e-11", "time_ps": 1}, {"friction_kg_per_s": "5e-12", "time_ps": 5}
    both: dict[str, Any] = {"bodies_cold": [body], "bodies_hot": [body], "maxwell_cold": [mode], "maxwell_hot": [mode]}
    points = ("friction", "kH_4.80", "drag/cold/F_0.3", "drag/hot/F_0.3")

    def prints(mass: float = 63.546, **langevin: Any) -> dict[str, str]:
        sections = study(langevin=both | langevin).model_dump(mode="json", exclude={"name"})
        sections["materials"]["metal"]["mass_u"] = mass
        chosen = check_study("bodies", sections | {"drag": {"forces_nN": ["0.3"]}})
        return {point: experiment_at(chosen, point, 1).fingerprint for point in points}

    before = prints()
    assert not set(prints(mass=64).values()) & set(before.values())
    for side in ("cold", "hot"):
        changes: list[dict[str, Any]] = [{f"friction_{side}_kg_per_s": "6e-12"}]
        for kind, one in (("bodies", body), ("maxwell", mode)):
            others: tuple[list[dict[str, Any]], ...] = (
                [],
                [one | {"time_ps": 2}],
                [one | {"friction_kg_per_s": "2e-12"}],
                [one, one],
            )
            changes += [{f"{kind}_{side}": other} for other in others]
        for change in changes:
            changed = {point for point, now in prints(**change).items() if now != before[point]}
            assert changed == {"friction", "kH_4.80", f"drag/{side}/F_0.3"}, change


def test_spelling_makes_no_run_another_one() -> None:
    """A number for all axes is what it was; only another friction, or a body, makes another run."""
    plain: dict[str, Any] = {
        "friction_cold_kg_per_s": "3e-12",
        "friction_hot_kg_per_s": "4e-12",
        "bodies_cold": [],
        "bodies_hot": [],
    }
    changes: dict[str, dict[str, Any]] = {
        "spelled out": {"friction_cold_kg_per_s": {"xy": "3e-12", "z": "3.0e-12"}},
        "another axis": {"friction_cold_kg_per_s": {"xy": "3e-12", "z": "3.1e-12"}},
        "body": {"bodies_cold": [{"friction_kg_per_s": "1e-12", "time_ps": 1}]},
        "body of an axis": {"bodies_cold": [{"friction_kg_per_s": {"y": "1e-12"}, "time_ps": 1}]},
        "slower body": {"bodies_cold": [{"friction_kg_per_s": "1e-12", "time_ps": 2}]},
    }
    for point in ("kH_4.80", "friction", "drag/cold/F_0.3"):
        run = experiment_at(study(langevin=plain), point, 1)
        prints = {
            name: experiment_at(study(langevin=plain | change), point, 1).fingerprint
            for name, change in changes.items()
        }
        assert prints.pop("spelled out") == run.fingerprint
        assert len({run.fingerprint, *prints.values()}) == 5
        identity = run.identity()
        if point.startswith("drag"):
            assert identity["particle"] == [run.study.particle_mass_eV_ps2_per_A2, 3e-12]
        else:
            assert identity["pair"].startswith("LangevinPair(mass=")


# --- drags ------------------------------------------------------------------------------------------------------------


def test_pulled_particle_with_bodies_has_the_exact_law() -> None:
    """Mean and spread of way and velocities, of the bodies too, at several intervals; the start is in equilibrium."""
    mass, white, temperature, force, paths = 1.2, 0.3, 100.0, 0.5, 800
    bodies = [(1.2, 1.0), (0.4, 0.05)]
    masses = np.array([mass, 1.2, 0.02])
    contact = np.array([[white + 1.6, -1.2, -0.4], [-1.2, 1.2, 0.0], [-0.4, 0.0, 0.4]])
    drift = -contact / masses[:, None]
    thermal = np.diag(BOLTZMANN * temperature / masses)
    terminal = force / white
    # ⟨V(t)⟩ = V∞ (1 - e^{At} 1); of the way, ∫⟨V⟩ and 2 ∫ (T - s) ⟨V(s) V(0)⟩ ds.
    time = 4.0
    nodes, weights = np.polynomial.legendre.leggauss(60)
    span, weight = (1 + nodes) / 2 * time, weights / 2 * time
    kept = np.array([expm(drift * s) for s in span])
    lag = terminal * (1 - kept[:, 0].sum(axis=1))
    mean_way = weight @ lag
    spread_way = 2 * weight @ ((time - span) * (kept @ thermal)[:, 0, 0])
    mean = terminal * (1 - expm(drift * time).sum(axis=1))
    for interval, intervals in ((0.5, 8), (4.0, 1)):
        found = [
            propagate_pulled(mass, white, temperature, force, interval, intervals, seed, bodies)
            for seed in range(paths)
        ]
        way, velocities = np.array([path[0] for path in found]), np.array([path[1] for path in found])
        assert velocities.shape == (paths, intervals + 1, 3)
        assert (way[:, 0] == 0).all()
        for values, expected, variance in (
            (velocities[:, 0], np.zeros(3), np.diagonal(thermal)),
            (velocities[:, -1], mean, np.diagonal(thermal)),
            (way[:, -1], mean_way, spread_way),
        ):
            assert (np.abs(values.mean(axis=0) - expected) < 3.7 * np.sqrt(variance / paths)).all()
            assert (np.abs(values.var(axis=0) / variance - 1) < 3.7 * np.sqrt(2 / paths)).all()
    # Without its bodies it would be faster by far at first.
    assert mean_way < 0.8 * terminal * (time - mass / white * (1 - np.exp(-time * white / mass)))


def test_a_pull_moves_bodies_and_stretches_springs_by_newton_s_law() -> None:
    """Without noise: m V' = F - g V - c (V - W) - η U; a body has W' = (V - W)/τ, the dashpot of a spring U' = (V - U)/τ."""
    mass, white, force = 1.2, 0.2, 0.5
    (c, tau), (eta, slow) = (0.9, 2.0), (0.6, 5.0)

    def rate(_: float, state: Array) -> list[float]:
        _, v, w, u = state
        return [v, (force - white * v - c * (v - w) - eta * u) / mass, (v - w) / tau, (v - u) / slow]

    exact = solve_ivp(rate, (0, 20), [0.0] * 4, t_eval=np.arange(0, 21, 2.0), rtol=1e-10, atol=1e-12).y
    way, velocities = propagate_pulled(mass, white, 1e-18, force, 2.0, 10, 1, [(c, tau)], [(eta, slow)])
    np.testing.assert_allclose(way, exact[0], atol=1e-6)
    np.testing.assert_allclose(velocities, exact[1:].T, atol=1e-6)
    assert exact[1, -1] == pytest.approx(force / (white + eta), rel=0.1)


@pytest.mark.parametrize("side", SIDES)
def test_drag_run_has_the_friction_of_each_axis(side: str) -> None:
    """Along x it settles to force over that axis' own friction; energy holds the bodies, and balances with the work."""
    chosen = study(drag={"duration_ns": 20}, schedule={"sample_every_ps": 2, "sweep_ns": 0.2})
    run = Drag(chosen, 1, side, "0.3")
    found = run.exact()
    index = SIDES.index(side)
    steady = found.iloc[100:]
    friction = NUMBERS["x"][index][0] / FRICTION_SI
    way = steady["displacement_x_A"].to_numpy()
    time = steady["time_ps"].to_numpy()
    diffusion = BOLTZMANN * chosen.temperature_K(side) / friction
    speed = (way[-1] - way[0]) / (time[-1] - time[0])
    assert abs(speed - run.force_eV_per_A / friction) < 3.5 * np.sqrt(2 * diffusion / (time[-1] - time[0]))
    for axis in "yz":
        spread = 2 * BOLTZMANN * chosen.temperature_K(side) / (NUMBERS[axis][index][0] / FRICTION_SI)
        steps = np.diff(found[f"displacement_{axis}_A"].to_numpy()[::100])  # of 200 ps: far above all memories
        assert abs(steps.var() / (spread * 200.0) - 1) < 0.05 + 3.5 * np.sqrt(2 / steps.size)
    kinetic = sum(chosen.particle_mass_eV_ps2_per_A2 / 2 * found[f"velocity_{axis}_A_per_ps"] ** 2 for axis in "xyz")
    hidden = found["energy_eV"] - kinetic
    assert (hidden > 0).all()
    (balance,) = run.balances(found)
    assert np.abs(balance.residual_eV).max() < 1e-9
    told = run.describe()
    assert told["friction_kg_per_s"] == {axis: NUMBERS[axis][index][0] for axis in "xyz"}
    assert told["bodies"]["z"][0] == {
        "friction_kg_per_s": NUMBERS["z"][index][1][0][0],
        "time_ps": NUMBERS["z"][index][1][0][1],
    }


# --- what is foretold -------------------------------------------------------------------------------------------------


def test_forecast_is_that_of_the_axes_together(tmp_path: Path) -> None:
    """Mean and spread of the heat as it is measured, bodies' energy included, over many short runs."""
    replicas, time = 150, 50.0
    chosen = study(
        schedule={"sweep_ns": time / 1000, "segment_ps": 10, "trajectory_every_ps": 10, "sweep_replicas": replicas}
    )
    mass = chosen.particle_mass_eV_ps2_per_A2
    gathered = []
    for replica in range(replicas):
        series = experiment_at(chosen, "kH_4.80", replica + 1).exact().iloc[[0, -1]]
        row = []
        for side in SIDES:
            own = sum(mass / 2 * series[f"velocity_{side}_{axis}_A_per_ps"] ** 2 for axis in "xyz")
            stored = (series[f"energy_{side}_eV"] - own).to_numpy()
            row.append(series[f"thermostat_{side}_eV"].iloc[-1] + stored[1] - stored[0])
        gathered.append(row)
    rates = np.array(gathered) / (time / 1000) / 2  # of two axes
    predicted = forecast(chosen, friction_of(chosen, tmp_path)).iloc[0]
    assert predicted["axes_times_replicas"] == 2 * replicas
    for measured, side in zip(rates.T, SIDES, strict=True):
        heat, se = predicted[f"heat_{side}_eV_per_ns"], predicted[f"se_{side}_eV_per_ns"]
        assert abs(measured.mean() - heat) < 3.5 * se
        squares = (measured - heat) ** 2
        error = squares.std(ddof=1) / np.sqrt(replicas)
        assert abs(squares.mean() - replicas * se**2) < 3.5 * error
    expected = np.mean([of_axis(axis, True).heat_rates() for axis in "xy"], axis=0) * 1000
    assert [predicted[f"heat_{side}_eV_per_ns"] for side in SIDES] == pytest.approx(expected)


def test_limit_of_the_balance_is_a_share_of_each_axis_own_heat() -> None:
    """Summed over the coupled axes."""
    expected = {
        axis: abs(
            PairWithBodies(
                **{name: getattr(of_axis(axis, True), name) for name in PairWithBodies.__dataclass_fields__}
                | {"coupling_hot": 0.08 * 4.0}
            ).heat_rates()[0]
        )
        for axis in "xyz"
    }
    for axes in ("x", "y", "xz", "xyz"):
        limit, _ = closure_limit(study(axes))
        assert limit == pytest.approx(0.05 * 1000 * sum(expected[axis] for axis in axes))


def test_shipped_study_has_bodies_along_each_axis() -> None:
    """Study `dressed-model` differs by axis, cools, and lasts as long as `model`."""
    chosen = load_study("dressed-model")
    pairs = [chosen.pair(0.1, 0.48, axis) for axis in "xyz"]
    assert all(isinstance(each, PairWithBodies) and each.masses.size == 6 for each in pairs)
    assert pairs[0] != pairs[1] == pairs[2]
    assert all(each.heat_rates()[0] < 0 for each in pairs)
    assert chosen.schedule.sweep_ns == load_study("model").schedule.sweep_ns
