"""Copies of run folders small enough to publish: what the analysis reads, in single precision, and nothing to resume from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulation.checkpoint import checksum, json_text, replace
from simulation.study import Study

ATOMS = ("topology.data", "trajectory.dcd")

# Fields that say which runs there are, or how they are written and watched, and not what happens in one.
COUNTS = (
    "ranks",
    "demon.kappa_ratios",
    "drag.forces_nN",
    "drag.replicas",
    "schedule.friction_replicas",
    "schedule.sweep_replicas",
    "schedule.trajectory_every_ps",
    "limits",
    "variants",
)
# Fields that only runs of other purposes feel.
FOREIGN = {
    "friction": ("schedule.sweep_ns", "demon", "drag"),
    "sweep": ("schedule.friction_ns", "drag"),
    "drag": (
        "schedule.friction_ns",
        "schedule.sweep_ns",
        "schedule.equilibration_ps",
        "schedule.relaxation_ps",
        "demon",
    ),
}


def archive(results: Path, target: Path) -> Iterator[Path]:
    """Copy every finished run of a study; those that are there already, whole and of the same run, are left alone.

    The series loses digits beyond the seventh, which no estimate feels (the energies' own rounding is coarser than their
    closure), and no sample. Atoms are kept for the first equilibrium run only: they are large, and one set shows the system.

    Args:
        results: folder of the study, such as `results/demo`.
        target: folder to fill; a run keeps its place in it.

    Yields:
        The folder of each copy that was made.

    Raises:
        ValueError: the study has no finished run, or `target` holds another run in the place of one of its own.
    """
    sources = sorted(file.parent for file in results.glob("*/**/replica_*/run.json"))
    if not sources:
        raise ValueError(f"{results} has no finished run: run the study first")
    for source in sources:
        copy = target / source.relative_to(results)
        record = json.loads((source / "run.json").read_text(encoding="utf-8"))
        if (copy / "run.json").is_file():
            known = json.loads((copy / "run.json").read_text(encoding="utf-8"))
            if known["fingerprint"] != record["fingerprint"]:
                raise ValueError(f"{copy} holds a run of other parameters than {source}: move one of them away")
            if known["duration_ps"] >= record["duration_ps"]:
                continue
        copy.mkdir(parents=True, exist_ok=True)
        series = pd.read_parquet(source / "series.parquet")
        narrow = series.astype({name: np.float32 for name in series.columns if name not in ("step", "time_ps")})
        # Bytes of equal weight together: noise compresses by its exponents only, and so they are found.
        narrow.to_parquet(
            copy / "series.parquet", index=False, compression="zstd", use_dictionary=False, use_byte_stream_split=True
        )
        if record["purpose"] == "friction" and record["replica"] == 1:
            for name in ATOMS:
                if (source / name).is_file():
                    shutil.copyfile(source / name, copy / name)
        record |= {"archived": "series in single precision", "series_sha256": checksum(copy / "series.parquet")}
        replace(copy / "run.json", json_text(record))
        yield copy


def unpack(source: Path, target: Path, study: Study) -> None:
    """Copy an archived run into a study's results, if the study still says what the run was made with.

    Args:
        source: its folder in the archive.
        target: folder to fill.
        study: what the run is wanted for.

    Raises:
        ValueError: the run was made with other parameters; names all of them.
    """
    record = json.loads((source / "run.json").read_text(encoding="utf-8"))
    ignored = COUNTS + FOREIGN[record["purpose"]]
    made, wanted = _flat(record["settings"]), _flat(study.model_dump(mode="json"))
    differ = [
        f"{field} = {made.get(field)} (the study says {wanted.get(field)})"
        for field in sorted(made.keys() | wanted.keys())
        if made.get(field) != wanted.get(field) and not f"{field}.".startswith(tuple(f"{name}." for name in ignored))
    ]
    if differ:
        raise ValueError(
            f"{source} was made with {', '.join(differ)}: give the changed study a name of its own, or move {source} away"
        )
    target.mkdir(parents=True, exist_ok=True)
    for file in sorted(source.iterdir()):
        shutil.copyfile(file, target / file.name)


def _flat(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested settings by their dotted names."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= _flat(value, f"{above}{name}.") if isinstance(value, dict) and value else {f"{above}{name}": value}
    return flat
