"""The run folder: join a run's segments, check the first law, and write what docs/run-folder.md promises."""

from __future__ import annotations

import platform
import shutil
import subprocess
import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulation import checkpoint, closure
from simulation.checkpoint import Segment
from simulation.deck import PROTOCOL, render_standalone
from simulation.plan import Run
from simulation.study import SIDES

FORMAT = 1
ROOT = Path(__file__).resolve().parent.parent


def write(
    run: Run,
    folder: Path,
    series: pd.DataFrame,
    *,
    fingerprint: str,
    provenance: dict[str, Any],
    files: dict[str, Callable[[Path], object]],
) -> None:
    """Check the first law and write the run folder.

    Args:
        run: which run.
        folder: the run folder.
        series: all samples, under the names of docs/run-folder.md.
        fingerprint: identity of the trajectory.
        provenance: what the engine tells of itself, for `run.json`: cost, versions, system.
        files: the engine's own files by name, each a function that writes to the path it is given.

    Raises:
        closure.ClosureError: the first law's drift on one side exceeds the study's limit; nothing is written then.
    """
    found = first_law(series, run.study.demon.coupling_axes)
    limit = run.study.limits.closure_drift_eV_per_ns
    flat: dict[str, float | None] = {"limit_eV_per_ns": limit}
    for side in SIDES:
        label = f"{run.label}, {side} side"
        judged = closure.check(label, found[side], limit, "limits.closure_drift_eV_per_ns", run.study)
        flat |= {f"{side}_{key}": value for key, value in judged.items()}
    content = describe(run, series) | {"fingerprint": fingerprint} | provenance
    store(folder, series, content | {"closure": flat}, files)


