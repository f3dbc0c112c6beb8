"""The page of a running study: progress and heats are those of what lies on disk, and it stops refreshing when all is done."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulation.overview.jobs import Job, jobs
from simulation.overview.live import PAGE, Drift, PointHeat, _work_so_far, drifts, live_page, point_heats, watch
from simulation.overview.status import State, status_of
from simulation.segments.checkpoint import LOCK, RECORD
from simulation.storage import lock
from simulation.storage.files import RUN, SERIES
from simulation.study.fields import Study
from tests.md.conftest import small_study

AXES = "xyz"


@pytest.fixture
def study() -> Study:
    """One point, coupled along three axes."""
    return small_study(
        demon={"kappa_ratios": ["4.80"], "coupling_axes": AXES}, drag={"forces_nN": []}, schedule={"sweep_ns": 0.008}
    )


def commit(job: Job, rates: np.ndarray, leak: tuple[float, float] = (0.0, 0.0)) -> None:
    """Write a relaxation, and a segment of 10 ps for each row of work rates (cold, hot), eV/ns per axis.

    Nosé-Hoover counts through all segments, the demon from 0 in each. The thermostats receive the work and the leak, eV/ns.
    """
    assert job.segments is not None
    received = np.zeros(2)
    for index, row in enumerate([None, *rates]):
        folder = job.segments.folder / f"{index:04d}"
        folder.mkdir(parents=True)
        (folder / RECORD).write_text("{}")
        if row is None:
            continue
        passed = np.linspace(0, 10, 11)
        columns = ["step", "time_ps", *(column.series_name for column in job.experiment.columns())]
        series = pd.DataFrame(0.0, index=range(11), columns=columns)
        series["time_ps"] = 10 * index + passed
        series["step"] = series["time_ps"] / 0.004
        for side, rate, more, before in zip(("cold", "hot"), row, leak, received, strict=True):
            for number, axis in enumerate(AXES):
                series[f"work_{side}_{axis}_eV"] = 0.001 * rate * passed * (1 + 0.1 * (number - 1))
            series[f"thermostat_{side}_eV"] = before + 0.001 * (3 * rate + more) * passed
        received += 0.01 * (3 * row + leak)
        series.to_parquet(folder / SERIES)


def heats(study: Study, results: Path) -> list[PointHeat]:
    """Of the points of a study, as they lie on disk."""
    return list(point_heats(study, results, [status_of(job) for job in jobs(study, results)]))


def finish(study: Study, results: Path) -> None:
    """Records of all simulations, as they are when nothing is left to do."""
    for job in jobs(study, results):
        job.folder.mkdir(parents=True, exist_ok=True)
        closure = {"cold_drift_eV_per_ns": -0.0123, "cold_drift_se": 0.004, "limit_eV_per_ns": 0.05}
        record = {
            "fingerprint": job.experiment.fingerprint,
            "duration_ps": job.experiment.duration_ps,
            "closure": closure,
        }
        (job.folder / RUN).write_text(json.dumps(record))


def test_work_so_far_is_the_mean_of_segments(study: Study, tmp_path: Path) -> None:
    """Segments of one length: rate is their mean, its error their scatter over the root of their number, none for few."""
    rates = np.array([[-0.3, 1.4], [-0.2, 1.2], [-0.4, 1.1], [-0.1, 1.5]])
    made = jobs(study, tmp_path)
    assert heats(study, tmp_path) == []
    commit(made[-1], rates[:3])
    (early,) = heats(study, tmp_path)
    assert early.errors is None
    assert early.rates == pytest.approx(rates[:3].mean(axis=0))
    assert early.time_ns == pytest.approx(0.03)
    page = live_page(study, tmp_path, [], 10.0)
    row = " ".join(page[page.index("<tr><th>4.80</th>") :].partition("</tr>")[0].split())
    state = '<td class="text interrupted">interrupted</td><td class="text">work so far</td>'
    assert row == f"<tr><th>4.80</th>{state}<td>0.030</td> <td>−0.300 ± ?</td><td>1.233 ± ?</td>"
    assert '<meta http-equiv="refresh" content="10">' in page


def test_enough_segments_have_an_error(study: Study, tmp_path: Path) -> None:
    """From four on the standard error of the mean of the segments stands beside it."""
    rates = np.array([[-0.3, 1.4], [-0.2, 1.2], [-0.4, 1.1], [-0.1, 1.5]])
    made = jobs(study, tmp_path)
    commit(made[-1], rates)
    (heat,) = heats(study, tmp_path)
    assert heat.errors == pytest.approx(np.std(rates, axis=0, ddof=1) / 2)


def test_page_tells_how_much_of_all_is_done(study: Study, tmp_path: Path) -> None:
    """Of all MD steps, not of simulations; the states of these, one by one and together; and the files that are there."""
    made = jobs(study, tmp_path)
    commit(made[-1], np.array([[-0.3, 1.4], [-0.2, 1.2]]))
    # Segments of 500 steps, after a relaxation of 250: 1250 of the sweep's 2250, of which there are 500 + 1250 + 2250 in all.
    assert [job.steps for job in made] == [500, 1250, 2250]
    (tmp_path / "there").touch()
    page = " ".join(live_page(study, tmp_path, [tmp_path / "there", tmp_path / "missing"], None).split())
    assert "31.2 % of all steps: 1 interrupted, 2 waiting of 3 simulations." in page
    assert '<progress max="1" value="0.3125">31 %</progress>' in page
    assert "<title>31 % ·" in page
    assert "Tables, figures and report: 1 of 2 present." in page
    assert "report.html" not in page
    (tmp_path / study.name / "report.html").touch()
    assert '<a href="report.html">Report</a>' in live_page(study, tmp_path, [], None)
    rows = page[page.index('id="simulations"') :].split("<tr><th>")[2:]
    assert [row.split("</th>")[0] for row in rows] == [job.name for job in made]
    for row, state, share in zip(rows, ("waiting", "waiting", "interrupted"), (0, 0, 1250 / 2250), strict=True):
        assert f'<td class="text {state}">{state}</td>' in row
        assert f'value="{share:.4f}"></progress> {100 * share:.0f} %' in row


def test_finished_point_shows_its_heat_and_a_finished_study_stops(study: Study, tmp_path: Path) -> None:
    """When all runs are done the heat of `heat.json` stands there, the page refreshes no more, and watching ends by itself."""
    finish(study, tmp_path)
    folder = tmp_path / study.name / "sweep" / "kH_4.80"
    content = {"heat_cold_eV_per_ns": -0.291, "heat_cold_se": 0.022, "heat_hot_eV_per_ns": 1.42, "heat_hot_se": None}
    (folder / "heat.json").write_text(json.dumps(content | {"time_ns": 0.4}))
    assert heats(study, tmp_path) == [PointHeat("4.80", State.DONE, "heat", 0.4, (-0.291, 1.42), None)]
    (folder / "heat.json").write_text(json.dumps(content | {"time_ns": 0.4, "heat_hot_se": 0.035}))
    assert heats(study, tmp_path) == [PointHeat("4.80", State.DONE, "heat", 0.4, (-0.291, 1.42), (0.022, 0.035))]
    watch(study, tmp_path, [folder / "heat.json"], 10.0)
    page = (tmp_path / study.name / PAGE).read_text(encoding="utf-8")
    assert "refresh" not in page
    assert "−0.012 ± 0.004" in page
    assert "100.0 % of all steps" in page


def test_ctrl_c_leaves_a_page_that_does_not_refresh(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever ends the watch leaves the last state, without a promise of a next one."""

    def interrupt(seconds: float) -> None:
        assert "refresh" in (tmp_path / study.name / PAGE).read_text(encoding="utf-8")
        raise KeyboardInterrupt

    monkeypatch.setattr("simulation.overview.live.time.sleep", interrupt)
    watch(study, tmp_path, [], 10.0)
    assert "refresh" not in (tmp_path / study.name / PAGE).read_text(encoding="utf-8")


