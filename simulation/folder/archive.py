"""Copies of run folders small enough to publish: the input of the analysis, rounded, without restart files."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulation.control.controller import ControllerError
from simulation.experiments import Experiment, experiments
from simulation.folder.run_folder import matches
from simulation.storage.files import (
    RUN,
    SERIES,
    TOPOLOGY,
    TRAJECTORY,
    checksum,
    json_text,
    read_json,
    read_series,
    replace,
)
from simulation.study.fields import Study

FREE = ("controller_options", "variants")
"""Sections with keys chosen by the user."""


def archive(study: Study, results: Path, target: Path) -> Iterator[Path]:
    """Copy every finished run of a study; complete copies of the same run are kept.

    The series keeps all samples, rounded by at most a thousandth of their changes (`rounded`). Atoms are kept only for the
    first equilibrium run: they are large, and one set shows the system. Runs of other parameters or lengths than those of
    the study are left out, each with a message.

    Args:
        study: the study.
        results: the folder with the results of all studies.
        target: folder to fill; a run has the same path in it as in the folder of the study.

    Yields:
        The folder of each new copy.

    Raises:
        ValueError: the study has no finished run, one is damaged, or `target` has a different run under the same path.
    """
    runs = {results / run.folder: run for run in experiments(study)}
    has_any = False
    for file in sorted((results / study.name).glob(f"*/**/replica_*/{RUN}")):
        source, run = file.parent, runs.get(file.parent)
        if run is not None and run.purpose == "equilibration":  # only needed to start runs
            continue
        record = read_json(file)
        if record is None:
            raise ValueError(f"{file} is damaged: delete it and run the study again")
        why = ""
        if run is None:
            why = "the study has no such run: add it there, or delete this folder"
        elif not matches(run, record):
            why = f"it was made with {_of_another(run, record)}: run the study again"
        if why:
            print(f"{source} is left out: {why}", file=sys.stderr, flush=True)
            continue
        has_any = True
        copy = target / source.relative_to(results / study.name)
        if (known := read_json(copy / RUN)) is not None:
            if known["fingerprint"] != record["fingerprint"]:
                raise ValueError(f"{copy} holds a run of other parameters than {source}: move one of them away")
            if known["duration_ps"] >= record["duration_ps"]:
                continue
        copy.mkdir(parents=True, exist_ok=True)
        # Bytes of equal significance are grouped: of noise, only the highest bytes and those rounded to zero compress.
        rounded(read_series(source / SERIES)).to_parquet(
            copy / SERIES, index=False, compression="zstd", use_dictionary=False, use_byte_stream_split=True
        )
        if record["purpose"] == "friction" and record["replica"] == 1:
            if (topology := source / TOPOLOGY).is_file():
                text = without_velocities(topology.read_text(encoding="utf-8"))
                (copy / TOPOLOGY).write_text(text, encoding="utf-8")
            if (source / TRAJECTORY).is_file():
                shutil.copyfile(source / TRAJECTORY, copy / TRAJECTORY)
        for own in ("sha256", "digest"):  # of files that are converted
            record.pop(own, None)
        record |= {
            "archived": "series in single precision, rounded by at most a thousandth of its changes",
            "series_sha256": checksum(copy / SERIES),
        }
        replace(copy / RUN, json_text(record))
        yield copy
    if not has_any:
        raise ValueError(f"{results / study.name} has no finished run: run the study first")


def rounded(series: pd.DataFrame) -> pd.DataFrame:
    """A series in single precision, rounded by at most 1/1024 of the standard deviation of its changes between samples.

    The error adds less than 10⁻⁶ to the variance of a change. Steps and times are exact.
    """
    columns: dict[Any, pd.Series] = {}
    for name, column in series.items():
        if name in ("step", "time_ps"):
            columns[name] = column
            continue
        values = column.to_numpy(dtype=float)
        change = float(np.std(np.diff(values))) if values.size > 1 else 0.0
        if change > 0:  # neither constant nor with missing values
            # A power of two: the last digits of a binary number become zero, and compress.
            unit = 2.0 ** np.floor(np.log2(change / 512))
            values = np.round(values / unit) * unit
        columns[name] = pd.Series(values.astype(np.float32), index=series.index)
    return pd.DataFrame(columns)


def without_velocities(topology: str) -> str:
    """A data file of LAMMPS without its velocities, with positions rounded to 10⁻⁴ Å: a third of the size."""
    parts = re.split(r"^(?=[A-Z][a-z]+(?: # \w+)?$)", topology, flags=re.MULTILINE)
    return "".join(
        re.sub(r"-?\d+\.\d{5,}(?:e-?\d+)?", lambda number: f"{float(number[0]):.4f}", part)
        if part.startswith("Atoms")
        else part
        for part in parts
        if not part.startswith("Velocities")
    )


def unpack(experiment: Experiment, source: Path, target: Path) -> None:
    """Copy an archived run into the results of a study, if its parameters are those of the study.

    Args:
        experiment: the experiment that needs the run.
        source: its folder in the archive.
        target: folder to fill.

    Raises:
        ValueError: there is no such run, its series is damaged, or it is another one or has other parameters; names all of
            them.
    """
    record = read_json(source / RUN)
    if record is None or "settings" not in record:
        raise ValueError(
            f"{source / RUN} is missing or damaged: give the folder of one run, such as ARCHIVE/{experiment.group}/"
            f"replica_{experiment.replica}"
        )
    # All runs of a study have the same settings, so a wrong one would be refused below as one of another protocol.
    if (record["point"], record["replica"]) != (experiment.point, experiment.replica):
        raise ValueError(
            f"{source} holds {record['point']} replica {record['replica']}, and {experiment.point} replica "
            f"{experiment.replica} is asked for: give the folder of that run, or ask for the other one"
        )
    if why := refusal(experiment, record, source):
        raise ValueError(why)
    series = source / SERIES
    if not series.is_file() or checksum(series) != record.get("series_sha256"):
        raise ValueError(
            f"{series} is missing or damaged, its checksum does not match {RUN}: restore it in the archive, or run "
            f"{experiment.label} anew"
        )
    target.mkdir(parents=True, exist_ok=True)
    for file in sorted(source.iterdir()):
        if file.is_file() and file.name != RUN:  # a run folder that was not archived also has its segments
            shutil.copyfile(file, target / file.name)
    replace(target / RUN, json_text(record))


def refusal(experiment: Experiment, record: dict[str, Any], place: str | Path) -> str:
    """Why an archived run with this record, of this place, cannot replace that of a study; empty if it can."""
    if matches(experiment, record):
        return ""
    other = _of_another(experiment, record)
    return f"{place} was made with {other}: give the changed study a different name, or move {place} away"


def _of_another(experiment: Experiment, record: dict[str, Any]) -> str:
    """What a run with this record has of its own, for a message."""
    return ", ".join(differences(experiment, record.get("settings", {}))) or "another protocol or controller"


def differences(experiment: Experiment, settings: dict[str, Any]) -> list[str]:
    """Differences between the physical parameters of a run made with these settings and the current ones of a study.

    Both are reduced to what determines the run, so fields without influence on it do not count.
    """
    changed = _changed(settings, experiment.study.model_dump(mode="json"))
    return [
        f"{field} = {made} (the study says {wanted})"
        for field, made, wanted in changed
        if _decides(experiment, field, made)
    ]


def _decides(experiment: Experiment, field: str, value: Any) -> bool:
    """Whether this value of a field changes an experiment."""
    study = experiment.study
    data = study.model_dump(mode="json")
    *above, last = field.split(".")
    place = data
    for name in above:
        place = place[name]
    place[last] = value
    try:
        # Not validated: a change of one of several connected fields may give an invalid study.
        moved = type(experiment).at(Study.model_validate(data), experiment.point, experiment.replica)
        return moved is None or (moved.fingerprint, moved.duration_ps) != (
            experiment.fingerprint,
            experiment.duration_ps,
        )
    except (ValueError, ArithmeticError, ControllerError):  # with this value the run does not exist
        return True


def _changed(made: dict[str, Any], wanted: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Fields that exist in both and differ, by their dotted names, with both values."""
    for name in sorted(made.keys() & wanted.keys()):
        mine, theirs = made[name], wanted[name]
        if isinstance(mine, dict) and isinstance(theirs, dict) and name not in FREE:
            yield from _changed(mine, theirs, f"{above}{name}.")
        elif mine != theirs:
            yield f"{above}{name}", mine, theirs
