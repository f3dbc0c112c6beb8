"""The best demon: a nonthermal terminal without net particle and energy flow that takes up the least entropy.

A demon is coupled to its partners through narrow channels. All flows are linear in its occupations f, so its constraints and
the cooling power are linear equations. The entropy flow into it is convex in f: with s = ln(1/f ∓ 1), the second derivative
of (f_r - f) s is [f(1 ∓ f_r) + f_r(1 ∓ f)]/[f(1 ∓ f)]² (upper sign for fermions), which is never negative. So each cooling
power has exactly one best demon, which Newton's method finds. The cooling power determines the heat of the partners, so the
least entropy gives the largest COP.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import null_space
from scipy.optimize import linprog

from analysis.mechanisms.entropy_current import Array, entropy_per_particle
from analysis.mechanisms.terminals import Landauer, Steps, with_occupation

_TIGHT = 1e-12  # relative decrease of the entropy per step at which Newton's method has converged
_ROOM = 1e-9  # least distance from an empty or full level


class _Problem:
    """Flows of a machine as linear functions of its demon's occupations f, (k,), at the levels of its channels."""

    def __init__(self, machine: Landauer, demon: int, isolated: bool) -> None:
        wrong = [
            f"channel {i}: shape = {c.shape!r}, lift = {c.lift:g}: a demon's channels are narrow and have no lift"
            for i, c in enumerate(machine.channels)
            if demon in c.between and (c.shape != "narrow" or c.lift)
        ]
        own = [channel for channel in machine.channels if demon in channel.between]
        if not own:
            wrong.append(f"demon = {demon}: has no channel")
        if machine.matrix is not None:
            wrong.append("matrix: must be None; a demon's flows are those of channels")
        if demon in (machine.cold, machine.hot):
            wrong.append(f"demon = {demon}: must be neither the cold nor the hot terminal")
        if wrong:
            raise ValueError("; ".join(wrong))
        self.machine, self.demon = machine, demon
        self.highest = 1.0 if machine.statistics == "fermions" else np.inf
        self.sign = -1.0 if machine.statistics == "fermions" else 1.0
        self.energies = np.unique([channel.level for channel in own])
        self.unit = max(channel.peak * channel.width for channel in own)
        self.strength = np.array([channel.peak * channel.width for channel in own]) / self.unit
        self.level = np.searchsorted(self.energies, [channel.level for channel in own])
        partners = np.array([channel.between[1 - channel.between.index(demon)] for channel in own])
        at = self.energies[self.level]
        self.partner_f = np.array(
            [float(machine.terminals[p].occupation(np.array([e]))[0]) for p, e in zip(partners, at, strict=True)]
        )

        # Contribution of each channel to its partner, per f and at f = 0.
        def row(weights: Array) -> tuple[Array, float]:
            return self._per_level(weights), float(weights * self.strength @ self.partner_f)

        rows = [row(np.ones(len(own))), row(at)]
        if isolated:
            rows += [row((partners == p).astype(float)) for p in np.unique(partners)]
        mu = machine.chemical_potentials()[machine.cold]
        cooling = row(np.where(partners == machine.cold, mu - at, 0.0))
        self.cooling_row, self.cooling_offset = cooling[0], -cooling[1] + self._cooling_of_others()
        self.rows = np.array([coefficients for coefficients, _ in rows])
        self.targets = np.array([constant for _, constant in rows])

    def _cooling_of_others(self) -> float:
        """Heat drawn from the cold terminal past the demon, over the unit of the flows."""
        machine = self.machine
        rest = tuple(channel for channel in machine.channels if self.demon not in channel.between)
        if not rest:
            return 0.0
        particles, energy, _ = Landauer(
            terminals=machine.terminals,
            channels=rest,
            statistics=machine.statistics,
            environment=machine.environment,
            cold=machine.cold,
            hot=machine.hot,
            band=machine.band,
        ).flows()
        mu = machine.chemical_potentials()[machine.cold]
        return float(mu * particles[machine.cold] - energy[machine.cold]) / self.unit

    def largest_cooling(self) -> float:
        """Maximum heat per time from the cold terminal for occupations within their bounds.

        It is finite for bosons too: the net particle flow, which must vanish, limits all occupations.
        """
        bounds = [(0.0, None if np.isinf(self.highest) else self.highest)] * len(self.energies)
        found = linprog(-self.cooling_row, A_eq=self.rows, b_eq=self.targets, bounds=bounds)
        return -np.inf if found.fun is None else float(self.cooling_offset - found.fun) * self.unit

    def interior(self, cooling: float) -> tuple[Array, Array]:
        """Occupations well within their bounds that satisfy all equations, and a basis of the allowed changes, (k,), (k, m).

        Raises:
            ValueError: if there are none.
        """
        k = len(self.energies)
        equations = np.vstack([self.rows, self.cooling_row])
        targets = np.append(self.targets, cooling / self.unit - self.cooling_offset)
        # Room t to the nearest bound, as large as possible.
        limits = [np.hstack([-np.eye(k), np.ones((k, 1))])]
        sides = [np.zeros(k)]
        if np.isfinite(self.highest):
            limits.append(np.hstack([np.eye(k), np.ones((k, 1))]))
            sides.append(np.full(k, self.highest))
        found = linprog(
            np.append(np.zeros(k), -1.0),
            A_ub=np.vstack(limits),
            b_ub=np.concatenate(sides),
            A_eq=np.hstack([equations, np.zeros((len(equations), 1))]),
            b_eq=targets,
            bounds=[(0.0, None)] * k + [(None, 1.0)],
        )
        if found.x is None or found.x[-1] < _ROOM:
            most = self.largest_cooling()
            cure = f"give less than {most:.4g}" if most > 0 else "its levels allow no cooling at all"
            raise ValueError(f"cooling = {cooling:g}: no occupations between their bounds give it; {cure}")
        start = found.x[:k]
        # The solver of linear programs leaves errors of 1e-7.
        start = start + np.linalg.lstsq(equations, targets - equations @ start, rcond=None)[0]
        return start, null_space(equations, rcond=1e-11)

    def entropy(self, f: Array) -> float:
        """Into the demon, k_B, over the unit of the flows."""
        own = f[self.level]
        return float((self.strength * (self.partner_f - own) * self._per_particle(own)).sum())

    def _per_particle(self, f: Array) -> Array:
        return entropy_per_particle(f, self.machine.statistics)

    def derivatives(self, f: Array) -> tuple[Array, Array]:
        """First and second derivatives of ``entropy`` by each f, (k,) each."""
        own, partner = f[self.level], self.partner_f
        room = own * (1 + self.sign * own)
        slope = -self._per_particle(own) - (partner - own) / room
        curvature = (own * (1 + self.sign * partner) + partner * (1 + self.sign * own)) / room**2
        first = self._per_level(slope)
        return first, self._per_level(curvature)

    def _per_level(self, of_channels: Array) -> Array:
        """Sums over the channels at each level, (k,), times the channels' strengths."""
        return np.asarray(np.bincount(self.level, self.strength * of_channels, len(self.energies)), dtype=float)

    def within(self, f: Array) -> bool:
        """Whether all occupations are inside their bounds."""
        return bool((f > 0).all() and (f < self.highest).all())


