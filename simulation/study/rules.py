"""Rules on several fields of a study: violations, with reasons and solutions, before anything runs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from analysis.model import Feedback, largest_stable_delay
from analysis.units import ATOMIC_MASS, BOLTZMANN, FRICTION_SI
from simulation.control.trial import controller_problem
from simulation.study.chains import Chain
from simulation.study.fields import Study
from simulation.study.liquid import critical_temperature, melting_density, saturated_density, triple_temperature
from simulation.study.section import SIDES, of_side

DENSEST = 1.05
"""Maximum reduced density of a fluid that need not be a liquid: more atoms could not be placed."""
STRETCHED = 0.85
"""Smallest density of a liquid, relative to coexistence with its vapour: it is then under tension, near the spinodal, but a
bath of a few nanometres has no bubble yet."""

AMOUNTS = ("fluid_atoms", "accessible_density_per_nm3", "bulk_density_per_nm3", "pressure_bar")
"""Fields of which one states how much fluid a bath holds."""
_AMOUNT = " ".join(["baths.edge_nm", *(f"baths.{name}" for name in AMOUNTS)])
LEAST_CUTOFF = 1.5
"""Shortest range of the forces, in σ, for which the critical temperature is known."""
LEAST_BULK = 300
"""Smallest number of fluid atoms far from the metal that determines a bulk density."""
STEPS_PER_PERIOD = 50
"""Time steps that an oscillation of a particle or a trap must last, so that works are accurate to about a thousandth."""
STEPS_PER_VIBRATION = 8
"""Time steps that the fastest vibration of the metal must last: 6 fs for copper, the longest step that was tested, has 11."""
STEPS_PER_BOND = 20
"""Time steps that the vibration of a bond must last, so that the first law closes."""

LEAST_ATOMS = 2
"""Atoms of a particle or a bath: one alone has no temperature, which LAMMPS takes relative to the mean velocity."""
CROWDED, SPARE_CHAINS, ROOMY = 4.6, 4.5, 3.0
"""Random placement of chains ends before there are `CROWDED` times the volume of a bath over that which one chain excludes, and
`SPARE_CHAINS` more; up to `ROOMY` times it soon succeeds. Measured for 6 to 100 atoms in baths of 3.6 to 6.5 nm."""
MOST_STEPS = 2**31 - 1
"""Largest number of steps that LAMMPS takes in one run."""
MOST_SEGMENTS = 1e5
"""Segments of a stage, each of which is a folder."""
STEPS_PER_DAMPING = 10
"""Time steps that a thermostat must need at least to act: with fewer it makes the motion of the fluid unstable."""

ORIGINS = ((0.0, 0.25, 0.25), (0.0, 0.0, 0.0), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), (0.0, 0.0, 0.25))
"""Centres in the fcc cell, in lattice constants, tried for a sphere of a given number of atoms."""


MOST_SAMPLES = 2e7
"""Samples of one run: some 5 GB of memory."""
MOST_READINGS = 100
"""Maximum number of delayed readings for which a loop with updates is solved exactly: each enlarges the matrices."""


def broken_rules(study: Study) -> list[tuple[set[str], str]]:
    """Every rule violated by otherwise valid fields, each with its fields."""
    return [
        *_particle(study),
        *_interactions(study),
        *_baths(study),
        *_chains(study),
        *_active(study),
        *_demon(study),
        *_metal(study),
        *_springs(study),
        *_motion(study),
        *_lengths(study),
        *_steps(study),
    ]


def _broken(is_broken: bool, fields: str, message: str) -> list[tuple[set[str], str]]:
    return [(set(fields.split()), message)] if is_broken else []


def _unresolved(study: Study, fields: str, longest_ps: float, cause: str, cure: str = "") -> list[tuple[set[str], str]]:
    """Whether the time step is longer than this; `cause` follows "too long for", `cure` the step that is short enough."""
    return _broken(
        study.timestep_ps > longest_ps,
        f"{fields} integration.timestep_fs",
        f"integration.timestep_fs = {study.integration.timestep_fs:g} is too long for {cause}: use at most "
        f"{_at_most(1000 * longest_ps)} fs{cure}",
    )


def _at_most(limit: float) -> str:
    """A number to two digits, not above the limit."""
    unit = 10.0 ** (math.floor(math.log10(limit)) - 1)
    return f"{math.floor(limit / unit) * unit:.2g}"


# --- particle and baths ----------------------------------------------------------------------------------------------------


def _distances(radius: float, origin: tuple[float, float, float]) -> NDArray[np.float64]:
    """Distances of fcc sites from a point of the cell, sorted, including all up to `radius` (lattice constants)."""
    cells = np.arange(-int(radius) - 2, int(radius) + 3)
    corner = np.stack(np.meshgrid(cells, cells, cells), axis=-1).reshape(-1, 1, 3)
    basis = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    return np.sort(np.linalg.norm((corner + basis).reshape(-1, 3) + origin, axis=1))


def _sphere_for(atoms: int, own_origin: tuple[float, float, float]) -> str:
    """Solution for a sphere with the wrong number of atoms: a radius, with this origin if possible, for this number."""
    if atoms > 100_000:
        return "change one to match the other"
    reach = (3 * atoms / (16 * np.pi)) ** (1 / 3) + 1.0
    for origin in (own_origin, *ORIGINS):
        distance = _distances(reach, origin)
        last, following = distance[atoms - 1 : atoms + 1]
        if following - last > 2e-3:
            radius = f"radius_lattice: {(last + following) / 2:.4g}"
            return radius if origin == own_origin else f"{radius} with origin_lattice: {list(origin)}"
    distance = _distances(reach, own_origin)
    edges = np.flatnonzero(np.diff(distance) > 2e-3) + 1
    below, above = edges[edges < atoms][-1], edges[edges > atoms][0]
    return f"no sphere contains {atoms}; about this origin {below} or {above} are possible"


def _particle(study: Study) -> list[tuple[set[str], str]]:
    particle = study.nanoparticle
    holds = int((_distances(particle.radius_lattice, particle.origin_lattice) < particle.radius_lattice).sum())
    found = []
    if holds != particle.atoms:
        found += _broken(
            True,
            "nanoparticle.atoms nanoparticle.radius_lattice nanoparticle.origin_lattice",
            f"nanoparticle.atoms = {particle.atoms}, but an fcc sphere of radius_lattice = "
            f"{particle.radius_lattice:g} about this origin_lattice holds {holds}: for {particle.atoms} atoms, "
            f"{_sphere_for(particle.atoms, particle.origin_lattice)}",
        )
    reach, field = (
        study.radius_A + study.range_A,
        "interactions.range_A" if study.interactions.template else "materials.cutoff_A",
    )
    found += _broken(
        study.engine == "lammps" and particle.atoms < LEAST_ATOMS,
        "nanoparticle.atoms engine",
        f"nanoparticle.atoms = {particle.atoms} is too few, because temperature is motion relative to the centre of mass: use "
        f"{LEAST_ATOMS} or more (the paper: 186)",
    )
    return found + _broken(
        study.edge_A < 2 * reach,
        f"baths.edge_nm {field} nanoparticle.radius_lattice materials.metal",
        f"baths.edge_nm = {study.baths.edge_nm:g} is too small: a particle of radius "
        f"{study.radius_A / 10:.3g} nm and {field} = {study.range_A:g} "
        f"need at least {2 * reach / 10:.3g} nm",
    )


def _baths(study: Study) -> list[tuple[set[str], str]]:
    baths = study.baths
    return [
        *_broken(
            sum(getattr(baths, name) is not None for name in AMOUNTS) != 1,
            " ".join(f"baths.{name}" for name in AMOUNTS),
            "baths: give exactly one of fluid_atoms, accessible_density_per_nm3, bulk_density_per_nm3 and pressure_bar (the "
            "paper: fluid_atoms: 25280; in a variant, null removes a field)",
        ),
        *_broken(
            baths.temperature_hot_K < baths.temperature_cold_K,
            "baths.temperature_cold_K baths.temperature_hot_K",
            f"baths.temperature_hot_K = {baths.temperature_hot_K:g} is below "
            f"temperature_cold_K = {baths.temperature_cold_K:g}: swap them",
        ),
        *(problem for side in SIDES for problem in _fluid(study, side)),
        *(problem for side in SIDES for problem in _bulk(study, side)),
    ]


def _bulk(study: Study, side: str) -> list[tuple[set[str], str]]:
    """Whether the requested state can be reached: atoms of chains are kept, and there must be enough bulk fluid."""
    if study.aim is not None and study.baths.chains.fraction:
        return _broken(
            True,
            "baths.chains baths.bulk_density_per_nm3 baths.pressure_bar",
            f"baths.chains.fraction = {study.baths.chains.fraction:g}: atoms of chains are not added or removed to reach a "
            "bulk density or a pressure: give fluid_atoms or accessible_density_per_nm3",
        )
    if study.aim != "bulk_density":
        return []
    atoms = study.aimed_at(side) * study.bulk_volume_A3(side) / 1000
    return _broken(
        atoms < LEAST_BULK,
        "baths.bulk_density_per_nm3 baths.edge_nm baths.walls materials.fluid",
        f"baths.bulk_density_per_nm3 = {study.aimed_at(side):g}: in a bath of edge_nm = {study.baths.edge_nm:g} only "
        f"{atoms:.0f} fluid atoms are {study.bulk_margin_A(side) / 10:.2g} nm or more from the metal, and {LEAST_BULK} are "
        "needed for a bulk density: use a larger edge, or give fluid_atoms or accessible_density_per_nm3",
    )


def _fluid(study: Study, side: str) -> list[tuple[set[str], str]]:
    """Whether the fluid fits into a bath and, where required, is a liquid."""
    fluid, volume, atoms = study.fluid(side), study.accessible_volume_A3(side), study.fluid_atoms(side)
    fields = f"{_AMOUNT} materials.fluid materials.cutoff_A materials.metal baths.temperature_{side}_K limits.liquid"
    if volume <= 0:
        return _broken(
            True,
            fields,
            f"baths.edge_nm = {study.baths.edge_nm:g} leaves no room for fluid on the {side} side: make it larger",
        )
    density = atoms / volume * fluid.sigma_A**3
    temperature = BOLTZMANN * study.temperature_K(side) / fluid.epsilon_eV
    is_judged = study.limits.liquid and study.engine == "lammps"
    cutoff = study.materials.cutoff_A / fluid.sigma_A
    if is_judged and cutoff < LEAST_CUTOFF:
        return _broken(
            True,
            fields,
            f"materials.cutoff_A = {study.materials.cutoff_A:g} is {cutoff:.2g} σ of {fluid.symbol}, and no liquid is known "
            f"with forces cut below {LEAST_CUTOFF:g} σ: use at least {math.ceil(100 * LEAST_CUTOFF * fluid.sigma_A) / 100:g} "
            f"(usual: 2.5 σ, {2.5 * fluid.sigma_A:g}), or limits.liquid: false for a bath of any state",
        )
    if is_judged:
        lowest, highest = triple_temperature(cutoff), critical_temperature(cutoff)
        if not lowest <= temperature < highest:
            kelvin = fluid.epsilon_eV / BOLTZMANN
            why = "freezes" if temperature < lowest else "is above its critical point"
            return _broken(
                True,
                fields,
                f"baths.temperature_{side}_K = {study.temperature_K(side):g} does not give a liquid on the {side} side "
                f"({fluid.symbol}): at kT/ε = {temperature:.2f} it {why}. With forces cut at {cutoff:.2f} σ it is liquid from "
                f"kT/ε = {lowest:.2f} to {highest:.2f}, {math.ceil(lowest * kelvin):g} to {math.floor(highest * kelvin):g} K: "
                "use a temperature in this range, or limits.liquid: false for a bath of any state",
            )
    stated = next((name for name in AMOUNTS if getattr(study.baths, name) is not None), None)
    if stated is None:  # reported elsewhere
        return []
    given = f"baths.{stated} = {of_side(getattr(study.baths, stated), side):g}"
    least = LEAST_ATOMS if study.engine == "lammps" else 1
    if atoms < least:
        return _broken(
            True,
            f"{fields} engine",
            f"{given} gives the {side} bath too few fluid atoms, {atoms}: state more, at least {least}",
        )
    place = f"bath of edge_nm = {study.baths.edge_nm:g}"
    densest = melting_density(temperature) if is_judged else DENSEST
    if density > densest:
        most = densest / fluid.sigma_A**3
        fewer = {
            "fluid_atoms": f"at most {math.floor(most * volume)}, or a larger edge",
            "accessible_density_per_nm3": f"at most {_at_most(1000 * most)} per nm³",
        }
        state = (" as a liquid", f" at kT/ε = {temperature:.2f}") if is_judged else ("", "")
        return _broken(
            True,
            fields,
            f"{given}: {atoms} fluid atoms do not fit a {place}{state[0]} (reduced density ρσ³ = {density:.2f}, at most "
            f"{densest:.2f}{state[1]} on the {side} side): use fewer, {fewer.get(stated, f'with a lower {stated}')}",
        )
    if not is_judged:
        return []
    thinnest = STRETCHED * saturated_density(temperature, cutoff)
    needed = thinnest / fluid.sigma_A**3
    more = {
        "fluid_atoms": f"{math.ceil(needed * volume)} or more",
        "accessible_density_per_nm3": f"{math.ceil(1e4 * needed) / 10:g} per nm³ or more",
    }
    return _broken(
        density < thinnest,
        fields,
        f"{given}: {atoms} fluid atoms do not fill a {place} with liquid "
        f"(reduced density ρσ³ = {density:.2f}, at least {thinnest:.2f} at kT/ε = {temperature:.2f} on the {side} side): use "
        f"{more.get(stated, f'a higher {stated}')}, or limits.liquid: false for a bath of any state",
    )


def _chains(study: Study) -> list[tuple[set[str], str]]:
    chains, found = study.baths.chains, []
    if chains.fraction == 0:
        return []
    fields = "baths.chains baths.edge_nm baths.fluid_atoms baths.accessible_density_per_nm3 materials.fluid engine"
    for side in SIDES:
        chain = study.chain(side, study.fluid_atoms(side))
        found += _broken(
            chain.count == 0,
            fields,
            f"baths.chains.fraction = {chains.fraction:g} of {study.fluid_atoms(side)} fluid atoms in the {side} "
            f"bath is less than one chain of {chains.atoms} atoms: make the fraction larger or the chains shorter",
        )
        found += _broken(
            chain.bond == "fene" and chain.length <= 1.1 * chain.fluid.sigma_A,
            fields,
            f"baths.chains.length_A = {chain.length:g} is the longest possible fene bond, and bonded atoms of the {side} bath "
            f"are about {0.97 * chain.fluid.sigma_A:.3g} Å apart: make it larger (usual: {1.5 * chain.fluid.sigma_A:.3g})",
        )
        found += _placed(study, side, chain, fields)
        found += _unresolved(
            study,
            fields,
            chain.period_ps / STEPS_PER_BOND,
            f"bonds that vibrate in {1000 * chain.period_ps:.3g} fs",
            " or a smaller baths.chains.stiffness_eV_per_A2",
        )
    return found


def _placed(study: Study, side: str, chain: Chain, fields: str) -> list[tuple[set[str], str]]:
    """Whether chains fit into a bath: each alone between the metal at both ends, and all of them, placed at random."""
    chains, (fluid, metal) = study.baths.chains, study.initial_distances_A(side)
    half, reach = study.edge_A / 2 - metal, chain.reach_A
    if study.engine != "lammps" or half <= 0:  # too small a bath is reported elsewhere
        return []
    # Atoms that are not bonded to each other are as near in a folded chain as those that are.
    shortest = (0.5 if chain.atoms > 2 else 0.1) * chain.fluid.sigma_A
    longest = min(study.range_A, half * chain.spacing_A / reach if reach else math.inf)
    if chain.bond == "harmonic" and not shortest <= chain.length <= longest:
        return _broken(
            True,
            f"{fields} materials.cutoff_A interactions",
            f"baths.chains.length_A = {chain.length:g}: the bonds of chains of {chain.atoms} atoms in a {side} bath of "
            f"edge_nm = {study.baths.edge_nm:g} must be {shortest:.3g} to {_at_most(longest)} Å long: use a length in this "
            f"range (usual: {0.97 * chain.fluid.sigma_A:.3g})",
        )
    if reach >= half:
        fitting = [atoms for atoms in range(2, chain.atoms) if replace(chain, atoms=atoms).reach_A < half]
        fewer = f"at most {fitting[-1]} atoms, or " if fitting else ""
        return _broken(
            True,
            fields,
            f"baths.chains.atoms = {chain.atoms}: such a chain is placed as a square that reaches {reach:.3g} Å from its "
            f"middle, and a bath of edge_nm = {study.baths.edge_nm:g} has {half:.3g} Å between its middle and the metal at "
            f"both ends: use {fewer}edge_nm of at least {2 * (reach + metal) / 10 + 0.05:.1f}",
        )
    excluded = chain.excluded_volume_A3(min(fluid, metal))
    # Middles of chains keep their reach from both ends, but the chains exclude each other only from a part of that volume.
    length = min(2 * (half - reach) + excluded ** (1 / 3) / 2, 2 * half)
    share = max(study.edge_A**2 * length - study.excluded_volume_A3(side), 0.0) / excluded
    atoms = study.fluid_atoms(side)
    return _broken(
        chain.count > CROWDED * share + SPARE_CHAINS,
        fields,
        f"baths.chains.fraction = {chains.fraction:g}: the {chain.count} chains of {chain.atoms} atoms do not all find a place "
        f"in the {side} bath of edge_nm = {study.baths.edge_nm:g}: use a fraction of at most "
        f"{_at_most(max(ROOMY * share, 1.0) * chain.atoms / atoms)}, shorter chains (baths.chains.atoms) or a larger edge",
    )


def _interactions(study: Study) -> list[tuple[set[str], str]]:
    # In the decks of the two baths, and in those of the drags through one of them.
    found = study.interactions.problems(study=study, sides=SIDES, walls=study.has_walls)
    for side in SIDES if study.drag.forces_nN else ():
        found += study.interactions.problems(study=study, sides=(side,), walls=False)
    found = list(dict.fromkeys(found))
    return [({f"interactions.{name}" for name in type(study.interactions).model_fields}, problem) for problem in found]


def _active(study: Study) -> list[tuple[set[str], str]]:
    """Only active forces: a study in LAMMPS uses the frictions of section langevin, to check stability."""
    return [
        broken
        for side in SIDES
        for broken in _broken(
            study.engine == "lammps" and bool(study.active_forces(side)),
            f"engine langevin langevin.active_{side}",
            f"langevin.active_{side}: active forces exist only in the exact engine, and engine = lammps would ignore them: "
            "set engine: langevin, or remove the field",
        )
    ]


# --- demon -----------------------------------------------------------------------------------------------------------------


def _demon(study: Study) -> list[tuple[set[str], str]]:
    demon = study.demon
    found = _broken(  # a controller of one's own may exert forces of another kind alone
        demon.controller == "linear" and demon.coupling_cold_eV_per_A2 == 0 and not any(demon.damping),
        "demon.controller demon.coupling_cold_eV_per_A2",
        "demon.coupling_cold_eV_per_A2 = 0 gives no coupling, because κ_H is given by its ratio to κ_C: make it larger, or add "
        "cold damping",
    )
    if demon.controller == "linear":
        for ratio in demon.kappa_ratios:
            found += _stability(study, ratio) or _loop_stability(study, ratio)
    for field, texts in (("demon.kappa_ratios", demon.kappa_ratios), ("drag.forces_nN", study.drag.forces_nN)):
        values = [float(text) for text in texts]
        found += _broken(len(set(values)) < len(values), field, f"{field} contains the same value twice: remove one")
    found += _broken(
        not demon.kappa_ratios, "demon.kappa_ratios", "demon.kappa_ratios is empty: give at least one κ_H/κ_C"
    )
    found += _broken(
        not demon.shown_ratios, "demon.shown_ratios", "demon.shown_ratios is empty: give at least one κ_H/κ_C"
    )
    return found + _feedback(study) + _controller(study)


def _feedback(study: Study) -> list[tuple[set[str], str]]:
    feedback, step = study.demon.feedback, study.timestep_ps
    found = []
    for field, length in (("update_every_ps", feedback.update_every_ps or 0.0), ("delay_ps", feedback.delay_ps)):
        count = length / step
        nearest = " or ".join(f"{steps * step:g}" for steps in (math.floor(count), math.ceil(count)) if steps)
        found += _broken(
            abs(count - round(count)) > 1e-6 * max(count, 1.0) or (length > 0 and round(count) < 1),
            f"demon.feedback demon.feedback.{field} integration.timestep_fs",
            f"demon.feedback.{field} = {length:g} must be a whole multiple of integration.timestep_fs = "
            f"{study.integration.timestep_fs:g}: use {nearest} ps",
        )
    found += _broken(
        feedback.position_noise_A > 0 and feedback.update_every_ps is None,
        "demon.feedback",
        f"demon.feedback.position_noise_A = {feedback.position_noise_A:g} applies to one reading, but update_every_ps "
        "is missing: add it",
    )
    return found + _broken(
        feedback.delay_ps >= study.schedule.relaxation_ps,
        "demon.feedback schedule.relaxation_ps",
        f"demon.feedback.delay_ps = {feedback.delay_ps:g} is not shorter than schedule.relaxation_ps = "
        f"{study.schedule.relaxation_ps:g}, during which the loop settles: make the relaxation longer",
    )


def _stability(study: Study, ratio: str) -> list[tuple[set[str], str]]:
    fields = "demon.kappa_ratios demon.coupling_cold_eV_per_A2 trap.stiffness_eV_per_A2"
    trap, cold, hot = (
        min(study.stiffness_eV_per_A2(axis) for axis in study.demon.coupling_axes),
        study.demon.coupling_cold_eV_per_A2,
        study.coupling_hot_eV_per_A2(ratio),
    )
    # With equal frictions their value does not matter, so the rule also applies to a LAMMPS study.
    models = [(axis, study.pair(cold, hot, axis).stability()) for axis in study.demon.coupling_axes]
    unstable = [(axis, stability) for axis, stability in models if not stability.is_stable]
    if not unstable:
        return []
    if trap + cold + hot <= 0:
        return _broken(
            True,
            fields,
            f"demon.kappa_ratios: {ratio} makes the coupling unstable: κ + κ_C + κ_H = {trap + cold + hot:g} "
            "eV/Å² must be positive",
        )
    axis, stability = unstable[0]
    return _broken(
        True,
        f"{fields} langevin",
        f"demon.kappa_ratios: {ratio} makes the coupling unstable along {axis}: {stability.reason}",
    )


def _loop_stability(study: Study, ratio: str) -> list[tuple[set[str], str]]:
    feedback, demon = study.demon.feedback, study.demon
    has_noise_of_nothing = feedback.position_noise_A > 0 and feedback.update_every_ps is None  # reported elsewhere
    is_too_slow = feedback.delay_ps >= study.schedule.relaxation_ps  # also reported elsewhere
    if has_noise_of_nothing or is_too_slow or not (feedback.loop or any(demon.damping)):
        return []
    loop, held = feedback.loop or Feedback(), 0.0
    if loop.period and loop.delay > MOST_READINGS * loop.period:
        # So many delayed readings hardly differ from a continuous signal that is later by half an interval.
        held = loop.period / 2
        loop = replace(loop, update_every=0.0, delay=loop.delay + held, position_noise=0.0)
    couplings = demon.coupling_cold_eV_per_A2, study.coupling_hot_eV_per_A2(ratio)
    pairs = {axis: study.pair(*couplings, axis) for axis in demon.coupling_axes}
    unstable = {axis: pair for axis, pair in pairs.items() if not pair.with_feedback(loop, demon.damping).is_stable}
    if not unstable:
        return []
    axis, pair = next(iter(unstable.items()))
    radius = pair.with_feedback(loop, demon.damping).spectral_radius
    longest = largest_stable_delay(pair, loop, demon.damping) - held
    longest = max(math.floor(longest / study.timestep_ps), 0) * study.timestep_ps
    cure = f"delay_ps up to {longest:g} is stable" if longest else "it is unstable even without a delay"
    return _broken(
        True,
        "demon.feedback demon.damping_cold_kg_per_s demon.damping_hot_kg_per_s demon.kappa_ratios "
        "demon.coupling_cold_eV_per_A2 trap.stiffness_eV_per_A2 langevin",
        f"demon.feedback {'with cold damping ' if any(demon.damping) else ''}makes demon.kappa_ratios: {ratio} unstable along "
        f"{axis}: a motion grows by {radius:.6g} every {loop.period or 1:g} ps (spectral radius) at the friction of "
        f"section langevin; {cure}. Shorten its times, or set the friction of your bath there",
    )


def _controller(study: Study) -> list[tuple[set[str], str]]:
    demon = study.demon
    damping = "demon.damping_cold_kg_per_s demon.damping_hot_kg_per_s"
    if demon.controller == "linear":
        return _broken(
            any(demon.damping) and demon.feedback.delayed == "partner",
            f"{damping} demon.feedback",
            "demon.feedback.delayed = partner gives no reading of a particle's own position, and cold damping "
            "(demon.damping_…) needs it: use all, or no damping",
        ) + _broken(
            bool(demon.controller_options),
            "demon.controller demon.controller_options",
            "demon.controller: the linear controller takes no controller_options, but has "
            + ", ".join(demon.controller_options),
        )
    if any(demon.damping):
        return _broken(
            True,
            f"{damping} demon.controller",
            f"demon.damping_… requires the linear controller, but demon.controller is {demon.controller}: add the force to "
            "your own controller",
        )
    fields = "demon.controller demon.controller_options demon.coupling_cold_eV_per_A2 demon.kappa_ratios"
    couplings = [(demon.coupling_cold_eV_per_A2, study.coupling_hot_eV_per_A2(ratio)) for ratio in demon.kappa_ratios]
    # Typical distance of a free particle at this temperature from its trap.
    spread = (BOLTZMANN * study.baths.temperature_cold_K / min(study.trap.stiffness)) ** 0.5
    problem = controller_problem(demon.controller, couplings, demon.controller_options, spread, study.timestep_ps)
    return _broken(problem is not None, fields, f"demon.controller: {problem}")


def _metal(study: Study) -> list[tuple[set[str], str]]:
    """Whether the time step resolves the fastest vibration of a Lennard-Jones metal, ω² = 8 V''/m in an fcc crystal."""
    if study.engine != "lammps" or study.interactions.template:
        return []
    metal = study.materials.metal
    apart = metal.lattice_A / math.sqrt(2)
    if study.materials.cutoff_A <= apart:
        return _broken(
            True,
            "materials.cutoff_A materials.metal engine interactions",
            f"materials.cutoff_A = {study.materials.cutoff_A:g} is not longer than the distance of neighbours in "
            f"{metal.symbol}, {apart:.3g} Å, so nothing would hold the particles together: use a longer one (usual: 2.5 σ "
            "of the fluid)",
        )
    sixth = (metal.sigma_A / apart) ** 6
    stiffness = 4 * metal.epsilon_eV / apart**2 * (156 * sixth**2 - 42 * sixth)
    if stiffness <= 0:  # no crystal with this lattice
        return []
    period = 2 * math.pi * math.sqrt(metal.mass_u * ATOMIC_MASS / (8 * stiffness))
    cause = (
        f"{metal.symbol}, whose atoms vibrate in {1000 * period:.3g} fs, which {STEPS_PER_VIBRATION} steps must resolve"
    )
    return _unresolved(study, "materials.metal", period / STEPS_PER_VIBRATION, cause, " (usual: 4 to 5)")


def _springs(study: Study) -> list[tuple[set[str], str]]:
    """Whether the time step resolves the motion that trap, linear controller and cold damping make."""
    demon, mass = study.demon, study.particle_mass_eV_ps2_per_A2
    trap, fields = max(study.trap.stiffness), "trap.stiffness_eV_per_A2"
    springs = [(fields, f"a trap of {trap:g} eV/Å²", trap)]
    if demon.controller == "linear":
        fields += " demon.kappa_ratios demon.coupling_cold_eV_per_A2"
        cold = abs(demon.coupling_cold_eV_per_A2)
        springs += [
            (fields, f"demon.kappa_ratios: {ratio}", trap + cold + abs(study.coupling_hot_eV_per_A2(ratio)))
            for ratio in demon.kappa_ratios
        ]
    periods = [2 * math.pi * math.sqrt(mass / stiffness) for _, _, stiffness in springs]
    too_short = [each for each in zip(springs, periods, strict=True) if study.timestep_ps > each[1] / STEPS_PER_PERIOD]
    found = []
    for (names, spring, _), period in too_short[:1]:  # the cure is for the stiffest spring, and so for all
        oscillates = (
            f"with which a particle oscillates in {1000 * period:.3g} fs, which {STEPS_PER_PERIOD} steps must resolve"
        )
        longest = min(periods) / STEPS_PER_PERIOD
        found += _unresolved(study, names, longest, f"{spring}, {oscillates}", ", or softer springs")
    for side, damping in zip(SIDES, demon.damping, strict=True):
        if not damping or demon.feedback.update_every_ps is not None:  # a loop with updates has its own rule
            continue
        field, time = f"demon.damping_{side}_kg_per_s", mass / abs(damping)
        cause = f"{field} = {damping * FRICTION_SI:g}, which changes a velocity in {1000 * time:.3g} fs"
        found += _unresolved(study, field, 2 * math.pi * time / STEPS_PER_PERIOD, cause, ", or weaker damping")
    return found


def _motion(study: Study) -> list[tuple[set[str], str]]:
    """Whether moving traps stay in their baths, and a period is neither too short for the time step nor longer than a run."""
    found = []
    # Beyond this distance the demon counts a particle as lost; two thermal widths remain for its random motion.
    room = study.edge_A / 2 - study.radius_A
    run_ps = study.schedule.sweep_ns * 1000
    for side in SIDES:
        field, motions = f"trap.motion_{side}", study.trap.motion_of(side)
        total = sum(each.amplitude_A for each in motions)
        width = (BOLTZMANN * study.temperature_K(side) / min(study.trap.stiffness)) ** 0.5
        found += _broken(
            bool(motions) and study.engine == "lammps" and total + 2 * width > room,
            f"{field} baths.edge_nm trap.stiffness_eV_per_A2 nanoparticle.radius_lattice",
            f"{field}: amplitudes of {total:g} Å in all, with thermal motion of {width:.2g} Å, move the {side} particle out of "
            f"its bath, in which it has {room:.3g} Å on each side: make them smaller, or baths.edge_nm larger",
        )
        for each in motions:
            shortest = STEPS_PER_PERIOD * study.timestep_ps
            found += _broken(
                not shortest <= each.period_ps <= run_ps,
                f"{field} integration.timestep_fs schedule.sweep_ns",
                f"{field}: period_ps = {each.period_ps:g} must be from {shortest:g} ps ({STEPS_PER_PERIOD} time steps) to "
                f"{run_ps:g} ps (schedule.sweep_ns): choose another period, or change these fields",
            )
    return found


# --- lengths ---------------------------------------------------------------------------------------------------------------


def _lengths(study: Study) -> list[tuple[set[str], str]]:
    schedule, drag = study.schedule, study.drag
    step = ("integration.timestep_fs", study.timestep_ps)
    sample = ("schedule.sample_every_ps", schedule.sample_every_ps)
    frame = ("schedule.trajectory_every_ps", schedule.trajectory_every_ps)
    segment = ("schedule.segment_ps", schedule.segment_ps)
    drag_lengths = (
        ("drag.equilibration_ps", drag.equilibration_ps, step),
        ("drag.duration_ns", drag.duration_ns * 1000, segment),
    )
    found = []
    for field, length, (divisor_field, divisor) in (
        ("schedule.equilibration_ps", schedule.equilibration_ps, step),
        ("schedule.relaxation_ps", schedule.relaxation_ps, step),
        ("schedule.sample_every_ps", schedule.sample_every_ps, step),
        ("schedule.trajectory_every_ps", schedule.trajectory_every_ps, step),
        ("schedule.segment_ps", schedule.segment_ps, sample),
        ("schedule.segment_ps", schedule.segment_ps, frame),
        ("schedule.friction_ns", schedule.friction_ns * 1000, segment),
        ("schedule.sweep_ns", schedule.sweep_ns * 1000, segment),
        *(drag_lengths if drag.forces_nN else ()),
    ):
        count = length / divisor
        steps, steps_of_one = study.steps(length), study.steps(divisor)
        is_whole = abs(count - round(count)) <= 1e-6 * count and round(count) >= 1
        found += _broken(
            not is_whole,
            f"{field} {divisor_field}",
            f"{field} ({length:g} ps) must be a whole multiple of {divisor_field} ({divisor:g} ps)",
        )
        # Runs advance in steps, so that one of other steps would not end where the field says.
        found += _broken(
            is_whole and steps != round(count) * steps_of_one,
            f"{field} {divisor_field} integration.timestep_fs",
            f"integration.timestep_fs = {study.integration.timestep_fs!r} makes {steps} steps of {field} ({length:g} ps), but "
            f"{steps_of_one} of {divisor_field} ({divisor:g} ps), of which it is {round(count)}: write the step with more "
            "digits, or one that divides both",
        )
        samples = length / schedule.sample_every_ps
        found += _broken(
            field.endswith("_ns") and samples > MOST_SAMPLES,
            f"{field} schedule.sample_every_ps",
            f"{field} ({length:g} ps) makes {samples:.3g} samples of one run, more than {MOST_SAMPLES:g}, and their series "
            "would not fit into memory: sample less often (schedule.sample_every_ps), or use more replicas of shorter runs",
        )
    return found


def _steps(study: Study) -> list[tuple[set[str], str]]:
    """What LAMMPS itself asks of the time step and of the neighbour lists; the exact engine has neither."""
    if study.engine != "lammps":
        return []
    found = []
    step_fs, skin = study.integration.timestep_fs, study.integration.neighbour_skin_A
    lengths = {"segment_ps": study.schedule.segment_ps} | (
        {"filling_ps": study.schedule.filling_ps} if study.aim else {}
    )
    for name, length in lengths.items():
        count = length / study.timestep_ps
        found += _broken(
            count > MOST_STEPS,
            f"schedule.{name} integration.timestep_fs engine",
            f"integration.timestep_fs = {step_fs:g} makes {count:.3g} steps of schedule.{name} = {length:g}, and LAMMPS takes "
            f"at most {MOST_STEPS} in one run: use a longer time step (usual: 4 to 5 fs), or a shorter schedule.{name}",
        )
    schedule, drag = study.schedule, study.drag
    stages = {
        "schedule.equilibration_ps": schedule.equilibration_ps,
        "schedule.relaxation_ps": schedule.relaxation_ps,
        "schedule.friction_ns": 1000 * schedule.friction_ns,
        "schedule.sweep_ns": 1000 * schedule.sweep_ns,
    }
    if drag.forces_nN:
        stages |= {"drag.equilibration_ps": drag.equilibration_ps, "drag.duration_ns": 1000 * drag.duration_ns}
    for name, length in stages.items():
        found += _broken(
            length / schedule.segment_ps > MOST_SEGMENTS,
            f"schedule.segment_ps {name} engine",
            f"{name} ({length:g} ps) makes {length / schedule.segment_ps:.3g} segments of schedule.segment_ps = "
            f"{schedule.segment_ps:g}, more than {MOST_SEGMENTS:g}: use longer segments (usual: 100)",
        )
    damping, least = study.baths.thermostat_damping_ps, STEPS_PER_DAMPING * study.timestep_ps
    found += _broken(
        damping < least * (1 - 1e-9),
        "baths.thermostat_damping_ps integration.timestep_fs engine",
        f"baths.thermostat_damping_ps = {damping:g} is shorter than {STEPS_PER_DAMPING} time steps of "
        f"integration.timestep_fs = {step_fs:g}: use at least {least:g} ps (usual: 1)",
    )
    field = "interactions.range_A" if study.interactions.template else "materials.cutoff_A"
    return found + _broken(
        skin > study.range_A,
        f"integration.neighbour_skin_A {field} engine interactions",
        f"integration.neighbour_skin_A = {skin:g} is longer than the forces themselves, {field} = {study.range_A:g}, and the "
        "neighbour lists would contain mostly atoms that do not interact: use a smaller skin (usual: 0.8)",
    )
