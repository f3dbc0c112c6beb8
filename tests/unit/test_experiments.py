"""What simulations a study has, how each runs in segments, what it is judged by, and that a new kind is one class."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import pytest
from scipy.constants import physical_constants

from simulation.engines.ranks import Ranks
from simulation.experiments import experiment_at, experiments
from simulation.experiments.base import Balance, Column, Experiment, Kind, Piece, RejectedError, Stage
from simulation.experiments.baths import Baths, starts
from simulation.experiments.machine import (
    Machine,
    closure_limit,
    points,
    shown_points,
    thermostat_comparison,
    thermostat_frictions,
    with_variants,
)
from simulation.folder import run_folder
from simulation.folder.archive import archive, unpack
from simulation.folder.closure import ClosureError
from simulation.overview.jobs import jobs
from simulation.overview.plan import cost_table, costs_of
from simulation.overview.speed import Speed
from simulation.overview.status import status_text
from simulation.perform import perform, segments_of
from simulation.study.fields import Study, StudyError
from simulation.study.files import check_study, load_study

DATA: dict[str, Any] = {
    "baths": {
        "edge_nm": "6.5",
        "accessible_density_per_nm3": "19.56",
        "temperature_cold_K": 90,
        "temperature_hot_K": 130,
    },
    "demon": {"kappa_ratios": ["1.2", "4.80", "-0.01"], "coupling_axes": "xz"},
    "drag": {"forces_nN": ["0.3"]},
    "integration": {"timestep_fs": "4"},
    "schedule": {
        "equilibration_ps": 50,
        "relaxation_ps": 30,
        "friction_ns": 0.08,
        "sweep_ns": 0.06,
        "trajectory_every_ps": 5,
        "segment_ps": 20,
    },
}
SIDES = ("cold", "hot")
BOLTZMANN = physical_constants["Boltzmann constant in eV/K"][0]


def study(name: str = "example", /, **sections: Any) -> Study:
    """A study with some fields replaced."""
    changed = {
        key: DATA.get(key, {}) | values if isinstance(values, dict) else values for key, values in sections.items()
    }
    return check_study(name, DATA | changed)


# --- which there are --------------------------------------------------------------------------------------------------


def test_a_study_has_each_simulation_once_in_an_order_that_can_run() -> None:
    """Baths come before what starts from them, the exact model has none, and each can be found by its name."""
    chosen = study(schedule={"friction_replicas": 2})
    found = [(run.point, run.replica) for run in experiments(chosen)]
    assert found == [
        ("equilibrated", 1),
        ("friction", 1),
        ("friction", 2),
        ("kH_1.2", 1),
        ("kH_4.80", 1),
        ("kH_-0.01", 1),
        ("drag/cold/F_0.3", 1),
        ("drag/hot/F_0.3", 1),
    ]
    exact = study(engine="langevin")
    assert [run.point for run in experiments(exact)] == [point for point, n in found[1:] if n == 1]
    for one in (chosen, exact):
        for run in experiments(one):
            assert experiment_at(one, run.point, run.replica) == run
    assert experiment_at(chosen, "sweep/kH_4.80", 1) == experiment_at(chosen, "kH_4.80", 1)


def test_points_are_named_as_the_study_spells_them() -> None:
    """Folder names keep the text of the study file; what the study does not have is refused with what it has."""
    chosen = study()
    assert points(chosen) == ["kH_1.2", "kH_4.80", "kH_-0.01"]
    folders = {run.point: run.folder for run in experiments(chosen)}
    assert folders == {
        "equilibrated": "example/equilibrated/replica_1",
        "friction": "example/friction/replica_1",
        "kH_1.2": "example/sweep/kH_1.2/replica_1",
        "kH_4.80": "example/sweep/kH_4.80/replica_1",
        "kH_-0.01": "example/sweep/kH_-0.01/replica_1",
        "drag/cold/F_0.3": "example/drag/cold/F_0.3/replica_1",
        "drag/hot/F_0.3": "example/drag/hot/F_0.3/replica_1",
    }
    known = r"\(friction, kH_1.2, kH_4.80, kH_-0.01\)"
    for point, replica, message in (
        ("kH_4.8", 1, rf"kH_4.8 is not one of its points {known}: add it to demon.kappa_ratios"),
        ("kH_4.80", 2, r"kH_4.80: replica 2 is not one of 1: raise the replicas of the schedule"),
        ("friction", 0, r"friction: replica 0 is not one of 1"),
        ("equilibrated", 2, r"equilibrated: replica 2 is not one of 1: all runs share this start, unless "),
        ("drag/cold/F_3", 1, r"force 3 is not one of 0\.3"),
        ("kh_4.80", 1, r"kh_4.80 is not one of its points \(equilibrated, friction, kH_1.2, .*, drag/hot/F_0.3\)"),
    ):
        with pytest.raises(StudyError, match=message):
            experiment_at(chosen, point, replica)


def test_starts_of_each_replica_are_as_many_as_the_replicas() -> None:
    """With independent starts a further one needs a further replica."""
    chosen = study(schedule={"independent_starts": True})
    with pytest.raises(
        StudyError, match=r"replica 2 is not one of 1: raise schedule\.friction_replicas or schedule\.sweep"
    ):
        experiment_at(chosen, "equilibrated", 2)


def test_each_kind_of_folder_belongs_to_one_kind_of_run() -> None:
    """The patterns that the workflow's rules are given match the folders of their own kind and no others."""
    chosen = study(demon={"kappa_ratios": ["4.80", "1e-1", "+2", "-0.5"], "coupling_cold_eV_per_A2": 0.01})
    for run in experiments(chosen):
        matching = [kind.kind for kind in Experiment.known if re.fullmatch(kind.purpose_pattern, run.group)]
        assert matching == [run.kind]
    assert not any(
        re.fullmatch(kind.purpose_pattern, name)
        for kind in Experiment.known
        for name in ("sweep/kH_", "sweep/kH_4.80/replica_1", "drag/warm/F_3", "figures", "frictions")
    )


