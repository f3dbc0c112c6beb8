"""Loops with updates: sample, filter, delay and hold, solved exactly from one update to the next.

A delay of q whole periods and a rest θ splits each period in two: the force of reading k - q - 1 acts until θ, then that of
reading k - q. Each piece is a linear system with a constant force, so the state with the filter and the queue of forces
obeys a linear recursion with Gaussian noise. Its covariance solves the Stein equation. Moments within a period follow by
Gaussian quadrature over pieces so short that it is exact to rounding. A held force does the work force times displacement.
Derivation: docs/explanation/theory.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.model.feedback import ControlledNetwork
from analysis.model.information import information_of_reading, news_of_readings
from analysis.model.lyapunov import Array, expm, solve_stein

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_WHOLE = 1e-9  # of a period: a smaller distance of the rest θ from 0 or a whole period is rounding


@dataclass(frozen=True)
class _Piece:
    """Part of a period with constant force; z is the state followed by the forces.

    Attributes:
        flow: e^{Âs} over the whole piece, shape (d + p, d + p).
        kicks: covariance of the noise accumulated over it, of the same shape.
        sums: ∫ e^{Âs} ⊗ e^{Âs} ds over it, ps, ((d + p)², (d + p)²).
        sums_of_kicks: ∫ of the covariance accumulated until then, of the shape of ``kicks``.
    """

    flow: Array
    kicks: Array
    sums: Array
    sums_of_kicks: Array

    @classmethod
    def of(cls, drift: Array, noise: Array, length: float) -> _Piece:
        """The piece of a length, ps, of the system dz/dt = drift z + noise.

        Gaussian quadrature over a short part, which is then doubled: nothing is subtracted, so light bodies and strong
        friction over a long period keep full precision.
        """
        size = len(drift)
        from scipy.linalg import matrix_balance  # slow to load, and a plan does not need it

        balanced, _ = matrix_balance(drift, permute=False)
        turns = float(np.linalg.norm(balanced, 1)) * length
        doublings = max(0, math.ceil(math.log2(turns))) if turns else 0
        part = length / 2**doublings
        times = np.append((_NODES + 1) / 2, 1.0) * part
        # C. F. Van Loan, IEEE Trans. Autom. Control 23, 395 (1978); over such a short time nothing grows.
        both = expm(times[:, None, None] * np.block([[-drift, noise], [np.zeros((size, size)), drift.T]]))
        flows = np.swapaxes(both[:, size:, size:], 1, 2)
        noises = flows @ both[:, :size, size:]
        weights = _WEIGHTS * part / 2
        flow, kicks = flows[-1], (noises[-1] + noises[-1].T) / 2
        sums = np.einsum("g,gik,gjl->ijkl", weights, flows[:-1], flows[:-1]).reshape(size**2, size**2)
        sums_of_kicks = np.einsum("g,gij->ij", weights, noises[:-1])
        for _ in range(doublings):
            sums_of_kicks = 2 * sums_of_kicks + (sums @ kicks.ravel()).reshape(size, size)
            sums = sums + sums @ np.kron(flow, flow)
            kicks = kicks + flow @ kicks @ flow.T
            flow = flow @ flow
        return cls(flow, kicks, sums, sums_of_kicks)

    def gathered(self, moments: Array) -> Array:
        """∫ <z zᵀ> dt over the piece that starts with these moments."""
        return (self.sums @ moments.ravel()).reshape(moments.shape) + self.sums_of_kicks


class SampledNetwork(ControlledNetwork):
    """A network whose loop reads, and changes its force, once every ``feedback.update_every``.

    The state of a step is (state of the network, filtered reading, forces of the last q + 1 readings), just before a
    reading.
    """

    @cached_property
    def _queued(self) -> int:
        """q, the whole periods in the delay."""
        return int(np.floor(self.feedback.delay / self.feedback.period + _WHOLE))

    @cached_property
    def _rest(self) -> float:
        """θ, ps, the rest of the delay."""
        rest = self.feedback.delay - self._queued * self.feedback.period
        return rest if rest > _WHOLE * self.feedback.period else 0.0

    def _piece(self, length: float) -> _Piece:
        d, p = self.push.shape
        drift = np.vstack([np.hstack([self.drift, self.push]), np.zeros((p, d + p))])
        noise = np.zeros_like(drift)
        noise[:d, :d] = self.network.noise()
        return _Piece.of(drift, noise, length)

    @cached_property
    def _pieces(self) -> tuple[_Piece, _Piece]:
        return self._piece(self._rest), self._piece(self.feedback.period - self._rest)

    @cached_property
    def _chain(self) -> tuple[Array, Array, Array]:
        """The next state and the parts of a period as linear maps, and the covariance of the noise of a period.

        Columns of both maps: state, then noise (readings, first piece, second piece). Rows of the second map: z at the
        start of the first piece and of the second, and the state of the network at the end.
        """
        d, p = self.push.shape
        h, time = self.feedback.period, self.feedback.filter
        share = 1.0 if time == 0 else -np.expm1(-h / time)
        size = d + p + p * (self._queued + 1)
        variables = np.eye(size + p + 2 * d)
        r, before, queue = np.split(variables[:size], [d, d + p])
        noise, *kicks = np.split(variables[size:], [p, p + d])
        reading = (1 - share) * before + share * (r[:p] + noise)
        damping = self.velocity_gain[:, None] / h
        newest = self.gain @ reading - damping * (reading - before)
        forces = np.vstack([newest, queue])
        period = []
        for piece, kick, age in zip(self._pieces, kicks, (self._queued + 1, self._queued), strict=True):
            z = np.vstack([r, forces[age * p : (age + 1) * p]])
            period.append(z)
            r = piece.flow[:d] @ z + kick
        following = np.vstack([r, reading, forces[:-p]])
        from scipy.linalg import block_diag

        spread = block_diag(
            self.feedback.position_noise**2 * np.eye(p), *(piece.kicks[:d, :d] for piece in self._pieces)
        )
        return following, np.vstack([*period, r]), spread

    @cached_property
    def growth_rate(self) -> float:
        """See ``ControlledNetwork``; the logarithm of the largest eigenvalue of a step, over the period."""
        following, _, _ = self._chain
        with np.errstate(divide="ignore"):
            largest = np.log(np.abs(np.linalg.eigvals(following[:, : len(following)])).max())
        return float(largest / self.feedback.period)

    @cached_property
    def _moments(self) -> tuple[Array, Array]:
        """Covariance of the state just before a reading, and of state and noise of a period together."""
        self.require_steady_state()
        following, _, spread = self._chain
        step, kick = np.split(following, [len(following)], axis=1)
        covariance = solve_stein(step, kick @ spread @ kick.T)
        from scipy.linalg import block_diag

        return covariance, block_diag(covariance, spread)

    def _starts(self) -> list[Array]:
        """Second moments of z at the start of both pieces."""
        _, period, _ = self._chain
        size = sum(self.push.shape)
        starts = (period[:size], period[size : 2 * size])
        return [start @ self._moments[1] @ start.T for start in starts]

    def covariance(self) -> Array:
        """See ``ControlledNetwork``."""
        d = len(self.drift)
        gathered = sum(piece.gathered(start) for piece, start in zip(self._pieces, self._starts(), strict=True))
        return np.asarray(gathered)[:d, :d] / self.feedback.period

    def _work(self) -> tuple[Array, Array]:
        """The works of one period as quadratic forms S of (x, x', x'', u', u''), (p, 5p, 5p), and that map, (5p, columns).

        Positions at the start, between the pieces and at the end, and the forces on both pieces. The spring of "partner"
        does no work in the long run and is left out.
        """
        d, p = self.push.shape
        _, period, _ = self._chain
        size = d + p
        x = [period[start : start + p] for start in (0, size, 2 * size)]
        forces = [period[start + d : start + size] for start in (0, size)]
        forms = np.zeros((p, 5 * p, 5 * p))
        for j in range(p):
            for piece in (0, 1):
                force = (3 + piece) * p + j
                forms[j, force, (piece + 1) * p + j] = 0.5
                forms[j, force, piece * p + j] = -0.5
        return forms + np.swapaxes(forms, 1, 2), np.vstack([*x, *forces])

    def work_rates(self) -> Array:
        """See ``ControlledNetwork``."""
        forms, parts = self._work()
        return np.asarray(np.einsum("kij,ij->k", forms, parts @ self._moments[1] @ parts.T)) / self.feedback.period

    def work_noise(self) -> Array:
        """See ``ControlledNetwork``; the covariances of the work of one period with itself and with all later ones."""
        forms, parts = self._work()
        following, _, _ = self._chain
        together = self._moments[1]
        size = len(following)
        within = parts @ together @ parts.T
        same = 2 * np.einsum("aij,jk,bkl,li->ab", forms, within, forms, within)
        # Covariance of the next state with the parts of a period; later periods depend on it only through the state.
        shared = following @ together @ parts.T
        seen = solve_stein(following[:, :size], shared @ forms @ shared.T)
        later_forms = parts[:, :size].T @ forms @ parts[:, :size]
        later_noise = np.einsum("aij,bji->ab", later_forms, seen) * 2
        return np.asarray((same + later_noise + later_noise.T) / self.feedback.period)

    def force_and_velocity(self, phase: float) -> Array:
        """See ``ControlledNetwork``."""
        if not 0 <= phase < 1:
            raise ValueError(f"phase = {phase}: must be a fraction of the period, 0 <= phase < 1")
        d, p = self.push.shape
        time = phase * self.feedback.period
        late = time >= self._rest
        piece = self._piece(time - self._rest if late else time)
        moments = piece.flow @ self._starts()[int(late)] @ piece.flow.T + piece.kicks
        # The applied force is the held force plus that of the spring.
        felt = np.zeros((2 * p, d + p))
        felt[:p, :p], felt[:p, d:] = self.spring, np.eye(p)
        felt[p:, p : 2 * p] = np.eye(p)
        return np.asarray(felt @ moments @ felt.T)

    def reading_information(self) -> float:
        """Mutual information of one reading and the particles, ½ ln det(1 + C/σ²), k_B; C of the positions as they are read.

        Raises:
            ValueError: if the readings have no noise, or there is no steady state.
        """
        p = self.network.coordinates
        return information_of_reading(self._moments[0][:p, :p], self.feedback.position_noise)

    def information_rate(self) -> float:
        """See ``ControlledNetwork``."""
        d, p = self.push.shape
        whole = self._piece(self.feedback.period)
        news = news_of_readings(whole.flow[:d, :d], whole.kicks[:d, :d], p, self.feedback.position_noise)
        return news / self.feedback.period
