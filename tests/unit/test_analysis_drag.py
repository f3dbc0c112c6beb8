"""Friction from dragging: known truth is found, error bars cover, transients and drifts are noticed, heating is told."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import expm
from scipy.signal import lfilter
from scipy.stats import norm, t

from analysis.data.parameters import Array
from analysis.data.runs import RunFolderError
from analysis.figures.drag import drag as draw_drag
from analysis.friction.drag import (
    COLUMNS,
    DragFriction,
    DragRun,
    drag_summary,
    load_drag_run,
    load_drag_runs,
    paper_friction,
)
from analysis.friction.particle import Shell
from analysis.friction.summary import friction_summary
from analysis.statistics.timeseries import Estimate, steady_from
from analysis.units import FRICTION_SI
from tests.unit.drawn import bands, line
from tests.unit.synthetic import MATERIALS, Truth, synthetic_runs, write_atoms

MASS, FRICTION, TEMPERATURE, INTERVAL = 1.225, 0.5, 100.0, 0.2
BOLTZMANN_EV_PER_K = 8.617333262e-5
FORCE = {"0.3": 0.18724527, "3.0": 1.8724527}


def dragged(force: str, duration_ps: float, seed: int, friction: float = FRICTION) -> DragRun:
    """A free particle of white friction, pulled from rest on average: v ← e^{-h/τ} v + (1 - e^{-h/τ}) F/γ + noise, exactly."""
    rng = np.random.default_rng(seed)
    n = round(duration_ps / INTERVAL)
    terminal, thermal = FORCE[force] / friction, np.sqrt(BOLTZMANN_EV_PER_K * TEMPERATURE / MASS)
    decay = np.exp(-INTERVAL * friction / MASS)
    noise = thermal * np.sqrt(1 - decay**2) * rng.standard_normal(n)
    about = thermal * rng.standard_normal() - terminal
    velocity = terminal + np.r_[about, lfilter([1.0], [1.0, -decay], noise, zi=[decay * about])[0]]
    way = np.r_[0.0, np.cumsum((velocity[1:] + velocity[:-1]) / 2 * INTERVAL)]
    series = pd.DataFrame({column: np.zeros(n + 1) for column in COLUMNS})
    time = INTERVAL * np.arange(n + 1)
    series = series.assign(step=50 * np.arange(n + 1), time_ps=time, displacement_x_A=way)
    backflow = -0.1 * terminal  # what counts is the velocity relative to the fluid
    series = series.assign(velocity_x_A_per_ps=velocity, fluid_velocity_x_A_per_ps=backflow)
    series = series.assign(particle_velocity_x_A_per_ps=velocity + backflow)
    series = series.assign(work_eV=FORCE[force] * way, thermostat_eV=0.9 * FORCE[force] * way)
    series = series.assign(temperature_K=TEMPERATURE + 1.5 + rng.standard_normal(n + 1), internal_temperature_K=130.0)
    return DragRun(Path("synthetic"), "cold", force, FORCE[force], MASS, TEMPERATURE, INTERVAL, series)


def dressed(runs: int, duration_ps: float, seed: int) -> tuple[Array, float]:
    """Velocities (runs, n) of pulled particles with a shell of fluid, and their friction at zero frequency, which v̄ tells."""
    shell_mass, core, shell = 1.6, 2.0, 0.6
    drift = np.array([[-core / MASS, core / MASS], [core / shell_mass, -(core + shell) / shell_mass]])
    step = expm(drift * INTERVAL)
    covariance = BOLTZMANN_EV_PER_K * TEMPERATURE * np.diag([1 / MASS, 1 / shell_mass])
    kick = np.linalg.cholesky(covariance - step @ covariance @ step.T)
    rng = np.random.default_rng(seed)
    terminal = -np.linalg.solve(drift, [FORCE["0.3"] / MASS, 0.0])[:, None]
    about = np.sqrt(covariance) @ rng.standard_normal((2, runs)) - terminal
    velocity = []
    for _ in range(round(duration_ps / INTERVAL) + 1):
        velocity.append((terminal + about)[0])
        about = step @ about + kick @ rng.standard_normal((2, runs))
    return np.stack(velocity, axis=1), core * shell / (core + shell)


@pytest.mark.parametrize("replicas", [2, 3])
def test_error_of_replicas_is_better_known(replicas: int) -> None:
    """For dressed particles it covers as often, and scatters as that of six blocks for each replica must."""
    velocity, truth = dressed(150 * replicas, 300, seed=3)
    base = dragged("0.3", 300, 0)
    runs = [replace(base, series=base.series.assign(velocity_x_A_per_ps=each)) for each in velocity]
    told = [drag_summary([runs[at : at + replicas]])[0].friction for at in range(0, len(runs), replicas)]
    z = np.array([friction.z(truth) for friction in told])
    assert 0.90 < (np.abs(z) < 1.96).mean() < 0.995
    errors = np.array([friction.se for friction in told])
    expected = 1 / math.sqrt(2 * (6 * replicas - 1))
    assert errors.std() / errors.mean() < 1.3 * expected
    assert np.array([friction.value for friction in told]).std() == pytest.approx(errors.mean(), rel=0.25)


@pytest.mark.parametrize("kind", ["white", "dressed"])
def test_error_bars_cover_the_true_friction(kind: str) -> None:
    """Over 250 runs of 200 ps, 95 % intervals hold the truth as often as they should, and the mean deviation is no bias."""
    runs = [dragged("0.3", 200, seed) for seed in range(250)]
    truth = FRICTION
    if kind == "dressed":
        velocity, truth = dressed(len(runs), 200, seed=1)
        runs = [
            replace(run, series=run.series.assign(velocity_x_A_per_ps=v)) for run, v in zip(runs, velocity, strict=True)
        ]
    told = [found for run in runs if math.isfinite((found := drag_summary([[run]])[0]).friction.se)]
    assert len(told) > 240, "hardly any run of 200 ps should be too short"
    z = np.array([found.friction.z(truth) for found in told])
    # Three binomial errors to either side of 0.95.
    assert 0.905 < (np.abs(z) < 1.96).mean() < 0.99
    assert abs(z.mean()) < 0.3
    # Halves of a steady window differ by noise alone, in errors that Student's factor of few blocks makes a quarter too wide.
    drift = np.array([found.drift_z for found in told])
    assert abs(drift.mean()) < 0.3
    assert 0.65 < drift.std() < 1.05


def test_drift_has_its_sign() -> None:
    """A rise of the velocity over the run makes the drift more positive, a fall more negative."""
    run = dragged("0.3", 400, 11)
    velocity = run.column("velocity_x_A_per_ps")
    rise = 0.1 * velocity.mean() * np.linspace(-1, 1, velocity.size)
    found = [
        drag_summary([[replace(run, series=run.series.assign(velocity_x_A_per_ps=velocity + sign * rise))]])[0].drift_z
        for sign in (-1, 0, 1)
    ]
    assert (np.diff(found) > 0.5).all()


def test_entry_tells_both_units_and_the_heating() -> None:
    """Values in SI are those in metal units; the thermostat's excess and the particle's are told with the power."""
    (found,) = drag_summary([[dragged("3.0", 400, 5), dragged("3.0", 400, 6)]])
    entry = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert DragFriction.from_json(entry) == found
    assert (entry["side"], entry["force_nN"], entry["replicas"]) == ("cold", "3.0", 2)
    assert abs(entry["friction_eV_ps_per_A2"] - FRICTION) < 4 * entry["friction_se"]
    assert entry["friction_kg_per_s"] == pytest.approx(FRICTION_SI * entry["friction_eV_ps_per_A2"], rel=1e-9, abs=0)
    assert entry["friction_kg_per_s_se"] == pytest.approx(FRICTION_SI * entry["friction_se"], rel=1e-9, abs=0)
    assert entry["velocity_m_per_s"] == pytest.approx(100 * entry["velocity_A_per_ps"])
    assert entry["bath_excess_temperature_K"] == pytest.approx(1.5, abs=0.2)
    assert entry["particle_excess_temperature_K"] == pytest.approx(30.0)
    power = 1000 * FORCE["3.0"] ** 2 / FRICTION
    assert entry["work_eV_per_ns"] == pytest.approx(power, rel=0.02)
    assert entry["thermostat_eV_per_ns"] == pytest.approx(0.9 * power, rel=0.02)
    assert entry["velocity_over_thermal"] == pytest.approx(
        FORCE["3.0"] / FRICTION / np.sqrt(BOLTZMANN_EV_PER_K * TEMPERATURE / MASS), rel=0.02
    )
    assert entry["transient_ps"] >= 100
    assert abs(entry["drift_z"]) < 4


def test_only_the_steady_part_counts() -> None:
    """What a run does before it is steady changes neither its temperatures nor its powers, and is not part of its time."""
    runs = [dragged("3.0", 400, 5), dragged("3.0", 400, 6)]
    (usual,) = drag_summary([runs])
    early = [
        replace(run, series=run.series.assign(**{name: run.series[name] + 9.0 * (run.series["time_ps"] < 60)}))
        for run in runs
        for name in ("temperature_K", "internal_temperature_K", "work_eV", "thermostat_eV")
    ]
    for one, other in zip(early[:4], early[4:], strict=True):
        assert drag_summary([[one, other]]) == [usual]
    assert usual.time == pytest.approx(2 * (400 - usual.transient) / 1000)


@pytest.mark.parametrize("replicas", [1, 2, 4])
def test_errors_are_those_of_a_few_long_blocks(replicas: int) -> None:
    """Six blocks in each run: the scatter of the means of all, over √N, with Student's factor."""
    blocks = 6
    runs = [dragged("0.3", 200, seed) for seed in range(replicas)]
    (found,) = drag_summary([runs])
    assert found.bath_excess is not None
    start = round(found.transient / INTERVAL)
    series = [run.column("temperature_K")[start:] - TEMPERATURE for run in runs]
    edges = np.linspace(0, len(series[0]), blocks + 1).round().astype(int)
    parts = [each[low:high] for each in series for low, high in pairwise(edges)]
    means, total = np.array([part.mean() for part in parts]), replicas * blocks
    expected = means.std(ddof=1) / math.sqrt(total) * t.ppf(0.975, total - 1) / norm.ppf(0.975)
    # Of white noise blocks this long hide nothing.
    assert found.bath_excess.se == pytest.approx(expected, rel=0.005)
    assert found.bath_excess.value == pytest.approx(means.mean(), rel=1e-3)
    assert found.friction.se / found.friction.value == pytest.approx(found.velocity.se / found.velocity.value)