def test_runs_say_what_they_are_for() -> None:
    """`run.json` tells the analysis by these words which runs to read."""
    found = {run.point: run.purpose for run in experiments(study())}
    assert found == {
        "equilibrated": "equilibration",
        "friction": "friction",
        "kH_1.2": "sweep",
        "kH_4.80": "sweep",
        "kH_-0.01": "sweep",
        "drag/cold/F_0.3": "drag",
        "drag/hot/F_0.3": "drag",
    }


def test_starts_are_shared_or_each_replica_s_own() -> None:
    """All runs begin from one start, or replica n of every point from start n, each of its own build."""
    shared = study(schedule={"friction_replicas": 3, "sweep_replicas": 2})
    own = study(schedule={"friction_replicas": 3, "sweep_replicas": 2, "independent_starts": True})
    more = study(schedule={"friction_replicas": 2, "sweep_replicas": 4, "independent_starts": True})
    assert (starts(shared), starts(own), starts(more)) == (1, 3, 4)
    assert [run.replica for run in experiments(own) if run.kind == "baths"] == [1, 2, 3]
    for run in experiments(shared) + experiments(own):
        wanted = run.replica if run.study == own else 1
        assert run.start == (Baths(run.study, wanted) if run.kind == "machine" else None)
    assert len({run.fingerprint for run in experiments(own) if run.kind == "baths"}) == 3
    assert experiment_at(study(engine="langevin"), "kH_4.80", 1).start is None
    first = Baths(own, 1)
    assert {p.fingerprint for p in (first, Baths(shared, 1))} == {first.fingerprint}, "the first start is the same"


