"""Ballistic machines of any terminals, their work and noise, and the best demon among them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit

from analysis.mechanisms.demon import best_demon, largest_cooling
from analysis.mechanisms.entropy_current import Array, Equilibrium, Machine, Statistics
from analysis.mechanisms.ndemon import NDemon
from analysis.mechanisms.terminals import Channel, Landauer, Matrix, Steps, Terminal

WIDTH = 1e-3
NDEMON = NDemon((1, 2), (1.5, 1.25), 1, 0.5, 1, width=WIDTH)


def terminal(name: str, temperature: float, potential: float = 0.0, statistics: Statistics = "fermions") -> Terminal:
    """A thermal terminal."""
    return Terminal(name, Equilibrium(temperature, potential, statistics))


def four_levels(occupations: tuple[float, ...] = (0.5,), statistics: Statistics = "fermions") -> Landauer:
    """The terminals and channels of the N-demon, hot, cold and demon; bosons have no chemical potential."""
    potential = 1.0 if statistics == "fermions" else 0.0
    energies = (1.0, 1.25, 1.5, 2.0) if len(occupations) == 4 else (0.0,)
    levels = ((0, 1.0), (0, 2.0), (1, 1.5), (1, 1.25))
    return Landauer(
        terminals=(
            terminal("hot", 1.0, potential, statistics),
            terminal("cold", 0.5, potential, statistics),
            Terminal("demon", Steps(energies, occupations)),
        ),
        channels=tuple(Channel((partner, 2), level, WIDTH) for partner, level in levels),
        statistics=statistics,
        cold=1,
        hot=0,
    )


def pair(channels: tuple[Channel, ...], hot: Terminal, cold: Terminal, environment: int) -> Landauer:
    """Two terminals."""
    return Landauer(terminals=(hot, cold), channels=channels, environment=environment, cold=1, hot=0)


def test_channels_of_the_n_demon_have_its_currents_and_noise() -> None:
    """With the N-demon's occupations its four channels carry its currents, entropies and covariance of the heats."""
    f = dict(zip(NDEMON.levels, NDEMON.occupations(), strict=True))
    found = four_levels(tuple(f[e] for e in sorted(f))).bath_currents()
    expected = NDEMON.bath_currents()
    for name in ("energy", "particles", "entropy", "covariance"):
        scale = np.abs(getattr(expected, name)).max() or WIDTH
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-9, atol=1e-12 * scale)
    assert found.cop == pytest.approx(NDEMON.cop(), rel=1e-9)


@pytest.mark.parametrize("drive", [0.05, 0.5, 1.0, 2.0])
def test_the_isolated_demon_of_four_levels_is_the_published_one(drive: float) -> None:
    """Four levels leave an isolated demon no choice at given power: the solver finds the published occupations."""
    demon = NDemon((1, 2), (1.5, 1.25), 1, 0.5, 1, width=WIDTH, drive=drive)
    found = best_demon(four_levels(), 2, demon.power(), isolated=True)
    occupation = found.terminals[2].occupation
    np.testing.assert_allclose(occupation(demon.levels), demon.occupations(), rtol=1e-8)
    assert found.bath_currents().cop == pytest.approx(demon.cop(), rel=1e-7)
    assert largest_cooling(four_levels(), 2, isolated=True) == pytest.approx(
        demon.power() * demon.largest_drive() / drive, rel=1e-6
    )


@pytest.mark.parametrize("lift", [-0.3, 0.4])
def test_heats_of_a_lifted_channel_fluctuate_with_its_count(lift: float) -> None:
    """A particle takes its energy above μ from one terminal and brings that and the lift to the other: one count, two heats."""
    level, mu = 0.8, (0.5, 0.2)
    terminals = tuple(Terminal(name, Equilibrium(0.3, each)) for name, each in zip("ab", mu, strict=True))
    covariance = Landauer(terminals=terminals, channels=(Channel((0, 1), level, WIDTH, lift=lift),)).heat_covariance()
    f, g = (expit((each - energy) / 0.3) for each, energy in zip(mu, (level, level + lift), strict=True))
    count = WIDTH * (f * (1 - f) + g * (1 - g))  # each terminal's own fluctuations, at perfect transmission
    heats = np.array([-(level - mu[0]), level + lift - mu[1]])
    np.testing.assert_allclose(covariance, count * np.outer(heats, heats), rtol=1e-9)


