"""Benchmarks compare like with like: every demon that is timed does the same physics."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.systems import system
from benchmarks.worker import KINDS, measure
from simulation.checkpoint import LOG
from simulation.engine import Ranks
from simulation.simulate import START_RESTART, make_start
from simulation.studyfile import check_study


def test_all_demons_push_alike(tmp_path: Path) -> None:
    """After 500 steps the energy is the same with each demon, to the digits that the log prints, and another without."""
    study = system("tiny", schedule={"equilibration_ps": "1"})
    make_start(check_study("tiny", study), tmp_path, Ranks(1))
    energy = {}
    for kind in KINDS:
        folder = tmp_path / kind.replace(" ", "_")
        loop = measure(study, kind, tmp_path / START_RESTART, 500, folder)
        assert loop.steps == 500
        assert 0 < loop.cpu_s <= 1.05 * loop.wall_s
        rows = re.findall(r"^ +500 +(.+)$", (folder / LOG).read_text(), re.MULTILINE)
        energy[kind] = [float(word) for word in rows[-1].split()]
    without = energy.pop("none")
    for values in energy.values():
        assert values == pytest.approx(energy["python"], rel=1e-6)
    assert without != pytest.approx(energy["python"], rel=1e-6)
