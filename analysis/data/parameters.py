"""The physical parameters of a run, and the machines of exact theory that have them. Units are LAMMPS *metal*."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.model import (
    AT_REST,
    ControlledNetwork,
    DressedPair,
    Feedback,
    LangevinPair,
    MovedPair,
    Oscillation,
    PairWithBodies,
    Refrigerator,
    TrapMotion,
)
from analysis.units import FRICTION_SI

Array = NDArray[np.float64]
SIDES = ("cold", "hot")
AXES = ("x", "y", "z")
LINEAR = "linear"
"""The controller that theory covers."""
_LOOP = "feedback_"
"""Prefix of the fields of the feedback loop among the parameters."""

Forces = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Parameters:
    """The physical parameters of a run, in metal units; pairs are (cold, hot)."""

    mass: tuple[float, float]
    traps: tuple[float, float, float]
    """Stiffness κ of both traps along x, y and z, eV/Å²."""
    coupling: tuple[float, float]
    temperature: tuple[float, float]
    coupling_axes: str
    sample_interval: float
    controller: str = LINEAR
    """The control law: ``linear``, or ``module:Class`` of a custom controller."""
    feedback: Feedback | None = None
    """The feedback loop; ``None`` if the force follows the particles at every instant."""
    damping: tuple[float, float] = (0.0, 0.0)
    """Gains of cold damping (cold, hot), eV ps/Å²: the controller's additional force -g V."""
    force_limit: float | None = None
    """Largest force of the controller along each axis, eV/Å; linear theory does not cover a limit."""
    motion: TrapMotion = AT_REST
    """How the trap centres move along each coupled axis."""
    active: tuple[Forces, Forces] = ((), ())
    """Active forces of the baths (cold, hot): root mean square, eV/Å, and time, ps, of each."""
    timestep: float = field(default=math.nan, compare=False)
    """Integration step, ps. It is not a physical parameter: runs that differ only in it are replicas of one point."""

    @property
    def is_linear(self) -> bool:
        """Whether the force is the ideal linear one and the traps are at rest; for others only recorded data are used."""
        return self.has_theory and self.feedback is None and not any(self.damping) and not self.motion.moves

    @property
    def has_theory(self) -> bool:
        """Whether exact theory covers the machine: the linear controller, ideal or in a linear loop.

        With moving traps it covers only the ideal one.
        """
        is_linear = self.controller == LINEAR and self.force_limit is None
        return is_linear and not (self.motion.moves and (self.feedback is not None or any(self.damping)))

    def stiffness(self, axes: str) -> float:
        """Stiffness of both traps along some axes, eV/Å²; the mean if it differs between them."""
        return float(np.mean([self.traps[AXES.index(axis)] for axis in axes]))

    @property
    def trap(self) -> float:
        """Stiffness of both traps along the coupled axes, eV/Å²; see ``along`` if it differs between them."""
        return self.stiffness(self.coupling_axes or "".join(AXES))

    def along(self, axes: str) -> Parameters:
        """The parameters of the machine along the coupled ones of some axes, or along all of these if none is coupled."""
        return replace(self, coupling_axes="".join(axis for axis in self.coupling_axes if axis in axes) or axes)

    @property
    def told_controller(self) -> str:
        """The control law and its loop, such as ``linear`` or ``linear, delay 0.2 ps``."""
        parts = [self.controller]
        if (loop := self.feedback) is not None:
            parts += [f"updates every {loop.update_every:g} ps"] if loop.update_every else []
            parts += [f"delay {loop.delay:g} ps"] if loop.delay else []
            parts += [f"noise {loop.position_noise:g} Å"] if loop.position_noise else []
            parts += [f"filter {loop.filter:g} ps"] if loop.filter else []
            parts += ["of the partner's position"] if loop.delayed == "partner" else []
        parts += [f"cold damping {self.damping[0]:.3g} and {self.damping[1]:.3g} eV ps/Å²"] if any(self.damping) else []
        parts += [f"force at most {self.force_limit:g} eV/Å"] if self.force_limit is not None else []
        return ", ".join(parts)

    @property
    def balances(self) -> bool:
        """Whether all flows vanish and change sign at κ_H/κ_C = T_H/T_C: for the paper's force in baths that are not active."""
        return self.is_linear and not any(self.active)

    @property
    def per_kelvin(self) -> Array:
        """Entropy by heat of both baths, 1/T, (2,), 1/K; NaN where one is active, for no temperature belongs to its heat."""
        return np.full(2, math.nan) if any(self.active) else 1 / np.array(self.temperature)

    @property
    def colder(self) -> int:
        """The colder bath, 0 for the one named cold and 1 for the one named hot; 0 if both are equal."""
        return int(self.temperature[1] < self.temperature[0])

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Parameters:
        """From ``parameters`` of the JSON files of a point.

        Raises:
            KeyError: if one is missing.
        """
        return cls(
            mass=(values["mass_cold_eV_ps2_per_A2"], values["mass_hot_eV_ps2_per_A2"]),
            traps=_traps(values["trap_stiffness_eV_per_A2"]),
            coupling=(values["coupling_cold_eV_per_A2"], values["coupling_hot_eV_per_A2"]),
            temperature=(values["temperature_cold_K"], values["temperature_hot_K"]),
            coupling_axes=values["coupling_axes"],
            sample_interval=values["sample_interval_ps"],
            controller=values.get("controller", LINEAR),
            timestep=values["timestep_ps"],
            motion=TrapMotion(_oscillations(values, "cold"), _oscillations(values, "hot")),
            active=(_forces(values, "cold"), _forces(values, "hot")),
            damping=(values.get("damping_cold_eV_ps_per_A2", 0.0), values.get("damping_hot_eV_ps_per_A2", 0.0)),
            **_loop(values),
        )

    @classmethod
    def of_run(cls, metadata: dict[str, Any]) -> Parameters:
        """From the content of a ``run.json``, together with its controller.

        Raises:
            KeyError: if a key is missing.
        """
        controller = metadata["controller"]
        law = (controller or {}).get("law", LINEAR)
        return cls.from_json(metadata["parameters"] | {"controller": law, **_told_loop(controller)})

    @classmethod
    def of_sweep(cls, metadata: dict[str, Any]) -> Parameters:
        """Those of the sweep, from the content of the ``run.json`` of a friction run and its settings; κ_H is 0.

        Raises:
            KeyError: if a key is missing.
        """
        settings = metadata["settings"]
        demon = settings["demon"]
        acting = {key: demon[key] for key in ("coupling_cold_eV_per_A2", "coupling_axes")}
        acting |= {f"trap_motion_{side}": settings["trap"][f"motion_{side}"] for side in SIDES}
        acting |= {f"active_{side}": settings["langevin"][f"active_{side}"] for side in SIDES}
        controller = {
            "law": demon["controller"],
            "feedback": demon["feedback"],
            "damping": {side: demon[f"damping_{side}_kg_per_s"] / FRICTION_SI for side in SIDES},
        }
        return cls.of_run({"parameters": metadata["parameters"] | acting, "controller": controller})

    def to_json(self) -> dict[str, Any]:
        """``parameters`` of the JSON files of a point: those of its ``run.json``, the control law and its loop."""
        told: dict[str, Any] = {
            "mass_cold_eV_ps2_per_A2": self.mass[0],
            "mass_hot_eV_ps2_per_A2": self.mass[1],
            "trap_stiffness_eV_per_A2": self.traps[0]
            if len(set(self.traps)) == 1
            else dict(zip(AXES, self.traps, strict=True)),
            "coupling_cold_eV_per_A2": self.coupling[0],
            "coupling_hot_eV_per_A2": self.coupling[1],
            "temperature_cold_K": self.temperature[0],
            "temperature_hot_K": self.temperature[1],
            "timestep_ps": self.timestep,
            "sample_interval_ps": self.sample_interval,
            "coupling_axes": self.coupling_axes,
            "controller": self.controller,
        }
        for side, oscillations in zip(SIDES, (self.motion.cold, self.motion.hot), strict=True):
            if oscillations:
                told[f"trap_motion_{side}"] = [
                    {"amplitude_A": each.amplitude, "period_ps": each.period, "phase_deg": each.phase}
                    for each in oscillations
                ]
        for side, forces in zip(SIDES, self.active, strict=True):
            if forces:
                told[f"active_{side}"] = [{"force_eV_per_A": force, "time_ps": time} for force, time in forces]
        if any(self.damping):
            told |= _told_damping(dict(zip(SIDES, self.damping, strict=True)))
        if self.feedback is None and self.force_limit is None:
            return told
        loop = self.feedback or Feedback()
        return told | {
            f"{_LOOP}update_every_ps": loop.update_every or None,
            f"{_LOOP}delay_ps": loop.delay,
            f"{_LOOP}delayed": loop.delayed,
            f"{_LOOP}position_noise_A": loop.position_noise,
            f"{_LOOP}filter_ps": loop.filter,
            f"{_LOOP}force_limit_eV_per_A": self.force_limit,
        }

    def white_pair(self, friction: tuple[float, float]) -> LangevinPair:
        """The paper's model at these parameters, with white friction (cold, hot), eV ps/Å², without active forces."""
        return LangevinPair(
            mass=self.mass,
            friction_cold=friction[0],
            friction_hot=friction[1],
            trap=self.trap,
            coupling_cold=self.coupling[0],
            coupling_hot=self.coupling[1],
            temperature_cold=self.temperature[0],
            temperature_hot=self.temperature[1],
        )

    def dressed_pair(self, core: Array, shell: Array, shell_mass: Array) -> DressedPair:
        """The dressed pair: g₁ and g₂ (cold, hot), eV ps/Å², and shell masses (cold, hot), eV ps²/Å²; without active forces."""
        return DressedPair(
            mass=self.mass,
            core_friction_cold=core[0],
            core_friction_hot=core[1],
            shell_friction_cold=shell[0],
            shell_friction_hot=shell[1],
            shell_mass_cold=shell_mass[0],
            shell_mass_hot=shell_mass[1],
            trap=self.trap,
            coupling_cold=self.coupling[0],
            coupling_hot=self.coupling[1],
            temperature_cold=self.temperature[0],
            temperature_hot=self.temperature[1],
        )

    def controlled(self, machine: Refrigerator) -> Refrigerator | ControlledNetwork | MovedPair:
        """What exact theory makes of a machine: itself, or with its loop and cold damping, or with moving traps."""
        if self.motion.moves:
            return MovedPair(machine, self.motion)
        if self.feedback is None and not any(self.damping):
            return machine
        return machine.with_feedback(self.feedback or Feedback(), self.damping)

    def in_active_baths(self, pair: LangevinPair | DressedPair) -> Refrigerator:
        """A pair with the active forces of these parameters; itself if there are none."""
        if not any(self.active):
            return pair
        if isinstance(pair, LangevinPair):
            return self.pair_with_bodies(np.array([pair.friction_cold]), np.array([pair.friction_hot]))
        core = np.array([pair.core_friction_cold, pair.core_friction_hot])
        shell = np.array([pair.shell_friction_cold, pair.shell_friction_hot])
        mass = np.array([pair.shell_mass_cold, pair.shell_mass_hot])
        # A shell is a body of this friction and time, and leaves the rest to the particle (docs/explanation/theory.md).
        cold, hot = np.array([core * shell, core**2, mass]).T / (core + shell)[:, None]
        return self.pair_with_bodies(cold, hot)

    def pair_with_bodies(self, cold: Array, hot: Array) -> PairWithBodies:
        """The pair whose particles drag n bodies of fluid along: g₀ and c_i, eV ps/Å², then τ_i, ps, (2n + 1,) on each side.

        Its baths have the active forces of these parameters.
        """
        count = len(cold) // 2, len(hot) // 2
        return PairWithBodies(
            mass=self.mass,
            friction_cold=cold[0],
            friction_hot=hot[0],
            body_frictions_cold=tuple(cold[1 : 1 + count[0]]),
            body_frictions_hot=tuple(hot[1 : 1 + count[1]]),
            body_times_cold=tuple(cold[1 + count[0] :]),
            body_times_hot=tuple(hot[1 + count[1] :]),
            active_forces_cold=tuple(force for force, _ in self.active[0]),
            active_forces_hot=tuple(force for force, _ in self.active[1]),
            active_times_cold=tuple(time for _, time in self.active[0]),
            active_times_hot=tuple(time for _, time in self.active[1]),
            trap=self.trap,
            coupling_cold=self.coupling[0],
            coupling_hot=self.coupling[1],
            temperature_cold=self.temperature[0],
            temperature_hot=self.temperature[1],
        )