def test_shown_points_are_the_nearest() -> None:
    """Each once, in the order of the study's own list; the last is the one that thermostats are compared at."""
    chosen = study(demon={"kappa_ratios": ["0.5", "1.2", "4.80"], "shown_ratios": ["0.17", "0.6", "4.0"]})
    assert shown_points(chosen) == ["kH_0.5", "kH_4.80"]
    assert thermostat_comparison(chosen) == {
        "nose-hoover": "example/sweep/kH_4.80",
        "langevin": "example@langevin/sweep/kH_4.80",
        "csvr": "example@csvr/sweep/kH_4.80",
    }
    # One that rubs on the fluid has a friction of its own, and nothing in common with the others where it is the study's own.
    assert thermostat_frictions(chosen) == {
        "nose-hoover": "example",
        "langevin": "example@langevin",
        "csvr": "example",
    }
    assert thermostat_frictions(study(baths={"thermostat": "langevin"})) == {
        "nose-hoover": "example@nose-hoover",
        "langevin": "example",
        "csvr": "example@csvr",
    }
    assert with_variants(load_study("bath-size")) == [
        "bath-size",
        "bath-size@edge-5",
        "bath-size@edge-8",
        "bath-size@edge-11",
    ]


def test_couplings_are_those_of_the_point() -> None:
    """κ_C is the study's, κ_H its ratio's multiple; a friction run, baths and a drag have neither demon nor axes."""
    found = {run.point: run.couplings for run in experiments(study(demon={"coupling_cold_eV_per_A2": 0.05}))}
    assert found.pop("kH_1.2") == pytest.approx((0.05, 0.06))
    assert found.pop("kH_4.80") == pytest.approx((0.05, 0.24))
    assert found.pop("kH_-0.01") == pytest.approx((0.05, -0.0005))
    assert set(found.values()) == {None}
    acting = {run.point for run in experiments(study()) if any(piece.demon_acts for piece in run.pieces())}
    assert acting == {"kH_1.2", "kH_4.80", "kH_-0.01"}
    assert all(piece.demon_acts for piece in experiment_at(study(), "kH_4.80", 1).pieces()), "while it relaxes, too"


def test_atoms_are_counted_with_the_walls() -> None:
    """Fluid and particles of both baths, and four planes of as many atoms as fit a square of edge L."""
    chosen = study()
    rows = round(65 / (3.61 / math.sqrt(2)))
    for run in experiments(chosen):
        if run.kind != "drag":
            assert run.atoms == 2 * (chosen.fluid_atoms("cold") + 186) + 4 * rows**2
    assert {run.atoms for run in experiments(study(engine="langevin"))} == {0}


def test_baths_without_walls_have_none_and_chains_are_told() -> None:
    """Neither atoms of walls nor a face along x; as many chains as the fraction of the fluid makes."""
    for walls, planes in (("none", 0), ("metal", 4)):
        chosen = study(baths={"walls": walls, "chains": {"fraction": 0.3, "atoms": 7}})
        run = experiment_at(chosen, "kH_4.80", 1)
        rows = round(65 / (3.61 / math.sqrt(2)))
        assert run.atoms == 2 * (chosen.fluid_atoms("cold") + 186) + planes * rows**2
        told = run.describe()["system"]
        assert told["boundaries"] == {"x": "walls" if planes else "periodic", "y": "periodic", "z": "periodic"}
        assert told["chains_per_bath"] == round(0.3 * chosen.fluid_atoms("cold") / 7)


# --- segments and clock -----------------------------------------------------------------------------------------------


def test_segments_make_up_each_stage() -> None:
    """A run's stages in segments of 20 ps, the last of a stage as long as is left; the clock is 0 where measuring begins."""
    run = experiment_at(study(), "kH_4.80", 1)
    found = [(p.stage.name, p.start_step, p.steps, p.is_first, p.is_measured, p.is_sampled) for p in run.pieces()]
    assert found == [
        ("relaxing", -7_500, 5_000, True, False, False),
        ("relaxing", -2_500, 2_500, False, False, False),
        ("measuring", 0, 5_000, True, True, True),
        ("measuring", 5_000, 5_000, False, True, True),
        ("measuring", 10_000, 5_000, False, True, True),
    ]
    assert [piece.index for piece in run.pieces()] == [0, 1, 2, 3, 4]
    assert run.duration_ps == 60
    assert experiment_at(study(), "friction", 1).duration_ps == 80
    assert run.sample_steps == 25


