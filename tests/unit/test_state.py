"""How much fluid a study states: one field of four, and what follows from a bulk density or a pressure before anything runs."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.constants import bar, electron_volt, physical_constants

from simulation.experiments import experiment_at
from simulation.experiments.base import RejectedError
from simulation.experiments.baths import Baths
from simulation.study.fields import Study, StudyError
from simulation.study.files import check_study
from simulation.study.liquid import density_at
from tests.unit.deck_reader import Deck, World


def study(**baths: Any) -> Study:
    """The paper's baths with some fields replaced."""
    return check_study("example", {"baths": baths})


@pytest.mark.parametrize(
    ("baths", "message"),
    [
        (
            {"pressure_bar": 100, "fluid_atoms": 25280},
            "give exactly one of fluid_atoms, accessible_density_per_nm3, bulk_",
        ),
        (
            {"edge_nm": 3.6, "bulk_density_per_nm3": 18},
            "fluid atoms are 1.2 nm or more from the metal, and 300 are needed",
        ),
        ({"bulk_density_per_nm3": {"cold": 18}}, "lacks the hot bath"),
        ({"bulk_density_per_nm3": 30}, "do not fit a bath of edge_nm = 11 as a liquid"),
        ({"pressure_bar": -900}, "do not fill a bath of edge_nm = 11 with liquid"),
    ],
)
def test_impossible_states_are_refused(baths: dict[str, Any], message: str) -> None:
    """By field and cure, as is more than one statement."""
    with pytest.raises(StudyError) as caught:
        study(**baths)
    assert message in "\n".join(caught.value.problems)


@pytest.mark.parametrize("walls", ["metal", "none"])
@pytest.mark.parametrize("edge_nm", [3.4, 4.5, 6.5, 11.0])
def test_bulk_is_what_lies_far_from_all_metal(walls: str, edge_nm: float) -> None:
    """Its volume, against points drawn at random; in the smallest bath the layers on the particle reach beyond the faces."""
    chosen = study(edge_nm=edge_nm, walls=walls, accessible_density_per_nm3=19)
    margin, edge = 3.5 * 3.405, 10 * edge_nm
    points = np.random.default_rng(1).uniform(-edge / 2, edge / 2, (400_000, 3))
    far = np.linalg.norm(points, axis=1) > 2.236 * 3.61 + margin
    if walls == "metal":
        far &= np.abs(points[:, 0]) < edge / 2 - margin
    error = math.sqrt(far.mean() / 400_000) * edge**3
    assert chosen.bulk_volume_A3("cold") == pytest.approx(far.mean() * edge**3, abs=4 * error)


def test_first_guess_is_near_the_paper() -> None:
    """Study demo has 17.7 argon atoms per nm³ around its particle, and 19.56 in its accessible volume: the guess knows both."""
    demo = study(edge_nm=6.5, accessible_density_per_nm3=19.56)
    guess = study(edge_nm=6.5, bulk_density_per_nm3=17.7)
    assert guess.fluid_atoms("cold") == pytest.approx(demo.fluid_atoms("cold"), rel=0.02)
    thick, thin = (study(edge_nm=6.5, pressure_bar=bar).fluid_atoms("hot") for bar in (800, 0))
    assert thin < thick < 1.4 * thin


