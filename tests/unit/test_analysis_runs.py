"""The run-folder reader: it accepts what the contract promises and names what breaks it."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.runs import RunFolderError, load_run, load_runs
from tests.unit.synthetic import Truth, write_runs

TRUTH = Truth(kappa_ratio="4.80")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One short, valid run folder, coupled along x and z."""
    return write_runs(tmp_path, TRUTH, duration_ps=20, runs=1, seed=1, axes="xz")[0]


def test_arrays_follow_the_columns(folder: Path) -> None:
    """Side and axis of every array are those of the column they came from."""
    run = load_run(folder)
    assert run.position.shape == run.velocity.shape == (21, 2, 3)
    assert run.work.shape == (21, 2, 2)
    np.testing.assert_array_equal(run.position[:, 1, 2], run.series["position_hot_z_A"])
    np.testing.assert_array_equal(run.velocity[:, 0, 1], run.series["velocity_cold_y_A_per_ps"])
    np.testing.assert_array_equal(run.work[:, 0, 1], run.series["work_cold_z_eV"])
    np.testing.assert_array_equal(run.thermostat[:, 1], run.series["thermostat_hot_eV"])
    assert run.kappa_ratio == "4.80"
    assert run.parameters.coupling == pytest.approx((0.1, 0.48))


def test_internal_temperature_is_read_where_there_is_one(folder: Path) -> None:
    """A folder written before this column came is read all the same; where it is, a damaged value is refused."""
    assert load_run(folder).internal_temperature is None
    table = pd.read_parquet(folder / "series.parquet")
    table["internal_temperature_cold_K"], table["internal_temperature_hot_K"] = 99.0, 121.0
    _spoil(folder, table)
    np.testing.assert_array_equal(load_run(folder).internal_temperature, [[99.0, 121.0]] * len(table))
    table.loc[3, "internal_temperature_hot_K"] = np.nan
    _spoil(folder, table)
    with pytest.raises(RunFolderError, match="internal_temperature_hot_K is not a number in row 3"):
        load_run(folder)


def test_folder_and_run_json_name_the_same_run(folder: Path) -> None:
    """Rules may name a run by its folder or by its run.json."""
    assert load_run(folder).series.equals(load_run(folder / "run.json").series)


@pytest.mark.parametrize("file", ["run.json", "series.parquet"])
def test_missing_file_is_named(folder: Path, file: str) -> None:
    """A folder of an unfinished run is refused with the file that is not there."""
    (folder / file).unlink()
    with pytest.raises(RunFolderError, match=rf"{file}: missing"):
        load_run(folder)


def _spoil(folder: Path, table: pd.DataFrame) -> None:
    table.to_parquet(folder / "series.parquet")


def test_missing_columns_are_named(folder: Path) -> None:
    """All missing columns appear in one message."""
    _spoil(folder, pd.read_parquet(folder / "series.parquet").drop(columns=["trap_cold_eV", "work_hot_z_eV"]))
    with pytest.raises(RunFolderError, match=r"series\.parquet: columns missing: trap_cold_eV, work_hot_z_eV$"):
        load_run(folder)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_located(folder: Path, value: float) -> None:
    """A damaged value is refused with its column and row; it would poison every mean without a word."""
    table = pd.read_parquet(folder / "series.parquet")
    table.loc[7, "energy_hot_eV"] = value
    _spoil(folder, table)
    with pytest.raises(RunFolderError, match=r"series\.parquet: energy_hot_eV is not a number in row 7"):
        load_run(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(index=5), r"rows 4 and 5 are at 4 and 6 ps"),
        (lambda table: pd.concat([table[:6], table[5:]]), r"rows 5 and 6 are at 5 and 5 ps"),
        (lambda table: table[::2], r"rows 0 and 1 are at 0 and 2 ps, but samples are due every 1 ps"),
    ],
    ids=["lost", "repeated", "thinned"],
)
def test_unequal_spacing_is_refused(folder: Path, change: object, message: str) -> None:
    """A lost or repeated segment, or another sample interval than promised, is located and refused."""
    assert callable(change)
    _spoil(folder, change(pd.read_parquet(folder / "series.parquet")))
    with pytest.raises(RunFolderError, match=message):
        load_run(folder)


def test_a_run_that_stopped_before_sampling_is_refused(folder: Path) -> None:
    """One row carries no rate."""
    _spoil(folder, pd.read_parquet(folder / "series.parquet")[:1])
    with pytest.raises(RunFolderError, match="1 rows, at least 2"):
        load_run(folder)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("format", 2, "format = 2, this analysis reads format 1"),
        ("closure", None, "key 'closure' is missing"),
        ("parameters", {"coupling_axes": "x"}, "key 'mass_cold_eV_ps2_per_A2' is missing"),
    ],
)
def test_run_json_of_another_kind_is_refused(folder: Path, key: str, value: object, message: str) -> None:
    """Format and keys of run.json are checked before any number is read from it."""
    file = folder / "run.json"
    content = json.loads(file.read_text())
    content.pop(key)
    if value is not None:
        content[key] = value
    file.write_text(json.dumps(content))
    with pytest.raises(RunFolderError, match=message):
        load_run(folder)


@pytest.mark.parametrize("file", ["run.json", "series.parquet"])
def test_cut_files_are_named_with_the_cure(folder: Path, file: str) -> None:
    """Half a file is refused by name, and never a traceback of the library that reads it."""
    os.truncate(folder / file, (folder / file).stat().st_size // 2)
    with pytest.raises(RunFolderError, match=rf"{file}: damaged.*delete it and give the same command again"):
        load_run(folder)


def test_flipped_bit_in_the_series_is_found(folder: Path) -> None:
    """Parquet reads a flipped bit as another number; the checksum in run.json tells."""
    series, record = folder / "series.parquet", folder / "run.json"
    content = bytearray(series.read_bytes())
    record.write_text(
        json.dumps(json.loads(record.read_text()) | {"series_sha256": hashlib.sha256(content).hexdigest()})
    )
    load_run(folder)
    content[200] ^= 1
    series.write_bytes(content)
    with pytest.raises(RunFolderError, match=r"series\.parquet: damaged, its checksum"):
        load_run(folder)


def test_replicas_share_their_parameters(tmp_path: Path) -> None:
    """Runs of two different points are never averaged as replicas of one."""
    one = write_runs(tmp_path, TRUTH, 10, 2, seed=1)
    other = write_runs(tmp_path, Truth(kappa_ratio="1.2"), 10, 1, seed=2)
    assert len(load_runs(one)) == 2
    with pytest.raises(RunFolderError, match="physical parameters differ"):
        load_runs(one + other)
    with pytest.raises(RunFolderError, match="no run folder"):
        load_runs([])