@pytest.mark.parametrize("statistics", ["fermions", "bosons"])
def test_no_other_demon_of_the_same_power_is_better(statistics: Statistics) -> None:
    """The demon found takes neither particles nor energy, cools as asked, and all its neighbours need more entropy."""
    machine = four_levels(statistics=statistics)
    cooling = 0.4 * largest_cooling(machine, 2)
    found = best_demon(machine, 2, cooling)
    currents = found.bath_currents()
    assert currents.cooling == pytest.approx(cooling, rel=1e-7)
    assert np.abs([currents.particles[2], currents.energy[2]]).max() < 1e-7 * cooling
    assert 0 < currents.cop < currents.bound
    best = np.asarray(found.terminals[2].occupation(np.array([1.0, 1.25, 1.5, 2.0])))
    # The three constraints in terms of f at these energies leave one direction.
    mu = 1.0 if statistics == "fermions" else 0.0
    constraints = np.array([[1, 1, 1, 1], [1, 1.25, 1.5, 2], [0, 1.25 - mu, 1.5 - mu, 0]])
    direction = np.linalg.svd(constraints)[2][-1]
    for step in (-1e-2, -1e-3, 1e-3, 1e-2):
        other = four_levels(tuple(best + step * direction), statistics).bath_currents()
        assert other.cooling == pytest.approx(cooling, rel=1e-6)
        assert other.entropy[2] > currents.entropy[2]


def test_a_free_demon_beats_the_published_one() -> None:
    """One that may pass particles between its partners needs a third of the entropy at the published power."""
    found = best_demon(four_levels(), 2, NDEMON.power()).bath_currents()
    assert found.cop > 3 * NDEMON.cop()
    assert found.paid - found.cooling / found.bound == pytest.approx(found.entropy_production, rel=1e-9)


@pytest.mark.parametrize("statistics", ["fermions", "bosons"])
def test_what_leaks_past_the_demon_is_part_of_the_cooling(statistics: Statistics) -> None:
    """With a channel from hot to cold, of any shape, the whole machine cools as asked; the demon may stand anywhere."""
    plain = four_levels(statistics=statistics)
    hot, cold, demon = plain.terminals
    own = [replace(channel, between=(channel.between[0] + 1, 0)) for channel in plain.channels]
    leak = Channel((1, 2), 1.7, 0.1 * WIDTH, peak=0.5, shape="lorentzian")
    band = (1e-3, 9.0)
    machine = Landauer(
        terminals=(demon, hot, cold),
        channels=(*own, leak),
        statistics=statistics,
        environment=1,
        cold=2,
        hot=1,
        band=band,
    )
    passed = replace(machine, channels=(leak,)).flows()[1:]
    potential = 1.0 if statistics == "fermions" else 0.0
    lost = float(passed[0][2] - potential * replace(machine, channels=(leak,)).flows()[0][2])
    assert lost > 0
    most = largest_cooling(plain, 2) - lost
    assert largest_cooling(machine, 0) == pytest.approx(most, rel=1e-7)
    found = best_demon(machine, 0, 0.4 * most).bath_currents()
    assert found.cooling == pytest.approx(0.4 * most, rel=1e-6)
    assert np.abs([found.particles[0], found.energy[0]]).max() < 1e-6 * most


def test_machines_without_a_best_demon_are_refused() -> None:
    """A demon needs narrow channels of its own without lift, no matrix, and to be neither cold nor hot; all is told at once."""
    machine = four_levels()
    first, *rest = machine.channels
    through = Matrix(lambda energy: np.zeros((energy.size, 3, 3)), ((0.0, 1.0),))
    for changes, demon, said in (
        ({"channels": (replace(first, shape="box"), *rest)}, 2, "^channel 0: shape = 'box', lift = 0: a demon's"),
        ({"channels": (*rest, replace(first, lift=0.1))}, 2, "^channel 3: shape = 'narrow', lift = 0.1: a demon's"),
        ({"matrix": through}, 2, "^matrix: must be None"),
        ({"channels": (Channel((0, 1), 1.0, WIDTH),)}, 2, "^demon = 2: has no channel$"),
        ({"matrix": through}, 0, "^matrix: must be None.*; demon = 0: must be neither the cold nor the hot terminal$"),
    ):
        with pytest.raises(ValueError, match=said):
            largest_cooling(replace(machine, **changes), demon)


