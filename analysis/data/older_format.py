"""Run folders of format 1, converted to the names of format 2; docs/reference/run-folder.md lists the differences.

Only ``analysis.data.runs`` calls this, when it reads a folder; no other part of the analysis depends on format 1.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

FORMAT = 1

_WORDS = {
    "argon": "fluid",
    "copper": "metal",
    "argon_copper": "fluid_metal",
    "argon_atoms": "fluid_atoms",
    "copper_atoms": "metal_atoms",
    "argon_atoms_per_bath": "fluid_atoms_per_bath",
    "copper_atoms_per_particle": "metal_atoms_per_particle",
}
# Format 1 called all materials argon and copper, for any masses and forces.
_SYMBOLS = {"fluid": "Ar", "metal": "Cu"}

_WALLED = {"x": "walls", "y": "periodic", "z": "periodic"}
_PERIODIC = dict.fromkeys("xyz", "periodic")


def translated_metadata(content: dict[str, Any]) -> dict[str, Any]:
    """The content of a ``run.json`` of format 1 with the names of format 2.

    Missing entries stay missing, so that a damaged file is rejected with a message that names them.
    """
    purpose = content.get("purpose")
    result = content | {"format": 2}
    if isinstance(settings := content.get("settings"), dict):
        result["settings"] = _renamed(settings)
        materials = result["settings"].get("materials", {})
        for species, symbol in _SYMBOLS.items():
            if species in materials:
                materials[species] = {"symbol": symbol} | materials[species]
    if isinstance(system := content.get("system"), dict):
        result["system"] = _renamed(system) | {"boundaries": _PERIODIC if purpose == "drag" else _WALLED}
    if isinstance(versions := content.get("versions"), dict):
        result["versions"] = {name: version for name, version in versions.items() if name != "protocol"}
        # Runs of the exact model had no separate version.
        version = int(versions.get("protocol", 1))
        result["protocol"] = {"experiment": "drag" if purpose == "drag" else "machine", "version": version}
    if purpose == "friction":
        # It listed the axes of the study, although the controller was off.
        if isinstance(parameters := content.get("parameters"), dict):
            result["parameters"] = parameters | {"coupling_axes": ""}
        result["controller"] = None
    elif purpose == "sweep":
        demon = (content.get("settings") or {}).get("demon", {})
        result["controller"] = {"law": demon.get("controller", "linear")}
    return result


def translated_series(series: pd.DataFrame, purpose: str | None) -> pd.DataFrame:
    """A series of format 1 with the names of format 2; for a friction run without the columns of work, which are 0."""
    if purpose == "friction":
        return series.drop(columns=[name for name in series.columns if name.startswith("work_")])
    return series.rename(columns=lambda name: name.replace("argon_velocity_", "fluid_velocity_"))


def _renamed(values: dict[str, Any]) -> dict[str, Any]:
    """The same values under the new names, at any depth."""
    return {
        _WORDS.get(name, name): _renamed(value) if isinstance(value, dict) else value for name, value in values.items()
    }
