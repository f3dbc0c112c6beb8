"""A fluid with chains: how many, how they are bonded and built, and what is refused."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from simulation.experiments import experiment_at
from simulation.experiments.base import RejectedError
from simulation.experiments.baths import Baths
from simulation.study.fields import Study, StudyError
from simulation.study.files import check_study
from simulation.study.materials import FLUIDS
from tests.unit.deck_reader import Deck

ARGON = FLUIDS["argon"]


def study(fraction: float = 0.5, edge_nm: float = 6.5, **chains: Any) -> Study:
    """A study with chains."""
    baths = {"edge_nm": edge_nm, "accessible_density_per_nm3": 19.56, "chains": {"fraction": fraction} | chains}
    return check_study("example", {"baths": baths, "integration": {"timestep_fs": 4}, "drag": {"forces_nN": ["0.3"]}})


def lines(deck: str, *first: str) -> list[list[str]]:
    """The words of all lines that begin with these."""
    found = [line.split() for line in deck.splitlines()]
    return [words for words in found if tuple(words[: len(first)]) == first]


@pytest.mark.parametrize("point", ["equilibrated", "drag/hot/F_0.3"])
def test_chains_and_single_atoms_fill_a_bath(point: str) -> None:
    """As many chains as the fraction makes, and the rest of the study's fluid atoms one by one; the deck asks for all bonds."""
    own = study(0.3, atoms=7)
    run = experiment_at(own, point, 1)
    fluid = run.fluid_atoms if point.startswith("drag") else own.fluid_atoms("cold")  # type: ignore[attr-defined]
    deck = run.stage_decks()[0]
    chains = [int(words[3]) for words in lines(deck, "create_atoms", "0", "random")]
    singles = [int(words[3]) for words in lines(deck, "create_atoms") if words[1] in "12" and words[2] == "random"]
    assert chains == [round(0.3 * fluid / 7)] * len(chains)
    assert [7 * chain + single for chain, single in zip(chains, singles, strict=True)] == [fluid] * len(
        run_sides(point)
    )
    wanted = re.findall(r'"\$\(v_found\) != (\d+)" then &\n *"print \'nanofridge: .* bonds in the chains', deck)
    assert wanted == [str(6 * sum(chains))]


def run_sides(point: str) -> tuple[str, ...]:
    """The baths of a point."""
    return ("hot",) if point.startswith("drag") else ("cold", "hot")


def test_a_bath_without_chains_is_as_it_was() -> None:
    """No word of bonds in any deck, so that its runs stay."""
    plain = study(0.0)
    for point in ("equilibrated", "kH_4.80", "drag/cold/F_0.3"):
        for deck in experiment_at(plain, point, 1).stage_decks():
            assert "bond" not in deck
            assert "atom_style      atomic" in deck


def test_bonds_are_in_every_deck_and_in_the_energy() -> None:
    """A restart file keeps no bond coefficients of its own study, and the first law must count what bonds store."""
    for point in ("equilibrated", "friction", "kH_4.80"):
        for deck in experiment_at(study(), point, 1).stage_decks():
            assert lines(deck, "bond_style") == [["bond_style", "fene"]]
            assert [words[1] for words in lines(deck, "bond_coeff")] == ["1", "2"]
            assert lines(deck, "special_bonds") == [["special_bonds", "lj", "0.0", "1.0", "1.0"]]
            for words in lines(deck, "compute", "pair_energy"):
                assert words[3:] == ["pe/atom", "pair", "bond"]
            for words in lines(deck, "compute", "virial"):
                assert words[3:] == ["stress/atom", "NULL", "pair", "bond"]