def test_steps_are_integrated_in_parts() -> None:
    """Between two steps the occupation changes half way, which is an end of an interval of the integral, to rounding."""
    steps = Steps((1.0, 1.7, 2.0), (0.9, 0.2, 0.6))
    machine = Landauer(
        terminals=(Terminal("steps", steps), terminal("empty", 0.01, -9.0)),
        channels=(Channel((0, 1), 1.5, 1.4, shape="box"),),
        environment=1,
        cold=0,
        hot=1,
    )
    # From 0.8 to 2.2, with edges at 1.35 and 1.85.
    particles = 0.55 * 0.9 + 0.5 * 0.2 + 0.35 * 0.6
    energy = (1.35**2 - 0.8**2) / 2 * 0.9 + (1.85**2 - 1.35**2) / 2 * 0.2 + (2.2**2 - 1.85**2) / 2 * 0.6
    assert machine.flows()[0] == pytest.approx([-particles, particles], rel=1e-12)
    assert machine.flows()[1] == pytest.approx([-energy, energy], rel=1e-12)


def test_more_cooling_than_there_is_is_refused() -> None:
    """The message says how much there is."""
    most = largest_cooling(four_levels(), 2, isolated=True)
    with pytest.raises(ValueError, match=rf"give less than {most:.4g}"):
        best_demon(four_levels(), 2, 1.01 * most, isolated=True)
    with pytest.raises(ValueError, match=r"demon = 1: must be neither the cold nor the hot"):
        largest_cooling(four_levels(), 1)


@pytest.mark.parametrize("statistics", ["fermions", "bosons"])
def test_an_open_contact_carries_the_quantum_of_heat(statistics: Statistics) -> None:
    """Full transmission in one sense round three terminals: π²(T_α² - T_β²)/6 of energy into each, of either statistics."""
    temperatures = np.array([1.0, 0.6, 0.3])

    def round_about(energy: Array) -> Array:
        return np.broadcast_to(np.roll(np.eye(3), 1, axis=0), (energy.size, 3, 3))

    low = -60.0 if statistics == "fermions" else 1e-12
    machine = Landauer(
        terminals=tuple(terminal(f"{t}", t, 0.0, statistics) for t in temperatures),
        matrix=Matrix(round_about, ((low, 60.0),)),
        statistics=statistics,
        cold=2,
        hot=0,
    )
    energy = machine.flows()[1]
    # Half of it for bosons' positive energies: electrons and holes carry one each.
    expected = math.pi**2 / 6 * (np.roll(temperatures, 1) ** 2 - temperatures**2)
    np.testing.assert_allclose(energy, expected, rtol=1e-9)
    currents = machine.bath_currents()
    assert currents.entropy_production > 0
    assert currents.work == pytest.approx(0, abs=1e-12)


