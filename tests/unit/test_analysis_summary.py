"""From run folders to the table: theory at the study's own friction, the promised columns, and a text for people."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import kstest

from analysis.compare import information
from analysis.compare.comparison import ComparedPoint, Comparison
from analysis.compare.table import (
    COLUMNS,
    IDENTITY,
    SIMPLIFICATIONS,
    heat_lines,
    summary_table,
    summary_text,
)
from analysis.compare.theory import models
from analysis.data.parameters import Parameters
from analysis.friction.particle import Bodies, ParticleFriction, Shell
from analysis.friction.response import responses
from analysis.friction.result import AxisFriction, Friction, FrictionResult
from analysis.friction.summary import friction_summary
from analysis.heat.point import Estimator, HeatPoint
from analysis.heat.rates import point_summary
from analysis.model import Feedback, Oscillation, TrapMotion
from analysis.statistics.timeseries import Estimate
from analysis.units import FRICTION_SI, PER_NS, VELOCITY_SI
from tests.unit.synthetic import DRAG, Truth, heat_rates, heat_slopes, metadata, synthetic_runs

DRESSED = Truth(
    kappa_ratio="4.80", friction_cold=0.6, friction_hot=0.75, shell_mass=1.6, core_friction=2.0, sample_interval=0.5
)
WHITE = Truth(kappa_ratio="4.80", friction_cold=0.2, friction_hot=0.3)
FRICTION = Friction.same(AxisFriction((Estimate(0.2, 0.02), Estimate(0.3, 0.03))))


def parameters(truth: Truth) -> Parameters:
    """Of a run of ``truth``."""
    return Parameters.from_json(metadata(truth, 100, 1)["parameters"])


def beside(points: Sequence[HeatPoint], friction: FrictionResult) -> Comparison:
    """Points beside theory that knows no response."""
    return Comparison(tuple(points), friction.friction)


@pytest.fixture(scope="module")
def study() -> tuple[Comparison, FrictionResult]:
    """A synthetic study of dressed particles, its points given out of order, and its friction."""
    equilibrium = synthetic_runs(replace(DRESSED, kappa_ratio=None, substeps=1), 2000, 3, seed=31)
    friction = friction_summary(equilibrium)
    ratios = ("10", "0.17", "4.80", "1.2")
    points = [
        point_summary(synthetic_runs(replace(DRESSED, kappa_ratio=r, substeps=5), 800, 2, seed=32 + i))
        for i, r in enumerate(ratios)
    ]
    return Comparison(tuple(points), friction.friction, responses(equilibrium)), friction


def test_theory_is_the_exact_model() -> None:
    """White and dressed rates are those of an independent solution at the same parameters."""
    white = models(parameters(WHITE), FRICTION)["theory"].forecast().estimates()
    np.testing.assert_allclose([rate.value for rate in white], heat_rates(WHITE), rtol=1e-9)
    shells = tuple(Shell((2.0, friction, 1.6), 0.01 * np.eye(3)) for friction in (0.6, 0.75))
    dressed = models(parameters(DRESSED), Friction.same(AxisFriction(FRICTION.pooled.white, (shells[0], shells[1]))))[
        "dressed"
    ]
    np.testing.assert_allclose(dressed.forecast().rates, heat_rates(DRESSED), rtol=1e-9)


def test_theory_error_follows_the_friction() -> None:
    """The error of the theory is the spread of its values over frictions drawn from theirs."""
    rng = np.random.default_rng(5)
    draws = np.exp(np.log([0.2, 0.3]) + 0.03 * rng.standard_normal((2000, 2)))
    spread = np.std([heat_rates(replace(WHITE, friction_cold=c, friction_hot=h)) for c, h in draws], axis=0)
    friction = Friction.same(AxisFriction((Estimate(0.2, 0.03 * 0.2), Estimate(0.3, 0.03 * 0.3))))
    # 2000 draws tell a spread to 1.6 %.
    rates = models(parameters(WHITE), friction)["theory"].forecast().estimates()
    np.testing.assert_allclose([rate.se for rate in rates], spread, rtol=4 * 0.016)


@pytest.mark.parametrize("share", [pytest.param(0.1, marks=pytest.mark.long), 0.01])
def test_agreement_of_a_sweep(share: float) -> None:
    """Over drawn frictions and heats χ² is distributed as with as many degrees of freedom as points, and 0 where all fits.

    So where each heat's own error rules, and where the friction's does, which takes all forecasts off together.
    """
    rng = np.random.default_rng(11)
    machines = [replace(WHITE, kappa_ratio=ratio) for ratio in ("0.17", "2.0", "4.80", "7.0")]
    points = [point_summary(synthetic_runs(machine, 20, 1, seed=12)) for machine in machines]
    exact = np.array([heat_rates(machine)[0] * PER_NS for machine in machines])
    se, error = share * np.abs(exact), 0.03

    def theory(cold: float, hot: float, heats: NDArray[np.float64]) -> tuple[float, float]:
        measured = [
            replace(point, rates=point.rates | {"heat": (Estimate(heat, own), point.heat[1])})
            for point, heat, own in zip(points, heats, se, strict=True)
        ]
        friction = AxisFriction((Estimate(cold, error * cold), Estimate(hot, error * hot)))
        return Comparison(tuple(measured), Friction.same(friction)).agreement["theory"][:2]

    assert theory(0.2, 0.3, exact) == pytest.approx((0.0, 1.0), abs=1e-9)
    chances = []
    for _ in range(300):
        cold, hot = np.exp(np.log([0.2, 0.3]) + error * rng.standard_normal(2))
        chances.append(theory(cold, hot, exact + se * rng.standard_normal(4))[1])
    assert kstest(chances, "uniform").pvalue > 1e-3


def test_table_has_the_promised_columns(study: tuple[Comparison, FrictionResult]) -> None:
    """Columns and their order are those that users' programs read; rows follow κ_H/κ_C, spelled as in the study."""
    table = summary_table(study[0])
    assert list(table.columns) == COLUMNS
    assert list(table["kappa_ratio"]) == ["0.17", "1.2", "4.80", "10"]
    assert not table.drop(columns=information.COLUMNS).isna().any().any()
    assert list(table["mode"][[0, 2]]) == ["heater", "refrigerator"]


