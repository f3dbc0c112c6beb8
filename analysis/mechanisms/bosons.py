"""Networks of bosonic modes that exchange quanta with each other and with thermal baths, solved exactly.

The network has m modes c with a Hermitian Hamiltonian matrix H. Each bath b couples to one linear combination of the modes::

    dc/dt = (-iH - B B†/2) c + B c_in,   <c_in,b†(t) c_in,b'(t')> = N̄_b δ_bb' δ(t - t')

H and B determine everything: damping and noise come from the same B, so commutators are preserved. H conserves the number of
quanta, so every steady state is a weighted mean of the baths. A bath may be common to several modes; with a phase in H such a
network is nonreciprocal. H (angular frequencies) and all rates have the same unit, 1/time. Flows are quanta per that time,
positive *into* a bath. Derivations: docs/explanation/mechanisms/cascaded.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import h, k
from scipy.special import rel_entr

from analysis.currents import Currents, thermal_entropy
from analysis.model.lyapunov import Array, solve_lyapunov

ComplexArray = NDArray[np.complex128]

# Fraction of the largest rate. In double precision, a mode damped more weakly than this is undamped.
_UNDAMPED = 1e-14


def quadratures(matrix: ComplexArray) -> Array:
    """Real form, (2m, 2m), of a complex matrix, (m, m): it acts on (x, p) as the complex one acts on c = (x + ip)/√2."""
    return np.asarray(np.block([[matrix.real, -matrix.imag], [matrix.imag, matrix.real]]))


def thermal_occupation(frequency: float, temperature: float) -> float:
    """Bose–Einstein occupation of a mode, N̄ = 1/(e^(hf/k_BT) - 1).

    Args:
        frequency: f, Hz, positive.
        temperature: T, K; N̄ = 0 at T = 0.
    """
    if temperature == 0:
        return 0.0
    ratio = h * frequency / (k * temperature)
    return math.exp(-ratio) / -math.expm1(-ratio)


def one_way_hopping(channels: Sequence[ComplexArray]) -> ComplexArray:
    """Part of H that makes the output of each system the input of only the next ones, (m, m), Hermitian.

    The series product of J. Gough & M. R. James, IEEE Trans. Autom. Control 54, 2530 (2009): (L_k†L_j - L_j†L_k)/2i for each j
    before k, with L = b†c of the common bath.

    Args:
        channels: for each system in the order of the channel, its column b of the common bath in the basis of all modes, (m,).
    """
    first = np.asarray(channels[0])
    h = np.zeros((first.size, first.size), dtype=complex)
    for position, later in enumerate(channels):
        for earlier in channels[:position]:
            passed = -0.5j * np.outer(later, np.conj(earlier))
            h += passed + passed.conj().T
    return h


class LinearBosons:
    """m modes and b baths in their stationary state.

    Attributes:
        hamiltonian: H, (m, m).
        couplings: B, (m, b); the rate at which bath b damps is the square of its column.
        bath_occupations: N̄, (b,).
    """

    hamiltonian: ComplexArray
    couplings: ComplexArray
    bath_occupations: Array

    def __init__(self, *, hamiltonian: ArrayLike, couplings: ArrayLike, bath_occupations: ArrayLike) -> None:
        """Store and check the network.

        Raises:
                ValueError: if H is not Hermitian, B does not fit, an occupation is negative, or a normal mode is not damped.
        """
        h, b = (np.array(x, dtype=complex) for x in (hamiltonian, couplings))
        n = np.array(bath_occupations, dtype=float)
        if not (np.isfinite(h).all() and np.array_equal(h, h.conj().T)):
            raise ValueError("hamiltonian: must be finite and Hermitian")
        if b.shape != (len(h), n.size) or not np.isfinite(b).all():
            raise ValueError(f"couplings of shape {b.shape}: must be finite, (modes, baths) = {(len(h), n.size)}")
        if not (np.isfinite(n) & (n >= 0)).all():
            raise ValueError(f"bath_occupations = {n.tolist()}: must be finite and not negative")
        for array in (h, b, n):
            array.setflags(write=False)
        # Straight into __dict__: subclasses are frozen dataclasses, whose attributes cannot be assigned.
        vars(self).update(hamiltonian=h, couplings=b, bath_occupations=n)
        slowest = np.linalg.eigvals(self.drift()).real.max()
        if slowest >= -_UNDAMPED * np.abs(self.drift()).max():
            raise ValueError(
                f"{self._blame()}: one normal mode is coupled to no bath and never relaxes; give it a loss"
            )

    def _blame(self) -> str:
        """Parameters and values that leave a normal mode undamped, for the message."""
        return "couplings of the modes to the baths"

    def drift(self) -> ComplexArray:
        """Drift matrix -iH - B B†/2, (m, m)."""
        return np.asarray(-1j * self.hamiltonian - self.couplings @ self.couplings.conj().T / 2)

    def shares(self) -> ComplexArray:
        """Contribution of each bath to the correlations per quantum of its occupation, (b, m, m).

        They add up to the identity: with all baths at one N̄, every mode has N̄.
        """
        m = len(self.hamiltonian)
        drift = quadratures(self.drift())
        sources = (quadratures(np.outer(column, column.conj())) for column in self.couplings.T)
        solutions = [solve_lyapunov(drift, source) for source in sources]
        return np.array([x[:m, :m] + 1j * x[m:, :m] for x in solutions])

    def correlations(self) -> ComplexArray:
        """Correlations n_ij = <c_j† c_i>, (m, m), Hermitian."""
        return np.asarray(np.tensordot(self.bath_occupations, self.shares(), axes=1))

    def occupations(self) -> Array:
        """Occupation <c_i† c_i> of every mode, (m,)."""
        return np.asarray(np.diagonal(self.correlations()).real)

    def covariance(self) -> Array:
        """Symmetrised covariance V of (x_1 … x_m, p_1 … p_m), (2m, 2m), with x = (c + c†)/√2; 1/2 in the vacuum."""
        return quadratures(self.correlations()) + np.eye(2 * len(self.hamiltonian)) / 2

    def conductances(self) -> Array:
        """Transfer rates τ_bb' from bath b' to bath b per quantum of N̄_b', (b, b), with zero diagonal.

        It is ∫|S_bb'|² dω/2π. Rows and columns have equal sums, because S is unitary, but τ need not be symmetric.
        """
        seen = np.einsum("ib,kij,jb->bk", self.couplings.conj(), self.shares(), self.couplings).real
        np.fill_diagonal(seen, 0.0)
        # What rounding leaves between parts that are not connected would bring infinite entropy to an empty bath.
        seen[np.abs(seen) < _UNDAMPED**2 * seen.max(initial=0.0)] = 0.0
        return np.asarray(seen)

    def rectification(self, first: int, second: int) -> float:
        """Rectification (τ_ba - τ_ab)/(τ_ba + τ_ab) of baths a and b.

        It is 1 if quanta pass only from a to b, and 0 if they pass equally in both directions. The heat from a hot bath to a
        cold one is τ times the difference of their occupations, so this ratio compares the heat before and after they are
        exchanged.

        Raises:
            ValueError: if there is no transfer between them.
        """
        tau = self.conductances()
        there, back = tau[second, first], tau[first, second]
        if there + back <= _UNDAMPED * np.abs(self.couplings).max() ** 2:
            raise ValueError(f"baths {first} and {second}: nothing passes between them")
        return float((there - back) / (there + back))

    def heat_flows(self) -> Array:
        """Quanta per time into each bath, η_b = Σ_b' τ_bb' (N̄_b' - N̄_b), (b,). They add up to 0."""
        difference = self.bath_occupations - self.bath_occupations[:, None]
        return np.asarray((self.conductances() * difference).sum(axis=1))

    def energy_conductances(self) -> Array:
        """Energy over ħ that bath b takes up per quantum of N̄_b', ∫ω|S_bb'|² dω/2π, (b, b), with zero diagonal.

        M is the drift matrix and X_b' the share of bath b'. With R = (-iω - M)⁻¹ the integrand is B_b†(ω R B_b' B_b'† R†)B_b.
        Inserting ωR = i(1 + MR) gives i(M X_b' - X_b' M†)/2 between the columns of B. The parts that diverge for baths of the
        same mode are odd in ω and cancel. Frequencies refer to the frame in which H is written.
        """
        x, m, b = self.shares(), self.drift(), self.couplings
        moments = 0.5j * (m @ x - x @ m.conj().T)
        seen = np.einsum("ib,kij,jb->bk", b.conj(), moments, b).real
        np.fill_diagonal(seen, 0.0)
        return np.asarray(seen)

    def energy_flows(self) -> Array:
        """Energy per time over ħ into each bath, (b,), in the frame of H; the sum is 0 for any occupations.

        A quantum carries the frequency at which it is transferred, not the frequency of the mode.
        """
        difference = self.bath_occupations - self.bath_occupations[:, None]
        return np.asarray((self.energy_conductances() * difference).sum(axis=1))

    def entropy_production(self) -> float:
        """Entropy that the baths gain per time, Σ_b η_b ln(1 + 1/N̄_b), in k_B per time.

        It is never negative, and infinite if quanta flow into a bath of N̄ = 0. The sum is evaluated as τ_bb' times the relative
        entropy of a mode at N̄_b' to one at N̄_b: the same number, but never negative by rounding.
        """
        receiver, sender = self.bath_occupations[:, None], self.bath_occupations
        relative = np.maximum(rel_entr(sender, receiver) - rel_entr(1 + sender, 1 + receiver), 0.0)
        tau = self.conductances()
        linked = tau > 0  # no term without transfer to an empty bath
        return float(tau[linked] @ relative[linked])

    def bath_currents(self, *, fluctuations: bool = True) -> Currents:
        """Quanta into each bath as ``Currents``, with energies in ħω and temperatures in ħω/k_B.

        ω is the frequency that all modes have approximately. The cold and the hot bath are those of the smallest and the
        largest N̄. There is no cost and no cooling.

        Args:
            fluctuations: whether to include the covariance of the counts.
        """
        from analysis.mechanisms.counting import moments

        return self.currents_of(self.heat_flows(), moments(self).covariance if fluctuations else None)

    def currents_of(self, flows: Array, covariance: Array | None = None) -> Currents:
        """``Currents`` of given quanta into each bath, (b,), and of the covariance of their counts, (b, b)."""
        with np.errstate(divide="ignore"):
            temperatures = 1 / np.log1p(1 / self.bath_occupations)
        return Currents(
            baths=tuple(f"bath {b + 1}" for b in range(flows.size)),
            energy=flows,
            entropy=thermal_entropy(flows, temperatures),
            temperatures=temperatures,
            cold=int(self.bath_occupations.argmin()),
            # Among equal baths the last one is the environment.
            hot=flows.size - 1 - int(self.bath_occupations[::-1].argmax()),
            unit="quanta per unit of time",
            covariance=covariance,
        )

    def response(self, frequency: ArrayLike) -> ComplexArray:
        """Amplitude of each mode per input amplitude of each bath, (-iω + iH + B B†/2)⁻¹ B, (*frequency.shape, m, b)."""
        w = np.asarray(frequency, dtype=float)[..., None, None]
        return np.asarray(
            np.linalg.solve(-1j * w * np.eye(len(self.hamiltonian)) - self.drift(), self.couplings + 0 * w)
        )

    def scattering(self, frequency: ArrayLike) -> ComplexArray:
        """Scattering matrix S(ω) from the inputs of the baths to their outputs, unitary, (*frequency.shape, b, b)."""
        return np.asarray(np.eye(len(self.bath_occupations)) - self.couplings.conj().T @ self.response(frequency))

    def occupation_spectrum(self, frequency: ArrayLike) -> Array:
        """Quanta of each mode per angular frequency ω, times 2π; (*frequency.shape, m)."""
        return np.asarray(np.abs(self.response(frequency)) ** 2 @ self.bath_occupations)


def cascade(systems: Sequence[LinearBosons], ports: Sequence[int] | None = None) -> LinearBosons:
    """Cascaded systems: the output of each into its channel is the input of the next, without backward transfer.

    The modes, and the baths that are not channels, keep the order of the systems. The last bath is the common channel, with the
    occupation that enters the first system.

    Args:
        systems: one or more.
        ports: index of the bath of each system that is its channel; the last bath if None.

    Raises:
        ValueError: if there is no system, or a port is not the index of a bath.
    """
    chosen = [system.bath_occupations.size - 1 for system in systems] if ports is None else list(ports)
    if not systems or len(chosen) != len(systems):
        raise ValueError(f"ports: {len(chosen)} for {len(systems)} systems; give one for each of one or more")
    for i, (system, port) in enumerate(zip(systems, chosen, strict=True)):
        if not 0 <= port < system.bath_occupations.size:
            raise ValueError(
                f"ports[{i}] = {port}: system {i} has {system.bath_occupations.size} baths, counted from 0"
            )
    sizes = [len(system.hamiltonian) for system in systems]
    ends = np.cumsum([0, *sizes])
    h = np.zeros((ends[-1], ends[-1]), dtype=complex)
    own: list[ComplexArray] = []
    channels: list[ComplexArray] = []
    occupations: list[float] = []
    for system, port, start, end in zip(systems, chosen, ends[:-1], ends[1:], strict=True):
        h[start:end, start:end] = system.hamiltonian
        columns = np.zeros((ends[-1], system.bath_occupations.size), dtype=complex)
        columns[start:end] = system.couplings
        channels.append(columns[:, port])
        own += [columns[:, bath] for bath in range(columns.shape[1]) if bath != port]
        occupations += np.delete(system.bath_occupations, port).tolist()
    return LinearBosons(
        hamiltonian=h + one_way_hopping(channels),
        couplings=np.stack([*own, np.sum(channels, axis=0)], axis=1),
        bath_occupations=[*occupations, float(systems[0].bath_occupations[chosen[0]])],
    )
