"""docs/how-to/what-reruns.md says what each change reruns; every row of it is tried, and every field of a study has one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from simulation import perform
from simulation.experiments import experiment_at
from simulation.experiments.base import Experiment
from simulation.experiments.baths import Baths
from simulation.experiments.drag import Drag
from simulation.experiments.machine import Machine
from simulation.perform import segments_of
from simulation.study.fields import Study
from simulation.study.files import check_study
from simulation.study.materials import Species

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/what-reruns.md"

STUDY = check_study(
    "example",
    {
        "baths": {
            "edge_nm": 6.5,
            "accessible_density_per_nm3": 19.56,
            "thermostat": "csvr",
            "chains": {"fraction": 0.1},
        },
        "demon": {"kappa_ratios": ["1.2", "4.80"], "coupling_axes": "xy", "feedback": {"delay_ps": 0.08}},
        "integration": {"timestep_fs": 4},
        "drag": {"forces_nN": ["0.3", "3.0"], "replicas": 2, "duration_ns": 0.2},
        "schedule": {
            "equilibration_ps": 60,
            "relaxation_ps": 80,
            "friction_ns": 0.4,
            "sweep_ns": 0.4,
            "friction_replicas": 2,
            "sweep_replicas": 2,
            "trajectory_every_ps": 10,
            "segment_ps": 40,
        },
    },
)

# A thermostat with random numbers, and second replicas: whatever makes a difference anywhere must make it here.
RUNS = {
    "friction": ("friction", 2),
    "sweep": ("kH_4.80", 2),
    "drag (cold)": ("drag/cold/F_3.0", 2),
    "drag (hot)": ("drag/hot/F_3.0", 2),
    "equilibrated": ("equilibrated", 1),
}

CHANGES: dict[str, list[Any]] = {
    "name": ["another"],
    "seed": [1],
    "engine": ["langevin"],
    "ranks": [4],
    "materials.fluid.symbol": ["Kr"],
    "materials.fluid.mass_u": [40.0],
    "materials.fluid.epsilon_eV": [0.011],
    "materials.fluid.sigma_A": [3.5],
    "materials.metal.symbol": ["Au"],
    "materials.metal.mass_u": [60.0],
    "materials.metal.epsilon_eV": [0.41],
    "materials.metal.sigma_A": [2.4],
    "materials.metal.lattice_A": [3.62],
    "materials.fluid_metal": [{"epsilon_eV": 0.03, "sigma_A": 2.8715}],
    "materials.cutoff_A": [9.0],
    "interactions.template": ["copper_eam.lmp.j2"],
    "interactions.files": [["copper_eam.lmp.j2"]],  # any file
    "interactions.range_A": [9.0],
    "interactions.contact_A": [3.0],
    "interactions.energy_terms": [["f_field_{side}"]],
    "interactions.work_terms": [["v_push_{side}"]],
    "nanoparticle.atoms": [187],
    "nanoparticle.radius_lattice": [2.3],
    "nanoparticle.origin_lattice": [[0.0, 0.0, 0.0]],
    "baths.edge_nm": [6.6],
    "baths.walls": ["none"],
    "baths.fluid_atoms": [5000],
    "baths.accessible_density_per_nm3": [19.0],
    "baths.chains.fraction": [0.2, 0.0],
    "baths.chains.atoms": [11],
    "baths.chains.bond": ["harmonic"],
    "baths.chains.stiffness_eV_per_A2": [0.03],
    "baths.chains.length_A": [5.2],
    "baths.bulk_density_per_nm3": [18.0],
    "baths.pressure_bar": [100.0],
    "baths.temperature_cold_K": [90.0],
    "baths.temperature_hot_K": [130.0],
    "baths.thermostat": ["nose-hoover", "langevin"],
    "baths.thermostat_damping_ps": [2.0],
    "trap.stiffness_eV_per_A2": [0.02, {"x": 0.01, "yz": 0.02}],
    "trap.motion_cold": [[{"amplitude_A": 1.0, "period_ps": 20.0}]],
    "trap.motion_hot": [[{"amplitude_A": 1.0, "period_ps": 20.0, "phase_deg": 90.0}]],
    "demon.coupling_cold_eV_per_A2": [0.11],
    "demon.kappa_ratios": [["4.80"], ["9", "4.80", "1.2"]],
    "demon.shown_ratios": [["1.2"]],
    "demon.coupling_axes": ["x", "xyz"],
    "demon.controller": ["mine:Mine"],
    "demon.controller_options": [{"gain": "2"}],
    "demon.damping_cold_kg_per_s": [1e-12],
    "demon.damping_hot_kg_per_s": [1e-12, -1e-13],
    "demon.feedback.update_every_ps": [0.04],
    "demon.feedback.delay_ps": [0.0, 0.12],
    "demon.feedback.delayed": ["partner"],
    "demon.feedback.position_noise_A": [0.1],
    "demon.feedback.filter_ps": [0.1],
    "demon.feedback.force_limit_eV_per_A": [1.0],
    "design.goal": ["cop"],
    "design.coupling_cold_eV_per_A2": [[0.01, 0.1]],
    "design.coupling_hot_eV_per_A2": [[0.01, 0.1]],
    "design.delay_ps": [[0.0, 1.0]],
    "design.power_eV_per_ns": [1.0],
    "design.spread_A": [1.0],
    "design.force_eV_per_A": [1.0],
    "design.cooling_eV_per_ns": [0.1],
    "drag.forces_nN": [["3.0"], ["1.0", "3.0"]],
    "drag.equilibration_ps": [120.0],
    "drag.duration_ns": [0.4, 0.12],
    "drag.replicas": [3],
    "langevin.friction_cold_kg_per_s": [4e-12, {"x": 3.5e-12, "yz": 3e-12}],
    "langevin.friction_hot_kg_per_s": [4e-12, {"x": 3.5e-12, "yz": 3e-12}],
    "langevin.bodies_cold": [
        [{"friction_kg_per_s": 2e-11, "time_ps": 1.0}],
        [{"friction_kg_per_s": {"z": 2e-11}, "time_ps": 1.0}],
    ],
    "langevin.bodies_hot": [
        [{"friction_kg_per_s": 2e-11, "time_ps": 1.0}, {"friction_kg_per_s": 1e-11, "time_ps": 5.0}]
    ],
    "langevin.maxwell_cold": [[{"friction_kg_per_s": 2e-11, "time_ps": 1.0}]],
    "langevin.maxwell_hot": [[{"friction_kg_per_s": {"yz": 2e-11}, "time_ps": 1.0}]],
    "langevin.active_cold": [[{"force_eV_per_A": 0.02, "time_ps": 1.0}]],
    "langevin.active_hot": [[{"force_eV_per_A": 0.02, "time_ps": 1.0}]],
    "integration.timestep_fs": [5.0],
    "integration.neighbour_skin_A": [1.0],
    "schedule.filling_ps": [30.0],
    "schedule.equilibration_ps": [80.0],
    "schedule.independent_starts": [True],
    "schedule.relaxation_ps": [40.0],
    "schedule.friction_ns": [0.8, 0.2],
    "schedule.sweep_ns": [0.8, 0.2],
    "schedule.friction_replicas": [3],
    "schedule.sweep_replicas": [3],
    "schedule.sample_every_ps": [0.2],
    "schedule.trajectory_every_ps": [20.0],
    "schedule.segment_ps": [20.0, 80.0],
    "limits.closure_drift_of_heat": [0.1],
    "limits.closure_drift_eV_per_ns": [0.1],
    "limits.closure_drift_of_work": [0.01],
    "limits.liquid": [False],
    "limits.chain_size": [0.2],
    "limits.particle_temperature": [0.2],
    "variants": [{"warm": {"baths": {"temperature_hot_K": 130}}}],
}

SOURCE, BUILD, SITE = "the source of the controller", "the build of LAMMPS", "settings of the machine"


def fields(section: type[BaseModel], above: str = "") -> Iterator[str]:
    """Dotted names of all fields of a study."""
    for name, info in section.model_fields.items():
        inner = Species if name == "fluid" else info.annotation  # that of both baths
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from fields(inner, f"{above}{name}.")
        else:
            yield above + name


def table(heading: str) -> dict[str, dict[str, str]]:
    """The table under a heading of the page: entries by change and column."""
    text = PAGE.read_text(encoding="utf-8")
    part = re.split(r"^#+ ", text.partition(f"# {heading}\n")[2], flags=re.MULTILINE)[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        for change in re.findall(r"`([^`]+)`", row[0]) or [row[0]]:
            assert change not in found, f"{change} has two rows"
            found[change] = dict(zip(head[1:], row[1:], strict=True))
    return found


def changed(field: str, value: Any, study: Study = STUDY) -> Study:
    """The study with one field changed, whether or not it could still run."""
    data = study.model_dump(mode="json")
    *above, last = field.split(".")
    place = data
    for name in above:
        place = place[name]
    assert place[last] != value
    place[last] = value
    return Study.model_validate(data)


def runs(study: Study) -> dict[str, Experiment]:
    """One run of each kind."""
    names = RUNS if study.engine == "lammps" else {kind: name for kind, name in RUNS.items() if kind != "equilibrated"}
    return {kind: experiment_at(study, *name) for kind, name in names.items()}


FINISHED = runs(STUDY)
"""Those before a change, whose decks are made once."""


def entry(row: dict[str, str], kind: str) -> str:
    """What a row says of a kind; a drag of one side may be meant alone."""
    name, _, side = kind.partition(" ")
    word, _, only = row[name].partition(" ")
    return "kept" if only and side and only != side else word


def what_happens(before: Experiment, after: Experiment) -> str:
    """What the word for it is."""
    if before.fingerprint != after.fingerprint:
        return "reruns"
    return "kept" if before.duration_ps == after.duration_ps else "continues"


def check_row(row: dict[str, str], before: dict[str, Experiment], after: dict[str, Experiment], folder: Path) -> None:
    """Each finished run does what the row says, and so do the segments of one that is under way."""
    found = {kind: what_happens(before[kind], after[kind]) for kind in before}
    assert found == {kind: entry(row, kind) for kind in before}
    for kind, word in found.items():
        same = segments_of(before[kind], folder).folder == segments_of(after[kind], folder).folder
        assert same == (word != "reruns" and row["a run under way"] == "continues"), kind
    if set(found.values()) == {"reruns"}:
        assert row["a run under way"] == "begins anew"


def test_every_field_has_its_row() -> None:
    """And nothing has one that is no field, but for what lies outside of the study file."""
    assert set(table("What reruns")) == {*fields(Study), SOURCE, BUILD, SITE}
    assert set(CHANGES) == set(fields(Study))
    assert set(table("The exact model")) < set(fields(Study))


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in CHANGES.items() for value in values])
def test_changing_a_field_does_what_its_row_says(
    field: str, value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a finished run of each kind, and of one that is under way."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("class Mine: ...\n", encoding="utf-8")
    row = table("What reruns")[field]
    after = runs(changed(field, value))
    if field == "engine":  # what the exact model needs of another kind: no segments, and no baths
        assert {what_happens(run, after[kind]) for kind, run in FINISHED.items() if kind in after} == {"reruns"}
        assert set(row.values()) == {"reruns", "begins anew"}
        return
    check_row(row, FINISHED, after, tmp_path)


def test_editing_a_controller_does_what_its_row_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its source is a part of the runs in which it acts, and of no others."""
    monkeypatch.chdir(tmp_path)
    study = changed("demon.controller", "mine:Mine")
    (tmp_path / "mine.py").write_text("class Mine:\n    factor = 1\n", encoding="utf-8")
    prints = {kind: run.fingerprint for kind, run in runs(study).items()}
    segments = {kind: segments_of(run, tmp_path).folder for kind, run in runs(study).items()}
    (tmp_path / "mine.py").write_text("class Mine:\n    factor = 2\n", encoding="utf-8")
    row = table("What reruns")[SOURCE]
    for kind, run in runs(study).items():
        is_same = prints[kind] == run.fingerprint
        assert is_same == (entry(row, kind) == "kept")
        assert is_same == (segments[kind] == segments_of(run, tmp_path).folder)


