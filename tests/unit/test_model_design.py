"""The best demon within limits: known optima and bounds, limits kept, nothing better nearby, refusals."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from analysis.model import (
    BOLTZMANN,
    Design,
    Feedback,
    LangevinPair,
    Limits,
    best_damping,
    best_design,
    closed_forms,
    pareto_front,
)
from tests.unit.pairs import FRICTION, PAIR

WIDE = Limits(coupling_cold=(0.001, 100.0), coupling_hot=(0.001, 1000.0))
LAST_WORD = 2e-3  # cooling, relative, that a fine search by hand may find beyond a design


def test_best_coupling_of_the_hot_particle_has_its_closed_form() -> None:
    """With κ_C kept, the design is the closed form's largest cooling, for the paper's pair and for one of unlike sides."""
    limits = Limits(coupling_cold=(0.1, 0.1), coupling_hot=(0.01, 10.0))
    for pair in (PAIR, replace(PAIR, mass=(0.8, 2.0), friction_hot=0.1)):
        design = best_design(pair, limits)
        assert isinstance(design.machine, LangevinPair)
        assert design.machine.coupling_hot == pytest.approx(
            closed_forms.coupling_hot_of_largest_cooling(pair), rel=1e-5
        )


def test_cooling_of_equal_sides_has_a_bound() -> None:
    """For κ_C without bound cooling tends to γ k_B T_C²/[2m(T_C + T_H)], at κ_H/κ_C = 1 + 2 T_H/T_C, never below 77.3 K."""
    design = best_design(PAIR, WIDE)
    bound = FRICTION * BOLTZMANN * 100.0**2 / (2 * 1.225 * 220.0)
    assert bound * 1e3 == pytest.approx(0.349, abs=5e-4)
    assert bound * (1 - 1e-3) < design.cooling < bound
    assert design.machine.coupling_hot / design.machine.coupling_cold == pytest.approx(3.4, rel=1e-3)
    assert 77.27 < design.temperatures[0] < 77.3
    at_paper = best_design(PAIR, Limits(coupling_cold=(0.1, 0.1), coupling_hot=(0.01, 10.0)))
    assert at_paper.cooling / bound == pytest.approx(0.85, abs=5e-3)


@pytest.mark.parametrize(
    ("limits", "feedback"),
    [
        (replace(WIDE, work=3e-4), Feedback()),
        (replace(WIDE, force=0.1), Feedback()),
        (replace(WIDE, spread=0.55), Feedback()),
        (Limits(coupling_cold=(0.01, 1.0), coupling_hot=(0.01, 10.0)), Feedback(update_every=0.3)),
    ],
    ids=["work", "force", "spread", "hold"],
)
def test_limits_are_kept_and_nothing_near_is_better(limits: Limits, feedback: Feedback) -> None:
    """A design keeps its limits, and of many machines around it none that keeps them cools more."""
    design = best_design(PAIR, limits, feedback=feedback)

    def kept(one: Design, slack: float) -> bool:
        return bool(
            one.works.sum() <= limits.work * slack
            and one.spreads.max() <= limits.spread * slack
            and one.forces.max() <= limits.force * slack
            and limits.coupling_cold[0] <= one.machine.coupling_cold <= limits.coupling_cold[1]
            and limits.coupling_hot[0] <= one.machine.coupling_hot <= limits.coupling_hot[1]
        )

    assert kept(design, 1 + 2e-6)
    rng = np.random.default_rng(3)
    for step in (0.3, 0.03, 0.003):
        for cold, hot in np.exp(step * rng.standard_normal((20, 2))):
            machine = replace(  # type: ignore[type-var]
                design.machine,
                coupling_cold=design.machine.coupling_cold * cold,
                coupling_hot=design.machine.coupling_hot * hot,
            )
            if machine.with_feedback(feedback).is_stable:
                near = Design.of(machine, feedback)
                assert not kept(near, 1.0) or near.cooling < design.cooling * (1 + LAST_WORD)


def test_most_economical_design_with_a_least_cooling() -> None:
    """The best coefficient of performance cools no more than asked; at a kept κ_C it is the ratio that cools so much."""
    limits = Limits(coupling_cold=(0.1, 0.1), coupling_hot=(0.1, 1.0), cooling=2e-4)
    design = best_design(PAIR, limits, "cop")
    assert design.cooling == pytest.approx(2e-4, rel=1e-4)
    ratios = np.linspace(1.2, 3.79, 2000)
    cooling = [-closed_forms.heat_rates(replace(PAIR, coupling_hot=0.1 * r))[0] for r in ratios]
    assert design.machine.coupling_hot == pytest.approx(0.1 * np.interp(2e-4, cooling, ratios), rel=1e-4)
    assert design.cop == pytest.approx(0.1 / (design.machine.coupling_hot - 0.1), rel=1e-9)


def test_most_precise_design() -> None:
    """A precise design has less relative noise than that of most cooling."""
    limits = Limits(coupling_cold=(0.01, 1.0), coupling_hot=(0.01, 10.0), cooling=1e-4)
    precise, most = (best_design(PAIR, limits, goal) for goal in ("precision", "cooling"))
    assert precise.relative_noise < most.relative_noise
    assert precise.cooling < most.cooling


def test_front_of_work_and_cooling() -> None:
    """More power cools more, at a falling coefficient of performance, up to the free optimum."""
    limits = Limits(coupling_cold=(0.1, 1.0), coupling_hot=(0.1, 10.0))
    front = pareto_front(PAIR, limits, [1e-4, 1e-2])
    coolings, cops = [one.cooling for one in front], [one.cop for one in front]
    assert coolings == sorted(coolings)
    assert cops == sorted(cops, reverse=True)
    assert coolings[-1] == pytest.approx(best_design(PAIR, limits).cooling, rel=1e-6)


def test_best_delay_of_the_partner() -> None:
    """A delay of the partner's position can be designed, too: the best one cools half as much again as none."""
    limits = Limits(coupling_cold=(0.1, 0.1), coupling_hot=(0.48, 0.48), delay=(0.4, 0.7))
    design = best_design(PAIR, limits, feedback=Feedback(delayed="partner"))
    assert 0.5 < design.feedback.delay < 0.6
    for other in (0.5, 0.6):
        assert Design.of(PAIR, replace(design.feedback, delay=other)).cooling < design.cooling


