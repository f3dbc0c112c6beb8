"""One set of currents for all machines: laws, agreement with each machine's own answers, fluctuations, measurements."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.constants import hbar, k

from analysis.currents import Currents, Machine, thermal_entropy
from analysis.mechanisms.figures.comparison import MACHINES, comparison, comparison_table, measured_nanodemon
from analysis.mechanisms.figures.fermi_reservoirs import COOLING
from analysis.mechanisms.figures.optomechanics import PUBLISHED
from analysis.mechanisms.measured import measured_currents
from analysis.mechanisms.ndemon import NDemon
from analysis.mechanisms.sweep import Solution, SweepPoint, sweep_table
from analysis.model import BOLTZMANN, LangevinPair
from analysis.model.lyapunov import Array
from tests.unit.cascaded import UNEQUAL

DEMON = NDemon((1.0, 2.0), (1.5, 1.3), 1.0, 0.6, 1.0)
PAIR = LangevinPair(
    mass=1.225,
    friction_cold=0.2,
    friction_hot=0.3,
    trap=0.01,
    coupling_cold=0.1,
    coupling_hot=0.48,
    temperature_cold=100,
    temperature_hot=120,
)
_WARM = 1 / math.expm1(hbar * 2 * math.pi * 5e9 / (k * 0.01))
CIRCUIT = replace(PUBLISHED, occupation_1=_WARM, occupation_2=_WARM)
ALL: dict[str, Machine] = {
    "demon": DEMON,
    "pair": PAIR,
    "engine": replace(PAIR, coupling_hot=0.11),
    "reservoirs": COOLING,
    "cascaded": UNEQUAL,
    "circuit": CIRCUIT,
    "unlike cavities": replace(CIRCUIT, detuning_2=2 * math.pi * 8e6, occupation_2=2 * _WARM),
}


def known(matrix: Array | None) -> Array:
    """A covariance that must be there."""
    assert matrix is not None
    return matrix


@pytest.mark.parametrize("name", ALL)
def test_what_is_paid_less_carnots_price_is_dissipated(name: str) -> None:
    """Paid - cooling/bound = T_h times the entropy produced, whatever pays: work, falling particles, entropy, a third bath."""
    currents = ALL[name].bath_currents()
    assert currents.entropy_production > 0
    dissipated = currents.boltzmann * currents.temperatures[currents.hot] * currents.entropy_production
    price = currents.cooling / currents.bound
    assert_allclose(currents.paid - price, dissipated, rtol=1e-9)
    assert math.isnan(currents.cop) or currents.cop <= currents.bound
    assert_allclose(currents.energy.sum(), currents.work, rtol=1e-12)
    assert_allclose(
        currents.heat.sum(), currents.work + currents.chemical_work, atol=1e-12 * np.abs(currents.heat).max()
    )
    assert_allclose(currents.particles.sum(), 0, atol=1e-12 * max(1e-300, np.abs(currents.particles).max()))


def test_machines_and_their_currents_agree() -> None:
    """COP and bound are those that each machine knows by itself, and the pair's work is its controller's."""
    assert_allclose(
        [DEMON.bath_currents().cop, DEMON.bath_currents().bound], [DEMON.cop(), DEMON.carnot_cop()], rtol=1e-9
    )
    pair = PAIR.bath_currents()
    assert_allclose([pair.cop, pair.bound, pair.work], [PAIR.cop()[0], 5.0, PAIR.work_rates().sum()], rtol=1e-9)
    assert_allclose(pair.entropy_production * BOLTZMANN, PAIR.entropy_production(), rtol=1e-9)
    assert_allclose(known(pair.covariance), PAIR.flow_noise()[2:, 2:], rtol=1e-9)
    # Temperatures and not names say which bath is cooled; of equal ones the last is the environment.
    for temperature_hot, cold_and_hot in ((120.0, (0, 1)), (90.0, (1, 0)), (100.0, (0, 1))):
        turned = replace(PAIR, temperature_hot=temperature_hot).bath_currents(fluctuations=False)
        assert (turned.cold, turned.hot) == cold_and_hot
        assert turned.covariance is None
    assert_allclose(COOLING.bath_currents().cop, 0.09484, rtol=1e-3)
    circuit = CIRCUIT.bath_currents()
    assert_allclose([circuit.cop, circuit.bound], [CIRCUIT.cop(), CIRCUIT.carnot_cop()], rtol=1e-9)
    assert_allclose(
        [circuit.work, circuit.entropy_production], [CIRCUIT.drive_power(), CIRCUIT.entropy_production()], rtol=1e-9
    )
    # Of unlike cavities the colder one, with fewer quanta, is the environment.
    unlike = replace(CIRCUIT, occupation_1=3 * _WARM)
    assert (unlike.bath_currents().cold, unlike.bath_currents().hot) == (2, 1)
    assert_allclose(unlike.bath_currents().bound, unlike.carnot_cop(), rtol=1e-9)
    assert_allclose(UNEQUAL.bath_currents().entropy_production, UNEQUAL.entropy_production(), rtol=1e-9)


def test_no_uncertainty_product_is_made_of_rounding() -> None:
    """It tends to 2 near detailed balance; in balance nothing flows on average, and rounding of the heats is no flow."""
    for off in (1e-6, -1e-5):
        near = replace(PAIR, coupling_hot=0.12 * (1 + off)).bath_currents()
        assert_allclose(near.uncertainty_products, 2.0, rtol=1e-3)
    for coupling in (0.013, 0.1, 0.37, 0.7):
        balanced = replace(PAIR, coupling_cold=coupling, coupling_hot=1.2 * coupling).bath_currents()
        assert not np.isfinite(balanced.uncertainty_products).any()


def test_fluctuations_of_the_demon() -> None:
    """The covariance is the second derivative of Levitov and Lesovik's generating function at perfect transmission."""
    own, partner = DEMON.occupations(), DEMON.partner_occupations()
    levels = DEMON.levels - DEMON.chemical_potential

    def generating(weights: Array) -> float:
        """θ, weights (hot, cold, demon) of the heats into them."""
        into = (weights[[0, 0, 1, 1]] - weights[2]) * levels
        passed = own * (1 - partner) * np.expm1(into) + partner * (1 - own) * np.expm1(-into)
        return float(DEMON.width * np.log1p(passed).sum())

    step = 1e-3 * np.eye(3)
    numeric = [
        [(generating(a + b) - generating(a - b) - generating(b - a) + generating(-a - b)) / 4e-6 for b in step]
        for a in step
    ]
    currents = DEMON.bath_currents()
    assert_allclose(known(currents.covariance), numeric, rtol=1e-4, atol=1e-9)
    assert_allclose([(generating(a) - generating(-a)) / 2e-3 for a in step[:2]], currents.heat[:2], rtol=1e-4)
    assert np.isinf(currents.uncertainty_products[2])


