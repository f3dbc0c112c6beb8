"""What studies of machines say besides their currents: devices under drives, courses in time, time scales, by closed forms."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from scipy.constants import h, hbar, k

from simulation.study.fields import StudyError
from simulation.study.machines.files import MachineStudy, load_machine_study
from simulation.study.machines.sections import Times


def study(folder: Path, content: dict[str, Any]) -> MachineStudy:
    """A study with that content."""
    (folder / "mine.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return load_machine_study("mine", folder)


def problems(folder: Path, content: dict[str, Any]) -> str:
    """What is wrong with it."""
    with pytest.raises(StudyError) as caught:
        study(folder, content)
    return "\n".join(caught.value.problems)


CIRCUIT: dict[str, Any] = {
    "machine": "optomechanics",
    "hopping_MHz": 0.9,
    "loss_1_MHz": 2,
    "loss_2_MHz": 1.5,
    "detuning_1_MHz": 6,
    "detuning_2_MHz": 5,
    "mechanical_frequency_MHz": 5.5,
    "mechanical_damping_Hz": 100,
    "drive_frequency_GHz": 4.994,
    "temperature_1_mK": 60,
    "temperature_2_mK": 80,
    "temperature_m_mK": 0.3,
    "sweep": {"parameter": "hopping_MHz", "values": [0.9]},
}
DRIVES = {
    "single_photon_coupling_1_Hz": 100,
    "single_photon_coupling_2_Hz": 150,
    "power_1_pW": 1.8,
    "power_2_pW": 1.1,
    "external_share_1": 0.8,
}
COUPLINGS = {"coupling_1_kHz": 7, "coupling_2_kHz": 5}


def test_drives_give_the_couplings_that_photons_make(tmp_path: Path) -> None:
    """|a|² of two driven cavities, G = g |a|, and shifts -2 g Σ g |a|²/ω_m by the push of their light on the resonator."""
    found = study(tmp_path, CIRCUIT | {"drives": DRIVES}).own.solve().quantities
    turn = 2 * math.pi
    drive = [
        math.sqrt(share * turn * loss * 1e6 * power * 1e-12 / (hbar * turn * 4.994e9))
        for share, loss, power in ((0.8, 2, 1.8), (1, 1.5, 1.1))
    ]
    shifts = np.array([found["shift_1_kHz"], found["shift_2_kHz"]])
    loss, detuning = turn * np.array([2e6, 1.5e6]), turn * (np.array([6e6, 5e6]) + 1e3 * shifts)
    matrix = np.diag(loss / 2 + 1j * detuning) + 1j * turn * 0.9e6 * np.array([[0, 1], [1, 0]])
    photons = np.abs(np.linalg.solve(matrix, drive)) ** 2
    assert [found["photons_1"], found["photons_2"]] == pytest.approx(photons, rel=1e-6)
    g = np.array([100.0, 150.0])
    assert [found["coupling_1_kHz"], found["coupling_2_kHz"]] == pytest.approx(1e-3 * g * np.sqrt(photons), rel=1e-6)
    assert shifts == pytest.approx(-1e-3 * 2 * g * (g @ photons) / 5.5e6, rel=1e-6)
    assert found["branches"] == 1
    assert found["decay_of_slowest_per_s"] > 0
    for name, frequency, kelvin in (("cavity_1", 5e9, 0.06), ("cavity_2", 4.999e9, 0.08), ("resonator", 5.5e6, 3e-4)):
        planck = 1 / math.expm1(h * frequency / (k * kelvin))
        assert found[f"occupation_of_bath_{name}"] == pytest.approx(planck, rel=1e-9)
    # Beyond the rotating wave the light heats the resonator a little.
    full, rotating = found["full_occupation_of_resonator"], found["occupation_of_resonator"]
    assert rotating < full < 1.5 * rotating
    plain = study(tmp_path, CIRCUIT | COUPLINGS).own.solve().quantities
    assert not {"photons_1", "shift_1_kHz", "branches"} & set(plain)


def test_light_without_pairs_is_needed_for_a_state_beyond_the_rotating_wave(tmp_path: Path) -> None:
    """Where pair creation is unstable, and only there, the occupations beyond it are not numbers."""
    weak, strong = (
        study(tmp_path, CIRCUIT | dict.fromkeys(COUPLINGS, kilohertz)).own.solve().quantities for kilohertz in (7, 3000)
    )
    for name in ("cavity_1", "cavity_2", "resonator"):
        assert math.isfinite(weak[f"full_occupation_of_{name}"])
        assert math.isnan(strong[f"full_occupation_of_{name}"])


@pytest.mark.parametrize("emitter", ["1", "2", "m"])
def test_flows_are_named_from_the_bath_that_emits(emitter: str, tmp_path: Path) -> None:
    """One quantum more in a bath raises what each other one gets by the flow from it to that one, in quanta per time."""
    occupations = {"occupation_1": 0.3, "occupation_2": 0.1, "occupation_m": 0.5}
    cold = {key: value for key, value in CIRCUIT.items() if not key.startswith("temperature")} | COUPLINGS
    before, after = (
        study(
            tmp_path, cold | occupations | {f"occupation_{emitter}": occupations[f"occupation_{emitter}"] + more}
        ).own.solve()
        for more in (0, 1)
    )
    names = {"1": "cavity_1", "2": "cavity_2", "m": "resonator"}
    frequencies = {"1": 5e9, "2": 4.999e9, "m": 5.5e6}
    for place, sink in enumerate(names):
        if sink != emitter:
            quanta = (after.currents.energy[place] - before.currents.energy[place]) / (h * frequencies[sink])
            # To the widths of the lines: not all quanta are of the frequency of their mode.
            assert quanta == pytest.approx(before.quantities[f"from_{names[emitter]}_to_{names[sink]}"], rel=5e-4)


def test_couplings_or_drives_are_given_and_not_both(tmp_path: Path) -> None:
    """By name; and a cavity has a frequency above zero."""
    both = problems(tmp_path, CIRCUIT | {"coupling_1_kHz": 7, "phase": 0.1, "drives": DRIVES})
    assert "coupling_1_kHz, phase: follow from drives; remove one of both" in both
    assert "coupling_2_kHz missing: give both couplings, or drives" in problems(
        tmp_path, CIRCUIT | {"coupling_1_kHz": 7}
    )
    below = problems(tmp_path, CIRCUIT | COUPLINGS | {"detuning_2_MHz": -4994})
    assert "detuning_2_MHz = -4994: the cavity must have a positive frequency" in below
    assert "detuning_1_MHz" not in below


@pytest.mark.parametrize("spacing", ["linear", "logarithmic"])
def test_one_mode_fills_from_its_baths_exponentially(spacing: str, tmp_path: Path) -> None:
    """n(t) = n∞ (1 - exp(-Γt)) with Γ = Σκ and n∞ = Σκ N/Γ; a bath with N gets κ (n - N) quanta per time."""
    content = {
        "machine": "network",
        "modes": {"a": None},
        "baths": {"warm": {"occupation": 3, "rates": {"a": 0.4}}, "cool": {"occupation": 0.5, "rates": {"a": 1.1}}},
        "evolution": {"duration": 4, "points": 50, "spacing": spacing},
        "sweep": {"parameter": "baths.warm.occupation", "values": [3]},
    }
    course = study(tmp_path, content).own.course()
    assert course is not None
    assert (course.time[0], course.time[-1], len(course.time)) == (0, pytest.approx(4), 50)
    assert course.logarithmic == (spacing == "logarithmic")
    assert course.time[1] == pytest.approx(4 / 49 if spacing == "linear" else 4e-6)
    assert Times(duration=4, points=2, spacing=spacing).times() == pytest.approx([0, 4])  # type: ignore[arg-type]
    filled = (0.4 * 3 + 1.1 * 0.5) / 1.5 * -np.expm1(-1.5 * course.time)
    assert course.series["occupation of mode"]["a"] == pytest.approx(filled, abs=1e-9)
    flows = course.series["quanta into bath per time"]
    assert flows["warm"] == pytest.approx(0.4 * (filled - 3), abs=1e-9)
    assert flows["cool"] == pytest.approx(1.1 * (filled - 0.5), abs=1e-9)


def test_particles_go_from_equilibrium_to_their_steady_state(tmp_path: Path) -> None:
    """In eV/ns: when the forces begin nothing flows, at last what the steady state has; heat is work less what is stored."""
    pulls = [
        {"pulled": "one", "towards": "two", "strength_eV_per_A2": 0.1},
        {"pulled": "two", "towards": "one", "strength_eV_per_A2": 0.48},
    ]
    content = {
        "machine": "particle-network",
        "baths": {"cold": {"temperature_K": 100}, "hot": {"temperature_K": 120}},
        "particles": {"one": {"bath": "cold"}, "two": {"bath": "hot"}},
        "pulls": pulls,
        "evolution": {"duration": 400, "points": 2000},
        "sweep": {"parameter": "pulls.1.strength_eV_per_A2", "values": [0.48]},
    }
    own = study(tmp_path, content).own
    course, solved = own.course(), own.solve()
    assert course is not None
    heat, work, kelvin = (
        course.series[name]
        for name in ("heat into bath, eV/ns", "work on particle, eV/ns", "temperature of particle, K")
    )
    steady = dict(zip(("cold", "hot"), solved.currents.energy, strict=True))
    for particle, bath, start in (("one", "cold", 100), ("two", "hot", 120)):
        assert heat[bath][0] == pytest.approx(0, abs=1e-9)
        assert kelvin[particle][0] == pytest.approx(start)
        assert heat[bath][-1] == pytest.approx(steady[bath], rel=1e-4)
        assert work[particle][-1] == pytest.approx(steady[bath], rel=1e-4)
        assert kelvin[particle][-1] == pytest.approx(solved.quantities[f"particle_temperature_{particle}_K"], rel=1e-4)
    assert (course.time[0], course.time[-1], course.logarithmic) == (0, 400, False)
    # A particle at T loses 2γ/m · k_B (T - T_bath)/2 to its bath.
    mass, friction = 186 * 63.546 * 1.66053907e-27, 3.5e-12
    for particle, bath, start in (("one", "cold", 100), ("two", "hot", 120)):
        lost = friction / mass * k * (kelvin[particle] - start) / 1.602176634e-19 * 1e-9
        assert heat[bath] == pytest.approx(lost, rel=1e-6, abs=1e-9)


RESERVOIRS: dict[str, Any] = {
    "machine": "reservoirs",
    "levels": [1.0, 1.3],
    "reservoirs": {
        "hot": {"temperature": 0.12, "chemical_potential": 1.1, "rates": [1e-3, 2e-3]},
        "cold": {"temperature": 0.1, "chemical_potential": 1.0, "rates": [3e-3, 0.5e-3]},
    },
    "sweep": {"parameter": "reservoirs.hot.temperature", "values": [0.12]},
}


def test_time_scales_are_of_the_slowest_level_and_of_the_reservoirs(tmp_path: Path) -> None:
    """τ_S = 1/Σγ of the second level; larger reservoirs take longer in proportion, and the levels do not."""
    one = study(tmp_path, RESERVOIRS).own.solve().quantities
    assert one["time_of_levels"] == pytest.approx(1 / 2.5e-3)
    large = {name: each | {"size": 3.0} for name, each in RESERVOIRS["reservoirs"].items()}
    three = study(tmp_path, RESERVOIRS | {"reservoirs": large}).own.solve().quantities
    assert three["time_of_levels"] == pytest.approx(1 / 2.5e-3)
    assert three["time_of_reservoirs"] == pytest.approx(3 * one["time_of_reservoirs"], rel=1e-4)


def test_reservoirs_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """Levels or sites, with what belongs to them, by name; all at once."""
    half = {"hot": RESERVOIRS["reservoirs"]["hot"], "cold": {"temperature": 0.1, "chemical_potential": 1.0}}
    assert "rates: given for hot; give them for all reservoirs or for none" in problems(
        tmp_path, RESERVOIRS | {"reservoirs": half}
    )
    short = RESERVOIRS["reservoirs"] | {"hot": RESERVOIRS["reservoirs"]["hot"] | {"rates": [1e-3]}}
    start = {"duration": 10, "levels_start": [0.5, 0.5, 0.5]}
    few = problems(tmp_path, RESERVOIRS | {"reservoirs": short, "evolution": start})
    assert "reservoirs.hot.rates = [0.001]: give 2 rates, one for each level" in few
    assert "reservoirs.cold.rates" not in few
    assert "evolution.levels_start = [0.5, 0.5, 0.5]: give 2 occupations, one for each level" in few
    hot = RESERVOIRS["reservoirs"] | {"hot": {"temperature": 0.5, "chemical_potential": 1.1, "rates": [1e-3, 2e-3]}}
    assert (
        "reservoirs.hot: chemical_potential/temperature = 2.2: gas sommerfeld is valid from 5 on; give gas: exact"
        in problems(tmp_path, RESERVOIRS | {"reservoirs": hot}).splitlines()
    )
    study(tmp_path, RESERVOIRS | {"reservoirs": hot, "gas": "exact"})
    sites = RESERVOIRS | {
        "sites": {"a": 1.0, "b": 1.3},
        "hops": [{"between": ["a", "a"], "strength": 0.1}, {"between": ["a", "z"], "strength": 0.1}],
    }
    assert "levels and sites: give one of them" in problems(tmp_path, sites)
    sites.pop("levels")
    sites["reservoirs"] = half | {"cold": half["cold"] | {"touches": {"y": 1}}}
    said = problems(tmp_path, sites)
    for problem in (
        "hops.0.between: names a twice",
        "hops.1.between = z: is none of the sites a, b",
        "reservoirs.cold.touches = y: is none of the sites a, b",
        "reservoirs.hot.rates: go with levels; with sites give touches",
        "reservoirs.hot.touches is missing: name its sites",
    ):
        assert problem in said
    assert "hops.1.between: names" not in said


def test_course_of_two_reservoirs_tells_what_drives_particles(tmp_path: Path) -> None:
    """(ω - μ)/T of one minus the other at each level, at the start from the file; heats are gained by the reservoirs."""
    course = study(tmp_path, RESERVOIRS | {"evolution": {"duration": 10}}).own.course()
    assert course is not None
    drives = course.series["(ω - μ)/T, hot minus cold"]
    for place, level in enumerate((1.0, 1.3)):
        assert drives[f"level {place}"][0] == pytest.approx((level - 1.1) / 0.12 - (level - 1.0) / 0.1, rel=1e-6)
    assert course.series["temperature"]["hot"][0] == pytest.approx(0.12)
    assert course.series["chemical potential"]["cold"][0] == pytest.approx(1.0)
    own = study(tmp_path, RESERVOIRS).own.solve().currents
    start = course.series["heat into the reservoir per time"]
    assert [start["hot"][0], start["cold"][0]] == pytest.approx(own.heat, rel=1e-4)
    assert len(course.time) == 401  # the start, and 400 later times
    assert course.time[-1] == pytest.approx(10)


@pytest.mark.parametrize(
    ("sweep", "said"),
    [
        ({"parameter": "levels.2", "values": [1]}, "2 is not an index of its 2 entries, which count from 0"),
        ({"parameter": "levels.x", "values": [1]}, "x is not an index of its 2 entries"),
        ({"parameter": "reservoirs.warm.temperature", "values": [1]}, "there is no warm in the file"),
        ({"parameter": "levels.0.deep", "values": [1]}, "there is no deep in what is a single value"),
        ({"parameter": "machine", "values": [1]}, "sweep.parameter = 'machine': give one of levels, "),
        ({"parameter": "lines.values.0", "values": [1]}, "sweep.parameter = 'lines.values.0': give one of levels, "),
        ({"parameter": "sweep.values.0", "values": [1]}, "sweep.parameter = 'sweep.values.0': give one of levels, "),
        ({"parameter": "gas", "first": 1, "last": 2, "points": 20_001}, "points"),
    ],
)
def test_swept_parameters_must_be_there(sweep: dict[str, Any], said: str, tmp_path: Path) -> None:
    """The last entry of a list can be swept; what is not there is told with what there is."""
    study(tmp_path, RESERVOIRS | {"sweep": {"parameter": "levels.1", "values": [1.2, 1.4]}})
    assert said in problems(tmp_path, RESERVOIRS | {"sweep": sweep})


def test_levels_of_the_demon_are_counted_from_one(tmp_path: Path) -> None:
    """As ε₁ to ε₄ in the fields; without a drive they are those of the reservoir beyond, by Fermi's function."""
    content = {
        "machine": "n-demon",
        "levels_hot": [1.0, 2.0],
        "levels_cold": [1.5, 1.25],
        "temperature_hot": 1.0,
        "temperature_cold": 0.8,
        "chemical_potential": 0.9,
        "sweep": {"parameter": "drive", "values": [1e-9]},
    }
    found = study(tmp_path, content).points[0][2].solve().quantities
    for number, level in enumerate((1.0, 2.0, 1.5, 1.25), 1):
        kelvin = 1.0 if number < 3 else 0.8
        assert found[f"occupation_at_level_{number}"] == pytest.approx(
            1 / (math.exp((level - 0.9) / kelvin) + 1), rel=1e-6
        )
    assert set(found) == {"largest_drive", *(f"occupation_at_level_{number}" for number in range(1, 5))}