def store(
    folder: Path, series: pd.DataFrame, content: dict[str, Any], files: dict[str, Callable[[Path], object]]
) -> None:
    """Write a run folder, `run.json` (`content`) last: where it is, all else is."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, write_to in files.items():
        checkpoint.replace(folder / name, write_to)
    checkpoint.replace(folder / "series.parquet", lambda part: series.to_parquet(part, index=False))
    content = content | {"series_sha256": checkpoint.checksum(folder / "series.parquet")}
    checkpoint.replace(folder / "run.json", checkpoint.json_text(content))


def lammps_files(run: Run, segments: list[Segment], topology: Path) -> dict[str, Callable[[Path], object]]:
    """The files that only a LAMMPS run has."""
    measured = list(checkpoint.production(segments))
    return trace_files(segments, measured, topology, run.study.schedule.trajectory_every_ps) | {
        "deck.lmp": lambda part: part.write_text(render_standalone(run), encoding="utf-8")
    }


def trace_files(
    segments: list[Segment], measured: list[Segment], topology: Path, frame_ps: float
) -> dict[str, Callable[[Path], object]]:
    """Log, topology and trajectory of LAMMPS segments; the trajectory of those that count as measured."""
    return {
        "log.lammps": lambda part: _join_logs(segments, part),
        "topology.data": lambda part: shutil.copyfile(topology, part),
        "trajectory.dcd": lambda part: _join_trajectories(measured, topology, part, frame_ps),
    }


def lammps_provenance(run: Run, segments: list[Segment]) -> dict[str, Any]:
    """Cost, versions and system of a LAMMPS run, for `run.json`."""
    study = run.study
    return lammps_cost(segments) | {
        "system": {
            "argon_atoms_per_bath": study.argon_atoms,
            "copper_atoms_per_particle": study.nanoparticle.atoms,
            "bath_edge_A": study.edge_A,
            "accessible_density_per_nm3": round(1000 * study.argon_atoms / study.accessible_volume_A3, 4),
            "neighbours_per_atom": segments[-1].record["neighbours_per_atom"],
        },
    }


def lammps_cost(segments: list[Segment]) -> dict[str, Any]:
    """Versions behind LAMMPS segments and the time that they took."""
    records = [segment.record for segment in segments]
    wall = sum(record["wall_time_s"] for record in records)
    steps = sum(record["last_step"] - record["first_step"] for record in records)
    return {
        "versions": versions() | {"protocol": str(PROTOCOL), "lammps": str(records[-1]["lammps_version"])},
        "segments": len(segments),
        "wall_time_s": round(wall, 3),
        "loop_time_s": round(sum(record["loop_time_s"] for record in records), 3),
        "steps_per_s": round(steps / wall, 2),
    }


def join_series(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """One series from those of consecutive segments: shared rows once; what is counted (heat, work, way) from the first row.

    Raises:
        ValueError: a segment does not begin in the state in which the one before it ended.
    """
    joined = [parts[0]]
    for part in parts[1:]:
        last, first = joined[-1].iloc[-1], part.iloc[0]
        state = [
            name for name in part.columns if name.startswith(("position", "displacement", "trap", "energy", "step"))
        ]
        if not np.allclose(last[state].to_numpy(float), first[state].to_numpy(float), rtol=1e-9, atol=1e-9):
            raise ValueError(
                f"segments do not join at step {first['step']:.0f}: delete the run's segments/ folder and run it again"
            )
        part = part.copy()
        # The demon and most thermostats count from the start of each segment; only Nosé-Hoover's count outlives a restart.
        for name in part.columns:
            if name.startswith(("work", "thermostat")):
                part[name] += last[name] - first[name]
        part.loc[0, "step"] = -1  # marks the shared row
        joined.append(part)
    series = pd.concat(joined, ignore_index=True)
    series = series[series["step"] >= 0].reset_index(drop=True)
    for name in series.columns:
        if name.startswith(("work", "thermostat", "displacement")):
            series[name] -= series[name].iloc[0]
    return series


def first_law(series: pd.DataFrame, axes: str) -> dict[str, dict[str, float]]:
    """`closure.balance` of each side: thermostat + Δenergy + Δtrap − work, constant if energy closes."""
    found = {}
    for side in SIDES:
        work = sum(series[f"work_{side}_{axis}_eV"].to_numpy() for axis in axes)
        stored = series[f"energy_{side}_eV"] + series[f"trap_{side}_eV"]
        residual = (series[f"thermostat_{side}_eV"] + stored - stored.iloc[0] - work).to_numpy()
        found[side] = closure.balance(series["time_ps"].to_numpy(), residual)
    return found


def describe(run: Run, series: pd.DataFrame) -> dict[str, Any]:
    """What `run.json` says of every run, whichever engine made it."""
    study = run.study
    return {
        "format": FORMAT,
        "engine": study.engine,
        "study": study.name,
        "purpose": run.purpose,
        "point": run.point,
        "kappa_ratio": run.kappa_ratio,
        "replica": run.replica,
        "parameters": {
            "mass_cold_eV_ps2_per_A2": study.particle_mass_eV_ps2_per_A2,
            "mass_hot_eV_ps2_per_A2": study.particle_mass_eV_ps2_per_A2,
            "trap_stiffness_eV_per_A2": study.trap.stiffness_eV_per_A2,
            "coupling_cold_eV_per_A2": run.coupling_cold_eV_per_A2,
            "coupling_hot_eV_per_A2": run.coupling_hot_eV_per_A2,
            "coupling_axes": study.demon.coupling_axes,
            "temperature_cold_K": study.baths.temperature_cold_K,
            "temperature_hot_K": study.baths.temperature_hot_K,
            "timestep_ps": study.integration.timestep_fs / 1000,
            "sample_interval_ps": study.schedule.sample_every_ps,
        },
        "duration_ps": float(series["time_ps"].iloc[-1] - series["time_ps"].iloc[0]),
        "settings": study.model_dump(mode="json"),
        "seeds": run.seeds,
        "ranks": study.ranks,
    }


def versions() -> dict[str, str]:
    """Versions of what a run depends on, and the project's commit where git knows it."""
    found = {"python": platform.python_version()}
    for package in ("numpy", "scipy", "pandas", "MDAnalysis", "snakemake"):
        found[package] = metadata.version(package)
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    if commit.returncode == 0:
        found["nanofridge_commit"] = commit.stdout.strip()
    return found


def _join_logs(segments: list[Segment], target: Path) -> None:
    with target.open("wb") as stream:
        for segment in segments:
            stream.write((segment.folder / checkpoint.LOG).read_bytes())


def _join_trajectories(segments: list[Segment], topology: Path, target: Path, frame_ps: float) -> None:
    import MDAnalysis  # slow to load, and needed only here

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a data file of atomic style has no charges or names to tell
        files = [str(segment.folder / checkpoint.TRAJECTORY) for segment in segments]
        universe = MDAnalysis.Universe(str(topology), atom_style="id type x y z", topology_format="DATA")
        with MDAnalysis.Writer(str(target), n_atoms=universe.atoms.n_atoms, dt=frame_ps, format="DCD") as writer:
            for index, file in enumerate(files):
                universe.load_new(file, format="LAMMPS")
                for frame in universe.trajectory:
                    if index and frame.frame == 0:  # each segment begins with the frame that ended the one before it
                        continue
                    writer.write(universe.atoms)