@pytest.mark.parametrize(("force", "friction"), [("0.3", 2.8e-12), ("0.30", 2.8e-12), ("3", 3.1e-12), ("1.0", None)])
def test_friction_of_the_paper_by_force(force: str, friction: float | None) -> None:
    """However the force is spelled; none where the paper gives none."""
    assert paper_friction(force) == friction


def test_slow_transient_is_left_out() -> None:
    """A transient that lasts beyond a quarter of the run is found, and would have spoilt the mean."""
    rng = np.random.default_rng(3)
    time = np.arange(2000)
    velocity = (1 - np.exp(-time / 300) + 0.05 * rng.standard_normal(2000))[None]
    start = steady_from(velocity)
    assert 500 < start < 1500
    # Of replicas the slowest counts. Where nothing differs from the rest, a quarter is left out.
    noise = 0.05 * rng.standard_normal((2, 2000))
    for order in (slice(None), slice(None, None, -1)):
        assert 500 < steady_from(np.vstack([velocity, 1 + noise[:1]])[order]) < 1500
    assert steady_from(noise) == 500
    assert steady_from(noise[:, :203]) == 50
    assert abs(velocity[0, 500:].mean() - 1) > 2 * abs(velocity[0, start:].mean() - 1)


def test_run_that_never_settles_has_no_error_bar() -> None:
    """A velocity that rises to the end of the run gives a value without error, and a note that says so."""
    run = dragged("0.3", 200, 7)
    rising = run.column("velocity_x_A_per_ps") * np.linspace(0.2, 3, len(run.series))
    (found,) = drag_summary([[replace(run, series=run.series.assign(velocity_x_A_per_ps=rising))]])
    assert math.isnan(found.friction.se)
    assert found.note
    assert "too short" in found.note
    assert DragFriction.from_json(found.to_json()).to_json() == found.to_json()