def test_no_study_has_more_machines_than_can_be_solved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """20 000 in all: values of the sweep times lines. One more is refused before any is built."""
    sweep = {"parameter": "levels.0", "first": 1.0, "last": 1.1, "points": 2000}
    lines = {"parameter": "reservoirs.hot.temperature", "first": 0.1, "last": 0.2}
    for number in (11, 2000):
        said = problems(tmp_path, RESERVOIRS | {"sweep": sweep, "lines": lines | {"points": number}})
        assert f"sweep and lines have {2000 * number} points: give at most 20000" in said
    monkeypatch.setattr("simulation.study.machines.files.MOST_POINTS", 6)
    sweep["points"] = 3
    assert len(study(tmp_path, RESERVOIRS | {"sweep": sweep, "lines": lines | {"points": 2}}).points) == 6
    assert "have 9 points" in problems(tmp_path, RESERVOIRS | {"sweep": sweep, "lines": lines | {"points": 3}})


TERMINALS: dict[str, Any] = {
    "machine": "terminals",
    "terminals": {"cold": {"temperature": 0.8}, "hot": {"temperature": 1.0}, "demon": None},
    "channels": [{"between": ["cold", "demon"], "level": 1.5}, {"between": ["cold", "demon"], "level": 1.2}]
    + [{"between": ["hot", "demon"], "level": level} for level in (1.0, 2.0)],
    "cold": "cold",
    "environment": "hot",
    "demon": {"share_of_largest_cooling": 0.5},
    "sweep": {"parameter": "terminals.cold.temperature", "values": [0.8]},
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"terminals": {"cold": {"temperature": 0.8}, "hot": {"temperature": 1.0}, "demon": {"temperature": 1}}},
            "demon: 0 ",
        ),
        (
            {"terminals": TERMINALS["terminals"] | {"other": None}},
            "demon: 2 terminals have neither a temperature nor occup",
        ),
        ({"demon": None}, "terminals.demon: give a temperature or occupations, or the section demon"),
        ({"environment": "demon"}, "environment = demon: must have a temperature"),
        ({"cold": "cool"}, "cold = cool: is none of the terminals cold, hot, demon"),
        (
            {"terminals": TERMINALS["terminals"] | {"hot": {"temperature": 1, "occupations": [[1, 0.5]]}}},
            "terminals.hot: give either occupations, or a temperature and a chemical potential",
        ),
        (
            {"terminals": TERMINALS["terminals"] | {"hot": {"chemical_potential": 1, "occupations": [[1, 0.5]]}}},
            "terminals.hot: give either occupations, or a temperature and a chemical potential",
        ),
        (
            {"terminals": TERMINALS["terminals"] | {"demon": {"chemical_potential": 0.3}}},
            "terminals.demon.chemical_potential: needs a temperature; add it, or leave both out",
        ),
        (
            {"terminals": TERMINALS["terminals"] | {"demon": {"occupations": [[2, 0.1], [1, 0.3]]}}, "demon": None},
            "terminals.demon.occupations: energies = (2.0, 1.0): must be finite and ascending",
        ),
        (
            {"terminals": TERMINALS["terminals"] | {"demon": {"occupations": [[1, 0.1], [2, 1.25]]}}, "demon": None},
            "terminals.demon.occupations: 1.25 is above 1, the most that fermions can have",
        ),
        ({"band": [2, -1]}, "band = (2.0, -1.0): give two finite energies in ascending order"),
        ({"channels": [{"between": ["cold", "demon"]}]}, "channels.0: has neither a level nor a transmission"),
        (
            {"channels": [*TERMINALS["channels"], {"between": ["hot", "x"], "level": 1}]},
            "channels.4.between = x: is none of the terminals",
        ),
        (
            {"channels": [{"between": ["cold", "demon"], "transmission": [[1, 0], [2, 1]]}]},
            "channels.0.transmission: channels of the demon are narrow; give a level instead",
        ),
        (
            {"channels": [{"between": ["cold", "hot"], "transmission": [[1, 0], [2, 1]], "peak": 0.5}]},
            "channels.0.peak = 0.5: does not go with transmission; remove one of them",
        ),
    ],
)
def test_terminals_that_do_not_fit_are_refused(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    """One terminal, and one alone, is left to the section demon; names are those of terminals, each described once."""
    beside = {"between": ["cold", "hot"], "transmission": [[1, 0], [1.5, 0.1], [2, 0]]}
    for good in (TERMINALS, TERMINALS | {"channels": [*TERMINALS["channels"], beside]}):
        assert study(tmp_path, good).kind == "terminals"
    assert said in problems(tmp_path, {key: value for key, value in (TERMINALS | changes).items() if value is not None})


def test_terms_of_the_balance_are_told_under_their_names(tmp_path: Path) -> None:
    """By what one particle does: lifted from the cold terminal to the environment, or from there to one that is not thermal.

    The environment is warmer, at another chemical potential. Both channels are narrow and equally wide, so their rates are as
    the differences of the occupations.
    """
    cold, hot, level, lift, other, g = (0.8, 0.3), (1.0, 0.1), 1.5, 0.4, 0.9, 0.25
    content = TERMINALS | {
        "terminals": {
            "cold": {"temperature": cold[0], "chemical_potential": cold[1]},
            "hot": {"temperature": hot[0], "chemical_potential": hot[1]},
            "demon": {"occupations": [[other, g]]},
        },
        "channels": [
            {"between": ["cold", "hot"], "level": level, "lift": lift},
            {"between": ["hot", "demon"], "level": other},
        ],
    }
    del content["demon"]
    found = study(tmp_path, content).own.solve().quantities

    def fermi(energy: float, temperature: float, potential: float) -> float:
        return 1 / (math.exp((energy - potential) / temperature) + 1)

    lifted = -found["work_done"] / lift
    assert lifted != 0
    assert found["chemical_gain"] == pytest.approx(-lifted * (cold[1] - hot[1]))
    assert found["thermal_gain"] == pytest.approx(-lifted * (level - cold[1]) * (cold[0] - hot[0]) / cold[0])
    into_other = lifted * (fermi(other, *hot) - g) / (fermi(level, *cold) - fermi(level + lift, *hot))
    per_particle = other - hot[1] - hot[0] * math.log(1 / g - 1)
    assert found["free_energy_gain"] == pytest.approx(into_other * per_particle)
    terms = ("work_done", "chemical_gain", "thermal_gain", "free_energy_gain")
    assert found["dissipation"] == pytest.approx(-sum(found[name] for name in terms))
    assert found["dissipation"] > 0
