"""Checks of a study that do not concern heat: equipartition without controller, and the atoms."""

from __future__ import annotations

from typing import Any

from analysis.data.parameters import SIDES, Parameters
from analysis.friction.particle import Shell
from analysis.friction.result import POOLED, AxisResult, FrictionResult
from analysis.report.verdict import Z_AGREES
from analysis.report.words import measured, number, z_score
from analysis.statistics.timeseries import known
from analysis.structure.result import CAVITY_RATIO, AdsorbedLayer, MetalTemperature, Structure


def study_checks(friction: FrictionResult, structure: Structure | None, parameters: Parameters) -> list[dict[str, Any]]:
    """All checks of a study.

    Args:
        friction: measured in its runs without controller.
        structure: its atoms; ``None`` if there are none.
        parameters: of any of its points.

    Returns:
        For each check ``what``, ``found`` and ``expected`` as text, and ``ok``: ``None`` if the value is shown without a limit.
    """
    pooled = friction.axes.get(POOLED)
    if pooled is not None:
        checks = _equilibrium_checks(pooled)
    else:
        sets = friction.axes.items()
        checks = [check for axes, each in sets for check in _equilibrium_checks(each, f" along {', '.join(axes)}")]
    return checks + _structure_checks(structure, parameters, friction.dressed)


def _finding(what: str, found: str, expected: str, ok: bool | None) -> dict[str, Any]:
    return {"what": what, "found": found, "expected": expected, "ok": ok}


def _equilibrium_checks(result: AxisResult, along: str = "") -> list[dict[str, Any]]:
    """Equipartition in the run without controller, along some axes."""
    rows = []
    for side, particle in zip(SIDES, result.particles, strict=True):
        for what, found in (
            (f"⟨X²⟩ of the {side} particle{along}, Å²", particle.position_variance),
            (f"m⟨V²⟩/k_B of the {side} particle{along}, K", particle.temperature),
        ):
            z = known(found.z)
            ok = None if z is None else abs(z) < Z_AGREES
            value = measured(found.measured.value, known(found.measured.se))
            rows.append(_finding(what, value, f"{found.expected:.4g} (z {z_score(z)})", ok))
    return rows


def _structure_checks(
    structure: Structure | None, parameters: Parameters, dressed: tuple[Shell, Shell] | None
) -> list[dict[str, Any]]:
    """Checks of the atoms: leaks, cavities, intact particles, temperatures, pressure, and adsorbed fluid."""
    if structure is None:
        return []
    leaked = structure.leaked_atoms
    rows = [_finding("Atoms beyond a wall of their side, at most", str(leaked), "0", leaked == 0)]
    for j, side in enumerate(SIDES):
        found = structure.sides[side]
        emptiest = found.emptiest_cell
        rows += [
            _finding(
                f"Emptiest cell of the {side} bath, in mean densities",
                "bath too small" if emptiest is None else number(emptiest, 2),
                f"above {CAVITY_RATIO:g}: no cavity",
                None if emptiest is None else not found.has_cavity,
            ),
            _finding(
                f"Connected atoms, {side} particle, at least",
                str(found.largest_cluster),
                f"{found.particle_atoms}: intact",
                found.is_intact,
            ),
            _finding(
                f"Mean temperature of the {side} fluid, K",
                number(found.temperature, 2),
                f"{parameters.temperature[j]:g}",
                None,
            ),
            # Between walls the force on them over their area is another number, since the fluid in layers on metal counts here.
            _finding(
                f"Mean {'effective ' if found.walls else ''}pressure of the {side} fluid, bar",
                number(found.pressure, 0),
                "not the force on the walls" if found.walls else "",
                None,
            ),
            _finding(
                f"Self-diffusion of the {side} fluid far from metal, 10⁻⁹ m²/s",
                measured(found.self_diffusion.value, found.self_diffusion.se, 1e9)
                if found.self_diffusion
                else "unknown",
                "",
                None,
            ),
            _internal_temperature(side, found.metal),
            _first_layer(side, found.around.layer, parameters.mass[j], dressed and dressed[j]),
        ]
    return rows


def _internal_temperature(side: str, metal: MetalTemperature) -> dict[str, Any]:
    found = "not measured" if metal.mean is None else measured(metal.mean.value, known(metal.mean.se))
    expected = f"{metal.expected:.4g} (z {z_score(metal.z)})"
    ok = None if metal.z is None else abs(metal.z) < Z_AGREES
    return _finding(f"Internal temperature of the {side} particle, K", found, expected, ok)


def _first_layer(side: str, layer: AdsorbedLayer | None, mass: float, dressed: Shell | None) -> dict[str, Any]:
    found = "no distinct layer" if layer is None else measured(layer.mass_ratio.value, known(layer.mass_ratio.se))
    expected = ""
    if dressed is not None:
        shell = measured(dressed.mass.value, dressed.mass.se, 1 / mass)
        expected = f"dressed particle: M/m = {shell}"
    return _finding(f"Mass of the first layer of fluid on the {side} particle, m", found, expected, None)