def test_length_that_the_note_asks_for_counts_the_transient() -> None:
    """A run too short for an error has one when it lasts as long as its note says, a quarter of which is left out."""
    long = dragged("0.3", 2000, 7)

    def of(steps: int) -> DragFriction:
        return drag_summary([[replace(long, series=long.series.iloc[: steps + 1])]])[0]

    short = of(60)
    assert short.note
    after, whole = map(int, re.findall(r"at least (\d+) ps after the transient, (\d+) ps in all", short.note)[0])
    assert whole == math.ceil(after * 60 / (60 - short.transient / long.interval))
    assert of(math.ceil(whole / long.interval)).note is None


def write(run: DragRun, folder: Path, **changes: Any) -> Path:
    """The run as its folder."""
    folder.mkdir(parents=True)
    parameters = {
        "mass_eV_ps2_per_A2": run.mass,
        "force_eV_per_A": run.force,
        "temperature_K": run.temperature,
        "sample_interval_ps": run.interval,
    }
    content: dict[str, Any] = {"format": 2, "purpose": "drag", "side": run.side, "force_nN": run.force_nN}
    content |= {"parameters": parameters | changes, "settings": {"materials": MATERIALS}}
    (folder / "run.json").write_text(json.dumps(content))
    run.series.to_parquet(folder / "series.parquet")
    return folder


