"""Networks of bosonic modes beyond the rotating-wave approximation, and their time evolution.

Drives may create and annihilate quanta in pairs, H = Σ H_ij c_i†c_j + ½ Σ (K_ij c_i†c_j† + h.c.)::

    dc/dt = (-iH - B B†/2) c - iK c† + B c_in

The number of quanta is then not conserved: the drives supply the quanta that the baths gain. The second moments of
x = (c + c†)/√2 and p obey dV/dt = A V + V Aᵀ + N, which is solved exactly. Conventions are those of ``bosons``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.currents import Currents
from analysis.mechanisms.bosons import ComplexArray, LinearBosons, quadratures
from analysis.model.lyapunov import Array, covariance_over_time, solve_lyapunov


@dataclass(frozen=True, eq=False)
class PairedBosons:
    """A network with creation of pairs.

    Attributes:
        network: m modes, b baths and the part of H that conserves the number of quanta.
        pairing: K, (m, m), symmetric; all 0 if None.

    Raises:
        ValueError: if K is not finite, not symmetric, or not of shape (m, m).
    """

    network: LinearBosons
    pairing: ArrayLike | None = None

    def __post_init__(self) -> None:
        k, m = self._pairs(), len(self.network.hamiltonian)
        if k.shape != (m, m) or not np.isfinite(k).all() or not np.array_equal(k, k.T):
            raise ValueError(f"pairing of shape {k.shape}: must be finite and symmetric, {(m, m)}")

    def _pairs(self) -> ComplexArray:
        m = len(self.network.hamiltonian)
        return np.zeros((m, m), dtype=complex) if self.pairing is None else np.array(self.pairing, dtype=complex)

    def drift(self) -> Array:
        """Drift matrix A of the quadratures (x_1 … x_m, p_1 … p_m), (2m, 2m)."""
        kept, pairs = self.network.drift(), -1j * self._pairs()
        return np.block([[(kept + pairs).real, -(kept - pairs).imag], [(kept + pairs).imag, (kept - pairs).real]])

    def noise(self) -> Array:
        """Noise matrix N, (2m, 2m)."""
        b = self.network.couplings
        return quadratures((b * (self.network.bath_occupations + 0.5)) @ b.conj().T)

    def growth(self) -> float:
        """Growth rate of the slowest normal mode; negative if there is a steady state."""
        return float(np.linalg.eigvals(self.drift()).real.max())

    def covariance(self) -> Array:
        """Symmetrised covariance V in the steady state, (2m, 2m); 1/2 in the vacuum.

        Raises:
            ValueError: if there is no steady state.
        """
        if (growth := self.growth()) >= 0:
            raise ValueError(f"pairing: pairs grow at the rate {growth:.3g}; weaken it, or damp the modes more")
        return solve_lyapunov(self.drift(), self.noise())

    def covariance_over_time(self, time: ArrayLike, start: ArrayLike | None = None) -> Array:
        """V at each time, (k, 2m, 2m); a steady state need not exist.

        Args:
            time: (k,), not negative.
            start: V at time 0, (2m, 2m), symmetric; the vacuum if None.

        Raises:
            ValueError: if a time is negative, or the start is not symmetric or has another shape.
        """
        t, d = np.atleast_1d(np.array(time, dtype=float)), 2 * len(self.network.hamiltonian)
        first = np.eye(d) / 2 if start is None else np.array(start, dtype=float)
        if not (np.isfinite(t) & (t >= 0)).all():
            raise ValueError(f"time = {t.tolist()}: must be finite and not negative")
        if first.shape != (d, d) or not np.allclose(first, first.T):
            raise ValueError(f"start of shape {first.shape}: must be symmetric, {(d, d)}")
        return covariance_over_time(self.drift(), self.noise(), first, t)

    def occupations(self, covariance: Array | None = None) -> Array:
        """Occupation <c_i† c_i> of every mode, (..., m).

        Args:
            covariance: (..., 2m, 2m); that of the steady state if None.

        Raises:
            ValueError: if there is no steady state and no covariance is given.
        """
        v = self.covariance() if covariance is None else covariance
        m = len(self.network.hamiltonian)
        variances = np.diagonal(v, axis1=-2, axis2=-1)
        return np.asarray((variances[..., :m] + variances[..., m:] - 1) / 2)

    def heat_flows(self, covariance: Array | None = None) -> Array:
        """Quanta into each bath per time, B_b† (n - N̄_b) B_b, (..., b).

        In the steady state their sum is the rate at which the drives create quanta.

        Args:
            covariance: (..., 2m, 2m); that of the steady state if None.

        Raises:
            ValueError: if there is no steady state and no covariance is given.
        """
        v = self.covariance() if covariance is None else covariance
        m, b = len(self.network.hamiltonian), self.network.couplings
        # <c_j† c_i>: the part of V that is complex linear.
        n = (v[..., :m, :m] + v[..., m:, m:] + 1j * (v[..., m:, :m] - v[..., :m, m:])) / 2 - np.eye(m) / 2
        seen = np.einsum("ib,...ij,jb->...b", b.conj(), n, b).real
        return np.asarray(seen - self.network.bath_occupations * (np.abs(b) ** 2).sum(0))

    def bath_currents(self, *, fluctuations: bool = True) -> Currents:
        """Quanta into each bath as ``Currents``, in the units of the network; ``work`` is the rate of quanta created in pairs.

        Args:
            fluctuations: has no effect. Fluctuations are not known beyond the rotating-wave approximation.

        Raises:
            ValueError: if there is no steady state.
        """
        del fluctuations
        return self.network.currents_of(self.heat_flows())
