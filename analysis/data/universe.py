"""The atoms of a run folder as an MDAnalysis universe, with the usual names of its parts."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.data.runs import RunFolderError, folder_of, read_metadata

if TYPE_CHECKING:
    import MDAnalysis

TOPOLOGY = "topology.data"
TRAJECTORY = "trajectory.dcd"

PARTS = {
    "1": ("cold", "bath"),
    "2": ("hot", "bath"),
    "3": ("cold", "particle"),
    "4": ("hot", "particle"),
    "5": ("cold", "wall"),
    "6": ("hot", "wall"),
}
"""Side and part of the atoms of each LAMMPS type; the wall between the baths has atoms of both sides."""

_SPECIES = {"bath": "fluid", "particle": "metal", "wall": "metal"}

# LAMMPS gives the layout in the header line of the section "Atoms"; of these two, the columns are the same.
_LAYOUTS = ("molecular", "bond")
_COLUMNS = "id resid type x y z"


def universe(folder: str | Path) -> MDAnalysis.Universe:
    """The atoms of a run folder, over all frames of its trajectory.

    Each side is a segment, and each of its parts one residue, so that atoms can be selected by name, such as
    ``"segid cold and resname particle"``; a drag run has one side and no walls.

    Args:
        folder: the run folder, or its ``run.json``.

    Returns:
        Atoms in the order of their LAMMPS ids, with ``ids``, ``types`` (``"1"`` to ``"6"``, see ``PARTS``), ``masses`` (u),
        ``names`` and ``elements`` (the symbols of the study, such as ``Ar``), ``resnames`` (``bath``, ``particle`` or
        ``wall``) and ``segids`` (``cold`` or ``hot``). Positions and box in Å, times of frames in ps since production
        began.

    Raises:
        RunFolderError: if the folder has no atoms (as with the exact model), or a file violates the format.
    """
    import MDAnalysis  # slow to load, and most jobs that import this module use no atoms

    folder = folder_of(folder)
    for file in (folder / TOPOLOGY, folder / TRAJECTORY):
        if not file.is_file():
            raise RunFolderError(
                f"{file}: missing; the exact model has no atoms, and reference/README.md lists the shipped runs that have them"
            )
    materials = read_metadata(folder)["settings"]["materials"]
    _check_layout(folder / TOPOLOGY)
    with warnings.catch_warnings():
        # MDAnalysis warns about missing charges and future changes.
        warnings.simplefilter("ignore")
        read = MDAnalysis.Universe(
            str(folder / TOPOLOGY), topology_format="DATA", format="DATA", atom_style=_COLUMNS
        ).atoms
        if unknown := set(read.types) - set(PARTS):
            raise RunFolderError(f"{folder / TOPOLOGY}: atom types {sorted(unknown)}, but only 1 to 6 are defined")
        kinds = sorted(set(read.types))
        sides = list(dict.fromkeys(PARTS[kind][0] for kind in kinds))
        whole = MDAnalysis.Universe.empty(
            len(read),
            n_residues=len(kinds),
            n_segments=len(sides),
            atom_resindex=np.searchsorted(kinds, read.types.astype(str)),
            residue_segindex=[sides.index(PARTS[kind][0]) for kind in kinds],
        )
        symbols = {kind: species_of(materials, *PARTS[kind])["symbol"] for kind in kinds}
        names = np.array([symbols[kind] for kind in read.types], dtype=object)
        for attribute, values in (
            ("ids", read.ids),
            ("types", read.types),
            ("masses", read.masses),
            ("names", names),
            ("elements", names),
            ("resids", np.arange(1, len(kinds) + 1)),
            ("resnames", [PARTS[kind][1] for kind in kinds]),
            ("segids", sides),
        ):
            whole.add_TopologyAttr(attribute, values)
        # Joined and written by MDAnalysis: its unit of time is that of DCD, not that of LAMMPS.
        try:
            whole.load_new(str(folder / TRAJECTORY), format="DCD")
        except OSError:
            raise RunFolderError(
                f"{folder / TRAJECTORY}: damaged, or holds no frame; run the simulation of this point again, with a smaller "
                "schedule.trajectory_every_ps if it was shorter than that"
            ) from None
    return whole


def species_of(materials: dict[str, Any], side: str, part: str) -> dict[str, Any]:
    """The material of a part of one side (``bath``, ``particle`` or ``wall``), from ``settings.materials``."""
    species: dict[str, Any] = materials[_SPECIES[part]]
    return dict(species[side]) if side in species else species


def _check_layout(topology: Path) -> None:
    """Refuse atom lines with other columns than ``_COLUMNS``."""
    with topology.open(encoding="utf-8") as lines:
        for line in lines:
            section, _, layout = line.partition("#")
            if section.strip() == "Atoms":
                if layout.strip() not in _LAYOUTS:
                    raise RunFolderError(
                        f"{topology}: Atoms # {layout.strip()}, this analysis reads {' and '.join(_LAYOUTS)}; run the "
                        "simulation of this point again"
                    )
                return
    raise RunFolderError(f"{topology}: has no atoms; run the simulation of this point again")
