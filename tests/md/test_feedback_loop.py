"""A feedback loop in molecular dynamics: what it exerts, wherever segments meet, after a kill, and on any number of ranks."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from simulation.engines.ranks import Ranks
from simulation.perform import perform
from simulation.storage.files import RUN, SERIES
from simulation.study.section import SIDES
from tests.md.command import command, start_command, wait_until, write_study
from tests.md.conftest import THIN, assert_same_bytes, laid_over, machine, reached, segments_in, started_for, thin_study

pytestmark = pytest.mark.md

LOOP = {"update_every_ps": 0.04, "delay_ps": 0.148, "position_noise_A": 0.2, "filter_ps": 0.1}
COUPLING = np.array([0.1, 0.48])[:, None]


def looped(feedback: dict[str, Any], **schedule: Any) -> dict[str, Any]:
    """Changes of the thin study: a loop, sampled at every step."""
    return {"demon": {"feedback": feedback}, "schedule": {"sample_every_ps": 0.004, **schedule}}


def test_work_is_that_of_the_force_that_acts(thin_start: Path, tmp_path: Path) -> None:
    """Partner's position of 0.148 ps ago, own position of now, through relaxation and every seam of segments."""
    study = thin_study(**looped({"delay_ps": 0.148, "delayed": "partner"}, sweep_ns=0.0008))
    perform(machine(study), tmp_path / "run", Ranks(1), started_for(study, thin_start, tmp_path / "start"))
    assert len(segments_in(tmp_path / "run")) == 5
    series = pd.read_parquet(tmp_path / "run" / SERIES)
    place = np.array([[series[f"position_{side}_{axis}_A"] for axis in "xyz"] for side in SIDES]).transpose(2, 0, 1)
    own, partner = place[37:], place[:-37, ::-1]
    force = COUPLING * (partner - own)
    work = np.cumsum((force[1:] + force[:-1]) / 2 * np.diff(own, axis=0), axis=0)
    for index, side in enumerate(SIDES):
        for number, axis in enumerate("xyz"):
            told = series[f"work_{side}_{axis}_eV"].to_numpy()[37:]
            np.testing.assert_allclose(told[1:] - told[0], work[:, index, number], rtol=0, atol=1e-10)
            assert np.ptp(told) > 1e-6


@pytest.mark.parametrize("delayed", ["all", "partner"])
def test_killed_loop_gives_the_same_bytes(delayed: str, thin_start: Path, tmp_path: Path) -> None:
    """Readings under way, filter, held force and noise go on where they were, wherever the run was killed."""
    changes = looped(LOOP | {"delayed": delayed}, sweep_ns=0.002)
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
    changes = looped(LOOP)
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
