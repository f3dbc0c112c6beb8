"""Temperature inside each particle, whose metal has no thermostat and exchanges heat only with the fluid."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import MDAnalysis
import numpy as np
from MDAnalysis.lib.distances import self_capped_distance

from analysis.data.parameters import SIDES, Array
from analysis.data.runs import Run
from analysis.statistics.timeseries import SeriesTooShortError, choose_blocks, stationary_mean
from analysis.structure.result import MetalTemperature
from analysis.units import ATOMIC_MASS

LEAST_TIME_PS = 300.0
"""Copper and argon exchange heat within some 20 ps. Shorter runs do not determine this time, and therefore no error."""

SHOWN_TIMES = 80
"""Number of intervals of the run over which temperatures are averaged for the figure."""

RANGE_A = 8.0
"""Pairs of copper atoms at larger distances contribute less than a thousandth of the squared frequency."""


def metal_temperatures(
    runs: Sequence[Run], squared_frequencies: Sequence[float]
) -> tuple[Array, list[MetalTemperature]]:
    """Temperature of the metal's motion about the particle's centre of mass, and its expected value, K.

    With velocity Verlet and a time step h, a vibration of angular frequency ω in equilibrium at T has the kinetic energy
    k_BT/2 (1 - ω²h²/6) (M. P. Eastwood et al., J. Chem. Theory Comput. 6, 2045 (2010)): a stiff metal appears colder than it
    is.

    Args:
        runs: replicas of one run, for their series and time step. Correlation times from a single short run are uncertain.
        squared_frequencies: mean ω² of the metal (cold, hot), rad²/ps².

    Returns:
        Mean times of stretches of the first run, (stretches,), ps; and the temperatures of the cold and the hot particle. What
        was measured inside is ``None`` in runs without that column, and its error unknown in runs too short for it.
    """
    run = runs[0]
    stretches = min(SHOWN_TIMES, len(run.series))

    def means(values: Array) -> Array:
        return np.array([part.mean() for part in np.array_split(values, stretches)])

    timestep = run.metadata["parameters"]["timestep_ps"]
    expected = np.array(run.parameters.temperature) * (1 - np.array(squared_frequencies) * timestep**2 / 6)
    measured = [each.internal_temperature for each in runs]
    inside = None if any(one is None for one in measured) else np.array(measured)  # (runs, samples, sides)
    blocks = None
    if inside is not None and run.duration >= LEAST_TIME_PS:
        with suppress(SeriesTooShortError):
            # Both particles exchange heat with their fluid alike: together they give the memory best.
            both = np.concatenate(np.moveaxis(inside - expected, 2, 0))
            blocks = choose_blocks([both], run.parameters.sample_interval, series=len(runs))
    found = [
        MetalTemperature(
            None if inside is None else stationary_mean(inside[:, :, j], blocks),
            float(expected[j]),
            None if inside is None else means(inside[0, :, j]),
            means(run.series[f"temperature_{side}_K"].to_numpy()),
        )
        for j, side in enumerate(SIDES)
    ]
    return means(run.series["time_ps"].to_numpy()), found


def squared_frequency(
    universe: MDAnalysis.Universe, particle: MDAnalysis.AtomGroup, epsilon_eV: float, sigma_A: float
) -> float:
    """Mean squared angular frequency of a particle's Lennard-Jones metal over all frames, rad²/ps².

    That is the trace of the Hessian over mass and degrees of freedom: Σ (u'' + 2u'/r) over ordered pairs, over 3N m. The fluid
    around adds a sixtieth, which is left out.

    Args:
        universe: trajectory of the run, at least one frame; Å.
        particle: the N atoms of the metal.
        epsilon_eV, sigma_A: depth and length of the pair potential u = 4ε [(σ/r)¹² - (σ/r)⁶].
    """
    curvature = 0.0
    for _ in universe.trajectory:
        _, distance = self_capped_distance(particle.positions, RANGE_A)
        sixth = (sigma_A / distance) ** 6
        curvature += 2 * float((4 * epsilon_eV * (132 * sixth**2 - 30 * sixth) / distance**2).sum())
    return curvature / (len(universe.trajectory) * 3 * ATOMIC_MASS * float(particle.total_mass()))