def test_another_lammps_does_what_its_row_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Finished runs stay; one trajectory is never the work of two builds."""
    before = {kind: segments_of(run, tmp_path).folder for kind, run in runs(STUDY).items()}
    prints = {kind: run.fingerprint for kind, run in runs(STUDY).items()}
    monkeypatch.setattr(perform, "lammps_build", lambda: "another")
    row = table("What reruns")[BUILD]
    assert row["a run under way"] == "begins anew"
    for kind, run in runs(STUDY).items():
        assert entry(row, kind) == "kept"
        assert run.fingerprint == prints[kind]
        assert segments_of(run, tmp_path).folder != before[kind]


def test_another_way_of_running_a_kind_reruns_that_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind has a version for each engine; what starts from the baths hangs on theirs, too."""
    for kind, touched in (
        (Machine, {"friction", "sweep"}),
        (Drag, {"drag (cold)", "drag (hot)"}),
        (Baths, {"friction", "sweep", "equilibrated"}),
    ):
        before = {name: run.fingerprint for name, run in runs(STUDY).items()}
        with monkeypatch.context() as patch:
            patch.setattr(kind, "versions", kind.versions | {"langevin": 99})
            assert before == {name: run.fingerprint for name, run in runs(STUDY).items()}
            patch.setattr(kind, "versions", kind.versions | {"lammps": 99})
            assert touched == {name for name, run in runs(STUDY).items() if run.fingerprint != before[name]}


@pytest.mark.parametrize(
    ("field", "value"),
    [(field, value) for field, values in CHANGES.items() for value in values if field != "engine"],
)
def test_exact_runs_hang_on_what_is_listed_for_them(
    field: str, value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They take seconds, and nothing of a shorter one can be used for a longer; what the model does not have does not count."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("class Mine: ...\n", encoding="utf-8")
    exact = STUDY.model_copy(update={"engine": "langevin"})
    row = table("The exact model").get(field, dict.fromkeys(("friction", "sweep", "drag"), "kept"))
    before, after = runs(exact), runs(changed(field, value, exact))
    found = {kind: what_happens(before[kind], after[kind]).replace("continues", "reruns") for kind in before}
    assert found == {kind: entry(row, kind) for kind in before}


def test_page_uses_the_words_that_it_explains() -> None:
    """And no others stand in its tables."""
    words = {
        word
        for rows in (table("What reruns"), table("The exact model"))
        for row in rows.values()
        for word in row.values()
    }
    assert words <= {"reruns", "kept", "continues", "begins anew", "reruns (cold)", "reruns (hot)"}
