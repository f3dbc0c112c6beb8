"""Decks of the machine and its baths, read back side by side and axis by axis against the study."""

from __future__ import annotations

import math
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.constants import atomic_mass, bar, electron_volt, physical_constants

from simulation.experiments import decks, experiment_at, experiments
from simulation.experiments.base import Experiment, Piece
from simulation.study.fields import THERMOSTATS, Study
from simulation.study.files import check_study
from tests.unit.deck_reader import ALL_TYPES, Deck, some_world

# No number is a default, and none is there twice: one in the place of another shows.
DATA: dict[str, Any] = {
    "materials": {
        "fluid": {"mass_u": 41.0, "epsilon_eV": 0.011, "sigma_A": 3.3},
        "metal": {"mass_u": 61.0, "epsilon_eV": 0.42, "sigma_A": 2.4, "lattice_A": 3.7},
        "fluid_metal": {"epsilon_eV": 0.05, "sigma_A": 2.9},
        "cutoff_A": 8.1,
    },
    "baths": {
        "edge_nm": 5.3,
        "accessible_density_per_nm3": 19.0,
        "temperature_cold_K": 95.0,
        "temperature_hot_K": 125.0,
        "thermostat_damping_ps": 1.7,
    },
    "trap": {"stiffness_eV_per_A2": 0.013},
    "demon": {"coupling_cold_eV_per_A2": 0.07, "kappa_ratios": ["1.2", "4.80"], "coupling_axes": "xz"},
    "drag": {"forces_nN": ["0.3"]},
    "integration": {"timestep_fs": 4, "neighbour_skin_A": 0.9},
    "schedule": {
        "equilibration_ps": 40,
        "relaxation_ps": 48,
        "friction_ns": 0.08,
        "sweep_ns": 0.06,
        "sample_every_ps": 0.2,
        "trajectory_every_ps": 5,
        "segment_ps": 20,
    },
}
EDGE = 53.0
SIDES = ("cold", "hot")
FLUID = {"cold": frozenset({1}), "hot": frozenset({2})}
PARTICLE = {"cold": frozenset({3}), "hot": frozenset({4})}
SIDE = {"cold": frozenset({1, 3, 5}), "hot": frozenset({2, 4, 6})}
WALLS = frozenset({5, 6})
CENTRE = {"cold": (26.5, 26.5, 26.5), "hot": (79.5, 26.5, 26.5)}
TEMPERATURE = {"cold": 95.0, "hot": 125.0}
BOLTZMANN_BAR_A3 = physical_constants["Boltzmann constant"][0] / bar * 1e30


def study(name: str = "example", **sections: dict[str, Any]) -> Study:
    """A study with some fields replaced."""
    return check_study(name, DATA | {key: DATA.get(key, {}) | values for key, values in sections.items()})


def first_of(experiment: Experiment, stage: str) -> Piece:
    """The first segment of a stage."""
    return next(piece for piece in experiment.pieces() if piece.stage.name == stage)


@cache
def all_decks(thermostat: str = "nose-hoover") -> dict[str, Deck]:
    """Each kind of deck that a machine and its baths need."""
    chosen = study(baths={"thermostat": thermostat})
    baths, friction, point = (experiment_at(chosen, name, 1) for name in ("equilibrated", "friction", "kH_4.80"))
    found = {
        "building": baths.deck(first_of(baths, "building"), ""),
        "equilibrating": baths.deck(first_of(baths, "equilibrating"), "r"),
        "equilibrating on": baths.deck(baths.pieces()[-1], "r"),
        "standalone": point.standalone() or "",
        "standalone friction": friction.standalone() or "",
    }
    for name, run in (("friction", friction), ("point", point)):
        pieces = run.pieces()
        found |= {
            f"{name} relaxing": run.deck(pieces[0], "r"),
            f"{name} relaxing on": run.deck(pieces[1], "r"),
            f"{name} measuring": run.deck(first_of(run, "measuring"), "r"),
            f"{name} measuring on": run.deck(pieces[-1], "r"),
        }
    return {name: Deck(text) for name, text in found.items()}


RUNNING = [name for name in all_decks() if name != "building"]
"""Decks in which the baths are held at their temperatures."""
BUILDING = [name for name in all_decks() if name == "building" or name.startswith("standalone")]
MEASURING = [name for name in all_decks() if name.startswith(("standalone", "friction", "point"))]


# --- temperatures -----------------------------------------------------------------------------------------------------


def thermostats(deck: Deck) -> dict[str, tuple[frozenset[int], list[str]]]:
    """The thermostats of a run; those that melt the fluid of a build are gone by then."""
    fixes = deck.fixes("nvt", "langevin", "temp/csvr")
    return {name: fix for name, fix in fixes.items() if not deck.all("unfix", name)}


@pytest.mark.parametrize("thermostat", THERMOSTATS)
@pytest.mark.parametrize("name", RUNNING)
def test_each_bath_is_held_at_its_own_temperature(name: str, thermostat: str) -> None:
    """The cold fluid's thermostat is at T_C and the hot one's at T_H from start to end, with the study's relaxation time."""
    style = {"nose-hoover": "nvt", "langevin": "langevin", "csvr": "temp/csvr"}[thermostat]
    fixes = thermostats(all_decks(thermostat)[name])
    assert set(fixes) == {"thermostat_cold", "thermostat_hot"}
    for side in SIDES:
        types, arguments = fixes[f"thermostat_{side}"]
        assert types == FLUID[side]
        start, end, damping = map(float, arguments[1:4] if style == "nvt" else arguments[:3])
        assert (start, end, damping) == (TEMPERATURE[side], TEMPERATURE[side], 1.7)
    assert {words[2] for words in all_decks(thermostat)[name].all("fix") if words[0] in fixes} == {style}


@pytest.mark.parametrize("thermostat", THERMOSTATS)
@pytest.mark.parametrize("name", RUNNING)
def test_all_degrees_of_freedom_of_the_fluid_count(name: str, thermostat: str) -> None:
    """Walls take up momentum, so the fluid has 3 N degrees of freedom: in what is measured and in what is held."""
    deck = all_decks(thermostat)[name]
    for side in SIDES:
        (kind, types, arguments), _ = deck.quantity(f"c_temperature_{side}")
        assert (kind, types, arguments) == ("temp", FLUID[side], ())
        assert deck.one("compute_modify", f"temperature_{side}") == ["extra/dof", "0"]
        held = deck.all("fix_modify", f"thermostat_{side}")
        assert held in ([["temp", f"temperature_{side}"]], [] if thermostat == "langevin" else None)
    assert len(deck.all("compute_modify")) == 2