def test_cold_damping_beside_the_demon() -> None:
    """Without noise damping cools as far as its gain goes, T γ/(γ + g); with noise it has a best gain. It spends no work."""
    free = best_damping(PAIR, WIDE, (0.01, 10.0))
    assert free.temperatures[0] == pytest.approx(100.0 * FRICTION / (FRICTION + 10.0), rel=1e-6)
    noisy = Feedback(noise_density=0.01, filter=0.5)
    best = best_damping(PAIR, WIDE, (0.01, 10.0), feedback=noisy)
    gain = best.velocity_gain[0]
    for other in (0.9 * gain, 1.1 * gain):
        alone = replace(PAIR, coupling_cold=0.0, coupling_hot=0.0)
        assert Design.of(alone, noisy, (other, 0.0)).cooling < best.cooling
    assert best.works.sum() < 0
    # A delay spoils damping: of a range of delays the shortest is the best.
    late = best_damping(PAIR, replace(WIDE, delay=(0.1, 0.4)), (0.2, 0.2), feedback=noisy)
    assert late.feedback.delay == pytest.approx(0.1, abs=1e-4)
    assert replace(late.feedback, delay=0.0) == noisy
    assert [*late.velocity_gain, late.machine.coupling_hot] == pytest.approx([0.2, 0.0, 0.0])
    assert late.cooling < Design.of(late.machine, noisy, (0.2, 0.0)).cooling
    # The most precise cooling has less noise for what it cools than the largest.
    precise = best_damping(PAIR, WIDE, (0.01, 10.0), "precision", noisy)
    assert precise.relative_noise < best.relative_noise
    assert precise.cooling < best.cooling
    idle = replace(best, heats=np.zeros(2))
    assert idle.relative_noise == np.inf
    swapped = replace(PAIR, temperature_cold=120.0, temperature_hot=100.0)
    assert best_damping(swapped, WIDE, (0.01, 10.0)).temperatures[1] == pytest.approx(free.temperatures[0], rel=1e-6)


