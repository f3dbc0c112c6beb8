"""Small real-MD systems shared by the tests: one equilibrated start, made once per session."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from simulation.deck import equilibration_fingerprint
from simulation.engine import Ranks, single_threaded
from simulation.simulate import make_start
from simulation.study import Study
from simulation.studyfile import check_study

SMALL: dict[str, Any] = {
    "baths": {"edge_nm": 3.6, "accessible_density_per_nm3": 19.56},
    "demon": {"kappa_ratios": ["1.0", "4.80"], "coupling_axes": "xyz"},
    "integration": {"timestep_fs": 4},
    "schedule": {
        "equilibration_ps": 2,
        "relaxation_ps": 1,
        "friction_ns": 0.004,
        "sweep_ns": 0.004,
        "trajectory_every_ps": 1,
        "segment_ps": 2,
    },
    "limits": {"closure_drift_eV_per_ns": 5.0},
}


def small_study(name: str = "small", **sections: dict[str, Any]) -> Study:
    """A study of 2 694 atoms; keyword arguments replace fields of its sections."""
    return check_study(name, SMALL | {key: SMALL.get(key, {}) | values for key, values in sections.items()})


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Equilibrated start of the small study."""
    single_threaded()
    folder = tmp_path_factory.mktemp("equilibrated")
    make_start(small_study(), folder, Ranks(1))
    return folder


def started_for(study: Study, baths: Path, folder: Path) -> Path:
    """A start that passes for one of `study`, whatever it was equilibrated with: the fault under test comes later."""
    shutil.copytree(baths, folder)
    record = json.loads((folder / "equilibrated.json").read_text())
    record["fingerprint"] = equilibration_fingerprint(study)
    (folder / "equilibrated.json").write_text(json.dumps(record))
    return folder