def test_lorentzian_and_box_are_integrated() -> None:
    """Both shapes against adaptive quadrature of Landauer's formula, over a band and with a lift."""
    hot, cold = terminal("hot", 1.0, 0.3), terminal("cold", 0.05, -0.2)
    for shape, low, high in (("lorentzian", -8.0, 9.0), ("box", 0.3, 0.9)):
        channel = Channel((0, 1), 0.6, 0.6, peak=0.7, shape=shape, lift=-0.25)  # type: ignore[arg-type]
        machine = Landauer(terminals=(hot, cold), channels=(channel,), environment=0, cold=1, hot=0, band=(-8.0, 9.0))

        def flow(energy: float, weight: float, lorentzian: bool = shape == "lorentzian") -> float:
            through = 0.7 / (1 + ((energy - 0.6) / 0.3) ** 2) if lorentzian else 0.7
            return weight * through * float(expit(-(energy - 0.3)) - expit(-(energy - 0.25 + 0.2) / 0.05))

        points = [0.05, 0.3, 0.6]
        particles = quad(lambda e: flow(e, 1.0), low, high, points=points, epsabs=1e-12, limit=200)[0]
        energy = quad(lambda e: flow(e, e - 0.25), low, high, points=points, epsabs=1e-12, limit=200)[0]
        found = machine.flows()
        assert found[0] == pytest.approx([-particles, particles], rel=1e-8)
        assert found[1][1] == pytest.approx(energy, rel=1e-8)
        assert machine.balance().work == pytest.approx(0.25 * particles, rel=1e-8)
        assert machine.bath_currents().work == pytest.approx(-0.25 * particles, rel=1e-8)

        def noise(energy: float, lorentzian: bool = shape == "lorentzian") -> float:
            through = 0.7 / (1 + ((energy - 0.6) / 0.3) ** 2) if lorentzian else 0.7
            f, g = float(expit(-(energy - 0.3))), float(expit(-(energy - 0.25 + 0.2) / 0.05))
            return through * (f * (1 - g) + g * (1 - f)) - through**2 * (f - g) ** 2

        # Each electron takes ε - μ from the hot terminal and brings ε - 0.25 - μ to the cold one.
        carried = (lambda e: -(e - 0.3), lambda e: e - 0.25 + 0.2)
        covariance = machine.heat_covariance()
        for i, j in ((0, 0), (0, 1), (1, 1)):

            def product(energy: float, i: int = i, j: int = j) -> float:
                return float(noise(energy) * carried[i](energy) * carried[j](energy))  # noqa: B023

            expected = quad(product, low, high, points=points, epsabs=1e-12, limit=200)[0]
            assert [covariance[i, j], covariance[j, i]] == pytest.approx([expected] * 2, rel=1e-7)


@pytest.mark.parametrize("width", [1e-6, 1e-3, 0.3, 50.0])
def test_tails_of_a_lorentzian_are_integrated_at_any_width(width: float) -> None:
    """From a full to an empty terminal passes (Γ/2) [arctan 2(ε - ε₀)/Γ] over the band; a narrow peak has all of its tails."""
    full, empty = (Terminal(name, Steps((0.0,), (f,))) for name, f in (("full", 1.0), ("empty", 0.0)))
    machine = Landauer(
        terminals=(full, empty, terminal("rest", 1e-3, 99.0)),
        channels=(Channel((0, 1), 1.7, width, peak=0.5, shape="lorentzian"),),
        environment=2,
        hot=2,
        band=(-4.0, 9.0),
    )
    low, high = (math.atan(2 * (end - 1.7) / width) for end in (-4.0, 9.0))
    assert machine.flows()[0][1] == pytest.approx(0.25 * width * (high - low), rel=1e-11)
    # (Γ²/8) ln(Γ²/4 + (ε - ε₀)²) of energy beside that of the level.
    tails = width**2 / 8 * 0.5 * math.log((width**2 / 4 + 7.3**2) / (width**2 / 4 + 5.7**2))
    assert machine.flows()[1][1] == pytest.approx(1.7 * 0.25 * width * (high - low) + tails, rel=1e-11)


def test_noise_in_equilibrium_is_that_of_the_conductance() -> None:
    """At one temperature the covariance of heats is 2T² times the thermal conductance π²Tτ/3, of any transmittance τ."""
    one = terminal("one", 0.7), terminal("two", 0.7)
    machine = pair((Channel((0, 1), 0.0, 80.0, peak=0.4, shape="box"),), *one, environment=0)
    expected = 2 * 0.4 * math.pi**2 / 3 * 0.7**3
    np.testing.assert_allclose(machine.heat_covariance(), expected * np.array([[1, -1], [-1, 1]]), rtol=1e-9)


def test_shot_noise_is_that_of_levitov_and_lesovik() -> None:
    """A full level into an empty one passes electrons with T(1 - T) of noise; bosons bunch to T n(1 + T n)."""
    for statistics, sign in (("fermions", -1), ("bosons", 1)):
        full = 1.0 if statistics == "fermions" else 3.0
        machine = Landauer(
            terminals=(
                Terminal("full", Steps((5.0,), (full,))),
                Terminal("empty", Steps((5.0,), (0.0,))),
                terminal("rest", 1.0, 0.0, statistics),  # type: ignore[arg-type]
            ),
            channels=(Channel((0, 1), 5.0, WIDTH, peak=0.3),),
            statistics=statistics,  # type: ignore[arg-type]
            environment=2,
            cold=1,
            hot=2,
        )
        variance = machine.heat_covariance()[0, 0] / 5.0**2 / WIDTH
        assert variance == pytest.approx(0.3 * full * (1 + sign * 0.3 * full), rel=1e-12)