def test_unfinished_run_shows_its_heat_and_energy_balance_as_running(study: Study, tmp_path: Path) -> None:
    """While a process holds its lock a run is running, otherwise interrupted; its drift is the slope put into its energy."""
    job = jobs(study, tmp_path)[-1]
    assert job.segments is not None
    commit(job, np.tile([-0.13, 0.4], (4, 1)), leak=(0.02, -0.03))
    with lock.held(job.segments.root / LOCK):
        (heat,) = heats(study, tmp_path)
        assert (heat.state, heat.source) == (State.RUNNING, "work so far")
        assert heat.rates == pytest.approx((-0.13, 0.4))
        found = list(drifts(job, State.RUNNING))
        assert [drift.side for drift in found] == ["cold", "hot"]
        assert [drift.drift for drift in found] == pytest.approx([0.02, -0.03], abs=1e-9)
        assert [drift.error for drift in found] == pytest.approx([0, 0], abs=1e-6)
        page = live_page(study, tmp_path, [], 10.0)
    assert page.count('<td class="text running">running</td>') == 1 + 2 + 1  # heat, two balances, the simulation
    assert "−0.030 ± 0.000" in page
    assert heats(study, tmp_path)[0].state is State.INTERRUPTED


def test_points_have_the_heats_and_states_of_their_own_runs(tmp_path: Path) -> None:
    """All replicas of a point together, in the study's order; the state is the most urgent, and `heat.json` waits for all."""
    study = small_study(
        demon={"kappa_ratios": ["4.80", "1.2"], "coupling_axes": AXES},
        drag={"forces_nN": []},
        schedule={"sweep_ns": 0.008, "sweep_replicas": 2},
    )
    made = {job.name: job for job in jobs(study, tmp_path)}
    for name, rate in (("kH_4.80 replica 1", 1.0), ("kH_4.80 replica 2", 2.0), ("kH_1.2 replica 2", -0.5)):
        commit(made[name], np.array([[rate, 3 * rate]]))
    found = heats(study, tmp_path)
    assert [(heat.kappa_ratio, heat.state) for heat in found] == [
        ("4.80", State.INTERRUPTED),
        ("1.2", State.INTERRUPTED),
    ]
    assert [heat.rates for heat in found] == [pytest.approx((1.5, 4.5)), pytest.approx((-0.5, -1.5))]
    assert [heat.time_ns for heat in found] == pytest.approx([0.02, 0.01])
    finish(study, tmp_path)
    content = {f"heat_{side}_{end}": 0.1 for side in ("cold", "hot") for end in ("eV_per_ns", "se")} | {"time_ns": 9.0}
    for ratio in ("4.80", "1.2"):
        (tmp_path / study.name / f"sweep/kH_{ratio}/heat.json").write_text(json.dumps(content), encoding="utf-8")
    (made["kH_4.80 replica 2"].folder / RUN).unlink()
    found = heats(study, tmp_path)
    assert [(heat.kappa_ratio, heat.state, heat.source) for heat in found] == [
        ("4.80", State.INTERRUPTED, "work so far"),
        ("1.2", State.DONE, "heat"),
    ]
    log = made["kH_4.80 replica 1"].log
    log.parent.mkdir(parents=True)
    log.write_text("nanofridge: no space\n", encoding="utf-8")
    (made["kH_4.80 replica 1"].folder / RUN).unlink()
    assert heats(study, tmp_path)[0].state is State.FAILED