@pytest.mark.parametrize("walls", ["metal", "none"])
@pytest.mark.parametrize("aim", ["bulk_density_per_nm3", "pressure_bar"])
def test_first_guess_is_the_bulk_s_density_and_a_layer_on_metal(aim: str, walls: str) -> None:
    """Bulk in the room of the fluid, and 0.6 atoms per σ² of the particle and of two walls; each side by its own fluid."""
    fluids = {"cold": ("argon", 0.0104, 3.405, 100.0), "hot": ("krypton", 171.0 / 11604.518, 3.60, 130.0)}
    stated = {"cold": 17.0, "hot": 16.0} if aim == "bulk_density_per_nm3" else {"cold": 300.0, "hot": 500.0}
    baths = {"edge_nm": 6.5, "walls": walls, "temperature_hot_K": 130, aim: stated}
    chosen = check_study(
        "example",
        {
            "baths": baths,
            "materials": {"fluid": {side: fluid[0] for side, fluid in fluids.items()}, "cutoff_A": 9.5},
            "limits": {"liquid": False},
        },
    )
    for side, (_, epsilon, sigma, kelvin) in fluids.items():
        skin, radius = (sigma + 2.338) / 4, 2.236 * 3.61
        metal = 4 * math.pi * radius**2 + (2 * 65**2 if walls == "metal" else 0)
        room = 65**2 * (65 - (2 * skin if walls == "metal" else 0)) - 4 / 3 * math.pi * (radius + skin) ** 3
        density = stated[side] / 1000
        if aim == "pressure_bar":
            reduced = stated[side] / UNIT * sigma**3 / epsilon
            density = density_at(reduced, kelvin / 11604.518 / epsilon, 9.5 / sigma) / sigma**3
        assert chosen.fluid_atoms(side) == pytest.approx(density * room + 0.6 * metal / sigma**2, rel=5e-4)


def test_a_small_bath_has_no_bulk() -> None:
    """Where layers on both walls meet."""
    tiny = study(edge_nm=3.4, accessible_density_per_nm3=19)
    tiny = tiny.model_copy(update={"baths": tiny.baths.model_copy(update={"edge_nm": 2.3})})
    assert tiny.bulk_volume_A3("cold") == 0


@pytest.mark.parametrize("side", ["cold", "hot"])
@pytest.mark.parametrize("walls", ["metal", "none"])
def test_atoms_that_a_unit_of_the_aim_needs(walls: str, side: str) -> None:
    """Of the density, those in the room that the fluid has; of the pressure, as many as the first guess differs by."""
    skin, radius = (3.405 + 2.338) / 4, 2.236 * 3.61
    room = 65**2 * (65 - (2 * skin if walls == "metal" else 0)) - 4 / 3 * math.pi * (radius + skin) ** 3
    dense = study(edge_nm=6.5, walls=walls, bulk_density_per_nm3=17)
    assert dense.atoms_per_aim(side) == pytest.approx(room / 1000)
    one, two = (study(edge_nm=6.5, walls=walls, pressure_bar=bar) for bar in (250, 450))
    middle = study(edge_nm=6.5, walls=walls, pressure_bar=350)
    differ = (two.fluid_atoms(side) - one.fluid_atoms(side)) / 200
    assert middle.atoms_per_aim(side) == pytest.approx(differ, rel=0.08)


@pytest.mark.parametrize("aim", ["bulk_density_per_nm3", "pressure_bar"])
def test_filling_goes_towards_what_the_study_states(aim: str) -> None:
    """Each side for itself gets atoms below its aim and loses some above it: what the difference needs, or a tenth of all."""
    stated = {"cold": 17.0, "hot": 16.0} if aim == "bulk_density_per_nm3" else {"cold": 400.0, "hot": 200.0}
    chosen = study(edge_nm=6.5, **{aim: stated})
    build = experiment_at(chosen, "equilibrated", 1)
    deck = build.deck(build.pieces()[0], "")
    formulas = dict(
        re.findall(r"^variable +(\w+) +(?:equal|string) (.+)$", deck, re.MULTILINE)[::-1]
    )  # of the first round
    (order,) = set(
        re.findall(r"^fix +fill_mean all ave/time .* v_\w+_(cold|hot) v_\w+_(cold|hot)$", deck, re.MULTILINE)
    )

    def change(side: str, difference: float) -> int:
        """Atoms to add to a side, negative if it loses some, if it is so far from its aim and the other side at its own."""
        measured = [stated[each] + (difference if each == side else 0.0) for each in order]

        def value(name: str) -> float:
            formula = re.sub(r"v_(\w+)", lambda found: f"({value(found[1])!r})", formulas[name])
            formula = re.sub(r"f_fill_mean\[(\d)\]", lambda found: repr(measured[int(found[1]) - 1]), formula)
            formula = re.sub(r"count\(fluid_\w+\)", "5000", formula).replace("$(", "(").replace(":%.0f", "")
            names = {"abs": abs, "round": round, "ternary": lambda condition, one, other: one if condition else other}
            return float(eval(formula, {"__builtins__": {}}, names))

        add, take = (value(f"{what}_{side}") for what in ("add", "take"))
        assert add == 0 or take == 0
        return round(add - take)

    for side in ("cold", "hot"):
        needed = 20 / chosen.atoms_per_aim(side)
        assert (change(side, -needed), change(side, needed)) == (20, -20)
        assert (change(side, -1e6), change(side, 1e6)) == (500, -500)


