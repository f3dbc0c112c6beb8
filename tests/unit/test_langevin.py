"""The exact engine against the stationary law that it must reproduce, and the runs that it makes side by side, axis by axis."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from analysis.model import LangevinPair
from simulation.engines.langevin import propagate_pair
from simulation.engines.ranks import Ranks
from simulation.experiments import experiment_at
from simulation.perform import perform
from simulation.study.fields import Study
from simulation.study.files import check_study, load_study


def pair(**changes: float) -> LangevinPair:
    """The paper's pair at κ_H/κ_C = 4.8."""
    parameters = {
        "mass": 1.225,
        "friction_cold": 0.22,
        "friction_hot": 0.22,
        "trap": 0.01,
        "coupling_cold": 0.1,
        "coupling_hot": 0.48,
        "temperature_cold": 100.0,
        "temperature_hot": 120.0,
    }
    return LangevinPair(**(parameters | changes))


@pytest.mark.parametrize("changes", [{}, {"friction_hot": 0.5}, {"coupling_hot": 0.017, "temperature_hot": 140.0}])
def test_path_has_the_exact_covariance_and_heat(changes: dict[str, float]) -> None:
    """Over many independent paths, covariance and work rates agree with the exact values, z-score by z-score."""
    model = pair(**changes)
    generator = np.random.default_rng(5)
    paths = [propagate_pair(model, 0.02, 20_000, 50, generator) for _ in range(60)]
    products = np.array([np.einsum("ti,tj->ij", states, states) / len(states) for states, _, _ in paths])
    error = products.std(axis=0, ddof=1) / np.sqrt(len(paths))
    z = ((products.mean(axis=0) - model.covariance()) / error)[np.triu_indices(4)]
    # ⟨X V⟩ of one particle is zero but for end effects, with its own error: all ten are tested alike.
    assert np.abs(z).max() < 3.5
    rates = np.array([work[-1] / 400.0 for _, work, _ in paths])
    z = (rates.mean(axis=0) - model.heat_rates()) / (rates.std(axis=0, ddof=1) / np.sqrt(len(paths)))
    assert np.abs(z).max() < 3.5
    assert np.abs(model.heat_rates()).min() > 5 * (rates.std(axis=0, ddof=1) / np.sqrt(len(paths))).min()


def test_time_correlation_is_exact() -> None:
    """Samples a stride apart correlate as e^{Aτ} C: the propagation has no time-step error, even for long steps."""
    model = pair()
    generator = np.random.default_rng(6)
    estimates = []
    for _ in range(60):
        states, _, _ = propagate_pair(model, 1.0, 2_000, 2, generator)  # a step of 1 ps is long for the fast mode
        estimates.append(np.einsum("ti,tj->ij", states[1:], states[:-1]) / (len(states) - 1))
    found = np.array(estimates)
    z = (found.mean(axis=0) - model.correlation(2.0)) / (found.std(axis=0, ddof=1) / np.sqrt(len(found)))
    assert np.abs(z).max() < 3.7  # sixteen values


def test_merged_eigenmodes_give_the_same_law() -> None:
    """Critical damping, where the eigenmodes merge, takes the step-by-step path and still has the exact variance."""
    mass, trap = 1.225, 0.01
    model = pair(
        coupling_cold=0.0,
        coupling_hot=0.0,
        friction_cold=2 * np.sqrt(mass * trap),
        friction_hot=2 * np.sqrt(mass * trap),
    )
    generator = np.random.default_rng(7)
    paths = [propagate_pair(model, 0.5, 2_000, 10, generator)[0] for _ in range(40)]
    variance = np.array([path[:, 0].var() for path in paths])
    z = (variance.mean() - model.covariance()[0, 0]) / (variance.std(ddof=1) / np.sqrt(40))
    assert abs(z) < 3


def test_work_of_a_spring_is_what_its_energy_loses() -> None:
    """With κ_C = κ_H the pair is a spring, so that both works together are known to the last digit at every sample."""
    model = pair(coupling_hot=0.1)
    states, work, _ = propagate_pair(model, 0.02, 3_000, 50, np.random.default_rng(9))
    energy = 0.1 / 2 * (states[:, 1] - states[:, 0]) ** 2
    assert len(states) == len(work) == 61
    assert np.allclose(work.sum(axis=1), energy[0] - energy, rtol=0, atol=1e-12)
    assert np.ptp(energy) > 1e-3