def test_building_is_a_segment_of_no_steps() -> None:
    """It comes first in baths and drags; what is sampled before the force sets in does not count as measured."""
    baths = experiment_at(study(), "equilibrated", 1).pieces()
    assert [(p.stage.name, p.start_step, p.steps, p.is_measured) for p in baths] == [
        ("building", 0, 0, False),
        ("equilibrating", 0, 5_000, True),
        ("equilibrating", 5_000, 5_000, True),
        ("equilibrating", 10_000, 2_500, True),
    ]
    drag = experiment_at(study(drag={"equilibration_ps": 30, "duration_ns": 0.04}), "drag/hot/F_0.3", 1).pieces()
    assert [(p.stage.name, p.start_step, p.steps, p.is_measured, p.is_sampled) for p in drag] == [
        ("building", 0, 0, False, False),
        ("equilibrating", -7_500, 5_000, False, True),
        ("equilibrating", -2_500, 2_500, False, True),
        ("pulling", 0, 5_000, True, True),
        ("pulling", 5_000, 5_000, True, True),
    ]
    assert not any(piece.demon_acts for piece in baths + drag)


@pytest.mark.parametrize("point", ["equilibrated", "kH_4.80", "drag/cold/F_0.3"])
def test_topology_is_kept_where_it_may_be_the_last(point: str) -> None:
    """The first segment's and that of the end of each stage, from which a run folder takes its own."""
    run = experiment_at(study(), point, 1)
    pieces = run.pieces()
    ends = [following.is_first for following in pieces[1:]] + [True]
    assert [piece.keeps_topology for piece in pieces] == [n == 0 or end for n, end in enumerate(ends)]


def test_a_longer_run_begins_with_the_segments_of_a_shorter_one() -> None:
    """So that it continues it: same steps, same clock, same streams of random numbers, same decks."""
    short, long = (study(schedule={"sweep_ns": ns}, baths={"thermostat": "csvr"}) for ns in (0.06, 0.1))
    runs = [experiment_at(chosen, "kH_4.80", 1) for chosen in (short, long)]
    pieces = [run.pieces() for run in runs]
    assert len(pieces[1]) == len(pieces[0]) + 2
    for one, other in zip(*pieces, strict=False):
        assert (one.steps, one.start_step, one.stage.name) == (other.steps, other.start_step, other.stage.name)
        assert runs[0].deck(one, "r") == runs[1].deck(other, "r")


# --- what run.json tells ----------------------------------------------------------------------------------------------