@pytest.mark.parametrize("point", ["equilibrated", "drag/hot/F_0.3"])
def test_chains_are_placed_clear_of_metal_and_of_each_other(point: str) -> None:
    """Middles of chains keep a chain's reach and a contact from both walls; atoms keep the lesser contact from each other."""
    own = study(0.3, atoms=7)
    run = experiment_at(own, point, 1)
    deck = Deck(run.stage_decks()[0])
    metal, fluid = 0.8 * (3.405 + 2.338) / 2, 0.8 * 3.405
    for side, number in (("cold", 1), ("hot", 2)):
        if side not in run_sides(point):
            continue
        chain = own.chain(side, 5000)
        reach = max(math.hypot(*place) for place in chain.places_A)
        low = 65.0 if side == "hot" else 0.0
        bounds = deck.one("region", f"middles_{side}", "block")
        assert [*map(float, bounds[:6])] == pytest.approx([low + metal + reach, low + 65 - metal - reach, 0, 65, 0, 65])
        created = [words for words in deck.all("create_atoms") if words[3:5] or words[1] == "random"]
        (chains,) = [words for words in created if words[4] == f"middles_{side}"]
        (single,) = [words for words in created if words[4] == f"sites_{side}"]
        assert (chains[0], chains[5:7], chains[8]) == ("0", ["mol", f"chain_{side}"], "overlap")
        assert (single[0], single[5]) == (str(number), "overlap")
        for apart in (chains[9], single[6]):
            assert float(apart) == pytest.approx(min(metal, fluid))
        assert len({chains[3], chains[7], single[3]}) == 3, "where, how they are turned, and where single atoms are"


@pytest.mark.parametrize("point", ["equilibrated", "drag/hot/F_0.3"])
def test_a_chain_is_told_to_lammps_as_it_is_built(point: str) -> None:
    """Its molecule has the place of each atom, all of its fluid's type, and a bond of its bath between each two neighbours."""
    own = study(0.3, atoms=7)
    deck = experiment_at(own, point, 1).stage_decks()[0]
    molecules = re.findall(r'^print +"""\n(.*?)\n""" file chain_(\w+)\.mol screen no$', deck, re.MULTILINE | re.DOTALL)
    assert [side for _, side in molecules] == [*run_sides(point)]
    for text, side in molecules:
        head, coords, types, bonds = re.split(r"\n\n(?:Coords|Types|Bonds)\n\n", text)
        number = {"cold": 1, "hot": 2}[side]
        assert head.split() == ["7", "atoms", "6", "bonds"]
        places = [[float(word) for word in line.split()] for line in coords.splitlines()]
        assert places == [[n, *place] for n, place in enumerate(own.chain(side, 5000).places_A, 1)]
        assert [[*map(int, line.split())] for line in types.splitlines()] == [[n, number] for n in range(1, 8)]
        assert [[*map(int, line.split())] for line in bonds.splitlines()] == [
            [n, number, n, n + 1] for n in range(1, 7)
        ]


def test_bonds_are_those_of_each_fluid() -> None:
    """Type 1 binds the cold fluid and type 2 the hot one: K = 30 ε/σ² and 1.5 σ, then ε and σ for the repulsion."""
    unlike = {
        "cold": {"mass_u": 40, "epsilon_eV": 0.010, "sigma_A": 3.4},
        "hot": {"mass_u": 80, "epsilon_eV": 0.014, "sigma_A": 3.6},
    }
    baths = {"edge_nm": 6.5, "accessible_density_per_nm3": 15, "chains": {"fraction": 0.5}}
    chosen = check_study("example", {"baths": baths, "materials": {"fluid": unlike}, "limits": {"liquid": False}})
    for deck in experiment_at(chosen, "kH_4.80", 1).stage_decks():
        for number, epsilon, sigma in (("1", 0.010, 3.4), ("2", 0.014, 3.6)):
            (words,) = lines(deck, "bond_coeff", number)
            assert [*map(float, words[2:])] == pytest.approx([30 * epsilon / sigma**2, 1.5 * sigma, epsilon, sigma])


def test_size_of_chains_is_the_mean_over_those_of_one_bath() -> None:
    """Of the radii of gyration of its molecules; single atoms, which LAMMPS counts as molecule 0, have none."""
    (*_, deck) = experiment_at(study(), "equilibrated", 1).stage_decks()
    assert lines(deck, "group", "chained") == [["group", "chained", "molecule", ">", "0"]]
    for side in ("cold", "hot"):
        own = f"chained_{side}"
        assert lines(deck, "group", own) == [f"group {own} intersect chained fluid_{side}".split()]
        for compute, what in (
            ("chains", "chunk/atom molecule compress yes"),
            ("gyration", f"gyration/chunk chains_{side}"),
        ):
            found = lines(deck, "compute", f"{compute}_{side}")
            assert found == [f"compute {compute}_{side} {own} {what}".split()]
        assert lines(deck, "variable", f"gyration_{side}") == [
            f"variable gyration_{side} equal ave(c_gyration_{side})".split()
        ]


