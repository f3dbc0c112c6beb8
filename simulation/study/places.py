"""Where the files of a study lie: the study itself, and what it names beside it."""

from __future__ import annotations

from pathlib import Path

SHIPPED = Path(__file__).resolve().parents[2] / "config"


def folders() -> list[Path]:
    """Where they are looked for, in order."""
    return list(dict.fromkeys([Path("config").resolve(), SHIPPED]))


def find(name: str) -> Path | None:
    """The first file of that name; None if there is none."""
    return next((file for folder in folders() if (file := folder / name).is_file()), None)