@pytest.mark.parametrize("name", RUNNING)
@pytest.mark.parametrize("thermostat", THERMOSTATS)
def test_everything_that_moves_is_moved_once(name: str, thermostat: str) -> None:
    """Each fluid and each particle has one integrator, walls have none; particles have no thermostat, they are plain NVE."""
    moved = [t for types, _ in all_decks(thermostat)[name].fixes("nve", "nvt").values() for t in sorted(types)]
    assert sorted(moved) == [1, 2, 3, 4]
    nve = {t for types, _ in all_decks(thermostat)[name].fixes("nve").values() for t in types}
    assert {3, 4} <= nve


@pytest.mark.parametrize("name", RUNNING)
def test_heat_is_counted_where_a_thermostat_needs_telling(name: str) -> None:
    """A Langevin thermostat keeps account of its energy only if told to."""
    fixes = thermostats(all_decks("langevin")[name])
    assert all(arguments[4:] == ["tally", "yes"] for _, arguments in fixes.values())


def test_nothing_but_the_demon_reaches_across() -> None:
    """What a fix does in a run lies on one side, but for moving the particles and for the demon."""
    for name in MEASURING:
        fixes = {words[0]: words[1:3] for words in all_decks()[name].all("fix")}
        for fix in ("metal", "demon", "series"):
            fixes.pop(fix, None)
        for group, _ in (entry for fix, entry in fixes.items() if fix not in ("move", "hold")):
            types = all_decks()[name].groups[group]
            assert types <= SIDE["cold"] or types <= SIDE["hot"]


def drawn(deck: Deck) -> list[dict[frozenset[int], float]]:
    """Temperatures that velocities are drawn at, by types, one dictionary for each time that all are drawn."""
    times: list[dict[frozenset[int], float]] = []
    for group, _, temperature, *rest in (words for words in deck.all("velocity") if words[1] == "create"):
        assert rest[1:] == ["mom", "no", "dist", "gaussian"], "a momentum of zero would cool a small particle"
        types = deck.groups[group]
        if not times or types in times[-1]:
            times.append({})
        times[-1][types] = float(temperature)
    return times


def temperatures(metal: float, fluid: float = 1.0) -> dict[frozenset[int], float]:
    """Of all four, the metal and the fluid at so many times that of their bath."""
    return {FLUID[s]: fluid * TEMPERATURE[s] for s in SIDES} | {PARTICLE[s]: metal * TEMPERATURE[s] for s in SIDES}


@pytest.mark.parametrize("name", all_decks())
def test_velocities_are_drawn_at_the_temperature_of_each_side(name: str) -> None:
    """At T_C on the cold side and T_H on the hot one: in a run's first segment alone, and in a build, twice for its metal.

    Metal in its crystal's minimum loses half of its kinetic energy to the springs between its atoms. Fluid is melted before.
    """
    melt = [{FLUID[s]: heat * TEMPERATURE[s] for s in SIDES} for heat in (2.5, 1.0)]
    built = [melt[0], melt[1], temperatures(metal=2.0)]
    if name == "building":
        expected = built
    elif name.startswith("standalone"):
        expected = [*built, temperatures(metal=1.0)]
    else:
        expected = [temperatures(metal=1.0)] if name.endswith(" relaxing") else []
    assert drawn(all_decks()[name]) == [{types: pytest.approx(t) for types, t in each.items()} for each in expected]
    still = [words for words in all_decks()[name].all("velocity") if words[1] != "create"]
    assert all(words == ["walls", "set", "0.0", "0.0", "0.0"] for words in still)
    assert len(still) == len([each for each in expected if PARTICLE["cold"] in each])


# --- traps, species ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RUNNING)
def test_each_trap_is_in_the_middle_of_its_own_bath(name: str) -> None:
    """A spring of the study's stiffness and no length ties each centre of mass to the middle of its bath."""
    fixes = all_decks()[name].fixes("spring")
    assert {types for types, _ in fixes.values()} == set(PARTICLE.values())
    for side in SIDES:
        types, (kind, *numbers) = fixes[f"trap_{side}"]
        assert (kind, types) == ("tether", PARTICLE[side])
        assert [*map(float, numbers)] == [0.013, *CENTRE[side], 0.0]


def pairs(deck: Deck) -> dict[tuple[int, int], tuple[float, ...]]:
    """ε, σ and range of every pair of types."""
    found: dict[tuple[int, int], tuple[float, ...]] = {}
    cutoff = deck.numbers("pair_style", "lj/cut")[0]
    for first, second, epsilon, sigma, *own in deck.all("pair_coeff"):
        some, others = (sorted(ALL_TYPES) if text == "*" else [int(text)] for text in (first, second))
        entry = (float(epsilon), float(sigma), float(own[0]) if own else cutoff)
        found |= {(min(a, b), max(a, b)): entry for a in some for b in others}
    return found


@pytest.mark.parametrize("name", all_decks())
def test_each_pair_of_types_interacts_as_the_study_says(name: str) -> None:
    """Fluid, particle and wall of one side interact, but for wall with wall; nothing interacts across (odd types are cold)."""
    deck = all_decks()[name]
    like, unlike, metal = (0.011, 3.3, 8.1), (0.05, 2.9, 8.1), (0.42, 2.4, 8.1)
    own = {(0, 0): like, (0, 1): unlike, (0, 2): unlike, (1, 1): metal, (1, 2): metal}
    interacting = {(2 * a + side, 2 * b + side): entry for (a, b), entry in own.items() for side in (1, 2)}
    found = pairs(deck)
    assert len(found) == 21
    assert {pair: entry for pair, entry in found.items() if pair in interacting} == interacting
    others = [entry for pair, entry in found.items() if pair not in interacting]
    assert all(strength == 0 and reach == 0 for strength, _, reach in others)
    assert deck.one("pair_modify") == ["shift", "yes"]


def test_unlike_pairs_are_mixed_where_the_study_does_not_state_them() -> None:
    """Lorentz-Berthelot: √(0.0104 × 0.4093) eV and (3.405 + 2.338)/2 Å."""
    chosen = check_study("example", {"baths": {"fluid_atoms": "25280"}})
    run = experiment_at(chosen, "friction", 1)
    found = pairs(Deck(run.deck(run.pieces()[0], "r")))
    for pair in ((1, 3), (1, 5), (2, 4), (2, 6)):
        assert found[pair] == pytest.approx((0.0652435, 2.8715, 8.5125), rel=1e-5)


