"""Loops in continuous time: delay, filter and white noise of the readings, solved by integrals over frequency.

The force is H(s)(X + n) with H(s) = (F - g s) e^{-sδ}/(1 + sτ), so state and force are linear in noises whose spectra are flat,
and every second moment is an integral over frequency. Derivation: docs/explanation/theory.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analysis.model.feedback import ControlledNetwork
from analysis.model.information import rate_of_reading
from analysis.model.lyapunov import Array
from analysis.units import BOLTZMANN

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(14)
_TOLERANCE = (
    1e-13  # relative to the whole: small, because errors of oscillating tails add up and heats are small differences
)
_HALVINGS = 40
_CHUNK = 4096  # parts at a time: stiff machines with a long delay have a million
_ROOTS = 1e-9  # 1/ps, relative: change of the slowest rate that counts as converged
_MOST_POINTS = 256
_STEPS = 4
_NEAR = 0.01  # largest change of a root by polishing


class DelayedNetwork(ControlledNetwork):
    """A network whose loop acts in continuous time, after a delay."""

    @cached_property
    def growth_rate(self) -> float:
        """See ``ControlledNetwork``; the rightmost root of the characteristic equation.

        The past of the readings is discretised on Chebyshev points, whose number increases until the root converges (D.
        Breda, S. Maset & R. Vermiglio, SIAM J. Sci. Comput. 27, 482 (2005)), and the root is then polished on the equation.
        """
        from scipy.linalg import eigvals  # SciPy is slow to load, and a plan does not need it

        count, before = 16, np.inf
        while True:
            roots = eigvals(*self._generator(count))
            roots = roots[np.isfinite(roots)]
            rate = self._polished(complex(roots[np.argmax(roots.real)])).real
            if not self.feedback.delay or count >= _MOST_POINTS or abs(rate - before) <= _ROOTS * (1 + abs(rate)):
                return rate
            count, before = 2 * count, rate

    def _loop(self, s: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """H(s), force per reading, (..., p, p), eV/Å², at s of shape (..., 1, 1), 1/ps."""
        response = (self.gain - np.diag(self.velocity_gain) * s) * np.exp(-s * self.feedback.delay)
        return np.asarray(response / (1 + s * self.feedback.filter))

    def _polished(self, root: complex) -> complex:
        """The root of det(s - A - B H(s)) near an approximate one, by Newton's method; the approximate one if this diverges."""
        d, p = self.push.shape
        s = root
        for _ in range(_STEPS):
            nudge = 1e-6 * (1 + abs(s))
            around = np.array([s - nudge, s, s + nudge])[:, None, None]
            matrices = around * np.eye(d) - self.drift - self.push @ self._loop(around) @ np.eye(p, d)
            try:
                change = np.trace(np.linalg.solve(matrices[1], (matrices[2] - matrices[0]) / (2 * nudge)))
            except np.linalg.LinAlgError:  # exactly on it
                break
            s -= 1 / complex(change)
        return s if abs(s - root) < _NEAR * (1 + abs(root)) else root

    def _generator(self, count: int) -> tuple[Array, Array]:
        """G and N of N dz/dt = G z, with z (state, filter, the input of the loop at ``count`` earlier times of the delay).

        N measures the past in half delays: a short delay on the other side would lose the slow rates in rounding errors.
        """
        d, p = self.push.shape
        time, delay = self.feedback.filter, self.feedback.delay
        damping = np.diag(self.velocity_gain)
        if time:
            plant = np.zeros((d + p, d + p))
            plant[:d, :d] = self.drift
            plant[d:, :p], plant[d:, d:] = np.eye(p) / time, -np.eye(p) / time
            force = np.zeros((p, d + p))
            force[:, d:] = self.gain + damping / time
            force[:, :p] = -damping / time
            push = np.vstack([self.push, np.zeros((p, p))])
        else:
            plant, push = self.drift, self.push
            force = np.zeros((p, d))
            force[:, :p], force[:, p : 2 * p] = self.gain, -damping
        if not delay:
            return plant + push @ force, np.eye(len(plant))
        # Points from now (first) to a delay ago (last); the past is advected along them.
        angle = np.arange(count + 1) * np.pi / count
        place = np.cos(angle)
        weight = np.where(np.arange(count + 1) % count == 0, 2.0, 1.0) * (-1.0) ** np.arange(count + 1)
        slope = np.outer(weight, 1 / weight) / (place[:, None] - place + np.eye(count + 1))
        slope -= np.diag(slope.sum(axis=1))
        size = len(plant)
        whole = np.zeros((size + count * p, size + count * p))
        whole[:size, :size] = plant
        whole[:size, -p:] = push
        whole[size:, size:] = np.kron(slope[1:, 1:], np.eye(p))
        whole[size:, :size] = np.kron(slope[1:, :1], force)
        return whole, np.diag(np.concatenate([np.ones(size), np.full(count * p, delay / 2)]))

    def _spectra(self, frequency: Array) -> NDArray[np.complex128]:
        """Spectral density of (state, loop's forces) at ω, 1/ps, (k,); (k, d + p, d + p), two-sided over ω/2π."""
        d, p = self.push.shape
        s = np.asarray(1j * frequency[:, None, None], dtype=np.complex128)
        loop = self._loop(s)
        reads = np.eye(p, d)
        resolvent = np.linalg.inv(s * np.eye(d) - self.drift - self.push @ loop @ reads)
        heard = loop @ reads @ resolvent
        response = np.concatenate([resolvent, heard], axis=1)
        spectra = response @ self.network.noise() @ _dagger(response)
        if self.feedback.noise_density:
            noisy = np.concatenate([resolvent @ self.push @ loop, loop + heard @ self.push @ loop], axis=1)
            spectra = spectra + self.feedback.noise_density * noisy @ _dagger(noisy)
        return np.asarray(spectra)

    def _integral(self, integrand: Callable[[Array], Array]) -> Array:
        """(1/π) ∫₀^∞ f dω of matrices f(ω), (k, m, m), real and nonnegative on the diagonal; (m, m).

        ω = Ω t/(1 - t), and parts of 0 < t < 1 are halved until Gaussian quadrature agrees with that on both halves to 1e-13 of
        the square root of both diagonal elements.
        """
        from scipy.linalg import matrix_balance

        rates = np.abs(np.linalg.eigvals(matrix_balance(self.network.drift(), permute=False)[0]))
        scale = float(np.exp(np.log(rates[rates > 0]).mean()))  # a free coordinate has a rate of zero

        def gauss(low: Array, high: Array) -> Array:
            sums = []
            for start in range(0, len(low), _CHUNK):
                piece = slice(start, start + _CHUNK)
                middle, half = (low[piece] + high[piece])[:, None] / 2, (high[piece] - low[piece])[:, None] / 2
                t = middle + half * _NODES
                values = integrand((scale * t / (1 - t)).ravel())
                weights = _WEIGHTS * half * scale / (1 - t) ** 2
                sums.append(np.einsum("kg,kgij->kij", weights, values.reshape(*t.shape, *values.shape[1:])))
            return np.concatenate(sums)

        edges = np.linspace(0.0, 1.0, 17)
        low, high = edges[:-1], edges[1:]
        coarse = gauss(low, high)
        total = np.zeros(coarse.shape[1:])
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            left, right = gauss(low, middle), gauss(middle, high)
            fine = left + right
            whole = np.sqrt(np.diagonal(total + fine.sum(axis=0)))
            settled = (np.abs(fine - coarse) <= _TOLERANCE * np.outer(whole, whole)).all(axis=(1, 2))
            total += fine[settled].sum(axis=0)
            again = ~settled
            if not again.any():
                return np.asarray((total + total.T) / (2 * np.pi))
            low, high = np.concatenate([low[again], middle[again]]), np.concatenate([middle[again], high[again]])
            coarse = np.concatenate([left[again], right[again]])
        raise ArithmeticError(f"{self.feedback}: an integral over frequency did not converge, close to an instability")

    @cached_property
    def _moments(self) -> Array:
        self.require_steady_state()
        d = len(self.drift)
        return self._integral(lambda w: self._spectra(w)[:, :d, :d].real)

    def covariance(self) -> Array:
        """See ``ControlledNetwork``."""
        return self._moments.copy()

    def odd_correlation(self, tau: float) -> Array:
        """Part of the time correlation C(τ) = <r(t + τ) r(t)ᵀ> that is odd in τ, (C - Cᵀ)/2, (p + n, p + n); Å, ps.

        It is -(1/π) ∫₀^∞ Im S(ω) sin ωτ dω, with S the spectra of the state r of the network. The even part would have the slow
        tails of white noise.

        Args:
            tau: lag, ps.

        Raises:
            ValueError: if there is no steady state.
        """
        self.require_steady_state()
        d = len(self.drift)

        def now_and_later(frequency: Array) -> Array:
            now = self._spectra(frequency)[:, :d, :d]
            odd = -np.sin(frequency * tau)[:, None, None] * now.imag
            return np.block([[now.real, -odd], [odd, now.real]])

        return self._integral(now_and_later)[d:, :d]

    def work_rates(self) -> Array:
        """See ``ControlledNetwork``; from the kinetic-energy balance of each coordinate, which is not affected by the noise."""
        p = self.network.coordinates
        own = np.diagonal(self.drift @ self._moments + self.network.noise() / 2)[p : 2 * p]
        return np.asarray(-self.network.masses[:p] * own)

    def work_noise(self) -> Array:
        """See ``ControlledNetwork``; by Parseval's theorem the integral of products of spectra."""
        self.require_steady_state()
        d, p = self.push.shape
        v, f = slice(p, 2 * p), slice(d, d + p)

        def products(frequency: Array) -> Array:
            spectra = self._spectra(frequency)
            even = spectra[:, f, f] * np.conj(spectra[:, v, v])
            odd = spectra[:, f, v] * np.conj(spectra[:, v, f])
            return np.asarray((even + odd).real)

        return self._integral(products)

    def force_and_state(self) -> Array:
        """Covariance of the forces of the loop and the state of the network, (p, p + n); eV, ps.

        Raises:
            ValueError: if there is no steady state, or a force is white noise.
        """
        d = len(self.drift)
        return self._forced[d:, :d].copy()

    def force_and_velocity(self, phase: float = 0.0) -> Array:
        """See ``ControlledNetwork``."""
        d, p = self.push.shape
        felt = np.zeros((2 * p, d + p))
        felt[:p, :p], felt[:p, d:] = self.spring, np.eye(p)
        felt[p:, p : 2 * p] = np.eye(p)
        return np.asarray(felt @ self._forced @ felt.T)

    def information_rate(self) -> float:
        """See ``ControlledNetwork``."""
        p = self.network.coordinates
        return rate_of_reading(self.drift, self.network.noise(), p, self.feedback.noise_density)

    def entropy_pumping(self) -> Array:
        """Entropy that the loop pumps out of each coordinate, (p,), k_B/ps: -∂<f_j | state>/∂V_j over m_j.

        A force that depends on the past, averaged at a given state, acts as a friction of either sign. The second law
        is Σ_b Q_b/T_b + k_B Σ_j pumped_j >= 0 (T. Munakata & M. L. Rosinberg, Phys. Rev. Lett. 112, 180601 (2014)).

        Raises:
            ValueError: if there is no steady state, or a force is white noise.
        """
        p = self.network.coordinates
        felt = np.linalg.solve(self._moments, self.force_and_state().T).T
        return np.asarray(-np.diagonal(felt[:, p : 2 * p]) / self.network.masses[:p])

    def information_flow(self) -> Array:
        """Information flow between the sides of a pair as in ``Refrigerator.information_flow``, (cold, hot), k_B/ps.

        The second law of a side is Q_j/T_j - k_B İ_j + k_B pumped_j >= 0.

        Raises:
            ValueError: if the network is not a pair, there is no steady state, or a force is white noise.
        """
        p = self.network.coordinates
        if p != 2 or self.network.temperatures.size != 2:
            raise ValueError("information_flow: needs two coordinates and two baths, the sides of a pair")
        masses = self.network.masses
        narrowness = np.linalg.inv(self._moments)[p:, p:]
        thermal = BOLTZMANN * self.network.temperatures[:, None, None] / masses[:, None]
        lost = np.eye(masses.size) - thermal * narrowness
        rubbed = np.einsum("bij,bji,i->b", self.network.frictions, lost, 1 / masses)
        return np.asarray(rubbed + self.entropy_pumping())

    @cached_property
    def _forced(self) -> Array:
        """Covariance of (state, loop's forces)."""
        self.require_steady_state()
        if self.has_white_force:
            raise ValueError(f"noise_density = {self.feedback.noise_density} Å² ps: the force is white noise")
        return self._integral(lambda w: self._spectra(w).real)


def _dagger(matrices: NDArray[np.complex128]) -> NDArray[np.complex128]:
    return np.conj(np.swapaxes(matrices, -1, -2))