def _traps(value: float | dict[str, float]) -> tuple[float, float, float]:
    x, y, z = (value[axis] for axis in AXES) if isinstance(value, dict) else (value,) * 3
    return x, y, z


def _oscillations(values: dict[str, Any], side: str) -> tuple[Oscillation, ...]:
    return tuple(
        Oscillation(each["amplitude_A"], each["period_ps"], each["phase_deg"])
        for each in values.get(f"trap_motion_{side}", ())
    )


def _forces(values: dict[str, Any], side: str) -> Forces:
    return tuple((force["force_eV_per_A"], force["time_ps"]) for force in values.get(f"active_{side}", ()))


def _loop(values: dict[str, Any]) -> dict[str, Any]:
    """Feedback and limit of the force, from the fields of a study."""
    if f"{_LOOP}delay_ps" not in values:
        return {}
    loop = Feedback(
        update_every=values[f"{_LOOP}update_every_ps"],
        delay=values[f"{_LOOP}delay_ps"],
        delayed=values[f"{_LOOP}delayed"],
        position_noise=values[f"{_LOOP}position_noise_A"],
        filter=values[f"{_LOOP}filter_ps"],
    )
    return {"feedback": None if loop.is_ideal else loop, "force_limit": values[f"{_LOOP}force_limit_eV_per_A"]}


def _told_loop(controller: dict[str, Any] | None) -> dict[str, Any]:
    """Entries of ``parameters`` for loop and damping of ``controller`` in ``run.json``; empty without them."""
    told = controller or {}
    loop = {_LOOP + name: value for name, value in told.get("feedback", {}).items() if name not in ("version", "seed")}
    return loop | (_told_damping(told["damping"]) if "damping" in told else {})


def _told_damping(damping: dict[str, Any]) -> dict[str, Any]:
    return {f"damping_{side}_eV_ps_per_A2": damping[side] for side in SIDES}
