"""The benchmark systems: studies as plain data, at the sizes of `tiny`, `demo` and `paper`, with the demo's numerics."""

from __future__ import annotations

from typing import Any

_SCHEDULE = {
    "equilibration_ps": "4",
    "relaxation_ps": "4",
    "segment_ps": "4",
    "friction_ns": "0.004",
    "sweep_ns": "0.004",
    "trajectory_every_ps": "4",
}

NO_SUFFIX = "suffix off\n"
"""Standard pair styles of LAMMPS instead of those of package OPT."""

EDGES_NM = {"tiny": "3.6", "demo": "6.5", "paper": "11.0"}
"""Bath edge of each size; the fluid's density is the paper's in all."""


PUBLISHED: dict[str, Any] = {
    "integration": {"timestep_fs": "1", "neighbour_skin_A": "2.0"},
    "demon": {"coupling_axes": "x"},
}
"""Changed sections for the paper's time step and axis; the skin is LAMMPS's own for `units metal`."""


def system(size: str, **sections: dict[str, Any]) -> dict[str, Any]:
    """A study of a size, with some fields of its sections changed; `ranks` and other top-level fields are given as they are."""
    study: dict[str, Any] = {
        "baths": {"edge_nm": EDGES_NM[size], "accessible_density_per_nm3": "19.56"},
        "demon": {"kappa_ratios": ["4.80"], "coupling_axes": "xyz"},
        "integration": {"timestep_fs": "5"},
        "schedule": _SCHEDULE,
        "limits": {"closure_drift_eV_per_ns": "1000"},  # a few picoseconds cannot determine a drift
    }
    for section, changes in sections.items():
        known = study.get(section, {})
        study[section] = known | changes if isinstance(known, dict) and isinstance(changes, dict) else changes
    return study


def at_every_step(size: str) -> dict[str, Any]:
    """The study of a size, sampled at every step."""
    return system(size, schedule={"sample_every_ps": str(float(system(size)["integration"]["timestep_fs"]) / 1000)})
