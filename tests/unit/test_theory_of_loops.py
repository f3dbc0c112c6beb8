"""A study whose demon acts through a loop: its runs say so, theory takes it, and what theory does not know is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analysis.compare.comparison import forecasts, without_theory
from analysis.compare.theory import ideal_models, models
from analysis.data.parameters import Parameters
from analysis.figures.loops import loops, varied
from analysis.friction.response import Response, Responses
from analysis.friction.result import AxisFriction, Friction
from analysis.heat.point import HeatPoint
from analysis.model import Feedback, Oscillation, TrapMotion
from analysis.statistics.timeseries import Estimate
from analysis.units import FRICTION_SI, PER_NS
from simulation.experiments.machine import Machine
from simulation.study.files import check_study
from tests.unit.drawn import bands, line, symbols

PAPER = 3.5e-12 / FRICTION_SI
WHITE = Friction.same(AxisFriction((Estimate(PAPER, 0.1 * PAPER), Estimate(PAPER, 0.1 * PAPER))))


def told(feedback: dict[str, Any], ratio: str = "4.80") -> dict[str, Any]:
    """What the point's JSON files hold as parameters, of a study with this loop."""
    study = check_study(
        "loop",
        {
            "baths": {"fluid_atoms": 25280},
            "demon": {"feedback": feedback, "kappa_ratios": [ratio]},
            "integration": {"timestep_fs": 5},
        },
    )
    run = Machine(study, 1, ratio)
    loop = (run.controller_identity() or {}).get("feedback", {})
    flat = {f"feedback_{name}": value for name, value in loop.items() if name not in ("version", "seed")}
    parameters: dict[str, Any] = run.describe()["parameters"]
    return parameters | {"controller": "linear"} | flat


def point(feedback: dict[str, Any], heat: float = 0.0) -> HeatPoint:
    """A point of such a study, with a heat into the cold bath, and 2 eV/ns more into the hot one."""
    pair = (Estimate(heat, 0.05), Estimate(heat + 2.0, 0.07))
    return HeatPoint(
        name="kH_4.80",
        kappa_ratio="4.80",
        parameters=Parameters.from_json(told(feedback)),
        replicas=1,
        time=1.0,
        note=None,
        block=None,
        blocks=None,
        mode="undecided",
        power=pair[0],
        entropy_production=pair[0],
        rates={"heat": pair, "thermostat": pair, "work": pair},
        effective_temperature=pair,
        closure_drift=pair,
    )


@pytest.mark.parametrize(
    ("feedback", "heats"),
    [
        ({}, (-0.289, 1.386)),
        ({"delay_ps": 0.2}, (-0.177, 3.940)),
        ({"delay_ps": 0.3, "delayed": "partner"}, (-0.420, 1.796)),
        ({"update_every_ps": 0.5}, (-0.100, 5.690)),
    ],
)
def test_theory_takes_the_loop_of_the_study(feedback: dict[str, Any], heats: tuple[float, float]) -> None:
    """From study file to forecast: the heats of the paper's pair with that loop, computed independently."""
    parameters = Parameters.from_json(told(feedback))
    assert Parameters.from_json(parameters.to_json()) == parameters
    found = forecasts(parameters, WHITE, None)["theory"]
    np.testing.assert_allclose(PER_NS * found.rates, heats, atol=1e-3 * max(np.abs(heats)) + 1e-3)
    errors = [rate.se * PER_NS for rate in found.estimates()]
    assert all(0 < error < 1 for error in errors)
    assert parameters.is_linear == (not feedback)
    assert bool(ideal_models(parameters, WHITE)) == (not feedback)


