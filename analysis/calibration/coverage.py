"""Coverage of the intervals: runs with known true values pass through the analysis, and each reported error is tested.

``measure_point`` and ``measure_friction`` compute the numbers of ``heat.json``, ``power.json``, ``performance.json`` and
``friction.json`` for a run of the exact model, and add the true value of each number that has an error. ``coverage`` counts,
over many runs, how often the 95 % intervals cover the true value.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import linregress

from analysis.compare.theory import Mixture, Model
from analysis.data.parameters import SIDES, Array
from analysis.data.runs import Run
from analysis.errors import AnalysisError
from analysis.friction.curves import correlation_curves, equilibrium_blocks, particle, white_fits
from analysis.friction.result import shares_of
from analysis.friction.summary import white_friction
from analysis.heat.performance import performance_summary
from analysis.heat.power import DT_PS, power_summary
from analysis.heat.rates import cumulative, point_summary
from analysis.heat.results import COPS, TARGETS
from analysis.model import BOLTZMANN, PairWithBodies, Refrigerator, sampled_cop
from analysis.model.recursion import recursion
from analysis.model.refrigerator import Target
from analysis.statistics.timeseries import NORMAL, Blocks, Estimate, SeriesTooShortError
from analysis.units import FRICTION_SI, PER_NS

BATH_ENERGY = ((4.0, 3.0), (1.0, 100.0))
"""Standard deviations, eV, and 1/e times, ps, of the parts of the surrogate energy of a bath. As in molecular dynamics most of
it is fast. A small slow part triples the fluctuations over a nanosecond (``timeseries.slope_variance``)."""

NAIVE = "naive_"
"""Prefix of the slopes of straight lines fitted to cumulative flows."""

HIDDEN = ("bodies", "maxwell")
"""Entries of ``run.json`` (followed by the side) that give the friction of a particle memory."""

_UNITS = ("eV_per_ns", "kB_per_ns", "eV2_per_ns2", "eV_per_K_ns", "eV_ps_per_A2", "A2", "K")


def with_bath_energy(run: Run, seed: int) -> Run:
    """The run with a fluctuating energy of its baths, the noise of the bare thermostat, which the exact model does not have.

    Stationary noise is added to the energy of each side and subtracted from that of its thermostat, so the first law holds.

    Args:
        run: of the exact engine; its series is copied.
        seed: of the noise.
    """
    interval, n = run.parameters.sample_interval, len(run.series)
    random = np.random.default_rng(seed)
    series = run.series.copy()
    for spread, memory in BATH_ENERGY:
        decay = math.exp(-interval / memory)
        kicks = random.standard_normal((2, n)) * math.sqrt(1 - decay**2)
        kicks[:, 0] /= math.sqrt(1 - decay**2)
        for side, energy in zip(SIDES, spread * recursion(decay, np.zeros(2), kicks), strict=True):
            series[f"energy_{side}_eV"] += energy
            series[f"thermostat_{side}_eV"] -= energy - energy[0]
    return replace(run, series=series)


def true_machines(run: Run) -> dict[str, PairWithBodies]:
    """The machine that the exact engine made a run with, along each set of axes on which it is the same.

    Args:
        run: of the exact engine; its ``run.json`` contains the friction, bodies and Maxwell modes of each side.

    Raises:
        AnalysisError: if the controller is not the ideal linear one, or the traps move, since there are no exact values then.
    """
    if not run.parameters.is_linear:
        moving = " and moving traps" if run.parameters.motion.moves else ""
        raise AnalysisError(
            f"{run.folder}: made with demon.controller = {run.parameters.told_controller}{moving}, but the calibration has "
            "true values only for the linear controller without feedback loop, cold damping or limit of its force, and for "
            "traps at rest: remove these fields from the study"
        )
    found = {}
    for axes in run.equivalent_axes:
        sides: list[Array] = []
        modes: dict[str, Any] = {}
        for side in SIDES:
            white = run.metadata[f"friction_{side}_kg_per_s"]
            bodies, springs = (run.metadata.get(f"{kind}_{side}", {}).get(axes[0], ()) for kind in HIDDEN)
            frictions = [white[axes[0]] if isinstance(white, dict) else white]
            frictions += [body["friction_kg_per_s"] for body in bodies]
            times = [body["time_ps"] for body in bodies]
            sides.append(np.array([*(friction / FRICTION_SI for friction in frictions), *times]))
            modes[f"maxwell_frictions_{side}"] = tuple(mode["friction_kg_per_s"] / FRICTION_SI for mode in springs)
            modes[f"maxwell_times_{side}"] = tuple(mode["time_ps"] for mode in springs)
        found[axes] = replace(run.parameters.along(axes).pair_with_bodies(*sides), **modes)
    return found


def reported(summary: dict[str, Any]) -> pd.DataFrame:
    """Every number of a JSON summary that has an error, except those of histograms and curves.

    Args:
        summary: content of a file of a point, as returned by ``to_json``, or of ``friction.json``; units are in its keys.

    Returns:
        ``quantity`` (its name without unit), ``value``, and the ends of its 95 % interval, ``low`` and ``high``. An end is NaN
        if the analysis refuses an interval, and infinite if the data set no bound on that side.
    """
    rows = []
    stems = dict.fromkeys(key.removesuffix(end) for end in ("_se", "_low") for key in summary if key.endswith(end))
    for stem in stems:
        if stem.endswith("_kg_per_s"):
            continue  # the same number in another unit
        key = next(name for name in (stem, *(f"{stem}_{unit}" for unit in _UNITS)) if name in summary)
        value, low, high = (summary.get(name) for name in (key, f"{stem}_low", f"{stem}_high"))
        if f"{stem}_low" not in summary:
            low, high = Estimate(_or(value, math.nan), _or(summary[f"{stem}_se"], math.nan)).interval()
        elif low is None and high is None:
            # Without blocks there is no interval. A ratio with a denominator that may be 0 has an interval without ends.
            open_ended = stem.startswith("cop_") and summary["current_blocks"] is not None
            low, high = (-math.inf, math.inf) if open_ended else (math.nan, math.nan)
        rows.append((stem, _or(value, math.nan), _or(low, -math.inf), _or(high, math.inf)))
    return pd.DataFrame(rows, columns=["quantity", "value", "low", "high"])


def exact_values(run: Run, dt: float = DT_PS) -> dict[str, dict[str, float]]:
    """True values of the numbers reported for a driven run, by file; NaN where no exact law is known.

    The machines along different axes may differ: rates are means over the coupled axes, and samples of power and of ε come from
    all of them.

    Args:
        run: of the exact engine; its metadata contain the parameters of the machine.
        dt: sampling interval of the power, ps.

    Returns:
        For ``heat``, ``power`` and ``performance``: values by the names of ``reported``, in the units of the file.

    Raises:
        AnalysisError: if the exact values do not hold for the machine (``true_machines``).
    """
    machines = true_machines(run)
    shares = shares_of(run.parameters.coupling_axes, machines)
    return _exact_values(tuple(machines[axes] for axes in shares), tuple(shares.values()), dt)


@cache
def _exact_values(
    machines: tuple[PairWithBodies, ...], shares: tuple[float, ...], dt: float
) -> dict[str, dict[str, float]]:
    model = Model(lambda _: machines, shares, np.empty(0), np.empty((0, 0)))

    def mean(values: Callable[[Refrigerator], Any]) -> Any:
        return model.mean(values)(machines)

    def sampled(target: Target, interval: float | None) -> Mixture:
        return model.mixture(lambda pair: pair.power_distribution(target, interval))

    couplings = machines[0]  # couplings and temperatures are the same along all axes
    active = any(couplings.active_forces(side) for side in (0, 1))
    heat = mean(lambda pair: pair.heat_rates()) * PER_NS
    # No temperature belongs to the heat of an active bath.
    produced = math.nan if active else float(mean(lambda pair: pair.entropy_production()))
    kinetic = mean(lambda pair: np.diag(pair.covariance())[2:4] * pair.masses[:2]) / BOLTZMANN
    files: dict[str, dict[str, float]] = {"heat": {}, "power": {}, "performance": {}}
    for j, side in enumerate(SIDES):
        files["heat"] |= {f"{name}_{side}": heat[j] for name in ("heat", "work", "thermostat")}
        files["heat"][f"effective_temperature_{side}"] = kinetic[j]
        files["power"][f"work_{side}"] = heat[j]
    files["heat"] |= {"power": heat.sum(), "entropy_production": produced * PER_NS / BOLTZMANN}
    files["power"]["work_total"] = heat.sum()
    kc, kh = couplings.coupling_cold, couplings.coupling_hot
    balanced = not active and math.isclose(kh * couplings.temperature_cold, kc * couplings.temperature_hot)
    bound = math.inf if balanced else 2 * BOLTZMANN / (produced * dt)
    performance = {"entropy_production": produced * PER_NS, "bound": bound}
    for target in TARGETS:
        power, variance = sampled(target, dt).mean(), sampled(target, dt).var()
        files["power"] |= {
            f"power_{target}": power * PER_NS,
            f"power_variance_{target}": variance * PER_NS**2,
            f"sampling_error_{target}": (power - sampled(target, None).mean()) * PER_NS,
        }
        uncertainty = math.inf if balanced else variance / power**2
        performance[f"uncertainty_{target}"] = uncertainty
        performance[f"uncertainty_over_bound_{target}"] = math.nan if balanced else uncertainty / bound
    for estimator in ("", "_thermostat"):
        performance[f"cop_refrigeration{estimator}"] = kc / (kh - kc)
        performance[f"cop_pumping{estimator}"] = kh / (kh - kc)
    for kind in ("sampled", "heat"):
        performance |= {f"tail_exponent_{kind}_{name}": -2.0 for name in COPS}
        performance |= {f"beyond_carnot_{kind}_{name}": math.nan for name in COPS}
    beyond = mean(lambda pair: sampled_cop(pair, dt).sf(pair.carnot_cop()[0]))
    performance["beyond_carnot_sampled_refrigeration"] = float(beyond)
    return files | {"performance": performance}


def measure(run: Run, seed: int) -> pd.DataFrame:
    """All numbers reported for one run of the exact model, driven or not, with their true values.

    Args:
        run: of the exact engine; its metadata contain the parameters of the machine.
        seed: of the energy of the baths, for a driven run.

    Returns:
        ``reported`` with the columns ``file`` and ``truth``.

    Raises:
        AnalysisError: if there is no true value (``true_machines``, ``measure_friction``).
    """
    if run.kappa_ratio is None:
        return measure_friction(run)
    return measure_point(with_bath_energy(run, seed), exact_values(run))


def measure_point(run: Run, files: dict[str, dict[str, float]]) -> pd.DataFrame:
    """All numbers reported for one run of a driven pair, with their true values.

    Args:
        run: with the energy of its baths (``with_bath_energy``).
        files: from ``exact_values``.

    Returns:
        ``reported`` with the columns ``file`` and ``truth``.
    """
    performance = performance_summary([run]).to_json()
    for kind, cops in performance.pop("cop_fluctuations").items():
        for name, content in cops.items():
            for entry in ("tail_exponent", "beyond_carnot"):
                performance |= {
                    f"{entry}_{kind}_{name}{end}": content[f"{entry}{end}"]
                    for end in ("", "_se", "_low", "_high")
                    if f"{entry}{end}" in content
                }
    summaries = {
        "heat": point_summary([run]).to_json(),
        "power": power_summary([run]).to_json(),
        "performance": performance,
    }
    tables = []
    for file, summary in summaries.items():
        table = reported(summary).assign(file=file)
        tables.append(table.assign(truth=[files[file][quantity] for quantity in table["quantity"]]))
    lines = naive_lines(run).assign(file="heat")
    lines["truth"] = [files["heat"][quantity.removeprefix(NAIVE)] for quantity in lines["quantity"]]
    return pd.concat([*tables, lines], ignore_index=True)


def naive_lines(run: Run) -> pd.DataFrame:
    """Slopes and errors of least-squares lines through the cumulative heat, the bare thermostat energy and the work.

    Args:
        run: of a driven pair.

    Returns:
        The columns of ``reported``: slopes and 95 % intervals, eV/ns per coupled axis; names begin with ``NAIVE``.
    """
    rows = []
    for name, flow in cumulative([run]).items():
        for j, side in enumerate(SIDES):
            line = linregress(run.series["time_ps"] / PER_NS, flow[0, j])
            half = NORMAL * line.stderr
            rows.append((f"{NAIVE}{name}_{side}", line.slope, line.slope - half, line.slope + half))
    return pd.DataFrame(rows, columns=["quantity", "value", "low", "high"])


def measure_friction(run: Run) -> pd.DataFrame:
    """White friction, ⟨X²⟩ and ⟨V²⟩ from one equilibrium run, with their true values; columns as in ``measure_point``.

    True values are the friction of the run, k_BT/κ, and the temperature of the bath (equipartition).

    Args:
        run: without controller; friction in eV ps/Å², ⟨X²⟩ in Å², temperatures in K.

    Raises:
        AnalysisError: if its friction differs by axis, particles drag bodies along, or a bath has Maxwell modes: there is
            then no true white friction, and ``studies.measure_study`` compares the zero-frequency friction with its true
            value. The same if the stiffness of the traps differs by axis.
    """
    odd = [name for kind in HIDDEN for side in SIDES if (name := f"{kind}_{side}") in run.metadata]
    odd += [name for side in SIDES if isinstance(run.metadata[name := f"friction_{side}_kg_per_s"], dict)]
    if odd:
        raise AnalysisError(
            f"{run.folder}: made with langevin.{odd[0]} = {run.metadata[odd[0]]}, so it has no true white friction: give "
            f"langevin one friction_..._kg_per_s for all axes without {' and '.join(HIDDEN)}, or measure it as a study "
            "(calibration.page.STUDIES), by its zero-frequency friction"
        )
    parameters = run.parameters
    if len(set(parameters.traps)) > 1:
        raise AnalysisError(
            f"{run.folder}: made with trap.stiffness_eV_per_A2 = {parameters.traps} along x, y and z, so it has no one true "
            "friction from all axes together: give the traps one stiffness, or measure it as a study "
            "(calibration.page.STUDIES)"
        )
    blocks: Blocks | None = None
    with contextlib.suppress(SeriesTooShortError):
        blocks = equilibrium_blocks([run])
    tables = []
    for j, side in enumerate(SIDES):
        data, temperature = particle([run], j), parameters.temperature[j]
        curves = correlation_curves(data, blocks, seed=j)
        found = white_friction(data, white_fits(data, curves, blocks, seed=j), blocks, temperature)
        table = reported(found.entries(side)).assign(file="friction")
        truth = {
            f"position_variance_{side}": BOLTZMANN * temperature / parameters.trap,
            f"particle_temperature_{side}": temperature,
        }
        friction = run.metadata[f"friction_{side}_kg_per_s"] / FRICTION_SI
        tables.append(table.assign(truth=[truth.get(quantity, friction) for quantity in table["quantity"]]))
    return pd.concat(tables, ignore_index=True)


def coverage(rows: pd.DataFrame, by: Sequence[str] = ("length", "point")) -> pd.DataFrame:
    """Fraction of intervals that cover the true value, for each quantity.

    Where no exact law is known, the mean over all runs is used as the true value.

    Args:
        rows: of many runs, from ``measure_point`` and ``measure_friction``, with the columns of ``by``.
        by: columns that define a condition, such as length and point.

    Returns:
        ``runs``; ``told``, the fraction of runs in which the analysis gives an interval; ``coverage`` of those, with its
        binomial error ``coverage_se``; ``above`` and ``below``, the fractions of intervals entirely above and below the true
        value. Over the runs with two finite ends: ``claimed``, the mean standard error (half of the 95 % interval over 1.96),
        ``spread``,
            the
        standard deviation of the values, and ``closed``, their fraction.
    """
    results = []
    for key, group in rows.groupby([*by, "file", "quantity"], sort=False):
        truth = group["truth"].iloc[0] if group["truth"].notna().all() else group["value"].mean()
        told = group.dropna(subset=["low", "high"])
        above, below = (told["low"] > truth), (told["high"] < truth)
        ends = told["high"] - told["low"]
        closed = np.isfinite(ends)
        n = len(told)
        covered = 1 - float((above | below).mean()) if n else math.nan
        results.append(
            dict(zip([*by, "file", "quantity"], key, strict=True))
            | {
                "truth": truth,
                "runs": len(group),
                "told": n / len(group),
                "coverage": covered,
                "coverage_se": math.sqrt(covered * (1 - covered) / n) if n else math.nan,
                "above": above.mean(),
                "below": below.mean(),
                "claimed": ends[closed].mean() / (2 * NORMAL),
                "spread": told["value"][closed].std(),
                "closed": closed.mean(),
            }
        )
    return pd.DataFrame(results)


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else float(value)