@pytest.mark.parametrize(
    ("role", "machine", "expected"),
    [
        # Electrons fall by 0.5 in chemical potential and do 0.3 of work each.
        ("motor", ((0.8, 0.5), (0.8, 0.0), ((1.0, -0.3),), 1), 0.3 / 0.5),
        # They are lifted by 0.4 and gain 0.25.
        ("pump", ((0.8, -0.25), (0.8, 0.0), ((-0.2, 0.4),), 1), 0.25 / 0.4),
        # An electron and a hole take 1 from the hot reservoir and do 0.3 each: 0.3 of Carnot's 0.5.
        ("heat engine", ((1.0, 0.0), (0.5, 0.0), ((1.0, -0.3), (-1.0, 0.3)), 1), 0.3 / (1 - 0.5)),
        # Lifted by 0.7 they bring 1 to the hot reservoir, of which half is worth work.
        ("heat pump", ((1.0, 0.0), (0.5, 0.0), ((1.0, -0.7), (-1.0, 0.7)), 1), 0.5 * 1.0 / 0.7),
    ],
)
def test_motor_pump_engine_and_heat_pump(role: Machine, machine: tuple, expected: float) -> None:  # type: ignore[type-arg]
    """The four machines of the paper, each by what one particle pays and gains."""
    hot, cold, levels, environment = machine
    channels = tuple(Channel((0, 1), level, WIDTH, lift=lift) for level, lift in levels)
    found = pair(channels, terminal("a", *hot), terminal("b", *cold), environment)
    balance = found.balance()
    assert balance.efficiency(role) == pytest.approx(expected, rel=1e-9)
    assert balance.dissipation() == pytest.approx(cold[0] * found.bath_currents().entropy_production, rel=1e-9)
    # Nothing else can be made of it.
    for other in ("motor", "pump", "heat engine", "heat pump"):
        if other != role:
            with pytest.raises(ValueError, match=r"positive one|must be 0"):
                balance.efficiency(other)


