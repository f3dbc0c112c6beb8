"""Synthetic run folders of known truth: the linear Langevin model, propagated exactly and written as the contract says.

The propagator is written apart from ``analysis.model`` on purpose, so that a slip there cannot hide here. One step is
r(t+h) = e^{Ah} r(t) + noise with the exact covariance of the noise, so the only approximation is the mid-point rule for
the work (relative error (ωh)²/12, below 10⁻³ for the steps used).
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import MDAnalysis
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.constants import physical_constants
from scipy.linalg import expm, schur, solve_continuous_lyapunov
from scipy.signal import lfilter

from analysis.data.parameters import Parameters
from analysis.data.runs import Run
from analysis.friction.drag import DragFriction
from analysis.statistics.timeseries import Estimate

BOLTZMANN_EV_PER_K = float(physical_constants["Boltzmann constant in eV/K"][0])
SIDES = ("cold", "hot")
CHUNK = 1_000_000  # numbers of a path that are made at once
AXES = ("x", "y", "z")
Array = NDArray[np.float64]

MATERIALS = {
    "fluid": {"symbol": "Ar", "mass_u": 39.948, "epsilon_eV": 0.0104, "sigma_A": 3.405},
    "metal": {"symbol": "Cu", "mass_u": 63.546, "epsilon_eV": 0.4093, "sigma_A": 2.338, "lattice_A": 3.61},
    "fluid_metal": None,
    "cutoff_A": 8.5125,
}
"""``settings.materials`` of a synthetic run."""

DRAG = DragFriction(
    side="cold",
    force_nN="0.3",
    bath_temperature=100.0,
    replicas=1,
    transient=50.0,
    time=0.15,
    velocity=Estimate(0.44, 0.03),
    friction=Estimate(0.42, 0.03),
    drift_z=0.2,
    over_thermal=4.8,
    note=None,
    particle_atoms=None,
    largest_piece=None,
    work=82.0,
    thermostat=81.0,
    bath_excess=Estimate(0.1, 0.2),
    particle_excess=None,
)
"""A particle of the exact model, dragged."""


@dataclass(frozen=True)
class Truth:
    """The model behind a synthetic run, in metal units; ``shell_mass`` > 0 adds a shell of fluid to each particle."""

    kappa_ratio: str | None = "4.80"
    mass: float = 1.225
    trap: float = 0.01
    coupling_cold: float = 0.1
    friction_cold: float = 0.22
    friction_hot: float = 0.22
    temperature_cold: float = 100.0
    temperature_hot: float = 120.0
    shell_mass: float = 0.0
    core_friction: float = 0.0
    sample_interval: float = 1.0
    substeps: int = 10
    bath_energy_std: float = 4.0
    bath_energy_time: float = 3.0

    @property
    def couplings(self) -> Array:
        """κ_C and κ_H, eV/Å²; both 0 in a friction run."""
        if self.kappa_ratio is None:
            return np.zeros(2)
        return self.coupling_cold * np.array([1.0, float(self.kappa_ratio)])

    @property
    def frictions(self) -> Array:
        """Friction of each particle (of its shell, if it has one) against the bath, eV ps/Å²."""
        return np.array([self.friction_cold, self.friction_hot])

    @property
    def thermal(self) -> Array:
        """k_B T of both baths, eV."""
        return BOLTZMANN_EV_PER_K * np.array([self.temperature_cold, self.temperature_hot])


def drift_and_noise(truth: Truth, couplings: Array) -> tuple[Array, Array]:
    """Drift A (n, n) and noise D (n, n) of ṙ = A r + noise, r = (X_C, X_H, V_C, V_H[, u_C, u_H])."""
    dressed = truth.shell_mass > 0
    n = 6 if dressed else 4
    a, d = np.zeros((n, n)), np.zeros((n, n))
    a[0, 2] = a[1, 3] = 1.0
    for j in range(2):
        a[2 + j, j] = -(truth.trap + couplings[j]) / truth.mass
        a[2 + j, 1 - j] = couplings[j] / truth.mass
        kt, g = truth.thermal[j], truth.frictions[j]
        if not dressed:
            a[2 + j, 2 + j] = -g / truth.mass
            d[2 + j, 2 + j] = 2 * kt * g / truth.mass**2
            continue
        g1, v, u = truth.core_friction, 2 + j, 4 + j
        a[v, v], a[v, u] = -g1 / truth.mass, g1 / truth.mass
        a[u, v], a[u, u] = g1 / truth.shell_mass, -(g1 + g) / truth.shell_mass
        d[v, v] = 2 * kt * g1 / truth.mass**2
        d[v, u] = d[u, v] = -2 * kt * g1 / (truth.mass * truth.shell_mass)
        d[u, u] = 2 * kt * (g1 + g) / truth.shell_mass**2
    return a, d


def heat_rates(truth: Truth) -> Array:
    """Exact mean heat rates (cold, hot) of one axis, eV/ps: the mean work κ_j⟨(x_i − x_j) v_j⟩."""
    a, d = drift_and_noise(truth, truth.couplings)
    c = solve_continuous_lyapunov(a, -d)
    return np.asarray(truth.couplings * np.array([c[1, 2] - c[0, 2], c[0, 3] - c[1, 3]]))


def heat_slopes(truth: Truth) -> Array:
    """Change of the heat rates with the logarithm of each friction, (friction, bath), eV/ps, by differences of exact ones."""
    step = 1e-3
    cold, hot = truth.friction_cold, truth.friction_hot
    pairs = [
        (replace(truth, friction_cold=cold * (1 + step)), replace(truth, friction_cold=cold * (1 - step))),
        (replace(truth, friction_hot=hot * (1 + step)), replace(truth, friction_hot=hot * (1 - step))),
    ]
    return np.array([(heat_rates(up) - heat_rates(down)) / (2 * step) for up, down in pairs])


def propagate(truth: Truth, couplings: Array, n: int, copies: int, rng: np.random.Generator) -> dict[str, Array]:
    """Stationary trajectories: position and velocity (copies, n, 2), and work on each particle (copies, n, 2)."""
    a, d = drift_and_noise(truth, couplings)
    covariance = solve_continuous_lyapunov(a, -d)
    step = expm(a * truth.sample_interval / truth.substeps)
    kick = np.linalg.cholesky(covariance - step @ covariance @ step.T + 1e-15 * np.diag(np.diag(covariance)))
    states = np.empty((n, len(a), copies))
    works = np.zeros((n, 2, copies))
    states[0] = np.linalg.cholesky(covariance) @ rng.standard_normal((len(a), copies))
    samples = max(CHUNK // (truth.substeps * len(a) * copies), 1)
    for first in range(1, n, samples):
        after = min(first + samples, n)
        noise = kick @ rng.standard_normal(((after - first) * truth.substeps, len(a), copies))
        path = np.concatenate([states[None, first - 1], _path(step, states[first - 1], noise)])
        gap = path[:, 1] - path[:, 0]
        push = couplings[:, None] * np.array([[1.0], [-1.0]]) * (0.5 * (gap[1:] + gap[:-1]))[:, None]
        done = np.add.reduceat(push * np.diff(path[:, :2], axis=0), range(0, len(noise), truth.substeps))
        states[first:after] = path[truth.substeps :: truth.substeps]
        works[first:after] = works[first - 1] + np.cumsum(done, axis=0)
    states, works = states.transpose(2, 0, 1), works.transpose(2, 0, 1)
    return {"position": states[..., :2], "velocity": states[..., 2:4], "work": works}


def _path(step: Array, start: Array, noise: Array) -> Array:
    """r ← A r + noise, (steps, d, copies): in the Schur form of A each variable is a filter, driven by those after it."""
    triangle, turn = schur(step, output="complex")
    kicks = turn.conj().T @ noise
    path = np.empty((len(noise) + 1, *start.shape), dtype=complex)
    path[0] = turn.conj().T @ start
    for mode in reversed(range(len(start))):
        rate = triangle[mode, mode]
        driven = kicks[:, mode] + np.einsum("j,tjc->tc", triangle[mode, mode + 1 :], path[:-1, mode + 1 :])
        path[1:, mode] = lfilter([1.0], [1.0, -rate], driven, axis=0, zi=rate * path[:1, mode])[0]
    return np.asarray((turn @ path[1:]).real)


def _bath_energy(truth: Truth, shape: tuple[int, int, int], rng: np.random.Generator) -> Array:
    """The baths' own energy: large, stationary, correlated over a few ps; shape (runs, n, 2), eV."""
    decay = np.exp(-truth.sample_interval / truth.bath_energy_time)
    noise = rng.standard_normal(shape)
    noise[:, 1:] *= np.sqrt(1 - decay**2)
    return np.asarray(truth.bath_energy_std * lfilter([1.0], [1.0, -decay], noise, axis=1))


