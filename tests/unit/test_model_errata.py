"""The numbers of docs/explanation/errata.md at the paper's parameters: each test backs rows of its tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq

from analysis.data.runs import load_runs
from analysis.model import LangevinPair, Mode, closed_forms, sampled_cop
from analysis.model.closed_forms import Side
from analysis.model.equilibrium import angular_frequency, correlations
from analysis.model.refrigerator import Force
from analysis.units import ATOMIC_MASS, FRICTION_SI, MASS_SI, PER_NS
from tests.unit.synthetic import Truth, propagate

MASS, FRICTION, TRAP = 186 * 63.546 * ATOMIC_MASS, 3.5e-12 / FRICTION_SI, 0.01
PAIR = LangevinPair(
    mass=MASS,
    friction_cold=FRICTION,
    friction_hot=FRICTION,
    trap=TRAP,
    coupling_cold=0.1,
    coupling_hot=0.48,
    temperature_cold=100.0,
    temperature_hot=120.0,
)
DIGITS = 6e-4  # relative: the tables give four digits at most
STIFFNESS_SI = 0.01 * 16.02176634  # of the trap, J/m²: 1 eV/Å² is 16.02 J/m²
REFERENCE = Path(__file__).parents[2] / "reference" / "reference" / "sweep"


def at(ratio: float) -> LangevinPair:
    """The paper's pair at this κ_H/κ_C."""
    return replace(PAIR, coupling_hot=ratio * PAIR.coupling_cold)


def test_printed_frequency_makes_the_correlation_grow() -> None:
    """(19), (A1): with γ²/m² the frequency is imaginary and the position correlation grows to 504 at 100 ps."""
    damping, printed = FRICTION / (2 * MASS), TRAP / MASS - (FRICTION / MASS) ** 2
    assert_allclose([printed, angular_frequency(MASS, FRICTION, TRAP).real ** 2], [-0.02364, 2.130e-4], rtol=DIGITS)
    rate = np.sqrt(-printed)
    grown = np.exp(-damping * 100) * (np.cosh(rate * 100) + damping / rate * np.sinh(rate * 100))
    exact = correlations(100.0, mass=MASS, friction=FRICTION, stiffness=TRAP)
    assert_allclose([grown, exact.position], [503.9, 8.295e-4], rtol=DIGITS)


def test_cross_correlation_is_negative() -> None:
    """(A3): at 20 ps it is -0.299, where the printed form gives +0.296; it is a slope of the position's."""
    exact = correlations(np.array([19.999, 20.0, 20.001]), mass=MASS, friction=FRICTION, stiffness=TRAP)
    frequency, damping = angular_frequency(MASS, FRICTION, TRAP).real, FRICTION / (2 * MASS)
    printed = np.exp(-damping * 20) * damping * np.sin(frequency * 20) / frequency
    assert_allclose([exact.cross[1], printed], [-0.2994, 0.2955], rtol=DIGITS)
    slope = (exact.position[2] - exact.position[0]) / 2e-3
    assert_allclose(exact.cross[1], slope / np.sqrt(TRAP / MASS), rtol=1e-6)


def test_signs_of_the_heats() -> None:
    """(3), (4), (24): right and printed heats at 4.80; the printed ones violate the second law."""
    assert_allclose(PAIR.heat_rates() * PER_NS, [-0.2888, 1.386], rtol=DIGITS)
    assert_allclose(PAIR.work_rates().sum() * PER_NS, 1.097, rtol=DIGITS)
    assert np.sum(closed_forms.heat_rates(PAIR, printed=True) / PAIR.temperatures) < 0


def test_printed_covariances() -> None:
    """(27), (29), (B8f), (E5): printed and right values at 4.80."""
    c = PAIR.covariance()
    assert_allclose(
        [closed_forms.position_variance(PAIR, "cold", printed=True), c[1, 1]], [0.1594, 0.6393], rtol=DIGITS
    )
    printed = closed_forms.cross_covariance(PAIR, "cold", printed=True)
    assert_allclose([printed, c[1, 2]], [-0.003238, -0.002888], rtol=DIGITS)
    assert_allclose([closed_forms.covariance(PAIR, printed=True)[0, 1], c[0, 1]], [0.4752, 0.6149], rtol=DIGITS)
    betas = [closed_forms.power_coefficients(PAIR, "cold", printed=p).beta for p in (True, False)]
    assert_allclose(betas, [-0.79156, -0.79247], rtol=1e-5)