def test_filling_takes_smaller_steps_from_round_to_round() -> None:
    """What a difference needs in the first three rounds, and then a half, a third, ... of it: the mean of five estimates."""
    chosen = study(edge_nm=6.5, pressure_bar={"cold": 400.0, "hot": 200.0})
    build = experiment_at(chosen, "equilibrated", 1)
    deck = build.deck(build.pieces()[0], "")
    for side in ("cold", "hot"):
        found = re.findall(rf"^variable +wanted_{side} equal \(.*\)\*(.+)$", deck, re.MULTILINE)
        assert [*map(float, found)] == pytest.approx([chosen.atoms_per_aim(side) / n for n in (1, 1, 1, 2, 3, 4, 5)])


def test_deck_asks_lammps_how_many_atoms_there_are() -> None:
    """After filling nobody knows their number beforehand, so that pressure and sink of momentum ask for it."""
    filled, fixed = study(pressure_bar=100), study(fluid_atoms=25280)
    for chosen, counts in ((filled, True), (fixed, False)):
        machine, drag = (experiment_at(chosen, point, 1) for point in ("friction", "drag/hot/F_0.3"))
        decks = [run.deck(run.pieces()[-1], "restart") for run in (machine, drag)]
        assert ["count(fluid_hot)" in deck for deck in decks] == [counts, counts]
        build = drag.deck(drag.pieces()[0], "")
        assert ("create_atoms    2 random" in build or '"create_atoms 2 random' in build) == counts


FLUID, WALL, WHOLE = (
    {"cold": frozenset(cold), "hot": frozenset(hot)}
    for cold, hot in (((1,), (2,)), ((5,), (6,)), ((1, 3, 5), (2, 4, 6)))
)
UNIT = electron_volt / (bar * 1e-30)
"""1 eV/Å³ in bar."""


def world_of(side: str) -> World:
    """500 of 3000 atoms in the bulk of one side, 0.07 eV/Å on its walls, 1, 2 and 4 bar Å³ on the diagonal of its stress."""

    def world(style: str, group: frozenset[int], arguments: tuple[Any, ...] = (), index: int = 0) -> float:
        match style, arguments:
            case "count", (region,):
                assert (group, region) == (FLUID[side], f"bulk_{side}")
                return 500.0
            case "count", ():
                assert group == WHOLE[side]
                return 3000.0
            case "reduce", ("sum", str(variable)):
                assert (group, variable) == (WALL[side], f"v_outwards_{side}")
                return 0.07
        (kind, _, options), component = arguments[1]
        assert (style, group, arguments[0]) == ("reduce", WHOLE[side], "sum")
        assert (kind, options) == ("stress/atom", ("NULL", "pair"))
        return float(2 ** (component - 1))

    return world


