"""The flow of information between the particles, measured: what the exact pair has, and the second law with it."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from analysis.compare.comparison import Comparison
from analysis.figures.information import information
from analysis.friction.result import AxisFriction, Friction
from analysis.heat.information import information_summary
from analysis.heat.point import PointRecord
from analysis.heat.rates import point_summary
from analysis.model import Feedback, mutual_information
from analysis.statistics.timeseries import Estimate
from tests.unit.synthetic import BOLTZMANN_EV_PER_K, Truth, synthetic_runs

TRUTH = Truth(sample_interval=0.1, substeps=1)
WHITE = (Estimate(TRUTH.friction_cold, 1e-4), Estimate(TRUTH.friction_hot, 1e-4))
FRICTION = Friction.same(AxisFriction(WHITE))


def test_flow_is_that_of_the_exact_pair() -> None:
    """Ten runs scatter about the exact flow and mutual information as their errors say, along all axes together."""
    runs = synthetic_runs(TRUTH, 250, 10, seed=91)
    pair = runs[0].parameters.white_pair((TRUTH.friction_cold, TRUTH.friction_hot))
    flow, shared = 1e3 * pair.information_flow()[0], mutual_information(pair.covariance(), (0, 2))
    assert flow < 0, "the cold particle uses information up"
    deviations = []
    for run in runs:
        found = json.loads(json.dumps(information_summary([run]), allow_nan=False))
        assert found["information_hot_kB_per_ns"] == -found["information_cold_kB_per_ns"]
        deviations.append(
            [
                (found["information_cold_kB_per_ns"] - flow) / found["information_se"],
                (found["mutual_information_kB"] - shared) / found["mutual_information_se"],
            ]
        )
    z = np.array(deviations)
    # Ten values tell the mean of z to 0.32 and its spread to 0.22.
    assert (np.abs(z.mean(axis=0)) < 4 * 0.32).all()
    assert (np.abs(z.std(axis=0, ddof=1) - 1) < 4 * 0.22).all()
    whole = information_summary(runs)
    assert whole["information_cold_kB_per_ns"] == pytest.approx(flow, abs=4 * whole["information_se"])
    assert whole["information_se"] < 0.15 * abs(flow)


def test_short_runs_have_no_errors() -> None:
    """A few samples give a value without an error, or none, in valid JSON."""
    found = information_summary(synthetic_runs(TRUTH, 1, 1, seed=92))
    json.dumps(found, allow_nan=False)
    assert found["information_se"] is None


def test_figure_shows_the_second_law_of_each_side() -> None:
    """Heat over temperature lies above the flow of information in theory's lines, and both vanish at T_H/T_C alone."""
    sweep = [synthetic_runs(replace(TRUTH, kappa_ratio=ratio), 150, 1, seed=93) for ratio in ("0.17", "1.2", "4.80")]
    points = [point_summary(runs) for runs in sweep]
    flows = [PointRecord.from_json(information_summary(runs)) for runs in sweep]
    figure, data = information(Comparison(tuple(points), FRICTION, None), flows)
    figure.draw_without_rendering()
    theory = data[data["series"] == "theory"].pivot_table(index="kappa_ratio", columns="quantity", values="value")
    for side in ("cold", "hot"):
        assert (theory[f"entropy_{side}"] > theory[f"information_{side}"] - 1e-9).all()
        at_rest = theory.index[np.isclose(theory.index, 1.2)]
        for quantity in ("entropy", "information"):
            assert theory.loc[at_rest, f"{quantity}_{side}"].abs().max() < 1e-9
            assert np.abs(theory[f"{quantity}_{side}"].loc[4.8]) > 10
    shown = data[(data["series"] == "simulation") & (data["kappa_ratio"] == 4.8)].set_index("quantity")["value"]
    heat = points[-1].heat[1].value
    assert math.isclose(shown["entropy_hot"], heat / (BOLTZMANN_EV_PER_K * TRUTH.temperature_hot), rel_tol=1e-6)
    assert shown["information_hot"] == -flows[-1].content["information_cold_kB_per_ns"]


def test_a_reading_tells_what_its_noise_leaves_of_the_positions() -> None:
    """½ ln det(1 + C/σ²) of the measured positions, by another formula; nothing for a loop without noise."""
    loop = Feedback(update_every=0.1, position_noise=0.3)
    # Of a run without noise, read as if it had had some: nothing else of the loop is in the number.
    run = synthetic_runs(TRUTH, 60, 1, seed=93)[0]
    noisy = replace(run, parameters=replace(run.parameters, feedback=loop))
    found = information_summary([noisy])
    along = ["xyz".index(axis) for axis in run.parameters.coupling_axes]
    (cc, ch), (hc, hh) = (
        [float(np.mean(run.position[:, i, along] * run.position[:, j, along])) for j in (0, 1)] for i in (0, 1)
    )
    exact = np.log((1 + cc / 0.09) * (1 + hh / 0.09) - ch * hc / 0.09**2) / 2
    assert found["reading_information_kB"] == pytest.approx(exact, rel=1e-2)
    assert information_summary([run])["reading_information_kB"] is None