@pytest.mark.parametrize(("side", "variances"), [("cold", (73.21, 36.61, 33.72)), ("hot", (4246.0, 2123.0, 1995.0))])
def test_variance_of_power(side: Side, variances: tuple[float, float, float]) -> None:
    """The table of variances: the missing Jacobian doubles them, the finite interval takes 6 to 9 %."""
    published = closed_forms.published_power_law(PAIR, side).var()
    exact = [PAIR.power_distribution(side, dt).var() for dt in (None, 1.0)]
    assert_allclose(np.array([published, *exact]) * PER_NS**2, variances, rtol=DIGITS)


def test_printed_variance_depends_on_the_unit() -> None:
    """(30), (E10): 72.6 eV²/ns² computed in eV/ps, -862 when computed in eV/ns."""
    assert_allclose(closed_forms.published_power_variance(PAIR, "cold") * PER_NS**2, 72.61, rtol=DIGITS)
    # A picosecond renamed to a nanosecond: every time in the problem is a thousandth of its number.
    renamed = replace(PAIR, mass=MASS / PER_NS**2, friction_cold=FRICTION / PER_NS, friction_hot=FRICTION / PER_NS)
    assert_allclose(closed_forms.published_power_variance(renamed, "cold"), -861.9, rtol=DIGITS)
    assert_allclose(renamed.power_distribution("cold").var(), 36.61, rtol=DIGITS)


def test_uncertainties() -> None:
    """(12) and Fig. 6: least uncertainty at 3.93, divergence at 1, and a bound that short samples undercut."""
    best = PAIR.coupling_hot_of_least_uncertainty(1.0) / PAIR.coupling_cold
    assert_allclose(best, 3.93, rtol=DIGITS)
    assert_allclose(PAIR.coupling_hot_of_least_uncertainty() / PAIR.coupling_cold, 4.00, rtol=2e-3)
    for force, at_one_ps, at_once in (("full", 7.41, 6.95), ("antisymmetric", 3.37, 3.40)):
        for dt, expected in ((1.0, at_one_ps), (None, at_once)):
            found = PAIR.coupling_hot_of_least_uncertainty(dt, force) / PAIR.coupling_cold  # type: ignore[arg-type]
            assert_allclose(found, expected, rtol=2e-3)
    assert_allclose([at(r).power_uncertainty("total", 1.0) for r in (2.0, 3.3, best)], [5429, 1959, 1867], rtol=DIGITS)
    assert at(1.0 + 1e-9).power_uncertainty("total", 1.0) > 1e20
    assert_allclose([at(1.0).uncertainty_bound(1.0), PAIR.uncertainty_bound(1.0)], [961.3, 19.89], rtol=DIGITS)

    def over_bound(dt: float, force: Force = "cross", pair: LangevinPair = PAIR) -> float:
        return pair.power_uncertainty("total", dt, force) / pair.uncertainty_bound(dt)

    assert_allclose([over_bound(0.01), over_bound(1.0)], [0.963, 98.8], rtol=DIGITS)
    assert_allclose([over_bound(1.0, "full"), over_bound(1.0, "antisymmetric")], [3.95, 14.45], rtol=1e-3)
    # The intervals below which the tables say that the bound fails.
    forces: tuple[Force, Force, Force] = ("cross", "full", "antisymmetric")
    for force, below in zip(forces, (0.0104, 0.231, 0.068), strict=True):
        assert_allclose(brentq(lambda dt, force=force: over_bound(dt, force) - 1, 1e-3, 1.0), below, rtol=5e-3)
    assert_allclose(brentq(lambda dt: over_bound(dt, "full", at(0.17)) - 1, 0.1, 3.0), 0.956, rtol=5e-3)


