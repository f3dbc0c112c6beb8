"""Two optically trapped silica spheres in water at room temperature: the machine in micrometres and milliseconds.

The hot bath is realised by a random force with a white spectrum on one sphere (I. A. Martínez et al., Phys. Rev. E 87, 032159
(2013)). The loop of optical tweezers with a field-programmable gate array samples at 200 kHz and has a delay of some 15 µs
(A. E. Wallin, H. Ojala, E. Hæggström & R. Tuma, Appl. Phys. Lett. 92, 224104 (2008)). A camera takes milliseconds.
"""

from __future__ import annotations

import math

from analysis.model.pair import LangevinPair
from analysis.units import FRICTION_SI, MASS_SI, STIFFNESS_SI

WATER_PA_S = 1.0016e-3
"""Viscosity of water at 20 °C, Pa s (J. Kestin, M. Sokolov & W. A. Wakeham, J. Phys. Chem. Ref. Data 7, 941 (1978))."""
SILICA_KG_PER_M3 = 2000.0
"""Density of silica spheres, kg/m³; it hardly matters, because their motion is overdamped."""
ROOM_K = 293.15

PN_PER_UM = 1e-6 / STIFFNESS_SI
"""1 pN/µm, 10⁻⁶ N/m, in eV/Å²."""


def colloid(
    *,
    radius_um: float = 0.5,
    trap_pN_per_um: float = 10.0,
    coupling_cold_pN_per_um: float = 10.0,
    coupling_hot_pN_per_um: float = 48.0,
    temperature_cold_K: float = ROOM_K,
    temperature_hot_K: float = 1.2 * ROOM_K,
) -> LangevinPair:
    """Two spheres with Stokes friction, 6πηR, in the units of all models: Å, ps, eV.

    Powers in eV/ps are k_BT per second times ``k_BT · 10¹²``. The default ratios of couplings and temperatures are those of the
    paper's refrigerator.

    Args:
        radius_um: of each sphere.
        trap_pN_per_um: stiffness of both traps.
        coupling_cold_pN_per_um, coupling_hot_pN_per_um: κ_C and κ_H of the controller.
        temperature_cold_K, temperature_hot_K: of the water, and effective one of the driven sphere.

    Raises:
        ValueError: if a value is not physical.
    """
    radius = 1e-6 * radius_um
    mass = 4 / 3 * math.pi * radius**3 * SILICA_KG_PER_M3
    friction = 6 * math.pi * WATER_PA_S * radius / FRICTION_SI
    return LangevinPair(
        mass=mass / MASS_SI,
        friction_cold=friction,
        friction_hot=friction,
        trap=trap_pN_per_um * PN_PER_UM,
        coupling_cold=coupling_cold_pN_per_um * PN_PER_UM,
        coupling_hot=coupling_hot_pN_per_um * PN_PER_UM,
        temperature_cold=temperature_cold_K,
        temperature_hot=temperature_hot_K,
    )
