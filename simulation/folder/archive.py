"""Copies of run folders small enough to publish: the input of the analysis, in single precision, without restart files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulation.control.controller import ControllerError
from simulation.experiments.base import Experiment
from simulation.folder.run_folder import matches
from simulation.storage.files import RUN, SERIES, TOPOLOGY, TRAJECTORY, checksum, json_text, read_json, replace
from simulation.study.fields import Study
from simulation.study.files import in_present_names

FREE = ("controller_options", "variants")
"""Sections with keys chosen by the user."""
OLDER = "Run of an older protocol (format {format}) with the same physical parameters."


def archive(results: Path, target: Path) -> Iterator[Path]:
    """Copy every finished run of a study; complete copies of the same run are kept.

    The series keeps all samples to seven digits, enough for every estimate (the rounding of the energies may exceed the
    error of their balance). Atoms are kept only for the first equilibrium run: they are large, and one set shows the system.

    Args:
        results: folder of the study, such as `results/demo`.
        target: folder to fill; a run has the same relative path in it.

    Yields:
        The folder of each new copy.

    Raises:
        ValueError: the study has no finished run, or `target` has a different run under the same path.
    """
    sources = sorted(file.parent for file in results.glob(f"*/**/replica_*/{RUN}"))
    # The baths are only needed to start runs.
    sources = [source for source in sources if (read_json(source / RUN) or {}).get("purpose") != "equilibration"]
    if not sources:
        raise ValueError(f"{results} has no finished run: run the study first")
    for source in sources:
        copy = target / source.relative_to(results)
        record = json.loads((source / RUN).read_text(encoding="utf-8"))
        if (known := read_json(copy / RUN)) is not None:
            if known["fingerprint"] != record["fingerprint"]:
                raise ValueError(f"{copy} holds a run of other parameters than {source}: move one of them away")
            if known["duration_ps"] >= record["duration_ps"]:
                continue
        copy.mkdir(parents=True, exist_ok=True)
        series = pd.read_parquet(source / SERIES)
        narrow = series.astype({name: np.float32 for name in series.columns if name not in ("step", "time_ps")})
        # Bytes of equal significance are grouped: of noise only the exponents compress.
        narrow.to_parquet(
            copy / SERIES, index=False, compression="zstd", use_dictionary=False, use_byte_stream_split=True
        )
        if record["purpose"] == "friction" and record["replica"] == 1:
            for name in (TOPOLOGY, TRAJECTORY):
                if (source / name).is_file():
                    shutil.copyfile(source / name, copy / name)
        for own in ("sha256", "digest"):  # of files that are converted
            record.pop(own, None)
        record |= {"archived": "series in single precision", "series_sha256": checksum(copy / SERIES)}
        replace(copy / RUN, json_text(record))
        yield copy


def unpack(experiment: Experiment, source: Path, target: Path) -> None:
    """Copy an archived run into the results of a study, if its parameters are those of the study.

    A run of this version must have the fingerprint and length of the study. A run of an older protocol has a different
    fingerprint; it must have the same physical parameters, and the copy records its protocol.

    Args:
        experiment: the experiment that needs the run.
        source: its folder in the archive.
        target: folder to fill.

    Raises:
        ValueError: the run has other parameters; names all of them.
    """
    record = json.loads((source / RUN).read_text(encoding="utf-8"))
    if not matches(experiment, record):
        differ = differences(experiment, record["settings"])
        is_older = record["format"] == 1
        if differ or not is_older:
            raise ValueError(
                f"{source} was made with {', '.join(differ) or 'another protocol or controller'}: "
                f"give the changed study a different name, or move {source} away"
            )
        record |= {"stands_for": experiment.fingerprint, "older_protocol": OLDER.format(format=record["format"])}
    target.mkdir(parents=True, exist_ok=True)
    for file in sorted(source.iterdir()):
        if file.is_file() and file.name != RUN:  # a run folder that was not archived also has its segments
            shutil.copyfile(file, target / file.name)
    replace(target / RUN, json_text(record))


def differences(experiment: Experiment, settings: dict[str, Any]) -> list[str]:
    """Differences between the physical parameters of a run made with these settings and the current ones of a study.

    Both are reduced to what determines the run, so fields without influence on it do not count.
    """
    changed = _changed(in_present_names(settings), experiment.study.model_dump(mode="json"))
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