def test_fluctuations_of_the_reservoirs() -> None:
    """The covariance is the second derivative of the largest eigenvalue of the tilted two-state rate matrix, for each level."""
    system = replace(COOLING, reservoirs=(*COOLING.reservoirs, replace(COOLING.reservoirs[0], temperature=0.8)))
    t, mu = system.temperatures, system.chemical_potentials

    def generating(weights: Array) -> float:
        total = 0.0
        for level, rates in zip(system.levels, system.rates().T, strict=True):
            n = 1 / (np.exp((level - mu) / t) + 1)
            tilt = np.exp(-weights * (level - mu))  # a particle out of a reservoir takes its heat
            matrix = [
                [-(rates * n).sum(), (rates * (1 - n) / tilt).sum()],
                [(rates * n * tilt).sum(), -(rates * (1 - n)).sum()],
            ]
            total += float(np.linalg.eigvals(matrix).real.max())
        return total

    step = 3e-3 * np.eye(3)
    numeric = [
        [(generating(a + b) - generating(a - b) - generating(b - a) + generating(-a - b)) / 3.6e-5 for b in step]
        for a in step
    ]
    currents = system.bath_currents()
    assert_allclose(known(currents.covariance), numeric, rtol=2e-3, atol=1e-8)
    assert_allclose([(generating(a) - generating(-a)) / 6e-3 for a in step], currents.heat, rtol=1e-3)


def test_measured_points_know_that_both_heats_are_one_current() -> None:
    """The error of a measured COP has the heats' correlation: as in a sample of heats with the stated errors."""
    point = measured_nanodemon()[5]
    assert_allclose([point.cooling, point.cop], [2.75035e-4, 0.262821], rtol=1e-5)
    sample = np.random.default_rng(1).multivariate_normal(point.heat, known(point.error), 200_000)
    assert_allclose(point.cop_error, np.std(-sample[:, 0] / sample.sum(1)), rtol=0.02)
    # Independent errors of both heats would make this ratio 1.4.
    assert point.cop_error < 0.33 * point.cop * point.cooling_error / point.cooling
    assert abs(point.cop - 1 / 3.8) < 3 * point.cop_error


