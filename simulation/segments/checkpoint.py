"""Segments on disk: each is committed completely or not at all, and linked to the previous one.

Every segment starts from the restart file of the previous one, in a fresh LAMMPS. An interrupted run therefore continues
from its last committed segment and passes through the same states as an uninterrupted one. The folder of the segments is
named by a fingerprint of all their parameters, so data of different parameters are never combined.

A segment records the checksums of its files and of its initial restart file. A damaged segment is rerun from the previous
restart file. Since the same steps give the same bytes, the later segments remain valid; if the bytes differ (another
machine), their link is broken and they are rerun too.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulation.storage import lock
from simulation.storage.files import RESTART, checksum, digest, json_text, replace, sync

RECORD = "segment.json"
IDENTITY = "identity.json"
LOCK = "lock"
# A run whose workflow was killed stops at its next check (simulation/segments/stop.py); its successor waits for this.
LOCK_PATIENCE_S = 20.0
KEPT_RESTARTS = 10
"""Restart files are large: the newest two and every tenth are kept, so that a damaged segment is rebuilt quickly."""


class DamagedError(Exception):
    """Files of a segment differ from the committed ones; the message names them."""


@dataclass(frozen=True)
class Segment:
    """A committed segment: its folder and its record (`index`, `first_step`, `last_step`, `wall_time_s`, …)."""

    folder: Path
    record: dict[str, Any]


class Segments:
    """The committed segments of one simulation, in order; their content is defined by the simulation."""

    def __init__(self, root: Path, identity: dict[str, Any]) -> None:
        self.root = root
        self.identity = identity
        self.folder = root / digest(identity)[:16]

    def what_changed(self) -> str | None:
        """One sentence on the changed parameters, if only segments with other parameters exist."""
        others = sorted(self.root.glob(f"*/{IDENTITY}"), key=lambda file: file.stat().st_mtime)
        if self.folder.exists() or not others:
            return None
        try:
            old = json.loads(others[-1].read_text(encoding="utf-8"))
        except ValueError:
            return f"starting afresh; {others[-1]} is damaged, so the change is not known; the older segments are kept there"
        keys = [key for key in self.identity if old.get(key) != self.identity[key]]
        lines = [
            f", first in the deck line {ours!r} (was {theirs!r})"
            for ours, theirs in zip(self.identity.get("deck", []), old.get("deck", []), strict=False)
            if ours != theirs
        ]
        where = lines[0] if lines else ""
        return f"{', '.join(keys)} changed{where}: starting afresh; the older segments are kept in {others[-1].parent}"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the run for this process. The lock ends with the process, however that ends.

        Raises:
            LockedError: another process holds it; names that process.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with lock.held(self.root / LOCK, LOCK_PATIENCE_S):
            replace(self.folder / IDENTITY, json_text(self.identity))
            yield

    def place(self, index: int) -> Path:
        """Folder of segment `index` once it is committed."""
        return self.folder / f"{index:04d}"

    def read(self, index: int, before: Segment | None) -> Segment | None:
        """A committed segment, with its files and its link to the previous one checked; None if there is none.

        Raises:
            DamagedError: it differs from what was committed, or does not start where `before` ended.
        """
        folder = self.place(index)
        if not folder.is_dir():
            return None
        try:
            record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
            own = record.pop("digest")
            sums: dict[str, str] = record["sha256"]
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise DamagedError(f"{folder / RECORD} is damaged ({type(fault).__name__})") from None
        if own != digest(record):
            raise DamagedError(f"{folder / RECORD} is damaged (its digest does not match)")
        for name, wanted in sums.items():
            is_pruned = name == RESTART and not (folder / name).exists()
            if not is_pruned and not ((folder / name).is_file() and checksum(folder / name) == wanted):
                raise DamagedError(f"{folder / name} is damaged (its checksum does not match)")
        if before is not None and record["starts_from"] != before.record["sha256"][RESTART]:
            raise DamagedError(f"{folder} does not start where {before.folder.name} ends")
        return Segment(folder, record)

    def restart(self, index: int) -> Path | None:
        """The final restart file of segment `index`, if it still exists."""
        file = self.place(index) / RESTART
        return file if file.is_file() else None

    def newest_restart(self, before: int) -> int:
        """The last segment before `before` whose restart file exists; -1 if there is none."""
        return next((index for index in range(before - 1, -1, -1) if self.restart(index)), -1)

    def names(self) -> list[Path]:
        """Folders of the consecutive committed segments, from their names only: fast, but damage is not detected."""
        row: list[Path] = []
        while (folder := self.place(len(row))).joinpath(RECORD).is_file():
            row.append(folder)
        return row

    def begin(self, index: int) -> Path:
        """An empty folder to run segment `index` in."""
        folder = self.folder / f"{index:04d}.part"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def commit(self, index: int, record: dict[str, Any], starts_from: str) -> Segment:
        """Commit segment `index`: first its files are written to disk, then its record, then its final name.

        Args:
            index: which segment; its files are in the folder from `begin`.
            record: its record.
            starts_from: checksum of its initial restart file; empty for a build.
        """
        part, final = self.folder / f"{index:04d}.part", self.place(index)
        files = sorted(part.iterdir())
        for file in files:
            sync(file)
        sums = {file.name: checksum(file) for file in files}
        record = {**record, "index": index, "starts_from": starts_from, "sha256": sums}
        replace(part / RECORD, json_text(record | {"digest": digest(record)}))
        if final.exists():  # it was damaged, or continued another state
            aside = self.folder / f"{index:04d}.replaced"
            shutil.rmtree(aside, ignore_errors=True)
            os.replace(final, aside)
        os.replace(part, final)
        sync(self.folder)
        if index >= 2 and (index - 2) % KEPT_RESTARTS:
            (self.place(index - 2) / RESTART).unlink(missing_ok=True)
        return Segment(final, record)