def test_parameters_of_a_machine_are_those_that_it_ran_with() -> None:
    """All of them, side by side; in a friction run nothing couples and there is no coupled axis."""
    chosen = study(trap={"stiffness_eV_per_A2": 0.02}, demon={"coupling_cold_eV_per_A2": 0.05})
    mass = 186 * 63.546 * 1.0364269e-4
    common = {
        "mass_cold_eV_ps2_per_A2": pytest.approx(mass, rel=1e-6),
        "mass_hot_eV_ps2_per_A2": pytest.approx(mass, rel=1e-6),
        "trap_stiffness_eV_per_A2": 0.02,
        "temperature_cold_K": 90,
        "temperature_hot_K": 130,
        "timestep_ps": 0.004,
        "sample_interval_ps": 0.1,
    }
    coupled = {"coupling_cold_eV_per_A2": 0.05, "coupling_hot_eV_per_A2": pytest.approx(0.24), "coupling_axes": "xz"}
    free = {"coupling_cold_eV_per_A2": 0.0, "coupling_hot_eV_per_A2": 0.0, "coupling_axes": ""}
    told = {point: experiment_at(chosen, point, 1).describe() for point in ("kH_4.80", "friction", "equilibrated")}
    assert told["kH_4.80"]["parameters"] == common | coupled
    assert told["friction"]["parameters"] == common | free
    assert (told["kH_4.80"]["kappa_ratio"], told["friction"]["kappa_ratio"]) == ("4.80", None)
    kept = ("temperature_cold_K", "temperature_hot_K", "timestep_ps", "sample_interval_ps")
    assert told["equilibrated"]["parameters"] == {key: common[key] for key in kept}
    assert told["kH_4.80"]["system"] == {
        "fluid_atoms_per_bath": chosen.fluid_atoms("cold"),
        "metal_atoms_per_particle": 186,
        "bath_edge_A": 65.0,
        "accessible_density_per_nm3": pytest.approx(19.56, abs=2e-3),
        "boundaries": {"x": "walls", "y": "periodic", "z": "periodic"},
    }
    exact = study(engine="langevin", langevin={"friction_cold_kg_per_s": 2e-12, "friction_hot_kg_per_s": 5e-12})
    found = experiment_at(exact, "kH_4.80", 1).describe()
    assert (found["friction_cold_kg_per_s"], found["friction_hot_kg_per_s"]) == (2e-12, 5e-12)
    assert found["parameters"] == common | coupled | {
        "trap_stiffness_eV_per_A2": 0.01,
        "coupling_cold_eV_per_A2": 0.1,
    } | {"coupling_hot_eV_per_A2": pytest.approx(0.48)}


def test_law_that_acts_is_told() -> None:
    """With its version, couplings and axes; of a run without demon there is none."""
    run = experiment_at(study(), "kH_4.80", 1)
    assert run.controller_identity() == {
        "law": "linear",
        "version": 1,
        "options": {},
        "couplings": [0.1, pytest.approx(0.48)],
        "axes": "xz",
    }
    assert experiment_at(study(), "friction", 1).controller_identity() is None


# --- energy -----------------------------------------------------------------------------------------------------------


def machine_series(axes: str, drift: dict[str, float]) -> pd.DataFrame:
    """A series whose first law holds on each side but for a drift in eV/ns; nothing in it is constant."""
    generator = np.random.default_rng(3)
    time = np.linspace(0, 400, 401)
    found: dict[str, Any] = {"time_ps": time}
    for side in SIDES:
        works = {axis: np.cumsum(generator.normal(size=time.size)) for axis in axes}
        energy, trap = (10 * generator.normal(size=time.size) + 50 for _ in range(2))
        stored = energy + trap
        found |= {f"work_{side}_{axis}_eV": work for axis, work in works.items()}
        found |= {f"energy_{side}_eV": energy, f"trap_{side}_eV": trap}
        taken = sum(works.values()) - (stored - stored[0])
        found[f"thermostat_{side}_eV"] = taken + drift[side] * time / 1000
    return pd.DataFrame(found)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("point", ["kH_4.80", "friction"])
def test_each_side_is_judged_by_its_own_balance(point: str, sign: int, side: str) -> None:
    """Thermostat + Δenergy + Δtrap − work over all coupled axes; a drift beyond the limit, up or down, is told of its side."""
    run = experiment_at(study(limits={"closure_drift_eV_per_ns": 0.3}), point, 1)
    axes = "xz" if point == "kH_4.80" else ""
    drift = {"cold": 0.02, "hot": -0.03} | {side: 0.29 * sign}
    told = run_folder.judge(run, machine_series(axes, drift))
    for each in SIDES:
        assert told[f"{each}_drift_eV_per_ns"] == pytest.approx(drift[each])
        assert told[f"{each}_rms_eV"] == pytest.approx(abs(drift[each]) * 0.4 / math.sqrt(12), rel=0.01)
    assert told["limit_eV_per_ns"] == 0.3
    with pytest.raises(ClosureError, match=rf"{re.escape(run.label)}, {side} side: energy drifts by -?0.31"):
        run_folder.judge(run, machine_series(axes, drift | {side: 0.31 * sign}))


