"""The measured friction of a study, the content of ``friction.json``: along each set of equivalent axes, by every method.

Attributes are in metal units. The file has ``null`` for what is unknown here, NaN, and frictions in kg/s, too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from analysis.data.parameters import SIDES
from analysis.errors import AnalysisError
from analysis.friction.drag import DragFriction
from analysis.friction.particle import METHODS, Bodies, ParticleFriction, Shell, friction_entries
from analysis.statistics.timeseries import Estimate, known
from analysis.units import FRICTION_SI

POOLED = "xyz"
"""All three axes together, whether they are equivalent or not."""

BY_AXIS_COLUMNS = ["particle", "axes", "method", "friction_kg_per_s", "se"]


@dataclass(frozen=True)
class AxisFriction:
    """Friction of both particles (cold, hot) along one set of axes, as theories need it.

    Attributes:
        white: the one-parameter friction γ with its error, eV ps/Å².
        dressed: the core-and-shell parameters, or ``None`` if the study is too short to determine them.
        modes: white friction and bodies of fluid, their number chosen by cross-validation, or ``None`` if they were not fitted.
    """

    white: tuple[Estimate, Estimate]
    dressed: tuple[Shell, Shell] | None = None
    modes: tuple[Bodies, Bodies] | None = None

    def exchanged(self) -> AxisFriction:
        """The same with the names of the particles exchanged."""
        dressed = self.dressed[::-1] if self.dressed else None
        return AxisFriction(self.white[::-1], dressed, self.modes[::-1] if self.modes else None)


@dataclass(frozen=True)
class Friction:
    """Measured friction of both particles along all axes, as theories need it.

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

    def shares(self, axes: str) -> dict[str, float]:
        """The share of some coupled axes in each set of axes of this friction; see ``shares_of``."""
        return shares_of(axes, self.along)

    def exchanged(self) -> Friction:
        """The same with the names of the particles exchanged."""
        return Friction({group: each.exchanged() for group, each in self.along.items()}, self.pooled.exchanged())


@dataclass(frozen=True)
class AxisResult:
    """Everything measured at rest along one set of axes.

    Attributes:
        particles: (cold, hot).
        block: length of the blocks, ps; ``None`` if the runs are too short for errors.
        blocks: their number.
        note: why there are no errors; ``None`` if there are.
    """

    particles: tuple[ParticleFriction, ParticleFriction]
    block: float | None = None
    blocks: int | None = None
    note: str | None = None

    @property
    def friction(self) -> AxisFriction:
        """What theories need of it."""
        cold, hot = self.particles
        return AxisFriction(
            (cold.white["joint"], hot.white["joint"]),
            (cold.dressed, hot.dressed) if cold.dressed and hot.dressed else None,
            (cold.modes, hot.modes) if cold.modes and hot.modes else None,
        )

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> AxisResult:
        """From an entry of ``axes`` of ``friction.json``.

        Raises:
            KeyError: if a key is missing.
        """
        cold, hot = (ParticleFriction.from_json(content, side) for side in SIDES)
        return cls((cold, hot), content["block_ps"], content["blocks"], content["note"])

    def to_json(self) -> dict[str, Any]:
        """The entry of ``axes``; unknown values are ``None``."""
        sides = dict(zip(SIDES, self.particles, strict=True))
        content: dict[str, Any] = {"block_ps": self.block, "blocks": self.blocks, "note": self.note}
        for side, particle in sides.items():
            for model in ("white", "dressed"):
                content[f"held_out_residual_{side}_{model}"] = known(particle.held_out.get(model))
            content[f"likelihood_{side}"] = particle.likelihood.to_json() if particle.likelihood else None
            content |= particle.entries(side) | friction_entries(f"friction_{side}_spectrum", particle.spectrum)
        friction = self.friction
        for name, fits in (("dressed", friction.dressed), ("modes", friction.modes)):
            content[name] = dict(zip(SIDES, (fit.to_json() for fit in fits), strict=True)) if fits else None
        curves = {
            side: {name: curve.to_json() for name, curve in particle.curves.items()} for side, particle in sides.items()
        }
        return content | {"curves": curves}


class Difference(NamedTuple):
    """Friction of one particle along one set of axes over that along another, by one method; ``None`` where unknown.

    Attributes:
        axes: both sets.
        particle: ``cold`` or ``hot``.
        method: one of ``METHODS``.
        ratio: of the frictions.
        z: logarithm of the ratio in its standard errors.
    """

    axes: tuple[str, str]
    particle: str
    method: str
    ratio: float | None
    z: float | None


