"""Every result keeps every number on its way through its file: all numbers differ, so none can stand in for another."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from itertools import count
from typing import Any

import numpy as np
import pytest

from analysis.data.parameters import Parameters
from analysis.friction.particle import (
    Bodies,
    DrawnCurve,
    Equipartition,
    ModelsCompared,
    MostLikely,
    ParticleFriction,
    Shell,
)
from analysis.friction.result import AxisResult, FrictionResult
from analysis.heat.information import information_summary
from analysis.heat.performance import performance_summary
from analysis.heat.point import HeatPoint
from analysis.heat.power import power_summary
from analysis.heat.rates import point_summary
from analysis.heat.results import InformationPoint, Interval, PerformancePoint, PowerPoint, ReversalPoint
from analysis.heat.reversal import reversal_summary
from analysis.statistics.timeseries import Estimate
from analysis.structure.result import AdsorbedLayer, FluidAround, MetalTemperature, SideStructure, Structure
from analysis.units import FRICTION_SI
from tests.unit.synthetic import DRAG, Truth, synthetic_runs

RUNS = synthetic_runs(Truth(), 30, 1, seed=301)
NAN = float("nan")


def unlike() -> Iterator[int]:
    """Numbers none of which is another, and of which no two have the same difference as two others in the same order."""
    return (number**2 + number for number in count(1))


def numbered(value: Any, numbers: Iterator[int]) -> Any:
    """The same result with another number in each place, all positive; texts and what is missing stay."""
    if isinstance(value, Parameters | str | bool | None):
        return value
    if isinstance(value, Estimate):
        return replace(value, value=float(next(numbers)), se=next(numbers) / 1e5)
    if isinstance(value, int):
        return next(numbers)
    if isinstance(value, float):
        return float(next(numbers))
    if isinstance(value, np.ndarray):
        return np.array([float(next(numbers)) for _ in range(value.size)]).reshape(value.shape)
    if isinstance(value, Interval):
        return Interval(*(float(next(numbers)) for _ in range(3)))
    if isinstance(value, tuple):
        return tuple(numbered(each, numbers) for each in value)
    if isinstance(value, Mapping):
        return {key: numbered(each, numbers) for key, each in value.items()}
    assert is_dataclass(value)
    assert not isinstance(value, type)
    return replace(value, **{each.name: numbered(getattr(value, each.name), numbers) for each in fields(value)})


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """All numbers and texts of a result with their places."""
    if is_dataclass(value) and not isinstance(value, Parameters):
        for each in fields(value):
            yield from leaves(getattr(value, each.name), f"{path}.{each.name}")
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from leaves(each, f"{path}.{key}")
    elif isinstance(value, tuple | list | np.ndarray):
        for place, each in enumerate(value):
            yield from leaves(each, f"{path}.{place}")
    else:
        yield path, value


def survives(result: Any, read: Any) -> None:
    """Assert that what is read is what was written."""
    written, found = dict(leaves(result)), dict(leaves(read))
    assert written.keys() == found.keys()
    for place, value in written.items():
        told = pytest.approx(value, rel=1e-9) if isinstance(value, float) else value
        assert found[place] == told, place


def through_text(content: dict[str, Any]) -> dict[str, Any]:
    """As a file has it."""
    read: dict[str, Any] = json.loads(json.dumps(content, allow_nan=False))
    return read


def test_heats_of_a_point() -> None:
    """Rates of every estimator and side, fluxes, temperatures, power of the traps and the bookkeeping."""
    point = replace(point_summary(RUNS), trap_power=(Estimate(1.0), Estimate(2.0)), block=1.0, blocks=1, note="why")
    point = numbered(point, unlike())
    content = through_text(point.to_json())
    survives(point, HeatPoint.from_json(content))
    assert [content[key] for key in ("note", "block_ps", "blocks", "replicas", "time_ns")] == [
        *("why", point.block, point.blocks, point.replicas, point.time)
    ]
    for key, found in {
        "power_eV_per_ns": point.power,
        "entropy_production_kB_per_ns": point.entropy_production,
        "heat_hot_eV_per_ns": point.rates["heat"][1],
        "thermostat_cold_eV_per_ns": point.rates["thermostat"][0],
        "work_hot_eV_per_ns": point.rates["work"][1],
        "trap_power_hot_eV_per_ns": point.trap_power[1],
        "effective_temperature_cold_K": point.effective_temperature[0],
        "closure_drift_hot_eV_per_ns": point.closure_drift[1],
    }.items():
        assert content[key] == found.value, key


def test_power_of_a_point() -> None:
    """Mean, variance, work, sampling error and histogram of each particle and of both together."""
    point = numbered(replace(power_summary(RUNS), note="why", distribution_block=1.0, distribution_blocks=1), unlike())
    point = replace(point, current_block=501.0, current_blocks=502)
    content = through_text(point.to_json())
    survives(point, PowerPoint.from_json(content))
    told = ("distribution_block", "distribution_blocks", "current_block", "current_blocks", "dt", "samples")
    keys = ("distribution_block_ps", "distribution_blocks", "current_block_ps", "current_blocks", "dt_ps", "samples")
    assert [content[key] for key in keys] == [getattr(point, name) for name in told]
    for target in ("cold", "hot", "total"):
        for key, found in {
            f"power_{target}_eV_per_ns": point.mean,
            f"power_variance_{target}_eV2_per_ns2": point.variance,
            f"work_{target}_eV_per_ns": point.work,
            f"sampling_error_{target}_eV_per_ns": point.sampling_error,
        }.items():
            assert content[key] == found[target].value, key
        bins = content["histograms"][target]
        assert bins["density_ns_per_eV"] == point.histograms[target].density.tolist()
        assert bins["edge_eV_per_ns"] == point.histograms[target].edge.tolist()


def test_performance_of_a_point() -> None:
    """Both coefficients by both estimators, their distributions, uncertainties with their bound, and windows."""
    point = numbered(performance_summary(RUNS), unlike())
    unknown = Estimate(NAN, NAN)
    fluctuations = {
        kind: {
            name: replace(
                each,
                negative=replace(each.negative, edge=each.positive.edge),
                tail_exponent=replace(each.tail_exponent, value=-each.tail_exponent.value),
                tail_from=3.5,
                beyond_carnot=replace(each.beyond_carnot or unknown, scale="log"),
            )
            for name, each in cops.items()
        }
        for kind, cops in point.cop_fluctuations.items()
    }
    point = replace(point, cop_fluctuations=fluctuations)
    content = through_text(point.to_json())
    survives(point, PerformancePoint.from_json(content))
    for name in ("refrigeration", "pumping"):
        assert content[f"cop_{name}"] == point.cop["heat"][name].value
        assert content[f"cop_{name}_thermostat_high"] == point.cop["thermostat"][name].high
        of_heat = content["cop_fluctuations"]["heat"][name]
        assert of_heat["density_negative"] == fluctuations["heat"][name].negative.density.tolist()
        assert of_heat["beyond_carnot"] == fluctuations["heat"][name].beyond_carnot.value
        # The density falls as y^-(1 + α), with an error of α that is symmetric in its logarithm.
        for each in (content["cop_fluctuations"][kind][name] for kind in fluctuations):
            decay = -1 - each["tail_exponent"]
            wide = math.exp(1.96 * each["tail_exponent_se"] / decay)
            assert each["tail_exponent_low"] == pytest.approx(-1 - decay * wide)
            assert each["tail_exponent_high"] == pytest.approx(-1 - decay / wide)
    for target in ("cold", "hot", "total"):
        assert content[f"uncertainty_{target}_low"] == point.uncertainty[target].low
        assert content[f"uncertainty_over_bound_{target}_high"] == point.over_bound[target].high
    assert content["bound"] == point.bound.value
    assert content["entropy_production_eV_per_K_ns"] == point.entropy_production.value
    assert content["windows"]["window_ps"] == point.windows.length.tolist()
    assert content["windows"]["heat"]["over_bound_low"] == point.windows.flows["heat"].over_bound_low.tolist()


def test_reversal_and_information_of_a_point() -> None:
    """Area, lags, asymmetry and its errors; flow, shared information, readings and the second law of each side."""
    reversal = numbered(reversal_summary(RUNS), unlike())
    content = through_text(reversal.to_json())
    survives(reversal, ReversalPoint.from_json(content))
    assert content["swept_area_A2_per_ns"] == reversal.swept_area.value
    assert content["lag_ps"] == reversal.lag.tolist()
    assert content["asymmetry_se"] == reversal.asymmetry_se.tolist()
    information = numbered(information_summary(RUNS), unlike())
    content = through_text(information.to_json())
    survives(information, InformationPoint.from_json(content))
    for key, value in {
        "information_cold_kB_per_ns": information.flow.value,
        "information_hot_kB_per_ns": -information.flow.value,
        "information_se": information.flow.se,
        "mutual_information_kB": information.shared.value,
        "reading_information_kB": information.reading.value,
        "second_law_hot_kB_per_ns": information.second_law[1].value,
    }.items():
        assert content[key] == value, key


def friction_result() -> FrictionResult:
    """Friction of both particles along two sets of axes, complete, with other numbers everywhere."""
    log = Estimate(1.0, 1.0, "log")
    one = np.ones(2)
    curve = DrawnCurve(one, one, one, one, one, one, 1.0)
    white = {
        "position": Estimate(1.0, 1.0, "reciprocal root"),
        **dict.fromkeys(("velocity", "cross", "joint", "difference"), log),
    }
    particle = ParticleFriction(
        white=white,
        residual=dict.fromkeys(white, 1.0),
        spectrum=log,
        position_variance=Equipartition(Estimate(1.0, 1.0, "reciprocal"), 1.0),
        temperature=Equipartition(Estimate(1.0, 1.0, "reciprocal"), 1.0),
        dressed=Shell((1.0, 1.0, 1.0), np.ones((3, 3)), log, 1.0),
        modes=Bodies((1.0,) * 5, np.ones((5, 5)), log, 1.0, 1.0, (1.0, 1.0), ((1.0,), (1.0,) * 3)),
        held_out={"white": 1.0, "dressed": 1.0},
        likelihood=ModelsCompared(1.0, MostLikely((1.0,), *(1.0,) * 5), MostLikely((1.0,) * 3, *(1.0,) * 5)),
        curves=dict.fromkeys(("position", "velocity", "cross", "difference"), curve),
    )
    axes = {axis: AxisResult((particle, particle), 1.0, 1, "why") for axis in ("x", "yz", "xyz")}
    traps = {"x": 1.0, "yz": 1.0, "xyz": 1.0}
    empty = FrictionResult("s", 1, 1.0, 1.0, traps, (1.0, 1.0), 1.0, ("x", "yz"), axes, (DRAG, DRAG))
    found: FrictionResult = numbered(empty, unlike())
    return found


def test_friction_of_a_study() -> None:
    """Every method, form, likelihood and curve of either particle along each set of axes, in both units."""
    friction = friction_result()
    content = through_text(friction.to_json())
    read = FrictionResult.from_json(content)
    for place, (one, other) in enumerate(zip(friction.axes.values(), read.axes.values(), strict=True)):
        for particle, back in zip(one.particles, other.particles, strict=True):
            scales = {method: each.scale for method, each in back.white.items()}
            white = {method: replace(each, scale=scales[method]) for method, each in particle.white.items()}
            expected = replace(particle, white=white)
            for name in ("position_variance", "temperature"):
                kept, told = getattr(expected, name), getattr(back, name)
                expected = replace(
                    expected, **{name: replace(kept, measured=replace(kept.measured, scale=told.measured.scale))}
                )
            survives(expected, back)
        assert (one.block, one.blocks, one.note) == (other.block, other.blocks, other.note), place
    for name in ("study", "replicas", "time", "sample_interval", "traps", "masses", "spacing"):
        assert getattr(read, name) == getattr(friction, name), name
    assert [each.to_json() for each in read.drags] == [each.to_json() for each in friction.drags]
    for axes, along in friction.axes.items():
        told = content["axes"][axes]
        for side, particle in zip(("cold", "hot"), along.particles, strict=True):
            for method, found in particle.white.items():
                stem = f"friction_{side}" + ("" if method == "joint" else f"_{method}")
                assert told[f"{stem}_eV_ps_per_A2"] == found.value, stem
                assert told[f"{stem}_kg_per_s"] == pytest.approx(found.value * FRICTION_SI, rel=1e-9, abs=0), stem
                assert told[f"{stem}_kg_per_s_se"] == pytest.approx(found.se * FRICTION_SI, rel=1e-9, abs=0), stem
                assert told[f"{stem}_residual"] == particle.residual[method], stem
            assert told[f"friction_{side}_spectrum_eV_ps_per_A2"] == particle.spectrum.value
            assert told[f"position_variance_{side}_A2"] == particle.position_variance.measured.value
            assert told[f"position_variance_{side}_theory_A2"] == particle.position_variance.expected
            assert told[f"particle_temperature_{side}_K"] == particle.temperature.measured.value
            assert told[f"particle_temperature_{side}_theory_K"] == particle.temperature.expected
            for name, each in (
                ("position_variance", particle.position_variance),
                ("particle_temperature", particle.temperature),
            ):
                assert told[f"{name}_{side}_z"] == pytest.approx(each.measured.z(each.expected))
            for model in ("white", "dressed"):
                assert told[f"held_out_residual_{side}_{model}"] == particle.held_out[model]
            assert particle.dressed
            assert particle.modes
            assert particle.likelihood
            core = told["dressed"][side]
            assert core["shell_mass_eV_ps2_per_A2"] == particle.dressed.values[2]
            assert core["shell_mass_se"] == pytest.approx(
                particle.dressed.values[2] * particle.dressed.log_covariance[2, 2] ** 0.5
            )
            bodies = told["modes"][side]
            assert bodies["body_frictions_eV_ps_per_A2"] == list(particle.modes.values[1:3])
            assert bodies["body_times_ps"] == list(particle.modes.values[3:])
            assert bodies["by_number_of_bodies"] == [list(values) for values in particle.modes.by_number]
            likely = told[f"likelihood_{side}"]
            white_of, dressed_of = particle.likelihood.white, particle.likelihood.dressed
            assert likely["aic_white_less_dressed"] == white_of.aic - dressed_of.aic
            assert likely["bic_white_less_dressed"] == white_of.bic - dressed_of.bic
            assert likely["dressed"]["temperature_K"] == dressed_of.temperature
            assert likely["white"]["log_likelihood"] == white_of.log_likelihood
            assert likely["white"]["forecast_error_correlation"] == white_of.error_correlation


def test_differences_of_friction_between_axes() -> None:
    """The logarithm of the ratio of two frictions over the error of both, for each method and particle; both together by √2."""
    friction = friction_result()
    found = {(row["particle"], row["method"]): row for row in friction.to_json()["equivalence"]}
    apart = friction.apart()["x", "yz"]
    for method in ("joint", "velocity", "spectrum"):
        scores = []
        for j, side in enumerate(("cold", "hot")):
            one, other = (friction.axes[axes].particles[j].by_method()[method] for axes in ("x", "yz"))
            row = found[side, method]
            assert row["axes"] == ["x", "yz"]
            assert row["ratio"] == pytest.approx(one.value / other.value)
            error = np.hypot(one.se / one.value, other.se / other.value)
            scores.append(np.log(one.value / other.value) / error)
            assert row["z"] == pytest.approx(scores[-1], rel=1e-6)
        (words,) = (name for name in apart if name == method)
        assert apart[words] == pytest.approx(sum(scores) / np.sqrt(2))
    table = friction.by_axis()
    assert len(table) == 2 * 3 * 8
    for row in table.to_dict("records"):
        particle = friction.axes[row["axes"]].particles[("cold", "hot").index(row["particle"])]
        estimate = particle.by_method()[row["method"]]
        told = (row["friction_kg_per_s"], row["se"])
        assert told == pytest.approx((estimate.value * FRICTION_SI, estimate.se * FRICTION_SI), rel=1e-9, abs=0)


def test_structure_of_a_study() -> None:
    """Densities, walls, cells, clusters, layers, temperatures and pressures of each side, under their units."""
    layer = AdsorbedLayer(1.0, 1.0, 1.0, Estimate(1.0, 1.0), Estimate(1.0, 1.0))
    around = FluidAround(np.ones(2), np.ones(2), np.ones(2), layer)
    metal = MetalTemperature(Estimate(1.0, 1.0), 1.0, np.ones(2), np.ones(2))
    side = SideStructure(np.ones(2), (1.0, 1.0), 1.0, 1.0, 1, 1, 1.0, around, 1.0, 1.0, metal, Estimate(1.0, 1.0))
    structure: Structure = numbered(Structure(1, np.ones(2), 1, {"cold": side, "hot": side}, np.ones(2)), unlike())
    content = through_text(structure.to_json())
    survives(structure, Structure.from_json(content))
    for name, found in structure.sides.items():
        assert found.around.layer
        assert found.metal.mean
        assert found.self_diffusion
        for key, value in {
            f"emptiest_cell_{name}": found.emptiest_cell,
            f"bulk_density_{name}_per_nm3": found.bulk_density,
            f"largest_cluster_{name}": found.largest_cluster,
            f"particle_atoms_{name}": found.particle_atoms,
            f"particle_mass_{name}_eV_ps2_per_A2": found.particle_mass,
            f"temperature_{name}_K": found.temperature,
            f"pressure_{name}_bar": found.pressure,
            f"self_diffusion_{name}_m2_per_s": found.self_diffusion.value,
            f"self_diffusion_{name}_se": found.self_diffusion.se,
            f"internal_temperature_{name}_K": found.metal.mean.value,
            f"internal_temperature_{name}_se": found.metal.mean.se,
            f"internal_temperature_{name}_expected_K": found.metal.expected,
        }.items():
            assert content[key] == value, key
        z = (found.metal.mean.value - found.metal.expected) / found.metal.mean.se
        assert content[f"internal_temperature_{name}_z"] == pytest.approx(z)
        assert content[f"walls_{name}_A"] == list(found.walls or ())
        assert content[f"radial_density_{name}_per_nm3"] == found.around.density.tolist()
        assert content[f"layer_{name}"]["peak_density_per_nm3"] == found.around.layer.peak_density
        assert content[f"layer_{name}"]["end_A"] == found.around.layer.end
        assert content["over_time"][f"bath_{name}_K"] == found.metal.bath_over_time.tolist()
    # Each of the three findings alone makes it unsound: here leaks and lost atoms, but no cavity.
    sound = {name: replace(each, largest_cluster=each.particle_atoms) for name, each in structure.sides.items()}
    good = replace(structure, leaked_atoms=0, sides=sound)
    assert (good.to_json()["sound"], good.to_json()["cavity"]) == (True, False)
    assert not replace(good, leaked_atoms=1).is_sound
    for name, each in sound.items():
        assert not replace(good, sides=sound | {name: replace(each, largest_cluster=1)}).is_sound
        for emptiest, empty in ((0.49, True), (0.5, False)):
            one = replace(good, sides=sound | {name: replace(each, emptiest_cell=emptiest)})
            assert (one.to_json()["cavity"], one.to_json()["sound"]) == (empty, not empty)
