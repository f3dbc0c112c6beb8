"""The machine's own settings, and which styles decks ask a LAMMPS for."""

from __future__ import annotations

import pytest

from simulation.engines.site import Site, SiteError
from simulation.engines.styles import Style, missing_styles, styles_of
from simulation.experiments import experiments
from simulation.experiments.decks import statements
from simulation.study.fields import THERMOSTATS, StudyError
from simulation.study.files import check_study


@pytest.mark.parametrize(
    "switches", ["", "-sf opt", "-k on g 1 -sf kk -pk kokkos newton on", "-suffix omp -package omp 4"]
)
def test_switches_of_accelerators_reach_lammps_as_they_are(switches: str) -> None:
    """LAMMPS gets the words, and the record keeps the text."""
    site = Site(switches, threads=2, gpus=1, launcher="srun -n 2")
    assert site.arguments == switches.split()
    assert site.content() == {
        "lammps_arguments": switches,
        "threads_per_rank": 2,
        "gpus": 1,
        "launcher": "srun -n 2",
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lammps": "-in other.lmp"}, "-in is none of -k"),
        ({"lammps": "-sf omp -screen x"}, "-screen is none of"),
        ({"lammps": "omp"}, "omp is none of"),
        ({"lammps": "-sf 'omp"}, "close the quotation"),
        ({"threads": 0}, "threads per rank = 0: write a whole number above zero"),
    ],
)
def test_other_switches_are_refused(settings: dict[str, object], message: str) -> None:
    """What reads, writes or splits the run is the project's."""
    with pytest.raises(SiteError, match=message):
        Site(**settings)  # type: ignore[arg-type]


def test_styles_are_read_where_commands_name_them() -> None:
    """Comments, continued lines and unknown commands do not count; a hybrid style is its parts."""
    deck = """
    atom_style atomic  # compute a all nothing
    # fix b all nothing
    region all block 0 1 0 1 0 1
    pair_style hybrid lj/cut 8.5 eam
    pair_coeff 1 2 none
    pair_coeff 3 3 eam Cu.eam
    pair_coeff 1 1 lj/cut 1 1
    compute c all &
      temp/com
    fix d all nve
    dump d all xyz 1 f
    if "${frames} == dcd" then "dump e all dcd 1 f" else "dump e all custom 1 f id"
    run 0
    """
    found = [
        ("atom", "atomic"),
        ("compute", "temp/com"),
        ("dump", "xyz"),
        ("fix", "nve"),
        ("pair", "eam"),
        ("pair", "hybrid"),
        ("pair", "lj/cut"),
        ("region", "block"),
    ]
    assert styles_of([deck, deck]) == [Style(*each) for each in found]


def test_missing_styles_name_their_package() -> None:
    """As far as it is known, so that the reader knows what to build."""

    class Poor:
        def has_style(self, category: str, name: str) -> bool:
            return (category, name) not in (("fix", "temp/csvr"), ("fix", "odd"))

    decks = ["fix a all nve\nfix b all temp/csvr 1 1 1 1\nfix c all odd"]
    assert list(map(str, missing_styles(Poor(), decks))) == ["fix odd", "fix temp/csvr (package EXTRA-FIX)"]
    packages = {
        "atom": ("MOLECULE", ("bond",)),
        "bond": ("MOLECULE", ("fene", "harmonic")),
        "pair": ("MANYBODY", ("eam", "eam/alloy", "eam/fs")),
    }
    for category, (package, names) in packages.items():
        for name in names:
            assert str(Style(category, name)) == f"{category} {name} (package {package})"


@pytest.mark.parametrize("thermostat", THERMOSTATS)
def test_a_study_asks_for_what_it_uses(thermostat: str) -> None:
    """Stochastic velocity rescaling is of a package that many builds lack, and is asked of those alone that use it."""
    study = check_study(
        "example", {"baths": {"edge_nm": 6.5, "accessible_density_per_nm3": 19.56, "thermostat": thermostat}}
    )
    decks = [deck for experiment in experiments(study) for deck in experiment.stage_decks()]
    styles = styles_of(decks)
    assert (Style("fix", "temp/csvr") in styles) == (thermostat == "csvr")
    assert {Style("fix", "external"), Style("fix", "addforce"), Style("pair", "lj/cut")} <= set(styles)
    assert not [style for style in styles if style.category in ("dump", "bond")]
    chains = {"edge_nm": 6.5, "accessible_density_per_nm3": 19.56, "chains": {"fraction": 0.3}}
    (bonded,) = experiments(check_study("example", {"baths": chains, "drag": {"forces_nN": []}}))[:1]
    assert Style("bond", "fene") in styles_of(bonded.stage_decks())


def test_how_frames_are_written_decides_no_trajectory() -> None:
    """So results stay when only that changes; a choice between other statements counts."""
    watching = 'variable frames index dcd\nif "${frames} == dcd" then "dump a all dcd 1 f" else "print no"\n'
    acting = 'if "1 > 0" then "print yes" "fix a all nve"'
    assert statements(watching + acting + "\nrun 1\n") == [acting, "run 1"]


def test_a_study_that_names_a_machine_setting_is_sent_there() -> None:
    """`integration.suffix` was a field once."""
    data = {"baths": {"fluid_atoms": 25280}, "integration": {"suffix": "none"}}
    with pytest.raises(
        StudyError, match=r"integration\.suffix: it is a setting of the machine now.*docs/how-to/machines\.md"
    ):
        check_study("example", data)