@pytest.mark.parametrize("stage", [0, 1])
@pytest.mark.parametrize("walls", ["metal", "none"])
def test_bulk_and_pressure_are_measured_where_they_are(walls: str, stage: int) -> None:
    """Atoms farther than 3.5 σ from metal, over the volume there; the force on two walls over their area, or the virial."""
    chosen = study(edge_nm=6.5, walls=walls, bulk_density_per_nm3={"cold": 17.0, "hot": 16.0})
    run = experiment_at(chosen, "equilibrated", 1)
    deck = Deck(run.deck(run.pieces()[stage], "restart"))
    margin = 3.5 * 3.405
    for side, place in (("cold", 0.0), ("hot", 65.0)):
        low = place if walls == "metal" else 0.0
        *sphere, where, outside, _, _ = deck.one("region", f"bulk{'_outside' * (walls == 'metal')}_{side}", "sphere")
        assert [*map(float, sphere)] == pytest.approx([low + 32.5, 32.5, 32.5, 2.236 * 3.61 + margin])
        assert (where, outside) == ("side", "out")
        density = 1000 * 500 / chosen.bulk_volume_A3(side)
        assert deck.variable(f"bulk_density_{side}", world_of(side)) == pytest.approx(density)
        pressure = deck.variable(f"bulk_pressure_{side}", world_of(side))
        if walls == "metal":
            left, right, *others = deck.one("region", f"bulk_between_{side}", "block")
            assert (float(left), float(right)) == pytest.approx((low + margin, low + 65 - margin))
            assert others == ["INF"] * 4 + ["units", "box"]
            both = ["2", f"bulk_outside_{side}", f"bulk_between_{side}"]
            assert deck.one("region", f"bulk_{side}", "intersect") == both
            assert pressure == pytest.approx(UNIT * 0.07 / (2 * 65**2))
            for x, force in ((low, -0.3), (low + 65, 0.3)):  # both push outwards
                assert deck.value(deck.atom_variables[f"outwards_{side}"], x=x, fx=force) == pytest.approx(0.3)
        else:
            ideal = 3000 * physical_constants["Boltzmann constant"][0] / (bar * 1e-30) * chosen.temperature_K(side)
            assert pressure == pytest.approx((ideal - 7 / 3) / 65**3, rel=1e-6)


# --- judged at the end of the equilibration -----------------------------------------------------------------------------------

AIMS = {"bulk_density_per_nm3": {"cold": 17.0, "hot": 16.0}, "pressure_bar": {"cold": 400.0, "hot": 200.0}}
COLUMN = {"bulk_density_per_nm3": "bulk_density_{}_per_nm3", "pressure_bar": "bulk_pressure_{}_bar"}


def ended(aim: str, side: str, difference: float, scatter: float = 0.0) -> dict[str, Any]:
    """And within three standard errors, with a new sample each 2 ps; too much or too little, on either side."""
    chosen = study(edge_nm=6.5, **{aim: AIMS[aim]})
    series = pd.DataFrame(index=range(400))
    for each, kelvin in (("cold", 100.0), ("hot", 120.0)):
        series[f"order_{each}_1"] = 0.05
        series[f"temperature_{each}_K"] = series[f"internal_temperature_{each}_K"] = kelvin
        for name in COLUMN.values():
            series[name.format(each)] = 18.5
        wanted = AIMS[aim][each] + (difference if each == side else 0.0)
        series[COLUMN[aim].format(each)] = [1e3] * 300 + [wanted + scatter, wanted - scatter] * 50
    return Baths(chosen, 1).check_end(series)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("side", ["cold", "hot"])
@pytest.mark.parametrize("aim", AIMS)
def test_state_counts_as_reached_within_two_percent_of_the_atoms(aim: str, side: str, sign: int) -> None:
    """And within three standard errors besides, with a new sample each 2 ps; too much or too little, on either side."""
    chosen = study(edge_nm=6.5, **{aim: AIMS[aim]})
    allowed = 0.02 * chosen.fluid_atoms(side) / chosen.atoms_per_aim(side)
    found = ended(aim, side, 0.99 * sign * allowed)
    assert found[COLUMN[aim].format(side)] == pytest.approx(AIMS[aim][side] + 0.99 * sign * allowed)
    other = COLUMN[next(name for name in AIMS if name != aim)].format(side)
    assert found[other] == 18.5
    with pytest.raises(RejectedError) as failure:
        ended(aim, side, 1.01 * sign * allowed)
    reached = AIMS[aim][side] + 1.01 * sign * allowed
    assert f"the {side} bath has reached {reached:.4g} ± " in str(failure.value)
    assert f", and baths.{aim} = {AIMS[aim][side]:g}: " in str(failure.value)
    assert "more than 2 % of its atoms are missing or too many: raise schedule.filling_ps" in str(failure.value)
    # Samples every 0.1 ps: the last 100 are five independent ones.
    error = allowed * math.sqrt(100 / 99 / 5)
    ended(aim, side, sign * (0.99 * allowed + 3 * error), scatter=allowed)
    with pytest.raises(RejectedError, match=f"± {error:.2g}"):
        ended(aim, side, sign * (1.01 * allowed + 3 * error), scatter=allowed)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("side", ["cold", "hot"])
