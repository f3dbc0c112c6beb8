"""The run folder: join the segments of a run, check the first law, and write the files described in run-folder.md."""

from __future__ import annotations

import errno
import math
import os
import platform
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulation.experiments.base import Column, Experiment, Kind
from simulation.folder import closure
from simulation.segments.checkpoint import Segment
from simulation.storage.files import (
    DECK,
    LOG,
    RESTART,
    RUN,
    SERIES,
    TOPOLOGY,
    TRAJECTORY,
    TRAJECTORY_TEXT,
    checksum,
    digest,
    json_text,
    read_json,
    replace,
)

FORMAT = 2
ESSENTIAL = (SERIES, RESTART)
"""Files of a run folder that other steps read; a user may have deleted the others to save space."""
ROOT = Path(__file__).resolve().parents[2]

Writer = Callable[[Path], object]


def write(
    experiment: Experiment, folder: Path, series: pd.DataFrame, provenance: dict[str, Any], files: dict[str, Writer]
) -> None:
    """Check a run and write its folder, `run.json` last: if it exists, all other files do.

    Args:
        experiment: the experiment.
        folder: the run folder.
        series: all samples, under the names of docs/reference/run-folder.md.
        provenance: cost and versions from the engine, for `run.json`.
        files: further files of the engine by name, each a function that writes to a given path.

    Raises:
        closure.ClosureError: the energy drift exceeds the limit of the study; nothing is written.
        RejectedError: the result cannot be used for another reason; nothing is written.
    """
    content = describe(experiment, series)
    if "system" in provenance:
        provenance = provenance | {"system": content["system"] | provenance["system"]}
    content |= provenance | {"closure": judge(experiment, series)}
    if checks := content.get("checks", {}) | experiment.check_end(series):
        content["checks"] = checks
    folder.mkdir(parents=True, exist_ok=True)
    for name, write_to in files.items():
        replace(folder / name, write_to)
    replace(folder / SERIES, lambda part: series.to_parquet(part, index=False))
    sums = {name: checksum(folder / name) for name in (*files, SERIES)}
    content |= {"series_sha256": sums[SERIES], "sha256": sums}
    replace(folder / RUN, json_text(content | {"digest": digest(content)}))


def read_record(folder: Path) -> dict[str, Any] | None:
    """The `run.json` of a run folder; None if missing or damaged."""
    content = read_json(folder / RUN)
    own = None if content is None else content.pop("digest", None)  # copies of archived runs have none
    return None if content is None or own not in (None, digest(content)) else content


def judge(experiment: Experiment, series: pd.DataFrame) -> dict[str, float | None]:
    """The drift of each energy balance, checked against its limit; flat, the numbers of a side under its name.

    Raises:
        closure.ClosureError: a drift exceeds its limit.
    """
    found: dict[str, float | None] = {}
    for balance in experiment.balances(series):
        label = f"{experiment.label}, {balance.side} side" if balance.side else experiment.label
        drift = closure.balance(series["time_ps"].to_numpy(), balance.residual_eV)
        judged = closure.check(label, drift, balance.limit_eV_per_ns, balance.fields)
        prefix = f"{balance.side}_" if balance.side else ""
        found |= {f"{prefix}{key}": value for key, value in (judged | balance.also).items()}
        found["limit_eV_per_ns"] = balance.limit_eV_per_ns
    return found


def describe(experiment: Experiment, series: pd.DataFrame) -> dict[str, Any]:
    """Content of `run.json` common to the runs of all engines."""
    study = experiment.study
    return {
        "format": FORMAT,
        "engine": study.engine,
        "study": study.name,
        "purpose": experiment.purpose,
        "point": experiment.point,
        "replica": experiment.replica,
        **experiment.describe(),
        "duration_ps": float(series["time_ps"].iloc[-1] - series["time_ps"].iloc[0]),
        "settings": study.model_dump(mode="json"),
        "controller": experiment.controller_identity(),
        "protocol": {"experiment": experiment.kind, "version": experiment.versions[study.engine]},
        "fingerprint": experiment.fingerprint,
    }


def missing(experiment: Experiment, folder: Path) -> set[str]:
    """Missing or damaged files of this run in a folder; all if there is no `run.json` of this run."""
    content = read_record(folder)
    if content is None or not matches(experiment, content):
        return {RUN, *ESSENTIAL}
    sums = content.get("sha256", {SERIES: content.get("series_sha256")})
    return {name for name, wanted in sums.items() if not (folder / name).is_file() or checksum(folder / name) != wanted}


def matches(experiment: Experiment, content: dict[str, Any]) -> bool:
    """Whether a `run.json` is of this experiment with the current parameters, code and length of the study."""
    is_same = experiment.fingerprint == content.get("fingerprint")
    duration = content.get("duration_ps")
    # The same number of steps: a step in few digits, such as 1.666667 fs, makes a run end beside its field.
    half_a_step = experiment.study.timestep_ps / 2
    return is_same and isinstance(duration, (int, float)) and abs(duration - experiment.duration_ps) < half_a_step


def touch(folder: Path) -> None:
    """Set the file times of a finished run to now, for workflows that compare times."""
    for name in (SERIES, RUN):
        os.utime(folder / name)


# --- from segments ----------------------------------------------------------------------------------------------------------


def measured(experiment: Experiment, segments: Sequence[Segment]) -> list[Segment]:
    """The measured segments."""
    return [segments[piece.index] for piece in experiment.pieces() if piece.is_measured]