def test_optima_and_modes() -> None:
    """Largest cooling at 3.790 (3.7908 for the rounded mass), the loss at 4.80, and the engine between 1 and 1.2."""
    light = replace(PAIR, mass=1.96e-23 / MASS_SI)
    found = [closed_forms.coupling_hot_of_largest_cooling(p) / p.coupling_cold for p in (PAIR, light)]
    assert_allclose(found, [3.79035, 3.79084], rtol=1e-5)
    assert_allclose([at(r).heat_rates()[0] * PER_NS for r in (3.79, 4.8)], [-0.2967, -0.2888], rtol=DIGITS)
    # 187 atoms in the printed trap, in SI: what the journal's figure says, to all its digits.
    trap = TRAP * 0.16021 / STIFFNESS_SI
    heavy = replace(PAIR, mass=187 * 63.546 * ATOMIC_MASS, trap=trap, coupling_cold=10 * trap)
    assert f"{closed_forms.coupling_hot_of_largest_cooling(heavy) / heavy.coupling_cold:.5f}" == "3.78843"
    assert at(1.1).mode() is Mode.ENGINE
    assert_allclose(at(1.1).work_rates().sum() * PER_NS, -0.004956, rtol=DIGITS)


def test_damping_and_the_limit_without_trap() -> None:
    """Fig. 8: critically damped within 2 %; overdamped motion has a negative VACF too; heats stay finite as κ → 0⁺."""
    assert_allclose([FRICTION**2, 4 * MASS * TRAP], [0.0477, 0.0490], rtol=1e-3)
    assert_allclose(2 * np.pi / angular_frequency(MASS, FRICTION, TRAP).real, 430, rtol=2e-3)
    overdamped = correlations(60.0, mass=MASS, friction=2 * FRICTION, stiffness=TRAP)
    assert_allclose(overdamped.velocity, -0.0183, rtol=1e-3)
    assert_allclose(replace(PAIR, trap=1e-9).heat_rates() * PER_NS, [-0.290, 1.392], rtol=DIGITS)


def test_curl_condition_is_no_equilibrium() -> None:
    """(C3): with γ_H = 2γ_C heat vanishes at 1.2 as (C4) says, and not at the curl condition's 2.4."""
    unlike = replace(PAIR, friction_hot=2 * FRICTION)
    assert np.abs(replace(unlike, coupling_hot=0.12).heat_rates()).max() < 1e-16
    assert_allclose(replace(unlike, coupling_hot=0.24).heat_rates()[0] * PER_NS, -0.3031, rtol=DIGITS)


@pytest.mark.parametrize(
    ("ratio", "onset", "amplitude", "beyond_carnot"), [(7.27, 0.46, 0.0259, 0.0052), (4.8, 1.05, 0.0404, 0.0080)]
)
def test_tail_of_the_cop(ratio: float, onset: float, amplitude: float, beyond_carnot: float) -> None:
    """(11): the tail sets in well below Carnot's value, which is exceeded now and then."""
    law = sampled_cop(at(ratio), 1.0)
    assert_allclose(law.tail_onset(), onset, rtol=0.03)
    assert_allclose([law.tail_amplitude(), float(law.sf(5.0))], [amplitude, beyond_carnot], rtol=1e-2)


def test_coupled_pair_does_oscillate() -> None:
    """App. F: at 4.80 the distance has a period of 9.1 ps against a decay in 11.2 ps, seen in a propagated path as well."""
    values = PAIR.stability().eigenvalues
    fast = values[np.argmax(np.abs(values.imag))]
    assert_allclose([2 * np.pi / abs(fast.imag), -1 / fast.real], [9.13, 11.2], rtol=2e-3)
    truth = Truth(mass=MASS, friction_cold=FRICTION, friction_hot=FRICTION, sample_interval=0.5, substeps=1)
    path = propagate(truth, truth.couplings, 400, 2000, np.random.default_rng(91))["position"]
    apart = path[..., 1] - path[..., 0]
    seen = np.array([(apart[:, : 400 - lag] * apart[:, lag:]).mean() for lag in range(25)])
    # Half a period later it is far on the other side; a critically damped motion never gets there.
    assert seen[9] < -0.3 * seen[0]
    assert seen[18] > 0.2 * seen[0]
    alone = correlations(0.5 * np.arange(25), mass=MASS, friction=FRICTION, stiffness=TRAP).position
    assert (alone > 0).all()


