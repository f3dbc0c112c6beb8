"""Folders of the files of a study: the study, and files named in it."""

from __future__ import annotations

from pathlib import Path

SETTINGS = "config.yaml"
"""The file with the settings of the workflow, in the folder of studies."""

SHIPPED = Path(__file__).resolve().parents[2] / "config"


def folders() -> list[Path]:
    """Folders that are searched, in order."""
    return list(dict.fromkeys([Path("config").resolve(), SHIPPED]))


def find(name: str) -> Path | None:
    """The first file of that name; None if there is none."""
    return next((file for folder in folders() if (file := folder / name).is_file()), None)


def study_files(folder: Path) -> list[Path]:
    """All study files of a folder: YAML files except the settings of the workflow, hidden files and what is no file.

    An editor may leave a hidden link without a target beside a file.
    """
    files = [file for file in folder.glob("*.yaml") if file.is_file()]
    return [file for file in files if file.name != SETTINGS and not file.name.startswith(".")]