def test_segments_count_by_their_length() -> None:
    """The rate is all work over all time; its error is the scatter of the segments' own rates, from four on."""
    time = np.array([10.0, 10.0, 5.0, 2.0])
    cold, hot = np.array([-3e-3, -2e-3, -4e-3, 1e-3]), np.array([8e-3, 9e-3, 2e-3, 5e-3])
    rows = np.column_stack([time, cold, hot])
    found = _work_so_far("4.80", State.RUNNING, rows)
    assert found.rates == pytest.approx((-8 / 27, 24 / 27))
    assert found.time_ns == pytest.approx(0.027)
    assert found.errors == pytest.approx([1000 * np.std(work / time, ddof=1) / 2 for work in (cold, hot)])
    assert _work_so_far("4.80", State.RUNNING, rows[:3]).errors is None
    assert (found.kappa_ratio, found.state, found.source) == ("4.80", State.RUNNING, "work so far")


def test_watching_goes_on_until_runs_and_files_are_all_there(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One without the other is not the end: the page promises another look after as many seconds."""
    target, page = tmp_path / "target", tmp_path / study.name / PAGE
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        assert '<meta http-equiv="refresh" content="7">' in page.read_text(encoding="utf-8")
        if len(slept) == 1:
            target.touch()
        elif len(slept) == 2:
            target.unlink()
            finish(study, tmp_path)
        else:
            target.touch()

    monkeypatch.setattr("simulation.overview.live.time.sleep", sleep)
    watch(study, tmp_path, [target], 7.0)
    told = f"Open {page} in a browser. It is updated every 7 s until the study is done. Ctrl-C stops.\n"
    assert capsys.readouterr().out == told
    assert slept == [7.0] * 3
    assert "refresh" not in page.read_text(encoding="utf-8")


def test_drifts_of_a_finished_run_are_those_of_its_record(study: Study, tmp_path: Path) -> None:
    """Side by side, with what was allowed; older records have the limit alone, and some have no error."""
    finish(study, tmp_path)
    job = jobs(study, tmp_path)[-1]
    record = json.loads((job.folder / RUN).read_text(encoding="utf-8"))
    record["closure"] |= {"hot_drift_eV_per_ns": 0.031, "hot_drift_se": None, "hot_allowed_eV_per_ns": 0.07}
    (job.folder / RUN).write_text(json.dumps(record), encoding="utf-8")
    job = jobs(study, tmp_path)[-1]
    assert [*drifts(job, State.DONE)] == [
        Drift(job.name, State.DONE, "cold", -0.0123, 0.004, 0.05),
        Drift(job.name, State.DONE, "hot", 0.031, None, 0.07),
    ]
    page = " ".join(live_page(study, tmp_path, [], None).split())
    named = f'<tr><th>{job.name}</th><td class="text done">done</td><td class="text">'
    assert f"{named}cold</td><td>−0.012 ± 0.004</td> <td>0.05</td>" in page
    assert f"{named}hot</td><td>0.031 ± ?</td> <td>0.07</td>" in page


def test_drag_shows_one_drift_while_it_is_pulled_and_when_it_is_done(tmp_path: Path) -> None:
    """That of the pulling alone, without a side: the equilibration before it has another clock and is not measured."""
    study = small_study(drag={"forces_nN": ["0.3"], "equilibration_ps": 2, "duration_ns": 0.008})
    job = next(job for job in jobs(study, tmp_path) if job.experiment.kind == "drag")
    assert job.segments is not None
    begun = 0.0
    for piece in job.experiment.pieces():
        folder = job.segments.folder / f"{piece.index:04d}"
        folder.mkdir(parents=True)
        (folder / RECORD).write_text("{}")
        if piece.is_sampled:
            columns = ["step", "time_ps", *(column.series_name for column in job.experiment.columns())]
            passed = np.linspace(0, 0.004 * piece.steps, 11)
            series = pd.DataFrame(0.0, index=range(11), columns=columns)
            series["time_ps"] = begun * piece.is_measured + passed
            series["step"] = series["time_ps"] / 0.004
            series["thermostat_eV"] = (0.0312e-3 if piece.is_measured else 5.0) * passed
            series.to_parquet(folder / SERIES)
            begun += piece.is_measured * passed[-1]
    (found,) = drifts(job, State.INTERRUPTED)
    assert (found.run, found.side) == (job.name, "")
    assert found.drift == pytest.approx(0.0312)
    closure = {"drift_eV_per_ns": -0.021, "drift_se": 0.004, "allowed_eV_per_ns": 0.07, "limit_eV_per_ns": 0.05}
    record = {"fingerprint": job.experiment.fingerprint, "duration_ps": 8.0, "closure": closure}
    (job.folder / RUN).write_text(json.dumps(record), encoding="utf-8")
    done = Job(job.experiment, tmp_path)
    assert [*drifts(done, State.DONE)] == [Drift(job.name, State.DONE, "", -0.021, 0.004, 0.07)]
    assert "<td>−0.021 ± 0.004</td> <td>0.07</td>" in " ".join(live_page(study, tmp_path, [], None).split())