def test_columns_are_the_published_ones() -> None:
    """The names are a promise to readers of summary.csv."""
    assert ",".join(COLUMNS) == (
        "kappa_ratio,replicas,time_ns,heat_cold_eV_per_ns,heat_cold_se,heat_hot_eV_per_ns,heat_hot_se,"
        "thermostat_cold_eV_per_ns,thermostat_cold_se,thermostat_hot_eV_per_ns,thermostat_hot_se,"
        "work_cold_eV_per_ns,work_cold_se,work_hot_eV_per_ns,work_hot_se,theory_cold_eV_per_ns,theory_hot_eV_per_ns,mode,controller,"
        "response_cold_eV_per_ns,response_cold_se,response_hot_eV_per_ns,response_hot_se,"
        "dressed_cold_eV_per_ns,dressed_cold_se,dressed_hot_eV_per_ns,dressed_hot_se,"
        "modes_cold_eV_per_ns,modes_cold_se,modes_hot_eV_per_ns,modes_hot_se,"
        "z_response_cold,z_response_hot,z_theory_cold,z_theory_hot,z_dressed_cold,z_dressed_hot,z_modes_cold,z_modes_hot,"
        "entropy_cold_kB_per_ns,entropy_cold_se,entropy_hot_kB_per_ns,entropy_hot_se,"
        "second_law_cold_kB_per_ns,second_law_cold_se,second_law_hot_kB_per_ns,second_law_hot_se,"
        "information_cold_kB_per_ns,information_hot_kB_per_ns,information_se,"
        "mutual_information_kB,mutual_information_se,reading_information_kB,reading_information_se,"
        "theory_information_cold_kB_per_ns,theory_information_cold_se,z_theory_information,theory_reading_information_kB,"
        "theory_reading_information_se,theory_new_information_kB,theory_new_information_se,"
        "dressed_information_cold_kB_per_ns,dressed_information_cold_se,z_dressed_information,dressed_reading_information_kB,"
        "dressed_reading_information_se,dressed_new_information_kB,dressed_new_information_se,"
        "modes_information_cold_kB_per_ns,modes_information_cold_se,z_modes_information,modes_reading_information_kB,"
        "modes_reading_information_se,modes_new_information_kB,modes_new_information_se"
    )