@pytest.mark.parametrize("aim", AIMS)
def test_bath_of_a_drag_is_judged_by_its_last_rounds_of_filling(aim: str, side: str, sign: int) -> None:
    """By the mean of three, within two percent of the atoms of its cube and three standard errors besides."""
    chosen = study(edge_nm=6.5, **{aim: AIMS[aim]})
    run = experiment_at(chosen, f"drag/{side}/F_0.3", 1)
    wanted, column = AIMS[aim][side], COLUMN[aim].format(side)
    allowed = 0.02 * chosen.fluid_atoms(side, walls=False) / chosen.atoms_per_aim(side, walls=False)
    scatter = 0.1 * allowed
    error = scatter / math.sqrt(3)

    def rounds(difference: float) -> dict[str, list[float]]:
        last = [wanted + sign * (difference + scatter * each) for each in (-1.0, 1.0, 0.0)]
        return {side: [wanted + 100 * allowed] * 4 + last}

    found = run.check_filling(rounds(0.99 * allowed + 3 * error))
    name = column.removesuffix("_bar").removesuffix("_per_nm3")
    assert found[column] == pytest.approx(wanted + sign * (0.99 * allowed + 3 * error))
    assert found[column.replace(name, f"{name}_se")] == pytest.approx(error)
    with pytest.raises(RejectedError) as failure:
        run.check_filling(rounds(1.01 * allowed + 3 * error))
    assert re.search(
        f"drag/{side}/F_0.3 replica 1: the {side} bath has reached .* ± {error:.2g}, and", str(failure.value)
    )
    assert str(failure.value).endswith("atoms are missing or too many: raise schedule.filling_ps")


def test_filling_is_judged_for_drags_only() -> None:
    """The baths are judged at the end of their equilibration, and nothing is judged where nothing was filled."""
    chosen = study(edge_nm=6.5, pressure_bar=100)
    far = {"cold": [900.0] * 7, "hot": [900.0] * 7}
    for point in ("equilibrated", "friction", "kH_4.80"):
        assert experiment_at(chosen, point, 1).check_filling(far) == {}
    assert experiment_at(chosen, "drag/cold/F_0.3", 1).check_filling({}) == {}


@pytest.mark.parametrize("point", ["equilibrated", "friction", "kH_4.80", "drag/cold/F_0.3", "drag/hot/F_0.3"])
def test_records_count_the_atoms_of_each_bath(point: str) -> None:
    """From those of each type that LAMMPS ended with: 4000 cold and 3900 hot, over the room that each has."""
    chosen = study(edge_nm=6.5, pressure_bar=100)
    run = experiment_at(chosen, point, 1)
    assert run.counted([]) == {}
    skin, edge, radius = (3.405 + 2.338) / 4, 65.0, 2.236 * 3.61
    ball = 4 / 3 * math.pi * (radius + skin) ** 3
    found = run.counted([0, 4000, 3900, 186, 186, 300, 300])
    if point.startswith("drag"):
        atoms = 4000 if "cold" in point else 3900
        assert found["fluid_atoms"] == atoms
        assert found["accessible_density_per_nm3"] == pytest.approx(1000 * atoms / (edge**3 - ball), rel=1e-4)
    else:
        room = edge**2 * (edge - 2 * skin) - ball
        assert found["fluid_atoms_per_bath"] == {"cold": 4000, "hot": 3900}
        densities = {"cold": 4e6 / room, "hot": 3.9e6 / room}
        assert found["accessible_density_per_nm3"] == pytest.approx(densities, rel=1e-4)
        assert run.counted([0, 4000, 4000, 186, 186, 300, 300])["fluid_atoms_per_bath"] == 4000