def test_shipped_points_are_those_of_the_long_runs() -> None:
    """The cold heats beside the exact machines are the ones that docs/explanation/long-runs.md reports."""
    page = (Path(__file__).parents[2] / "docs/explanation/long-runs.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [\d.]+ \| (−?[\d.]+) ± ([\d.]+) \|", page, re.MULTILINE)
    told = np.array([[float(value.replace("−", "-")), float(error)] for value, error in rows])
    points = measured_nanodemon()
    found = [[point.heat[0] * 1e3, point.cooling_error * 1e3] for point in points]
    assert_allclose(found, told[: len(points)], atol=6e-4)


def test_measurements_that_say_too_little_are_refused() -> None:
    """Everything missing is named at once; a point as the workflow writes it is read, with parameters inside."""
    with pytest.raises(ValueError, match=r"heat_cold_se = None.*; temperature_hot_K = -1.0: must be positive"):
        measured_currents(
            {"heat_cold_eV_per_ns": 1.0, "heat_hot_eV_per_ns": 1.0, "heat_hot_se": 1.0}
            | {"temperature_cold_K": 100, "temperature_hot_K": -1.0}
        )
    for temperature in (0, 0.0):
        with pytest.raises(ValueError, match=r"^temperature_cold_K = 0(\.0)?: must be positive$"):
            measured_currents(
                {f"heat_{side}_{end}": 1.0 for side in ("cold", "hot") for end in ("eV_per_ns", "se")}
                | {"temperature_cold_K": temperature, "temperature_hot_K": 1.0}
            )
    point = {"heat_cold_eV_per_ns": -1.0, "heat_cold_se": 0.1, "heat_hot_eV_per_ns": 3.0, "heat_hot_se": 0.2}
    alone = measured_currents({**point, "parameters": {"temperature_cold_K": 100.0, "temperature_hot_K": 120.0}})
    assert_allclose(known(alone.error), [[0.01, 0.0], [0.0, 0.04]])
    assert alone.cop == 0.5
    # The error of the power, √(σ_C² + σ_H² + 2 σ_CH), tells σ_CH, which no estimate takes beyond full correlation.
    heats = {**point, "temperature_cold_K": 100.0, "temperature_hot_K": 120.0}
    for power, shared in ((0.15, (0.15**2 - 0.05) / 2), (0.01, -0.02), (9.0, 0.02), (math.nan, 0.0)):
        assert known(measured_currents({**heats, "power_se": power}).error)[0, 1] == pytest.approx(shared)
    assert known(alone.error)[1, 0] == known(alone.error)[0, 1]
    # A row of a table with whole numbers beside words is read as well, and no error is 0 or negative.
    row = pd.DataFrame([{**point, "temperature_cold_K": 100, "temperature_hot_K": 120, "study": "own"}]).iloc[0]
    assert_allclose(known(measured_currents(row).error), known(alone.error))  # type: ignore[arg-type]
    for error in (0.0, -0.1):
        with pytest.raises(ValueError, match=rf"^heat_hot_se = {error}: must be positive$"):
            measured_currents({**heats, "heat_hot_se": error})
    # Temperatures and not names say which bath is the colder one.
    names = ("cold", "hot")
    turned = {key: point[key.replace("cold", "*").replace("hot", "cold").replace("*", "hot")] for key in point}
    swapped = measured_currents({**turned, "temperature_cold_K": 120.0, "temperature_hot_K": 100.0})
    assert (names[swapped.cold], names[swapped.hot], swapped.cop) == ("hot", "cold", 0.5)


BY_HAND = Currents(
    baths=("cold", "hot"),
    energy=np.array([-1.0, 5.0]),
    entropy=np.array([-1.0, 1.5]),
    temperatures=np.array([2.0, 3.0]),
    cold=0,
    hot=1,
    particles=np.array([2.0, -2.0]),
    chemical_potentials=np.array([0.5, -0.25]),
    unit="J/s",
    covariance=np.array([[4.0, 1.0], [1.0, 9.0]]),
    error=np.array([[0.04, 0.01], [0.01, 0.09]]),
)
"""Heats of -2 and 4.5, worked out on paper."""