def test_folders_are_grouped_and_checked(tmp_path: Path) -> None:
    """Replicas come together; what is not a drag run, lacks a column or is no replica is refused by name."""
    files = [write(dragged(force, 20, i), tmp_path / f"F_{force}/{i}") for i in (1, 2) for force in FORCE]
    groups = load_drag_runs(files)
    assert [[run.force_nN for run in runs] for runs in groups] == [["0.3", "0.3"], ["3.0", "3.0"]]
    first = files[0]
    half = replace(dragged("0.3", 20, 3), series=dragged("0.3", 20, 3).series[::2].reset_index(drop=True), interval=0.4)
    for name, run, changes in (
        ("warm", dragged("0.3", 20, 3), {"temperature_K": 110.0}),
        ("heavy", dragged("0.3", 20, 3), {"mass_eV_ps2_per_A2": 2 * MASS}),
        ("strong", dragged("0.3", 20, 3), {"force_eV_per_A": 0.2}),
        ("long", dragged("0.3", 22, 3), {}),
        ("seldom", half, {}),
    ):
        other = write(run, tmp_path / name, **changes)
        with pytest.raises(
            RunFolderError, match=f"^{other} and {first}: differ in parameters or length: run them again"
        ):
            load_drag_runs([first, other])
    lacking = replace(dragged("0.3", 20, 4), series=dragged("0.3", 20, 4).series.drop(columns="work_eV"))
    with pytest.raises(RunFolderError, match="columns missing: work_eV"):
        load_drag_run(write(lacking, tmp_path / "lacking"))
    hollow = dragged("0.3", 20, 4)
    hollow.series.loc[7, "internal_temperature_K"] = np.nan
    with pytest.raises(RunFolderError, match="internal_temperature_K is not a number in row 7"):
        load_drag_run(write(hollow, tmp_path / "hollow"))
    bare = replace(hollow, series=hollow.series.drop(columns="internal_temperature_K"))
    (older,) = drag_summary([[load_drag_run(write(bare, tmp_path / "bare"))]])
    assert older.particle_excess is None
    assert older.bath_excess is not None
    assert not older.loses_atoms
    other = write(dragged("0.3", 20, 5), tmp_path / "other")
    (other / "run.json").write_text(json.dumps({"format": 2, "parameters": {}}))
    with pytest.raises(RunFolderError, match="key 'side' is missing: not a drag run"):
        load_drag_run(other)