def series(truth: Truth, duration_ps: float, runs: int, seed: int, axes: str = "xyz") -> list[pd.DataFrame]:
    """Tables of ``series.parquet`` for ``runs`` independent runs of ``duration_ps``, coupled along ``axes`` if at all."""
    rng = np.random.default_rng(seed)
    n = round(duration_ps / truth.sample_interval) + 1
    axes = axes_of(truth, axes)
    none = np.zeros(2)
    per_axis = [propagate(truth, truth.couplings if a in axes else none, n, runs, rng) for a in AXES]
    bath = _bath_energy(truth, (runs, n, 2), rng)
    tables = []
    for run in range(runs):
        table: dict[str, NDArray[Any]] = {"step": np.arange(n) * 250.0, "time_ps": np.arange(n) * truth.sample_interval}
        for j, side in enumerate(SIDES):
            x = np.stack([p["position"][run, :, j] for p in per_axis], axis=1)
            v = np.stack([p["velocity"][run, :, j] for p in per_axis], axis=1)
            work = np.stack([p["work"][run, :, j] for p in per_axis], axis=1)
            kinetic = 0.5 * truth.mass * (v**2).sum(axis=1)
            trap = 0.5 * truth.trap * (x**2).sum(axis=1)
            energy = kinetic + bath[run, :, j]
            for k, axis in enumerate(AXES):
                table[f"position_{side}_{axis}_A"] = x[:, k]
                table[f"velocity_{side}_{axis}_A_per_ps"] = v[:, k]
                if axis in axes:
                    table[f"work_{side}_{axis}_eV"] = work[:, k]
            table[f"thermostat_{side}_eV"] = work.sum(axis=1) - (energy - energy[0]) - (trap - trap[0])
            table[f"energy_{side}_eV"] = energy
            table[f"trap_{side}_eV"] = trap
            table[f"temperature_{side}_K"] = np.full(n, truth.thermal[j] / BOLTZMANN_EV_PER_K)
            table[f"pressure_{side}_bar"] = np.full(n, 500.0)
        tables.append(pd.DataFrame(table))
    return tables


