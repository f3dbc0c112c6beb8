"""Heat rates against runs of known truth: unbiased, with error bars that cover, per coupled axis."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import solve_continuous_lyapunov
from scipy.stats import binomtest

from analysis.data.runs import Run
from analysis.heat.point import ESTIMATORS
from analysis.heat.rates import (
    combined_rate,
    cumulative,
    current_blocks,
    heat_rates,
    mode,
    point_summary,
    rate_covariance,
    run_blocks,
    slow_mode,
)
from analysis.model import AT_REST, Oscillation, TrapMotion
from analysis.statistics.timeseries import Estimate, SeriesTooShortError, memory, memory_of_square
from tests.unit import synthetic
from tests.unit.synthetic import Truth, synthetic_runs

RUNS = 120
REFRIGERATOR = Truth(kappa_ratio="4.80", friction_cold=0.45, friction_hot=0.55)
HEATER = Truth(kappa_ratio="0.17", friction_cold=0.45, friction_hot=0.55)

COMBINATIONS = {"power": (1.0, 1.0), "entropy": (1 / 100, 1 / 120)}
QUANTITIES = [*((name, side) for name in ESTIMATORS for side in range(2)), *((name, 0) for name in COMBINATIONS)]


@pytest.fixture(scope="module", params=[REFRIGERATOR, HEATER], ids=["refrigerator", "heater"])
def deviations(request: pytest.FixtureRequest) -> dict[tuple[str, int], np.ndarray]:
    """Deviations from the truth in standard errors, over 120 runs of 500 ps, by estimator and side."""
    truth: Truth = request.param
    exact = synthetic.heat_rates(truth)
    z: dict[tuple[str, int], list[float]] = {key: [] for key in QUANTITIES}
    for run in synthetic_runs(truth, 500, RUNS, seed=11):
        try:
            blocks = current_blocks([run])
        except SeriesTooShortError:
            continue
        for name, pair in heat_rates([run], blocks).items():
            for side in range(2):
                z[name, side].append(pair[side].z(exact[side]))
        for combination, weights in COMBINATIONS.items():
            z[combination, 0].append(combined_rate([run], blocks, weights).z(float(exact @ weights)))
    return {key: np.array(values) for key, values in z.items()}


@pytest.mark.parametrize("key", QUANTITIES, ids=lambda key: f"{key[0]}-{key[1]}")
def test_error_bars_cover(deviations: dict[tuple[str, int], np.ndarray], key: tuple[str, int]) -> None:
    """Nominal 95 % intervals cover the truth as often as they say, and estimates fall on both sides of it."""
    z = deviations[key]
    assert len(z) > 0.9 * RUNS
    assert binomtest(int((np.abs(z) < 1.96).sum()), len(z), 0.95).pvalue > 1e-3
    assert abs(z.mean()) < 4 / math.sqrt(len(z))
    # An error bar may not buy its coverage by being too wide: 120 values tell the spread to 6.5 %.
    assert z.std() > 1 - 4 * 0.065


def test_power_at_the_pseudo_equilibrium_has_no_walk() -> None:
    """At T_H/T_C the entropy production has noise from the ends of a run alone, and its errors have the size of that."""
    truth = replace(REFRIGERATOR, kappa_ratio="1.2")
    weights = (1 / 100, 1 / 120)
    z = [combined_rate([run], current_blocks([run]), weights).z(0.0) for run in synthetic_runs(truth, 800, 80, seed=12)]
    # 80 values tell the spread to 8 %, or to 11 % with the heavy tails of a difference of two energies.
    assert 1 - 3 * 0.11 < np.std(z) < 1 + 3 * 0.11


def test_long_runs_of_an_underdamped_pair_have_errors_of_the_right_size() -> None:
    """At the paper's friction its pair rings: blocks of four memories make an error an eighth too wide, longer ones do not."""
    truth = Truth(kappa_ratio="7.27", friction_cold=0.2185, friction_hot=0.2185)
    runs = synthetic_runs(truth, 12000, 6, seed=14, axes="x")
    claimed = np.mean([heat_rates([run], current_blocks([run]))["work"][0].se for run in runs])
    noise = runs[0].parameters.white_pair((truth.friction_cold, truth.friction_hot)).flow_noise() / runs[0].duration
    # 200 blocks tell an error to 5 %, six runs to 2 %.
    assert claimed / math.sqrt(noise[0, 0]) == pytest.approx(1, abs=0.065)
    # What two fitted slopes share is the walk's alone, for the baths know nothing of each other. Parabolic weights
    # 6 s (1 - s) of the walk's steps have a mean square of ∫ 36 s² (1 - s)² ds = 36 (1/3 - 1/2 + 1/5) = 6/5.
    shared = np.mean([rate_covariance([run], current_blocks([run]), "thermostat")[0, 1] for run in runs])
    assert shared / noise[0, 1] == pytest.approx(1.2, abs=0.1)