def test_atoms_that_left_the_particle_are_counted(tmp_path: Path) -> None:
    """Of a particle in pieces the largest counts, in the worst frame, across a periodic face too, and without fluid."""
    near = 2.5 * np.arange(-2.0, 3.0)[:, None] * [1, 0, 0]  # a row of five atoms, two of them beyond the face at 0
    far = np.array([[15.0, 15.0, 15.0]])
    whole, broken = (
        {"1": near + 1.0, "3": np.vstack([near, atom])} for atom in (near[-1:] + np.array([2.5, 0, 0]), far)
    )
    for number, (first, last) in enumerate(((whole, broken), (broken, whole))):
        folder = write(dragged("0.3", 200, 9), tmp_path / f"drag{number}")
        write_atoms(folder, first, (0.0, 30.0, 30.0), frames=2, last=last)
        (found,) = drag_summary([[load_drag_run(folder)]])
        assert (found.particle_atoms, found.largest_piece) == (6, 5)
        assert found.loses_atoms


def test_figure_shows_velocity_mean_and_forecasts() -> None:
    """Each panel has the velocity, its mean, and force over each friction of its particle; without its number it is refused."""
    groups = [[replace(dragged(force, 400, 8), side=side)] for side in ("cold", "hot") for force in FORCE]
    true = {"white": {"cold": 0.5, "hot": 0.4}, "dressed": {"cold": 0.6, "hot": 0.7}}
    at_rest = friction_summary(synthetic_runs(Truth(kappa_ratio=None), 30, 1, seed=3))
    cold, hot = (
        replace(
            particle,
            white={"joint": Estimate(true["white"][side], 0.05 * true["white"][side])},
            dressed=Shell((1.0, 1.0, 1.0), np.eye(3), Estimate(true["dressed"][side], 0.1 * true["dressed"][side])),
        )
        for side, particle in zip(("cold", "hot"), at_rest.axes["xyz"].particles, strict=True)
    )
    axes = {"xyz": replace(at_rest.axes["xyz"], particles=(cold, hot))}
    friction = replace(at_rest, axes=axes, drags=tuple(drag_summary(groups)))
    figure, data = draw_drag(groups, friction)
    assert len(figure.axes) == 4
    for (side, force), table in data.groupby(["side", "force_nN"]):
        (steady,) = table.loc[table["series"] == "steady", "velocity_m_per_s"]
        for name, share in (("white", 0.05), ("dressed", 0.1)):
            (row,) = table[table["series"] == name].to_dict("records")
            assert row["velocity_m_per_s"] == pytest.approx(100 * FORCE[str(force)] / true[name][str(side)])
            assert row["se"] == pytest.approx(share * row["velocity_m_per_s"])
        late = table[(table["series"] == "measured") & (table["time_ps"] > 100)]
        assert late["velocity_m_per_s"].mean() == pytest.approx(steady, rel=0.03)
        panel = figure.axes[2 * ("cold", "hot").index(str(side)) + list(FORCE).index(str(force))]
        assert panel.get_title(loc="left") == f"{force} nN, 100 K"
        (told,) = (each for each in friction.drags if (each.side, each.force_nN) == (side, force))
        for label, level, se in (
            ("mean", 100 * told.velocity.value, 100 * told.velocity.se),
            ("white", 100 * FORCE[str(force)] / true["white"][str(side)], None),
            ("dressed", 100 * FORCE[str(force)] / true["dressed"][str(side)], None),
        ):
            np.testing.assert_allclose(line(panel, label)[1], level)
            error = se or {"white": 0.05, "dressed": 0.1}[label] * level
            (band,) = (each for each in bands(panel) if each[1:].mean() == pytest.approx(level))
            np.testing.assert_allclose(band[1:, 0], [level - error, level + error])
        assert line(panel, "mean")[0, 0] == told.transient
        assert panel.get_ylabel() == ("velocity (m/s)" if force == "0.3" else "")
        assert panel.get_xlabel() == ("time since the force was switched on (ps)" if side == "hot" else "")
        mean = next(str(each.get_label()) for each in panel.lines if str(each.get_label()).startswith("mean"))
        value, error = (1e12 * FRICTION_SI * number for number in (told.friction.value, told.friction.se))
        digits = max(1 - int(np.floor(np.log10(error))), 0)  # two of the error
        assert mean == rf"mean: $\gamma$ = ({value:.{digits}f} ± {error:.{digits}f})$\times10^{{-12}}$ kg/s"
    with pytest.raises(ValueError, match=r"no drag run of side cold, 0\.3 nN"):
        draw_drag(groups, replace(friction, drags=()))