@pytest.mark.parametrize("atoms", [2, 3, 6, 10, 37])
@pytest.mark.parametrize("bond", ["fene", "harmonic"])
def test_a_chain_is_built_whole_and_without_overlap(atoms: int, bond: str) -> None:
    """Neighbours at the bond's length, all others no nearer, and about its middle."""
    chain = study(0.3, bond=bond, atoms=atoms).chain("cold", 5000)
    places = chain.places_A
    assert len(places) == atoms
    for one, other in pairwise(places):
        assert math.dist(one, other) == pytest.approx(0.97 * ARGON.sigma_A, rel=1e-5)
    assert min(math.dist(a, b) for i, a in enumerate(places) for b in places[:i]) > 0.96 * ARGON.sigma_A
    for axis in range(3):
        assert sum(place[axis] for place in places) == pytest.approx(0, abs=1e-4)


def test_bonds_are_those_of_kremer_and_grest() -> None:
    """30 ε/σ² and 1.5 σ of the fluid; a bond vibrates as the curvature of its energy says, here by differences."""
    chain = study().chain("cold", 5000)
    assert chain.stiffness == pytest.approx(30 * ARGON.epsilon_eV / ARGON.sigma_A**2)
    assert chain.length == pytest.approx(1.5 * ARGON.sigma_A)
    assert chain.coefficients.split()[2:] == ["0.0104", "3.405"]

    def energy(r: float) -> float:  # in ε and σ
        return -0.5 * 30 * 1.5**2 * math.log(1 - (r / 1.5) ** 2) + 4 * (r**-12 - r**-6)

    step = 1e-3
    curvature = (energy(0.97 + step) - 2 * energy(0.97) + energy(0.97 - step)) / step**2
    unit_of_time = 3.405e-10 * math.sqrt(39.948 * 1.66053907e-27 / (0.0104 * 1.602176634e-19))
    assert chain.period_ps == pytest.approx(1e12 * unit_of_time * 2 * math.pi / math.sqrt(2 * curvature), rel=1e-4)
    stiff = study(bond="harmonic", stiffness_eV_per_A2=0.5, length_A=3.4).chain("cold", 5000)
    assert stiff.coefficients == "0.5 3.4"
    reduced_mass = 39.948 / 2 * 1.66053907e-27
    assert stiff.period_ps == pytest.approx(2e12 * math.pi * math.sqrt(reduced_mass / (2 * 0.5 * 16.0217663)), rel=1e-6)


@pytest.mark.parametrize(
    ("chains", "message"),
    [
        (
            {"fraction": 0.0001},
            r"fraction = 0\.0001 of \d+ fluid atoms in the cold bath is less than one chain of 10 atoms",
        ),
        ({"fraction": 1.2}, r"baths\.chains\.fraction = '?1\.2"),
        ({"atoms": 1}, r"baths\.chains\.atoms = '?1"),
        ({"length_A": 3.5}, r"length_A = 3\.5 is the longest possible fene bond, .*make it larger \(usual: 5\.11\)"),
        (
            {"bond": "harmonic", "stiffness_eV_per_A2": 50},
            r"timestep_fs = 4 is too long for bonds that vibrate in 28\.6 fs: use at most 1\.4 fs",
        ),
        (
            {"edge_nm": 3.6, "atoms": 100},
            r"chains\.atoms = 100: such a chain is placed as a square that reaches 21 Å from its middle, and a bath of "
            r"edge_nm = 3\.6 has 15\.7 Å between its middle and the metal at both ends: use at most 56 atoms, or edge_nm of at "
            r"least 4\.7",
        ),
        (
            {"fraction": 0.6, "edge_nm": 3.6, "atoms": 30},
            r"chains\.fraction = 0\.6: the 15 chains of 30 atoms do not all find a place in the cold bath of "
            r"edge_nm = 3\.6: use a fraction of at most 0\.24, shorter chains",
        ),
        (
            {"edge_nm": 3.6, "bond": "harmonic", "length_A": 1e9},
            r"chains\.length_A = 1e\+09: the bonds of chains of 10 atoms in a cold bath .* must be 1\.7 to 8\.3 Å long",
        ),
        (
            {"bond": "harmonic", "length_A": 1e-9},
            r"chains\.length_A = 1e-09: the bonds of chains of 10 atoms in a cold bath .* must be 1\.7 to 8\.5 Å long",
        ),
    ],
)
def test_chains_that_cannot_be_are_refused(chains: dict[str, Any], message: str) -> None:
    """By name, with the cure."""
    with pytest.raises(StudyError, match=message):
        study(**chains)