def test_dressed_theory_explains_dressed_runs(study: tuple[Comparison, FrictionResult]) -> None:
    """From friction to heat the dressed theory agrees with the runs, and at strong coupling white friction does not."""
    z = {theory: np.array([each.z(theory) for each in study[0].compared], float) for theory in ("theory", "dressed")}
    assert np.abs(z["dressed"]).max() < 4
    assert (z["theory"][:, 1] ** 2).sum() > 4 * (z["dressed"][:, 1] ** 2).sum()
    assert z["theory"][-2:, 1].min() < -2


def test_text_tells_what_the_table_tells(study: tuple[Comparison, FrictionResult]) -> None:
    """Each point has a line with its mode; a refrigerator's shows the COP, near κ_C/(κ_H - κ_C)."""
    text = summary_text(*study)
    line = next(line for line in text.splitlines() if line.strip().startswith("4.80"))
    assert line.endswith("refrigerator")
    assert float(line.split()[-2]) == pytest.approx(1 / 3.8, abs=0.03)
    assert "Friction, hot particle" in text
    assert "dressed pair" in text
    assert "Note" not in text
    # Below the heading of each simplification stand its own heats and deviations.
    lines = text.splitlines()
    for theory in set(study[0].known) - {study[0].leading}:
        start = lines.index(SIMPLIFICATIONS[theory]) + 1
        for line, each in zip(lines[start:], study[0].compared, strict=False):
            rates = each.rates(theory)
            assert rates is not None
            expected = "   ".join(
                f"{side} {rate.value:z7.3f} (z {z:+.1f})"
                for side, rate, z in zip(("cold", "hot"), rates, each.z(theory), strict=True)
            )
            assert line.split(maxsplit=1) == [each.point.kappa_ratio, expected]


def test_every_cell_of_the_table_of_heats() -> None:
    """Ratio, time per run, heats with errors, the exact heats and the deviations from them in errors of both, COP and mode."""
    (cold, hot), slope = heat_rates(WHITE) * PER_NS, 0.1
    found = (Estimate(cold - 0.05, 0.03), Estimate(hot + 0.08, 0.06))
    made_up: dict[Estimator, tuple[Estimate, Estimate]] = {
        "heat": found,
        "thermostat": (Estimate(1.0, 2.0), Estimate(3.0, 4.0)),
        "work": (Estimate(5.0), Estimate(6.0)),
    }
    point = point_summary(synthetic_runs(WHITE, 20, 2, seed=44))
    point = replace(point, rates=made_up, time=1.234, mode="refrigerator", note="too short")
    friction = friction_summary(synthetic_runs(replace(WHITE, kappa_ratio=None), 30, 1, seed=45))
    comparison = Comparison(
        (point,), Friction.same(AxisFriction((Estimate(0.2, 0.2 * slope), Estimate(0.3, 0.3 * slope))))
    )
    errors = slope * PER_NS * np.hypot(*heat_slopes(WHITE))
    lines = summary_text(comparison, friction).splitlines()
    head, row = next((head, row) for head, row in pairwise(lines) if row.strip().startswith("4.80 "))
    assert head.split() == [
        "κ_H/κ_C",
        "time/ns",
        "cold",
        "bath",
        "theory",
        "z",
        "hot",
        "bath",
        "theory",
        "z",
        "COP",
        "mode",
    ]
    z = [-0.05 / math.hypot(0.03, errors[0]), 0.08 / math.hypot(0.06, errors[1])]
    assert row.split() == [
        *("4.80", "1.23", f"{cold - 0.05:.3f}", "±", "0.030", f"{cold:.3f}", f"{z[0]:+.1f}"),
        *(f"{hot + 0.08:.3f}", "±", "0.060", f"{hot:.3f}", f"{z[1]:+.1f}"),
        *(f"{-(cold - 0.05) / (cold + hot + 0.03):.2f}", "refrigerator"),
    ]
    assert lines[0] == "Study synthetic: heat into each bath, eV/ns per coupled axis ± one standard error"
    assert lines[1].startswith(
        "(theory: the paper's pair with white friction, from the runs without controller; z: measurement"
    )
    assert lines[-2:] == [f"Note on friction: {friction.note}", "Note on κ_H/κ_C = 4.80: too short"]


