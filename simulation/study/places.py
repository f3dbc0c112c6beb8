"""Where the files of a study lie: the study itself, and what it names beside it."""

from __future__ import annotations

from pathlib import Path

SETTINGS = "config.yaml"
"""The file beside studies that holds the settings of the workflow."""

SHIPPED = Path(__file__).resolve().parents[2] / "config"


def folders() -> list[Path]:
    """Where they are looked for, in order."""
    return list(dict.fromkeys([Path("config").resolve(), SHIPPED]))


def find(name: str) -> Path | None:
    """The first file of that name; None if there is none."""
    return next((file for folder in folders() if (file := folder / name).is_file()), None)


def study_files(folder: Path) -> list[Path]:
    """All study files of a folder: YAML files, but the one that holds the workflow's settings."""
    return [file for file in folder.glob("*.yaml") if file.name != SETTINGS]