def axes_of(truth: Truth, axes: str) -> str:
    """Axes along which something acts: none in a friction run."""
    return "" if truth.kappa_ratio is None else axes


def metadata(truth: Truth, duration_ps: float, replica: int, axes: str = "xyz") -> dict[str, Any]:
    """The ``run.json`` of a synthetic run."""
    ratio = truth.kappa_ratio
    return {
        "format": 2,
        "engine": "langevin",
        "study": "synthetic",
        "purpose": "friction" if ratio is None else "sweep",
        "point": "friction" if ratio is None else f"kH_{ratio}",
        "kappa_ratio": ratio,
        "replica": replica,
        "parameters": {
            "mass_cold_eV_ps2_per_A2": truth.mass,
            "mass_hot_eV_ps2_per_A2": truth.mass,
            "trap_stiffness_eV_per_A2": truth.trap,
            "coupling_cold_eV_per_A2": float(truth.couplings[0]),
            "coupling_hot_eV_per_A2": float(truth.couplings[1]),
            "temperature_cold_K": truth.temperature_cold,
            "temperature_hot_K": truth.temperature_hot,
            "timestep_ps": 0.004,
            "sample_interval_ps": truth.sample_interval,
            "coupling_axes": axes_of(truth, axes),
        },
        "duration_ps": duration_ps,
        "settings": {"name": "synthetic", "materials": MATERIALS},
        "controller": None if ratio is None else {"law": "linear", "version": 1},
        "protocol": {"experiment": "machine", "version": 2},
        "closure": {
            "cold_drift_eV_per_ns": 0.0,
            "cold_rms_eV": 0.0,
            "hot_drift_eV_per_ns": 0.0,
            "hot_rms_eV": 0.0,
            "limit_eV_per_ns": 0.05,
        },
    }