def test_text_says_that_the_cop_is_an_identity(study: tuple[Comparison, FrictionResult]) -> None:
    """Where a COP of mean rates stands, so does what it is worth; not where none does, nor where the law has no identity."""
    comparison, friction = study
    assert IDENTITY in summary_text(*study)
    heated = [replace(point, mode="heater") for point in comparison.points]
    assert IDENTITY not in summary_text(beside(heated, friction), friction)
    own = [replace(point.parameters, controller="own:Law") for point in comparison.points]
    other = [replace(point, parameters=law) for point, law in zip(comparison.points, own, strict=True)]
    assert IDENTITY not in summary_text(beside(other, friction), friction)
    # Force and distance must be of one time: ∫ (X_H - X_C)(t - τ) d(X_H - X_C) grows, and so does the work of damping, or of
    # moving traps.
    (cooling,) = (point for point in comparison.points if point.kappa_ratio == "4.80")
    for change, is_one in (
        ({}, True),
        ({"feedback": Feedback(delay=0.1)}, False),
        ({"damping": (0.01, 0.0)}, False),
        ({"motion": TrapMotion((Oscillation(1.0, 40.0),), ())}, False),
    ):
        here = replace(cooling, parameters=replace(cooling.parameters, **change))
        alone = beside([here], friction)
        vars(alone)["compared"] = (ComparedPoint(here, {}),)
        lines = heat_lines(alone, "mine")
        assert any(line.endswith("refrigerator") for line in lines)
        assert any(IDENTITY in line for line in lines) == is_one, change
    # A damped particle gives its heat away as work on the controller: nothing is spent for it.
    for hot, told in ((0.1, "-"), (0.2, "-"), (0.6, "0.50")):
        here = replace(cooling, rates=cooling.rates | {"heat": (Estimate(-0.2, 0.01), Estimate(hot, 0.01))})
        alone = beside([here], friction)
        vars(alone)["compared"] = (ComparedPoint(here, {}),)
        (row,) = (line for line in heat_lines(alone, "mine") if line.endswith("refrigerator"))
        assert row.split()[-2] == told


def test_friction_lines_have_every_number_at_its_name(study: tuple[Comparison, FrictionResult]) -> None:
    """Frictions by each method, residuals, and the model that is clearly likelier: those of that side, under their names."""
    comparison, friction = study
    favoured = {"cold": (12.0, "the dressed particle"), "hot": (-12.0, "white friction")}

    def numbered(particle: ParticleFriction, place: int, criterion: float) -> ParticleFriction:
        """A particle whose numbers tell where they come from."""
        unit, models, shell, variance = (
            1e-12 / FRICTION_SI,
            particle.likelihood,
            particle.dressed,
            particle.position_variance,
        )
        assert models
        assert shell
        methods = ("joint", "position", "velocity", "cross", "difference")
        return replace(
            particle,
            white={
                method: Estimate((10 * place + number) * unit, 0.1 * unit)
                for number, method in enumerate(methods, start=1)
            },
            dressed=replace(shell, at_rest=Estimate((10 * place + 7) * unit, 0.1 * unit)),
            held_out={"dressed": 0.1 + place, "white": 0.2 + place},
            position_variance=replace(variance, measured=Estimate(variance.expected + 0.3 - place, 1.0)),
            likelihood=replace(models, white=replace(models.white, bic=models.dressed.bic + criterion)),
        )

    def text(cold: float, hot: float) -> str:
        along = friction.axes["xyz"]
        particles = (numbered(along.particles[0], 0, cold), numbered(along.particles[1], 1, hot))
        return summary_text(comparison, replace(friction, axes={"xyz": replace(along, particles=particles)}))

    lines = text(favoured["cold"][0], favoured["hot"][0]).splitlines()
    for side, first, z in (("cold", "", "+0.3"), ("hot", "1", "-0.7")):
        (start,) = (n for n, line in enumerate(lines) if line.startswith(f"Friction, {side} particle"))
        assert lines[start].partition(": ")[2] == (
            f"{int(first or 0) * 10 + 1}.0 ± 0.1 (from position {first}2.0 ± 0.1, from velocity {first}3.0 ± 0.1, "
            f"from position and later velocity {first}4.0 ± 0.1, from displacements over 1 ps {first}5.0 ± 0.1); "
            f"⟨X²⟩ compared with k_BT/κ: z = {z}"
        )
        dressed, likelihood = lines[start + 1 : start + 3]
        assert f"{first}7.0 ± 0.1 at zero frequency" in dressed
        assert f"{int(first or 0)}.100 (dressed), {int(first or 0)}.200 (white)" in dressed
        assert f"favours {favoured[side][1]}: white minus dressed ΔBIC {favoured[side][0]:+.0f}" in likelihood
    for undecided in (9.99, -9.99):
        assert f"favours neither model: white minus dressed ΔBIC {undecided:+.0f}" in text(12.0, undecided)
    for decided, model in ((10.01, "the dressed particle"), (-10.01, "white friction")):
        assert f"favours {model}: white minus dressed ΔBIC {decided:+.0f}" in text(0.0, decided)


