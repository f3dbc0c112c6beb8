"""Feedback loops and cold damping in molecular dynamics: their force across segments, after a kill, and on several ranks."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from simulation.engines.ranks import Ranks
from simulation.perform import perform
from simulation.storage.files import RUN, SERIES
from simulation.study.section import SIDES
from tests.md.command import command, start_command, wait_until, write_study
from tests.md.conftest import THIN, assert_same_bytes, laid_over, machine, reached, segments_in, started_for, thin_study

pytestmark = pytest.mark.md

LOOP = {"update_every_ps": 0.04, "delay_ps": 0.148, "position_noise_A": 0.2, "filter_ps": 0.1}
Array = NDArray[np.float64]
COUPLING = np.array([0.1, 0.48])[:, None]
STEP_PS = 0.004
SCHEDULE = {"sample_every_ps": STEP_PS, "relaxation_ps": 0.8}
"""Sampled at every step, after a relaxation longer than all delays, in segments that are shorter than most."""
DAMPING_KG_PER_S = 4e-12
DAMPING = DAMPING_KG_PER_S / 1.602176634e-11  # eV ps/Å²


def recomputed_force(law: str, place: Array, delay: int) -> Array:
    """Force at each sample from the recorded positions, (n - delay, 2, 3), eV/Å, by its definition.

    Args:
        law: `all`, `partner` or `damping`.
        place: positions at every step, (n, 2, 3), Å.
        delay: in steps.
    """
    before, now = place[: len(place) - delay], place[delay:]
    match law:
        case "all":
            return COUPLING * (before[:, ::-1] - before)
        case "partner":
            return COUPLING * (before[:, ::-1] - now)
        case _:  # the change of a position in the step before it was read
            damping = np.array([DAMPING, 0.0])[:, None] * np.diff(place, axis=0)[: len(before) - 1] / STEP_PS
            return (COUPLING * (before[:, ::-1] - before))[1:] - damping


@pytest.mark.parametrize(("law", "delay_ps"), [("all", 0.2), ("partner", 0.6), ("damping", 0.2)])
def test_work_is_that_of_the_force_that_acts(law: str, delay_ps: float, thin_start: Path, tmp_path: Path) -> None:
    """Recorded work is that of the delayed law at the recorded positions, through relaxation and every seam of segments.

    At all readings of 0.2 ps ago, at the partner's of 0.6 ps ago, and with cold damping of the cold particle.
    """
    demon: dict[str, Any] = {"feedback": {"delay_ps": delay_ps, "delayed": "partner" if law == "partner" else "all"}}
    gain = {"damping_cold_kg_per_s": DAMPING_KG_PER_S} if law == "damping" else {}
    study = thin_study(demon=demon | gain, schedule=SCHEDULE | {"sweep_ns": 0.0008})
    perform(machine(study), tmp_path / "run", Ranks(1), started_for(study, thin_start, tmp_path / "start"))
    assert len(segments_in(tmp_path / "run")) == 8
    series = pd.read_parquet(tmp_path / "run" / SERIES)
    place = np.array([[series[f"position_{side}_{axis}_A"] for axis in "xyz"] for side in SIDES]).transpose(2, 0, 1)
    force = recomputed_force(law, place, round(delay_ps / STEP_PS))
    first = len(place) - len(force)
    work = np.cumsum((force[1:] + force[:-1]) / 2 * np.diff(place[first:], axis=0), axis=0)
    for index, side in enumerate(SIDES):
        for number, axis in enumerate("xyz"):
            recorded = series[f"work_{side}_{axis}_eV"].to_numpy()[first:]
            np.testing.assert_allclose(recorded[1:] - recorded[0], work[:, index, number], rtol=0, atol=1e-10)
            assert np.ptp(recorded) > 1e-6


@pytest.mark.parametrize("delayed", ["all", "partner"])
def test_killed_loop_gives_the_same_bytes(delayed: str, thin_start: Path, tmp_path: Path) -> None:
    """Readings under way, filter, held force, noise and damping go on where they were, wherever the run was killed.

    The partner's readings are under way for longer than a segment.
    """
    demon: dict[str, Any] = {"feedback": {"delay_ps": 0.6, "delayed": "partner"}}
    if delayed == "all":
        demon = {"feedback": LOOP, "damping_cold_kg_per_s": DAMPING_KG_PER_S}
    changes: dict[str, Any] = {"demon": demon, "schedule": SCHEDULE | {"sweep_ns": 0.0016}}
    study = thin_study(**changes)
    begin = started_for(study, thin_start, tmp_path / "start")
    perform(machine(study), tmp_path / "whole", Ranks(1), begin)
    write_study(tmp_path, "thin", laid_over(THIN, changes))
    killed = tmp_path / "killed"
    with start_command(tmp_path, "run", "thin", "kH_4.80", "1", killed, "--start", begin) as process:
        wait_until(partial(reached, killed, 3), process)
        time.sleep(np.random.default_rng(5).uniform(0, 0.06))
        process.kill()
    assert not (killed / RUN).exists(), "it was over before it was killed"
    perform(machine(study), killed, Ranks(1), begin)
    assert_same_bytes(killed, tmp_path / "whole")


def test_noisy_loop_pushes_alike_on_two_ranks(thin_start: Path, tmp_path: Path) -> None:
    """One noise for all: the first steps on two ranks are those on one, as far as rounding lets them agree."""
    changes: dict[str, Any] = {"demon": {"feedback": LOOP}, "schedule": {"sample_every_ps": STEP_PS}}
    study = thin_study(**changes)
    begin = started_for(study, thin_start, tmp_path / "start")
    perform(machine(study), tmp_path / "one", Ranks(1), begin)
    write_study(tmp_path, "thin", laid_over(THIN, changes | {"ranks": 2}))
    result = command(tmp_path, "run", "thin", "kH_4.80", "1", tmp_path / "two", "--start", begin, ranks=2)
    assert result.returncode == 0, result.stderr
    one, two = (pd.read_parquet(tmp_path / name / SERIES) for name in ("one", "two"))
    for name in one.columns:
        if name.startswith(("position", "work")):
            np.testing.assert_allclose(one[name], two[name], rtol=0, atol=1e-8, err_msg=name)
    assert np.ptp(one["work_hot_x_eV"]) > 1e-5