@pytest.mark.parametrize(("atoms", "edge_nm"), [(10, 3.6), (30, 3.6), (100, 5.0)])
def test_a_crowd_is_refused_that_placement_at_random_does_not_reach(atoms: int, edge_nm: float) -> None:
    """Chains placed one by one, as LAMMPS does it, find room up to the proposed fraction, and never at a refused one."""
    with pytest.raises(StudyError, match=r"do not all find a place") as failure:
        study(1.0, edge_nm, atoms=atoms)
    (proposed,) = set(re.findall(r"use a fraction of at most ([\d.]+)", str(failure.value)))
    allowed = study(float(proposed), edge_nm, atoms=atoms)
    placed = placed_at_random(allowed, tries=2000)
    assert placed >= allowed.chain("cold", allowed.fluid_atoms("cold")).count
    refused = next(
        n for n in range(placed, 1000) if is_refused(n * atoms / allowed.fluid_atoms("cold"), edge_nm, atoms)
    )
    assert placed < refused


def is_refused(fraction: float, edge_nm: float, atoms: int) -> bool:
    """Whether chains of this fraction are too many."""
    try:
        study(fraction, edge_nm, atoms=atoms)
    except StudyError:
        return True
    return False


def placed_at_random(own: Study, tries: int) -> int:
    """Chains that find a place in a bath, each in so many tries, with no atom nearer than 2.297 Å to another or to metal."""
    random, edge, apart = np.random.default_rng(5), own.edge_A, 0.8 * 2.8715
    chain = own.chain("cold", 5000)
    ends = apart + chain.reach_A
    atoms = np.empty((0, 3))
    for placed in range(10_000):
        turns = Rotation.random(tries, rng=random)
        middles = np.column_stack([random.uniform(ends, edge - ends, tries), random.uniform(0, edge, (tries, 2))])
        found = np.stack([turns.apply(place) for place in chain.places_A], axis=1) + middles[:, None]
        found = found[(np.linalg.norm(found - edge / 2, axis=2) > 2.236 * 3.61 + apart).all(axis=1)] % edge
        if placed:
            nearest, _ = cKDTree(atoms, boxsize=np.full(3, edge)).query(found)
            found = found[np.asarray(nearest).min(axis=1) > apart]
        if not len(found):
            return placed
        atoms = np.concatenate([atoms, found[0]])
    raise AssertionError("all chains found a place")


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("side", ["cold", "hot"])
def test_chains_must_have_found_their_size(side: str, sign: int) -> None:
    """From the third to the last quarter of the time it changes by a tenth at most, larger or smaller, on either side."""
    baths = Baths(study(), 1)

    def ended(change: float) -> dict[str, Any]:
        """Checks of 400 samples: 9 Å and then 5 Å, and this relative change of the last quarter on one side."""
        series = pd.DataFrame(index=range(400))
        for each, kelvin in (("cold", 100.0), ("hot", 120.0)):
            series[f"order_{each}_1"] = 0.05
            series[f"temperature_{each}_K"] = series[f"internal_temperature_{each}_K"] = kelvin
            last = 5.0 * (1 + change * (each == side))
            series[f"gyration_{each}_A"] = [9.0] * 200 + [5.0] * 100 + [last] * 100
        return baths.check_end(series)

    found = ended(0.099 * sign)
    assert found[f"chain_gyration_{side}_A"] == pytest.approx(5 * (1 + 0.099 * sign))
    assert found[f"chain_size_change_{side}"] == pytest.approx(0.099 * sign)
    with pytest.raises(RejectedError) as failure:
        ended(0.11 * sign)
    assert str(failure.value).endswith(
        f"the chains of the {side} bath still change their size, by {'+-'[sign < 0]}0.11 in a quarter of the time "
        "(allowed: limits.chain_size = 0.1): raise schedule.equilibration_ps"
    )