def test_text_tells_of_dragged_particles(study: tuple[Comparison, FrictionResult]) -> None:
    """Each drag has a line with the paper's number beside it, and an evaporating particle is shouted about."""
    comparison, friction = study
    drag = replace(
        DRAG,
        force_nN="3.0",
        friction=Estimate(1.6e-12, 0.04e-12) * (1 / FRICTION_SI),
        velocity=Estimate(1850.0 / VELOCITY_SI),
        particle_atoms=186,
        largest_piece=150,
    )
    text = summary_text(comparison, replace(friction, drags=(drag,)))
    (line,) = (line for line in text.splitlines() if "3.0 nN, 100 K" in line)
    assert "1.60 ± 0.04 (paper 3.1) at 1850 m/s" in line
    assert "150 of 186 stay connected" in line
    whole = summary_text(comparison, replace(friction, drags=(replace(drag, largest_piece=186),)))
    assert "stay connected" not in whole
    # Speed over the thermal one, heating of bath and particle, and whether the velocity was steady, each if known.
    assert line.endswith("at 1850 m/s, 4.8 thermal speeds; bath +0.1 K; LOSES ATOMS: 150 of 186 stay connected")
    warm = replace(drag, bath_excess=None, particle_excess=Estimate(-12.4, 1.0), note="too short", largest_piece=186)
    text = summary_text(
        comparison, replace(friction, drags=(warm, replace(warm, force_nN="7", bath_temperature=120.0)))
    )
    own, other = (line for line in text.splitlines() if "thermal speeds" in line)
    assert own == (
        "   3.0 nN, 100 K: 1.60 ± 0.04 (paper 3.1) at 1850 m/s, 4.8 thermal speeds, particle -12 K, not steady or too short"
    )
    assert other.startswith("   7 nN, 120 K: 1.60 ± 0.04 at 1850 m/s")
    assert "Friction of dragged particles" not in summary_text(comparison, replace(friction, drags=()))


def test_text_tells_how_well_each_theory_and_model_fits(study: tuple[Comparison, FrictionResult]) -> None:
    """χ² of all cold heats; criteria, correlations and parameters of both likelihoods; bodies of fluid; each by its name."""
    comparison, friction = study
    text = summary_text(*study)
    for name, found in comparison.agreement.items():
        words = {"response": "linear response", "theory": "white friction", "dressed": "the dressed pair"}
        if name in words:
            told = f"   {words[name]}: χ² = {found.chi_square:.1f} for 4 points, p = {found.chance:.2g}\n"
            assert told in text
    along = friction.axes["xyz"]
    cold = along.particles[0]
    assert cold.likelihood is not None
    assert cold.dressed is not None
    shell = replace(cold.dressed, values=(1.0, 2.0, 4.0), log_covariance=np.diag([0.01, 0.04, 0.25]))
    likely = replace(cold.likelihood.dressed, values=(1.1, 1.8, 2.0), aic=50.0, bic=70.0, error_correlation=0.02)
    models = replace(
        cold.likelihood,
        interval=0.7,
        white=replace(cold.likelihood.white, aic=81.0, bic=93.0, error_correlation=-0.13),
        dressed=likely,
    )
    unit = 1e-12 / FRICTION_SI
    modes = Bodies((1 * unit, 2 * unit, 3 * unit, 0.5, 12.0), np.eye(5), Estimate(6 * unit, 0.2 * unit), 4.0, 0.031)
    changed = replace(cold, dressed=shell, likelihood=models, modes=modes)
    text = summary_text(
        comparison, replace(friction, axes={"xyz": replace(along, particles=(changed, along.particles[1]))})
    )
    z = [math.log(1.0 / 1.1) / 0.1, math.log(2.0 / 1.8) / 0.2, math.log(4.0 / 2.0) / 0.5]
    assert (
        "   likelihood of samples 0.7 ps apart favours the dressed particle: white minus dressed ΔBIC +23, ΔAIC +31; "
        "correlation of prediction errors -0.13 (white), 0.02 (dressed); fitted minus most likely g₁, g₂, M: z = "
        + ", ".join(f"{each:+.1f}" for each in z)
        + "\n"
    ) in text
    assert (
        "   with bodies of fluid: 6.0 ± 0.2 at zero frequency; bodies: 2.0 over 0.5 ps, 3.0 over 12 ps; goodness of fit "
        "up to 4 rad/ps: p = 0.031\n"
    ) in text