@pytest.mark.parametrize("name", all_decks())
def test_masses_are_those_of_fluid_and_metal(name: str) -> None:
    """Types 1 and 2 are fluid, all others metal."""
    masses: dict[int, float] = {}
    for types, mass in all_decks()[name].all("mass"):
        low, high = types.split("*")
        masses |= {t: float(mass) for t in range(int(low), int(high) + 1)}
    assert masses == {1: 41, 2: 41, 3: 61, 4: 61, 5: 61, 6: 61}


@pytest.mark.parametrize("name", all_decks())
def test_integration_is_that_of_the_study(name: str) -> None:
    """Metal units, the study's time step and skin, neighbours looked for as soon as anything moved, walls along x alone."""
    deck = all_decks()[name]
    assert deck.one("units") == ["metal"]
    assert deck.one("boundary") == ["f", "p", "p"]
    assert deck.one("neighbor") == ["0.9", "bin"]
    assert deck.one("neigh_modify") == ["every", "1", "delay", "0", "check", "yes"]
    assert [*map(float, (deck.all("timestep")[0][0], deck.all("timestep")[-1][0]))] == [0.004, 0.004]
    assert deck.groups == {
        "all": ALL_TYPES,
        "walls": WALLS,
        "fluid": frozenset({1, 2}),
        "particles": frozenset({3, 4}),
        **{f"fluid_{side}": FLUID[side] for side in SIDES},
        **{f"particle_{side}": PARTICLE[side] for side in SIDES},
        **{f"{side}_side": SIDE[side] for side in SIDES},
    }


@pytest.mark.parametrize("name", ["friction", "kH_4.80"])
def test_energy_of_a_trap_is_that_of_all_its_springs(name: str) -> None:
    """Springs of each stiffness hold each particle along their own axes, and the recorded energy is their sum."""
    traps = {"x": 0.013, "y": 0.021, "z": 0.013}
    run = experiment_at(study(trap={"stiffness_eV_per_A2": traps}), name, 1)
    deck = Deck(run.deck(run.pieces()[-1], "restart"))
    springs = deck.fixes("spring")
    for side in SIDES:
        own = {key: fix for key, fix in springs.items() if fix[0] == PARTICLE[side]}
        held = {
            axis: float(words[1])
            for _, words in own.values()
            for axis, at in zip("xyz", words[2:5], strict=True)
            if at != "NULL"
        }
        assert held == traps
        expected = sum(some_world(*deck.quantity(f"f_{key}")[0]) for key in own)
        assert len(own) == 2
        assert deck.variable(f"trap_{side}") == pytest.approx(expected)


@pytest.mark.parametrize("name", ["equilibrated", "friction", "kH_4.80"])
def test_unlike_baths_without_walls_are_each_as_the_study_has_them(name: str) -> None:
    """Masses, springs that hold the fluids still at 5 rad/ps, and pressures of whole cubes are those of each side's fluid."""
    fluids = {
        side: {"mass_u": mass, "epsilon_eV": 0.011, "sigma_A": sigma}
        for side, mass, sigma in (("cold", 41.0, 3.3), ("hot", 83.0, 3.5))
    }
    chosen = study(
        materials={"fluid": fluids},
        baths={"walls": "none", "accessible_density_per_nm3": {"cold": 19.0, "hot": 15.0}},
        limits={"liquid": False},
    )
    run = experiment_at(chosen, name, 1)
    deck = Deck(run.deck(run.pieces()[-1], "restart"))
    masses = {types: float(mass) for types, mass in deck.all("mass")}
    assert masses == {"1": 41.0, "2": 83.0, "3*6": 61.0}
    unit = atomic_mass * 1e4 / electron_volt  # u (Å/ps)² in eV
    springs = {name: fix for name, fix in deck.fixes("spring").items() if name.startswith("rest")}
    assert len(springs) == 2
    for side in SIDES:
        mass = float(fluids[side]["mass_u"]) * chosen.fluid_atoms(side) * unit
        types, (kind, stiffness, *place) = springs[f"rest_{side}"]
        assert (types, kind) == (FLUID[side], "tether")
        assert float(stiffness) == pytest.approx(25 * mass)
        assert [*map(float, place)] == [*CENTRE["cold"], 0.0]

        def world(style: str, types: frozenset[int], arguments: tuple[Any, ...], index: int = 0) -> float:
            """1 eV of kinetic energy and 1, 2, 4 bar Å³ on the diagonal of Σ stress × volume, of one side alone."""
            assert types == SIDE[side]  # noqa: B023
            assert style in ("ke", "reduce")
            return 1.0 if style == "ke" else float(2 ** (arguments[1][1] - 1))

        kinetic = electron_volt / (bar * 1e-30)
        assert deck.variable(f"pressure_{side}", world) == pytest.approx((2 * kinetic - 7) / 3 / EDGE**3)


def test_fluids_without_walls_begin_at_rest_where_they_are_held() -> None:
    """Whenever velocities are drawn each fluid has no momentum; a build moves each side until its fluid is in the middle."""
    chosen = study(baths={"walls": "none"})
    for point in ("equilibrated", "friction", "kH_4.80"):
        run = experiment_at(chosen, point, 1)
        deck = Deck(run.deck(run.pieces()[0], "r"))
        for side in SIDES:
            steps = [words for words in deck.all("velocity") if deck.groups[words[0]] == FLUID[side]]
            assert steps[-2][1] == "create"
            assert steps[-1][1:] == ["zero", "linear"]
            assert not [words for words in deck.all("velocity") if words[1] == "zero" and "particle" in words[0]]
    build = experiment_at(chosen, "equilibrated", 1)
    deck = Deck(build.deck(build.pieces()[0], ""))
    for (group, how, *moves, units, box), side in zip(deck.all("displace_atoms"), SIDES, strict=True):
        assert (deck.groups[group], how, units, box) == (SIDE[side], "move", "units", "box")
        for axis, move in zip("xyz", moves, strict=True):
            middle = some_world("xcm", FLUID[side], (axis,))
            assert deck.value(move.removeprefix("$"), some_world) + middle == pytest.approx(26.5)


