"""Studies of machines: every field reaches the machine, and what the file leaves out or has wrong is told at its place."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from pydantic import ValidationError
from scipy.constants import h, hbar

from analysis.mechanisms.bosons import LinearBosons
from analysis.mechanisms.cascaded import CascadedOscillators
from analysis.mechanisms.entropy_current import Equilibrium
from analysis.mechanisms.fermi_gas import Exact
from analysis.mechanisms.fermi_reservoirs import FermiReservoirs, Reservoir
from analysis.mechanisms.laboratory import DrivenCircuit
from analysis.mechanisms.ndemon import NDemon
from analysis.mechanisms.nonreciprocal import NonreciprocalNetwork
from analysis.mechanisms.optomechanics import Optomechanics
from analysis.mechanisms.sweep import sweep_table
from analysis.mechanisms.terminals import Channel, Landauer, Steps, Terminal
from simulation.study.fields import StudyError
from simulation.study.machines.bosons import OptomechanicsFields
from simulation.study.machines.files import MachineStudy, load_machine_study
from simulation.study.machines.sections import Values

MHZ = 2e6 * math.pi
"""1/s."""


def study(folder: Path, content: dict[str, Any] | str) -> MachineStudy:
    """A study with that content."""
    text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    return load_machine_study("mine", folder)


def problems(folder: Path, content: dict[str, Any] | str) -> list[str]:
    """What is wrong with it."""
    with pytest.raises(StudyError) as caught:
        study(folder, content)
    return caught.value.problems


def swept(parameter: str, *values: float) -> dict[str, Any]:
    """Values of a parameter."""
    return {"parameter": parameter, "values": list(values)}


CASCADED: dict[str, Any] = {
    "machine": "cascaded",
    "loss_1": 1.1,
    "loss_2": 0.9,
    "channel_1": 0.7,
    "channel_2": 0.6,
    "occupation_1": 3.0,
    "occupation_2": 0.2,
    "occupation_3": 0.5,
    "detuning": 0.3,
    "phase": 0.4,
    "hopping_real": 0.15,
    "hopping_imaginary": -0.05,
    "sweep": swept("phase", 0.4),
}
NETWORK: dict[str, Any] = {
    "machine": "network",
    "modes": {"one": {"frequency": -0.15}, "two": {"frequency": 0.15}},
    "hops": [
        {"between": ["one", "two"], "strength": 0.15},
        {"between": ["two", "one"], "strength": 0.05, "phase": math.pi / 2},
    ],
    "baths": {
        "first": {"occupation": 3.0, "rates": {"one": 1.1}},
        "second": {"occupation": 0.2, "rates": {"two": 0.9}},
        "common": {"occupation": 0.5, "rates": {"one": 0.7, "two": 0.6}, "phases": {"two": 0.4}},
    },
    "one_way": {"bath": "common", "order": ["one", "two"]},
    "sweep": swept("modes.one.frequency", -0.15),
}
CIRCUIT: dict[str, Any] = {
    "machine": "optomechanics",
    "hopping_MHz": 0.9,
    "loss_1_MHz": 2.0,
    "loss_2_MHz": 1.5,
    "detuning_1_MHz": 6.0,
    "detuning_2_MHz": 5.0,
    "mechanical_frequency_MHz": 5.5,
    "mechanical_damping_Hz": 100.0,
    "drive_frequency_GHz": 4.994,
    "occupation_1": 0.02,
    "occupation_2": 0.03,
    "occupation_m": 1.1,
    "sweep": swept("hopping_MHz", 0.9),
}
DRIVES = {
    "single_photon_coupling_1_Hz": 100.0,
    "single_photon_coupling_2_Hz": 150.0,
    "power_1_pW": 1.8,
    "power_2_pW": 1.1,
    "phase": 0.4,
    "external_share_1": 0.8,
    "external_share_2": 0.7,
}
DEVICE: dict[str, Any] = {
    "hopping": 0.9 * MHZ,
    "loss_1": 2.0 * MHZ,
    "loss_2": 1.5 * MHZ,
    "detuning_1": 6.0 * MHZ,
    "detuning_2": 5.0 * MHZ,
    "mechanical_frequency": 5.5 * MHZ,
    "mechanical_damping": 1e-4 * MHZ,
    "drive_frequency": 4994 * MHZ,
    "occupation_1": 0.02,
    "occupation_2": 0.03,
    "occupation_m": 1.1,
}
RESERVOIRS: dict[str, Any] = {
    "machine": "reservoirs",
    "gas": "exact",
    "levels": [1.0, 1.3],
    "reservoirs": {
        "hot": {"temperature": 0.12, "chemical_potential": 1.1, "rate": 2e-4, "exponent": 1.2, "size": 3.0},
        "cold": {"temperature": 0.1, "chemical_potential": 1.0, "rate": 3e-4, "exponent": 1.7, "size": 5.0},
    },
    "sweep": swept("reservoirs.hot.temperature", 0.12),
}
HOT, COLD = Reservoir(0.12, 1.1, 2e-4, 1.2, 3.0), Reservoir(0.1, 1.0, 3e-4, 1.7, 5.0)
TERMINALS: dict[str, Any] = {
    "machine": "terminals",
    "statistics": "bosons",
    "terminals": {
        "cool": {"temperature": 0.8, "chemical_potential": -0.3},
        "warm": {"temperature": 1.0},
        "odd": {"occupations": [[0.4, 0.7], [0.9, 0.2]]},
    },
    "channels": [
        {"between": ["warm", "cool"], "level": 1.5, "width": 0.02, "peak": 0.9, "shape": "box", "lift": 0.4},
        {"between": ["odd", "warm"], "level": 0.6, "width": 0.03, "peak": 0.8, "shape": "lorentzian", "lift": -0.1},
        {"between": ["odd", "cool"], "transmission": [[0.5, 0], [0.8, 0.6]], "lift": 0.2},
    ],
    "cold": "cool",
    "environment": "warm",
    "band": [0.3, 2.5],
    "sweep": swept("terminals.cool.temperature", 0.8),
}
PARTICLES: dict[str, Any] = {
    "machine": "particle-network",
    "baths": {"cold": {"temperature_K": 100}},
    "particles": {"one": {"bath": "cold"}, "two": {"bath": "cold"}},
    "pulls": [{"pulled": "one", "towards": "two", "strength_eV_per_A2": 0.02}],
    "sweep": swept("baths.cold.temperature_K", 100),
}
MADE: list[tuple[dict[str, Any], Any]] = [
    (
        {
            "machine": "n-demon",
            "levels_hot": [1.0, 2.0],
            "levels_cold": [1.5, 1.25],
            "temperature_hot": 1.1,
            "temperature_cold": 0.8,
            "chemical_potential": 0.9,
            "width": 2e-3,
            "drive": 0.6,
            "sweep": swept("drive", 0.6),
        },
        NDemon((1.0, 2.0), (1.5, 1.25), 1.1, 0.8, 0.9, 2e-3, 0.6),
    ),
    (RESERVOIRS, FermiReservoirs((1.0, 1.3), (HOT, COLD), Exact())),
    (
        TERMINALS,
        Landauer(
            terminals=(
                Terminal("cool", Equilibrium(0.8, -0.3, "bosons")),
                Terminal("warm", Equilibrium(1.0, 0.0, "bosons")),
                Terminal("odd", Steps((0.4, 0.9), (0.7, 0.2))),
            ),
            channels=(
                Channel((1, 0), 1.5, 0.02, 0.9, "box", 0.4),
                Channel((2, 1), 0.6, 0.03, 0.8, "lorentzian", -0.1),
                Channel((2, 0), 0.0, 1.0, shape="table", lift=0.2, table=((0.5, 0.0), (0.8, 0.6))),
            ),
            statistics="bosons",
            environment=1,
            cold=0,
            hot=1,
            band=(0.3, 2.5),
        ),
    ),
    (
        CIRCUIT | {"coupling_1_kHz": 7.0, "coupling_2_kHz": 5.0, "phase": 0.0},
        Optomechanics(coupling_1=7e-3 * MHZ, coupling_2=5e-3 * MHZ, phase=0.0, **DEVICE),
    ),
    (
        CIRCUIT | {"coupling_1_kHz": 7.0, "coupling_2_kHz": 5.0},
        Optomechanics(coupling_1=7e-3 * MHZ, coupling_2=5e-3 * MHZ, phase=math.pi / 2, **DEVICE),
    ),
    (
        CIRCUIT | {"drives": DRIVES},
        DrivenCircuit(
            single_photon_coupling_1=1e-4 * MHZ,
            single_photon_coupling_2=1.5e-4 * MHZ,
            drive_1=math.sqrt(0.8 * 2.0 * MHZ * 1.8e-12 / (hbar * 4994 * MHZ)),
            drive_2=math.sqrt(0.7 * 1.5 * MHZ * 1.1e-12 / (hbar * 4994 * MHZ)),
            drive_phase_2=0.4,
            **DEVICE,
        ),
    ),
]


@pytest.mark.parametrize(("content", "machine"), MADE, ids=[content["machine"] for content, _ in MADE])
def test_every_field_reaches_the_machine(content: dict[str, Any], machine: Any, tmp_path: Path) -> None:
    """In its unit and at its place: no value is a default or there twice, and the machine has all of them."""
    own = study(tmp_path, content).own.build()
    assert type(own) is type(machine)
    for name, value in vars(machine).items():
        if isinstance(value, float):
            assert getattr(own, name) == pytest.approx(value, rel=1e-12), name
        elif isinstance(value, Exact):
            assert isinstance(getattr(own, name), Exact)
        elif not isinstance(value, np.ndarray):
            assert getattr(own, name) == value, name


def test_a_cascade_is_the_network_that_it_describes(tmp_path: Path) -> None:
    """With detuning, phase and hopping: matrices, occupations, flows and rectifications under the names of either study."""
    cascade, network = (study(tmp_path, content).own for content in (CASCADED, NETWORK))
    one, other = cascade.build(), network.build()
    assert isinstance(one, CascadedOscillators)
    assert isinstance(other, LinearBosons)
    assert (one.detuning, one.phase, one.hopping) == (0.3, 0.4, 0.15 - 0.05j)
    np.testing.assert_allclose(other.hamiltonian, one.hamiltonian)
    np.testing.assert_allclose(other.couplings, one.couplings)
    found, named = cascade.solve().quantities, network.solve().quantities
    names = {"first": "1", "second": "2", "common": "3", "one": "1", "two": "2"}
    for name, value in named.items():
        assert found["_".join(names.get(part, part) for part in name.split("_"))] == pytest.approx(value, rel=1e-9), (
            name
        )
    assert len(found) == len(named) == 2 + 6 + 3
    occupations = one.occupations()
    assert [named["occupation_of_one"], named["occupation_of_two"]] == pytest.approx(list(occupations))


def test_one_way_transfer_passes_from_the_first_mode_to_the_second(tmp_path: Path) -> None:
    """Without further hopping the rectification is 1, and -1 in the other order."""
    bare = NETWORK | {"hops": []}
    for order, rectification in ((["one", "two"], 1.0), (["two", "one"], -1.0)):
        found = study(tmp_path, bare | {"one_way": {"bath": "common", "order": order}}).own.solve().quantities
        assert found["rectification_first_second"] == pytest.approx(rectification)


def test_a_hopping_may_be_as_weak_as_rounding(tmp_path: Path) -> None:
    """Two modes of loss rate κ = 1 pass 2J² (N - N') quanta through a weak hopping J; what has no flow has no rectification."""
    bare = {key: value for key, value in NETWORK.items() if key not in ("one_way", "hops")} | {
        "modes": {"one": None, "two": None},
        "baths": {f"bath{n}": {"occupation": n, "rates": {mode: 1}} for n, mode in ((3, "one"), (1, "two"))},
    }
    for strength in (0.0, 1e-9, 1e-6, 1e-3):
        content = bare | {
            "hops": [{"between": ["one", "two"], "strength": strength}],
            "sweep": swept("hops.0.strength", strength),
        }
        solved = study(tmp_path, content).own.solve()
        passed = 4 * strength**2
        assert solved.currents.energy == pytest.approx([-passed, passed], rel=1e-5, abs=1e-30)
        assert solved.quantities.get("rectification_bath3_bath1", 0.0) == pytest.approx(0, abs=1e-9)
        assert ("rectification_bath3_bath1" in solved.quantities) == (strength > 1e-7)


def test_pairs_between_the_same_modes_are_added(tmp_path: Path) -> None:
    """Two of them are one of their sum; pairs within a mode lower its decay, half of its loss rate, by their strength."""
    content = {
        "machine": "network",
        "modes": {"a": None},
        "pairs": [{"between": ["a", "a"], "strength": 0.05}, {"between": ["a", "a"], "strength": 0.15}],
        "baths": {"warm": {"occupation": 3, "rates": {"a": 0.4}}, "cool": {"occupation": 0.5, "rates": {"a": 1.1}}},
        "sweep": swept("pairs.0.strength", 0.05),
    }
    assert study(tmp_path, content).own.solve().quantities["decay_of_slowest"] == pytest.approx(1.5 / 2 - 0.2)


def test_powers_of_the_drives_are_balanced(tmp_path: Path) -> None:
    """On the fluctuations all of it is heat of the baths; the mean fields take a quantum for each photon lost."""
    solved = study(tmp_path, CIRCUIT | {"drives": DRIVES}).own.solve()
    found = solved.quantities
    assert found["drive_power_W"] == pytest.approx(solved.currents.energy.sum(), rel=1e-6, abs=0)
    lost = MHZ * (2.0 * found["photons_1"] + 1.5 * found["photons_2"])
    assert found["coherent_power_W"] == pytest.approx(h * 4.994e9 * lost, rel=1e-6, abs=0)
    drives = [math.sqrt(share * loss * power) for share, loss, power in ((0.8, 2, 1.8), (0.7, 1.5, 1.1))]
    detunings = np.array([6.0, 5.0]) + 1e-3 * np.array([found["shift_1_kHz"], found["shift_2_kHz"]])
    matrix = np.diag(np.array([2.0, 1.5]) / 2 + 1j * detunings) + 0.9j * np.array([[0, 1], [1, 0]])
    first, second = np.linalg.solve(matrix, [drives[0], drives[1] * np.exp(0.4j)])
    assert found["phase"] == pytest.approx(np.angle(second / first), abs=1e-6)


def test_of_several_branches_the_stable_one_is_solved(tmp_path: Path) -> None:
    """Which has the fewest photons: those of the first cavity alone, by the cubic equation of its displacement."""
    drives = DRIVES | {"power_1_pW": 5e4, "power_2_pW": 0.0}
    content = CIRCUIT | {"drives": drives, "hopping_MHz": 0.01, "mechanical_damping_Hz": 1e5}
    found = study(tmp_path, content).own.solve().quantities
    assert found["branches"] == 3
    driven = 0.8 * 2.0 * MHZ * 5e-8 / (hbar * 4994 * MHZ)
    # n (κ²/4 + (Δ - s n)²) = |E|² with s = 2 g²/ω_m
    shift = 2 * 1e-8 * MHZ / 5.5
    cubic = [shift**2, -2 * 6.0 * MHZ * shift, (1.0 * MHZ) ** 2 + (6.0 * MHZ) ** 2, -driven]
    photons = sorted(np.roots(cubic).real)
    assert found["photons_1"] == pytest.approx(photons[0], rel=1e-3)


def test_particles_have_their_own_numbers(tmp_path: Path) -> None:
    """Each its bath, mass, friction and trap; pulls between the same two are added, and heats are of the baths by name."""
    particles = {
        "one": {"bath": "cold", "mass_u": 9000, "friction_kg_per_s": 2e-12, "trap_eV_per_A2": 0.012},
        "two": {"bath": "hot", "mass_u": 8000, "friction_kg_per_s": 4e-12, "trap_eV_per_A2": 0.009},
        "three": {"bath": "cold"},
    }
    pulls = [("one", "two", 0.02), ("one", "two", 0.03), ("two", "three", 0.01)]
    content = {
        "machine": "particle-network",
        "baths": {"cold": {"temperature_K": 100}, "hot": {"temperature_K": 120}},
        "particles": particles,
        "pulls": [{"pulled": on, "towards": to, "strength_eV_per_A2": strength} for on, to, strength in pulls],
        "evolution": {"duration": 40, "points": 20, "spacing": "logarithmic"},
        "sweep": swept("pulls.0.strength_eV_per_A2", 0.02),
    }
    own = study(tmp_path, content).own
    expected = NonreciprocalNetwork(
        couplings=np.array([[0, 0.05, 0], [0, 0, 0.01], [0, 0, 0]]),
        mass=np.array([9000, 8000, 186 * 63.546]) * 1.66053907e-27 * 1e4 / 1.602176634e-19,
        friction=np.array([2e-12, 4e-12, 3.5e-12]) / 1.602176634e-11,
        trap=[0.012, 0.009, 0.01],
        temperature=[100, 120],
        bath=[0, 1, 0],
    )
    solved, course = own.solve(), own.course()
    assert tuple(solved.currents.baths) == ("cold", "hot")
    assert solved.currents.energy == pytest.approx(1e3 * expected.bath_currents().energy, rel=1e-6)
    assert course is not None
    assert course.logarithmic
    work = course.series["work on particle, eV/ns"]
    assert [work[name][-1] == 0 for name in particles] == [False, False, True]
    wrong = content | {
        "baths": content["baths"] | {"empty": {"temperature_K": 1}},  # type: ignore[operator]
        "particles": particles | {"three": {"bath": "lost"}},
        "pulls": [{"pulled": "one", "towards": on, "strength_eV_per_A2": 0.1} for on in ("one", "four")],
    }
    assert problems(tmp_path, wrong) == [
        "pulls.1.towards = four: is none of the particles one, two, three; pulls.0: one is pulled towards itself; "
        "particles.three.bath = lost: is none of the baths cold, hot, empty; baths.empty: no particle is in it; remove it"
    ]


@pytest.mark.parametrize("rates", [False, True])
def test_levels_from_sites_have_the_gas_and_the_hops_of_the_study(rates: bool, tmp_path: Path) -> None:
    """Hops between the same sites are added, ±J; rates of its own, or those of the reservoirs, and the exact gas."""
    own = RESERVOIRS["reservoirs"]
    if rates:
        each = {name: own[name] | {"rates": [1e-3, 2e-3]} for name in own}
        machine = study(tmp_path, RESERVOIRS | {"reservoirs": each}).own.build()
        assert isinstance(machine, FermiReservoirs)
        assert machine.rate_matrix == ((1e-3, 2e-3), (1e-3, 2e-3))
    else:
        sites = {name: own[name] | {"touches": {site: 1.0}} for name, site in (("hot", "a"), ("cold", "b"))}
        hops = [{"between": pair, "strength": 0.1} for pair in (["a", "b"], ["b", "a"])]
        content = RESERVOIRS | {"sites": {"a": 1.2, "b": 1.2}, "hops": hops, "reservoirs": sites}
        del content["levels"]
        machine = study(tmp_path, content).own.build()
        assert isinstance(machine, FermiReservoirs)
        assert machine.levels == pytest.approx((1.0, 1.4))
    assert isinstance(machine.gas, Exact)
    assert machine.reservoirs == (HOT, COLD)


def test_empty_levels_fill_from_the_reservoirs_at_first(tmp_path: Path) -> None:
    """With initial occupations of 0 a reservoir loses Σ γ f(ω) (ω - μ) at the start; times are as many as the study says."""
    each = {name: fields | {"rates": [1e-3, 2e-3]} for name, fields in RESERVOIRS["reservoirs"].items()}
    content = RESERVOIRS | {"reservoirs": each, "evolution": {"duration": 10, "points": 37, "levels_start": [0.0, 0.0]}}
    assert study(tmp_path, content).has_course
    for bare in (RESERVOIRS, NETWORK, PARTICLES):
        without = study(tmp_path, bare)
        assert not without.has_course
        assert without.own.course() is None
    course = study(tmp_path, content).own.course()
    assert course is not None
    heat = course.series["heat into the reservoir per time"]
    for name, temperature, potential in (("hot", 0.12, 1.1), ("cold", 0.1, 1.0)):
        lost = sum(
            rate * (level - potential) / (math.exp((level - potential) / temperature) + 1)
            for rate, level in ((1e-3, 1.0), (2e-3, 1.3))
        )
        assert heat[name][0] == pytest.approx(-lost, rel=1e-6)
    assert (len(course.time), course.time_unit, course.logarithmic) == (38, "inverse unit of energy", True)


def test_the_largest_drive_of_the_demon_is_the_last_that_it_has(tmp_path: Path) -> None:
    """Just below it there is a machine; just above it an occupation lies outside of 0 … 1."""
    content, _ = MADE[0]
    largest = study(tmp_path, content).own.solve().quantities["largest_drive"]
    found = study(tmp_path, content | {"sweep": swept("drive", 0.999 * largest, 1.001 * largest)})
    table = sweep_table(found.sweep_points(), "drive")
    assert table["note"].iloc[0] == ""
    assert "outside 0 … 1" in table["note"].iloc[1]


def test_terminals_of_a_demon_may_be_isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then no terminal gains particles, otherwise only all together; where no cooling is possible it says so."""
    content = {
        "machine": "terminals",
        "units": "meV",
        "terminals": {"cold": {"temperature": 8.0}, "hot": {"temperature": 10.0}, "demon": None},
        "channels": [{"between": ["cold", "demon"], "level": level} for level in (1.5, 1.2, 0.4)]
        + [{"between": ["hot", "demon"], "level": level} for level in (1.0, 2.0, 0.5)],
        "cold": "cold",
        "environment": "hot",
        "demon": {"share_of_largest_cooling": 0.5, "isolated": True},
        "sweep": swept("terminals.cold.temperature", 8.0),
    }
    own = study(tmp_path, content).own
    thermal = [terminal.occupation for terminal in own.build().terminals[:2]]  # type: ignore[attr-defined]
    assert [occupation.temperature for occupation in thermal] == pytest.approx([8 * 0.08617333, 10 * 0.08617333])
    found = own.solve()
    particles = found.currents.particles
    assert particles is not None
    scale = np.abs(found.currents.energy).max() / 1.6e-22  # rate of quanta of 1 meV
    assert np.abs(particles).max() < 1e-6 * scale
    assert found.currents.unit == "W"
    shared = study(tmp_path, content | {"demon": {"share_of_largest_cooling": 0.5}}).own.solve().currents.particles
    assert shared is not None
    assert np.abs(shared).max() > 1e-3 * scale
    assert {f"demon_at_{level:g}" for level in (1.5, 1.2, 0.4, 1.0, 2.0, 0.5)} <= set(found.quantities)
    lone = content | {"channels": [{"between": [name, "demon"], "level": 1.5} for name in ("cold", "hot")]}
    with pytest.raises(ValueError, match="demon: its levels allow no cooling"):
        study(tmp_path, lone).own.solve()
    for most, said in ((0.0, "allow no cooling"), (math.inf, "allow any cooling, of which no share is known")):
        monkeypatch.setattr("simulation.study.machines.terminals.largest_cooling", lambda *_, most=most, **__: most)
        with pytest.raises(ValueError, match=f"demon: its levels {said}"):
            own.solve()


def test_a_demon_that_cannot_be_is_refused_before_the_sweep(tmp_path: Path) -> None:
    """Its channels are narrow without lift, at least one leads to it, and it is not what is cooled; all told at once."""

    def channel(between: list[str], **fields: Any) -> dict[str, Any]:
        return {"between": between, "level": 1.0, **fields}

    content = {
        "machine": "terminals",
        "terminals": {"warm": {"temperature": 1.0}, "cool": {"temperature": 0.5}, "demon": None},
        "channels": [
            channel(["warm", "demon"], shape="box"),
            channel(["demon", "warm"], lift=-0.2),
            channel(["cool", "cool"]),
        ],
        "cold": "demon",
        "environment": "warm",
        "demon": {"share_of_largest_cooling": 0.5},
        "sweep": swept("demon.share_of_largest_cooling", 0.5),
    }
    (said,) = problems(tmp_path, content)
    assert said.split("; ") == [
        "channels.2.between: names cool twice",
        "channels.0.shape = box: channels of the demon are narrow",
        "channels.1.lift = -0.2: channels of the demon have none",
        "cold = demon: is the terminal of the demon",
        "give another one",
    ]
    alone = content | {"channels": [channel(["warm", "cool"])], "cold": "cool"}
    assert problems(tmp_path, alone) == ["demon: no channel leads to the terminal demon"]
    boxed = alone | {"channels": [channel(["warm", "cool"], shape="box"), channel(["cool", "demon"])]}
    assert study(tmp_path, boxed).own.build() is not None


def test_a_terminal_with_a_transmission_has_no_width(tmp_path: Path) -> None:
    """Fields of a level do not go with a table; environment and demon are told by name."""
    table = TERMINALS | {"channels": [TERMINALS["channels"][2] | {"width": 0.1}], "environment": "nowhere"}
    (said,) = problems(tmp_path, table)
    assert "channels.0.width = 0.1: does not go with transmission; remove one of them" in said
    assert "environment = nowhere: is none of the terminals cool, warm, odd" in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"baths": NETWORK["baths"] | {"second": {"occupation": 1, "rates": {"two": 1}, "phases": {"one": 0.1}}}},
            "baths.second.phases = one: has no rate there",
        ),
        (
            {"one_way": {"bath": "nowhere", "order": ["one", "two"]}},
            "one_way.bath = nowhere: is none of the baths first,",
        ),
        (
            {"one_way": {"bath": "common", "order": ["one", "two", "one"]}},
            "one_way.order = one, two, one: name each mode of that bath once",
        ),
        ({"one_way": {"bath": "common", "order": ["one", "one"]}}, "one_way.order = one, one: name each mode of that"),
        (
            {"baths": NETWORK["baths"] | {"common": {"occupation": 1, "rates": {}}}},
            "one_way.order = one, two: name each mode of that bath once",
        ),
        (
            {"modes": NETWORK["modes"] | {"three": {"frequency": 0.3}}},
            "couplings of the modes to the baths: one normal mode is coupled to no bath and never relaxes; give it a loss",
        ),
    ],
)
def test_networks_that_do_not_fit_are_refused(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    """By the place of the wrong name."""
    assert said in problems(tmp_path, NETWORK | changes)[0]


# --- the sweep --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"values": [1], "first": 1}, "give either 'values', or 'first', 'last' and 'points'"),
        ({"first": 1, "last": 2}, "points missing"),
        ({"values": [1, 2], "spacing": "logarithmic"}, "spacing: logarithmic needs 'first' and 'last' of one sign"),
        ({"first": 0, "last": 2, "points": 3, "spacing": "logarithmic"}, "neither of them 0"),
    ],
)
def test_values_are_given_in_one_way(given: dict[str, Any], said: str) -> None:
    """As a list, or by both ends and their number; a logarithm has no zero and no list."""
    with pytest.raises(ValidationError, match=said):
        Values(parameter="drive", **given)


def test_ranges_keep_twelve_digits_in_either_direction() -> None:
    """A falling range passes through 0, too."""
    assert Values(parameter="x", first=0.3, last=-0.3, points=7).numbers() == [0.3, 0.2, 0.1, 0, -0.1, -0.2, -0.3]
    assert Values(parameter="x", first=0.123456789, last=1.123456789, points=2).numbers() == [0.123456789, 1.123456789]


SWEPT = MADE[0][0]


def test_wrong_values_of_a_sweep_are_told_at_the_first_of_them(tmp_path: Path) -> None:
    """Three at most, with both parameters; a problem at all values is told once, and without a place."""
    hot = swept("temperature_cold", 0.5, 2, 3, 4, 5, 6)
    lines = swept("drive", 0.1, 0.2)
    found = problems(tmp_path, SWEPT | {"sweep": hot, "lines": lines})
    assert len(found) == 4
    for value, problem in zip((2, 3, 4), found, strict=False):
        assert problem.startswith(
            f"at drive = 0.1 and temperature_cold = {value}: temperature_cold = {value}.0: must not"
        )
    assert found[3] == "and 2 more of the kind at other values of the sweep: shorten it"
    (alike,) = problems(tmp_path, SWEPT | {"levels_cold": [1.5, 1.5], "sweep": swept("temperature_cold", 0.5, 0.6)})
    assert alike.startswith("width = 0.002: resonances overlap")
    (one,) = problems(tmp_path, SWEPT | {"sweep": swept("temperature_cold", 0.5, 2)})
    assert one.startswith("at temperature_cold = 2: ")


def test_what_a_sweep_leaves_out_has_its_first_value(tmp_path: Path) -> None:
    """Also within a section, and that of the lines; parameters are told in this order, sweep before lines."""
    content = {key: value for key, value in SWEPT.items() if key not in ("drive", "temperature_cold")}
    found = study(tmp_path, content | {"sweep": swept("temperature_cold", 0.7, 0.8), "lines": swept("drive", 0.2, 0.3)})
    assert found.parameters == ("temperature_cold", "drive")
    own: Any = found.own
    assert (own.temperature_cold, own.drive) == (0.7, 0.2)
    assert [(line, value, fields.drive) for line, value, fields in found.points] == [  # type: ignore[attr-defined]
        (line, value, line) for line in (0.2, 0.3) for value in (0.7, 0.8)
    ]
    hops = [{"between": ["one", "two"]}]
    nested: Any = study(tmp_path, NETWORK | {"hops": hops, "sweep": swept("hops.0.strength", 0.3, 0.4)}).own
    assert nested.hops[0].strength == 0.3


def test_settings_are_the_study_with_its_defaults(tmp_path: Path) -> None:
    """As YAML in the order of the fields, without empty ones; read again, they are the same study."""
    found = study(tmp_path, NETWORK)
    assert found.settings.startswith("machine: network\n")
    assert "null" not in found.settings
    again = study(tmp_path, found.settings)
    assert again.own == found.own
    assert study(tmp_path, NETWORK | {"frequency_GHz": None, "lines": None, "evolution": None}).own == found.own
    # A field left blank has its default, also where that is a number.
    blank: Any = study(tmp_path, SWEPT | {"width": None, "units": None}).own
    assert (blank.width, blank.units) == (1e-3, "reduced")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lines": swept("drive", 0.1), "sweep": swept("drive", 0.2)}, "lines.parameter = 'drive': used by the sweep"),
        (
            {"lines": swept("levels_hot.2", 0.1)},
            "lines.parameter = 'levels_hot.2': 2 is not an index of its 2 entries",
        ),
        ({"sweep": {"values": [1]}}, "sweep.parameter is missing"),
        (
            {"sweep": swept("hue", 1)},
            "sweep.parameter = 'hue': give one of units, levels_hot, levels_cold, temperature_hot, temperature_cold, "
            "chemical_potential, width, drive, or a part of one",
        ),
    ],
)
def test_sweeps_that_cannot_be_are_refused(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    """By section and parameter."""
    assert any(problem.startswith(said) for problem in problems(tmp_path, SWEPT | changes))


def test_keys_given_twice_are_told_beside_other_problems(tmp_path: Path) -> None:
    """Of a machine that is known, and of one that is not."""
    text = yaml.safe_dump(SWEPT | {"colour": "red"}, sort_keys=False)
    twice = "mine.yaml, line {}: 'drive' was already given on line "
    found = problems(tmp_path, f"{text}drive: 0.3\n")
    assert found[0].startswith(twice.format(text.count("\n") + 1))
    assert any("colour is not a known field" in problem for problem in found[1:])
    found = problems(tmp_path, f"{text}drive: 0.3\n".replace("n-demon", "perpetuum"))
    assert found[0].startswith(twice.format(text.count("\n") + 1))
    assert found[1].startswith("machine = 'perpetuum': give one of")


def test_a_bath_is_given_in_one_way() -> None:
    """By its occupation or by its temperature: with both there is neither."""
    fields = OptomechanicsFields(
        **{**CIRCUIT, "sweep": Values(parameter="hopping_MHz", values=(0.9,))},
        coupling_1_kHz=7,
        coupling_2_kHz=5,
        temperature_2_mK=8,
    )
    with pytest.raises(ValueError, match="give either occupation_2 or temperature_2_mK"):
        fields.build()