def test_a_machine_worked_out_by_hand() -> None:
    """Every property of two baths with heat and particles, and of the same machine when it does not cool."""
    assert_allclose(BY_HAND.heat, [-2.0, 4.5])
    assert (BY_HAND.work, BY_HAND.chemical_work, BY_HAND.cooling, BY_HAND.paid) == (4.0, -1.5, 2.0, 2.5)
    assert (BY_HAND.cop, BY_HAND.bound, BY_HAND.entropy_production) == (0.8, 2.0, 0.5)
    assert BY_HAND.cop_over_bound == pytest.approx(0.4)
    assert_allclose(BY_HAND.uncertainty_products, [4 * 0.5 / 2**2, 9 * 0.5 / 4.5**2])
    assert BY_HAND.cooling_error == pytest.approx(0.2)
    # d(-q/w) = -(w - q)/w² dq + q/w² dQ with w = q + Q, here of heats alone.
    pumped = replace(BY_HAND, energy=BY_HAND.heat, particles=np.zeros(2))
    slopes = np.array([-(2.5 + 2.0) / 2.5**2, -2.0 / 2.5**2])
    assert pumped.cop_error == pytest.approx(math.sqrt(slopes @ known(BY_HAND.error) @ slopes))
    warming = replace(BY_HAND, energy=-BY_HAND.energy, particles=-BY_HAND.particles, entropy=-BY_HAND.entropy)
    assert math.isnan(warming.cop)
    assert math.isnan(warming.cop_error)
    sure = replace(BY_HAND, error=None, covariance=None)
    assert (sure.cooling_error, sure.cop_error) == (0.0, 0.0)
    assert np.isnan(sure.uncertainty_products).all()
    # Without entropy the temperature of the cold bath itself sets the bound, and there is none if that is not colder.
    still = replace(sure, energy=np.zeros(2), particles=np.zeros(2), entropy=np.zeros(2))
    assert still.bound == 2.0
    alike = replace(still, temperatures=np.array([3.0, 3.0]))
    assert alike.bound == math.inf
    assert math.isnan(alike.cop_over_bound)
    assert replace(still, temperatures=np.array([0.0, 3.0])).bound == 0.0


def test_a_row_of_a_sweep_has_every_number_under_its_name() -> None:
    """Performance of the machine, then what each bath gains, at the values of both parameters; a refused point says why."""

    def refuse() -> Solution:
        raise ValueError("too strong")

    named = replace(BY_HAND, baths=("cold bath", "hot"))
    points = [
        SweepPoint(0.5, 7.0, lambda: Solution(named, {"photons": 11.0, "width": 99.0})),
        SweepPoint(0.6, 8.0, refuse),
    ]
    solved, refused = sweep_table(points, "strength", "width").to_dict("records")
    assert solved == pytest.approx(
        {"strength": 0.5, "width": 7.0, "photons": 11.0, "unit": "J/s", "note": ""}
        | {"cooling": 2.0, "paid": 2.5, "work": 4.0, "chemical_work": -1.5, "cop": 0.8, "bound": 2.0}
        | {"entropy_production": 0.5, "cop_over_bound": 0.4, "uncertainty_product": 0.5}
        | {"heat_cold_bath": -2.0, "heat_hot": 4.5, "energy_cold_bath": -1.0, "energy_hot": 5.0}
        | {"particles_cold_bath": 2.0, "particles_hot": -2.0, "entropy_cold_bath": -1.0, "entropy_hot": 1.5}
        | {"temperature_cold_bath": 2.0, "temperature_hot": 3.0}
    )
    assert (refused["strength"], refused["width"], refused["note"]) == (0.6, 8.0, "too strong")
    assert math.isnan(refused["cooling"])
    without = replace(named, particles=np.zeros(2))
    assert "particles_hot" not in sweep_table([SweepPoint(0.5, None, lambda: Solution(without))], "strength")