def test_what_theory_does_not_know_is_left_out() -> None:
    """A limit of the force, which is not linear, and a loop that has no steady state at the measured friction."""
    limited = Parameters.from_json(told({"delay_ps": 0.1, "force_limit_eV_per_A": 0.2}))
    assert models(limited, WHITE) == {}
    assert limited.told_controller == "linear, delay 0.1 ps, force at most 0.2 eV/Å"
    growing = replace(Parameters.from_json(told({"delay_ps": 0.1})), feedback=Feedback(delay=0.5))
    assert models(growing, WHITE) == {}


def test_sentences_on_what_theory_knows() -> None:
    """Heats of a loop have a theory, laws of its power do not; of a limited force nothing is known."""
    assert without_theory([point({"delay_ps": 0.1})]) is None
    assert "through a loop" in (without_theory([point({"delay_ps": 0.1})], ideal=True) or "")
    assert "limit" in (without_theory([point({"force_limit_eV_per_A": 0.2})]) or "")
    # Cold damping without a loop is told by its own name, alone and with moving traps.
    damped = replace(point({}), parameters=replace(point({}).parameters, damping=(0.1, 0.0)))
    assert without_theory([damped]) is None
    assert "has cold damping: theory predicts its heats" in (without_theory([damped], ideal=True) or "")
    moved = TrapMotion((Oscillation(1.0, 40.0),), ())
    both = replace(damped, parameters=replace(damped.parameters, motion=moved))
    assert without_theory([both]) == "The traps move and the controller has cold damping: there is no theory for both"
    assert without_theory([point({})], ideal=True) is None


@pytest.mark.parametrize(
    ("loop", "quantity"),
    [
        (Feedback(), None),
        (Feedback(delay=0.2), "delay"),
        (Feedback(delay=0.2, delayed="partner"), "delay_of_partner"),
        (Feedback(update_every=0.5), "hold"),
        (Feedback(update_every=0.1, position_noise=0.3), "noise"),
        (Feedback(filter=0.2), "filter"),
        (Feedback(filter=0.2, delay=0.1), None),
    ],
)
def test_loops_are_sorted_by_the_one_thing_that_they_have(loop: Feedback, quantity: str | None) -> None:
    """And those that have more than one stand on no axis."""
    assert varied(loop) == quantity


def test_figure_has_measured_loops_on_exact_lines() -> None:
    """A panel for each quantity with the ideal demon at zero; white lines pass through the exact heats of the pair."""
    points = [
        point({}, -0.289),
        point({"delay_ps": 0.2}, -0.177),
        point({"update_every_ps": 0.5}, -0.1),
    ]
    figure, data = loops(points, WHITE, None)
    figure.draw_without_rendering()
    assert list(dict.fromkeys(data["quantity"])) == ["delay", "hold"]
    shown = data[(data["series"] == "heat") & (data["side"] == "cold")]
    assert sorted(shown.loc[shown["quantity"] == "delay", "loop"]) == [0.0, 0.2]
    line = data[(data["series"] == "theory") & (data["side"] == "cold") & (data["quantity"] == "delay")]
    assert np.interp(0.2, line["loop"], line["value"]) == pytest.approx(-0.177, abs=0.003)
    assert line["value"].iloc[0] == pytest.approx(-0.289, abs=1e-3)
    # All lines of a panel begin at the heats of the ideal demon, and have those of such a loop at its size.
    white = WHITE.pooled.white
    ideal = points[0].parameters.white_pair((white[0].value, white[1].value))
    for quantity in ("delay", "hold"):
        for index, side in enumerate(("cold", "hot")):
            rows = data[(data["series"] == "theory") & (data["side"] == side) & (data["quantity"] == quantity)]
            for place in (0, 8):
                size = float(rows["loop"].iloc[place])
                loop = Feedback(delay=size) if quantity == "delay" else Feedback(update_every=size)
                exact = PER_NS * ideal.with_feedback(loop).heat_rates()[index]
                assert rows["value"].iloc[place] == pytest.approx(exact, rel=1e-6)