def test_limit_is_a_share_of_the_heat_that_theory_expects() -> None:
    """5 % of the cold heat near its largest, through all coupled axes together; the closed form is the paper's.

    Q̇_C = k_B κ_C (κ_C T_H − κ_H T_C)/N, N = (m/2γ)(κ_C + κ_H)² + γ (2κ + κ_C + κ_H), at κ_H/κ_C = 1 + 2 T_H/T_C.
    """
    mass, gamma = 186 * 63.546 * 1.0364269e-4, 3.5e-12 / 1.602176634e-11  # eV ps²/Å², eV ps/Å²
    cold, hot = 0.1, 0.1 * (1 + 2 * 130 / 90)
    n = mass / (2 * gamma) * (cold + hot) ** 2 + gamma * (2 * 0.01 + cold + hot)
    heat = 1000 * BOLTZMANN * cold * (cold * 130 - hot * 90) / n
    for axes in ("x", "xz", "xyz"):
        limit, field = closure_limit(study(demon={"coupling_axes": axes}))
        assert limit == pytest.approx(0.05 * len(axes) * abs(heat), rel=1e-4)
        assert field.startswith("limits.closure_drift_of_heat")
    tighter = closure_limit(study(limits={"closure_drift_of_heat": 0.01}))[0]
    assert tighter == pytest.approx(0.01 * 2 * abs(heat), rel=1e-4)
    late = closure_limit(study(demon={"feedback": {"delay_ps": 0.2}}))[0]
    assert late == closure_limit(study())[0], (
        "a late controller may heat where another cools, and is judged as strictly"
    )
    own = study(limits={"closure_drift_eV_per_ns": 0.3, "closure_drift_of_heat": 0.01})
    assert closure_limit(own) == (0.3, "limits.closure_drift_eV_per_ns")
    # Whatever the signs of the couplings, and with one temperature, something must be allowed.
    assert closure_limit(study(demon={"coupling_cold_eV_per_A2": -0.1, "kappa_ratios": ["-4.80"]}))[0] > 0
    assert closure_limit(study(baths={"temperature_hot_K": 90}))[0] > 0
    # The paper's machine draws 0.29 eV/ns at most, so its limit is 5 % of about that.
    assert closure_limit(load_study("paper"))[0] == pytest.approx(0.05 * 0.289, rel=0.02)


# --- baths may be used ------------------------------------------------------------------------------------------------


def end(rows: float = 400, **changes: float) -> pd.DataFrame:
    """The series of an equilibration that ended well, but for some of its columns' last quarter."""
    columns: dict[str, Any] = {}
    for side in SIDES:
        early = np.arange(rows) < 0.7 * rows
        order = changes.get(f"order_{side}", 0.05)
        wanted = {"cold": 90.0, "hot": 130.0}[side]
        inside = changes.get(f"internal_temperature_{side}", wanted)
        columns[f"order_{side}_1"] = np.where(early, 0.9, order)
        columns[f"internal_temperature_{side}_K"] = np.where(early, 0.5 * wanted, inside)
        columns[f"temperature_{side}_K"] = np.where(early, 2 * wanted, wanted + 1)
    return pd.DataFrame(columns)


