"""The Langevin engine against the exact stationary law that it must reproduce."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.model import LangevinPair
from simulation.engine import Ranks
from simulation.langevin import propagate_pair
from simulation.plan import Run
from simulation.runfolder import first_law
from simulation.simulate import simulate
from simulation.study import Study
from simulation.studyfile import check_study, load_study


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
    products = np.array([np.einsum("ti,tj->ij", states, states) / len(states) for states, _ in paths])
    error = products.std(axis=0, ddof=1) / np.sqrt(len(paths))
    z = ((products.mean(axis=0) - model.covariance()) / error)[np.triu_indices(4)]
    # ⟨X V⟩ of one particle is zero but for end effects, with its own error: all ten are tested alike.
    assert np.abs(z).max() < 3.5
    rates = np.array([work[-1] / 400.0 for _, work in paths])
    z = (rates.mean(axis=0) - model.heat_rates()) / (rates.std(axis=0, ddof=1) / np.sqrt(len(paths)))
    assert np.abs(z).max() < 3.5
    assert np.abs(model.heat_rates()).min() > 5 * (rates.std(axis=0, ddof=1) / np.sqrt(len(paths))).min()


def test_time_correlation_is_exact() -> None:
    """Samples a stride apart correlate as e^{Aτ} C: the propagation has no time-step error, even for long steps."""
    model = pair()
    generator = np.random.default_rng(6)
    estimates = []
    for _ in range(60):
        states, _ = propagate_pair(model, 1.0, 2_000, 2, generator)  # a step of 1 ps is long for the fast mode
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


def test_chunks_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work and states do not depend on how the path is cut for memory."""
    whole = propagate_pair(pair(), 0.02, 3_000, 50, np.random.default_rng(8))
    monkeypatch.setattr("simulation.langevin.CHUNK_STEPS", 400)
    cut = propagate_pair(pair(), 0.02, 3_000, 50, np.random.default_rng(8))
    for a, b in zip(whole, cut, strict=True):
        assert np.allclose(a, b, rtol=0, atol=1e-9)


def small() -> Study:
    """A short Langevin study."""
    return check_study(
        "short",
        {
            "engine": "langevin",
            "baths": {"argon_atoms": "25280"},
            "demon": {"kappa_ratios": ["4.80"], "coupling_axes": "xy"},
            "integration": {"timestep_fs": "20"},
            "schedule": {"sweep_ns": "0.1", "segment_ps": "100"},
        },
    )


def test_run_folder_is_that_of_lammps(tmp_path: Path) -> None:
    """The engine writes the contract's run.json and series, its first law closes exactly, and a rerun gives the same bytes."""
    run = Run(small(), "kH_4.80", 1)
    for name in ("one", "two"):
        simulate(run, None, tmp_path / name, Ranks(1))
    content = json.loads((tmp_path / "one/run.json").read_text())
    series = pd.read_parquet(tmp_path / "one/series.parquet")
    assert content["engine"] == "langevin"
    assert content["duration_ps"] == pytest.approx(100.0)
    assert {"work_cold_y_eV", "position_hot_z_A", "pressure_hot_bar"} <= set(series.columns)
    assert "work_cold_z_eV" not in series.columns
    assert first_law(series, "xy")["hot"]["rms_eV"] < 1e-12
    assert np.ptp(series["thermostat_hot_eV"]) > 0.01
    assert (tmp_path / "one/series.parquet").read_bytes() == (tmp_path / "two/series.parquet").read_bytes()


def test_model_study_has_the_paper_parameters() -> None:
    """Study `model` is study `paper` with the other engine."""
    model, paper = load_study("model"), load_study("paper")
    assert model.engine == "langevin"
    for section in ("materials", "nanoparticle", "baths", "trap", "demon"):
        assert getattr(model, section) == getattr(paper, section)
    assert model.langevin.friction_cold_kg_per_s == 3.5e-12
    assert model.schedule.sweep_ns == 15