def test_bare_thermostat_drowns_and_headline_does_not() -> None:
    """The baths' own energy blows up the error of the bare thermostat, while the headline is as good as the work."""
    runs = synthetic_runs(REFRIGERATOR, 600, 2, seed=2)
    rates = heat_rates(runs, current_blocks(runs))
    for side in range(2):
        work, heat, bare = (rates[name][side].se for name in ("work", "heat", "thermostat"))
        assert work <= heat < 1.3 * work
        assert bare > 3 * heat


def test_headline_is_all_energy_but_that_of_the_centre_of_mass() -> None:
    """By the first law the headline is the work less what trap and centre-of-mass motion have kept, to rounding."""
    runs = synthetic_runs(REFRIGERATOR, 100, 2, seed=9, axes="xz")
    rates = heat_rates(runs, None)
    for side in range(2):
        kept = [run.kinetic_energy[:, side] + run.trap_energy[:, side] for run in runs]
        work = [run.work[:, side].sum(axis=1) for run in runs]
        given = np.mean([w[-1] - w[0] - (k[-1] - k[0]) for w, k in zip(work, kept, strict=True)])
        assert rates["heat"][side].value == pytest.approx(given / 100 / 2, rel=1e-9)


def test_error_of_a_fitted_line_is_far_too_small() -> None:
    """The error that least squares claims for a cumulative heat is an order of magnitude below the true spread."""
    works = [run.work[:, 0, 0] for run in synthetic_runs(REFRIGERATOR, 500, 40, seed=3, axes="x")]
    fits = [np.polyfit(np.arange(len(w)), w, 1, cov=True) for w in works]
    claimed = float(np.mean([math.sqrt(covariance[0, 0]) for _, covariance in fits]))
    seen = float(np.std([line[0] for line, _ in fits]))
    assert claimed < seen / 8


def test_cumulative_flows_end_at_the_rates() -> None:
    """What has flowed in the end is rate times time, for both estimators that know only the ends; all begin at 0."""
    runs = synthetic_runs(REFRIGERATOR, 100, 2, seed=10, axes="xz")
    flows, rates = cumulative(runs), heat_rates(runs, None)
    for name in ("heat", "work"):
        assert flows[name].shape == (2, 2, 101)
        np.testing.assert_allclose(flows[name][..., 0], 0.0, atol=1e-12)
        ends = flows[name][..., -1].mean(axis=0) / 100
        np.testing.assert_allclose(ends, [rate.value for rate in rates[name]], rtol=1e-9)


def test_rates_are_per_coupled_axis() -> None:
    """One, two and three coupled axes give the same rate per axis, for all three estimators."""
    exact = synthetic.heat_rates(REFRIGERATOR)
    for axes in ("y", "xz", "xyz"):
        runs = synthetic_runs(REFRIGERATOR, 1500, 4, seed=4, axes=axes)
        for name, pair in heat_rates(runs, current_blocks(runs)).items():
            for side in range(2):
                assert abs(pair[side].z(exact[side])) < 4, (axes, name, side)


def test_slow_mode_has_no_share_in_the_stiff_one() -> None:
    """Moving the particles along the controller's own mode (κ_C, -κ_H) leaves the slow coordinate where it was."""
    run = synthetic_runs(REFRIGERATOR, 20, 1, seed=5, axes="xz")[0]
    before = slow_mode(run)
    shift = np.random.default_rng(1).standard_normal((21, 1, 3)) * np.array([0.1, -0.48])[:, None]
    moved = replace(run, series=run.series.copy())
    for j, side in enumerate(("cold", "hot")):
        for k, axis in enumerate("xyz"):
            moved.series[f"position_{side}_{axis}_A"] += shift[:, j, k]
    assert before.shape == (2, 21)
    np.testing.assert_allclose(slow_mode(moved), before, atol=1e-12)
    assert not np.allclose(moved.position, run.position, atol=1e-2)