def synthetic_runs(truth: Truth, duration_ps: float, runs: int, seed: int, axes: str = "xyz") -> list[Run]:
    """``runs`` runs in memory, as ``load_runs`` would return them from their folders."""
    tables = series(truth, duration_ps, runs, seed, axes)
    details = [metadata(truth, duration_ps, replica, axes) for replica in range(1, runs + 1)]
    return [
        Run(Path("synthetic"), meta, Parameters.from_json(meta["parameters"]), table)
        for meta, table in zip(details, tables, strict=True)
    ]


def write_runs(root: Path, truth: Truth, duration_ps: float, runs: int, seed: int, axes: str = "xyz") -> list[Path]:
    """Write ``runs`` run folders below ``root`` and return them."""
    folders = []
    for replica, table in enumerate(series(truth, duration_ps, runs, seed, axes), start=1):
        meta = metadata(truth, duration_ps, replica, axes)
        point = root / ("friction" if truth.kappa_ratio is None else f"sweep/kH_{truth.kappa_ratio}")
        folder = point / f"replica_{replica}"
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps(meta))
        table.to_parquet(folder / "series.parquet")
        folders.append(folder)
    return folders


def write_atoms(
    folder: Path,
    atoms: dict[str, Array],
    box: tuple[float, float, float],
    frames: int,
    every_ps: float = 50.0,
    last: dict[str, Array] | None = None,
) -> None:
    """Write ``topology.data`` and ``trajectory.dcd`` of atoms that do not move but in the last frame, as the contract says.

    Args:
        folder: the run folder.
        atoms: positions of each LAMMPS type, (n, 3), Å.
        box: where it begins and ends along x, and its edge along y and z, Å.
        frames: how many.
        every_ps: between frames.
        last: positions in the last frame, if they differ.
    """
    positions = np.vstack(list(atoms.values()))
    types = np.repeat(list(atoms), [len(group) for group in atoms.values()])
    low, high, edge = box
    lines = ["made up", "", f"{len(positions)} atoms", "6 atom types", ""]
    lines += [f"{low} {high} xlo xhi", f"0 {edge} ylo yhi", f"0 {edge} zlo zhi", "", "Masses", ""]
    lines += [f"{kind} {40 if kind < 3 else 63.5}" for kind in range(1, 7)] + ["", "Atoms # molecular", ""]
    rows = [
        f"{number} 1 {kind} {x} {y} {z} 0 0 0"
        for number, (kind, (x, y, z)) in enumerate(zip(types, positions, strict=True), start=1)
    ]
    # LAMMPS writes atoms in any order.
    (folder / "topology.data").write_text("\n".join([*lines, *reversed(rows)]) + "\n", encoding="utf-8")
    still = MDAnalysis.Universe.empty(len(positions), trajectory=True)
    still.atoms.positions = positions
    still.dimensions = [high - low, edge, edge, 90, 90, 90]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with MDAnalysis.Writer(str(folder / "trajectory.dcd"), len(positions), dt=every_ps, format="DCD") as writer:
            for frame in range(frames):
                if last is not None and frame == frames - 1:
                    still.atoms.positions = np.vstack(list(last.values()))
                writer.write(still.atoms)
