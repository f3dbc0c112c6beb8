"""The temperature inside the particles, against made-up series and atoms of known curvature."""

from __future__ import annotations

from dataclasses import replace

import MDAnalysis
import numpy as np
import pytest
from scipy.signal import lfilter

from analysis.structure.inside import metal_temperatures, squared_frequency
from analysis.units import ATOMIC_MASS
from tests.unit.synthetic import Truth, synthetic_runs


@pytest.mark.parametrize(("offset_K", "agrees"), [(0.0, True), (-3.0, False)])
def test_a_particle_off_its_temperature_is_noticed(offset_K: float, agrees: bool) -> None:
    """The copper's mean temperature has an error that covers what Verlet shows of its bath's; 3 K less is many errors away."""
    run = synthetic_runs(Truth(), 1000, 1, seed=2)[0]
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 6, len(run.series))
    memory = lfilter([1.0], [1.0, -0.8], rng.normal(0, 2, len(run.series)))
    # A step of 4 fs and ω = 50 rad/ps: (ωh)²/6 = 2/300.
    shown = 1 - 2 / 300
    for side, true in (("cold", 100.0), ("hot", 120.0)):
        run.series[f"internal_temperature_{side}_K"] = true * shown + offset_K + noise + memory
    time, (cold, hot) = metal_temperatures([run], [2500.0, 2500.0])
    assert cold.mean is not None
    assert cold.over_time is not None
    assert hot.z is not None
    assert cold.expected == pytest.approx(100 * shown)
    assert cold.mean.value == pytest.approx(100 * shown + offset_K, abs=1.5)
    assert cold.mean.se < 0.6
    assert (abs(hot.z) < 3) == agrees
    assert np.mean(cold.over_time) == pytest.approx(cold.mean.value, abs=0.1)
    # 1001 samples in 80 stretches: the first ones have a sample more.
    assert len(time) == len(cold.over_time) == len(cold.bath_over_time) == 80
    assert (time[0], time[-1]) == (6.0, 994.5)
    np.testing.assert_allclose(cold.over_time[0], run.series["internal_temperature_cold_K"][:13].mean())
    assert set(cold.bath_over_time) == {100.0}
    assert set(hot.bath_over_time) == {120.0}
    for last, is_known in ((300, True), (299, False), (100, False)):
        short = metal_temperatures([replace(run, series=run.series[: last + 1])], [2500.0, 2500.0])[1][0]
        assert (short.z is not None) == is_known, f"{last} ps: how slowly copper changes its temperature"
    few, (part, _) = metal_temperatures([replace(run, series=run.series[:5])], [2500.0, 2500.0])
    assert few.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert part.over_time is not None
    np.testing.assert_allclose(part.over_time, run.series["internal_temperature_cold_K"][:5])
    # One replica that did not record it leaves the mean unknown.
    bare = synthetic_runs(Truth(), 1000, 1, seed=2)[0]
    for runs in ([run, bare], [bare, run]):
        assert [each.mean for each in metal_temperatures(runs, [0.0, 0.0])[1]] == [None, None]


def test_errors_from_two_short_runs_hold() -> None:
    """Deviations in units of their errors are normal for two runs of 520 ps, as in `demo`, and a correlation time of 8 ps."""
    template = synthetic_runs(Truth(), 520, 1, seed=2)[0]
    rng, decay = np.random.default_rng(5), np.exp(-template.parameters.sample_interval / 8)
    deviations = []
    for _ in range(60):
        noise = 6 * np.sqrt(1 - decay**2) * rng.normal(size=(4, 2000 + len(template.series)))
        cold, hot, cold_again, hot_again = lfilter([1.0], [1.0, -decay], noise)[:, 2000:]
        runs = [
            replace(
                template,
                series=template.series.assign(
                    internal_temperature_cold_K=100 + of_cold, internal_temperature_hot_K=120 + of_hot
                ),
            )
            for of_cold, of_hot in ((cold, hot), (cold_again, hot_again))
        ]
        found = metal_temperatures(runs, [0.0, 0.0])[1]
        assert found[0].mean is not None
        assert found[0].mean.value == pytest.approx(100 + np.mean([cold, cold_again]))
        deviations += [each.z for each in found if each.z is not None]
    assert len(deviations) == 120
    assert np.std(deviations) == pytest.approx(1, abs=0.2)
    assert np.sum(np.abs(deviations) > 3) <= 2


def test_squared_frequency_of_atoms_that_pull_and_push() -> None:
    """Away from the minimum too it is the trace of the Hessian, here by differences of the energy, over mass and motions."""
    epsilon, sigma, mass = 0.4093, 2.338, 63.546
    positions = np.array([[0, 0, 0], [2.2, 0.3, 0], [0.4, 2.7, 0.2], [1.9, 2.4, 2.1]])

    def energy(at: np.ndarray) -> float:
        distance = np.linalg.norm(at[:, None] - at[None], axis=2)[np.triu_indices(4, 1)]
        return float((4 * epsilon * ((sigma / distance) ** 12 - (sigma / distance) ** 6)).sum())

    step, trace = 1e-3, 0.0
    for move in step * np.eye(12).reshape(12, 4, 3):
        trace += (energy(positions + move) - 2 * energy(positions) + energy(positions - move)) / step**2
    universe = MDAnalysis.Universe.empty(4, trajectory=True)
    universe.add_TopologyAttr("masses", [mass] * 4)
    universe.atoms.positions = positions
    found = squared_frequency(universe, universe.atoms, epsilon, sigma)
    assert found == pytest.approx(trace / (12 * mass * ATOMIC_MASS), rel=1e-4)


def test_squared_frequency_of_a_pair_at_rest() -> None:
    """Two atoms at the minimum of their potential have one vibration, ω² = 2k/m with k = 72 ε/(2^⅓ σ²), among six motions."""
    epsilon, sigma, mass = 0.4093, 2.338, 63.546
    universe = MDAnalysis.Universe.empty(2, trajectory=True)
    universe.add_TopologyAttr("masses", [mass, mass])
    universe.atoms.positions = [[0, 0, 0], [2 ** (1 / 6) * sigma, 0, 0]]
    stiffness = 72 * epsilon / (2 ** (1 / 3) * sigma**2)
    found = squared_frequency(universe, universe.atoms, epsilon, sigma)
    assert found == pytest.approx(2 * stiffness / (mass * ATOMIC_MASS) / 6, rel=1e-5)
    # Pairs count up to 8 Å: there the curvature u'' + 2u'/r of each atom, u = 4ε[(σ/r)¹² - (σ/r)⁶], is still that of the pull.
    for distance, counts in ((3.0, True), (5.0, True), (7.9, True), (8.1, False)):
        universe.atoms.positions = [[0, 0, 0], [0, distance, 0]]
        sixth = (sigma / distance) ** 6
        bend = 4 * epsilon * (156 * sixth**2 - 42 * sixth) / distance**2
        pull = 4 * epsilon * (6 * sixth - 12 * sixth**2) / distance
        expected = 2 * (bend + 2 * pull / distance) / (6 * mass * ATOMIC_MASS) if counts else 0.0
        assert squared_frequency(universe, universe.atoms, epsilon, sigma) == pytest.approx(expected, rel=1e-4)