def lammps_files(experiment: Experiment, segments: Sequence[Segment]) -> dict[str, Writer]:
    """Files specific to LAMMPS runs: log, topology, trajectory, deck; and the final state, if other runs start from it."""
    topology = next(folder for s in reversed(segments) if (folder := s.folder / TOPOLOGY).is_file())
    files: dict[str, Writer] = {
        LOG: lambda part: _join_logs(segments, part),
        TOPOLOGY: lambda part: shutil.copyfile(topology, part),
    }
    counted = measured(experiment, segments)
    if all(_frames(segment) for segment in counted):
        files[TRAJECTORY] = lambda part: _join_trajectories(experiment, counted, topology, part)
    else:
        files[RESTART] = lambda part: shutil.copyfile(segments[-1].folder / RESTART, part)
    if (deck := experiment.standalone()) is not None:
        files[DECK] = lambda part: part.write_text(deck, encoding="utf-8")
        for name, path in experiment.study.interactions.paths().items():
            files[name] = partial(shutil.copyfile, path)
    return files


def lammps_provenance(experiment: Experiment, segments: Sequence[Segment]) -> dict[str, Any]:
    """Versions and cost of LAMMPS segments; if a state was stated, the number of atoms and how well filling reached it."""
    records = [segment.record for segment in segments]
    wall = sum(record["wall_time_s"] for record in records)
    steps = sum(record["last_step"] - record["first_step"] for record in records)
    filled = experiment.check_filling(records[0].get("filling", {}))
    return {
        "versions": versions() | {"lammps": str(records[-1]["lammps_version"])},
        "ranks": sorted({record["ranks"] for record in records}),
        "site": _each_once(record["site"] for record in records if "site" in record),
        "segments": len(segments),
        "wall_time_s": round(wall, 3),
        "loop_time_s": round(sum(record["loop_time_s"] for record in records), 3),
        "steps_per_s": round(steps / wall, 2),
        "system": {"neighbours_per_atom": records[-1]["neighbours_per_atom"]}
        | experiment.counted(records[-1].get("atoms_by_type", [])),
    } | ({"checks": filled} if filled else {})


def _each_once(contents: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for content in contents:
        if content not in found:
            found.append(content)
    return found


def join_series(parts: Sequence[pd.DataFrame], columns: Sequence[Column]) -> pd.DataFrame:
    """One series from consecutive segments: shared rows once; accumulated columns (heat, work, path) from the first row on.

    Raises:
        ValueError: a segment does not start from the final state of the previous one.
    """
    named = {kind: [column.series_name for column in columns if column.kind is kind] for kind in Kind}
    state, counted = ["step", *named[Kind.STATE], *named[Kind.WAY]], named[Kind.COUNTER]
    joined = [parts[0]]
    for part in parts[1:]:
        last, first = joined[-1].iloc[-1], part.iloc[0]
        if not np.allclose(last[state].to_numpy(float), first[state].to_numpy(float), rtol=1e-9, atol=1e-9):
            raise ValueError(
                f"segments do not join at step {first['step']:.0f}: delete the run's segments/ folder and run it again"
            )
        part = part.copy()
        # Demon and most thermostats count from the start of each segment; only the count of Nosé-Hoover persists in a restart.
        part[counted] += last[counted] - first[counted]
        joined.append(part.iloc[1:])
    series = pd.concat(joined, ignore_index=True)
    since_first = [*counted, *named[Kind.WAY]]
    series[since_first] -= series[since_first].iloc[0]
    return series


def versions() -> dict[str, str]:
    """Versions of the dependencies of a run, and the commit of the project if git knows it."""
    found = {"python": platform.python_version()}
    for package in ("numpy", "scipy", "pandas", "MDAnalysis", "snakemake"):
        found[package] = metadata.version(package)
    if shutil.which("git") is None:
        return found
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    if commit.returncode == 0:
        found["nanofridge_commit"] = commit.stdout.strip()
    return found


def _join_logs(segments: Sequence[Segment], target: Path) -> None:
    with target.open("wb") as stream:
        for segment in segments:
            stream.write((segment.folder / LOG).read_bytes())


def _join_trajectories(experiment: Experiment, segments: Sequence[Segment], topology: Path, target: Path) -> None:
    """One trajectory; its interval is one common to all segments, in case that of the study has changed between them."""
    import MDAnalysis  # slow to import, and needed only here

    interval = math.lcm(*(segment.record["frame_steps"] for segment in segments))
    frame_ps = interval * experiment.study.timestep_ps
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a data file has no charges or names
        universe = MDAnalysis.Universe(str(topology), topology_format="DATA")
        with MDAnalysis.Writer(str(target), n_atoms=universe.atoms.n_atoms, dt=frame_ps, format="DCD") as writer:
            for index, segment in enumerate(segments):
                frames = _frames(segment)
                assert frames is not None, "asked before"
                file, file_format = frames
                corner = _corner(file) if file.name == TRAJECTORY_TEXT else None
                universe.load_new(str(file), format=file_format)
                stride = interval // segment.record["frame_steps"]
                # Each segment begins with the last frame of the previous one.
                for _ in universe.trajectory[stride if index else 0 :: stride]:
                    if corner is not None:
                        universe.atoms.translate(corner)
                    writer.write(universe.atoms)


def _frames(segment: Segment) -> tuple[Path, str] | None:
    """Trajectory of a segment, and the name of its format in MDAnalysis; None if it has none."""
    for name, file_format in ((TRAJECTORY, "LAMMPS"), (TRAJECTORY_TEXT, "LAMMPSDUMP")):
        if (file := segment.folder / name).is_file():
            return file, file_format
    return None


def _corner(file: Path) -> list[float]:
    """Lower corner of the box, which MDAnalysis uses as the origin only in text dumps of LAMMPS."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("ITEM: BOX BOUNDS"):
                return [float(next(lines).split()[0]) for _ in range(3)]
    raise OSError(errno.ENOSPC, "it has no box", str(file))