def test_end_of_an_equilibration_is_told_side_by_side() -> None:
    """Means over the last quarter of the time: what was before is not looked at."""
    found = Baths(study(), 1).check_end(end(internal_temperature_cold=93.0, order_hot=0.1))
    error = {side: t * math.sqrt(2 / (3 * 186 - 3) / 5) for side, t in (("cold", 90), ("hot", 130))}
    assert found == pytest.approx(
        {
            "order_cold": 0.05,
            "order_hot": 0.1,
            "particle_temperature_cold_K": 93.0,
            "particle_temperature_hot_K": 130.0,
            "particle_temperature_cold_se_K": error["cold"],
            "particle_temperature_hot_se_K": error["hot"],
            "fluid_temperature_cold_K": 91.0,
            "fluid_temperature_hot_K": 131.0,
        }
    )


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("sign", [1, -1])
def test_particle_must_be_as_warm_as_its_own_bath(sign: int, side: str) -> None:
    """Within the study's 15 % and three standard errors, too warm or too cold, on either side."""
    baths = Baths(study(), 1)
    wanted = {"cold": 90.0, "hot": 130.0}[side]
    # 100 samples of 0.1 ps hold five independent instants, each of which knows the temperature to √(2/555).
    allowed = 0.15 * wanted + 3 * wanted * math.sqrt(2 / 555 / 5)
    baths.check_end(end(**{f"internal_temperature_{side}": wanted + 0.99 * sign * allowed}))
    reached = wanted + 1.01 * sign * allowed
    with pytest.raises(RejectedError) as failure:
        baths.check_end(end(**{f"internal_temperature_{side}": reached}))
    assert str(failure.value) == (
        f"example equilibrated replica 1: the {side} particle is at {reached:.0f} K inside, its bath at {wanted:g} K (allowed: "
        f"{allowed:.0f} K more or less, of limits.particle_temperature = 0.15): raise schedule.equilibration_ps"
    )
    wide = Baths(study(limits={"particle_temperature": 0.5}), 1)
    wide.check_end(end(**{f"internal_temperature_{side}": wanted * (1 + 0.5 * sign)}))
    with pytest.raises(RejectedError, match="is at nan K inside"):
        baths.check_end(end(**{f"internal_temperature_{side}": math.nan}))


def test_a_short_equilibration_is_given_the_benefit_of_chance() -> None:
    """Few samples know a temperature badly, so that more of a difference is chance; a single instant is the least."""
    baths = Baths(study(), 1)
    errors = [baths.check_end(end(rows))["particle_temperature_cold_se_K"] for rows in (4, 80, 800)]
    assert errors == pytest.approx([90 * math.sqrt(2 / 555 / n) for n in (1, 1, 10)])


@pytest.mark.parametrize("side", SIDES)
def test_fluid_must_have_melted(side: str) -> None:
    """Its order is below 0.3 and what chance gives a liquid of so many atoms; a hot crystal has more."""
    baths = Baths(study(), 1)
    limit = 0.3 + 3 / math.sqrt(baths.study.fluid_atoms("cold"))
    baths.check_end(end(**{f"order_{side}": limit - 0.01}))
    assert f"{limit + 0.01:.2f} {limit:.2f}" == "0.35 0.34"
    with pytest.raises(RejectedError, match=rf"the {side} fluid has not melted \(order 0\.35, above 0\.34\): raise"):
        baths.check_end(end(**{f"order_{side}": limit + 0.01}))


def test_all_that_is_wrong_with_an_equilibration_is_told() -> None:
    """Both sides, order and temperature, in one message."""
    with pytest.raises(RejectedError) as failure:
        Baths(study(), 1).check_end(end(order_cold=0.9, order_hot=0.9, internal_temperature_cold=60.0))
    assert len(str(failure.value).split("; ")) == 3


# --- another kind -----------------------------------------------------------------------------------------------------