@pytest.fixture(scope="module")
def replicas() -> list[Run]:
    """Two runs of 3 ns."""
    return synthetic_runs(REFRIGERATOR, 3000, 2, seed=15)


def of_another_law(runs: list[Run], motion: TrapMotion = AT_REST) -> list[Run]:
    """The same runs, of a controller of which nothing is known."""
    told = replace(runs[0].parameters, controller="mine:Law", motion=motion)
    return [replace(run, parameters=told) for run in runs]


def test_blocks_of_the_linear_law_have_the_memory_of_its_slow_mode_and_of_its_gap(replicas: list[Run]) -> None:
    """Distributions remember the slow mode, currents X_H - X_C alone, which forgets sooner; both as squares."""
    gaps = np.concatenate([(run.position[:, 1] - run.position[:, 0]).T for run in replicas])
    slow = np.concatenate([slow_mode(run) for run in replicas])
    assert current_blocks(replicas).memory == pytest.approx(memory_of_square(gaps, 1.0))
    assert run_blocks(replicas).memory == pytest.approx(memory_of_square(slow, 1.0))
    opposite = [replace(run, parameters=replace(run.parameters, coupling=(0.1, -0.1))) for run in replicas]
    assert np.isfinite(slow_mode(opposite[0])).all()


@pytest.mark.parametrize(("cold", "ratio"), [(-0.004, "1.2"), (0.1, "-1.05")])
def test_blocks_have_the_memory_of_the_weaker_trap(cold: float, ratio: str) -> None:
    """With κ_C + κ_H < 0 X_H - X_C is slower than the slow mode, and each position may be slower than both."""
    runs = synthetic_runs(Truth(kappa_ratio=ratio, coupling_cold=cold), 3000, 2, seed=16)
    gaps = np.concatenate([(run.position[:, 1] - run.position[:, 0]).T for run in runs])
    positions = [np.concatenate([run.position[:, side].T for run in runs]) for side in (0, 1)]
    found = run_blocks(runs).memory
    assert found == pytest.approx(max(memory_of_square(path, 1.0) for path in (gaps, *positions)))
    assert found > 1.5 * memory_of_square(np.concatenate([slow_mode(run) for run in runs]), 1.0)


def test_blocks_of_another_law_have_the_longest_memory(replicas: list[Run]) -> None:
    """Of all coordinates and their squares about their means; for currents that of the work on either particle."""
    others = of_another_law(replicas)
    position = np.stack([run.position - 5.0 for run in replicas])  # (replicas, n, 2, axes)
    position -= position.mean(axis=(0, 1))
    expected = max(memory(position[:, :, j, k] ** p, 1.0) for j in (0, 1) for k in range(3) for p in (1, 2))
    assert run_blocks(others).memory == pytest.approx(expected)
    works = [np.stack([np.diff(run.work[:, j].mean(axis=1)) for run in replicas]) for j in (0, 1)]
    assert current_blocks(others).memory == pytest.approx(max(memory(work, 1.0) for work in works))
    # Fifty blocks are enough where only the record tells the current: the two replicas are cut into 25 each.
    assert current_blocks(others).total == 50
    exchanged = [replace(run, series=run.series.copy()) for run in others]
    for run, other in zip(exchanged, others, strict=True):
        for axis in "xyz":
            run.series[f"position_cold_{axis}_A"] += 5.0
            for side, source in (("cold", "hot"), ("hot", "cold")):
                run.series[f"work_{side}_{axis}_eV"] = other.series[f"work_{source}_{axis}_eV"]
    for blocks in (run_blocks, current_blocks):
        assert blocks(exchanged).memory == pytest.approx(blocks(others).memory)