def test_other_units_tell_the_same() -> None:
    """Flows, temperatures and fluctuations change by their dimensions; what has no dimension stays."""
    found = BY_HAND.scaled(10.0, "other", energy=2.0, boltzmann=0.5)
    assert_allclose(found.energy, [-20.0, 100.0])
    assert_allclose(found.entropy, [-10.0, 15.0])
    assert_allclose(found.particles, [20.0, -20.0])
    assert_allclose(found.chemical_potentials, [1.0, -0.5])
    assert_allclose(found.temperatures, [8.0, 12.0])
    assert_allclose(known(found.covariance), [[160.0, 40.0], [40.0, 360.0]])
    assert_allclose(known(found.error), [[16.0, 4.0], [4.0, 36.0]])
    assert (found.unit, found.boltzmann, found.baths) == ("other", 0.5, ("cold", "hot"))
    kept = BY_HAND.scaled(10.0, "other", energy=2.0)
    assert (kept.boltzmann, kept.temperatures.tolist()) == (2.0, [2.0, 3.0])
    for each in (found, kept):
        assert [each.cop, each.bound] == pytest.approx([BY_HAND.cop, BY_HAND.bound])
        assert_allclose(each.uncertainty_products, BY_HAND.uncertainty_products)
    assert BY_HAND.scaled(1.0, "").energy.tolist() == [-1.0, 5.0]
    bare = replace(BY_HAND, covariance=None, error=None).scaled(2.0, "")
    assert bare.covariance is bare.error is None


def test_entropy_of_heat_at_any_temperature() -> None:
    """Q/k_BT; infinite at zero temperature, with the sign of the heat, and nothing without heat."""
    assert_allclose(thermal_entropy([1.0, -1.0, 0.0, 3.0], [0.0, 0.0, 0.0, 4.0], 0.5), [math.inf, -math.inf, 0.0, 1.5])
    assert thermal_entropy(6.0, 2.0) == 3.0


def test_shapes_that_do_not_fit_are_refused() -> None:
    """Every array must have one entry for each bath, all told at once."""
    with pytest.raises(ValueError, match=r"energy of shape \(3,\).*; covariance of shape \(1, 1\).*; cold = 2"):
        Currents(
            baths=("a", "b"),
            energy=np.zeros(3),
            entropy=np.zeros(2),
            temperatures=np.ones(2),
            cold=2,
            hot=0,
            covariance=np.zeros((1, 1)),
        )
    refused: tuple[tuple[str, Any, str], ...] = (
        ("entropy", np.zeros(1), r"^entropy of shape \(1,\): there are 2 baths$"),
        ("temperatures", np.ones(3), r"^temperatures of shape \(3,\)"),
        ("particles", np.zeros(3), r"^particles of shape \(3,\)"),
        ("chemical_potentials", np.zeros(1), r"^chemical_potentials of shape \(1,\)"),
        ("error", np.zeros(2), r"^error of shape \(2,\): must be \(2, 2\)$"),
        ("hot", -1, "^hot = -1: there are 2 baths, counted from 0$"),
        ("cold", 2, "^cold = 2: there are 2 baths"),
    )
    for name, wrong, message in refused:
        with pytest.raises(ValueError, match=message):
            replace(BY_HAND, **{name: wrong})


def test_any_list_of_machines_is_compared() -> None:
    """The table takes exact and measured machines, the figure any machines, with or without what was published or measured."""
    (row,) = comparison_table({"by hand": BY_HAND}).to_dict("records")
    assert row == pytest.approx(
        {"machine": "by hand", "unit": "J/s", "cooling": 2.0, "cooling_error": 0.2, "paid": 2.5, "cop": 0.8}
        | {"cop_error": BY_HAND.cop_error, "bound": 2.0, "cop_over_bound": 0.4, "entropy_production": 0.5}
        | {"uncertainty_product": 0.5}
    )
    table = comparison_table({"exact": PAIR.bath_currents(), "measured": measured_nanodemon()[5]})
    assert list(table["machine"]) == ["exact", "measured"]
    assert_allclose(table["cop"], [1 / 3.8, 0.2628], rtol=1e-3)
    assert table["cop_error"].tolist()[0] == 0 < table["cop_error"].tolist()[1]
    _, data = comparison([replace(MACHINES[3], label="mine", published=None, measured=())], ratio=0.5)
    assert set(data["machine"]) == {"mine"}
    assert set(data["series"]) == {"trade-off", "half power"}
    _, data = comparison(MACHINES[:1])
    measured = data[data["series"] == "measured"]
    assert len(measured) == 6
    assert (measured[["power_error", "cop_error"]] > 0).all(axis=None)