def test_performance_of_a_design_is_that_of_its_machine() -> None:
    """Temperatures, spreads, forces and works from the covariance; a loop that hardly delays has the same, and so its noise."""
    for pair in (PAIR, replace(PAIR, mass=(0.8, 2.0), friction_hot=0.1, temperature_cold=130.0)):
        ideal = Design.of(pair)
        c = pair.covariance()
        push = np.array([[-pair.coupling_cold, pair.coupling_cold], [pair.coupling_hot, -pair.coupling_hot]])
        np.testing.assert_allclose(ideal.temperatures, pair.masses[:2] * np.diag(c)[2:4] / BOLTZMANN)
        np.testing.assert_allclose(ideal.spreads, np.diag(c)[:2])
        np.testing.assert_allclose(ideal.forces, np.sqrt(np.diag(push @ c[:2, :2] @ push.T)))
        np.testing.assert_allclose(ideal.works, np.diag(push @ c[:2, 2:4]))
        np.testing.assert_allclose(ideal.heats, ideal.works)
        side = int(pair.temperature_cold > pair.temperature_hot)
        assert ideal.cooling == -ideal.heats[side]
        if ideal.cooling > 0:
            assert ideal.cop == pytest.approx(ideal.cooling / ideal.works.sum())
        near = Design.of(pair, Feedback(delay=1e-5))
        for name in ("heats", "works", "noise", "temperatures", "spreads", "forces", "cooling", "relative_noise"):
            np.testing.assert_allclose(getattr(near, name), getattr(ideal, name), rtol=2e-3, err_msg=name)
        assert np.isinf(Design.of(pair, Feedback(noise_density=0.01)).forces).all()


def test_refused_designs() -> None:
    """Ranges that are none, and limits within which nothing cools, are refused by name."""
    with pytest.raises(ValueError, match=re.escape("coupling_hot = (2.0, 1.0) eV/Å²: must be")):
        Limits(coupling_cold=(0.1, 0.1), coupling_hot=(2.0, 1.0))
    # A coupling of 0 has no logarithm to search over; one of any other size, a range of one number and no delay are allowed.
    for refused in ((0.0, 1.0), (-1.0, 1.0), (1.0, np.inf)):
        with pytest.raises(ValueError, match=re.escape(f"coupling_cold = {refused} eV/Å²: must be")):
            replace(WIDE, coupling_cold=refused)
        with pytest.raises(ValueError, match=re.escape(f"coupling_hot = {refused} eV/Å²: must be")):
            replace(WIDE, coupling_hot=refused)
    for refused in ((1.0, 0.5), (0.0, np.inf)):
        with pytest.raises(ValueError, match=re.escape(f"delay = {refused} ps: must be")):
            replace(WIDE, delay=refused)
    replace(WIDE, coupling_cold=(1e-300, 1e-300), delay=(0.0, 0.0))
    with pytest.raises(ValueError, match=re.escape("delay = (-1.0, 1.0) ps: must be")):
        replace(WIDE, delay=(-1.0, 1.0))
    with pytest.raises(ValueError, match=re.escape("gain = (0.0, 1.0) eV ps/Å²")):
        best_damping(PAIR, WIDE, (0.0, 1.0))
    with pytest.raises(ValueError, match="none of 9 machines cools within these limits"):
        best_design(PAIR, Limits(coupling_cold=(0.1, 0.1), coupling_hot=(0.01, 0.11)))
