"""Names of the files in a run folder and its segments, and atomic writing of files."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

RUN = "run.json"
SERIES = "series.parquet"
TRAJECTORY = "trajectory.dcd"
TRAJECTORY_TEXT = "trajectory.lammpstrj"  # written instead by a LAMMPS without package EXTRA-DUMP
TOPOLOGY = "topology.data"
LOG = "log.lammps"
DECK = "deck.lmp"
RESTART = "end.restart"
DEMON = "demon.npz"  # memory of the demon between segments
SERIES_TEXT = "series.dat"  # written by LAMMPS, then converted to `SERIES`


def digest(content: dict[str, Any]) -> str:
    """A fingerprint of plain data."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def checksum(file: Path) -> str:
    """SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def replace(target: Path, write_to: Callable[[Path], object]) -> None:
    """Write next to the target, then rename: a reader sees the old file or the new one, never a part, even after a crash."""
    part = target.with_name(f".{target.name}.part")
    write_to(part)
    sync(part)
    os.replace(part, target)
    sync(target.parent)  # the new name must be written to disk too


def json_text(content: dict[str, Any]) -> Callable[[Path], object]:
    """A function for `replace` that writes `content`."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    return lambda part: part.write_text(text, encoding="utf-8")


def read_json(file: Path) -> dict[str, Any] | None:
    """The content of a JSON file; None if missing or damaged."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def read_series(file: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """A series, or some of its columns.

    Where pyarrow reads in threads of its own, one that is left at the end of a process aborts it, after all work is done
    (apache/arrow issues 34314 and 50482).
    """
    return pd.read_parquet(file, columns=columns, use_threads=False, pre_buffer=False)


def sync(path: Path) -> None:
    """Flush a file, or the names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
