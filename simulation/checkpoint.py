"""Segments on disk: a long run advances in short ones, each committed whole or not at all.

Every segment starts from the restart file that the one before it left, in a fresh LAMMPS. A run cut short anywhere therefore
continues from its last committed segment and passes through the same states as one left alone. Segments lie in a folder named
by the run's fingerprint: other parameters, other folder, and data of different parameters never meet.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulation import lock
from simulation.deck import digest

SERIES = "series.parquet"
TRAJECTORY = "trajectory.dcd"
LOG = "log.lammps"
RESTART = "end.restart"
TOPOLOGY = "topology.data"
RECORD = "segment.json"
IDENTITY = "identity.json"
LOCK = "lock"
# A run whose workflow was killed stops at its next sample (simulation/stop.py): the one that follows gives it time to.
LOCK_PATIENCE_S = 20.0


class _DamagedError(Exception):
    """A segment's files are not what was committed."""


@dataclass(frozen=True)
class Segment:
    """A committed segment: its folder and its record (`index`, `first_step`, `last_step`, `wall_time_s`, …)."""

    folder: Path
    record: dict[str, Any]


class Segments:
    """The committed segments of one simulation, in order; what index 0 is (build, relaxation) is the simulation's affair."""

    def __init__(self, root: Path, identity: dict[str, Any]) -> None:
        self.root = root
        self.identity = identity
        self.folder = root / digest(identity)[:16]

    def what_changed(self) -> str | None:
        """One sentence on what differs from the parameters of older segments, if there are only such."""
        others = sorted(self.root.glob(f"*/{IDENTITY}"), key=lambda file: file.stat().st_mtime)
        if self.folder.exists() or not others:
            return None
        try:
            old = json.loads(others[-1].read_text(encoding="utf-8"))
        except ValueError:
            return (
                f"starting afresh; {others[-1]} is damaged, so what changed is not known; the older segments stay there"
            )
        keys = [key for key in self.identity if old.get(key) != self.identity[key]]
        lines = [
            f", first in the deck line {ours!r} (was {theirs!r})"
            for ours, theirs in zip(self.identity["deck"], old["deck"], strict=False)
            if ours != theirs
        ]
        where = lines[0] if lines else ""
        return f"{', '.join(keys)} changed{where}: starting afresh; the older segments stay in {others[-1].parent}"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process. The lock goes with its owner, however that ends.

        Raises:
            LockedError: another process holds it; names that process.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with lock.held(self.root / LOCK, LOCK_PATIENCE_S):
            replace(self.folder / IDENTITY, json_text(self.identity))
            yield

    def committed(self, warn: Callable[[str], object] = lambda fault: None) -> list[Segment]:
        """The segments to continue from: the longest unbroken row of intact ones that ends with a restart file.

        Args:
            warn: told, in words, of a segment that is there but damaged.
        """
        good: list[Segment] = []
        try:
            while (segment := self._read(len(good))) is not None:
                good.append(segment)
        except _DamagedError as fault:
            warn(str(fault))
        while good and not (good[-1].folder / RESTART).is_file():
            good.pop()
        return good

    def names(self) -> list[Path]:
        """Folders of the committed segments in an unbroken row, told by their names: quick, and blind to damage."""
        row: list[Path] = []
        while (folder := self.folder / f"{len(row):04d}").joinpath(RECORD).is_file():
            row.append(folder)
        return row

    def begin(self, index: int) -> Path:
        """An empty folder to run segment `index` in."""
        folder = self.folder / f"{index:04d}.part"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def commit(self, index: int, record: dict[str, Any]) -> None:
        """Make segment `index` count: its files reach the disk first, its record next, its final name last."""
        part, final = self.folder / f"{index:04d}.part", self.folder / f"{index:04d}"
        files = sorted(part.iterdir())
        for file in files:
            _sync(file)
        record = {**record, "index": index, "sha256": {file.name: checksum(file) for file in files}}
        replace(part / RECORD, json_text(record | {"digest": digest(record)}))
        shutil.rmtree(final, ignore_errors=True)  # there only if it was found damaged
        os.replace(part, final)
        _sync(self.folder)
        # Restart files are large and only the newest is needed; the one before it stays in case that one is damaged.
        if index >= 2:
            (self.folder / f"{index - 2:04d}" / RESTART).unlink(missing_ok=True)

    def _read(self, index: int) -> Segment | None:
        folder = self.folder / f"{index:04d}"
        if not folder.is_dir():
            return None
        try:
            record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
            own = record.pop("digest", None)  # records of older runs have none
            sums: dict[str, str] = record["sha256"]
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise _DamagedError(f"{folder / RECORD} is damaged ({type(fault).__name__})") from None
        if own is not None and own != digest(record):
            raise _DamagedError(f"{folder / RECORD} is damaged (it is not what its digest says)")
        for name, wanted in sums.items():
            if not self._pruned(folder, name) and not ((folder / name).is_file() and checksum(folder / name) == wanted):
                raise _DamagedError(f"{folder / name} is damaged (its checksum is not the one recorded)")
        return Segment(folder, record)

    @staticmethod
    def _pruned(folder: Path, name: str) -> bool:
        return name == RESTART and not (folder / name).exists()


def replace(target: Path, write_to: Callable[[Path], object]) -> None:
    """Write beside the target, then rename: a reader, or a crash, sees the old file or the new one, never half of one."""
    part = target.with_name(f".{target.name}.part")
    write_to(part)
    _sync(part)
    os.replace(part, target)
    _sync(target.parent)  # the new name must reach the disk too


def json_text(content: dict[str, Any]) -> Callable[[Path], object]:
    """A writer of `content` for `replace`."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    return lambda part: part.write_text(text, encoding="utf-8")


def checksum(file: Path) -> str:
    """SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def production(segments: list[Segment]) -> Iterator[Segment]:
    """The segments that count as measured: all but the relaxation."""
    return iter(segments[1:])


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
