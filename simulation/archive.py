"""Copies of run folders small enough to publish: what the analysis reads, in single precision, and nothing to resume from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from simulation.checkpoint import checksum, json_text, replace

ATOMS = ("topology.data", "trajectory.dcd")


def archive(results: Path, target: Path) -> Iterator[Path]:
    """Copy every finished run of a study; those that are there already, whole and of the same run, are left alone.

    The series loses digits beyond the seventh, which no estimate feels (the energies' own rounding is coarser than their
    closure), and no sample. Atoms are kept for the first equilibrium run only: they are large, and one set shows the system.

    Args:
        results: folder of the study, such as `results/demo`.
        target: folder to fill; a run keeps its place in it.

    Yields:
        The folder of each copy that was made.

    Raises:
        ValueError: the study has no finished run, or `target` holds another run in the place of one of its own.
    """
    sources = sorted(file.parent for file in results.glob("*/**/replica_*/run.json"))
    if not sources:
        raise ValueError(f"{results} has no finished run: run the study first")
    for source in sources:
        copy = target / source.relative_to(results)
        record = json.loads((source / "run.json").read_text(encoding="utf-8"))
        if (copy / "run.json").is_file():
            known = json.loads((copy / "run.json").read_text(encoding="utf-8"))
            if known["fingerprint"] != record["fingerprint"]:
                raise ValueError(f"{copy} holds a run of other parameters than {source}: move one of them away")
            if known["duration_ps"] >= record["duration_ps"]:
                continue
        copy.mkdir(parents=True, exist_ok=True)
        series = pd.read_parquet(source / "series.parquet")
        narrow = series.astype({name: np.float32 for name in series.columns if name not in ("step", "time_ps")})
        # Bytes of equal weight together: noise compresses by its exponents only, and so they are found.
        narrow.to_parquet(
            copy / "series.parquet", index=False, compression="zstd", use_dictionary=False, use_byte_stream_split=True
        )
        if record["purpose"] == "friction" and record["replica"] == 1:
            for name in ATOMS:
                if (source / name).is_file():
                    shutil.copyfile(source / name, copy / name)
        record |= {"archived": "series in single precision", "series_sha256": checksum(copy / "series.parquet")}
        replace(copy / "run.json", json_text(record))
        yield copy
