"""Figures for a self-contained page: picture, texts and data of each are embedded."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path

import yaml

_IMAGE_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


def load_figures(files: Iterable[str | Path], captions: str | Path) -> list[dict[str, str | None]]:
    """Pictures with their captions, in the order of the captions file; pictures without a caption come last, by name.

    Args:
        files: PNG or SVG files; if both exist, the lighter one is used.
        captions: YAML, for each name ``title``, ``alt`` and ``caption``.

    Returns:
        For each picture its ``name``, ``title``, ``alt`` and ``caption``; ``source``, the picture, and ``data``, its CSV if
        there is one, as data URIs.
    """
    known: dict[str, dict[str, str]] = yaml.safe_load(Path(captions).read_text(encoding="utf-8"))
    order = list(known)
    stems = sorted({Path(file).with_suffix("") for file in files}, key=lambda stem: stem.name)
    stems.sort(key=lambda stem: order.index(stem.name) if stem.name in known else len(order))
    pictures = []
    for stem in stems:
        plain = stem.name.replace("_", " ").capitalize()
        texts = known.get(stem.name, {"title": plain, "alt": f"Figure: {plain}", "caption": ""})
        table = stem.with_suffix(".csv")
        pictures.append(
            {
                "name": stem.name,
                "source": _data_uri(_picture(stem)),
                "data": _data_uri(table, "text/csv") if table.is_file() else None,
                **texts,
            }
        )
    return pictures


def _picture(stem: Path) -> Path:
    files = [file for suffix in _IMAGE_TYPES if (file := stem.with_suffix(suffix)).is_file()]
    return min(files, key=lambda file: file.stat().st_size)


def _data_uri(file: Path, media_type: str | None = None) -> str:
    content = base64.b64encode(file.read_bytes()).decode()
    return f"data:{media_type or _IMAGE_TYPES[file.suffix]};base64,{content}"