@pytest.mark.parametrize("filling_ps", [60, 24])
@pytest.mark.parametrize("point", ["equilibrated", "drag/hot/F_0.3"])
def test_filling_takes_the_study_s_time_in_eight_rounds(point: str, filling_ps: float) -> None:
    """The fluid relaxes in the first, and has changed after each other one, whose second half is measured.

    Each side is at its own temperature, its sound damped critically, and its particle free to move.
    """
    data = {"baths": {"edge_nm": 6.5, "pressure_bar": 300}, "schedule": {"filling_ps": filling_ps}}
    run = experiment_at(check_study("example", data), point, 1)
    deck = Deck(run.deck(run.pieces()[0], ""))
    sides = ("hot",) if point.startswith("drag") else ("cold", "hot")
    rounds = deck.all("fix", "fill_mean")
    assert len(rounds) == 7
    (mean,) = {tuple(words) for words in rounds}
    every, repeat, steps = map(int, mean[2:5])
    assert (mean[:2], mean[5:]) == (("all", "ave/time"), tuple(f"v_bulk_pressure_{side}" for side in sides))
    assert 8 * steps == pytest.approx(1000 * filling_ps, rel=0.04)
    assert 2 * every * repeat == steps
    runs = [int(words[0]) for words in deck.all("run")]
    assert runs == [500, 500, steps, *[steps, 300] * 7]
    unit = 3.405e-10 * math.sqrt(39.948 * 1.66053907e-27 / (0.0104 * electron_volt)) * 1e12
    for side, kelvin in (("cold", 100.0), ("hot", 120.0)):
        heats = deck.all("fix", f"fill_heat_{side}")
        assert len(heats) == (14 if side in sides else 0)
        # Where the pressure of argon is 300 bar, by PeTS: its derivative with respect to the density, Pa nm³.
        slope = 212.7e5 if side == "cold" else 149.5e5
        sound = math.sqrt(slope / 1e27 / (39.948 * 1.66053907e-27)) / 100  # Å/ps
        for number, (group, style, low, high, damping, _) in enumerate(heats):
            assert (group, style, float(low), float(high)) == (f"fluid_{side}", "langevin", kelvin, kelvin)
            if number % 2:
                assert float(damping) == pytest.approx(unit / 20, rel=1e-6)
            else:
                assert float(damping) == pytest.approx(65 / (4 * math.pi * sound), rel=0.05)
        seeds = [words[-1] for words in heats]
        assert len(set(seeds)) == len(seeds)
    text = run.deck(run.pieces()[0], "")
    for side, number in (("cold", 1), ("hot", 2)):
        lost = re.findall(
            rf'^if "\$\{{take_{side}\}} > 0" then "delete_atoms random count \$\{{take_{side}\}} yes (\w+) NULL (\d+)"$',
            text,
            re.M,
        )
        added = re.findall(
            rf'^if "\$\{{add_{side}\}} > 0" then "create_atoms (\d) random \$\{{add_{side}\}} (\d+) (\w+)"$', text, re.M
        )
        drawn = [words[1] for words in deck.all("velocity", f"fluid_{side}", "create")][3:-1]
        assert len(lost) == len(added) == len(drawn) == (7 if side in sides else 0)
        assert {group for group, _ in lost} <= {f"fluid_{side}"}
        assert {(kind, place) for kind, _, place in added} <= {(str(number), f"sites_{side}")}
        for stream in ([seed for _, seed in lost], [seed for _, seed, _ in added], drawn):
            assert len(set(stream)) == len(stream), "each round has random numbers of its own"
    # New atoms belong to the groups of their side before their velocities are drawn.
    first = text.index("random count")
    assert (
        first
        < text.index("\ngroup           fluid_hot type 2\n", first)
        < text.index("\nvelocity        fluid_hot", first)
    )
    for what in [f"trap_{side}" for side in sides if len(sides) == 2] + [f"fill_heat_{side}" for side in sides]:
        assert len(deck.all("fix", what)) == len(deck.all("unfix", what))
    measured = [
        words[0] for words in deck.all("compute") if words[0].startswith(("outwards", "bulk_virial", "bulk_stress"))
    ]
    assert sorted(measured) == sorted(words[0] for words in deck.all("uncompute"))
    held = [words[1:] for words in deck.all("fix", "fill_move")]
    assert held == [["nve"], ["nve/limit", "0.05"]] * 7
    assert deck.all("fix", "fill_metal") == [["particles", "nve"]] * 7
    for name in ("fill_mean", "fill_metal"):
        assert len(deck.all("unfix", name)) == 7