# --- what is built ----------------------------------------------------------------------------------------------------


def block(deck: Deck, name: str) -> list[tuple[float, float]]:
    """Bounds of a region along x, y and z."""
    words = deck.one("region", name, "block")
    assert words[6:] == ["units", "box"]
    return [(float(low), float(high)) for low, high in zip(words[:6:2], words[1:6:2], strict=True)]


def inside(bounds: tuple[float, float], value: float) -> bool:
    """Whether a value is within bounds."""
    return bounds[0] < value < bounds[1]


@pytest.mark.parametrize("name", BUILDING)
def test_walls_stand_at_0_L_and_2L(name: str) -> None:
    """One plane each, the middle one twice, once for each side; as many atoms as fit a close-packed square, none twice."""
    deck = all_decks()[name]
    words = deck.one("lattice", "custom", "1.0")
    planes, across, along = float(words[1]), float(words[6]), float(words[11])
    assert words[0:12:4] == ["a1", "a2", "a3"]
    assert words[12:] == ["basis", "0", "0", "0"]
    assert planes == EDGE
    rows = round(EDGE / (3.7 / math.sqrt(2)))
    assert (across, along) == pytest.approx((EDGE / rows, EDGE / rows))
    placed: dict[float, list[int]] = {}
    for type_, region in ((t, words[1]) for t, *words in deck.all("create_atoms") if words[1].startswith("wall")):
        x, y, z = block(deck, region)
        (plane,) = [n * EDGE for n in range(-1, 4) if inside(x, n * EDGE)]
        for low, high in (y, z):
            assert sum(low <= n * across <= high for n in range(rows + 5)) == rows
            assert high < EDGE
        placed.setdefault(plane, []).append(int(type_))
    assert placed == {0.0: [5], EDGE: [5, 6], 2 * EDGE: [6]}
    box = block(deck, "box")
    assert box[1:] == [(0.0, EDGE), (0.0, EDGE)]
    assert box[0][0] < 0
    assert box[0][1] > 2 * EDGE
    assert box[0][1] - box[0][0] < 2 * EDGE + 5
    assert deck.one("create_box") == ["6", "box"]


