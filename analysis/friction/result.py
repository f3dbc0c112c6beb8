"""The measured friction of a study, as in ``friction.json``: along each set of equivalent axes, by every method."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.data.runs import SIDES
from analysis.errors import AnalysisError
from analysis.statistics.timeseries import Estimate, or_nan

Array = NDArray[np.float64]

POOLED = "xyz"
"""All three axes together, whether they are equivalent or not."""

SHELL_KEYS = ("core_friction_eV_ps_per_A2", "shell_friction_eV_ps_per_A2", "shell_mass_eV_ps2_per_A2")

METHODS = {
    "position": "position",
    "velocity": "velocity",
    "cross": "position and later velocity",
    "joint": "position and velocity together",
    "difference": "displacements over 1 ps",
    "zero_frequency": "dressed, zero frequency",
    "spectrum": "spectrum of the position near zero",
    "modes": "bodies of fluid, zero frequency",
}
"""Methods to determine a friction from equilibrium runs, and their names in text; the last three concern slow motion only."""

BY_AXIS_COLUMNS = ["particle", "axes", "method", "friction_kg_per_s", "se"]


@dataclass(frozen=True)
class Shell:
    """Dressed-particle parameters of one side: g₁, g₂ (eV ps/Å²), M (eV ps²/Å²), and the covariance of their logarithms."""

    values: tuple[float, float, float]
    log_covariance: Array

    def dissipation(self, frequency: Array) -> Array:
        """Re γ(ω) at frequencies in rad/ps, of their shape, eV ps/Å²."""
        core, shell, mass = self.values
        return np.asarray((core - core**2 / (core + shell - 1j * frequency * mass)).real)


@dataclass(frozen=True)
class Bodies:
    """Particle with bodies of fluid, one side: g₀ and c_i (eV ps/Å²), then τ_i (ps), and the covariance of their logarithms."""

    values: tuple[float, ...]
    log_covariance: Array

    def dissipation(self, frequency: Array) -> Array:
        """Re γ(ω) at frequencies (k,) in rad/ps, (k,), eV ps/Å²."""
        at_rest, *rest = self.values
        drags, times = np.split(np.array(rest), 2)
        lag = np.outer(frequency, times)
        return np.asarray(at_rest + (drags * lag**2 / (1 + lag**2)).sum(axis=1))


@dataclass(frozen=True)
class AxisFriction:
    """Friction of both particles (cold, hot) along one set of axes.

    Attributes:
        white: the one-parameter friction γ with its error, eV ps/Å².
        dressed: the core-and-shell parameters, or ``None`` if the study is too short to determine them.
        modes: white friction and bodies of fluid, their number chosen by cross-validation, or ``None`` if they were not fitted.
    """

    white: tuple[Estimate, Estimate]
    dressed: tuple[Shell, Shell] | None = None
    modes: tuple[Bodies, Bodies] | None = None

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> AxisFriction:
        """From an entry of ``axes`` of a ``friction.json``.

        Raises:
            KeyError: if a key is missing.
        """
        cold, hot = (
            Estimate(content[f"friction_{side}_eV_ps_per_A2"], or_nan(content[f"friction_{side}_se"])) for side in SIDES
        )
        shells = [
            Shell(tuple(shell[key] for key in SHELL_KEYS), np.array(shell["log_covariance"]))
            for shell in (content["dressed"][side] for side in (SIDES if content["dressed"] else ()))
        ]
        bodies = [
            Bodies(
                (each["friction_eV_ps_per_A2"], *each["body_frictions_eV_ps_per_A2"], *each["body_times_ps"]),
                np.array(each["log_covariance"]),
            )
            for each in (content["modes"][side] for side in (SIDES if content["modes"] else ()))
        ]
        return cls((cold, hot), (shells[0], shells[1]) if shells else None, (bodies[0], bodies[1]) if bodies else None)

    def exchanged(self) -> AxisFriction:
        """The same with the names of the particles exchanged."""
        dressed = self.dressed[::-1] if self.dressed else None
        return AxisFriction(self.white[::-1], dressed, self.modes[::-1] if self.modes else None)


@dataclass(frozen=True)
class Friction:
    """Measured friction of both particles along all axes.

    Attributes:
        along: the friction of each set of equivalent axes, such as ``{"x": …, "yz": …}``.
        pooled: of all three axes together; in traps of different stiffness the mean of the white frictions along the axes.
    """

    along: Mapping[str, AxisFriction]
    pooled: AxisFriction

    @classmethod
    def same(cls, friction: AxisFriction) -> Friction:
        """One friction along all axes."""
        return cls({POOLED: friction}, friction)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Friction:
        """From the content of a ``friction.json``.

        Raises:
            AnalysisError: if a key is missing; names it.
        """
        try:
            axes = content["axes"]
            along = {group: AxisFriction.from_json(axes[group]) for group in content["equivalent_axes"]}
            return cls(along, AxisFriction.from_json(axes[POOLED]) if POOLED in axes else _mean(along))
        except KeyError as missing:
            raise AnalysisError(f"friction.json: key {missing} is missing; run the friction analysis again") from None

    def shares(self, axes: str) -> dict[str, float]:
        """The share of some coupled axes in each set of axes of this friction; see ``shares_of``."""
        return shares_of(axes, self.along)

    def exchanged(self) -> Friction:
        """The same with the names of the particles exchanged."""
        return Friction({group: each.exchanged() for group, each in self.along.items()}, self.pooled.exchanged())


def _mean(along: Mapping[str, AxisFriction]) -> AxisFriction:
    """White friction averaged over the axes; each set counts as many times as it has axes."""
    shares = shares_of(POOLED, along)
    cold, hot = (
        Estimate(
            sum(share * along[group].white[side].value for group, share in shares.items()),
            math.hypot(*(share * along[group].white[side].se for group, share in shares.items())),
        )
        for side in range(len(SIDES))
    )
    return AxisFriction((cold, hot))


def shares_of(axes: str, sets: Iterable[str]) -> dict[str, float]:
    """The share of some coupled axes in each set of axes; sets without a share are left out.

    Args:
        axes: coupled axes, such as ``xyz``; among ``x`` and ``yz`` the shares are then 1/3 and 2/3.
        sets: disjoint sets of axes.
    """
    counts = {group: sum(axis in group for axis in axes) for group in sets}
    return {group: count / len(axes) for group, count in counts.items() if count}


def entries_by_method(content: Mapping[str, Any], side: str) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Location of the friction of one particle in an entry of ``axes`` of ``friction.json``, by every available method.

    Args:
        content: the entry.
        side: ``cold`` or ``hot``.

    Returns:
        For each available one of ``METHODS``: its name, the mapping with its entries, and the prefix of their names.
    """
    for method in METHODS:
        if method in ("zero_frequency", "modes"):
            fits = content["dressed" if method == "zero_frequency" else "modes"]
            if fits is not None:
                yield method, fits[side], "zero_frequency_friction"
        else:
            yield method, content, f"friction_{side}" if method == "joint" else f"friction_{side}_{method}"