@dataclass(frozen=True)
class FrictionResult:
    """The content of ``friction.json``.

    Attributes:
        study: its name.
        replicas: number of equilibrium runs.
        time: of all runs together, ns.
        sample_interval: ps.
        traps: stiffness of the traps along each set of axes, eV/Å².
        masses: of the particles (cold, hot), eV ps²/Å².
        spacing: of the displacements of the method ``difference``, ps.
        equivalent: the sets of equivalent axes.
        axes: the results along each of these sets and, if all axes have the same traps, along all three together (``xyz``).
        drags: of dragged particles.
    """

    study: str
    replicas: int
    time: float
    sample_interval: float
    traps: Mapping[str, float]
    masses: tuple[float, float]
    spacing: float
    equivalent: tuple[str, ...]
    axes: Mapping[str, AxisResult]
    drags: tuple[DragFriction, ...] = ()

    @property
    def note(self) -> str | None:
        """Why a part of the results has no errors; ``None`` if all have."""
        return next((each.note for each in self.axes.values() if each.note), None)

    @property
    def friction(self) -> Friction:
        """What theories need of it."""
        along = {group: self.axes[group].friction for group in self.equivalent}
        return Friction(along, self.axes[POOLED].friction if POOLED in self.axes else _mean(along))

    @property
    def dressed(self) -> tuple[Shell, Shell] | None:
        """The dressed particles (cold, hot) fitted to all axes together; ``None`` without such a fit."""
        return self.axes[POOLED].friction.dressed if POOLED in self.axes else None

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> FrictionResult:
        """From the content of a ``friction.json``.

        Raises:
            AnalysisError: if a key is missing; names it.
        """
        try:
            cold, hot = (content[f"mass_{side}_eV_ps2_per_A2"] for side in SIDES)
            return cls(
                study=content["study"],
                replicas=content["replicas"],
                time=content["time_ns"],
                sample_interval=content["sample_interval_ps"],
                traps=content["trap_stiffness_eV_per_A2"],
                masses=(cold, hot),
                spacing=content["difference_ps"],
                equivalent=tuple(content["equivalent_axes"]),
                axes={group: AxisResult.from_json(each) for group, each in content["axes"].items()},
                drags=tuple(map(DragFriction.from_json, content["drag"])),
            )
        except KeyError as missing:
            raise AnalysisError(f"friction.json: key {missing} is missing; run the friction analysis again") from None

    @classmethod
    def read(cls, file: str | Path) -> FrictionResult:
        """From a ``friction.json``.

        Raises:
            AnalysisError: as ``from_json``.
        """
        return cls.from_json(json.loads(Path(file).read_text(encoding="utf-8")))

    def to_json(self) -> dict[str, Any]:
        """The content of ``friction.json``; unknown values are ``None``."""
        return {
            "study": self.study,
            "replicas": self.replicas,
            "time_ns": self.time,
            "sample_interval_ps": self.sample_interval,
            "trap_stiffness_eV_per_A2": dict(self.traps),
            **{f"mass_{side}_eV_ps2_per_A2": mass for side, mass in zip(SIDES, self.masses, strict=True)},
            "difference_ps": self.spacing,
            "note": self.note,
            "equivalent_axes": list(self.equivalent),
            "equivalence": [each._asdict() | {"axes": list(each.axes)} for each in self.equivalence()],
            "axes": {group: each.to_json() for group, each in self.axes.items()},
            "drag": [drag.to_json() for drag in self.drags],
        }

    def by_axis(self) -> pd.DataFrame:
        """The friction of each particle along each set of axes, by every method.

        Returns:
            ``BY_AXIS_COLUMNS``; unknown errors are NaN.
        """
        rows = [
            (side, group, method, found.value * FRICTION_SI, found.se * FRICTION_SI)
            for j, side in enumerate(SIDES)
            for group, each in self.axes.items()
            for method, found in each.particles[j].by_method().items()
        ]
        return pd.DataFrame(rows, columns=BY_AXIS_COLUMNS)

    @property
    def method_names(self) -> dict[str, str]:
        """The names in text of all methods; displacements may be longer than the paper's 1 ps."""
        return METHODS | {"difference": f"displacements over {self.spacing:g} ps"}

    def equivalence(self) -> list[Difference]:
        """Comparison of the friction along the sets of equivalent axes, pairwise."""
        return [
            Difference((one, other), side, method, *_apart(friction, others[method]))
            for one, other in combinations(self.equivalent, 2)
            for j, side in enumerate(SIDES)
            for others in (self.axes[other].particles[j].by_method(),)
            for method, friction in self.axes[one].particles[j].by_method().items()
            if method in others
        ]

    def apart(self) -> dict[tuple[str, str], dict[str, float]]:
        """Difference of the friction between sets of axes, the first minus the second, in standard errors.

        Returns:
            By two sets and method, both particles together; methods without a known difference are left out.
        """
        rows = self.equivalence()
        found: dict[tuple[str, str], dict[str, float]] = {}
        for sets in combinations(self.equivalent, 2):
            found[sets] = {}
            for method in METHODS:
                z = [row.z for row in rows if row.method == method and row.axes == sets]
                if z and None not in z:
                    found[sets][method] = sum(each for each in z if each is not None) / math.sqrt(len(z))
        return found


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


def _apart(one: Estimate, other: Estimate) -> tuple[float | None, float | None]:
    if not (one.value > 0 and other.value > 0):
        return None, None
    ratio, error = one.value / other.value, math.hypot(one.se / one.value, other.se / other.value)
    return ratio, math.log(ratio) / error if error > 0 else None