@pytest.mark.parametrize(
    ("se", "told"),
    [
        (None, "3.50 ± ?"),
        (0.0, "3.50 ± ?"),
        (4e-15, "3.500 ± 0.004"),
        (9e-16, "3.5000 ± 0.0009"),
        (6e-14, "3.50 ± 0.06"),
    ],
)
def test_no_error_is_told_as_zero(study: tuple[Comparison, FrictionResult], se: float | None, told: str) -> None:
    """An error that is not known is a question mark, and a small one gets the digits that it needs."""
    comparison, friction = study
    found = Estimate(3.5e-12, math.nan if se is None else se) * (1 / FRICTION_SI)
    drag = replace(DRAG, force_nN="3.0", friction=found)
    text = summary_text(comparison, replace(friction, drags=(drag,)))
    assert f"3.0 nN, 100 K: {told} (paper 3.1)" in text
    assert "± 0.00 " not in text


def test_text_tells_the_largest_drift_beside_the_smallest_decided_heat(
    study: tuple[Comparison, FrictionResult],
) -> None:
    """Of either sign, on either side, shared by three axes; a heat that its error may make zero is no measure."""
    comparison, friction = study
    unsure, sure = (Estimate(0.1, 0.06), Estimate(-0.4, 0.01)), (Estimate(1.0, 0.01), Estimate(2.0, 0.01))
    still, drifting = (Estimate(0.01), Estimate(-0.02)), (Estimate(0.005, 0.001), Estimate(-0.03, 0.001))
    points = [
        replace(point, rates=point.rates | {"heat": heats}, closure_drift=drifts)
        for point, heats, drifts in zip(comparison.points, (unsure, sure), (still, drifting), strict=False)
    ]
    told = "First law: largest drift of one side 0.0300 eV/ns, 2.5 % of the smallest decided heat rate\n"
    assert told in summary_text(beside(points, friction), friction)
    unknown = [replace(points[0], rates=points[0].rates | {"heat": (Estimate(0.1), Estimate(9.0))})]
    assert "First law: largest drift of one side 0.0200 eV/ns\n" in summary_text(beside(unknown, friction), friction)


def test_text_of_a_short_study_says_what_is_missing() -> None:
    """Unknown errors are question marks, and notes say how long runs must be."""
    friction = friction_summary(synthetic_runs(replace(WHITE, kappa_ratio=None), 30, 1, seed=41))
    text = summary_text(beside([point_summary(synthetic_runs(WHITE, 30, 1, seed=42))], friction), friction)
    assert "undecided" in text
    assert "± ?" in text
    assert "Note on friction: " in text
    assert "Note on κ_H/κ_C = 4.80: " in text


def test_incomplete_friction_is_refused(study: tuple[Comparison, FrictionResult]) -> None:
    """A friction.json of an older version is named, with the key that it lacks."""
    content = study[1].to_json()
    del content["axes"]
    with pytest.raises(ValueError, match=r"friction\.json: key 'axes' is missing"):
        FrictionResult.from_json(content)
