"""What a study costs before it runs: core-hours, wall time on so many cores, and disk."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from simulation.overview.jobs import Job, atoms
from simulation.overview.probe import Speed

# Bytes, seen in run folders (a test compares the sum with a real one).
RESTART_PER_ATOM = 88  # eleven doubles: length, position, velocity, tag, type, mask, image
TOPOLOGY_PER_ATOM = 112  # text: a line for the position, one for the velocity
FRAME_PER_ATOM = 12  # a DCD frame has three single-precision numbers per atom
FRAME = 80
SERIES_PER_VALUE = 8.9  # doubles, which hardly compress
SERIES_PER_COLUMN = 650  # what Parquet says of each column
LOG_PER_PS = 100  # one line
LOG = 11_500  # the deck that LAMMPS repeats, and its timings
RECORDS = 25_000  # run.json, deck.lmp, identity.json
RESTARTS_KEPT = 2


def core_seconds(job: Job, speed: Speed, from_segment: int = 0) -> float:
    """Core-seconds of a job's segments, from one of them on; those of a smaller system are taken as less in proportion."""
    steps = job.steps[from_segment:]
    size = job.atoms / atoms(job.study) if job.atoms else 1.0
    return sum(steps) * size * speed.core_s_per_step + job.study.ranks * len(steps) * speed.startup_s


def wall_seconds(jobs: Sequence[Job], speed: Speed, cores: int) -> float:
    """Wall time of what is left to do when as many simulations run at once as there are cores for."""
    width = min(max((job.study.ranks for job in jobs), default=1), cores)
    seconds = {job.name: core_seconds(job, speed, job.committed) / width for job in jobs}
    # Those that wait for nothing begin at once, the start first; Snakemake fills cores as they get free.
    slots = [0.0] * max(cores // width, 1)
    ready = 0.0
    for job in sorted(jobs, key=lambda job: (job.needs_start, job.duration_ps is not None)):
        begin = heapq.heappop(slots)
        end = (max(begin, ready) if job.needs_start else begin) + seconds[job.name]
        if job.duration_ps is None:
            ready = end
        heapq.heappush(slots, end)
    return max(slots)


def disk_bytes(job: Job) -> float:
    """Disk that a finished job takes, its checkpoints included."""
    lengths_ps = [steps * job.study.integration.timestep_fs / 1000 for steps in job.steps]
    joined = 0.0 if job.duration_ps is None else _series_bytes(job, job.duration_ps) + RECORDS
    if job.segments is None:
        return joined
    logs = len(lengths_ps) * LOG + sum(lengths_ps) * LOG_PER_PS
    states = job.atoms * (RESTARTS_KEPT * RESTART_PER_ATOM + job.topologies * TOPOLOGY_PER_ATOM)
    if job.duration_ps is None:
        return logs + states + job.atoms * RESTART_PER_ATOM  # the result is a restart file, too
    # Series, trajectory and log lie in the segments and, joined, in the run folder.
    in_segments = sum(_series_bytes(job, ps) + _trajectory_bytes(job, ps) for ps in lengths_ps if ps > 0)
    return joined + _trajectory_bytes(job, job.duration_ps) + in_segments + 2 * logs + states


def _series_bytes(job: Job, time_ps: float) -> float:
    rows = time_ps / job.study.schedule.sample_every_ps + 1
    return job.columns * (SERIES_PER_COLUMN + SERIES_PER_VALUE * rows)


def _trajectory_bytes(job: Job, time_ps: float) -> float:
    frames = time_ps // job.study.schedule.trajectory_every_ps + 1
    return frames * (FRAME + FRAME_PER_ATOM * job.atoms)