def test_chunks_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work and states do not depend on how the path is cut for memory."""
    whole = propagate_pair(pair(), 0.02, 3_000, 50, np.random.default_rng(8))
    monkeypatch.setattr("simulation.engines.langevin.CHUNK_STEPS", 420)
    for a, b in zip(whole, propagate_pair(pair(), 0.02, 3_000, 50, np.random.default_rng(8)), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-9)


# --- runs of a study --------------------------------------------------------------------------------------------------

SIDES = ("cold", "hot")
REPLICAS = 40
TIME_PS = 200.0


def study(**sections: dict[str, Any]) -> Study:
    """A study of the exact model whose sides differ in everything, coupled along x and z."""
    data: dict[str, Any] = {
        "baths": {"fluid_atoms": 25280, "temperature_cold_K": 100, "temperature_hot_K": 150},
        "trap": {"stiffness_eV_per_A2": 0.02},
        "langevin": {"friction_cold_kg_per_s": 3.5e-12, "friction_hot_kg_per_s": 9e-12},
        "demon": {"kappa_ratios": ["4.80"], "coupling_axes": "xz", "coupling_cold_eV_per_A2": 0.08},
        "integration": {"timestep_fs": 20},
        "schedule": {
            "sweep_ns": TIME_PS / 1000,
            "friction_ns": TIME_PS / 1000,
            "sweep_replicas": REPLICAS,
            "friction_replicas": REPLICAS,
            "sample_every_ps": 1,
        },
    }
    changed = {key: data.get(key, {}) | values for key, values in sections.items()}
    return check_study("short", {"engine": "langevin"} | data | changed)


def of_study(coupled: bool) -> LangevinPair:
    """The model that the study means, written out: mass of 186 copper atoms, frictions in eV ps/Å²."""
    return LangevinPair(
        mass=186 * 63.546 * 1.0364269e-4,
        friction_cold=3.5e-12 / 1.602176634e-11,
        friction_hot=9e-12 / 1.602176634e-11,
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


def states(series: pd.DataFrame, axis: str) -> NDArray[np.float64]:
    """(X_C, X_H, V_C, V_H) along an axis, shape (n, 4)."""
    positions = [f"position_{side}_{axis}_A" for side in SIDES]
    return series[positions + [f"velocity_{side}_{axis}_A_per_ps" for side in SIDES]].to_numpy()


def z_scores(found: NDArray[np.float64], expected: Any) -> NDArray[np.float64]:
    """How many standard errors the mean over replicas is off."""
    return np.asarray((found.mean(axis=0) - expected) / (found.std(axis=0, ddof=1) / np.sqrt(len(found))))


@pytest.mark.parametrize("axis", "xyz")
@pytest.mark.parametrize("point", ["kH_4.80", "friction"])
def test_each_axis_has_the_law_of_its_own_coupling(point: str, axis: str) -> None:
    """Coupled axes are the coupled pair, all others two free particles, at once and a picosecond apart, side by side."""
    coupled = point == "kH_4.80" and axis in "xz"
    model = of_study(coupled)
    paths = [states(series, axis) for series in runs(point)]
    at_once = np.array([np.einsum("ti,tj->ij", path, path) / len(path) for path in paths])
    apart = np.array([np.einsum("ti,tj->ij", path[1:], path[:-1]) / (len(path) - 1) for path in paths])
    z = np.concatenate(
        [
            z_scores(at_once, model.covariance())[np.triu_indices(4)],
            z_scores(apart, model.correlation(1.0)).ravel(),
        ]
    )
    assert np.abs(z).max() < 4.2  # twenty-six values, six times
    # Were it the other kind of axis, or were the sides exchanged, it would show.
    other = of_study(not coupled)
    assert np.abs(z_scores(at_once, other.covariance())).max() > 10
    exchanged = model.covariance()[np.ix_([1, 0, 3, 2], [1, 0, 3, 2])]
    assert np.abs(z_scores(at_once, exchanged)).max() > 10


def test_axes_and_replicas_are_independent() -> None:
    """No two of them are the same path, or correlated."""
    paths = np.array([[states(series, axis)[:, 2:] for axis in "xyz"] for series in runs("friction")])
    rows = paths.transpose(0, 1, 3, 2).reshape(REPLICAS * 3 * 2, -1)
    correlation = np.corrcoef(rows)[np.triu_indices(len(rows), 1)]
    # Velocities keep for some picoseconds, so two paths of 200 ps correlate by chance by about 0.15.
    assert np.abs(correlation).max() < 0.8
    assert abs(correlation.mean()) < 0.02


@pytest.mark.parametrize("side", SIDES)
def test_work_is_that_of_theory_on_each_coupled_axis(side: str) -> None:
    """Mean work on each particle is its bath's heat, cooling the cold one; there is none along y, nor in a friction run."""
    rate = of_study(True).heat_rates()[SIDES.index(side)]
    assert (rate < 0) == (side == "cold")
    for axis in "xz":
        work = np.array([series[f"work_{side}_{axis}_eV"].iloc[-1] / TIME_PS for series in runs("kH_4.80")])
        assert abs(z_scores(work, rate)) < 3.5
        assert abs(rate) > 5 * work.std(ddof=1) / np.sqrt(REPLICAS)
    assert f"work_{side}_y_eV" not in runs("kH_4.80")[0].columns
    assert not [name for name in runs("friction")[0].columns if name.startswith("work")]


