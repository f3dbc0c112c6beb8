"""What a recording controller saw of a run, beside what the run's series says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.units import BOLTZMANN
from simulation.storage.files import DEMON, SERIES
from simulation.study.fields import Study
from simulation.study.section import SIDES
from tests.md.conftest import segments_in


def thermal_speed_A_per_ps(study: Study) -> float:
    """Of a particle along one axis, at the cold bath's temperature."""
    energy = BOLTZMANN * study.baths.temperature_cold_K
    return float(np.sqrt(energy / study.particle_mass_eV_ps2_per_A2))


def seen_in(folder: Path) -> dict[str, NDArray[Any]]:
    """What a controller of kind `Recorder` saw in all of a run, by its own account at the end of the run's last segment."""
    with np.load(segments_in(folder)[-1] / DEMON) as kept:
        return {name.removeprefix("state/"): kept[name] for name in kept.files if name.startswith("state/")}


def assert_seen_as_recorded(folder: Path, speed_A_per_ps: float) -> None:
    """What such a controller saw is what the series has: places to 1e-9 Å, velocities to 1e-4 of a usual speed.

    Args:
        folder: a run that was sampled at every step.
        speed_A_per_ps: a usual speed.
    """
    seen, series = seen_in(folder), pd.read_parquet(folder / SERIES)
    measured = seen["step"] >= 0
    assert seen["step"][measured].tolist() == series["step"].tolist()
    for index, side in enumerate(SIDES):
        for number, axis in enumerate("xyz"):
            place = seen["displacement_A"][measured, index, number]
            np.testing.assert_allclose(place, series[f"position_{side}_{axis}_A"], rtol=0, atol=1e-9)
            assert np.ptp(place) > 0.01, "the particle hardly moved: nothing was compared"
            speed = seen["velocity_A_per_ps"][measured, index, number]
            recorded = series[f"velocity_{side}_{axis}_A_per_ps"]
            np.testing.assert_allclose(speed, recorded, rtol=0, atol=1e-4 * speed_A_per_ps)