def test_printed_signs_of_refrigeration_contradict_each_other() -> None:
    """Sec. III B: heats of the printed signs add up to negative work where the right ones add up to positive work."""
    heats = PAIR.heat_rates() * PER_NS
    assert heats[0] < 0 < heats[1]
    assert_allclose(heats.sum(), 1.097, rtol=DIGITS)
    assert_allclose((-heats).sum(), -1.097, rtol=DIGITS)
    assert PAIR.work_rates()[0] < 0 < PAIR.work_rates()[1]


def test_force_of_eq_8_is_a_gradient_when_reciprocal() -> None:
    """(8), (20): its work round a unit circle is (κ_H - κ_C)π, none at κ_H = κ_C, where it is the slope of κ_C X_C X_H."""
    turn = np.linspace(0, 2 * np.pi, 4001)
    loop = np.stack([np.cos(turn), np.sin(turn)])
    middle, step = (loop[:, 1:] + loop[:, :-1]) / 2, np.diff(loop)
    for ratio in (1.0, 4.8):
        force = at(ratio).controller_force("cross")
        whole = [float(np.sum((matrix @ middle) * step)) for matrix in (force, at(ratio).controller_force("full"))]
        assert_allclose(whole, 0.1 * (ratio - 1) * np.pi, rtol=1e-5, atol=1e-12)
    reciprocal, x, h = at(1.0).controller_force("cross"), np.array([0.3, -0.7]), 1e-6
    slope = [0.1 * ((x + e)[0] * (x + e)[1] - (x - e)[0] * (x - e)[1]) / (2 * h) for e in h * np.eye(2)]
    assert_allclose(reciprocal @ x, slope, rtol=1e-8)


def test_mean_of_the_sampled_cop_does_not_exist() -> None:
    """After (10): the mean of |ε| up to L grows as 2A ln L, over three more decades by as much as over the three before."""
    law = sampled_cop(PAIR, 1.0)
    edges = np.logspace(1, 7, 121)
    shares = np.diff(law.cdf(edges)) - np.diff(law.cdf(-edges))  # both signs: the second falls
    grown = [
        float((shares[part] * np.sqrt(edges[1:] * edges[:-1])[part]).sum()) for part in (slice(60), slice(60, 120))
    ]
    assert_allclose(grown, 2 * law.tail_amplitude() * np.log(1e3), rtol=0.02)


def test_time_scales_are_no_decade_apart() -> None:
    """Sec. II C: m/γ and γ/κ are 5.61 and 21.8 ps, a factor of 3.9."""
    fast, slow = MASS / FRICTION, FRICTION / TRAP
    assert_allclose([fast, slow, slow / fast], [5.61, 21.8, 3.9], rtol=3e-3)


def test_energy_of_a_bath_is_not_the_heat() -> None:
    """Sec. II B: over a ns the hot bath's own energy comes back to where it was (z-score), its thermostat takes the heat."""
    grown, taken = [], []
    for ratio in ("3.79", "4.80", "7.27", "12.0"):
        for run in load_runs(sorted((REFERENCE / f"kH_{ratio}").glob("*/run.json"))):
            scale = PER_NS / run.duration / len(run.parameters.coupling_axes)
            grown.append(scale * float(run.side_energy[-1, 1] - run.side_energy[0, 1]))
            taken.append(scale * float(run.thermostat[-1, 1] - run.thermostat[0, 1]))
    error = np.std(grown, ddof=1) / np.sqrt(len(grown))
    assert_allclose([np.mean(grown), error, np.mean(taken)], [0.01, 0.14, 1.81], atol=6e-3)
    assert abs(np.mean(grown)) < 3 * error < np.mean(taken) / 2