def test_what_is_not_physical_is_refused() -> None:
    """All wrong indices and values are named at once; a matrix that loses particles and an occupation above 1 are found."""
    with pytest.raises(ValueError, match=r"channel 0: between.*width = -1.*peak = 2.*cold = 5.*environment = 7"):
        Landauer(
            terminals=(terminal("a", 1.0), terminal("b", 1.0)),
            channels=(Channel((0, 0), 1.0, -1.0, 2.0),),
            cold=5,
            environment=7,
        )

    # The last index and the largest transmittance are allowed, and one more is not.
    two = (terminal("a", 1.0), terminal("b", 1.0))
    Landauer(terminals=two, channels=(Channel((1, 0), 1.0, 1e-9, 1.0),), cold=0, hot=1, environment=1)
    good = Channel((0, 1), 1.0, 1.0)
    for wrong, said in (
        ({"cold": 2}, "cold = 2: there are 2 terminals"),
        ({"cold": -1}, "cold = -1: there are 2"),
        ({"hot": 2}, "hot = 2: there are 2"),
        ({"hot": -1}, "hot = -1: there are 2"),
        ({"environment": 2}, "environment = 2: must be"),
        ({"environment": -1}, "environment = -1: must be"),
        ({"channels": (replace(good, between=(0, 2)),)}, "between = "),
        ({"channels": (replace(good, between=(-1, 0)),)}, "between = "),
        ({"channels": (replace(good, width=0.0),)}, "width = 0.0"),
        ({"channels": (replace(good, width=np.inf),)}, "width = inf"),
        ({"channels": (replace(good, peak=0.0),)}, "peak = 0.0"),
        ({"channels": (replace(good, peak=1.0 + 1e-9),)}, "peak = 1.0"),
        ({"channels": (replace(good, lift=np.inf),)}, "lift = inf"),
        ({"channels": (replace(good, shape="lorentzian"),)}, "give the band"),
        ({"channels": ()}, "nothing can flow"),
        ({"terminals": two[:1]}, "1 given, particles need two"),
        ({"statistics": "bosons"}, "some terminal has another"),
        (
            {"terminals": (two[0], terminal("c", 1.0, 0.0, "bosons"))},
            "statistics = fermions: some terminal has another",
        ),
        ({"terminals": (two[0], Terminal("steps", Steps((1.0,), (0.5,))))}, "hot = 1: must be a thermal terminal"),
        ({"terminals": (Terminal("steps", Steps((1.0,), (0.5,))), two[1])}, "environment = 0: must be a thermal"),
        ({"band": (2.0, -1.0)}, r"^band = \(2.0, -1.0\): give two finite energies in ascending order$"),
        ({"band": (1.0, 1.0)}, r"band = \(1.0, 1.0\)"),
        ({"band": (0.0, np.inf)}, r"band = \(0.0, inf\)"),
        (
            {"matrix": Matrix(lambda energy: np.zeros((energy.size, 2, 2)), ((0.0, 1.0), (3.0, 2.0)))},
            r"^matrix: window = \(3.0, 2.0\): give two finite energies",
        ),
        ({"channels": (replace(good, shape="table"),)}, r"channel 0: table energies = \[\]"),
        ({"channels": (replace(good, shape="table", table=((1.0, 0.5),)),)}, "give two or more, finite and ascending"),
        ({"channels": (replace(good, shape="table", table=((1.0, 0.5), (1.0, 0.6))),)}, "finite and ascending"),
        ({"channels": (replace(good, shape="table", table=((1.0, 0.5), (np.inf, 0.6))),)}, "finite and ascending"),
        ({"channels": (replace(good, shape="table", table=((1.0, 0.0), (2.0, 0.0))),)}, "not all of them 0"),
        ({"channels": (replace(good, shape="table", table=((1.0, 0.0), (2.0, 1.1))),)}, "give values from 0 to 1"),
        ({"channels": (replace(good, shape="table", table=((1.0, -0.1), (2.0, 1.0))),)}, "give values from 0 to 1"),
    ):
        with pytest.raises(ValueError, match=said):
            Landauer(**({"terminals": two, "channels": (good,)} | wrong))

    bosons = (terminal("a", 1.0, -0.5, "bosons"), terminal("b", 1.0, -2.0, "bosons"))
    passing = Matrix(lambda energy: np.zeros((energy.size, 2, 2)), ((0.5, 1.0), (-0.4, 0.2)))
    for channel, band, low in (
        (replace(good, level=-0.4), None, -0.4),
        (replace(good, level=-0.4, between=(1, 0), lift=0.1), None, -0.3),
        (replace(good, level=0.1, shape="box"), None, -0.4),
        (replace(good, level=9.0, shape="lorentzian"), (-0.4, 20.0), -0.4),
        (replace(good, level=9.0, shape="table", table=((-0.4, 1.0), (3.0, 0.5))), None, -0.4),
        (None, None, -0.4),
    ):
        made: dict[str, Any] = {"statistics": "bosons", "band": band, "hot": 1}
        made |= {"channels": (channel,)} if channel else {"matrix": passing}
        assert Landauer(terminals=bosons, **made) is not None
        at_edge = replace(bosons[0], occupation=Equilibrium(1.0, low, "bosons"))
        with pytest.raises(
            ValueError, match=rf"^terminal 'a': chemical_potential = {low}: .* lowest of which is {low}$"
        ):
            Landauer(terminals=(at_edge, bosons[1]), **made)

    def lossy(energy: Array) -> Array:
        return np.broadcast_to([[0.0, 0.5], [0.4, 0.0]], (energy.size, 2, 2))

    leaking = Landauer(
        terminals=(terminal("a", 1.0), terminal("b", 0.5)), matrix=Matrix(lossy, ((0.0, 1.0),)), cold=1, hot=0
    )
    with pytest.raises(ValueError, match="S is not unitary"):
        leaking.flows()
    with pytest.raises(ValueError, match="fermions occupy a level between 0 and 1"):
        four_levels((0.2, 0.3, 0.4, 1.5)).flows()
    with pytest.raises(ValueError, match="give the band"):
        pair((Channel((0, 1), 1.0, 1.0, shape="lorentzian"),), terminal("a", 1.0), terminal("b", 0.5), 0)