def uncertain() -> Responses:
    """White friction of the paper, known to 10 %: two copies that differ by so much."""
    frequency = np.geomspace(1e-4, 100, 3000)
    gamma = np.full(frequency.size, complex(PAPER))
    found = Response(frequency, gamma, np.stack([0.95 * gamma, 1.05 * gamma]), np.empty((0, frequency.size), complex))
    return Responses({"xyz": (found, found)})


def test_figure_draws_each_bath_in_its_row_with_the_error_of_its_response() -> None:
    """Symbols are the heats of the points; the band about linear response is one standard error to both sides."""
    points = [point({}, -0.289), point({"delay_ps": 0.2}, -0.177)]
    figure, data = loops(points, WHITE, uncertain())
    for side, axes in enumerate(figure.axes):
        name = ("cold", "hot")[side]
        assert axes.get_ylabel() == f"heat into the {name} bath\n(eV/ns per axis)"
        (drawn,) = symbols(axes, "simulation")
        expected = [
            (size, found.heat[side].value, found.heat[side].se) for size, found in zip((0.0, 0.2), points, strict=True)
        ]
        np.testing.assert_allclose(sorted(drawn), sorted(expected))
        told = data[(data["series"] == "response") & (data["side"] == name)]
        np.testing.assert_allclose(line(axes, "linear response"), told[["loop", "value"]].T)
        band = bands(axes)[0]
        np.testing.assert_allclose(band[1:], [told["value"] - told["se"], told["value"] + told["se"]])
        assert (told["se"] > 0.01 * told["value"].abs()).all()
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "delay of the whole force (ps)"]


def test_each_quantity_of_a_loop_has_its_axis_and_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Delay of partner, noise, and filter: the point stands at its size, and lines have the heats of such loops."""
    monkeypatch.setattr("analysis.figures.loops._LINE_POINTS", 4)
    loops_of: dict[str, dict[str, Any]] = {
        "delay of the partner's position (ps)": {"delay_ps": 0.3, "delayed": "partner"},
        "noise of a reading (Å)": {"update_every_ps": 0.5, "position_noise_A": 0.2},
        "time constant of the filter (ps)": {"filter_ps": 0.2},
        "time between updates (ps)": {"update_every_ps": 0.5},
    }
    points = [point({}, -0.289), *(point(loop, 0.1 * n) for n, loop in enumerate(loops_of.values(), start=1))]
    figure, data = loops(points, WHITE, None)
    order = ["delay_of_partner", "hold", "noise", "filter"]
    assert list(dict.fromkeys(data["quantity"])) == order
    bottom = figure.axes[4:]
    told = [axes.get_xlabel() for axes in bottom]
    assert told == [list(loops_of)[place] for place in (0, 3, 1, 2)]
    white = WHITE.pooled.white
    ideal = points[0].parameters.white_pair((white[0].value, white[1].value))
    makes = {
        "delay_of_partner": lambda x: Feedback(delay=x, delayed="partner"),
        "hold": lambda x: Feedback(update_every=x),
        "noise": lambda x: Feedback(update_every=0.5, position_noise=x),
        "filter": lambda x: Feedback(filter=x),
    }
    for axes, name, size, heat in zip(bottom, order, (0.3, 0.5, 0.2, 0.2), (0.1, 0.4, 0.2, 0.3), strict=True):
        (drawn,) = symbols(axes, "simulation")
        # The ideal demon stands at 0 beside it, but has no readings that could have noise.
        expected = [(size, heat + 2.0, 0.07), *([(0.0, 1.711, 0.07)] if name != "noise" else [])]
        np.testing.assert_allclose(drawn, expected)
        # Lines begin at 0 and reach 1.5 times the measured size.
        x, y = line(axes, "white friction")
        np.testing.assert_allclose(x, np.linspace(0, 1.5 * size, 4))
        exact = PER_NS * ideal.with_feedback(makes[name](float(x[2]))).heat_rates()[1]
        assert y[2] == pytest.approx(exact, rel=1e-6)