def by_method(content: Mapping[str, Any], side: str) -> Iterator[tuple[str, Estimate]]:
    """The friction of one particle along one set of axes by every available method, kg/s.

    Args:
        content: an entry of ``axes`` of ``friction.json``.
        side: ``cold`` or ``hot``.
    """
    for method, entries, stem in entries_by_method(content, side):
        value, se = entries[f"{stem}_kg_per_s"], entries[f"{stem}_kg_per_s_se"]
        yield method, Estimate(or_nan(value), or_nan(se), "log")


def friction_by_axis(content: Mapping[str, Any]) -> pd.DataFrame:
    """The friction of each particle along each set of axes, by every method.

    Args:
        content: of ``friction.json``.

    Returns:
        ``BY_AXIS_COLUMNS``; unknown errors are NaN.
    """
    rows = [
        (side, group, method, friction.value, friction.se)
        for side in SIDES
        for group, entries in content["axes"].items()
        for method, friction in by_method(entries, side)
    ]
    return pd.DataFrame(rows, columns=BY_AXIS_COLUMNS)


def equivalence(axes: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Comparison of the friction along sets of axes, pairwise.

    Args:
        axes: entries ``axes`` of ``friction.json``, of disjoint sets.

    Returns:
        For each two sets, particle and method: ``axes`` (two names), ``particle``, ``method``, ``ratio`` (of the friction
        along the first set over that along the second) and ``z``, the logarithm of the ratio in its standard errors; both
        ``None`` if unknown.
    """
    rows = []
    for one, other in combinations(axes, 2):
        for side in SIDES:
            others = dict(by_method(axes[other], side))
            for method, friction in by_method(axes[one], side):
                if method in others:
                    ratio, z = _apart(friction, others[method])
                    rows.append({"axes": [one, other], "particle": side, "method": method, "ratio": ratio, "z": z})
    return rows


def equivalence_z(rows: Sequence[Mapping[str, Any]], method: str) -> float | None:
    """Difference of the friction along the first two sets by one method, both particles together, in standard errors.

    Args:
        rows: from ``equivalence``.
        method: one of ``METHODS``.
    """
    z = [row["z"] for row in rows if row["method"] == method and row["axes"] == rows[0]["axes"]]
    return None if not z or None in z else sum(z) / math.sqrt(len(z))


def _apart(one: Estimate, other: Estimate) -> tuple[float | None, float | None]:
    if not (one.value > 0 and other.value > 0):
        return None, None
    ratio, error = one.value / other.value, math.hypot(one.se / one.value, other.se / other.value)
    return ratio, math.log(ratio) / error if error > 0 else None