def largest_cooling(machine: Landauer, demon: int, *, isolated: bool = False) -> float:
    """Maximum heat per time that a demon at this terminal extracts from the cold one; -inf if no demon is possible.

    Args:
        machine: machine with the terminal ``demon``; its present occupation is ignored.
        demon: index of the terminal.
        isolated: whether the net particle flow to each partner must vanish, as in ``best_demon``.

    Returns:
        Heat per time in units of ε₀²/h.

    Raises:
        ValueError: if the demon's channels are not narrow, or it is the cold or the hot terminal.
    """
    return _Problem(machine, demon, isolated).largest_cooling()


def best_demon(machine: Landauer, demon: int, cooling: float, *, isolated: bool = False) -> Landauer:
    """The machine with the demon of highest COP that extracts this heat per time from the cold terminal.

    Args:
        machine: machine with the terminal ``demon`` to be determined; its present occupation is ignored.
        demon: index of the terminal.
        cooling: heat per time out of the cold terminal, ε₀²/h.
        isolated: whether the net particle flow to each partner vanishes, as in the four-level example of the paper;
            otherwise only that to all partners together.

    Raises:
        ValueError: if the demon's channels are not narrow, or this cooling is impossible.
    """
    problem = _Problem(machine, demon, isolated)
    f, basis = problem.interior(cooling)
    for _ in range(200):
        if not basis.size:
            break
        first, second = problem.derivatives(f)
        gradient = basis.T @ first
        step = -basis @ np.linalg.solve(basis.T @ (second[:, None] * basis), gradient)
        size, gain = 1.0, float(first @ step)
        before = problem.entropy(f)
        while not problem.within(f + size * step) or problem.entropy(f + size * step) > before + 1e-4 * size * gain:
            size /= 2
            if size < 1e-12:
                break
        if size < 1e-12:
            break
        f = f + size * step
        if -gain < _TIGHT * max(abs(before), 1e-300):
            break
    return with_occupation(machine, demon, Steps(tuple(problem.energies.tolist()), tuple(f.tolist())))
