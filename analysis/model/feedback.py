"""Feedback loops with noise, filter, delay and hold, and the machines that they drive.

The order is fixed. At update k each position is read as X(t_k) + noise, and the reading is filtered. After a delay it
becomes a force, held until the next update. Without an update interval this happens in continuous time. The plant is the
network without the forces of the loop. ``sampled`` solves loops with updates, ``delayed`` those without.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.model.lyapunov import Array
from analysis.model.network import LinearLangevin
from analysis.model.power import QuadraticFormLaw
from analysis.units import BOLTZMANN

_NEGLIGIBLE = 1e-12  # relative variance of the size of rounding errors
_NONNEGATIVE = {
    "update_every": "ps",
    "delay": "ps",
    "position_noise": "Å",
    "noise_density": "Å² ps",
    "filter": "ps",
}


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """The loop between the reading and the force of a controller; by default the ideal demon.

    Args:
        update_every: time between updates, ps, over which the force is held; 0 for a loop in continuous time.
        delay: from reading to force, ps; need not be a multiple of ``update_every``.
        delayed: "all", or "partner": the own term of each particle is then an ideal spring, without reading, noise, filter,
            hold or delay, and only the position of the partner passes through the loop.
        position_noise: standard deviation of one reading of one position, Å; for a loop with updates.
        noise_density: S of white noise n of the readings, <n(t) n(t')> = S δ(t - t') for each position, Å² ps; for a loop in
            continuous time. It is the limit of the noise of a loop with updates for S = position_noise² · update_every, and
            the two-sided density over ω/2π, half of the one-sided density per hertz of instruments.
        filter: time constant τ of a first-order low-pass filter of the readings, ps; 0 for none. This is also a controller
            with an exponential memory e^{-t/τ}/τ. At an update the new reading has the weight 1 - e^{-update_every/τ}.

    Raises:
        ValueError: if a value is negative or not finite, or a noise does not match the kind of loop; names it.
    """

    update_every: float | None = 0.0
    delay: float = 0.0
    delayed: Literal["all", "partner"] = "all"
    position_noise: float = 0.0
    noise_density: float = 0.0
    filter: float = 0.0

    def __post_init__(self) -> None:
        """Reject invalid loops, with field and value."""
        if self.update_every is None:
            vars(self)["update_every"] = 0.0
        for name, unit in _NONNEGATIVE.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} = {value} {unit}: must be zero or a positive finite number")
        if self.delayed not in ("all", "partner"):
            raise ValueError(f"delayed = {self.delayed!r}: must be 'all' or 'partner'")
        if self.position_noise and not self.update_every:
            raise ValueError(
                f"position_noise = {self.position_noise} Å: needs update_every, the time between readings; "
                "for white noise at every instant give noise_density"
            )
        if self.noise_density and self.update_every:
            raise ValueError(
                f"noise_density = {self.noise_density} Å² ps: is for a loop at every instant; "
                f"with update_every = {self.update_every} ps give position_noise"
            )

    @property
    def is_ideal(self) -> bool:
        """Whether the loop has no effect, for any value of ``delayed``."""
        return self == Feedback(delayed=self.delayed)

    @property
    def period(self) -> float:
        """Time between updates, ps; 0 for a loop in continuous time."""
        return self.update_every or 0.0

    @property
    def density_of_noise(self) -> float:
        """S of the noise of the readings, Å² ps; for a loop with updates its limit for short periods."""
        return self.noise_density + self.position_noise**2 * self.period

    def response(self, frequency: ArrayLike) -> NDArray[np.complex128]:
        """Transfer function L(ω) for a position that moves as e^{-iωt}, of the shape of ``frequency`` (rad/ps).

        For a loop with updates it is the mean over the period: a hold of h contributes (e^{iωh} - 1)/(iωh). Aliasing from
        ω + 2πk/h is not included.
        """
        omega = np.asarray(frequency, dtype=float)
        passed = np.exp(1j * omega * self.delay)
        if not self.period:
            return np.asarray(passed / (1 - 1j * omega * self.filter))
        turn = omega * self.period
        share = -math.expm1(-self.period / self.filter) if self.filter else 1.0
        held = np.exp(0.5j * turn) * np.sinc(turn / (2 * np.pi))
        return np.asarray(passed * held * share / (1 - (1 - share) * np.exp(1j * turn)))


class ControlledNetwork(ABC):
    """A linear Langevin network with some forces through a loop; in its steady state, solved exactly.

    Between updates moments change with the phase of the period; rates and covariances are means over it. Heat is positive
    into a bath, work positive on the coordinates. Work is that of the applied force, including hold and delay.

    Attributes:
        network: the machine with the ideal loop.
        feedback: the loop.
        spring: the part of the control force that acts as a spring, (p, p), eV/Å²: zero, or the own terms for "partner".
        gain: the part of the control force computed from the readings, (p, p), eV/Å².
        velocity_gain: friction emulated by the loop on each coordinate, (p,), eV ps/Å².
        drift: of the plant, springs included, shape (p + n, p + n), like ``LinearLangevin.drift``.
        push: the rate of change of the state per force on each coordinate, (p + n, p).
    """

    def __init__(
        self,
        network: LinearLangevin,
        force: ArrayLike,
        feedback: Feedback,
        *,
        velocity_gain: Sequence[float] | None = None,
    ) -> None:
        """Split the network into plant and loop.

        Args:
            network: any network; its stiffness includes the control force.
            force: F of the control force F X on the coordinates, (p, p), eV/Å².
            feedback: the loop for this force.
            velocity_gain: g_j of an additional force -g_j V_j, (p,), eV ps/Å²: cold damping where positive. The loop
                computes it from the change of the filtered readings, also with ``delayed="partner"``; it is not part of the
                network.

        Raises:
            ValueError: if a shape does not fit, or a velocity is requested from unfiltered white noise.
        """
        p, n = network.coordinates, network.masses.size
        matrix = np.array(force, dtype=float)
        damping = np.zeros(p) if velocity_gain is None else np.array(velocity_gain, dtype=float)
        if matrix.shape != (p, p) or not np.isfinite(matrix).all():
            raise ValueError(f"force of shape {matrix.shape}: must be finite, (p, p) with p = {p} coordinates")
        if damping.shape != (p,) or not np.isfinite(damping).all():
            raise ValueError(f"velocity_gain = {damping.tolist()} eV ps/Å²: must be {p} finite numbers")
        if damping.any() and feedback.noise_density and not feedback.filter:
            raise ValueError(
                f"velocity_gain = {damping.tolist()} eV ps/Å²: the change of white noise is infinite; give filter, ps"
            )
        own = np.diag(np.diag(matrix))
        self.network, self.feedback = network, feedback
        self.spring = own if feedback.delayed == "partner" else np.zeros((p, p))
        self.gain = matrix - self.spring
        self.velocity_gain = damping
        self.push = np.vstack([np.zeros((p, p)), np.eye(n, p) / network.masses[:, None]])
        self.drift = network.drift()
        self.drift[:, :p] -= self.push @ self.gain

    @property
    @abstractmethod
    def growth_rate(self) -> float:
        """Growth rate of the slowest motion, 1/ps: the largest real part of a rate; negative for a stable machine."""

    @property
    def is_stable(self) -> bool:
        """True if a steady state exists."""
        return self.growth_rate < 0

    @property
    def spectral_radius(self) -> float:
        """Growth factor of the slowest motion over one update period or, without updates, over 1 ps; below 1 if stable."""
        return math.exp(self.growth_rate * (self.feedback.period or 1.0))

    def require_steady_state(self) -> None:
        """Do nothing if a steady state exists.

        Raises:
            ValueError: if there is none; names the loop and the growth factor.
        """
        if not self.is_stable:
            raise ValueError(
                f"{self.feedback}: no steady state, a motion grows by {self.spectral_radius:.6g} "
                f"every {self.feedback.period or 1.0:g} ps"
            )

    @property
    def has_white_force(self) -> bool:
        """True if the force contains white noise: from readings without a filter, or from their change with one."""
        return bool(self.feedback.noise_density) and (not self.feedback.filter or bool(self.velocity_gain.any()))

    @abstractmethod
    def covariance(self) -> Array:
        """Mean over time of the covariance of the state of the network, shape (p + n, p + n); Å, ps.

        Raises:
            ValueError: if there is no steady state.
        """

    @abstractmethod
    def work_rates(self) -> Array:
        """Mean power of the controller on each coordinate, (p,), eV/ps; (cold, hot) for a pair.

        Raises:
            ValueError: if there is no steady state.
        """

    @abstractmethod
    def work_noise(self) -> Array:
        """Long-time covariance of the works on the coordinates per time, (p, p), eV²/ps.

        The standard error of a mean power over a run of length T is √(work_noise()[j, j] / T). The heat of a bath
        that is coupled to one side only has the same noise: it differs from the work by an energy that does not grow.

        Raises:
            ValueError: if there is no steady state.
        """

    @abstractmethod
    def force_and_velocity(self, phase: float) -> Array:
        """Covariance of the applied forces of the controller and the velocities of the coordinates, (2p, 2p).

        Args:
            phase: instant within the period, as a fraction of it, 0 <= phase < 1; ignored without updates.

        Raises:
            ValueError: if there is no steady state, or a force is white noise.
        """

    @abstractmethod
    def information_rate(self) -> float:
        """Information per time in the readings about the particles, given all earlier readings, k_B/ps.

        It bounds the effect of the loop: Σ_b Q_b/T_b >= -k_B · information_rate().

        Raises:
            ValueError: if the readings have no noise: the information is then infinite.
        """

    @cached_property
    def _kinetic_excess(self) -> Array:
        """<V Vᵀ> minus its value in equilibrium with each bath, shape (baths, n, n), Å²/ps²."""
        p = self.network.coordinates
        thermal = BOLTZMANN * self.network.temperatures[:, None] / self.network.masses
        return self.covariance()[p:, p:] - thermal[:, :, None] * np.eye(self.network.masses.size)

    def heat_rates(self) -> Array:
        """Mean heat flow into each bath, (baths,), eV/ps, as ``LinearLangevin.heat_rates``.

        Raises:
            ValueError: if there is no steady state.
        """
        p, links = self.network.coordinates, self.network.links
        dissipated = np.einsum("bij,bij->b", self.network.frictions, self._kinetic_excess)
        return np.asarray(dissipated - np.einsum("bij,ij->b", links, self.covariance()[p:, p:]))

    def effective_temperatures(self) -> Array:
        """Kinetic temperature m <V²>/k_B of each velocity, (n,), K; for a pair (cold, hot) first.

        Raises:
            ValueError: if there is no steady state.
        """
        p = self.network.coordinates
        return np.asarray(self.network.masses * np.diagonal(self.covariance())[p:] / BOLTZMANN)

    def cop(self) -> tuple[float, float]:
        """Coefficients of performance of two baths, refrigeration |Q_C|/W and pumping Q_H/W; nan if the colder is not cooled.

        C is the colder bath, and W the total work. Unlike those of the ideal machine they depend on masses and frictions.

        Raises:
            ValueError: if there is no steady state, or there are not two baths.
        """
        if self.network.temperatures.size != 2:
            raise ValueError(f"{self.network.temperatures.size} baths: a coefficient of performance needs two")
        heats, work = self.heat_rates(), float(self.work_rates().sum())
        colder = int(np.argmin(self.network.temperatures))
        if heats[colder] >= 0 or work <= 0:
            return math.nan, math.nan
        return float(-heats[colder] / work), float(heats[1 - colder] / work)

    def flow_noise(self) -> Array:
        """For a pair, long-time covariance of (work cold, work hot, heat cold, heat hot) per time, (4, 4), eV²/ps.

        Raises:
            ValueError: if there is no steady state, or the network is not a pair of two sides.
        """
        if self.network.coordinates != 2 or self.network.temperatures.size != 2:
            raise ValueError("flow_noise: needs two coordinates and two baths; work_noise has no such limit")
        return np.tile(self.work_noise(), (2, 2))

    def power_distribution(self, coordinates: Sequence[int], phase: float = 0.0) -> QuadraticFormLaw:
        """Exact distribution of the instantaneous power of the whole applied force of the controller, eV/ps.

        Args:
            coordinates: those whose powers are added, one or two.
            phase: instant within the period, as a fraction of it.

        Raises:
            ValueError: as ``force_and_velocity``, or if the power vanishes.
        """
        p = self.network.coordinates
        form = np.zeros((2 * p, 2 * p))
        for j in coordinates:
            form[j, p + j] = form[p + j, j] = 0.5
        kept = np.concatenate([np.asarray(coordinates), p + np.asarray(coordinates)])
        covariance = self.force_and_velocity(phase)[np.ix_(kept, kept)]
        # Forces may be proportional, as for a pair: only independent ones are kept.
        scale = np.sqrt(np.diag(covariance)) + np.finfo(float).tiny
        values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
        free = values > _NEGLIGIBLE
        root = scale[:, None] * vectors[:, free] * np.sqrt(values[free])
        return QuadraticFormLaw.of(root.T @ form[np.ix_(kept, kept)] @ root, np.eye(root.shape[1]))
