"""The exact theory of one point, evaluated at the measured friction of the same study."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy.linalg import block_diag

from analysis.compare.forecast import Forecast
from analysis.data.parameters import Array, Parameters
from analysis.friction.result import Friction
from analysis.model import ControlledNetwork, MovedPair, Refrigerator

Machine = Refrigerator | ControlledNetwork | MovedPair
"""The ideal machine, the one with a feedback loop, or the one with moving traps; all predict heats."""

# Of the logarithm of a friction: a forward difference then misses its slope by a thousandth.
_STEP = 1e-3


@dataclass(frozen=True)
class Model:
    """One exact model of a point, as a function of the logarithms of its friction parameters.

    Axes that are not equivalent have machines of different friction: a point has one machine for each set of equivalent
    axes among the coupled ones.

    Attributes:
        machines: the machine of each set of axes at given logarithms, (k,).
        shares: of the coupled axes in each set; they sum to 1.
        at: the measured logarithms, (k,).
        covariance: of ``at``, (k, k).
        alternatives: the machines of other fits to the same data, such as with another number of bodies on one particle,
            each with its weight; their scatter about the chosen fit is part of the error.
    """

    machines: Callable[[Array], tuple[Machine, ...]]
    shares: tuple[float, ...]
    at: Array
    covariance: Array
    alternatives: tuple[tuple[float, tuple[Machine, ...]], ...] = ()

    @property
    def measured(self) -> tuple[Machine, ...]:
        """The machine of each set of axes at the measured friction."""
        return self.machines(self.at)

    @property
    def is_stable(self) -> bool:
        """Whether there is a steady state along all axes at the measured friction."""
        return all(machine.is_stable for machine in self.measured)

    def mean(self, values: Callable[[Any], Array]) -> Callable[[Sequence[Machine]], Array]:
        """The mean over the coupled axes of some quantities of each machine, as a function of all machines."""
        known = cache(
            values
        )  # a derivative changes the friction of one set of axes, and the other machines stay the same
        return lambda machines: np.asarray(
            sum(share * known(machine) for share, machine in zip(self.shares, machines, strict=True))
        )

    def mixture(self, law: Callable[[Any], Any]) -> Mixture:
        """The distribution of samples of all coupled axes together, from that of each machine."""
        return Mixture(tuple(law(machine) for machine in self.measured), self.shares)

    def forecast(self) -> Forecast:
        """Heat rates, means over the coupled axes; their errors are those of the friction, to first order."""
        mean = self.mean(lambda machine: machine.heat_rates())
        rates = mean(self.measured)
        if not np.isfinite(self.covariance).all():
            return Forecast(rates, np.full((1, 2), math.nan))
        variances, directions = np.linalg.eigh(self.covariance)
        own = np.sqrt(np.maximum(variances, 0.0))[:, None] * (directions.T @ self.slopes())
        return Forecast(rates, np.concatenate([own, self._scatter(mean, rates)]))

    def _scatter(self, values: Callable[[Sequence[Machine]], Array], chosen: Array) -> Array:
        """Weighted deviations of the alternatives from the chosen fit, (n, k), whose squares sum to a variance.

        NaN for an alternative without a steady state.
        """
        found = np.full((len(self.alternatives), len(chosen)), math.nan)
        for row, (weight, machines) in zip(found, self.alternatives, strict=True):
            if all(machine.is_stable for machine in machines):
                row[:] = math.sqrt(weight) * (values(machines) - chosen)
        return found

    def with_errors(self, values: Callable[[Sequence[Machine]], Array]) -> tuple[Array, Array]:
        """Some quantities at the measured friction, (k,), and the errors that this friction leaves; NaN where unknown.

        Args:
            values: of the machines of all sets of axes (``mean``).
        """
        exact = values(self.measured)
        nearby = [self.machines(self.at + _STEP * e) for e in np.eye(len(self.at))]
        if not all(machine.is_stable for machines in nearby for machine in machines):
            return exact, np.full_like(exact, math.nan)
        with np.errstate(invalid="ignore"):  # infinities where a mean passes zero
            slopes = np.stack([values(machines) - exact for machines in nearby]) / _STEP
            own = np.einsum("ki,kl,li->i", slopes, self.covariance, slopes)
            return exact, np.sqrt(own + (self._scatter(values, exact) ** 2).sum(axis=0))

    def slopes(self) -> Array:
        """Derivatives of the mean heat rates (cold, hot) by each logarithm, (k, 2), eV/ps, by central differences.

        NaN if the machine is so close to instability that a finite difference would cross it.
        """
        mean = self.mean(lambda machine: machine.heat_rates())
        sides = [[self.machines(self.at + sign * e) for sign in (1, -1)] for e in _STEP * np.eye(len(self.at))]
        if not all(machine.is_stable for pair in sides for machines in pair for machine in machines):
            return np.full((len(self.at), 2), math.nan)
        return np.stack([(mean(up) - mean(down)) / (2 * _STEP) for up, down in sides])


@dataclass(frozen=True)
class Mixture:
    """The distribution of pooled samples of several axes.

    Attributes:
        laws: of each set of axes, with the methods of SciPy's frozen distributions.
        shares: of the samples in each; they sum to 1.
    """

    laws: tuple[Any, ...]
    shares: tuple[float, ...]

    def cdf(self, x: Array) -> Array:
        """Distribution function, of the shape of ``x``."""
        return np.asarray(self._mean([law.cdf(x) for law in self.laws]))

    def mean(self) -> float:
        """Mean of all samples."""
        return float(self._mean([law.mean() for law in self.laws]))

    def var(self) -> float:
        """Variance of all samples, about their common mean."""
        return float(self._mean([law.var() + law.mean() ** 2 for law in self.laws]) - self.mean() ** 2)

    def tail_amplitude(self) -> float:
        """A of a density that decreases as A/x², for distributions with such a tail."""
        return float(self._mean([law.tail_amplitude() for law in self.laws]))

    def _mean(self, values: Sequence[Any]) -> Any:
        return sum(share * value for share, value in zip(self.shares, values, strict=True))


def ideal_models(parameters: Parameters, friction: Friction) -> dict[str, Model]:
    """`models` of a machine without a loop, for quantities with a theory only for these: power, COP and uncertainty."""
    return models(parameters, friction) if parameters.is_linear else {}


def models(parameters: Parameters, friction: Friction) -> dict[str, Model]:
    """The exact models of a point with the friction of its study, each with the feedback loop of its controller.

    ``theory`` has white friction, ``dressed`` a shell and ``modes`` bodies of fluid on each particle, if these were
    measured.

    A model without a steady state at that friction is left out; this can happen for couplings of opposite sign if the sides
    differ, or for a loop with delay. There are no models if theory does not cover the controller.
    """
    if not parameters.has_theory:
        return {}
    shares = friction.shares(parameters.coupling_axes)
    along = [friction.along[group] for group in shares]
    own = [parameters.along(group) for group in shares]
    white = np.array([side.value for one in along for side in one.white])
    errors = np.array([side.se for one in along for side in one.white]) / white

    def each(machine: Callable[[Parameters, Array], Refrigerator]) -> Callable[[Array], tuple[Machine, ...]]:
        """The machine of each set of axes from all logarithms, in the order of the sets."""
        return lambda logs: tuple(
            _solved(machine(here, part), here) for here, part in zip(own, np.split(logs, len(own)), strict=True)
        )

    found = {
        "theory": Model(
            each(
                lambda here, logs: here.in_active_baths(
                    here.white_pair((float(np.exp(logs[0])), float(np.exp(logs[1]))))
                )
            ),
            tuple(shares.values()),
            np.log(white),
            np.diag(errors**2),
        )
    }
    shells = [shell for one in along for shell in one.dressed or ()]
    if len(shells) == 2 * len(along):
        found["dressed"] = Model(
            each(lambda here, logs: here.in_active_baths(here.dressed_pair(*np.exp(logs).reshape(2, 3).T))),
            tuple(shares.values()),
            np.log([shell.values for shell in shells]).ravel(),
            block_diag(*(shell.log_covariance for shell in shells)),
        )
    bodies = [side for one in along for side in one.modes or ()]
    if len(bodies) == 2 * len(along):
        chosen = [np.array(side.values) for side in bodies]
        ends = np.cumsum([len(values) for values in chosen])[:-1]

        def machines(values: Sequence[Array]) -> tuple[Machine, ...]:
            pairs = zip(own, values[::2], values[1::2], strict=True)
            return tuple(_solved(here.pair_with_bodies(cold, hot), here) for here, cold, hot in pairs)

        found["modes"] = Model(
            lambda logs: machines(np.split(np.exp(logs), ends)),
            tuple(shares.values()),
            np.log(np.concatenate(chosen)),
            block_diag(*(side.log_covariance for side in bodies)),
            tuple(
                (weight, machines([*chosen[:place], np.array(values), *chosen[place + 1 :]]))
                for place, side in enumerate(bodies)
                for weight, values in side.alternatives
            ),
        )
    return {name: model for name, model in found.items() if model.is_stable}


@cache
def _solved(machine: Refrigerator, parameters: Parameters) -> Machine:
    """The machine with its loop, or an equal earlier one with its cached covariance: the same lines are often needed."""
    return parameters.controlled(machine)