@pytest.mark.parametrize("side", SIDES)
def test_heat_goes_to_the_bath_of_its_own_side(side: str) -> None:
    """What the thermostats take is the work of both axes; without demon it is what the particle's own energy loses."""
    rate = 2 * of_study(True).heat_rates()[SIDES.index(side)]
    heat = np.array([series[f"thermostat_{side}_eV"].iloc[-1] / TIME_PS for series in runs("kH_4.80")])
    assert abs(z_scores(heat, rate)) < 3.5
    assert abs(rate) > 5 * heat.std(ddof=1) / np.sqrt(REPLICAS)
    for series in runs("friction"):
        stored = series[f"energy_{side}_eV"] + series[f"trap_{side}_eV"]
        assert np.allclose(series[f"thermostat_{side}_eV"], stored.iloc[0] - stored)


@pytest.mark.parametrize("side", SIDES)
def test_energies_are_those_of_the_particle_of_that_side(side: str) -> None:
    """½ m V² and ½ κ X² over all axes; temperature is that of the bath, pressure there is none."""
    series = runs("kH_4.80")[0]
    mass = 186 * 63.546 * 1.0364269e-4
    kinetic = sum(mass / 2 * series[f"velocity_{side}_{axis}_A_per_ps"] ** 2 for axis in "xyz")
    potential = sum(0.02 / 2 * series[f"position_{side}_{axis}_A"] ** 2 for axis in "xyz")
    assert np.allclose(series[f"energy_{side}_eV"], kinetic, rtol=1e-6)
    assert np.allclose(series[f"trap_{side}_eV"], potential, rtol=1e-9)
    assert (series[f"temperature_{side}_K"] == {"cold": 100.0, "hot": 150.0}[side]).all()
    assert (series[f"pressure_{side}_bar"] == 0).all()
    assert (series["step"] == np.arange(0, 10_001, 50)).all()
    assert np.allclose(series["time_ps"], np.arange(0, 201.0))


def test_run_folder_is_that_of_lammps(tmp_path: Path) -> None:
    """The engine writes the contract's run.json and the columns of LAMMPS's series, and a rerun gives the same bytes."""
    run = experiment_at(study(demon={"coupling_axes": "xy"}), "kH_4.80", 1)
    for name in ("one", "two"):
        perform(run, tmp_path / name, Ranks(1))
    content = json.loads((tmp_path / "one/run.json").read_text(encoding="utf-8"))
    series = pd.read_parquet(tmp_path / "one/series.parquet")
    assert content["engine"] == "langevin"
    assert content["duration_ps"] == pytest.approx(TIME_PS)
    assert content["parameters"]["coupling_axes"] == "xy"
    columns = {
        column.series_name for column in run.columns() if column.name.rpartition("_")[0] != "internal_temperature"
    }
    assert set(series.columns) == {"step", "time_ps"} | columns
    for side in SIDES:
        assert content["closure"][f"{side}_rms_eV"] < 1e-12
        assert content["closure"][f"{side}_drift_eV_per_ns"] == pytest.approx(0, abs=1e-9)
    assert (tmp_path / "one/series.parquet").read_bytes() == (tmp_path / "two/series.parquet").read_bytes()


def test_model_study_has_the_paper_parameters() -> None:
    """Study `model` is study `paper` with the other engine."""
    model, paper = load_study("model"), load_study("paper")
    assert model.engine == "langevin"
    for section in ("materials", "nanoparticle", "baths", "trap", "demon"):
        assert getattr(model, section) == getattr(paper, section)
    assert model.langevin.friction_cold_kg_per_s == model.langevin.friction_hot_kg_per_s == 3.5e-12
    assert model.schedule.sweep_ns == 15