@pytest.fixture
def toy() -> Iterator[type[Experiment]]:
    """A kind of experiment that the package does not have, in one class: a fluid alone, falling under a weight."""

    @dataclass(frozen=True)
    class Toy(Experiment):
        """Falls for as long as a friction run is."""

        kind: ClassVar[str] = "toy"
        versions: ClassVar[dict[str, int]] = {"lammps": 1, "langevin": 1}
        purpose_pattern: ClassVar[str] = "toy"

        @classmethod
        def all_of(cls, study: Study) -> Sequence[Experiment]:
            return [cls(study, 1), cls(study, 2)]

        @classmethod
        def at(cls, study: Study, point: str, replica: int) -> Self | None:
            return cls(study, replica) if point == "toy" else None

        @property
        def point(self) -> str:
            return "toy"

        def stages(self) -> Sequence[Stage]:
            length = 1000 * self.study.schedule.friction_ns
            return (Stage("building", 0.0), Stage("falling", length, is_sampled=True))

        def deck(self, piece: Piece, restart: str) -> str:
            return f"units metal\nmass 1 {self.study.fluid('cold').mass_u} # of its fluid\nthermo 10\n"

        def columns(self) -> Sequence[Column]:
            return [Column("height", "A", Kind.STATE)]

        def balances(self, series: pd.DataFrame) -> Sequence[Balance]:
            return [Balance("", series["height_A"].to_numpy() + series["time_ps"].to_numpy(), 0.1, "gravity", {})]

        def exact(self) -> pd.DataFrame:
            time = np.arange(0, self.duration_ps + 0.05, 0.1)
            return pd.DataFrame({"step": np.arange(time.size) * 25, "time_ps": time, "height_A": -time})

        def exact_identity(self) -> dict[str, Any]:
            return {"seed": self.seed("height")}

        def describe(self) -> dict[str, Any]:
            return {"parameters": {"weight": 1.0}, "system": {"boundaries": {}}}

        @property
        def atoms(self) -> int:
            return 1000

    yield Toy
    Experiment.known.remove(Toy)


def test_a_new_kind_of_experiment_is_one_class(toy: type[Experiment], tmp_path: Path) -> None:
    """Its deck is its identity; it is listed, found, planned, shown, run, judged, archived and taken from the archive."""
    chosen = study()
    found = [run for run in experiments(chosen) if run.kind == "toy"]
    assert [run.folder for run in found] == ["example/toy/replica_1", "example/toy/replica_2"]
    assert experiment_at(chosen, "toy", 2) == found[1]
    assert [(p.stage.name, p.steps) for p in found[0].pieces()] == [("building", 0), *[("falling", 5_000)] * 4]
    heavier = study(materials={"fluid": {"mass_u": 50, "epsilon_eV": 0.0104, "sigma_A": 3.4}})
    assert experiment_at(heavier, "toy", 1).fingerprint != found[0].fingerprint
    assert experiment_at(study(trap={"stiffness_eV_per_A2": 0.5}), "toy", 1).fingerprint == found[0].fingerprint
    assert segments_of(found[0], tmp_path).folder.parent == tmp_path / "segments"

    simulations = jobs(chosen, tmp_path)
    costs = costs_of(simulations, Speed(1e-3, "a guess"))
    assert costs.loc[costs["purpose"] == "toy", ["jobs", "to_do"]].to_numpy().tolist() == [[2, 2]]
    assert "toy" in cost_table(costs)
    assert "toy replica 2" in status_text(chosen, tmp_path, [])

    exact = study(engine="langevin")
    run = experiment_at(exact, "toy", 1)
    folder = tmp_path / "results" / run.folder
    perform(run, folder, Ranks(1))
    assert not run_folder.missing(run, folder)
    content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert content["purpose"] == "toy"
    assert content["closure"]["drift_eV_per_ns"] == pytest.approx(0, abs=1e-9)
    (copy,) = archive(exact, tmp_path / "results", tmp_path / "archive")
    unpack(run, copy, tmp_path / "again")
    assert (tmp_path / "again/series.parquet").is_file()


def test_kinds_that_are_not_there_any_more_are_not_listed() -> None:
    """The toy of the test before this one is gone, so that tests do not depend on each other."""
    assert [kind.kind for kind in Experiment.known] == ["baths", "machine", "drag"]
    assert [run.kind for run in experiments(study())][:2] == ["baths", "machine"]
    with pytest.raises(StudyError, match="toy is not one of its points"):
        experiment_at(study(), "toy", 1)
    assert isinstance(experiment_at(study(), "friction", 1), Machine)