def fcc_sites(deck: Deck, before: int) -> NDArray[np.float64]:
    """Sites of the fcc lattice that is in force at a statement, all over the box, Å, shape (n, 3)."""
    *_, words = (words for words in deck.statements[:before] if words[0] == "lattice")
    assert words[1] == "fcc"
    constant = float(words[2])
    origin = [float(word) for word in words[words.index("origin") + 1 :][:3]]
    cells = [np.arange(-2, math.ceil(length / constant) + 2) for length in (2 * EDGE, EDGE, EDGE)]
    corner = np.stack(np.meshgrid(*cells, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    basis = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    return np.asarray(constant * ((corner + basis).reshape(-1, 3) + origin))


@pytest.mark.parametrize("name", BUILDING)
def test_each_particle_is_a_crystal_sphere_in_the_middle_of_its_bath(name: str) -> None:
    """Its sphere is about the trap's centre, of the study's radius, and holds just the study's number of sites of metal."""
    deck = all_decks()[name]
    for side, type_ in (("cold", "3"), ("hot", "4")):
        region = f"particle_{side}"
        *centre, radius = map(float, deck.one("region", region, "sphere")[:4])
        assert tuple(centre) == CENTRE[side]
        assert radius == pytest.approx(2.236 * 3.7)
        sites = fcc_sites(deck, deck.place("create_atoms", type_, "region", region))
        assert int((np.linalg.norm(sites - centre, axis=1) < radius).sum()) == 186


def test_a_sphere_s_centre_may_lie_anywhere_in_the_cell() -> None:
    """Of an origin that differs along x, y and z it holds the atoms that the study counts."""
    chosen = study(nanoparticle={"origin_lattice": [0.1, 0.2, 0.4], "atoms": 187})
    build = experiment_at(chosen, "equilibrated", 1)
    deck = Deck(build.deck(build.pieces()[0], ""))
    *_, words = (words for words in deck.statements if words[:2] == ["lattice", "fcc"] and words[2] == "3.7")
    shift = [(middle / 3.7 + own) % 1 for middle, own in zip(CENTRE["hot"], (0.1, 0.2, 0.4), strict=True)]
    assert [*map(float, words[4:7])] == pytest.approx(shift)


def fluid_sites(deck: Deck, side: str) -> NDArray[np.float64]:
    """Sites among which the atoms of a fluid are placed, Å."""
    type_, region = {"cold": "1", "hot": "2"}[side], f"sites_{side}"
    sites = fcc_sites(deck, deck.place("create_atoms", type_, "region", region))
    operation, count, *parts = deck.one("region", region)
    assert (operation, count) == ("intersect", "2")
    keep = np.ones(len(sites), dtype=bool)
    for part in parts:
        match deck.one("region", part):
            case ["block", *_]:
                bounds = np.array(block(deck, part))
                keep &= ((sites >= bounds[:, 0]) & (sites <= bounds[:, 1])).all(axis=1)
            case ["sphere", x, y, z, radius, "side", "out", "units", "box"]:
                keep &= np.linalg.norm(sites - [float(x), float(y), float(z)], axis=1) > float(radius)
            case other:
                raise AssertionError(other)
    return sites[keep]


@pytest.mark.parametrize("name", BUILDING)
@pytest.mark.parametrize("side", SIDES)
def test_fluid_is_placed_clear_of_all_metal_and_of_itself(name: str, side: str) -> None:
    """Each bath has sites enough for its atoms, between its own walls, none within a contact of metal or of another's image."""
    deck = all_decks()[name]
    chosen = study()
    sites = fluid_sites(deck, side)
    subset = deck.one("create_atoms", {"cold": "1", "hot": "2"}[side])
    assert subset[:3] == ["region", f"sites_{side}", "subset"]
    assert int(subset[3]) == chosen.fluid_atoms("cold")
    assert len(sites) >= chosen.fluid_atoms("cold")
    low = 0.0 if side == "cold" else EDGE
    contact = 0.8 * 2.9
    assert sites[:, 0].min() >= low + contact - 1e-6
    assert sites[:, 0].max() <= low + EDGE - contact + 1e-6
    assert np.linalg.norm(sites - CENTRE[side], axis=1).min() >= 2.236 * 3.7 + contact - 1e-6
    apart = np.linalg.norm(sites[1:] - sites[0], axis=1).min()
    for axis in (1, 2):
        assert EDGE - np.ptp(sites[:, axis]) >= 0.8 * 3.3 - 1e-6, "through the periodic face"
    assert apart > 0.8 * 3.3
    # Wherever the sites of another lattice fall, the room for them ends as far from each wall, face and sphere.
    bounds = [(low + contact, low + EDGE - contact), (0, EDGE - 0.8 * 3.3), (0, EDGE - 0.8 * 3.3)]
    assert np.array(block(deck, f"room_{side}")) == pytest.approx(np.array(bounds))
    assert float(deck.one("region", f"outside_{side}", "sphere")[3]) == pytest.approx(2.236 * 3.7 + contact)
    # What the counts after the build are asked of is the bath itself.
    assert block(deck, f"bath_{side}") == [(low, low + EDGE), (0, EDGE), (0, EDGE)]


@pytest.mark.parametrize(
    "data",
    [
        {"baths": {"fluid_atoms": 25280}},
        {"baths": {"edge_nm": 6.5, "accessible_density_per_nm3": 19.56}},
        {"baths": {"edge_nm": 3.6, "accessible_density_per_nm3": 19.56}},
        {
            "materials": {"fluid": {"mass_u": 20.18, "epsilon_eV": 0.00307, "sigma_A": 2.782}, "cutoff_A": 7.0},
            "baths": {
                "edge_nm": 3.6,
                "accessible_density_per_nm3": 34,
                "temperature_cold_K": 27,
                "temperature_hot_K": 33,
            },
        },
        {
            "materials": {"fluid_metal": {"epsilon_eV": 0.03, "sigma_A": 3.6}},
            "baths": {"edge_nm": 4.0, "accessible_density_per_nm3": 24},
        },
        {
            "materials": {
                "fluid": {"mass_u": 40, "epsilon_eV": 0.01, "sigma_A": 4.0},
                "fluid_metal": {"epsilon_eV": 0.03, "sigma_A": 4.0},
                "cutoff_A": 8.0,
            },
            "baths": {"edge_nm": 3.5, "fluid_atoms": 395},
            "limits": {"liquid": False},
        },
    ],
    ids=["paper", "demo", "tiny", "neon", "dense and far from metal", "few and wide"],
)
def test_every_fluid_has_sites_enough(data: dict[str, Any]) -> None:
    """Whatever the fluid, its density and what it keeps from metal, a bath has more sites than atoms, in units of its own σ."""
    chosen = check_study("example", data)
    found = decks.filling(chosen, "cold", chosen.fluid_atoms("cold"))
    assert found["face_A"] == pytest.approx(0.8 * chosen.fluid("cold").sigma_A)
    assert found["metal_A"] == pytest.approx(0.8 * chosen.unlike("cold").sigma_A)
    edge, spacing = chosen.edge_A, found["spacing_A"]
    cells = np.arange(math.ceil(edge / spacing) + 1)
    corner = np.stack(np.meshgrid(cells, cells, cells), axis=-1).reshape(-1, 1, 3)
    basis = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    sites = spacing * (corner + basis).reshape(-1, 3)
    keep = (sites[:, 0] > found["metal_A"]) & (sites[:, 0] < edge - found["metal_A"])
    keep &= (sites[:, 1:] < edge - found["face_A"]).all(axis=1)
    keep &= np.linalg.norm(sites - edge / 2, axis=1) > chosen.radius_A + found["metal_A"]
    # A lattice with hardly a site to spare would be a crystal, and one with many would be too dense to minimise.
    assert 1.04 * chosen.fluid_atoms("cold") < keep.sum() < 1.6 * chosen.fluid_atoms("cold")
    assert spacing / math.sqrt(2) > 0.8 * chosen.fluid("cold").sigma_A
    if (
        chosen.fluid_atoms("cold") > 20_000
    ):  # how the faces cut the lattice matters little: a fifth of the sites stays empty
        assert keep.sum() == pytest.approx(1.2 * chosen.fluid_atoms("cold"), rel=0.05)


@pytest.mark.parametrize("name", BUILDING)
def test_build_asserts_every_count(name: str) -> None:
    """LAMMPS stops unless each bath and each particle has the study's atoms, fluid between its walls and none in the metal."""
    deck = all_decks()[name]
    fluid = str(study().fluid_atoms("cold"))
    asked = [words[0] for words in deck.all("variable", "found", "equal")]
    wanted = [words[2].rstrip('"') for words in deck.all("if")]
    expected = [
        (quantity.format(side), count)
        for side in SIDES
        for quantity, count in (
            ("count(particle_{0})", "186"),
            ("count(fluid_{0})", fluid),
            ("count(fluid_{0},bath_{0})", fluid),
            ("count(fluid_{0},particle_{0})", "0"),
        )
    ]
    assert [*zip(asked, wanted, strict=True)] == expected
    for number, words in enumerate(deck.all("if")):
        assert words[:2] == ['"$(v_found)', "!="]
        said = " ".join(words)
        assert "'nanofridge: $(v_found:%.0f) " in said
        assert f" the {SIDES[number // 4]} " in said
        assert f"but there must be {expected[number][1]}'" in said
        assert words[-2:] == ['"nanofridge:', 'stop"']


@pytest.mark.parametrize("name", BUILDING)
def test_fluid_is_melted_and_cooled_while_the_metal_is_held(name: str) -> None:
    """At 2.5 times the bath's temperature and then at it, for a time in the fluid's own unit; nothing of it is left after."""
    deck = all_decks()[name]
    unit = 3.3e-10 * math.sqrt(41 * atomic_mass / (0.011 * electron_volt)) * 1e12  # ps
    start, end = deck.place("fix", "move"), deck.place("unfix", "move")
    part = deck.statements[start : end + 1]
    before = [words for words in deck.statements[:start] if words[0] == "timestep"][-1]
    assert float(before[1]) == pytest.approx(unit / 500, rel=1e-6)
    assert deck.one("fix", "move")[:3] == ["fluid", "nve/limit", "0.1"]
    assert [words for words in part if words[0] == "run"] == [["run", "500"]] * 2
    for stage, heat in (("melt", 2.5), ("cool", 1.0)):
        for side in SIDES:
            group, style, low, high, damping, _ = deck.one("fix", f"{stage}_{side}")
            assert (deck.groups[group], style) == (FLUID[side], "langevin")
            assert (float(low), float(high)) == pytest.approx((heat * TEMPERATURE[side],) * 2)
            assert float(damping) == pytest.approx(unit / 20, rel=1e-6)
    gone = {words[1] for words in part if words[0] == "unfix"}
    assert gone == {"move", *(f"{stage}_{side}" for stage in ("melt", "cool") for side in SIDES)}
    assert deck.statements[end + 1 : end + 3] == [["timestep", "0.004"], ["reset_timestep", "0"]]
    assert deck.place("unfix", "melt_cold") < deck.place("fix", "cool_cold")


@pytest.mark.parametrize("quick", SIDES)
def test_unlike_fluids_melt_in_steps_of_the_quicker_one(quick: str) -> None:
    """σ √(m/ε) of the lighter fluid, on whichever side it is, and a time that both need."""
    light, heavy = ({"mass_u": mass, "epsilon_eV": 0.011, "sigma_A": 3.3} for mass in (20.0, 80.0))
    fluids = {"cold": light, "hot": heavy} if quick == "cold" else {"cold": heavy, "hot": light}
    chosen = study(materials={"fluid": fluids}, limits={"liquid": False})
    build = experiment_at(chosen, "equilibrated", 1)
    deck = Deck(build.deck(build.pieces()[0], ""))
    unit = 3.3e-10 * math.sqrt(20 * atomic_mass / (0.011 * electron_volt)) * 1e12  # ps
    steps = [float(words[1]) for words in deck.statements if words[0] == "timestep"]
    assert steps == pytest.approx([0.004, unit / 500, 0.004], rel=1e-6)


@pytest.mark.parametrize("name", BUILDING)
def test_walls_are_held_while_energy_is_minimised(name: str) -> None:
    """And by that alone: in a run they do not move since nothing moves them."""
    deck = all_decks()[name]
    group, style, *force = deck.one("fix", "hold")
    assert (deck.groups[group], style, [*map(float, force)]) == (WALLS, "setforce", [0, 0, 0])
    assert deck.place("fix", "hold") < deck.place("minimize") < deck.place("unfix", "hold")


# --- what is measured -------------------------------------------------------------------------------------------------


def expected_of_machine(axes: str) -> dict[str, float]:
    """What each sampled variable must be, from the quantities of `some_world`."""
    chosen, found = study(), {}
    for side in SIDES:
        for index, axis in enumerate("xyz"):
            found[f"position_{side}_{axis}"] = some_world("com", PARTICLE[side], (), index + 1) - CENTRE[side][index]
            found[f"velocity_{side}_{axis}"] = some_world("vcm", PARTICLE[side], (axis,))
        for axis in axes:
            place = 3 * SIDES.index(side) + "xyz".index(axis) + 1
            found[f"work_{side}_{axis}"] = some_world("external", frozenset({3, 4}), ("pf/callback", "1", "1"), place)
        pair_energy = (("pe/atom", ALL_TYPES, ("pair",)), 0)
        virial = [(("stress/atom", ALL_TYPES, ("NULL", "pair")), n) for n in (1, 2, 3)]
        temperature = some_world("temp", FLUID[side])
        found[f"thermostat_{side}"] = some_world(
            "nvt", FLUID[side], ("temp", str(TEMPERATURE[side]), str(TEMPERATURE[side]), "1.7")
        )
        found[f"energy_{side}"] = some_world("ke", SIDE[side]) + some_world("reduce", SIDE[side], ("sum", pair_energy))
        spring = ("tether", "0.013", *map(str, CENTRE[side]), "0.0")
        found[f"trap_{side}"] = some_world("spring", PARTICLE[side], spring)
        found[f"temperature_{side}"] = temperature
        found[f"internal_temperature_{side}"] = some_world("temp/com", PARTICLE[side])
        # LAMMPS's stress/atom is minus the virial: repulsion, a negative stress, adds to the pressure.
        stress = sum(some_world("reduce", FLUID[side], ("sum", part)) for part in virial)
        ideal = chosen.fluid_atoms("cold") * BOLTZMANN_BAR_A3 * temperature
        found[f"pressure_{side}"] = (ideal - stress / 3) / chosen.accessible_volume_A3(side)
    return found


@pytest.mark.parametrize("name", [n for n in MEASURING if "measuring" in n or "standalone" in n])
def test_every_column_is_what_its_name_says(name: str) -> None:
    """Each sampled variable, worked out from what LAMMPS's computes and fixes look at, is the quantity of its name and side."""
    deck = all_decks()[name]
    axes = "xz" if "point" in name else ""
    expected = expected_of_machine(axes)
    found = {variable: deck.variable(variable) for variable in expected}
    # Next to N k_B T the virials of `some_world` are a millionth.
    assert found == pytest.approx(expected, rel=1e-11)
    sampled = [word.removeprefix("v_") for word in deck.one("fix", "series") if word.startswith("v_")]
    assert sorted(sampled) == sorted(expected)
    run = experiment_at(study(), "kH_4.80" if axes else "friction", 1)
    assert sampled == [column.name for column in run.columns()]


def test_units_of_the_columns() -> None:
    """Each column's unit is LAMMPS's for it."""
    units = {c.name.split("_")[0]: c.unit for c in experiment_at(study(), "kH_4.80", 1).columns()}
    assert units == {
        "position": "A",
        "velocity": "A_per_ps",
        "work": "eV",
        "thermostat": "eV",
        "energy": "eV",
        "trap": "eV",
        "temperature": "K",
        "pressure": "bar",
        "internal": "K",
    }
    assert experiment_at(study(), "kH_4.80", 1).columns()[0].series_name == "position_cold_x_A"


@pytest.mark.parametrize("name", ["equilibrating", "equilibrating on"])
def test_equilibration_samples_what_it_is_judged_by(name: str) -> None:
    """Temperatures, pressure and energy of each side as in a run."""
    deck = all_decks()[name]
    sampled = [word.removeprefix("v_") for word in deck.one("fix", "series") if word.startswith("v_")]
    assert sampled == [column.name for column in experiment_at(study(), "equilibrated", 1).columns()]
    expected = {key: value for key, value in expected_of_machine("").items() if key in sampled}
    assert len(expected) == 10
    assert {key: deck.variable(key) for key in expected} == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("side", SIDES)
def test_order_is_1_in_the_crystal_and_0_in_a_liquid(side: str) -> None:
    """On the lattice that the fluid is built on, whole or with holes, the order is 1; of atoms anywhere it is about 1/√N."""
    deck, build = all_decks()["equilibrating"], all_decks()["building"]

    def order(positions: NDArray[np.float64]) -> float:
        x, y, z = positions.T

        def mean(style: str, types: frozenset[int], arguments: tuple[Any, ...], index: int) -> float:
            assert (style, types, arguments[0]) == ("reduce", FLUID[side], "ave")
            formula = deck.atom_variables[arguments[1].removeprefix("v_")]
            return float(np.mean(deck.value(formula, x=x, y=y, z=z, cos=np.cos, sin=np.sin)))

        return deck.variable(f"order_{side}", mean)

    generator = np.random.default_rng(1)
    sites = fluid_sites(build, side)
    assert order(sites) == pytest.approx(1, abs=1e-3)
    assert order(generator.choice(sites, len(sites) // 2, replace=False)) == pytest.approx(1, abs=1e-3)
    spacing = decks.filling(study(), "cold", study().fluid_atoms("cold"))["spacing_A"]
    debye_waller = math.exp(-((4 * math.pi / spacing) ** 2) * 0.3**2)
    assert order(sites + generator.normal(0, 0.3, sites.shape)) == pytest.approx(debye_waller, abs=0.02)
    # Order along one of the waves alone, as of layers, is half as much.
    x, y, z = generator.uniform(0, EDGE, (3, 4000))
    layer = spacing / 2 * generator.integers(0, 20, 4000)
    for layered in ((x, layer - x, z), (x, x - layer, z), (x, y, layer - x), (x, y, x - layer)):
        assert order(np.column_stack(layered)) == pytest.approx(0.5, abs=0.02)
    low = 0.0 if side == "cold" else EDGE
    liquid = generator.uniform([low, 0, 0], [low + EDGE, EDGE, EDGE], (4000, 3))
    assert order(liquid) < 3 / math.sqrt(4000)


@pytest.mark.parametrize("name", all_decks())
def test_intervals_are_those_of_the_study(name: str) -> None:
    """Samples every 0.2 ps and frames every 5 ps of 4 fs steps, at full precision, in measured segments; a log line each ps."""
    deck = all_decks()[name]
    if "relaxing" in name or name == "building":
        assert not deck.all("fix", "series")
        assert not deck.all("dump")
    else:
        group, style, *words = deck.one("fix", "series")
        assert (group, style, words[:3]) == ("all", "ave/time", ["50", "1", "50"])
        assert words[-5:] == ["format", '"', '%.17g"', "file", "series.dat"]
        frames = deck.all("dump", "trajectory")
        assert frames == ([] if name.startswith("equilibrating") else [["all", "dcd", "1250", "trajectory.dcd"]])
        # Atoms lie in the box, for pictures and for distances along x and its images.
        assert deck.all("dump_modify") == ([["trajectory", "unwrap", "no"]] if frames else [])
    if name != "building":
        assert deck.all("thermo")[-1] == ["250"]
        assert deck.all("thermo_modify")[-1] == ["lost", "error", "flush", "yes"]


def test_frames_as_text_are_those_of_the_other_format() -> None:
    """At the same steps, in the order of the atoms, with their positions in the box and enough digits."""
    text = experiment_at(study(), "kH_4.80", 1).standalone() or ""
    assert '"dump trajectory all custom 1250 trajectory.lammpstrj id type x y z"' in text
    assert '"dump_modify trajectory sort id format float %.8g"' in text
    assert text.count("dump trajectory all dcd 1250 ") == 1


# --- clock ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("point", ["friction", "kH_4.80", "equilibrated", "drag/hot/F_0.3"])
def test_clock_is_set_to_0_where_a_stage_begins_and_nowhere_else(point: str) -> None:
    """So the first row of a measured series is time 0, and later segments go on from where the one before ended."""
    run = experiment_at(study(), point, 1)
    for piece in run.pieces():
        deck = Deck(run.deck(piece, "r"))
        if piece.stage.name == "building":
            assert not deck.all("read_restart")
            continue
        assert deck.one("read_restart") == ['"r"']
        assert deck.all("reset_timestep") == ([["0"]] if piece.is_first else [])
        if piece.is_first:
            assert deck.place("reset_timestep") > deck.place("read_restart")
    stages = [piece.stage.name for piece in run.pieces() if piece.is_first]
    assert stages == [stage.name for stage in run.stages()]


@pytest.mark.parametrize("point", ["friction", "kH_4.80"])
def test_standalone_deck_runs_as_long_as_the_study_says(point: str) -> None:
    """Melting twice, then equilibration, relaxation and measurement; the clock is set to 0 for the measurement."""
    deck = Deck(experiment_at(study(), point, 1).standalone() or "")
    runs = [int(words[1]) for words in deck.statements if words[0] == "run"]
    assert runs == [500, 500, 10_000, 12_000, 20_000 if point == "friction" else 15_000]
    places = [n for n, words in enumerate(deck.statements) if words[0] == "run"]
    resets = [n for n, words in enumerate(deck.statements) if words == ["reset_timestep", "0"]]
    assert sum(places[-2] < n < places[-1] for n in resets) == 1
    assert resets[-1] < deck.place("fix", "series") < places[-1]


# --- demon ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", all_decks())
def test_demon_acts_on_both_particles_while_a_point_relaxes_and_is_measured(name: str) -> None:
    """LAMMPS calls it at every step for the atoms of both particles; in a friction run and in the baths there is none."""
    fixes = all_decks()[name].fixes("external")
    if name.startswith("point"):
        assert fixes == {"demon": (frozenset({3, 4}), ["pf/callback", "1", "1"])}
    else:
        assert not fixes


def test_native_demon_has_the_paper_s_signs_on_coupled_axes() -> None:
    """F_C = κ_C (X_H − X_C) on the cold particle and F_H = κ_H (X_C − X_H) on the hot one, along x and z, nothing along y."""
    deck = all_decks()["standalone"]
    expected = expected_of_machine("")
    for side, other, kappa in (("cold", "hot", 0.07), ("hot", "cold", 0.07 * 4.80)):
        types, pushes = deck.fixes("addforce")[f"demon_{side}"]
        assert types == PARTICLE[side]
        for axis, push in zip("xyz", pushes, strict=True):
            total = 186 * deck.value(push, some_world)
            gap = expected[f"position_{other}_{axis}"] - expected[f"position_{side}_{axis}"]
            assert total == pytest.approx(kappa * gap if axis in "xz" else 0.0, rel=1e-9)
    assert len(deck.fixes("addforce")) == 2
    assert not all_decks()["standalone friction"].fixes("addforce")
    places = [n for n, words in enumerate(deck.statements) if words[0] == "run"]
    assert places[-3] < deck.place("fix", "demon_cold") < places[-2], "it acts while the run relaxes, and not before"


def test_a_controller_that_lammps_does_not_know_has_no_deck_of_its_own() -> None:
    """A deck with the linear demon would not be the run; a friction run has no demon, so it has one."""
    chosen = study()
    other = chosen.model_copy(update={"demon": chosen.demon.model_copy(update={"controller": "mine:Mine"})})
    assert experiment_at(other, "kH_4.80", 1).standalone() is None
    assert experiment_at(other, "friction", 1).standalone() == experiment_at(chosen, "friction", 1).standalone()


@pytest.mark.parametrize("point", ["friction", "kH_4.80"])
def test_standalone_deck_is_the_same_experiment(point: str) -> None:
    """What acts, what is measured and how often is the same as in the segments, but for the demon's own statements."""
    run = experiment_at(study(), point, 1)
    segment = {" ".join(words) for words in Deck(run.deck(run.pieces()[-1], "r")).statements}
    whole = {" ".join(words) for words in Deck(run.standalone() or "").statements}
    differ = {
        line for line in segment - whole if not re.match(r"read_restart|fix demon|variable work_|fix series", line)
    }
    assert not differ
    assert "{{" not in (run.standalone() or "")
    assert "{%" not in (run.standalone() or "")


# --- identity, seeds, paths -------------------------------------------------------------------------------------------


def test_an_if_counts_where_one_of_its_branches_acts() -> None:
    """One that only prints, or chooses how frames are written, does not; neither do comments, spaces and broken lines."""
    shown = """
    if "$(x) > 1" then "print 'many'" else "print 'few'"
    if "$(is_defined(fix,a))" then "variable frames string dcd" &
        else "variable frames string custom"
    dump trajectory all dcd 10 a.dcd   # frames
    thermo_style custom step
    """
    acting = [
        """if "$(x) > 1" then "print 'many'" "quit 1\"""",
        """if "$(x) > 1" then "run 10" else "print 'few'\"""",
        "variable steps equal 10",
        "print_not_all 1",
    ]
    spread = "\n".join(each.replace(" ", "   ", 1) + "  # why" for each in acting)
    assert decks.statements(shown + spread.replace(" then", " &\n then")) == acting


def test_comment_in_a_template_reruns_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment, a blank line or what is shown while a run goes on changes no fingerprint; a command does."""

    def prints() -> list[str]:
        return [run.fingerprint for run in experiments(study())]

    before = prints()
    for source in decks.TEMPLATES.rglob("*.j2"):
        copy = tmp_path / source.relative_to(decks.TEMPLATES)
        copy.parent.mkdir(exist_ok=True)
        copy.write_text("# a thought\n\n" + source.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(decks, "TEMPLATES", tmp_path)
    parts = tmp_path / "parts"
    with (parts / "thermo.lmp.j2").open("a", encoding="utf-8") as thermo:
        thermo.write("thermo 7\nprint 'hello'\n")
    assert prints() == before
    with (parts / "header.lmp.j2").open("a", encoding="utf-8") as header:
        header.write("newton off\n")
    assert all(a != b for a, b in zip(prints(), before, strict=True))


def seeds(text: str) -> list[int]:
    """Every seed of a deck."""
    found = []
    for line in decks.statements(text):
        match line.split():
            case ["velocity", _, "create", _, seed, *_]:
                found.append(seed)
            case ["create_atoms", *_, "subset", _, seed]:
                found.append(seed)
            case ["fix", _, _, "langevin" | "temp/csvr", _, _, _, seed, *_]:
                found.append(seed)
    return [*map(int, found)]


@pytest.mark.parametrize("thermostat", ["langevin", "csvr"])
def test_seeds_differ_between_all_streams(thermostat: str) -> None:
    """No two purposes, segments, points, replicas, studies or study seeds share a seed, and each is valid for LAMMPS."""
    changes: dict[str, Any] = {
        "baths": {"thermostat": thermostat},
        "schedule": {"independent_starts": True, "sweep_replicas": 2},
        "drag": {"forces_nN": ["0.3", "3"], "replicas": 2},
    }
    chosen = study(**changes)
    all_seeds: list[int] = []
    for one in (chosen, study("another", **changes), chosen.model_copy(update={"seed": 1})):
        for run in experiments(one):
            all_seeds += [seed for piece in run.pieces() for seed in seeds(run.deck(piece, "r"))]
    # Building 2 baths: 7 streams a side; a machine's run: 4 velocities, and 2 thermostats in each of its 6 or 7 segments.
    machine = 2 * 2 * 7 + 2 * 2 * 2 + 4 * (4 + 2 * 6) + (4 + 2 * 7)
    drags = 8 * 7 + sum(1 for run in experiments(chosen) if run.kind == "drag" for piece in run.pieces()[1:])
    assert len(all_seeds) == 3 * (machine + drags)
    assert len(all_seeds) == len(set(all_seeds))
    assert all(1 <= seed <= 899_999_999 for seed in all_seeds)
    for run in experiments(chosen):
        own = seeds(run.standalone() or "")
        assert len(set(own)) == len(own) > 0 or run.kind == "baths"


@pytest.mark.parametrize("mark", ['"', "*", "%", "$", "&", "\n", "é"])
def test_paths_that_lammps_would_act_on_are_refused(mark: str) -> None:
    """A restart file's path gets into a deck: what LAMMPS would not read back as it stands is refused, all else is quoted."""
    for point in ("kH_4.80", "equilibrated", "drag/cold/F_0.3"):
        run = experiment_at(study(), point, 1)
        piece = run.pieces()[-1]
        with pytest.raises(ValueError, match="rename the folder") as refusal:
            run.deck(piece, f"my{mark}runs/end.restart")
        named = f"{f'my{mark}runs/end.restart'!r}: LAMMPS cannot read a file whose path holds {mark!r}: "
        assert str(refusal.value).startswith(named)
        assert '"../it\'s # mine/end.restart"\n' in run.deck(piece, "../it's # mine/end.restart")