def test_known_motion_of_the_traps_is_no_memory(replicas: list[Run]) -> None:
    """Neither the waves of the particles nor those of the work, which has all sums and differences of their frequencies."""
    others = of_another_law(replicas)
    motion = TrapMotion((Oscillation(1.0, 40.0),), (Oscillation(1.0, 25.0),))
    moved = [replace(run, series=run.series.copy()) for run in of_another_law(replicas, motion)]
    for run in moved:
        time = run.series["time_ps"]
        for number, side in enumerate(("cold", "hot"), start=1):
            for axis in "xyz":
                run.series[f"trap_work_{side}_{axis}_eV"] = 0.0
                for period in (40.0, 25.0):
                    run.series[f"position_{side}_{axis}_A"] += 5 * number * np.sin(2 * np.pi * time / period + number)
                    run.series[f"work_{side}_{axis}_eV"] += number * np.sin(4 * np.pi * time / period + number)
    for blocks in (run_blocks, current_blocks):
        assert blocks(moved).memory == pytest.approx(blocks(others).memory, rel=0.03)


def test_summary_of_a_point() -> None:
    """The summary carries the rates in eV/ns, and calls a machine a refrigerator or a heater when it is decided."""
    for truth, expected in ((REFRIGERATOR, "refrigerator"), (HEATER, "heater")):
        runs = synthetic_runs(truth, 1500, 3, seed=6)
        summary = point_summary(runs).to_json()
        rates = heat_rates(runs, current_blocks(runs))
        assert summary["mode"] == expected
        assert summary["kappa_ratio"] == truth.kappa_ratio
        assert summary["replicas"] == 3
        assert summary["time_ns"] == pytest.approx(4.5)
        assert summary["note"] is None
        assert summary["heat_cold_eV_per_ns"] == pytest.approx(1000 * rates["heat"][0].value)
        assert summary["work_hot_se"] == pytest.approx(1000 * rates["work"][1].se)
        heats = [summary[f"heat_{side}_eV_per_ns"] for side in ("cold", "hot")]
        assert summary["power_eV_per_ns"] == pytest.approx(sum(heats))
        entropy = (heats[0] / 100 + heats[1] / 120) / synthetic.BOLTZMANN_EV_PER_K
        assert summary["entropy_production_kB_per_ns"] == pytest.approx(entropy)


def test_effective_temperatures_of_a_point() -> None:
    """m⟨V²⟩/k_B along the coupled axes is the exact one within its error."""
    a, d = synthetic.drift_and_noise(REFRIGERATOR, REFRIGERATOR.couplings)
    exact = np.diag(solve_continuous_lyapunov(a, -d))[2:] * REFRIGERATOR.mass / synthetic.BOLTZMANN_EV_PER_K
    summary = point_summary(synthetic_runs(REFRIGERATOR, 1500, 3, seed=7)).to_json()
    for side, temperature in zip(("cold", "hot"), exact, strict=True):
        estimate = Estimate(summary[f"effective_temperature_{side}_K"], summary[f"effective_temperature_{side}_se"])
        assert abs(estimate.z(temperature)) < 4
        assert estimate.se < 0.1 * temperature


def test_a_short_point_has_values_but_decides_nothing() -> None:
    """A run shorter than its memory has rates without errors, a note that says what is needed, and no mode."""
    summary = point_summary(synthetic_runs(REFRIGERATOR, 30, 1, seed=8)).to_json()
    assert summary["mode"] == "undecided"
    assert summary["heat_cold_se"] is None
    assert summary["thermostat_hot_se"] is None
    assert math.isfinite(summary["heat_cold_eV_per_ns"])
    assert "must last at least" in summary["note"]


@pytest.mark.parametrize(
    ("value", "se", "expected"),
    [
        (-0.21, 0.1, "refrigerator"),
        (-0.19, 0.1, "undecided"),
        (0.19, 0.1, "undecided"),
        (0.21, 0.1, "heater"),
        (-5.0, math.nan, "undecided"),
    ],
)
def test_mode_needs_two_standard_errors(value: float, se: float, expected: str) -> None:
    """The sign of the cold heat is believed from two standard errors on, and never without an error."""
    assert mode(Estimate(value, se)) == expected


def test_replicas_must_be_equally_long() -> None:
    """Replicas of unlike length would be cut into unlike blocks; they are refused."""
    runs: list[Run] = synthetic_runs(REFRIGERATOR, 50, 1, seed=1) + synthetic_runs(REFRIGERATOR, 60, 1, seed=2)
    with pytest.raises(ValueError, match="must be equally long"):
        point_summary(runs)
