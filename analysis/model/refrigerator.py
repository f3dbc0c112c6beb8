"""Common base of the pairs (white, dressed, with bodies): two particles, two baths, the controller; thermodynamics."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from enum import StrEnum
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from analysis.model.currents import (
    Current,
    covariance_over,
    heat_current,
    mean_rates,
    noise_rates,
    work_current,
)
from analysis.model.delayed import DelayedNetwork
from analysis.model.feedback import ControlledNetwork, Feedback
from analysis.model.lyapunov import Array
from analysis.model.network import LinearLangevin
from analysis.model.optimum import first_minimum
from analysis.model.power import QuadraticFormLaw
from analysis.model.sampled import SampledNetwork
from analysis.units import BOLTZMANN

Force = Literal["cross", "full", "antisymmetric"]
Target = Literal["cold", "hot", "total"]

FLOWS = ("work_cold", "work_hot", "heat_cold", "heat_hot")
"""Order of the flows in every array that has one entry per flow."""

_NEAR = 1e-6  # relative distance

_UNITS = {
    "mass": "eV ps²/Å²",
    "friction": "eV ps/Å²",
    "trap": "eV/Å²",
    "coupling": "eV/Å²",
    "temperature": "K",
    "time": "ps",
    "force": "eV/Å",
}


class Mode(StrEnum):
    """Mean operation of the machine; the temperatures determine the colder and the warmer bath."""

    REFRIGERATOR = "refrigerator"  # work moves heat from the colder bath to the warmer one (also a heat pump)
    CONDUCTOR = "conductor"  # reciprocal coupling: heat flows from warm to cold without work
    ENGINE = "engine"  # heat flows from warm to cold and the controller gains work
    HEATER_I = "heater I"  # work heats both baths
    HEATER_II = "heater II"  # work enhances the flow of heat from warm to cold
    EQUILIBRIUM = "equilibrium"  # nothing flows


class Refrigerator(LinearLangevin):
    """Two particles, coordinates 0 (cold) and 1 (hot), with a controller between them; baths (cold, hot).

    The controller exerts κ_C (X_H - X_C) on the cold particle and κ_H (X_C - X_H) on the hot one. Work is
    positive when done on a particle, heat when given to a bath.
    """

    mass: float | tuple[float, float]
    trap: float
    coupling_cold: float
    coupling_hot: float
    temperature_cold: float
    temperature_hot: float

    def _check(self) -> None:
        """Reject unphysical values, with field and value; unstable machines are allowed."""
        if isinstance(self.mass, tuple) and len(self.mass) != 2:
            raise ValueError(f"mass = {self.mass}: give one number, or a (cold, hot) pair")
        for field in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            value = getattr(self, field.name)
            quantity = next(name for name in _UNITS if name in field.name)
            signed = quantity in ("trap", "coupling")
            for number in value if isinstance(value, tuple) else (value,):
                if not math.isfinite(number) or (number <= 0 and not signed):
                    kind = "a finite number" if signed else "a positive finite number"
                    raise ValueError(f"{field.name} = {value} {_UNITS[quantity]}: must be {kind}")

    def _bath_names(self) -> tuple[str, ...]:
        return ("cold", "hot")

    def _core_masses(self) -> tuple[float, float]:
        return self.mass if isinstance(self.mass, tuple) else (self.mass, self.mass)

    def _core_stiffness(self) -> Array:
        return self.trap * np.eye(2) - self.controller_force()

    def _blame(self) -> str:
        total = self.coupling_cold + self.coupling_hot
        if self.trap <= 0:
            return f"trap = {self.trap:g} eV/Å²: must be positive"
        if self.trap + total <= 0:
            return f"coupling_cold + coupling_hot = {total:g} eV/Å²: must exceed -trap = {-self.trap:g}"
        return (
            f"coupling_cold = {self.coupling_cold:g} and coupling_hot = {self.coupling_hot:g} eV/Å²: with "
            "opposite signs and different sides the motion grows; weaken one"
        )

    def controller_force(self, force: Force = "full") -> Array:
        """Matrix F of the control force F X on the particles, (2, 2), eV/Å².

        Args:
            force: "full" for κ_j (X_l - X_j), the applied force; "cross" for κ_j X_l alone, called the nonreciprocal
                force in the paper (eq. 8); "antisymmetric" for (F - Fᵀ)/2 of the full F, the remainder without the part
                that has a potential. All do the same mean work, the antisymmetric part half of it on each particle.
        """
        kc, kh = self.coupling_cold, self.coupling_hot
        if force == "antisymmetric":
            kc, kh = (kc - kh) / 2, (kh - kc) / 2
        own = 1.0 if force == "full" else 0.0
        return np.array([[-own * kc, kc], [kh, -own * kh]])

    def with_feedback(self, feedback: Feedback, velocity_gain: tuple[float, float] | None = None) -> ControlledNetwork:
        """The machine with a loop between the readings of its controller and its force.

        Args:
            feedback: the loop.
            velocity_gain: (cold, hot), eV ps/Å², of an additional force -g V through the loop: cold damping.

        Raises:
            ValueError: if a velocity is requested from unfiltered white noise. An unstable machine is allowed, for its
                ``spectral_radius``.
        """
        solved = SampledNetwork if feedback.period else DelayedNetwork
        return solved(self, self.controller_force(), feedback, velocity_gain=velocity_gain)

    def information_flow(self) -> Array:
        """Information flow İ, generated by the motion of each side, (cold, hot), k_B/ps; of either sign, sum zero.

        A side is its particle (position and velocity) with its shell or bodies. İ_j is the rate at which the motion of side
        j alone changes the information I(C; H) between the sides (J. M. Horowitz & M. Esposito, Phys. Rev. X 4, 031015
        (2014)). The second law of either side is Q_j/T_j - k_B İ_j >= 0, for an active bath with its ``dissipation``:
        the cooled side consumes information. İ_j = -Tr U_j of ``irreversible_drift``; for a pair without bodies that is
        γ_j/m_j [1 - k_B T_j/(m_j s_j)], s_j the variance of V_j given the other variables.

        Raises:
            ValueError: if there is no steady state.
        """
        return np.asarray(-np.trace(self.irreversible_drift(), axis1=1, axis2=2))

    def currents(self, force: Force = "full") -> tuple[Current, ...]:
        """The four flows, in the order of ``FLOWS``; works of a force of ``controller_force``."""
        matrix = np.zeros_like(self.stiffness)
        matrix[:2] = self.controller_force(force)
        works = [work_current(self, np.where(np.arange(len(matrix))[:, None] == j, matrix, 0.0)) for j in (0, 1)]
        return (*works, heat_current(self, 0), heat_current(self, 1))

    def flow_rates(self, force: Force = "full") -> Array:
        """Mean flows in the order of ``FLOWS``, (4,), eV/ps; works of the given force.

        Raises:
            ValueError: if there is no steady state.
        """
        return mean_rates(self, self.currents(force))

    def flow_noise(self) -> Array:
        """Long-time covariance of the flows per time, (4, 4), eV²/ps, in the order of ``FLOWS``.

        The standard error of a mean flow over a run of length T is √(flow_noise()[i, i] / T).

        Raises:
            ValueError: if there is no steady state.
        """
        return noise_rates(self, self.currents())

    def flow_covariance(self, duration: ArrayLike, force: Force = "full") -> Array:
        """Covariance of works and heats accumulated over durations, (*duration.shape, 4, 4), eV², in the order of ``FLOWS``.

        Args:
            duration: ps, of any shape.
            force: of the works.

        Raises:
            ValueError: if a duration is not positive, or there is no steady state.
        """
        return covariance_over(self, self.currents(force), duration)

    def work_rates(self) -> Array:
        """Mean power of the controller on each particle, (cold, hot), eV/ps.

        Raises:
            ValueError: if there is no steady state.
        """
        return self.flow_rates()[:2]

    def _drive(self) -> float:
        """κ_C T_H - κ_H T_C, zero at the pseudo-equilibrium; its sign determines the direction of every flow.

        Both works come from one circulation of the pair, W_C/κ_C = -W_H/κ_H, and each equals the heat of
        its side. By the second law, Q_C/T_C + Q_H/T_H >= 0, Q_C has the sign of κ_C (κ_C T_H - κ_H T_C) for any friction.
        This does not apply to active baths, for which it is the flow itself, Q_C/κ_C.
        """
        if self.is_active:
            # From a coupled bath: for the other it would be 0/0.
            side = int(not self.coupling_cold)
            per_coupling = self.heat_rates()[side] / ((self.coupling_cold, self.coupling_hot)[side] or math.inf)
            return float(per_coupling * (1 - 2 * side))
        direct, crossed = self.coupling_cold * self.temperature_hot, self.coupling_hot * self.temperature_cold
        return 0.0 if math.isclose(direct, crossed, rel_tol=1e-14) else direct - crossed

    @property
    def colder(self) -> int:
        """Index of the colder bath, 0 for the one named cold and 1 for the one named hot; 0 if both are equal.

        Temperatures and not names determine the mode.
        """
        return int(self.temperature_hot < self.temperature_cold)

    def mode(self) -> Mode:
        """The mode of the machine.

        Raises:
            ValueError: if there is no steady state.
        """
        self.require_steady_state()
        drive = self._drive()
        heats = (self.coupling_cold * drive, -self.coupling_hot * drive)
        if heats[0] == 0.0 == heats[1]:
            return Mode.EQUILIBRIUM
        if heats[self.colder] < 0:
            return Mode.REFRIGERATOR
        if heats[1 - self.colder] >= 0:
            return Mode.HEATER_I
        if self.coupling_cold == self.coupling_hot:
            return Mode.CONDUCTOR
        return Mode.HEATER_II if sum(heats) > 0 else Mode.ENGINE

    def cop(self) -> tuple[float, float]:
        """Coefficients of performance, refrigeration |Q_C|/W and pumping Q_H/W (eqs. 7, D1); nan in other modes.

        They are κ_C/(κ_H - κ_C) and κ_H/(κ_H - κ_C) for any friction and mass, dressed or not; C is the colder bath. An
        active bath may be cooled although the controller does no work; they are nan then, too.

        Raises:
            ValueError: if there is no steady state.
        """
        if self.mode() is not Mode.REFRIGERATOR:
            return math.nan, math.nan
        couplings = (self.coupling_cold, self.coupling_hot)
        cooled, heated = couplings[self.colder], couplings[1 - self.colder]
        work = (self.coupling_cold - self.coupling_hot) * self._drive()
        if work <= 0:
            return math.nan, math.nan
        return cooled / (heated - cooled), heated / (heated - cooled)

    def carnot_cop(self) -> tuple[float, float]:
        """Carnot's bounds on both coefficients, T_C/(T_H - T_C) and T_H/(T_H - T_C), C the colder; inf without a gradient."""
        cold, hot = sorted((self.temperature_cold, self.temperature_hot))
        if cold == hot:
            return math.inf, math.inf
        return cold / (hot - cold), hot / (hot - cold)

    def power_distribution(
        self, target: Target = "total", dt: float | None = None, force: Force = "cross"
    ) -> QuadraticFormLaw:
        """Exact distribution of the power on one particle or on both, eV/ps.

        Args:
            target: "cold", "hot" or "total".
            dt: sampling interval, ps: the power is then force at mid-point times displacement/dt; None for
                the instantaneous power.
            force: "cross" for the paper's κ_j X_l V_j, "full" for the whole force of the controller, "antisymmetric"
                for its part without a potential (``controller_force``).

        Raises:
            ValueError: if that force does not act on the particle, dt is not positive, or there is no steady state.
        """
        return self.power_distributions([target], dt, force)[0]

    def power_distributions(
        self, targets: Sequence[Target], dt: float | None = None, force: Force = "cross"
    ) -> list[QuadraticFormLaw]:
        """``power_distribution`` of several targets with one covariance.

        Raises:
            ValueError: as ``power_distribution``.
        """
        return self._laws(targets, dt, self.controller_force(force))

    def _laws(self, targets: Sequence[Target], dt: float | None, force: Array) -> list[QuadraticFormLaw]:
        covariance = self.sampled_covariance(dt)
        laws = []
        for target in targets:
            matrix = np.zeros((4, 4))
            for row in {"cold": [0], "hot": [1], "total": [0, 1]}[target]:
                matrix[2 + row, :2] = force[row] / 2
            laws.append(QuadraticFormLaw.of(matrix + matrix.T, covariance))
        return laws

    def power_uncertainty(self, target: Target = "total", dt: float | None = None, force: Force = "cross") -> float:
        """Var(P)/<P>² of the sampled power.

        It is infinite at the pseudo-equilibrium and, for the total power, at κ_H = κ_C. There the antisymmetric force
        vanishes; its uncertainty does not depend on the size of that force and has a limit, which is returned.

        Args:
            target: as in ``power_distribution``.
            dt: sampling interval, ps.
            force: of the power.

        Raises:
            ValueError: as ``power_distribution``.
        """
        return self.power_uncertainties([target], dt, force)[0]

    def power_uncertainties(
        self, targets: Sequence[Target], dt: float | None = None, force: Force = "cross"
    ) -> list[float]:
        """``power_uncertainty`` of several targets with one covariance.

        Raises:
            ValueError: as ``power_distribution``.
        """
        if force == "antisymmetric" and (self.coupling_cold or self.coupling_hot):
            laws = self._laws(targets, dt, np.array([[0.0, -1.0], [1.0, 0.0]]))
        else:
            laws = self.power_distributions(targets, dt, force)
        balanced, reciprocal = self._drive() == 0.0, self.coupling_cold == self.coupling_hot
        return [
            math.inf
            if balanced or (target == "total" and reciprocal and force != "antisymmetric")
            else law.relative_variance()
            for target, law in zip(targets, laws, strict=True)
        ]

    def uncertainty_bound(self, duration: float) -> float:
        """2 k_B/ΔS with ΔS the mean entropy produced over a duration (ps) (eq. 12).

        A bound on Var/mean² of any current for overdamped dynamics; underdamped machines may violate it. Infinite at the
        pseudo-equilibrium.

        Raises:
            ValueError: if there is no steady state.
        """
        produced = self.entropy_production() * duration
        # Rounding errors at the pseudo-equilibrium are not entropy.
        return 2 * BOLTZMANN / produced if produced > 0.0 and self._drive() != 0.0 else math.inf

    def off_balance(self) -> Self:
        """The machine or, at the pseudo-equilibrium, one so close that ratios of vanishing quantities equal their limits."""
        if self._drive() != 0.0:
            return self
        return replace(self, coupling_hot=self.coupling_hot * (1 + _NEAR))  # type: ignore[type-var]

    def coupling_hot_without_flow(self) -> float:
        """κ_H, eV/Å², at which no heat flows into either bath, all else equal; κ_C T_H/T_C if no bath is active.

        With active baths it depends on masses and frictions, and heat that flows at one frequency flows back at another:
        see ``PairWithBodies.bath_temperature``.

        Raises:
            ValueError: if κ_C is not positive, or there is no steady state.
        """
        if self.coupling_cold <= 0:
            raise ValueError(f"coupling_cold = {self.coupling_cold} eV/Å²: must be positive")
        balance = self.coupling_cold * self.temperature_hot / self.temperature_cold
        if not self.is_active:
            return balance
        from scipy.optimize import brentq  # slow to load, and rarely needed

        def flow(logarithm: float) -> float:
            return replace(self, coupling_hot=balance * math.exp(logarithm))._drive()  # type: ignore[type-var]

        width = 1.0  # heat flows from the hot bath for small κ_H, and into it for large κ_H
        while flow(-width) < 0 or flow(width) > 0:
            width *= 2
        return balance * math.exp(float(brentq(flow, -width, width, xtol=1e-14)))

    def coupling_hot_of_largest_cooling(self) -> float:
        """κ_H, eV/Å², with the largest heat from the bath named cold, all else equal.

        Raises:
            ValueError: if κ_C is not positive: no κ_H cools then without risk of instability.
        """
        # A logarithm has steps of similar size at any friction.
        return self._best_coupling_hot(lambda machine: -math.log(-machine.heat_rates()[0]))

    def coupling_hot_of_least_uncertainty(self, dt: float | None = None, force: Force = "cross") -> float:
        """κ_H, eV/Å², of the smallest relative uncertainty of the total power among refrigerators, all else equal.

        It is the first minimum beyond the pseudo-equilibrium. A power sampled more slowly than the motion of the pair has
        further minima.

        Raises:
            ValueError: if κ_C is not positive, dt is not, or the bath named cold is warmer.
        """
        if self.colder != 0:
            raise ValueError(
                f"temperature_cold = {self.temperature_cold} K is above temperature_hot = {self.temperature_hot} K: "
                "exchange the sides for a refrigerator"
            )
        return self._best_coupling_hot(lambda machine: math.log(machine.power_uncertainty("total", dt, force)))

    def _best_coupling_hot(self, cost: Callable[[Self], float]) -> float:
        """The κ_H of the first minimum of a cost beyond the pseudo-equilibrium, where the bath named cold loses heat."""
        if self.coupling_cold <= 0:
            raise ValueError(f"coupling_cold = {self.coupling_cold} eV/Å²: must be positive to cool")
        balance = self.coupling_hot_without_flow()
        best = first_minimum(
            lambda excess: cost(replace(self, coupling_hot=balance * (1 + math.exp(excess))))  # type: ignore[type-var]
        )
        return balance * (1 + math.exp(best))
